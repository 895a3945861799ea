use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use modelseal_bundle::UntrustedBundle;
use modelseal_disk::{
    DiskError, Ignored, IgnoredKind, Inventory, Links, MeasureOptions, MeasuredFile, Measurement, Model,
    Observer, PrivateDir, StagedOutput, Unfit, WalkRules,
};
use modelseal_manifest::{Differences, IgnorePath, Manifest, ManifestPath, Method, ModelDigest};
use modelseal_verify::{MatchedManifest, Mismatch, Signer, Trust, Unlisted, VerifiedStatement};

use crate::coverage::{evidence_problem, git_paths};
use crate::{EVIDENCE_FILES, Error, IgnoredBy};

/// How to verify. Hash, shards, ignored paths and the treatment of links are
/// those of the signed statement; these options only add to it.
#[derive(Clone, Debug)]
pub struct VerifyOptions<'a> {
    /// Where the bundle was read from: if that is in the model, it is evidence.
    pub bundle_path: Option<&'a Path>,
    /// Further paths that are not looked into. None of them may be signed.
    pub ignore: Vec<IgnorePath>,
    /// Whether git's own files at the top may be there without being signed.
    pub ignore_git: bool,
    /// What to do with files that are not signed.
    pub unlisted: Unlisted,
    /// Refuse whatever is not signed, ignored paths included; evidence files
    /// excepted.
    pub strict: bool,
    /// Copy the signed files to this new directory while they are hashed.
    pub copy_to: Option<&'a Path>,
    /// Compute the model digest also where the manifest does not tell it.
    pub model_digest: bool,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self {
            bundle_path: None,
            ignore: vec![],
            ignore_git: true,
            unlisted: Unlisted::Refuse,
            strict: false,
            copy_to: None,
            model_digest: false,
            jobs: crate::default_jobs(),
        }
    }
}

/// A model on the disk whose signed files were what a verified statement says,
/// at the moment when they were read.
///
/// The files in place may change again the moment after. What has to be loaded
/// later is in [`copy`](Self::copy).
#[derive(Debug)]
pub struct VerifiedModel {
    matched: MatchedManifest,
    unsigned: Vec<Unsigned>,
    links: Vec<(ManifestPath, String)>,
    model_digest: Option<ModelDigest>,
    size: u64,
    copy: Option<PathBuf>,
}

impl VerifiedModel {
    /// The statement that it matches.
    pub fn statement(&self) -> &VerifiedStatement {
        self.matched.statement()
    }

    /// What is there and not signed.
    pub fn unsigned(&self) -> &[Unsigned] {
        &self.unsigned
    }

    /// Signed files that are symbolic links, and what they point at, escaped
    /// for display.
    pub fn links(&self) -> &[(ManifestPath, String)] {
        &self.links
    }

    /// The identity of the model, where it was asked for or came for free.
    pub fn model_digest(&self) -> Option<ModelDigest> {
        self.model_digest
    }

    /// Bytes in the signed files.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The directory that holds exactly the verified bytes, if it was asked
    /// for.
    pub fn copy(&self) -> Option<&Path> {
        self.copy.as_deref()
    }
}

/// Something that is there and that no signature covers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unsigned {
    /// Its name.
    pub path: ManifestPath,
    /// What it is; of a directory, everything in it.
    pub kind: IgnoredKind,
    /// Why it is tolerated.
    pub reason: UnsignedReason,
}

/// Why something unsigned is tolerated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnsignedReason {
    /// It carries signatures.
    Evidence,
    /// The signer left it out, and said so under the signature.
    IgnoredBySigner,
    /// The specification leaves it out by default.
    IgnoredByDefault,
    /// The caller left it out.
    IgnoredByCaller,
    /// The caller tolerates unsigned files.
    Tolerated,
}

impl UnsignedReason {
    /// A stable code, for machines.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::IgnoredBySigner => "ignored-by-signer",
            Self::IgnoredByDefault => "ignored-by-default",
            Self::IgnoredByCaller => "ignored-by-caller",
            Self::Tolerated => "tolerated",
        }
    }
}

/// Verifies `bundle` under `trust`, then the files of `model` against it.
///
/// # Errors
/// [`Error::Verify`] when the bundle is not believed; [`Error::Mismatch`] with
/// every difference; [`Error::Unfit`] when there is what can be no part of a
/// model; [`Error::Unsigned`] in strict verification;
/// [`Error::IgnoresSigned`]; [`Error::NotOneFile`]; [`Error::CopyInModel`];
/// [`Error::Disk`].
pub fn verify(
    model: &Model,
    bundle: UntrustedBundle,
    trust: &Trust,
    options: &VerifyOptions<'_>,
    observer: &dyn Observer,
) -> Result<VerifiedModel, Error> {
    let statement = modelseal_verify::verify(bundle, trust)?;
    let evidence = options.bundle_path.and_then(|path| model.locate(path)).into_iter().collect();
    let scope = Scope::of(&[statement.manifest()], model, evidence, &options.ignore, options.ignore_git)?;
    if options.copy_to.is_some_and(|path| model.contains(path)) {
        return Err(Error::CopyInModel);
    }
    let copy = options.copy_to.map(PrivateDir::create_for).transpose()?;
    let measured = scope.measure(model, copy.as_ref(), options.model_digest, options.jobs, observer)?;
    let unlisted = if options.strict { Unlisted::Refuse } else { options.unlisted };
    let matched = match measured.compare(statement, unlisted) {
        Ok(matched) => matched,
        Err(unmatched) => return Err(measured.refuse(unmatched)),
    };
    let unsigned = measured.unsigned(model, &matched);
    if options.strict && unsigned.iter().any(|unsigned| unsigned.reason != UnsignedReason::Evidence) {
        let unsigned = unsigned.into_iter().filter(|u| u.reason != UnsignedReason::Evidence).collect();
        return Err(Error::Unsigned { unsigned });
    }
    let Measured { inventory, measurement, .. } = measured;
    Ok(VerifiedModel {
        unsigned,
        links: followed_links(&inventory, &measurement.files),
        model_digest: measurement.model_digest(),
        size: measurement.files.iter().map(|file| file.size).fold(0, u64::saturating_add),
        copy: copy.map(PrivateDir::commit).transpose()?,
        matched,
    })
}

/// What has to be looked at for statements of one serialization.
pub(crate) struct Scope {
    manifest: Manifest,
    signed: HashSet<ManifestPath>,
    ignores: Ignores,
}

/// What was found there.
pub(crate) struct Measured {
    pub(crate) inventory: Inventory,
    pub(crate) measurement: Measurement,
    method: Method,
    ignores: Ignores,
}

/// The files are not what was signed, or something unfit is among them.
pub(crate) struct Unmatched {
    signer: Signer,
    pub(crate) mismatch: Option<Box<Mismatch>>,
}

impl Scope {
    /// `manifests` are of one serialization, and at least one; `evidence` are the
    /// files that carry signatures.
    pub(crate) fn of(
        manifests: &[&Manifest],
        model: &Model,
        evidence: Vec<ManifestPath>,
        ignore: &[IgnorePath],
        ignore_git: bool,
    ) -> Result<Self, Error> {
        let first = *manifests.first().ok_or(Error::NotOneFile)?;
        let signed = manifests.iter().flat_map(|manifest| manifest.files());
        let signed: HashSet<ManifestPath> = signed.cloned().collect();
        if first.is_unnamed_file() && !model.is_file() {
            return Err(Error::NotOneFile);
        }
        let ignores = Ignores::of(first, &signed, evidence, ignore, ignore_git)?;
        Ok(Self { manifest: first.clone(), signed, ignores })
    }

    fn rules(&self) -> WalkRules {
        WalkRules { ignore: self.ignores.all(), links: links(&self.manifest), unfit: Unfit::List }
    }

    /// Which signed files are not there: found out without hashing.
    pub(crate) fn missing(&self, model: &Model, observer: &dyn Observer) -> Result<Vec<ManifestPath>, Error> {
        if self.manifest.is_unnamed_file() {
            return Ok(vec![]);
        }
        let inventory = model.inventory(&self.rules(), observer)?;
        let is_missing = |path: &&ManifestPath| inventory.file(path).is_none();
        let mut missing: Vec<ManifestPath> = self.signed.iter().filter(is_missing).cloned().collect();
        missing.sort();
        Ok(missing)
    }

    pub(crate) fn measure(
        self,
        model: &Model,
        copy: Option<&PrivateDir>,
        whole_sha256: bool,
        jobs: NonZeroUsize,
        observer: &dyn Observer,
    ) -> Result<Measured, Error> {
        let rules = self.rules();
        let Self { manifest, signed, ignores } = self;
        let inventory = model.inventory(&rules, observer)?;
        let method = manifest.serialization().method;
        let measure = MeasureOptions {
            method,
            hash_type: manifest.serialization().hash_type,
            whole_sha256,
            jobs,
            copy_into: copy,
        };
        let select = |path: &ManifestPath| manifest.is_unnamed_file() || signed.contains(path);
        let measurement = model.measure(&inventory, &rules, select, &measure, observer)?;
        Ok(Measured { inventory, measurement, method, ignores })
    }
}

impl Measured {
    /// Whether the files are what `statement` says, and nothing is there that
    /// can be no part of a model.
    pub(crate) fn compare(
        &self,
        statement: VerifiedStatement,
        unlisted: Unlisted,
    ) -> Result<MatchedManifest, Unmatched> {
        let (resources, unhashed) = self.as_signed(statement.manifest());
        let signer = statement.signer().clone();
        match statement.compare(&resources, &unhashed, unlisted) {
            Ok(matched) if self.inventory.unfit.is_empty() => Ok(matched),
            Ok(_) => Err(Unmatched { signer, mismatch: None }),
            Err(mismatch) => Err(Unmatched { signer, mismatch: Some(mismatch) }),
        }
    }

    /// In what the files differ from a manifest that nobody verified.
    pub(crate) fn differences(&self, manifest: &Manifest) -> Differences {
        let (resources, unhashed) = self.as_signed(manifest);
        manifest.differences(&resources, &unhashed)
    }

    /// Why they are not, as an error.
    pub(crate) fn refuse(self, unmatched: Unmatched) -> Error {
        let Unmatched { signer, mismatch } = unmatched;
        match mismatch {
            Some(mismatch) if self.inventory.unfit.is_empty() => match unfinished_output(&mismatch) {
                Some(path) => Error::Partial { path },
                None => Error::Mismatch(mismatch),
            },
            mismatch => unfit(self.inventory.unfit, mismatch, signer),
        }
    }

    /// What was measured, under the names of the statement: the one file of a
    /// model that the signer did not name has none there.
    fn as_signed(&self, manifest: &Manifest) -> (Vec<modelseal_manifest::Resource>, Vec<ManifestPath>) {
        let name = |path: &ManifestPath| {
            if manifest.is_unnamed_file() { ManifestPath::unnamed_file() } else { path.clone() }
        };
        let mut resources = self.measurement.resources(self.method);
        for resource in resources.iter_mut().filter(|_| manifest.is_unnamed_file()) {
            resource.name.path = name(&resource.name.path);
        }
        let files = &self.measurement.files;
        let is_hashed = |path: &ManifestPath| {
            let found = files.binary_search_by(|file| file.path.cmp(path));
            found.is_ok_and(|index| !files[index].digests.is_empty())
        };
        let unhashed = self.inventory.files.iter().filter(|file| !is_hashed(&file.path));
        (resources, unhashed.map(|file| name(&file.path)).collect())
    }

    /// What is there and that the statement does not list.
    pub(crate) fn unsigned(&self, model: &Model, matched: &MatchedManifest) -> Vec<Unsigned> {
        let is_evidence = |ignored: &Ignored| {
            let is_named_so =
                EVIDENCE_FILES.contains(&ignored.path.as_str()) || self.ignores.is_evidence(&ignored.path);
            is_named_so && evidence_problem(model, &ignored.path).is_none()
        };
        let ignored = self.inventory.ignored.iter().map(|ignored| Unsigned {
            path: ignored.path.clone(),
            kind: ignored.kind,
            reason: if is_evidence(ignored) {
                UnsignedReason::Evidence
            } else {
                self.ignores.reason(&ignored.path)
            },
        });
        let tolerated = matched.unlisted().iter().map(|path| Unsigned {
            path: path.clone(),
            kind: IgnoredKind::File,
            reason: UnsignedReason::Tolerated,
        });
        ignored.chain(tolerated).collect()
    }
}

fn links(manifest: &Manifest) -> Links {
    if manifest.serialization().allow_symlinks { Links::Follow } else { Links::Refuse }
}

/// The paths that are not looked into, by who left them out.
struct Ignores {
    signer: Vec<IgnorePath>,
    default: Vec<IgnorePath>,
    caller: Vec<IgnorePath>,
    evidence: Vec<IgnorePath>,
}

impl Ignores {
    fn of(
        manifest: &Manifest,
        signed: &HashSet<ManifestPath>,
        evidence: Vec<ManifestPath>,
        caller: &[IgnorePath],
        ignore_git: bool,
    ) -> Result<Self, Error> {
        let covered = |ignore: &IgnorePath| signed.iter().filter(|path| ignore.covers(path)).min();
        let refuse = |ignores: &[IgnorePath], by| match ignores.iter().find_map(|i| Some((i, covered(i)?))) {
            Some((ignore, path)) => {
                Err(Error::IgnoresSigned { path: path.clone(), ignore: ignore.clone(), by })
            }
            None => Ok(()),
        };
        let signer = manifest.serialization().ignore_paths.clone();
        refuse(&signer, IgnoredBy::Statement)?;
        refuse(caller, IgnoredBy::Caller)?;
        // Old releases could sign git's files: what is signed is verified.
        let default = git_paths().filter(|path| ignore_git && covered(path).is_none()).collect();
        let evidence = evidence.into_iter().map(IgnorePath::from).filter(|path| covered(path).is_none());
        Ok(Self { signer, default, caller: caller.to_vec(), evidence: evidence.collect() })
    }

    fn all(&self) -> Vec<IgnorePath> {
        let lists = [&self.signer, &self.default, &self.caller, &self.evidence];
        lists.into_iter().flatten().cloned().collect()
    }

    fn is_evidence(&self, path: &ManifestPath) -> bool {
        self.evidence.iter().any(|evidence| evidence.as_path() == path)
    }

    fn reason(&self, path: &ManifestPath) -> UnsignedReason {
        let is_by = |ignores: &[IgnorePath]| ignores.iter().any(|ignore| ignore.covers(path));
        if is_by(&self.signer) {
            UnsignedReason::IgnoredBySigner
        } else if is_by(&self.default) {
            UnsignedReason::IgnoredByDefault
        } else {
            UnsignedReason::IgnoredByCaller
        }
    }
}

/// What can be no part of a model, and how the rest differs.
fn unfit(unfit: Vec<DiskError>, mismatch: Option<Box<Mismatch>>, signer: Signer) -> Error {
    let mut differences = mismatch.map(|mismatch| mismatch.differences).unwrap_or_default();
    // What is there as something else is not missing.
    let there: HashSet<&str> = unfit.iter().filter_map(DiskError::path).collect();
    differences.missing.retain(|path| !there.contains(&*path.to_string()));
    Error::Unfit { unfit, differences: Box::new(differences), signer }
}

/// Somebody signs this very model at this very moment, and nothing else is
/// wrong with it: that is no verdict on the model.
fn unfinished_output(mismatch: &Mismatch) -> Option<ManifestPath> {
    let differences = &mismatch.differences;
    let is_partial = |path: &ManifestPath| StagedOutput::is_partial(path.file_name());
    let only_partial = differences.changed.is_empty() && differences.missing.is_empty();
    (only_partial && differences.extra.iter().all(is_partial))
        .then(|| differences.extra.first().cloned())
        .flatten()
}

pub(crate) fn followed_links(inventory: &Inventory, files: &[MeasuredFile]) -> Vec<(ManifestPath, String)> {
    let link =
        |file: &MeasuredFile| Some((file.path.clone(), inventory.file(&file.path)?.link_target.clone()?));
    files.iter().filter_map(link).collect()
}
