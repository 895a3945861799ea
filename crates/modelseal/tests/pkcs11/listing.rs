//! `modelseal pkcs11 list`.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::softhsm::{Token, module};
use crate::{Scene, certificate, key};

/// The URI of every token of the module.
fn everything() -> String {
    format!("pkcs11:?module-path={}", module().display())
}

/// Keys that can sign, and keys that cannot, each for its own reason.
fn all_sorts() -> Scene {
    let scene = Scene::new();
    for (name, id) in [("ed25519", "02"), ("rsa", "03"), ("secp256k1", "04"), ("p384", "05")] {
        scene.token.import(&key(&format!("{name}.pem")), name, id);
    }
    scene.token.forbid_to_sign("p384");
    scene.token.generate_always_authenticated("always");
    scene.token.add_certificate(&certificate("release.pem"), "certificate", "01");
    scene
}

/// The private key with this label, in a JSON report.
fn private_key(report: &Value, label: &str) -> Value {
    let objects = report["tokens"][0]["objects"].as_array().unwrap();
    let is_it = |object: &&Value| {
        let uri = object["uri"].as_str().unwrap();
        object["kind"] == "private-key" && uri.contains(&format!("object={label};"))
    };
    objects.iter().find(is_it).unwrap().clone()
}

#[test]
fn without_a_login_public_objects_are_shown_and_how_to_see_the_others() {
    let scene = all_sorts();
    let said = scene.run(&["pkcs11", "list", module().to_str().unwrap()]).expect(0).stdout;
    for words in [
        "Token       release (SoftHSM project, SoftHSM v2)",
        "Public key  ECDSA P-256",
        "Public key  Ed25519",
        "Public key  RSA is not supported",
        "Certificate CN=Model Release,O=Acme",
        "private keys are seen only after a login: pkcs11 list URI --login",
    ] {
        assert!(said.contains(words), "{words:?} is missing from {said}");
    }
    assert!(!said.contains("Private key"), "{said}");
}

#[test]
fn a_uri_stands_for_its_module_and_its_token() {
    let scene = Scene::new();
    let by_path = scene.run(&["pkcs11", "list", module().to_str().unwrap()]).expect(0);
    assert_eq!(scene.run(&["pkcs11", "list", &everything()]).expect(0).stdout, by_path.stdout);
    let absent = format!("pkcs11:token=absent?module-path={}", module().display());
    let said = scene.run(&["pkcs11", "list", &absent]).expect(0).stdout;
    assert!(said.contains("there are none"), "{said}");
}

#[test]
fn every_uri_that_is_listed_names_its_object() {
    let scene = Scene::new();
    let report = scene.json(&["pkcs11", "list", &everything()]);
    let uri = report["tokens"][0]["objects"][0]["uri"].as_str().unwrap();
    scene.signs(&format!("{uri}&pin-value=1234"), &[]);
    scene.verifies_by("p256");
}

#[test]
fn after_a_login_private_keys_are_shown_and_why_some_cannot_sign() {
    let scene = all_sorts();
    let uri = scene.token.uri("key").replace("object=key", "");
    let said = scene.run(&["pkcs11", "list", &uri, "--login"]).expect(0).stdout;
    for words in [
        "Private key ECDSA P-256, can sign models",
        "Private key Ed25519, can sign models",
        "RSA is not supported",
        "the curve 1.3.132.0.10 is not supported",
        "CKA_SIGN is false",
        "CKA_ALWAYS_AUTHENTICATE",
    ] {
        assert!(said.contains(words), "{words:?} is missing from {said}");
    }
    assert_eq!(said.matches("cannot sign models: ").count(), 4, "{said}");
    assert!(!said.contains("private keys are seen only after a login"), "{said}");
}

#[test]
fn the_json_says_of_each_private_key_whether_it_can_sign() {
    let scene = all_sorts();
    let uri = scene.token.uri("key").replace("object=key", "");
    let report = scene.json(&["pkcs11", "list", &uri, "--login"]);
    assert_eq!(report["logged_in"], true);
    for (label, can_sign, problem) in [
        ("key", true, None),
        ("ed25519", true, None),
        ("rsa", false, Some("RSA")),
        ("secp256k1", false, Some("1.3.132.0.10")),
        ("p384", false, Some("CKA_SIGN")),
        ("always", false, Some("CKA_ALWAYS_AUTHENTICATE")),
    ] {
        let key = private_key(&report, label);
        assert_eq!(key["can_sign"], can_sign, "{key}");
        match problem {
            Some(words) => assert!(key["problem"].as_str().unwrap().contains(words), "{key}"),
            None => assert!(key["problem"].is_null(), "{key}"),
        }
    }
}

#[test]
fn the_json_of_a_token_says_which_it_is() {
    let scene = Scene::new();
    let report = scene.json(&["pkcs11", "list", module().to_str().unwrap()]);
    assert_eq!(report["outcome"], "success");
    assert_eq!(report["logged_in"], false);
    let token = &report["tokens"][0];
    assert_eq!(token["label"], "release");
    assert_eq!(token["manufacturer"], "SoftHSM project");
    assert_eq!(token["model"], "SoftHSM v2");
    assert_eq!(token["slot_id"], scene.token.slot);
    assert_eq!(token["wants_pin"], true);
    let (serial, path) = (token["serial"].as_str().unwrap(), module());
    let uri =
        format!("pkcs11:token=release;serial={serial};object=key;id=%01?module-path={}", path.display());
    let expected = json!([{
        "kind": "public-key", "uri": uri, "algorithm": "ECDSA P-256",
        "subject": null, "can_sign": null, "problem": null,
    }]);
    assert_eq!(token["objects"], expected);
}

#[test]
fn the_json_of_a_certificate_has_its_subject() {
    let scene = Scene::empty();
    scene.token.add_certificate(&certificate("release.pem"), "key", "01");
    let report = scene.json(&["pkcs11", "list", &everything()]);
    let object = &report["tokens"][0]["objects"][0];
    assert_eq!(object["kind"], "certificate");
    assert_eq!(object["subject"], "CN=Model Release,O=Acme");
}

#[test]
fn two_tokens_are_both_listed() {
    let scene = Scene::new();
    Token::within(&Rc::clone(&scene.token.directory), "staging").import(&key("p384.pem"), "next", "01");
    let said = scene.run(&["pkcs11", "list", module().to_str().unwrap()]).expect(0).stdout;
    for words in ["Token       release", "object=key", "Token       staging", "object=next"] {
        assert!(said.contains(words), "{words:?} is missing from {said}");
    }
    let report = scene.json(&["pkcs11", "list", &everything()]);
    assert_eq!(report["tokens"].as_array().unwrap().len(), 2);
}

#[test]
fn one_login_goes_to_one_token_only() {
    let scene = Scene::new();
    Token::within(&Rc::clone(&scene.token.directory), "staging");
    let uri = format!("{}&pin-value=1234", everything());
    let mut command = scene.command(&["pkcs11", "list", &uri, "--login"]);
    scene.stage.refuses(&mut command, 2, &["2 tokens match", "token=release", "token=staging"]);
}
