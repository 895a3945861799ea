use std::fmt::{self, Display};

use spki::AlgorithmIdentifierRef;
use spki::der::asn1::ObjectIdentifier;

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The kinds of keys that sign models.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyAlgorithm {
    /// ECDSA on NIST P-256 with SHA-256.
    P256,
    /// ECDSA on NIST P-384 with SHA-384.
    P384,
    /// ECDSA on NIST P-521 with SHA-512.
    P521,
    /// Pure Ed25519. Not in the registry of OMS v1.0: an extension.
    Ed25519,
}

impl KeyAlgorithm {
    /// Whether OMS v1.0 registers it.
    pub const fn is_registered(self) -> bool {
        !matches!(self, Self::Ed25519)
    }

    /// What the algorithm identifier of a key says (RFC 5480, RFC 8410).
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] for other algorithms, other curves, and curves
    /// that are written out as parameters instead of named.
    pub fn from_identifier(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, UnsupportedAlgorithm> {
        let curve = identifier.parameters.and_then(|parameters| parameters.decode_as().ok());
        match (identifier.oid, identifier.parameters, curve) {
            (EC_PUBLIC_KEY, _, Some(curve)) => Self::from_curve(curve),
            (EC_PUBLIC_KEY, _, None) => {
                Err(UnsupportedAlgorithm { found: "a curve given by explicit parameters".to_owned() })
            }
            (ED25519, None, _) => Ok(Self::Ed25519),
            (RSA, ..) => Err(UnsupportedAlgorithm { found: "RSA".to_owned() }),
            (other, ..) => Err(UnsupportedAlgorithm { found: format!("the algorithm {other}") }),
        }
    }

    /// The algorithm of a named curve.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] for other curves.
    pub fn from_curve(curve: ObjectIdentifier) -> Result<Self, UnsupportedAlgorithm> {
        match curve {
            P256 => Ok(Self::P256),
            P384 => Ok(Self::P384),
            P521 => Ok(Self::P521),
            other => Err(UnsupportedAlgorithm { found: format!("the curve {other}") }),
        }
    }
}

impl Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "ECDSA P-256",
            Self::P384 => "ECDSA P-384",
            Self::P521 => "ECDSA P-521",
            Self::Ed25519 => "Ed25519",
        })
    }
}

/// A key that signs no models.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{found} is not supported (P-256, P-384, P-521 and Ed25519 are)")]
pub struct UnsupportedAlgorithm {
    /// What was found.
    pub found: String,
}
