//! What the certificates of an authority have to say (RFC 3161, section 2.3;
//! RFC 5280, sections 4.2.1.3, 4.2.1.9 and 4.2.1.12).

use modelseal_verify::{VerifyError, verify};
use rcgen::{BasicConstraints, IsCa, KeyUsagePurpose};

use crate::holder::{BOTH, CODE_SIGNING, Holder, Profile, TIME_STAMPING, issuing, signing, stamping};
use crate::signed::Signed;
use crate::token::Token;
use crate::under;

const MID_MAY: &str = "2024-05-15T12:00:00Z";

/// Whether a timestamp of `leaf` is believed under `root`, by its certificate
/// that is carried or by that which the verifier pins.
fn believed(leaf: &Holder, between: &[&Holder], root: &Holder) -> bool {
    let signed = Signed::by_key();
    let carried = [&[leaf], between].concat();
    let token = Token::new(leaf, &signed.signature, MID_MAY).carrying(&carried).der();
    let verdict = |given: &[&Holder]| {
        let trust = signed.trust().and_timestamps(under(given));
        let found = verify(signed.evident(&[], std::slice::from_ref(&token)), &trust);
        assert!(matches!(found, Ok(_) | Err(VerifyError::Timestamp(_))), "{found:?}");
        found.is_ok()
    };
    let is_believed = verdict(&[root]);
    assert_eq!(is_believed, verdict(&[root, leaf]) || leaf.certificate.is_ca() && is_believed);
    is_believed
}

fn leaf_of(profile: Profile) -> bool {
    let root = issuing("Root").self_signed();
    believed(&profile.issued_by(&root), &[], &root)
}

fn under_intermediate(profile: Profile) -> bool {
    let root = issuing("Root").self_signed();
    let between = profile.issued_by(&root);
    believed(&stamping("Authority").issued_by(&between), &[&between], &root)
}

fn under_root(profile: Profile) -> bool {
    let root = profile.self_signed();
    believed(&stamping("Authority").issued_by(&root), &[], &root)
}

#[test]
fn an_authority_is_one_for_timestamps_and_for_nothing_else() {
    assert!(leaf_of(stamping("Authority")));
    assert!(!leaf_of(stamping("Authority").purposes(CODE_SIGNING, true)));
    assert!(!leaf_of(stamping("Authority").purposes(BOTH, true)), "timeStamping has to stand alone");
    assert!(!leaf_of(stamping("Authority").purposes(TIME_STAMPING, false)), "and to be critical");
}

#[test]
fn a_certificate_without_an_extended_key_usage_is_no_authority() {
    assert!(!leaf_of(stamping("Authority").with(|params| params.custom_extensions.clear())));
}

#[test]
fn a_certificate_for_models_is_no_authority() {
    assert!(!leaf_of(signing("Leaf")));
}

#[test]
fn an_authority_s_key_usage_permits_signatures() {
    assert!(leaf_of(stamping("Authority").with(|params| params.key_usages.clear())));
    let agreement = |params: &mut rcgen::CertificateParams| {
        params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    };
    assert!(!leaf_of(stamping("Authority").with(agreement)));
}

#[test]
fn item_40_a_certificate_authority_makes_no_timestamps() {
    let unconstrained = IsCa::Ca(BasicConstraints::Unconstrained);
    assert!(!leaf_of(stamping("Authority").with(|params| params.is_ca = unconstrained)));
}

#[test]
fn an_authority_that_had_expired_or_had_not_begun_is_refused() {
    let valid = |begin, end| leaf_of(stamping("Authority").valid(begin, end));
    assert!(valid(MID_MAY, MID_MAY));
    assert!(!valid("2020-01-01T00:00:00Z", "2024-05-15T11:59:59Z"));
    assert!(!valid("2024-05-15T12:00:01Z", "2030-01-01T00:00:00Z"));
}

#[test]
fn an_intermediate_that_had_expired_or_had_not_begun_is_refused() {
    let valid = |begin, end| under_intermediate(issuing("Intermediate").valid(begin, end));
    assert!(valid(MID_MAY, MID_MAY));
    assert!(!valid("2020-01-01T00:00:00Z", "2024-05-15T11:59:59Z"));
    assert!(!valid("2024-05-15T12:00:01Z", "2030-01-01T00:00:00Z"));
}

#[test]
fn a_root_that_had_expired_or_had_not_begun_is_refused() {
    let valid = |begin, end| under_root(issuing("Root").valid(begin, end));
    assert!(valid(MID_MAY, MID_MAY));
    assert!(!valid("2020-01-01T00:00:00Z", "2024-05-15T11:59:59Z"));
    assert!(!valid("2024-05-15T12:00:01Z", "2030-01-01T00:00:00Z"));
}

#[test]
fn what_may_not_issue_certificates_issues_no_authority() {
    let signatures_only = |params: &mut rcgen::CertificateParams| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    };
    assert!(under_intermediate(issuing("Intermediate")));
    assert!(under_intermediate(issuing("Intermediate").with(|params| params.key_usages.clear())));
    assert!(!under_intermediate(issuing("Intermediate").with(signatures_only)));
    assert!(!under_intermediate(issuing("Intermediate").with(|params| params.is_ca = IsCa::ExplicitNoCa)));
    assert!(under_root(issuing("Root")));
    assert!(!under_root(issuing("Root").with(signatures_only)));
}

#[test]
fn an_issuer_for_other_purposes_issues_no_authority() {
    assert!(under_intermediate(issuing("Intermediate").purposes(TIME_STAMPING, false)));
    assert!(under_intermediate(issuing("Intermediate").purposes(BOTH, true)));
    assert!(!under_intermediate(issuing("Intermediate").purposes(CODE_SIGNING, false)));
    assert!(!under_root(issuing("Root").purposes(CODE_SIGNING, false)));
}

#[test]
fn a_path_may_not_be_longer_than_its_authorities_permit() {
    let none_below = IsCa::Ca(BasicConstraints::Constrained(0));
    let root = issuing("Root").with(|params| params.is_ca = none_below).self_signed();
    assert!(believed(&stamping("Authority").issued_by(&root), &[], &root));
    let between = issuing("Intermediate").issued_by(&root);
    assert!(!believed(&stamping("Authority").issued_by(&between), &[&between], &root));
}

/// Releases 0.2 to 1.1 of the reference were tested with signing certificates
/// that are marked as authorities and may not issue certificates. Whoever has
/// the key of one that has expired could otherwise make an authority of his own
/// below it, and with that the time at which it had not.
#[test]
fn items_37_and_40_the_holder_of_an_expired_certificate_makes_no_time_for_it() {
    let root = issuing("Root").self_signed();
    let marked = |params: &mut rcgen::CertificateParams| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.extended_key_usages.clear();
    };
    let stolen = signing("Leaf").with(marked).valid("2024-05-01T00:00:00Z", "2024-05-31T00:00:00Z");
    let stolen = stolen.issued_by(&root);
    let forged = stamping("Authority").issued_by(&stolen);
    assert!(!believed(&forged, &[&stolen], &root));
}

#[test]
fn an_authority_in_the_name_of_the_root_but_not_by_it_is_refused() {
    let root = issuing("Root").self_signed();
    let impostor = issuing("Root").self_signed();
    assert!(!believed(&stamping("Authority").issued_by(&impostor), &[&impostor], &root));
    assert!(!believed(&stamping("Root").self_signed(), &[], &root));
    // A certificate of the very key of the authority, by nobody.
    let leaf = stamping("Authority").issued_by(&root);
    let alone = stamping("Authority").issued_to(&leaf, &impostor);
    assert!(!believed(&alone, &[], &root));
}

#[test]
fn a_critical_extension_that_nobody_knows_is_refused() {
    let mut unknown = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 99999], vec![5, 0]);
    unknown.set_criticality(true);
    let extended = |profile: Profile| profile.with(|params| params.custom_extensions.push(unknown.clone()));
    assert!(!leaf_of(extended(stamping("Authority"))));
    assert!(!under_intermediate(extended(issuing("Intermediate"))));
}

#[test]
fn the_names_in_a_refusal_cannot_act_on_a_terminal() {
    let (signed, root) = (Signed::by_key(), issuing("Root").self_signed());
    let hostile = "\x1b[2J\u{202e}";
    let other = issuing(hostile).self_signed();
    let leaf = stamping(hostile).issued_by(&other);
    let token = Token::new(&leaf, &signed.signature, MID_MAY).carrying(&[&leaf, &other]).der();
    let trust = signed.trust().and_timestamps(under(&[&root]));
    let found = crate::refused(signed.evident(&[], &[token]), &trust).to_string();
    assert!(!found.contains(['\x1b', '\u{202e}']), "{found:?}");
}
