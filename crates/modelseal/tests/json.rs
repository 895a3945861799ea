#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! The JSON reports of the command are what `spec/schemas` says, and the
//! schemas say enough to notice when they are not.

mod workbench;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use tempfile::TempDir;

const PRIVATE: [&str; 2] = ["--key", "keys/p256.pem"];
const PUBLIC: [&str; 2] = ["--key", "keys/p256.pub"];

const RELEASED: [&str; 6] = ["--key", "keys/p256.pem", "--name", "hf://acme/toy", "--release", "1.2.0"];
const SUCCEEDED: [&str; 4] = ["--key", "keys/p256.pem", "--scope", "hf://acme/*"];
const ROOT: [&str; 2] = ["--root", "certificates/root.pem"];
const CERTIFICATE: [&str; 6] = [
    "--key",
    "keys/p256.pem",
    "--certificate",
    "certificates/release.pem",
    "--chain",
    "certificates/issuing-ca.pem",
];

const POLICY: [&str; 2] = ["--policy", "policy.toml"];
const LOCKED: [&str; 4] = ["--policy", "policy.toml", "--lock", "modelseal.lock"];
const BOTH_LOCKED: [&str; 4] = ["--policy", "policy.toml", "--lock", "both.lock"];
const NEW_LOCK: [&str; 4] = ["--policy", "policy.toml", "--lock", "new.lock"];
const DENIED: [&str; 6] =
    ["--reason", "took over a namespace", "--expires", "2099-01-01", "--key", "keys/p256.pem"];

/// SHA-256 of the small model's config.json, which deny.toml denies.
const FILE: &str = "sha256:eefbbe96f7137773a7f9bd51fcb550d9c8323119196913327bbe3c67b2427a16";
const RENEWED: [&str; 4] = ["--expires", "2099-06-01", "--key", "keys/p256.pem"];

const BUILT: [&str; 4] = ["--key", "keys/p384.pem", "--provenance", "provenance.json"];
const BASED: [&str; 8] = [
    "--key",
    "keys/p384.pem",
    "--provenance",
    "provenance.json",
    "--base-model",
    "hf://meta/base=base",
    "--base-policy",
    "chain.toml",
];
const BOM: [&str; 6] =
    ["--key", "keys/p384.pem", "--type", "https://cyclonedx.org/bom", "--predicate", "bom.json"];
const CHAIN: [&str; 4] = ["--policy", "chain.toml", "--as", "hf://acme/tune"];
const SUMMARIZED: [&str; 8] = [
    "--policy",
    "chain.toml",
    "--as",
    "hf://acme/tune",
    "--verifier-id",
    "https://registry.example/verifier",
    "--key",
    "keys/p384.pem",
];

const SUCCESSES: [(&str, &[&str], &[&str]); 106] = [
    ("manifest-plan", &["manifest", "plan", "tiny-model", "-o", "new-plan.json"], &[]),
    (
        "manifest-hash",
        &["manifest", "hash", "new-plan.json", "tiny-model", "--part", "0/1", "-o", "new.part"],
        &[],
    ),
    ("manifest-merge", &["manifest", "merge", "new-plan.json", "new.part", "-o", "new.json"], &[]),
    ("manifest-merge", &["manifest", "merge", "plan.json", "1.part", "0.part", "-o", "shards.json"], &[]),
    ("sign", &["sign", "--manifest", "new.json", "-o", "merged.sig"], &PRIVATE),
    ("sign", &["sign", "--manifest", "shards.json", "-o", "shards.sig"], &CERTIFICATE),
    ("sign", &["sign", "--digests", "SHA256SUMS", "--subject-name", "toy", "-o", "list.sig"], &PRIVATE),
    ("sign", &["sign", "--digests", "signed.sums", "--subject-name", "toy", "-o", "left.sig"], &PRIVATE),
    ("sign", &["sign", "--oci-manifest", "oci.json", "--subject-name", "toy", "-o", "oci.sig"], &PRIVATE),
    ("sign", &["sign", "signed", "--force", "--reuse", "signed/model.sig"], &PRIVATE),
    ("attest", &["attest", "bare"], &BUILT),
    ("attest", &["attest", "tuned"], &BASED),
    ("attest", &["attest", "sharded", "-o", "sharded.sigstore.json"], &BUILT),
    ("attest", &["attest", "certified"], &BOM),
    (
        "attest",
        &["attest", "certified", CERTIFICATE[2], CERTIFICATE[3], CERTIFICATE[4], CERTIFICATE[5]],
        &["--key", "keys/p256.pem", "--provenance", "provenance.json"],
    ),
    ("verify", &["verify", "tune", "--tree"], &PUBLIC),
    ("verdict", &["verify", "tune"], &CHAIN),
    ("verdict", &["verify", "tune", "--tree"], &CHAIN),
    ("verdict", &["verify", "tune", "--emit-vsa", "new.vsa.json"], &SUMMARIZED),
    ("verdict", &["verify", "tuned", "--emit-vsa", "tuned/claims.jsonl"], &SUMMARIZED),
    ("verdict", &["verify", "tuned", "--policy", "consumer.toml", "--as", "hf://acme/tune", "--tree"], &[]),
    ("inspect", &["inspect", "tune"], &[]),
    ("inspect", &["inspect", "tuned/claims.jsonl"], &[]),
    ("inspect", &["inspect", "new.vsa.json"], &[]),
    ("inspect", &["inspect", "sharded.sigstore.json"], &[]),
    ("lock-add", &["lock", "add", "tune", "--lock", "chain.lock"], &CHAIN),
    ("trust-show", &["trust", "show"], &[]),
    ("trust-show", &["trust", "show", "--staging"], &[]),
    ("keygen", &["keygen", "--out", "p256.key"], &[]),
    ("keygen", &["keygen", "--out", "p384.key", "--type", "p384"], &[]),
    ("keygen", &["keygen", "--out", "p521.key", "--type", "p521"], &[]),
    ("keygen", &["keygen", "--out", "ed25519.key", "--type", "ed25519"], &[]),
    ("sign", &["sign", "tiny-model"], &PRIVATE),
    ("sign", &["sign", "weights.bin"], &PRIVATE),
    ("sign", &["sign", "suspect"], &PRIVATE),
    ("sign", &["sign", "with-ignored", "--ignore", "scratch", "--shard-size", "64"], &PRIVATE),
    ("sign", &["sign", "linked", "--allow-symlinks", "--hash", "blake2b"], &PRIVATE),
    ("sign", &["sign", "unsigned", "--dry-run"], &[]),
    ("sign", &["sign", "linked", "--dry-run", "--ignore", "settings.json", "-o", "-"], &[]),
    ("verify", &["verify", "signed"], &PUBLIC),
    ("verify", &["verify", "signed", "--into", "copy"], &PUBLIC),
    ("verify", &["verify", "signed.bin"], &PUBLIC),
    ("verify", &["verify", "sharded"], &PUBLIC),
    ("verify", &["verify", "blake2b"], &PUBLIC),
    ("verify", &["verify", "followed"], &PUBLIC),
    ("verify", &["verify", "legacy"], &PUBLIC),
    ("verify", &["verify", "git"], &PUBLIC),
    ("verify", &["verify", "added", "--ignore-unsigned-files"], &PUBLIC),
    ("verify", &["verify", "hub", "--ignore", ".cache/huggingface"], &PUBLIC),
    ("digest", &["digest", "tiny-model", "--shard-size", "64", "--hash", "blake3"], &[]),
    ("inspect", &["inspect", "signed"], &[]),
    ("inspect", &["inspect", "blake2b"], &[]),
    ("inspect", &["inspect", "legacy"], &[]),
    ("inspect", &["inspect", "certified"], &[]),
    ("inspect", &["inspect", "certified-garbage"], &[]),
    (
        "sign",
        &[
            "sign",
            "with-ignored",
            "--ignore",
            "scratch",
            "--force",
            "-o",
            "elsewhere.sig",
            "--shard-size",
            "9",
        ],
        &RELEASED,
    ),
    ("sign", &["sign", "signed", "--append", "--dry-run"], &RELEASED),
    ("sign", &["sign", "signed", "--append"], &RELEASED),
    ("sign", &["sign", "signed", "--append"], &RELEASED),
    ("sign", &["sign", "signed.bin", "--append"], &PRIVATE),
    ("sign", &["sign", "sharded", "--append"], &CERTIFICATE),
    ("sign", &["sign", "blake3", "--force", "--claims", "blake3/evidence.jsonl"], &PRIVATE),
    ("succession", &["succession", "released", "--to-key", "keys/p384.pub"], &SUCCEEDED),
    ("succession", &["succession", "released", "--to-key", "keys/p384.pub"], &SUCCEEDED),
    (
        "succession",
        &["succession", "released", "--to-certificate", "certificates/release.pem"],
        &[SUCCEEDED[0], SUCCEEDED[1], SUCCEEDED[2], SUCCEEDED[3], "--to-root", "certificates/root.pem"],
    ),
    (
        "succession",
        &["succession", "released", "--scope", "hf://*", "--to-key", "keys/p384.pub"],
        &CERTIFICATE,
    ),
    ("inspect", &["inspect", "released/claims.jsonl"], &[]),
    ("inspect", &["inspect", "succeeded/claims.jsonl"], &[]),
    ("inspect", &["inspect", "strange-release.jsonl"], &[]),
    (
        "succession",
        &["succession", "--claims", "passed-on.jsonl", "--to-identity", "https://git.example/acme"],
        &[
            SUCCEEDED[0],
            SUCCEEDED[1],
            SUCCEEDED[2],
            SUCCEEDED[3],
            "--to-issuer",
            "https://i.example",
            "--to-owner-id",
            "42",
        ],
    ),
    ("keygen", &["keygen", "--out", "encrypted.key", "--encrypt", "--passphrase-file", "passphrase"], &[]),
    ("sign", &["sign", "with-git"], &CERTIFICATE),
    ("verify", &["verify", "certified"], &ROOT),
    ("verify", &["verify", "certified", "--leaf", "certificates/release.pem"], &[]),
    ("verify", &["verify", "certified-expired", "--at", "2026-01-15"], &ROOT),
    ("verify", &["verify", "certified-marked"], &ROOT),
    ("verify", &["verify", "certified-ed25519"], &ROOT),
    (
        "verify",
        &["verify", "certified", "--crl", "certificates/root.crl", "--crl", "certificates/issuing-ca.crl"],
        &ROOT,
    ),
    ("verdict", &["verify", "signed", "--as", "hf://acme/any"], &POLICY),
    ("verdict", &["verify", "signed.bin", "--as", "hf://acme/any"], &POLICY),
    ("verdict", &["verify", "sharded", "--as", "hf://acme/any@v1"], &POLICY),
    ("verdict", &["verify", "signed", "--as", "oci://mirror.example/hf/acme/any"], &POLICY),
    ("verdict", &["verify", "released", "--as", "hf://acme/both"], &POLICY),
    ("verdict", &["verify", "certified", "--as", "hf://acme/tolerant"], &POLICY),
    ("verdict", &["verify", "followed", "--as", "hf://acme/tolerant"], &POLICY),
    ("verdict", &["verify", "added", "--as", "hf://acme/tolerant", "--into", "admitted"], &POLICY),
    ("verdict", &["verify", "changed", "--as", "hf://acme/tried"], &POLICY),
    ("verdict", &["verify", "signed", "--as", "hf://acme/kept"], &LOCKED),
    ("verdict", &["verify", "released", "--as", "hf://acme/toy"], &LOCKED),
    ("verdict", &["verify", "released", "--as", "hf://acme/toy", "--lock", "empty.lock"], &POLICY),
    ("verdict", &["verify", "unsigned", "--as", "hf://nobody/toy"], &LOCKED),
    ("lock-add", &["lock", "add", "signed", "--as", "hf://acme/kept"], &NEW_LOCK),
    ("lock-add", &["lock", "add", "released", "--as", "oci://mirror.example/hf/acme/toy@v1"], &NEW_LOCK),
    ("lock-add", &["lock", "add", "certified", "--as", "hf://acme/tolerant"], &NEW_LOCK),
    ("lock-add", &["lock", "add", "unsigned", "--as", "hf://nobody/toy"], &NEW_LOCK),
    ("lock-update", &["lock", "update", "p384", "--as", "hf://acme/kept", "--yes"], &NEW_LOCK),
    ("lock-update", &["lock", "update", "p384", "--as", "hf://acme/kept"], &NEW_LOCK),
    ("lock-verify", &["lock", "verify", "signed", "--as", "hf://acme/toy"], &["--lock", "modelseal.lock"]),
    ("lock-verify", &["lock", "verify", "unsigned", "--as", "hf://nobody/toy"], &["--lock", "new.lock"]),
    ("lock-diff", &["lock", "diff", "modelseal.lock", "new.lock"], &[]),
    ("lock-diff", &["lock", "diff", "empty.lock", "newer.lock"], &[]),
    ("lock-diff", &["lock", "diff", "new.lock", "new.lock"], &[]),
    ("deny-add", &["deny", "add", "new.toml", "--deny-claim", "source-owner-id=9999"], &DENIED),
    ("deny-add", &["deny", "add", "new.toml", "--deny-identity", "mallory@evil.example"], &DENIED),
    ("deny-renew", &["deny", "renew", "new.toml"], &RENEWED),
    (
        "deny-add",
        &[
            "deny",
            "add",
            "new.toml",
            "--deny-issuer",
            "https://i.example",
            "--resign",
            CERTIFICATE[2],
            CERTIFICATE[3],
            CERTIFICATE[4],
            CERTIFICATE[5],
        ],
        &DENIED,
    ),
];

/// The code and exit code of each failure that a command line can bring about.
const FAILURES: [(&str, i32, &[&str], &[&str]); 141] = [
    ("digest-list", 2, &["sign", "--digests", "bom.json", "--subject-name", "toy", "-o", "x.sig"], &PRIVATE),
    (
        "digest-list",
        2,
        &["sign", "--digests", "twice.sums", "--subject-name", "toy", "-o", "x.sig"],
        &PRIVATE,
    ),
    (
        "empty-model",
        2,
        &["sign", "--digests", "empty.sums", "--subject-name", "toy", "-o", "x.sig"],
        &PRIVATE,
    ),
    (
        "oci-manifest",
        2,
        &["sign", "--oci-manifest", "packed.oci.json", "--subject-name", "toy", "-o", "x.sig"],
        &PRIVATE,
    ),
    ("exists", 2, &["sign", "--manifest", "merged.json", "-o", "plan.json", "--force"], &PRIVATE),
    ("manifest", 2, &["sign", "--manifest", "edited.json", "-o", "x.sig"], &PRIVATE),
    ("manifest", 2, &["sign", "--manifest", "plan.json", "-o", "x.sig"], &PRIVATE),
    ("wrong-key", 1, &["sign", "signed", "--force", "--reuse", "p384/model.sig"], &PRIVATE),
    (
        "hash-plan",
        2,
        &["manifest", "hash", "merged.json", "tiny-model", "--part", "0/2", "-o", "x.part"],
        &[],
    ),
    ("hash-plan", 2, &["manifest", "hash", "plan.json", "tiny-model", "--units", "99", "-o", "x.part"], &[]),
    (
        "changed-while-read",
        3,
        &["manifest", "hash", "plan.json", "changed", "--part", "0/1", "-o", "x.part"],
        &[],
    ),
    ("hash-part", 2, &["manifest", "merge", "plan.json", "0.part", "-o", "x.json"], &[]),
    ("hash-part", 2, &["manifest", "merge", "plan.json", "0.part", "0.part", "-o", "x.json"], &[]),
    ("hash-part", 2, &["manifest", "merge", "plan.json", "other.part", "-o", "x.json"], &[]),
    ("usage", 2, &["manifest", "plan", "tiny-model", "-o", "tiny-model/plan.json"], &[]),
    ("empty-file", 2, &["manifest", "plan", "with-empty-file", "--shard-size", "9", "-o", "x.json"], &[]),
    ("predicate", 2, &["attest", "signed", "--provenance", "broken-provenance.json"], &PRIVATE),
    ("predicate", 2, &["attest", "signed", "--provenance", "whole.json"], &PRIVATE),
    ("ci-environment", 2, &["attest", "signed", "--provenance", "--from-ci"], &PRIVATE),
    ("usage", 2, &["attest", "signed", "--provenance"], &PRIVATE),
    ("usage", 2, &["attest", "base"], &BASED),
    ("other-content", 2, &["attest", "changed"], &BUILT),
    ("claims-not-ignored", 2, &["attest", "foreign"], &BUILT),
    ("attestation-missing", 1, &["verify", "signed"], &CHAIN),
    (
        "attestation-not-accepted",
        1,
        &["verify", "tune", "--as", "hf://acme/tune", "--policy", "other-builder.toml", "--tree"],
        &[],
    ),
    (
        "dependency-not-admitted",
        1,
        &["verify", "tune", "--as", "hf://acme/tune", "--policy", "other-meta.toml", "--tree"],
        &[],
    ),
    (
        "dependency-not-admitted",
        1,
        &["verify", "tune-without-base", "--emit-vsa", "failed.json"],
        &SUMMARIZED,
    ),
    (
        "too-few-attestors",
        1,
        &["verify", "tune", "--as", "hf://acme/tune", "--policy", "two-attestors.toml"],
        &[],
    ),
    ("exists", 2, &["verify", "tune", "--emit-vsa", "taken.key"], &SUMMARIZED),
    ("usage", 2, &["verify", "tune", "--key", "keys/p256.pem"], &CHAIN),
    ("exists", 2, &["keygen", "--out", "taken.key"], &[]),
    ("not-found", 2, &["keygen", "--out", "nowhere/new.key"], &[]),
    ("not-found", 2, &["keygen", "--out", "weights.bin/new.key"], &[]),
    ("io", 3, &["digest", "/proc/self/mem"], &[]),
    ("exists", 2, &["sign", "signed"], &PRIVATE),
    ("not-found", 2, &["sign", "nowhere"], &PRIVATE),
    ("private-key", 2, &["sign", "tiny-model"], &PUBLIC),
    ("private-key", 2, &["sign", "tiny-model", "--key", "keys/p256.proc-type.pem"], &[]),
    ("no-identity", 2, &["sign", "tiny-model"], &[]),
    ("usage", 2, &["sign", "tiny-model", "--chain", "certificates/issuing-ca.pem"], &PRIVATE),
    (
        "passphrase",
        2,
        &["sign", "tiny-model", "--key", "keys/p256.encrypted.pem", "--passphrase-file", "empty.txt"],
        &[],
    ),
    ("certificate", 2, &["sign", "tiny-model", "--certificate", "certificates/tls.pem"], &PRIVATE),
    ("certificate", 2, &["sign", "tiny-model", "--certificate", "keys/p256.pub"], &PRIVATE),
    ("pkcs11-uri", 2, &["sign", "tiny-model", "--pkcs11", "pkcs11:nonsense=1"], &[]),
    ("pkcs11-module", 2, &["sign", "tiny-model", "--pkcs11", "pkcs11:object=x"], &[]),
    ("ignore-path", 2, &["sign", "tiny-model", "--ignore", "*"], &PRIVATE),
    ("empty-model", 2, &["sign", "empty"], &PRIVATE),
    ("empty-file", 2, &["sign", "with-empty-file", "--shard-size", "9"], &PRIVATE),
    ("reserved-name", 2, &["sign", "with-notes"], &PRIVATE),
    ("malformed-claims", 2, &["sign", "with-notes"], &RELEASED),
    ("malformed-claims", 1, &["inspect", "half-claims.jsonl"], &[]),
    ("claims-not-ignored", 2, &["sign", "foreign", "--append"], &PRIVATE),
    ("claims-not-ignored", 2, &["succession", "foreign", "--to-key", "keys/p384.pub"], &SUCCEEDED),
    ("other-content", 2, &["sign", "changed", "--append"], &PRIVATE),
    ("too-large", 2, &["sign", "tiny-model", "--claims", "full.jsonl"], &RELEASED),
    ("usage", 2, &["succession", "signed", "--to-key", "keys/p256.pub"], &SUCCEEDED),
    (
        "certificate",
        2,
        &[
            "succession",
            "signed",
            "--to-certificate",
            "certificates/release.pem",
            "--to-root",
            "two-roots.pem",
        ],
        &SUCCEEDED,
    ),
    ("key-in-model", 2, &["sign", "with-key", "--key", "with-key/release.key"], &[]),
    ("name", 2, &["sign", "with-backslash"], &PRIVATE),
    ("symlink", 2, &["sign", "linked"], &PRIVATE),
    ("symlink-escapes", 2, &["sign", "escaping", "--allow-symlinks"], &PRIVATE),
    ("symlink-dangles", 2, &["sign", "dangling", "--allow-symlinks"], &PRIVATE),
    ("symlink-cycle", 2, &["sign", "circular", "--allow-symlinks"], &PRIVATE),
    ("not-regular", 2, &["digest", "/dev/null"], &[]),
    ("mismatch", 1, &["verify", "changed"], &PUBLIC),
    ("mismatch", 1, &["verify", "added"], &PUBLIC),
    ("mismatch", 1, &["verify", "sharded-changed"], &PUBLIC),
    ("not-signed", 1, &["verify", "git", "--strict"], &PUBLIC),
    ("not-signed", 1, &["verify", "ignoring", "--strict"], &PUBLIC),
    ("no-signature", 1, &["verify", "unsigned"], &PUBLIC),
    ("bad-signature", 1, &["verify", "altered"], &PUBLIC),
    ("wrong-key", 1, &["verify", "signed", "--key", "keys/other-p256.pub"], &[]),
    ("wrong-method", 1, &["verify", "certified"], &PUBLIC),
    ("wrong-method", 1, &["verify", "signed"], &ROOT),
    ("certificate-expired", 1, &["verify", "certified-expired"], &ROOT),
    ("certificate-not-yet-valid", 1, &["verify", "certified", "--at", "2025-12-31"], &ROOT),
    ("certificate-usage", 1, &["verify", "certified-tls"], &ROOT),
    ("certificate-key", 1, &["verify", "certified-rsa"], &ROOT),
    (
        "certificate-revoked",
        1,
        &["verify", "certified-revoked", "--crl", "certificates/issuing-ca.crl"],
        &ROOT,
    ),
    ("unknown-issuer", 1, &["verify", "certified", "--root", "certificates/other-root.pem"], &[]),
    ("wrong-subject", 1, &["verify", "certified", "--subject", "CN=Other"], &ROOT),
    ("wrong-certificate", 1, &["verify", "certified", "--leaf", "certificates/tls.pem"], &[]),
    ("crl-out-of-date", 1, &["verify", "certified", "--crl", "certificates/stale.crl"], &ROOT),
    ("crl", 2, &["verify", "certified", "--crl", "garbage.crl"], &ROOT),
    ("certificate", 2, &["verify", "certified", "--root", "garbage.crl"], &[]),
    ("malformed-bundle", 1, &["verify", "certified-garbage"], &ROOT),
    ("mismatch", 1, &["verify", "certified-changed"], &ROOT),
    ("log-entry-of-another", 1, &["verify", "logged"], &PUBLIC),
    ("malformed-bundle", 1, &["verify", "garbage"], &PUBLIC),
    ("malformed-statement", 1, &["verify", "no-statement"], &PUBLIC),
    ("not-one-file", 1, &["verify", "one-file"], &PUBLIC),
    ("ignores-signed", 1, &["verify", "contradiction"], &PUBLIC),
    ("ignores-signed", 2, &["verify", "signed", "--ignore", "config.json"], &PUBLIC),
    ("symlink", 1, &["verify", "replaced-by-link"], &PUBLIC),
    ("copy-in-model", 2, &["verify", "signed", "--into", "signed/copy"], &PUBLIC),
    ("public-key", 2, &["verify", "signed"], &PRIVATE),
    ("empty-model", 2, &["digest", "empty"], &[]),
    ("malformed-bundle", 1, &["inspect", "garbage"], &[]),
    ("not-found", 2, &["demo", "nowhere"], &[]),
    ("no-rule", 1, &["verify", "signed", "--as", "hf://stranger/toy"], &POLICY),
    ("name-contradicted", 1, &["verify", "signed", "--as", "file:/elsewhere"], &POLICY),
    ("not-signed-by-publisher", 1, &["verify", "unsigned", "--as", "hf://acme/any"], &POLICY),
    ("other-files", 1, &["verify", "changed", "--as", "hf://acme/any"], &POLICY),
    ("too-few-publishers", 1, &["verify", "signed", "--as", "hf://acme/both"], &POLICY),
    ("unsigned-files", 1, &["verify", "added", "--as", "hf://acme/any"], &POLICY),
    (
        "model-name-not-signed",
        1,
        &["verify", "other", "--as", "hf://acme/toy", "--lock", "empty.lock"],
        &POLICY,
    ),
    ("signer-changed", 1, &["verify", "p384", "--as", "hf://acme/kept"], &LOCKED),
    ("release-older", 1, &["verify", "older", "--as", "hf://acme/toy"], &LOCKED),
    ("not-pinned", 1, &["verify", "unsigned", "--as", "hf://nobody/else"], &LOCKED),
    ("model-changed", 1, &["verify", "with-notes", "--as", "hf://nobody/toy"], &LOCKED),
    (
        "policy-rolled-back",
        1,
        &["verify", "signed", "--as", "hf://acme/any", "--lock", "newer.lock"],
        &POLICY,
    ),
    ("policy-expired", 1, &["verify", "signed", "--as", "hf://acme/any", "--policy", "expired.toml"], &[]),
    ("denied-file", 1, &["verify", "signed", "--as", "hf://acme/any", "--policy", "with-list.toml"], &[]),
    (
        "deny-list-unusable",
        1,
        &["verify", "signed", "--as", "hf://acme/any", "--policy", "with-unsigned-list.toml"],
        &[],
    ),
    ("no-lock", 3, &["verify", "signed", "--as", "hf://acme/kept"], &POLICY),
    ("not-found", 2, &["verify", "nowhere", "--as", "hf://acme/any"], &POLICY),
    ("not-found", 2, &["verify", "signed", "--as", "hf://acme/any", "--policy", "nowhere.toml"], &[]),
    ("not-found", 2, &["verify", "signed", "--as", "hf://acme/any", "--lock", "nowhere.lock"], &POLICY),
    (
        "public-key",
        2,
        &["verify", "signed", "--as", "hf://acme/any", "--policy-key", "keys/p256.pem"],
        &POLICY,
    ),
    ("copy-in-model", 2, &["verify", "signed", "--as", "hf://acme/any", "--into", "signed/copy"], &POLICY),
    ("policy", 2, &["verify", "signed", "--as", "hf://acme/any", "--policy", "misspelt.toml"], &[]),
    ("policy", 2, &["verify", "signed", "--as", "hf://acme/any", "--policy", "never-met.toml"], &[]),
    (
        "policy",
        2,
        &["verify", "with-policy", "--as", "hf://acme/any", "--policy", "with-policy/policy.toml"],
        &[],
    ),
    ("lock", 2, &["verify", "signed", "--as", "hf://acme/any", "--lock", "misspelt.lock"], &POLICY),
    ("other-files", 1, &["lock", "add", "changed", "--as", "hf://acme/any"], &NEW_LOCK),
    ("not-signed-by-publisher", 1, &["lock", "add", "unsigned", "--as", "hf://acme/tried"], &NEW_LOCK),
    ("exists", 2, &["lock", "add", "signed", "--as", "hf://acme/kept"], &LOCKED),
    ("too-few-publishers", 1, &["lock", "update", "signed", "--as", "hf://acme/both"], &BOTH_LOCKED),
    ("not-found", 2, &["lock", "update", "signed", "--as", "hf://acme/any"], &LOCKED),
    ("not-confirmed", 2, &["lock", "update", "p384", "--as", "hf://acme/kept"], &LOCKED),
    ("not-pinned", 1, &["lock", "verify", "signed", "--as", "hf://acme/any"], &["--lock", "modelseal.lock"]),
    (
        "model-changed",
        1,
        &["lock", "verify", "changed", "--as", "hf://acme/toy"],
        &["--lock", "modelseal.lock"],
    ),
    ("lock", 2, &["lock", "diff", "modelseal.lock", "misspelt.lock"], &[]),
    ("not-found", 2, &["lock", "diff", "modelseal.lock", "nowhere.lock"], &[]),
    ("usage", 2, &["deny", "add", "new.toml", "--deny-file", "x"], &DENIED),
    ("deny-list", 2, &["deny", "add", "new.toml", "--deny-issuer", "x", "--reason", "y"], &PRIVATE),
    ("deny-list", 2, &["deny", "add", "old-list.toml", "--deny-issuer", "x"], &DENIED),
    ("deny-list", 2, &["deny", "renew", "deny.toml"], &RENEWED),
    ("not-found", 2, &["deny", "renew", "new.toml"], &RENEWED),
    ("exists", 2, &["deny", "add", "deny.toml", "--deny-file", FILE], &DENIED),
    (
        "private-key",
        2,
        &["deny", "add", "new.toml", "--deny-issuer", "x", "--reason", "y", "--expires", "1d"],
        &PUBLIC,
    ),
];

const SCHEMAS: [&str; 23] = [
    "keygen",
    "sign",
    "attest",
    "succession",
    "verify",
    "verdict",
    "lock-add",
    "lock-update",
    "lock-verify",
    "lock-diff",
    "deny-add",
    "deny-renew",
    "digest",
    "manifest-plan",
    "manifest-hash",
    "manifest-merge",
    "inspect",
    "demo",
    "pkcs11-list",
    "pkcs11-public-key",
    "trust-update",
    "trust-show",
    "error",
];

#[test]
fn every_schema_is_a_valid_schema() {
    for name in SCHEMAS {
        let schema = schema(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

/// Documents that people write: `crates/policy` tests these.
const OF_DOCUMENTS: [&str; 3] = ["policy", "deny-list", "lock"];

#[test]
fn every_schema_file_is_tested() {
    let mut found: Vec<_> = fs::read_dir(schemas())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let known = SCHEMAS.into_iter().chain(OF_DOCUMENTS);
    let mut known: Vec<_> = known.map(|name| format!("{name}.schema.json")).collect();
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn successes_are_what_their_schemas_say() {
    let world = world();
    for (schema, command, more) in SUCCESSES {
        let (code, document) = report(&world, command, more);
        assert_eq!(code, 0, "{command:?}: {document:#}");
        assert_eq!(document["report"], format!("{schema}/v1"));
        expect_valid(schema, &document);
    }
}

#[test]
fn failures_are_what_the_schema_says() {
    let world = world();
    for (expected, exit, command, more) in FAILURES {
        let (code, document) = report(&world, command, more);
        assert_eq!(document["error"]["code"], expected, "{command:?}: {document:#}");
        assert_eq!(code, exit, "{command:?}: {document:#}");
        assert_eq!(document["exit_code"], exit);
        assert_eq!(document["report"], format!("{}/v1", report_of(command, more)));
        expect_valid("error", &document);
    }
}

/// Which report a command line gives.
fn report_of(command: &[&str], more: &[&str]) -> String {
    match command {
        [command @ ("lock" | "deny" | "manifest"), sub, ..] => format!("{command}-{sub}"),
        _ if [command, more].concat().contains(&"--policy") => "verdict".to_owned(),
        [command, ..] => (*command).to_owned(),
        [] => String::new(),
    }
}

#[test]
fn a_denial_comes_with_its_verdict() {
    let world = world();
    for (code, exit, command, more) in FAILURES {
        let (_, document) = report(&world, command, more);
        if exit == 1 && document["report"] == "verdict/v1" {
            assert_eq!(document["verdict"]["outcome"], "deny", "{command:?}");
            assert_eq!(document["verdict"]["reasons"][0]["code"], code, "{command:?}");
        }
    }
}

#[test]
fn a_failure_prints_nothing_but_its_report() {
    let world = world();
    for (_, _, command, more) in FAILURES {
        let stderr = run(&world, command, more).stderr;
        assert_eq!(String::from_utf8_lossy(&stderr), "", "{command:?}");
    }
}

#[test]
fn the_report_of_a_signature_on_standard_output_goes_to_standard_error() {
    let output = run(&world(), &["sign", "tiny-model", "-o", "-"], &PRIVATE);
    let document: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(document["signature"]["path"], Value::Null);
    expect_valid("sign", &document);
}

#[test]
fn the_demo_ends_with_its_report() {
    let world = world();
    let arguments = ["demo", "tiny-model", "--format", "json"];
    let output = workbench::modelseal(world.path(), arguments).env("TMPDIR", world.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    expect_valid("demo", &serde_json::from_str(&text).unwrap());
}

#[test]
fn a_report_without_one_of_its_members_is_refused() {
    for (schema, document) in examples() {
        for pointer in members(&document, "") {
            let mut broken = document.clone();
            remove(&mut broken, &pointer);
            expect_invalid(schema, &broken, &format!("without {pointer}"));
        }
    }
}

#[test]
fn a_report_with_a_member_renamed_or_added_is_refused() {
    for (schema, document) in examples() {
        for pointer in members(&document, "") {
            let mut renamed = document.clone();
            let value = remove(&mut renamed, &pointer);
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let parent_object = renamed.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent_object.insert(format!("{name}_renamed"), value.clone());
            expect_invalid(schema, &renamed, &format!("with {pointer} renamed"));
            let mut added = document.clone();
            let parent_object = added.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            parent_object.insert("one_more".to_owned(), value);
            expect_invalid(schema, &added, &format!("with a member added beside {pointer}"));
        }
    }
}

#[test]
fn a_report_with_a_value_of_another_type_is_refused() {
    for (schema, document) in examples() {
        for pointer in members(&document, "") {
            let mut broken = document.clone();
            *broken.pointer_mut(&pointer).unwrap() = json!({ "another": "type" });
            expect_invalid(schema, &broken, &format!("with an object as {pointer}"));
        }
    }
}

#[test]
fn codes_and_digests_that_nobody_documented_are_refused() {
    let hex = "ab".repeat(32);
    for (schema, pointer, value) in [
        ("verify", "/not_proved/0/code", json!("new-code")),
        ("verify", "/not_signed/0/reason", json!("new-reason")),
        ("verify", "/outcome", json!("safe")),
        ("verify", "/model/root", json!(hex)),
        ("verify", "/model/digest", json!(format!("sha256:{hex}"))),
        ("verify", "/model/shard_size", json!(5)),
        ("verify", "/model/files", json!(0)),
        ("sign", "/warnings/0/code", json!("new-code")),
        ("sign", "/digests/from", json!("somewhere")),
        ("sign", "/digests/path", json!("list")),
        ("sign", "/digests/reused", json!([""])),
        ("manifest-plan", "/plan/digest", json!(hex)),
        ("manifest-plan", "/plan/units", json!(0)),
        ("manifest-merge", "/model/path", json!("model")),
        ("manifest-hash", "/hashed", json!(-1)),
        ("sign", "/release/version", json!("1.2.0+cpu")),
        ("sign", "/claims/added", json!(-1)),
        ("succession", "/successor/method", json!("certificate")),
        ("succession", "/scope", json!("*")),
        ("inspect", "/claims/statement/succession/successor/method", json!("key")),
        ("sign", "/signature/method", json!("pkcs11")),
        ("sign", "/signature/method", json!("key")),
        ("verify", "/signature/method", json!("key")),
        ("verify", "/signature/signer/judged_at/evidence", json!("unknown")),
        ("verify", "/signature/method", json!("sigstore")),
        ("verify", "/signature/signer/certificate/serial", json!("xyz")),
        ("verify", "/signature/signer/chain/0/not_after", json!("2126-01-01")),
        ("inspect", "/verified", json!(true)),
        ("verdict", "/outcome", json!("warned")),
        ("verdict", "/verdict/outcome", json!("deny")),
        ("verdict", "/verdict/reasons/0/code", json!("new-code")),
        ("verdict", "/verdict/reasons/0/severity", json!("deny")),
        ("verdict", "/verdict/rule/mode", json!("lenient")),
        ("verdict", "/verdict/signatures/0/signer/method", json!("sigstore")),
        ("lock-add", "/new/digest", json!(format!("sha256:{hex}"))),
        ("lock-add", "/new/signers/0/method", json!("certificate")),
        ("lock-update", "/outcome", json!("added")),
        ("lock-verify", "/entry/first_seen", json!("2026-01-02")),
        ("lock-diff", "/outcome", json!("same")),
        ("lock-diff", "/serials/0/name", json!("serial")),
        ("deny-add", "/serial", json!(0)),
        ("deny-add", "/signature/method", json!("sigstore")),
        ("deny-renew", "/serial", json!(0)),
        ("deny-renew", "/report", json!("deny-add/v1")),
        ("error", "/verdict/outcome", json!("allow")),
        ("error", "/verdict/reasons/0/code", json!("first-sight")),
        ("error", "/error/code", json!("new-code")),
        ("error", "/error/code", json!("wrong-key")),
        ("error", "/exit_code", json!(0)),
        ("error", "/exit_code", json!(2)),
        ("error", "/report", json!("verify/v2")),
    ] {
        let (_, mut document) = examples()
            .into_iter()
            .rfind(|(name, document)| *name == schema && document.pointer(pointer).is_some())
            .unwrap();
        *document.pointer_mut(pointer).unwrap() = value;
        expect_invalid(schema, &document, pointer);
    }
}

/// One real report of each shape.
fn examples() -> Vec<(&'static str, Value)> {
    static EXAMPLES: LazyLock<Vec<(&str, Value)>> = LazyLock::new(make_examples);
    EXAMPLES.clone()
}

fn make_examples() -> Vec<(&'static str, Value)> {
    let world = world();
    let example = |schema, command: &[&str], more: &[&str]| {
        let document = report(&world, command, more).1;
        expect_valid(schema, &document);
        (schema, document)
    };
    vec![
        example("keygen", &["keygen", "--out", "new.key"], &[]),
        example("trust-show", &["trust", "show"], &[]),
        example("sign", &["sign", "with-ignored", "--dry-run", "--ignore", "scratch"], &[]),
        example("sign", &["sign", "suspect", "--ignore", "model.bin"], &PRIVATE),
        example("digest", &["digest", "tiny-model"], &[]),
        example("manifest-plan", &["manifest", "plan", "tiny-model", "-o", "new-plan.json"], &[]),
        example(
            "manifest-hash",
            &["manifest", "hash", "plan.json", "tiny-model", "--units", "1", "-o", "x"],
            &[],
        ),
        example("manifest-merge", &["manifest", "merge", "plan.json", "0.part", "1.part", "-o", "y"], &[]),
        example("sign", &["sign", "--manifest", "merged.json", "-o", "merged.sig"], &PRIVATE),
        example("attest", &["attest", "tuned"], &BASED),
        example("attest", &["attest", "certified"], &BOM),
        example("verdict", &["verify", "tune", "--tree"], &CHAIN),
        example("verdict", &["verify", "tuned", "--emit-vsa", "tuned/claims.jsonl"], &SUMMARIZED),
        example("verdict", &["verify", "tuned", "--policy", "consumer.toml", "--as", "hf://acme/tune"], &[]),
        example("verify", &["verify", "tune", "--tree"], &PUBLIC),
        example("inspect", &["inspect", "tuned"], &[]),
        example("inspect", &["inspect", "tune/claims.jsonl"], &[]),
        example("error", &["verify", "tune", "--as", "hf://acme/tune", "--policy", "other-meta.toml"], &[]),
        example("verdict", &["verify", "unsigned", "--as", "hf://nobody/toy"], &LOCKED),
        example("verdict", &["verify", "released", "--as", "hf://acme/toy"], &LOCKED),
        example("verdict", &["verify", "followed", "--as", "hf://acme/tolerant"], &POLICY),
        example("lock-add", &["lock", "add", "signed", "--as", "hf://acme/kept"], &NEW_LOCK),
        example("lock-update", &["lock", "update", "p384", "--as", "hf://acme/kept", "--yes"], &NEW_LOCK),
        example(
            "lock-verify",
            &["lock", "verify", "p384", "--as", "hf://acme/kept"],
            &["--lock", "new.lock"],
        ),
        example("lock-diff", &["lock", "diff", "modelseal.lock", "new.lock"], &[]),
        example("deny-add", &["deny", "add", "new.toml", "--deny-issuer", "https://i.example"], &DENIED),
        example("deny-renew", &["deny", "renew", "new.toml"], &RENEWED),
        example("error", &["verify", "p384", "--as", "hf://acme/kept"], &LOCKED),
        example("error", &["verify", "signed", "--as", "hf://stranger/toy"], &POLICY),
        example("inspect", &["inspect", "no-statement"], &[]),
        example("inspect", &["inspect", "signed"], &[]),
        example("inspect", &["inspect", "released/claims.jsonl"], &[]),
        example("inspect", &["inspect", "succeeded/claims.jsonl"], &[]),
        example("sign", &["sign", "linked", "--allow-symlinks", "--dry-run"], &RELEASED),
        example("sign", &["sign", "p384", "--append"], &RELEASED),
        example("succession", &["succession", "p521", "--to-key", "keys/p384.pub"], &SUCCEEDED),
        example("verify", &["verify", "followed", "--into", "copy"], &PUBLIC),
        example("inspect", &["inspect", "certified"], &[]),
        example("sign", &["sign", "suspect", "--output", "certified.sig"], &CERTIFICATE),
        example("verify", &["verify", "certified", "--into", "certified-copy"], &ROOT),
        example("error", &["verify", "signed", "--key", "keys/other-p256.pub"], &[]),
        example("error", &["verify", "git", "--strict"], &PUBLIC),
        example("error", &["verify", "certified-changed"], &ROOT),
        example("error", &["verify", "changed"], &PUBLIC),
    ]
}

/// The pointers of all members of all objects in a document.
fn members(value: &Value, pointer: &str) -> Vec<String> {
    match value {
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| {
                let pointer = format!("{pointer}/{name}");
                let beneath = members(value, &pointer);
                std::iter::once(pointer).chain(beneath)
            })
            .collect(),
        Value::Array(array) => array
            .iter()
            .enumerate()
            .flat_map(|(index, value)| members(value, &format!("{pointer}/{index}")))
            .collect(),
        _ => vec![],
    }
}

fn remove(document: &mut Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap()
}

fn world() -> TempDir {
    let world = tempfile::tempdir().unwrap();
    world::build(world.path());
    world
}

fn run(world: &TempDir, command: &[&str], more: &[&str]) -> std::process::Output {
    let arguments = [command, more, &["--format", "json"]].concat();
    workbench::modelseal(world.path(), arguments).output().unwrap()
}

fn report(world: &TempDir, command: &[&str], more: &[&str]) -> (i32, Value) {
    let output = run(world, command, more);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{command:?}: {error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), document)
}

fn schemas() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/schemas")
}

fn schema(name: &str) -> Value {
    serde_json::from_slice(&fs::read(schemas().join(format!("{name}.schema.json"))).unwrap()).unwrap()
}

fn validator(name: &str) -> &'static Validator {
    static VALIDATORS: LazyLock<BTreeMap<&str, Validator>> = LazyLock::new(|| {
        SCHEMAS.into_iter().map(|name| (name, jsonschema::validator_for(&schema(name)).unwrap())).collect()
    });
    &VALIDATORS[name]
}

#[track_caller]
fn expect_valid(schema: &str, document: &Value) {
    let errors: Vec<_> = validator(schema)
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{schema}: {errors:#?} in {document:#}");
}

#[track_caller]
fn expect_invalid(schema: &str, document: &Value, change: &str) {
    assert!(!validator(schema).is_valid(document), "{schema} accepts a report {change}: {document:#}");
}
