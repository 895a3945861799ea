//! Provenance as other tools write it: SLSA v1 and v0.2, read by their specifications and
//! those of the build types.

use modelseal_bundle::Attestation;
use modelseal_predicate::{PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2, PredicateError, Provenance, Run, Source};
use serde_json::{Value, json};

const COMMIT: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";
const SHA256: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// actions/attest-build-provenance.
fn github() -> Value {
    statement(
        ("https://in-toto.io/Statement/v1", PROVENANCE_TYPE),
        json!({
            "buildDefinition": {
                "buildType": "https://actions.github.io/buildtypes/workflow/v1",
                "externalParameters": { "workflow": { "ref": "refs/heads/main", "repository": "https://github.com/o/r", "path": ".github/workflows/x.yml" } },
                "internalParameters": { "github": { "event_name": "push", "repository_id": "1", "repository_owner_id": "2", "runner_environment": "github-hosted" } },
                "resolvedDependencies": [{ "uri": "git+https://github.com/o/r@refs/heads/main", "digest": { "gitCommit": COMMIT } }]
            },
            "runDetails": {
                "builder": { "id": "https://github.com/o/r/.github/workflows/x.yml@refs/heads/main" },
                "metadata": { "invocationId": "https://github.com/o/r/actions/runs/1/attempts/1" }
            }
        }),
    )
}

/// slsa-github-generator 2.1.
fn generator() -> Value {
    let uri = "git+https://github.com/o/r@refs/heads/main";
    statement(
        ("https://in-toto.io/Statement/v0.1", PROVENANCE_TYPE_V0_2),
        json!({
            "builder": { "id": "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml@refs/tags/v2.1.0" },
            "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
            "invocation": {
                "configSource": { "uri": uri, "digest": { "sha1": COMMIT }, "entryPoint": ".github/workflows/x.yml" },
                "parameters": {}, "environment": { "github_run_id": "123" }
            },
            "metadata": { "buildInvocationID": "123-1", "completeness": { "parameters": true }, "reproducible": false },
            "materials": [{ "uri": uri, "digest": { "sha1": COMMIT } }]
        }),
    )
}

/// The runner of GitLab, with `RUNNER_GENERATE_ARTIFACTS_METADATA`.
fn gitlab_runner() -> Value {
    statement(
        ("https://in-toto.io/Statement/v0.1", PROVENANCE_TYPE),
        json!({
            "buildDefinition": {
                "buildType": "https://gitlab.com/gitlab-org/gitlab-runner/-/blob/17.0.0/PROVENANCE.md",
                "externalParameters": { "CI": "", "CI_JOB_ID": "", "entryPoint": "build", "source": "https://gitlab.com/g/p" },
                "internalParameters": { "name": "r", "executor": "docker", "architecture": "amd64", "job": "99" },
                "resolvedDependencies": [{ "uri": "https://gitlab.com/g/p", "digest": { "sha256": COMMIT } }]
            },
            "runDetails": {
                "builder": { "id": "https://gitlab.com/g/p/-/runners/12", "version": { "gitlab-runner": "17.0.0" } },
                "metadata": { "invocationID": "99", "startedOn": "2024-05-01T10:00:00Z", "finishedOn": "2024-05-01T10:00:07.5Z" }
            }
        }),
    )
}

#[expect(clippy::needless_pass_by_value, reason = "what json! makes is handed over as it is")]
fn statement((statement, predicate): (&str, &str), content: Value) -> Value {
    let subject = json!([{ "name": "weights", "digest": { "sha256": SHA256 } }]);
    json!({ "_type": statement, "subject": subject, "predicateType": predicate, "predicate": content })
}

/// The statement with one field of its predicate set, or another.
fn with(mut statement: Value, pointer: &str, value: &Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    statement["predicate"].pointer_mut(parent).unwrap()[name] = value.clone();
    statement
}

fn without(mut statement: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    statement["predicate"].pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    statement
}

fn read(statement: &Value) -> Result<Provenance, PredicateError> {
    Provenance::of(&Attestation::parse(statement.to_string().as_bytes()).unwrap())
}

#[expect(clippy::unnecessary_wraps, reason = "what is compared is optional")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn main_branch() -> Source {
    let repository = "https://github.com/o/r".to_owned();
    Source { repository, reference: text("refs/heads/main"), commit: text(COMMIT) }
}

/// What the models among the dependencies are called.
fn names(read: &Provenance) -> Vec<Option<String>> {
    read.models().map(|model| model.reference().map(|name| name.to_string())).collect()
}

fn missing(statement: &Value) -> String {
    match read(statement) {
        Err(PredicateError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_attestation_of_github_tells_its_workflow_source_and_run() {
    let read = read(&github()).unwrap();
    assert_eq!(read.builder, "https://github.com/o/r/.github/workflows/x.yml@refs/heads/main");
    assert_eq!(read.source, Some(main_branch()));
    let run = Run {
        workflow: text("https://github.com/o/r/.github/workflows/x.yml@refs/heads/main"),
        config: text("https://github.com/o/r/.github/workflows/x.yml@refs/heads/main"),
        runner: text("github-hosted"),
        repository: "https://github.com/o/r".to_owned(),
        reference: text("refs/heads/main"),
        commit: text(COMMIT),
        repository_id: text("1"),
        owner_id: text("2"),
        trigger: text("push"),
        invocation: text("https://github.com/o/r/actions/runs/1/attempts/1"),
    };
    assert_eq!(read.run, Some(run));
    assert_eq!((read.started, read.finished, read.is_by_the_job_itself), (None, None, false));
}

#[test]
fn the_commit_of_a_run_is_that_of_its_own_repository() {
    let list = "/buildDefinition/resolvedDependencies";
    for other in ["github.com/o/other", "github.com/o/r-evil", "github.com/o/r/x", "github.example/o/r"] {
        let uri = format!("git+https://{other}@refs/heads/main");
        let dependency = json!({ "uri": uri, "digest": { "gitCommit": "00" } });
        let alone = with(github(), list, &json!([dependency]));
        assert_eq!(read(&alone).unwrap().run.unwrap().commit, None, "{other}");
        let own = github()["predicate"].pointer(list).unwrap()[0].clone();
        let both = with(github(), list, &json!([dependency, own]));
        assert_eq!(read(&both).unwrap().run.unwrap().commit, text(COMMIT), "{other}");
    }
}

#[test]
fn a_workflow_of_github_is_refused_without_what_its_build_type_requires() {
    let external = "/buildDefinition/externalParameters";
    for pointer in [external, &format!("{external}/workflow"), &format!("{external}/workflow/repository")] {
        let field = missing(&without(github(), pointer));
        assert!(field.starts_with("buildDefinition.externalParameters"), "{field}");
    }
}

#[test]
fn the_generator_of_slsa_tells_its_source_and_run() {
    let read = read(&generator()).unwrap();
    assert!(read.builder.ends_with("/generator_generic_slsa3.yml@refs/tags/v2.1.0"));
    let Run { repository, reference, commit, .. } = read.run.unwrap();
    assert_eq!(Source { repository, reference, commit }, main_branch());
    assert_eq!(read.source, Some(main_branch()));
    assert_eq!(read.dependencies[0].digest("sha1"), Some(COMMIT));
}

#[test]
fn the_runner_of_gitlab_tells_its_source_and_times() {
    let read = read(&gitlab_runner()).unwrap();
    assert_eq!(read.builder, "https://gitlab.com/g/p/-/runners/12");
    assert_eq!((read.source.unwrap().repository.as_str(), read.run), ("https://gitlab.com/g/p", None));
    assert_eq!(read.started, "2024-05-01T10:00:00Z".parse().ok());
    assert_eq!(read.finished, "2024-05-01T10:00:07.5Z".parse().ok());
    assert_eq!(read.dependencies[0].digest("sha256"), Some(COMMIT));
}

#[test]
fn npm_tells_a_run_whose_builder_is_no_workflow() {
    let npm = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1";
    let statement = with(github(), "/buildDefinition/buildType", &json!(npm));
    let runner = "https://github.com/actions/runner/github-hosted";
    let read = read(&with(statement, "/runDetails/builder/id", &json!(runner))).unwrap();
    let Run { workflow, repository, reference, commit, .. } = read.run.unwrap();
    assert_eq!((read.builder.as_str(), workflow), (runner, None));
    assert_eq!(Source { repository, reference, commit }, main_branch());
}

#[test]
fn npm_before_that_tells_its_source() {
    for (kind, builder) in [
        ("https://github.com/npm/cli/gha/v2", "https://github.com/actions/runner"),
        ("https://github.com/npm/cli/gitlab/v0alpha1", "https://gitlab.com/g/p/-/runners/12"),
    ] {
        let statement = with(generator(), "/buildType", &json!(kind));
        let read = read(&with(statement, "/builder/id", &json!(builder))).unwrap();
        assert_eq!((read.builder.as_str(), read.build_type.as_str()), (builder, kind));
        assert_eq!(read.source, Some(main_branch()));
    }
}

#[test]
fn v0_2_is_enough_with_a_builder_and_a_build_type() {
    let least = json!({ "builder": { "id": "https://example.com/b" }, "buildType": "https://example.com/t" });
    let read = read(&statement(("https://in-toto.io/Statement/v0.1", PROVENANCE_TYPE_V0_2), least)).unwrap();
    assert_eq!((read.source, read.run, read.dependencies), (None, None, vec![]));
}

#[test]
fn a_builder_and_a_build_type_are_required() {
    let v1 =
        "/buildDefinition /buildDefinition/buildType /runDetails /runDetails/builder /runDetails/builder/id";
    for (statement, required) in [(github(), v1), (generator(), "/builder /builder/id /buildType")] {
        for pointer in required.split(' ') {
            let field = missing(&without(statement.clone(), pointer));
            assert_eq!(field, pointer[1..].replace('/', "."));
        }
    }
}

/// "Unset, null, and empty field values MUST be interpreted equivalently."
#[test]
fn an_empty_text_is_an_absent_one() {
    for pointer in ["/buildDefinition/buildType", "/runDetails/builder/id"] {
        assert!(read(&with(gitlab_runner(), pointer, &json!(""))).is_err(), "{pointer}");
    }
    let run = read(&with(github(), "/runDetails/metadata/invocationId", &json!(""))).unwrap().run;
    assert_eq!(run.unwrap().invocation, None);
    let statement = with(gitlab_runner(), "/runDetails/metadata/startedOn", &json!(""));
    assert_eq!(read(&statement).map(|read| read.started), Ok(None));
}

#[test]
fn unknown_fields_are_passed_over_wherever_they_stand() {
    let v1 = "/vendor /buildDefinition/vendor /buildDefinition/externalParameters/vendor \
        /buildDefinition/internalParameters/vendor /runDetails/vendor /runDetails/builder/vendor /runDetails/metadata/vendor";
    let v0_2 = "/vendor /builder/vendor /invocation/vendor /invocation/configSource/vendor /metadata/vendor";
    for (statement, pointers) in [(github(), v1), (gitlab_runner(), v1), (generator(), v0_2)] {
        for pointer in pointers.split_whitespace() {
            let more = with(statement.clone(), pointer, &json!({ "a": [1, null] }));
            assert_eq!(read(&more), read(&statement), "{pointer}");
        }
    }
}

#[test]
fn times_are_moments_whatever_their_offset() {
    let (started, finished) = ("2024-05-01T12:00:00.25+02:00", "2024-05-01T10:00:01Z");
    let v1 = json!({ "startedOn": started, "finishedOn": finished });
    let v0_2 = json!({ "buildStartedOn": started, "buildFinishedOn": finished });
    for statement in [with(github(), "/runDetails/metadata", &v1), with(generator(), "/metadata", &v0_2)] {
        let read = read(&statement).unwrap();
        assert_eq!(read.started, "2024-05-01T10:00:00.25Z".parse().ok());
        assert_eq!(read.finished, finished.parse().ok());
    }
}

#[test]
fn other_predicate_types_are_refused() {
    for name in ["provenance/v0.1", "provenance/v1.0", "provenance/v1/", "provenance/v2", "Provenance/v1"] {
        let other = format!("https://slsa.dev/{name}");
        let mut statement = github();
        statement["predicateType"] = json!(other);
        assert!(matches!(read(&statement), Err(PredicateError::Type { .. })), "{other}");
        assert!(!Provenance::is_type(&other));
    }
    assert!(Provenance::is_type(PROVENANCE_TYPE) && Provenance::is_type(PROVENANCE_TYPE_V0_2));
}

#[test]
fn a_source_uri_is_a_repository_and_a_reference() {
    for (uri, repository, reference) in [
        ("git+https://github.com/o/r@refs/heads/main", "https://github.com/o/r", text("refs/heads/main")),
        ("https://github.com/o/r", "https://github.com/o/r", None),
        ("git+ssh://git@github.com/o/r", "ssh://git@github.com/o/r", None),
        ("git+ssh://git@github.com/o/r@refs/tags/v1", "ssh://git@github.com/o/r", text("refs/tags/v1")),
    ] {
        let source = Source { repository: repository.to_owned(), reference, commit: None };
        for value in [json!(uri), json!({ "uri": uri })] {
            let statement = with(gitlab_runner(), "/buildDefinition/externalParameters/source", &value);
            assert_eq!(read(&statement).unwrap().source.as_ref(), Some(&source), "{uri}");
        }
    }
}

#[test]
fn a_tag_may_hold_an_at_sign() {
    for tag in ["refs/tags/pkg@1.0.0", "refs/tags/@scope/pkg@1.0.0"] {
        let uri = json!(format!("git+https://github.com/o/r@{tag}"));
        let expected = Source { reference: text(tag), ..main_branch() };
        let older = with(generator(), "/invocation/configSource/uri", &uri.clone());
        assert_eq!(read(&older).unwrap().source, Some(expected.clone()));
        let newer = with(github(), "/buildDefinition/externalParameters/workflow/ref", &json!(tag));
        let dependency = json!([{ "uri": uri, "digest": { "gitCommit": COMMIT } }]);
        let newer = with(newer, "/buildDefinition/resolvedDependencies", &dependency);
        assert_eq!(read(&newer).unwrap().source, Some(expected));
    }
}

#[test]
fn a_source_that_is_a_resource_has_its_commit() {
    let source = json!({ "uri": "git+https://github.com/o/r@refs/heads/main", "digest": { "sha1": COMMIT } });
    let statement = with(gitlab_runner(), "/buildDefinition/externalParameters/source", &source);
    assert_eq!(read(&statement).unwrap().source, Some(main_branch()));
}

#[test]
fn provenance_by_the_job_itself_names_modelseal_among_the_versions() {
    let is_by_itself = |version: Value| {
        read(&with(github(), "/runDetails/builder/version", &version)).unwrap().is_by_the_job_itself
    };
    assert!(is_by_itself(json!({ "modelseal": "0.1.0" })));
    for other in [json!({ "modelseal": null }), json!({ "gitlab-runner": "17" }), json!({}), json!(null)] {
        assert!(!is_by_itself(other));
    }
}

#[test]
fn models_are_told_from_other_dependencies_by_name_or_digest() {
    let dependencies = json!([
        { "uri": "git+https://github.com/o/r@refs/heads/main", "digest": { "sha1": COMMIT } },
        { "uri": "pkg:huggingface/acme/base@0123abc", "annotations": { "role": "base-model" } },
        { "uri": "hf://acme/data" }, { "uri": "oci://registry.example/models/toy@v1" },
        { "name": "unnamed", "digest": { "model-v1": SHA256 } },
        { "uri": "pkg:pypi/torch@2.0.0", "digest": { "sha256": SHA256 } }, { "uri": "file:/srv/model" }
    ]);
    for (statement, pointer) in
        [(github(), "/buildDefinition/resolvedDependencies"), (generator(), "/materials")]
    {
        let read = read(&with(statement, pointer, &dependencies.clone())).unwrap();
        assert_eq!(read.dependencies.len(), 7);
        let expected = ["hf://acme/base@0123abc", "hf://acme/data", "oci://registry.example/models/toy@v1"];
        assert_eq!(names(&read)[..3], expected.map(text));
        assert_eq!(names(&read)[3..], [None]);
        let models: Vec<_> = read.models().collect();
        assert_eq!((models[0].role(), models[3].name()), (Some("base-model"), Some("unnamed")));
        assert_eq!(models[3].model_digest(), Some(format!("model-v1:{SHA256}").parse().unwrap()));
    }
}

/// The examples of the package URL specification: with an organisation, without, and of
/// another hub.
#[test]
fn every_package_of_the_hub_is_a_model() {
    for (package, reference) in [
        ("microsoft/deberta-v3-base@559062ad", text("hf://microsoft/deberta-v3-base@559062ad")),
        ("distilbert-base-uncased@043235d6", None),
        ("microsoft/deberta-v3-base@559062ad?repository_url=https://hub-ci.huggingface.co", None),
    ] {
        let materials = json!([{ "uri": format!("pkg:huggingface/{package}") }]);
        let read = read(&with(generator(), "/materials", &materials)).unwrap();
        assert_eq!(names(&read), [reference], "{package}");
    }
}
