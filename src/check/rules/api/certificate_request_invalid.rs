//! Rule `certificate-request-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::go::decode_base64;
use crate::formats::names;
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CertificateRequestInvalid,
    doc: Doc {
        checks: "\
A CertificateSigningRequest must have a `request` (a PEM block `CERTIFICATE REQUEST` in base64), a
`signerName` (`example.com/signer`) and supported `usages` without duplicates. `expirationSeconds`
must be at least 600. The content of the PEM block is not checked.",
        why: "\
The API server rejects the object, for instance with \"PEM block type must be CERTIFICATE REQUEST\" or
\"may not specify a duration less than 600 seconds (10 minutes)\".",
        fix: "Encode the request with `base64 -w0 request.pem`, and set the missing field.",
        source: "`validateCertificateSigningRequest` in `pkg/apis/certificates/validation`.",
    },
    bad: "\
apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: a}
spec: {request: YQ==, signerName: signer, usages: [client auth]}
",
    good: "\
-spec: {request: YQ==, signerName: signer, usages: [client auth]}
+spec:
+  signerName: example.com/signer
+  usages: [client auth]
+  request: |
+    LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlHTE1EOENBUUF3RERFS01BZ0dBMVVFQXd3QllUQXFNQVVHQXl0
+    bGNBTWhBRmd3TmtVc1BnNEV4N0NHS280Twp6MjNGbEN1WGwxRGJmOHJXTlo4NGZjSlJvQUF3QlFZREsyVndBMEVBLzY1ZHU4djBQ
+    QW5rSmRUamZoMWpVVW83CmZoUCsxWjhINlozY3hDRHBEdHdDYUVKTzAxL1JmK0wvMi9xVnJjM2hnUEJ6V21VTGgxVHlNNlp1ODln
+    eURBPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==
",
    check: Check::Object(check),
};

/// The usages in `k8s.io/api/certificates/v1`.
const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// Whether the first PEM block has the type of a certificate request. Its content is not checked.
fn is_request(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let first = text.split_once("-----BEGIN ").and_then(|(_, rest)| rest.split_once("-----"));
    first
        .is_some_and(|(kind, rest)| kind == "CERTIFICATE REQUEST" && rest.contains("-----END CERTIFICATE REQUEST-----"))
}

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "CertificateSigningRequest" || object.group() != "certificates.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let (request, signer, usages, seconds) =
        (spec.get("request"), spec.get("signerName"), spec.get("usages"), spec.get("expirationSeconds"));
    if request.text().is_empty() {
        faults.required(&request);
    } else if !decode_base64(request.text()).is_some_and(|bytes| is_request(&bytes)) {
        faults
            .breaks(&request, "must be a PEM block `CERTIFICATE REQUEST` in base64")
            .help("encode the request with `base64 -w0 request.pem`");
    }
    let repeated = repeats(usages.node.items().iter().map(|usage| usage.text()));
    for (index, usage) in usages.items().enumerate() {
        if !USAGES.contains(&usage.text()) {
            faults.not_supported(&usage, USAGES);
        } else if repeated[index] {
            faults.duplicate(&usage);
        }
    }
    if usages.node.items().is_empty() {
        faults.required(&usages);
    }
    faults.check(&signer, names::domain_prefixed_path(signer.text()));
    if seconds.number().is_some_and(|number| number < 600) {
        faults.invalid(&seconds, "must be at least 600 seconds (10 minutes)");
    }
}
