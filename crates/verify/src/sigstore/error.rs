use jiff::Timestamp;
use modelseal_bundle::StatementError;
use modelseal_manifest::{Escaped, Sha256Digest};

use super::{Claim, Identity, IdentityPattern};
use crate::{CertificateParseError, LogEntryError, TimestampError};

/// Why a keyless signature is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SigstoreError {
    /// The signing certificate cannot be read.
    #[error("the signing certificate: {0}")]
    Malformed(CertificateParseError),
    /// An extension that stands there twice: readers would differ.
    #[error("the signing certificate has the extension {oid} twice")]
    DuplicateExtension {
        /// Which.
        oid: String,
    },
    /// A certificate that names neither an address nor a URI.
    #[error("the signing certificate names neither an e-mail address nor a URI")]
    NoIdentity,
    /// A certificate that names several.
    #[error("the signing certificate is ambiguous: it names {}", list(found))]
    AmbiguousIdentity {
        /// All of its names.
        found: Vec<String>,
    },
    /// A certificate that does not say who identified its holder.
    #[error("the signing certificate does not say which OIDC issuer identified its holder")]
    NoIssuer,
    /// A certificate that says it in two ways.
    #[error(
        "the signing certificate contradicts itself: its issuer extensions say \"{}\" and \"{}\"",
        Escaped(bare),
        Escaped(current)
    )]
    IssuersDisagree {
        /// Extension 1.3.6.1.4.1.57264.1.1.
        bare: String,
        /// Extension 1.3.6.1.4.1.57264.1.8.
        current: String,
    },
    /// Somebody else signed.
    #[error("it was signed by \"{found}\", but the identity has to be \"{expected}\"")]
    Identity {
        /// What was asked for.
        expected: IdentityPattern,
        /// Who signed, by the certificate.
        found: Identity,
    },
    /// Another issuer identified the signer.
    #[error(
        "the signer \"{identity}\" was identified by \"{}\", but the issuer has to be \"{expected}\"",
        Escaped(found)
    )]
    Issuer {
        /// What was asked for.
        expected: String,
        /// What the certificate says.
        found: String,
        /// Who signed.
        identity: Identity,
    },
    /// The build is another one.
    #[error("the certificate says {claim} \"{}\", but it has to be \"{expected}\"", Escaped(found))]
    Claim {
        /// Which claim.
        claim: Claim,
        /// What was asked for.
        expected: IdentityPattern,
        /// What the certificate says.
        found: String,
    },
    /// The certificate does not speak of the build.
    #[error("the certificate says nothing of {claim}, which has to be \"{expected}\"")]
    NoClaim {
        /// Which claim.
        claim: Claim,
        /// What was asked for.
        expected: IdentityPattern,
    },
    /// The certificate is not the one that is believed.
    #[error("the signing certificate sha256:{found} is not the one that was asked for")]
    OtherCertificate {
        /// SHA-256 of the certificate in the bundle.
        found: Sha256Digest,
    },
    /// The certificate does not come from the trusted instance.
    #[error(
        "no certificate authority of the trusted root issued the signing certificate of \"{identity}\": {reason}"
    )]
    UnknownAuthority {
        /// Whose certificate.
        identity: Identity,
        /// What the check says.
        reason: String,
    },
    /// The certificate was not valid when it signed.
    #[error(
        "the certificate of \"{identity}\" was valid from {not_before} to {not_after}, but it signed at {at}"
    )]
    OutsideValidity {
        /// Whose certificate.
        identity: Identity,
        /// When it signed, as was proved.
        at: Timestamp,
        /// The first moment of its validity.
        not_before: Timestamp,
        /// The last second of its validity.
        not_after: Timestamp,
    },
    /// The certificate was not made public.
    #[error(
        "no certificate transparency log of the trusted root took the signing certificate of \"{identity}\": {reason}"
    )]
    CertificateNotLogged {
        /// Whose certificate.
        identity: Identity,
        /// What the check says.
        reason: String,
    },
    /// The bundle carries no log entry.
    #[error("the bundle carries no transparency log entry, and a keyless signature needs one")]
    NoLogEntry,
    /// A log entry is not believed.
    #[error(transparent)]
    LogEntry(#[from] LogEntryError),
    /// A timestamp is not believed.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// Nothing proves when it was signed.
    #[error(
        "nothing proves when it was signed: the bundle carries neither a timestamp of a trusted authority nor the signed time of a trusted log"
    )]
    NoTime,
    /// The signature is not one of the certificate's key.
    #[error(
        "the signature does not verify under the certificate of \"{identity}\": the payload was altered, or another key signed it"
    )]
    Signature {
        /// Whose certificate.
        identity: Identity,
    },
    /// The signature is about something else.
    #[error("the signature is not about this artifact: {reason}")]
    OtherArtifact {
        /// What the check says.
        reason: String,
    },
    /// The payload is not the statement of a model signature.
    #[error("the payload is not a model's: {0}")]
    Statement(StatementError),
    /// An attestation of something that has no SHA-256.
    #[error("no subject of the attestation has a SHA-256 digest, by which it could be verified")]
    NoSubjectDigest,
    /// Two readers understood the bundle differently, so neither is believed.
    #[error("the bundle is ambiguous: two parsers read different {what} from it")]
    Ambiguous {
        /// What they read.
        what: &'static str,
    },
    /// Whatever else the library refuses.
    #[error("the bundle was refused: {reason}")]
    Refused {
        /// What the library says.
        reason: String,
    },
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("\"{}\"", Escaped(name))).collect::<Vec<_>>().join(", ")
}
