//! Where a PIN comes from, and where it never goes (item 88).

use std::fs;

use crate::Scene;
use crate::bent::Bent;
use crate::softhsm::{PIN, module};
use crate::stage::{Answer, talk};

/// A wrong PIN that is easily found in what the command says.
const SECRET: &str = "hush7355608";

#[test]
fn item_88_a_wrong_pin_is_tried_once_and_never_again() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    let uri = scene.token.uri_without_pin("key");
    let words = ["the PIN is wrong for the token \"release\"; it was tried once", "nothing was tried again"];
    bent.does_not_sign(&format!("{uri}&pin-value={SECRET}"), 2, &words).hides(SECRET);
    assert_eq!(bent.logins(), 1);
}

#[test]
fn item_88_a_right_pin_is_given_once() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    Answer::of(&mut bent.sign_command(&scene.token.uri("key"))).expect(0);
    assert_eq!(bent.logins(), 1);
}

#[test]
fn without_a_pin_and_a_terminal_nothing_is_tried() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    let words = ["the token \"release\" wants a PIN", "no terminal", "pin-source=", "MODELSEAL_PIN"];
    bent.does_not_sign(&scene.token.uri_without_pin("key"), 2, &words);
    assert_eq!(bent.logins(), 0);
}

#[test]
fn the_pin_may_stand_in_the_uri() {
    let scene = Scene::new();
    let uri = scene.token.uri_without_pin("key");
    for pin in ["1234", "%31%32%33%34"] {
        scene.signs(&format!("{uri}&pin-value={pin}"), &["--force"]);
    }
}

#[test]
fn the_pin_may_stand_in_a_file() {
    let scene = Scene::new();
    let uri = scene.token.uri_without_pin("key");
    let path = scene.path("a pin").replace(' ', "%20");
    for content in ["1234", "1234\n", "1234\r\n", "1234\nnot the PIN\n"] {
        scene.stage.write("a pin", content);
        for source in [path.clone(), format!("file:{path}"), format!("file://{path}")] {
            scene.signs(&format!("{uri}&pin-source={source}"), &["--force"]);
        }
    }
}

#[test]
fn the_pin_may_stand_in_the_environment() {
    let scene = Scene::new();
    let mut command = scene.sign_command(&scene.token.uri_without_pin("key"), &[]);
    Answer::of(command.env("MODELSEAL_PIN", PIN)).expect(0);
}

#[test]
fn the_uri_goes_before_the_environment() {
    let scene = Scene::new();
    scene.stage.write("pin", PIN);
    let source = format!("{}&pin-source={}", scene.token.uri_without_pin("key"), scene.path("pin"));
    for uri in [scene.token.uri("key"), source] {
        let mut command = scene.sign_command(&uri, &["--force"]);
        Answer::of(command.env("MODELSEAL_PIN", SECRET)).expect(0);
    }
}

#[test]
fn a_file_without_a_pin_is_refused_before_anything_is_tried() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    let uri = format!("{}&pin-source={}", scene.token.uri_without_pin("key"), scene.path("pin"));
    bent.does_not_sign(&uri, 2, &["pin", "no such file"]);
    for content in [&b""[..], b"\n", b"\n1234\n", b"\r\n"] {
        scene.stage.write("pin", content);
        bent.does_not_sign(&uri, 2, &["has no PIN in its first line"]);
    }
    scene.stage.write("pin", b"\xff\xfe\n");
    bent.does_not_sign(&uri, 2, &["is not UTF-8"]);
    assert_eq!(bent.logins(), 0);
}

#[test]
fn a_wrong_pin_in_a_file_is_not_shown() {
    let scene = Scene::new();
    scene.stage.write("pin", SECRET);
    let uri = format!("{}&pin-source={}", scene.token.uri_without_pin("key"), scene.path("pin"));
    scene.does_not_sign(&uri, 2, &["the PIN is wrong"]).hides(SECRET);
}

#[test]
fn a_model_that_holds_its_pin_is_refused() {
    let scene = Scene::new();
    scene.stage.write("model/pin", PIN);
    let uri = format!("{}&pin-source={}", scene.token.uri_without_pin("key"), scene.path("model/pin"));
    scene.does_not_sign(&uri, 2, &["pin", "move it out of the model"]).hides(PIN);
}

#[test]
fn a_command_that_would_print_the_pin_is_not_run() {
    let scene = Scene::new();
    let trace = scene.path("trace");
    for bar in ["|", "%7C"] {
        let uri = format!(
            "{}&pin-source={bar}touch%20{trace}%20%26%26%20echo%201234",
            scene.token.uri_without_pin("key")
        );
        scene.does_not_sign(&uri, 2, &["pin-source is a command, which is not run; name a file"]);
    }
    assert!(!scene.stage.at("trace").exists());
}

#[test]
fn a_pin_source_has_to_be_an_absolute_path() {
    let scene = Scene::new();
    scene.stage.write("pin", PIN);
    for source in ["pin", "./pin", "file:pin", "file://pin", "https://example.org/pin", ""] {
        let uri = format!("{}&pin-source={source}", scene.token.uri_without_pin("key"));
        scene.does_not_sign(&uri, 2, &["\"pin-source\" is not an absolute path"]);
    }
}

#[test]
fn two_pins_are_refused() {
    let scene = Scene::new();
    let uri = format!("{}&pin-source=/pin", scene.token.uri("key"));
    scene.does_not_sign(&uri, 2, &["two PINs"]).hides(PIN);
}

#[test]
fn item_88_the_pin_is_in_no_report() {
    let scene = Scene::new();
    // Longer than the PIN, so that no digest or serial number holds it by chance.
    let (uri, secret) = (scene.token.uri("key"), "pin-value");
    for arguments in [
        &["sign", "model", "--pkcs11", &uri, "--force"][..],
        &["pkcs11", "list", &uri],
        &["pkcs11", "list", &uri, "--login"],
        &["pkcs11", "public-key", &uri],
    ] {
        for format in ["human", "json"] {
            scene.run(&[arguments, &["--format", format]].concat()).expect(0).hides(secret);
        }
    }
}

#[test]
fn item_88_the_pin_is_in_no_error() {
    let scene = Scene::new();
    let module = module().display().to_string();
    for uri in [
        format!("pkcs11:object=absent?module-path={module}&pin-value={SECRET}"),
        format!("pkcs11:token=absent?module-path={module}&pin-value={SECRET}"),
        format!("pkcs11:object=key?module-path=/absent.so&pin-value={SECRET}"),
        format!("pkcs11:object=key?pin-value={SECRET}"),
        format!("pkcs11:object=key?module-path=absent.so&pin-value={SECRET}"),
        format!("pkcs11:object=key?module-name=absent&pin-value={SECRET}"),
    ] {
        expect_no_secret(&scene, &uri);
    }
}

#[test]
fn item_88_the_pin_is_in_no_error_of_a_malformed_uri() {
    let scene = Scene::new();
    let module = module().display().to_string();
    for uri in [
        SECRET.to_owned(),
        format!("pkcs11:{SECRET}"),
        format!("pkcs11:object=key;pin-value={SECRET}?module-path={module}"),
        format!("pkcs11:object=key?module-path={module};pin-value={SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-value{SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-value=a&{SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}%"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}%zz"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}%FF"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET} x"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}\u{e9}"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}&pin-value={SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}&pin-source=/{SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}&unknown=1"),
        format!("pkcs11:object=key?module-path={module}&pin={SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-source=|echo%20{SECRET}"),
        format!("pkcs11:slot-id={SECRET}?module-path={module}"),
        format!("PKCS11:object=key?module-path={module}&pin-value={SECRET}"),
        format!("pkcs11:object=key?module-path={module}&pin-value={SECRET}{}", "x".repeat(5000)),
    ] {
        expect_no_secret(&scene, &uri);
    }
}

#[test]
fn item_88_the_pin_is_in_no_error_when_a_separator_is_mistaken() {
    let scene = Scene::new();
    let module = module().display().to_string();
    for uri in [
        format!("pkcs11:object=key&pin-value={SECRET}?module-path={module}"),
        format!("pkcs11:object=key?module-path={module}?pin-value={SECRET}"),
        format!("pkcs11:object=key?module-name=vendor?pin-value={SECRET}"),
        format!("pkcs11:object=key?pin-source={module}?pin-value={SECRET}"),
    ] {
        expect_no_secret(&scene, &uri);
    }
}

#[test]
fn item_88_a_pin_with_an_ampersand_that_is_not_escaped_is_not_shown() {
    let scene = Scene::new();
    for pin in [format!("a&{SECRET}"), format!("a&{SECRET}=b"), format!("a&b={SECRET}")] {
        let uri = scene.token.uri_without_pin("key");
        expect_no_secret(&scene, &format!("{uri}&pin-value={pin}"));
    }
}

#[track_caller]
fn expect_no_secret(scene: &Scene, uri: &str) {
    for format in ["human", "json"] {
        let mut sign = scene.sign_command(uri, &["--format", format]);
        Answer::of(sign.env("MODELSEAL_PIN", PIN)).expect(2).hides(SECRET);
        scene.run(&["pkcs11", "public-key", uri, "--format", format]).expect(2).hides(SECRET);
    }
}

#[test]
fn item_88_a_uri_in_the_place_of_another_argument_does_not_show_its_pin() {
    let scene = Scene::new();
    let uri = scene.token.uri_without_pin("key") + "&pin-value=" + SECRET;
    let public = crate::key("p256.pub");
    for arguments in [
        &["sign", "model", &uri][..],
        &["sign", "model", "--key", &uri],
        &["sign", &uri, "--pkcs11", &uri],
        &["sign", "model", "--pkcs11", &uri, "--pkcs11", &uri],
        &["sign", "model", "--pkcs11-uri", &uri],
        &["sign", "model", &format!("--pkcs-11={uri}")],
        &["sign", "model", "--pkcs11", &uri, "--key", &uri],
        &["pkcs11", "list", "--login", &uri, &uri],
        &["pkcs11", "public-key", "--key", &uri],
        &["pkcs11", &uri],
        &["verify", "model", "--key", &uri],
        &["verify", "model", "--key", public.to_str().unwrap(), &uri],
    ] {
        let answer = scene.run(arguments).expect(2);
        assert!(!answer.stderr.contains(SECRET), "{arguments:?}: {}", answer.stderr);
    }
}

#[test]
fn item_88_the_reference_command_line_does_not_show_a_misplaced_pin_either() {
    let scene = Scene::new();
    let uri = scene.token.uri_without_pin("key") + "&pin-value=" + SECRET;
    for arguments in [
        &["sign", "pkcs11-key", "model", "--pkcs11_uri", &uri, "--signature", "s"][..],
        &["sign", "pkcs11-key", &uri, "--pkcs11_uri", &uri, "--signature", "s"],
        &["sign", "pkcs11-key", "model", &uri],
        &["sign", "key", "model", "--private_key", &uri, "--signature", "s"],
        &[&uri],
    ] {
        let answer = scene.run(&[&["model-signing"], arguments].concat());
        let said = answer.stdout.clone() + &answer.stderr;
        assert!(!said.contains(SECRET), "{arguments:?}: {said}");
    }
}

#[test]
fn a_typed_pin_is_not_shown() {
    let scene = Scene::new();
    let uri = scene.token.uri_without_pin("key");
    let Some(mut script) = scene.stage.on_a_terminal(&["sign", "model", "--pkcs11", &uri]) else { return };
    scene.token.command(&mut script);
    let shown = talk(&mut script, &[("PIN of the token \"release\": ", "1234\n")]);
    assert!(shown.contains("exit code 0") && shown.contains("Signed"), "{shown}");
    assert!(shown.contains("\"release\": \n"), "nothing but the end of the line: {shown:?}");
    assert!(shown.contains(" echo "), "the terminal shows again what is typed: {shown}");
    scene.verifies_by("p256");
}

#[test]
fn a_model_and_its_release_take_one_pin() {
    let scene = Scene::new();
    let uri = scene.token.uri_without_pin("key");
    let release = ["--name", "hf://acme/toy", "--release", "1.2.0"];
    let sign = [&["sign", "model", "--pkcs11", &uri], &release[..]].concat();
    let Some(mut script) = scene.stage.on_a_terminal(&sign) else { return };
    scene.token.command(&mut script);
    let shown = talk(&mut script, &[("PIN of the token \"release\": ", "1234\n")]);
    assert!(shown.contains("exit code 0") && shown.contains("(1 line added)"), "{shown}");
    assert_eq!(shown.matches("PIN of the token").count(), 1, "{shown}");
    scene.verifies_by("p256");
}

#[test]
fn a_typed_pin_that_is_wrong_is_not_asked_for_again() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    let uri = bent.uri(&scene.token.uri_without_pin("key"));
    let Some(mut script) = scene.stage.on_a_terminal(&["sign", "model", "--pkcs11", &uri]) else { return };
    bent.prepare(&mut script);
    let shown = talk(&mut script, &[("PIN of the token \"release\": ", &format!("{SECRET}\n"))]);
    assert!(shown.contains("exit code 2") && shown.contains("the PIN is wrong"), "{shown}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert_eq!(shown.matches("PIN of the token").count(), 1, "{shown}");
    assert_eq!(bent.logins(), 1);
}

#[test]
fn an_empty_answer_is_not_tried_as_a_pin() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    let uri = bent.uri(&scene.token.uri_without_pin("key"));
    let Some(mut script) = scene.stage.on_a_terminal(&["sign", "model", "--pkcs11", &uri]) else { return };
    bent.prepare(&mut script);
    let shown = talk(&mut script, &[("PIN of the token \"release\": ", "\n")]);
    assert!(shown.contains("exit code 2") && shown.contains("no PIN was typed"), "{shown}");
    assert_eq!(bent.logins(), 0);
}

#[test]
fn an_interrupt_at_the_question_for_a_pin_tries_nothing() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "upright");
    let uri = bent.uri(&scene.token.uri_without_pin("key"));
    let Some(mut script) = scene.stage.on_a_terminal(&["sign", "model", "--pkcs11", &uri]) else { return };
    bent.prepare(&mut script);
    let shown = talk(&mut script, &[("PIN of the token \"release\": ", "\x03")]);
    assert!(shown.contains("exit code 130"), "{shown}");
    assert!(shown.contains(" echo "), "the terminal shows again what is typed: {shown}");
    assert_eq!(bent.logins(), 0);
    assert!(!fs::exists(scene.stage.at("model/model.sig")).unwrap());
}
