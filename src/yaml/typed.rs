//! Nodes to Rust types and JSON text to nodes, by serde.

use std::fmt;
use std::io::{BufReader, Read};

use ecow::{EcoString, EcoVec};
use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::node::{Mapping, Node, Value};
use crate::source::Span;

/// Reads a value of a type from a node.
///
/// # Errors
/// Where the node has fields that the type has not, lacks some, or holds a value of another type.
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

/// Reads JSON text, fast: the nodes have no places.
///
/// # Errors
/// Where it is no JSON, or a mapping has a key twice.
pub fn read_json(text: &str) -> Result<Node, serde_json::Error> {
    serde_json::from_str(text).map(|json: Json| json.0)
}

/// Reads JSON documents that follow one another, as they come; it ends with the first that is none.
pub fn read_json_stream(from: impl Read) -> impl Iterator<Item = Node> {
    let documents = serde_json::Deserializer::from_reader(BufReader::new(from)).into_iter::<Json>();
    documents.map_while(Result::ok).map(|json| json.0)
}

struct Json(Node);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(|value| Self(Node::new(value, Span::NONE)))
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
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

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = EcoVec::new();
        while let Some(Json(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut mapping = Mapping::new();
        while let Some((key, Json(value))) = access.next_entry::<EcoString, Json>()? {
            if mapping.get(&key).is_some() {
                return Err(de::Error::custom(format_args!("duplicate key `{key}`")));
            }
            mapping.push(key, Span::NONE, value);
        }
        Ok(mapping.into())
    }
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
        for bad in ["", "{", "{} {}", "{\"a\": 1, \"b\": {\"c\": 1, \"c\": 2}}", &"[".repeat(1000)] {
            assert!(read_json(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
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
