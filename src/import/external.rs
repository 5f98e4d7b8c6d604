//! The objects and hosts that a copy refers to and does not contain.

use std::collections::BTreeMap;

use super::names::camel;
use crate::graph::{Graph, Target};
use crate::object::Object;
use crate::service::Services;

/// What a bundle depends on but does not contain, as `Kind/name` or `host:port`, by a name for each.
pub(super) fn externals(objects: &[Object], services: &Services) -> BTreeMap<String, String> {
    let graph = Graph::build(objects, services, &[], &[]);
    let mut targets: Vec<String> = Vec::new();
    let mut add = |target: String| {
        if !targets.contains(&target) {
            targets.push(target);
        }
    };
    for reference in graph.references.iter().filter(|reference| reference.found.is_none() && !reference.optional) {
        // The name of a Secret is not secret.
        if !reference.name.is_empty() {
            add(format!("{}/{}", reference.kind, reference.name));
        }
    }
    for mention in &graph.mentions {
        let leads_out = matches!(mention.target, Target::Missing { .. } | Target::OtherNamespace { .. });
        if leads_out && mention.sure && !mention.is_secret() {
            add(match mention.port {
                Some(port) => format!("{}:{port}", mention.host),
                None => mention.host.clone(),
            });
        }
    }
    let mut named = BTreeMap::new();
    for target in targets {
        let stem = match target.split_once('/') {
            Some((kind, name)) => camel(&format!("{name}-{kind}")),
            None => camel(target.split(['.', ':']).next().unwrap_or(&target)),
        };
        let numbered = |number: usize| if number == 1 { stem.to_string() } else { format!("{stem}{number}") };
        if let Some(name) = (1..).map(numbered).find(|name| !named.contains_key(name)) {
            named.insert(name, target);
        }
    }
    named
}
