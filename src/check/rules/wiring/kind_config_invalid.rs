//! Rule `kind-config-invalid`.

use foldhash::{HashMap, HashMapExt};

use crate::check::{Bundle, Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::ip;
use crate::node::{Node, Value};
use crate::object::Object;
use crate::suggest;
use crate::validation::Report;

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::KindConfigInvalid,
    doc: Doc {
        checks: "\
Checks the config of a kind cluster (`kind: Cluster`, `apiVersion: kind.x-k8s.io/v1alpha4`): unknown
fields, values of the wrong type, and names, roles, protocols, ports, addresses, subnets and modes
that kind does not accept; a cluster without a control-plane node; two mounts at one path of a node.
The finding is an error.",
        why: "\
`kind create cluster --config` decodes the file strictly and creates no cluster
(`field … not found in type v1alpha4.Cluster`).",
        fix: "Correct the field that the message names.",
        source: "\
https://kind.sigs.k8s.io/docs/user/configuration/ and
https://github.com/kubernetes-sigs/kind/blob/v0.30.0/pkg/internal/apis/config/validate.go.",
    },
    bad: "\
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes: [{role: control-plane, extraPortMapping: [{containerPort: 30081, hostPort: 8081}]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: web}
",
    good: "\
-nodes: [{role: control-plane, extraPortMapping: [{containerPort: 30081, hostPort: 8081}]}]
+nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30081, hostPort: 8081}]}]
",
    check: Check::Bundle(check),
};

/// The type of a field.
enum FieldType {
    /// A string; other scalars are read as strings.
    Text,
    /// `true` or `false`.
    Flag,
    /// A string that a function accepts, and the message for others.
    Checked(fn(&str) -> bool, &'static str),
    /// One of a few strings.
    OneOf(&'static [&'static str]),
    /// A port; 0 and -1 stand for any free port.
    Port,
    /// A list.
    List(&'static FieldType),
    /// A mapping with any keys.
    Map(&'static FieldType),
    /// A mapping with these fields.
    Fields(&'static [(&'static str, FieldType)]),
}

use FieldType::{Checked, Fields, Flag, List, Map, OneOf, Port, Text};

/// The fields of a cluster.
/// (https://github.com/kubernetes-sigs/kind/blob/v0.30.0/pkg/apis/config/v1alpha4/types.go)
const CLUSTER: &[(&str, FieldType)] = &[
    ("apiVersion", Text),
    ("containerdConfigPatches", List(&Text)),
    ("containerdConfigPatchesJSON6902", List(&Text)),
    ("featureGates", Map(&Flag)),
    ("kind", Text),
    ("kubeadmConfigPatches", List(&Text)),
    ("kubeadmConfigPatchesJSON6902", List(&Fields(PATCH))),
    ("name", Checked(is_name, "must consist of lower case letters, digits, `.` and `-`")),
    ("networking", Fields(NETWORKING)),
    ("nodes", List(&Fields(NODE))),
    ("runtimeConfig", Map(&Text)),
];

const NETWORKING: &[(&str, FieldType)] = &[
    ("apiServerAddress", Text),
    ("apiServerPort", Port),
    ("disableDefaultCNI", Flag),
    ("dnsSearch", List(&Text)),
    ("ipFamily", OneOf(&["dual", "ipv4", "ipv6"])),
    ("kubeProxyMode", OneOf(&["iptables", "ipvs", "nftables", "none"])),
    ("podSubnet", Checked(is_subnets, "must be a CIDR, or two separated by a comma")),
    ("serviceSubnet", Checked(is_subnets, "must be a CIDR, or two separated by a comma")),
];

const NODE: &[(&str, FieldType)] = &[
    ("extraMounts", List(&Fields(MOUNT))),
    ("extraPortMappings", List(&Fields(MAPPING))),
    ("image", Text),
    ("kubeadmConfigPatches", List(&Text)),
    ("kubeadmConfigPatchesJSON6902", List(&Fields(PATCH))),
    ("labels", Map(&Text)),
    ("role", OneOf(&["control-plane", "worker"])),
];

const MOUNT: &[(&str, FieldType)] =
    &[("containerPath", Text), ("hostPath", Text), ("propagation", Text), ("readOnly", Flag), ("selinuxRelabel", Flag)];

const MAPPING: &[(&str, FieldType)] = &[
    ("containerPort", Port),
    ("hostPort", Port),
    ("listenAddress", Checked(|text| ip::sloppy(text).is_some(), "must be an IP address")),
    ("protocol", OneOf(&["SCTP", "TCP", "UDP"])),
];

const PATCH: &[(&str, FieldType)] = &[("group", Text), ("kind", Text), ("patch", Text), ("version", Text)];

fn is_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte))
}

fn is_subnets(text: &str) -> bool {
    text.split(',').count() <= 2 && text.split(',').all(|subnet| ip::sloppy_cidr(subnet).is_some())
}

fn check(bundle: &Bundle<'_>, report: &mut Report<'_>) {
    for cluster in bundle.options.clusters() {
        let mut faults = Faults { cluster, report };
        let (version, kind) = (&cluster.node["apiVersion"], &cluster.node["kind"]);
        if version.text() != "kind.x-k8s.io/v1alpha4" {
            faults.add(
                version,
                "apiVersion",
                format!("unknown apiVersion `{}`", version.text()),
                "use `kind.x-k8s.io/v1alpha4`",
            );
        } else if kind.text() != "Cluster" {
            faults.add(kind, "kind", format!("unknown kind `{}`", kind.text()), "use `Cluster`");
        } else {
            faults.form(&cluster.node, &Fields(CLUSTER), "");
            nodes(cluster, &mut faults);
        }
    }
}

/// Validates the nodes across their fields.
fn nodes(cluster: &Object, faults: &mut Faults<'_, '_>) {
    let nodes = &cluster.node["nodes"];
    let is_worker = |node: &Node| node["role"].text() == "worker";
    if !nodes.items().is_empty() && nodes.items().iter().all(is_worker) {
        let message = "a cluster must have at least one control-plane node".to_owned();
        faults.add(nodes, "nodes", message, "add `- role: control-plane`");
    }
    for (number, node) in nodes.items().iter().enumerate() {
        let mut mounted = HashMap::new();
        for (at, mount) in node["extraMounts"].items().iter().enumerate() {
            let field = format!("nodes[{number}].extraMounts[{at}]");
            for part in ["hostPath", "containerPath"] {
                if mount[part].text().is_empty() {
                    faults.add(mount, &format!("{field}.{part}"), format!("`{part}` is required"), "");
                }
            }
            let path = mount["containerPath"].text().trim_end_matches('/');
            if mounted.insert(path, ()).is_some() && !path.is_empty() {
                let message = format!("duplicate mount point `{path}`");
                faults.add(
                    &mount["containerPath"],
                    &format!("{field}.containerPath"),
                    message,
                    "mount one of them at another path",
                );
            }
        }
    }
}

/// Validates the config of a cluster.
struct Faults<'c, 'r> {
    cluster: &'c Object,
    report: &'c mut Report<'r>,
}

impl Faults<'_, '_> {
    fn add(&mut self, node: &Node, field: &str, message: String, help: &str) {
        self.report.field(self.cluster, node, field, message).help(help);
    }

    fn form(&mut self, node: &Node, form: &FieldType, field: &str) {
        // Null means the default.
        if node.is_null() {
            return;
        }
        let is_scalar = !matches!(node.value, Value::Sequence(_) | Value::Mapping(_));
        let must_be = |what: &str| format!("`{}` must be {what}", field.rsplit('.').next().unwrap_or(field));
        match form {
            Text if !is_scalar => self.add(node, field, must_be("a string"), ""),
            Flag if node.as_bool().is_none() => self.add(node, field, must_be("true or false"), ""),
            Port => match node.as_i64() {
                None => self.add(node, field, must_be("a number"), "write it without quotes"),
                Some(port) if !(-1..=65535).contains(&port) => {
                    self.add(node, field, format!("invalid port number {port}"), "use a port between 1 and 65535");
                }
                Some(_) => {}
            },
            Checked(is_valid, rule) if is_scalar => {
                if !node.text().is_empty() && !is_valid(node.text()) {
                    self.add(node, field, format!("`{}` {rule}", node.text()), "");
                }
            }
            OneOf(allowed) if is_scalar => {
                if !node.text().is_empty() && !allowed.contains(&node.text()) {
                    let near = suggest::nearest(node.text(), allowed.iter().copied());
                    let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
                    let message = format!("`{}` must be {}", node.text(), suggest::list(*allowed, "or"));
                    self.add(node, field, message, &help);
                }
            }
            Checked(..) | OneOf(_) => self.add(node, field, must_be("a string"), ""),
            List(of) => match &node.value {
                Value::Sequence(_) => {
                    for (at, item) in node.items().iter().enumerate() {
                        self.form(item, of, &format!("{field}[{at}]"));
                    }
                }
                _ => self.add(node, field, must_be("a list"), ""),
            },
            Map(of) => match &node.value {
                Value::Mapping(_) => {
                    for entry in node.entries() {
                        self.form(&entry.value, of, &format!("{field}[{}]", entry.key));
                    }
                }
                _ => self.add(node, field, must_be("a mapping"), ""),
            },
            Fields(fields) => self.fields(node, fields, field),
            Text | Flag => {}
        }
    }

    fn fields(&mut self, node: &Node, fields: &[(&str, FieldType)], field: &str) {
        if !matches!(node.value, Value::Mapping(_)) {
            let name = if field.is_empty() { "the config" } else { field };
            self.add(node, field, format!("{name} must be a mapping"), "");
            return;
        }
        for entry in node.entries() {
            let key = entry.key.as_str();
            let path = if field.is_empty() { key.to_owned() } else { format!("{field}.{key}") };
            match fields.iter().find(|(known, _)| *known == key) {
                Some((_, form)) => self.form(&entry.value, form, &path),
                None => {
                    let names = || fields.iter().map(|(known, _)| *known);
                    let near = suggest::nearest(key, names()).map(|near| format!("did you mean `{near}`?"));
                    let help =
                        near.unwrap_or_else(|| format!("use one of the fields: {}", suggest::list(names(), "or")));
                    self.report
                        .field(self.cluster, &entry.value, path, format!("unknown field `{key}`"))
                        .place(entry.key_span)
                        .help(help);
                }
            }
        }
    }
}
