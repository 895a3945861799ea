//! What a bundle, or a file of them, claims.

mod bundle;
mod payload;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{ClaimsError, DiskError, Error, SIGNATURE_FILE_NAME, UntrustedBundle};
use modelseal_bundle::{Claims, MAX_BUNDLE_BYTES};
use modelseal_disk::read_regular;
use serde_json::{Value, json};

use super::args::InspectArgs;
use super::failure::{Failure, Named, Task};
use super::output::Report;
use super::text::{BAD, WARN, row, shown};
use bundle::Inspected;

pub(crate) struct InspectReport {
    path: PathBuf,
    found: Found,
}

enum Found {
    Bundle(Box<Inspected>),
    /// A claims file, line by line.
    Claims(Vec<Inspected>),
}

pub(crate) fn run(args: &InspectArgs) -> Result<InspectReport, Failure> {
    let (path, bytes) = read(&args.bundle).map_err(|error| {
        let failure = Failure::input(&error);
        match error {
            DiskError::NotFound { .. } => {
                failure.help("name a signature, or a model directory that holds one as model.sig")
            }
            _ => failure,
        }
    })?;
    let found = find(&path, &bytes).map_err(|error| {
        Task::Verifying.failure(error, &Named { model: &path, bundle: &path, is_strict: false })
    })?;
    Ok(InspectReport { path, found })
}

/// What is a bundle is one; a file of which another line than the first is at
/// fault was meant to be a claims file.
fn find(path: &Path, bytes: &[u8]) -> Result<Found, Error> {
    let error = match UntrustedBundle::parse(bytes) {
        Ok(bundle) => return Ok(Found::Bundle(Box::new(Inspected::of(bundle)))),
        Err(error) => error,
    };
    match Claims::parse(bytes) {
        Ok(claims) if !claims.bundles().is_empty() => {
            Ok(Found::Claims(claims.bundles().iter().cloned().map(Inspected::of).collect()))
        }
        Err(source @ ClaimsError::Line { line: 2.., .. }) => {
            Err(Error::NotClaims { path: shown(path), source })
        }
        _ => Err(error.into()),
    }
}

/// A bundle, or the one in its default place in a model.
fn read(path: &Path) -> Result<(PathBuf, Vec<u8>), DiskError> {
    match read_regular(path, MAX_BUNDLE_BYTES) {
        Err(DiskError::NotRegular { found: "directory", .. }) => {
            let inside = path.join(SIGNATURE_FILE_NAME);
            let bytes = read_regular(&inside, MAX_BUNDLE_BYTES)?;
            Ok((inside, bytes))
        }
        read => read.map(|bytes| (path.to_owned(), bytes)),
    }
}

impl Report for InspectReport {
    fn json(&self) -> Value {
        let (member, claims) = match &self.found {
            Found::Bundle(bundle) => ("claims", bundle.json()),
            Found::Claims(bundles) => ("lines", bundles.iter().map(Inspected::json).collect()),
        };
        json!({
            "outcome": "inspected",
            "verified": false,
            "path": self.path.to_string_lossy(),
            member: claims,
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = shown(&self.path);
        writeln!(out, "{BAD}NOT VERIFIED{BAD:#}: this is what {path} claims; nobody checked it")?;
        match &self.found {
            Found::Bundle(bundle) => {
                bundle.print(out)?;
                bundle.print_next_step(out)
            }
            Found::Claims(bundles) => {
                for (index, bundle) in bundles.iter().enumerate() {
                    row(out, WARN, "Bundle", format_args!("{} of {}", index + 1, bundles.len()))?;
                    bundle.print(out)?;
                }
                Ok(())
            }
        }
    }
}
