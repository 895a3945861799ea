//! What attestations about models say: typed predicates, each read strictly
//! and written in one form.
//!
//! Nothing here verifies anything. Who signed an attestation, and whether they
//! may say such a thing, is asked by a policy.

mod deny_list;
mod release;
mod signer_id;
mod subject;
mod succession;

pub use deny_list::{DENY_LIST_TYPE, DenyListRelease};
pub use release::{RELEASE_TYPE, Release, Version};
pub use signer_id::{Fingerprint, FingerprintError, SignerId};
pub use subject::{file_subject, is_about_file, model_digest_of, model_subject};
pub use succession::{SUCCESSION_TYPE, Succession};

use modelseal_manifest::{Escaped, ReferenceError};

/// Why an attestation is not what its predicate type promises.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PredicateError {
    /// Another predicate type than the one that is read.
    #[error("the predicate type is \"{}\", expected \"{expected}\"", Escaped(found))]
    Type {
        /// The type that is read.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A field is missing, or is not what it should be.
    #[error("predicate.{field}: {}", Escaped(problem))]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A name that cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}
