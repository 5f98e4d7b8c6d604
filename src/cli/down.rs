//! `plimsoll down`.

use std::time::Instant;

use crate::cli::args::{Down, Global};
use crate::cli::outcome::Outcome;
use crate::cli::output::Output;
use crate::cli::{project, status, up};
use crate::programs::Programs;
use crate::source::Sources;
use crate::up::{Progress, Target, down, plan};

pub(super) fn run(global: &Global, args: &Down, output: &mut Output) -> anyhow::Result<Outcome> {
    let sources = Sources::new();
    let loaded = project::open(global, &sources).and_then(|project| {
        let renderer = project::renderer(global, &project, &sources, &args.bundle.overrides.to_overrides())?;
        Target::new(renderer.render_only(&args.bundle.profile, args.bundle.env.as_deref())?, args.context.as_deref())
    });
    let target = match loaded {
        Ok(target) => target,
        Err(failure) => return Ok(output.failure(&sources, &failure)),
    };
    let programs = Programs::new(Some(Instant::now() + args.timeout), status::shown(args.verbose));
    if args.dry_run {
        let plan = plan::down(&target, args.data, args.cluster, &programs);
        output.result(&plan.iter().map(|planned| format!("{planned}\n")).collect::<String>())?;
        return Ok(Outcome::Fine);
    }
    let mut progress = |progress: Progress<'_>| match progress {
        Progress::Step(text) | Progress::Note(text) => output.message(&text),
        Progress::States(_) => {}
    };
    let done = match args.cluster {
        true => down::cluster(&target, &programs, &mut progress),
        false => down::objects(&target, args.data, &programs, &mut progress),
    };
    match done {
        Ok(()) => Ok(Outcome::Fine),
        Err(error) => up::ended_by(error, output),
    }
}
