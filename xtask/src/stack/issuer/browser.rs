//! The authorization code flow of OAuth 2.0 with PKCE (RFC 7636), for a
//! person who consents to everything at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::http::{Request, Response, find};
use super::tokens::{encode, random_text};

const PERSON: &str = "release@acme.example";
/// Where there is nothing to redirect to.
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";
/// Clients use the token at once.
const LIFETIME_SECONDS: i64 = 60;

/// The codes that were given out, and not used yet.
#[derive(Default)]
pub(super) struct BrowserFlow {
    grants: Mutex<HashMap<String, Grant>>,
}

/// What a code stands for.
struct Grant {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
    email: String,
}

impl BrowserFlow {
    /// Sends the browser back to the client with a code, or shows the code.
    pub(super) fn authorize(&self, request: &Request) -> Response {
        match Grant::wanted_by(request) {
            Ok(grant) => {
                let (code, redirect_uri) = (random_text(), grant.redirect_uri.clone());
                self.grants().insert(code.clone(), grant);
                hand_over(&code, &redirect_uri, request.parameter("state"))
            }
            Err(problem) => Response::bad_request(problem),
        }
    }

    /// Exchanges a code for a token. The code is used up even if that fails.
    pub(super) fn redeem(
        &self,
        request: &Request,
        token: impl FnOnce(Map<String, Value>) -> String,
    ) -> Response {
        let form = request.form();
        if find(&form, "grant_type") != Some("authorization_code") {
            return Response::oauth_error("unsupported_grant_type", "only authorization codes are taken");
        }
        let grant = find(&form, "code").and_then(|code| self.grants().remove(code));
        let Some(grant) = grant else {
            return Response::oauth_error("invalid_grant", "the code is unknown or was used before");
        };
        if find(&form, "redirect_uri") != Some(&grant.redirect_uri) {
            return Response::oauth_error("invalid_grant", "the code was sent to another redirect_uri");
        }
        let verifier = find(&form, "code_verifier").unwrap_or_default();
        if encode(Sha256::digest(verifier)) != grant.challenge {
            return Response::oauth_error("invalid_grant", "the code_verifier does not match");
        }
        let token = token(grant.claims());
        // The Python client takes the access token for the identity token.
        Response::json(&json!({
            "access_token": token,
            "id_token": token,
            "token_type": "bearer",
            "expires_in": LIFETIME_SECONDS,
        }))
    }

    fn grants(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    fn wanted_by(request: &Request) -> Result<Self, &'static str> {
        let parameter = |name| request.parameter(name).filter(|value| !value.is_empty());
        if parameter("response_type") != Some("code") {
            return Err("response_type is not code");
        }
        if parameter("code_challenge_method") != Some("S256") {
            return Err("code_challenge_method is not S256");
        }
        let scopes = parameter("scope").unwrap_or_default();
        if !scopes.split(' ').any(|scope| scope == "openid") {
            return Err("scope has no openid");
        }
        let redirect_uri = parameter("redirect_uri").ok_or("redirect_uri is missing")?;
        if !is_own_machine(redirect_uri) {
            return Err("redirect_uri is neither on loopback nor out of band");
        }
        Ok(Self {
            client_id: parameter("client_id").ok_or("client_id is missing")?.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            challenge: parameter("code_challenge").ok_or("code_challenge is missing")?.to_owned(),
            nonce: parameter("nonce").map(str::to_owned),
            email: parameter("login_hint").unwrap_or(PERSON).to_owned(),
        })
    }

    fn claims(&self) -> Map<String, Value> {
        let expires = Timestamp::now().as_second() + LIFETIME_SECONDS;
        let mut claims = Map::new();
        claims.insert("aud".to_owned(), self.client_id.as_str().into());
        claims.insert("exp".to_owned(), expires.into());
        claims.insert("email".to_owned(), self.email.as_str().into());
        claims.insert("nonce".to_owned(), self.nonce.as_deref().into());
        claims
    }
}

fn is_own_machine(redirect_uri: &str) -> bool {
    redirect_uri == OUT_OF_BAND
        || ["http://localhost:", "http://127.0.0.1:", "http://[::1]:"]
            .iter()
            .any(|prefix| redirect_uri.starts_with(prefix))
}

fn hand_over(code: &str, redirect_uri: &str, state: Option<&str>) -> Response {
    if redirect_uri == OUT_OF_BAND {
        return Response::text(&format!("{code}\n"));
    }
    let mut answer = form_urlencoded::Serializer::new(String::new());
    answer.append_pair("code", code);
    if let Some(state) = state {
        answer.append_pair("state", state);
    }
    let separator = if redirect_uri.contains('?') { '&' } else { '?' };
    Response::found(format!("{redirect_uri}{separator}{}", answer.finish()))
}
