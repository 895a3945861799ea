use std::num::NonZeroUsize;

use modelseal_bundle::{HashPlan, HashPlanError, HashedUnit};
use modelseal_disk::{Links, Model, Observer, Part};
use modelseal_manifest::{HashType, Method, Serialization};

use crate::sign::check_files;
use crate::{Coverage, Error, SignOptions};

/// Plans how a model is hashed by several machines: what [`sign`](crate::sign()) would cover, in
/// units that can be hashed anywhere (`spec/hash-plan.md`). Nothing is hashed.
///
/// # Errors
/// Those of [`plan`](crate::plan()); [`Error::HashPlan`].
pub fn plan_hashing(
    model: &Model,
    coverage: &Coverage,
    method: Method,
    hash_type: HashType,
    observer: &dyn Observer,
) -> Result<HashPlan, Error> {
    if model.is_file() && !coverage.ignore.is_empty() {
        return Err(Error::IgnoreInFile);
    }
    let rules = coverage.rules(model, &[]);
    let inventory = model.inventory(&rules, observer)?;
    check_files(&inventory, &SignOptions { method, ..SignOptions::default() })?;
    let serialization = Serialization {
        method,
        hash_type,
        allow_symlinks: rules.links == Links::Follow,
        ignore_paths: rules.ignore,
    };
    let files = inventory.files.iter().map(|file| (file.path.clone(), file.size()));
    Ok(HashPlan::new(&model.name(), serialization, files)?)
}

/// Hashes some units of a plan, by their numbers. Whether other files are there is not
/// looked at, and neither are those that are left out.
///
/// # Errors
/// [`Error::HashPlan`] for a unit that the plan does not have; [`Error::Disk`] for a file
/// that is not as long as the plan says.
pub fn hash_units(
    model: &Model,
    plan: &HashPlan,
    units: &[usize],
    jobs: NonZeroUsize,
    observer: &dyn Observer,
) -> Result<Vec<HashedUnit>, Error> {
    let part = |number: &usize| {
        let unit = plan.units().get(*number);
        let unit = unit.ok_or(HashPlanError::NoSuchUnit { found: *number, units: plan.units().len() })?;
        Ok(Part { path: &unit.name.path, file_size: unit.file_size, range: unit.name.range })
    };
    let parts = units.iter().map(part).collect::<Result<Vec<_>, HashPlanError>>()?;
    let serialization = plan.serialization();
    let links = if serialization.allow_symlinks { Links::Follow } else { Links::Refuse };
    let digests = model.measure_parts(&parts, links, serialization.hash_type, jobs, observer)?;
    let hashed = units.iter().zip(digests);
    Ok(hashed.map(|(unit, digest)| HashedUnit { unit: *unit, digest }).collect())
}
