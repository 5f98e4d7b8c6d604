//! `plimsoll.toml`: what a project decides for all of its profiles.

use std::ops::Range;
use std::path::Path;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::globs::Globs;
use crate::json_schema;
use crate::source::{FileId, Sources, Span};
use crate::suggest;

/// What a project decides for all of its profiles. docs/settings.md has an example of each.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema)]
#[schemars(title = "plimsoll.toml", deny_unknown_fields)]
pub struct Settings {
    /// The folder that `--out` means without a value, relative to this file and inside the project.
    #[schemars(length(min = 1))]
    pub out: Option<String>,
    /// Severities other than the rules' own.
    #[schemars(schema_with = "levels")]
    pub rules: Vec<RuleLevel>,
    /// What `check` leaves out of the folders that it searches, in the syntax of .gitignore, relative to this file.
    #[schemars(inner(length(min = 1)))]
    pub exclude: Vec<String>,
    /// Severities of rules in some files, by patterns in the syntax of .gitignore, relative to this file.
    #[schemars(schema_with = "levels_of_paths")]
    pub paths: Vec<PathLevels>,
    /// `profile`: each profile is applied to a cluster of its own, so that bundles never meet. `shared`, the default: all are
    /// applied to one.
    #[schemars(rename = "clusters", schema_with = "clusters")]
    pub own_clusters: bool,
    /// Findings that are known and allowed: they are notes.
    pub allow: Vec<Allowance>,
    /// What exists elsewhere, so that the checks do not miss it: hosts as `host` or `host:port`, objects as `Kind/name`.
    #[schemars(inner(length(min = 1)))]
    pub externals: Vec<String>,
    /// The environment that commands use without `--env`.
    #[schemars(with = "String", length(min = 1))]
    pub environment: Option<(String, Span)>,
    /// Files and folders of the project with CustomResourceDefinitions of the kinds that templates use.
    #[schemars(with = "Vec<String>", inner(length(min = 1)))]
    pub crds: Vec<(String, Span)>,
    /// Folders of the project with published schemas of custom resources, `GROUP/KIND_VERSION.json`.
    #[schemars(with = "Vec<String>", inner(length(min = 1)))]
    pub schemas: Vec<(String, Span)>,
    /// Fields that name other objects, beside those that are known.
    pub references: Vec<OwnReference>,
    /// The version of Kubernetes whose kinds and fields count; `--kubernetes-version` wins.
    #[schemars(with = "String", length(min = 1))]
    pub kubernetes: Option<(String, Span)>,
    /// The versions of known services that run; `--service-version` wins.
    #[schemars(rename = "service-versions", with = "Vec<ServiceVersion>")]
    pub service_versions: Vec<(ServiceVersion, Span)>,
}

/// The version of a known service that runs.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ServiceVersion {
    /// The name of the service; all of them without it.
    #[schemars(length(min = 1))]
    pub service: Option<String>,
    /// Its version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// The profile; any without it.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
}

/// A field that names an object, as a project says.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OwnReference {
    /// The kind that has the field.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// The group of that kind; any without it.
    #[schemars(length(min = 1))]
    pub group: Option<String>,
    /// The field; `[]` goes through a list, `*` through the values of a mapping: `spec.crews[].config`.
    #[schemars(length(min = 1))]
    pub field: String,
    /// The kind of the objects that it names.
    #[schemars(length(min = 1))]
    pub names: String,
}

impl OwnReference {
    /// Whether objects of a kind have the field.
    #[must_use]
    pub fn is_of(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group.as_ref().is_none_or(|own| own == group)
    }
}

/// A finding that a project allows: it is a note.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Allowance {
    /// The rule.
    #[schemars(schema_with = "rule_name")]
    pub rule: RuleId,
    /// The profile; any without it.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
    /// The object as `Kind/name`; any without it.
    #[schemars(length(min = 1))]
    pub object: Option<String>,
    /// The reason, which reports show.
    #[schemars(length(min = 1))]
    pub because: String,
}

/// The level a project gives a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleLevel {
    /// The rule's id.
    pub id: RuleId,
    /// What it is to be.
    pub level: Level,
    /// Where that is said.
    pub span: Span,
}

/// The levels a project gives rules in some files.
#[derive(Debug, Clone, PartialEq)]
pub struct PathLevels {
    /// Which files, in the syntax of `.gitignore`, relative to the project.
    pub pattern: String,
    /// The levels.
    pub rules: Vec<RuleLevel>,
    /// Where that is said.
    pub span: Span,
}

/// What a project makes of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It is not reported.
    Off,
    /// It is reported so.
    At(Severity),
}

/// The levels by name.
const LEVELS: [(&str, Level); 4] = [
    ("off", Level::Off),
    ("note", Level::At(Severity::Note)),
    ("warning", Level::At(Severity::Warning)),
    ("error", Level::At(Severity::Error)),
];

/// The values of `clusters`.
const CLUSTERS: [&str; 2] = ["profile", "shared"];

/// The settings there are.
const NAMES: [&str; 13] = [
    "allow",
    "clusters",
    "crds",
    "environment",
    "exclude",
    "externals",
    "kubernetes",
    "out",
    "paths",
    "references",
    "rules",
    "schemas",
    "service-versions",
];

/// The JSON Schema of `plimsoll.toml`, as text.
#[must_use]
pub fn generate_schema() -> String {
    json_schema::of_type::<Settings>()
}

/// A table of rules and their levels.
fn levels(_: &mut SchemaGenerator) -> Schema {
    let levels = LEVELS.map(|(name, _)| name);
    let rule = |id: &RuleId| {
        let description = format!("{} (by default: {})", id.summary(), id.severity().name());
        (id.name().to_owned(), json!({"enum": levels, "description": description}))
    };
    let rules: serde_json::Map<_, _> = RuleId::ALL.iter().map(rule).collect();
    json_schema!({"type": "object", "properties": rules, "additionalProperties": false})
}

/// The table of rules that is a part of the schema already, for each pattern.
fn levels_of_paths(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": {"$ref": "#/properties/rules"}})
}

fn clusters(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": CLUSTERS})
}

fn rule_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": RuleId::names().collect::<Vec<_>>()})
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// What is wrong with them: their TOML, a name that is none, a value of a wrong type.
    pub fn read(sources: &Sources, file: FileId) -> Result<Self, Failure> {
        let text = sources.get(file).map(|source| source.text.clone()).unwrap_or_default();
        // A byte order mark is no part of the text, but of the places in it.
        let body = text.trim_start_matches('\u{feff}');
        let mut reader = Reader { file, start: text.len() - body.len(), findings: Vec::new() };
        let settings = match DeTable::parse(body) {
            Ok(table) => reader.settings(table.get_ref()),
            Err(error) => {
                let span = reader.place(error.span().unwrap_or_default());
                return Err(Finding::error(RuleId::SettingSyntax, span, error.message().to_lowercase()).into());
            }
        };
        if reader.findings.is_empty() { Ok(settings) } else { Err(reader.findings.into()) }
    }
}

struct Reader {
    file: FileId,
    /// Where the text begins that was parsed.
    start: usize,
    findings: Vec<Finding>,
}

impl Reader {
    fn span<T>(&self, spanned: &Spanned<T>) -> Span {
        self.place(spanned.span())
    }

    fn place(&self, range: Range<usize>) -> Span {
        Span::new(self.file, (self.start + range.start) as u32, (self.start + range.end) as u32)
    }

    fn settings(&mut self, table: &DeTable<'_>) -> Settings {
        let mut settings = Settings::default();
        // The parser sorts keys; people write them in an order, and findings are sorted anyway.
        for (key, value) in table {
            match &**key.get_ref() {
                "out" => settings.out = self.text("out", value),
                "externals" => settings.externals = self.texts("externals", value),
                "environment" => {
                    settings.environment = self.text("environment", value).map(|name| (name, self.span(value)));
                }
                "crds" => settings.crds = self.places("crds", value),
                "references" => settings.references = self.references(value),
                "schemas" => settings.schemas = self.places("schemas", value),
                "kubernetes" => {
                    settings.kubernetes = self.text("kubernetes", value).map(|version| (version, self.span(value)));
                }
                "rules" => settings.rules = self.rules(value),
                "exclude" => settings.exclude = self.patterns(value),
                "paths" => settings.paths = self.paths(value),
                "allow" => settings.allow = self.allowances(value),
                "service-versions" => settings.service_versions = self.service_versions(value),
                "clusters" => settings.own_clusters = self.own_clusters(value),
                name => {
                    let finding =
                        Finding::error(RuleId::SettingUnknown, self.span(key), format!("unknown setting `{name}`"));
                    self.findings.push(near(finding, name, NAMES));
                }
            }
        }
        settings.rules.sort_by_key(|rule| rule.span.start);
        settings.paths.sort_by_key(|path| path.span.start);
        settings
    }

    fn wrong(&mut self, value: &Spanned<DeValue<'_>>, message: String) {
        let label = format!("this is {}", kind(value.get_ref()));
        self.findings.push(Finding::error(RuleId::SettingValueInvalid, self.span(value), message).with_label(label));
    }

    fn text(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref().as_str() {
            Some("") | None => {
                self.wrong(value, format!("`{name}` must be a non-empty string"));
                None
            }
            Some(text) => Some(text.to_owned()),
        }
    }

    fn texts(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| self.text(&format!("an item of {name}"), item)).collect()
            }
            _ => {
                self.wrong(value, format!("`{name}` must be a list of strings"));
                Vec::new()
            }
        }
    }

    /// Texts, each with its place.
    fn places(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Vec<(String, Span)> {
        let texts = self.texts(name, value);
        let items = value.get_ref().as_array().into_iter().flatten();
        texts.into_iter().zip(items.map(|item| self.span(item))).collect()
    }

    fn patterns(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let patterns = self.texts("exclude", value);
        for pattern in &patterns {
            self.pattern(pattern, self.span(value));
        }
        patterns
    }

    /// Tells of a pattern that cannot be read.
    fn pattern(&mut self, pattern: &str, span: Span) {
        if let Err((pattern, why)) = Globs::new(Path::new("/"), &[pattern.to_owned()]) {
            let message = format!("`{pattern}` is not a valid pattern: {why}");
            self.findings.push(Finding::error(RuleId::SettingValueInvalid, span, message));
        }
    }

    fn paths(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<PathLevels> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value, "`paths` must be a table of patterns, each with a table of rules".to_owned());
            return Vec::new();
        };
        let mut paths = Vec::new();
        for (key, value) in table {
            let (pattern, span) = ((**key.get_ref()).to_owned(), self.span(key));
            self.pattern(&pattern, span);
            paths.push(PathLevels { pattern, rules: self.rules(value), span });
        }
        paths
    }

    fn own_clusters(&mut self, value: &Spanned<DeValue<'_>>) -> bool {
        let known = value.get_ref().as_str();
        if !known.is_some_and(|known| CLUSTERS.contains(&known)) {
            self.wrong(value, format!("`clusters` must be {}", suggest::list(CLUSTERS, "or")));
        }
        known == Some(CLUSTERS[0])
    }

    fn allowances(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Allowance> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, "`allow` must be a list of tables: `[[allow]]`".to_owned());
            return Vec::new();
        };
        items.iter().filter_map(|item| self.allowance(item)).collect()
    }

    fn allowance(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Allowance> {
        let [because, object, profile, rule] = self.fields("allow", ["because", "object", "profile", "rule"], item)?;
        let (Some(rule), Some(because)) = (rule, because) else {
            self.wrong(item, "`allow` needs a `rule` and a `because`".to_owned());
            return None;
        };
        let Some(rule) = RuleId::find(&rule) else {
            let message = format!("unknown rule `{rule}`");
            let finding = Finding::error(RuleId::SettingUnknown, self.span(item), message);
            self.findings.push(near(finding.with_help("`plimsoll rules` lists them"), &rule, RuleId::names()));
            return None;
        };
        Some(Allowance { rule, profile, object, because })
    }

    fn references(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<OwnReference> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, "`references` must be a list of tables: `[[references]]`".to_owned());
            return Vec::new();
        };
        items.iter().filter_map(|item| self.reference(item)).collect()
    }

    fn reference(&mut self, item: &Spanned<DeValue<'_>>) -> Option<OwnReference> {
        let [field, group, kind, names] = self.fields("references", ["field", "group", "kind", "names"], item)?;
        let (Some(field), Some(kind), Some(names)) = (field, kind, names) else {
            self.wrong(item, "`references` needs a `kind`, a `field` and what it `names`".to_owned());
            return None;
        };
        let is_pattern = field.split('.').all(|step| !step.trim_end_matches("[]").is_empty());
        if !is_pattern {
            self.wrong(item, format!("`{field}` is not a field: write it as `spec.list[].name`"));
            return None;
        }
        Some(OwnReference { kind, group, field, names })
    }

    fn service_versions(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(ServiceVersion, Span)> {
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong(value, "`service-versions` must be a list of tables: `[[service-versions]]`".to_owned());
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((self.service_version(item)?, self.span(item)))).collect()
    }

    fn service_version(&mut self, item: &Spanned<DeValue<'_>>) -> Option<ServiceVersion> {
        let [profile, service, version] = self.fields("service-versions", ["profile", "service", "version"], item)?;
        let Some(version) = version else {
            self.wrong(item, "`service-versions` needs a `version`".to_owned());
            return None;
        };
        Some(ServiceVersion { service, version, profile })
    }

    /// The strings of a table with these fields.
    fn fields<const N: usize>(
        &mut self,
        setting: &str,
        fields: [&'static str; N],
        item: &Spanned<DeValue<'_>>,
    ) -> Option<[Option<String>; N]> {
        let Some(table) = item.get_ref().as_table() else {
            self.wrong(item, format!("an item of `{setting}` must be a table"));
            return None;
        };
        let mut texts: [Option<String>; N] = [const { None }; N];
        for (key, value) in table {
            let name = &**key.get_ref();
            match fields.iter().position(|field| *field == name) {
                Some(at) => texts[at] = self.text(name, value),
                None => {
                    let message = format!("no field `{name}` in `{setting}`");
                    let finding = Finding::error(RuleId::SettingUnknown, self.span(key), message);
                    self.findings.push(near(finding, name, fields));
                }
            }
        }
        Some(texts)
    }

    fn rules(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<RuleLevel> {
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(value, "`rules` must be a table of rules and their levels".to_owned());
            return Vec::new();
        };
        let mut levels = Vec::new();
        for (key, value) in table {
            let id = &**key.get_ref();
            let Some(rule) = RuleId::find(id) else {
                let finding = Finding::error(RuleId::SettingUnknown, self.span(key), format!("unknown rule `{id}`"))
                    .with_help("`plimsoll rules` lists them");
                self.findings.push(near(finding, id, RuleId::names()));
                continue;
            };
            match LEVELS.iter().find(|(name, _)| value.get_ref().as_str() == Some(name)) {
                Some((_, level)) => levels.push(RuleLevel { id: rule, level: *level, span: self.span(key) }),
                None => {
                    let names = suggest::list(LEVELS.map(|(name, _)| name), "or");
                    let finding = Finding::error(
                        RuleId::SettingValueInvalid,
                        self.span(value),
                        format!("the level of `{id}` must be {names}"),
                    );
                    self.findings.push(near(
                        finding,
                        value.get_ref().as_str().unwrap_or(""),
                        LEVELS.map(|(name, _)| name),
                    ));
                }
            }
        }
        levels
    }
}

fn near<'a>(finding: Finding, name: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> Finding {
    match suggest::nearest(name, names.clone()) {
        Some(near) => finding.with_label(format!("did you mean `{near}`?")),
        None if finding.help.is_empty() => finding.with_help(format!("it can be {}", suggest::list(names, "or"))),
        None => finding,
    }
}

/// What kind of value it is, as messages name it.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(text) if text.is_empty() => "empty",
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
