//! Transparency logs that a test keeps itself: of Rekor's second version, which
//! signs checkpoints with Ed25519, and of its first, which signs checkpoints and
//! times with ECDSA.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use modelseal_verify::TrustedRoot;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// When the keys of logs begin to be valid, unless a test says otherwise.
pub(crate) const LOGS_BEGIN: &str = "2020-01-01T00:00:00Z";
/// Where an entry stands in its tree, and so in the proof.
pub(crate) const INDEX: u64 = 4;
/// How many entries the trees have.
const SIZE: u64 = 7;
/// How many entries of shards before this one the index of version 1 counts.
const EARLIER_SHARDS: u64 = 1_000;

pub(crate) type Hash = [u8; 32];

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn sha256(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

pub(crate) struct Log {
    key: KeyPair,
    host: &'static str,
    is_v2: bool,
}

impl Log {
    pub(crate) fn v2(host: &'static str) -> Self {
        Self { key: KeyPair::generate_for(&PKCS_ED25519).unwrap(), host, is_v2: true }
    }

    pub(crate) fn v1(host: &'static str) -> Self {
        Self { key: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(), host, is_v2: false }
    }

    /// That of a signed note for Ed25519, and the SHA-256 of the key for ECDSA.
    pub(crate) fn id(&self) -> Hash {
        if self.is_v2 {
            sha256(&[self.host.as_bytes(), b"\n\x01", self.key.public_key_raw()].concat())
        } else {
            sha256(&self.key.subject_public_key_info())
        }
    }

    /// The log, as a trusted root names it.
    pub(crate) fn trusted(&self) -> Value {
        self.trusted_within(&json!({"start": LOGS_BEGIN}))
    }

    pub(crate) fn trusted_within(&self, window: &Value) -> Value {
        json!({
            "baseUrl": self.url(),
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": base64(&self.key.subject_public_key_info()),
                "keyDetails": if self.is_v2 { "PKIX_ED25519" } else { "PKIX_ECDSA_P256_SHA_256" },
                "validFor": window,
            },
            "logId": {"keyId": base64(&self.id())},
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.host)
    }

    pub(crate) fn origin(&self) -> String {
        if self.is_v2 { self.host.to_owned() } else { format!("{} - 1193050959916656506", self.host) }
    }

    /// A line of a signed note, under any four bytes of a hint.
    pub(crate) fn signature_line(&self, text: &str, hint: &[u8]) -> String {
        let signature = self.key.sign(text.as_bytes()).unwrap();
        format!("\u{2014} {} {}\n", self.host, base64(&[hint, &signature].concat()))
    }

    /// What the log says of a tree.
    pub(crate) fn checkpoint(&self, origin: &str, size: u64, root: &Hash) -> String {
        let text = format!("{origin}\n{size}\n{}\n", base64(root));
        format!("{text}\n{}", self.signature_line(&text, &self.id()[..4]))
    }

    /// An entry of the log, with all that proves it to be there; of version 1
    /// without a time.
    pub(crate) fn entry(&self, body: &Value) -> Value {
        self.entry_of_bytes(&body["kind"], &body["apiVersion"], body.to_string().as_bytes())
    }

    pub(crate) fn entry_of_bytes(&self, kind: &Value, version: &Value, body: &[u8]) -> Value {
        self.entry_at(INDEX, SIZE, kind, version, body)
    }

    /// The same at another place of a tree of another size.
    pub(crate) fn entry_at(&self, at: u64, size: u64, kind: &Value, version: &Value, body: &[u8]) -> Value {
        let leaves =
            (0..size).map(|index| if index == at { body.to_vec() } else { index.to_be_bytes().to_vec() });
        let leaves: Vec<Hash> = leaves.map(|leaf| sha256(&[&[0], &leaf[..]].concat())).collect();
        let (root, place) = (root(&leaves), usize::try_from(at).unwrap());
        let hashes: Vec<String> = path(place, &leaves).iter().map(|hash| base64(hash)).collect();
        let index = if self.is_v2 { at } else { at + EARLIER_SHARDS };
        json!({
            "logIndex": index.to_string(),
            "logId": {"keyId": base64(&self.id())},
            "kindVersion": {"kind": kind, "version": version},
            "inclusionProof": {
                "logIndex": at.to_string(),
                "rootHash": base64(&root),
                "treeSize": size.to_string(),
                "hashes": hashes,
                "checkpoint": {"envelope": self.checkpoint(&self.origin(), size, &root)},
            },
            "canonicalizedBody": base64(body),
        })
    }

    /// The same entry with a time that this log has signed.
    pub(crate) fn promise(&self, entry: &Value, seconds: i64) -> Value {
        let mut promised = entry.clone();
        // In the order of RFC 8785.
        let signed = json!({
            "body": entry["canonicalizedBody"],
            "integratedTime": seconds,
            "logID": hex::encode(STANDARD.decode(entry["logId"]["keyId"].as_str().unwrap()).unwrap()),
            "logIndex": entry["logIndex"].as_str().unwrap().parse::<u64>().unwrap(),
        });
        let signature = self.key.sign(signed.to_string().as_bytes()).unwrap();
        promised["integratedTime"] = json!(seconds.to_string());
        promised["inclusionPromise"] = json!({"signedEntryTimestamp": base64(&signature)});
        promised
    }
}

/// A trusted root with nothing but logs.
pub(crate) fn root_of(logs: &[Value]) -> TrustedRoot {
    root_with(logs, &json!([]))
}

/// A trusted root with logs and timestamp authorities.
pub(crate) fn root_with(logs: &[Value], authorities: &Value) -> TrustedRoot {
    let root = json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": logs,
        "timestampAuthorities": authorities,
    });
    TrustedRoot::parse(root.to_string().as_bytes()).unwrap()
}

/// RFC 6962, section 2.1.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [leaf] => *leaf,
        leaves => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// RFC 6962, section 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut below, other) = match index.checked_sub(left.len()) {
        None => (path(index, left), root(right)),
        Some(index) => (path(index, right), root(left)),
    };
    below.push(other);
    below
}

/// The largest power of two smaller than `size`.
fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], &left[..], right].concat())
}
