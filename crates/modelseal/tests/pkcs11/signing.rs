//! Every kind of key that signs models, and the ways to name one.

use crate::softhsm::module;
use crate::{Scene, key};

const ALGORITHMS: [&str; 4] = ["p256", "p384", "p521", "ed25519"];

#[test]
fn a_key_of_every_kind_signs_what_its_own_public_key_verifies() {
    for name in ALGORITHMS {
        let scene = Scene::holding(name);
        let uri = scene.token.uri("key");
        scene.signs(&uri, &[]);
        scene.run(&["pkcs11", "public-key", &uri, "-o", "key.pub"]).expect(0);
        scene.run(&["verify", "model", "--key", "key.pub"]).expect(0);
    }
}

#[test]
fn the_token_signs_for_the_same_key_as_the_file_it_was_made_from() {
    for name in ALGORITHMS {
        let scene = Scene::holding(name);
        scene.signs(&scene.token.uri("key"), &[]);
        scene.verifies_by(name);
    }
}

#[test]
fn the_report_names_the_key_and_not_the_token() {
    let scene = Scene::new();
    let report = scene.json(&["sign", "model", "--pkcs11", &scene.token.uri("key")]);
    assert_eq!(report["outcome"], "signed");
    assert_eq!(report["signature"]["method"], "key");
    assert_eq!(report["signature"]["signer"]["algorithm"], "ECDSA P-256");
}

/// The token signs the model, how it was made, and the verdict on it.
#[test]
fn what_a_token_attests_counts_where_a_policy_names_its_key() {
    for name in ALGORITHMS {
        let scene = Scene::holding(name);
        let uri = scene.token.uri("key");
        scene.signs(&uri, &["--name", "hf://acme/toy", "--release", "1.2.0"]);
        let provenance = r#"{
            "buildDefinition": { "buildType": "https://ci.example/v1", "externalParameters": { "epochs": 3 } },
            "runDetails": { "builder": { "id": "https://ci.example/builder" } }
        }"#;
        scene.stage.write("provenance.json", provenance);
        let attest = ["attest", "model", "--provenance", "provenance.json", "--pkcs11", &uri];
        let report = scene.json(&attest);
        assert_eq!(report["provenance"]["builder"], "https://ci.example/builder", "{name}: {report:#}");
        let policy = format!(
            "version = 1\nserial = 1\nexpires = 2099-01-01\n[publishers]\nacme = {{ keys = [{:?}] }}\n\
             [[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ any = [\"acme\"] }}\nbind-name = true\n\
             [[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"acme\"] }}\n\
             builder = \"https://ci.example/builder\"\n",
            key(&format!("{name}.pub"))
        );
        scene.stage.write("policy.toml", policy);
        let verify = ["verify", "model", "--policy", "policy.toml", "--as", "hf://acme/toy"];
        let emit =
            ["--emit-vsa", "vsa.json", "--verifier-id", "https://registry.example/v", "--pkcs11", &uri];
        let verdict = scene.json(&[&verify[..], &emit].concat());
        assert_eq!(
            (&verdict["outcome"], &verdict["verdict"]["vsa"]["result"]),
            (&"allowed".into(), &"PASSED".into())
        );
    }
}

#[test]
fn a_key_is_found_by_its_label_by_its_id_and_by_both() {
    let scene = Scene::holding("p384");
    scene.token.import(&key("p256.pem"), "other", "a0ff");
    let uri =
        |object| format!("pkcs11:token=release;{object}?module-path={}&pin-value=1234", module().display());
    for object in ["object=other", "id=%A0%FF", "id=%a0%ff", "id=%A0%FF;object=other;type=private"] {
        scene.signs(&uri(object), &["--force"]);
        scene.verifies_by("p256");
    }
    scene.signs(&uri("id=%01"), &["--force"]);
    scene.verifies_by("p384");
}

#[test]
fn the_label_of_one_key_and_the_id_of_another_name_none() {
    let scene = Scene::new();
    scene.token.import(&key("p384.pem"), "other", "02");
    let uri = scene.token.uri("key;id=%02");
    scene.does_not_sign(
        &uri,
        2,
        &["no private key on the token matches", "object=key;id=%01", "object=other"],
    );
}

#[test]
fn a_key_needs_no_name_when_it_is_alone() {
    let scene = Scene::new();
    scene.signs(&format!("pkcs11:?module-path={}&pin-value=1234", module().display()), &[]);
    scene.verifies_by("p256");
}

#[test]
fn keys_of_one_label_are_told_apart_by_their_ids() {
    let scene = Scene::new();
    scene.token.import(&key("p384.pem"), "key", "02");
    let words = ["2 keys on the token match", "id=%01", "id=%02", "pkcs11 list"];
    scene.does_not_sign(&scene.token.uri("key"), 2, &words);
    scene.signs(&scene.token.uri("key;id=%02"), &[]);
    scene.verifies_by("p384");
}

#[test]
fn a_key_that_is_not_there_is_told_from_those_that_are() {
    let scene = Scene::new();
    let words = ["no private key on the token matches", "object=absent", "there are", "object=key;id=%01"];
    scene.does_not_sign(&scene.token.uri("absent"), 2, &words);
}

#[test]
fn an_empty_token_has_no_keys() {
    let scene = Scene::empty();
    scene.does_not_sign(&scene.token.uri("key"), 2, &["no private key", "there are none"]);
}

#[test]
fn a_dry_run_needs_no_token() {
    let scene = Scene::empty();
    scene.stage.write("model/c", "3");
    let before = scene.stage.tree();
    scene.signs(&scene.token.uri("absent"), &["--dry-run"]);
    assert_eq!(scene.stage.tree(), before);
}

#[test]
fn an_existing_signature_is_not_replaced_unasked() {
    let scene = Scene::new();
    let uri = scene.token.uri("key");
    scene.signs(&uri, &[]);
    let before = scene.read("model/model.sig");
    scene.does_not_sign(&uri, 2, &["exists", "--force"]);
    assert_eq!(scene.read("model/model.sig"), before);
}
