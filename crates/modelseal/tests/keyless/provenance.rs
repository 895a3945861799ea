//! How a model was made, by the word of identities: what a CI job says of itself,
//! and how old that is.

use std::fs;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::genuine::BY_WORKFLOW;
use crate::scene::{Scene, succeeds};
use crate::service::Service;
use crate::sigstore::{self, Signer, services_at, url};
use crate::stage::Answer;
use crate::workbench::testdata;

pub(crate) const WORKFLOW: &str =
    "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main";
pub(crate) const COMMIT: &str = "9f2c1f3e0b7a4d5c8e6f1a2b3c4d5e6f7a8b9c0d";
const RUN: &str = "https://github.com/acme/models/actions/runs/5150/attempts/1";
const REUSABLE: &str = "https://github.com/acme/builders/.github/workflows/tune.yml@refs/tags/v1";
const OF_GITHUB: &str = "https://actions.github.io/buildtypes/workflow/v1";
pub(crate) const CLAIMS: &str = "model/claims.jsonl";
/// A predicate type that nothing is known of.
pub(crate) const SCAN: &str = "https://scanner.example/scan/v1";

/// What a job on GitHub finds in its environment.
const GITHUB_JOB: [(&str, &str); 14] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_REPOSITORY", "acme/models"),
    ("GITHUB_REPOSITORY_ID", "777"),
    ("GITHUB_REPOSITORY_OWNER_ID", "4242"),
    ("GITHUB_WORKFLOW_REF", "acme/models/.github/workflows/release.yml@refs/heads/main"),
    ("GITHUB_REF", "refs/heads/main"),
    ("GITHUB_SHA", COMMIT),
    ("GITHUB_EVENT_NAME", "push"),
    ("GITHUB_RUN_ID", "5150"),
    ("GITHUB_RUN_ATTEMPT", "1"),
    ("RUNNER_ENVIRONMENT", "github-hosted"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ambient-secret"),
    ("GITLAB_CI", ""),
];

/// What one on GitLab does.
const GITLAB_JOB: [(&str, &str); 16] = [
    ("GITLAB_CI", "true"),
    ("CI_PROJECT_URL", "https://gitlab.example/acme/models"),
    ("CI_PROJECT_ID", "31"),
    ("CI_PROJECT_NAMESPACE_ID", "12"),
    ("CI_COMMIT_REF_NAME", "1.2.0"),
    ("CI_COMMIT_TAG", "1.2.0"),
    ("CI_COMMIT_SHA", COMMIT),
    ("CI_PIPELINE_SOURCE", "push"),
    ("CI_MERGE_REQUEST_REF_PATH", ""),
    ("CI_CONFIG_PATH", ""),
    ("CI_JOB_NAME", "release"),
    ("CI_JOB_URL", "https://gitlab.example/acme/models/-/jobs/9"),
    ("CI_JOB_STARTED_AT", "2026-01-31T12:00:00Z"),
    ("CI_RUNNER_ID", "5"),
    ("CI_RUNNER_VERSION", "18.6.0"),
    ("CI_RUNNER_EXECUTABLE_ARCH", "linux/amd64"),
];

/// A publisher of this name: whoever has the identity, of a workflow by the
/// number of its owner.
pub(crate) fn publisher(name: &str, signer: Signer) -> String {
    let claims = match signer {
        Signer::Person => "",
        Signer::Workflow => ", claims = { source-owner-id = \"4242\" }",
    };
    let (issuer, identity) = (signer.issuer(), signer.identity());
    format!("[publishers.{name}]\nsigstore = [{{ issuer = {issuer:?}, identity = {identity:?}{claims} }}]\n")
}

/// A publisher with a key.
fn keyholder(name: &str) -> String {
    format!("[publishers.{name}]\nkeys = [{:?}]\n", key("p256.pub"))
}

pub(crate) fn policy_of(publishers: &[String], rules: &str) -> String {
    let root = sigstore::file("trusted_root.json");
    let publishers = publishers.concat();
    format!("version = 1\nserial = 1\nexpires = 2099-01-01\ntrusted-root = {root:?}\n{publishers}\n{rules}\n")
}

/// A policy in which `acme`, a workflow, signs the models of `hf://acme/*`. The rule
/// goes on with what is demanded.
pub(crate) fn policy(demands: &str) -> String {
    let rule = format!("[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ any = [\"acme\"] }}\n{demands}");
    let publishers =
        [publisher("acme", Signer::Workflow), publisher("person", Signer::Person), keyholder("scanner")];
    policy_of(&publishers, &rule)
}

/// A demand of a rule.
pub(crate) fn demand(kind: &str, by: &str, more: &str) -> String {
    format!("[[rules.attestations]]\ntype = {kind:?}\nsigned-by = {{ any = [{by:?}] }}\n{more}\n")
}

/// The verdict of a command, which has to allow without a warning.
#[track_caller]
pub(crate) fn allows(command: &mut Command) -> Value {
    let report = succeeds(command);
    assert_eq!(report["verdict"]["outcome"], "allow", "{report:#}");
    report["verdict"].clone()
}

/// Whoever has to attest attests this model, and it does not count for this reason.
#[track_caller]
pub(crate) fn is_not_accepted(scene: &Scene, policy: &str, problem: &str, words: &[&str]) {
    let refused = scene.refuses(&mut scene.judge(policy, &[]), 1, "attestation-not-accepted", words);
    let attested = refused.report["verdict"]["attestations"].as_array().unwrap();
    let problems: Vec<&Value> = attested.iter().map(|attested| &attested["problem"]["code"]).collect();
    assert!(problems.contains(&&json!(problem)), "{problem}: {:#}", refused.report);
}

fn key(name: &str) -> String {
    testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

/// What is signed in the last line of a file of bundles.
pub(crate) fn payload(scene: &Scene, path: &str) -> Vec<u8> {
    let text = fs::read_to_string(scene.at(path)).unwrap();
    payload_of(text.lines().next_back().unwrap())
}

pub(crate) fn payload_of(bundle: &str) -> Vec<u8> {
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    BASE64_STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap()
}

/// The same as a statement.
pub(crate) fn statement(scene: &Scene, path: &str) -> Value {
    serde_json::from_slice(&payload(scene, path)).unwrap()
}

/// Provenance of a build type that is not known.
pub(crate) fn build(more: &[(&str, Value)]) -> Value {
    let mut predicate = json!({
        "buildDefinition": {
            "buildType": "https://acme.example/tune/v1",
            "externalParameters": { "source": "git+https://github.com/acme/models@refs/heads/main" },
        },
        "runDetails": { "builder": { "id": WORKFLOW }, "metadata": {} },
    });
    for (pointer, value) in more {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        predicate.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    predicate
}

/// A time so many hours from now.
fn in_hours(hours: i64) -> Value {
    let now = modelseal::Clock::system().now().as_second();
    modelseal::Timestamp::from_second(now + hours * 3600).unwrap().to_string().into()
}

/// A job on GitHub with the permission to have identity tokens.
fn on_github(mut command: Command, changed: &[(&str, &str)]) -> Command {
    command.envs(GITHUB_JOB).envs(changed.iter().copied());
    command.env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/ambient/github", url("issuer")));
    command
}

fn on_gitlab(mut command: Command) -> Command {
    command.envs(GITLAB_JOB);
    command
}

const FROM_CI: [&str; 2] = ["--provenance", "--from-ci"];

#[test]
fn a_job_on_github_attests_what_it_built_and_what_it_says_stands_apart_from_what_is_proved() {
    let scene = Scene::with(&BY_WORKFLOW);
    let report = succeeds(&mut on_github(scene.attest(&FROM_CI), &[]));
    let said = &report["provenance"];
    assert_eq!((&said["builder"], &said["build_type"]), (&json!(WORKFLOW), &json!(OF_GITHUB)));
    let source = json!({
        "repository": "https://github.com/acme/models", "ref": "refs/heads/main", "commit": COMMIT,
    });
    assert_eq!(said["source"], source, "{report:#}");
    let proved = &report["signature"]["signer"];
    assert_eq!(proved["identity"], WORKFLOW, "{report:#}");
    assert_eq!(proved["claims"]["run-invocation"], RUN, "{report:#}");
    assert_eq!(report["signature"]["times"][0]["evidence"], "timestamp", "{report:#}");
}

#[test]
fn a_job_on_github_attests_as_github_itself_does() {
    let scene = Scene::with(&BY_WORKFLOW);
    succeeds(&mut on_github(scene.attest(&FROM_CI), &[]));
    let predicate = statement(&scene, CLAIMS)["predicate"].take();
    let workflow = json!({
        "ref": "refs/heads/main",
        "repository": "https://github.com/acme/models",
        "path": ".github/workflows/release.yml",
    });
    let github = json!({
        "event_name": "push",
        "repository_id": "777",
        "repository_owner_id": "4242",
        "runner_environment": "github-hosted",
    });
    let source = json!({
        "uri": "git+https://github.com/acme/models@refs/heads/main",
        "digest": { "gitCommit": COMMIT },
    });
    let definition = json!({
        "buildType": OF_GITHUB,
        "externalParameters": { "workflow": workflow },
        "internalParameters": { "github": github },
        "resolvedDependencies": [source],
    });
    assert_eq!(predicate["buildDefinition"], definition);
    let details = json!({
        "builder": { "id": WORKFLOW, "version": { "modelseal": env!("CARGO_PKG_VERSION") } },
        "metadata": { "invocationId": RUN },
    });
    assert_eq!(predicate["runDetails"], details);
}

#[test]
fn the_report_for_people_says_what_the_job_says_and_what_its_certificate_does() {
    let scene = Scene::with(&BY_WORKFLOW);
    let config = sigstore::file("client_trust_config.json");
    let attest = ["attest", "model", "--trust-config", &config, "--provenance", "--from-ci"];
    let text = Answer::of(&mut on_github(scene.command(attest), &[])).expect(0).stdout;
    for line in [
        format!("Says        builder {WORKFLOW}\n"),
        format!("Says        source https://github.com/acme/models@refs/heads/main, commit {COMMIT}\n"),
        format!("Says        run {RUN}\n"),
        format!("Signer      {WORKFLOW}\n"),
        "Claim       source-owner-id 4242\n".to_owned(),
        "SLSA level  build level 2 at most: the job wrote it about itself".to_owned(),
    ] {
        assert!(text.contains(&line), "{line:?} is missing from {text}");
    }
}

#[test]
fn a_policy_takes_what_a_job_on_github_says_of_itself_for_level_2_at_most() {
    let scene = Scene::with(&BY_WORKFLOW);
    succeeds(&mut on_github(scene.attest(&FROM_CI), &[]));
    for (level, found) in [(1, 1), (2, 2), (3, 2)] {
        let more = format!(
            "builder = {WORKFLOW:?}\nbuild-type = {OF_GITHUB:?}\nsource = \"https://github.com/acme/*\"\n\
             source-ref = \"refs/heads/main\"\nmax-age = \"1h\"\nbuild-level = {level}"
        );
        let verdict = allows(&mut scene.judge(&policy(&demand("provenance", "acme", &more)), &[]));
        assert_eq!(verdict["build_level"], found, "{verdict:#}");
        assert_eq!(verdict["attestations"][0]["counts"], true, "{verdict:#}");
    }
}

/// What the report says that it could be evidence for.
#[track_caller]
fn level_at_most(attest: &mut Command) -> Value {
    succeeds(attest)["provenance"]["level_at_most"].clone()
}

#[test]
fn what_a_job_says_is_level_2_at_most_by_its_identity_on_a_machine_of_the_platform() {
    let scene = Scene::with(&BY_WORKFLOW);
    assert_eq!(level_at_most(&mut on_github(scene.attest(&FROM_CI), &[])), 2);
}

#[test]
fn what_a_job_says_is_level_1_at_most_on_a_machine_of_its_own() {
    let scene = Scene::with(&BY_WORKFLOW);
    let token = Signer::Workflow.token_with(&json!({ "runner_environment": "self-hosted" }));
    let attest = scene.attest(&[&FROM_CI[..], &["--identity-token", &token]].concat());
    assert_eq!(level_at_most(&mut on_github(attest, &[("RUNNER_ENVIRONMENT", "self-hosted")])), 1);
}

/// Everything in the job can write to its environment.
#[test]
fn a_job_on_a_machine_of_its_own_does_not_pass_for_one_of_the_platform() {
    let scene = Scene::with(&BY_WORKFLOW);
    let token = Signer::Workflow.token_with(&json!({ "runner_environment": "self-hosted" }));
    let attest = scene.attest(&[&FROM_CI[..], &["--identity-token", &token]].concat());
    let words = ["runner-environment", "github-hosted", "self-hosted"];
    scene.refuses(&mut on_github(attest, &[]), 2, "provenance-contradicted", &words);
}

#[test]
fn what_a_job_says_is_level_1_at_most_by_a_key() {
    let scene = Scene::with(&BY_WORKFLOW);
    let (key, command) = (key("p256.pem"), ["attest", "model", "--format", "json"]);
    let attest = scene.command(command.iter().chain(&FROM_CI).chain(&["--key", &key]));
    assert_eq!(level_at_most(&mut on_github(attest, &[])), 1);
}

#[test]
fn what_a_job_says_is_level_1_at_most_by_the_identity_of_a_person() {
    let scene = Scene::with(&BY_WORKFLOW);
    let attest = scene.attest(&[&FROM_CI[..], &["--identity-token", &Signer::Person.token()]].concat());
    assert_eq!(level_at_most(&mut on_github(attest, &[])), 1);
}

#[test]
fn a_job_whose_environment_contradicts_its_certificate_writes_nothing() {
    let other = "https://github.com/acme/models/.github/workflows/other.yml@refs/heads/main";
    for (variable, value, claim, said) in [
        ("GITHUB_REPOSITORY", "acme/other", "source-repository", "https://github.com/acme/other"),
        ("GITHUB_SERVER_URL", "https://ghes.example", "build-signer", "https://ghes.example/acme/models/"),
        ("GITHUB_REF", "refs/tags/v1", "source-ref", "refs/tags/v1"),
        ("GITHUB_SHA", "0000000000000000000000000000000000000000", "source-digest", "0000000000"),
        ("GITHUB_REPOSITORY_ID", "778", "source-repository-id", "778"),
        ("GITHUB_REPOSITORY_OWNER_ID", "9999", "source-owner-id", "9999"),
        ("GITHUB_EVENT_NAME", "pull_request", "build-trigger", "pull_request"),
        ("GITHUB_RUN_ID", "5151", "run-invocation", "runs/5151/attempts/1"),
        ("GITHUB_RUN_ATTEMPT", "2", "run-invocation", "runs/5150/attempts/2"),
        ("GITHUB_WORKFLOW_REF", &other["https://github.com/".len()..], "build-signer", other),
    ] {
        let scene = Scene::with(&BY_WORKFLOW);
        let mut attest = on_github(scene.attest(&FROM_CI), &[(variable, value)]);
        let words = [claim, said, "nothing was written", "what was published stays published"];
        scene.refuses(&mut attest, 2, "provenance-contradicted", &words);
    }
}

#[test]
fn a_job_that_contradicts_its_certificate_leaves_the_file_that_it_should_replace() {
    let scene = Scene::with(&BY_WORKFLOW);
    let options = [&FROM_CI[..], &["-o", "attested.json", "--force"]].concat();
    succeeds(&mut on_github(scene.attest(&options), &[]));
    let before = fs::read(scene.at("attested.json")).unwrap();
    let mut attest = on_github(scene.attest(&options), &[("GITHUB_REF", "refs/tags/v1")]);
    scene.refuses(&mut attest, 2, "provenance-contradicted", &["source-ref"]);
    assert_eq!(fs::read(scene.at("attested.json")).unwrap(), before);
}

#[test]
fn provenance_from_a_file_that_contradicts_the_certificate_is_not_written_either() {
    let scene = Scene::with(&BY_WORKFLOW);
    succeeds(&mut on_github(scene.attest(&[&FROM_CI[..], &["-o", "attested.json"]].concat()), &[]));
    let mut predicate = statement(&scene, "attested.json")["predicate"].take();
    predicate["runDetails"]["metadata"]["invocationId"] = RUN.replace("5150", "5151").into();
    scene.write("provenance.json", predicate.to_string());
    let token = Signer::Workflow.token();
    let mut attest = scene.attest(&["--provenance", "provenance.json", "--identity-token", &token]);
    scene.refuses(&mut attest, 2, "provenance-contradicted", &["run-invocation", "runs/5151/attempts/1"]);
}

/// The token of a job that runs a reusable workflow.
fn token_of_reusable() -> String {
    let workflow = REUSABLE.strip_prefix("https://github.com/").unwrap();
    Signer::Workflow.token_with(&json!({ "job_workflow_ref": workflow }))
}

#[test]
fn a_job_of_a_reusable_workflow_names_it_as_its_builder() {
    let (scene, token) = (Scene::with(&BY_WORKFLOW), token_of_reusable());
    let options = [&FROM_CI[..], &["--builder", REUSABLE, "--identity-token", &token]].concat();
    let report = succeeds(&mut on_github(scene.attest(&options), &[]));
    assert_eq!(report["provenance"]["builder"], REUSABLE, "{report:#}");
    assert_eq!(report["signature"]["signer"]["identity"], REUSABLE, "{report:#}");
    assert_eq!(report["provenance"]["source"]["repository"], "https://github.com/acme/models");
    let workflow =
        &statement(&scene, CLAIMS)["predicate"]["buildDefinition"]["externalParameters"]["workflow"];
    assert_eq!(workflow["path"], ".github/workflows/release.yml");
}

#[test]
fn a_job_of_a_reusable_workflow_that_is_not_named_is_told_to_name_it() {
    let (scene, token) = (Scene::with(&BY_WORKFLOW), token_of_reusable());
    let options = [&FROM_CI[..], &["--identity-token", &token]].concat();
    let mut attest = on_github(scene.attest(&options), &[]);
    let words = ["build-signer", REUSABLE, WORKFLOW, "--builder URI"];
    scene.refuses(&mut attest, 2, "provenance-contradicted", &words);
}

#[test]
fn a_job_that_names_a_workflow_which_it_does_not_run_is_refused() {
    let scene = Scene::with(&BY_WORKFLOW);
    let mut attest = on_github(scene.attest(&[&FROM_CI[..], &["--builder", REUSABLE]].concat()), &[]);
    scene.refuses(&mut attest, 2, "provenance-contradicted", &["build-signer", REUSABLE, WORKFLOW]);
}

/// Branches with characters that no URI has, or that may stand there as they are:
/// certificates have the workflow as a URL.
pub(crate) const BRANCHES: [&str; 4] =
    ["refs/heads/fix-#12", "refs/heads/fix(scope)", "refs/heads/it's-#(12)", "refs/heads/gr\u{f6}\u{df}e"];

/// The workflow on another branch, and the claims of its token.
pub(crate) fn workflow_on(branch: &str) -> (String, Value) {
    let workflow = WORKFLOW["https://github.com/".len()..].replace("refs/heads/main", branch);
    let claims = json!({ "ref": branch, "job_workflow_ref": workflow, "workflow_ref": workflow });
    (workflow, claims)
}

#[test]
fn a_job_on_a_branch_with_any_characters_attests_it_and_is_found_again() {
    for branch in BRANCHES {
        let scene = Scene::with(&BY_WORKFLOW);
        let (workflow, claims) = workflow_on(branch);
        let token = Signer::Workflow.token_with(&claims);
        let options = [&FROM_CI[..], &["--identity-token", &token]].concat();
        let job = [("GITHUB_REF", branch), ("GITHUB_WORKFLOW_REF", &workflow)];
        let report = succeeds(&mut on_github(scene.attest(&options), &job));
        assert_eq!(report["provenance"]["source"]["ref"], branch, "{report:#}");
        let more = format!("source-ref = {branch:?}");
        let policy = policy(&demand("provenance", "acme", &more));
        let policy = policy.replace("refs/heads/main", "refs/heads/*");
        allows(&mut scene.judge(&policy, &[]));
    }
}

#[test]
fn a_job_on_gitlab_attests_what_it_built_by_the_token_in_its_environment() {
    let scene = Scene::with(&BY_WORKFLOW);
    let mut attest = on_gitlab(scene.attest(&FROM_CI));
    let report = succeeds(attest.env("SIGSTORE_ID_TOKEN", Signer::Person.token()));
    assert_eq!(report["provenance"]["level_at_most"], 1, "{report:#}");
    assert_eq!(report["signature"]["signer"]["identity"], Signer::Person.identity(), "{report:#}");
    let more = "builder = \"https://gitlab.example/acme/models/-/runners/*\"\n\
                build-type = \"urn:modelseal:build:gitlab-ci:v1\"\n\
                source = \"https://gitlab.example/acme/models\"\nsource-ref = \"refs/tags/*\"";
    allows(&mut scene.judge(&policy(&demand("provenance", "person", more)), &[]));
}

#[test]
fn a_job_on_gitlab_attests_what_its_environment_says_with_a_key() {
    let scene = Scene::with(&BY_WORKFLOW);
    let (key, command) = (key("p256.pem"), ["attest", "model", "--format", "json"]);
    let mut attest = on_gitlab(scene.command(command.iter().chain(&FROM_CI).chain(&["--key", &key])));
    assert_eq!(level_at_most(&mut attest), 1);
    let predicate = statement(&scene, CLAIMS)["predicate"].take();
    let definition = json!({
        "buildType": "urn:modelseal:build:gitlab-ci:v1",
        "externalParameters": {
            "source": "https://gitlab.example/acme/models",
            "ref": "refs/tags/1.2.0",
            "configPath": ".gitlab-ci.yml",
            "job": "release",
        },
        "internalParameters": {
            "projectId": "31",
            "namespaceId": "12",
            "pipelineSource": "push",
            "runnerVersion": "18.6.0",
            "runnerArchitecture": "linux/amd64",
        },
        "resolvedDependencies": [{
            "uri": "git+https://gitlab.example/acme/models@refs/tags/1.2.0",
            "digest": { "gitCommit": COMMIT },
        }],
    });
    assert_eq!(predicate["buildDefinition"], definition);
    let details = &predicate["runDetails"];
    assert_eq!(details["builder"]["id"], "https://gitlab.example/acme/models/-/runners/5");
    let metadata = json!({
        "invocationId": "https://gitlab.example/acme/models/-/jobs/9",
        "startedOn": "2026-01-31T12:00:00Z",
    });
    assert_eq!(details["metadata"], metadata);
}

#[test]
fn a_job_on_gitlab_that_signs_as_a_workflow_of_another_platform_contradicts_itself() {
    let scene = Scene::with(&BY_WORKFLOW);
    let mut attest = on_gitlab(scene.attest(&FROM_CI));
    attest.env("SIGSTORE_ID_TOKEN", Signer::Workflow.token());
    let words = ["source-repository", "https://gitlab.example/acme/models", "https://github.com/acme/models"];
    scene.refuses(&mut attest, 2, "provenance-contradicted", &words);
}

#[test]
fn what_is_no_job_says_so_before_anything_is_published() {
    let scene = Scene::with(&BY_WORKFLOW);
    let fulcio = Service::idle();
    let services = services_at(&[("caUrls", &fulcio.url())]).to_string();
    scene.write("services.json", services);
    let (root, token) = (sigstore::file("trusted_root.json"), Signer::Workflow.token());
    let instance = ["--trusted-root", &root, "--signing-config", "services.json", "--identity-token", &token];
    let arguments = ["attest", "model", "--format", "json", "--provenance", "--from-ci"];
    let mut attest = scene.command(arguments.iter().chain(&instance));
    scene.refuses(&mut attest, 2, "ci-environment", &["GITHUB_ACTIONS", "GITLAB_CI", "--provenance FILE"]);
    let mut attest = on_github(scene.command(arguments.iter().chain(&instance)), &[("GITHUB_SHA", "")]);
    scene.refuses(&mut attest, 2, "ci-environment", &["GITHUB_SHA", "GitHub Actions"]);
    assert_eq!(fulcio.asked(), [""; 0]);
}

/// Attests a scan of the model, which has no time of its own.
fn scanned(more: &[&str]) -> Scene {
    let scene = Scene::with(&BY_WORKFLOW);
    scene.write("scan.json", r#"{"findings":[]}"#);
    let arguments = ["attest", "model", "--format", "json", "--type", SCAN, "--predicate", "scan.json"];
    succeeds(&mut scene.command(arguments.iter().chain(more)));
    scene
}

#[test]
fn what_has_no_time_of_its_own_is_as_old_as_the_signature_of_the_identity() {
    let (config, token) = (sigstore::file("client_trust_config.json"), Signer::Person.token());
    let scene = scanned(&["--trust-config", &config, "--identity-token", &token]);
    let verdict = allows(&mut scene.judge(&policy(&demand(SCAN, "person", "max-age = \"1h\"")), &[]));
    assert_eq!(verdict["attestations"][0]["predicate_type"], SCAN, "{verdict:#}");
}

#[test]
fn a_timestamp_does_not_say_how_old_the_attestation_of_a_key_is() {
    let scene = scanned(&["--key", &key("p256.pem"), "--timestamp-url", url("tsa")]);
    let verdict = allows(&mut scene.judge(&policy(&demand(SCAN, "scanner", "")), &[]));
    assert!(verdict["attestations"][0]["time"].is_string(), "the timestamp counts: {verdict:#}");
    let aged = policy(&demand(SCAN, "scanner", "max-age = \"1h\""));
    is_not_accepted(&scene, &aged, "age-unknown", &["a timestamp proves only that it is not younger"]);
}

/// Attests provenance of this predicate, by a signer or by a key.
fn built(predicate: &Value, signer: Option<Signer>) -> Scene {
    let scene = Scene::with(&BY_WORKFLOW);
    scene.write("provenance.json", predicate.to_string());
    let mut attest = if let Some(signer) = signer {
        scene.attest(&["--provenance", "provenance.json", "--identity-token", &signer.token()])
    } else {
        let (key, command) = (key("p256.pem"), ["attest", "model", "--format", "json"]);
        scene.command(command.iter().chain(&["--provenance", "provenance.json", "--key", &key]))
    };
    succeeds(&mut attest);
    scene
}

#[test]
fn provenance_is_as_old_as_it_says_by_a_key_and_by_a_fresh_certificate() {
    let finished = |hours| build(&[("/runDetails/metadata/finishedOn", in_hours(hours))]);
    for (by, signer) in [("acme", Some(Signer::Workflow)), ("scanner", None)] {
        let aged = policy(&demand("provenance", by, "max-age = \"2h\""));
        allows(&mut built(&finished(-1), signer).judge(&aged, &[]));
        is_not_accepted(&built(&finished(-3), signer), &aged, "too-old", &["no older than 2 hours"]);
        is_not_accepted(&built(&finished(1), signer), &aged, "from-the-future", &["which is to come"]);
    }
}

#[test]
fn provenance_is_of_the_end_of_the_build_before_its_beginning() {
    let times = |started, finished| {
        build(&[
            ("/runDetails/metadata/startedOn", in_hours(started)),
            ("/runDetails/metadata/finishedOn", in_hours(finished)),
        ])
    };
    let aged = policy(&demand("provenance", "scanner", "max-age = \"2h\""));
    allows(&mut built(&times(-9, -1), None).judge(&aged, &[]));
    let began = build(&[("/runDetails/metadata/startedOn", in_hours(-9))]);
    is_not_accepted(&built(&began, None), &aged, "too-old", &[]);
}

/// Provenance signed by a workflow that has the name of `acme`, and these numbers.
fn built_by(claims: &Value) -> Scene {
    let scene = Scene::with(&BY_WORKFLOW);
    scene.write("provenance.json", build(&[]).to_string());
    let token = Signer::Workflow.token_with(claims);
    succeeds(&mut scene.attest(&["--provenance", "provenance.json", "--identity-token", &token]));
    scene
}

#[test]
fn provenance_by_whoever_took_over_the_name_of_the_builder_is_nobodys() {
    let asked = policy(&demand("provenance", "acme", &format!("builder = {WORKFLOW:?}")));
    allows(&mut built_by(&json!({})).judge(&asked, &[]));
    let scene = built_by(&json!({ "repository_owner_id": "9999" }));
    let report = scene.refuses(&mut scene.judge(&asked, &[]), 1, "attestation-missing", &["acme"]).report;
    let reasons = report["verdict"]["reasons"].as_array().unwrap();
    let note = reasons.iter().find(|reason| reason["code"] == "not-recognised").unwrap();
    let message = note["message"].as_str().unwrap();
    assert!(message.contains("source-owner-id") && message.contains("9999"), "{report:#}");
}

#[test]
fn a_model_that_is_signed_by_whoever_took_over_the_name_is_denied_with_their_provenance() {
    let scene = Scene::new();
    let token = || Signer::Workflow.token_with(&json!({ "repository_owner_id": "9999" }));
    succeeds(&mut scene.sign(&["--identity-token", &token()]));
    let owner = ("GITHUB_REPOSITORY_OWNER_ID", "9999");
    succeeds(&mut on_github(
        scene.attest(&[&FROM_CI[..], &["--identity-token", &token()]].concat()),
        &[owner],
    ));
    let asked = policy(&demand("provenance", "acme", &format!("builder = {WORKFLOW:?}")));
    scene.refuses(&mut scene.judge(&asked, &[]), 1, "other-owner", &["4242", "9999"]);
}
