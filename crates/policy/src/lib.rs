//! Is this the publisher that this name has always meant?
//!
//! A pure function: policy, evidence, lock and time give a verdict, with every
//! reason.
//!
//! ```text
//! (Policy, Evidence, Lock, now) --judge--> Verdict
//! ```
//!
//! Nothing is read from a disk or a network here; what a policy names comes in
//! through [`Materials`]. What counts as evidence was verified before: a
//! signature whose statement is what was measured, an attestation whose
//! signature was verified. Not checked here: whether a model is safe to load.

mod chain;
mod continuity;
#[cfg(test)]
mod crowd;
mod demand;
mod deny;
mod document;
mod evidence;
mod judge;
mod lock;
mod policy;
#[cfg(test)]
mod properties;
mod publisher;
mod reason;
mod rule;
#[cfg(test)]
mod scenarios;
mod signer;
#[cfg(test)]
mod stage;
mod threshold;
mod verdict;

pub use chain::{Ancestor, Heard, Recogniser};
pub use deny::{Denied, Deny, DenyList, DenyListError};
pub use document::{DocumentError, MAX_DOCUMENT_BYTES};
pub use evidence::{Contents, Evidence, Place, Said, Source, Unsigned};
pub use judge::{Contradiction, Question, Undecided, contradiction, judge, level_of_own_word};
pub use lock::{Entry, Lock, LockedSigner};
pub use policy::{Materials, Policy, Unrecognised, Waiver};
pub use publisher::Publisher;
pub use reason::{Basis, NotCounted, Reason, ReasonKind, Severity};
pub use rule::{Continuity, Mode, Rule};
pub use signer::SignerFacts;
pub use verdict::{Attested, Counted, CountedSummary, DependencyVerdict, Outcome, RuleFacts, Verdict};
