//! Server-side apply, and conflicts with other field managers.

use foldhash::HashSet;

use crate::object::Object;
use crate::programs::{ProgramOutput, RunError};
use crate::up::Kubectl;

/// The field managers of kubectl commands, whose fields are taken over.
const KUBECTL_MANAGERS: &[&str] =
    &["kubectl-client-side-apply", "kubectl", "kubectl-create", "kubectl-replace", "kubectl-edit"];

/// The result of applying objects.
#[derive(Debug, Default)]
pub struct ApplyResult {
    /// The output of kubectl, which contains the errors of the API server.
    pub output: Vec<String>,
    /// A message for each object with fields that were taken over from another manager.
    pub taken_over: Vec<String>,
    /// Whether all objects were applied.
    pub complete: bool,
}

/// Applies objects in order. A rejection by the API server is not an error, but part of the output.
///
/// # Errors
/// If kubectl cannot be run or does not reach the cluster.
pub fn apply(kubectl: &Kubectl<'_>, objects: &[&Object]) -> Result<ApplyResult, RunError> {
    let mut applied = ApplyResult { complete: true, ..ApplyResult::default() };
    if objects.is_empty() {
        return Ok(applied);
    }
    let first = kubectl.apply(objects, false)?;
    if first.is_success() {
        applied.output.push(combined_output(&first));
        return Ok(applied);
    }
    let done: HashSet<String> = first.stdout.lines().filter_map(applied_object).collect();
    if done.is_empty() && !is_rejection(&first.stderr) {
        return Err(RunError::Failed(kubectl.line(["apply", "--server-side", "--filename", "-"]).to_string(), first));
    }
    // All calls yield one output, with the errors in the order of the objects that were not applied.
    let mut output = first.stdout.clone();
    // kubectl does not name the object of a conflict, so each remaining object is applied separately.
    for object in objects.iter().filter(|object| !done.contains(&kind_and_name(object))) {
        let mut one = kubectl.apply(&[object], false)?;
        let conflicts = conflicts(&one.stderr);
        if !one.is_success()
            && !conflicts.is_empty()
            && conflicts.iter().all(|(manager, _)| KUBECTL_MANAGERS.contains(&manager.as_str()))
        {
            let fields: Vec<&str> =
                conflicts.iter().flat_map(|(_, fields)| fields.iter().map(String::as_str)).collect();
            let managers: Vec<&str> = conflicts.iter().map(|(manager, _)| manager.as_str()).collect();
            applied.taken_over.push(format!(
                "{}: took over {} from `{}`",
                object.id,
                fields.join(", "),
                managers.join("`, `")
            ));
            one = kubectl.apply(&[object], true)?;
        }
        applied.complete &= one.is_success();
        output.push_str(&combined_output(&one));
    }
    applied.output.push(output);
    Ok(applied)
}

fn combined_output(finished: &ProgramOutput) -> String {
    format!("{}{}", finished.stdout, finished.stderr)
}

/// The kind and name in a line such as `deployment.apps/web serverside-applied`.
fn applied_object(line: &str) -> Option<String> {
    let (object, verb) = line.split_once(' ')?;
    let (kind, name) = object.split_once('/')?;
    verb.starts_with("serverside-applied").then(|| format!("{}/{name}", kind.split('.').next().unwrap_or_default()))
}

fn kind_and_name(object: &Object) -> String {
    format!("{}/{}", object.kind().to_lowercase(), object.name())
}

/// Whether the API server responded with an error; false if it was not reachable.
fn is_rejection(stderr: &str) -> bool {
    let rejections =
        ["Error from server", "is invalid:", "Apply failed with", "no matches for kind", "resource mapping not found"];
    let unreachable =
        ["Unable to connect to the server", "was refused - did you specify the right host", "ServiceUnavailable"];
    rejections.iter().any(|phrase| stderr.contains(phrase)) && !unreachable.iter().any(|phrase| stderr.contains(phrase))
}

/// The field managers in a conflict error, each with the conflicting fields.
fn conflicts(stderr: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in stderr.lines() {
        if line.starts_with("Please review the fields") {
            break;
        }
        for conflict in line.split("conflict").skip(1) {
            let Some(rest) = conflict.trim_start_matches('s').strip_prefix(" with \"") else { continue };
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
    fn conflicts_are_parsed_from_the_output_of_kubectl() {
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
