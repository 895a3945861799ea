use std::fmt::{self, Display};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{ManifestPath, Sha256Digest};

const DOMAIN: &[u8] = b"modelseal model digest v1\n";
const PREFIX: &str = "model-v1:";

/// The identity of a model: a digest over the names and SHA-256 digests of
/// every covered file (`spec/model-digest.md`).
///
/// Unlike the [`RootDigest`](crate::RootDigest) it covers names, and unlike
/// the digest of a payload it is the same for every signature of the same
/// files, whatever hash the manifest uses.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelDigest(Sha256Digest);

impl ModelDigest {
    /// Computes it over `files`, which are put into code-point order here.
    ///
    /// Each name must occur once; [`Manifest`](crate::Manifest) and the disk
    /// both see to that.
    pub fn over<'a>(files: impl IntoIterator<Item = (&'a ManifestPath, Sha256Digest)>) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_unstable_by_key(|(path, _)| *path);
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update((files.len() as u64).to_be_bytes());
        for (path, digest) in files {
            hasher.update((path.as_str().len() as u64).to_be_bytes());
            hasher.update(path.as_str());
            hasher.update(digest.as_bytes());
        }
        Self(Sha256Digest::from_bytes(hasher.finalize().into()))
    }

    /// The digest without its prefix: it is a SHA-256.
    pub fn as_sha256(&self) -> &Sha256Digest {
        &self.0
    }
}

/// `model-v1:hex`.
impl Display for ModelDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for ModelDigest {
    type Err = ModelDigestParseError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let digest = s.strip_prefix(PREFIX).and_then(|hex| hex.parse().ok());
        digest.map(Self).ok_or(ModelDigestParseError)
    }
}

/// The text is not `model-v1:` followed by 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a model digest is \"model-v1:\" followed by 64 lowercase hexadecimal digits")]
pub struct ModelDigestParseError;

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(files: &[(&str, &[u8])]) -> ModelDigest {
        let files: Vec<_> = files
            .iter()
            .map(|(name, content)| (ManifestPath::new(*name).unwrap(), Sha256Digest::of(content)))
            .collect();
        ModelDigest::over(files.iter().map(|(name, digest)| (name, *digest)))
    }

    /// The vectors were computed by a separate program written from the text.
    #[test]
    fn meets_the_vectors_of_the_specification() {
        let vectors = include_str!("../../../spec/model-digest.vectors.txt");
        let mut seen = 0;
        for line in vectors.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (expected, files) = line.split_once(' ').unwrap_or((line, ""));
            let files: Vec<_> = files.split_terminator(' ').map(|f| f.split_once('=').unwrap()).collect();
            let files: Vec<_> = files.iter().map(|(name, content)| (*name, content.as_bytes())).collect();
            assert_eq!(digest(&files).to_string(), expected, "{files:?}");
            seen += 1;
        }
        assert_eq!(seen, 4);
    }

    #[test]
    fn covers_names_and_not_only_contents() {
        assert_ne!(digest(&[("a", b"1"), ("b", b"2")]), digest(&[("a", b"2"), ("b", b"1")]));
        assert_ne!(digest(&[("a", b"1")]), digest(&[("b", b"1")]));
        assert_ne!(digest(&[("ab", b"1")]), digest(&[("a", b"1")]));
    }

    #[test]
    fn does_not_depend_on_the_order_of_listing() {
        assert_eq!(digest(&[("a", b"1"), ("b", b"2")]), digest(&[("b", b"2"), ("a", b"1")]));
    }

    #[test]
    fn text_form_round_trips_and_is_strict() {
        let d = digest(&[("a", b"1")]);
        assert_eq!(d.to_string().parse(), Ok(d));
        for wrong in
            [d.to_string().to_uppercase(), d.to_string().replace("model-v1:", "sha256:"), format!("{d}0")]
        {
            assert_eq!(wrong.parse::<ModelDigest>(), Err(ModelDigestParseError), "{wrong}");
        }
    }
}
