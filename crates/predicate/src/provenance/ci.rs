//! What a job of a CI system says of itself, in its environment.
//!
//! Everything in the job can write there: it is the pipeline's own word, and as
//! good as whoever signs it.

use serde_json::{Map, Value, json};

use super::source::{GITHUB_WORKFLOW, GITLAB_JOB};
use super::{NewProvenance, Run, TOOL};
use crate::PredicateError;

/// Where a job runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CiPlatform {
    /// GitHub Actions.
    GitHubActions,
    /// GitLab CI.
    GitLab,
}

/// Why there is no provenance of this job.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CiError {
    /// No job of a CI system that is known.
    #[error(
        "this is no job of GitHub Actions or GitLab CI: neither GITHUB_ACTIONS nor GITLAB_CI is \"true\""
    )]
    NoJob,
    /// A variable that such jobs have is not there.
    #[error("the environment lacks {variable}, which jobs of {platform} have", platform = platform.as_str())]
    Missing {
        /// Where the job runs.
        platform: CiPlatform,
        /// The variable.
        variable: &'static str,
    },
    /// What the job says of itself breaks a rule of SLSA.
    #[error("what the job says of itself makes no provenance: {0}")]
    Predicate(#[from] PredicateError),
}

impl CiPlatform {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHubActions => "GitHub Actions",
            Self::GitLab => "GitLab CI",
        }
    }
}

/// Provenance of this very job.
#[derive(Clone, Debug, PartialEq)]
pub struct CiBuild {
    /// Where it runs.
    pub platform: CiPlatform,
    /// What it says.
    pub provenance: NewProvenance,
    /// What a certificate of this job says too, if one signs.
    pub run: Run,
    /// Whether the machine is one of the platform's own.
    pub is_hosted: bool,
}

impl CiBuild {
    /// Reads the environment of a job; `version` is that of this program. A job of a
    /// reusable workflow of GitHub Actions is not told which one that is: `builder`
    /// says so.
    ///
    /// # Errors
    /// [`CiError`].
    pub fn detect(
        environment: impl Fn(&str) -> Option<String>,
        builder: Option<&str>,
        version: &str,
    ) -> Result<Self, CiError> {
        let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
        let is_true = |name| environment(name).is_some_and(|value| value == "true");
        let platform = match (is_true("GITHUB_ACTIONS"), is_true("GITLAB_CI")) {
            (true, _) => CiPlatform::GitHubActions,
            (false, true) => CiPlatform::GitLab,
            (false, false) => return Err(CiError::NoJob),
        };
        let job = Job { environment: &environment, platform, builder, version };
        match platform {
            CiPlatform::GitHubActions => job.github(),
            CiPlatform::GitLab => job.gitlab(),
        }
    }
}

struct Job<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    platform: CiPlatform,
    builder: Option<&'a str>,
    version: &'a str,
}

impl Job<'_> {
    fn required(&self, variable: &'static str) -> Result<String, CiError> {
        let missing = CiError::Missing { platform: self.platform, variable };
        (self.environment)(variable).ok_or(missing)
    }

    fn optional(&self, variable: &str) -> Option<String> {
        (self.environment)(variable)
    }

    /// The build type that GitHub's own attestations have.
    fn github(&self) -> Result<CiBuild, CiError> {
        let server = self.required("GITHUB_SERVER_URL")?;
        let name = self.required("GITHUB_REPOSITORY")?;
        let repository = format!("{server}/{name}");
        // OWNER/REPOSITORY/PATH@REF, and there may be an @ in either.
        let workflow = self.required("GITHUB_WORKFLOW_REF")?;
        let reference = self.required("GITHUB_REF")?;
        let path = workflow.strip_prefix(&format!("{name}/")).unwrap_or(&workflow);
        let path = match path.strip_suffix(&format!("@{reference}")) {
            Some(path) => path,
            None => path.split_once('@').map_or(path, |(path, _)| path),
        };
        let runner = self.optional("RUNNER_ENVIRONMENT");
        let is_hosted = runner.as_ref().is_some_and(|found| found == "github-hosted");
        let attempt = self.optional("GITHUB_RUN_ATTEMPT").unwrap_or_else(|| "1".to_owned());
        let run = Run {
            config: Some(format!("{repository}/{path}@{reference}")),
            runner,
            reference: Some(reference),
            commit: Some(self.required("GITHUB_SHA")?),
            repository_id: self.optional("GITHUB_REPOSITORY_ID"),
            owner_id: self.optional("GITHUB_REPOSITORY_OWNER_ID"),
            trigger: self.optional("GITHUB_EVENT_NAME"),
            invocation: Some(format!(
                "{repository}/actions/runs/{}/attempts/{attempt}",
                self.required("GITHUB_RUN_ID")?
            )),
            workflow: Some(
                self.builder.map_or_else(|| format!("{server}/{}", as_uri_part(&workflow)), str::to_owned),
            ),
            repository,
        };
        let external =
            json!({ "workflow": { "ref": run.reference, "repository": run.repository, "path": path } });
        let internal = json!({ "github": without_nulls(json!({
            "event_name": run.trigger,
            "repository_id": run.repository_id,
            "repository_owner_id": run.owner_id,
            "runner_environment": run.runner,
        })) });
        let builder = run.workflow.clone().unwrap_or_default();
        self.build(GITHUB_WORKFLOW, (external, internal), &builder, None, is_hosted, run)
    }

    /// A build type of our own: the one of GitLab's runner says what only the
    /// runner knows.
    fn gitlab(&self) -> Result<CiBuild, CiError> {
        let repository = self.required("CI_PROJECT_URL")?;
        let name = self.required("CI_COMMIT_REF_NAME")?;
        let is_tag = self.optional("CI_COMMIT_TAG").is_some();
        let is_merge = self.optional("CI_MERGE_REQUEST_REF_PATH");
        let reference = match is_merge {
            Some(path) => path,
            None => format!("refs/{}/{name}", if is_tag { "tags" } else { "heads" }),
        };
        let runner = self.required("CI_RUNNER_ID")?;
        let run = Run {
            reference: Some(reference),
            commit: Some(self.required("CI_COMMIT_SHA")?),
            repository_id: self.optional("CI_PROJECT_ID"),
            owner_id: self.optional("CI_PROJECT_NAMESPACE_ID"),
            trigger: self.optional("CI_PIPELINE_SOURCE"),
            invocation: Some(self.required("CI_JOB_URL")?),
            repository,
            ..Run::default()
        };
        let config = self.optional("CI_CONFIG_PATH").unwrap_or_else(|| ".gitlab-ci.yml".to_owned());
        let external = without_nulls(json!({
            "source": run.repository,
            "ref": run.reference,
            "configPath": config,
            "job": self.required("CI_JOB_NAME")?,
        }));
        let internal = without_nulls(json!({
            "projectId": run.repository_id,
            "namespaceId": run.owner_id,
            "pipelineSource": run.trigger,
            "runnerVersion": self.optional("CI_RUNNER_VERSION"),
            "runnerArchitecture": self.optional("CI_RUNNER_EXECUTABLE_ARCH"),
        }));
        let builder = format!("{}/-/runners/{runner}", run.repository);
        let builder = self.builder.map_or(builder, str::to_owned);
        let started = self.optional("CI_JOB_STARTED_AT").and_then(|text| text.parse().ok());
        // Whose machine a runner is, its environment does not tell.
        self.build(GITLAB_JOB, (external, internal), &builder, started, false, run)
    }

    fn build(
        &self,
        build_type: &str,
        (external, internal): (Value, Value),
        builder: &str,
        started: Option<jiff::Timestamp>,
        is_hosted: bool,
        run: Run,
    ) -> Result<CiBuild, CiError> {
        let reference = run.reference.as_ref().map(|reference| format!("@{}", as_uri_part(reference)));
        let uri = format!("git+{}{}", run.repository, reference.unwrap_or_default());
        let source = json!({ "uri": uri, "digest": { "gitCommit": run.commit } });
        let metadata = without_nulls(json!({
            "invocationId": run.invocation,
            "startedOn": started.map(|time| time.to_string()),
        }));
        let predicate = json!({
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": external,
                "internalParameters": internal,
                "resolvedDependencies": [source],
            },
            "runDetails": {
                "builder": { "id": builder, "version": { TOOL: self.version } },
                "metadata": metadata,
            },
        });
        let predicate = match predicate {
            Value::Object(predicate) => predicate,
            _ => Map::new(),
        };
        let provenance = NewProvenance::new(predicate)?;
        Ok(CiBuild { platform: self.platform, provenance, run, is_hosted })
    }
}

/// What the environment does not say is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        value => value,
    }
}

/// A text with what no URI has written as `%XX` (RFC 3986, section 2.1).
pub fn as_uri_part(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' | b'/' | b'@' | b':' | b'+' | b'=' | b'!' | b'$' | b'&' | b',' | b';' => {
            char::from(byte).to_string()
        }
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
