//! What attestations about models say: typed predicates, each read strictly
//! and written in one form.
//!
//! Nothing here verifies anything. Who signed an attestation, and whether they
//! may say such a thing, is asked by a policy.

mod deny_list;
mod field;
mod provenance;
mod release;
mod resource;
mod signer_id;
mod subject;
mod succession;
mod summary;

pub use deny_list::{DENY_LIST_TYPE, DenyListRelease};
pub use provenance::{
    CiBuild, CiError, CiPlatform, NewProvenance, PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2, Provenance, Run,
    Source, as_uri_part, is_uri, parse_predicate, uri_problem,
};
pub use release::{RELEASE_TYPE, Release, Version};
pub use resource::{ResourceDescriptor, reference_uri};
pub use signer_id::{Fingerprint, FingerprintError, SignerId};
pub use subject::{
    Subjects, bare_model_subject, file_subject, is_about_file, model_digest_of, model_subject,
};
pub use succession::{SUCCESSION_TYPE, Succession};
pub use summary::{SUMMARY_TYPE, SummaryPolicy, VerificationSummary, build_level};

use modelseal_bundle::JsonError;
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
    #[error("predicate.{}: {}", Escaped(field), Escaped(problem))]
    Field {
        /// The field, with those that it stands in: `runDetails.builder.id`.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What should be a predicate is not JSON, or is more than is read.
    #[error("it is no JSON that can be read: {0}")]
    Json(#[from] JsonError),
    /// A predicate is one JSON object.
    #[error("a predicate is one JSON object, and this is another value")]
    NoObject,
    /// A number that would be another one when it is written.
    #[error("the number {found} has more digits than are kept: write it as a text")]
    Number {
        /// The number.
        found: String,
    },
    /// A whole statement, where its predicate alone is wanted.
    #[error("this is a whole in-toto statement: name a file that holds its \"predicate\" alone")]
    WholeStatement,
    /// A name that cannot be read.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
}
