//! A model as it is, whoever signed it.

use std::num::NonZeroUsize;

use modelseal_disk::{
    DiskError, MeasureOptions, MeasuredFile, Measurement, Model, Observer, PrivateDir, Unfit, WalkRules,
};
use modelseal_manifest::{HashType, IgnorePath, ManifestPath, Method, ModelDigest};

use super::{Found, bundles_beside};
use crate::coverage::HUB_BOOKKEEPING;
use crate::verify::followed_links;
use crate::{Coverage, Error, Unsigned, UnsignedReason};

/// The identity of everything that lies there but git's own files, the hub
/// client's, and whatever is a bundle under the name of one.
///
/// # Errors
/// [`Error::Disk`], also for what can be no part of a model.
pub fn identify(model: &Model, jobs: NonZeroUsize, observer: &dyn Observer) -> Result<ModelDigest, Error> {
    let beside = bundles_beside(model, &[], observer)?;
    let as_it_is = AsItIs { model, evidence: &beside.evidence, jobs, observer };
    let found = as_it_is.measure(None, std::iter::empty())??;
    model_digest(&found.files).ok_or(Error::NotOneFile)
}

pub(super) struct AsItIs<'a> {
    pub(super) model: &'a Model,
    /// The files of the model that are bundles.
    pub(super) evidence: &'a [ManifestPath],
    pub(super) jobs: NonZeroUsize,
    pub(super) observer: &'a dyn Observer,
}

impl AsItIs<'_> {
    fn rules(&self) -> WalkRules {
        let bookkeeping = IgnorePath::new(HUB_BOOKKEEPING).ok();
        let ignore = self.evidence.iter().cloned().map(IgnorePath::from).chain(bookkeeping).collect();
        let coverage = Coverage { ignore, ignore_evidence: false, ..Coverage::default() };
        WalkRules { unfit: Unfit::List, ..coverage.rules(self.model, &[]) }
    }

    /// What was measured before is not read again, where it is all there is. The
    /// inner error says what can be no part of a model.
    pub(super) fn measure<'f>(
        &self,
        copy: Option<&PrivateDir>,
        mut known: impl Iterator<Item = &'f [MeasuredFile]>,
    ) -> Result<Result<AsFound, DiskError>, Error> {
        let rules = self.rules();
        let mut inventory = self.model.inventory(&rules, self.observer)?;
        if !inventory.unfit.is_empty() {
            return Ok(Err(inventory.unfit.swap_remove(0)));
        }
        let paths = || inventory.files.iter().map(|file| &file.path);
        let is_all = |files: &&[MeasuredFile]| files.iter().map(|file| &file.path).eq(paths());
        let files = if let Some(files) = known.find(is_all) {
            files.to_vec()
        } else {
            let measure = whole_files(self.jobs, copy);
            self.model.measure(&inventory, &rules, |_| true, &measure, self.observer)?.files
        };
        let unsigned = inventory.ignored.iter().map(|ignored| Unsigned {
            path: ignored.path.clone(),
            kind: ignored.kind,
            reason: if self.evidence.contains(&ignored.path) {
                UnsignedReason::Evidence
            } else {
                UnsignedReason::IgnoredByDefault
            },
        });
        let found = Found {
            files: files.len(),
            size: inventory.total_size(),
            links: followed_links(&inventory, &files),
            unsigned: unsigned.collect(),
        };
        Ok(Ok(AsFound { files, found }))
    }
}

/// What lies there.
pub(super) struct AsFound {
    pub(super) files: Vec<MeasuredFile>,
    pub(super) found: Found,
}

pub(super) fn model_digest(files: &[MeasuredFile]) -> Option<ModelDigest> {
    Measurement { files: files.to_vec() }.model_digest()
}

pub(super) fn whole_files(jobs: NonZeroUsize, copy: Option<&PrivateDir>) -> MeasureOptions<'_> {
    MeasureOptions {
        method: Method::Files,
        hash_type: HashType::Sha256,
        whole_sha256: true,
        jobs,
        copy_into: copy,
    }
}
