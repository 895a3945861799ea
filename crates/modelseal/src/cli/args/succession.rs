//! Who follows whom, for which names.

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use modelseal::Scope;

use super::SignerArgs;

#[derive(Args, Debug)]
pub(crate) struct SuccessionArgs {
    /// The model beside whose signature it stands: a directory, or one file
    #[arg(required_unless_present = "claims")]
    pub(crate) model: Option<PathBuf>,
    /// For which names: one, or all that begin alike, such as hf://ORGANISATION/*
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Scope,
    #[command(flatten)]
    pub(crate) successor: SuccessorArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// The claims file that it goes to
    /// [default: MODEL/claims.jsonl for a directory, MODEL.claims.jsonl for a file]
    #[arg(long, value_name = "FILE")]
    pub(crate) claims: Option<PathBuf>,
}

/// Who follows.
#[expect(clippy::struct_field_names, reason = "they have the names of the options")]
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("successor").required(true).args(["to_key", "to_certificate", "to_identity"]))]
pub(crate) struct SuccessorArgs {
    /// The holder of this public key, in PEM
    #[arg(long, help_heading = "Successor", value_name = "PUB")]
    pub(crate) to_key: Option<PathBuf>,
    /// Whoever has certificates of this one's subject, in PEM, under --to-root
    #[arg(long, help_heading = "Successor", value_name = "PEM", requires = "to_root")]
    pub(crate) to_certificate: Option<PathBuf>,
    /// The root of the successor's certificates, in PEM
    #[arg(long, help_heading = "Successor", value_name = "PEM", requires = "to_certificate")]
    pub(crate) to_root: Option<PathBuf>,
    /// This identity: an e-mail address, or the URI of a workflow, which takes a number as well
    #[arg(long, help_heading = "Successor", value_name = "ID", requires = "to_issuer")]
    pub(crate) to_identity: Option<String>,
    /// The OIDC issuer that vouches for the successor
    #[arg(long, help_heading = "Successor", value_name = "URL", requires = "to_identity")]
    pub(crate) to_issuer: Option<String>,
    /// The number of the owner of the successor's repository. With a number, it counts in place of the name
    #[arg(long, help_heading = "Successor", value_name = "N", requires = "to_identity", value_parser = number)]
    pub(crate) to_owner_id: Option<String>,
    /// The number of the successor's repository
    #[arg(long, help_heading = "Successor", value_name = "N", requires = "to_identity", value_parser = number)]
    pub(crate) to_repository_id: Option<String>,
    /// Name a repository without a number, though whoever registers its name anew then follows
    #[arg(long, help_heading = "Successor", requires = "to_identity", conflicts_with_all = ["to_owner_id", "to_repository_id"])]
    pub(crate) to_name_only: bool,
}

/// Issuers number owners and repositories; some of them with UUIDs.
fn number(text: &str) -> Result<String, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if text.is_empty() || !text.chars().all(is_plain) {
        return Err("expected a number, as the certificates of the issuer have it".to_owned());
    }
    Ok(text.to_owned())
}
