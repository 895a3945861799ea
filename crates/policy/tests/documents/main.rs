//! Policies, deny-lists and locks as texts: what is read, and which line and
//! key an error names.

mod attestations;
mod deny_lists;
mod locks;
mod policies;

use std::collections::{BTreeMap, BTreeSet};

use modelseal_bundle::Statement;
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, ModelName, Reference, Resource, ResourceName, Serialization,
    Sha256Digest,
};
use modelseal_policy::{
    Contents, DenyList, DocumentError, Entry, Evidence, Lock, LockedSigner, Materials, Outcome, Policy,
    Question, ReasonKind, judge,
};
use modelseal_predicate::{DenyListRelease, SignerId, file_subject};
use modelseal_sign::{KeySigner, PrivateKey, Signer};
use modelseal_verify::{Clock, PublicKey, TrustedRoot};
use serde_json::{Value, json};

const ACME: &[u8] = include_bytes!("../../../../testdata/keys/p256.pub");
const OTHER: &[u8] = include_bytes!("../../../../testdata/keys/other-p256.pub");
const PRIVATE: &[u8] = include_bytes!("../../../../testdata/keys/p256.pem");
const PRIVATE_OTHER: &[u8] = include_bytes!("../../../../testdata/keys/other-p256.pem");
const ROOT: &[u8] = include_bytes!("../../../../testdata/certificates/root.pem");

/// The files that policies name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let files = [("acme.pub", ACME), ("other.pub", OTHER), ("root.pem", ROOT), ("garbage", b"garbage")];
    files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect()
}

fn load_with(text: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Policy, DocumentError> {
    let read = |path: &str| files.get(path).cloned().ok_or_else(|| "there is no such file".to_owned());
    let root = || Ok(TrustedRoot::production());
    let clock = Clock::at("2026-06-01T00:00:00Z".parse().unwrap());
    Policy::load(text.as_bytes(), &Materials { read: &read, root: &root, keys: &[], clock })
}

fn load(text: &str) -> Result<Policy, DocumentError> {
    load_with(text, &files())
}

const GOOD: &str = r#"version = 1
serial = 7
expires = 2027-01-01
[publishers.acme]
keys = ["acme.pub"]
[publishers.other]
keys = ["other.pub"]
[[rules]]
scope = "hf://acme/*"
signed-by = { any = ["acme", "other"] }
[[waivers]]
model = "model-v1:0000000000000000000000000000000000000000000000000000000000000000"
rule = "hf://acme/*"
owner = "ops"
reason = "made before signing"
expires = 2026-12-31
[[remap]]
from = "oci://mirror.example/*"
to = "hf://*"
[[deny]]
key = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
since = 2026-01-01
reason = "stolen"
"#;

/// TOML as JSON.
fn as_json(text: &str) -> Value {
    fn converted(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => json!(text),
            toml::Value::Integer(number) => json!(number),
            toml::Value::Float(number) => json!(number),
            toml::Value::Boolean(is_true) => json!(is_true),
            toml::Value::Datetime(time) => json!(time.to_string()),
            toml::Value::Array(values) => values.into_iter().map(converted).collect(),
            toml::Value::Table(table) => {
                table.into_iter().map(|(key, value)| (key, converted(value))).collect()
            }
        }
    }
    converted(toml::Value::Table(toml::from_str(text).unwrap()))
}
