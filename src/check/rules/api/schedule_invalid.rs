//! Rule `schedule-invalid`.

use crate::check::{Check, Doc, Rule};
use crate::finding::RuleId;
use crate::formats::{cron, time_zone};
use crate::object::Object;
use crate::suggest;
use crate::validation::{At, Faults};

/// The rule.
pub static RULE: Rule = Rule {
    id: RuleId::ScheduleInvalid,
    doc: Doc {
        checks: "\
A schedule must have five fields (minute 0-59, hour 0-23, day of month 1-31, month 1-12, day of week
0-6 from Sunday), or be `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` or `@every
<duration>`. A time zone must be set in `timeZone`, not in the schedule, and must be a name of the
IANA database. `concurrencyPolicy` must be `Allow`, `Forbid` or `Replace`. The numbers must not be
negative.",
        why: "\
The API server rejects the object, for instance with \"cannot use TZ or CRON_TZ in schedule, use
timeZone field instead\" or \"unknown time zone\".",
        fix: "Correct the field of the schedule, or set `timeZone`.",
        source: "`validateCronJobSpec` in `pkg/apis/batch/validation`.",
    },
    bad: "\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 25 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a:1}]}}}}
",
    good: "\
-  schedule: '0 25 * * *'
+  schedule: '0 3 * * *'
+  timeZone: Europe/Berlin
",
    check: Check::Object(check),
};

fn check(object: &Object, faults: &mut Faults<'_, '_>) {
    if object.kind() != "CronJob" || object.group() != "batch" {
        return;
    }
    let root = At::root("", &object.node);
    let spec = root.get("spec");
    let schedule = spec.get("schedule");
    let text = schedule.text();
    if text.is_empty() {
        faults.required(&schedule);
    } else if text.contains("TZ") {
        faults.invalid(&schedule, "cannot use TZ or CRON_TZ in schedule").help("use the field `timeZone` instead");
    } else if let Err(rule) = cron::check(text) {
        faults.invalid(&schedule, &rule);
    }
    time_zone(faults, &spec.get("timeZone"));
    let policy = spec.get("concurrencyPolicy");
    if !policy.text().is_empty() {
        faults.one_of(&policy, &["Allow", "Forbid", "Replace"]);
    }
    for name in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        faults.not_negative(&spec.get(name));
    }
}

fn time_zone(faults: &mut Faults<'_, '_>, at: &At<'_, '_>) {
    if !at.is_set() || time_zone::is_known(at.text()) {
        return;
    }
    let near = suggest::nearest(at.text(), time_zone::all()).map(|near| format!("did you mean `{near}`?"));
    faults.invalid(at, "is an unknown time zone").help(near.unwrap_or_default());
}
