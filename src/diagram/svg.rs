//! Diagrams as SVG files and as SVG elements of a page.

use std::fmt::Write as _;

use crate::diagram::layout::{BOX_HEIGHT, LINE_HEIGHT, Layout, Rect, TEXT_START, TITLE_HEIGHT, label_width, lay_out};
use crate::diagram::role::{Role, icon};
use crate::diagram::{Diagram, DiagramBox, Presence, TooLarge};
use crate::finding::Severity;
use crate::report::markup;

/// The style sheet of diagrams, which a page contains once.
pub const STYLE: &str = include_str!("diagram.css");

/// The maximum length of names. Longer ones are shortened in the middle, since both ends distinguish objects.
const MAX_NAME_LENGTH: usize = 30;

/// The maximum length of arrow labels.
const MAX_LABEL_LENGTH: usize = 44;

/// The maximum number of findings in a box.
const MAX_PROBLEMS: usize = 3;

/// The height of the label of an arrow.
const LABEL_HEIGHT: f64 = 16.0;

/// The diagram as a self-contained SVG file, which respects the color scheme preference.
///
/// # Errors
/// If the diagram is too large to be laid out.
pub fn svg(diagram: &Diagram, title: &str) -> Result<String, TooLarge> {
    let drawing = Drawing::new(diagram)?;
    let mut out = String::new();
    drawing.open(" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"", title, &mut out);
    let _ = writeln!(out, "<style>\n{STYLE}</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
    drawing.content(&|_| None, &mut out);
    out.push_str("</svg>\n");
    Ok(out)
}

/// The diagram as an element of a page with [`STYLE`]. `link` returns the target of the link of a box.
///
/// # Errors
/// If the diagram is too large to be laid out.
pub fn drawing(diagram: &Diagram, title: &str, link: &dyn Fn(usize) -> Option<String>) -> Result<String, TooLarge> {
    let drawing = Drawing::new(diagram)?;
    let mut out = String::new();
    drawing.open(" role=\"group\"", title, &mut out);
    drawing.content(link, &mut out);
    out.push_str("</svg>\n");
    Ok(out)
}

struct Drawing<'a> {
    diagram: &'a Diagram,
    /// The lines of each box: kind, name and findings.
    lines: Vec<Vec<String>>,
    labels: Vec<String>,
    layout: Layout,
}

impl<'a> Drawing<'a> {
    fn new(diagram: &'a Diagram) -> Result<Self, TooLarge> {
        let lines: Vec<Vec<String>> = diagram.boxes.iter().map(lines).collect();
        let labels: Vec<String> = diagram.arrows.iter().map(|arrow| truncate(&arrow.labels.join(", "))).collect();
        let layout = lay_out(diagram, &lines, &labels)?;
        Ok(Self { diagram, lines, labels, layout })
    }

    fn open(&self, attributes: &str, title: &str, out: &mut String) {
        let (width, height) = self.layout.size;
        let (width, height, title) = (number(width.ceil()), number(height.ceil()), markup(title));
        let _ = writeln!(
            out,
            "<svg{attributes} class=\"diagram\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             aria-label=\"{title}\">\n<title>{title}</title>"
        );
    }

    fn content(&self, link: &dyn Fn(usize) -> Option<String>, out: &mut String) {
        self.tips(out);
        for (name, place) in self.diagram.groups.keys().zip(&self.layout.groups) {
            out.push_str("<g class=\"group\">");
            rectangle(*place, "", 12.0, out);
            let (x, y) = (place.x + 14.0, place.y + TITLE_HEIGHT + 14.0);
            text("", (x, y), &shortened(name), out);
            out.push_str("</g>\n");
        }
        for (arrow, way) in self.diagram.arrows.iter().zip(&self.layout.arrows) {
            let class = self.arrow_class(arrow.to);
            let [from, to] = [arrow.from, arrow.to].map(|number| named(&self.diagram.boxes[number]));
            let title = markup(&format!("{from} → {to}: {}", arrow.labels.join(", ")));
            let _ = writeln!(
                out,
                "<g class=\"arrow {class}\" data-from=\"{}\" data-to=\"{}\"><title>{title}</title>\
                 <path d=\"{}\" marker-end=\"url(#tip-{class})\"/></g>",
                arrow.from,
                arrow.to,
                curve(&way.points)
            );
        }
        for ((arrow, way), label) in self.diagram.arrows.iter().zip(&self.layout.arrows).zip(&self.labels) {
            let width = label_width(label);
            let (x, y) = (way.label.0 - width / 2.0, way.label.1 - LABEL_HEIGHT / 2.0);
            let _ = write!(out, "<g class=\"label\" data-from=\"{}\" data-to=\"{}\">", arrow.from, arrow.to);
            rectangle(Rect { x, y, width, height: LABEL_HEIGHT }, "", 4.0, out);
            text(" text-anchor=\"middle\"", (way.label.0, way.label.1 + 3.6), label, out);
            out.push_str("</g>\n");
        }
        for (at, one) in self.diagram.boxes.iter().enumerate() {
            if let Some(place) = self.layout.boxes[at] {
                self.one(at, one, place, link(at), out);
            }
        }
    }

    /// The arrowheads in use, one for each color.
    fn tips(&self, out: &mut String) {
        let used = |class: &str| self.diagram.arrows.iter().any(|arrow| self.arrow_class(arrow.to) == class);
        out.push_str("<defs>");
        for class in Role::ALL.map(Role::class).into_iter().chain(["missing"]).filter(|class| used(class)) {
            let _ = write!(
                out,
                "<marker id=\"tip-{class}\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" \
                 markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
                 <path class=\"tip {class}\" d=\"M0 0.5L8 4L0 7.5z\"/></marker>"
            );
        }
        out.push_str("</defs>\n");
    }

    fn arrow_class(&self, to: usize) -> &'static str {
        let to = &self.diagram.boxes[to];
        if to.presence == Presence::Missing { "missing" } else { Role::of(&to.kind).class() }
    }

    fn one(&self, at: usize, one: &DiagramBox, place: Rect, link: Option<String>, out: &mut String) {
        let mut class = format!("box {}", Role::of(&one.kind).class());
        let state = one.presence.word().or(match one.worst {
            Some(Severity::Error) => Some("error"),
            Some(Severity::Warning) => Some("warning"),
            _ => None,
        });
        state.iter().for_each(|state| _ = write!(class, " {state}"));
        let element = if link.is_some() { "a" } else { "g" };
        let link = link.map(|link| format!(" href=\"{}\"", markup(&link))).unwrap_or_default();
        let problems: Vec<&str> = one.problems.iter().map(|(_, problem)| problem.as_str()).collect();
        let title = [vec![named(one)], problems.iter().map(|problem| (*problem).to_owned()).collect()].concat();
        let _ = write!(
            out,
            "<{element} class=\"{class}\"{link} data-box=\"{at}\"><title>{}</title>",
            markup(&title.join(" · "))
        );
        rectangle(place, " class=\"frame\"", 8.0, out);
        let tile = Rect { x: place.x + 9.0, y: place.y + 11.0, width: 26.0, height: 26.0 };
        rectangle(tile, " class=\"tile\"", 6.0, out);
        let _ = write!(
            out,
            "<path transform=\"translate({} {}) scale(0.9)\" d=\"{}\"/>",
            number(tile.x + 4.0),
            number(tile.y + 4.0),
            icon(&one.kind)
        );
        let x = place.x + TEXT_START;
        for (line, words) in self.lines[at].iter().enumerate() {
            let (class, y) = match line {
                0 => ("kind", 20.0),
                1 => ("name", 36.0),
                _ => {
                    // The last line may be the number of omitted findings.
                    let (severity, _) = &one.problems[(line - 2).min(one.problems.len() - 1)];
                    let class = if *severity == Severity::Error { "problem error" } else { "problem warning" };
                    (class, BOX_HEIGHT + 4.0 + LINE_HEIGHT * (line - 2) as f64)
                }
            };
            text(&format!(" class=\"{class}\""), (x, place.y + y), words, out);
        }
        let _ = writeln!(out, "</{element}>");
    }
}

fn lines(one: &DiagramBox) -> Vec<String> {
    let kind = match one.presence.word() {
        Some(word) => format!("{} · {word}", shortened(&one.kind)),
        None => shortened(&one.kind),
    };
    let mut lines = vec![kind, shortened(&one.name)];
    let shown = if one.problems.len() > MAX_PROBLEMS { MAX_PROBLEMS - 1 } else { one.problems.len() };
    lines.extend(one.problems.iter().take(shown).map(|(_, problem)| problem.clone()));
    if one.problems.len() > shown {
        lines.push(format!("and {} more", one.problems.len() - shown));
    }
    lines
}

fn named(one: &DiagramBox) -> String {
    format!("{}/{}", one.kind, one.name)
}

/// A name, shortened in the middle if it is long.
fn shortened(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= MAX_NAME_LENGTH {
        return name.to_owned();
    }
    let (head, tail) = (MAX_NAME_LENGTH - 14, chars.len() - 13);
    chars[..head].iter().chain(['…'].iter()).chain(&chars[tail..]).collect()
}

fn truncate(label: &str) -> String {
    if label.chars().count() <= MAX_LABEL_LENGTH {
        return label.to_owned();
    }
    label.chars().take(MAX_LABEL_LENGTH - 1).chain(['…']).collect()
}

fn rectangle(place: Rect, attributes: &str, radius: f64, out: &mut String) {
    let [x, y, width, height] = [place.x, place.y, place.width, place.height].map(number);
    let _ =
        write!(out, "<rect{attributes} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>");
}

fn text(attributes: &str, (x, y): (f64, f64), words: &str, out: &mut String) {
    let _ = write!(out, "<text{attributes} x=\"{}\" y=\"{}\">{}</text>", number(x), number(y), markup(words));
}

/// A cubic B-spline from the first to the last point.
fn curve(points: &[(f64, f64)]) -> String {
    let at = |(x, y): (f64, f64)| format!("{} {}", number(x), number(y));
    let between = |a: (f64, f64), b: (f64, f64), part: f64| (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part);
    let [first, .., last] = points else { return String::new() };
    if points.len() == 2 {
        return format!("M{}L{}", at(*first), at(*last));
    }
    let mut out = format!("M{}", at(*first));
    for (number, pair) in points.windows(2).enumerate() {
        let [from, to] = [pair[0], pair[1]];
        // The start of the next segment.
        let end = match points.get(number + 2) {
            Some(next) => between(between(from, to, 2.0 / 3.0), between(to, *next, 1.0 / 3.0), 0.5),
            None => to,
        };
        let _ = write!(out, "C{} {} {}", at(between(from, to, 1.0 / 3.0)), at(between(from, to, 2.0 / 3.0)), at(end));
    }
    out
}

/// Formats a number with at most one decimal place.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
