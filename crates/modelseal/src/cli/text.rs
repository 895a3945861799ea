//! How things are put into words. Text from outside is always escaped.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use indicatif::DecimalBytes;
use modelseal::{Certificate, Escaped, IgnoredKind, Manifest, Method};

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();

/// A path as messages show it.
pub(crate) fn shown(path: &Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}

/// `3 files, 1.20 kB`.
pub(crate) fn amount(files: usize, bytes: u64) -> String {
    format!("{}, {}", count(files, "file", "files"), DecimalBytes(bytes))
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

/// A word as a shell takes it back, with nothing that acts on a terminal.
pub(crate) fn quoted(word: &OsStr) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:@%,".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(plain) => text.to_owned(),
        Some(text) if !text.chars().any(Escaped::is_escaped) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => {
            let byte = |byte: &u8| match byte {
                b'\'' | b'\\' => format!("\\{}", char::from(*byte)),
                byte if byte.is_ascii_graphic() || *byte == b' ' => char::from(*byte).to_string(),
                byte => format!("\\x{byte:02x}"),
            };
            format!("$'{}'", word.as_bytes().iter().map(byte).collect::<String>())
        }
    }
}

/// What there is to say of a signing certificate beside its names.
pub(crate) fn validity(certificate: &Certificate) -> String {
    format!(
        "serial {}, valid {} to {}",
        certificate.serial(),
        certificate.not_before(),
        certificate.not_after()
    )
}

/// A message that may quote an argument, without the PIN of a PKCS#11 URI that
/// stands where none belongs.
pub(crate) fn without_pins(message: &str) -> String {
    let mut message = message.to_owned();
    let arguments: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let pins = arguments.iter().filter_map(|argument| Some(argument.split_once(PIN)?.1));
    let mut pins: Vec<String> = pins.flat_map(|pin| [pin.to_owned(), Escaped(pin).to_string()]).collect();
    // One may begin with another.
    pins.sort_by_key(|pin| std::cmp::Reverse(pin.len()));
    for pin in pins {
        message = message.replace(&format!("{PIN}{pin}"), &format!("{PIN}…"));
    }
    let mut parts = message.split(PIN);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_end = |c: char| c.is_whitespace() || c == '\'' || c == ':';
        let rest = part.find(is_end).map_or("", |end| &part[end..]);
        shown.extend([PIN, "…", rest]);
    }
    shown
}

/// What stands before a PIN in a URI.
const PIN: &str = "pin-value=";

/// Whether [`without_pins`] would leave something out.
pub(crate) fn holds_pin(text: &str) -> bool {
    text.contains(PIN)
}

/// `1 entry`, `2 entries`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
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
