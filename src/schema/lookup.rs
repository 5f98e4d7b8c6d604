//! Looking up paths: which can exist, and the subschemas of their values.

use foldhash::{HashSet, HashSetExt};

use super::walk::Budget;
use super::{Id, Schema, Sub, Types};
use crate::node::Node;
use crate::suggest;

/// A step into a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// To a key of a mapping.
    Key(&'a str),
    /// To an item of a list.
    Index(usize),
}

/// The subschemas of a path: one, several that all apply, or several of which some apply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SchemaRef {
    /// One subschema.
    One(u32),
    /// All of them; none, if there are no constraints.
    All(Vec<SchemaRef>),
    /// Any of them.
    Any(Vec<SchemaRef>),
}

/// How many subschemas a path may have.
const MAX_SUBSCHEMAS: usize = 1000;

impl SchemaRef {
    /// The subschemas, however they are combined.
    pub(super) fn ids(&self) -> Vec<Id> {
        match self {
            Self::One(id) => vec![*id],
            Self::All(refs) | Self::Any(refs) => refs.iter().flat_map(Self::ids).collect(),
        }
    }
}

/// Whether a path can exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The schema has subschemas for it.
    Known(SchemaRef),
    /// The schema allows it without constraints.
    Open,
    /// No value can have it.
    Unknown {
        /// The index of the unknown step.
        at: usize,
        /// The most similar known name.
        near: Option<String>,
        /// All known names, in the order of the schema.
        fields: Vec<String>,
    },
}

/// Where one step leads.
enum Next {
    Known(SchemaRef),
    Open,
    Nowhere,
}

impl Schema {
    /// The subschema of the whole value.
    #[must_use]
    pub const fn root(&self) -> SchemaRef {
        SchemaRef::One(Self::ROOT)
    }

    /// Whether the path of these keys can exist.
    #[must_use]
    pub fn lookup<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Lookup {
        self.follow(keys.into_iter().map(PathStep::Key))
    }

    /// Whether a path can exist. One that takes too long to look up is unknown.
    #[must_use]
    pub fn follow<'a>(&self, steps: impl IntoIterator<Item = PathStep<'a>>) -> Lookup {
        let mut found = self.root();
        let mut left = Budget::of_path();
        for (at, step) in steps.into_iter().enumerate() {
            match self.next(&found, step, &mut left) {
                Next::Known(next) if !left.is_spent() => found = next,
                Next::Open if !left.is_spent() => return Lookup::Open,
                _ => {
                    let fields: Vec<String> = self.fields(&found).into_iter().map(str::to_owned).collect();
                    let near = match step {
                        PathStep::Key(key) => {
                            suggest::nearest(key, fields.iter().map(String::as_str)).map(str::to_owned)
                        }
                        PathStep::Index(_) => None,
                    };
                    return Lookup::Unknown { at, near, fields };
                }
            }
        }
        Lookup::Known(found)
    }

    /// The types that a value can have.
    #[must_use]
    pub fn types(&self, schema: &SchemaRef) -> Types {
        match schema {
            SchemaRef::One(id) => self.types_of(self.sub(*id)),
            SchemaRef::All(refs) => refs.iter().fold(Types::ANY, |types, schema| types.and(self.types(schema))),
            SchemaRef::Any(refs) => refs.iter().fold(Types::NONE, |types, schema| types.or(self.types(schema))),
        }
    }

    /// Whether a value is a secret.
    #[must_use]
    pub fn is_secret(&self, schema: &SchemaRef) -> bool {
        schema.ids().into_iter().any(|id| self.is_secret_sub(id))
    }

    pub(super) fn is_secret_sub(&self, id: Id) -> bool {
        let sub = self.sub(id);
        sub.secret || sub.in_place().any(|id| self.is_secret_sub(id))
    }

    /// Whether a mapping can have the names of [`Schema::fields`] and no others.
    #[must_use]
    pub fn is_closed(&self, schema: &SchemaRef) -> bool {
        // No schema has a key of this name; what applies to it applies to any other.
        let mut left = Budget::of_path();
        matches!(self.next(schema, PathStep::Key("\u{0}"), &mut left), Next::Nowhere) && !left.is_spent()
    }

    /// The names that the schema has for the fields of a mapping, in its order.
    #[must_use]
    pub fn fields(&self, schema: &SchemaRef) -> Vec<&str> {
        let (mut fields, mut seen) = (Vec::new(), HashSet::new());
        schema.ids().into_iter().for_each(|id| self.collect_fields(id, &mut fields));
        fields.retain(|name| seen.insert(*name));
        fields
    }

    /// The values that the schema lists.
    #[must_use]
    pub fn values(&self, schema: &SchemaRef) -> Vec<&Node> {
        let of = |id| {
            let sub = self.sub(id);
            let others = [&sub.all, &sub.any, &sub.one].into_iter().flatten().chain(&sub.reference);
            sub.listed().chain(others.flat_map(|id| self.values(&SchemaRef::One(*id)))).collect::<Vec<_>>()
        };
        schema.ids().into_iter().flat_map(of).collect()
    }

    /// The description of a value.
    #[must_use]
    pub fn description(&self, schema: &SchemaRef) -> Option<&str> {
        schema.ids().into_iter().find_map(|id| self.description_of(id))
    }

    pub(super) fn description_of(&self, id: Id) -> Option<&str> {
        let sub = self.sub(id);
        sub.description.as_deref().or_else(|| self.description_of(sub.reference?))
    }

    fn collect_fields<'a>(&'a self, id: Id, fields: &mut Vec<&'a str>) {
        let sub = self.sub(id);
        let properties = sub.object.iter().flat_map(|rules| &rules.properties);
        fields.extend(properties.map(|(name, _)| name.as_str()));
        // The fields of `not` and `if` are not suggested.
        let named = [sub.reference, sub.then, sub.otherwise].into_iter().flatten();
        let lists = [&sub.all, &sub.any, &sub.one].into_iter().flatten().copied();
        let dependents = sub.dependents.iter().map(|(_, id)| *id);
        named.chain(lists).chain(dependents).for_each(|id| self.collect_fields(id, fields));
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

    fn next(&self, schema: &SchemaRef, step: PathStep<'_>, left: &mut Budget) -> Next {
        match schema {
            SchemaRef::One(id) => self.next_of(self.sub(*id), step, left),
            SchemaRef::All(refs) => all(refs.iter().map(|schema| self.next(schema, step, left))),
            SchemaRef::Any(refs) => any(refs.iter().map(|schema| self.next(schema, step, left))),
        }
    }

    fn next_of(&self, sub: &Sub, step: PathStep<'_>, left: &mut Budget) -> Next {
        match (self.next_evaluated(sub, step, left), sub.unevaluated(step)) {
            (Next::Open, Some(id)) if self.sub(id).never => Next::Nowhere,
            (Next::Open, Some(id)) => Next::Known(SchemaRef::One(id)),
            (next, _) => next,
        }
    }

    /// Whether a keyword other than `unevaluatedProperties` and `unevaluatedItems` may evaluate the value that a step leads
    /// to. If that takes too long to find out, one may.
    pub(super) fn may_evaluate(&self, sub: &Sub, step: PathStep<'_>, left: &mut Budget) -> bool {
        !matches!(self.next_evaluated(sub, step, left), Next::Open)
    }

    fn next_evaluated(&self, sub: &Sub, step: PathStep<'_>, left: &mut Budget) -> Next {
        left.step();
        if left.is_spent() {
            return Next::Nowhere;
        }
        let own = match own(sub, step, left) {
            Next::Known(SchemaRef::One(id)) if self.sub(id).never => Next::Nowhere,
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
            // If it matches, it evaluates the fields that it names.
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

/// Where a step leads by the keywords of the subschema itself.
fn own(sub: &Sub, step: PathStep<'_>, left: &mut Budget) -> Next {
    let types = sub.types.unwrap_or(Types::ANY);
    let is_listed = sub.choices.is_some() || sub.constant.is_some();
    if sub.never || (is_listed && !sub.listed().any(|value| has(value, step))) {
        return Next::Nowhere;
    }
    match step {
        PathStep::Index(_) if !types.has(Types::ARRAY) => Next::Nowhere,
        PathStep::Index(index) => {
            let Some(rules) = &sub.list else { return Next::Open };
            let known = |id| Next::Known(SchemaRef::One(id));
            // `contains` evaluates the items that match.
            let contained = || rules.contains.map_or(Next::Open, |id| any([known(id), Next::Open]));
            rules.of(index).map_or_else(contained, known)
        }
        PathStep::Key(_) if !types.has(Types::OBJECT) => Next::Nowhere,
        PathStep::Key(key) => {
            let Some(rules) = &sub.object else { return Next::Open };
            all(rules
                .of(key, &mut |pattern, key| left.is_match(pattern, key))
                .into_iter()
                .map(|id| Next::Known(SchemaRef::One(id))))
        }
    }
}

/// Whether a value has such a key or item.
fn has(value: &Node, step: PathStep<'_>) -> bool {
    match step {
        PathStep::Key(key) => value.get(key).is_some(),
        PathStep::Index(index) => value.items().len() > index,
    }
}

fn all(parts: impl IntoIterator<Item = Next>) -> Next {
    let mut refs = Vec::new();
    for part in parts {
        match part {
            Next::Known(schema) => refs.push(schema),
            Next::Open => {}
            Next::Nowhere => return Next::Nowhere,
        }
    }
    if refs.is_empty() { Next::Open } else { together(refs, SchemaRef::All) }
}

fn any(parts: impl IntoIterator<Item = Next>) -> Next {
    let (mut refs, mut open) = (Vec::new(), false);
    for part in parts {
        match part {
            Next::Known(schema) => refs.push(schema),
            Next::Open => open = true,
            Next::Nowhere => {}
        }
    }
    match (refs.is_empty(), open) {
        (true, true) => return Next::Open,
        (true, false) => return Next::Nowhere,
        // One of the alternatives has no constraints.
        (false, true) => refs.push(SchemaRef::All(Vec::new())),
        (false, false) => {}
    }
    together(refs, SchemaRef::Any)
}

/// Combines several references. The paths that lead to a subschema multiply with each step, so each is kept once, and too many
/// lead nowhere.
fn together(mut refs: Vec<SchemaRef>, how: fn(Vec<SchemaRef>) -> SchemaRef) -> Next {
    let mut seen = HashSet::new();
    refs.retain(|schema| seen.insert(schema.clone()));
    match refs.len() {
        1 => Next::Known(refs.remove(0)),
        _ if refs.iter().map(|schema| schema.ids().len()).sum::<usize>() > MAX_SUBSCHEMAS => Next::Nowhere,
        _ => Next::Known(how(refs)),
    }
}
