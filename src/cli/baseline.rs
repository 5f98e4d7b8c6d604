//! The baseline of `check`: a file of known findings, so that only new ones are reported.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::report::Secrets;
use crate::source::Sources;

/// The findings of a run, without lines, so that they are recognized when lines are added above them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    /// The version of this format.
    version: u32,
    /// The findings, sorted.
    findings: Vec<Known>,
}

/// Findings that are equal except for their lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Known {
    file: String,
    rule: String,
    object: String,
    field: String,
    message: String,
    count: usize,
}

/// The effect of a baseline.
pub(super) enum Applied {
    /// It was created with this number of findings.
    Written(usize),
    /// The number of known findings that were ignored, and of known findings that no longer occur.
    Compared { known: usize, gone: usize },
}

const VERSION: u32 = 1;

/// Removes the findings that are in the baseline; creates it with all findings if it does not exist.
pub(super) fn apply(
    path: &Path,
    sources: &Sources,
    secrets: &Secrets,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Applied> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut counts: BTreeMap<Known, usize> = BTreeMap::new();
            for finding in findings.drain(..) {
                *counts.entry(known(sources, secrets, &finding)).or_default() += 1;
            }
            let count = counts.values().sum();
            let findings = counts.into_iter().map(|(known, count)| Known { count, ..known }).collect();
            let mut text = serde_json::to_string_pretty(&Baseline { version: VERSION, findings })?;
            text.push('\n');
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            return Ok(Applied::Written(count));
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let baseline: Baseline =
        serde_json::from_str(&text).with_context(|| format!("{} is not a baseline", path.display()))?;
    if baseline.version != VERSION {
        bail!("{} has version {}, not {VERSION}: delete it and run again", path.display(), baseline.version);
    }
    let mut left: BTreeMap<Known, usize> = BTreeMap::new();
    for known in baseline.findings {
        *left.entry(Known { count: 0, ..known.clone() }).or_default() += known.count;
    }
    let before = findings.len();
    findings.retain(|finding| match left.get_mut(&known(sources, secrets, finding)) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    Ok(Applied::Compared { known: before - findings.len(), gone: left.values().sum() })
}

/// What the baseline stores of a finding.
fn known(sources: &Sources, secrets: &Secrets, finding: &Finding) -> Known {
    let file = sources.get(finding.span.file).map(|file| file.name.clone()).unwrap_or_default();
    let object = finding.object.as_ref().map(|object| match object.namespace.as_str() {
        "" => object.to_string(),
        namespace => format!("{namespace}/{object}"),
    });
    Known {
        file: file.trim_start_matches("./").replace('\\', "/"),
        rule: finding.rule.to_string(),
        object: object.unwrap_or_default(),
        field: secrets.words(&finding.field),
        message: secrets.words(&finding.message),
        count: 0,
    }
}
