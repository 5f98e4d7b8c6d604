//! The Pod Security Standards, control by control: pods that violate a control, and the same pods without the violation.

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check_in};
use plimsoll::finding::{Finding, Severity};
use plimsoll::source::Sources;

/// The part of a pod that a case sets.
struct Case {
    spec: &'static str,
    container: &'static str,
    annotations: &'static str,
}

const fn spec(spec: &'static str) -> Case {
    Case { spec, container: "", annotations: "" }
}

const fn container(container: &'static str) -> Case {
    Case { spec: "", container, annotations: "" }
}

const fn annotations(annotations: &'static str) -> Case {
    Case { spec: "", container: "", annotations }
}

/// A container that `restricted` admits.
const SAFE: &str = "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}";
const SAFE_POD: &str = "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}";

fn namespace(labels: &str) -> String {
    let labels = labels
        .replace("L:", "pod-security.kubernetes.io/enforce:")
        .replace("V:", "pod-security.kubernetes.io/enforce-version:");
    format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: n, labels: {{{labels}}}}}\n---\n")
}

fn pod(case: &Case) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: n, annotations: {{{}}}}}\nspec:\n  {{{}containers: [{{name: c, image: 'r.example.com/a:1', {}}}]}}\n",
        case.annotations, case.spec, case.container
    )
}

fn found(files: &[&str], options: Options) -> Vec<Finding> {
    let sources = Sources::new();
    let mut input = Input::default();
    for (at, text) in files.iter().enumerate() {
        input.add(&sources, sources.add(format!("{at}.yaml"), *text), true);
    }
    let options = Options { only: vec!["pod-security".to_owned()], ..options };
    check_in(&sources, &input.objects, &options)
}

/// The violations of a pod in a namespace: the reasons in the message.
fn reasons(labels: &str, case: &Case, options: Options) -> Vec<String> {
    let text = namespace(labels) + &pod(case);
    let found = found(&[&text], options);
    let Some(finding) = found.first() else { return Vec::new() };
    assert_eq!((found.len(), finding.severity), (1, Severity::Error), "{text}");
    let (_, reasons) = finding.message.split_once("\": ").unwrap();
    reasons.split("), ").map(|reason| reason.split(" (").next().unwrap().to_owned()).collect()
}

/// Controls of `baseline`: the reason, cases that violate it, and cases that do not.
const BASELINE: &[(&str, &[Case], &[Case])] = &[
    (
        "forbidden AppArmor profile",
        &[
            container("securityContext: {appArmorProfile: {type: Unconfined}}"),
            spec("securityContext: {appArmorProfile: {type: Unconfined}}, "),
            annotations("container.apparmor.security.beta.kubernetes.io/c: unconfined"),
        ],
        &[
            container("securityContext: {appArmorProfile: {type: RuntimeDefault}}"),
            container("securityContext: {appArmorProfile: {type: Localhost, localhostProfile: p}}"),
            annotations("container.apparmor.security.beta.kubernetes.io/c: localhost/p"),
        ],
    ),
    (
        "non-default capabilities",
        &[
            container("securityContext: {capabilities: {add: [NET_ADMIN]}}"),
            spec("initContainers: [{name: i, image: a, securityContext: {capabilities: {add: [NET_RAW]}}}], "),
        ],
        &[container("securityContext: {capabilities: {add: [CHOWN, NET_BIND_SERVICE]}}")],
    ),
    (
        "host namespaces",
        &[spec("hostNetwork: true, "), spec("hostPID: true, "), spec("hostIPC: true, ")],
        &[spec("hostNetwork: false, ")],
    ),
    (
        "hostPath volumes",
        &[spec("volumes: [{name: v, hostPath: {path: /a}}], ")],
        &[spec("volumes: [{name: v, nfs: {server: s, path: /a}}], ")],
    ),
    (
        "hostPort",
        &[container("ports: [{containerPort: 80, hostPort: 80}]")],
        &[container("ports: [{containerPort: 80, hostPort: 0}]"), container("ports: [{containerPort: 80}]")],
    ),
    (
        "probe or lifecycle host",
        &[
            container("livenessProbe: {httpGet: {port: 80, host: 10.0.0.1}}"),
            container("startupProbe: {tcpSocket: {port: 80, host: 127.0.0.1}}"),
            container("lifecycle: {preStop: {httpGet: {port: 80, host: a}}}"),
        ],
        &[container("livenessProbe: {httpGet: {port: 80, host: ''}}"), container("livenessProbe: {grpc: {port: 80}}")],
    ),
    (
        "privileged",
        &[container("securityContext: {privileged: true}")],
        &[container("securityContext: {privileged: false}")],
    ),
    (
        "procMount",
        &[container("securityContext: {procMount: Unmasked}")],
        &[
            container("securityContext: {procMount: Default}"),
            Case { spec: "hostUsers: false, ", container: "securityContext: {procMount: Unmasked}", annotations: "" },
        ],
    ),
    (
        "seLinuxOptions",
        &[
            container("securityContext: {seLinuxOptions: {type: spc_t}}"),
            spec("securityContext: {seLinuxOptions: {user: u}}, "),
            container("securityContext: {seLinuxOptions: {role: r}}"),
        ],
        &[
            container("securityContext: {seLinuxOptions: {type: container_t, level: 's0:c1'}}"),
            container("securityContext: {seLinuxOptions: {type: container_engine_t}}"),
        ],
    ),
    (
        "seccompProfile",
        &[
            container("securityContext: {seccompProfile: {type: Unconfined}}"),
            spec("securityContext: {seccompProfile: {type: Unconfined}}, "),
        ],
        &[container(""), container("securityContext: {seccompProfile: {type: RuntimeDefault}}")],
    ),
    (
        "forbidden sysctls",
        &[spec("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]}, ")],
        &[spec("securityContext: {sysctls: [{name: net.ipv4.tcp_rmem, value: '1'}]}, ")],
    ),
    (
        "hostProcess",
        &[
            container("securityContext: {windowsOptions: {hostProcess: true}}"),
            spec("securityContext: {windowsOptions: {hostProcess: true}}, "),
        ],
        &[container("securityContext: {windowsOptions: {hostProcess: false}}")],
    ),
];

/// Controls of `restricted` only, on pods that violate nothing else.
const RESTRICTED: &[(&str, &[Case], &[Case])] = &[
    (
        "allowPrivilegeEscalation != false",
        &[
            Case { spec: SAFE_POD, container: "securityContext: {capabilities: {drop: [ALL]}}", annotations: "" },
            Case {
                spec: SAFE_POD,
                container: "securityContext: {allowPrivilegeEscalation: true, capabilities: {drop: [ALL]}}",
                annotations: "",
            },
        ],
        &[Case { spec: SAFE_POD, container: SAFE, annotations: "" }],
    ),
    (
        "unrestricted capabilities",
        &[
            Case { spec: SAFE_POD, container: "securityContext: {allowPrivilegeEscalation: false}", annotations: "" },
            Case {
                spec: SAFE_POD,
                container: "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [NET_RAW]}}",
                annotations: "",
            },
            Case {
                spec: SAFE_POD,
                container: "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [CHOWN]}}",
                annotations: "",
            },
        ],
        &[Case {
            spec: SAFE_POD,
            container: "securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}}",
            annotations: "",
        }],
    ),
    (
        "restricted volume types",
        &[
            Case {
                spec: "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, volumes: [{name: v, nfs: {server: s, path: /a}}]",
                container: SAFE,
                annotations: "",
            },
            Case {
                spec: "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, volumes: [{name: v, hostPath: {path: /a}}]",
                container: SAFE,
                annotations: "",
            },
        ],
        &[Case {
            spec: "securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, volumes: [{name: v}, {name: i, image: {reference: a}}]",
            container: SAFE,
            annotations: "",
        }],
    ),
    (
        "runAsNonRoot != true",
        &[
            Case {
                spec: "securityContext: {seccompProfile: {type: RuntimeDefault}}",
                container: SAFE,
                annotations: "",
            },
            Case {
                spec: SAFE_POD,
                container: "securityContext: {runAsNonRoot: false, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
                annotations: "",
            },
        ],
        &[
            Case {
                spec: "hostUsers: false, securityContext: {seccompProfile: {type: RuntimeDefault}}",
                container: SAFE,
                annotations: "",
            },
            Case {
                spec: "securityContext: {seccompProfile: {type: RuntimeDefault}}",
                container: "securityContext: {runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
                annotations: "",
            },
        ],
    ),
    (
        "runAsUser=0",
        &[Case {
            spec: "securityContext: {runAsUser: 0, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}",
            container: SAFE,
            annotations: "",
        }],
        &[Case {
            spec: "securityContext: {runAsUser: 1000, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}",
            container: SAFE,
            annotations: "",
        }],
    ),
    (
        "seccompProfile",
        &[
            Case { spec: "securityContext: {runAsNonRoot: true}", container: SAFE, annotations: "" },
            Case {
                spec: "securityContext: {runAsNonRoot: true, seccompProfile: {type: Unconfined}}",
                container: SAFE,
                annotations: "",
            },
        ],
        &[Case {
            spec: "securityContext: {runAsNonRoot: true}",
            container: "securityContext: {seccompProfile: {type: Localhost, localhostProfile: p}, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}",
            annotations: "",
        }],
    ),
];

/// The YAML of a case, with a closing brace.
fn ended(case: &Case) -> String {
    let comma = if case.spec.is_empty() || case.spec.ends_with(", ") { "" } else { ", " };
    pod(case).replace(&format!("{{{}containers", case.spec), &format!("{{{}{comma}containers", case.spec))
}

#[test]
fn each_control_of_baseline() {
    for (reason, bad, good) in BASELINE {
        for case in *bad {
            assert_eq!(reasons("L: baseline", case, Options::default()), [*reason], "{}", pod(case));
        }
        for case in *good {
            assert_eq!(reasons("L: baseline", case, Options::default()), [""; 0], "{}", pod(case));
        }
        // `restricted` has all of these controls, some of them stricter; `privileged` has none.
        for case in *bad {
            assert!(!reasons("L: restricted", case, Options::default()).is_empty(), "{reason}");
            assert_eq!(reasons("L: privileged", case, Options::default()), [""; 0], "{reason}");
            assert_eq!(reasons("", case, Options::default()), [""; 0], "{reason}");
        }
    }
}

#[test]
fn each_control_of_restricted() {
    let check = |case: &Case, level: &str| {
        let text = namespace(&format!("L: {level}")) + &ended(case);
        let findings = found(&[&text], Options::default());
        findings.first().map(|finding| finding.message.clone())
    };
    for (reason, bad, good) in RESTRICTED {
        for case in *bad {
            let message = check(case, "restricted").unwrap_or_else(|| panic!("{reason}: {}", ended(case)));
            let expected =
                format!("the pod will be rejected: it violates PodSecurity \"restricted:latest\": {reason} (");
            assert!(message.starts_with(&expected) && !message.contains("), "), "{message}");
        }
        for case in *good {
            assert_eq!(check(case, "restricted"), None, "{}", ended(case));
        }
    }
}

#[test]
fn versions_of_the_standards() {
    let check = |labels: &str, text: &str, version: &str| {
        let options = Options { kubernetes_version: version.parse().unwrap(), ..Options::default() };
        !found(&[&(namespace(labels) + text)], options).is_empty()
    };
    let baseline = |version: &str| format!("L: baseline, V: {version}");
    let restricted = |version: &str| format!("L: restricted, V: {version}");
    let host = pod(&container("livenessProbe: {httpGet: {port: 80, host: a}}"));
    let engine = pod(&container("securityContext: {seLinuxOptions: {type: container_engine_t}}"));
    let sysctl = |name: &'static str| {
        pod(&spec("securityContext: {sysctls: [{name: NAME, value: '1'}]}, ")).replace("NAME", name)
    };
    let root = |first: &str| {
        pod(&container(SAFE)).replace(
            "{containers",
            &format!("{{{first}securityContext: {{seccompProfile: {{type: RuntimeDefault}}}}, containers"),
        )
    };
    let unmasked =
        pod(&Case { spec: "hostUsers: false, ", container: "securityContext: {procMount: Unmasked}", annotations: "" });
    let unconfined = pod(&container("securityContext: {seccompProfile: {type: Unconfined}}"));
    let annotated = pod(&annotations("seccomp.security.alpha.kubernetes.io/pod: unconfined"));
    let user = pod(&container(""))
        .replace("{containers", &format!("{{{}, containers", "securityContext: {runAsUser: 0, runAsNonRoot: true}"));
    for (labels, text, version, expected) in [
        (baseline("v1.33"), &host, "1.36", false),
        (baseline("v1.34"), &host, "1.36", true),
        (baseline("latest"), &host, "1.33", false),
        (baseline("latest"), &host, "1.36", true),
        // A version newer than the cluster's counts as its latest.
        (baseline("v1.99"), &host, "1.33", false),
        (baseline("v1.30"), &engine, "1.36", true),
        (baseline("v1.31"), &engine, "1.36", false),
        (baseline("v1.26"), &sysctl("net.ipv4.ip_local_reserved_ports"), "1.36", true),
        (baseline("v1.27"), &sysctl("net.ipv4.ip_local_reserved_ports"), "1.36", false),
        (baseline("v1.28"), &sysctl("net.ipv4.tcp_fin_timeout"), "1.36", true),
        (baseline("v1.29"), &sysctl("net.ipv4.tcp_fin_timeout"), "1.36", false),
        (baseline("v1.31"), &sysctl("net.ipv4.tcp_wmem"), "1.36", true),
        (baseline("v1.32"), &sysctl("net.ipv4.tcp_wmem"), "1.36", false),
        (baseline("latest"), &sysctl("net.ipv4.tcp_notsent_lowat"), "1.36", true),
        (baseline("latest"), &sysctl("net.ipv4.tcp_notsent_lowat"), "1.37", false),
        (baseline("v1.34"), &unmasked, "1.36", true),
        (baseline("v1.35"), &unmasked, "1.36", false),
        (restricted("v1.35"), &unmasked, "1.36", true),
        (baseline("v1.18"), &unconfined, "1.36", false),
        (baseline("v1.19"), &unconfined, "1.36", true),
        (baseline("v1.18"), &annotated, "1.36", true),
        (baseline("v1.19"), &annotated, "1.36", false),
        (restricted("v1.34"), &root("hostUsers: false, "), "1.36", true),
        (restricted("v1.35"), &root("hostUsers: false, "), "1.36", false),
        (restricted("v1.7"), &user, "1.36", false),
        (restricted("v1.8"), &user, "1.36", true),
    ] {
        assert_eq!(check(&labels, text, version), expected, "{labels} {version}\n{text}");
    }
    // Capabilities and seccomp do not apply to Windows.
    let windows = |first: &str| {
        pod(&container(""))
            .replace("{containers", &format!("{{{first}securityContext: {{runAsNonRoot: true}}, containers"))
    };
    assert!(!check(&restricted("latest"), &windows("os: {name: windows}, "), "1.36"));
    assert!(check(&restricted("v1.24"), &windows("os: {name: windows}, "), "1.36"));
    assert!(check(&restricted("latest"), &windows("os: {name: linux}, "), "1.36"));
}

#[test]
fn modes_and_workloads() {
    let privileged = pod(&container("securityContext: {privileged: true}"));
    let mode = |labels: &str, text: &str| {
        let labels = labels.replace("M:", "pod-security.kubernetes.io/");
        let found = found(&[&(namespace(&labels) + text)], Options::default());
        found.first().map(|finding| (finding.severity, finding.message.split(':').next().unwrap().to_owned()))
    };
    let rejected = |words: &str| Some((Severity::Error, format!("the {words} will be rejected")));
    assert_eq!(mode("M:enforce: baseline", &privileged), rejected("pod"));
    let violate = "the pods violate PodSecurity \"baseline".to_owned();
    assert_eq!(mode("M:warn: baseline", &privileged), Some((Severity::Warning, violate.clone())));
    assert_eq!(mode("M:audit: baseline", &privileged), Some((Severity::Note, violate.clone())));
    // The enforced level is not violated, the warned level is.
    assert_eq!(mode("M:enforce: privileged, M:warn: baseline", &privileged), Some((Severity::Warning, violate)));
    assert_eq!(mode("M:enforce: baseline, M:warn: restricted", &privileged), rejected("pod"));
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: n}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, \
                      spec: {containers: [{name: c, image: 'r.example.com/a:1', securityContext: {privileged: true}}]}}}\n";
    assert_eq!(mode("M:enforce: baseline", deployment), rejected("pods"));
    // Files of a folder may be alternatives.
    let files = [&*namespace("L: baseline"), deployment];
    let severities = |complete| {
        found(&files, Options { complete, ..Options::default() }).iter().map(|one| one.severity).collect::<Vec<_>>()
    };
    assert_eq!((severities(false), severities(true)), (vec![Severity::Warning], vec![Severity::Error]));
}
