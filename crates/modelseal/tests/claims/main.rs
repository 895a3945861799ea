#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! What is said of a model beside its signature: releases, further signatures
//! and successions, and the file that they stand in.

mod appending;
mod countersigning;
mod releases;
#[path = "../stage/mod.rs"]
mod stage;
mod successions;
#[path = "../workbench/mod.rs"]
mod workbench;

use std::fs;

use modelseal::{
    Attestation, ClaimsFile, KeySigner, Model, PrivateKey, PublicKey, Trust, UntrustedBundle,
    VerifiedAttestation, verify_envelope,
};
use serde_json::Value;

use stage::{Answer, Stage};

const RELEASE: [&str; 4] = ["--name", "hf://acme/toy", "--release", "1.2.0"];
const CLAIMS: &str = "model/claims.jsonl";

fn key(name: &str) -> String {
    workbench::testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

fn public_key(kind: &str) -> PublicKey {
    PublicKey::from_pem(&fs::read(key(&format!("{kind}.pub"))).unwrap()).unwrap()
}

fn signer() -> KeySigner {
    KeySigner::new(PrivateKey::from_pem(&fs::read(key("p256.pem")).unwrap()).unwrap())
}

/// `modelseal COMMAND MODEL --key …`, with a report in JSON.
fn run(stage: &Stage, command: &[&str], kind: &str, more: &[&str]) -> Answer {
    let key = key(&format!("{kind}.pem"));
    let options = ["--format", "json", "--key", &key];
    Answer::of(&mut stage.command([command, &options, more].concat()))
}

/// Signs `model` with the key on P-256.
#[track_caller]
fn sign(stage: &Stage, more: &[&str]) -> Value {
    report(&run(stage, &["sign", "model"], "p256", more).expect(0))
}

/// Signs `model`, which has to be refused with this code, and nothing written.
#[track_caller]
fn refuses(stage: &Stage, more: &[&str], exit: i32, code: &str) -> Value {
    let before = contents(stage);
    let report = report(&run(stage, &["sign", "model"], "p256", more).expect(exit));
    assert_eq!(report["error"]["code"], code, "{report:#}");
    assert_eq!(contents(stage), before, "something was written");
    report
}

#[track_caller]
fn verifies(stage: &Stage, kind: &str, more: &[&str]) -> Value {
    let public = key(&format!("{kind}.pub"));
    let verify = ["verify", "model", "--format", "json", "--key", &public];
    report(&Answer::of(&mut stage.command([&verify[..], more].concat())).expect(0))
}

#[track_caller]
fn report(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// Every file, and what is in it.
fn contents(stage: &Stage) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    stage.tree().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn read(stage: &Stage, path: &str) -> String {
    fs::read_to_string(stage.at(path)).unwrap()
}

/// The bundles of a claims file.
fn bundles(stage: &Stage, path: &str) -> Vec<UntrustedBundle> {
    ClaimsFile::read(&stage.at(path)).unwrap().bundles().to_vec()
}

/// What a line says whose signature by this key is good.
#[track_caller]
fn attested(bundle: &UntrustedBundle, kind: &str) -> VerifiedAttestation {
    let verified = verify_envelope(bundle, &Trust::key(public_key(kind))).unwrap();
    verified.into_attestation().unwrap()
}

fn digest_of(stage: &Stage, path: &str) -> modelseal::ModelDigest {
    let model = Model::open(&stage.at(path)).unwrap();
    modelseal::digest(&model, &modelseal::DigestOptions::default(), &modelseal::Unobserved).unwrap().model
}

fn subject_names(attestation: &Attestation) -> Vec<&str> {
    attestation.subjects().iter().map(|subject| &*subject.name).collect()
}
