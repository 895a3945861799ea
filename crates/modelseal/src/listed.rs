use modelseal_bundle::Statement;
use modelseal_manifest::{HashType, Manifest, Method, Resource, Serialization};

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
    let serialization =
        Serialization { method: Method::Files, hash_type, allow_symlinks: false, ignore_paths };
    Ok(Statement::new(subject_name, Manifest::new(serialization, resources)?))
}
