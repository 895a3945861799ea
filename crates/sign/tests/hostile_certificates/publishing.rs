//! Which signers can be made, and what they hand out.

use modelseal_bundle::legacy::pae_v0_2;
use modelseal_bundle::{PAYLOAD_TYPE, UntrustedBundle, VerificationMaterial, pae};
use modelseal_sign::{
    CertificateSigner, CertificateSignerError, KeyAlgorithm, PrivateKey, SignError, Signer, SigningKey,
};
use modelseal_verify::{Caveat, CertificateError, JudgedAt, PublicKey, UsageProblem, VerifyError, verify};
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};

use crate::holder::{END, Holder, NOW, Profile, authority, leaf, marked_leaf, time};
use crate::{anchored, clock, payload, signer};

#[test]
fn item_28_a_certificate_for_another_key_makes_no_signer_and_both_keys_are_named() {
    let (leaf, other) = (leaf("Leaf").self_signed(), leaf("Other").self_signed());
    let found = CertificateSigner::new(other.private_key(), leaf.certificate.clone(), vec![], clock());
    let certified = leaf.certificate.public_key().unwrap();
    let key = other.certificate.public_key().unwrap();
    let found = found.unwrap_err();
    let text = found.to_string();
    assert!(text.contains(&certified.fingerprint().to_string()), "{text}");
    assert!(text.contains(&key.fingerprint().to_string()), "{text}");
    let (certified, key) = (Box::new(certified), Box::new(key));
    assert_eq!(found, CertificateSignerError::OtherKey { subject: "CN=Leaf".to_owned(), certified, key });
}

#[test]
fn item_28_a_certificate_for_a_key_of_another_kind_makes_no_signer() {
    let leaf = leaf("Leaf").algorithm(&PKCS_ECDSA_P384_SHA384).self_signed();
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519);
    let found = CertificateSigner::new(key, leaf.certificate.clone(), vec![], clock()).unwrap_err();
    assert!(matches!(found, CertificateSignerError::OtherKey { .. }));
    let text = found.to_string();
    assert!(text.contains("ECDSA P-384") && text.contains("Ed25519"), "{text}");
}

#[test]
fn item_34_an_rsa_certificate_makes_no_signer() {
    let rsa = leaf("Leaf").algorithm(&PKCS_RSA_SHA256).self_signed();
    let key = PrivateKey::generate(KeyAlgorithm::P256);
    let found = CertificateSigner::new(key, rsa.certificate.clone(), vec![], clock()).unwrap_err();
    let is_key = matches!(&found, CertificateSignerError::Key { subject, .. } if subject == "CN=Leaf");
    assert!(is_key, "{found:?}");
}

#[track_caller]
fn makes_no_signer(profile: Profile, expected: &CertificateError) {
    let root = authority("Root").self_signed();
    let leaf = profile.issued_by(&root);
    for chain in [&[][..], &[&root]] {
        assert_eq!(signer(&leaf, chain).unwrap_err(), CertificateSignerError::Certificate(expected.clone()));
    }
}

#[test]
fn item_37_a_leaf_that_expired_or_is_not_yet_valid_makes_no_signer() {
    let at = JudgedAt::Now(time(NOW));
    let subject = || "CN=Leaf".to_owned();
    let (begin, end) = ("2029-01-01T00:00:00Z", "2030-05-31T23:59:59Z");
    let expired = CertificateError::Expired { subject: subject(), not_after: time(end), at };
    makes_no_signer(leaf("Leaf").valid(begin, end), &expired);
    let (begin, end) = ("2030-06-01T00:00:01Z", END);
    let early = CertificateError::NotYetValid { subject: subject(), not_before: time(begin), at };
    makes_no_signer(leaf("Leaf").valid(begin, end), &early);
}

#[test]
fn item_38_an_intermediate_that_expired_makes_no_signer() {
    let root = authority("Root").self_signed();
    let end = "2030-05-31T23:59:59Z";
    let intermediate = authority("CA").valid("2029-01-01T00:00:00Z", end).issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    let (not_after, at) = (time(end), JudgedAt::Now(time(NOW)));
    let expected = CertificateError::Expired { subject: "CN=CA".to_owned(), not_after, at };
    let found = signer(&leaf, &[&intermediate]).unwrap_err();
    assert_eq!(found, CertificateSignerError::Certificate(expected));
}

#[test]
fn items_39_and_40_leaves_that_verifiers_refuse_make_no_signer() {
    let usage = |problem| CertificateError::Usage { subject: "CN=Leaf".to_owned(), problem };
    let bare = leaf("Leaf").usages(&[]).purposes(&[]);
    makes_no_signer(bare, &usage(UsageProblem::NoUsage));
    let tls = leaf("Leaf").purposes(&[ExtendedKeyUsagePurpose::ServerAuth]);
    makes_no_signer(tls, &usage(UsageProblem::NoCodeSigning));
    let agreeing = leaf("Leaf").usages(&[KeyUsagePurpose::KeyAgreement]);
    makes_no_signer(agreeing, &usage(UsageProblem::NoDigitalSignature));
    let issuing = [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    makes_no_signer(marked_leaf("Leaf").usages(&issuing), &usage(UsageProblem::CertSign));
}

#[test]
fn item_40_a_leaf_marked_as_an_authority_signs_and_is_noted() {
    let leaf = marked_leaf("Leaf").self_signed();
    let signer = signer(&leaf, &[]).unwrap();
    let bundle = UntrustedBundle::parse(&signer.sign(&payload()).unwrap()).unwrap();
    assert!(verify(bundle, &signer.trust()).unwrap().caveats().contains(&Caveat::SignerIsAuthority));
}

#[test]
fn item_42_a_root_that_the_publisher_adds_is_not_believed() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let bundle = UntrustedBundle::parse(&signer(&leaf, &[&root]).unwrap().sign(&payload()).unwrap()).unwrap();
    verify(bundle.clone(), &anchored(&root)).unwrap();
    let found = verify(bundle, &anchored(&authority("Other").self_signed()));
    let unknown = matches!(&found, Err(VerifyError::Certificate(CertificateError::UnknownIssuer { .. })));
    assert!(unknown, "{found:?}");
}

#[test]
fn a_chain_of_another_certificate_makes_no_signer() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&authority("CA").issued_by(&root));
    let stranger = authority("Stranger").issued_by(&root);
    let found = signer(&leaf, &[&stranger, &root]).unwrap_err();
    let (subject, issuer) = ("CN=Leaf".to_owned(), "CN=CA".to_owned());
    assert_eq!(found, CertificateSignerError::Chain { subject, issuer });
}

#[test]
fn what_does_not_lie_on_the_path_makes_no_signer() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let below = authority("Below").issued_by(&intermediate);
    let leaf = leaf("Leaf").issued_by(&below);
    let stranger = authority("Stranger").self_signed();
    let stray = |subject: &str| {
        CertificateSignerError::Certificate(CertificateError::NotOnPath { subject: subject.to_owned() })
    };
    let gap = signer(&leaf, &[&below, &root]).unwrap_err();
    assert_eq!(gap, stray("CN=Root"));
    let with_stranger = signer(&leaf, &[&below, &intermediate, &stranger]).unwrap_err();
    assert_eq!(with_stranger, stray("CN=Stranger"));
    for chain in [&[&below][..], &[&below, &intermediate], &[&root, &below, &intermediate]] {
        signer(&leaf, chain).unwrap();
    }
}

/// So that those who trust either root can verify.
#[test]
fn certificates_of_one_authority_under_two_roots_go_together() {
    let (old, new) = (authority("Old").self_signed(), authority("New").self_signed());
    let first = authority("CA").issued_by(&old);
    let second = authority("CA").key_of(&first).issued_by(&new);
    let outdated = authority("CA").key_of(&first).valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let outdated = outdated.issued_by(&old);
    let leaf = leaf("Leaf").issued_by(&first);
    for chain in [
        &[&first, &second][..],
        &[&first, &old, &second, &new],
        &[&new, &second, &first],
        &[&outdated, &first, &second],
    ] {
        let bundle = signer(&leaf, chain).unwrap().sign(&payload()).unwrap();
        for root in [&old, &new] {
            verify(UntrustedBundle::parse(&bundle).unwrap(), &anchored(root)).unwrap();
        }
    }
}

#[test]
fn more_intermediates_than_a_path_may_have_make_no_signer() {
    let mut chain = vec![authority("Root").self_signed()];
    for number in 0..7 {
        let next = authority(&format!("CA {number}")).issued_by(chain.last().unwrap());
        chain.push(next);
    }
    let leaf = leaf("Leaf").issued_by(chain.last().unwrap());
    let without_root: Vec<_> = chain.iter().skip(1).collect();
    assert!(signer(&leaf, &without_root).is_err());
    let leaf = crate::holder::leaf("Leaf").issued_by(&chain[6]);
    signer(&leaf, &chain[1..7].iter().collect::<Vec<_>>()).unwrap();
}

#[test]
fn a_path_length_that_the_chain_breaks_makes_no_signer() {
    let root = authority("Root").path_length(0).self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    let found = signer(&leaf, &[&intermediate, &root]).unwrap_err().to_string();
    assert!(found.contains("path length"), "{found}");
}

#[test]
fn a_critical_extension_that_nobody_knows_makes_no_signer_with_or_without_a_chain() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").extended(&[1, 2, 3, 4], true, &[5, 0]).issued_by(&root);
    for chain in [&[][..], &[&root]] {
        let found = signer(&leaf, chain).unwrap_err().to_string();
        assert!(found.contains("critical extension"), "{found}");
    }
}

#[test]
fn a_chain_of_a_namesake_of_the_issuer_makes_no_signer() {
    let leaf = leaf("Leaf").issued_by(&authority("CA").self_signed());
    assert!(signer(&leaf, &[&authority("CA").self_signed()]).is_err());
}

#[test]
fn a_chain_with_a_leaf_of_somebody_else_makes_no_signer() {
    let root = authority("Root").self_signed();
    let (mine, other) = (leaf("Leaf").issued_by(&root), leaf("Other").issued_by(&root));
    let expected = CertificateError::NotOnPath { subject: "CN=Other".to_owned() };
    let found = signer(&mine, &[&root, &other]).unwrap_err();
    assert_eq!(found, CertificateSignerError::Certificate(expected));
}

#[test]
fn a_leaf_that_is_also_in_the_chain_is_written_once() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    let signer = signer(&leaf, &[&leaf, &intermediate, &leaf]).unwrap();
    let bundle = UntrustedBundle::parse(&signer.sign(&payload()).unwrap()).unwrap();
    let expected = VerificationMaterial::CertificateChain(vec![leaf.der(), intermediate.der()]);
    assert_eq!(*bundle.material(), expected);
}

/// A bundle holds eight certificates, so that nobody could read this one.
#[test]
fn a_chain_that_is_too_long_for_a_bundle_makes_no_signer() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let others: Vec<Holder> = (0..7).map(|_| authority("CA").issued_by(&root)).collect();
    let chain: Vec<&Holder> = std::iter::once(&root).chain(&others).collect();
    if let Ok(signer) = signer(&leaf, &chain) {
        let bundle = signer.sign(&payload()).unwrap();
        assert!(UntrustedBundle::parse(&bundle).is_ok(), "a bundle was made that nobody can read");
    }
}

/// A key that gives whatever it was told to give.
struct Liar {
    public: PublicKey,
    answer: Result<Vec<u8>, SignError>,
}

impl SigningKey for Liar {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
        self.answer.clone()
    }
}

fn signed_by_liar(leaf: &Holder, answer: Result<Vec<u8>, SignError>) -> Result<Vec<u8>, SignError> {
    let public = leaf.certificate.public_key().unwrap();
    let liar = Liar { public, answer };
    CertificateSigner::new(liar, leaf.certificate.clone(), vec![], clock()).unwrap().sign(&payload())
}

#[test]
fn item_89_a_key_that_gives_no_signature_of_its_own_makes_no_bundle() {
    let (mine, other) = (leaf("Leaf").self_signed(), leaf("Other").self_signed());
    let message = pae(PAYLOAD_TYPE, &payload());
    let good = SigningKey::sign(&mine.private_key(), &message).unwrap();
    let truncated = good[..good.len() - 1].to_vec();
    let longer = [&good[..], &[0]].concat();
    let of_other = SigningKey::sign(&other.private_key(), &message).unwrap();
    let of_payload = SigningKey::sign(&mine.private_key(), &payload()).unwrap();
    let of_v0_2 = SigningKey::sign(&mine.private_key(), &pae_v0_2(&payload())).unwrap();
    for answer in [vec![], vec![0; 64], truncated, longer, of_other, of_payload, of_v0_2] {
        assert_eq!(signed_by_liar(&mine, Ok(answer)), Err(SignError::SelfCheck));
    }
    assert!(signed_by_liar(&mine, Ok(good)).is_ok());
}

#[test]
fn item_89_what_a_key_says_of_its_failure_is_passed_on() {
    let leaf = leaf("Leaf").self_signed();
    let algorithm = KeyAlgorithm::P256;
    let malformed = SignError::Malformed { algorithm, found: 3 };
    let backend = SignError::Backend { reason: "gone".to_owned() };
    for error in [malformed, backend] {
        assert_eq!(signed_by_liar(&leaf, Err(error.clone())), Err(error));
    }
}
