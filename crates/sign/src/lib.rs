//! From the payload of a statement to a bundle.
//!
//! A [`Signer`] turns bytes into a bundle; each backend proves its own work
//! with the verifier that consumers run before anything is handed out.

mod key_signer;
mod private_key;

pub use key_signer::KeySigner;
pub use modelseal_verify::{KeyAlgorithm, PublicKey};
pub use private_key::{PrivateKey, PrivateKeyError};

/// Something that can sign.
pub trait Signer {
    /// Signs `payload` as `application/vnd.in-toto+json` and gives the JSON of
    /// a bundle, in the form of the specification.
    ///
    /// # Errors
    /// [`SignError`]. No bundle is given whose signature was not verified.
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The key under which the bundle verifies.
    fn public_key(&self) -> &PublicKey;
}

/// Why there is no signature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The key could not make a signature.
    #[error("the key could not sign")]
    Backend,
    /// The signature does not verify under the signer's own public key.
    #[error("the signature that was made does not verify under its own public key; nothing was written")]
    SelfCheck,
}
