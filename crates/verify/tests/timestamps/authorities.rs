//! Which authorities are believed, among those that a verifier may name.

use modelseal_verify::{Certificate, ProvedTime, TimestampAuthorities, TimestampError, verify};
use serde_json::json;

use crate::holder::{Holder, issuing, stamping};
use crate::log::{base64, root_with};
use crate::signed::{Signed, clock, time};
use crate::token::Token;
use crate::{is_untrusted, refused, under};

const MID_MAY: &str = "2024-05-15T12:00:00Z";

fn authority() -> (Holder, Holder) {
    let root = issuing("Root").self_signed();
    (stamping("Authority").issued_by(&root), root)
}

/// Whether a timestamp of `leaf` is believed.
fn believes(authorities: TimestampAuthorities, leaf: &Holder) -> bool {
    believes_token(authorities, |signature| Token::new(leaf, signature, MID_MAY).der())
}

fn believes_token(authorities: TimestampAuthorities, token: impl Fn(&[u8]) -> Vec<u8>) -> bool {
    let signed = Signed::by_key();
    let bundle = signed.evident(&[], &[token(&signed.signature)]);
    let trust = signed.trust().and_timestamps(authorities);
    if let Ok(statement) = verify(bundle.clone(), &trust) {
        assert_eq!(statement.times(), [ProvedTime::Timestamp(time(MID_MAY))]);
        return true;
    }
    let found = refused(bundle, &trust);
    assert!(is_untrusted(&found), "{found:?}");
    false
}

fn certificates(holders: &[&Holder]) -> Vec<Certificate> {
    holders.iter().map(|holder| holder.certificate.clone()).collect()
}

#[test]
fn a_root_believes_every_authority_below_it() {
    let (leaf, root) = authority();
    let other = stamping("Other").issued_by(&root);
    assert!(believes(under(&[&root]), &leaf));
    assert!(believes(under(&[&root]), &other));
}

#[test]
fn a_certificate_that_is_pinned_believes_no_other_of_its_root() {
    let (leaf, root) = authority();
    let other = stamping("Other").issued_by(&root);
    let twin = stamping("Authority").issued_by(&root);
    for set in [[&root, &leaf], [&leaf, &root]] {
        assert!(believes(under(&set), &leaf));
        assert!(!believes(under(&set), &other));
        assert!(!believes(under(&set), &twin), "another certificate of the same name");
    }
    assert!(believes(under(&[&root, &leaf, &other]), &other), "several may be pinned");
    assert!(believes(under(&[&root, &leaf, &other]), &leaf));
}

/// It could be anybody's: the number is what its issuer chose.
#[test]
fn a_certificate_with_the_name_and_number_of_the_pinned_one_is_not_it() {
    let root = issuing("Root").self_signed();
    let number = |profile: crate::holder::Profile| {
        profile.with(|params| params.serial_number = Some(rcgen::SerialNumber::from(7)))
    };
    let leaf = number(stamping("Authority")).issued_by(&root);
    let double = number(stamping("Authority")).issued_by(&root);
    assert!(believes(under(&[&root, &leaf]), &leaf));
    assert!(!believes(under(&[&root, &leaf]), &double));
    assert!(believes(under(&[&root]), &double));
    let both = |signature: &[u8]| Token::new(&double, signature, MID_MAY).carrying(&[&leaf, &double]).der();
    assert!(!believes_token(under(&[&root, &leaf]), both));
}

#[test]
fn a_pinned_certificate_still_has_to_lead_to_a_root() {
    let (leaf, _) = authority();
    let (_, other_root) = authority();
    assert!(!believes(under(&[&other_root, &leaf]), &leaf));
}

#[test]
fn item_42_a_root_that_the_timestamp_carries_is_not_promoted() {
    let (leaf, root) = authority();
    let (_, other_root) = authority();
    let with_root = |signature: &[u8]| Token::new(&leaf, signature, MID_MAY).carrying(&[&leaf, &root]).der();
    assert!(believes_token(under(&[&root]), with_root));
    assert!(!believes_token(under(&[&other_root]), with_root));
}

#[test]
fn an_intermediate_that_is_given_is_an_anchor() {
    let root = issuing("Root").self_signed();
    let between = issuing("Intermediate").issued_by(&root);
    let leaf = stamping("Authority").issued_by(&between);
    assert!(believes(under(&[&between]), &leaf));
    assert!(!believes(under(&[&root]), &leaf), "nothing leads there");
    assert!(believes(under(&[&root, &between]), &leaf));
}

#[test]
fn both_of_two_sets_are_believed() {
    let ((a, root_a), (b, root_b), (c, _)) = (authority(), authority(), authority());
    for (first, second) in [
        (under(&[&root_a]), under(&[&root_b])),
        (under(&[&root_a, &a]), under(&[&root_b, &b])),
        (under(&[&root_a]), under(&[&root_b, &b])),
        (under(&[&root_a, &a]), under(&[&root_b])),
    ] {
        for both in [first.clone().and(second.clone()), second.and(first)] {
            assert!(believes(both.clone(), &a));
            assert!(believes(both.clone(), &b));
            assert!(!believes(both, &c));
        }
    }
}

/// What one set pins does not widen what the other believes, nor narrow it.
#[test]
fn a_set_keeps_its_own_pins() {
    let ((a, root_a), (b, root_b)) = (authority(), authority());
    let stray = stamping("Stray").issued_by(&root_a);
    let other_b = stamping("Other").issued_by(&root_b);
    let both = under(&[&root_a, &a]).and(under(&[&root_b]));
    assert!(!believes(both.clone(), &stray));
    assert!(believes(both.clone(), &other_b));
    assert!(believes(both, &b));
}

#[test]
fn a_set_and_the_authorities_of_a_trusted_root_are_both_believed() {
    let ((a, root_a), (b, root_b), (c, _)) = (authority(), authority(), authority());
    let chain =
        json!({"certificates": [{"rawBytes": base64(&b.der())}, {"rawBytes": base64(&root_b.der())}]});
    let known = root_with(&[], &json!([{"certChain": chain, "validFor": {"start": "2020-01-01T00:00:00Z"}}]));
    let known = TimestampAuthorities::of(&known, clock());
    for both in [under(&[&root_a]).and(known.clone()), known.clone().and(under(&[&root_a]))] {
        assert!(believes(both.clone(), &a));
        assert!(believes(both.clone(), &b));
        assert!(!believes(both, &c));
    }
    assert!(!believes(known, &a));
}

#[test]
fn certificates_without_a_certificate_authority_are_no_set() {
    let (leaf, root) = authority();
    let no_root = |certificates| TimestampAuthorities::certificates(certificates, clock()).err();
    assert_eq!(no_root(vec![]), Some(TimestampError::NoRoot));
    assert_eq!(no_root(certificates(&[&leaf])), Some(TimestampError::NoRoot));
    assert_eq!(no_root(certificates(&[&leaf, &root])), None);
}

#[test]
fn more_certificates_than_are_looked_at_are_no_set() {
    let (_, root) = authority();
    let of = |count| TimestampAuthorities::certificates(certificates(&vec![&root; count]), clock()).err();
    assert_eq!(of(16), None);
    assert_eq!(of(17), Some(TimestampError::TooMany { found: 17, limit: 16 }));
}

#[test]
fn a_root_without_authorities_believes_none() {
    let (leaf, _) = authority();
    assert!(!believes(TimestampAuthorities::of(&root_with(&[], &json!([])), clock()), &leaf));
}
