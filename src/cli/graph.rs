//! `plimsoll graph`: who needs whom, as a diagram.

use std::path::Path;

use foldhash::HashSet;

use crate::check;
use crate::check::input::Input;
use crate::check::suppress::suppress;
use crate::cli::args::{Global, Graph, GraphFormat};
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::cli::{diff, project};
use crate::diagram::{Diagram, dot, mermaid, svg};
use crate::finding::{Failure, Severity};
use crate::graph;
use crate::object::Object;
use crate::page::{self, Bundle};
use crate::source::Sources;

pub(super) fn run(global: &Global, args: &Graph, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let mut input = Input::default();
    let is_path = diff::is_path(&args.bundle);
    if is_path {
        super::manifests::read(&sources, Path::new(&args.bundle), &mut input)?;
    }
    match draw(global, args, &sources, is_path.then_some(input)) {
        Ok(text) => {
            output.result(&text)?;
            Ok(Outcome::Fine)
        }
        Err(failure) => Ok(output.failure(&sources, &failure)),
    }
}

fn draw(global: &Global, args: &Graph, sources: &Sources, input: Option<Input>) -> Result<String, Failure> {
    let project = project::open(global, sources)?;
    let mut options = project::options(global, &project, sources)?;
    let (name, environment, objects, own): (&str, String, Vec<Object>, usize) = match input {
        Some(input) => {
            let mut errors = input.findings;
            errors.retain(|finding| finding.severity == Severity::Error);
            if !errors.is_empty() {
                return Err(errors.into());
            }
            let own = input.objects.len();
            let name = if args.bundle == "-" { "standard input" } else { &args.bundle };
            (name, String::new(), input.objects, own)
        }
        None => {
            let renderer = project::renderer(global, &project, sources, &args.overrides.to_overrides())?;
            let rendered = renderer.render_only(&args.bundle, args.env.as_deref())?;
            options = options.of_rendered(&rendered, sources);
            let own = rendered.objects.len();
            let environment = rendered.values.environment.clone();
            (&args.bundle, environment, rendered.objects.into_iter().chain(rendered.needed).collect(), own)
        }
    };
    // A diagram that is too large is rejected before the checks.
    let graph = graph::Graph::build(&objects, &options.services, &options.externals, &options.references);
    let mut diagram = Diagram::new(&graph, own, &options.externals)?;
    let mut findings = check::check_in(sources, &objects, &options);
    suppress(sources, &objects, &mut findings);
    diagram.mark(&objects[..own], &findings);
    Ok(match args.output {
        GraphFormat::Mermaid => mermaid(&diagram),
        GraphFormat::Dot => dot(&diagram),
        GraphFormat::Svg => svg(&diagram, &page::title(name, &environment))?,
        GraphFormat::Html => {
            let (own, needed) = objects.split_at(own);
            // Findings of a needed bundle are shown with that bundle.
            let of_needed: HashSet<_> = needed.iter().map(|object| &object.id).collect();
            findings.retain(|finding| finding.object.as_ref().is_none_or(|object| !of_needed.contains(object)));
            let (diagram, findings, environment) = (&diagram, &findings[..], &environment);
            page::bundle(&Bundle { name, environment, objects: own, needed, diagram, findings, sources })
        }
    })
}
