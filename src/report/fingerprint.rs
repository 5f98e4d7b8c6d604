//! Identities of findings that stay the same when lines are added above them.

use foldhash::{HashMap, HashMapExt};

use crate::digest;
use crate::finding::Finding;
use crate::report::{Root, Secrets};
use crate::source::Sources;

/// The identities of the findings of one report.
pub(super) struct Fingerprints(HashMap<String, usize>);

impl Fingerprints {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// 32 hexadecimal digits: a digest of the file, rule, object, field and message, and of the number of equal
    /// findings before it.
    pub(super) fn next(&mut self, sources: &Sources, finding: &Finding, secrets: &Secrets, root: &Root) -> String {
        let file = sources.get(finding.span.file).map(|file| root.place(&file.name).path().to_owned());
        let object = finding.object.as_ref().map(|object| format!("{}/{object}", object.namespace));
        let known_by = [
            file.unwrap_or_default(),
            finding.rule.to_string(),
            object.unwrap_or_default(),
            secrets.words(&finding.field),
            secrets.words(&finding.message),
        ]
        .join("\0");
        let before = self.0.entry(known_by.clone()).or_default();
        let mut hex = digest::of(format!("{known_by}\0{before}"));
        *before += 1;
        hex.truncate(32);
        hex
    }
}
