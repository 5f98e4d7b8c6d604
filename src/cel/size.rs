//! The maximum sizes of values, and their paths.

use std::cell::{Ref, RefCell};
use std::rc::Rc;

use super::bounds::ValueStep;

pub(super) const TRAVERSAL: f64 = 0.1;
pub(super) const PATTERN_LENGTH: f64 = 0.25;
pub(super) const NEW_LIST: u64 = 10;
pub(super) const NEW_MAP: u64 = 30;

/// The length of the longest pattern of a named format.
pub(super) const LONGEST_FORMAT: f64 = 128.0;

/// The number of elements of a value: characters of a string, items of a list, entries of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Size {
    pub(super) const UNKNOWN: Self = Self { least: 0, most: u64::MAX };

    pub(super) const fn fixed(size: u64) -> Self {
        Self { least: size, most: size }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self { least: self.least.saturating_add(other.least), most: self.most.saturating_add(other.most) }
    }

    pub(super) const fn times(self, other: Self) -> Self {
        Self { least: self.least.saturating_mul(other.least), most: self.most.saturating_mul(other.most) }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.max(other.most) }
    }

    /// The cost of traversing it.
    pub(super) fn cost(self, each: f64) -> u64 {
        scaled(self.most, each)
    }
}

/// A product, rounded up.
pub(super) fn scaled(number: u64, factor: f64) -> u64 {
    // Conversions from floats saturate.
    (number as f64 * factor).ceil() as u64
}

/// The sizes of the keys (or indexes) and values of a list or map that an expression returns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entries {
    pub(super) is_list: bool,
    pub(super) key: Size,
    pub(super) value: Size,
}

impl Entries {
    pub(super) fn or(self, other: Self) -> Self {
        Self { key: self.key.or(other.key), value: self.value.or(other.value), ..self }
    }
}

/// The path from a variable to a value. Like a slice in Go, a longer path can share its memory with the one that it extends, which
/// then changes: the estimates of the API server depend on it.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    steps: Rc<RefCell<Vec<ValueStep>>>,
    pub(super) length: usize,
    capacity: usize,
}

impl Way {
    pub(super) fn start() -> Self {
        Self::default().then(ValueStep::Start)
    }

    pub(super) fn then(&self, step: ValueStep) -> Self {
        let length = self.length + 1;
        if length <= self.capacity {
            let mut steps = self.steps.borrow_mut();
            if steps.len() < length {
                steps.push(step);
            } else {
                steps[self.length] = step;
            }
            drop(steps);
            return Self { steps: self.steps.clone(), length, capacity: self.capacity };
        }
        let mut steps = self.steps.borrow()[..self.length].to_vec();
        steps.push(step);
        Self { steps: Rc::new(RefCell::new(steps)), length, capacity: (self.capacity * 2).max(1) }
    }

    /// The steps of the path.
    pub(super) fn steps(&self) -> Ref<'_, [ValueStep]> {
        Ref::map(self.steps.borrow(), |steps| &steps[..self.length])
    }
}

/// The length of a string after replacements.
pub(super) fn replaced(text: Size, part: Size, with: Size) -> Size {
    let share = |length: u64, part: u64| (length as f64 / part as f64).ceil() as u64;
    let (most_parts, most_kept) = match part.least {
        0 => (text.most.saturating_add(1), text.most),
        least if with.most <= least => (0, text.most),
        least => (share(text.most, least), 0),
    };
    let (least_parts, least_kept) = match part.most {
        0 => (text.least.saturating_add(1), text.least),
        most if most <= with.least => (0, text.least),
        most => (share(text.least, most), 0),
    };
    let count = Size { least: least_parts, most: most_parts };
    count.times(with).plus(Size { least: least_kept, most: most_kept })
}
