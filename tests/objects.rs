//! More cases of the rules about objects other than pods, valid and invalid: the fields that each rule reports.

use plimsoll::check::input::Input;
use plimsoll::check::{Options, check};
use plimsoll::finding::Severity;
use plimsoll::source::Sources;

/// The rule, `apiVersion/Kind|rest of the object`, and the fields of its errors in any order.
type Case = (&'static str, &'static str, &'static [&'static str]);

const PODS: &str = "{metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: i}]}}";
const JOB: &str = "template: {spec: {restartPolicy: Never, containers: [{name: a, image: i}]}}";

const CASES: &[Case] = &[
    // The cost limit of a selector is 1,000,000; the first exceeds it, the second does not.
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/DeviceClass|spec: {selectors: [{cel: {expression: '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(a, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(b, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(c, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(d, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(e, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(f, a > b))))))'}}]}",
        &["spec.selectors[0].cel.expression"],
    ),
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/DeviceClass|spec: {selectors: [{cel: {expression: '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(a, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(b, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(c, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(d, a > b))))'}}]}",
        &[],
    ),
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/ResourceClaim|spec: {devices: {requests: [{name: a, exactly: {deviceClassName: b, selectors: [{cel: {expression: '[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(a, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(b, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(c, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(d, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(e, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].all(f, a > b))))))'}}]}}]}}",
        &["spec.devices.requests[0].exactly.selectors[0].cel.expression"],
    ),
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/DeviceClass|spec: {selectors: [{cel: {expression: 'cel.bind(dra, device.attributes[\"dra.example.com\"], dra.a && dra.b == 1)'}}]}",
        &[],
    ),
    (
        "admission-policy-invalid",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding|spec: {}",
        &["spec.policyName"],
    ),
    (
        "admission-policy-invalid",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy|spec: {}",
        &["spec.matchConstraints", "spec.mutations", "spec.reinvocationPolicy"],
    ),
    (
        "admission-policy-invalid",
        "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy|spec: {reinvocationPolicy: Never, mutations: [{patchType: JSONPatch, applyConfiguration: {expression: a}}], matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}}",
        &["spec.mutations[0].applyConfiguration", "spec.mutations[0].jsonPatch"],
    ),
    (
        "storage-class-invalid",
        "storage.k8s.io/v1/StorageClass|provisioner: a.example.com\nallowedTopologies: [{}]",
        &["allowedTopologies[0].matchLabelExpressions"],
    ),
    (
        "webhook-invalid",
        "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration|webhooks: [{name: a.example.com, clientConfig: {url: 'https://a/'}, sideEffects: None, admissionReviewVersions: [v1], rules: [{operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*', pods]}]}]",
        &["webhooks[0].rules[0].resources"],
    ),
    (
        "webhook-invalid",
        "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration|webhooks: [{name: a.example.com, clientConfig: {url: 'https://a/'}, sideEffects: None, admissionReviewVersions: [v1], rules: [{operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*', pods/exec]}]}]",
        &[],
    ),
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/ResourceClaim|spec: {devices: {requests: [{name: a, firstAvailable: [{name: x, deviceClassName: c}]}], config: [{requests: [a/x], opaque: {driver: d.example.com, parameters: {}}}]}}",
        &[],
    ),
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/ResourceClaim|spec: {devices: {requests: [{name: a, firstAvailable: [{name: x}]}], config: [{requests: [a/y], opaque: {driver: d.example.com}}]}}",
        &[
            "spec.devices.config[0].opaque.parameters",
            "spec.devices.config[0].requests[0]",
            "spec.devices.requests[0].firstAvailable[0].deviceClassName",
        ],
    ),
    (
        "device-claim-invalid",
        "resource.k8s.io/v1/ResourceSlice|spec: {driver: d.example.com, pool: {name: p, resourceSliceCount: 1}, nodeName: a, allNodes: true}",
        &["spec"],
    ),
    (
        "cluster-network-invalid",
        "v1/Node|spec: {taints: [{key: a, effect: NoSchedule}, {key: a, effect: NoSchedule}]}",
        &["spec.taints[1]"],
    ),
    ("cluster-network-invalid", "networking.k8s.io/v1/ServiceCIDR|spec: {cidrs: [10.0.0.0/16]}", &[]),
    ("cluster-network-invalid", "networking.k8s.io/v1/ServiceCIDR|spec: {cidrs: [10.0.0.0]}", &["spec.cidrs[0]"]),
    (
        "volume-attachment-invalid",
        "storage.k8s.io/v1/VolumeAttachment|spec: {attacher: a.example.com, nodeName: node1, source: {persistentVolumeName: PV}}",
        &["spec.source.persistentVolumeName"],
    ),
    (
        "certificate-request-invalid",
        "certificates.k8s.io/v1/CertificateSigningRequest|spec: {request: aGk=, signerName: a.example.com/b, usages: [server auth, hello]}",
        &["spec.request", "spec.usages[1]"],
    ),
    ("name-invalid", "v1/Service|metadata: {name: 1a}", &[]),
    ("name-invalid", "v1/Service|metadata: {name: a.b}", &["metadata.name"]),
    ("name-invalid", "v1/ConfigMap|metadata: {name: a.b}", &[]),
    ("name-invalid", "v1/ConfigMap|metadata: {generateName: a-}", &[]),
    ("name-invalid", "v1/ConfigMap|metadata: {generateName: a_}", &["metadata.generateName"]),
    ("name-invalid", "v1/LimitRange|metadata: {}", &[]),
    ("name-invalid", "rbac.authorization.k8s.io/v1/ClusterRole|metadata: {name: 'system:a'}", &[]),
    ("name-invalid", "rbac.authorization.k8s.io/v1/ClusterRole|metadata: {name: a%b}", &["metadata.name"]),
    ("name-invalid", "policy/v1/PodDisruptionBudget|metadata: {name: A_b-}", &[]),
    (
        "name-invalid",
        "batch/v1/CronJob|metadata: {name: a2345678901234567890123456789012345678901234567890123}",
        &["metadata.name"],
    ),
    ("name-invalid", "batch/v1/CronJob|metadata: {name: a234567890123456789012345678901234567890123456789012}", &[]),
    (
        "name-invalid",
        "batch/v1/Job|metadata: {name: a23456789012345678901234567890123456789012345678901234567890123}\nspec: {completionMode: Indexed, completions: 2}",
        &["metadata.name"],
    ),
    (
        "name-invalid",
        "apiregistration.k8s.io/v1/APIService|spec: {group: example.com, version: v1}",
        &["metadata.name"],
    ),
    ("label-invalid", "v1/ConfigMap|metadata: {name: a, labels: {Example.com/a: b}}", &["metadata.labels"]),
    ("label-invalid", "v1/ConfigMap|metadata: {name: a, labels: {example.com/A_b: '', c: D.e}}", &[]),
    (
        "label-invalid",
        "batch/v1/Job|spec: {template: {metadata: {labels: {job-name: b}}}}",
        &["spec.template.metadata.labels[job-name]"],
    ),
    ("label-invalid", "batch/v1/Job|spec: {manualSelector: true, template: {metadata: {labels: {job-name: b}}}}", &[]),
    ("namespace-invalid", "v1/ConfigMap|metadata: {name: a, namespace: a.b}", &["metadata.namespace"]),
    ("namespace-invalid", "v1/Namespace|metadata: {name: a, namespace: b}", &[]),
    (
        "finalizer-invalid",
        "v1/ConfigMap|metadata: {name: a, finalizers: [orphan, foregroundDeletion]}",
        &["metadata.finalizers"],
    ),
    ("finalizer-invalid", "v1/Namespace|spec: {finalizers: [kubernetes]}", &[]),
    ("selector-invalid", "apps/v1/Deployment|spec: {template: PODS}", &["spec.selector"]),
    ("selector-invalid", "apps/v1/DaemonSet|spec: {selector: {}, template: PODS}", &["spec.selector"]),
    ("selector-invalid", "apps/v1/DaemonSet|spec: {template: PODS}", &[]),
    ("selector-mismatch", "apps/v1/DaemonSet|spec: {template: PODS}", &["spec.template.metadata.labels"]),
    (
        "selector-mismatch",
        "apps/v1/Deployment|spec: {selector: {matchExpressions: [{key: app, operator: NotIn, values: [b]}, {key: x, operator: DoesNotExist}]}, template: PODS}",
        &[],
    ),
    (
        "selector-mismatch",
        "v1/ReplicationController|spec: {selector: {app: b}, template: PODS}",
        &["spec.template.metadata.labels"],
    ),
    ("selector-invalid", "batch/v1/Job|spec: {selector: {matchLabels: {a: b}}, JOB}", &["spec.selector"]),
    ("selector-invalid", "batch/v1/Job|spec: {manualSelector: true, JOB}", &["spec.selector"]),
    (
        "selector-invalid",
        "batch/v1/CronJob|spec: {jobTemplate: {spec: {selector: {}, manualSelector: true}}}",
        &["spec.jobTemplate.spec.manualSelector", "spec.jobTemplate.spec.selector"],
    ),
    (
        "strategy-invalid",
        "apps/v1/Deployment|spec: {strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}}",
        &["spec.strategy.rollingUpdate.maxUnavailable"],
    ),
    (
        "strategy-invalid",
        "apps/v1/Deployment|spec: {strategy: {rollingUpdate: {maxSurge: 200%, maxUnavailable: 101%}}}",
        &["spec.strategy.rollingUpdate.maxUnavailable"],
    ),
    ("strategy-invalid", "apps/v1/Deployment|spec: {strategy: {rollingUpdate: {maxSurge: 0}}}", &[]),
    (
        "strategy-invalid",
        "apps/v1/DaemonSet|spec: {updateStrategy: {rollingUpdate: {maxSurge: 1}}}",
        &["spec.updateStrategy.rollingUpdate.maxSurge"],
    ),
    (
        "strategy-invalid",
        "apps/v1/DaemonSet|spec: {updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}}",
        &[],
    ),
    (
        "strategy-invalid",
        "apps/v1/StatefulSet|spec: {updateStrategy: {type: OnDelete, rollingUpdate: {partition: 0}}}",
        &["spec.updateStrategy.rollingUpdate"],
    ),
    (
        "strategy-invalid",
        "apps/v1/StatefulSet|spec: {updateStrategy: {rollingUpdate: {maxUnavailable: 0}}}",
        &["spec.updateStrategy.rollingUpdate.maxUnavailable"],
    ),
    ("workload-field-invalid", "apps/v1/Deployment|spec: {minReadySeconds: 600}", &["spec.progressDeadlineSeconds"]),
    (
        "workload-field-invalid",
        "apps/v1/StatefulSet|spec: {ordinals: {start: -1}, serviceName: a.b}",
        &["spec.ordinals.start", "spec.serviceName"],
    ),
    ("job-invalid", "batch/v1/Job|spec: {completionMode: Indexed, JOB}", &[]),
    (
        "job-invalid",
        "batch/v1/CronJob|spec: {jobTemplate: {spec: {completionMode: Indexed, JOB}}}",
        &["spec.jobTemplate.spec.completions"],
    ),
    (
        "job-invalid",
        "batch/v1/Job|spec: {maxFailedIndexes: 1, JOB}",
        &["spec.backoffLimitPerIndex", "spec.maxFailedIndexes"],
    ),
    (
        "job-invalid",
        "batch/v1/Job|spec: {podReplacementPolicy: TerminatingOrFailed, podFailurePolicy: {}, JOB}",
        &["spec.podReplacementPolicy"],
    ),
    ("job-invalid", "batch/v1/Job|spec: {managedBy: me, JOB}", &["spec.managedBy"]),
    (
        "job-policy-invalid",
        "batch/v1/Job|spec: {podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}]}, JOB}",
        &[],
    ),
    (
        "job-policy-invalid",
        "batch/v1/Job|spec: {podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: {operator: NotIn, values: [0, 5, 3, 3]}}]}, JOB}",
        &[
            "spec.podFailurePolicy.rules[0].action",
            "spec.podFailurePolicy.rules[0].onExitCodes.values",
            "spec.podFailurePolicy.rules[0].onExitCodes.values",
        ],
    ),
    (
        "job-policy-invalid",
        "batch/v1/Job|spec: {completionMode: Indexed, completions: 5, successPolicy: {rules: [{succeededIndexes: '0-5'}, {succeededCount: 6}, {}]}, JOB}",
        &[
            "spec.successPolicy.rules[0].succeededIndexes",
            "spec.successPolicy.rules[1].succeededCount",
            "spec.successPolicy.rules[2]",
        ],
    ),
    (
        "schedule-invalid",
        "batch/v1/CronJob|spec: {schedule: 'CRON_TZ=UTC 0 0 * * *', timeZone: Local, concurrencyPolicy: allow}",
        &["spec.concurrencyPolicy", "spec.schedule", "spec.timeZone"],
    ),
    ("service-port-invalid", "v1/Service|spec: {clusterIP: None}", &[]),
    (
        "service-port-invalid",
        "v1/Service|spec: {ports: [{name: a, port: 53, protocol: UDP}, {name: b, port: 53}]}",
        &[],
    ),
    (
        "service-port-invalid",
        "v1/Service|spec: {ports: [{name: a, port: 53}, {name: a, port: 53, protocol: TCP}]}",
        &["spec.ports[1]", "spec.ports[1].name"],
    ),
    (
        "service-port-invalid",
        "v1/Service|spec: {ports: [{port: 80, targetPort: too-long-for-a-port}]}",
        &["spec.ports[0].targetPort"],
    ),
    ("service-port-invalid", "v1/Service|spec: {type: LoadBalancer, ports: [{port: 10250}]}", &["spec.ports[0]"]),
    (
        "service-type-invalid",
        "v1/Service|spec: {type: ExternalName, externalName: a.b., clusterIP: None}",
        &["spec.clusterIPs"],
    ),
    (
        "service-type-invalid",
        "v1/Service|spec: {type: NodePort, clusterIP: None, loadBalancerClass: a/b}",
        &["spec.clusterIPs[0]", "spec.loadBalancerClass"],
    ),
    ("service-policy-invalid", "v1/Service|spec: {externalIPs: [1.2.3.4], externalTrafficPolicy: Cluster}", &[]),
    (
        "service-policy-invalid",
        "v1/Service|spec: {type: LoadBalancer, healthCheckNodePort: 30000}",
        &["spec.healthCheckNodePort"],
    ),
    (
        "service-policy-invalid",
        "v1/Service|spec: {sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}, trafficDistribution: Near}",
        &["spec.sessionAffinityConfig.clientIP.timeoutSeconds", "spec.trafficDistribution"],
    ),
    (
        "service-address-invalid",
        "v1/Service|spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 'fd00::1'], ipFamilyPolicy: PreferDualStack}",
        &[],
    ),
    (
        "service-address-invalid",
        "v1/Service|spec: {clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2, 10.0.0.3]}",
        &["spec.clusterIPs", "spec.clusterIPs"],
    ),
    (
        "service-address-invalid",
        "v1/Service|spec: {externalIPs: [127.0.0.1, 169.254.1.1, 0.0.0.0, 224.0.0.1, 203.0.113.1]}",
        &["spec.externalIPs[0]", "spec.externalIPs[1]", "spec.externalIPs[2]", "spec.externalIPs[3]"],
    ),
    (
        "service-address-invalid",
        "v1/Service|spec: {ipFamilies: [IPv4, IPv4], ipFamilyPolicy: SingleStack}",
        &["spec.ipFamilies[1]", "spec.ipFamilyPolicy"],
    ),
    (
        "config-key-invalid",
        "v1/ConfigMap|data: {a: x}\nbinaryData: {a: eA==, ..b: eA==}",
        &["binaryData[..b]", "data[a]"],
    ),
    ("config-key-invalid", "v1/Secret|stringData: {a/b: x}", &["data[a/b]"]),
    (
        "secret-type-data-missing",
        "v1/Secret|type: kubernetes.io/ssh-auth\nstringData: {ssh-privatekey: ''}",
        &["data[ssh-privatekey]"],
    ),
    ("secret-type-data-missing", "v1/Secret|type: kubernetes.io/dockercfg\ndata: {.dockercfg: e30=}", &[]),
    (
        "secret-type-data-missing",
        "v1/Secret|type: kubernetes.io/dockercfg\ndata: {.dockercfg: W10=}",
        &["data[.dockercfg]"],
    ),
    (
        "secret-type-data-missing",
        "v1/Secret|type: kubernetes.io/service-account-token",
        &["metadata.annotations[kubernetes.io/service-account.name]"],
    ),
    (
        "pod-security-level-invalid",
        "v1/Namespace|metadata: {name: a, labels: {pod-security.kubernetes.io/warn-version: v1.30, pod-security.kubernetes.io/audit-version: '1.30'}}",
        &["metadata.labels[pod-security.kubernetes.io/audit-version]"],
    ),
    (
        "claim-invalid",
        "v1/PersistentVolumeClaim|spec: {accessModes: [ReadWriteOncePod, ReadWriteOnce], resources: {requests: {storage: 0}}}",
        &["spec.accessModes", "spec.resources[storage]"],
    ),
    (
        "claim-invalid",
        "v1/PersistentVolumeClaim|spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1}}, storageClassName: '', dataSource: {kind: Disk, name: a, apiGroup: b.c}}",
        &[],
    ),
    (
        "rbac-rule-invalid",
        "rbac.authorization.k8s.io/v1/Role|rules: [{nonResourceURLs: [/a], verbs: [get]}]",
        &["rules[0].nonResourceURLs"],
    ),
    (
        "rbac-rule-invalid",
        "rbac.authorization.k8s.io/v1/ClusterRole|aggregationRule: {}",
        &["aggregationRule.clusterRoleSelectors"],
    ),
    (
        "role-ref-invalid",
        "rbac.authorization.k8s.io/v1/ClusterRoleBinding|roleRef: {kind: Role, name: a}",
        &["roleRef.kind"],
    ),
    (
        "role-ref-invalid",
        "rbac.authorization.k8s.io/v1/RoleBinding|roleRef: {kind: Role, name: a}\nsubjects: [{kind: ServiceAccount, name: a, apiGroup: b}]",
        &["subjects[0].apiGroup"],
    ),
    (
        "network-policy-invalid",
        "networking.k8s.io/v1/NetworkPolicy|spec: {ingress: [{from: [{podSelector: {}, ipBlock: {cidr: '::/0', except: ['fd00::/8', '::/0', 10.0.0.0/8]}}]}]}",
        &[
            "spec.ingress[0].from[0]",
            "spec.ingress[0].from[0].ipBlock.except[1]",
            "spec.ingress[0].from[0].ipBlock.except[2]",
        ],
    ),
    ("ingress-invalid", "networking.k8s.io/v1/Ingress|spec: {}", &["spec"]),
    (
        "ingress-invalid",
        "networking.k8s.io/v1/Ingress|spec: {rules: [{host: 10.0.0.1}, {host: '*.a.b'}, {host: 'a:80'}]}",
        &["spec.rules[0].host", "spec.rules[2].host"],
    ),
    (
        "ingress-invalid",
        "networking.k8s.io/v1/Ingress|spec: {rules: [{http: {paths: [{path: /a//b, pathType: Exact, backend: {resource: {kind: a, name: b}}}, {pathType: ImplementationSpecific, backend: {service: {name: a, port: {name: b, number: 1}}}}]}}]}",
        &["spec.rules[0].http.paths[0].path", "spec.rules[0].http.paths[1].backend"],
    ),
    (
        "ingress-class-invalid",
        "networking.k8s.io/v1/IngressClass|spec: {controller: a/b, parameters: {kind: a, name: b, scope: Namespace}}",
        &["spec.parameters.namespace"],
    ),
    (
        "disruption-budget-invalid",
        "policy/v1/PodDisruptionBudget|spec: {maxUnavailable: 101%}",
        &["spec.maxUnavailable"],
    ),
    (
        "autoscaler-invalid",
        "autoscaling/v2/HorizontalPodAutoscaler|spec: {maxReplicas: 1, scaleTargetRef: {kind: ReplicationController, name: a, apiVersion: v1}}",
        &[],
    ),
    (
        "autoscaler-invalid",
        "autoscaling/v1/HorizontalPodAutoscaler|spec: {maxReplicas: 1, targetCPUUtilizationPercentage: 0, scaleTargetRef: {kind: Deployment, name: a, apiVersion: v1}}",
        &["spec.metrics[0].resource.target.averageUtilization", "spec.scaleTargetRef.apiVersion"],
    ),
    (
        "autoscaler-invalid",
        "autoscaling/v2/HorizontalPodAutoscaler|spec: {maxReplicas: 1, scaleTargetRef: {kind: a, name: b, apiVersion: c/d}, metrics: [{type: Pods, pods: {metric: {name: a}, target: {type: AverageValue, averageValue: 0}}}, {type: External, external: {metric: {name: a}, target: {type: Value, value: 1, averageValue: 1}}}]}",
        &[
            "spec.metrics[0].pods.target.averageValue",
            "spec.metrics[0].pods.target.averageValue",
            "spec.metrics[1].external.target.value",
        ],
    ),
    (
        "quota-invalid",
        "v1/ResourceQuota|spec: {hard: {pods: 1.5, count/deployments.apps: 1, requests.example.com/gpu: 1, requests.hugepages-2Mi: 1Gi}}",
        &["spec.hard[pods]"],
    ),
    (
        "quota-invalid",
        "v1/ResourceQuota|spec: {hard: {cpu: 1}, scopes: [BestEffort, NotBestEffort]}",
        &["spec.scopes", "spec.scopes"],
    ),
    (
        "quota-invalid",
        "v1/ResourceQuota|spec: {hard: {cpu: 1}, scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In}]}}",
        &["spec.scopeSelector.matchExpressions.values"],
    ),
    (
        "limit-range-invalid",
        "v1/LimitRange|spec: {limits: [{type: Pod, default: {cpu: 1}}, {type: PersistentVolumeClaim}]}",
        &["spec.limits[0].default", "spec.limits[1].limits"],
    ),
    (
        "limit-range-invalid",
        "v1/LimitRange|spec: {limits: [{type: Container, min: {cpu: 2}, max: {cpu: 1}}]}",
        &["spec.limits[0].defaultRequest[cpu]", "spec.limits[0].default[cpu]", "spec.limits[0].min[cpu]"],
    ),
    (
        "limit-range-invalid",
        "v1/LimitRange|spec: {limits: [{type: Container, maxLimitRequestRatio: {cpu: 500m}}]}",
        &["spec.limits[0].maxLimitRequestRatio[cpu]"],
    ),
    (
        "priority-class-invalid",
        "scheduling.k8s.io/v1/PriorityClass|metadata: {name: system-a}\nvalue: 1",
        &["metadata.name"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], local: {path: /a}}",
        &["spec.nodeAffinity"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {cpu: 1}, accessModes: [ReadWriteOnce], nfs: {server: a, path: b}, hostPath: {path: /a}}",
        &["spec.capacity", "spec.nfs"],
    ),
    (
        "webhook-invalid",
        "admissionregistration.k8s.io/v1/MutatingWebhookConfiguration|webhooks: [{name: a.b.c, clientConfig: {}, sideEffects: Some, admissionReviewVersions: [v2], timeoutSeconds: 31, reinvocationPolicy: Once}]",
        &[
            "webhooks[0].admissionReviewVersions",
            "webhooks[0].clientConfig",
            "webhooks[0].reinvocationPolicy",
            "webhooks[0].sideEffects",
            "webhooks[0].timeoutSeconds",
        ],
    ),
    (
        "endpoints-invalid",
        "discovery.k8s.io/v1/EndpointSlice|addressType: IPv4\nendpoints: [{addresses: ['::1']}, {addresses: [10.0.0.1]}, {}]",
        &["endpoints[0].addresses[0]", "endpoints[2].addresses"],
    ),
    (
        "storage-class-invalid",
        "storage.k8s.io/v1/StorageClass|reclaimPolicy: Recycle",
        &["provisioner", "reclaimPolicy"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: a, path: /a}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: In, values: [b]}]}]}}}",
        &[],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: a, path: /a}, nodeAffinity: {}}",
        &["spec.nodeAffinity.required"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: a, path: /a}, nodeAffinity: {required: {}}}",
        &["spec.nodeAffinity.required.nodeSelectorTerms"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], nfs: {server: a, path: /a}, nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a/b/c, operator: Is, values: [-b]}]}]}}}",
        &[
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].operator",
            "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]",
        ],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a, type: Folder}}",
        &["spec.hostPath.type"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a, type: ''}}",
        &[],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], gcePersistentDisk: {partition: 256}}",
        &["spec.persistentDisk.partition", "spec.persistentDisk.pdName"],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: A.b, volumeHandle: h, nodeStageSecretRef: {}}}",
        &[],
    ),
    (
        "persistent-volume-invalid",
        "v1/PersistentVolume|spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], csi: {driver: a_b, volumeHandle: h, nodePublishSecretRef: {name: a}, controllerExpandSecretRef: {name: A, namespace: a.b}}}",
        &[
            "spec.csi.controllerExpandSecretRef.name",
            "spec.csi.controllerExpandSecretRef.namespace",
            "spec.csi.driver",
            "spec.csi.nodePublishSecretRef.namespace",
        ],
    ),
    (
        "storage-class-invalid",
        "storage.k8s.io/v1/StorageClass|provisioner: a\nallowedTopologies: [{matchLabelExpressions: [{key: a, values: [b, c]}, {key: b, values: [c]}]}, {matchLabelExpressions: [{key: a, values: [b]}]}]",
        &[],
    ),
    (
        "storage-class-invalid",
        "storage.k8s.io/v1/StorageClass|provisioner: a\nallowedTopologies: [{matchLabelExpressions: [{key: a, values: [b, b]}, {key: a, values: [c]}]}]",
        &[
            "allowedTopologies[0].matchLabelExpressions[0].values[1]",
            "allowedTopologies[0].matchLabelExpressions[1].key",
        ],
    ),
    (
        "storage-class-invalid",
        "storage.k8s.io/v1/StorageClass|provisioner: a\nallowedTopologies: [{matchLabelExpressions: [{key: a, values: [b, c]}]}, {matchLabelExpressions: [{key: a, values: [c, b]}]}]",
        &["allowedTopologies[1].matchLabelExpressions"],
    ),
    (
        "endpoints-invalid",
        "v1/Endpoints|subsets: [{addresses: [{ip: 10.0.0.1, nodeName: a.b}, {ip: 10.0.0.2, nodeName: A}]}]",
        &["subsets[0].addresses[1].nodeName"],
    ),
    (
        "endpoints-invalid",
        "discovery.k8s.io/v1/EndpointSlice|addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], nodeName: a_b, hints: {forZones: [{name: a}, {name: a}, {name: -a}]}}]",
        &["endpoints[0].hints.forZones[1].name", "endpoints[0].hints.forZones[2].name", "endpoints[0].nodeName"],
    ),
    (
        "endpoints-invalid",
        "discovery.k8s.io/v1/EndpointSlice|addressType: IPv4\nendpoints: [{addresses: [10.0.0.1], nodeName: a.b, hints: {forZones: [{name: a}, {name: ''}]}}]",
        &[],
    ),
    (
        "selector-invalid",
        "v1/ReplicationController|spec: {template: {metadata: {labels: {}}, spec: {containers: [{name: a, image: i}]}}}",
        &["spec.selector"],
    ),
    ("selector-invalid", "v1/ReplicationController|spec: {selector: {}, template: PODS}", &[]),
    (
        "claim-invalid",
        "v1/Pod|spec: {containers: [{name: a, image: i}], volumes: [{name: v, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: b}, annotations: {A: \"any text\"}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, selector: {matchLabels: {a: b}}}}}}]}",
        &[],
    ),
    (
        "claim-invalid",
        "v1/Pod|spec: {containers: [{name: a, image: i}], volumes: [{name: v, ephemeral: {volumeClaimTemplate: {metadata: {labels: {a: -b}, annotations: {-c: d}}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, selector: {matchLabels: {a: -b}}}}}}]}",
        &[
            "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.annotations",
            "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.labels",
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.selector.matchLabels",
        ],
    ),
    (
        "claim-invalid",
        "apps/v1/StatefulSet|spec: {volumeClaimTemplates: [{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, selector: {matchExpressions: [{key: a, operator: In}]}}}]}",
        &["spec.volumeClaimTemplates[0].spec.selector.matchExpressions[0].values"],
    ),
    (
        "runtime-class-invalid",
        "node.k8s.io/v1/RuntimeClass|handler: a\noverhead: {podFixed: {memory: 1Mi}}\nscheduling: {tolerations: [{operator: Exists}, {key: a, operator: Exists}, {key: a, value: b}]}",
        &[],
    ),
    (
        "runtime-class-invalid",
        "node.k8s.io/v1/RuntimeClass|handler: a\noverhead: {podFixed: {disk: 1Mi, cpu: -1}}\nscheduling: {tolerations: [{key: a, operator: Is}, {}, {key: b}, {key: b}]}",
        &[
            "overhead.limits[cpu]",
            "overhead.limits[disk]",
            "scheduling.tolerations[0].operator",
            "scheduling.tolerations[1].operator",
            "scheduling.tolerations[3]",
        ],
    ),
    (
        "webhook-invalid",
        "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration|webhooks: [{name: a.b.c, admissionReviewVersions: [v1], sideEffects: None, clientConfig: {url: \"https://a\"}, matchConditions: [{name: a.b/c, expression: 'true'}, {name: d, expression: 'object.kind == \"a\"'}]}]",
        &[],
    ),
    (
        "webhook-invalid",
        "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration|webhooks: [{name: a.b.c, admissionReviewVersions: [v1], sideEffects: None, clientConfig: {url: \"https://a\"}, matchConditions: [{name: a b, expression: 'true'}, {name: d, expression: ' '}, {name: d, expression: 'true'}, {}]}]",
        &[
            "webhooks[0].matchConditions[0].name",
            "webhooks[0].matchConditions[1].expression",
            "webhooks[0].matchConditions[2].name",
            "webhooks[0].matchConditions[3].expression",
            "webhooks[0].matchConditions[3].name",
        ],
    ),
    (
        "flow-control-invalid",
        "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration|spec: {type: Limited, limited: {nominalConcurrencyShares: 0, lendablePercent: 100, limitResponse: {type: Queue, queuing: {queues: 0}}}}",
        &[],
    ),
    (
        "flow-control-invalid",
        "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration|spec: {type: Limited, limited: {limitResponse: {type: Reject}}}",
        &[],
    ),
    (
        "flow-control-invalid",
        "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration|spec: {type: Limited, limited: {lendablePercent: 101, borrowingLimitPercent: -1, limitResponse: {type: Drop}}}",
        &["spec.limited.borrowingLimitPercent", "spec.limited.lendablePercent", "spec.limited.limitResponse.type"],
    ),
    (
        "flow-control-invalid",
        "flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration|spec: {type: Limited, limited: {limitResponse: {type: Queue, queuing: {queues: 4, queueLengthLimit: -1}}}}",
        &["spec.limited.limitResponse.queuing.handSize", "spec.limited.limitResponse.queuing.queueLengthLimit"],
    ),
    (
        "flow-control-invalid",
        "flowcontrol.apiserver.k8s.io/v1/FlowSchema|spec: {matchingPrecedence: 5, priorityLevelConfiguration: {name: a}, rules: [{nonResourceRules: [{verbs: [get], nonResourceURLs: [/a]}], subjects: [{kind: User, user: {name: 'a:b'}}, {kind: Group, group: {name: 'a:b'}}, {kind: ServiceAccount, serviceAccount: {name: '*', namespace: a}}]}]}",
        &[],
    ),
    (
        "flow-control-invalid",
        "flowcontrol.apiserver.k8s.io/v1/FlowSchema|spec: {matchingPrecedence: 5, priorityLevelConfiguration: {name: a}, rules: [{nonResourceRules: [{verbs: [get], nonResourceURLs: [/a]}], subjects: [{kind: User, user: {}, group: {name: a}}, {kind: Group}, {kind: ServiceAccount, serviceAccount: {name: A}}]}]}",
        &[
            "spec.rules[0].subjects[0].group",
            "spec.rules[0].subjects[0].user.name",
            "spec.rules[0].subjects[1].group",
            "spec.rules[0].subjects[2].serviceAccount.name",
            "spec.rules[0].subjects[2].serviceAccount.namespace",
        ],
    ),
    ("name-invalid", "storage.k8s.io/v1/CSIDriver|metadata: {name: A.b}", &[]),
    ("name-invalid", "storage.k8s.io/v1/CSIDriver|metadata: {name: a_b}", &["metadata.name"]),
];

#[test]
fn cases_report_their_fields() {
    let mut wrong = Vec::new();
    for (rule, text, fields) in CASES {
        let (head, rest) = text.split_once('|').unwrap();
        let (version, kind) = head.rsplit_once('/').unwrap();
        let rest = rest.replace("PODS", PODS).replace("JOB", JOB);
        let metadata = if rest.starts_with("metadata") { "" } else { "metadata: {name: a}\n" };
        let manifest = format!("apiVersion: {version}\nkind: {kind}\n{metadata}{rest}\n");
        let sources = Sources::new();
        let mut input = Input::default();
        input.add(&sources, sources.add("case.yaml", manifest), true);
        let options = Options { only: vec![(*rule).to_owned()], ..Options::default() };
        let mut found: Vec<_> = check(&input.objects, &options)
            .into_iter()
            .filter(|finding| finding.rule.name() == *rule && finding.severity == Severity::Error)
            .map(|finding| finding.field)
            .collect();
        found.sort();
        if !input.findings.is_empty() || found != *fields {
            wrong.push(format!("{rule}: {text}\n  {found:?}, not {fields:?} {:?}", input.findings));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
