use modelseal_bundle::{Statement, UntrustedBundle, legacy};
use modelseal_manifest::{ManifestPath, ModelDigest};

use crate::{ClaimsFile, Error, SIGNATURE_FILE_NAME};

/// The signatures that a model has, by what they say of themselves. Nobody
/// verified them: they are there to refuse, and never to permit.
#[derive(Clone, Debug)]
pub struct ExistingSignatures {
    signature: Option<Statement>,
    in_claims: Vec<Statement>,
}

impl ExistingSignatures {
    /// Takes the signature in the usual place, where there is one, and those
    /// in the claims file. What cannot be read as the signature of a model
    /// nobody can verify as one, so nothing can break it.
    pub fn of(signature: Option<&UntrustedBundle>, claims: &ClaimsFile) -> Self {
        let statement =
            |bundle: &UntrustedBundle| legacy::parse_unverified_statement(bundle.envelope().payload()).ok();
        Self {
            signature: signature.and_then(statement),
            in_claims: claims.bundles().iter().filter_map(statement).collect(),
        }
    }

    /// Whether each of them leaves out the claims file, which stands at `path`
    /// in the model.
    ///
    /// # Errors
    /// [`Error::ClaimsNotIgnored`].
    pub fn check_ignored(&self, path: &ManifestPath) -> Result<(), Error> {
        let signature = self.signature.iter().map(|statement| (SIGNATURE_FILE_NAME, statement));
        let in_claims = self.in_claims.iter().map(|statement| ("a signature in the claims file", statement));
        let is_ignored = |statement: &Statement| {
            statement.manifest().serialization().ignore_paths.iter().any(|ignore| ignore.covers(path))
        };
        match signature.chain(in_claims).find(|(_, statement)| !is_ignored(statement)) {
            Some((name, _)) => {
                Err(Error::ClaimsNotIgnored { path: path.clone(), signature: name.to_owned() })
            }
            None => Ok(()),
        }
    }

    /// What the signature in the usual place covers, where it tells.
    pub(crate) fn model_digest(&self) -> Option<ModelDigest> {
        self.signature.as_ref()?.manifest().model_digest()
    }
}
