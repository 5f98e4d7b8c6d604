//! The differences between a committed file and the rendered manifests, one line for each field: for `render --verify`.

use crate::check::Options;
use crate::check::input::Input;
use crate::diff::terminal::secret;
use crate::diff::view::{ChangeKind, ChangeView, DifferenceView, FieldView, LineKind, view};
use crate::diff::{Redactor, compare};
use crate::object::Object;
use crate::source::Sources;

/// The maximum number of lines for a file.
const MAX_LINES: usize = 20;

/// The differences between a committed file and the rendered manifests, one line for each field, with secrets redacted:
/// `Service/datastorage spec.ports[0].nodePort: 30099 in the file, 30081 rendered`.
#[must_use]
pub fn drift(name: &str, committed: &str, rendered: &str) -> Vec<String> {
    let sources = Sources::new();
    let (in_file, errors) = objects(&sources, name, committed);
    if errors > 0 {
        return vec!["the file does not contain valid manifests".to_owned()];
    }
    let (now_rendered, _) = objects(&sources, name, rendered);
    let redactor = Redactor::of(&sources, in_file.iter().chain(&now_rendered));
    let changes = compare(&in_file, &now_rendered, &Options::default());
    let mut lines: Vec<String> =
        changes.iter().flat_map(|change| describe(&view(change, &redactor, Vec::new()))).collect();
    if lines.is_empty() {
        lines.push("only comments, order or formatting".to_owned());
    }
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES + 1;
        lines.truncate(MAX_LINES - 1);
        lines.push(format!("and {more} more; `plimsoll diff` shows all"));
    }
    lines
}

fn objects(sources: &Sources, name: &str, text: &str) -> (Vec<Object>, usize) {
    let mut input = Input::default();
    input.add(sources, sources.add(name, text), true);
    let errors = input.findings.iter().filter(|finding| finding.severity == crate::finding::Severity::Error);
    (input.objects, errors.count())
}

fn describe(change: &ChangeView) -> Vec<String> {
    let title = change.title();
    match change.kind {
        ChangeKind::Added => return vec![format!("{title} is not in the file")],
        ChangeKind::Removed => return vec![format!("{title} is in the file, but not rendered")],
        ChangeKind::Changed => {}
    }
    let mut lines = Vec::new();
    if let Some(old) = &change.old_name {
        lines.push(format!("{title} is named {old} in the file"));
    }
    lines.extend(change.fields.iter().map(|field| format!("{title} {}", line(field))));
    lines
}

fn line(view: &FieldView) -> String {
    let field = &view.field;
    match &view.difference {
        DifferenceView::Values { old: Some(old), new: Some(new) } => {
            format!("{field}: {old} in the file, {new} rendered")
        }
        DifferenceView::Values { old: Some(old), new: None } => format!("{field}: {old} in the file, not rendered"),
        DifferenceView::Values { old: None, new } => {
            format!("{field}: not in the file, {} rendered", new.as_deref().unwrap_or_default())
        }
        DifferenceView::Block { added: true, .. } => format!("{field}: not in the file"),
        DifferenceView::Block { added: false, .. } => format!("{field}: in the file, not rendered"),
        DifferenceView::Text { lines, .. } => {
            let count = |kind| lines.iter().filter(|line| line.kind == kind).count();
            format!("{field}: {} lines of the file, {} rendered", count(LineKind::Removed), count(LineKind::Added))
        }
        DifferenceView::Secret { before, after } => format!("{field}: {}", secret(*before, *after)),
        DifferenceView::Checksum => format!("{field}: checksum changed"),
        DifferenceView::RenamedReference(name) => format!("{field}: name of {name} changed"),
        DifferenceView::Order { old, new } => format!("{field}: {old} in the file, {new} rendered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_listed_with_secrets_redacted() {
        let service =
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80, nodePort: 30081}]}\n";
        let edited = service.replace("30081", "30099");
        assert_eq!(
            drift("x.yaml", &edited, service),
            ["Service/a spec.ports[0].nodePort: 30099 in the file, 30081 rendered"]
        );
        assert_eq!(drift("x.yaml", &format!("# hm\n{service}"), service), ["only comments, order or formatting"]);
        assert_eq!(drift("x.yaml", "", service), ["Service/a is not in the file"]);
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: abcdefg}\n";
        assert_eq!(
            drift("x.yaml", &secret.replace("abcdefg", "hijklmn"), secret),
            ["Secret/a stringData[token]: secret changed"]
        );
    }
}
