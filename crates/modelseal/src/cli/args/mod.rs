#![expect(clippy::doc_markdown, reason = "help is plain text")]

use std::ffi::OsString;
use std::fmt::{self, Debug};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use modelseal::pkcs11::{ModuleReference, Uri, UriError};
use modelseal::{Coverage, HashType, KeyAlgorithm, Links, Method, Model, ShardSize};

mod attest;
mod claims;
mod listed;
mod manifest;
mod policy;
mod signer;
mod succession;
mod summary;
mod trust;

pub(crate) use attest::{AttestArgs, NamedModel, ProvenanceArgs};
pub(crate) use claims::ClaimsArgs;
pub(crate) use listed::{ListedArgs, Source};
pub(crate) use manifest::{HashArgs, ManifestCommand, MergeArgs, PlanArgs, Share};
pub(crate) use policy::{
    DeniedArgs, DenyAddArgs, DenyCommand, DenyRenewArgs, LockCommand, LockDiffArgs, LockUpdateArgs,
    LockVerifyArgs, LockWriteArgs, PolicyArgs,
};
pub(crate) use signer::{SignerArgs, SignerOptions, Token};
pub(crate) use succession::{SuccessionArgs, SuccessorArgs};
pub(crate) use summary::SummaryArgs;
pub(crate) use trust::{InstanceArgs, TrustArgs, TrustCommand, TrustUpdateArgs, time};

use super::failure::{Exit, Failure};
use super::inputs::ignore_paths;
use super::output::Format;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0    done; verified; allowed by the policy, with or without warnings
  1    not verified: bad or absent signature, or the files are not what was signed;
       denied by the policy, the lock or a deny-list
  2    wrong usage or input
  3    could not decide: the disk, the network or a service failed, the model changed
       while it was read, the trusted root that was kept is out of date, or the policy
       asks for a lock and none was named
  130  interrupted";

/// Sign machine-learning models, and prove before loading whose bytes they are.
#[derive(Debug, Parser)]
#[command(name = "modelseal", version, styles = STYLES, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args, Debug)]
pub(crate) struct Global {
    /// How to report: for people, or as JSON (one document on standard output)
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Report nothing but errors, and show no progress
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key pair
    Keygen(KeygenArgs),
    /// Sign a model
    Sign(SignArgs),
    /// Sign how a model was made, or something else about it
    Attest(Box<AttestArgs>),
    /// Sign that somebody else follows you as the publisher of what has these names
    Succession(SuccessionArgs),
    /// Prove that a model is what its publisher signed
    Verify(Box<VerifyArgs>),
    /// Compute the root digest and the model digest
    Digest(DigestArgs),
    /// Hash a model on several machines, and join what they found
    #[command(subcommand)]
    Manifest(ManifestCommand),
    /// Look at hardware tokens and security modules
    #[command(subcommand)]
    Pkcs11(Pkcs11Command),
    /// Refresh and show on whose word identities are believed
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Remember what names mean, and see when that changes
    #[command(subcommand)]
    Lock(LockCommand),
    /// Say what is never admitted
    #[command(subcommand)]
    Deny(DenyCommand),
    /// Show what a bundle claims, without verifying any of it
    Inspect(InspectArgs),
    /// Show the whole way: make a key, sign, verify, tamper, be refused
    Demo(DemoArgs),
    /// Behave as the `model_signing` command of the Python reference
    #[command(disable_help_flag = true)]
    ModelSigning {
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
        arguments: Vec<OsString>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct KeygenArgs {
    /// Where the private key goes; the public key goes beside it, as KEY.pub
    #[arg(long, value_name = "KEY")]
    pub(crate) out: PathBuf,
    /// The kind of key
    #[arg(long = "type", value_enum, default_value_t, value_name = "TYPE")]
    pub(crate) key_type: KeyType,
    /// Keep the private key under a passphrase, which is asked for
    /// (or taken from --passphrase-file, or from MODELSEAL_PASSPHRASE)
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// The passphrase is the first line of this file
    #[arg(long, value_name = "FILE", requires = "encrypt")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum KeyType {
    #[default]
    P256,
    P384,
    P521,
    /// Not registered by OMS v1.0: the Python reference cannot verify it
    Ed25519,
}

impl From<KeyType> for KeyAlgorithm {
    fn from(key_type: KeyType) -> Self {
        match key_type {
            KeyType::P256 => Self::P256,
            KeyType::P384 => Self::P384,
            KeyType::P521 => Self::P521,
            KeyType::Ed25519 => Self::Ed25519,
        }
    }
}

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("what").args(["model", "digests", "oci_manifest", "manifest"]).required(true)))]
pub(crate) struct SignArgs {
    /// The model: a directory, or one file
    pub(crate) model: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// Where the signature goes, - for standard output
    /// [default: MODEL/model.sig for a directory, MODEL.sig for a file]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) serialization: SerializationArgs,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
    /// Replace an existing signature
    #[arg(long)]
    pub(crate) force: bool,
    /// List what would be signed, and sign nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not hash large files again that this signature of yours covers, and that did not change since
    /// this user signed them on this machine
    #[arg(long, value_name = "SIGNATURE", requires = "model", conflicts_with = "dry_run")]
    pub(crate) reuse: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) claims: ClaimsArgs,
    #[command(flatten)]
    pub(crate) listed: ListedArgs,
}

impl SignArgs {
    pub(crate) fn writes_to_stdout(&self) -> bool {
        self.output.as_deref() == Some(Path::new("-")) && !self.dry_run
    }
}

#[derive(Args, Debug)]
pub(crate) struct SerializationArgs {
    /// The hash of each file
    #[arg(long, value_enum, default_value_t, value_name = "HASH")]
    hash: Hash,
    /// Hash each file in shards of so many bytes
    #[arg(long, value_name = "BYTES", value_parser = shard_size)]
    shard_size: Option<ShardSize>,
    /// Leave out a path and everything beneath it (repeat for several); it is recorded in the signature
    #[arg(long, value_name = "PATH")]
    ignore: Vec<PathBuf>,
    /// Follow symbolic links, inside the model only
    #[arg(long)]
    allow_symlinks: bool,
}

#[derive(Args, Debug)]
pub(crate) struct JobsArgs {
    /// Threads that hash [default: one for each processor]
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

impl JobsArgs {
    pub(crate) fn get(&self) -> NonZeroUsize {
        self.jobs.unwrap_or_else(modelseal::default_jobs)
    }
}

impl SerializationArgs {
    pub(crate) fn hash_type(&self) -> HashType {
        match self.hash {
            Hash::Sha256 => HashType::Sha256,
            Hash::Blake2b => HashType::Blake2b,
            Hash::Blake3 => HashType::Blake3,
        }
    }

    pub(crate) fn method(&self) -> Method {
        self.shard_size.map_or(Method::Files, Method::Shards)
    }

    /// Which files of `model` are meant.
    pub(crate) fn coverage(&self, model: &Model) -> Result<Coverage, Failure> {
        Ok(Coverage {
            ignore: ignore_paths(&self.ignore, model)?,
            links: if self.allow_symlinks { Links::Follow } else { Links::Refuse },
            ..Coverage::default()
        })
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Hash {
    #[default]
    Sha256,
    /// The Python reference cannot verify it from its command line
    Blake2b,
    /// The Python reference cannot verify it from its command line
    Blake3,
}

fn shard_size(text: &str) -> Result<ShardSize, String> {
    let size = text.parse().ok().and_then(ShardSize::new);
    size.ok_or_else(|| "expected a number of bytes, at least 1".to_owned())
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The model: a directory, or one file
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// The signature [default: MODEL/model.sig for a directory, MODEL.sig for a file]
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Do not look at a path and everything beneath it (repeat for several); it may not be signed
    #[arg(long, value_name = "PATH")]
    pub(crate) ignore: Vec<PathBuf>,
    /// Tolerate files that are not signed, and list them
    #[arg(long, conflicts_with = "strict")]
    pub(crate) ignore_unsigned_files: bool,
    /// Refuse anything that is not signed, ignored paths included; only model.sig and claims.jsonl may be there
    #[arg(long)]
    pub(crate) strict: bool,
    /// Copy the signed files to this new directory while they are hashed; it appears only if all of them match
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
    /// Threads that hash [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Show the whole chain: signatures, attestations, the models that it was made from, and the same of those
    #[arg(long)]
    pub(crate) tree: bool,
    #[command(flatten)]
    pub(crate) summary: SummaryArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pkcs11Command {
    /// List tokens, and the keys and certificates on them
    List(ListArgs),
    /// Print the public half of a key on a token, in PEM
    PublicKey(PublicKeyArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// The vendor's module, by its full path, or a PKCS#11 URI that names it and perhaps a token
    #[arg(value_name = "MODULE|URI")]
    module: OsString,
    /// Log in to the one token that the URI names, to see private keys
    /// [the PIN's default: MODELSEAL_PIN, or it is asked for]
    #[arg(long)]
    pub(crate) login: bool,
}

impl ListArgs {
    pub(crate) fn uri(&self) -> Result<Uri, Failure> {
        if let Some(text) = self.module.to_str().filter(|text| text.starts_with("pkcs11:")) {
            return Pkcs11Uri(text.to_owned()).parse();
        }
        let module = ModuleReference::Path(PathBuf::from(&self.module));
        Ok(Uri { module: Some(module), ..Uri::default() })
    }
}

/// A PKCS#11 URI that was not read yet: the argument parser quotes what it
/// cannot read, and a URI may hold a PIN.
#[derive(Clone)]
pub(crate) struct Pkcs11Uri(String);

impl From<String> for Pkcs11Uri {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Debug for Pkcs11Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkcs11Uri(…)")
    }
}

impl Pkcs11Uri {
    pub(crate) fn parse(&self) -> Result<Uri, Failure> {
        self.0.parse().map_err(|error: UriError| Failure::new(Exit::Usage, "pkcs11-uri", error.to_string()))
    }
}

#[derive(Args, Debug)]
pub(crate) struct PublicKeyArgs {
    /// The key: pkcs11:token=…;object=…?module-path=…
    pub(crate) uri: Pkcs11Uri,
    /// Write it to a file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DigestArgs {
    /// The model: a directory, or one file
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) serialization: SerializationArgs,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
}

#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The bundle, or a model directory that holds one
    pub(crate) bundle: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// A model of your own, which is only read
    #[arg(default_value = "testdata/tiny-model")]
    pub(crate) model: PathBuf,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().filter(|seconds| (1..=3600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "expected a number of seconds, 1 to 3600".to_owned())
}
