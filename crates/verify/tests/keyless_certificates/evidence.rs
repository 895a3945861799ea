//! What else a keyless bundle carries: the signature, log entries and
//! timestamps.

use modelseal_bundle::{PAYLOAD_TYPE, pae};
use modelseal_verify::{
    Clock, LogEntryError, LogRecord, ProvedTime, SigstoreError, SigstoreTrust, TimestampError, Trust, verify,
};
use serde_json::{Value, json};

use crate::holder::{Holder, issuing, stamping};
use crate::log::{Log, base64};
use crate::signed::{clock, time};
use crate::token::Token;
use crate::world::{BEGIN, END, ISSUER, Instance, PERSON, SIGNED, Signed, parsed, person};
use crate::{refused, verified};

const BEFORE: &str = "2024-05-15T11:59:59Z";
const AFTER: &str = "2024-05-15T12:10:01Z";

/// An instance that also has a log of version 2 and a timestamp authority.
struct Scene {
    instance: Instance,
    log: Log,
    stamp_root: Holder,
    authority: Holder,
    signed: Signed,
}

fn scene() -> Scene {
    let instance = Instance::new();
    let stamp_root = issuing("Stamp root").self_signed();
    let authority = stamping("Stamp authority").issued_by(&stamp_root);
    let signed = instance.signed(&person());
    Scene { instance, log: Log::v2("log.example"), stamp_root, authority, signed }
}

impl Scene {
    fn trust(&self) -> Trust {
        self.trust_within(&json!({"start": "2020-01-01T00:00:00Z"}), clock())
    }

    fn trust_within(&self, window: &Value, clock: Clock) -> Trust {
        let chain =
            [&self.authority, &self.stamp_root].map(|holder| json!({"rawBytes": base64(&holder.der())}));
        let mut root = self.instance.trusted();
        root["tlogs"] = json!([self.instance.log.trusted(), self.log.trusted()]);
        root["timestampAuthorities"] = json!([{"certChain": {"certificates": chain}, "validFor": window}]);
        let identity = PERSON.parse().unwrap();
        Trust::sigstore(SigstoreTrust::identity(parsed(&root), identity, ISSUER, clock))
    }

    fn token(&self, at: &str) -> Vec<u8> {
        Token::new(&self.authority, &self.signed.signature, at).der()
    }

    /// In the log of version 2.
    fn entry(&self) -> Value {
        self.log.entry(&self.signed.hashedrekord())
    }

    /// In the log of version 1, at a time.
    fn promised(&self, at: &str) -> Value {
        let log = &self.instance.log;
        log.promise(&log.entry(&self.signed.dsse()), time(at).as_second())
    }

    #[track_caller]
    fn refused(&self, entries: &[Value], tokens: &[Vec<u8>]) -> SigstoreError {
        refused(self.signed.evident(entries, tokens), &self.trust())
    }
}

#[test]
fn an_entry_of_version_2_needs_a_timestamp_beside_it() {
    let scene = scene();
    let bundle = scene.signed.evident(&[scene.entry()], &[scene.token(SIGNED)]);
    let statement = verify(bundle, &scene.trust()).unwrap();
    assert_eq!(statement.times(), [ProvedTime::Timestamp(time(SIGNED))]);
    let record = LogRecord { log_index: 4, log: Some("https://log.example".to_owned()) };
    assert_eq!(statement.log_entries(), [record]);
    assert_eq!(scene.refused(&[scene.entry()], &[]), SigstoreError::NoTime);
}

#[test]
fn an_entry_of_version_1_without_a_promise_proves_no_time() {
    let scene = scene();
    let mut entry = scene.promised(SIGNED);
    entry.as_object_mut().unwrap().remove("inclusionPromise");
    assert_eq!(scene.refused(&[entry.clone()], &[]), SigstoreError::NoTime);
    verified(scene.signed.evident(&[entry], &[scene.token(SIGNED)]), &scene.trust());
}

#[test]
fn a_timestamp_without_a_log_entry_is_not_enough() {
    let scene = scene();
    assert_eq!(scene.refused(&[], &[scene.token(SIGNED)]), SigstoreError::NoLogEntry);
}

#[test]
fn times_of_both_kinds_are_reported_from_the_earliest_on() {
    let scene = scene();
    let bundle = scene.signed.evident(&[scene.promised(BEGIN), scene.entry()], &[scene.token(END)]);
    let statement = verify(bundle, &scene.trust()).unwrap();
    assert_eq!(statement.times(), [ProvedTime::Log(time(BEGIN)), ProvedTime::Timestamp(time(END))]);
    assert_eq!(statement.log_entries().len(), 2);
}

#[test]
fn a_certificate_is_valid_at_both_ends_of_its_validity_and_not_beyond() {
    let scene = scene();
    for at in [BEGIN, SIGNED, END] {
        verified(scene.signed.evident(&[scene.promised(at)], &[]), &scene.trust());
        verified(scene.signed.evident(&[scene.entry()], &[scene.token(at)]), &scene.trust());
    }
    for at in [BEFORE, AFTER] {
        for found in
            [scene.refused(&[scene.promised(at)], &[]), scene.refused(&[scene.entry()], &[scene.token(at)])]
        {
            let SigstoreError::OutsideValidity { at: found, not_before, not_after, .. } = found else {
                panic!("{found:?}")
            };
            assert_eq!((found, not_before, not_after), (time(at), time(BEGIN), time(END)));
        }
    }
}

#[test]
fn every_proved_time_counts() {
    let scene = scene();
    for at in [BEFORE, AFTER] {
        scene.refused(&[scene.promised(SIGNED), scene.promised(at)], &[]);
        scene.refused(&[scene.entry()], &[scene.token(SIGNED), scene.token(at)]);
        scene.refused(&[scene.promised(SIGNED)], &[scene.token(at)]);
        scene.refused(&[scene.promised(at)], &[scene.token(SIGNED)]);
    }
}

#[test]
fn a_signature_of_another_key_or_over_another_payload_is_refused() {
    let scene = scene();
    let other_key = scene.instance.signed(&person()).signature;
    let other_payload = scene.signed.also_over(b"b").signature;
    let bare_payload = scene.signed.sign(&scene.signed.payload);
    for signature in [other_key, other_payload, bare_payload, vec![], vec![0; 70]] {
        let signed = scene.signed.with_signature(signature);
        let entry = scene.instance.logged(&signed);
        let found = refused(signed.bundle(&[entry]), &scene.trust());
        assert!(matches!(found, SigstoreError::Signature { .. }), "{found:?}");
    }
}

/// The entry does not fit either, but that is not what happened.
#[test]
fn item_17_a_payload_that_was_altered_is_told_from_an_entry_of_something_else() {
    let scene = scene();
    let altered = scene.signed.also_over(b"b").with_signature(scene.signed.signature.clone());
    let found = refused(altered.bundle(&[scene.promised(SIGNED)]), &scene.trust());
    assert!(matches!(found, SigstoreError::Signature { .. }), "{found:?}");
}

/// Before a reader without our limits sees it, and before anybody is known to
/// vouch for the certificate.
#[test]
fn a_payload_that_is_no_statement_of_a_model_is_refused_early() {
    let (scene, stranger) = (scene(), Instance::new());
    let many = format!("[{}0]", r#"{"a":0},"#.repeat(1000));
    for payload in ["", "{}", "[]", r#"{"subject":[]}"#, &many] {
        for instance in [&scene.instance, &stranger] {
            let mut signed = instance.signed(&person());
            signed.payload = payload.as_bytes().to_vec();
            signed.signature = signed.sign(&pae(PAYLOAD_TYPE, &signed.payload));
            let entry = scene.instance.logged(&signed);
            let found = refused(signed.bundle(&[entry]), &scene.trust());
            assert!(matches!(found, SigstoreError::Statement(_)), "{found:?}");
        }
    }
}

#[test]
fn item_48_an_entry_of_another_signature_is_refused() {
    let scene = scene();
    let other_payload = scene.signed.also_over(b"b");
    let other_signer = scene.instance.signed(&person());
    let again = scene.signed.with_signature(scene.signed.also_over(b"a").signature);
    for other in [other_payload, other_signer, again] {
        let v1 = scene.instance.logged(&other);
        let v2 = scene.log.entry(&other.hashedrekord());
        for entry in [v1, v2] {
            for entries in [vec![entry.clone()], vec![scene.promised(SIGNED), entry]] {
                scene.refused(&entries, &[scene.token(SIGNED)]);
            }
        }
    }
}

#[test]
fn item_49_a_time_that_the_log_did_not_sign_is_refused() {
    let scene = scene();
    let mut backdated = scene.promised(AFTER);
    backdated["integratedTime"] = json!(time(SIGNED).as_second().to_string());
    let forged = Log::v1("rekor.example");
    let mut forged = forged.promise(&scene.promised(SIGNED), time(SIGNED).as_second());
    for entry in [backdated, forged.clone()] {
        let found = scene.refused(std::slice::from_ref(&entry), &[]);
        assert!(matches!(found, SigstoreError::LogEntry(LogEntryError::Promise { .. })), "{found:?}");
        // Another proof of the time does not make up for it.
        scene.refused(&[entry], &[scene.token(SIGNED)]);
    }
    forged["inclusionPromise"]["signedEntryTimestamp"] = json!("");
    scene.refused(&[forged], &[scene.token(SIGNED)]);
}

#[test]
fn item_50_one_bad_timestamp_spoils_all_else() {
    let scene = scene();
    let stranger = stamping("Stamp authority").self_signed();
    let foreign = Token::new(&stranger, &scene.signed.signature, SIGNED).der();
    let other = Token::new(&scene.authority, b"another signature", SIGNED).der();
    for bad in [foreign, other, b"garbage".to_vec(), vec![]] {
        for tokens in [vec![bad.clone()], vec![scene.token(SIGNED), bad.clone()]] {
            let found = scene.refused(&[scene.promised(SIGNED)], &tokens);
            assert!(matches!(found, SigstoreError::Timestamp(_)), "{found:?}");
        }
    }
}

#[test]
fn item_51_a_time_that_has_not_come_yet_is_refused_beyond_ten_seconds() {
    let scene = scene();
    let always = json!({"start": "2020-01-01T00:00:00Z"});
    let at = |now| scene.trust_within(&always, Clock::at(time(now)));
    let by_log = scene.signed.evident(&[scene.promised(SIGNED)], &[]);
    let by_authority = scene.signed.evident(&[scene.entry()], &[scene.token(SIGNED)]);
    for bundle in [&by_log, &by_authority] {
        verified(bundle.clone(), &at("2024-05-15T12:04:50Z"));
    }
    let found = refused(by_log, &at("2024-05-15T12:04:49Z"));
    assert!(matches!(found, SigstoreError::LogEntry(LogEntryError::Promise { .. })), "{found:?}");
    let found = refused(by_authority, &at("2024-05-15T12:04:49Z"));
    let SigstoreError::Timestamp(TimestampError::Future { index: 0, .. }) = found else {
        panic!("{found:?}")
    };
}

#[test]
fn items_52_and_53_a_timestamp_outside_the_window_of_its_authority_is_refused() {
    let scene = scene();
    let bundle = scene.signed.evident(&[scene.entry()], &[scene.token(SIGNED)]);
    let within = |start: &str, end: &str| scene.trust_within(&json!({"start": start, "end": end}), clock());
    verified(bundle.clone(), &within(SIGNED, SIGNED));
    for (start, end) in [(BEGIN, "2024-05-15T12:04:59Z"), ("2024-05-15T12:05:01Z", END)] {
        let found = refused(bundle.clone(), &within(start, end));
        assert_eq!(found, SigstoreError::Timestamp(TimestampError::OutsideWindow { time: time(SIGNED) }));
    }
}

#[test]
fn item_54_a_checkpoint_of_another_origin_or_by_another_log_is_refused() {
    let scene = scene();
    let tokens = [scene.token(SIGNED)];
    let root: [u8; 32] =
        crate::signed::decoded(&scene.entry()["inclusionProof"]["rootHash"]).try_into().unwrap();
    let with = |checkpoint: String| {
        let mut entry = scene.entry();
        entry["inclusionProof"]["checkpoint"]["envelope"] = json!(checkpoint);
        entry
    };
    let found = scene.refused(&[with(scene.log.checkpoint("other.example", 7, &root))], &tokens);
    assert!(matches!(found, SigstoreError::LogEntry(LogEntryError::Origin { .. })), "{found:?}");
    let by_v1 = scene.instance.log.checkpoint("log.example", 7, &root);
    let found = scene.refused(&[with(by_v1)], &tokens);
    assert!(matches!(found, SigstoreError::LogEntry(LogEntryError::NotIncluded { .. })), "{found:?}");
    let found = scene.refused(&[with(scene.log.checkpoint("log.example", 7, &[7; 32]))], &tokens);
    assert!(matches!(found, SigstoreError::LogEntry(LogEntryError::NotIncluded { .. })), "{found:?}");
}

#[test]
fn an_entry_that_is_not_in_the_tree_is_refused() {
    let scene = scene();
    for mut entry in [scene.entry(), scene.promised(SIGNED)] {
        entry["inclusionProof"]["hashes"] = json!([]);
        let found = scene.refused(&[entry], &[scene.token(SIGNED)]);
        assert!(matches!(found, SigstoreError::LogEntry(LogEntryError::NotIncluded { .. })), "{found:?}");
    }
}

#[test]
fn an_entry_of_a_log_that_is_not_trusted_is_refused() {
    let scene = scene();
    let other = Log::v2("log.example");
    let found = scene.refused(&[other.entry(&scene.signed.hashedrekord())], &[scene.token(SIGNED)]);
    assert_eq!(found, SigstoreError::LogEntry(LogEntryError::UnknownLog { log_id: hex::encode(other.id()) }));
}

#[test]
fn an_entry_of_another_kind_is_refused() {
    let scene = scene();
    for (kind, version) in
        [("hashedrekord", "0.0.1"), ("dsse", "0.0.2"), ("rekord", "0.0.1"), ("\x1b[2J", "")]
    {
        let body = scene.signed.dsse().to_string();
        let entry = scene.log.entry_of_bytes(&json!(kind), &json!(version), body.as_bytes());
        let shown = scene.refused(&[entry], &[scene.token(SIGNED)]).to_string();
        assert!(!shown.contains('\x1b'), "{shown:?}");
    }
}

/// A log of the second version signs no times, so that of an authority has to
/// fall into its window.
#[test]
fn item_53_a_timestamp_outside_the_window_of_the_log_is_refused() {
    let scene = scene();
    let bundle = scene.signed.evident(&[scene.entry()], &[scene.token(SIGNED)]);
    let chain =
        [&scene.authority, &scene.stamp_root].map(|holder| json!({"rawBytes": base64(&holder.der())}));
    let within = |start: &str, end: &str| {
        let mut root = scene.instance.trusted();
        root["tlogs"] = json!([scene.log.trusted_within(&json!({"start": start, "end": end}))]);
        root["timestampAuthorities"] = json!([{"certChain": {"certificates": chain}}]);
        let identity = PERSON.parse().unwrap();
        Trust::sigstore(SigstoreTrust::identity(parsed(&root), identity, ISSUER, clock()))
    };
    verified(bundle.clone(), &within(SIGNED, SIGNED));
    for (start, end) in [(BEGIN, "2024-05-15T12:04:59Z"), ("2024-05-15T12:05:01Z", END)] {
        refused(bundle.clone(), &within(start, end));
    }
}
