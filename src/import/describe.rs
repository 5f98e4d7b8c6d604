//! One-line descriptions of fields, for comments and the schema.

use super::fields::{FieldUse, ProfileField};
use super::matching::MatchedObject;
use super::parts::{Location, PathStep};
use super::strings::Hint;

/// Describes a field in one line.
pub(super) fn describe(field: &ProfileField, classes: &[MatchedObject<'_>]) -> String {
    let Some(first) = field.uses.first() else { return String::new() };
    if field.flag {
        return additions(field, classes);
    }
    if field.name.last().is_some_and(|last| last == "namespace") {
        return "The namespace of the objects.".to_owned();
    }
    let phrase = phrase(first, classes);
    match field.uses.len() - 1 {
        0 => format!("{phrase}."),
        1 => format!("{phrase}; used in one more place."),
        more => format!("{phrase}; used in {more} more places."),
    }
}

/// Further parts that a flag adds are counted, not listed.
const MAX_ADDED: usize = 4;

/// What a flag adds: whole objects, then parts of others, grouped by object.
fn additions(field: &ProfileField, classes: &[MatchedObject<'_>]) -> String {
    let mut objects: Vec<String> = Vec::new();
    let mut parts: Vec<(String, Vec<String>)> = Vec::new();
    for location in field.uses.iter().map(|found| &found.location) {
        let object = classes[location.class].first();
        let object = format!("{} {}", object.kind(), object.name());
        let part = match location.path.as_slice() {
            [] => {
                objects.push(object);
                continue;
            }
            [.., list, PathStep::Item(item)] if item.parse::<u32>().is_ok() => format!("{}[{item}]", list.text()),
            [.., last] => last.text().to_owned(),
        };
        match parts.iter_mut().find(|(known, _)| *known == object) {
            Some((_, known)) if known.contains(&part) => {}
            Some((_, known)) => known.push(part),
            None => parts.push((object, vec![part])),
        }
    }
    let of_objects = (!objects.is_empty()).then(|| few(objects));
    let others = parts.len().saturating_sub(2);
    let of_parts = parts.into_iter().take(2).map(|(object, parts)| format!("{} in {object}", few(parts)));
    let mut all: Vec<String> = of_objects.into_iter().chain(of_parts).collect();
    if others > 0 {
        all.push(format!("parts of {}", crate::suggest::count(others, "more object")));
    }
    format!("Adds {}.", all.join("; "))
}

fn few(mut names: Vec<String>) -> String {
    let rest = names.len().saturating_sub(MAX_ADDED);
    names.truncate(MAX_ADDED);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    names.join(", ") + &more
}

/// A use as a phrase: `Variable LOG_LEVEL of container web in Deployment web`.
fn phrase(usage: &FieldUse, classes: &[MatchedObject<'_>]) -> String {
    let object = classes[usage.location.class].first();
    let object = format!("{} {}", object.kind(), object.name());
    let path = usage.location.path.as_slice();
    let is_containers = |step: &PathStep| matches!(step.key(), Some("containers" | "initContainers"));
    let container = path.windows(2).rposition(|pair| is_containers(&pair[0]) && pair[1].item().is_some());
    let (rest, owner) = match container {
        Some(at) => (&path[at + 2..], format!("container {} in {object}", path[at + 1].text())),
        None => (path, object),
    };
    let keys: Vec<&str> = rest.iter().filter_map(PathStep::key).collect();
    let item = rest.iter().rev().find_map(PathStep::item).unwrap_or_default();
    let what = match (&usage.hint, keys.as_slice()) {
        (Hint::Tag, _) => "Image tag".to_owned(),
        (Hint::Repository, _) => "Image repository".to_owned(),
        (Hint::Digest, _) => "Image digest".to_owned(),
        (_, ["image"]) => "Image".to_owned(),
        (_, ["env", "value"]) => format!("Variable {item}"),
        (_, ["resources", "requests", name]) => format!("Requested {name}"),
        (_, ["resources", "limits", name]) => format!("Limit of {name}"),
        (Hint::Named(name), ["args" | "command"]) => format!("Argument {name}"),
        (_, ["args" | "command"]) if item.parse::<u32>().is_err() => format!("Argument {item}"),
        (_, ["metadata", "name"]) => "Name".to_owned(),
        (_, [.., "labels", name]) => format!("Label {name}"),
        (_, [.., "annotations", name]) => format!("Annotation {name}"),
        (_, [.., "requests", "storage"]) => "Storage".to_owned(),
        (_, ["spec", "replicas"]) => "Replicas".to_owned(),
        (_, ["spec", "schedule"]) => "Schedule".to_owned(),
        (_, [.., "nodePort"]) => "Node port".to_owned(),
        (Hint::Named(name), ["data" | "stringData", file]) => format!("{name} in {file}"),
        (_, ["data" | "stringData" | "binaryData", file]) => (*file).to_owned(),
        (_, ["data" | "stringData", file, ..]) => {
            let inner = Location { class: 0, path: rest[2..].to_vec() };
            format!("{inner} in {file}")
        }
        _ => Location { class: 0, path: rest.to_vec() }.to_string(),
    };
    format!("{what} of {owner}")
}
