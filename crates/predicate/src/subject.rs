use std::collections::BTreeMap;

use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{ModelDigest, RootDigest, Sha256Digest};

/// The key of a model digest in a digest set.
const MODEL_DIGEST: &str = "model-v1";
const SHA256: &str = "sha256";

/// A model, as the subject of an attestation: its model digest, which is what
/// binds, and its root digest, by which tools that know only OMS find it.
pub fn model_subject(name: impl Into<String>, model: ModelDigest, root: RootDigest) -> Subject {
    let model = model.to_string();
    let hex = model.strip_prefix("model-v1:").unwrap_or_default().to_owned();
    let root = root.as_sha256().to_string();
    let digest = BTreeMap::from([(MODEL_DIGEST.to_owned(), hex), (SHA256.to_owned(), root)]);
    Subject { name: name.into(), digest }
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
