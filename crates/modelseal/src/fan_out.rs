use std::num::NonZeroUsize;

use modelseal_bundle::{HashPlan, HashPlanError, HashedUnit};
use modelseal_disk::{Inventory, Links, Model, Observer, Part};
use modelseal_manifest::{HashType, Method};

use crate::{Coverage, Error, Finding, SignOptions};

/// How a model is to be hashed by several machines.
#[derive(Debug)]
pub struct PlannedHashing {
    /// What is handed to them.
    pub plan: HashPlan,
    /// What was there.
    pub inventory: Inventory,
    /// Files that rarely belong in a release.
    pub findings: Vec<Finding>,
}

/// Plans how a model is hashed by several machines: what [`sign`](crate::sign()) would cover, in
/// units that can be hashed anywhere (`spec/hash-plan.md`). Nothing is hashed.
///
/// Whether the key that will sign lies among the files is not known here.
///
/// # Errors
/// Those of [`plan`](crate::plan()); [`Error::HashPlan`].
pub fn plan_hashing(
    model: &Model,
    coverage: &Coverage,
    method: Method,
    hash_type: HashType,
    observer: &dyn Observer,
) -> Result<PlannedHashing, Error> {
    let options = SignOptions { coverage: coverage.clone(), method, hash_type, ..SignOptions::default() };
    let planned = crate::plan(model, &options, observer)?;
    let serialization = planned.serialization();
    let files = planned.inventory.files.iter().map(|file| (file.path.clone(), file.size()));
    let plan = HashPlan::new(&model.name(), serialization, files)?;
    Ok(PlannedHashing { plan, inventory: planned.inventory, findings: planned.findings })
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
