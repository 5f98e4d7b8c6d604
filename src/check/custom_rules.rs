//! The rules in CEL that definitions have for their resources.

use foldhash::{HashMap, HashMapExt, HashSet, HashSetExt};

use crate::cel::Rules;
use crate::finding::{Finding, RuleId};
use crate::kube::crd::CustomKind;
use crate::object::Object;
use crate::validation::Report;

use super::Options;

/// How many steps the rules may take on one object, and on all that are checked together.
const STEPS_OF_OBJECT: u64 = 1_000_000;
const STEPS_OF_ALL: u64 = 20_000_000;

/// The rules of the kinds met so far.
#[derive(Debug)]
pub(super) struct CustomRules<'k> {
    kinds: HashMap<*const CustomKind<'k>, Rules<'k>>,
    left: u64,
}

impl<'k> CustomRules<'k> {
    pub(super) fn new() -> Self {
        Self { kinds: HashMap::new(), left: STEPS_OF_ALL }
    }

    /// Evaluates the rules of its kind on an object that its schema takes. Whether it keeps them.
    pub(super) fn check(
        &mut self,
        object: &Object,
        kind: &'k CustomKind<'k>,
        options: &Options,
        findings: &mut Vec<Finding>,
    ) -> bool {
        let rules = self.kinds.entry(std::ptr::from_ref(kind)).or_insert_with(|| Rules::new(kind.schema()));
        if rules.is_empty() {
            return true;
        }
        // On creation the API server throws a status away that is a subresource.
        let without_status = kind.drops_status().then(|| {
            let mut node = object.node.clone();
            if let crate::node::Value::Mapping(mapping) = &mut node.value {
                mapping.remove("status");
            }
            node
        });
        let node = without_status.as_ref().unwrap_or(&object.node);
        let steps = STEPS_OF_OBJECT.min(self.left);
        let outcome = rules.check(node, kind.schema(), steps);
        self.left -= steps - outcome.left;
        let keeps = outcome.broken.is_empty();
        if options.runs(RuleId::CustomResourceInvalid) {
            let mut report = Report::new(RuleId::CustomResourceInvalid, options.kubernetes_version);
            for broken in outcome.broken {
                let help = format!("the definition's rule is `{}`", broken.rule);
                report.field(object, broken.node, broken.field, broken.message).help(help);
            }
            findings.append(&mut report.into_findings());
        }
        if options.runs(RuleId::CustomResourceUnevaluated) {
            let mut report = Report::new(RuleId::CustomResourceUnevaluated, options.kubernetes_version);
            for (rule, why) in outcome.skipped {
                let message = format!("a rule of the definition of {} is not evaluated here: {why}", object.kind());
                report.object(object, message).help(format!("the API server evaluates it: `{rule}`"));
            }
            findings.append(&mut report.into_findings());
        }
        keeps
    }
}

/// Keeps the first of the notes that say one thing: a rule that is not evaluated is not evaluated on any object.
pub(super) fn keep_first_notes(findings: &mut Vec<Finding>) {
    let mut seen = HashSet::new();
    let note = RuleId::CustomResourceUnevaluated;
    findings.retain(|finding| finding.rule != note || seen.insert((finding.message.clone(), finding.help.clone())));
}
