use std::fmt::{self, Debug};

use modelseal_verify::{KeyAlgorithm, PublicKey, UnsupportedAlgorithm};
use p256::ecdsa::signature::Signer as _;
use pkcs8::der::asn1::{ObjectIdentifier, OctetStringRef};
use pkcs8::der::pem::{self, PemLabel};
use pkcs8::der::{Decode, NestedReader, Reader, SecretDocument, SliceReader};
use pkcs8::pkcs5::{self, EncryptionScheme, pbes2};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{
    DecodePrivateKey, EncodePrivateKey, EncodePublicKey, EncryptedPrivateKeyInfo, LineEnding, PrivateKeyInfo,
};
use rand_core::{OsRng, RngCore};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::{SignError, SigningKey};

/// What OWASP asks of PBKDF2 with HMAC-SHA-256 (2023).
const PBKDF2_ITERATIONS: u32 = 600_000;
/// What a file may ask for: some ten times what is usual.
const MAX_PBKDF2_ITERATIONS: u32 = 10_000_000;
const MAX_SCRYPT_WORK: u64 = 1 << 30;

/// A private key. It is wiped from memory when it is dropped, and `Debug`
/// shows its public half only.
pub struct PrivateKey {
    key: Key,
    public: PublicKey,
}

enum Key {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl PrivateKey {
    /// Makes a new key from the system's randomness.
    pub fn generate(algorithm: KeyAlgorithm) -> Self {
        Self::new(match algorithm {
            KeyAlgorithm::P256 => Key::P256(p256::SecretKey::random(&mut OsRng)),
            KeyAlgorithm::P384 => Key::P384(p384::SecretKey::random(&mut OsRng)),
            KeyAlgorithm::P521 => Key::P521(p521::SecretKey::random(&mut OsRng)),
            KeyAlgorithm::Ed25519 => Key::Ed25519(ed25519_dalek::SigningKey::generate(&mut OsRng)),
        })
    }

    fn new(key: Key) -> Self {
        Self { public: public_half(&key), key }
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Reads PEM: PKCS#8 (`PRIVATE KEY`), or SEC1 (`EC PRIVATE KEY`), before
    /// which OpenSSL may have written `EC PARAMETERS`.
    ///
    /// # Errors
    /// [`PrivateKeyError`], which tells encrypted keys, public keys and other
    /// algorithms from nonsense.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        let mut curve = None;
        for block in pem_blocks(pem) {
            let Some((label, block)) = block else { return Err(PrivateKeyError::NotPem) };
            if block.contains("Proc-Type:") {
                return Err(PrivateKeyError::LegacyEncryption);
            }
            let malformed = |_| PrivateKeyError::Malformed;
            match label {
                "EC PARAMETERS" => {
                    // Not a `Document`: the name of a curve is no SEQUENCE.
                    let (_, der) =
                        pem::decode_vec(block.as_bytes()).map_err(|_| PrivateKeyError::Malformed)?;
                    curve = EcParameters::from_der(&der).map_err(malformed)?.named_curve();
                }
                "PRIVATE KEY" => {
                    return Self::from_pkcs8(
                        SecretDocument::from_pem(block).map_err(malformed)?.1.as_bytes(),
                    );
                }
                "EC PRIVATE KEY" => {
                    return Self::from_sec1(
                        SecretDocument::from_pem(block).map_err(malformed)?.1.as_bytes(),
                        curve,
                    );
                }
                "ENCRYPTED PRIVATE KEY" => return Err(PrivateKeyError::Encrypted),
                other => return Err(PrivateKeyError::Label { found: other.to_owned() }),
            }
        }
        Err(PrivateKeyError::NotPem)
    }

    /// Reads PEM as [`from_pem`](Self::from_pem) does, or PKCS#8 that is
    /// encrypted (`ENCRYPTED PRIVATE KEY`: PBES2 with AES, and PBKDF2 with
    /// SHA-2 or scrypt), which takes its passphrase.
    ///
    /// # Errors
    /// [`PrivateKeyError::WrongPassphrase`], also for what is damaged: the two
    /// cannot be told apart. [`PrivateKeyError::UnsupportedEncryption`], and
    /// what `from_pem` refuses.
    pub fn from_encrypted_pem(pem: &[u8], passphrase: &Passphrase) -> Result<Self, PrivateKeyError> {
        match Self::from_pem(pem) {
            Err(PrivateKeyError::Encrypted) => {}
            other => return other,
        }
        let mut blocks = pem_blocks(pem).flatten();
        let block = blocks.find(|(label, _)| *label == "ENCRYPTED PRIVATE KEY").map(|(_, block)| block);
        let (_, der) =
            SecretDocument::from_pem(block.unwrap_or_default()).map_err(|_| PrivateKeyError::Malformed)?;
        let info = EncryptedPrivateKeyInfo::try_from(der.as_bytes()).map_err(|_| {
            let is_encrypted_key = is_encrypted_key(der.as_bytes());
            if is_encrypted_key { PrivateKeyError::UnsupportedEncryption } else { PrivateKeyError::Malformed }
        })?;
        check_cost(&info)?;
        let plain = info.decrypt(passphrase.as_bytes()).map_err(|error| match error {
            pkcs8::Error::EncryptedPrivateKey(
                pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs5::Error::NoPbes1CryptSupport,
            ) => PrivateKeyError::UnsupportedEncryption,
            _ => PrivateKeyError::WrongPassphrase,
        })?;
        Self::from_pkcs8(plain.as_bytes())
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let malformed = |_| PrivateKeyError::Malformed;
        let info = PrivateKeyInfo::from_der(der).map_err(|_| PrivateKeyError::Malformed)?;
        Ok(Self::new(match KeyAlgorithm::from_identifier(&info.algorithm)? {
            KeyAlgorithm::P256 => Key::P256(DecodePrivateKey::from_pkcs8_der(der).map_err(malformed)?),
            KeyAlgorithm::P384 => Key::P384(DecodePrivateKey::from_pkcs8_der(der).map_err(malformed)?),
            KeyAlgorithm::P521 => Key::P521(DecodePrivateKey::from_pkcs8_der(der).map_err(malformed)?),
            KeyAlgorithm::Ed25519 => Key::Ed25519(DecodePrivateKey::from_pkcs8_der(der).map_err(malformed)?),
        }))
    }

    fn from_sec1(der: &[u8], before: Option<ObjectIdentifier>) -> Result<Self, PrivateKeyError> {
        let key = EcPrivateKey::from_der(der).map_err(|_| PrivateKeyError::Malformed)?;
        let malformed = |_| PrivateKeyError::Malformed;
        let inside = key.parameters.and_then(EcParameters::named_curve);
        if before.is_some() && inside.is_some() && before != inside {
            return Err(PrivateKeyError::Malformed);
        }
        let unnamed = || UnsupportedAlgorithm { found: "a key that does not name its curve".to_owned() };
        Ok(Self::new(match KeyAlgorithm::from_curve(inside.or(before).ok_or_else(unnamed)?)? {
            KeyAlgorithm::P256 => Key::P256(p256::SecretKey::from_sec1_der(der).map_err(malformed)?),
            KeyAlgorithm::P384 => Key::P384(p384::SecretKey::from_sec1_der(der).map_err(malformed)?),
            KeyAlgorithm::P521 => Key::P521(p521::SecretKey::from_sec1_der(der).map_err(malformed)?),
            KeyAlgorithm::Ed25519 => return Err(PrivateKeyError::Malformed),
        }))
    }

    /// Writes PKCS#8 PEM, encrypted: PBES2 with AES-256-CBC, and PBKDF2 with
    /// HMAC-SHA-256 and 600,000 iterations, which every tool reads.
    #[expect(clippy::missing_panics_doc, reason = "a key in memory always encodes")]
    pub fn to_encrypted_pkcs8_pem(&self, passphrase: &Passphrase) -> Zeroizing<String> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        OsRng.fill_bytes(&mut salt);
        OsRng.fill_bytes(&mut iv);
        let scheme = pbes2::Parameters::pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &salt, &iv)
            .expect("the parameters are within the limits of PBES2");
        let plain = match &self.key {
            Key::P256(key) => key.to_pkcs8_der(),
            Key::P384(key) => key.to_pkcs8_der(),
            Key::P521(key) => key.to_pkcs8_der(),
            Key::Ed25519(key) => ed25519_pair(key).to_pkcs8_der(),
        };
        let plain = plain.expect("a key in memory always encodes");
        PrivateKeyInfo::from_der(plain.as_bytes())
            .map_err(pkcs8::Error::from)
            .and_then(|info| info.encrypt_with_params(scheme, passphrase.as_bytes()))
            .and_then(|der| Ok(der.to_pem(EncryptedPrivateKeyInfo::PEM_LABEL, LineEnding::LF)?))
            .expect("a key in memory always encodes")
    }

    /// Writes PKCS#8 PEM, not encrypted.
    #[expect(clippy::missing_panics_doc, reason = "a key in memory always encodes")]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let pem = match &self.key {
            Key::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            Key::P384(key) => key.to_pkcs8_pem(LineEnding::LF),
            Key::P521(key) => key.to_pkcs8_pem(LineEnding::LF),
            Key::Ed25519(key) => ed25519_pair(key).to_pkcs8_pem(LineEnding::LF),
        };
        pem.expect("a key in memory always encodes")
    }
}

/// Whether it is an encrypted key, whatever it is encrypted by (RFC 5958,
/// section 3).
fn is_encrypted_key(der: &[u8]) -> bool {
    let read = |reader: &mut NestedReader<'_, SliceReader<'_>>| {
        AlgorithmIdentifierRef::decode(reader)?;
        OctetStringRef::decode(reader).map(drop)
    };
    SliceReader::new(der).and_then(|mut reader| reader.sequence(read)).is_ok()
}

/// A file may ask for any amount of work and memory.
fn check_cost(info: &EncryptedPrivateKeyInfo<'_>) -> Result<(), PrivateKeyError> {
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else { return Ok(()) };
    let is_bearable = match &parameters.kdf {
        pbes2::Kdf::Pbkdf2(kdf) => kdf.iteration_count <= MAX_PBKDF2_ITERATIONS,
        pbes2::Kdf::Scrypt(kdf) => {
            let work = [u64::from(kdf.block_size), 128, u64::from(kdf.parallelization)];
            let work = work.into_iter().fold(kdf.cost_parameter, u64::saturating_mul);
            // The library counts on a power of two.
            let is_valid = kdf.cost_parameter.is_power_of_two() && kdf.cost_parameter > 1 && work > 0;
            is_valid && work <= MAX_SCRYPT_WORK
        }
        _ => return Err(PrivateKeyError::UnsupportedEncryption),
    };
    if is_bearable { Ok(()) } else { Err(PrivateKeyError::TooCostly) }
}

/// Without its public half, which only the second version of PKCS#8 has room
/// for: OpenSSL 3.0 does not read that.
fn ed25519_pair(key: &ed25519_dalek::SigningKey) -> ed25519_dalek::pkcs8::KeypairBytes {
    ed25519_dalek::pkcs8::KeypairBytes { secret_key: key.to_bytes(), public_key: None }
}

fn public_half(key: &Key) -> PublicKey {
    let der = match key {
        Key::P256(key) => key.public_key().to_public_key_der(),
        Key::P384(key) => key.public_key().to_public_key_der(),
        Key::P521(key) => key.public_key().to_public_key_der(),
        Key::Ed25519(key) => key.verifying_key().to_public_key_der(),
    };
    let der = der.expect("a key in memory always encodes");
    PublicKey::from_spki_der(der.as_bytes()).expect("the public half of a key is a key")
}

/// The nonces of P-256 and P-384 are those of RFC 6979, those of P-521 are
/// random.
impl SigningKey for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let backend = |_| SignError::Backend { reason: String::new() };
        Ok(match &self.key {
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    p256::ecdsa::SigningKey::from(key).try_sign(message).map_err(backend)?;
                signature.to_der().as_bytes().to_vec()
            }
            Key::P384(key) => {
                let signature: p384::ecdsa::Signature =
                    p384::ecdsa::SigningKey::from(key).try_sign(message).map_err(backend)?;
                signature.to_der().as_bytes().to_vec()
            }
            Key::P521(key) => {
                let scalar = Zeroizing::new(key.to_bytes());
                let signing_key = p521::ecdsa::SigningKey::from_slice(&scalar).map_err(backend)?;
                let signature: p521::ecdsa::Signature = signing_key.try_sign(message).map_err(backend)?;
                signature.to_der().as_bytes().to_vec()
            }
            Key::Ed25519(key) => key.try_sign(message).map_err(backend)?.to_bytes().to_vec(),
        })
    }
}

impl Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(public half sha256:{})", self.public.fingerprint())
    }
}

/// What a private key is encrypted under. It is wiped from memory when it is
/// dropped, and never shown.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes any bytes.
    pub fn new(bytes: impl Into<Zeroizing<Vec<u8>>>) -> Self {
        Self(bytes.into())
    }

    fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// The blocks of a PEM file, each with its label, from its BEGIN line through
/// its END line. What stands between blocks is passed over, as OpenSSL does.
/// `None` for a block whose lines are not broken as they should be: its first
/// line is more than a label, and may be the key itself.
fn pem_blocks(pem: &[u8]) -> impl Iterator<Item = Option<(&str, &str)>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let position =
        |bytes: &[u8], wanted: &[u8]| bytes.windows(wanted.len()).position(|found| found == wanted);
    let mut rest = pem;
    std::iter::from_fn(move || {
        let block = &rest[position(rest, BEGIN)?..];
        let end_line = position(block, b"-----END ")?;
        let end = position(&block[end_line..], b"\n").map_or(block.len(), |newline| end_line + newline);
        rest = &block[end..];
        let block = std::str::from_utf8(&block[..end]).ok().map(str::trim_end);
        Some(block.and_then(|block| Some((label_of(block)?, block))))
    })
}

fn label_of(block: &str) -> Option<&str> {
    let label = block.lines().next()?.trim_end().strip_prefix("-----BEGIN ")?.strip_suffix("-----")?;
    let is_label =
        label.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ');
    Some(label).filter(|label| is_label && label.len() <= 24)
}

/// Why bytes are not a private key that we can use. It never holds any of
/// those bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// Not PEM at all.
    #[error(
        "not a PEM file, or without its line breaks: expected a line -----BEGIN PRIVATE KEY----- or -----BEGIN EC PRIVATE KEY-----"
    )]
    NotPem,
    /// PEM of something else.
    #[error("holds a \"{}\", expected a \"PRIVATE KEY\" or \"EC PRIVATE KEY\"", found.escape_default())]
    Label {
        /// The label of the block.
        found: String,
    },
    /// PKCS#8 under a passphrase.
    #[error("the private key is encrypted with a passphrase")]
    Encrypted,
    /// The passphrase does not decrypt the key.
    #[error("the passphrase is wrong, or the private key is damaged")]
    WrongPassphrase,
    /// PKCS#8 under another encryption than PBES2 with AES.
    #[error(
        "the private key is encrypted in a way that is not supported (PBES2 with AES and PBKDF2 with SHA-2, or scrypt, is)"
    )]
    UnsupportedEncryption,
    /// PKCS#8 under a passphrase that takes too long to try.
    #[error(
        "the private key asks for more work than is done to try a passphrase (10,000,000 iterations of PBKDF2, 1 GiB of scrypt)"
    )]
    TooCostly,
    /// The encryption of OpenSSL before PKCS#8, which protects badly.
    #[error(
        "the private key is encrypted in OpenSSL's legacy PEM format (Proc-Type), which is not supported"
    )]
    LegacyEncryption,
    /// Not DER of a key, or its parts contradict each other.
    #[error("the private key is malformed")]
    Malformed,
    /// A key that signs no models.
    #[error(transparent)]
    Algorithm(#[from] UnsupportedAlgorithm),
}
