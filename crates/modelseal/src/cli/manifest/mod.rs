//! Hashing a model on several machines: the plan, one worker's part, and all parts joined.

mod hash;
mod merge;
mod plan;

use std::io::{self, Write};
use std::path::Path;

use modelseal::{Cancel, HashPlan, HashPlanError, MAX_BUNDLE_BYTES, Model};
use modelseal_disk::read_named;
use serde_json::{Value, json};

pub(crate) use self::hash::hash;
pub(crate) use self::merge::merge;
pub(crate) use self::plan::plan;

use super::failure::{Exit, Failure};
use super::output_file::{Kind, OutputFile};
use super::text::{GOOD, row, shown};

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

fn read_plan(path: &Path, cancel: &Cancel) -> Result<HashPlan, Failure> {
    let bytes = read_named(path, MAX_BUNDLE_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    HashPlan::parse(&bytes).map_err(|error| unusable_plan(path, &error))
}

fn unusable_plan(path: &Path, error: &HashPlanError) -> Failure {
    Failure::new(Exit::Usage, "hash-plan", format!("{}: {error}", shown(path)))
        .help("name what modelseal manifest plan wrote, and units that it has")
}

fn plan_json(plan: &HashPlan) -> Value {
    json!({ "digest": format!("sha256:{}", plan.digest()), "units": plan.units().len() })
}

fn print_output(out: &mut dyn Write, word: &str, path: Option<&Path>) -> io::Result<()> {
    row(out, GOOD, word, path.map_or_else(|| "(standard output)".to_owned(), shown))
}
