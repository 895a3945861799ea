//! Fulcio: a certificate for a key and an identity token.

use modelseal_verify::Certificate;
use serde::{Deserialize, Serialize};
use sigstore_types::SignatureBytes;

use super::http::Request;
use super::{IdentityToken, Service, ServiceError, ServiceFailure, ServiceUrl, SigstoreError, Timeouts};
use crate::signing_key::sign_verified;
use crate::{PrivateKey, SignError};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateRequest<'a> {
    credentials: Credentials<'a>,
    public_key_request: PublicKeyRequest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Credentials<'a> {
    oidc_identity_token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PublicKeyRequest {
    public_key: PublicKey,
    proof_of_possession: SignatureBytes,
}

#[derive(Serialize)]
struct PublicKey {
    content: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    signed_certificate_embedded_sct: Option<Issued>,
    signed_certificate_detached_sct: Option<Issued>,
}

#[derive(Deserialize)]
struct Issued {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// Has the key certified for the identity of the token. The certificate is in
/// a public log from then on.
pub(super) fn certify(
    authority: &ServiceUrl,
    token: &IdentityToken,
    key: &PrivateKey,
    timeouts: &Timeouts,
) -> Result<Certificate, SignError> {
    let possession = sign_verified(key, token.challenge().as_bytes())?;
    let body = serde_json::to_vec(&CertificateRequest {
        credentials: Credentials { oidc_identity_token: token.expose() },
        public_key_request: PublicKeyRequest {
            public_key: PublicKey { content: key.public_key().to_pem() },
            proof_of_possession: SignatureBytes::new(possession),
        },
    });
    let url = authority.endpoint("/api/v2/signingCert");
    let request = Request::post_json(Service::Fulcio, &url, body.expect("strings always serialize"));
    let asked = || -> Result<Certificate, ServiceError> {
        let answer = request.json(timeouts)?;
        certified(answer, key).map_err(|reason| request.failed(ServiceFailure::unexpected(reason)))
    };
    asked().map_err(|error| SigstoreError::from(error).into())
}

/// The leaf, which must speak for our key.
fn certified(answer: Answer, key: &PrivateKey) -> Result<Certificate, String> {
    let issued = match (answer.signed_certificate_embedded_sct, answer.signed_certificate_detached_sct) {
        (Some(issued), None) => issued,
        (None, Some(_)) => {
            return Err("the proof of the certificate log is not in the certificate, but beside it, \
                        where no bundle has room for it"
                .to_owned());
        }
        _ => return Err("it has not exactly one certificate".to_owned()),
    };
    let pem = issued.chain.certificates.first().ok_or("its chain is empty")?;
    let leaf = match Certificate::all_from_pem(pem.as_bytes()).as_deref() {
        Ok([leaf]) => leaf.clone(),
        Ok(_) => return Err("the certificate is several".to_owned()),
        Err(error) => return Err(format!("the certificate: {error}")),
    };
    match leaf.public_key() {
        Ok(certified) if certified == *key.public_key() => Ok(leaf),
        _ => Err("the certificate is for another key".to_owned()),
    }
}
