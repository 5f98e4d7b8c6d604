//! Clusters and images: kind, and podman or docker.

use std::path::{Path, PathBuf};

use crate::programs::{CommandLine, Programs, RunError};

/// How an image is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The name that the image gets.
    pub image: String,
    /// The folder that is sent to the builder.
    pub context: PathBuf,
    /// The file that says how; the builder's own choice where none is given.
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

    /// The one that is there: podman before docker.
    ///
    /// # Errors
    /// Where there is none, or running it fails.
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
    pub fn build(self, build: &Build) -> CommandLine {
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

    /// The command line that tells by its exit code whether an image is there.
    #[must_use]
    pub fn has(self, image: &str) -> CommandLine {
        CommandLine::new(self.name(), ["image", "inspect", "--format={{.Id}}", image])
    }

    /// The command line that writes an image into an archive.
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

/// The command line that loads an archive of an image onto the nodes of a kind cluster.
#[must_use]
pub fn load(cluster: &str, archive: &Path) -> CommandLine {
    CommandLine::new("kind", ["load", "image-archive", &archive.to_string_lossy(), "--name", cluster])
}

/// The command line that deletes a kind cluster.
#[must_use]
pub fn delete(cluster: &str) -> CommandLine {
    CommandLine::new("kind", ["delete", "cluster", "--name", cluster])
}
