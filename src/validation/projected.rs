//! Projected volumes: several sources in one directory.

use foldhash::{HashSet, HashSetExt};

use super::enums;
use super::selector;
use super::volume::{downward_file, form, key_items, mode, required};
use crate::formats::names;
use crate::validation::{At, Faults};

/// Validates a projected volume.
pub(super) fn check(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    mode(&at.get("defaultMode"), faults);
    let mut paths = HashSet::new();
    for source in at.get("sources").items() {
        let mut types = 0;
        for field in ["secret", "configMap"] {
            let projection = source.get(field);
            if !projection.is_set() {
                continue;
            }
            types += 1;
            required(&projection.get("name"), faults);
            let items = projection.get("items");
            key_items(&items, faults);
            for item in items.items() {
                check_unique(at, &item.get("path"), &mut paths, faults);
            }
        }
        let downward = source.get("downwardAPI");
        if downward.is_set() {
            types += 1;
            for file in downward.get("items").items() {
                downward_file(&downward, &file, faults);
                check_unique(at, &file.get("path"), &mut paths, faults);
            }
        }
        let token = source.get("serviceAccountToken");
        if token.is_set() {
            types += 1;
            service_account_token(at, &token, faults);
        }
        let trust = source.get("clusterTrustBundle");
        if trust.is_set() {
            types += 1;
            trust_bundle(&trust, faults);
            check_unique(at, &trust.get("path"), &mut paths, faults);
        }
        let certificate = source.get("podCertificate");
        if certificate.is_set() {
            types += 1;
            pod_certificate(at, &certificate, &mut paths, faults);
        }
        if types > 1 {
            faults.breaks(&source, "must not specify more than one projection type for a source");
        }
    }
}

/// Reports a path that another source already has. The API server reports the volume.
fn check_unique<'n>(volume: &At<'n, '_>, path: &At<'n, '_>, paths: &mut HashSet<&'n str>, faults: &mut Faults<'_, '_>) {
    if !path.text().is_empty() && !paths.insert(path.text()) {
        faults.add(&volume.same(path.node), format!("duplicate path `{}`", path.text()));
    }
}

fn service_account_token<'n>(volume: &At<'n, '_>, at: &At<'n, '_>, faults: &mut Faults<'_, '_>) {
    let seconds = at.get("expirationSeconds");
    if seconds.number().is_some_and(|seconds| !(600..=1 << 32).contains(&seconds)) {
        faults.breaks(&seconds, "must be between 600 and 4294967296 seconds");
    }
    // The API server reports the volume here.
    let path = volume.on("path", &at.node["path"]);
    required(&path, faults);
    form(&path, names::local_non_reserved_path(path.text()), faults);
}

fn trust_bundle(at: &At<'_, '_>, faults: &mut Faults<'_, '_>) {
    let (name, signer, selector) = (at.get("name"), at.get("signerName"), at.get("labelSelector"));
    match (name.is_set(), signer.is_set()) {
        (true, true) => _ = faults.add(at, "only one of `name` and `signerName` may be set"),
        (false, false) => _ = faults.add(at, "either `name` or `signerName` is required"),
        (true, false) => {
            // The name of a signer's bundle starts with the signer's name, with colons for slashes: `example.com:signer:bundle`.
            let own = name.text().rsplit(':').next().unwrap_or_default();
            form(&name, names::dns1123_subdomain(own), faults);
            if selector.is_set() {
                faults.breaks(&selector, "must not be set together with `name`");
            }
        }
        (false, true) => {
            form(&signer, names::domain_prefixed_path(signer.text()), faults);
            selector::label_selector(&selector, faults);
        }
    }
    let path = at.get("path");
    required(&path, faults);
    form(&path, names::local_non_reserved_path(path.text()), faults);
}

const KEY_TYPES: &[&str] = &["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];

fn pod_certificate<'n>(
    volume: &At<'n, '_>,
    at: &At<'n, '_>,
    paths: &mut HashSet<&'n str>,
    faults: &mut Faults<'_, '_>,
) {
    let (signer, seconds) = (at.get("signerName"), at.get("maxExpirationSeconds"));
    form(&signer, names::domain_prefixed_path(signer.text()), faults);
    enums::choice(&at.get("keyType"), KEY_TYPES, faults);
    // The maximum is 24 hours for signers of Kubernetes itself, and 91 days for others.
    let own = signer.text().split('/').next().is_some_and(|domain| domain.ends_with("kubernetes.io"));
    let most = if own { 86_400 } else { 91 * 86_400 };
    if seconds.number().is_some_and(|seconds| !(3600..=most).contains(&seconds)) {
        faults.breaks(&seconds, format!("must be between 3600 and {most} seconds"));
    }
    let mut count = 0;
    for field in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
        let path = at.get(field);
        if !path.text().is_empty() {
            count += 1;
            form(&path, names::local_non_reserved_path(path.text()), faults);
            check_unique(volume, &path, paths, faults);
        }
    }
    if count == 0 {
        faults.add(at, "one of `credentialBundlePath`, `keyPath` and `certificateChainPath` is required");
    }
}
