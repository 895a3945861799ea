use std::ffi::OsString;
use std::fmt::{self, Debug, Display};
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use modelseal_manifest::Escaped;
use zeroize::Zeroizing;

use super::http::Request;
use super::identity::LastToken;
use super::program::{self, ProgramFailure};
use super::{
    IdentityError, IdentityProvider, IdentityToken, SIGSTORE_AUDIENCE, Service, ServiceUrl, ServiceUrlError,
    Timeouts,
};

/// Tokens of jobs last some minutes, and the next one costs nothing.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// The identity of the job that this process runs in.
///
/// A token is kept until its last minute, where the job can get another.
pub struct AmbientIdentity {
    source: Source,
    timeouts: Timeouts,
    last: LastToken,
}

enum Source {
    GitHub { url: ServiceUrl, bearer: Zeroizing<String> },
    GitLab { token: Zeroizing<String> },
    Buildkite { path: Option<OsString> },
    CircleCi { path: Option<OsString> },
}

impl AmbientIdentity {
    /// Looks for a job that offers identity tokens: of GitHub Actions, GitLab,
    /// Buildkite or `CircleCI`. `environment` gives the variables of the
    /// environment. None of them: there is no such job.
    ///
    /// # Errors
    /// [`AmbientError`] for a job of these that offers no tokens.
    pub fn detect(
        environment: impl Fn(&str) -> Option<OsString>,
        timeouts: Timeouts,
    ) -> Result<Option<Self>, AmbientError> {
        let is_true = |name| environment(name).is_some_and(|value| value == "true");
        let source = if is_true("GITHUB_ACTIONS") {
            github(&environment)?
        } else if is_true("GITLAB_CI") {
            let token = secret(&environment, "SIGSTORE_ID_TOKEN");
            Source::GitLab { token: token.ok_or(AmbientError::NoVariable { name: "SIGSTORE_ID_TOKEN" })? }
        } else if is_true("BUILDKITE") {
            Source::Buildkite { path: environment("PATH") }
        } else if is_true("CIRCLECI") {
            Source::CircleCi { path: environment("PATH") }
        } else {
            return Ok(None);
        };
        Ok(Some(Self { source, timeouts, last: LastToken::until(MARGIN) }))
    }

    /// Where the job runs.
    pub fn environment(&self) -> CiEnvironment {
        match self.source {
            Source::GitHub { .. } => CiEnvironment::GitHubActions,
            Source::GitLab { .. } => CiEnvironment::GitLab,
            Source::Buildkite { .. } => CiEnvironment::Buildkite,
            Source::CircleCi { .. } => CiEnvironment::CircleCi,
        }
    }

    fn fetch(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        let raw = match &self.source {
            Source::GitHub { url, bearer } => {
                let url = url.with_query(&[("audience", SIGSTORE_AUDIENCE)]);
                let request = Request::get(Service::GitHubActions, &url).with_bearer(bearer);
                request.secret(&self.timeouts, "value")?
            }
            Source::GitLab { token } => token.clone(),
            Source::Buildkite { path } => {
                let arguments = ["oidc", "request-token", "--audience", SIGSTORE_AUDIENCE];
                self.run("buildkite-agent", &arguments, path.as_ref())?
            }
            Source::CircleCi { path } => {
                let claims = format!("{{\"aud\":\"{SIGSTORE_AUDIENCE}\"}}");
                let arguments = ["run", "oidc", "get", "--root-issuer", "--claims", &claims];
                self.run("circleci", &arguments, path.as_ref())?
            }
        };
        Ok(IdentityToken::parse(&raw, SIGSTORE_AUDIENCE, now())?)
    }

    fn run(
        &self,
        program: &'static str,
        arguments: &[&str],
        path: Option<&OsString>,
    ) -> Result<Zeroizing<String>, AmbientError> {
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        program::output(command, self.timeouts.total)
            .map_err(|failure| AmbientError::Program { program, failure })
    }
}

/// Both variables are there when the job may have identity tokens.
fn github(environment: &impl Fn(&str) -> Option<OsString>) -> Result<Source, AmbientError> {
    const URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
    const TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";
    let find = |name| secret(environment, name).ok_or(AmbientError::NoPermission { missing: name });
    let (url, bearer) = (find(URL)?, find(TOKEN)?);
    let url = url.parse().map_err(|source| AmbientError::Url { name: URL, source })?;
    Ok(Source::GitHub { url, bearer })
}

fn secret(environment: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<Zeroizing<String>> {
    let value = environment(name)?.into_string().ok()?;
    Some(value).filter(|value| !value.is_empty()).map(Zeroizing::new)
}

impl IdentityProvider for AmbientIdentity {
    fn token(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        self.last.or_fetch(now, || self.fetch(now))
    }
}

impl Debug for AmbientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AmbientIdentity({})", self.environment())
    }
}

/// What runs jobs that can have identity tokens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum CiEnvironment {
    /// GitHub Actions.
    GitHubActions,
    /// GitLab CI/CD.
    GitLab,
    /// Buildkite.
    Buildkite,
    /// `CircleCI`.
    CircleCi,
}

impl Display for CiEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GitHubActions => "GitHub Actions",
            Self::GitLab => "GitLab CI/CD",
            Self::Buildkite => "Buildkite",
            Self::CircleCi => "CircleCI",
        })
    }
}

/// Why a job has no identity token.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AmbientError {
    /// The workflow did not ask for it.
    #[error("this job of GitHub Actions has not the permission \"id-token: write\": {missing} is not set")]
    NoPermission {
        /// The variable that is not there.
        missing: &'static str,
    },
    /// The pipeline did not ask for it.
    #[error(
        "this job of GitLab CI/CD has no identity token for the audience \"sigstore\": {name} is not set"
    )]
    NoVariable {
        /// The variable that is not there.
        name: &'static str,
    },
    /// A variable is not what it should be.
    #[error("{name}: {source}")]
    Url {
        /// The variable.
        name: &'static str,
        /// What is wrong with it.
        source: ServiceUrlError,
    },
    /// The program that gives tokens to jobs gave none.
    #[error("\"{}\" gave no identity token: {failure}", Escaped(program))]
    Program {
        /// The program.
        program: &'static str,
        /// What went wrong with it.
        failure: ProgramFailure,
    },
}
