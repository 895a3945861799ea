use std::fmt::{self, Display};

use jiff::{SignedDuration, Timestamp};
use modelseal_manifest::{Escaped, HashType, ModelDigest, ModelName, Reference, Sha256Digest};
use modelseal_predicate::{SignerId, Version};
use modelseal_verify::Claim;

use crate::Contradiction;
use crate::evidence::{Place, Source};
use crate::lock::LockedSigner;

/// How much of what a signer wrote a message quotes, in characters: it may be a megabyte,
/// and a message be told again for every model that was made from this one.
const QUOTED: usize = 200;

/// One reason of a verdict.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// What it does to the verdict.
    pub severity: Severity,
    /// What it comes from.
    pub basis: Basis,
    /// What it is.
    pub kind: ReasonKind,
}

/// What a reason does to a verdict.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// Nothing: it is told.
    Note,
    /// It is admitted with a warning.
    Warn,
    /// It is denied.
    Deny,
}

impl Severity {
    /// A stable word, for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// What a reason comes from, and so what can soften it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Basis {
    /// The policy as a whole, or a deny-list: nothing softens it.
    Absolute,
    /// What the rule asks: its mode and a waiver do.
    Rule,
    /// What the lock remembers: the mode of the rule does.
    Lock,
}

/// What a reason is. Each has a stable code (`spec/policy.md`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ReasonKind {
    NoRule { name: ModelName },
    PolicyExpired { expired: Timestamp },
    PolicyRolledBack { serial: u64, seen: u64 },
    DenyListUnusable { problem: String },
    DenyListExpired { expired: Timestamp },
    DenyListRolledBack { serial: u64, seen: u64 },
    DeniedModel { model: ModelDigest, reason: String },
    DeniedFile { path: String, digest: Sha256Digest, reason: String },
    DenyNotEvaluated { path: String },
    NameContradicted { asked: Reference, found: Place },
    OtherOwner { publisher: String, claim: Claim, expected: String, found: String },
    OtherFiles { publishers: Vec<String> },
    NotSigned,
    TooFewPublishers { needed: usize, of: Vec<String>, found: Vec<String> },
    NotRecognised { source: Source, problem: String },
    NotCounted { source: Source, publisher: String, signer: String, problem: NotCounted },
    SignerChanged { locked: Vec<LockedSigner>, found: Vec<LockedSigner> },
    Succeeded { from: SignerId, to: SignerId },
    FirstSight,
    LockNotAsked,
    NotPinned,
    ModelChanged { locked: ModelDigest, found: Option<ModelDigest> },
    RevisionChanged { locked: ModelDigest, found: Option<ModelDigest> },
    ReleaseOlder { seen: Version, found: Version },
    ReleaseReused { release: Version, locked: ModelDigest },
    ReleaseMissing { seen: Version },
    NameNotSigned { signed_as: Option<ModelName> },
    UnsignedFiles { paths: Vec<String> },
    PinnedNotSigned,
    Waived { owner: String, reason: String, expires: Timestamp },
    WaiverExpired { owner: String, reason: String, expired: Timestamp },
    Softened { mode: &'static str },
    AttestationMissing { kind: String, of: Vec<String>, is_of_others: bool },
    AttestationRefused { kind: String, source: Source, publisher: String, problem: NotCounted },
    TooFewAttestors { kind: String, needed: usize, of: Vec<String>, found: Vec<String> },
    DependencyWarned { dependency: String, problem: String },
    NoSummary,
    BySummary { source: Source, publisher: String, verifier: String, verified: Option<Timestamp> },
}

/// Why a verified signature, or an attestation, does not count.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum NotCounted {
    Denied { reason: String },
    OtherBytes { problem: String },
    TimeNotProved,
    TooEarly { signed: Timestamp, not_before: Timestamp },
    TooLate { signed: Timestamp, not_after: Timestamp },
    Hash { found: HashType },
    FollowsLinks,
    LegacyFormat,
    NotInLock,
    TooFew,
    Unreadable { problem: String },
    Builder { expected: String, found: String },
    BuildType { expected: String, found: String },
    Contradicted(Contradiction),
    Source { what: &'static str, expected: String, found: Option<String> },
    AgeUnknown,
    FromFuture { at: Timestamp },
    TooOld { at: Timestamp, max_age: SignedDuration },
    NoDependency { needed: usize, found: usize },
    Dependency { dependency: String, problem: String },
    Verifier { expected: String, found: String },
    Resource { found: String },
    PolicyDigest { found: Option<Sha256Digest> },
    NotPassed,
}

impl ReasonKind {
    /// A stable code, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoRule { .. } => "no-rule",
            Self::PolicyExpired { .. } => "policy-expired",
            Self::PolicyRolledBack { .. } => "policy-rolled-back",
            Self::DenyListUnusable { .. } => "deny-list-unusable",
            Self::DenyListExpired { .. } => "deny-list-expired",
            Self::DenyListRolledBack { .. } => "deny-list-rolled-back",
            Self::DeniedModel { .. } => "denied-model",
            Self::DeniedFile { .. } => "denied-file",
            Self::DenyNotEvaluated { .. } => "deny-not-evaluated",
            Self::NameContradicted { .. } => "name-contradicted",
            Self::OtherOwner { .. } => "other-owner",
            Self::OtherFiles { .. } => "other-files",
            Self::NotSigned => "not-signed-by-publisher",
            Self::TooFewPublishers { .. } => "too-few-publishers",
            Self::NotRecognised { .. } => "not-recognised",
            Self::NotCounted { problem, .. } => problem.code(),
            Self::SignerChanged { .. } => "signer-changed",
            Self::Succeeded { .. } => "succeeded",
            Self::FirstSight => "first-sight",
            Self::LockNotAsked => "lock-not-asked",
            Self::NotPinned => "not-pinned",
            Self::ModelChanged { .. } => "model-changed",
            Self::RevisionChanged { .. } => "revision-changed",
            Self::ReleaseOlder { .. } => "release-older",
            Self::ReleaseReused { .. } => "release-reused",
            Self::ReleaseMissing { .. } => "release-missing",
            Self::NameNotSigned { .. } => "model-name-not-signed",
            Self::UnsignedFiles { .. } => "unsigned-files",
            Self::PinnedNotSigned => "pinned-not-signed",
            Self::Waived { .. } => "waived",
            Self::WaiverExpired { .. } => "waiver-expired",
            Self::Softened { .. } => "not-enforced",
            Self::AttestationMissing { .. } => "attestation-missing",
            Self::AttestationRefused { problem: NotCounted::Dependency { .. }, .. } => {
                "dependency-not-admitted"
            }
            Self::AttestationRefused { .. } => "attestation-not-accepted",
            Self::TooFewAttestors { .. } => "too-few-attestors",
            Self::DependencyWarned { .. } => "dependency-warned",
            Self::NoSummary => "no-summary",
            Self::BySummary { .. } => "by-summary",
        }
    }

    /// Which of several reasons of one severity is told first: what explains
    /// the most.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::DeniedModel { .. } | Self::DeniedFile { .. } => 0,
            Self::NameContradicted { .. }
            | Self::OtherOwner { .. }
            | Self::SignerChanged { .. }
            | Self::NameNotSigned { signed_as: Some(_) } => 1,
            Self::OtherFiles { .. }
            | Self::ReleaseReused { .. }
            | Self::RevisionChanged { .. }
            | Self::ReleaseOlder { .. }
            | Self::ReleaseMissing { .. } => 2,
            Self::NotRecognised { .. } | Self::NotCounted { .. } => 4,
            Self::Softened { .. } | Self::Waived { .. } => 5,
            _ => 3,
        }
    }

    /// What to do about it.
    pub const fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoRule { .. } => {
                "a model that no rule is for is denied: add a rule to the policy if it is wanted"
            }
            Self::PolicyExpired { .. } | Self::PolicyRolledBack { .. } => {
                "fetch the current policy from whoever keeps it"
            }
            Self::DenyListUnusable { .. }
            | Self::DenyListExpired { .. }
            | Self::DenyListRolledBack { .. } => {
                "fetch the current deny-list and its signature from whoever keeps it"
            }
            Self::DeniedModel { .. } | Self::DeniedFile { .. } => "do not load this model, whoever signed it",
            Self::NameContradicted { .. } => "name the model that lies there, or take the one that was meant",
            Self::OtherOwner { .. } => {
                "do not use this model: its name may have been registered anew by somebody else; ask the publisher over another channel"
            }
            Self::OtherFiles { .. } => "do not use this model; fetch it anew from the publisher",
            Self::TooFewPublishers { .. } => {
                "ask the missing publishers for their signatures, or name where they lie with --bundle FILE"
            }
            Self::NotSigned => {
                "do not use this model; if its publisher changed, ask them over another channel, and then change the policy"
            }
            Self::SignerChanged { .. } => {
                "ask the publisher, over another channel, whether this is them; then modelseal lock update accepts it"
            }
            Self::NotPinned => "look at the model, and then pin it with modelseal lock add",
            Self::ModelChanged { .. } => {
                "if the change is wanted, modelseal lock update shows what is different and accepts it"
            }
            Self::RevisionChanged { .. } | Self::ReleaseReused { .. } => {
                "what has been released does not change: ask the publisher what happened"
            }
            Self::ReleaseOlder { .. } | Self::ReleaseMissing { .. } => {
                "somebody may be serving an old model: fetch the current release; modelseal lock update goes back knowingly"
            }
            Self::NameNotSigned { signed_as: Some(_) } => {
                "do not load it under this name: it is another model of theirs, or an old name of this one"
            }
            Self::NameNotSigned { signed_as: None } => {
                "the publisher signs the name with modelseal sign --name NAME --release VERSION"
            }
            Self::NoSummary => {
                "ask whoever verifies it for a summary (modelseal verify --emit-vsa makes one), or name where it lies with --bundle FILE"
            }
            Self::AttestationMissing { .. } | Self::TooFewAttestors { .. } => {
                "ask whoever built it for the attestation (modelseal attest makes one), or name where it lies with --bundle FILE"
            }
            Self::AttestationRefused { problem: NotCounted::Dependency { .. }, .. } => {
                "do not use this model before the one that it was made from is admitted; verify --tree shows the whole chain"
            }
            Self::AttestationRefused { problem: NotCounted::TooOld { .. }, .. } => {
                "ask whoever built it for a fresh one"
            }
            Self::AttestationRefused { .. } => {
                "do not use this model: it was not made as the policy asks; verify --tree shows the whole chain"
            }
            Self::UnsignedFiles { .. } => "remove them, or take the signed files alone with --into DIR",
            Self::WaiverExpired { .. } => "remove the waiver from the policy, or renew it knowingly",
            _ => return None,
        })
    }
}

impl Display for ReasonKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRule { name } => write!(f, "no rule of the policy is for {name}"),
            Self::PolicyExpired { expired } => write!(f, "the policy expired on {expired}"),
            Self::PolicyRolledBack { serial, seen } => {
                write!(f, "the policy has the serial {serial}, and the lock was written under {seen}: it is an older one")
            }
            Self::DenyListUnusable { problem } => write!(f, "the deny-list cannot be believed: {problem}"),
            Self::DenyListExpired { expired } => write!(f, "the deny-list expired on {expired}"),
            Self::DenyListRolledBack { serial, seen } => write!(
                f,
                "the deny-list has the serial {serial}, and the lock was written under {seen}: it is an older one"
            ),
            Self::DeniedModel { model, reason } => write!(f, "{model} is denied: {}", Escaped(reason)),
            Self::DeniedFile { path, digest, reason } => {
                write!(f, "{}: sha256:{digest} is denied: {}", Escaped(path), Escaped(reason))
            }
            Self::DenyNotEvaluated { path } => {
                write!(f, "{}: files are denied by their digests, and this was not hashed", Escaped(path))
            }
            Self::NameContradicted { asked, found } => {
                write!(f, "the files lie where {found} belongs, and not {asked}")
            }
            Self::OtherOwner { publisher, claim, expected, found } => {
                let what = if *claim == Claim::SourceOwnerId { "owner" } else { "repository" };
                write!(
                    f,
                    "it is signed under the name of {publisher}, but by another {what}: {publisher} has {what} id {}, this signer has {what} id {}",
                    Escaped(expected),
                    Escaped(found)
                )
            }
            Self::OtherFiles { publishers } => {
                write!(f, "the files are not what {} signed", names(publishers))
            }
            Self::NotSigned => f.write_str("no signature that counts is by a publisher of the rule"),
            Self::TooFewPublishers { needed, of, found } => {
                let found = if found.is_empty() { "nobody".to_owned() } else { names(found) };
                write!(f, "signed by {found}, and {needed} of {} are needed", names(of))
            }
            Self::NotRecognised { source, problem } => write!(f, "{source}: {problem}"),
            Self::NotCounted { source, publisher, signer, problem } => {
                write!(f, "{source}: by {} ({signer}), but {problem}", Escaped(publisher))
            }
            Self::SignerChanged { found, .. } if found.is_empty() => {
                f.write_str("no signature by those who have signed this name until now")
            }
            Self::SignerChanged { .. } => {
                f.write_str("a valid signature, but not by those who have signed this name until now")
            }
            Self::Succeeded { from, to } => write!(f, "{from} named a successor: {to}"),
            Self::LockNotAsked => f.write_str("the lock was not asked: the rule has continuity = \"none\""),
            Self::FirstSight => f.write_str(
                "the lock does not know this name: nothing tells whether it has always been this publisher's",
            ),
            Self::NotPinned => f.write_str("the lock has no entry for it"),
            Self::ModelChanged { locked, found } => {
                write!(f, "it is not the model of the lock: expected {locked}, found {}", digest(*found))
            }
            Self::RevisionChanged { locked, found } => {
                write!(f, "the revision has other bytes than before: expected {locked}, found {}", digest(*found))
            }
            Self::ReleaseOlder { seen, found } => {
                write!(f, "release {found} is older than {seen}, which the lock has seen")
            }
            Self::ReleaseReused { release, locked } => {
                write!(f, "release {release} is in the lock with other bytes: {locked}")
            }
            Self::ReleaseMissing { seen } => write!(
                f,
                "no signed release statement says which release this is, and the lock has seen release {seen}"
            ),
            Self::NameNotSigned { signed_as: Some(name) } => {
                write!(f, "its publisher signed it as {name}, and under no other name")
            }
            Self::NameNotSigned { signed_as: None } => f.write_str(
                "the publisher matches, but the model's name is not signed: it may be another model of theirs",
            ),
            Self::UnsignedFiles { paths } => {
                let shown: Vec<String> = paths.iter().take(5).map(|path| Escaped(path).to_string()).collect();
                let more = if paths.len() > 5 { format!(" and {} more", paths.len() - 5) } else { String::new() };
                write!(f, "files that nobody signed: {}{more}", shown.join(", "))
            }
            Self::PinnedNotSigned => f.write_str("pinned, not signed: nobody vouches for it but the lock"),
            Self::Waived { owner, reason, expires } => write!(
                f,
                "waived by {} until {expires}: {}",
                Escaped(owner),
                Escaped(reason)
            ),
            Self::WaiverExpired { owner, reason, expired } => {
                write!(f, "the waiver by {} expired on {expired}: {}", Escaped(owner), Escaped(reason))
            }
            Self::Softened { mode } => write!(f, "the rule's mode is \"{mode}\": the denial is not enforced"),
            Self::AttestationMissing { .. }
            | Self::AttestationRefused { .. }
            | Self::TooFewAttestors { .. }
            | Self::DependencyWarned { .. }
            | Self::NoSummary
            | Self::BySummary { .. } => self.of_attestations(f),
        }
    }
}

impl ReasonKind {
    /// What attestations and summaries come to, in words.
    fn of_attestations(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AttestationMissing { kind, of, is_of_others } => {
                let others = if *is_of_others { "; what is there is about other bytes" } else { "" };
                write!(
                    f,
                    "the rule asks for an attestation ({kind}) by {}, and there is none{others}",
                    names(of)
                )
            }
            Self::AttestationRefused {
                problem: NotCounted::Dependency { dependency, problem },
                source,
                ..
            } => {
                write!(f, "it was made from {dependency}, by the word of {source}, and {problem}")
            }
            Self::AttestationRefused { kind, source, publisher, problem } => {
                write!(f, "{source}: an attestation ({kind}) by {}, but {problem}", Escaped(publisher))
            }
            Self::TooFewAttestors { kind, needed, of, found } => {
                let found = if found.is_empty() { "nobody".to_owned() } else { names(found) };
                write!(f, "attested ({kind}) by {found}, and {needed} of {} are needed", names(of))
            }
            Self::DependencyWarned { dependency, problem } => {
                write!(f, "it was made from {dependency}: {problem}")
            }
            Self::NoSummary => f.write_str("no summary that counts is by a verifier of the rule"),
            Self::BySummary { source, publisher, verifier, verified } => {
                let when = verified.map(|time| format!(" of {time}")).unwrap_or_default();
                write!(
                    f,
                    "{source}: admitted by the verdict of {}{when}, signed by {}; signatures and attestations were not asked",
                    Escaped(verifier),
                    Escaped(publisher)
                )
            }
            _ => Ok(()),
        }
    }
}

impl NotCounted {
    /// A stable code, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied-signer",
            Self::OtherBytes { .. } => "other-bytes",
            Self::TimeNotProved => "time-not-proved",
            Self::TooEarly { .. } => "signed-too-early",
            Self::TooLate { .. } => "signed-too-late",
            Self::Hash { .. } => "hash-not-allowed",
            Self::FollowsLinks => "symlinks-not-allowed",
            Self::LegacyFormat => "legacy-format-not-allowed",
            Self::NotInLock => "signer-not-in-lock",
            Self::TooFew => "release-by-too-few",
            Self::Unreadable { .. } => "predicate-unreadable",
            Self::Builder { .. } => "other-builder",
            Self::BuildType { .. } => "other-build-type",
            Self::Contradicted(_) => "provenance-contradicted",
            Self::Source { .. } => "other-source",
            Self::AgeUnknown => "age-unknown",
            Self::FromFuture { .. } => "from-the-future",
            Self::TooOld { .. } => "too-old",
            Self::NoDependency { .. } => "dependency-missing",
            Self::Dependency { .. } => "dependency-not-admitted",
            Self::Verifier { .. } => "other-verifier",
            Self::Resource { .. } => "other-reference",
            Self::PolicyDigest { .. } => "other-policy",
            Self::NotPassed => "not-passed",
        }
    }

    /// Of several, which came nearest to counting: they are asked in this order.
    pub(crate) const fn rank(&self) -> u8 {
        match self {
            Self::Denied { .. } => 0,
            Self::Unreadable { .. } | Self::Verifier { .. } => 1,
            Self::Builder { .. } | Self::Resource { .. } => 2,
            Self::BuildType { .. } | Self::PolicyDigest { .. } => 3,
            Self::Contradicted(_) | Self::NotPassed => 4,
            Self::Source { .. } => 5,
            Self::AgeUnknown | Self::FromFuture { .. } | Self::TooOld { .. } => 6,
            Self::NoDependency { .. } => 7,
            Self::Dependency { .. }
            | Self::OtherBytes { .. }
            | Self::TimeNotProved
            | Self::TooEarly { .. }
            | Self::TooLate { .. }
            | Self::Hash { .. }
            | Self::FollowsLinks
            | Self::LegacyFormat
            | Self::NotInLock
            | Self::TooFew => 8,
        }
    }
}

impl Display for NotCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { reason } => write!(f, "this signer is denied: {}", Escaped(reason)),
            Self::OtherBytes { problem } | Self::Unreadable { problem } => f.write_str(problem),
            Self::TimeNotProved => f.write_str("nothing proves when it was signed"),
            Self::TooEarly { signed, not_before } => {
                write!(f, "it was signed on {signed}, and has to be of {not_before} or later")
            }
            Self::TooLate { signed, not_after } => {
                write!(f, "it was signed on {signed}, and has to be of {not_after} or earlier")
            }
            Self::Hash { found } => write!(f, "it is over {found} digests, which the rule does not allow"),
            Self::FollowsLinks => f.write_str("it covers symbolic links as what they point at"),
            Self::LegacyFormat => f.write_str("it has a legacy format"),
            Self::NotInLock => f.write_str("the lock does not know this signer"),
            Self::TooFew => {
                f.write_str("as many publishers have to sign the release as have to sign the model")
            }
            Self::Builder { expected, found } => other(f, "the builder", expected, Some(found)),
            Self::BuildType { expected, found } => other(f, "the build type", expected, Some(found)),
            Self::Source { what, expected, found } => {
                other(f, &format!("the source {what}"), expected, found.as_deref())
            }
            Self::Contradicted(Contradiction { claim, said, proved }) => write!(
                f,
                "it says that {claim} is {:.QUOTED$}, and the certificate that signed it, {:.QUOTED$}",
                Escaped(said),
                Escaped(proved)
            ),
            Self::AgeUnknown => {
                f.write_str("nothing says how old it is: a timestamp proves only that it is not younger")
            }
            Self::FromFuture { at } => write!(f, "it is of {at}, which is to come"),
            Self::TooOld { at, max_age } => {
                write!(f, "it is of {at}, and may be no older than {} hours", max_age.as_hours())
            }
            Self::NoDependency { needed, found } => {
                write!(f, "of models that it was made from, it names {found}, and {needed} are asked for")
            }
            Self::Dependency { dependency, problem } => {
                write!(f, "it was made from {dependency}, and {problem}")
            }
            Self::Verifier { expected, found } => other(f, "the verifier", expected, Some(found)),
            Self::Resource { found } => {
                write!(f, "it is about \"{:.QUOTED$}\", and not about this name", Escaped(found))
            }
            Self::PolicyDigest { found: Some(found) } => {
                write!(
                    f,
                    "it was reached under the policy sha256:{found}, which is none of those that are accepted"
                )
            }
            Self::PolicyDigest { found: None } => {
                f.write_str("it does not say under which bytes of a policy it was reached")
            }
            Self::NotPassed => f.write_str("it says FAILED"),
        }
    }
}

fn other(f: &mut fmt::Formatter<'_>, what: &str, expected: &str, found: Option<&str>) -> fmt::Result {
    match found {
        Some(found) => {
            write!(f, "{what} is \"{:.QUOTED$}\", expected \"{}\"", Escaped(found), Escaped(expected))
        }
        None => write!(f, "it does not say {what}, expected \"{}\"", Escaped(expected)),
    }
}

fn names(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| Escaped(name).to_string()).collect();
    names.join(", ")
}

fn digest(digest: Option<ModelDigest>) -> String {
    digest.map_or_else(|| "files that nobody signed".to_owned(), |digest| digest.to_string())
}
