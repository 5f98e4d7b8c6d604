//! The built-in schemas, read in place from `schemas/kubernetes.bin`.
//!
//! Nothing is decoded in advance: a [`Type`] is an index into the file, and a lookup is a binary search over its bytes.
//! The file is written by `tools/kube-schemas`. Its layout, all numbers little-endian:
//!
//! | part | bytes | content |
//! | --- | --- | --- |
//! | magic | 8 | `PLKUBE02` |
//! | digest | 8 | FNV-1a of the rest |
//! | counts | 5 × 4 | strings, types, fields, kinds, key sets |
//! | string ends | 4 × (strings + 1) | the start of each string and the end of the last one; the strings are in byte order |
//! | types | 8 each | tag, 1 if server-side apply replaces it as a whole, three numbers of two bytes that depend on the tag |
//! | fields | 10 each | name, type, versions that have it (bit 0 is 1.33), flags (bit 0 required, bit 1 a pointer), default |
//! | kinds | 12 each | apiVersion, kind, plural, type, versions, flags: bits 0–1 scope, bit 2 a list kind |
//! | key sets | 8 each | kind of list (0 atomic, 1 set, 2 map), count, two keys, merge key |
//! | strings | | the strings |
//!
//! Tags: 0 any value, 1 string, 2 bool, 3 int32, 4 int64, 5 double, 6 bytes, 7 time, 8 micro time, 9 duration, 10 int or
//! string, 11 quantity, 12 and 13 any value (`FieldsV1`, `RawExtension`), 32 list, 33 map, 34 struct, 35 choice.
//! A type's three numbers: a struct's name, first field and field count (fields sorted by name); a list's item type and key
//! set; a map's value type; for a choice the struct and the other type. A field that differs between versions has an entry
//! for each type. A default is the index of a string of JSON.

use super::version::KubernetesVersion;
use crate::schema::ListKind;

const FILE: &[u8] = include_bytes!("../../schemas/kubernetes.bin");
const HEADER: usize = 36;
const FIELD_SIZE: usize = 10;
const KIND_SIZE: usize = 12;
const STRINGS: usize = count(0);
const TYPES: usize = count(1);
const FIELDS: usize = count(2);
const KINDS: usize = count(3);
const KEY_SETS: usize = count(4);

const TYPES_AT: usize = HEADER + 4 * (STRINGS + 1);
const FIELDS_AT: usize = TYPES_AT + 8 * TYPES;
const KINDS_AT: usize = FIELDS_AT + FIELD_SIZE * FIELDS;
const KEY_SETS_AT: usize = KINDS_AT + KIND_SIZE * KINDS;
const TEXT_AT: usize = KEY_SETS_AT + 8 * KEY_SETS;

/// The [`prefix`] of each field's name, which decides most comparisons of a search.
static PREFIXES: [u64; FIELDS] = {
    let mut prefixes = [0; FIELDS];
    let mut field = 0;
    while field < FIELDS {
        let at = FIELDS_AT + FIELD_SIZE * field;
        let ends = HEADER + 4 * u16::from_le_bytes([FILE[at], FILE[at + 1]]) as usize;
        let (start, end) = (long(ends), long(ends + 4));
        let (_, text) = FILE.split_at(TEXT_AT + start);
        prefixes[field] = prefix(text.split_at(end - start).0);
        field += 1;
    }
    prefixes
};

/// The first eight bytes as a number: strings are ordered by their prefixes unless these are equal.
const fn prefix(text: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let (end, _) = eight.split_at_mut(if text.len() < 8 { text.len() } else { 8 });
    end.copy_from_slice(text.split_at(end.len()).0);
    u64::from_be_bytes(eight)
}

/// The index of no string.
const NO_STRING: u16 = u16::MAX;

const fn count(index: usize) -> usize {
    long(16 + 4 * index)
}

const fn long(at: usize) -> usize {
    u32::from_le_bytes([FILE[at], FILE[at + 1], FILE[at + 2], FILE[at + 3]]) as usize
}

fn number(at: usize) -> u16 {
    u16::from_le_bytes([FILE[at], FILE[at + 1]])
}

fn bytes(string: u16) -> &'static [u8] {
    let at = HEADER + 4 * usize::from(string);
    &FILE[TEXT_AT + long(at)..TEXT_AT + long(at + 4)]
}

fn text(string: u16) -> &'static str {
    std::str::from_utf8(bytes(string)).unwrap_or_default()
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Type(u16);

/// The form of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A value without fields or items.
    Leaf(Leaf),
    /// An object with known fields.
    Struct(Struct),
    /// A list of one type.
    List(Type),
    /// A mapping of arbitrary keys to one type.
    Map(Type),
    /// The first type, a struct, if the value is a mapping; otherwise the second.
    Or(Type, Type),
}

/// Values without fields or items, as Go decodes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// Any JSON value.
    Any,
    /// A string.
    String,
    /// `true` or `false`.
    Bool,
    /// An integer of 32 bits.
    Int32,
    /// An integer of 64 bits.
    Int64,
    /// A number.
    Double,
    /// Bytes in base64.
    Bytes,
    /// A time in RFC 3339.
    Time,
    /// A time in RFC 3339 with microseconds.
    MicroTime,
    /// A duration in Go's format.
    Duration,
    /// An integer of 32 bits or a string.
    IntOrString,
    /// A quantity, as a string or a number.
    Quantity,
}

/// An object with known fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Struct {
    name: u16,
    first: u16,
    count: u16,
}

/// A field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    name: u16,
    /// Its type.
    pub ty: Type,
    versions: u16,
    flags: u16,
    default: u16,
}

/// How apply identifies the items of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListKeys {
    /// How server-side apply merges the list.
    pub kind: ListKind,
    keys: [u16; 2],
    merge_key: u16,
}

impl Type {
    /// Its form.
    #[must_use]
    pub fn form(self) -> Form {
        let at = TYPES_AT + 8 * usize::from(self.0);
        let part = |index: usize| number(at + 2 + 2 * index);
        Form::Leaf(match FILE[at] {
            1 => Leaf::String,
            2 => Leaf::Bool,
            3 => Leaf::Int32,
            4 => Leaf::Int64,
            5 => Leaf::Double,
            6 => Leaf::Bytes,
            7 => Leaf::Time,
            8 => Leaf::MicroTime,
            9 => Leaf::Duration,
            10 => Leaf::IntOrString,
            11 => Leaf::Quantity,
            32 => return Form::List(Self(part(0))),
            33 => return Form::Map(Self(part(0))),
            34 => return Form::Struct(Struct { name: part(0), first: part(1), count: part(2) }),
            35 => return Form::Or(Self(part(0)), Self(part(1))),
            _ => Leaf::Any,
        })
    }

    /// The type of a field, if this is a struct that has it in a version, or of a key, if it is a map.
    #[must_use]
    pub fn field(self, name: &str, version: KubernetesVersion) -> Option<Self> {
        match self.form() {
            Form::Struct(own) => own.field(name, version).map(|field| field.ty),
            Form::Map(values) => Some(values),
            Form::Or(own, _) => own.field(name, version),
            _ => None,
        }
    }

    /// The type of the items, if this is a list.
    #[must_use]
    pub fn items(self) -> Option<Self> {
        match self.form() {
            Form::List(items) => Some(items),
            Form::Or(_, other) => other.items(),
            _ => None,
        }
    }

    /// Whether it is a struct or map that server-side apply replaces as a whole.
    #[must_use]
    pub fn is_atomic(self) -> bool {
        FILE[TYPES_AT + 8 * usize::from(self.0) + 1] != 0
    }

    /// How apply identifies the items, if this is a list.
    #[must_use]
    pub fn list_keys(self) -> Option<ListKeys> {
        let at = TYPES_AT + 8 * usize::from(self.0);
        if FILE[at] != 32 {
            return None;
        }
        let at = KEY_SETS_AT + 8 * usize::from(number(at + 4));
        let kind = match FILE[at] {
            1 => ListKind::Set,
            2 => ListKind::Map,
            _ => ListKind::Atomic,
        };
        Some(ListKeys { kind, keys: [number(at + 2), number(at + 4)], merge_key: number(at + 6) })
    }
}

impl Struct {
    /// Its name with group and version: `core.v1.Container`.
    #[must_use]
    pub fn name(self) -> &'static str {
        text(self.name)
    }

    /// A field that a version has.
    #[must_use]
    pub fn field(self, name: &str, version: KubernetesVersion) -> Option<Field> {
        self.variants(name).find(|field| field.is_in(version))
    }

    /// A field in all its types over the versions.
    pub fn variants(self, name: &str) -> impl Iterator<Item = Field> {
        let first = usize::from(self.first);
        let (prefixes, wanted) = (&PREFIXES[first..first + usize::from(self.count)], prefix(name.as_bytes()));
        let start = prefixes.partition_point(|prefix| *prefix < wanted);
        let alike = prefixes[start..].iter().take_while(|prefix| **prefix == wanted).count();
        // Prefix and length identify a name of less than eight bytes.
        let is_it = |bytes: &[u8]| bytes.len() == name.len() && (bytes.len() < 8 || bytes == name.as_bytes());
        (first + start..first + start + alike).map(Field::read).filter(move |field| is_it(field.name_bytes()))
    }

    /// The fields that a version has, by name.
    pub fn fields(self, version: KubernetesVersion) -> impl Iterator<Item = Field> {
        let first = usize::from(self.first);
        (first..first + usize::from(self.count)).map(Field::read).filter(move |field| field.is_in(version))
    }
}

impl Field {
    fn read(index: usize) -> Self {
        let at = FIELDS_AT + FIELD_SIZE * index;
        Self {
            name: number(at),
            ty: Type(number(at + 2)),
            versions: number(at + 4),
            flags: number(at + 6),
            default: number(at + 8),
        }
    }

    fn name_bytes(self) -> &'static [u8] {
        bytes(self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        text(self.name)
    }

    /// Whether a version has it.
    #[must_use]
    pub const fn is_in(self, version: KubernetesVersion) -> bool {
        self.versions & version.bit() != 0
    }

    /// Whether it is required in the published schema. The decoder does not require it.
    #[must_use]
    pub const fn required(self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether its Go type is a pointer, so that an empty value differs from an absent one.
    #[must_use]
    pub const fn is_pointer(self) -> bool {
        self.flags & 2 != 0
    }

    /// Its default as JSON, unless that depends on other fields.
    #[must_use]
    pub fn default(self) -> Option<&'static str> {
        (self.default != NO_STRING).then(|| text(self.default))
    }
}

impl ListKeys {
    /// The keys of the items under server-side apply; empty unless the list is a map.
    pub fn keys(self) -> impl Iterator<Item = &'static str> {
        self.keys.into_iter().filter(|key| *key != NO_STRING).map(text)
    }

    /// The merge key of client-side apply.
    #[must_use]
    pub fn merge_key(self) -> Option<&'static str> {
        (self.merge_key != NO_STRING).then(|| text(self.merge_key))
    }
}

/// An entry of the index of kinds.
#[derive(Debug, Clone, Copy)]
pub(super) struct KindEntry {
    at: usize,
}

impl KindEntry {
    pub(super) fn api_version(self) -> &'static str {
        text(number(self.at))
    }

    pub(super) fn kind(self) -> &'static str {
        text(number(self.at + 2))
    }

    pub(super) fn plural(self) -> &'static str {
        text(number(self.at + 4))
    }

    pub(super) fn ty(self) -> Type {
        Type(number(self.at + 6))
    }

    pub(super) fn is_in(self, version: KubernetesVersion) -> bool {
        number(self.at + 8) & version.bit() != 0
    }

    /// 0 cluster, 1 namespace, 2 subresource.
    pub(super) fn scope(self) -> u8 {
        FILE[self.at + 10] & 0b11
    }

    pub(super) fn is_list(self) -> bool {
        FILE[self.at + 10] & 0b100 != 0
    }
}

/// The entries of a kind; several if its type differs between versions.
pub(super) fn kind_entries(api_version: &str, kind: &str) -> impl Iterator<Item = KindEntry> {
    let wanted = (api_version.as_bytes(), kind.as_bytes());
    let key = |index: usize| {
        let at = KINDS_AT + KIND_SIZE * index;
        (bytes(number(at)), bytes(number(at + 2)))
    };
    let (mut low, mut high) = (0, KINDS);
    while low < high {
        let middle = usize::midpoint(low, high);
        if key(middle) < wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    (low..KINDS)
        .take_while(move |index| key(*index) == wanted)
        .map(|index| KindEntry { at: KINDS_AT + KIND_SIZE * index })
}

/// The entries of all kinds, by apiVersion and kind.
pub(super) fn all_kind_entries() -> impl Iterator<Item = KindEntry> {
    (0..KINDS).map(|index| KindEntry { at: KINDS_AT + KIND_SIZE * index })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const V36: KubernetesVersion = KubernetesVersion::NEWEST;

    fn struct_of(ty: Type) -> Struct {
        match ty.form() {
            Form::Struct(own) => own,
            other => panic!("not a struct: {other:?}"),
        }
    }

    fn deployment() -> Type {
        kind_entries("apps/v1", "Deployment").next().unwrap().ty()
    }

    #[test]
    fn the_file_is_what_the_tool_wrote() {
        assert_eq!(&FILE[..8], b"PLKUBE02");
        let digest = FILE[16..]
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(FILE[8..16], digest.to_le_bytes());
        assert!(FILE.len() < 400_000);
    }

    #[test]
    fn every_type_field_and_kind_can_be_read() {
        for entry in all_kind_entries() {
            assert!(KubernetesVersion::all().any(|version| entry.is_in(version)), "{}", entry.kind());
            assert!(kind_entries(entry.api_version(), entry.kind()).any(|found| found.at == entry.at));
            assert!(!entry.plural().is_empty(), "{}", entry.kind());
        }
        for index in 0..TYPES {
            if let Form::Struct(own) = Type(index as u16).form() {
                for version in KubernetesVersion::all() {
                    let names: Vec<_> = own.fields(version).map(Field::name).collect();
                    assert!(names.is_sorted_by(|a, b| a < b), "{}: {names:?}", own.name());
                    assert!(own.fields(version).all(|field| own.field(field.name(), version) == Some(field)));
                }
            }
        }
    }

    #[test]
    fn fields_are_found_by_name_and_version() {
        let spec = deployment().field("spec", V36).unwrap();
        assert_eq!(spec.field("replicas", V36).unwrap().form(), Form::Leaf(Leaf::Int32));
        assert!(spec.field("Replicas", V36).is_none());
        assert!(spec.field("", V36).is_none());
        assert!(struct_of(spec).field("template", V36).unwrap().required());
        let pod = spec.field("template", V36).unwrap().field("spec", V36).unwrap();
        assert_eq!(struct_of(pod).name(), "core.v1.PodSpec");
        let in_version = |version: &str| struct_of(pod).field("hostnameOverride", version.parse().unwrap()).is_some();
        assert!(in_version("1.36") && !in_version("1.33"));
    }

    #[test]
    fn lists_know_their_keys() {
        let pod = deployment().field("spec", V36).unwrap().field("template", V36).unwrap().field("spec", V36).unwrap();
        let containers = pod.field("containers", V36).unwrap();
        let keys = containers.list_keys().unwrap();
        assert_eq!((keys.kind, keys.keys().collect::<Vec<_>>()), (ListKind::Map, vec!["name"]));
        let ports = containers.items().unwrap().field("ports", V36).unwrap().list_keys().unwrap();
        assert_eq!(ports.keys().collect::<Vec<_>>(), ["containerPort", "protocol"]);
        assert_eq!(ports.merge_key(), Some("containerPort"));
        let tolerations = pod.field("tolerations", V36).unwrap().list_keys().unwrap();
        assert_eq!((tolerations.kind, tolerations.merge_key()), (ListKind::Atomic, None));
    }
}
