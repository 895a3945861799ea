//! Verification summaries by identities: made, taken, and refused.

use std::process::Command;

use modelseal::Sha256Digest;
use serde_json::{Value, json};

use crate::genuine::BY_PERSON;
use crate::provenance::*;
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::sigstore::{self, Signer};
use crate::stage::Answer;

const VERIFIER: &str = "https://registry.example/verifier";
const SUMMARY: &str = "vsa.json";

/// What the registry asks of models of `acme`, here a person.
fn registry() -> String {
    let rule = "[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = { any = [\"acme\"] }";
    policy_of(&[publisher("acme", Signer::Person)], rule)
}

/// Whoever takes nothing but the word of the registry, here a workflow, about this
/// policy.
fn consumer(policy: &str) -> String {
    let digest = Sha256Digest::of(policy.as_bytes());
    let rule = format!(
        "[[rules]]\nscope = \"hf://acme/*\"\n[[rules.summaries]]\nsigned-by = \"registry\"\n\
         verifier = {VERIFIER:?}\npolicies = [\"sha256:{digest}\"]\nmax-age = \"1h\""
    );
    policy_of(&[publisher("registry", Signer::Workflow)], &rule)
}

/// The registry judges the model under a policy of its own, and says so.
fn summarize(scene: &Scene, policy: &str, signer: Signer, verifier: &str) -> Command {
    let (config, token) = (sigstore::file("client_trust_config.json"), signer.token());
    let emit = ["--emit-vsa", SUMMARY, "--verifier-id", verifier];
    let by = ["--trust-config", &config, "--identity-token", &token];
    scene.judge(policy, &[emit, by].concat())
}

fn summarized() -> Scene {
    let scene = Scene::with(&BY_PERSON);
    allows(&mut summarize(&scene, &registry(), Signer::Workflow, VERIFIER));
    scene
}

const WITH_SUMMARY: [&str; 2] = ["--bundle", SUMMARY];

/// The consumer denies, for this reason of the summary.
#[track_caller]
fn does_not_count(scene: &Scene, consume: &mut Command, problem: &str) {
    let report = scene.refuses(consume, 1, "no-summary", &[]).report;
    let reasons = report["verdict"]["reasons"].as_array().unwrap();
    assert!(reasons.iter().any(|reason| reason["code"] == problem), "{problem}: {report:#}");
}

#[test]
fn a_consumer_takes_the_summary_of_the_registry_for_the_signature_of_the_publisher() {
    let scene = summarized();
    let verdict = allows(&mut scene.judge(&consumer(&registry()), &WITH_SUMMARY));
    let summary = &verdict["summary"];
    assert_eq!((&summary["publisher"], &summary["verifier"]), (&json!("registry"), &json!(VERIFIER)));
    assert_eq!(summary["signer"]["owner-id"], "4242", "{verdict:#}");
    scene.refuses(&mut scene.judge(&consumer(&registry()), &[]), 1, "no-summary", &[]);
}

#[test]
fn a_summary_is_taken_from_the_claims_of_the_model_too() {
    let scene = Scene::with(&BY_PERSON);
    let (config, token) = (sigstore::file("client_trust_config.json"), Signer::Workflow.token());
    let emit = ["--emit-vsa", CLAIMS, "--verifier-id", VERIFIER];
    let by = ["--trust-config", &config, "--identity-token", &token];
    allows(&mut scene.judge(&registry(), &[emit, by].concat()));
    allows(&mut scene.judge(&consumer(&registry()), &[]));
}

#[test]
fn a_summary_by_another_identity_than_the_registry_is_nobodys() {
    let scene = Scene::with(&BY_PERSON);
    allows(&mut summarize(&scene, &registry(), Signer::Person, VERIFIER));
    does_not_count(&scene, &mut scene.judge(&consumer(&registry()), &WITH_SUMMARY), "not-recognised");
}

#[test]
fn a_summary_by_whoever_took_over_the_name_of_the_registry_is_nobodys() {
    let scene = Scene::with(&BY_PERSON);
    let token = Signer::Workflow.token_with(&json!({ "repository_owner_id": "9999" }));
    let config = sigstore::file("client_trust_config.json");
    let emit = ["--emit-vsa", SUMMARY, "--verifier-id", VERIFIER];
    let by = ["--trust-config", &config, "--identity-token", &token];
    allows(&mut scene.judge(&registry(), &[emit, by].concat()));
    does_not_count(&scene, &mut scene.judge(&consumer(&registry()), &WITH_SUMMARY), "not-recognised");
}

#[test]
fn a_summary_of_another_verifier_does_not_count() {
    let scene = Scene::with(&BY_PERSON);
    allows(&mut summarize(&scene, &registry(), Signer::Workflow, "https://registry.example/other"));
    does_not_count(&scene, &mut scene.judge(&consumer(&registry()), &WITH_SUMMARY), "other-verifier");
}

#[test]
fn a_summary_of_the_same_bytes_under_another_name_does_not_count() {
    let scene = summarized();
    for name in ["hf://acme/other", "hf://acme/toy@main"] {
        let mut consume = scene.judge_as(name, &consumer(&registry()), &WITH_SUMMARY);
        does_not_count(&scene, &mut consume, "other-reference");
    }
}

#[test]
fn a_summary_under_another_policy_does_not_count() {
    let scene = summarized();
    let other = registry().replace("serial = 1", "serial = 2");
    does_not_count(&scene, &mut scene.judge(&consumer(&other), &WITH_SUMMARY), "other-policy");
}

#[test]
fn a_summary_of_other_bytes_says_nothing_of_these() {
    let scene = summarized();
    scene.write("model/a", "changed");
    scene.refuses(&mut scene.judge(&consumer(&registry()), &WITH_SUMMARY), 1, "no-summary", &[]);
}

#[test]
fn a_summary_of_a_denial_is_made_and_admits_nothing() {
    let scene = Scene::with(&BY_PERSON);
    let strict = registry().replace("signed-by", "bind-name = true\nsigned-by");
    let denied = Answer::of(&mut summarize(&scene, &strict, Signer::Workflow, VERIFIER)).expect(1);
    let report: Value = serde_json::from_str(&denied.stdout).unwrap();
    assert_eq!(report["verdict"]["vsa"]["result"], "FAILED", "{report:#}");
    does_not_count(&scene, &mut scene.judge(&consumer(&strict), &WITH_SUMMARY), "not-passed");
}

#[test]
fn a_summary_names_the_policy_and_every_bundle_by_which_it_was_reached() {
    let scene = Scene::new();
    succeeds(&mut scene.sign(&["--identity-token", &Signer::Person.token()]));
    allows(&mut summarize(&scene, &registry(), Signer::Workflow, VERIFIER));
    let predicate = statement(&scene, SUMMARY)["predicate"].take();
    assert_eq!(predicate["policy"]["digest"]["sha256"], Sha256Digest::of(registry().as_bytes()).to_string());
    assert_eq!(predicate["resourceUri"], "hf://acme/toy");
    let digest = Sha256Digest::of(&payload(&scene, BUNDLE)).to_string();
    let inputs = json!([{ "name": "model.sig", "digest": { "sha256": digest } }]);
    assert_eq!(predicate["inputAttestations"], inputs, "{predicate:#}");
}
