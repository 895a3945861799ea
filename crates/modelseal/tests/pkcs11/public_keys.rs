//! `modelseal pkcs11 public-key`.

use std::fs;

use crate::softhsm::module;
use crate::{Scene, certificate, key};

fn pem(name: &str) -> String {
    fs::read_to_string(key(&format!("{name}.pub"))).unwrap()
}

#[test]
fn the_public_key_is_what_openssl_writes_and_takes_no_pin_by_its_id() {
    for name in ["p256", "p384", "p521", "ed25519"] {
        let scene = Scene::holding(name);
        for uri in [by_id("01"), scene.token.uri("key")] {
            let answer = scene.run(&["pkcs11", "public-key", &uri]).expect(0);
            assert_eq!(answer.stdout, pem(name));
            assert_eq!(answer.stderr, "");
        }
    }
}

/// Which key has this label is known only to those who see the private one.
#[test]
fn by_a_label_it_takes_the_pin_and_is_that_of_the_key_that_signs() {
    let scene = Scene::new();
    scene.token.add_certificate(&certificate("release-ed25519.pem"), "key", "02");
    let uri = scene.token.uri_without_pin("key");
    let words = ["the token \"release\" wants a PIN"];
    scene.stage.refuses(&mut scene.command(&["pkcs11", "public-key", &uri]), 2, &words);
    let answer = scene.run(&["pkcs11", "public-key", &scene.token.uri("key")]).expect(0);
    assert_eq!(answer.stdout, pem("p256"));
}

#[test]
fn it_does_not_replace_the_file_of_the_pin() {
    let scene = Scene::new();
    scene.stage.write("pin", "1234");
    let uri = scene.token.uri_without_pin("key") + "&pin-source=" + &scene.path("pin");
    let mut command = scene.command(&["pkcs11", "public-key", &uri, "-o", "pin", "--force"]);
    scene.stage.refuses(&mut command, 2, &["holds the PIN"]);
    assert_eq!(scene.read("pin"), "1234");
}

fn by_id(id: &str) -> String {
    format!("pkcs11:token=release;id=%{id}?module-path={}", module().display())
}

#[test]
fn it_goes_into_a_file_which_is_not_replaced_unasked() {
    let scene = Scene::new();
    let uri = by_id("01");
    let arguments = ["pkcs11", "public-key", &uri, "-o", "key.pub"];
    scene.run(&arguments).expect(0);
    assert_eq!(scene.read("key.pub"), pem("p256"));
    scene.stage.write("key.pub", "mine");
    scene.stage.refuses(&mut scene.command(&arguments), 2, &["key.pub", "exists", "--force"]);
    assert_eq!(scene.read("key.pub"), "mine");
    scene.run(&[&arguments[..], &["--force"]].concat()).expect(0);
    assert_eq!(scene.read("key.pub"), pem("p256"));
}

#[test]
fn it_is_reported_in_json() {
    let scene = Scene::new();
    let uri = by_id("01");
    let report = scene.json(&["pkcs11", "public-key", &uri]);
    assert_eq!(report["outcome"], "success");
    assert_eq!(report["algorithm"], "ECDSA P-256");
    assert_eq!(report["public_key"], pem("p256"));
    assert!(report["path"].is_null());
    assert_eq!(scene.json(&["pkcs11", "public-key", &uri, "-o", "key.pub"])["path"], "key.pub");
}

#[test]
fn that_of_a_certificate_stands_in_for_a_missing_public_key() {
    let scene = Scene::empty();
    scene.token.import_with(&key("p256.pem"), "key", "01", &["--no-public-key"]);
    scene.token.add_certificate(&certificate("release.pem"), "key", "01");
    let answer = scene.run(&["pkcs11", "public-key", &by_id("01")]).expect(0);
    assert_eq!(answer.stdout, pem("p256"));
}

#[test]
fn that_of_a_certificate_with_another_label_is_found_after_a_login() {
    let scene = Scene::empty();
    scene.token.import_with(&key("p256.pem"), "key", "01", &["--no-public-key"]);
    scene.token.add_certificate(&certificate("release.pem"), "a certificate", "01");
    let answer = scene.run(&["pkcs11", "public-key", &scene.token.uri("key")]).expect(0);
    assert_eq!(answer.stdout, pem("p256"));
}

#[test]
fn one_that_is_not_on_the_token_cannot_be_printed() {
    let scene = Scene::empty();
    scene.token.import_with(&key("p256.pem"), "key", "01", &["--no-public-key"]);
    let mut command = scene.command(&["pkcs11", "public-key", &scene.token.uri("key"), "-o", "key.pub"]);
    scene.stage.refuses(&mut command, 2, &["the token holds no public key"]);
    let mut command = scene.command(&["pkcs11", "public-key", &scene.token.uri("absent")]);
    scene.stage.refuses(&mut command, 2, &["no private key on the token matches"]);
}

#[test]
fn a_name_that_several_have_is_refused() {
    let scene = Scene::new();
    scene.token.import(&key("p384.pem"), "key", "02");
    let mut command = scene.command(&["pkcs11", "public-key", &scene.token.uri("key")]);
    scene.stage.refuses(&mut command, 2, &["2 keys on the token match", "id=%01", "id=%02"]);
}

#[test]
fn one_that_signs_no_models_is_refused() {
    for (name, words) in [("rsa", "RSA is not supported"), ("secp256k1", "the curve 1.3.132.0.10")] {
        let scene = Scene::holding(name);
        let uri = by_id("01");
        scene.stage.refuses(&mut scene.command(&["pkcs11", "public-key", &uri]), 2, &[words]);
    }
}
