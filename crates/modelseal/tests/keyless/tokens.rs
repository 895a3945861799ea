//! Identity tokens that cannot be used (item 90): what is wrong is said, and
//! the token is not shown.

use serde_json::json;

use crate::scene::Scene;
use crate::service::Service;
use crate::sigstore::{self, Signer, services_at, url};

/// Seconds since 1970.
fn now() -> i64 {
    modelseal::Timestamp::now().as_second()
}

/// Refused without asking anybody.
#[track_caller]
fn refused_here(token: &str, words: &[&str]) {
    let scene = Scene::new();
    let fulcio = Service::idle();
    let services = services_at(&[("caUrls", &fulcio.url())]);
    let mut sign = scene.sign_at(&services, &["--identity-token", token]);
    scene.refuses(&mut sign, 2, "identity-token", words).hides(token);
    assert_eq!(fulcio.asked(), [""; 0]);
}

/// Refused by Fulcio.
#[track_caller]
fn refused_there(token: &str) {
    let scene = Scene::new();
    let mut sign = scene.sign(&["--identity-token", token]);
    let words =
        ["the certificate authority (Fulcio)", url("fulcio"), "status 4", "know the issuer of the token"];
    scene.refuses(&mut sign, 3, "service-refused", &words).hides(token);
}

#[test]
fn item_90_an_expired_token_is_refused() {
    let token = Signer::Person.token_with(&json!({ "iat": now() - 600, "exp": now() - 1 }));
    refused_here(&token, &["expired at", "get a new token", "nothing was published"]);
}

#[test]
fn item_90_a_token_for_another_audience_is_refused() {
    let token = Signer::Workflow.token_with(&json!({ "aud": "https://other.example" }));
    refused_here(&token, &["https://other.example", "expected the audience \"sigstore\""]);
}

#[test]
fn a_token_of_the_future_is_refused() {
    let token = Signer::Person.token_with(&json!({ "iat": now() + 300, "exp": now() + 900 }));
    refused_here(&token, &["valid from", "is the clock of this machine right?"]);
}

#[test]
fn what_is_no_token_is_refused() {
    for text in ["no-token-at-all", "not.atoken.ofanykind", "aaaaaaaaaaaa.bbbbbbbbbbbb"] {
        refused_here(text, &["cannot be used", "an identity token is a JWT"]);
    }
}

#[test]
fn a_token_without_its_signature_is_refused() {
    let token = Signer::Person.token();
    let (unsigned, _) = token.rsplit_once('.').unwrap();
    refused_here(&format!("{unsigned}."), &["it is not signed"]);
    refused_here(unsigned, &["three parts"]);
}

#[test]
fn a_token_that_names_nobody_is_refused() {
    let token = Signer::Person.token_with(&json!({ "email": null, "sub": null }));
    refused_here(&token, &["names no subject"]);
}

#[test]
fn a_token_under_a_key_that_is_not_the_issuers_is_refused_by_fulcio() {
    refused_there(&Signer::Person.forged_token());
    refused_there(&Signer::Workflow.forged_token());
}

#[test]
fn a_token_of_an_issuer_that_nobody_knows_is_refused_by_fulcio() {
    refused_there(&Signer::Person.token_with(&json!({ "iss": "http://localhost:1/other" })));
}

#[test]
fn a_token_of_an_address_that_was_not_verified_is_refused_by_fulcio() {
    refused_there(&Signer::Person.token_with(&json!({ "email_verified": false })));
}

#[test]
fn a_token_file_that_cannot_be_read_is_named() {
    let scene = Scene::new();
    let mut sign = scene.sign(&["--identity-token-file", "absent.jwt"]);
    scene.refuses(&mut sign, 2, "not-found", &["absent.jwt"]);
    scene.write("token.jwt", b"\xff\xfe");
    let mut sign = scene.sign(&["--identity-token-file", "token.jwt"]);
    scene.refuses(&mut sign, 2, "identity-token", &["token.jwt"]);
}

#[test]
fn a_model_that_holds_the_token_is_not_signed() {
    let scene = Scene::new();
    let token = Signer::Person.token();
    scene.write("model/token.jwt", &token);
    let mut sign = scene.sign(&["--identity-token-file", "model/token.jwt"]);
    scene.refuses(&mut sign, 2, "key-in-model", &["token.jwt", "move it out"]).hides(&token);
}

#[test]
fn two_tokens_are_one_too_many() {
    let scene = Scene::new();
    let token = Signer::Person.token();
    scene.write("token.jwt", &token);
    let config = sigstore::file("client_trust_config.json");
    let tokens = ["--identity-token", &token, "--identity-token-file", "token.jwt"];
    let sign = ["sign", "model", "--trust-config", &config];
    scene.misuses(&mut scene.command(sign.iter().chain(&tokens)), &["--identity-token-file"]);
}
