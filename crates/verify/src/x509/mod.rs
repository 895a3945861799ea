//! The method `certificate`: whose certificate signed, under which anchor, and
//! at what time that was judged.

mod certificate;
mod clock;
mod crl;
mod error;
mod path;
mod profile;
mod subject;
mod trust;

pub use certificate::Certificate;
pub use clock::{Clock, JudgedAt};
pub use crl::CertificateRevocationList;
pub use error::{CertificateError, CertificateParseError, CrlError};
pub use jiff::Timestamp;
pub use profile::UsageProblem;
pub use subject::{SubjectPattern, SubjectPatternError};
pub use trust::{CertificateTrust, CertifiedSigner, check_publishable};
