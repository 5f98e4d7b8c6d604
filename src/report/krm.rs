//! Findings as the results of a KRM function.
//!
//! The format:
//! <https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md>.

use serde_json::{Value, json};

use crate::finding::{Finding, ObjectRef, Severity};
use crate::report::plain::plain_json;
use crate::report::{Root, Secrets};
use crate::source::{FileId, Sources};

/// The `results` of a ResourceList, as JSON. `input`: the input of the orchestrator, whose lines are not meaningful
/// to users; `file`: the file from which an object in it was read, and its index there.
#[must_use]
pub fn results<'a>(
    sources: &Sources,
    findings: &[Finding],
    secrets: &Secrets,
    input: FileId,
    file: impl Fn(&ObjectRef) -> Option<(&'a str, Option<i64>)>,
) -> String {
    let result = |finding: &Finding| {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "info",
        };
        let mut message = secrets.words(&finding.message);
        if !finding.help.is_empty() {
            message = format!("{message} (help: {})", secrets.words(&finding.help));
        }
        let mut result = json!({ "message": message, "severity": severity });
        if let Some(object) = &finding.object {
            result["resourceRef"] = json!({
                "apiVersion": object.api_version.as_str(),
                "kind": object.kind.as_str(),
                "name": object.name.as_str(),
            });
            if !object.namespace.is_empty() {
                result["resourceRef"]["namespace"] = json!(object.namespace.as_str());
            }
            if !finding.field.is_empty() {
                result["field"] = json!({ "path": secrets.words(&finding.field) });
            }
        }
        let own = sources.get(finding.span.file).filter(|_| finding.span.file != input);
        let path = own.map(|source| (Root::default().place(&source.name).path().to_owned(), None));
        let path = path.or_else(|| {
            let (path, index) = file(finding.object.as_ref()?)?;
            Some((path.to_owned(), index))
        });
        if let Some((path, index)) = path {
            result["file"] = json!({ "path": path });
            if let Some(index) = index {
                result["file"]["index"] = json!(index);
            }
        }
        result["tags"] = json!({ "rule": finding.rule.name() });
        result
    };
    plain_json(&Value::from_iter(findings.iter().map(result)).to_string())
}
