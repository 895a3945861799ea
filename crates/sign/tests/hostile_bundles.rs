//! What somebody can do to a bundle between its publisher and its consumer.
//! Numbers are those of the catalogue of hostile inputs.

use modelseal_bundle::{
    BundleError, BundleMethod, Envelope, KeyHint, KeyMaterial, PAYLOAD_TYPE, Statement, UntrustedBundle,
    VerificationMaterial, pae,
};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization, Sha256Digest,
};
use modelseal_sign::{KeySigner, PrivateKey, Signer};
use modelseal_verify::{Caveat, LogEntryError, PublicKey, Trust, VerifyError, verify};
use serde_json::{Value, json};

const P256: &[u8] = include_bytes!("../../../testdata/keys/p256.pem");
const P384: &[u8] = include_bytes!("../../../testdata/keys/p384.pem");
const OTHER: &[u8] = include_bytes!("../../../testdata/keys/other-p256.pem");

fn signer(pem: &[u8]) -> KeySigner {
    KeySigner::new(PrivateKey::from_pem(pem).unwrap())
}

fn trust(pem: &[u8]) -> Trust {
    Trust::key(signer(pem).public_key().clone())
}

fn payload() -> Vec<u8> {
    let resource = |name: &str| Resource {
        name: ResourceName::file(name).unwrap(),
        digest: ContentDigest::Sha256(Sha256Digest::of(name.as_bytes())),
    };
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: vec![],
    };
    Statement::new("m", Manifest::new(serialization, vec![resource("a"), resource("b")]).unwrap())
        .to_payload()
}

fn bundle() -> Value {
    serde_json::from_slice(&signer(P256).sign(&payload()).unwrap()).unwrap()
}

fn parse(bundle: &Value) -> Result<UntrustedBundle, BundleError> {
    UntrustedBundle::parse(bundle.to_string().as_bytes())
}

fn envelope_of(pem: &[u8]) -> (Envelope, PublicKey) {
    let bundle = UntrustedBundle::parse(&signer(pem).sign(&payload()).unwrap()).unwrap();
    (bundle.into_envelope(), signer(pem).public_key().clone())
}

fn key_bundle(hint: Option<KeyHint>, envelope: Envelope) -> UntrustedBundle {
    UntrustedBundle::new(VerificationMaterial::Key(KeyMaterial { hint, embedded_key: None }), envelope)
}

#[test]
fn an_untouched_bundle_verifies_and_says_what_it_does_not_prove() {
    let statement = verify(parse(&bundle()).unwrap(), &trust(P256)).unwrap();
    assert_eq!(statement.payload(), payload());
    assert_eq!(statement.caveats(), [Caveat::NoTimeEvidence]);
}

#[test]
fn item_14_a_payload_type_changed_after_signing_is_refused() {
    let mut bundle = bundle();
    bundle["dsseEnvelope"]["payloadType"] = json!("application/vnd.other");
    assert!(matches!(parse(&bundle), Err(BundleError::PayloadType { .. })));
}

#[test]
fn item_15_a_signature_over_another_type_does_not_verify_as_this_one() {
    let key = PrivateKey::from_pem(P256).unwrap();
    let other = signer(P256);
    drop(key);
    // A signature over the PAE of a longer type whose bytes continue into the payload.
    let shifted = pae(&format!("{PAYLOAD_TYPE} 2 {{}}"), b"");
    let envelope = Envelope::new(shifted, envelope_of(P256).0.signature().to_vec());
    let found = verify(key_bundle(Some(other.public_key().hint()), envelope), &trust(P256));
    assert!(matches!(found, Err(VerifyError::Signature { .. })));
}

#[test]
fn item_16_the_legacy_encoding_is_not_accepted_for_a_key() {
    let message =
        [format!("DSSEV1 28 {PAYLOAD_TYPE} {} b'", payload().len()).as_bytes(), &payload(), b"'"].concat();
    // The signer signs PAEs only, so a signature over the legacy text is made as
    // the payload of one: neither form verifies as the other.
    let bytes = signer(P256).sign(&message).unwrap();
    let signature = UntrustedBundle::parse(&bytes).unwrap().envelope().signature().to_vec();
    let found = verify(key_bundle(None, Envelope::new(payload(), signature)), &trust(P256));
    assert!(matches!(found, Err(VerifyError::Signature { .. })));
}

#[test]
fn item_17_one_white_space_more_is_another_payload() {
    let (envelope, key) = envelope_of(P256);
    let spaced = [envelope.payload(), b" "].concat();
    let found = verify(
        key_bundle(Some(key.hint()), Envelope::new(spaced, envelope.signature().to_vec())),
        &trust(P256),
    );
    assert!(matches!(found, Err(VerifyError::Signature { .. })));
}

#[test]
fn item_18_the_statement_is_read_from_the_bytes_that_were_verified() {
    let statement = verify(parse(&bundle()).unwrap(), &trust(P256)).unwrap();
    let again = Statement::parse(statement.payload()).unwrap();
    assert_eq!(again.manifest(), statement.manifest());
    assert_eq!(again.subject_name(), statement.subject_name());
}

#[test]
fn item_19_a_good_signature_over_something_else_is_no_model_signature() {
    for payload in [
        &b"{}"[..],
        b"not json",
        br#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"x","predicate":{}}"#,
    ] {
        let bytes = signer(P256).sign(payload).unwrap();
        let found = verify(UntrustedBundle::parse(&bytes).unwrap(), &trust(P256));
        assert!(matches!(found, Err(VerifyError::Statement(_))), "{found:?}");
    }
}

#[test]
fn item_26_swapped_names_break_the_signature() {
    let text = String::from_utf8(payload()).unwrap();
    let swapped = text
        .replace("\"name\":\"a\"", "\"name\":\"x\"")
        .replace("\"name\":\"b\"", "\"name\":\"a\"")
        .replace("\"name\":\"x\"", "\"name\":\"b\"");
    assert_ne!(text, swapped);
    assert_eq!(
        Statement::parse(swapped.as_bytes()).unwrap().manifest().root_digest(),
        Statement::parse(text.as_bytes()).unwrap().manifest().root_digest(),
    );
    let signature = envelope_of(P256).0.signature().to_vec();
    let found = verify(key_bundle(None, Envelope::new(swapped.into_bytes(), signature)), &trust(P256));
    assert!(matches!(found, Err(VerifyError::Signature { .. })));
}

#[test]
fn item_28_a_wrong_key_is_told_which_key_the_bundle_names() {
    let found = verify(parse(&bundle()).unwrap(), &trust(OTHER)).unwrap_err();
    let (named, given) = (signer(P256).public_key().hint(), signer(OTHER).public_key().hint());
    assert!(
        found.to_string().contains(named.as_str()) && found.to_string().contains(given.as_str()),
        "{found}"
    );
    let trusted = signer(OTHER).public_key().fingerprint();
    assert_eq!(found, VerifyError::WrongKey { named, given, trusted });
}

#[test]
fn item_28_a_wrong_key_of_another_curve_is_refused() {
    assert!(matches!(verify(parse(&bundle()).unwrap(), &trust(P384)), Err(VerifyError::WrongKey { .. })));
    let unnamed = key_bundle(None, envelope_of(P256).0);
    assert!(matches!(verify(unnamed, &trust(P384)), Err(VerifyError::Signature { .. })));
}

#[test]
fn item_29_a_matching_hint_is_no_proof() {
    let (envelope, _) = envelope_of(OTHER);
    let found = verify(key_bundle(Some(signer(P256).public_key().hint()), envelope), &trust(P256));
    assert_eq!(found, Err(VerifyError::Signature { key: signer(P256).public_key().fingerprint() }));
}

#[test]
fn a_missing_hint_is_tolerated_and_said() {
    let statement = verify(key_bundle(None, envelope_of(P256).0), &trust(P256)).unwrap();
    assert!(statement.caveats().contains(&Caveat::KeyNotNamed));
}

#[test]
fn a_legacy_bundle_with_the_key_inside_verifies_under_the_same_key_only() {
    let material = |pem: &[u8]| {
        let embedded_key = Some(signer(pem).public_key().to_pem().into_bytes());
        VerificationMaterial::Key(KeyMaterial { hint: None, embedded_key })
    };
    let legacy = UntrustedBundle::new(material(P256), envelope_of(P256).0);
    assert!(verify(legacy.clone(), &trust(P256)).unwrap().caveats().contains(&Caveat::LegacyFormat));
    assert!(matches!(verify(legacy, &trust(OTHER)), Err(VerifyError::WrongKey { .. })));
    let garbage = VerificationMaterial::Key(KeyMaterial { hint: None, embedded_key: Some(b"x".to_vec()) });
    let found = verify(UntrustedBundle::new(garbage, envelope_of(P256).0), &trust(P256));
    assert_eq!(found, Err(VerifyError::EmbeddedKeyUnreadable));
}

#[test]
fn item_31_the_twin_of_a_signature_with_the_other_s_is_as_good() {
    let (envelope, key) = envelope_of(P256);
    let signature = p256::ecdsa::Signature::from_der(envelope.signature()).unwrap();
    let (r, s) = signature.split_scalars();
    let twin = p256::ecdsa::Signature::from_scalars(r.to_bytes(), (-*s).to_bytes()).unwrap();
    assert_ne!(twin.to_der().as_bytes(), envelope.signature());
    let twin = Envelope::new(envelope.payload().to_vec(), twin.to_der().as_bytes().to_vec());
    verify(key_bundle(Some(key.hint()), twin), &trust(P256)).unwrap();
}

#[test]
fn item_35_p384_signs_with_sha384_only() {
    use p384::ecdsa::signature::hazmat::PrehashSigner;
    use p384::pkcs8::DecodePrivateKey;
    let key = p384::ecdsa::SigningKey::from_pkcs8_pem(std::str::from_utf8(P384).unwrap()).unwrap();
    let digest = Sha256Digest::of(&pae(PAYLOAD_TYPE, &payload()));
    let signature: p384::ecdsa::Signature = key.sign_prehash(digest.as_bytes()).unwrap();
    let envelope = Envelope::new(payload(), signature.to_der().as_bytes().to_vec());
    let found = verify(key_bundle(None, envelope), &trust(P384));
    assert!(matches!(found, Err(VerifyError::Signature { .. })));
}

#[test]
fn item_36_a_bundle_of_another_method_is_named_as_such() {
    let (envelope, _) = envelope_of(P256);
    for (material, method) in [
        (VerificationMaterial::CertificateChain(vec![vec![0]]), BundleMethod::Certificate),
        (VerificationMaterial::Certificate(vec![0]), BundleMethod::Sigstore),
    ] {
        let found = verify(UntrustedBundle::new(material, envelope.clone()), &trust(P256));
        assert_eq!(found, Err(VerifyError::Method { expected: BundleMethod::Key, found: method }));
    }
}

#[test]
fn item_48_a_log_entry_about_nothing_is_refused() {
    let mut bundle = bundle();
    bundle["verificationMaterial"]["tlogEntries"] = json!([{
        "logIndex": "5", "logId": {"keyId": "AAAA"}, "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1700000000", "canonicalizedBody": "e30=",
        "inclusionProof": {"logIndex": "5", "rootHash": "AAAA", "treeSize": "6", "hashes": [], "checkpoint": {"envelope": "x"}},
    }]);
    let found = verify(parse(&bundle).unwrap(), &trust(P256));
    assert!(matches!(found, Err(VerifyError::LogEntry(LogEntryError::Malformed { .. }))), "{found:?}");
}

#[test]
fn every_flipped_bit_of_payload_or_signature_is_found() {
    let (envelope, key) = envelope_of(P256);
    for index in 0..envelope.payload().len() {
        let mut payload = envelope.payload().to_vec();
        payload[index] ^= 1;
        let flipped = Envelope::new(payload, envelope.signature().to_vec());
        assert!(verify(key_bundle(Some(key.hint()), flipped), &trust(P256)).is_err(), "payload byte {index}");
    }
    for index in 0..envelope.signature().len() {
        let mut signature = envelope.signature().to_vec();
        signature[index] ^= 1;
        let flipped = Envelope::new(envelope.payload().to_vec(), signature);
        assert!(
            verify(key_bundle(Some(key.hint()), flipped), &trust(P256)).is_err(),
            "signature byte {index}"
        );
    }
}
