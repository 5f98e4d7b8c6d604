//! Clusters and images: kind, and podman or docker.

use std::path::{Path, PathBuf};

use crate::programs::{CommandLine, Programs, RunError};

/// The build of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageBuild {
    /// The reference of the image.
    pub image: String,
    /// The build context.
    pub context: PathBuf,
    /// The Dockerfile; if `None`, the default of the builder.
    pub dockerfile: Option<PathBuf>,
    /// Build arguments, by name.
    pub args: Vec<(String, String)>,
}

/// The program that builds and saves images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// podman.
    Podman,
    /// docker.
    Docker,
}

impl Engine {
    /// The name of the program.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Podman => "podman",
            Self::Docker => "docker",
        }
    }

    /// Finds an installed engine; podman is preferred to docker.
    ///
    /// # Errors
    /// If none is installed, or it cannot be run.
    pub fn find(programs: &Programs) -> Result<Self, RunError> {
        for engine in [Self::Podman, Self::Docker] {
            match programs.finish(&CommandLine::new(engine.name(), ["--version"])) {
                Ok(finished) if finished.is_success() => return Ok(engine),
                Ok(_) | Err(RunError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(RunError::NotFound("podman".to_owned()))
    }

    /// The command line that builds an image.
    #[must_use]
    pub fn build(self, build: &ImageBuild) -> CommandLine {
        let mut line = CommandLine::new(self.name(), ["build", "--tag", &build.image]);
        if let Some(file) = &build.dockerfile {
            line.args.extend(["--file".to_owned(), file.to_string_lossy().into_owned()]);
        }
        for (name, value) in &build.args {
            line.args.extend(["--build-arg".to_owned(), format!("{name}={value}")]);
        }
        line.args.push(build.context.to_string_lossy().into_owned());
        line
    }

    /// The command line that succeeds if an image exists locally.
    #[must_use]
    pub fn has(self, image: &str) -> CommandLine {
        CommandLine::new(self.name(), ["image", "inspect", "--format={{.Id}}", image])
    }

    /// The command line that saves an image to an archive.
    #[must_use]
    pub fn save(self, image: &str, archive: &Path) -> CommandLine {
        CommandLine::new(self.name(), ["save", "--output", &archive.to_string_lossy(), image])
    }
}

/// The command line that lists the kind clusters.
#[must_use]
pub fn clusters() -> CommandLine {
    CommandLine::new("kind", ["get", "clusters"])
}

/// The command line that creates a kind cluster.
#[must_use]
pub fn create(cluster: &str, config: String) -> CommandLine {
    CommandLine::new("kind", ["create", "cluster", "--name", cluster, "--config", "-"]).with_input(config)
}

/// The command line that loads an image archive onto the nodes of a kind cluster.
#[must_use]
pub fn load(cluster: &str, archive: &Path) -> CommandLine {
    CommandLine::new("kind", ["load", "image-archive", &archive.to_string_lossy(), "--name", cluster])
}

/// The command line that deletes a kind cluster.
#[must_use]
pub fn delete(cluster: &str) -> CommandLine {
    CommandLine::new("kind", ["delete", "cluster", "--name", cluster])
}
