//! Rendered objects, parsed to plain JSON values by an independent YAML library.

use std::collections::BTreeMap;

use serde_json::Value;

/// The objects of one bundle.
pub(super) struct Manifests {
    pub objects: Vec<Value>,
}

impl Manifests {
    /// Parses a stream of documents.
    pub(super) fn parse(text: &str) -> Self {
        let objects: Vec<Value> = serde_saphyr::from_multiple(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        Self { objects: objects.into_iter().filter(|object| !object.is_null()).collect() }
    }

    /// The object with a kind and name.
    pub(super) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name)
    }

    /// The only object of a kind whose name has a prefix.
    #[track_caller]
    pub(super) fn only(&self, kind: &str, prefix: &str) -> &Value {
        let fits = |object: &&Value| {
            object["kind"] == kind && object["metadata"]["name"].as_str().is_some_and(|name| name.starts_with(prefix))
        };
        let found: Vec<&Value> = self.objects.iter().filter(fits).collect();
        assert_eq!(found.len(), 1, "{kind} {prefix}*");
        found[0]
    }

    /// The data of a ConfigMap or Secret; `None` if it does not exist.
    pub(super) fn data(&self, kind: &str, name: &str) -> Option<BTreeMap<String, Vec<u8>>> {
        let object = self.find(kind, name)?;
        let mut all = BTreeMap::new();
        let entries = |field: &str| object[field].as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().expect("data are strings").to_owned();
        for (key, value) in entries("data") {
            let value = text(value);
            all.insert(key.clone(), if kind == "Secret" { base64(&value) } else { value.into_bytes() });
        }
        all.extend(entries("binaryData").map(|(key, value)| (key.clone(), base64(&text(value)))));
        // In the API server, `stringData` overrides `data`.
        all.extend(entries("stringData").map(|(key, value)| (key.clone(), text(value).into_bytes())));
        Some(all)
    }

    /// The target of a connection to `host:port` from a namespace: the pod template selected by the Service, and the
    /// port of its container.
    pub(super) fn resolve(&self, namespace: &str, host: &str, port: i64) -> Result<(&Value, i64), String> {
        let service = self
            .objects
            .iter()
            .find(|object| {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                let its = object["metadata"]["namespace"].as_str().unwrap_or_default();
                let long = format!("{name}.{its}");
                let names = [long.clone(), format!("{long}.svc"), format!("{long}.svc.cluster.local")];
                object["kind"] == "Service" && ((host == name && namespace == its) || names.iter().any(|n| n == host))
            })
            .ok_or_else(|| format!("no Service `{host}` in reach of namespace `{namespace}`"))?;
        let ports = service["spec"]["ports"].as_array().into_iter().flatten();
        let entry = ports.into_iter().find(|entry| entry["port"] == port);
        let entry = entry.ok_or_else(|| format!("Service `{host}` has no port {port}"))?;
        let template = self
            .objects
            .iter()
            .filter(|object| object["metadata"]["namespace"] == service["metadata"]["namespace"])
            .map(|object| &object["spec"]["template"])
            .find(|template| {
                let labels = &template["metadata"]["labels"];
                let wanted = service["spec"]["selector"].as_object().into_iter().flatten();
                template.is_object() && wanted.clone().count() > 0 && wanted.into_iter().all(|(k, v)| labels[k] == *v)
            })
            .ok_or_else(|| format!("Service `{host}` selects no pod"))?;
        let target = if entry["targetPort"].is_null() { &entry["port"] } else { &entry["targetPort"] };
        let listens = |wanted: &Value| {
            template["spec"]["containers"].as_array().into_iter().flatten().find_map(|container| {
                let ports = container["ports"].as_array().into_iter().flatten();
                let mut fitting = ports.into_iter().filter(|p| p["name"] == *wanted || p["containerPort"] == *wanted);
                fitting.next().and_then(|port| port["containerPort"].as_i64())
            })
        };
        let port = listens(target).ok_or_else(|| format!("no container listens on {target} behind `{host}`"))?;
        Ok((template, port))
    }
}

/// Decodes standard base64, with or without padding.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> = text
        .bytes()
        .filter(|byte| !b"=\n".contains(byte))
        .map(|byte| ALPHABET.iter().position(|known| *known == byte).expect("base64") as u32)
        .collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let bits = group.iter().enumerate().fold(0, |bits, (at, digit)| bits | digit << (18 - 6 * at));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

#[test]
fn decodes_base64() {
    for (text, expected) in [("", ""), ("YQ==", "a"), ("YWI=", "ab"), ("YWJj", "abc"), ("w6k/Pg", "é?>")] {
        assert_eq!(base64(text), expected.as_bytes());
    }
}
