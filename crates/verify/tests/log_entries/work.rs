//! No bundle within its limits takes long to refuse.

use std::time::{Duration, Instant};

use modelseal_bundle::UntrustedBundle;
use modelseal_verify::{Trust, verify};
use proptest::prelude::*;
use serde_json::{Value, json};
use x509_cert::der::{Decode, Encode};

use crate::log::{Log, base64, root_of};
use crate::signed::{Signed, clock};
use crate::tampering::{edits, mutated};

/// Many times what refusing takes where work is bounded.
const SOON: Duration = Duration::from_secs(1);

/// Reads a bundle and verifies it, if it can be read.
fn verdict(json: &Value, trust: &Trust) -> bool {
    UntrustedBundle::parse(json.to_string().as_bytes()).is_ok_and(|bundle| verify(bundle, trust).is_ok())
}

fn json_of(signed: &Signed, entry: &Value) -> Value {
    let mut bundle: Value = serde_json::from_slice(&signed.bundle(&[]).to_json()).unwrap();
    bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
    bundle
}

/// All of this was made without the log: the entry says what the bundle says,
/// and the tree has one leaf.
#[test]
fn a_checkpoint_of_many_lines_is_refused_soon() {
    let (signed, log) = (Signed::by_key(), Log::v2("log.example"));
    let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    let body = signed.hashedrekord();
    let mut entry = log.entry_at(0, 1, &body["kind"], &body["apiVersion"], body.to_string().as_bytes());
    assert!(verdict(&json_of(&signed, &entry), &trust));

    let root = entry["inclusionProof"]["rootHash"].as_str().unwrap();
    let text = format!("log.example\n1\n{root}\n{}\n", "x".repeat(2 << 20));
    let line = format!("\u{2014} x {}\n", base64(&[&log.id()[..4], &[0; 64]].concat()));
    entry["inclusionProof"]["checkpoint"]["envelope"] = json!(format!("{text}\n{}", line.repeat(3000)));
    let bundle = json_of(&signed, &entry);
    let started = Instant::now();
    assert!(!verdict(&bundle, &trust));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

/// Readers that sort a set as they read it take the square of its size, and
/// this one stands in the wrong order. Nobody signed it.
#[test]
fn a_certificate_with_a_long_name_is_refused_soon() {
    let signed = Signed::by_certificate();
    let attribute = |number: u16| {
        let [high, low] = number.to_be_bytes();
        [&[0x30, 12, 6, 3, 0x55, 4, 3, 0x0c, 5, b'a'], &hex::encode([high, low]).into_bytes()[..]].concat()
    };
    let set = (0..900_u16).rev().map(attribute).collect::<Vec<_>>().concat();
    let name = long(0x30, &long(0x31, &set));
    let leaf = with_subject(&signed.leaf_der(), &name);
    let mut bundle: Value = serde_json::from_slice(&signed.bundle(&[]).to_json()).unwrap();
    bundle["verificationMaterial"]["x509CertificateChain"]["certificates"] =
        json!(vec![json!({"rawBytes": base64(&leaf)}); 8]);
    let started = Instant::now();
    assert!(!verdict(&bundle, &signed.trust()));
    assert!(started.elapsed() < SOON, "{:?}", started.elapsed());
}

/// The certificate with another subject, and the signature that it had.
fn with_subject(der: &[u8], name: &[u8]) -> Vec<u8> {
    let parsed = x509_cert::Certificate::from_der(der).unwrap();
    let tbs = &parsed.tbs_certificate;
    let extensions = long(0xa3, &tbs.extensions.to_der().unwrap());
    let version = [0xa0, 3, 2, 1, 2];
    let (serial, algorithm) = (tbs.serial_number.to_der().unwrap(), tbs.signature.to_der().unwrap());
    let (issuer, validity) = (tbs.issuer.to_der().unwrap(), tbs.validity.to_der().unwrap());
    let key = tbs.subject_public_key_info.to_der().unwrap();
    let parts = [&version[..], &serial, &algorithm, &issuer, &validity, name, &key, &extensions];
    let tbs = long(0x30, &parts.concat());
    long(0x30, &[tbs, algorithm, parsed.signature.to_der().unwrap()].concat())
}

fn long(tag: u8, content: &[u8]) -> Vec<u8> {
    let [_, high, middle, low] = u32::try_from(content.len()).unwrap().to_be_bytes();
    let header = match (high, middle, low) {
        (0, 0, 0..0x80) => vec![tag, low],
        (0, 0, _) => vec![tag, 0x81, low],
        (0, ..) => vec![tag, 0x82, middle, low],
        _ => vec![tag, 0x83, high, middle, low],
    };
    [&header, content].concat()
}

proptest! {
    /// Whatever of an entry changes: what is reported of it does not.
    #[test]
    fn an_entry_that_was_tampered_with_says_the_same_or_nothing(
        edits in edits()
    ) {
        let (signed, log) = (Signed::by_key(), Log::v1("rekor.example"));
        let entry = log.promise(&log.entry(&signed.dsse()), 1_715_000_000);
        let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
        let good = verify(signed.bundle(std::slice::from_ref(&entry)), &trust).unwrap();
        let bytes = mutated(entry.to_string().as_bytes(), &edits);
        if let Ok(found) = serde_json::from_slice::<Value>(&bytes)
            && let Ok(bundle) = UntrustedBundle::parse(json_of(&signed, &found).to_string().as_bytes())
            && let Ok(statement) = verify(bundle, &trust)
        {
            prop_assert_eq!(statement.log_entries(), good.log_entries());
            prop_assert_eq!(statement.times(), good.times());
        }
    }
}
