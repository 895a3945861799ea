use modelseal_bundle::{AttestationError, BundleError, ClaimsError, HashPlanError};
use modelseal_disk::DiskError;
use modelseal_manifest::{Differences, Escaped, IgnorePath, ManifestError, ManifestPath, ModelDigest};
use modelseal_policy::Undecided;
use modelseal_predicate::Release;
use modelseal_sign::SignError;
use modelseal_verify::{Claim, Mismatch, Signer, VerifyError};

use crate::Unsigned;

/// Why a model was not signed, not digested or not verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The disk, or what is on it.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The bytes are no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The bundle is not believed.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The model is not what was signed.
    #[error(transparent)]
    Mismatch(#[from] Box<Mismatch>),
    /// The files cannot make a manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// No signature could be made.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// What the signer gave does not verify as what it was to sign.
    #[error("the signer's bundle does not verify: {0}")]
    SelfCheck(Box<Error>),
    /// The files cannot be planned, or the plan has no such unit.
    #[error(transparent)]
    HashPlan(#[from] HashPlanError),
    /// A file that shards cannot cover.
    #[error("{path}: is empty, and shards do not cover empty files")]
    EmptyFile {
        /// The file.
        path: ManifestPath,
    },
    /// A file that has the name of an evidence file and is none.
    #[error(
        "{path}: has the name of a file of signatures, which are never signed, but is not one: {problem}"
    )]
    NotEvidence {
        /// The file.
        path: ManifestPath,
        /// What is wrong with it.
        problem: String,
    },
    /// A secret stands among the files to be signed.
    #[error(
        "{path}: is a secret that signs (a private key, its passphrase, a PIN or an identity token), and lies in the model"
    )]
    SecretInModel {
        /// The file.
        path: ManifestPath,
    },
    /// The bundle would be larger than what readers accept.
    #[error("the bundle would have {found} bytes, and readers accept at most {limit}")]
    BundleTooLarge {
        /// Bytes that it would have.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that claims would be added to, and that is something else.
    #[error("{path}: is no file of signatures and attestations, one a line: {source}")]
    NotClaims {
        /// The file, escaped for display.
        path: String,
        /// What is wrong with it.
        source: ClaimsError,
    },
    /// A claims file that readers would refuse with one more line.
    #[error("{path}: holds as much as a claims file may: with one more, {source}")]
    ClaimsFull {
        /// The file, escaped for display.
        path: String,
        /// What readers would say.
        source: ClaimsError,
    },
    /// A signature that stays would be broken by the claims beside it.
    #[error("{signature} does not leave out {path}: verifiers would take it for a file that was added")]
    ClaimsNotIgnored {
        /// The claims file, in the model.
        path: ManifestPath,
        /// Which signature.
        signature: String,
    },
    /// The model is not what the signature beside it is of.
    #[error("these files are {found}, but those that {signature} covers are {signed}")]
    OtherContent {
        /// Which signature.
        signature: String,
        /// Of which model it says that it is.
        signed: ModelDigest,
        /// Which model is there.
        found: ModelDigest,
    },
    /// The files are not those that the signature beside them is of.
    #[error("{problem}")]
    OtherFiles {
        /// In what they differ.
        problem: String,
    },
    /// The predicate cannot be attested.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// What a run of a CI system says of itself is not what its certificate says.
    #[error(
        "the provenance says that {claim} is {}, and the certificate that signed it, {}",
        Escaped(said),
        Escaped(proved)
    )]
    Contradicted {
        /// What it is about.
        claim: Claim,
        /// What the provenance says.
        said: String,
        /// What the certificate says.
        proved: String,
    },
    /// A release that no attestation can name.
    #[error(
        "{} {} cannot be attested: the name is of this machine alone, or the version has build metadata",
        release.name, release.version
    )]
    NotReleasable {
        /// The release.
        release: Release,
    },
    /// The model was signed, and nothing says which release it is.
    #[error("the model was signed, and its release was not: {0}")]
    NotReleased(Box<Error>),
    /// Somebody else signed the release than the model.
    #[error("{release} signed the release, but {model} the model")]
    OtherSigner {
        /// Who signed the model.
        model: Box<Signer>,
        /// Who signed the release.
        release: Box<Signer>,
    },
    /// Digests were taken from a signature of somebody else.
    #[error("{old} made the signature whose digests were to be reused, and {new} signs now")]
    ReusedFromAnother {
        /// Who signed before.
        old: Box<Signer>,
        /// Who signed now.
        new: Box<Signer>,
    },
    /// A signed file that is to be ignored.
    #[error("{path}: is signed, but {by} \"{ignore}\"")]
    IgnoresSigned {
        /// The file.
        path: ManifestPath,
        /// The path that covers it.
        ignore: IgnorePath,
        /// Who says so.
        by: IgnoredBy,
    },
    /// A directory, where one file was signed.
    #[error("is a directory, but the signature covers a single file")]
    NotOneFile,
    /// A copy that would change the model that is verified.
    #[error("the copy would lie in the model itself")]
    CopyInModel,
    /// There are entries that can be no part of a model.
    #[error("{}{}", unfit.first().map(ToString::to_string).unwrap_or_default(),
        if unfit.len() > 1 { format!(" (and {} more)", unfit.len() - 1) } else { String::new() })]
    Unfit {
        /// Why, for each; at least one.
        unfit: Vec<DiskError>,
        /// How the rest differs from what was signed.
        differences: Box<Differences>,
        /// Who signed: the signature itself is good.
        signer: Signer,
    },
    /// A single file has no paths that could be ignored.
    #[error("is a single file, in which there is no path to ignore")]
    IgnoreInFile,
    /// An output of modelseal that is on its way, or was left behind.
    #[error("{path}: is an unfinished output of modelseal")]
    Partial {
        /// The file.
        path: ManifestPath,
    },
    /// The policy cannot be asked.
    #[error(transparent)]
    Undecided(#[from] Undecided),
    /// Strict verification met something that is not signed.
    #[error("{} {} there and not signed, and strict verification tolerates none", unsigned.len(),
        if unsigned.len() == 1 { "path is" } else { "paths are" })]
    Unsigned {
        /// Each of them.
        unsigned: Vec<Unsigned>,
    },
}

/// Who asks for a signed file to be ignored.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IgnoredBy {
    /// The statement contradicts itself.
    #[error("the statement itself ignores")]
    Statement,
    /// The caller, which would leave a signed file unverified.
    #[error("you asked to ignore")]
    Caller,
}
