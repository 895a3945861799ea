//! A signature of a key or of a certificate, what a log says of it, and who
//! verifies it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelseal_bundle::{
    Envelope, KeyMaterial, LogEntry, PAYLOAD_TYPE, Statement, UntrustedBundle, VerificationMaterial, pae,
};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization, Sha256Digest,
};
use modelseal_verify::{
    Certificate, CertificateTrust, Clock, LogEntryError, PublicKey, Timestamp, Trust, VerifiedStatement,
    VerifyError, verify,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SigningKey, date_time_ymd,
};
use serde_json::{Value, json};

use crate::log::{base64, sha256};

/// When the tests take place.
pub(crate) const NOW: &str = "2024-06-01T00:00:00Z";
/// When the certificate that has expired was valid.
pub(crate) const MAY_BEGINS: &str = "2024-05-01T00:00:00Z";
pub(crate) const MAY_ENDS: &str = "2024-05-31T00:00:00Z";

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn clock() -> Clock {
    Clock::at(time(NOW))
}

pub(crate) fn payload(content: &[u8]) -> Vec<u8> {
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: vec![],
    };
    let digest = ContentDigest::Sha256(Sha256Digest::of(content));
    let resource = Resource { name: ResourceName::file("a").unwrap(), digest };
    Statement::new("m", Manifest::new(serialization, vec![resource]).unwrap()).to_payload()
}

/// A certificate, and the one that issued it.
type Leaf = (rcgen::Certificate, Certificate);

/// A key, perhaps with a certificate, and its signature over a payload.
pub(crate) struct Signed {
    pub(crate) key: KeyPair,
    leaf: Option<Leaf>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Signed {
    pub(crate) fn by_key() -> Self {
        Self::by(KeyPair::generate().unwrap(), None)
    }

    /// By a certificate that is valid in 2024.
    pub(crate) fn by_certificate() -> Self {
        Self::by_certificate_of("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z")
    }

    /// By a certificate that was valid in May 2024, from [`MAY_BEGINS`] to
    /// [`MAY_ENDS`].
    pub(crate) fn by_expired_certificate() -> Self {
        Self::by_certificate_of(MAY_BEGINS, MAY_ENDS)
    }

    /// By a certificate that is valid from one time to another.
    pub(crate) fn by_certificate_of(begin: &str, end: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let leaf = certified(&key, begin, end);
        Self::by(key, Some(leaf))
    }

    fn by(key: KeyPair, leaf: Option<Leaf>) -> Self {
        Self { key, leaf, payload: payload(b"a"), signature: vec![] }.again()
    }

    fn with(&self, leaf: Option<Leaf>) -> Self {
        let (payload, signature) = (self.payload.clone(), self.signature.clone());
        Self { key: KeyPair::from_pem(&self.key.serialize_pem()).unwrap(), leaf, payload, signature }
    }

    /// The same signer over another payload.
    pub(crate) fn also_over(&self, content: &[u8]) -> Self {
        Self { payload: payload(content), ..self.with(self.leaf.clone()) }.again()
    }

    /// The same payload, signed another time.
    pub(crate) fn again(&self) -> Self {
        let signature = self.key.sign(&self.signed_bytes()).unwrap();
        Self { signature, ..self.with(self.leaf.clone()) }
    }

    /// The same signature, by a certificate of somebody else for the same key.
    pub(crate) fn under_another_root(&self) -> Self {
        self.with(Some(certified(&self.key, "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z")))
    }

    /// The same signature, by the bare key.
    pub(crate) fn without_certificate(&self) -> Self {
        self.with(None)
    }

    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        pae(PAYLOAD_TYPE, &self.payload)
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        self.key.subject_public_key_info()
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::from_spki_der(&self.spki()).unwrap()
    }

    pub(crate) fn leaf_der(&self) -> Vec<u8> {
        self.leaf.as_ref().unwrap().0.der().to_vec()
    }

    /// What version 2 of Rekor logs of it.
    pub(crate) fn hashedrekord(&self) -> Value {
        let digest = sha256(&self.signed_bytes());
        json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": base64(&digest)},
            "signature": {"content": base64(&self.signature), "verifier": self.verifier()},
        }}})
    }

    fn verifier(&self) -> Value {
        match &self.leaf {
            Some(_) => certificate_verifier(&self.leaf_der()),
            None => key_verifier(&self.spki()),
        }
    }

    /// What version 1 of Rekor logs of it.
    pub(crate) fn dsse(&self) -> Value {
        let verifier = self.leaf.as_ref().map_or_else(|| self.key.public_key_pem(), |(leaf, _)| leaf.pem());
        json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": "ab".repeat(32)},
            "payloadHash": {"algorithm": "sha256", "value": hex::encode(sha256(&self.payload))},
            "signatures": [{"signature": base64(&self.signature), "verifier": base64(verifier.as_bytes())}],
        }})
    }

    pub(crate) fn bundle(&self, entries: &[Value]) -> UntrustedBundle {
        self.evident(entries, &[])
    }

    /// A bundle with log entries and timestamps.
    pub(crate) fn evident(&self, entries: &[Value], tokens: &[Vec<u8>]) -> UntrustedBundle {
        let entries = entries.iter().map(|entry| LogEntry::parse(entry.to_string().as_bytes()).unwrap());
        let envelope = Envelope::new(self.payload.clone(), self.signature.clone());
        UntrustedBundle::with_evidence(self.material(), envelope, entries.collect(), tokens.to_vec()).unwrap()
    }

    fn material(&self) -> VerificationMaterial {
        match &self.leaf {
            Some(_) => VerificationMaterial::CertificateChain(vec![self.leaf_der()]),
            None => VerificationMaterial::Key(KeyMaterial::hinted(self.public_key().hint())),
        }
    }

    /// The same as JSON, of an old version, which asks for less.
    pub(crate) fn bundle_v0_1(&self, entries: &[Value]) -> UntrustedBundle {
        let mut bundle: Value = serde_json::from_slice(&self.bundle(&[]).to_json()).unwrap();
        bundle["mediaType"] = json!("application/vnd.dev.sigstore.bundle+json;version=0.1");
        bundle["verificationMaterial"]["tlogEntries"] = json!(entries);
        UntrustedBundle::parse(bundle.to_string().as_bytes()).unwrap()
    }

    pub(crate) fn trust(&self) -> Trust {
        self.trust_at(clock())
    }

    pub(crate) fn trust_at(&self, clock: Clock) -> Trust {
        match &self.leaf {
            Some((_, anchor)) => Trust::certificate(CertificateTrust::anchors(vec![anchor.clone()], clock)),
            None => Trust::key(self.public_key()),
        }
    }
}

/// Asserts that a bundle is refused for what its log entry says.
#[track_caller]
pub(crate) fn refused(bundle: UntrustedBundle, trust: &Trust) -> LogEntryError {
    match verify(bundle, trust) {
        Err(VerifyError::LogEntry(error)) => error,
        other => panic!("expected a refusal of the log entry, found {other:?}"),
    }
}

#[track_caller]
pub(crate) fn verified(bundle: UntrustedBundle, trust: &Trust) -> VerifiedStatement {
    verify(bundle, trust).unwrap()
}

pub(crate) fn key_verifier(spki: &[u8]) -> Value {
    json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "publicKey": {"rawBytes": base64(spki)}})
}

pub(crate) fn certificate_verifier(leaf: &[u8]) -> Value {
    json!({"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": {"rawBytes": base64(leaf)}})
}

pub(crate) fn decoded(base64: &Value) -> Vec<u8> {
    STANDARD.decode(base64.as_str().unwrap()).unwrap()
}

fn certified(key: &KeyPair, begin: &str, end: &str) -> Leaf {
    let root_key = KeyPair::generate().unwrap();
    let mut root = named("Root", "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let anchor = Certificate::from_der(root.self_signed(&root_key).unwrap().der()).unwrap();
    let mut leaf = named("Leaf", begin, end);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    (leaf.signed_by(key, &Issuer::new(root, &root_key)).unwrap(), anchor)
}

/// What a certificate says that is valid from one time to another.
pub(crate) fn named(name: &str, begin: &str, end: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // The dates of rcgen have a type of another crate.
    let since_1970 = |text| Duration::from_secs(time(text).as_second().unsigned_abs());
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(begin);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(end);
    params
}
