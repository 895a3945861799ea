//! Text from outside never acts on a terminal (item 87); colours and progress
//! appear on a terminal only.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use crate::{Answer, Scene, key, statement, verify_arguments, with};

/// Clears the screen, reverses what follows, ends the line.
const HOSTILE: &str = "x\x1b[2J\x1b]0;t\x07\u{202e}\u{9b}31m\r\ny\u{2066}\u{200b}";

/// The same for a path to ignore, which may hold no wildcards.
const HOSTILE_IGNORED: &str = "i\x1bM\u{202e}\u{9b}31m\r\ny\u{2066}\u{200b}";

/// Neither escape sequences nor anything that moves or hides what follows.
#[track_caller]
fn expect_harmless(text: &str) {
    let acts =
        |c: &char| (c.is_control() && *c != '\n') || "\u{200b}\u{202e}\u{2066}\u{9b}\u{feff}".contains(*c);
    assert!(!text.chars().any(|c| acts(&c)), "{text:?}");
}

#[track_caller]
fn harmless(answer: &Answer) {
    expect_harmless(&answer.stdout);
    expect_harmless(&answer.stderr);
}

const FORMATS: [&str; 2] = ["human", "json"];

fn hostile_model() -> Scene {
    let scene = Scene::new();
    scene.write(format!("model/{HOSTILE}"), "x");
    scene.write(format!("model/{}", HOSTILE.to_uppercase()), "x");
    scene.write(format!("model/{HOSTILE_IGNORED}/x"), "x");
    scene
}

#[test]
fn item_87_names_are_escaped_when_signing() {
    let scene = hostile_model();
    for format in FORMATS {
        for more in [&["--dry-run"][..], &["--force"]] {
            let options = [more, &["--format", format, "--ignore", HOSTILE_IGNORED]].concat();
            let answer = scene.sign(&options).expect(0);
            harmless(&answer);
            assert!(answer.stdout.contains("u{202e}") || answer.stdout.contains("\\u202e"), "{answer:?}");
        }
    }
}

#[test]
fn item_87_names_are_escaped_when_verifying() {
    let scene = hostile_model();
    scene.sign(&["--ignore", HOSTILE_IGNORED]).expect(0);
    for format in FORMATS {
        let answer = scene.verify(&["--format", format]).expect(0);
        harmless(&answer);
        harmless(&scene.verify(&["--format", format, "--strict"]).expect(1));
        harmless(&scene.verify(&["--format", format, "--ignore", HOSTILE]).expect(2));
    }
}

#[test]
fn item_87_names_are_escaped_in_a_refusal() {
    let scene = hostile_model();
    scene.sign(&[]).expect(0);
    fs::remove_file(scene.at(format!("model/{HOSTILE}"))).unwrap();
    scene.write(format!("model/{}", HOSTILE.to_uppercase()), "changed");
    scene.write(format!("model/extra{HOSTILE}"), "x");
    for format in FORMATS {
        harmless(&scene.verify(&["--format", format]).expect(1));
        harmless(&scene.verify(&["--format", format, "--ignore-unsigned-files"]).expect(1));
    }
}

#[test]
fn item_87_targets_of_links_are_escaped() {
    let scene = hostile_model();
    symlink(HOSTILE, scene.at("model/link")).unwrap();
    for format in FORMATS {
        harmless(&scene.sign(&["--format", format]).expect(2));
        harmless(&scene.sign(&["--format", format, "--allow-symlinks", "--dry-run"]).expect(0));
        harmless(&scene.sign(&["--format", format, "--allow-symlinks", "--force"]).expect(0));
        harmless(&scene.verify(&["--format", format]).expect(0));
    }
}

#[test]
fn item_87_what_a_bundle_claims_is_escaped() {
    let scene = hostile_model();
    scene.sign_payload(&statement(HOSTILE, &[("a", b"1"), ("b", b"2"), (HOSTILE, b"x")], &[HOSTILE_IGNORED]));
    for format in FORMATS {
        harmless(&scene.run(["inspect", "model", "--format", format]).expect(0));
        harmless(&scene.verify(&["--format", format, "--ignore-unsigned-files"]).expect(0));
    }
}

#[test]
fn item_87_what_a_malformed_bundle_says_is_escaped() {
    let scene = Scene::signed();
    let bundle: serde_json::Value =
        serde_json::from_slice(&fs::read(scene.at("model/model.sig")).unwrap()).unwrap();
    for (pointer, value) in [
        ("/mediaType", HOSTILE),
        ("/dsseEnvelope/payloadType", HOSTILE),
        ("/dsseEnvelope/payload", HOSTILE),
        ("/verificationMaterial/publicKey/hint", HOSTILE),
        ("/dsseEnvelope", HOSTILE),
    ] {
        let mut bundle = bundle.clone();
        *bundle.pointer_mut(pointer).unwrap() = value.into();
        scene.write("model/model.sig", bundle.to_string());
        for format in FORMATS {
            harmless(&scene.verify(&["--format", format]));
            harmless(&scene.run(["inspect", "model", "--format", format]));
        }
    }
    scene.write("model/model.sig", format!("{{\"{HOSTILE}\":1}}").replace(['\r', '\n'], ""));
    harmless(&scene.verify(&[]).expect(1));
}

#[test]
fn item_87_what_a_malformed_statement_says_is_escaped() {
    let scene = Scene::new();
    let payload: serde_json::Value = serde_json::from_slice(&statement("m", &[("a", b"1")], &[])).unwrap();
    for pointer in [
        "/_type",
        "/predicateType",
        "/predicate/serialization/method",
        "/predicate/serialization/hash_type",
        "/predicate/resources/0/algorithm",
        "/predicate/resources/0/digest",
        "/predicate/resources",
    ] {
        let mut payload = payload.clone();
        *payload.pointer_mut(pointer).unwrap() = HOSTILE.into();
        scene.sign_payload(payload.to_string().as_bytes());
        for format in FORMATS {
            harmless(&scene.verify(&["--format", format]).expect(1));
            harmless(&scene.run(["inspect", "model", "--format", format]).expect(0));
        }
    }
}

#[test]
fn item_87_paths_on_the_command_line_are_escaped() {
    let scene = Scene::signed();
    let (key, public) = (key("p256.pem"), key("p256.pub"));
    let (key, public) = (key.to_str().unwrap(), public.to_str().unwrap());
    for format in FORMATS {
        for arguments in [
            &["verify", HOSTILE, "--key", public][..],
            &["verify", "model", "--key", HOSTILE],
            &["verify", "model", "--key", public, "--signature", HOSTILE],
            &["verify", "model", "--key", public, "--ignore", HOSTILE],
            &["verify", "model", "--key", public, "--ignore", &format!("/{HOSTILE}")],
            &["verify", "model", "--key", public, "--into", HOSTILE],
            &["sign", HOSTILE, "--key", key],
            &["sign", "model", "--key", HOSTILE],
            &["sign", "model", "--key", key, "-o", &format!("o{HOSTILE}")],
            &["sign", "model", "--key", key, "-o", &format!("{HOSTILE}/x")],
            &["sign", "model", "--key", key, "--force", "--ignore", HOSTILE],
            &["sign", "model", "--key", key, "--ignore", &format!("{HOSTILE}*")],
            &["digest", HOSTILE],
            &["inspect", HOSTILE],
            &["keygen", "--out", &format!("k{HOSTILE}")],
            &["keygen", "--out", &format!("k{HOSTILE}"), "--force"],
        ] {
            harmless(&scene.run(arguments.iter().chain(&["--format", format])));
        }
    }
}

#[test]
fn item_87_wrong_usage_is_escaped() {
    let scene = Scene::signed();
    for arguments in [
        &[HOSTILE][..],
        &["verify", "model", &format!("--{HOSTILE}")],
        &["verify", "model", "--key", "k", HOSTILE],
        &["digest", "model", "--hash", HOSTILE],
        &["digest", "model", "--jobs", HOSTILE],
        &["digest", "model", "--shard-size", HOSTILE],
        &["digest", "model", "--format", HOSTILE],
        &["help", HOSTILE],
    ] {
        harmless(&scene.run(arguments).expect(2));
    }
}

#[test]
fn item_87_the_reference_command_line_is_escaped_too() {
    let scene = Scene::signed();
    let (key, public) = (key("p256.pem"), key("p256.pub"));
    let (key, public) = (key.to_str().unwrap(), public.to_str().unwrap());
    for arguments in [
        &[HOSTILE][..],
        &["digest", HOSTILE],
        &["digest", "model", &format!("--{HOSTILE}")],
        &["digest", "model", HOSTILE],
        &["verify", HOSTILE, "model"],
        &["verify", "key", HOSTILE, "--public_key", public, "--signature", "s"],
        &["verify", "key", "model", "--public_key", HOSTILE, "--signature", "s"],
        &["verify", "key", "model", "--public_key", public, "--signature", HOSTILE],
        &["sign", "key", HOSTILE, "--private_key", key, "--signature", "s"],
        &["sign", "key", "model", "--private_key", HOSTILE, "--signature", "s"],
    ] {
        let answer = scene.run(["model-signing"].iter().chain(arguments));
        assert_ne!(answer.code, Some(0));
        harmless(&answer);
    }
}

#[test]
fn item_87_the_demo_escapes_the_path_of_the_model() {
    let scene = Scene::new();
    fs::rename(scene.model(), scene.at(HOSTILE)).unwrap();
    let answer = scene.command(["demo", HOSTILE]).env("TMPDIR", scene.path()).output().unwrap();
    harmless(&Answer::from(answer).expect(0));
}

#[test]
fn item_73_and_87_names_that_are_not_utf8_are_escaped() {
    use std::os::unix::ffi::OsStringExt;
    let scene = Scene::new();
    let name = OsString::from_vec(b"\xff\x1b[2J".to_vec());
    fs::write(scene.model().join(name), "x").unwrap();
    for format in FORMATS {
        let answer = scene.sign(&["--format", format]).expect(2);
        harmless(&answer);
        assert!(format!("{}{}", answer.stdout, answer.stderr).contains("xff"), "{answer:?}");
    }
}

#[test]
fn without_a_terminal_there_are_no_colours() {
    let scene = Scene::signed();
    harmless(&scene.verify(&[]).expect(0));
    harmless(&scene.run(["--help"]).expect(0));
    scene.write("model/a", "changed");
    harmless(&scene.verify(&[]).expect(1));
}

/// Runs the command on a terminal of its own and gives all that it shows, or
/// nothing where `script` is missing.
fn on_a_terminal(scene: &Scene, prefix: &str, arguments: &[OsString]) -> Option<String> {
    let quoted = |word: &OsString| format!("'{}'", word.to_str().unwrap());
    let words: Vec<_> = arguments.iter().map(quoted).collect();
    let line = format!("{prefix} '{}' {}", env!("CARGO_BIN_EXE_modelseal"), words.join(" "));
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).current_dir(scene.path()).env("TERM", "xterm");
    script.env_remove("NO_COLOR").env_remove("CLICOLOR").env_remove("CI");
    let output = script.stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn on_a_terminal_verdicts_have_colours() {
    let scene = Scene::signed();
    let Some(shown) = on_a_terminal(&scene, "", &verify_arguments(&[])) else { return };
    assert!(shown.contains("\x1b[1m\x1b[32mVerified"), "{shown:?}");
    scene.write("model/a", "changed");
    let shown = on_a_terminal(&scene, "", &verify_arguments(&[])).unwrap();
    assert!(shown.contains("\x1b[1m\x1b[31m"), "{shown:?}");
}

#[test]
fn no_color_is_obeyed_on_a_terminal() {
    let scene = Scene::signed();
    let Some(shown) = on_a_terminal(&scene, "NO_COLOR=1", &verify_arguments(&[])) else { return };
    assert!(shown.contains("Verified"), "{shown:?}");
    expect_harmless(&shown.replace('\r', ""));
}

#[test]
fn item_87_on_a_terminal_names_are_escaped_too() {
    let scene = hostile_model();
    scene.sign(&[]).expect(0);
    scene.write(format!("model/extra{HOSTILE}"), "x");
    let Some(shown) = on_a_terminal(&scene, "NO_COLOR=1", &verify_arguments(&[])) else { return };
    assert!(shown.contains("NOT VERIFIED"), "{shown:?}");
    expect_harmless(&shown.replace('\r', ""));
}

fn for_two_seconds(scene: &Scene, more: &[&str]) -> Option<String> {
    let arguments = with(["sign", "model", "--key"], key("p256.pem"), more);
    on_a_terminal(scene, "timeout --foreground -s INT 2", &arguments)
}

#[test]
fn on_a_terminal_long_work_shows_its_progress() {
    let scene = Scene::empty();
    scene.write_sparse("model/weights", 1 << 40);
    let Some(shown) = for_two_seconds(&scene, &[]) else { return };
    assert!(shown.contains("Hashing"), "{shown:?}");
    assert_eq!(scene.names("model"), ["weights"]);
}

#[test]
fn quiet_work_shows_no_progress() {
    let scene = Scene::empty();
    scene.write_sparse("model/weights", 1 << 40);
    let Some(shown) = for_two_seconds(&scene, &["--quiet"]) else { return };
    assert!(!shown.contains("Hashing"), "{shown:?}");
}

#[test]
fn short_work_shows_no_progress() {
    let scene = Scene::signed();
    let Some(shown) = on_a_terminal(&scene, "", &verify_arguments(&[])) else { return };
    assert!(!shown.contains("Hashing"), "{shown:?}");
}
