//! Entries of transparency logs. That one belongs to the very signature that
//! carries it is asked always; that it is in a log, where a log is trusted.

use jiff::Timestamp;
use modelseal_bundle::{LogEntry, UntrustedBundle};
use modelseal_manifest::{Escaped, Sha256Digest};
use serde::Serialize;
use sigstore_verify::crypto::{Checkpoint, Keyring};
use sigstore_verify::rekor::body::RekorEntryBody;
use sigstore_verify::types::bundle::{KindVersion, TransparencyLogEntry};
use sigstore_verify::types::{DerCertificate, DerPublicKey, HashAlgorithm, Sha256Hash, SignatureBytes};

use crate::sigstore::TrustedRoot;
use crate::{Certificate, Clock, ProvedTime, PublicKey};

/// A log entry that belongs to a signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogRecord {
    /// Position in the log.
    pub log_index: u64,
    /// The base URL of the log, where it is trusted and the entry was proved to
    /// be in it.
    pub log: Option<String>,
}

impl LogRecord {
    /// An entry of which everything was verified that it carries. A promise
    /// alone does not say that the entry ever came to be in the log.
    pub(crate) fn verified(root: &TrustedRoot, entry: &TransparencyLogEntry) -> Self {
        let log = entry.inclusion_proof.as_ref().and_then(|_| log_of(root, entry));
        let log_index = match &entry.inclusion_proof {
            // Nothing but a promise signs the place among all trees of the first version.
            Some(proof) if !is_v2(entry) && entry.inclusion_promise.is_none() => proof.log_index.get(),
            _ => entry.log_index.get(),
        };
        Self { log_index, log: log.map(|log| log.base_url.clone()) }
    }
}

/// Why a log entry is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LogEntryError {
    /// A kind of entry that is not made for signatures of models.
    #[error(
        "a log entry of the bundle is of the kind \"{} {}\", and those of envelopes are \"hashedrekord 0.0.2\" and \"dsse 0.0.1\"",
        Escaped(kind),
        Escaped(version)
    )]
    Kind {
        /// The kind.
        kind: String,
        /// Its version.
        version: String,
    },
    /// An entry that cannot be read.
    #[error("a log entry of the bundle cannot be read: {reason}")]
    Malformed {
        /// Why.
        reason: String,
    },
    /// An entry of something else.
    #[error("a log entry of the bundle belongs to another signature: {reason}")]
    OtherSignature {
        /// What differs.
        reason: String,
    },
    /// An entry of a log that is not trusted.
    #[error("a log entry of the bundle is of the log {log_id}, which the trusted root does not name")]
    UnknownLog {
        /// Which, by the SHA-256 of its key.
        log_id: String,
    },
    /// An entry that is not proved to be in the log.
    #[error("a log entry of the bundle is not proved to be in the log: {reason}")]
    NotIncluded {
        /// Why.
        reason: String,
    },
    /// A checkpoint of something else than the log.
    #[error(
        "the checkpoint of a log entry is that of \"{}\", but the log is \"{}\"",
        Escaped(found),
        Escaped(expected)
    )]
    Origin {
        /// The host of the log.
        expected: String,
        /// The origin of the checkpoint.
        found: String,
    },
    /// A log that was not trusted when it was signed.
    #[error("a log entry of the bundle is of the log {log}, which was not, or no longer, trusted on {time}", log = Escaped(log))]
    OutsideWindow {
        /// The base URL of the log.
        log: String,
        /// When it was signed, as was proved.
        time: Timestamp,
    },
    /// A time that the log did not sign, or that cannot be.
    #[error("the time at which the log says it took the entry is not believed: {reason}")]
    Promise {
        /// Why.
        reason: String,
    },
}

impl LogEntryError {
    pub(crate) fn promised_ahead(time: Timestamp, now: Timestamp) -> Self {
        Self::Promise { reason: format!("{time} is in the future: it is {now}") }
    }
}

/// Who is bound to an entry by its content.
#[derive(Clone, Copy)]
pub(crate) struct Verifier<'a> {
    pub(crate) key: &'a PublicKey,
    pub(crate) certificate: Option<&'a Certificate>,
}

/// Checks every log entry in the bundle of a key or a certificate, of which
/// `times` are proved already. With a root, adds the times that its logs have
/// signed.
pub(crate) fn check_log_entries(
    bundle: &UntrustedBundle,
    verifier: Verifier<'_>,
    logs: Option<&(TrustedRoot, Clock)>,
    times: &mut Vec<ProvedTime>,
) -> Result<Vec<LogRecord>, LogEntryError> {
    let mut records = Vec::new();
    let stamped = times.clone();
    for entry in bundle.log_entries() {
        let parsed = parse(entry)?;
        check_binding(&parsed, bundle, verifier)?;
        let Some((root, clock)) = logs else {
            records.push(LogRecord { log_index: entry.log_index, log: None });
            continue;
        };
        check_window(root, &parsed, &stamped)?;
        let keys = rekor_keys(root)?;
        check_checkpoint(root, &parsed, &keys, *clock)?;
        check_proof(&parsed)?;
        times.extend(check_promise(&parsed, &keys, *clock)?.map(ProvedTime::Log));
        records.push(LogRecord::verified(root, &parsed));
    }
    Ok(records)
}

fn parse(entry: &LogEntry) -> Result<TransparencyLogEntry, LogEntryError> {
    let (kind, version) = entry.kind.clone();
    if ![("hashedrekord", "0.0.2"), ("dsse", "0.0.1")].contains(&(&kind[..], &version[..])) {
        return Err(LogEntryError::Kind { kind, version });
    }
    let parsed: TransparencyLogEntry =
        serde_json::from_slice(&entry.to_json()).map_err(|error| malformed(&error))?;
    if parsed.canonicalized_body.as_bytes() != entry.canonicalized_body {
        return Err(LogEntryError::Malformed { reason: "two parsers read different bodies".to_owned() });
    }
    Ok(parsed)
}

fn malformed(error: &dyn std::error::Error) -> LogEntryError {
    LogEntryError::Malformed { reason: Escaped(&error.to_string()).to_string() }
}

/// The entry has to be about this payload, this signature and this signer.
fn check_binding(
    entry: &TransparencyLogEntry,
    bundle: &UntrustedBundle,
    verifier: Verifier<'_>,
) -> Result<(), LogEntryError> {
    let body = RekorEntryBody::parse(&entry.canonicalized_body, entry.kind_version);
    let (payload, signature, signer) = match body.map_err(|error| malformed(&error))? {
        RekorEntryBody::HashedRekordV002(body) => {
            let entry = body.spec.hashed_rekord_v002;
            let digest = Sha256Digest::of(&bundle.envelope().signed_bytes());
            let is_same = entry.data.algorithm == HashAlgorithm::Sha2256
                && entry.data.digest.as_bytes() == digest.as_bytes();
            let logged = entry.signature.verifier;
            let certificate = logged.x509_certificate.map(|certificate| certificate.raw_bytes);
            let key = logged.public_key.map(|key| key.raw_bytes);
            (is_same, entry.signature.content, is_logged(verifier, certificate.as_ref(), key.as_ref()))
        }
        RekorEntryBody::DsseV001(body) => {
            let logged = body.spec.payload_hash;
            let digest = Sha256Digest::of(bundle.envelope().payload()).to_string();
            let is_same = logged.algorithm == HashAlgorithm::Sha2256 && logged.value == digest;
            let [signature] = &body.spec.signatures[..] else {
                return Err(LogEntryError::OtherSignature { reason: "it has several signatures".to_owned() });
            };
            let pem = String::from_utf8_lossy(signature.verifier.as_bytes()).into_owned();
            let certificate = DerCertificate::from_pem(&pem).ok();
            let key = DerPublicKey::from_pem(&pem).ok().filter(|_| certificate.is_none());
            (is_same, signature.signature.clone(), is_logged(verifier, certificate.as_ref(), key.as_ref()))
        }
        _ => return Err(LogEntryError::Malformed { reason: "its body is of another kind".to_owned() }),
    };
    let is_signature = signature.as_bytes() == bundle.envelope().signature();
    for (is_same, what) in [
        (payload, "its payload is another"),
        (is_signature, "its signature is another"),
        (signer, "its signer is another"),
    ] {
        if !is_same {
            return Err(LogEntryError::OtherSignature { reason: what.to_owned() });
        }
    }
    Ok(())
}

/// Exactly one of the two is logged, and it is the signer's.
fn is_logged(
    verifier: Verifier<'_>,
    certificate: Option<&DerCertificate>,
    key: Option<&DerPublicKey>,
) -> bool {
    match (certificate, key) {
        (Some(logged), None) => verifier.certificate.is_some_and(|own| own.as_der() == logged.as_bytes()),
        (None, Some(logged)) => logged.as_bytes() == verifier.key.as_spki_der(),
        _ => false,
    }
}

/// The keys of the logs that `root` names.
pub(crate) fn rekor_keys(root: &TrustedRoot) -> Result<Keyring, LogEntryError> {
    root.as_library().rekor_keys().map_err(|error| not_included(&error.to_string()))
}

/// That the checkpoint of an entry is one of the log that the entry names, and
/// of no other that is trusted too, which the library does not ask: by its
/// signature and, in the second version of Rekor, by its origin, which is the
/// host of the log. An entry without a proof needs a promise, which
/// [`check_promise`] verifies.
pub(crate) fn check_checkpoint(
    root: &TrustedRoot,
    entry: &TransparencyLogEntry,
    keys: &Keyring,
    clock: Clock,
) -> Result<(), LogEntryError> {
    let log_id = || hex::encode(entry.log_id.key_id.as_bytes());
    let log = log_of(root, entry).ok_or_else(|| LogEntryError::UnknownLog { log_id: log_id() })?;
    let Some(proof) = &entry.inclusion_proof else {
        return match entry.inclusion_promise {
            Some(_) if !is_v2(entry) => Ok(()),
            _ => Err(not_included("it carries neither a proof nor a promise")),
        };
    };
    let checkpoint = Checkpoint::from_text(proof.checkpoint.envelope());
    let checkpoint = checkpoint.map_err(|error| not_included(&error.to_string()))?;
    let expected = host(&log.base_url);
    if is_v2(entry) && checkpoint.origin() != expected {
        let found = checkpoint.origin().to_owned();
        return Err(LogEntryError::Origin { expected: expected.to_owned(), found });
    }
    let key_id = Sha256Hash::try_from(entry.log_id.key_id.as_bytes());
    let key_id = key_id.map_err(|error| not_included(&error.to_string()))?;
    let key = keys.key_started_by(&key_id, clock.now());
    let key = key.ok_or_else(|| LogEntryError::UnknownLog { log_id: log_id() })?;
    let signatures = checkpoint.signatures().iter();
    let mut of_log = signatures.filter(|signature| signature.key_id.as_slice() == &key_id.as_bytes()[..4]);
    if of_log.any(|signature| key.verify(checkpoint.signed_data(), &signature.signature).is_ok()) {
        Ok(())
    } else {
        Err(not_included("its checkpoint is not signed by the log that it names"))
    }
}

fn not_included(reason: &str) -> LogEntryError {
    LogEntryError::NotIncluded { reason: Escaped(reason).to_string() }
}

fn is_v2(entry: &TransparencyLogEntry) -> bool {
    entry.kind_version == KindVersion::HashedRekordV002
}

/// A log of Rekor's second version proves no time of its own, so the window of
/// its key has to hold the times that others prove.
pub(crate) fn check_window(
    root: &TrustedRoot,
    entry: &TransparencyLogEntry,
    times: &[ProvedTime],
) -> Result<(), LogEntryError> {
    let Some(log) = log_of(root, entry).filter(|_| entry.kind_version == KindVersion::HashedRekordV002)
    else {
        return Ok(());
    };
    let Some(window) = log.public_key.valid_for else { return Ok(()) };
    match times.iter().find(|proved| !window.contains(proved.time())) {
        Some(outside) => {
            Err(LogEntryError::OutsideWindow { log: log.base_url.clone(), time: outside.time() })
        }
        None => Ok(()),
    }
}

fn log_of<'a>(
    root: &'a TrustedRoot,
    entry: &TransparencyLogEntry,
) -> Option<&'a sigstore_verify::trust_root::TransparencyLog> {
    root.as_library().tlogs.iter().find(|log| log.log_id.key_id == entry.log_id.key_id)
}

fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host)
}

/// That the entry is in the tree of its checkpoint.
fn check_proof(entry: &TransparencyLogEntry) -> Result<(), LogEntryError> {
    let Some(proof) = &entry.inclusion_proof else { return Ok(()) };
    let checkpoint = Checkpoint::from_text(proof.checkpoint.envelope());
    let checkpoint = checkpoint.map_err(|error| not_included(&error.to_string()))?;
    let (index, size) = if is_v2(entry) {
        (entry.log_index.get(), checkpoint.tree_size())
    } else {
        (proof.log_index.get(), proof.tree_size)
    };
    if !is_v2(entry) && (*checkpoint.root_hash() != proof.root_hash || checkpoint.tree_size() != size) {
        return Err(not_included("its proof and its checkpoint are of different trees"));
    }
    let leaf = sigstore_merkle::hash_leaf(entry.canonicalized_body.as_bytes());
    sigstore_merkle::verify_inclusion_proof(&leaf, index, size, &proof.hashes, checkpoint.root_hash())
        .map_err(|error| not_included(&error.to_string()))
}

/// The signed entry timestamp of Rekor's first version.
pub(crate) fn check_promise(
    entry: &TransparencyLogEntry,
    keys: &Keyring,
    clock: Clock,
) -> Result<Option<Timestamp>, LogEntryError> {
    /// In the order of RFC 8785.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Promised {
        body: String,
        integrated_time: i64,
        #[serde(rename = "logID")]
        log_id: String,
        log_index: i64,
    }
    let broken = |reason: String| LogEntryError::Promise { reason: Escaped(&reason).to_string() };
    let Some(promise) = &entry.inclusion_promise else { return Ok(None) };
    let id = entry.log_id.key_id.as_bytes();
    let key_id = Sha256Hash::try_from(id).map_err(|error| broken(error.to_string()))?;
    let time = entry.integrated_time.ok_or_else(|| broken("there is none".to_owned()))?;
    if clock.is_ahead(time) {
        return Err(LogEntryError::promised_ahead(time, clock.now()));
    }
    let promised = Promised {
        body: entry.canonicalized_body.to_base64(),
        integrated_time: time.as_second(),
        log_id: hex::encode(id),
        log_index: entry.log_index.as_i64(),
    };
    let signed = serde_json::to_vec(&promised).map_err(|error| broken(error.to_string()))?;
    let signature = SignatureBytes::new(promise.signed_entry_timestamp.as_bytes().to_vec());
    let key =
        keys.key_at(&key_id, time).ok_or_else(|| broken("the log's key was not valid then".to_owned()))?;
    key.verify(&signed, &signature).map_err(|_| broken("the log did not sign it".to_owned()))?;
    // Logs of the second version promise nothing; what they sign otherwise is no time.
    Ok(Some(time).filter(|_| !is_v2(entry)))
}
