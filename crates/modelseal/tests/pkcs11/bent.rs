//! A module that does not do what a module should: `bent_module.c`, between
//! the command and SoftHSM2 (items 88 and 89).

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Scene;
use crate::softhsm::module;
use crate::stage::Answer;

const ALGORITHMS: [&str; 4] = ["p256", "p384", "p521", "ed25519"];

/// A scene whose module is bent.
pub(crate) struct Bent<'a> {
    scene: &'a Scene,
    how: &'static str,
    module: String,
    logins: String,
}

impl<'a> Bent<'a> {
    /// `how` is what the C file knows; anything else changes nothing.
    pub(crate) fn new(scene: &'a Scene, how: &'static str) -> Self {
        let module = scene.path("bent.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pkcs11/bent_module.c");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-o", &module]).arg(source).arg("-ldl");
        assert!(cc.status().expect("cc runs").success());
        let logins = scene.path("logins");
        fs::write(&logins, "").unwrap();
        Self { scene, how, module, logins }
    }

    /// The same URI through the bent module.
    pub(crate) fn uri(&self, uri: &str) -> String {
        uri.replace(module().to_str().unwrap(), &self.module)
    }

    pub(crate) fn prepare(&self, command: &mut Command) {
        self.scene.token.command(command);
        command.env("BENT_REAL", module()).env("BENT_HOW", self.how).env("BENT_LOGINS", &self.logins);
    }

    pub(crate) fn sign_command(&self, uri: &str) -> Command {
        let mut command = self.scene.sign_command(&self.uri(uri), &[]);
        self.prepare(&mut command);
        command
    }

    #[track_caller]
    pub(crate) fn does_not_sign(&self, uri: &str, code: i32, words: &[&str]) -> Answer {
        self.scene.stage.refuses(&mut self.sign_command(uri), code, words)
    }

    /// How often `C_Login` was called.
    pub(crate) fn logins(&self) -> usize {
        fs::read_to_string(&self.logins).unwrap().lines().count()
    }
}

/// Signing with each kind of key fails so.
#[track_caller]
fn no_key_signs(how: &'static str, words: &[&str]) {
    for name in ALGORITHMS {
        let scene = Scene::holding(name);
        Bent::new(&scene, how).does_not_sign(&scene.token.uri("key"), 3, words);
    }
}

#[test]
fn the_bent_module_signs_when_nothing_is_bent() {
    for name in ALGORITHMS {
        let scene = Scene::holding(name);
        Answer::of(&mut Bent::new(&scene, "upright").sign_command(&scene.token.uri("key"))).expect(0);
        scene.verifies_by(name);
    }
}

#[test]
fn item_89_a_signature_with_one_bit_flipped_is_not_written() {
    no_key_signs("flipped", &["does not verify under its own public key; nothing was written"]);
}

#[test]
fn item_89_a_truncated_signature_is_not_written() {
    no_key_signs("truncated", &["nothing was written"]);
}

#[test]
fn item_89_a_signature_that_is_too_long_is_not_written() {
    no_key_signs("too-long", &["nothing was written"]);
}

#[test]
fn item_89_an_empty_signature_is_not_written() {
    no_key_signs("empty", &["nothing was written"]);
}

#[test]
fn item_89_a_signature_of_zeros_is_not_written() {
    no_key_signs("zero", &["nothing was written"]);
}

#[test]
fn item_89_a_signature_out_of_range_is_not_written() {
    no_key_signs("ones", &["nothing was written"]);
}

#[test]
fn item_89_a_malformed_ecdsa_signature_is_told_by_its_length() {
    let scene = Scene::new();
    let words = ["the key gave 63 bytes that are no ECDSA P-256 signature"];
    Bent::new(&scene, "truncated").does_not_sign(&scene.token.uri("key"), 3, &words);
}

#[test]
fn item_88_a_token_that_is_removed_while_it_signs_leaves_nothing() {
    no_key_signs("removed", &["the token was removed"]);
}

#[test]
fn item_88_a_token_that_fails_to_sign_is_told_so() {
    no_key_signs("failing", &["the key could not sign", "GeneralError"]);
}

#[test]
fn item_88_a_module_that_gives_no_functions_is_refused() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "unlisted");
    bent.does_not_sign(&scene.token.uri("key"), 2, &["cannot be loaded as a PKCS#11 module"]);
}

#[test]
fn item_88_a_module_without_a_function_that_is_needed_leaves_nothing() {
    for how in ["without-sign", "without-sessions"] {
        let scene = Scene::new();
        Bent::new(&scene, how).does_not_sign(&scene.token.uri("key"), 3, &["function"]);
    }
}

#[test]
fn item_88_the_last_attempt_at_a_pin_is_left_alone() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "final-try");
    let words = ["the token \"release\" has a single attempt at its PIN left", "which is not risked here"];
    bent.does_not_sign(&scene.token.uri("key"), 2, &words);
    assert_eq!(bent.logins(), 0);
}

#[test]
fn item_88_a_locked_pin_is_not_tried() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "locked");
    let words = ["the token \"release\" has locked its PIN", "the token's own tool"];
    bent.does_not_sign(&scene.token.uri("key"), 2, &words);
    assert_eq!(bent.logins(), 0);
}

#[test]
fn item_88_a_pin_that_locks_at_the_login_is_tried_once() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "locked-at-login");
    bent.does_not_sign(&scene.token.uri("key"), 2, &["the token \"release\" has locked its PIN"]);
    assert_eq!(bent.logins(), 1);
}

#[test]
fn item_88_few_attempts_that_are_left_are_told_of() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "count-low");
    let uri = format!("{}&pin-value=99999", scene.token.uri_without_pin("key"));
    bent.does_not_sign(&uri, 2, &["it was tried once, and few attempts are left"]);
    assert_eq!(bent.logins(), 1);
}

#[test]
fn a_token_with_a_pin_pad_asks_for_its_pin_itself() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "pin-pad");
    Answer::of(&mut bent.sign_command(&scene.token.uri_without_pin("key"))).expect(0);
    assert_eq!(bent.logins(), 1);
    scene.verifies_by("p256");
}

/// A token with a PIN pad would ask for its PIN as soon as anybody logs in.
#[test]
fn listing_and_public_keys_do_not_log_in_to_a_token_with_a_pin_pad() {
    let scene = Scene::new();
    let bent = Bent::new(&scene, "pin-pad");
    let by_id = format!("pkcs11:token=release;id=%01?module-path={}", module().display());
    for arguments in [["pkcs11", "list", &bent.uri(&by_id)], ["pkcs11", "public-key", &bent.uri(&by_id)]] {
        let mut command = scene.command(&arguments);
        bent.prepare(&mut command);
        Answer::of(&mut command).expect(0);
    }
    assert_eq!(bent.logins(), 0);
}
