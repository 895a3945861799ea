//! The command at work on a model, at home nowhere, and in no CI job unless a
//! test says so.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::sigstore::{self, Signer};
use crate::stage::{Answer, Stage};

/// By which a job says that it is one, and what it has for us.
const CI_VARIABLES: [&str; 7] = [
    "GITHUB_ACTIONS",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "GITLAB_CI",
    "SIGSTORE_ID_TOKEN",
    "BUILDKITE",
    "CIRCLECI",
];

/// The bundle of a model that is a directory.
pub(crate) const BUNDLE: &str = "model/model.sig";

/// A directory with the model `model`, a home, and programs of our own.
pub(crate) struct Scene(Stage);

impl Scene {
    pub(crate) fn new() -> Self {
        let stage = Stage::new();
        fs::create_dir(stage.at("home")).unwrap();
        fs::create_dir(stage.at("bin")).unwrap();
        Self(stage)
    }

    /// With this bundle, which signs the model.
    pub(crate) fn with(bundle: &Value) -> Self {
        let scene = Self::new();
        scene.write(BUNDLE, bundle.to_string());
        scene
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.at(path)
    }

    pub(crate) fn write(&self, path: &str, bytes: impl AsRef<[u8]>) {
        self.0.write(path, bytes);
    }

    /// Puts a shell script of this name before all other programs.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = self.at("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn bundle(&self) -> Value {
        serde_json::from_slice(&fs::read(self.at(BUNDLE)).unwrap()).unwrap()
    }

    /// The command, without a terminal.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        self.at_home(self.0.command(arguments))
    }

    /// The command on a terminal of its own.
    pub(crate) fn on_a_terminal(&self, arguments: &[&str]) -> Command {
        self.at_home(self.0.on_a_terminal(arguments).expect("script, of util-linux, is installed"))
    }

    fn at_home(&self, mut command: Command) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.at("bin").display()));
        command.env("HOME", self.at("home")).env_remove("XDG_CACHE_HOME");
        for variable in CI_VARIABLES {
            command.env_remove(variable);
        }
        command
    }

    /// Signs for whoever the other arguments say, and reports in JSON.
    pub(crate) fn sign(&self, more: &[&str]) -> Command {
        let config = sigstore::file("client_trust_config.json");
        self.command(["sign", "model", "--format", "json", "--trust-config", &config].iter().chain(more))
    }

    /// Signs by other services, whose root is trusted all the same.
    pub(crate) fn sign_at(&self, services: &Value, more: &[&str]) -> Command {
        self.sign_under(&sigstore::json("trusted_root.json"), services, more)
    }

    /// The same under another root.
    pub(crate) fn sign_under(&self, root: &Value, services: &Value, more: &[&str]) -> Command {
        self.write("root.json", root.to_string());
        self.write("services.json", services.to_string());
        let instance = ["--trusted-root", "root.json", "--signing-config", "services.json"];
        self.command(["sign", "model", "--format", "json"].iter().chain(&instance).chain(more))
    }

    /// Attests something of the model for whoever the other arguments say, and
    /// reports in JSON.
    pub(crate) fn attest(&self, more: &[&str]) -> Command {
        let config = sigstore::file("client_trust_config.json");
        self.command(["attest", "model", "--format", "json", "--trust-config", &config].iter().chain(more))
    }

    /// Asks a policy about the model as `hf://acme/toy`, and reports in JSON.
    pub(crate) fn judge(&self, policy: &str, more: &[&str]) -> Command {
        self.judge_as("hf://acme/toy", policy, more)
    }

    pub(crate) fn judge_as(&self, name: &str, policy: &str, more: &[&str]) -> Command {
        self.write("policy.toml", policy);
        let arguments = ["verify", "model", "--format", "json", "--policy", "policy.toml", "--as", name];
        self.command(arguments.iter().chain(more))
    }

    /// Verifies that somebody signed, and reports in JSON.
    pub(crate) fn verify(&self, signer: Signer, more: &[&str]) -> Command {
        self.verify_as(signer.identity(), signer.issuer(), more)
    }

    pub(crate) fn verify_as(&self, identity: &str, issuer: &str, more: &[&str]) -> Command {
        let root = sigstore::file("trusted_root.json");
        let who = ["--identity", identity, "--issuer", issuer, "--trusted-root", &root];
        self.command(["verify", "model", "--format", "json"].iter().chain(&who).chain(more))
    }

    /// Verifies under another root.
    pub(crate) fn verify_under(&self, root: &Value, signer: Signer) -> Command {
        self.write("root.json", root.to_string());
        let who = ["--identity", signer.identity(), "--issuer", signer.issuer()];
        let arguments = ["verify", "model", "--format", "json", "--trusted-root", "root.json"];
        self.command(arguments.iter().chain(&who))
    }

    /// Runs a command that has to fail with this exit code and this code, in
    /// words that hold these, and to leave everything as it was.
    #[track_caller]
    pub(crate) fn refuses(&self, command: &mut Command, exit: i32, code: &str, words: &[&str]) -> Refusal {
        let before = self.0.tree();
        let answer = Answer::of(command).expect(exit);
        let report = report(&answer);
        let error = &report["error"];
        assert_eq!(error["code"], code, "{report:#}");
        let text = format!("{} {}", error["message"], error["help"]).replace("\\\"", "\"");
        for word in words {
            assert!(text.contains(word), "{word:?} is missing from {text}");
        }
        assert_eq!(self.0.tree(), before, "something was written");
        Refusal { answer, report }
    }

    /// Runs a command that the argument parser has to refuse, in these words.
    #[track_caller]
    pub(crate) fn misuses(&self, command: &mut Command, words: &[&str]) {
        self.0.refuses(command, 2, words);
    }

    /// Every file that is there.
    pub(crate) fn tree(&self) -> Vec<PathBuf> {
        self.0.tree()
    }
}

/// The report of a command that has to do what it is told.
#[track_caller]
pub(crate) fn succeeds(command: &mut Command) -> Value {
    report(&Answer::of(command).expect(0))
}

/// What a command said that failed.
pub(crate) struct Refusal {
    answer: Answer,
    pub(crate) report: Value,
}

impl Refusal {
    /// No output has a part of a token, nor any other secret.
    #[track_caller]
    pub(crate) fn hides(self, secret: &str) {
        let parts: Vec<&str> = secret.split('.').filter(|part| part.len() > 8).collect();
        assert!(!parts.is_empty(), "{secret} is no secret");
        parts.into_iter().fold(self.answer, Answer::hides);
    }
}

#[track_caller]
fn report(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}
