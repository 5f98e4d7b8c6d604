//! Diagrams in Mermaid, which GitHub and GitLab render.

use std::fmt::Write as _;

use crate::diagram::{Diagram, DiagramBox, Presence};
use crate::finding::Severity;
use crate::report::is_control_character;

/// The diagram as a Mermaid flowchart.
#[must_use]
pub fn mermaid(diagram: &Diagram) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, (name, numbers)) in diagram.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{at}[\"{}\"]", escape(name));
        for number in numbers {
            node(*number, &diagram.boxes[*number], "    ", &mut out);
        }
        out.push_str("  end\n");
    }
    for (number, one) in diagram.outside() {
        node(number, one, "  ", &mut out);
    }
    for arrow in &diagram.arrows {
        let line = if diagram.boxes[arrow.to].presence == Presence::Missing { "-.->" } else { "-->" };
        let _ = writeln!(out, "  o{} {line}|\"{}\"| o{}", arrow.from, escape(&arrow.labels.join(", ")), arrow.to);
    }
    for (class, style, has_class) in CLASSES {
        let members: Vec<String> = diagram
            .boxes
            .iter()
            .enumerate()
            .filter(|(number, one)| has_class(one) && diagram.is_drawn(*number))
            .map(|(number, _)| format!("o{number}"))
            .collect();
        if !members.is_empty() {
            let _ = writeln!(out, "  classDef {class} {style}\n  class {} {class}", members.join(","));
        }
    }
    out
}

/// Whether a box has a class.
type HasClass = fn(&DiagramBox) -> bool;

const CLASSES: &[(&str, &str, HasClass)] = &[
    ("error", "stroke:#cf222e,stroke-width:3px", |one| one.worst == Some(Severity::Error)),
    ("warning", "stroke:#bf8700,stroke-width:2px", |one| one.worst == Some(Severity::Warning)),
    ("needed", "stroke:#8c959f,stroke-dasharray:2 2", |one| {
        matches!(one.presence, Presence::Needed | Presence::External)
    }),
    ("missing", "stroke:#cf222e,stroke-dasharray:5 5", |one| one.presence == Presence::Missing),
];

fn node(number: usize, one: &DiagramBox, indent: &str, out: &mut String) {
    // Different shapes for data, workloads and Services.
    let (open, close) = match one.kind.as_str() {
        "ConfigMap" | "Secret" | "PersistentVolumeClaim" => ("[(", ")]"),
        "Service" | "Ingress" => ("([", "])"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" | "Pod" => ("[[", "]]"),
        _ => ("[", "]"),
    };
    let mut label = format!("{}<br/>{}", escape(&one.kind), escape(&one.name));
    if let Some(word) = one.presence.word() {
        let sign = if one.presence == Presence::Missing { "⛔ " } else { "" };
        let _ = write!(label, "<br/>{sign}{word}");
    }
    for (severity, problem) in &one.problems {
        let sign = if *severity == Severity::Error { "⛔" } else { "⚠️" };
        let _ = write!(label, "<br/>{sign} {}", escape(problem));
    }
    let _ = writeln!(out, "{indent}o{number}{open}\"{label}\"{close}");
}

/// Escapes a string for Mermaid, in which only entities are interpreted within quotes.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '#' => out.push_str("#35;"),
            '&' => out.push_str("#amp;"),
            c if is_control_character(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
