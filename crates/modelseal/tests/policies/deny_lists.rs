//! What is never admitted, whoever signed it.

use std::process::Stdio;

use modelseal::policy::DenyList;
use modelseal::{KeySigner, PrivateKey};

use super::*;

/// `modelseal deny add deny.toml …`, signed by `registry`.
fn deny(stage: &Stage, more: &[&str]) -> Answer {
    let key = private("p384");
    let arguments =
        ["deny", "add", "deny.toml", "--reason", "known to be bad", "--format", "json", "--key", &key];
    Answer::of(&mut stage.command([&arguments, more].concat()))
}

/// `modelseal deny renew deny.toml …`, signed by `registry`.
fn renew(stage: &Stage, more: &[&str]) -> Answer {
    let key = private("p384");
    let arguments = ["deny", "renew", "deny.toml", "--format", "json", "--key", &key];
    Answer::of(&mut stage.command([&arguments, more].concat()))
}

/// The list and its signature.
fn both(stage: &Stage) -> [Option<String>; 2] {
    ["deny.toml", "deny.toml.sig"].map(|path| fs::read_to_string(stage.at(path)).ok())
}

fn start_anew(stage: &Stage) {
    for path in ["deny.toml", "deny.toml.sig"] {
        fs::remove_file(stage.at(path)).unwrap();
    }
}

/// Signs a list that the command would not make.
fn sign_list(stage: &Stage, list: &str) {
    let signer = KeySigner::new(PrivateKey::from_pem(&fs::read(private("p384")).unwrap()).unwrap());
    let said = DenyList::parse(list.as_bytes()).unwrap().attest("deny.toml", list.as_bytes());
    stage.write("deny.toml", list);
    stage.write("deny.toml.sig", modelseal::attest(&said, &signer).unwrap().bundle);
}

#[track_caller]
fn denied(stage: &Stage, more: &[&str]) -> Value {
    report(&deny(stage, more).expect(0))
}

fn with_list(rule: &str) -> String {
    policy(rule) + "[deny-list]\nfile = \"deny.toml\"\nsigned-by = \"registry\"\n"
}

/// SHA-256 of `1`, which is what the file `a` holds.
const A: &str = "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b";
const SOON: [&str; 2] = ["--expires", "30d"];
const EVIL: [&str; 2] = ["--deny-issuer", "https://evil.example"];
const WORSE: [&str; 2] = ["--deny-issuer", "https://worse.example"];

#[test]
fn a_denied_file_denies_whatever_the_manifest_is_made_of() {
    for options in [&[][..], &["--hash", "blake3"], &["--shard-size", "1"]] {
        let stage = Stage::new();
        sign(&stage, "model", "p256", options);
        denied(&stage, &[&SOON[..], &["--deny-file", A]].concat());
        let verdict = denies(verify(&stage, &with_list(""), &[]), "denied-file");
        assert!(
            verdict["reasons"][0]["message"].as_str().unwrap().contains("known to be bad"),
            "{verdict:#}"
        );
        denies(verify(&stage, &with_list("mode = \"audit\""), &[]), "denied-file");
    }
}

#[test]
fn a_denied_file_is_found_where_nobody_signs() {
    let stage = Stage::new();
    fs::create_dir_all(stage.at("model/.git/hooks")).unwrap();
    stage.write("model/.git/hooks/run", "known");
    stage.write("model/notes", "ignored");
    sign(&stage, "model", "p256", &["--ignore", "notes"]);
    denied(&stage, &[&SOON[..], &["--deny-file", A]].concat());
    fs::remove_file(stage.at("model/a")).unwrap();
    fs::rename(stage.at("model/model.sig"), stage.at("model.sig")).unwrap();
    sign(&stage, "model", "p256", &["--ignore", "notes"]);
    allows(verify(&stage, &with_list(""), &[]));
    for path in ["model/.git/hooks/run", "model/notes"] {
        let before = read(&stage, path);
        stage.write(path, "1");
        denies(verify(&stage, &with_list(""), &[]), "denied-file");
        stage.write(path, before);
    }
    // What cannot be hashed cannot be known not to be it.
    std::os::unix::fs::symlink("run", stage.at("model/.git/hooks/link")).unwrap();
    denies(verify(&stage, &with_list(""), &[]), "deny-not-evaluated");
}

#[test]
fn a_denied_model_and_a_denied_signer_are_denied() {
    let stage = signed();
    let verdict = allows(verify(&stage, &policy(""), &[]));
    let (model, key) = (&verdict["model"]["digest"], &verdict["signatures"][0]["signer"]["key"]);
    denied(&stage, &[&SOON[..], &["--deny-model", model.as_str().unwrap()]].concat());
    denies(verify(&stage, &with_list(""), &[]), "denied-model");
    start_anew(&stage);
    denied(&stage, &[&SOON[..], &["--deny-key", key.as_str().unwrap()]].concat());
    let verdict = denies(verify(&stage, &with_list(""), &[]), "not-signed-by-publisher");
    assert!(codes(&verdict, "note").contains(&"denied-signer".to_owned()), "{verdict:#}");
    // Nothing proves that the signature is older.
    start_anew(&stage);
    denied(&stage, &[&SOON[..], &["--deny-key", key.as_str().unwrap(), "--since", "2098-01-01"]].concat());
    denies(verify(&stage, &with_list(""), &[]), "not-signed-by-publisher");
}

#[test]
fn a_list_that_cannot_be_believed_denies_everything() {
    type Change = fn(&Stage);
    let changes: [Change; 6] = [
        |stage| fs::remove_file(stage.at("deny.toml")).unwrap(),
        |stage| fs::remove_file(stage.at("deny.toml.sig")).unwrap(),
        |stage| stage.write("deny.toml", read(stage, "deny.toml").replace("known", "Known")),
        |stage| stage.write("deny.toml.sig", "{}"),
        |stage| sign(stage, "deny.toml", "p256", &["--force"]),
        |stage| sign(stage, "deny.toml", "p384", &["--force"]),
    ];
    for change in changes {
        let stage = signed();
        denied(&stage, &[&SOON[..], &["--deny-issuer", "https://evil.example"]].concat());
        allows(verify(&stage, &with_list(""), &[]));
        change(&stage);
        denies(verify(&stage, &with_list("mode = \"audit\""), &[]), "deny-list-unusable");
    }
}

#[test]
fn a_list_that_is_expired_or_older_than_the_lock_denies_everything() {
    let stage = signed();
    denied(&stage, &[&SOON[..], &["--deny-issuer", "https://evil.example"]].concat());
    let first = (read(&stage, "deny.toml"), read(&stage, "deny.toml.sig"));
    denied(&stage, &["--deny-issuer", "https://worse.example"]);
    locked(&stage, &with_list(""));
    assert!(read(&stage, "modelseal.lock").contains("deny-list-serial = 2"));
    allows(verify(&stage, &with_list(""), &WITH_LOCK));
    stage.write("deny.toml", first.0);
    stage.write("deny.toml.sig", first.1);
    denies(verify(&stage, &with_list(""), &WITH_LOCK), "deny-list-rolled-back");
    sign_list(&stage, "version = 1\nserial = 9\nexpires = 2020-01-01\n");
    denies(verify(&stage, &with_list(""), &[]), "deny-list-expired");
}

#[test]
fn each_entry_raises_the_serial() {
    let stage = Stage::new();
    assert_eq!(denied(&stage, &[&SOON[..], &["--deny-claim", "source-owner-id=9999"]].concat())["serial"], 1);
    assert_eq!(denied(&stage, &["--deny-identity", "mallory@evil.example"])["serial"], 2);
    let list = read(&stage, "deny.toml");
    assert!(list.contains("claims = { source-owner-id = \"9999\" }"), "{list}");
    assert!(list.contains("identity = \"mallory@evil.example\""), "{list}");
}

#[test]
fn a_signature_of_a_list_is_none_of_a_model_and_the_other_way_round() {
    let stage = signed();
    denied(&stage, &[&SOON[..], &EVIL].concat());
    let key = public("p384");
    let arguments =
        ["verify", "deny.toml", "--signature", "deny.toml.sig", "--key", &key, "--format", "json"];
    fails(Answer::of(&mut stage.command(arguments)), 1, "malformed-statement");
    // The registry countersigns a model of one file that somebody submitted.
    let newer = read(&stage, "deny.toml").replace("serial = 1", "serial = 99").replace("evil", "other");
    stage.write("deny.toml", newer);
    sign(&stage, "deny.toml", "p384", &["--force"]);
    let verdict = denies(verify(&stage, &with_list(""), &[]), "deny-list-unusable");
    let message = verdict["reasons"][0]["message"].as_str().unwrap();
    assert!(message.contains("is the signature of a model, and not of a deny-list"), "{message}");
    // Nor does the command take it for one.
    let error = fails(deny(&stage, &WORSE), 2, "deny-list");
    assert!(error["message"].as_str().unwrap().contains("is the signature of a model"), "{error}");
}

#[test]
fn a_list_that_this_signer_did_not_sign_is_left_as_it_is() {
    type Change = fn(&Stage);
    let changes: [(Change, &str); 5] = [
        (|stage| fs::remove_file(stage.at("deny.toml.sig")).unwrap(), "has no signature beside it"),
        (|stage| stage.write("deny.toml", read(stage, "deny.toml") + "\n"), "is not what was signed"),
        (|stage| stage.write("deny.toml.sig", "{}"), "deny.toml.sig: "),
        (|stage| sign(stage, "deny.toml", "p384", &["--force"]), "is the signature of a model"),
        (
            |stage| {
                let arguments = ["deny", "renew", "deny.toml", "--expires", "9d", "--resign"];
                let key = private("p521");
                let arguments = [&arguments[..], &["--key", &key]].concat();
                Answer::of(&mut stage.command(arguments)).expect(0);
            },
            "is not by the signer that is to sign the list now",
        ),
    ];
    for (index, (change, problem)) in changes.into_iter().enumerate() {
        let stage = Stage::new();
        denied(&stage, &[&SOON[..], &EVIL].concat());
        change(&stage);
        let before = both(&stage);
        for answer in [deny(&stage, &WORSE), renew(&stage, &SOON)] {
            let error = fails(answer, 2, "deny-list");
            assert!(error["message"].as_str().unwrap().contains(problem), "{index}: {error}");
            assert!(error["help"].as_str().unwrap().contains("--resign"), "{index}: {error}");
        }
        assert_eq!(both(&stage), before, "{index}");
        let list = report(&deny(&stage, &[&WORSE[..], &["--resign"]].concat()).expect(0));
        assert_eq!(list["entries"], 2, "{index}");
        report(&renew(&stage, &SOON).expect(0));
    }
}

#[test]
fn a_signature_without_its_list_is_not_replaced() {
    let stage = Stage::new();
    denied(&stage, &[&SOON[..], &EVIL].concat());
    fs::remove_file(stage.at("deny.toml")).unwrap();
    let before = both(&stage);
    fails(deny(&stage, &[&SOON[..], &EVIL].concat()), 2, "deny-list");
    assert_eq!(both(&stage), before);
    denied(&stage, &[&SOON[..], &EVIL, &["--resign"]].concat());
}

#[test]
fn a_list_is_renewed_without_a_new_entry() {
    let stage = signed();
    denied(&stage, &[&SOON[..], &EVIL].concat());
    let found = report(&renew(&stage, &["--expires", "2098-01-01"]).expect(0));
    assert_eq!((&found["serial"], &found["entries"]), (&json!(2), &json!(1)), "{found:#}");
    assert_eq!(found["expires"], "2098-01-01T00:00:00Z");
    allows(verify(&stage, &with_list(""), &[]));
    let before = both(&stage);
    fails(renew(&stage, &["--expires", "2020-01-01"]), 2, "deny-list");
    fails(deny(&stage, &EVIL), 2, "exists");
    assert_eq!(both(&stage), before);
    // Another time is another entry, and another reason is none.
    assert_eq!(denied(&stage, &[&EVIL[..], &["--since", "2026-01-01"]].concat())["entries"], 2);
}

#[test]
fn a_list_does_not_deny_its_own_signer() {
    let stage = signed();
    let key = report(&deny(&stage, &[&SOON[..], &EVIL].concat()).expect(0));
    let key = key["signature"]["signer"]["fingerprint"].as_str().unwrap();
    let before = both(&stage);
    let error = fails(deny(&stage, &["--deny-key", key]), 2, "deny-list");
    assert!(error["message"].as_str().unwrap().contains("known to be bad"), "{error}");
    assert_eq!(both(&stage), before);
    let own = format!("[[deny]]\nkey = \"{key}\"\nreason = \"stolen\"\n");
    denies(verify(&stage, &(with_list("") + &own), &[]), "deny-list-unusable");
    sign_list(&stage, &(read(&stage, "deny.toml") + &own));
    denies(verify(&stage, &with_list(""), &[]), "deny-list-unusable");
}

#[test]
fn after_the_last_serial_nothing_is_written() {
    let stage = signed();
    sign_list(&stage, &format!("version = 1\nserial = {}\nexpires = 2098-01-01\n", i64::MAX));
    allows(verify(&stage, &with_list(""), &[]));
    let before = both(&stage);
    for answer in [deny(&stage, &EVIL), renew(&stage, &SOON)] {
        let error = fails(answer, 2, "deny-list");
        assert!(error["message"].as_str().unwrap().contains("last serial"), "{error}");
    }
    assert_eq!(both(&stage), before);
}

/// Runs the command, and `meanwhile` after it read the list and before it
/// writes: the key comes through a pipe, which is opened in between.
fn with_another_writer(stage: &Stage, meanwhile: impl FnOnce()) -> Answer {
    let pipe = stage.at("key.pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let arguments = ["deny", "add", "deny.toml", "--reason", "x", "--format", "json", "--key", "key.pipe"];
    let mut command = stage.command([&arguments[..], &WORSE, &SOON].concat());
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    meanwhile();
    std::io::Write::write_all(&mut &writer, &fs::read(private("p384")).unwrap()).unwrap();
    drop(writer);
    Answer::from(child.wait_with_output().unwrap())
}

#[test]
fn of_two_writers_at_one_time_the_second_writes_nothing() {
    let stage = Stage::new();
    denied(&stage, &[&SOON[..], &EVIL].concat());
    with_another_writer(&stage, || ()).expect(0);
    assert_eq!(read(&stage, "deny.toml").matches("[[deny]]").count(), 2);
    for begin in [false, true] {
        let stage = Stage::new();
        if !begin {
            denied(&stage, &[&SOON[..], &EVIL].concat());
        }
        let mut first = [None, None];
        let answer = with_another_writer(&stage, || {
            denied(&stage, &[&SOON[..], &["--deny-issuer", "https://first.example"]].concat());
            first = both(&stage);
        });
        fails(answer, 3, "changed-while-read");
        assert_eq!(both(&stage), first);
    }
    let stage = Stage::new();
    denied(&stage, &[&SOON[..], &EVIL].concat());
    let answer = with_another_writer(&stage, || stage.write("deny.toml.sig", "{}"));
    fails(answer, 3, "changed-while-read");
}

#[test]
fn a_value_that_is_no_digest_says_where_one_is_found() {
    let stage = Stage::new();
    for (option, words) in [
        ("--deny-file", "sha256sum"),
        ("--deny-key", "modelseal inspect"),
        ("--deny-certificate", "modelseal inspect"),
        ("--deny-model", "modelseal digest"),
    ] {
        let error = fails(deny(&stage, &[&SOON[..], &[option, "model/a"]].concat()), 2, "usage");
        assert!(error["help"].as_str().unwrap().contains(words), "{error}");
    }
}

#[test]
fn a_list_that_would_mean_nothing_is_not_written() {
    let stage = Stage::new();
    let digest = format!("model-v1:{}", "0".repeat(64));
    let long = format!("https://long.example/{}", "x".repeat(4096));
    for (more, exit) in [
        (vec!["--deny-model", &digest], 2),
        (vec!["--deny-model", &digest, "--expires", "2020-01-01"], 2),
        (vec!["--deny-model", &digest, "--expires", "soon"], 2),
        (vec!["--deny-model", "x", "--expires", "30d"], 2),
        (vec!["--deny-model", &digest, "--deny-file", A, "--expires", "30d"], 2),
        (vec!["--deny-model", &digest, "--since", "2026-01-01", "--expires", "30d"], 2),
        (vec!["--deny-claim", "owner=1", "--expires", "30d"], 2),
        (vec!["--deny-claim", "run-invocation=1", "--deny-claim", "run-invocation=2", "--expires", "30d"], 2),
        (vec!["--deny-identity", &long, "--expires", "30d"], 2),
        (vec!["--deny-identity", "*@*", "--expires", "30d"], 2),
        (vec!["--expires", "30d"], 2),
    ] {
        deny(&stage, &more).expect(exit);
        assert!(!stage.at("deny.toml").exists() && !stage.at("deny.toml.sig").exists(), "{more:?}");
    }
}

#[test]
fn the_passphrase_of_the_key_that_signs_a_list_is_told_to_nobody() {
    let stage = Stage::new();
    let key = private("p256.encrypted");
    for format in ["human", "json"] {
        let issuer = format!("https://{format}.example");
        let add = ["deny", "add", "deny.toml", "--deny-issuer", &issuer, "--reason", "x"];
        let arguments = [&add[..], &["--key", &key, "--format", format], &SOON].concat();
        let mut command = stage.command(arguments);
        Answer::of(command.env("MODELSEAL_PASSPHRASE", "secret")).expect(0).hides("secret");
    }
    assert!(!read(&stage, "deny.toml.sig").contains("secret"));
}

#[test]
fn a_reason_is_told_as_it_was_given() {
    let stage = signed();
    let key = private("p384");
    let digest = allows(verify(&stage, &policy(""), &[]))["model"]["digest"].as_str().unwrap().to_owned();
    let reason = r#"see C:\notes, "urgent""#;
    let arguments = [
        "deny",
        "add",
        "deny.toml",
        "--reason",
        reason,
        "--expires",
        "30d",
        "--deny-model",
        &digest,
        "--key",
        &key,
    ];
    Answer::of(&mut stage.command(arguments)).expect(0);
    let verdict = denies(verify(&stage, &with_list(""), &[]), "denied-model");
    let message = verdict["reasons"][0]["message"].as_str().unwrap();
    assert!(message.ends_with(r#"is denied: see C:\\notes, "urgent""#), "{message}");
}
