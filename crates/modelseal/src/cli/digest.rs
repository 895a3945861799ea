use std::io::{self, Write};
use std::path::PathBuf;

use modelseal::{Cancel, DigestOptions, Digests, Model};
use serde_json::{Value, json};

use super::args::DigestArgs;
use super::failure::{Failure, Named, Task};
use super::inputs::warn_of_absent;
use super::output::{Report, Terminal};
use super::progress::Progress;
use super::text::{GOOD, amount, row};

pub(crate) struct DigestReport {
    model: PathBuf,
    digests: Digests,
}

pub(crate) fn run(args: &DigestArgs, terminal: Terminal, cancel: &Cancel) -> Result<DigestReport, Failure> {
    let model = Model::open(&args.model).map_err(|error| Task::Signing.disk(&error))?;
    let options = DigestOptions {
        coverage: args.serialization.coverage(&model)?,
        method: args.serialization.method(),
        hash_type: args.serialization.hash_type(),
        jobs: args.jobs.get(),
        ..DigestOptions::default()
    };
    warn_of_absent(terminal, &options.coverage.ignore, &model);
    let progress = Progress::new(terminal, cancel);
    let digests = modelseal::digest(&model, &options, &progress).map_err(|error| {
        Task::Signing.failure(error, &Named { model: &args.model, bundle: &args.model, is_strict: false })
    })?;
    Ok(DigestReport { model: args.model.clone(), digests })
}

impl Report for DigestReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "success",
            "model": {
                "path": self.model.to_string_lossy(),
                "digest": self.digests.model.to_string(),
                "root": self.digests.root.to_string(),
                "files": self.digests.files,
                "bytes": self.digests.size,
            },
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        row(out, GOOD, "Model", self.digests.model)?;
        row(out, GOOD, "Root", self.digests.root)?;
        row(out, GOOD, "Covers", amount(self.digests.files, self.digests.size))
    }
}
