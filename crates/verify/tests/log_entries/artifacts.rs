//! Signatures about any artifact, under a key, with a log that a test keeps.

use modelseal_bundle::{PAYLOAD_TYPE, pae};
use modelseal_manifest::Sha256Digest;
use modelseal_verify::{
    Artifact, ArtifactError, ArtifactSigner, Clock, IdentityPattern, PublicKey, SigstoreTrust, TrustedRoot,
    verify_artifact,
};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha384};

use crate::log::{Log, base64, root_of, sha256};
use crate::signed::{clock, key_verifier, time};

const ARTIFACT: &[u8] = b"an artifact";

/// A signed artifact and the log that its signature is in.
struct Scene {
    key: KeyPair,
    log: Log,
    bundle: Value,
}

impl Scene {
    fn new(key: KeyPair, log: Log, content: &Value, body: &Value) -> Self {
        let mut bundle = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": [log.entry(body)]},
        });
        bundle.as_object_mut().unwrap().extend(content.as_object().unwrap().clone());
        Self { key, log, bundle }
    }

    fn root(&self) -> TrustedRoot {
        root_of(&[self.log.trusted()])
    }

    fn signer(&self) -> ArtifactSigner {
        ArtifactSigner::Key(public(&self.key), self.root(), clock())
    }

    fn verdict(&self, artifact: Artifact<'_>) -> Result<(), ArtifactError> {
        verify_artifact(self.bundle.to_string().as_bytes(), artifact, &self.signer())
    }

    /// The verdict about the right artifact.
    fn own_verdict(&self) -> Result<(), ArtifactError> {
        self.verdict(Artifact::Bytes(ARTIFACT))
    }

    #[track_caller]
    fn refused(&self) -> String {
        match self.own_verdict() {
            Err(ArtifactError::Key { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    fn entry(&mut self) -> &mut Value {
        &mut self.bundle["verificationMaterial"]["tlogEntries"][0]
    }
}

fn public(key: &KeyPair) -> PublicKey {
    PublicKey::from_spki_der(&key.subject_public_key_info()).unwrap()
}

fn body_v2(key: &KeyPair, digest: &[u8], signature: &[u8]) -> Value {
    json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
        "data": {"algorithm": "SHA2_256", "digest": base64(digest)},
        "signature": {
            "content": base64(signature),
            "verifier": key_verifier(&key.subject_public_key_info()),
        },
    }}})
}

fn body_v1(key: &KeyPair, signature: &[u8]) -> Value {
    json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": hex::encode(sha256(ARTIFACT))}},
        "signature": {
            "content": base64(signature),
            "publicKey": {"content": base64(key.public_key_pem().as_bytes())},
        },
    }})
}

fn message(signature: &[u8], algorithm: &str, digest: &[u8]) -> Value {
    json!({"messageSignature": {
        "messageDigest": {"algorithm": algorithm, "digest": base64(digest)},
        "signature": base64(signature),
    }})
}

fn message_signature() -> Scene {
    let key = KeyPair::generate().unwrap();
    let (signature, digest) = (key.sign(ARTIFACT).unwrap(), sha256(ARTIFACT));
    let body = body_v2(&key, &digest, &signature);
    Scene::new(key, Log::v2("log.example"), &message(&signature, "SHA2_256", &digest), &body)
}

fn message_signature_v1(key: KeyPair, algorithm: &str, digest: &[u8]) -> Scene {
    let signature = key.sign(ARTIFACT).unwrap();
    let body = body_v1(&key, &signature);
    Scene::new(key, Log::v1("rekor.example"), &message(&signature, algorithm, digest), &body)
}

fn envelope() -> Scene {
    let (key, digest) = (KeyPair::generate().unwrap(), hex::encode(sha256(ARTIFACT)));
    let other = json!({"name": "b", "digest": {"sha256": "ab".repeat(32)}});
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [other, {"name": "a", "digest": {"sha256": digest}}],
        "predicateType": "https://predicate.example",
        "predicate": {},
    })
    .to_string();
    let signed = pae(PAYLOAD_TYPE, payload.as_bytes());
    let signature = key.sign(&signed).unwrap();
    let content = json!({"dsseEnvelope": {
        "payload": base64(payload.as_bytes()),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"sig": base64(&signature)}],
    }});
    let body = body_v2(&key, &sha256(&signed), &signature);
    Scene::new(key, Log::v2("log.example"), &content, &body)
}

#[test]
fn a_message_signature_is_verified_by_the_bytes_or_their_digest() {
    let scene = message_signature();
    scene.own_verdict().unwrap();
    scene.verdict(Artifact::Sha256(Sha256Digest::of(ARTIFACT))).unwrap();
}

#[test]
fn an_envelope_is_verified_by_any_of_its_subjects() {
    let scene = envelope();
    scene.own_verdict().unwrap();
    scene.verdict(Artifact::Sha256(Sha256Digest::of(ARTIFACT))).unwrap();
}

#[test]
fn another_artifact_is_refused() {
    for scene in [message_signature(), envelope()] {
        for other in [&b""[..], b"an artifact ", b"An artifact", sha256(ARTIFACT).as_slice()] {
            scene.verdict(Artifact::Bytes(other)).unwrap_err();
            scene.verdict(Artifact::Sha256(Sha256Digest::of(other))).unwrap_err();
        }
    }
}

#[test]
fn a_digest_alone_does_not_verify_what_takes_another_hash() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let p384 = message_signature_v1(key, "SHA2_384", &Sha384::digest(ARTIFACT));
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let ed25519 = message_signature_v1(key, "SHA2_512", &sha2::Sha512::digest(ARTIFACT));
    for scene in [p384, ed25519] {
        scene.own_verdict().unwrap();
        let found = scene.verdict(Artifact::Sha256(Sha256Digest::of(ARTIFACT)));
        assert!(matches!(found, Err(ArtifactError::Key { .. })), "{found:?}");
    }
}

#[test]
fn a_digest_in_the_bundle_that_is_not_the_artifact_s_is_refused() {
    let mut scene = message_signature();
    for digest in [base64(&[7; 32]), base64(&[]), base64(&Sha384::digest(ARTIFACT))] {
        scene.bundle["messageSignature"]["messageDigest"]["digest"] = json!(digest);
        scene.refused();
    }
}

#[test]
fn another_key_is_refused() {
    for scene in [message_signature(), envelope()] {
        let key = public(&KeyPair::generate().unwrap());
        let signer = ArtifactSigner::Key(key, scene.root(), clock());
        let bundle = scene.bundle.to_string();
        let found = verify_artifact(bundle.as_bytes(), Artifact::Bytes(ARTIFACT), &signer);
        assert!(matches!(found, Err(ArtifactError::Key { .. })), "{found:?}");
    }
}

#[test]
fn item_36_a_certificate_where_a_key_is_expected_and_a_key_where_an_identity_is_are_refused() {
    let mut scene = message_signature();
    let identity: IdentityPattern = "release@acme.example".parse().unwrap();
    let trust = SigstoreTrust::identity(scene.root(), identity, "https://issuer.example", clock());
    let bundle = scene.bundle.to_string();
    let artifact = Artifact::Bytes(ARTIFACT);
    let found = verify_artifact(bundle.as_bytes(), artifact, &ArtifactSigner::Sigstore(trust));
    assert_eq!(found, Err(ArtifactError::Material));

    let material = scene.bundle["verificationMaterial"].as_object_mut().unwrap();
    material.remove("publicKey");
    material.insert("certificate".to_owned(), json!({"rawBytes": base64(&[0x30, 0])}));
    assert_eq!(scene.own_verdict(), Err(ArtifactError::Material));
}

#[test]
fn an_empty_chain_is_no_key() {
    let mut scene = message_signature();
    let material = scene.bundle["verificationMaterial"].as_object_mut().unwrap();
    material.remove("publicKey");
    material.insert("x509CertificateChain".to_owned(), json!({"certificates": []}));
    scene.own_verdict().unwrap_err();
}

#[test]
fn a_bundle_without_a_log_entry_is_refused() {
    for mut scene in [message_signature(), envelope()] {
        scene.bundle["verificationMaterial"]["tlogEntries"] = json!([]);
        scene.own_verdict().unwrap_err();
    }
}

#[test]
fn item_48_an_entry_of_another_signature_is_refused() {
    for mut scene in [message_signature(), envelope()] {
        let body = body_v2(&scene.key, &sha256(b"other"), &scene.key.sign(b"other").unwrap());
        *scene.entry() = scene.log.entry(&body);
        scene.own_verdict().unwrap_err();
    }
}

#[test]
fn item_54_a_checkpoint_of_another_origin_is_refused_under_a_key_too() {
    for mut scene in [message_signature(), envelope()] {
        let root = crate::signed::decoded(&scene.entry()["inclusionProof"]["rootHash"]);
        let checkpoint = scene.log.checkpoint("other.example", 7, &root.try_into().unwrap());
        scene.entry()["inclusionProof"]["checkpoint"]["envelope"] = json!(checkpoint);
        scene.own_verdict().unwrap_err();
    }
}

#[test]
fn an_entry_of_a_log_that_is_not_trusted_is_refused() {
    for mut scene in [message_signature(), envelope()] {
        scene.log = Log::v2("log.example");
        scene.own_verdict().unwrap_err();
    }
}

#[test]
fn item_7_every_entry_needs_a_proof_though_another_has_one() {
    for mut scene in [message_signature(), envelope()] {
        let good = scene.entry().clone();
        let mut bare = good.clone();
        bare.as_object_mut().unwrap().remove("inclusionProof");
        for entries in [json!([bare]), json!([good, bare]), json!([bare, good])] {
            scene.bundle["verificationMaterial"]["tlogEntries"] = entries;
            scene.own_verdict().unwrap_err();
        }
    }
}

#[test]
fn item_8_a_bundle_with_two_contents_or_two_materials_is_refused() {
    let mut scene = message_signature();
    scene.bundle["dsseEnvelope"] = envelope().bundle["dsseEnvelope"].clone();
    scene.own_verdict().unwrap_err();
    for (name, other) in [
        ("certificate", json!({"rawBytes": base64(&[0x30, 0])})),
        ("x509CertificateChain", json!({"certificates": [{"rawBytes": base64(&[0x30, 0])}]})),
    ] {
        let mut scene = message_signature();
        scene.bundle["verificationMaterial"][name] = other;
        scene.own_verdict().unwrap_err();
    }
}

#[test]
fn item_13_an_envelope_with_two_signatures_or_none_is_refused() {
    let mut scene = envelope();
    let signature = scene.bundle["dsseEnvelope"]["signatures"][0].clone();
    for signatures in [json!([]), json!([signature, signature])] {
        scene.bundle["dsseEnvelope"]["signatures"] = signatures;
        scene.own_verdict().unwrap_err();
    }
}

#[test]
fn item_51_a_signature_in_the_future_is_refused() {
    let mut scene = message_signature_v1(KeyPair::generate().unwrap(), "SHA2_256", &sha256(ARTIFACT));
    let entry = scene.entry().clone();
    *scene.entry() = scene.log.promise(&entry, time("2024-05-15T00:00:00Z").as_second());
    scene.own_verdict().unwrap();
    let signer = |now: &str| ArtifactSigner::Key(public(&scene.key), scene.root(), Clock::at(time(now)));
    let bundle = scene.bundle.to_string();
    let verdict = |now| verify_artifact(bundle.as_bytes(), Artifact::Bytes(ARTIFACT), &signer(now));
    verdict("2024-05-14T23:59:50Z").unwrap();
    let found = verdict("2024-05-14T23:59:49Z");
    assert!(found.unwrap_err().to_string().contains("in the future"));
}

#[test]
fn item_11_more_than_is_looked_at_is_refused_before_any_of_it_is() {
    let mut scene = message_signature();
    let entry = scene.entry().clone();
    scene.bundle["verificationMaterial"]["tlogEntries"] = json!(vec![entry; 33]);
    assert_eq!(scene.own_verdict(), Err(too_many("log entries", 33, 32)));
    let mut scene = message_signature();
    let stamps = vec![json!({"signedTimestamp": "AAAA"}); 33];
    scene.bundle["verificationMaterial"]["timestampVerificationData"] = json!({"rfc3161Timestamps": stamps});
    assert_eq!(scene.own_verdict(), Err(too_many("timestamps", 33, 32)));
    let mut scene = message_signature();
    let certificates = vec![json!({"rawBytes": "MAA="}); 17];
    scene.bundle["verificationMaterial"] = json!({"x509CertificateChain": {"certificates": certificates}});
    assert_eq!(scene.own_verdict(), Err(too_many("certificates", 17, 16)));
}

fn too_many(what: &'static str, found: usize, limit: usize) -> ArtifactError {
    ArtifactError::TooMany { what, found, limit }
}

#[test]
fn items_1_to_5_json_is_as_strict_as_elsewhere() {
    let scene = message_signature();
    let good = scene.bundle.to_string();
    let deep = "[".repeat(100_000);
    let twice = good.replacen('{', r#"{"mediaType":"x","#, 1);
    for wrong in ["", &good[..100], &deep, &twice, &format!("{good}{{}}"), &format!("\u{feff}{good}")] {
        let found = verify_artifact(wrong.as_bytes(), Artifact::Bytes(ARTIFACT), &scene.signer());
        assert!(matches!(found, Err(ArtifactError::Json(_))), "{found:?}");
    }
    let huge = vec![b' '; 64 * 1024 * 1024 + 1];
    let found = verify_artifact(&huge, Artifact::Bytes(ARTIFACT), &scene.signer());
    assert!(matches!(found, Err(ArtifactError::TooLarge { .. })), "{found:?}");
}

#[test]
fn what_a_bundle_says_cannot_act_on_a_terminal() {
    let mut scene = message_signature();
    scene.bundle["mediaType"] = json!("\x1b[2J\u{202e}");
    let shown = scene.own_verdict().unwrap_err().to_string();
    assert!(shown.contains(r"\u{1b}[2J\u{202e}"), "{shown}");
    assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown:?}");
}
