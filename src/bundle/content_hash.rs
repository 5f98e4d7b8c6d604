//! The hash of an object's content, and names that contain it.

use smallvec::SmallVec;

use crate::digest::Digest;
use crate::node::{FEW, Node, Value};

/// Labels that change with each release and are not part of the content. They are ignored wherever they occur.
const RELEASE_LABELS: &[&str] = &["app.kubernetes.io/version", "helm.sh/chart"];

/// The number of hexadecimal digits of the hash in a name: 40 bits.
const HASH_DIGITS: usize = 10;

/// The characters of kustomize's hashes, which have the same length; ours are hexadecimal.
const KUSTOMIZE_DIGITS: &str = "bcdfghkmt2456789";

/// The name without the hash of its content, if it has one.
#[must_use]
pub fn bare_name(name: &str) -> Option<&str> {
    let (bare, hash) = name.rsplit_once('-')?;
    let hexadecimal = || hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let kustomize = || hash.chars().all(|c| KUSTOMIZE_DIGITS.contains(c));
    // A word without digits is not a hash.
    let mixed = || hash.bytes().any(|byte| byte.is_ascii_digit());
    (hash.len() == HASH_DIGITS && !bare.is_empty() && (hexadecimal() || kustomize() && mixed())).then_some(bare)
}

/// The first digits of the hash of an object's content, without its own name and release labels.
pub(super) fn hash(object: &Node) -> String {
    let mut digits = digits_of(object, HashContext::Object);
    digits.truncate(HASH_DIGITS);
    digits
}

/// The number of hexadecimal digits of a checksum: 128 bits.
const CHECKSUM_DIGITS: usize = 32;

/// The checksum of a value, independent of the order of keys.
pub(crate) fn checksum(node: &Node) -> String {
    let mut digits = digits_of(node, HashContext::Rest);
    digits.truncate(CHECKSUM_DIGITS);
    digits
}

fn digits_of(node: &Node, context: HashContext) -> String {
    let mut digest = Digest::default();
    feed(node, context, &mut digest);
    digest.hex()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HashContext {
    Object,
    Metadata,
    Labels,
    Rest,
}

/// Hashes a value independent of the order of keys. Lengths are included to separate adjacent values.
fn feed(node: &Node, context: HashContext, digest: &mut Digest) {
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
            items.iter().for_each(|item| feed(item, HashContext::Rest, digest));
            digest.update("]");
        }
        Value::Mapping(mapping) => {
            let mut entries: SmallVec<[_; FEW]> = mapping.iter().collect();
            entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            digest.update("{");
            for entry in entries {
                let below = match (context, entry.key.as_str()) {
                    (HashContext::Metadata, "name") => continue,
                    (HashContext::Labels, key) if RELEASE_LABELS.contains(&key) => continue,
                    (HashContext::Object, "metadata") => HashContext::Metadata,
                    (_, "labels") => HashContext::Labels,
                    _ => HashContext::Rest,
                };
                digest.update((entry.key.len() as u64).to_le_bytes());
                digest.update(entry.key.as_bytes());
                feed(&entry.value, below, digest);
            }
            digest.update("}");
        }
    }
}
