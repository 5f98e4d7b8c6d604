//! Converts positions: URIs and paths, lines with columns and byte offsets.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use lsp_types as lsp;

use crate::source::{FileId, SourceFile, Sources, Span};

/// The unit of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    /// Bytes.
    Utf8,
    /// UTF-16 code units.
    Utf16,
}

impl Columns {
    pub(super) fn range(self, file: &SourceFile, span: Span) -> lsp::Range {
        lsp::Range { start: self.position(file, span.start), end: self.position(file, span.end) }
    }

    fn position(self, file: &SourceFile, offset: u32) -> lsp::Position {
        let line = file.position(offset).line;
        let start = file.line_start(line) as usize;
        let before = file.text.get(start..offset as usize).unwrap_or_default();
        let character = match self {
            Self::Utf8 => before.len(),
            Self::Utf16 => before.encode_utf16().count(),
        };
        lsp::Position { line: line as u32 - 1, character: character as u32 }
    }

    /// The byte offset of a position; beyond the end of a line, that of its end.
    pub(super) fn offset(self, sources: &Sources, file: FileId, at: lsp::Position) -> usize {
        let Some(file) = sources.get(file) else { return 0 };
        let line = file.line(at.line as usize + 1);
        let start = file.line_start(at.line as usize + 1) as usize;
        let wanted = at.character as usize;
        let mut units = 0;
        for (at, c) in line.char_indices() {
            if units >= wanted {
                return start + at;
            }
            units += match self {
                Self::Utf8 => c.len_utf8(),
                Self::Utf16 => c.len_utf16(),
            };
        }
        start + line.len()
    }
}

/// The file with a path, as it was read last.
pub(super) fn file_named(sources: &Sources, path: &Path) -> Option<FileId> {
    let files = (0..).map(FileId).map_while(|id| Some((id, sources.get(id)?)));
    files.filter(|(_, file)| Path::new(&file.name) == path).map(|(id, _)| id).last()
}

/// The file of a span, and its path; `None` for embedded files and standard input.
pub(super) fn file_of(sources: &Sources, file: FileId) -> Option<(Arc<SourceFile>, PathBuf)> {
    let file = sources.get(file)?;
    let path = PathBuf::from(&file.name);
    path.is_absolute().then_some((file, path))
}

/// The path of a `file:` URI.
pub(super) fn path_of(uri: &lsp::Uri) -> Option<PathBuf> {
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
pub(super) fn uri_of(path: &Path) -> Option<lsp::Uri> {
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
