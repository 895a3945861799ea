//! What the arguments name: keys, signatures, paths in the model.

use std::path::{Path, PathBuf};

use modelseal::{DiskError, Error, IgnorePath, Model, PrivateKey, PublicKey, UntrustedBundle};
use modelseal_bundle::MAX_BUNDLE_BYTES;
use modelseal_disk::{read_named, read_regular};

use super::failure::{Exit, Failure, Named, Task};
use super::text::shown;

/// Keys are a few hundred bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// `MODEL/model.sig` for a directory, `MODEL.sig` for a file.
pub(crate) fn default_bundle_path(path: &Path, model: &Model) -> PathBuf {
    if model.is_file() {
        let mut name = path.as_os_str().to_owned();
        name.push(".sig");
        name.into()
    } else {
        path.join(modelseal::SIGNATURE_FILE_NAME)
    }
}

pub(crate) fn read_private_key(path: &Path) -> Result<PrivateKey, Failure> {
    let pem = read_named(path, MAX_KEY_BYTES).map_err(|error| Failure::input(&error))?;
    PrivateKey::from_pem(&pem)
        .map_err(|error| Failure::new(Exit::Usage, "private-key", format!("{}: {error}", shown(path))))
}

pub(crate) fn read_public_key(path: &Path) -> Result<PublicKey, Failure> {
    let pem = read_named(path, MAX_KEY_BYTES).map_err(|error| Failure::input(&error))?;
    PublicKey::from_pem(&pem)
        .map_err(|error| Failure::new(Exit::Usage, "public-key", format!("{}: {error}", shown(path))))
}

/// A signature that was named and is not there is a mistake of the caller; a
/// model without one is not verified.
pub(crate) fn read_signature(path: &Path, is_named: bool) -> Result<UntrustedBundle, Failure> {
    let bytes = read_regular(path, MAX_BUNDLE_BYTES).map_err(|error| match error {
        DiskError::NotFound { .. } if !is_named => Failure::new(
            Exit::NotVerified,
            "no-signature",
            format!("{}: the model has no signature in its default place", shown(path)),
        )
        .help("--signature FILE names a signature that stands elsewhere"),
        error => Task::Verifying.disk(&error),
    })?;
    let named = Named { model: path, bundle: path };
    UntrustedBundle::parse(&bytes).map_err(|error| Task::Verifying.failure(Error::from(error), &named))
}

/// A path to ignore is relative to the model; an absolute one is taken when it
/// lies inside.
pub(crate) fn ignore_paths(paths: &[PathBuf], model: &Model) -> Result<Vec<IgnorePath>, Failure> {
    paths.iter().map(|path| ignore_path(path, model)).collect()
}

fn ignore_path(path: &Path, model: &Model) -> Result<IgnorePath, Failure> {
    let usage = |problem: String| {
        Failure::new(Exit::Usage, "ignore-path", format!("--ignore {}: {problem}", shown(path)))
    };
    if path.is_absolute() && model.is_at(path) {
        return Err(usage("is the model itself: nothing would be left".to_owned()));
    }
    if path.is_absolute() {
        let inside = model.locate(path).map(IgnorePath::from);
        return inside.ok_or_else(|| usage(format!("lies outside of the model {}", shown(model.path()))));
    }
    let text = path.to_str().ok_or_else(|| usage("is not UTF-8".to_owned()))?;
    let text = text.strip_prefix("./").unwrap_or(text);
    IgnorePath::new(text).map_err(|error| {
        usage(error.problem.to_string())
            .help("name an exact path, relative to the model's root, without wildcards")
    })
}
