//! Who is believed, and who is not.

use std::fs;

use serde_json::json;

use crate::genuine::{BY_PERSON, BY_WORKFLOW};
use crate::scene::{Scene, succeeds};
use crate::sigstore::{self, Signer};
use crate::stage::Answer;
use crate::workbench::testdata;

const PERSON: &str = "release@acme.example";

fn by_person() -> Scene {
    Scene::with(&BY_PERSON)
}

fn by_workflow() -> Scene {
    Scene::with(&BY_WORKFLOW)
}

/// A file of the repository's own keys.
fn key(name: &str) -> String {
    testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

#[test]
fn another_identity_is_refused() {
    let scene = by_person();
    let mut verify = scene.verify_as("nobody@acme.example", Signer::Person.issuer(), &[]);
    let words = [
        "signed by \"release@acme.example\"",
        "has to be \"nobody@acme.example\"",
        "somebody else signed this model",
    ];
    scene.refuses(&mut verify, 1, "wrong-identity", &words);
}

#[test]
fn item_45_case_prefix_and_suffix_of_an_identity_matter() {
    let scene = by_person();
    for other in
        ["Release@acme.example", "release@acme.exampl", "elease@acme.example", "release@acme.example "]
    {
        let mut verify = scene.verify_as(other, Signer::Person.issuer(), &[]);
        scene.refuses(&mut verify, 1, "wrong-identity", &[PERSON]);
    }
}

#[test]
fn item_45_an_identity_of_another_kind_is_refused() {
    let scene = by_person();
    let mut verify = scene.verify(Signer::Workflow, &[]);
    scene.refuses(&mut verify, 1, "wrong-identity", &[PERSON, Signer::Workflow.identity()]);
    let scene = by_workflow();
    let mut verify = scene.verify(Signer::Person, &[]);
    scene.refuses(&mut verify, 1, "wrong-identity", &[PERSON, Signer::Workflow.identity()]);
}

#[test]
fn another_issuer_is_refused_though_it_names_the_same_identity() {
    let scene = by_person();
    for other in [Signer::Workflow.issuer(), "https://accounts.example", &Signer::Person.issuer()[1..]] {
        let mut verify = scene.verify_as(PERSON, other, &[]);
        let words = [&format!("has to be \"{other}\"")[..], Signer::Person.issuer(), PERSON];
        scene.refuses(&mut verify, 1, "wrong-issuer", &words);
    }
}

#[test]
fn a_glob_stands_for_what_is_within_one_segment() {
    let scene = by_workflow();
    let issuer = Signer::Workflow.issuer();
    for meant in [
        "https://github.com/acme/models/.github/workflows/*@refs/heads/main",
        "https://github.com/acme/*/.github/workflows/*.yml@refs/heads/*",
    ] {
        succeeds(&mut scene.verify_as(meant, issuer, &[]));
    }
    for other in [
        "https://github.com/acme/models/*",
        "https://github.com/acme/models/.github/workflows/release.yml@refs/*",
        "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main*",
        "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*",
    ] {
        scene.refuses(&mut scene.verify_as(other, issuer, &[]), 1, "wrong-identity", &[other]);
    }
    let scene = by_person();
    succeeds(&mut scene.verify_as("*@acme.example", Signer::Person.issuer(), &[]));
}

#[test]
fn what_the_certificate_says_of_the_build_can_be_asked_for() {
    let scene = by_workflow();
    let claims = [
        ["--source-repository", "https://github.com/acme/models"],
        ["--source-ref", "refs/heads/*"],
        ["--source-owner-id", "4242"],
        ["--source-repository-id", "777"],
        ["--build-signer", Signer::Workflow.identity()],
    ];
    for claim in &claims {
        succeeds(&mut scene.verify(Signer::Workflow, claim));
    }
    succeeds(&mut scene.verify(Signer::Workflow, claims.as_flattened()));
}

#[test]
fn another_build_is_refused_by_each_of_its_claims() {
    let scene = by_workflow();
    for (option, claim, asked, found) in [
        (
            "--source-repository",
            "source-repository",
            "https://github.com/acme/other",
            "https://github.com/acme/models",
        ),
        ("--source-ref", "source-ref", "refs/tags/*", "refs/heads/main"),
        ("--source-owner-id", "source-owner-id", "4243", "4242"),
        ("--source-repository-id", "source-repository-id", "77", "777"),
        (
            "--build-signer",
            "build-signer",
            "https://github.com/acme/models/.github/workflows/other.yml@refs/heads/main",
            Signer::Workflow.identity(),
        ),
    ] {
        let says = format!("the certificate says {claim} \"{found}\"");
        let words = [&says[..], &format!("has to be \"{asked}\""), "another build"];
        scene.refuses(&mut scene.verify(Signer::Workflow, &[option, asked]), 1, "wrong-claim", &words);
    }
}

#[test]
fn item_87_what_a_certificate_says_does_not_act_on_the_terminal() {
    let scene = Scene::new();
    let token = Signer::Workflow.token_with(&json!({ "ref": "refs/heads/a\u{1b}[2J\u{202e}\r\n" }));
    succeeds(&mut scene.sign(&["--identity-token", &token]));
    let config = sigstore::file("client_trust_config.json");
    let who = ["--identity", Signer::Workflow.identity(), "--issuer", Signer::Workflow.issuer()];
    for more in [&[][..], &["--source-ref", "refs/heads/main"], &["--format", "json"]] {
        let verify = ["verify", "model", "--trust-config", &config].into_iter().chain(who);
        let answer = Answer::of(&mut scene.command(verify.chain(more.iter().copied())));
        let text = format!("{}{}", answer.stdout, answer.stderr);
        assert!(text.contains("refs/heads/a"), "{text}");
        assert!(!text.contains(['\x1b', '\u{202e}', '\r']), "{text:?}");
    }
}

#[test]
fn one_wrong_claim_among_right_ones_is_refused() {
    let scene = by_workflow();
    let claims =
        ["--source-ref", "refs/heads/main", "--source-owner-id", "1", "--source-repository-id", "777"];
    scene.refuses(&mut scene.verify(Signer::Workflow, &claims), 1, "wrong-claim", &["source-owner-id"]);
}

#[test]
fn a_person_has_no_claims_of_a_build() {
    let scene = by_person();
    let mut verify = scene.verify(Signer::Person, &["--source-repository", "https://github.com/acme/models"]);
    let words = ["the certificate says nothing of source-repository", "https://github.com/acme/models"];
    scene.refuses(&mut verify, 1, "wrong-claim", &words);
}

#[test]
fn a_model_that_was_changed_is_refused_and_its_signer_named() {
    let scene = by_workflow();
    scene.write("model/a", "changed");
    scene.write("model/c", "added");
    fs::remove_file(scene.at("model/b")).unwrap();
    let report = scene.refuses(&mut scene.verify(Signer::Workflow, &[]), 1, "mismatch", &["model"]).report;
    let error = &report["error"];
    assert_eq!(error["signer"]["identity"], Signer::Workflow.identity(), "{report:#}");
    assert_eq!(error["differences"]["changed"][0]["name"], "a", "{report:#}");
    assert_eq!(error["differences"]["missing"], json!(["b"]), "{report:#}");
    assert_eq!(error["differences"]["not_signed"], json!(["c"]), "{report:#}");
}

#[test]
fn item_36_a_keyless_signature_is_none_of_a_key_or_a_certificate() {
    let scene = by_person();
    let root = sigstore::file("fulcio_root.pem");
    for (option, path) in [("--key", &key("p256.pub")), ("--root", &root)] {
        let mut verify = scene.command(["verify", "model", "--format", "json", option, path]);
        scene.refuses(&mut verify, 1, "wrong-method", &["sigstore", "--identity ID --issuer URL"]);
    }
}

#[test]
fn item_36_the_signature_of_a_key_is_none_of_an_identity() {
    let scene = Scene::new();
    succeeds(&mut scene.command(["sign", "model", "--format", "json", "--key", &key("p256.pem")]));
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, "wrong-method", &["key", "--key PUB"]);
}

#[test]
fn item_45_a_pattern_that_leaves_open_who_is_meant_is_wrong_usage() {
    let scene = Scene::new();
    for pattern in ["*", "*@*", "release@*.example", "https://*/acme/models", "https://github.com/*/models"] {
        let who = ["verify", "nowhere", "--identity", pattern, "--issuer", "https://issuer.example"];
        scene.misuses(&mut scene.command(who), &[pattern, "leaves open who is meant"]);
    }
    let who = ["verify", "nowhere", "--identity", "https://github.com/a/**", "--issuer", "i"];
    scene.misuses(&mut scene.command(who), &["\"**\" has no meaning"]);
}

#[test]
fn item_45_a_pattern_for_a_claim_is_anchored_too() {
    let scene = Scene::new();
    let who = ["verify", "nowhere", "--identity", PERSON, "--issuer", "i", "--source-repository"];
    let open = ["https://github.com/*"];
    scene.misuses(&mut scene.command(who.iter().chain(&open)), &["leaves open who is meant"]);
}

/// The model is not there, and nothing complains of that.
#[test]
fn item_47_without_an_identity_nothing_is_read() {
    let scene = Scene::new();
    let root = sigstore::file("trusted_root.json");
    for (who, missing) in [
        (&["--trusted-root", &root[..]][..], "--identity"),
        (&["--identity", PERSON], "--issuer"),
        (&["--issuer", Signer::Person.issuer()], "--identity"),
        (&["--source-owner-id", "4242"], "--identity"),
        (&["--identity", "", "--issuer", "i"], "empty"),
    ] {
        let mut verify = scene.command(["verify", "nowhere"].iter().chain(who));
        scene.misuses(&mut verify, &[missing]);
    }
}

#[test]
fn an_identity_and_a_key_are_not_believed_at_once() {
    let scene = Scene::new();
    let who = ["--identity", PERSON, "--issuer", Signer::Person.issuer()];
    for other in ["--key", "--root", "--leaf", "--timestamp-root"] {
        let path = key("p256.pub");
        let verify = ["verify", "nowhere", other, &path];
        scene.misuses(&mut scene.command(verify.iter().chain(&who)), &[other, "cannot be used with"]);
    }
}
