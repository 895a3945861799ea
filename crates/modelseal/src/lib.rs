//! Sign machine-learning models, and prove before loading whose bytes they
//! are, on the open standard OpenSSF Model Signing v1.0.
//!
//! ```text
//! publish:  Model --sign--> bundle
//! consume:  bundle --verify(&Trust)--> VerifiedModel
//! admit:    name, Model --admit(&Policy, Option<&Lock>)--> Admission
//! ```
//!
//! ```no_run
//! use std::path::Path;
//! use modelseal::{Model, PublicKey, Trust, Unobserved, UntrustedBundle, VerifyOptions, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::open(Path::new("my-model"))?;
//! let bundle = UntrustedBundle::parse(&std::fs::read("my-model/model.sig")?)?;
//! let trust = Trust::key(PublicKey::from_pem(&std::fs::read("publisher.pub")?)?);
//! let options = VerifyOptions {
//!     bundle_path: Some(Path::new("my-model/model.sig")),
//!     copy_to: Some(Path::new("verified-model")),
//!     ..VerifyOptions::default()
//! };
//! let verified = verify(&model, bundle, &trust, &options, &Unobserved)?;
//! // What is loaded from here is what was verified.
//! println!("{}", verified.copy().expect("a copy was asked for").display());
//! # Ok(())
//! # }
//! ```
//!
//! Only [`verify`] makes a [`VerifiedModel`], and only that hands files out. A
//! match that did not come from the disk is not enough:
//!
//! ```compile_fail,E0451
//! use modelseal::{MatchedManifest, VerifiedModel};
//! fn forge(matched: MatchedManifest) -> VerifiedModel {
//!     VerifiedModel { matched, unsigned: vec![], links: vec![], model_digest: None, size: 0, copy: None }
//! }
//! ```
//!
//! nor is a verified statement a model whose files could be taken:
//!
//! ```compile_fail,E0599
//! use modelseal::VerifiedStatement;
//! fn shortcut(statement: VerifiedStatement) {
//!     let _ = statement.copy();
//! }
//! ```
//!
//! Who may publish under a name, and who always has, is asked by a policy and
//! a lock ([`admit`]). Only it makes an [`Admission`]:
//!
//! ```compile_fail,E0451
//! use modelseal::{Admission, policy::Verdict};
//! fn forge(verdict: Verdict) -> Admission {
//!     Admission { verdict, found: Default::default(), bundles: vec![], copy: Some("elsewhere".into()) }
//! }
//! ```
//!
//! Whether a model is *safe* is not checked: a signature speaks of who, never
//! of what the bytes do when they are loaded.

mod admission;
mod attest;
mod claims;
mod coverage;
mod dependency;
mod digest;
mod digest_cache;
mod error;
mod existing;
mod fan_out;
mod listed;
mod release_lint;
mod sign;
mod subject;
#[cfg(feature = "sigstore")]
mod trust_material;
mod verify;

pub use admission::{Admission, AdmitOptions, Bundles, admit, bundles_beside, hub_reference, identify};
pub use attest::{SignedAttestation, attest};
pub use claims::{ClaimsFile, StagedClaims};
pub use coverage::{Coverage, EVIDENCE_FILES, SIGNATURE_FILE_NAME};
pub use dependency::{DependencyRole, dependency};
pub use digest::{DigestOptions, Digests, Order, digest};
pub use error::{Error, IgnoredBy};
pub use existing::ExistingSignatures;
pub use fan_out::{PlannedHashing, hash_units, plan_hashing};
pub use listed::{Listed, statement_of_digests};
pub use modelseal_bundle::{
    Attestation, AttestationError, BundleError, BundleMethod, CLAIMS_FILE_NAME, ClaimsError, HashPlan,
    HashPlanError, HashedUnit, LayerProblem, LineProblem, MAX_BUNDLE_BYTES, MAX_CLAIMS_LINES, Merge,
    MergeError, OciManifest, OciManifestError, Place, Statement, StatementError, Subject, Unit,
    UntrustedBundle, VerificationMaterial,
};
pub use modelseal_disk::{
    Cancel, DiskError, ErrorKind, FoundFile, Ignored, IgnoredKind, Inventory, Links, Model, Observer,
    Unobserved,
};
pub use modelseal_manifest::{
    Change, ContentDigest, Differences, DigestListError, DigestListProblem, Escaped, HashType, IgnorePath,
    Manifest, ManifestError, ManifestPath, Method, ModelDigest, ModelName, NameError, NameScheme, Reference,
    ReferenceError, Resource, ResourceName, RootDigest, Scope, Serialization, Sha256Digest, ShardSize,
    parse_digest_list,
};
pub use modelseal_policy as policy;
pub use modelseal_predicate::{
    CiBuild, CiError, CiPlatform, DENY_LIST_TYPE, DenyListRelease, Fingerprint, NewProvenance,
    PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2, PredicateError, Provenance, RELEASE_TYPE, Release,
    ResourceDescriptor, Run, SUCCESSION_TYPE, SUMMARY_TYPE, SignerId, Source, Subjects, Succession,
    SummaryPolicy, VerificationSummary, Version, bare_model_subject, build_level, is_uri, model_digest_of,
    model_subject, parse_predicate, reference_uri, uri_problem,
};
#[cfg(feature = "pkcs11")]
pub use modelseal_sign::pkcs11;
#[cfg(feature = "sigstore")]
pub use modelseal_sign::sigstore;
pub use modelseal_sign::{
    CertificateSigner, CertificateSignerError, KeyAlgorithm, KeySigner, Passphrase, PrivateKey,
    PrivateKeyError, SignError, Signer, SigningKey,
};
pub use modelseal_verify::{
    Artifact, ArtifactError, ArtifactSigner, Caveat, Certificate, CertificateError, CertificateParseError,
    CertificateRevocationList, CertificateTrust, CertifiedSigner, Claim, Claims, Clock, CrlError,
    FulcioCertificate, Identity, IdentityPattern, JudgedAt, KeylessSigner, LogEntryError, LogRecord,
    MatchedManifest, Mismatch, PatternError, ProvedTime, PublicKey, PublicKeyError, RootSource,
    Signer as VerifiedSigner, SigstoreError, SigstoreTrust, SubjectPattern, SubjectPatternError, Timestamp,
    TimestampAuthorities, TimestampError, Trust, TrustedRoot, TrustedRootError, Unlisted, UsageProblem,
    VerifiedAttestation, VerifiedEnvelope, VerifiedStatement, VerifyError, claimed_time,
    verify as verify_statement, verify_artifact, verify_envelope,
};
pub use release_lint::{Finding, FindingKind};
pub use sign::{Plan, SignOptions, Signed, SignedStatement, plan, sign, sign_statement};
pub use subject::{ModelSubject, SubjectOptions, subject};
#[cfg(feature = "sigstore")]
pub use trust_material::{FetchTimeouts, TrustMaterial, TrustMaterialError, TrustRepository};
pub use verify::{Unsigned, UnsignedReason, VerifiedModel, VerifyOptions, verify};

/// As many workers as there are processors.
pub fn default_jobs() -> std::num::NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN)
}
