//! The members that several JSON reports have in common (`spec/reports.md`).

use std::path::Path;

use modelseal::SignerId;
use modelseal::{
    Certificate, CertifiedSigner, Claims, Identity, KeyAlgorithm, KeylessSigner, LogRecord, Manifest,
    ManifestPath, Method, ModelDigest, ProvedTime, Sha256Digest, Unsigned, VerifiedSigner,
};
use serde_json::{Value, json};

use super::signer::SignerFacts;
use super::trusted_root::root_json;

pub(crate) fn signer_json(signer: &VerifiedSigner) -> Value {
    match signer {
        VerifiedSigner::Key { algorithm, fingerprint } => key_json(*algorithm, fingerprint),
        VerifiedSigner::Certificate(signer) => certified_json(signer),
        VerifiedSigner::Sigstore(signer) => keyless_json(signer),
        other => json!({ "description": other.to_string() }),
    }
}

pub(crate) fn method(signer: &VerifiedSigner) -> &'static str {
    match signer {
        VerifiedSigner::Certificate(_) => "certificate",
        VerifiedSigner::Sigstore(_) => "sigstore",
        _ => "key",
    }
}

fn certified_json(signer: &CertifiedSigner) -> Value {
    let at = signer.judged_at();
    let key = signer.leaf().public_key().ok();
    json!({
        "algorithm": key.as_ref().map(|key| key.algorithm().to_string()),
        "fingerprint": key.map(|key| format!("sha256:{}", key.fingerprint())),
        "certificate": certificate_json(signer.leaf()),
        "chain": signer.issuers().iter().map(certificate_json).collect::<Vec<_>>(),
        "not_in_any_crl": signer.unlisted().iter().map(Certificate::subject).collect::<Vec<_>>(),
        "judged_at": { "time": at.time().to_string(), "evidence": at.code() },
    })
}

fn keyless_json(signer: &KeylessSigner) -> Value {
    let mut shape = identity_json(signer.identity(), signer.issuer(), signer.claims());
    shape["certificate"] = certificate_json(signer.certificate());
    shape["trusted_root"] = root_json(signer.trusted_root());
    shape
}

pub(crate) fn identity_json(identity: &Identity, issuer: &str, claims: &Claims) -> Value {
    let claims = claims.iter().map(|(claim, value)| (claim.code().to_owned(), json!(value)));
    json!({
        "identity": identity.as_str(),
        "identity_kind": identity.kind(),
        "issuer": issuer,
        "claims": claims.collect::<serde_json::Map<_, _>>(),
    })
}

/// Who a signer is from one release to the next.
pub(crate) fn signer_id_json(id: &SignerId) -> Value {
    serde_json::to_value(id).unwrap_or_default()
}

/// The times at which a signature is proved to have existed.
pub(crate) fn times_json(times: &[ProvedTime]) -> Value {
    let shape = |proved: &ProvedTime| json!({ "time": proved.time().to_string(), "evidence": proved.code() });
    times.iter().map(shape).collect()
}

/// The log entries of a signature; `log` where they were proved to be in it.
pub(crate) fn log_entries_json(entries: &[LogRecord]) -> Value {
    entries.iter().map(|entry| json!({ "log_index": entry.log_index, "log": entry.log })).collect()
}

pub(crate) fn certificate_json(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject(),
        "issuer": certificate.issuer(),
        "serial": certificate.serial(),
        "not_before": certificate.not_before().to_string(),
        "not_after": certificate.not_after().to_string(),
        "fingerprint": format!("sha256:{}", certificate.fingerprint()),
    })
}

/// A signer, as the publisher knows it; an identity, as it was verified.
pub(crate) fn facts_json(facts: &SignerFacts, verified: &VerifiedSigner) -> Value {
    match facts {
        SignerFacts::Identity => signer_json(verified),
        SignerFacts::Key(key) => key_json(key.algorithm(), &key.fingerprint()),
        SignerFacts::Certificate(key, leaf, chain) => {
            let mut signer = key_json(key.algorithm(), &key.fingerprint());
            signer["certificate"] = certificate_json(leaf);
            signer["chain"] = chain.iter().map(certificate_json).collect();
            signer
        }
    }
}

pub(crate) fn key_json(algorithm: KeyAlgorithm, fingerprint: &Sha256Digest) -> Value {
    json!({ "algorithm": algorithm.to_string(), "fingerprint": format!("sha256:{fingerprint}") })
}

/// Where digests come from, and of which files they were not made anew.
pub(crate) fn digests_json(
    from: &str,
    path: Option<&Path>,
    reused: &[ManifestPath],
    problem: Option<&str>,
) -> Value {
    json!({
        "from": from,
        "path": path.map(|path| path.to_string_lossy()),
        "reused": reused.iter().map(ManifestPath::as_str).collect::<Vec<_>>(),
        "problem": problem,
    })
}

/// Without a path and a size, nobody looked at the files.
pub(crate) fn model_json(
    path: Option<&Path>,
    manifest: &Manifest,
    digest: Option<ModelDigest>,
    bytes: Option<u64>,
) -> Value {
    let serialization = manifest.serialization();
    json!({
        "path": path.map(|path| path.to_string_lossy()),
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
