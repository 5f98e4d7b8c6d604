//! Rule `custom-resource-definition-invalid`.

use crate::check::primitives::names;
use crate::check::{At, Check, Family, Faults, Report, Rule};
use crate::finding::Severity;
use crate::object::Object;

use super::webhook_invalid::client;

/// The rule.
pub static RULE: Rule = Rule {
    id: "custom-resource-definition-invalid",
    family: Family::Api,
    severity: Severity::Error,
    summary: "a CustomResourceDefinition is incomplete or contradictory",
    doc: "\
A definition names its group (of at least two parts), plural, singular, kind and scope, and has versions of different names,
each with a schema; exactly one is stored. Conversion is `None`, or `Webhook` with the webhook.

Restates `validateCustomResourceDefinitionSpec`, as far as it does not look into the schema.",
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
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: cats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: cats, singular: cat, kind: Cat, listKind: CatList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
",
    check: Check::Object(check),
};

fn check(object: &Object, report: &mut Report<'_>) {
    if object.id.api_version != "apiextensions.k8s.io/v1" || object.kind() != "CustomResourceDefinition" {
        return;
    }
    let mut faults = Faults::new(object, report);
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let group = spec.get("group");
    if group.text().is_empty() {
        faults.required(&group);
    } else if let Err(rule) = names::dns1123_subdomain(group.text()) {
        faults.invalid(&group, rule);
    } else if !group.text().contains('.') {
        faults.invalid(&group, "must be a domain of at least two parts");
    }
    let scope = spec.get("scope");
    if scope.text().is_empty() {
        faults.required(&scope);
    } else {
        faults.one_of(&scope, &["Cluster", "Namespaced"]);
    }
    named(&mut faults, &spec.get("names"));
    versions(&mut faults, &spec.get("versions"));
    let conversion = spec.get("conversion");
    if conversion.is_set() {
        let (strategy, hook) = (conversion.get("strategy"), conversion.get("webhook"));
        match strategy.text() {
            "" => _ = faults.required(&strategy),
            "Webhook" if !hook.is_set() => _ = faults.required(&hook),
            "Webhook" => client(&mut faults, &hook.get("clientConfig")),
            "None" if hook.is_set() => _ = faults.forbidden(&hook, "with the strategy `None`"),
            _ => faults.one_of(&strategy, &["None", "Webhook"]),
        }
    }
}

fn named(faults: &mut Faults<'_, '_>, all: &At<'_, '_>) {
    // The singular and the list's kind are derived from the kind where they are absent.
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

fn versions(faults: &mut Faults<'_, '_>, versions: &At<'_, '_>) {
    let items = versions.node.items();
    let repeated = versions.repeats("name");
    for (index, version) in versions.items().enumerate() {
        let name = version.get("name");
        faults.check(&name, names::dns1035_label(name.text()));
        if repeated[index] {
            faults.invalid(&name, "is the name of another version");
        }
        let schema = version.get("schema");
        if !schema.get("openAPIV3Schema").is_set() {
            faults.required(&schema.get("openAPIV3Schema")).help(
                "a schema that takes anything is `type: object` with `x-kubernetes-preserve-unknown-fields: true`",
            );
        }
    }
    if items.iter().filter(|version| version["storage"].as_bool() == Some(true)).count() != 1 {
        faults.add(versions, "exactly one version must have `storage: true`");
    }
}
