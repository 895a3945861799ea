//! Identity tokens: JSON Web Tokens, RFC 7519, signed as ES256.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jiff::Timestamp;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use rand_core::{OsRng, RngCore};
use serde_json::{Map, Value, json};

use super::Provider;

const KEY_ID: &str = "published";
const LIFETIME_SECONDS: i64 = 600;

#[derive(Clone, Copy)]
pub(super) enum KeyChoice {
    Published,
    /// One that nobody else has, under the name of the published one.
    Foreign,
}

pub(super) struct TokenKeys {
    published: SigningKey,
    foreign: SigningKey,
}

impl TokenKeys {
    pub(super) fn generate() -> Self {
        Self { published: SigningKey::random(&mut OsRng), foreign: SigningKey::random(&mut OsRng) }
    }

    /// The set of published keys, RFC 7517, section 5.
    pub(super) fn public(&self) -> Value {
        let point = self.published.verifying_key().to_encoded_point(false);
        let coordinate = |bytes: Option<&p256::FieldBytes>| bytes.map(encode);
        json!({"keys": [{
            "kty": "EC",
            "crv": "P-256",
            "use": "sig",
            "alg": "ES256",
            "kid": KEY_ID,
            "x": coordinate(point.x()),
            "y": coordinate(point.y()),
        }]})
    }

    pub(super) fn sign(&self, claims: &Claims, key: KeyChoice) -> String {
        let key = match key {
            KeyChoice::Published => &self.published,
            KeyChoice::Foreign => &self.foreign,
        };
        let header = json!({"alg": "ES256", "kid": KEY_ID, "typ": "JWT"});
        let claims = Value::Object(claims.0.clone());
        let signed = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature: Signature = key.sign(signed.as_bytes());
        format!("{signed}.{}", encode(signature.to_bytes()))
    }
}

/// What a token says.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// What the tokens of a provider say if nothing else is wanted.
    pub(super) fn usual(provider: Provider, issuer: &str) -> Self {
        let now = Timestamp::now().as_second();
        let all = object(json!({
            "iss": issuer,
            "aud": "sigstore",
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        }));
        let own = match provider {
            Provider::Email => person(),
            Provider::GitHub => workflow(),
        };
        Self(all).with(own)
    }

    /// With claims added or replaced; those that are null are taken away.
    pub(super) fn with(mut self, claims: Map<String, Value>) -> Self {
        self.0.extend(claims);
        self.0.retain(|_, value| !value.is_null());
        self
    }
}

/// The subject is no address, as with the public Sigstore.
fn person() -> Map<String, Value> {
    object(json!({
        "sub": "CgtyZWxlYXNlLXRlYW0SBHRlc3Q",
        "email": "release@acme.example",
        "email_verified": true,
    }))
}

fn workflow() -> Map<String, Value> {
    let workflow = "acme/models/.github/workflows/release.yml@refs/heads/main";
    let commit = "9f2c1f3e0b7a4d5c8e6f1a2b3c4d5e6f7a8b9c0d";
    object(json!({
        "jti": random_text(),
        "sub": "repo:acme/models:ref:refs/heads/main",
        "actor": "release-bot",
        "actor_id": "1001",
        "base_ref": "",
        "head_ref": "",
        "event_name": "push",
        "job_workflow_ref": workflow,
        "job_workflow_sha": commit,
        "ref": "refs/heads/main",
        "ref_protected": "true",
        "ref_type": "branch",
        "repository": "acme/models",
        "repository_id": "777",
        "repository_owner": "acme",
        "repository_owner_id": "4242",
        "repository_visibility": "public",
        "run_attempt": "1",
        "run_id": "5150",
        "run_number": "7",
        "runner_environment": "github-hosted",
        "sha": commit,
        "workflow": "Release",
        "workflow_ref": workflow,
        "workflow_sha": commit,
    }))
}

/// A text that nobody guesses.
pub(super) fn random_text() -> String {
    let mut bytes = [0; 24];
    OsRng.fill_bytes(&mut bytes);
    encode(bytes)
}

pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
