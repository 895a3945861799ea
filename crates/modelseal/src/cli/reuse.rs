//! Digests of an old signature that need not be made again.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use modelseal::{
    Cancel, Clock, Error, Signer, SigstoreTrust, Trust, UntrustedBundle, VerificationMaterial,
    VerifiedStatement,
};

use super::args::SignerArgs;
use super::failure::{Failure, Named, Task};
use super::inputs::read_signature;
use super::signer::SignerFacts;
use super::trusted_root::trusted_root;

const HELP: &str = "sign without --reuse: everything is hashed then";

/// Where digests are remembered: in the user's cache directory.
pub(crate) fn digest_cache() -> Option<PathBuf> {
    Some(ProjectDirs::from("", "", "modelseal")?.cache_dir().join("digests"))
}

/// The old signature has to be by who signs now; of an identity that is seen only when it
/// has signed.
pub(crate) fn verify(
    path: &Path,
    args: &SignerArgs,
    signer: &dyn Signer,
    facts: &SignerFacts,
    cancel: &Cancel,
) -> Result<VerifiedStatement, Failure> {
    let bundle = read_signature(path, true)?;
    let trust = match facts {
        SignerFacts::Identity => {
            let root = trusted_root(&args.instance, cancel)?;
            Trust::sigstore(SigstoreTrust::certificate(root, leaf(&bundle), Clock::system()))
        }
        SignerFacts::Key(_) | SignerFacts::Certificate(..) => signer.trust(),
    };
    modelseal::verify_statement(bundle, &trust).map_err(|error| {
        let named = Named { model: path, bundle: path, is_strict: false };
        Task::Verifying.failure(Error::from(error), &named).help(HELP)
    })
}

/// Whose certificate it is: who that is, is seen when it was verified.
fn leaf(bundle: &UntrustedBundle) -> &[u8] {
    match bundle.material() {
        VerificationMaterial::Certificate(leaf) => leaf,
        _ => &[],
    }
}
