//! Certificates that somebody altered after their issuer signed them.
//!
//! The library that verifies a path is shown leaves without their basic
//! constraints, and the signature of the issuer is verified over what it
//! signed: nothing may be altered for that.

use modelseal_verify::{Certificate, CertificateError, CertificateParseError};
use x509_cert::TbsCertificate;

use crate::attempt::{presented, presented_beside, presented_with};
use crate::der::{Parts, altered, extension, sequence, tagged, with_flipped_signature};
use crate::holder::{Holder, Profile, authority, leaf, marked_leaf};

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const CA_TRUE: [u8; 5] = [0x30, 3, 1, 1, 0xff];
const CA_FALSE: [u8; 2] = [0x30, 0];

#[track_caller]
fn is_refused_when(profile: Profile, change: impl FnOnce(&mut TbsCertificate)) {
    let root = authority("Root").self_signed();
    let leaf = profile.issued_by(&root);
    presented(&leaf, &[]).under(&[&root]).verifies_through(&["CN=Root"]);
    let der = altered(&leaf.certificate, change);
    assert_ne!(der, leaf.der());
    presented(&leaf.showing(&der), &[]).under(&[&root]).breaks("CN=Leaf", "does not verify");
}

fn is_basic_constraints(extension: &x509_cert::ext::Extension) -> bool {
    extension.extn_id.to_string() == BASIC_CONSTRAINTS
}

fn set_basic_constraints(tbs: &mut TbsCertificate, content: &[u8]) {
    let extensions = tbs.extensions.as_mut().unwrap();
    let place = extensions.iter().position(is_basic_constraints).unwrap();
    extensions[place] = extension(BASIC_CONSTRAINTS, true, content);
}

#[test]
fn a_leaf_that_is_made_an_authority_is_refused() {
    is_refused_when(leaf("Leaf"), |tbs| set_basic_constraints(tbs, &CA_TRUE));
}

#[test]
fn a_leaf_that_is_made_no_authority_is_refused() {
    is_refused_when(marked_leaf("Leaf"), |tbs| set_basic_constraints(tbs, &CA_FALSE));
}

#[test]
fn a_leaf_that_loses_its_basic_constraints_is_refused() {
    for profile in [leaf("Leaf"), marked_leaf("Leaf")] {
        is_refused_when(profile, |tbs| {
            tbs.extensions.as_mut().unwrap().retain(|extension| !is_basic_constraints(extension));
        });
    }
}

#[test]
fn a_leaf_that_gains_basic_constraints_is_refused() {
    for content in [&CA_TRUE[..], &CA_FALSE] {
        is_refused_when(leaf("Leaf").marked(rcgen::IsCa::NoCa), |tbs| {
            tbs.extensions.as_mut().unwrap().push(extension(BASIC_CONSTRAINTS, false, content));
        });
    }
}

#[test]
fn a_leaf_whose_basic_constraints_become_critical_or_not_is_refused() {
    is_refused_when(marked_leaf("Leaf"), |tbs| {
        let extensions = tbs.extensions.as_mut().unwrap();
        extensions.iter_mut().filter(|e| is_basic_constraints(e)).for_each(|e| e.critical = !e.critical);
    });
}

#[test]
fn a_leaf_whose_extensions_change_places_is_refused() {
    is_refused_when(marked_leaf("Leaf"), |tbs| tbs.extensions.as_mut().unwrap().reverse());
}

#[test]
fn a_leaf_with_one_more_extension_is_refused() {
    is_refused_when(leaf("Leaf"), |tbs| {
        tbs.extensions.as_mut().unwrap().push(extension("1.3.6.1.99999", false, &[5, 0]));
    });
}

#[test]
fn a_leaf_with_another_name_or_key_is_refused() {
    let other = leaf("Other").self_signed();
    let other = x509_tbs(&other);
    let (subject, key) = (other.subject.clone(), other.subject_public_key_info.clone());
    let root = authority("Root").self_signed();
    let leaf = marked_leaf("Leaf").issued_by(&root);
    let renamed = leaf.showing(&altered(&leaf.certificate, |tbs| tbs.subject = subject));
    presented(&renamed, &[]).under(&[&root]).breaks("CN=Other", "does not verify");
    let rekeyed = leaf.showing(&altered(&leaf.certificate, |tbs| tbs.subject_public_key_info = key));
    presented_with(&rekeyed, &[], vec![0; 8]).under(&[&root]).breaks("CN=Leaf", "does not verify");
}

fn x509_tbs(holder: &Holder) -> TbsCertificate {
    use x509_cert::der::Decode;
    x509_cert::Certificate::from_der(&holder.der()).unwrap().tbs_certificate
}

#[test]
fn a_leaf_whose_signature_was_altered_is_refused() {
    let root = authority("Root").self_signed();
    for profile in [leaf("Leaf"), marked_leaf("Leaf")] {
        let leaf = profile.issued_by(&root);
        let flipped = leaf.showing(&with_flipped_signature(&leaf.certificate));
        presented(&flipped, &[]).under(&[&root]).breaks("CN=Leaf", "does not verify");
    }
}

#[test]
fn an_intermediate_whose_signature_was_altered_is_refused() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let leaf = marked_leaf("Leaf").issued_by(&intermediate);
    let flipped = intermediate.showing(&with_flipped_signature(&intermediate.certificate));
    presented(&leaf, &[&flipped]).under(&[&root]).breaks("CN=Leaf", "does not verify");
}

#[test]
fn an_intermediate_that_is_made_an_authority_is_refused() {
    let root = authority("Root").self_signed();
    let honest = leaf("CA").usages(&[]).purposes(&[]).issued_by(&root);
    let made = altered(&honest.certificate, |tbs| set_basic_constraints(tbs, &CA_TRUE));
    let intermediate = honest.showing(&made);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    presented(&leaf, &[&intermediate]).under(&[&root]).breaks("CN=Leaf", "does not verify");
}

#[test]
fn every_flipped_bit_of_a_leaf_is_found() {
    let root = authority("Root").self_signed();
    for profile in [leaf("Leaf"), marked_leaf("Leaf")] {
        let leaf = profile.issued_by(&root);
        for index in 0..leaf.der().len() {
            let mut der = leaf.der();
            der[index] ^= 1 << (index % 8);
            if Certificate::from_der(&der).is_ok() {
                let verdict = presented(&leaf.showing(&der), &[]).under(&[&root]).verdict();
                assert!(verdict.is_err(), "byte {index}");
            }
        }
    }
}

#[test]
fn bytes_behind_a_certificate_are_refused() {
    let leaf = leaf("Leaf").self_signed();
    let der = [leaf.der(), vec![0]].concat();
    assert_eq!(Certificate::from_der(&der), Err(CertificateParseError::Malformed));
}

/// `critical FALSE`, which DER leaves out, written out in the first extension
/// that is not critical.
fn with_false_written_out(parts: &Parts) -> Parts {
    let mut parts = parts.clone();
    let is_not_critical = |der: &Vec<u8>| !der.windows(3).any(|window| window == [1, 1, 0xff]);
    let place = parts.extensions.iter().position(is_not_critical).unwrap();
    let content = &parts.extensions[place][2..];
    let (oid, value) = content.split_at(5);
    parts.extensions[place] = sequence(&[oid, &[1, 1, 0], value]);
    parts
}

#[test]
fn a_leaf_that_says_critical_false_where_it_was_signed_without_is_refused() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let der = with_false_written_out(&Parts::of(&leaf.certificate)).with_old_signature();
    assert_ne!(der, leaf.der());
    // Either nobody reads it, or the signature of the issuer does not verify.
    if Certificate::from_der(&der).is_ok() {
        let found = presented(&leaf.showing(&der), &[]).under(&[&root]).verdict();
        assert!(found.is_err(), "an altered certificate was believed");
    }
}

#[test]
fn a_leaf_that_was_signed_with_critical_false_verifies() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let der = with_false_written_out(&Parts::of(&leaf.certificate)).signed_by(&root);
    presented(&leaf.showing(&der), &[]).under(&[&root]).verifies_through(&["CN=Root"]);
}

/// One relative name of two attributes, in the order of DER or the other one.
fn two_in_one(is_der: bool) -> Vec<u8> {
    let attribute = |kind: u8, value: &[u8]| sequence(&[&[6, 3, 0x55, 4, kind], &tagged(0x0c, value)]);
    let (name, organization) = (attribute(3, b"Leaf"), attribute(10, b"Acme"));
    let both = if is_der { [name, organization] } else { [organization, name] };
    sequence(&[&tagged(0x31, &both.concat())])
}

#[test]
fn a_leaf_whose_attributes_change_places_is_refused() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let mut parts = Parts::of(&leaf.certificate);
    parts.subject = two_in_one(true);
    let honest = leaf.showing(&parts.signed_by(&root));
    presented(&honest, &[]).under(&[&root]).verifies_through(&["CN=Root"]);
    let mut parts = Parts::of(&honest.certificate);
    parts.subject = two_in_one(false);
    let der = parts.with_old_signature();
    assert_ne!(der, honest.der());
    if Certificate::from_der(&der).is_ok() {
        let found = presented(&leaf.showing(&der), &[]).under(&[&root]).verdict();
        assert!(found.is_err(), "an altered certificate was believed");
    }
}

/// It is not DER, and what is not DER is not guessed at.
#[test]
fn a_leaf_of_an_issuer_that_writes_its_attributes_in_another_order_is_refused() {
    let root = authority("Root").self_signed();
    let mut parts = Parts::of(&root.certificate);
    parts.subject = two_in_one(false);
    parts.issuer = two_in_one(false);
    let anchor = root.showing(&parts.signed_by(&root));
    let leaf = leaf("Leaf").issued_by(&root);
    let mut parts = Parts::of(&leaf.certificate);
    parts.issuer = two_in_one(false);
    let leaf = leaf.showing(&parts.signed_by(&root));
    let found = presented(&leaf, &[]).under(&[&anchor]).refused();
    assert!(matches!(found, CertificateError::UnknownIssuer { .. }), "{found:?}");
}

#[test]
fn garbage_beside_the_leaf_is_named_by_its_place() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let found = presented_beside(&leaf, vec![root.der(), vec![0x30, 0]]).under(&[&root]);
    let source = CertificateParseError::Malformed;
    assert_eq!(found.refused(), CertificateError::Malformed { index: 2, source });
}
