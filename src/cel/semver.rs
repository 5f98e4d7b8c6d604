//! Semantic versions, as the `semver` library of `k8s.io/apiserver/pkg/cel/library` parses them.

use std::cmp::Ordering;

/// A version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    before: Vec<String>,
}

impl Version {
    /// Parses a version of three numbers; `normalize` accepts a leading `v`, leading zeros and missing numbers.
    pub(super) fn read(text: &str, normalize: bool) -> Option<Self> {
        let text = if normalize { text.trim().strip_prefix('v').unwrap_or(text.trim()) } else { text };
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (numbers, before) = text.split_once('-').map_or((text, None), |(text, before)| (text, Some(before)));
        let is_part =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !build.is_none_or(|build| build.split('.').all(is_part)) {
            return None;
        }
        let before: Vec<String> = before.map(|text| text.split('.').map(str::to_owned).collect()).unwrap_or_default();
        let has_leading_zero = |part: &str| part.len() > 1 && part.starts_with('0');
        if !before.iter().all(|part| is_part(part) && !(is_number(part) && has_leading_zero(part))) {
            return None;
        }
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.len() > 3 || parts.len() < 3 && !normalize {
            return None;
        }
        let number = |at: usize| match parts.get(at) {
            None => Some(0),
            Some(part) if is_number(part) && (normalize || !has_leading_zero(part)) => part.parse().ok(),
            Some(_) => None,
        };
        Some(Self { major: number(0)?, minor: number(1)?, patch: number(2)?, before })
    }

    /// The order of precedence.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let numbers = |version: &Self| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.before.is_empty(), other.before.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let pairs = self.before.iter().zip(&other.before);
                let parts = pairs.map(|(one, two)| match (one.parse::<u64>(), two.parse::<u64>()) {
                    (Ok(one), Ok(two)) => one.cmp(&two),
                    (Ok(_), Err(_)) => Ordering::Less,
                    (Err(_), Ok(_)) => Ordering::Greater,
                    (Err(_), Err(_)) => one.cmp(two),
                });
                parts.fold(Ordering::Equal, Ordering::then).then(self.before.len().cmp(&other.before.len()))
            }
        })
    }
}
