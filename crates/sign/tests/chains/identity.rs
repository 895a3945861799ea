//! Whose certificate it has to be: pins and subjects.

use modelseal_verify::{Caveat, CertificateError, JudgedAt, VerifyError};
use rcgen::{DnType, DnValue};

use crate::attempt::{expired, misused, presented, presented_with, unknown_issuer};
use crate::holder::{END, Holder, Profile, authority, leaf, time};

fn other_than(pinned: &Holder, found: &Holder) -> CertificateError {
    CertificateError::Leaf {
        subject: found.certificate.subject(),
        expected: pinned.certificate.fingerprint(),
        found: found.certificate.fingerprint(),
    }
}

#[test]
fn a_pinned_leaf_is_believed_whoever_issued_it() {
    let leaf = leaf("Leaf").issued_by(&authority("Root").self_signed());
    let caveats = presented(&leaf, &[]).pinning(&leaf).verifies_through(&[]);
    assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked]);
}

#[test]
fn a_pinned_leaf_may_have_signed_itself() {
    let leaf = leaf("Leaf").self_signed();
    presented(&leaf, &[]).pinning(&leaf).verifies_through(&[]);
}

#[test]
fn a_leaf_that_signed_itself_is_not_believed_for_that() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").self_signed();
    assert_eq!(presented(&leaf, &[&leaf]).under(&[&root]).refused(), unknown_issuer(&leaf));
}

#[test]
fn a_leaf_may_be_an_anchor() {
    let leaf = leaf("Leaf").issued_by(&authority("Root").self_signed());
    presented(&leaf, &[]).under(&[&leaf]).verifies_through(&[]);
}

#[test]
fn another_leaf_than_the_pinned_one_is_refused() {
    let root = authority("Root").self_signed();
    let (pinned, leaf) = (leaf("Leaf").issued_by(&root), leaf("Leaf").issued_by(&root));
    assert_eq!(presented(&leaf, &[]).pinning(&pinned).refused(), other_than(&pinned, &leaf));
}

#[test]
fn a_renewed_certificate_for_the_pinned_key_is_another_one() {
    let root = authority("Root").self_signed();
    let pinned = leaf("Leaf").issued_by(&root);
    let renewed = leaf("Leaf").key_of(&pinned).issued_by(&root);
    assert_eq!(presented(&renewed, &[]).pinning(&pinned).refused(), other_than(&pinned, &renewed));
}

#[test]
fn a_pinned_leaf_beside_another_one_that_signed_is_refused() {
    let root = authority("Root").self_signed();
    let (pinned, leaf) = (leaf("Leaf").issued_by(&root), leaf("Leaf").issued_by(&root));
    let attempt = presented(&leaf, &[&pinned]).pinning(&pinned);
    assert_eq!(attempt.refused(), other_than(&pinned, &leaf));
}

#[test]
fn somebody_elses_signature_under_the_pinned_leaf_is_refused() {
    let pinned = leaf("Leaf").self_signed();
    let thief = leaf("Thief").self_signed().showing(&pinned.der());
    let key = pinned.certificate.public_key().unwrap().fingerprint();
    assert_eq!(presented(&thief, &[]).pinning(&pinned).verdict(), Err(VerifyError::Signature { key }));
}

#[test]
fn with_anchors_and_a_pin_both_have_to_hold() {
    let root = authority("Root").self_signed();
    let other_root = authority("Other").self_signed();
    let (pinned, leaf) = (leaf("Leaf").issued_by(&root), leaf("Leaf").issued_by(&root));
    presented(&pinned, &[]).under(&[&root]).pinning(&pinned).verifies_through(&["CN=Root"]);
    let wrong_leaf = presented(&leaf, &[]).under(&[&root]).pinning(&pinned);
    assert_eq!(wrong_leaf.refused(), other_than(&pinned, &leaf));
    let wrong_root = presented(&pinned, &[]).under(&[&other_root]).pinning(&pinned);
    assert_eq!(wrong_root.refused(), unknown_issuer(&pinned));
}

#[test]
fn a_pinned_leaf_that_expired_is_refused() {
    let leaf = leaf("Leaf").self_signed();
    let now = "2031-01-01T00:00:01Z";
    let found = presented(&leaf, &[]).pinning(&leaf).at(now).refused();
    assert_eq!(found, expired(&leaf, JudgedAt::Now(time(now))));
    presented(&leaf, &[]).pinning(&leaf).at(END).verifies_through(&[]);
}

#[test]
fn a_pinned_leaf_is_not_exempt_from_the_rules_for_leaves() {
    let leaf = leaf("Leaf").usages(&[]).purposes(&[]).self_signed();
    let found = presented(&leaf, &[]).pinning(&leaf).refused();
    assert_eq!(found, misused("CN=Leaf", modelseal_verify::UsageProblem::NoUsage));
}

#[test]
fn nobody_looks_at_what_issued_a_pinned_leaf() {
    let root = authority("Root").valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    presented(&leaf, &[&root]).pinning(&leaf).verifies_through(&[]);
}

#[test]
fn a_signature_that_is_none_is_refused_under_every_kind_of_trust() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let key = leaf.certificate.public_key().unwrap().fingerprint();
    for signature in [vec![], vec![0], vec![0; 64], vec![0x30, 6, 2, 1, 0, 2, 1, 0]] {
        let attempt = || presented_with(&leaf, &[], signature.clone());
        let expected = Err(VerifyError::Signature { key });
        assert_eq!(attempt().under(&[&root]).verdict(), expected);
        assert_eq!(attempt().pinning(&leaf).verdict(), expected);
    }
}

/// `CN=Release,O=Acme`.
fn release() -> Profile {
    leaf("Release").with(|params| params.distinguished_name.push(DnType::OrganizationName, "Acme"))
}

#[test]
fn a_subject_that_matches_is_accepted() {
    let root = authority("Root").self_signed();
    let leaf = release().issued_by(&root);
    for pattern in ["CN=Release", "O=Acme", "CN=Release,O=Acme", "O=Acme,CN=Release"] {
        presented(&leaf, &[]).under(&[&root]).asking_for(pattern).verifies_through(&["CN=Root"]);
        presented(&leaf, &[]).pinning(&leaf).asking_for(pattern).verifies_through(&[]);
    }
}

#[test]
fn item_45_another_subject_is_refused_and_both_are_named() {
    let root = authority("Root").self_signed();
    let leaf = release().issued_by(&root);
    for pattern in ["CN=release", "CN=Rel", "CN=Release Two", "O=Acme,CN=Other", "OU=Acme", "CN=Acme"] {
        let found = presented(&leaf, &[]).under(&[&root]).asking_for(pattern).refused();
        let (expected, subject) = (pattern.parse().unwrap(), leaf.certificate.subject());
        assert_eq!(found, CertificateError::Subject { expected, found: subject });
    }
}

#[test]
fn item_45_the_subject_of_an_issuer_is_not_that_of_the_leaf() {
    let root = authority("Release").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let found = presented(&leaf, &[&root]).under(&[&root]).asking_for("CN=Release").refused();
    assert!(matches!(found, CertificateError::Subject { .. }), "{found:?}");
}

#[test]
fn item_45_a_value_that_looks_like_two_attributes_is_one() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Release,O=Acme").issued_by(&root);
    let found = presented(&leaf, &[]).under(&[&root]).asking_for("CN=Release").refused();
    assert!(matches!(found, CertificateError::Subject { .. }), "{found:?}");
    presented(&leaf, &[]).under(&[&root]).asking_for(r"CN=Release\,O=Acme").verifies_through(&["CN=Root"]);
}

#[test]
fn a_subject_matches_whichever_string_type_the_authority_writes() {
    let root = authority("Root").self_signed();
    let printable = DnValue::PrintableString("Release".try_into().unwrap());
    let leaf = leaf("x").with(|params| params.distinguished_name.push(DnType::CommonName, printable));
    let leaf = leaf.issued_by(&root);
    presented(&leaf, &[]).under(&[&root]).asking_for("CN=Release").verifies_through(&["CN=Root"]);
}
