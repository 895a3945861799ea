use jiff::Timestamp;
use modelseal_manifest::{ModelDigest, Reference, RootDigest, Scope};
use modelseal_predicate::Version;
use modelseal_verify::Caveat;

use crate::evidence::Source;
use crate::lock::{Entry, LockedSigner};
use crate::reason::{Reason, ReasonKind, Severity};
use crate::rule::{Continuity, Mode};

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
    /// The release that the publisher signed, of this name.
    pub release: Option<Version>,
    /// What the lock knew.
    pub locked: Option<Entry>,
    /// Every reason, the gravest first.
    pub reasons: Vec<Reason>,
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
    /// What is not proved of it, or is not as the specification has it.
    pub caveats: Vec<Caveat>,
}

impl Verdict {
    /// The reasons for which it is denied, or would be.
    pub fn denials(&self) -> impl Iterator<Item = &ReasonKind> {
        self.reasons.iter().filter(|reason| reason.severity == Severity::Deny).map(|reason| &reason.kind)
    }

    /// Whether it counts as verified by signatures, and not by a lock alone.
    pub fn is_signed(&self) -> bool {
        !self.signatures.is_empty()
    }
}
