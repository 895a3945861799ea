//! What a certificate says that it is for.

use modelseal_verify::{Caveat, Certificate, CertificateError, CertificateParseError, UsageProblem};
use rcgen::ExtendedKeyUsagePurpose as Purpose;
use rcgen::{IsCa, KeyUsagePurpose as Usage};

use crate::attempt::{misused, presented};
use crate::holder::{Holder, Profile, authority, leaf, marked_leaf};

fn accepted(profile: Profile) -> Vec<Caveat> {
    let root = authority("Root").self_signed();
    presented(&profile.issued_by(&root), &[]).under(&[&root]).verifies_through(&["CN=Root"])
}

#[track_caller]
fn refused(profile: Profile, problem: UsageProblem) {
    let root = authority("Root").self_signed();
    let found = presented(&profile.issued_by(&root), &[]).under(&[&root]).refused();
    assert_eq!(found, misused("CN=Leaf", problem));
}

#[test]
fn item_39_a_leaf_with_digital_signature_and_no_extended_key_usage_is_accepted() {
    accepted(leaf("Leaf").purposes(&[]));
}

#[test]
fn item_39_a_leaf_with_code_signing_and_no_key_usage_is_accepted() {
    accepted(leaf("Leaf").usages(&[]));
}

#[test]
fn item_39_a_leaf_with_neither_usage_is_refused() {
    refused(leaf("Leaf").usages(&[]).purposes(&[]), UsageProblem::NoUsage);
}

#[test]
fn item_39_a_leaf_for_tls_servers_is_refused() {
    refused(leaf("Leaf").purposes(&[Purpose::ServerAuth]), UsageProblem::NoCodeSigning);
}

#[test]
fn item_39_a_leaf_for_any_purpose_is_refused() {
    refused(leaf("Leaf").purposes(&[Purpose::Any]), UsageProblem::NoCodeSigning);
}

#[test]
fn a_leaf_with_code_signing_among_others_is_accepted() {
    accepted(leaf("Leaf").purposes(&[Purpose::ServerAuth, Purpose::CodeSigning]));
}

#[test]
fn item_39_a_leaf_with_an_empty_extended_key_usage_is_refused() {
    let empty = leaf("Leaf").purposes(&[]).extended(&[2, 5, 29, 37], false, &[0x30, 0]);
    refused(empty, UsageProblem::NoCodeSigning);
}

#[test]
fn item_39_a_leaf_whose_key_usage_lacks_digital_signature_is_refused() {
    for usage in [Usage::ContentCommitment, Usage::KeyEncipherment, Usage::KeyAgreement, Usage::CrlSign] {
        refused(leaf("Leaf").usages(&[usage]), UsageProblem::NoDigitalSignature);
    }
}

#[test]
fn item_40_a_leaf_that_may_issue_certificates_is_refused() {
    let usages = [Usage::DigitalSignature, Usage::KeyCertSign];
    refused(leaf("Leaf").usages(&usages), UsageProblem::CertSign);
    refused(marked_leaf("Leaf").usages(&usages), UsageProblem::CertSign);
    refused(leaf("Leaf").usages(&[Usage::KeyCertSign]), UsageProblem::CertSign);
}

const MARKED: [Caveat; 3] = [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked, Caveat::SignerIsAuthority];

#[test]
fn item_40_a_leaf_marked_as_an_authority_that_signs_only_is_accepted_and_noted() {
    assert_eq!(accepted(marked_leaf("Leaf")), MARKED);
    assert_eq!(accepted(marked_leaf("Leaf").purposes(&[])), MARKED);
    assert_eq!(accepted(marked_leaf("Leaf").path_length(0)), MARKED);
}

#[test]
fn a_leaf_that_is_not_marked_as_an_authority_is_not_noted() {
    let expected = [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked];
    assert_eq!(accepted(leaf("Leaf")), expected);
    assert_eq!(accepted(leaf("Leaf").marked(IsCa::NoCa)), expected);
}

#[test]
fn item_40_a_marked_leaf_may_have_the_subject_of_its_issuer() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let leaf = marked_leaf("CA").issued_by(&intermediate);
    assert!(leaf.certificate.is_self_issued());
    let caveats = presented(&leaf, &[&intermediate]).under(&[&root]).verifies_through(&["CN=CA", "CN=Root"]);
    assert_eq!(caveats, MARKED);
}

#[test]
fn item_40_a_marked_leaf_verifies_when_all_three_have_one_name() {
    let root = authority("X").self_signed();
    let intermediate = authority("X").issued_by(&root);
    let leaf = marked_leaf("X").issued_by(&intermediate);
    let caveats = presented(&leaf, &[&intermediate]).under(&[&root]).verifies_through(&["CN=X", "CN=X"]);
    assert_eq!(caveats, MARKED);
}

#[test]
fn item_40_a_marked_leaf_is_no_authority_for_a_path_length() {
    let root = authority("Root").path_length(1).self_signed();
    let intermediate = authority("CA").path_length(0).issued_by(&root);
    let leaf = marked_leaf("Leaf").issued_by(&intermediate);
    let caveats = presented(&leaf, &[&intermediate]).under(&[&root]).verifies_through(&["CN=CA", "CN=Root"]);
    assert_eq!(caveats, MARKED);
}

/// RFC 5280 lets an authority without a key usage issue certificates.
#[test]
fn item_40_an_authority_without_a_key_usage_is_refused_as_a_leaf() {
    refused(marked_leaf("Leaf").usages(&[]), UsageProblem::CertSign);
}

#[test]
fn item_40_a_marked_leaf_issues_nothing() {
    let root = authority("Root").self_signed();
    let marked = marked_leaf("Marked").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&marked);
    let found = presented(&leaf, &[&marked]).under(&[&root]).refused();
    assert_eq!(found, misused("CN=Marked", UsageProblem::NoCertSign));
}

/// Under this intermediate.
#[track_caller]
fn under_intermediate(profile: Profile) -> Result<(), CertificateError> {
    let root = authority("Root").self_signed();
    let intermediate = profile.issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    let attempt = || presented(&leaf, &[&intermediate]).under(&[&root]);
    match attempt().verdict() {
        Ok(_) => Ok(()),
        Err(_) => Err(attempt().refused()),
    }
}

#[test]
fn an_intermediate_may_sign_certificates_or_not_say_so() {
    assert_eq!(under_intermediate(authority("CA").usages(&[Usage::KeyCertSign])), Ok(()));
    assert_eq!(under_intermediate(authority("CA").usages(&[])), Ok(()));
}

#[test]
fn an_intermediate_whose_key_usage_lacks_key_cert_sign_is_refused() {
    let found = under_intermediate(authority("CA").usages(&[Usage::CrlSign]));
    assert_eq!(found, Err(misused("CN=CA", UsageProblem::NoCertSign)));
}

#[test]
fn an_intermediate_may_be_for_code_signing_or_for_any_purpose() {
    assert_eq!(under_intermediate(authority("CA").purposes(&[Purpose::CodeSigning])), Ok(()));
    assert_eq!(under_intermediate(authority("CA").purposes(&[Purpose::Any])), Ok(()));
}

#[test]
fn an_intermediate_for_tls_servers_is_refused() {
    let found = under_intermediate(authority("CA").purposes(&[Purpose::ServerAuth]));
    assert_eq!(found, Err(misused("CN=CA", UsageProblem::NoCodeSigning)));
}

#[test]
fn an_intermediate_that_is_no_authority_is_refused() {
    for mark in [IsCa::ExplicitNoCa, IsCa::NoCa] {
        let root = authority("Root").self_signed();
        let intermediate = authority("CA").marked(mark).issued_by(&root);
        let leaf = leaf("Leaf").issued_by(&intermediate);
        presented(&leaf, &[&intermediate]).under(&[&root]).breaks("CN=Leaf", "CA:TRUE");
    }
}

fn under_anchor(anchor: &Holder) -> CertificateError {
    presented(&leaf("Leaf").issued_by(anchor), &[]).under(&[anchor]).refused()
}

#[test]
fn an_anchor_whose_key_usage_lacks_key_cert_sign_is_refused() {
    let anchor = authority("Root").usages(&[Usage::DigitalSignature, Usage::CrlSign]).self_signed();
    assert_eq!(under_anchor(&anchor), misused("CN=Root", UsageProblem::NoCertSign));
}

#[test]
fn an_anchor_that_is_no_authority_is_refused_as_an_issuer() {
    for mark in [IsCa::ExplicitNoCa, IsCa::NoCa] {
        let anchor = authority("Root").marked(mark).self_signed();
        assert_eq!(under_anchor(&anchor), misused("CN=Root", UsageProblem::NotAuthority));
    }
}

#[test]
fn an_anchor_for_tls_servers_is_refused() {
    let anchor = authority("Root").purposes(&[Purpose::ServerAuth]).self_signed();
    assert_eq!(under_anchor(&anchor), misused("CN=Root", UsageProblem::NoCodeSigning));
}

#[test]
fn an_anchor_may_be_for_any_purpose() {
    let anchor = authority("Root").purposes(&[Purpose::Any]).self_signed();
    presented(&leaf("Leaf").issued_by(&anchor), &[]).under(&[&anchor]).verifies_through(&["CN=Root"]);
}

const UNKNOWN: [u64; 5] = [1, 3, 6, 1, 99999];

#[test]
fn an_unknown_extension_that_is_not_critical_is_passed_over() {
    accepted(leaf("Leaf").extended(&UNKNOWN, false, &[5, 0]));
    assert_eq!(under_intermediate(authority("CA").extended(&UNKNOWN, false, &[5, 0])), Ok(()));
}

#[test]
fn an_unknown_critical_extension_is_refused_on_the_leaf_and_on_an_intermediate() {
    let root = authority("Root").self_signed();
    for profile in [leaf("Leaf"), marked_leaf("Leaf")] {
        let leaf = profile.extended(&UNKNOWN, true, &[5, 0]).issued_by(&root);
        presented(&leaf, &[]).under(&[&root]).breaks("CN=Leaf", "critical extension");
    }
    let intermediate = authority("CA").extended(&UNKNOWN, true, &[5, 0]).issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    presented(&leaf, &[&intermediate]).under(&[&root]).breaks("CN=Leaf", "critical extension");
}

#[test]
fn a_second_basic_constraints_extension_is_refused() {
    let root = authority("Root").self_signed();
    let twice = leaf("Leaf").extended(&[2, 5, 29, 19], true, &[0x30, 3, 1, 1, 0xff]);
    let found = Certificate::from_der(&twice.der_issued_by(&root));
    assert_eq!(found, Err(CertificateParseError::Extension));
}
