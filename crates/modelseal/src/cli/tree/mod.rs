//! The whole chain of a model: who signed it, what is attested of it, what it was
//! made from, and the same of that.

mod claims;
mod trust;
mod verdict;

use std::io::{self, Write};

use anstyle::Style;
use modelseal::{Escaped, PROVENANCE_TYPE, Provenance, RELEASE_TYPE, SUCCESSION_TYPE, SUMMARY_TYPE};
use serde_json::{Value, json};

use super::text::{BAD, DIM, GOOD, WARN};

pub(crate) use claims::of_claims;
pub(crate) use trust::of_trust;
pub(crate) use verdict::of_verdict;

/// One link of the chain, and what hangs on it.
#[derive(Debug)]
pub(crate) struct Node {
    kind: &'static str,
    text: String,
    standing: Standing,
    /// Where it was read, by which key or certificate, and when that was.
    details: Vec<String>,
    children: Vec<Node>,
}

/// How far it can be believed.
#[derive(Debug)]
enum Standing {
    /// It is proved, or admitted; with what there is to add.
    Good(String),
    /// It is proved, or admitted, and has no part in the verdict, or a bad one.
    Doubtful(String),
    /// It is denied, or not verified.
    Bad(String),
    /// Somebody says so, whose word is in the link above.
    Said,
    /// Nobody looked.
    Claimed,
}

impl Node {
    fn new(kind: &'static str, text: &(impl ToString + ?Sized), standing: Standing) -> Self {
        Self { kind, text: text.to_string(), standing, details: vec![], children: vec![] }
    }

    fn detail(mut self, detail: &(impl ToString + ?Sized)) -> Self {
        self.details.push(detail.to_string());
        self
    }

    fn with_details(mut self, details: impl IntoIterator<Item = String>) -> Self {
        self.details.extend(details);
        self
    }

    fn with(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }

    /// Whether there is nothing to see.
    pub(crate) fn is_bare(&self) -> bool {
        self.children.is_empty()
    }

    /// Whether there is more to see than one link.
    pub(crate) fn has_several(&self) -> bool {
        self.children.len() > 1
    }

    /// Every link in the order in which it is printed: a list, since a chain may be longer
    /// than readers of JSON go deep.
    pub(crate) fn json(&self) -> Value {
        let mut links = Vec::new();
        let mut waiting = vec![(0, self)];
        while let Some((depth, node)) = waiting.pop() {
            links.push(json!({
                "depth": depth,
                "kind": node.kind,
                "text": node.text,
                "status": node.standing.code(),
                "note": node.standing.note(),
                "details": node.details,
            }));
            waiting.extend(node.children.iter().rev().map(|child| (depth + 1, child)));
        }
        Value::from(links)
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.line(out, "")?;
        self.print_rest(out, "")
    }

    fn line(&self, out: &mut dyn Write, before: &str) -> io::Result<()> {
        let style = self.standing.style();
        let (kind, text, note) = (self.kind, &self.text, self.standing.note());
        let separator = if kind.is_empty() || text.is_empty() { "" } else { " " };
        match note {
            Some(note) => writeln!(out, "{before}{kind}{separator}{text}: {style}{note}{style:#}"),
            None => writeln!(out, "{before}{kind}{separator}{text}"),
        }
    }

    fn print_rest(&self, out: &mut dyn Write, before: &str) -> io::Result<()> {
        let stem = if self.children.is_empty() { "  " } else { "│ " };
        for detail in &self.details {
            writeln!(out, "{before}{stem}{DIM}{detail}{DIM:#}")?;
        }
        let last = self.children.len().saturating_sub(1);
        for (index, child) in self.children.iter().enumerate() {
            let (branch, stem) = if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            child.line(out, &format!("{before}{branch}"))?;
            child.print_rest(out, &format!("{before}{stem}"))?;
        }
        Ok(())
    }
}

impl Standing {
    /// A stable word, for machines.
    const fn code(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Doubtful(_) => "doubtful",
            Self::Bad(_) => "bad",
            Self::Said => "said",
            Self::Claimed => "claimed",
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Good(note) | Self::Doubtful(note) | Self::Bad(note) => Some(note),
            Self::Said => None,
            Self::Claimed => Some("not verified"),
        }
    }

    const fn style(&self) -> Style {
        match self {
            Self::Good(_) => GOOD,
            Self::Doubtful(_) | Self::Claimed => WARN,
            Self::Bad(_) => BAD,
            Self::Said => Style::new(),
        }
    }
}

/// What people call an attestation of this type.
fn kind_of(predicate_type: &str) -> &'static str {
    match predicate_type {
        PROVENANCE_TYPE => "provenance",
        RELEASE_TYPE => "release",
        SUCCESSION_TYPE => "succession",
        SUMMARY_TYPE => "summary",
        kind if Provenance::is_type(kind) => "provenance",
        kind if modelseal::Release::is_type(kind) => "release",
        _ => "attestation",
    }
}

/// What provenance says of the build.
fn build(provenance: &Provenance) -> Vec<Node> {
    let said = |kind, text: &str| Node::new(kind, &Escaped(text), Standing::Said);
    let mut nodes = vec![said("builder", &provenance.builder)];
    if let Some(source) = &provenance.source {
        let reference = source.reference.as_ref().map(|reference| format!("@{reference}"));
        nodes.push(said("source", &format!("{}{}", source.repository, reference.unwrap_or_default())));
    }
    nodes.extend(provenance.run.iter().filter_map(|run| Some(said("run", run.invocation.as_ref()?))));
    nodes
}

/// The word for a model that another was made from.
fn role(resource: &modelseal::ResourceDescriptor) -> &'static str {
    match resource.role() {
        Some("base-model") => "base model",
        Some("data-set") => "data set",
        _ => "dependency",
    }
}
