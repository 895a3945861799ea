use std::collections::HashSet;

use modelseal_bundle::{Attestation, Statement, UntrustedBundle, legacy};
use modelseal_manifest::{ManifestPath, ModelDigest, RootDigest};
use modelseal_predicate::{Provenance, ResourceDescriptor};

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
    /// nobody can verify as one, so nothing can break it; and those of models that
    /// this one was made from are of other files.
    pub fn of(signature: Option<&UntrustedBundle>, claims: &ClaimsFile) -> Self {
        let statement =
            |bundle: &UntrustedBundle| legacy::parse_unverified_statement(bundle.envelope().payload()).ok();
        let signature = signature.and_then(statement);
        let (models, roots) = dependencies(claims.bundles());
        let is_of_dependency = |statement: &Statement| {
            let manifest = statement.manifest();
            // What nobody verified can take nothing back of the model's own signature.
            let is_own =
                signature.as_ref().is_some_and(|own| own.manifest().root_digest() == manifest.root_digest());
            !is_own
                && match manifest.model_digest() {
                    Some(digest) => models.contains(&digest),
                    None => roots.contains(&manifest.root_digest()),
                }
        };
        let in_claims = claims.bundles().iter().filter_map(statement);
        let in_claims = in_claims.filter(|statement| !is_of_dependency(statement)).collect();
        Self { signature, in_claims }
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

/// The models that others say that this one was made from, and their root digests.
fn dependencies(bundles: &[UntrustedBundle]) -> (HashSet<ModelDigest>, HashSet<RootDigest>) {
    let (mut models, mut roots) = (HashSet::new(), HashSet::new());
    // One after the other: each may be large.
    for bundle in bundles {
        let Ok(attestation) = Attestation::parse(bundle.envelope().payload()) else { continue };
        let Ok(provenance) = Provenance::of(&attestation) else { continue };
        models.extend(provenance.models().filter_map(ResourceDescriptor::model_digest));
        roots.extend(provenance.models().flat_map(ResourceDescriptor::root_digests));
    }
    (models, roots)
}
