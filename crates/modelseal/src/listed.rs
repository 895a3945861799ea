use modelseal_bundle::Statement;
use modelseal_disk::StagedOutput;
use modelseal_manifest::{HashType, Manifest, ManifestPath, Method, Resource, Serialization};

use crate::coverage::usual_ignores;
use crate::release_lint;
use crate::{Error, Finding};

/// A statement about files that nobody looked at.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What is to be signed.
    pub statement: Statement,
    /// What was listed and is left out of every signature: files of signatures, git's own, and
    /// those of the hub's client.
    pub ignored: Vec<ManifestPath>,
    /// Files that rarely belong in a release, by their names.
    pub findings: Vec<Finding>,
}

/// A statement about files whose digests somebody else made: the one that signing a
/// directory of exactly these files makes, with the defaults of [`Coverage`](crate::Coverage).
///
/// Whether the digests are those of any files is not checked: whoever signs it takes
/// them on the word of whoever made them.
///
/// # Errors
/// [`Error::Partial`]; [`Error::Manifest`] when there are none, two of one name, or names that no directory
/// could have at once.
pub fn statement_of_digests(
    subject_name: &str,
    hash_type: HashType,
    resources: Vec<Resource>,
) -> Result<Listed, Error> {
    let ignore_paths = usual_ignores();
    let is_ignored =
        |resource: &Resource| ignore_paths.iter().any(|ignore| ignore.covers(&resource.name.path));
    let (ignored, resources): (Vec<_>, Vec<_>) = resources.into_iter().partition(is_ignored);
    let serialization =
        Serialization { method: Method::Files, hash_type, allow_symlinks: false, ignore_paths };
    let partial = |resource: &&Resource| StagedOutput::is_partial(resource.name.path.file_name());
    if let Some(Resource { name, .. }) = resources.iter().find(partial) {
        return Err(Error::Partial { path: name.path.clone() });
    }
    let manifest = Manifest::new(serialization, resources)?;
    manifest.check_possible()?;
    Ok(Listed {
        findings: release_lint::findings(manifest.resources().iter().map(|resource| &resource.name.path)),
        statement: Statement::new(subject_name, manifest),
        ignored: ignored.into_iter().map(|resource| resource.name.path).collect(),
    })
}
