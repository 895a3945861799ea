//! Entries that are not made for the signatures of models, and bodies that
//! nobody can read.

use modelseal_bundle::{BundleError, LogEntry};
use modelseal_verify::LogEntryError;
use serde_json::{Value, json};

use crate::log::{Log, base64, sha256};
use crate::signed::{Signed, refused};

fn kind(kind: &str, version: &str) -> LogEntryError {
    LogEntryError::Kind { kind: kind.to_owned(), version: version.to_owned() }
}

#[track_caller]
fn refused_as(named: (&str, &str), body: &Value) -> LogEntryError {
    let signed = Signed::by_key();
    let log = Log::v2("log.example");
    let entry = log.entry_of_bytes(&json!(named.0), &json!(named.1), body.to_string().as_bytes());
    refused(signed.bundle(&[entry]), &signed.trust())
}

#[test]
fn item_48_entries_of_other_kinds_are_refused_though_they_are_of_this_signature() {
    let signed = Signed::by_key();
    let pem = base64(signed.key.public_key_pem().as_bytes());
    let log = Log::v1("rekor.example");
    let hash = hex::encode(sha256(&signed.signed_bytes()));
    let hashedrekord = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": hash}},
        "signature": {"content": base64(&signed.signature), "publicKey": {"content": pem}},
    }});
    let intoto = json!({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": {
        "envelope": {"payloadType": "application/vnd.in-toto+json", "signatures": [
            {"sig": base64(base64(&signed.signature).as_bytes()), "publicKey": pem}
        ]},
        "hash": {"algorithm": "sha256", "value": hash},
        "payloadHash": {"algorithm": "sha256", "value": hex::encode(sha256(&signed.payload))},
    }}});
    let dsse = json!({"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": {
        "payloadHash": {"algorithm": "SHA2_256", "digest": base64(&sha256(&signed.payload))},
        "signatures": [{
            "content": base64(&signed.signature),
            "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": base64(&signed.spki())}},
        }],
    }}});
    for (body, (name, version)) in
        [(hashedrekord, ("hashedrekord", "0.0.1")), (intoto, ("intoto", "0.0.2")), (dsse, ("dsse", "0.0.2"))]
    {
        let found = refused(signed.bundle(&[log.entry(&body)]), &signed.trust());
        assert_eq!(found, kind(name, version));
    }
}

#[test]
fn a_kind_is_compared_exactly_and_shown_escaped() {
    let body = Signed::by_key().hashedrekord();
    for named in
        [("HashedRekord", "0.0.2"), ("hashedrekord", "0.0.2 "), ("hashedrekord", ""), ("\x1b[2J", "\u{202e}")]
    {
        let found = refused_as(named, &body);
        assert_eq!(found, kind(named.0, named.1));
        assert!(!found.to_string().contains(['\x1b', '\u{202e}']), "{found}");
    }
}

#[test]
fn a_body_of_another_kind_than_the_entry_says_is_refused() {
    let signed = Signed::by_key();
    let found = refused_as(("hashedrekord", "0.0.2"), &signed.dsse());
    assert!(matches!(found, LogEntryError::Malformed { .. }), "{found:?}");
    let found = refused_as(("dsse", "0.0.1"), &signed.hashedrekord());
    assert!(matches!(found, LogEntryError::Malformed { .. }), "{found:?}");
}

#[test]
fn a_body_that_cannot_be_read_is_refused() {
    let signed = Signed::by_key();
    let log = Log::v2("log.example");
    let good = signed.hashedrekord().to_string();
    let deep = "[".repeat(100_000);
    for body in [&b""[..], b"{}", b"[]", b"null", b"\xff\xfe", &good.as_bytes()[..200], deep.as_bytes()] {
        for (name, version) in [("hashedrekord", "0.0.2"), ("dsse", "0.0.1")] {
            let entry = log.entry_of_bytes(&json!(name), &json!(version), body);
            let found = refused(signed.bundle(&[entry]), &signed.trust());
            assert!(matches!(found, LogEntryError::Malformed { .. }), "{found:?}");
        }
    }
}

#[test]
fn what_a_body_says_cannot_act_on_a_terminal() {
    let mut body = Signed::by_key().hashedrekord();
    body["spec"]["hashedRekordV002"]["data"]["algorithm"] = json!("\x1b[2J\u{202e}");
    let found = refused_as(("hashedrekord", "0.0.2"), &body).to_string();
    assert!(found.contains(r"\u{1b}[2J\u{202e}"), "{found}");
    assert!(!found.contains(['\x1b', '\u{202e}']), "{found:?}");
}

#[test]
fn item_10_an_index_that_is_negative_or_beyond_64_bits_is_no_entry() {
    let good = Log::v2("log.example").entry(&Signed::by_key().hashedrekord());
    for number in [json!(-1), json!("-1"), json!("9223372036854775808"), json!(9_223_372_036_854_775_808_u64)]
    {
        for place in ["/logIndex", "/inclusionProof/logIndex", "/inclusionProof/treeSize"] {
            let mut entry = good.clone();
            *entry.pointer_mut(place).unwrap() = number.clone();
            let found = LogEntry::parse(entry.to_string().as_bytes());
            assert!(matches!(found, Err(BundleError::Json(_))), "{place} {number}: {found:?}");
        }
    }
}

#[test]
fn an_entry_that_names_no_log_is_refused() {
    let signed = Signed::by_key();
    let mut entry = Log::v2("log.example").entry(&signed.hashedrekord());
    entry.as_object_mut().unwrap().remove("logId");
    let found = refused(signed.bundle(&[entry]), &signed.trust());
    assert!(matches!(found, LogEntryError::Malformed { .. }), "{found:?}");
}
