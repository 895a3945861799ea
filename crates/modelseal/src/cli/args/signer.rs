//! Who signs: `--key`, `--pkcs11`, or an identity.

use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use zeroize::Zeroizing;

use super::{InstanceArgs, Pkcs11Uri, seconds};

#[derive(Args, Debug)]
pub(crate) struct SignerArgs {
    /// The private key, in PEM (PKCS#8 or SEC1)
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) with: SignerOptions,
    #[command(flatten)]
    pub(crate) instance: InstanceArgs,
}

/// Everything about a signer but `--key` and the Sigstore instance, which a command
/// that verifies has as well.
#[derive(Args, Clone, Debug)]
pub(crate) struct SignerOptions {
    /// The passphrase of the private key is the first line of this file
    /// [default: MODELSEAL_PASSPHRASE, or it is asked for]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The private key on a hardware token: pkcs11:token=…;object=…?module-path=…&pin-source=…
    /// [the PIN's default: MODELSEAL_PIN, or it is asked for]
    #[arg(long, value_name = "URI", conflicts_with = "key")]
    pub(crate) pkcs11: Option<Pkcs11Uri>,
    /// Sign under this certificate, in PEM; others after it are taken as its chain
    #[arg(long, value_name = "PEM")]
    pub(crate) certificate: Option<PathBuf>,
    /// Sign under the certificate that the token holds with the id of the key
    #[arg(long, requires = "pkcs11", conflicts_with = "certificate")]
    pub(crate) token_certificate: bool,
    /// What lies between the certificate and the roots that verifiers trust (repeat for several)
    #[arg(long, value_name = "PEM")]
    pub(crate) chain: Vec<PathBuf>,
    /// Have a timestamp authority (RFC 3161) say when it was signed (repeat for several):
    /// a signature under a certificate then outlives the certificate
    #[arg(long, value_name = "URL")]
    pub(crate) timestamp_url: Vec<String>,
    #[command(flatten)]
    pub(crate) keyless: KeylessArgs,
}

/// How an identity is proved. Without a key, and without any of these, it is the
/// identity of the CI job, else that of whoever logs in with a browser.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeylessArgs {
    /// The identity token (JWT); others on this machine may see it, a file is better
    #[arg(long, help_heading = "Identities", value_name = "TOKEN", conflicts_with_all = ["key", "pkcs11"])]
    pub(crate) identity_token: Option<Token>,
    /// The identity token is in this file
    #[arg(long, help_heading = "Identities", value_name = "FILE", conflicts_with_all = ["key", "pkcs11", "identity_token"])]
    pub(crate) identity_token_file: Option<PathBuf>,
    /// Log in without a browser on this machine: show a URL, and ask for the code
    #[arg(long, help_heading = "Identities", conflicts_with_all = ["key", "pkcs11", "identity_token", "identity_token_file"])]
    pub(crate) oob: bool,
    /// Do not ask before the identity is published
    #[arg(long, short, help_heading = "Identities")]
    pub(crate) yes: bool,
    /// The services of the instance, in JSON
    #[arg(long, help_heading = "Sigstore instance", value_name = "FILE", requires = "trusted_root")]
    pub(crate) signing_config: Option<PathBuf>,
    /// Give up a request to a service after so many seconds
    #[arg(long, help_heading = "Sigstore instance", value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

/// A token that is never shown: the argument parser quotes what it cannot read.
#[derive(Clone)]
pub(crate) struct Token(pub(crate) Zeroizing<String>);

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl SignerArgs {
    /// Files that hold secrets, which no model may hold.
    pub(crate) fn secret_files(&self) -> Vec<PathBuf> {
        let pin = self.with.pkcs11.as_ref().and_then(|uri| uri.parse().ok()?.pin_file().map(Path::to_owned));
        let token = self.with.keyless.identity_token_file.clone();
        [self.key.clone(), self.with.passphrase_file.clone(), pin, token].into_iter().flatten().collect()
    }
}

impl SignerOptions {
    /// An option of a signer that was given, by its name.
    pub(crate) fn named(&self) -> Option<&'static str> {
        let keyless = &self.keyless;
        let given = [
            (self.passphrase_file.is_some(), "--passphrase-file"),
            (self.pkcs11.is_some(), "--pkcs11"),
            (self.certificate.is_some(), "--certificate"),
            (self.token_certificate, "--token-certificate"),
            (!self.chain.is_empty(), "--chain"),
            (!self.timestamp_url.is_empty(), "--timestamp-url"),
            (keyless.identity_token.is_some(), "--identity-token"),
            (keyless.identity_token_file.is_some(), "--identity-token-file"),
            (keyless.oob, "--oob"),
            (keyless.yes, "--yes"),
            (keyless.signing_config.is_some(), "--signing-config"),
        ];
        given.into_iter().find_map(|(is_given, name)| is_given.then_some(name))
    }
}
