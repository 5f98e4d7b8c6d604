//! Rule `device-claim-invalid`.

use std::cell::Cell;

use foldhash::HashMap;

use super::_expression;
use crate::cel::{self, Bounds, Device, Wanted};
use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{Checked, names};
use crate::node::{Node, Value};
use crate::object::Object;
use crate::validation::{At, Faults, repeats, resources, volume};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::DeviceClaimInvalid,
    doc: Doc {
        checks: "\
Each request of a claim must have a unique name and either `exactly` or `firstAvailable`
(alternatives), each with a `deviceClassName`. Constraints and configurations must refer to requests
of the same claim; a constraint must have an attribute with its domain (`gpu.example.com/numa`). A
configuration must have a driver and an object as its parameters. A selector must have a CEL
expression that compiles and returns a boolean, and whose estimated cost is at most 1000000. Of a
ResourceSlice the driver, the pool, the node and the names of the devices are checked; the
attributes and capacities of the devices are not.",
        why: "\
The API server rejects the object, for instance with \"exactly one of `exactly` or `firstAvailable`
is required\" or \"must be the name of a request in the claim\".",
        fix: "Add the missing field, or correct the name of the request.",
        source: "\
`ValidateResourceClaim`, `ValidateResourceClaimTemplate`, `ValidateDeviceClass` and
`ValidateResourceSlice` in `pkg/apis/resource/validation`.",
    },
    bad: "\
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {name: gpu}
spec:
  devices:
    requests: [{name: gpu, exactly: {deviceClassName: gpu.example.com}}]
    constraints: [{requests: [cpu], matchAttribute: gpu.example.com/numa}]
",
    good: "\
-    constraints: [{requests: [cpu], matchAttribute: gpu.example.com/numa}]
+    constraints: [{requests: [gpu], matchAttribute: gpu.example.com/numa}]
",
    check: Check::Object(check),
};

const MAX_ENTRIES: usize = 32;
const MAX_ALTERNATIVES: usize = 8;
const MAX_DEVICES: usize = 128;
const MAX_EXPRESSION_LENGTH: usize = 10 * 1024;
const MAX_IDENTIFIER_LENGTH: usize = 32;
/// The maximum cost of a selector, as the API server estimates it.
const MAX_COST: u64 = 1_000_000;

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.group() != "resource.k8s.io" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    // In v1beta1 the fields of `exactly` are in the request itself.
    let flat = object.id.api_version.ends_with("/v1beta1");
    match object.kind() {
        "ResourceClaim" => claim(faults, &spec.get("devices"), flat),
        "ResourceClaimTemplate" => {
            let metadata = spec.get("metadata");
            faults.labels(&metadata.get("labels"));
            let inner = spec.get("spec");
            claim(faults, &inner.get("devices"), flat);
        }
        "DeviceClass" => class(faults, &spec),
        "ResourceSlice" => slice(faults, &spec),
        _ => {}
    }
}

/// The names of the requests, each with the names of its alternatives.
type Requests<'n> = HashMap<&'n str, Vec<&'n str>>;

fn claim(faults: &mut Faults<'_, '_>, devices: &At<'_, '_>, flat: bool) {
    let (requests, constraints, config) = (devices.get("requests"), devices.get("constraints"), devices.get("config"));
    let known: Requests<'_> = requests
        .node
        .items()
        .iter()
        .map(|request| {
            let parts = request["firstAvailable"].items().iter().map(|part| part["name"].text());
            (request["name"].text(), parts.collect())
        })
        .collect();
    for list in [&requests, &constraints, &config] {
        at_most(faults, list, MAX_ENTRIES);
    }
    unique_names(faults, &requests);
    for request in requests.items() {
        self::request(faults, &request, flat);
    }
    for constraint in constraints.items() {
        references(faults, &constraint.get("requests"), &known);
        let (same, distinct) = (constraint.get("matchAttribute"), constraint.get("distinctAttribute"));
        if same.is_set() {
            faults.check(&same, attribute(same.text()));
        } else if distinct.is_set() {
            faults.check(&distinct, attribute(distinct.text()));
        } else {
            faults.required(&constraint).help("set `matchAttribute` or `distinctAttribute`");
        }
    }
    for entry in config.items() {
        references(faults, &entry.get("requests"), &known);
        configuration(faults, &entry);
    }
}

fn at_most(faults: &mut Faults<'_, '_>, list: &At<'_, '_>, max: usize) {
    if list.node.items().len() > max {
        faults.invalid(list, &format!("must have at most {max} items"));
    }
}

/// Reports items with invalid or duplicate names.
fn unique_names(faults: &mut Faults<'_, '_>, list: &At<'_, '_>) {
    let repeated = list.repeats("name");
    for (index, item) in list.items().enumerate() {
        let name = item.get("name");
        faults.check(&name, names::dns1123_label(name.text()));
        if repeated[index] {
            faults.add(&item, format!("duplicate name `{}`", name.text()));
        }
    }
}

fn request(faults: &mut Faults<'_, '_>, request: &At<'_, '_>, flat: bool) {
    let (exactly, alternatives) = (request.get("exactly"), request.get("firstAvailable"));
    let has_alternatives = !alternatives.node.items().is_empty();
    let has_exactly = if flat { request.node["deviceClassName"].is_set() } else { exactly.is_set() };
    match (has_exactly, has_alternatives) {
        (false, false) => _ = faults.required(request).help("set `exactly` or `firstAvailable`"),
        (true, true) => _ = faults.forbidden(&alternatives, "together with `exactly`"),
        (true, false) => device_request(faults, if flat { request } else { &exactly }),
        (false, true) => {
            at_most(faults, &alternatives, MAX_ALTERNATIVES);
            unique_names(faults, &alternatives);
            for alternative in alternatives.items() {
                device_request(faults, &alternative);
            }
        }
    }
}

/// Validates the part of a request that selects devices.
fn device_request(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let (class, mode, count) = (at.get("deviceClassName"), at.get("allocationMode"), at.get("count"));
    if class.text().is_empty() {
        faults.required(&class);
    } else {
        faults.check(&class, names::dns1123_subdomain(class.text()));
    }
    selectors(faults, &at.get("selectors"));
    let number = count.number().unwrap_or(0);
    match mode.text() {
        "All" if number != 0 => _ = faults.forbidden(&count, "with the allocation mode `All`"),
        // The defaults are `ExactCount` and 1.
        "" | "ExactCount" if number < 0 => _ = faults.invalid(&count, "must be greater than 0"),
        "" => {}
        _ => faults.one_of(&mode, &["All", "ExactCount"]),
    }
    for toleration in at.get("tolerations").items() {
        let (key, operator, effect) = (toleration.get("key"), toleration.get("operator"), toleration.get("effect"));
        if !key.text().is_empty() {
            faults.check(&key, names::qualified_name(key.text()));
        }
        if !operator.text().is_empty() {
            faults.one_of(&operator, &["Equal", "Exists"]);
        }
        if operator.text() == "Exists" && !toleration.node["value"].text().is_empty() {
            faults.forbidden(&toleration.get("value"), "with the operator `Exists`");
        }
        if !effect.text().is_empty() {
            faults.one_of(&effect, &["NoExecute", "NoSchedule", "None"]);
        }
    }
}

fn selectors(faults: &mut Faults<'_, '_>, list: &At<'_, '_>) {
    at_most(faults, list, MAX_ENTRIES);
    for selector in list.items() {
        let cel = selector.get("cel");
        if !cel.is_set() {
            faults.required(&cel);
        } else if cel.node["expression"].text().trim().is_empty() {
            faults.add(&cel.get("expression"), "the expression must not be empty");
        } else if cel.node["expression"].text().len() > MAX_EXPRESSION_LENGTH {
            faults.invalid(&cel.get("expression"), "must be no more than 10240 characters");
        } else {
            expression(faults, &cel.get("expression"));
        }
    }
}

/// Validates the expression of a device selector and its estimated cost.
fn expression(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let env = _expression::device(faults.version());
    let before = faults.count();
    _expression::check(faults, at, &env, Wanted::Bool);
    if faults.count() > before {
        return;
    }
    let cost = cel::cost(at.text(), &env, Bounds::Device(Device::Whole), &Cell::new(1));
    if let Some(cost) = cost.filter(|cost| *cost > MAX_COST) {
        faults
            .add(at, format!("too complex, exceeds cost limit: estimated cost {cost}, limit {MAX_COST}"))
            .help("loop over fewer values, and avoid nested loops and patterns on long strings");
    }
}

/// Validates references to requests of the claim, or to their alternatives (`request/alternative`).
fn references(faults: &mut Faults<'_, '_>, list: &At<'_, '_>, known: &Requests<'_>) {
    at_most(faults, list, MAX_ENTRIES);
    let repeated = repeats(list.node.items().iter().map(Node::text));
    for (index, at) in list.items().enumerate() {
        let (request, part) = at.text().split_once('/').map_or((at.text(), None), |(name, part)| (name, Some(part)));
        let exists = known.get(request).is_some_and(|parts| part.is_none_or(|part| parts.contains(&part)));
        if !exists {
            let near = crate::suggest::nearest(at.text(), known.keys().copied().filter(|name| !name.is_empty()));
            let help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
            faults.invalid(&at, "must be the name of a request in the claim").help(help);
        } else if repeated[index] {
            faults.duplicate(&at);
        }
    }
}

fn configuration(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    let opaque = at.get("opaque");
    if !opaque.is_set() {
        faults.required(&opaque);
        return;
    }
    driver(faults, &opaque.get("driver"));
    let parameters = opaque.get("parameters");
    if !parameters.is_set() {
        faults.required(&parameters);
    } else if !matches!(parameters.node.value, Value::Mapping(_)) {
        faults.invalid(&parameters, "must be a mapping");
    }
}

fn driver(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    volume::csi_driver(at, faults);
}

/// Checks the name of an attribute with its domain: `gpu.example.com/numa`.
fn attribute(text: &str) -> Checked {
    const FORM: &str = "must be a domain and a name, separated by one `/`";
    let Some((domain, name)) = text.split_once('/') else { return Err(FORM) };
    if domain.is_empty() || domain.len() > 63 || name.contains('/') {
        return Err(FORM);
    }
    names::dns1123_subdomain(&domain.to_lowercase())?;
    if name.len() > MAX_IDENTIFIER_LENGTH {
        return Err("must have a name of no more than 32 characters");
    }
    names::c_identifier(name)
}

fn class(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    selectors(faults, &spec.get("selectors"));
    let (config, extended) = (spec.get("config"), spec.get("extendedResourceName"));
    at_most(faults, &config, MAX_ENTRIES);
    for entry in config.items() {
        configuration(faults, &entry);
    }
    if extended.is_set() && (!extended.text().contains('/') || resources::container_name(extended.text()).is_err()) {
        faults.invalid(&extended, "must be the name of an extended resource, such as `example.com/gpu`");
    }
}

/// Validates the driver, pool, nodes and device names of a ResourceSlice.
fn slice(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    driver(faults, &spec.get("driver"));
    let (pool, devices) = (spec.get("pool"), spec.get("devices"));
    let (name, count) = (pool.get("name"), pool.get("resourceSliceCount"));
    if name.text().is_empty() {
        faults.required(&name);
    } else if let Some(Err(rule)) = name.text().split('/').map(names::dns1123_subdomain).find(Result::is_err) {
        faults.invalid(&name, rule);
    }
    if count.number().unwrap_or(0) <= 0 {
        faults.invalid(&count, "must be greater than 0");
    }
    faults.not_negative(&pool.get("generation"));
    let fields = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"];
    match fields.iter().filter(|field| spec.node[**field].is_set()).count() {
        1 => {}
        0 => _ = faults.required(spec).help("set `nodeName`, `nodeSelector`, `allNodes` or `perDeviceNodeSelection`"),
        _ => {
            let message =
                "exactly one of `nodeName`, `nodeSelector`, `allNodes` and `perDeviceNodeSelection` is required";
            faults.add(spec, message);
        }
    }
    for field in ["allNodes", "perDeviceNodeSelection"] {
        let at = spec.get(field);
        if at.node.as_bool() == Some(false) {
            faults.invalid(&at, "must be `true` or not set");
        }
    }
    at_most(faults, &devices, MAX_DEVICES);
    unique_names(faults, &devices);
}
