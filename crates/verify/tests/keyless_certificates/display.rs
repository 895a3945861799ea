//! What a certificate says is shown, and cannot act on a terminal.

use modelseal_verify::{Claim, SigstoreError, SigstoreTrust, Trust, VerifyError, verify};

use crate::refused;
use crate::signed::clock;
use crate::world::{ISSUER, Instance, PERSON, Profile, email, person, text, unnamed, uri, workflow};

/// Clears the screen, in the letters that a name may have.
const ASCII: &str = "\x1b[2J\r\n\x07\\";
/// And turns the text around, in those that other texts may have.
const HOSTILE: &str = "\x1b[2J\u{9b}2J\r\n\u{202e}\u{2066}\u{200b}";

#[track_caller]
fn is_harmless(shown: &str) {
    assert!(shown.contains(r"\u{1b}[2J"), "{shown:?}");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{200b}', '\u{9b}']), "{shown:?}");
}

#[track_caller]
fn refusal(profile: &Profile, trust: impl FnOnce(&Instance) -> Trust) -> SigstoreError {
    let instance = Instance::new();
    let found = refused(instance.bundle(profile), &trust(&instance));
    is_harmless(&found.to_string());
    is_harmless(&VerifyError::from(found.clone()).to_string());
    found
}

fn trust(instance: &Instance) -> Trust {
    instance.trust(PERSON)
}

#[test]
fn item_87_another_identity_is_shown_escaped() {
    for name in [email(&format!("{ASCII}@acme.example")), uri(&format!("https://acme.example/{ASCII}"))] {
        let found = refusal(&person().names([name]), trust);
        assert!(matches!(found, SigstoreError::Identity { .. }), "{found:?}");
    }
}

#[test]
fn item_87_the_names_of_an_ambiguous_certificate_are_shown_escaped() {
    let names = [email(ASCII), uri(ASCII), rcgen::SanType::DnsName(ASCII.try_into().unwrap())];
    let found = refusal(&person().names(names), trust);
    assert!(matches!(found, SigstoreError::AmbiguousIdentity { .. }), "{found:?}");
}

#[test]
fn item_87_an_issuer_is_shown_escaped() {
    let found = refusal(&unnamed().names([email(PERSON)]).issuer(&text(HOSTILE)), trust);
    assert!(matches!(found, SigstoreError::Issuer { .. }), "{found:?}");
    let found = refusal(&unnamed().names([email(PERSON)]).bare_issuer(HOSTILE.as_bytes()), trust);
    assert!(matches!(found, SigstoreError::Issuer { .. }), "{found:?}");
}

#[test]
fn item_87_issuers_that_disagree_are_shown_escaped() {
    for (bare, current) in [(HOSTILE, ISSUER), (ISSUER, HOSTILE)] {
        let profile = unnamed().names([email(PERSON)]).bare_issuer(bare.as_bytes()).issuer(&text(current));
        let found = refusal(&profile, trust);
        assert!(matches!(found, SigstoreError::IssuersDisagree { .. }), "{found:?}");
    }
}

#[test]
fn item_87_a_claim_is_shown_escaped() {
    let found = refusal(&person().claims(17, HOSTILE), |instance| {
        let trust = instance.sigstore_trust(PERSON);
        Trust::sigstore(trust.and_claim(Claim::SourceOwnerId, "4242".parse().unwrap()))
    });
    assert!(matches!(found, SigstoreError::Claim { .. }), "{found:?}");
}

/// Somebody may have been told to ask for it.
#[test]
fn item_87_what_is_asked_for_is_shown_escaped() {
    let asked = format!("{HOSTILE}@acme.example");
    let found = refusal(&person(), |instance| instance.trust(&asked));
    assert!(matches!(found, SigstoreError::Identity { .. }), "{found:?}");
    let found = refusal(&person(), |instance| {
        let trust = instance.sigstore_trust(PERSON);
        Trust::sigstore(trust.and_claim(Claim::SourceRef, HOSTILE.parse().unwrap()))
    });
    assert!(matches!(found, SigstoreError::NoClaim { .. }), "{found:?}");
}

#[test]
fn item_87_an_identity_of_an_unknown_authority_is_shown_escaped() {
    let (instance, other) = (Instance::new(), Instance::new());
    let name = format!("{ASCII}@acme.example");
    let signed = instance.signed(&person().names([email(&name)]));
    let mut root = instance.trusted();
    root["certificateAuthorities"] = other.authorities();
    let identity = name.parse().unwrap();
    let trust = SigstoreTrust::identity(crate::world::parsed(&root), identity, ISSUER, clock());
    let found = refused(signed.bundle(&[instance.logged(&signed)]), &Trust::sigstore(trust));
    assert!(matches!(found, SigstoreError::UnknownAuthority { .. }), "{found:?}");
    is_harmless(&found.to_string());
}

#[test]
fn item_87_a_signer_that_is_believed_is_shown_escaped() {
    let instance = Instance::new();
    let name = format!("https://acme.example/{ASCII}");
    let profile = unnamed().names([uri(&name)]).issuer(&text(HOSTILE));
    let identity = name.parse().unwrap();
    let trust = SigstoreTrust::identity(instance.trusted_root(), identity, HOSTILE, clock());
    let statement = verify(instance.bundle(&profile), &Trust::sigstore(trust)).unwrap();
    is_harmless(&statement.signer().to_string());
}

#[test]
fn item_87_the_certificate_that_is_believed_is_shown_escaped() {
    let instance = Instance::new();
    let profile = workflow().with(|params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, HOSTILE);
    });
    let signer = crate::verified(instance.bundle(&profile), &instance.trust(crate::world::WORKFLOW));
    let shown = signer.certificate().to_string();
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
    assert!(!shown.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "{shown:?}");
}
