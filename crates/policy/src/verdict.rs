use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::sync::Arc;

use jiff::Timestamp;
use modelseal_manifest::{ModelDigest, Reference, RootDigest, Scope};
use modelseal_predicate::{
    Provenance, Release, ResourceDescriptor, SummaryPolicy, VerificationSummary, Version,
};
use modelseal_verify::Caveat;

use crate::chain::Ancestor;
use crate::evidence::Source;
use crate::judge::shown;
use crate::lock::{Entry, LockedSigner};
use crate::reason::{NotCounted, Reason, ReasonKind, Severity};
use crate::rule::{Continuity, Mode};

/// How much is told of what speaks against a model that another was made from.
const MAX_PROBLEM: usize = 1000;

/// What a policy says of a model, and every reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What was asked about.
    pub reference: Reference,
    /// Under which name it was judged.
    pub judged_as: Reference,
    /// Whether it is admitted.
    pub outcome: Outcome,
    /// The rule that governs it.
    pub rule: Option<RuleFacts>,
    /// Which bytes were judged.
    pub model: Option<ModelDigest>,
    /// The root digest of the statement that was signed.
    pub root: Option<RootDigest>,
    /// The signatures that count.
    pub signatures: Vec<Counted>,
    /// The verdict of somebody else, where that stands for signatures and
    /// attestations.
    pub summary: Option<CountedSummary>,
    /// What is attested of these bytes, by those whom the rule names.
    pub attestations: Vec<Attested>,
    /// The level of SLSA's build track that the policy takes the build for, by what
    /// it demanded and got.
    pub build_level: Option<u8>,
    /// The release that the publisher signed, of this name.
    pub release: Option<Version>,
    /// What the lock knew.
    pub locked: Option<Entry>,
    /// Every reason, the gravest first.
    pub reasons: Vec<Reason>,
    /// The verdicts on the models that it was made from, and on those before them, each
    /// under its own name. They have none themselves.
    pub ancestors: BTreeMap<Ancestor, Arc<Verdict>>,
}

/// Whether a model is admitted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Outcome {
    /// It is.
    Allow,
    /// It is, and somebody should look at it.
    Warn,
    /// It is not.
    Deny,
}

impl Outcome {
    /// A stable word, for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// A rule, as a verdict names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleFacts {
    /// Which names it is for.
    pub scope: Scope,
    /// What becomes of a denial.
    pub mode: Mode,
    /// What the lock was asked.
    pub continuity: Continuity,
    /// Whether it is for models that nobody signs.
    pub is_for_unsigned: bool,
}

/// A signature that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counted {
    /// Where it was read.
    pub source: Source,
    /// Who it is, by the name of the policy and by what stays.
    pub signer: LockedSigner,
    /// Who it is, for people.
    pub shown: String,
    /// The earliest time at which it is proved to have existed.
    pub signed: Option<Timestamp>,
    /// The root digest of the statement.
    pub root: RootDigest,
    /// What is not proved of it, or is not as the specification has it.
    pub caveats: Vec<Caveat>,
}

/// Somebody else's verdict that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CountedSummary {
    /// Where it was read.
    pub source: Source,
    /// Who signed it.
    pub signer: LockedSigner,
    /// Who that is, for people.
    pub shown: String,
    /// Who verified, as they call themselves.
    pub verifier: String,
    /// When they say that they did.
    pub verified: Option<Timestamp>,
    /// The policy that they did it under.
    pub policy: SummaryPolicy,
    /// What they found.
    pub levels: Vec<String>,
}

/// An attestation about these bytes, whose signature was verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Attested {
    /// Where it was read.
    pub source: Source,
    /// Who says it, by the name of the policy.
    pub publisher: String,
    /// Who that is, for people.
    pub shown: String,
    /// The earliest time at which it is proved to have existed.
    pub signed: Option<Timestamp>,
    /// What kind of thing is said.
    pub predicate_type: String,
    /// How it was made, where that is what is said.
    pub provenance: Option<Provenance>,
    /// Which release of what it is, where that is what is said.
    pub release: Option<Release>,
    /// Whose verdict it is, where it is one.
    pub summary: Option<VerificationSummary>,
    /// Whether it is one of those that the rule demands.
    pub counts: bool,
    /// Whether it is demanded together with the models that it was made from.
    pub counts_with_dependencies: bool,
    /// Why it is none, though the rule demands such.
    pub problem: Option<NotCounted>,
    /// The models that it was made from, by this word.
    pub dependencies: Vec<DependencyVerdict>,
}

/// A model that another was made from, by somebody's word, and what the policy says of
/// it.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyVerdict {
    /// What provenance says of it.
    pub resource: ResourceDescriptor,
    /// Which of [`Verdict::ancestors`] it is, where it was judged.
    pub ancestor: Option<Ancestor>,
    /// Whether it is admitted under its own name, by what is carried along.
    pub outcome: Outcome,
    /// Why it is denied or warned of.
    pub problem: Option<String>,
}

impl DependencyVerdict {
    pub(crate) fn judged(resource: &ResourceDescriptor, ancestor: Ancestor, verdict: &Verdict) -> Self {
        let gravest = verdict.reasons.first().filter(|reason| reason.severity != Severity::Note);
        Self {
            resource: resource.clone(),
            ancestor: Some(ancestor),
            outcome: verdict.outcome,
            problem: gravest.map(|reason| shortened(reason.kind.to_string())),
        }
    }

    pub(crate) fn not_judged(resource: &ResourceDescriptor, problem: String) -> Self {
        Self { resource: resource.clone(), ancestor: None, outcome: Outcome::Deny, problem: Some(problem) }
    }
}

/// What speaks against a model quotes what speaks against those before it.
fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_PROBLEM) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Display for DependencyVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.resource))
    }
}

impl Verdict {
    /// The reasons for which it is denied, or would be.
    pub fn denials(&self) -> impl Iterator<Item = &ReasonKind> {
        self.reasons.iter().filter(|reason| reason.severity == Severity::Deny).map(|reason| &reason.kind)
    }

    /// Whether a denial of it is not enforced, in the mode of its rule.
    pub fn is_softened(&self) -> bool {
        self.reasons.iter().any(|reason| matches!(reason.kind, ReasonKind::Softened { .. }))
    }

    /// Whether somebody vouches for it, and not a lock alone.
    pub fn is_signed(&self) -> bool {
        !self.signatures.is_empty() || self.summary.is_some()
    }
}
