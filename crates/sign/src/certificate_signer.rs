use modelseal_bundle::{Envelope, MAX_CERTIFICATES, UntrustedBundle, VerificationMaterial};
use modelseal_verify::{
    Certificate, CertificateError, CertificateTrust, Clock, PublicKey, PublicKeyError, Trust,
    check_publishable,
};

use crate::signing_key::sign_envelope;
use crate::{PrivateKey, SignError, Signer, SigningKey};

/// Signs with a key that a certificate speaks for: the method `certificate`.
#[derive(Debug)]
pub struct CertificateSigner<K = PrivateKey> {
    key: K,
    leaf: Certificate,
    chain: Vec<Certificate>,
    clock: Clock,
}

impl<K: SigningKey> CertificateSigner<K> {
    /// Takes a key, its certificate, and what lies between that and the
    /// anchors of the verifiers, in any order.
    ///
    /// # Errors
    /// [`CertificateSignerError`] when no verifier would believe signatures of
    /// this signer.
    pub fn new(
        key: K,
        leaf: Certificate,
        chain: Vec<Certificate>,
        clock: Clock,
    ) -> Result<Self, CertificateSignerError> {
        let certified = leaf
            .public_key()
            .map_err(|source| CertificateSignerError::Key { subject: leaf.subject(), source })?;
        if certified != *key.public_key() {
            return Err(CertificateSignerError::OtherKey {
                subject: leaf.subject(),
                certified: Box::new(certified),
                key: Box::new(key.public_key().clone()),
            });
        }
        let chain: Vec<Certificate> = chain.into_iter().filter(|certificate| *certificate != leaf).collect();
        if chain.len() + 1 > MAX_CERTIFICATES {
            return Err(CertificateSignerError::TooMany { found: chain.len() + 1, limit: MAX_CERTIFICATES });
        }
        check_publishable(&leaf, &chain, clock).map_err(|error| match error {
            CertificateError::UnknownIssuer { subject, issuer } => {
                CertificateSignerError::Chain { subject, issuer }
            }
            other => other.into(),
        })?;
        Ok(Self { key, leaf, chain, clock })
    }

    /// The signing certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// What goes into the bundle beside it.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}

impl<K: SigningKey> Signer for CertificateSigner<K> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = sign_envelope(&self.key, payload)?;
        let certificates = std::iter::once(&self.leaf).chain(&self.chain);
        let material = VerificationMaterial::CertificateChain(
            certificates.map(|certificate| certificate.as_der().to_vec()).collect(),
        );
        Ok(UntrustedBundle::new(material, Envelope::new(payload.to_vec(), signature)).to_json())
    }

    fn trust(&self) -> Trust {
        Trust::certificate(CertificateTrust::leaf(self.leaf.clone(), self.clock))
    }
}

/// Why a key and a certificate do not make a signer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateSignerError {
    /// The certificate holds a key that signs no models.
    #[error("the certificate \"{subject}\": {source}")]
    Key {
        /// Its subject.
        subject: String,
        /// What is wrong with its key.
        source: PublicKeyError,
    },
    /// The certificate speaks for another key.
    #[error(
        "the certificate \"{subject}\" is for the {} key sha256:{}, but the private key is the {} key sha256:{}",
        certified.algorithm(), certified.fingerprint(), key.algorithm(), key.fingerprint()
    )]
    OtherKey {
        /// Its subject.
        subject: String,
        /// The key that it speaks for.
        certified: Box<PublicKey>,
        /// The public half of the signing key.
        key: Box<PublicKey>,
    },
    /// More certificates than a bundle may carry.
    #[error("there are {found} certificates, and a bundle carries at most {limit}")]
    TooMany {
        /// How many there are, the signing certificate among them.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// The chain belongs to another certificate.
    #[error(
        "the chain that was given does not belong to the certificate \"{subject}\", which \"{issuer}\" issued"
    )]
    Chain {
        /// Its subject.
        subject: String,
        /// Its issuer.
        issuer: String,
    },
    /// Verifiers would refuse the certificate.
    #[error("verifiers would refuse this certificate: {0}")]
    Certificate(#[from] CertificateError),
}
