//! What clients and verifiers are given: keys and certificates to trust, and
//! where the servers are.

use std::fs;
use std::io;
use std::path::Path;

use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::{Certificate, KeyPair, PublicKeyData};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::addresses::{Addresses, HOST};
use super::authority::{Authority, Chain, ORGANIZATION};
use super::issuer::Provider;

/// The algorithm byte that the signed notes of Ed25519 keys hash.
const NOTE_ED25519: u8 = 1;

/// Writes the files under the names that tests know.
pub(super) fn write(directory: &Path, authority: &Authority, addresses: &Addresses) -> io::Result<()> {
    let trusted_root = trusted_root(authority, addresses);
    let signing_config = signing_config(authority, addresses);
    let client_trust_config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": trusted_root,
        "signingConfig": signing_config,
    });
    let files = [
        ("trusted_root.json", pretty(&trusted_root)),
        ("signing_config.json", pretty(&signing_config)),
        ("client_trust_config.json", pretty(&client_trust_config)),
        ("fulcio_chain.pem", authority.fulcio.pem()),
        ("fulcio_root.pem", authority.fulcio.root_pem()),
        ("tsa_chain.pem", authority.tsa.pem()),
        ("tsa_root.pem", authority.tsa.root_pem()),
        ("rekor.pub", authority.rekor.public_key_pem()),
        ("ctlog.pub", authority.ctlog.public_key_pem()),
    ];
    fs::create_dir_all(directory)?;
    files.iter().try_for_each(|(name, content)| fs::write(directory.join(name), content))
}

/// Says where everything is. Written last, it also says that everything runs.
pub(super) fn write_index(directory: &Path, addresses: &Addresses, cosign: &Path) -> io::Result<()> {
    let issuer = addresses.issuer_url();
    let index = json!({
        "fulcio": addresses.fulcio_url(),
        "rekor": addresses.rekor_url(),
        "tsa": addresses.tsa_url(),
        "ctlog": addresses.ctlog_url(),
        "issuer": issuer,
        "email_issuer": Provider::Email.url(&issuer),
        "github_issuer": Provider::GitHub.url(&issuer),
        "cosign": cosign,
    });
    fs::write(directory.join("stack.json"), pretty(&index))
}

fn trusted_root(authority: &Authority, addresses: &Addresses) -> Value {
    let since = start(authority);
    json!({
        "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        "tlogs": [log(
            &addresses.rekor_url(),
            &authority.rekor,
            "PKIX_ED25519",
            &note_log_id(&authority.rekor),
            &since,
        )],
        "certificateAuthorities": [certificate_authority(&addresses.fulcio_url(), &authority.fulcio, &since)],
        "ctlogs": [log(
            &addresses.ctlog_url(),
            &authority.ctlog,
            "PKIX_ECDSA_P256_SHA_256",
            &Sha256::digest(authority.ctlog.subject_public_key_info()),
            &since,
        )],
        "timestampAuthorities": [certificate_authority(&addresses.tsa_url(), &authority.tsa, &since)],
    })
}

fn signing_config(authority: &Authority, addresses: &Addresses) -> Value {
    let since = start(authority);
    let service = |url: String, version: u32| {
        json!([{
            "url": url,
            "majorApiVersion": version,
            "validFor": {"start": since},
            "operator": ORGANIZATION,
        }])
    };
    json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(addresses.fulcio_url(), 1),
        "oidcUrls": service(Provider::Email.url(&addresses.issuer_url()), 1),
        "rekorTlogUrls": service(addresses.rekor_url(), 2),
        "tsaUrls": service(addresses.tsa_url(), 1),
        "rekorTlogConfig": {"selector": "ANY"},
        "tsaConfig": {"selector": "ANY"},
    })
}

fn log(url: &str, key: &KeyPair, details: &str, id: &[u8], since: &str) -> Value {
    json!({
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": BASE64_STANDARD.encode(key.subject_public_key_info()),
            "keyDetails": details,
            "validFor": {"start": since},
        },
        "logId": {"keyId": BASE64_STANDARD.encode(id)},
    })
}

/// The identifier of a log that signs its checkpoints with Ed25519: the key ID
/// of C2SP's signed notes, not cut short.
fn note_log_id(key: &KeyPair) -> Vec<u8> {
    let hash = Sha256::new().chain_update(HOST).chain_update([b'\n', NOTE_ED25519]);
    hash.chain_update(key.der_bytes()).finalize().to_vec()
}

fn certificate_authority(url: &str, chain: &Chain, since: &str) -> Value {
    let certificate =
        |certificate: &Certificate| json!({"rawBytes": BASE64_STANDARD.encode(certificate.der())});
    json!({
        "subject": {"organization": ORGANIZATION, "commonName": chain.name},
        "uri": url,
        "certChain": {"certificates": chain.certificates.each_ref().map(certificate)},
        "validFor": {"start": since},
    })
}

fn start(authority: &Authority) -> String {
    format!("{}T00:00:00Z", authority.since)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
