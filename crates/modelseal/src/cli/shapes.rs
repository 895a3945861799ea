//! The members that several JSON reports have in common (`spec/reports.md`).

use std::path::Path;

use modelseal::{KeyAlgorithm, Manifest, Method, ModelDigest, Sha256Digest, Unsigned, VerifiedSigner};
use serde_json::{Value, json};

pub(crate) fn signer_json(signer: &VerifiedSigner) -> Value {
    match signer {
        VerifiedSigner::Key { algorithm, fingerprint } => key_json(*algorithm, fingerprint),
        other => json!({ "description": other.to_string() }),
    }
}

pub(crate) fn key_json(algorithm: KeyAlgorithm, fingerprint: &Sha256Digest) -> Value {
    json!({ "algorithm": algorithm.to_string(), "fingerprint": format!("sha256:{fingerprint}") })
}

pub(crate) fn model_json(path: &Path, manifest: &Manifest, digest: Option<ModelDigest>, bytes: u64) -> Value {
    let serialization = manifest.serialization();
    json!({
        "path": path.to_string_lossy(),
        "digest": digest.map(|digest| digest.to_string()),
        "root": manifest.root_digest().to_string(),
        "files": manifest.files().len(),
        "bytes": bytes,
        "hash": serialization.hash_type.as_str(),
        "method": serialization.method.as_str(),
        "shard_size": match serialization.method {
            Method::Files => Value::Null,
            Method::Shards(size) => json!(size.get()),
        },
    })
}

pub(crate) fn unsigned_json(unsigned: &[Unsigned]) -> Value {
    let entry = |unsigned: &Unsigned| {
        json!({
            "path": unsigned.path.as_str(),
            "kind": unsigned.kind.as_str(),
            "reason": unsigned.reason.code(),
        })
    };
    unsigned.iter().map(entry).collect()
}
