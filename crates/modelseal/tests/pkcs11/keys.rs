//! Keys that cannot sign, and keys of which the public half is hard to find.

use crate::{Scene, certificate, key};

/// A token whose P-256 key has no public key beside it.
fn without_public_key() -> Scene {
    let scene = Scene::empty();
    scene.token.import_with(&key("p256.pem"), "key", "01", &["--no-public-key"]);
    scene
}

#[test]
fn a_private_key_without_its_public_half_is_refused() {
    let scene = without_public_key();
    let words = [
        "the token holds no public key and no certificate that belongs to the private key",
        "object=key;id=%01",
        "put the public key or the certificate on the token, with the id of the private key",
    ];
    scene.does_not_sign(&scene.token.uri("key"), 2, &words);
}

#[test]
fn a_certificate_with_the_id_of_the_key_gives_its_public_half() {
    let scene = without_public_key();
    scene.token.add_certificate(&certificate("release.pem"), "a certificate", "01");
    scene.signs(&scene.token.uri("key"), &[]);
    scene.verifies_by("p256");
}

#[test]
fn a_certificate_with_another_id_does_not() {
    let scene = without_public_key();
    scene.token.add_certificate(&certificate("release.pem"), "key", "02");
    scene.does_not_sign(&scene.token.uri("key"), 2, &["no certificate that belongs to the private key"]);
}

#[test]
fn a_public_key_with_another_id_is_found_by_its_label() {
    let scene = Scene::new();
    scene.token.rename_public_key("key", "key", "07");
    scene.signs(&scene.token.uri("key"), &[]);
    scene.verifies_by("p256");
}

#[test]
fn a_public_key_that_is_not_the_other_half_is_found_out_before_anything_is_written() {
    for (label, id) in [("other", "01"), ("key", "07")] {
        let scene = without_public_key();
        scene.token.import(&key("other-p256.pem"), "other", "02");
        scene.token.rename_public_key("other", label, id);
        let words = ["does not verify under its own public key; nothing was written"];
        scene.does_not_sign(&scene.token.uri("key"), 3, &words);
    }
}

#[test]
fn a_key_that_is_not_meant_for_signatures_is_refused() {
    let scene = Scene::new();
    scene.token.forbid_to_sign("key");
    let words = ["the private key pkcs11:token=release;", "cannot be used", "CKA_SIGN is false"];
    scene.does_not_sign(&scene.token.uri("key"), 2, &words);
}

#[test]
fn a_key_that_wants_its_pin_at_every_signature_is_refused() {
    let scene = Scene::empty();
    scene.token.generate_always_authenticated("key");
    let words = ["cannot be used", "CKA_ALWAYS_AUTHENTICATE", "use another slot or PIN policy"];
    scene.does_not_sign(&scene.token.uri("key"), 2, &words);
}

#[test]
fn an_rsa_key_is_refused() {
    let scene = Scene::holding("rsa");
    let words = ["object=key;id=%01", "RSA is not supported", "P-256, P-384, P-521"];
    scene.does_not_sign(&scene.token.uri("key"), 2, &words);
}

#[test]
fn a_key_on_another_curve_is_refused() {
    let scene = Scene::holding("secp256k1");
    let words = ["object=key;id=%01", "the curve 1.3.132.0.10 is not supported", "P-256, P-384, P-521"];
    scene.does_not_sign(&scene.token.uri("key"), 2, &words);
}
