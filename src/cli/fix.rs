//! `plimsoll check --fix`: edits files to fix findings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use foldhash::HashMap;

use crate::cli::args::{Check, FixSafety, Global};
use crate::cli::check::{check_once, tell};
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::finding::Finding;
use crate::fix::{self, Fix, Safety};
use crate::out;
use crate::report;
use crate::source::Sources;
use crate::suggest;

/// The maximum number of passes: one edit may reveal a finding that another fixes.
const MOST_ROUNDS: usize = 8;

pub(super) fn run(global: &Global, args: &Check, output: &mut Output) -> anyhow::Result<Outcome> {
    if args.paths.iter().any(|path| path == Path::new("-")) {
        bail!("`--fix` edits files, and cannot edit standard input");
    }
    if !args.kustomize.is_empty() || !args.helm.is_empty() {
        bail!("`--fix` edits files, and cannot edit what kustomize or Helm prints");
    }
    if args.baseline.is_some() {
        bail!("`--fix` and `--baseline` cannot be combined: run `--fix` first");
    }
    let mut texts: BTreeMap<PathBuf, Arc<str>> = BTreeMap::new();
    let mut edited: BTreeSet<PathBuf> = BTreeSet::new();
    let mut count = 0;
    for _ in 0..MOST_ROUNDS {
        let sources = with(&texts);
        let checked = match check_once(global, args, &sources)? {
            Ok(checked) => checked,
            Err(failure) => return Ok(output.failure(&sources, &failure)),
        };
        let fixes = fixes(&sources, &checked.findings, args.fix);
        if fixes.is_empty() {
            break;
        }
        if args.dry_run {
            output.result(&report::fixes(&sources, &fixes, &checked.secrets))?;
        }
        let edits: Vec<fix::Edit> = fixes.into_iter().map(|(_, fix)| fix.edit).collect();
        let files: BTreeSet<_> = edits.iter().map(|edit| edit.span.file).collect();
        for file in files {
            let Some(source) = sources.get(file) else { continue };
            let path = std::path::absolute(&source.name)?;
            let (text, made) = fix::apply(&source.text, file, &edits);
            count += made;
            texts.insert(path.clone(), text.into());
            edited.insert(path);
        }
    }
    let what = format!("{} in {}", suggest::count(count, "edit"), suggest::count(edited.len(), "file"));
    if args.dry_run {
        output.flush()?;
        output.message(&format!("{what}; nothing was written"));
        return Ok(Outcome::objecting(count > 0));
    }
    for path in &edited {
        out::replace(path, &texts[path])?;
    }
    let sources = with(&texts);
    let outcome = match check_once(global, args, &sources)? {
        Ok(checked) => tell(args, &sources, &checked, output)?,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    output.message(&format!("made {what}"));
    Ok(outcome)
}

fn with(texts: &BTreeMap<PathBuf, Arc<str>>) -> Sources {
    let buffers: HashMap<PathBuf, Arc<str>> = texts.iter().map(|(path, text)| (path.clone(), text.clone())).collect();
    Sources::with_buffers(buffers)
}

/// The fixes that are as safe as selected, without duplicates.
fn fixes(sources: &Sources, findings: &[Finding], asked: Option<FixSafety>) -> Vec<(Finding, Fix)> {
    let most = match asked {
        Some(FixSafety::Suggested) => Safety::Suggested,
        _ => Safety::Safe,
    };
    let mut fixes: Vec<(Finding, Fix)> = Vec::new();
    for finding in findings {
        let Some(fix) = fix::of(sources, finding).filter(|fix| fix.safety <= most) else { continue };
        if !sources.get(fix.edit.span.file).is_some_and(|file| Path::new(&file.name).is_file()) {
            continue;
        }
        if !fixes.iter().any(|(_, other)| other.edit == fix.edit) {
            fixes.push((finding.clone(), fix));
        }
    }
    fixes
}
