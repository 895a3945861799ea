use jiff::Timestamp;
use modelseal_bundle::BundleError;

use super::{IdentityError, InstanceError, ServiceError};

/// Why a signature was not made, or not published, or not timestamped. No
/// bundle was given.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SigstoreError {
    /// The instance cannot sign. Nothing was published.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// There is nobody to sign for. Nothing was published.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The certificate that Fulcio gave does not say who was certified.
    #[error("the certificate that Fulcio gave cannot be used: {reason}")]
    Certificate {
        /// What is wrong with it.
        reason: String,
    },
    /// The clock of Fulcio or that of this machine is wrong.
    #[error(
        "the certificate that Fulcio gave is valid from {not_before} to {not_after}, and it is {now} by the clock of this machine"
    )]
    CertificateNotCurrent {
        /// Its first moment.
        not_before: Timestamp,
        /// Its last moment.
        not_after: Timestamp,
        /// What time it is here.
        now: Timestamp,
    },
    /// The clock of Fulcio or that of the timestamp authority is wrong.
    #[error(
        "the timestamp authority says that it is {time}, and the certificate is valid from {not_before} to {not_after}"
    )]
    TimestampOutsideCertificate {
        /// The time of the timestamp.
        time: Timestamp,
        /// First moment of the certificate.
        not_before: Timestamp,
        /// Last moment of the certificate.
        not_after: Timestamp,
    },
    /// What the services gave makes no bundle.
    #[error("what the services gave makes no bundle: {0}")]
    Bundle(#[from] BundleError),
}
