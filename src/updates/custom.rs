//! Validates updates of custom resources against the CEL rules of their definition.

use super::{Rejection, UpdateSimulator};
use crate::node::Node;
use crate::schema::FaultKind;
use crate::source::Span;

impl UpdateSimulator<'_> {
    /// Reports the rules that an updated resource violates, but not on creation. `alone` is the new resource as
    /// created.
    ///
    /// Rules without `oldSelf` are evaluated as well, since fields retained from the old resource may violate them.
    pub(super) fn validate_custom(
        &mut self,
        before: &Node,
        after: &Node,
        alone: &Node,
        report: &mut dyn FnMut(Rejection),
    ) {
        let (api_version, kind) = (after["apiVersion"].text(), after["kind"].text());
        let Some(kind) = self.custom.find(api_version, kind).filter(|kind| kind.served) else { return };
        // The API server only evaluates rules if all types are correct and all required fields are set.
        let blocks = |kind| matches!(kind, FaultKind::Type | FaultKind::Missing);
        if self.custom.validate(kind, after, self.version).iter().any(|fault| blocks(fault.kind)) {
            return;
        }
        let violations = self.rules.check(kind, after, Some(before)).violations;
        if violations.is_empty() {
            return;
        }
        let own = self.rules.check(kind, alone, None).violations;
        for violation in violations {
            let help = violation.help();
            if violation.old.is_none() && own.iter().any(|own| own.field == violation.field && own.help() == help) {
                continue;
            }
            let old_span = violation.old.map_or(Span::NONE, |old| old.origin.span);
            report(Rejection {
                field: violation.field,
                message: violation.message,
                help,
                span: violation.node.origin.span,
                old_span,
            });
        }
    }
}
