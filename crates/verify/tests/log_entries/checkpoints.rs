//! Whose checkpoint it is.

use modelseal_verify::{Clock, LogEntryError, Trust};
use serde_json::{Value, json};

use crate::log::{Log, base64, root_of};
use crate::signed::{NOW, Signed, clock, refused, time, verified};

const SIZE: u64 = 7;

fn signed_and_logged() -> (Signed, Log, Value) {
    let (signed, log) = (Signed::by_key(), Log::v2("log.example"));
    let entry = log.entry(&signed.hashedrekord());
    (signed, log, entry)
}

fn trust(signed: &Signed, logs: &[&Log]) -> Trust {
    let logs: Vec<Value> = logs.iter().map(|log| log.trusted()).collect();
    signed.trust().and_logs(root_of(&logs), clock())
}

fn envelope(entry: &Value) -> String {
    entry["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap().to_owned()
}

fn with_envelope(entry: &Value, envelope: &str) -> Value {
    let mut other = entry.clone();
    other["inclusionProof"]["checkpoint"]["envelope"] = json!(envelope);
    other
}

/// What the log signs, and its signatures.
fn halves(envelope: &str) -> (String, String) {
    let (text, lines) = envelope.split_once("\n\n").unwrap();
    (format!("{text}\n"), lines.to_owned())
}

#[track_caller]
fn unsigned(signed: &Signed, entry: &Value, trust: &Trust) {
    let found = refused(signed.bundle(std::slice::from_ref(entry)), trust);
    let LogEntryError::NotIncluded { reason } = found else { panic!("{found:?}") };
    assert!(reason.contains("not signed"), "{reason}");
}

#[test]
fn item_54_a_checkpoint_of_another_origin_is_refused() {
    let (signed, log, entry) = signed_and_logged();
    let root = root_hash(&entry);
    for origin in ["other.example", "log.example.evil.example", "LOG.example", "https://log.example", "log"] {
        let wrong = with_envelope(&entry, &log.checkpoint(origin, SIZE, &root));
        let found = refused(signed.bundle(&[wrong]), &trust(&signed, &[&log]));
        let (expected, found_origin) = ("log.example".to_owned(), origin.to_owned());
        assert_eq!(found, LogEntryError::Origin { expected, found: found_origin });
    }
}

#[test]
fn an_origin_is_the_host_of_its_log_without_the_port() {
    let signed = Signed::by_key();
    for url in ["https://log.example:3003", "http://log.example/", "https://log.example/api/v2"] {
        let log = Log::v2("log.example");
        let mut trusted = log.trusted();
        trusted["baseUrl"] = json!(url);
        let trust = signed.trust().and_logs(root_of(&[trusted]), clock());
        let statement = verified(signed.bundle(&[log.entry(&signed.hashedrekord())]), &trust);
        assert_eq!(statement.log_entries()[0].log.as_deref(), Some(url));
    }
}

#[test]
fn what_an_origin_says_cannot_act_on_a_terminal() {
    let (signed, log, entry) = signed_and_logged();
    let wrong = with_envelope(&entry, &log.checkpoint("\x1b[2J\u{202e}", SIZE, &root_hash(&entry)));
    let found = refused(signed.bundle(&[wrong]), &trust(&signed, &[&log])).to_string();
    assert!(found.contains(r"\u{1b}[2J\u{202e}") && !found.contains(['\x1b', '\u{202e}']), "{found:?}");
}

#[test]
fn a_checkpoint_that_another_key_signed_is_refused() {
    let (signed, log, entry) = signed_and_logged();
    let (text, _) = halves(&envelope(&entry));
    let other = Log::v2("log.example");
    for hint in [log.id(), other.id()] {
        let line = other.signature_line(&text, &hint[..4]);
        unsigned(&signed, &with_envelope(&entry, &format!("{text}\n{line}")), &trust(&signed, &[&log]));
    }
}

/// Who holds the key of one log that is trusted does not speak for the others.
#[test]
fn item_54_a_checkpoint_that_another_trusted_log_signed_is_refused() {
    let (signed, log, entry) = signed_and_logged();
    let (text, _) = halves(&envelope(&entry));
    let retired = Log::v2("retired.example");
    let line = retired.signature_line(&text, &retired.id()[..4]);
    let forged = with_envelope(&entry, &format!("{text}\n{line}"));
    unsigned(&signed, &forged, &trust(&signed, &[&log, &retired]));
}

#[test]
fn an_entry_of_one_log_is_not_reported_as_that_of_another() {
    let signed = Signed::by_key();
    let (log, other) = (Log::v1("rekor.example"), Log::v1("other.example"));
    let mut entry = log.entry(&signed.dsse());
    entry["logId"]["keyId"] = json!(base64(&other.id()));
    unsigned(&signed, &entry, &trust(&signed, &[&log, &other]));
}

#[test]
fn item_54_lines_of_other_keys_with_the_same_hint_do_not_matter() {
    let (signed, log, entry) = signed_and_logged();
    let (text, line) = halves(&envelope(&entry));
    let others = [Log::v2("log.example"), Log::v1("log.example"), Log::v2("witness.example")];
    let colliding: String = others.iter().map(|other| other.signature_line(&text, &log.id()[..4])).collect();
    for lines in [format!("{colliding}{line}"), format!("{line}{colliding}")] {
        verified(
            signed.bundle(&[with_envelope(&entry, &format!("{text}\n{lines}"))]),
            &trust(&signed, &[&log]),
        );
    }
    unsigned(&signed, &with_envelope(&entry, &format!("{text}\n{colliding}")), &trust(&signed, &[&log]));
}

#[test]
fn a_good_signature_under_another_hint_is_not_looked_at() {
    let (signed, log, entry) = signed_and_logged();
    let (text, _) = halves(&envelope(&entry));
    let line = log.signature_line(&text, &[0; 4]);
    unsigned(&signed, &with_envelope(&entry, &format!("{text}\n{line}")), &trust(&signed, &[&log]));
}

#[test]
fn witnesses_may_sign_beside_the_log() {
    let (signed, log, entry) = signed_and_logged();
    let (text, line) = halves(&envelope(&entry));
    let witness = Log::v2("witness.example");
    let lines = format!("{}{line}", witness.signature_line(&text, &witness.id()[..4]));
    verified(signed.bundle(&[with_envelope(&entry, &format!("{text}\n{lines}"))]), &trust(&signed, &[&log]));
}

#[test]
fn a_checkpoint_with_one_changed_character_is_refused() {
    let (signed, log, entry) = signed_and_logged();
    let good = envelope(&entry);
    let trust = trust(&signed, &[&log]);
    for (wrong, right) in
        [("\n8\n", "\n7\n"), ("log.example \n7", "log.example\n7"), ("=\nmore\n\n", "=\n\n")]
    {
        let entry = with_envelope(&entry, &good.replacen(right, wrong, 1));
        let found = refused(signed.bundle(&[entry]), &trust);
        assert!(matches!(found, LogEntryError::NotIncluded { .. }), "{found:?}");
    }
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let (signed, log, entry) = signed_and_logged();
    let (text, line) = halves(&envelope(&entry));
    let no_line = format!("{text}\n");
    let no_dash = format!("{text}\n- log.example AAAAAAAA\n");
    let no_root = format!("log.example\n7\n\n{line}");
    let short_root = format!("log.example\n7\nAAAA\n\n{line}");
    let negative = format!("log.example\n-7\n{}\n\n{line}", base64(&root_hash(&entry)));
    let no_signature = format!("{text}\n\u{2014} log.example AAAA\n");
    for wrong in ["x", "\n\n", &no_line, &no_dash, &no_root, &short_root, &negative, &no_signature] {
        let found = refused(signed.bundle(&[with_envelope(&entry, wrong)]), &trust(&signed, &[&log]));
        assert!(
            matches!(found, LogEntryError::Malformed { .. } | LogEntryError::NotIncluded { .. }),
            "{wrong:?}: {found:?}"
        );
    }
}

#[test]
fn a_log_whose_key_is_not_yet_valid_is_not_believed() {
    let (signed, log, entry) = signed_and_logged();
    let at = |start: &str| root_of(&[log.trusted_within(&json!({"start": start}))]);
    let from_now = signed.trust().and_logs(at(NOW), clock());
    verified(signed.bundle(std::slice::from_ref(&entry)), &from_now);
    let later = signed.trust().and_logs(at("2024-06-01T00:00:01Z"), clock());
    let found = refused(signed.bundle(std::slice::from_ref(&entry)), &later);
    assert_eq!(found, LogEntryError::UnknownLog { log_id: hex::encode(log.id()) });
    let a_second_later = Clock::at(time("2024-06-01T00:00:01Z"));
    let then = signed.trust().and_logs(at("2024-06-01T00:00:01Z"), a_second_later);
    verified(signed.bundle(&[entry]), &then);
}

/// What a log signed while its key was valid stays in the log.
#[test]
fn a_log_that_was_closed_is_still_believed() {
    let (signed, log, entry) = signed_and_logged();
    let window = json!({"start": "2020-01-01T00:00:00Z", "end": "2024-01-01T00:00:00Z"});
    let trust = signed.trust().and_logs(root_of(&[log.trusted_within(&window)]), clock());
    verified(signed.bundle(&[entry]), &trust);
}

fn root_hash(entry: &Value) -> [u8; 32] {
    crate::signed::decoded(&entry["inclusionProof"]["rootHash"]).try_into().unwrap()
}
