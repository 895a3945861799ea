use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use crate::Escaped;

/// Longest name that is read, in bytes: `PATH_MAX` of the systems we run on.
const MAX_LEN: usize = 4096;

/// The name of a file in a model: relative, `/`-separated, UTF-8, compared
/// byte for byte (specification, "Names").
///
/// It cannot be empty, start or end with `/`, hold an empty, `.` or `..`
/// component, a NUL or a backslash. `Display` escapes what could act on a
/// terminal; [`as_str`](Self::as_str) gives the true text. The order is that
/// of Unicode code points, which is the order of the UTF-8 bytes.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ManifestPath(String);

impl ManifestPath {
    /// Checks `name` against the rules above.
    ///
    /// # Errors
    /// [`NameError`] with the rule that is broken.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        match problem_with(&name) {
            None => Ok(Self(name)),
            Some(problem) => Err(NameError { name, problem }),
        }
    }

    /// The name `"."` under which the Python reference lists a single-file
    /// model instead of its basename. No file in a directory has it.
    pub fn unnamed_file() -> Self {
        Self(".".to_owned())
    }

    /// Whether this is [`unnamed_file`](Self::unnamed_file).
    pub fn is_unnamed_file(&self) -> bool {
        self.0 == "."
    }

    /// The name of `component` inside the directory `self`.
    ///
    /// # Errors
    /// [`NameError`] when `component` cannot stand in a name.
    pub fn join(&self, component: &str) -> Result<Self, NameError> {
        Self::new(format!("{}/{component}", self.0))
    }

    /// The true text. Never print it: use `Display`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components, at least one.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The directory that holds it, `None` at the top level.
    pub fn parent(&self) -> Option<&str> {
        self.0.rsplit_once('/').map(|(parent, _)| parent)
    }

    /// Why this name cannot be created safely on every system, if so: Windows
    /// gives a meaning of its own to devices, streams and trailing dots.
    ///
    /// Asked before a file is made under a name, not before it is read.
    pub fn portability_problem(&self) -> Option<&'static str> {
        self.components().find_map(component_portability_problem)
    }
}

fn problem_with(name: &str) -> Option<NameProblem> {
    if name.is_empty() {
        return Some(NameProblem::Empty);
    }
    if name.len() > MAX_LEN {
        return Some(NameProblem::TooLong);
    }
    if name.starts_with('/') {
        return Some(NameProblem::Absolute);
    }
    if name.contains('\0') {
        return Some(NameProblem::Nul);
    }
    if name.contains('\\') {
        return Some(NameProblem::Backslash);
    }
    name.split('/').find_map(|component| match component {
        "" => Some(NameProblem::EmptyComponent),
        "." | ".." => Some(NameProblem::DotComponent),
        _ => None,
    })
}

fn component_portability_problem(component: &str) -> Option<&'static str> {
    if component.contains(|c: char| c.is_ascii_control() || "<>:\"|?*".contains(c)) {
        return Some("a component holds one of < > : \" | ? * or a control character");
    }
    if component.ends_with(['.', ' ']) {
        return Some("a component ends with a dot or a space");
    }
    let stem = component.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix).is_some_and(|n| {
            matches!(n, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        })
    };
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT");
    device.then_some("a component is the name of a device on Windows")
}

impl Display for ManifestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&Escaped(&self.0), f)
    }
}

impl Debug for ManifestPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManifestPath({self})")
    }
}

impl FromStr for ManifestPath {
    type Err = NameError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::new(s)
    }
}

/// A path that a signer left out of the signature: a [`ManifestPath`] without
/// wildcards that stands for itself and everything beneath it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IgnorePath(ManifestPath);

impl IgnorePath {
    /// Checks `name`: a trailing `/` is dropped, wildcards are refused because
    /// nobody expands them.
    ///
    /// # Errors
    /// [`NameError`] with the rule that is broken.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let trimmed = match name.strip_suffix('/') {
            Some(rest) if !rest.is_empty() => rest,
            _ => name,
        };
        if trimmed.contains(['*', '?', '[']) {
            return Err(NameError { name: name.to_owned(), problem: NameProblem::Wildcard });
        }
        ManifestPath::new(trimmed).map(Self)
    }

    /// Whether `path` is this path or lies beneath it.
    pub fn covers(&self, path: &ManifestPath) -> bool {
        path.as_str()
            .strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path itself.
    pub fn as_path(&self) -> &ManifestPath {
        &self.0
    }
}

impl From<ManifestPath> for IgnorePath {
    /// Takes a path that was found on the disk, whatever characters it holds.
    fn from(path: ManifestPath) -> Self {
        Self(path)
    }
}

impl Display for IgnorePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }
}

/// A run of bytes in a file: `start` inclusive, `end` exclusive, never empty.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ByteRange {
    start: u64,
    end: u64,
}

impl ByteRange {
    /// `None` when the range would be empty or turned around.
    pub const fn new(start: u64, end: u64) -> Option<Self> {
        if start < end { Some(Self { start, end }) } else { None }
    }

    /// First byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// One past the last byte.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Bytes in the range, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub const fn len(self) -> u64 {
        self.end - self.start
    }
}

/// What one digest is of: a whole file, or a shard of it, written
/// `path:start:end`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ResourceName {
    /// The file.
    pub path: ManifestPath,
    /// The shard, `None` for the whole file.
    pub range: Option<ByteRange>,
}

impl ResourceName {
    /// Reads the name of a whole file. `"."` is taken as the reference's
    /// spelling of a single-file model.
    ///
    /// # Errors
    /// [`NameError`] with the rule that is broken.
    pub fn file(name: &str) -> Result<Self, NameError> {
        Ok(Self { path: path_or_unnamed(name)?, range: None })
    }

    /// Reads `path:start:end`. The path may hold colons: the last two fields
    /// are the integers.
    ///
    /// # Errors
    /// [`NameError`] when there are no two integers, when the range is empty,
    /// or when the path breaks a rule.
    pub fn shard(name: &str) -> Result<Self, NameError> {
        let bad = || NameError { name: name.to_owned(), problem: NameProblem::ShardSuffix };
        let mut fields = name.rsplitn(3, ':');
        let (end, start, path) = (fields.next(), fields.next(), fields.next());
        let range = match (start.and_then(decimal), end.and_then(decimal)) {
            (Some(start), Some(end)) => ByteRange::new(start, end).ok_or_else(bad)?,
            _ => return Err(bad()),
        };
        Ok(Self { path: path_or_unnamed(path.ok_or_else(bad)?)?, range: Some(range) })
    }

    /// The true text, as a statement carries it. Never print it: use `Display`.
    pub fn to_wire(&self) -> String {
        match self.range {
            None => self.path.as_str().to_owned(),
            Some(range) => format!("{}:{}:{}", self.path.as_str(), range.start(), range.end()),
        }
    }
}

impl Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&Escaped(&self.to_wire()), f)
    }
}

fn path_or_unnamed(name: &str) -> Result<ManifestPath, NameError> {
    if name == "." { Ok(ManifestPath::unnamed_file()) } else { ManifestPath::new(name) }
}

/// Digits only, no sign, no leading zero: one spelling for each number.
fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| text.parse().ok()).flatten()
}

/// A name that cannot stand in a manifest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the name \"{}\" {problem}", Escaped(name))]
pub struct NameError {
    /// The name as it was given.
    pub name: String,
    /// The rule that it breaks.
    pub problem: NameProblem,
}

/// The rule that a name breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// No text at all.
    #[error("is empty")]
    Empty,
    /// More than 4,096 bytes.
    #[error("is longer than 4,096 bytes")]
    TooLong,
    /// A leading `/`.
    #[error("is absolute; names are relative to the model")]
    Absolute,
    /// A NUL character.
    #[error("holds a NUL character")]
    Nul,
    /// A backslash, which separates components on some systems only.
    #[error("holds a backslash, which is a separator on some systems")]
    Backslash,
    /// `a//b` or `a/`.
    #[error("has an empty component")]
    EmptyComponent,
    /// `.` or `..`.
    #[error("has a \".\" or \"..\" component")]
    DotComponent,
    /// `*`, `?` or `[` in a path to ignore.
    #[error("holds a wildcard; paths to ignore are exact")]
    Wildcard,
    /// Not `path:start:end` with `start` before `end`.
    #[error("does not end with the byte range of a shard, \":START:END\"")]
    ShardSuffix,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str) -> NameProblem {
        ManifestPath::new(name).expect_err(name).problem
    }

    #[test]
    fn item_60_names_that_leave_the_root_or_change_by_system_are_refused() {
        assert_eq!(problem("../x"), NameProblem::DotComponent);
        assert_eq!(problem("a/../x"), NameProblem::DotComponent);
        assert_eq!(problem("./x"), NameProblem::DotComponent);
        assert_eq!(problem("."), NameProblem::DotComponent);
        assert_eq!(problem("/x"), NameProblem::Absolute);
        assert_eq!(problem("C:\\x"), NameProblem::Backslash);
        assert_eq!(problem("a\\..\\b"), NameProblem::Backslash);
        assert_eq!(problem("a\0b"), NameProblem::Nul);
        assert_eq!(problem(""), NameProblem::Empty);
        assert_eq!(problem("a//b"), NameProblem::EmptyComponent);
        assert_eq!(problem("a/"), NameProblem::EmptyComponent);
        assert_eq!(problem(&"a".repeat(4097)), NameProblem::TooLong);
    }

    #[test]
    fn item_61_names_with_a_meaning_on_windows_are_told_apart() {
        for name in [
            "CON",
            "con.txt",
            "dir/NUL",
            "a:ads",
            "weights.",
            "weights ",
            "COM1",
            "lpt9.bin",
            "COM¹",
            "x/a?b",
            "C:/x",
            "CONIN$",
            "nul .txt",
            "tab\there",
        ] {
            let path = ManifestPath::new(name).unwrap();
            assert!(path.portability_problem().is_some(), "{name}");
        }
        for name in ["console", "com10", "weights.bin", ".hidden", "COM", "a b/c d", "ünï"] {
            assert_eq!(ManifestPath::new(name).unwrap().portability_problem(), None, "{name}");
        }
    }

    #[test]
    fn item_78_ignore_paths_that_would_cover_everything_or_leave_are_refused() {
        for name in [".", "", "/", "../x", "./x", "*", "*.bin", "a/?", "[ab]", "/etc", "a//b"] {
            assert!(IgnorePath::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn ignore_path_covers_itself_and_what_is_beneath_it_only() {
        let ignore = IgnorePath::new("logs/").unwrap();
        for (name, covered) in
            [("logs", true), ("logs/a/b", true), ("logs2", false), ("a/logs", false), ("log", false)]
        {
            assert_eq!(ignore.covers(&ManifestPath::new(name).unwrap()), covered, "{name}");
        }
    }

    #[test]
    fn item_81_shard_names_are_read_by_the_last_two_integers() {
        let shard = ResourceName::shard("a:0:5:10:20").unwrap();
        assert_eq!(shard.path.as_str(), "a:0:5");
        assert_eq!(shard.range, ByteRange::new(10, 20));
        assert_eq!(shard.to_wire(), "a:0:5:10:20");
        let file = ResourceName::file("a:0:5").unwrap();
        assert_eq!((file.path.as_str(), file.range), ("a:0:5", None));
    }

    #[test]
    fn item_80_shard_ranges_that_make_no_sense_are_refused() {
        for name in [
            "a:5:5",
            "a:6:5",
            "a:0",
            "a",
            ":0:5",
            "a:-1:5",
            "a:+1:5",
            "a:00:5",
            "a:0:05",
            "a:0:18446744073709551616",
            "a:0x0:5",
            "a: 0:5",
            "a::5",
            "a:0:",
        ] {
            assert!(ResourceName::shard(name).is_err(), "{name}");
        }
    }

    #[test]
    fn order_is_that_of_code_points() {
        let mut paths = ["a/b", "a-b", "a.b", "ａ", "𝐚", "a"].map(|p| ManifestPath::new(p).unwrap());
        paths.sort();
        assert_eq!(paths.map(|p| p.as_str().to_owned()), ["a", "a-b", "a.b", "a/b", "ａ", "𝐚"]);
    }
}
