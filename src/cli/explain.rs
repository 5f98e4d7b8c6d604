//! `plimsoll explain`: who set this value?

use crate::cli::args::{Explain, ExplainFormat, Global};
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::cli::project;
use crate::diff::Redactor;
use crate::explain::{self, Answer};
use crate::finding::{Failure, Finding, RuleId};
use crate::object::Object;
use crate::project::{BASE, Project};
use crate::render::{Rendered, Renderer};
use crate::secret::typed;
use crate::source::{Sources, Span};
use crate::suggest;

pub(super) fn run(global: &Global, args: &Explain, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    match answer(global, args, &sources, output.colour()) {
        Ok(text) => {
            output.result(&text)?;
            Ok(Outcome::Fine)
        }
        Err(failure) => Ok(output.failure(&sources, &failure)),
    }
}

fn answer(global: &Global, args: &Explain, sources: &Sources, colour: bool) -> Result<String, Failure> {
    let project = project::open(global, sources)?;
    let overrides = args.overrides.to_overrides();
    let renderer = project::renderer(global, &project, sources, &overrides)?;
    renderer.layers.only_for(std::slice::from_ref(&args.profile))?;
    let base = project.shown(BASE);
    let is_base = |span: Span| sources.get(span.file).is_some_and(|file| file.name == base);
    let text = |answer: &Answer| match args.output {
        ExplainFormat::Terminal => explain::terminal(answer, sources, colour, &is_base),
        ExplainFormat::Json => explain::json(answer, sources),
    };
    if args.unused {
        let renderings = environments(args, &renderer)?;
        let own = |span: Span| !span.is_none() && !is_base(span) && !is_environment_file(&project, sources, span);
        return Ok(text(&Answer::Unused(explain::unused(&renderings, &own))));
    }
    let environment = renderer.layers.environment(args.env.as_deref(), std::slice::from_ref(&args.profile))?;
    let Some(wanted) = &args.object else {
        let profile = renderer.layers.profile(&args.profile)?;
        let values = renderer.layers.values(&profile, &environment)?;
        let redactor = Redactor::of(sources, &[]);
        return Ok(text(&Answer::Values(explain::values(&values, &redactor))));
    };
    let rendered = renderer.render(&args.profile, &environment)?;
    let objects: Vec<Object> = rendered.objects.into_iter().chain(rendered.kind_config).collect();
    let redactor = Redactor::of(sources, &objects);
    let object = explain::find_object(&objects, wanted).ok_or_else(|| no_object(&objects, wanted))?;
    let title = object.id.to_string();
    match (&args.field, args.output) {
        (Some(field), _) => {
            let found = explain::find_field(object, field).ok_or_else(|| no_field(object, field))?;
            Ok(text(&Answer::Field(Box::new(explain::field(&title, &found, sources, &redactor)))))
        }
        (None, ExplainFormat::Terminal) => Ok(explain::annotated(&redactor.tree(&object.node), sources, colour)),
        (None, ExplainFormat::Json) => {
            let found = explain::near_fields(object);
            let found = found.iter().filter_map(|field| explain::find_field(object, field));
            let leaves = found.filter(|found| found.node.entries().is_empty() && found.node.items().is_empty());
            Ok(text(&Answer::Fields(leaves.map(|found| explain::field(&title, &found, sources, &redactor)).collect())))
        }
    }
}

/// Renders the profile in all its environments; fails if it renders in none.
fn environments(args: &Explain, renderer: &Renderer<'_>) -> Result<Vec<Rendered>, Failure> {
    if let Some(environment) = &args.env {
        return Ok(vec![renderer.render(&args.profile, environment)?]);
    }
    let profile = renderer.layers.profile(&args.profile)?;
    let mut rendered = Vec::new();
    let mut failed = None;
    for environment in renderer.layers.environments(&profile) {
        // The profile is read once, so that its positions are equal in all environments.
        let values = renderer.layers.values(&profile, &environment);
        match values.and_then(|values| renderer.render_values(values)) {
            Ok(one) => rendered.push(one),
            // An environment that lacks values does not affect the others.
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    match failed {
        Some(failure) if rendered.is_empty() => Err(failure),
        _ => Ok(rendered),
    }
}

fn is_environment_file(project: &Project, sources: &Sources, span: Span) -> bool {
    let folder = project.shown("profiles/environments");
    sources.get(span.file).is_some_and(|file| file.name.starts_with(&folder))
}

fn no_object(objects: &[Object], wanted: &str) -> Failure {
    let names: Vec<String> = objects.iter().map(|object| object.id.to_string()).collect();
    let finding = Finding::error(RuleId::ObjectNotFound, Span::NONE, format!("the bundle has no `{}`", typed(wanted)));
    Failure::unable(match suggest::nearest(wanted, names.iter().map(String::as_str)) {
        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
        None => finding.with_help(format!("available objects: {}", suggest::list(&names, "and"))),
    })
}

fn no_field(object: &Object, wanted: &str) -> Failure {
    let fields = explain::near_fields(object);
    let finding =
        Finding::error(RuleId::FieldNotFound, Span::NONE, format!("{} has no field `{}`", object.id, typed(wanted)));
    // The parent of a field is similar, but not what was meant.
    let others = fields.iter().map(String::as_str).filter(|field| !wanted.starts_with(field));
    Failure::unable(match suggest::nearest(wanted, others) {
        Some(near) => finding.with_help(format!("did you mean `{near}`?")),
        None => finding.with_help(format!("`plimsoll explain PROFILE {}` shows its fields", object.id)),
    })
}
