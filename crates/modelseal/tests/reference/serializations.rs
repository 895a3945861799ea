//! Other hashes and shards, which the reference has in its Python API only.

use serde_json::Value;

use super::peers::{modelseal, sign, tamper};
use super::{CURRENT, NESTED, Release, Scratch, assert_refused, payload, verified, verify};

/// Without the empty file: shards do not cover it.
pub(super) const NOT_EMPTY: [(&str, &[u8]); 4] = [NESTED[0], NESTED[1], NESTED[2], NESTED[4]];

/// What the API is asked for, and the form that it writes.
struct Form {
    method: &'static str,
    hash_type: &'static str,
    algorithm: &'static str,
    shard_size: Value,
}

fn forms() -> [Form; 4] {
    let form = |method, hash_type, algorithm, shard_size| Form { method, hash_type, algorithm, shard_size };
    [
        form("shards sha256 4", "sha256", "sha256-sharded-4", Value::from(4.0)),
        form("shards blake2 4", "blake2b", "blake2b-sharded-4", Value::from(4.0)),
        form("files blake2", "blake2b", "blake2b", Value::Null),
        form("files blake3", "blake3", "blake3", Value::Null),
    ]
}

impl Form {
    fn signed(&self, release: Release) -> Scratch {
        let scratch = Scratch::with(&NOT_EMPTY);
        release.sign_by_api(&scratch.model(), &scratch.bundle(), self.method);
        let predicate = &payload(&scratch.bundle())["predicate"];
        assert_eq!(predicate["serialization"]["hash_type"], self.hash_type, "{predicate:#}");
        assert_eq!(predicate["serialization"]["shard_size"], self.shard_size, "{predicate:#}");
        assert_eq!(predicate["resources"][0]["algorithm"], self.algorithm, "{predicate:#}");
        scratch
    }
}

#[test]
fn every_form_of_the_api_verifies() {
    for form in forms() {
        let scratch = form.signed(CURRENT);
        let report = verified(&scratch.model(), &scratch.bundle(), "p256");
        assert_eq!(report["model"]["hash"], form.hash_type);
        assert_eq!(report["model"]["files"], NOT_EMPTY.len());
    }
}

#[test]
fn a_flipped_byte_is_refused_in_every_form_of_the_api() {
    for form in forms() {
        let scratch = form.signed(CURRENT);
        tamper(&scratch.model().join("sub/deep/weights.bin"));
        let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
        let named = report["error"]["differences"]["changed"][0]["name"].as_str().unwrap();
        let shard = if form.shard_size.is_null() { "" } else { ":8:10" };
        assert_eq!(named, format!("sub/deep/weights.bin{shard}"));
    }
}

#[test]
fn a_single_file_verifies_in_every_form_of_the_api() {
    for form in forms() {
        let (scratch, file) = Scratch::with_one_file();
        CURRENT.sign_by_api(&file, &scratch.bundle(), form.method);
        verified(&file, &scratch.bundle(), "p256");
        tamper(&file);
        verify(&file, &scratch.bundle(), "p256").exits_with(1);
    }
}

/// The reference itself cannot read such names back.
#[test]
fn shards_of_files_with_colons_in_their_names_verify() {
    let scratch = Scratch::with(&[("co:lon", b"12345678"), ("like a shard:0:4", b"1234")]);
    CURRENT.sign_by_api(&scratch.model(), &scratch.bundle(), "shards sha256 4");
    let theirs = CURRENT.verify_by_api(&scratch.model(), &scratch.bundle(), "shards sha256 4");
    assert_refused(theirs, "Invalid resource name");
    let report = verified(&scratch.model(), &scratch.bundle(), "p256");
    assert_eq!(report["model"]["files"], 2);
}

#[test]
fn a_file_that_grew_by_a_whole_shard_is_refused() {
    let scratch = forms()[0].signed(CURRENT);
    std::fs::write(scratch.model().join("a/b"), "one and more").unwrap();
    let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
    assert!(report["error"]["differences"]["changed"].to_string().contains("a/b"), "{report:#}");
}

#[test]
fn an_empty_file_that_no_shard_of_the_reference_covers_is_named() {
    let scratch = Scratch::with(&NESTED);
    CURRENT.sign_by_api(&scratch.model(), &scratch.bundle(), "shards sha256 4");
    let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
    assert_eq!(report["error"]["differences"]["not_signed"][0], "empty", "{report:#}");
}

/// Should this fail, the reference has learned to read what we write.
#[test]
fn the_reference_cannot_verify_shards_in_the_form_of_the_specification() {
    let scratch = Scratch::with(&NOT_EMPTY);
    sign(&scratch.model(), &scratch.bundle(), "p256", &["--shard-size", "4"]);
    let predicate = &payload(&scratch.bundle())["predicate"];
    assert_eq!(predicate["serialization"]["shard_size"], 4);
    assert_eq!(predicate["resources"][0]["algorithm"], "sha256");
    let (model, bundle) = (scratch.model(), scratch.bundle());
    assert_refused(CURRENT.verify(&model, &bundle, "p256", &[]), "Missing files in model 'model': a-b:0:4");
    for method in ["", "shards sha256 4"] {
        let verdict = CURRENT.verify_by_api(&model, &bundle, method);
        assert_refused(verdict, "Hash mismatch for 'a-b:0:4'");
    }
}

#[test]
fn our_blake2b_verifies_only_with_the_reference_that_is_told_so() {
    let scratch = Scratch::with(&NESTED);
    sign(&scratch.model(), &scratch.bundle(), "p256", &["--hash", "blake2b"]);
    let (model, bundle) = (scratch.model(), scratch.bundle());
    assert_refused(CURRENT.verify(&model, &bundle, "p256", &[]), "Hash mismatch for 'a-b'");
    let guessing = CURRENT.verify_by_api(&model, &bundle, "");
    assert_refused(guessing, "Unsupported hashing method blake2b");
    assert_eq!(CURRENT.verify_by_api(&model, &bundle, "files blake2"), Ok(()));
}

#[test]
fn our_blake3_verifies_with_the_api_of_the_reference_and_not_its_command_line() {
    let scratch = Scratch::with(&NESTED);
    sign(&scratch.model(), &scratch.bundle(), "p256", &["--hash", "blake3"]);
    let (model, bundle) = (scratch.model(), scratch.bundle());
    assert_refused(CURRENT.verify(&model, &bundle, "p256", &[]), "Hash mismatch for 'a-b'");
    for method in ["", "files blake3"] {
        assert_eq!(CURRENT.verify_by_api(&model, &bundle, method), Ok(()));
    }
}

#[test]
fn a_byte_flipped_after_our_blake2b_or_blake3_is_refused_by_the_reference() {
    for (ours, theirs) in [("blake2b", "files blake2"), ("blake3", "files blake3")] {
        let scratch = Scratch::with(&NESTED);
        sign(&scratch.model(), &scratch.bundle(), "p256", &["--hash", ours]);
        tamper(&scratch.model().join("config.json"));
        let verdict = CURRENT.verify_by_api(&scratch.model(), &scratch.bundle(), theirs);
        assert_refused(verdict, "Hash mismatch for 'config.json'");
    }
}

#[test]
fn the_reference_cannot_verify_ed25519() {
    let scratch = Scratch::with(&NESTED);
    sign(&scratch.model(), &scratch.bundle(), "ed25519", &[]);
    modelseal([
        "verify".as_ref(),
        scratch.model().as_os_str(),
        "--signature".as_ref(),
        scratch.bundle().as_os_str(),
        "--key".as_ref(),
        super::key("ed25519.pub").as_os_str(),
    ])
    .exits_with(0);
    assert_refused(
        CURRENT.verify(&scratch.model(), &scratch.bundle(), "ed25519", &[]),
        "Verification failed",
    );
}
