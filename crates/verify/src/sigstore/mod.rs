//! The method `sigstore`: which identity signed, by the word of a Sigstore
//! instance whose trusted root is given.
//!
//! Signatures, certificates, logs and timestamps are verified by the
//! `sigstore-verify` library. What it leaves open is decided here, before it is
//! called: which identities a pattern means, that a certificate names one only,
//! and that its claims do not contradict each other.

mod artifact;
mod certificate;
mod claims;
mod error;
mod identity;
mod library;
mod trust;
mod trusted_root;

pub use artifact::{Artifact, ArtifactError, ArtifactSigner, verify_artifact};
pub use certificate::FulcioCertificate;
pub use claims::{Claim, Claims};
pub use error::SigstoreError;
pub use identity::{Identity, IdentityPattern, PatternError};
pub use trust::{KeylessSigner, SigstoreTrust};
pub use trusted_root::{RootSource, TRUST_CONFIG, TrustedRoot, TrustedRootError};
