//! What is asked first, and what one certificate that is believed means.

use modelseal_bundle::BundleMethod;
use modelseal_manifest::Sha256Digest;
use modelseal_verify::{
    Caveat, ProvedTime, Signer, SigstoreError, SigstoreTrust, Trust, VerifyError, verify,
};

use crate::signed::{clock, time};
use crate::world::{ISSUER, Instance, PERSON, SIGNED, email, person};
use crate::{refused, verified};

const OTHER: &str = "other@acme.example";

#[test]
fn a_verdict_names_all_that_was_proved() {
    let instance = Instance::new();
    let statement = verify(instance.bundle(&person()), &instance.trust(PERSON)).unwrap();
    let Signer::Sigstore(signer) = statement.signer() else { panic!() };
    assert_eq!(statement.signer().to_string(), format!("{PERSON}, by the word of {ISSUER}"));
    assert_eq!(signer.trusted_root(), &instance.trusted_root());
    assert_eq!(statement.times(), [ProvedTime::Log(time(SIGNED))]);
    let [record] = statement.log_entries() else { panic!() };
    assert_eq!((record.log_index, record.log.as_deref()), (1004, Some("https://rekor.example")));
    let unproved: Vec<&Caveat> = statement.caveats().iter().filter(|caveat| caveat.is_unproved()).collect();
    assert_eq!(unproved, [] as [&Caveat; 0]);
}

/// A stranger's certificate with the right name says nothing, and one with the
/// wrong name is told by it, whoever issued it.
#[test]
fn the_identity_is_asked_for_before_anybody_vouches_for_it() {
    let (instance, stranger) = (Instance::new(), Instance::new());
    let of_stranger = stranger.signed(&person().names([email(OTHER)]));
    let entry = stranger.logged(&of_stranger);
    let no_entry = of_stranger.bundle(&[]);
    for bundle in [of_stranger.bundle(&[entry]), no_entry] {
        let found = refused(bundle, &instance.trust(PERSON));
        assert!(matches!(found, SigstoreError::Identity { .. }), "{found:?}");
    }
}

#[test]
fn the_identity_goes_before_the_issuer_and_the_issuer_before_claims() {
    let instance = Instance::new();
    let other_issuer = crate::world::text("https://other.example");
    let both = crate::world::unnamed().names([email(OTHER)]).issuer(&other_issuer);
    let found = refused(instance.bundle(&both), &instance.trust(PERSON));
    assert!(matches!(found, SigstoreError::Identity { .. }), "{found:?}");
    let trust = instance.sigstore_trust(OTHER);
    let claim = trust.and_claim(modelseal_verify::Claim::SourceRef, "refs/tags/v1".parse().unwrap());
    let found = refused(instance.bundle(&both), &Trust::sigstore(claim));
    assert!(matches!(found, SigstoreError::Issuer { .. }), "{found:?}");
}

#[test]
fn a_leaf_that_is_no_certificate_is_refused_first() {
    let instance = Instance::new();
    let signed = instance.signed(&person());
    for leaf in [vec![], vec![0x30, 0], b"garbage".to_vec(), [&signed.leaf[..], &[0]].concat()] {
        let bundle = signed.showing(leaf).bundle(&[]);
        let found = refused(bundle, &instance.trust(PERSON));
        assert!(matches!(found, SigstoreError::Malformed(_)), "{found:?}");
    }
}

#[test]
fn one_certificate_may_be_believed_instead_of_an_identity() {
    let instance = Instance::new();
    let (signed, other) = (instance.signed(&person()), instance.signed(&person()));
    let trust =
        |leaf: &[u8]| Trust::sigstore(SigstoreTrust::certificate(instance.trusted_root(), leaf, clock()));
    let bundle = signed.bundle(&[instance.logged(&signed)]);
    verified(bundle.clone(), &trust(&signed.leaf));
    let found = refused(bundle, &trust(&other.leaf));
    assert_eq!(found, SigstoreError::OtherCertificate { found: Sha256Digest::of(&signed.leaf) });
}

/// The rest is asked of it all the same.
#[test]
fn one_certificate_that_is_believed_still_comes_from_the_instance_and_names_one_identity() {
    let (instance, stranger) = (Instance::new(), Instance::new());
    let trust =
        |leaf: &[u8]| Trust::sigstore(SigstoreTrust::certificate(instance.trusted_root(), leaf, clock()));
    let foreign = stranger.signed(&person());
    refused(foreign.bundle(&[stranger.logged(&foreign)]), &trust(&foreign.leaf));
    let ambiguous = instance.signed(&person().names([email(PERSON), email(OTHER)]));
    let found = refused(ambiguous.bundle(&[instance.logged(&ambiguous)]), &trust(&ambiguous.leaf));
    assert!(matches!(found, SigstoreError::AmbiguousIdentity { .. }), "{found:?}");
    refused(foreign.bundle(&[]), &trust(&foreign.leaf));
}

#[test]
fn item_36_a_keyless_bundle_is_verified_by_no_other_method() {
    let instance = Instance::new();
    let bundle = instance.bundle(&person());
    let by_key = crate::signed::Signed::by_key().trust();
    let by_certificate = crate::signed::Signed::by_certificate().trust();
    for (trust, expected) in [(by_key, BundleMethod::Key), (by_certificate, BundleMethod::Certificate)] {
        let found = BundleMethod::Sigstore;
        assert_eq!(verify(bundle.clone(), &trust), Err(VerifyError::Method { expected, found }));
    }
}

#[test]
fn item_36_other_bundles_are_not_verified_as_keyless() {
    let instance = Instance::new();
    let by_key = crate::signed::Signed::by_key().bundle(&[]);
    let by_certificate = crate::signed::Signed::by_certificate().bundle(&[]);
    for (bundle, found) in [(by_key, BundleMethod::Key), (by_certificate, BundleMethod::Certificate)] {
        let expected = BundleMethod::Sigstore;
        let trust = instance.trust(PERSON);
        assert_eq!(verify(bundle, &trust), Err(VerifyError::Method { expected, found }));
    }
}

/// Timestamp authorities and logs for the other methods do not count here.
#[test]
fn what_is_trusted_for_other_methods_is_not_trusted_here() {
    let instance = Instance::new();
    let mut root = instance.trusted();
    root["tlogs"] = serde_json::json!([]);
    let identity = PERSON.parse().unwrap();
    let trust = SigstoreTrust::identity(crate::world::parsed(&root), identity, ISSUER, clock());
    let trust = Trust::sigstore(trust).and_logs(instance.trusted_root(), clock());
    let found = refused(instance.bundle(&person()), &trust);
    assert!(matches!(found, SigstoreError::LogEntry(_)), "{found:?}");
}
