//! What was built, and in which run: said differently by every build type.

use modelseal_manifest::Escaped;

use crate::field::Fields;
use crate::{PredicateError, ResourceDescriptor};

/// Workflows of GitHub Actions: what GitHub's own attestations have, and those of
/// npm had before.
pub(super) const GITHUB_WORKFLOW: &str = "https://actions.github.io/buildtypes/workflow/v1";
const GITHUB_WORKFLOW_OF_NPM: &str = "https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1";
/// Jobs of GitLab, as modelseal describes them (`spec/attestations.md`).
pub(super) const GITLAB_JOB: &str = "urn:modelseal:build:gitlab-ci:v1";
/// What slsa-github-generator writes, in version 0.2.
const GITHUB_GENERATOR: &str = "https://github.com/slsa-framework/slsa-github-generator/";

/// A repository, and what of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Source {
    /// The repository: a URL.
    pub repository: String,
    /// The branch or tag: `refs/heads/…`, `refs/tags/…`.
    pub reference: Option<String>,
    /// The commit.
    pub commit: Option<String>,
}

/// A run of a CI system, by its own word.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Run {
    /// The workflow that ran, where the build type takes that for the builder: a
    /// URL with its ref.
    pub workflow: Option<String>,
    /// The workflow of the repository that was started: likewise.
    pub config: Option<String>,
    /// Whose machine it ran on: `github-hosted`, `self-hosted`.
    pub runner: Option<String>,
    /// The repository that it ran for: a URL.
    pub repository: String,
    /// The branch or tag.
    pub reference: Option<String>,
    /// The commit.
    pub commit: Option<String>,
    /// The number of the repository.
    pub repository_id: Option<String>,
    /// The number of its owner.
    pub owner_id: Option<String>,
    /// What started it.
    pub trigger: Option<String>,
    /// The run itself: a URL.
    pub invocation: Option<String>,
}

impl Source {
    /// `externalParameters.source`, as a text or as a resource: what the build
    /// types of GitLab's runner and of SLSA's own builders have.
    pub(super) fn of_v1(definition: &Fields<'_>) -> Option<Self> {
        let parameters = definition.object("externalParameters").ok()??;
        match parameters.object("source") {
            Ok(source) => {
                let source = source?;
                let digest = source.object("digest").ok()?;
                let commit = digest.and_then(|digest| commit(&digest).ok()?).map(str::to_owned);
                Some(Self { commit, ..Self::of_uri(source.text("uri").ok()??) })
            }
            Err(_) => Some(Self::of_uri(parameters.text("source").ok()??)),
        }
    }

    pub(super) fn of_v0_2(fields: &Fields<'_>) -> Result<Option<Self>, PredicateError> {
        let Some(invocation) = fields.object("invocation")? else { return Ok(None) };
        let Some(config) = invocation.object("configSource")? else { return Ok(None) };
        let Some(uri) = config.text("uri")? else { return Ok(None) };
        let commit = match config.object("digest")? {
            Some(digest) => commit(&digest)?.map(str::to_owned),
            None => None,
        };
        Ok(Some(Self { commit, ..Self::of_uri(uri) }))
    }

    /// `git+https://host/owner/repository@refs/heads/main`. A ref may hold an `@` too,
    /// and one before the path belongs to the host.
    fn of_uri(uri: &str) -> Self {
        let uri = uri.strip_prefix("git+").unwrap_or(uri);
        let host = uri.find("://").map_or(0, |at| at + 3);
        let path = uri[host..].find('/').map(|at| host + at);
        let at = path.and_then(|path| Some(path + uri[path..].find('@')?));
        let (repository, reference) = at.map_or((uri, None), |at| (&uri[..at], Some(&uri[at + 1..])));
        Self { repository: repository.to_owned(), reference: reference.map(str::to_owned), commit: None }
    }
}

fn commit<'a>(digest: &Fields<'a>) -> Result<Option<&'a str>, PredicateError> {
    Ok(digest.text("gitCommit")?.or(digest.text("sha1")?))
}

impl Run {
    /// The run of a build type that has one.
    pub(super) fn of_v1(
        (build_type, builder): (&str, &str),
        definition: &Fields<'_>,
        metadata: Option<&Fields<'_>>,
        dependencies: &[ResourceDescriptor],
    ) -> Result<Option<Self>, PredicateError> {
        let external = definition.object("externalParameters")?;
        let internal = definition.object("internalParameters")?;
        let run = match build_type {
            GITHUB_WORKFLOW | GITHUB_WORKFLOW_OF_NPM => github(external.as_ref(), internal.as_ref())?,
            GITLAB_JOB => gitlab(external.as_ref(), internal.as_ref())?,
            _ => return Ok(None),
        };
        let invocation = metadata.map_or(Ok(None), |metadata| metadata.text("invocationId"))?;
        let source = dependencies.iter().find_map(|resource| source_of(resource, &run.repository));
        let source = source.unwrap_or_default();
        // In a URI some characters of a ref are written otherwise.
        let reference = run.reference.or(source.reference);
        let invocation = invocation.map(str::to_owned);
        let workflow = (build_type == GITHUB_WORKFLOW).then(|| builder.to_owned());
        Ok(Some(Self { workflow, commit: source.commit, reference, invocation, ..run }))
    }

    /// Workflows of slsa-github-generator are called by the repository that they
    /// build, and are the builder.
    pub(super) fn of_v0_2(build_type: &str, builder: &str, source: &Source) -> Option<Self> {
        let Source { repository, reference, commit } = source.clone();
        build_type.starts_with(GITHUB_GENERATOR).then(|| Self {
            workflow: Some(builder.to_owned()),
            repository,
            reference,
            commit,
            ..Self::default()
        })
    }

    pub(super) fn source(&self) -> Source {
        let Self { repository, reference, commit, .. } = self.clone();
        Source { repository, reference, commit }
    }
}

fn github(external: Option<&Fields<'_>>, internal: Option<&Fields<'_>>) -> Result<Run, PredicateError> {
    let missing = || PredicateError::Field {
        field: "buildDefinition.externalParameters.workflow".to_owned(),
        problem: format!("is missing, and {} has it", Escaped(GITHUB_WORKFLOW)),
    };
    let workflow = external.map_or(Ok(None), |external| external.object("workflow"))?.ok_or_else(missing)?;
    let github = internal.map_or(Ok(None), |internal| internal.object("github"))?;
    let told = |name| github.as_ref().map_or(Ok(None), |github| github.text(name));
    let repository = workflow.required("repository", Fields::text)?;
    let (reference, path) = (workflow.text("ref")?, workflow.text("path")?);
    let config = reference.zip(path).map(|(reference, path)| format!("{repository}/{path}@{reference}"));
    Ok(Run {
        repository: repository.to_owned(),
        reference: reference.map(str::to_owned),
        config,
        runner: told("runner_environment")?.map(str::to_owned),
        repository_id: told("repository_id")?.map(str::to_owned),
        owner_id: told("repository_owner_id")?.map(str::to_owned),
        trigger: told("event_name")?.map(str::to_owned),
        ..Run::default()
    })
}

fn gitlab(external: Option<&Fields<'_>>, internal: Option<&Fields<'_>>) -> Result<Run, PredicateError> {
    let missing = || PredicateError::Field {
        field: "buildDefinition.externalParameters".to_owned(),
        problem: format!("is missing, and {GITLAB_JOB} has it"),
    };
    let external = external.ok_or_else(missing)?;
    let told = |name| internal.map_or(Ok(None), |internal| internal.text(name));
    Ok(Run {
        repository: external.required("source", Fields::text)?.to_owned(),
        reference: external.text("ref")?.map(str::to_owned),
        repository_id: told("projectId")?.map(str::to_owned),
        owner_id: told("namespaceId")?.map(str::to_owned),
        trigger: told("pipelineSource")?.map(str::to_owned),
        ..Run::default()
    })
}

/// What was checked out of the repository itself, among what went into the build.
fn source_of(resource: &ResourceDescriptor, repository: &str) -> Option<Source> {
    let source = Source::of_uri(resource.uri()?);
    let commit = resource.digest("gitCommit").or(resource.digest("sha1"))?.to_owned();
    (source.repository == repository).then_some(Source { commit: Some(commit), ..source })
}
