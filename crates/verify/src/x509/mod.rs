//! The method `certificate`: whose certificate signed, under which anchor, and
//! at what time that was judged.

mod certificate;
mod crl;
mod error;
mod path;
mod profile;
mod subject;
mod timestamping;
mod trust;

pub use certificate::Certificate;
pub use crl::CertificateRevocationList;
pub use error::{CertificateError, CertificateParseError, CrlError};
pub use profile::UsageProblem;
pub use subject::{SubjectPattern, SubjectPatternError};
pub(crate) use timestamping::authority_path;
pub use trust::{CertificateTrust, CertifiedSigner, check_publishable};
