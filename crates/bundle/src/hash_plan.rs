//! A model's digests, made by several machines (`spec/hash-plan.md`): the plan, the
//! lines that workers write, and what they come to.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt::{self, Display};

use modelseal_manifest::{
    ByteRange, ContentDigest, DigestError, Escaped, Manifest, ManifestError, ManifestPath, Method, NameError,
    Resource, ResourceName, Serialization, Sha256Digest,
};
use serde::{Deserialize, Serialize};

use crate::json::{self, Object};
use crate::statement::{WireSerialization, serialization, written_serialization};
use crate::{JsonError, MAX_BUNDLE_BYTES, MAX_RESOURCES, Statement, StatementError};

/// The version that is written and read.
const VERSION: u64 = 1;
/// Three for each unit.
const MAX_VALUES: usize = 6 * MAX_RESOURCES;
/// In base64, what is signed has to fit into a bundle.
const MAX_STATEMENT_BYTES: u64 = MAX_BUNDLE_BYTES / 4 * 3 - 64 * 1024;
/// Of one line that a worker writes.
const MAX_LINE: usize = 64 * 1024;

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

/// What a worker found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HashedUnit {
    /// The number of the unit in the plan, from 0.
    pub unit: usize,
    /// Its digest.
    pub digest: ContentDigest,
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
        let bytes = plan.to_bytes();
        let largest = plan.statement_size().max(bytes.len()) as u64;
        if largest > MAX_STATEMENT_BYTES {
            return Err(HashPlanError::TooLarge { found: largest, limit: MAX_STATEMENT_BYTES });
        }
        Self::parse(&bytes)
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
        Manifest::new(serialization.clone(), resources)?.check_possible()?;
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

    /// About how many bytes the payload will have.
    fn statement_size(&self) -> usize {
        const REST_OF_A_RESOURCE: usize = 60;
        let digest = 2 * self.serialization.hash_type.digest_len();
        let names = self.units.iter().map(|unit| unit.name.to_wire().len());
        names.map(|name| name + digest + REST_OF_A_RESOURCE).sum()
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

    /// Whether bytes begin as what a worker writes, of any plan.
    pub fn is_part(bytes: &[u8]) -> bool {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        line.len() <= MAX_LINE && json::parse::<Object<WireLine>>(line, 16).is_ok()
    }

    /// What a worker writes of a unit: a line of JSON.
    ///
    /// # Panics
    /// When the plan has no such unit.
    pub fn line(&self, hashed: &HashedUnit) -> String {
        let line = WireLine {
            plan: format!("sha256:{}", self.digest),
            unit: hashed.unit,
            name: self.units[hashed.unit].name.to_wire(),
            digest: hashed.digest.to_string(),
        };
        serde_json::to_string(&line).expect("strings and numbers always serialize")
    }

    /// Joins what all workers wrote.
    pub fn merge(&self) -> Merge<'_> {
        Merge { plan: self, found: vec![None; self.units.len()], parts: vec![] }
    }

    fn read_line(&self, bytes: &[u8]) -> Result<HashedUnit, LineProblem> {
        if bytes.len() > MAX_LINE {
            return Err(LineProblem::TooLong);
        }
        let Object(line) = json::parse::<Object<WireLine>>(bytes, 16)?;
        let expected = format!("sha256:{}", self.digest);
        if line.plan != expected {
            return Err(LineProblem::OtherPlan { expected, found: line.plan });
        }
        let unit = self.units.get(line.unit);
        let unit = unit.ok_or(LineProblem::NoSuchUnit { found: line.unit, units: self.units.len() })?;
        let expected = unit.name.to_wire();
        if line.name != expected {
            return Err(LineProblem::OtherName { unit: line.unit, expected, found: line.name });
        }
        let hash_type = self.serialization.hash_type;
        let hex = line.digest.strip_prefix(hash_type.as_str()).and_then(|rest| rest.strip_prefix(':'));
        let hex = hex.ok_or_else(|| LineProblem::Algorithm {
            expected: hash_type.as_str(),
            found: line.digest.clone(),
        })?;
        let digest = ContentDigest::from_hex(hash_type, hex).map_err(LineProblem::Digest)?;
        Ok(HashedUnit { unit: line.unit, digest })
    }
}

/// What workers wrote of a plan, joined as it comes.
#[derive(Debug)]
pub struct Merge<'p> {
    plan: &'p HashPlan,
    /// Of each unit its digest, in which part it stands, and on which line.
    found: Vec<Option<(ContentDigest, usize, usize)>>,
    parts: Vec<String>,
}

impl Merge<'_> {
    /// Adds what one worker wrote, under the name by which errors tell it.
    ///
    /// # Errors
    /// [`MergeError`]: a line of something else, a unit twice, two digests of one.
    pub fn add(&mut self, part: &str, lines: &[u8]) -> Result<(), MergeError> {
        self.parts.push(part.to_owned());
        if lines.is_empty() {
            return Ok(());
        }
        let number = self.parts.len() - 1;
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines).split(|byte| *byte == b'\n');
        for (at, line) in (1..).zip(lines) {
            let place = || self.place(number, at);
            let HashedUnit { unit, digest } =
                self.plan.read_line(line).map_err(|problem| MergeError::Line { place: place(), problem })?;
            if let Some((other, part, line)) = &self.found[unit] {
                let name = self.plan.units[unit].name.clone();
                let (first, second) = (self.place(*part, *line), place());
                return Err(if *other == digest {
                    MergeError::Duplicate { name, first, second }
                } else {
                    MergeError::Conflict { name, first, second }
                });
            }
            self.found[unit] = Some((digest, number, at));
        }
        Ok(())
    }

    /// The statement that all of it comes to.
    ///
    /// # Errors
    /// [`MergeError::Missing`].
    pub fn finish(self) -> Result<Statement, MergeError> {
        let missing = self.found.iter().filter(|found| found.is_none()).count();
        let HashPlan { subject_name, serialization, units, .. } = self.plan;
        if let Some(unit) = self.found.iter().position(Option::is_none) {
            let name = units[unit].name.clone();
            return Err(MergeError::Missing { count: missing, of: units.len(), unit, name });
        }
        let digests = self.found.into_iter().flatten().map(|(digest, ..)| digest);
        let resources = units.iter().zip(digests);
        let resources = resources.map(|(unit, digest)| Resource { name: unit.name.clone(), digest });
        let manifest = Manifest::new(serialization.clone(), resources.collect());
        Ok(Statement::new(subject_name.clone(), manifest.map_err(MergeError::Manifest)?))
    }

    fn place(&self, part: usize, line: usize) -> Place {
        Place { part: self.parts[part].clone(), line }
    }
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
        match name.range {
            Some(range) if range.len() != self.size => {
                Err(HashPlanError::Size { name, expected: range.len(), found: self.size })
            }
            _ => Ok(Unit { name, file_size: self.size }),
        }
    }
}

#[derive(Deserialize, Serialize)]
struct WireLine {
    plan: String,
    unit: usize,
    name: String,
    digest: String,
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
    /// A plan, or what it would come to, that readers would refuse.
    #[error("the plan, or its signature, would have {found} bytes, and at most {limit} are read")]
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

/// Where a worker's line stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The name of the part.
    pub part: String,
    /// Counted from 1.
    pub line: usize,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", Escaped(&self.part), self.line)
    }
}

/// Why parts make no manifest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A line that says nothing of a unit of this plan.
    #[error("{place}: {problem}")]
    Line {
        /// Where.
        place: Place,
        /// What is wrong with it.
        problem: LineProblem,
    },
    /// A unit that two lines say the same of.
    #[error("\"{name}\" is hashed twice, in {first} and in {second}")]
    Duplicate {
        /// The unit.
        name: ResourceName,
        /// The first line.
        first: Place,
        /// The other.
        second: Place,
    },
    /// A unit that two lines contradict each other about.
    #[error("\"{name}\" has one digest in {first} and another in {second}")]
    Conflict {
        /// The unit.
        name: ResourceName,
        /// The first line.
        first: Place,
        /// The other.
        second: Place,
    },
    /// Units that no line speaks of.
    #[error("{count} of {of} units are not hashed, the first of them is unit {unit}, \"{name}\"")]
    Missing {
        /// How many.
        count: usize,
        /// How many the plan has.
        of: usize,
        /// The number of the first.
        unit: usize,
        /// Its name.
        name: ResourceName,
    },
    /// The digests make no manifest.
    #[error(transparent)]
    Manifest(ManifestError),
}

/// What is wrong with a worker's line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// Longer than any line of a worker.
    #[error("has more than {MAX_LINE} bytes")]
    TooLong,
    /// Not JSON, or not that of a worker.
    #[error("is no line of a worker: {0}")]
    Json(#[from] JsonError),
    /// It was hashed after another plan.
    #[error("is of the plan {}, expected {expected}", Escaped(found))]
    OtherPlan {
        /// The digest of this plan.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A number beyond the plan.
    #[error("is of unit {found}, and the plan has {units}, counted from 0")]
    NoSuchUnit {
        /// What stands there.
        found: usize,
        /// How many there are.
        units: usize,
    },
    /// The number of one unit with the name of another.
    #[error("calls unit {unit} \"{}\", expected \"{}\"", Escaped(found), Escaped(expected))]
    OtherName {
        /// The number.
        unit: usize,
        /// The name in the plan.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Another hash function.
    #[error("its digest is \"{}\", expected {expected}:…", Escaped(found))]
    Algorithm {
        /// That of the plan.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// No digest.
    #[error(transparent)]
    Digest(DigestError),
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

    fn plan() -> HashPlan {
        plan_of(Method::Files, &[("a", 1), ("b", 2), ("c", 3)]).unwrap()
    }

    /// The digest of a unit is that of its name here.
    fn hashed(plan: &HashPlan, unit: usize) -> HashedUnit {
        let name = plan.units()[unit].name.to_wire();
        HashedUnit { unit, digest: ContentDigest::Sha256(Sha256Digest::of(name.as_bytes())) }
    }

    fn part(plan: &HashPlan, units: &[usize]) -> String {
        units.iter().map(|unit| plan.line(&hashed(plan, *unit)) + "\n").collect()
    }

    fn merge(plan: &HashPlan, parts: &[(&str, &str)]) -> Result<Statement, MergeError> {
        let mut merge = plan.merge();
        for (name, part) in parts {
            merge.add(name, part.as_bytes())?;
        }
        merge.finish()
    }

    fn problem(line: &str) -> LineProblem {
        let plan = plan();
        match merge(&plan, &[("one", &part(&plan, &[0])), ("two", &format!("{}{line}\n", part(&plan, &[1])))])
        {
            Err(MergeError::Line { place, problem }) => {
                assert_eq!(place, Place { part: "two".to_owned(), line: 2 });
                problem
            }
            other => panic!("{other:?}"),
        }
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
        let large = plan_of(shards(1), &[(&long, 400_000)]);
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

    #[test]
    fn any_split_comes_to_the_same_statement() {
        let plan = plan();
        let whole = merge(&plan, &[("all", &part(&plan, &[0, 1, 2]))]).unwrap();
        assert_eq!(merge(&plan, &[("x", &part(&plan, &[2])), ("y", &part(&plan, &[1, 0]))]).unwrap(), whole);
        assert_eq!(merge(&plan, &[("x", &part(&plan, &[2, 1, 0])), ("y", "")]).unwrap(), whole);
        assert_eq!((whole.subject_name(), whole.manifest().resources().len()), ("toy", 3));
    }

    #[test]
    fn units_that_are_missing_or_said_twice_are_refused() {
        let plan = plan();
        let [zero, both] = [part(&plan, &[0]), part(&plan, &[0, 2])];
        match merge(&plan, &[("one", &zero)]) {
            Err(MergeError::Missing { count: 2, of: 3, unit: 1, .. }) => {}
            other => panic!("{other:?}"),
        }
        let twice = merge(&plan, &[("one", &both), ("two", &zero)]).unwrap_err();
        assert_eq!(twice.to_string(), "\"a\" is hashed twice, in one, line 1 and in two, line 1");
        let other = HashedUnit { unit: 0, ..hashed(&plan, 1) };
        let conflict = merge(&plan, &[("one", &both), ("two", &plan.line(&other))]).unwrap_err();
        assert_eq!(conflict.to_string(), "\"a\" has one digest in one, line 1 and another in two, line 1");
    }

    #[test]
    fn a_line_that_is_not_of_this_plan_is_refused() {
        let plan = plan();
        let other = plan_of(Method::Files, &[("a", 1), ("b", 2), ("c", 4)]).unwrap();
        assert!(matches!(problem(&part(&other, &[2])), LineProblem::OtherPlan { .. }));
        let line = part(&plan, &[2]);
        let line = line.trim_end();
        let with = |from: &str, to: &str| {
            let changed = line.replacen(from, to, 1);
            assert_ne!(changed, line);
            problem(&changed)
        };
        assert_eq!(with("\"unit\":2", "\"unit\":3"), LineProblem::NoSuchUnit { found: 3, units: 3 });
        assert!(matches!(with("\"unit\":2", "\"unit\":0"), LineProblem::OtherName { unit: 0, .. }));
        assert!(matches!(with("\"digest\":\"sha256", "\"digest\":\"blake3"), LineProblem::Algorithm { .. }));
        assert!(matches!(with("\"digest\":\"sha256:", "\"digest\":\"sha256:0"), LineProblem::Digest(_)));
        assert!(matches!(with("{", "{\"unit\":2,"), LineProblem::Json(_)));
        assert!(matches!(problem(""), LineProblem::Json(_)));
        assert_eq!(problem(&"x".repeat(MAX_LINE + 1)), LineProblem::TooLong);
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
