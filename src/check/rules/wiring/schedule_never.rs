//! Rule `schedule-never`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::cron;
use crate::object::Object;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ScheduleNever,
    doc: Doc {
        checks: "\
A schedule's days must exist in its months: `0 0 30 2 *` is the 30th of February, `0 0 31 4,6 *` the
31st of April and June. A weekday beside the day counts as another chance: `0 0 31 2 1` runs on the
Mondays of February.",
        why: "The API server accepts such a schedule, and the CronJob never runs.",
        fix: "\
Choose a day that the month has. The last day of a month is not a schedule; run daily and let the
program look at the date.",
        source: "\
https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax and
https://pkg.go.dev/github.com/robfig/cron/v3#hdr-CRON_Expression_Format.",
    },
    bad: "\
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: '0 3 31 2 *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: 'ghcr.io/acme/a:1'}]}}}}
",
    good: "\
-  schedule: '0 3 31 2 *'
+  schedule: '0 3 28 2 *'
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if (object.group(), object.kind()) != ("batch", "CronJob") {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let schedule = spec.get("schedule");
    if cron::never_comes(schedule.text()) {
        faults
            .add(&schedule, format!("the schedule `{}` never comes", schedule.text()))
            .label("its months do not have that day")
            .help("choose a day that the month has");
    }
}
