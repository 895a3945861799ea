//! TOML and JSON, read into one tree that knows where each value stands, so
//! that every error names the line and the key.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use modelseal_bundle::check_json;
use modelseal_manifest::Escaped;
use serde_json::value::RawValue;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, de::DeString};

/// The most bytes of a policy, a deny-list or a lock: 64 MiB.
pub const MAX_DOCUMENT_BYTES: u64 = 64 * 1024 * 1024;
/// The most values: a rule of a policy has about ten.
const MAX_VALUES: usize = 4_000_000;
/// Nested tables and lists. Ours need six.
const MAX_DEPTH: usize = 12;

/// Why a policy, a deny-list or a lock was not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}{}{}: {}", if key.is_empty() { "" } else { ", " }, Escaped(key), problem)]
pub struct DocumentError {
    /// The line, counted from 1.
    pub line: usize,
    /// The key, such as `rules[2].scope`; empty for the whole document.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

/// Reads a document whose top is a table. It is JSON where it begins with
/// `{`, and TOML otherwise.
pub(crate) fn parse(bytes: &[u8]) -> Result<Table<'_>, DocumentError> {
    let whole = |problem: String| DocumentError { line: 1, key: String::new(), problem };
    if bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(whole(format!("{} bytes, and at most {MAX_DOCUMENT_BYTES} are read", bytes.len())));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| DocumentError {
        line: line_of(bytes, error.valid_up_to()),
        key: String::new(),
        problem: "not UTF-8".to_owned(),
    })?;
    let node = if text.trim_start().starts_with('{') { json(text)? } else { toml(text)? };
    Field { text, key: String::new(), node }.table()
}

/// A text as TOML, in one line, with nothing in it that acts on whoever looks
/// at the file.
pub(crate) fn quoted(text: &str) -> String {
    let shown = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_control() || Escaped::is_escaped(c) => format!("\\U{:08x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(shown).collect::<String>())
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes.iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

fn toml(text: &str) -> Result<Node, DocumentError> {
    // Each value takes memory as soon as it is read, and stands between two of these.
    let values = text.bytes().filter(|byte| matches!(byte, b',' | b'=' | b'[')).count();
    if values > MAX_VALUES {
        let problem = format!("may hold {values} values, and at most {MAX_VALUES} are read");
        return Err(DocumentError { line: 1, key: String::new(), problem });
    }
    let table = DeTable::parse(text).map_err(|error| {
        let line = line_of(text.as_bytes(), error.span().map_or(0, |span| span.start));
        DocumentError { line, key: String::new(), problem: format!("not TOML: {}", Escaped(error.message())) }
    })?;
    let at = table.span().start;
    of_table(table.into_inner(), at, 0).map_err(|at| too_deep(text, at))
}

/// The error is the place where it is too deep.
fn of_table(table: DeTable<'_>, at: usize, depth: usize) -> Result<Node, usize> {
    let entry = |(key, value): (Spanned<DeString<'_>>, Spanned<DeValue<'_>>)| {
        // A table has no one place: where it is named is where people look.
        let at = key.span().start;
        of_value(value.into_inner(), at, depth).map(|node| (key.into_inner().into_owned(), node))
    };
    let entries = table.into_iter().map(entry).collect::<Result<_, _>>()?;
    Ok(Node { at, value: Value::Table(entries) })
}

fn of_value(value: DeValue<'_>, at: usize, depth: usize) -> Result<Node, usize> {
    if depth == MAX_DEPTH {
        return Err(at);
    }
    let value = match value {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("number"), Value::Integer),
        DeValue::Float(_) => Value::Other("number"),
        DeValue::Boolean(value) => Value::Boolean(value),
        DeValue::Datetime(time) => Value::Time(time.to_string()),
        DeValue::Array(array) => {
            let node = |value: Spanned<DeValue<'_>>| {
                let at = value.span().start;
                of_value(value.into_inner(), at, depth + 1)
            };
            Value::List(array.into_iter().map(node).collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => return of_table(table, at, depth + 1),
    };
    Ok(Node { at, value })
}

fn too_deep(text: &str, at: usize) -> DocumentError {
    let line = line_of(text.as_bytes(), at);
    DocumentError { line, key: String::new(), problem: format!("nested more than {MAX_DEPTH} deep") }
}

fn json(text: &str) -> Result<Node, DocumentError> {
    check_json(text.as_bytes(), MAX_VALUES).map_err(|error| {
        let problem = format!("not JSON: {}", Escaped(&error.message));
        DocumentError { line: error.line, key: String::new(), problem }
    })?;
    of_json(text, text, 0).map_err(|at| too_deep(text, at))
}

/// `part` is a part of `text`, and known to be JSON. The error is the place
/// where it is too deep.
fn of_json(text: &str, part: &str, depth: usize) -> Result<Node, usize> {
    let at = part.trim_ascii_start().as_ptr().addr() - text.as_ptr().addr();
    if depth > MAX_DEPTH {
        return Err(at);
    }
    let inner = |value: &RawValue| of_json(text, value.get(), depth + 1);
    let value = match part.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {
            let entries: BTreeMap<String, &RawValue> = serde_json::from_str(part).map_err(|_| at)?;
            let entry = |(key, value): (String, &RawValue)| inner(value).map(|node| (key, node));
            Value::Table(entries.into_iter().map(entry).collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let entries: Vec<&RawValue> = serde_json::from_str(part).map_err(|_| at)?;
            Value::List(entries.into_iter().map(inner).collect::<Result<_, _>>()?)
        }
        _ => match serde_json::from_str(part).map_err(|_| at)? {
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Bool(value) => Value::Boolean(value),
            serde_json::Value::Number(number) => {
                number.as_u64().map_or(Value::Other("number"), Value::Integer)
            }
            _ => Value::Other("null"),
        },
    };
    Ok(Node { at, value })
}

#[derive(Debug)]
struct Node {
    /// Where it begins, in bytes.
    at: usize,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Integer(u64),
    Boolean(bool),
    Time(String),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    Other(&'static str),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "number",
            Self::Boolean(_) => "boolean",
            Self::Time(_) => "time",
            Self::List(_) => "list",
            Self::Table(_) => "table",
            Self::Other(kind) => kind,
        }
    }
}

/// A table whose keys are taken one by one.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    text: &'a str,
    key: String,
    at: usize,
    entries: BTreeMap<String, Node>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<Field<'a>> {
        self.known.push(name);
        let node = self.entries.remove(name)?;
        Some(self.field(name, node))
    }

    pub(crate) fn required(&mut self, name: &'static str) -> Result<Field<'a>, DocumentError> {
        self.optional(name).ok_or_else(|| self.refuse(format!("\"{name}\" is missing")))
    }

    /// Everything that is left, by its name.
    pub(crate) fn rest(mut self) -> Vec<(String, Field<'a>)> {
        let entries = std::mem::take(&mut self.entries);
        entries.into_iter().map(|(name, node)| (name.clone(), self.field(&name, node))).collect()
    }

    /// Whatever was not taken is a mistake, and must not be passed over.
    pub(crate) fn finish(mut self) -> Result<(), DocumentError> {
        self.check()
    }

    /// Whether everything was taken.
    pub(crate) fn check(&mut self) -> Result<(), DocumentError> {
        let Some((name, node)) = self.entries.pop_first() else { return Ok(()) };
        let known: Vec<String> = self.known.iter().map(|name| format!("\"{name}\"")).collect();
        let field = self.field(&name, node);
        Err(field.refuse(format!("is unknown here; known are {}", known.join(", "))))
    }

    pub(crate) fn refuse(&self, problem: impl Display) -> DocumentError {
        let line = line_of(self.text.as_bytes(), self.at);
        DocumentError { line, key: self.key.clone(), problem: problem.to_string() }
    }

    fn field(&self, name: &str, node: Node) -> Field<'a> {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let name = if name.chars().all(is_bare) { name.to_owned() } else { format!("\"{name}\"") };
        let dot = if self.key.is_empty() { "" } else { "." };
        Field { text: self.text, key: format!("{}{dot}{name}", self.key), node }
    }
}

/// A value under its key.
#[derive(Debug)]
pub(crate) struct Field<'a> {
    text: &'a str,
    key: String,
    node: Node,
}

impl<'a> Field<'a> {
    pub(crate) fn table(self) -> Result<Table<'a>, DocumentError> {
        match self.node.value {
            Value::Table(entries) => {
                Ok(Table { text: self.text, key: self.key, at: self.node.at, entries, known: vec![] })
            }
            _ => Err(self.expected("a table")),
        }
    }

    pub(crate) fn list(self) -> Result<Vec<Self>, DocumentError> {
        let Self { text, key, node } = self;
        match node.value {
            Value::List(nodes) => {
                let field = |(index, node)| Self { text, key: format!("{key}[{index}]"), node };
                Ok(nodes.into_iter().enumerate().map(field).collect())
            }
            value => Err(Self { text, key, node: Node { at: node.at, value } }.expected("a list")),
        }
    }

    pub(crate) fn text(&self) -> Result<&str, DocumentError> {
        match &self.node.value {
            Value::Text(text) => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    pub(crate) fn parse<T: FromStr<Err: Display>>(&self) -> Result<T, DocumentError> {
        self.text()?.parse().map_err(|error| self.refuse(error))
    }

    pub(crate) fn integer(&self) -> Result<u64, DocumentError> {
        match self.node.value {
            Value::Integer(number) => Ok(number),
            _ => Err(self.expected("a whole number, not below 0")),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool, DocumentError> {
        match self.node.value {
            Value::Boolean(value) => Ok(value),
            _ => Err(self.expected("true or false")),
        }
    }

    /// A time of TOML, or one as text; a day stands for its beginning in UTC.
    pub(crate) fn time(&self) -> Result<Timestamp, DocumentError> {
        let (Value::Time(text) | Value::Text(text)) = &self.node.value else {
            return Err(self.expected("a time such as 2027-06-01T00:00:00Z, or a day"));
        };
        let time = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
        time.map_err(|_| self.refuse("expected a time with its zone such as 2027-06-01T00:00:00Z, or a day"))
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, DocumentError> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        found.ok_or_else(|| {
            let words: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.refuse(format!("\"{}\" is none of {}", Escaped(text), words.join(", ")))
        })
    }

    pub(crate) fn refuse(&self, problem: impl Display) -> DocumentError {
        let line = line_of(self.text.as_bytes(), self.node.at);
        DocumentError { line, key: self.key.clone(), problem: problem.to_string() }
    }

    /// Where it stands; cheap, unlike an error, which counts lines.
    pub(crate) fn mark(&self) -> Mark<'a> {
        Mark { text: self.text, key: self.key.clone(), at: self.node.at }
    }

    fn expected(&self, what: &str) -> DocumentError {
        self.refuse(format!("expected {what}, found a {}", self.node.value.kind()))
    }
}

/// Where something stands.
#[derive(Clone, Debug)]
pub(crate) struct Mark<'a> {
    text: &'a str,
    key: String,
    at: usize,
}

impl Mark<'_> {
    pub(crate) fn line(&self) -> usize {
        line_of(self.text.as_bytes(), self.at)
    }

    pub(crate) fn refuse(&self, problem: impl Display) -> DocumentError {
        DocumentError { line: self.line(), key: self.key.clone(), problem: problem.to_string() }
    }
}
