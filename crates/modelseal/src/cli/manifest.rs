//! Hashing a model on several machines: the plan, one worker's part, and all parts joined.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Error, HashPlan, HashPlanError, MAX_BUNDLE_BYTES, MergeError, Model, PlannedHashing, Statement,
    hash_units, plan_hashing,
};
use modelseal_disk::read_named;
use serde_json::{Value, json};

use super::args::{HashArgs, MergeArgs, PlanArgs, Share};
use super::failure::{Exit, Failure, Named, Task};
use super::inputs::warn_of_absent;
use super::output::{Report, Terminal};
use super::output_file::{Kind, OutputFile};
use super::progress::Progress;
use super::shapes::model_json;
use super::sign::{ignored_json, print_ignored, warn_of_findings, warnings_json};
use super::text::{GOOD, amount, count, how, row, shown};

/// Of one worker: lines are a few hundred bytes, and there are half a million at most.
const MAX_PART_BYTES: u64 = 512 * 1024 * 1024;

pub(crate) struct PlanReport {
    model: PathBuf,
    planned: PlannedHashing,
    output: Option<PathBuf>,
}

pub(crate) fn plan(args: &PlanArgs, terminal: Terminal, cancel: &Cancel) -> Result<PlanReport, Failure> {
    let model = Model::open(&args.model).map_err(|error| Task::Signing.disk(&error))?;
    let output = output_outside(&args.output, Kind::Plan, args.force, &model)?;
    let coverage = args.serialization.coverage(&model)?;
    warn_of_absent(terminal, &coverage.ignore, &model);
    let (method, hash_type) = (args.serialization.method(), args.serialization.hash_type());
    let planned =
        plan_hashing(&model, &coverage, method, hash_type, cancel).map_err(|error| match error {
            Error::HashPlan(error) => {
                let message = format!("{}: {error}", shown(&args.model));
                Failure::new(Exit::Usage, "too-large", message).help("choose larger shards")
            }
            error => Task::Signing
                .failure(error, &Named { model: &args.model, bundle: &args.model, is_strict: false }),
        })?;
    warn_of_findings(terminal, &planned.findings);
    output.write(&planned.plan.to_bytes())?;
    let output = output.path().map(Path::to_owned);
    Ok(PlanReport { model: args.model.clone(), planned, output })
}

pub(crate) struct HashReport {
    plan: HashPlan,
    units: Vec<usize>,
    output: Option<PathBuf>,
}

pub(crate) fn hash(args: &HashArgs, terminal: Terminal, cancel: &Cancel) -> Result<HashReport, Failure> {
    let plan = read_plan(&args.plan, cancel)?;
    let model = Model::open(&args.model).map_err(|error| Task::Signing.disk(&error))?;
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let output = output_outside(output, Kind::Part, args.force, &model)?;
    let units = match (&args.part, &args.units) {
        (Some(Share { index, count }), _) => plan.part(*index, *count),
        (None, units) => units.as_ref().map_or(vec![], |units| units.numbers(plan.units().len())),
    };
    let hashed = {
        let progress = Progress::new(terminal, cancel);
        hash_units(&model, &plan, &units, args.jobs.get(), &progress)
    };
    let hashed = hashed.map_err(|error| hash_failure(error, args))?;
    let lines: String = hashed.iter().map(|hashed| plan.line(hashed) + "\n").collect();
    output.write(lines.as_bytes())?;
    let output = output.path().map(Path::to_owned);
    Ok(HashReport { plan, units, output })
}

fn output_outside<'a>(
    path: &'a Path,
    kind: Kind,
    force: bool,
    model: &Model,
) -> Result<OutputFile<'a>, Failure> {
    if path != Path::new("-") && model.contains(path) {
        let message = format!("{}: lies in the model, of which it would be a part", shown(path));
        return Err(Failure::new(Exit::Usage, "usage", message).help("-o FILE writes it elsewhere"));
    }
    OutputFile::open(path, kind, force)
}

fn hash_failure(error: Error, args: &HashArgs) -> Failure {
    if let Error::HashPlan(error) = &error {
        return plan_failure(&args.plan, error);
    }
    let named = Named { model: &args.model, bundle: &args.plan, is_strict: false };
    let failure = Task::Signing.failure(error, &named);
    if failure.code.starts_with("symlink") {
        return failure
            .help("a plan says what is done with links: make it anew, with or without --allow-symlinks");
    }
    failure
}

pub(crate) struct MergeReport {
    statement: Statement,
    parts: usize,
    output: Option<PathBuf>,
}

pub(crate) fn merge(args: &MergeArgs, cancel: &Cancel) -> Result<MergeReport, Failure> {
    let plan = read_plan(&args.plan, cancel)?;
    let output = OutputFile::open(&args.output, Kind::Manifest, args.force)?;
    let mut merge = plan.merge();
    for path in &args.parts {
        let bytes = read_named(path, MAX_PART_BYTES, cancel).map_err(|error| Failure::input(&error))?;
        merge.add(&path.to_string_lossy(), &bytes).map_err(|error| merge_failure(&args.plan, &error))?;
    }
    let statement = merge.finish().map_err(|error| merge_failure(&args.plan, &error))?;
    output.write(&statement.to_payload())?;
    let output = output.path().map(Path::to_owned);
    Ok(MergeReport { statement, parts: args.parts.len(), output })
}

fn merge_failure(plan: &Path, error: &MergeError) -> Failure {
    match error {
        MergeError::Missing { .. } => {
            Failure::new(Exit::Usage, "hash-part", format!("{}: {error}", shown(plan))).help(
                "name what every worker wrote; modelseal manifest hash --units N hashes what is missing",
            )
        }
        MergeError::Duplicate { .. } => {
            Failure::new(Exit::Usage, "hash-part", error.to_string()).help("name each worker's lines once")
        }
        MergeError::Conflict { .. } => Failure::new(Exit::Usage, "hash-part", error.to_string())
            .help("a worker read other bytes: make the plan anew, and hash all of it again"),
        error => Failure::new(Exit::Usage, "hash-part", error.to_string())
            .help("name what modelseal manifest hash wrote of this very plan"),
    }
}

fn read_plan(path: &Path, cancel: &Cancel) -> Result<HashPlan, Failure> {
    let bytes = read_named(path, MAX_BUNDLE_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    HashPlan::parse(&bytes).map_err(|error| plan_failure(path, &error))
}

fn plan_failure(path: &Path, error: &HashPlanError) -> Failure {
    Failure::new(Exit::Usage, "hash-plan", format!("{}: {error}", shown(path)))
        .help("name what modelseal manifest plan wrote, and units that it has")
}

impl Report for PlanReport {
    fn json(&self) -> Value {
        let PlannedHashing { plan, inventory, findings } = &self.planned;
        let mut of_plan = plan_json(plan);
        of_plan["path"] = json!(self.output.as_ref().map(|path| path.to_string_lossy()));
        json!({
            "outcome": "success",
            "model": self.model.to_string_lossy(),
            "plan": of_plan,
            "bytes": inventory.total_size(),
            "ignored": ignored_json(&inventory.ignored),
            "warnings": warnings_json(findings, &[]),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let PlannedHashing { plan, inventory, .. } = &self.planned;
        let files = amount(inventory.files.len(), inventory.total_size());
        let units = count(plan.units().len(), "unit", "units");
        row(out, GOOD, "Planned", format_args!("{}: {files} in {units}", shown(&self.model)))?;
        print_ignored(out, &inventory.ignored)?;
        print_output(out, "Plan", self.output.as_deref())
    }
}

impl Report for HashReport {
    fn json(&self) -> Value {
        let size = |unit: &usize| self.plan.units()[*unit].size();
        json!({
            "outcome": "success",
            "plan": plan_json(&self.plan),
            "hashed": self.units.len(),
            "bytes": self.units.iter().map(size).fold(0, u64::saturating_add),
            "output": self.output.as_ref().map(|path| path.to_string_lossy()),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let hashed = format!("{} of {}", self.units.len(), count(self.plan.units().len(), "unit", "units"));
        row(out, GOOD, "Hashed", hashed)?;
        print_output(out, "Part", self.output.as_deref())
    }
}

impl Report for MergeReport {
    fn json(&self) -> Value {
        let manifest = self.statement.manifest();
        json!({
            "outcome": "success",
            "model": model_json(None, manifest, manifest.model_digest(), None),
            "parts": self.parts,
            "output": self.output.as_ref().map(|path| path.to_string_lossy()),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let manifest = self.statement.manifest();
        let (files, parts) =
            (count(manifest.files().len(), "file", "files"), count(self.parts, "part", "parts"));
        row(out, GOOD, "Merged", format_args!("{parts}: {files}, {}", how(manifest)))?;
        if let Some(digest) = manifest.model_digest() {
            row(out, GOOD, "Model", digest)?;
        }
        row(out, GOOD, "Root", manifest.root_digest())?;
        print_output(out, "Manifest", self.output.as_deref())
    }
}

fn plan_json(plan: &HashPlan) -> Value {
    json!({ "digest": format!("sha256:{}", plan.digest()), "units": plan.units().len() })
}

fn print_output(out: &mut dyn Write, word: &str, path: Option<&Path>) -> io::Result<()> {
    row(out, GOOD, word, path.map_or_else(|| "(standard output)".to_owned(), shown))
}
