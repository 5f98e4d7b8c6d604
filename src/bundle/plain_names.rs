//! Finds plain names of objects with a content name that were not updated, in strings that are not known references.

use ecow::EcoString;
use foldhash::{HashMap, HashSet, HashSetExt};
use memchr::memmem::Finder;

use super::Draft;
use crate::finding::{Finding, RuleId, Severity};
use crate::node::{Node, Value};
use crate::path::{FieldPath, Segment, address};
use crate::references;

/// The maximum number of findings.
const MAX_FINDINGS: usize = 50;

/// Fields whose values are not names of objects with content names, such as labels, selectors and images.
const IGNORED_FIELDS: [&str; 8] =
    ["apiVersion", "image", "kind", "labels", "matchExpressions", "matchLabels", "selector", "subjects"];

/// Reports each string that contains the plain name of a renamed object. `renamed` has the indexes of the objects by
/// plain name. A name that also denotes something else in the bundle is reported only if the surrounding words
/// indicate the object.
pub(super) fn report(drafts: &[Draft], renamed: &HashMap<EcoString, Vec<usize>>) -> Vec<Finding> {
    let finders: Vec<Finder<'_>> = renamed.keys().map(|base| Finder::new(base.as_bytes())).collect();
    // Nearly all bundles contain none.
    if !drafts.iter().any(|draft| contains_name(&draft.object.node, &finders)) {
        return Vec::new();
    }
    let mut taken: HashSet<&str> = HashSet::new();
    for draft in drafts {
        if !draft.by_content {
            taken.insert(&draft.base);
        }
        names(&draft.object.node, false, &mut taken);
    }
    let mut known = HashSet::new();
    for draft in drafts {
        references::all_names(&draft.object, &[], &mut |name| _ = known.insert(address(name.node)));
    }
    let (path, words, findings) = (FieldPath::default(), Vec::new(), Vec::new());
    let mut search = NameSearch { drafts, renamed, finders, taken, known, path, words, findings };
    for (at, draft) in drafts.iter().enumerate() {
        let node = &draft.object.node;
        let is_secret = crate::secret::is_of_secret(node);
        for entry in node.entries().iter().filter(|_| !is_secret) {
            search.entry(at, entry.key.as_str(), &entry.value, node, true);
        }
    }
    search.findings
}

/// Whether a string of a tree contains one of the plain names as a whole word.
fn contains_name(node: &Node, finders: &[Finder<'_>]) -> bool {
    match &node.value {
        Value::String(text) => contains_whole_name(text, finders),
        Value::Sequence(items) => items.iter().any(|item| contains_name(item, finders)),
        Value::Mapping(mapping) => mapping.iter().any(|entry| contains_name(&entry.value, finders)),
        _ => false,
    }
}

/// Whether a string contains one of the plain names as a whole word. A name with its hash continues after the plain
/// name.
fn contains_whole_name(text: &str, finders: &[Finder<'_>]) -> bool {
    let continues = |mut bytes: std::slice::Iter<'_, u8>| match bytes.next() {
        Some(b'-' | b'.') => bytes.next().is_some_and(u8::is_ascii_alphanumeric),
        next => next.is_some_and(u8::is_ascii_alphanumeric),
    };
    let bytes = text.as_bytes();
    finders
        .iter()
        .any(|finder| finder.find_iter(bytes).any(|at| !continues(bytes[at + finder.needle().len()..].iter())))
}

/// The values of `name` fields within objects, and of labels.
fn names<'n>(node: &'n Node, is_label: bool, found: &mut HashSet<&'n str>) {
    match &node.value {
        Value::Mapping(mapping) => {
            for entry in mapping {
                if is_label || entry.key == "name" {
                    found.extend(entry.value.as_str());
                }
                let labels = matches!(entry.key.as_str(), "labels" | "matchLabels" | "selector");
                names(&entry.value, labels, found);
            }
        }
        Value::Sequence(items) => items.iter().for_each(|item| names(item, false, found)),
        _ => {}
    }
}

struct NameSearch<'d> {
    drafts: &'d [Draft],
    renamed: &'d HashMap<EcoString, Vec<usize>>,
    /// Find the plain names. Most strings contain none, and need not be split into words.
    finders: Vec<Finder<'d>>,
    taken: HashSet<&'d str>,
    path: FieldPath,
    /// The addresses of strings that are known references to other objects, and are not reported.
    known: HashSet<usize>,
    /// The key of the field, and the name of the environment variable.
    words: Vec<&'d str>,
    findings: Vec<Finding>,
}

impl<'d> NameSearch<'d> {
    fn entry(&mut self, at: usize, key: &'d str, value: &'d Node, beside: &'d Node, is_top: bool) {
        // The name of a part of an object is independent; the name of the object itself has the hash.
        let is_own_name = key == "name" && (value.as_str().is_some());
        if IGNORED_FIELDS.contains(&key) || is_own_name || key == "namespace" {
            return;
        }
        let is_data = is_top && matches!(key, "data" | "binaryData" | "stringData");
        let above = std::mem::replace(&mut self.words, vec![key]);
        if key == "value" {
            self.words.extend(beside["name"].as_str());
        }
        let is_key = is_data || matches!(self.path.0.last(), Some(Segment::Field(above)) if above == "annotations");
        self.path.0.push(if is_key && !is_data { Segment::Key(key.into()) } else { Segment::Field(key.into()) });
        self.node(at, value, is_data);
        self.path.0.pop();
        self.words = above;
    }

    fn node(&mut self, at: usize, node: &'d Node, is_data: bool) {
        if self.findings.len() >= MAX_FINDINGS {
            return;
        }
        match &node.value {
            Value::Mapping(mapping) if is_data => {
                for entry in mapping {
                    self.path.0.push(Segment::Key(entry.key.clone()));
                    self.text(at, &entry.value, true);
                    self.path.0.pop();
                }
            }
            Value::Mapping(mapping) => {
                mapping.iter().for_each(|entry| self.entry(at, entry.key.as_str(), &entry.value, node, false));
            }
            Value::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.path.0.push(Segment::Index(index));
                    self.node(at, item, false);
                    self.path.0.pop();
                }
            }
            Value::String(_) => self.text(at, node, false),
            _ => {}
        }
    }

    /// Searches a string for plain names. In data, which is arbitrary text, only the words in the line are evidence.
    fn text(&mut self, at: usize, node: &'d Node, is_data: bool) {
        let Some(text) = node.as_str().filter(|_| !self.known.contains(&address(node))) else { return };
        if !contains_whole_name(text, &self.finders) {
            return;
        }
        for line in text.lines() {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
            for token in line.split(|c| !is_part(c)).map(|token| token.trim_matches(['-', '.'])) {
                let Some((base, numbers)) = self.renamed.get_key_value(token) else { continue };
                let of_kind = |number: &&usize| {
                    let kind = self.drafts[**number].object.kind().to_ascii_lowercase();
                    let means = |word: &str| folded(word).contains(&kind);
                    means(line) || !is_data && self.words.iter().any(|word| means(word))
                };
                let meant = numbers.iter().find(of_kind);
                // The whole string is the name, or the value of an option.
                let alone = || {
                    let rest = text.strip_suffix(base.as_str()).unwrap_or("-");
                    rest.is_empty() || rest.starts_with("--") && rest.ends_with('=')
                };
                let certain = || numbers.first().filter(|_| !is_data && alone() && !self.taken.contains(base.as_str()));
                if let Some(number) = meant.or_else(certain) {
                    self.findings.push(self.finding(at, node, base, *number));
                    return;
                }
            }
        }
    }

    fn finding(&self, at: usize, node: &Node, base: &str, number: usize) -> Finding {
        let (holder, named) = (&self.drafts[at].object, &self.drafts[number].object);
        let message = format!(
            "`{base}` is not updated here, but {} `{base}` is named `{}`, with a hash of its content",
            named.kind(),
            named.name()
        );
        let span = if node.origin.span.is_none() { holder.span() } else { node.origin.span };
        let mut finding = Finding::new(RuleId::ContentNamePlain, Severity::Warning, span, message).with_help(
            "use `{{ content_name('NAME') }}` in the template, or declare a field of a custom resource under `[[references]]` in \
             plimsoll.toml",
        );
        finding.object = Some(holder.id.clone());
        finding.field = self.path.to_string();
        finding.help = finding.help.replace("NAME", base);
        finding
    }
}

/// The letters and digits of a word in lower case: `config_map` becomes `configmap`.
fn folded(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
