//! What the times of timestamps do to certificates.

use modelseal_bundle::{Envelope, PAYLOAD_TYPE, UntrustedBundle, VerificationMaterial, pae};
use modelseal_verify::{
    Caveat, CertificateError, CertificateTrust, ProvedTime, TimestampError, Trust, VerifyError, verify,
};
use rcgen::SigningKey;
use serde_json::json;

use crate::holder::{Holder, issuing, signing, stamping};
use crate::log::{Log, root_of};
use crate::signed::{MAY_BEGINS, MAY_ENDS, NOW, Signed, clock, payload, time};
use crate::token::Token;
use crate::{refused, under};

const MID_MAY: &str = "2024-05-15T12:00:00Z";

/// A signature, and an authority under a root that is trusted for its times.
struct Scene {
    signed: Signed,
    leaf: Holder,
    root: Holder,
}

fn scene(signed: Signed) -> Scene {
    let root = issuing("Root").self_signed();
    Scene { signed, leaf: stamping("Authority").issued_by(&root), root }
}

impl Scene {
    fn token(&self, at: &str) -> Vec<u8> {
        Token::new(&self.leaf, &self.signed.signature, at).der()
    }

    fn bundle(&self, times: &[&str]) -> UntrustedBundle {
        let tokens: Vec<Vec<u8>> = times.iter().map(|at| self.token(at)).collect();
        self.signed.evident(&[], &tokens)
    }

    fn trust(&self) -> Trust {
        self.signed.trust().and_timestamps(under(&[&self.root]))
    }

    #[track_caller]
    fn is_not_valid(&self, times: &[&str]) -> CertificateError {
        match verify(self.bundle(times), &self.trust()) {
            Err(VerifyError::Certificate(error)) => error,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn item_37_the_edges_of_the_certificate_s_validity_are_inclusive_and_a_second_outside_is_not() {
    let scene = scene(Signed::by_expired_certificate());
    for inside in [MAY_BEGINS, MID_MAY, MAY_ENDS] {
        let statement = verify(scene.bundle(&[inside]), &scene.trust()).unwrap();
        assert_eq!(statement.times(), [ProvedTime::Timestamp(time(inside))]);
    }
    let found = scene.is_not_valid(&["2024-04-30T23:59:59Z"]);
    assert!(matches!(found, CertificateError::NotYetValid { .. }), "{found:?}");
    let found = scene.is_not_valid(&["2024-05-31T00:00:01Z"]);
    assert!(matches!(found, CertificateError::Expired { .. }), "{found:?}");
}

#[test]
fn every_proved_time_counts() {
    let scene = scene(Signed::by_expired_certificate());
    for times in [[MID_MAY, NOW], [NOW, MID_MAY]] {
        let found = scene.is_not_valid(&times);
        assert!(matches!(found, CertificateError::Expired { .. }), "{found:?}");
    }
    let before = "2024-04-15T00:00:00Z";
    for times in [[MID_MAY, before], [before, MID_MAY], [before, NOW]] {
        let found = scene.is_not_valid(&times);
        assert!(matches!(found, CertificateError::NotYetValid { .. }), "{found:?}");
    }
}

#[test]
fn several_times_are_reported_from_the_earliest_on() {
    let scene = scene(Signed::by_expired_certificate());
    let statement = verify(scene.bundle(&[MAY_ENDS, MAY_BEGINS, MID_MAY]), &scene.trust()).unwrap();
    let times = [MAY_BEGINS, MID_MAY, MAY_ENDS].map(|text| ProvedTime::Timestamp(time(text)));
    assert_eq!(statement.times(), times);
}

#[test]
fn item_50_one_bad_timestamp_spoils_a_good_one() {
    let scene = scene(Signed::by_expired_certificate());
    let stranger = stamping("Authority").self_signed();
    let foreign = Token::new(&stranger, &scene.signed.signature, MID_MAY).der();
    let other = Token::new(&scene.leaf, b"another signature", MID_MAY).der();
    for bad in [foreign, other, b"garbage".to_vec(), vec![]] {
        let good = scene.token(MID_MAY);
        for tokens in [[good.clone(), bad.clone()], [bad, good]] {
            refused(scene.signed.evident(&[], &tokens), &scene.trust());
        }
    }
}

#[test]
fn item_51_a_time_in_the_future_is_refused_beyond_ten_seconds() {
    let scene = scene(Signed::by_key());
    for at in [NOW, "2024-06-01T00:00:10Z"] {
        verify(scene.bundle(&[at]), &scene.trust()).unwrap();
    }
    for at in ["2024-06-01T00:00:11Z", "2024-06-01T00:01:00Z", "2035-01-01T00:00:00Z"] {
        let found = refused(scene.bundle(&[MID_MAY, at]), &scene.trust());
        assert_eq!(found, TimestampError::Future { index: 1, time: time(at), now: time(NOW) });
    }
}

/// A leaf that was valid, under an intermediate that was not.
#[test]
fn item_38_a_timestamp_does_not_save_a_chain_whose_intermediate_had_expired() {
    let root = issuing("Root").self_signed();
    let verdict = |end: &str| {
        let between = issuing("Intermediate").valid("2020-01-01T00:00:00Z", end).issued_by(&root);
        let leaf = signing("Leaf").valid(MAY_BEGINS, MAY_ENDS).issued_by(&between);
        let payload = payload(b"a");
        let signature = leaf.key.sign(&pae(PAYLOAD_TYPE, &payload)).unwrap();
        let stamp_root = issuing("Stamp root").self_signed();
        let authority = stamping("Authority").issued_by(&stamp_root);
        let token = Token::new(&authority, &signature, MID_MAY).der();
        let material = VerificationMaterial::CertificateChain(vec![leaf.der(), between.der()]);
        let envelope = Envelope::new(payload, signature);
        let bundle = UntrustedBundle::with_evidence(material, envelope, vec![], vec![token]).unwrap();
        let anchors = CertificateTrust::anchors(vec![root.certificate.clone()], clock());
        verify(bundle, &Trust::certificate(anchors).and_timestamps(under(&[&stamp_root])))
    };
    verdict(MID_MAY).unwrap();
    let found = verdict("2024-05-15T11:59:59Z");
    let Err(VerifyError::Certificate(CertificateError::Expired { subject, .. })) = found else {
        panic!("{found:?}")
    };
    assert_eq!(subject, "CN=Intermediate");
}

#[test]
fn timestamps_that_nobody_trusts_prove_nothing_and_save_nothing() {
    let by_key = scene(Signed::by_key());
    let statement = verify(by_key.bundle(&[MID_MAY]), &by_key.signed.trust()).unwrap();
    assert_eq!(statement.times(), []);
    for caveat in [Caveat::TimestampsNotChecked, Caveat::NoTimeEvidence] {
        assert!(statement.caveats().contains(&caveat), "{caveat}");
    }
    let expired = scene(Signed::by_expired_certificate());
    let found = verify(expired.bundle(&[MID_MAY]), &expired.signed.trust());
    assert!(matches!(found, Err(VerifyError::Certificate(CertificateError::Expired { .. }))), "{found:?}");
}

#[test]
fn where_authorities_are_trusted_a_bundle_may_still_carry_no_timestamp() {
    let scene = scene(Signed::by_key());
    let statement = verify(scene.bundle(&[]), &scene.trust()).unwrap();
    assert!(statement.caveats().contains(&Caveat::NoTimeEvidence));
    assert!(!statement.caveats().contains(&Caveat::TimestampsNotChecked));
}

#[test]
fn times_of_authorities_and_of_logs_count_together() {
    let scene = scene(Signed::by_expired_certificate());
    let log = Log::v1("rekor.example");
    let entry = log.entry(&scene.signed.dsse());
    let trust = scene.trust().and_logs(root_of(&[log.trusted()]), clock());
    let at = |text| log.promise(&entry, time(text).as_second());
    let bundle = |logged, stamped| scene.signed.evident(&[at(logged)], &[scene.token(stamped)]);
    let statement = verify(bundle(MAY_ENDS, MAY_BEGINS), &trust).unwrap();
    let times = [ProvedTime::Timestamp(time(MAY_BEGINS)), ProvedTime::Log(time(MAY_ENDS))];
    assert_eq!(statement.times(), times);
    for (logged, stamped) in [(NOW, MID_MAY), (MID_MAY, NOW)] {
        let found = verify(bundle(logged, stamped), &trust);
        assert!(matches!(found, Err(VerifyError::Certificate(_))), "{found:?}");
    }
}

/// A log of the second version signs no times, so those of authorities have to
/// fall into its window.
#[test]
fn item_53_a_timestamp_outside_the_window_of_the_log_is_refused() {
    let scene = scene(Signed::by_key());
    let log = Log::v2("log.example");
    let verdict = |start: &str, end: &str| {
        let window = json!({"start": start, "end": end});
        let trust = scene.trust().and_logs(root_of(&[log.trusted_within(&window)]), clock());
        let entry = log.entry(&scene.signed.hashedrekord());
        verify(scene.signed.evident(&[entry], &[scene.token(MID_MAY)]), &trust)
    };
    verdict(MID_MAY, MID_MAY).unwrap();
    for (start, end) in [(MAY_BEGINS, "2024-05-15T11:59:59Z"), ("2024-05-15T12:00:01Z", MAY_ENDS)] {
        let found = verdict(start, end);
        assert!(matches!(found, Err(VerifyError::LogEntry(_))), "{found:?}");
    }
}
