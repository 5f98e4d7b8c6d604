//! Answers requests about a position: hover, definitions, completion and code actions.

use std::path::Path;

use anyhow::{Context, anyhow};
use lsp_types as lsp;

use super::places::{file_named, file_of, path_of, uri_of};
use super::shown::Published;
use super::workspace::{Workspace, project_of};
use crate::cli::project;
use crate::editor::{self, DocumentKind, EditorContext};
use crate::fix::Safety;
use crate::layers::{Layers, Overrides, Values};
use crate::object::Object;
use crate::parallel::in_parallel;
use crate::project::Project;
use crate::render::Renderer;
use crate::source::FileId;

/// The maximum number of bundles that are searched.
const MOST_BUNDLES: usize = 32;

/// A request about a position of an open file, for which the project is read anew.
fn ask<T>(
    workspace: &Workspace<'_>,
    at: &lsp::TextDocumentPositionParams,
    question: impl FnOnce(&EditorContext<'_>, DocumentKind, FileId, usize) -> T,
) -> anyhow::Result<T> {
    let path = path_of(&at.text_document.uri).ok_or_else(|| anyhow!("only files are known"))?;
    let sources = workspace.sources();
    let text = sources.read_file(&path).with_context(|| format!("cannot read {}", path.display()))?;
    // The file as the project read it, so that positions are equal.
    let file = || file_named(&sources, &path).unwrap_or_else(|| sources.add(path.to_string_lossy(), text));
    let Some(project) = project_of(&path).and_then(|root| workspace.project(root, &sources).ok()) else {
        let (input, options) = workspace.folder(&path, &sources).unwrap_or_default();
        let (version, file) = (options.kubernetes_version, file());
        let context = EditorContext {
            sources: &sources,
            root: None,
            version,
            schema: None,
            values: &[],
            objects: &input.objects,
            references: &[],
        };
        let offset = workspace.columns.offset(&sources, file, at.position);
        return Ok(question(&context, DocumentKind::Manifest, file, offset));
    };
    // While a template is incomplete, the profiles still determine what it can use.
    let layers = Layers::load(&project, &sources, &Overrides::default());
    let values: Vec<Values> = layers.as_ref().map(|layers| some_values(&project, layers)).unwrap_or_default();
    let renderer = project::renderer(workspace.global, &project, &sources, &Overrides::default());
    let objects = renderer.map(|renderer| rendered(&renderer, &values)).unwrap_or_default();
    let options = project::options(workspace.global, &project, &sources).unwrap_or_default();
    let file = file();
    let context = EditorContext {
        sources: &sources,
        root: project.root(),
        version: options.kubernetes_version,
        schema: layers.as_ref().ok().map(Layers::schema),
        values: &values,
        objects: &objects,
        references: &options.references,
    };
    let is_layer = project.root().is_some_and(|root| path.starts_with(root.join("profiles")));
    let kind = if is_layer { DocumentKind::Layer } else { DocumentKind::Template };
    let offset = workspace.columns.offset(&sources, file, at.position);
    Ok(question(&context, kind, file, offset))
}

/// The values of some bundles: one environment of each profile tells more than all environments of a few.
fn some_values(project: &Project, layers: &Layers<'_>) -> Vec<Values> {
    let names = project.profiles().unwrap_or_default();
    let profiles = names.iter().take(MOST_BUNDLES).filter_map(|name| layers.profile(name).ok());
    let bundles = profiles.flat_map(|profile| {
        let environments = layers.environments(&profile);
        let values = environments.into_iter().map(|environment| layers.values(&profile, &environment)).enumerate();
        values.filter_map(|(at, values)| Some((at, values.ok()?))).collect::<Vec<_>>()
    });
    let mut bundles: Vec<(usize, Values)> = bundles.collect();
    bundles.sort_by_key(|(at, _)| *at);
    bundles.into_iter().take(MOST_BUNDLES).map(|(_, values)| values).collect()
}

/// The objects of those bundles that render.
fn rendered(renderer: &Renderer<'_>, values: &[Values]) -> Vec<Object> {
    let made = in_parallel(values, None, |values| renderer.render(&values.profile, &values.environment).ok());
    made.into_iter().flatten().flat_map(|rendered| rendered.objects).collect()
}

pub(super) fn hover(workspace: &Workspace<'_>, params: &lsp::HoverParams) -> anyhow::Result<serde_json::Value> {
    let text = ask(workspace, &params.text_document_position_params, editor::describe)?;
    let hover = text.map(|value| lsp::Hover {
        contents: lsp::HoverContents::Markup(lsp::MarkupContent { kind: lsp::MarkupKind::Markdown, value }),
        range: None,
    });
    Ok(serde_json::to_value(hover)?)
}

pub(super) fn definition(
    workspace: &Workspace<'_>,
    params: &lsp::GotoDefinitionParams,
) -> anyhow::Result<serde_json::Value> {
    let locations = ask(workspace, &params.text_document_position_params, |context, kind, file, offset| {
        let spans = editor::targets(context, kind, file, offset).into_iter();
        let located = spans.filter_map(|span| {
            let (file, path) = file_of(context.sources, span.file)?;
            Some(lsp::Location { uri: uri_of(&path)?, range: workspace.columns.range(&file, span) })
        });
        located.collect::<Vec<_>>()
    })?;
    Ok(serde_json::to_value(locations)?)
}

pub(super) fn completion(
    workspace: &Workspace<'_>,
    params: &lsp::CompletionParams,
) -> anyhow::Result<serde_json::Value> {
    let all = ask(workspace, &params.text_document_position, editor::complete)?;
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

/// The fixes of the findings in a range.
pub(super) fn actions(published: &Published, params: &lsp::CodeActionParams) -> anyhow::Result<serde_json::Value> {
    let path = path_of(&params.text_document.uri).unwrap_or_default();
    let touches = |range: &lsp::Range| range.start <= params.range.end && params.range.start <= range.end;
    let mut actions = Vec::new();
    for shown in published.of(Path::new(&path)).filter(|shown| touches(&shown.diagnostic.range)) {
        let Some(action) = &shown.action else { continue };
        let Some(uri) = uri_of(&action.path) else { continue };
        #[expect(clippy::mutable_key_type, reason = "the protocol's own type")]
        let changes = std::collections::HashMap::from([(uri, vec![action.edit.clone()])]);
        actions.push(lsp::CodeAction {
            title: action.title.clone(),
            kind: Some(lsp::CodeActionKind::QUICKFIX),
            diagnostics: Some(vec![shown.diagnostic.clone()]),
            edit: Some(lsp::WorkspaceEdit { changes: Some(changes), ..Default::default() }),
            is_preferred: Some(action.safety == Safety::Safe),
            ..Default::default()
        });
    }
    Ok(serde_json::to_value(actions)?)
}
