//! From an [`UntrustedBundle`] to something proved, without a disk, a network
//! or a clock of its own: what time it is comes in with [`Trust`].
//!
//! ```text
//! UntrustedBundle --verify(&Trust)--> VerifiedStatement --compare(measured)--> MatchedManifest
//! ```
//!
//! Only [`verify`] makes a [`VerifiedStatement`], and only that can be compared
//! with what was measured:
//!
//! ```
//! # use modelseal_verify::{Trust, Unlisted, verify};
//! # use modelseal_bundle::UntrustedBundle;
//! fn whole_way(bundle: UntrustedBundle, trust: &Trust) {
//!     if let Ok(statement) = verify(bundle, trust) {
//!         let _ = statement.compare(&[], &[], Unlisted::Refuse);
//!     }
//! }
//! ```
//!
//! A bundle that nobody verified has no such method:
//!
//! ```compile_fail,E0599
//! # use modelseal_verify::Unlisted;
//! # use modelseal_bundle::UntrustedBundle;
//! fn shortcut(bundle: UntrustedBundle) {
//!     let _ = bundle.compare(&[], &[], Unlisted::Refuse);
//! }
//! ```
//!
//! neither has a statement that was only parsed:
//!
//! ```compile_fail,E0599
//! # use modelseal_verify::Unlisted;
//! # use modelseal_bundle::Statement;
//! fn shortcut(statement: Statement) {
//!     let _ = statement.compare(&[], &[], Unlisted::Refuse);
//! }
//! ```
//!
//! and nobody else can make the proof:
//!
//! ```compile_fail,E0451
//! # use modelseal_verify::{Signer, VerifiedStatement};
//! # use modelseal_bundle::Statement;
//! fn forge(statement: Statement, signer: Signer) -> VerifiedStatement {
//!     VerifiedStatement { payload: vec![], statement, signer, times: vec![], log_entries: vec![], caveats: vec![] }
//! }
//! ```
//!
//! ```compile_fail,E0451
//! # use modelseal_verify::{MatchedManifest, VerifiedStatement};
//! fn forge(statement: VerifiedStatement) -> MatchedManifest {
//!     MatchedManifest { statement, unlisted: vec![] }
//! }
//! ```
//!
//! Not checked here: whether the signer may speak for the name of the model
//! (that is a policy's question).

mod clock;
mod der_limits;
mod key_algorithm;
mod log_entry;
mod public_key;
mod sigstore;
mod statement;
mod timestamp;
mod trust;
mod verifier;
mod x509;

pub use clock::{Clock, JudgedAt, ProvedTime};
pub use jiff::Timestamp;
pub use key_algorithm::{KeyAlgorithm, UnsupportedAlgorithm};
pub use log_entry::{LogEntryError, LogRecord};
pub use modelseal_bundle::UntrustedBundle;
pub use public_key::{InvalidSignature, PublicKey, PublicKeyError};
pub use sigstore::{
    Artifact, ArtifactError, ArtifactSigner, Claim, Claims, FulcioCertificate, Identity, IdentityPattern,
    KeylessSigner, PatternError, RootSource, SigstoreError, SigstoreTrust, TRUST_CONFIG, TrustedRoot,
    TrustedRootError, verify_artifact,
};
pub use statement::{
    Caveat, MatchedManifest, Mismatch, Signer, Unlisted, VerifiedAttestation, VerifiedStatement,
};
pub use timestamp::{TimestampAuthorities, TimestampError, claimed_time};
pub use trust::Trust;
pub use verifier::{VerifiedEnvelope, VerifyError, verify, verify_envelope};
pub use x509::{
    Certificate, CertificateError, CertificateParseError, CertificateRevocationList, CertificateTrust,
    CertifiedSigner, CrlError, SubjectPattern, SubjectPatternError, UsageProblem, check_publishable,
};
