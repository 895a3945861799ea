//! Both protocols against the private Sigstore that `cargo xtask test` starts.

#![expect(clippy::disallowed_methods, reason = "the tests build what is signed")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

const IDENTITY: &str = "release@acme.example";

struct Suite {
    directory: TempDir,
    stack: PathBuf,
    services: Value,
}

impl Suite {
    fn new() -> Self {
        let stack = PathBuf::from(std::env::var_os("MODELSEAL_STACK").expect("cargo xtask test sets it"));
        let services = serde_json::from_slice(&fs::read(stack.join("stack.json")).unwrap()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("model")).unwrap();
        fs::write(directory.path().join("model/a"), "1").unwrap();
        fs::write(directory.path().join("artifact"), "content").unwrap();
        Self { directory, stack, services }
    }

    fn service(&self, name: &str) -> &str {
        self.services[name].as_str().unwrap()
    }

    fn token(&self) -> String {
        let issuer = self.service("issuer").strip_prefix("http://").unwrap();
        let (body, mut stream) = (r#"{"issuer":"email"}"#, TcpStream::connect(issuer).unwrap());
        let length = body.len();
        write!(stream, "POST /mint HTTP/1.1\r\nHost: {issuer}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.trim().to_owned()
    }

    /// `@name` is a file of this suite, `%name` one of the stack.
    fn run(&self, words: &[&str]) -> Output {
        let words = words.iter().map(|word| match (word.strip_prefix('@'), word.strip_prefix('%')) {
            (Some(name), _) => self.directory.path().join(name),
            (_, Some(name)) => self.stack.join(name),
            _ => PathBuf::from(word),
        });
        Command::new(env!("CARGO_BIN_EXE_modelseal-conformance")).args(words).output().unwrap()
    }

    fn succeeds(&self, words: &[&str]) {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn fails(&self, words: &[&str], why: &str) {
        let output = self.run(words);
        let problem = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {problem}");
        assert!(problem.contains(why), "{words:?}: {problem}");
    }

    fn sign_bundle(&self, more: &[&str], file: &str) {
        let token = self.token();
        let words =
            ["--identity-token", &token, "--bundle", "@bundle", "--trusted-root", "%trusted_root.json"];
        self.succeeds(
            &[&["sign-bundle"], more, &words, &["--signing-config", "%signing_config.json", file]].concat(),
        );
    }

    fn verify_bundle<'a>(&'a self, identity: &'a str, root: &'a str, artifact: &'a str) -> Vec<&'a str> {
        let issuer = self.service("email_issuer");
        let words = ["verify-bundle", "--bundle", "@bundle", "--certificate-identity", identity];
        [&words[..], &["--certificate-oidc-issuer", issuer, "--trusted-root", root, artifact]].concat()
    }

    fn statement(&self, digest: &str) {
        let statement = serde_json::json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "other", "digest": {"sha256": "00".repeat(32)}}, {"name": "a", "digest": {"sha256": digest}}],
            "predicateType": "https://example.com/predicate",
            "predicate": {},
        });
        fs::write(self.directory.path().join("statement"), statement.to_string()).unwrap();
    }
}

/// SHA-256 of `content`.
const DIGEST: &str = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";

#[test]
fn a_message_signature_is_made_and_verifies_by_file_and_by_digest() {
    let suite = Suite::new();
    suite.sign_bundle(&[], "@artifact");
    suite.succeeds(&suite.verify_bundle(IDENTITY, "%trusted_root.json", "@artifact"));
    suite.succeeds(&suite.verify_bundle(IDENTITY, "%trusted_root.json", &format!("sha256:{DIGEST}")));
    let other = format!("sha256:{}", "00".repeat(32));
    suite.fails(&suite.verify_bundle(IDENTITY, "%trusted_root.json", &other), "not about this artifact");
    suite.fails(&suite.verify_bundle("a@acme.example", "%trusted_root.json", "@artifact"), "has to be");
    suite.fails(&suite.verify_bundle(IDENTITY, "%foreign/trusted_root.json", "@artifact"), "does not name");
}

#[test]
fn a_statement_is_signed_in_an_envelope_and_names_the_artifact_among_its_subjects() {
    let suite = Suite::new();
    suite.statement(DIGEST);
    suite.sign_bundle(&["--in-toto"], "@statement");
    suite.succeeds(&suite.verify_bundle(IDENTITY, "%trusted_root.json", "@artifact"));
    suite
        .fails(&suite.verify_bundle(IDENTITY, "%trusted_root.json", "@statement"), "not about this artifact");
}

#[test]
fn without_a_trusted_root_that_of_the_public_instance_counts() {
    let suite = Suite::new();
    suite.sign_bundle(&[], "@artifact");
    let issuer = suite.service("email_issuer");
    let words = ["verify-bundle", "--bundle", "@bundle", "--certificate-identity", IDENTITY];
    let words = [&words[..], &["--certificate-oidc-issuer", issuer, "@artifact"]].concat();
    suite.fails(&words, "does not name");
}

#[test]
fn cosign_verifies_what_is_signed() {
    let suite = Suite::new();
    suite.sign_bundle(&[], "@artifact");
    let file = |name: &str| suite.directory.path().join(name);
    let output = Command::new(suite.service("cosign"))
        .arg("verify-blob")
        .arg("--trusted-root")
        .arg(suite.stack.join("trusted_root.json"))
        .arg("--bundle")
        .arg(file("bundle"))
        .args([
            "--certificate-identity",
            IDENTITY,
            "--certificate-oidc-issuer",
            suite.service("email_issuer"),
        ])
        .arg(file("artifact"))
        .env("HOME", suite.directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_cosign_signs_verifies() {
    let suite = Suite::new();
    let file = |name: &str| suite.directory.path().join(name);
    fs::write(file("token"), suite.token()).unwrap();
    let options = |option: &str, path: &Path| [option.into(), path.as_os_str().to_owned()];
    let output = Command::new(suite.service("cosign"))
        .args(["sign-blob", "--yes"])
        .args(options("--signing-config", &suite.stack.join("signing_config.json")))
        .args(options("--trusted-root", &suite.stack.join("trusted_root.json")))
        .args(options("--identity-token", &file("token")))
        .args(options("--bundle", &file("bundle")))
        .arg(file("artifact"))
        .env("HOME", suite.directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    suite.succeeds(&suite.verify_bundle(IDENTITY, "%trusted_root.json", "@artifact"));
}

#[test]
fn a_model_is_signed_and_verified_by_the_method_sigstore() {
    let suite = Suite::new();
    let (token, issuer) = (suite.token(), suite.service("email_issuer"));
    let model =
        ["--method", "sigstore", "--model-path", "@model", "--trust-config", "%client_trust_config.json"];
    suite.succeeds(
        &[&["sign-model"], &model[..], &["--output-bundle", "@sig", "--identity-token", &token]].concat(),
    );
    let verify = |identity| {
        let trust = ["--bundle", "@sig", "--identity", identity, "--identity-provider", issuer];
        [&["verify-model"], &model[..], &trust].concat()
    };
    suite.succeeds(&verify(IDENTITY));
    suite.fails(&verify("a@acme.example"), "it was signed by");
    fs::write(suite.directory.path().join("model/a"), "2").unwrap();
    suite.fails(&verify(IDENTITY), "not what was signed");
    let benchmark = ["benchmark-model", "--operation", "verify", "--repeat", "1"];
    fs::write(suite.directory.path().join("model/a"), "1").unwrap();
    suite.succeeds(&[&benchmark, &verify(IDENTITY)[1..]].concat());
}
