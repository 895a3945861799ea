//! The identity of a job.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use modelseal_sign::sigstore::{
    AmbientError, AmbientIdentity, CiEnvironment, IdentityError, IdentityProvider, IdentityToken,
    ProgramFailure, ServiceUrlError, Timeouts, TokenError,
};
use serde_json::json;

use crate::server::{Reply, Server};
use crate::world::{alone_with_programs, in_an_hour, jwt, mail_token, timeouts};

fn detect(variables: &[(&str, &str)]) -> Result<Option<AmbientIdentity>, AmbientError> {
    detect_within(variables, timeouts())
}

fn detect_within(
    variables: &[(&str, &str)],
    timeouts: Timeouts,
) -> Result<Option<AmbientIdentity>, AmbientError> {
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
    AmbientIdentity::detect(|name| find(name).map(OsString::from), timeouts)
}

fn token_of(variables: &[(&str, &str)]) -> Result<IdentityToken, IdentityError> {
    detect(variables).unwrap().unwrap().token(Timestamp::now)
}

#[test]
fn outside_of_a_job_there_is_no_identity() {
    for variables in [
        &[][..],
        &[("GITHUB_ACTIONS", "false"), ("BUILDKITE", ""), ("CIRCLECI", "1"), ("GITLAB_CI", "TRUE")],
        &[("SIGSTORE_ID_TOKEN", "x"), ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x")],
    ] {
        assert!(detect(variables).unwrap().is_none());
    }
}

#[test]
fn a_job_of_github_actions_asks_for_the_audience_with_its_bearer() {
    let server = Server::start(|_| Reply::json(&json!({"count": 1, "value": mail_token()})));
    let url = server.url("/token?api-version=2.0");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer"),
    ];
    let identity = detect(&variables).unwrap().unwrap();
    assert_eq!(identity.environment(), CiEnvironment::GitHubActions);
    assert_eq!(identity.token(Timestamp::now).unwrap().identity(), "release@acme.example");
    let asked = &server.asked()[0];
    assert_eq!(
        (asked.method.as_str(), asked.target.as_str()),
        ("GET", "/token?api-version=2.0&audience=sigstore")
    );
    assert_eq!(asked.header("authorization"), "Bearer bearer");
    assert!(!format!("{identity:?}").contains("bearer"));
}

#[test]
fn a_token_is_kept_until_its_last_minute() {
    for (left, requests) in [(3600, 1), (30, 2)] {
        let server = Server::start(move |_| {
            let end = Timestamp::now().as_second() + left;
            Reply::json(
                &json!({"value": jwt(&json!({"iss": "i", "sub": "s", "aud": "sigstore", "exp": end}))}),
            )
        });
        let base = server.base();
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", base.as_str()),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer"),
        ];
        let identity = detect(&variables).unwrap().unwrap();
        for _ in 0..2 {
            identity.token(Timestamp::now).unwrap();
        }
        assert_eq!(server.asked().len(), requests);
    }
}

#[test]
fn a_job_of_github_actions_without_the_permission_says_so() {
    const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
    const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
    for (variables, missing) in [
        (vec![("GITHUB_ACTIONS", "true")], URL),
        (vec![("GITHUB_ACTIONS", "true"), (URL, ""), (TOKEN, "x")], URL),
        (vec![("GITHUB_ACTIONS", "true"), (URL, "https://x")], TOKEN),
    ] {
        let error = detect(&variables).unwrap_err();
        assert_eq!(error, AmbientError::NoPermission { missing });
        assert!(error.to_string().contains("\"id-token: write\""), "{error}");
    }
}

#[test]
fn the_bearer_of_github_actions_does_not_go_over_plain_http() {
    let error = detect(&[
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://token.example/x"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "bearer"),
    ]);
    let error = error.unwrap_err();
    assert!(matches!(error, AmbientError::Url { source: ServiceUrlError::NotHttps { .. }, .. }), "{error:?}");
}

#[test]
fn a_job_of_gitlab_has_its_token_in_a_variable_or_says_which() {
    let token = mail_token();
    let job = [("GITLAB_CI", "true"), ("SIGSTORE_ID_TOKEN", token.as_str())];
    assert_eq!(token_of(&job).unwrap().identity(), "release@acme.example");
    assert_eq!(detect(&job[..1]).unwrap_err(), AmbientError::NoVariable { name: "SIGSTORE_ID_TOKEN" });
    let other = jwt(&json!({"iss": "i", "sub": "s", "aud": "https://other.example", "exp": in_an_hour()}));
    let error = token_of(&[("GITLAB_CI", "true"), ("SIGSTORE_ID_TOKEN", &other)]).unwrap_err();
    assert!(matches!(error, IdentityError::Token(TokenError::WrongAudience { .. })), "{error:?}");
}

#[test]
fn a_job_of_buildkite_asks_its_agent() {
    let programs = Programs::new("agent");
    programs.add("buildkite-agent", &format!("echo \"$@\" > {}; echo {}", programs.log(), mail_token()));
    let job = [("BUILDKITE", "true"), ("PATH", programs.path())];
    assert_eq!(token_of(&job).unwrap().identity(), "release@acme.example");
    assert_eq!(programs.logged(), "oidc request-token --audience sigstore\n");
}

#[test]
fn a_job_of_circleci_asks_its_program() {
    let programs = Programs::new("circle");
    programs.add("circleci", &format!("echo \"$@\" > {}; printf %s {}", programs.log(), mail_token()));
    let job = [("CIRCLECI", "true"), ("PATH", programs.path())];
    assert_eq!(token_of(&job).unwrap().identity(), "release@acme.example");
    assert_eq!(programs.logged(), "run oidc get --root-issuer --claims {\"aud\":\"sigstore\"}\n");
}

#[test]
fn a_program_that_fails_says_why_and_what_it_printed_is_not_shown() {
    let programs = Programs::new("failing");
    programs.add("buildkite-agent", "echo secret; printf '\\033[2Jno permission' >&2; exit 3");
    let error = token_of(&[("BUILDKITE", "true"), ("PATH", programs.path())]).unwrap_err();
    let shown = error.to_string();
    let expected =
        r#""buildkite-agent" gave no identity token: it ended with exit status: 3: \u{1b}[2Jno permission"#;
    assert_eq!(shown, expected);
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let programs = Programs::new("none");
    let error = token_of(&[("CIRCLECI", "true"), ("PATH", programs.path())]).unwrap_err();
    let IdentityError::Ambient(AmbientError::Program { program, failure }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(program, "circleci");
    assert!(matches!(failure, ProgramFailure::Start { .. }), "{failure:?}");
}

#[test]
fn a_program_without_an_end_is_killed_when_its_time_is_up() {
    let programs = Programs::new("endless");
    let total = Duration::from_millis(300);
    for body in ["exec sleep 60", "sleep 60 & exit 0"] {
        programs.add("buildkite-agent", body);
        let job = [("BUILDKITE", "true"), ("PATH", programs.path())];
        let identity = detect_within(&job, Timeouts { total, ..timeouts() }).unwrap().unwrap();
        let started = Instant::now();
        let error = identity.token(Timestamp::now).unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        let failure = ProgramFailure::Timeout { after: total };
        assert_eq!(error, AmbientError::Program { program: "buildkite-agent", failure }.into());
    }
}

#[test]
fn a_program_that_prints_without_an_end_is_cut_off() {
    let programs = Programs::new("talkative");
    programs.add("buildkite-agent", "trap '' PIPE; yes 2>/dev/null | head -c 1000000; exit 0");
    let error = token_of(&[("BUILDKITE", "true"), ("PATH", programs.path())]).unwrap_err();
    let failure = ProgramFailure::TooLarge { limit: 65536 };
    assert_eq!(error, AmbientError::Program { program: "buildkite-agent", failure }.into());
}

/// A directory of programs of our own, before those of the system.
struct Programs {
    directory: PathBuf,
    path: String,
    _alone: MutexGuard<'static, ()>,
}

impl Programs {
    fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("programs-{name}"));
        fs::create_dir_all(&directory).unwrap();
        let path = format!("{}:/usr/bin:/bin", directory.display());
        Self { directory, path, _alone: alone_with_programs() }
    }

    fn add(&self, name: &str, body: &str) {
        let file = self.directory.join(name);
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn log(&self) -> String {
        self.directory.join("arguments").display().to_string()
    }

    fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap()
    }
}
