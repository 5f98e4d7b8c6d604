//! Decoding as the API server does it: unknown fields and values of the wrong type.
//!
//! Go's strict decoder (`sigs.k8s.io/json`) is case-sensitive, treats null as absent and does not convert types. Only a float
//! without a fractional part passes for an integer, since kubectl writes it as one.

use crate::cursor::At;
use crate::formats::go;
use crate::formats::quantity::Quantity;
use crate::node::{Node, Value};
use crate::schema::{Fault, FaultKind, MOST_FAULTS, QUOTE, UNQUOTE};
use crate::suggest;

use super::schema::{Form, Leaf, Struct, Type};
use super::version::KubernetesVersion;

/// The help for bytes that are not base64.
pub(crate) const ENCODE: &str = "encode the value with `base64`";

/// The faults of a node that is decoded into a type.
#[must_use]
pub fn decode(node: &Node, ty: Type, version: KubernetesVersion) -> Vec<Fault<'_>> {
    decode_at(&At::root("", node), ty, version)
}

/// As [`decode`], for a field of an object.
pub(super) fn decode_at<'a>(at: &At<'a, '_>, ty: Type, version: KubernetesVersion) -> Vec<Fault<'a>> {
    let mut walker = Walker { version, lenient: false, faults: Vec::new() };
    walker.value(at, ty);
    walker.faults
}

struct Walker<'a> {
    version: KubernetesVersion,
    /// Inside types with their own Go decoder, which accepts unknown fields.
    lenient: bool,
    faults: Vec<Fault<'a>>,
}

impl<'a> Walker<'a> {
    fn value(&mut self, at: &At<'a, '_>, ty: Type) {
        let node = at.node;
        if node.is_null() || self.faults.len() >= MOST_FAULTS {
            return;
        }
        match ty.form() {
            Form::Leaf(leaf) => {
                if let Err(fault) = check_leaf(leaf, &node.value) {
                    self.wrong(at, fault.message, fault.help);
                }
            }
            Form::Struct(own) => match &node.value {
                Value::Mapping(mapping) => {
                    for entry in mapping {
                        let at = at.on(&entry.key, &entry.value);
                        match own.field(&entry.key, self.version) {
                            Some(field) => self.value(&at, field.ty),
                            None if self.lenient || self.faults.len() >= MOST_FAULTS => {}
                            None => {
                                let (message, help) = unknown(own, &at, &entry.key, self.version);
                                let fault = Fault::new(FaultKind::Unknown, &entry.value, at.dotted(), message);
                                self.faults.push(Fault { key_span: entry.key_span, help, ..fault });
                            }
                        }
                    }
                }
                _ => self.wrong_type(at, "a mapping"),
            },
            Form::List(items) => match &node.value {
                Value::Sequence(_) => at.items().for_each(|at| self.value(&at, items)),
                _ => self.wrong_type(at, "a list"),
            },
            Form::Map(values) => match &node.value {
                Value::Mapping(_) => at.keys().for_each(|(_, at)| self.value(&at, values)),
                _ => self.wrong_type(at, "a mapping"),
            },
            Form::Or(own, other) => {
                let lenient = std::mem::replace(&mut self.lenient, true);
                let mapping = matches!(node.value, Value::Mapping(_));
                self.value(at, if mapping { own } else { other });
                self.lenient = lenient;
            }
        }
    }

    fn wrong_type(&mut self, at: &At<'a, '_>, wanted: &str) {
        let node = at.node;
        self.wrong(at, format!("expected {wanted}, found {}", node.type_name()), list_help(wanted, node));
    }

    fn wrong(&mut self, at: &At<'a, '_>, message: String, help: &'static str) {
        let fault = Fault::new(FaultKind::Type, at.node, at.to_string(), message);
        self.faults.push(Fault { help: help.to_owned(), ..fault });
    }
}

fn list_help(wanted: &str, node: &Node) -> &'static str {
    match (&node.value, wanted) {
        (Value::Sequence(_), "a mapping") => "remove the dash: it must be a single mapping, not a list",
        (_, "a list") => "add a dash before it: it must be a list",
        _ => "",
    }
}

/// Why a value cannot be decoded into a leaf. The message does not contain the value, which may be a secret.
struct LeafFault {
    message: String,
    help: &'static str,
}

fn check_leaf(leaf: Leaf, value: &Value) -> Result<(), LeafFault> {
    let fault = |message: &str, help: &'static str| Err(LeafFault { message: message.to_owned(), help });
    let expected = |wanted: &str| {
        let found = match value {
            Value::Bool(_) => "a boolean",
            Value::Int(_) => "a number",
            Value::Float(number) if number.fract() == 0.0 => "a number",
            Value::Float(_) => "a number with a fraction",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Null => "null",
        };
        let help = match (value, wanted) {
            (Value::Bool(_) | Value::Int(_) | Value::Float(_), "a string") => QUOTE,
            (Value::String(text), "a boolean") if matches!(text.as_str(), "true" | "false") => UNQUOTE,
            (Value::String(text), "an integer" | "a number") if text.parse::<i64>().is_ok() => UNQUOTE,
            (Value::Sequence(_), _) => "remove the dash: it must be a single value, not a list",
            _ => "",
        };
        Err(LeafFault { message: format!("expected {wanted}, found {found}"), help })
    };
    match (leaf, value) {
        (Leaf::Any, _)
        | (_, Value::Null)
        | (Leaf::String | Leaf::IntOrString, Value::String(_))
        | (Leaf::Bool, Value::Bool(_))
        | (Leaf::Int64, Value::Int(_))
        | (Leaf::Double, Value::Int(_) | Value::Float(_))
        | (Leaf::Quantity, Value::Int(_) | Value::Float(_)) => Ok(()),
        (Leaf::Int32 | Leaf::IntOrString, Value::Int(number)) if i32::try_from(*number).is_ok() => Ok(()),
        (Leaf::Int32 | Leaf::IntOrString, Value::Float(number)) if whole(*number, 31) => Ok(()),
        (Leaf::Int64, Value::Float(number)) if whole(*number, 63) => Ok(()),
        (Leaf::Int32 | Leaf::IntOrString, Value::Int(_)) => fault("the number does not fit in 32 bits", ""),
        (Leaf::Int32 | Leaf::IntOrString, Value::Float(number)) if number.fract() == 0.0 => {
            fault("the number does not fit in 32 bits", "")
        }
        (Leaf::Int64, Value::Float(number)) if number.fract() == 0.0 => fault("the number does not fit in 64 bits", ""),
        (Leaf::Quantity, Value::String(text)) => {
            // The decoder trims white space around a quantity.
            if Quantity::parse(text.trim()).is_some() {
                return Ok(());
            }
            fault("not a quantity", quantity_help(text.trim()))
        }
        (Leaf::Bytes, Value::String(text)) if go::decode_base64(text).is_some() => Ok(()),
        (Leaf::Bytes, Value::String(_)) => fault("not base64", ENCODE),
        // Go decodes a list of small integers into bytes.
        (Leaf::Bytes, Value::Sequence(items))
            if items
                .iter()
                .all(|item| item.is_null() || item.as_i64().is_some_and(|number| u8::try_from(number).is_ok())) =>
        {
            Ok(())
        }
        (Leaf::Time, Value::String(text)) if go::time(text, false) => Ok(()),
        (Leaf::Time, Value::String(_)) => fault("not an RFC 3339 time", "write it like `2026-01-31T12:00:00Z`"),
        (Leaf::MicroTime, Value::String(text)) if go::time(text, true) => Ok(()),
        (Leaf::MicroTime, Value::String(_)) => {
            fault("not a time with microseconds", "write it like `2026-01-31T12:00:00.000000Z`")
        }
        (Leaf::Duration, Value::String(text)) if go::duration(text).is_some() => Ok(()),
        (Leaf::Duration, Value::String(_)) => fault("not a duration", "write it like `1h30m`"),
        (Leaf::Int32 | Leaf::Int64, _) => expected("an integer"),
        (Leaf::Double, _) => expected("a number"),
        (Leaf::Bool, _) => expected("a boolean"),
        (Leaf::IntOrString, _) => expected("an integer or a string"),
        (Leaf::Quantity, _) => expected("a quantity"),
        (Leaf::String | Leaf::Bytes | Leaf::Time | Leaf::MicroTime | Leaf::Duration, _) => expected("a string"),
    }
}

/// Whether a float is an integer of that many bits and a sign.
fn whole(number: f64, bits: i32) -> bool {
    let limit = 2_f64.powi(bits);
    number.fract() == 0.0 && (-limit..limit).contains(&number)
}

fn quantity_help(text: &str) -> &'static str {
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
    match suffix {
        "" => "write it like `500m`, `2` or `1Gi`",
        _ if suffix.starts_with(' ') => "remove the space before the unit",
        "gi" | "GI" | "GiB" | "gib" => "write `Gi`",
        "mi" | "MI" | "MiB" | "mib" => "write `Mi`",
        "ki" | "KI" | "KiB" | "kib" => "write `Ki`",
        "GB" | "gb" | "g" => "write `G` (1000³) or `Gi` (1024³)",
        "MB" | "mb" => "write `M` (1000²) or `Mi` (1024²)",
        "KB" | "kb" | "K" => "write `k` (1000) or `Ki` (1024)",
        _ => "the units are `m`, `k`, `M`, `G`, `T`, `P`, `E` and `Ki`, `Mi`, `Gi`, `Ti`, `Pi`, `Ei`",
    }
}

/// The message and help for an unknown field.
fn unknown(own: Struct, at: &At<'_, '_>, key: &str, version: KubernetesVersion) -> (String, String) {
    let having: Vec<String> = KubernetesVersion::all()
        .filter(|version| own.field(key, *version).is_some())
        .map(|version| version.to_string())
        .collect();
    if !having.is_empty() {
        let verb = if having.len() == 1 { "has" } else { "have" };
        let message = format!("unknown field `{}` in Kubernetes {version}", at.dotted());
        return (message, format!("only Kubernetes {} {verb} it", having.join(", ")));
    }
    let message = format!("unknown field `{}`", at.dotted());
    let names: Vec<&str> = own.fields(version).map(super::schema::Field::name).collect();
    let help = if let Some(near) = suggest::nearest(key, names.iter().copied()) {
        format!("did you mean `{near}`?")
    } else if let Some(path) = below(own, key, version) {
        format!("it belongs to `{path}`")
    } else if names.len() <= 8 && !names.is_empty() {
        format!("it can be {}", suggest::list(names, "or"))
    } else {
        String::new()
    };
    (message, help)
}

/// The path of the only struct, a few levels below, that has a field of this name: `template.spec`.
fn below(own: Struct, key: &str, version: KubernetesVersion) -> Option<String> {
    let mut level = vec![(String::new(), own)];
    for _ in 0..3 {
        let mut next = Vec::new();
        for (path, parent) in level {
            for field in parent.fields(version) {
                if let Form::Struct(child) = field.ty.form()
                    && field.name() != "status"
                {
                    let dot = if path.is_empty() { "" } else { "." };
                    next.push((format!("{path}{dot}{}", field.name()), child));
                }
            }
        }
        let mut found = next.iter().filter(|(_, child)| child.field(key, version).is_some());
        match (found.next(), found.next()) {
            (Some((path, _)), None) => return Some(path.clone()),
            (Some(_), Some(_)) => return None,
            _ => level = next,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::kube::Kind;
    use crate::source::Sources;
    use crate::yaml::{Dialect, load};

    /// The faults of an object, as `field: message`; with `+` where there is help.
    fn faults_in(text: &str, version: &str) -> Vec<String> {
        let sources = Sources::new();
        let loaded = load(&sources, sources.add("test.yaml", text), Dialect::Kubectl);
        let node = &loaded.documents[0];
        let version = version.parse().unwrap();
        let kind = Kind::find(node["apiVersion"].text(), node["kind"].text(), version).unwrap();
        decode(node, kind.ty, version)
            .into_iter()
            .map(|fault| {
                let help = if fault.help.is_empty() { String::new() } else { format!(" ({})", fault.help) };
                format!("{}: {}{help}", fault.field, fault.message)
            })
            .collect()
    }

    fn faults(text: &str) -> Vec<String> {
        faults_in(text, "1.36")
    }

    const NONE: [&str; 0] = [];

    #[test]
    fn unknown_fields_are_named_with_what_was_meant() {
        let service = |spec: &str| faults(&format!("apiVersion: v1\nkind: Service\nspec: {spec}\n"));
        assert_eq!(
            service("{ports: [{port: 80, targetport: 1}]}"),
            ["spec.ports[0].targetport: unknown field `spec.ports[0].targetport` (did you mean `targetPort`?)"]
        );
        let deployment = |spec: &str| faults(&format!("apiVersion: apps/v1\nkind: Deployment\nspec: {spec}\n"));
        assert_eq!(
            deployment("{containers: []}"),
            ["spec.containers: unknown field `spec.containers` (it belongs to `template.spec`)"]
        );
        let pod = |version: &str| faults_in("apiVersion: v1\nkind: Pod\nspec: {hostnameOverride: a}\n", version);
        assert_eq!(pod("1.36"), NONE);
        assert_eq!(
            pod("1.33"),
            [
                "spec.hostnameOverride: unknown field `spec.hostnameOverride` in Kubernetes 1.33 (only Kubernetes 1.34, 1.35, 1.36, 1.37 have it)"
            ]
        );
    }

    #[test]
    fn null_is_absent_everywhere() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {labels: {a: null}, creationTimestamp: null}\n\
                    spec: {replicas: null, template: {spec: {containers: [null, {ports: null, args: [null]}]}}}\n";
        assert_eq!(faults(text), NONE);
    }

    #[test]
    fn numbers_are_as_go_reads_them() {
        let replicas =
            |value: &str| faults(&format!("apiVersion: apps/v1\nkind: Deployment\nspec: {{replicas: {value}}}\n"));
        for good in ["1", "-1", "1.0", "1e3", "2147483647", "0x10"] {
            assert_eq!(replicas(good), NONE, "{good}");
        }
        for bad in ["1.5", "2147483648", "9223372036854775808", "\"1\"", "true", "[1]", "{}", "one"] {
            assert_eq!(replicas(bad).len(), 1, "{bad}");
        }
        assert_eq!(replicas("\"3\""), ["spec.replicas: expected an integer, found a string (write it without quotes)"]);
        let grace = |value: &str| {
            faults(&format!("apiVersion: v1\nkind: Pod\nspec: {{terminationGracePeriodSeconds: {value}}}\n"))
        };
        assert_eq!(grace("9223372036854775807"), NONE);
        assert_eq!(grace("9223372036854775808").len(), 1);
    }

    #[test]
    fn leaves_have_their_own_readers() {
        let port = |value: &str| {
            faults(&format!("apiVersion: v1\nkind: Service\nspec: {{ports: [{{targetPort: {value}}}]}}\n"))
        };
        for (value, count) in [("80", 0), ("http", 0), ("80.0", 0), ("1.5", 1), ("true", 1), ("2147483648", 1)] {
            assert_eq!(port(value).len(), count, "{value}");
        }
        let quota =
            |value: &str| faults(&format!("apiVersion: v1\nkind: ResourceQuota\nspec: {{hard: {{cpu: {value}}}}}\n"));
        for (value, count) in [("1", 0), ("0.5", 0), ("\" 1Gi \"", 0), ("1e3", 0), ("1GB", 1), ("true", 1), ("\"\"", 1)]
        {
            assert_eq!(quota(value).len(), count, "{value}");
        }
        assert_eq!(quota("1GiB"), ["spec.hard[cpu]: not a quantity (write `Gi`)"]);
        let secret = |value: &str| faults(&format!("apiVersion: v1\nkind: Secret\ndata: {{a: {value}}}\n"));
        for (value, count) in [("YQ==", 0), ("\"\"", 0), ("[1, 255]", 0), ("[256]", 1), ("YQ", 1), ("7", 1)] {
            assert_eq!(secret(value).len(), count, "{value}");
        }
        let lease = |value: &str| {
            faults(&format!("apiVersion: coordination.k8s.io/v1\nkind: Lease\nspec: {{renewTime: {value}}}\n"))
        };
        assert_eq!(lease("\"2026-01-31T12:00:00.000000Z\""), NONE);
        assert_eq!(lease("\"2026-01-31T12:00:00Z\"").len(), 1);
    }

    #[test]
    fn schemas_inside_a_definition_are_read_leniently_where_go_does() {
        let text = |at: &str| {
            format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec:\n  versions:\n  \
                 - schema: {{openAPIV3Schema: {{type: object, {at}}}}}\n"
            )
        };
        assert_eq!(faults(&text("additionalProperties: {bogus: 1}, items: [{type: string}]")), NONE);
        assert_eq!(faults(&text("additionalProperties: true, default: [1, {a: b}]")), NONE);
        assert_eq!(faults(&text("bogus: 1")).len(), 1);
        assert_eq!(faults(&text("additionalProperties: 7")).len(), 1);
    }

    #[test]
    fn a_hundred_faults_are_enough() {
        let text: String = (0..300).map(|number| format!("x{number}: 1\n")).collect();
        assert_eq!(faults(&format!("apiVersion: v1\nkind: Pod\n{text}")).len(), MOST_FAULTS);
    }

    #[test]
    fn values_are_not_repeated() {
        let all = faults("apiVersion: v1\nkind: Secret\ndata: {a: hunter2}\nstringData: {b: 4711}\n").join("\n");
        assert!(!all.contains("hunter2") && !all.contains("4711"), "{all}");
    }
}
