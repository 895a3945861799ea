//! The one door to the formats of OpenSSF Model Signing v1.0: Sigstore
//! bundles, DSSE envelopes and in-toto statements.
//!
//! Bytes from outside are parsed once, within limits on size, depth and
//! counts, without duplicate keys, into types that cannot hold a wrong state.
//! Nothing here verifies anything: an [`UntrustedBundle`] is what somebody
//! claims. What is written has the one form of the specification; what is read
//! includes the forms of earlier releases, each behind its own door.

mod attestation;
mod base64;
mod bundle;
mod claims;
mod envelope;
mod error;
mod hash_plan;
mod json;
pub mod legacy;
mod log_entry;
mod oci_manifest;
mod statement;

pub use attestation::{Attestation, Subject};
pub use bundle::{
    BundleMethod, KeyHint, KeyMaterial, MAX_CERTIFICATES, MediaType, UntrustedBundle, VerificationMaterial,
};
pub use claims::{CLAIMS_FILE_NAME, Claims, MAX_CLAIMS_LINES};
pub use envelope::{Envelope, PAYLOAD_TYPE, pae};
pub use error::{AttestationError, BundleError, ClaimsError, JsonError, StatementError};
pub use hash_plan::{HashPlan, HashPlanError, HashedUnit, LineProblem, Merge, MergeError, Place, Unit};
pub use json::check_json;
pub use log_entry::LogEntry;
pub use modelseal_manifest::MAX_RESOURCES;
pub use oci_manifest::{LayerProblem, OciManifest, OciManifestError};
pub use statement::{PREDICATE_TYPE, STATEMENT_TYPE, Statement};

/// The most bytes that a bundle, or a file of bundles, may have: 64 MiB.
pub const MAX_BUNDLE_BYTES: u64 = 64 * 1024 * 1024;
/// The most log entries, and the most timestamps, that a bundle may carry.
pub const MAX_LOG_ENTRIES: usize = 32;
/// The most bytes of one log entry that stands alone: 1 MiB.
pub const MAX_LOG_ENTRY_BYTES: u64 = 1024 * 1024;
