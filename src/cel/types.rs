//! The types of CEL, of Kubernetes and of structural schemas.

use std::fmt;
use std::rc::Rc;

use super::ast::is_reserved;
use crate::schema::{Subschema, Types};

/// A type.
#[derive(Debug, Clone)]
#[allow(clippy::enum_variant_names)]
pub(crate) enum Type<'s> {
    /// A value whose type is not checked.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List(Rc<Self>),
    Map(Rc<Self>, Rc<Self>),
    Optional(Rc<Self>),
    /// A type as a value.
    Type(Rc<Self>),
    /// A type without fields: `kubernetes.Quantity`.
    Opaque(&'static str),
    Object(Object<'s>),
    /// A type parameter of a signature, or a type variable of the checker.
    Parameter(u32),
}

/// A type with fields.
#[derive(Debug, Clone)]
pub(crate) enum Object<'s> {
    /// A type that Kubernetes declares.
    Declared(&'static Declared),
    /// An object of a schema; a resource also has `apiVersion`, `kind` and `metadata`.
    Schema { schema: Subschema<'s>, resource: bool },
    /// The `metadata` of a resource: its names and the fields of the schema.
    Metadata(Option<Subschema<'s>>),
    /// The variables of a policy.
    Fields(Rc<Vec<(String, Type<'s>)>>),
    /// An object that a policy constructs, or a field of it: `Object.spec`. Its fields are not checked.
    Made(Rc<str>),
}

/// A type with fields that Kubernetes declares; the types of fields are strings that `Type::read` parses.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: &'static str,
    pub(crate) fields: &'static [(&'static str, &'static str)],
}

/// The types that Kubernetes declares for admission and for devices.
static DECLARED: &[Declared] = &[
    Declared {
        name: "kubernetes.AdmissionRequest",
        fields: &[
            ("kind", "kubernetes.GroupVersionKind"),
            ("resource", "kubernetes.GroupVersionResource"),
            ("subResource", "string"),
            ("requestKind", "kubernetes.GroupVersionKind"),
            ("requestResource", "kubernetes.GroupVersionResource"),
            ("requestSubResource", "string"),
            ("name", "string"),
            ("namespace", "string"),
            ("operation", "string"),
            ("userInfo", "kubernetes.UserInfo"),
            ("dryRun", "bool"),
            ("options", "dyn"),
        ],
    },
    Declared {
        name: "kubernetes.GroupVersionKind",
        fields: &[("group", "string"), ("version", "string"), ("kind", "string")],
    },
    Declared {
        name: "kubernetes.GroupVersionResource",
        fields: &[("group", "string"), ("version", "string"), ("resource", "string")],
    },
    Declared {
        name: "kubernetes.UserInfo",
        fields: &[
            ("username", "string"),
            ("uid", "string"),
            ("groups", "list<string>"),
            ("extra", "map<string,list<string>>"),
        ],
    },
    Declared {
        name: "kubernetes.Namespace",
        fields: &[
            ("metadata", "kubernetes.NamespaceMetadata"),
            ("spec", "kubernetes.NamespaceSpec"),
            ("status", "kubernetes.NamespaceStatus"),
        ],
    },
    Declared {
        name: "kubernetes.NamespaceMetadata",
        fields: &[
            ("name", "string"),
            ("generateName", "string"),
            ("namespace", "string"),
            ("labels", "map<string,string>"),
            ("annotations", "map<string,string>"),
            ("UID", "string"),
            ("creationTimestamp", "timestamp"),
            ("deletionGracePeriodSeconds", "int"),
            ("deletionTimestamp", "timestamp"),
            ("generation", "int"),
            ("resourceVersion", "string"),
            ("finalizers", "list<string>"),
        ],
    },
    Declared { name: "kubernetes.NamespaceSpec", fields: &[("finalizers", "list<string>")] },
    Declared {
        name: "kubernetes.NamespaceStatus",
        fields: &[("conditions", "list<kubernetes.NamespaceCondition>"), ("phase", "string")],
    },
    Declared {
        name: "kubernetes.NamespaceCondition",
        fields: &[
            ("status", "string"),
            ("type", "string"),
            ("lastTransitionTime", "timestamp"),
            ("message", "string"),
            ("reason", "string"),
        ],
    },
    Declared {
        name: "DRADevice",
        fields: &[
            ("driver", "string"),
            ("attributes", "map<string,map<string,dyn>>"),
            ("capacity", "map<string,map<string,kubernetes.Quantity>>"),
            ("allowMultipleAllocations", "bool"),
        ],
    },
    Declared {
        name: "JSONPatch",
        fields: &[("op", "string"), ("path", "string"), ("from", "string"), ("value", "dyn")],
    },
];

/// The types without fields.
const OPAQUE: &[&str] = &[
    "kubernetes.CIDR",
    "kubernetes.IP",
    "kubernetes.NamedFormat",
    "kubernetes.Quantity",
    "kubernetes.Semver",
    "kubernetes.URL",
    "kubernetes.authorization.Authorizer",
    "kubernetes.authorization.Decision",
    "kubernetes.authorization.GroupCheck",
    "kubernetes.authorization.PathCheck",
    "kubernetes.authorization.ResourceCheck",
];

impl<'s> Type<'s> {
    /// Parses a type of the tables: `map<string,A>`. Single capital letters are type parameters.
    pub(crate) fn read(text: &str) -> Self {
        let inner = |prefix: &str| text.strip_prefix(prefix).and_then(|rest| rest.strip_suffix('>'));
        if let Some(item) = inner("list<") {
            return Self::list(Self::read(item));
        }
        if let Some(item) = inner("optional<") {
            return Self::Optional(Rc::new(Self::read(item)));
        }
        if let Some(item) = inner("type<") {
            return Self::Type(Rc::new(Self::read(item)));
        }
        if let Some((key, value)) = inner("map<").and_then(|rest| rest.split_once(',')) {
            return Self::map(Self::read(key), Self::read(value));
        }
        match text {
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "uint" => Self::Uint,
            "double" => Self::Double,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "timestamp" => Self::Timestamp,
            "duration" => Self::Duration,
            "A" | "B" | "C" => Self::Parameter(u32::from(text.as_bytes()[0] - b'A')),
            _ => match (OPAQUE.iter().find(|name| **name == text), declared(text)) {
                (Some(name), _) => Self::Opaque(name),
                (None, Some(found)) => Self::Object(Object::Declared(found)),
                (None, None) => Self::Dyn,
            },
        }
    }

    pub(crate) fn list(item: Self) -> Self {
        Self::List(Rc::new(item))
    }

    pub(crate) fn map(key: Self, value: Self) -> Self {
        Self::Map(Rc::new(key), Rc::new(value))
    }

    /// The type of the values of a schema. `None` if their type is unknown, so that expressions cannot use them.
    ///
    /// Restates `SchemaDeclType`.
    pub(crate) fn of(schema: Subschema<'s>, resource: bool) -> Option<Self> {
        if schema.is_int_or_string() {
            return Some(Self::Dyn);
        }
        let resource = resource || schema.is_resource();
        Some(match schema.json_type()? {
            Types::ARRAY => Self::list(Self::of(schema.items()?, false)?),
            Types::OBJECT => match schema.additional() {
                // `additionalProperties: true` has no type, so such an object has no visible fields.
                Some(values) if !resource && !values.takes_anything() => {
                    Self::map(Self::String, Self::of(values, false)?)
                }
                _ => Self::Object(Object::Schema { schema, resource }),
            },
            Types::STRING => match schema.format() {
                "byte" => Self::Bytes,
                "duration" => Self::Duration,
                "date" | "date-time" => Self::Timestamp,
                _ => Self::String,
            },
            Types::INTEGER => Self::Int,
            Types::NUMBER => Self::Double,
            Types::BOOLEAN => Self::Bool,
            _ => return None,
        })
    }

    /// Whether null is assignable to it.
    pub(crate) const fn takes_null(&self) -> bool {
        matches!(
            self,
            Self::Null
                | Self::Dyn
                | Self::Opaque(_)
                | Self::Object(_)
                | Self::Optional(_)
                | Self::Timestamp
                | Self::Duration
        )
    }
}

/// Finds a declared type by name.
pub(crate) fn declared(name: &str) -> Option<&'static Declared> {
    DECLARED.iter().find(|declared| declared.name == name)
}

impl<'s> Object<'s> {
    /// The type of a field.
    pub(crate) fn field(&self, name: &str) -> Option<Type<'s>> {
        match self {
            Self::Declared(declared) => {
                let (_, text) = declared.fields.iter().find(|(field, _)| *field == name)?;
                Some(Type::read(text))
            }
            Self::Schema { schema, resource } => {
                let name = unescape(name)?;
                let own = schema.property(&name);
                match name.as_str() {
                    "apiVersion" | "kind" if *resource => Some(Type::String),
                    "metadata" if *resource => Some(Type::Object(Object::Metadata(own))),
                    _ => Type::of(own?, false),
                }
            }
            Self::Metadata(schema) => match name {
                "name" | "generateName" => Some(Type::String),
                _ => Type::of(schema.and_then(|schema| schema.property(&unescape(name)?))?, false),
            },
            Self::Fields(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, ty)| ty.clone()),
            Self::Made(_) => Some(Type::Dyn),
        }
    }

    /// The names of its fields, for suggestions.
    pub(crate) fn fields(&self) -> Vec<&str> {
        match self {
            Self::Declared(declared) => declared.fields.iter().map(|(name, _)| *name).collect(),
            Self::Schema { schema, .. } => schema.properties().map(|(name, _)| name).collect(),
            Self::Metadata(_) => vec!["name", "generateName"],
            Self::Fields(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
            Self::Made(_) => Vec::new(),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Declared(declared) => declared.name,
            Self::Made(name) => name,
            Self::Fields(_) => "kubernetes.variables",
            Self::Schema { .. } | Self::Metadata(_) => "object",
        }
    }

    /// Whether two types are identical.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Schema { schema: one, .. }, Self::Schema { schema: two, .. }) => one == two,
            (Self::Metadata(_), Self::Metadata(_)) => true,
            _ => self.name() == other.name(),
        }
    }
}

/// The field that a name in an expression refers to. `None` if it is not a valid escaped name. Characters that CEL does not allow
/// in names are escaped; reserved words can be.
///
/// Restates `Unescape` and `FindStructFieldType`.
pub(crate) fn unescape(name: &str) -> Option<String> {
    if let Some(word) = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"))
        && is_reserved(word)
    {
        return Some(word.to_owned());
    }
    let (mut plain, mut rest) = (String::new(), name);
    while let Some(at) = rest.find("__") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let escapes = [("__underscores__", "__"), ("__dot__", "."), ("__dash__", "-"), ("__slash__", "/")];
        let (escape, sign) = escapes.into_iter().find(|(escape, _)| rest.starts_with(escape))?;
        plain.push_str(sign);
        rest = &rest[escape.len()..];
    }
    plain.push_str(rest);
    Some(plain)
}

impl fmt::Display for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dyn | Self::Parameter(_) => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Optional(inner) => write!(f, "optional_type({inner})"),
            Self::Type(inner) => write!(f, "type({inner})"),
            Self::Opaque(name) => f.write_str(name),
            Self::Object(object) => f.write_str(object.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_and_written() {
        for (text, written) in [
            ("map<string,list<string>>", "map(string, list(string))"),
            ("optional<A>", "optional_type(dyn)"),
            ("kubernetes.Quantity", "kubernetes.Quantity"),
            ("kubernetes.UserInfo", "kubernetes.UserInfo"),
            ("type<int>", "type(int)"),
        ] {
            assert_eq!(Type::read(text).to_string(), written);
        }
    }

    #[test]
    fn every_declared_field_has_a_type() {
        for declared in DECLARED {
            for (name, text) in declared.fields {
                assert!(*text == "dyn" || !matches!(Type::read(text), Type::Dyn), "{} {name}", declared.name);
            }
        }
    }

    #[test]
    fn names_are_unescaped() {
        for (name, field) in [
            ("a", Some("a")),
            ("__namespace__", Some("namespace")),
            ("namespace", Some("namespace")),
            ("__if__", Some("if")),
            ("if", Some("if")),
            ("__namespaces__", None),
            ("a__dash__b__dot__c__slash__d", Some("a-b.c/d")),
            ("a__underscores__b", Some("a__b")),
            ("a__b", None),
        ] {
            assert_eq!(unescape(name).as_deref(), field, "{name}");
        }
    }
}
