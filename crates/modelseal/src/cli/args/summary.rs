//! A verdict that others can rely on: `--emit-vsa`.

use std::path::PathBuf;

use clap::{Arg, Args};
use modelseal::uri_problem;

use super::{InstanceArgs, SignerArgs, SignerOptions, TrustArgs, VerifyArgs};
use crate::cli::failure::{Exit, Failure};

#[derive(Args, Debug)]
#[command(mut_args(under_summaries))]
pub(crate) struct SummaryArgs {
    /// Sign the verdict as a SLSA verification summary (VSA), and write it to this new file; to a
    /// .jsonl file it is added as a line. Signed as `modelseal sign` signs, --key naming a private key
    #[arg(long, help_heading = "Summaries", value_name = "FILE", requires_all = ["policy", "verifier_id"])]
    pub(crate) emit_vsa: Option<PathBuf>,
    /// Who verifies: the URI by which those who rely on the summary know this verifier
    #[arg(long, help_heading = "Summaries", value_name = "URI", requires = "emit_vsa", value_parser = uri)]
    pub(crate) verifier_id: Option<String>,
    /// What the policy is called in the summary, beside its digest
    /// [default: urn:modelseal:policy:sha256:DIGEST]
    #[arg(long, help_heading = "Summaries", value_name = "URI", requires = "emit_vsa", value_parser = uri)]
    pub(crate) policy_uri: Option<String>,
    #[command(flatten, next_help_heading = "Summaries")]
    pub(crate) signer: SignerOptions,
}

impl SummaryArgs {
    /// Who signs the summary, if there is to be one. `--key` and the Sigstore
    /// instance are those of the trust arguments, which a policy takes the place of.
    pub(crate) fn signer(&self, trust: &TrustArgs) -> Result<Option<SignerArgs>, Failure> {
        if self.emit_vsa.is_some() {
            let (key, instance) = (trust.key.clone(), trust.instance.clone());
            return Ok(Some(SignerArgs { key, with: self.signer.clone(), instance }));
        }
        let InstanceArgs { trusted_root, trust_config, staging } = &trust.instance;
        let given = [
            (trust.key.is_some(), "--key"),
            (trusted_root.is_some(), "--trusted-root"),
            (trust_config.is_some(), "--trust-config"),
            (*staging, "--staging"),
        ];
        match given.into_iter().find_map(|(is_given, name)| is_given.then_some(name)) {
            Some(name) => Err(usage(&format!("--policy says whom to believe: leave {name} out"))),
            None => Ok(None),
        }
    }
}

impl VerifyArgs {
    /// What signs is of no use where nothing is signed.
    pub(crate) fn check_signer_options(&self) -> Result<(), Failure> {
        match self.summary.signer.named().filter(|_| self.summary.emit_vsa.is_none()) {
            Some(name) => {
                Err(usage(&format!("{name} signs the summary of --emit-vsa FILE, and none is to be made")))
            }
            None => Ok(()),
        }
    }
}

/// Options of signers that have another heading where models are signed.
const OF_SIGNERS: [&str; 6] =
    ["identity_token", "identity_token_file", "oob", "yes", "signing_config", "timeout"];

/// Where a model is verified, what signs is for the summary alone.
fn under_summaries(arg: Arg) -> Arg {
    if OF_SIGNERS.contains(&arg.get_id().as_str()) { arg.help_heading("Summaries") } else { arg }
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Usage, "usage", message)
}

fn uri(text: &str) -> Result<String, String> {
    match uri_problem(text) {
        Some(problem) => Err(problem.to_owned()),
        None => Ok(text.to_owned()),
    }
}
