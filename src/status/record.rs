//! What a cluster says of its objects, as data: read from a file, or fetched with kubectl.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::node::{Node, Value};
use crate::object::Object;
use crate::report::Mask;
use crate::secret;
use crate::status::time;
use crate::yaml;

/// The state of some objects at one time: `{"objects": […], "events": […], "logs": {"pod/container": "…"}}`.
///
/// `objects` and `events` are as `kubectl get -o json` prints them. A key of `logs` that ends in `/previous` is of the run
/// before the present one. `applied` holds what kubectl printed when the objects were applied, one string a step. `at` is the
/// time of the record; without it `waited` (seconds since the objects were created) or the latest timestamp tells it.
#[derive(Debug, Default)]
pub struct Record {
    /// The objects.
    pub objects: Vec<Object>,
    /// The events.
    pub events: Vec<Event>,
    /// The last lines of logs, by `pod/container`.
    pub logs: BTreeMap<String, String>,
    /// What kubectl printed, one string a step.
    pub applied: Vec<String>,
    /// When it was recorded, in seconds since 1970.
    pub at: i64,
}

/// One event of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Event {
    /// The kind of the object it is about.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The container it is about, where it is about one.
    pub container: String,
    /// `FailedScheduling`.
    pub reason: String,
    /// What the component says.
    pub message: String,
    /// Whether it is of type `Warning`.
    pub warning: bool,
    /// How often it was seen.
    pub count: i64,
    /// When it was last seen.
    pub last: i64,
}

impl Event {
    fn read(node: &Node) -> Self {
        let about = if node["involvedObject"].is_set() { &node["involvedObject"] } else { &node["regarding"] };
        let text = |key: &str| about[key].text().to_owned();
        let field = about["fieldPath"].text();
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
    /// Where the text is not JSON, or is neither of the two; the message says why.
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
        record.applied = root["applied"].items().iter().map(|step| step.text().to_owned()).collect();
        let waited = root["waited"].as_i64().unwrap_or_default();
        record.at = time::parse(root["at"].text()).unwrap_or_else(|| record.latest(waited));
        Ok(record)
    }

    /// Adds the objects and events of a list, or of an object that holds one.
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

    /// The latest time that is mentioned, at least so many seconds after the first workload or claim was created.
    fn latest(&self, waited: i64) -> i64 {
        let created = self.objects.iter().filter(|object| !matches!(object.kind(), "Namespace" | "ServiceAccount"));
        let created =
            created.filter_map(|object| time::parse(object.node.at(&["metadata", "creationTimestamp"]).text()));
        let first = created.min().map_or(i64::MIN, |first| first.saturating_add(waited));
        let events = self.events.iter().map(|event| event.last);
        let states = self.objects.iter().filter_map(|object| latest(&object.node["status"]));
        events.chain(states).fold(first, i64::max)
    }

    /// Writes it, without the values of secrets.
    #[must_use]
    pub fn to_json(&self, mask: &Mask) -> String {
        let objects: Vec<Json> = self.objects.iter().map(|object| shown(object, mask)).collect();
        let events: Vec<Json> = self
            .events
            .iter()
            .map(|event| {
                let mut about = json!({"kind": event.kind, "namespace": event.namespace, "name": event.name});
                if !event.container.is_empty() {
                    about["fieldPath"] = format!("spec.containers{{{}}}", event.container).into();
                }
                json!({
                    "kind": "Event",
                    "type": if event.warning { "Warning" } else { "Normal" },
                    "reason": event.reason,
                    "message": mask.words(&event.message),
                    "count": event.count,
                    "lastTimestamp": time::format(event.last.max(0)),
                    "involvedObject": about,
                })
            })
            .collect();
        let logs: BTreeMap<&str, String> =
            self.logs.iter().map(|(name, log)| (name.as_str(), mask.words(log))).collect();
        let applied: Vec<String> = self.applied.iter().map(|step| mask.words(step)).collect();
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

/// An object without secret values; of a Secret only the keys are left.
fn shown(object: &Object, mask: &Mask) -> Json {
    let of_secret = object.kind() == "Secret" && object.group().is_empty();
    let entries = object.node.entries().iter().map(|entry| {
        let value = match &*entry.key {
            "data" | "stringData" if of_secret => {
                entry.value.entries().iter().map(|data| (data.key.to_string(), Json::from(secret::DOTS))).collect()
            }
            _ => to_json(&entry.value, mask),
        };
        (entry.key.to_string(), value)
    });
    entries.collect()
}

fn to_json(node: &Node, mask: &Mask) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::String(text) => Json::from(mask.words(text)),
        Value::Sequence(items) => items.iter().map(|item| to_json(item, mask)).collect(),
        Value::Mapping(mapping) => {
            let is_secret = secret::holds(node);
            // Without the server's bookkeeping, and a second copy of the object, which may hold secrets.
            let kept = mapping.iter().filter(|entry| {
                !matches!(&*entry.key, "managedFields" | "kubectl.kubernetes.io/last-applied-configuration")
            });
            kept.map(|entry| {
                let secret = is_secret(&entry.key, &entry.value);
                let value = if secret { secret::DOTS.into() } else { to_json(&entry.value, mask) };
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
