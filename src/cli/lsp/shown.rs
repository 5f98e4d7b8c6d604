//! The published diagnostics by file, and which of them changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsp_types as lsp;

use super::places::{Columns, file_of, uri_of};
use crate::finding::{Finding, Severity};
use crate::fix::{self, Safety};
use crate::report::Secrets;
use crate::source::{SourceFile, Sources};

/// A diagnostic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shown {
    pub(super) diagnostic: lsp::Diagnostic,
    /// The edit that fixes it.
    pub(super) action: Option<Action>,
}

/// An edit that is offered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Action {
    pub(super) title: String,
    pub(super) safety: Safety,
    pub(super) path: PathBuf,
    pub(super) edit: lsp::TextEdit,
}

/// Diagnostics by file.
pub(super) type ByFile = BTreeMap<PathBuf, Vec<Shown>>;

/// What is diagnosed together, so that its diagnostics are replaced together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// The project in a directory.
    Project(PathBuf),
    /// The manifests in a directory.
    Manifests(PathBuf),
}

/// All published diagnostics.
#[derive(Debug, Default)]
pub(super) struct Published(BTreeMap<Scope, ByFile>);

impl Published {
    /// Replaces the diagnostics of a scope; returns those to publish: of files whose diagnostics differ, and of the
    /// changed file.
    pub(super) fn replace(
        &mut self,
        scope: Scope,
        found: ByFile,
        changed: Option<&Path>,
    ) -> Vec<lsp::PublishDiagnosticsParams> {
        let before = self.0.insert(scope, found.clone()).unwrap_or_default();
        let mut paths: BTreeSet<&Path> = before.keys().chain(found.keys()).map(PathBuf::as_path).collect();
        paths.retain(|path| before.get(*path) != found.get(*path));
        paths.extend(changed);
        let params = |path: &Path| {
            let diagnostics = self.of(path).map(|shown| shown.diagnostic.clone()).collect();
            Some(lsp::PublishDiagnosticsParams { uri: uri_of(path)?, diagnostics, version: None })
        };
        paths.into_iter().filter_map(params).collect()
    }

    /// The diagnostics of a file.
    pub(super) fn of<'p>(&'p self, path: &'p Path) -> impl Iterator<Item = &'p Shown> {
        self.0.values().filter_map(move |found| found.get(path)).flatten()
    }
}

/// Adds diagnostics without duplicates.
pub(super) fn add(found: &ByFile, into: &mut ByFile) {
    for (path, found) in found {
        let known = into.entry(path.clone()).or_default();
        for one in found {
            if !known.contains(one) {
                known.push(one.clone());
            }
        }
    }
}

/// Groups findings as diagnostics by file.
pub(super) fn by_file(columns: Columns, sources: &Sources, findings: &[Finding], secrets: &Secrets) -> ByFile {
    let mut found = ByFile::new();
    for finding in findings {
        let Some((file, path)) = file_of(sources, finding.span.file) else { continue };
        let action = fix::of(sources, finding).and_then(|fix| {
            let (file, path) = file_of(sources, fix.edit.span.file)?;
            let edit = lsp::TextEdit { range: columns.range(&file, fix.edit.span), new_text: fix.edit.text };
            Some(Action { title: fix.title, safety: fix.safety, path, edit })
        });
        let shown = Shown { diagnostic: diagnostic(columns, sources, &file, finding, secrets), action };
        let known = found.entry(path).or_default();
        if !known.contains(&shown) {
            known.push(shown);
        }
    }
    found
}

fn diagnostic(
    columns: Columns,
    sources: &Sources,
    file: &SourceFile,
    finding: &Finding,
    secrets: &Secrets,
) -> lsp::Diagnostic {
    let mut message = secrets.words(&finding.message);
    for more in [&finding.label, &finding.help].into_iter().filter(|more| !more.is_empty()) {
        message += "\n";
        message += &secrets.words(more);
    }
    let related = finding.related.iter().filter_map(|(span, words)| {
        let (file, path) = file_of(sources, span.file)?;
        let location = lsp::Location { uri: uri_of(&path)?, range: columns.range(&file, *span) };
        Some(lsp::DiagnosticRelatedInformation { location, message: secrets.words(words) })
    });
    let related: Vec<_> = related.collect();
    lsp::Diagnostic {
        range: columns.range(file, finding.span),
        severity: Some(match finding.severity {
            Severity::Error => lsp::DiagnosticSeverity::ERROR,
            Severity::Warning => lsp::DiagnosticSeverity::WARNING,
            Severity::Note => lsp::DiagnosticSeverity::INFORMATION,
        }),
        code: Some(lsp::NumberOrString::String(finding.rule.to_string())),
        source: Some("plimsoll".to_owned()),
        message,
        related_information: (!related.is_empty()).then_some(related),
        ..Default::default()
    }
}
