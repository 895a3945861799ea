//! Whom a name has always meant: `--policy`, `--lock`, `--as`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use modelseal::Reference;

use super::SignerArgs;

/// What a policy says, and the command line does not beside it. `--key` and the Sigstore
/// instance are for the signer of a summary then.
const OTHER_TRUST: [&str; 10] = [
    "root",
    "leaf",
    "identity",
    "subject",
    "crl",
    "at",
    "timestamp_root",
    "ignore",
    "ignore_unsigned_files",
    "strict",
];

/// What every command has that asks a policy.
#[derive(Args, Debug)]
pub(crate) struct PolicyArgs {
    /// The trust policy, in TOML or JSON: who may publish models of which names
    #[arg(long, help_heading = "Policies", value_name = "FILE", requires = "reference", conflicts_with_all = OTHER_TRUST)]
    pub(crate) policy: Option<PathBuf>,
    /// What the model is called: hf://ORG/NAME[@REVISION], oci://REGISTRY/PATH[@REVISION] or file:/PATH
    #[arg(
        long = "as",
        id = "reference",
        help_heading = "Policies",
        value_name = "NAME",
        requires = "policy"
    )]
    pub(crate) reference: Option<Reference>,
    /// The lock: what names meant when they were last seen; it is only read
    #[arg(long, help_heading = "Policies", value_name = "FILE", requires = "policy")]
    pub(crate) lock: Option<PathBuf>,
    /// A public key that the policy names by its fingerprint, in PEM (repeat for several)
    #[arg(long, help_heading = "Policies", value_name = "PUB", requires = "policy")]
    pub(crate) policy_key: Vec<PathBuf>,
    /// Bundles that lie elsewhere than beside the model: one, or one a line in a .jsonl file (repeat for several)
    #[arg(long, help_heading = "Policies", value_name = "FILE", requires = "policy")]
    pub(crate) bundle: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LockCommand {
    /// Take a model that the policy admits into the lock
    Add(LockWriteArgs),
    /// Take what a name means now into the lock, after showing what changed
    Update(LockUpdateArgs),
    /// Ask whether a model is the one that the lock has, whoever signed it
    Verify(LockVerifyArgs),
    /// Show in what two locks differ
    Diff(LockDiffArgs),
}

#[derive(Args, Debug)]
pub(crate) struct LockWriteArgs {
    /// The model: a directory, or one file
    pub(crate) model: PathBuf,
    /// The trust policy, in TOML or JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The lock: `lock add` begins one where there is none, `lock update` wants one that is there
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: PathBuf,
    /// What the model is called: hf://ORG/NAME[@REVISION], oci://REGISTRY/PATH[@REVISION] or file:/PATH
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) reference: Reference,
    /// A public key that the policy names by its fingerprint, in PEM (repeat for several)
    #[arg(long, value_name = "PUB")]
    pub(crate) policy_key: Vec<PathBuf>,
    /// Bundles that lie elsewhere than beside the model: one, or one a line in a .jsonl file (repeat for several)
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Vec<PathBuf>,
    /// Threads that hash [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Args, Debug)]
pub(crate) struct LockUpdateArgs {
    #[command(flatten)]
    pub(crate) write: LockWriteArgs,
    /// Do not ask before what is known of the name is replaced
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Args, Debug)]
pub(crate) struct LockVerifyArgs {
    /// The model: a directory, or one file
    pub(crate) model: PathBuf,
    /// The lock
    #[arg(long, value_name = "FILE")]
    pub(crate) lock: PathBuf,
    /// What the lock calls it: hf://ORG/NAME[@REVISION], oci://REGISTRY/PATH[@REVISION] or file:/PATH
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) reference: Reference,
    /// Threads that hash [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

#[derive(Args, Debug)]
pub(crate) struct LockDiffArgs {
    /// The older lock
    pub(crate) old: PathBuf,
    /// The newer lock
    pub(crate) new: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DenyCommand {
    /// Add an entry to a deny-list, or begin one, and sign it
    Add(Box<DenyAddArgs>),
    /// Give a deny-list a new serial and another expiry, and sign it
    Renew(Box<DenyRenewArgs>),
}

#[derive(Args, Debug)]
#[command(override_usage = "modelseal deny add [OPTIONS] <WHAT IS DENIED> --reason <TEXT> <LIST>")]
pub(crate) struct DenyAddArgs {
    /// The deny-list, in TOML; its signature goes beside it, as LIST.sig
    pub(crate) list: PathBuf,
    #[command(flatten)]
    pub(crate) what: DeniedArgs,
    /// Why: whoever is denied something reads it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Spare signatures that are proved to be older than this (2026-01-31 or 2026-01-31T12:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// When the list has to be replaced by a newer one: a time, a day, or in so many days, such as 30d
    /// [default: that of the list as it is]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Take the list as it is, though this signer did not sign it before
    #[arg(long)]
    pub(crate) resign: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DenyRenewArgs {
    /// The deny-list, in TOML; its signature goes beside it, as LIST.sig
    pub(crate) list: PathBuf,
    /// When it has to be replaced by a newer one: a time, a day, or in so many days, such as 30d
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: String,
    /// Take the list as it is, though this signer did not sign it before
    #[arg(long)]
    pub(crate) resign: bool,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
}

/// What is denied: one of these.
#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub(crate) struct DeniedArgs {
    /// A model, by its digest: model-v1:HEX
    #[arg(long = "deny-model", id = "deny_model", help_heading = "What is denied", value_name = "DIGEST")]
    pub(crate) model: Option<String>,
    /// A single file, by its SHA-256: sha256:HEX
    #[arg(long = "deny-file", id = "deny_file", help_heading = "What is denied", value_name = "DIGEST")]
    pub(crate) file: Option<String>,
    /// A key, by the fingerprint that reports show: sha256:HEX
    #[arg(long = "deny-key", id = "deny_key", help_heading = "What is denied", value_name = "FINGERPRINT")]
    pub(crate) key: Option<String>,
    /// A certificate, of a signer or an authority: sha256:HEX
    #[arg(
        long = "deny-certificate",
        id = "deny_certificate",
        help_heading = "What is denied",
        value_name = "FINGERPRINT"
    )]
    pub(crate) certificate: Option<String>,
    /// An identity: an e-mail address, or the URI of a workflow; * stands for characters within one path segment
    #[arg(long = "deny-identity", id = "deny_identity", help_heading = "What is denied", value_name = "ID")]
    pub(crate) identity: Option<String>,
    /// Whatever an OIDC issuer vouches for; with --deny-identity, that identity by its word
    #[arg(long = "deny-issuer", id = "deny_issuer", help_heading = "What is denied", value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// What a certificate says of the build, such as source-owner-id=4242 (repeat for several)
    #[arg(
        long = "deny-claim",
        id = "deny_claim",
        help_heading = "What is denied",
        value_name = "CLAIM=VALUE"
    )]
    pub(crate) claim: Vec<String>,
}
