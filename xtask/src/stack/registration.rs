//! Which stack goes on after the process that started it, for whoever wants to
//! find or stop it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::environment::cache;

/// Held by the one such stack for as long as it runs. It is a lock on a file,
/// and so goes with the supervisor, whatever that ends with.
pub(super) struct Registration {
    file: File,
}

impl Registration {
    /// Fails if another stack holds it.
    pub(super) fn take() -> Result<Self, String> {
        let path = path()?;
        let described = |error: io::Error| format!("{}: {error}", path.display());
        path.parent().map_or(Ok(()), fs::create_dir_all).map_err(described)?;
        let file = File::options().create(true).append(true).open(&path).map_err(described)?;
        match file.try_lock() {
            Ok(()) => {
                // What a predecessor said.
                file.set_len(0).map_err(described)?;
                Ok(Self { file })
            }
            Err(TryLockError::WouldBlock) => {
                Err("another stack is being started, or runs already".to_owned())
            }
            Err(TryLockError::Error(error)) => Err(described(error)),
        }
    }

    /// Says where the stack is.
    pub(super) fn record(&mut self, directory: &Path) -> Result<(), String> {
        self.file
            .write_all(directory.as_os_str().as_encoded_bytes())
            .map_err(|error| format!("cannot register the stack: {error}"))
    }
}

/// The directory of the registered stack, if one runs.
pub(super) fn find() -> Result<Option<PathBuf>, String> {
    let path = path()?;
    let described = |error: io::Error| format!("{}: {error}", path.display());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(described(error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => match fs::read_to_string(&path).map_err(described)? {
            empty if empty.is_empty() => Err("a stack is just being started".to_owned()),
            directory => Ok(Some(directory.into())),
        },
        Err(TryLockError::Error(error)) => Err(described(error)),
    }
}

fn path() -> Result<PathBuf, String> {
    Ok(cache()?.join("stack/running"))
}
