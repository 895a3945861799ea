#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! The command with keys on a token: SoftHSM2, as it is, and behind a module
//! that does not do what a module should (items 88 and 89 of the catalogue of
//! hostile inputs).

mod bent;
mod certificates;
mod keys;
mod labels;
mod listing;
mod modules;
mod objects;
mod pins;
mod public_keys;
mod signing;
#[path = "../softhsm/mod.rs"]
mod softhsm;
#[path = "../stage/mod.rs"]
mod stage;
mod tokens;
#[path = "../workbench/mod.rs"]
mod workbench;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use softhsm::Token;
use stage::{Answer, Stage};

/// A model, and a token that may hold the key to sign it.
struct Scene {
    stage: Stage,
    token: Token,
}

impl Scene {
    /// With an empty token `release`.
    fn empty() -> Self {
        Self { stage: Stage::new(), token: Token::new("release") }
    }

    /// With a P-256 key `key`, whose id is 01, on the token.
    fn new() -> Self {
        Self::holding("p256")
    }

    /// With that test key as `key`.
    fn holding(name: &str) -> Self {
        let scene = Self::empty();
        scene.token.import(&key(&format!("{name}.pem")), "key", "01");
        scene
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.stage.command(arguments);
        self.token.command(&mut command);
        command
    }

    fn run(&self, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(arguments))
    }

    /// What the command reports in JSON.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let answer = self.run(&[arguments, &["--format", "json"]].concat()).expect(0);
        let report = serde_json::from_str(&answer.stdout).expect("JSON");
        expect_valid(&report);
        report
    }

    fn sign_command(&self, uri: &str, more: &[&str]) -> Command {
        self.command(&[&["sign", "model", "--pkcs11", uri], more].concat())
    }

    #[track_caller]
    fn signs(&self, uri: &str, more: &[&str]) -> Answer {
        Answer::of(&mut self.sign_command(uri, more)).expect(0)
    }

    /// Signing fails in these words, and leaves nothing behind.
    #[track_caller]
    fn does_not_sign(&self, uri: &str, code: i32, words: &[&str]) -> Answer {
        self.stage.refuses(&mut self.sign_command(uri, &[]), code, words)
    }

    #[track_caller]
    fn verifies_by(&self, name: &str) {
        let public = key(&format!("{name}.pub"));
        self.run(&["verify", "model", "--key", public.to_str().unwrap()]).expect(0);
    }

    fn path(&self, name: &str) -> String {
        self.stage.at(name).to_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.stage.at(name)).unwrap()
    }
}

/// A report is what the schema that it names says.
#[track_caller]
fn expect_valid(report: &Value) {
    let name = report["report"].as_str().and_then(|name| name.strip_suffix("/v1")).expect("a name");
    let schemas = workbench::testdata().join("../spec/schemas");
    let schema = fs::read(schemas.join(format!("{name}.schema.json"))).unwrap();
    let schema: Value = serde_json::from_slice(&schema).unwrap();
    jsonschema::validate(&schema, report).unwrap_or_else(|error| panic!("{error}: {report:#}"));
}

fn key(name: &str) -> PathBuf {
    workbench::testdata().join("keys").join(name)
}

/// The path of a certificate, for an argument.
fn certificate(name: &str) -> String {
    workbench::testdata().join("certificates").join(name).to_str().unwrap().to_owned()
}
