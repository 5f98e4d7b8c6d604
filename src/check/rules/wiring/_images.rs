//! Containers with official images, and what is known about the software in them.

use crate::finding::Severity;
use crate::graph::{Container, File, Graph, MountSource, Pod};
use crate::node::Node;
use crate::object::ContainerRole;
use crate::software::{self, Requirement, Setting, Software, Tag};

/// A container that runs the default program of its official image.
pub(crate) struct OfficialImage<'g, 'a> {
    pub(crate) pod: &'g Pod<'a>,
    pub(crate) container: &'g Container<'a>,
    pub(crate) software: &'static Software,
    pub(crate) tag: Tag,
}

/// The containers outside of Jobs that run the default program of their official image.
pub(crate) fn official_images<'g, 'a>(graph: &'g Graph<'a>) -> impl Iterator<Item = OfficialImage<'g, 'a>> {
    let pods = graph.pods.iter().filter(|pod| !pod.is_job());
    let containers = pods.flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)));
    containers.filter_map(|(pod, container)| {
        let runs = matches!(container.role, ContainerRole::Main | ContainerRole::Sidecar);
        // With a `command`, the container may run any program.
        let runs_entrypoint = runs && container.node["command"].items().is_empty();
        let software = if runs_entrypoint { software::official(container.image())? } else { return None };
        let tag = Tag::of(container.image());
        let image = OfficialImage { pod, container, software, tag };
        image.runs_own_program().then_some(image)
    })
}

impl OfficialImage<'_, '_> {
    /// Whether the first argument is not the name of another program.
    fn runs_own_program(&self) -> bool {
        let first = self.container.node["args"].items().first().map(Node::text);
        let entry = &self.software.entry;
        first.is_none_or(|word| word.starts_with('-') || entry.is_empty() || entry.iter().any(|known| known == word))
    }

    /// Whether it certainly does not meet a requirement.
    pub(crate) fn lacks(&self, need: &Requirement) -> bool {
        self.tag.is_within(need.since.as_ref(), need.until.as_ref())
            && (need.when.is_empty() || need.when.iter().any(|setting| self.certainly_has(setting)))
            && !need.any_of.iter().any(|setting| self.may_have(setting))
    }

    /// Whether a setting may be present: an unknown value counts as present.
    fn may_have(&self, setting: &Setting) -> bool {
        let Setting { env, value, argument, file, any_argument } = setting;
        let has_env = |name: &String| match self.container.var(name) {
            None => self.container.env_open,
            Some(var) => match (&var.text, value) {
                (None, _) => true,
                (Some(text), Some(value)) => text == value,
                (Some(text), None) => !text.is_empty(),
            },
        };
        let mut arguments = self.container.node["args"].items().iter().map(Node::text);
        let has_file = |path: &String| !matches!(self.container.file(path), File::Unmounted | File::Lacking { .. });
        env.as_ref().is_some_and(has_env)
            || argument.as_ref().is_some_and(|wanted| arguments.clone().any(|word| word.starts_with(wanted.as_str())))
            || file.as_ref().is_some_and(has_file)
            || *any_argument && arguments.next().is_some()
    }

    /// Whether a setting is certainly present.
    fn certainly_has(&self, setting: &Setting) -> bool {
        let var = setting.env.as_ref().and_then(|name| self.container.var(name));
        var.is_some_and(|var| match (&var.text, &setting.value) {
            (Some(text), Some(value)) => text == value,
            (Some(text), None) => !text.is_empty(),
            (None, Some(_)) => false,
            (None, None) => true,
        })
    }

    /// The severity of a mistake that makes the image exit, possibly only while its data directory is empty.
    pub(crate) fn severity(&self, only_when_empty: bool) -> Severity {
        if only_when_empty && self.may_have_data() { Severity::Warning } else { Severity::Error }
    }

    /// The path of its data directory.
    pub(crate) fn data_folder(&self) -> Option<String> {
        let folder = self.software.data_folder(&self.tag).or(self.software.data.first())?;
        let named = folder.env.as_ref().and_then(|name| self.container.var_text(name));
        Some(named.unwrap_or_else(|| folder.path.clone()))
    }

    /// Whether the data directory is on a persistent volume, or on one that another container may fill.
    fn may_have_data(&self) -> bool {
        let Some(folder) = self.data_folder() else { return false };
        self.container.mount_of(&folder).is_some_and(|mount| match &mount.source {
            MountSource::Opaque(volume) => {
                volume["emptyDir"].is_null() || self.pod.is_mounted_twice(mount.node["name"].text())
            }
            _ => false,
        })
    }
}
