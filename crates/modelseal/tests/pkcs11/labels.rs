//! Labels of tokens and keys come from outside, and never act on a terminal
//! (item 87).

use std::process::Command;

use crate::softhsm::{Token, module};
use crate::stage::{Answer, Stage};
use crate::{Scene, key};

/// Clears the screen, reverses what follows, ends the line. SoftHSM2 pads
/// labels of tokens to 32 bytes.
const HOSTILE: &str = "x\x1b[2J\u{202e}\r\ny;&=%";
const ENCODED: &str = "x%1B%5B2J%E2%80%AE%0D%0Ay%3B%26%3D%25";

fn hostile() -> Scene {
    let scene = Scene { stage: Stage::new(), token: Token::new(HOSTILE) };
    scene.token.import(&key("p256.pem"), HOSTILE, "01");
    scene
}

#[track_caller]
fn harmless(command: &mut Command, code: i32) -> String {
    let answer = Answer::of(command).expect(code);
    let text = format!("{}{}", answer.stdout, answer.stderr);
    assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
    text
}

#[test]
fn item_87_labels_are_escaped_in_the_list() {
    let (scene, module) = (hostile(), module());
    for format in ["human", "json"] {
        let list = ["pkcs11", "list", module.to_str().unwrap(), "--format", format];
        let text = harmless(&mut scene.command(&list), 0);
        assert!(text.contains(ENCODED), "{text}");
    }
}

#[test]
fn item_87_labels_are_escaped_in_errors() {
    let scene = hostile();
    let uri = |pin: &str| {
        let module = module();
        format!("pkcs11:token={ENCODED};object={ENCODED}?module-path={}{pin}", module.display())
    };
    for format in ["human", "json"] {
        let more = ["--format", format];
        harmless(&mut scene.sign_command(&uri(""), &more), 2);
        harmless(&mut scene.sign_command(&uri("&pin-value=99999"), &more), 2);
        let absent = uri("&pin-value=1234").replace(";object=x", ";object=z");
        let text = harmless(&mut scene.sign_command(&absent, &more), 2);
        assert!(text.contains("no private key"), "{text}");
    }
}

#[test]
fn a_label_of_special_characters_can_be_named() {
    let scene = hostile();
    let uri =
        format!("pkcs11:token={ENCODED};object={ENCODED}?module-path={}&pin-value=1234", module().display());
    scene.signs(&uri, &[]);
    scene.verifies_by("p256");
}
