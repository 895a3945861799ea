//! Bundles in which something does not fit.

use modelseal_bundle::{BundleMethod, PAYLOAD_TYPE, UntrustedBundle, VerificationMaterial, pae};
use modelseal_sign::{KeySigner, Signer, SigningKey};
use modelseal_verify::{
    Caveat, Certificate, CertificateError, CertificateParseError, CertificateTrust, Clock, LogEntryError,
    PublicKeyError, Trust, UsageProblem, VerifyError, verify,
};
use p384::pkcs8::der::pem::decode_vec;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};
use serde_json::{Value, json};

use crate::der::Parts;
use crate::holder::{END, Holder, authority, leaf, time};
use crate::{anchored, bundle_of, clock, payload, signed_bundle};

#[test]
fn item_28_a_bundle_signed_by_another_key_than_its_leaf_names_the_key_of_the_leaf() {
    let root = authority("Root").self_signed();
    let (leaf, other) = (leaf("Leaf").issued_by(&root), leaf("Leaf").issued_by(&root));
    let stolen =
        bundle_of(vec![leaf.der()], payload(), signed_bundle(&other).envelope().signature().to_vec());
    let key = leaf.certificate.public_key().unwrap().fingerprint();
    assert_eq!(verify(stolen, &anchored(&root)), Err(VerifyError::Signature { key }));
}

#[test]
fn item_29_a_namesake_of_the_leaf_is_not_the_leaf() {
    let root = authority("Root").self_signed();
    let trusted = leaf("Leaf").issued_by(&root);
    let namesake = leaf("Leaf").issued_by(&authority("Root").self_signed());
    assert_eq!(namesake.certificate.subject(), trusted.certificate.subject());
    assert_eq!(namesake.certificate.issuer(), trusted.certificate.issuer());
    let pinned = Trust::certificate(CertificateTrust::leaf(trusted.certificate.clone(), clock()));
    let found = verify(signed_bundle(&namesake), &pinned);
    assert!(matches!(found, Err(VerifyError::Certificate(CertificateError::Leaf { .. }))), "{found:?}");
    assert!(verify(signed_bundle(&namesake), &anchored(&root)).is_err());
}

/// A leaf whose issuer signed it with this key in it.
fn leaf_with_key(spki: Vec<u8>, root: &Holder) -> Certificate {
    let honest = leaf("Leaf").issued_by(root);
    let mut parts = Parts::of(&honest.certificate);
    parts.key = spki;
    Certificate::from_der(&parts.signed_by(root)).unwrap()
}

fn refused_key(spki: Vec<u8>) -> PublicKeyError {
    let root = authority("Root").self_signed();
    let leaf = leaf_with_key(spki, &root);
    let bundle = bundle_of(vec![leaf.as_der().to_vec()], payload(), vec![0; 8]);
    match verify(bundle, &anchored(&root)) {
        Err(VerifyError::Certificate(CertificateError::Key { source, .. })) => source,
        other => panic!("expected a refusal of the key, found {other:?}"),
    }
}

#[test]
fn item_33_leaves_with_keys_on_other_curves_or_with_explicit_parameters_are_refused() {
    for pem in [
        &include_bytes!("../../../../testdata/keys/secp256k1.pub")[..],
        include_bytes!("../../../../testdata/keys/explicit.pub"),
        include_bytes!("../../../../testdata/keys/rsa.pub"),
    ] {
        let found = refused_key(decode_vec(pem).unwrap().1);
        assert!(matches!(found, PublicKeyError::Algorithm(_)), "{found:?}");
    }
}

#[test]
fn item_33_a_leaf_with_a_key_off_its_curve_is_refused() {
    let honest = leaf("Leaf").self_signed();
    let mut spki = honest.certificate.public_key().unwrap().as_spki_der().to_vec();
    *spki.last_mut().unwrap() ^= 1;
    assert_eq!(refused_key(spki), PublicKeyError::Malformed);
}

#[test]
fn item_36_a_certificate_bundle_is_refused_where_a_key_is_trusted_and_named() {
    let leaf = leaf("Leaf").self_signed();
    let found = verify(signed_bundle(&leaf), &Trust::key(leaf.certificate.public_key().unwrap()));
    let (expected, method) = (BundleMethod::Key, BundleMethod::Certificate);
    let found = found.unwrap_err();
    assert!(found.to_string().contains("signed by the method \"certificate\""), "{found}");
    assert_eq!(found, VerifyError::Method { expected, found: method });
}

#[test]
fn item_36_other_bundles_are_refused_where_certificates_are_trusted_and_named() {
    let leaf = leaf("Leaf").self_signed();
    let trust = Trust::certificate(CertificateTrust::leaf(leaf.certificate.clone(), clock()));
    let by_key = KeySigner::new(leaf.private_key()).sign(&payload()).unwrap();
    let keyless = VerificationMaterial::Certificate(leaf.der());
    let keyless = UntrustedBundle::new(keyless, signed_bundle(&leaf).into_envelope());
    for (bundle, method) in
        [(UntrustedBundle::parse(&by_key).unwrap(), BundleMethod::Key), (keyless, BundleMethod::Sigstore)]
    {
        let found = verify(bundle, &trust).unwrap_err();
        assert!(found.to_string().contains(&format!("signed by the method \"{method}\"")), "{found}");
        assert_eq!(found, VerifyError::Method { expected: BundleMethod::Certificate, found: method });
    }
}

#[test]
fn item_37_a_timestamp_that_nobody_checks_does_not_save_a_leaf_that_expired() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let mut bundle: Value = serde_json::from_slice(&signed_bundle(&leaf).to_json()).unwrap();
    bundle["verificationMaterial"]["timestampVerificationData"] =
        json!({"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]});
    let bundle = UntrustedBundle::parse(bundle.to_string().as_bytes()).unwrap();
    let at = |now| {
        let anchors = vec![root.certificate.clone()];
        verify(bundle.clone(), &Trust::certificate(CertificateTrust::anchors(anchors, Clock::at(time(now)))))
    };
    assert!(at(END).unwrap().caveats().contains(&Caveat::TimestampsNotChecked));
    let found = at("2031-01-01T00:00:01Z");
    assert!(matches!(found, Err(VerifyError::Certificate(CertificateError::Expired { .. }))), "{found:?}");
}

#[test]
fn item_41_a_tls_certificate_is_refused_also_under_its_own_root() {
    let root = authority("Root").self_signed();
    let usages = [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    let purposes = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let tls = leaf("www.acme.example").usages(&usages).purposes(&purposes).issued_by(&root);
    let signature = SigningKey::sign(&tls.private_key(), &pae(PAYLOAD_TYPE, &payload())).unwrap();
    let found = verify(bundle_of(vec![tls.der()], payload(), signature), &anchored(&root));
    let (subject, problem) = ("CN=www.acme.example".to_owned(), UsageProblem::NoCodeSigning);
    let expected = CertificateError::Usage { subject, problem };
    assert_eq!(found, Err(VerifyError::Certificate(expected)));
}

#[test]
fn item_48_a_log_entry_about_nothing_in_a_certificate_bundle_is_refused() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let mut bundle: Value = serde_json::from_slice(&signed_bundle(&leaf).to_json()).unwrap();
    let proof = json!({
        "logIndex": "5", "rootHash": "AAAA", "treeSize": "6", "hashes": [], "checkpoint": {"envelope": "x"},
    });
    bundle["verificationMaterial"]["tlogEntries"] = json!([{
        "logIndex": "5", "logId": {"keyId": "AAAA"}, "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "1700000000", "canonicalizedBody": "e30=", "inclusionProof": proof,
    }]);
    let bundle = UntrustedBundle::parse(bundle.to_string().as_bytes()).unwrap();
    let found = verify(bundle, &anchored(&root));
    assert!(matches!(found, Err(VerifyError::LogEntry(LogEntryError::Malformed { .. }))), "{found:?}");
}

#[test]
fn garbage_in_the_place_of_a_certificate_is_refused_and_its_place_is_named() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let cut = leaf.der()[..leaf.der().len() - 1].to_vec();
    for garbage in [vec![], vec![0x30], vec![0x30, 0], b"hello".to_vec(), cut] {
        for (index, chain) in [
            (0, vec![garbage.clone()]),
            (0, vec![garbage.clone(), root.der()]),
            (1, vec![leaf.der(), garbage.clone(), root.der()]),
            (2, vec![leaf.der(), root.der(), garbage]),
        ] {
            let signature = signed_bundle(&leaf).envelope().signature().to_vec();
            let source = CertificateParseError::Malformed;
            let expected = CertificateError::Malformed { index, source };
            let found = verify(bundle_of(chain, payload(), signature), &anchored(&root));
            assert_eq!(found, Err(VerifyError::Certificate(expected)));
        }
    }
}

#[test]
fn no_certificate_at_all_is_refused() {
    let root = authority("Root").self_signed();
    let found = verify(bundle_of(vec![], payload(), vec![]), &anchored(&root));
    assert_eq!(found, Err(VerifyError::Certificate(CertificateError::EmptyChain)));
}
