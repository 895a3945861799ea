//! What a certificate says of the build.

use modelseal_verify::{CertificateParseError, Claim, SigstoreError, Trust};

use crate::world::{Instance, WORKFLOW, workflow};
use crate::{refused, verified};

const CLAIMS: [(u64, Claim); 16] = [
    (9, Claim::BuildSigner),
    (10, Claim::BuildSignerDigest),
    (11, Claim::RunnerEnvironment),
    (12, Claim::SourceRepository),
    (13, Claim::SourceDigest),
    (14, Claim::SourceRef),
    (15, Claim::SourceRepositoryId),
    (16, Claim::SourceOwner),
    (17, Claim::SourceOwnerId),
    (18, Claim::BuildConfig),
    (19, Claim::BuildConfigDigest),
    (20, Claim::BuildTrigger),
    (21, Claim::RunInvocation),
    (22, Claim::SourceVisibility),
    (23, Claim::DeploymentEnvironment),
    (24, Claim::TokenSubject),
];

fn asking(instance: &Instance, claims: &[(Claim, &str)]) -> Trust {
    let trust = instance.sigstore_trust(WORKFLOW);
    let trust = claims
        .iter()
        .fold(trust, |trust, (claim, expected)| trust.and_claim(*claim, expected.parse().unwrap()));
    Trust::sigstore(trust)
}

#[test]
fn every_claim_is_read_from_its_extension_and_can_be_asked_for() {
    let instance = Instance::new();
    let profile = CLAIMS
        .iter()
        .fold(workflow(), |profile, (number, _)| profile.claims(*number, &format!("value-{number}")));
    let expected: Vec<(Claim, String)> =
        CLAIMS.iter().map(|(number, claim)| (*claim, format!("value-{number}"))).collect();
    let asked: Vec<(Claim, &str)> = expected.iter().map(|(claim, value)| (*claim, value.as_str())).collect();
    let bundle = instance.bundle(&profile);
    let signer = verified(bundle.clone(), &asking(&instance, &asked));
    assert_eq!(signer.claims().iter().collect::<Vec<_>>(), asked);
    for (number, claim) in CLAIMS {
        assert_eq!(signer.claims().get(claim), Some(format!("value-{number}").as_str()));
        let found = refused(bundle.clone(), &asking(&instance, &[(claim, "value-0")]));
        assert!(matches!(found, SigstoreError::Claim { claim: other, .. } if other == claim), "{found:?}");
    }
}

#[test]
fn a_certificate_without_claims_has_none() {
    let instance = Instance::new();
    let signer = verified(instance.bundle(&workflow()), &instance.trust(WORKFLOW));
    assert_eq!(signer.claims().iter().count(), 0);
}

#[test]
fn a_claim_that_is_not_there_is_refused() {
    let instance = Instance::new();
    for (_, claim) in CLAIMS {
        let found = refused(instance.bundle(&workflow()), &asking(&instance, &[(claim, "x")]));
        let expected = "x".parse().unwrap();
        assert_eq!(found, SigstoreError::NoClaim { claim, expected });
    }
}

#[test]
fn item_45_a_claim_that_differs_at_all_is_another() {
    let instance = Instance::new();
    let asked = asking(&instance, &[(Claim::SourceOwnerId, "4242")]);
    verified(instance.bundle(&workflow().claims(17, "4242")), &asked);
    for other in ["42420", "14242", "04242", " 4242", "4242 ", "", "4242\0", "٤٢٤٢"] {
        let found = refused(instance.bundle(&workflow().claims(17, other)), &asked);
        let SigstoreError::Claim { claim, expected, found } = found else { panic!("{found:?}") };
        assert_eq!((claim, expected.to_string()), (Claim::SourceOwnerId, "4242".to_owned()));
        assert_eq!(found, other);
    }
}

#[test]
fn a_claim_may_be_asked_for_with_a_wildcard() {
    let instance = Instance::new();
    let asked = asking(&instance, &[(Claim::SourceRef, "refs/tags/v*")]);
    verified(instance.bundle(&workflow().claims(14, "refs/tags/v1.0")), &asked);
    for other in ["refs/tags/v", "refs/heads/v1", "refs/tags/v1/x", "x/refs/tags/v1"] {
        let found = refused(instance.bundle(&workflow().claims(14, other)), &asked);
        assert!(matches!(found, SigstoreError::Claim { .. }), "{found:?}");
    }
}

#[test]
fn all_of_several_claims_have_to_hold() {
    let instance = Instance::new();
    let bundle = instance.bundle(&workflow().claims(17, "4242").claims(15, "7"));
    let asked = |owner, repository| {
        asking(&instance, &[(Claim::SourceOwnerId, owner), (Claim::SourceRepositoryId, repository)])
    };
    verified(bundle.clone(), &asked("4242", "7"));
    for (owner, repository) in [("4242", "8"), ("4243", "7"), ("4243", "8")] {
        let found = refused(bundle.clone(), &asked(owner, repository));
        assert!(matches!(found, SigstoreError::Claim { .. }), "{found:?}");
    }
}

/// Asked for twice, it would have to be both.
#[test]
fn a_claim_that_is_asked_for_twice_has_to_hold_twice() {
    let instance = Instance::new();
    let bundle = instance.bundle(&workflow().claims(17, "4242"));
    let asked = asking(&instance, &[(Claim::SourceOwnerId, "4242"), (Claim::SourceOwnerId, "1")]);
    assert!(matches!(refused(bundle, &asked), SigstoreError::Claim { .. }));
}

#[test]
fn a_claim_that_cannot_be_read_is_refused_whether_it_is_asked_for_or_not() {
    let instance = Instance::new();
    let malformed = SigstoreError::Malformed(CertificateParseError::Extension);
    let not_utf8 = crate::token::tlv(0x0c, &[b"\xff"]);
    let printable = crate::token::tlv(0x13, &[b"4242"]);
    for content in [b"4242", &b""[..], &[0x0c, 9, b'4'], &[0x0c, 1, b'4', 0], &not_utf8, &printable] {
        for (number, claim) in CLAIMS {
            let bundle = instance.bundle(&workflow().says(number, content));
            let asked = asking(&instance, &[(claim, "4242")]);
            for trust in [instance.trust(WORKFLOW), asked] {
                assert_eq!(refused(bundle.clone(), &trust), malformed, "{number} {content:x?}");
            }
        }
    }
}

/// Bare texts, which newer certificates have beside the others.
#[test]
fn deprecated_extensions_are_no_claims() {
    let instance = Instance::new();
    let profile = (2..=6).fold(workflow(), |profile, number| profile.says(number, b"acme/models"));
    let signer = verified(instance.bundle(&profile), &instance.trust(WORKFLOW));
    assert_eq!(signer.claims().iter().count(), 0);
    let asked = asking(&instance, &[(Claim::SourceRepository, "acme/models")]);
    let found = refused(instance.bundle(&profile), &asked);
    assert!(matches!(found, SigstoreError::NoClaim { .. }), "{found:?}");
}

/// Neither a longer arc nor another one is Fulcio's.
#[test]
fn extensions_of_others_are_no_claims() {
    let instance = Instance::new();
    for oid in [
        &[1, 3, 6, 1, 4, 1, 57264, 1, 17, 1][..],
        &[1, 3, 6, 1, 4, 1, 57264, 17],
        &[1, 3, 6, 1, 4, 1, 57265, 1, 17],
    ] {
        let content = crate::world::text("4242");
        let profile = workflow().with(|params| {
            params.custom_extensions.push(rcgen::CustomExtension::from_oid_content(oid, content));
        });
        let found = refused(instance.bundle(&profile), &asking(&instance, &[(Claim::SourceOwnerId, "4242")]));
        assert!(matches!(found, SigstoreError::NoClaim { .. }), "{found:?}");
    }
}
