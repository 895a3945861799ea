//! How things are put into words. Text from outside is always escaped.

use std::io::{self, Write};
use std::path::Path;

use anstyle::{AnsiColor, Style};
use indicatif::DecimalBytes;
use modelseal::{Escaped, IgnoredKind, Manifest, Method};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// A path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}

/// `3 files, 1.20 kB`.
pub(crate) fn amount(files: usize, bytes: u64) -> String {
    format!("{files} {}, {}", if files == 1 { "file" } else { "files" }, DecimalBytes(bytes))
}

/// One line of a report: a word, and what it stands for.
pub(crate) fn row(
    out: &mut dyn Write,
    style: Style,
    word: &str,
    value: impl std::fmt::Display,
) -> io::Result<()> {
    writeln!(out, "{style}{word:<11}{style:#} {value}")
}

/// What tells a directory from a file behind its name.
pub(crate) fn slash(kind: IgnoredKind) -> &'static str {
    if kind == IgnoredKind::Directory { "/" } else { "" }
}

/// `sha256`, or `sha256 in shards of 4 bytes`.
pub(crate) fn how(manifest: &Manifest) -> String {
    let serialization = manifest.serialization();
    match serialization.method {
        Method::Files => serialization.hash_type.to_string(),
        method @ Method::Shards(_) => format!("{} in {method}", serialization.hash_type),
    }
}
