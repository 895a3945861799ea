//! That an entry is in a log that is trusted, by its proof and a checkpoint.

use modelseal_bundle::LogEntry;
use modelseal_verify::{Caveat, LogEntryError, LogRecord, TrustedRoot};
use serde_json::{Value, json};

use crate::log::{INDEX, Log, base64, root_of};
use crate::signed::{Signed, clock, decoded, refused, verified};

/// A signature, a log, and its entry there.
fn logged(log: Log) -> (Signed, Log, Value) {
    let signed = Signed::by_key();
    let entry = log.entry(&if log.url().contains("rekor") { signed.dsse() } else { signed.hashedrekord() });
    (signed, log, entry)
}

fn in_v2() -> (Signed, Log, Value) {
    logged(Log::v2("log.example"))
}

fn in_v1() -> (Signed, Log, Value) {
    logged(Log::v1("rekor.example"))
}

#[track_caller]
fn refused_under(root: TrustedRoot, signed: &Signed, entry: &Value) -> LogEntryError {
    refused(signed.bundle(std::slice::from_ref(entry)), &signed.trust().and_logs(root, clock()))
}

#[track_caller]
fn not_included(signed: &Signed, log: &Log, entry: &Value) -> String {
    match refused_under(root_of(&[log.trusted()]), signed, entry) {
        LogEntryError::NotIncluded { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_entry_of_version_2_is_reported_with_its_log_and_index() {
    let (signed, log, entry) = in_v2();
    let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    let statement = verified(signed.bundle(&[entry]), &trust);
    let record = LogRecord { log_index: INDEX, log: Some("https://log.example".to_owned()) };
    assert_eq!(statement.log_entries(), [record]);
    assert_eq!(statement.times(), []);
    assert!(statement.caveats().contains(&Caveat::NoTimeEvidence));
    assert!(!statement.caveats().contains(&Caveat::LogsNotChecked));
}

#[test]
fn an_entry_of_a_certificate_is_looked_for_in_the_same_way() {
    let (signed, log) = (Signed::by_certificate(), Log::v2("log.example"));
    let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    let statement = verified(signed.bundle(&[log.entry(&signed.hashedrekord())]), &trust);
    assert_eq!(statement.log_entries()[0].log.as_deref(), Some("https://log.example"));
}

#[test]
fn an_entry_is_found_at_every_place_of_trees_of_every_shape() {
    let (signed, log) = (Signed::by_key(), Log::v2("log.example"));
    let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    let body = signed.hashedrekord();
    for size in 1..=17 {
        for at in 0..size {
            let entry =
                log.entry_at(at, size, &body["kind"], &body["apiVersion"], body.to_string().as_bytes());
            let statement = verified(signed.bundle(&[entry]), &trust);
            assert_eq!(statement.log_entries()[0].log_index, at);
        }
    }
}

#[test]
fn entries_of_several_logs_are_each_looked_for_in_their_own() {
    let (signed, v2, of_v2) = in_v2();
    let v1 = Log::v1("rekor.example");
    let of_v1 = v1.entry(&signed.dsse());
    let trust = signed.trust().and_logs(root_of(&[v1.trusted(), v2.trusted()]), clock());
    let statement = verified(signed.bundle(&[of_v2.clone(), of_v1.clone()]), &trust);
    let logs: Vec<_> = statement.log_entries().iter().map(|record| record.log.as_deref().unwrap()).collect();
    assert_eq!(logs, ["https://log.example", "https://rekor.example"]);

    let trust = signed.trust().and_logs(root_of(&[v2.trusted()]), clock());
    let found = refused(signed.bundle(&[of_v2, of_v1]), &trust);
    assert!(matches!(found, LogEntryError::UnknownLog { .. }), "one log is not trusted: {found:?}");
}

#[test]
fn item_48_an_entry_of_this_signature_at_another_index_is_refused() {
    let (signed, log, good) = in_v2();
    for index in ["3", "5", "6", "0", "7", "9223372036854775807"] {
        let mut entry = good.clone();
        entry["logIndex"] = json!(index);
        not_included(&signed, &log, &entry);
    }
    let (signed, log, good) = in_v1();
    for index in ["3", "5", "6", "0", "7", "9223372036854775807"] {
        let mut entry = good.clone();
        entry["inclusionProof"]["logIndex"] = json!(index);
        not_included(&signed, &log, &entry);
    }
}

#[test]
fn item_54_a_root_hash_that_the_log_did_not_sign_is_refused() {
    let (signed, log, good) = in_v1();
    let mut entry = good.clone();
    entry["inclusionProof"]["rootHash"] = json!(base64(&[7; 32]));
    assert!(not_included(&signed, &log, &entry).contains("different trees"));
    let mut entry = good;
    entry["inclusionProof"]["treeSize"] = json!("8");
    assert!(not_included(&signed, &log, &entry).contains("different trees"));
}

/// Version 2 takes the root and the size from the checkpoint and nowhere else.
#[test]
fn item_54_a_checkpoint_of_another_tree_is_refused() {
    for (signed, log, good) in [in_v1(), in_v2()] {
        let size = 7;
        let mut entry = good;
        entry["inclusionProof"]["rootHash"] = json!(base64(&[7; 32]));
        entry["inclusionProof"]["checkpoint"]["envelope"] =
            json!(log.checkpoint(&log.origin(), size, &[7; 32]));
        not_included(&signed, &log, &entry);
    }
}

#[test]
fn a_proof_that_is_too_short_too_long_or_reordered_is_refused() {
    for (signed, log, good) in [in_v1(), in_v2()] {
        let hashes = good["inclusionProof"]["hashes"].as_array().unwrap().clone();
        assert_eq!(hashes.len(), 3);
        let mut reversed = hashes.clone();
        reversed.reverse();
        let longer = [hashes.clone(), vec![json!(base64(&[7; 32]))]].concat();
        for wrong in [vec![], hashes[1..].to_vec(), hashes[..2].to_vec(), reversed, longer] {
            let mut entry = good.clone();
            entry["inclusionProof"]["hashes"] = json!(wrong);
            not_included(&signed, &log, &entry);
        }
    }
}

#[test]
fn every_changed_bit_of_a_proof_is_found() {
    let (signed, log, good) = in_v2();
    for index in 0..3 {
        for byte in 0..32 {
            let mut entry = good.clone();
            let mut hash = decoded(&entry["inclusionProof"]["hashes"][index]);
            hash[byte] ^= 1 << (byte % 8);
            entry["inclusionProof"]["hashes"][index] = json!(base64(&hash));
            not_included(&signed, &log, &entry);
        }
    }
}

/// A body that nobody logged, though it says the same.
#[test]
fn a_body_with_another_spelling_is_another_leaf() {
    for (signed, log, good) in [in_v1(), in_v2()] {
        let body = decoded(&good["canonicalizedBody"]);
        let mut entry = good;
        entry["canonicalizedBody"] = json!(base64(&[&body[..], b" "].concat()));
        not_included(&signed, &log, &entry);
    }
}

#[test]
fn an_entry_beyond_the_end_of_its_tree_is_refused() {
    let (signed, log, good) = in_v2();
    for (size, index) in [("0", "0"), ("1", "1")] {
        let mut entry = good.clone();
        entry["logIndex"] = json!(index);
        entry["inclusionProof"]["hashes"] = json!([]);
        entry["inclusionProof"]["checkpoint"]["envelope"] =
            json!(log.checkpoint(&log.origin(), size.parse().unwrap(), &[7; 32]));
        not_included(&signed, &log, &entry);
    }
}

#[test]
fn item_7_an_entry_without_a_proof_is_refused_where_a_log_is_trusted() {
    for (signed, log, good) in [in_v1(), in_v2()] {
        let mut entry = good;
        entry.as_object_mut().unwrap().remove("inclusionProof");
        let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
        let found = refused(signed.bundle_v0_1(&[entry]), &trust);
        assert!(matches!(found, LogEntryError::NotIncluded { .. }), "{found:?}");
    }
}

#[test]
fn an_entry_of_a_log_that_is_not_trusted_is_refused_with_its_id() {
    let (signed, log, entry) = in_v2();
    let others =
        [root_of(&[]), root_of(&[Log::v2("log.example").trusted()]), root_of(&[Log::v1("x").trusted()])];
    for root in others {
        let found = refused_under(root, &signed, &entry);
        assert_eq!(found, LogEntryError::UnknownLog { log_id: hex::encode(log.id()) });
    }
}

#[test]
fn an_id_of_a_log_that_is_no_hash_is_unknown() {
    let (signed, log, good) = in_v2();
    for id in [&[][..], &log.id()[..4], &[&log.id()[..], &[0]].concat()] {
        let mut entry = good.clone();
        entry["logId"]["keyId"] = json!(base64(id));
        let found = refused_under(root_of(&[log.trusted()]), &signed, &entry);
        assert_eq!(found, LogEntryError::UnknownLog { log_id: hex::encode(id) });
    }
}

/// The proof is over the index in the shard, and nobody but a promise vouches
/// for the one in all shards.
#[test]
fn an_index_that_nobody_proved_is_not_reported() {
    let (signed, log, mut entry) = in_v1();
    entry["logIndex"] = json!("123456789");
    let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    assert_eq!(verified(signed.bundle(&[entry]), &trust).log_entries()[0].log_index, INDEX);
}

#[test]
fn an_entry_is_the_same_after_it_was_written_and_read() {
    let (signed, log, entry) = in_v2();
    let read = LogEntry::parse(entry.to_string().as_bytes()).unwrap();
    let again: Value = serde_json::from_slice(&read.to_json()).unwrap();
    let trust = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    verified(signed.bundle(&[again]), &trust);
}
