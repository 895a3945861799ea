//! What an OIDC issuer is asked: where its endpoints are (`OpenID` Connect
//! Discovery 1.0), and for a token (RFC 6749, with PKCE after RFC 7636).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rand_core::{OsRng, RngCore};
use serde_json::Value;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::http::{Request, Timeouts, shortened};
use super::{IdentityError, IdentityToken, LoginError, Service, ServiceError, ServiceFailure, ServiceUrl};

const SCOPES: &str = "openid email";

/// A client of an issuer, by the name under which the issuer knows it.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<Zeroizing<String>>,
}

/// The endpoints of an issuer.
pub(super) struct Endpoints {
    authorization: ServiceUrl,
    token: ServiceUrl,
}

/// What ties the answers of one login together. Each is 32 random bytes.
pub(super) struct Secrets {
    pub(super) state: String,
    nonce: String,
    verifier: Zeroizing<String>,
}

impl Secrets {
    pub(super) fn random() -> Self {
        let text = || {
            let mut bytes = Zeroizing::new([0; 32]);
            OsRng.fill_bytes(&mut *bytes);
            URL_SAFE_NO_PAD.encode(*bytes)
        };
        Self { state: text(), nonce: text(), verifier: Zeroizing::new(text()) }
    }

    /// RFC 7636, section 4.2: `S256`.
    fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.as_bytes()))
    }
}

/// Asks an issuer for its endpoints.
pub(super) fn discover(issuer: &ServiceUrl, timeouts: &Timeouts) -> Result<Endpoints, IdentityError> {
    let url = issuer.endpoint("/.well-known/openid-configuration");
    let request = Request::get(Service::OidcIssuer, &url);
    let document: Value = request.json(timeouts)?;
    let text = |name: &str| {
        let missing = || request.failed(ServiceFailure::unexpected(format!("it has no {name}")));
        document[name].as_str().ok_or_else(missing)
    };
    let found = text("issuer")?;
    if found != issuer.as_str() {
        return Err(other_issuer(issuer, found));
    }
    let endpoint = |name| -> Result<ServiceUrl, ServiceError> {
        text(name)?
            .parse()
            .map_err(|error| request.failed(ServiceFailure::unexpected(format!("its {name}: {error}"))))
    };
    Ok(Endpoints { authorization: endpoint("authorization_endpoint")?, token: endpoint("token_endpoint")? })
}

impl Endpoints {
    /// Where somebody logs in.
    pub(super) fn login_url(&self, client: &Client, secrets: &Secrets, redirect_uri: &str) -> String {
        let challenge = secrets.challenge();
        let url = self.authorization.with_query(&[
            ("response_type", "code"),
            ("client_id", &client.id),
            ("scope", SCOPES),
            ("redirect_uri", redirect_uri),
            ("state", &secrets.state),
            ("nonce", &secrets.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        url.as_str().to_owned()
    }

    /// Changes the code that a login gave for a token.
    pub(super) fn exchange(
        &self,
        login: &Login<'_>,
        timeouts: &Timeouts,
        now: fn() -> Timestamp,
    ) -> Result<IdentityToken, IdentityError> {
        let request = Request::post_form(Service::OidcIssuer, &self.token, &login.form());
        let token = IdentityToken::parse(&request.secret(timeouts, "id_token")?, &login.client.id, now())?;
        if token.issuer() != login.issuer.as_str() {
            return Err(other_issuer(login.issuer, token.issuer()));
        }
        if token.nonce() != Some(login.secrets.nonce.as_str()) {
            return Err(LoginError::Nonce.into());
        }
        Ok(token)
    }
}

fn other_issuer(expected: &ServiceUrl, found: &str) -> IdentityError {
    LoginError::Issuer { expected: expected.as_str().to_owned(), found: shortened(found) }.into()
}

/// A login that gave a code.
pub(super) struct Login<'a> {
    pub(super) issuer: &'a ServiceUrl,
    pub(super) client: &'a Client,
    pub(super) secrets: &'a Secrets,
    pub(super) redirect_uri: &'a str,
    pub(super) code: &'a str,
}

impl Login<'_> {
    /// RFC 6749, section 4.1.3, and RFC 7636, section 4.5.
    fn form(&self) -> Vec<(&str, &str)> {
        let secret = self.client.secret.as_ref().map(|secret| ("client_secret", secret.as_str()));
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", &self.client.id),
            ("code", self.code),
            ("code_verifier", &self.secrets.verifier),
            ("redirect_uri", self.redirect_uri),
        ];
        fields.into_iter().chain(secret).collect()
    }
}
