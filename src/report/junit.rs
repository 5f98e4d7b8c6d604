//! Findings as JUnit XML, as Jenkins, GitLab and others show test results.
//!
//! The format of Jenkins's xUnit plugin, `junit-10.xsd`:
//! <https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd>.

use std::fmt::Write as _;

use crate::finding::Finding;
use crate::report::markup::{markup, markup_lines};
use crate::report::{ReportOptions, Secrets};
use crate::source::Sources;

/// One suite for each file and one test for each finding: failed if the finding fails the command, else skipped.
/// Without findings there is one passed test, since some services reject a report without tests.
#[must_use]
pub fn junit(sources: &Sources, findings: &[Finding], secrets: &Secrets, options: &ReportOptions) -> String {
    let file = |finding: &Finding| match sources.get(finding.span.file) {
        Some(file) => options.root.place(&file.name).path().to_owned(),
        None => "plimsoll".to_owned(),
    };
    let failures = |findings: &[Finding]| findings.iter().filter(|finding| finding.severity >= options.fail_on).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    _ = writeln!(
        out,
        r#"<testsuites name="plimsoll" tests="{}" failures="{}" errors="0">"#,
        findings.len().max(1),
        failures(findings)
    );
    // Findings are sorted by file.
    for findings in findings.chunk_by(|one, next| one.span.file == next.span.file) {
        let file = markup(&file(&findings[0]));
        let (tests, failures) = (findings.len(), failures(findings));
        let skipped = tests - failures;
        _ = writeln!(
            out,
            r#"  <testsuite name="{file}" tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}">"#
        );
        for finding in findings {
            test(sources, finding, &file, secrets, options, &mut out);
        }
        out.push_str("  </testsuite>\n");
    }
    if findings.is_empty() {
        out.push_str("  <testsuite name=\"plimsoll\" tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\">\n");
        out.push_str("    <testcase classname=\"plimsoll\" name=\"no findings\"/>\n  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn test(
    sources: &Sources,
    finding: &Finding,
    file: &str,
    secrets: &Secrets,
    options: &ReportOptions,
    out: &mut String,
) {
    let object = finding.object.as_ref().map(|object| format!("{object} {}", secrets.words(&finding.field)));
    let name = match object.as_deref().map(str::trim_end) {
        Some(object) => format!("{}: {object}", finding.rule),
        None => finding.rule.to_string(),
    };
    let message = secrets.words(&finding.message);
    let mut text = match sources.get(finding.span.file) {
        Some(source) => {
            let at = source.position(finding.span.start);
            format!("{}:{}:{}: {message}", options.root.place(&source.name).path(), at.line, at.column)
        }
        None => message.clone(),
    };
    if !finding.help.is_empty() {
        _ = write!(text, "\nhelp: {}", secrets.words(&finding.help));
    }
    let element = if finding.severity >= options.fail_on { "failure" } else { "skipped" };
    _ = writeln!(
        out,
        "    <testcase classname=\"{file}\" name=\"{}\">\n      <{element} type=\"{}\" message=\"{}\">{}</{element}>\n    </testcase>",
        markup(&name),
        finding.severity.name(),
        markup(&message),
        markup_lines(&text)
    );
}
