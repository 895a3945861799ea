use std::num::NonZeroUsize;
use std::path::Path;

use modelseal_bundle::{Subject, UntrustedBundle, legacy};
use modelseal_disk::{Ignored, Model, Observer};
use modelseal_manifest::{Manifest, ModelDigest, RootDigest, Serialization};
use modelseal_predicate::model_subject;

use crate::admission::{bundles_beside, describe};
use crate::coverage::HUB_BOOKKEEPING;
use crate::verify::Scope;
use crate::{Coverage, DigestOptions, EVIDENCE_FILES, Error, digest};

/// A model that something is to be attested of.
#[derive(Clone, Debug)]
pub struct ModelSubject {
    /// What an attestation names.
    pub subject: Subject,
    /// The identity of the model.
    pub model: ModelDigest,
    /// The root digest: of its signature, where it has one.
    pub root: RootDigest,
    /// How many files it has.
    pub files: usize,
    /// Bytes in them.
    pub size: u64,
    /// Whether a signature says which files are meant. Nobody verified it.
    pub is_signed: bool,
    /// What the signature leaves out beside files of signatures and git's own,
    /// escaped for display.
    pub ignored: Vec<String>,
}

/// What of it is meant.
#[derive(Clone, Debug)]
pub struct SubjectOptions<'a> {
    /// The signature of the model, and where it was read: what it covers is what
    /// is attested of.
    pub signature: Option<(&'a Path, &'a UntrustedBundle)>,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
}

/// Hashes the files that the signature of `model` covers, or that one would cover
/// if there were any, and names them as the subject of an attestation.
///
/// The signature is not verified: it says which files are meant, and what it leaves
/// out is told. Files that are not those of the signature are refused.
///
/// # Errors
/// [`Error::OtherFiles`]; [`Error::Disk`]; [`Error::Manifest`] when there are none.
pub fn subject(
    model: &Model,
    options: &SubjectOptions<'_>,
    observer: &dyn Observer,
) -> Result<ModelSubject, Error> {
    let statement = options.signature.and_then(|(path, bundle)| {
        Some((path, legacy::parse_unverified_statement(bundle.envelope().payload()).ok()?))
    });
    match &statement {
        Some((path, statement)) => as_signed(model, path, statement.manifest(), options.jobs, observer),
        None => as_to_be_signed(model, options.jobs, observer),
    }
}

fn as_signed(
    model: &Model,
    signature: &Path,
    manifest: &Manifest,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
) -> Result<ModelSubject, Error> {
    let evidence = bundles_beside(model, &[signature], observer)?.evidence;
    let measured = Scope::of(&[manifest], model, evidence.clone(), &[], true)?
        .measure(model, None, true, jobs, observer)?;
    let differences = measured.differences(manifest);
    let other_files = || Error::OtherFiles { problem: describe(&differences, &measured.inventory.unfit) };
    if !differences.is_empty() || !measured.inventory.unfit.is_empty() {
        return Err(other_files());
    }
    let digest = measured.measurement.model_digest().ok_or_else(other_files)?;
    let files = &measured.measurement.files;
    let size = files.iter().map(|file| file.size).fold(0, u64::saturating_add);
    let is_usual = |ignored: &&Ignored| {
        let usual = EVIDENCE_FILES.into_iter().chain([HUB_BOOKKEEPING]);
        usual.chain(Serialization::DEFAULT_IGNORES).any(|path| path == ignored.path.as_str())
            || evidence.contains(&ignored.path)
    };
    let ignored = measured.inventory.ignored.iter().filter(|ignored| !is_usual(ignored));
    let ignored = ignored.map(|ignored| ignored.path.to_string()).collect();
    let subject = ModelSubject::new(model, digest, manifest.root_digest(), (files.len(), size));
    Ok(ModelSubject { is_signed: true, ignored, ..subject })
}

fn as_to_be_signed(
    model: &Model,
    jobs: NonZeroUsize,
    observer: &dyn Observer,
) -> Result<ModelSubject, Error> {
    let options = DigestOptions { coverage: Coverage::default(), jobs, ..DigestOptions::default() };
    let digests = digest(model, &options, observer)?;
    Ok(ModelSubject::new(model, digests.model, digests.root, (digests.files, digests.size)))
}

impl ModelSubject {
    fn new(model: &Model, digest: ModelDigest, root: RootDigest, (files, size): (usize, u64)) -> Self {
        let subject = model_subject(model.name(), digest, root);
        Self { subject, model: digest, root, files, size, is_signed: false, ignored: vec![] }
    }
}
