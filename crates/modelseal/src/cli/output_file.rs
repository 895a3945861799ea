//! A file that a command makes, or standard output.

use std::io::{self, Write};
use std::path::Path;

use modelseal_disk::{Overwrite, StagedOutput};

use super::failure::{Exit, Failure};

#[derive(Clone, Copy)]
pub(crate) struct OutputFile<'a> {
    path: Option<&'a Path>,
    overwrite: Overwrite,
}

impl<'a> OutputFile<'a> {
    /// `-` is standard output.
    pub(crate) fn new(path: &'a Path, force: bool) -> Self {
        let overwrite = if force { Overwrite::Replace } else { Overwrite::Refuse };
        Self { path: (path != Path::new("-")).then_some(path), overwrite }
    }

    /// None for standard output.
    pub(crate) fn path(self) -> Option<&'a Path> {
        self.path
    }

    /// What cannot be written is found out before an hour of hashing.
    pub(crate) fn probe(self) -> Result<(), Failure> {
        self.stage(b"").map(drop)
    }

    /// Whole or not at all.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        if let Some(staged) = self.stage(bytes)? {
            return staged.commit().map_err(|error| failure(&error));
        }
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
            Failure::new(Exit::Undecided, "io", format!("standard output: cannot write: {error}"))
        })
    }

    fn stage(self, bytes: &[u8]) -> Result<Option<StagedOutput<'a>>, Failure> {
        let staged = self.path.map(|path| StagedOutput::new(path, bytes, 0o644, self.overwrite));
        staged.transpose().map_err(|error| failure(&error))
    }
}

fn failure(error: &modelseal::DiskError) -> Failure {
    Failure::input(error).help_if_exists("--force replaces it, -o FILE writes elsewhere")
}
