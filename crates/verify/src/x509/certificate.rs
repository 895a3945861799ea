use std::fmt::{self, Debug, Display};

use jiff::Timestamp;
use modelseal_manifest::{Escaped, Sha256Digest};
use pki_types::CertificateDer;
use pki_types::pem::{PemObject, SectionKind};
use spki::der::{Decode, Encode};
use webpki::anchor_from_trusted_cert;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, NameConstraints};
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

use super::CertificateParseError;
use crate::der_limits::is_cheap;
use crate::{PublicKey, PublicKeyError};

/// An X.509 v3 certificate (RFC 5280) that was read and not yet believed.
#[derive(Clone, Eq, PartialEq)]
pub struct Certificate {
    der: CertificateDer<'static>,
    subject: Name,
    issuer: Name,
    serial: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    key: SubjectPublicKeyInfoOwned,
    pub(super) basic_constraints: Option<BasicConstraints>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) extended_key_usage_is_critical: bool,
    pub(super) has_name_constraints: bool,
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// [`CertificateParseError`] for what is not a certificate, or has one of
    /// the extensions that are looked at twice, or malformed.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateParseError> {
        if !is_cheap(der) {
            return Err(CertificateParseError::Malformed);
        }
        let malformed = |_| CertificateParseError::Malformed;
        let parsed = x509_cert::Certificate::from_der(der).map_err(malformed)?.tbs_certificate;
        let extension = |_| CertificateParseError::Extension;
        let extended_key_usage: Option<(bool, ExtendedKeyUsage)> = parsed.get().map_err(extension)?;
        let has_name_constraints = parsed.filter::<NameConstraints>().count() > 0;
        let certificate = Self {
            der: CertificateDer::from(der.to_vec()),
            not_before: timestamp(parsed.validity.not_before),
            not_after: timestamp(parsed.validity.not_after),
            serial: parsed.serial_number.as_bytes().to_vec(),
            basic_constraints: parsed.get().map_err(extension)?.map(|(_, extension)| extension),
            key_usage: parsed.get().map_err(extension)?.map(|(_, extension)| extension),
            extended_key_usage_is_critical: extended_key_usage
                .as_ref()
                .is_some_and(|(critical, _)| *critical),
            extended_key_usage: extended_key_usage.map(|(_, extension)| extension),
            has_name_constraints,
            subject: parsed.subject,
            issuer: parsed.issuer,
            key: parsed.subject_public_key_info,
        };
        // What cannot be used when a path is looked for is no certificate here.
        anchor_from_trusted_cert(&certificate.der).map_err(|_| CertificateParseError::Malformed)?;
        Ok(certificate)
    }

    /// Reads every `CERTIFICATE` of a PEM text, in order; at least one. Other
    /// text between them is passed over, keys and the like are not.
    ///
    /// # Errors
    /// [`CertificateParseError`].
    pub fn all_from_pem(pem: &[u8]) -> Result<Vec<Self>, CertificateParseError> {
        // The reader passes over blocks that it does not know, or that do not begin a line.
        let blocks = labels(pem)?;
        let mut certificates = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
            match section.map_err(|_| CertificateParseError::NotPem)? {
                (SectionKind::Certificate, der) => certificates.push(Self::from_der(&der)?),
                _ => return Err(CertificateParseError::NotPem),
            }
        }
        let is_complete = !certificates.is_empty() && certificates.len() == blocks;
        if is_complete { Ok(certificates) } else { Err(CertificateParseError::NotPem) }
    }

    /// The DER that it was read from.
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    pub(super) fn pki_der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// The SHA-256 of the DER: the usual fingerprint.
    pub fn fingerprint(&self) -> Sha256Digest {
        Sha256Digest::of(self.as_der())
    }

    /// The subject (RFC 4514). What could act on a terminal stands escaped, as
    /// that RFC has it.
    pub fn subject(&self) -> String {
        shown(&self.subject)
    }

    pub(super) fn subject_name(&self) -> &Name {
        &self.subject
    }

    /// The issuer (RFC 4514), in the same way.
    pub fn issuer(&self) -> String {
        shown(&self.issuer)
    }

    pub(crate) fn issuer_name(&self) -> &Name {
        &self.issuer
    }

    pub(crate) fn serial_bytes(&self) -> &[u8] {
        &self.serial
    }

    /// Whether it names itself as its issuer. Nothing was verified.
    pub fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    /// The serial number in lowercase hexadecimal, as it is encoded.
    pub fn serial(&self) -> String {
        hex::encode(&self.serial)
    }

    /// The first moment of its validity.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Its public key, if it is of a kind that signs models.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn public_key(&self) -> Result<PublicKey, PublicKeyError> {
        PublicKey::from_spki_der(&self.key.to_der().map_err(|_| PublicKeyError::Malformed)?)
    }

    /// Whether its basic constraints mark it as a certificate authority.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }
}

/// How many blocks there are, all of them certificates.
fn labels(pem: &[u8]) -> Result<usize, CertificateParseError> {
    let text = String::from_utf8_lossy(pem);
    let labels: Vec<&str> =
        text.split("-----BEGIN ").skip(1).filter_map(|rest| rest.split("-----").next()).collect();
    match labels.iter().find(|label| **label != "CERTIFICATE") {
        // A label is a few words; without its line breaks, a file is one long line.
        Some(other) if is_label(other) => Err(CertificateParseError::Label { found: (*other).to_owned() }),
        Some(_) => Err(CertificateParseError::NotPem),
        None => Ok(labels.len()),
    }
}

fn is_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    text.len() <= 24 && text.bytes().all(is_plain)
}

impl Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({self})")
    }
}

impl Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" (serial {})", self.subject(), self.serial())
    }
}

/// A name as it can be shown, and given back as a pattern.
pub(super) fn shown(name: &Name) -> String {
    let mut text = String::new();
    for c in name.to_string().chars() {
        if Escaped::is_escaped(c) {
            let mut bytes = [0; 4];
            text.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\{byte:02x}")));
        } else {
            text.push(c);
        }
    }
    text
}

/// The end of the year 9999, which stands for no end at all (RFC 5280, section
/// 4.1.2.5), is a day beyond the last that we can count.
pub(super) fn timestamp(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.to_unix_duration().as_secs());
    seconds.ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}
