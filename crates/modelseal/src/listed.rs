use std::collections::BTreeMap;

use modelseal_bundle::Statement;
use modelseal_manifest::{HashType, Manifest, ManifestError, ManifestPath, Method, Resource, Serialization};

use crate::coverage::usual_ignores;
use crate::{Error, IgnoredBy};

/// A statement about files whose digests somebody else made: the one that signing a
/// directory of exactly these files makes, with the defaults of [`Coverage`](crate::Coverage).
///
/// Whether the digests are those of any files is not checked: whoever signs it takes
/// them on the word of whoever made them.
///
/// # Errors
/// [`Error::Manifest`] when there are none, or two of one name; [`Error::IgnoresSigned`]
/// for a file of signatures, or one of git's, which no signature covers.
pub fn statement_of_digests(
    subject_name: &str,
    hash_type: HashType,
    resources: Vec<Resource>,
) -> Result<Statement, Error> {
    let ignore_paths = usual_ignores();
    for Resource { name, .. } in &resources {
        if let Some(ignore) = ignore_paths.iter().find(|ignore| ignore.covers(&name.path)) {
            let (path, ignore) = (name.path.clone(), ignore.clone());
            return Err(Error::IgnoresSigned { path, ignore, by: IgnoredBy::Statement });
        }
    }
    no_directories(&resources)?;
    let serialization =
        Serialization { method: Method::Files, hash_type, allow_symlinks: false, ignore_paths };
    Ok(Statement::new(subject_name, Manifest::new(serialization, resources)?))
}

/// No file system has a file and a directory of one name.
fn no_directories(resources: &[Resource]) -> Result<(), ManifestError> {
    let files: BTreeMap<&str, &ManifestPath> =
        resources.iter().map(|resource| (resource.name.path.as_str(), &resource.name.path)).collect();
    for below in files.values() {
        let mut parent = below.parent();
        while let Some(directory) = parent {
            if let Some(file) = files.get(directory) {
                let (file, below) = ((*file).clone(), (*below).clone());
                return Err(ManifestError::FileAndDirectory { file, below });
            }
            parent = directory.rsplit_once('/').map(|(parent, _)| parent);
        }
    }
    Ok(())
}
