//! Whatever bytes come as certificates, lists and names, nothing panics.

use std::str::FromStr;

use modelseal_verify::{Certificate, CertificateRevocationList, CertificateTrust, Clock, SubjectPattern};
use proptest::prelude::*;

const ROOT: &[u8] = include_bytes!("../../../testdata/certificates/root.pem");
const CHAIN: &[u8] = include_bytes!("../../../testdata/certificates/full-chain.pem");
const CRL: &[u8] = include_bytes!("../../../testdata/certificates/issuing-ca.crl");

/// Puts a byte in place of another, or leaves it out, or adds one.
fn mutate(bytes: &[u8], edits: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (index, kind, byte) in edits {
        let at = index.index(bytes.len());
        match kind % 3 {
            0 => bytes[at] = *byte,
            1 if bytes.len() > 1 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, *byte),
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..4)
}

fn chain() -> Vec<Certificate> {
    Certificate::all_from_pem(CHAIN).unwrap()
}

proptest! {
    #[test]
    fn a_certificate_that_was_tampered_with_is_read_or_refused(edits in edits()) {
        if let Ok(certificate) = Certificate::from_der(&mutate(chain()[0].as_der(), &edits)) {
            let _ = (certificate.subject(), certificate.issuer(), certificate.serial(), certificate.public_key());
        }
    }

    #[test]
    fn pem_text_is_read_or_refused(edits in edits()) {
        let _ = Certificate::all_from_pem(&mutate(CHAIN, &edits));
    }

    #[test]
    fn a_revocation_list_is_read_or_refused(edits in edits()) {
        let _ = CertificateRevocationList::all_from_bytes(&mutate(CRL, &edits));
    }

    #[test]
    fn a_leaf_that_was_tampered_with_is_never_believed(edits in edits()) {
        let (leaf, issuer) = (chain()[0].as_der().to_vec(), chain()[1].as_der().to_vec());
        let mutated = mutate(&leaf, &edits);
        prop_assume!(mutated != leaf);
        let anchors = Certificate::all_from_pem(ROOT).unwrap();
        let found = CertificateTrust::anchors(anchors, Clock::system()).certify(&[mutated, issuer]);
        prop_assert!(found.is_err(), "{found:?}");
    }

    #[test]
    fn a_subject_pattern_is_read_or_refused(pattern in r#"(CN|O|emailAddress|2\.5\.4\.3|)=?[a-z,+=\\#"; äöü\u{202e}0-9A-F]{0,12}"#) {
        let _ = SubjectPattern::from_str(&pattern).map(|pattern| pattern.to_string());
    }

    #[test]
    fn any_text_as_a_subject_pattern_is_read_or_refused(pattern in any::<String>()) {
        let _ = SubjectPattern::from_str(&pattern);
    }
}

#[test]
fn the_chain_itself_is_believed() {
    let anchors = Certificate::all_from_pem(ROOT).unwrap();
    let ders: Vec<Vec<u8>> = chain().iter().map(|certificate| certificate.as_der().to_vec()).collect();
    CertificateTrust::anchors(anchors, Clock::system()).certify(&ders).unwrap();
}
