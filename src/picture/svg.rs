//! The picture as SVG: a file of its own, and the drawing within a page.

use std::fmt::Write as _;

use crate::finding::Severity;
use crate::picture::layout::{BOX_HEIGHT, LINE_HEIGHT, Layout, Place, TEXT_START, TITLE, label_width, lay_out};
use crate::picture::role::{Role, icon};
use crate::picture::{Box, Picture, Presence, TooLarge};
use crate::report::markup;

/// The style of a drawing; a page has it once.
pub const STYLE: &str = include_str!("diagram.css");

/// Longer names are cut in the middle: both ends tell objects apart.
const LONGEST_NAME: usize = 30;

/// Longer labels of arrows are cut.
const LONGEST_LABEL: usize = 44;

/// How many problems stand in a box.
const MOST_PROBLEMS: usize = 3;

/// The height of the label of an arrow.
const LABEL_HEIGHT: f64 = 16.0;

/// The picture as an SVG file, which loads nothing and follows the reader's choice of light or dark.
///
/// # Errors
/// Where there is too much to be laid out.
pub fn svg(picture: &Picture, title: &str) -> Result<String, TooLarge> {
    let drawing = Drawing::new(picture)?;
    let mut out = String::new();
    drawing.open(" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\"", title, &mut out);
    let _ = writeln!(out, "<style>\n{STYLE}</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>");
    drawing.content(&|_| None, &mut out);
    out.push_str("</svg>\n");
    Ok(out)
}

/// The picture as an element of a page that has [`STYLE`]. `link` says where a box leads.
///
/// # Errors
/// Where there is too much to be laid out.
pub fn drawing(picture: &Picture, title: &str, link: &dyn Fn(usize) -> Option<String>) -> Result<String, TooLarge> {
    let drawing = Drawing::new(picture)?;
    let mut out = String::new();
    drawing.open(" role=\"group\"", title, &mut out);
    drawing.content(link, &mut out);
    out.push_str("</svg>\n");
    Ok(out)
}

struct Drawing<'a> {
    picture: &'a Picture,
    /// The texts of each box: its kind, its name, its problems.
    lines: Vec<Vec<String>>,
    labels: Vec<String>,
    layout: Layout,
}

impl<'a> Drawing<'a> {
    fn new(picture: &'a Picture) -> Result<Self, TooLarge> {
        let lines: Vec<Vec<String>> = picture.boxes.iter().map(lines).collect();
        let labels: Vec<String> = picture.arrows.iter().map(|arrow| cut(&arrow.labels.join(", "))).collect();
        let layout = lay_out(picture, &lines, &labels)?;
        Ok(Self { picture, lines, labels, layout })
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
        for (name, place) in self.picture.groups.keys().zip(&self.layout.groups) {
            out.push_str("<g class=\"group\">");
            rectangle(*place, "", 12.0, out);
            let (x, y) = (place.x + 14.0, place.y + TITLE + 14.0);
            text("", (x, y), &shortened(name), out);
            out.push_str("</g>\n");
        }
        for (arrow, way) in self.picture.arrows.iter().zip(&self.layout.arrows) {
            let class = self.arrow_class(arrow.to);
            let [from, to] = [arrow.from, arrow.to].map(|number| named(&self.picture.boxes[number]));
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
        for ((arrow, way), label) in self.picture.arrows.iter().zip(&self.layout.arrows).zip(&self.labels) {
            let width = label_width(label);
            let (x, y) = (way.label.0 - width / 2.0, way.label.1 - LABEL_HEIGHT / 2.0);
            let _ = write!(out, "<g class=\"label\" data-from=\"{}\" data-to=\"{}\">", arrow.from, arrow.to);
            rectangle(Place { x, y, width, height: LABEL_HEIGHT }, "", 4.0, out);
            text(" text-anchor=\"middle\"", (way.label.0, way.label.1 + 3.6), label, out);
            out.push_str("</g>\n");
        }
        for (at, one) in self.picture.boxes.iter().enumerate() {
            if let Some(place) = self.layout.boxes[at] {
                self.one(at, one, place, link(at), out);
            }
        }
    }

    /// The tips of the arrows that there are, one a colour.
    fn tips(&self, out: &mut String) {
        let used = |class: &str| self.picture.arrows.iter().any(|arrow| self.arrow_class(arrow.to) == class);
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
        let to = &self.picture.boxes[to];
        if to.presence == Presence::Missing { "missing" } else { Role::of(&to.kind).class() }
    }

    fn one(&self, at: usize, one: &Box, place: Place, link: Option<String>, out: &mut String) {
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
        let tile = Place { x: place.x + 9.0, y: place.y + 11.0, width: 26.0, height: 26.0 };
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
                    // One line more than there are problems says how many are left out.
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

fn lines(one: &Box) -> Vec<String> {
    let kind = match one.presence.word() {
        Some(word) => format!("{} · {word}", shortened(&one.kind)),
        None => shortened(&one.kind),
    };
    let mut lines = vec![kind, shortened(&one.name)];
    let shown = if one.problems.len() > MOST_PROBLEMS { MOST_PROBLEMS - 1 } else { one.problems.len() };
    lines.extend(one.problems.iter().take(shown).map(|(_, problem)| problem.clone()));
    if one.problems.len() > shown {
        lines.push(format!("and {} more", one.problems.len() - shown));
    }
    lines
}

fn named(one: &Box) -> String {
    format!("{}/{}", one.kind, one.name)
}

/// A name without its middle, where that is long.
fn shortened(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    if chars.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let (head, tail) = (LONGEST_NAME - 14, chars.len() - 13);
    chars[..head].iter().chain(['…'].iter()).chain(&chars[tail..]).collect()
}

fn cut(label: &str) -> String {
    if label.chars().count() <= LONGEST_LABEL {
        return label.to_owned();
    }
    label.chars().take(LONGEST_LABEL - 1).chain(['…']).collect()
}

fn rectangle(place: Place, attributes: &str, radius: f64, out: &mut String) {
    let [x, y, width, height] = [place.x, place.y, place.width, place.height].map(number);
    let _ =
        write!(out, "<rect{attributes} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\"/>");
}

fn text(attributes: &str, (x, y): (f64, f64), words: &str, out: &mut String) {
    let _ = write!(out, "<text{attributes} x=\"{}\" y=\"{}\">{}</text>", number(x), number(y), markup(words));
}

/// A smooth line along points: a cubic B-spline that begins at the first and ends at the last.
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
        // Where the next piece begins: on the line between the middles of both.
        let end = match points.get(number + 2) {
            Some(next) => between(between(from, to, 2.0 / 3.0), between(to, *next, 1.0 / 3.0), 0.5),
            None => to,
        };
        let _ = write!(out, "C{} {} {}", at(between(from, to, 1.0 / 3.0)), at(between(from, to, 2.0 / 3.0)), at(end));
    }
    out
}

/// A number of pixels with one decimal place at most.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
