//! Validates the JSON paths in a CustomResourceDefinition: of rules, columns, selectable fields and the scale subresource.

use super::is_schema;
use crate::formats::Checked;
use crate::node::Node;

/// Resolves a path such as `.spec.size` or `.map['key']` to the schema of the field.
///
/// # Errors
/// A phrase that says why the path is invalid.
///
/// Restates `ValidFieldPath`.
pub(crate) fn resolve<'n>(schema: &'n Node, path: &str, brackets: bool) -> Result<&'n Node, &'static str> {
    const NO_FIELD: &str = "it does not refer to a valid field";
    let (mut at, mut rest) = (schema, path);
    while !rest.is_empty() {
        let name;
        (name, rest) = if let Some(after) = rest.strip_prefix('.') {
            if after.is_empty() {
                return Err("it ends with a dot");
            }
            let end = after.find(['.', '[', ']']).unwrap_or(after.len()).max(1);
            (after[..end].to_owned(), &after[end..])
        } else if let Some(after) = rest.strip_prefix('[') {
            if !brackets {
                return Err("brackets are not allowed");
            }
            let quoted = after.strip_prefix('\'').ok_or("expected a single-quoted string after `[`")?;
            let end = closing_quote(quoted).ok_or("the quoted string does not end")?;
            let after = quoted[end + 1..].strip_prefix(']').ok_or("expected `]`")?;
            (quoted[..end].replace("\\'", "'").replace("\\\\", "\\"), after)
        } else {
            return Err("it must consist of `.name` and `['name']`");
        };
        let (properties, additional) = (&at["properties"], &at["additionalProperties"]);
        at = if !properties.entries().is_empty() {
            properties.get(&name).ok_or(NO_FIELD)?
        } else if is_schema(additional) {
            additional
        } else {
            return Err(NO_FIELD);
        };
    }
    Ok(at)
}

fn closing_quote(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len()).find(|at| bytes[*at] == b'\'' && (*at == 0 || bytes[*at - 1] != b'\\'))
}

/// Checks the syntax of the path of a column or of the scale subresource.
///
/// Restates `validateSimpleJSONPath`.
pub(crate) fn simple(path: &str) -> Checked {
    if path.starts_with('.') { Ok(()) } else { Err("must be a JSON path that starts with `.`") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::source::Sources;
    use crate::yaml::{Dialect, load};

    #[test]
    fn paths_follow_the_schema() {
        let text = "{properties: {spec: {properties: {a: {type: string}, 'b.c': {type: integer}}}, m: {additionalProperties: \
                    {type: boolean}}}}";
        let sources = Sources::new();
        let schema = load(&sources, sources.add("s.yaml", text), Dialect::Kubectl).documents.remove(0);
        let ty =
            |path: &str, brackets| resolve(&schema, path, brackets).map(|node| node["type"].text().to_owned()).ok();
        assert_eq!(ty(".spec.a", false).as_deref(), Some("string"));
        assert_eq!(ty(".spec['b.c']", true).as_deref(), Some("integer"));
        assert_eq!(ty(".m['x']", true).as_deref(), Some("boolean"));
        assert_eq!(ty(".m.x", true).as_deref(), Some("boolean"));
        assert_eq!(ty("", true).as_deref(), Some(""));
        for path in ["spec", ".spec.", ".spec.x", ".spec[a]", ".spec['a", ".spec['a'x", ".spec.a.b", ".spec['a']"] {
            assert_eq!(ty(path, false), None, "{path}");
        }
    }
}
