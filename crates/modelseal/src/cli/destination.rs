//! Where an attestation goes: to the lines of the model's claims, to a file of its own,
//! or out.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{ClaimsFile, DiskError, Model, StagedClaims, UntrustedBundle};
use modelseal_disk::{Overwrite, StagedOutput};

use super::claims::{Added, check_place, claims_failure, open_claims, probe_claims, refuse_to_break};
use super::failure::{Exit, Failure};
use super::inputs::default_bundle_path;
use super::text::shown;

/// It can take an attestation: that is found out before anything is signed.
pub(crate) enum Destination {
    Claims(ClaimsFile),
    File {
        path: PathBuf,
        overwrite: Overwrite,
        /// What to do about a file that is there.
        help: &'static str,
    },
    Stdout,
}

/// Where it was put.
pub(crate) enum Written {
    Claims(Added),
    File(PathBuf),
    Stdout,
}

impl Destination {
    /// A line of this file, beside the model that is called `name`.
    pub(crate) fn claims(path: &Path, name: &Path, model: &Model) -> Result<Self, Failure> {
        check_place(path, model, &[&default_bundle_path(name, model)])?;
        let claims = open_claims(path, 1)?;
        refuse_to_break(name, model, &claims)?;
        probe_claims(&claims)?;
        Ok(Self::Claims(claims))
    }

    /// A file elsewhere than in the model, named by `option`.
    pub(crate) fn file(
        option: &str,
        path: &Path,
        model: &Model,
        overwrite: Overwrite,
        help: &'static str,
    ) -> Result<Self, Failure> {
        if model.contains(path) {
            let message = format!(
                "{option} {}: lies in the model, where it would be a file that nobody signed",
                shown(path)
            );
            return Err(Failure::new(Exit::Usage, "usage", message)
                .help("name a file elsewhere; what is attested of a model goes to its claims.jsonl"));
        }
        let probed = StagedOutput::new(path, b"", 0o644, overwrite);
        probed.map(drop).map_err(|error| Failure::input(&error).help_if_exists(help))?;
        Ok(Self::File { path: path.to_owned(), overwrite, help })
    }

    /// What is carried along takes lines too, which may be there already.
    pub(crate) fn carry<'b>(
        &mut self,
        bundles: impl IntoIterator<Item = &'b UntrustedBundle>,
    ) -> Result<(), Failure> {
        let Self::Claims(claims) = self else { return Ok(()) };
        for bundle in bundles {
            claims.add(&bundle.to_json()).map_err(claims_failure)?;
        }
        claims.check_room(1).map_err(claims_failure)
    }

    pub(crate) fn write(self, bundle: &[u8]) -> Result<Written, Failure> {
        match self {
            Self::Claims(mut claims) => {
                let added = claims.add(bundle);
                added.and_then(|_| claims.stage().and_then(StagedClaims::commit)).map_err(claims_failure)?;
                Ok(Written::Claims(Added::to(&claims)))
            }
            Self::File { path, overwrite, help } => {
                let staged = StagedOutput::new(&path, bundle, 0o644, overwrite);
                let failure = |error: DiskError| Failure::input(&error).help_if_exists(help);
                staged.and_then(StagedOutput::commit).map_err(failure)?;
                Ok(Written::File(path))
            }
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(bundle).and_then(|()| out.flush()).map_err(|error| {
                    let message = format!("standard output: cannot write the attestation: {error}");
                    Failure::new(Exit::Undecided, "io", message)
                })?;
                Ok(Written::Stdout)
            }
        }
    }
}

impl Written {
    /// None for standard output.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Claims(added) => Some(added.path()),
            Self::File(path) => Some(path),
            Self::Stdout => None,
        }
    }
}
