use jiff::Timestamp;
use modelseal_manifest::{Escaped, Sha256Digest};

use super::{SubjectPattern, UsageProblem};
use crate::{JudgedAt, PublicKeyError};

/// Why bytes are not a certificate.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateParseError {
    /// Not PEM at all.
    #[error("not a PEM file, or without its line breaks: expected lines -----BEGIN CERTIFICATE-----")]
    NotPem,
    /// PEM of something else.
    #[error("holds a \"{}\", expected nothing but \"CERTIFICATE\"", Escaped(found))]
    Label {
        /// The label of the block.
        found: String,
    },
    /// Not DER of a certificate.
    #[error("the certificate is malformed")]
    Malformed,
    /// An extension that is looked at is malformed, or there twice.
    #[error("the certificate has an extension that is malformed, or occurs twice")]
    Extension,
}

/// Why bytes are not a certificate revocation list that can be honoured.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// Neither PEM nor DER of a list.
    #[error("not a certificate revocation list, in PEM or DER")]
    Malformed,
    /// A list that does not say until when it holds.
    #[error("the certificate revocation list does not say when the next one is due")]
    NoNextUpdate,
    /// A list of a kind that is not supported.
    #[error("the certificate revocation list cannot be honoured: {reason}")]
    Unsupported {
        /// What it is.
        reason: String,
    },
}

/// Why a certificate is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// A certificate in the bundle cannot be read.
    #[error("certificate {index} of the bundle (counted from 0, the leaf): {source}")]
    Malformed {
        /// Its place.
        index: usize,
        /// What is wrong with it.
        source: CertificateParseError,
    },
    /// The leaf holds a key that signs no models.
    #[error("the signing certificate \"{subject}\": {source}")]
    Key {
        /// The leaf.
        subject: String,
        /// What is wrong with its key.
        source: PublicKeyError,
    },
    /// The certificate may not be used for this.
    #[error("the certificate \"{subject}\" may not be used for this: {problem}")]
    Usage {
        /// Whose.
        subject: String,
        /// What it may not.
        problem: UsageProblem,
    },
    /// No path leads to an anchor.
    #[error(
        "no trusted certificate issued the signing certificate \"{subject}\": its issuer \"{issuer}\" does not lead to any of the roots that were given"
    )]
    UnknownIssuer {
        /// The leaf.
        subject: String,
        /// Its issuer.
        issuer: String,
    },
    /// A publisher's chain holds something that does not belong there.
    #[error(
        "the certificate \"{subject}\" of the chain does not lie between the signing certificate and its root"
    )]
    NotOnPath {
        /// Whose.
        subject: String,
    },
    /// A certificate that is no longer valid.
    #[error("the certificate \"{subject}\" expired on {not_after}; its validity was judged at {at}")]
    Expired {
        /// Whose.
        subject: String,
        /// When it expired.
        not_after: Timestamp,
        /// The time that counted.
        at: JudgedAt,
    },
    /// A certificate that is not yet valid.
    #[error(
        "the certificate \"{subject}\" is valid only from {not_before} on; its validity was judged at {at}"
    )]
    NotYetValid {
        /// Whose.
        subject: String,
        /// When it begins.
        not_before: Timestamp,
        /// The time that counted.
        at: JudgedAt,
    },
    /// A revocation list names the certificate.
    #[error(
        "the certificate \"{subject}\" (serial {serial}) is revoked: its issuer's revocation list names it"
    )]
    Revoked {
        /// Whose.
        subject: String,
        /// Its serial number.
        serial: String,
    },
    /// There is no certificate.
    #[error("the bundle carries no certificate")]
    EmptyChain,
    /// A revocation list that was not yet made.
    #[error("the revocation list of \"{issuer}\" was made on {this_update}, and it is only {now}")]
    CrlFromFuture {
        /// Whose list.
        issuer: String,
        /// When it was made.
        this_update: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// A revocation list that does not speak of today.
    #[error(
        "the revocation list of \"{issuer}\" is out of date: its next update was due on {next_update}, and it is {now}"
    )]
    CrlExpired {
        /// Whose list.
        issuer: String,
        /// When the next one was due.
        next_update: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// The path breaks a rule of RFC 5280.
    #[error("the certificate chain of \"{subject}\" is not valid: {reason}")]
    Path {
        /// The leaf.
        subject: String,
        /// Which rule.
        reason: String,
    },
    /// The search for a path was given up.
    #[error(
        "the certificate chain of \"{subject}\" is too complicated: the search for a path to a root was given up"
    )]
    TooComplicated {
        /// The leaf.
        subject: String,
    },
    /// The leaf is somebody else's.
    #[error("the signing certificate is that of \"{found}\", but the subject has to match \"{expected}\"")]
    Subject {
        /// What was asked for.
        expected: SubjectPattern,
        /// The subject of the leaf.
        found: String,
    },
    /// The leaf is not the one that was pinned.
    #[error(
        "the signing certificate is \"{subject}\" (sha256:{found}), not the one that is trusted (sha256:{expected})"
    )]
    Leaf {
        /// The subject of the leaf in the bundle.
        subject: String,
        /// SHA-256 of the trusted certificate.
        expected: Sha256Digest,
        /// SHA-256 of the leaf in the bundle.
        found: Sha256Digest,
    },
}
