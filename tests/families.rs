//! Measures `plimsoll import` on families of copies: profiles contain little more than what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use plimsoll::import::{self, Variant};
use plimsoll::layers::Overrides;
use plimsoll::node::{Node, Value};
use plimsoll::project::Project;
use plimsoll::render::Renderer;
use plimsoll::service::Services;
use plimsoll::source::{FileId, Sources};
use plimsoll::yaml::{self, Dialect, emit_stream};

use crate::import::{AIANALYSIS, GATEWAY, stated, variant};

/// A leaf in each copy.
type Values = Vec<Option<String>>;

/// The leaves of a tree by their paths. List items are identified by name, lines of a string by key.
fn leaves(node: &Node, path: &str, found: &mut BTreeMap<String, String>) {
    match &node.value {
        Value::Mapping(mapping) => {
            mapping.iter().for_each(|entry| leaves(&entry.value, &format!("{path}.{}", entry.key), found));
        }
        Value::Sequence(items) => {
            for (at, item) in items.iter().enumerate() {
                let name = item.get("name").map_or_else(|| at.to_string(), |name| name.text().to_owned());
                leaves(item, &format!("{path}[{name}]"), found);
            }
        }
        Value::String(text) if text.contains('\n') => {
            for (at, line) in text.lines().enumerate() {
                let (key, value) = line.split_once(':').unwrap_or(("", line));
                let key = if key.is_empty() { at.to_string() } else { key.to_owned() };
                found.insert(format!("{path}<{key}>"), value.to_owned());
            }
        }
        _ => _ = found.insert(path.to_owned(), yaml::json(node)),
    }
}

/// The only word of a leaf in which the copies differ, if there is one.
fn word(values: &Values) -> Values {
    let words = |text: &String| -> Vec<String> {
        text.split(|letter: char| !letter.is_alphanumeric() && !"._-§".contains(letter)).map(str::to_owned).collect()
    };
    let split: Vec<Option<Vec<String>>> = values.iter().map(|value| value.as_ref().map(words)).collect();
    let Some(first) = split.iter().flatten().next() else { return values.clone() };
    if split.iter().flatten().any(|other| other.len() != first.len()) {
        return values.clone();
    }
    let differs = |at: &usize| split.iter().flatten().any(|other| other[*at] != first[*at]);
    match (0..first.len()).filter(differs).collect::<Vec<_>>().as_slice() {
        [at] => split.iter().map(|words| words.as_ref().map(|words| words[*at].clone())).collect(),
        _ => values.clone(),
    }
}

/// The number of values, over all copies, that are not the most frequent one of their variable. Leaves whose values
/// vary in the same way are one variable, even if some copies lack a few of them; so are all leaves that only the
/// same copies have. Values that follow from a copy's namespace and name are not counted.
fn differing_values(variants: &[Variant]) -> usize {
    let hash = regex_lite::Regex::new("-[0-9a-z]{10}\\b").unwrap();
    let copies: Vec<BTreeMap<String, String>> = variants
        .iter()
        .map(|variant| {
            let mut found = BTreeMap::new();
            for object in &variant.objects {
                let own = |text: &str| {
                    let namespace = object.namespace();
                    let text = if namespace.is_empty() { text.to_owned() } else { text.replace(namespace, "§") };
                    text.replace(&variant.name, "§")
                };
                let mut plain = BTreeMap::new();
                leaves(&object.node, &hash.replace_all(&own(&object.id.to_string()), ""), &mut plain);
                found.extend(plain.into_iter().map(|(path, value)| (path, own(&value))));
            }
            found
        })
        .collect();
    let paths: BTreeSet<&String> = copies.iter().flat_map(BTreeMap::keys).collect();
    let mut variables: BTreeSet<Values> = BTreeSet::new();
    for path in paths {
        let values: Values = copies.iter().map(|copy| copy.get(path).cloned()).collect();
        if values.contains(&None) {
            variables.insert(values.iter().map(|value| Some(value.is_some().to_string())).collect());
        }
        let mut present = values.iter().flatten();
        let first = present.next();
        if present.any(|value| Some(value) != first) {
            variables.insert(word(&values));
        }
    }
    // The namespace, and the name if it differs.
    for told in
        [|variant: &Variant| variant.objects[0].namespace().to_owned(), |variant: &Variant| variant.name.clone()]
    {
        variables.insert(variants.iter().map(|variant| Some(told(variant))).collect());
    }
    // A leaf with the same value wherever it exists is not a variable of its own.
    let mut all: Vec<Values> = variables.into_iter().collect();
    all.sort_by_key(|values| values.iter().filter(|value| value.is_none()).count());
    let mut kept: Vec<Values> = Vec::new();
    for values in all {
        let within = |other: &Values| values.iter().zip(other).all(|(one, other)| one.is_none() || one == other);
        if !kept.iter().any(within) {
            kept.push(values);
        }
    }
    let not_most = |values: &Values| {
        let count = |value: &Option<String>| values.iter().filter(|other| *other == value).count();
        let present = values.iter().flatten().count();
        let most = values.iter().filter(|value| value.is_some()).map(count).max().unwrap_or_default();
        // If each copy has its own value, the base has none.
        if most == 1 && present > 2 { present } else { present - most }
    };
    kept.iter().map(not_most).sum()
}

/// The number of values in a profile, without its externals.
fn scalars(node: &Node) -> usize {
    match &node.value {
        Value::Mapping(mapping) => {
            mapping.iter().filter(|entry| entry.key != "external").map(|entry| scalars(&entry.value)).sum()
        }
        Value::Sequence(items) => items.iter().map(scalars).sum(),
        _ => 1,
    }
}

/// The number of values in the profiles of a family, and the number of its differing values.
fn figures(family: &[Variant]) -> (usize, usize) {
    let files = import::import(family, &Services::default()).unwrap().files();
    let said = |copy: &Variant| -> usize {
        let text = &files[&format!("profiles/{}.yaml", copy.name)];
        let documents = yaml::load_text(text, FileId(0), Dialect::Strict).documents;
        // An empty profile is a single comment.
        documents.iter().filter(|document| document.is_set()).map(scalars).sum()
    };
    (family.iter().map(said).sum(), differing_values(family))
}

#[test]
fn profiles_say_little_more_than_what_differs() {
    let (project, sources) = (Project::built_in(), Sources::new());
    let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
    let bundles: Vec<Variant> = project
        .profiles()
        .unwrap()
        .into_iter()
        .filter_map(|name| {
            let rendered = renderer.render(&name, "e2e").ok()?;
            Some(variant(&name, &emit_stream(rendered.objects.iter().map(|object| &object.node))))
        })
        .collect();
    let seed = [variant("seed-gateway", GATEWAY), variant("seed-aianalysis", AIANALYSIS)];
    let stated: Vec<Variant> = [("dev", "1.0", true), ("stage", "1.0", false), ("prod", "1.1", false)]
        .map(|(name, tag, states_defaults)| variant(name, &stated(name, tag, states_defaults)))
        .to_vec();
    for family in [bundles.clone(), seed.to_vec(), [seed.to_vec(), bundles].concat(), stated] {
        let (values, differing) = figures(&family);
        eprintln!("{} copies: {values} values, {differing} differ", family.len());
        assert!(2 * values <= 3 * differing, "{values} values, {differing} differ");
    }
}

/// The same for a folder with one folder for each family, which contains its copies as `<name>.yaml`.
#[test]
#[ignore = "needs a folder of families in PLIMSOLL_FAMILIES"]
fn families_of_a_folder_say_little_more_than_what_differs() {
    let folders = |path: &Path| {
        let mut paths: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let root = std::env::var("PLIMSOLL_FAMILIES").unwrap();
    let mut above = Vec::new();
    for folder in folders(Path::new(&root)) {
        let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
        let copy = |path: &std::path::PathBuf| variant(&name(path), &std::fs::read_to_string(path).unwrap());
        let family: Vec<Variant> = folders(&folder).iter().map(copy).collect();
        let (values, differing) = figures(&family);
        eprintln!("{}: {} copies, {values} values, {differing} differ", folder.display(), family.len());
        if 2 * values > 3 * differing {
            above.push(format!("{}: {values} values, {differing} differ", folder.display()));
        }
    }
    assert!(above.is_empty(), "{}", above.join("\n"));
}
