//! The target of `up` and `down`: a bundle, its namespace, its cluster and its images.

use std::path::{Path, PathBuf};

use crate::finding::{Failure, Finding, RuleId};
use crate::object::{Object, containers};
use crate::render::Rendered;
use crate::source::{Sources, Span};
use crate::up::engine::ImageBuild;

/// A rendered bundle and the cluster it belongs to.
#[derive(Debug)]
pub struct Target {
    /// The bundle.
    pub rendered: Rendered,
    /// The namespace of its objects.
    pub namespace: String,
    /// The context of the kubeconfig.
    pub context: String,
    /// The kind cluster of the profile, if it has one of its own.
    pub cluster: Option<String>,
}

impl Target {
    /// Determines the target of a bundle. `context` is the value of `--context`.
    ///
    /// # Errors
    /// If the context is not that of the profile, or is missing for a profile without one; if the objects are in no
    /// namespace or in several.
    pub fn new(rendered: Rendered, context: Option<&str>) -> Result<Self, Failure> {
        let cluster = kind_cluster(&rendered);
        let unable = |message: String, help: &str| {
            Failure::unable(Finding::error(RuleId::ContextMismatch, Span::NONE, message).with_help(help))
        };
        let context = match (&cluster, context) {
            (Some(cluster), None) => format!("kind-{cluster}"),
            (Some(cluster), Some(context)) if context == format!("kind-{cluster}") => context.to_owned(),
            (Some(cluster), Some(context)) => {
                let message = format!(
                    "context `{context}` does not match profile `{}`, which uses the kind cluster `{cluster}`",
                    rendered.values.profile
                );
                return Err(unable(message, "omit --context, or set `cluster` or `ownCluster` in the profile"));
            }
            (None, Some(context)) => context.to_owned(),
            (None, None) => {
                let message = format!(
                    "profile `{}` has no kind cluster of its own in environment `{}`",
                    rendered.values.profile, rendered.values.environment
                );
                return Err(unable(message, "select the cluster with --context NAME"));
            }
        };
        let namespaces: Vec<&str> =
            rendered.objects.iter().map(Object::namespace).filter(|namespace| !namespace.is_empty()).collect();
        let namespace = namespaces.first().copied().unwrap_or_default().to_owned();
        if let Some(other) = namespaces.iter().find(|other| **other != namespace) {
            let message = format!("the objects of the bundle are in different namespaces: `{namespace}` and `{other}`");
            return Err(unable(message, "use a single namespace in the bundle; `up` does not support several"));
        }
        if namespace.is_empty() {
            return Err(unable(
                "the objects of the bundle have no namespace".to_owned(),
                "set metadata.namespace in the templates",
            ));
        }
        Ok(Self { rendered, namespace, context, cluster })
    }

    /// The name of the profile.
    #[must_use]
    pub fn profile(&self) -> &str {
        &self.rendered.values.profile
    }

    /// The build of the profile's image (`image.build`), with paths relative to the directory of the profile.
    #[must_use]
    pub fn build(&self, sources: &Sources) -> Option<ImageBuild> {
        let values = &self.rendered.values.node["image"];
        let (build, repository) = (&values["build"], values["repository"].text());
        let image = self.images().into_iter().find(|image| !repository.is_empty() && image.starts_with(repository))?;
        let context = build["context"].as_str()?;
        let file = sources.get(build["context"].origin.span.file);
        let folder = file.as_ref().and_then(|file| Path::new(&file.name).parent()).map(Path::to_path_buf);
        let joined = folder.unwrap_or_default().join(context);
        let context = if joined.as_os_str().is_empty() { PathBuf::from(".") } else { joined };
        let args = build["args"].entries().iter();
        let args = args.map(|entry| (entry.key.to_string(), entry.value.text().to_owned())).collect();
        let dockerfile = build["dockerfile"].as_str().map(|file| context.join(file));
        Some(ImageBuild { image, context, dockerfile, args })
    }

    /// The images of the bundle, without duplicates.
    fn images(&self) -> Vec<String> {
        let pods = self.rendered.objects.iter().filter_map(Object::pod_spec);
        let images = pods.flat_map(containers).map(|container| container.node["image"].text().to_owned());
        let mut images: Vec<String> = images.collect();
        images.sort_unstable();
        images.dedup();
        images
    }

    /// The `localhost/` images, which have to be loaded because they cannot be pulled.
    #[must_use]
    pub fn local_images(&self) -> Vec<String> {
        let mut images = self.images();
        images.retain(|image| image.starts_with("localhost/"));
        images
    }
}

/// The name of the kind cluster that a bundle is for, if any.
#[must_use]
pub fn kind_cluster(rendered: &Rendered) -> Option<String> {
    let config = rendered.kind_config.as_ref()?;
    Some(config.node["name"].text().to_owned()).filter(|name| !name.is_empty())
}
