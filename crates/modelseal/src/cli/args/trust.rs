//! Whom to believe: `--key`, `--root` and `--leaf`, `--identity`.

use std::path::PathBuf;
use std::time::Duration;

use super::seconds;
use clap::{ArgGroup, Args, Subcommand};
use modelseal::{Claim, IdentityPattern, SubjectPattern, Timestamp};

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("trust").args(["key", "root", "leaf", "identity", "policy"]).required(true).multiple(true)))]
pub(crate) struct TrustArgs {
    /// The publisher's public key, in PEM; with --emit-vsa, the private key that signs the summary
    #[arg(long, value_name = "PUB", conflicts_with_all = ["root", "leaf"])]
    pub(crate) key: Option<PathBuf>,
    /// Believe certificates under these, in PEM (repeat for several); an intermediate may stand here too
    #[arg(long, value_name = "PEM")]
    pub(crate) root: Vec<PathBuf>,
    /// Believe this one signing certificate, in PEM; with --root, both have to hold
    #[arg(long, value_name = "PEM")]
    pub(crate) leaf: Option<PathBuf>,
    /// What the subject of the signing certificate has to hold, such as CN=Release,O=Acme
    #[arg(long, value_name = "NAME", conflicts_with_all = ["key", "identity"])]
    pub(crate) subject: Option<SubjectPattern>,
    /// Honour a certificate revocation list, in PEM or DER (repeat for several)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "identity"])]
    pub(crate) crl: Vec<PathBuf>,
    /// For audits: where nothing proves when it was signed, judge the validity of certificates at this time
    /// (2026-01-31 or 2026-01-31T12:00:00Z), for which nobody but you vouches
    #[arg(long, value_name = "TIME", conflicts_with_all = ["key", "identity"], value_parser = time)]
    pub(crate) at: Option<Timestamp>,
    /// Believe timestamps by authorities under these, in PEM (repeat for several)
    #[arg(long, value_name = "PEM", conflicts_with = "identity")]
    pub(crate) timestamp_root: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) identity: IdentityArgs,
    #[command(flatten)]
    pub(crate) instance: InstanceArgs,
}

/// A keyless signer.
#[derive(Args, Debug)]
pub(crate) struct IdentityArgs {
    /// Believe this identity: an e-mail address, or the URI of a workflow.
    /// It is compared as it stands; * stands for characters within one path segment
    #[arg(long, help_heading = "Identities", value_name = "ID", requires = "issuer", conflicts_with_all = ["key", "root", "leaf"])]
    pub(crate) identity: Option<IdentityPattern>,
    /// The OIDC issuer that has to have identified the signer
    #[arg(long, help_heading = "Identities", value_name = "URL", requires = "identity")]
    pub(crate) issuer: Option<String>,
    /// The repository that it has to be built from, such as https://github.com/acme/models
    #[arg(long, help_heading = "Identities", value_name = "URL", requires = "identity")]
    source_repository: Option<IdentityPattern>,
    /// The branch or tag that it has to be built from, such as refs/tags/*
    #[arg(long, help_heading = "Identities", value_name = "REF", requires = "identity")]
    source_ref: Option<IdentityPattern>,
    /// The number of the repository's owner, which nobody else ever has
    #[arg(long, help_heading = "Identities", value_name = "ID", requires = "identity")]
    source_owner_id: Option<IdentityPattern>,
    /// The number of the repository
    #[arg(long, help_heading = "Identities", value_name = "ID", requires = "identity")]
    source_repository_id: Option<IdentityPattern>,
    /// The workflow that has to have signed, with its ref
    #[arg(long, help_heading = "Identities", value_name = "URI", requires = "identity")]
    build_signer: Option<IdentityPattern>,
}

impl IdentityArgs {
    /// What the certificate has to say of the build.
    pub(crate) fn claims(&self) -> impl Iterator<Item = (Claim, IdentityPattern)> {
        let claims = [
            (Claim::SourceRepository, &self.source_repository),
            (Claim::SourceRef, &self.source_ref),
            (Claim::SourceOwnerId, &self.source_owner_id),
            (Claim::SourceRepositoryId, &self.source_repository_id),
            (Claim::BuildSigner, &self.build_signer),
        ];
        claims.into_iter().filter_map(|(claim, expected)| Some((claim, expected.clone()?)))
    }
}

/// A Sigstore instance. Without any of these it is the public one.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct InstanceArgs {
    /// The trusted root of the instance, in JSON
    #[arg(long, help_heading = "Sigstore instance", value_name = "FILE", conflicts_with_all = ["trust_config", "staging"])]
    pub(crate) trusted_root: Option<PathBuf>,
    /// The client trust configuration of the instance, in JSON: its trusted root and its services
    #[arg(long, help_heading = "Sigstore instance", value_name = "FILE", conflicts_with = "staging")]
    pub(crate) trust_config: Option<PathBuf>,
    /// The public instance for tests
    #[arg(long, help_heading = "Sigstore instance")]
    pub(crate) staging: bool,
}

impl InstanceArgs {
    pub(crate) fn is_named(&self) -> bool {
        self.trusted_root.is_some() || self.trust_config.is_some() || self.staging
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Fetch the trusted root of the public instance, verified through TUF
    Update(TrustUpdateArgs),
    /// Show which trusted root is used, and what it names
    Show(InstanceArgs),
}

#[derive(Args, Debug)]
pub(crate) struct TrustUpdateArgs {
    /// The public instance for tests
    #[arg(long)]
    pub(crate) staging: bool,
    /// Another TUF repository; its trusted root goes to --output, and is not kept
    #[arg(long, value_name = "URL", requires_all = ["tuf_root", "output"], conflicts_with = "staging")]
    pub(crate) tuf_url: Option<String>,
    /// The root metadata of that repository, which you vouch for
    #[arg(long, value_name = "FILE", requires = "tuf_url")]
    pub(crate) tuf_root: Option<PathBuf>,
    /// Write the trusted root to a file as well, for --trusted-root
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
    /// Give up a request to the repository after so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// A time, or a day, which stands for its beginning in UTC.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z").parse();
    let time = text.parse::<Timestamp>().or_else(|_| day());
    time.ok()
        .filter(|time| *time >= Timestamp::UNIX_EPOCH)
        .ok_or_else(|| "expected a time such as 2026-01-31T12:00:00Z, or a day such as 2026-01-31".to_owned())
}
