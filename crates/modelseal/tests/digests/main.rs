#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! Digests that signing does not make here and now: remembered, listed by others, or made by
//! several machines or threads. A signature says the same, wherever its digests come from.

mod fan_out;
mod jobs;
mod listed;
#[cfg(target_os = "linux")]
mod reuse;
#[path = "../stage/mod.rs"]
#[expect(dead_code, reason = "nobody types here")]
mod stage;
#[path = "../workbench/mod.rs"]
mod workbench;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use stage::{Answer, Stage};

fn key(name: &str) -> String {
    workbench::testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

/// `modelseal …`, with a report in JSON.
fn run(stage: &Stage, command: &[&str]) -> Answer {
    Answer::of(&mut stage.command([command, &["--format", "json"]].concat()))
}

/// `modelseal sign --key …`, with a report in JSON.
fn run_sign(stage: &Stage, more: &[&str]) -> Answer {
    run(stage, &[&["sign", "--key", &key("p256.pem")], more].concat())
}

#[track_caller]
fn sign(stage: &Stage, more: &[&str]) -> Value {
    report(&run_sign(stage, more).expect(0))
}

/// The signature that hashing the whole model here makes.
#[track_caller]
fn signature(stage: &Stage, model: &str, options: &[&str]) -> Vec<u8> {
    sign(stage, &[&[model, "-o", "whole.sig", "--force"], options].concat());
    read(stage, "whole.sig")
}

#[track_caller]
fn succeeds(stage: &Stage, command: &[&str]) -> Answer {
    run(stage, command).expect(0)
}

/// The answer is a refusal for this reason; gives it in words.
#[track_caller]
fn refusal(answer: Answer, exit: i32, code: &str) -> String {
    let answer = answer.expect(exit);
    let report = report(&answer);
    assert_eq!(report["error"]["code"], code, "{report:#}");
    report["error"]["message"].as_str().unwrap().to_owned()
}

/// Runs the command, which has to be refused for this reason, and nothing written; gives the
/// reason in words.
#[track_caller]
fn refuses(stage: &Stage, command: &[&str], exit: i32, code: &str) -> String {
    let before = contents(stage);
    let message = refusal(run(stage, command), exit, code);
    assert_eq!(contents(stage), before, "something was written");
    message
}

#[track_caller]
fn refuses_to_sign(stage: &Stage, more: &[&str], exit: i32, code: &str) -> String {
    refuses(stage, &[&["sign", "--key", &key("p256.pem")], more].concat(), exit, code)
}

#[track_caller]
fn verifies(stage: &Stage, model: &str, signature: &str) {
    let public = key("p256.pub");
    succeeds(stage, &["verify", model, "--signature", signature, "--key", &public]);
}

/// The report, which is on standard error where standard output is for something else.
#[track_caller]
fn report(answer: &Answer) -> Value {
    let text = if answer.stdout.is_empty() { &answer.stderr } else { &answer.stdout };
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// Every file, and what is in it.
fn contents(stage: &Stage) -> Vec<(PathBuf, Vec<u8>)> {
    stage.tree().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[track_caller]
fn read(stage: &Stage, path: &str) -> Vec<u8> {
    fs::read(stage.at(path)).unwrap()
}

#[track_caller]
fn read_text(stage: &Stage, path: &str) -> String {
    fs::read_to_string(stage.at(path)).unwrap()
}

/// So many bytes, which are others for every `seed`.
fn bytes(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31) ^ (at >> 8) ^ seed).to_le_bytes()[0]).collect()
}

/// What a shell script writes in this directory.
#[track_caller]
fn shell(stage: &Stage, directory: &str, script: &str) -> String {
    let mut shell = Command::new("sh");
    let output = shell.args(["-euc", script]).current_dir(stage.at(directory)).output().unwrap();
    assert!(output.status.success(), "{script}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
