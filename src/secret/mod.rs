//! Finds secrets by their names and forms. `report` and `diff` redact them, what a schema marks, and what `unread` finds in a
//! document that could not be read.

mod beside;
mod command;
mod forms;
mod names;
mod text;
pub(crate) mod unread;

use crate::node::{Entry, Node, Value};

pub(crate) use names::{has_name, is_public_key, is_secret_name, mentions_secret};
pub(crate) use text::{arguments, found_in, in_text, in_words, redact, typed, written};

/// What replaces a secret.
pub(crate) const REDACTED: &str = "•••";

/// How it is known that a value is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// A schema marks it, or it is in a Secret.
    Certain,
    /// It has a form that ordinary words do not have, or the name of a password.
    Form,
    /// It has another name, which other values may have as well.
    Name,
}

impl Evidence {
    /// The evidence of a secret's name.
    fn of_name(name: &str) -> Self {
        if names::is_password_name(name) { Self::Form } else { Self::Name }
    }

    /// Whether a value is redacted wherever a message repeats it. An ordinary word is not, since its position alone shows
    /// that it is a secret.
    pub(crate) fn redacts(self, value: &str) -> bool {
        !names::is_ordinary(value, self == Self::Name)
    }
}

/// Which entries of a mapping in an object are secrets as a whole.
pub(crate) fn holds(parent: &Node) -> impl Fn(&str, &Node) -> bool {
    let evidence = evidence(parent, is_of_secret(parent));
    move |key, value| evidence(key, value).is_some()
}

/// The evidence that an entry of a mapping in an object, which may be a Secret, is a secret as a whole.
pub(crate) fn evidence(parent: &Node, of_secret: bool) -> impl Fn(&str, &Node) -> Option<Evidence> {
    move |key, value| KeyKind::of(key).evidence(parent, of_secret, key, value)
}

/// What a key alone says about whether its value is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// A field of every object, which is never a secret.
    ObjectField,
    /// `value`, or nearly: the `name` next to it decides.
    Value,
    /// The name of a secret.
    Secret,
    /// A name such as `auth`: the form of the value decides.
    Credentials,
    /// Any other name.
    Other,
}

impl KeyKind {
    /// The kind of a key.
    pub(crate) fn of(key: &str) -> Self {
        match key {
            "apiVersion" | "kind" | "metadata" | "type" | "immutable" => Self::ObjectField,
            _ if key != "values" && names::is_near(key, "value") => Self::Value,
            _ if is_secret_name(key) => Self::Secret,
            _ if names::is_auth_name(key) => Self::Credentials,
            _ => Self::Other,
        }
    }

    /// The evidence that the value of such a key is a secret as a whole.
    pub(crate) fn evidence(self, parent: &Node, of_secret: bool, key: &str, value: &Node) -> Option<Evidence> {
        match self {
            Self::ObjectField => None,
            // Whatever its name is: `stringdata` contains secrets as well.
            _ if of_secret => Some(Evidence::Certain),
            Self::Value => {
                let name = parent["name"].text();
                let by_name = is_secret_name(name).then(|| Evidence::of_name(name));
                by_name.or_else(|| is_credentials(name, value).then_some(Evidence::Form))
            }
            Self::Secret => (!is_public(parent, key, value)).then(|| Evidence::of_name(key)),
            Self::Credentials => has_form_of_credentials(value).then_some(Evidence::Form),
            Self::Other => None,
        }
    }
}

/// Whether a value has the form of credentials, under a name such as `auth`. A value of several lines is not one:
/// each of its lines is searched.
pub(crate) fn is_credentials(name: &str, value: &Node) -> bool {
    names::is_auth_name(name) && has_form_of_credentials(value)
}

fn has_form_of_credentials(value: &Node) -> bool {
    let is_form = |text: &str| !text.contains('\n') && forms::credentials(text).is_some();
    value.as_str().is_some_and(|text| is_form(text.trim_end()))
}

/// Whether a value is not a secret, although its key mentions one: a mapping, except from names to passwords, a file
/// called `secrets.yaml`, or the name of an object, as in `existingSecret`.
fn is_public(parent: &Node, key: &str, value: &Node) -> bool {
    let refers = key == "secret" || key == "secrets" || key.ends_with("Secret") || key.ends_with("Secrets");
    let is_name = |node: &Node| refers && !key.ends_with("clientSecret") && names::is_object_name(node.text());
    match &value.value {
        Value::Null | Value::Bool(_) => true,
        Value::Sequence(items) => {
            let is_scalar = |item: &Node| !matches!(item.value, Value::Null | Value::Sequence(_) | Value::Mapping(_));
            items.is_empty() || !items.iter().all(is_scalar) || items.iter().all(is_name)
        }
        Value::Mapping(mapping) => {
            let mut entries = mapping.iter();
            mapping.is_empty() || !names::is_plural(key) || !entries.all(|entry| entry.value.as_str().is_some())
        }
        Value::String(text) if key.contains('.') && text.trim_end().contains('\n') => true,
        // In an ExternalSecret, the name of the key that it writes.
        _ if key == "secretKey" => parent["remoteRef"].is_set() || parent["sourceRef"].is_set(),
        _ => is_name(value),
    }
}

/// Whether a mapping is a Secret, or is meant to be one, and not a reference to one.
pub(crate) fn is_of_secret(node: &Node) -> bool {
    // A reference has a name or no version, as in a policy's `{group: "", kind: Secret}`.
    let is_whole = || {
        let parts =
            |entry: &Entry| ["metadata", "data", "stringData"].iter().any(|part| names::is_near(&entry.key, part));
        node.entries().iter().any(parts) || node["apiVersion"].is_set() && node["name"].is_null()
    };
    names::is_kind(node["kind"].text()) && is_whole() || node["stringData"].is_set()
}

/// Whether a key of a Secret's data is not a key but a part of a torn value.
pub(crate) fn is_torn(key: &str, value: &Node) -> bool {
    value.is_null() || !key.chars().all(crate::text::assign::is_of_name)
}

/// The unknown fields in a Secret's metadata, such as data with wrong indentation.
pub(crate) fn strays(secret: &Node) -> impl Iterator<Item = &Entry> {
    const FIELDS: &[&str] = &[
        "annotations",
        "creationTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "uid",
    ];
    secret["metadata"].entries().iter().filter(|entry| !FIELDS.contains(&&*entry.key))
}
