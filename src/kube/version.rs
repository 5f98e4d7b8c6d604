//! The supported Kubernetes versions.

use std::fmt;
use std::str::FromStr;

use crate::finding::{Failure, Finding, RuleId};
use crate::project::Project;

/// A supported Kubernetes version: 1.33 to 1.37.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion(u8);

impl KubernetesVersion {
    /// The oldest version: bit 0 of version masks.
    pub const OLDEST: Self = Self(33);
    /// The newest version.
    pub const NEWEST: Self = Self(37);

    /// The minor version: 36 of 1.36.
    #[must_use]
    pub const fn minor(self) -> u8 {
        self.0
    }

    /// Its bit in a version mask.
    #[must_use]
    pub const fn bit(self) -> u16 {
        1 << (self.0 - Self::OLDEST.0)
    }

    /// All versions, oldest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (Self::OLDEST.0..=Self::NEWEST.0).map(Self)
    }
}

impl KubernetesVersion {
    /// The version that a project is for.
    ///
    /// # Errors
    /// If its settings name an unsupported version.
    pub fn of_project(project: &Project) -> Result<Self, Failure> {
        match &project.settings.kubernetes {
            None => Ok(Self::default()),
            Some((version, span)) => {
                version.parse().map_err(|why| Finding::error(RuleId::SettingValueInvalid, *span, why).into())
            }
        }
    }
}

/// The version that the rules were tested on.
impl Default for KubernetesVersion {
    fn default() -> Self {
        Self(36)
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for KubernetesVersion {
    type Err = String;

    /// Reads `1.36`, `v1.36` and `1.36.2`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.trim_start_matches('v').split('.');
        let minor = match (parts.next(), parts.next()) {
            (Some("1"), Some(minor)) => minor.parse().ok(),
            _ => None,
        };
        match minor.map(Self) {
            Some(version) if (Self::OLDEST..=Self::NEWEST).contains(&version) => Ok(version),
            _ => Err(format!("unsupported Kubernetes version `{text}`: expected {} to {}", Self::OLDEST, Self::NEWEST)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_versions_in_range_only() {
        for text in ["1.36", "v1.36", "1.36.4"] {
            assert_eq!(text.parse::<KubernetesVersion>().unwrap(), KubernetesVersion::default());
        }
        for text in ["1.32", "1.38", "2.36", "36", "1.x", ""] {
            assert!(text.parse::<KubernetesVersion>().is_err(), "{text}");
        }
        assert_eq!(KubernetesVersion::all().count(), 5);
        assert_eq!(KubernetesVersion::NEWEST.bit(), 16);
    }
}
