//! Edits that fix findings. For people: a line with the finding, then the removed and the added lines.

use crate::finding::Finding;
use crate::fix::{self, Fix};
use crate::report::{Secrets, plain};
use crate::source::{Sources, Span};

/// The edit that fixes a finding, for machine-readable reports; `None` if it would reveal a secret.
pub(super) fn shown(sources: &Sources, finding: &Finding, secrets: &Secrets) -> Option<Fix> {
    let fix = fix::of(sources, finding)?;
    let hides = fix.is_secret || secrets.words(&fix.edit.text) != fix.edit.text;
    (!hides).then(|| Fix { title: secrets.words(&fix.title), ..fix })
}

/// Shows the lines that fixes change. Lines of Secrets are omitted.
#[must_use]
pub fn fixes(sources: &Sources, fixes: &[(Finding, Fix)], secrets: &Secrets) -> String {
    let mut out = String::new();
    for (finding, fix) in fixes {
        let span = fix.edit.span;
        let Some(file) = sources.get(span.file) else { continue };
        out +=
            &format!("{}: {} [{}]\n", plain(&sources.describe(span)), plain(&secrets.words(&fix.title)), finding.rule);
        let is_secret = finding.object.as_ref().is_some_and(|object| object.kind == "Secret");
        let start = file.text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
        let end = file.text[span.end as usize..].find('\n').map_or(file.text.len(), |at| span.end as usize + at + 1);
        // An edit that removes whole lines ends after the last of them.
        let end = if file.text[..span.end as usize].ends_with('\n') { span.end as usize } else { end };
        if is_secret || secrets.has_secret_within(Span::new(span.file, start as u32, end as u32)) {
            continue;
        }
        let old = &file.text[start..end];
        let moved = fix::Edit {
            span: Span::new(span.file, span.start - start as u32, span.end - start as u32),
            text: fix.edit.text.clone(),
        };
        let (new, _) = fix::apply(old, span.file, &[moved]);
        for (sign, text) in [('-', old), ('+', new.as_str())] {
            for line in text.lines() {
                out += &format!("{sign}{}\n", plain(&secrets.content(line)));
            }
        }
    }
    out
}
