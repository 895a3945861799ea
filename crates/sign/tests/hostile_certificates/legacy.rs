//! Bundles of release 0.2 of the reference, and what only looks like them.

use modelseal_bundle::legacy::{PREDICATE_TYPE_V0_2, pae_v0_2};
use modelseal_bundle::{
    Envelope, KeyMaterial, PAYLOAD_TYPE, PREDICATE_TYPE, STATEMENT_TYPE, StatementError, UntrustedBundle,
    VerificationMaterial, pae,
};
use modelseal_manifest::Sha256Digest;
use modelseal_sign::PrivateKey;
use modelseal_verify::{Caveat, Trust, VerifiedStatement, VerifyError, verify};
use p384::ecdsa::signature::hazmat::PrehashSigner;
use p384::pkcs8::DecodePrivateKey;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA256, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, SigningKey,
};
use serde_json::json;

use crate::holder::{Holder, authority, leaf};
use crate::{anchored, bundle_of, payload};

const P256: &str = include_str!("../../../../testdata/keys/p256.pem");
const P384: &str = include_str!("../../../../testdata/keys/p384.pem");
const P521: &str = include_str!("../../../../testdata/keys/p521.pem");

fn payload_v0_2() -> Vec<u8> {
    let digest = Sha256Digest::of(b"a").to_string();
    let subject = json!({"name": "a", "digest": {"sha256": digest}});
    let predicate = json!({"unused": "Unused, just passed due to API requirements"});
    json!({
        "_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE_V0_2, "subject": [subject],
        "predicate": predicate,
    })
    .to_string()
    .into_bytes()
}

/// A leaf with this key under this root.
fn leaf_of(pem: &str, root: &Holder) -> Holder {
    let algorithm = match pem {
        P521 => &PKCS_ECDSA_P521_SHA512,
        P384 => &PKCS_ECDSA_P384_SHA384,
        _ => &PKCS_ECDSA_P256_SHA256,
    };
    leaf("Leaf").key(KeyPair::from_pkcs8_pem_and_sign_algo(pem, algorithm).unwrap()).issued_by(root)
}

/// ECDSA with SHA-256, whatever the curve, as release 0.2 signed. That on
/// P-521 is made by another library than the one that verifies it.
fn signed_with_sha256(pem: &str, message: &[u8]) -> Vec<u8> {
    let digest = Sha256Digest::of(message);
    match pem {
        P521 => {
            let key = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_ECDSA_P521_SHA256).unwrap();
            key.sign(message).unwrap()
        }
        P384 => {
            let key: p384::ecdsa::SigningKey = DecodePrivateKey::from_pkcs8_pem(pem).unwrap();
            let signature: p384::ecdsa::Signature = key.sign_prehash(digest.as_bytes()).unwrap();
            signature.to_der().as_bytes().to_vec()
        }
        _ => {
            let key: p256::ecdsa::SigningKey = DecodePrivateKey::from_pkcs8_pem(pem).unwrap();
            let signature: p256::ecdsa::Signature = key.sign_prehash(digest.as_bytes()).unwrap();
            signature.to_der().as_bytes().to_vec()
        }
    }
}

/// What comes of a signature with SHA-256 over `message`, in a bundle with
/// `payload`.
fn judged(pem: &str, payload: Vec<u8>, message: &[u8]) -> Result<Vec<Caveat>, VerifyError> {
    let root = authority("Root").self_signed();
    let leaf = leaf_of(pem, &root);
    let bundle = bundle_of(vec![leaf.der()], payload, signed_with_sha256(pem, message));
    verify(bundle, &anchored(&root)).map(|verified| verified.caveats().to_vec())
}

#[test]
fn item_35_bundles_of_release_0_2_verify_on_every_curve_and_are_noted() {
    for pem in [P256, P384, P521] {
        let found = judged(pem, payload_v0_2(), &pae_v0_2(&payload_v0_2())).unwrap();
        let expected = [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked, Caveat::LegacyFormat];
        assert_eq!(found[..3], expected);
    }
}

#[test]
fn item_16_the_encoding_of_release_0_2_is_refused_with_a_statement_of_today() {
    for pem in [P256, P384, P521] {
        let found = judged(pem, payload(), &pae_v0_2(&payload()));
        let expected = StatementError::LegacyPredicateType { found: PREDICATE_TYPE.to_owned() };
        assert_eq!(found, Err(VerifyError::Statement(expected)));
    }
}

#[test]
fn item_16_a_statement_of_release_0_2_is_refused_with_the_encoding_of_today() {
    let message = pae(PAYLOAD_TYPE, &payload_v0_2());
    let found = judged(P256, payload_v0_2(), &message);
    let expected = StatementError::PredicateType { found: PREDICATE_TYPE_V0_2.to_owned() };
    assert_eq!(found, Err(VerifyError::Statement(expected)));
}

#[test]
fn item_35_sha256_on_a_larger_curve_is_refused_with_the_encoding_of_today() {
    for pem in [P384, P521] {
        for payload in [payload(), payload_v0_2()] {
            let message = pae(PAYLOAD_TYPE, &payload);
            let found = judged(pem, payload, &message);
            assert!(matches!(found, Err(VerifyError::Signature { .. })), "{found:?}");
        }
    }
}

#[test]
fn item_35_the_hash_of_the_curve_is_refused_with_the_encoding_of_release_0_2() {
    let root = authority("Root").self_signed();
    for pem in [P384, P521] {
        let leaf = leaf_of(pem, &root);
        let signature = leaf.key.sign(&pae_v0_2(&payload_v0_2())).unwrap();
        let found = verify(bundle_of(vec![leaf.der()], payload_v0_2(), signature), &anchored(&root));
        assert!(matches!(found, Err(VerifyError::Signature { .. })), "{found:?}");
    }
}

#[test]
fn item_16_the_encoding_of_release_0_2_is_refused_of_an_ed25519_leaf() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").algorithm(&PKCS_ED25519).issued_by(&root);
    let signature = leaf.key.sign(&pae_v0_2(&payload_v0_2())).unwrap();
    let found = verify(bundle_of(vec![leaf.der()], payload_v0_2(), signature), &anchored(&root));
    assert!(matches!(found, Err(VerifyError::Signature { .. })), "{found:?}");
}

/// `payload` in a key bundle, signed as release 0.2 did.
fn key_bundle_judged(pem: &str, payload: Vec<u8>) -> Result<VerifiedStatement, VerifyError> {
    let key = PrivateKey::from_pem(pem.as_bytes()).unwrap().public_key().clone();
    let signature = signed_with_sha256(pem, &pae_v0_2(&payload));
    let material = VerificationMaterial::Key(KeyMaterial::hinted(key.hint()));
    verify(UntrustedBundle::new(material, Envelope::new(payload, signature)), &Trust::key(key))
}

#[test]
fn item_16_a_key_bundle_with_the_encoding_of_release_0_2_holds_such_a_statement_and_no_other() {
    for pem in [P256, P384, P521] {
        let verified = key_bundle_judged(pem, payload_v0_2()).unwrap();
        assert!(verified.caveats().contains(&Caveat::LegacyFormat));
        let found = key_bundle_judged(pem, payload());
        assert!(matches!(found, Err(VerifyError::Statement(_))), "{found:?}");
    }
}
