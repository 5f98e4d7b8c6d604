//! The types of volume sources and their validation.

use super::downward::{self, ReferenceUse};
use super::{enums, projected};
use crate::formats::quantity::Quantity;
use crate::formats::{Checked, names};
use crate::validation::{At, Faults};

/// A type of volume source.
pub struct Source {
    /// The name of the field.
    pub field: &'static str,
    /// The name of the field in errors of the API server about the source.
    pub path: &'static str,
    /// The name of the field in errors of the API server about a second source.
    pub too_many: &'static str,
    /// Validates the source.
    pub check: fn(&At<'_, '_>, &mut Faults<'_, '_>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.field)
    }
}

const fn source(field: &'static str, check: fn(&At<'_, '_>, &mut Faults<'_, '_>)) -> Source {
    Source { field, path: field, too_many: field, check }
}

/// All types in the order in which the API server validates them.
pub static SOURCES: &[Source] = &[
    source("emptyDir", empty_dir),
    source("hostPath", host_path),
    source("gitRepo", git_repo),
    Source { field: "gcePersistentDisk", path: "persistentDisk", too_many: "gcePersistentDisk", check: gce_disk },
    source("awsElasticBlockStore", aws_disk),
    source("secret", |at, faults| {
        required(&at.get("secretName"), faults);
        mode(&at.get("defaultMode"), faults);
        key_items(&at.get("items"), faults);
    }),
    source("nfs", nfs),
    source("iscsi", iscsi),
    source("glusterfs", |at, faults| all_required(at, &["endpoints", "path"], faults)),
    source("flocker", flocker),
    source("persistentVolumeClaim", |at, faults| required(&at.get("claimName"), faults)),
    source("rbd", |at, faults| {
        list_required(&at.get("monitors"), faults);
        required(&at.get("image"), faults);
    }),
    source("cinder", |at, faults| {
        required(&at.get("volumeID"), faults);
        secret_ref(at, faults);
    }),
    Source {
        field: "cephfs",
        path: "cephfs",
        too_many: "cephFS",
        check: |at, faults| list_required(&at.get("monitors"), faults),
    },
    source("quobyte", quobyte),
    Source {
        field: "downwardAPI",
        path: "downwardAPI",
        too_many: "downwarAPI",
        check: |at, faults| {
            mode(&at.get("defaultMode"), faults);
            for file in at.get("items").items() {
                downward_file(at, &file, faults);
            }
        },
    },
    source("fc", fibre_channel),
    source("flexVolume", flex),
    source("configMap", |at, faults| {
        required(&at.get("name"), faults);
        mode(&at.get("defaultMode"), faults);
        key_items(&at.get("items"), faults);
    }),
    source("azureFile", |at, faults| all_required(at, &["secretName", "shareName"], faults)),
    source("vsphereVolume", |at, faults| required(&at.get("volumePath"), faults)),
    source("photonPersistentDisk", |at, faults| required(&at.get("pdID"), faults)),
    source("portworxVolume", |at, faults| required(&at.get("volumeID"), faults)),
    source("azureDisk", azure_disk),
    source("storageos", storage_os),
    source("projected", projected::check),
    source("scaleIO", |at, faults| all_required(at, &["gateway", "system", "volumeName"], faults)),
    source("csi", csi),
    source("ephemeral", |at, faults| {
        let template = at.get("volumeClaimTemplate");
        if !template.is_set() {
            faults.add(&template, "`volumeClaimTemplate` is required");
        }
    }),
    source("image", |at, faults| {
        required(&at.get("reference"), faults);
        enums::choice_or_empty(&at.get("pullPolicy"), &["Always", "IfNotPresent", "Never"], faults);
    }),
];

pub(super) fn required(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    if at.text().is_empty() {
        faults.required(at);
    }
}

fn all_required(at: &At<'_, '_>, fields: &[&'static str], faults: &mut Faults<'_, '_>) {
    for field in fields {
        required(&at.get(field), faults);
    }
}

fn list_required(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    if at.node.items().is_empty() {
        faults.breaks(at, "must have at least one entry");
    }
}

pub(super) fn form(at: &At<'_, '_>, checked: Checked, faults: &mut Faults<'_, '_>) {
    faults.check(at, checked);
}

fn range(at: &At<'_, '_>, most: i64, faults: &mut Faults<'_, '_>) {
    if at.number().is_some_and(|number| !(0..=most).contains(&number)) {
        faults.breaks(at, format!("must be between 0 and {most}"));
    }
}

/// Validates a file mode.
pub(super) fn mode(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    if let Some(mode) = at.number().filter(|mode| !(0..=0o777).contains(mode)) {
        faults.add(at, format!("the file mode {mode} must be between 0 and 511 (0777 in octal)"));
    }
}

fn secret_ref(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let secret = at.get("secretRef");
    if secret.is_set() {
        required(&secret.get("name"), faults);
    }
}

/// Validates the keys of a ConfigMap or Secret that are mounted as files.
pub(super) fn key_items(items: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    for item in items.items() {
        let path = item.get("path");
        required(&item.get("key"), faults);
        required(&path, faults);
        form(&path, names::local_non_reserved_path(path.text()), faults);
        mode(&item.get("mode"), faults);
    }
}

/// Validates a file of the downward API. The API server reports the source, not the item.
pub(super) fn downward_file<'n>(source: &At<'n, '_>, file: &At<'n, '_>, faults: &mut Faults<'_, '_>) {
    let at = source.same(file.node);
    let path = at.get("path");
    required(&path, faults);
    form(&path, names::local_non_reserved_path(path.text()), faults);
    let (field, resource) = (at.get("fieldRef"), at.get("resourceFieldRef"));
    if field.is_set() {
        downward::field(&field, ReferenceUse::Volume, faults);
        if resource.is_set() {
            faults.add(&at, "only one of `fieldRef` and `resourceFieldRef` may be set");
        }
    } else if resource.is_set() {
        downward::resource(&resource, ReferenceUse::Volume, faults);
    } else {
        faults.add(&at, "one of `fieldRef` and `resourceFieldRef` is required");
    }
    mode(&at.get("mode"), faults);
}

fn empty_dir(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let limit = at.get("sizeLimit");
    if Quantity::of(limit.node).is_some_and(Quantity::is_negative) {
        faults.add(&limit, "the size must be greater than or equal to 0");
    }
}

const HOST_PATH_TYPES: &[&str] =
    &["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];

fn host_path(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let path = at.get("path");
    if path.text().is_empty() {
        required(&path, faults);
        return;
    }
    form(&path, names::path_without_backsteps(path.text()), faults);
    let kind = at.get("type");
    if !HOST_PATH_TYPES.contains(&kind.text()) {
        enums::choice(&kind, &HOST_PATH_TYPES[1..], faults);
    }
}

fn git_repo(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    required(&at.get("repository"), faults);
    let directory = at.get("directory");
    form(&directory, names::descending_path(directory.text()), faults);
}

fn gce_disk(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    required(&at.get("pdName"), faults);
    range(&at.get("partition"), 255, faults);
}

fn aws_disk(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    required(&at.get("volumeID"), faults);
    range(&at.get("partition"), 255, faults);
}

fn nfs(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    all_required(at, &["server", "path"], faults);
    let path = at.get("path");
    if !path.text().starts_with('/') {
        faults.breaks(&path, "must be an absolute path");
    }
}

fn iscsi(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    required(&at.get("targetPortal"), faults);
    let iqn = at.get("iqn");
    if iqn.text().is_empty() {
        required(&iqn, faults);
    } else if !is_iscsi_name(iqn.text()) {
        faults.breaks(&iqn, "must be an iSCSI name that starts with `iqn`, `eui` or `naa`");
    }
    range(&at.get("lun"), 255, faults);
    let secret = at.get("secretRef");
    if (at.get("chapAuthDiscovery").is_true() || at.get("chapAuthSession").is_true()) && !secret.is_set() {
        faults.add(&secret, "CHAP authentication requires a `secretRef`");
    }
    let initiator = at.get("initiatorName");
    if initiator.is_set() && !is_iscsi_name(initiator.text()) {
        faults.add(
            &at.on("initiatorname", initiator.node),
            "must be an iSCSI name that starts with `iqn`, `eui` or `naa`",
        );
    }
}

/// Whether a name is `iqn.2024-01.com.example:target`, `eui.` with 16, or `naa.` with 32 alphanumeric characters.
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

fn flocker(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (name, id) = (at.get("datasetName"), at.get("datasetUUID"));
    if name.text().is_empty() == id.text().is_empty() {
        faults.add(at, "exactly one of `datasetName` and `datasetUUID` is required");
    }
    if name.text().contains('/') {
        faults.breaks(&name, "must not contain `/`");
    }
}

fn quobyte(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (registry, tenant) = (at.get("registry"), at.get("tenant"));
    if registry.text().is_empty() {
        required(&registry, faults);
    } else if tenant.text().len() >= 65 {
        faults.breaks(&tenant, "must be no more than 64 characters");
    } else if !registry.text().split(',').all(is_host_and_port) {
        faults.breaks(&registry, "must be `host:port`, or several separated by commas");
    }
    required(&at.get("volume"), faults);
}

fn is_host_and_port(text: &str) -> bool {
    match text.strip_prefix('[') {
        Some(rest) => rest
            .split_once("]:")
            .is_some_and(|(host, port)| !host.contains(['[', ']']) && !port.contains([':', '[', ']'])),
        None => text.split_once(':').is_some_and(|(_, port)| !port.contains(':')) && !text.contains(['[', ']']),
    }
}

fn fibre_channel(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (names, ids, lun) = (at.get("targetWWNs"), at.get("wwids"), at.get("lun"));
    let (named, identified) = (!names.node.items().is_empty(), !ids.node.items().is_empty());
    if named == identified {
        faults.add(&names, "exactly one of `targetWWNs` and `wwids` is required");
    }
    if named {
        if lun.is_set() {
            range(&lun, 255, faults);
        } else {
            faults.add(&lun, "`lun` is required with `targetWWNs`");
        }
    }
}

fn flex(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    required(&at.get("driver"), faults);
    for (key, option) in at.get("options").keys() {
        let domain = key.split('/').next().unwrap_or(key).to_lowercase();
        if ["kubernetes.io", "k8s.io"].iter().any(|own| domain == *own || domain.ends_with(&format!(".{own}"))) {
            faults.add(&option, "the domains `kubernetes.io` and `k8s.io` are reserved");
        }
    }
}

fn azure_disk(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    all_required(at, &["diskName", "diskURI"], faults);
    let (kind, uri) = (at.get("kind"), at.get("diskURI"));
    if at.get("cachingMode").is_set() {
        enums::choice(&at.get("cachingMode"), &["None", "ReadOnly", "ReadWrite"], faults);
    }
    if kind.is_set() {
        enums::choice(&kind, &["Shared", "Dedicated", "Managed"], faults);
    }
    // The default kind is `Shared`.
    let start = if kind.text() == "Managed" { "/subscriptions/" } else { "https://" };
    if !uri.text().starts_with(start) {
        faults.add(&uri, format!("the URI of a disk of this kind must start with `{start}`"));
    }
}

fn storage_os(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (name, namespace) = (at.get("volumeName"), at.get("volumeNamespace"));
    match name.text() {
        "" => required(&name, faults),
        text => form(&name, names::dns1123_label(text), faults),
    }
    if !namespace.text().is_empty() {
        form(&namespace, names::dns1123_label(namespace.text()), faults);
    }
    secret_ref(at, faults);
}

fn csi(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let driver = at.get("driver");
    csi_driver(&driver, faults);
    let secret = at.get("nodePublishSecretRef");
    if secret.is_set() {
        let name = secret.get("name");
        match name.text() {
            "" => required(&name, faults),
            // The API server reports another field here.
            text => form(&at.on("name", name.node), names::dns1123_subdomain(text), faults),
        }
    }
}

/// Validates the name of a CSI driver: a DNS-1123 subdomain in any case, at most 63 bytes.
pub fn csi_driver(driver: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    match driver.text() {
        "" => required(driver, faults),
        text if text.len() > 63 => _ = faults.breaks(driver, "must be no more than 63 characters"),
        text => form(driver, names::dns1123_subdomain(&text.to_lowercase()), faults),
    }
}
