use std::cmp::Ordering;
use std::fmt::{self, Display};
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use crate::Escaped;

/// The most bytes of a name, and of a revision.
const MAX_LEN: usize = 1024;
/// The hub's limit for each part of a name.
const MAX_HUB_PART: usize = 96;

/// What a model is called, and where it is from (`spec/references.md`):
///
/// ```text
/// hf://ORGANISATION/NAME          a repository of the Hugging Face hub
/// oci://REGISTRY[:PORT]/PATH      a repository of an OCI registry
/// file:/ABSOLUTE/PATH             a place on this machine
/// ```
///
/// A name has one spelling, and everything else is an error, so that two
/// names are never one model. The hub alone passes over case: there,
/// `hf://Acme/Toy` and `hf://acme/toy` are equal, as they are one repository.
#[derive(Clone, Debug)]
pub struct ModelName {
    text: String,
    key: String,
}

impl ModelName {
    /// Where it is from.
    pub fn scheme(&self) -> NameScheme {
        NameScheme::of(&self.text).map_or(NameScheme::File, |(scheme, _)| scheme)
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The form by which names are compared and sorted.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What follows the scheme: `ORGANISATION/NAME`, `REGISTRY/PATH`, or the
    /// absolute path.
    pub fn path(&self) -> &str {
        NameScheme::of(&self.text).map_or("", |(_, path)| path)
    }
}

impl FromStr for ModelName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |problem| ReferenceError { text: text.to_owned(), problem };
        if text.len() > MAX_LEN {
            return Err(refused(ReferenceProblem::TooLong));
        }
        let (scheme, path) = NameScheme::of(text).ok_or_else(|| refused(ReferenceProblem::Scheme))?;
        scheme.check(path).map_err(refused)?;
        let key = match scheme {
            NameScheme::Hub => text.to_ascii_lowercase(),
            NameScheme::Oci | NameScheme::File => text.to_owned(),
        };
        Ok(Self { text: text.to_owned(), key })
    }
}

impl PartialEq for ModelName {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for ModelName {}

impl Hash for ModelName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl Ord for ModelName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for ModelName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.text).fmt(f)
    }
}

/// Where a name is from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NameScheme {
    /// The Hugging Face hub.
    Hub,
    /// An OCI registry.
    Oci,
    /// This machine.
    File,
}

impl NameScheme {
    /// How names of this kind begin.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Hub => "hf://",
            Self::Oci => "oci://",
            Self::File => "file:",
        }
    }

    fn of(text: &str) -> Option<(Self, &str)> {
        let all = [Self::Hub, Self::Oci, Self::File];
        all.into_iter().find_map(|scheme| Some((scheme, text.strip_prefix(scheme.prefix())?)))
    }

    fn check(self, path: &str) -> Result<(), ReferenceProblem> {
        match self {
            Self::Hub => match path.split('/').collect::<Vec<_>>()[..] {
                [organisation, name] if is_hub_part(organisation) && is_hub_part(name) => Ok(()),
                _ => Err(ReferenceProblem::Hub),
            },
            Self::Oci => match path.split_once('/') {
                Some((registry, path)) if is_registry(registry) && path.split('/').all(is_oci_component) => {
                    Ok(())
                }
                _ => Err(ReferenceProblem::Oci),
            },
            Self::File => match path.strip_prefix('/') {
                Some(path) if path.split('/').all(is_file_component) => Ok(()),
                _ => Err(ReferenceProblem::File),
            },
        }
    }
}

fn is_hub_part(part: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_edge = |c: char| c == '-' || c == '.';
    !part.is_empty()
        && part.len() <= MAX_HUB_PART
        && part.chars().all(is_plain)
        && !part.starts_with(is_edge)
        && !part.ends_with(is_edge)
        && !part.contains("--")
        && !part.contains("..")
}

/// A host, with a port where it has one. Case means nothing in hosts, so there
/// is none.
fn is_registry(registry: &str) -> bool {
    let (host, port) = registry.split_once(':').map_or((registry, None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && label.chars().all(is_plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_port = |port: &str| {
        !port.is_empty()
            && port.len() <= 5
            && !port.starts_with('0')
            && port.parse::<u16>().is_ok_and(|number| number != 0)
            && port.chars().all(|c| c.is_ascii_digit())
    };
    host.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Words of lowercase letters and digits, with `.`, `_`, `__` or hyphens
/// between them, as the OCI distribution specification has it.
fn is_oci_component(component: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = component.split(is_word).filter(|separator| !separator.is_empty());
    let is_separator = |s: &str| matches!(s, "." | "_" | "__") || s.chars().all(|c| c == '-');
    component.starts_with(is_word) && component.ends_with(is_word) && separators.into_iter().all(is_separator)
}

fn is_file_component(component: &str) -> bool {
    !matches!(component, "" | "." | "..") && !component.chars().any(|c| c.is_control() || c == '*')
}

/// A name, and perhaps which revision of it: `hf://acme/toy@v1.2`.
///
/// A revision is a commit, a tag or a digest: something that stays. Names of
/// files have none.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Reference {
    name: ModelName,
    revision: Option<String>,
}

impl Reference {
    /// A name without a revision.
    pub fn of(name: ModelName) -> Self {
        Self { name, revision: None }
    }

    /// What the model is called.
    pub fn name(&self) -> &ModelName {
        &self.name
    }

    /// Which revision is meant.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }

    /// The same revision of another name.
    #[must_use]
    pub fn renamed(self, name: ModelName) -> Self {
        Self { name, revision: self.revision }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(NameScheme::File.prefix()) {
            return text.parse().map(Self::of);
        }
        let Some((name, revision)) = text.split_once('@') else { return text.parse().map(Self::of) };
        let name: ModelName = name.parse().map_err(|error: ReferenceError| ReferenceError {
            text: text.to_owned(),
            problem: error.problem,
        })?;
        if !is_revision(name.scheme(), revision) {
            return Err(ReferenceError { text: text.to_owned(), problem: ReferenceProblem::Revision });
        }
        Ok(Self { name, revision: Some(revision.to_owned()) })
    }
}

fn is_revision(scheme: NameScheme, revision: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if scheme == NameScheme::Oci
        && let Some(digest) = revision.strip_prefix("sha256:")
    {
        return digest.len() == 64 && digest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    }
    let is_part =
        |part: &str| !part.is_empty() && part.chars().all(is_plain) && !part.starts_with(['.', '-']);
    revision.len() <= MAX_LEN && revision.split('/').all(is_part) && !revision.contains("..")
}

impl Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        match &self.revision {
            Some(revision) => write!(f, "@{}", Escaped(revision)),
            None => Ok(()),
        }
    }
}

/// A text that is no reference.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("\"{}\" {problem}", Escaped(text))]
pub struct ReferenceError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub problem: ReferenceProblem,
}

/// What is wrong with a reference.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReferenceProblem {
    /// It does not say where it is from.
    #[error(
        "is no reference: expected hf://ORGANISATION/NAME, oci://REGISTRY/PATH or file:/ABSOLUTE/PATH, the first two perhaps with @REVISION"
    )]
    Scheme,
    /// Not a name of the hub.
    #[error(
        "is no name of the hub: expected hf://ORGANISATION/NAME, each of letters, digits, \"-\", \"_\" and \".\""
    )]
    Hub,
    /// Not a name of a registry.
    #[error(
        "is no name of an OCI registry: expected oci://REGISTRY/PATH in lowercase, with a tag or digest behind \"@\""
    )]
    Oci,
    /// Not a path.
    #[error("is no path: expected file:/ABSOLUTE/PATH without \".\", \"..\", \"*\" or a slash too many")]
    File,
    /// Not a revision.
    #[error("has no usable revision behind \"@\": expected a commit, a tag or sha256:DIGEST")]
    Revision,
    /// Not a scope.
    #[error(
        "is no scope: expected one name, or whole segments of names and \"/*\", such as hf://ORGANISATION/*"
    )]
    Scope,
    /// A scope means every revision.
    #[error("has a revision, but a scope means every revision of a name")]
    ScopeRevision,
    /// Longer than any name.
    #[error("is longer than any name")]
    TooLong,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<ReferenceProblem> {
        text.parse::<Reference>().err().map(|error| error.problem)
    }

    #[test]
    fn names_and_revisions_are_told_apart() {
        let reference: Reference = "hf://acme/toy@refs/pr/1".parse().unwrap();
        assert_eq!((reference.name().as_str(), reference.revision()), ("hf://acme/toy", Some("refs/pr/1")));
        let reference: Reference = "oci://registry.example:5000/models/toy".parse().unwrap();
        assert_eq!(reference.name().path(), "registry.example:5000/models/toy");
        let reference: Reference = "file:/srv/m@1".parse().unwrap();
        assert_eq!((reference.name().path(), reference.revision()), ("/srv/m@1", None));
    }

    #[test]
    fn the_hub_passes_over_case_and_nobody_else_does() {
        let name = |text: &str| text.parse::<ModelName>().unwrap();
        assert_eq!(name("hf://Acme/Toy"), name("hf://acme/tOY"));
        assert_ne!(name("file:/A"), name("file:/a"));
        assert_eq!(problem("oci://Registry.example/toy"), Some(ReferenceProblem::Oci));
        assert_ne!("hf://a/b@V1".parse::<Reference>().unwrap(), "hf://a/b@v1".parse().unwrap());
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in
            ["", "acme/toy", "HF://acme/toy", "https://x/acme/toy", "hf:acme/toy", "oci:/x/y", "model"]
        {
            assert_eq!(problem(text), Some(ReferenceProblem::Scheme), "{text}");
        }
        for text in [
            "hf://",
            "hf://toy",
            "hf://acme/",
            "hf:///toy",
            "hf://acme/toy/",
            "hf://acme//toy",
            "hf://acme/toy/x",
            "hf://acme/..",
            "hf://acme/a..b",
            "hf://acme/a--b",
            "hf://-a/b",
            "hf://a/b.",
            "hf://a/b c",
            "hf://a/*",
            "hf://a/b%2e",
            "hf://a/b?x",
            "hf://a/\u{431}",
            "hf://a/b\n",
        ] {
            assert_eq!(problem(text), Some(ReferenceProblem::Hub), "{text:?}");
        }
        for text in [
            "oci://registry.example",
            "oci://registry.example/",
            "oci://r.example/A",
            "oci://r.example/a:1",
            "oci://r.example/a//b",
            "oci://r.example/a/../b",
            "oci://r.example:0/a",
            "oci://r.example:99999/a",
            "oci://r.example:050/a",
            "oci://r..example/a",
            "oci://r.example./a",
            "oci://r.example/-a",
            "oci://r.example/a___b",
            "oci://r.example/*",
            "oci://user:pw/a",
            "oci://r.example:+5/a",
        ] {
            assert_eq!(problem(text), Some(ReferenceProblem::Oci), "{text}");
        }
        for text in [
            "file:",
            "file:/",
            "file:a",
            "file://host/a",
            "file:/a/",
            "file:/a//b",
            "file:/a/../b",
            "file:/./a",
        ] {
            assert_eq!(problem(text), Some(ReferenceProblem::File), "{text}");
        }
        let short_digest = format!("oci://r.example/a@sha256:{}", "0".repeat(63));
        for text in [
            "hf://a/b@",
            "hf://a/b@x@y",
            "hf://a/b@../x",
            "hf://a/b@/x",
            "hf://a/b@x/",
            "hf://a/b@a b",
            "hf://a/b@-f",
            "hf://a/b@sha256:00",
            &short_digest,
        ] {
            assert_eq!(problem(text), Some(ReferenceProblem::Revision), "{text}");
        }
        assert_eq!(problem(&format!("file:/{}", "a".repeat(2000))), Some(ReferenceProblem::TooLong));
    }

    #[test]
    fn what_registries_allow_is_allowed() {
        let digest = format!("oci://localhost:5000/a__b/c---d/e.f_g@sha256:{}", "0a".repeat(32));
        for text in [&digest, "oci://r/a", "oci://xn--e1a4c.example/a/b/c@1.2.0", "hf://meta_x/Llama-3.1_8b"]
        {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), *text);
        }
    }
}
