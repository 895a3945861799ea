use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Caveat, Escaped, Finding, FoundFile, IgnorePath, Ignored, Inventory, Model, Plan, PublicKey,
    Release, SignOptions, Signed, VerifiedSigner,
};
use serde_json::{Value, json};

use super::args::SignArgs;
use super::claims::{Added, existing_signatures, open_claims, refuse_to_break};
use super::failure::{Failure, Named, Task};
use super::inputs::{absent, warn_of_absent};
use super::keyless::Publishes;
use super::output::{Report, Terminal};
use super::places::Places;
use super::progress::Progress;
use super::reuse;
use super::shapes::{digests_json, facts_json, log_entries_json, method, model_json, times_json};
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
        release: Option<Release>,
        claims: Option<Added>,
        is_reusing: bool,
    },
    Planned {
        model: PathBuf,
        bundle: Option<PathBuf>,
        inventory: Box<Inventory>,
        findings: Vec<Finding>,
        absent: Vec<IgnorePath>,
        release: Option<Release>,
        claims: Option<PathBuf>,
    },
}

pub(crate) fn run(
    args: &SignArgs,
    path: &Path,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<SignReport, Failure> {
    let model = Model::open(path).map_err(|error| Task::Signing.disk(&error))?;
    let places = Places::of(args, &model)?;
    let mut claims =
        args.claims.is_asked().then(|| open_claims(&places.claims, args.claims.lines())).transpose()?;
    if let Some(claims) = claims.as_ref().filter(|_| args.claims.lines() > 0 && places.keeps_signature) {
        refuse_to_break(path, &model, claims)?;
    }
    let existing = claims.as_ref().filter(|_| args.claims.append);
    let existing = existing.map(|claims| existing_signatures(path, &model, claims)).transpose()?;
    let cache = reuse::digest_cache();
    let secrets = args.signer.secret_files();
    let options = SignOptions {
        coverage: args.serialization.coverage(&model)?,
        method: args.serialization.method(),
        hash_type: args.serialization.hash_type(),
        jobs: args.jobs.get(),
        bundle_path: places.bundle_file(),
        claims_path: Some(&places.claims),
        release: args.claims.release(),
        existing: existing.as_ref(),
        digest_cache: cache.as_deref(),
        secret_paths: secrets.iter().map(PathBuf::as_path).collect(),
    };
    let bundle_path = places.bundle_path();
    let named = Named { model: path, bundle: bundle_path.unwrap_or(Path::new("-")), is_strict: false };
    warn_of_absent(terminal, &options.coverage.ignore, &model);
    let absent = absent(&options.coverage.ignore, &model);
    let explain = |error| Task::Signing.failure(error, &named);
    let (model_path, bundle) = (path.to_owned(), bundle_path.map(Path::to_owned));
    let release = args.claims.release();
    if args.dry_run {
        places.refuse_to_replace(&model, true)?;
        let plan = modelseal::plan(&model, &options, cancel).map_err(explain)?;
        warn_of_findings(terminal, &plan.findings);
        let (inventory, findings) = (Box::new(plan.inventory), plan.findings);
        let claims = claims.filter(|_| args.claims.lines() > 0).map(|claims| claims.path().to_owned());
        return Ok(SignReport::Planned {
            model: model_path,
            bundle,
            inventory,
            findings,
            absent,
            release,
            claims,
        });
    }
    places.refuse_to_replace(&model, args.force)?;
    places.probe(claims.as_ref(), args.force)?;
    let plan = modelseal::plan(&model, &options, cancel).map_err(explain)?;
    warn_of_findings(terminal, &plan.findings);
    let (signed, facts) = sign(plan, args, &named, terminal, cancel)?;
    let written = places.write(&signed, claims.as_mut(), args.force);
    written.map_err(|failure| match facts {
        SignerFacts::Identity => {
            failure.help("what was published stays published; sign again when it can be written")
        }
        _ => failure,
    })?;
    Ok(SignReport::Signed {
        model: model_path,
        bundle,
        signed: Box::new(signed),
        facts: Box::new(facts),
        absent,
        release,
        claims: claims.as_ref().filter(|_| args.claims.lines() > 0).map(Added::to),
        is_reusing: args.reuse.is_some(),
    })
}

fn sign(
    plan: Plan<'_>,
    args: &SignArgs,
    named: &Named<'_>,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<(Signed, SignerFacts), Failure> {
    let has_release = args.claims.release().is_some();
    let publishes = if has_release { Publishes::SignatureAndRelease } else { Publishes::Signature };
    let Chosen { signer, facts } = signer::choose(&args.signer, publishes, terminal, cancel)?;
    let old = args.reuse.as_deref().map(|old| reuse::verify(old, &args.signer, &*signer, &facts, cancel));
    let plan = match old.transpose()? {
        Some(old) => plan.reuse(old),
        None => plan,
    };
    let progress = Progress::new(terminal, cancel);
    let signed = plan.sign(&*signer, &progress).map_err(|error| Task::Signing.failure(error, named))?;
    drop(progress);
    if let Some(problem) = signed.digest_cache_problem.as_ref().filter(|_| args.reuse.is_some()) {
        terminal.warn(&format!("digests that were made before are not reused, or not kept: {problem}"));
    }
    Ok((signed, facts))
}

pub(crate) fn warn_of_findings(terminal: Terminal, findings: &[Finding]) {
    for finding in findings {
        terminal.warn(&format!("{}: {}; it will be signed with the model", finding.path, finding.kind));
    }
}

impl Report for SignReport {
    fn json(&self) -> Value {
        match self {
            Self::Signed { model, bundle, signed, facts, absent, release, claims, .. } => {
                let manifest = signed.verified.manifest();
                json!({
                    "outcome": "signed",
                    "model": model_json(Some(model), manifest, signed.model_digest, Some(signed.inventory.total_size())),
                    "signature": {
                        "path": bundle.as_ref().map(|path| path.to_string_lossy()),
                        "method": method(signed.verified.signer()),
                        "signer": facts_json(facts, signed.verified.signer()),
                        "subject_name": signed.verified.subject_name(),
                        "times": times_json(signed.verified.times()),
                        "log_entries": log_entries_json(signed.verified.log_entries()),
                    },
                    "digests": digests_json("files", None, &signed.reused, signed.digest_cache_problem.as_deref()),
                    "release": release_json(release.as_ref()),
                    "claims": claims.as_ref().map(Added::json),
                    "ignored": ignored_json(&signed.inventory.ignored),
                    "warnings": warnings_json(&signed.findings, absent),
                })
            }
            Self::Planned { model, bundle, inventory, findings, absent, release, claims } => json!({
                "outcome": "planned",
                "model": { "path": model.to_string_lossy(), "bytes": inventory.total_size() },
                "signature": { "path": bundle.as_ref().map(|path| path.to_string_lossy()) },
                "covered": inventory.files.iter()
                    .map(|file| json!({ "path": file.path.as_str(), "bytes": file.size() })).collect::<Vec<_>>(),
                "release": release_json(release.as_ref()),
                "claims": claims.as_ref().map(|path| json!({ "path": path.to_string_lossy() })),
                "ignored": ignored_json(&inventory.ignored),
                "warnings": warnings_json(findings, absent),
            }),
        }
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Signed { model, bundle, signed, facts, release, claims, is_reusing, .. } => {
                print_signed(out, model, signed, facts)?;
                print_reused(out, signed, *is_reusing)?;
                print_ignored(out, &signed.inventory.ignored)?;
                if signed.verified.caveats().contains(&Caveat::UnregisteredAlgorithm) {
                    row(out, WARN, "Note", Caveat::UnregisteredAlgorithm)?;
                }
                print_release(out, release.as_ref())?;
                let path = bundle.as_ref().map_or_else(|| "(standard output)".to_owned(), |path| shown(path));
                row(out, GOOD, "Signature", path)?;
                claims.as_ref().map_or(Ok(()), |claims| claims.print(out))
            }
            Self::Planned { model, bundle, inventory, release, claims, .. } => {
                print_plan(out, model, inventory)?;
                print_release(out, release.as_ref())?;
                print_places(out, bundle.as_deref(), claims.as_deref())
            }
        }
    }
}

fn print_signed(out: &mut dyn Write, model: &Path, signed: &Signed, facts: &SignerFacts) -> io::Result<()> {
    let manifest = signed.verified.manifest();
    let files = amount(manifest.files().len(), signed.inventory.total_size());
    row(out, GOOD, "Signed", format_args!("{}: {files}, {}", shown(model), how(manifest)))?;
    print_signer(out, facts, signed.verified.signer())?;
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
    Ok(())
}

fn print_reused(out: &mut dyn Write, signed: &Signed, is_reusing: bool) -> io::Result<()> {
    let reused = signed.reused.iter().filter_map(|path| signed.inventory.file(path));
    let size = reused.map(FoundFile::size).fold(0, u64::saturating_add);
    match signed.reused.len() {
        0 if is_reusing => {
            let nothing = "nothing: of no large file it is known that it still is what that signature covers";
            row(out, WARN, "Reused", nothing)
        }
        0 => Ok(()),
        files => row(out, GOOD, "Reused", format_args!("{}, not hashed again", amount(files, size))),
    }
}

fn print_release(out: &mut dyn Write, release: Option<&Release>) -> io::Result<()> {
    let Some(Release { name, version }) = release else { return Ok(()) };
    row(out, GOOD, "Release", format_args!("{name} {version}"))
}

/// A signer, as the publisher knows it; an identity, as it was verified.
pub(crate) fn print_signer(
    out: &mut dyn Write,
    facts: &SignerFacts,
    verified: &VerifiedSigner,
) -> io::Result<()> {
    let shown = |key: &PublicKey| format!("{} key sha256:{}", key.algorithm(), key.fingerprint());
    let (key, leaf, chain) = match (facts, verified) {
        (_, VerifiedSigner::Sigstore(signer)) => return print_keyless(out, signer),
        (SignerFacts::Identity, _) => return Ok(()),
        (SignerFacts::Key(key), _) => return row(out, GOOD, "Signer", shown(key)),
        (SignerFacts::Certificate(key, leaf, chain), _) => (key, leaf, chain),
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

fn print_plan(out: &mut dyn Write, model: &Path, inventory: &Inventory) -> io::Result<()> {
    let files = amount(inventory.files.len(), inventory.total_size());
    row(out, GOOD, "Would sign", format_args!("{}: {files}", shown(model)))?;
    for file in &inventory.files {
        let target = file.link_target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
        writeln!(out, "  {:>12}  {}{target}", file.size(), file.path)?;
    }
    print_ignored(out, &inventory.ignored)
}

fn print_places(out: &mut dyn Write, bundle: Option<&Path>, claims: Option<&Path>) -> io::Result<()> {
    // A signature that is appended is among the claims.
    if let Some(path) = bundle.filter(|_| bundle != claims) {
        let exists =
            if modelseal_disk::exists(path) { "; it exists, and --force would replace it" } else { "" };
        row(out, GOOD, "Signature", format_args!("{} (not written: dry run{exists})", shown(path)))?;
    }
    match claims {
        Some(path) => row(out, GOOD, "Claims", format_args!("{} (not written: dry run)", shown(path))),
        None => Ok(()),
    }
}

pub(crate) fn print_ignored(out: &mut dyn Write, ignored: &[Ignored]) -> io::Result<()> {
    for ignored in ignored {
        row(out, WARN, "Ignored", format_args!("{}{}", ignored.path, slash(ignored.kind)))?;
    }
    Ok(())
}

fn release_json(release: Option<&Release>) -> Value {
    release.map_or(
        Value::Null,
        |release| json!({ "name": release.name.as_str(), "version": release.version.to_string() }),
    )
}

pub(crate) fn ignored_json(ignored: &[Ignored]) -> Value {
    ignored.iter().map(|i| json!({ "path": i.path.as_str(), "kind": i.kind.as_str() })).collect()
}

pub(crate) fn warnings_json(findings: &[Finding], absent: &[IgnorePath]) -> Value {
    let warning = |finding: &Finding| json!({ "path": finding.path.as_str(), "code": finding.kind.code(), "message": Escaped(&finding.kind.to_string()).to_string() });
    let nothing = |ignore: &IgnorePath| json!({ "path": ignore.as_path().as_str(), "code": "ignored-absent", "message": "there is nothing of this name in the model" });
    findings.iter().map(warning).chain(absent.iter().map(nothing)).collect()
}
