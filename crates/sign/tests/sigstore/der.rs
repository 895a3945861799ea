//! Timestamps that nobody signed (RFC 3161), in DER by hand.

use jiff::Timestamp as Time;
use jiff::tz::Offset;

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const TEXT: u8 = 0x0c;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const TAG_0: u8 = 0xa0;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
pub(crate) const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];
pub(crate) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];

/// To 1 s, 500 ms and 5 µs; in the order of time.
const ACCURATE_AND_ORDERED: &[u8] = &[0x30, 0x0a, 0x02, 1, 1, 0x80, 2, 0x01, 0xf4, 0x81, 1, 5, 0x01, 1, 0xff];
/// The address of the authority, and an extension (RFC 3161, section 2.4.2).
const AUTHORITY: &[u8] =
    &[0xa0, 5, 0x81, 3, b'a', b'@', b'b', 0xa1, 9, 0x30, 7, 0x06, 3, 0x2a, 3, 4, 0x04, 0];

/// What an authority answers, before it is encoded.
pub(crate) struct Timestamp {
    pub(crate) status: u8,
    pub(crate) text: &'static str,
    pub(crate) has_token: bool,
    /// What kind of thing the token holds.
    pub(crate) kind: &'static [u8],
    /// `MessageImprint`, encoded.
    pub(crate) imprint: Vec<u8>,
    /// Encoded, or empty.
    pub(crate) nonce: Vec<u8>,
    pub(crate) time: Time,
    /// Whether it has all that it may have.
    pub(crate) is_full: bool,
}

impl Timestamp {
    /// The right answer to a query.
    pub(crate) fn answering(query: &[u8]) -> Self {
        let parts = children(query);
        let [version, imprint, nonce, wants_certificate] = &parts[..] else { panic!("{parts:x?}") };
        assert_eq!((version.as_slice(), wants_certificate.as_slice()), (&[2, 1, 1][..], &[1, 1, 0xff][..]));
        let (status, text, kind) = (0, "", TST_INFO);
        let (imprint, nonce, time) = (imprint.clone(), nonce.clone(), Time::now());
        Self { status, text, has_token: true, kind, imprint, nonce, time, is_full: false }
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let text =
            if self.text.is_empty() { vec![] } else { tlv(SEQUENCE, &[&tlv(TEXT, &[self.text.as_bytes()])]) };
        let status = tlv(SEQUENCE, &[&tlv(INTEGER, &[&[self.status]]), &text]);
        let token = if self.has_token { self.token() } else { vec![] };
        tlv(SEQUENCE, &[&status, &token])
    }

    fn token(&self) -> Vec<u8> {
        let info = tlv(TAG_0, &[&tlv(OCTETS, &[&self.info()])]);
        let content = tlv(SEQUENCE, &[&tlv(OID, &[self.kind]), &info]);
        let signed = tlv(SEQUENCE, &[&tlv(INTEGER, &[&[3]]), &tlv(SET, &[]), &content, &tlv(SET, &[])]);
        tlv(SEQUENCE, &[&tlv(OID, &[SIGNED_DATA]), &tlv(TAG_0, &[&signed])])
    }

    fn info(&self) -> Vec<u8> {
        let time = Offset::UTC.to_datetime(self.time).strftime("%Y%m%d%H%M%SZ").to_string();
        let [version, serial] = [&[1], &[7]].map(|number| tlv(INTEGER, &[number]));
        let policy = tlv(OID, &[&[0x2a, 0x03, 0x04]]);
        let time = tlv(TIME, &[time.as_bytes()]);
        let (before, after) =
            if self.is_full { (ACCURATE_AND_ORDERED, AUTHORITY) } else { (&[][..], &[][..]) };
        tlv(SEQUENCE, &[&version, &policy, &self.imprint, &serial, &time, before, &self.nonce, after])
    }
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap();
    let length = match length.to_be_bytes() {
        [0, short @ 0..0x80] => vec![short],
        [0, long] => vec![0x81, long],
        long => [&[0x82][..], &long].concat(),
    };
    [&[tag][..], &length, &content].concat()
}

/// The parts of a short sequence, each encoded.
fn children(der: &[u8]) -> Vec<Vec<u8>> {
    let mut rest = &der[2..];
    let mut parts = Vec::new();
    while let [_, length, ..] = rest {
        let (part, after) = rest.split_at(2 + usize::from(*length));
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}
