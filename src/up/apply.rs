//! Server-side apply, with the rule for fields that other managers own.

use foldhash::HashSet;

use crate::object::Object;
use crate::programs::{Finished, RunError};
use crate::up::Kubectl;

/// The managers from which fields are taken over: those of plain kubectl commands.
const YIELDING: &[&str] =
    &["kubectl-client-side-apply", "kubectl", "kubectl-create", "kubectl-replace", "kubectl-edit"];

/// What came of applying objects.
#[derive(Debug, Default)]
pub struct Applied {
    /// What kubectl printed, for the diagnosis: in it are the rejections.
    pub output: Vec<String>,
    /// What was taken over from other managers, one sentence an object.
    pub taken: Vec<String>,
    /// Whether all of them were applied.
    pub complete: bool,
}

/// Applies objects in their order. What the API server rejects is no error: it stands in the output.
///
/// # Errors
/// Where kubectl cannot be run, or does not reach the cluster.
pub fn apply(kubectl: &Kubectl<'_>, objects: &[&Object]) -> Result<Applied, RunError> {
    let mut applied = Applied { complete: true, ..Applied::default() };
    if objects.is_empty() {
        return Ok(applied);
    }
    let first = kubectl.apply(objects, false)?;
    if first.is_success() {
        applied.output.push(said(&first));
        return Ok(applied);
    }
    let done: HashSet<String> = first.stdout.lines().filter_map(done).collect();
    if done.is_empty() && !is_rejection(&first.stderr) {
        return Err(RunError::Failed(kubectl.line(["apply", "--server-side", "--filename", "-"]).to_string(), first));
    }
    // One output, as of one step: those that were not applied stand in the order of the errors.
    let mut output = first.stdout.clone();
    // kubectl does not say which object a conflict is about, so each that was not applied is applied by itself.
    for object in objects.iter().filter(|object| !done.contains(&name(object))) {
        let mut one = kubectl.apply(&[object], false)?;
        let conflicts = conflicts(&one.stderr);
        if !one.is_success()
            && !conflicts.is_empty()
            && conflicts.iter().all(|(manager, _)| YIELDING.contains(&manager.as_str()))
        {
            let fields: Vec<&str> =
                conflicts.iter().flat_map(|(_, fields)| fields.iter().map(String::as_str)).collect();
            let managers: Vec<&str> = conflicts.iter().map(|(manager, _)| manager.as_str()).collect();
            applied.taken.push(format!(
                "{}: took over {} from `{}`",
                object.id,
                fields.join(", "),
                managers.join("`, `")
            ));
            one = kubectl.apply(&[object], true)?;
        }
        applied.complete &= one.is_success();
        output.push_str(&said(&one));
    }
    applied.output.push(output);
    Ok(applied)
}

fn said(finished: &Finished) -> String {
    format!("{}{}", finished.stdout, finished.stderr)
}

/// The object of a line such as `deployment.apps/web serverside-applied`.
fn done(line: &str) -> Option<String> {
    let (object, verb) = line.split_once(' ')?;
    let (kind, name) = object.split_once('/')?;
    verb.starts_with("serverside-applied").then(|| format!("{}/{name}", kind.split('.').next().unwrap_or_default()))
}

fn name(object: &Object) -> String {
    format!("{}/{}", object.kind().to_lowercase(), object.name())
}

/// Whether the cluster answered: that it did not is no rejection.
fn is_rejection(stderr: &str) -> bool {
    let answers =
        ["Error from server", "is invalid:", "Apply failed with", "no matches for kind", "resource mapping not found"];
    let silent =
        ["Unable to connect to the server", "was refused - did you specify the right host", "ServiceUnavailable"];
    answers.iter().any(|words| stderr.contains(words)) && !silent.iter().any(|words| stderr.contains(words))
}

/// The managers that own fields which were to be applied, each with those fields.
fn conflicts(stderr: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in stderr.lines() {
        if line.starts_with("Please review the fields") {
            break;
        }
        for part in line.split("conflict").skip(1) {
            let Some(rest) = part.trim_start_matches('s').strip_prefix(" with \"") else { continue };
            let Some((manager, rest)) = rest.split_once('"') else { continue };
            let field = rest.split_once(": .").map(|(_, field)| format!(".{}", field.trim()));
            found.push((manager.to_owned(), field.into_iter().collect()));
        }
        if let (Some(field), Some((_, fields))) = (line.strip_prefix("- "), found.last_mut()) {
            fields.push(field.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_are_read_as_kubectl_prints_them() {
        let one = "error: Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.volumeClaimTemplates\nPlease review the fields above--they currently have other managers. Here\n";
        let field = vec![".spec.volumeClaimTemplates".to_owned()];
        assert_eq!(conflicts(one), [("kubectl-client-side-apply".to_owned(), field)]);
        let many = "error: Apply failed with 3 conflicts: conflicts with \"helm\" using apps/v1:\n- .spec.replicas\n- .spec.paused\nconflicts with \"kubectl\" with subresource \"scale\" using apps/v1:\n- .spec.x\nPlease review the fields above\n* If you intend\n- no field\n";
        let fields = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            conflicts(many),
            [
                ("helm".to_owned(), fields(&[".spec.replicas", ".spec.paused"])),
                ("kubectl".to_owned(), fields(&[".spec.x"])),
            ]
        );
        assert!(conflicts("The Service \"a\" is invalid: spec: x").is_empty());
    }
}
