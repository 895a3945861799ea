//! Keys as OpenSSL and others write them.

use modelseal_sign::{KeyAlgorithm, KeySigner, PrivateKey, PrivateKeyError, PublicKey, Signer};
use modelseal_verify::PublicKeyError;

macro_rules! key {
    ($name:literal) => {
        include_bytes!(concat!("../../../testdata/keys/", $name))
    };
}

fn private(pem: &[u8]) -> Result<PublicKey, PrivateKeyError> {
    PrivateKey::from_pem(pem).map(|key| key.public_key().clone())
}

#[test]
fn every_form_that_openssl_writes_gives_the_same_key() {
    let forms: [(&[u8], [&[u8]; 3]); 3] = [
        (key!("p256.pub"), [key!("p256.pem"), key!("p256.sec1.pem"), key!("p256.sec1-with-parameters.pem")]),
        (key!("p384.pub"), [key!("p384.pem"), key!("p384.sec1.pem"), key!("p384.sec1-with-parameters.pem")]),
        (key!("p521.pub"), [key!("p521.pem"), key!("p521.sec1.pem"), key!("p521.sec1-with-parameters.pem")]),
    ];
    for (public, forms) in forms {
        let public = PublicKey::from_pem(public).unwrap();
        for form in forms {
            assert_eq!(private(form), Ok(public.clone()));
        }
    }
    assert_eq!(private(key!("ed25519.pem")), Ok(PublicKey::from_pem(key!("ed25519.pub")).unwrap()));
}

#[test]
fn a_compressed_point_is_the_same_key_with_the_same_hint() {
    let compressed = PublicKey::from_pem(key!("p256.compressed.pub")).unwrap();
    let uncompressed = PublicKey::from_pem(key!("p256.pub")).unwrap();
    assert_eq!(compressed.hint(), uncompressed.hint());
    assert_eq!(compressed, uncompressed);
}

#[test]
fn encrypted_keys_are_named_as_such() {
    assert_eq!(private(key!("p256.encrypted.pem")), Err(PrivateKeyError::Encrypted));
    assert_eq!(private(key!("p256.proc-type.pem")), Err(PrivateKeyError::LegacyEncryption));
}

#[test]
fn item_33_other_curves_explicit_parameters_and_rsa_are_refused() {
    for pem in [&key!("secp256k1.pem")[..], key!("secp256k1.sec1.pem"), key!("explicit.pem"), key!("rsa.pem")]
    {
        assert!(matches!(private(pem), Err(PrivateKeyError::Algorithm { .. })), "{:?}", private(pem));
    }
    assert!(private(key!("explicit.sec1.pem")).is_err());
    for pem in [&key!("secp256k1.pub")[..], key!("explicit.pub"), key!("rsa.pub")] {
        assert!(matches!(PublicKey::from_pem(pem), Err(PublicKeyError::Algorithm { .. })));
    }
}

#[test]
fn item_34_rsa_signs_no_models_with_a_bare_key_of_any_size() {
    assert!(matches!(private(key!("rsa.pem")), Err(PrivateKeyError::Algorithm { .. })));
    let found = PublicKey::from_pem(key!("rsa.pub"));
    assert!(matches!(found, Err(PublicKeyError::Algorithm(error)) if error.found == "RSA"));
}

#[test]
fn a_public_key_is_no_private_key_and_the_other_way_round() {
    assert_eq!(private(key!("p256.pub")), Err(PrivateKeyError::Label { found: "PUBLIC KEY".to_owned() }));
    let found = PublicKey::from_pem(key!("p256.pem"));
    assert_eq!(found, Err(PublicKeyError::Label { found: "PRIVATE KEY".to_owned() }));
    assert_eq!(private(b"hello"), Err(PrivateKeyError::NotPem));
    assert_eq!(private(b"\xff"), Err(PrivateKeyError::NotPem));
    let text = String::from_utf8_lossy(key!("p256.pem")).replace("MIG", "AAA");
    assert_eq!(private(text.as_bytes()), Err(PrivateKeyError::Malformed));
}

#[test]
fn generated_keys_round_trip_and_sign() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::P521, KeyAlgorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm);
        let public = key.public_key();
        assert_eq!(public.algorithm(), algorithm);
        assert_eq!(private(key.to_pkcs8_pem().as_bytes()), Ok(public.clone()));
        assert_eq!(PublicKey::from_pem(public.to_pem().as_bytes()), Ok(public.clone()));
        assert_ne!(PrivateKey::generate(algorithm).public_key(), public);
        KeySigner::new(key).sign(b"payload").unwrap();
    }
}

#[test]
fn signing_the_same_twice_gives_the_same_bytes() {
    for pem in [&key!("p256.pem")[..], key!("p384.pem"), key!("ed25519.pem")] {
        let signer = KeySigner::new(PrivateKey::from_pem(pem).unwrap());
        assert_eq!(signer.sign(b"payload"), signer.sign(b"payload"));
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = PrivateKey::from_pem(key!("p256.pem")).unwrap();
    let shown = format!("{key:?}");
    assert_eq!(shown, format!("PrivateKey(public half sha256:{})", key.public_key().fingerprint()));
}
