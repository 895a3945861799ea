//! Words and codes for keyless signatures, log entries and timestamps that are
//! not believed.

use modelseal::{LogEntryError, SigstoreError, TimestampError};

const OTHER_INSTANCE: &str = "was it signed with another Sigstore instance? --trusted-root FILE names one; modelseal trust update refreshes the public one";

pub(crate) fn sigstore_code(error: &SigstoreError) -> &'static str {
    match error {
        SigstoreError::Identity { .. } => "wrong-identity",
        SigstoreError::Issuer { .. } => "wrong-issuer",
        SigstoreError::Claim { .. } | SigstoreError::NoClaim { .. } => "wrong-claim",
        SigstoreError::AmbiguousIdentity { .. } => "ambiguous-identity",
        SigstoreError::IssuersDisagree { .. } => "ambiguous-issuer",
        SigstoreError::OtherCertificate { .. } => "wrong-certificate",
        SigstoreError::UnknownAuthority { .. } => "unknown-issuer",
        SigstoreError::OutsideValidity { .. } => "certificate-expired",
        SigstoreError::CertificateNotLogged { .. } => "certificate-not-logged",
        SigstoreError::NoLogEntry => "no-log-entry",
        SigstoreError::NoTime => "no-time",
        SigstoreError::Signature { .. } => "bad-signature",
        SigstoreError::LogEntry(error) => log_entry_code(error),
        SigstoreError::Timestamp(error) => timestamp_code(error),
        SigstoreError::Statement(_)
        | SigstoreError::NoSubjectDigest
        | SigstoreError::OtherArtifact { .. } => "malformed-statement",
        SigstoreError::Ambiguous { .. } => "ambiguous-bundle",
        _ => "malformed-bundle",
    }
}

pub(crate) fn sigstore_help(error: &SigstoreError) -> &'static str {
    match error {
        SigstoreError::Issuer { expected, found, .. }
            if expected.trim_end_matches('/') == found.trim_end_matches('/') =>
        {
            "they differ by a slash at the end alone: ask for the issuer exactly as the certificate has it"
        }
        SigstoreError::Identity { .. } | SigstoreError::Issuer { .. } => {
            "somebody else signed this model: do not use it, unless the publisher says that this is them"
        }
        SigstoreError::Claim { .. } | SigstoreError::NoClaim { .. } => {
            "it comes from another build than the one you asked for: ask the publisher which is meant"
        }
        SigstoreError::UnknownAuthority { .. }
        | SigstoreError::CertificateNotLogged { .. }
        | SigstoreError::Timestamp(TimestampError::Untrusted { .. }) => OTHER_INSTANCE,
        SigstoreError::OutsideValidity { .. } | SigstoreError::NoTime | SigstoreError::NoLogEntry => {
            "the publisher has to sign anew"
        }
        SigstoreError::Signature { .. } => {
            "do not use this model; fetch model and signature anew from the publisher"
        }
        SigstoreError::LogEntry(error) => log_entry_help(error),
        SigstoreError::Timestamp(error) => timestamp_help(error),
        _ => "this is no signature that can be believed: fetch it anew from the publisher",
    }
}

pub(crate) fn log_entry_code(error: &LogEntryError) -> &'static str {
    match error {
        LogEntryError::Kind { .. } => "log-entry-kind",
        LogEntryError::OtherSignature { .. } => "log-entry-of-another",
        LogEntryError::UnknownLog { .. } => "unknown-log",
        LogEntryError::NotIncluded { .. } | LogEntryError::Origin { .. } => "not-in-log",
        LogEntryError::OutsideWindow { .. } => "log-window",
        LogEntryError::Promise { .. } => "log-time",
        _ => "malformed-bundle",
    }
}

pub(crate) fn log_entry_help(error: &LogEntryError) -> &'static str {
    match error {
        LogEntryError::OutsideWindow { .. } => "the publisher has to sign anew",
        LogEntryError::UnknownLog { .. } => OTHER_INSTANCE,
        LogEntryError::Malformed { .. } => {
            "this is no signature that can be believed: fetch it anew from the publisher"
        }
        LogEntryError::Kind { .. } => "ask the publisher for a signature by a current release",
        _ => "somebody put the signature together from parts: fetch it anew from the publisher",
    }
}

pub(crate) fn timestamp_code(error: &TimestampError) -> &'static str {
    match error {
        TimestampError::OtherSignature => "timestamp-of-another",
        TimestampError::Untrusted { .. } | TimestampError::Certificate(_) => "unknown-timestamp-authority",
        TimestampError::OutsideWindow { .. } => "timestamp-window",
        TimestampError::Future { .. } => "timestamp-future",
        _ => "malformed-timestamp",
    }
}

pub(crate) fn timestamp_help(error: &TimestampError) -> &'static str {
    match error {
        TimestampError::Untrusted { .. } | TimestampError::Certificate(_) => {
            "ask the publisher, over another channel, which timestamp authority they use, and name its root: every timestamp has to be one that you trust"
        }
        TimestampError::Future { .. } => "is the clock of this machine right?",
        TimestampError::OtherSignature => {
            "somebody put the signature together from parts: fetch it anew from the publisher"
        }
        _ => "the publisher has to sign anew",
    }
}
