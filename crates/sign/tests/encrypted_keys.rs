//! Private keys under a passphrase, as OpenSSL writes and reads them.

use std::io::Write;
use std::process::{Command, Stdio};

use pkcs8::der::SecretDocument;
use pkcs8::pkcs5::pbes2;
use pkcs8::{EncryptedPrivateKeyInfo, LineEnding};

use modelseal_sign::{KeyAlgorithm, Passphrase, PrivateKey, PrivateKeyError, PublicKey};

const KEYS: [&str; 4] = ["p256", "p384", "p521", "ed25519"];
const PASSPHRASE: &str = "correct horse";

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE.as_bytes().to_vec())
}

fn key_file(name: &str) -> String {
    format!("{}/../../testdata/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What `openssl` prints; `None` where it is missing, which only a developer's
/// machine may be.
fn openssl(arguments: &[&str], input: &[u8]) -> Option<String> {
    let mut command = Command::new("openssl");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if std::env::var("CI").is_ok_and(|value| value == "true") => panic!("openssl: {error}"),
        Err(error) => {
            eprintln!("SKIPPED: openssl: {error}");
            return None;
        }
    };
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The test key `name`, as `openssl pkcs8` encrypts it with `options`.
fn encrypted(name: &str, options: &str) -> Option<String> {
    let (file, passphrase) = (key_file(&format!("{name}.pem")), format!("pass:{PASSPHRASE}"));
    let arguments = ["pkcs8", "-topk8", "-in", &file, "-passout", &passphrase];
    let options: Vec<_> = options.split(' ').collect();
    openssl(&[&arguments, &options[..]].concat(), b"")
}

fn decrypt(pem: &str) -> Result<PublicKey, PrivateKeyError> {
    PrivateKey::from_encrypted_pem(pem.as_bytes(), &passphrase()).map(|key| key.public_key().clone())
}

/// The public half as OpenSSL gives it.
fn public(name: &str) -> Option<PublicKey> {
    let pem = openssl(&["pkey", "-in", &key_file(&format!("{name}.pem")), "-pubout"], b"")?;
    Some(PublicKey::from_pem(pem.as_bytes()).unwrap())
}

#[test]
fn what_openssl_encrypts_by_default_is_decrypted() {
    for name in KEYS {
        let Some(pem) = encrypted(name, "-v2 aes-256-cbc") else { return };
        assert_eq!(decrypt(&pem).ok(), public(name), "{name}");
    }
}

#[test]
fn aes_with_pbkdf2_and_sha2_or_with_scrypt_is_decrypted() {
    for options in [
        "-v2 aes-128-cbc",
        "-v2 aes-192-cbc",
        "-v2 aes-128-cbc -v2prf hmacWithSHA256",
        "-v2 aes-256-cbc -v2prf hmacWithSHA384",
        "-v2 aes-256-cbc -v2prf hmacWithSHA512",
        "-v2 aes-256-cbc -iter 20000",
        "-v2 aes-128-cbc -scrypt",
        "-scrypt -scrypt_N 1024 -scrypt_r 4 -scrypt_p 2",
    ] {
        let Some(pem) = encrypted("p256", options) else { return };
        assert_eq!(decrypt(&pem).ok(), public("p256"), "{options}");
    }
}

#[test]
fn older_ciphers_and_hashes_are_named_as_unsupported() {
    for options in ["-v2 des3", "-v2 camellia256", "-v2 aes-256-cbc -v2prf hmacWithSHA1"] {
        let Some(pem) = encrypted("p256", options) else { return };
        assert_eq!(decrypt(&pem), Err(PrivateKeyError::UnsupportedEncryption), "{options}");
    }
}

#[test]
fn the_encryption_of_pkcs12_is_named_as_unsupported() {
    for options in ["-v1 PBE-SHA1-3DES", "-v1 PBE-SHA1-2DES"] {
        let Some(pem) = encrypted("p256", options) else { return };
        assert_eq!(decrypt(&pem), Err(PrivateKeyError::UnsupportedEncryption), "{options}");
    }
}

/// By `openssl pkcs8 -v1 PBE-MD5-DES`, which new releases do without.
const PBES1: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGwMBsGCSqGSIb3DQEFAzAOBAg4hIpE9AW9YgICCAAEgZCDdp0V3DznNEqDBVm1
BbznYteg4QjtxTuW4FyszHkPfur9zhiXmB2gk3par8poXlTFwzse8MQ44y8/jaIH
L2A7NjIiJ3URnMLBRlArKloz5P2ETKlGqbCA5VmYydWiNHaZB50ivNd+yoViEao3
ChqDu5RySM9esVnRe0PPPpsciQAWbE8hY1ANpEHYU0k5xgk=
-----END ENCRYPTED PRIVATE KEY-----
";

#[test]
fn the_encryption_of_pkcs5_1_5_is_named_as_unsupported() {
    assert_eq!(decrypt(PBES1), Err(PrivateKeyError::UnsupportedEncryption));
}

#[test]
fn another_passphrase_does_not_decrypt() {
    let Some(pem) = encrypted("p256", "-v2 aes-256-cbc") else { return };
    for wrong in ["", "Correct horse", "correct horse ", "correct horse\n"] {
        let key = PrivateKey::from_encrypted_pem(pem.as_bytes(), &Passphrase::new(wrong.as_bytes().to_vec()));
        assert_eq!(key.err(), Some(PrivateKeyError::WrongPassphrase), "{wrong:?}");
    }
}

#[test]
fn a_passphrase_may_be_any_text() {
    for text in ["x", "p\u{e4}ss \u{1f511}", &"long".repeat(200)] {
        let (file, passout) = (key_file("p256.pem"), format!("pass:{text}"));
        let arguments = ["pkcs8", "-topk8", "-in", &file, "-v2", "aes-256-cbc", "-passout", &passout];
        let Some(pem) = openssl(&arguments, b"") else { return };
        let passphrase = Passphrase::new(text.as_bytes().to_vec());
        assert!(PrivateKey::from_encrypted_pem(pem.as_bytes(), &passphrase).is_ok(), "{text}");
    }
}

#[test]
fn a_damaged_key_gives_no_key_and_no_panic() {
    let Some(pem) = encrypted("p256", "-v2 aes-128-cbc -v2prf hmacWithSHA256 -iter 1") else { return };
    let mut damaged = pem.clone().into_bytes();
    let body = pem.find('\n').unwrap() + 1..pem.rfind("\n-----END").unwrap();
    // One character a time: the structure, the parameters, the encrypted bytes.
    for at in body.step_by(7).filter(|at| pem.as_bytes()[*at] != b'\n') {
        let whole = damaged[at];
        damaged[at] = if whole == b'A' { b'B' } else { b'A' };
        // The padding of the last block may come through unharmed.
        if let Ok(key) = PrivateKey::from_encrypted_pem(&damaged, &passphrase()) {
            assert_eq!(Some(key.public_key().clone()), public("p256"), "character {at}");
        }
        damaged[at] = whole;
    }
}

#[test]
fn a_damaged_ciphertext_reads_like_a_wrong_passphrase() {
    let Some(pem) = encrypted("p256", "-v2 aes-256-cbc") else { return };
    let end = pem.rfind("\n-----END").unwrap();
    let mut damaged = pem.into_bytes();
    damaged[end - 20] = if damaged[end - 20] == b'A' { b'B' } else { b'A' };
    let damaged = String::from_utf8(damaged).unwrap();
    assert_eq!(decrypt(&damaged), Err(PrivateKeyError::WrongPassphrase));
}

#[test]
fn a_truncated_key_is_malformed() {
    let Some(pem) = encrypted("p256", "-v2 aes-256-cbc") else { return };
    let lines: Vec<_> = pem.lines().collect();
    for kept in 1..lines.len() - 2 {
        let text = [&lines[..kept], &["-----END ENCRYPTED PRIVATE KEY-----", ""]].concat().join("\n");
        assert_eq!(decrypt(&text), Err(PrivateKeyError::Malformed), "{kept} lines");
    }
    let without_end = lines[..lines.len() - 1].join("\n");
    assert_eq!(decrypt(&without_end), Err(PrivateKeyError::NotPem));
}

#[test]
fn without_a_passphrase_an_encrypted_key_is_named_as_such() {
    let Some(pem) = encrypted("p256", "-v2 aes-256-cbc") else { return };
    assert_eq!(PrivateKey::from_pem(pem.as_bytes()).err(), Some(PrivateKeyError::Encrypted));
}

#[test]
fn a_plain_key_needs_no_passphrase() {
    let plain = PrivateKey::generate(KeyAlgorithm::P256);
    assert_eq!(decrypt(&plain.to_pkcs8_pem()), Ok(plain.public_key().clone()));
}

#[test]
fn an_encrypted_key_that_signs_no_models_is_named_for_what_it_is() {
    for name in ["rsa", "secp256k1"] {
        let Some(pem) = encrypted(name, "-v2 aes-256-cbc") else { return };
        assert!(matches!(decrypt(&pem), Err(PrivateKeyError::Algorithm(_))), "{name}");
    }
}

#[test]
fn what_we_encrypt_we_decrypt_with_the_same_passphrase_only() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::P521, KeyAlgorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm);
        let pem = key.to_encrypted_pkcs8_pem(&passphrase());
        assert_eq!(decrypt(&pem), Ok(key.public_key().clone()));
        let other = Passphrase::new(b"other".to_vec());
        let wrong = PrivateKey::from_encrypted_pem(pem.as_bytes(), &other);
        assert_eq!(wrong.err(), Some(PrivateKeyError::WrongPassphrase));
    }
}

#[test]
fn openssl_reads_what_we_write_plain_and_encrypted() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::P521] {
        expect_openssl_to_read(&PrivateKey::generate(algorithm));
    }
}

#[test]
fn openssl_reads_our_ed25519_keys_plain_and_encrypted() {
    expect_openssl_to_read(&PrivateKey::generate(KeyAlgorithm::Ed25519));
}

#[track_caller]
fn expect_openssl_to_read(key: &PrivateKey) {
    let passin = format!("pass:{PASSPHRASE}");
    for pem in [key.to_pkcs8_pem(), key.to_encrypted_pkcs8_pem(&passphrase())] {
        let Some(public) = openssl(&["pkey", "-pubout", "-passin", &passin], pem.as_bytes()) else { return };
        assert_eq!(public, key.public_key().to_pem());
    }
}

#[test]
fn openssl_finds_aes_256_and_600_000_iterations_in_what_we_encrypt() {
    let pem = PrivateKey::generate(KeyAlgorithm::P256).to_encrypted_pkcs8_pem(&passphrase());
    let Some(shown) = openssl(&["asn1parse"], pem.as_bytes()) else { return };
    // 927C0 is 600,000.
    for words in ["PBES2", "PBKDF2", "0927C0", "hmacWithSHA256", "aes-256-cbc"] {
        assert!(shown.contains(words), "{words} is missing from {shown}");
    }
}

#[test]
fn the_same_key_is_encrypted_differently_each_time() {
    let key = PrivateKey::generate(KeyAlgorithm::P256);
    assert_ne!(key.to_encrypted_pkcs8_pem(&passphrase()), key.to_encrypted_pkcs8_pem(&passphrase()));
}

#[test]
fn no_error_holds_the_passphrase() {
    let Some(pem) = encrypted("p256", "-v2 des3") else { return };
    assert_eq!(format!("{:?}", passphrase()), "Passphrase(…)");
    let error = decrypt(&pem).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(PASSPHRASE));
}

/// A key that says it is encrypted so, and holds nothing.
fn asking_for(encryption: pbes2::Parameters<'_>) -> String {
    let info = EncryptedPrivateKeyInfo { encryption_algorithm: encryption.into(), encrypted_data: &[0; 64] };
    SecretDocument::try_from(info)
        .unwrap()
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .unwrap()
        .to_string()
}

#[test]
fn a_key_that_asks_for_endless_work_is_refused_at_once() {
    let iterations = pbes2::Parameters::pbkdf2_sha256_aes256cbc(100_000_000, &[0; 16], &[0; 16]).unwrap();
    let costly = |cost_parameter, block_size, parallelization| {
        let mut encryption = iterations.clone();
        encryption.kdf = pbes2::Kdf::Scrypt(pbes2::ScryptParams {
            salt: &[0; 16],
            cost_parameter,
            block_size,
            parallelization,
            key_length: None,
        });
        asking_for(encryption)
    };
    for pem in [
        asking_for(iterations.clone()),
        costly(1 << 40, 8, 1),
        costly(1 << 14, u16::MAX, 1),
        costly(1 << 14, 8, u16::MAX),
        costly(1 << 20, 8, 2),
        costly(0, 8, 1),
        costly(1, 8, 1),
        costly(3, 8, 1),
        costly(1 << 14, 0, 1),
        costly(1 << 14, 8, 0),
        costly(u64::MAX, u16::MAX, u16::MAX),
    ] {
        assert_eq!(decrypt(&pem), Err(PrivateKeyError::TooCostly));
    }
    assert_eq!(decrypt(&costly(1 << 14, 8, 1)), Err(PrivateKeyError::WrongPassphrase));
}
