//! What a bundle, or a file of them, claims.

mod bundle;
mod payload;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{Cancel, ClaimsError, DiskError, Error, Model, SIGNATURE_FILE_NAME, UntrustedBundle};
use modelseal_bundle::{Claims, MAX_BUNDLE_BYTES};
use modelseal_disk::read_regular;
use serde_json::{Value, json};

use super::args::InspectArgs;
use super::failure::{Failure, Named, Task};
use super::output::Report;
use super::text::{BAD, WARN, row, shown};
use super::tree::{self, Node};
use bundle::Inspected;

pub(crate) struct InspectReport {
    path: PathBuf,
    found: Found,
    /// Everything that lies beside a model, where a directory was named.
    tree: Option<Node>,
}

enum Found {
    Bundle(Box<Inspected>),
    /// A claims file, line by line.
    Claims(Vec<Inspected>),
}

pub(crate) fn run(args: &InspectArgs, cancel: &Cancel) -> Result<InspectReport, Failure> {
    if let Some(report) = beside_only(&args.bundle, cancel)? {
        return Ok(report);
    }
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
    let tree = if path == args.bundle { None } else { Some(tree(&args.bundle, cancel)?) };
    Ok(InspectReport { path, found, tree })
}

/// A model without a signature in the usual place, of which something is claimed
/// nonetheless.
fn beside_only(path: &Path, cancel: &Cancel) -> Result<Option<InspectReport>, Failure> {
    let is_unsigned = matches!(read(path), Err(DiskError::NotFound { .. })) && modelseal_disk::exists(path);
    if !is_unsigned {
        return Ok(None);
    }
    let tree = tree(path, cancel)?;
    let found = Found::Claims(vec![]);
    Ok((!tree.is_bare()).then(|| InspectReport { path: path.to_owned(), found, tree: Some(tree) }))
}

/// What is claimed of the model in a directory, by everything that lies beside it.
fn tree(path: &Path, cancel: &Cancel) -> Result<Node, Failure> {
    let model = Model::open(path).map_err(|error| Task::Verifying.disk(&error))?;
    let beside = modelseal::bundles_beside(&model, &[], cancel).map_err(|error| {
        Task::Verifying.failure(error, &Named { model: path, bundle: path, is_strict: false })
    })?;
    Ok(tree::of_claims(&shown(path), &beside))
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
            "tree": self.tree.as_ref().map(Node::json),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let path = shown(&self.path);
        writeln!(out, "{BAD}NOT VERIFIED{BAD:#}: this is what {path} claims; nobody checked it")?;
        match &self.found {
            Found::Bundle(bundle) => {
                bundle.print(out)?;
                if let Some(tree) = self.tree.as_ref().filter(|tree| tree.has_several()) {
                    writeln!(out)?;
                    tree.print(out)?;
                    writeln!(out)?;
                }
                bundle.print_next_step(out)
            }
            Found::Claims(bundles) => {
                for (index, bundle) in bundles.iter().enumerate() {
                    row(out, WARN, "Bundle", format_args!("{} of {}", index + 1, bundles.len()))?;
                    bundle.print(out)?;
                }
                self.tree.as_ref().map_or(Ok(()), |tree| tree.print(out))
            }
        }
    }
}
