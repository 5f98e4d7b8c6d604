//! Rule `custom-resource-definition-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::names;
use crate::node::Node;
use crate::object::Object;
use crate::validation::{At, Faults};

use super::_definition::{self, paths};
use super::webhook_invalid::{client, review_versions};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::CustomResourceDefinitionInvalid,
    doc: Doc {
        checks: "\
A CustomResourceDefinition must have a group (of at least two parts), plural, kind and scope, and
`versions` with unique names, each with a schema; exactly one version must have `storage: true`. The
conversion must be `None`, or `Webhook` with the webhook. A group below `k8s.io` or `kubernetes.io`
requires the annotation `api-approved.kubernetes.io`.

The schema must be structural: each field has a type and each array its items; `allOf`, `anyOf`,
`oneOf` and `not` only restrict values; a field has `properties` or `additionalProperties`, not
both. A default must be a valid value of its field. A key of a list must be a required field of its
items or have a default. Columns, the paths of the scale subresource, selectable fields and the
`fieldPath` of a rule must refer to fields.

CEL rules (`x-kubernetes-validations`) must compile: the names in them are declared, the fields are
those of the schema, the operands have types that the operators accept, and the result is a boolean.
The estimated cost, with the largest strings, lists and maps that the schema allows, must not exceed
10,000,000 for a rule times the number of times its value can occur, and 100,000,000 for all rules
of a schema.",
        why: "\
The API server rejects the definition, for instance with \"must be empty to be structural\", \"must not
be empty for specified object fields\" or \"estimated rule cost exceeds budget\".",
        fix: "\
Correct the reported field. If the cost is too high, set `maxLength`, `maxItems` and `maxProperties`
on the strings, lists and maps that the rule reads.",
        source: "\
`ValidateCustomResourceDefinition` in
`k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation`, `ValidateStructural` in its
`pkg/apiserver/schema` and `ValidateDefaults` in its `pkg/apiserver/schema/defaulting`.",
    },
    bad: "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: cats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: cats, singular: cat, kind: Cat, listKind: CatList}
  versions: [{name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}]
",
    good: "\
-  versions: [{name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}]
+  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
",
    check: Check::Object(check),
};

const COLUMN_TYPES: &[&str] = &["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: &[&str] = &["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
const MAX_WARNING_LENGTH: usize = 256;
const MAX_SELECTABLE_FIELDS: usize = 8;
const APPROVED: &str = "api-approved.kubernetes.io";

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.id.api_version != "apiextensions.k8s.io/v1" || object.kind() != "CustomResourceDefinition" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let group = spec.get("group");
    if group.text().is_empty() {
        faults.required(&group);
    } else if let Err(rule) = names::dns1123_subdomain(group.text()) {
        faults.invalid(&group, rule);
    } else if !group.text().contains('.') {
        faults.invalid(&group, "should be a domain with at least one dot");
    }
    let scope = spec.get("scope");
    if scope.text().is_empty() {
        faults.required(&scope);
    } else {
        faults.one_of(&scope, &["Cluster", "Namespaced"]);
    }
    named(faults, &spec.get("names"));
    versions(faults, &spec);
    conversion(faults, &spec.get("conversion"));
    approval(faults, &root, group.text());
    let preserve = spec.get("preserveUnknownFields");
    if preserve.is_true() {
        let help = "set `x-kubernetes-preserve-unknown-fields: true` in the schema of the versions";
        faults.invalid(&preserve, "must not be set in `apiextensions.k8s.io/v1`").help(help);
    }
}

fn conversion(faults: &mut Faults<'_, '_>, conversion: &At<'_, '_>) {
    if !conversion.is_set() {
        return;
    }
    let (strategy, hook) = (conversion.get("strategy"), conversion.get("webhook"));
    match strategy.text() {
        "" => _ = faults.required(&strategy),
        "Webhook" => {
            let (config, versions) = (hook.get("clientConfig"), hook.get("conversionReviewVersions"));
            let config = conversion.on("webhookClientConfig", config.node);
            if config.is_set() {
                client(faults, &config);
            } else {
                faults.add(&config, "`webhook.clientConfig` is required with the strategy `Webhook`");
            }
            review_versions(faults, &conversion.on("conversionReviewVersions", versions.node));
        }
        "None" if hook.is_set() => _ = faults.forbidden(&hook, "with the strategy `None`"),
        _ => faults.one_of(&strategy, &["None", "Webhook"]),
    }
}

fn named(faults: &mut Faults<'_, '_>, all: &At<'_, '_>) {
    // The defaults of `singular` and `listKind` are derived from the kind.
    for name in ["plural", "singular", "kind", "listKind"] {
        let at = all.get(name);
        let text = at.text();
        if text.is_empty() {
            if matches!(name, "plural" | "kind") {
                faults.required(&at);
            }
        } else if name.to_lowercase().ends_with("kind") {
            faults.check(&at, names::dns1035_label(&text.to_lowercase()));
        } else {
            faults.check(&at, names::dns1035_label(text));
        }
    }
    for list in ["shortNames", "categories"] {
        for at in all.get(list).items() {
            faults.check(&at, names::dns1035_label(at.text()));
        }
    }
    let (kind, list) = (all.get("kind"), all.get("listKind"));
    if !kind.text().is_empty() && kind.text() == list.text() {
        faults.invalid(&list, "must differ from the kind");
    }
}

/// Which fields are equal in all versions. The API server reports their faults once, at the top level.
#[derive(Debug, Clone, Copy)]
struct Common {
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
}

fn versions(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>) {
    let versions = spec.get("versions");
    let items = versions.node.items();
    let repeated = versions.repeats("name");
    let same = |field: &str| items.iter().all(|item| item[field] == items[0][field]);
    let common = Common {
        schema: same("schema"),
        subresources: same("subresources"),
        columns: same("additionalPrinterColumns"),
        selectable: same("selectableFields"),
    };
    for (index, version) in versions.items().enumerate() {
        let name = version.get("name");
        faults.check(&name, names::dns1035_label(name.text()));
        if repeated[index] {
            faults.duplicate(&name);
        }
        deprecation(faults, &version);
        let schema = version.get("schema").node;
        if !schema["openAPIV3Schema"].is_set() {
            faults
                .required(&version.get("schema").get("openAPIV3Schema"))
                .help("to accept any object, use `type: object` with `x-kubernetes-preserve-unknown-fields: true`");
        }
        one(faults, spec, &version, index == 0, common);
    }
    if items.iter().filter(|version| version["storage"].as_bool() == Some(true)).count() != 1 {
        faults.add(&versions, "exactly one version must have `storage: true`");
    }
}

/// Validates the fields of a version. Those that are equal in all versions are validated with the first one only.
fn one(faults: &mut Faults<'_, '_>, spec: &At<'_, '_>, version: &At<'_, '_>, first: bool, common: Common) {
    let node = version.node;
    let field = |common: bool, top: &'static str, own: &'static str| match (common, first) {
        (true, true) => Some(spec.on(top, &node[own])),
        (true, false) => None,
        (false, _) => Some(version.get(own)),
    };
    let root = &node["schema"]["openAPIV3Schema"];
    if let Some(at) = field(common.schema, "validation", "schema")
        && root.is_set()
    {
        _definition::schema(faults, &at.get("openAPIV3Schema"), node["subresources"]["status"].is_set());
    }
    if let Some(at) = field(common.subresources, "subresources", "subresources") {
        scaling(faults, &at.get("scale"));
    }
    if let Some(at) = field(common.columns, "additionalPrinterColumns", "additionalPrinterColumns") {
        at.items().for_each(|column| self::column(faults, &column));
    }
    if let Some(at) = field(common.selectable, "selectableFields", "selectableFields") {
        selectable(faults, &at, root);
    }
}

fn deprecation(faults: &mut Faults<'_, '_>, version: &At<'_, '_>) {
    let warning = version.get("deprecationWarning");
    let text = warning.text();
    if !warning.is_set() {
    } else if !version.get("deprecated").is_true() {
        faults.forbidden(&warning, "for a version that is not deprecated");
    } else if text.is_empty() {
        faults.invalid(&warning, "must not be empty");
    } else if text.len() > MAX_WARNING_LENGTH {
        faults.invalid(&warning, "must be no more than 256 characters");
    } else if text.contains(char::is_control) {
        faults.invalid(&warning, "must only contain printable characters");
    }
}

/// Validates the paths of the scale subresource.
fn scaling(faults: &mut Faults<'_, '_>, scale: &At<'_, '_>) {
    if !scale.is_set() {
        return;
    }
    let paths: [(&str, &[&str]); 3] = [
        ("specReplicasPath", &[".spec."]),
        ("statusReplicasPath", &[".status."]),
        ("labelSelectorPath", &[".spec.", ".status."]),
    ];
    for (name, roots) in paths {
        let at = scale.get(name);
        if at.text().is_empty() {
            if name != "labelSelectorPath" {
                faults.required(&at);
            }
        } else if let Err(rule) = paths::simple(at.text()) {
            faults.invalid(&at, rule);
        } else if !roots.iter().any(|root| at.text().starts_with(root)) {
            let roots: Vec<&str> = roots.iter().map(|root| root.trim_end_matches('.')).collect();
            faults.invalid(&at, &format!("must be a JSON path under {}", crate::suggest::list(&roots, "or")));
        }
    }
}

/// Validates a column that `kubectl get` prints.
fn column(faults: &mut Faults<'_, '_>, column: &At<'_, '_>) {
    let (name, ty, format) = (column.get("name"), column.get("type"), column.get("format"));
    let path = column.on("JSONPath", &column.node["jsonPath"]);
    if name.text().is_empty() {
        faults.required(&name);
    }
    if ty.text().is_empty() {
        faults.required(&ty);
    } else {
        faults.one_of(&ty, COLUMN_TYPES);
    }
    if !format.text().is_empty() {
        faults.one_of(&format, COLUMN_FORMATS);
    }
    if path.text().is_empty() {
        faults.add(&path, "`jsonPath` is required");
    } else {
        faults.check(&path, paths::simple(path.text()));
    }
}

/// Validates the fields that field selectors may use.
fn selectable(faults: &mut Faults<'_, '_>, list: &At<'_, '_>, schema: &Node) {
    if !list.node.items().is_empty() && !schema.is_set() {
        faults.forbidden(list, "without a schema");
        return;
    }
    let repeated = list.repeats("jsonPath");
    for (index, field) in list.items().enumerate() {
        let path = field.get("jsonPath");
        if path.text().is_empty() {
            faults.required(&path);
            continue;
        }
        match paths::resolve(schema, path.text(), false) {
            Err(fault) => _ = faults.invalid(&path, &format!("must be a valid path: {fault}")),
            Ok(_) if path.text().starts_with(".metadata") => {
                faults.invalid(&path, "must not point to a field of `metadata`");
            }
            Ok(found) if !matches!(found["type"].text(), "string" | "boolean" | "integer") => {
                faults.invalid(&path, "must point to a field of type string, boolean or integer");
            }
            Ok(_) if repeated[index] => _ = faults.duplicate(&path),
            Ok(_) => {}
        }
    }
    if repeated.iter().filter(|repeated| !**repeated).count() > MAX_SELECTABLE_FIELDS {
        faults.invalid(list, "must have no more than 8 fields");
    }
}

/// Validates the approval that API groups of the Kubernetes project require.
fn approval(faults: &mut Faults<'_, '_>, root: &At<'_, '_>, group: &str) {
    let protected = ["k8s.io", "kubernetes.io"];
    let is_below = |group: &str, domain: &str| {
        group.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    if !protected.iter().any(|domain| is_below(group, domain)) {
        return;
    }
    let metadata = root.get("metadata");
    let annotations = metadata.get("annotations");
    let at = annotations.key(APPROVED);
    let text = at.text();
    let is_url = text
        .split_once("://")
        .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.starts_with('/') && !rest.is_empty());
    if text.is_empty() {
        let help =
            "name the pull request that approves the API, or choose a group outside `k8s.io` and `kubernetes.io`";
        faults.required(&at).help(help);
    } else if !is_url && !text.starts_with("unapproved") {
        faults.invalid(&at, "must be the URL of the pull request that approves the API, or start with `unapproved`");
    }
}
