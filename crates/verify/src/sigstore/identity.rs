use std::fmt::{self, Display};
use std::str::FromStr;

use modelseal_manifest::Escaped;

/// Where a wildcard ends: path segments, and what stands before and after the
/// `@` of an address or of a workflow's ref.
const SEPARATORS: [char; 2] = ['/', '@'];

/// Who a certificate was issued to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Identity {
    /// The holder of an e-mail address.
    Email(String),
    /// What a URI names, such as a workflow of a repository.
    Uri(String),
}

impl Identity {
    /// The address or the URI.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(text) | Self::Uri(text) => text,
        }
    }

    /// Its kind, for machines: `email`, `uri`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Email(_) => "email",
            Self::Uri(_) => "uri",
        }
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(self.as_str()).fmt(f)
    }
}

/// An identity, or a claim of a certificate, that is asked for: a text that has
/// to be equal, or one with wildcards.
///
/// `*` stands for one or more characters other than `/` and `@`. No wildcard
/// may stand where it would leave open who is meant: in the domain of an
/// address, in the host or the first path segment of a URL, or before the first
/// `/` of anything else. Case matters.
///
/// ```
/// use modelseal_verify::{Identity, IdentityPattern};
///
/// let pattern: IdentityPattern =
///     "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*".parse().unwrap();
/// let of = |tag: &str| {
///     Identity::Uri(format!("https://github.com/acme/models/.github/workflows/release.yml@refs/tags/{tag}"))
/// };
/// assert!(pattern.matches(&of("v1.0")));
/// assert!(!pattern.matches(&of("v1.0/../../heads/main")));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdentityPattern {
    text: String,
    has_wildcards: bool,
}

impl IdentityPattern {
    /// Asks for this very text, whatever characters it has.
    pub fn exact(text: impl Into<String>) -> Self {
        Self { text: text.into(), has_wildcards: false }
    }

    /// Whether `identity` is meant: of the kind that the pattern has, and
    /// matching it.
    pub fn matches(&self, identity: &Identity) -> bool {
        let is_kind = match identity {
            Identity::Email(_) => !is_url(&self.text),
            Identity::Uri(_) => is_url(&self.text) || !self.text.contains('@'),
        };
        is_kind && self.matches_text(identity.as_str())
    }

    /// The text that was asked for, wildcards included.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it asks for one text and no other.
    pub fn is_exact(&self) -> bool {
        !self.has_wildcards
    }

    /// Whether `text` matches, of whatever kind it is.
    pub fn matches_text(&self, text: &str) -> bool {
        if !self.has_wildcards {
            return self.text == text;
        }
        let mut parts = self.text.split('*');
        let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
        let rest = middle.iter().try_fold(rest, |rest, part| after(rest, part));
        rest.and_then(|rest| rest.strip_suffix(last)).is_some_and(is_filling)
    }
}

/// What follows the first `part` that has something for a wildcard before it.
fn after<'a>(text: &'a str, part: &str) -> Option<&'a str> {
    let starts = text.char_indices().map(|(start, _)| start).skip(1);
    let start = starts.into_iter().find(|start| text[*start..].starts_with(part))?;
    is_filling(&text[..start]).then(|| &text[start + part.len()..])
}

/// Whether a wildcard may stand for `text`.
fn is_filling(text: &str) -> bool {
    !text.is_empty() && !text.contains(SEPARATORS)
}

fn is_url(text: &str) -> bool {
    text.contains("://")
}

impl FromStr for IdentityPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.contains("**") {
            return Err(PatternError::DoubleWildcard);
        }
        let Some(wildcard) = text.find('*') else { return Ok(Self::exact(text)) };
        let fixed = &text[..wildcard];
        let is_anchored = match (text.split_once("://"), text.rsplit_once('@')) {
            (Some((scheme, _)), _) => {
                // The host and the first segment end with the second slash after the scheme.
                let after_scheme = fixed.get(scheme.len() + 3..).unwrap_or_default();
                after_scheme.split('/').nth(1).is_some_and(|first| !first.is_empty())
                    && after_scheme.matches('/').count() >= 2
            }
            (None, Some((_, domain))) => !domain.is_empty() && !domain.contains('*'),
            (None, None) => fixed.contains('/'),
        };
        if is_anchored {
            Ok(Self { text: text.to_owned(), has_wildcards: true })
        } else {
            Err(PatternError::Unanchored)
        }
    }
}

impl Display for IdentityPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.text).fmt(f)
    }
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Nothing.
    #[error("empty: nothing would match")]
    Empty,
    /// `**`.
    #[error("\"**\" has no meaning: \"*\" stands for characters within one path segment")]
    DoubleWildcard,
    /// A wildcard that leaves open who is meant.
    #[error(
        "\"*\" leaves open who is meant: the domain of an address, or the host and the first path segment of a URL, have to be written out"
    )]
    Unanchored,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> IdentityPattern {
        text.parse().unwrap()
    }

    fn email(text: &str) -> Identity {
        Identity::Email(text.to_owned())
    }

    fn uri(text: &str) -> Identity {
        Identity::Uri(text.to_owned())
    }

    #[test]
    fn item_45_without_a_wildcard_an_identity_matches_in_whole_only() {
        let exact = pattern("release@acme.example");
        assert!(exact.matches(&email("release@acme.example")));
        for other in
            ["Release@acme.example", "release@acme.example.evil.example", "a.release@acme.example", ""]
        {
            assert!(!exact.matches(&email(other)), "{other}");
        }
    }

    #[test]
    fn an_exact_pattern_has_no_wildcards() {
        let exact = IdentityPattern::exact("*@acme.example");
        assert!(exact.matches(&email("*@acme.example")));
        assert!(!exact.matches(&email("release@acme.example")));
    }

    #[test]
    fn item_45_an_identity_of_the_other_kind_does_not_match() {
        assert!(!pattern("release@acme.example").matches(&uri("release@acme.example")));
        assert!(!pattern("https://acme.example/x").matches(&email("https://acme.example/x")));
        assert!(pattern("urn:acme:release").matches(&uri("urn:acme:release")));
    }

    #[test]
    fn a_wildcard_stays_within_one_segment_and_stands_for_something() {
        let tags = pattern("https://github.com/acme/models/.github/workflows/*.yml@refs/tags/v*");
        let of = |rest: &str| uri(&format!("https://github.com/acme/models/.github/workflows/{rest}"));
        for (rest, is_meant) in [
            ("release.yml@refs/tags/v1", true),
            ("release.yml.yml@refs/tags/v1.2", true),
            ("release.yml@refs/tags/v", false),
            (".yml@refs/tags/v1", false),
            ("a/release.yml@refs/tags/v1", false),
            ("release.yml@refs/tags/v1/x", false),
            ("release.yml@refs/tags/v1@2", false),
            ("x@refs/heads/.yml@refs/tags/v1", false),
            ("release.yml@refs/heads/v1", false),
        ] {
            assert_eq!(tags.matches(&of(rest)), is_meant, "{rest}");
        }
    }

    #[test]
    fn a_wildcard_in_an_address_does_not_reach_the_domain() {
        let anybody = pattern("*@acme.example");
        assert!(anybody.matches(&email("a.b+c@acme.example")));
        for other in ["@acme.example", "a@b@acme.example", "a@evil.example/@acme.example", "a@acme.example.x"]
        {
            assert!(!anybody.matches(&email(other)), "{other}");
        }
    }

    #[test]
    fn several_wildcards_match_what_they_can() {
        let pattern = pattern("https://h/o/a*b*c");
        for (text, is_meant) in
            [("axbyc", true), ("axbbc", true), ("abc", false), ("axbyc/", false), ("axbybzc", true)]
        {
            assert_eq!(pattern.matches(&uri(&format!("https://h/o/{text}"))), is_meant, "{text}");
        }
    }

    #[test]
    fn item_45_a_pattern_that_leaves_open_who_is_meant_is_refused() {
        for text in [
            "*",
            "*@*",
            "a@*",
            "a@*.example",
            "a@x*",
            "https://*",
            "https://*/acme/x",
            "https://github.com/*",
            "https://github.com/*/models",
            "https://github.com/ac*/models",
            "http*://github.com/acme/x",
            "*/x",
            "4*",
            "https://github.com//*",
        ] {
            assert_eq!(text.parse::<IdentityPattern>(), Err(PatternError::Unanchored), "{text}");
        }
        assert_eq!("".parse::<IdentityPattern>(), Err(PatternError::Empty));
        assert_eq!("https://h/o/**".parse::<IdentityPattern>(), Err(PatternError::DoubleWildcard));
    }
}
