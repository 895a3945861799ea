//! RFC 3161 timestamps of any time, in DER by hand.

use jiff::tz::Offset;
use rcgen::{PKCS_ECDSA_P384_SHA384, SigningKey};
use sha2::{Digest, Sha256, Sha384};
use x509_cert::der::{Decode, Encode};

use crate::holder::Holder;
use crate::signed::time;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const TAG_0: u8 = 0xa0;

const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
const ECDSA_WITH_SHA_256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const ECDSA_WITH_SHA_384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 9, 16, 2, 47];
const POLICY: &[u8] = &[0x2a, 3, 4];

/// A timestamp that will be signed.
pub(crate) struct Token<'a> {
    by: &'a Holder,
    key: &'a Holder,
    carried: Vec<&'a Holder>,
    imprint: Vec<u8>,
    at: String,
    /// More elements of the set of algorithms that nobody signs.
    pub(crate) more_algorithms: Vec<Vec<u8>>,
}

impl<'a> Token<'a> {
    /// By an authority, whose certificate it carries, over some bytes.
    pub(crate) fn new(by: &'a Holder, bytes: &[u8], at: &str) -> Self {
        let imprint = tlv(SEQUENCE, &[&algorithm(SHA_256), &tlv(OCTETS, &[&Sha256::digest(bytes)])]);
        let at = Offset::UTC.to_datetime(time(at)).strftime("%Y%m%d%H%M%SZ").to_string();
        Self { by, key: by, carried: vec![by], imprint, at, more_algorithms: vec![] }
    }

    pub(crate) fn carrying(self, carried: &[&'a Holder]) -> Self {
        Self { carried: carried.to_vec(), ..self }
    }

    /// Signed with the key of somebody else.
    pub(crate) fn forged_by(self, key: &'a Holder) -> Self {
        Self { key, ..self }
    }

    /// With another hash of what it is over.
    pub(crate) fn imprint(self, oid: &[u8], hash: &[u8]) -> Self {
        Self { imprint: tlv(SEQUENCE, &[&algorithm(oid), &tlv(OCTETS, &[hash])]), ..self }
    }

    /// With a time that may be none.
    pub(crate) fn at_text(self, at: &str) -> Self {
        Self { at: at.to_owned(), ..self }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let info = self.info();
        let content = tlv(SEQUENCE, &[&oid(TST_INFO), &tlv(TAG_0, &[&tlv(OCTETS, &[&info])])]);
        let mut certificates: Vec<Vec<u8>> = self.carried.iter().map(|holder| holder.der()).collect();
        certificates.sort();
        let mut algorithms = [&self.more_algorithms[..], &[algorithm(self.algorithms()[0])]].concat();
        if self.more_algorithms.is_empty() {
            algorithms.sort();
        }
        let certificates = match &certificates[..] {
            [] => vec![],
            certificates => tlv(TAG_0, &[&certificates.concat()]),
        };
        let signer = tlv(SET, &[&self.signer(&info)]);
        let algorithms = tlv(SET, &[&algorithms.concat()]);
        let signed = tlv(SEQUENCE, &[&integer(3), &algorithms, &content, &certificates, &signer]);
        tlv(SEQUENCE, &[&oid(SIGNED_DATA), &tlv(TAG_0, &[&signed])])
    }

    /// The same as an authority answers it, with a status.
    pub(crate) fn response(&self, status: u8) -> Vec<u8> {
        tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&integer(status)]), &self.der()])
    }

    fn info(&self) -> Vec<u8> {
        let time = tlv(TIME, &[self.at.as_bytes()]);
        tlv(SEQUENCE, &[&integer(1), &oid(POLICY), &self.imprint, &integer(7), &time])
    }

    fn signer(&self, info: &[u8]) -> Vec<u8> {
        let [hash, signature_algorithm] = self.algorithms();
        let certificate = tlv(OCTETS, &[&Sha256::digest(self.by.der())]);
        // Lists of lists, of which this is the first of the first.
        let certificate = tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&certificate])])]);
        let mut attributes = [
            attribute(CONTENT_TYPE, &oid(TST_INFO)),
            attribute(MESSAGE_DIGEST, &tlv(OCTETS, &[&self.digest(info)])),
            attribute(SIGNING_CERTIFICATE, &certificate),
        ];
        attributes.sort();
        let attributes = attributes.concat();
        let signature = self.key.key.sign(&tlv(SET, &[&attributes])).unwrap();
        tlv(
            SEQUENCE,
            &[
                &integer(1),
                &self.identifier(),
                &algorithm(hash),
                &tlv(TAG_0, &[&attributes]),
                &algorithm(signature_algorithm),
                &tlv(OCTETS, &[&signature]),
            ],
        )
    }

    /// Issuer and serial number of the authority's certificate.
    fn identifier(&self) -> Vec<u8> {
        let certificate = x509_cert::Certificate::from_der(&self.by.der()).unwrap().tbs_certificate;
        let (issuer, serial) = (certificate.issuer.to_der(), certificate.serial_number.to_der());
        tlv(SEQUENCE, &[&issuer.unwrap(), &serial.unwrap()])
    }

    /// The hash that goes with the key, and the signatures with it.
    fn algorithms(&self) -> [&'static [u8]; 2] {
        if self.is_long() { [SHA_384, ECDSA_WITH_SHA_384] } else { [SHA_256, ECDSA_WITH_SHA_256] }
    }

    fn digest(&self, bytes: &[u8]) -> Vec<u8> {
        if self.is_long() { Sha384::digest(bytes).to_vec() } else { Sha256::digest(bytes).to_vec() }
    }

    fn is_long(&self) -> bool {
        self.key.key.algorithm() == &PKCS_ECDSA_P384_SHA384
    }
}

pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let length = match length {
        [0, 0, 0, short @ 0..0x80] => vec![short],
        [0, 0, 0, length] => vec![0x81, length],
        [0, 0, length @ ..] => [&[0x82][..], &length].concat(),
        [0, length @ ..] => [&[0x83][..], &length].concat(),
        length => [&[0x84][..], &length].concat(),
    };
    [&[tag][..], &length, &content].concat()
}

fn attribute(kind: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&oid(kind), &tlv(SET, &[value])])
}

fn oid(content: &[u8]) -> Vec<u8> {
    tlv(OID, &[content])
}

fn integer(number: u8) -> Vec<u8> {
    tlv(INTEGER, &[&[number]])
}

pub(crate) fn algorithm(content: &[u8]) -> Vec<u8> {
    tlv(SEQUENCE, &[&oid(content)])
}
