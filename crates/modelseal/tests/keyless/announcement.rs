//! What is published stays public for ever: it is said first, and where
//! somebody sits, it is asked.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use modelseal::{
    ClaimsFile, Clock, IdentityPattern, Release, SigstoreTrust, Trust, TrustedRoot, verify_envelope,
};
use serde_json::json;

use crate::scene::{BUNDLE, Scene, succeeds};
use crate::service::{NOWHERE, Service};
use crate::sigstore::{self, Signer, services_at};
use crate::stage::{Answer, talk};

const QUESTION: &str = "Publish it? [y/N] ";
const FOR_EVER: &str = "goes into public logs with this signature, and stays there for ever";

/// A scene, and stand-ins for every service that could publish anything.
struct Watched {
    scene: Scene,
    services: [Service; 3],
}

impl Watched {
    fn new() -> Self {
        Self { scene: Scene::new(), services: [Service::idle(), Service::idle(), Service::idle()] }
    }

    /// Signs on a terminal.
    fn sign(&self) -> Command {
        self.sign_with(&[])
    }

    fn sign_with(&self, more: &[&str]) -> Command {
        let [fulcio, rekor, tsa] = self.services.each_ref().map(Service::url);
        let config = services_at(&[("caUrls", &fulcio), ("rekorTlogUrls", &rekor), ("tsaUrls", &tsa)]);
        self.scene.write("services.json", config.to_string());
        let (root, token) = (sigstore::file("trusted_root.json"), Signer::Person.token());
        let instance = ["--trusted-root", &root, "--signing-config", "services.json"];
        let sign = ["sign", "model", "--format", "json", "--identity-token", &token];
        self.scene.on_a_terminal(&[&sign[..], &instance, more].concat())
    }

    /// None of the services was asked for anything.
    #[track_caller]
    fn nothing_was_published(&self) {
        let asked: Vec<_> = self.services.iter().flat_map(Service::asked).collect();
        assert_eq!(asked, [""; 0]);
    }
}

/// Signs with the real services on a terminal.
fn sign_on_a_terminal(scene: &Scene, more: &[&str]) -> Command {
    let (config, token) = (sigstore::file("client_trust_config.json"), Signer::Person.token());
    let sign = ["sign", "model", "--trust-config", &config, "--identity-token", &token];
    scene.on_a_terminal(&[&sign[..], more].concat())
}

#[track_caller]
fn tells_who(text: &str) {
    let (identity, issuer) = (Signer::Person.identity(), Signer::Person.issuer());
    let notice = format!("Identity    {identity}, by the word of {issuer}");
    assert!(text.contains(&notice), "{notice:?} is missing from {text}");
    assert!(text.contains(FOR_EVER), "{text}");
}

#[test]
fn whoever_says_no_at_a_terminal_has_nothing_published() {
    for no in ["n\n", "\n", "yep\n", "\x04"] {
        let watched = Watched::new();
        let mut sign = watched.sign();
        let before = watched.scene.tree();
        let shown = talk(&mut sign, &[(QUESTION, no)]);
        tells_who(&shown);
        assert!(shown.contains("\"code\": \"declined\""), "{shown}");
        assert!(shown.contains("exit code 2"), "{shown}");
        watched.nothing_was_published();
        assert_eq!(watched.scene.tree(), before);
    }
}

#[test]
fn an_interrupt_at_the_question_publishes_nothing() {
    let watched = Watched::new();
    let mut sign = watched.sign();
    let before = watched.scene.tree();
    let shown = talk(&mut sign, &[(QUESTION, "\x03")]);
    assert!(shown.contains("exit code 130"), "{shown}");
    watched.nothing_was_published();
    assert_eq!(watched.scene.tree(), before);
}

#[test]
fn whoever_says_yes_at_a_terminal_signs() {
    let scene = Scene::new();
    let shown = talk(&mut sign_on_a_terminal(&scene, &[]), &[(QUESTION, "y\n")]);
    tells_who(&shown);
    assert_eq!(shown.matches(QUESTION).count(), 1, "{shown}");
    assert!(shown.contains("exit code 0"), "{shown}");
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

/// A model and its release are two signatures, and two log entries: that is
/// said, and asked once.
#[test]
fn a_model_and_its_release_are_signed_with_one_consent() {
    let scene = Scene::new();
    let release = ["--name", "hf://acme/toy", "--release", "1.2.0"];
    let shown = talk(&mut sign_on_a_terminal(&scene, &release), &[(QUESTION, "y\n")]);
    assert_eq!(shown.matches(QUESTION).count(), 1, "{shown}");
    let warning = "two signatures, of the model and of its release: two log entries,";
    assert!(shown.contains(warning) && !shown.contains(FOR_EVER), "{shown}");
    assert!(shown.contains("exit code 0"), "{shown}");
    succeeds(&mut scene.verify(Signer::Person, &[]));

    let claims = ClaimsFile::read(&scene.at("model/claims.jsonl")).unwrap();
    let [line] = claims.bundles() else { panic!("{claims:?}") };
    let root = TrustedRoot::parse(sigstore::json("trusted_root.json").to_string().as_bytes()).unwrap();
    let identity = IdentityPattern::exact(Signer::Person.identity());
    let trust = SigstoreTrust::identity(root, identity, Signer::Person.issuer(), Clock::system());
    let verified = verify_envelope(line, &Trust::sigstore(trust)).unwrap().into_attestation().unwrap();
    assert_eq!(Release::of(verified.attestation()).unwrap().name.as_str(), "hf://acme/toy");
    assert_eq!((verified.times().len(), verified.log_entries().len()), (1, 1));
    let index =
        |bundle: &serde_json::Value| bundle["verificationMaterial"]["tlogEntries"][0]["logIndex"].clone();
    let line = serde_json::from_slice(&line.to_json()).unwrap();
    assert_ne!(index(&scene.bundle()), index(&line), "each signature has its own entry");
}

#[test]
fn whoever_says_no_to_a_release_has_nothing_published_and_nothing_written() {
    let watched = Watched::new();
    let release = ["--name", "hf://acme/toy", "--release", "1.2.0"];
    let mut sign = watched.sign_with(&release);
    let before = watched.scene.tree();
    let shown = talk(&mut sign, &[(QUESTION, "n\n")]);
    assert!(shown.contains("\"code\": \"declined\""), "{shown}");
    watched.nothing_was_published();
    assert_eq!(watched.scene.tree(), before);
}

#[test]
fn whoever_says_yes_beforehand_is_told_and_not_asked() {
    let scene = Scene::new();
    let shown = talk(&mut sign_on_a_terminal(&scene, &["--yes"]), &[]);
    tells_who(&shown);
    assert!(!shown.contains(QUESTION), "{shown}");
    assert!(shown.contains("exit code 0"), "{shown}");
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn whoever_wants_quiet_is_told_and_asked_all_the_same() {
    let scene = Scene::new();
    let shown = talk(&mut sign_on_a_terminal(&scene, &["--quiet"]), &[(QUESTION, "YES\n")]);
    tells_who(&shown);
    assert!(shown.contains("exit code 0"), "{shown}");
}

#[test]
fn whoever_wants_quiet_and_says_yes_beforehand_is_neither_told_nor_asked() {
    let scene = Scene::new();
    let shown = talk(&mut sign_on_a_terminal(&scene, &["--quiet", "--yes"]), &[]);
    assert!(shown.starts_with("exit code 0"), "{shown}");
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn without_a_terminal_it_is_said_and_not_asked() {
    let scene = Scene::new();
    let answer = Answer::of(&mut scene.sign(&["--identity-token", &Signer::Person.token()])).expect(0);
    tells_who(&answer.stderr);
    assert!(!answer.stderr.contains(QUESTION), "{answer:#?}");
    assert!(scene.at(BUNDLE).exists());
}

#[test]
fn item_87_an_identity_does_not_act_on_the_terminal() {
    let scene = Scene::new();
    let token = Signer::Person.token_with(&json!({ "email": "a\u{1b}[2J\u{202e}@acme.example" }));
    let answer =
        Answer::of(&mut scene.sign_at(&services_at(&[("caUrls", NOWHERE)]), &["--identity-token", &token]))
            .expect(3);
    assert!(answer.stderr.contains("Identity    a\\u{1b}[2J\\u{202e}@acme.example"), "{answer:#?}");
    assert!(!answer.stderr.contains(['\x1b', '\u{202e}']), "{answer:#?}");
}

#[test]
fn it_is_said_before_any_service_is_asked() {
    let scene = Scene::new();
    let fulcio = Service::silent();
    let mut sign = scene.sign_at(
        &services_at(&[("caUrls", &fulcio.url())]),
        &["--identity-token", &Signer::Person.token(), "--timeout", "1"],
    );
    let mut child = sign.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    tells_who(&[lines.next().unwrap(), lines.next().unwrap()].join("\n"));
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert_eq!(fulcio.asked(), ["/api/v2/signingCert"]);
}
