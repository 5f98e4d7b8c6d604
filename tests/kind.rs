//! Tests of configs of kind clusters: alone, with other configs, and with the manifests of the clusters.

use std::fs;
use std::process::Command;

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::Severity;
use plimsoll::source::Sources;

use Severity::{Error, Note, Warning};

/// The findings of a rule in files that are named in the command (`chosen`) or found in a folder.
fn found(rule: &str, files: &[&str], chosen: bool) -> Vec<(Severity, String)> {
    let sources = Sources::new();
    let mut input = Input::default();
    for (at, text) in files.iter().enumerate() {
        input.add(&sources, sources.add(format!("{at}.yaml"), *text), chosen);
    }
    assert!(input.findings.is_empty(), "{:?}", input.findings);
    let (kind_config, kind_clusters) = (input.kind_config, input.kind_clusters);
    let options = Options { kind_config, kind_clusters, ..Options::default() };
    let findings = check_in(&sources, &input.objects, &options).into_iter();
    findings
        .filter(|finding| finding.rule.name() == rule)
        .map(|finding| (finding.severity, sources.text(finding.span)))
        .collect()
}

fn cluster(rest: &str) -> String {
    format!("kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n{rest}\n")
}

fn mapped(name: &str, mappings: &str) -> String {
    let name = if name.is_empty() { String::new() } else { format!("name: {name}\n") };
    cluster(&format!("{name}nodes: [{{role: control-plane, extraPortMappings: [{mappings}]}}]"))
}

fn pod(spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: 'r.example.com/a:1'}}], {spec}}}\n"
    )
}

fn service(ports: &str) -> String {
    format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{type: NodePort, ports: [{ports}]}}\n")
}

#[test]
fn fields_that_kind_rejects() {
    let rule = "kind-config-invalid";
    for (rest, underlined) in [
        ("node: []", "node"),
        ("nodes: [{roles: worker}]", "roles"),
        ("nodes: [{role: master}]", "master"),
        ("nodes: [{role: worker}]", "[{role: worker}]"),
        ("nodes: {role: control-plane}", "{role: control-plane}"),
        ("name: My_Cluster", "My_Cluster"),
        ("nodes: [{extraPortMappings: [{containerPort: '80', hostPort: 8080}]}]", "'80'"),
        ("nodes: [{extraPortMappings: [{containerPort: 80, hostPort: 80800}]}]", "80800"),
        ("nodes: [{extraPortMappings: [{containerPort: 80, hostPort: 80, protocol: tcp}]}]", "tcp"),
        ("nodes: [{extraPortMappings: [{containerPort: 80, hostPort: 80, listenAddress: localhost}]}]", "localhost"),
        ("nodes: [{extraMounts: [{hostPath: /a, containerPath: /b, readonly: true}]}]", "readonly"),
        ("nodes: [{extraMounts: [{hostPath: /a}]}]", "{hostPath: /a}"),
        ("nodes: [{extraMounts: [{hostPath: /a, containerPath: /c}, {hostPath: /b, containerPath: /c/}]}]", "/c/"),
        ("networking: {ipFamily: IPv4}", "IPv4"),
        ("networking: {kubeProxyMode: userspace}", "userspace"),
        ("networking: {podSubnet: 10.244.0.0}", "10.244.0.0"),
        ("networking: {disableDefaultCNI: 'true'}", "'true'"),
        ("featureGates: {A: 1}", "1"),
        ("kubeadmConfigPatches: [{kind: InitConfiguration}]", "{kind: InitConfiguration}"),
    ] {
        assert_eq!(found(rule, &[&cluster(rest)], true), [(Error, underlined.to_owned())], "{rest}");
        assert_eq!(found(rule, &[&cluster(rest)], false), [(Error, underlined.to_owned())], "{rest}");
    }
    for rest in [
        "",
        "nodes: [{}, {role: worker}]",
        "nodes: [{role: control-plane, image: 'kindest/node:v1.36.1', labels: {a: b}}]",
        "nodes: [{extraPortMappings: [{containerPort: 80, hostPort: -1, listenAddress: '::', protocol: UDP}]}]",
        "nodes: [{extraMounts: [{hostPath: ./a, containerPath: /b, readOnly: true, propagation: None, selinuxRelabel: false}]}]",
        "networking: {ipFamily: dual, podSubnet: '10.244.0.0/16,fd00:10:244::/56', apiServerPort: 6443, apiServerAddress: 127.0.0.1, dnsSearch: [a]}",
        "featureGates: {A: true}\nruntimeConfig: {api/alpha: 'false'}\ncontainerdConfigPatches: ['a']\nkubeadmConfigPatchesJSON6902: [{group: a, version: b, kind: c, patch: d}]",
    ] {
        assert_eq!(found(rule, &[&cluster(rest)], true), [], "{rest}");
    }
    for head in
        ["kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha3\n", "kind: Config\napiVersion: kind.x-k8s.io/v1alpha4\n"]
    {
        assert_eq!(found(rule, &[head], true).len(), 1, "{head}");
    }
}

#[test]
fn host_ports() {
    let rule = "hostport-collision";
    let within = |mappings: &str| found(rule, &[&mapped("", mappings)], true);
    assert_eq!(within("{containerPort: 30001, hostPort: 80}, {containerPort: 30002, hostPort: 80}").len(), 1);
    assert_eq!(
        within("{containerPort: 30001, hostPort: 80}, {containerPort: 30002, hostPort: 80, listenAddress: 127.0.0.1}")
            .len(),
        1
    );
    assert_eq!(within("{containerPort: 30001, hostPort: 80}, {containerPort: 30002, hostPort: 80, protocol: UDP}"), []);
    assert_eq!(within("{containerPort: 30001, hostPort: 0}, {containerPort: 30002, hostPort: 0}"), []);
    assert_eq!(
        within(
            "{containerPort: 30001, hostPort: 80, listenAddress: 127.0.0.1}, {containerPort: 30002, hostPort: 80, listenAddress: 127.0.0.2}"
        ),
        []
    );
    let of = |name: &str, port: u16| mapped(name, &format!("{{containerPort: 30001, hostPort: {port}}}"));
    let clash = [(Warning, "8080".to_owned())];
    assert_eq!(found(rule, &[&of("a", 8080), &of("b", 8080)], true), clash);
    assert_eq!(found(rule, &[&of("a", 8080), &of("b", 8080)], false), clash);
    assert_eq!(found(rule, &[&of("a", 8080), &of("b", 8081)], true), []);
    let two =
        |name: &str| mapped(name, "{containerPort: 30001, hostPort: 8080}, {containerPort: 30002, hostPort: 9090}");
    assert_eq!(found(rule, &[&two("a"), &two("b")], true), clash, "one finding for two clusters");
    // Two clusters of the same name cannot run at once.
    assert_eq!(found(rule, &[&of("a", 8080), &of("a", 8080)], true), []);
    // `kind create cluster --name` may set the name of a config without one; in a folder it is `kind`.
    assert_eq!(found(rule, &[&of("", 8080), &of("", 8080)], true), clash);
    assert_eq!(found(rule, &[&of("", 8080), &of("", 8080)], false), []);
    assert_eq!(found(rule, &[&of("a", 8080), &of("", 8080)], false), clash);
}

#[test]
fn node_ports() {
    let at = |port: i64| mapped("", &format!("{{containerPort: {port}, hostPort: 8080}}"));
    let range = "nodeport-range";
    assert_eq!(found(range, &[&at(33000)], true), [(Warning, "33000".to_owned())]);
    assert_eq!(found(range, &[&at(29999)], true), [(Warning, "29999".to_owned())]);
    assert_eq!(found(range, &[&at(30000)], true), []);
    assert_eq!(found(range, &[&at(443)], true), []);
    let wide = at(33000)
        + "kubeadmConfigPatches: [\"kind: ClusterConfiguration\\napiServer:\\n  extraArgs:\\n    service-node-port-range: 1024-40000\"]\n";
    assert_eq!(found(range, &[&wide], true), []);
    assert_eq!(found(range, &[&wide, &service("{port: 80, nodePort: 33000}")], true), []);
    assert_eq!(
        found(range, &[&at(30000), &service("{port: 80, nodePort: 33000}")], true),
        [(Error, "33000".to_owned())]
    );
    let host = pod("hostNetwork: true").replace("a:1'", "a:1', ports: [{containerPort: 33000}]");
    assert_eq!(found(range, &[&at(33000), &host], true), []);
    let served = "nodeport-missing-for-mapping";
    assert_eq!(found(served, &[&at(30001), &service("{port: 80, nodePort: 30001}")], true), []);
    assert_eq!(found(served, &[&at(30001), &service("{port: 80, nodePort: 30002}")], true)[0].0, Warning);
    assert_eq!(found(served, &[&at(30001), &service("{port: 80}")], true)[0].0, Note);
    // The port of a ClusterIP Service is not a port of the nodes.
    assert_eq!(
        found(served, &[&at(8080), &service("{port: 8080, nodePort: 30001}")], true),
        [(Warning, "8080".to_owned())]
    );
    assert_eq!(found(served, &[&at(8080), &service("{port: 80, nodePort: 30001}")], true), []);
}

#[test]
fn host_paths() {
    let rule = "hostpath-not-on-node";
    let mounts =
        cluster("nodes: [{role: control-plane, extraMounts: [{hostPath: /home/me/cov, containerPath: /coverdata}]}]");
    let of = |path: &str, kind: &str| pod(&format!("volumes: [{{name: v, hostPath: {{path: {path}, {kind}}}}}]"));
    let check = |path: &str, kind: &str| found(rule, &[&mounts, &of(path, kind)], true);
    assert_eq!(check("/data", "type: Directory"), [(Warning, "/data".to_owned())]);
    assert_eq!(check("/mnt/data", "type: File").len(), 1);
    assert_eq!(check("/home/me/cov", "").len(), 1);
    assert_eq!(check("/coverdate", "").len(), 1);
    assert_eq!(check("/var/run/docker.sock", "").len(), 1);
    assert_eq!(check("/coverdata", "type: Directory"), []);
    assert_eq!(check("/coverdata/a", "type: Directory"), []);
    assert_eq!(check("/mnt/data", ""), []);
    assert_eq!(check("/mnt/data", "type: DirectoryOrCreate"), []);
    assert_eq!(check("/var/log", "type: Directory"), []);
    // Without the config of the cluster, nothing is reported.
    assert_eq!(found(rule, &[&of("/data", "type: Directory")], true), []);
    let volume = "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /data, type: Directory}}\n";
    assert_eq!(found(rule, &[&mounts, volume], true).len(), 1);
}

#[test]
fn the_command_checks_one_and_several_configs() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(folder.path())
            .args(args)
            .env_clear()
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for (name, port) in [("a", 28091), ("b", 28091)] {
        fs::write(
            folder.path().join(format!("kind-{name}.yaml")),
            mapped("", &format!("{{containerPort: 30081, hostPort: {port}}}")),
        )
        .unwrap();
    }
    let (code, stdout, stderr) = run(&["check", "kind-a.yaml"]);
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, "", "no findings in 1 object\n"));
    let (code, stdout, _) = run(&["check", "kind-a.yaml", "kind-b.yaml"]);
    assert!(
        code == 0
            && stdout.contains("warning[hostport-collision]: host port 28091 is mapped by another cluster as well"),
        "{stdout}"
    );
    fs::write(folder.path().join("kind-c.yaml"), cluster("nodes: [{rol: control-plane}]")).unwrap();
    let (code, stdout, _) = run(&["check", "."]);
    assert!(code == 1 && stdout.contains("error[kind-config-invalid]: unknown field `rol`"), "{stdout}");
}

#[test]
fn the_config_of_a_profile() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
            .current_dir(folder.path())
            .args(args)
            .env_clear()
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let manifests = run(&["render", "gateway"]);
    let config = run(&["kind", "gateway"]);
    fs::write(folder.path().join("gateway.yaml"), &manifests).unwrap();
    let rules = |manifests: &str, config: &str| {
        fs::write(folder.path().join("gateway.yaml"), manifests).unwrap();
        fs::write(folder.path().join("kind.yaml"), config).unwrap();
        let json: serde_json::Value = serde_json::from_str(&run(&[
            "check",
            "--profile",
            "gateway",
            "gateway.yaml",
            "kind.yaml",
            "--output",
            "json",
        ]))
        .unwrap();
        let found =
            json["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned());
        found.filter(|rule| rule.ends_with("-profile-mismatch")).collect::<Vec<_>>()
    };
    assert_eq!(rules(&manifests, &config), [""; 0]);
    assert!(config.contains("hostPort: 18091") && config.contains("containerPort: 30081"), "{config}");
    assert_eq!(rules(&manifests, &config.replace("hostPort: 18091", "hostPort: 8091")), ["hostport-profile-mismatch"]);
    assert_eq!(
        rules(&manifests, &config.replace("containerPort: 30081", "containerPort: 30091")),
        ["nodeport-profile-mismatch"]
    );
    assert_eq!(rules(&manifests.replace("nodePort: 30081", "nodePort: 30091"), &config), ["nodeport-profile-mismatch"]);
}
