//! Projected volumes: several sources in one folder.

use foldhash::{HashSet, HashSetExt};

use super::selector::{self, Say};
use super::volume::{downward_file, form, key_items, mode, required};
use super::{enums, names};
use crate::validation::At;

/// What is wrong with a projected volume.
pub(super) fn check<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    mode(&at.get("defaultMode"), say);
    let mut paths = HashSet::new();
    for source in at.get("sources").items() {
        let mut types = 0;
        for field in ["secret", "configMap"] {
            let projection = source.get(field);
            if !projection.is_set() {
                continue;
            }
            types += 1;
            required(&projection.get("name"), say);
            let items = projection.get("items");
            key_items(&items, say);
            for item in items.items() {
                once(at, &item.get("path"), &mut paths, say);
            }
        }
        let downward = source.get("downwardAPI");
        if downward.is_set() {
            types += 1;
            for file in downward.get("items").items() {
                downward_file(&downward, &file, say);
                once(at, &file.get("path"), &mut paths, say);
            }
        }
        let token = source.get("serviceAccountToken");
        if token.is_set() {
            types += 1;
            service_account_token(at, &token, say);
        }
        let trust = source.get("clusterTrustBundle");
        if trust.is_set() {
            types += 1;
            trust_bundle(&trust, say);
            once(at, &trust.get("path"), &mut paths, say);
        }
        let certificate = source.get("podCertificate");
        if certificate.is_set() {
            types += 1;
            pod_certificate(at, &certificate, &mut paths, say);
        }
        if types > 1 {
            say(&source, "the entry has more than one source".to_owned());
        }
    }
}

/// Two sources cannot write one file. The server names the volume.
fn once<'n>(volume: &At<'n, '_>, path: &At<'n, '_>, paths: &mut HashSet<&'n str>, say: Say<'_, 'n>) {
    if !path.text().is_empty() && !paths.insert(path.text()) {
        say(&volume.same(path.node), format!("two sources write the file `{}`", path.text()));
    }
}

fn service_account_token<'n>(volume: &At<'n, '_>, at: &At<'n, '_>, say: Say<'_, 'n>) {
    let seconds = at.get("expirationSeconds");
    if seconds.number().is_some_and(|seconds| !(600..=1 << 32).contains(&seconds)) {
        say(&seconds, "must be between 600 and 4294967296 seconds".to_owned());
    }
    // The server names the volume here.
    let path = volume.on("path", &at.node["path"]);
    required(&path, say);
    form(&path, names::local_non_reserved_path(path.text()), say);
}

fn trust_bundle<'n>(at: &At<'n, '_>, say: Say<'_, 'n>) {
    let (name, signer, selector) = (at.get("name"), at.get("signerName"), at.get("labelSelector"));
    match (name.is_set(), signer.is_set()) {
        (true, true) => say(at, "the entry has both a name and a signerName".to_owned()),
        (false, false) => say(at, "the entry needs a name or a signerName".to_owned()),
        (true, false) => {
            // The bundles of a signer carry its name with colons for slashes: `example.com:signer:bundle`.
            let own = name.text().rsplit(':').next().unwrap_or_default();
            form(&name, names::dns1123_subdomain(own), say);
            if selector.is_set() {
                say(&selector, "cannot stand beside a name".to_owned());
            }
        }
        (false, true) => {
            form(&signer, names::domain_prefixed_path(signer.text()), say);
            selector::label_selector(&selector, say);
        }
    }
    let path = at.get("path");
    required(&path, say);
    form(&path, names::local_non_reserved_path(path.text()), say);
}

const KEY_TYPES: &[&str] = &["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];

fn pod_certificate<'n>(volume: &At<'n, '_>, at: &At<'n, '_>, paths: &mut HashSet<&'n str>, say: Say<'_, 'n>) {
    let (signer, seconds) = (at.get("signerName"), at.get("maxExpirationSeconds"));
    form(&signer, names::domain_prefixed_path(signer.text()), say);
    enums::choice(&at.get("keyType"), KEY_TYPES, say);
    // Signers of Kubernetes itself issue for a day, others for three months.
    let own = signer.text().split('/').next().is_some_and(|domain| domain.ends_with("kubernetes.io"));
    let most = if own { 86_400 } else { 91 * 86_400 };
    if seconds.number().is_some_and(|seconds| !(3600..=most).contains(&seconds)) {
        say(&seconds, format!("must be between 3600 and {most} seconds"));
    }
    let mut count = 0;
    for field in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
        let path = at.get(field);
        if !path.text().is_empty() {
            count += 1;
            form(&path, names::local_non_reserved_path(path.text()), say);
            once(volume, &path, paths, say);
        }
    }
    if count == 0 {
        say(at, "the entry names no file: use credentialBundlePath, or keyPath and certificateChainPath".to_owned());
    }
}
