//! The merged schemas of all versions: each field and kind has a mask of the versions that have it.

use crate::Result;
use serde_json::Value;
use std::collections::BTreeMap;

/// How the decoder reads a value. The numbers are those of `src/kube/schema.rs`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A scalar or special type, by its tag.
    Leaf(u8),
    /// A struct, by the name of its definition.
    Struct(String),
    /// A list of one type, and the keys of its items.
    List(usize, Keys),
    /// A map of strings to one type, and whether server-side apply replaces it as a whole.
    Map(usize, bool),
    /// A struct or one other type (`JSONSchemaPropsOrBool` and its like).
    Or(usize, usize),
}

pub const ANY: u8 = 0;
pub const STRING: u8 = 1;
pub const BOOL: u8 = 2;
pub const INT32: u8 = 3;
pub const INT64: u8 = 4;
pub const DOUBLE: u8 = 5;
pub const BYTES: u8 = 6;
pub const TIME: u8 = 7;
pub const MICRO_TIME: u8 = 8;
pub const DURATION: u8 = 9;
pub const INT_OR_STRING: u8 = 10;
pub const QUANTITY: u8 = 11;
pub const OBJECT: u8 = 12;
pub const RAW: u8 = 13;

/// How the items of a list are identified.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keys {
    /// 0 atomic, 1 set, 2 map.
    pub kind: u8,
    pub keys: Vec<String>,
    pub merge: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub type_id: usize,
    pub required: bool,
    pub pointer: bool,
    /// The default value set by the API server, as JSON.
    pub default: Option<String>,
    pub versions: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub type_id: usize,
    pub plural: String,
    pub scope: u8,
    pub list: bool,
    pub versions: u16,
}

/// The properties in `fields.tsv` of a field, or of a type (whose field is `-`).
#[derive(Clone, Debug, Default)]
struct Fact {
    pointer: bool,
    atomic: bool,
    default: Option<String>,
    seen: bool,
}

pub struct Model {
    pub types: Vec<Type>,
    ids: BTreeMap<Type, usize>,
    /// The variants of each field, by definition name and field name.
    pub structs: BTreeMap<String, BTreeMap<String, Vec<Field>>>,
    pub kinds: BTreeMap<(String, String), Vec<Kind>>,
    keys: BTreeMap<(String, String), (Keys, bool)>,
    facts: BTreeMap<(String, String), Fact>,
}

impl Model {
    /// An empty model with the list keys (the contents of `list-keys.tsv`) and the other properties (those of
    /// `fields.tsv`).
    pub fn new(list_keys: &str, fields: &str) -> Result<Model> {
        let mut facts = BTreeMap::new();
        for line in fields.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [type_name, field, pointer, atomic, default] = columns[..] else {
                return Err(format!("fields.tsv: not five columns: {line}").into());
            };
            let default = (default != "-").then(|| default.to_owned());
            if let Some(text) = &default {
                serde_json::from_str::<Value>(text).map_err(|error| format!("fields.tsv: {line}: {error}"))?;
            }
            let fact = Fact { pointer: pointer == "pointer", atomic: atomic == "atomic", default, seen: false };
            facts.insert((full_name(type_name), field.to_owned()), fact);
        }
        let mut keys = BTreeMap::new();
        for line in list_keys.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [type_name, field, list_type, names, merge] = columns[..] else {
                return Err(format!("list-keys.tsv: not five columns: {line}").into());
            };
            let entry = Keys {
                kind: match list_type {
                    "set" => 1,
                    "map" => 2,
                    other => return Err(format!("list-keys.tsv: list-type {other}").into()),
                },
                keys: names.split(", ").filter(|name| *name != "-").map(str::to_owned).collect(),
                merge: (merge != "-").then(|| merge.to_owned()),
            };
            keys.insert((full_name(type_name), field.to_owned()), (entry, false));
        }
        Ok(Model {
            types: Vec::new(),
            ids: BTreeMap::new(),
            structs: BTreeMap::new(),
            kinds: BTreeMap::new(),
            keys,
            facts,
        })
    }

    /// Merges the dump of one version.
    pub fn add(&mut self, dump: &Value, bit: usize) -> Result<()> {
        let definitions = dump["definitions"].as_object().ok_or("no definitions")?;
        for (name, definition) in definitions {
            if special(name).is_none() && definition.get("oneOf").is_none() {
                self.add_struct(name, definition, definitions, bit).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        for kind in dump["kinds"].as_array().ok_or("no kinds")? {
            self.add_kind(kind, bit)?;
        }
        Ok(())
    }

    fn add_struct(
        &mut self,
        name: &str,
        definition: &Value,
        definitions: &serde_json::Map<String, Value>,
        bit: usize,
    ) -> Result<()> {
        if definition["type"] != "object" {
            return Err("not an object, and not known as anything else".into());
        }
        let empty = serde_json::Map::new();
        let properties = definition.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> = definition["required"]
            .as_array()
            .map(|all| all.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        if properties.is_empty() {
            eprintln!("  {name} has no fields");
        }
        self.structs.entry(name.to_owned()).or_default();
        for (field, schema) in properties {
            let keys = match self.keys.get_mut(&(name.to_owned(), field.clone())) {
                Some((keys, seen)) => {
                    *seen = true;
                    keys.clone()
                }
                None => Keys::default(),
            };
            let fact = self.fact(name, field);
            let mut type_id = self.type_of(schema, keys, definitions).map_err(|error| format!("{field}: {error}"))?;
            if let (Type::Map(values, _), true) = (&self.types[type_id], fact.atomic) {
                type_id = self.intern(Type::Map(*values, true));
            }
            let required = required.contains(&field.as_str());
            let variants = self
                .structs
                .get_mut(name)
                .map(|fields| fields.entry(field.clone()).or_default())
                .ok_or("struct vanished")?;
            match variants.iter_mut().find(|each| each.type_id == type_id && each.required == required) {
                Some(same) => same.versions |= 1 << bit,
                None => variants.push(Field {
                    type_id,
                    required,
                    pointer: fact.pointer,
                    default: fact.default.clone(),
                    versions: 1 << bit,
                }),
            }
        }
        Ok(())
    }

    /// The properties of a field in `fields.tsv`.
    fn fact(&mut self, type_name: &str, field: &str) -> Fact {
        let mut found = Fact::default();
        for field in ["*", field] {
            if let Some(fact) = self.facts.get_mut(&(type_name.to_owned(), field.to_owned())) {
                fact.seen = true;
                found = fact.clone();
            }
        }
        found
    }

    /// Whether server-side apply replaces a struct as a whole.
    pub fn is_atomic(&self, type_name: &str) -> bool {
        self.facts.get(&(type_name.to_owned(), "-".to_owned())).is_some_and(|fact| fact.atomic)
    }

    fn type_of(&mut self, schema: &Value, keys: Keys, definitions: &serde_json::Map<String, Value>) -> Result<usize> {
        let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
        if let Some(reference) = reference {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            if let Some(tag) = special(name) {
                return Ok(self.intern(Type::Leaf(tag)));
            }
            let definition = definitions.get(name).ok_or_else(|| format!("no definition {name}"))?;
            if let Some(choices) = definition.get("oneOf").and_then(Value::as_array) {
                let [one, other] = &choices[..] else {
                    return Err(format!("{name}: a choice of more than two").into());
                };
                let one = self.type_of(one, Keys::default(), definitions)?;
                let other = self.type_of(other, Keys::default(), definitions)?;
                return Ok(self.intern(Type::Or(one, other)));
            }
            return Ok(self.intern(Type::Struct(name.to_owned())));
        }
        let found = match (schema["type"].as_str(), schema["format"].as_str()) {
            (Some("string"), None) => Type::Leaf(STRING),
            (Some("string"), Some("byte")) => Type::Leaf(BYTES),
            (Some("boolean"), None) => Type::Leaf(BOOL),
            (Some("integer"), Some("int32")) => Type::Leaf(INT32),
            (Some("integer"), Some("int64")) => Type::Leaf(INT64),
            (Some("number"), Some("double")) => Type::Leaf(DOUBLE),
            (Some("array"), None) => Type::List(self.type_of(&schema["items"], Keys::default(), definitions)?, keys),
            (Some("object"), None) => match schema.get("additionalProperties") {
                Some(values) => Type::Map(self.type_of(values, Keys::default(), definitions)?, false),
                None => Type::Leaf(OBJECT),
            },
            _ => return Err(format!("a schema of an unknown form: {schema}").into()),
        };
        Ok(self.intern(found))
    }

    fn add_kind(&mut self, kind: &Value, bit: usize) -> Result<()> {
        let text = |name: &str| kind[name].as_str().ok_or_else(|| format!("no {name} in {kind}"));
        let scope = match text("scope")? {
            "cluster" => 0,
            "namespaced" => 1,
            _ => 2,
        };
        let api_version = text("apiVersion")?.to_owned();
        let type_id = self.intern(Type::Struct(text("type")?.to_owned()));
        let plural = text("plural")?.to_owned();
        if plural.is_empty() {
            // Responses of the server (`Status`, `APIGroup`), which clients never send.
            return Ok(());
        }
        self.put_kind(
            (api_version.clone(), text("kind")?.to_owned()),
            Kind { type_id, plural: plural.clone(), scope, list: false, versions: 1 << bit },
        );
        if let Some(list) = kind["list"].as_str() {
            let name = format!("{}List", text("type")?);
            let meta = Type::Struct("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta".into());
            let fields = [
                ("apiVersion", self.intern(Type::Leaf(STRING))),
                ("items", self.intern(Type::List(type_id, Keys::default()))),
                ("kind", self.intern(Type::Leaf(STRING))),
                ("metadata", self.intern(meta)),
            ];
            let own = self.structs.entry(name.clone()).or_default();
            for (field, type_id) in fields {
                let variants = own.entry(field.to_owned()).or_default();
                match variants.first_mut() {
                    Some(same) => same.versions |= 1 << bit,
                    None => variants.push(Field {
                        type_id,
                        required: field == "items",
                        pointer: false,
                        default: None,
                        versions: 1 << bit,
                    }),
                }
            }
            let type_id = self.intern(Type::Struct(name));
            self.put_kind(
                (api_version, list.to_owned()),
                Kind { type_id, plural, scope, list: true, versions: 1 << bit },
            );
        }
        Ok(())
    }

    fn put_kind(&mut self, key: (String, String), kind: Kind) {
        let variants = self.kinds.entry(key).or_default();
        let same =
            |each: &&mut Kind| each.type_id == kind.type_id && each.scope == kind.scope && each.plural == kind.plural;
        match variants.iter_mut().find(same) {
            Some(same) => same.versions |= kind.versions,
            None => variants.push(kind),
        }
    }

    fn intern(&mut self, found: Type) -> usize {
        if let Some(id) = self.ids.get(&found) {
            return *id;
        }
        self.types.push(found.clone());
        self.ids.insert(found, self.types.len() - 1);
        self.types.len() - 1
    }

    /// Fails if a line of `list-keys.tsv` or `fields.tsv` matches no field or type.
    pub fn check_facts(&self) -> Result<()> {
        for ((type_name, field), fact) in &self.facts {
            if !fact.seen && !(field == "-" && self.structs.contains_key(type_name)) {
                return Err(format!("fields.tsv: no field {type_name} {field}").into());
            }
        }
        for ((type_name, field), (_, seen)) in &self.keys {
            if !seen {
                return Err(format!("list-keys.tsv: no field {type_name} {field}").into());
            }
        }
        Ok(())
    }

    /// The number of field entries in the file.
    pub fn field_count(&self) -> usize {
        self.structs.values().flat_map(BTreeMap::values).map(Vec::len).sum()
    }
}

/// Converts `core.v1.Container` to the name of its definition.
fn full_name(short: &str) -> String {
    match short.strip_prefix("meta.") {
        Some(rest) => format!("io.k8s.apimachinery.pkg.apis.meta.{rest}"),
        None if short.contains(".pkg.") => format!("io.k8s.{short}"),
        None => format!("io.k8s.api.{short}"),
    }
}

/// The tag of a definition that has a custom unmarshaling method in Go.
fn special(name: &str) -> Option<u8> {
    Some(match name.rsplit_once('.')?.1 {
        "IntOrString" => INT_OR_STRING,
        "Quantity" => QUANTITY,
        "Time" => TIME,
        "MicroTime" => MICRO_TIME,
        "Duration" => DURATION,
        "RawExtension" => RAW,
        "FieldsV1" => OBJECT,
        "JSON" => ANY,
        _ => return None,
    })
}
