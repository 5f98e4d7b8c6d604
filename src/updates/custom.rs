//! What the definition of a custom resource does not let change: its rules that compare with the old value (`oldSelf`).

use super::{Judge, Refusal};
use crate::node::Node;
use crate::schema::FaultKind;
use crate::source::Span;

impl Judge<'_> {
    /// Reports the rules that a changed resource breaks, and would not break as a new one. `alone` is the new resource by itself.
    ///
    /// Other rules are evaluated too, as what the server keeps of the old resource can break them. Those that a resource breaks by
    /// itself are no matter of the change.
    pub(super) fn custom(&mut self, before: &Node, after: &Node, alone: &Node, say: &mut dyn FnMut(Refusal)) {
        let (api_version, kind) = (after["apiVersion"].text(), after["kind"].text());
        let Some(kind) = self.custom.find(api_version, kind).filter(|kind| kind.served) else { return };
        // The API server evaluates rules on values that have their types and required fields.
        let blocks = |kind| matches!(kind, FaultKind::Type | FaultKind::Missing);
        if self.custom.validate(kind, after, self.version).iter().any(|fault| blocks(fault.kind)) {
            return;
        }
        let broken = self.rules.check(kind, after, Some(before)).broken;
        if broken.is_empty() {
            return;
        }
        let own = self.rules.check(kind, alone, None).broken;
        for broken in broken {
            let help = broken.help();
            if broken.old.is_none() && own.iter().any(|own| own.field == broken.field && own.help() == help) {
                continue;
            }
            let old_span = broken.old.map_or(Span::NONE, |old| old.origin.span);
            say(Refusal {
                field: broken.field,
                message: broken.message,
                help,
                span: broken.node.origin.span,
                old_span,
            });
        }
    }
}
