//! `plimsoll lsp`: the language server, with the findings of `render` and `check` as diagnostics, completion, hover,
//! definitions and code actions.
//!
//! The server keeps unsaved files, the published diagnostics, and which profiles a file affects. Everything else is
//! read anew for each request, so that nothing is outdated.

mod answers;
mod diagnose;
mod places;
mod shown;
mod workspace;

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use foldhash::HashMap;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types as lsp;
use lsp_types::notification::{self, Notification as _};
use lsp_types::request::{self, Request as _};
use serde_json::Value;

use self::diagnose::Profiles;
use self::places::{Columns, path_of};
use self::shown::{ByFile, Published, Scope};
use self::workspace::{Workspace, project_of};
use crate::cli::args::Global;
use crate::cli::outcome::Outcome;

pub(super) fn run(global: &Global) -> anyhow::Result<Outcome> {
    let (connection, threads) = Connection::stdio();
    let (id, params) = connection.initialize_start()?;
    let params: lsp::InitializeParams = serde_json::from_value(params)?;
    let offered = params.capabilities.general.and_then(|general| general.position_encodings).unwrap_or_default();
    let columns = if offered.contains(&lsp::PositionEncodingKind::UTF8) { Columns::Utf8 } else { Columns::Utf16 };
    let answer = serde_json::json!({
        "capabilities": capabilities(columns),
        "serverInfo": {"name": "plimsoll", "version": env!("CARGO_PKG_VERSION")},
    });
    connection.initialize_finish(id, answer)?;
    let mut server = Server {
        connection: &connection,
        workspace: Workspace { global, columns, buffers: HashMap::default() },
        waiting: VecDeque::new(),
        published: Published::default(),
        projects: BTreeMap::new(),
    };
    server.serve()?;
    drop(connection);
    threads.join()?;
    Ok(Outcome::Fine)
}

fn capabilities(columns: Columns) -> lsp::ServerCapabilities {
    lsp::ServerCapabilities {
        position_encoding: Some(match columns {
            Columns::Utf8 => lsp::PositionEncodingKind::UTF8,
            Columns::Utf16 => lsp::PositionEncodingKind::UTF16,
        }),
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

struct Server<'a> {
    connection: &'a Connection,
    workspace: Workspace<'a>,
    /// Messages that arrived during a diagnosis and have to wait.
    waiting: VecDeque<Message>,
    /// The published diagnostics.
    published: Published,
    /// The findings of projects, by their directories.
    projects: BTreeMap<PathBuf, Profiles>,
}

impl Server<'_> {
    fn serve(&mut self) -> anyhow::Result<()> {
        let mut changed: Vec<PathBuf> = Vec::new();
        loop {
            // All pending messages are read before anything is diagnosed: only the last state counts.
            let has_work = !changed.is_empty() || self.projects.values().any(|profiles| !profiles.stale.is_empty());
            let message = match self.waiting.pop_front() {
                None if has_work => self.connection.receiver.try_recv().ok(),
                None => match self.connection.receiver.recv() {
                    Ok(message) => Some(message),
                    // The editor has exited.
                    Err(_) => return Ok(()),
                },
                message => message,
            };
            match message {
                Some(Message::Request(request)) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    self.send(answer(&self.workspace, &self.published, request).into())?;
                }
                Some(Message::Notification(notification)) => {
                    // Invalid messages are ignored.
                    if let Some(path) = self.notice(notification).ok().flatten() {
                        changed.retain(|other| *other != path);
                        changed.push(path);
                    }
                }
                Some(Message::Response(_)) => {}
                None => match changed.pop() {
                    Some(path) => self.diagnose(&path)?,
                    None => self.go_on()?,
                },
            }
        }
    }

    /// Applies a change; returns the file to diagnose.
    fn notice(&mut self, Notification { method, params }: Notification) -> anyhow::Result<Option<PathBuf>> {
        let buffers = &mut self.workspace.buffers;
        match method.as_str() {
            notification::DidOpenTextDocument::METHOD => {
                let params: lsp::DidOpenTextDocumentParams = serde_json::from_value(params)?;
                let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
                buffers.insert(path.clone(), params.text_document.text.into());
                Ok(Some(path))
            }
            notification::DidChangeTextDocument::METHOD => {
                let params: lsp::DidChangeTextDocumentParams = serde_json::from_value(params)?;
                let Some(path) = path_of(&params.text_document.uri) else { return Ok(None) };
                if let Some(change) = params.content_changes.into_iter().last() {
                    buffers.insert(path.clone(), change.text.into());
                }
                Ok(Some(path))
            }
            notification::DidCloseTextDocument::METHOD => {
                let params: lsp::DidCloseTextDocumentParams = serde_json::from_value(params)?;
                let path = path_of(&params.text_document.uri);
                Ok(path.filter(|path| buffers.remove(path).is_some()))
            }
            notification::DidSaveTextDocument::METHOD => {
                let params: lsp::DidSaveTextDocumentParams = serde_json::from_value(params)?;
                Ok(path_of(&params.text_document.uri))
            }
            _ => Ok(None),
        }
    }

    fn send(&self, message: Message) -> anyhow::Result<()> {
        self.connection.sender.send(message).context("the editor has gone")
    }

    /// Diagnoses what a changed file belongs to, and publishes the findings.
    fn diagnose(&mut self, path: &Path) -> anyhow::Result<()> {
        match project_of(path) {
            Some(root) => self.diagnose_project(root, Some(path)),
            None => {
                let found = diagnose::manifests(&self.workspace, path);
                let folder = path.parent().unwrap_or(path).to_owned();
                publish(self.connection, &mut self.published, Scope::Manifests(folder), found, Some(path))
            }
        }
    }

    /// Continues the diagnosis of a project that another message interrupted.
    fn go_on(&mut self) -> anyhow::Result<()> {
        let left = self.projects.iter().find(|(_, profiles)| !profiles.stale.is_empty());
        let Some(root) = left.map(|(root, _)| root.clone()) else { return Ok(()) };
        self.diagnose_project(&root, None)
    }

    /// Diagnoses a project until the editor sends a change; requests are answered meanwhile.
    fn diagnose_project(&mut self, root: &Path, changed: Option<&Path>) -> anyhow::Result<()> {
        let Self { connection, workspace, waiting, published, projects } = self;
        let profiles = projects.entry(root.to_owned()).or_default();
        profiles.diagnose(workspace, root, changed, |found| {
            publish(connection, published, Scope::Project(root.to_owned()), found, changed)?;
            while let Ok(message) = connection.receiver.try_recv() {
                match message {
                    Message::Request(request) if request.method != request::Shutdown::METHOD => {
                        let response = answer(workspace, published, request);
                        connection.sender.send(response.into()).context("the editor has gone")?;
                    }
                    // A cancelled request was answered, or is about to be.
                    Message::Notification(notification) if notification.method.starts_with("$/") => {}
                    message => {
                        waiting.push_back(message);
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

/// Publishes the findings of a scope.
fn publish(
    connection: &Connection,
    published: &mut Published,
    scope: Scope,
    found: ByFile,
    changed: Option<&Path>,
) -> anyhow::Result<()> {
    for params in published.replace(scope, found, changed) {
        let notification = Notification::new(notification::PublishDiagnostics::METHOD.to_owned(), params);
        connection.sender.send(notification.into()).context("the editor has gone")?;
    }
    Ok(())
}

/// Answers a request.
fn answer(workspace: &Workspace<'_>, published: &Published, request: Request) -> Response {
    let Request { id, method, params } = request;
    let answer = match method.as_str() {
        request::HoverRequest::METHOD => read(params).and_then(|params| answers::hover(workspace, &params)),
        request::GotoDefinition::METHOD => read(params).and_then(|params| answers::definition(workspace, &params)),
        request::Completion::METHOD => read(params).and_then(|params| answers::completion(workspace, &params)),
        request::CodeActionRequest::METHOD => read(params).and_then(|params| answers::actions(published, &params)),
        _ => {
            let message = format!("unknown method `{method}`");
            return Response::new_err(id, ErrorCode::MethodNotFound as i32, message);
        }
    };
    match answer {
        Ok(value) => Response::new_ok(id, value),
        Err(error) => Response::new_err(id, ErrorCode::InternalError as i32, format!("{error:#}")),
    }
}

fn read<T: serde::de::DeserializeOwned>(params: Value) -> anyhow::Result<T> {
    Ok(serde_json::from_value(params)?)
}
