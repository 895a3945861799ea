//! What a certificate has to say of itself to sign models (OMS v1.0, method
//! `certificate`; RFC 5280, sections 4.2.1.3 and 4.2.1.12).

use spki::der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::KeyUsages;

use super::Certificate;

const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// Checks the extensions of a leaf. One that is marked as a certificate
/// authority passes if its key usage says that it may not sign certificates:
/// releases 0.2 to 1.1 of the reference were tested with such leaves.
pub(super) fn check_leaf(leaf: &Certificate) -> Result<(), UsageProblem> {
    match (&leaf.key_usage, &leaf.extended_key_usage) {
        (None, _) if leaf.is_ca() => return Err(UsageProblem::CertSign),
        (None, None) => return Err(UsageProblem::NoUsage),
        (Some(usage), _) if usage.0.contains(KeyUsages::KeyCertSign) => return Err(UsageProblem::CertSign),
        (Some(usage), _) if !usage.0.contains(KeyUsages::DigitalSignature) => {
            return Err(UsageProblem::NoDigitalSignature);
        }
        _ => {}
    }
    match &leaf.extended_key_usage {
        Some(usages) if !usages.0.contains(&CODE_SIGNING) => Err(UsageProblem::NoCodeSigning),
        _ => Ok(()),
    }
}

/// Checks the extensions of a certificate that issues others, an anchor too.
pub(super) fn check_issuer(issuer: &Certificate, purpose: Purpose) -> Result<(), UsageProblem> {
    if !issuer.is_ca() {
        return Err(UsageProblem::NotAuthority);
    }
    if issuer.key_usage.as_ref().is_some_and(|usage| !usage.0.contains(KeyUsages::KeyCertSign)) {
        return Err(UsageProblem::NoCertSign);
    }
    let permits = |usage: &ObjectIdentifier| [purpose.oid(), ANY_EXTENDED_KEY_USAGE].contains(usage);
    match &issuer.extended_key_usage {
        Some(usages) if !usages.0.iter().any(permits) => Err(purpose.missing()),
        _ => Ok(()),
    }
}

/// Checks the extensions of a timestamp authority's own certificate (RFC 3161,
/// section 2.3).
pub(super) fn check_timestamp_authority(leaf: &Certificate) -> Result<(), UsageProblem> {
    if leaf.is_ca() {
        return Err(UsageProblem::CertSign);
    }
    if leaf.key_usage.as_ref().is_some_and(|usage| !usage.0.contains(KeyUsages::DigitalSignature)) {
        return Err(UsageProblem::NoDigitalSignature);
    }
    match &leaf.extended_key_usage {
        Some(usages) if leaf.extended_key_usage_is_critical && usages.0 == [TIME_STAMPING] => Ok(()),
        _ => Err(UsageProblem::NoTimeStamping),
    }
}

/// What the certificates of a path are for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::CodeSigning => CODE_SIGNING,
            Self::TimeStamping => TIME_STAMPING,
        }
    }

    const fn missing(self) -> UsageProblem {
        match self {
            Self::CodeSigning => UsageProblem::NoCodeSigning,
            Self::TimeStamping => UsageProblem::NoTimeStamping,
        }
    }
}

/// Whether an issuer may sign revocation lists (RFC 5280, section 4.2.1.3).
pub(super) fn may_sign_lists(issuer: &Certificate) -> bool {
    issuer.key_usage.as_ref().is_none_or(|usage| usage.0.contains(KeyUsages::CRLSign))
}

/// Why a certificate may not do what it did.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UsageProblem {
    /// A leaf that does not say what it is for.
    #[error("it has neither a key usage nor an extended key usage, so nothing says that it may sign")]
    NoUsage,
    /// A leaf whose key usage leaves signatures out.
    #[error("its key usage does not include digitalSignature")]
    NoDigitalSignature,
    /// A leaf that may issue certificates.
    #[error(
        "it may issue certificates (keyCertSign, or CA:TRUE without a key usage): it is for that, not for signing models"
    )]
    CertSign,
    /// An extended key usage that leaves code signing out, of a leaf or of
    /// what issued it.
    #[error("its extended key usage does not include codeSigning")]
    NoCodeSigning,
    /// An extended key usage that is not timestamping, that alone and critical, of
    /// a timestamp authority, or leaves it out, of what issued it.
    #[error(
        "it is not one for timestamps: its extended key usage has to be timeStamping alone, and critical"
    )]
    NoTimeStamping,
    /// An issuer that is no certificate authority.
    #[error("it issued a certificate, but is not marked as a certificate authority (CA:TRUE)")]
    NotAuthority,
    /// An issuer whose key usage leaves certificates out.
    #[error("it issued a certificate, but its key usage does not include keyCertSign")]
    NoCertSign,
}
