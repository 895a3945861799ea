use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// What a certificate says of the CI workload that it was issued to: the
/// extensions of Fulcio from `1.3.6.1.4.1.57264.1.9` on. They hold what the
/// provider's identity token said, and are worth as much as its issuer.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Claim {
    /// The workflow that signed, with its ref.
    BuildSigner,
    /// The commit that the workflow was taken from.
    BuildSignerDigest,
    /// The kind of machine that it ran on.
    RunnerEnvironment,
    /// The repository, as a URL.
    SourceRepository,
    /// The commit.
    SourceDigest,
    /// The branch or tag, as `refs/heads/…` or `refs/tags/…`.
    SourceRef,
    /// The number of the repository, which stays when it is renamed, and which
    /// no repository made later under its name has.
    SourceRepositoryId,
    /// The owner, as a URL.
    SourceOwner,
    /// The number of the owner, likewise.
    SourceOwnerId,
    /// The top-level workflow, with its ref.
    BuildConfig,
    /// The commit that the top-level workflow was taken from.
    BuildConfigDigest,
    /// What started the build.
    BuildTrigger,
    /// The run, as a URL.
    RunInvocation,
    /// Whether the repository was public.
    SourceVisibility,
    /// The deployment environment.
    DeploymentEnvironment,
    /// The subject of the identity token.
    TokenSubject,
}

impl Claim {
    const ALL: [(u32, Self, &'static str); 16] = [
        (9, Self::BuildSigner, "build-signer"),
        (10, Self::BuildSignerDigest, "build-signer-digest"),
        (11, Self::RunnerEnvironment, "runner-environment"),
        (12, Self::SourceRepository, "source-repository"),
        (13, Self::SourceDigest, "source-digest"),
        (14, Self::SourceRef, "source-ref"),
        (15, Self::SourceRepositoryId, "source-repository-id"),
        (16, Self::SourceOwner, "source-owner"),
        (17, Self::SourceOwnerId, "source-owner-id"),
        (18, Self::BuildConfig, "build-config"),
        (19, Self::BuildConfigDigest, "build-config-digest"),
        (20, Self::BuildTrigger, "build-trigger"),
        (21, Self::RunInvocation, "run-invocation"),
        (22, Self::SourceVisibility, "source-visibility"),
        (23, Self::DeploymentEnvironment, "deployment-environment"),
        (24, Self::TokenSubject, "token-subject"),
    ];

    /// The claim that an extension holds, by the last number of its OID.
    pub(super) fn of_extension(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|(found, ..)| *found == number).map(|(_, claim, _)| claim)
    }

    /// Whether it tells where the model comes from, and who built it: what a
    /// consumer decides by.
    pub fn is_of_source(self) -> bool {
        matches!(
            self,
            Self::BuildSigner
                | Self::RunnerEnvironment
                | Self::SourceRepository
                | Self::SourceDigest
                | Self::SourceRef
                | Self::SourceRepositoryId
                | Self::SourceOwnerId
        )
    }

    /// The claim of this name, as [`code`](Self::code) gives it.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(.., found)| *found == code).map(|(_, claim, _)| claim)
    }

    /// The names of all claims.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(|(.., code)| code)
    }

    /// A stable name, for machines and options: `source-owner-id`.
    pub fn code(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, claim, _)| *claim == self).map_or("", |(.., code)| code)
    }
}

impl Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The claims of a certificate; none for a certificate of a person.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Claims(pub(super) BTreeMap<Claim, String>);

impl Claims {
    /// What the certificate says, as text from outside.
    pub fn get(&self, claim: Claim) -> Option<&str> {
        self.0.get(&claim).map(String::as_str)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (Claim, &str)> {
        self.0.iter().map(|(claim, value)| (*claim, value.as_str()))
    }
}
