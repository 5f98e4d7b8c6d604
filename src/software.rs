//! Facts about the software in public images, as data.
//!
//! Each file in `software/` describes a piece of software: its images, what they require to start, their data
//! directories and users. A file is parsed when the first of its images is encountered. A fact applies to the official
//! images on any mirror; forks such as `bitnami/postgresql` only share the program.

use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::built_in::{SOFTWARE, SOFTWARE_IMAGES};
use crate::formats::version::Version;
use crate::source::FileId;
use crate::yaml;

/// The description of the software in public images.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Software {
    /// Its name: `PostgreSQL`.
    pub name: String,
    /// The protocol it speaks, for data stores: `postgresql`, `mysql`, `mongodb`, `redis`, `rabbitmq`.
    pub program: Option<String>,
    /// Public pages with the facts.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The repositories that the facts apply to, with their registries.
    #[serde(default)]
    pub images: Vec<String>,
    /// Last segments of the repositories of other images with the same program.
    #[serde(default)]
    pub derived: Vec<String>,
    /// The first arguments that run the program; any other runs a different program.
    #[serde(default)]
    pub entry: Vec<String>,
    /// What the image requires to start.
    #[serde(default)]
    pub required: Vec<Requirement>,
    /// Variables with which the image exits.
    #[serde(default)]
    pub refused: Vec<ForbiddenVariable>,
    /// Whether the default command needs a terminal and exits without one.
    #[serde(default)]
    pub interactive: bool,
    /// The ports it listens on by default.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The users the image starts as.
    #[serde(default)]
    pub users: Vec<User>,
    /// Whether it is a database, whose data must be kept.
    #[serde(default)]
    pub database: bool,
    /// The data directories.
    #[serde(default)]
    pub data: Vec<Folder>,
    /// Other directories that it writes to.
    #[serde(default)]
    pub writable: Vec<Folder>,
    /// The paths of its configuration.
    #[serde(default)]
    pub config: Vec<String>,
    /// The endpoints for probes.
    #[serde(default)]
    pub probes: Vec<Probe>,
    /// The seconds until a new instance responds, if it takes long.
    pub startup_seconds: Option<u32>,
}

/// Something that an image requires to start.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// A description for messages: `the password of the superuser`.
    pub what: String,
    /// The settings of which one is required.
    pub any_of: Vec<Setting>,
    /// Only required if one of these is set, or if there are none.
    #[serde(default)]
    pub when: Vec<Setting>,
    /// Whether it is only required if the data directory is empty.
    #[serde(default)]
    pub only_when_empty: bool,
    /// The first version that needs it.
    pub since: Option<Version>,
    /// The last version that needs it.
    pub until: Option<Version>,
    /// The public page with this fact.
    pub source: String,
}

/// A setting of an image.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// A variable that is set and not empty.
    pub env: Option<String>,
    /// The required value of the variable.
    pub value: Option<String>,
    /// An argument, or the part before its `=`.
    pub argument: Option<String>,
    /// A mounted file.
    pub file: Option<String>,
    /// Whether any argument is sufficient.
    #[serde(default)]
    pub any_argument: bool,
}

/// A variable with which an image exits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForbiddenVariable {
    /// The variable.
    pub env: String,
    /// The rejected value; any by default.
    pub value: Option<String>,
    /// The minimum length of accepted values.
    pub min_length: Option<usize>,
    /// The alternative.
    pub instead: String,
    /// Whether it is only rejected if the data directory is empty.
    #[serde(default)]
    pub only_when_empty: bool,
    /// The first version that rejects it.
    pub since: Option<Version>,
    /// The last version that rejects it.
    pub until: Option<Version>,
    /// The public page with this fact.
    pub source: String,
}

/// The user that an image starts as if the pod does not set one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// `USER` of the image; `root` if it has none.
    pub image: String,
    /// The numeric ID of the user that the program finally runs as.
    pub runs_as: Option<u32>,
    /// The ID in variants on Alpine Linux, if it differs.
    pub on_alpine: Option<u32>,
    /// The first version that has it.
    pub since: Option<Version>,
    /// The last version that has it.
    pub until: Option<Version>,
}

/// A directory in an image.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Folder {
    /// Its path.
    pub path: String,
    /// The variable that sets a different path.
    pub env: Option<String>,
    /// A path at which the image rejects a mount unless the variable is set.
    pub refuses: Option<String>,
    /// Whether the image exits if it cannot write there.
    #[serde(default)]
    pub stops: bool,
    /// Whether the image declares it as a volume. containerd provides a writable one if nothing is mounted; not every
    /// container runtime does.
    #[serde(default)]
    pub volume: bool,
    /// The first version that uses it.
    pub since: Option<Version>,
    /// The last version that uses it.
    pub until: Option<Version>,
}

/// A probe endpoint of a program.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// The port.
    pub port: Option<u16>,
    /// The path for a readiness probe.
    pub ready: Option<String>,
    /// The path for a liveness probe.
    pub live: Option<String>,
    /// A command for probes.
    pub command: Option<String>,
    /// The first version that has it.
    pub since: Option<Version>,
    /// The last version that has it.
    pub until: Option<Version>,
}

static PARSED: LazyLock<Vec<OnceLock<Software>>> = LazyLock::new(|| SOFTWARE.iter().map(|_| OnceLock::new()).collect());

/// All descriptions in the order of the file names.
pub fn all() -> impl Iterator<Item = &'static Software> {
    (0..SOFTWARE.len()).map(read)
}

fn read(number: usize) -> &'static Software {
    PARSED[number].get_or_init(|| {
        let file = &SOFTWARE[number];
        let documents = yaml::unpack(file.tree, file.text, FileId(0)).unwrap_or_default();
        // The files are packed at build time; a test ensures that they are valid.
        documents.first().and_then(|document| yaml::from_node(document).ok()).unwrap_or_default()
    })
}

/// The index of the software with an image whose repository has this last segment.
fn index_of(last: &str) -> Option<usize> {
    let find = |last: &str| SOFTWARE_IMAGES.binary_search_by(|(name, _)| (*name).cmp(last)).ok();
    // Some distributions use names such as `postgresql-16`.
    let without_version = || {
        let (name, version) = last.rsplit_once('-')?;
        version.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
    };
    let at = find(last).or_else(|| find(without_version()?))?;
    Some(SOFTWARE_IMAGES[at].1)
}

/// Whether the software in an image is known.
#[must_use]
pub fn is_known(image: &str) -> bool {
    index_of(last_segment(repository(image))).is_some()
}

/// The software in an image, official or derived, by the last segment of its repository.
#[must_use]
pub fn of(image: &str) -> Option<&'static Software> {
    index_of(last_segment(repository(image))).map(read)
}

/// The software in an image, if it is an official one or a mirror of it.
#[must_use]
pub fn official(image: &str) -> Option<&'static Software> {
    let software = of(image)?;
    let full = full_repository(repository(image));
    software.images.contains(&full).then_some(software)
}

/// The protocol of the data store in an image: `postgresql`, `mysql`, `redis`.
#[must_use]
pub fn program(image: &str) -> Option<&'static str> {
    of(image)?.program.as_deref()
}

/// The version in the tag of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// A version, possibly with a suffix: `16-alpine`.
    Version(Version),
    /// The latest version: no tag, or one without digits such as `latest` or `alpine`.
    Newest,
    /// A tag that does not start with a version, or only a digest.
    Unknown,
}

impl Tag {
    /// The tag of an image.
    #[must_use]
    pub fn of(image: &str) -> Self {
        let (name, digest) = image.trim().split_once('@').map_or((image.trim(), ""), |parts| parts);
        match name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
            None if digest.is_empty() => Self::Newest,
            Some((_, tag)) if !tag.contains(|c: char| c.is_ascii_digit()) => Self::Newest,
            Some((_, tag)) => tag.parse().map_or(Self::Unknown, Self::Version),
            None => Self::Unknown,
        }
    }

    /// Whether a fact for a range of versions certainly applies.
    #[must_use]
    pub fn is_within(&self, since: Option<&Version>, until: Option<&Version>) -> bool {
        match self {
            Self::Version(version) => version.is_within(since, until),
            Self::Newest => until.is_none(),
            Self::Unknown => since.is_none() && until.is_none(),
        }
    }
}

/// The repository of an image, without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.trim();
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rfind(':') {
        Some(at) if !image[at..].contains('/') => &image[..at],
        _ => image,
    }
}

fn last_segment(repository: &str) -> &str {
    repository.rsplit('/').next().unwrap_or(repository)
}

/// The prefixes of Docker Hub and of mirrors with the same repository names.
const MIRRORS: &[&str] = &[
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "registry.hub.docker.com/",
    "mirror.gcr.io/",
    "public.ecr.aws/docker/",
];

/// The full name of a repository: `docker.io/library/postgres` for `postgres`.
fn full_repository(repository: &str) -> String {
    let mirrored = MIRRORS.iter().find_map(|mirror| repository.strip_prefix(mirror));
    let has_registry =
        repository.split_once('/').is_some_and(|(first, _)| first.contains(['.', ':']) || first == "localhost");
    match mirrored {
        Some(name) if name.contains('/') => format!("docker.io/{name}"),
        Some(name) => format!("docker.io/library/{name}"),
        None if has_registry => repository.to_owned(),
        None if repository.contains('/') => format!("docker.io/{repository}"),
        None => format!("docker.io/library/{repository}"),
    }
}

/// Words in the tags of variants that start as a different user.
const OTHER_USERS: &[&str] = &["distroless", "rootless", "unprivileged", "nonroot"];

impl User {
    /// The numeric ID of the user that the program of an image finally runs as.
    #[must_use]
    pub fn id(&self, image: &str) -> Option<u32> {
        let is_alpine = image.rsplit(':').next().is_some_and(|tag| tag.contains("alpine"));
        self.on_alpine.filter(|_| is_alpine).or(self.runs_as)
    }
}

impl Software {
    /// The data directory.
    #[must_use]
    pub fn data_folder(&self, tag: &Tag) -> Option<&Folder> {
        self.data.iter().find(|folder| tag.is_within(folder.since.as_ref(), folder.until.as_ref()))
    }

    /// The user that an image starts as.
    #[must_use]
    pub fn user(&self, image: &str) -> Option<&User> {
        let tag = Tag::of(image);
        let is_other = OTHER_USERS.iter().any(|word| image.rsplit(':').next().is_some_and(|tag| tag.contains(word)));
        self.users.iter().find(|user| !is_other && tag.is_within(user.since.as_ref(), user.until.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::yaml::{Dialect, load_text};

    #[test]
    fn every_file_is_valid_and_has_sources() {
        assert!(SOFTWARE.len() >= 40);
        for file in SOFTWARE {
            let loaded = load_text(file.text, FileId(0), Dialect::Strict);
            assert!(loaded.findings.is_empty() && !file.tree.is_empty(), "{}: {:?}", file.path, loaded.findings);
            let software: Software =
                yaml::from_node(&loaded.documents[0]).map_err(|error| format!("{}: {error}", file.path)).unwrap();
            let is_url = |url: &String| url.starts_with("https://");
            assert!(!software.sources.is_empty() && software.sources.iter().all(is_url), "{}", file.path);
            assert!(
                software.required.iter().all(|need| is_url(&need.source) && !need.any_of.is_empty()),
                "{}",
                file.path
            );
            assert!(software.refused.iter().all(|refusal| is_url(&refusal.source)), "{}", file.path);
            assert!(!software.images.is_empty() || !software.derived.is_empty(), "{}", file.path);
            for image in &software.images {
                assert_eq!(full_repository(image), *image, "{}", file.path);
                assert_eq!(official(image).map(|found| &found.name), Some(&software.name), "{image}");
            }
        }
    }

    #[test]
    fn names_of_images_are_unique() {
        assert!(SOFTWARE_IMAGES.windows(2).all(|pair| pair[0].0 < pair[1].0), "{SOFTWARE_IMAGES:?}");
    }

    #[test]
    fn images_are_recognized_by_their_repositories() {
        let name = |image: &str| official(image).map(|software| software.name.as_str());
        for image in [
            "postgres",
            "postgres:16-alpine",
            "docker.io/library/postgres@sha256:0000",
            "docker.io/postgres:16",
            "library/postgres",
            "mirror.gcr.io/library/postgres:16",
            "public.ecr.aws/docker/library/postgres:16",
        ] {
            assert_eq!(name(image), Some("PostgreSQL"), "{image}");
        }
        for image in ["bitnami/postgresql:16", "quay.io/acme/postgres", "localhost:5000/postgres", "acme/postgres"] {
            assert_eq!(name(image), None, "{image}");
            assert_eq!(program(image), Some("postgresql"), "{image}");
        }
        assert_eq!(program("registry.redhat.io/rhel9/postgresql-16:1"), Some("postgresql"));
        assert_eq!(program("acme/web"), None);
        assert!(is_known("busybox:1.36") && !is_known("quay.io/acme/datastorage:v1"));
    }

    #[test]
    fn facts_apply_to_the_versions_in_tags() {
        let folder = |image: &str| of(image).unwrap().data_folder(&Tag::of(image)).map(|folder| folder.path.as_str());
        assert_eq!(folder("postgres:16-alpine"), Some("/var/lib/postgresql/data"));
        assert_eq!(folder("postgres:18.1"), Some("/var/lib/postgresql"));
        assert_eq!(folder("postgres"), Some("/var/lib/postgresql"));
        assert_eq!(folder("postgres:latest"), Some("/var/lib/postgresql"));
        assert_eq!(folder("pgvector/pgvector:pg16"), None);
        assert_eq!(folder("postgres@sha256:0000"), None);
        let user = |image: &str| of(image).unwrap().user(image).map(|user| user.image.as_str());
        assert_eq!(user("prom/prometheus:v3.0.0"), Some("nobody"));
        assert_eq!(user("prom/prometheus:v3.9.0-distroless"), None);
        assert_eq!(user("haproxy:2.2"), Some("root"));
        let id = |image: &str| of(image).unwrap().user(image).and_then(|user| user.id(image));
        assert_eq!(id("postgres:16"), Some(999));
        assert_eq!(id("postgres:16-alpine"), Some(70));
        assert_eq!(id("redis:7-alpine"), Some(999));
    }
}
