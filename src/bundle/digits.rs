//! The hash of an object's content, and the names that carry one.

use smallvec::SmallVec;

use crate::digest::Digest;
use crate::node::{FEW, Node, Value};

/// Labels that change with each release and say nothing about the content. Taken out before hashing, wherever they stand.
const RELEASE_LABELS: &[&str] = &["app.kubernetes.io/version", "helm.sh/chart"];

/// How many hexadecimal digits of the hash a name carries: 40 bits.
const HASH_DIGITS: usize = 10;

/// The letters and digits of kustomize's hashes, which are as long; ours are hexadecimal.
const KUSTOMIZE_DIGITS: &str = "bcdfghkmt2456789";

/// A name without the hash of its content, if it carries one.
#[must_use]
pub fn bare_name(name: &str) -> Option<&str> {
    let (bare, hash) = name.rsplit_once('-')?;
    let hexadecimal = || hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let kustomize = || hash.chars().all(|c| KUSTOMIZE_DIGITS.contains(c));
    // A word is no hash.
    let mixed = || hash.bytes().any(|byte| byte.is_ascii_digit());
    (hash.len() == HASH_DIGITS && !bare.is_empty() && (hexadecimal() || kustomize() && mixed())).then_some(bare)
}

/// The first digits of the hash of an object's content: everything but its own name and what changes each release.
pub(super) fn hash(object: &Node) -> String {
    let mut digits = digits_of(object, Within::Object);
    digits.truncate(HASH_DIGITS);
    digits
}

/// How many hexadecimal digits a checksum has: 128 bits.
const CHECKSUM_DIGITS: usize = 32;

/// The checksum of a value, whatever the order of its keys.
pub(crate) fn checksum(node: &Node) -> String {
    let mut digits = digits_of(node, Within::Rest);
    digits.truncate(CHECKSUM_DIGITS);
    digits
}

fn digits_of(node: &Node, within: Within) -> String {
    let mut digest = Digest::default();
    feed(node, within, &mut digest);
    digest.hex()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    Object,
    Metadata,
    Labels,
    Rest,
}

/// Hashes a value whatever the order of its keys; lengths keep neighbours apart.
fn feed(node: &Node, within: Within, digest: &mut Digest) {
    let mut text = |tag: &str, text: &str| {
        digest.update(tag);
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    };
    match &node.value {
        Value::Null => text("0", ""),
        Value::Bool(value) => text("b", if *value { "t" } else { "f" }),
        Value::Int(number) => text("i", &number.to_string()),
        Value::Float(number) => text("f", &number.to_string()),
        Value::String(value) => text("s", value),
        Value::Sequence(items) => {
            digest.update("[");
            items.iter().for_each(|item| feed(item, Within::Rest, digest));
            digest.update("]");
        }
        Value::Mapping(mapping) => {
            let mut entries: SmallVec<[_; FEW]> = mapping.iter().collect();
            entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            digest.update("{");
            for entry in entries {
                let below = match (within, entry.key.as_str()) {
                    (Within::Metadata, "name") => continue,
                    (Within::Labels, key) if RELEASE_LABELS.contains(&key) => continue,
                    (Within::Object, "metadata") => Within::Metadata,
                    (_, "labels") => Within::Labels,
                    _ => Within::Rest,
                };
                digest.update((entry.key.len() as u64).to_le_bytes());
                digest.update(entry.key.as_bytes());
                feed(&entry.value, below, digest);
            }
            digest.update("}");
        }
    }
}
