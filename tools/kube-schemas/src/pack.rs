//! Writes the model; the layout is described in `src/kube/schema.rs` of plimsoll.

use crate::Result;
use crate::model::{Keys, Model, Type};
use std::collections::{BTreeMap, BTreeSet};

const MAGIC: &[u8; 8] = b"PLKUBE02";
const NONE: u16 = u16::MAX;
const LIST: u8 = 32;
const MAP: u8 = 33;
const STRUCT: u8 = 34;
const OR: u8 = 35;

/// The bytes of the file.
pub fn pack(model: &Model) -> Result<Vec<u8>> {
    let strings = strings(model);
    let index: BTreeMap<&str, u16> =
        strings.iter().enumerate().map(|(at, text)| Ok((*text, u16::try_from(at)?))).collect::<Result<_>>()?;
    let id = |text: &str| index[text];

    let mut key_sets: Vec<&Keys> = Vec::new();
    for each in &model.types {
        if let Type::List(_, keys) = each
            && !key_sets.contains(&keys)
        {
            key_sets.push(keys);
        }
    }

    let mut fields = Vec::new();
    let mut first = BTreeMap::new();
    let mut count = 0_u16;
    for (name, own) in &model.structs {
        first.insert(name.as_str(), (count, u16::try_from(own.values().map(Vec::len).sum::<usize>())?));
        for (field, variants) in own {
            for variant in variants {
                put(&mut fields, id(field));
                put(&mut fields, u16::try_from(variant.type_id)?);
                put(&mut fields, variant.versions);
                put(&mut fields, u16::from(variant.required) | u16::from(variant.pointer) << 1);
                put(&mut fields, variant.default.as_deref().map_or(NONE, id));
                count = count.checked_add(1).ok_or("more than 65535 fields")?;
            }
        }
    }

    let mut types = Vec::new();
    for each in &model.types {
        let (tag, atomic, a, b, c) = match each {
            Type::Leaf(tag) => (*tag, false, 0, 0, 0),
            Type::List(item, keys) => {
                let set = key_sets.iter().position(|each| each == &keys).ok_or("no key set")?;
                (LIST, false, u16::try_from(*item)?, u16::try_from(set)?, 0)
            }
            Type::Map(value, atomic) => (MAP, *atomic, u16::try_from(*value)?, 0, 0),
            Type::Or(one, other) => (OR, false, u16::try_from(*one)?, u16::try_from(*other)?, 0),
            Type::Struct(name) => {
                let (first, count) = first[name.as_str()];
                (STRUCT, model.is_atomic(name), id(short(name)), first, count)
            }
        };
        types.extend_from_slice(&[tag, u8::from(atomic)]);
        for number in [a, b, c] {
            put(&mut types, number);
        }
    }

    let mut kinds = Vec::new();
    let mut kind_count = 0_u32;
    for ((api_version, kind), variants) in &model.kinds {
        for variant in variants {
            put(&mut kinds, id(api_version));
            put(&mut kinds, id(kind));
            put(&mut kinds, id(&variant.plural));
            put(&mut kinds, u16::try_from(variant.type_id)?);
            put(&mut kinds, variant.versions);
            put(&mut kinds, u16::from(variant.scope) | u16::from(variant.list) << 2);
            kind_count += 1;
        }
    }

    let mut sets = Vec::new();
    for set in &key_sets {
        if set.keys.len() > 2 {
            return Err(format!("more than two keys: {set:?}").into());
        }
        sets.push(set.kind);
        sets.push(u8::try_from(set.keys.len())?);
        for at in 0..2 {
            put(&mut sets, set.keys.get(at).map_or(NONE, |key| id(key)));
        }
        put(&mut sets, set.merge.as_deref().map_or(NONE, id));
    }

    let mut body = Vec::new();
    for number in [
        u32::try_from(strings.len())?,
        u32::try_from(model.types.len())?,
        u32::from(count),
        kind_count,
        u32::try_from(key_sets.len())?,
    ] {
        body.extend_from_slice(&number.to_le_bytes());
    }
    let mut end = 0_u32;
    body.extend_from_slice(&end.to_le_bytes());
    for text in &strings {
        end += u32::try_from(text.len())?;
        body.extend_from_slice(&end.to_le_bytes());
    }
    for section in [&types, &fields, &kinds, &sets] {
        body.extend_from_slice(section);
    }
    for text in &strings {
        body.extend_from_slice(text.as_bytes());
    }
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&digest(&body).to_le_bytes());
    file.extend_from_slice(&body);
    Ok(file)
}

/// The strings of the file without duplicates, in byte order, so that their indexes have the same order.
fn strings(model: &Model) -> Vec<&str> {
    let mut all = BTreeSet::new();
    for (name, own) in &model.structs {
        all.insert(short(name));
        all.extend(own.keys().map(String::as_str));
        all.extend(own.values().flatten().filter_map(|field| field.default.as_deref()));
    }
    for ((api_version, kind), variants) in &model.kinds {
        all.extend([api_version.as_str(), kind.as_str()]);
        all.extend(variants.iter().map(|variant| variant.plural.as_str()));
    }
    for each in &model.types {
        if let Type::List(_, keys) = each {
            all.extend(keys.keys.iter().chain(&keys.merge).map(String::as_str));
        }
    }
    all.into_iter().collect()
}

/// Converts `io.k8s.api.core.v1.Container` to `core.v1.Container`, the form in list-keys.tsv.
fn short(name: &str) -> &str {
    ["io.k8s.api.", "io.k8s.apimachinery.pkg.apis.", "io.k8s."]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

fn put(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// The 64-bit FNV-1a hash.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
