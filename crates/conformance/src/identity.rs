//! Which Sigstore, and whose identity. What comes with the library is used as it
//! is: nothing that somebody kept on this machine has a say.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use modelseal::sigstore::{
    AmbientIdentity, IdentityProvider, IdentityToken, SIGSTORE_AUDIENCE, SigstoreInstance, SigstoreSigner,
    Timeouts,
};
use modelseal::{Timestamp, TrustedRoot, Unobserved};
use modelseal_disk::read_named;

const MAX_TRUST_FILE_BYTES: u64 = 8 * 1024 * 1024;

#[derive(Args)]
pub(crate) struct InstanceArgs {
    /// The public instance for tests
    #[arg(long, alias = "staging")]
    use_staging: bool,
    /// A client trust configuration: not of the protocol, for private instances
    #[arg(long, value_name = "F", conflicts_with = "use_staging")]
    trust_config: Option<PathBuf>,
}

impl InstanceArgs {
    pub(crate) fn signs(&self) -> Result<SigstoreInstance, Box<dyn Error>> {
        match &self.trust_config {
            Some(path) => Ok(SigstoreInstance::from_client_trust_config(&read(path)?)?),
            None if self.use_staging => Ok(SigstoreInstance::staging()),
            None => Ok(SigstoreInstance::production()),
        }
    }

    pub(crate) fn trusted_root(&self) -> Result<TrustedRoot, Box<dyn Error>> {
        match &self.trust_config {
            Some(path) => Ok(TrustedRoot::parse_trust_config(&read(path)?)?),
            None if self.use_staging => Ok(TrustedRoot::staging()),
            None => Ok(TrustedRoot::production()),
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    Ok(read_named(path, MAX_TRUST_FILE_BYTES, &Unobserved)?)
}

/// Signs for the token, else for the CI job that this runs in.
pub(crate) fn signer(
    instance: SigstoreInstance,
    token: Option<&str>,
) -> Result<SigstoreSigner, Box<dyn Error>> {
    let provider: Box<dyn IdentityProvider> = if let Some(token) = token {
        Box::new(IdentityToken::parse(token, SIGSTORE_AUDIENCE, Timestamp::now())?)
    } else {
        let ambient = AmbientIdentity::detect(|name| std::env::var_os(name), Timeouts::default())?;
        Box::new(ambient.ok_or("--identity-token is missing, and no CI job speaks for an identity")?)
    };
    Ok(SigstoreSigner::new(instance, provider, Timestamp::now))
}
