use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{Cancel, MergeError, Statement};
use modelseal_disk::read_named;
use serde_json::{Value, json};

use super::{print_output, read_plan};
use crate::cli::args::MergeArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Report;
use crate::cli::output_file::{Kind, OutputFile};
use crate::cli::shapes::model_json;
use crate::cli::text::{GOOD, count, how, row, shown};

/// Of one worker: lines are a few hundred bytes, and there are half a million at most.
const MAX_PART_BYTES: u64 = 512 * 1024 * 1024;

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
