//! Several tokens, and tokens that come and go.

use std::rc::Rc;

use crate::softhsm::{Token, module};
use crate::{Scene, key};

/// A neighbour with a P-384 key of the same label and id as the P-256 key.
fn neighbour(scene: &Scene, label: &str) -> Token {
    let token = Token::within(&Rc::clone(&scene.token.directory), label);
    token.import(&key("p384.pem"), "key", "01");
    token
}

fn uri(path: &str) -> String {
    format!("pkcs11:{path};object=key?module-path={}&pin-value=1234", module().display())
}

/// The serial number of the token in a slot.
fn serial(scene: &Scene, slot: u64) -> String {
    let list = scene.json(&["pkcs11", "list", module().to_str().unwrap()]);
    let tokens = list["tokens"].as_array().unwrap();
    let token = tokens.iter().find(|token| token["slot_id"] == slot).unwrap();
    token["serial"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_on_one_of_two_tokens_needs_the_name_of_its_token() {
    let scene = Scene::new();
    neighbour(&scene, "staging");
    let words = ["2 tokens match", "token=release;serial=", "token=staging;serial=", "pkcs11 list"];
    scene.does_not_sign(&uri("type=private"), 2, &words);
    scene.signs(&uri("token=release"), &["--force"]);
    scene.verifies_by("p256");
    scene.signs(&uri("token=staging"), &["--force"]);
    scene.verifies_by("p384");
}

#[test]
fn tokens_of_one_label_are_told_apart_by_serial_number_and_by_slot() {
    let scene = Scene::new();
    let twin = neighbour(&scene, "release");
    scene.does_not_sign(&uri("token=release"), 2, &["2 tokens match", "serial=… tells twins apart"]);
    let by_serial = |slot| uri(&format!("token=release;serial={}", serial(&scene, slot)));
    let by_slot = |slot| uri(&format!("slot-id={slot}"));
    for (slot, name) in [(scene.token.slot, "p256"), (twin.slot, "p384")] {
        for uri in [by_serial(slot), by_slot(slot)] {
            scene.signs(&uri, &["--force"]);
            scene.verifies_by(name);
        }
    }
}

#[test]
fn the_manufacturer_and_the_model_of_a_token_have_to_match() {
    let scene = Scene::new();
    scene.signs(&uri("manufacturer=SoftHSM%20project;model=SoftHSM%20v2"), &[]);
    scene.does_not_sign(&uri("manufacturer=SoftHSM"), 2, &["exists"]);
    let other = Scene::new();
    other.does_not_sign(
        &uri("manufacturer=SoftHSM"),
        2,
        &["no token matches", "there are pkcs11:token=release"],
    );
    other.does_not_sign(&uri("model=v2"), 2, &["no token matches"]);
    other.does_not_sign(&uri("slot-id=0"), 2, &["no token matches"]);
}

#[test]
fn item_88_a_token_that_was_removed_before_is_not_found() {
    let scene = Scene::new();
    scene.token.util(&["--delete-token", "--token", "release"]);
    scene.does_not_sign(&scene.token.uri("key"), 2, &["no token matches", "token=release", "there are none"]);
}

#[test]
fn a_slot_that_was_never_filled_is_no_token() {
    let scene = Scene::empty();
    let list = scene.json(&["pkcs11", "list", module().to_str().unwrap()]);
    // SoftHSM2 always offers one empty slot more.
    assert_eq!(list["tokens"].as_array().unwrap().len(), 1);
}
