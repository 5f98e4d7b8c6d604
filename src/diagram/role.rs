//! The roles of kinds, and their icons.

/// The role of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It runs containers.
    Workload,
    /// It routes or restricts traffic.
    Network,
    /// It contains configuration.
    Config,
    /// It stores data.
    Storage,
    /// It grants permissions.
    Access,
    /// Anything else.
    Other,
}

impl Role {
    /// All roles, in the order in which a page lists them.
    pub const ALL: [Self; 6] = [Self::Workload, Self::Network, Self::Config, Self::Storage, Self::Access, Self::Other];

    /// The role of a kind.
    #[must_use]
    pub fn of(kind: &str) -> Self {
        match kind {
            "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "ReplicationController"
            | "Job"
            | "CronJob"
            | "Pod"
            | "Rollout"
            | "CloneSet" => Self::Workload,
            "Service" | "Ingress" | "IngressClass" | "NetworkPolicy" | "Endpoints" | "EndpointSlice" | "Gateway"
            | "GatewayClass" | "HTTPRoute" | "GRPCRoute" | "TCPRoute" | "TLSRoute" | "IngressRoute"
            | "VirtualService" | "DestinationRule" => Self::Network,
            "ConfigMap" | "Secret" | "ExternalSecret" | "SealedSecret" | "Certificate" | "Issuer" | "ClusterIssuer" => {
                Self::Config
            }
            "PersistentVolumeClaim" | "PersistentVolume" | "StorageClass" | "VolumeSnapshot" => Self::Storage,
            "ServiceAccount" | "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => Self::Access,
            _ => Self::Other,
        }
    }

    /// The title of a section with objects of the role.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Workload => "Workloads",
            Self::Network => "Network",
            Self::Config => "Configuration",
            Self::Storage => "Storage",
            Self::Access => "Access",
            Self::Other => "Other",
        }
    }

    /// The CSS class.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Network => "network",
            Self::Config => "config",
            Self::Storage => "storage",
            Self::Access => "access",
            Self::Other => "other",
        }
    }
}

/// The SVG path of the icon for a kind, in a square of 20 pixels.
#[must_use]
pub fn icon(kind: &str) -> &'static str {
    match (kind, Role::of(kind)) {
        // A clock and a flag.
        ("CronJob", _) => "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15M10 6v4l3 2",
        ("Job", _) => "M5 17.5v-14M5 4h9.5l-2 3 2 3H5",
        // A lock.
        ("Secret", _) => "M4.5 9h11v8h-11zM7 9V6.5a3 3 0 0 1 6 0V9M10 12v2",
        // A box, a globe, a page, a cylinder, a person, a frame.
        (_, Role::Workload) => "M10 2.5l6.5 3.7v7.6L10 17.5l-6.5-3.7V6.2zM3.5 6.2L10 10l6.5-3.8M10 10v7.5",
        (_, Role::Network) => {
            "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15M2.5 10h15M10 2.5c-4 5-4 10 0 15M10 2.5c4 5 4 10 0 15"
        }
        (_, Role::Config) => "M5 2.5h7l3.5 3.5v11.5H5zM12 2.5V6h3.5M8 10h4.5M8 13.5h4.5",
        (_, Role::Storage) => {
            "M4 5c0-3.3 12-3.3 12 0v10c0 3.3-12 3.3-12 0zM4 5c0 3.3 12 3.3 12 0M4 10c0 3.3 12 3.3 12 0"
        }
        (_, Role::Access) => "M10 9.5a3.5 3.5 0 1 0 0-7a3.5 3.5 0 1 0 0 7M3.5 17.5c0-7.5 13-7.5 13 0",
        (_, Role::Other) => "M6.5 3.5h-3v3M13.5 3.5h3v3M6.5 16.5h-3v-3M13.5 16.5h3v-3M8 10h4M10 8v4",
    }
}
