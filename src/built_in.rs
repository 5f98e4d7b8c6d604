//! The built-in project: its files, and the parsed trees of its YAML. `build.rs` generates the tables.

/// A file of the built-in project.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    /// Its path with slashes.
    pub path: &'static str,
    /// Its contents.
    pub text: &'static str,
    /// Its parsed YAML in the format of `yaml::unpack`; empty if it is not valid YAML.
    pub tree: &'static [u8],
}

/// Every file of the built-in project, sorted by path.
pub static FILES: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Facts about public images, one file per software, sorted by path.
pub static SOFTWARE: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/software.rs"));

/// The last part of the name of each known public image, with the index of its file in [`SOFTWARE`]; sorted.
pub(crate) static SOFTWARE_IMAGES: &[(&str, usize)] = include!(concat!(env!("OUT_DIR"), "/software_images.rs"));

/// What identifies a built-in service description, so that it is only parsed if needed. The fields are those of
/// `service::Recognize`.
#[derive(Debug)]
pub(crate) struct ServiceSigns {
    pub(crate) path: &'static str,
    pub(crate) name: &'static str,
    pub(crate) images: &'static [&'static str],
    pub(crate) containers: &'static [&'static str],
    pub(crate) workloads: &'static [&'static str],
    pub(crate) path_prefixes: &'static [&'static str],
    pub(crate) config_keys: &'static [&'static str],
    pub(crate) context: &'static [&'static str],
    /// Whether it authorizes its clients.
    pub(crate) authorizes: bool,
    /// The names of its Kubernetes Service.
    pub(crate) services: &'static [&'static str],
    /// The environment variable that names its config file; empty if there is none.
    pub(crate) variable: &'static str,
    /// The flag that names its config file; empty if there is none.
    pub(crate) flag: &'static str,
}

/// The signs of all built-in service descriptions.
pub(crate) static SERVICE_SIGNS: &[ServiceSigns] = include!(concat!(env!("OUT_DIR"), "/service_signs.rs"));

/// The contents of a file.
pub(crate) fn text(path: &str) -> Option<&'static str> {
    FILES.binary_search_by(|file| file.path.cmp(path)).ok().map(|at| FILES[at].text)
}

/// The files below a folder, sorted.
pub(crate) fn below(folder: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("{folder}/");
    let start = FILES.partition_point(|file| file.path < prefix.as_str());
    FILES[start..].iter().map(|file| file.path).take_while(move |name| name.starts_with(&prefix))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn files_are_sorted_and_found() {
        assert!(FILES.is_sorted_by(|a, b| a.path < b.path));
        assert!(FILES.iter().all(|file| text(file.path) == Some(file.text)));
        assert_eq!(text("profiles/none.yaml"), None);
        assert!(below("profiles").any(|name| name == "profiles/schema.json"));
        assert!(below("profiles").all(|name| name.starts_with("profiles/")));
    }

    #[test]
    fn every_file_of_the_folders_is_embedded() {
        let mut folders: Vec<_> = ["profiles", "templates", "services"].map(|name| Path::new(name).to_owned()).into();
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                if name.to_string_lossy().starts_with('.') {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.to_string_lossy().replace('\\', "/");
                assert_eq!(text(&name).map(str::as_bytes), std::fs::read(&path).ok().as_deref(), "{name}");
                seen += 1;
            }
        }
        assert_eq!(seen, FILES.len());
    }
}
