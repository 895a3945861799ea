//! The way from a leaf to an anchor.

use std::time::{Duration, Instant};

use modelseal_bundle::BundleError;
use modelseal_verify::{CertificateError, JudgedAt, UntrustedBundle};

use crate::attempt::{Attempt, bundled, expired, presented, presented_json, unknown_issuer};
use crate::holder::{Holder, NOW, authority, leaf, time};

#[test]
fn a_leaf_directly_under_the_root_verifies() {
    let root = authority("Root").self_signed();
    presented(&leaf("Leaf").issued_by(&root), &[]).under(&[&root]).verifies_through(&["CN=Root"]);
}

#[test]
fn the_certificates_beside_the_leaf_may_stand_in_any_order() {
    let root = authority("Root").self_signed();
    let upper = authority("Upper").issued_by(&root);
    let lower = authority("Lower").issued_by(&upper);
    let leaf = leaf("Leaf").issued_by(&lower);
    let subjects = ["CN=Lower", "CN=Upper", "CN=Root"];
    for beside in [[&lower, &upper, &root], [&root, &upper, &lower], [&upper, &lower, &lower]] {
        presented(&leaf, &beside).under(&[&root]).verifies_through(&subjects);
    }
}

#[test]
fn certificates_of_others_beside_the_leaf_change_nothing() {
    let root = authority("Root").self_signed();
    let stranger = authority("Stranger").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    presented(&leaf, &[&stranger, &leaf]).under(&[&stranger, &root]).verifies_through(&["CN=Root"]);
}

#[test]
fn an_intermediate_may_be_the_anchor() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    presented(&leaf, &[]).under(&[&intermediate]).verifies_through(&["CN=CA"]);
    presented(&leaf, &[&intermediate, &root]).under(&[&intermediate]).verifies_through(&["CN=CA"]);
}

#[test]
fn without_its_intermediate_a_leaf_is_refused() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    assert_eq!(presented(&leaf, &[]).under(&[&root]).refused(), unknown_issuer(&leaf));
}

#[test]
fn item_42_a_root_that_only_the_bundle_carries_is_not_believed() {
    let root = authority("Root").self_signed();
    let other = authority("Other").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    assert_eq!(presented(&leaf, &[&root]).under(&[&other]).refused(), unknown_issuer(&leaf));
}

#[test]
fn item_41_without_anchors_nothing_is_believed() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    assert_eq!(presented(&leaf, &[&root]).refused(), unknown_issuer(&leaf));
}

#[test]
fn item_42_a_root_of_the_same_name_with_another_key_is_not_believed() {
    let root = authority("Root").self_signed();
    let namesake = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&namesake);
    presented(&leaf, &[&namesake]).under(&[&root]).breaks("CN=Leaf", "does not verify");
}

#[test]
fn an_intermediate_of_the_same_name_with_another_key_is_passed_over() {
    let root = authority("Root").self_signed();
    let namesake = authority("CA").issued_by(&root);
    let intermediate = authority("CA").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    for beside in [[&namesake, &intermediate], [&intermediate, &namesake]] {
        presented(&leaf, &beside).under(&[&root]).verifies_through(&["CN=CA", "CN=Root"]);
    }
}

#[test]
fn a_root_of_the_same_name_with_another_key_is_passed_over() {
    let root = authority("Root").self_signed();
    let namesake = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    for anchors in [[&namesake, &root], [&root, &namesake]] {
        presented(&leaf, &[]).under(&anchors).verifies_through(&["CN=Root"]);
    }
}

const LAST_YEAR: (&str, &str) = ("2029-01-01T00:00:00Z", "2030-01-01T00:00:00Z");

#[test]
fn an_intermediate_that_was_renewed_is_found_beside_the_one_that_expired() {
    let root = authority("Root").self_signed();
    let renewed = authority("CA").issued_by(&root);
    let old = authority("CA").key_of(&renewed).valid(LAST_YEAR.0, LAST_YEAR.1).issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&renewed);
    for beside in [[&old, &renewed], [&renewed, &old]] {
        presented(&leaf, &beside).under(&[&root]).verifies_through(&["CN=CA", "CN=Root"]);
    }
}

#[test]
fn a_root_that_was_renewed_is_found_behind_the_one_that_expired() {
    let renewed = authority("Root").self_signed();
    let old = authority("Root").key_of(&renewed).valid(LAST_YEAR.0, LAST_YEAR.1).self_signed();
    let leaf = leaf("Leaf").issued_by(&renewed);
    for anchors in [[&renewed, &old], [&old, &renewed]] {
        presented(&leaf, &[]).under(&anchors).verifies_through(&["CN=Root"]);
    }
}

#[test]
fn a_path_over_a_cross_certificate_is_found_where_the_first_one_leads_nowhere() {
    let root = authority("Root").self_signed();
    let unknown = authority("Unknown").self_signed();
    let by_unknown = authority("CA").issued_by(&unknown);
    let by_root = authority("CA").key_of(&by_unknown).issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&by_root);
    presented(&leaf, &[&by_unknown, &unknown, &by_root])
        .under(&[&root])
        .verifies_through(&["CN=CA", "CN=Root"]);
}

#[test]
fn item_43_authorities_that_certify_each_other_lead_nowhere() {
    let root = authority("Root").self_signed();
    let first = authority("First").self_signed();
    let second = authority("Second").issued_by(&first);
    let crossed = authority("First").key_of(&first).issued_by(&second);
    let leaf = leaf("Leaf").issued_by(&first);
    let attempt = presented(&leaf, &[&crossed, &second, &first]).under(&[&root]);
    assert_eq!(attempt.refused(), unknown_issuer(&leaf));
}

#[test]
fn item_43_a_loop_beside_the_path_does_not_hide_it() {
    let root = authority("Root").self_signed();
    let first = authority("First").issued_by(&root);
    let second = authority("Second").issued_by(&first);
    let crossed = authority("First").key_of(&first).issued_by(&second);
    let leaf = leaf("Leaf").issued_by(&first);
    presented(&leaf, &[&crossed, &second, &first]).under(&[&root]).verifies_through(&["CN=First", "CN=Root"]);
}

#[test]
fn the_certificate_that_expired_is_named_and_not_a_stranger_beside_it() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").valid(LAST_YEAR.0, LAST_YEAR.1).issued_by(&root);
    let stranger = authority("Stranger").valid(LAST_YEAR.0, LAST_YEAR.1).self_signed();
    let leaf = leaf("Leaf").issued_by(&intermediate);
    let found = presented(&leaf, &[&stranger, &intermediate]).under(&[&root]).refused();
    assert_eq!(found, expired(&intermediate, JudgedAt::Now(time(NOW))));
}

/// Generous: it takes a few milliseconds.
const SOON: Duration = Duration::from_secs(20);

#[track_caller]
fn refused_soon(leaf: &Holder, mesh: &[&Holder], root: &Holder) -> CertificateError {
    let attempt = presented(leaf, mesh).under(&[root]);
    let start = Instant::now();
    let found = attempt.refused();
    assert!(start.elapsed() < SOON);
    found
}

/// Each is the issuer of each by its name, and only their signatures tell.
fn mesh_of_one_name() -> (Holder, Vec<Holder>) {
    let root = authority("X").self_signed();
    let mesh: Vec<Holder> = (0..7).map(|_| authority("X").issued_by(&root)).collect();
    (leaf("Leaf").issued_by(&mesh[0]), mesh)
}

#[test]
fn item_43_a_mesh_of_authorities_of_one_name_is_given_up_soon() {
    let (leaf, mesh) = mesh_of_one_name();
    let found = refused_soon(&leaf, &mesh.iter().collect::<Vec<_>>(), &authority("X").self_signed());
    assert_eq!(found, CertificateError::TooComplicated { subject: "CN=Leaf".to_owned() });
}

#[test]
fn item_43_a_mesh_that_never_meets_an_anchor_is_given_up_soon() {
    let (leaf, mesh) = mesh_of_one_name();
    let found = refused_soon(&leaf, &mesh.iter().collect::<Vec<_>>(), &authority("Root").self_signed());
    assert_eq!(found, CertificateError::TooComplicated { subject: "CN=Leaf".to_owned() });
}

#[test]
fn item_43_a_mesh_of_authorities_that_really_certify_each_other_leads_nowhere_soon() {
    let first = authority("First").self_signed();
    let second = authority("Second").issued_by(&first);
    let third = authority("Third").issued_by(&second);
    let around = authority("First").key_of(&first).issued_by(&third);
    let back = authority("First").key_of(&first).issued_by(&second);
    let down = authority("Second").key_of(&second).issued_by(&third);
    let across = authority("Third").key_of(&third).issued_by(&first);
    let leaf = leaf("Leaf").issued_by(&first);
    let mesh = [&second, &third, &around, &back, &down, &across, &first];
    let found = refused_soon(&leaf, &mesh, &authority("Root").self_signed());
    assert_eq!(found, unknown_issuer(&leaf));
}

#[test]
fn eight_certificates_in_a_bundle_are_read_and_nine_are_not() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let eight = UntrustedBundle::parse(&presented_json(&leaf, &[&root; 7])).unwrap();
    bundled(eight).under(&[&root]).verifies_through(&["CN=Root"]);
    let nine = UntrustedBundle::parse(&presented_json(&leaf, &[&root; 8]));
    assert_eq!(nine, Err(BundleError::TooMany { what: "certificates", found: 9, limit: 8 }));
}

#[test]
fn a_path_of_six_authorities_below_the_anchor_verifies() {
    let root = authority("Root").self_signed();
    let mut authorities = vec![authority("CA").issued_by(&root)];
    while authorities.len() < 6 {
        let next = authority("CA").issued_by(authorities.last().unwrap());
        authorities.push(next);
    }
    let leaf = leaf("Leaf").issued_by(authorities.last().unwrap());
    let beside: Vec<&Holder> = authorities.iter().rev().collect();
    let subjects = [&["CN=CA"; 6][..], &["CN=Root"]].concat();
    presented(&leaf, &beside).under(&[&root]).verifies_through(&subjects);
}

/// A root, two authorities below it, and a leaf; the lengths of the three.
fn with_path_lengths(root: Option<u8>, upper: Option<u8>, lower: Option<u8>) -> Attempt {
    let limited = |name, length| match length {
        Some(length) => authority(name).path_length(length),
        None => authority(name),
    };
    let root = limited("Root", root).self_signed();
    let upper = limited("Upper", upper).issued_by(&root);
    let lower = limited("Lower", lower).issued_by(&upper);
    let leaf = leaf("Leaf").issued_by(&lower);
    presented(&leaf, &[&lower, &upper]).under(&[&root])
}

#[test]
fn path_lengths_that_are_kept_are_accepted() {
    let subjects = ["CN=Lower", "CN=Upper", "CN=Root"];
    with_path_lengths(Some(2), Some(1), Some(0)).verifies_through(&subjects);
    with_path_lengths(Some(200), None, Some(0)).verifies_through(&subjects);
}

#[test]
fn the_path_length_of_an_intermediate_is_obeyed() {
    with_path_lengths(None, Some(0), None).breaks("CN=Leaf", "path length");
    with_path_lengths(Some(2), Some(0), Some(0)).breaks("CN=Leaf", "path length");
}

#[test]
fn the_path_length_of_an_anchor_is_obeyed() {
    with_path_lengths(Some(0), None, None).breaks("CN=Leaf", "path length");
    with_path_lengths(Some(1), None, None).breaks("CN=Leaf", "path length");
}

#[test]
fn an_anchor_of_path_length_0_issues_leaves() {
    let root = authority("Root").path_length(0).self_signed();
    presented(&leaf("Leaf").issued_by(&root), &[]).under(&[&root]).verifies_through(&["CN=Root"]);
}

#[test]
fn an_intermediate_that_certifies_itself_again_does_not_escape_its_path_length() {
    let root = authority("Root").self_signed();
    let limited = authority("CA").path_length(0).issued_by(&root);
    let unlimited = authority("CA").issued_by(&limited);
    let below = authority("Below").issued_by(&unlimited);
    let leaf = leaf("Leaf").issued_by(&below);
    presented(&leaf, &[&below, &unlimited, &limited]).under(&[&root]).breaks("CN=Leaf", "path length");
}

#[test]
fn an_intermediate_that_certifies_itself_again_does_not_escape_the_path_length_of_the_anchor() {
    let root = authority("Root").path_length(0).self_signed();
    let first = authority("CA").issued_by(&root);
    let again = authority("CA").issued_by(&first);
    let leaf = leaf("Leaf").issued_by(&again);
    presented(&leaf, &[&again, &first]).under(&[&root]).breaks("CN=Leaf", "path length");
}
