//! Its arguments, in the reference's spellings.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::cli::args::{InstanceArgs, Pkcs11Uri, Token};
use crate::cli::signer::{CertificateFiles, LeafSource};

/// The order of the reference's own help.
const HELP: &str = "Usage: {usage}\n\n  {about}\n\n{all-args}\n";

/// Sign and verify models as the Python reference does.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true, help_template = HELP)]
pub(super) struct Reference {
    /// Accepted and not used
    #[arg(long = "log-level", alias = "log_level", global = true, value_name = "LEVEL", hide = true, ignore_case = true,
          value_parser = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])]
    pub(super) log_level: Option<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Sign models
    #[command(subcommand, arg_required_else_help = true, disable_help_subcommand = true, help_template = HELP)]
    Sign(SignMethod),
    /// Verify models
    #[command(subcommand, arg_required_else_help = true, disable_help_subcommand = true, help_template = HELP)]
    Verify(VerifyMethod),
    /// Print the root digest of a model
    #[command(args_override_self = true, help_template = HELP)]
    Digest(DigestArgs),
}

#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true, help_template = HELP)]
pub(super) enum SignMethod {
    /// Sign using Sigstore (the default)
    #[command(args_override_self = true, help_template = HELP)]
    Sigstore(SignSigstoreArgs),
    /// Sign using a private key
    #[command(args_override_self = true, help_template = HELP)]
    Key(SignKeyArgs),
    /// Sign using a certificate
    #[command(args_override_self = true, help_template = HELP)]
    Certificate(SignCertificateArgs),
    /// Sign using a private key named by a PKCS #11 URI
    #[command(args_override_self = true, help_template = HELP)]
    Pkcs11Key(SignPkcs11KeyArgs),
    /// Sign using a certificate, and a private key named by a PKCS #11 URI
    #[command(args_override_self = true, help_template = HELP)]
    Pkcs11Certificate(SignPkcs11CertificateArgs),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true, help_template = HELP)]
pub(super) enum VerifyMethod {
    /// Verify using Sigstore (the default)
    #[command(args_override_self = true, help_template = HELP)]
    Sigstore(VerifySigstoreArgs),
    /// Verify using a public key
    #[command(args_override_self = true, help_template = HELP)]
    Key(VerifyKeyArgs),
    /// Verify using a certificate
    #[command(args_override_self = true, help_template = HELP)]
    Certificate(VerifyCertificateArgs),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Args, Debug)]
pub(super) struct CommonArgs {
    /// File paths to ignore, from the working directory
    #[arg(long = "ignore-paths", alias = "ignore_paths", value_name = "IGNORE_PATHS")]
    pub(super) ignore_paths: Vec<PathBuf>,
    /// Ignore git-related files (the default)
    #[arg(long = "ignore-git-paths", alias = "ignore_git_paths", overrides_with = "no_ignore_git_paths")]
    pub(super) ignore_git_paths: bool,
    /// Do not ignore git-related files
    #[arg(long = "no-ignore-git-paths", alias = "no_ignore_git_paths", overrides_with = "ignore_git_paths")]
    pub(super) no_ignore_git_paths: bool,
    /// Follow symbolic links; when verifying, the signature decides
    #[arg(long = "allow_symlinks", alias = "allow-symlinks")]
    pub(super) allow_symlinks: bool,
    /// The model
    #[arg(value_name = "MODEL_PATH")]
    pub(super) model: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct SignArgs {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    /// Location of the signature file to generate
    #[arg(long, value_name = "SIGNATURE_PATH", default_value = "model.sig")]
    pub(super) signature: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct CertificateArgs {
    /// Path to the signing certificate, as a PEM-encoded file
    #[arg(long = "signing_certificate", alias = "signing-certificate", value_name = "CERTIFICATE_PATH")]
    pub(super) signing_certificate: PathBuf,
    /// Path to certificate chain of trust
    #[arg(long = "certificate_chain", alias = "certificate-chain", value_name = "CERTIFICATE_PATH")]
    pub(super) certificate_chain: Vec<PathBuf>,
}

impl CertificateArgs {
    pub(super) fn files(&self) -> CertificateFiles<'_> {
        CertificateFiles { leaf: LeafSource::File(&self.signing_certificate), chain: &self.certificate_chain }
    }
}

#[derive(Args, Debug)]
pub(super) struct SignCertificateArgs {
    #[command(flatten)]
    pub(super) sign: SignArgs,
    /// Path to the private key, as a PEM-encoded file
    #[arg(long = "private_key", alias = "private-key", value_name = "PRIVATE_KEY")]
    pub(super) private_key: PathBuf,
    #[command(flatten)]
    pub(super) certificate: CertificateArgs,
}

#[derive(Args, Debug)]
pub(super) struct SignPkcs11KeyArgs {
    #[command(flatten)]
    pub(super) sign: SignArgs,
    /// PKCS #11 URI of the private key
    #[arg(long = "pkcs11_uri", alias = "pkcs11-uri", value_name = "PKCS11_URI")]
    pub(super) pkcs11_uri: Pkcs11Uri,
}

#[derive(Args, Debug)]
pub(super) struct SignPkcs11CertificateArgs {
    #[command(flatten)]
    pub(super) sign: SignArgs,
    /// PKCS #11 URI of the private key
    #[arg(long = "pkcs11_uri", alias = "pkcs11-uri", value_name = "PKCS11_URI")]
    pub(super) pkcs11_uri: Pkcs11Uri,
    #[command(flatten)]
    pub(super) certificate: CertificateArgs,
}

#[derive(Args, Debug)]
pub(super) struct SignKeyArgs {
    #[command(flatten)]
    pub(super) sign: SignArgs,
    /// Path to the private key, as a PEM-encoded file
    #[arg(long = "private_key", alias = "private-key", value_name = "PRIVATE_KEY")]
    pub(super) private_key: PathBuf,
    /// Password for the key encryption, if any
    #[arg(long, value_name = "PASSWORD")]
    pub(super) password: Option<String>,
}

/// Which Sigstore.
#[derive(Args, Debug)]
pub(super) struct SigstoreArgs {
    /// Use Sigstore's staging instance
    #[arg(long = "use_staging", alias = "use-staging")]
    use_staging: bool,
    /// The client trust configuration to use
    #[arg(long = "trust_config", alias = "trust-config", value_name = "TRUST_CONFIG_PATH")]
    trust_config: Option<PathBuf>,
}

impl SigstoreArgs {
    /// The staging instance counts more, as in the reference.
    pub(super) fn instance(&self) -> InstanceArgs {
        let trust_config = self.trust_config.clone().filter(|_| !self.use_staging);
        InstanceArgs { trusted_root: None, trust_config, staging: self.use_staging }
    }
}

#[derive(Args, Debug)]
pub(super) struct SignSigstoreArgs {
    #[command(flatten)]
    pub(super) sign: SignArgs,
    #[command(flatten)]
    pub(super) sigstore: SigstoreArgs,
    /// Use credentials from ambient environment
    #[arg(long = "use_ambient_credentials", alias = "use-ambient-credentials")]
    pub(super) use_ambient_credentials: bool,
    /// Fixed OIDC identity token to use
    #[arg(long = "identity_token", alias = "identity-token", value_name = "TOKEN")]
    pub(super) identity_token: Option<Token>,
    /// Force an out-of-band OAuth flow and do not start the default web browser
    #[arg(long = "oauth_force_oob", alias = "oauth-force-oob")]
    pub(super) oauth_force_oob: bool,
    /// The custom OpenID Connect client ID
    #[arg(long = "client_id", alias = "client-id", value_name = "ID")]
    pub(super) client_id: Option<String>,
    /// The custom OpenID Connect client secret
    #[arg(long = "client_secret", alias = "client-secret", value_name = "SECRET")]
    pub(super) client_secret: Option<Token>,
}

#[derive(Args, Debug)]
pub(super) struct VerifySigstoreArgs {
    #[command(flatten)]
    pub(super) verify: VerifyArgs,
    #[command(flatten)]
    pub(super) sigstore: SigstoreArgs,
    /// The expected identity of the signer (e.g., name@example.com)
    #[arg(long, value_name = "IDENTITY")]
    pub(super) identity: String,
    /// The expected identity provider (e.g., accounts.example.com)
    #[arg(long = "identity_provider", alias = "identity-provider", value_name = "IDENTITY_PROVIDER")]
    pub(super) identity_provider: String,
}

#[derive(Args, Debug)]
pub(super) struct VerifyKeyArgs {
    #[command(flatten)]
    pub(super) verify: VerifyArgs,
    /// Path to the public key used for verification
    #[arg(long = "public_key", alias = "public-key", value_name = "PUBLIC_KEY")]
    pub(super) public_key: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct VerifyCertificateArgs {
    #[command(flatten)]
    pub(super) verify: VerifyArgs,
    /// Path to certificate chain of trust
    #[arg(long = "certificate_chain", alias = "certificate-chain", value_name = "CERTIFICATE_PATH")]
    pub(super) certificate_chain: Vec<PathBuf>,
    /// Log SHA256 fingerprints of all certificates
    #[arg(long = "log_fingerprints", alias = "log-fingerprints")]
    pub(super) log_fingerprints: bool,
}

#[derive(Args, Debug)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    pub(super) common: CommonArgs,
    /// Location of the signature file to verify
    #[arg(long, value_name = "SIGNATURE_PATH")]
    pub(super) signature: PathBuf,
    /// Ignore all files that were not originally signed
    #[arg(
        long = "ignore_unsigned_files",
        alias = "ignore-unsigned-files",
        overrides_with = "no_ignore_unsigned_files"
    )]
    pub(super) ignore_unsigned_files: bool,
    /// Refuse files that were not originally signed (the default)
    #[arg(
        long = "no-ignore_unsigned_files",
        alias = "no-ignore-unsigned-files",
        hide = true,
        overrides_with = "ignore_unsigned_files"
    )]
    pub(super) no_ignore_unsigned_files: bool,
}

#[derive(Args, Debug)]
pub(super) struct DigestArgs {
    #[command(flatten)]
    pub(super) common: CommonArgs,
}
