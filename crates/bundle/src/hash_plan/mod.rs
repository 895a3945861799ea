//! A model's digests, made by several machines (`spec/hash-plan.md`): the plan, and beside
//! it the lines that workers write, and what they come to.

mod merge;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use modelseal_manifest::{
    ByteRange, ContentDigest, Manifest, ManifestError, ManifestPath, Method, NameError, Resource,
    ResourceName, Serialization, Sha256Digest,
};
use serde::{Deserialize, Serialize};

pub use self::merge::{HashedUnit, LineProblem, Merge, MergeError, Place};
use crate::json::{self, Object};
use crate::statement::{WireSerialization, serialization, written_serialization};
use crate::{JsonError, MAX_BUNDLE_BYTES, MAX_RESOURCES, Statement, StatementError};

/// The version that is written and read.
const VERSION: u64 = 1;
/// Three for each unit.
const MAX_VALUES: usize = 6 * MAX_RESOURCES;
/// In base64, and with what signs it, a statement has to fit into a bundle.
const MAX_STATEMENT_BYTES: u64 = MAX_BUNDLE_BYTES / 4 * 3 - 64 * 1024;

/// Which bytes of a model are to be hashed, and how: units that can be hashed anywhere,
/// in any order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HashPlan {
    subject_name: String,
    serialization: Serialization,
    units: Vec<Unit>,
    digest: Sha256Digest,
}

/// A file, or a shard of one, and how long the whole file is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unit {
    /// What is to be hashed.
    pub name: ResourceName,
    /// Bytes in the file.
    pub file_size: u64,
}

impl Unit {
    /// Bytes to be hashed.
    pub fn size(&self) -> u64 {
        self.name.range.map_or(self.file_size, ByteRange::len)
    }
}

impl HashPlan {
    /// Plans a model of these files and sizes, of which there is at least one.
    ///
    /// # Errors
    /// [`HashPlanError`] for what no manifest could list.
    pub fn new(
        subject_name: &str,
        serialization: Serialization,
        files: impl IntoIterator<Item = (ManifestPath, u64)>,
    ) -> Result<Self, HashPlanError> {
        let mut units = Vec::new();
        for (path, file_size) in files {
            let ranges = serialization.method.ranges(file_size);
            let before = units.len();
            units.extend(
                ranges
                    .take(MAX_RESOURCES + 1)
                    .map(|range| Unit { name: ResourceName { path: path.clone(), range }, file_size }),
            );
            if units.len() == before {
                return Err(HashPlanError::EmptyFile { path });
            }
            if units.len() > MAX_RESOURCES {
                return Err(HashPlanError::TooMany { path: Some(path) });
            }
        }
        let plan = Self {
            subject_name: subject_name.to_owned(),
            serialization,
            units,
            digest: Sha256Digest::from_bytes([0; 32]),
        };
        // Whatever is written can be read again; what is signed of it is larger in any case.
        Self::parse(&plan.to_bytes())
    }

    /// Reads a plan. Its digest is that of these very bytes.
    ///
    /// # Errors
    /// [`HashPlanError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, HashPlanError> {
        let Object(wire) = json::parse::<Object<WirePlan>>(bytes, MAX_VALUES)?;
        if wire.hash_plan != VERSION {
            return Err(HashPlanError::Version { found: wire.hash_plan });
        }
        if wire.units.len() > MAX_RESOURCES {
            return Err(HashPlanError::TooMany { path: None });
        }
        if wire.subject_name.is_empty() {
            return Err(HashPlanError::Statement(StatementError::SubjectName));
        }
        let serialization = serialization(&wire.serialization.0)?;
        let units = wire.units.iter().map(|Object(unit)| unit.read(serialization.method));
        let mut units: Vec<Unit> = units.collect::<Result<_, _>>()?;
        // The rules of a manifest are those of its names, whatever the digests are.
        let digest = ContentDigest::zero(serialization.hash_type);
        let resources = units.iter().map(|unit| Resource { name: unit.name.clone(), digest }).collect();
        let manifest = Manifest::new(serialization.clone(), resources)?;
        manifest.check_possible()?;
        let statement = Statement::new(wire.subject_name.clone(), manifest).to_payload().len() as u64;
        if statement > MAX_STATEMENT_BYTES {
            return Err(HashPlanError::TooLarge { found: statement, limit: MAX_STATEMENT_BYTES });
        }
        learn_file_sizes(&mut units);
        Ok(Self { subject_name: wire.subject_name, serialization, units, digest: Sha256Digest::of(bytes) })
    }

    /// Writes the plan as JSON. The same plan always gives the same bytes.
    #[expect(clippy::missing_panics_doc, reason = "strings and numbers always serialize")]
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire = WirePlan {
            hash_plan: VERSION,
            subject_name: self.subject_name.clone(),
            serialization: Object(written_serialization(&self.serialization)),
            units: self.units.iter().map(|unit| Object(WireUnit::of(unit))).collect(),
        };
        let mut bytes = serde_json::to_vec(&wire).expect("strings and numbers always serialize");
        bytes.push(b'\n');
        bytes
    }

    /// By which workers' lines name it: SHA-256 over its bytes.
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// How the digests are to be made.
    pub fn serialization(&self) -> &Serialization {
        &self.serialization
    }

    /// What is to be hashed, at least one.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The numbers of the units of one of `count` workers, such that all workers have about as
    /// many bytes: the largest unit goes to whoever has least.
    pub fn part(&self, index: usize, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.units.len()).collect();
        order.sort_by_key(|unit| (Reverse(self.units[*unit].size()), *unit));
        let mut loads: BinaryHeap<Reverse<(u64, usize)>> =
            (0..count).map(|worker| Reverse((0, worker))).collect();
        let mut part = Vec::new();
        for unit in order {
            let Some(Reverse((load, worker))) = loads.pop() else { break };
            if worker == index {
                part.push(unit);
            }
            // Opening it is work too.
            let work = self.units[unit].size().saturating_add(4096);
            loads.push(Reverse((load.saturating_add(work), worker)));
        }
        part.sort_unstable();
        part
    }
}

/// Why bytes are no plan.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HashPlanError {
    /// Not JSON, or not the JSON of a plan.
    #[error("not a hash plan: {0}")]
    Json(#[from] JsonError),
    /// A plan of a later version.
    #[error("is a hash plan of version {found}, and this is read: {VERSION}")]
    Version {
        /// What was found.
        found: u64,
    },
    /// More units than a model may have files or shards.
    #[error("{}more than the {MAX_RESOURCES} files or shards that a model may have",
        path.as_ref().map_or_else(String::new, |path| format!("{path}: with it, there are ")))]
    TooMany {
        /// With which file it is too many.
        path: Option<ManifestPath>,
    },
    /// What it would come to does not fit into a signature.
    #[error("what is to be signed would have {found} bytes, and a signature takes {limit}")]
    TooLarge {
        /// Bytes that it would have.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A file that has no shards, and would go unsigned.
    #[error("{path}: is empty, and has no shards that could be signed")]
    EmptyFile {
        /// The file.
        path: ManifestPath,
    },
    /// The subject, or how the digests are made, is not that of a statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// A name that no manifest can carry.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Units that make no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A number beyond the plan.
    #[error("there is no unit {found}: the plan has {units}, counted from 0")]
    NoSuchUnit {
        /// What was asked for.
        found: usize,
        /// How many there are.
        units: usize,
    },
    /// A shard whose name says another size.
    #[error("\"{name}\" has a size of {found}, expected {expected}, as its name says")]
    Size {
        /// The unit.
        name: ResourceName,
        /// The length of its range.
        expected: u64,
        /// What stands there.
        found: u64,
    },
}

/// Shards of one file follow one another: it ends where the last does.
fn learn_file_sizes(units: &mut [Unit]) {
    let mut ends = HashMap::new();
    for unit in units.iter() {
        let end = unit.name.range.map_or(unit.file_size, ByteRange::end);
        let known = ends.entry(unit.name.path.clone()).or_insert(0);
        *known = end.max(*known);
    }
    for unit in units {
        unit.file_size = ends[&unit.name.path];
    }
}

#[derive(Deserialize, Serialize)]
struct WirePlan {
    hash_plan: u64,
    subject_name: String,
    serialization: Object<WireSerialization>,
    units: Vec<Object<WireUnit>>,
}

#[derive(Deserialize, Serialize)]
struct WireUnit {
    name: String,
    size: u64,
}

impl WireUnit {
    fn of(unit: &Unit) -> Self {
        Self { name: unit.name.to_wire(), size: unit.size() }
    }

    fn read(&self, method: Method) -> Result<Unit, HashPlanError> {
        let name = match method {
            Method::Files => ResourceName::file(&self.name)?,
            Method::Shards(_) => ResourceName::shard(&self.name)?,
        };
        // "." is read in statements of others alone.
        ManifestPath::new(name.path.as_str())?;
        match name.range {
            Some(range) if range.len() != self.size => {
                Err(HashPlanError::Size { name, expected: range.len(), found: self.size })
            }
            _ => Ok(Unit { name, file_size: self.size }),
        }
    }
}

#[cfg(test)]
mod tests {
    use modelseal_manifest::{HashType, ShardSize};
    use proptest::prelude::*;

    use super::*;

    fn plan_of(method: Method, files: &[(&str, u64)]) -> Result<HashPlan, HashPlanError> {
        let serialization = Serialization {
            method,
            hash_type: HashType::Sha256,
            allow_symlinks: false,
            ignore_paths: vec![],
        };
        let files = files.iter().map(|(name, size)| (ManifestPath::new(*name).unwrap(), *size));
        HashPlan::new("toy", serialization, files)
    }

    fn shards(size: u64) -> Method {
        Method::Shards(ShardSize::new(size).unwrap())
    }

    #[test]
    fn a_plan_reads_back_and_is_known_by_its_bytes() {
        let plan = plan_of(shards(4), &[("a", 9), ("b", 4)]).unwrap();
        assert_eq!(HashPlan::parse(&plan.to_bytes()).unwrap(), plan);
        assert_eq!(plan.digest(), Sha256Digest::of(&plan.to_bytes()));
        let units: Vec<_> =
            plan.units().iter().map(|unit| (unit.name.to_wire(), unit.size(), unit.file_size)).collect();
        let expected = [("a:0:4", 4, 9), ("a:4:8", 4, 9), ("a:8:9", 1, 9), ("b:0:4", 4, 4)];
        assert_eq!(units, expected.map(|(name, size, file_size)| (name.to_owned(), size, file_size)));
    }

    #[test]
    fn what_could_be_no_manifest_is_no_plan() {
        assert!(matches!(plan_of(Method::Files, &[]), Err(HashPlanError::Manifest(ManifestError::Empty))));
        let twice = plan_of(Method::Files, &[("a", 1), ("a", 1)]);
        assert!(matches!(twice, Err(HashPlanError::Manifest(ManifestError::Duplicate { .. }))));
        assert!(matches!(plan_of(shards(4), &[("a", 1), ("b", 0)]), Err(HashPlanError::EmptyFile { .. })));
        assert!(matches!(
            plan_of(shards(1), &[("a", u64::MAX)]),
            Err(HashPlanError::TooMany { path: Some(_) })
        ));
        let long = "x".repeat(200);
        let large = plan_of(shards(1), &[(&long, 180_000)]);
        assert!(matches!(large, Err(HashPlanError::TooLarge { .. })));
        let below = plan_of(Method::Files, &[("a", 1), ("a/b", 1)]);
        let expected = |error: &HashPlanError| {
            matches!(error, HashPlanError::Manifest(ManifestError::FileAndDirectory { .. }))
        };
        assert!(below.is_err_and(|error| expected(&error)));
    }

    #[test]
    fn a_plan_that_was_changed_is_refused() {
        let text = String::from_utf8(plan_of(shards(4), &[("a", 9), ("b", 4)]).unwrap().to_bytes()).unwrap();
        for (from, to) in [
            ("\"hash_plan\":1", "\"hash_plan\":2"),
            ("{\"name\":\"a:4:8\",\"size\":4},", ""),
            ("\"size\":1", "\"size\":2"),
            ("a:8:9", "a:8:8"),
            ("a:4:8", "a:3:8"),
            ("b:0:4", "../b:0:4"),
            ("\"toy\"", "\"\""),
            ("\"method\":\"shards\"", "\"method\":\"files\""),
            ("\"units\"", "\"units\":[],\"units\""),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text, "{from}");
            assert!(HashPlan::parse(changed.as_bytes()).is_err(), "{changed}");
        }
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_and_complete_and_about_equal(
            sizes in prop::collection::vec(1_u64..1_000_000, 1..40), count in 1..9_usize,
        ) {
            let names: Vec<String> = (0..sizes.len()).map(|number| format!("f{number}")).collect();
            let files: Vec<_> = names.iter().map(String::as_str).zip(sizes.iter().copied()).collect();
            let plan = plan_of(Method::Files, &files).unwrap();
            let parts: Vec<Vec<usize>> = (0..count).map(|index| plan.part(index, count)).collect();
            let mut all: Vec<usize> = parts.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
            let load = |part: &Vec<usize>| part.iter().map(|unit| plan.units()[*unit].size() + 4096).sum::<u64>();
            let loads: Vec<u64> = parts.iter().map(load).collect();
            let largest = sizes.iter().max().unwrap() + 4096;
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= largest);
        }
    }
}
