//! An issuer of identity tokens, for tests: two providers, each with discovery
//! and keys, of which one has the browser flow; the endpoint that workflows on
//! GitHub ask; and one that gives whoever asks a token that says what they like.

mod browser;
mod http;
mod tokens;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::{Map, Value, json};

use self::browser::BrowserFlow;
use self::http::{Request, Response};
use self::tokens::{Claims, KeyChoice, TokenKeys};
use super::addresses;

/// What workflows have to say to get a token.
const AMBIENT_AUTHORIZATION: &str = "bearer ambient-secret";

/// Who a token is from. Fulcio reads the claims of each in another way.
#[derive(Clone, Copy)]
pub(super) enum Provider {
    /// People, by their e-mail addresses.
    Email,
    /// Workflows on GitHub.
    GitHub,
}

impl Provider {
    /// What goes by the name of issuer in tokens and certificates.
    pub(super) fn url(self, base: &str) -> String {
        format!("{base}/{}", self.path())
    }

    fn path(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::GitHub => "gh",
        }
    }

    fn from_path(path: &str) -> Option<Self> {
        [Self::Email, Self::GitHub].into_iter().find(|provider| provider.path() == path)
    }
}

/// Serves in the background until the process ends, on the port that it gives.
pub(super) fn serve() -> io::Result<u16> {
    let listener = addresses::listen()?;
    let port = addresses::port(&listener)?;
    let issuer = Arc::new(Issuer::new(addresses::url(port)));
    thread::spawn(move || accept(&issuer, &listener));
    Ok(port)
}

fn accept(issuer: &Arc<Issuer>, listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        let issuer = Arc::clone(issuer);
        thread::spawn(move || issuer.converse(&stream));
    }
}

struct Issuer {
    base: String,
    keys: TokenKeys,
    browser: BrowserFlow,
}

impl Issuer {
    fn new(base: String) -> Self {
        Self { base, keys: TokenKeys::generate(), browser: BrowserFlow::default() }
    }

    /// A client that goes away in between has no use for an error.
    fn converse(&self, stream: &TcpStream) {
        if let Ok(request) = Request::read(stream) {
            let _ = self.answer(&request).write(stream);
        }
    }

    fn answer(&self, request: &Request) -> Response {
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", [provider, ".well-known", "openid-configuration"]) => self.discovery(provider),
            ("GET", [provider, "keys"]) if Provider::from_path(provider).is_some() => {
                Response::json(&self.keys.public())
            }
            ("GET", ["email", "auth"]) => self.browser.authorize(request),
            ("POST", ["email", "token"]) => self.browser.redeem(request, |claims| self.email_token(claims)),
            ("GET", ["ambient", "github"]) => self.ambient(request),
            ("POST", ["mint"]) => {
                self.mint(&request.body).unwrap_or_else(|problem| Response::bad_request(&problem))
            }
            _ => Response::not_found(),
        }
    }

    fn discovery(&self, provider: &str) -> Response {
        let Some(provider) = Provider::from_path(provider) else { return Response::not_found() };
        let issuer = provider.url(&self.base);
        Response::json(&json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/keys"),
            "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "scopes_supported": ["openid", "email"],
            "claims_supported": ["iss", "sub", "aud", "iat", "exp", "nonce", "email", "email_verified"],
        }))
    }

    fn email_token(&self, claims: Map<String, Value>) -> String {
        self.token(Provider::Email, claims, KeyChoice::Published)
    }

    fn token(&self, provider: Provider, claims: Map<String, Value>, key: KeyChoice) -> String {
        let claims = Claims::usual(provider, &provider.url(&self.base)).with(claims);
        self.keys.sign(&claims, key)
    }

    fn ambient(&self, request: &Request) -> Response {
        if !request.authorization.eq_ignore_ascii_case(AMBIENT_AUTHORIZATION) {
            return Response::unauthorized();
        }
        let audience = request.parameter("audience").unwrap_or("https://github.com/acme");
        let claims = Map::from_iter([("aud".to_owned(), audience.into())]);
        let token = self.token(Provider::GitHub, claims, KeyChoice::Published);
        Response::json(&json!({"count": token.len(), "value": token}))
    }

    fn mint(&self, body: &[u8]) -> Result<Response, String> {
        let wish: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let provider = wish["issuer"].as_str().and_then(Provider::from_path);
        let provider = provider.ok_or("issuer is neither email nor gh")?;
        let key = match wish["key"].as_str() {
            None => KeyChoice::Published,
            Some("foreign") => KeyChoice::Foreign,
            Some(other) => return Err(format!("there is no key {other}")),
        };
        let claims = wish["claims"].as_object().cloned().unwrap_or_default();
        Ok(Response::text(&self.token(provider, claims, key)))
    }
}
