//! What the schemas of `spec/schemas` say of policies, deny-lists and locks is
//! what the crate reads.

use jsonschema::Validator;
use modelseal_policy::{DenyList, DocumentError, Lock, Materials, Policy};
use modelseal_verify::{Clock, PublicKey, TrustedRoot};
use serde_json::{Value, json};

const POLICY: &str = include_str!("../../../spec/schemas/policy.schema.json");
const DENY_LIST: &str = include_str!("../../../spec/schemas/deny-list.schema.json");
const LOCK: &str = include_str!("../../../spec/schemas/lock.schema.json");

fn hex(prefix: &str) -> String {
    format!("{prefix}:{}", "0a".repeat(32))
}

/// Every key of a policy, somewhere.
fn policy() -> Value {
    json!({
        "version": 1,
        "serial": 7,
        "expires": "2027-06-01T00:00:00Z",
        "publishers": {
            "acme": {
                "keys": ["acme.pub"],
                "certificates": [{ "roots": ["root.pem"], "subject": "CN=Release", "crls": [] }],
                "sigstore": [
                    { "issuer": "https://accounts.example", "identity": "release@acme.example" },
                    {
                        "issuer": "https://ci.example",
                        "identity": "https://g.example/acme/toy/x.yml@refs/tags/*",
                        "claims": { "source-owner-id": "42" }
                    },
                    { "issuer": "https://ci.example", "identity": "https://ci.example/acme", "name-only": true }
                ]
            },
            "other": { "keys": ["other.pub"] }
        },
        "rules": [
            {
                "scope": "hf://acme/*",
                "mode": "warn",
                "continuity": "tofu",
                "signed-by": { "at-least": 1, "of": ["acme", "other"] },
                "bind-name": true,
                "not-before": "2026-01-01",
                "not-after": "2026-12-31",
                "proved-time": true,
                "hashes": ["sha256", "blake3"],
                "unsigned-files": "refuse",
                "symlinks": false,
                "legacy-formats": true,
                "attestations": [
                    {
                        "type": "provenance",
                        "signed-by": { "any": ["acme", "other"] },
                        "max-age": "90d",
                        "builder": "https://ci.example/acme/*",
                        "build-type": "https://ci.example/build/v1",
                        "source": "https://g.example/acme/toy",
                        "source-ref": "refs/tags/*",
                        "dependencies": { "of": ["hf://base/*", "oci://r.example/base"], "at-least": 2 },
                        "build-level": 3
                    },
                    {
                        "type": "https://slsa.dev/provenance/v0.2",
                        "signed-by": { "all": ["acme"] },
                        "builder": "https://ci.example/acme"
                    },
                    { "type": "https://cyclonedx.org/bom", "signed-by": { "any": ["other"] }, "max-age": "12h" }
                ],
                "summaries": [summary()]
            },
            { "scope": "oci://r.example/*", "signed-by": { "any": ["acme"] } },
            { "scope": "oci://s.example/x", "signed-by": { "all": ["acme"] } },
            { "scope": "file:/srv/*", "unsigned": "pinned", "continuity": "pinned" },
            { "scope": "oci://t.example/*", "continuity": "tofu", "summaries": [summary()] }
        ],
        "deny-list": { "file": "deny.toml", "signed-by": "acme" },
        "deny": deny_list()["deny"],
        "waivers": [{
            "model": hex("model-v1"),
            "rule": "hf://acme/*",
            "owner": "ops",
            "reason": "old",
            "expires": "2026-12-31"
        }],
        "remap": [{ "from": "oci://mirror.example/*", "to": "hf://*" }]
    })
}

fn provenance() -> Value {
    json!({ "type": "provenance", "signed-by": { "any": ["acme"] } })
}

fn summary() -> Value {
    json!({
        "signed-by": "other",
        "verifier": "https://registry.example/verifier",
        "policies": [hex("sha256")],
        "max-age": "7d"
    })
}

fn deny_list() -> Value {
    json!({
        "version": 1,
        "serial": 3,
        "expires": "2026-12-31",
        "deny": [
            { "model": hex("model-v1"), "reason": "backdoor" },
            { "file": hex("sha256"), "reason": "steals tokens" },
            { "key": hex("sha256"), "since": "2026-01-01", "reason": "stolen" },
            { "certificate": hex("sha256"), "reason": "stolen" },
            {
                "issuer": "https://ci.example",
                "identity": "https://g.example/evil/toy/x.yml@refs/tags/*",
                "claims": { "source-owner-id": "666" },
                "reason": "registered anew"
            }
        ]
    })
}

fn lock() -> Value {
    let signer = |method: &str| json!({ "publisher": "acme", "method": method });
    let with = |mut signer: Value, more: Value| {
        let more = more.as_object().unwrap().clone();
        signer.as_object_mut().unwrap().extend(more);
        signer
    };
    json!({
        "version": 1,
        "policy-serial": 7,
        "deny-list-serial": 0,
        "model": [{
            "reference": "hf://acme/toy@v1",
            "digest": hex("model-v1"),
            "root": hex("sha256"),
            "release": "1.2.0",
            "first-seen": "2026-01-01T00:00:00Z",
            "last-seen": "2026-01-01T00:00:00.5Z",
            "signers": [
                with(signer("key"), json!({ "key": hex("sha256") })),
                with(signer("certificate"), json!({ "root": hex("sha256"), "subject": "CN=Release" })),
                with(signer("workflow"), json!({ "issuer": "i", "owner-id": "42", "repository-id": "1" })),
                with(signer("identity"), json!({ "issuer": "i", "identity": "release@acme.example" }))
            ]
        }]
    })
}

fn load(text: &[u8]) -> Result<(), DocumentError> {
    let read = |path: &str| match path {
        "root.pem" => Ok(include_bytes!("../../../testdata/certificates/root.pem").to_vec()),
        "acme.pub" => Ok(include_bytes!("../../../testdata/keys/p256.pub").to_vec()),
        "other.pub" => Ok(include_bytes!("../../../testdata/keys/other-p256.pub").to_vec()),
        _ => Err(format!("{path} is not there")),
    };
    let root = || Ok(TrustedRoot::production());
    let keys: [PublicKey; 0] = [];
    Policy::load(text, &Materials { read: &read, root: &root, keys: &keys, clock: Clock::system() }).map(drop)
}

type Read = fn(&[u8]) -> Result<(), DocumentError>;

/// Schema, reader and a good document of each kind.
fn kinds() -> [(Validator, Read, Value); 3] {
    [
        (validator(POLICY), load as Read, policy()),
        (validator(DENY_LIST), |text| DenyList::parse(text).map(drop), deny_list()),
        (validator(LOCK), |text| Lock::parse(text).map(drop), lock()),
    ]
}

fn validator(schema: &str) -> Validator {
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
}

/// Whether the schema takes it, and whether it is read.
fn accepted(schema: &Validator, read: Read, document: &Value) -> (bool, bool) {
    (schema.is_valid(document), read(document.to_string().as_bytes()).is_ok())
}

#[test]
fn the_schemas_are_schemas() {
    for (schema, id) in [(POLICY, "policy"), (DENY_LIST, "deny-list"), (LOCK, "lock")] {
        let schema: Value = serde_json::from_str(schema).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["$id"], format!("urn:modelseal:{id}"));
        jsonschema::draft202012::meta::validate(&schema).unwrap();
    }
}

#[test]
fn good_documents_are_good_to_both() {
    for (schema, read, document) in kinds() {
        assert_eq!(accepted(&schema, read, &document), (true, true), "{document:#}");
    }
}

/// The pointers of all members and elements of a document.
fn places(value: &Value, at: &str) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(values) => values.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect(),
        _ => vec![],
    };
    inner
        .into_iter()
        .flat_map(|(name, value)| {
            let pointer = format!("{at}/{name}");
            let beneath = places(value, &pointer);
            std::iter::once(pointer).chain(beneath)
        })
        .collect()
}

#[test]
fn a_value_of_another_type_is_refused_by_both() {
    for (schema, read, document) in kinds() {
        for pointer in places(&document, "") {
            for other in [json!({ "another": "type" }), json!(-1), Value::Null] {
                let mut broken = document.clone();
                *broken.pointer_mut(&pointer).unwrap() = other.clone();
                assert_eq!(accepted(&schema, read, &broken), (false, false), "{other} as {pointer}");
            }
        }
    }
}

#[test]
fn a_member_that_is_unknown_is_refused_by_both_and_one_that_is_missing_alike() {
    for (schema, read, document) in kinds() {
        for pointer in places(&document, "") {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let mut fewer = document.clone();
            let Some(object) = fewer.pointer_mut(parent).unwrap().as_object_mut() else { continue };
            let value = object.remove(name).unwrap();
            // Who are publishers, and which rule a waiver is of, no schema can say.
            let is_of_names = parent.is_empty() || parent == "/publishers";
            let (by_schema, by_reader) = accepted(&schema, read, &fewer);
            assert!(by_schema == by_reader || (by_schema && is_of_names), "without {pointer}");
            if parent != "/publishers" {
                let object = fewer.pointer_mut(parent).unwrap().as_object_mut().unwrap();
                object.insert("unheard-of".to_owned(), value);
                assert_eq!(accepted(&schema, read, &fewer), (false, false), "{pointer} renamed");
            }
        }
    }
}

#[test]
fn what_a_policy_may_not_say_is_refused_by_both() {
    let schema = validator(POLICY);
    for (pointer, value) in [
        ("/version", json!(2)),
        ("/expires", json!("soon")),
        ("/publishers/acme", json!({})),
        ("/publishers/acme", json!({ "keys": [] })),
        ("/publishers/acme/sigstore/1/claims", json!({ "source-repository": "https://g.example/acme/toy" })),
        ("/publishers/acme/sigstore/1/claims", json!({ "owner": "42" })),
        ("/publishers/acme/sigstore/2/name-only", json!(false)),
        ("/publishers/acme/sigstore/0/identity", json!("")),
        ("/rules/0/mode", json!("dry-run")),
        ("/rules/0/continuity", json!("always")),
        ("/rules/0/scope", json!("acme/*")),
        ("/rules/0/scope", json!("hf://acme/toy@v1")),
        ("/rules/0/hashes", json!([])),
        ("/rules/0/hashes", json!(["md5"])),
        ("/rules/0/signed-by", json!({})),
        ("/rules/0/signed-by", json!({ "any": [] })),
        ("/rules/0/signed-by", json!({ "any": ["acme", "acme"] })),
        ("/rules/0/signed-by", json!({ "any": ["acme"], "all": ["acme"] })),
        ("/rules/0/signed-by", json!({ "at-least": 0, "of": ["acme"] })),
        ("/rules/0/signed-by", json!({ "of": ["acme"] })),
        ("/rules/3", json!({ "scope": "file:/srv/*" })),
        ("/rules/3", json!({ "scope": "file:/srv/*", "unsigned": "allowed" })),
        ("/rules/3", json!({ "scope": "file:/srv/*", "unsigned": "pinned", "continuity": "tofu" })),
        ("/rules/3", json!({ "scope": "file:/srv/*", "unsigned": "pinned", "bind-name": true })),
        (
            "/rules/3",
            json!({ "scope": "file:/srv/*", "unsigned": "pinned", "signed-by": { "any": ["acme"] } }),
        ),
        ("/rules/3", json!({ "scope": "file:/srv/*", "unsigned": "pinned", "summaries": [summary()] })),
        ("/rules/3", json!({ "scope": "file:/srv/*", "unsigned": "pinned", "attestations": [provenance()] })),
        ("/rules/4", json!({ "scope": "oci://t.example/*", "summaries": [] })),
        ("/rules/4", json!({ "scope": "oci://t.example/*", "attestations": [provenance()] })),
        ("/rules/4/attestations", json!([provenance()])),
        ("/rules/4/bind-name", json!(true)),
        ("/rules/4/proved-time", json!(true)),
        ("/rules/4/hashes", json!(["sha256"])),
        ("/rules/4/not-after", json!("2026-01-01")),
        ("/rules/0/attestations", json!({})),
        ("/rules/0/attestations", json!(vec![provenance(); 17])),
        ("/rules/0/attestations/0/type", json!("sbom")),
        ("/rules/0/attestations/0/type", json!("https://x.example/a b")),
        ("/rules/0/attestations/0/type", json!("https://x.example/%zz")),
        ("/rules/0/attestations/0/type", json!("https://x.example/#a#b")),
        ("/rules/0/attestations/0/type", json!("a:")),
        ("/rules/0/attestations/0/type", json!("https://slsa.dev/provenance/v2")),
        ("/rules/0/attestations/2/type", json!("https://slsa.dev/verification_summary/v1")),
        ("/rules/0/attestations/0/signed-by", json!({ "any": [] })),
        ("/rules/0/attestations/0/signed-by", json!("acme")),
        ("/rules/0/attestations/0/max-age", json!("90")),
        ("/rules/0/attestations/0/max-age", json!("0d")),
        ("/rules/0/attestations/0/max-age", json!("1.5d")),
        ("/rules/0/attestations/0/max-age", json!("+90d")),
        ("/rules/0/attestations/0/max-age", json!("90 d")),
        ("/rules/0/attestations/0/max-age", json!("90D")),
        ("/rules/0/attestations/0/max-age", json!(90)),
        ("/rules/0/attestations/0/builder", json!("")),
        ("/rules/0/attestations/0/builder", json!("https://ci.example/acme/**")),
        ("/rules/0/attestations/0/source-ref", json!("x".repeat(2049))),
        ("/rules/0/attestations/0/dependencies", json!({ "at-least": 1 })),
        ("/rules/0/attestations/0/dependencies", json!({ "of": [] })),
        ("/rules/0/attestations/0/dependencies", json!({ "of": vec!["hf://base/*"; 65] })),
        ("/rules/0/attestations/0/dependencies/of/0", json!("base/*")),
        ("/rules/0/attestations/0/dependencies/at-least", json!(-1)),
        ("/rules/0/attestations/0/build-level", json!(0)),
        ("/rules/0/attestations/0/build-level", json!(4)),
        ("/rules/0/summaries", json!(vec![summary(); 17])),
        ("/rules/0/summaries/0/signed-by", json!({ "any": ["other"] })),
        ("/rules/0/summaries/0/verifier", json!("registry")),
        ("/rules/0/summaries/0/policies", json!([])),
        ("/rules/0/summaries/0/policies", json!(vec![hex("sha256"); 65])),
        ("/rules/0/summaries/0/policies/0", json!("0a".repeat(32))),
        ("/rules/0/summaries/0/max-age", json!("12")),
        ("/deny/0/reason", json!(" ")),
        ("/deny/0", json!({ "reason": "x" })),
        ("/deny/0", json!({ "reason": "x", "claims": {} })),
        ("/deny/0", json!({ "reason": "x", "model": hex("model-v1"), "file": hex("sha256") })),
        ("/deny/0", json!({ "reason": "x", "model": hex("model-v1"), "since": "2026-01-01" })),
        ("/deny/0", json!({ "reason": "x", "key": hex("sha256"), "issuer": "i" })),
        ("/deny/2/key", json!("0a".repeat(32))),
        ("/deny/2/since", json!("2026-01-01T00:00:00")),
        ("/waivers/0/owner", json!("")),
        ("/waivers/0/model", json!(hex("sha256"))),
    ] {
        let document = policy_with(pointer, value.clone());
        assert_eq!(accepted(&schema, load, &document), (false, false), "{value} as {pointer}");
    }
}

/// A document with another value than [`policy`] has, or with one that it lacks.
fn policy_with(pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut document = policy();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => _ = members.insert(name.to_owned(), value),
        parent => *parent.get_mut(name.parse::<usize>().unwrap()).unwrap() = value,
    }
    document
}

#[test]
fn what_a_policy_may_say_of_attestations_is_read_by_both() {
    let schema = validator(POLICY);
    for (pointer, value) in [
        ("/rules/0/attestations", json!([])),
        ("/rules/0/attestations", json!(vec![provenance(); 16])),
        ("/rules/0/attestations/0/type", json!("https://slsa.dev/provenance/v1")),
        ("/rules/0/attestations/2/type", json!("urn:x:y?z=%20#part")),
        ("/rules/0/attestations/2/type", json!("https://x.example/provenance")),
        ("/rules/0/attestations/0/max-age", json!("1h")),
        ("/rules/0/attestations/0/max-age", json!("090d")),
        ("/rules/0/attestations/0/source-ref", json!("x".repeat(2048))),
        ("/rules/0/attestations/0/dependencies", json!({ "of": ["hf://*"], "at-least": 0 })),
        ("/rules/0/attestations/0/dependencies", json!({ "of": vec!["hf://base/*"; 64] })),
        ("/rules/0/summaries", json!(vec![summary(); 16])),
        ("/rules/0/summaries/0/policies", json!(vec![hex("sha256"); 64])),
        (
            "/rules/3",
            json!({ "scope": "file:/srv/*", "unsigned": "pinned", "attestations": [], "summaries": [] }),
        ),
        ("/rules/4/attestations", json!([])),
        ("/rules/4/bind-name", json!(false)),
        ("/rules/4/unsigned-files", json!("allow")),
    ] {
        let document = policy_with(pointer, value.clone());
        assert_eq!(accepted(&schema, load, &document), (true, true), "{value} as {pointer}");
    }
}

#[test]
fn keys_of_provenance_are_refused_by_both_for_other_predicates() {
    let schema = validator(POLICY);
    let good = policy();
    let demand = good.pointer("/rules/0/attestations/0").unwrap().as_object().unwrap();
    let of_any = ["type", "signed-by", "max-age"];
    for (name, value) in demand.iter().filter(|(name, _)| !of_any.contains(&name.as_str())) {
        for (index, expected) in [(0, true), (1, true), (2, false)] {
            let document = policy_with(&format!("/rules/0/attestations/{index}/{name}"), value.clone());
            assert_eq!(accepted(&schema, load, &document), (expected, expected), "{name} of {index}");
        }
    }
}

#[test]
fn what_a_lock_may_not_say_is_refused_by_both() {
    let schema = validator(LOCK);
    for (pointer, value) in [
        ("/model/0/reference", json!("acme/toy")),
        ("/model/0/digest", json!(hex("sha256"))),
        ("/model/0/release", json!("latest")),
        ("/model/0/signers/0/method", json!("identity")),
        ("/model/0/signers/2", json!({ "publisher": "acme", "method": "workflow", "issuer": "i" })),
        ("/model/0/first-seen", json!("yesterday")),
    ] {
        let mut document = lock();
        *document.pointer_mut(pointer).unwrap() = value.clone();
        let read: Read = |text| Lock::parse(text).map(drop);
        assert_eq!(accepted(&schema, read, &document), (false, false), "{value} as {pointer}");
    }
}
