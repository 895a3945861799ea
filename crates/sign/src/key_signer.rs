use modelseal_bundle::{Envelope, KeyMaterial, PAYLOAD_TYPE, UntrustedBundle, VerificationMaterial, pae};
use modelseal_verify::PublicKey;

use crate::{PrivateKey, SignError, Signer};

/// Signs with a private key in memory: the method `key`.
#[derive(Debug)]
pub struct KeySigner {
    private: PrivateKey,
    public: PublicKey,
}

impl KeySigner {
    /// Takes the key.
    pub fn new(private: PrivateKey) -> Self {
        let public = private.public_key();
        Self { private, public }
    }
}

impl Signer for KeySigner {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        let message = pae(PAYLOAD_TYPE, payload);
        let signature = self.private.sign(&message)?;
        self.public.verify(&message, &signature).map_err(|_| SignError::SelfCheck)?;
        let material = VerificationMaterial::Key(KeyMaterial::hinted(self.public.hint()));
        Ok(UntrustedBundle::new(material, Envelope::new(payload.to_vec(), signature)).to_json())
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }
}
