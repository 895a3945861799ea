//! The protocol as a suite drives it.

#![expect(clippy::disallowed_methods, reason = "the tests build the models")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

struct Suite {
    directory: TempDir,
}

impl Suite {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("model/sub")).unwrap();
        fs::write(directory.path().join("model/a"), "1").unwrap();
        fs::write(directory.path().join("model/sub/b"), "2").unwrap();
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let words = words.iter().map(|word| match word.strip_prefix("@") {
            Some(name) => self.path(name),
            None => PathBuf::from(word),
        });
        Command::new(env!("CARGO_BIN_EXE_modelseal-conformance")).args(words).output().unwrap()
    }

    fn sign(&self, more: &[&str]) -> Option<i32> {
        let key = key("p256.pem");
        let words = [
            "sign-model",
            "--method",
            "key",
            "--model-path",
            "@model",
            "--output-bundle",
            "@b.sig",
            "--private-key",
            &key,
        ];
        self.run(&[&words, more].concat()).status.code()
    }

    fn verify(&self, public: &str, more: &[&str]) -> Option<i32> {
        let key = key(public);
        let words = [
            "verify-model",
            "--method",
            "key",
            "--model-path",
            "@model",
            "--bundle",
            "@b.sig",
            "--public-key",
            &key,
        ];
        self.run(&[&words, more].concat()).status.code()
    }
}

fn key(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/keys").join(name).to_str().unwrap().to_owned()
}

fn certificate(name: &str) -> String {
    let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/certificates");
    certificates.join(name).to_str().unwrap().to_owned()
}

#[test]
fn what_is_signed_verifies_under_the_same_key_only() {
    let suite = Suite::new();
    assert_eq!(suite.sign(&[]), Some(0));
    assert_eq!(suite.verify("p256.pub", &[]), Some(0));
    assert_eq!(suite.verify("other-p256.pub", &[]), Some(1));
}

#[test]
fn changed_and_unsigned_files_are_failures() {
    let suite = Suite::new();
    suite.sign(&[]);
    fs::write(suite.path("model/new"), "3").unwrap();
    assert_eq!(suite.verify("p256.pub", &[]), Some(1));
    assert_eq!(suite.verify("p256.pub", &["--ignore-unsigned-files"]), Some(0));
    fs::write(suite.path("model/a"), "changed").unwrap();
    assert_eq!(suite.verify("p256.pub", &["--ignore-unsigned-files"]), Some(1));
}

#[test]
fn ignored_paths_are_absolute_and_recorded() {
    let suite = Suite::new();
    assert_eq!(suite.sign(&["--ignore-paths", "@model/sub"]), Some(0));
    fs::write(suite.path("model/sub/b"), "changed").unwrap();
    assert_eq!(suite.verify("p256.pub", &[]), Some(0));
    assert_eq!(suite.sign(&["--ignore-paths", "@elsewhere"]), Some(1));
}

#[test]
fn capabilities_are_json() {
    let output = Suite::new().run(&["capabilities"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["hash_algorithms"], serde_json::json!(["sha256", "blake2b", "blake3"]));
    assert!(json["flags"].is_array() && json["benchmark_model"].is_boolean());
}

#[test]
fn a_benchmark_prints_one_time_for_each_repetition() {
    let suite = Suite::new();
    suite.sign(&[]);
    let (private, public) = (key("p256.pem"), key("p256.pub"));
    for more in [
        ["sign", "--private-key", &private].to_vec(),
        vec!["verify", "--public-key", &public, "--bundle", "@b.sig"],
    ] {
        let words =
            ["benchmark-model", "--method", "key", "--model-path", "@model", "--repeat", "3", "--operation"];
        let output = suite.run(&[&words[..], &more].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["times_ms"].as_array().unwrap().len(), 3);
    }
}

#[test]
fn certificates_verify_under_the_anchors_of_cert_chain_only() {
    let suite = Suite::new();
    let (private, leaf) = (key("p256.pem"), certificate("release.pem"));
    let (chain, root, other) =
        (certificate("issuing-ca.pem"), certificate("root.pem"), certificate("other-root.pem"));
    let model = ["--method", "certificate", "--model-path", "@model"];
    let sign = ["--output-bundle", "@b.sig", "--private-key", &private, "--signing-cert", &leaf];
    let signed = suite.run(&[&["sign-model"], &model[..], &sign, &["--cert-chain", &chain]].concat());
    assert_eq!(signed.status.code(), Some(0));

    let verify = |anchors: &[&str]| {
        let words = [&["verify-model"], &model[..], &["--bundle", "@b.sig"], anchors].concat();
        suite.run(&words).status.code()
    };
    assert_eq!(verify(&["--cert-chain", &root]), Some(0));
    assert_eq!(verify(&["--cert-chain", &other, "--cert-chain", &root]), Some(0));
    assert_eq!(verify(&["--cert-chain", &chain]), Some(0));
    assert_eq!(verify(&["--cert-chain", &other]), Some(1));
    assert_eq!(verify(&[]), Some(2));
    fs::write(suite.path("model/a"), "changed").unwrap();
    assert_eq!(verify(&["--cert-chain", &root]), Some(1));
}

#[test]
fn certificates_are_timed() {
    let suite = Suite::new();
    let (private, leaf, root) = (key("p256.pem"), certificate("full-chain.pem"), certificate("root.pem"));
    let model = ["--method", "certificate", "--model-path", "@model"];
    let sign = ["--private-key", &private, "--signing-cert", &leaf];
    let written = [&["sign-model"], &model[..], &["--output-bundle", "@b.sig"], &sign].concat();
    assert_eq!(suite.run(&written).status.code(), Some(0));
    let verify = ["--bundle", "@b.sig", "--cert-chain", &root];
    for (operation, more) in [("sign", &sign[..]), ("verify", &verify)] {
        let words = ["benchmark-model", "--repeat", "2", "--operation", operation];
        let output = suite.run(&[&words[..], &model, more].concat());
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(json["times_ms"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn a_call_outside_of_the_protocol_is_a_usage_error() {
    let suite = Suite::new();
    for words in
        [&["sign-model"][..], &["bogus"], &["sign-model", "--method", "sigstore", "--model-path", "@model"]]
    {
        assert_eq!(suite.run(words).status.code(), Some(2));
    }
}
