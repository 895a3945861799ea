//! From the payload of a statement to a bundle.
//!
//! ```text
//! SigningKey --signs--> bytes     PrivateKey in memory, or (feature `pkcs11`) a key in a token
//! Signer     --seals--> bundle    KeySigner: the method `key`; CertificateSigner: `certificate`;
//!                                 (feature `sigstore`) SigstoreSigner: `sigstore`
//! ```
//!
//! A [`Signer`] turns bytes into a bundle; each one proves its own work with
//! the verifier that consumers run before anything is handed out.

mod certificate_signer;
mod key_signer;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
mod private_key;
mod signing_key;
#[cfg(feature = "sigstore")]
pub mod sigstore;

pub use certificate_signer::{CertificateSigner, CertificateSignerError};
pub use key_signer::KeySigner;
pub use modelseal_verify::{KeyAlgorithm, PublicKey};
pub use private_key::{Passphrase, PrivateKey, PrivateKeyError};
pub use signing_key::SigningKey;

use modelseal_verify::Trust;

/// Something that can sign.
pub trait Signer {
    /// Signs `payload` as `application/vnd.in-toto+json` and gives the JSON of
    /// a bundle, in the form of the specification.
    ///
    /// # Errors
    /// [`SignError`]. No bundle is given whose signature was not verified.
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Under which the bundle verifies for those who know this very signer.
    fn trust(&self) -> Trust;
}

impl<S: Signer + ?Sized> Signer for Box<S> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        (**self).sign(payload)
    }

    fn trust(&self) -> Trust {
        (**self).trust()
    }
}

/// Why there is no signature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key could not make a signature.
    #[error("the key could not sign{}{}", if reason.is_empty() { "" } else { ": " }, reason)]
    Backend {
        /// What the backend says; it may be empty.
        reason: String,
    },
    /// What the backend gave is no signature of its algorithm.
    #[error("the key gave {found} bytes that are no {algorithm} signature; nothing was written")]
    Malformed {
        /// The algorithm.
        algorithm: KeyAlgorithm,
        /// How many bytes there were.
        found: usize,
    },
    /// The signature does not verify under the signer's own public key.
    #[error("the signature that was made does not verify under its own public key; nothing was written")]
    SelfCheck,
    /// A service, an identity or a clock stood in the way.
    #[cfg(feature = "sigstore")]
    #[error(transparent)]
    Sigstore(Box<sigstore::SigstoreError>),
}

#[cfg(feature = "sigstore")]
impl From<sigstore::SigstoreError> for SignError {
    fn from(error: sigstore::SigstoreError) -> Self {
        Self::Sigstore(Box::new(error))
    }
}
