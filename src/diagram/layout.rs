//! The layout of a diagram in pixels. Positions are computed by the crate `dagre` from the sizes and groups of boxes.

use dagre::graph::{Graph, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir, layout};

use crate::diagram::{Diagram, TooLarge};

/// The maximum number of boxes and arrows, since the time grows faster than linearly.
const MAX_LAID_OUT: usize = 500;

/// The number of unconnected boxes in a row.
const COLUMNS: usize = 4;

/// The additional space for the title of a group above its boxes.
pub(super) const TITLE_HEIGHT: f64 = 4.0;

/// The space between groups in a column.
const GROUP_GAP: f64 = 5.0;

/// The height of the first two lines of a box: the kind and the name.
pub(super) const BOX_HEIGHT: f64 = 48.0;

/// The height of each further line of a box.
pub(super) const LINE_HEIGHT: f64 = 17.0;

/// The offset of the text in a box, to the right of its icon.
pub(super) const TEXT_START: f64 = 42.0;

/// The space to the right of the text in a box.
const TEXT_END: f64 = 16.0;

/// The length of the straight segments at both ends of an arrow.
const STRAIGHT_LENGTH: f64 = 14.0;

/// The stack size of the layout thread, since `dagre` is recursive.
const STACK_SIZE: usize = 64 << 20;

/// The layout of a diagram.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// The width and height.
    pub(super) size: (f64, f64),
    /// The rectangles of the groups.
    pub(super) groups: Vec<Rect>,
    /// The rectangles of the boxes; `None` for a box that is not shown.
    pub(super) boxes: Vec<Option<Rect>>,
    /// The paths of the arrows.
    pub(super) arrows: Vec<ArrowPath>,
}

/// A rectangle with its upper left corner.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The path of an arrow.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ArrowPath {
    /// The control points; the first and the last are on the edges of boxes.
    pub(super) points: Vec<(f64, f64)>,
    /// The center of its label.
    pub(super) label: (f64, f64),
}

impl Rect {
    const fn around((x, y): (f64, f64), width: f64, height: f64) -> Self {
        Self { x: x - width / 2.0, y: y - height / 2.0, width, height }
    }

    /// The point on the left or right side that is nearest to another point, and the point at the end of the straight
    /// segment.
    fn side(&self, (x, y): (f64, f64)) -> ((f64, f64), (f64, f64)) {
        let at = y.clamp(self.y + 10.0, self.y + self.height - 10.0);
        let (left, right) = (self.x, self.x + self.width);
        if x > self.x + self.width / 2.0 {
            ((right, at), (right + STRAIGHT_LENGTH, at))
        } else {
            ((left, at), (left - STRAIGHT_LENGTH, at))
        }
    }
}

/// Computes the layout. `lines` are the lines of text in each box, `labels` those of the arrows.
///
/// # Errors
/// If the diagram is too large.
pub(super) fn lay_out(diagram: &Diagram, lines: &[Vec<String>], labels: &[String]) -> Result<Layout, TooLarge> {
    let drawn = (0..diagram.boxes.len()).filter(|number| diagram.is_drawn(*number)).count();
    if drawn + diagram.arrows.len() > MAX_LAID_OUT {
        return Err(TooLarge { max: MAX_LAID_OUT });
    }
    if drawn == 0 {
        return Ok(Layout { boxes: vec![None; diagram.boxes.len()], ..Layout::default() });
    }
    let result = std::thread::scope(|scope| {
        let work = || compute(diagram, lines, labels);
        std::thread::Builder::new().stack_size(STACK_SIZE).spawn_scoped(scope, work).map(|thread| thread.join())
    });
    match result {
        Ok(Ok(layout)) => Ok(layout),
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        // If no thread can be created, the current one is used.
        Err(_) => Ok(compute(diagram, lines, labels)),
    }
}

fn compute(diagram: &Diagram, lines: &[Vec<String>], labels: &[String]) -> Layout {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    let group = |at: usize| format!("g{at}");
    let node = |number: usize| format!("o{number}");
    for (number, lines) in lines.iter().enumerate().filter(|(number, _)| diagram.is_drawn(*number)) {
        let (width, height) = size(lines);
        graph.set_node(node(number), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    let mut group_of = vec![None; diagram.boxes.len()];
    for (at, numbers) in diagram.groups.values().enumerate() {
        graph.set_node(group(at), Some(NodeLabel::default()));
        for number in numbers {
            group_of[*number] = Some(at);
            graph.set_parent(&node(*number), Some(&group(at)));
        }
    }
    for (arrow, label) in diagram.arrows.iter().zip(labels) {
        let size = EdgeLabel {
            width: label_width(label),
            height: 18.0,
            labelpos: LabelPos::Center,
            // Arrows within a group are kept short.
            weight: if group_of[arrow.from].is_some() && group_of[arrow.from] == group_of[arrow.to] { 3 } else { 1 },
            ..EdgeLabel::default()
        };
        graph.set_edge(node(arrow.from), node(arrow.to), Some(size), None);
    }
    for (from, to) in rows(diagram) {
        graph.set_edge(node(from), node(to), Some(EdgeLabel::default()), None);
    }
    let options = LayoutOptions {
        rankdir: RankDir::LR,
        nodesep: 30.0,
        edgesep: 12.0,
        ranksep: 32.0,
        marginx: 16.0,
        marginy: 16.0,
        ..LayoutOptions::default()
    };
    layout(&mut graph, Some(options));
    let rect = |name: &str| {
        let found = graph.node(name)?;
        Some(Rect::around((found.x?, found.y?), found.width, found.height))
    };
    let mut laid = Layout {
        size: (0.0, 0.0),
        groups: (0..diagram.groups.len()).map(|at| rect(&group(at)).unwrap_or_default()).collect(),
        boxes: (0..diagram.boxes.len()).map(|number| rect(&node(number))).collect(),
        arrows: Vec::new(),
    };
    for arrow in &diagram.arrows {
        let found = graph.edge(&node(arrow.from), &node(arrow.to), None);
        let mut way = found.map_or_else(ArrowPath::default, |found| ArrowPath {
            points: found.points.iter().map(|point| (point.x, point.y)).collect(),
            label: (found.x.unwrap_or_default(), found.y.unwrap_or_default()),
        });
        if let (Some(from), Some(to)) = (laid.boxes[arrow.from], laid.boxes[arrow.to]) {
            way.attach(from, to);
        }
        laid.arrows.push(way);
    }
    laid.frame();
    laid
}

impl ArrowPath {
    /// Attaches both ends to the sides of the boxes.
    fn attach(&mut self, from: Rect, to: Rect) {
        let [_, between @ .., _] = self.points.as_slice() else { return };
        let (Some(first), Some(last)) = (between.first(), between.last()) else { return };
        let ((start, leave), (end, arrive)) = (from.side(*first), to.side(*last));
        let mut points = vec![start, leave];
        points.extend(between);
        points.extend([arrive, end]);
        self.points = points;
    }
}

impl Layout {
    /// Adds space for the titles of groups, moves everything to the origin, and computes the size.
    fn frame(&mut self) {
        for group in &mut self.groups {
            group.y -= TITLE_HEIGHT;
            group.height += TITLE_HEIGHT - GROUP_GAP;
        }
        let margin = 12.0;
        let places = || self.groups.iter().chain(self.boxes.iter().flatten());
        let points = || self.arrows.iter().flat_map(|arrow| &arrow.points);
        let least = |corners: &mut dyn Iterator<Item = f64>| corners.fold(f64::INFINITY, f64::min);
        let left = least(&mut places().map(|place| place.x).chain(points().map(|point| point.0))) - margin;
        let top = least(&mut places().map(|place| place.y).chain(points().map(|point| point.1))) - margin;
        for place in self.groups.iter_mut().chain(self.boxes.iter_mut().flatten()) {
            (place.x, place.y) = (place.x - left, place.y - top);
        }
        for arrow in &mut self.arrows {
            for point in arrow.points.iter_mut().chain([&mut arrow.label]) {
                *point = (point.0 - left, point.1 - top);
            }
        }
        let places = || self.groups.iter().chain(self.boxes.iter().flatten());
        let points = || self.arrows.iter().flat_map(|arrow| &arrow.points);
        let most = |corners: &mut dyn Iterator<Item = f64>| corners.fold(0.0, f64::max);
        let right = most(&mut places().map(|place| place.x + place.width).chain(points().map(|point| point.0)));
        let bottom = most(&mut places().map(|place| place.y + place.height).chain(points().map(|point| point.1)));
        self.size = (right + margin, bottom + margin);
    }
}

/// Pairs of adjacent unconnected boxes, which are arranged in rows.
fn rows(diagram: &Diagram) -> Vec<(usize, usize)> {
    let mut is_linked = vec![false; diagram.boxes.len()];
    for arrow in &diagram.arrows {
        is_linked[arrow.from] = true;
        is_linked[arrow.to] = true;
    }
    let mut pairs = Vec::new();
    for numbers in diagram.groups.values() {
        let alone: Vec<usize> = numbers.iter().copied().filter(|number| !is_linked[*number]).collect();
        pairs.extend(alone.chunks(COLUMNS).flat_map(|row| row.windows(2).map(|pair| (pair[0], pair[1]))));
    }
    pairs
}

fn size(lines: &[String]) -> (f64, f64) {
    let widest = lines.iter().map(|line| width(line, 12.5)).fold(0.0, f64::max);
    let further = lines.len().saturating_sub(2) as f64;
    let width = (widest + TEXT_START + TEXT_END).max(132.0);
    (width.ceil(), BOX_HEIGHT + further * LINE_HEIGHT)
}

/// The width of the label of an arrow.
pub(super) fn label_width(label: &str) -> f64 {
    (width(label, 11.0) + 12.0).ceil()
}

/// An upper estimate of the width of a string in a sans-serif font.
fn width(text: &str, size: f64) -> f64 {
    let of = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '[' | ']' | ' '
        | '-' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
        'A'..='Z' => 0.76,
        c if c.is_ascii() => 0.66,
        // Many characters of other scripts are square.
        _ => 1.05,
    };
    text.chars().map(of).sum::<f64>() * size
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::diagram::{Arrow, Presence, new_box};

    /// A diagram with boxes in groups, and arrows.
    fn diagram(groups: &[usize], arrows: impl IntoIterator<Item = (usize, usize)>) -> Diagram {
        let mut diagram = Diagram::default();
        for (number, group) in groups.iter().enumerate() {
            diagram.boxes.push(new_box("ConfigMap", &format!("box-{number}"), Presence::Own));
            diagram.groups.entry(format!("group-{group}")).or_default().push(number);
        }
        let mut arrows: Vec<_> = arrows.into_iter().filter(|(from, to)| from != to).collect();
        arrows.sort_unstable();
        arrows.dedup();
        diagram.arrows = arrows.into_iter().map(|(from, to)| Arrow { from, to, labels: vec!["uses".into()] }).collect();
        diagram
    }

    fn lay_out_test(diagram: &Diagram) -> Result<Layout, TooLarge> {
        let lines: Vec<_> = diagram.boxes.iter().map(|one| vec![one.kind.clone(), one.name.clone()]).collect();
        let labels: Vec<_> = diagram.arrows.iter().map(|arrow| arrow.labels.join(", ")).collect();
        lay_out(diagram, &lines, &labels)
    }

    fn overlap(one: Rect, other: Rect) -> bool {
        one.x < other.x + other.width
            && other.x < one.x + one.width
            && one.y < other.y + other.height
            && other.y < one.y + one.height
    }

    /// Asserts that everything is within the diagram, and that boxes are in their groups and do not overlap.
    fn assert_sound(diagram: &Diagram) {
        let layout = lay_out_test(diagram).expect("it is small");
        let places: Vec<Rect> = layout.boxes.iter().map(|place| place.expect("all are drawn")).collect();
        let (width, height) = layout.size;
        for (at, place) in places.iter().enumerate() {
            assert!(place.x >= 0.0 && place.y >= 0.0, "{place:?}");
            assert!(
                place.x + place.width <= width && place.y + place.height <= height,
                "{place:?} of {width}x{height}"
            );
            for (other, next) in places.iter().enumerate().skip(at + 1) {
                assert!(!overlap(*place, *next), "{at} {place:?} overlaps {other} {next:?}");
            }
        }
        for (group, numbers) in layout.groups.iter().zip(diagram.groups.values()) {
            for number in numbers {
                let place = places[*number];
                assert!(group.x <= place.x && place.x + place.width <= group.x + group.width, "{place:?} {group:?}");
                assert!(group.y <= place.y && place.y + place.height <= group.y + group.height, "{place:?} {group:?}");
            }
        }
        for (arrow, way) in diagram.arrows.iter().zip(&layout.arrows) {
            assert!(way.points.len() > 1, "{arrow:?} has no path");
            assert!(way.points.iter().all(|(x, y)| x.is_finite() && y.is_finite()), "{arrow:?} {way:?}");
            let on = |place: Rect, (x, y): (f64, f64)| {
                let is_between = |at: f64, from: f64, length: f64| at >= from - 0.1 && at <= from + length + 0.1;
                is_between(x, place.x, place.width) && is_between(y, place.y, place.height)
            };
            assert!(on(places[arrow.from], way.points[0]), "{arrow:?} {way:?}");
            assert!(on(places[arrow.to], way.points[way.points.len() - 1]), "{arrow:?} {way:?}");
        }
        assert_eq!(layout, lay_out_test(diagram).expect("it is small"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_graph_has_a_sound_layout(
            groups in prop::collection::vec(0usize..4, 1..24),
            arrows in prop::collection::vec((0usize..24, 0usize..24), 0..40),
        ) {
            let count = groups.len();
            assert_sound(&diagram(&groups, arrows.into_iter().map(|(from, to)| (from % count, to % count))));
        }
    }

    #[test]
    fn arrows_in_both_directions_are_laid_out() {
        assert_sound(&diagram(&[0, 0], [(0, 1), (1, 0)]));
    }

    #[test]
    fn the_largest_diagrams_are_laid_out_in_time() {
        let all = MAX_LAID_OUT / 2;
        let chain = |count: usize| (1..count).map(|at| (at - 1, at));
        let star = |count: usize| (1..count).map(|at| (at, 0));
        let knot = |count: usize| (0..count).flat_map(move |at| [(at, (at * 7 + 3) % count)]);
        for (name, one) in [
            ("chain", diagram(&vec![0; all], chain(all))),
            ("star", diagram(&vec![0; all], star(all))),
            ("alone", diagram(&vec![0; MAX_LAID_OUT], [])),
            ("groups", diagram(&(0..all).collect::<Vec<_>>(), chain(all))),
            ("knot", diagram(&(0..all).map(|at| at % 9).collect::<Vec<_>>(), knot(all))),
            ("dense", diagram(&vec![0; 30], (0..MAX_LAID_OUT - 30).map(|at| (at % 30, at / 30)))),
        ] {
            let start = Instant::now();
            assert!(lay_out_test(&one).is_ok(), "{name}");
            let took = start.elapsed();
            assert!(took < Duration::from_secs(30), "{name}: {took:?}");
        }
        assert!(lay_out_test(&diagram(&vec![0; MAX_LAID_OUT + 1], [])).is_err());
    }
}
