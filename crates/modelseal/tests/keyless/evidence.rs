//! Bundles put together from parts of genuine ones: log entries, timestamps,
//! certificates, payloads.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::genuine::{
    AGAIN, BY_PERSON, BY_WORKFLOW, CERTIFICATE, ENTRIES, ENVELOPE, TIMESTAMPS, changed, flip, flip_end, part,
    repeated, spliced,
};
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::sigstore::Signer;

/// The person's bundle, of which a part is changed, is refused.
#[track_caller]
fn refused_with(pointer: &str, change: impl FnOnce(&mut Value), code: &str, words: &[&str]) {
    refused(&changed(&BY_PERSON, pointer, change), code, words);
}

#[track_caller]
fn refused(bundle: &Value, code: &str, words: &[&str]) {
    let scene = Scene::with(bundle);
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, code, &[&["model.sig"], words].concat());
}

/// A part of the only log entry.
fn of_entry(pointer: &str) -> String {
    format!("{ENTRIES}/0{pointer}")
}

#[test]
fn the_genuine_bundles_verify() {
    for bundle in [&*BY_PERSON, &*AGAIN] {
        let scene = Scene::with(bundle);
        succeeds(&mut scene.verify(Signer::Person, &[]));
    }
}

/// The payload, changed as text.
#[track_caller]
fn refused_with_payload(change: impl FnOnce(&str) -> String) {
    let edit = |payload: &mut Value| {
        let text = String::from_utf8(BASE64_STANDARD.decode(payload.as_str().unwrap()).unwrap()).unwrap();
        let other = change(&text);
        assert_ne!(text, other);
        *payload = BASE64_STANDARD.encode(other).into();
    };
    refused_with(&format!("{ENVELOPE}/payload"), edit, "bad-signature", &["the payload was altered"]);
}

#[test]
fn a_payload_that_was_altered_is_refused() {
    refused_with_payload(|statement| statement.replacen("\"a\"", "\"c\"", 1));
    let other_digest = |statement: &str| {
        let (head, tail) = statement.split_once("\"sha256\":\"").unwrap();
        let other = if tail.starts_with('0') { "1" } else { "0" };
        format!("{head}\"sha256\":\"{other}{}", &tail[1..])
    };
    refused_with_payload(other_digest);
}

#[test]
fn item_17_a_payload_with_one_more_white_space_is_refused() {
    refused_with_payload(|statement| format!("{statement} "));
    refused_with_payload(|statement| statement.replacen(':', ": ", 1));
}

#[test]
fn a_payload_that_is_no_statement_any_more_is_refused_as_one_that_was_altered() {
    refused_with_payload(|statement| statement.replacen("subject", "object", 1));
    refused_with_payload(|_| "{}".to_owned());
    refused_with_payload(|_| String::new());
}

#[test]
fn a_signature_that_was_altered_is_refused() {
    let altered = |signature: &mut Value| flip(signature);
    refused_with(&format!("{ENVELOPE}/signatures/0/sig"), altered, "bad-signature", &[]);
}

#[test]
fn the_envelope_of_another_signature_is_refused() {
    refused(&spliced(&BY_PERSON, ENVELOPE, &AGAIN), "bad-signature", &[Signer::Person.identity()]);
}

/// All but the certificate belongs to the person's other signature.
#[test]
fn another_genuine_certificate_of_the_same_identity_is_refused() {
    refused(&spliced(&BY_PERSON, CERTIFICATE, &AGAIN), "bad-signature", &[Signer::Person.identity()]);
}

#[test]
fn the_genuine_certificate_of_somebody_else_is_refused() {
    let bundle = spliced(&BY_WORKFLOW, CERTIFICATE, &BY_PERSON);
    refused(&bundle, "bad-signature", &[Signer::Person.identity()]);
}

#[test]
fn item_48_the_genuine_log_entry_of_another_signature_is_refused() {
    for other in [&AGAIN, &BY_WORKFLOW] {
        let bundle = spliced(&BY_PERSON, ENTRIES, other);
        refused(&bundle, "log-entry-of-another", &["belongs to another signature"]);
    }
}

#[test]
fn item_48_another_entry_beside_the_right_one_is_refused() {
    let two: Value = json!([part(&BY_PERSON, ENTRIES)[0], part(&AGAIN, ENTRIES)[0]]);
    refused_with(
        ENTRIES,
        |entries| *entries = two,
        "log-entry-of-another",
        &["belongs to another signature"],
    );
}

#[test]
fn without_a_log_entry_a_signature_is_refused() {
    refused_with(ENTRIES, |entries| *entries = json!([]), "no-log-entry", &["needs one"]);
}

/// The second version of Rekor proves no time.
#[test]
fn without_a_timestamp_a_signature_is_refused() {
    refused_with(TIMESTAMPS, |stamps| *stamps = json!([]), "no-time", &["nothing proves when it was signed"]);
}

/// Nobody signs that time: the promise that would is not there, or no log's.
#[test]
fn item_49_a_time_that_no_log_signed_is_no_time() {
    let undated = changed(&BY_PERSON, TIMESTAMPS, |stamps| *stamps = json!([]));
    let claimed = changed(&undated, &of_entry(""), |entry| entry["integratedTime"] = now().into());
    refused(&claimed, "no-time", &[]);
    let promised = changed(&claimed, &of_entry(""), |entry| {
        entry["inclusionPromise"] = json!({ "signedEntryTimestamp": BASE64_STANDARD.encode([48; 70]) });
    });
    refused(&promised, "log-time", &["the log did not sign it"]);
}

fn now() -> String {
    modelseal::Timestamp::now().as_second().to_string()
}

#[test]
fn a_genuine_timestamp_of_another_signature_is_refused() {
    refused(
        &spliced(&BY_PERSON, TIMESTAMPS, &AGAIN),
        "timestamp-of-another",
        &["belongs to another signature"],
    );
}

#[test]
fn item_50_a_bad_timestamp_beside_a_good_one_is_refused() {
    let good = part(&BY_PERSON, TIMESTAMPS)[0].clone();
    let other = part(&AGAIN, TIMESTAMPS)[0].clone();
    for two in [json!([good, other]), json!([other, good])] {
        refused_with(TIMESTAMPS, |stamps| *stamps = two, "timestamp-of-another", &[]);
    }
    let mut altered = good.clone();
    flip_end(&mut altered["signedTimestamp"]);
    for two in [json!([good, altered]), json!([altered, good])] {
        refused_with(TIMESTAMPS, |stamps| *stamps = two, "unknown-timestamp-authority", &[]);
    }
}

#[test]
fn what_is_no_timestamp_is_refused() {
    let garbage = |stamp: &mut Value| *stamp = "Z2FyYmFnZQ==".into();
    refused_with(&format!("{TIMESTAMPS}/0/signedTimestamp"), garbage, "malformed-timestamp", &[]);
}

#[test]
fn item_2_a_bundle_beyond_the_cap_is_refused() {
    let scene = Scene::new();
    fs::File::create(scene.at(BUNDLE)).unwrap().set_len(64 * 1024 * 1024 + 1).unwrap();
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, "too-large", &["model.sig", "67108864"]);
}

#[test]
fn item_7_a_log_entry_without_an_inclusion_proof_is_refused() {
    for missing in ["inclusionProof", "checkpoint"] {
        let pointer = if missing == "checkpoint" { of_entry("/inclusionProof") } else { of_entry("") };
        let remove = |object: &mut Value| {
            object.as_object_mut().unwrap().remove(missing);
        };
        refused_with(&pointer, remove, "malformed-bundle", &["fetch it anew"]);
    }
}

#[test]
fn item_8_a_bundle_of_a_message_and_an_envelope_is_refused() {
    let both = |bundle: &mut Value| {
        bundle["messageSignature"] = json!({
            "messageDigest": { "algorithm": "SHA2_256", "digest": "AAAA" },
            "signature": "AAAA",
        });
    };
    refused_with("", both, "malformed-bundle", &["carries a message signature", "a DSSE envelope alone"]);
}

#[test]
fn item_9_base64_that_is_not_canonical_is_refused() {
    for pointer in [format!("{CERTIFICATE}/rawBytes"), of_entry("/canonicalizedBody")] {
        let spoil = |text: &mut Value| *text = format!("{} ", text.as_str().unwrap()).into();
        refused_with(&pointer, spoil, "malformed-bundle", &[]);
    }
}

#[test]
fn item_10_a_log_index_that_is_no_index_is_refused() {
    for index in ["-1", "9223372036854775808", "1e3", "", "05"] {
        for pointer in [of_entry("/logIndex"), of_entry("/inclusionProof/treeSize")] {
            refused_with(&pointer, |found| *found = index.into(), "malformed-bundle", &[]);
        }
    }
}

/// One of two has another index than the first of the log.
#[test]
fn another_log_index_than_that_of_the_entry_is_refused() {
    let is_later = |bundle: &&Value| part(bundle, &of_entry("/logIndex")) != "0";
    let bundle = [&*BY_PERSON, &*AGAIN].into_iter().find(is_later).unwrap();
    let at = |index: &str| {
        changed(bundle, &of_entry(""), |entry| {
            entry["logIndex"] = index.into();
            entry["inclusionProof"]["logIndex"] = index.into();
        })
    };
    refused(&at("0"), "not-in-log", &["not proved to be in the log"]);
    refused(&at("1000000"), "malformed-bundle", &["1000000"]);
}

#[test]
fn item_11_more_than_32_log_entries_are_refused() {
    let many = |entries: &mut Value| *entries = repeated(entries, 33);
    refused_with(ENTRIES, many, "too-large", &["33 log entries", "32"]);
}

#[test]
fn item_11_more_than_32_timestamps_are_refused() {
    let many = |stamps: &mut Value| *stamps = repeated(stamps, 33);
    refused_with(TIMESTAMPS, many, "too-large", &["33 timestamps", "32"]);
}

#[test]
fn item_13_an_envelope_with_two_signatures_is_refused() {
    let two = |signatures: &mut Value| *signatures = repeated(signatures, 2);
    refused_with(&format!("{ENVELOPE}/signatures"), two, "malformed-bundle", &[]);
}

/// The checkpoint of the log entry, changed.
#[track_caller]
fn refused_with_checkpoint(change: impl FnOnce(&str) -> String, words: &[&str]) {
    let pointer = of_entry("/inclusionProof/checkpoint/envelope");
    let edit = |envelope: &mut Value| {
        let other = change(envelope.as_str().unwrap());
        assert_ne!(envelope.as_str(), Some(&other[..]));
        *envelope = other.into();
    };
    refused_with(&pointer, edit, "not-in-log", words);
}

#[test]
fn item_54_a_checkpoint_of_another_origin_is_refused() {
    let rename = |note: &str| note.replacen("localhost\n", "rekor.example\n", 1);
    refused_with_checkpoint(rename, &["rekor.example", "localhost"]);
}

#[test]
fn item_54_a_checkpoint_of_another_root_hash_is_refused() {
    let other = |note: &str| {
        let mut lines: Vec<String> = note.split('\n').map(str::to_owned).collect();
        let mut hash = Value::from(lines[2].clone());
        flip(&mut hash);
        hash.as_str().unwrap().clone_into(&mut lines[2]);
        lines.join("\n")
    };
    refused_with_checkpoint(other, &["not proved to be in the log"]);
}

#[test]
fn item_54_a_checkpoint_of_another_size_is_refused() {
    let larger = |note: &str| {
        let mut lines: Vec<String> = note.split('\n').map(str::to_owned).collect();
        lines[1] = (lines[1].parse::<u64>().unwrap() + 1_000_000).to_string();
        lines.join("\n")
    };
    refused_with_checkpoint(larger, &["not proved to be in the log"]);
}

#[test]
fn item_54_a_checkpoint_that_the_log_did_not_sign_is_refused() {
    let unsigned = |note: &str| {
        let (head, signature) = note.rsplit_once(' ').unwrap();
        let mut signature = Value::from(signature.trim_end());
        flip(&mut signature);
        format!("{head} {}\n", signature.as_str().unwrap())
    };
    refused_with_checkpoint(unsigned, &["not proved to be in the log"]);
}

#[test]
fn the_checkpoint_of_another_entry_is_refused() {
    let pointer = of_entry("/inclusionProof/checkpoint");
    let bundle = spliced(&BY_PERSON, &pointer, &AGAIN);
    refused(&bundle, "not-in-log", &["not proved to be in the log"]);
}

#[test]
fn the_inclusion_proof_of_another_entry_is_refused() {
    let bundle = spliced(&BY_PERSON, &of_entry("/inclusionProof"), &AGAIN);
    refused(&bundle, "not-in-log", &["not proved to be in the log"]);
}

#[test]
fn a_log_entry_whose_content_was_altered_is_refused() {
    let altered = |body: &mut Value| flip(body);
    let words = ["not proved to be in the log"];
    refused_with(&of_entry("/canonicalizedBody"), altered, "not-in-log", &words);
}

#[test]
fn a_log_entry_of_a_log_that_is_not_known_is_refused() {
    let other = |id: &mut Value| flip(id);
    refused_with(&of_entry("/logId/keyId"), other, "unknown-log", &["which the trusted root does not name"]);
}

/// Its last bytes are those of Fulcio's signature.
#[test]
fn a_certificate_that_was_altered_is_refused() {
    let scene = Scene::with(&changed(&BY_PERSON, &format!("{CERTIFICATE}/rawBytes"), flip_end));
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, "unknown-issuer", &[Signer::Person.identity()]);
}
