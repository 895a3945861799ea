//! What jobs of GitHub Actions and GitLab CI say of themselves, by the variables that the two
//! document, and that it is provenance by the rules.

use std::collections::BTreeMap;

use modelseal_bundle::{Attestation, Subject};
use modelseal_predicate::{CiBuild, CiError, CiPlatform, NewProvenance, Provenance, Run, Source, is_uri};
use serde_json::{Value, json};

type Variables = BTreeMap<&'static str, &'static str>;

const SHA: &str = "ffac537e6cbbf934b08745a378932722df287a53";
const WORKFLOW: &str = "https://github.com/octocat/hello-world/.github/workflows/x.yml@refs/heads/main";

fn github() -> Variables {
    variables(
        "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/main \
        GITHUB_REPOSITORY=octocat/hello-world GITHUB_REPOSITORY_ID=123456789 GITHUB_REPOSITORY_OWNER_ID=1234567 \
        GITHUB_RUN_ATTEMPT=3 GITHUB_RUN_ID=1658821493 GITHUB_SERVER_URL=https://github.com \
        GITHUB_SHA=ffac537e6cbbf934b08745a378932722df287a53 \
        GITHUB_WORKFLOW_REF=octocat/hello-world/.github/workflows/x.yml@refs/heads/main \
        RUNNER_ENVIRONMENT=github-hosted",
    )
}

fn gitlab() -> Variables {
    let variables = variables(
        "GITLAB_CI=true CI_COMMIT_REF_NAME=main CI_COMMIT_SHA=ffac537e6cbbf934b08745a378932722df287a53 \
        CI_JOB_STARTED_AT=2024-05-01T10:00:00Z CI_JOB_URL=https://gitlab.com/g/p/-/jobs/379424655 \
        CI_PIPELINE_SOURCE=push CI_PROJECT_ID=42 CI_PROJECT_NAMESPACE_ID=7 CI_PROJECT_URL=https://gitlab.com/g/p \
        CI_RUNNER_EXECUTABLE_ARCH=linux/amd64 CI_RUNNER_ID=12270852 CI_RUNNER_VERSION=17.0.0",
    );
    with(variables, [("CI_JOB_NAME", "train: [a b]")])
}

fn variables(text: &'static str) -> Variables {
    text.split_whitespace().map(|variable| variable.split_once('=').unwrap()).collect()
}

fn with<const N: usize>(mut variables: Variables, more: [(&'static str, &'static str); N]) -> Variables {
    variables.extend(more);
    variables
}

fn detect(variables: &Variables, builder: Option<&str>) -> Result<CiBuild, CiError> {
    CiBuild::detect(|name| variables.get(name).map(|&value| value.to_owned()), builder, "0.1.0")
}

fn attestation(build: &CiBuild) -> Attestation {
    let digest = BTreeMap::from([("sha256".to_owned(), "00".to_owned())]);
    build.provenance.attest(Subject { name: "m".to_owned(), digest })
}

fn predicate(variables: &Variables) -> Value {
    Value::Object(attestation(&detect(variables, None).unwrap()).predicate().clone())
}

/// Every kind of job below.
fn jobs() -> Vec<(Variables, Option<&'static str>)> {
    let called = "https://github.com/acme/build/.github/workflows/train.yml@refs/tags/v2";
    vec![
        (github(), None),
        (github(), Some(called)),
        (with(github(), [("RUNNER_ENVIRONMENT", "self-hosted")]), None),
        (with(github(), [("GITHUB_REF", "refs/tags/v1.0.0")]), None),
        (with(github(), [("GITHUB_REF", "refs/pull/7/merge"), ("GITHUB_EVENT_NAME", "pull_request")]), None),
        (gitlab(), None),
        (gitlab(), Some("https://example.com/runners/ours")),
        (with(gitlab(), [("CI_COMMIT_TAG", "v1.0.0"), ("CI_COMMIT_REF_NAME", "v1.0.0")]), None),
        (with(gitlab(), [("CI_MERGE_REQUEST_REF_PATH", "refs/merge-requests/1/head")]), None),
    ]
}

#[test]
fn a_job_of_github_says_what_the_build_type_of_github_has() {
    assert_eq!(
        predicate(&github()),
        json!({
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": { "workflow": {
                    "ref": "refs/heads/main",
                    "repository": "https://github.com/octocat/hello-world",
                    "path": ".github/workflows/x.yml",
                } },
                "internalParameters": { "github": {
                    "event_name": "push",
                    "repository_id": "123456789",
                    "repository_owner_id": "1234567",
                    "runner_environment": "github-hosted",
                } },
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/octocat/hello-world@refs/heads/main",
                    "digest": { "gitCommit": SHA },
                }],
            },
            "runDetails": {
                "builder": { "id": WORKFLOW, "version": { "modelseal": "0.1.0" } },
                "metadata": {
                    "invocationId": "https://github.com/octocat/hello-world/actions/runs/1658821493/attempts/3",
                },
            },
        })
    );
    let build = detect(&github(), None).unwrap();
    assert_eq!((build.platform, build.is_hosted), (CiPlatform::GitHubActions, true));
}

#[test]
fn a_job_of_gitlab_says_what_its_variables_tell() {
    assert_eq!(
        predicate(&gitlab()),
        json!({
            "buildDefinition": {
                "buildType": "urn:modelseal:build:gitlab-ci:v1",
                "externalParameters": {
                    "source": "https://gitlab.com/g/p",
                    "ref": "refs/heads/main",
                    "configPath": ".gitlab-ci.yml",
                    "job": "train: [a b]",
                },
                "internalParameters": {
                    "projectId": "42",
                    "namespaceId": "7",
                    "pipelineSource": "push",
                    "runnerVersion": "17.0.0",
                    "runnerArchitecture": "linux/amd64",
                },
                "resolvedDependencies": [{
                    "uri": "git+https://gitlab.com/g/p@refs/heads/main", "digest": { "gitCommit": SHA },
                }],
            },
            "runDetails": {
                "builder": {
                    "id": "https://gitlab.com/g/p/-/runners/12270852", "version": { "modelseal": "0.1.0" },
                },
                "metadata": {
                    "invocationId": "https://gitlab.com/g/p/-/jobs/379424655", "startedOn": "2024-05-01T10:00:00Z",
                },
            },
        })
    );
    let build = detect(&gitlab(), None).unwrap();
    assert_eq!((build.platform, build.is_hosted), (CiPlatform::GitLab, false));
}

#[test]
fn what_a_job_says_meets_the_rules_of_provenance() {
    for (variables, builder) in jobs() {
        let build = detect(&variables, builder).unwrap();
        let json = serde_json::to_vec(attestation(&build).predicate()).unwrap();
        assert_eq!(NewProvenance::parse(&json), Ok(build.provenance));
    }
}

#[test]
fn what_a_job_says_reads_back_as_its_run() {
    for (variables, builder) in jobs() {
        let build = detect(&variables, builder).unwrap();
        let read = Provenance::of(&Attestation::parse(&attestation(&build).to_payload()).unwrap()).unwrap();
        assert!(read.is_by_the_job_itself);
        let Run { repository, reference, commit, .. } = build.run.clone();
        assert_eq!(commit.as_deref(), Some(SHA));
        assert_eq!(read.source, Some(Source { repository, reference, commit }));
        assert_eq!(read.run, Some(build.run));
    }
}

#[test]
fn a_job_of_gitlab_began_when_it_says_in_utc() {
    let local = with(gitlab(), [("CI_JOB_STARTED_AT", "2024-05-01T12:00:00+02:00")]);
    assert_eq!(predicate(&local)["runDetails"]["metadata"]["startedOn"], "2024-05-01T10:00:00Z");
}

#[test]
fn a_self_hosted_runner_of_github_is_told_apart() {
    let variables = with(github(), [("RUNNER_ENVIRONMENT", "self-hosted")]);
    assert!(!detect(&variables, None).unwrap().is_hosted);
    let found = predicate(&variables);
    let internal = &found["buildDefinition"]["internalParameters"];
    assert_eq!(internal["github"]["runner_environment"], "self-hosted");
}

#[test]
fn a_runner_that_does_not_say_it_is_hosted_is_not() {
    let mut variables = github();
    variables.remove("RUNNER_ENVIRONMENT");
    assert!(!detect(&variables, None).unwrap().is_hosted);
}

#[test]
fn a_reusable_workflow_is_the_builder_of_the_workflow_that_calls_it() {
    let called = "https://github.com/acme/build/.github/workflows/train.yml@refs/tags/v2";
    let build = detect(&github(), Some(called)).unwrap();
    assert_eq!(build.run.workflow.as_deref(), Some(called));
    let own = predicate(&github());
    let found = attestation(&build);
    assert_eq!(found.predicate()["runDetails"]["builder"]["id"], called);
    assert_eq!(found.predicate()["buildDefinition"], own["buildDefinition"]);
}

#[test]
fn a_builder_that_is_no_uri_is_refused() {
    for builder in ["acme/build/.github/workflows/train.yml", "", "HTTPS://github.com/acme"] {
        for variables in [github(), gitlab()] {
            let found = detect(&variables, Some(builder));
            assert!(matches!(found, Err(CiError::Predicate(_))), "{builder}: {found:?}");
        }
    }
}

#[test]
fn jobs_run_for_branches_tags_pull_requests_and_merge_requests() {
    let of_github = |reference| (with(github(), [("GITHUB_REF", reference)]), reference);
    let of_gitlab = |name, kind, value, reference| {
        (with(gitlab(), [("CI_COMMIT_REF_NAME", name), (kind, value)]), reference)
    };
    let merge = "refs/merge-requests/1/head";
    for (variables, reference) in [
        of_github("refs/heads/feature/a"),
        of_github("refs/tags/v1.0.0"),
        of_github("refs/pull/7/merge"),
        of_gitlab("feature/a", "CI_COMMIT_BRANCH", "feature/a", "refs/heads/feature/a"),
        of_gitlab("v1", "CI_COMMIT_TAG", "v1", "refs/tags/v1"),
        of_gitlab("feature/a", "CI_MERGE_REQUEST_REF_PATH", merge, merge),
    ] {
        assert_eq!(detect(&variables, None).unwrap().run.reference.as_deref(), Some(reference));
        let uri = predicate(&variables)["buildDefinition"]["resolvedDependencies"][0]["uri"].clone();
        assert!(uri.as_str().unwrap().ends_with(&format!("@{reference}")), "{uri}");
    }
}

/// Tags of releases in repositories of several packages.
#[test]
fn a_tag_with_an_at_sign_reads_back() {
    let workflow = "octocat/hello-world/.github/workflows/x.yml@refs/tags/pkg@1.0.0";
    for variables in [
        with(github(), [("GITHUB_REF", "refs/tags/pkg@1.0.0"), ("GITHUB_WORKFLOW_REF", workflow)]),
        with(gitlab(), [("CI_COMMIT_TAG", "pkg@1.0.0"), ("CI_COMMIT_REF_NAME", "pkg@1.0.0")]),
    ] {
        let build = detect(&variables, None).unwrap();
        let read = Provenance::of(&attestation(&build)).unwrap();
        assert_eq!(read.run, Some(build.run));
    }
}

/// The build type: "the path and/or ref MAY contain `@` symbols".
#[test]
fn the_path_of_a_workflow_may_have_an_at_sign() {
    let reference = "octocat/hello-world/.github/workflows/pkg@1.yml@refs/heads/main";
    let found = predicate(&with(github(), [("GITHUB_WORKFLOW_REF", reference)]));
    let workflow = &found["buildDefinition"]["externalParameters"]["workflow"];
    assert_eq!(workflow["path"], ".github/workflows/pkg@1.yml");
}

#[test]
fn a_branch_whose_name_is_no_part_of_a_uri_is_never_written_as_it_is() {
    for variables in [
        with(github(), [("GITHUB_REF", "refs/heads/modèle")]),
        with(gitlab(), [("CI_COMMIT_REF_NAME", "modèle")]),
        with(gitlab(), [("CI_COMMIT_REF_NAME", "100%")]),
    ] {
        match detect(&variables, None) {
            Ok(_) => {
                let uri = predicate(&variables)["buildDefinition"]["resolvedDependencies"][0]["uri"].clone();
                let uri = uri.as_str().unwrap();
                assert!(is_uri(uri) && !uri.ends_with('%'), "{uri}");
            }
            Err(error) => assert!(matches!(error, CiError::Predicate(_)), "{error}"),
        }
    }
}

#[test]
fn a_server_of_ones_own_is_named() {
    let build = detect(&with(github(), [("GITHUB_SERVER_URL", "https://git.example")]), None).unwrap();
    assert_eq!(build.run.repository, "https://git.example/octocat/hello-world");
    let workflow = "https://git.example/octocat/hello-world/.github/workflows/x.yml@refs/heads/main";
    assert_eq!(build.run.workflow.as_deref(), Some(workflow));
}

#[test]
fn a_configuration_elsewhere_is_named() {
    let found = predicate(&with(gitlab(), [("CI_CONFIG_PATH", "ci/train.yml")]));
    assert_eq!(found["buildDefinition"]["externalParameters"]["configPath"], "ci/train.yml");
}

#[test]
fn a_missing_or_empty_variable_is_named() {
    let of_github =
        "GITHUB_SERVER_URL GITHUB_REPOSITORY GITHUB_WORKFLOW_REF GITHUB_REF GITHUB_SHA GITHUB_RUN_ID";
    let of_gitlab = "CI_PROJECT_URL CI_COMMIT_REF_NAME CI_COMMIT_SHA CI_RUNNER_ID CI_JOB_URL CI_JOB_NAME";
    for (complete, needed, platform) in
        [(github(), of_github, CiPlatform::GitHubActions), (gitlab(), of_gitlab, CiPlatform::GitLab)]
    {
        for variable in needed.split(' ') {
            let mut missing = complete.clone();
            missing.remove(variable).unwrap();
            for variables in [missing, with(complete.clone(), [(variable, "")])] {
                let error = detect(&variables, None).unwrap_err();
                assert_eq!(error, CiError::Missing { platform, variable });
                let message = error.to_string();
                assert!(message.contains(variable) && message.contains(platform.as_str()), "{message}");
            }
        }
    }
}

#[test]
fn what_the_environment_does_not_say_is_left_out() {
    let of_github = "GITHUB_EVENT_NAME GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER_ID";
    let of_gitlab = "CI_JOB_STARTED_AT CI_PIPELINE_SOURCE CI_PROJECT_ID CI_PROJECT_NAMESPACE_ID \
        CI_RUNNER_VERSION CI_RUNNER_EXECUTABLE_ARCH";
    for (mut variables, optional) in [(github(), of_github), (gitlab(), of_gitlab)] {
        variables.retain(|name, _| !optional.split_whitespace().any(|left_out| left_out == *name));
        let text = predicate(&variables).to_string();
        assert!(!text.contains("null") && !text.contains("\"\""), "{text}");
    }
}

#[test]
fn a_machine_that_runs_no_job_has_no_provenance() {
    assert_eq!(detect(&BTreeMap::new(), None), Err(CiError::NoJob));
    for value in ["false", "1", "", "TRUE"] {
        assert_eq!(detect(&with(github(), [("GITHUB_ACTIONS", value)]), None), Err(CiError::NoJob));
        assert_eq!(detect(&with(gitlab(), [("GITLAB_CI", value)]), None), Err(CiError::NoJob));
    }
}
