//! The digests of a plan: made now, or taken from an old signature.

use std::collections::HashMap;

use modelseal_disk::{FoundFile, MeasureOptions, MeasuredFile, Measurement, Observer};
use modelseal_manifest::{ManifestPath, Resource};
use modelseal_verify::{Signer as VerifiedSigner, VerifiedStatement};

use super::Plan;
use crate::Error;
use crate::digest_cache::{DigestCache, How};

impl Plan<'_> {
    /// Hashes what has to be, and remembers it. That it cannot be remembered is no failure.
    pub(super) fn digest(&self, observer: &dyn Observer) -> Result<Digested, Error> {
        let measure = MeasureOptions {
            method: self.method,
            hash_type: self.hash_type,
            whole_sha256: self.release.is_some() || self.existing.is_some(),
            jobs: self.jobs,
            copy_into: None,
        };
        let how = How { method: self.method, hash_type: self.hash_type, needs_sha256: measure.whole_sha256 };
        let cache = self.digest_cache.map(|directory| DigestCache::open(directory, self.model));
        let known = match (&self.reuse, &cache) {
            (Some(old), Some(cache)) => self.known(old, cache, how),
            _ => HashMap::new(),
        };
        let is_unknown = |path: &ManifestPath| !known.contains_key(path);
        let mut measured =
            self.model.measure(&self.inventory, &self.rules, is_unknown, &measure, observer)?;
        let problem = cache.and_then(|cache| self.remember(cache, how, &measured));
        let mut reused: Vec<ManifestPath> = known.keys().cloned().collect();
        reused.sort();
        measured.files.extend(known.into_values());
        measured.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Digested { measured, reused, problem })
    }

    /// What both the old signature and the cache say of files that are still the same.
    fn known(
        &self,
        old: &VerifiedStatement,
        cache: &DigestCache,
        how: How,
    ) -> HashMap<ManifestPath, MeasuredFile> {
        let manifest = old.manifest();
        let serialization = manifest.serialization();
        if (serialization.method, serialization.hash_type) != (how.method, how.hash_type) {
            return HashMap::new();
        }
        let signed: HashMap<_, _> =
            manifest.resources().iter().map(|resource| (&resource.name, resource.digest)).collect();
        let is_signed = |file: &MeasuredFile| {
            let resources = Measurement { files: vec![file.clone()] }.resources(how.method);
            let agrees = |resource: &Resource| signed.get(&resource.name) == Some(&resource.digest);
            !resources.is_empty() && resources.iter().all(agrees)
        };
        let known = self.inventory.files.iter().filter_map(|file| cache.known(self.model, file, how));
        known.filter(is_signed).map(|file| (file.path.clone(), file)).collect()
    }

    fn remember(&self, mut cache: DigestCache, how: How, measured: &Measurement) -> Option<String> {
        let found = |file: &MeasuredFile| self.inventory.file(&file.path);
        let files = measured.files.iter().filter_map(|file| Some((found(file)?, file)));
        let files: Vec<(&FoundFile, &MeasuredFile)> = files.collect();
        cache.remember(self.model, self.began, how, files.into_iter());
        let problem = cache.problem.take();
        let is_there =
            |path: &str| ManifestPath::new(path).is_ok_and(|path| self.inventory.file(&path).is_some());
        problem.or(cache.store(is_there).err())
    }
}

pub(super) struct Digested {
    pub(super) measured: Measurement,
    /// The files that were not hashed now.
    pub(super) reused: Vec<ManifestPath>,
    /// Why the cache could not be read, or written.
    pub(super) problem: Option<String>,
}

/// Keys and certificates are those of the signer already.
pub(super) fn check_same_identity(old: &VerifiedSigner, new: &VerifiedSigner) -> Result<(), Error> {
    match (old, new) {
        (VerifiedSigner::Sigstore(was), VerifiedSigner::Sigstore(is))
            if (was.identity(), was.issuer()) != (is.identity(), is.issuer()) =>
        {
            Err(Error::ReusedFromAnother { old: Box::new(old.clone()), new: Box::new(new.clone()) })
        }
        _ => Ok(()),
    }
}
