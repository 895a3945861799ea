mod digests;

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::SystemTime;

use modelseal_bundle::{Attestation, Statement, UntrustedBundle};
use modelseal_disk::{DiskError, Inventory, Links, Model, Observer, StagedOutput, WalkRules};
use modelseal_manifest::{
    HashType, IgnorePath, Manifest, ManifestError, ManifestPath, Method, ModelDigest, RootDigest,
    Serialization,
};
use modelseal_predicate::{Release, model_subject};
use modelseal_sign::{SignError, Signer};
use modelseal_verify::{Signer as VerifiedSigner, VerifiedStatement};

use self::digests::{Digested, check_same_identity};
use crate::attest::{attest, sign_payload};
use crate::coverage::{claims_problem, evidence_problem};
use crate::{
    Coverage, EVIDENCE_FILES, Error, ExistingSignatures, Finding, SIGNATURE_FILE_NAME, SignedAttestation,
    release_lint,
};

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
    /// Where attestations and further signatures will stand. If that is in the
    /// model, it is left out.
    pub claims_path: Option<&'a Path>,
    /// Which release this is: the same signer attests it beside the signature.
    pub release: Option<Release>,
    /// Signatures that are there and stay, which this one must not break.
    pub existing: Option<&'a ExistingSignatures>,
    /// The user's own directory, where the digests of large files are remembered by the
    /// identity of the file, for [`Plan::reuse`]. Without one, nothing is. What was not signed
    /// for half a year is removed; files of other names than ours stay.
    pub digest_cache: Option<&'a Path>,
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
            claims_path: None,
            release: None,
            existing: None,
            digest_cache: None,
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
    release: Option<Release>,
    existing: Option<&'a ExistingSignatures>,
    digest_cache: Option<&'a Path>,
    reuse: Option<VerifiedStatement>,
    began: SystemTime,
}

/// A bundle that was made and not yet written.
#[derive(Debug)]
pub struct Signed {
    /// The bundle's JSON.
    pub bundle: Vec<u8>,
    /// What a consumer finds in it who knows this very signer.
    pub verified: VerifiedStatement,
    /// The attestation of its release, if one was asked for.
    pub release: Option<SignedAttestation>,
    /// The identity of the model, where the signed digests tell it or something
    /// else needed it.
    pub model_digest: Option<ModelDigest>,
    /// What was there.
    pub inventory: Inventory,
    /// Files that rarely belong in a release.
    pub findings: Vec<Finding>,
    /// The files whose digests were made before, and not anew.
    pub reused: Vec<ManifestPath>,
    /// Why digests were not remembered, or those that were not believed.
    pub digest_cache_problem: Option<String>,
}

/// Finds out what a signature of `model` would cover, without hashing.
///
/// # Errors
/// [`Error::Disk`] for whatever can be no part of a model, [`Error::EmptyFile`],
/// [`Error::NotEvidence`], [`Error::SecretInModel`], [`Error::Partial`],
/// [`Error::IgnoreInFile`], [`Error::ClaimsNotIgnored`], and
/// [`Error::Manifest`] when nothing is left to sign.
pub fn plan<'a>(
    model: &'a Model,
    options: &SignOptions<'a>,
    observer: &dyn Observer,
) -> Result<Plan<'a>, Error> {
    if model.is_file() && !options.coverage.ignore.is_empty() {
        return Err(Error::IgnoreInFile);
    }
    let began = SystemTime::now();
    let claims = options.claims_path.and_then(|path| model.locate(path));
    check_evidence(model, options, claims.as_ref())?;
    if let (Some(existing), Some(claims)) = (options.existing, &claims) {
        existing.check_ignored(claims)?;
    }
    let evidence: Vec<&Path> = options.bundle_path.into_iter().chain(options.claims_path).collect();
    let rules = options.coverage.rules(model, &evidence);
    for path in &rules.ignore {
        // What is recorded has to be readable again: no wildcards.
        IgnorePath::new(path.as_path().as_str()).map_err(DiskError::from)?;
    }
    let inventory = model.inventory(&rules, observer)?;
    check_files(&inventory, options)?;
    Ok(Plan {
        findings: release_lint::findings(inventory.files.iter().map(|file| &file.path)),
        inventory,
        model,
        rules,
        method: options.method,
        hash_type: options.hash_type,
        jobs: options.jobs,
        release: options.release.clone(),
        existing: options.existing,
        digest_cache: options.digest_cache,
        reuse: None,
        began,
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
    /// How the statement will say that the digests were made.
    pub(crate) fn serialization(&self) -> Serialization {
        Serialization {
            method: self.method,
            hash_type: self.hash_type,
            allow_symlinks: self.rules.links == Links::Follow,
            ignore_paths: self.rules.ignore.clone(),
        }
    }

    /// Takes the digests of files that were signed before, and have not changed since, from
    /// `old` instead of hashing them: where the digest cache remembers the same digest of a
    /// file of the same identity, which had rested when it was hashed.
    ///
    /// Whoever signed `old` is who has to sign now: with an identity, [`Self::sign`] fails
    /// after that of another was published.
    #[must_use]
    pub fn reuse(self, old: VerifiedStatement) -> Self {
        Self { reuse: Some(old), ..self }
    }

    /// Hashes what was planned and signs its manifest, and then its release.
    /// Nothing is written. The bundles are read and verified as a consumer
    /// would before they are given.
    ///
    /// # Errors
    /// [`Error::Disk`] when anything changed since the plan was made;
    /// [`Error::OtherContent`]; [`Error::NotReleasable`]; [`Error::Sign`];
    /// [`Error::SelfCheck`]; [`Error::BundleTooLarge`]; [`Error::NotReleased`].
    pub fn sign(self, signer: &dyn Signer, observer: &dyn Observer) -> Result<Signed, Error> {
        let Digested { measured, reused, problem } = self.digest(observer)?;
        let manifest = Manifest::new(self.serialization(), measured.resources(self.method))?;
        let model_digest = measured.model_digest();
        check_content(self.existing, model_digest)?;
        let name = self.model.name();
        let release = self.release.zip(model_digest);
        let release = release.map(|(release, digest)| claim(release, &name, digest, manifest.root_digest()));
        let release = release.transpose()?;
        let SignedStatement { bundle, verified } = sign_statement(&Statement::new(name, manifest), signer)?;
        if let Some(old) = self.reuse.filter(|_| !reused.is_empty()) {
            check_same_identity(old.signer(), verified.signer())?;
        }
        let release = release.map(|release| sign_release(&release, signer, verified.signer()));
        let release = release.transpose().map_err(|error| Error::NotReleased(Box::new(error)))?;
        let (inventory, findings) = (self.inventory, self.findings);
        Ok(Signed {
            bundle,
            verified,
            release,
            model_digest,
            inventory,
            findings,
            reused,
            digest_cache_problem: problem,
        })
    }
}

/// A bundle that was made of digests from elsewhere, and not yet written.
#[derive(Debug)]
pub struct SignedStatement {
    /// The bundle's JSON.
    pub bundle: Vec<u8>,
    /// What a consumer finds in it who knows this very signer.
    pub verified: VerifiedStatement,
}

/// Signs a statement as it is. Whose files have its digests, and whether there are any,
/// is not looked at. The bundle is read and verified as a consumer would before it is
/// given.
///
/// # Errors
/// [`Error::Sign`]; [`Error::SelfCheck`]; [`Error::BundleTooLarge`].
pub fn sign_statement(statement: &Statement, signer: &dyn Signer) -> Result<SignedStatement, Error> {
    let payload = statement.to_payload();
    let bundle = sign_payload(&payload, signer)?;
    // What a signer of identities answers for is its last signature.
    let verified =
        check_bundle(&bundle, &payload, signer).map_err(|error| Error::SelfCheck(Box::new(error)))?;
    Ok(SignedStatement { bundle, verified })
}

/// What is signed has to be what the signature beside it is of, as far as
/// that one tells.
fn check_content(existing: Option<&ExistingSignatures>, found: Option<ModelDigest>) -> Result<(), Error> {
    match (existing.and_then(ExistingSignatures::model_digest), found) {
        (Some(signed), Some(found)) if signed != found => {
            let signature = SIGNATURE_FILE_NAME.to_owned();
            Err(Error::OtherContent { signature, signed, found })
        }
        _ => Ok(()),
    }
}

fn claim(release: Release, name: &str, model: ModelDigest, root: RootDigest) -> Result<Attestation, Error> {
    release.attest(model_subject(name, model, root)).ok_or(Error::NotReleasable { release })
}

/// A login may have ended in between, and somebody else may have followed.
fn sign_release(
    release: &Attestation,
    signer: &dyn Signer,
    of_model: &VerifiedSigner,
) -> Result<SignedAttestation, Error> {
    let signed = attest(release, signer)?;
    match (of_model, signed.verified.signer()) {
        (VerifiedSigner::Sigstore(model), VerifiedSigner::Sigstore(release))
            if (model.identity(), model.issuer()) != (release.identity(), release.issuer()) =>
        {
            let release = Box::new(signed.verified.signer().clone());
            Err(Error::OtherSigner { model: Box::new(of_model.clone()), release })
        }
        _ => Ok(signed),
    }
}

/// Whatever the signer is, its work verifies under its own key, and says what
/// it was given.
fn check_bundle(bundle: &[u8], payload: &[u8], signer: &dyn Signer) -> Result<VerifiedStatement, Error> {
    let verified = modelseal_verify::verify(UntrustedBundle::parse(bundle)?, &signer.trust())?;
    if verified.payload() == payload { Ok(verified) } else { Err(SignError::SelfCheck.into()) }
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
fn check_evidence(
    model: &Model,
    options: &SignOptions<'_>,
    claims: Option<&ManifestPath>,
) -> Result<(), Error> {
    if model.is_file() {
        return Ok(());
    }
    if let Some(path) = claims {
        refuse_unless_evidence(model, path, claims_problem)?;
    }
    if !options.coverage.ignore_evidence {
        return Ok(());
    }
    let bundle = options.bundle_path.and_then(|path| model.locate(path));
    for name in EVIDENCE_FILES {
        let path = ManifestPath::new(name).map_err(DiskError::from)?;
        if bundle.as_ref() != Some(&path) {
            refuse_unless_evidence(model, &path, evidence_problem)?;
        }
    }
    Ok(())
}

fn refuse_unless_evidence(
    model: &Model,
    path: &ManifestPath,
    problem: fn(&Model, &ManifestPath) -> Option<String>,
) -> Result<(), Error> {
    let file = model.path().join(path.as_str());
    // An empty one is what a shell makes that redirects our output to it.
    if !modelseal_disk::exists(&file) || modelseal_disk::is_empty(&file) {
        return Ok(());
    }
    match problem(model, path) {
        Some(problem) => Err(Error::NotEvidence { path: path.clone(), problem }),
        None => Ok(()),
    }
}
