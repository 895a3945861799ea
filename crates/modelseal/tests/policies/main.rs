#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! The command under a trust policy: what is considered, what is denied, and
//! what is written.

mod copies;
mod deny_lists;
mod evidence;
mod fine_tune;
mod locks;
mod names;
#[path = "../stage/mod.rs"]
mod stage;
mod takeover;
mod verdicts;
#[path = "../workbench/mod.rs"]
mod workbench;

use std::fs;

use serde_json::{Value, json};

use stage::{Answer, Stage};

/// A policy for `hf://acme/*` with one rule, to which `rule` is added.
fn policy(rule: &str) -> String {
    policy_of(&format!("[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ any = [\"acme\"] }}\n{rule}"))
}

/// A policy with these publishers: `acme` has the key on P-256, `registry` that
/// on P-384, `other` that on P-521.
fn policy_of(rest: &str) -> String {
    let publisher = |(name, key): (&str, &str)| format!("[publishers.{name}]\nkeys = [{:?}]\n", public(key));
    let publishers = [("acme", "p256"), ("registry", "p384"), ("other", "p521")].map(publisher).concat();
    format!("version = 1\nserial = 2\nexpires = 2099-01-01\n{publishers}\n{rest}\n")
}

fn private(kind: &str) -> String {
    workbench::testdata().join(format!("keys/{kind}.pem")).into_os_string().into_string().unwrap()
}

fn public(kind: &str) -> String {
    workbench::testdata().join(format!("keys/{kind}.pub")).into_os_string().into_string().unwrap()
}

/// A model, signed by `acme`.
fn signed() -> Stage {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &[]);
    stage
}

#[track_caller]
fn sign(stage: &Stage, model: &str, kind: &str, more: &[&str]) {
    let key = private(kind);
    let arguments = [&["sign", model, "--quiet", "--key", &key], more].concat();
    Answer::of(&mut stage.command(arguments)).expect(0);
}

/// `modelseal verify model --policy …` as `hf://acme/toy`.
fn verify(stage: &Stage, policy: &str, more: &[&str]) -> Answer {
    verify_as(stage, policy, "hf://acme/toy", more)
}

fn verify_as(stage: &Stage, policy: &str, name: &str, more: &[&str]) -> Answer {
    stage.write("policy.toml", policy);
    let arguments = ["verify", "model", "--policy", "policy.toml", "--as", name, "--format", "json"];
    Answer::of(&mut stage.command([&arguments, more].concat()))
}

/// The verdict, which has to allow.
#[track_caller]
fn allows(answer: Answer) -> Value {
    let report = report(&answer.expect(0));
    assert_eq!(
        (&report["outcome"], &report["verdict"]["outcome"]),
        (&json!("allowed"), &json!("allow")),
        "{report:#}"
    );
    report["verdict"].clone()
}

/// The verdict, which has to allow with a warning of this code.
#[track_caller]
fn warns(answer: Answer, code: &str) -> Value {
    let report = report(&answer.expect(0));
    assert_eq!(
        (&report["outcome"], &report["verdict"]["outcome"]),
        (&json!("warned"), &json!("warn")),
        "{report:#}"
    );
    assert!(codes(&report["verdict"], "warn").contains(&code.to_owned()), "{report:#}");
    report["verdict"].clone()
}

/// The verdict, which has to deny for this reason before all others.
#[track_caller]
fn denies(answer: Answer, code: &str) -> Value {
    let report = report(&answer.expect(1));
    assert_eq!(report["verdict"]["outcome"], "deny", "{report:#}");
    assert_eq!(report["error"]["code"], code, "{report:#}");
    assert_eq!(report["verdict"]["reasons"][0]["code"], code, "{report:#}");
    report["verdict"].clone()
}

/// The codes of the reasons of one severity.
fn codes(verdict: &Value, severity: &str) -> Vec<String> {
    let reasons = verdict["reasons"].as_array().unwrap().iter();
    let of_severity = reasons.filter(|reason| reason["severity"] == severity);
    of_severity.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn fails(answer: Answer, exit: i32, code: &str) -> Value {
    let report = report(&answer.expect(exit));
    assert_eq!(report["error"]["code"], code, "{report:#}");
    report["error"].clone()
}

#[track_caller]
fn report(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// `modelseal lock COMMAND model …` as `hf://acme/toy`, under the policy that
/// was written last.
fn lock(stage: &Stage, command: &str, more: &[&str]) -> Answer {
    let arguments = ["lock", command, "model", "--policy", "policy.toml", "--lock", "modelseal.lock"];
    let arguments = [&arguments[..], &["--as", "hf://acme/toy", "--format", "json"], more].concat();
    Answer::of(&mut stage.command(arguments))
}

/// Takes the model into a lock under this policy.
#[track_caller]
fn locked(stage: &Stage, policy: &str) -> Value {
    stage.write("policy.toml", policy);
    report(&lock(stage, "add", &[]).expect(0))
}

const WITH_LOCK: [&str; 2] = ["--lock", "modelseal.lock"];

fn read(stage: &Stage, path: &str) -> String {
    fs::read_to_string(stage.at(path)).unwrap()
}
