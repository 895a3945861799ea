//! A file that a command makes, or standard output.

use std::io::{self, Write};
use std::path::Path;

use modelseal::{DiskError, HashPlan, MAX_BUNDLE_BYTES, Statement, UntrustedBundle};
use modelseal_disk::{Overwrite, StagedOutput, read_beginning, read_regular};

use super::failure::{Exit, Failure};
use super::text::shown;

/// What a command makes: it replaces such a file, or an empty one, and no other.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Signature,
    Plan,
    Part,
    Manifest,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Plan => "plan",
            Self::Part => "part of a plan",
            Self::Manifest => "merged manifest",
        }
    }

    fn is(self, bytes: &[u8]) -> bool {
        match self {
            Self::Signature => UntrustedBundle::parse(bytes).is_ok(),
            Self::Plan => HashPlan::parse(bytes).is_ok(),
            Self::Part => HashPlan::is_part(bytes),
            Self::Manifest => Statement::parse(bytes).is_ok(),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct OutputFile<'a> {
    path: Option<&'a Path>,
    kind: Kind,
    overwrite: Overwrite,
}

impl<'a> OutputFile<'a> {
    /// `-` is standard output. What cannot be written is found out now, before an hour of
    /// hashing.
    pub(crate) fn open(path: &'a Path, kind: Kind, force: bool) -> Result<Self, Failure> {
        let overwrite = if force { Overwrite::Replace } else { Overwrite::Refuse };
        let output = Self { path: (path != Path::new("-")).then_some(path), kind, overwrite };
        output.stage(b"")?;
        output.check()?;
        Ok(output)
    }

    /// None for standard output.
    pub(crate) fn path(self) -> Option<&'a Path> {
        self.path
    }

    fn check(self) -> Result<(), Failure> {
        match self.path {
            Some(path) if modelseal_disk::exists(path) => refuse_unless(self.kind, path),
            _ => Ok(()),
        }
    }

    /// Whole or not at all; what came to stand there meanwhile is looked at too.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        self.check()?;
        if let Some(staged) = self.stage(bytes)? {
            return staged.commit().map_err(|error| failure(&error));
        }
        print(self.kind, bytes)
    }

    fn stage(self, bytes: &[u8]) -> Result<Option<StagedOutput<'a>>, Failure> {
        let staged = self.path.map(|path| StagedOutput::new(path, bytes, 0o644, self.overwrite));
        staged.transpose().map_err(|error| failure(&error))
    }
}

/// Whether a file may be replaced by one of this kind.
pub(crate) fn refuse_unless(kind: Kind, path: &Path) -> Result<(), Failure> {
    let bytes = match kind {
        // Its first line says what it is, and there may be many.
        Kind::Part => read_beginning(path, HashPlan::MAX_LINE),
        Kind::Signature | Kind::Plan | Kind::Manifest => read_regular(path, MAX_BUNDLE_BYTES),
    };
    let bytes = bytes.map_err(|error| Failure::input(&error))?;
    if bytes.is_empty() || kind.is(&bytes) {
        return Ok(());
    }
    let message =
        format!("{}: exists already, and is no {} that could be replaced", shown(path), kind.as_str());
    Err(Failure::new(Exit::Usage, "exists", message)
        .help("remove it first if it is not needed, or write elsewhere"))
}

pub(crate) fn print(kind: Kind, bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| {
        let message = format!("standard output: cannot write the {}: {error}", kind.as_str());
        Failure::new(Exit::Undecided, "io", message)
    })
}

fn failure(error: &DiskError) -> Failure {
    Failure::input(error).help_if_exists("--force replaces it, -o FILE writes elsewhere")
}
