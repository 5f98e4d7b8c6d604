//! Further cases of the rules about pods, on both sides: which fields each rule names.

use std::collections::BTreeMap;

use plimsoll::check::input::Input;
use plimsoll::check::{Check, Options, check, rules};
use plimsoll::source::Sources;

/// The rule, the manifest in short, and the fields it must name: none where it must be silent.
///
/// `c:` is a field of a container, `v:` the source of a volume, anything else a field of the pod spec; before it may stand
/// a workload (`Job|`), without which it is a Pod.
type Case = (&'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    ("active-deadline-invalid", "activeDeadlineSeconds: 2147483647", &[]),
    ("active-deadline-invalid", "activeDeadlineSeconds: 2147483648", &["spec.activeDeadlineSeconds"]),
    ("active-deadline-invalid", "Job|activeDeadlineSeconds: 10", &[]),
    ("active-deadline-invalid", "Deployment|activeDeadlineSeconds: 10", &["spec.template.spec.activeDeadlineSeconds"]),
    (
        "affinity-invalid",
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{}, {matchExpressions: [{key: a, operator: Gt, values: ['1']}]}]}}}",
        &[],
    ),
    (
        "affinity-invalid",
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {}}}",
        &["spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"],
    ),
    (
        "affinity-invalid",
        "affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 101, preference: {matchFields: [{key: metadata.name, operator: In, values: [a, b]}, {key: spec.x, operator: Exists}]}}]}}",
        &[
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[0].values",
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[1].key",
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchFields[1].operator",
            "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight",
        ],
    ),
    (
        "affinity-invalid",
        "affinity: {podAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, podAffinityTerm: {topologyKey: zone, namespaces: [A], matchLabelKeys: [app], mismatchLabelKeys: [app], labelSelector: {matchLabels: {app: x}, matchExpressions: [{key: app, operator: Exists}]}}}]}}",
        &[
            "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.matchLabelKeys[0]",
            "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.namespace",
            "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm[0]",
        ],
    ),
    ("container-name-invalid", "containers: [{name: a, image: i}, {name: b, image: i}]", &[]),
    ("container-name-invalid", "containers: [{name: a, image: i}, {name: a, image: i}]", &["spec.containers[1].name"]),
    (
        "container-name-invalid",
        "containers: [{name: a, image: i}]\n  initContainers: [{name: a, image: i}, null]",
        &["spec.initContainers[0].name", "spec.initContainers[1].name"],
    ),
    (
        "container-restart-policy-invalid",
        "c: restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [42]}}]",
        &[],
    ),
    (
        "container-restart-policy-invalid",
        "c: restartPolicyRules: [{action: Stop}]",
        &[
            "spec.containers[0].restartPolicy",
            "spec.containers[0].restartPolicyRules[0].action",
            "spec.containers[0].restartPolicyRules[0].exitCodes",
        ],
    ),
    ("containers-missing", "Deployment|containers: null", &["spec.template.spec.containers"]),
    ("containers-missing", "CronJob|containers: [null]", &[]),
    (
        "device-invalid",
        "containers: [{name: a, image: i, volumeDevices: [{name: d, devicePath: /dev/x}]}]\n  volumes: [{name: d, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}]",
        &[],
    ),
    (
        "device-invalid",
        "c: volumeDevices: [{name: d, devicePath: /dev/../x}, {name: d}]",
        &[
            "spec.containers[0].volumeDevices[0].devicePath",
            "spec.containers[0].volumeDevices[0].name",
            "spec.containers[0].volumeDevices[1].devicePath",
            "spec.containers[0].volumeDevices[1].name",
            "spec.containers[0].volumeDevices[1].name",
        ],
    ),
    ("dns-invalid", "dnsConfig: {nameservers: ['::1'], searches: [_a.b., .], options: [{name: ndots}]}", &[]),
    ("dns-invalid", "dnsPolicy: None", &["spec.dnsConfig"]),
    (
        "dns-invalid",
        "dnsPolicy: Cluster\n  dnsConfig: {nameservers: [1.2.3.04, a, 1.1.1.1, 2.2.2.2], searches: [A], options: [{}]}",
        &[
            "spec.dnsConfig.nameservers",
            "spec.dnsConfig.nameservers[0]",
            "spec.dnsConfig.nameservers[1]",
            "spec.dnsConfig.options[0]",
            "spec.dnsConfig.searches[0]",
            "spec.dnsPolicy",
        ],
    ),
    ("env-duplicate", "c: env: [{name: A, value: a}, {name: B, value: b}]", &[]),
    ("env-duplicate", "c: env: [{name: A, value: a}, {name: A, value: \"$(A)\"}]", &["spec.containers[0].env[1]"]),
    ("env-from-invalid", "c: envFrom: [{secretRef: {name: a.b}}]", &[]),
    (
        "env-from-invalid",
        "c: envFrom: [{prefix: 'a=', secretRef: {name: A}, configMapRef: {}}]",
        &[
            "spec.containers[0].envFrom",
            "spec.containers[0].envFrom[0].configMapRef.name",
            "spec.containers[0].envFrom[0].prefix",
            "spec.containers[0].envFrom[0].secretRef.name",
        ],
    ),
    (
        "env-invalid",
        "c: env: [{name: 1 a, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a/b']\"}}}, {name: B, valueFrom: {resourceFieldRef: {resource: limits.hugepages-2Mi, divisor: 1Mi}}}]",
        &[],
    ),
    (
        "env-invalid",
        "c: env: [{name: A, value: x, valueFrom: {secretKeyRef: {name: s, key: k}}}, {name: B, valueFrom: {fieldRef: {fieldPath: metadata.labels}, configMapKeyRef: {name: s, key: k}}}]",
        &[
            "spec.containers[0].env[0].valueFrom",
            "spec.containers[0].env[1].valueFrom",
            "spec.containers[0].env[1].valueFrom.fieldRef.fieldPath",
        ],
    ),
    (
        "env-invalid",
        "c: env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['-']\"}}}, {name: B, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 2m}}}]",
        &[
            "spec.containers[0].env[0].valueFrom.fieldRef",
            "spec.containers[0].env[1].valueFrom.resourceFieldRef.divisor",
        ],
    ),
    (
        "env-invalid",
        "c: env: [{name: A, valueFrom: {fileKeyRef: {key: K, path: a.env, volumeName: gone}}}]",
        &["spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName"],
    ),
    ("ephemeral-containers-forbidden", "ephemeralContainers: []", &[]),
    (
        "ephemeral-containers-forbidden",
        "ephemeralContainers: [{name: d, image: i, ports: [{containerPort: 1}], targetContainerName: gone}]",
        &[
            "spec.ephemeralContainers",
            "spec.ephemeralContainers[0].ports",
            "spec.ephemeralContainers[0].targetContainerName",
        ],
    ),
    ("grace-period-negative", "terminationGracePeriodSeconds: 0", &[]),
    (
        "grace-period-negative",
        "StatefulSet|terminationGracePeriodSeconds: -5",
        &["spec.template.spec.terminationGracePeriodSeconds"],
    ),
    ("host-alias-invalid", "hostAliases: [{ip: '::1', hostnames: [a.b]}]", &[]),
    (
        "host-alias-invalid",
        "hostAliases: [{hostnames: [A]}, {ip: 1.1.1.1}, {ip: 1.1.1.1}]",
        &["spec.hostAliases[0].hostnames[0]", "spec.hostAliases[0].ip", "spec.hostAliases[2].ip"],
    ),
    ("host-namespace-conflict", "hostUsers: true\n  hostPID: true", &[]),
    (
        "host-namespace-conflict",
        "hostUsers: false\n  hostPID: true\n  hostNetwork: true\n  shareProcessNamespace: true",
        &["spec.HostPID", "spec.hostNetwork", "spec.securityContext.shareProcessNamespace"],
    ),
    (
        "host-port-invalid",
        "containers: [{name: a, image: i, ports: [{containerPort: 1, hostPort: 1}, {containerPort: 1, hostPort: 1, protocol: UDP}, {containerPort: 1, hostPort: 1, hostIP: 10.0.0.1}]}]",
        &[],
    ),
    (
        "host-port-invalid",
        "containers: [{name: a, image: i, ports: [{containerPort: 1, hostPort: 70000}]}, {name: b, image: i, ports: [{containerPort: 1, hostPort: 70000}]}]",
        &[
            "spec.containers[0].ports[0].hostPort",
            "spec.containers[1].ports[0].hostPort",
            "spec.containers[1].ports[0].hostPort",
        ],
    ),
    (
        "host-port-invalid",
        "hostNetwork: true\n  containers: [{name: a, image: i, ports: [{containerPort: 80}]}, {name: b, image: i, ports: [{containerPort: 80}]}]",
        &["spec.containers[1].ports[0].hostPort"],
    ),
    (
        "host-port-invalid",
        "Deployment|hostNetwork: true\n      containers: [{name: a, image: i, ports: [{containerPort: 80}]}, {name: b, image: i, ports: [{containerPort: 80}]}]",
        &[],
    ),
    ("hostname-invalid", "hostname: a\n  subdomain: b\n  hostnameOverride: a.b", &[]),
    (
        "hostname-invalid",
        "hostname: A\n  subdomain: a.b\n  hostnameOverride: ''",
        &["spec.hostname", "spec.hostnameOverride", "spec.subdomain"],
    ),
    ("image-invalid", "Deployment|containers: [{name: a, image: ' i '}]", &[]),
    (
        "image-invalid",
        "containers: [{name: a, image: ' i ', imagePullPolicy: always}, {name: b}]",
        &["spec.containers[0].image", "spec.containers[0].imagePullPolicy", "spec.containers[1].image"],
    ),
    ("lifecycle-invalid", "c: lifecycle: {postStart: {sleep: {seconds: 30}}, preStop: {httpGet: {port: http}}}", &[]),
    (
        "lifecycle-invalid",
        "containers: [{name: a, image: i, lifecycle: {postStart: {}, preStop: {exec: {}, tcpSocket: {port: 0}}, stopSignal: SIGFOO}}]\n  os: {name: linux}\n  initContainers: [{name: b, image: i, lifecycle: {}}]",
        &[
            "spec.containers[0].lifecycle.postStart",
            "spec.containers[0].lifecycle.preStop.exec.command",
            "spec.containers[0].lifecycle.preStop.tcpSocket",
            "spec.containers[0].lifecycle.stopSignal",
            "spec.initContainers[0].lifecycle",
        ],
    ),
    (
        "mount-invalid",
        "containers: [{name: a, image: i, securityContext: {privileged: true}, volumeMounts: [{name: v, mountPath: relative, subPathExpr: \"$(A)\", mountPropagation: Bidirectional}, {name: v, mountPath: 'a:b', readOnly: true, recursiveReadOnly: Enabled}]}]",
        &[],
    ),
    (
        "mount-invalid",
        "c: volumeMounts: [{name: v, subPath: /a, subPathExpr: .., mountPropagation: Bidirectional, recursiveReadOnly: IfPossible}, {name: v}]",
        &[
            "spec.containers[0].volumeMounts.mountPropagation",
            "spec.containers[0].volumeMounts.recursiveReadOnly",
            "spec.containers[0].volumeMounts.recursiveReadOnly",
            "spec.containers[0].volumeMounts.subPath",
            "spec.containers[0].volumeMounts.subPathExpr",
            "spec.containers[0].volumeMounts[0].mountPath",
            "spec.containers[0].volumeMounts[0].subPathExpr",
            "spec.containers[0].volumeMounts[1].mountPath",
            "spec.containers[0].volumeMounts[1].mountPath",
        ],
    ),
    (
        "mount-volume-missing",
        "containers: [{name: a, image: i, volumeMounts: [{name: v, mountPath: /v}]}]\n  volumes: [{name: v}]",
        &[],
    ),
    (
        "mount-volume-missing",
        "containers: [{name: a, image: i, volumeMounts: [{name: v, mountPath: /v}, {mountPath: /w}]}]\n  volumes: [{name: v, hostPath: {}}]",
        &["spec.containers[0].volumeMounts[0].name", "spec.containers[0].volumeMounts[1].name"],
    ),
    ("node-selector-invalid", "nodeSelector: {a/b: ''}", &[]),
    (
        "node-selector-invalid",
        "nodeSelector: {a/b/c: x, d: '-', beta.kubernetes.io/os: linux}",
        &["spec.nodeSelector", "spec.nodeSelector", "spec.nodeSelector[beta.kubernetes.io/os]"],
    ),
    ("overhead-invalid", "overhead: {cpu: 1, example.com/x: 2}", &[]),
    ("overhead-invalid", "overhead: {cpu: -1, gpu: 1}", &["spec.overhead.limits[cpu]", "spec.overhead.limits[gpu]"]),
    ("pod-gate-invalid", "readinessGates: [{conditionType: a.b/c}]", &[]),
    (
        "pod-gate-invalid",
        "readinessGates: [{}]\n  schedulingGates: [{name: a}, {name: a}]",
        &["spec.readinessGates[0].conditionType", "spec.schedulingGates[1]"],
    ),
    ("pod-os-invalid", "os: {name: linux}\n  securityContext: {runAsUser: 1}", &[]),
    ("pod-os-invalid", "os: {name: beos}", &["spec.os"]),
    ("pod-os-invalid", "os: {}", &["spec.os.name"]),
    (
        "pod-os-invalid",
        "os: {name: windows}\n  securityContext: {runAsUser: 1}\n  containers: [{name: a, image: i, securityContext: {capabilities: {}}}]",
        &["spec.containers[0].securityContext.capabilities", "spec.securityContext.runAsUser"],
    ),
    ("pod-reference-invalid", "serviceAccountName: ''\n  nodeName: a.b\n  preemptionPolicy: Never", &[]),
    (
        "pod-reference-invalid",
        "serviceAccount: A\n  nodeName: B\n  priorityClassName: C\n  runtimeClassName: ''\n  preemptionPolicy: ''",
        &[
            "spec.nodeName",
            "spec.preemptionPolicy",
            "spec.priorityClassName",
            "spec.runtimeClassName",
            "spec.serviceAccountName",
        ],
    ),
    (
        "pod-resources-invalid",
        "resources: {limits: {memory: 2Gi}}\n  containers: [{name: a, image: i, resources: {limits: {memory: 1Gi}}}]",
        &[],
    ),
    (
        "pod-resources-invalid",
        "resources: {claims: [], requests: {ephemeral-storage: 1Gi, cpu: 1}, limits: {cpu: 1}}\n  containers: [{name: a, image: i, resources: {limits: {cpu: 2}}}]",
        &[
            "spec.resources.claims",
            "spec.resources.containers[0][cpu].limits",
            "spec.resources.requests[cpu]",
            "spec.resources.requests[ephemeral-storage]",
        ],
    ),
    (
        "port-duplicate",
        "containers: [{name: a, image: i, ports: [{containerPort: 1}]}]\n  initContainers: [{name: b, image: i, ports: [{containerPort: 1}]}]",
        &[],
    ),
    (
        "port-duplicate",
        "containers: [{name: a, image: i, ports: [{containerPort: 1, name: x}]}, {name: b, image: i, ports: [{containerPort: 1, name: x}]}]",
        &["spec.containers[1].ports[0]", "spec.containers[1].ports[0].name"],
    ),
    ("port-invalid", "c: ports: [{containerPort: 1, name: ''}, {containerPort: 65535, protocol: SCTP}]", &[]),
    (
        "port-invalid",
        "c: ports: [{name: a}, {name: a, containerPort: 65536, protocol: tcp}]",
        &[
            "spec.containers[0].ports[0].containerPort",
            "spec.containers[0].ports[1].containerPort",
            "spec.containers[0].ports[1].name",
            "spec.containers[0].ports[1].protocol",
        ],
    ),
    ("probe-invalid", "c: readinessProbe: {grpc: {port: 1}, successThreshold: 9, timeoutSeconds: 0}", &[]),
    (
        "probe-invalid",
        "c: livenessProbe: {exec: {command: []}, httpGet: {port: 1}, successThreshold: 2, periodSeconds: -1, terminationGracePeriodSeconds: 0}",
        &[
            "spec.containers[0].livenessProbe.exec.command",
            "spec.containers[0].livenessProbe.httpGet",
            "spec.containers[0].livenessProbe.periodSeconds",
            "spec.containers[0].livenessProbe.successThreshold",
            "spec.containers[0].livenessProbe.terminationGracePeriodSeconds",
        ],
    ),
    (
        "probe-invalid",
        "c: readinessProbe: {httpGet: {port: '80', scheme: http, httpHeaders: [{name: 'a b'}]}, terminationGracePeriodSeconds: 5}",
        &[
            "spec.containers[0].readinessProbe.httpGet.httpHeaders",
            "spec.containers[0].readinessProbe.httpGet.port",
            "spec.containers[0].readinessProbe.httpGet.scheme",
            "spec.containers[0].readinessProbe.terminationGracePeriodSeconds",
        ],
    ),
    (
        "probe-invalid",
        "initContainers: [{name: b, image: i, startupProbe: {}}, {name: c, image: i, restartPolicy: Always, startupProbe: {}}]",
        &["spec.initContainers[0].startupProbe", "spec.initContainers[1].startupProbe"],
    ),
    ("pull-secret-invalid", "imagePullSecrets: [{name: a}, {name: b}]", &[]),
    (
        "pull-secret-invalid",
        "imagePullSecrets: [{name: a}, {name: a}, {}]",
        &["spec.imagePullSecrets[1].name", "spec.imagePullSecrets[2].name"],
    ),
    ("resize-policy-invalid", "c: resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]", &[]),
    (
        "resize-policy-invalid",
        "restartPolicy: Never\n  containers: [{name: a, image: i, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}, {resourceName: cpu, restartPolicy: NotRequired}]}]",
        &["spec.containers[0].resizePolicy", "spec.containers[0].resizePolicy[1]"],
    ),
    ("resource-claim-invalid", "resourceClaims: [{name: a, resourceClaimName: b}]", &[]),
    (
        "resource-claim-invalid",
        "resourceClaims: [{name: A}, {resourceClaimName: a, resourceClaimTemplateName: B}]",
        &[
            "spec.resourceClaims[0]",
            "spec.resourceClaims[0].name",
            "spec.resourceClaims[1]",
            "spec.resourceClaims[1].name",
            "spec.resourceClaims[1].resourceClaimTemplateName",
        ],
    ),
    ("resources-fractional", "c: resources: {limits: {cpu: 100m, memory: 1.5Gi}}", &[]),
    (
        "resources-fractional",
        "c: resources: {requests: {memory: '0.5', ephemeral-storage: 1m}}",
        &["spec.containers[0].resources.requests[ephemeral-storage]", "spec.containers[0].resources.requests[memory]"],
    ),
    (
        "resources-invalid",
        "c: resources: {limits: {cpu: 1, example.com/gpu: 1, hugepages-2Mi: 4Mi, kubernetes.io/x: 1}, requests: {cpu: 1000m}}",
        &[],
    ),
    (
        "resources-invalid",
        "Deployment|c: resources: {limits: {hugepages-2Mi: 3Mi}}",
        &[
            "spec.template.spec.containers[0].resources",
            "spec.template.spec.containers[0].resources.limits[hugepages-2Mi]",
        ],
    ),
    (
        "resources-invalid",
        "Deployment|c: resources: {limits: {example.com/gpu: 1500m}, requests: {example.com/gpu: 1, example.com/fpga: 1, gpu: 1}}",
        &[
            "spec.template.spec.containers[0].resources.limits",
            "spec.template.spec.containers[0].resources.limits[example.com/gpu]",
            "spec.template.spec.containers[0].resources.requests",
            "spec.template.spec.containers[0].resources.requests[gpu]",
        ],
    ),
    (
        "resources-invalid",
        "c: resources: {limits: {memory: -1}}",
        &["spec.containers[0].resources.limits[memory]", "spec.containers[0].resources.requests[memory]"],
    ),
    ("restart-policy-invalid", "CronJob|restartPolicy: Never", &[]),
    ("restart-policy-invalid", "CronJob|restartPolicy: Always", &["spec.jobTemplate.spec.template.spec.restartPolicy"]),
    ("restart-policy-invalid", "DaemonSet|restartPolicy: OnFailure", &["spec.template.spec.restartPolicy"]),
    ("restart-policy-invalid", "restartPolicy: ''", &[]),
    (
        "security-context-invalid",
        "securityContext: {fsGroup: 0, seccompProfile: {type: Localhost, localhostProfile: a/b}}\n  hostUsers: false\n  containers: [{name: a, image: i, securityContext: {procMount: Unmasked, appArmorProfile: {type: RuntimeDefault}}}]",
        &[],
    ),
    (
        "security-context-invalid",
        "securityContext: {runAsUser: -1, supplementalGroups: [1, 2147483648], fsGroupChangePolicy: Never, supplementalGroupsPolicy: '', seccompProfile: {localhostProfile: a}}",
        &[
            "spec.securityContext.fsGroupChangePolicy",
            "spec.securityContext.runAsUser",
            "spec.securityContext.seccompProfile.localhostProfile",
            "spec.securityContext.seccompProfile.type",
            "spec.securityContext.supplementalGroupsPolicy",
            "spec.securityContext.supplementalGroups[1]",
        ],
    ),
    (
        "security-context-invalid",
        "c: securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [CAP_SYS_ADMIN]}, procMount: Unmasked, appArmorProfile: {type: Localhost}, seccompProfile: {type: Localhost, localhostProfile: /a}}",
        &[
            "spec.containers[0].securityContext",
            "spec.containers[0].securityContext.appArmorProfile.localhostProfile",
            "spec.containers[0].securityContext.procMount",
            "spec.containers[0].securityContext.seccompProfile.localhostProfile",
        ],
    ),
    ("sysctl-invalid", "securityContext: {sysctls: [{name: kernel/shm_rmid_forced, value: '1'}]}", &[]),
    (
        "sysctl-invalid",
        "hostNetwork: true\n  hostIPC: true\n  securityContext: {sysctls: [{name: net.a}, {name: kernel.sem}, {name: net.a}, {}]}",
        &[
            "spec.securityContext.sysctls[0].name",
            "spec.securityContext.sysctls[1].name",
            "spec.securityContext.sysctls[2].name",
            "spec.securityContext.sysctls[2].name",
            "spec.securityContext.sysctls[3].name",
        ],
    ),
    ("template-metadata-invalid", "DaemonSet|nodeName: a", &[]),
    ("termination-message-policy-invalid", "c: terminationMessagePolicy: ''", &[]),
    (
        "termination-message-policy-invalid",
        "c: terminationMessagePolicy: file",
        &["spec.containers[0].terminationMessagePolicy"],
    ),
    (
        "toleration-invalid",
        "tolerations: [{operator: Exists}, {key: a, operator: Gt, value: '5'}, {key: a, value: b, effect: NoExecute, tolerationSeconds: -1}]",
        &[],
    ),
    (
        "toleration-invalid",
        "tolerations: [{key: /, operator: Exists, value: x, effect: None}, {key: a, value: '-', effect: NoSchedule, tolerationSeconds: 1}, {operator: equal}]",
        &[
            "spec.tolerations[0].effect",
            "spec.tolerations[0].key",
            "spec.tolerations[0].operator",
            "spec.tolerations[1].effect",
            "spec.tolerations[1].operator",
            "spec.tolerations[2].operator",
            "spec.tolerations[2].operator",
        ],
    ),
    (
        "topology-spread-invalid",
        "topologySpreadConstraints: [{maxSkew: 1, topologyKey: a b, whenUnsatisfiable: DoNotSchedule, minDomains: 2, labelSelector: {}, matchLabelKeys: [a]}]",
        &[],
    ),
    (
        "topology-spread-invalid",
        "topologySpreadConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, minDomains: 0, nodeTaintsPolicy: honor, labelSelector: {matchLabels: {b: c}, matchExpressions: [{key: b, operator: Exists, values: [c]}]}, matchLabelKeys: [b]}, {maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, labelSelector: {}}]",
        &[
            "spec.topologySpreadConstraints[0].labelSelector.matchExpressions[0].values",
            "spec.topologySpreadConstraints[0].minDomains",
            "spec.topologySpreadConstraints[0].minDomains",
            "spec.topologySpreadConstraints[0].nodeTaintsPolicy",
            "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}",
            "spec.topologySpreadConstraints[0][0]",
        ],
    ),
    ("volume-deprecated", "v: nfs: {server: a, path: /b}", &[]),
    ("volume-deprecated", "v: rbd: {monitors: [a], image: b}", &["spec.volumes[0].rbd"]),
    ("volume-name-invalid", "volumes: [{name: a}, {name: b}]", &[]),
    ("volume-name-invalid", "volumes: [{name: a}, {name: a}, {}]", &["spec.volumes[1].name", "spec.volumes[2].name"]),
    ("volume-source-invalid", "v: emptyDir: {sizeLimit: 1Gi}", &[]),
    (
        "volume-source-invalid",
        "v: emptyDir: {sizeLimit: -1}, secret: {}, downwardAPI: {}",
        &["spec.volumes[0].downwarAPI", "spec.volumes[0].emptyDir.sizeLimit", "spec.volumes[0].secret"],
    ),
    (
        "volume-source-invalid",
        "v: secret: {secretName: a, defaultMode: 512, items: [{key: k, path: ..a, mode: -1}, {}]}",
        &[
            "spec.volumes[0].secret.defaultMode",
            "spec.volumes[0].secret.items[0].mode",
            "spec.volumes[0].secret.items[0].path",
            "spec.volumes[0].secret.items[1].key",
            "spec.volumes[0].secret.items[1].path",
        ],
    ),
    (
        "volume-source-invalid",
        "v: projected: {sources: [{secret: {name: a, items: [{key: k, path: p}]}, configMap: {}}, {downwardAPI: {items: [{path: p, fieldRef: {fieldPath: metadata.name}}]}}, {serviceAccountToken: {expirationSeconds: 599}}]}",
        &[
            "spec.volumes[0].projected",
            "spec.volumes[0].projected.path",
            "spec.volumes[0].projected.sources[0]",
            "spec.volumes[0].projected.sources[0].configMap.name",
            "spec.volumes[0].projected.sources[2].serviceAccountToken.expirationSeconds",
        ],
    ),
    (
        "volume-source-invalid",
        "v: downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu}}]}",
        &["spec.volumes[0].downwardAPI.resourceFieldRef.containerName"],
    ),
    ("volume-source-invalid", "v: nfs: {server: a, path: b}", &["spec.volumes[0].nfs.path"]),
    ("volume-source-invalid", "v: hostPath: {path: /a, type: ''}", &[]),
    (
        "volume-source-invalid",
        "v: hostPath: {path: /a/.., type: Dir}",
        &["spec.volumes[0].hostPath.path", "spec.volumes[0].hostPath.type"],
    ),
    (
        "volume-source-invalid",
        "v: iscsi: {targetPortal: 10.0.0.1, iqn: 'iqn.2001-04.com.example:storage', lun: 0}",
        &[],
    ),
    (
        "volume-source-invalid",
        "v: iscsi: {targetPortal: 10.0.0.1, iqn: 'iqn.2001-04', lun: 256, chapAuthSession: true}",
        &["spec.volumes[0].iscsi.iqn", "spec.volumes[0].iscsi.lun", "spec.volumes[0].iscsi.secretRef"],
    ),
    ("volume-source-invalid", "v: fc: {targetWWNs: [a]}", &["spec.volumes[0].fc.lun"]),
    (
        "volume-source-invalid",
        "v: csi: {driver: a_b, nodePublishSecretRef: {}}",
        &["spec.volumes[0].csi.driver", "spec.volumes[0].csi.nodePublishSecretRef.name"],
    ),
    (
        "volume-source-invalid",
        "v: projected: {sources: [{podCertificate: {signerName: a.b/c, keyType: RSA, maxExpirationSeconds: 60}}]}",
        &[
            "spec.volumes[0].projected.sources[0].podCertificate",
            "spec.volumes[0].projected.sources[0].podCertificate.keyType",
            "spec.volumes[0].projected.sources[0].podCertificate.maxExpirationSeconds",
        ],
    ),
    ("volume-source-invalid", "v: image: {pullPolicy: Always}", &["spec.volumes[0].image.reference"]),
    (
        "resize-policy-invalid",
        "initContainers: [{name: b, image: i, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]}]",
        &["spec.initContainers[0].resizePolicy[0].restartPolicy"],
    ),
    (
        "lifecycle-invalid",
        "os: {name: linux}\n  containers: [{name: a, image: i, lifecycle: {stopSignal: SIGRTMIN+15}}]",
        &[],
    ),
    (
        "lifecycle-invalid",
        "os: {name: windows}\n  containers: [{name: a, image: i, lifecycle: {stopSignal: SIGHUP}}]",
        &["spec.containers[0].lifecycle.stopSignal"],
    ),
    ("toleration-invalid", "tolerations: [{key: a, operator: Gt, value: '5'}]", &[]),
    ("toleration-invalid", "tolerations: [{key: a, operator: Lt, value: five}]", &["spec.tolerations[0].value"]),
    (
        "host-namespace-conflict",
        "hostUsers: false\n  containers: [{name: a, image: i, volumeDevices: [{name: d, devicePath: /d}]}]",
        &["spec.containers[0].volumeDevices"],
    ),
    ("volume-source-invalid", "v: ephemeral: {}", &["spec.volumes[0].ephemeral.volumeClaimTemplate"]),
    (
        "volume-source-invalid",
        "v: azureDisk: {diskName: a, diskURI: 'https://a', kind: Managed, cachingMode: Some}",
        &["spec.volumes[0].azureDisk.cachingMode", "spec.volumes[0].azureDisk.diskURI"],
    ),
    (
        "volume-source-invalid",
        "v: gcePersistentDisk: {partition: 256}",
        &["spec.volumes[0].persistentDisk.partition", "spec.volumes[0].persistentDisk.pdName"],
    ),
    (
        "windows-options-invalid",
        "hostNetwork: true\n  securityContext: {windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM'}}",
        &[],
    ),
    (
        "windows-options-invalid",
        "containers: [{name: a, image: i, securityContext: {windowsOptions: {hostProcess: true, runAsUserName: 'a\\b\\c'}}}, {name: b, image: i}]",
        &["spec", "spec.containers[0].securityContext.windowsOptions.runAsUserName", "spec.hostNetwork"],
    ),
];

fn manifest(short: &str) -> String {
    let (workload, fragment) = short.split_once('|').unwrap_or(("Pod", short));
    let (head, indent) = match workload {
        "Pod" => ("apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n".to_owned(), "  "),
        "CronJob" => (
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: x}\nspec:\n  schedule: '@daily'\n  jobTemplate:\n    spec:\n      \
             template:\n        spec:\n"
                .to_owned(),
            "          ",
        ),
        workload => {
            let group = if workload == "Job" { "batch" } else { "apps" };
            let head = format!(
                "apiVersion: {group}/v1\nkind: {workload}\nmetadata: {{name: x}}\nspec:\n  template:\n    metadata: {{labels: {{a: b}}}}\n    spec:\n"
            );
            (head, "      ")
        }
    };
    let body = if let Some(fields) = fragment.strip_prefix("c: ") {
        format!("containers: [{{name: a, image: i, {fields}}}]")
    } else if let Some(source) = fragment.strip_prefix("v: ") {
        format!("containers: [{{name: a, image: i}}]\n{indent}volumes: [{{name: v, {source}}}]")
    } else if fragment.contains("containers:") {
        fragment.to_owned()
    } else {
        format!("containers: [{{name: a, image: i}}]\n{indent}{fragment}")
    };
    format!("{head}{indent}{body}\n")
}

/// The fields that a rule names, sorted.
fn fields(rule: &str, text: &str) -> Vec<String> {
    let sources = Sources::new();
    let mut input = Input::default();
    input.add(&sources, sources.add("pod.yaml", text), true);
    assert!(input.findings.is_empty(), "{:#?}\n{text}", input.findings);
    let findings = check(&input.objects, &Options::default());
    assert!(!findings.iter().any(|finding| finding.rule.starts_with("field-")), "{findings:#?}\n{text}");
    let mut fields: Vec<_> =
        findings.into_iter().filter(|finding| finding.rule == rule).map(|finding| finding.field).collect();
    fields.sort();
    fields
}

#[test]
fn rules_name_the_fields_the_server_would() {
    let mut wrong = String::new();
    for (rule, short, expected) in CASES {
        let text = manifest(short);
        let found = fields(rule, &text);
        if found != *expected {
            wrong += &format!("{rule}: {short}\n  expected {expected:?}\n  found    {found:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The two rules that cannot be shown in short have their own tests below.
#[test]
fn every_rule_about_pods_has_cases_on_both_sides() {
    let mut sides: BTreeMap<&str, [bool; 2]> = BTreeMap::new();
    for (rule, _, expected) in CASES {
        sides.entry(rule).or_default()[usize::from(expected.is_empty())] = true;
    }
    let about_pods = rules::ALL.iter().filter(|rule| matches!(rule.check, Check::Pod(_)));
    for rule in about_pods.filter(|rule| !matches!(rule.id, "template-metadata-invalid" | "pod-annotation-invalid")) {
        assert_eq!(sides.get(rule.id), Some(&[true; 2]), "{}", rule.id);
    }
}

#[test]
fn metadata_is_named_as_the_server_names_it() {
    let job = |metadata: &str, template: &str| {
        let text = format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {metadata}\nspec:\n  template:\n    metadata: {template}\n    \
             spec: {{restartPolicy: Never, containers: [{{name: a, image: i}}]}}\n"
        );
        (fields("template-metadata-invalid", &text), fields("pod-annotation-invalid", &text))
    };
    let (labels, _) = job("{name: x}", "{labels: {a: '-'}}");
    assert_eq!(labels, ["metadata.labels", "spec.template.labels"]);
    let (labels, _) = job("{name: x, labels: {b: c}}", "{labels: {a: '-'}, annotations: {'a b': c}}");
    assert_eq!(labels, ["spec.template.annotations", "spec.template.labels"]);
    let (none, cost) = job("{name: x}", "{annotations: {controller.kubernetes.io/pod-deletion-cost: '+1'}}");
    assert!(none.is_empty());
    assert_eq!(cost, ["spec.template.annotations[controller.kubernetes.io/pod-deletion-cost]"]);
    let armor = "{annotations: {container.apparmor.security.beta.kubernetes.io/gone: strict}}";
    assert_eq!(job("{name: x}", armor).1.len(), 2);
    let armor = "{annotations: {container.apparmor.security.beta.kubernetes.io/a: localhost/x}}";
    assert!(job("{name: x}", armor).1.is_empty());
}

#[test]
fn claim_templates_are_volumes() {
    let set = |claims: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: x}}\nspec:\n  template:\n    spec:\n      \
             containers: [{{name: a, image: i, volumeMounts: [{{name: data, mountPath: /data}}, {{name: tmp, mountPath: /tmp}}]}}]\n      \
             volumes: [{{name: tmp, emptyDir: {{}}}}, {{name: Bad}}]\n  volumeClaimTemplates: {claims}\n"
        )
    };
    let good = set("[{metadata: {name: data}}]");
    assert!(fields("mount-volume-missing", &good).is_empty());
    assert_eq!(fields("volume-name-invalid", &good), ["spec.template.spec.volumes[2].name"]);
    let none = set("[{}]");
    assert_eq!(fields("mount-volume-missing", &none), ["spec.template.spec.containers[0].volumeMounts[0].name"]);
    assert_eq!(
        fields("volume-name-invalid", &none),
        [
            "spec.template.spec.volumes[0].name",
            "spec.template.spec.volumes[0].persistentVolumeClaim.claimName",
            "spec.template.spec.volumes[2].name",
        ]
    );
}

#[test]
fn ephemeral_volumes_make_claims() {
    let pod = |template: &str| manifest(&format!("v: ephemeral: {{volumeClaimTemplate: {template}}}"));
    let good =
        "{metadata: {labels: {a: b}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}";
    assert!(fields("claim-invalid", &pod(good)).is_empty());
    assert_eq!(
        fields("claim-invalid", &pod("{metadata: {name: x}}")),
        [
            "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.name",
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.accessModes",
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources[storage]",
        ]
    );
}
