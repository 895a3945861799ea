//! Certificates and revocation lists in files.

use modelseal_sign::{PrivateKey, PublicKey};
use modelseal_verify::{Certificate, CertificateParseError, CertificateRevocationList, CrlError};
use p384::pkcs8::LineEnding;
use p384::pkcs8::der::pem::encode_string;

use crate::holder::{authority, time};

fn pem(label: &str, der: &[u8]) -> String {
    encode_string(label, LineEnding::LF, der).unwrap()
}

fn all_from_pem(text: &str) -> Result<Vec<Certificate>, CertificateParseError> {
    Certificate::all_from_pem(text.as_bytes())
}

#[test]
fn certificates_are_read_from_pem_in_order_with_other_text_between_them() {
    let (first, second) = (authority("First").self_signed(), authority("Second").self_signed());
    let expected = Ok(vec![first.certificate.clone(), second.certificate.clone()]);
    let (first, second) = (pem("CERTIFICATE", &first.der()), pem("CERTIFICATE", &second.der()));
    assert_eq!(all_from_pem(&format!("{first}{second}")), expected);
    let text = format!("subject=CN = First\n{first}\n# second\n\n{second}the end");
    assert_eq!(all_from_pem(&text), expected);
    assert_eq!(all_from_pem(&text.replace('\n', "\r\n")), expected);
}

#[test]
fn text_without_a_certificate_is_not_pem() {
    let der = authority("Root").self_signed().der();
    let cut = pem("CERTIFICATE", &der).replace("-----END CERTIFICATE-----", "");
    let spoiled = pem("CERTIFICATE", &der).replacen("MII", "M!I", 1);
    for text in ["", "hello", "-----BEGIN CERTIFICATE-----", &cut, &spoiled] {
        assert_eq!(all_from_pem(text), Err(CertificateParseError::NotPem), "{text}");
    }
    assert_eq!(Certificate::all_from_pem(&der), Err(CertificateParseError::NotPem));
}

#[test]
fn a_pem_block_of_something_else_is_refused() {
    let root = authority("Root").self_signed();
    let certificate = pem("CERTIFICATE", &root.der());
    let list = pem("X509 CRL", &root.revoking(&[]).der());
    for other in
        [root.key.serialize_pem(), root.key.public_key_pem(), list, pem("EC PRIVATE KEY", &[0x30, 0])]
    {
        for text in [format!("{certificate}{other}"), format!("{other}{certificate}"), other] {
            let found = all_from_pem(&text);
            assert!(matches!(found, Err(CertificateParseError::Label { .. })), "{found:?}");
        }
    }
}

#[test]
fn an_encrypted_key_or_a_trusted_certificate_beside_certificates_is_refused() {
    let root = authority("Root").self_signed();
    let certificate = pem("CERTIFICATE", &root.der());
    for label in ["ENCRYPTED PRIVATE KEY", "TRUSTED CERTIFICATE", "OPENSSH PRIVATE KEY"] {
        let text = format!("{certificate}{}", pem(label, &root.der()));
        assert!(all_from_pem(&text).is_err(), "{label} was passed over");
    }
}

#[test]
fn pem_of_something_that_is_no_certificate_is_malformed() {
    let text = pem("CERTIFICATE", &[0x30, 0]);
    assert_eq!(all_from_pem(&text), Err(CertificateParseError::Malformed));
}

#[test]
fn a_revocation_list_is_read_from_der_or_pem() {
    let root = authority("Root").self_signed();
    let der = root.revoking(&[]).der();
    let text = pem("X509 CRL", &der);
    for bytes in [&der[..], text.as_bytes(), text.replace('\n', "\r\n").as_bytes()] {
        let lists = CertificateRevocationList::all_from_bytes(bytes).unwrap();
        assert_eq!(lists.len(), 1);
        assert_eq!(lists[0].issuer(), "CN=Root");
        assert_eq!(lists[0].this_update(), time("2030-05-01T00:00:00Z"));
    }
}

#[test]
fn a_file_may_hold_several_revocation_lists() {
    let der = authority("Root").self_signed().revoking(&[]).der();
    let text = pem("X509 CRL", &der);
    let both = format!("{text}{text}");
    assert_eq!(CertificateRevocationList::all_from_bytes(both.as_bytes()).unwrap().len(), 2);
    // Without a line break between them the second would be passed over.
    let glued = format!("{}{text}", text.trim_end());
    assert!(CertificateRevocationList::all_from_bytes(glued.as_bytes()).is_err());
}

/// As files are that lost their line breaks on the way through a variable.
#[test]
fn item_88_a_private_key_without_line_breaks_is_not_shown() {
    let body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg";
    for separator in ["", " ", "\\n", "\r"] {
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let key =
                ["-----BEGIN ", label, "-----", separator, body, separator, "-----END ", label, "-----"]
                    .concat();
            let errors = [
                PrivateKey::from_pem(key.as_bytes()).unwrap_err().to_string(),
                all_from_pem(&key).unwrap_err().to_string(),
                PublicKey::from_pem(key.as_bytes()).unwrap_err().to_string(),
            ];
            for error in errors {
                assert!(!error.contains(&body[..8]), "{error}");
            }
        }
    }
}

#[test]
fn certificates_that_are_glued_together_are_not_passed_over() {
    let root = pem("CERTIFICATE", &authority("Root").self_signed().der());
    let glued = format!("{}{root}", root.trim_end());
    assert_eq!(all_from_pem(&glued), Err(CertificateParseError::NotPem));
    let indented = format!("{root}  {root}");
    assert_ne!(all_from_pem(&indented).map(|all| all.len()), Ok(1));
}

#[test]
fn what_is_no_revocation_list_is_malformed() {
    let root = authority("Root").self_signed();
    let der = root.revoking(&[]).der();
    let text = pem("X509 CRL", &der);
    let longer = [&der[..], &[0]].concat();
    let both = format!("{text}{}", pem("CERTIFICATE", &root.der()));
    let certificate = pem("CERTIFICATE", &root.der());
    let empty = pem("X509 CRL", &[0x30, 0]);
    for bytes in [
        &b""[..],
        b"hello",
        &[0x30, 0],
        &der[..der.len() - 1],
        &longer,
        &root.der(),
        certificate.as_bytes(),
        both.as_bytes(),
        empty.as_bytes(),
    ] {
        let found = CertificateRevocationList::all_from_bytes(bytes).map(|_| ());
        assert_eq!(found, Err(CrlError::Malformed), "{}", String::from_utf8_lossy(bytes));
    }
}
