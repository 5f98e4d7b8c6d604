//! Rule `env-reference-undefined`.

use foldhash::{HashMap, HashMapExt};

use crate::check::kustomize::Kustomizations;
use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::{RuleId, Severity};
use crate::graph::{Container, Pod, references};
use crate::node::Node;
use crate::suggest;
use crate::text::shell;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::EnvReferenceUndefined,
    doc: Doc {
        checks: "\
Checks references `$(NAME)` in environment variables, `command`, `args` and `subPathExpr`. In a
variable, the reference must name a variable that is defined before it in the same container: by
`envFrom`, or earlier in `env`. In `command` and `args` it may name any variable of the container.
Variables of Services (`WEB_SERVICE_HOST`) count, those of the image do not.

The finding is a warning, and an error in `subPathExpr`. Nothing is reported if `envFrom` uses an
object that is not among the manifests, and in shell scripts for names without a capital letter,
which are commands.",
        why: "\
A reference that cannot be resolved stays in the value unchanged, and the program gets the literal
`$(NAME)`. In `subPathExpr` it prevents the container from starting (`CreateContainerConfigError`).",
        fix: "\
Define the variable, or move it before the variable that refers to it. To get the literal `$(NAME)`,
write `$$(NAME)`.",
        source: "\
https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
and `makeEnvironmentVariables` in
https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/kubelet_pods.go.",
    },
    bad: r#"apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: web
    image: ghcr.io/acme/web:v1
    env:
    - {name: URL, value: "http://$(POD_IP):8080"}
    - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
"#,
    good: r#"-    - {name: URL, value: "http://$(POD_IP):8080"}
     - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
+    - {name: URL, value: "http://$(POD_IP):8080"}
"#,
    check: Check::Bundle(check),
};

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for pod in &bundle.graph().pods {
        for container in &pod.containers {
            let uses = ContainerReferences::of(&bundle.options.kustomizations, pod, container);
            uses.in_env(report);
            uses.in_words(report);
            uses.in_paths(report);
        }
    }
}

/// The references in a container, and the variables that they may refer to.
struct ContainerReferences<'c, 'a> {
    kustomizations: &'c Kustomizations,
    pod: &'c Pod<'a>,
    container: &'c Container<'a>,
    /// The position where each variable is first defined: from 1 in `env`, or 0 for `envFrom`.
    defined: HashMap<&'c str, usize>,
}

impl<'c, 'a> ContainerReferences<'c, 'a> {
    fn of(kustomizations: &'c Kustomizations, pod: &'c Pod<'a>, container: &'c Container<'a>) -> Self {
        let mut defined = HashMap::with_capacity(container.env.len());
        for (at, var) in container.env.iter().enumerate() {
            defined.entry(&*var.name).or_insert(if var.own { at + 1 } else { 0 });
        }
        Self { kustomizations, pod, container, defined }
    }

    /// Whether a variable of this name may be defined elsewhere.
    fn may_be_defined(&self, name: &str) -> bool {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        self.container.env_open
            || name.is_empty()
            || name.starts_with(|c: char| c.is_ascii_digit())
            || !name.bytes().all(is_name)
            || is_of_service(name)
            || self.kustomizations.replaces(name)
    }

    fn in_env(&self, report: &mut Report<'_>) {
        let own = self.container.env.iter().enumerate().filter(|(_, var)| var.own);
        for (at, var) in own {
            let node = &var.entry["value"];
            for (range, name) in references(node.text()) {
                let position = self.defined.get(name).copied();
                if position.is_some_and(|position| position < at + 1) || self.may_be_defined(name) {
                    continue;
                }
                let message = match position {
                    Some(position) if position == at + 1 => {
                        format!("`$({name})` refers to the variable itself, and no earlier `{name}` is defined")
                    }
                    Some(_) => format!("`$({name})` is used before `{name}` is defined"),
                    None => format!("`$({name})` is not defined in container `{}`", self.container.name()),
                };
                let draft = report.text(self.pod.object, node, range, message).label("not expanded");
                match position {
                    Some(position) if position == at + 1 => {
                        draft.help("write the whole value: variables of the image are not expanded");
                    }
                    Some(position) => {
                        let later = &self.container.env[position - 1].entry["name"];
                        draft
                            .related(later.origin.span, "defined here")
                            .help(format!("move `{name}` before `{}`", var.name));
                    }
                    None => _ = draft.help(self.help(name)),
                }
            }
        }
    }

    fn in_words(&self, report: &mut Report<'_>) {
        // In a shell script `$(name)` is a command substitution.
        let is_shell = self.container.words().take(3).any(|word| shell::is_shell(word.text()));
        for word in self.container.words() {
            let text = word.text();
            let is_script = is_shell || text.contains(char::is_whitespace);
            for (range, name) in references(text) {
                let is_command = is_script && !name.bytes().any(|byte| byte.is_ascii_uppercase());
                if !is_command && !self.defined.contains_key(name) && !self.may_be_defined(name) {
                    let message = format!("`$({name})` is not defined in container `{}`", self.container.name());
                    report.text(self.pod.object, word, range, message).label("not expanded").help(self.help(name));
                }
            }
        }
    }

    /// Checks `subPathExpr`. The container cannot be created if a reference in it cannot be expanded.
    fn in_paths(&self, report: &mut Report<'_>) {
        for mount in self.container.node["volumeMounts"].items() {
            let node: &Node = &mount["subPathExpr"];
            for (range, name) in references(node.text()) {
                if !self.defined.contains_key(name) && !self.may_be_defined(name) {
                    let message = format!("`$({name})` is not defined in container `{}`", self.container.name());
                    report
                        .text(self.pod.object, node, range, message)
                        .severity(Severity::Error)
                        .label("the container cannot be created")
                        .help(self.help(name));
                }
            }
        }
    }

    fn help(&self, name: &str) -> String {
        let names = self.container.env.iter().map(|var| &*var.name);
        match suggest::nearest(name, names) {
            Some(near) => format!("did you mean `$({near})`?"),
            None => format!("add `{name}` to `env`, or write `$$({name})` for the literal string"),
        }
    }
}

/// Whether the kubelet sets a variable for a Service.
/// (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)
fn is_of_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}
