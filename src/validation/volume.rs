//! The sources a volume can have, and what each needs.

use super::downward::{self, Use};
use super::selector::Say;
use super::{enums, names, projected};
use crate::kube::quantity::Quantity;
use crate::validation::At;

/// A source of a volume.
pub struct Source {
    /// The field.
    pub field: &'static str,
    /// How the server names the field in the source's own faults.
    pub path: &'static str,
    /// How the server names the field where the volume has another source already.
    pub too_many: &'static str,
    /// What is wrong with it.
    pub check: for<'s, 'n> fn(&At<'n, '_>, Say<'s, 'n>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.field)
    }
}

const fn source(field: &'static str, check: for<'s, 'n> fn(&At<'n, '_>, Say<'s, 'n>)) -> Source {
    Source { field, path: field, too_many: field, check }
}

/// All sources in the server's order.
pub static SOURCES: &[Source] = &[
    source("emptyDir", empty_dir),
    source("hostPath", host_path),
    source("gitRepo", git_repo),
    Source { field: "gcePersistentDisk", path: "persistentDisk", too_many: "gcePersistentDisk", check: gce_disk },
    source("awsElasticBlockStore", aws_disk),
    source("secret", |at, say| {
        required(&at.get("secretName"), say);
        mode(&at.get("defaultMode"), say);
        key_items(&at.get("items"), say);
    }),
    source("nfs", nfs),
    source("iscsi", iscsi),
    source("glusterfs", |at, say| all_required(at, &["endpoints", "path"], say)),
    source("flocker", flocker),
    source("persistentVolumeClaim", |at, say| required(&at.get("claimName"), say)),
    source("rbd", |at, say| {
        list_required(&at.get("monitors"), say);
        required(&at.get("image"), say);
    }),
    source("cinder", |at, say| {
        required(&at.get("volumeID"), say);
        secret_ref(at, say);
    }),
    Source {
        field: "cephfs",
        path: "cephfs",
        too_many: "cephFS",
        check: |at, say| list_required(&at.get("monitors"), say),
    },
    source("quobyte", quobyte),
    Source {
        field: "downwardAPI",
        path: "downwardAPI",
        too_many: "downwarAPI",
        check: |at, say| {
            mode(&at.get("defaultMode"), say);
            for file in at.get("items").items() {
                downward_file(at, &file, say);
            }
        },
    },
    source("fc", fibre_channel),
    source("flexVolume", flex),
    source("configMap", |at, say| {
        required(&at.get("name"), say);
        mode(&at.get("defaultMode"), say);
        key_items(&at.get("items"), say);
    }),
    source("azureFile", |at, say| all_required(at, &["secretName", "shareName"], say)),
    source("vsphereVolume", |at, say| required(&at.get("volumePath"), say)),
    source("photonPersistentDisk", |at, say| required(&at.get("pdID"), say)),
    source("portworxVolume", |at, say| required(&at.get("volumeID"), say)),
    source("azureDisk", azure_disk),
    source("storageos", storage_os),
    source("projected", projected::check),
    source("scaleIO", |at, say| all_required(at, &["gateway", "system", "volumeName"], say)),
    source("csi", csi),
    source("ephemeral", |at, say| {
        let template = at.get("volumeClaimTemplate");
        if !template.is_set() {
            say(&template, "the volume has no claim template".to_owned());
        }
    }),
    source("image", |at, say| {
        required(&at.get("reference"), say);
        enums::choice_or_empty(&at.get("pullPolicy"), &["Always", "IfNotPresent", "Never"], say);
    }),
];

pub(super) fn required<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    if at.text().is_empty() {
        say(at, "the volume needs this field".to_owned());
    }
}

fn all_required<'n>(at: &At<'n, '_>, fields: &[&'static str], say: Say<'_, 'n>) {
    for field in fields {
        required(&at.get(field), say);
    }
}

fn list_required<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    if at.node.items().is_empty() {
        say(at, "the volume needs at least one entry here".to_owned());
    }
}

pub(super) fn form<'n>(at: &At<'n, '_>, checked: super::Checked, say: Say<'_, 'n>) {
    if let Err(form) = checked {
        say(at, format!("`{}` {form}", at.text()));
    }
}

fn range<'n>(at: &At<'n, '_>, most: i64, say: Say<'_, 'n>) {
    if at.number().is_some_and(|number| !(0..=most).contains(&number)) {
        say(at, format!("must be between 0 and {most}"));
    }
}

/// A file mode.
pub(super) fn mode<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    if let Some(mode) = at.number().filter(|mode| !(0..=0o777).contains(mode)) {
        say(at, format!("the file mode {mode} must be between 0 and 511 (0777 in octal)"));
    }
}

fn secret_ref<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let secret = at.get("secretRef");
    if secret.is_set() {
        required(&secret.get("name"), say);
    }
}

/// Keys of a ConfigMap or Secret that become files.
pub(super) fn key_items<'n>(items: &At<'n, '_>, say: Say<'_, 'n>) {
    for item in items.items() {
        let path = item.get("path");
        required(&item.get("key"), say);
        required(&path, say);
        form(&path, names::local_non_reserved_path(path.text()), say);
        mode(&item.get("mode"), say);
    }
}

/// A file of the downward API. The server names the source, not the item.
pub(super) fn downward_file<'n>(source: &At<'n, '_>, file: &At<'n, '_>, say: Say<'_, 'n>) {
    let at = source.same(file.node);
    let path = at.get("path");
    required(&path, say);
    form(&path, names::local_non_reserved_path(path.text()), say);
    let (field, resource) = (at.get("fieldRef"), at.get("resourceFieldRef"));
    if field.is_set() {
        downward::field(&field, Use::Volume, say);
        if resource.is_set() {
            say(&at, "the file has both a fieldRef and a resourceFieldRef".to_owned());
        }
    } else if resource.is_set() {
        downward::resource(&resource, Use::Volume, say);
    } else {
        say(&at, "the file needs a fieldRef or a resourceFieldRef".to_owned());
    }
    mode(&at.get("mode"), say);
}

fn empty_dir<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let limit = at.get("sizeLimit");
    if Quantity::of(limit.node).is_some_and(Quantity::is_negative) {
        say(&limit, "the size must not be negative".to_owned());
    }
}

const HOST_PATH_TYPES: &[&str] =
    &["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

fn host_path<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let path = at.get("path");
    if path.text().is_empty() {
        required(&path, say);
        return;
    }
    form(&path, names::path_without_backsteps(path.text()), say);
    let kind = at.get("type");
    if !HOST_PATH_TYPES.contains(&kind.text()) {
        enums::choice(&kind, &HOST_PATH_TYPES[1..], say);
    }
}

fn git_repo<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    required(&at.get("repository"), say);
    let directory = at.get("directory");
    form(&directory, names::descending_path(directory.text()), say);
}

fn gce_disk<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    required(&at.get("pdName"), say);
    range(&at.get("partition"), 255, say);
}

fn aws_disk<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    required(&at.get("volumeID"), say);
    range(&at.get("partition"), 255, say);
}

fn nfs<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    all_required(at, &["server", "path"], say);
    let path = at.get("path");
    if !path.text().starts_with('/') {
        say(&path, "must be an absolute path".to_owned());
    }
}

fn iscsi<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    required(&at.get("targetPortal"), say);
    let iqn = at.get("iqn");
    if iqn.text().is_empty() {
        required(&iqn, say);
    } else if !is_iscsi_name(iqn.text()) {
        say(&iqn, "must be an iSCSI name that starts with iqn, eui or naa".to_owned());
    }
    range(&at.get("lun"), 255, say);
    let secret = at.get("secretRef");
    if (at.get("chapAuthDiscovery").is_true() || at.get("chapAuthSession").is_true()) && !secret.is_set() {
        say(&secret, "CHAP authentication needs a secret".to_owned());
    }
    let initiator = at.get("initiatorName");
    if initiator.is_set() && !is_iscsi_name(initiator.text()) {
        say(
            &at.on("initiatorname", initiator.node),
            "must be an iSCSI name that starts with iqn, eui or naa".to_owned(),
        );
    }
}

/// `iqn.2024-01.com.example:target`, `eui.` and 16, `naa.` and 32 letters and digits.
fn is_iscsi_name(name: &str) -> bool {
    let fixed = |rest: Option<&str>, count: usize| {
        rest.is_some_and(|rest| rest.len() == count && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    if name.starts_with("iqn") {
        return is_iqn(name).is_some();
    }
    fixed(name.strip_prefix("eui."), 16) || fixed(name.strip_prefix("naa."), 32)
}

fn is_iqn(name: &str) -> Option<()> {
    let rest = name.strip_prefix("iqn.")?;
    let (date, rest) = rest.split_at_checked(8)?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let dated = digits(&date[..4]) && &date[4..5] == "-" && digits(&date[5..7]) && &date[7..] == ".";
    let (authority, target) = rest.split_once(':')?;
    let authority_fits = !authority.is_empty()
        && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    let target_fits = !target.is_empty() && !target.contains([',', ';', '*', '&', '$', '|', ' ', '\t', '\n', '\r']);
    (dated && authority_fits && target_fits).then_some(())
}

fn flocker<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (name, id) = (at.get("datasetName"), at.get("datasetUUID"));
    if name.text().is_empty() == id.text().is_empty() {
        say(at, "the volume needs either a datasetName or a datasetUUID".to_owned());
    }
    if name.text().contains('/') {
        say(&name, "must not contain `/`".to_owned());
    }
}

fn quobyte<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (registry, tenant) = (at.get("registry"), at.get("tenant"));
    if registry.text().is_empty() {
        required(&registry, say);
    } else if tenant.text().len() >= 65 {
        say(&tenant, "must be no more than 64 bytes".to_owned());
    } else if !registry.text().split(',').all(is_host_and_port) {
        say(&registry, "must be host:port, or several separated by commas".to_owned());
    }
    required(&at.get("volume"), say);
}

fn is_host_and_port(text: &str) -> bool {
    match text.strip_prefix('[') {
        Some(rest) => rest
            .split_once("]:")
            .is_some_and(|(host, port)| !host.contains(['[', ']']) && !port.contains([':', '[', ']'])),
        None => text.split_once(':').is_some_and(|(_, port)| !port.contains(':')) && !text.contains(['[', ']']),
    }
}

fn fibre_channel<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (names, ids, lun) = (at.get("targetWWNs"), at.get("wwids"), at.get("lun"));
    let (named, identified) = (!names.node.items().is_empty(), !ids.node.items().is_empty());
    if named == identified {
        say(&names, "the volume needs either targetWWNs or wwids".to_owned());
    }
    if named {
        if lun.is_set() {
            range(&lun, 255, say);
        } else {
            say(&lun, "targetWWNs need a lun".to_owned());
        }
    }
}

fn flex<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    required(&at.get("driver"), say);
    for (key, option) in at.get("options").keys() {
        let domain = key.split('/').next().unwrap_or(key).to_lowercase();
        if ["kubernetes.io", "k8s.io"].iter().any(|own| domain == *own || domain.ends_with(&format!(".{own}"))) {
            say(&option, "options under kubernetes.io and k8s.io are reserved".to_owned());
        }
    }
}

fn azure_disk<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    all_required(at, &["diskName", "diskURI"], say);
    let (kind, uri) = (at.get("kind"), at.get("diskURI"));
    if at.get("cachingMode").is_set() {
        enums::choice(&at.get("cachingMode"), &["None", "ReadOnly", "ReadWrite"], say);
    }
    if kind.is_set() {
        enums::choice(&kind, &["Shared", "Dedicated", "Managed"], say);
    }
    // Shared is the default.
    let start = if kind.text() == "Managed" { "/subscriptions/" } else { "https://" };
    if !uri.text().starts_with(start) {
        say(&uri, format!("a disk of that kind has a URI that starts with `{start}`"));
    }
}

fn storage_os<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (name, namespace) = (at.get("volumeName"), at.get("volumeNamespace"));
    match name.text() {
        "" => required(&name, say),
        text => form(&name, names::dns1123_label(text), say),
    }
    if !namespace.text().is_empty() {
        form(&namespace, names::dns1123_label(namespace.text()), say);
    }
    secret_ref(at, say);
}

fn csi<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let driver = at.get("driver");
    csi_driver(&driver, say);
    let secret = at.get("nodePublishSecretRef");
    if secret.is_set() {
        let name = secret.get("name");
        match name.text() {
            "" => required(&name, say),
            // The server names another field here.
            text => form(&at.on("name", name.node), names::dns1123_subdomain(text), say),
        }
    }
}

/// The name of a CSI driver: a DNS-1123 subdomain in any case, at most 63 bytes.
pub fn csi_driver<'n>(driver: &At<'n, '_>, say: Say<'_, 'n>) {
    match driver.text() {
        "" => required(driver, say),
        text if text.len() > 63 => say(driver, "must be no more than 63 bytes".to_owned()),
        text => form(driver, names::dns1123_subdomain(&text.to_lowercase()), say),
    }
}
