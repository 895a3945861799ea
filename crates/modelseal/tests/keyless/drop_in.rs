//! The command lines of the reference, for which `sigstore` is the method that
//! is meant where none is named.

use std::process::Command;

use crate::genuine::BY_PERSON;
use crate::login::converse;
use crate::scene::Scene;
use crate::service::NOWHERE;
use crate::sigstore::{self, Signer, url};
use crate::stage::Answer;

const SIGNATURE: &str = "model.sig";

/// Our own program, as the reference.
fn reference(scene: &Scene, words: &[&str]) -> Command {
    let config = sigstore::file("client_trust_config.json");
    scene.command(["model-signing"].iter().chain(words).chain(&["--trust_config", &config]))
}

fn sign(scene: &Scene, more: &[&str]) -> Command {
    reference(scene, &[&["sign", "model"], more].concat())
}

fn verify(scene: &Scene, identity: &str, issuer: &str) -> Command {
    let who = ["--identity", identity, "--identity_provider", issuer];
    reference(scene, &[&["verify", "model", "--signature", SIGNATURE], &who[..]].concat())
}

#[track_caller]
fn succeeds(command: &mut Command, words: &str) {
    assert_eq!(Answer::of(command).expect(0).stdout, words);
}

#[track_caller]
fn verifies(scene: &Scene, signer: Signer) {
    succeeds(&mut verify(scene, signer.identity(), signer.issuer()), "Verification succeeded\n");
}

/// With a signature where the reference puts it.
fn signed() -> Scene {
    let scene = Scene::new();
    scene.write(SIGNATURE, BY_PERSON.to_string());
    scene
}

/// Says so in these words, and leaves nothing.
#[track_caller]
fn refused(scene: &Scene, command: &mut Command, words: &[&str]) {
    let before = scene.tree();
    let answer = Answer::of(command).expect(1);
    assert_eq!(answer.stdout, "");
    for word in words {
        assert!(answer.stderr.contains(word), "{word:?} is missing from {answer:#?}");
    }
    assert_eq!(scene.tree(), before, "something was written");
}

#[test]
fn the_method_need_not_be_named() {
    for method in [&[][..], &["sigstore"]] {
        let scene = Scene::new();
        let token = Signer::Person.token();
        let words = [&["sign"], method, &["model", "--identity_token", &token]].concat();
        succeeds(&mut reference(&scene, &words), "Signing succeeded\n");
        verifies(&scene, Signer::Person);
        let (identity, issuer) = (Signer::Person.identity(), Signer::Person.issuer());
        let who = ["--signature", SIGNATURE, "--identity", identity, "--identity-provider", issuer];
        let words = [&["verify"], method, &["model"], &who[..]].concat();
        succeeds(&mut reference(&scene, &words), "Verification succeeded\n");
    }
}

#[test]
fn whose_identity_is_published_is_said() {
    let scene = Scene::new();
    let token = Signer::Person.token();
    let signed = Answer::of(&mut sign(&scene, &["--identity_token", &token])).expect(0).hides(&token);
    assert!(signed.stderr.contains("release@acme.example, by the word of"), "{signed:#?}");
}

/// As the reference has it: a job that does not say so is none.
#[test]
fn the_identity_of_a_job_is_taken_when_it_is_asked_for() {
    let job = |command: &mut Command| {
        let endpoint = format!("{}/ambient/github", url("issuer"));
        command.env("GITHUB_ACTIONS", "true").env("ACTIONS_ID_TOKEN_REQUEST_URL", endpoint);
        command.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ambient-secret");
    };
    let scene = Scene::new();
    let mut unasked = sign(&scene, &[]);
    job(&mut unasked);
    refused(&scene, &mut unasked, &["Signing failed with error", "there is no terminal to log in at"]);
    let mut asked = sign(&scene, &["--use_ambient_credentials"]);
    job(&mut asked);
    succeeds(&mut asked, "Signing succeeded\n");
    verifies(&scene, Signer::Workflow);
}

#[test]
fn a_browser_elsewhere_can_be_forced() {
    let scene = Scene::new();
    let signed = converse(&mut sign(&scene, &["--oauth_force_oob"]), |code| format!("{code}\n")).expect(0);
    assert_eq!(signed.stdout, "Signing succeeded\n");
    verifies(&scene, Signer::Person);
}

#[test]
fn another_client_of_the_issuer_logs_in_by_its_own_name() {
    let scene = Scene::new();
    let mut login = sign(&scene, &["--oauth_force_oob", "--client_id", "other", "--client_secret", "hush"]);
    let answer = converse(&mut login, |code| format!("{code}\n")).expect(1).hides("hush");
    assert!(answer.stderr.contains("client_id=other"), "{answer:#?}");
    // Fulcio knows the client `sigstore` alone.
    assert!(answer.stderr.contains(url("fulcio")), "{answer:#?}");
}

#[test]
fn what_is_not_verified_is_told_by_exit_code_1() {
    let scene = signed();
    let (identity, issuer) = (Signer::Person.identity(), Signer::Person.issuer());
    let mut other = verify(&scene, "nobody@acme.example", issuer);
    refused(&scene, &mut other, &["Verification failed with error", "signed by \"release@acme.example\""]);
    let mut other = verify(&scene, identity, Signer::Workflow.issuer());
    refused(&scene, &mut other, &["Verification failed with error", issuer]);
    scene.write("model/a", "changed");
    refused(&scene, &mut verify(&scene, identity, issuer), &["hash mismatch: a"]);
}

/// The reference knows no patterns.
#[test]
fn a_star_in_an_identity_is_a_star() {
    let scene = signed();
    for identity in ["*@acme.example", "*"] {
        let words = [&format!("has to be \"{identity}\"")[..]];
        refused(&scene, &mut verify(&scene, identity, Signer::Person.issuer()), &words);
    }
}

#[test]
fn a_service_that_is_down_is_told_by_exit_code_1() {
    let scene = Scene::new();
    let mut config = sigstore::json("client_trust_config.json");
    config["signingConfig"]["caUrls"][0]["url"] = NOWHERE.into();
    scene.write("config.json", config.to_string());
    let token = Signer::Person.token();
    let words =
        ["model-signing", "sign", "model", "--trust_config", "config.json", "--identity_token", &token];
    refused(&scene, &mut scene.command(words), &["Signing failed with error", NOWHERE]);
}
