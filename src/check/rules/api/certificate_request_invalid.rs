//! Rule `certificate-request-invalid`.

use crate::check::primitives::names;
use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

/// The rule.
pub static RULE: Rule = Rule {
    id: "certificate-request-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a CertificateSigningRequest is incomplete or malformed",
    doc: "\
A request holds the encoded request, the name of a signer (`example.com/signer`) and what the certificate is for; it is valid
for at least 600 seconds.

Restates `validateCertificateSigningRequest`; the encoded request is not looked into.",
    bad: "\
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: a}
spec: {request: YQ==, signerName: signer, usages: [client auth]}
",
    good: "\
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: a}
spec: {request: YQ==, signerName: example.com/signer, usages: [client auth]}
",
    check: Check::Object(check),
};

fn check(object: &Object, report: &mut Report<'_>) {
    if object.kind() != "CertificateSigningRequest" || object.group() != "certificates.k8s.io" {
        return;
    }
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (request, signer, usages, seconds) =
        (spec.get("request"), spec.get("signerName"), spec.get("usages"), spec.get("expirationSeconds"));
    if request.text().is_empty() {
        faults.required(&request);
    }
    if usages.node.items().is_empty() {
        faults.required(&usages);
    }
    faults.check(&signer, names::domain_prefixed_path(signer.text()));
    if seconds.number().is_some_and(|number| number < 600) {
        faults.invalid(&seconds, "must be at least 600");
    }
}
