//! Certificates and lists that no honest tool writes.

use modelseal_verify::Certificate;
use rcgen::SigningKey;
use x509_cert::TbsCertificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::asn1::{BitString, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;

use crate::holder::Holder;

/// The certificate with other contents and the old signature.
pub(crate) fn altered(certificate: &Certificate, change: impl FnOnce(&mut TbsCertificate)) -> Vec<u8> {
    let mut parsed = x509_cert::Certificate::from_der(certificate.as_der()).unwrap();
    change(&mut parsed.tbs_certificate);
    parsed.to_der().unwrap()
}

/// The certificate with one bit of the signature of its issuer flipped.
pub(crate) fn with_flipped_signature(certificate: &Certificate) -> Vec<u8> {
    let mut parsed = x509_cert::Certificate::from_der(certificate.as_der()).unwrap();
    let mut signature = parsed.signature.raw_bytes().to_vec();
    *signature.last_mut().unwrap() ^= 1;
    parsed.signature = BitString::from_bytes(&signature).unwrap();
    parsed.to_der().unwrap()
}

pub(crate) fn extension(oid: &str, critical: bool, content: &[u8]) -> Extension {
    let extn_id = ObjectIdentifier::new_unwrap(oid);
    Extension { extn_id, critical, extn_value: OctetString::new(content).unwrap() }
}

/// The list with one more critical extension and the old signature.
pub(crate) fn extended_list(list: &[u8], oid: &str, content: &[u8]) -> Vec<u8> {
    let mut list = CertificateList::from_der(list).unwrap();
    list.tbs_cert_list.crl_extensions.get_or_insert_default().push(extension(oid, true, content));
    list.to_der().unwrap()
}

/// The parts of a certificate that can be written in more than one way.
#[derive(Clone)]
pub(crate) struct Parts {
    parsed: x509_cert::Certificate,
    /// DER of the key.
    pub(crate) key: Vec<u8>,
    /// DER of the issuer.
    pub(crate) issuer: Vec<u8>,
    /// DER of the subject.
    pub(crate) subject: Vec<u8>,
    /// DER of each extension.
    pub(crate) extensions: Vec<Vec<u8>>,
}

impl Parts {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let parsed = x509_cert::Certificate::from_der(certificate.as_der()).unwrap();
        let extensions = parsed.tbs_certificate.extensions.iter().flatten();
        let extensions = extensions.map(|extension| extension.to_der().unwrap()).collect();
        let key = parsed.tbs_certificate.subject_public_key_info.to_der().unwrap();
        let issuer = parsed.tbs_certificate.issuer.to_der().unwrap();
        Self { key, issuer, subject: parsed.tbs_certificate.subject.to_der().unwrap(), extensions, parsed }
    }

    /// The certificate with the signature that it had.
    pub(crate) fn with_old_signature(&self) -> Vec<u8> {
        self.with_signature(self.parsed.signature.raw_bytes())
    }

    /// The certificate as `issuer` signs it.
    pub(crate) fn signed_by(&self, issuer: &Holder) -> Vec<u8> {
        self.with_signature(&issuer.key.sign(&self.signed_part()).unwrap())
    }

    fn with_signature(&self, signature: &[u8]) -> Vec<u8> {
        let algorithm = self.parsed.signature_algorithm.to_der().unwrap();
        let signature = BitString::from_bytes(signature).unwrap().to_der().unwrap();
        sequence(&[&self.signed_part(), &algorithm, &signature])
    }

    fn signed_part(&self) -> Vec<u8> {
        let tbs = &self.parsed.tbs_certificate;
        let extensions: Vec<&[u8]> = self.extensions.iter().map(Vec::as_slice).collect();
        sequence(&[
            &[0xa0, 3, 2, 1, 2],
            &tbs.serial_number.to_der().unwrap(),
            &tbs.signature.to_der().unwrap(),
            &self.issuer,
            &tbs.validity.to_der().unwrap(),
            &self.subject,
            &self.key,
            &tagged(0xa3, &sequence(&extensions)),
        ])
    }
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tagged(0x30, &parts.concat())
}

pub(crate) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    let [high, low] = length.to_be_bytes();
    let header = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [header, content.to_vec()].concat()
}
