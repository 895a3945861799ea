use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Caveat, Certificate, CertifiedSigner, Escaped, KeylessSigner, LogRecord, Model, ProvedTime,
    Unlisted, Unsigned, UnsignedReason, VerifiedModel, VerifiedSigner, VerifyOptions,
};
use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::failure::{Failure, Named, Task};
use super::inputs::{default_bundle_path, ignore_paths, read_signature, warn_of_absent};
use super::output::{Report, Terminal};
use super::progress::Progress;
use super::shapes::{log_entries_json, method, model_json, signer_json, times_json, unsigned_json};
use super::text::{GOOD, WARN, amount, how, row, shown, slash, validity};
use super::tree::{self, Node};
use super::trust;
use super::trusted_root::print_root;

pub(crate) struct VerifyReport {
    model: PathBuf,
    bundle: PathBuf,
    verified: VerifiedModel,
    tree: Option<Node>,
}

pub(crate) fn run(args: &VerifyArgs, terminal: Terminal, cancel: &Cancel) -> Result<VerifyReport, Failure> {
    args.check_signer_options()?;
    let trust = trust::trust(&args.trust, cancel)?;
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
        // What is attested is attested of that.
        model_digest: args.tree,
        ..VerifyOptions::default()
    };
    warn_of_absent(terminal, &options.ignore, &model);
    let verified = {
        let progress = Progress::new(terminal, cancel);
        modelseal::verify(&model, bundle, &trust, &options, &progress)
    };
    let named = Named { model: &args.model, bundle: &bundle_path, is_strict: args.strict };
    let verified = verified.map_err(|error| Task::Verifying.failure(error, &named))?;
    let tree = args.tree.then(|| {
        let beside = modelseal::bundles_beside(&model, &[], cancel)
            .map_err(|error| Task::Verifying.failure(error, &named))?;
        Ok(tree::of_trust(&shown(&args.model), &verified, &beside, &trust))
    });
    let tree = tree.transpose()?;
    Ok(VerifyReport { model: args.model.clone(), bundle: bundle_path, verified, tree })
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
            "model": model_json(Some(&self.model), statement.manifest(), self.verified.model_digest(), Some(self.verified.size())),
            "signature": {
                "path": self.bundle.to_string_lossy(),
                "method": method(statement.signer()),
                "signer": signer_json(statement.signer()),
                "subject_name": statement.subject_name(),
                "times": times_json(statement.times()),
                "log_entries": log_entries_json(statement.log_entries()),
            },
            "not_proved": not_proved.collect::<Vec<_>>(),
            "not_signed": unsigned_json(self.verified.unsigned()),
            "links": links.collect::<Vec<_>>(),
            "copy": self.verified.copy().map(Path::to_string_lossy),
            "tree": self.tree.as_ref().map(Node::json),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let statement = self.verified.statement();
        let manifest = statement.manifest();
        let files = amount(manifest.files().len(), self.verified.size());
        row(out, GOOD, "Verified", format_args!("{}: {files}, {}", shown(&self.model), how(manifest)))?;
        match statement.signer() {
            VerifiedSigner::Certificate(signer) => print_certified(out, signer)?,
            VerifiedSigner::Sigstore(signer) => print_keyless(out, signer)?,
            signer => row(out, GOOD, "Signer", signer)?,
        }
        print_evidence(out, statement.times(), statement.log_entries())?;
        if let Some(digest) = self.verified.model_digest() {
            row(out, GOOD, "Model", digest)?;
        }
        row(out, GOOD, "Root", manifest.root_digest())?;
        for caveat in statement.caveats() {
            if let (Caveat::RevocationNotChecked, VerifiedSigner::Certificate(signer)) =
                (caveat, statement.signer())
            {
                print_unlisted(out, signer)?;
                continue;
            }
            row(out, WARN, if caveat.is_unproved() { "Not proved" } else { "Note" }, caveat)?;
        }
        for unsigned in self.verified.unsigned() {
            row(out, WARN, "Not signed", unsigned_text(unsigned))?;
        }
        for (path, target) in self.verified.links() {
            row(out, WARN, "Link", format_args!("{path} -> {target}"))?;
        }
        if let Some(copy) = self.verified.copy() {
            row(out, GOOD, "Copied to", format_args!("{} (load the model from there)", shown(copy)))?;
        }
        self.tree.as_ref().map_or(Ok(()), |tree| {
            writeln!(out)?;
            tree.print(out)
        })
    }
}

fn print_certified(out: &mut dyn Write, signer: &CertifiedSigner) -> io::Result<()> {
    let leaf = signer.leaf();
    row(out, GOOD, "Signer", leaf.subject())?;
    row(out, GOOD, "Certificate", validity(leaf))?;
    if let Ok(key) = leaf.public_key() {
        row(out, GOOD, "Key", format_args!("{} key sha256:{}", key.algorithm(), key.fingerprint()))?;
    }
    print_issuers(out, signer)?;
    row(out, GOOD, "Judged at", signer.judged_at())
}

/// A person, or a build and what the certificate says of it.
pub(crate) fn print_keyless(out: &mut dyn Write, signer: &KeylessSigner) -> io::Result<()> {
    row(out, GOOD, "Signer", signer.identity())?;
    row(out, GOOD, "Issuer", Escaped(signer.issuer()))?;
    for (claim, value) in signer.claims().iter().filter(|(claim, _)| claim.is_of_source()) {
        row(out, GOOD, "Claim", format_args!("{claim} {}", Escaped(value)))?;
    }
    print_root(out, signer.trusted_root())
}

/// When it was signed, and where that stands.
pub(crate) fn print_evidence(
    out: &mut dyn Write,
    times: &[ProvedTime],
    log_entries: &[LogRecord],
) -> io::Result<()> {
    for time in times {
        row(out, GOOD, "Signed at", time)?;
    }
    for entry in log_entries.iter().filter(|entry| entry.log.is_some()) {
        let log = entry.log.as_deref().unwrap_or_default();
        row(out, GOOD, "Log entry", format_args!("{} in {}", entry.log_index, Escaped(log)))?;
    }
    Ok(())
}

fn print_unlisted(out: &mut dyn Write, signer: &CertifiedSigner) -> io::Result<()> {
    let subjects: Vec<String> = signer.unlisted().iter().map(Certificate::subject).collect();
    let subjects = subjects.join("; ");
    row(
        out,
        WARN,
        "Not proved",
        format_args!("that no certificate was revoked: no list (--crl) speaks of {subjects}"),
    )
}

fn print_issuers(out: &mut dyn Write, signer: &CertifiedSigner) -> io::Result<()> {
    let leaf = signer.leaf();
    if let Some((anchor, intermediates)) = signer.issuers().split_last() {
        for issuer in intermediates {
            row(out, GOOD, "Issuer", format_args!("{}, until {}", issuer.subject(), issuer.not_after()))?;
        }
        let (subject, not_after) = (anchor.subject(), anchor.not_after());
        return row(
            out,
            GOOD,
            "Anchor",
            format_args!("{subject}, until {not_after}, sha256:{}", anchor.fingerprint()),
        );
    }
    if !leaf.is_self_issued() {
        row(out, WARN, "Issuer", format_args!("{} (by its own word: not verified)", leaf.issuer()))?;
    }
    let fingerprint = leaf.fingerprint();
    row(out, GOOD, "Anchor", format_args!("this very certificate, which you named, sha256:{fingerprint}"))
}

pub(crate) fn unsigned_text(unsigned: &Unsigned) -> String {
    let reason = match unsigned.reason {
        UnsignedReason::Evidence => "carries signatures",
        UnsignedReason::IgnoredBySigner => "left out by the signer",
        UnsignedReason::IgnoredByDefault => "left out by default",
        UnsignedReason::IgnoredByCaller => "left out by --ignore",
        UnsignedReason::Tolerated => "unknown to the signer",
    };
    format!("{}{} ({reason})", unsigned.path, slash(unsigned.kind))
}
