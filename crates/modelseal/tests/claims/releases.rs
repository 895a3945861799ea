//! A release is attested by the signer of the model, of these very bytes.

use std::cell::Cell;

use modelseal::{
    Attestation, Error, Model, Release, SignError, SignOptions, Signer, Trust, Unobserved, model_digest_of,
};

use super::stage::{Answer, Stage, talk};
use super::{
    CLAIMS, RELEASE, attested, bundles, contents, digest_of, key, read, refuses, report, run, sign, signer,
    subject_names, verifies,
};

fn release() -> Release {
    Release { name: "hf://acme/toy".parse().unwrap(), version: "1.2.0".parse().unwrap() }
}

#[track_caller]
fn is_released(stage: &Stage, claims: &str, model: &str) -> Attestation {
    let bundles = bundles(stage, claims);
    assert_eq!(bundles.len(), 1);
    let attestation = attested(&bundles[0], "p256").attestation().clone();
    assert_eq!(Release::of(&attestation).unwrap(), release());
    let digests: Vec<_> = model_digest_of(&attestation).collect();
    assert_eq!(digests, [digest_of(stage, model)]);
    attestation
}

#[test]
fn a_release_is_attested_of_the_model_digest_and_the_root_digest() {
    let stage = Stage::new();
    let report = sign(&stage, &RELEASE);
    let attestation = is_released(&stage, CLAIMS, "model");
    assert_eq!(subject_names(&attestation), ["model"]);
    let root = report["model"]["root"].as_str().unwrap();
    assert_eq!(format!("sha256:{}", attestation.subjects()[0].digest["sha256"]), root);
    verifies(&stage, "p256", &["--strict"]);
}

#[test]
fn other_hashes_and_shards_are_released_by_the_same_model_digest() {
    for hash in ["sha256", "blake2b", "blake3"] {
        let stage = Stage::new();
        let report = sign(&stage, &[&RELEASE[..], &["--hash", hash, "--shard-size", "1"]].concat());
        is_released(&stage, CLAIMS, "model");
        assert_eq!(report["model"]["digest"], digest_of(&stage, "model").to_string());
        verifies(&stage, "p256", &["--strict"]);
    }
}

#[test]
fn a_single_file_has_its_claims_beside_it() {
    let stage = Stage::new();
    report(&run(&stage, &["sign", "model/a"], "p256", &RELEASE).expect(0));
    is_released(&stage, "model/a.claims.jsonl", "model/a");
}

#[test]
fn signing_again_adds_nothing() {
    let stage = Stage::new();
    sign(&stage, &RELEASE);
    let before = contents(&stage);
    let report = sign(&stage, &[&RELEASE[..], &["--force"]].concat());
    assert_eq!(report["claims"]["added"], 0);
    assert_eq!(contents(&stage), before);
}

#[test]
fn without_a_release_there_are_no_claims() {
    let stage = Stage::new();
    let report = sign(&stage, &[]);
    assert!(report["claims"].is_null() && report["release"].is_null());
    assert!(!stage.at(CLAIMS).exists());
}

#[test]
fn nothing_is_claimed_when_the_signature_cannot_be_written() {
    let stage = Stage::new();
    sign(&stage, &[]);
    refuses(&stage, &RELEASE, 2, "exists");
    refuses(&stage, &[&RELEASE[..], &["-o", "nowhere/model.sig"]].concat(), 2, "not-found");
}

#[test]
fn nothing_is_signed_when_the_claims_cannot_be_written() {
    let stage = Stage::new();
    stage.write(CLAIMS, "my notes\n");
    refuses(&stage, &RELEASE, 2, "malformed-claims");
    stage.write(CLAIMS, "\n".repeat(1024));
    refuses(&stage, &RELEASE, 2, "too-large");
    refuses(&stage, &[&RELEASE[..], &["--claims", "nowhere/claims.jsonl"]].concat(), 2, "not-found");
}

#[test]
fn a_dry_run_claims_nothing() {
    let stage = Stage::new();
    let before = contents(&stage);
    assert_eq!(sign(&stage, &[&RELEASE[..], &["--dry-run"]].concat())["claims"]["path"], CLAIMS);
    assert_eq!(contents(&stage), before);
}

#[test]
fn claims_in_the_model_under_another_name_are_left_out() {
    let stage = Stage::new();
    sign(&stage, &[&RELEASE[..], &["--claims", "model/evidence.jsonl"]].concat());
    is_released_elsewhere(&stage);
}

#[test]
fn claims_may_be_left_out_before_there_are_any() {
    let stage = Stage::new();
    sign(&stage, &["--claims", "model/evidence.jsonl"]);
    assert!(!stage.at("model/evidence.jsonl").exists());
    sign(&stage, &[&RELEASE[..], &["--append", "--claims", "model/evidence.jsonl"]].concat());
    is_released_elsewhere(&stage);
}

#[track_caller]
fn is_released_elsewhere(stage: &Stage) {
    let report = verifies(stage, "p256", &[]);
    let unsigned = report["not_signed"].as_array().unwrap();
    assert!(unsigned.iter().any(|entry| entry["path"] == "evidence.jsonl"), "{report:#}");
    assert!(!bundles(stage, "model/evidence.jsonl").is_empty());
}

#[test]
fn a_part_of_the_model_is_no_place_for_claims() {
    let stage = Stage::new();
    for place in ["model/a", "model/b"] {
        refuses(&stage, &["--claims", place], 2, "malformed-claims");
        refuses(&stage, &[&RELEASE[..], &["--claims", place]].concat(), 2, "malformed-claims");
    }
    for place in ["model/model.sig", "./model/model.sig", "model/../model/model.sig"] {
        sign(&stage, &["--force"]);
        let before = read(&stage, "model/model.sig");
        refuses(&stage, &[&RELEASE[..], &["--force", "--claims", place]].concat(), 2, "usage");
        assert_eq!(read(&stage, "model/model.sig"), before);
    }
}

/// Signs the model, and then gives somebody else's bundle.
struct Liar(Cell<usize>, Vec<u8>);

impl Signer for Liar {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        self.0.set(self.0.get() + 1);
        if self.0.get() == 1 { signer().sign(payload) } else { Ok(self.1.clone()) }
    }

    fn trust(&self) -> Trust {
        signer().trust()
    }
}

#[test]
fn a_bundle_that_attests_something_else_is_not_given() {
    let stage = Stage::new();
    let model = Model::open(&stage.at("model")).unwrap();
    let options = SignOptions { release: Some(release()), ..SignOptions::default() };
    let signed = modelseal::sign(&model, &options, &signer(), &Unobserved).unwrap();
    let subject = signed.release.as_ref().unwrap().verified.attestation().subjects()[0].clone();
    let other = Release { name: "hf://acme/other".parse().unwrap(), ..release() };
    let other = other.attest(subject).unwrap().to_payload();
    for bundle in [signed.bundle, signer().sign(&other).unwrap(), signer().sign(b"{}").unwrap(), vec![]] {
        let error = modelseal::sign(&model, &options, &Liar(Cell::new(0), bundle), &Unobserved).unwrap_err();
        assert!(matches!(error, Error::NotReleased(_)), "{error}");
    }
}

#[test]
fn a_name_of_this_machine_is_not_released() {
    let stage = Stage::new();
    let model = Model::open(&stage.at("model")).unwrap();
    for release in [
        Release { name: "file:/srv/toy".parse().unwrap(), ..release() },
        Release { version: "1.2.0+cpu".parse().unwrap(), ..release() },
    ] {
        let options = SignOptions { release: Some(release), ..SignOptions::default() };
        let error = modelseal::sign(&model, &options, &Liar(Cell::new(1), vec![]), &Unobserved).unwrap_err();
        assert!(matches!(error, Error::NotReleasable { .. }), "{error}");
    }
}

#[test]
fn a_name_without_a_version_is_no_release_and_neither_is_a_version_without_a_name() {
    let stage = Stage::new();
    for (half, missing) in [(&RELEASE[..2], "--release <VERSION>"), (&RELEASE[2..], "--name <NAME>")] {
        let sign = ["sign", "model", "--key", &key("p256.pem")];
        stage.refuses(&mut stage.command(sign.iter().chain(half)), 2, &["not provided", missing]);
    }
}

#[test]
fn both_signatures_take_one_passphrase() {
    let (stage, key) = (Stage::new(), key("p256.encrypted.pem"));
    let sign = [&["sign", "model", "--key", &key], &RELEASE[..]].concat();
    let Some(mut script) = stage.on_a_terminal(&sign) else { return };
    let shown = talk(&mut script, &[("p256.encrypted.pem: ", "secret\n")]);
    assert!(shown.contains("exit code 0") && !shown.contains("secret"), "{shown}");
    assert_eq!(shown.matches("assphrase").count(), 1, "{shown}");
    is_released(&stage, CLAIMS, "model");
}

#[test]
fn a_passphrase_is_in_neither_bundle_nor_report() {
    let (stage, key) = (Stage::new(), key("p256.encrypted.pem"));
    let sign = ["sign", "model", "--key", &key, "--format", "json"];
    let mut command = stage.command(sign.iter().chain(&RELEASE));
    Answer::of(command.env("MODELSEAL_PASSPHRASE", "secret")).expect(0).hides("secret");
    assert!(!read(&stage, CLAIMS).contains("secret"));
}
