//! Tokens, and the services that sign, as they should be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use modelseal_bundle::Statement;
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization, Sha256Digest,
};
use modelseal_sign::sigstore::{
    IdentityToken, SIGSTORE_AUDIENCE, SigstoreInstance, SigstoreSigner, Timeouts,
};
use modelseal_verify::TrustedRoot;
use rcgen::{
    CertificateParams, CustomExtension, Issuer, KeyPair, PublicKeyData, SanType, SignatureAlgorithm,
    date_time_ymd,
};
use serde_json::{Value, json};

use crate::der;
use crate::server::{Asked, Reply, Server};

/// While one thread writes a program, another must not start one: it would hold
/// the file open for a moment, and no file that is open for writing runs.
pub(crate) fn alone_with_programs() -> MutexGuard<'static, ()> {
    static PROGRAMS: Mutex<()> = Mutex::new(());
    PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Short enough for a test of what never ends, long enough for what does.
pub(crate) fn timeouts() -> Timeouts {
    Timeouts { connect: Duration::from_secs(5), read: Duration::from_secs(5), total: Duration::from_secs(10) }
}

pub(crate) fn in_an_hour() -> i64 {
    Timestamp::now().as_second() + 3600
}

pub(crate) fn jwt(claims: &Value) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(&claims.to_string()), part("signature"))
}

pub(crate) fn mail_token() -> String {
    jwt(&json!({
        "iss": "https://issuer.example", "sub": "numbered", "aud": "sigstore", "exp": in_an_hour(),
        "email": "release@acme.example", "email_verified": true,
    }))
}

pub(crate) fn parsed(token: &str) -> IdentityToken {
    IdentityToken::parse(token, SIGSTORE_AUDIENCE, Timestamp::now()).unwrap()
}

pub(crate) fn payload() -> Vec<u8> {
    let digest = ContentDigest::Sha256(Sha256Digest::of(b"weights"));
    let resource = Resource { name: ResourceName::file("weights").unwrap(), digest };
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: vec![],
    };
    Statement::new("m", Manifest::new(serialization, vec![resource]).unwrap()).to_payload()
}

/// How one service answers.
pub(crate) type Behaviour = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// A Sigstore, each of whose services may be made to misbehave.
pub(crate) struct Sigstore {
    pub(crate) fulcio: Behaviour,
    pub(crate) rekor: Behaviour,
    pub(crate) rekor_version: u32,
    pub(crate) authority: Behaviour,
}

impl Default for Sigstore {
    fn default() -> Self {
        Self {
            fulcio: Arc::new(|asked| certificate_for(&key_of(asked))),
            rekor: Arc::new(|asked| Reply::json(&log_v2(&asked.json()))),
            rekor_version: 2,
            authority: Arc::new(|asked| timestamp(&der::Timestamp::answering(&asked.body))),
        }
    }
}

/// The servers of a Sigstore.
pub(crate) struct Running {
    pub(crate) fulcio: Server,
    pub(crate) rekor: Server,
    pub(crate) authority: Server,
    version: u32,
}

impl Sigstore {
    pub(crate) fn start(self) -> Running {
        let serve = |behaviour: Behaviour| Server::start(move |asked| behaviour(asked));
        Running {
            fulcio: serve(self.fulcio),
            rekor: serve(self.rekor),
            authority: serve(self.authority),
            version: self.rekor_version,
        }
    }
}

impl Running {
    pub(crate) fn signing_config(&self) -> Value {
        let valid_for = json!({"start": "2020-01-01T00:00:00Z"});
        let service = |url: String, version: u32| json!([{"url": url, "majorApiVersion": version, "validFor": valid_for}]);
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": service(self.fulcio.base(), 1),
            "oidcUrls": service("https://issuer.example".to_owned(), 1),
            "rekorTlogUrls": service(self.rekor.base(), self.version),
            "tsaUrls": service(self.authority.url("/api/v1/timestamp").as_str().to_owned(), 1),
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        })
    }

    pub(crate) fn signer(&self) -> SigstoreSigner {
        signer_with(&self.signing_config(), &mail_token())
    }

    /// How often each service was asked: Fulcio, the authority, Rekor.
    pub(crate) fn asked(&self) -> [usize; 3] {
        [&self.fulcio, &self.authority, &self.rekor].map(|server| server.asked().len())
    }
}

pub(crate) fn signer_with(config: &Value, token: &str) -> SigstoreSigner {
    let instance = SigstoreInstance::from_configs(TrustedRoot::staging(), config.to_string().as_bytes());
    let instance = instance.unwrap().with_timeouts(timeouts());
    SigstoreSigner::new(instance, Box::new(parsed(token)), Timestamp::now)
}

/// A public key that somebody else has the private half of.
pub(crate) struct PublicKey(Vec<u8>);

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// The key in a request to Fulcio.
pub(crate) fn key_of(asked: &Asked) -> PublicKey {
    let request = asked.json();
    let pem = request["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap();
    let key = modelseal_verify::PublicKey::from_pem(pem.as_bytes()).unwrap();
    // An uncompressed point of P-256 ends its SPKI.
    PublicKey(key.as_spki_der()[key.as_spki_der().len() - 65..].to_vec())
}

pub(crate) fn other_key() -> PublicKey {
    PublicKey(KeyPair::generate().unwrap().der_bytes().to_vec())
}

pub(crate) fn certificate_for(key: &PublicKey) -> Reply {
    certificate_within(key, SignedDuration::from_secs(-5), SignedDuration::from_mins(10))
}

/// What Fulcio answers: a certificate that is valid from one moment to another,
/// seen from now.
pub(crate) fn certificate_within(key: &PublicKey, from: SignedDuration, to: SignedDuration) -> Reply {
    let certificates = [certificate(key, from, to)];
    Reply::json(&json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}}))
}

/// 1.3.6.1.4.1.57264.1.1: who identified the holder.
const FULCIO_ISSUER: &[u64] = &[1, 3, 6, 1, 4, 1, 57264, 1, 1];

pub(crate) fn certificate(key: &PublicKey, from: SignedDuration, to: SignedDuration) -> String {
    let authority = Issuer::new(CertificateParams::default(), KeyPair::generate().unwrap());
    let moment = |after: SignedDuration| {
        let since_1970 = (Timestamp::now() + after).duration_since(Timestamp::UNIX_EPOCH);
        date_time_ymd(1970, 1, 1) + since_1970.unsigned_abs()
    };
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (moment(from), moment(to));
    params.subject_alt_names = vec![SanType::Rfc822Name("release@acme.example".try_into().unwrap())];
    let issuer = b"https://issuer.example".to_vec();
    params.custom_extensions = vec![CustomExtension::from_oid_content(FULCIO_ISSUER, issuer)];
    params.signed_by(key, &authority).unwrap().pem()
}

pub(crate) fn timestamp(timestamp: &der::Timestamp) -> Reply {
    Reply::Answer(200, "application/timestamp-reply", timestamp.to_der())
}

const CHECKPOINT: &str =
    "localhost\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\u{2014} localhost AAAAAAAA\n";

/// What a log of version 2 answers to a request, unproved.
pub(crate) fn log_v2(request: &Value) -> Value {
    let request = &request["hashedRekordRequestV002"];
    let logged = json!({
        "data": {"algorithm": "SHA2_256", "digest": request["digest"]},
        "signature": request["signature"],
    });
    let body = json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": logged}});
    json!({
        "logIndex": "7",
        "logId": {"keyId": STANDARD.encode([1; 32])},
        "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
        "integratedTime": "0",
        "inclusionPromise": null,
        "inclusionProof": {
            "logIndex": "7", "rootHash": STANDARD.encode([2; 32]), "treeSize": "8",
            "hashes": [STANDARD.encode([3; 32])], "checkpoint": {"envelope": CHECKPOINT},
        },
        "canonicalizedBody": STANDARD.encode(body.to_string()),
    })
}

/// What a log of version 1 answers to a request, unproved.
pub(crate) fn log_v1(request: &Value) -> Value {
    let body = if request["kind"] == "dsse" { dsse_body(request) } else { request.clone() };
    let hash = "ab".repeat(32);
    json!({"uuid": {
        "body": STANDARD.encode(body.to_string()),
        "integratedTime": Timestamp::now().as_second(),
        "logID": hash,
        "logIndex": 9,
        "verification": {
            "inclusionProof": {
                "logIndex": 9, "treeSize": 10, "rootHash": hash, "hashes": [hash], "checkpoint": CHECKPOINT,
            },
            "signedEntryTimestamp": STANDARD.encode("promise"),
        },
    }})
}

fn dsse_body(request: &Value) -> Value {
    let proposed = &request["spec"]["proposedContent"];
    let envelope: Value = serde_json::from_str(proposed["envelope"].as_str().unwrap()).unwrap();
    let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
    let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": Sha256Digest::of(bytes).to_string()});
    let signature =
        json!({"signature": envelope["signatures"][0]["sig"], "verifier": proposed["verifiers"][0]});
    let spec = json!({
        "envelopeHash": hash(proposed["envelope"].as_str().unwrap().as_bytes()),
        "payloadHash": hash(&payload),
        "signatures": [signature],
    });
    json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})
}
