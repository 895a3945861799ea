//! Signatures about any artifact, under an identity.

use modelseal_bundle::{PAYLOAD_TYPE, pae};
use modelseal_manifest::Sha256Digest;
use modelseal_verify::{Artifact, ArtifactError, ArtifactSigner, Identity, SigstoreError, verify_artifact};
use serde_json::{Value, json};

use crate::log::{base64, sha256};
use crate::signed::time;
use crate::world::{Instance, PERSON, Profile, SIGNED, Signed, email, person};

const ARTIFACT: &[u8] = b"an artifact";
const V0_1: &str = "application/vnd.dev.sigstore.bundle+json;version=0.1";
const V0_3: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn bundle(instance: &Instance, signed: &Signed, content: &Value, body: &Value) -> Value {
    let entry = instance.log.promise(&instance.log.entry(body), time(SIGNED).as_second());
    let mut bundle = json!({
        "mediaType": V0_3,
        "verificationMaterial": {
            "certificate": {"rawBytes": base64(&signed.leaf)}, "tlogEntries": [entry],
        },
    });
    bundle.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
    bundle
}

fn message_signature(instance: &Instance, profile: &Profile) -> Value {
    let signed = instance.signed(profile);
    let signature = signed.sign(ARTIFACT);
    let content = json!({"messageSignature": {
        "messageDigest": {"algorithm": "SHA2_256", "digest": base64(&sha256(ARTIFACT))},
        "signature": base64(&signature),
    }});
    let certificate =
        signed.with_signature(signature.clone()).dsse()["spec"]["signatures"][0]["verifier"].clone();
    let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": hex::encode(sha256(ARTIFACT))}},
        "signature": {"content": base64(&signature), "publicKey": {"content": certificate}},
    }});
    bundle(instance, &signed, &content, &body)
}

fn envelope(instance: &Instance, profile: &Profile) -> Value {
    let mut signed = instance.signed(profile);
    signed.payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": hex::encode(sha256(ARTIFACT))}}],
        "predicateType": "https://predicate.example",
        "predicate": {},
    })
    .to_string()
    .into_bytes();
    signed.signature = signed.sign(&pae(PAYLOAD_TYPE, &signed.payload));
    let content = json!({"dsseEnvelope": {
        "payload": base64(&signed.payload),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64(&signed.signature)}],
    }});
    bundle(instance, &signed, &content, &signed.dsse())
}

fn verdict_about(instance: &Instance, bundle: &Value, artifact: Artifact<'_>) -> Result<(), ArtifactError> {
    let signer = ArtifactSigner::Sigstore(instance.sigstore_trust(PERSON));
    verify_artifact(bundle.to_string().as_bytes(), artifact, &signer)
}

fn verdict(instance: &Instance, bundle: &Value) -> Result<(), ArtifactError> {
    verdict_about(instance, bundle, Artifact::Bytes(ARTIFACT))
}

fn bundles(instance: &Instance, profile: &Profile) -> [Value; 2] {
    [message_signature(instance, profile), envelope(instance, profile)]
}

#[test]
fn an_artifact_is_verified_by_its_bytes_or_its_digest() {
    let instance = Instance::new();
    for bundle in bundles(&instance, &person()) {
        verdict(&instance, &bundle).unwrap();
        verdict_about(&instance, &bundle, Artifact::Sha256(Sha256Digest::of(ARTIFACT))).unwrap();
    }
}

#[test]
fn another_artifact_is_refused() {
    let instance = Instance::new();
    for bundle in bundles(&instance, &person()) {
        for other in [&b""[..], b"an artifact ", &sha256(ARTIFACT)] {
            let found = verdict_about(&instance, &bundle, Artifact::Bytes(other));
            assert!(matches!(found, Err(ArtifactError::Sigstore(_))), "{found:?}");
            let digest = Artifact::Sha256(Sha256Digest::of(other));
            verdict_about(&instance, &bundle, digest).unwrap_err();
        }
    }
}

#[test]
fn item_45_another_identity_is_refused_and_told() {
    let instance = Instance::new();
    let other = "other@acme.example";
    for bundle in bundles(&instance, &person().names([email(other)])) {
        let found = verdict(&instance, &bundle).unwrap_err();
        let ArtifactError::Sigstore(SigstoreError::Identity { found, .. }) = found else {
            panic!("{found:?}")
        };
        assert_eq!(found, Identity::Email(other.to_owned()));
    }
}

#[test]
fn item_44_an_ambiguous_certificate_is_refused() {
    let instance = Instance::new();
    for bundle in bundles(&instance, &person().names([email(PERSON), email("other@acme.example")])) {
        let found = verdict(&instance, &bundle);
        let is_ambiguous =
            matches!(found, Err(ArtifactError::Sigstore(SigstoreError::AmbiguousIdentity { .. })));
        assert!(is_ambiguous, "{found:?}");
    }
}

#[test]
fn a_signature_of_another_instance_is_refused() {
    let (instance, other) = (Instance::new(), Instance::new());
    for bundle in bundles(&other, &person()) {
        let found = verdict(&instance, &bundle);
        assert!(matches!(found, Err(ArtifactError::Sigstore(_))), "{found:?}");
    }
}

#[test]
fn a_bundle_without_a_log_entry_is_refused() {
    let instance = Instance::new();
    for mut bundle in bundles(&instance, &person()) {
        bundle["verificationMaterial"]["tlogEntries"] = json!([]);
        let found = verdict(&instance, &bundle);
        assert_eq!(found, Err(ArtifactError::Sigstore(SigstoreError::NoLogEntry)));
    }
}

#[test]
fn item_7_every_entry_needs_a_proof_and_in_version_0_1_a_promise() {
    let instance = Instance::new();
    for good in bundles(&instance, &person()) {
        let entry = good["verificationMaterial"]["tlogEntries"][0].clone();
        let mut promised = entry.clone();
        promised.as_object_mut().unwrap().remove("inclusionProof");
        let mut bare = promised.clone();
        bare.as_object_mut().unwrap().remove("inclusionPromise");
        let with = |version: &str, entries: &[&Value]| {
            let mut bundle = good.clone();
            bundle["mediaType"] = json!(version);
            bundle["verificationMaterial"]["tlogEntries"] = json!(entries);
            verdict(&instance, &bundle)
        };
        with(V0_1, &[&promised]).unwrap();
        for (version, entries) in [
            (V0_3, [&entry, &promised]),
            (V0_3, [&promised, &entry]),
            (V0_3, [&entry, &bare]),
            (V0_1, [&promised, &bare]),
            (V0_1, [&bare, &entry]),
        ] {
            with(version, &entries).unwrap_err();
        }
    }
}

#[test]
fn an_old_bundle_may_carry_a_chain() {
    let instance = Instance::new();
    for mut bundle in bundles(&instance, &person()) {
        let material = bundle["verificationMaterial"].as_object_mut().unwrap();
        let leaf = material.remove("certificate").unwrap();
        material.insert("x509CertificateChain".to_owned(), json!({"certificates": [leaf]}));
        verdict(&instance, &bundle).expect_err("version 0.3 has no chains");
        bundle["mediaType"] = json!(V0_1);
        verdict(&instance, &bundle).unwrap();
        bundle["verificationMaterial"]["certificate"] = json!({"rawBytes": "MAA="});
        verdict(&instance, &bundle).expect_err("one of the two, not both");
    }
}

#[test]
fn item_48_an_entry_of_another_signature_is_refused() {
    let instance = Instance::new();
    let [mut message, mut envelope] = bundles(&instance, &person());
    let [other_message, other_envelope] = bundles(&instance, &person());
    for (bundle, other) in [(&mut message, other_message), (&mut envelope, other_envelope)] {
        bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
        verdict(&instance, bundle).unwrap_err();
    }
}
