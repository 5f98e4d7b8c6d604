//! Schemas of several files: a `$ref` may name another file of the project by its relative path.

use std::sync::Arc;

use super::Schema;
use super::compile::invalid;
use crate::finding::{Finding, Severity};
use crate::node::Node;
use crate::source::{FileId, Span};
use crate::yaml::{self, Dialect};

/// The maximum number of files of a schema.
const MAX_FILES: usize = 64;

/// Reads another file of a schema by its path in the project. An error is the reason why it cannot be read.
pub type Fetch<'a> = dyn FnMut(&str) -> Result<(FileId, Arc<str>), String> + 'a;

/// One file of a schema, parsed.
pub(super) struct Document {
    /// Its path in the project.
    pub(super) path: String,
    pub(super) root: Node,
}

/// A file that a `$ref` names and that has not been read.
pub(super) struct Missing {
    pub(super) path: String,
    /// The `$ref`.
    pub(super) span: Span,
}

/// Why a schema was not compiled.
pub(super) struct Incomplete {
    pub(super) findings: Vec<Finding>,
    pub(super) missing: Vec<Missing>,
}

impl Incomplete {
    /// The findings if no other file can be read.
    pub(super) fn alone(self) -> Vec<Finding> {
        let missing =
            self.missing.iter().map(|missing| invalid(missing.span, format!("cannot read `{}`", missing.path)));
        self.findings.into_iter().chain(missing).collect()
    }
}

/// Reads a file of a schema.
type Parse = dyn Fn(&str, FileId) -> Result<Node, Vec<Finding>>;

impl Schema {
    /// Reads a schema of one file.
    ///
    /// # Errors
    /// As [`Schema::load`].
    pub fn read(json: &str, file: FileId) -> Result<Self, Vec<Finding>> {
        Self::load("", json, file, &mut |_| Err("this schema is not part of a project".to_owned()))
            .map(|(schema, _)| schema)
    }

    /// Reads a schema from `json`, the contents of `file`, and from the files that it references. `path` is its path in the
    /// project. Returns the paths of the other files, too.
    ///
    /// # Errors
    /// If a file cannot be read or is not JSON, a keyword or format is unknown, a keyword has an invalid value, or a reference
    /// does not resolve.
    pub fn load(
        path: &str,
        json: &str,
        file: FileId,
        fetch: &mut Fetch<'_>,
    ) -> Result<(Self, Vec<String>), Vec<Finding>> {
        // The fast reader has no positions, which a valid schema does not need.
        let fast = &|json: &str, _| yaml::read_json(json).map_err(|_| Vec::new());
        Self::load_with(fast, path, json, file, fetch).or_else(|_| Self::load_with(&placed, path, json, file, fetch))
    }

    fn load_with(
        parse: &Parse,
        path: &str,
        json: &str,
        file: FileId,
        fetch: &mut Fetch<'_>,
    ) -> Result<(Self, Vec<String>), Vec<Finding>> {
        let mut documents = vec![Document { path: path.to_owned(), root: parse(json, file)? }];
        loop {
            let Incomplete { mut findings, missing } = match Self::compile_files(&documents) {
                Ok(schema) => {
                    let others = documents.into_iter().skip(1).map(|document| document.path);
                    return Ok((schema, others.collect()));
                }
                Err(incomplete) => incomplete,
            };
            let known = documents.len();
            for Missing { path, span } in missing {
                if documents[known..].iter().any(|document| document.path == path) {
                    continue;
                }
                if documents.len() == MAX_FILES {
                    findings.push(invalid(span, format!("a schema can have {MAX_FILES} files")));
                    break;
                }
                match fetch(&path) {
                    Ok((file, text)) => documents.push(Document { path, root: parse(&text, file)? }),
                    Err(why) => findings.push(invalid(span, why)),
                }
            }
            if !findings.is_empty() {
                return Err(findings);
            }
        }
    }
}

/// Reads JSON with the positions of its values.
fn placed(json: &str, file: FileId) -> Result<Node, Vec<Finding>> {
    let mut loaded = yaml::load_text(json, file, Dialect::Kubectl);
    if !loaded.findings.is_empty() {
        loaded.findings.iter_mut().for_each(|finding| finding.severity = Severity::Error);
        return Err(loaded.findings);
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(json) {
        let line = error.line().saturating_sub(1);
        let start: usize = json.split_inclusive('\n').take(line).map(str::len).sum();
        let at = (start + error.column().saturating_sub(1)).min(json.len()) as u32;
        return Err(vec![invalid(Span::new(file, at, at + 1), "invalid JSON")]);
    }
    loaded.documents.pop().ok_or_else(|| vec![invalid(Span::new(file, 0, 0), "the schema is empty")])
}

/// The path in the project of a file that another file references by a relative path.
///
/// # Errors
/// If it is a URL or outside the project.
pub(super) fn resolve(from: &str, reference: &str) -> Result<String, &'static str> {
    let is_url = reference.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
    if is_url || reference.starts_with("//") {
        return Err("schemas are not downloaded");
    }
    if reference.starts_with('/') || reference.contains('\\') {
        return Err("it must be a path relative to this file");
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in reference.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop().ok_or("it is outside the project")?,
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::source::Sources;

    /// A schema of these files, of which the first is the schema itself: the other files, or the first message with its position.
    fn load(files: &[(&str, &str)]) -> Result<(Schema, Vec<String>), String> {
        let sources = Sources::new();
        let others: BTreeMap<&str, &str> = files.iter().copied().collect();
        let (path, json) = files[0];
        let mut fetch = |path: &str| match others.get(path) {
            Some(text) => Ok((sources.add(path, *text), Arc::from(*text))),
            None => Err(format!("no file `{path}`")),
        };
        Schema::load(path, json, sources.add(path, json), &mut fetch).map_err(|findings| {
            let finding = &findings[0];
            format!("{} {}", sources.describe(finding.span), finding.message)
        })
    }

    fn fits(schema: &Schema, json: &str) -> bool {
        schema.fits(&yaml::read_json(json).unwrap())
    }

    #[test]
    fn a_reference_leads_into_another_file_and_back() {
        let (schema, others) = load(&[
            ("profiles/schema.json", r##"{"properties": {"a": {"$ref": "parts/a.json#/$defs/A"}, "b": {"$ref": "parts/b.json"}}, "$defs": {"S": {"type": "string"}}}"##),
            ("profiles/parts/a.json", r##"{"$defs": {"A": {"items": {"$ref": "#/$defs/B"}}, "B": {"$ref": "../schema.json#/$defs/S"}}}"##),
            ("profiles/parts/b.json", r##"{"properties": {"next": {"$ref": "./b.json"}, "a": {"$ref": "a.json#/$defs/B"}}}"##),
        ])
        .unwrap();
        assert_eq!(others, ["profiles/parts/b.json", "profiles/parts/a.json"]);
        assert!(fits(&schema, r#"{"a": ["x"], "b": {"next": {"a": "x"}}}"#));
        assert!(!fits(&schema, r#"{"a": [1]}"#));
        assert!(!fits(&schema, r#"{"b": {"next": {"next": {"a": 1}}}}"#));
    }

    #[test]
    fn what_cannot_be_read_is_reported_at_the_reference() {
        let error = |files: &[(&str, &str)]| load(files).unwrap_err();
        let one = |reference: &str| error(&[("p/s.json", &format!("{{\"$ref\": \"{reference}\"}}"))]);
        assert_eq!(one("x.json"), "p/s.json:1:10 no file `p/x.json`");
        assert_eq!(one("../../x.json"), "p/s.json:1:10 `$ref` to `../../x.json`: it is outside the project");
        assert_eq!(one("/x.json"), "p/s.json:1:10 `$ref` to `/x.json`: it must be a path relative to this file");
        let url = "https://example.org/x.json";
        assert_eq!(one(url), format!("p/s.json:1:10 `$ref` to `{url}`: schemas are not downloaded"));
        assert_eq!(one("urn:x"), "p/s.json:1:10 `$ref` to `urn:x`: schemas are not downloaded");
        let two = |second: &str| error(&[("p/s.json", "{\"$ref\": \"x.json#/a\"}"), ("p/x.json", second)]);
        assert_eq!(two("{}"), "p/s.json:1:10 `x.json#/a` does not resolve");
        assert_eq!(two("{\"a\": {\"typ\": 1}}"), "p/x.json:1:8 unknown keyword `typ` in the schema");
        assert_eq!(two("{\"a\": nope}"), "p/x.json:1:8 invalid JSON");
        assert!(two("{\"a\": {\"$ref\": \"s.json\"}}").contains("the schema is recursive"));
    }

    #[test]
    fn files_are_bounded() {
        let name = |at: usize| format!("{at}.json");
        let text = |at: usize| format!("{{\"properties\": {{\"a\": {{\"$ref\": \"{}\"}}}}}}", name(at + 1));
        let files: Vec<(String, String)> = (0..MAX_FILES + 1).map(|at| (name(at), text(at))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert!(load(&files).unwrap_err().contains("a schema can have 64 files"));
    }
}
