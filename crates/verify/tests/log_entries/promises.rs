//! Times that a log of Rekor's first version has signed.

use jiff::{SignedDuration, Timestamp};
use modelseal_verify::{
    Caveat, CertificateError, Clock, JudgedAt, LogEntryError, ProvedTime, Signer, Trust, VerifyError, verify,
};
use serde_json::{Value, json};

use crate::log::{Log, root_of};
use crate::signed::{MAY_BEGINS, MAY_ENDS, NOW, Signed, clock, decoded, refused, time, verified};

const MID_MAY: &str = "2024-05-15T12:00:00Z";

fn seconds(text: &str) -> i64 {
    time(text).as_second()
}

struct Scene {
    signed: Signed,
    log: Log,
    /// Without a promise.
    entry: Value,
}

fn scene(signed: Signed) -> Scene {
    let log = Log::v1("rekor.example");
    let entry = log.entry(&signed.dsse());
    Scene { signed, log, entry }
}

impl Scene {
    fn trust(&self) -> Trust {
        self.signed.trust().and_logs(root_of(&[self.log.trusted()]), clock())
    }

    fn promised(&self, at: &str) -> Value {
        self.log.promise(&self.entry, seconds(at))
    }

    #[track_caller]
    fn broken(&self, entry: &Value) -> String {
        match refused(self.signed.bundle(std::slice::from_ref(entry)), &self.trust()) {
            LogEntryError::Promise { reason } => reason,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_time_that_the_log_signed_is_proved() {
    let scene = scene(Signed::by_key());
    let statement = verified(scene.signed.bundle(&[scene.promised(MID_MAY)]), &scene.trust());
    assert_eq!(statement.times(), [ProvedTime::Log(time(MID_MAY))]);
    assert!(!statement.caveats().contains(&Caveat::NoTimeEvidence));
    assert_eq!(statement.log_entries()[0].log_index, 1004, "that of all shards, which the promise covers");
}

#[test]
fn a_time_without_a_promise_proves_nothing() {
    let scene = scene(Signed::by_expired_certificate());
    let mut entry = scene.promised(MID_MAY);
    entry.as_object_mut().unwrap().remove("inclusionPromise");
    let found = verify(scene.signed.bundle(&[entry]), &scene.trust());
    assert!(matches!(found, Err(VerifyError::Certificate(CertificateError::Expired { .. }))), "{found:?}");
}

#[test]
fn a_promise_alone_is_enough_in_a_bundle_of_version_0_1() {
    let scene = scene(Signed::by_key());
    let mut entry = scene.promised(MID_MAY);
    entry.as_object_mut().unwrap().remove("inclusionProof");
    let statement = verified(scene.signed.bundle_v0_1(&[entry]), &scene.trust());
    assert_eq!(statement.times(), [ProvedTime::Log(time(MID_MAY))]);
}

#[test]
fn item_37_a_certificate_that_expired_since_the_log_took_it_verifies() {
    let scene = scene(Signed::by_expired_certificate());
    let statement = verified(scene.signed.bundle(&[scene.promised(MID_MAY)]), &scene.trust());
    let Signer::Certificate(signer) = statement.signer() else { panic!() };
    assert_eq!(signer.judged_at(), JudgedAt::Proved(ProvedTime::Log(time(MID_MAY))));
}

#[test]
fn item_37_a_log_that_is_not_trusted_saves_no_certificate() {
    let scene = scene(Signed::by_expired_certificate());
    let bundle = scene.signed.bundle(&[scene.promised(MID_MAY)]);
    let found = verify(bundle, &scene.signed.trust());
    let Err(VerifyError::Certificate(CertificateError::Expired { at, .. })) = found else {
        panic!("{found:?}")
    };
    assert_eq!(at, JudgedAt::Now(time(NOW)));
}

#[test]
fn a_certificate_is_valid_at_both_ends_of_its_validity_and_not_beyond() {
    let scene = scene(Signed::by_expired_certificate());
    let at = |text: &str, offset: i64| {
        let entry = scene.log.promise(&scene.entry, seconds(text) + offset);
        verify(scene.signed.bundle(&[entry]), &scene.trust())
    };
    for good in [at(MAY_BEGINS, 0), at(MAY_ENDS, 0)] {
        good.unwrap();
    }
    for (found, what) in [(at(MAY_BEGINS, -1), "only from"), (at(MAY_ENDS, 1), "expired")] {
        let Err(VerifyError::Certificate(error)) = found else { panic!("{found:?}") };
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[test]
fn item_49_a_time_that_was_changed_is_refused() {
    let scene = scene(Signed::by_expired_certificate());
    let promised = scene.promised(NOW);
    for other in [seconds(MID_MAY), seconds(NOW) - 1, seconds(NOW) + 1] {
        let mut entry = promised.clone();
        entry["integratedTime"] = json!(other.to_string());
        assert_eq!(scene.broken(&entry), "the log did not sign it");
    }
}

#[test]
fn item_49_a_promise_for_another_index_log_or_body_is_refused() {
    let scene = scene(Signed::by_key());
    let promised = scene.promised(MID_MAY);
    let mut other_index = promised.clone();
    other_index["logIndex"] = json!("1005");
    assert_eq!(scene.broken(&other_index), "the log did not sign it");
    let mut other_body = scene.log.entry(&scene.signed.also_over(b"b").dsse());
    other_body = scene.log.promise(&other_body, seconds(MID_MAY));
    let mut spliced = scene.entry.clone();
    spliced["integratedTime"] = promised["integratedTime"].clone();
    spliced["inclusionPromise"] = other_body["inclusionPromise"].clone();
    assert_eq!(scene.broken(&spliced), "the log did not sign it");
}

#[test]
fn item_49_a_promise_by_another_key_is_refused() {
    let scene = scene(Signed::by_key());
    let mut entry = Log::v1("rekor.example").promise(&scene.entry, seconds(MID_MAY));
    assert_eq!(scene.broken(&entry), "the log did not sign it");
    // Nor one of another log that is trusted.
    let other = Log::v1("other.example");
    entry = other.promise(&scene.entry, seconds(MID_MAY));
    let root = root_of(&[scene.log.trusted(), other.trusted()]);
    let found = refused(scene.signed.bundle(&[entry]), &scene.signed.trust().and_logs(root, clock()));
    assert!(matches!(found, LogEntryError::Promise { .. }), "{found:?}");
}

#[test]
fn item_49_garbage_for_a_promise_is_refused_though_the_proof_is_good() {
    let scene = scene(Signed::by_key());
    let promised = scene.promised(MID_MAY);
    let mut cut = decoded(&promised["inclusionPromise"]["signedEntryTimestamp"]);
    cut.pop();
    for garbage in [vec![], vec![0; 64], vec![0xff; 4096], cut] {
        let mut entry = promised.clone();
        entry["inclusionPromise"]["signedEntryTimestamp"] = json!(crate::log::base64(&garbage));
        assert_eq!(scene.broken(&entry), "the log did not sign it");
    }
}

#[test]
fn item_49_a_promise_without_a_time_is_refused() {
    let scene = scene(Signed::by_key());
    let mut zero = scene.log.promise(&scene.entry, 0);
    assert_eq!(scene.broken(&zero), "there is none");
    zero.as_object_mut().unwrap().remove("integratedTime");
    assert_eq!(scene.broken(&zero), "there is none");
}

#[test]
fn a_good_promise_does_not_make_up_for_a_bad_proof() {
    let scene = scene(Signed::by_key());
    let mut entry = scene.promised(MID_MAY);
    entry["inclusionProof"]["hashes"] = json!([]);
    let found = refused(scene.signed.bundle(&[entry]), &scene.trust());
    assert!(matches!(found, LogEntryError::NotIncluded { .. }), "{found:?}");
}

#[test]
fn item_51_a_time_in_the_future_is_refused_beyond_ten_seconds() {
    let scene = scene(Signed::by_key());
    let at = |offset: i64| scene.log.promise(&scene.entry, seconds(NOW) + offset);
    for offset in [0, 1, 10] {
        verified(scene.signed.bundle(&[at(offset)]), &scene.trust());
    }
    for offset in [11, 60, 86_400 * 365] {
        assert!(scene.broken(&at(offset)).contains("is in the future"));
    }
}

#[test]
fn item_51_a_time_beyond_all_time_is_refused() {
    let scene = scene(Signed::by_key());
    let entry = scene.log.promise(&scene.entry, i64::MAX);
    let found = refused(scene.signed.bundle(&[entry]), &scene.trust());
    assert!(matches!(found, LogEntryError::Malformed { .. }), "{found:?}");
}

#[test]
fn item_53_the_edges_of_a_log_s_window_are_inclusive_and_a_second_outside_is_not() {
    let scene = scene(Signed::by_key());
    let (start, end) = (time("2024-05-10T00:00:00Z"), time("2024-05-20T00:00:00Z"));
    let root = root_of(&[scene.log.trusted_within(&json!({"start": start, "end": end}))]);
    let trust = scene.signed.trust().and_logs(root, clock());
    let second = SignedDuration::from_secs(1);
    let bundle = |at: Timestamp| scene.signed.bundle(&[scene.log.promise(&scene.entry, at.as_second())]);
    for inside in [start, end] {
        assert_eq!(verified(bundle(inside), &trust).times(), [ProvedTime::Log(inside)]);
    }
    for outside in [start - second, end + second] {
        let found = refused(bundle(outside), &trust);
        let LogEntryError::Promise { reason } = found else { panic!("{found:?}") };
        assert_eq!(reason, "the log's key was not valid then");
    }
}

/// Times are whole seconds, and windows need not be.
#[test]
fn item_53_a_nanosecond_outside_is_outside() {
    let scene = scene(Signed::by_key());
    let verdict = |start: &str, end: &str| {
        let root = root_of(&[scene.log.trusted_within(&json!({"start": start, "end": end}))]);
        let trust = scene.signed.trust().and_logs(root, clock());
        verify(scene.signed.bundle(&[scene.promised(MID_MAY)]), &trust).is_ok()
    };
    assert!(verdict(MID_MAY, MID_MAY));
    assert!(!verdict("2024-05-15T12:00:00.000000001Z", "2024-06-01T00:00:00Z"));
    assert!(!verdict("2024-05-01T00:00:00Z", "2024-05-15T11:59:59.999999999Z"));
}

#[test]
fn item_38_every_proved_time_counts() {
    let scene = scene(Signed::by_expired_certificate());
    let (good, early) = (scene.promised(MID_MAY), scene.promised("2024-04-15T00:00:00Z"));
    for entries in [[good.clone(), early.clone()], [early, good]] {
        let found = verify(scene.signed.bundle(&entries), &scene.trust());
        assert!(
            matches!(found, Err(VerifyError::Certificate(CertificateError::NotYetValid { .. }))),
            "{found:?}"
        );
    }
}

#[test]
fn times_are_reported_from_the_earliest_on() {
    let scene = scene(Signed::by_key());
    let (first, second) = ("2024-05-02T00:00:00Z", "2024-05-03T00:00:00Z");
    let bundle = scene.signed.bundle(&[scene.promised(second), scene.promised(first)]);
    let times = [first, second].map(|text| ProvedTime::Log(time(text)));
    assert_eq!(verified(bundle, &scene.trust()).times(), times);
}

#[test]
fn a_proved_time_goes_before_an_asserted_one() {
    let scene = scene(Signed::by_expired_certificate());
    let asserting = clock().asserting(time("2024-05-02T00:00:00Z"));
    let trust = scene.signed.trust_at(asserting).and_logs(root_of(&[scene.log.trusted()]), asserting);
    let statement = verified(scene.signed.bundle(&[scene.promised(MID_MAY)]), &trust);
    assert!(!statement.caveats().contains(&Caveat::TimeAsserted));
    let late = scene.signed.bundle(&[scene.promised(NOW)]);
    assert!(verify(late, &trust).is_err(), "what is asserted does not overrule what is proved");
}

#[test]
fn the_time_is_that_of_the_clock_that_came_with_the_logs() {
    let scene = scene(Signed::by_key());
    let trust = scene
        .signed
        .trust()
        .and_logs(root_of(&[scene.log.trusted()]), Clock::at(time("2024-05-15T11:59:49Z")));
    let found = refused(scene.signed.bundle(&[scene.promised(MID_MAY)]), &trust);
    assert!(matches!(found, LogEntryError::Promise { .. }), "{found:?}");
}
