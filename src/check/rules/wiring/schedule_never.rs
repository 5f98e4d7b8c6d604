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
Checks that the days of a CronJob's schedule exist in its months: `0 0 30 2 *` is February 30,
`0 0 31 4,6 *` is April 31 and June 31. The finding is a warning. With a day of the week the
schedule matches on that day as well, and is not reported: `0 0 31 2 1` runs on the Mondays of
February.",
        why: "The API server accepts the schedule, and the CronJob never runs.",
        fix: "\
Choose a day that exists in the month. A schedule cannot express the last day of a month: run the
job daily and check the date in the program.",
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
    if cron::never_matches(schedule.text()) {
        faults
            .add(&schedule, format!("the schedule `{}` never matches", schedule.text()))
            .label("the selected months do not have this day")
            .help("choose a day that exists in the month");
    }
}
