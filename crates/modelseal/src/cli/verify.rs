use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{Cancel, Model, Trust, Unlisted, Unsigned, UnsignedReason, VerifiedModel, VerifyOptions};
use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::failure::{Failure, Named, Task};
use super::inputs::{default_bundle_path, ignore_paths, read_public_key, read_signature, warn_of_absent};
use super::output::{Report, Terminal};
use super::progress::Progress;
use super::shapes::{model_json, signer_json, unsigned_json};
use super::text::{GOOD, WARN, amount, how, row, shown, slash};

pub(crate) struct VerifyReport {
    model: PathBuf,
    bundle: PathBuf,
    verified: VerifiedModel,
}

pub(crate) fn run(args: &VerifyArgs, terminal: Terminal, cancel: &Cancel) -> Result<VerifyReport, Failure> {
    let trust = Trust::Key(read_public_key(&args.key, cancel)?);
    let model = Model::open(&args.model).map_err(|error| Task::Verifying.disk(&error))?;
    let bundle_path = args.signature.clone().unwrap_or_else(|| default_bundle_path(&args.model, &model));
    let bundle = read_signature(&bundle_path, args.signature.is_some())?;
    let options = VerifyOptions {
        bundle_path: Some(&bundle_path),
        ignore: ignore_paths(&args.ignore, &model)?,
        unlisted: if args.ignore_unsigned_files { Unlisted::Report } else { Unlisted::Refuse },
        strict: args.strict,
        copy_to: args.into.as_deref(),
        jobs: args.jobs.unwrap_or_else(modelseal::default_jobs),
        ..VerifyOptions::default()
    };
    warn_of_absent(terminal, &options.ignore, &model);
    let verified = {
        let progress = Progress::new(terminal, cancel);
        modelseal::verify(&model, bundle, &trust, &options, &progress)
    };
    let named = Named { model: &args.model, bundle: &bundle_path, is_strict: args.strict };
    let verified = verified.map_err(|error| Task::Verifying.failure(error, &named))?;
    Ok(VerifyReport { model: args.model.clone(), bundle: bundle_path, verified })
}

impl Report for VerifyReport {
    fn json(&self) -> Value {
        let statement = self.verified.statement();
        let links = self
            .verified
            .links()
            .iter()
            .map(|(path, target)| json!({ "path": path.as_str(), "target": target }));
        let not_proved =
            statement.caveats().iter().map(|c| json!({ "code": c.code(), "message": c.to_string() }));
        json!({
            "outcome": "verified",
            "model": model_json(&self.model, statement.manifest(), self.verified.model_digest(), self.verified.size()),
            "signature": {
                "path": self.bundle.to_string_lossy(),
                "method": "key",
                "signer": signer_json(statement.signer()),
                "subject_name": statement.subject_name(),
            },
            "not_proved": not_proved.collect::<Vec<_>>(),
            "not_signed": unsigned_json(self.verified.unsigned()),
            "links": links.collect::<Vec<_>>(),
            "copy": self.verified.copy().map(Path::to_string_lossy),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let statement = self.verified.statement();
        let manifest = statement.manifest();
        let files = amount(manifest.files().len(), self.verified.size());
        row(out, GOOD, "Verified", format_args!("{}: {files}, {}", shown(&self.model), how(manifest)))?;
        row(out, GOOD, "Signer", statement.signer())?;
        if let Some(digest) = self.verified.model_digest() {
            row(out, GOOD, "Model", digest)?;
        }
        row(out, GOOD, "Root", manifest.root_digest())?;
        for caveat in statement.caveats() {
            row(out, WARN, if caveat.is_unproved() { "Not proved" } else { "Note" }, caveat)?;
        }
        for unsigned in self.verified.unsigned() {
            row(out, WARN, "Not signed", unsigned_text(unsigned))?;
        }
        for (path, target) in self.verified.links() {
            row(out, WARN, "Link", format_args!("{path} -> {target}"))?;
        }
        match self.verified.copy() {
            Some(copy) => {
                row(out, GOOD, "Copied to", format_args!("{} (load the model from there)", shown(copy)))
            }
            None => Ok(()),
        }
    }
}

fn unsigned_text(unsigned: &Unsigned) -> String {
    let reason = match unsigned.reason {
        UnsignedReason::Evidence => "carries signatures",
        UnsignedReason::IgnoredBySigner => "left out by the signer",
        UnsignedReason::IgnoredByDefault => "left out by default",
        UnsignedReason::IgnoredByCaller => "left out by --ignore",
        UnsignedReason::Tolerated => "unknown to the signer",
    };
    format!("{}{} ({reason})", unsigned.path, slash(unsigned.kind))
}
