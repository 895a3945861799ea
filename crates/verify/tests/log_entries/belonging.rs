//! An entry is about this payload, this signature and this signer, whether or
//! not a log is trusted.

use modelseal_verify::{Caveat, LogEntryError, LogRecord};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use sha2::{Digest, Sha384, Sha512};

use crate::log::{INDEX, Log, base64, root_of, sha256};
use crate::signed::{Signed, certificate_verifier, clock, key_verifier, refused, verified};

type Body = fn(&Signed) -> Value;

const BODIES: [Body; 2] = [Signed::hashedrekord, Signed::dsse];

fn signers() -> [Signed; 2] {
    [Signed::by_key(), Signed::by_certificate()]
}

fn log_of(body: &Value) -> Log {
    if body["kind"] == "dsse" { Log::v1("rekor.example") } else { Log::v2("log.example") }
}

/// Asserts that a body is refused, with and without a log that is trusted.
#[track_caller]
fn is_foreign(signed: &Signed, body: &Value, what: &str) {
    let log = log_of(body);
    let entry = log.entry(body);
    let with_logs = signed.trust().and_logs(root_of(&[log.trusted()]), clock());
    for trust in [signed.trust(), with_logs] {
        let found = refused(signed.bundle(std::slice::from_ref(&entry)), &trust);
        let LogEntryError::OtherSignature { reason } = found else { panic!("{found:?}") };
        assert!(reason.contains(what), "{reason}");
    }
}

#[track_caller]
fn belongs(signed: &Signed, body: &Value) {
    let entry = log_of(body).entry(body);
    let statement = verified(signed.bundle(std::slice::from_ref(&entry)), &signed.trust());
    let log_index = entry["logIndex"].as_str().unwrap().parse().unwrap();
    assert_eq!(statement.log_entries(), [LogRecord { log_index, log: None }]);
    assert!(statement.caveats().contains(&Caveat::LogsNotChecked));
    assert!(statement.caveats().contains(&Caveat::NoTimeEvidence));
}

#[test]
fn an_entry_of_this_signature_is_reported_as_not_checked() {
    for signed in signers() {
        for body in BODIES {
            belongs(&signed, &body(&signed));
        }
    }
}

#[test]
fn a_bundle_without_entries_says_nothing_of_logs() {
    let signed = Signed::by_key();
    let statement = verified(signed.bundle(&[]), &signed.trust());
    assert_eq!(statement.log_entries(), []);
    assert!(!statement.caveats().contains(&Caveat::LogsNotChecked));
}

#[test]
fn item_48_an_entry_of_another_payload_of_the_same_signer_is_refused() {
    for signed in signers() {
        let other = signed.also_over(b"b");
        for body in BODIES {
            is_foreign(&signed, &body(&other), "payload");
        }
    }
}

#[test]
fn item_48_an_entry_of_another_signature_over_the_same_payload_is_refused() {
    for signed in signers() {
        let again = signed.again();
        assert_ne!(signed.signature, again.signature);
        for body in BODIES {
            is_foreign(&signed, &body(&again), "signature");
        }
    }
}

#[test]
fn item_48_an_entry_that_names_another_key_is_refused() {
    let (signed, other) = (Signed::by_key(), KeyPair::generate().unwrap());
    let mut body = signed.hashedrekord();
    *verifier(&mut body) = key_verifier(&other.subject_public_key_info());
    is_foreign(&signed, &body, "signer");
    let mut body = signed.dsse();
    body["spec"]["signatures"][0]["verifier"] = json!(base64(other.public_key_pem().as_bytes()));
    is_foreign(&signed, &body, "signer");
}

#[test]
fn item_48_an_entry_that_names_another_certificate_of_the_same_key_is_refused() {
    let signed = Signed::by_certificate();
    let other = signed.under_another_root();
    assert_eq!(signed.spki(), other.spki());
    for body in BODIES {
        is_foreign(&signed, &body(&other), "signer");
    }
}

#[test]
fn item_48_an_entry_that_names_a_certificate_does_not_belong_to_a_bare_key() {
    let certified = Signed::by_certificate();
    let signed = certified.without_certificate();
    for body in BODIES {
        is_foreign(&signed, &body(&certified), "signer");
    }
}

/// The key is what verifies, and a log that was shown no more than the key has
/// nothing else to name.
#[test]
fn an_entry_that_names_the_key_of_the_certificate_belongs() {
    let certified = Signed::by_certificate();
    for body in BODIES {
        belongs(&certified, &body(&certified.without_certificate()));
    }
}

#[test]
fn item_48_an_entry_that_names_both_a_key_and_a_certificate_is_refused() {
    let signed = Signed::by_certificate();
    let mut both = certificate_verifier(&signed.leaf_der());
    both["publicKey"] = key_verifier(&signed.spki())["publicKey"].clone();
    let mut body = signed.hashedrekord();
    *verifier(&mut body) = both;
    is_foreign(&signed, &body, "signer");
}

#[test]
fn item_48_an_entry_that_names_nobody_is_refused() {
    let signed = Signed::by_key();
    let mut body = signed.hashedrekord();
    *verifier(&mut body) = json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256"});
    is_foreign(&signed, &body, "signer");
    for nobody in ["", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "nonsense"] {
        let mut body = signed.dsse();
        body["spec"]["signatures"][0]["verifier"] = json!(base64(nobody.as_bytes()));
        is_foreign(&signed, &body, "signer");
    }
}

#[test]
fn item_48_an_entry_with_several_signatures_or_none_is_refused() {
    for signed in signers() {
        let own = signed.dsse()["spec"]["signatures"][0].clone();
        let other = signed.also_over(b"b").dsse()["spec"]["signatures"][0].clone();
        for signatures in [json!([own, other]), json!([other, own]), json!([own, own])] {
            let mut body = signed.dsse();
            body["spec"]["signatures"] = signatures;
            is_foreign(&signed, &body, "several signatures");
        }
        let mut body = signed.dsse();
        body["spec"]["signatures"] = json!([]);
        is_foreign(&signed, &body, "signature");
    }
}

/// The kind of entry is defined for no other hash.
#[test]
fn item_48_a_digest_of_this_payload_by_another_hash_is_refused() {
    let signed = Signed::by_key();
    let bytes = signed.signed_bytes();
    for (algorithm, digest) in
        [("SHA2_384", Sha384::digest(&bytes).to_vec()), ("SHA2_512", Sha512::digest(&bytes).to_vec())]
    {
        let mut body = signed.hashedrekord();
        *data(&mut body) = json!({"algorithm": algorithm, "digest": base64(&digest)});
        is_foreign(&signed, &body, "payload");
    }
}

#[test]
fn item_48_a_digest_under_the_name_of_another_algorithm_is_refused() {
    let signed = Signed::by_key();
    let bytes = signed.signed_bytes();
    let (short, long) = (sha256(&bytes).to_vec(), Sha512::digest(&bytes).to_vec());
    for (algorithm, digest) in
        [("SHA2_384", &short), ("SHA2_512", &short), ("SHA2_256", &long), ("SHA2_256", &vec![])]
    {
        let mut body = signed.hashedrekord();
        *data(&mut body) = json!({"algorithm": algorithm, "digest": base64(digest)});
        is_foreign(&signed, &body, "payload");
    }
}

#[test]
fn item_48_a_hash_of_the_payload_that_is_not_sha_256_in_lowercase_is_refused() {
    let signed = Signed::by_key();
    let sha_512 = hex::encode(Sha512::digest(&signed.payload));
    let upper = hex::encode_upper(sha256(&signed.payload));
    let right = hex::encode(sha256(&signed.payload));
    for (algorithm, value) in [("sha512", &sha_512), ("sha256", &upper), ("sha512", &right)] {
        let mut body = signed.dsse();
        body["spec"]["payloadHash"] = json!({"algorithm": algorithm, "value": value});
        is_foreign(&signed, &body, "payload");
    }
}

#[test]
fn item_48_one_foreign_entry_spoils_the_others() {
    let signed = Signed::by_key();
    let log = Log::v2("log.example");
    let (own, foreign) =
        (log.entry(&signed.hashedrekord()), log.entry(&signed.also_over(b"b").hashedrekord()));
    for entries in [[own.clone(), foreign.clone()], [foreign, own.clone()]] {
        let found = refused(signed.bundle(&entries), &signed.trust());
        assert!(matches!(found, LogEntryError::OtherSignature { .. }), "{found:?}");
    }
    let statement = verified(signed.bundle(&[own.clone(), own]), &signed.trust());
    assert_eq!(statement.log_entries().len(), 2);
    assert_eq!(statement.log_entries()[0].log_index, INDEX);
}

fn verifier(body: &mut Value) -> &mut Value {
    &mut body["spec"]["hashedRekordV002"]["signature"]["verifier"]
}

fn data(body: &mut Value) -> &mut Value {
    &mut body["spec"]["hashedRekordV002"]["data"]
}
