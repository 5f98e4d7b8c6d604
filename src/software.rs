//! Public images: what is known of the software in them, as data.
//!
//! One file in `software/` describes one piece of software: the images that hold it, what they stop without, where they
//! keep data, as which user they run. A file is read when a run meets the first image of it. A fact holds for the official
//! images, whatever registry mirrors them; forks such as `bitnami/postgresql` share a program with them, and nothing else.

use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::built_in::{SOFTWARE, SOFTWARE_IMAGES};
use crate::formats::version::Version;
use crate::source::FileId;
use crate::yaml;

/// What is known of a piece of software that public images hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Software {
    /// Its name: `PostgreSQL`.
    pub name: String,
    /// The protocol it speaks, for data stores: `postgresql`, `mysql`, `mongodb`, `redis`, `rabbitmq`.
    pub program: Option<String>,
    /// The public pages that the facts are taken from.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The repositories that the facts hold for, with their registries.
    #[serde(default)]
    pub images: Vec<String>,
    /// Last parts of the names of other images that hold the same program.
    #[serde(default)]
    pub derived: Vec<String>,
    /// First arguments that run the program; any other runs another program.
    #[serde(default)]
    pub entry: Vec<String>,
    /// What the image stops without.
    #[serde(default)]
    pub required: Vec<Requirement>,
    /// Variables with which the image stops.
    #[serde(default)]
    pub refused: Vec<Refusal>,
    /// Whether what the image runs by default needs a terminal, and ends without one.
    #[serde(default)]
    pub interactive: bool,
    /// The ports it listens on by default.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// As which user the image starts.
    #[serde(default)]
    pub users: Vec<User>,
    /// Whether it is a database, whose data people miss when it is gone.
    #[serde(default)]
    pub database: bool,
    /// The folders it keeps data in.
    #[serde(default)]
    pub data: Vec<Folder>,
    /// Folders that it writes to beside its data.
    #[serde(default)]
    pub writable: Vec<Folder>,
    /// Where its configuration is read.
    #[serde(default)]
    pub config: Vec<String>,
    /// Where it answers probes.
    #[serde(default)]
    pub probes: Vec<Probe>,
    /// How long it takes until a new one answers, in seconds, where that is more than a moment.
    pub startup_seconds: Option<u32>,
}

/// Something that an image stops without.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// What is missing, in words: `the password of the superuser`.
    pub what: String,
    /// One of these must be given.
    pub any_of: Vec<Setting>,
    /// It is needed only where one of these is given; always where there are none.
    #[serde(default)]
    pub when: Vec<Setting>,
    /// Whether it is needed only while the data folder is empty.
    #[serde(default)]
    pub only_when_empty: bool,
    /// The first version that needs it.
    pub since: Option<Version>,
    /// The last version that needs it.
    pub until: Option<Version>,
    /// The public page that says so.
    pub source: String,
}

/// A way to give an image something.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// A variable that is set and not empty.
    pub env: Option<String>,
    /// The value that the variable must have.
    pub value: Option<String>,
    /// An argument, or the beginning of one up to `=`.
    pub argument: Option<String>,
    /// A file that is mounted.
    pub file: Option<String>,
    /// Whether any argument will do.
    #[serde(default)]
    pub any_argument: bool,
}

/// A variable with which an image stops.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// The variable.
    pub env: String,
    /// The value that is refused; any where left out.
    pub value: Option<String>,
    /// The least length of a value that is accepted.
    pub min_length: Option<usize>,
    /// What to do instead.
    pub instead: String,
    /// Whether it is refused only while the data folder is empty.
    #[serde(default)]
    pub only_when_empty: bool,
    /// The first version that refuses it.
    pub since: Option<Version>,
    /// The last version that refuses it.
    pub until: Option<Version>,
    /// The public page that says so.
    pub source: String,
}

/// As which user an image starts where the pod does not say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct User {
    /// `USER` of the image; `root` where it has none.
    pub image: String,
    /// The numeric user that the program runs as in the end.
    pub runs_as: Option<u32>,
    /// The same in variants on Alpine Linux, where it is another.
    pub on_alpine: Option<u32>,
    /// The first version that has it.
    pub since: Option<Version>,
    /// The last version that has it.
    pub until: Option<Version>,
}

/// A folder in an image.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Folder {
    /// Its path.
    pub path: String,
    /// The variable that names another.
    pub env: Option<String>,
    /// A path at which the image takes no mount, unless the variable is set.
    pub refuses: Option<String>,
    /// Whether the image stops where it cannot write there.
    #[serde(default)]
    pub stops: bool,
    /// Whether the image declares it as a volume. containerd makes a writable one where nothing is mounted; not every
    /// container runtime does.
    #[serde(default)]
    pub volume: bool,
    /// The first version that uses it.
    pub since: Option<Version>,
    /// The last version that uses it.
    pub until: Option<Version>,
}

/// Where a program answers probes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Probe {
    /// The port.
    pub port: Option<u16>,
    /// The path for a readiness probe.
    pub ready: Option<String>,
    /// The path for a liveness probe.
    pub live: Option<String>,
    /// A command that says whether it serves.
    pub command: Option<String>,
    /// The first version that has it.
    pub since: Option<Version>,
    /// The last version that has it.
    pub until: Option<Version>,
}

static READ: LazyLock<Vec<OnceLock<Software>>> = LazyLock::new(|| SOFTWARE.iter().map(|_| OnceLock::new()).collect());

/// All that is known, in the order of the names of the files.
pub fn all() -> impl Iterator<Item = &'static Software> {
    (0..SOFTWARE.len()).map(read)
}

fn read(number: usize) -> &'static Software {
    READ[number].get_or_init(|| {
        let file = &SOFTWARE[number];
        let documents = yaml::unpack(file.tree, file.text, FileId(0)).unwrap_or_default();
        // Packed when the tool was built; a test holds that all are of the form.
        documents.first().and_then(|document| yaml::from_node(document).ok()).unwrap_or_default()
    })
}

/// The software whose images have a name with that last part.
fn numbered(last: &str) -> Option<usize> {
    let find = |last: &str| SOFTWARE_IMAGES.binary_search_by(|(name, _)| (*name).cmp(last)).ok();
    // `postgresql-16`, as some distributions name them.
    let without_version = || {
        let (name, version) = last.rsplit_once('-')?;
        version.bytes().all(|byte| byte.is_ascii_digit()).then_some(name)
    };
    let at = find(last).or_else(|| find(without_version()?))?;
    Some(SOFTWARE_IMAGES[at].1)
}

/// Whether an image tells what is in it, whatever its container is called.
#[must_use]
pub fn is_known(image: &str) -> bool {
    numbered(last_part(repository(image))).is_some()
}

/// The software that an image holds, by the last part of its name: the official one or one derived from it.
#[must_use]
pub fn of(image: &str) -> Option<&'static Software> {
    numbered(last_part(repository(image))).map(read)
}

/// The software whose official image it is, whatever registry mirrors it.
#[must_use]
pub fn official(image: &str) -> Option<&'static Software> {
    let software = of(image)?;
    let full = full_repository(repository(image));
    software.images.contains(&full).then_some(software)
}

/// The protocol of the data store that an image is known to hold: `postgresql`, `mysql`, `redis`.
#[must_use]
pub fn program(image: &str) -> Option<&'static str> {
    of(image)?.program.as_deref()
}

/// What an image's tag says of the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tag {
    /// A version, perhaps with a suffix: `16-alpine`.
    Version(Version),
    /// The newest one: no tag, or one without digits such as `latest` or `alpine`.
    Newest,
    /// Nothing: a tag that begins with no version, or a digest alone.
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

    /// Whether something that holds for some versions certainly holds for it.
    #[must_use]
    pub fn is_within(&self, since: Option<&Version>, until: Option<&Version>) -> bool {
        match self {
            Self::Version(version) => version.is_within(since, until),
            Self::Newest => until.is_none(),
            Self::Unknown => since.is_none() && until.is_none(),
        }
    }
}

/// An image without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.trim();
    let image = image.split_once('@').map_or(image, |(name, _)| name);
    match image.rfind(':') {
        Some(at) if !image[at..].contains('/') => &image[..at],
        _ => image,
    }
}

fn last_part(repository: &str) -> &str {
    repository.rsplit('/').next().unwrap_or(repository)
}

/// Registries that mirror Docker Hub under its own names, each with what it puts before them.
const MIRRORS: &[&str] = &[
    "docker.io/",
    "index.docker.io/",
    "registry-1.docker.io/",
    "registry.hub.docker.com/",
    "mirror.gcr.io/",
    "public.ecr.aws/docker/",
];

/// A repository with its registry, as the container runtime completes it: `postgres` is `docker.io/library/postgres`.
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

/// Words in tags of variants that start as another user than the image does else.
const OTHER_USERS: &[&str] = &["distroless", "rootless", "unprivileged", "nonroot"];

impl User {
    /// The numeric user that the program of an image runs as in the end.
    #[must_use]
    pub fn id(&self, image: &str) -> Option<u32> {
        let is_alpine = image.rsplit(':').next().is_some_and(|tag| tag.contains("alpine"));
        self.on_alpine.filter(|_| is_alpine).or(self.runs_as)
    }
}

impl Software {
    /// The folder it keeps its data in.
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
    fn every_file_is_of_the_form_and_says_where_its_facts_are_from() {
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
    fn no_two_files_claim_one_name() {
        assert!(SOFTWARE_IMAGES.windows(2).all(|pair| pair[0].0 < pair[1].0), "{SOFTWARE_IMAGES:?}");
    }

    #[test]
    fn images_are_known_by_their_repositories() {
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
    fn facts_hold_for_the_versions_that_tags_name() {
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
