//! `modelseal verify --policy`: one verdict, and why.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::policy::{
    Attested, CountedSummary, DependencyVerdict, Entry, LockedSigner, Outcome, Policy, Reason, ReasonKind,
    Severity, Verdict,
};
use modelseal::{Admission, AdmitOptions, Cancel, Caveat, Error, Model, Reference};
use serde_json::{Value, json};

use super::args::{PolicyArgs, VerifyArgs};
use super::failure::{Details, Exit, Failure, Named, Task};
use super::output::{Report, Terminal};
use super::policy::{read_lock, read_policy, refuse_in_model};
use super::progress::Progress;
use super::shapes::{signer_id_json, unsigned_json};
use super::summary::{self, Emitted};
use super::text::{BAD, GOOD, WARN, amount, row, shown};
use super::tree::{self, Node};
use super::verify::unsigned_text;

pub(crate) struct VerdictReport(Box<Judged>);

/// A verdict with the names of what it was reached by.
#[derive(Debug)]
pub(crate) struct Judged {
    model: PathBuf,
    policy: PathBuf,
    serial: u64,
    admission: Admission,
    summary: Option<Emitted>,
    tree: Option<Node>,
}

pub(crate) fn run(
    args: &VerifyArgs,
    policy_args: &PolicyArgs,
    policy_path: &Path,
    reference: &Reference,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<VerdictReport, Failure> {
    let model = Model::open(&args.model).map_err(|error| Task::Verifying.disk(&error))?;
    let policy = read_policy(policy_path, &policy_args.policy_key, &model, cancel)?;
    if let Some(lock) = &policy_args.lock {
        refuse_in_model("lock", lock, &model)?;
    }
    let lock = policy_args.lock.as_ref().map(|path| read_lock(path, cancel)).transpose()?;
    let planned = summary::plan(args, &model, &policy, terminal, cancel)?;
    let bundles = policy_args.bundle.iter().chain(&args.signature).map(PathBuf::as_path).collect();
    let options = AdmitOptions {
        lock: lock.as_ref(),
        bundles,
        copy_to: args.into.as_deref(),
        jobs: args.jobs.unwrap_or_else(modelseal::default_jobs),
        ..AdmitOptions::default()
    };
    let admission = admit(&model, reference, &policy, &options, terminal, cancel)?;
    let summary = match planned.map(|planned| planned.emit(&model, &admission)) {
        // A denial stays one, whatever becomes of its summary.
        Some(Err(failure)) if admission.verdict().outcome == Outcome::Deny => {
            Some(Emitted::not_written(&failure.message))
        }
        emitted => emitted.transpose()?,
    };
    let tree = args.tree.then(|| tree::of_verdict(admission.verdict(), hashed(&admission)));
    let judged = Judged { summary, tree, ..Judged::new(&args.model, policy_path, &policy, admission) };
    match judged.admission.verdict().outcome {
        Outcome::Deny => Err(judged.denied()),
        Outcome::Allow | Outcome::Warn => Ok(VerdictReport(Box::new(judged))),
    }
}

/// What was looked at on this disk.
fn hashed(admission: &Admission) -> String {
    format!("hashed here, {}", amount(admission.files(), admission.size()))
}

/// Judges a model while a bar shows how far it is.
pub(crate) fn admit(
    model: &Model,
    reference: &Reference,
    policy: &Policy,
    options: &AdmitOptions<'_>,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<Admission, Failure> {
    let admission = {
        let progress = Progress::new(terminal, cancel);
        modelseal::admit(model, reference, policy, options, &progress)
    };
    admission.map_err(|error| match error {
        Error::Undecided(undecided) => Failure::new(Exit::Undecided, "no-lock", undecided.to_string())
            .help("name the lock with --lock FILE; modelseal lock add makes one"),
        error => {
            let named = Named { model: model.path(), bundle: model.path(), is_strict: false };
            Task::Verifying.failure(error, &named)
        }
    })
}

impl Judged {
    pub(crate) fn new(model: &Path, policy_path: &Path, policy: &Policy, admission: Admission) -> Self {
        Self {
            model: model.to_owned(),
            policy: policy_path.to_owned(),
            serial: policy.serial(),
            admission,
            summary: None,
            tree: None,
        }
    }

    /// A denial, with its gravest reason first.
    pub(crate) fn denied(self) -> Failure {
        let verdict = self.admission.verdict();
        let first = verdict.denials().next();
        let (code, help) = first.map_or(("unknown", None), |kind| (kind.code(), kind.help()));
        let why = first.map(ToString::to_string).unwrap_or_default();
        let message = format!("{}: {why}", verdict.reference);
        let mut failure = Failure::new(Exit::NotVerified, code, message);
        if let Some(help) = help {
            failure = failure.help(help);
        }
        Failure { details: Details::Verdict(Box::new(self)), ..failure }
    }

    /// What follows the message of a denial.
    pub(crate) fn explain(&self, out: &mut dyn Write) -> io::Result<()> {
        let verdict = self.admission.verdict();
        let mut denials = verdict.reasons.iter().filter(|reason| reason.severity == Severity::Deny);
        if let Some(first) = denials.next() {
            explain_signers(out, &first.kind)?;
        }
        for reason in denials {
            writeln!(out, "  denied      {}", reason.kind)?;
            explain_signers(out, &reason.kind)?;
        }
        for reason in verdict.reasons.iter().filter(|reason| reason.severity != Severity::Deny) {
            let word = if reason.severity == Severity::Warn { "warning" } else { "note" };
            writeln!(out, "  {word:<11} {}", reason.kind)?;
        }
        writeln!(out, "  {:<11} {}", "rule", self.rule())?;
        if let Some(summary) = &self.summary {
            writeln!(out, "  {:<11} {}", "summary", summary.text())?;
        }
        self.tree.as_ref().map_or(Ok(()), |tree| {
            writeln!(out)?;
            tree.print(out)?;
            writeln!(out)
        })
    }

    fn rule(&self) -> String {
        let (policy, serial) = (shown(&self.policy), self.serial);
        match &self.admission.verdict().rule {
            Some(rule) => {
                format!("{} of {policy} (serial {serial}, mode {})", rule.scope, rule.mode.as_str())
            }
            None => format!("none of {policy} (serial {serial})"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        let verdict = self.admission.verdict();
        // Where no signature counts, nobody says which files make the model.
        let measured = self.admission.files() > 0;
        let mut shape = verdict_json(verdict);
        let rest = json!({
            "policy": { "path": self.policy.to_string_lossy(), "serial": self.serial },
            "model": {
                "path": self.model.to_string_lossy(),
                "digest": verdict.model.map(|digest| digest.to_string()),
                "root": verdict.root.map(|root| root.to_string()),
                "files": measured.then(|| self.admission.files()),
                "bytes": measured.then(|| self.admission.size()),
            },
            "ancestors": verdict.ancestors.values().map(|verdict| ancestor_json(verdict)).collect::<Vec<_>>(),
            "vsa": self.summary.as_ref().map(Emitted::json),
            "tree": self.tree.as_ref().map(Node::json),
            "lock": verdict.locked.as_ref().map(entry_json),
            "not_signed": unsigned_json(self.admission.unsigned()),
            "links": self.admission.links().iter()
                .map(|(path, target)| json!({ "path": path.as_str(), "target": target })).collect::<Vec<_>>(),
            "copy": self.admission.copy().map(Path::to_string_lossy),
        });
        extend(&mut shape, rest);
        shape
    }
}

/// A model before this one, and the verdict on it.
fn ancestor_json(verdict: &Verdict) -> Value {
    let mut shape = verdict_json(verdict);
    extend(&mut shape, json!({ "digest": verdict.model.map(|digest| digest.to_string()) }));
    shape
}

fn extend(shape: &mut Value, rest: Value) {
    if let (Value::Object(shape), Value::Object(rest)) = (shape, rest) {
        shape.extend(rest);
    }
}

/// What there is to say of every model that was judged.
fn verdict_json(verdict: &Verdict) -> Value {
    json!({
        "outcome": verdict.outcome.as_str(),
        "reference": verdict.reference.to_string(),
        "judged_as": verdict.judged_as.to_string(),
        "rule": verdict.rule.as_ref().map(|rule| json!({
            "scope": rule.scope.to_string(),
            "mode": rule.mode.as_str(),
            "continuity": rule.continuity.as_str(),
        })),
        "signatures": verdict.signatures.iter().map(|counted| json!({
            "path": counted.source.path,
            "line": counted.source.line,
            "publisher": counted.signer.publisher,
            "signer": signer_id_json(&counted.signer.id),
            "description": counted.shown,
            "time": counted.signed.map(|time| time.to_string()),
            "not_proved": counted.caveats.iter().map(|c| json!({ "code": c.code(), "message": c.to_string() })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "summary": verdict.summary.as_ref().map(summary_json),
        "attestations": verdict.attestations.iter().map(attested_json).collect::<Vec<_>>(),
        "build_level": verdict.build_level,
        "release": verdict.release.as_ref().map(ToString::to_string),
        "reasons": verdict.reasons.iter().map(reason_json).collect::<Vec<_>>(),
    })
}

/// What is not proved of the signatures that count, each once.
fn caveats(verdict: &Verdict) -> Vec<Caveat> {
    let mut found: Vec<Caveat> = Vec::new();
    for caveat in verdict.signatures.iter().flat_map(|counted| &counted.caveats) {
        if !found.contains(caveat) {
            found.push(*caveat);
        }
    }
    found
}

/// The verdict of somebody else that counts.
fn summary_json(summary: &CountedSummary) -> Value {
    json!({
        "path": summary.source.path,
        "line": summary.source.line,
        "publisher": summary.signer.publisher,
        "signer": signer_id_json(&summary.signer.id),
        "description": summary.shown,
        "verifier": summary.verifier,
        "time": summary.verified.map(|time| time.to_string()),
        "policy": summary.policy.sha256.map(|digest| format!("sha256:{digest}")),
        "levels": summary.levels,
    })
}

fn attested_json(attested: &Attested) -> Value {
    json!({
        "path": attested.source.path,
        "line": attested.source.line,
        "publisher": attested.publisher,
        "description": attested.shown,
        "time": attested.signed.map(|time| time.to_string()),
        "predicate_type": attested.predicate_type,
        "counts": attested.counts,
        "problem": attested.problem.as_ref().map(|problem| json!({
            "code": problem.code(), "message": problem.to_string(),
        })),
        "provenance": attested.provenance.as_ref().map(|provenance| json!({
            "builder": provenance.builder,
            "build_type": provenance.build_type,
            "source": provenance.source.as_ref().map(|source| json!({
                "repository": source.repository, "ref": source.reference, "commit": source.commit,
            })),
        })),
        "dependencies": attested.dependencies.iter().map(dependency_json).collect::<Vec<_>>(),
    })
}

/// A model that this one was made from, and what becomes of it.
fn dependency_json(dependency: &DependencyVerdict) -> Value {
    json!({
        "name": dependency.resource.name(),
        "reference": dependency.resource.reference().map(|reference| reference.to_string()),
        "digest": dependency.resource.model_digest().map(|digest| digest.to_string()),
        "role": dependency.resource.role(),
        "outcome": dependency.outcome.as_str(),
        "problem": dependency.problem,
    })
}

fn reason_json(reason: &Reason) -> Value {
    let mut shape = json!({
        "severity": reason.severity.as_str(),
        "code": reason.kind.code(),
        "message": reason.kind.to_string(),
    });
    if let ReasonKind::SignerChanged { locked, found } = &reason.kind {
        shape["locked"] = locked.iter().map(locked_json).collect();
        shape["found"] = found.iter().map(locked_json).collect();
    }
    shape
}

/// What a lock has of a reference.
pub(crate) fn entry_json(entry: &Entry) -> Value {
    json!({
        "digest": entry.model.to_string(),
        "root": entry.root.map(|root| root.to_string()),
        "release": entry.release.as_ref().map(ToString::to_string),
        "signers": entry.signers.iter().map(locked_json).collect::<Vec<_>>(),
        "first_seen": entry.first_seen.to_string(),
        "last_seen": entry.last_seen.to_string(),
    })
}

fn locked_json(signer: &LockedSigner) -> Value {
    let mut shape = signer_id_json(&signer.id);
    shape["publisher"] = json!(signer.publisher);
    shape
}

/// Old and new side by side.
fn explain_signers(out: &mut dyn Write, kind: &ReasonKind) -> io::Result<()> {
    let ReasonKind::SignerChanged { locked, found } = kind else { return Ok(()) };
    for (word, signers) in [("until now", locked), ("now", found)] {
        for signer in signers {
            writeln!(out, "  {word:<11} {}", locked_text(signer))?;
        }
    }
    Ok(())
}

pub(crate) fn locked_text(signer: &LockedSigner) -> String {
    format!("{}: {}", modelseal::Escaped(&signer.publisher), signer.id)
}

impl Report for VerdictReport {
    fn json(&self) -> Value {
        let verdict = self.0.admission.verdict();
        json!({ "outcome": outcome(verdict), "verdict": self.0.json() })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let admission = &self.0.admission;
        let verdict = admission.verdict();
        let files = amount(admission.files(), admission.size());
        let (style, word) = match verdict.outcome {
            Outcome::Allow => (GOOD, "Allowed"),
            Outcome::Warn => (WARN, "Allowed"),
            Outcome::Deny => (BAD, "Denied"),
        };
        row(out, style, word, format_args!("{}: {files}", verdict.reference))?;
        if verdict.judged_as != verdict.reference {
            row(out, GOOD, "Judged as", &verdict.judged_as)?;
        }
        row(out, GOOD, "Rule", self.0.rule())?;
        for counted in &verdict.signatures {
            let publisher = modelseal::Escaped(&counted.signer.publisher);
            row(out, GOOD, "Signer", format_args!("{publisher}: {} ({})", counted.shown, counted.source))?;
            if let modelseal::SignerId::Workflow { .. } = counted.signer.id {
                row(out, GOOD, "Numbers", &counted.signer.id)?;
            }
            if let Some(time) = counted.signed {
                row(out, GOOD, "Signed at", format_args!("{time} (proved)"))?;
            }
        }
        if let Some(summary) = &verdict.summary {
            let publisher = modelseal::Escaped(&summary.signer.publisher);
            row(out, GOOD, "Summary", format_args!("{publisher}: {} ({})", summary.shown, summary.source))?;
        }
        for attested in verdict.attestations.iter().filter(|attested| attested.counts) {
            print_attested(out, attested, verdict)?;
        }
        for caveat in caveats(verdict) {
            row(out, WARN, if caveat.is_unproved() { "Not proved" } else { "Note" }, caveat)?;
        }
        if let Some(digest) = verdict.model {
            row(out, GOOD, "Model", digest)?;
        }
        if let Some(release) = &verdict.release {
            row(out, GOOD, "Release", format_args!("{release} of {}, signed", verdict.judged_as.name()))?;
        }
        if let Some(entry) = &verdict.locked {
            row(out, GOOD, "Locked", format_args!("since {}", entry.first_seen))?;
        }
        for reason in &verdict.reasons {
            let (style, word) = match reason.severity {
                Severity::Note => (WARN, "Note"),
                Severity::Warn | Severity::Deny => (WARN, "Warning"),
            };
            row(out, style, word, &reason.kind)?;
            explain_signers(out, &reason.kind)?;
        }
        for unsigned in admission.unsigned() {
            row(out, WARN, "Not signed", unsigned_text(unsigned))?;
        }
        for (path, target) in admission.links() {
            row(out, WARN, "Link", format_args!("{path} -> {target}"))?;
        }
        if let Some(copy) = admission.copy() {
            row(out, GOOD, "Copied to", format_args!("{} (load the model from there)", shown(copy)))?;
        }
        if let Some(summary) = &self.0.summary {
            row(out, GOOD, "VSA", summary.text())?;
        }
        self.0.tree.as_ref().map_or(Ok(()), |tree| {
            writeln!(out)?;
            tree.print(out)
        })
    }
}

/// An attestation that the rule asks for, and what the model was made from.
fn print_attested(out: &mut dyn Write, attested: &Attested, verdict: &Verdict) -> io::Result<()> {
    let (publisher, kind) =
        (modelseal::Escaped(&attested.publisher), modelseal::Escaped(&attested.predicate_type));
    row(
        out,
        GOOD,
        "Attested",
        format_args!("{publisher}: {kind}, {} ({})", attested.shown, attested.source),
    )?;
    for dependency in attested.dependencies.iter().filter(|dependency| dependency.outcome != Outcome::Deny) {
        let judged = dependency.ancestor.as_ref().and_then(|ancestor| verdict.ancestors.get(ancestor));
        let rule = judged.and_then(|judged| judged.rule.as_ref());
        let rule = rule.map(|rule| format!(" by the rule for {}", rule.scope)).unwrap_or_default();
        let (style, softened) = match judged {
            Some(judged) if judged.is_softened() => (WARN, ", whose denial is not enforced"),
            _ => (GOOD, ""),
        };
        row(out, style, "Made from", format_args!("{dependency}, admitted{rule}{softened}"))?;
    }
    Ok(())
}

fn outcome(verdict: &Verdict) -> &'static str {
    match verdict.outcome {
        Outcome::Allow => "allowed",
        Outcome::Warn => "warned",
        Outcome::Deny => "not-verified",
    }
}
