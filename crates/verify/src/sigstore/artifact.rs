//! Signatures about any artifact, as the Sigstore clients make them: what
//! their conformance suite asks for. Models are verified by [`crate::verify`].

use modelseal_bundle::{BundleError, JsonError, LogEntry, MAX_BUNDLE_BYTES, MAX_LOG_ENTRIES, check_json};
use modelseal_manifest::{Escaped, Sha256Digest};
use serde_json::Value;
use sigstore_verify::PublicKeyVerificationPolicy;
use sigstore_verify::types::bundle::{VerificationMaterial, VerificationMaterialContent};
use sigstore_verify::types::{self, DerPublicKey, Sha256Hash};

use super::{SigstoreError, SigstoreTrust, TrustedRoot, library};
use crate::der_limits::is_cheap;
use crate::{CertificateParseError, Clock, PublicKey};

const MAX_VALUES: usize = 100_000;
/// Certificates in the chain of an old bundle.
const MAX_CERTIFICATES: usize = 16;
const MAX_EVIDENCE_BYTES: usize = 32 * 1024;

/// What was signed.
#[derive(Clone, Copy, Debug)]
pub enum Artifact<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Its SHA-256. Signatures that take another hash, or none, cannot be
    /// verified by it.
    Sha256(Sha256Digest),
}

/// Who may have signed an artifact.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ArtifactSigner {
    /// An identity.
    Sigstore(SigstoreTrust),
    /// The holder of a key; log entries and timestamps, where the bundle has
    /// any, have to be of this root.
    Key(PublicKey, TrustedRoot, Clock),
}

/// Verifies a Sigstore bundle of version 0.1 to 0.3, with a message signature
/// or an envelope, about `artifact`. Of an envelope, one of
/// the subjects has to be the artifact.
///
/// # Errors
/// [`ArtifactError`].
pub fn verify_artifact(
    bundle: &[u8],
    artifact: Artifact<'_>,
    signer: &ArtifactSigner,
) -> Result<(), ArtifactError> {
    if bundle.len() as u64 > MAX_BUNDLE_BYTES {
        return Err(ArtifactError::TooLarge { found: bundle.len() as u64, limit: MAX_BUNDLE_BYTES });
    }
    check_json(bundle, MAX_VALUES)?;
    check_wire(bundle)?;
    let parsed = library::parse(bundle)?;
    let material = &parsed.verification_material;
    check_der(material)?;
    let artifact = match artifact {
        Artifact::Bytes(bytes) => types::Artifact::from_blob(bytes),
        Artifact::Sha256(digest) => types::Artifact::from_digest(Sha256Hash::from(*digest.as_bytes())),
    };
    let leaf = match &material.content {
        VerificationMaterialContent::Certificate(leaf) => Some(leaf.raw_bytes.as_bytes()),
        VerificationMaterialContent::X509CertificateChain { certificates } => {
            certificates.first().map(|leaf| leaf.raw_bytes.as_bytes())
        }
        _ => None,
    };
    match (signer, leaf) {
        (ArtifactSigner::Sigstore(trust), Some(leaf)) => {
            let certificate = trust.expected(leaf)?;
            library::check_entries(trust.root(), &parsed, trust.clock())?;
            library::verify(trust.root(), &parsed, artifact, &certificate, trust.clock())?;
            Ok(())
        }
        (ArtifactSigner::Key(key, root, clock), None) => {
            if !material.tlog_entries.is_empty() {
                library::check_entries(root, &parsed, *clock)?;
            }
            let policy = PublicKeyVerificationPolicy::new(DerPublicKey::new(key.as_spki_der().to_vec()));
            let verified = root.verifier().verify(artifact, &parsed, &policy);
            let verified = verified
                .map_err(|error| ArtifactError::Key { reason: Escaped(&error.to_string()).to_string() })?;
            match verified.verified_timestamps().iter().find(|time| clock.is_ahead(**time)) {
                Some(time) => {
                    Err(ArtifactError::Key { reason: format!("it was signed in the future, at {time}") })
                }
                None => Ok(()),
            }
        }
        _ => Err(ArtifactError::Material),
    }
}

/// What the library passes over: one content and one material, counted and
/// bounded, and in versions after 0.1 a proof for every log entry.
fn check_wire(bundle: &[u8]) -> Result<(), ArtifactError> {
    let bundle: Value = serde_json::from_slice(bundle).map_err(JsonError::from)?;
    let material = &bundle["verificationMaterial"];
    let count = |object: &Value, keys: &[&str]| keys.iter().filter(|key| !object[key].is_null()).count();
    if count(&bundle, &["messageSignature", "dsseEnvelope"]) != 1 {
        return Err(SigstoreError::Ambiguous { what: "contents" }.into());
    }
    if count(material, &["certificate", "x509CertificateChain", "publicKey"]) != 1 {
        return Err(SigstoreError::Ambiguous { what: "verification material" }.into());
    }
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let entries = array(&material["tlogEntries"]);
    at_most("log entries", entries.len(), MAX_LOG_ENTRIES)?;
    let is_first_version = bundle["mediaType"].as_str().is_some_and(|version| version.ends_with("0.1"));
    for entry in &entries {
        LogEntry::parse(entry.to_string().as_bytes())?;
        if !is_first_version && entry["inclusionProof"].is_null() {
            return Err(ArtifactError::NoProof);
        }
    }
    let stamps = array(&material["timestampVerificationData"]["rfc3161Timestamps"]);
    at_most("timestamps", stamps.len(), MAX_LOG_ENTRIES)?;
    let chain = array(&material["x509CertificateChain"]["certificates"]);
    at_most("certificates", chain.len(), MAX_CERTIFICATES)?;
    Ok(())
}

/// Bounds what is parsed of the certificates and timestamps of a bundle.
fn check_der(material: &VerificationMaterial) -> Result<(), ArtifactError> {
    let chain = match &material.content {
        VerificationMaterialContent::Certificate(leaf) => vec![leaf.raw_bytes.as_bytes()],
        VerificationMaterialContent::X509CertificateChain { certificates } => {
            certificates.iter().map(|certificate| certificate.raw_bytes.as_bytes()).collect()
        }
        _ => vec![],
    };
    let stamps = material.timestamp_verification_data.rfc3161_timestamps.iter();
    let stamps = stamps.map(|stamp| stamp.signed_timestamp.as_bytes());
    for der in chain.into_iter().chain(stamps) {
        at_most("bytes in a certificate or a timestamp", der.len(), MAX_EVIDENCE_BYTES)?;
        if !is_cheap(der) {
            return Err(SigstoreError::Malformed(CertificateParseError::Malformed).into());
        }
    }
    Ok(())
}

fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), ArtifactError> {
    if found > limit { Err(ArtifactError::TooMany { what, found, limit }) } else { Ok(()) }
}

/// Why a signature about an artifact is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// A bundle beyond the limit.
    #[error("the bundle has {found} bytes, and at most {limit} are read")]
    TooLarge {
        /// How long it is.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// More of something than is looked at.
    #[error("the bundle has {found} {what}, and at most {limit} are looked at")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not JSON as strict as it is asked for.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A log entry that cannot be read.
    #[error(transparent)]
    LogEntry(#[from] BundleError),
    /// A log entry without what its bundle version requires.
    #[error("a log entry of the bundle has no inclusion proof, which bundles of this version must carry")]
    NoProof,
    /// A key where a certificate is asked for, or the other way round.
    #[error("the bundle was not signed in the way that is trusted: one has a key, the other a certificate")]
    Material,
    /// The certificate, the log, a timestamp or the signature is not believed.
    #[error(transparent)]
    Sigstore(#[from] SigstoreError),
    /// The same under a bare key.
    #[error("the bundle is not believed under this key: {reason}")]
    Key {
        /// What the library says.
        reason: String,
    },
}
