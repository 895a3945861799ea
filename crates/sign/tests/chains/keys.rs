//! Keys of issuers and of leaves.

use modelseal_sign::{CertificateSigner, KeyAlgorithm, PublicKey, Signer};
use modelseal_verify::{
    Caveat, Certificate, CertificateError, CertificateTrust, Clock, PublicKeyError, Trust,
    UnsupportedAlgorithm, UntrustedBundle, verify,
};
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA256, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, PKCS_RSA_SHA256, PKCS_RSA_SHA384, RsaKeySize, SignatureAlgorithm,
};

use crate::attempt::{Attempt, bundled, payload, presented, presented_with};
use crate::holder::{Holder, NOW, authority, leaf, time};

const P256: &[u8] = include_bytes!("../../../../testdata/keys/p256.pem");

macro_rules! fixture {
    ($name:literal) => {
        Certificate::all_from_pem(include_bytes!(concat!("fixtures/", $name, ".pem"))).unwrap().remove(0)
    };
}

fn verifies_under_issuers_of(algorithm: &'static SignatureAlgorithm) {
    let root = authority("Root").algorithm(algorithm).self_signed();
    let intermediate = authority("CA").algorithm(algorithm).issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    presented(&leaf, &[&intermediate]).under(&[&root]).verifies_through(&["CN=CA", "CN=Root"]);
}

#[test]
fn issuers_may_have_keys_on_the_nist_curves() {
    let algorithms =
        [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ECDSA_P521_SHA512, &PKCS_ECDSA_P521_SHA256];
    algorithms.into_iter().for_each(verifies_under_issuers_of);
}

#[test]
fn issuers_may_have_ed25519_keys() {
    verifies_under_issuers_of(&PKCS_ED25519);
}

#[test]
fn issuers_may_have_rsa_keys_of_2048_bits_and_more() {
    verifies_under_issuers_of(&PKCS_RSA_SHA256);
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA384, RsaKeySize::_3072).unwrap();
    let root = authority("Root").key(key).self_signed();
    presented(&leaf("Leaf").issued_by(&root), &[]).under(&[&root]).verifies_through(&["CN=Root"]);
}

/// The leaf is for a key of `testdata`, under an anchor of a fixture.
fn of_fixtures(leaf: &Certificate, root: &Certificate) -> Attempt {
    let signer = authority("Leaf").key(KeyPair::from_pem(std::str::from_utf8(P256).unwrap()).unwrap());
    let leaf = signer.self_signed().showing(leaf.as_der());
    let root = authority("Root").self_signed().showing(root.as_der());
    presented(&leaf, &[]).under(&[&root])
}

#[test]
fn item_34_an_issuer_with_an_rsa_key_of_1024_bits_is_refused() {
    of_fixtures(&fixture!("rsa2048-leaf"), &fixture!("rsa2048-root")).verifies_through(&["CN=Root"]);
    of_fixtures(&fixture!("rsa1024-leaf"), &fixture!("rsa1024-root")).breaks("CN=Leaf", "2048 bits");
}

#[test]
fn item_34_a_certificate_signed_with_sha1_is_refused() {
    of_fixtures(&fixture!("sha1-leaf"), &fixture!("rsa2048-root")).breaks("CN=Leaf", "SHA-1");
}

#[test]
fn an_issuer_may_sign_with_rsa_pss() {
    of_fixtures(&fixture!("pss-leaf"), &fixture!("rsa2048-root")).verifies_through(&["CN=Root"]);
}

/// Signs as a publisher does and verifies as a consumer does.
fn round_trip(leaf: &Holder, root: &Holder) -> Vec<Caveat> {
    let clock = Clock::at(time(NOW));
    let signer = CertificateSigner::new(leaf.private_key(), leaf.certificate.clone(), vec![], clock).unwrap();
    let bundle = UntrustedBundle::parse(&signer.sign(&payload()).unwrap()).unwrap();
    verify(bundle.clone(), &signer.trust()).unwrap();
    let trust = CertificateTrust::anchors(vec![root.certificate.clone()], clock);
    assert_eq!(verify(bundle.clone(), &Trust::certificate(trust)).unwrap().payload(), payload());
    bundled(bundle).under(&[root]).verifies_through(&["CN=Root"])
}

#[test]
fn leaves_on_the_nist_curves_sign_and_verify() {
    let root = authority("Root").self_signed();
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ECDSA_P521_SHA512] {
        let caveats = round_trip(&leaf("Leaf").algorithm(algorithm).issued_by(&root), &root);
        assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked]);
    }
}

#[test]
fn an_ed25519_leaf_signs_and_verifies_and_its_algorithm_is_noted() {
    let root = authority("Root").self_signed();
    let caveats = round_trip(&leaf("Leaf").algorithm(&PKCS_ED25519).issued_by(&root), &root);
    let expected = [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked, Caveat::UnregisteredAlgorithm];
    assert_eq!(caveats, expected);
}

#[test]
fn an_rsa_leaf_is_refused() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").algorithm(&PKCS_RSA_SHA256).issued_by(&root);
    let source = PublicKeyError::Algorithm(UnsupportedAlgorithm { found: "RSA".to_owned() });
    let expected = CertificateError::Key { subject: "CN=Leaf".to_owned(), source };
    assert_eq!(presented_with(&leaf, &[], vec![0; 256]).under(&[&root]).refused(), expected);
}

#[test]
fn a_signature_of_the_issuer_is_none_of_the_leaf() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let of_root = root.showing(&leaf.der());
    let found = presented(&of_root, &[]).under(&[&root]).verdict();
    let key: PublicKey = leaf.certificate.public_key().unwrap();
    assert_eq!(key.algorithm(), KeyAlgorithm::P256);
    let expected = modelseal_verify::VerifyError::Signature { key: key.fingerprint() };
    assert_eq!(found, Err(expected));
}
