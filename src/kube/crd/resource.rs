//! What every resource has, whether the schema of its kind describes it or not.

use crate::cursor::At;
use crate::kube::{Kind, KubernetesVersion, decode};
use crate::schema::{ApiServer, Fault, FaultKind};

impl ApiServer for KubernetesVersion {
    fn minor(&self) -> u8 {
        KubernetesVersion::minor(*self)
    }

    fn resource_faults<'n>(&self, at: &At<'n, '_>) -> Vec<Fault<'n>> {
        let mut faults = Vec::new();
        for name in ["apiVersion", "kind"] {
            let field = at.get(name);
            let fault = |kind, predicate: &str| {
                let node = if kind == FaultKind::Missing { at.node } else { field.node };
                Fault::new(kind, node, field.to_string(), format!("`{field}` {predicate}"))
            };
            let is_kind = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            faults.extend(match field.node.as_str() {
                _ if at.node.get(name).is_none() => {
                    Some(fault(FaultKind::Missing, "is required in an embedded resource"))
                }
                None => Some(fault(FaultKind::Type, &format!("must be a string, not {}", field.node.type_name()))),
                Some("") => Some(fault(FaultKind::Invalid, "must not be empty")),
                Some(text) if name == "apiVersion" && text.matches('/').count() > 1 => {
                    Some(fault(FaultKind::Invalid, "must be `version` or `group/version`"))
                }
                Some(text) if name == "kind" && !is_kind(text) => {
                    Some(fault(FaultKind::Invalid, "must consist of letters, digits and `-`"))
                }
                Some(_) => None,
            });
        }
        let meta = Kind::find("v1", "ConfigMap", *self).and_then(|kind| kind.ty.field("metadata", *self));
        if let Some(meta) = meta
            && at.node.get("metadata").is_some()
        {
            faults.extend(decode::decode_at(&at.get("metadata"), meta, *self));
        }
        faults
    }
}
