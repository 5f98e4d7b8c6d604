//! Deserializes nodes into Rust types, and JSON into nodes.

use std::fmt;
use std::io::{BufReader, Read};

use ecow::{EcoString, EcoVec};
use foldhash::{HashSet, HashSetExt};
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::node::{Entry, FEW, Mapping, Node, Value};
use crate::source::Span;

/// Reads a value of a type from a node.
///
/// # Errors
/// If the node has fields that the type does not have, lacks required ones, or has a value of another type.
pub fn from_node<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Error> {
    T::deserialize(Typed(node))
}

#[derive(Clone, Copy)]
struct Typed<'de>(&'de Node);

impl<'de> Deserializer<'de> for Typed<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Sequence(items) => {
                let mut items = SeqDeserializer::new(items.iter().map(Typed));
                let value = visitor.visit_seq(&mut items)?;
                items.end().map(|()| value)
            }
            Value::Mapping(mapping) => {
                let entries = mapping.iter().map(|entry| (entry.key.as_str(), Typed(&entry.value)));
                let mut entries = MapDeserializer::new(entries);
                let value = visitor.visit_map(&mut entries)?;
                entries.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0.as_str() {
            Some(text) => text.into_deserializer().deserialize_enum(name, variants, visitor),
            None => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de> for Typed<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads JSON into nodes without positions.
///
/// # Errors
/// If it is not valid JSON, or a mapping has a duplicate key.
pub fn read_json(text: &str) -> Result<Node, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let node = Json(&mut Unfinished::default()).deserialize(&mut deserializer)?;
    deserializer.end().map(|()| node)
}

/// Reads JSON documents from a stream as they arrive; ends at the first that is not valid.
pub fn read_json_stream(from: impl Read) -> impl Iterator<Item = Node> {
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(from));
    let mut unfinished = Unfinished::default();
    std::iter::from_fn(move || Json(&mut unfinished).deserialize(&mut deserializer).ok())
}

/// The items and entries of the lists and mappings that are being read, innermost last: so each list and mapping is
/// allocated once, in its final size.
#[derive(Default)]
struct Unfinished {
    items: Vec<Node>,
    entries: Vec<Entry>,
}

/// Reads one JSON value.
struct Json<'u>(&'u mut Unfinished);

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self).map(|value| Node::new(value, Span::NONE))
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, string: &str) -> Result<Value, E> {
        Ok(string.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self(unfinished) = self;
        let start = unfinished.items.len();
        while let Some(item) = access.next_element_seed(Json(unfinished))? {
            unfinished.items.push(item);
        }
        Ok(unfinished.items.drain(start..).collect::<EcoVec<Node>>().into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let Self(unfinished) = self;
        let start = unfinished.entries.len();
        while let Some(key) = access.next_key::<EcoString>()? {
            let value = access.next_value_seed(Json(unfinished))?;
            unfinished.entries.push(Entry { key, key_span: Span::NONE, value });
        }
        if let Some(key) = duplicate_key(&unfinished.entries[start..]) {
            return Err(de::Error::custom(format_args!("duplicate key `{key}`")));
        }
        Ok(unfinished.entries.drain(start..).collect::<Mapping>().into())
    }
}

fn duplicate_key(entries: &[Entry]) -> Option<&EcoString> {
    let mut keys = entries.iter().map(|entry| &entry.key);
    if entries.len() <= FEW {
        return keys
            .enumerate()
            .find(|(at, key)| entries[..*at].iter().any(|entry| entry.key == **key))
            .map(|(_, key)| key);
    }
    let mut seen = HashSet::with_capacity(entries.len());
    keys.find(|key| !seen.insert(key.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde::Deserialize;

    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        name: String,
        port: Option<u16>,
        #[serde(default)]
        kinds: Vec<Kind>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Kind {
        First,
        SecondOne,
    }

    fn read(text: &str) -> Result<Sample, String> {
        from_node(&load_text(text, FileId(0), Dialect::Strict).documents[0]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_type_is_read() {
        let sample = read("name: a\nport: 80\nkinds: [first, secondOne]\n").unwrap();
        let kinds = vec![Kind::First, Kind::SecondOne];
        assert_eq!(sample, Sample { name: "a".to_owned(), port: Some(80), kinds });
        assert_eq!(read("name: b\nport: null\n").unwrap().port, None);
    }

    #[test]
    fn json_is_read() {
        let text = r#"{"a": [1, -2.5, 18446744073709551615, null, true, "x\n"], "b": {}}"#;
        let same = load_text(text, FileId(0), Dialect::Strict);
        assert_eq!(read_json(text).unwrap(), same.documents[0]);
        let many = |last: &str| {
            format!("{{{}\"{last}\": 0}}", (0..40).map(|n| format!("\"k{n}\": {n}, ")).collect::<String>())
        };
        assert_eq!(read_json(&many("k40")).unwrap().entries().len(), 41);
        for bad in [&many("k7")[..], "", "{", "{} {}", "{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", &"[".repeat(1000)] {
            assert!(read_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mismatches_are_reported() {
        for (text, says) in [
            ("name: a\nprot: 80\n", "unknown field `prot`"),
            ("port: 80\n", "missing field `name`"),
            ("name: a\nport: 70000\n", "invalid value: integer `70000`, expected u16"),
            ("name: [a]\n", "invalid type: sequence, expected a string"),
            ("name: a\nkinds: [third]\n", "unknown variant `third`"),
            ("name: a\nkinds: [1]\n", "invalid type: integer `1`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
