use modelseal_bundle::BundleError;
use modelseal_disk::DiskError;
use modelseal_manifest::{Differences, IgnorePath, ManifestError, ManifestPath};
use modelseal_sign::SignError;
use modelseal_verify::{Mismatch, Signer, VerifyError};

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
