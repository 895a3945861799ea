//! Where a signature and what goes with it are written, whole or not at all.

use std::path::{Path, PathBuf};

use modelseal::{ClaimsFile, DiskError, Model, Signed};
use modelseal_disk::{Overwrite, StagedOutput, is_same_file};

use super::args::SignArgs;
use super::claims::{check_place, claims_failure, default_claims_path, probe_claims};
use super::failure::Failure;
use super::inputs::{default_bundle_path, refuse_unless_signature};
use super::output_file::{Kind, print};
use super::text::shown;

enum Output {
    File(PathBuf),
    Stdout,
    /// A line in the claims file.
    Claims,
}

/// Where the signature goes, and what is said beside it.
pub(crate) struct Places {
    output: Output,
    /// Where attestations and further signatures stand.
    pub(crate) claims: PathBuf,
    /// Whether a signature in the usual place would stay there.
    pub(crate) keeps_signature: bool,
}

impl Places {
    pub(crate) fn of(args: &SignArgs, model: &Model) -> Result<Self, Failure> {
        let usual = default_bundle_path(model.path(), model);
        let output = match &args.output {
            _ if args.claims.append => Output::Claims,
            Some(path) if path == Path::new("-") => Output::Stdout,
            Some(path) => Output::File(path.clone()),
            None => Output::File(usual.clone()),
        };
        let claims = args.claims.claims.clone();
        let claims = claims.unwrap_or_else(|| default_claims_path(model.path(), model));
        let replaces = |path: &PathBuf| *path == usual || is_same_file(path, &usual);
        let keeps_signature = !matches!(&output, Output::File(path) if replaces(path));
        let places = Self { output, claims, keeps_signature };
        let signatures = [places.bundle_file().unwrap_or(&usual), &usual];
        if args.claims.is_asked() {
            check_place(&places.claims, model, &signatures)?;
        }
        Ok(places)
    }

    /// The file that holds the signature and nothing else.
    pub(crate) fn bundle_file(&self) -> Option<&Path> {
        match &self.output {
            Output::File(path) => Some(path),
            Output::Stdout | Output::Claims => None,
        }
    }

    /// The file that the signature is in; `None` is standard output.
    pub(crate) fn bundle_path(&self) -> Option<&Path> {
        match &self.output {
            Output::File(path) => Some(path),
            Output::Stdout => None,
            Output::Claims => Some(&self.claims),
        }
    }

    /// Found out before an hour of hashing, and again when the file is written.
    pub(crate) fn refuse_to_replace(&self, model: &Model, force: bool) -> Result<(), Failure> {
        match self.bundle_file() {
            Some(path) if !modelseal_disk::exists(path) => match path.parent() {
                Some(parent) if parent != Path::new("") && !modelseal_disk::exists(parent) => {
                    Err(Failure::input(&DiskError::NotFound { path: shown(parent) }))
                }
                _ => Ok(()),
            },
            Some(path) if force => refuse_unless_signature(path, model),
            Some(path) => Err(exists(Failure::input(&DiskError::Exists { path: shown(path) }))),
            None => Ok(()),
        }
    }

    /// What cannot be written is found out before an identity is published for
    /// it.
    pub(crate) fn probe(&self, claims: Option<&ClaimsFile>, force: bool) -> Result<(), Failure> {
        claims.map_or(Ok(()), probe_claims)?;
        let Some(path) = self.bundle_file() else { return Ok(()) };
        let probed = StagedOutput::new(path, b"", 0o644, overwrite(force));
        probed.map(drop).map_err(|error| exists(Failure::input(&error)))
    }

    /// Writes everything, the signature last. If that fails, what is left is an
    /// attestation: it is true, but of a model that nobody verifies yet, and
    /// signing again finishes the work. The other way round, a model would verify
    /// and lack its name, and look finished.
    pub(crate) fn write(
        &self,
        signed: &Signed,
        mut claims: Option<&mut ClaimsFile>,
        force: bool,
    ) -> Result<(), Failure> {
        if let Some(claims) = &mut claims {
            let signature = matches!(self.output, Output::Claims).then_some(&signed.bundle);
            let release = signed.release.as_ref().map(|release| &release.bundle);
            for bundle in signature.into_iter().chain(release) {
                claims.add(bundle).map_err(claims_failure)?;
            }
        }
        let claims = claims.map(|claims| claims.stage()).transpose().map_err(claims_failure)?;
        let staged =
            self.bundle_file().map(|path| StagedOutput::new(path, &signed.bundle, 0o644, overwrite(force)));
        let staged = staged.transpose().map_err(|error| exists(Failure::input(&error)))?;
        if let Some(claims) = claims {
            claims.commit().map_err(claims_failure)?;
        }
        match (staged, &self.output) {
            (Some(staged), _) => staged.commit().map_err(|error| exists(Failure::input(&error))),
            (None, Output::Stdout) => print(Kind::Signature, &signed.bundle),
            (None, _) => Ok(()),
        }
    }
}

fn overwrite(force: bool) -> Overwrite {
    if force { Overwrite::Replace } else { Overwrite::Refuse }
}

fn exists(failure: Failure) -> Failure {
    failure.help_if_exists("--force replaces it, -o FILE writes the signature elsewhere")
}
