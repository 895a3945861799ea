use std::collections::{BTreeMap, BTreeSet};

use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{ModelDigest, RootDigest, Sha256Digest};

/// The key of a model digest in a digest set.
pub(crate) const MODEL_DIGEST: &str = "model-v1";
pub(crate) const SHA256: &str = "sha256";

/// A model, as the subject of an attestation: its model digest, which is what
/// binds, and its root digest, by which tools that know only OMS find it.
pub fn model_subject(name: impl Into<String>, model: ModelDigest, root: RootDigest) -> Subject {
    let hex = model.as_sha256().to_string();
    let root = root.as_sha256().to_string();
    let digest = BTreeMap::from([(MODEL_DIGEST.to_owned(), hex), (SHA256.to_owned(), root)]);
    Subject { name: name.into(), digest }
}

/// A model of which no root digest is known. Its model digest is a SHA-256 too,
/// without which some tools take no subject.
pub fn bare_model_subject(name: impl Into<String>, model: ModelDigest) -> Subject {
    let digest = [MODEL_DIGEST, SHA256].map(|key| (key.to_owned(), model.as_sha256().to_string()));
    let digest = BTreeMap::from(digest);
    Subject { name: name.into(), digest }
}

/// What an attestation says that it is about, as far as that could be models.
///
/// Tools that know nothing of model digests have a SHA-256 alone. It is that of
/// a model if it is the model digest, which is a SHA-256; if it is a root digest,
/// it is only beside a verified statement that has this root, since it leaves open
/// how files are called.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Subjects {
    models: BTreeSet<ModelDigest>,
    sha256: BTreeSet<Sha256Digest>,
}

impl Subjects {
    /// Reads the subjects of `attestation`. One that names a model is not looked at
    /// for anything else.
    pub fn of(attestation: &Attestation) -> Self {
        let mut found = Self { models: model_digest_of(attestation).collect(), sha256: BTreeSet::new() };
        let others =
            attestation.subjects().iter().filter(|subject| !subject.digest.contains_key(MODEL_DIGEST));
        found
            .sha256
            .extend(others.filter_map(|subject| subject.digest.get(SHA256)?.parse::<Sha256Digest>().ok()));
        found
    }

    /// Whether `model` is among them by its own digest, and not by that of something
    /// that could be another thing.
    pub fn name(&self, model: ModelDigest) -> bool {
        self.models.contains(&model)
    }

    /// Whether `model` is among them. `roots` are the root digests of verified
    /// statements over these very files.
    pub fn include(&self, model: ModelDigest, roots: &[RootDigest]) -> bool {
        self.name(model)
            || self.sha256.contains(model.as_sha256())
            || roots.iter().any(|root| self.sha256.contains(root.as_sha256()))
    }
}

/// The models that an attestation is about, by their model digests. A subject
/// without one is none: a root digest leaves open how files are called.
pub fn model_digest_of(attestation: &Attestation) -> impl Iterator<Item = ModelDigest> {
    let hex = attestation.subjects().iter().filter_map(|subject| subject.digest.get(MODEL_DIGEST));
    hex.filter_map(|hex| format!("{MODEL_DIGEST}:{hex}").parse().ok())
}

/// A file that is no model, as the subject of an attestation: the SHA-256 of
/// its bytes.
pub fn file_subject(name: impl Into<String>, bytes: &[u8]) -> Subject {
    let digest = Sha256Digest::of(bytes).to_string();
    Subject { name: name.into(), digest: BTreeMap::from([(SHA256.to_owned(), digest)]) }
}

/// Whether an attestation is about these very bytes, by their SHA-256.
pub fn is_about_file(attestation: &Attestation, bytes: &[u8]) -> bool {
    let digest = Sha256Digest::of(bytes).to_string();
    attestation.subjects().iter().any(|subject| subject.digest.get(SHA256) == Some(&digest))
}
