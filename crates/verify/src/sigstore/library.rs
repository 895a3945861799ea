//! The one place that calls `sigstore-verify`, and what is asked around it.

use modelseal_bundle::{Attestation, Statement, UntrustedBundle};
use modelseal_manifest::{Escaped, Sha256Digest};
use sigstore_verify::types::bundle::VerificationMaterialContent;
use sigstore_verify::types::{Artifact, Bundle, Sha256Hash, SignatureContent};
use sigstore_verify::{
    CertificateError, Error, IdentityMatcher, TimestampError as LibraryTimestampError, TransparencyLogError,
    VerificationPolicy, VerificationResult,
};

use super::certificate::FulcioCertificate;
use super::{Identity, SigstoreError, TrustedRoot};
use crate::log_entry::{LogEntryError, LogRecord, check_checkpoint, check_promise, check_window, rekor_keys};
use crate::{Clock, ProvedTime, Timestamp, TimestampAuthorities, TimestampError};

/// What was proved beside who signed.
pub(crate) struct Evidence {
    /// At least one; in order.
    pub(crate) times: Vec<ProvedTime>,
    pub(crate) log_entries: Vec<LogRecord>,
}

/// Verifies everything about the envelope of `bundle`, which carries
/// `certificate`: the signature, the path of the certificate and its
/// transparency, the log entries and the timestamps.
pub(super) fn verify_envelope(
    root: &TrustedRoot,
    bundle: &UntrustedBundle,
    certificate: &FulcioCertificate,
    clock: Clock,
) -> Result<Evidence, SigstoreError> {
    let parsed = parse(&bundle.to_json())?;
    check_alike(&parsed, bundle, certificate)?;
    check_signature(bundle, certificate)?;
    // That it is of another instance shows best in the log.
    check_entries(root, &parsed, clock)?;
    check_times(root, bundle, &parsed, certificate, clock)?;
    let subject = subject(bundle.envelope().payload())?;
    verify(root, &parsed, Artifact::from_digest(subject), certificate, clock)
}

/// A subject of the payload, which the library wants to be told. It is read
/// within our limits, which the library does not have; what is believed is
/// parsed again, afterwards.
fn subject(payload: &[u8]) -> Result<Sha256Hash, SigstoreError> {
    let error = match Statement::parse(payload) {
        Ok(statement) => return Ok((*statement.manifest().root_digest().as_sha256().as_bytes()).into()),
        Err(error) => error,
    };
    let attestation = Attestation::parse(payload).map_err(|_| SigstoreError::Statement(error))?;
    let mut digests = attestation.subjects().iter().filter_map(|subject| subject.digest.get("sha256"));
    let digest = digests.find_map(|hex| hex.parse::<Sha256Digest>().ok());
    Ok((*digest.ok_or(SigstoreError::NoSubjectDigest)?.as_bytes()).into())
}

/// The library would find this out too, but last: whatever was altered is told
/// from what is not trusted.
fn check_signature(bundle: &UntrustedBundle, certificate: &FulcioCertificate) -> Result<(), SigstoreError> {
    let envelope = bundle.envelope();
    match certificate.certificate.public_key() {
        Ok(key) if key.verify(&envelope.signed_bytes(), envelope.signature()).is_err() => {
            Err(SigstoreError::Signature { identity: certificate.identity.clone() })
        }
        // Keys of other kinds are the library's to verify.
        _ => Ok(()),
    }
}

/// The library would find this out too, in words of its own.
fn check_times(
    root: &TrustedRoot,
    bundle: &UntrustedBundle,
    parsed: &Bundle,
    certificate: &FulcioCertificate,
    clock: Clock,
) -> Result<(), SigstoreError> {
    let leaf = &certificate.certificate;
    let authorities = TimestampAuthorities::of(root, clock);
    let mut times = authorities.verify(bundle.timestamps(), bundle.envelope().signature())?;
    let keys = rekor_keys(root)?;
    for entry in &parsed.verification_material.tlog_entries {
        times.extend(check_promise(entry, &keys, clock)?.map(ProvedTime::Log));
    }
    let is_outside = |proved: &&ProvedTime| !(leaf.not_before()..=leaf.not_after()).contains(&proved.time());
    match times.iter().find(is_outside) {
        Some(outside) => Err(outside_validity(certificate, outside.time())),
        None => Ok(()),
    }
}

fn outside_validity(certificate: &FulcioCertificate, at: Timestamp) -> SigstoreError {
    SigstoreError::OutsideValidity {
        identity: certificate.identity.clone(),
        at,
        not_before: certificate.certificate.not_before(),
        not_after: certificate.certificate.not_after(),
    }
}

/// The same for a bundle of any content, which already is the library's.
pub(super) fn verify(
    root: &TrustedRoot,
    bundle: &Bundle,
    artifact: Artifact<'_>,
    certificate: &FulcioCertificate,
    clock: Clock,
) -> Result<Evidence, SigstoreError> {
    let entries = &bundle.verification_material.tlog_entries;
    // Who that is was decided before: the library has to read the same from the certificate.
    let identity = match &certificate.identity {
        Identity::Email(address) => IdentityMatcher::Email(address.clone()),
        Identity::Uri(uri) => IdentityMatcher::Uri(uri.clone()),
    };
    let policy = VerificationPolicy::new(identity, certificate.issuer.clone());
    let verified =
        root.verifier().verify(artifact, bundle, &policy).map_err(|error| explain(error, certificate))?;
    let times = proved_times(bundle, &verified, clock)?;
    entries.iter().try_for_each(|entry| check_window(root, entry, &times))?;
    let log_entries = entries.iter().map(|entry| LogRecord::verified(root, entry)).collect();
    Ok(Evidence { times, log_entries })
}

/// What the library does not ask of log entries: that there are any, and that
/// each is of the log that it names.
pub(super) fn check_entries(root: &TrustedRoot, bundle: &Bundle, clock: Clock) -> Result<(), SigstoreError> {
    let entries = &bundle.verification_material.tlog_entries;
    if entries.is_empty() {
        return Err(SigstoreError::NoLogEntry);
    }
    let keys = rekor_keys(root)?;
    Ok(entries.iter().try_for_each(|entry| check_checkpoint(root, entry, &keys, clock))?)
}

pub(super) fn parse(json: &[u8]) -> Result<Bundle, SigstoreError> {
    let text = std::str::from_utf8(json).map_err(|error| refused(&error))?;
    Bundle::from_json(text).map_err(|error| refused(&error))
}

fn refused(error: &dyn std::error::Error) -> SigstoreError {
    SigstoreError::Refused { reason: Escaped(&error.to_string()).to_string() }
}

/// What the library is about to verify is what we are about to believe.
fn check_alike(
    theirs: &Bundle,
    ours: &UntrustedBundle,
    certificate: &FulcioCertificate,
) -> Result<(), SigstoreError> {
    let ambiguous = |what| Err(SigstoreError::Ambiguous { what });
    let material = &theirs.verification_material;
    let SignatureContent::DsseEnvelope(envelope) = &theirs.content else { return ambiguous("contents") };
    let VerificationMaterialContent::Certificate(leaf) = &material.content else {
        return ambiguous("verification material");
    };
    let stamps = &material.timestamp_verification_data.rfc3161_timestamps;
    let stamps = stamps.iter().map(|stamp| stamp.signed_timestamp.as_bytes());
    let bodies = material.tlog_entries.iter().map(|entry| entry.canonicalized_body.as_bytes());
    let our_bodies = ours.log_entries().iter().map(|entry| &entry.canonicalized_body[..]);
    if envelope.payload.as_bytes() != ours.envelope().payload()
        || envelope.pae() != ours.envelope().signed_bytes()
    {
        return ambiguous("payloads");
    }
    if envelope.signature.sig.as_bytes() != ours.envelope().signature() {
        return ambiguous("signatures");
    }
    if leaf.raw_bytes.as_bytes() != certificate.certificate.as_der() {
        return ambiguous("certificates");
    }
    if !stamps.eq(ours.timestamps().iter().map(Vec::as_slice)) || !bodies.eq(our_bodies) {
        return ambiguous("timestamps or log entries");
    }
    Ok(())
}

/// The library gives the times of timestamps first, then those of logs.
fn proved_times(
    bundle: &Bundle,
    verified: &VerificationResult,
    clock: Clock,
) -> Result<Vec<ProvedTime>, SigstoreError> {
    let stamps = bundle.verification_material.timestamp_verification_data.rfc3161_timestamps.len();
    let mut times = Vec::new();
    for (index, time) in verified.verified_timestamps().iter().copied().enumerate() {
        let is_stamp = index < stamps;
        if clock.is_ahead(time) && is_stamp {
            return Err(TimestampError::Future { index, time, now: clock.now() }.into());
        }
        if clock.is_ahead(time) {
            return Err(LogEntryError::promised_ahead(time, clock.now()).into());
        }
        times.push(if is_stamp { ProvedTime::Timestamp(time) } else { ProvedTime::Log(time) });
    }
    times.sort_by_key(|proved| proved.time());
    if times.is_empty() { Err(SigstoreError::NoTime) } else { Ok(times) }
}

/// An error of the library, with what it is about.
fn explain(error: Error, certificate: &FulcioCertificate) -> SigstoreError {
    let identity = certificate.identity.clone();
    match error {
        Error::Certificate(error) => explain_certificate(error, certificate),
        Error::TransparencyLog(error) => explain_log(error).into(),
        Error::Timestamp(error) => explain_timestamp(error),
        Error::SignatureInvalid(_) => SigstoreError::Signature { identity },
        Error::ArtifactMismatch(reason) => {
            SigstoreError::OtherArtifact { reason: Escaped(&reason).to_string() }
        }
        Error::IdentityMismatch { .. } => SigstoreError::Ambiguous { what: "identities" },
        Error::IssuerMismatch { .. } => SigstoreError::Ambiguous { what: "issuers" },
        other => refused(&other),
    }
}

fn explain_certificate(error: CertificateError, certificate: &FulcioCertificate) -> SigstoreError {
    let identity = certificate.identity.clone();
    match error {
        CertificateError::Expired { time, .. } | CertificateError::NotYetValid { time, .. } => {
            outside_validity(certificate, time)
        }
        CertificateError::Sct(reason) => {
            SigstoreError::CertificateNotLogged { identity, reason: Escaped(&reason).to_string() }
        }
        other => {
            SigstoreError::UnknownAuthority { identity, reason: Escaped(&other.to_string()).to_string() }
        }
    }
}

fn explain_log(error: TransparencyLogError) -> LogEntryError {
    let escaped = |reason: String| Escaped(&reason).to_string();
    match error {
        TransparencyLogError::UnknownLog { log_id } => LogEntryError::UnknownLog { log_id: escaped(log_id) },
        TransparencyLogError::EntryMismatch(reason) => {
            LogEntryError::OtherSignature { reason: escaped(reason) }
        }
        TransparencyLogError::IntegratedTime(reason) | TransparencyLogError::InclusionPromise(reason) => {
            LogEntryError::Promise { reason: escaped(reason) }
        }
        TransparencyLogError::InclusionProof(reason) | TransparencyLogError::Checkpoint(reason) => {
            LogEntryError::NotIncluded { reason: escaped(reason) }
        }
        other => LogEntryError::Malformed { reason: escaped(other.to_string()) },
    }
}

fn explain_timestamp(error: LibraryTimestampError) -> SigstoreError {
    match error {
        LibraryTimestampError::OutsideAuthorityValidity { time } => {
            TimestampError::OutsideWindow { time }.into()
        }
        LibraryTimestampError::NoVerifiedTimestamp(_) => SigstoreError::NoTime,
        other => TimestampError::Untrusted { reason: Escaped(&other.to_string()).to_string() }.into(),
    }
}
