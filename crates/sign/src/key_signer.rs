use modelseal_bundle::{Envelope, KeyMaterial, UntrustedBundle, VerificationMaterial};
use modelseal_verify::{PublicKey, Trust};

use crate::signing_key::sign_envelope;
use crate::{PrivateKey, SignError, Signer, SigningKey};

/// Signs with a bare key: the method `key`.
#[derive(Debug)]
pub struct KeySigner<K = PrivateKey>(K);

impl<K: SigningKey> KeySigner<K> {
    /// Takes the key.
    pub fn new(key: K) -> Self {
        Self(key)
    }

    /// The key under which the bundles verify.
    pub fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }
}

impl<K: SigningKey> Signer for KeySigner<K> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = sign_envelope(&self.0, payload)?;
        let material = VerificationMaterial::Key(KeyMaterial::hinted(self.public_key().hint()));
        Ok(UntrustedBundle::new(material, Envelope::new(payload.to_vec(), signature)).to_json())
    }

    fn trust(&self) -> Trust {
        Trust::key(self.public_key().clone())
    }
}
