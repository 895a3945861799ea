use super::path::{Search, check_validity};
use super::profile::{Purpose, check_timestamp_authority};
use super::{Certificate, CertificateError};
use crate::{JudgedAt, ProvedTime, Timestamp};

/// What issued the certificate of a timestamp authority, the root last: all of
/// it made for timestamps, and valid at the time that the authority gives.
/// Nothing was signed here.
pub(crate) fn authority_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    roots: &[Certificate],
    time: Timestamp,
) -> Result<Vec<Certificate>, CertificateError> {
    let at = JudgedAt::Proved(ProvedTime::Timestamp(time));
    check_timestamp_authority(leaf)
        .map_err(|problem| CertificateError::Usage { subject: leaf.subject(), problem })?;
    check_validity(leaf, at)?;
    let purpose = Purpose::TimeStamping;
    let search = Search { intermediates, anchors: roots, crls: &[], at, purpose };
    search.path(leaf).map(|path| path.issuers)
}
