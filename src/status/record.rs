//! A record of the state of a cluster, read from a file or fetched with kubectl.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::Secrets;
use crate::secret;
use crate::status::time;
use crate::yaml;

/// The state of some objects at one time: `{"objects": […], "events": […], "logs": {"pod/container": "…"}}`.
///
/// `objects` and `events` have the format of `kubectl get -o json`. A key of `logs` that ends in `/previous` is for the
/// previous run of a container. `applied` holds the output of `kubectl apply`, one string for each call. `at` is the
/// time of the record; without it the time is derived from `waited`, the seconds since the objects were created, or is
/// the latest timestamp.
#[derive(Debug, Default)]
pub struct Record {
    /// The objects.
    pub objects: Vec<Object>,
    /// The events.
    pub events: Vec<Event>,
    /// The last lines of logs, by `pod/container`.
    pub logs: BTreeMap<String, String>,
    /// The output of `kubectl apply`, one string for each call.
    pub applied: Vec<String>,
    /// When it was recorded, in seconds since 1970.
    pub at: i64,
}

/// An event of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// The kind of the involved object.
    pub kind: String,
    /// The namespace of the involved object.
    pub namespace: String,
    /// The name of the involved object.
    pub name: String,
    /// The name of the involved container; empty if the event is about no container.
    pub container: String,
    /// The reason, such as `FailedScheduling`.
    pub reason: String,
    /// The message.
    pub message: String,
    /// Whether its type is `Warning`.
    pub warning: bool,
    /// How often it occurred.
    pub count: i64,
    /// When it last occurred, in seconds since 1970.
    pub last: i64,
}

impl Event {
    fn read(node: &Node) -> Self {
        let involved = if node["involvedObject"].is_set() { &node["involvedObject"] } else { &node["regarding"] };
        let text = |key: &str| involved[key].text().to_owned();
        let field = involved["fieldPath"].text();
        let container = field.split_once('{').and_then(|(_, rest)| rest.strip_suffix('}')).unwrap_or_default();
        let times = [
            &node["series"]["lastObservedTime"],
            &node["lastTimestamp"],
            &node["deprecatedLastTimestamp"],
            &node["eventTime"],
            &node["firstTimestamp"],
            &node["metadata"]["creationTimestamp"],
        ];
        let message = if node["message"].is_set() { &node["message"] } else { &node["note"] };
        let count = [&node["series"]["count"], &node["count"], &node["deprecatedCount"]];
        Self {
            kind: text("kind"),
            namespace: text("namespace"),
            name: text("name"),
            container: container.to_owned(),
            reason: node["reason"].text().to_owned(),
            message: message.text().to_owned(),
            warning: node["type"].text() == "Warning",
            count: count.iter().find_map(|count| count.as_i64()).unwrap_or(1),
            last: times.iter().filter_map(|time| time::parse(time.text())).max().unwrap_or(i64::MIN),
        }
    }
}

impl Record {
    /// Reads a record, or a list that `kubectl get -o json` printed.
    ///
    /// # Errors
    /// If the input is not JSON, or is neither a record nor a list.
    pub fn read(text: &str) -> Result<Self, String> {
        let root = yaml::read_json(text).map_err(|error| format!("invalid JSON: {error}"))?;
        if !root["objects"].is_set() && !root["items"].is_set() {
            return Err("not a record: neither `objects` nor `items`".to_owned());
        }
        let mut record = Self::default();
        record.add(&root["objects"]);
        record.add(&root["items"]);
        record.add(&root["events"]);
        for entry in root["logs"].entries() {
            record.logs.insert(entry.key.to_string(), entry.value.text().to_owned());
        }
        record.applied = root["applied"].items().iter().map(|output| output.text().to_owned()).collect();
        let waited = root["waited"].as_i64().unwrap_or_default();
        record.at = time::parse(root["at"].text()).unwrap_or_else(|| record.latest(waited));
        Ok(record)
    }

    /// Adds the objects and events of a sequence or of a `List` object.
    pub fn add(&mut self, list: &Node) {
        let items = if list["items"].is_set() { list["items"].items() } else { list.items() };
        items.iter().for_each(|item| self.add_one(item));
    }

    /// Adds an object or event.
    pub fn add_one(&mut self, item: &Node) {
        match item["kind"].text() {
            "Event" => self.events.push(Event::read(item)),
            "" => {}
            _ => self.objects.push(Object::new(item.clone())),
        }
    }

    /// The latest timestamp, but no earlier than `waited` seconds after the first workload or claim was created.
    fn latest(&self, waited: i64) -> i64 {
        let created = self.objects.iter().filter(|object| !matches!(object.kind(), "Namespace" | "ServiceAccount"));
        let created =
            created.filter_map(|object| time::parse(object.node.at(&["metadata", "creationTimestamp"]).text()));
        let first = created.min().map_or(i64::MIN, |first| first.saturating_add(waited));
        let events = self.events.iter().map(|event| event.last);
        let states = self.objects.iter().filter_map(|object| latest(&object.node["status"]));
        events.chain(states).fold(first, i64::max)
    }

    /// Serializes the record with secrets redacted.
    #[must_use]
    pub fn to_json(&self, secrets: &Secrets) -> String {
        let objects: Vec<Json> = self.objects.iter().map(|object| redact(object, secrets)).collect();
        let events: Vec<Json> = self
            .events
            .iter()
            .map(|event| {
                let mut involved = json!({"kind": event.kind, "namespace": event.namespace, "name": event.name});
                if !event.container.is_empty() {
                    involved["fieldPath"] = format!("spec.containers{{{}}}", event.container).into();
                }
                json!({
                    "kind": "Event",
                    "type": if event.warning { "Warning" } else { "Normal" },
                    "reason": event.reason,
                    "message": secrets.words(&event.message),
                    "count": event.count,
                    "lastTimestamp": time::format(event.last.max(0)),
                    "involvedObject": involved,
                })
            })
            .collect();
        let logs: BTreeMap<&str, String> =
            self.logs.iter().map(|(name, log)| (name.as_str(), secrets.words(log))).collect();
        let applied: Vec<String> = self.applied.iter().map(|output| secrets.words(output)).collect();
        let record = json!({
            "at": time::format(self.at),
            "objects": objects,
            "events": events,
            "logs": logs,
            "applied": applied,
        });
        crate::report::plain_json(&format!("{record:#}\n"))
    }
}

/// An object with secret values redacted. The values of a Secret are all redacted.
fn redact(object: &Object, secrets: &Secrets) -> Json {
    let of_secret = object.kind() == "Secret" && object.group().is_empty();
    let entries = object.node.entries().iter().map(|entry| {
        let value = match &*entry.key {
            "data" | "stringData" if of_secret => {
                entry.value.entries().iter().map(|data| (data.key.to_string(), Json::from(secret::REDACTED))).collect()
            }
            _ => to_json(&entry.value, secrets),
        };
        (entry.key.to_string(), value)
    });
    entries.collect()
}

fn to_json(node: &Node, secrets: &Secrets) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::String(text) => Json::from(secrets.words(text)),
        Value::Sequence(items) => items.iter().map(|item| to_json(item, secrets)).collect(),
        Value::Mapping(mapping) => {
            let is_secret = secret::holds(node);
            // `last-applied-configuration` is a second copy of the object, which may contain secrets.
            let entries = mapping.iter().filter(|entry| {
                !matches!(&*entry.key, "managedFields" | "kubectl.kubernetes.io/last-applied-configuration")
            });
            entries
                .map(|entry| {
                    let secret = is_secret(&entry.key, &entry.value);
                    let value = if secret { secret::REDACTED.into() } else { to_json(&entry.value, secrets) };
                    (entry.key.to_string(), value)
                })
                .collect()
        }
    }
}

/// The latest timestamp in a status.
fn latest(node: &Node) -> Option<i64> {
    let below = node.entries().iter().map(|entry| &entry.value).chain(node.items());
    let own = node.as_str().filter(|text| text.len() == 20 && text.ends_with('Z')).and_then(time::parse);
    below.filter_map(latest).chain(own).max()
}
