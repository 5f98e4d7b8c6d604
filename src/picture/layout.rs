//! Where the boxes, groups and arrows of a picture stand, in pixels. The crate `dagre` finds the places; what is said here is
//! how large things are and what belongs together.

use dagre::graph::{Graph, GraphOptions};
use dagre::layout::types::LabelPos;
use dagre::{EdgeLabel, LayoutOptions, NodeLabel, RankDir, layout};

use crate::picture::{Picture, TooLarge};

/// How many boxes and arrows are laid out: the work grows faster than their number.
const MOST_DRAWN: usize = 500;

/// How many boxes that nothing leads to or from stand beside each other.
const COLUMNS: usize = 4;

/// Room for the name of a group above its boxes, beside what the layout leaves there.
pub(super) const TITLE: f64 = 4.0;

/// Groups that stand under each other do not touch.
const APART: f64 = 5.0;

/// The height of the first two lines of a box: the kind and the name.
pub(super) const BOX_HEIGHT: f64 = 48.0;

/// The height of each further line of a box.
pub(super) const LINE_HEIGHT: f64 = 17.0;

/// Where the text of a box begins, right of its icon.
pub(super) const TEXT_START: f64 = 42.0;

/// Right of the text of a box.
const TEXT_END: f64 = 16.0;

/// How far an arrow goes straight where it leaves a box or comes to one.
const REACH: f64 = 14.0;

/// The stack of a thread that lays out: `dagre` walks along arrows by recursion.
const STACK: usize = 64 << 20;

/// A picture with places.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// How wide and high it is.
    pub(super) size: (f64, f64),
    /// The place of each group, in their order.
    pub(super) groups: Vec<Place>,
    /// The place of each box; `None` for one that is not drawn.
    pub(super) boxes: Vec<Option<Place>>,
    /// The way of each arrow.
    pub(super) arrows: Vec<Way>,
}

/// A rectangle by its upper left corner.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The way of an arrow.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Way {
    /// The points it goes by; the first and the last stand on the edges of boxes.
    pub(super) points: Vec<(f64, f64)>,
    /// The middle of its label.
    pub(super) label: (f64, f64),
}

impl Place {
    const fn around((x, y): (f64, f64), width: f64, height: f64) -> Self {
        Self { x: x - width / 2.0, y: y - height / 2.0, width, height }
    }

    /// The point of the left or right side that is nearest to another point, and the one before it, from which an arrow comes
    /// straight.
    fn side(&self, (x, y): (f64, f64)) -> ((f64, f64), (f64, f64)) {
        let at = y.clamp(self.y + 10.0, self.y + self.height - 10.0);
        let (left, right) = (self.x, self.x + self.width);
        if x > self.x + self.width / 2.0 {
            ((right, at), (right + REACH, at))
        } else {
            ((left, at), (left - REACH, at))
        }
    }
}

/// Finds places for everything that is drawn. `lines` are the texts of each box, `labels` those of the arrows.
///
/// # Errors
/// Where there is too much.
pub(super) fn lay_out(picture: &Picture, lines: &[Vec<String>], labels: &[String]) -> Result<Layout, TooLarge> {
    let drawn = (0..picture.boxes.len()).filter(|number| picture.is_drawn(*number)).count();
    if drawn + picture.arrows.len() > MOST_DRAWN {
        return Err(TooLarge { most: MOST_DRAWN });
    }
    if drawn == 0 {
        return Ok(Layout { boxes: vec![None; picture.boxes.len()], ..Layout::default() });
    }
    let result = std::thread::scope(|scope| {
        let work = || find_places(picture, lines, labels);
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).map(|thread| thread.join())
    });
    match result {
        Ok(Ok(layout)) => Ok(layout),
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        // Without a thread of its own it has what there is.
        Err(_) => Ok(find_places(picture, lines, labels)),
    }
}

fn find_places(picture: &Picture, lines: &[Vec<String>], labels: &[String]) -> Layout {
    let mut graph = Graph::with_options(GraphOptions { directed: true, multigraph: true, compound: true });
    let group = |at: usize| format!("g{at}");
    let node = |number: usize| format!("o{number}");
    for (number, lines) in lines.iter().enumerate().filter(|(number, _)| picture.is_drawn(*number)) {
        let (width, height) = size(lines);
        graph.set_node(node(number), Some(NodeLabel { width, height, ..NodeLabel::default() }));
    }
    let mut group_of = vec![None; picture.boxes.len()];
    for (at, numbers) in picture.groups.values().enumerate() {
        graph.set_node(group(at), Some(NodeLabel::default()));
        for number in numbers {
            group_of[*number] = Some(at);
            graph.set_parent(&node(*number), Some(&group(at)));
        }
    }
    for (arrow, label) in picture.arrows.iter().zip(labels) {
        let size = EdgeLabel {
            width: label_width(label),
            height: 18.0,
            labelpos: LabelPos::Center,
            // What stays within a group is kept short.
            weight: if group_of[arrow.from].is_some() && group_of[arrow.from] == group_of[arrow.to] { 3 } else { 1 },
            ..EdgeLabel::default()
        };
        graph.set_edge(node(arrow.from), node(arrow.to), Some(size), None);
    }
    for (from, to) in rows(picture) {
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
    let place = |name: &str| {
        let found = graph.node(name)?;
        Some(Place::around((found.x?, found.y?), found.width, found.height))
    };
    let mut laid = Layout {
        size: (0.0, 0.0),
        groups: (0..picture.groups.len()).map(|at| place(&group(at)).unwrap_or_default()).collect(),
        boxes: (0..picture.boxes.len()).map(|number| place(&node(number))).collect(),
        arrows: Vec::new(),
    };
    for arrow in &picture.arrows {
        let found = graph.edge(&node(arrow.from), &node(arrow.to), None);
        let mut way = found.map_or_else(Way::default, |found| Way {
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

impl Way {
    /// Leads from the side of one box to the side of the other, and not from corner to corner.
    fn attach(&mut self, from: Place, to: Place) {
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
    /// Makes room for the names of groups, moves everything to where the picture begins, and measures it.
    fn frame(&mut self) {
        for group in &mut self.groups {
            group.y -= TITLE;
            group.height += TITLE - APART;
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

/// Boxes that nothing leads to or from, put in rows: pairs of neighbours of one group.
fn rows(picture: &Picture) -> Vec<(usize, usize)> {
    let mut is_linked = vec![false; picture.boxes.len()];
    for arrow in &picture.arrows {
        is_linked[arrow.from] = true;
        is_linked[arrow.to] = true;
    }
    let mut pairs = Vec::new();
    for numbers in picture.groups.values() {
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

/// About how wide a text is in a common sans serif font of a size: rather too wide than too narrow.
fn width(text: &str, size: f64) -> f64 {
    let of = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '[' | ']' | ' '
        | '-' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1.0,
        'A'..='Z' => 0.76,
        c if c.is_ascii() => 0.66,
        // Of other scripts many are as wide as they are high.
        _ => 1.05,
    };
    text.chars().map(of).sum::<f64>() * size
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::picture::{Arrow, Presence, boxed};

    /// A picture of boxes in groups, and arrows between them.
    fn picture(groups: &[usize], arrows: impl IntoIterator<Item = (usize, usize)>) -> Picture {
        let mut picture = Picture::default();
        for (number, group) in groups.iter().enumerate() {
            picture.boxes.push(boxed("ConfigMap", &format!("box-{number}"), Presence::Own));
            picture.groups.entry(format!("group-{group}")).or_default().push(number);
        }
        let mut arrows: Vec<_> = arrows.into_iter().filter(|(from, to)| from != to).collect();
        arrows.sort_unstable();
        arrows.dedup();
        picture.arrows = arrows.into_iter().map(|(from, to)| Arrow { from, to, labels: vec!["uses".into()] }).collect();
        picture
    }

    fn laid(picture: &Picture) -> Result<Layout, TooLarge> {
        let lines: Vec<_> = picture.boxes.iter().map(|one| vec![one.kind.clone(), one.name.clone()]).collect();
        let labels: Vec<_> = picture.arrows.iter().map(|arrow| arrow.labels.join(", ")).collect();
        lay_out(picture, &lines, &labels)
    }

    fn overlap(one: Place, other: Place) -> bool {
        one.x < other.x + other.width
            && other.x < one.x + one.width
            && one.y < other.y + other.height
            && other.y < one.y + one.height
    }

    /// What every layout must be: everything has a place within the picture, and boxes lie on no other and in their group.
    fn assert_sound(picture: &Picture) {
        let layout = laid(picture).expect("it is small");
        let places: Vec<Place> = layout.boxes.iter().map(|place| place.expect("all are drawn")).collect();
        let (width, height) = layout.size;
        for (at, place) in places.iter().enumerate() {
            assert!(place.x >= 0.0 && place.y >= 0.0, "{place:?}");
            assert!(
                place.x + place.width <= width && place.y + place.height <= height,
                "{place:?} of {width}x{height}"
            );
            for (other, next) in places.iter().enumerate().skip(at + 1) {
                assert!(!overlap(*place, *next), "{at} {place:?} lies on {other} {next:?}");
            }
        }
        for (group, numbers) in layout.groups.iter().zip(picture.groups.values()) {
            for number in numbers {
                let place = places[*number];
                assert!(group.x <= place.x && place.x + place.width <= group.x + group.width, "{place:?} {group:?}");
                assert!(group.y <= place.y && place.y + place.height <= group.y + group.height, "{place:?} {group:?}");
            }
        }
        for (arrow, way) in picture.arrows.iter().zip(&layout.arrows) {
            assert!(way.points.len() > 1, "{arrow:?} has no way");
            assert!(way.points.iter().all(|(x, y)| x.is_finite() && y.is_finite()), "{arrow:?} {way:?}");
            let on = |place: Place, (x, y): (f64, f64)| {
                let is_between = |at: f64, from: f64, length: f64| at >= from - 0.1 && at <= from + length + 0.1;
                is_between(x, place.x, place.width) && is_between(y, place.y, place.height)
            };
            assert!(on(places[arrow.from], way.points[0]), "{arrow:?} {way:?}");
            assert!(on(places[arrow.to], way.points[way.points.len() - 1]), "{arrow:?} {way:?}");
        }
        assert_eq!(layout, laid(picture).expect("it is small"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_graph_has_a_sound_layout(
            groups in prop::collection::vec(0usize..4, 1..24),
            arrows in prop::collection::vec((0usize..24, 0usize..24), 0..40),
        ) {
            let count = groups.len();
            assert_sound(&picture(&groups, arrows.into_iter().map(|(from, to)| (from % count, to % count))));
        }
    }

    #[test]
    fn both_ways_between_two_boxes_are_drawn() {
        assert_sound(&picture(&[0, 0], [(0, 1), (1, 0)]));
    }

    #[test]
    fn what_may_be_drawn_is_drawn_soon() {
        let all = MOST_DRAWN / 2;
        let chain = |count: usize| (1..count).map(|at| (at - 1, at));
        let star = |count: usize| (1..count).map(|at| (at, 0));
        let knot = |count: usize| (0..count).flat_map(move |at| [(at, (at * 7 + 3) % count)]);
        for (name, one) in [
            ("chain", picture(&vec![0; all], chain(all))),
            ("star", picture(&vec![0; all], star(all))),
            ("alone", picture(&vec![0; MOST_DRAWN], [])),
            ("groups", picture(&(0..all).collect::<Vec<_>>(), chain(all))),
            ("knot", picture(&(0..all).map(|at| at % 9).collect::<Vec<_>>(), knot(all))),
            ("dense", picture(&vec![0; 30], (0..MOST_DRAWN - 30).map(|at| (at % 30, at / 30)))),
        ] {
            let start = Instant::now();
            assert!(laid(&one).is_ok(), "{name}");
            let took = start.elapsed();
            assert!(took < Duration::from_secs(30), "{name}: {took:?}");
        }
        assert!(laid(&picture(&vec![0; MOST_DRAWN + 1], [])).is_err());
    }
}
