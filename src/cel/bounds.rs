//! The maximum sizes of the values of a schema, as the API server bounds them to estimate costs.
//!
//! Restates `SchemaDeclType` of `k8s.io/apiserver/pkg/cel/common`.

use std::cell::Cell;

use ecow::EcoString;

use super::ast::is_reserved;
use super::types::{Type, unescape};
use crate::schema::{Subschema, Types};

/// The maximum size of a request to the API server, in bytes.
const REQUEST: u64 = 3 << 20;

/// The maximum length of an object's name, which is unbounded before 1.37.
const LONGEST_NAME: u64 = 253;

/// A step of the path from a variable to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueStep {
    /// The variable.
    Start,
    /// A field, by its escaped name.
    Field(EcoString),
    Items,
    Indices,
    Values,
    Keys,
}

/// The bounds of the size of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bounds<'s> {
    /// Those of its schema; a resource also has `apiVersion`, `kind` and `metadata`.
    Schema { schema: Subschema<'s>, resource: bool },
    /// Those of the `metadata` of a resource.
    Metadata(Option<Subschema<'s>>),
    /// Those of a string of at most so many bytes.
    Text(u64),
    /// Those of a device or one of its fields.
    Device(Device),
}

/// A device or one of its fields, in the expressions of device selectors.
///
/// Restates `newCompiler` and `EstimateSize` of `k8s.io/dynamic-resource-allocation/cel`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Device {
    /// The variable.
    Whole,
    /// Attributes by domain and name.
    AttributeDomains,
    Attributes,
    /// Capacities by domain and name.
    CapacityDomains,
    Capacities,
    /// A value of at most so many elements.
    Value(u64),
}

impl Device {
    /// The maximum lengths of a domain (and of a driver's name), of a name and of the value of an attribute.
    const DOMAIN: u64 = 63;
    const NAME: u64 = 32;
    const ATTRIBUTE: u64 = 64;
    /// The maximum number of attributes and capacities.
    const MOST: u64 = 32;

    fn below(self, step: &ValueStep) -> Option<Self> {
        Some(match (self, step) {
            (Self::Whole, ValueStep::Field(name)) => match name.as_str() {
                "driver" => Self::Value(Self::DOMAIN),
                "attributes" => Self::AttributeDomains,
                "capacity" => Self::CapacityDomains,
                "allowMultipleAllocations" => Self::Value(1),
                _ => return None,
            },
            (Self::AttributeDomains | Self::CapacityDomains, ValueStep::Keys) => Self::Value(Self::DOMAIN),
            (Self::AttributeDomains, ValueStep::Values | ValueStep::Items) => Self::Attributes,
            (Self::CapacityDomains, ValueStep::Values | ValueStep::Items) => Self::Capacities,
            (Self::Attributes | Self::Capacities, ValueStep::Keys) => Self::Value(Self::NAME),
            (Self::Attributes, ValueStep::Values | ValueStep::Items | ValueStep::Field(_)) => {
                Self::Value(Self::ATTRIBUTE)
            }
            (Self::Capacities, ValueStep::Values | ValueStep::Items) => Self::Value(0),
            _ => return None,
        })
    }

    const fn most_elements(self) -> u64 {
        match self {
            Self::Whole => 0,
            Self::Value(most) => most,
            _ => Self::MOST,
        }
    }
}

impl<'s> Bounds<'s> {
    pub(crate) fn new(schema: Subschema<'s>, resource: bool) -> Self {
        Self::Schema { schema, resource: resource || schema.is_resource() }
    }

    /// The bounds of a field, item, key or value.
    pub(super) fn below(self, step: &ValueStep) -> Option<Self> {
        let known = |schema: Subschema<'s>| Type::of(schema, false).map(|_| Self::new(schema, false));
        match (self, step) {
            (Self::Schema { schema, .. }, ValueStep::Items) if schema.json_type() == Some(Types::ARRAY) => {
                known(schema.items()?)
            }
            (Self::Schema { schema, resource }, ValueStep::Values) => known(map_values(schema, resource)?),
            // Nothing bounds the length of keys.
            (Self::Schema { schema, resource }, ValueStep::Keys) => map_values(schema, resource).map(|_| Self::Text(0)),
            (Self::Schema { schema, resource }, ValueStep::Field(name)) => {
                if schema.json_type() != Some(Types::OBJECT) || map_values(schema, resource).is_some() {
                    return None;
                }
                // The API server looks up the escaped name, so that it does not find an unescaped reserved word.
                let name = if is_reserved(name) { None } else { unescape(name) }?;
                let own = schema.property(&name);
                match name.as_str() {
                    "apiVersion" | "kind" if resource => Some(Self::Text(REQUEST - 2)),
                    "metadata" if resource => Some(Self::Metadata(own)),
                    _ => known(own?),
                }
            }
            (Self::Metadata(schema), ValueStep::Field(name)) => {
                let own = schema.and_then(|schema| schema.property(name));
                match name.as_str() {
                    "name" | "generateName" => {
                        let most =
                            own.and_then(Subschema::max_length).map_or(LONGEST_NAME, |most| most.min(LONGEST_NAME));
                        Some(Self::Text(most * 4))
                    }
                    _ => known(own?),
                }
            }
            (Self::Device(device), step) => device.below(step).map(Self::Device),
            _ => None,
        }
    }

    /// The maximum number of elements. `left` is how many more subschemas may be visited.
    pub(super) fn most_elements(self, left: &Cell<u32>) -> u64 {
        let (schema, resource) = match self {
            Self::Schema { schema, resource } => (schema, resource),
            Self::Metadata(_) => return 0,
            Self::Text(most) => return most,
            Self::Device(device) => return device.most_elements(),
        };
        if schema.is_int_or_string() {
            return schema.max_length().map_or(REQUEST - 2, |most| most.saturating_mul(4));
        }
        match schema.json_type() {
            Some(Types::ARRAY) => schema.max_items().unwrap_or_else(|| {
                let least = schema.items().map_or(0, |items| Self::new(items, false).least_bytes(left));
                (REQUEST - 2) / (least + 1)
            }),
            Some(Types::OBJECT) => match map_values(schema, resource) {
                Some(values) => schema
                    .max_properties()
                    .unwrap_or_else(|| (REQUEST - 2) / (Self::new(values, false).least_bytes(left) + 6)),
                None => 0,
            },
            Some(Types::STRING) => match schema.format() {
                "byte" => schema.max_length().unwrap_or(REQUEST - 2),
                "duration" | "date-time" => 32,
                "date" => 12,
                _ => match (schema.max_length(), schema.longest_value()) {
                    (Some(most), _) => most.saturating_mul(4),
                    (None, Some(longest)) => longest,
                    (None, None) => REQUEST - 2,
                },
            },
            _ => 0,
        }
    }

    /// The minimum length of its JSON, in bytes.
    fn least_bytes(self, left: &Cell<u32>) -> u64 {
        left.set(left.get().saturating_sub(1));
        let Self::Schema { schema, resource } = self else { return 2 };
        if left.get() == 0 || schema.is_int_or_string() {
            return 1;
        }
        match schema.json_type() {
            Some(Types::OBJECT) if map_values(schema, resource).is_none() => {
                let mut least = 2;
                for name in schema.required() {
                    let field = schema.property(name).filter(|field| Type::of(*field, false).is_some());
                    if let Some(field) = field {
                        least += name.len() as u64 + Self::new(field, false).least_bytes(left) + 4;
                    }
                }
                least
            }
            Some(Types::STRING) => match schema.format() {
                "duration" => 3,
                "date" => 12,
                "date-time" => 21,
                _ => 2,
            },
            Some(Types::BOOLEAN) => 4,
            Some(Types::INTEGER | Types::NUMBER) => 1,
            _ => 2,
        }
    }

    /// How often such a value can occur in an object whose lists and maps are unbounded.
    pub(crate) fn most_often(self, left: &Cell<u32>) -> u64 {
        REQUEST / (self.least_bytes(left) + 1)
    }
}

/// The values of a map.
fn map_values(schema: Subschema<'_>, resource: bool) -> Option<Subschema<'_>> {
    let is_object = schema.json_type() == Some(Types::OBJECT) && !resource;
    schema.additional().filter(|values| is_object && !values.takes_anything())
}
