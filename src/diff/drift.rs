//! A committed file against what is rendered, a line a field: for `render --verify`.

use crate::check::Options;
use crate::check::input::Input;
use crate::diff::show::{Shown, ShownField, ShownWhat, State, Tag, show};
use crate::diff::terminal::secret;
use crate::diff::{Hide, compare};
use crate::object::Object;
use crate::source::Sources;

/// How many lines are told of one file.
const MOST_LINES: usize = 20;

/// In what a committed file differs from what is rendered, each field on a line of its own and without secrets:
/// `Service/datastorage spec.ports[0].nodePort: 30099 in the file, 30081 rendered`.
#[must_use]
pub fn drift(name: &str, committed: &str, rendered: &str) -> Vec<String> {
    let sources = Sources::new();
    let (file, errors) = objects(&sources, name, committed);
    if errors > 0 {
        return vec!["the file does not contain valid manifests".to_owned()];
    }
    let (now, _) = objects(&sources, name, rendered);
    let hide = Hide::of(&sources, file.iter().chain(&now));
    let changes = compare(&file, &now, &Options::default());
    let mut lines: Vec<String> = changes.iter().flat_map(|change| told(&show(change, &hide, Vec::new()))).collect();
    if lines.is_empty() {
        lines.push("only comments, order or layout".to_owned());
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES + 1;
        lines.truncate(MOST_LINES - 1);
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

fn told(change: &Shown) -> Vec<String> {
    let title = change.title();
    match change.state {
        State::Added => return vec![format!("{title} is not in the file")],
        State::Removed => return vec![format!("{title} is in the file and not rendered")],
        State::Changed => {}
    }
    let mut lines = Vec::new();
    if let Some(old) = &change.old_name {
        lines.push(format!("{title} is named {old} in the file"));
    }
    lines.extend(change.fields.iter().map(|field| format!("{title} {}", line(field))));
    lines
}

fn line(shown: &ShownField) -> String {
    let field = &shown.field;
    match &shown.what {
        ShownWhat::Values { old: Some(old), new: Some(new) } => format!("{field}: {old} in the file, {new} rendered"),
        ShownWhat::Values { old: Some(old), new: None } => format!("{field}: {old} in the file, not rendered"),
        ShownWhat::Values { old: None, new } => {
            format!("{field}: not in the file, {} rendered", new.as_deref().unwrap_or_default())
        }
        ShownWhat::Block { added: true, .. } => format!("{field}: not in the file"),
        ShownWhat::Block { added: false, .. } => format!("{field}: in the file, not rendered"),
        ShownWhat::Text { lines, .. } => {
            let count = |tag| lines.iter().filter(|line| line.tag == tag).count();
            format!("{field}: {} lines of the file, {} rendered", count(Tag::Removed), count(Tag::Added))
        }
        ShownWhat::Secret { was, is } => format!("{field}: {}", secret(*was, *is)),
        ShownWhat::Checksum => format!("{field}: another checksum"),
        ShownWhat::Follows(name) => format!("{field}: another name of {name}"),
        ShownWhat::Order { old, new } => format!("{field}: {old} in the file, {new} rendered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_and_secrets_are_not() {
        let service =
            "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80, nodePort: 30081}]}\n";
        let edited = service.replace("30081", "30099");
        assert_eq!(
            drift("x.yaml", &edited, service),
            ["Service/a spec.ports[0].nodePort: 30099 in the file, 30081 rendered"]
        );
        assert_eq!(drift("x.yaml", &format!("# hm\n{service}"), service), ["only comments, order or layout"]);
        assert_eq!(drift("x.yaml", "", service), ["Service/a is not in the file"]);
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {token: abcdefg}\n";
        assert_eq!(
            drift("x.yaml", &secret.replace("abcdefg", "hijklmn"), secret),
            ["Secret/a stringData[token]: a secret, changed"]
        );
    }
}
