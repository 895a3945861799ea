//! The windows of the authorities in a trusted root, each of which is its own.

use modelseal_verify::{
    ProvedTime, TimestampAuthorities, TimestampError, Trust, TrustedRoot, TrustedRootError, VerifyError,
    verify,
};
use serde_json::{Value, json};

use crate::holder::{Holder, issuing, stamping};
use crate::log::{base64, root_with};
use crate::signed::{Signed, clock, time};
use crate::token::Token;
use crate::{is_untrusted, refused};

const MID_MAY: &str = "2024-05-15T12:00:00Z";

fn authority() -> (Holder, Holder) {
    let root = issuing("Root").self_signed();
    (stamping("Authority").issued_by(&root), root)
}

/// An authority as a trusted root names it.
fn within(chain: &[&Holder], window: &Value) -> Value {
    let certificates: Vec<Value> =
        chain.iter().map(|holder| json!({"rawBytes": base64(&holder.der())})).collect();
    json!({"certChain": {"certificates": certificates}, "validFor": window})
}

fn window(start: &str, end: &str) -> Value {
    json!({"start": start, "end": end})
}

fn always() -> Value {
    json!({"start": "2020-01-01T00:00:00Z"})
}

fn trust(signed: &Signed, authorities: &[Value]) -> Trust {
    let root = root_with(&[], &json!(authorities));
    signed.trust().and_timestamps(TimestampAuthorities::of(&root, clock()))
}

fn outside(at: &str) -> TimestampError {
    TimestampError::OutsideWindow { time: time(at) }
}

#[test]
fn item_53_the_edges_of_a_window_are_inclusive_and_a_second_outside_is_not() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let (start, end) = ("2024-05-10T00:00:00Z", "2024-05-20T00:00:00Z");
    let trust = trust(&signed, &[within(&[&leaf, &root], &window(start, end))]);
    let bundle = |at| signed.evident(&[], &[Token::new(&leaf, &signed.signature, at).der()]);
    for at in [start, MID_MAY, end] {
        assert_eq!(verify(bundle(at), &trust).unwrap().times(), [ProvedTime::Timestamp(time(at))]);
    }
    for at in ["2024-05-09T23:59:59Z", "2024-05-20T00:00:01Z"] {
        assert_eq!(refused(bundle(at), &trust), outside(at));
    }
}

#[test]
fn item_53_a_nanosecond_outside_is_outside() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let bundle = signed.evident(&[], &[Token::new(&leaf, &signed.signature, MID_MAY).der()]);
    let of = |window| trust(&signed, &[within(&[&leaf, &root], &window)]);
    verify(bundle.clone(), &of(window(MID_MAY, MID_MAY))).unwrap();
    for window in [
        window("2024-05-15T12:00:00.000000001Z", "2024-06-01T00:00:00Z"),
        window("2024-05-01T00:00:00Z", "2024-05-15T11:59:59.999999999Z"),
    ] {
        assert_eq!(refused(bundle.clone(), &of(window)), outside(MID_MAY));
    }
}

#[test]
fn item_52_a_timestamp_is_not_believed_in_the_window_of_another_authority() {
    let (signed, (leaf, root), (other, other_root)) = (Signed::by_key(), authority(), authority());
    let bundle = signed.evident(&[], &[Token::new(&leaf, &signed.signature, MID_MAY).der()]);
    let (ended, open) = (window("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"), always());
    let own = within(&[&leaf, &root], &ended);
    let others = within(&[&other, &other_root], &open);
    for authorities in [[own.clone(), others.clone()], [others, own]] {
        assert_eq!(refused(bundle.clone(), &trust(&signed, &authorities)), outside(MID_MAY));
    }
}

#[test]
fn item_52_two_authorities_of_one_root_have_a_window_each() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let second = stamping("Second").issued_by(&root);
    let (ended, open) = (window("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"), always());
    let authorities = [within(&[&leaf, &root], &ended), within(&[&second, &root], &open)];
    let trust = trust(&signed, &authorities);
    let bundle = |by: &Holder| {
        let token = Token::new(by, &signed.signature, MID_MAY).carrying(&[&leaf, &second]);
        signed.evident(&[], &[token.der()])
    };
    assert_eq!(refused(bundle(&leaf), &trust), outside(MID_MAY));
    verify(bundle(&second), &trust).unwrap();
}

/// An authority may have been trusted twice, with a pause.
#[test]
fn each_window_of_an_authority_that_has_two_counts() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let early = within(&[&leaf, &root], &window("2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"));
    let late = within(&[&leaf, &root], &window("2024-05-01T00:00:00Z", "2024-06-01T00:00:00Z"));
    let bundle = |at| signed.evident(&[], &[Token::new(&leaf, &signed.signature, at).der()]);
    for authorities in [[early.clone(), late.clone()], [late, early]] {
        let trust = trust(&signed, &authorities);
        for at in ["2024-01-15T00:00:00Z", MID_MAY] {
            verify(bundle(at), &trust).unwrap();
        }
        assert_eq!(refused(bundle("2024-03-15T00:00:00Z"), &trust), outside("2024-03-15T00:00:00Z"));
    }
}

#[test]
fn another_authority_of_the_same_root_is_not_believed() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let stray = stamping("Stray").issued_by(&root);
    let token = Token::new(&stray, &signed.signature, MID_MAY).carrying(&[&stray, &leaf, &root]).der();
    let found =
        refused(signed.evident(&[], &[token]), &trust(&signed, &[within(&[&leaf, &root], &always())]));
    assert!(is_untrusted(&found), "{found:?}");
}

#[test]
fn an_authority_whose_window_begins_later_than_today_is_not_believed() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let token = Token::new(&leaf, &signed.signature, MID_MAY).der();
    let later = json!({"start": "2039-01-01T00:00:00Z"});
    refused(signed.evident(&[], &[token]), &trust(&signed, &[within(&[&leaf, &root], &later)]));
}

/// Nobody asks an anchor for its validity, so it bounds the window.
#[test]
fn an_authority_whose_root_had_expired_is_not_believed() {
    let signed = Signed::by_key();
    let verdict = |end: &str| {
        let root = issuing("Root").valid("2020-01-01T00:00:00Z", end).self_signed();
        let leaf = stamping("Authority").issued_by(&root);
        let token = Token::new(&leaf, &signed.signature, MID_MAY).der();
        let root = trust(&signed, &[within(&[&leaf, &root], &always())]);
        verify(signed.evident(&[], &[token]), &root)
    };
    verdict(MID_MAY).unwrap();
    let found = verdict("2024-05-15T11:59:59Z");
    assert!(matches!(found, Err(VerifyError::Timestamp(_))), "{found:?}");
}

#[test]
fn an_authority_without_a_window_is_believed_while_its_certificates_are_valid() {
    let (signed, (leaf, root)) = (Signed::by_key(), authority());
    let authority = within(&[&leaf, &root], &Value::Null);
    let bundle = |at| signed.evident(&[], &[Token::new(&leaf, &signed.signature, at).der()]);
    let trust = trust(&signed, &[authority]);
    verify(bundle("2020-01-01T00:00:00Z"), &trust).unwrap();
    refused(bundle("2019-12-31T23:59:59Z"), &trust);
}

#[test]
fn a_root_with_an_authority_that_cannot_be_used_is_refused_when_it_is_read() {
    let (leaf, root) = authority();
    let backwards = within(&[&leaf, &root], &window("2024-02-01T00:00:00Z", "2024-01-01T00:00:00Z"));
    let mut garbage = within(&[&leaf, &root], &always());
    garbage["certChain"]["certificates"][0]["rawBytes"] = json!("MAA=");
    for authority in [backwards, garbage, within(&[], &always())] {
        let root = json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "timestampAuthorities": [authority],
        });
        let found = TrustedRoot::parse(root.to_string().as_bytes());
        assert!(matches!(found, Err(TrustedRootError::Unusable { .. })), "{found:?}");
    }
}
