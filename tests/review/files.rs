//! `diff` of two files: matching, equivalent changes, consequences.

use std::fs;

use super::in_order;

/// The output of `plimsoll diff` for two manifests, and its exit code.
fn diff(old: &str, new: &str) -> (String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.yaml"), old).unwrap();
    fs::write(folder.path().join("new.yaml"), new).unwrap();
    let output = std::process::Command::new(super::PLIMSOLL)
        .args(["diff", "old.yaml", "new.yaml"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// A Deployment with lines of its spec before the template, and lines of the pod spec.
fn deployment(spec: &str, pod: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: ns}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n\
         {spec}  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n{pod}"
    )
}

#[test]
fn a_changed_order_of_keyed_lists_is_reported() {
    let old = deployment(
        "",
        "      containers:\n      - {name: a, image: a, ports: [{containerPort: 1}, {containerPort: 2}], env: [{name: X, value: x}, {name: Y, value: y}]}\n      - {name: b, image: b}\n",
    );
    let new = deployment(
        "",
        "      containers:\n      - {name: b, image: b}\n      - {name: a, image: a, ports: [{containerPort: 2, protocol: TCP}, {containerPort: 1}], env: [{name: Y, value: y}, {name: X, value: x}]}\n",
    );
    let (text, code) = diff(&old, &new);
    // The API server stores the applied order, so the pods change.
    in_order(&text, &["=> pods restart: order of ", "containers[a].ports[2/TCP].protocol", "+ TCP"]);
    in_order(&text, &["spec.template.spec.containers ", "order changed: a, b -> b, a"]);
    assert!(!text.contains("image"), "{text}");
    assert_eq!(code, Some(1));
    assert_eq!(diff(&old, &old), ("no changes\n".to_owned(), Some(0)));
}

#[test]
fn a_changed_order_of_containers_variables_and_arguments_is_reported() {
    let pod = |init: &str, env: &str, args: &str| {
        deployment(
            "",
            &format!(
                "      initContainers: [{init}]\n      containers:\n      - {{name: a, image: a, env: [{env}], args: [{args}]}}\n"
            ),
        )
    };
    let (one, two) = ("{name: one, image: i}", "{name: two, image: i}");
    let (host, url) = ("{name: HOST, value: h}", "{name: URL, value: \"http://$(HOST)/\"}");
    let (text, _) = diff(
        &pod(&format!("{one}, {two}"), &format!("{host}, {url}"), "p, q"),
        &pod(&format!("{two}, {one}"), &format!("{url}, {host}"), "q, p"),
    );
    in_order(&text, &["spec.template.spec.initContainers ", "order changed: one, two -> two, one"]);
    in_order(&text, &["containers[a].env ", "order changed: HOST, URL -> URL, HOST"]);
    in_order(&text, &["containers[a].args ", "order changed: [p, q] -> [q, p]"]);
}

#[test]
fn equivalent_values_cause_no_restart() {
    let pod = |memory: &str, protocol: &str| {
        let port = format!("{{containerPort: 1{protocol}}}");
        let resources = format!("{{limits: {{memory: {memory}}}}}");
        deployment("", &format!("      containers: [{{name: a, image: a, ports: [{port}], resources: {resources}}}]\n"))
    };
    let (text, code) = diff(&pod("1Gi", ""), &pod("1024Mi", ", protocol: TCP"));
    in_order(&text, &["=> no effect: the stored object does not change", "1Gi -> 1024Mi", "no changes, 1 equivalent"]);
    assert!(!text.contains("pods restart") && code == Some(0), "{text}");
    // Together with another change.
    let changed = pod("1024Mi", ", protocol: TCP").replace("spec:\n  selector", "spec:\n  paused: true\n  selector");
    in_order(&diff(&pod("1Gi", ""), &changed).0, &["=> no restart: equivalent values", "paused"]);
    in_order(&diff(&pod("1Gi", ""), &pod("1025Mi", "")).0, &["=> pods restart: "]);
}

#[test]
fn a_rejection_is_the_only_consequence() {
    let old = deployment("", "      containers: [{name: a, image: a}]\n");
    let new = old.replace("app: web}}\n", "app: www}}\n").replace("labels: {app: web}", "labels: {app: www}");
    let (text, _) = diff(&old, &new);
    in_order(
        &text,
        &["=> the API server will reject it: `spec.selector`", "[change-immutable]", "1 object cannot be applied"],
    );
    assert!(!text.contains("pods restart"), "{text}");
}

#[test]
fn renamed_and_removed_objects_are_reported() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: ns}\nspec: {selector: {app: web}, ports: [{name: http, port: 80}]}\n";
    let (text, _) = diff(service, &service.replace("name: web,", "name: www,"));
    in_order(
        &text,
        &[
            "~ Service/www",
            "(renamed; was web)",
            "clients must be updated to the new name",
            "kubectl delete service/web -n ns",
        ],
    );
    let (text, _) = diff(service, &service.replace("namespace: ns", "namespace: other"));
    in_order(&text, &["(moved to another namespace; was in ns)", "in namespace `ns` is left behind"]);
    let both = format!("{service}---\n{}", deployment("", "      containers: [{name: a, image: a}]\n"));
    let (text, _) = diff(&both, service);
    in_order(&text, &["- Deployment/web", "remains in the cluster", "its pods keep running"]);
    let (text, _) = diff(service, &service.replace("port: 80", "port: 8080"));
    in_order(&text, &["clients must be updated: port 8080, was 80"]);
}

#[test]
fn consumers_of_changed_data_are_reported() {
    let map = |value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: cfg, namespace: ns}}\ndata: {{LEVEL: {value}, other: x}}\n---\n"
        )
    };
    let by_env = deployment("", "      containers: [{name: a, image: a, envFrom: [{configMapRef: {name: cfg}}]}]\n");
    let (text, _) = diff(&(map("info") + &by_env), &(map("warn") + &by_env));
    in_order(&text, &["Deployment/web keeps the old values", "kubectl rollout restart deployment/web -n ns"]);
    let other_key = by_env.replace(
        "envFrom: [{configMapRef: {name: cfg}}]",
        "env: [{name: A, valueFrom: {configMapKeyRef: {name: cfg, key: other}}}]",
    );
    let (text, _) = diff(&(map("info") + &other_key), &(map("warn") + &other_key));
    assert!(!text.contains("=>"), "{text}");
    let volume = |sub_path: &str| {
        deployment(
            "",
            &format!(
                "      containers: [{{name: a, image: a, volumeMounts: [{{name: v, mountPath: /x{sub_path}}}]}}]\n      volumes: [{{name: v, configMap: {{name: cfg}}}}]\n"
            ),
        )
    };
    let files = volume("");
    let (text, _) = diff(&(map("info") + &files), &(map("warn") + &files));
    in_order(&text, &["files in running pods of Deployment/web are updated within about a minute"]);
    let sub_path = volume(", subPath: LEVEL");
    let (text, _) = diff(&(map("info") + &sub_path), &(map("warn") + &sub_path));
    in_order(&text, &["Deployment/web keeps the old values"]);
    let changed = by_env.replace("image: a", "image: b");
    let (text, _) = diff(&(map("info") + &by_env), &(map("warn") + &changed));
    in_order(&text, &["Deployment/web restarts and reads the new values", "pods restart: image of `a`"]);
}

#[test]
fn reductions_are_reported() {
    let spec =
        |replicas: u8| deployment(&format!("  replicas: {replicas}\n"), "      containers: [{name: a, image: a}]\n");
    in_order(&diff(&spec(2), &spec(0)).0, &["all pods stop: scaled to zero [change-shrinks]"]);
    in_order(&diff(&spec(3), &spec(1)).0, &["2 of 3 pods stop"]);
    assert!(!diff(&spec(1), &spec(3)).0.contains("=>"));
    let claim = |size: &str| {
        format!(
            "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: d}}\nspec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {size}}}}}}}\n"
        )
    };
    // In different notations of quantities.
    for (more, less) in [("2Gi", "1024Mi"), ("2Ei", "1Pi"), ("1e3", "999"), ("1.5Gi", "1.25Gi"), ("1", "999m")] {
        in_order(
            &diff(&claim(more), &claim(less)).0,
            &["will reject", "volumes can only be expanded [change-shrinks]"],
        );
        assert!(!diff(&claim(less), &claim(more)).0.contains("change-shrinks"), "{less} to {more}");
    }
    assert!(!diff(&claim("1Gi"), &claim("1024Mi")).0.contains("change-shrinks"));
    let policy = |from: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: p}}\nspec:\n  podSelector: {{}}\n  ingress:\n  - from:\n    - podSelector: {{matchLabels: {{a: b}}}}\n{from}"
        )
    };
    let wide = policy("    - podSelector: {matchLabels: {c: d}}\n");
    in_order(&diff(&wide, &policy("")).0, &["may allow less traffic; takes effect immediately"]);
    assert!(!diff(&policy(""), &wide).0.contains("=>"));
}

#[test]
fn secrets_in_manifests_are_redacted() {
    let manifest = |password: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{token: {password}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n\
             data:\n  app.ini: |\n    [db]\n    url = postgres://app:{password}@db/x\n    password = {password}\n    pool = 3\n---\n{}",
            deployment(
                "",
                &format!(
                    "      containers: [{{name: a, image: a, env: [{{name: DB_PASSWORD, value: {password}}}], args: [--token={password}]}}]\n"
                )
            )
        )
    };
    let (text, code) = diff(&manifest("hunter2-one"), &manifest("hunter2-two"));
    assert!(!text.contains("hunter2"), "{text}");
    in_order(
        &text,
        &[
            "stringData[token]  secret changed",
            "data[app.ini]",
            "a secret changed",
            "env[DB_PASSWORD].value  secret changed",
        ],
    );
    assert_eq!(code, Some(1));
}

#[test]
fn folders_and_standard_input_are_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    fs::write(folder.path().join("a/x.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n")
        .unwrap();
    let mut child = std::process::Command::new(super::PLIMSOLL)
        .args(["diff", "a", "-"])
        .current_dir(folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let text = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: c}\n";
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("data[a]  b -> c"));
}
