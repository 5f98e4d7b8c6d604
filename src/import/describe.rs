//! What a field is, in the words of a comment.

use super::fields::{Field, Use};
use super::matching::Class;
use super::parts::{Place, Step};
use super::text::Hint;

/// What a field is, in one line.
pub(super) fn describe(field: &Field, classes: &[Class<'_>]) -> String {
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
        1 => format!("{phrase}, and one more place."),
        more => format!("{phrase}, and {more} more places."),
    }
}

/// What a flag switches on.
fn additions(field: &Field, classes: &[Class<'_>]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for place in &field.uses {
        let what = part(&place.place, classes);
        if !parts.contains(&what) {
            parts.push(what);
        }
    }
    let rest = parts.len().saturating_sub(4);
    parts.truncate(4);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("Adds {}{rest}.", parts.join(", "))
}

fn part(place: &Place, classes: &[Class<'_>]) -> String {
    let object = classes[place.class].first();
    match place.path.as_slice() {
        [] => format!("{} {}", object.kind(), object.name()),
        [.., list, Step::Item(item)] if item.parse::<u32>().is_ok() => {
            format!("{}[{item}] of {} {}", list.text(), object.kind(), object.name())
        }
        [.., last] => format!("{} of {} {}", last.text(), object.kind(), object.name()),
    }
}

/// A place as a person says it: `Variable LOG_LEVEL of container web in Deployment web`.
fn phrase(place: &Use, classes: &[Class<'_>]) -> String {
    let object = classes[place.place.class].first();
    let object = format!("{} {}", object.kind(), object.name());
    let path = place.place.path.as_slice();
    let is_containers = |step: &Step| matches!(step.key(), Some("containers" | "initContainers"));
    let container = path.windows(2).rposition(|pair| is_containers(&pair[0]) && pair[1].item().is_some());
    let (rest, owner) = match container {
        Some(at) => (&path[at + 2..], format!("container {} in {object}", path[at + 1].text())),
        None => (path, object),
    };
    let keys: Vec<&str> = rest.iter().filter_map(Step::key).collect();
    let item = rest.iter().rev().find_map(Step::item).unwrap_or_default();
    let what = match (&place.hint, keys.as_slice()) {
        (Hint::Tag, _) => "Image tag".to_owned(),
        (Hint::Repository, _) => "Image, without its tag,".to_owned(),
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
        (_, ["spec", "replicas"]) => "Number of pods".to_owned(),
        (_, ["spec", "schedule"]) => "Schedule".to_owned(),
        (_, [.., "nodePort"]) => "Port on every node".to_owned(),
        (Hint::Named(name), ["data" | "stringData", file]) => format!("{name} in {file}"),
        (_, ["data" | "stringData" | "binaryData", file]) => (*file).to_owned(),
        (_, ["data" | "stringData", file, ..]) => {
            let inner = Place { class: 0, path: rest[2..].to_vec() };
            format!("{inner} in {file}")
        }
        _ => Place { class: 0, path: rest.to_vec() }.to_string(),
    };
    format!("{what} of {owner}")
}
