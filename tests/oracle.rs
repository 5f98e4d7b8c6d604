//! Replays recorded verdicts of a kube-apiserver and counts the differences.
//!
//! ```sh
//! cargo test oracle -- --nocapture               # the rates of both sets
//! ORACLE_BASE=9 cargo test oracle -- --nocapture # and every different case of base 9
//! ORACLE_REASON=Strict ...                       # and every different case with that reason (`accepted`: false positives)
//! ORACLE_REASON=expression ...                   # and every case of the second set about an expression
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use plimsoll::check::{Options, check};
use plimsoll::finding::{Finding, Severity};
use plimsoll::node::{Mapping, Node, Value};
use plimsoll::object::Object;
use plimsoll::source::{Sources, Span};
use plimsoll::yaml::{Dialect, load};
use serde_json::Value as Json;

/// The rates that a set of cases must reach; raise them when the rules improve.
struct Level {
    /// Rejections, except those of expressions, with an error of ours.
    recall: f64,
    /// Rejections of expressions (CEL) with an error of ours.
    expressions: f64,
    /// Accepted cases with an error of ours.
    false_alarms: f64,
    /// Rejections with fields for which we report all of these fields.
    fields: f64,
}

/// Common kinds. None of the cases is about an expression.
const FIRST_SET: Level = Level { recall: 0.999, expressions: 0.0, false_alarms: 0.001, fields: 0.975 };
/// CustomResourceDefinitions, policies and less common kinds.
const SECOND_SET: Level = Level { recall: 0.99, expressions: 0.96, false_alarms: 0.001, fields: 0.97 };

/// A recorded verdict.
pub(crate) struct Case {
    pub(crate) base: usize,
    pub(crate) path: Vec<Json>,
    /// The new value; `None` if the value is removed.
    pub(crate) value: Option<Node>,
    pub(crate) accepted: bool,
    /// The causes: reason and field.
    pub(crate) causes: Vec<(String, String)>,
    /// Whether the server rejects an expression: it does not parse, does not type-check, or is too expensive.
    about_expression: bool,
}

pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/data/oracle/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The valid objects that the cases change.
pub(crate) fn bases(name: &str) -> Vec<Node> {
    let sources = Sources::new();
    let file = sources.add(name, read(name));
    let loaded = load(&sources, file, Dialect::Kubectl);
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    loaded.documents
}

/// Strings in the server's messages about expressions.
const EXPRESSION_MESSAGES: &[&str] = &["ompilation failed", "must evaluate to", "cost limit"];

/// The verdicts of one file.
pub(crate) fn cases(name: &str) -> Vec<Case> {
    read(name)
        .lines()
        .map(|line| {
            let json: Json = serde_json::from_str(line).unwrap();
            case_of(&json)
        })
        .collect()
}

/// One line of a file.
pub(crate) fn case_of(json: &Json) -> Case {
    let text = |json: &Json| json.as_str().unwrap().to_owned();
    let causes = json["causes"].as_array().into_iter().flatten();
    Case {
        base: usize::try_from(json["base"].as_u64().unwrap()).unwrap(),
        path: json["path"].as_array().unwrap().clone(),
        value: (json["remove"] != Json::Bool(true)).then(|| node(&json["value"])),
        accepted: json["accepted"] == Json::Bool(true),
        causes: causes.map(|cause| (text(&cause[0]), text(&cause[1]))).collect(),
        about_expression: json["message"]
            .as_str()
            .is_some_and(|message| EXPRESSION_MESSAGES.iter().any(|part| message.contains(part))),
    }
}

fn node(json: &Json) -> Node {
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Float(number.as_f64().unwrap()), Value::Int),
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().map(node).collect::<Vec<_>>().into(),
        Json::Object(entries) => {
            let mut mapping = Mapping::new();
            for (key, value) in entries {
                mapping.push(key.as_str(), Span::NONE, node(value));
            }
            mapping.into()
        }
    };
    Node::new(value, Span::NONE)
}

/// The object of a case: its base with one change.
pub(crate) fn mutant(bases: &[Node], case: &Case) -> Node {
    let mut root = bases[case.base].clone();
    let Some((last, way)) = case.path.split_last() else { return case.value.clone().unwrap_or_default() };
    let mut at = &mut root;
    for step in way {
        at = child(at, step).unwrap();
    }
    match (&mut at.value, &case.value) {
        (Value::Mapping(mapping), Some(value)) => mapping.set(last.as_str().unwrap(), value.clone()),
        (Value::Mapping(mapping), None) => drop(mapping.remove(last.as_str().unwrap())),
        (Value::Sequence(items), Some(value)) => items.make_mut()[index(last)] = value.clone(),
        (Value::Sequence(items), None) => drop(items.remove(index(last))),
        _ => panic!("{:?} does not exist", case.path),
    }
    root
}

fn child<'a>(node: &'a mut Node, step: &Json) -> Option<&'a mut Node> {
    match &mut node.value {
        Value::Mapping(mapping) => mapping.get_mut(step.as_str()?),
        Value::Sequence(items) => items.make_mut().get_mut(index(step)),
        _ => None,
    }
}

fn index(step: &Json) -> usize {
    usize::try_from(step.as_u64().unwrap()).unwrap()
}

/// Our errors for an object, of the family of the API server's rejections.
fn errors(node: Node) -> Vec<Finding> {
    let options = Options { only: vec!["api".to_owned()], ..Options::default() };
    let mut findings = check(&[Object::new(node)], &options);
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

/// A rate: the number of hits out of a total.
#[derive(Default)]
struct Share {
    hits: usize,
    all: usize,
}

impl Share {
    fn count(&mut self, hit: bool) {
        self.all += 1;
        self.hits += usize::from(hit);
    }

    fn ratio(&self) -> f64 {
        if self.all == 0 { 0.0 } else { self.hits as f64 / self.all as f64 }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:6.2} %  ({} of {})", 100.0 * self.ratio(), self.hits, self.all)
    }
}

#[test]
fn every_base_is_accepted() {
    for base in bases("bases.yaml").into_iter().chain(bases("bases-2.yaml")) {
        let errors = errors(base);
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn verdicts_agree_with_the_server() {
    replay("bases.yaml", "cases.jsonl", &FIRST_SET);
}

#[test]
fn verdicts_on_less_common_kinds_agree_with_the_server() {
    replay("bases-2.yaml", "cases-2.jsonl", &SECOND_SET);
}

fn replay(bases_file: &str, cases_file: &str, level: &Level) {
    let bases = bases(bases_file);
    let mut expressions = Share::default();
    let (mut recall, mut alarms, mut fields) = (Share::default(), Share::default(), Share::default());
    let (mut by_reason, mut by_kind) = (BTreeMap::<String, Share>::new(), BTreeMap::<String, [Share; 3]>::new());
    let mut listing = String::new();
    for case in &cases(cases_file) {
        let errors = errors(mutant(&bases, case));
        let refused = !errors.is_empty();
        let of_kind = by_kind.entry(bases[case.base]["kind"].text().to_owned()).or_default();
        let mut differs = refused == case.accepted;
        if case.accepted {
            alarms.count(refused);
            of_kind[1].count(refused);
        } else {
            if case.about_expression { &mut expressions } else { &mut recall }.count(refused);
            of_kind[0].count(refused);
            let mut reasons: Vec<&str> = case.causes.iter().map(|(reason, _)| reason.as_str()).collect();
            reasons.sort_unstable();
            reasons.dedup();
            for reason in reasons {
                by_reason.entry(reason.to_owned()).or_default().count(refused);
            }
            if case.causes.iter().any(|(_, field)| !field.is_empty()) {
                let ours = |field: &str| errors.iter().any(|error| error.field == field);
                let same = case.causes.iter().all(|(_, field)| field.is_empty() || ours(field));
                fields.count(same);
                of_kind[2].count(same);
                differs |= !same;
            }
        }
        if differs && is_selected(case) {
            list(&mut listing, case, &errors);
        }
    }
    println!(
        "{listing}\n{cases_file}\nrecall        {recall}\nexpressions   {expressions}\nfalse alarms  {alarms}\nsame fields   {fields}\n\nrecall by reason"
    );
    for (reason, share) in &by_reason {
        println!("  {reason:24} {share}");
    }
    println!("\nby kind                    recall                      false alarms                same fields");
    for (kind, [recall, alarms, fields]) in &by_kind {
        println!("  {kind:24} {:27} {:27} {fields}", recall.to_string(), alarms.to_string());
    }
    assert!(recall.ratio() >= level.recall, "recall {recall}");
    assert!(expressions.ratio() >= level.expressions, "recall of expressions {expressions}");
    assert!(alarms.ratio() <= level.false_alarms, "false alarms {alarms}");
    assert!(fields.ratio() >= level.fields, "same fields {fields}");
}

/// An object that the server accepts after a change would also be accepted on creation.
#[test]
fn accepted_changes_have_no_errors() {
    let bases = bases("bases.yaml");
    let mut alarms = Share::default();
    for case in cases("updates.jsonl").iter().filter(|case| case.accepted) {
        let errors = errors(mutant(&bases, case));
        alarms.count(!errors.is_empty());
        if !errors.is_empty() {
            let mut listing = String::new();
            list(&mut listing, case, &errors);
            print!("{listing}");
        }
    }
    println!("false alarms of changes {alarms}");
    assert!(alarms.ratio() <= FIRST_SET.false_alarms, "false alarms {alarms}");
}

/// Whether the environment variables select the case.
fn is_selected(case: &Case) -> bool {
    let asked = |name: &str| std::env::var(name).ok();
    let by_base = asked("ORACLE_BASE").is_some_and(|base| base == case.base.to_string());
    let by_reason = asked("ORACLE_REASON").is_some_and(|wanted| match case.causes.as_slice() {
        [] => wanted == "accepted",
        causes => causes.iter().any(|(reason, _)| *reason == wanted || wanted == "rejected"),
    });
    by_base || by_reason || case.about_expression && asked("ORACLE_REASON").is_some_and(|wanted| wanted == "expression")
}

fn list(listing: &mut String, case: &Case, errors: &[Finding]) {
    let what = match (case.accepted, errors.is_empty()) {
        (true, _) => "FALSE ALARM",
        (false, true) => "MISSED",
        (false, false) => "OTHER FIELD",
    };
    let path: Vec<String> = case.path.iter().map(|step| step.to_string().replace('"', "")).collect();
    let mut value = case.value.as_ref().map_or_else(|| "(removed)".to_owned(), inline);
    if value.chars().count() > 200 {
        value = value.chars().take(200).chain("…".chars()).collect();
    }
    writeln!(listing, "{what} base {} {} = {value}", case.base, path.join("/")).unwrap();
    for (reason, field) in &case.causes {
        writeln!(listing, "    server: {reason} {field}").unwrap();
    }
    for error in errors {
        writeln!(listing, "    ours:   {} {}: {}", error.rule, error.field, error.message).unwrap();
    }
}

/// A value on one line.
fn inline(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Mapping(mapping) => {
            let entries: Vec<String> =
                mapping.iter().map(|entry| format!("{}: {}", entry.key, inline(&entry.value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Expressions of a ValidatingAdmissionPolicy: their types if they compile, otherwise the first line of the server's error.
#[test]
fn expressions_compile_as_on_the_server() {
    let mut differences = String::new();
    for line in read("expressions.jsonl").lines() {
        let json: Json = serde_json::from_str(line).unwrap();
        let expression = json["expression"].as_str().unwrap();
        let policy = serde_json::json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "a"},
            "spec": {
                "matchConstraints": {
                    "resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}],
                },
                "validations": [{"expression": expression}],
            },
        });
        let ours: Vec<String> = errors(node(&policy)).into_iter().map(|finding| finding.message).collect();
        let expected = match (json["type"].as_str(), json["error"].as_str()) {
            (Some("bool"), _) => None,
            (Some(ty), _) => Some(format!("must evaluate to bool but got {ty}")),
            (None, error) => error.map(str::to_owned),
        };
        let same = match &expected {
            None => ours.is_empty(),
            Some(message) => ours.first().is_some_and(|ours| ours.contains(message.as_str())),
        };
        if !same {
            writeln!(differences, "{expression}\n    server: {expected:?}\n    ours:   {ours:?}").unwrap();
        }
    }
    assert!(differences.is_empty(), "{differences}");
}
