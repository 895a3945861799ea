//! That the certificate comes from the instance that is trusted.

use modelseal_bundle::{BundleError, Envelope, LogEntry, UntrustedBundle, VerificationMaterial};
use modelseal_verify::{Identity, SigstoreError, SigstoreTrust, Trust, TrustedRoot, VerifyError, verify};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa};
use serde_json::{Value, json};

use crate::signed::clock;
use crate::world::{BEGIN, ISSUER, Instance, PERSON, SIGNED, Signed, parsed, person};
use crate::{refused, verified};

fn trust(root: TrustedRoot) -> Trust {
    let identity = PERSON.parse().unwrap();
    Trust::sigstore(SigstoreTrust::identity(root, identity, ISSUER, clock()))
}

/// The instance's root with one part of another.
fn with(instance: &Instance, part: &str, other: Value) -> Trust {
    let mut root = instance.trusted();
    root[part] = other;
    trust(parsed(&root))
}

#[track_caller]
fn is_of_unknown_authority(found: SigstoreError) {
    let SigstoreError::UnknownAuthority { identity, .. } = found else { panic!("{found:?}") };
    assert_eq!(identity, Identity::Email(PERSON.to_owned()));
}

#[track_caller]
fn is_not_logged(found: SigstoreError) {
    let SigstoreError::CertificateNotLogged { identity, .. } = found else { panic!("{found:?}") };
    assert_eq!(identity, Identity::Email(PERSON.to_owned()));
}

#[test]
fn a_certificate_of_another_instance_is_refused() {
    let (instance, other) = (Instance::new(), Instance::new());
    let trust = with(&instance, "certificateAuthorities", other.authorities());
    is_of_unknown_authority(refused(instance.bundle(&person()), &trust));
    refused(instance.bundle(&person()), &other.trust(PERSON));
}

#[test]
fn a_certificate_under_any_authority_of_the_root_is_believed() {
    let (instance, other) = (Instance::new(), Instance::new());
    let both = |first: &Value, second: &Value| json!([first[0], second[0]]);
    let (own, others) = (instance.authorities(), other.authorities());
    for authorities in [both(&own, &others), both(&others, &own)] {
        let trust = with(&instance, "certificateAuthorities", authorities);
        verified(instance.bundle(&person()), &trust);
    }
}

#[test]
fn a_root_without_authorities_believes_nobody() {
    let instance = Instance::new();
    for part in ["certificateAuthorities", "ctlogs", "tlogs"] {
        refused(instance.bundle(&person()), &with(&instance, part, json!([])));
    }
}

#[test]
fn item_53_the_edges_of_an_authority_s_window_are_inclusive_and_a_second_outside_is_not() {
    let instance = Instance::new();
    let bundle = instance.bundle(&person());
    let within = |start: &str, end: &str| {
        let mut authorities = instance.authorities();
        authorities[0]["validFor"] = json!({"start": start, "end": end});
        with(&instance, "certificateAuthorities", authorities)
    };
    verified(bundle.clone(), &within(SIGNED, SIGNED));
    is_of_unknown_authority(refused(bundle.clone(), &within("2024-05-01T00:00:00Z", "2024-05-15T12:04:59Z")));
    is_of_unknown_authority(refused(bundle, &within("2024-05-15T12:05:01Z", "2024-06-01T00:00:00Z")));
}

/// CVE-2026-24122: an authority whose own certificate had expired.
#[test]
fn an_authority_that_had_expired_when_it_was_signed_is_refused() {
    let of = |end: &str| Instance::of_authority("2020-01-01T00:00:00Z", end);
    for instance in [of(SIGNED), of("2024-05-15T12:05:01Z")] {
        verified(instance.bundle(&person()), &instance.trust(PERSON));
    }
    for instance in [of("2024-05-15T12:04:59Z"), of("2021-01-01T00:00:00Z")] {
        is_of_unknown_authority(refused(instance.bundle(&person()), &instance.trust(PERSON)));
    }
}

#[test]
fn an_authority_without_a_window_that_had_expired_is_refused() {
    let instance = Instance::of_authority("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let mut authorities = instance.authorities();
    authorities[0].as_object_mut().unwrap().remove("validFor");
    let trust = with(&instance, "certificateAuthorities", authorities);
    is_of_unknown_authority(refused(instance.bundle(&person()), &trust));
}

#[test]
fn a_certificate_that_is_not_for_signing_code_is_refused() {
    let instance = Instance::new();
    let purposes = |purposes: &[ExtendedKeyUsagePurpose]| {
        person().with(|params| params.extended_key_usages = purposes.to_vec())
    };
    for profile in [
        purposes(&[]),
        purposes(&[ExtendedKeyUsagePurpose::ServerAuth]),
        purposes(&[ExtendedKeyUsagePurpose::TimeStamping]),
    ] {
        is_of_unknown_authority(refused(instance.bundle(&profile), &instance.trust(PERSON)));
    }
}

#[test]
fn item_40_a_certificate_authority_signs_nothing_else() {
    let instance = Instance::new();
    let authority = person().with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    is_of_unknown_authority(refused(instance.bundle(&authority), &instance.trust(PERSON)));
}

#[test]
fn a_certificate_that_was_not_made_public_is_refused() {
    let instance = Instance::new();
    for promises in [0, 2] {
        let bundle = instance.bundle(&person().promised(promises));
        is_not_logged(refused(bundle, &instance.trust(PERSON)));
    }
}

#[test]
fn a_certificate_that_another_log_took_is_refused() {
    let (instance, other) = (Instance::new(), Instance::new());
    let trust = with(&instance, "ctlogs", other.certificate_logs());
    is_not_logged(refused(instance.bundle(&person()), &trust));
    // The other key under the identifier of the right one.
    let mut logs = other.certificate_logs();
    logs[0]["logId"] = instance.certificate_logs()[0]["logId"].clone();
    is_not_logged(refused(instance.bundle(&person()), &with(&instance, "ctlogs", logs)));
}

#[test]
fn what_the_log_says_of_another_certificate_does_not_count() {
    let instance = Instance::new();
    let other = person().claims(12, "https://other.example");
    let signed = instance.signed_with_promise_for(&other, &person());
    is_not_logged(refused(signed.bundle(&[instance.logged(&signed)]), &instance.trust(PERSON)));
}

#[test]
fn item_53_the_edges_of_a_certificate_log_s_window_are_inclusive_and_a_second_outside_is_not() {
    let instance = Instance::new();
    let bundle = instance.bundle(&person());
    let within = |start: &str, end: &str| {
        let logs = instance.certificate_logs_within(&json!({"start": start, "end": end}));
        with(&instance, "ctlogs", logs)
    };
    verified(bundle.clone(), &within(BEGIN, BEGIN));
    is_not_logged(refused(bundle.clone(), &within("2024-05-01T00:00:00Z", "2024-05-15T11:59:59Z")));
    is_not_logged(refused(bundle, &within("2024-05-15T12:00:01Z", "2024-06-01T00:00:00Z")));
}

#[test]
fn a_keyless_bundle_without_a_log_entry_is_refused() {
    let instance = Instance::new();
    let found = refused(instance.signed(&person()).bundle(&[]), &instance.trust(PERSON));
    assert_eq!(found, SigstoreError::NoLogEntry);
}

fn json_of(signed: &Signed, version: &str, entries: &[Value]) -> Vec<u8> {
    let mut bundle: Value = serde_json::from_slice(&signed.bundle(&[]).to_json()).unwrap();
    bundle["mediaType"] = json!(version);
    bundle["verificationMaterial"]["tlogEntries"] = json!(entries);
    bundle.to_string().into_bytes()
}

const V0_1: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const LATER: [&str; 3] = [
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
];

#[test]
fn item_11_more_log_entries_than_are_looked_at_are_refused_when_the_bundle_is_read() {
    let instance = Instance::new();
    let signed = instance.signed(&person());
    let entry = instance.logged(&signed);
    let read = |count| UntrustedBundle::parse(&json_of(&signed, LATER[2], &vec![entry.clone(); count]));
    verified(read(32).unwrap(), &instance.trust(PERSON));
    let found = read(33);
    assert!(matches!(found, Err(BundleError::TooMany { found: 33, limit: 32, .. })), "{found:?}");

    let entries = vec![LogEntry::parse(entry.to_string().as_bytes()).unwrap(); 33];
    let envelope = Envelope::new(signed.payload.clone(), signed.signature.clone());
    let material = VerificationMaterial::Certificate(signed.leaf.clone());
    let made = UntrustedBundle::with_evidence(material, envelope, entries, vec![]);
    assert!(matches!(made, Err(BundleError::TooMany { found: 33, .. })), "{made:?}");
}

#[test]
fn item_7_bundles_after_version_0_1_carry_a_proof_and_a_checkpoint_for_every_entry() {
    let instance = Instance::new();
    let signed = instance.signed(&person());
    let good = instance.logged(&signed);
    let (mut no_proof, mut no_checkpoint) = (good.clone(), good.clone());
    no_proof.as_object_mut().unwrap().remove("inclusionProof");
    no_checkpoint["inclusionProof"].as_object_mut().unwrap().remove("checkpoint");
    for version in LATER {
        let whole = UntrustedBundle::parse(&json_of(&signed, version, std::slice::from_ref(&good)));
        verified(whole.unwrap(), &instance.trust(PERSON));
        for (wrong, what) in [(&no_proof, "inclusion proof"), (&no_checkpoint, "checkpoint")] {
            for (entries, index) in [(vec![wrong.clone()], 0), (vec![good.clone(), wrong.clone()], 1)] {
                let found = UntrustedBundle::parse(&json_of(&signed, version, &entries));
                assert_eq!(found, Err(BundleError::LogEntryIncomplete { index, what }));
            }
        }
    }
}

#[test]
fn a_bundle_of_version_0_1_may_carry_a_promise_alone_and_is_not_reported_as_in_the_log() {
    let instance = Instance::new();
    let signed = instance.signed(&person());
    let mut entry = instance.logged(&signed);
    entry.as_object_mut().unwrap().remove("inclusionProof");
    let bundle = UntrustedBundle::parse(&json_of(&signed, V0_1, &[entry])).unwrap();
    let statement = verify(bundle, &instance.trust(PERSON)).unwrap();
    assert_eq!(statement.log_entries()[0].log, None);
}

#[test]
fn item_7_an_entry_with_neither_proof_nor_promise_is_refused_though_another_has_one() {
    let instance = Instance::new();
    let signed = instance.signed(&person());
    let good = instance.logged(&signed);
    let mut bare = good.clone();
    for part in ["inclusionProof", "inclusionPromise", "integratedTime"] {
        bare.as_object_mut().unwrap().remove(part);
    }
    for entries in [vec![good.clone(), bare.clone()], vec![bare.clone(), good], vec![bare]] {
        let bundle = UntrustedBundle::parse(&json_of(&signed, V0_1, &entries)).unwrap();
        let found = verify(bundle, &instance.trust(PERSON));
        assert!(matches!(found, Err(VerifyError::Sigstore(_))), "{found:?}");
    }
}
