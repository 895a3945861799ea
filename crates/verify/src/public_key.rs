use std::str::FromStr;

use modelseal_bundle::KeyHint;
use modelseal_manifest::Sha256Digest;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use sha2::{Digest, Sha256};
use spki::SubjectPublicKeyInfoRef;
use spki::der::{Decode, Document};

use crate::{KeyAlgorithm, UnsupportedAlgorithm};

/// A public key that is known to be a point of its curve.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    key: Key,
    /// SPKI, uncompressed.
    der: Document,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Key {
    P256(Box<p256::PublicKey>),
    P384(Box<p384::PublicKey>),
    P521(Box<p521::PublicKey>),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl PublicKey {
    /// Reads a PEM text with one `PUBLIC KEY` block: SPKI with a named curve.
    ///
    /// # Errors
    /// [`PublicKeyError`], which tells a private key or a certificate from
    /// nonsense.
    pub fn from_pem(pem: &[u8]) -> Result<Self, PublicKeyError> {
        let text = std::str::from_utf8(pem).map_err(|_| PublicKeyError::NotPem)?;
        let (label, der) = Document::from_pem(text.trim()).map_err(|_| PublicKeyError::NotPem)?;
        if label == "PUBLIC KEY" {
            Self::from_spki_der(der.as_bytes())
        } else {
            Err(PublicKeyError::Label { found: label.to_owned() })
        }
    }

    /// Reads the DER of a `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// [`PublicKeyError::Malformed`] for what is not SPKI or not on its curve,
    /// [`PublicKeyError::Algorithm`] for other keys and for curves that are
    /// written out as parameters instead of named,
    /// [`PublicKeyError::WeakEd25519`].
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let malformed = |_| PublicKeyError::Malformed;
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        let key = match KeyAlgorithm::from_identifier(&spki.algorithm)? {
            KeyAlgorithm::P256 => {
                Key::P256(Box::new(DecodePublicKey::from_public_key_der(der).map_err(malformed)?))
            }
            KeyAlgorithm::P384 => {
                Key::P384(Box::new(DecodePublicKey::from_public_key_der(der).map_err(malformed)?))
            }
            KeyAlgorithm::P521 => {
                Key::P521(Box::new(DecodePublicKey::from_public_key_der(der).map_err(malformed)?))
            }
            KeyAlgorithm::Ed25519 => {
                Key::Ed25519(strong(DecodePublicKey::from_public_key_der(der).map_err(malformed)?)?)
            }
        };
        Self::new(key)
    }

    /// Makes a key from a point: SEC1 of its curve, or the 32 bytes of Ed25519.
    ///
    /// # Errors
    /// [`PublicKeyError::Malformed`], [`PublicKeyError::WeakEd25519`].
    pub fn from_point(algorithm: KeyAlgorithm, point: &[u8]) -> Result<Self, PublicKeyError> {
        let malformed = |_| PublicKeyError::Malformed;
        Self::new(match algorithm {
            KeyAlgorithm::P256 => {
                Key::P256(Box::new(p256::PublicKey::from_sec1_bytes(point).map_err(malformed)?))
            }
            KeyAlgorithm::P384 => {
                Key::P384(Box::new(p384::PublicKey::from_sec1_bytes(point).map_err(malformed)?))
            }
            KeyAlgorithm::P521 => {
                Key::P521(Box::new(p521::PublicKey::from_sec1_bytes(point).map_err(malformed)?))
            }
            KeyAlgorithm::Ed25519 => {
                let point = point.try_into().map_err(|_| PublicKeyError::Malformed)?;
                let key =
                    ed25519_dalek::VerifyingKey::from_bytes(point).map_err(|_| PublicKeyError::Malformed)?;
                Key::Ed25519(strong(key)?)
            }
        })
    }

    fn new(key: Key) -> Result<Self, PublicKeyError> {
        let der = match &key {
            Key::P256(key) => key.to_public_key_der(),
            Key::P384(key) => key.to_public_key_der(),
            Key::P521(key) => key.to_public_key_der(),
            Key::Ed25519(key) => key.to_public_key_der(),
        };
        Ok(Self { key, der: der.map_err(|_| PublicKeyError::Malformed)? })
    }

    /// The DER of its `SubjectPublicKeyInfo`, points uncompressed.
    pub fn as_spki_der(&self) -> &[u8] {
        self.der.as_bytes()
    }

    /// The PEM of the same: lines of 64 columns, a newline at the end.
    #[expect(clippy::missing_panics_doc, reason = "a short document always fits into PEM")]
    pub fn to_pem(&self) -> String {
        self.der.to_pem("PUBLIC KEY", LineEnding::LF).expect("a short document always fits into PEM")
    }

    /// What OMS writes as `publicKey.hint`: the SHA-256 of [`to_pem`](Self::to_pem).
    pub fn hint(&self) -> KeyHint {
        KeyHint::new(Sha256Digest::of(self.to_pem().as_bytes()).to_string())
    }

    /// The SHA-256 of [`as_spki_der`](Self::as_spki_der): the usual fingerprint.
    pub fn fingerprint(&self) -> Sha256Digest {
        Sha256Digest::of(self.as_spki_der())
    }

    /// What kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        match self.key {
            Key::P256(_) => KeyAlgorithm::P256,
            Key::P384(_) => KeyAlgorithm::P384,
            Key::P521(_) => KeyAlgorithm::P521,
            Key::Ed25519(_) => KeyAlgorithm::Ed25519,
        }
    }

    /// Verifies `signature` over `message`: DER ECDSA with the hash of the
    /// curve's size, or 64 bytes of pure Ed25519, verified strictly. A
    /// signature with a high `s` is as good as its twin.
    ///
    /// # Errors
    /// [`InvalidSignature`], without saying why: there is nothing to learn.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let verified = match &self.key {
            Key::P256(key) => p256::ecdsa::DerSignature::from_bytes(signature)
                .and_then(|signature| p256::ecdsa::VerifyingKey::from(&**key).verify(message, &signature)),
            Key::P384(key) => p384::ecdsa::DerSignature::from_bytes(signature)
                .and_then(|signature| p384::ecdsa::VerifyingKey::from(&**key).verify(message, &signature)),
            Key::P521(key) => verify_p521(key, message, signature),
            Key::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| key.verify_strict(message, &signature)),
        };
        verified.map_err(|_| InvalidSignature)
    }
}

impl PublicKey {
    /// Verifies a signature by release 0.2 of the reference: ECDSA with
    /// SHA-256, whatever the curve. Only for what
    /// [`legacy`](modelseal_bundle::legacy) reads.
    pub(crate) fn verify_v0_2(&self, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let hash = Sha256::digest(message);
        let verified = match &self.key {
            Key::P256(key) => p256::ecdsa::Signature::from_der(signature).and_then(|signature| {
                p256::ecdsa::VerifyingKey::from(&**key).verify_prehash(&hash, &signature)
            }),
            Key::P384(key) => p384::ecdsa::Signature::from_der(signature).and_then(|signature| {
                p384::ecdsa::VerifyingKey::from(&**key).verify_prehash(&hash, &signature)
            }),
            Key::P521(key) => {
                // The same number, as long as the library wants it.
                let mut padded = [0; 66];
                padded[34..].copy_from_slice(&hash);
                p521::ecdsa::Signature::from_der(signature).and_then(|signature| {
                    p521::ecdsa::VerifyingKey::from_affine(*key.as_affine())?
                        .verify_prehash(&padded, &signature)
                })
            }
            Key::Ed25519(_) => return Err(InvalidSignature),
        };
        verified.map_err(|_| InvalidSignature)
    }
}

fn verify_p521(key: &p521::PublicKey, message: &[u8], signature: &[u8]) -> Result<(), p256::ecdsa::Error> {
    let signature = p521::ecdsa::Signature::from_der(signature)?;
    p521::ecdsa::VerifyingKey::from_affine(*key.as_affine())?.verify(message, &signature)
}

/// Refuses keys of small order, under which anything verifies.
fn strong(key: ed25519_dalek::VerifyingKey) -> Result<ed25519_dalek::VerifyingKey, PublicKeyError> {
    if key.is_weak() { Err(PublicKeyError::WeakEd25519) } else { Ok(key) }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(pem: &str) -> Result<Self, Self::Err> {
        Self::from_pem(pem.as_bytes())
    }
}

/// Why bytes are not a public key that we use.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// Not PEM at all.
    #[error("not a PEM file: expected -----BEGIN PUBLIC KEY-----")]
    NotPem,
    /// PEM of something else.
    #[error("holds a \"{}\", expected a \"PUBLIC KEY\"", modelseal_manifest::Escaped(found))]
    Label {
        /// The label of the block.
        found: String,
    },
    /// Not DER of a key, or no point of its curve.
    #[error("the public key is malformed, or not a point of its curve")]
    Malformed,
    /// A key that signs no models.
    #[error(transparent)]
    Algorithm(#[from] UnsupportedAlgorithm),
    /// A key of small order.
    #[error("the Ed25519 key is of small order: anything would verify under it")]
    WeakEd25519,
}

/// The signature is not one of this key over this message.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct InvalidSignature;

#[cfg(test)]
mod tests {
    use super::*;

    const P256_PEM: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

    #[test]
    fn pem_round_trips_and_the_hint_is_over_the_re_encoded_text() {
        let key = PublicKey::from_pem(P256_PEM.as_bytes()).unwrap();
        assert_eq!(key.to_pem(), P256_PEM);
        let with_carriage_returns = P256_PEM.replace('\n', "\r\n");
        assert_eq!(PublicKey::from_pem(with_carriage_returns.as_bytes()).unwrap().hint(), key.hint());
        assert_eq!(key.hint().as_str(), Sha256Digest::of(P256_PEM.as_bytes()).to_string());
    }

    #[test]
    fn a_private_key_or_certificate_is_named_as_such() {
        for label in ["PRIVATE KEY", "EC PRIVATE KEY", "CERTIFICATE"] {
            let pem = P256_PEM.replace("PUBLIC KEY", label);
            assert_eq!(
                PublicKey::from_pem(pem.as_bytes()),
                Err(PublicKeyError::Label { found: label.to_owned() })
            );
        }
        for text in ["", "hello", "-----BEGIN PUBLIC KEY-----", "\u{0}"] {
            assert_eq!(PublicKey::from_pem(text.as_bytes()), Err(PublicKeyError::NotPem), "{text}");
        }
    }

    #[test]
    fn item_33_a_point_off_its_curve_is_refused() {
        let mut der = PublicKey::from_pem(P256_PEM.as_bytes()).unwrap().as_spki_der().to_vec();
        *der.last_mut().unwrap() ^= 1;
        assert_eq!(PublicKey::from_spki_der(&der), Err(PublicKeyError::Malformed));
    }

    #[test]
    fn item_33_a_curve_of_another_name_is_refused() {
        // The same bytes under the identifier of secp256k1, 1.3.132.0.10.
        let der = PublicKey::from_pem(P256_PEM.as_bytes()).unwrap().as_spki_der().to_vec();
        let mut other = vec![0x30, 0x56, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        other.extend([0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a]);
        other.extend(&der[23..]);
        assert!(matches!(PublicKey::from_spki_der(&other), Err(PublicKeyError::Algorithm(_))));
    }

    #[test]
    fn item_32_ed25519_keys_of_small_order_are_refused() {
        for point in [[0; 32], {
            let mut one = [0; 32];
            one[0] = 1;
            one
        }] {
            let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
            der.extend(point);
            let found = PublicKey::from_spki_der(&der);
            assert!(
                matches!(found, Err(PublicKeyError::WeakEd25519 | PublicKeyError::Malformed)),
                "{found:?}"
            );
        }
    }
}
