//! Name constraints of authorities.

use rcgen::{DnType, DnValue, GeneralSubtree, NameConstraints, SanType};

use crate::attempt::{Attempt, presented};
use crate::holder::{Profile, authority, leaf, named};

fn permitting(subtree: GeneralSubtree) -> NameConstraints {
    NameConstraints { permitted_subtrees: vec![subtree], excluded_subtrees: vec![] }
}

fn excluding(subtree: GeneralSubtree) -> NameConstraints {
    NameConstraints { permitted_subtrees: vec![], excluded_subtrees: vec![subtree] }
}

fn dns(name: &str) -> GeneralSubtree {
    GeneralSubtree::DnsName(name.to_owned())
}

/// A leaf with an alternative name.
fn also(name: SanType) -> Profile {
    leaf("Leaf").with(|params| params.subject_alt_names.push(name))
}

fn host(name: &str) -> Profile {
    also(SanType::DnsName(name.try_into().unwrap()))
}

const EMAIL_ADDRESS: [u64; 7] = [1, 2, 840, 113_549, 1, 9, 1];

/// A profile with an e-mail address in its subject.
fn addressed(profile: Profile, address: &str) -> Profile {
    let address = DnValue::Ia5String(address.try_into().unwrap());
    profile.with(|params| {
        params.distinguished_name.push(DnType::CustomDnType(EMAIL_ADDRESS.to_vec()), address);
    })
}

fn under_intermediate(leaf: Profile, constraints: NameConstraints) -> Attempt {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").constraining(constraints).issued_by(&root);
    presented(&leaf.issued_by(&intermediate), &[&intermediate]).under(&[&root])
}

fn under_anchor(leaf: Profile, constraints: NameConstraints) -> Attempt {
    let root = authority("Root").constraining(constraints).self_signed();
    let intermediate = authority("CA").issued_by(&root);
    presented(&leaf.issued_by(&intermediate), &[&intermediate]).under(&[&root])
}

const SUBJECTS: [&str; 2] = ["CN=CA", "CN=Root"];

#[test]
fn host_names_within_the_permitted_ones_are_accepted() {
    for under in [under_intermediate, under_anchor] {
        under(host("models.acme.example"), permitting(dns("acme.example"))).verifies_through(&SUBJECTS);
        under(host("models.acme.example"), excluding(dns("evil.example"))).verifies_through(&SUBJECTS);
    }
}

#[test]
fn host_names_beyond_the_permitted_ones_are_refused() {
    for under in [under_intermediate, under_anchor] {
        under(host("acme.example.evil"), permitting(dns("acme.example")))
            .breaks("CN=Leaf", "name constraint");
        under(host("evilacme.example"), permitting(dns("acme.example"))).breaks("CN=Leaf", "name constraint");
        under(host("a.evil.example"), excluding(dns("evil.example"))).breaks("CN=Leaf", "name constraint");
    }
}

#[test]
fn constraints_on_host_names_do_not_concern_a_leaf_without_one() {
    for under in [under_intermediate, under_anchor] {
        under(leaf("Leaf"), permitting(dns("acme.example"))).verifies_through(&SUBJECTS);
    }
}

#[test]
fn one_host_name_of_several_beyond_the_permitted_ones_is_refused() {
    let two = host("a.acme.example")
        .with(|params| params.subject_alt_names.push(SanType::DnsName("evil.example".try_into().unwrap())));
    under_intermediate(two, permitting(dns("acme.example"))).breaks("CN=Leaf", "name constraint");
}

/// Such constraints are not compared: whatever has them refuses everything.
#[test]
fn constraints_on_directory_names_are_refused_even_when_they_are_met() {
    for under in [under_intermediate, under_anchor] {
        let permitted = permitting(GeneralSubtree::DirectoryName(named("Leaf")));
        under(leaf("Leaf"), permitted).breaks("CN=Leaf", "name constraint");
        let excluded = excluding(GeneralSubtree::DirectoryName(named("Somebody else")));
        under(leaf("Leaf"), excluded).breaks("CN=Leaf", "name constraint");
    }
}

#[test]
fn an_address_in_the_subject_needs_no_constraints() {
    let root = authority("Root").self_signed();
    let leaf = addressed(leaf("Leaf"), "a@acme.example").issued_by(&root);
    presented(&leaf, &[]).under(&[&root]).verifies_through(&["CN=Root"]);
}

#[test]
fn an_address_in_the_subject_is_refused_under_constraints_of_any_kind() {
    let address = GeneralSubtree::Rfc822Name("acme.example".to_owned());
    for under in [under_intermediate, under_anchor] {
        for constraints in [permitting(address.clone()), permitting(dns("acme.example"))] {
            let found = under(addressed(leaf("Leaf"), "a@acme.example"), constraints).refused();
            assert!(found.to_string().contains("name constraint"), "{found}");
        }
    }
}

#[test]
fn an_address_in_the_subject_of_an_intermediate_is_refused_under_constraints() {
    let root = authority("Root").constraining(permitting(dns("acme.example"))).self_signed();
    let intermediate = addressed(authority("CA"), "a@acme.example").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    presented(&leaf, &[&intermediate]).under(&[&root]).breaks("CN=Leaf", "name constraint");
}

#[test]
fn an_alternative_address_is_refused_under_constraints_on_addresses() {
    let leaf = || also(SanType::Rfc822Name("a@acme.example".try_into().unwrap()));
    let address = || GeneralSubtree::Rfc822Name("acme.example".to_owned());
    for under in [under_intermediate, under_anchor] {
        under(leaf(), permitting(address())).breaks("CN=Leaf", "name constraint");
        under(leaf(), excluding(address())).breaks("CN=Leaf", "name constraint");
        under(leaf(), permitting(dns("acme.example"))).verifies_through(&SUBJECTS);
    }
}

#[test]
fn constraints_that_are_not_critical_are_obeyed_too() {
    let root = authority("Root").self_signed();
    // permittedSubtrees [0] { { dNSName [2] "acme.example" } }
    let name = b"acme.example";
    let content = [&[0x30, 18, 0xa0, 16, 0x30, 14, 0x82, 12][..], name].concat();
    let intermediate = authority("CA").extended(&[2, 5, 29, 30], false, &content).issued_by(&root);
    let inside = host("a.acme.example").issued_by(&intermediate);
    presented(&inside, &[&intermediate]).under(&[&root]).verifies_through(&SUBJECTS);
    let outside = host("evil.example").issued_by(&intermediate);
    presented(&outside, &[&intermediate]).under(&[&root]).breaks("CN=Leaf", "name constraint");
}
