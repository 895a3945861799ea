//! Attestations of cosign, of GitHub's attest action and of slsa-github-generator:
//! what we attest cosign verifies, and what the others attest of our digests counts.

use std::fs;

use modelseal::Sha256Digest;
use serde_json::{Value, json};

use crate::genuine::{BY_PERSON, BY_WORKFLOW};
use crate::interop::cosign;
use crate::peers::Run;
use crate::provenance::{
    BRANCHES, COMMIT, SCAN, WORKFLOW, allows, build, demand, is_not_accepted, payload, policy, policy_of,
    publisher, statement, workflow_on,
};
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::sigstore::{self, Signer};
use crate::workbench::testdata;

/// What is attested here goes to this file.
const ATTESTED: &str = "attested.json";
/// Where everybody looks for bundles of others.
const BESIDE: &str = "model/build.sigstore.json";
const OF_GITHUB: &str = "https://actions.github.io/buildtypes/workflow/v1";
const SUMMARY_TYPE: &str = "https://slsa.dev/verification_summary/v1";
const GENERATOR: &str = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0";

fn key(name: &str) -> String {
    testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

/// The hexadecimal digits of a digest of the model: `digest` or `root`.
fn hex(scene: &Scene, which: &str) -> String {
    let report = succeeds(&mut scene.command(["digest", "model", "--format", "json"]));
    report["model"][which].as_str().unwrap().split_once(':').unwrap().1.to_owned()
}

/// The workflow attests, to a file of its own.
fn attests(scene: &Scene, what: &[&str]) {
    let token = Signer::Workflow.token();
    let by = ["--identity-token", &token, "-o", ATTESTED];
    succeeds(&mut scene.attest(&[what, &by].concat()));
}

fn with_provenance() -> Scene {
    let scene = Scene::with(&BY_WORKFLOW);
    scene.write("provenance.json", build(&[]).to_string());
    scene
}

fn with_scan() -> Scene {
    let scene = Scene::with(&BY_WORKFLOW);
    scene.write("scan.json", r#"{"findings":[]}"#);
    scene
}

/// As cosign verifies what is not here: by the digest of a subject.
fn cosign_verifies(scene: &Scene, kind: &str, (algorithm, hex): (&str, &str), by: &[&str]) -> Run {
    let verify = ["verify-blob-attestation", "--bundle", ATTESTED, "--type", kind];
    cosign(scene, &[&verify[..], &["--digest", hex, "--digestAlg", algorithm], by].concat())
}

fn by_workflow() -> [&'static str; 5] {
    let [identity, issuer] = [Signer::Workflow.identity(), Signer::Workflow.issuer()];
    ["--use-signed-timestamps", "--certificate-identity", identity, "--certificate-oidc-issuer", issuer]
}

#[test]
fn cosign_verifies_the_provenance_that_we_sign_by_the_root_and_by_the_model_digest() {
    let scene = with_provenance();
    attests(&scene, &["--provenance", "provenance.json"]);
    for digest in [("sha256", &hex(&scene, "root")[..]), ("model-v1", &hex(&scene, "digest"))] {
        cosign_verifies(&scene, "slsaprovenance1", digest, &by_workflow()).exits_with(0);
    }
}

#[test]
fn cosign_verifies_any_other_predicate_that_we_sign_by_its_type() {
    let scene = with_scan();
    attests(&scene, &["--type", SCAN, "--predicate", "scan.json"]);
    let root = hex(&scene, "root");
    cosign_verifies(&scene, SCAN, ("sha256", &root), &by_workflow()).exits_with(0);
}

#[test]
fn cosign_verifies_the_summary_of_a_verdict() {
    let scene = Scene::with(&BY_WORKFLOW);
    let (config, token) = (sigstore::file("client_trust_config.json"), Signer::Workflow.token());
    let emit = ["--emit-vsa", ATTESTED, "--verifier-id", "https://registry.example/verifier"];
    let by = ["--trust-config", &config, "--identity-token", &token];
    allows(&mut scene.judge(&policy(""), &[emit, by].concat()));
    let root = hex(&scene, "root");
    cosign_verifies(&scene, SUMMARY_TYPE, ("sha256", &root), &by_workflow()).exits_with(0);
}

/// cosign takes keys on other curves for ones that sign SHA-256 digests, and refuses
/// what is signed with theirs.
#[test]
fn cosign_verifies_what_we_attest_with_a_key() {
    let scene = with_provenance();
    for kind in ["p256", "ed25519"] {
        let private = key(&format!("{kind}.pem"));
        let attest = ["attest", "model", "--format", "json", "--provenance", "provenance.json"];
        let by = ["--key", &private, "-o", ATTESTED, "--force"];
        succeeds(&mut scene.command(attest.iter().chain(&by)));
        let (root, public) = (hex(&scene, "root"), key(&format!("{kind}.pub")));
        let by = ["--key", &public, "--insecure-ignore-tlog"];
        cosign_verifies(&scene, "slsaprovenance1", ("sha256", &root), &by).exits_with(0);
    }
}

#[test]
fn cosign_refuses_our_attestation_for_another_digest() {
    let scene = with_provenance();
    attests(&scene, &["--provenance", "provenance.json"]);
    let other = Sha256Digest::of(b"something else").to_string();
    for digest in [("sha256", &other[..]), ("model-v1", &other), ("sha256", &hex(&scene, "digest"))] {
        let refused = cosign_verifies(&scene, "slsaprovenance1", digest, &by_workflow());
        assert_ne!(refused.code, Some(0), "{refused}");
        assert!(refused.stderr.contains("does not match any digest in statement"), "{refused}");
    }
}

#[test]
fn cosign_refuses_our_attestation_as_one_of_another_type_or_identity() {
    let scene = with_provenance();
    attests(&scene, &["--provenance", "provenance.json"]);
    let root = hex(&scene, "root");
    let refused = cosign_verifies(&scene, SUMMARY_TYPE, ("sha256", &root), &by_workflow());
    assert_ne!(refused.code, Some(0), "{refused}");
    let person = by_workflow().map(|word| if word == WORKFLOW { Signer::Person.identity() } else { word });
    let refused = cosign_verifies(&scene, "slsaprovenance1", ("sha256", &root), &person);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.stderr.contains("expected SAN value"), "{refused}");
}

/// cosign attests, for whoever has the token.
fn cosign_attests(scene: &Scene, token: &str, what: &[&str], output: &str) {
    scene.write("token", token);
    let services = sigstore::file("signing_config.json");
    let attest = ["attest-blob", "--yes", "--signing-config", &services];
    let how = ["--identity-token", "token", "--bundle", output];
    cosign(scene, &[&attest[..], &how, what].concat()).exits_with(0);
}

/// As whoever knows the digest alone would: no file of the model is there.
fn cosign_attests_of(scene: &Scene, kind: &str, hex: &str, output: &str) {
    let what = ["--predicate", "provenance.json", "--type", kind, "--hash", hex, "toy"];
    cosign_attests(scene, &Signer::Workflow.token(), &what, output);
}

/// What demands provenance of the workflow, in full.
fn strict() -> String {
    policy(&demand(
        "provenance",
        "acme",
        &format!(
            "builder = {WORKFLOW:?}\nbuild-type = \"https://acme.example/tune/v1\"\n\
             source = \"https://github.com/acme/models\"\nsource-ref = \"refs/heads/*\"\nmax-age = \"1h\""
        ),
    ))
}

#[test]
fn provenance_that_cosign_attests_of_the_model_digest_counts_beside_the_model_and_elsewhere() {
    let scene = with_provenance();
    cosign_attests_of(&scene, "slsaprovenance1", &hex(&scene, "digest"), BESIDE);
    assert_eq!(statement(&scene, BESIDE)["_type"], "https://in-toto.io/Statement/v0.1");
    let verdict = allows(&mut scene.judge(&strict(), &[]));
    assert_eq!(verdict["attestations"][0]["path"], "build.sigstore.json", "{verdict:#}");
    fs::rename(scene.at(BESIDE), scene.at(ATTESTED)).unwrap();
    allows(&mut scene.judge(&strict(), &["--bundle", ATTESTED]));
}

#[test]
fn provenance_that_cosign_attests_of_the_root_digest_counts_beside_the_signature_with_this_root() {
    let scene = with_provenance();
    cosign_attests_of(&scene, "slsaprovenance1", &hex(&scene, "root"), BESIDE);
    allows(&mut scene.judge(&strict(), &[]));
}

#[test]
fn the_model_digest_binds_where_the_signature_has_another_root_and_the_root_digest_does_not() {
    let scene = with_provenance();
    let (model, root) = (hex(&scene, "digest"), hex(&scene, "root"));
    fs::remove_file(scene.at(BUNDLE)).unwrap();
    succeeds(&mut scene.sign(&["--hash", "blake3", "--identity-token", &Signer::Workflow.token()]));
    cosign_attests_of(&scene, "slsaprovenance1", &root, BESIDE);
    scene.refuses(&mut scene.judge(&strict(), &[]), 1, "attestation-missing", &["provenance", "acme"]);
    cosign_attests_of(&scene, "slsaprovenance1", &model, BESIDE);
    allows(&mut scene.judge(&strict(), &[]));
}

#[test]
fn the_root_digest_binds_nothing_beside_a_signature_that_does_not_count() {
    const SECOND: &str = "model/second.oms.sig";
    let scene = Scene::new();
    scene.write("provenance.json", build(&[]).to_string());
    succeeds(&mut scene.sign(&["--hash", "blake3", "--identity-token", &Signer::Workflow.token()]));
    cosign_attests_of(&scene, "slsaprovenance1", &hex(&scene, "root"), BESIDE);
    scene.write(SECOND, BY_PERSON.to_string());
    scene.refuses(&mut scene.judge(&strict(), &[]), 1, "attestation-missing", &["provenance", "acme"]);
    scene.write(SECOND, BY_WORKFLOW.to_string());
    allows(&mut scene.judge(&strict(), &[]));
}

#[test]
fn provenance_that_cosign_attests_of_something_else_says_nothing_of_the_model() {
    let scene = with_provenance();
    let other = Sha256Digest::of(b"something else").to_string();
    cosign_attests_of(&scene, "slsaprovenance1", &other, BESIDE);
    scene.refuses(&mut scene.judge(&strict(), &[]), 1, "attestation-missing", &["other bytes"]);
}

#[test]
fn provenance_that_cosign_attests_for_somebody_else_is_nobodys() {
    let scene = with_provenance();
    let model = hex(&scene, "digest");
    let what = ["--predicate", "provenance.json", "--type", "slsaprovenance1", "--hash", &model, "toy"];
    cosign_attests(&scene, &Signer::Person.token(), &what, BESIDE);
    scene.refuses(&mut scene.judge(&strict(), &[]), 1, "attestation-missing", &["provenance", "acme"]);
}

#[test]
fn a_whole_statement_that_cosign_signs_counts_as_it_is() {
    let scene = with_provenance();
    let subject = json!([
        { "name": "something else", "digest": { "sha256": Sha256Digest::of(b"1").to_string() } },
        { "name": "toy", "digest": { "model-v1": hex(&scene, "digest") , "sha256": hex(&scene, "root") } },
    ]);
    let whole = json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1", "predicate": build(&[]),
    });
    signed_by_cosign(&scene, &whole, &Signer::Workflow.token());
    allows(&mut scene.judge(&strict(), &[]));
}

#[test]
fn provenance_of_version_0_2_that_cosign_attests_counts() {
    let scene = Scene::with(&BY_WORKFLOW);
    let uri = "git+https://github.com/acme/models@refs/heads/main";
    let predicate = json!({
        "builder": { "id": WORKFLOW },
        "buildType": "https://acme.example/tune/v1",
        "invocation": { "configSource": { "uri": uri, "digest": { "sha1": COMMIT } } },
    });
    scene.write("provenance.json", predicate.to_string());
    cosign_attests_of(&scene, "slsaprovenance02", &hex(&scene, "digest"), BESIDE);
    assert_eq!(statement(&scene, BESIDE)["predicateType"], "https://slsa.dev/provenance/v0.2");
    let verdict = allows(&mut scene.judge(&strict(), &[]));
    assert_eq!(verdict["attestations"][0]["provenance"]["source"]["commit"], COMMIT, "{verdict:#}");
}

#[test]
fn other_predicates_that_cosign_attests_are_demanded_by_their_types() {
    let scene = with_scan();
    let model = hex(&scene, "digest");
    for (kind, name) in [(SCAN, SCAN), ("custom", "https://cosign.sigstore.dev/attestation/v1")] {
        let what = ["--predicate", "scan.json", "--type", kind, "--hash", &model, "toy"];
        cosign_attests(&scene, &Signer::Person.token(), &what, BESIDE);
        allows(&mut scene.judge(&policy(&demand(name, "person", "max-age = \"1h\"")), &[]));
    }
}

/// cosign signs a statement, which lies beside the model then.
fn signed_by_cosign(scene: &Scene, statement: &Value, token: &str) {
    scene.write("statement.json", statement.to_string());
    cosign_attests(scene, token, &["--statement", "statement.json"], BESIDE);
}

/// A statement that is changed in some places.
fn changed(mut statement: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let place = statement.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        *place = value.clone();
    }
    statement
}

/// As `actions/attest-build-provenance` makes it, where it is given a digest.
fn of_github(scene: &Scene) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "toy", "digest": { "sha256": hex(scene, "digest") } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": OF_GITHUB,
                "externalParameters": { "workflow": {
                    "ref": "refs/heads/main",
                    "repository": "https://github.com/acme/models",
                    "path": ".github/workflows/release.yml",
                } },
                "internalParameters": { "github": {
                    "event_name": "push",
                    "repository_id": "777",
                    "repository_owner_id": "4242",
                    "runner_environment": "github-hosted",
                } },
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/acme/models@refs/heads/main",
                    "digest": { "gitCommit": COMMIT },
                }],
            },
            "runDetails": {
                "builder": { "id": WORKFLOW },
                "metadata": { "invocationId": "https://github.com/acme/models/actions/runs/5150/attempts/1" },
            },
        },
    })
}

/// As slsa-github-generator makes it.
fn of_generator(scene: &Scene) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{ "name": "toy", "digest": { "sha256": hex(scene, "digest") } }],
        "predicate": {
            "builder": { "id": GENERATOR },
            "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
            "invocation": {
                "configSource": {
                    "uri": "git+https://github.com/acme/models@refs/heads/main",
                    "digest": { "sha1": COMMIT },
                    "entryPoint": ".github/workflows/release.yml",
                },
                "parameters": {},
                "environment": {
                    "github_actor": "release-bot",
                    "github_actor_id": "1001",
                    "github_base_ref": "",
                    "github_event_name": "push",
                    "github_event_payload": { "ref": "refs/heads/main", "repository": { "id": 777 } },
                    "github_head_ref": "",
                    "github_ref": "refs/heads/main",
                    "github_ref_type": "branch",
                    "github_repository_id": "777",
                    "github_repository_owner": "acme",
                    "github_repository_owner_id": "4242",
                    "github_run_attempt": "1",
                    "github_run_id": "5150",
                    "github_run_number": "7",
                    "github_sha1": COMMIT,
                },
            },
            "metadata": {
                "buildInvocationID": "5150-1",
                "completeness": { "parameters": true, "environment": false, "materials": false },
                "reproducible": false,
            },
            "materials": [{
                "uri": "git+https://github.com/acme/models@refs/heads/main",
                "digest": { "sha1": COMMIT },
            }],
        },
    })
}

/// What demands provenance of this builder and type, from the branch `main`.
fn of_main(publisher_of_build: &str, builder: &str, build_type: &str) -> String {
    let demanded = demand(
        "provenance",
        "builder",
        &format!(
            "builder = {builder:?}\nbuild-type = {build_type:?}\n\
             source = \"https://github.com/acme/models\"\nsource-ref = \"refs/heads/main\"\nbuild-level = 3"
        ),
    );
    let rule = format!("[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ any = [\"acme\"] }}\n{demanded}");
    policy_of(&[publisher("acme", Signer::Workflow), publisher_of_build.to_owned()], &rule)
}

/// A publisher with the identity of a workflow, for repositories of one owner.
fn builder(identity: &str) -> String {
    let issuer = Signer::Workflow.issuer();
    format!(
        "[publishers.builder]\nsigstore = [{{ issuer = {issuer:?}, identity = {identity:?}, \
         claims = {{ source-owner-id = \"4242\" }} }}]\n"
    )
}

/// What believes GitHub's own attestations, by workflows of the repository.
fn policy_of_github() -> String {
    of_main(&builder(WORKFLOW), &WORKFLOW.replace("release.yml", "*"), OF_GITHUB)
}

/// What believes the generator.
fn policy_of_generator() -> String {
    let identity = GENERATOR.replace("v2.1.0", "*");
    of_main(&builder(&identity), &identity, "https://github.com/slsa-framework/slsa-github-generator/*@v1")
}

/// The token of a job that calls the generator.
fn token_of_generator() -> String {
    let workflow = GENERATOR.strip_prefix("https://github.com/").unwrap();
    Signer::Workflow.token_with(&json!({ "job_workflow_ref": workflow }))
}

#[test]
fn what_the_attest_action_of_github_says_is_accepted_as_it_is() {
    let scene = Scene::with(&BY_WORKFLOW);
    signed_by_cosign(&scene, &of_github(&scene), &Signer::Workflow.token());
    let verdict = allows(&mut scene.judge(&policy_of_github(), &[]));
    assert_eq!(verdict["build_level"], 3, "{verdict:#}");
    let source = json!({
        "repository": "https://github.com/acme/models", "ref": "refs/heads/main", "commit": COMMIT,
    });
    assert_eq!(verdict["attestations"][0]["provenance"]["source"], source, "{verdict:#}");
}

#[test]
fn what_the_attest_action_of_github_says_of_the_root_digest_is_accepted_beside_the_signature() {
    let scene = Scene::with(&BY_WORKFLOW);
    let root = hex(&scene, "root").into();
    let of_root = changed(of_github(&scene), &[("/subject/0/digest/sha256", root)]);
    signed_by_cosign(&scene, &of_root, &Signer::Workflow.token());
    allows(&mut scene.judge(&policy_of_github(), &[]));
}

#[test]
fn what_the_attest_action_says_of_a_reusable_workflow_is_accepted_by_that_identity() {
    const REUSABLE: &str = "https://github.com/acme/builders/.github/workflows/tune.yml@refs/tags/v1";
    let scene = Scene::with(&BY_WORKFLOW);
    let claims = json!({ "job_workflow_ref": REUSABLE.strip_prefix("https://github.com/").unwrap() });
    let token = Signer::Workflow.token_with(&claims);
    let statement = changed(of_github(&scene), &[("/predicate/runDetails/builder/id", REUSABLE.into())]);
    signed_by_cosign(&scene, &statement, &token);
    allows(&mut scene.judge(&of_main(&builder(REUSABLE), REUSABLE, OF_GITHUB), &[]));
}

#[test]
fn what_github_attested_for_packages_of_npm_is_accepted_though_it_calls_the_builder_otherwise() {
    let scene = Scene::with(&BY_WORKFLOW);
    let build_type = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1";
    let runner = "https://github.com/actions/runner/github-hosted";
    let statement = changed(
        of_github(&scene),
        &[
            ("/predicate/buildDefinition/buildType", build_type.into()),
            ("/predicate/runDetails/builder/id", runner.into()),
        ],
    );
    signed_by_cosign(&scene, &statement, &Signer::Workflow.token());
    allows(&mut scene.judge(&of_main(&builder(WORKFLOW), runner, build_type), &[]));
}

#[test]
fn what_slsa_github_generator_says_is_accepted_as_it_is() {
    let scene = Scene::with(&BY_WORKFLOW);
    signed_by_cosign(&scene, &of_generator(&scene), &token_of_generator());
    let verdict = allows(&mut scene.judge(&policy_of_generator(), &[]));
    assert_eq!(verdict["build_level"], 3, "{verdict:#}");
}

/// The certificate has the workflow as a URL, and the statement as it is called.
#[test]
fn what_the_attest_action_says_of_a_branch_with_any_characters_is_accepted() {
    let scene = Scene::with(&BY_WORKFLOW);
    let on_main = of_github(&scene);
    for branch in BRANCHES {
        let (workflow, claims) = workflow_on(branch);
        let uri = format!("git+https://github.com/acme/models@{branch}");
        let builder = format!("https://github.com/{workflow}");
        let statement = changed(
            on_main.clone(),
            &[
                ("/predicate/buildDefinition/externalParameters/workflow/ref", branch.into()),
                ("/predicate/buildDefinition/resolvedDependencies/0/uri", uri.into()),
                ("/predicate/runDetails/builder/id", builder.into()),
            ],
        );
        signed_by_cosign(&scene, &statement, &Signer::Workflow.token_with(&claims));
        allows(&mut scene.judge(&policy_of_github().replace("refs/heads/main", "refs/heads/*"), &[]));
    }
}

/// The statement is refused, since the certificate says otherwise.
#[track_caller]
fn is_contradicted(scene: &Scene, statement: &Value, token: &str, policy: &str, words: &[&str]) {
    signed_by_cosign(scene, statement, token);
    is_not_accepted(scene, policy, "provenance-contradicted", &[words, &["the certificate"]].concat());
}

#[test]
fn a_statement_of_github_about_another_run_than_its_certificate_is_refused() {
    const WORKFLOW_OF: &str = "/predicate/buildDefinition/externalParameters/workflow";
    const GITHUB: &str = "/predicate/buildDefinition/internalParameters/github";
    const DEPENDENCY: &str = "/predicate/buildDefinition/resolvedDependencies/0";
    let commit = "0000000000000000000000000000000000000000";
    let run = "https://github.com/acme/models/actions/runs/5151/attempts/1";
    let workflow = "https://github.com/acme/models/.github/workflows/other.yml@refs/heads/main";
    let scene = Scene::with(&BY_WORKFLOW);
    let (true_one, token, policy) = (of_github(&scene), Signer::Workflow.token(), policy_of_github());
    for (place, value, claim) in [
        (format!("{WORKFLOW_OF}/repository"), "https://github.com/acme/other", "source-repository"),
        (format!("{WORKFLOW_OF}/ref"), "refs/heads/other", "source-ref"),
        (format!("{DEPENDENCY}/digest/gitCommit"), commit, "source-digest"),
        (format!("{GITHUB}/repository_id"), "778", "source-repository-id"),
        (format!("{GITHUB}/repository_owner_id"), "9999", "source-owner-id"),
        (format!("{GITHUB}/event_name"), "pull_request", "build-trigger"),
        ("/predicate/runDetails/metadata/invocationId".to_owned(), run, "run-invocation"),
        ("/predicate/runDetails/builder/id".to_owned(), workflow, "build-signer"),
        (format!("{GITHUB}/runner_environment"), "self-hosted", "runner-environment"),
        (format!("{WORKFLOW_OF}/path"), ".github/workflows/other.yml", "build-config"),
    ] {
        let other = changed(true_one.clone(), &[(&place, value.into())]);
        is_contradicted(&scene, &other, &token, &policy, &[claim, value]);
    }
}

/// Where the workflow has no ref, the dependency tells it.
#[test]
fn a_statement_of_github_whose_dependency_is_of_another_ref_than_its_certificate_is_refused() {
    let uri = "git+https://github.com/acme/models@refs/tags/v1";
    let changes = [
        ("/predicate/buildDefinition/externalParameters/workflow/ref", Value::Null),
        ("/predicate/buildDefinition/resolvedDependencies/0/uri", uri.into()),
    ];
    let scene = Scene::with(&BY_WORKFLOW);
    let (other, token) = (changed(of_github(&scene), &changes), Signer::Workflow.token());
    is_contradicted(&scene, &other, &token, &policy_of_github(), &["source-ref", "refs/tags/v1"]);
}

#[test]
fn a_statement_of_the_generator_about_another_run_than_its_certificate_is_refused() {
    let commit = "0000000000000000000000000000000000000000";
    let scene = Scene::with(&BY_WORKFLOW);
    let (true_one, token, policy) = (of_generator(&scene), token_of_generator(), policy_of_generator());
    let another = GENERATOR.replace("v2.1.0", "v2.0.0");
    for (place, value, claim, said) in [
        (
            "invocation/configSource/uri",
            "git+https://github.com/acme/other@refs/heads/main",
            "source-repository",
            "acme/other",
        ),
        (
            "invocation/configSource/uri",
            "git+https://github.com/acme/models@refs/tags/v1",
            "source-ref",
            "refs/tags/v1",
        ),
        ("invocation/configSource/digest/sha1", commit, "source-digest", commit),
        ("builder/id", &another, "build-signer", &another),
    ] {
        let place = format!("/predicate/{place}");
        let other = changed(true_one.clone(), &[(&place, value.into())]);
        is_contradicted(&scene, &other, &token, &policy, &[claim, said]);
    }
}

/// By a policy that knows a workflow by its name alone.
#[test]
fn whoever_took_over_a_name_cannot_claim_the_number_of_its_first_owner() {
    let scene = Scene::with(&BY_WORKFLOW);
    let stranger = Signer::Workflow.token_with(&json!({ "repository_owner_id": "9999" }));
    signed_by_cosign(&scene, &of_github(&scene), &stranger);
    let by_name = policy_of_github().replace("claims = { source-owner-id = \"4242\" }", "name-only = true");
    is_not_accepted(&scene, &by_name, "provenance-contradicted", &["source-owner-id", "4242", "9999"]);
}

#[test]
fn what_a_policy_demands_of_a_build_is_asked_of_statements_of_others() {
    let scene = Scene::with(&BY_WORKFLOW);
    signed_by_cosign(&scene, &of_github(&scene), &Signer::Workflow.token());
    for (key, asked, other, problem) in [
        (
            "builder",
            WORKFLOW.replace("release.yml", "*"),
            WORKFLOW.replace("release", "other"),
            "other-builder",
        ),
        ("build-type", OF_GITHUB.to_owned(), OF_GITHUB.replace("v1", "v2"), "other-build-type"),
        (
            "source",
            "https://github.com/acme/models".to_owned(),
            "https://github.com/acme/other".to_owned(),
            "other-source",
        ),
        ("source-ref", "refs/heads/main".to_owned(), "refs/tags/*".to_owned(), "other-source"),
    ] {
        let line = |value: &str| format!("\n{key} = {value:?}\n");
        let policy = policy_of_github().replace(&line(&asked), &line(&other));
        assert_ne!(policy, policy_of_github());
        is_not_accepted(&scene, &policy, problem, &[&other]);
    }
}

#[test]
fn a_summary_names_a_bundle_of_cosign_by_the_digest_of_what_is_signed() {
    let scene = with_provenance();
    cosign_attests_of(&scene, "slsaprovenance1", &hex(&scene, "digest"), BESIDE);
    let private = key("p256.pem");
    let emit = ["--emit-vsa", ATTESTED, "--verifier-id", "https://registry.example/verifier"];
    allows(&mut scene.judge(&strict(), &[&emit[..], &["--key", &private]].concat()));
    let inputs = statement(&scene, ATTESTED)["predicate"]["inputAttestations"].take();
    let input = inputs.as_array().unwrap().iter().find(|input| input["name"] == "build.sigstore.json");
    let signed = Sha256Digest::of(&payload(&scene, BESIDE)).to_string();
    assert_eq!(input.unwrap()["digest"]["sha256"], signed, "{inputs:#}");
}
