//! A Sigstore instance that a test keeps itself: a certificate authority, a
//! certificate transparency log and a transparency log of Rekor's first version.

use modelseal_bundle::{Envelope, LogEntry, PAYLOAD_TYPE, UntrustedBundle, VerificationMaterial, pae};
use modelseal_verify::{IdentityPattern, SigstoreTrust, Trust, TrustedRoot};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SigningKey,
};
use serde_json::{Value, json};
use x509_cert::der::{Decode, Encode};

use crate::log::{Log, base64, sha256};
use crate::signed::{clock, named, payload, time};

/// When certificates begin and end, and when the log takes a signature.
pub(crate) const BEGIN: &str = "2024-05-15T12:00:00Z";
pub(crate) const SIGNED: &str = "2024-05-15T12:05:00Z";
pub(crate) const END: &str = "2024-05-15T12:10:00Z";

pub(crate) const PERSON: &str = "release@acme.example";
pub(crate) const WORKFLOW: &str =
    "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/v1.0";
pub(crate) const ISSUER: &str = "https://issuer.example";

const FULCIO: [u64; 8] = [1, 3, 6, 1, 4, 1, 57264, 1];
const SCT_LIST: [u64; 10] = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];

/// What a certificate will say.
#[derive(Clone)]
pub(crate) struct Profile {
    params: CertificateParams,
    /// How many times the certificate transparency log signs it.
    promises: usize,
}

/// A certificate of a person.
pub(crate) fn person() -> Profile {
    unnamed().names([email(PERSON)]).bare_issuer(ISSUER.as_bytes()).issuer(&text(ISSUER))
}

/// A certificate of a workflow in CI.
pub(crate) fn workflow() -> Profile {
    unnamed().names([uri(WORKFLOW)]).issuer(&text(ISSUER))
}

/// A certificate that says nothing of its holder.
pub(crate) fn unnamed() -> Profile {
    let mut params = named("", BEGIN, END);
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(rcgen::SerialNumber::from(4242));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    Profile { params, promises: 1 }
}

impl Profile {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    pub(crate) fn promised(self, promises: usize) -> Self {
        Self { promises, ..self }
    }

    pub(crate) fn names(self, names: impl IntoIterator<Item = SanType>) -> Self {
        self.with(|params| params.subject_alt_names = names.into_iter().collect())
    }

    /// The content of the extension for names, whatever it is.
    pub(crate) fn raw_names(self, content: &[u8]) -> Self {
        let names = CustomExtension::from_oid_content(&[2, 5, 29, 17], content.to_vec());
        self.names([]).with(|params| params.custom_extensions.push(names))
    }

    pub(crate) fn bare_issuer(self, content: &[u8]) -> Self {
        self.says(1, content)
    }

    pub(crate) fn issuer(self, content: &[u8]) -> Self {
        self.says(8, content)
    }

    /// With an extension of Fulcio.
    pub(crate) fn says(self, number: u64, content: &[u8]) -> Self {
        let oid = [&FULCIO[..], &[number]].concat();
        let extension = CustomExtension::from_oid_content(&oid, content.to_vec());
        self.with(|params| params.custom_extensions.push(extension))
    }

    pub(crate) fn claims(self, number: u64, claim: &str) -> Self {
        self.says(number, &text(claim))
    }
}

pub(crate) fn email(address: &str) -> SanType {
    SanType::Rfc822Name(address.try_into().unwrap())
}

pub(crate) fn uri(uri: &str) -> SanType {
    SanType::URI(uri.try_into().unwrap())
}

/// DER of a UTF-8 string.
pub(crate) fn text(text: &str) -> Vec<u8> {
    crate::token::tlv(0x0c, &[text.as_bytes()])
}

/// A Sigstore instance.
pub(crate) struct Instance {
    root: CertificateParams,
    root_key: KeyPair,
    root_der: Vec<u8>,
    transparency: KeyPair,
    pub(crate) log: Log,
}

impl Instance {
    pub(crate) fn new() -> Self {
        Self::of_authority("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z")
    }

    /// With a certificate authority that is valid from one time to another.
    pub(crate) fn of_authority(begin: &str, end: &str) -> Self {
        let mut root = named("Authority", begin, end);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let [root_key, transparency] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
        Self { root, root_key, root_der, transparency, log: Log::v1("rekor.example") }
    }

    /// What issues certificates, alone in a trusted root.
    pub(crate) fn authorities(&self) -> Value {
        json!([{
            "uri": "https://fulcio.example",
            "certChain": {"certificates": [{"rawBytes": base64(&self.root_der)}]},
            "validFor": {"start": "2020-01-01T00:00:00Z"},
        }])
    }

    /// What makes certificates public.
    pub(crate) fn certificate_logs(&self) -> Value {
        self.certificate_logs_within(&json!({"start": "2020-01-01T00:00:00Z"}))
    }

    pub(crate) fn certificate_logs_within(&self, window: &Value) -> Value {
        let key = self.transparency.subject_public_key_info();
        json!([{
            "baseUrl": "https://ct.example",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64(&key), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": window,
            },
            "logId": {"keyId": base64(&sha256(&key))},
        }])
    }

    pub(crate) fn trusted(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.log.trusted()],
            "certificateAuthorities": self.authorities(),
            "ctlogs": self.certificate_logs(),
            "timestampAuthorities": [],
        })
    }

    pub(crate) fn trusted_root(&self) -> TrustedRoot {
        parsed(&self.trusted())
    }

    /// Believes an identity by the word of this instance.
    pub(crate) fn trust(&self, identity: &str) -> Trust {
        Trust::sigstore(self.sigstore_trust(identity))
    }

    pub(crate) fn sigstore_trust(&self, identity: &str) -> SigstoreTrust {
        let identity: IdentityPattern = identity.parse().unwrap();
        SigstoreTrust::identity(self.trusted_root(), identity, ISSUER, clock())
    }

    /// Somebody signs with a certificate of this instance.
    pub(crate) fn signed(&self, profile: &Profile) -> Signed {
        let key = KeyPair::generate().unwrap();
        let leaf = self.issued(profile, &key);
        Signed::with(key, leaf)
    }

    /// The whole bundle of that.
    pub(crate) fn bundle(&self, profile: &Profile) -> UntrustedBundle {
        let signed = self.signed(profile);
        signed.bundle(&[self.logged(&signed)])
    }

    /// The entry of a signature, at [`SIGNED`].
    pub(crate) fn logged(&self, signed: &Signed) -> Value {
        self.log.promise(&self.log.entry(&signed.dsse()), time(SIGNED).as_second())
    }

    /// With what the certificate transparency log says of another certificate.
    pub(crate) fn signed_with_promise_for(&self, other: &Profile, profile: &Profile) -> Signed {
        let key = KeyPair::generate().unwrap();
        let leaf = self.issue(&profile.clone().with(|params| self.promise_to(other, &key, params)), &key);
        Signed::with(key, leaf)
    }

    fn issued(&self, profile: &Profile, key: &KeyPair) -> Vec<u8> {
        let promised = profile.clone().with(|params| self.promise_to(profile, key, params));
        self.issue(&promised, key)
    }

    fn issue(&self, profile: &Profile, key: &KeyPair) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.root, &self.root_key);
        profile.params.signed_by(key, &issuer).unwrap().der().to_vec()
    }

    /// Adds what the certificate transparency log says of a certificate.
    fn promise_to(&self, profile: &Profile, key: &KeyPair, params: &mut CertificateParams) {
        if profile.promises > 0 {
            let promise = self.promise(&self.issue(profile, key));
            let list = crate::token::tlv(4, &[&prefixed(&vec![promise; profile.promises].concat())]);
            params.custom_extensions.push(CustomExtension::from_oid_content(&SCT_LIST, list));
        }
    }

    /// RFC 6962, section 3.2, of a certificate without its promises.
    fn promise(&self, der: &[u8]) -> Vec<u8> {
        let tbs = x509_cert::Certificate::from_der(der).unwrap().tbs_certificate.to_der().unwrap();
        let at = time(BEGIN).as_millisecond().to_be_bytes();
        let [_, length @ ..] = u32::try_from(tbs.len()).unwrap().to_be_bytes();
        let issuer = sha256(&self.root_key.subject_public_key_info());
        let signed = [&[0, 0][..], &at, &[0, 1], &issuer, &length, &tbs, &[0, 0]].concat();
        let signature = prefixed(&self.transparency.sign(&signed).unwrap());
        let log = sha256(&self.transparency.subject_public_key_info());
        prefixed(&[&[0][..], &log, &at, &[0, 0], &[4, 3], &signature].concat())
    }
}

/// With its length before it (RFC 5246, section 4.3).
fn prefixed(content: &[u8]) -> Vec<u8> {
    [&u16::try_from(content.len()).unwrap().to_be_bytes()[..], content].concat()
}

pub(crate) fn parsed(root: &Value) -> TrustedRoot {
    TrustedRoot::parse(root.to_string().as_bytes()).unwrap()
}

/// A signature of a short-lived certificate.
pub(crate) struct Signed {
    key: KeyPair,
    pub(crate) leaf: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

impl Signed {
    pub(crate) fn with(key: KeyPair, leaf: Vec<u8>) -> Self {
        let payload = payload(b"a");
        let signature = key.sign(&pae(PAYLOAD_TYPE, &payload)).unwrap();
        Self { key, leaf, payload, signature }
    }

    /// The same signature with another certificate.
    pub(crate) fn showing(&self, leaf: Vec<u8>) -> Self {
        let key = KeyPair::from_pem(&self.key.serialize_pem()).unwrap();
        Self { key, leaf, payload: self.payload.clone(), signature: self.signature.clone() }
    }

    /// The same signer over another payload.
    pub(crate) fn also_over(&self, content: &[u8]) -> Self {
        let payload = payload(content);
        let signature = self.key.sign(&pae(PAYLOAD_TYPE, &payload)).unwrap();
        Self { payload, signature, ..self.showing(self.leaf.clone()) }
    }

    /// The same with another signature.
    pub(crate) fn with_signature(&self, signature: Vec<u8>) -> Self {
        Self { signature, ..self.showing(self.leaf.clone()) }
    }

    /// A signature over whatever bytes, by the same key.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.key.sign(bytes).unwrap()
    }

    /// What version 1 of Rekor logs of it.
    pub(crate) fn dsse(&self) -> Value {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", base64(&self.leaf));
        json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": {"algorithm": "sha256", "value": "ab".repeat(32)},
            "payloadHash": {"algorithm": "sha256", "value": hex::encode(sha256(&self.payload))},
            "signatures": [{"signature": base64(&self.signature), "verifier": base64(pem.as_bytes())}],
        }})
    }

    /// What version 2 of Rekor logs of it.
    pub(crate) fn hashedrekord(&self) -> Value {
        let digest = sha256(&pae(PAYLOAD_TYPE, &self.payload));
        json!({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": {
            "data": {"algorithm": "SHA2_256", "digest": base64(&digest)},
            "signature": {
                "content": base64(&self.signature),
                "verifier": crate::signed::certificate_verifier(&self.leaf),
            },
        }}})
    }

    pub(crate) fn bundle(&self, entries: &[Value]) -> UntrustedBundle {
        self.evident(entries, &[])
    }

    /// With log entries and timestamps.
    pub(crate) fn evident(&self, entries: &[Value], tokens: &[Vec<u8>]) -> UntrustedBundle {
        let entries = entries.iter().map(|entry| LogEntry::parse(entry.to_string().as_bytes()).unwrap());
        let material = VerificationMaterial::Certificate(self.leaf.clone());
        let envelope = Envelope::new(self.payload.clone(), self.signature.clone());
        UntrustedBundle::with_evidence(material, envelope, entries.collect(), tokens.to_vec()).unwrap()
    }
}
