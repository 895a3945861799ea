use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::ObjectHandle;
use modelseal_verify::{Certificate, KeyAlgorithm, PublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{Object, ObjectKind, Pkcs11Error, Session, Uri};
use crate::{SignError, SigningKey};

/// A private key on a token.
#[derive(Debug)]
pub struct TokenKey {
    session: Session,
    handle: ObjectHandle,
    uri: Uri,
    public: PublicKey,
    certificates: Vec<Certificate>,
}

impl TokenKey {
    /// The public half is that of the public key with the same id, else with
    /// the same label, else that of the certificates with the same id if they
    /// are of one key, else what the caller knows. A wrong one is noticed:
    /// nothing verifies under it.
    pub(super) fn new(session: Session, key: &Object, known: Option<PublicKey>) -> Result<Self, Pkcs11Error> {
        key.check_can_sign()?;
        let mut certificates = certificates(&session, key)?;
        let public = match public_object(&session, key)? {
            Some(object) => object.public_key()?,
            None => common_key(&certificates)
                .or(known)
                .ok_or_else(|| Pkcs11Error::NoPublicKey { key: key.uri.to_string() })?,
        };
        certificates.retain(|certificate| certificate.public_key().as_ref() == Ok(&public));
        certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_after()));
        Ok(Self { session, handle: key.handle, uri: key.uri.clone(), public, certificates })
    }

    /// A URI that names the key.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The certificates of this key that the token holds under the key's id,
    /// the one that lasts longest first.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }
}

fn public_object(session: &Session, key: &Object) -> Result<Option<Object>, Pkcs11Error> {
    let by_id = Uri { id: key.uri.id.clone(), ..Uri::default() };
    let by_label = Uri { object: key.uri.object.clone(), ..Uri::default() };
    for uri in [by_id, by_label].into_iter().filter(|uri| *uri != Uri::default()) {
        let mut objects = session.objects(&uri)?.into_iter().filter(|o| o.kind == ObjectKind::PublicKey);
        if let Some(object) = objects.next() {
            return Ok(Some(object));
        }
    }
    Ok(None)
}

fn certificates(session: &Session, key: &Object) -> Result<Vec<Certificate>, Pkcs11Error> {
    let Some(id) = &key.uri.id else { return Ok(vec![]) };
    let objects = session.objects(&Uri { id: Some(id.clone()), ..Uri::default() })?;
    let certificates = objects.iter().filter_map(Object::certificate);
    Ok(certificates.filter_map(|der| Certificate::from_der(der).ok()).collect())
}

/// The key that all of them are for.
pub(super) fn common_key(certificates: &[Certificate]) -> Option<PublicKey> {
    let mut keys = certificates.iter().map(|certificate| certificate.public_key().ok());
    let first = keys.next()??;
    keys.all(|key| key.as_ref() == Some(&first)).then_some(first)
}

/// ECDSA is made over the hash by `CKM_ECDSA`, which gives r and s one after
/// the other; Ed25519 by `CKM_EDDSA`.
impl SigningKey for TokenKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let algorithm = self.public.algorithm();
        let (mechanism, input) = match algorithm {
            KeyAlgorithm::P256 => (Mechanism::Ecdsa, Sha256::digest(message).to_vec()),
            KeyAlgorithm::P384 => (Mechanism::Ecdsa, Sha384::digest(message).to_vec()),
            KeyAlgorithm::P521 => (Mechanism::Ecdsa, Sha512::digest(message).to_vec()),
            KeyAlgorithm::Ed25519 => {
                (Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)), message.to_vec())
            }
        };
        let signed = self.session.handle.sign(&mechanism, self.handle, &input);
        let raw =
            signed.map_err(|error| SignError::Backend { reason: Pkcs11Error::from(error).to_string() })?;
        encode(algorithm, &raw).ok_or(SignError::Malformed { algorithm, found: raw.len() })
    }
}

/// r and s as DER; Ed25519 as it is.
fn encode(algorithm: KeyAlgorithm, raw: &[u8]) -> Option<Vec<u8>> {
    Some(match algorithm {
        KeyAlgorithm::P256 => p256::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec(),
        KeyAlgorithm::P384 => p384::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec(),
        KeyAlgorithm::P521 => p521::ecdsa::Signature::from_slice(raw).ok()?.to_der().as_bytes().to_vec(),
        KeyAlgorithm::Ed25519 => raw.to_vec(),
    })
}
