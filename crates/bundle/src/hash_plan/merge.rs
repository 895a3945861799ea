//! What workers write of a plan, and what it comes to.

use std::fmt::{self, Display};

use modelseal_manifest::{ContentDigest, DigestError, Escaped, Manifest, Resource, ResourceName};
use serde::{Deserialize, Serialize};

use super::HashPlan;
use crate::json::{self, Object};
use crate::{JsonError, Statement};

/// What a worker found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HashedUnit {
    /// The number of the unit in the plan, from 0.
    pub unit: usize,
    /// Its digest.
    pub digest: ContentDigest,
}

impl HashPlan {
    /// The most bytes of a line that a worker writes: 64 KiB.
    pub const MAX_LINE: u64 = 64 * 1024;

    /// Whether bytes begin as what a worker writes, of any plan.
    pub fn is_part(bytes: &[u8]) -> bool {
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        line.len() as u64 <= Self::MAX_LINE && json::parse::<Object<WireLine>>(line, 16).is_ok()
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
        if bytes.len() as u64 > Self::MAX_LINE {
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
    #[expect(clippy::missing_panics_doc, reason = "a plan is one that makes a manifest")]
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
        let manifest = manifest.expect("the plan has the same names, and its lines digests of its kind");
        Ok(Statement::new(subject_name.clone(), manifest))
    }

    fn place(&self, part: usize, line: usize) -> Place {
        Place { part: self.parts[part].clone(), line }
    }
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
}

/// What is wrong with a worker's line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LineProblem {
    /// Longer than any line of a worker.
    #[error("has more than {} bytes", HashPlan::MAX_LINE)]
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

#[derive(Deserialize, Serialize)]
struct WireLine {
    plan: String,
    unit: usize,
    name: String,
    digest: String,
}

#[cfg(test)]
mod tests {
    use modelseal_manifest::{HashType, ManifestPath, Method, Serialization, Sha256Digest};

    use super::*;

    fn plan_of(files: &[(&str, u64)]) -> HashPlan {
        let (method, hash_type) = (Method::Files, HashType::Sha256);
        let serialization = Serialization { method, hash_type, allow_symlinks: false, ignore_paths: vec![] };
        let files = files.iter().map(|(name, size)| (ManifestPath::new(*name).unwrap(), *size));
        HashPlan::new("toy", serialization, files).unwrap()
    }

    fn plan() -> HashPlan {
        plan_of(&[("a", 1), ("b", 2), ("c", 3)])
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
        let other = plan_of(&[("a", 1), ("b", 2), ("c", 4)]);
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
        assert_eq!(problem(&"x".repeat(64 * 1024 + 1)), LineProblem::TooLong);
    }
}
