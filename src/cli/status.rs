//! `plimsoll status`.

use std::fs;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use serde_json::json;

use crate::check::input::Input;
use crate::cli::args::{Global, Status, StatusFormat};
use crate::cli::outcome::Outcome;
use crate::cli::output::{self, Output};
use crate::cli::{manifests, project};
use crate::finding::{Failure, Severity};
use crate::object::Object;
use crate::programs::{CommandLine, Programs, RunError};
use crate::report::{self, Root, Secrets, plain, plain_json};
use crate::source::{self, ReadError, Sources};
use crate::status::{self, Diagnosis, ObjectState, PATIENCE, Record};
use crate::suggest;
use crate::up::Kubectl;
use crate::up::target::kind_cluster;

/// The polling interval of `--watch`.
const PACE: Duration = Duration::from_secs(1);

/// The objects that were applied, and where.
#[derive(Default)]
struct Applied {
    manifests: Option<Vec<Object>>,
    /// The context of the profile's cluster.
    context: Option<String>,
}

pub(super) fn run(global: &Global, args: &Status, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let applied = match applied(global, args, &sources)? {
        Ok(applied) => applied,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let manifests = applied.manifests.as_deref();
    let look = |record: &Record| status::diagnose(record, manifests, PATIENCE);
    if let Some(from) = &args.from {
        // The program ends here, and freeing the nodes of a large record would take a tenth of the time.
        let record = ManuallyDrop::new(read(from)?);
        save(args, &sources, &record, manifests)?;
        return print(&sources, &record, manifests, &look(&record), args.output, output);
    }
    let deadline = args.timeout.map(|timeout| Instant::now() + timeout);
    let programs = Programs::new(deadline, shown(args.verbose));
    let context = args.context.clone().or(applied.context);
    let kubectl = Kubectl { programs: &programs, context };
    let namespace = namespace(args, manifests)?;
    let mut shown = String::new();
    loop {
        let record = match kubectl.record(&namespace) {
            Err(RunError::Interrupted) => return Ok(Outcome::Interrupted),
            Err(RunError::TimedOut(_)) => return Ok(Outcome::TimedOut),
            record => record?,
        };
        let diagnosis = look(&record);
        if !args.watch || diagnosis.is_ready() {
            save(args, &sources, &record, manifests)?;
            return print(&sources, &record, manifests, &diagnosis, args.output, output);
        }
        let table = table(&diagnosis);
        if table != shown {
            output.message(&format!("{table}---"));
            shown = table;
        }
        let next = Instant::now() + PACE;
        while Instant::now() < next {
            if programs.is_interrupted() || programs.is_timed_out() {
                save(args, &sources, &record, manifests)?;
                print(&sources, &record, manifests, &diagnosis, args.output, output)?;
                return Ok(if programs.is_interrupted() { Outcome::Interrupted } else { Outcome::TimedOut });
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Prints each command line on stderr, if `verbose`.
pub(super) fn shown(verbose: bool) -> Arc<dyn Fn(&CommandLine) + Send + Sync> {
    if !verbose {
        return Arc::new(|_| {});
    }
    Arc::new(|line| {
        use std::io::Write;
        _ = writeln!(std::io::stderr().lock(), "$ {}", plain(&line.to_string()));
    })
}

/// The namespace to read: that of the objects.
fn namespace(args: &Status, manifests: Option<&[Object]>) -> anyhow::Result<String> {
    if let Some(namespace) = &args.namespace {
        return Ok(namespace.clone());
    }
    let mut all: Vec<&str> = manifests.unwrap_or_default().iter().map(Object::namespace).collect();
    all.retain(|namespace| !namespace.is_empty());
    all.sort_unstable();
    all.dedup();
    match all.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => bail!("the manifests set no namespace: pass --namespace"),
        many => bail!("the manifests are in several namespaces ({}): pass --namespace", many.join(", ")),
    }
}

/// The objects that were applied, if their source is known.
fn applied(global: &Global, args: &Status, sources: &Sources) -> anyhow::Result<Result<Applied, Failure>> {
    let mut input = Input::default();
    for path in &args.manifest {
        manifests::read(sources, path, &mut input)?;
    }
    if !args.manifest.is_empty() {
        // Invalid documents matter here only if they cannot be read; the rest is up to `check`.
        input.findings.retain(|finding| finding.severity == Severity::Error);
        let applied = Applied { manifests: Some(input.objects), context: None };
        return Ok(if input.findings.is_empty() { Ok(applied) } else { Err(Failure::Findings(input.findings)) });
    }
    let Some(profile) = &args.profile else { return Ok(Ok(Applied::default())) };
    Ok(project::open(global, sources).and_then(|project| {
        let renderer = project::renderer(global, &project, sources, &args.overrides.to_overrides())?;
        let rendered = renderer.render_only(profile, args.env.as_deref())?;
        let context = kind_cluster(&rendered).map(|cluster| format!("kind-{cluster}"));
        Ok(Applied { manifests: Some(rendered.objects), context })
    }))
}

/// Reads a record from a file or from standard input.
fn read(path: &Path) -> anyhow::Result<Record> {
    let text =
        if path == Path::new("-") { source::read_text(std::io::stdin().lock()) } else { source::read_file(path) };
    let text = match text {
        Ok(text) => text,
        Err(ReadError::Io(error)) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        Err(error) => return Err(anyhow!("cannot read {}: the file is {error}", path.display())),
    };
    Record::read(&text).map_err(|error| anyhow!("cannot read {}: {error}", path.display()))
}

/// Writes the record to the file that `--record` names.
fn save(args: &Status, sources: &Sources, record: &Record, manifests: Option<&[Object]>) -> anyhow::Result<()> {
    let Some(path) = &args.record else { return Ok(()) };
    let secrets = secrets(sources, record, manifests);
    fs::write(path, record.to_json(&secrets)).with_context(|| format!("cannot write {}", path.display()))
}

/// The secrets of a record and of the manifests.
pub(super) fn secrets(sources: &Sources, record: &Record, manifests: Option<&[Object]>) -> Secrets {
    Secrets::of(sources, record.objects.iter().chain(manifests.unwrap_or_default()))
}

/// Prints states and causes.
pub(super) fn print(
    sources: &Sources,
    record: &Record,
    manifests: Option<&[Object]>,
    diagnosis: &Diagnosis,
    format: StatusFormat,
    output: &mut Output,
) -> anyhow::Result<Outcome> {
    let findings = diagnosis.findings(manifests);
    let secrets = if findings.is_empty() { Secrets::default() } else { secrets(sources, record, manifests) };
    match format {
        StatusFormat::Human => {
            output.result(&table(diagnosis))?;
            if !findings.is_empty() {
                output.result("\n")?;
            }
            output.result(&report::human(sources, &findings, &secrets, output.colour(), output::width()))?;
        }
        StatusFormat::Json => {
            let states: Vec<_> = diagnosis
                .states
                .iter()
                .map(|(id, state, words)| {
                    let (namespace, name) = (&id.namespace, &id.name);
                    json!({
                        "object": {"apiVersion": id.api_version, "kind": id.kind, "namespace": namespace, "name": name},
                        "state": state.name(),
                        "message": words,
                    })
                })
                .collect();
            let document = json!({
                "ready": diagnosis.is_ready(),
                "findings": report::findings_json(sources, &findings, &secrets),
                "objects": states,
            });
            output.result(&plain_json(&format!("{document:#}\n")))?;
        }
        StatusFormat::Github => output.result(&report::github(sources, &findings, &secrets, &Root::find()))?,
    }
    Ok(Outcome::objecting(!diagnosis.is_ready()))
}

/// One line for each object: its state, name and message. Objects that are ready and have no message are only
/// counted.
pub(super) fn table(diagnosis: &Diagnosis) -> String {
    let shown =
        || diagnosis.states.iter().filter(|(_, state, words)| *state != ObjectState::Ready || !words.is_empty());
    let width = shown().map(|(id, ..)| id.to_string().chars().count()).max().unwrap_or_default();
    let mut out: String = shown()
        .map(|(id, state, words)| {
            let line = format!("{:12} {:width$}  {words}", state.name(), id.to_string());
            plain(line.trim_end()) + "\n"
        })
        .collect();
    let rest = diagnosis.states.len() - shown().count();
    if rest > 0 {
        out.push_str(&format!("{:12} {}\n", ObjectState::Ready.name(), suggest::count(rest, "more object")));
    }
    out
}
