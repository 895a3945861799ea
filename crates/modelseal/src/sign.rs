use std::num::NonZeroUsize;
use std::path::Path;

use modelseal_bundle::{MAX_BUNDLE_BYTES, Statement, UntrustedBundle};
use modelseal_disk::{DiskError, Inventory, Links, MeasureOptions, Model, Observer, StagedOutput, WalkRules};
use modelseal_manifest::{
    HashType, IgnorePath, Manifest, ManifestError, ManifestPath, Method, ModelDigest, Serialization,
};
use modelseal_sign::{SignError, Signer};
use modelseal_verify::VerifiedStatement;

use crate::coverage::evidence_problem;
use crate::{Coverage, EVIDENCE_FILES, Error, Finding, release_lint};

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
    /// Files that hold the private key, its passphrase or a PIN: signing
    /// refuses when one of them is among the files to be signed.
    pub secret_paths: Vec<&'a Path>,
}

impl Default for SignOptions<'_> {
    fn default() -> Self {
        Self {
            coverage: Coverage::default(),
            method: Method::Files,
            hash_type: HashType::Sha256,
            jobs: crate::default_jobs(),
            bundle_path: None,
            secret_paths: vec![],
        }
    }
}

/// What a signature of a model would cover, and how: found out, and not yet
/// hashed.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The files to be signed, and what is there and left out.
    pub inventory: Inventory,
    /// Files that rarely belong in a release.
    pub findings: Vec<Finding>,
    model: &'a Model,
    rules: WalkRules,
    method: Method,
    hash_type: HashType,
    jobs: NonZeroUsize,
}

/// A bundle that was made and not yet written.
#[derive(Debug)]
pub struct Signed {
    /// The bundle's JSON.
    pub bundle: Vec<u8>,
    /// What a consumer finds in it who knows this very signer.
    pub verified: VerifiedStatement,
    /// The identity of the model, where the signed digests tell it.
    pub model_digest: Option<ModelDigest>,
    /// What was there.
    pub inventory: Inventory,
    /// Files that rarely belong in a release.
    pub findings: Vec<Finding>,
}

/// Finds out what a signature of `model` would cover, without hashing.
///
/// # Errors
/// [`Error::Disk`] for whatever can be no part of a model, [`Error::EmptyFile`],
/// [`Error::NotEvidence`], [`Error::SecretInModel`], [`Error::Partial`],
/// [`Error::IgnoreInFile`], and [`Error::Manifest`] when nothing is left to sign.
pub fn plan<'a>(
    model: &'a Model,
    options: &SignOptions<'_>,
    observer: &dyn Observer,
) -> Result<Plan<'a>, Error> {
    if model.is_file() && !options.coverage.ignore.is_empty() {
        return Err(Error::IgnoreInFile);
    }
    check_evidence(model, options)?;
    let rules = options.coverage.rules(model, options.bundle_path);
    for path in &rules.ignore {
        // What is recorded has to be readable again: no wildcards.
        IgnorePath::new(path.as_path().as_str()).map_err(DiskError::from)?;
    }
    let inventory = model.inventory(&rules, observer)?;
    check_files(&inventory, options)?;
    Ok(Plan {
        findings: release_lint::findings(&inventory),
        inventory,
        model,
        rules,
        method: options.method,
        hash_type: options.hash_type,
        jobs: options.jobs,
    })
}

/// Hashes the model and signs its manifest. Nothing is written.
///
/// # Errors
/// Those of [`plan`] and of [`Plan::sign`].
pub fn sign(
    model: &Model,
    options: &SignOptions<'_>,
    signer: &dyn Signer,
    observer: &dyn Observer,
) -> Result<Signed, Error> {
    plan(model, options, observer)?.sign(signer, observer)
}

impl Plan<'_> {
    /// Hashes what was planned and signs its manifest. Nothing is written. The
    /// bundle is read and verified as a consumer would before it is given.
    ///
    /// # Errors
    /// [`Error::Disk`] when anything changed since the plan was made;
    /// [`Error::Sign`]; [`Error::SelfCheck`]; [`Error::BundleTooLarge`].
    pub fn sign(self, signer: &dyn Signer, observer: &dyn Observer) -> Result<Signed, Error> {
        let measure = MeasureOptions {
            method: self.method,
            hash_type: self.hash_type,
            whole_sha256: false,
            jobs: self.jobs,
            copy_into: None,
        };
        let measured = self.model.measure(&self.inventory, &self.rules, |_| true, &measure, observer)?;
        let serialization = Serialization {
            method: self.method,
            hash_type: self.hash_type,
            allow_symlinks: self.rules.links == Links::Follow,
            ignore_paths: self.rules.ignore,
        };
        let manifest = Manifest::new(serialization, measured.resources(self.method))?;
        let model_digest = manifest.model_digest();
        let statement = Statement::new(self.model.name(), manifest);
        let bundle = signer.sign(&statement.to_payload())?;
        if bundle.len() as u64 > MAX_BUNDLE_BYTES {
            return Err(Error::BundleTooLarge { found: bundle.len() as u64, limit: MAX_BUNDLE_BYTES });
        }
        let verified =
            check_bundle(&bundle, &statement, signer).map_err(|error| Error::SelfCheck(Box::new(error)))?;
        Ok(Signed { bundle, verified, model_digest, inventory: self.inventory, findings: self.findings })
    }
}

/// Whatever the signer is, its work verifies under its own key, and says what
/// it was given.
fn check_bundle(
    bundle: &[u8],
    statement: &Statement,
    signer: &dyn Signer,
) -> Result<VerifiedStatement, Error> {
    let verified = modelseal_verify::verify(UntrustedBundle::parse(bundle)?, &signer.trust())?;
    if verified.payload() == statement.to_payload() { Ok(verified) } else { Err(SignError::SelfCheck.into()) }
}

fn check_files(inventory: &Inventory, options: &SignOptions<'_>) -> Result<(), Error> {
    if inventory.files.is_empty() {
        return Err(ManifestError::Empty.into());
    }
    if let Some(partial) = inventory.files.iter().find(|file| StagedOutput::is_partial(file.path.file_name()))
    {
        return Err(Error::Partial { path: partial.path.clone() });
    }
    let empty = inventory.files.iter().find(|file| file.size() == 0);
    if let (Method::Shards(_), Some(empty)) = (options.method, empty) {
        return Err(Error::EmptyFile { path: empty.path.clone() });
    }
    match options.secret_paths.iter().find_map(|secret| inventory.same_file(secret)) {
        Some(secret) => Err(Error::SecretInModel { path: secret.path.clone() }),
        None => Ok(()),
    }
}

/// A file that has the name of an evidence file is left out of the signature,
/// so it must be one: otherwise a part of the model would silently go unsigned.
fn check_evidence(model: &Model, options: &SignOptions<'_>) -> Result<(), Error> {
    if model.is_file() || !options.coverage.ignore_evidence {
        return Ok(());
    }
    let bundle = options.bundle_path.and_then(|path| model.locate(path));
    for name in EVIDENCE_FILES {
        let path = ManifestPath::new(name).map_err(DiskError::from)?;
        let file = model.path().join(name);
        // An empty one is what a shell makes that redirects our output to it.
        if bundle.as_ref() == Some(&path) || !modelseal_disk::exists(&file) || modelseal_disk::is_empty(&file)
        {
            continue;
        }
        if let Some(problem) = evidence_problem(model, &path) {
            return Err(Error::NotEvidence { path, problem });
        }
    }
    Ok(())
}
