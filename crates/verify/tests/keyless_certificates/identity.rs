//! Whom a certificate names.

use modelseal_verify::{Identity, SigstoreError};
use rcgen::SanType;

use crate::world::{Instance, PERSON, WORKFLOW, email, person, unnamed, uri, workflow};
use crate::{refused, verified};

fn address(text: &str) -> Identity {
    Identity::Email(text.to_owned())
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

/// The user of an issuer that has neither addresses nor URIs, as Fulcio writes it.
fn user(name: &str) -> SanType {
    SanType::OtherName((vec![1, 3, 6, 1, 4, 1, 57264, 1, 7], name.into()))
}

#[test]
fn a_person_is_named_by_their_address() {
    let instance = Instance::new();
    let signer = verified(instance.bundle(&person()), &instance.trust(PERSON));
    assert_eq!(signer.identity(), &address(PERSON));
    assert_eq!(signer.identity().kind(), "email");
}

#[test]
fn a_workflow_is_named_by_its_uri() {
    let instance = Instance::new();
    let patterns = [
        WORKFLOW,
        "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*",
        "https://github.com/acme/models/.github/workflows/*.yml@refs/tags/v*",
    ];
    for pattern in patterns {
        let signer = verified(instance.bundle(&workflow()), &instance.trust(pattern));
        assert_eq!(signer.identity(), &Identity::Uri(WORKFLOW.to_owned()));
    }
}

#[test]
fn item_44_a_certificate_with_several_names_is_ambiguous_whichever_is_asked_for() {
    let instance = Instance::new();
    let other = "other@acme.example";
    for names in [
        vec![email(PERSON), email(other)],
        vec![email(other), email(PERSON)],
        vec![email(PERSON), email(PERSON)],
        vec![email(PERSON), uri(WORKFLOW)],
        vec![uri(WORKFLOW), email(PERSON)],
        vec![uri(WORKFLOW), uri("https://github.com/acme/x")],
    ] {
        for asked in [PERSON, other, WORKFLOW] {
            let found = refused(instance.bundle(&person().names(names.clone())), &instance.trust(asked));
            let SigstoreError::AmbiguousIdentity { found } = found else { panic!("{found:?}") };
            assert_eq!(found.len(), 2);
        }
    }
}

#[test]
fn item_44_a_name_of_another_kind_beside_the_identity_is_ambiguous_too() {
    let instance = Instance::new();
    let address = SanType::IpAddress("127.0.0.1".parse().unwrap());
    for other in [dns("acme.example"), address, user("somebody")] {
        for names in [[email(PERSON), other.clone()], [other.clone(), email(PERSON)]] {
            let found = refused(instance.bundle(&person().names(names)), &instance.trust(PERSON));
            assert!(matches!(found, SigstoreError::AmbiguousIdentity { .. }), "{found:?}");
        }
        let names = [uri(WORKFLOW), other];
        let found = refused(instance.bundle(&workflow().names(names)), &instance.trust(WORKFLOW));
        assert!(matches!(found, SigstoreError::AmbiguousIdentity { .. }), "{found:?}");
    }
}

#[test]
fn item_44_a_certificate_with_very_many_names_is_ambiguous() {
    let instance = Instance::new();
    let names = (0..400).map(|number| email(&format!("{number}@acme.example")));
    let found = refused(instance.bundle(&person().names(names)), &instance.trust(PERSON));
    assert!(matches!(found, SigstoreError::AmbiguousIdentity { .. }), "{found:?}");
}

#[test]
fn a_certificate_without_a_name_has_no_identity() {
    let instance = Instance::new();
    let empty = &[0x30, 0];
    for profile in [person().names([]), person().raw_names(empty)] {
        let found = refused(instance.bundle(&profile), &instance.trust(PERSON));
        assert_eq!(found, SigstoreError::NoIdentity);
    }
}

#[test]
fn a_name_that_is_neither_an_address_nor_a_uri_is_no_identity() {
    let instance = Instance::new();
    for name in [dns("acme.example"), user(PERSON), SanType::IpAddress("::1".parse().unwrap())] {
        for asked in [PERSON, "acme.example", "::1"] {
            let found = refused(instance.bundle(&person().names([name.clone()])), &instance.trust(asked));
            assert_eq!(found, SigstoreError::NoIdentity);
        }
    }
}

#[test]
fn names_that_cannot_be_read_are_refused() {
    let instance = Instance::new();
    let not_ascii = [&[0x30, 3, 0x81, 1][..], &[0xff]].concat();
    for content in [&b""[..], &[0x30, 0x80, 0, 0], &[0x30, 3, 0x81, 5, b'a'], &not_ascii, &[4, 0], b"text"] {
        let found = refused(instance.bundle(&person().raw_names(content)), &instance.trust(PERSON));
        assert!(matches!(found, SigstoreError::Malformed(_)), "{content:x?}: {found:?}");
    }
}

#[test]
fn item_45_an_identity_that_differs_at_all_is_another() {
    let instance = Instance::new();
    for other in [
        "Release@acme.example",
        "release@ACME.example",
        "release@acme.example.evil.example",
        "release@acme.exampl",
        "a.release@acme.example",
        " release@acme.example",
        "release@acme.example ",
        "release@acme.example\0",
        "release@acme.example\n",
        "release+x@acme.example",
    ] {
        let found = refused(instance.bundle(&person().names([email(other)])), &instance.trust(PERSON));
        let SigstoreError::Identity { expected, found } = found else { panic!("{found:?}") };
        assert_eq!((expected.to_string(), found), (PERSON.to_owned(), address(other)));
    }
}

#[test]
fn item_45_a_workflow_that_is_not_quite_the_one_is_another() {
    let instance = Instance::new();
    let pattern = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v*";
    for other in [
        "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/v1",
        "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v",
        "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v1/../../heads/main",
        "https://github.com/acme/models/.github/workflows/other.yml@refs/tags/v1",
        "https://github.com/acme/models.evil/.github/workflows/release.yml@refs/tags/v1",
        "https://github.com.evil.example/acme/models/.github/workflows/release.yml@refs/tags/v1",
        "http://github.com/acme/models/.github/workflows/release.yml@refs/tags/v1",
        "https://GitHub.com/acme/models/.github/workflows/release.yml@refs/tags/v1",
        "https://x/https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v1",
    ] {
        let found = refused(instance.bundle(&workflow().names([uri(other)])), &instance.trust(pattern));
        assert!(matches!(found, SigstoreError::Identity { .. }), "{other}: {found:?}");
    }
}

#[test]
fn item_45_an_identity_of_the_other_kind_is_another() {
    let instance = Instance::new();
    for (name, asked) in [(uri(PERSON), PERSON), (email(WORKFLOW), WORKFLOW)] {
        let found = refused(instance.bundle(&person().names([name])), &instance.trust(asked));
        assert!(matches!(found, SigstoreError::Identity { .. }), "{found:?}");
    }
}

#[test]
fn item_45_an_address_in_the_subject_names_nobody() {
    let instance = Instance::new();
    let in_subject = |profile: crate::world::Profile| {
        profile.with(|params| params.distinguished_name.push(rcgen::DnType::CommonName, PERSON))
    };
    let found = refused(instance.bundle(&in_subject(person().names([]))), &instance.trust(PERSON));
    assert_eq!(found, SigstoreError::NoIdentity);
    let named = in_subject(person().names([email("other@acme.example")]));
    let found = refused(instance.bundle(&named), &instance.trust(PERSON));
    assert!(matches!(found, SigstoreError::Identity { .. }), "{found:?}");
}

#[test]
fn a_certificate_that_says_nothing_at_all_has_no_identity() {
    let instance = Instance::new();
    assert_eq!(refused(instance.bundle(&unnamed()), &instance.trust(PERSON)), SigstoreError::NoIdentity);
}
