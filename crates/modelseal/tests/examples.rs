//! The examples, run as a user runs them.

#![expect(clippy::disallowed_methods, reason = "the tests build the models")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn signed_model(inbox: &Path, name: &str) {
    let model = inbox.join(name);
    fs::create_dir_all(&model).unwrap();
    fs::write(model.join("config.json"), "{}").unwrap();
    let key = root().join("testdata/keys/p256.pem");
    let signed = Command::new(env!("CARGO_BIN_EXE_modelseal"))
        .arg("sign")
        .arg(&model)
        .arg("--key")
        .arg(key)
        .output()
        .unwrap();
    assert!(signed.status.success());
}

fn run(example: &str, argument: &Path) -> Output {
    Command::new(root().join("examples").join(example).join("run.sh"))
        .arg(argument)
        .arg(root().join("testdata/keys/p256.pub"))
        .env("MODELSEAL", env!("CARGO_BIN_EXE_modelseal"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn inbox() -> TempDir {
    let inbox = tempfile::tempdir().unwrap();
    signed_model(inbox.path(), "good");
    signed_model(inbox.path(), "tampered");
    fs::write(inbox.path().join("tampered/config.json"), "{ }").unwrap();
    inbox
}

#[test]
fn verify_before_load_loads_a_verified_copy_or_nothing() {
    let inbox = inbox();
    let good = run("verify-before-load", &inbox.path().join("good"));
    assert_eq!(
        (good.status.code(), text(&good.stdout)),
        (Some(0), "loading from a verified copy:\n./config.json\n")
    );
    let tampered = run("verify-before-load", &inbox.path().join("tampered"));
    assert_eq!(
        (tampered.status.code(), text(&tampered.stdout)),
        (Some(1), "refused: this is not what the publisher signed\n")
    );
    let absent = run("verify-before-load", &inbox.path().join("absent"));
    assert_eq!(absent.status.code(), Some(2));
}

#[test]
fn admit_models_names_the_reason_of_each_refusal() {
    let inbox = inbox();
    signed_model(inbox.path(), "unsigned");
    fs::remove_file(inbox.path().join("unsigned/model.sig")).unwrap();
    let gate = run("admit-models", inbox.path());
    let expected = "admit   good\nrefuse  tampered  (mismatch)\nrefuse  unsigned  (no-signature)\n";
    assert_eq!((gate.status.code(), text(&gate.stdout)), (Some(1), expected));
}
