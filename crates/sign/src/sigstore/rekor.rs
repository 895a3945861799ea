//! Rekor: an entry in a public log, of version 1 or 2 of its interface.

use std::collections::BTreeMap;

use modelseal_bundle::{Envelope, PAYLOAD_TYPE};
use modelseal_manifest::Escaped;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sigstore_rekor::{
    DsseEntry, HashedRekord, HashedRekordV2, LogEntry, RekorApiVersion, RekorEntryBody, RekorV2KeyDetails,
};
use sigstore_types::{
    DerCertificate, DsseEnvelope, DsseSignature, HashAlgorithm, KeyId, KindVersion, PayloadBytes, Sha256Hash,
    SignatureBytes, TransparencyLogEntry,
};

use super::http::Request;
use super::{Service, ServiceError, ServiceFailure, ServiceUrl, Timeouts};

/// A log that takes entries.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) url: ServiceUrl,
    pub(super) version: RekorApiVersion,
}

/// What is logged: a signature by the key of a certificate.
pub(super) struct Submission<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) signature: &'a [u8],
    pub(super) leaf: &'a [u8],
}

/// What the signature is over.
#[derive(Clone, Copy)]
pub(super) enum Signed<'a> {
    Envelope(&'a Envelope),
    Message(&'a [u8]),
}

impl Log {
    /// Has a signature logged. Its inclusion is *not* verified here; that the
    /// entry is about this signature is.
    pub(super) fn submit(
        &self,
        submission: &Submission<'_>,
        timeouts: &Timeouts,
    ) -> Result<TransparencyLogEntry, ServiceError> {
        let submission = Prepared::new(submission);
        match (self.version, &submission.envelope) {
            (RekorApiVersion::V2, _) => self.submit_v2(&submission, timeouts),
            (_, Some(envelope)) => {
                let entry = DsseEntry::new(envelope, &submission.leaf);
                let entry = entry.expect("strings always serialize");
                self.submit_v1(&entry, KindVersion::DsseV001, &submission, timeouts)
            }
            (_, None) => {
                let Prepared { digest, signature, leaf, .. } = &submission;
                let entry = HashedRekord::new(digest, signature, leaf);
                self.submit_v1(&entry, KindVersion::HashedRekordV001, &submission, timeouts)
            }
        }
    }

    fn submit_v1(
        &self,
        entry: &impl Serialize,
        kind: KindVersion,
        submission: &Prepared,
        timeouts: &Timeouts,
    ) -> Result<TransparencyLogEntry, ServiceError> {
        let url = self.url.endpoint("/api/v1/log/entries");
        let body = serde_json::to_vec(entry).expect("strings always serialize");
        let request = Request::post_json(Service::Rekor, &url, body);
        let entries: BTreeMap<String, LogEntry> = request.json(timeouts)?;
        let unexpected = |reason| request.failed(ServiceFailure::Unexpected { reason });
        let mut entries = entries.into_values();
        let (Some(entry), None) = (entries.next(), entries.next()) else {
            return Err(unexpected("it has not exactly one entry".to_owned()));
        };
        let entry = entry.to_bundle_entry(kind).map_err(|error| unexpected(error.to_string()))?;
        submission.check(&entry).map_err(unexpected)?;
        Ok(entry)
    }

    fn submit_v2(
        &self,
        submission: &Prepared,
        timeouts: &Timeouts,
    ) -> Result<TransparencyLogEntry, ServiceError> {
        let Prepared { digest, signature, leaf, .. } = submission;
        let details = RekorV2KeyDetails::PkixEcdsaP256Sha256;
        let entry = HashedRekordV2::new_with_certificate(digest, signature, leaf, details);
        let url = self.url.endpoint("/api/v2/log/entries");
        let body = serde_json::to_vec(&entry).expect("strings always serialize");
        let request = Request::post_json(Service::Rekor, &url, body);
        let entry: TransparencyLogEntry = request.json(timeouts)?;
        submission.check(&entry).map_err(|reason| request.failed(ServiceFailure::Unexpected { reason }))?;
        Ok(entry)
    }
}

/// A submission in the types of the log.
struct Prepared {
    /// Of what the signature is over.
    digest: Sha256Hash,
    signature: SignatureBytes,
    leaf: DerCertificate,
    envelope: Option<DsseEnvelope>,
}

impl Prepared {
    fn new(submission: &Submission<'_>) -> Self {
        let signature = SignatureBytes::from_bytes(submission.signature);
        let (digest, envelope) = match submission.signed {
            Signed::Message(message) => (Sha256::digest(message), None),
            Signed::Envelope(envelope) => {
                let payload = PayloadBytes::from_bytes(envelope.payload());
                let wire_signature = DsseSignature::new(signature.clone(), KeyId::default());
                let wire = DsseEnvelope::new(PAYLOAD_TYPE, payload, wire_signature);
                (Sha256::digest(envelope.signed_bytes()), Some(wire))
            }
        };
        let leaf = DerCertificate::from_bytes(submission.leaf);
        Self { digest: Sha256Hash::new(digest.into()), signature, leaf, envelope }
    }

    /// Whether an entry is about this very signature.
    fn check(&self, entry: &TransparencyLogEntry) -> Result<(), String> {
        let body = RekorEntryBody::parse(&entry.canonicalized_body, entry.kind_version)
            .map_err(|error| error.to_string())?;
        if self.is_logged_in(&body) {
            Ok(())
        } else {
            Err(format!("the {} entry is about another signature", Escaped(entry.kind_version.kind())))
        }
    }

    fn is_logged_in(&self, body: &RekorEntryBody) -> bool {
        let is_leaf =
            |found: Result<DerCertificate, _>| found.is_ok_and(|found: DerCertificate| found == self.leaf);
        match body {
            RekorEntryBody::HashedRekordV002(body) => {
                let (data, signature) =
                    (&body.spec.hashed_rekord_v002.data, &body.spec.hashed_rekord_v002.signature);
                let certificate = signature.verifier.x509_certificate.as_ref();
                data.algorithm == HashAlgorithm::Sha2256
                    && data.digest.as_bytes() == self.digest.as_bytes()
                    && signature.content == self.signature
                    && certificate.is_some_and(|certificate| certificate.raw_bytes == self.leaf)
            }
            RekorEntryBody::HashedRekordV001(body) => {
                let (hash, signature) = (&body.spec.data.hash, &body.spec.signature);
                self.envelope.is_none()
                    && hash.algorithm == HashAlgorithm::Sha2256
                    && hash.value.as_str() == self.digest.to_hex()
                    && signature.content == self.signature
                    && is_leaf(signature.public_key.parse_certificate())
            }
            RekorEntryBody::DsseV001(body) => {
                let payload = self.envelope.as_ref().map(|envelope| Sha256::digest(&envelope.payload));
                let payload = payload.map(|digest| Sha256Hash::new(digest.into()).to_hex());
                payload.as_ref() == Some(&body.spec.payload_hash.value)
                    && matches!(&body.spec.signatures[..], [logged]
                        if logged.signature == self.signature && is_leaf(logged.parse_certificate()))
            }
            _ => false,
        }
    }
}
