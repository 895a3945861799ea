#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! The command with private keys under a passphrase: from a file, from the
//! environment, and typed on a terminal.

mod stage;
mod workbench;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use stage::{Answer, Stage, talk};

const PASSPHRASE: &str = "correct-horse";
const PROMPT: &str = "Passphrase of release.key: ";
const NEW_PROMPT: &str = "New passphrase for release.key: ";
const AGAIN_PROMPT: &str = "The same again: ";

const KEYGEN: [&str; 4] = ["keygen", "--out", "release.key", "--encrypt"];
const SIGN: [&str; 4] = ["sign", "model", "--key", "release.key"];

/// With a key under [`PASSPHRASE`].
fn with_key() -> Stage {
    let stage = Stage::new();
    let mut keygen = stage.command(KEYGEN);
    Answer::of(with_passphrase(&mut keygen)).expect(0).hides(PASSPHRASE);
    stage
}

fn with_passphrase(command: &mut Command) -> &mut Command {
    command.env("MODELSEAL_PASSPHRASE", PASSPHRASE)
}

#[track_caller]
fn verifies(stage: &Stage) {
    let verify = ["verify", "model", "--key", "release.key.pub"];
    Answer::of(&mut stage.command(verify)).expect(0);
}

/// Signs with what the file `passphrase` holds.
fn sign_with_file(stage: &Stage) -> Command {
    stage.command(SIGN.iter().chain(&["--passphrase-file", "passphrase"]))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_passphrase_may_stand_in_the_environment() {
    let stage = with_key();
    Answer::of(with_passphrase(&mut stage.command(SIGN))).expect(0).hides(PASSPHRASE);
    verifies(&stage);
}

#[test]
fn the_passphrase_may_stand_in_the_first_line_of_a_file() {
    let stage = with_key();
    for content in ["", "\n", "\r\n", "\nand more\n"] {
        stage.write("passphrase", format!("{PASSPHRASE}{content}"));
        Answer::of(&mut sign_with_file(&stage)).expect(0).hides(PASSPHRASE);
        verifies(&stage);
        fs::remove_file(stage.at("model/model.sig")).unwrap();
    }
}

#[test]
fn a_key_is_made_under_the_passphrase_in_a_file() {
    let stage = Stage::new();
    stage.write("passphrase", format!("{PASSPHRASE}\n"));
    let keygen = KEYGEN.iter().chain(&["--passphrase-file", "passphrase"]);
    Answer::of(&mut stage.command(keygen)).expect(0).hides(PASSPHRASE);
    Answer::of(with_passphrase(&mut stage.command(SIGN))).expect(0);
    verifies(&stage);
}

#[test]
fn keys_of_every_kind_can_be_encrypted() {
    for kind in ["p256", "p384", "p521", "ed25519"] {
        let stage = Stage::new();
        let keygen = [&KEYGEN[..], &["--type", kind]].concat();
        Answer::of(with_passphrase(&mut stage.command(keygen))).expect(0);
        Answer::of(with_passphrase(&mut stage.command(SIGN))).expect(0);
        verifies(&stage);
    }
}

#[test]
fn the_file_is_for_its_owner_and_holds_no_plain_key() {
    let stage = with_key();
    let pem = fs::read_to_string(stage.at("release.key")).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{pem}");
    assert_eq!(pem.matches("-----BEGIN").count(), 1);
    assert_eq!(mode(&stage.at("release.key")), 0o600);
    assert_eq!(stage.tree().len(), 4, "the model, the key and its public half: {:?}", stage.tree());
}

#[test]
fn the_report_says_that_the_key_is_encrypted() {
    let stage = Stage::new();
    let keygen = KEYGEN.iter().chain(&["--format", "json"]);
    let answer = Answer::of(with_passphrase(&mut stage.command(keygen))).expect(0).hides(PASSPHRASE);
    let report: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(report["encrypted"], true);
}

#[test]
fn a_file_goes_before_the_environment() {
    let stage = with_key();
    stage.write("passphrase", "wrong");
    let words = ["release.key: the passphrase is wrong"];
    stage.refuses(with_passphrase(&mut sign_with_file(&stage)), 2, &words);
}

#[test]
fn a_wrong_passphrase_is_refused_and_not_shown() {
    let stage = with_key();
    for wrong in ["hush7355608", "correct-horse ", "CORRECT-HORSE"] {
        let mut sign = stage.command(SIGN);
        let words = ["release.key: the passphrase is wrong, or the private key is damaged"];
        stage.refuses(sign.env("MODELSEAL_PASSPHRASE", wrong), 2, &words).hides(wrong);
    }
}

#[test]
fn a_passphrase_for_a_plain_key_is_refused() {
    let stage = Stage::new();
    Answer::of(&mut stage.command(["keygen", "--out", "release.key"])).expect(0);
    stage.write("passphrase", PASSPHRASE);
    let words = ["release.key: is not encrypted", "leave --passphrase-file out"];
    stage.refuses(&mut sign_with_file(&stage), 2, &words);
}

#[test]
fn the_variable_does_no_harm_to_a_plain_key() {
    let stage = Stage::new();
    Answer::of(&mut stage.command(["keygen", "--out", "release.key"])).expect(0);
    Answer::of(with_passphrase(&mut stage.command(SIGN))).expect(0);
    verifies(&stage);
}

#[test]
fn a_file_without_a_passphrase_is_refused() {
    let stage = with_key();
    stage.refuses(&mut sign_with_file(&stage), 2, &["passphrase: no such file"]);
    for content in [&b""[..], b"\n", b"\r\n", b"\ncorrect-horse\n"] {
        stage.write("passphrase", content);
        stage.refuses(&mut sign_with_file(&stage), 2, &["passphrase: has no passphrase in its first line"]);
    }
    stage.write("passphrase", b"\xff\xfe");
    stage.refuses(&mut sign_with_file(&stage), 2, &["passphrase: the passphrase in it is not UTF-8"]);
}

#[test]
fn no_key_is_made_under_an_empty_passphrase() {
    let stage = Stage::new();
    stage.write("passphrase", "\n");
    let keygen = KEYGEN.iter().chain(&["--passphrase-file", "passphrase"]);
    stage.refuses(&mut stage.command(keygen), 2, &["has no passphrase in its first line"]);
    let mut keygen = stage.command(KEYGEN);
    stage.refuses(keygen.env("MODELSEAL_PASSPHRASE", ""), 2, &["there is no terminal to ask for it"]);
}

#[test]
fn where_nobody_can_be_asked_the_other_ways_are_named() {
    let stage = with_key();
    let words = ["release.key", "no terminal", "--passphrase-file FILE", "MODELSEAL_PASSPHRASE"];
    stage.refuses(&mut stage.command(SIGN), 2, &words);
    let keygen = ["keygen", "--out", "other.key", "--encrypt"];
    stage.refuses(&mut stage.command(keygen), 2, &["other.key", words[1], words[2], words[3]]);
}

#[test]
fn a_passphrase_file_needs_something_to_open() {
    let stage = with_key();
    stage.write("passphrase", PASSPHRASE);
    let options = ["--passphrase-file", "passphrase"];
    stage.refuses(&mut stage.command(["sign", "model"].iter().chain(&options)), 2, &["--key <KEY>"]);
    let keygen = ["keygen", "--out", "other.key"];
    stage.refuses(&mut stage.command(keygen.iter().chain(&options)), 2, &["--encrypt"]);
}

#[test]
fn a_model_that_holds_the_passphrase_is_refused() {
    let stage = with_key();
    stage.write("model/passphrase", PASSPHRASE);
    let mut sign = stage.command(SIGN.iter().chain(&["--passphrase-file", "model/passphrase"]));
    stage.refuses(&mut sign, 2, &["passphrase", "move it out of the model"]).hides(PASSPHRASE);
}

#[test]
fn an_existing_key_is_told_of_before_anybody_is_asked() {
    let stage = with_key();
    let before = fs::read(stage.at("release.key")).unwrap();
    stage.refuses(&mut stage.command(KEYGEN), 2, &["release.key", "exists", "--force"]);
    assert_eq!(fs::read(stage.at("release.key")).unwrap(), before);
}

#[test]
fn a_key_that_openssl_encrypted_signs() {
    let stage = Stage::new();
    let keys = workbench::testdata().join("keys");
    let (key, public) = (keys.join("p256.encrypted.pem"), keys.join("p256.pub"));
    let mut sign = stage.command(["sign", "model", "--key", key.to_str().unwrap()]);
    Answer::of(sign.env("MODELSEAL_PASSPHRASE", "secret")).expect(0);
    Answer::of(&mut stage.command(["verify", "model", "--key", public.to_str().unwrap()])).expect(0);
}

#[test]
fn a_typed_passphrase_is_not_shown() {
    let stage = with_key();
    let Some(mut script) = stage.on_a_terminal(&SIGN) else { return };
    let shown = talk(&mut script, &[(PROMPT, "correct-horse\n")]);
    assert!(shown.contains("Signed") && shown.contains("exit code 0"), "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
    assert!(shown.contains(" echo "), "the terminal shows again what is typed: {shown}");
    verifies(&stage);
}

#[test]
fn a_typed_passphrase_that_is_wrong_is_not_asked_for_again() {
    let stage = with_key();
    let Some(mut script) = stage.on_a_terminal(&SIGN) else { return };
    let shown = talk(&mut script, &[(PROMPT, "hush7355608\n")]);
    assert!(shown.contains("the passphrase is wrong") && shown.contains("exit code 2"), "{shown}");
    assert_eq!(shown.matches(PROMPT).count(), 1, "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn an_empty_answer_opens_nothing() {
    let stage = with_key();
    let Some(mut script) = stage.on_a_terminal(&SIGN) else { return };
    let shown = talk(&mut script, &[(PROMPT, "\n")]);
    assert!(shown.contains("no passphrase was typed") && shown.contains("exit code 2"), "{shown}");
}

#[test]
fn a_new_passphrase_is_typed_twice() {
    let stage = Stage::new();
    let Some(mut script) = stage.on_a_terminal(&KEYGEN) else { return };
    let turns = [(NEW_PROMPT, "correct-horse\n"), (AGAIN_PROMPT, "correct-horse\n")];
    let shown = talk(&mut script, &turns);
    assert!(shown.contains("Made") && shown.contains("exit code 0"), "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
    Answer::of(with_passphrase(&mut stage.command(SIGN))).expect(0);
    verifies(&stage);
}

#[test]
fn two_different_passphrases_make_no_key() {
    let stage = Stage::new();
    let before = stage.tree();
    let Some(mut script) = stage.on_a_terminal(&KEYGEN) else { return };
    let shown = talk(&mut script, &[(NEW_PROMPT, "correct-horse\n"), (AGAIN_PROMPT, "correct-house\n")]);
    assert!(shown.contains("the two passphrases differ; nothing was written"), "{shown}");
    assert!(shown.contains("exit code 2"), "{shown}");
    assert_eq!(stage.tree(), before);
}

#[test]
fn an_interrupt_at_the_prompt_ends_the_work_and_restores_the_terminal() {
    let stage = with_key();
    let before = stage.tree();
    for typed in ["\x03", "half\x03"] {
        let Some(mut script) = stage.on_a_terminal(&SIGN) else { return };
        let shown = talk(&mut script, &[(PROMPT, typed)]);
        assert!(shown.contains("exit code 130"), "{shown}");
        assert!(shown.contains(" echo ") && shown.contains(" icanon "), "{shown}");
        assert_eq!(stage.tree(), before);
    }
}

#[test]
fn an_interrupt_at_the_second_prompt_makes_no_key() {
    let stage = Stage::new();
    let before = stage.tree();
    let Some(mut script) = stage.on_a_terminal(&KEYGEN) else { return };
    let shown = talk(&mut script, &[(NEW_PROMPT, "correct-horse\n"), (AGAIN_PROMPT, "\x03")]);
    assert!(shown.contains("exit code 130"), "{shown}");
    assert!(shown.contains(" echo "), "{shown}");
    assert_eq!(stage.tree(), before);
}

#[test]
fn a_signal_at_the_prompt_ends_the_work_and_restores_the_terminal() {
    let stage = with_key();
    let Some(mut script) = stage.on_a_terminal_for(2, &SIGN) else { return };
    let shown = talk(&mut script, &[(PROMPT, "half")]);
    assert!(shown.contains("exit code 130"), "{shown}");
    assert!(shown.contains(" echo "), "{shown}");
}
