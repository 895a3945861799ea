use std::num::NonZeroUsize;
use std::path::Path;

use modelseal_bundle::{Claims, MAX_BUNDLE_BYTES, Statement, UntrustedBundle};
use modelseal_disk::{Inventory, Links, MeasureOptions, Model, Observer, WalkRules, read_regular};
use modelseal_manifest::{HashType, Manifest, ManifestPath, Method, ModelDigest, Serialization};
use modelseal_sign::Signer;

use crate::{Coverage, EVIDENCE_FILES, Error, Finding, SIGNATURE_FILE_NAME, release_lint};

/// How to sign.
#[derive(Clone, Debug)]
pub struct SignOptions<'a> {
    /// Which files.
    pub coverage: Coverage,
    /// Whole files, or shards of them.
    pub method: Method,
    /// The hash of each.
    pub hash_type: HashType,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
    /// Where the bundle will stand. If that is in the model, it is left out.
    pub bundle_path: Option<&'a Path>,
    /// Where the private key stands, if it is a file: signing refuses when
    /// that is among the files to be signed.
    pub key_path: Option<&'a Path>,
}

impl Default for SignOptions<'_> {
    fn default() -> Self {
        Self {
            coverage: Coverage::default(),
            method: Method::Files,
            hash_type: HashType::Sha256,
            jobs: crate::default_jobs(),
            bundle_path: None,
            key_path: None,
        }
    }
}

/// What a signature would cover.
#[derive(Debug)]
pub struct Plan {
    /// The files to be signed, and what is there and left out.
    pub inventory: Inventory,
    /// Files that rarely belong in a release.
    pub findings: Vec<Finding>,
    rules: WalkRules,
}

/// A bundle that was made and not yet written.
#[derive(Debug)]
pub struct Signed {
    /// The bundle's JSON.
    pub bundle: Vec<u8>,
    /// What it states.
    pub statement: Statement,
    /// The identity of the model, where the signed digests tell it.
    pub model_digest: Option<ModelDigest>,
    /// What was there.
    pub plan: Plan,
}

/// Finds out what a signature of `model` would cover, without hashing.
///
/// # Errors
/// [`Error::Disk`] for whatever can be no part of a model, [`Error::EmptyFile`],
/// [`Error::NotEvidence`], [`Error::KeyInModel`], and [`Error::Manifest`] when
/// nothing is left to sign.
pub fn plan(model: &Model, options: &SignOptions<'_>, observer: &dyn Observer) -> Result<Plan, Error> {
    check_evidence(model, options)?;
    let rules = options.coverage.rules(model, options.bundle_path);
    let inventory = model.inventory(&rules, observer)?;
    if inventory.files.is_empty() {
        return Err(modelseal_manifest::ManifestError::Empty.into());
    }
    if let (Method::Shards(_), Some(empty)) =
        (options.method, inventory.files.iter().find(|file| file.size() == 0))
    {
        return Err(Error::EmptyFile { path: empty.path.clone() });
    }
    let key = options.key_path.and_then(|path| model.locate(path));
    if let Some(path) = key.filter(|path| inventory.file(path).is_some()) {
        return Err(Error::KeyInModel { path });
    }
    let findings = release_lint::findings(&inventory);
    Ok(Plan { inventory, findings, rules })
}

/// Hashes the model and signs its manifest. Nothing is written.
///
/// # Errors
/// Those of [`plan`]; [`Error::Disk`] when anything changed meanwhile;
/// [`Error::Sign`]; [`Error::BundleTooLarge`].
pub fn sign(
    model: &Model,
    options: &SignOptions<'_>,
    signer: &dyn Signer,
    observer: &dyn Observer,
) -> Result<Signed, Error> {
    sign_planned(model, plan(model, options, observer)?, options, signer, observer)
}

/// The second half of [`sign`], for a caller who shows the [`Plan`] first.
///
/// # Errors
/// Those of [`sign`]; [`Error::Disk`] also when anything changed since the
/// plan was made.
pub fn sign_planned(
    model: &Model,
    plan: Plan,
    options: &SignOptions<'_>,
    signer: &dyn Signer,
    observer: &dyn Observer,
) -> Result<Signed, Error> {
    let measure = MeasureOptions {
        method: options.method,
        hash_type: options.hash_type,
        whole_sha256: false,
        jobs: options.jobs,
        copy_into: None,
    };
    let measured = model.measure(&plan.inventory, &plan.rules, |_| true, &measure, observer)?;
    let serialization = Serialization {
        method: options.method,
        hash_type: options.hash_type,
        allow_symlinks: options.coverage.links == Links::Follow,
        ignore_paths: plan.rules.ignore.clone(),
    };
    let manifest = Manifest::new(serialization, measured.resources(options.method))?;
    let model_digest = manifest.model_digest();
    let statement = Statement::new(model.name(), manifest);
    let bundle = signer.sign(&statement.to_payload())?;
    if bundle.len() as u64 > MAX_BUNDLE_BYTES {
        return Err(Error::BundleTooLarge { found: bundle.len() as u64, limit: MAX_BUNDLE_BYTES });
    }
    Ok(Signed { bundle, statement, model_digest, plan })
}

/// A file that has the name of an evidence file is left out of the signature,
/// so it must be one: otherwise a part of the model would silently go unsigned.
fn check_evidence(model: &Model, options: &SignOptions<'_>) -> Result<(), Error> {
    if model.is_file() || !options.coverage.ignore_evidence {
        return Ok(());
    }
    let bundle = options.bundle_path.and_then(|path| model.locate(path));
    for name in EVIDENCE_FILES {
        let path = ManifestPath::new(name).map_err(modelseal_disk::DiskError::from)?;
        if bundle.as_ref() == Some(&path) {
            continue;
        }
        let bytes = match read_regular(&model.path().join(name), MAX_BUNDLE_BYTES) {
            Ok(bytes) => bytes,
            Err(modelseal_disk::DiskError::NotFound { .. }) => continue,
            Err(error) => return Err(Error::NotEvidence { path, problem: error.to_string() }),
        };
        let problem = if name == SIGNATURE_FILE_NAME {
            UntrustedBundle::parse(&bytes).err().map(|error| error.to_string())
        } else {
            Claims::parse(&bytes).err().map(|error| error.to_string())
        };
        if let Some(problem) = problem {
            return Err(Error::NotEvidence { path, problem });
        }
    }
    Ok(())
}
