use std::fmt::{self, Debug};

use modelseal_verify::{KeyAlgorithm, PublicKey, UnsupportedAlgorithm};
use p256::ecdsa::signature::Signer;
use pkcs8::der::asn1::ObjectIdentifier;
use pkcs8::der::{Decode, SecretDocument, pem};
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding, PrivateKeyInfo};
use rand_core::OsRng;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::SignError;

/// A private key. It is wiped from memory when it is dropped, and `Debug`
/// shows its public half only.
pub struct PrivateKey(Key);

enum Key {
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(ed25519_dalek::SigningKey),
}

impl PrivateKey {
    /// Makes a new key from the system's randomness.
    pub fn generate(algorithm: KeyAlgorithm) -> Self {
        Self(match algorithm {
            KeyAlgorithm::P256 => Key::P256(p256::SecretKey::random(&mut OsRng)),
            KeyAlgorithm::P384 => Key::P384(p384::SecretKey::random(&mut OsRng)),
            KeyAlgorithm::P521 => Key::P521(p521::SecretKey::random(&mut OsRng)),
            KeyAlgorithm::Ed25519 => Key::Ed25519(ed25519_dalek::SigningKey::generate(&mut OsRng)),
        })
    }

    /// Reads PEM: PKCS#8 (`PRIVATE KEY`), or SEC1 (`EC PRIVATE KEY`), before
    /// which OpenSSL may have written `EC PARAMETERS`.
    ///
    /// # Errors
    /// [`PrivateKeyError`], which tells encrypted keys, public keys and other
    /// algorithms from nonsense.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PrivateKeyError> {
        let text = std::str::from_utf8(pem).map_err(|_| PrivateKeyError::NotPem)?;
        let mut curve = None;
        for block in pem_blocks(text) {
            if block.contains("Proc-Type:") {
                return Err(PrivateKeyError::LegacyEncryption);
            }
            let label = block.lines().next().unwrap_or_default();
            let label = label.trim_start_matches("-----BEGIN ").trim_end_matches("-----");
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

    fn from_pkcs8(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let malformed = |_| PrivateKeyError::Malformed;
        let info = PrivateKeyInfo::from_der(der).map_err(|_| PrivateKeyError::Malformed)?;
        Ok(Self(match KeyAlgorithm::from_identifier(&info.algorithm)? {
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
        Ok(Self(match KeyAlgorithm::from_curve(inside.or(before).ok_or_else(unnamed)?)? {
            KeyAlgorithm::P256 => Key::P256(p256::SecretKey::from_sec1_der(der).map_err(malformed)?),
            KeyAlgorithm::P384 => Key::P384(p384::SecretKey::from_sec1_der(der).map_err(malformed)?),
            KeyAlgorithm::P521 => Key::P521(p521::SecretKey::from_sec1_der(der).map_err(malformed)?),
            KeyAlgorithm::Ed25519 => return Err(PrivateKeyError::Malformed),
        }))
    }

    /// Writes PKCS#8 PEM, not encrypted.
    #[expect(clippy::missing_panics_doc, reason = "a key in memory always encodes")]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        let pem = match &self.0 {
            Key::P256(key) => key.to_pkcs8_pem(LineEnding::LF),
            Key::P384(key) => key.to_pkcs8_pem(LineEnding::LF),
            Key::P521(key) => key.to_pkcs8_pem(LineEnding::LF),
            Key::Ed25519(key) => key.to_pkcs8_pem(LineEnding::LF),
        };
        pem.expect("a key in memory always encodes")
    }

    /// Its public half.
    #[expect(clippy::missing_panics_doc, reason = "the public half of a key is a key")]
    pub fn public_key(&self) -> PublicKey {
        let der = match &self.0 {
            Key::P256(key) => key.public_key().to_public_key_der(),
            Key::P384(key) => key.public_key().to_public_key_der(),
            Key::P521(key) => key.public_key().to_public_key_der(),
            Key::Ed25519(key) => key.verifying_key().to_public_key_der(),
        };
        let der = der.expect("a key in memory always encodes");
        PublicKey::from_spki_der(der.as_bytes()).expect("the public half of a key is a key")
    }

    /// Signs: DER ECDSA with the hash of the curve's size, or 64 bytes of pure
    /// Ed25519. The nonces of P-256 and P-384 are those of RFC 6979, those of
    /// P-521 are random.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let backend = |_| SignError::Backend;
        Ok(match &self.0 {
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
        write!(f, "PrivateKey(public half sha256:{})", self.public_key().fingerprint())
    }
}

/// The blocks of a PEM text, each from its BEGIN line through its END line.
/// Text between blocks is passed over, as OpenSSL does.
fn pem_blocks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("-----BEGIN ")?;
        let block = &rest[start..];
        let end_line = block.find("-----END ")?;
        let end = block[end_line..].find('\n').map_or(block.len(), |newline| end_line + newline);
        rest = &block[end..];
        Some(block[..end].trim_end())
    })
}

/// Why bytes are not a private key that we can use. It never holds any of
/// those bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PrivateKeyError {
    /// Not PEM at all.
    #[error("not a PEM file: expected -----BEGIN PRIVATE KEY----- or -----BEGIN EC PRIVATE KEY-----")]
    NotPem,
    /// PEM of something else.
    #[error("holds a \"{}\", expected a \"PRIVATE KEY\" or \"EC PRIVATE KEY\"", found.escape_default())]
    Label {
        /// The label of the block.
        found: String,
    },
    /// PKCS#8 under a passphrase.
    #[error("the private key is encrypted with a passphrase, which this version cannot read")]
    Encrypted,
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
