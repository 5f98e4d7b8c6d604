//! What is a secret, told by its name or its form. `report::mask` and `diff::hide` strike out what this tells, what a schema marks,
//! and what `unread` takes for one in a document that could not be read.

mod beside;
mod command;
mod forms;
mod names;
mod text;
pub(crate) mod unread;

use crate::node::{Entry, Node, Value};

pub(crate) use names::{has_name, is_public_key, is_secret_name, speaks_of_secret};
pub(crate) use text::{arguments, found_in, in_text, in_words, strike, typed, written};

/// What stands in place of a secret.
pub(crate) const DOTS: &str = "•••";

/// How a secret is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is marked, or belongs to a Secret.
    Sure,
    /// By a form that ordinary words do not have, or by the name of a password.
    Form,
    /// By another name, which may speak of more than secrets.
    Name,
}

impl Told {
    /// By a secret's name.
    fn by(name: &str) -> Self {
        if names::is_password_name(name) { Self::Form } else { Self::Name }
    }

    /// Whether a value told so is to be struck out wherever a message repeats it. An ordinary word is not: what it has to
    /// do with a secret, its place says.
    pub(crate) fn strikes(self, value: &str) -> bool {
        !names::is_ordinary(value, self == Self::Name)
    }
}

/// Which entries of a mapping in an object are secrets as a whole.
pub(crate) fn holds(parent: &Node) -> impl Fn(&str, &Node) -> bool {
    let told = told(parent, is_of_secret(parent));
    move |key, value| told(key, value).is_some()
}

/// How entries of a mapping in an object, which may be a Secret, are told to be secrets as a whole.
pub(crate) fn told(parent: &Node, of_secret: bool) -> impl Fn(&str, &Node) -> Option<Told> {
    move |key, value| match key {
        "apiVersion" | "kind" | "metadata" | "type" | "immutable" => None,
        // Whatever it is called: `stringdata` holds a secret as well.
        _ if of_secret => Some(Told::Sure),
        _ if key != "values" && names::is_near(key, "value") => {
            let name = parent["name"].text();
            is_secret_name(name).then(|| Told::by(name)).or_else(|| is_credentials(name, value).then_some(Told::Form))
        }
        _ if is_secret_name(key) => (!is_public(parent, key, value)).then(|| Told::by(key)),
        _ => is_credentials(key, value).then_some(Told::Form),
    }
}

/// Whether a value is what such a name as `auth` speaks of, and not how it is asked for. In a text of lines each is looked at
/// by itself.
pub(crate) fn is_credentials(name: &str, value: &Node) -> bool {
    let is_form = |text: &str| !text.contains('\n') && forms::credentials(text).is_some();
    names::is_auth_name(name) && value.as_str().is_some_and(|text| is_form(text.trim_end()))
}

/// Whether a value is none of a secret, although its key speaks of one: a mapping, unless of names to passwords, a file
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
        // What an ExternalSecret calls the key it writes.
        _ if key == "secretKey" => parent["remoteRef"].is_set() || parent["sourceRef"].is_set(),
        _ => is_name(value),
    }
}

/// Whether a mapping is a Secret, or was meant as one, and does not only name one.
pub(crate) fn is_of_secret(node: &Node) -> bool {
    // What names one has a name, or says no version, as in a policy's `{group: "", kind: Secret}`.
    let is_whole = || {
        let parts =
            |entry: &Entry| ["metadata", "data", "stringData"].iter().any(|part| names::is_near(&entry.key, part));
        node.entries().iter().any(parts) || node["apiVersion"].is_set() && node["name"].is_null()
    };
    names::is_kind(node["kind"].text()) && is_whole() || node["stringData"].is_set()
}

/// Whether a key of a Secret's data is none, but a part of a value that was torn.
pub(crate) fn is_torn(key: &str, value: &Node) -> bool {
    value.is_null() || !key.chars().all(crate::text::assign::is_of_name)
}

/// The fields in a Secret's metadata that are none of it, such as data that are not indented as they should be.
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
