//! Policies and locks, read from where the caller says.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use modelseal::policy::{DocumentError, Lock, MAX_DOCUMENT_BYTES, Materials, Policy};
use modelseal::{Cancel, Clock, Model};
use modelseal_disk::read_named;

use super::args::InstanceArgs;
use super::failure::{Exit, Failure};
use super::inputs::read_public_key;
use super::text::shown;
use super::trusted_root::trusted_root;

/// Keys, certificates and revocation lists that a policy names.
const MAX_NAMED_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a policy, and the files that it names: they are looked for from where
/// the policy lies.
pub(crate) fn read_policy(
    path: &Path,
    keys: &[PathBuf],
    model: &Model,
    cancel: &Cancel,
) -> Result<Policy, Failure> {
    refuse_in_model("policy", path, model)?;
    let bytes = read_named(path, MAX_DOCUMENT_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    let keys = keys.iter().map(|key| read_public_key(key, cancel)).collect::<Result<Vec<_>, _>>()?;
    let read = |name: &str| {
        let path = path.parent().unwrap_or(Path::new("")).join(name);
        read_named(&path, MAX_NAMED_BYTES, cancel).map_err(|error| error.to_string())
    };
    // What the policy reports is a text; what kind of failure it is, is kept here.
    let failed = RefCell::new(None);
    let root = || {
        trusted_root(&InstanceArgs::default(), cancel).map_err(|failure| {
            let message = failure.message.clone();
            failed.replace(Some(failure));
            message
        })
    };
    let materials = Materials { read: &read, root: &root, keys: &keys, clock: Clock::system() };
    let policy = Policy::load(&bytes, &materials);
    policy.map_err(|error| failed.take().unwrap_or_else(|| refused("policy", path, &error)))
}

/// Reads a lock.
pub(crate) fn read_lock(path: &Path, cancel: &Cancel) -> Result<Lock, Failure> {
    let bytes = read_named(path, MAX_DOCUMENT_BYTES, cancel).map_err(|error| {
        let failure = Failure::input(&error);
        if failure.code == "not-found" { failure.help("modelseal lock add makes one") } else { failure }
    })?;
    Lock::parse(&bytes).map_err(|error| refused("lock", path, &error))
}

fn refused(code: &'static str, path: &Path, error: &DocumentError) -> Failure {
    Failure::new(Exit::Usage, code, format!("{}: {error}", shown(path)))
}

/// What comes with a model cannot say whom to believe about it.
pub(crate) fn refuse_in_model(code: &'static str, path: &Path, model: &Model) -> Result<(), Failure> {
    if !model.contains(path) {
        return Ok(());
    }
    let message = format!("{}: lies in the model, and cannot say whom to believe about it", shown(path));
    Err(Failure::new(Exit::Usage, code, message).help("keep it elsewhere, where you alone write"))
}
