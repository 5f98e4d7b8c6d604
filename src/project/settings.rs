//! `plimsoll.toml`: settings for all profiles of a project.

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

/// Settings for all profiles of a project. docs/settings.md has an example of each.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema)]
#[schemars(title = "plimsoll.toml", deny_unknown_fields)]
pub struct Settings {
    /// The folder used by `--out` without a value, relative to this file and inside the project.
    #[schemars(length(min = 1))]
    pub out: Option<String>,
    /// Severities that override those of the rules.
    #[schemars(schema_with = "levels")]
    pub rules: Vec<RuleLevel>,
    /// Files that `check` skips in the folders that it searches, as .gitignore patterns relative to this file.
    #[schemars(inner(length(min = 1)))]
    pub exclude: Vec<String>,
    /// Severities of rules for some files, by .gitignore patterns relative to this file.
    #[schemars(schema_with = "levels_of_paths")]
    pub paths: Vec<PathLevels>,
    /// `profile`: each profile is applied to its own cluster, so bundles are not checked for conflicts with each
    /// other. `shared` (default): all profiles are applied to the same cluster.
    #[schemars(rename = "clusters", schema_with = "clusters")]
    pub own_clusters: bool,
    /// Known findings that are allowed; they are reported as notes.
    pub allow: Vec<Allowance>,
    /// What exists outside the bundles and is not reported as missing: hosts as `host` or `host:port`, objects as
    /// `Kind/name`.
    #[schemars(inner(length(min = 1)))]
    pub externals: Vec<String>,
    /// The environment that commands use without `--env`.
    #[schemars(with = "String", length(min = 1))]
    pub environment: Option<(String, Span)>,
    /// Files and folders of the project with the CustomResourceDefinitions of the kinds that templates use.
    #[schemars(with = "Vec<String>", inner(length(min = 1)))]
    pub crds: Vec<(String, Span)>,
    /// Folders of the project with published schemas of custom resources, `GROUP/KIND_VERSION.json`.
    #[schemars(with = "Vec<String>", inner(length(min = 1)))]
    pub schemas: Vec<(String, Span)>,
    /// Fields that refer to other objects, in addition to the built-in ones.
    pub references: Vec<OwnReference>,
    /// The Kubernetes version whose kinds and fields are used; `--kubernetes-version` overrides it.
    #[schemars(with = "String", length(min = 1))]
    pub kubernetes: Option<(String, Span)>,
    /// The deployed versions of known services; `--service-version` overrides them.
    #[schemars(rename = "service-versions", with = "Vec<ServiceVersion>")]
    pub service_versions: Vec<(ServiceVersion, Span)>,
}

/// The deployed version of a known service.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ServiceVersion {
    /// The name of the service; all services if not set.
    #[schemars(length(min = 1))]
    pub service: Option<String>,
    /// The version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// The profile; any profile if not set.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
}

/// A field that refers to other objects.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OwnReference {
    /// The kind that has the field.
    #[schemars(length(min = 1))]
    pub kind: String,
    /// The group of that kind; any group if not set.
    #[schemars(length(min = 1))]
    pub group: Option<String>,
    /// The field; `[]` iterates over a list, `*` over the values of a mapping: `spec.crews[].config`.
    #[schemars(length(min = 1))]
    pub field: String,
    /// The kind of the objects that it refers to.
    #[schemars(length(min = 1))]
    pub names: String,
}

impl OwnReference {
    /// Whether objects of this kind have the field.
    #[must_use]
    pub fn is_of(&self, group: &str, kind: &str) -> bool {
        self.kind == kind && self.group.as_ref().is_none_or(|own| own == group)
    }
}

/// A finding that a project allows, which is reported as a note.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Allowance {
    /// The rule.
    #[schemars(schema_with = "rule_name")]
    pub rule: RuleId,
    /// The profile; any profile if not set.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
    /// The object as `Kind/name`; any object if not set.
    #[schemars(length(min = 1))]
    pub object: Option<String>,
    /// The reason, which reports include.
    #[schemars(length(min = 1))]
    pub because: String,
}

/// A level that a project assigns to a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleLevel {
    /// The rule's id.
    pub id: RuleId,
    /// The level.
    pub level: Level,
    /// The position of the setting.
    pub span: Span,
}

/// Levels that a project assigns to rules for some files.
#[derive(Debug, Clone, PartialEq)]
pub struct PathLevels {
    /// The files, as a `.gitignore` pattern relative to the project.
    pub pattern: String,
    /// The levels.
    pub rules: Vec<RuleLevel>,
    /// The position of the setting.
    pub span: Span,
}

/// How a rule's findings are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Not at all.
    Off,
    /// With this severity.
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

/// The names of all settings.
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

/// The JSON Schema of `plimsoll.toml` as text.
#[must_use]
pub fn generate_schema() -> String {
    json_schema::of_type::<Settings>()
}

/// The schema of a table of rules and their levels.
fn levels(_: &mut SchemaGenerator) -> Schema {
    let levels = LEVELS.map(|(name, _)| name);
    let rule = |id: &RuleId| {
        let description = format!("{} (by default: {})", id.summary(), id.severity().name());
        (id.name().to_owned(), json!({"enum": levels, "description": description}))
    };
    let rules: serde_json::Map<_, _> = RuleId::ALL.iter().map(rule).collect();
    json_schema!({"type": "object", "properties": rules, "additionalProperties": false})
}

/// The schema of tables of rules by pattern, which refers to the table of rules.
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
    /// If the TOML is invalid, a name is unknown, or a value is invalid.
    pub fn read(sources: &Sources, file: FileId) -> Result<Self, Failure> {
        let text = sources.get(file).map(|source| source.text.clone()).unwrap_or_default();
        // A byte order mark is not part of the TOML, but counts for positions.
        let body = text.trim_start_matches('\u{feff}');
        let mut reader = SettingsReader { file, start: text.len() - body.len(), findings: Vec::new() };
        let settings = match DeTable::parse(body) {
            Ok(table) => reader.settings(table.get_ref()),
            Err(error) => {
                let span = reader.to_span(error.span().unwrap_or_default());
                return Err(Finding::error(RuleId::SettingSyntax, span, error.message().to_lowercase()).into());
            }
        };
        if reader.findings.is_empty() { Ok(settings) } else { Err(reader.findings.into()) }
    }
}

struct SettingsReader {
    file: FileId,
    /// The offset of the parsed text in the file.
    start: usize,
    findings: Vec<Finding>,
}

impl SettingsReader {
    fn span<T>(&self, spanned: &Spanned<T>) -> Span {
        self.to_span(spanned.span())
    }

    fn to_span(&self, range: Range<usize>) -> Span {
        Span::new(self.file, (self.start + range.start) as u32, (self.start + range.end) as u32)
    }

    fn settings(&mut self, table: &DeTable<'_>) -> Settings {
        let mut settings = Settings::default();
        // The parser sorts the keys, so that findings are sorted by position later.
        for (key, value) in table {
            match &**key.get_ref() {
                "out" => settings.out = self.string("out", value),
                "externals" => settings.externals = self.strings("externals", value),
                "environment" => {
                    settings.environment = self.string("environment", value).map(|name| (name, self.span(value)));
                }
                "crds" => settings.crds = self.strings_with_spans("crds", value),
                "references" => settings.references = self.references(value),
                "schemas" => settings.schemas = self.strings_with_spans("schemas", value),
                "kubernetes" => {
                    settings.kubernetes = self.string("kubernetes", value).map(|version| (version, self.span(value)));
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

    fn invalid(&mut self, value: &Spanned<DeValue<'_>>, message: String) {
        let label = format!("this is {}", kind(value.get_ref()));
        self.findings.push(Finding::error(RuleId::SettingValueInvalid, self.span(value), message).with_label(label));
    }

    fn string(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        match value.get_ref().as_str() {
            Some("") | None => {
                self.invalid(value, format!("`{name}` must be a non-empty string"));
                None
            }
            Some(text) => Some(text.to_owned()),
        }
    }

    fn strings(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| self.string(&format!("an item of {name}"), item)).collect()
            }
            _ => {
                self.invalid(value, format!("`{name}` must be a list of strings"));
                Vec::new()
            }
        }
    }

    /// Strings, each with its position.
    fn strings_with_spans(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Vec<(String, Span)> {
        let texts = self.strings(name, value);
        let items = value.get_ref().as_array().into_iter().flatten();
        texts.into_iter().zip(items.map(|item| self.span(item))).collect()
    }

    fn patterns(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<String> {
        let patterns = self.strings("exclude", value);
        for pattern in &patterns {
            self.check_pattern(pattern, self.span(value));
        }
        patterns
    }

    /// Reports an invalid pattern.
    fn check_pattern(&mut self, pattern: &str, span: Span) {
        if let Err((pattern, why)) = Globs::new(Path::new("/"), &[pattern.to_owned()]) {
            let message = format!("`{pattern}` is not a valid pattern: {why}");
            self.findings.push(Finding::error(RuleId::SettingValueInvalid, span, message));
        }
    }

    fn paths(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<PathLevels> {
        let Some(table) = value.get_ref().as_table() else {
            self.invalid(value, "`paths` must be a table of patterns, each with a table of rules".to_owned());
            return Vec::new();
        };
        let mut paths = Vec::new();
        for (key, value) in table {
            let (pattern, span) = ((**key.get_ref()).to_owned(), self.span(key));
            self.check_pattern(&pattern, span);
            paths.push(PathLevels { pattern, rules: self.rules(value), span });
        }
        paths
    }

    fn own_clusters(&mut self, value: &Spanned<DeValue<'_>>) -> bool {
        let known = value.get_ref().as_str();
        if !known.is_some_and(|known| CLUSTERS.contains(&known)) {
            self.invalid(value, format!("`clusters` must be {}", suggest::list(CLUSTERS, "or")));
        }
        known == Some(CLUSTERS[0])
    }

    fn allowances(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<Allowance> {
        let DeValue::Array(items) = value.get_ref() else {
            self.invalid(value, "`allow` must be a list of tables: `[[allow]]`".to_owned());
            return Vec::new();
        };
        items.iter().filter_map(|item| self.allowance(item)).collect()
    }

    fn allowance(&mut self, item: &Spanned<DeValue<'_>>) -> Option<Allowance> {
        let [because, object, profile, rule] = self.fields("allow", ["because", "object", "profile", "rule"], item)?;
        let (Some(rule), Some(because)) = (rule, because) else {
            self.invalid(item, "`allow` requires `rule` and `because`".to_owned());
            return None;
        };
        let Some(rule) = RuleId::find(&rule) else {
            let message = format!("unknown rule `{rule}`");
            let finding = Finding::error(RuleId::SettingUnknown, self.span(item), message);
            self.findings.push(near(finding.with_help("run `plimsoll rules` for a list"), &rule, RuleId::names()));
            return None;
        };
        Some(Allowance { rule, profile, object, because })
    }

    fn references(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<OwnReference> {
        let DeValue::Array(items) = value.get_ref() else {
            self.invalid(value, "`references` must be a list of tables: `[[references]]`".to_owned());
            return Vec::new();
        };
        items.iter().filter_map(|item| self.reference(item)).collect()
    }

    fn reference(&mut self, item: &Spanned<DeValue<'_>>) -> Option<OwnReference> {
        let [field, group, kind, names] = self.fields("references", ["field", "group", "kind", "names"], item)?;
        let (Some(field), Some(kind), Some(names)) = (field, kind, names) else {
            self.invalid(item, "`references` requires `kind`, `field` and `names`".to_owned());
            return None;
        };
        let is_pattern = field.split('.').all(|step| !step.trim_end_matches("[]").is_empty());
        if !is_pattern {
            self.invalid(item, format!("`{field}` is not a valid field, such as `spec.list[].name`"));
            return None;
        }
        Some(OwnReference { kind, group, field, names })
    }

    fn service_versions(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(ServiceVersion, Span)> {
        let DeValue::Array(items) = value.get_ref() else {
            self.invalid(value, "`service-versions` must be a list of tables: `[[service-versions]]`".to_owned());
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((self.service_version(item)?, self.span(item)))).collect()
    }

    fn service_version(&mut self, item: &Spanned<DeValue<'_>>) -> Option<ServiceVersion> {
        let [profile, service, version] = self.fields("service-versions", ["profile", "service", "version"], item)?;
        let Some(version) = version else {
            self.invalid(item, "`service-versions` requires `version`".to_owned());
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
            self.invalid(item, format!("an item of `{setting}` must be a table"));
            return None;
        };
        let mut texts: [Option<String>; N] = [const { None }; N];
        for (key, value) in table {
            let name = &**key.get_ref();
            match fields.iter().position(|field| *field == name) {
                Some(at) => texts[at] = self.string(name, value),
                None => {
                    let message = format!("unknown field `{name}` in `{setting}`");
                    let finding = Finding::error(RuleId::SettingUnknown, self.span(key), message);
                    self.findings.push(near(finding, name, fields));
                }
            }
        }
        Some(texts)
    }

    fn rules(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<RuleLevel> {
        let Some(table) = value.get_ref().as_table() else {
            self.invalid(value, "`rules` must be a table of rules and their levels".to_owned());
            return Vec::new();
        };
        let mut levels = Vec::new();
        for (key, value) in table {
            let id = &**key.get_ref();
            let Some(rule) = RuleId::find(id) else {
                let finding = Finding::error(RuleId::SettingUnknown, self.span(key), format!("unknown rule `{id}`"))
                    .with_help("run `plimsoll rules` for a list");
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
        None if finding.help.is_empty() => finding.with_help(format!("use {}", suggest::list(names, "or"))),
        None => finding,
    }
}

/// The type of a value, as messages name it.
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
