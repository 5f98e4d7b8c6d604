//! The Pod Security Standards as tables: what each level forbids since which version.
//!
//! Sources: https://kubernetes.io/docs/concepts/security/pod-security-standards/ and the checks of
//! https://github.com/kubernetes/kubernetes/tree/v1.36.0/staging/src/k8s.io/pod-security-admission/policy, whose messages are
//! used here.

use crate::graph::{Container, Pod};
use crate::node::Node;
use crate::suggest;

/// A level with restrictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Baseline,
    Restricted,
}

impl Level {
    /// Parses the value of a label; `None` for `privileged` and unknown levels.
    pub(super) fn of(text: &str) -> Option<Self> {
        match text {
            "baseline" => Some(Self::Baseline),
            "restricted" => Some(Self::Restricted),
            _ => None,
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

/// A violation of a level by a pod.
pub(super) struct Violation<'a> {
    /// The field, or the name of the container that lacks it.
    pub(super) node: &'a Node,
    /// The reason, as in the message of the API server.
    pub(super) reason: &'static str,
    /// The pod or the containers that violate the level, and what they must set.
    pub(super) detail: String,
    /// How to fix it.
    pub(super) fix: &'static str,
}

/// What a control finds: the node and the detail of the message.
type ControlResult<'a> = Option<(&'a Node, String)>;

/// A control of the standards.
struct Control {
    level: Level,
    /// The minor versions in which it applies: from the first on, below the second.
    versions: (u8, u8),
    reason: &'static str,
    fix: &'static str,
    check: for<'p, 'a> fn(&Subject<'p, 'a>) -> ControlResult<'a>,
}

/// A pod, with the version and level against which it is checked.
struct Subject<'p, 'a> {
    pod: &'p Pod<'a>,
    minor: u8,
    level: Level,
}

const NEVER: u8 = u8::MAX;

use Level::{Baseline, Restricted};

#[rustfmt::skip]
const CONTROLS: &[Control] = &[
    Control { level: Restricted, versions: (8, NEVER), reason: "allowPrivilegeEscalation != false",
        fix: "set `allowPrivilegeEscalation: false`", check: privilege_escalation },
    Control { level: Baseline, versions: (0, NEVER), reason: "forbidden AppArmor profile",
        fix: "use the AppArmor profile `RuntimeDefault`", check: app_armor },
    Control { level: Baseline, versions: (0, NEVER), reason: "non-default capabilities",
        fix: "remove the capabilities from `add`", check: capabilities_baseline },
    Control { level: Restricted, versions: (22, NEVER), reason: "unrestricted capabilities",
        fix: "set `capabilities: {drop: [ALL]}`, and add at most `NET_BIND_SERVICE`", check: capabilities_restricted },
    Control { level: Baseline, versions: (0, NEVER), reason: "host namespaces",
        fix: "remove `hostNetwork`, `hostPID` and `hostIPC`", check: host_namespaces },
    Control { level: Baseline, versions: (0, NEVER), reason: "hostPath volumes",
        fix: "use another type of volume", check: host_path },
    Control { level: Baseline, versions: (0, NEVER), reason: "hostPort",
        fix: "remove `hostPort`, and use a Service", check: host_ports },
    Control { level: Baseline, versions: (34, NEVER), reason: "probe or lifecycle host",
        fix: "remove `host` from probes and lifecycle hooks", check: handler_hosts },
    Control { level: Baseline, versions: (0, NEVER), reason: "privileged",
        fix: "remove `privileged: true`", check: privileged },
    Control { level: Baseline, versions: (0, NEVER), reason: "procMount",
        fix: "remove `procMount`", check: proc_mount },
    Control { level: Restricted, versions: (0, NEVER), reason: "restricted volume types",
        fix: "use a PersistentVolumeClaim, or another type of volume", check: volume_types },
    Control { level: Restricted, versions: (0, NEVER), reason: "runAsNonRoot != true",
        fix: "set `runAsNonRoot: true`", check: run_as_non_root },
    Control { level: Restricted, versions: (23, NEVER), reason: "runAsUser=0",
        fix: "set `runAsUser` to a user other than 0", check: run_as_user },
    Control { level: Baseline, versions: (0, NEVER), reason: "seLinuxOptions",
        fix: "remove `user` and `role`, and use an allowed `type`", check: se_linux },
    Control { level: Baseline, versions: (0, 19), reason: "seccompProfile",
        fix: "use the seccomp profile `runtime/default`", check: seccomp_annotations },
    Control { level: Baseline, versions: (19, NEVER), reason: "seccompProfile",
        fix: "use the seccomp profile `RuntimeDefault`", check: seccomp_baseline },
    Control { level: Restricted, versions: (19, NEVER), reason: "seccompProfile",
        fix: "set `seccompProfile: {type: RuntimeDefault}`", check: seccomp_restricted },
    Control { level: Baseline, versions: (0, NEVER), reason: "forbidden sysctls",
        fix: "remove the sysctls", check: sysctls },
    Control { level: Baseline, versions: (0, NEVER), reason: "hostProcess",
        fix: "remove `hostProcess: true`", check: host_process },
];

/// The violations of a level by a pod, in a minor version of the standards.
pub(super) fn violations<'a>(pod: &Pod<'a>, level: Level, minor: u8) -> Vec<Violation<'a>> {
    let subject = Subject { pod, minor, level };
    let applies =
        |control: &&Control| control.level <= level && (control.versions.0..control.versions.1).contains(&minor);
    CONTROLS
        .iter()
        .filter(applies)
        .filter_map(|control| {
            let (node, detail) = (control.check)(&subject)?;
            Some(Violation { node, reason: control.reason, detail, fix: control.fix })
        })
        .collect()
}

impl<'p, 'a> Subject<'p, 'a> {
    /// Whether the pod is for Windows, where some settings do not apply.
    fn is_windows(&self) -> bool {
        self.minor >= 25 && self.pod.spec["os"]["name"].text() == "windows"
    }

    /// Whether the pod runs in its own user namespace, in which root is not root on the node.
    fn has_user_namespace(&self) -> bool {
        self.minor >= 35 && self.pod.spec["hostUsers"].as_bool() == Some(false)
    }

    fn containers(&self) -> impl Iterator<Item = &'p Container<'a>> + use<'p, 'a> {
        self.pod.containers.iter()
    }

    /// The containers for which `find` returns a node, followed by `words`.
    fn in_containers(&self, find: impl Fn(&Container<'a>) -> Option<&'a Node>, words: &str) -> ControlResult<'a> {
        let found: Vec<_> =
            self.containers().filter_map(|container| Some((find(container)?, container.name()))).collect();
        let (node, _) = found.first()?;
        Some((node, format!("{} {words}", named("container", found.iter().map(|(_, name)| *name)))))
    }

    /// The pod and the containers whose security context has a forbidden value in a field.
    fn setters(&self, path: &[&str], is_bad: impl Fn(&Node) -> bool) -> Vec<Setter<'a>> {
        let own = [(None, &self.pod.spec["securityContext"])].into_iter();
        let contexts = own.chain(self.containers().map(|one| (Some(one.name()), &one.node["securityContext"])));
        contexts
            .map(|(container, context)| Setter { container, node: context.at(path) })
            .filter(|setter| setter.node.is_set() && is_bad(setter.node))
            .collect()
    }

    /// The containers for which neither the container nor the pod sets an allowed value in a field.
    fn without(&self, path: &[&str], is_good: impl Fn(&Node) -> bool, words: &str) -> ControlResult<'a> {
        if is_good(self.pod.spec["securityContext"].at(path)) {
            return None;
        }
        let lacks = |container: &Container<'a>| {
            let own = container.node["securityContext"].at(path);
            (!own.is_set()).then_some(&container.node["name"])
        };
        let (node, detail) = self.in_containers(lacks, words)?;
        Some((node, format!("pod or {detail}")))
    }
}

/// A value that a pod or a container sets.
struct Setter<'a> {
    container: Option<&'a str>,
    node: &'a Node,
}

/// The pod and containers that set values, followed by `words`.
fn set_by<'a>(setters: &[Setter<'a>], words: &str) -> ControlResult<'a> {
    let first = setters.first()?;
    let containers = named("container", setters.iter().filter_map(|setter| setter.container));
    let who = match (first.container.is_none(), containers.as_str()) {
        (true, "") => "pod".to_owned(),
        (true, _) => format!("pod and {containers}"),
        (false, _) => containers,
    };
    Some((first.node, format!("{who} {words}")))
}

/// A noun and names, such as "container `a`" or "containers `a` and `b`"; empty without names.
fn named<'n>(noun: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => String::new(),
        1 => format!("{noun} `{}`", names[0]),
        _ => format!("{noun}s {}", suggest::list(names, "and")),
    }
}

fn is_false(node: &Node) -> bool {
    node.as_bool() == Some(false)
}

fn is_true(node: &Node) -> bool {
    node.as_bool() == Some(true)
}

fn privilege_escalation<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.is_windows() {
        return None;
    }
    let allows = |container: &Container<'a>| {
        let own = &container.node["securityContext"]["allowPrivilegeEscalation"];
        (!is_false(own)).then(|| if own.is_set() { own } else { &container.node["name"] })
    };
    subject.in_containers(allows, "must set securityContext.allowPrivilegeEscalation=false")
}

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

fn app_armor<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let is_bad = |node: &Node| !matches!(node.text(), "RuntimeDefault" | "Localhost");
    let setters = subject.setters(&["appArmorProfile", "type"], is_bad);
    let of_annotation = || {
        let annotations = subject.pod.annotations.entries().iter();
        let bad = annotations.filter(|annotation| {
            let value = annotation.value.text();
            annotation.key.starts_with(APP_ARMOR)
                && !(value.is_empty() || value == "runtime/default" || value.starts_with("localhost/"))
        });
        let first = bad.clone().next()?;
        let names = named("annotation", bad.map(|annotation| annotation.key.as_str()));
        Some((&first.value, format!("{names} must not set AppArmor profile type to `{}`", first.value.text())))
    };
    let values = suggest::list(setters.iter().map(|setter| setter.node.text()), "and");
    set_by(&setters, &format!("must not set AppArmor profile type to {values}")).or_else(of_annotation)
}

/// The capabilities that `baseline` allows a container to add.
const ADDABLE: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The capabilities that containers add and that are not allowed.
fn added<'a>(subject: &Subject<'_, 'a>, allowed: &[&str]) -> ControlResult<'a> {
    let of = |container: &Container<'a>| &container.node["securityContext"]["capabilities"]["add"];
    let is_more = |node: &Node| !allowed.contains(&node.text());
    let more = |container: &Container<'a>| of(container).items().iter().any(is_more).then(|| of(container));
    let mut names: Vec<&str> = subject
        .containers()
        .flat_map(|container| of(container).items())
        .filter(|node| is_more(node))
        .map(Node::text)
        .collect();
    names.sort_unstable();
    names.dedup();
    let names = suggest::list(names, "and");
    subject.in_containers(more, &format!("must not include {names} in securityContext.capabilities.add"))
}

fn capabilities_baseline<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    // The control of `restricted` replaces this one.
    let is_stricter = subject.level == Restricted && subject.minor >= 22;
    if is_stricter { None } else { added(subject, ADDABLE) }
}

fn capabilities_restricted<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.is_windows() {
        return None;
    }
    let keeps = |container: &Container<'a>| {
        let capabilities = &container.node["securityContext"]["capabilities"];
        let drops = capabilities["drop"].items().iter().any(|capability| capability.text() == "ALL");
        (!drops).then(|| if capabilities["drop"].is_set() { &capabilities["drop"] } else { &container.node["name"] })
    };
    let dropped = subject.in_containers(keeps, "must set securityContext.capabilities.drop=[\"ALL\"]");
    match (dropped, added(subject, &["NET_BIND_SERVICE"])) {
        (Some((node, one)), Some((_, other))) => Some((node, format!("{one}; {other}"))),
        (one, other) => one.or(other),
    }
}

fn host_namespaces<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let fields = ["hostNetwork", "hostPID", "hostIPC"];
    let used: Vec<&str> = fields.into_iter().filter(|field| is_true(&subject.pod.spec[*field])).collect();
    let first = used.first()?;
    let words: Vec<String> = used.iter().map(|field| format!("{field}=true")).collect();
    Some((&subject.pod.spec[*first], words.join(", ")))
}

/// The volumes of a pod, each with its type.
fn volumes<'a>(subject: &Subject<'_, 'a>) -> impl Iterator<Item = (&'a Node, &'a str)> + use<'a> {
    let of = |volume: &'a Node| {
        let source = volume.entries().iter().find(|entry| entry.key != "name" && entry.value.is_set());
        // The default source of a volume is an emptyDir.
        (&volume["name"], source.map_or("emptyDir", |entry| entry.key.as_str()))
    };
    subject.pod.spec["volumes"].items().iter().map(of)
}

fn host_path<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.level == Restricted {
        return None;
    }
    let bad: Vec<_> = volumes(subject).filter(|(_, kind)| *kind == "hostPath").collect();
    Some((bad.first()?.0, named("volume", bad.iter().map(|(name, _)| name.text()))))
}

/// The types of volumes that `restricted` allows.
const VOLUMES: &[&str] = &[
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

fn volume_types<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let bad: Vec<_> = volumes(subject).filter(|(_, kind)| !VOLUMES.contains(kind)).collect();
    let (first, _) = bad.first()?;
    let mut kinds: Vec<&str> = bad.iter().map(|(_, kind)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let (names, of) = (named("volume", bad.iter().map(|(name, _)| name.text())), named("type", kinds.into_iter()));
    Some((first, format!("{names} of the restricted {of}")))
}

fn host_ports<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let host_port = |container: &Container<'a>| {
        let ports = container.node["ports"].items().iter().map(|port| &port["hostPort"]);
        ports.into_iter().find(|port| port.as_i64().is_some_and(|port| port != 0))
    };
    subject.in_containers(host_port, "must not use a hostPort")
}

fn handler_hosts<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let host = |container: &Container<'a>| {
        let lifecycle = &container.node["lifecycle"];
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|probe| &container.node[probe]);
        let hooks = ["postStart", "preStop"].map(|hook| &lifecycle[hook]);
        let handlers = probes.into_iter().chain(hooks);
        let hosts = handlers.flat_map(|handler| ["httpGet", "tcpSocket"].map(|kind| &handler[kind]["host"]));
        hosts.into_iter().find(|host| !host.text().is_empty())
    };
    subject.in_containers(host, "must not set a host in probes and lifecycle hooks")
}

fn privileged<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let is_privileged =
        |container: &Container<'a>| Some(&container.node["securityContext"]["privileged"]).filter(|node| is_true(node));
    subject.in_containers(is_privileged, "must not set securityContext.privileged=true")
}

fn proc_mount<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.level == Baseline && subject.has_user_namespace() {
        return None;
    }
    let other = |container: &Container<'a>| {
        Some(&container.node["securityContext"]["procMount"]).filter(|node| node.is_set() && node.text() != "Default")
    };
    subject.in_containers(other, "must not set securityContext.procMount to another value than Default")
}

fn run_as_non_root<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.has_user_namespace() {
        return None;
    }
    let path = ["runAsNonRoot"];
    set_by(&subject.setters(&path, is_false), "must not set securityContext.runAsNonRoot=false")
        .or_else(|| subject.without(&path, is_true, "must set securityContext.runAsNonRoot=true"))
}

fn run_as_user<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.has_user_namespace() {
        return None;
    }
    set_by(&subject.setters(&["runAsUser"], |node| node.as_i64() == Some(0)), "must not set runAsUser=0")
}

fn se_linux<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let is_type = |node: &Node| match node.text() {
        "" | "container_t" | "container_init_t" | "container_kvm_t" => false,
        "container_engine_t" => subject.minor < 31,
        _ => true,
    };
    let types = subject.setters(&["seLinuxOptions", "type"], is_type);
    let values = suggest::list(types.iter().map(|setter| setter.node.text()), "and");
    let words = |what: &str| format!("must not set securityContext.seLinuxOptions.{what}");
    let named = |field: &str| {
        set_by(&subject.setters(&["seLinuxOptions", field], |node| !node.text().is_empty()), &words(field))
    };
    set_by(&types, &format!("{} to {values}", words("type"))).or_else(|| named("user")).or_else(|| named("role"))
}

fn is_profile(node: &Node) -> bool {
    matches!(node.text(), "RuntimeDefault" | "Localhost")
}

fn seccomp_annotations<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let is_bad =
        |value: &str| !matches!(value, "runtime/default" | "docker/default") && !value.starts_with("localhost/");
    let bad = subject.pod.annotations.entries().iter().find(|annotation| {
        let container = annotation.key.strip_prefix("container.seccomp.security.alpha.kubernetes.io/");
        let is_of_container = || container.is_some_and(|name| subject.containers().any(|one| one.name() == name));
        (annotation.key == "seccomp.security.alpha.kubernetes.io/pod" || is_of_container())
            && is_bad(annotation.value.text())
    })?;
    Some((&bad.value, format!("forbidden annotation `{}`", bad.key)))
}

fn seccomp_baseline<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.level == Restricted { None } else { bad_profiles(subject) }
}

fn seccomp_restricted<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    if subject.is_windows() {
        return None;
    }
    let words = "must set securityContext.seccompProfile.type to `RuntimeDefault` or `Localhost`";
    bad_profiles(subject).or_else(|| subject.without(&["seccompProfile", "type"], is_profile, words))
}

fn bad_profiles<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let setters = subject.setters(&["seccompProfile", "type"], |node| !is_profile(node));
    let values = suggest::list(setters.iter().map(|setter| setter.node.text()), "and");
    set_by(&setters, &format!("must not set securityContext.seccompProfile.type to {values}"))
}

/// The sysctls that `baseline` allows, each with the minor version since which it does.
const SYSCTLS: &[(&str, u8)] = &[
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_notsent_lowat", 37),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_slow_start_after_idle", 37),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.tcp_wmem", 32),
];

fn sysctls<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let is_allowed = |name: &str| SYSCTLS.iter().any(|(known, since)| *known == name && subject.minor >= *since);
    let items = subject.pod.spec["securityContext"]["sysctls"].items().iter();
    let bad: Vec<&Node> = items.map(|sysctl| &sysctl["name"]).filter(|name| !is_allowed(name.text())).collect();
    let first = bad.first()?;
    Some((first, suggest::list(bad.iter().map(|name| name.text()), "and")))
}

fn host_process<'a>(subject: &Subject<'_, 'a>) -> ControlResult<'a> {
    let setters = subject.setters(&["windowsOptions", "hostProcess"], is_true);
    set_by(&setters, "must not set securityContext.windowsOptions.hostProcess=true")
}
