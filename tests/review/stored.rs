//! `diff` of live objects and manifests, and of equivalent manifests.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// `Kind effect` of each object that `plimsoll diff` lists, its JSON output, and its exit code.
fn effects(old: &str, new: &str) -> (Vec<String>, String, Option<i32>) {
    let output = Command::new(super::PLIMSOLL)
        .args(["diff", old, new, "--output", "json"])
        .current_dir(Path::new(DATA))
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let objects =
        document["bundles"].as_array().unwrap().iter().flat_map(|bundle| bundle["objects"].as_array().unwrap());
    let effects = objects.map(|object| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        format!("{} {}", text(&object["object"]["kind"]), text(&object["effect"]))
    });
    (effects.collect(), text, output.status.code())
}

#[test]
fn a_live_bundle_does_not_differ_from_the_applied_one() {
    let (found, text, code) = effects("stored/gateway.live.yaml", "stored/gateway.yaml");
    assert!(found.len() > 15 && found.iter().all(|effect| effect.ends_with(" none")), "{found:?}");
    assert_eq!(code, Some(0));
    // No field differs, and the annotation of `kubectl apply` is not printed.
    assert!(!text.contains("\"change\": \"removed\"") && !text.contains("test_password"), "{text}");
}

#[test]
fn live_objects_do_not_differ_from_equivalent_manifests() {
    for (old, new) in [("want", "explicit"), ("explicit", "want"), ("live", "want"), ("live", "explicit")] {
        let (found, text, code) = effects(&format!("diff/live/{old}.yaml"), &format!("diff/live/{new}.yaml"));
        assert_eq!(found, ["Deployment none", "Service none"], "{old} {new}: {text}");
        assert_eq!(code, Some(0), "{old} {new}");
    }
    let (found, text, code) = effects("diff/live/sa1.yaml", "diff/live/sa2.yaml");
    assert!(found.iter().all(|effect| effect.ends_with(" none")), "{text}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_changed_order_is_not_a_reduction() {
    for (old, new, expected) in [
        ("n1", "n2", "NetworkPolicy object"),
        ("n1", "n3", "NetworkPolicy object"),
        ("n1", "n4", "NetworkPolicy object"),
        ("r1", "r2", "Role object, PodDisruptionBudget object"),
    ] {
        let (found, text, code) = effects(&format!("diff/order/{old}.yaml"), &format!("diff/order/{new}.yaml"));
        assert_eq!(found.join(", "), expected, "{text}");
        assert!(text.contains("\"reordered\"") && !text.contains("change-shrinks"), "{text}");
        assert!(!text.contains("\"change\": \"added\"") && !text.contains("\"change\": \"removed\""), "{text}");
        assert_eq!(code, Some(1));
    }
    let (found, text, _) = effects("diff/order/a.yaml", "diff/order/b.yaml");
    assert_eq!(found, ["Widget object", "NetworkPolicy object", "Deployment pods", "Service object"], "{text}");
    assert!(!text.contains("change-shrinks") && !text.contains("change-renames"), "{text}");
    let (found, text, _) = effects("diff/hpa/hpa1.yaml", "diff/hpa/hpa2.yaml");
    assert_eq!(found, ["HorizontalPodAutoscaler object"]);
    assert!(text.contains("\"reordered\"") && !text.contains("\"change\": \"added\""), "{text}");
}

/// The effect of applying the second manifest over the first.
fn effect(old: &str, new: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let (found, ..) = effects(&path("old.yaml", old), &path("new.yaml", new));
    found.first().map_or("-".to_owned(), |found| found.rsplit(' ').next().unwrap().to_owned())
}

#[test]
fn defaults_and_pointers_are_respected_for_every_kind() {
    let cases: &[(&str, &str, &str, &str)] = &[
        ("v1 Secret", "stringData: {a: b}", "data: {a: Yg==}\ntype: Opaque", "none"),
        ("v1 Secret", "stringData: {a: b}", "data: {a: Yw==}", "object"),
        // Keys removed from `stringData` remain in `data`.
        ("v1 Secret", "stringData: {a: b, c: d}", "stringData: {a: b}", "none"),
        ("v1 Secret", "data: {a: Yg==, c: Yg==}", "data: {a: Yg==}", "object"),
        (
            "autoscaling/v2 HorizontalPodAutoscaler",
            "spec: {maxReplicas: 2, minReplicas: 1}",
            "spec: {maxReplicas: 2}",
            "none",
        ),
        (
            "autoscaling/v2 HorizontalPodAutoscaler",
            "spec: {maxReplicas: 2, behavior: {scaleDown: {stabilizationWindowSeconds: 60}}}",
            "spec: {maxReplicas: 2, behavior: {scaleUp: {selectPolicy: Max}, scaleDown: {stabilizationWindowSeconds: 60, policies: [{type: Percent, value: 100, periodSeconds: 15}]}}}",
            "none",
        ),
        ("networking.k8s.io/v1 NetworkPolicy", "spec: {podSelector: {}}", "spec: {policyTypes: [Ingress]}", "none"),
        ("networking.k8s.io/v1 NetworkPolicy", "spec: {podSelector: {}}", "spec: {policyTypes: [Egress]}", "object"),
        (
            "policy/v1 PodDisruptionBudget",
            "spec: {maxUnavailable: 1}",
            "spec: {maxUnavailable: 1, selector: {}}",
            "object",
        ),
        (
            "rbac.authorization.k8s.io/v1 RoleBinding",
            "roleRef: {kind: Role, name: a}\nsubjects: [{kind: User, name: u}]",
            "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}\nsubjects: [{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]",
            "none",
        ),
        (
            "v1 PersistentVolumeClaim",
            "spec: {accessModes: [ReadWriteOnce]}",
            "spec: {accessModes: [ReadWriteOnce], volumeMode: Filesystem}",
            "none",
        ),
        (
            "storage.k8s.io/v1 StorageClass",
            "provisioner: a.b/c",
            "provisioner: a.b/c\nvolumeBindingMode: Immediate",
            "none",
        ),
        (
            "scheduling.k8s.io/v1 PriorityClass",
            "value: 1",
            "value: 1\npreemptionPolicy: PreemptLowerPriority\nglobalDefault: false",
            "none",
        ),
        (
            "v1 Service",
            "spec: {ports: [{port: 80}]}",
            "spec: {ports: [{port: 80, targetPort: 80}], ipFamilyPolicy: SingleStack, publishNotReadyAddresses: false}",
            "none",
        ),
        // The API server keeps a node port that is removed from the manifest.
        (
            "v1 Service",
            "spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}",
            "spec: {type: NodePort, ports: [{port: 80}]}",
            "none",
        ),
        (
            "v1 Service",
            "spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}",
            "spec: {type: ClusterIP, ports: [{port: 80}]}",
            "object",
        ),
        ("v1 Namespace", "spec: {}", "spec: {finalizers: [kubernetes]}", "none"),
        ("apps/v1 Deployment", "spec: {replicas: 1}", "spec: {strategy: {rollingUpdate: {maxSurge: 25%}}}", "none"),
        ("apps/v1 Deployment", "spec: {replicas: 1}", "spec: {replicas: 1, strategy: {type: Recreate}}", "rejected"),
        ("v1 ServiceAccount", "secrets: []", "automountServiceAccountToken: false", "object"),
        // The kind is unknown, so any difference is a change.
        ("example.com/v1 Thing", "spec: {a: {}}", "spec: {}", "object"),
        ("example.com/v1 Thing", "spec: {a: 1.0}", "metadata: {name: a, labels: {}}\nspec: {a: 1}", "none"),
    ];
    for (kind, old, new, expected) in cases {
        let (version, kind) = kind.split_once(' ').unwrap();
        let manifest = |rest: &str| {
            let metadata = if rest.starts_with("metadata") { "" } else { "metadata: {name: a}\n" };
            format!("apiVersion: {version}\nkind: {kind}\n{metadata}{rest}\n")
        };
        assert_eq!(effect(&manifest(old), &manifest(new)), *expected, "{kind}: {old} -> {new}");
    }
}

const DEFINITION: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, singular: thing, kind: Thing, listKind: ThingList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              size: {type: integer, default: 3}
              note: {type: string}
              labels: {type: object, additionalProperties: {type: string}}
              parts:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [id]
                items: {type: object, required: [id], properties: {id: {type: string}, on: {type: boolean, default: true}}}
";

#[test]
fn custom_resources_are_interpreted_by_their_definitions() {
    let thing =
        |spec: &str| format!("---\napiVersion: example.com/v1\nkind: Thing\nmetadata: {{name: a}}\nspec: {spec}\n");
    for (old, new, expected) in [
        ("{parts: [{id: a}]}", "{size: 3, parts: [{id: a, on: true}]}", "none"),
        ("{size: 3}", "{size: 4}", "object"),
        ("{size: 3}", "{size: 3, note: null}", "none"),
        ("{parts: [{id: a}]}", "{parts: [{id: a}, {id: a}]}", "rejected"),
        ("{parts: [{id: a}, {id: b}]}", "{parts: [{id: b}, {id: a}]}", "object"),
    ] {
        // The definition is in either manifest, or in both.
        for (before, after) in [(DEFINITION, DEFINITION), ("", DEFINITION), (DEFINITION, "")] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str, text: String| {
                std::fs::write(folder.path().join(name), text).unwrap();
                folder.path().join(name).display().to_string()
            };
            let (old, new) =
                (path("old.yaml", before.to_owned() + &thing(old)), path("new.yaml", after.to_owned() + &thing(new)));
            let (found, text, _) = effects(&old, &new);
            assert!(found.contains(&format!("Thing {expected}")), "{text}");
            assert!(expected != "object" || !text.contains("\"change\": \"removed\", \"field"), "{text}");
        }
    }
    // Maps of custom resources have map keys, like labels.
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: String| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name).display().to_string()
    };
    let old = path("old.yaml", DEFINITION.to_owned() + &thing("{labels: {a.b: c}}"));
    let new = path("new.yaml", DEFINITION.to_owned() + &thing("{labels: {a.b: d}}"));
    assert!(effects(&old, &new).1.contains("spec.labels[a.b]"));
}
