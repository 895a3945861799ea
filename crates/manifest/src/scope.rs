use std::fmt::{self, Display};
use std::str::FromStr;

use crate::reference::{ModelName, NameScheme, ReferenceError, ReferenceProblem};
use crate::{Escaped, Reference};

/// Which names are meant: one, or all that begin with whole segments.
///
/// ```
/// use modelseal_manifest::{ModelName, Scope};
///
/// let acme: Scope = "hf://acme/*".parse().unwrap();
/// let name = |text: &str| text.parse::<ModelName>().unwrap();
/// assert!(acme.covers(&name("hf://acme/toy")));
/// assert!(!acme.covers(&name("hf://acme-evil/toy")));
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Scope {
    text: String,
    /// Up to the wildcard, in the form by which names are compared.
    key: String,
    is_prefix: bool,
}

impl Scope {
    /// Whether `name` is meant.
    pub fn covers(&self, name: &ModelName) -> bool {
        if self.is_prefix { name.key().starts_with(&self.key) } else { name.key() == self.key }
    }

    /// Whether it means one name and no other.
    pub fn is_exact(&self) -> bool {
        !self.is_prefix
    }

    /// The form by which scopes are compared: `hf://acme/*`.
    pub fn key(&self) -> String {
        format!("{}{}", self.key, if self.is_prefix { "*" } else { "" })
    }

    /// The keys of all scopes that cover `name`, the narrowest first.
    pub fn keys_over(name: &ModelName) -> impl Iterator<Item = String> {
        let key = name.key().to_owned();
        let scheme = name.scheme().prefix().len();
        let ends: Vec<usize> = key[scheme..].rmatch_indices('/').map(|(at, _)| scheme + at + 1).collect();
        let prefixes = ends.into_iter().chain((name.scheme() != NameScheme::File).then_some(scheme));
        let prefixes: Vec<String> = prefixes.map(|end| format!("{}*", &key[..end])).collect();
        std::iter::once(key).chain(prefixes)
    }

    /// What stands for the wildcard in `name`; empty for the one name of an
    /// exact scope. `None` where it is not covered.
    fn rest<'a>(&self, name: &'a ModelName) -> Option<&'a str> {
        self.covers(name).then(|| &name.as_str()[self.key.len()..])
    }

    /// The name that `name` has where `self` is called `to`. `None` where it
    /// is not covered, or where there is no such name.
    pub fn rename(&self, name: &ModelName, to: &Self) -> Option<ModelName> {
        let rest = self.rest(name)?;
        if self.is_prefix != to.is_prefix {
            return None;
        }
        format!("{}{rest}", to.text.strip_suffix('*').unwrap_or(&to.text)).parse().ok()
    }
}

impl FromStr for Scope {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(prefix) = text.strip_suffix("/*") else {
            let reference: Reference = text.parse()?;
            if reference.revision().is_some() {
                let problem = ReferenceProblem::ScopeRevision;
                return Err(ReferenceError { text: text.to_owned(), problem });
            }
            let key = reference.name().key().to_owned();
            return Ok(Self { text: text.to_owned(), key, is_prefix: false });
        };
        let refused = |_| ReferenceError { text: text.to_owned(), problem: ReferenceProblem::Scope };
        // A prefix is one of names, so some name has to begin with it.
        let of_any_depth = ["/x", "/x/x"].into_iter().map(|rest| format!("{prefix}{rest}"));
        let mut names = of_any_depth.map(|name| name.parse::<ModelName>());
        let name = names.find(Result::is_ok).unwrap_or_else(|| text.parse()).map_err(refused)?;
        let key = name.key()[..=prefix.len()].to_owned();
        Ok(Self { text: text.to_owned(), key, is_prefix: true })
    }
}

impl Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.text).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    fn name(text: &str) -> ModelName {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_ends_with_a_whole_segment() {
        for (text, covered, other) in [
            ("hf://acme/*", "hf://ACME/toy", "hf://acme-2/toy"),
            ("hf://*", "hf://acme/toy", "oci://acme/toy"),
            ("oci://r.example/*", "oci://r.example/a/b", "oci://r.example.evil.example/a"),
            ("oci://r.example/a/*", "oci://r.example/a/b/c", "oci://r.example/ab"),
            ("oci://*", "oci://r.example/a", "hf://acme/toy"),
            ("file:/srv/models/*", "file:/srv/models/a/b", "file:/srv/models-2/a"),
            ("file:/*", "file:/srv", "hf://acme/toy"),
            ("hf://acme/toy", "hf://Acme/Toy", "hf://acme/toy2"),
        ] {
            assert!(scope(text).covers(&name(covered)), "{text} {covered}");
            assert!(!scope(text).covers(&name(other)), "{text} {other}");
        }
    }

    #[test]
    fn every_scope_that_covers_a_name_is_among_its_keys() {
        for (of, expected) in [
            ("hf://Acme/toy", vec!["hf://acme/toy", "hf://acme/*", "hf://*"]),
            ("oci://r:5/a/b", vec!["oci://r:5/a/b", "oci://r:5/a/*", "oci://r:5/*", "oci://*"]),
            ("file:/srv/m", vec!["file:/srv/m", "file:/srv/*", "file:/*"]),
        ] {
            let keys: Vec<String> = Scope::keys_over(&name(of)).collect();
            assert_eq!(keys, expected);
            for key in keys {
                assert!(scope(&key).covers(&name(of)) && scope(&key).key() == key, "{key}");
            }
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "*",
            "/*",
            "hf:/*",
            "hf://acme*",
            "hf://a*/*",
            "hf://*/toy",
            "hf://acme/toy/*",
            "hf://acme/*/*",
            "hf:///*",
            "oci:///*",
            "oci://R/*",
            "oci://r//*",
            "file:srv/*",
            "file:/srv//*",
            "file:/../*",
            "hf://acme/**",
            "",
            "hf://acme/toy@v1",
            "hf://acme@v1/*",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_mirror_is_renamed_by_what_the_wildcard_stands_for() {
        let rename = |from: &str, to: &str, of: &str| {
            scope(from).rename(&name(of), &scope(to)).map(|name| name.as_str().to_owned())
        };
        let mirror = "oci://mirror.example/hf/*";
        assert_eq!(rename(mirror, "hf://*", "oci://mirror.example/hf/acme/toy").unwrap(), "hf://acme/toy");
        assert_eq!(rename(mirror, "hf://*", "oci://mirror.example/hf/acme"), None);
        assert_eq!(rename(mirror, "hf://*", "oci://mirror.example/acme/toy"), None);
        assert_eq!(rename("hf://a/b", "hf://c/d", "hf://a/b").unwrap(), "hf://c/d");
    }
}
