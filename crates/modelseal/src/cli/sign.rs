use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Caveat, Escaped, Finding, IgnorePath, Ignored, Inventory, Model, PublicKey, SignOptions, Signed,
    VerifiedSigner,
};
use modelseal_disk::{Overwrite, StagedOutput, write_output};
use serde_json::{Value, json};

use super::args::SignArgs;
use super::failure::{Exit, Failure, Named, Task};
use super::inputs::{absent, default_bundle_path, refuse_unless_signature, warn_of_absent};
use super::output::{Report, Terminal};
use super::progress::Progress;
use super::shapes::{facts_json, log_entries_json, method, model_json, times_json};
use super::signer::{self, Chosen, SignerFacts};
use super::text::{GOOD, WARN, amount, how, row, shown, slash, validity};
use super::verify::{print_evidence, print_keyless};

pub(crate) enum SignReport {
    Signed {
        model: PathBuf,
        bundle: Option<PathBuf>,
        signed: Box<Signed>,
        facts: Box<SignerFacts>,
        absent: Vec<IgnorePath>,
    },
    Planned {
        model: PathBuf,
        bundle: Option<PathBuf>,
        inventory: Box<Inventory>,
        findings: Vec<Finding>,
        absent: Vec<IgnorePath>,
    },
}

pub(crate) fn run(args: &SignArgs, terminal: Terminal, cancel: &Cancel) -> Result<SignReport, Failure> {
    let model = Model::open(&args.model).map_err(|error| Task::Signing.disk(&error))?;
    let bundle_path = bundle_path(args, &model);
    let secrets = args.signer.secret_files();
    let options = SignOptions {
        coverage: args.serialization.coverage(&model)?,
        method: args.serialization.method(),
        hash_type: args.serialization.hash_type(),
        jobs: args.serialization.jobs(),
        bundle_path: bundle_path.as_deref(),
        secret_paths: secrets.iter().map(PathBuf::as_path).collect(),
    };
    let named = Named {
        model: &args.model,
        bundle: bundle_path.as_deref().unwrap_or(Path::new("-")),
        is_strict: false,
    };
    warn_of_absent(terminal, &options.coverage.ignore, &model);
    let absent = absent(&options.coverage.ignore, &model);
    let explain = |error| Task::Signing.failure(error, &named);
    let model_path = args.model.clone();
    if args.dry_run {
        refuse_to_replace(bundle_path.as_deref(), &model, true)?;
        let plan = modelseal::plan(&model, &options, cancel).map_err(explain)?;
        warn_of_findings(terminal, &plan.findings);
        let (inventory, findings, bundle) = (Box::new(plan.inventory), plan.findings, bundle_path.clone());
        return Ok(SignReport::Planned { model: model_path, bundle, inventory, findings, absent });
    }
    refuse_to_replace(bundle_path.as_deref(), &model, args.force)?;
    probe(bundle_path.as_deref(), args.force)?;
    let plan = modelseal::plan(&model, &options, cancel).map_err(explain)?;
    warn_of_findings(terminal, &plan.findings);
    let Chosen { signer, facts } = signer::choose(&args.signer, terminal, cancel)?;
    let signed = {
        let progress = Progress::new(terminal, cancel);
        plan.sign(&*signer, &progress).map_err(explain)?
    };
    write_bundle(bundle_path.as_deref(), &signed.bundle, args.force).map_err(|failure| match facts {
        SignerFacts::Identity => {
            failure.help("what was published stays published; sign again when it can be written")
        }
        _ => failure,
    })?;
    Ok(SignReport::Signed {
        model: model_path,
        bundle: bundle_path.clone(),
        signed: Box::new(signed),
        facts: Box::new(facts),
        absent,
    })
}

/// Where the bundle goes; `None` is standard output.
fn bundle_path(args: &SignArgs, model: &Model) -> Option<PathBuf> {
    match &args.output {
        Some(path) if path == Path::new("-") => None,
        Some(path) => Some(path.clone()),
        None => Some(default_bundle_path(&args.model, model)),
    }
}

/// Found out before an hour of hashing, and again when the file is written.
fn refuse_to_replace(path: Option<&Path>, model: &Model, force: bool) -> Result<(), Failure> {
    match path {
        Some(path) if !modelseal_disk::exists(path) => match path.parent() {
            Some(parent) if parent != Path::new("") && !modelseal_disk::exists(parent) => {
                Err(Failure::input(&modelseal::DiskError::NotFound { path: shown(parent) }))
            }
            _ => Ok(()),
        },
        Some(path) if force => refuse_unless_signature(path, model),
        Some(path) => Err(exists(Failure::input(&modelseal::DiskError::Exists { path: shown(path) }))),
        None => Ok(()),
    }
}

/// What cannot be written is found out before an identity is published for it.
fn probe(path: Option<&Path>, force: bool) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let overwrite = if force { Overwrite::Replace } else { Overwrite::Refuse };
    let probed = StagedOutput::new(path, b"", 0o644, overwrite);
    probed.map(drop).map_err(|error| exists(Failure::input(&error)))
}

fn exists(failure: Failure) -> Failure {
    failure.help_if_exists("--force replaces it, -o FILE writes the signature elsewhere")
}

fn write_bundle(path: Option<&Path>, bundle: &[u8], force: bool) -> Result<(), Failure> {
    let Some(path) = path else {
        let mut out = io::stdout().lock();
        return out.write_all(bundle).and_then(|()| out.flush()).map_err(|error| {
            Failure::new(
                Exit::Undecided,
                "io",
                format!("standard output: cannot write the signature: {error}"),
            )
        });
    };
    let overwrite = if force { Overwrite::Replace } else { Overwrite::Refuse };
    write_output(path, bundle, 0o644, overwrite).map_err(|error| exists(Failure::input(&error)))
}

fn warn_of_findings(terminal: Terminal, findings: &[Finding]) {
    for finding in findings {
        terminal.warn(&format!("{}: {}; it will be signed with the model", finding.path, finding.kind));
    }
}

impl Report for SignReport {
    fn json(&self) -> Value {
        match self {
            Self::Signed { model, bundle, signed, facts, absent } => {
                let manifest = signed.verified.manifest();
                json!({
                    "outcome": "signed",
                    "model": model_json(model, manifest, signed.model_digest, signed.inventory.total_size()),
                    "signature": {
                        "path": bundle.as_ref().map(|path| path.to_string_lossy()),
                        "method": method(signed.verified.signer()),
                        "signer": facts_json(facts, signed.verified.signer()),
                        "subject_name": signed.verified.subject_name(),
                        "times": times_json(signed.verified.times()),
                        "log_entries": log_entries_json(signed.verified.log_entries()),
                    },
                    "ignored": ignored_json(&signed.inventory.ignored),
                    "warnings": warnings_json(&signed.findings, absent),
                })
            }
            Self::Planned { model, bundle, inventory, findings, absent } => json!({
                "outcome": "planned",
                "model": { "path": model.to_string_lossy(), "bytes": inventory.total_size() },
                "signature": { "path": bundle.as_ref().map(|path| path.to_string_lossy()) },
                "covered": inventory.files.iter()
                    .map(|file| json!({ "path": file.path.as_str(), "bytes": file.size() })).collect::<Vec<_>>(),
                "ignored": ignored_json(&inventory.ignored),
                "warnings": warnings_json(findings, absent),
            }),
        }
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Signed { model, bundle, signed, facts, .. } => {
                print_signed(out, model, bundle.as_deref(), signed, facts)
            }
            Self::Planned { model, bundle, inventory, .. } => {
                print_plan(out, model, bundle.as_deref(), inventory)
            }
        }
    }
}

fn print_signed(
    out: &mut dyn Write,
    model: &Path,
    bundle: Option<&Path>,
    signed: &Signed,
    facts: &SignerFacts,
) -> io::Result<()> {
    let manifest = signed.verified.manifest();
    let files = amount(manifest.files().len(), signed.inventory.total_size());
    row(out, GOOD, "Signed", format_args!("{}: {files}, {}", shown(model), how(manifest)))?;
    match signed.verified.signer() {
        VerifiedSigner::Sigstore(signer) => print_keyless(out, signer)?,
        _ => print_signer(out, facts)?,
    }
    print_evidence(out, signed.verified.times(), signed.verified.log_entries())?;
    if signed.verified.caveats().contains(&Caveat::TimestampsNotChecked) {
        row(
            out,
            GOOD,
            "Timestamped",
            "by an authority whose root verifiers have to name (--timestamp-root)",
        )?;
    }
    if let Some(digest) = signed.model_digest {
        row(out, GOOD, "Model", digest)?;
    }
    row(out, GOOD, "Root", manifest.root_digest())?;
    print_ignored(out, &signed.inventory.ignored)?;
    if signed.verified.caveats().contains(&Caveat::UnregisteredAlgorithm) {
        row(out, WARN, "Note", Caveat::UnregisteredAlgorithm)?;
    }
    row(out, GOOD, "Signature", bundle.map_or_else(|| "(standard output)".to_owned(), shown))
}

fn print_signer(out: &mut dyn Write, facts: &SignerFacts) -> io::Result<()> {
    let shown = |key: &PublicKey| format!("{} key sha256:{}", key.algorithm(), key.fingerprint());
    let (key, leaf, chain) = match facts {
        SignerFacts::Identity => return Ok(()),
        SignerFacts::Key(key) => return row(out, GOOD, "Signer", shown(key)),
        SignerFacts::Certificate(key, leaf, chain) => (key, leaf, chain),
    };
    row(out, GOOD, "Signer", leaf.subject())?;
    row(out, GOOD, "Certificate", validity(leaf))?;
    row(out, GOOD, "Key", shown(key))?;
    for certificate in chain {
        row(out, GOOD, "Chain", certificate.subject())?;
    }
    if chain.is_empty() && !leaf.is_self_issued() {
        let issuer = leaf.issuer();
        row(
            out,
            WARN,
            "Note",
            format_args!("no --chain was given: verifiers need the certificate of {issuer}"),
        )?;
    }
    Ok(())
}

fn print_plan(
    out: &mut dyn Write,
    model: &Path,
    bundle: Option<&Path>,
    inventory: &Inventory,
) -> io::Result<()> {
    let files = amount(inventory.files.len(), inventory.total_size());
    row(out, GOOD, "Would sign", format_args!("{}: {files}", shown(model)))?;
    for file in &inventory.files {
        let target = file.link_target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
        writeln!(out, "  {:>12}  {}{target}", file.size(), file.path)?;
    }
    print_ignored(out, &inventory.ignored)?;
    let Some(path) = bundle else { return Ok(()) };
    let exists = if modelseal_disk::exists(path) { "; it exists, and --force would replace it" } else { "" };
    row(out, GOOD, "Signature", format_args!("{} (not written: dry run{exists})", shown(path)))
}

fn print_ignored(out: &mut dyn Write, ignored: &[Ignored]) -> io::Result<()> {
    for ignored in ignored {
        row(out, WARN, "Ignored", format_args!("{}{}", ignored.path, slash(ignored.kind)))?;
    }
    Ok(())
}

fn ignored_json(ignored: &[Ignored]) -> Value {
    ignored.iter().map(|i| json!({ "path": i.path.as_str(), "kind": i.kind.as_str() })).collect()
}

fn warnings_json(findings: &[Finding], absent: &[IgnorePath]) -> Value {
    let warning = |finding: &Finding| json!({ "path": finding.path.as_str(), "code": finding.kind.code(), "message": Escaped(&finding.kind.to_string()).to_string() });
    let nothing = |ignore: &IgnorePath| json!({ "path": ignore.as_path().as_str(), "code": "ignored-absent", "message": "there is nothing of this name in the model" });
    findings.iter().map(warning).chain(absent.iter().map(nothing)).collect()
}
