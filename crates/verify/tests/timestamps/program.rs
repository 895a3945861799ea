//! Timestamps of a real authority, the program `openssl`, which makes them of
//! the time that it is.

use jiff::SignedDuration;
use modelseal_verify::{
    Caveat, Certificate, CertificateError, Clock, JudgedAt, ProvedTime, Signer, Timestamp,
    TimestampAuthorities, TimestampError, VerifyError, verify,
};
use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, SignatureAlgorithm};

use crate::holder::{Holder, issuing, stamping};
use crate::openssl::Program;
use crate::signed::{Signed, time};
use crate::token::Token;
use crate::{is_untrusted, refused};

fn authority(algorithm: &'static SignatureAlgorithm) -> (Holder, Holder) {
    let root = issuing("Root").self_signed();
    let leaf = stamping("Authority").algorithm(algorithm).issued_by(&root);
    (leaf, root)
}

fn p256() -> (Holder, Holder) {
    authority(&rcgen::PKCS_ECDSA_P256_SHA256)
}

fn under(certificates: &[&Holder], clock: Clock) -> TimestampAuthorities {
    let certificates: Vec<Certificate> =
        certificates.iter().map(|holder| holder.certificate.clone()).collect();
    TimestampAuthorities::certificates(certificates, clock).unwrap()
}

#[test]
fn a_timestamp_of_a_trusted_authority_proves_its_time() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
        let (signed, (leaf, root)) = (Signed::by_key(), authority(algorithm));
        let token = Program::of(&leaf, &[]).stamp(&signed.signature);
        let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
        let statement = verify(signed.evident(&[], &[token]), &trust).unwrap();
        let [ProvedTime::Timestamp(time)] = statement.times() else { panic!("{:?}", statement.times()) };
        assert!(Timestamp::now().duration_since(*time) < SignedDuration::from_mins(5), "{time}");
        let caveats = statement.caveats();
        assert!(
            !caveats.contains(&Caveat::NoTimeEvidence) && !caveats.contains(&Caveat::TimestampsNotChecked)
        );
    }
}

#[test]
fn an_intermediate_that_the_timestamp_carries_leads_to_the_root() {
    let signed = Signed::by_key();
    let root = issuing("Root").self_signed();
    let between = issuing("Intermediate").issued_by(&root);
    let leaf = stamping("Authority").issued_by(&between);
    let token = Program::of(&leaf, &[&between]).stamp(&signed.signature);
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    verify(signed.evident(&[], &[token]), &trust).unwrap();
}

#[test]
fn an_intermediate_that_the_verifier_has_leads_to_the_root() {
    let signed = Signed::by_key();
    let root = issuing("Root").self_signed();
    let between = issuing("Intermediate").issued_by(&root);
    let leaf = stamping("Authority").issued_by(&between);
    let token = Program::of(&leaf, &[]).stamp(&signed.signature);
    let trust = |given: &[&Holder]| signed.trust().and_timestamps(under(given, Clock::system()));
    verify(signed.evident(&[], std::slice::from_ref(&token)), &trust(&[&root, &between])).unwrap();
    assert!(is_untrusted(&refused(signed.evident(&[], &[token]), &trust(&[&root]))));
}

#[test]
fn the_longer_hashes_are_taken() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let (program, clock) = (Program::of(&leaf, &[]), Clock::system());
    let trust = signed.trust().and_timestamps(under(&[&root], clock));
    for hash in ["-sha256", "-sha384", "-sha512"] {
        let token = program.stamp_with(&signed.signature, &[hash, "-cert"], &[]);
        verify(signed.evident(&[], &[token]), &trust).unwrap();
    }
}

#[test]
fn item_34_a_timestamp_over_a_hash_of_sha_1_is_refused() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let token = Program::of(&leaf, &[]).stamp_with(&signed.signature, &["-sha1", "-cert"], &[]);
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    let found = refused(signed.evident(&[], &[token]), &trust);
    assert!(is_untrusted(&found) && found.to_string().contains("hash"), "{found}");
}

#[test]
fn a_token_without_its_response_is_taken() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let program = Program::of(&leaf, &[]);
    let token = program.stamp_with(&signed.signature, &["-sha256", "-cert"], &["-token_out"]);
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    verify(signed.evident(&[], &[token]), &trust).unwrap();
}

#[test]
fn a_timestamp_that_carries_no_certificate_needs_one_that_the_verifier_has() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let token = Program::of(&leaf, &[]).stamp_with(&signed.signature, &["-sha256"], &[]);
    let trust = |given: &[&Holder]| signed.trust().and_timestamps(under(given, Clock::system()));
    verify(signed.evident(&[], std::slice::from_ref(&token)), &trust(&[&root, &leaf])).unwrap();
    assert!(is_untrusted(&refused(signed.evident(&[], &[token]), &trust(&[&root]))));
}

#[test]
fn item_37_a_certificate_that_expired_since_it_signed_verifies_by_the_timestamp() {
    let now = Timestamp::now();
    let [an_hour, a_day] = [1, 24].map(SignedDuration::from_hours);
    let signed = Signed::by_certificate_of(&(now - an_hour).to_string(), &(now + an_hour).to_string());
    let (leaf, root) = p256();
    let token = Program::of(&leaf, &[]).stamp(&signed.signature);
    let tomorrow = Clock::at(now + a_day);
    let bundle = signed.evident(&[], &[token]);

    let trust = signed.trust_at(tomorrow).and_timestamps(under(&[&root], tomorrow));
    let statement = verify(bundle.clone(), &trust).unwrap();
    let Signer::Certificate(signer) = statement.signer() else { panic!() };
    assert_eq!(signer.judged_at(), JudgedAt::Proved(statement.times()[0]));

    let found = verify(bundle, &signed.trust_at(tomorrow));
    let Err(VerifyError::Certificate(CertificateError::Expired { at, .. })) = found else {
        panic!("{found:?}")
    };
    assert_eq!(at, JudgedAt::Now(tomorrow.now()));
    let found = verify(signed.evident(&[], &[]), &trust);
    assert!(matches!(found, Err(VerifyError::Certificate(_))), "the timestamp was removed: {found:?}");
}

#[test]
fn a_timestamp_over_another_signature_is_refused() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    for other in [signed.again().signature, signed.payload.clone(), signed.signed_bytes(), vec![]] {
        let token = Program::of(&leaf, &[]).stamp(&other);
        assert_eq!(refused(signed.evident(&[], &[token]), &trust), TimestampError::OtherSignature);
    }
}

#[test]
fn an_authority_under_another_root_of_the_same_name_is_refused() {
    let (signed, (leaf, _), (_, other_root)) = (Signed::by_key(), p256(), p256());
    let token = Program::of(&leaf, &[]).stamp(&signed.signature);
    let trust = signed.trust().and_timestamps(under(&[&other_root], Clock::system()));
    assert!(is_untrusted(&refused(signed.evident(&[], &[token]), &trust)));
}

#[test]
fn item_51_a_timestamp_of_the_future_is_refused() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let token = Program::of(&leaf, &[]).stamp(&signed.signature);
    let early = Clock::at(Timestamp::now() - SignedDuration::from_hours(1));
    let trust = signed.trust().and_timestamps(under(&[&root], early));
    let found = refused(signed.evident(&[], &[token]), &trust);
    let TimestampError::Future { index: 0, now, .. } = found else { panic!("{found:?}") };
    assert_eq!(now, early.now());
}

#[test]
fn an_authority_with_a_key_of_rsa_is_refused_and_the_message_says_so() {
    let signed = Signed::by_key();
    let root = issuing("Root").self_signed();
    let leaf = stamping("Authority").algorithm(&PKCS_RSA_SHA256).issued_by(&root);
    let token = Program::of(&leaf, &[]).stamp(&signed.signature);
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    let found = refused(signed.evident(&[], &[token]), &trust).to_string();
    assert!(["EC key", "ECDSA", "RSA"].iter().any(|word| found.contains(word)), "{found}");
}

#[test]
fn an_authority_whose_certificate_had_expired_is_refused() {
    let signed = Signed::by_key();
    let root = issuing("Root").self_signed();
    let leaf = stamping("Authority").valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z").issued_by(&root);
    let token = Program::of(&leaf, &[]).stamp(&signed.signature);
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    assert!(is_untrusted(&refused(signed.evident(&[], &[token]), &trust)));
}

/// What the other tests make by hand is what the program would believe.
#[test]
fn a_timestamp_made_by_hand_is_believed_by_the_program() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384] {
        let (leaf, root) = authority(algorithm);
        let program = Program::of(&leaf, &[]);
        let (bytes, at) = (b"a signature", "2024-05-15T12:00:00Z");
        let token = Token::new(&leaf, bytes, at).der();
        program.believes(&token, bytes, &root, time(at).as_second()).unwrap();
        program.believes(&token, b"another", &root, time(at).as_second()).unwrap_err();
    }
}

#[test]
fn a_serial_number_with_its_highest_bit_set_names_the_authority_too() {
    let signed = Signed::by_key();
    let root = issuing("Root").self_signed();
    for serial in [vec![0x80], vec![0xff; 19], vec![0xff; 20], vec![0x7f, 0xff]] {
        let number = rcgen::SerialNumber::from(serial.clone());
        let leaf = stamping("Authority").with(|params| params.serial_number = Some(number)).issued_by(&root);
        let token = Program::of(&leaf, &[]).stamp(&signed.signature);
        let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
        let found = verify(signed.evident(&[], &[token]), &trust);
        assert!(found.is_ok(), "{serial:x?}: {found:?}");
    }
}

#[test]
fn a_key_that_is_not_that_of_the_certificate_makes_no_timestamp() {
    let (signed, (leaf, root)) = (Signed::by_key(), p256());
    let twin = stamping("Authority").issued_by(&root);
    let token = Token::new(&leaf, &signed.signature, "2024-05-15T12:00:00Z").forged_by(&twin).der();
    let trust = signed.trust().and_timestamps(under(&[&root], Clock::system()));
    assert!(is_untrusted(&refused(signed.evident(&[], &[token]), &trust)));
}
