//! Rule `storage-class-invalid`.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults, repeats};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::StorageClassInvalid,
    doc: Doc {
        checks: "\
A StorageClass must have a `provisioner`; its `reclaimPolicy` must be `Delete` or `Retain`, its
`volumeBindingMode` `Immediate` or `WaitForFirstConsumer`, and the terms of `allowedTopologies` must
be unique. A VolumeAttributesClass must have a `driverName` and at least one parameter. Parameters
may be at most 512, of at most 262144 bytes together. A CSIDriver must have a known `fsGroupPolicy`,
known `volumeLifecycleModes`, and token requests with unique audiences and an `expirationSeconds`
between 600 and 4294967296.",
        why: "\
The API server rejects the object, for instance with \"may not specify a duration less than 10
minutes\".",
        fix: "Add the missing field, or use one of the allowed values.",
        source: "\
`ValidateStorageClass`, `ValidateVolumeAttributesClass` and `ValidateCSIDriver` in
`pkg/apis/storage/validation`.",
    },
    bad: "\
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: example.com/disk
volumeBindingMode: Later
",
    good: "-volumeBindingMode: Later\n+volumeBindingMode: WaitForFirstConsumer\n",
    check: Check::Object(check),
};

/// The maximum number of parameters, and the maximum size of all their keys and values in bytes.
const MAX_PARAMETERS: usize = 512;
const MAX_PARAMETERS_SIZE: usize = 256 * 1024;
/// The minimum and maximum lifetime of a token in seconds.
const TOKEN: std::ops::RangeInclusive<i64> = 600..=1 << 32;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "storage.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    match object.kind() {
        "StorageClass" => class(faults, &root),
        "VolumeAttributesClass" => {
            provisioner(faults, &root.get("driverName"));
            let given = root.get("parameters");
            if given.node.entries().is_empty() {
                faults.required(&given);
            }
            parameters(faults, &given);
        }
        "CSIDriver" => driver(faults, &root.get("spec")),
        _ => {}
    }
}

fn provisioner(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    if at.text().is_empty() {
        faults.required(at);
    } else {
        faults.check(at, names::qualified_name(&at.text().to_lowercase()));
    }
}

fn parameters(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let entries = at.node.entries();
    let size: usize = entries.iter().map(|entry| entry.key.len() + entry.value.text().len()).sum();
    if entries.len() > MAX_PARAMETERS {
        faults.invalid(at, "must not have more than 512 parameters");
    }
    if size > MAX_PARAMETERS_SIZE {
        faults.invalid(at, "must not have more than 262144 bytes");
    }
    if entries.iter().any(|entry| entry.key.is_empty()) {
        faults.invalid(at, "must not have an empty key");
    }
}

fn class(faults: &mut Faults<'_, '_>, root: &At<'_, '_>) {
    provisioner(faults, &root.get("provisioner"));
    parameters(faults, &root.get("parameters"));
    let (policy, mode) = (root.get("reclaimPolicy"), root.get("volumeBindingMode"));
    if policy.is_set() {
        faults.one_of(&policy, &["Delete", "Retain"]);
    }
    if mode.is_set() {
        faults.one_of(&mode, &["Immediate", "WaitForFirstConsumer"]);
    }
    topologies(faults, &root.get("allowedTopologies"));
}

fn topologies(faults: &mut Faults<'_, '_>, terms: &At<'_, '_>) {
    let same_terms = repeats(terms.node.items().iter().map(expressions));
    for (index, term) in terms.items().enumerate() {
        let labels = term.get("matchLabelExpressions");
        let repeated = labels.repeats("key");
        for (index, label) in labels.items().enumerate() {
            let (key, values) = (label.get("key"), label.get("values"));
            faults.check(&key, names::qualified_name(key.text()));
            if values.node.items().is_empty() {
                faults.required(&values);
            }
            if repeated[index] {
                faults.duplicate(&key);
            }
            let repeated = repeats(values.node.items().iter().map(Node::text));
            for (index, value) in values.items().enumerate() {
                if repeated[index] {
                    faults.duplicate(&value);
                }
            }
        }
        if same_terms[index] {
            faults.add(&labels, "duplicate term");
        } else if labels.node.items().is_empty() {
            // The API server reports it as a duplicate of an empty term.
            faults.add(&labels, format!("`{labels}` must have at least one entry"));
        }
    }
}

/// The requirements of a topology term, independent of their order.
fn expressions(term: &Node) -> BTreeMap<&str, BTreeSet<&str>> {
    let labels = term["matchLabelExpressions"].items().iter();
    labels.map(|label| (label["key"].text(), label["values"].items().iter().map(Node::text).collect())).collect()
}

fn driver(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let policy = spec.get("fsGroupPolicy");
    if policy.is_set() {
        faults.one_of(&policy, &["File", "None", "ReadWriteOnceWithFSType"]);
    }
    let modes = spec.get("volumeLifecycleModes");
    for mode in modes.items() {
        faults.one_of(&modes.same(mode.node), &["Ephemeral", "Persistent"]);
    }
    let tokens = spec.get("tokenRequests");
    let repeated = tokens.repeats("audience");
    for (index, token) in tokens.items().enumerate() {
        let (audience, seconds) = (token.get("audience"), token.get("expirationSeconds"));
        if repeated[index] {
            faults.duplicate(&audience);
        }
        if seconds.number().is_some_and(|number| !TOKEN.contains(&number)) {
            faults.invalid(&seconds, "must be between 600 and 4294967296");
        }
    }
}
