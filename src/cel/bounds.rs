//! How large the values of a schema can be, as the API server bounds them where it estimates costs.
//!
//! Restates `SchemaDeclType` of `k8s.io/apiserver/pkg/cel/common`.

use std::cell::Cell;

use ecow::EcoString;

use super::ast::is_reserved;
use super::types::{Type, unescape};
use crate::schema::{Subschema, Types};

/// The largest request to the API server, in bytes.
const REQUEST: u64 = 3 << 20;

/// The longest name of an object; versions before 1.37 know no bound.
const LONGEST_NAME: u64 = 253;

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The variable.
    Start,
    /// A field, by its escaped name.
    Field(EcoString),
    Items,
    Indices,
    Values,
    Keys,
}

/// What is known of the size of a value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bounds<'s> {
    /// By its schema; a resource has `apiVersion`, `kind` and `metadata` too.
    Schema { schema: Subschema<'s>, resource: bool },
    /// `metadata` of a resource.
    Metadata(Option<Subschema<'s>>),
    /// A string of so many bytes.
    Text(u64),
    /// A part of a device.
    Device(Device),
}

/// A part of a device, as selectors of devices see it.
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
    /// Something of at most so many elements.
    Value(u64),
}

impl Device {
    /// The longest domain (and name of a driver), the longest name, the longest value of an attribute.
    const DOMAIN: u64 = 63;
    const NAME: u64 = 32;
    const ATTRIBUTE: u64 = 64;
    /// How many attributes and capacities one has.
    const MOST: u64 = 32;

    fn below(self, step: &Step) -> Option<Self> {
        Some(match (self, step) {
            (Self::Whole, Step::Field(name)) => match name.as_str() {
                "driver" => Self::Value(Self::DOMAIN),
                "attributes" => Self::AttributeDomains,
                "capacity" => Self::CapacityDomains,
                "allowMultipleAllocations" => Self::Value(1),
                _ => return None,
            },
            (Self::AttributeDomains | Self::CapacityDomains, Step::Keys) => Self::Value(Self::DOMAIN),
            (Self::AttributeDomains, Step::Values | Step::Items) => Self::Attributes,
            (Self::CapacityDomains, Step::Values | Step::Items) => Self::Capacities,
            (Self::Attributes | Self::Capacities, Step::Keys) => Self::Value(Self::NAME),
            (Self::Attributes, Step::Values | Step::Items | Step::Field(_)) => Self::Value(Self::ATTRIBUTE),
            (Self::Capacities, Step::Values | Step::Items) => Self::Value(0),
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

    /// What is known of a part.
    pub(super) fn below(self, step: &Step) -> Option<Self> {
        let known = |schema: Subschema<'s>| Type::of(schema, false).map(|_| Self::new(schema, false));
        match (self, step) {
            (Self::Schema { schema, .. }, Step::Items) if schema.json_type() == Some(Types::ARRAY) => {
                known(schema.items()?)
            }
            (Self::Schema { schema, resource }, Step::Values) => known(map_values(schema, resource)?),
            // Nobody says how long keys are.
            (Self::Schema { schema, resource }, Step::Keys) => map_values(schema, resource).map(|_| Self::Text(0)),
            (Self::Schema { schema, resource }, Step::Field(name)) => {
                if schema.json_type() != Some(Types::OBJECT) || map_values(schema, resource).is_some() {
                    return None;
                }
                // The API server looks for the escaped name here, and finds no reserved word that is not.
                let name = if is_reserved(name) { None } else { unescape(name) }?;
                let own = schema.property(&name);
                match name.as_str() {
                    "apiVersion" | "kind" if resource => Some(Self::Text(REQUEST - 2)),
                    "metadata" if resource => Some(Self::Metadata(own)),
                    _ => known(own?),
                }
            }
            (Self::Metadata(schema), Step::Field(name)) => {
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

    /// How many elements it has at most. `left` is how many schemas may be looked at.
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

    /// How many bytes its JSON has at least.
    fn least_bytes(self, left: &Cell<u32>) -> u64 {
        left.set(left.get().saturating_sub(1));
        let Self::Schema { schema, resource } = self else { return 2 };
        if left.get() == 0 || schema.is_int_or_string() {
            return 1;
        }
        match schema.json_type() {
            Some(Types::OBJECT) if map_values(schema, resource).is_none() => {
                let mut least = 2;
                // Those with defaults are not among the required ones here.
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

    /// How often such a value can occur in one object, where nothing bounds the lists and maps that it stands in.
    pub(crate) fn most_often(self, left: &Cell<u32>) -> u64 {
        REQUEST / (self.least_bytes(left) + 1)
    }
}

/// The values of a map.
fn map_values(schema: Subschema<'_>, resource: bool) -> Option<Subschema<'_>> {
    let is_object = schema.json_type() == Some(Types::OBJECT) && !resource;
    schema.additional().filter(|values| is_object && !values.takes_anything())
}
