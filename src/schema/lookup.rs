//! Which paths can exist, and of what type their values are.

use foldhash::{HashSet, HashSetExt};

use super::walk::Budget;
use super::{Id, Schema, Sub, Types};
use crate::node::Node;
use crate::suggest;

/// A step into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// To a key of a mapping.
    Key(&'a str),
    /// To an item of a list.
    Index(usize),
}

/// What the schema says of a path: one subschema, several that all hold, or several of which some hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// One subschema.
    One(u32),
    /// All of them; of none, where nothing is said.
    All(Vec<Place>),
    /// Any of them.
    Any(Vec<Place>),
}

/// How many subschemas a place may have.
const MAX_SIZE: usize = 1000;

impl Place {
    fn size(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::All(places) | Self::Any(places) => places.iter().map(Self::size).sum(),
        }
    }
}

/// Whether a path can exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The schema names it.
    Known(Place),
    /// The schema allows it without saying anything of it.
    Open,
    /// No value can have it.
    Unknown {
        /// Which step leads nowhere, from 0.
        at: usize,
        /// The nearest name that could stand there.
        near: Option<String>,
        /// All names that could stand there, in the schema's order.
        fields: Vec<String>,
    },
}

/// Where one step leads.
enum Next {
    Known(Place),
    Open,
    Nowhere,
}

impl Schema {
    /// The place of a whole value.
    #[must_use]
    pub const fn root(&self) -> Place {
        Place::One(Self::ROOT)
    }

    /// Whether the path of these keys can exist.
    #[must_use]
    pub fn lookup<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Lookup {
        self.follow(keys.into_iter().map(Step::Key))
    }

    /// Whether the path of these steps can exist.
    #[must_use]
    pub fn follow<'a>(&self, steps: impl IntoIterator<Item = Step<'a>>) -> Lookup {
        let mut place = self.root();
        let mut left = Budget::of_path();
        for (at, step) in steps.into_iter().enumerate() {
            // What takes too long to find leads nowhere.
            match self.next(&place, step, &mut left) {
                Next::Known(next) if !left.is_spent() => place = next,
                Next::Open if !left.is_spent() => return Lookup::Open,
                _ => {
                    let fields: Vec<String> = self.fields(&place).into_iter().map(str::to_owned).collect();
                    let near = match step {
                        Step::Key(key) => suggest::nearest(key, fields.iter().map(String::as_str)).map(str::to_owned),
                        Step::Index(_) => None,
                    };
                    return Lookup::Unknown { at, near, fields };
                }
            }
        }
        Lookup::Known(place)
    }

    /// The types a value there may have.
    #[must_use]
    pub fn types(&self, place: &Place) -> Types {
        match place {
            Place::One(id) => self.types_of(self.sub(*id)),
            Place::All(places) => places.iter().fold(Types::ANY, |types, place| types.and(self.types(place))),
            Place::Any(places) => places.iter().fold(Types::NONE, |types, place| types.or(self.types(place))),
        }
    }

    /// Whether a value there is a secret.
    #[must_use]
    pub fn is_secret(&self, place: &Place) -> bool {
        match place {
            Place::One(id) => {
                let sub = self.sub(*id);
                sub.secret || sub.in_place().any(|id| self.is_secret(&Place::One(id)))
            }
            Place::All(places) | Place::Any(places) => places.iter().any(|place| self.is_secret(place)),
        }
    }

    /// Whether a mapping there may have the names of [`Schema::fields`] and no others.
    #[must_use]
    pub fn is_closed(&self, place: &Place) -> bool {
        // No schema has a key of this name; what is said of it is said of any.
        let mut left = Budget::of_path();
        matches!(self.next(place, Step::Key("\u{0}"), &mut left), Next::Nowhere) && !left.is_spent()
    }

    /// The names a mapping there may have, as far as the schema names them; in its order.
    #[must_use]
    pub fn fields(&self, place: &Place) -> Vec<&str> {
        let (mut fields, mut seen) = (Vec::new(), HashSet::new());
        self.collect_fields(place, &mut fields);
        fields.retain(|name| seen.insert(*name));
        fields
    }

    /// The values there, where the schema lists them.
    #[must_use]
    pub fn values(&self, place: &Place) -> Vec<&Node> {
        match place {
            Place::One(id) => {
                let sub = self.sub(*id);
                let others = [&sub.all, &sub.any, &sub.one].into_iter().flatten().chain(&sub.reference);
                sub.listed().chain(others.flat_map(|id| self.values(&Place::One(*id)))).collect()
            }
            Place::All(places) | Place::Any(places) => places.iter().flat_map(|place| self.values(place)).collect(),
        }
    }

    /// What the schema says about the place, for people.
    #[must_use]
    pub fn description(&self, place: &Place) -> Option<&str> {
        match place {
            Place::One(id) => {
                let sub = self.sub(*id);
                let below = || sub.reference.and_then(|id| self.description(&Place::One(id)));
                sub.description.as_deref().or_else(below)
            }
            Place::All(places) | Place::Any(places) => places.iter().find_map(|place| self.description(place)),
        }
    }

    fn collect_fields<'a>(&'a self, place: &Place, fields: &mut Vec<&'a str>) {
        match place {
            Place::One(id) => {
                let sub = self.sub(*id);
                let properties = sub.object.iter().flat_map(|rules| &rules.properties);
                fields.extend(properties.map(|(name, _)| name.as_str()));
                // What stands in a negation or a condition is not offered.
                let named = [sub.reference, sub.then, sub.otherwise].into_iter().flatten();
                let lists = [&sub.all, &sub.any, &sub.one].into_iter().flatten().copied();
                let dependents = sub.dependents.iter().map(|(_, id)| *id);
                for id in named.chain(lists).chain(dependents) {
                    self.collect_fields(&Place::One(id), fields);
                }
            }
            Place::All(places) | Place::Any(places) => {
                places.iter().for_each(|place| self.collect_fields(place, fields));
            }
        }
    }

    fn types_of(&self, sub: &Sub) -> Types {
        if sub.never {
            return Types::NONE;
        }
        let of = |id: &Id| self.types_of(self.sub(*id));
        let any = |ids: &[Id]| match ids {
            [] => Types::ANY,
            ids => ids.iter().fold(Types::NONE, |types, id| types.or(of(id))),
        };
        let values = |values: &[Node]| values.iter().fold(Types::NONE, |types, value| types.or(Types::of(value)));
        let mut types = sub.types.unwrap_or(Types::ANY);
        types = sub.choices.as_ref().map_or(types, |choices| types.and(values(choices.values())));
        types = sub.constant.as_ref().map_or(types, |value| types.and(Types::of(value)));
        types = types.and(any(&sub.any)).and(any(&sub.one));
        sub.all.iter().chain(&sub.reference).fold(types, |types, id| types.and(of(id)))
    }

    fn next(&self, place: &Place, step: Step<'_>, left: &mut Budget) -> Next {
        match place {
            Place::One(id) => self.next_of(self.sub(*id), step, left),
            Place::All(places) => all(places.iter().map(|place| self.next(place, step, left))),
            Place::Any(places) => any(places.iter().map(|place| self.next(place, step, left))),
        }
    }

    fn next_of(&self, sub: &Sub, step: Step<'_>, left: &mut Budget) -> Next {
        match (self.next_evaluated(sub, step, left), sub.unevaluated(step)) {
            (Next::Open, Some(id)) if self.sub(id).never => Next::Nowhere,
            (Next::Open, Some(id)) => Next::Known(Place::One(id)),
            (next, _) => next,
        }
    }

    /// Whether some keyword beside `unevaluatedProperties` and `unevaluatedItems` may say something of a step. What takes
    /// too long to find is taken for evaluated.
    pub(super) fn may_evaluate(&self, sub: &Sub, step: Step<'_>, left: &mut Budget) -> bool {
        !matches!(self.next_evaluated(sub, step, left), Next::Open)
    }

    fn next_evaluated(&self, sub: &Sub, step: Step<'_>, left: &mut Budget) -> Next {
        left.step();
        if left.is_spent() {
            return Next::Nowhere;
        }
        let own = match own(sub, step, left) {
            Next::Known(Place::One(id)) if self.sub(id).never => Next::Nowhere,
            other => other,
        };
        let mut of = |id: &Id| self.next_of(self.sub(*id), step, left);
        let mut parts = vec![own];
        parts.extend(sub.all.iter().chain(&sub.reference).map(&mut of));
        for forms in [&sub.any, &sub.one] {
            if !forms.is_empty() {
                parts.push(any(forms.iter().map(&mut of)));
            }
        }
        if let Some(condition) = &sub.condition {
            // It may hold, and evaluates what it names where it does.
            let condition = any([of(condition), Next::Open]);
            parts.push(condition);
            let mut branch = |id: Option<Id>| id.map_or(Next::Open, |id| of(&id));
            parts.push(any([branch(sub.then), branch(sub.otherwise)]));
        }
        for (_, id) in &sub.dependents {
            parts.push(any([of(id), Next::Open]));
        }
        all(parts)
    }
}

/// Where a step leads by a subschema's own words.
fn own(sub: &Sub, step: Step<'_>, left: &mut Budget) -> Next {
    let types = sub.types.unwrap_or(Types::ANY);
    let is_listed = sub.choices.is_some() || sub.constant.is_some();
    if sub.never || (is_listed && !sub.listed().any(|value| has(value, step))) {
        return Next::Nowhere;
    }
    match step {
        Step::Index(_) if !types.has(Types::ARRAY) => Next::Nowhere,
        Step::Index(index) => {
            let Some(rules) = &sub.list else { return Next::Open };
            let known = |id| Next::Known(Place::One(id));
            // An item that `contains` fits is evaluated by it.
            let contained = || rules.contains.map_or(Next::Open, |id| any([known(id), Next::Open]));
            rules.of(index).map_or_else(contained, known)
        }
        Step::Key(_) if !types.has(Types::OBJECT) => Next::Nowhere,
        Step::Key(key) => {
            let Some(rules) = &sub.object else { return Next::Open };
            all(rules
                .of(key, &mut |pattern, key| left.is_match(pattern, key))
                .into_iter()
                .map(|id| Next::Known(Place::One(id))))
        }
    }
}

/// Whether a value has something there.
fn has(value: &Node, step: Step<'_>) -> bool {
    match step {
        Step::Key(key) => value.get(key).is_some(),
        Step::Index(index) => value.items().len() > index,
    }
}

fn all(parts: impl IntoIterator<Item = Next>) -> Next {
    let mut places = Vec::new();
    for part in parts {
        match part {
            Next::Known(place) => places.push(place),
            Next::Open => {}
            Next::Nowhere => return Next::Nowhere,
        }
    }
    if places.is_empty() { Next::Open } else { together(places, Place::All) }
}

fn any(parts: impl IntoIterator<Item = Next>) -> Next {
    let (mut places, mut open) = (Vec::new(), false);
    for part in parts {
        match part {
            Next::Known(place) => places.push(place),
            Next::Open => open = true,
            Next::Nowhere => {}
        }
    }
    match (places.is_empty(), open) {
        (true, true) => return Next::Open,
        (true, false) => return Next::Nowhere,
        // One of the forms says nothing of it.
        (false, true) => places.push(Place::All(Vec::new())),
        (false, false) => {}
    }
    together(places, Place::Any)
}

/// Several places as one. The ways that lead to a place multiply with each step, so each is kept once, and what still
/// has too many leads nowhere.
fn together(mut places: Vec<Place>, how: fn(Vec<Place>) -> Place) -> Next {
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(place.clone()));
    match places.len() {
        1 => Next::Known(places.remove(0)),
        _ if places.iter().map(Place::size).sum::<usize>() > MAX_SIZE => Next::Nowhere,
        _ => Next::Known(how(places)),
    }
}
