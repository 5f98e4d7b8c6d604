//! Finds the position of a cursor in YAML that may be incomplete. It is derived from indentation, line by line,
//! without a parser.

/// A path segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathStep<'t> {
    /// The value of a key.
    Key(&'t str),
    /// An item of a list.
    Item,
}

/// The position of a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor<'t> {
    /// The path from the root of the document to the mapping that contains the line.
    pub(super) path: Vec<PathStep<'t>>,
    /// The key of the line, if the cursor is after its colon.
    pub(super) key: Option<&'t str>,
    /// The part of the key or value before the cursor.
    pub(super) prefix: &'t str,
    /// The document, without its separators.
    pub(super) document: &'t str,
}

/// A line of a block mapping or list.
struct BlockLine<'t> {
    /// The columns of its dashes.
    dashes: Vec<usize>,
    /// The column of what follows them.
    column: usize,
    /// What follows them.
    content: &'t str,
}

impl<'t> BlockLine<'t> {
    /// `None` for blank lines and comments.
    fn read(line: &'t str) -> Option<Self> {
        let mut column = line.len() - line.trim_start_matches(' ').len();
        let mut dashes = Vec::new();
        while line[column..].starts_with("- ") || &line[column..] == "-" {
            dashes.push(column);
            let rest = &line[column + 1..];
            column += 1 + rest.len() - rest.trim_start_matches(' ').len();
        }
        let content = line[column..].trim_end();
        let has_content = !dashes.is_empty() || !content.is_empty() && !content.starts_with('#');
        has_content.then_some(Self { dashes, column, content })
    }

    fn key(&self) -> Option<&'t str> {
        key_of(self.content).map(|(key, _)| key)
    }
}

/// The key at the start of a line's content, and the offset of its colon.
fn key_of(content: &str) -> Option<(&str, usize)> {
    let quote = content.chars().next().filter(|c| matches!(c, '"' | '\''));
    let colon = match quote {
        Some(quote) => content[1..].find(quote).map(|end| end + 2).filter(|end| content[*end..].starts_with(':'))?,
        None => content
            .match_indices(':')
            .map(|(at, _)| at)
            .find(|at| matches!(content[at + 1..].chars().next(), None | Some(' ')))?,
    };
    Some((content[..colon].trim_matches(['"', '\'']), colon))
}

/// The position of a byte offset. `None` inside flow collections and comments.
#[must_use]
pub(super) fn cursor(text: &str, offset: usize) -> Option<Cursor<'_>> {
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let start =
        text[..offset].rmatch_indices("---").map(|(at, _)| at).find(|at| *at == 0 || text[..*at].ends_with('\n'));
    let start = start.map_or(0, |at| at + 3).min(offset);
    let end = text[offset..].find("\n---").map_or(text.len(), |at| offset + at);
    let document = &text[start..end];
    let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1).max(start);
    let before = &text[line_start..offset];
    let mut found = Cursor { path: Vec::new(), key: None, prefix: "", document };
    let line = BlockLine::read(before).unwrap_or(BlockLine { dashes: Vec::new(), column: before.len(), content: "" });
    if before.trim_start().starts_with('#') || line.content.contains(" #") {
        return None;
    }
    match key_of(line.content) {
        Some((key, colon)) => {
            let value = line.content[colon + 1..].trim_start();
            if value.starts_with(['{', '[']) && !value.starts_with("{{") {
                return None;
            }
            (found.key, found.prefix) = (Some(key), value.trim_start_matches(['"', '\'']));
        }
        None => found.prefix = line.content.trim_start_matches(['"', '\'']),
    }
    let above: Vec<BlockLine<'_>> = text[start..line_start].lines().filter_map(BlockLine::read).collect();
    let mut column = line.column;
    let mut in_list = false;
    for dash in line.dashes.iter().rev() {
        found.path.push(PathStep::Item);
        (column, in_list) = (*dash, true);
    }
    for line in above.iter().rev() {
        let Some(key) = line.key().or_else(|| (!line.dashes.is_empty()).then_some("")) else { continue };
        if !in_list
            && line.column == column
            && let Some((first, dashes)) = line.dashes.split_last()
        {
            // The first line of the item that contains the mapping.
            found.path.push(PathStep::Item);
            (column, in_list) = (*first, true);
            for dash in dashes.iter().rev() {
                found.path.push(PathStep::Item);
                column = *dash;
            }
            continue;
        }
        let is_above = line.column < column || in_list && line.dashes.is_empty() && line.column == column;
        if !is_above || key.is_empty() {
            continue;
        }
        found.path.push(PathStep::Key(key));
        (column, in_list) = (line.column, false);
        for dash in line.dashes.iter().rev() {
            found.path.push(PathStep::Item);
            (column, in_list) = (*dash, true);
        }
    }
    found.path.reverse();
    Some(found)
}

/// The part of an expression between its `{{` and a byte offset.
#[must_use]
pub(super) fn expression(text: &str, offset: usize) -> Option<&str> {
    let before = &text[..text.floor_char_boundary(offset.min(text.len()))];
    let open = before.rfind("{{")?;
    let inner = &before[open + 2..];
    (!inner.contains("}}") && !inner.contains("\n---")).then_some(inner)
}

/// The dotted name at a byte offset, such as `image.tag`, up to the end of the segment at the offset.
#[must_use]
pub(super) fn dotted(text: &str, offset: usize) -> Option<&str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let offset = text.floor_char_boundary(offset.min(text.len()));
    let start = text[..offset]
        .rfind(|c| !is_part(c) && c != '.')
        .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
    // A string literal.
    if text[..start].ends_with(['"', '\'']) {
        return None;
    }
    let end = text[offset..].find(|c| !is_part(c)).map_or(text.len(), |at| offset + at);
    let name = &text[start..end];
    (!name.is_empty() && !name.starts_with('.') && !name.ends_with('.')).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The path to the `|` in a text, the text before it, and the key whose value it is in.
    fn at(text: &str) -> (String, String, Option<String>) {
        let offset = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let found = cursor(&text, offset).unwrap();
        let steps = found.path.iter().map(|step| match step {
            PathStep::Key(key) => (*key).to_owned(),
            PathStep::Item => "[]".to_owned(),
        });
        (steps.collect::<Vec<_>>().join("."), found.prefix.to_owned(), found.key.map(str::to_owned))
    }

    #[test]
    fn the_path_follows_indentation() {
        for (text, path, prefix, key) in [
            ("ap|", "", "ap", None),
            ("a: 1\nspec:\n  re|\n", "spec", "re", None),
            ("spec:\n  ports:\n  - name: a\n    po|", "spec.ports.[]", "po", None),
            ("spec:\n  ports:\n    - po|", "spec.ports.[]", "po", None),
            ("spec:\n  a:\n    b: 1\n  # why\n\n  c|", "spec", "c", None),
            ("spec:\n  a:\n  - x: 1\n    y:\n      z: 1\n  - w: 1\n    v|", "spec.a.[]", "v", None),
            ("spec:\n  type: Clu|", "spec", "Clu", Some("type")),
            ("spec:\n  type: \"Clu|\"", "spec", "Clu", Some("type")),
            ("a: 1\n---\nb:\n  c|\n---\nd: 1\n", "b", "c", None),
            ("- - a: 1\n    b|", "[].[]", "b", None),
            (
                "env:\n- name: A\n  valueFrom:\n    secretKeyRef:\n      name: d|",
                "env.[].valueFrom.secretKeyRef",
                "d",
                Some("name"),
            ),
            ("\"a b\":\n  c|", "a b", "c", None),
        ] {
            assert_eq!(at(text), (path.to_owned(), prefix.to_owned(), key.map(str::to_owned)), "{text}");
        }
        for text in ["a: {b|}", "# a|", "a: 1 # b|"] {
            assert_eq!(cursor(&text.replacen('|', "", 1), text.find('|').unwrap()), None, "{text}");
        }
    }

    #[test]
    fn expressions_and_names_at_the_cursor_are_found() {
        assert_eq!(expression("a: \"{{ image.ta }}\"", 14), Some(" image.t"));
        assert_eq!(expression("a: \"{{ x }} y\"", 12), None);
        assert_eq!(dotted("{{ image.tag | x }}", 5), Some("image"));
        assert_eq!(dotted("{{ image.tag | x }}", 10), Some("image.tag"));
        assert_eq!(dotted("{{ 'é' }}", 4), None);
    }
}
