//! Who identified the holder of a certificate.

use modelseal_verify::{CertificateParseError, Identity, SigstoreError};

use crate::world::{ISSUER, Instance, PERSON, Profile, email, person, text, unnamed};
use crate::{refused, verified};

const OTHER: &str = "https://other.example";

/// A person, with nothing of an issuer yet.
fn somebody() -> Profile {
    unnamed().names([email(PERSON)])
}

fn refused_of(profile: &Profile) -> SigstoreError {
    let instance = Instance::new();
    refused(instance.bundle(profile), &instance.trust(PERSON))
}

fn is_malformed(profile: &Profile) {
    assert_eq!(refused_of(profile), SigstoreError::Malformed(CertificateParseError::Extension));
}

#[test]
fn either_extension_names_the_issuer_or_both_alike() {
    let instance = Instance::new();
    for profile in [
        somebody().bare_issuer(ISSUER.as_bytes()),
        somebody().issuer(&text(ISSUER)),
        somebody().bare_issuer(ISSUER.as_bytes()).issuer(&text(ISSUER)),
        somebody().issuer(&text(ISSUER)).bare_issuer(ISSUER.as_bytes()),
    ] {
        let signer = verified(instance.bundle(&profile), &instance.trust(PERSON));
        assert_eq!(signer.issuer(), ISSUER);
    }
}

#[test]
fn a_certificate_without_an_issuer_is_refused() {
    assert_eq!(refused_of(&somebody()), SigstoreError::NoIssuer);
}

#[test]
fn item_46_extensions_that_disagree_are_refused_whichever_is_asked_for() {
    let (issuer, other) = (ISSUER.to_owned(), OTHER.to_owned());
    let found = refused_of(&somebody().bare_issuer(OTHER.as_bytes()).issuer(&text(ISSUER)));
    assert_eq!(found, SigstoreError::IssuersDisagree { bare: other.clone(), current: issuer.clone() });
    let found = refused_of(&somebody().issuer(&text(OTHER)).bare_issuer(ISSUER.as_bytes()));
    assert_eq!(found, SigstoreError::IssuersDisagree { bare: issuer, current: other });
}

#[test]
fn item_46_extensions_that_differ_in_a_character_disagree() {
    for other in ["https://issuer.example/", "https://Issuer.example", "https://issuer.example ", ""] {
        let found = refused_of(&somebody().bare_issuer(other.as_bytes()).issuer(&text(ISSUER)));
        assert!(matches!(found, SigstoreError::IssuersDisagree { .. }), "{found:?}");
    }
    // The older one is no DER.
    let found = refused_of(&somebody().bare_issuer(&text(ISSUER)).issuer(&text(ISSUER)));
    assert!(matches!(found, SigstoreError::IssuersDisagree { .. }), "{found:?}");
}

#[test]
fn another_issuer_is_refused_and_named_with_the_signer() {
    for other in [OTHER, "https://issuer.example/", "https://Issuer.example", "http://issuer.example", ""] {
        let found = refused_of(&somebody().issuer(&text(other)));
        let expected = SigstoreError::Issuer {
            expected: ISSUER.to_owned(),
            found: other.to_owned(),
            identity: Identity::Email(PERSON.to_owned()),
        };
        assert_eq!(found, expected);
    }
}

/// No wildcard, and nothing that begins or ends alike.
#[test]
fn an_issuer_is_no_pattern() {
    let instance = Instance::new();
    let bundle = instance.bundle(&somebody().issuer(&text(ISSUER)));
    for asked in ["https://issuer.*", "*", "https://issuer.exampl", ".example", ""] {
        let identity = PERSON.parse().unwrap();
        let clock = crate::signed::clock();
        let root = instance.trusted_root();
        let trust = modelseal_verify::SigstoreTrust::identity(root, identity, asked, clock);
        let found = refused(bundle.clone(), &modelseal_verify::Trust::sigstore(trust));
        assert!(matches!(found, SigstoreError::Issuer { .. }), "{asked}: {found:?}");
    }
}

#[test]
fn an_issuer_that_is_no_utf8_is_refused_in_either_extension() {
    let not_utf8 = crate::token::tlv(0x0c, &[b"https://issuer.example\xff"]);
    is_malformed(&somebody().bare_issuer(b"https://issuer.example\xff"));
    is_malformed(&somebody().issuer(&not_utf8));
    is_malformed(&somebody().bare_issuer(b"\xff").issuer(&text(ISSUER)));
    is_malformed(&somebody().bare_issuer(ISSUER.as_bytes()).issuer(&not_utf8));
}

#[test]
fn an_issuer_that_is_no_der_string_is_refused() {
    let printable = crate::token::tlv(0x13, &[ISSUER.as_bytes()]);
    let behind = [text(ISSUER), vec![0]].concat();
    let long_form = [&[0x0c, 0x81, 22][..], ISSUER.as_bytes()].concat();
    for content in [ISSUER.as_bytes(), b"", &printable, &behind, &long_form, &text(ISSUER)[..10]] {
        is_malformed(&somebody().issuer(content));
        is_malformed(&somebody().bare_issuer(ISSUER.as_bytes()).issuer(content));
    }
}

#[test]
fn an_issuer_that_two_readers_would_understand_differently_is_refused() {
    let instance = Instance::new();
    let bundle = instance.bundle(&somebody().bare_issuer(&text(ISSUER)));
    let found = refused(bundle.clone(), &instance.trust(PERSON));
    assert!(matches!(found, SigstoreError::Issuer { .. }), "{found:?}");
    // As it stands there, it is asked for, and the library reads DER from it.
    let literal = String::from_utf8(text(ISSUER)).unwrap();
    let (identity, clock) = (PERSON.parse().unwrap(), crate::signed::clock());
    let trust = modelseal_verify::SigstoreTrust::identity(instance.trusted_root(), identity, literal, clock);
    let found = refused(bundle, &modelseal_verify::Trust::sigstore(trust));
    assert_eq!(found, SigstoreError::Ambiguous { what: "issuers" });
}

#[test]
fn an_extension_that_stands_there_twice_is_refused_though_both_are_alike() {
    let oid = |number| format!("1.3.6.1.4.1.57264.1.{number}");
    for (profile, number) in [
        (person().bare_issuer(ISSUER.as_bytes()), 1),
        (person().issuer(&text(ISSUER)), 8),
        (person().issuer(&text(OTHER)), 8),
        (person().claims(12, "https://a").claims(12, "https://a"), 12),
        (person().claims(12, "https://a").claims(12, "https://b"), 12),
        (person().claims(99, "x").claims(99, "x"), 99),
    ] {
        assert_eq!(refused_of(&profile), SigstoreError::DuplicateExtension { oid: oid(number) });
    }
}

#[test]
fn names_that_stand_there_twice_are_refused() {
    let names = [&[0x30, 22, 0x81, 20][..], PERSON.as_bytes()].concat();
    let twice = person().with(|params| {
        let extension = rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 17], names);
        params.custom_extensions.push(extension);
    });
    let found = refused_of(&twice);
    let is_told = matches!(found, SigstoreError::Malformed(_) | SigstoreError::DuplicateExtension { .. });
    assert!(is_told, "{found:?}");
}
