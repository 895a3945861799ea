//! Signing under a certificate, from a file and from the token.

use crate::{Scene, certificate, key};

#[track_caller]
fn verifies_by_root(scene: &Scene) {
    scene.run(&["verify", "model", "--root", &certificate("root.pem")]).expect(0);
}

#[test]
fn a_certificate_from_a_file_goes_with_a_key_on_the_token() {
    let scene = Scene::new();
    let (leaf, chain) = (certificate("release.pem"), certificate("issuing-ca.pem"));
    scene.signs(&scene.token.uri("key"), &["--certificate", &leaf, "--chain", &chain]);
    verifies_by_root(&scene);
}

#[test]
fn the_chain_may_stand_behind_the_certificate() {
    let scene = Scene::new();
    scene.signs(&scene.token.uri("key"), &["--certificate", &certificate("full-chain.pem")]);
    verifies_by_root(&scene);
}

#[test]
fn the_certificate_on_the_token_goes_with_the_key_of_the_same_id() {
    let scene = Scene::new();
    scene.token.import(&key("p384.pem"), "other", "02");
    scene.token.add_certificate(&certificate("release.pem"), "a certificate", "01");
    let chain = certificate("issuing-ca.pem");
    scene.signs(&scene.token.uri("key"), &["--token-certificate", "--chain", &chain]);
    verifies_by_root(&scene);
}

#[test]
fn the_certificate_on_the_token_is_not_used_unasked() {
    let scene = Scene::new();
    scene.token.add_certificate(&certificate("release.pem"), "a certificate", "01");
    scene.signs(&scene.token.uri("key"), &[]);
    scene.verifies_by("p256");
}

#[test]
fn a_token_without_a_certificate_has_none_to_sign_under() {
    let scene = Scene::new();
    scene.token.add_certificate(&certificate("release.pem"), "key", "02");
    let mut command = scene.sign_command(&scene.token.uri("key"), &["--token-certificate"]);
    let words = ["the token holds no certificate of the key under its id", "--certificate"];
    scene.stage.refuses(&mut command, 2, &words);
}

/// The token does not say which key it is, but the certificate does.
#[test]
fn a_certificate_from_a_file_stands_in_for_a_missing_public_key() {
    let scene = Scene::empty();
    scene.token.import_with(&key("p256.pem"), "key", "01", &["--no-public-key"]);
    scene.signs(&scene.token.uri("key"), &["--certificate", &certificate("full-chain.pem")]);
    verifies_by_root(&scene);
}

#[test]
fn that_of_another_key_is_noticed_before_anything_is_written() {
    let scene = Scene::empty();
    scene.token.import_with(&key("other-p256.pem"), "key", "01", &["--no-public-key"]);
    let full_chain = certificate("full-chain.pem");
    let mut command = scene.sign_command(&scene.token.uri("key"), &["--certificate", &full_chain]);
    scene.stage.refuses(&mut command, 3, &["does not verify under its own public key"]);
}

#[test]
fn the_certificate_of_another_key_is_refused() {
    let scene = Scene::holding("p384");
    let leaf = certificate("release.pem");
    let mut command = scene.sign_command(&scene.token.uri("key"), &["--certificate", &leaf]);
    let words = ["is for the ECDSA P-256 key", "the private key is the ECDSA P-384 key"];
    scene.stage.refuses(&mut command, 2, &words);
}

#[test]
fn the_certificate_of_another_key_is_refused_from_the_token_too() {
    let scene = Scene::holding("other-p256");
    scene.token.add_certificate(&certificate("release.pem"), "key", "01");
    let mut command = scene.sign_command(&scene.token.uri("key"), &["--token-certificate"]);
    scene.stage.refuses(&mut command, 2, &["the token holds no certificate of the key under its id"]);
}

#[test]
fn after_a_renewal_the_certificate_that_is_valid_signs() {
    let scene = Scene::new();
    for name in ["expired.pem", "release.pem"] {
        scene.token.add_certificate(&certificate(name), name, "01");
    }
    let chain = certificate("issuing-ca.pem");
    scene.signs(&scene.token.uri("key"), &["--token-certificate", "--chain", &chain]);
    verifies_by_root(&scene);
}

#[test]
fn a_certificate_that_no_verifier_believes_is_refused_from_the_token_too() {
    let scene = Scene::new();
    scene.token.add_certificate(&certificate("expired.pem"), "key", "01");
    let mut command = scene.sign_command(&scene.token.uri("key"), &["--token-certificate"]);
    scene.stage.refuses(&mut command, 2, &["verifiers would refuse this certificate", "2026-02-01"]);
}
