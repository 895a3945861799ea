use std::fmt::{self, Debug};
use std::sync::Arc;

use jiff::Timestamp;
use pki_types::pem::{PemObject, SectionKind};
use spki::der::Decode;
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_cert::crl::CertificateList;
use x509_cert::name::Name;

use super::certificate::{shown, timestamp};
use super::subject::is_alike;
use super::{Certificate, CertificateError, CrlError};

/// A certificate revocation list (RFC 5280, section 5) that somebody gave to
/// us. Its signature is verified where a path meets its issuer.
#[derive(Clone)]
pub struct CertificateRevocationList {
    list: Arc<CertRevocationList<'static>>,
    der: Arc<[u8]>,
    issuer: Name,
    this_update: Timestamp,
    next_update: Timestamp,
}

impl CertificateRevocationList {
    /// Reads DER, or every `X509 CRL` of a PEM text; at least one.
    ///
    /// # Errors
    /// [`CrlError`]; delta lists and indirect lists are refused.
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Self>, CrlError> {
        let blocks = bytes.windows(BEGIN.len()).filter(|found| found == &BEGIN).count();
        if blocks == 0 {
            return Self::from_der(bytes).map(|list| vec![list]);
        }
        let mut lists = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
            match section {
                Ok((SectionKind::Crl, der)) => lists.push(Self::from_der(&der)?),
                _ => return Err(CrlError::Malformed),
            }
        }
        if lists.len() == blocks { Ok(lists) } else { Err(CrlError::Malformed) }
    }

    fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        let list = OwnedCertRevocationList::from_der(der).map_err(|error| match error {
            webpki::Error::BadDer | webpki::Error::TrailingData(_) if is_no_list(der) => CrlError::Malformed,
            other => CrlError::Unsupported { reason: reason(&other) },
        })?;
        let parsed = CertificateList::from_der(der).map_err(|_| CrlError::Malformed)?.tbs_cert_list;
        let next_update = parsed.next_update.ok_or(CrlError::NoNextUpdate)?;
        Ok(Self {
            list: Arc::new(list.into()),
            der: der.into(),
            issuer: parsed.issuer,
            this_update: timestamp(parsed.this_update),
            next_update: timestamp(next_update),
        })
    }

    /// Whose list it is, escaped for display. Nothing was verified.
    pub fn issuer(&self) -> String {
        shown(&self.issuer)
    }

    /// When it was made.
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// A list that does not speak of `now` cannot be honoured, so it refuses.
    pub(super) fn check_current(&self, now: Timestamp) -> Result<(), CertificateError> {
        let issuer = self.issuer();
        if now < self.this_update {
            return Err(CertificateError::CrlFromFuture { issuer, this_update: self.this_update, now });
        }
        if now > self.next_update {
            return Err(CertificateError::CrlExpired { issuer, next_update: self.next_update, now });
        }
        Ok(())
    }

    /// Whether it names a certificate of its issuer. Nothing was verified.
    pub(super) fn lists(&self, certificate: &Certificate) -> bool {
        let list = CertificateList::from_der(&self.der).map(|list| list.tbs_cert_list.revoked_certificates);
        is_alike(&self.issuer, certificate.issuer_name())
            && list.is_ok_and(|revoked| {
                revoked
                    .iter()
                    .flatten()
                    .any(|entry| entry.serial_number.as_bytes() == certificate.serial_bytes())
            })
    }

    /// Whether its issuer has the name of `authority`.
    pub(super) fn is_of(&self, authority: &Certificate) -> bool {
        is_alike(&self.issuer, authority.subject_name())
    }

    /// Whether both have one issuer, as the library compares.
    pub(super) fn is_of_issuer_of(&self, other: &Self) -> bool {
        self.issuer == other.issuer
    }

    /// Whether its issuer is that of `certificate`, as the library compares.
    pub(super) fn speaks_of(&self, certificate: &Certificate) -> bool {
        self.issuer == *certificate.issuer_name()
    }

    /// Whether it speaks of some of its issuer's certificates only.
    pub(super) fn is_partial(&self) -> bool {
        self.list.issuing_distribution_point().is_some()
    }

    pub(super) fn as_pki(&self) -> &CertRevocationList<'static> {
        &self.list
    }
}

/// What begins a block of PEM.
const BEGIN: &[u8] = b"-----BEGIN ";

/// A list of version 1 says so by leaving its version out, which reads as
/// nonsense to the library.
fn is_no_list(der: &[u8]) -> bool {
    CertificateList::from_der(der).is_err()
}

fn reason(error: &webpki::Error) -> String {
    match error {
        webpki::Error::UnsupportedCrlVersion | webpki::Error::BadDer | webpki::Error::TrailingData(_) => {
            "it is of version 1 (RFC 5280 asks for version 2)"
        }
        webpki::Error::MalformedExtensions => {
            "it lacks extensions that RFC 5280 asks for (a number, and the identifier of its issuer's key)"
        }
        webpki::Error::UnsupportedDeltaCrl => "it lists only what has changed (a delta list)",
        webpki::Error::UnsupportedIndirectCrl => "it lists certificates of others (an indirect list)",
        webpki::Error::UnsupportedCrlIssuingDistributionPoint => {
            "its distribution point is of a kind that is not known"
        }
        webpki::Error::UnsupportedCriticalExtension => "it has a critical extension that is not known",
        other => return format!("{other:?}"),
    }
    .to_owned()
}

impl Debug for CertificateRevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateRevocationList(of \"{}\", {})", self.issuer(), self.this_update)
    }
}
