//! Diagrams in the DOT language, for Graphviz.

use std::fmt::Write as _;

use crate::diagram::{Diagram, DiagramBox, Presence};
use crate::finding::Severity;
use crate::report::plain;

/// The diagram as a DOT digraph.
#[must_use]
pub fn dot(diagram: &Diagram) -> String {
    let mut out = String::from("digraph bundle {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (at, (name, numbers)) in diagram.groups.iter().enumerate() {
        let _ = writeln!(out, "  subgraph cluster_{at} {{\n    label={};", quoted(name));
        for number in numbers {
            node(*number, &diagram.boxes[*number], "    ", &mut out);
        }
        out.push_str("  }\n");
    }
    for (number, one) in diagram.outside() {
        node(number, one, "  ", &mut out);
    }
    for arrow in &diagram.arrows {
        let style =
            if diagram.boxes[arrow.to].presence == Presence::Missing { ", style=dashed, color=red" } else { "" };
        let label = quoted(&arrow.labels.join(", "));
        let _ = writeln!(out, "  o{} -> o{} [label={label}{style}];", arrow.from, arrow.to);
    }
    out.push_str("}\n");
    out
}

fn node(number: usize, one: &DiagramBox, indent: &str, out: &mut String) {
    let mut label = format!("{}\n{}", one.kind, one.name);
    if let Some(word) = one.presence.word() {
        let _ = write!(label, "\n{word}");
    }
    one.problems.iter().for_each(|(_, problem)| _ = write!(label, "\n! {problem}"));
    let style = match (one.presence, one.worst) {
        (Presence::Missing, _) => ", style=dashed, color=red",
        (Presence::Needed | Presence::External, _) => ", style=dotted",
        (_, Some(Severity::Error)) => ", color=red, penwidth=3",
        (_, Some(Severity::Warning)) => ", color=orange, penwidth=2",
        _ => "",
    };
    let _ = writeln!(out, "{indent}o{number} [label={}{style}];", quoted(&label));
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", plain(&text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")))
}
