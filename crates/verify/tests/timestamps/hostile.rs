//! What is no timestamp, and what takes long to look at.

use std::time::{Duration, Instant};

use modelseal_bundle::{BundleError, UntrustedBundle};
use modelseal_verify::{ProvedTime, TimestampAuthorities, TimestampError, Trust, VerifyError, verify};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::holder::{Holder, issuing, stamping};
use crate::log::{base64, root_with};
use crate::signed::{Signed, clock, time};
use crate::tampering::{edits, mutated};
use crate::token::{Token, algorithm, tlv};
use crate::{refused, under};

const MID_MAY: &str = "2024-05-15T12:00:00Z";
/// Many times what refusing takes where work is bounded.
const SOON: Duration = Duration::from_secs(3);

struct Scene {
    signed: Signed,
    leaf: Holder,
    root: Holder,
}

fn scene() -> Scene {
    let root = issuing("Root").self_signed();
    Scene { signed: Signed::by_key(), leaf: stamping("Authority").issued_by(&root), root }
}

impl Scene {
    fn token(&self) -> Token<'_> {
        Token::new(&self.leaf, &self.signed.signature, MID_MAY)
    }

    /// A verifier with the root alone, one who pins the authority, and one with
    /// a trusted root.
    fn trusts(&self) -> [Trust; 3] {
        let certificates = [&self.leaf, &self.root].map(|holder| json!({"rawBytes": base64(&holder.der())}));
        let known = root_with(&[], &json!([{"certChain": {"certificates": certificates}}]));
        let authorities = [
            under(&[&self.root]),
            under(&[&self.root, &self.leaf]),
            TimestampAuthorities::of(&known, clock()),
        ];
        authorities.map(|authorities| self.signed.trust().and_timestamps(authorities))
    }

    #[track_caller]
    fn is_refused(&self, token: &[u8]) -> [TimestampError; 3] {
        self.trusts().map(|trust| refused(self.signed.evident(&[], &[token.to_vec()]), &trust))
    }

    /// The bundle as JSON, with any tokens.
    fn json(&self, tokens: &[Vec<u8>]) -> Vec<u8> {
        let mut bundle: Value = serde_json::from_slice(&self.signed.bundle(&[]).to_json()).unwrap();
        let tokens: Vec<Value> =
            tokens.iter().map(|token| json!({"signedTimestamp": base64(token)})).collect();
        bundle["verificationMaterial"]["timestampVerificationData"] = json!({"rfc3161Timestamps": tokens});
        bundle.to_string().into_bytes()
    }
}

#[test]
fn the_timestamp_itself_is_believed() {
    let scene = scene();
    for token in [scene.token().der(), scene.token().response(0), scene.token().response(1)] {
        for trust in scene.trusts() {
            let statement = verify(scene.signed.evident(&[], std::slice::from_ref(&token)), &trust).unwrap();
            assert_eq!(statement.times(), [ProvedTime::Timestamp(time(MID_MAY))]);
        }
    }
}

#[test]
fn garbage_is_refused() {
    let scene = scene();
    let good = scene.token().der();
    let behind = [&good[..], &[0]].concat();
    for garbage in
        [&b""[..], b"\0", b"\x30\0", b"\x30\x80\0\0", b"garbage", &[0x30; 1000], &good[1..], &behind]
    {
        scene.is_refused(garbage);
    }
}

#[test]
fn a_timestamp_that_was_cut_is_refused() {
    let scene = scene();
    for whole in [scene.token().der(), scene.token().response(0)] {
        for length in (0..whole.len()).step_by(7) {
            scene.is_refused(&whole[..length]);
        }
    }
}

#[test]
fn an_answer_of_an_authority_that_refused_is_no_timestamp() {
    let scene = scene();
    for status in 2..=5 {
        scene.is_refused(&scene.token().response(status));
    }
    // No token at all.
    scene.is_refused(&[0x30, 5, 0x30, 3, 2, 1, 0]);
    scene.is_refused(&[0x30, 5, 0x30, 3, 2, 1, 2]);
}

#[test]
fn a_time_that_is_none_or_none_of_der_is_refused() {
    let scene = scene();
    for text in
        ["", "20240515120000", "202405151200Z", "20240515120000+0100", "20241315120000Z", "99991231235959Z"]
    {
        scene.is_refused(&scene.token().at_text(text).der());
    }
    scene.is_refused(&scene.token().at_text("19691231235959Z").der());
}

#[test]
fn a_hash_of_another_length_or_algorithm_is_refused() {
    use sha2::{Digest, Sha256};
    let scene = scene();
    let (sha_256, sha_512) =
        ([0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3]);
    let hash = Sha256::digest(&scene.signed.signature);
    for (oid, hash) in [(&sha_256, &hash[..31]), (&sha_256, &[]), (&sha_512, &hash[..])] {
        scene.is_refused(&scene.token().imprint(oid, hash).der());
    }
    // MD5, which is 16 bytes.
    scene.is_refused(&scene.token().imprint(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 2, 5], &hash[..16]).der());
}

#[test]
fn more_certificates_than_are_looked_at_are_refused() {
    let scene = scene();
    let others: Vec<Holder> = (0..16).map(|_| issuing("Other").self_signed()).collect();
    let carried: Vec<&Holder> = std::iter::once(&scene.leaf).chain(&others).collect();
    let token = scene.token().carrying(&carried).der();
    let trust = scene.signed.trust().and_timestamps(under(&[&scene.root]));
    let found = refused(scene.signed.evident(&[], &[token]), &trust);
    assert!(matches!(found, TimestampError::TooMany { found: 17, .. }), "{found:?}");
}

#[test]
fn item_11_more_timestamps_than_are_looked_at_are_refused_when_the_bundle_is_read() {
    let scene = scene();
    let token = scene.token().der();
    let read = |count| UntrustedBundle::parse(&scene.json(&vec![token.clone(); count]));
    let [trust, ..] = scene.trusts();
    assert_eq!(verify(read(32).unwrap(), &trust).unwrap().times().len(), 32);
    let found = read(33);
    assert!(matches!(found, Err(BundleError::TooMany { found: 33, limit: 32, .. })), "{found:?}");
}

#[test]
fn a_timestamp_beyond_64_kib_is_refused() {
    let scene = scene();
    let padding = tlv(0x30, &[&tlv(6, &[&[0x2a, 3, 4]]), &tlv(4, &[&vec![0; 1 << 16]])]);
    let mut token = scene.token();
    token.more_algorithms = vec![padding];
    let json = scene.json(&[token.der()]);
    for trust in scene.trusts() {
        let verdict = UntrustedBundle::parse(&json).map(|bundle| verify(bundle, &trust));
        assert!(matches!(verdict, Err(_) | Ok(Err(VerifyError::Timestamp(_)))), "{verdict:?}");
    }
}

/// Readers that sort a set as they read it take the square of its size, and
/// this one stands in the wrong order.
#[test]
fn a_timestamp_with_a_long_set_is_refused_soon() {
    let scene = scene();
    let mut token = scene.token();
    let number = |number: u16| {
        let [high, low] = number.to_be_bytes();
        tlv(0x30, &[&tlv(6, &[&[0x2a, 3, 4]]), &tlv(4, &[&[high, low]])])
    };
    token.more_algorithms = (0..1500).rev().map(number).collect();
    let json = scene.json(&vec![token.der(); 32]);
    for trust in scene.trusts() {
        let started = Instant::now();
        let verdict = UntrustedBundle::parse(&json).map(|bundle| verify(bundle, &trust));
        assert!(!matches!(verdict, Ok(Ok(_))), "{verdict:?}");
        assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
    }
}

/// All of them are the authority that the timestamp names, and issued each
/// other.
#[test]
fn item_43_a_timestamp_with_a_maze_of_certificates_is_refused_soon() {
    let scene = scene();
    let numbered =
        || stamping("Authority").with(|params| params.serial_number = Some(rcgen::SerialNumber::from(7)));
    let issuers: Vec<Holder> = (0..6).map(|_| issuing("Root").self_signed()).collect();
    let first = numbered().issued_by(&issuers[0]);
    let twin = numbered().issued_to(&first, &issuers[1]);
    let carried: Vec<&Holder> = issuers.iter().chain([&first, &twin]).collect();
    let token = Token::new(&first, &scene.signed.signature, MID_MAY).carrying(&carried).der();
    let roots: Vec<Holder> = (0..16).map(|_| issuing("Root").self_signed()).collect();
    let roots: Vec<&Holder> = roots.iter().collect();
    let trust = scene.signed.trust().and_timestamps(under(&roots));
    let json = scene.json(&vec![token; 32]);
    let started = Instant::now();
    refused(UntrustedBundle::parse(&json).unwrap(), &trust);
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

#[test]
fn what_stands_in_a_set_of_algorithms_is_not_believed_and_does_no_harm() {
    let scene = scene();
    let mut token = scene.token();
    token.more_algorithms = vec![algorithm(&[0x2a, 3, 4])];
    for trust in scene.trusts() {
        let found = verify(scene.signed.evident(&[], &[token.der()]), &trust);
        assert!(found.is_ok_and(|statement| statement.times() == [ProvedTime::Timestamp(time(MID_MAY))]));
    }
}

proptest! {
    /// Nobody signs the set of algorithms, nor the certificates: what they say
    /// may change, and the time may not.
    #[test]
    fn a_timestamp_that_was_tampered_with_proves_the_same_time_or_none(
        edits in edits(),
        is_response in any::<bool>(),
    ) {
        let scene = scene();
        let token = if is_response { scene.token().response(0) } else { scene.token().der() };
        let token = mutated(&token, &edits);
        for trust in scene.trusts() {
            if let Ok(statement) = verify(scene.signed.evident(&[], std::slice::from_ref(&token)), &trust) {
                prop_assert_eq!(statement.times(), [ProvedTime::Timestamp(time(MID_MAY))]);
            }
        }
    }
}

/// Bit by bit, of all that the authority signs.
#[test]
fn a_timestamp_with_a_flipped_bit_proves_the_same_time_or_none() {
    let scene = scene();
    let good = scene.token().der();
    let trusts = scene.trusts();
    let mut believed = 0;
    for index in 0..good.len() {
        let mut token = good.clone();
        token[index] ^= 1 << (index % 8);
        for trust in &trusts {
            if let Ok(statement) = verify(scene.signed.evident(&[], std::slice::from_ref(&token)), trust) {
                assert_eq!(statement.times(), [ProvedTime::Timestamp(time(MID_MAY))], "byte {index}");
                believed += 1;
            }
        }
    }
    // The certificate that is carried, where another one is pinned, and little else.
    assert!(believed < 2 * scene.leaf.der().len() + 50, "{believed}");
}
