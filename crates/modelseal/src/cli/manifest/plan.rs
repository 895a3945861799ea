use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{Cancel, Error, IgnorePath, Model, PlannedHashing, plan_hashing};
use serde_json::{Value, json};

use super::{output_outside, plan_json, print_output};
use crate::cli::args::PlanArgs;
use crate::cli::failure::{Exit, Failure, Named, Task};
use crate::cli::inputs::{absent, warn_of_absent};
use crate::cli::output::{Report, Terminal};
use crate::cli::output_file::Kind;
use crate::cli::sign::{ignored_json, print_ignored, warn_of_findings, warnings_json};
use crate::cli::text::{GOOD, amount, count, row, shown};

pub(crate) struct PlanReport {
    model: PathBuf,
    planned: PlannedHashing,
    absent: Vec<IgnorePath>,
    output: Option<PathBuf>,
}

pub(crate) fn plan(args: &PlanArgs, terminal: Terminal, cancel: &Cancel) -> Result<PlanReport, Failure> {
    let model = Model::open(&args.model).map_err(|error| Task::Signing.disk(&error))?;
    let output = output_outside(&args.output, Kind::Plan, args.force, &model)?;
    let coverage = args.serialization.coverage(&model)?;
    warn_of_absent(terminal, &coverage.ignore, &model);
    let absent = absent(&coverage.ignore, &model);
    let (method, hash_type) = (args.serialization.method(), args.serialization.hash_type());
    let planned = plan_hashing(&model, &coverage, method, hash_type, cancel);
    let planned = planned.map_err(|error| plan_failure(error, args))?;
    warn_of_findings(terminal, &planned.findings);
    output.write(&planned.plan.to_bytes())?;
    let output = output.path().map(Path::to_owned);
    Ok(PlanReport { model: args.model.clone(), planned, absent, output })
}

fn plan_failure(error: Error, args: &PlanArgs) -> Failure {
    let Error::HashPlan(error) = error else {
        let named = Named { model: &args.model, bundle: &args.model, is_strict: false };
        return Task::Signing.failure(error, &named);
    };
    Failure::new(Exit::Usage, "too-large", format!("{}: {error}", shown(&args.model)))
        .help("choose larger shards, leave --shard-size out, or split the model")
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
            "warnings": warnings_json(findings, &self.absent),
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
