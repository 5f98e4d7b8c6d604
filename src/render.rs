//! The rendering pipeline: profile, values, templates, bundle.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ecow::EcoString;
use foldhash::HashMap;

use crate::bundle;
use crate::definitions::Definitions;
use crate::digest;
use crate::finding::{Failure, Finding, RuleId};
use crate::kube::KubernetesVersion;
use crate::layers::{Layers, NEEDS, Overrides, TEMPLATES, Values};
use crate::node::Node;
use crate::object::Object;
use crate::patch::{CrdSources, Patches};
use crate::project::Project;
use crate::source::{FileId, Sources};
use crate::template::{Inputs, Instance, Templates};

/// What all bundles of a run share, read, checked and compiled once. It is used by several threads.
#[derive(Debug)]
pub struct Renderer<'a> {
    /// The layers of the profiles.
    pub layers: Layers<'a>,
    /// The compiled templates.
    pub templates: Templates,
    project: &'a Project,
    sources: &'a Sources,
    /// The definitions of custom resources.
    pub definitions: Arc<Definitions>,
    templates_digest: OnceLock<String>,
    /// The objects of bundles that others need, by profile and environment.
    needed: Mutex<HashMap<(String, String), Result<NeededObjects, Failure>>>,
}

/// The objects of a needed bundle, including those that it needs itself.
type NeededObjects = Arc<Vec<Object>>;

/// The bundle of one profile in one environment.
#[derive(Debug)]
pub struct Rendered {
    /// The merged values it was made from, with the profile's name and the environment's.
    pub values: Values,
    /// The objects in the order in which they are printed.
    pub objects: Vec<Object>,
    /// The objects of needed bundles: they exist, but belong to other bundles.
    pub needed: Vec<Object>,
    /// The config of a matching kind cluster, if the templates have one.
    pub kind_config: Option<Object>,
    /// Findings about its inputs that are not errors.
    pub findings: Vec<Finding>,
    /// The profile fields that conditions and loops read, in addition to the inputs of values.
    pub decided: BTreeSet<EcoString>,
}

impl<'a> Renderer<'a> {
    /// Reads what all profiles share: schema, base, overrides, templates.
    ///
    /// # Errors
    /// If one of them cannot be read or is invalid.
    pub fn load(project: &'a Project, sources: &'a Sources, overrides: &Overrides) -> Result<Self, Failure> {
        let layers = Layers::load(project, sources, overrides)?;
        let templates = Templates::load(project, sources, layers.schema())?;
        let renderer = Self {
            layers,
            templates,
            project,
            sources,
            definitions: Arc::default(),
            templates_digest: OnceLock::new(),
            needed: Mutex::default(),
        };
        // A revision is only rendered for comparison, and tests cover the embedded project.
        if project.root().is_some() {
            renderer.check_unused_files()?;
        }
        Ok(renderer)
    }

    /// Adds definitions of custom resources, which determine how patches are merged into those.
    #[must_use]
    pub fn with_definitions(self, definitions: Arc<Definitions>) -> Self {
        Self { definitions, ..self }
    }

    /// Reports every file of the project that nothing reads.
    fn check_unused_files(&self) -> Result<(), Failure> {
        let read: BTreeSet<String> = self
            .templates
            .files()
            .iter()
            .filter_map(|file| self.sources.get(*file))
            .map(|file| self.project.inner(&file.name).to_owned())
            .collect();
        let is_read = |path: &str| {
            let linked = || read.iter().any(|known| self.project.is_same_file(known, path));
            read.contains(path)
                || self.layers.is_of_schema(path)
                || self.templates.may_read_sql(path)
                || self.is_in_team_folder(path)
                || linked()
        };
        let mut findings = self.project.unread(self.sources, &is_read).map_err(|error| error.failure())?;
        findings.extend(self.layers.undeclared_environments()?);
        if findings.is_empty() { Ok(()) } else { Err(findings.into()) }
    }

    /// Whether a file below `profiles/` is in a folder that a layer names, such as a team's migrations. Paths in
    /// layers are relative to the profile.
    fn is_in_team_folder(&self, path: &str) -> bool {
        let Some((folder, _)) = path.strip_prefix("profiles/").and_then(|path| path.rsplit_once('/')) else {
            return false;
        };
        if folder == "environments" || !self.templates.reads_team_folders() {
            return false;
        }
        let layers = self.project.list("profiles", ".yaml").unwrap_or_default();
        let texts = layers.iter().filter_map(|layer| self.project.read_bytes(layer).ok());
        let named = folder.split('/').next().unwrap_or(folder);
        texts.into_iter().any(|text| String::from_utf8_lossy(&text).contains(named))
    }

    /// Renders a profile in an environment, without running the checks.
    ///
    /// # Errors
    /// If the profile or environment does not exist, its values are invalid, or the templates cannot be instantiated.
    pub fn render(&self, profile: &str, environment: &str) -> Result<Rendered, Failure> {
        self.render_values(self.layers.values(&self.layers.profile(profile)?, environment)?)
    }

    /// Renders the only profile of a run, in the given environment or else in the default one.
    ///
    /// # Errors
    /// As [`Self::render`]; if there is no default environment; if an override names another profile.
    pub fn render_only(&self, profile: &str, environment: Option<&str>) -> Result<Rendered, Failure> {
        let profiles = [profile.to_owned()];
        self.layers.only_for(&profiles)?;
        self.render(profile, &self.layers.environment(environment, &profiles)?)
    }

    /// The input files of a bundle besides the templates: its layers, and the SQL files in it.
    #[must_use]
    pub fn inputs(&self, rendered: &Rendered) -> Vec<FileId> {
        let mut files = rendered.values.files.clone();
        files.extend(self.templates.sql_files(&rendered.values.node));
        files
    }

    /// A digest of the names and contents of all templates.
    #[must_use]
    pub fn templates_digest(&self) -> &str {
        self.templates_digest.get_or_init(|| {
            let files = self.templates.files().iter().filter_map(|file| self.sources.get(*file));
            let lines: String = files
                .map(|file| format!("{} {}\n", digest::of(file.text.as_bytes()), self.project.inner(&file.name)))
                .collect();
            digest::of(lines)
        })
    }

    /// Renders merged values.
    ///
    /// # Errors
    /// If the templates cannot be instantiated with them.
    pub fn render_values(&self, values: Values) -> Result<Rendered, Failure> {
        self.render_below(values, &mut Vec::new())
    }

    /// `above`: the profiles that need this one, outermost first.
    fn render_below(&self, values: Values, above: &mut Vec<String>) -> Result<Rendered, Failure> {
        above.push(values.profile.clone());
        let needed = self.needed(&values, above);
        above.pop();
        let needed = needed?;
        let definitions: Vec<Node> = needed
            .iter()
            .filter(|object| object.kind() == "CustomResourceDefinition")
            .map(|object| object.node.clone())
            .collect();
        let version = KubernetesVersion::of_project(self.project).unwrap_or_default();
        let known = CrdSources { nodes: &definitions, files: &self.definitions, sources: self.sources };
        let mut patches = Patches::new(&values.patches, version, known);
        let Instance { documents, mut findings, decided } = self.templates.instantiate(
            self.project,
            self.sources,
            &Inputs {
                values: &values.node,
                profile: &values.profile,
                environment: &values.environment,
                folders: &values.choices[TEMPLATES],
            },
            &mut patches,
        )?;
        let wrong = patches.finish(&documents);
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        let bundle = bundle::finish(documents, &self.project.settings.references)?;
        let duplicates = duplicates_of_needed(&bundle.objects, &needed);
        if !duplicates.is_empty() {
            return Err(duplicates.into());
        }
        findings.extend(bundle.findings);
        Ok(Rendered { values, objects: bundle.objects, needed, kind_config: bundle.kind_config, findings, decided })
    }
}

impl Renderer<'_> {
    /// The objects of the bundles that a profile needs, without duplicates.
    fn needed(&self, values: &Values, above: &mut Vec<String>) -> Result<Vec<Object>, Failure> {
        let mut objects: Vec<Object> = Vec::new();
        for item in values.choices[NEEDS].items() {
            let (name, span) = (item.text(), item.origin.span);
            let wrong = |message: String| Finding::error(RuleId::ProfileNeed, span, message);
            if above.iter().any(|other| other == name) {
                let chain: Vec<&str> = above.iter().map(String::as_str).chain([name]).collect();
                return Err(wrong(format!("cycle of needed profiles: {}", chain.join(" needs "))).into());
            }
            let found = self.needed_bundle(name, &values.environment, above).map_err(|failure| match failure {
                // The profile does not exist, or does not have the environment.
                Failure::Unable(finding) => {
                    Failure::from(wrong(finding.message.clone()).with_help(finding.help.clone()))
                }
                failure => failure,
            })?;
            for object in found.iter() {
                if !objects.iter().any(|known| known.id == object.id) {
                    objects.push(object.clone());
                }
            }
        }
        Ok(objects)
    }

    fn needed_bundle(&self, name: &str, environment: &str, above: &mut Vec<String>) -> Result<NeededObjects, Failure> {
        let key = (name.to_owned(), environment.to_owned());
        let known = || self.needed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(&key) {
            return found.clone();
        }
        let values = self.layers.profile(name).and_then(|profile| self.layers.values(&profile, environment));
        let made = values.and_then(|values| self.render_below(values, above)).map(|rendered| {
            let Rendered { mut objects, needed, .. } = rendered;
            objects.extend(needed);
            Arc::new(objects)
        });
        known().insert(key, made.clone());
        made
    }
}

/// Reports objects of a bundle that a needed bundle already contains.
fn duplicates_of_needed(own: &[Object], needed: &[Object]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for object in own {
        let same = |other: &&Object| {
            (other.group(), other.kind(), other.namespace(), other.name())
                == (object.group(), object.kind(), object.namespace(), object.name())
        };
        if let Some(other) = needed.iter().find(same) {
            let message = format!("{} belongs to a bundle that this one needs", object.id);
            let mut finding = Finding::error(RuleId::ObjectDuplicate, object.span(), message)
                .with_help("remove it here: an object belongs to one bundle only")
                .with_related(other.span(), "already defined here");
            finding.object = Some(object.id.clone());
            findings.push(finding);
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::parallel::in_parallel;
    use crate::yaml::emit_stream;

    fn yaml(rendered: &Result<Rendered, Failure>) -> String {
        match rendered {
            Ok(rendered) => emit_stream(rendered.objects.iter().map(|object| &object.node)),
            Err(failure) => format!("{failure:?}"),
        }
    }

    #[test]
    fn the_output_does_not_depend_on_the_number_of_threads() {
        let project = Project::built_in();
        let mut wanted = Vec::new();
        for profile in project.profiles().unwrap() {
            wanted.extend(["e2e", "ci"].map(|environment| (profile.clone(), environment)));
        }
        let render = |threads| {
            let sources = Sources::new();
            let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
            in_parallel(&wanted, Some(threads), |(profile, environment)| yaml(&renderer.render(profile, environment)))
        };
        let one = render(1);
        assert!(one.iter().all(|text| text.starts_with("apiVersion: v1\nkind: Namespace\n")), "{}", one[0]);
        assert_eq!(one, render(2));
        assert_eq!(one, render(7));
    }

    #[test]
    fn a_number_where_kubernetes_wants_a_string_gets_help() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("plimsoll.toml", "");
        write(
            "profiles/schema.json",
            r#"{"properties": {"port": {"type": "integer"}}, "additionalProperties": false}"#,
        );
        write("profiles/base.yaml", "environments: {e2e: {}}\n");
        write("profiles/web.yaml", "port: 8080\n");
        let template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {port: \"{{ port }}\", fixed: 1}\n";
        write("templates/t.yaml", template);
        let sources = Sources::new();
        let project = Project::open(folder.path(), &sources).unwrap();
        let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
        let rendered = renderer.render("web", "e2e").unwrap();
        let findings = crate::check::check(&rendered.objects, &crate::check::Options::default());
        let help =
            |field: &str| findings.iter().find(|finding| finding.field == field).map(|finding| finding.help.as_str());
        assert_eq!(help("data[port]"), Some("append `| string` to the expression"), "{findings:?}");
        assert_eq!(help("data[fixed]"), Some("put it in quotes"), "{findings:?}");
    }

    #[test]
    fn unknown_names_are_errors() {
        let (project, sources) = (Project::built_in(), Sources::new());
        let renderer = Renderer::load(&project, &sources, &Overrides::default()).unwrap();
        let failure = |profile, environment| renderer.render(profile, environment).unwrap_err();
        assert!(matches!(failure("gatewya", "e2e"), Failure::Unable(finding) if finding.help.contains("`gateway`")));
        assert!(matches!(failure("gateway", "e2"), Failure::Unable(finding) if finding.help.contains("`e2e`")));
    }
}
