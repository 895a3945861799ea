//! The claims file of a model: where it is, what is beside it, what was added.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{CLAIMS_FILE_NAME, ClaimsFile, DiskError, Error, ExistingSignatures, Model, UntrustedBundle};
use modelseal_bundle::MAX_BUNDLE_BYTES;
use modelseal_disk::{Overwrite, StagedOutput, is_same_file, read_regular};
use serde_json::{Value, json};

use super::failure::{Exit, Failure, Named, Task};
use super::inputs::default_bundle_path;
use super::text::{GOOD, count, row, shown};

/// A claims file, and how many lines it has got.
pub(crate) struct Added {
    path: PathBuf,
    lines: usize,
}

impl Added {
    pub(crate) fn to(claims: &ClaimsFile) -> Self {
        Self { path: claims.path().to_owned(), lines: claims.added() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn json(&self) -> Value {
        json!({ "path": self.path.to_string_lossy(), "added": self.lines })
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let added = match self.lines {
            0 => "nothing new: it stood there already".to_owned(),
            lines => format!("{} added", count(lines, "line", "lines")),
        };
        row(out, GOOD, "Claims", format_args!("{} ({added})", shown(&self.path)))
    }
}

/// `MODEL/claims.jsonl` for a directory, `MODEL.claims.jsonl` for a file.
pub(crate) fn default_claims_path(path: &Path, model: &Model) -> PathBuf {
    if model.is_file() {
        let mut name = path.as_os_str().to_owned();
        name.extend([".", CLAIMS_FILE_NAME].map(std::ffi::OsStr::new));
        name.into()
    } else {
        path.join(CLAIMS_FILE_NAME)
    }
}

/// Reads a claims file that may take so many lines more.
pub(crate) fn open_claims(path: &Path, lines: usize) -> Result<ClaimsFile, Failure> {
    let claims = ClaimsFile::read(path).and_then(|claims| claims.check_room(lines).map(|()| claims));
    claims.map_err(claims_failure)
}

/// What cannot be written is found out before anything is published.
pub(crate) fn probe_claims(claims: &ClaimsFile) -> Result<(), Failure> {
    let probed = StagedOutput::new(claims.path(), b"", 0o644, Overwrite::Replace);
    probed.map(drop).map_err(|error| Failure::input(&error))
}

/// What goes wrong with a claims file, which names itself.
pub(crate) fn claims_failure(error: Error) -> Failure {
    match error {
        Error::Disk(error @ DiskError::Changed { .. }) => {
            Failure::input(&error).help("run it again: nothing that was there is lost")
        }
        Error::Disk(error) => Failure::input(&error),
        error => Task::Signing
            .failure(error, &Named { model: Path::new(""), bundle: Path::new(""), is_strict: false }),
    }
}

/// A claims file has a place of its own: lines that are added to the model, or
/// to its signature, would break it.
pub(crate) fn check_place(claims: &Path, model: &Model, signatures: &[&Path]) -> Result<(), Failure> {
    let is_same = |path: &&&Path| {
        let absolute = |path: &Path| std::path::absolute(path).ok();
        is_same_file(claims, path) || absolute(claims).is_some_and(|claims| Some(claims) == absolute(path))
    };
    let what = match signatures.iter().find(is_same) {
        Some(_) => "the signature",
        None if model.is_at(claims) => "the model itself",
        None => return Ok(()),
    };
    let message = format!("{}: is {what}, and takes no further lines", shown(claims));
    Err(Failure::new(Exit::Usage, "usage", message).help("name another file"))
}

/// What the signatures say that are there already, in the usual place and in
/// the claims file.
pub(crate) fn existing_signatures(
    path: &Path,
    model: &Model,
    claims: &ClaimsFile,
) -> Result<ExistingSignatures, Failure> {
    let signature = default_bundle_path(path, model);
    let bytes = match read_regular(&signature, MAX_BUNDLE_BYTES) {
        Ok(bytes) => bytes,
        Err(DiskError::NotFound { .. }) => vec![],
        Err(error) => return Err(Task::Signing.disk(&error)),
    };
    // An empty one is what a shell makes that redirects an output to it.
    let bundle = (!bytes.is_empty()).then(|| UntrustedBundle::parse(&bytes)).transpose();
    let named = Named { model: path, bundle: &signature, is_strict: false };
    let bundle = bundle.map_err(|error| Task::Signing.failure(Error::from(error), &named))?;
    Ok(ExistingSignatures::of(bundle.as_ref(), claims))
}

/// A claims file in the model must not break the signatures that stay there.
pub(crate) fn refuse_to_break(path: &Path, model: &Model, claims: &ClaimsFile) -> Result<(), Failure> {
    let Some(inside) = model.locate(claims.path()) else { return Ok(()) };
    let named = Named { model: path, bundle: claims.path(), is_strict: false };
    existing_signatures(path, model, claims)?
        .check_ignored(&inside)
        .map_err(|error| Task::Signing.failure(error, &named))
}
