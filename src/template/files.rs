//! `$file`, `$files` and `$manifests`: files of the project as values of a template.

use std::cell::RefCell;
use std::path::{Component, Path};
use std::sync::Arc;

use ecow::{EcoString, EcoVec};

use crate::finding::{Failure, Finding, RuleId, Severity};
use crate::formats::go::encode_base64;
use crate::node::{Derived, Mapping, Node, Origin, TextPart, Value};
use crate::project::{Project, YAML, unix_line_ends};
use crate::source::{FileId, Sources, Span};
use crate::suggest;
use crate::template::compile::{Compiler, DirectiveContext};

use crate::template::compiled::{CompiledItem, CompiledNode, TemplatePiece, TextTemplate};
use crate::template::instantiate::{Evaluated, Instantiation};
use crate::template::namespace;
use crate::template::scan::{self, ScalarPiece};
use crate::yaml::{self, Dialect};

/// The rule of findings about files.
const RULE: RuleId = RuleId::TemplateFile;

/// Access to the files that templates refer to, by path under `templates/`. Errors are messages for the user.
pub trait NamedFiles {
    /// The contents of a partial.
    fn text(&self, path: &str) -> Result<FileId, String>;

    /// The contents of a file, or its bytes base64-encoded if `binary`.
    fn content(&self, path: &str, binary: bool) -> Result<FileId, String>;

    /// The files below a folder.
    fn list(&self, folder: &str) -> Result<Vec<String>, String>;

    /// The objects of the manifests in a folder of the project.
    fn manifests(&self, folder: &str) -> Result<Vec<Node>, Vec<Finding>>;
}

/// A function as the only source of files, for tests.
impl<F: Fn(&str) -> Result<FileId, String>> NamedFiles for F {
    fn text(&self, path: &str) -> Result<FileId, String> {
        self(path)
    }

    fn content(&self, path: &str, _binary: bool) -> Result<FileId, String> {
        self(path)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        Err(format!("no folder `{folder}`"))
    }

    fn manifests(&self, folder: &str) -> Result<Vec<Node>, Vec<Finding>> {
        Err(vec![Finding::error(RULE, Span::NONE, format!("no folder `{folder}`"))])
    }
}

/// The files of a project. Records which of them are read.
pub(super) struct ProjectFiles<'a> {
    pub(super) project: &'a Project,
    pub(super) sources: &'a Sources,
    pub(super) named: RefCell<Vec<FileId>>,
}

impl ProjectFiles<'_> {
    fn inside(&self, path: &str) -> Result<String, String> {
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if path.is_empty() || !plain || self.project.leads_out("templates", path) {
            return Err(format!("`{path}` is outside `templates/`"));
        }
        Ok(format!("templates/{path}"))
    }
}

impl NamedFiles for ProjectFiles<'_> {
    fn text(&self, path: &str) -> Result<FileId, String> {
        let file = self.project.read(self.sources, &self.inside(path)?).map_err(|error| error.to_string())?;
        self.named.borrow_mut().push(file);
        Ok(file)
    }

    fn content(&self, path: &str, binary: bool) -> Result<FileId, String> {
        let path = self.inside(path)?;
        let bytes = self.project.read_bytes(&path).map_err(|error| error.to_string())?;
        let shown = self.project.shown(&path);
        let text = match String::from_utf8(bytes) {
            Ok(text) if !binary && is_script(&path, &text) => unix_line_ends(text),
            Ok(text) if !binary => text,
            Ok(text) => encode_base64(text.as_bytes()),
            Err(error) if binary => encode_base64(error.as_bytes()),
            Err(_) => {
                // The file is recorded although it cannot be used here.
                self.named.borrow_mut().push(self.sources.add(shown.as_str(), ""));
                return Err(format!("`{shown}` is not UTF-8 text; put binary files under `binaryData`"));
            }
        };
        let file = self.sources.add(shown, text);
        self.named.borrow_mut().push(file);
        Ok(file)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, String> {
        let inside = self.inside(folder)?;
        let files = self.project.list(&inside, "").map_err(|error| error.to_string())?;
        Ok(files.iter().filter_map(|path| path.strip_prefix("templates/")).map(str::to_owned).collect())
    }

    fn manifests(&self, folder: &str) -> Result<Vec<Node>, Vec<Finding>> {
        let wrong = |message: String| vec![Finding::error(RULE, Span::NONE, message)];
        let own = ["profiles", "templates", "services"];
        if own.iter().any(|own| folder.split('/').next() == Some(own)) {
            return Err(wrong(format!("manifests cannot be in `{folder}`, whose files are read differently")));
        }
        let paths = self.project.list(folder, "").map_err(|error| wrong(error.to_string()))?;
        let endings = YAML.into_iter().chain([".json"]);
        let paths: Vec<String> =
            paths.into_iter().filter(|path| endings.clone().any(|ending| path.ends_with(ending))).collect();
        if paths.is_empty() {
            return Err(wrong(format!("no manifests in `{}`", self.project.shown(folder))));
        }
        let (mut objects, mut findings) = (Vec::new(), Vec::new());
        for path in paths {
            let file = match self.project.read(self.sources, &path) {
                Ok(file) => file,
                Err(error) => {
                    let failure: Failure = error.failure();
                    return Err(failure.findings().to_vec());
                }
            };
            self.named.borrow_mut().push(file);
            let loaded = yaml::load(self.sources, file, Dialect::Kubectl);
            findings.extend(loaded.findings.into_iter().filter(|finding| finding.severity == Severity::Error));
            loaded.documents.into_iter().for_each(|document| unpack(document, 0, &mut objects, &mut findings));
        }
        if findings.is_empty() { Ok(objects) } else { Err(findings) }
    }
}

/// The objects of a document: the document itself, or the items of a List, as kubectl handles it.
fn unpack(mut document: Node, depth: usize, objects: &mut Vec<Node>, findings: &mut Vec<Finding>) {
    if document["kind"].text().ends_with("List")
        && depth < 8
        && let Some(Node { value: Value::Sequence(items), .. }) = document.get_mut("items")
    {
        std::mem::take(items).into_iter().for_each(|item| unpack(item, depth + 1, objects, findings));
    } else if document.is_set() {
        if ["apiVersion", "kind"].iter().any(|field| document[*field].text().is_empty()) {
            let finding = Finding::error(RuleId::NotAManifest, document.origin.span, "not a Kubernetes object");
            findings.push(finding.with_label("missing `apiVersion` or `kind`"));
        }
        objects.push(document);
    }
}

/// Whether carriage returns would change the meaning of the file. Git may check out text files with CRLF on Windows,
/// and the project must render the same there.
fn is_script(path: &str, text: &str) -> bool {
    text.starts_with("#!") || [".sh", ".sql", ".psql"].iter().any(|ending| path.ends_with(ending))
}

/// `$file` with an expression, or `$files`.
#[derive(Debug)]
pub(super) struct FileSelection {
    path: TextTemplate,
    /// The folder that the path must stay in, with a trailing slash; empty for all of `templates/`.
    folder: EcoString,
    /// The files in the folder by path, with their contents.
    files: Arc<Vec<(String, Result<Node, String>)>>,
    /// Whether it is `$files`, whose value is a mapping.
    many: bool,
    span: Span,
}

/// Whether a field holds base64-encoded binary data. This depends only on the field, not on the file.
pub(super) fn is_binary(document: &Node, key: &str) -> bool {
    key == "binaryData" || key == "data" && document["kind"].as_str() == Some("Secret")
}

impl Compiler<'_> {
    /// Compiles `$file` or `$files`.
    pub(super) fn file(&mut self, directive: &Node, many: bool) -> CompiledNode {
        let name = if many { "$files" } else { "$file" };
        let span = directive.origin.span;
        let nothing = CompiledNode::Static { node: directive.clone(), nodes: 1, bytes: 0 };
        let Some(path) = directive.as_str() else {
            let message = format!("`{name}` must be a path, not {}", directive.type_name());
            self.findings.push(Finding::error(RULE, span, message));
            return nothing;
        };
        if !many && !scan::has_expression(path) {
            return match self.content(path) {
                Ok(node) => {
                    let bytes = node.text().len();
                    CompiledNode::Static {
                        node: Node { origin: Origin { span, ..node.origin }, ..node },
                        nodes: 1,
                        bytes,
                    }
                }
                Err(reason) => {
                    let help = "use a path relative to `templates/`, inside that folder";
                    self.findings.push(Finding::error(RULE, span, reason).with_help(help));
                    nothing
                }
            };
        }
        let path = EcoString::from(path);
        let Some(text) = self.split(&path, span) else { return nothing };
        let fixed = match scan::split(&path).unwrap_or_default().first() {
            Some(ScalarPiece::Text(text)) => *text,
            _ => "",
        };
        // The part before the first expression or wildcard.
        let fixed = fixed.split(['*', '?']).next().unwrap_or_default();
        let is_folder = many && fixed == path.as_str();
        let folder = if is_folder {
            fixed.trim_end_matches('/')
        } else {
            fixed.rsplit_once('/').map_or("", |(folder, _)| folder)
        };
        if folder.is_empty() {
            let message = format!("`{name}` must name a folder before its first expression or `*`");
            let help = format!("write `{name}: config/…`, a folder below `templates/` that the path cannot leave");
            self.findings.push(Finding::error(RULE, span, message).with_help(help));
            return nothing;
        }
        let files = match self.files.list(folder) {
            Ok(paths) if paths.is_empty() => Err(format!("no files in `templates/{folder}`")),
            paths => paths,
        };
        match files {
            Err(reason) => {
                self.findings.push(Finding::error(RULE, span, reason).with_help("use a path relative to `templates/`"));
                nothing
            }
            Ok(paths) => {
                let files = paths.into_iter().map(|path| {
                    let content = self.content(&path);
                    (path, content)
                });
                let files = Arc::new(files.collect());
                CompiledNode::Files(Box::new(FileSelection {
                    path: text,
                    folder: format!("{folder}/").into(),
                    files,
                    many,
                    span,
                }))
            }
        }
    }

    /// The contents of a file. Its origin is the file itself.
    fn content(&self, path: &str) -> Result<Node, String> {
        let file = self.files.content(path, self.binary)?;
        let text = self.sources.get(file).map(|source| EcoString::from(&*source.text)).unwrap_or_default();
        let bytes = text.len() as u32;
        let part = TextPart { start: 0, end: bytes, origin: Origin::at(Span::new(file, 0, bytes)) };
        let derived = Derived { text_parts: vec![part], ..Derived::default() };
        let origin = Origin { span: Span::NONE, derived: Some(Arc::new(derived)) };
        Ok(Node { value: text.into(), origin })
    }
}

impl Instantiation<'_> {
    /// The contents of the file that `$file` selects, or of all files that `$files` selects, by name.
    pub(super) fn files(&mut self, choice: &FileSelection) -> Evaluated<Node> {
        let path = match choice.path.pieces.as_slice() {
            [TemplatePiece::Plain(plain)] => Node::new(plain.clone(), choice.span),
            _ => self.text(&choice.path)?,
        };
        let span = choice.span;
        let inputs = path.origin.inputs();
        let plain = Path::new(path.text()).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || path.text().contains('\\') || !format!("{}/", path.text()).starts_with(choice.folder.as_str()) {
            let message = format!("the path leaves the folder `templates/{}`", choice.folder);
            return Err(self.report_value_error(RULE, span, message, "use a path inside the folder", &path));
        }
        let wanted = path.text();
        let found: Vec<&(String, Result<Node, String>)> = choice
            .files
            .iter()
            .filter(|(known, _)| if choice.many { is_selected(wanted, known) } else { known == wanted })
            .collect();
        if found.is_empty() {
            let names: Vec<&str> = choice.files.iter().map(|(path, _)| path.as_str()).collect();
            let help = match suggest::nearest(wanted, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("available files: {}", suggest::list(&names, "and")),
            };
            let what = if choice.many { "no files match" } else { "no file" };
            return Err(self.report_value_error(
                RULE,
                span,
                format!("{what} `{wanted}` under `templates/`"),
                &help,
                &path,
            ));
        }
        let mut contents = Mapping::with_capacity(found.len());
        for (known, content) in found {
            let mut node = match content {
                Ok(node) => node.clone(),
                Err(reason) => return Err(self.report_value_error(RULE, span, reason.clone(), "", &path)),
            };
            self.spend(1, node.text().len(), span)?;
            node.origin.span = span;
            if !inputs.is_empty() {
                node.origin.derived_mut().inputs = inputs.to_vec();
            }
            if !choice.many {
                return Ok(node);
            }
            contents.push(known.rsplit('/').next().unwrap_or(known), span, node);
        }
        Ok(Node::new(contents, span))
    }
}

/// Whether the path of `$files` selects a file: all files directly in a folder, or those whose names match a pattern.
fn is_selected(wanted: &str, path: &str) -> bool {
    let Some((folder, name)) = path.rsplit_once('/') else { return false };
    match wanted.rsplit_once('/') {
        Some((above, pattern)) if pattern.contains(['*', '?']) => {
            above == folder && matches(pattern.as_bytes(), name.as_bytes())
        }
        _ => wanted.trim_end_matches('/') == folder,
    }
}

/// Whether a name matches a pattern with `*` and `?`.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut from) = (0, 0);
    // The position of the latest `*`, and the position in the name that it has matched up to.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(sign) if *sign == b'?' || *sign == name[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((place, reached)) => {
                    star = Some((place, reached + 1));
                    (at, from) = (place + 1, reached + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|sign| *sign == b'*')
}

/// The objects of manifests, unchanged.
#[derive(Debug)]
pub(super) struct Manifests {
    pub(super) nodes: EcoVec<Node>,
    /// `$namespace`.
    pub(super) namespace: Option<CompiledItem>,
    pub(super) span: Span,
}

impl Compiler<'_> {
    /// Compiles `$manifests` and the keys beside it.
    pub(super) fn manifests(&mut self, node: &Node, directive: &Node) -> CompiledNode {
        let span = directive.origin.span;
        let nothing = CompiledNode::Static { node: Node::default(), nodes: 1, bytes: 0 };
        for entry in
            node.entries().iter().filter(|entry| !matches!(entry.key.as_str(), "$manifests" | "$if" | "$namespace"))
        {
            let message = format!("`{}` cannot be combined with `$manifests`", entry.key);
            let help = "only `$if` and `$namespace` are allowed beside it; change the objects with a patch";
            self.findings.push(Finding::error(RuleId::TemplateDirective, entry.key_span, message).with_help(help));
        }
        let Some(folder) = directive.as_str().filter(|folder| !scan::has_expression(folder)) else {
            let finding = Finding::error(RULE, span, "`$manifests` must be a path without expressions");
            self.findings.push(finding.with_help("choose between folders with `$if`"));
            return nothing;
        };
        let namespace = node.get("$namespace").map(|namespace| self.item(namespace, DirectiveContext::Alone));
        match self.files.manifests(folder.trim_end_matches('/')) {
            Ok(nodes) => CompiledNode::Manifests(Box::new(Manifests { nodes: nodes.into(), namespace, span })),
            Err(findings) => {
                self.findings.extend(findings.into_iter().map(|mut finding| {
                    if finding.span.is_none() {
                        finding.span = span;
                        finding.help = "use a path relative to the project, such as `manifests/redis`".to_owned();
                    }
                    finding
                }));
                nothing
            }
        }
    }
}

impl Instantiation<'_> {
    /// The objects of manifests, with the namespace of `$namespace` if there is one.
    pub(super) fn manifests(
        &mut self,
        item: &CompiledItem,
        manifests: &Manifests,
        out: &mut Vec<Node>,
    ) -> Evaluated<()> {
        if !self.condition_holds(item.when.as_ref())? {
            return Ok(());
        }
        let namespace = match &manifests.namespace {
            None => None,
            Some(item) => self.guarded(item)?,
        };
        if let Some(namespace) = namespace.as_ref().filter(|namespace| namespace.as_str().is_none_or(str::is_empty)) {
            let message = format!("`$namespace` must be a name, not {}", namespace.type_name());
            return Err(self.report_value_error(RuleId::TemplateType, manifests.span, message, "", namespace));
        }
        self.spend(manifests.nodes.len(), 0, manifests.span)?;
        match namespace {
            None => out.extend(manifests.nodes.iter().cloned()),
            Some(namespace) => out.extend(namespace::set_namespace(&manifests.nodes, &namespace)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYb", false),
            ("?.txt", "é.txt", false),
            ("?.txt", "a.txt", true),
            ("a", "ab", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        assert!(is_selected("conf", "conf/a.ini"));
        assert!(is_selected("conf/", "conf/a.ini"));
        assert!(!is_selected("conf", "conf/sub/a.ini"));
        assert!(is_selected("conf/sub/*.ini", "conf/sub/a.ini"));
    }
}
