//! `plimsoll lsp`: the language server. Diagnostics of `render` and `check` while one types, completion, hover, definitions and
//! code actions.
//!
//! The server keeps what is not saved yet ([`Sources::with_buffers`]) and what it published last; all else is read anew for each
//! request, so that nothing can be out of date.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use foldhash::HashMap;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types as lsp;
use lsp_types::notification::Notification as _;
use lsp_types::request::Request as _;

use crate::check::input::Input;
use crate::check::suppress::suppress;
use crate::check::{self, Options, unrendered};
use crate::cli::args::Global;
use crate::cli::{Outcome, project, render};
use crate::editor::{self, Role, World};
use crate::finding::{Failure, Finding, Severity};
use crate::fix::{self, Safety};
use crate::layers::{Layers, Overrides, Values};
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::Renderer;
use crate::report::{self, Mask};
use crate::source::{FileId, SourceFile, Sources, Span};

/// How many bundles are rendered between two looks at what the editor has sent meanwhile.
const BUNDLES_AT_ONCE: usize = 64;

/// How many bundles are looked at for hover, definitions and completion.
const MOST_BUNDLES: usize = 32;

pub(super) fn run(global: &Global) -> anyhow::Result<Outcome> {
    let (connection, threads) = Connection::stdio();
    let (id, params) = connection.initialize_start()?;
    let params: lsp::InitializeParams = serde_json::from_value(params)?;
    let offered = params.capabilities.general.and_then(|general| general.position_encodings).unwrap_or_default();
    let encoding = if offered.contains(&lsp::PositionEncodingKind::UTF8) {
        lsp::PositionEncodingKind::UTF8
    } else {
        lsp::PositionEncodingKind::UTF16
    };
    let answer = serde_json::json!({
        "capabilities": capabilities(encoding.clone()),
        "serverInfo": {"name": "plimsoll", "version": env!("CARGO_PKG_VERSION")},
    });
    connection.initialize_finish(id, answer)?;
    let in_utf8 = encoding == lsp::PositionEncodingKind::UTF8;
    let mut server = Server {
        connection: &connection,
        global,
        in_utf8,
        buffers: HashMap::default(),
        published: BTreeMap::new(),
        bundles: BTreeMap::new(),
    };
    server.serve()?;
    drop(connection);
    threads.join()?;
    Ok(Outcome::Fine)
}

fn capabilities(encoding: lsp::PositionEncodingKind) -> lsp::ServerCapabilities {
    lsp::ServerCapabilities {
        position_encoding: Some(encoding),
        text_document_sync: Some(lsp::TextDocumentSyncCapability::Kind(lsp::TextDocumentSyncKind::FULL)),
        hover_provider: Some(lsp::HoverProviderCapability::Simple(true)),
        definition_provider: Some(lsp::OneOf::Left(true)),
        completion_provider: Some(lsp::CompletionOptions {
            trigger_characters: Some([".", "{", "|", " ", ":"].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
        code_action_provider: Some(lsp::CodeActionProviderCapability::Options(lsp::CodeActionOptions {
            code_action_kinds: Some(vec![lsp::CodeActionKind::QUICKFIX]),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// What was published of a place: the diagnostic, and the edit that mends it.
#[derive(Debug, Clone, PartialEq)]
struct Published {
    diagnostic: lsp::Diagnostic,
    fix: Option<(String, bool, PathBuf, lsp::TextEdit)>,
}

/// What is published, by file.
type ByFile = BTreeMap<PathBuf, Vec<Published>>;

struct Server<'a> {
    connection: &'a Connection,
    global: &'a Global,
    /// Whether columns count bytes; else code units of UTF-16.
    in_utf8: bool,
    /// What is open, by path.
    buffers: HashMap<PathBuf, Arc<str>>,
    /// What the editor shows.
    published: ByFile,
    /// What was found in each bundle of a project, by profile and environment.
    bundles: BTreeMap<(String, String), ByFile>,
}

impl Server<'_> {
    fn serve(&mut self) -> anyhow::Result<()> {
        let mut changed: Option<PathBuf> = None;
        loop {
            // All that has come is taken in before anything is looked at: only the last state counts.
            let message = match &changed {
                None => self.connection.receiver.recv().ok(),
                Some(_) => self.connection.receiver.try_recv().ok(),
            };
            match (message, changed.take()) {
                (Some(Message::Request(request)), waiting) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    changed = waiting;
                    self.answer(request)?;
                }
                (Some(Message::Notification(notification)), waiting) => {
                    // What cannot be read asks for nothing.
                    changed = self.notice(notification).unwrap_or_default().or(waiting);
                }
                (Some(Message::Response(_)), waiting) => changed = waiting,
                (None, Some(path)) => self.diagnose(&path)?,
                // The editor has gone.
                (None, None) => return Ok(()),
            }
        }
    }

    /// Takes in a change; the file to look at.
    fn notice(&mut self, notification: Notification) -> anyhow::Result<Option<PathBuf>> {
        match notification.method.as_str() {
            lsp::notification::DidOpenTextDocument::METHOD => {
                let params: lsp::DidOpenTextDocumentParams = serde_json::from_value(notification.params)?;
                let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
                self.buffers.insert(path.clone(), params.text_document.text.into());
                Ok(Some(path))
            }
            lsp::notification::DidChangeTextDocument::METHOD => {
                let params: lsp::DidChangeTextDocumentParams = serde_json::from_value(notification.params)?;
                let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
                if let Some(change) = params.content_changes.into_iter().last() {
                    self.buffers.insert(path.clone(), change.text.into());
                }
                Ok(Some(path))
            }
            lsp::notification::DidCloseTextDocument::METHOD => {
                let params: lsp::DidCloseTextDocumentParams = serde_json::from_value(notification.params)?;
                let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
                self.buffers.remove(&path);
                if !self.bundles.is_empty() || self.published.contains_key(&path) {
                    return Ok(Some(path));
                }
                Ok(None)
            }
            lsp::notification::DidSaveTextDocument::METHOD => {
                let params: lsp::DidSaveTextDocumentParams = serde_json::from_value(notification.params)?;
                Ok(path_of(&params.text_document.uri))
            }
            _ => Ok(None),
        }
    }

    fn answer(&self, request: Request) -> anyhow::Result<()> {
        let Request { id, method, params } = request;
        let result = match method.as_str() {
            lsp::request::HoverRequest::METHOD => read(params).and_then(|params| self.hover(&params)),
            lsp::request::GotoDefinition::METHOD => read(params).and_then(|params| self.definition(&params)),
            lsp::request::Completion::METHOD => read(params).and_then(|params| self.completion(&params)),
            lsp::request::CodeActionRequest::METHOD => read(params).and_then(|params| self.actions(&params)),
            _ => {
                let message = format!("unknown method `{method}`");
                return self.send(Response::new_err(id, ErrorCode::MethodNotFound as i32, message).into());
            }
        };
        self.respond(id, result)
    }

    fn respond(&self, id: RequestId, result: anyhow::Result<serde_json::Value>) -> anyhow::Result<()> {
        self.send(match result {
            Ok(value) => Response::new_ok(id, value).into(),
            Err(error) => Response::new_err(id, ErrorCode::InternalError as i32, format!("{error:#}")).into(),
        })
    }

    fn send(&self, message: Message) -> anyhow::Result<()> {
        self.connection.sender.send(message).context("the editor has gone")
    }

    fn sources(&self) -> Sources {
        Sources::with_buffers(self.buffers.clone())
    }

    /// The project that a file is an input of: a layer, a template, a service description or the settings.
    fn project_of(&self, path: &Path, sources: &Sources) -> Option<Result<Project, Failure>> {
        let folder = path.parent()?;
        let root = folder.ancestors().find(|folder| folder.join(crate::project::FILE).is_file())?;
        let inner = path.strip_prefix(root).ok()?;
        let first = inner.components().next()?.as_os_str().to_str()?;
        let is_input = matches!(first, "profiles" | "templates" | "services") || first == crate::project::FILE;
        is_input.then(|| project::for_version(self.global, Project::open(root, sources)?))
    }

    /// The project whose settings count for a manifest; the built-in set where there is none, or its settings are wrong.
    fn project_around(&self, path: &Path, sources: &Sources) -> Project {
        let found = path.parent().map(|folder| Project::discover(folder, sources)).transpose().ok().flatten();
        let project = found.unwrap_or_else(Project::built_in);
        project::for_version(self.global, project).unwrap_or_else(|_| Project::built_in())
    }

    /// Looks at what a changed file belongs to, and publishes what is found.
    fn diagnose(&mut self, path: &Path) -> anyhow::Result<()> {
        let sources = self.sources();
        match self.project_of(path, &sources) {
            Some(Ok(project)) => self.diagnose_project(&project, path, &sources),
            Some(Err(failure)) => {
                self.bundles.clear();
                let found = self.by_file(&sources, failure.findings(), &Mask::new(&sources));
                self.publish(found, path)
            }
            None => {
                let found = self.check_folder(path, &sources);
                self.publish(found, path)
            }
        }
    }

    /// Checks a manifest beside those of its folder; what is found in files that are open counts.
    fn check_folder(&self, path: &Path, sources: &Sources) -> ByFile {
        let project = self.project_around(path, sources);
        let (input, options) = match self.folder(path, &project, sources) {
            Ok(found) => found,
            Err(failure) => return self.by_file(sources, failure.findings(), &Mask::new(sources)),
        };
        let mut findings = input.findings;
        findings.extend(check::check_in(sources, &input.objects, &options));
        unrendered::leave_out(sources, &options.kustomizations, options.whole, &mut findings);
        options.adjust(&mut findings);
        options.adjust_by_path(sources, &mut findings);
        suppress(sources, &input.objects, &mut findings);
        report::sort(sources, &mut findings);
        let mask = Mask::of(sources, &input.objects);
        let mut found = self.by_file(sources, &findings, &mask);
        found.retain(|path, _| self.buffers.contains_key(path));
        found
    }

    /// The manifests of a file's folder, and how they are checked.
    fn folder(&self, path: &Path, project: &Project, sources: &Sources) -> Result<(Input, Options), Failure> {
        let mut options = project::options(self.global, project, sources)?;
        let mut input = Input::default();
        let beside = path.parent().and_then(|folder| folder.read_dir().ok());
        let mut paths: BTreeSet<PathBuf> = beside
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.extension().is_some_and(|end| ["yaml", "yml", "json"].iter().any(|known| end == *known))
            })
            .filter(|path| path.is_file())
            .collect();
        paths.remove(path);
        // The file itself comes first: it is meant to be a manifest.
        if let Ok(text) = sources.read_file(path) {
            let file = sources.add(path.to_string_lossy(), text);
            input.add(sources, file, true);
        }
        for path in paths {
            let Ok(text) = sources.read_file(&path) else { continue };
            // Faults of the neighbours are theirs.
            let file = sources.add(path.to_string_lossy(), text);
            input.add(sources, file, false);
        }
        options.kind_config = input.kind_config.take().or(options.kind_config);
        options.kustomizations = std::mem::take(&mut input.kustomizations);
        Ok((input, options))
    }

    /// Renders and checks the bundles of a project: first those of the file's own profile, then the others, as long as the
    /// editor sends nothing else.
    fn diagnose_project(&mut self, project: &Project, path: &Path, sources: &Sources) -> anyhow::Result<()> {
        let loaded = project::renderer(self.global, project, sources, &Overrides::default()).and_then(|renderer| {
            Ok((project::options(self.global, project, sources)?, bundles(project, &renderer.layers)?, renderer))
        });
        let (options, mut wanted, renderer) = match loaded {
            Ok(loaded) => loaded,
            Err(failure) => {
                self.bundles.clear();
                let found = self.by_file(sources, failure.findings(), &Mask::new(sources));
                return self.publish(found, path);
            }
        };
        self.bundles.retain(|bundle, _| wanted.contains(bundle));
        let own = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let is_layer = project.root().is_some_and(|root| path.parent() == Some(&root.join("profiles")));
        if is_layer && wanted.iter().any(|(profile, _)| profile == own) && self.bundles.len() == wanted.len() {
            // A profile's own file concerns nobody else.
            wanted.retain(|(profile, _)| profile == own);
        } else {
            wanted.sort_by_key(|(profile, _)| profile != own);
        }
        for some in wanted.chunks(BUNDLES_AT_ONCE) {
            let found = in_parallel(some, None, |(profile, environment)| {
                self.bundle(project, &renderer, &options, sources, profile, environment)
            });
            self.bundles.extend(some.iter().cloned().zip(found));
            let mut all = ByFile::new();
            for (path, found) in self.bundles.values().flatten() {
                let known = all.entry(path.clone()).or_default();
                for one in found {
                    if !known.contains(one) {
                        known.push(one.clone());
                    }
                }
            }
            self.publish(all, path)?;
            if !self.connection.receiver.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// What is found in one bundle.
    fn bundle(
        &self,
        project: &Project,
        renderer: &Renderer<'_>,
        options: &Options,
        sources: &Sources,
        profile: &str,
        environment: &str,
    ) -> ByFile {
        match renderer.render(profile, environment) {
            Ok(rendered) => {
                let mut findings = render::findings(sources, &rendered, options);
                render::allow(&mut findings, profile, &project.settings.allow);
                self.by_file(sources, &findings, &Mask::of(sources, &rendered.objects))
            }
            Err(failure) => self.by_file(sources, failure.findings(), &Mask::new(sources)),
        }
    }

    /// Findings as diagnostics of the files they stand in.
    fn by_file(&self, sources: &Sources, findings: &[Finding], mask: &Mask) -> ByFile {
        let mut found = ByFile::new();
        for finding in findings {
            let Some((file, path)) = file_of(sources, finding.span) else { continue };
            let fix = fix::of(sources, finding).and_then(|fix| {
                let (file, path) = file_of(sources, fix.edit.span)?;
                let edit = lsp::TextEdit { range: self.range(&file, fix.edit.span), new_text: fix.edit.text };
                Some((fix.title, fix.safety == Safety::Safe, path, edit))
            });
            let published = Published { diagnostic: self.diagnostic(sources, &file, finding, mask), fix };
            let known = found.entry(path).or_default();
            if !known.contains(&published) {
                known.push(published);
            }
        }
        found
    }

    fn diagnostic(&self, sources: &Sources, file: &SourceFile, finding: &Finding, mask: &Mask) -> lsp::Diagnostic {
        let mut message = mask.words(&finding.message);
        for more in [&finding.label, &finding.help].into_iter().filter(|more| !more.is_empty()) {
            message += "\n";
            message += &mask.words(more);
        }
        let related = finding.related.iter().filter_map(|(span, words)| {
            let (file, path) = file_of(sources, *span)?;
            let location = lsp::Location { uri: uri_of(&path)?, range: self.range(&file, *span) };
            Some(lsp::DiagnosticRelatedInformation { location, message: mask.words(words) })
        });
        let related: Vec<_> = related.collect();
        lsp::Diagnostic {
            range: self.range(file, finding.span),
            severity: Some(match finding.severity {
                Severity::Error => lsp::DiagnosticSeverity::ERROR,
                Severity::Warning => lsp::DiagnosticSeverity::WARNING,
                Severity::Note => lsp::DiagnosticSeverity::INFORMATION,
            }),
            code: Some(lsp::NumberOrString::String(finding.rule.to_string())),
            source: Some("plimsoll".to_owned()),
            message,
            related_information: (!related.is_empty()).then_some(related),
            ..Default::default()
        }
    }

    /// Publishes what was found; a file of which nothing is left, and the one that changed, gets an empty list.
    fn publish(&mut self, found: ByFile, changed: &Path) -> anyhow::Result<()> {
        let empty: Vec<PathBuf> = self.published.keys().filter(|path| !found.contains_key(*path)).cloned().collect();
        for path in empty.iter().map(PathBuf::as_path).chain(found.keys().map(PathBuf::as_path)).chain([changed]) {
            let now = found.get(path);
            if now == self.published.get(path) && path != changed {
                continue;
            }
            let Some(uri) = uri_of(path) else { continue };
            let diagnostics = now.into_iter().flatten().map(|one| one.diagnostic.clone()).collect();
            let params = lsp::PublishDiagnosticsParams { uri, diagnostics, version: None };
            self.send(Notification::new(lsp::notification::PublishDiagnostics::METHOD.to_owned(), params).into())?;
        }
        self.published = found;
        Ok(())
    }

    /// Asks about a place of an open file: what is known there is read anew.
    fn ask<T>(
        &self,
        at: &lsp::TextDocumentPositionParams,
        question: impl FnOnce(&World<'_>, Role, FileId, usize) -> T,
    ) -> anyhow::Result<T> {
        let path = path_of(&at.text_document.uri).ok_or_else(|| anyhow!("only files are known"))?;
        let sources = self.sources();
        let text = sources.read_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
        match self.project_of(&path, &sources) {
            Some(Ok(project)) => {
                // Where a template is half written, the profiles still say what it can use.
                let layers = Layers::load(&project, &sources, &Overrides::default());
                let wanted = layers.as_ref().map(|layers| some_bundles(&project, layers)).unwrap_or_default();
                let values: Vec<Values> = match &layers {
                    Ok(layers) => wanted
                        .iter()
                        .filter_map(|(profile, environment)| {
                            layers.values(&layers.profile(profile).ok()?, environment).ok()
                        })
                        .collect(),
                    Err(_) => Vec::new(),
                };
                let renderer = project::renderer(self.global, &project, &sources, &Overrides::default());
                let objects: Vec<Object> = renderer.map(|renderer| rendered(&renderer, &wanted)).unwrap_or_default();
                // The file as the project read it, so that places are the same.
                let file = file_named(&sources, &path).unwrap_or_else(|| sources.add(path.to_string_lossy(), text));
                let is_layer = project.root().is_some_and(|root| path.starts_with(root.join("profiles")));
                let world = World {
                    sources: &sources,
                    root: project.root(),
                    version: project::options(self.global, &project, &sources)
                        .map(|options| options.kubernetes_version)
                        .unwrap_or_default(),
                    schema: layers.as_ref().ok().map(Layers::schema),
                    values: &values,
                    objects: &objects,
                };
                let role = if is_layer { Role::Layer } else { Role::Template };
                let offset = self.offset(&sources, file, at.position);
                Ok(question(&world, role, file, offset))
            }
            _ => {
                let project = self.project_around(&path, &sources);
                let (input, options) = self.folder(&path, &project, &sources).unwrap_or_default();
                let file = file_named(&sources, &path).unwrap_or_else(|| sources.add(path.to_string_lossy(), text));
                let world = World {
                    sources: &sources,
                    root: None,
                    version: options.kubernetes_version,
                    schema: None,
                    values: &[],
                    objects: &input.objects,
                };
                let offset = self.offset(&sources, file, at.position);
                Ok(question(&world, Role::Manifest, file, offset))
            }
        }
    }

    fn hover(&self, params: &lsp::HoverParams) -> anyhow::Result<serde_json::Value> {
        let text = self.ask(&params.text_document_position_params, editor::describe)?;
        let hover = text.map(|value| lsp::Hover {
            contents: lsp::HoverContents::Markup(lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value }),
            range: None,
        });
        Ok(serde_json::to_value(hover)?)
    }

    fn definition(&self, params: &lsp::GotoDefinitionParams) -> anyhow::Result<serde_json::Value> {
        let locations = self.ask(&params.text_document_position_params, |world, role, file, offset| {
            let spans = editor::targets(world, role, file, offset).into_iter();
            let located = spans.filter_map(|span| {
                let (file, path) = file_of(world.sources, span)?;
                Some(lsp::Location { uri: uri_of(&path)?, range: self.range(&file, span) })
            });
            located.collect::<Vec<_>>()
        })?;
        Ok(serde_json::to_value(locations)?)
    }

    fn completion(&self, params: &lsp::CompletionParams) -> anyhow::Result<serde_json::Value> {
        let all = self.ask(&params.text_document_position, editor::complete)?;
        let items: Vec<lsp::CompletionItem> = all
            .into_iter()
            .map(|one| lsp::CompletionItem {
                insert_text: one.is_key.then(|| format!("{}: ", one.text)),
                kind: Some(if one.is_key { lsp::CompletionItemKind::FIELD } else { lsp::CompletionItemKind::VALUE }),
                detail: Some(one.detail).filter(|detail| !detail.is_empty()),
                documentation: Some(one.documentation).filter(|text| !text.is_empty()).map(lsp::Documentation::String),
                label: one.text,
                ..Default::default()
            })
            .collect();
        Ok(serde_json::to_value(items)?)
    }

    /// The edits that mend what was published in a range.
    fn actions(&self, params: &lsp::CodeActionParams) -> anyhow::Result<serde_json::Value> {
        let path = path_of(&params.text_document.uri).unwrap_or_default();
        let touches = |range: &lsp::Range| range.start <= params.range.end && params.range.start <= range.end;
        let mut actions = Vec::new();
        for one in self.published.get(&path).into_iter().flatten().filter(|one| touches(&one.diagnostic.range)) {
            let Some((title, safe, path, edit)) = &one.fix else { continue };
            let Some(uri) = uri_of(path) else { continue };
            #[expect(clippy::mutable_key_type, reason = "the protocol's own type")]
            let changes = std::collections::HashMap::from([(uri, vec![edit.clone()])]);
            actions.push(lsp::CodeAction {
                title: title.clone(),
                kind: Some(lsp::CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![one.diagnostic.clone()]),
                edit: Some(lsp::WorkspaceEdit { changes: Some(changes), ..Default::default() }),
                is_preferred: Some(*safe),
                ..Default::default()
            });
        }
        Ok(serde_json::to_value(actions)?)
    }

    fn range(&self, file: &SourceFile, span: Span) -> lsp::Range {
        lsp::Range { start: self.position(file, span.start), end: self.position(file, span.end) }
    }

    fn position(&self, file: &SourceFile, offset: u32) -> lsp::Position {
        let line = file.position(offset).line;
        let start = file.line_start(line) as usize;
        let before = file.text.get(start..offset as usize).unwrap_or_default();
        let character = if self.in_utf8 { before.len() } else { before.encode_utf16().count() };
        lsp::Position { line: line as u32 - 1, character: character as u32 }
    }

    fn offset(&self, sources: &Sources, file: FileId, at: lsp::Position) -> usize {
        let Some(file) = sources.get(file) else { return 0 };
        let line = file.line(at.line as usize + 1);
        let start = file.line_start(at.line as usize + 1) as usize;
        let wanted = at.character as usize;
        let mut units = 0;
        for (at, c) in line.char_indices() {
            if units >= wanted {
                return start + at;
            }
            units += if self.in_utf8 { c.len_utf8() } else { c.len_utf16() };
        }
        start + line.len()
    }
}

fn read<T: serde::de::DeserializeOwned>(params: serde_json::Value) -> anyhow::Result<T> {
    Ok(serde_json::from_value(params)?)
}

/// All bundles of a project, by profile and environment.
fn bundles(project: &Project, layers: &Layers<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut all = Vec::new();
    for name in project.profiles()? {
        let Ok(profile) = layers.profile(&name) else {
            // What is wrong with it comes out where it is rendered.
            all.push((name, String::new()));
            continue;
        };
        let environments = layers.environments(&profile);
        all.extend(environments.into_iter().map(|environment| (name.clone(), environment.to_string())));
    }
    Ok(all)
}

/// Some of a project's bundles: one environment of each profile says more than all of a few.
fn some_bundles(project: &Project, layers: &Layers<'_>) -> Vec<(String, String)> {
    let mut wanted = bundles(project, layers).unwrap_or_default();
    let mut seen = BTreeSet::new();
    wanted.sort_by_cached_key(|(profile, _)| !seen.insert(profile.clone()));
    wanted.truncate(MOST_BUNDLES);
    wanted
}

/// The objects of those bundles that render.
fn rendered(renderer: &Renderer<'_>, wanted: &[(String, String)]) -> Vec<Object> {
    let made = in_parallel(wanted, None, |(profile, environment)| renderer.render(profile, environment).ok());
    made.into_iter().flatten().flat_map(|rendered| rendered.objects).collect()
}

/// The file of a path, as it was read last.
fn file_named(sources: &Sources, path: &Path) -> Option<FileId> {
    let files = (0..).map(FileId).map_while(|id| Some((id, sources.get(id)?)));
    files.filter(|(_, file)| Path::new(&file.name) == path).map(|(id, _)| id).last()
}

/// The file that a place is in, and its path; none for what is embedded or standard input.
fn file_of(sources: &Sources, span: Span) -> Option<(Arc<SourceFile>, PathBuf)> {
    let file = sources.get(span.file)?;
    let path = PathBuf::from(&file.name);
    path.is_absolute().then_some((file, path))
}

/// The path of a `file:` URI.
fn path_of(uri: &lsp::Uri) -> Option<PathBuf> {
    if uri.scheme().is_none_or(|scheme| scheme.as_str() != "file") {
        return None;
    }
    let path = uri.path().as_estr().decode().into_string_lossy().into_owned();
    // `/c:/folder` on Windows.
    let path = match path.as_bytes() {
        [b'/', letter, b':', ..] if letter.is_ascii_alphabetic() => path[1..].to_owned(),
        _ => path,
    };
    Some(PathBuf::from(path))
}

/// The `file:` URI of an absolute path.
fn uri_of(path: &Path) -> Option<lsp::Uri> {
    let text = path.to_str()?.replace('\\', "/");
    let mut uri = String::from(if text.starts_with('/') { "file://" } else { "file:///" });
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' | b':' => {
                uri.push(char::from(byte))
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    lsp::Uri::from_str(&uri).ok()
}
