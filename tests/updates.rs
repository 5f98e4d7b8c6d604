//! Replays recorded verdicts of a kube-apiserver on changes of existing objects.
//!
//! ```sh
//! cargo test updates -- --nocapture               # statistics, and the changes whose verdicts differ
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;

use plimsoll::check::api_errors;
use plimsoll::object::Object;
use plimsoll::updates::rejections;

use crate::oracle::{bases, cases, mutant};

#[test]
fn rejections_match_those_of_the_api_server() {
    let bases = bases("bases.yaml");
    // By kind: accepted, wrongly rejected, rejected, missed, different field.
    let mut by_kind = BTreeMap::<String, [usize; 5]>::new();
    for case in &cases("updates.jsonl") {
        let old = Object::new(bases[case.base].clone());
        let new = Object::new(mutant(&bases, case));
        let found = rejections(&old, &new, api_errors);
        let row = by_kind.entry(old.kind().to_owned()).or_default();
        let case_name =
            || format!("{} {:?} = {:?}", old.kind(), case.path, case.value.as_ref().map(|node| &node.value));
        if case.accepted {
            row[0] += 1;
            if !found.is_empty() {
                row[1] += 1;
                println!("accepted: {}: {found:?}", case_name());
            }
            continue;
        }
        row[2] += 1;
        if found.is_empty() {
            row[3] += 1;
            println!("missed: {}: {:?}", case_name(), case.causes);
        } else if !found.iter().any(|rejection| case.causes.iter().any(|(_, field)| *field == rejection.field)) {
            row[4] += 1;
            let fields: Vec<_> = found.iter().map(|rejection| &rejection.field).collect();
            println!("different field: {}: {fields:?}, not {:?}", case_name(), case.causes);
        }
    }
    println!("kind                      accepted  wrongly rejected  rejected  missed  different field");
    let mut all = [0; 5];
    for (kind, row) in &by_kind {
        println!("{kind:24} {:9} {:17} {:9} {:7} {:16}", row[0], row[1], row[2], row[3], row[4]);
        all.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
    }
    let predicted = 1.0 - all[3] as f64 / all[2] as f64;
    println!(
        "all: {:.2} % of {} rejections predicted, {} of {} accepted changes wrongly rejected, {} with a different field",
        100.0 * predicted,
        all[2],
        all[1],
        all[0],
        all[4]
    );
    assert!(predicted >= 0.99, "{predicted}");
    assert_eq!(all[1], 0);
    assert!(all[4] * 50 <= all[2]);
}

/// `apiVersion/Kind`, the rest of the old and of the new object, and the rejected fields.
const CHANGES: &[(&str, &str, &str, &[&str])] = &[
    ("v1/ConfigMap", "data: {a: b}", "data: {a: c}", &[]),
    ("v1/ConfigMap", "immutable: true\ndata: {a: b}", "immutable: true\ndata: {a: c}", &["data"]),
    ("v1/ConfigMap", "immutable: true\ndata: {a: b}", "data: {a: b}", &["immutable"]),
    ("v1/Secret", "stringData: {a: b}", "type: Opaque\nstringData: {a: c}", &[]),
    ("v1/Secret", "immutable: true\nstringData: {a: b}", "immutable: true\nstringData: {a: c}", &["data"]),
    (
        "v1/Service",
        "spec: {ports: [{port: 1}]}",
        "spec: {clusterIP: None, ports: [{port: 1}]}",
        &["spec.clusterIPs[0]"],
    ),
    ("v1/Service", "spec: {clusterIP: None}", "spec: {type: ExternalName, externalName: a.b}", &[]),
    (
        "v1/Service",
        "spec: {type: LoadBalancer, loadBalancerClass: a/b}",
        "spec: {type: LoadBalancer}",
        &["spec.loadBalancerClass"],
    ),
    ("v1/Service", "spec: {type: ClusterIP}", "spec: {type: NodePort}", &[]),
    (
        "v1/PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        "spec: {accessModes: [ReadWriteOnce], volumeMode: Filesystem, resources: {requests: {storage: 1024Mi}}}",
        &[],
    ),
    (
        "v1/PersistentVolumeClaim",
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}",
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
        &["spec"],
    ),
    ("apps/v1/Deployment", "spec: {}", "spec: {strategy: {type: Recreate}}", &["spec.strategy.rollingUpdate"]),
    (
        "apps/v1/Deployment",
        "spec: {strategy: {rollingUpdate: {maxSurge: 1}}}",
        "spec: {strategy: {type: Recreate}}",
        &[],
    ),
    (
        "apps/v1/StatefulSet",
        "spec: {replicas: 1, volumeClaimTemplates: [{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce]}}]}",
        "spec: {replicas: 2, volumeClaimTemplates: [{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], volumeMode: Filesystem}}]}",
        &[],
    ),
    (
        "apps/v1/StatefulSet",
        "spec: {serviceName: a}",
        "spec: {serviceName: b, podManagementPolicy: Parallel}",
        &["spec", "spec"],
    ),
    (
        "batch/v1/Job",
        "spec: {parallelism: 2, completionMode: Indexed, completions: 2}",
        "spec: {parallelism: 3, completionMode: Indexed, completions: 3}",
        &[],
    ),
    (
        "batch/v1/Job",
        "spec: {template: {spec: {containers: [{name: a, image: i}]}}}",
        "spec: {backoffLimit: 1, template: {spec: {dnsPolicy: ClusterFirst, containers: [{name: a, image: i, env: []}]}}}",
        &[],
    ),
    (
        "batch/v1/Job",
        "spec: {suspend: true, template: {spec: {nodeSelector: {a: b}}}}",
        "spec: {suspend: false, template: {spec: {nodeSelector: {a: c}}}}",
        &[],
    ),
    (
        "rbac.authorization.k8s.io/v1/ClusterRoleBinding",
        "roleRef: {kind: ClusterRole, name: a}",
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}",
        &[],
    ),
    ("storage.k8s.io/v1/StorageClass", "provisioner: a/b", "provisioner: a/c\nreclaimPolicy: Delete", &["provisioner"]),
    ("v1/Service", "spec: {}", "spec: {ports: [{port: 53}, {port: 53, protocol: TCP}]}", &[""]),
    ("v1/Service", "spec: {}", "spec: {ports: [{port: 53}, {port: 53, protocol: UDP}]}", &[]),
];

#[test]
fn rejected_fields_are_reported() {
    for (head, old, new, fields) in CHANGES {
        let (version, kind) = head.rsplit_once('/').unwrap();
        let read = |rest: &str| {
            let sources = plimsoll::source::Sources::new();
            let text = format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n");
            let loaded = plimsoll::yaml::load(&sources, sources.add("a", text), plimsoll::yaml::Dialect::Kubectl);
            Object::new(loaded.documents.into_iter().next().unwrap())
        };
        let found = rejections(&read(old), &read(new), api_errors);
        let found: Vec<&str> = found.iter().map(|rejection| rejection.field.as_str()).collect();
        assert_eq!(found, *fields, "{head}: {old} -> {new}");
        assert!(
            rejections(&read(new), &read(new), api_errors).iter().all(|rejection| rejection.field.is_empty()),
            "{head}: {new}"
        );
    }
}
