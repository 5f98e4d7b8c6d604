//! Compilation of schemas.

use ecow::EcoVec;
use foldhash::HashMap;

use super::files::{self, Document, Incomplete, Missing};
use super::formats::{Format, formats};
use super::structural::{self, EXTENSIONS, Extensions, inherit_preservation};
use super::{
    Choices, Id, LazyPattern, ListRules, NumberRules, ObjectRules, Pattern, Schema, Sub, TYPES, TextRules, Types,
};
use crate::finding::{Finding, RuleId};
use crate::node::{Entry, Node, Origin, Value};
use crate::source::Span;
use crate::suggest;

/// How deep subschemas for the same value may be nested, references included.
const MAX_IN_PLACE: usize = 32;

/// How many subschemas may apply to the same value, each counted once per path that leads to it.
const MAX_WAYS: usize = 1000;

/// The maximum total size of the compiled patterns of a JSON Schema, in bytes.
const MAX_PATTERN_BYTES: usize = 1 << 23;

/// The maximum number of subschemas of a structural schema, so that aliases cannot fill the memory. Subschemas beyond it
/// match any value. The largest definitions in use have some twenty thousand.
const MAX_STRUCTURAL: usize = 100_000;

/// The schema `true`.
static ANYTHING: Node = Node { value: Value::Bool(true), origin: Origin { span: Span::NONE, derived: None } };

/// Compiles a keyword.
pub(super) type Compile = for<'a> fn(&mut Compiler<'a>, &mut Sub, &'a Entry);

/// A keyword that means the same in structural schemas, and one that they do not have or that means something else there.
const SHARED: bool = true;
const JSON: bool = false;

/// The keywords of JSON Schema. Keywords that begin with `x-` are ignored.
const KEYWORDS: &[(&str, bool, Compile)] = &[
    ("$comment", JSON, |_, _, _| {}),
    ("$defs", JSON, |c, sub, entry| c.definitions(sub, entry)),
    ("$id", JSON, |_, _, _| {}),
    ("$ref", JSON, |c, sub, entry| c.reference(sub, entry)),
    ("$schema", JSON, |_, _, _| {}),
    ("additionalProperties", SHARED, |c, sub, entry| object(sub).additional = c.additional(entry)),
    ("allOf", SHARED, |c, sub, entry| sub.all = c.schemas(entry)),
    ("anyOf", SHARED, |c, sub, entry| sub.any = c.schemas(entry)),
    ("const", JSON, |_, sub, entry| sub.constant = Some(entry.value.clone())),
    ("contains", JSON, |c, sub, entry| list(sub).contains = c.schema(entry)),
    ("default", JSON, |_, _, _| {}),
    ("definitions", JSON, |c, sub, entry| c.definitions(sub, entry)),
    ("dependentRequired", JSON, |c, sub, entry| c.dependent_required(sub, entry)),
    ("dependentSchemas", JSON, |c, sub, entry| c.dependent_schemas(sub, entry)),
    ("deprecated", JSON, |_, _, _| {}),
    ("description", JSON, |_, sub, entry| sub.description = entry.value.as_str().map(Into::into)),
    ("else", JSON, |c, sub, entry| sub.otherwise = c.schema(entry)),
    ("enum", SHARED, |c, sub, entry| c.choices(sub, entry)),
    ("examples", JSON, |_, _, _| {}),
    ("exclusiveMaximum", JSON, |c, sub, entry| number(sub).below = c.number(entry)),
    ("exclusiveMinimum", JSON, |c, sub, entry| number(sub).above = c.number(entry)),
    ("format", JSON, |c, sub, entry| c.format(sub, entry)),
    ("if", JSON, |c, sub, entry| sub.condition = c.schema(entry)),
    ("items", SHARED, |c, sub, entry| list(sub).items = c.schema(entry)),
    ("maxContains", JSON, |c, sub, entry| list(sub).contained.max = c.count(entry)),
    ("maxItems", SHARED, |c, sub, entry| list(sub).count.max = c.count(entry)),
    ("maxLength", SHARED, |c, sub, entry| text(sub).length.max = c.count(entry)),
    ("maxProperties", SHARED, |c, sub, entry| object(sub).count.max = c.count(entry)),
    ("maximum", SHARED, |c, sub, entry| number(sub).maximum = c.number(entry)),
    ("minContains", JSON, |c, sub, entry| list(sub).contained.min = c.count(entry)),
    ("minItems", SHARED, |c, sub, entry| list(sub).count.min = c.count(entry)),
    ("minLength", SHARED, |c, sub, entry| text(sub).length.min = c.count(entry)),
    ("minProperties", SHARED, |c, sub, entry| object(sub).count.min = c.count(entry)),
    ("minimum", SHARED, |c, sub, entry| number(sub).minimum = c.number(entry)),
    ("multipleOf", SHARED, |c, sub, entry| c.multiple(sub, entry)),
    ("not", SHARED, |c, sub, entry| sub.not = c.schema(entry)),
    ("oneOf", SHARED, |c, sub, entry| sub.one = c.schemas(entry)),
    ("pattern", SHARED, |c, sub, entry| text(sub).pattern = c.text_pattern(entry)),
    ("patternProperties", JSON, |c, sub, entry| c.pattern_properties(sub, entry)),
    ("prefixItems", JSON, |c, sub, entry| list(sub).prefix = c.schemas(entry)),
    ("properties", SHARED, |c, sub, entry| c.properties(sub, entry)),
    ("propertyNames", JSON, |c, sub, entry| object(sub).names = c.schema(entry)),
    ("readOnly", JSON, |_, _, _| {}),
    ("required", SHARED, |c, sub, entry| c.required(sub, entry)),
    ("then", JSON, |c, sub, entry| sub.then = c.schema(entry)),
    ("title", JSON, |_, _, _| {}),
    ("type", JSON, |c, sub, entry| sub.types = c.types(entry)),
    ("unevaluatedItems", JSON, |c, sub, entry| list(sub).unevaluated = c.schema(entry)),
    ("unevaluatedProperties", JSON, |c, sub, entry| object(sub).unevaluated = c.schema(entry)),
    ("uniqueItems", SHARED, |c, sub, entry| list(sub).unique = c.switch(entry)),
    ("writeOnly", JSON, |c, sub, entry| sub.secret = c.switch(entry)),
];

/// The keywords of JSON Schema, sorted.
pub fn keywords() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|(name, ..)| *name)
}

fn find(name: &str) -> Option<&'static (&'static str, bool, Compile)> {
    KEYWORDS.binary_search_by(|(known, ..)| (*known).cmp(name)).ok().map(|at| &KEYWORDS[at])
}

fn object(sub: &mut Sub) -> &mut ObjectRules {
    sub.object.get_or_insert_default()
}

pub(super) fn list(sub: &mut Sub) -> &mut ListRules {
    sub.list.get_or_insert_default()
}

pub(super) fn number(sub: &mut Sub) -> &mut NumberRules {
    sub.number.get_or_insert_default()
}

pub(super) fn text(sub: &mut Sub) -> &mut TextRules {
    sub.text.get_or_insert_default()
}

impl Schema {
    /// Compiles a JSON Schema.
    ///
    /// # Errors
    /// If a keyword is unknown or has an invalid value, or a reference does not resolve.
    pub fn compile(root: &Node) -> Result<Self, Vec<Finding>> {
        Self::compile_files(&[Document { path: String::new(), root: root.clone() }]).map_err(Incomplete::alone)
    }

    /// Compiles a JSON Schema of several files, of which the first is the schema itself.
    pub(super) fn compile_files(documents: &[Document]) -> Result<Self, Incomplete> {
        let mut compiler = Compiler { documents, ..Compiler::default() };
        let subs = compiler.compile(&documents[0].root);
        let secret = super::secrets::reaching(&subs);
        let schema = Self { subs, secret };
        if compiler.findings.is_empty()
            && compiler.missing.is_empty()
            && let Some(id) = schema.endless()
        {
            let message = "the schema is recursive for one value, nested too deep, or its alternatives multiply";
            compiler.findings.push(invalid(compiler.spans[id as usize], message));
        }
        let Compiler { findings, missing, .. } = compiler;
        if findings.is_empty() && missing.is_empty() { Ok(schema) } else { Err(Incomplete { findings, missing }) }
    }

    /// Compiles the structural schema of a custom resource or of one of its fields. Whatever is malformed is ignored.
    pub(crate) fn structural(root: &Node) -> Self {
        let mut subs = Compiler { structural: true, ..Compiler::default() }.compile(root);
        inherit_preservation(&mut subs);
        Self { secret: vec![false; subs.len()], subs }
    }

    /// A subschema whose evaluation would not end, nest too deep or visit too many others.
    fn endless(&self) -> Option<Id> {
        let mut depth = vec![0_usize; self.subs.len()];
        let mut ways = vec![1_usize; self.subs.len()];
        // Within a cycle the depth would grow for ever, so the bound ends it.
        loop {
            let mut grown = false;
            for (at, sub) in self.subs.iter().enumerate() {
                let below = sub.in_place().map(|id| depth[id as usize] + 1).max().unwrap_or(0);
                let many = 1 + sub.in_place().map(|id| ways[id as usize]).sum::<usize>();
                if below > MAX_IN_PLACE || many > MAX_WAYS {
                    return Some(at as Id);
                }
                grown |= below > depth[at] || many > ways[at];
                (depth[at], ways[at]) = (below, many);
            }
            if !grown {
                return None;
            }
        }
    }
}

pub(super) fn invalid(span: Span, message: impl Into<String>) -> Finding {
    Finding::error(RuleId::SchemaInvalid, span, message)
}

#[derive(Default)]
pub(super) struct Compiler<'a> {
    /// Whether it is the structural schema of a custom resource, in which whatever is unknown or malformed is ignored.
    structural: bool,
    documents: &'a [Document],
    /// The index in `documents` of the current one.
    document: usize,
    /// The ids of subschemas by the address of their node, so that references and cycles need no copies. In a structural
    /// schema each subschema has an id of its own, as what it means depends on its position.
    known: HashMap<*const Node, Id>,
    /// Subschemas to compile, each with the index of its file in `documents`.
    todo: Vec<(Id, &'a Node, usize)>,
    spans: Vec<Span>,
    findings: Vec<Finding>,
    /// Files that are referenced and not among `documents`.
    missing: Vec<Missing>,
    /// The total size of the compiled patterns.
    pattern_bytes: usize,
}

impl<'a> Compiler<'a> {
    /// Compiles a schema and its subschemas.
    fn compile(&mut self, root: &'a Node) -> Vec<Sub> {
        self.id(root);
        let mut subs: Vec<Sub> = Vec::new();
        while let Some((id, node, document)) = self.todo.pop() {
            self.document = document;
            let sub = self.sub(node);
            if subs.len() <= id as usize {
                subs.resize_with(id as usize + 1, Sub::default);
            }
            subs[id as usize] = sub;
        }
        subs
    }

    /// The id of a subschema, which is compiled later.
    fn id(&mut self, node: &'a Node) -> Id {
        self.id_in(self.document, node)
    }

    fn id_in(&mut self, document: usize, node: &'a Node) -> Id {
        let is_beyond = self.structural && self.spans.len() >= MAX_STRUCTURAL;
        let node = if is_beyond { &ANYTHING } else { node };
        if let Some(id) = self.known.get(&std::ptr::from_ref(node)) {
            return *id;
        }
        let id = self.spans.len() as Id;
        if !self.structural || is_beyond {
            self.known.insert(node, id);
        }
        self.spans.push(node.origin.span);
        self.todo.push((id, node, document));
        id
    }

    fn sub(&mut self, node: &'a Node) -> Sub {
        let mut sub = Sub::default();
        match &node.value {
            Value::Bool(true) if self.structural => sub.extensions = Some(Box::new(Extensions::anything())),
            Value::Bool(matches) => sub.never = !matches && !self.structural,
            Value::Mapping(mapping) => {
                for entry in mapping {
                    self.keyword(&mut sub, entry);
                }
            }
            _ => self.wrong(node, "a schema must be a mapping, `true` or `false`"),
        }
        if self.structural {
            structural::complete(&mut sub, node);
        }
        if let Some(rules) = &mut sub.object {
            let names = &rules.properties;
            rules.sorted = (0..names.len() as u32).collect();
            rules.sorted.sort_by(|a, b| names[*a as usize].0.cmp(&names[*b as usize].0));
        }
        sub
    }

    fn keyword(&mut self, sub: &mut Sub, entry: &'a Entry) {
        let name = entry.key.as_str();
        if self.structural {
            let own = EXTENSIONS.iter().find(|(known, _)| *known == name).map(|(_, compile)| compile);
            let shared = || find(name).filter(|(_, is_shared, _)| *is_shared).map(|(.., compile)| compile);
            if let Some(compile) = own.or_else(shared).filter(|_| entry.value.is_set()) {
                compile(self, sub, entry);
            }
            return;
        }
        if name.starts_with("x-") {
            return;
        }
        if let Some((.., compile)) = find(name) {
            return compile(self, sub, entry);
        }
        let message = format!("unknown keyword `{}` in the schema", entry.key);
        let mut finding = Finding::error(RuleId::SchemaKeywordUnknown, entry.key_span, message);
        match suggest::nearest(&entry.key, keywords()) {
            Some(near) => finding.label = format!("did you mean `{near}`?"),
            None => finding.help = format!("it can be {}", suggest::list(keywords(), "or")),
        }
        self.findings.push(finding);
    }

    fn wrong(&mut self, node: &Node, message: impl Into<String>) {
        self.findings.push(invalid(node.origin.span, message));
    }

    fn schema(&mut self, entry: &'a Entry) -> Option<Id> {
        Some(self.id(&entry.value))
    }

    /// In a structural schema, fields beyond the properties are unknown unless a schema describes them.
    fn additional(&mut self, entry: &'a Entry) -> Option<Id> {
        let is_false = entry.value.as_bool() == Some(false);
        if self.structural && is_false { None } else { self.schema(entry) }
    }

    fn choices(&mut self, sub: &mut Sub, entry: &'a Entry) {
        let values = self.list(entry).filter(|values| !values.is_empty() || !self.structural);
        sub.choices = values.map(|values| Box::new(Choices::new(values)));
    }

    fn list(&mut self, entry: &'a Entry) -> Option<EcoVec<Node>> {
        if let Value::Sequence(items) = &entry.value.value {
            return Some(items.clone());
        }
        self.wrong(&entry.value, format!("`{}` must be a list", entry.key));
        None
    }

    fn schemas(&mut self, entry: &'a Entry) -> Vec<Id> {
        if entry.value.items().is_empty() {
            self.wrong(&entry.value, format!("`{}` must be a list of at least one schema", entry.key));
        }
        entry.value.items().iter().map(|item| self.id(item)).collect()
    }

    fn number(&mut self, entry: &'a Entry) -> Option<Node> {
        if Types::NUMBER.has(Types::of(&entry.value)) {
            return Some(entry.value.clone());
        }
        self.wrong(&entry.value, format!("`{}` must be a number", entry.key));
        None
    }

    fn multiple(&mut self, sub: &mut Sub, entry: &'a Entry) {
        let of = self.number(entry);
        if of.as_ref().and_then(Node::as_f64).is_some_and(|of| of <= 0.0) {
            return self.wrong(&entry.value, "`multipleOf` must be greater than zero");
        }
        number(sub).multiple = of;
    }

    fn count(&mut self, entry: &'a Entry) -> Option<u64> {
        let count = match entry.value.value {
            Value::Int(number) if self.structural => Some(u64::try_from(number).unwrap_or(0)),
            Value::Int(number) => u64::try_from(number).ok(),
            Value::Float(number) if number.fract() == 0.0 && number >= 0.0 => Some(number as u64),
            _ => None,
        };
        if count.is_none() {
            self.wrong(&entry.value, format!("`{}` must be a non-negative integer", entry.key));
        }
        count
    }

    fn switch(&mut self, entry: &'a Entry) -> bool {
        entry.value.as_bool().unwrap_or_else(|| {
            self.wrong(&entry.value, format!("`{}` must be `true` or `false`", entry.key));
            false
        })
    }

    fn text_pattern(&mut self, entry: &'a Entry) -> Option<LazyPattern> {
        let (text, span) = (entry.value.as_str(), entry.value.origin.span);
        if self.structural {
            return text.map(|text| LazyPattern::new(text, span));
        }
        self.pattern(text, span).map(|pattern| LazyPattern::of(pattern, span))
    }

    fn pattern(&mut self, pattern: Option<&str>, span: Span) -> Option<Pattern> {
        match pattern.map(Pattern::new) {
            Some(Ok(pattern)) => {
                let before = self.pattern_bytes;
                self.pattern_bytes += pattern.size();
                if before <= MAX_PATTERN_BYTES && self.pattern_bytes > MAX_PATTERN_BYTES {
                    let finding = invalid(span, "the schema has too many patterns, or too large ones").with_help(
                        "share patterns with `$ref`, and use smaller repetition counts: `{1000}` makes a large one",
                    );
                    self.findings.push(finding);
                }
                return Some(pattern).filter(|_| self.pattern_bytes <= MAX_PATTERN_BYTES);
            }
            Some(Err(error)) => {
                let finding = invalid(span, format!("invalid pattern: {error}"))
                    .with_help("use a regular expression without look-around and back-references, of at most 128 KiB when compiled");
                self.findings.push(finding);
            }
            None => self.findings.push(invalid(span, "a pattern must be a string")),
        }
        None
    }

    fn types(&mut self, entry: &'a Entry) -> Option<Types> {
        let node = &entry.value;
        let names = if node.as_str().is_some() { std::slice::from_ref(node) } else { node.items() };
        if names.is_empty() {
            self.wrong(node, "`type` must be a type or a list of types");
        }
        let mut types = Types::NONE;
        for name in names {
            match Types::named(name.text()) {
                Some(known) => types = types.or(known),
                None => {
                    let known = TYPES.map(|(known, _, _)| known);
                    let finding = invalid(name.origin.span, format!("a type must be {}", suggest::list(known, "or")));
                    self.findings.push(match suggest::nearest(name.text(), known) {
                        Some(near) => finding.with_label(format!("did you mean `{near}`?")),
                        None => finding,
                    });
                }
            }
        }
        Some(types)
    }

    fn entries(&mut self, entry: &'a Entry) -> &'a [Entry] {
        if !matches!(entry.value.value, Value::Mapping(_)) {
            self.wrong(&entry.value, format!("`{}` must be a mapping of schemas", entry.key));
        }
        entry.value.entries()
    }

    fn definitions(&mut self, _: &mut Sub, entry: &'a Entry) {
        for definition in self.entries(entry) {
            self.id(&definition.value);
        }
    }

    fn properties(&mut self, sub: &mut Sub, entry: &'a Entry) {
        for property in self.entries(entry) {
            let id = self.id(&property.value);
            object(sub).properties.push((property.key.clone(), id));
        }
    }

    fn pattern_properties(&mut self, sub: &mut Sub, entry: &'a Entry) {
        for property in self.entries(entry) {
            let id = self.id(&property.value);
            if let Some(regex) = self.pattern(Some(&property.key), property.key_span) {
                object(sub).patterns.push((regex, id));
            }
        }
    }

    fn required(&mut self, sub: &mut Sub, entry: &'a Entry) {
        for item in self.list(entry).unwrap_or_default() {
            match item.value {
                Value::String(name) => object(sub).required.push(name),
                _ => self.wrong(&item, "`required` must list names"),
            }
        }
    }

    fn dependent_required(&mut self, sub: &mut Sub, entry: &'a Entry) {
        for dependent in self.entries(entry) {
            let mut names = Vec::new();
            for item in self.list(dependent).unwrap_or_default() {
                match item.value {
                    Value::String(name) => names.push(name),
                    _ => self.wrong(&item, "`dependentRequired` must list names"),
                }
            }
            object(sub).required_with.push((dependent.key.clone(), names));
        }
    }

    fn dependent_schemas(&mut self, sub: &mut Sub, entry: &'a Entry) {
        for dependent in self.entries(entry) {
            let id = self.id(&dependent.value);
            sub.dependents.push((dependent.key.clone(), id));
        }
    }

    fn format(&mut self, sub: &mut Sub, entry: &'a Entry) {
        let span = entry.value.origin.span;
        let Some(name) = entry.value.as_str() else {
            return self.findings.push(invalid(span, "`format` must be a string"));
        };
        match Format::find(name) {
            Some(Format::Text(format)) => text(sub).format = Some(format),
            Some(Format::Number(format)) => number(sub).format = Some(format),
            Some(Format::Annotation) => {}
            None => {
                let finding = Finding::error(RuleId::SchemaKeywordUnknown, span, format!("unknown format `{name}`"));
                self.findings.push(match suggest::nearest(name, formats()) {
                    Some(near) => finding.with_label(format!("did you mean `{near}`?")),
                    None => finding.with_help(format!(
                        "write a `pattern`, or `x-format` for editors alone; formats are {}",
                        suggest::list(formats(), "and")
                    )),
                });
            }
        }
    }

    fn reference(&mut self, sub: &mut Sub, entry: &'a Entry) {
        let span = entry.value.origin.span;
        let Some(reference) = entry.value.as_str() else {
            return self.findings.push(invalid(span, "`$ref` must be a string, such as `#/$defs/Name`"));
        };
        let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
        let document = if file.is_empty() {
            self.document
        } else {
            match files::resolve(&self.documents[self.document].path, file) {
                Ok(path) => match self.documents.iter().position(|document| document.path == path) {
                    Some(at) => at,
                    None => return self.missing.push(Missing { path, span }),
                },
                Err(why) => {
                    let finding = invalid(span, format!("`$ref` to `{file}`: {why}"));
                    return self.findings.push(finding.with_help(
                        "reference this file, as in `#/$defs/Name`, or another file of the project, as in `common.json#/$defs/Name`",
                    ));
                }
            }
        };
        let root = &self.documents[document].root;
        let found = pointer.split('/').skip(1).try_fold(root, |node, part| {
            let part = part.replace("~1", "/").replace("~0", "~");
            match &node.value {
                Value::Sequence(items) => items.get(part.parse::<usize>().ok()?),
                _ => node.get(&part),
            }
        });
        match found.filter(|_| pointer.is_empty() || pointer.starts_with('/')) {
            Some(node) => sub.reference = Some(self.id_in(document, node)),
            None => {
                let finding = invalid(span, format!("`{reference}` does not resolve"));
                let names = root["$defs"].entries().iter().map(|entry| entry.key.as_str());
                self.findings.push(match suggest::nearest(pointer.rsplit('/').next().unwrap_or_default(), names) {
                    Some(near) => finding.with_label(format!("did you mean `{file}#/$defs/{near}`?")),
                    None => finding,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
