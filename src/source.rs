//! The files of a run, and positions in them.
//!
//! A position is a small `Copy` [`Span`] of bytes, which becomes a line and a column only when it is printed.

use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use foldhash::HashMap;

/// The maximum size of a file, in bytes.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// The index of a file in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A range of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

impl Span {
    /// The position of what is not in a file.
    pub const NONE: Self = Self { file: FileId(u32::MAX), start: 0, end: 0 };

    /// A span of `start..end` in `file`.
    #[must_use]
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// Whether this is [`Span::NONE`].
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.file.0 == u32::MAX
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NONE
    }
}

/// The contents of a file and its name as shown to people: a path as given, `-` for standard input, `--set` for an
/// argument.
#[derive(Debug)]
pub struct SourceFile {
    /// The name shown to people.
    pub name: String,
    /// The contents.
    pub text: Arc<str>,
    line_starts: OnceLock<Vec<u32>>,
    /// The number of code points before each stretch of [`STRETCH`] bytes; computed for long lines only.
    begun: OnceLock<Vec<u32>>,
}

/// A line and a column, both from 1; columns count code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in code points, from 1.
    pub column: usize,
}

/// A column beyond this is computed from the stretches: a file may be a single line, with a column for each of its
/// findings.
const STRETCH: usize = 1024;

/// The number of code points that start in some bytes of a string.
fn begun(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte as i8) >= -64).count()
}

impl SourceFile {
    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect()
        })
    }

    /// The line and column of a byte offset.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let start = starts[line - 1] as usize;
        let end = (offset as usize).clamp(start, self.text.len());
        let before = self.text.get(start..end).unwrap_or_default();
        // A byte order mark does not have a column.
        let mark = usize::from(before.starts_with('\u{feff}'));
        Position { line, column: self.begun(start, end) - mark + 1 }
    }

    /// The number of code points that start between two offsets.
    fn begun(&self, start: usize, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        if end - start <= STRETCH {
            return begun(&bytes[start..end]);
        }
        let before = self.begun.get_or_init(|| {
            let counts = bytes.chunks(STRETCH).scan(0, |all, stretch| {
                *all += begun(stretch) as u32;
                Some(*all)
            });
            std::iter::once(0).chain(counts).collect()
        });
        let until = |at: usize| before[at / STRETCH] as usize + begun(&bytes[at / STRETCH * STRETCH..at]);
        until(end) - until(start)
    }

    /// A line (from 1), without its line break.
    #[must_use]
    pub fn line(&self, line: usize) -> &str {
        let starts = self.line_starts();
        let start = starts.get(line - 1).map_or(self.text.len(), |at| *at as usize);
        let end = starts.get(line).map_or(self.text.len(), |at| *at as usize);
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The byte offset of a line (from 1).
    #[must_use]
    pub fn line_start(&self, line: usize) -> u32 {
        self.line_starts().get(line - 1).copied().unwrap_or(self.text.len() as u32)
    }
}

/// All files of a run. Files are only added, from any thread.
#[derive(Debug, Default)]
pub struct Sources {
    /// Contents that override those on disk, by absolute path.
    buffers: HashMap<PathBuf, Arc<str>>,
    files: RwLock<Vec<Arc<SourceFile>>>,
    secrets: RwLock<Vec<(Span, String)>>,
    unread: RwLock<Vec<Span>>,
}

impl Sources {
    /// An empty collection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty collection in which some files, by absolute path, have other contents than on disk: unsaved edits.
    #[must_use]
    pub fn with_buffers(buffers: HashMap<PathBuf, Arc<str>>) -> Self {
        Self { buffers, ..Self::default() }
    }

    /// Reads a whole file within the size limit, or its unsaved contents. It is not added.
    ///
    /// # Errors
    /// If it cannot be read, is too large or is not UTF-8.
    pub fn read_file(&self, path: &Path) -> Result<String, ReadError> {
        if !self.buffers.is_empty()
            && let Some(text) = std::path::absolute(path).ok().and_then(|path| self.buffers.get(&path))
        {
            return Ok(text.to_string());
        }
        read_file(path)
    }

    /// Adds contents under a name and returns the index.
    pub fn add(&self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let file =
            SourceFile { name: name.into(), text: text.into(), line_starts: OnceLock::new(), begun: OnceLock::new() };
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        files.push(Arc::new(file));
        FileId(files.len() as u32 - 1)
    }

    /// Records a secret value and its position, so that output can redact it.
    pub fn add_secret(&self, span: Span, value: impl Into<String>) {
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        secrets.push((span, value.into()));
    }

    /// The secret values recorded so far, with their positions.
    #[must_use]
    pub fn secrets(&self) -> Vec<(Span, String)> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records that a document could not be read, so that its secrets are unknown.
    pub fn add_unread(&self, span: Span) {
        self.unread.write().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    /// The documents that could not be read.
    #[must_use]
    pub fn unread(&self) -> Vec<Span> {
        self.unread.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The file with an index; `None` for that of [`Span::NONE`].
    #[must_use]
    pub fn get(&self, file: FileId) -> Option<Arc<SourceFile>> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.get(file.0 as usize).cloned()
    }

    /// The file name, line and column of a span: `profiles/gateway.yaml:6:13`.
    #[must_use]
    pub fn describe(&self, span: Span) -> String {
        match self.get(span.file) {
            Some(file) => {
                let at = file.position(span.start);
                format!("{}:{}:{}", file.name, at.line, at.column)
            }
            None => "nowhere".to_owned(),
        }
    }

    /// The string that a span covers.
    #[must_use]
    pub fn text(&self, span: Span) -> String {
        self.get(span.file)
            .and_then(|file| file.text.get(span.start as usize..span.end as usize).map(str::to_owned))
            .unwrap_or_default()
    }
}

/// Why a file could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// An input/output error.
    Io(io::Error),
    /// It is larger than [`MAX_BYTES`].
    TooLarge,
    /// It is not UTF-8 from this line and column on.
    NotUtf8(Position),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::TooLarge => write!(f, "larger than {} MiB", MAX_BYTES / 1024 / 1024),
            Self::NotUtf8(at) => write!(f, "not UTF-8 from line {}, column {} on", at.line, at.column),
        }
    }
}

impl std::error::Error for ReadError {}

/// Reads a whole stream as a string within the size limit.
///
/// # Errors
/// If it cannot be read, is too large or is not UTF-8.
pub fn read_text(from: impl Read) -> Result<String, ReadError> {
    read_sized(from, 0)
}

/// Reads at most [`MAX_BYTES`]; `size` is the expected number.
fn read_all(from: impl Read, size: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::with_capacity(size.min(MAX_BYTES) as usize + 1);
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > MAX_BYTES { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// As [`read_text`]; `size` is the expected number of bytes.
fn read_sized(from: impl Read, size: u64) -> Result<String, ReadError> {
    let bytes = read_all(from, size)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = good.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&good[start..]).chars().count() + 1;
        ReadError::NotUtf8(Position { line, column })
    })
}

/// Reads the bytes of a whole file within the size limit.
///
/// # Errors
/// If it cannot be read or is too large.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let file = std::fs::File::open(path).map_err(ReadError::Io)?;
    let size = file.metadata().map_or(0, |found| found.len());
    read_all(file, size)
}

/// Reads a whole file within the size limit.
///
/// # Errors
/// If it cannot be read, is too large or is not UTF-8.
pub fn read_file(path: &Path) -> Result<String, ReadError> {
    let file = std::fs::File::open(path).map_err(ReadError::Io)?;
    // Only a hint: special files have no size, and any file may grow.
    let size = file.metadata().map_or(0, |found| found.len());
    read_sized(file, size)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn columns_are_counted_alike_in_long_lines() {
        let text = format!("\u{feff}{}\n{}", "aé→🙂".repeat(700), "→b".repeat(3000));
        let sources = Sources::new();
        let file = sources.get(sources.add("text", text.as_str())).unwrap();
        let (mut line, mut column) = (1, 1);
        for (at, c) in text.char_indices() {
            assert_eq!(file.position(at as u32), Position { line, column }, "{at}");
            match c {
                '\n' => (line, column) = (line + 1, 1),
                '\u{feff}' => {}
                _ => column += 1,
            }
        }
        assert_eq!(file.position(text.len() as u32), Position { line, column });
    }
}
