//! The identity of the CI job that the command runs in.

use std::process::Command;

use serde_json::json;

use crate::scene::{BUNDLE, Scene, succeeds};
use crate::sigstore::{Signer, url};

/// What the issuer wants to hear from workflows on GitHub.
const BEARER: &str = "ambient-secret";

/// A job on GitHub that may have identity tokens.
fn on_github<'a>(command: &'a mut Command, bearer: &str) -> &'a mut Command {
    let endpoint = format!("{}/ambient/github", url("issuer"));
    command.env("GITHUB_ACTIONS", "true");
    command.env("ACTIONS_ID_TOKEN_REQUEST_URL", endpoint).env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", bearer)
}

#[track_caller]
fn signed_by_the_workflow(scene: &Scene, command: &mut Command) {
    let signed = succeeds(command);
    assert_eq!(signed["signature"]["signer"]["identity"], Signer::Workflow.identity());
    succeeds(&mut scene.verify(Signer::Workflow, &["--source-repository-id", "777"]));
}

#[test]
fn a_job_on_github_signs_as_its_workflow() {
    let scene = Scene::new();
    signed_by_the_workflow(&scene, on_github(&mut scene.sign(&[]), BEARER));
}

#[test]
fn a_job_on_github_without_the_permission_is_told_which() {
    let scene = Scene::new();
    let mut sign = scene.sign(&[]);
    let words = ["ACTIONS_ID_TOKEN_REQUEST_URL", "permissions: { id-token: write, contents: read }"];
    scene.refuses(sign.env("GITHUB_ACTIONS", "true"), 2, "ci-identity", &words);
}

#[test]
fn a_job_that_github_refuses_a_token_does_not_sign_and_does_not_show_its_secret() {
    let scene = Scene::new();
    let mut sign = scene.sign(&[]);
    let words = ["the identity provider of GitHub Actions", url("issuer"), "/ambient/github", "status 401"];
    let job = on_github(&mut sign, "another-secret");
    scene.refuses(job, 3, "service-refused", &words).hides("another-secret");
}

#[test]
fn a_job_on_gitlab_signs_by_the_token_in_its_environment() {
    let scene = Scene::new();
    let mut sign = scene.sign(&[]);
    sign.env("GITLAB_CI", "true").env("SIGSTORE_ID_TOKEN", Signer::Workflow.token());
    signed_by_the_workflow(&scene, &mut sign);
}

#[test]
fn a_job_on_gitlab_without_a_token_is_told_how_to_have_one() {
    let scene = Scene::new();
    let mut sign = scene.sign(&[]);
    let words = ["SIGSTORE_ID_TOKEN", "id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }"];
    scene.refuses(sign.env("GITLAB_CI", "true"), 2, "ci-identity", &words);
}

#[test]
fn a_job_on_gitlab_with_a_token_for_another_audience_is_refused() {
    let scene = Scene::new();
    let token = Signer::Workflow.token_with(&json!({ "aud": "https://gitlab.example" }));
    let mut sign = scene.sign(&[]);
    sign.env("GITLAB_CI", "true").env("SIGSTORE_ID_TOKEN", &token);
    scene.refuses(&mut sign, 2, "identity-token", &["https://gitlab.example", "sigstore"]).hides(&token);
}

/// Takes the place of a program that gives tokens for these arguments.
fn with_agent(scene: &Scene, name: &str, arguments: &str) {
    scene.write("home/token", Signer::Workflow.token());
    let script = format!("[ \"$*\" = '{arguments}' ] || exit 9\nexec cat \"$HOME/token\"");
    scene.program(name, &script);
}

#[test]
fn a_job_on_buildkite_asks_its_agent() {
    let scene = Scene::new();
    with_agent(&scene, "buildkite-agent", "oidc request-token --audience sigstore");
    signed_by_the_workflow(&scene, scene.sign(&[]).env("BUILDKITE", "true"));
}

#[test]
fn a_job_on_circleci_asks_its_command() {
    let scene = Scene::new();
    with_agent(&scene, "circleci", "run oidc get --root-issuer --claims {\"aud\":\"sigstore\"}");
    signed_by_the_workflow(&scene, scene.sign(&[]).env("CIRCLECI", "true"));
}

#[test]
fn an_agent_that_fails_is_quoted() {
    let scene = Scene::new();
    scene.program("buildkite-agent", "echo 'no token for you' >&2\nexit 4");
    let mut sign = scene.sign(&[]);
    let words = ["buildkite-agent", "no token for you", "--identity-token-file"];
    scene.refuses(sign.env("BUILDKITE", "true"), 2, "ci-identity", &words);
}

#[test]
fn an_agent_that_is_not_there_is_named() {
    let scene = Scene::new();
    let mut sign = scene.sign(&[]);
    scene.refuses(sign.env("BUILDKITE", "true"), 2, "ci-identity", &["buildkite-agent"]);
}

#[test]
fn an_agent_that_does_not_end_is_not_waited_for() {
    let scene = Scene::new();
    scene.program("buildkite-agent", "exec sleep 60");
    let mut sign = scene.sign(&["--timeout", "1"]);
    let words = ["buildkite-agent", "did not end within 1 s"];
    scene.refuses(sign.env("BUILDKITE", "true"), 2, "ci-identity", &words);
}

#[test]
fn a_token_that_is_given_goes_before_that_of_the_job() {
    let scene = Scene::new();
    let mut sign = scene.sign(&["--identity-token", &Signer::Person.token()]);
    succeeds(on_github(&mut sign, "never-asked"));
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn a_key_goes_before_the_identity_of_the_job() {
    let scene = Scene::new();
    let keys = crate::workbench::testdata().join("keys");
    let key = keys.join("p256.pem").into_os_string().into_string().unwrap();
    let mut sign = scene.command(["sign", "model", "--format", "json", "--key", &key]);
    let signed = succeeds(on_github(&mut sign, "never-asked"));
    assert_eq!(signed["signature"]["method"], "key");
    assert!(scene.at(BUNDLE).exists());
}
