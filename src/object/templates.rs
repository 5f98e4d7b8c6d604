//! The pod templates of objects: of built-in kinds by name, of custom resources by a table and by the fields that most of them
//! use.

use smallvec::{SmallVec, smallvec};

use super::Object;
use crate::fields;
use crate::node::Node;

/// The path of the pod template in an object of a built-in kind: the node with the pod's `metadata` and `spec`, which for a Pod
/// is the object itself.
#[derive(Debug, Clone, Copy)]
pub struct PodTemplatePath {
    /// The keys from the object to the node.
    pub keys: &'static [&'static str],
    /// The path to the template of the objects that the controller creates: the pod template, or the Job template of a CronJob.
    pub copied: &'static [&'static str],
    /// The field path of the node.
    pub template: &'static str,
    /// The field path of its `spec`.
    pub spec: &'static str,
}

/// A Pod or a pod template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PodTemplate<'a> {
    /// Its `metadata`.
    pub metadata: &'a Node,
    /// Its `spec`.
    pub spec: &'a Node,
    /// Whether its pods run to completion, as those of a Job.
    pub ends: bool,
    /// Whether a controller adds containers, labels or volumes to it.
    pub partial: bool,
}

const WORKLOAD: PodTemplatePath = PodTemplatePath {
    keys: &["spec", "template"],
    copied: &["spec", "template"],
    template: "spec.template",
    spec: "spec.template.spec",
};

const CRON_JOB_TEMPLATE: &str = "spec.jobTemplate.spec.template";

/// What is at a path of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TemplateForm {
    /// A template with `metadata` and `spec`.
    Template,
    /// A template whose pods run to completion.
    Job,
    /// A template that the controller completes.
    Partial,
    /// The `spec` of a pod, to which the controller adds labels.
    Spec,
}

use TemplateForm::{Job, Partial, Spec, Template};

/// Pod templates of custom resources that are not at `spec.template`, or are not complete: group, kind, paths, and what is at
/// these paths. The source is given above the rows of each group.
const TABLE: &[(&str, &str, &[&str], TemplateForm)] = &[
    // https://github.com/actions/actions-runner-controller/tree/master/config/crd/bases
    ("actions.summerwind.dev", "RunnerDeployment", &["spec.template.spec"], Spec),
    ("actions.summerwind.dev", "RunnerSet", &["spec.template"], Partial),
    // https://openkruise.io/docs/user-manuals/broadcastjob, https://openkruise.io/docs/user-manuals/advancedcronjob
    ("apps.kruise.io", "AdvancedCronJob", &["spec.template.broadcastJobTemplate.spec.template", CRON_JOB], Job),
    ("apps.kruise.io", "BroadcastJob", &["spec.template"], Job),
    // https://volcano.sh/en/docs/vcjob/
    ("batch.volcano.sh", "Job", &["spec.tasks[].template"], Job),
    // https://www.elastic.co/guide/en/cloud-on-k8s/current/k8s-customize-pods.html
    ("agent.k8s.elastic.co", "Agent", &["spec.deployment.podTemplate", "spec.daemonSet.podTemplate"], Partial),
    ("apm.k8s.elastic.co", "ApmServer", &["spec.podTemplate"], Partial),
    ("beat.k8s.elastic.co", "Beat", &["spec.deployment.podTemplate", "spec.daemonSet.podTemplate"], Partial),
    ("elasticsearch.k8s.elastic.co", "Elasticsearch", &["spec.nodeSets[].podTemplate"], Partial),
    ("enterprisesearch.k8s.elastic.co", "EnterpriseSearch", &["spec.podTemplate"], Partial),
    ("kibana.k8s.elastic.co", "Kibana", &["spec.podTemplate"], Partial),
    ("logstash.k8s.elastic.co", "Logstash", &["spec.podTemplate"], Partial),
    ("maps.k8s.elastic.co", "ElasticMapsServer", &["spec.podTemplate"], Partial),
    // https://nightlies.apache.org/flink/flink-kubernetes-operator-docs-stable/docs/custom-resource/pod-template/
    (
        "flink.apache.org",
        "FlinkDeployment",
        &["spec.podTemplate", "spec.jobManager.podTemplate", "spec.taskManager.podTemplate"],
        Partial,
    ),
    // https://github.com/kubernetes-sigs/jobset/blob/main/api/jobset/v1alpha2/jobset_types.go
    ("jobset.x-k8s.io", "JobSet", &["spec.replicatedJobs[].template.spec.template"], Job),
    // https://keda.sh/docs/latest/reference/scaledjob-spec/
    ("keda.sh", "ScaledJob", &["spec.jobTargetRef.template"], Job),
    // https://github.com/kubeflow/trainer/tree/release-1.9/pkg/apis/kubeflow.org/v1
    ("kubeflow.org", "JAXJob", &["spec.jaxReplicaSpecs.*.template"], Job),
    ("kubeflow.org", "MPIJob", &["spec.mpiReplicaSpecs.*.template"], Job),
    ("kubeflow.org", "PaddleJob", &["spec.paddleReplicaSpecs.*.template"], Job),
    ("kubeflow.org", "PyTorchJob", &["spec.pytorchReplicaSpecs.*.template"], Job),
    ("kubeflow.org", "TFJob", &["spec.tfReplicaSpecs.*.template"], Job),
    ("kubeflow.org", "XGBoostJob", &["spec.xgbReplicaSpecs.*.template"], Job),
    // https://lws.sigs.k8s.io/docs/reference/leaderworkerset.v1/
    (
        "leaderworkerset.x-k8s.io",
        "LeaderWorkerSet",
        &["spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate"],
        Template,
    ),
    // https://prometheus-operator.dev/docs/api-reference/api/
    ("monitoring.coreos.com", "Alertmanager", &["spec"], Spec),
    ("monitoring.coreos.com", "Prometheus", &["spec"], Spec),
    ("monitoring.coreos.com", "PrometheusAgent", &["spec"], Spec),
    ("monitoring.coreos.com", "ThanosRuler", &["spec"], Spec),
    // https://cloudnative-pg.io/documentation/current/connection_pooling/#pod-templates
    ("postgresql.cnpg.io", "Pooler", &["spec.template"], Partial),
    // https://docs.ray.io/en/latest/cluster/kubernetes/references.html
    ("ray.io", "RayCluster", &["spec.headGroupSpec.template", "spec.workerGroupSpecs[].template"], Template),
    (
        "ray.io",
        "RayJob",
        &["spec.rayClusterSpec.headGroupSpec.template", "spec.rayClusterSpec.workerGroupSpecs[].template"],
        Template,
    ),
    (
        "ray.io",
        "RayService",
        &["spec.rayClusterConfig.headGroupSpec.template", "spec.rayClusterConfig.workerGroupSpecs[].template"],
        Template,
    ),
    // https://knative.dev/docs/serving/reference/serving-api/: a revision's spec is a pod's.
    ("serving.knative.dev", "Revision", &[""], Template),
    // https://kserve.github.io/website/latest/reference/api/
    ("serving.kserve.io", "ClusterServingRuntime", &["spec"], Spec),
    ("serving.kserve.io", "InferenceService", &["spec.explainer", "spec.predictor", "spec.transformer"], Spec),
    ("serving.kserve.io", "ServingRuntime", &["spec"], Spec),
    // https://knative.dev/docs/eventing/sinks/job-sink/
    ("sinks.knative.dev", "JobSink", &["spec.job.spec.template"], Job),
];

const CRON_JOB: &str = "spec.template.jobTemplate.spec.template";

/// The paths at which other custom resources have complete templates.
const USUAL: [&str; 3] = ["spec.template", "spec.podTemplate", "spec.jobTemplate.spec.template"];

impl Object {
    /// The path of its pod template, if its kind is built in and has one.
    #[must_use]
    pub fn pod_template_path(&self) -> Option<PodTemplatePath> {
        match (self.group(), self.kind()) {
            ("", "Pod") => Some(PodTemplatePath { keys: &[], copied: &[], template: "", spec: "spec" }),
            ("", "PodTemplate") => Some(PodTemplatePath {
                keys: &["template"],
                copied: &["template"],
                template: "template",
                spec: "template.spec",
            }),
            ("batch", "CronJob") => Some(PodTemplatePath {
                keys: &["spec", "jobTemplate", "spec", "template"],
                copied: &["spec", "jobTemplate"],
                template: CRON_JOB_TEMPLATE,
                spec: "spec.jobTemplate.spec.template.spec",
            }),
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job")
            | ("", "ReplicationController") => Some(WORKLOAD),
            _ => None,
        }
    }

    /// Its pod template (for a Pod, the object itself), if its kind is built in and the template is set.
    #[must_use]
    pub fn pod_template(&self) -> Option<&Node> {
        self.pod_template_path().map(|path| self.node.at(path.keys)).filter(|node| node.is_set())
    }

    /// The keys to the template of the objects that its controller creates: the pod template, or the Job template of a
    /// CronJob. For custom resources, only a template at `spec.template`.
    #[must_use]
    pub fn copied_path(&self) -> Option<&'static [&'static str]> {
        match self.pod_template_path() {
            Some(path) => Some(path.copied).filter(|keys| !keys.is_empty()),
            None if self.listed_templates().is_none() && self.has_usual_template(USUAL[0]) => Some(WORKLOAD.copied),
            None => None,
        }
    }

    /// All its pod templates, including those of custom resources.
    #[must_use]
    pub fn pod_templates(&self) -> SmallVec<[PodTemplate<'_>; 1]> {
        if let Some(path) = self.pod_template_path() {
            let node = self.node.at(path.keys);
            let ends = matches!(self.kind(), "Job" | "CronJob");
            let template = PodTemplate { metadata: &node["metadata"], spec: &node["spec"], ends, partial: false };
            return if node.is_set() { smallvec![template] } else { SmallVec::new() };
        }
        let mut found = SmallVec::new();
        if !self.is_custom() {
            return found;
        }
        match self.listed_templates() {
            Some((patterns, form)) => {
                for pattern in patterns {
                    fields::each(&self.node, pattern, &mut |_, node| found.extend(form.of(node)));
                }
            }
            None => {
                for pattern in USUAL.iter().filter(|pattern| self.has_usual_template(pattern)) {
                    fields::each(&self.node, pattern, &mut |_, node| found.extend(Template.of(node)));
                }
            }
        }
        found
    }

    /// Patterns of the field paths of the `spec` of all its pod templates.
    #[must_use]
    pub fn pod_spec_patterns(&self) -> Vec<String> {
        self.pod_patterns("spec", &|form| form == Spec)
    }

    /// Patterns of the field paths of the `metadata` of all its pod templates.
    pub fn pod_metadata_patterns(&self) -> impl Iterator<Item = String> {
        self.pod_patterns("metadata", &|_| false).into_iter().filter(|pattern| pattern != "metadata")
    }

    /// Patterns of the field paths of a field of all pod templates; `is_itself` returns whether the path of a form is that of
    /// the field.
    fn pod_patterns(&self, field: &str, is_itself: &dyn Fn(TemplateForm) -> bool) -> Vec<String> {
        let below = |pattern: &str| match pattern {
            "" => field.to_owned(),
            pattern => format!("{pattern}.{field}"),
        };
        if let Some(path) = self.pod_template_path() {
            return vec![below(path.template)];
        }
        match self.listed_templates() {
            Some((patterns, form)) if is_itself(form) => patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            Some((patterns, _)) => patterns.iter().map(|pattern| below(pattern)).collect(),
            None if self.is_custom() => USUAL.iter().map(|pattern| below(pattern)).collect(),
            None => Vec::new(),
        }
    }

    /// The rows of the table for its kind.
    fn listed_templates(&self) -> Option<(&'static [&'static str], TemplateForm)> {
        let (group, kind) = (self.group(), self.kind());
        TABLE.iter().find(|row| row.1 == kind && row.0 == group).map(|row| (row.2, row.3))
    }

    /// Whether there is a complete pod template at a path.
    fn has_usual_template(&self, pattern: &str) -> bool {
        let mut has = false;
        fields::each(&self.node, pattern, &mut |_, node| {
            let containers = node["spec"]["containers"].items();
            has |= !containers.is_empty() && containers.iter().all(|container| !container.entries().is_empty());
        });
        has && self.is_custom()
    }
}

/// A field path relative to the pod template of a built-in kind.
#[must_use]
pub fn below_template(path: &str) -> &str {
    let below = |template: &str| path.strip_prefix(template)?.strip_prefix('.');
    [CRON_JOB_TEMPLATE, WORKLOAD.template].into_iter().find_map(below).unwrap_or(path)
}

impl TemplateForm {
    /// The pod template at a node; `None` if its spec is empty.
    fn of(self, node: &Node) -> Option<PodTemplate<'_>> {
        let (metadata, spec) = match self {
            Spec => (Node::absent(), node),
            _ => (&node["metadata"], &node["spec"]),
        };
        let ends = self == Job || matches!(spec["restartPolicy"].text(), "Never" | "OnFailure");
        let partial = matches!(self, Partial | Spec);
        (!spec.entries().is_empty()).then_some(PodTemplate { metadata, spec, ends, partial })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use crate::yaml::{Dialect, load_text};

    fn object(api_version: &str, kind: &str, body: &str) -> Object {
        let text = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}\n{body}\n");
        Object::new(load_text(&text, FileId(0), Dialect::Kubectl).documents.remove(0))
    }

    /// The images of all templates, and how many templates run to completion or are partial.
    fn summary(object: &Object) -> (Vec<&str>, usize, usize) {
        let templates = object.pod_templates();
        let images = templates.iter().flat_map(|template| template.spec["containers"].items());
        (
            images.map(|container| container["image"].text()).collect(),
            templates.iter().filter(|template| template.ends).count(),
            templates.iter().filter(|template| template.partial).count(),
        )
    }

    #[test]
    fn all_rows_of_the_table_match() {
        for (group, kind, patterns, form) in TABLE {
            for pattern in *patterns {
                let pod = match form {
                    Spec => "{containers: [{image: i}]}",
                    _ => "{metadata: {labels: {a: b}}, spec: {containers: [{image: i}]}}",
                };
                let mut body = pod.to_owned();
                for step in pattern.split('.').rev().filter(|step| !step.is_empty()) {
                    body = match step.strip_suffix("[]") {
                        Some(list) => format!("{{{list}: [{body}]}}"),
                        None if step == "*" => format!("{{any: {body}}}"),
                        None => format!("{{{step}: {body}}}"),
                    };
                }
                let body = body.strip_prefix('{').and_then(|body| body.strip_suffix('}')).unwrap_or(&body);
                let spec = match pattern.is_empty() {
                    true => "spec: {containers: [{image: i}]}".to_owned(),
                    false => body.to_owned(),
                };
                let object = object(&format!("{group}/v1"), kind, &spec);
                let (images, ends, partial) = summary(&object);
                assert_eq!(images, ["i"], "{kind} {spec}");
                assert_eq!((ends == 1, partial == 1), (*form == Job, matches!(form, Partial | Spec)), "{kind}");
            }
        }
    }

    #[test]
    fn complete_templates_are_recognized_at_usual_paths() {
        let pod = "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: i}]}}";
        let has = |api_version: &str, kind: &str, body: &str| summary(&object(api_version, kind, body)).0.len();
        let spec = format!("spec: {{template: {pod}}}");
        assert_eq!(has("argoproj.io/v1alpha1", "Rollout", &spec), 1);
        assert_eq!(has("apps.kruise.io/v1alpha1", "CloneSet", &spec), 1);
        assert_eq!(has("serving.knative.dev/v1", "Service", &spec), 1);
        assert_eq!(has("example.com/v1", "Anything", &format!("spec: {{podTemplate: {pod}}}")), 1);
        assert_eq!(has("example.com/v1", "Anything", &format!("spec: {{jobTemplate: {{{spec}}}}}")), 1);
        // Templates of nodes, machines and clusters are not pod templates.
        assert_eq!(has("karpenter.sh/v1", "NodePool", "spec: {template: {spec: {nodeClassRef: {name: a}}}}"), 0);
        assert_eq!(has("example.com/v1", "Anything", "spec: {template: {spec: {containers: [a, b]}}}"), 0);
        assert_eq!(has("v1", "ConfigMap", &spec), 0);
        let rollout = object("argoproj.io/v1alpha1", "Rollout", &spec);
        assert_eq!(rollout.copied_path(), Some(&["spec", "template"][..]));
        assert_eq!(object("batch/v1", "CronJob", "").copied_path(), Some(&["spec", "jobTemplate"][..]));
        assert_eq!(object("v1", "Pod", "").copied_path(), None);
    }
}
