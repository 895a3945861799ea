use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{Cancel, Error, HashPlan, Model, hash_units};
use serde_json::{Value, json};

use super::{output_outside, plan_json, print_output, read_plan, unusable_plan};
use crate::cli::args::{HashArgs, Share};
use crate::cli::failure::{Failure, Named, Task};
use crate::cli::output::{Report, Terminal};
use crate::cli::output_file::Kind;
use crate::cli::progress::Progress;
use crate::cli::text::{GOOD, count, row};

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

fn hash_failure(error: Error, args: &HashArgs) -> Failure {
    if let Error::HashPlan(error) = &error {
        return unusable_plan(&args.plan, error);
    }
    let named = Named { model: &args.model, bundle: &args.plan, is_strict: false };
    let failure = Task::Signing.failure(error, &named);
    if failure.code.starts_with("symlink") {
        return failure
            .help("a plan says what is done with links: make it anew, with or without --allow-symlinks");
    }
    failure
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
