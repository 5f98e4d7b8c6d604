//! The decode pass: one walk over each object, before any rule looks at it.

use crate::finding::Finding;
use crate::kube::decode::{self, Fault, FaultKind};
use crate::kube::kinds::{self, Kind, Scope, Unknown};
use crate::object::Object;
use crate::suggest;

use super::rules::api::{api_version_deprecated, api_version_removed, field_type, field_unknown, kind_unknown};
use super::{Options, Report, Rule};

/// Decodes all objects. For each, whether the API server would get as far as validating it.
pub(super) fn decode(objects: &[Object], options: &Options) -> (Vec<bool>, Vec<Finding>) {
    let mut pass = Pass { options, findings: Vec::new() };
    let decodes = objects.iter().map(|object| pass.object(object)).collect();
    (decodes, pass.findings)
}

struct Pass<'a> {
    options: &'a Options,
    findings: Vec<Finding>,
}

impl Pass<'_> {
    fn object(&mut self, object: &Object) -> bool {
        let version = self.options.kubernetes_version;
        let (api_version, kind) = (object.id.api_version.as_str(), object.kind());
        if let Some(found) = Kind::find(api_version, kind, version) {
            if found.scope == Scope::Subresource {
                self.report(&kind_unknown::RULE, |report| {
                    let message = format!("a {kind} cannot be applied: it is only sent to a part of another object");
                    report.at(object, &object.node["kind"], message);
                });
                return false;
            }
            self.deprecated(object);
            let faults = decode::decode(&object.node, found.ty, version);
            for fault in &faults {
                self.fault(object, fault);
            }
            return faults.is_empty();
        }
        self.unknown_kind(object);
        false
    }

    fn fault(&mut self, object: &Object, fault: &Fault<'_>) {
        let rule = match fault.kind {
            FaultKind::Unknown => &field_unknown::RULE,
            FaultKind::Type => &field_type::RULE,
        };
        self.report(rule, |report| {
            let mut draft = report.at(object, fault.node, &*fault.message).field(&*fault.field).help(&*fault.help);
            if !fault.key_span.is_none() {
                draft = draft.place(fault.key_span);
            }
            let _ = draft;
        });
    }

    fn deprecated(&mut self, object: &Object) {
        let version = self.options.kubernetes_version;
        let (api_version, kind) = (object.id.api_version.as_str(), object.kind());
        if let Some((since, help)) = kinds::deprecated(api_version, kind, version) {
            self.report(&api_version_deprecated::RULE, |report| {
                let since = if since.is_empty() { String::new() } else { format!(" since Kubernetes {since}") };
                let message = format!("`{api_version}` {kind} is deprecated{since}");
                report.at(object, &object.node["apiVersion"], message).help(help);
            });
        }
    }

    fn unknown_kind(&mut self, object: &Object) {
        let version = self.options.kubernetes_version;
        let (api_version, kind) = (object.id.api_version.as_str(), object.kind());
        for (field, text) in [("apiVersion", api_version), ("kind", kind)] {
            if text.is_empty() {
                self.report(&kind_unknown::RULE, |report| {
                    let node = &object.node[field];
                    if node.is_null() {
                        report.missing(object, &object.node, field, format!("the object has no `{field}`"));
                    } else {
                        report.at(object, node, format!("`{field}` must be a text that is not empty"));
                    }
                });
                return;
            }
        }
        let reason = kinds::unknown(api_version, kind, version);
        let rule =
            if matches!(reason, Unknown::Removed { .. }) { &api_version_removed::RULE } else { &kind_unknown::RULE };
        let unknown = format!("Kubernetes {version} has no kind `{kind}` in `{api_version}`");
        let (field, message, help) = match reason {
            Unknown::Removed { release, replacement, help } => (
                "apiVersion",
                format!("`{api_version}` {kind} was removed in Kubernetes {release}"),
                match (replacement, help) {
                    ("", help) => help.to_owned(),
                    (replacement, _) => format!("use `apiVersion: {replacement}`"),
                },
            ),
            Unknown::Later(first) => ("apiVersion", unknown, format!("it comes with Kubernetes {first}")),
            Unknown::Elsewhere(known) => {
                ("apiVersion", unknown, format!("the kind is in {}", suggest::list(known, "and")))
            }
            Unknown::Near(near) => ("kind", unknown, format!("did you mean `{near}`?")),
            Unknown::Nothing => (
                "kind",
                unknown,
                "hand in its CustomResourceDefinition with `--crd FILE|DIR`, or among the files".to_owned(),
            ),
        };
        self.report(rule, |report| {
            report.at(object, &object.node[field], message).help(help);
        });
    }

    /// Lets a rule speak, if it is asked for.
    fn report(&mut self, rule: &'static Rule, speak: impl FnOnce(&mut Report<'_>)) {
        if self.options.runs(rule) {
            let mut report = Report::new(rule, self.options);
            speak(&mut report);
            self.findings.extend(report.into_findings());
        }
    }
}
