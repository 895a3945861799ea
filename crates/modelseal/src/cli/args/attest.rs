//! What is attested of a model.

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use modelseal::{Reference, is_uri};

use super::SignerArgs;

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("what").required(true).args(["provenance", "predicate_type"]))]
#[command(
    override_usage = "modelseal attest <MODEL> --provenance [FILE|--from-ci] [OPTIONS]\n       modelseal attest <MODEL> --type <URI> --predicate <FILE> [OPTIONS]"
)]
pub(crate) struct AttestArgs {
    /// The model: a directory, or one file
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) provenance: ProvenanceArgs,
    #[command(flatten)]
    pub(crate) predicate: PredicateArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// The signature of the model: what it covers is what is attested of
    /// [default: MODEL/model.sig for a directory, MODEL.sig for a file, where it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// The claims file that it goes to
    /// [default: MODEL/claims.jsonl for a directory, MODEL.claims.jsonl for a file]
    #[arg(long, value_name = "FILE")]
    pub(crate) claims: Option<PathBuf>,
    /// Write the attestation to a file of its own instead, - for standard output
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["claims", "base_model", "data_set"])]
    pub(crate) output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// Threads that hash [default: one for each processor]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// How it was made.
#[derive(Args, Debug)]
pub(crate) struct ProvenanceArgs {
    /// How the model was made: the predicate of SLSA provenance v1 in a JSON file, or --from-ci
    #[arg(long, help_heading = "Provenance", value_name = "FILE", num_args = 0..=1, conflicts_with = "predicate_type")]
    #[expect(clippy::option_option, reason = "an option whose value may be left out")]
    pub(crate) provenance: Option<Option<PathBuf>>,
    /// Take what this job of GitHub Actions or GitLab CI says of itself in its environment
    #[arg(long, help_heading = "Provenance", requires = "provenance", conflicts_with = "predicate_type")]
    pub(crate) from_ci: bool,
    /// Who builds, where the environment does not tell: the URI of a reusable workflow, with its ref
    #[arg(long, help_heading = "Provenance", value_name = "URI", requires = "from_ci", value_parser = uri)]
    pub(crate) builder: Option<String>,
    /// A model that it was made from: verified first, recorded with its digest and signer, and its
    /// bundles carried along (repeat for several). NAME is what the policy calls it
    /// [default: the repository in whose cache it lies, else file:PATH, which nobody else can verify]
    #[arg(long, help_heading = "Provenance", value_name = "[NAME=]PATH", requires_all = ["provenance", "base_policy"], conflicts_with = "predicate_type")]
    pub(crate) base_model: Vec<NamedModel>,
    /// A signed data set that it was made from, likewise (repeat for several)
    #[arg(long, help_heading = "Provenance", value_name = "[NAME=]PATH", requires_all = ["provenance", "base_policy"], conflicts_with = "predicate_type")]
    pub(crate) data_set: Vec<NamedModel>,
    /// The trust policy that has to admit base models and data sets
    #[arg(
        long,
        help_heading = "Provenance",
        value_name = "FILE",
        requires = "provenance",
        conflicts_with = "predicate_type"
    )]
    pub(crate) base_policy: Option<PathBuf>,
    /// The lock that it asks
    #[arg(long, help_heading = "Provenance", value_name = "FILE", requires = "base_policy")]
    pub(crate) base_lock: Option<PathBuf>,
    /// A public key that it names by its fingerprint, in PEM (repeat for several)
    #[arg(long, help_heading = "Provenance", value_name = "PUB", requires = "base_policy")]
    pub(crate) base_policy_key: Vec<PathBuf>,
}

/// Anything else.
#[derive(Args, Debug)]
pub(crate) struct PredicateArgs {
    /// The type of another predicate (a bill of materials, a scan, a test result, a model card): a URI
    #[arg(long = "type", id = "predicate_type", help_heading = "Other predicates", value_name = "URI", requires = "predicate", value_parser = uri)]
    pub(crate) predicate_type: Option<String>,
    /// The predicate: a file with one JSON object, of which nothing more is checked
    #[arg(long, help_heading = "Other predicates", value_name = "FILE", requires = "predicate_type")]
    pub(crate) predicate: Option<PathBuf>,
}

/// A model, and perhaps what it is called.
#[derive(Clone, Debug)]
pub(crate) struct NamedModel {
    pub(crate) name: Option<Reference>,
    pub(crate) path: PathBuf,
}

impl std::str::FromStr for NamedModel {
    type Err = String;

    /// A path may hold a `=` too: what stands before it is a name only if it begins
    /// as one.
    fn from_str(text: &str) -> Result<Self, String> {
        if is_like_a_name(text) && !text.contains('=') {
            return Err("no path follows the name: expected NAME=PATH".to_owned());
        }
        let Some((name, path)) = text.split_once('=').filter(|(name, _)| is_like_a_name(name)) else {
            return Ok(Self { name: None, path: OsStr::new(text).into() });
        };
        if path.is_empty() {
            return Err("no path follows the name: expected NAME=PATH".to_owned());
        }
        let name = name.parse().map_err(|error: modelseal::ReferenceError| error.to_string())?;
        Ok(Self { name: Some(name), path: path.into() })
    }
}

fn is_like_a_name(text: &str) -> bool {
    ["hf:", "oci:", "file:"].iter().any(|scheme| text.starts_with(scheme))
}

fn uri(text: &str) -> Result<String, String> {
    if is_uri(text) {
        Ok(text.to_owned())
    } else {
        Err("expected a URI, such as https://cyclonedx.org/bom".to_owned())
    }
}
