use modelseal_bundle::{PAYLOAD_TYPE, pae};
use modelseal_verify::PublicKey;

use crate::SignError;

/// The private half of a key, wherever it is kept.
pub trait SigningKey {
    /// Its public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message`: DER ECDSA with the hash of the curve's size, or 64
    /// bytes of pure Ed25519. Whoever calls this verifies what comes back.
    ///
    /// # Errors
    /// [`SignError::Backend`], [`SignError::Malformed`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

impl<K: SigningKey + ?Sized> SigningKey for Box<K> {
    fn public_key(&self) -> &PublicKey {
        (**self).public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        (**self).sign(message)
    }
}

/// A signature over the envelope of `payload`.
pub(crate) fn sign_envelope(key: &impl SigningKey, payload: &[u8]) -> Result<Vec<u8>, SignError> {
    sign_verified(key, &pae(PAYLOAD_TYPE, payload))
}

/// A signature that verified under the key's own public half.
pub(crate) fn sign_verified(key: &impl SigningKey, message: &[u8]) -> Result<Vec<u8>, SignError> {
    let signature = key.sign(message)?;
    key.public_key().verify(message, &signature).map_err(|_| SignError::SelfCheck)?;
    Ok(signature)
}
