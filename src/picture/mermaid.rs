//! The picture as Mermaid, which GitHub and GitLab draw.

use std::fmt::Write as _;

use crate::finding::Severity;
use crate::picture::{Box, Picture, Presence};
use crate::report::is_control_character;

/// The picture as a Mermaid flowchart.
#[must_use]
pub fn mermaid(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    for (at, (name, numbers)) in picture.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph g{at}[\"{}\"]", text(name));
        for number in numbers {
            node(*number, &picture.boxes[*number], "    ", &mut out);
        }
        out.push_str("  end\n");
    }
    for (number, one) in picture.outside() {
        node(number, one, "  ", &mut out);
    }
    for arrow in &picture.arrows {
        let line = if picture.boxes[arrow.to].presence == Presence::Missing { "-.->" } else { "-->" };
        let _ = writeln!(out, "  o{} {line}|\"{}\"| o{}", arrow.from, text(&arrow.labels.join(", ")), arrow.to);
    }
    for (class, style, belongs) in CLASSES {
        let members: Vec<String> = picture
            .boxes
            .iter()
            .enumerate()
            .filter(|(number, one)| belongs(one) && picture.is_drawn(*number))
            .map(|(number, _)| format!("o{number}"))
            .collect();
        if !members.is_empty() {
            let _ = writeln!(out, "  classDef {class} {style}\n  class {} {class}", members.join(","));
        }
    }
    out
}

/// Whether a box is of a class.
type Belongs = fn(&Box) -> bool;

const CLASSES: &[(&str, &str, Belongs)] = &[
    ("error", "stroke:#cf222e,stroke-width:3px", |one| one.worst == Some(Severity::Error)),
    ("warning", "stroke:#bf8700,stroke-width:2px", |one| one.worst == Some(Severity::Warning)),
    ("needed", "stroke:#8c959f,stroke-dasharray:2 2", |one| {
        matches!(one.presence, Presence::Needed | Presence::External)
    }),
    ("missing", "stroke:#cf222e,stroke-dasharray:5 5", |one| one.presence == Presence::Missing),
];

fn node(number: usize, one: &Box, indent: &str, out: &mut String) {
    // A shape for what holds data, what runs and what is called.
    let (open, close) = match one.kind.as_str() {
        "ConfigMap" | "Secret" | "PersistentVolumeClaim" => ("[(", ")]"),
        "Service" | "Ingress" => ("([", "])"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" | "Pod" => ("[[", "]]"),
        _ => ("[", "]"),
    };
    let mut label = format!("{}<br/>{}", text(&one.kind), text(&one.name));
    if let Some(word) = one.presence.word() {
        let sign = if one.presence == Presence::Missing { "⛔ " } else { "" };
        let _ = write!(label, "<br/>{sign}{word}");
    }
    for (severity, problem) in &one.problems {
        let sign = if *severity == Severity::Error { "⛔" } else { "⚠️" };
        let _ = write!(label, "<br/>{sign} {}", text(problem));
    }
    let _ = writeln!(out, "{indent}o{number}{open}\"{label}\"{close}");
}

/// A text in quotes: Mermaid reads entities there, and nothing else.
fn text(text: &str) -> String {
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
