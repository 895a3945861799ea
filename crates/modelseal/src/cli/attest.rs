//! `modelseal attest`: what somebody says of a model, signed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::policy::{SignerFacts as SignedBy, level_of_own_word};
use modelseal::{
    Attestation, Cancel, CiBuild, Claim, DENY_LIST_TYPE, Error, Escaped, MAX_BUNDLE_BYTES, Model,
    ModelSubject, NewProvenance, PROVENANCE_TYPE, PredicateError, Provenance, ResourceDescriptor,
    SUCCESSION_TYPE, SUMMARY_TYPE, SignedAttestation, SubjectOptions, UntrustedBundle, VerificationSummary,
    parse_predicate,
};
use modelseal_bundle::{PREDICATE_TYPE, legacy};
use modelseal_disk::{Overwrite, read_named};
use serde_json::{Map, Value, json};

use super::args::AttestArgs;
use super::base_models::{Base, bases};
use super::claims::default_claims_path;
use super::destination::{Destination, Written};
use super::failure::{Exit, Failure, Named, Task};
use super::inputs::{default_bundle_path, read_signature, refuse_unless_signature};
use super::keyless::Publishes;
use super::output::{Report, Terminal};
use super::progress::Progress;
use super::shapes::{facts_json, log_entries_json, method, times_json};
use super::sign::print_signer;
use super::signer::{self, Chosen, SignerFacts};
use super::text::{GOOD, WARN, amount, row, shown};
use super::verify::print_evidence;

pub(crate) struct AttestReport {
    model: PathBuf,
    subject: ModelSubject,
    signed: Box<SignedAttestation>,
    facts: Box<SignerFacts>,
    ci: Option<Box<CiBuild>>,
    bases: Vec<Base>,
    place: Written,
}

/// What is said, before it is known of what.
enum Content {
    Provenance { provenance: NewProvenance, ci: Option<Box<CiBuild>> },
    Other { predicate_type: String, predicate: Map<String, Value>, path: PathBuf },
}

pub(crate) fn run(args: &AttestArgs, terminal: Terminal, cancel: &Cancel) -> Result<AttestReport, Failure> {
    let content = content(args, cancel)?;
    let model = Model::open(&args.model).map_err(|error| Task::Signing.disk(&error))?;
    let signature = signature(args, &model)?;
    let mut place = destination(args, &model)?;
    let jobs = args.jobs.unwrap_or_else(modelseal::default_jobs);
    let bases = bases(&args.provenance, jobs, terminal, cancel)?;
    place.carry(bases.iter().flat_map(|base| &base.bundles))?;
    let Chosen { signer, facts } = signer::choose(&args.signer, Publishes::Signature, terminal, cancel)?;
    let named = Named { model: &args.model, bundle: &args.model, is_strict: false };
    let subject = {
        let progress = Progress::new(terminal, cancel);
        let options = SubjectOptions {
            signature: signature.as_ref().map(|(path, bundle)| (path.as_path(), bundle)),
            jobs,
        };
        modelseal::subject(&model, &options, &progress)
    };
    let subject = subject.map_err(|error| Task::Signing.failure(error, &named))?;
    let (attestation, ci) = content.attest(&subject, &bases)?;
    let signed = modelseal::attest(&attestation, &*signer).map_err(|error| {
        let is_published =
            matches!(facts, SignerFacts::Identity) && matches!(error, Error::Contradicted { .. });
        let failure = Task::Signing.failure(error, &named);
        if is_published { after_publishing(failure) } else { failure }
    })?;
    let place = place.write(&signed.bundle).map_err(|failure| match facts {
        SignerFacts::Identity => after_publishing(failure),
        _ => failure,
    })?;
    Ok(AttestReport {
        model: args.model.clone(),
        subject,
        signed: Box::new(signed),
        facts: Box::new(facts),
        ci,
        bases,
        place,
    })
}

fn after_publishing(failure: Failure) -> Failure {
    let help = failure.help.clone().map(|help| format!("{help}; ")).unwrap_or_default();
    failure.help(format!("{help}what was published stays published"))
}

/// The signature of the model, where there is one.
fn signature(args: &AttestArgs, model: &Model) -> Result<Option<(PathBuf, UntrustedBundle)>, Failure> {
    let path = args.signature.clone().unwrap_or_else(|| default_bundle_path(&args.model, model));
    if args.signature.is_none() && !modelseal_disk::exists(&path) {
        return Ok(None);
    }
    let bundle = read_signature(&path, args.signature.is_some()).map_err(|failure| Failure {
        exit: if failure.exit == Exit::NotVerified { Exit::Usage } else { failure.exit },
        ..failure
    })?;
    let statement = legacy::parse_unverified_statement(bundle.envelope().payload());
    if let (Some(_), Err(error)) = (&args.signature, statement) {
        let message = format!("{}: is no signature of a model: {error}", shown(&path));
        return Err(Failure::new(Exit::Usage, "malformed-statement", message).help(
            "--signature names the signature of the model; what else is said of it is not needed here",
        ));
    }
    Ok(Some((path, bundle)))
}

/// What the arguments have to say.
fn content(args: &AttestArgs, cancel: &Cancel) -> Result<Content, Failure> {
    if let (Some(predicate_type), Some(path)) = (&args.predicate.predicate_type, &args.predicate.predicate) {
        return other(predicate_type, path, cancel);
    }
    let (file, from_ci) = (args.provenance.provenance.clone().flatten(), args.provenance.from_ci);
    match (file, from_ci) {
        (Some(path), false) => {
            let json = read_json(&path, cancel)?;
            let provenance = NewProvenance::parse(&json).map_err(|error| refused(&path, &error))?;
            Ok(Content::Provenance { provenance, ci: None })
        }
        (None, true) => {
            let build = CiBuild::detect(
                |name| std::env::var(name).ok(),
                args.provenance.builder.as_deref(),
                env!("CARGO_PKG_VERSION"),
            );
            let build = build.map_err(|error| {
                Failure::new(Exit::Usage, "ci-environment", error.to_string())
                    .help("--provenance FILE takes what you know of the build")
            })?;
            Ok(Content::Provenance { provenance: build.provenance.clone(), ci: Some(Box::new(build)) })
        }
        (Some(_), true) => {
            Err(usage("--provenance FILE and --from-ci both say how it was made: leave one out"))
        }
        (None, false) => Err(usage("--provenance does not say how the model was made").help(
            "name a file with the predicate, --provenance FILE, or --provenance --from-ci in a CI job",
        )),
    }
}

fn other(predicate_type: &str, path: &Path, cancel: &Cancel) -> Result<Content, Failure> {
    let instead = match predicate_type {
        PREDICATE_TYPE | legacy::PREDICATE_TYPE_V0_2 => Some("modelseal sign"),
        SUCCESSION_TYPE => Some("modelseal succession"),
        DENY_LIST_TYPE => Some("modelseal deny add"),
        _ => None,
    };
    if let Some(command) = instead {
        return Err(usage(&format!("--type {predicate_type}: has a command of its own: {command}")));
    }
    let predicate = parse_predicate(&read_json(path, cancel)?).map_err(|error| refused(path, &error))?;
    Ok(Content::Other { predicate_type: predicate_type.to_owned(), predicate, path: path.to_owned() })
}

fn read_json(path: &Path, cancel: &Cancel) -> Result<Vec<u8>, Failure> {
    read_named(path, MAX_BUNDLE_BYTES, cancel).map_err(|error| Failure::input(&error))
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Usage, "usage", message)
}

fn refused(path: &Path, error: &PredicateError) -> Failure {
    Failure::new(Exit::Usage, "predicate", format!("{}: {error}", shown(path)))
}

impl Content {
    fn attest(
        self,
        subject: &ModelSubject,
        bases: &[Base],
    ) -> Result<(Attestation, Option<Box<CiBuild>>), Failure> {
        match self {
            Self::Provenance { provenance, ci } => {
                let resources: Vec<ResourceDescriptor> =
                    bases.iter().map(|base| base.resource.clone()).collect();
                if resources.iter().any(|resource| resource.model_digest() == Some(subject.model)) {
                    return Err(usage("--base-model: is the model itself, byte for byte")
                        .help("name the model that it was made from"));
                }
                let provenance = provenance
                    .and_dependencies(&resources)
                    .map_err(|error| Failure::new(Exit::Usage, "predicate", error.to_string()))?;
                Ok((provenance.attest(subject.subject.clone()), ci))
            }
            Self::Other { predicate_type, predicate, path } => {
                let attestation = Attestation::new(subject.subject.clone(), predicate_type, predicate);
                check_known(&attestation).map_err(|error| refused(&path, &error))?;
                Ok((attestation, None))
            }
        }
    }
}

/// Of the types that are read here, what could not be read is not written.
fn check_known(attestation: &Attestation) -> Result<(), PredicateError> {
    match attestation.predicate_type() {
        PROVENANCE_TYPE => {
            NewProvenance::parse(&json!(attestation.predicate()).to_string().into_bytes()).map(drop)
        }
        SUMMARY_TYPE => VerificationSummary::of(attestation)?.check(),
        kind if Provenance::is_type(kind) => Provenance::of(attestation).map(drop),
        kind if modelseal::Release::is_type(kind) => modelseal::Release::of(attestation).map(drop),
        _ => Ok(()),
    }
}

fn destination(args: &AttestArgs, model: &Model) -> Result<Destination, Failure> {
    match &args.output {
        Some(path) if path == Path::new("-") => Ok(Destination::Stdout),
        Some(path) => {
            if args.force && modelseal_disk::exists(path) && !model.contains(path) {
                refuse_unless_signature(path, model)?;
            }
            let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
            Destination::file("-o", path, model, overwrite, "--force replaces it")
        }
        None => {
            let path = args.claims.clone().unwrap_or_else(|| default_claims_path(&args.model, model));
            Destination::claims(&path, &args.model, model)
        }
    }
}

impl AttestReport {
    fn provenance(&self) -> Option<Provenance> {
        Provenance::of(self.signed.verified.attestation()).ok()
    }

    /// The highest level of SLSA's build track that this could be evidence for, and
    /// why no higher one: a job that writes about itself is not apart from what it
    /// writes about.
    fn level(&self) -> Option<(u8, &'static str)> {
        self.ci.as_ref()?;
        let signer = SignedBy::from(self.signed.verified.signer());
        Some(match (level_of_own_word(&signer), signer.claim(Claim::RunInvocation)) {
            (level @ 2.., _) => {
                (level, "the job wrote it about itself; the certificate says which run that was")
            }
            (level, Some(_)) => (
                level,
                "nothing tells that the machine was the platform's own; the certificate says which run it was",
            ),
            (level, None) => (level, "that it was this run, nobody says but the job itself"),
        })
    }
}

impl Report for AttestReport {
    fn json(&self) -> Value {
        let verified = &self.signed.verified;
        let provenance = self.provenance().map(|provenance| {
            json!({
                "builder": provenance.builder,
                "build_type": provenance.build_type,
                "source": provenance.source.map(|source| json!({
                    "repository": source.repository, "ref": source.reference, "commit": source.commit,
                })),
                "level_at_most": self.level().map(|(level, _)| level),
                "dependencies": self.bases.iter().map(Base::json).collect::<Vec<_>>(),
            })
        });
        json!({
            "outcome": "attested",
            "model": {
                "path": self.model.to_string_lossy(),
                "digest": self.subject.model.to_string(),
                "root": self.subject.root.to_string(),
                "files": self.subject.files,
                "bytes": self.subject.size,
                "signed": self.subject.is_signed,
                "left_out": self.subject.ignored,
            },
            "predicate_type": verified.attestation().predicate_type(),
            "provenance": provenance,
            "signature": {
                "path": self.place.path().map(Path::to_string_lossy),
                "method": method(verified.signer()),
                "signer": facts_json(&self.facts, verified.signer()),
                "times": times_json(verified.times()),
                "log_entries": log_entries_json(verified.log_entries()),
            },
            "claims": match &self.place {
                Written::Claims(added) => added.json(),
                Written::File(_) | Written::Stdout => Value::Null,
            },
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let files = amount(self.subject.files, self.subject.size);
        let kind = Escaped(self.signed.verified.attestation().predicate_type());
        row(out, GOOD, "Attested", format_args!("{}: {files}, {kind}", shown(&self.model)))?;
        if let Some(provenance) = self.provenance() {
            print_said(out, &provenance)?;
        }
        print_signer(out, &self.facts, self.signed.verified.signer())?;
        print_evidence(out, self.signed.verified.times(), self.signed.verified.log_entries())?;
        if let Some((level, why)) = self.level() {
            row(out, WARN, "SLSA level", format_args!("build level {level} at most: {why}"))?;
        }
        for base in &self.bases {
            base.print(out)?;
        }
        row(out, GOOD, "Model", self.subject.model)?;
        row(out, GOOD, "Root", self.subject.root)?;
        for ignored in &self.subject.ignored {
            row(out, WARN, "Left out", format_args!("{ignored} (by the signature, which was not verified)"))?;
        }
        if !self.subject.is_signed {
            row(out, WARN, "Note", "the model is not signed: an attestation does not say whose it is")?;
        }
        match &self.place {
            Written::Claims(added) => added.print(out),
            Written::File(path) => row(out, GOOD, "Attestation", shown(path)),
            Written::Stdout => row(out, GOOD, "Attestation", "(standard output)"),
        }
    }
}

/// What the statement says of the build, by the word of whoever signed it.
fn print_said(out: &mut dyn Write, provenance: &Provenance) -> io::Result<()> {
    row(out, WARN, "Says", format_args!("builder {}", Escaped(&provenance.builder)))?;
    if let Some(source) = &provenance.source {
        let reference = source.reference.as_ref().map(|reference| format!("@{}", Escaped(reference)));
        let commit = source.commit.as_ref().map(|commit| format!(", commit {}", Escaped(commit)));
        let (reference, commit) = (reference.unwrap_or_default(), commit.unwrap_or_default());
        row(out, WARN, "Says", format_args!("source {}{reference}{commit}", Escaped(&source.repository)))?;
    }
    if let Some(invocation) = provenance.run.as_ref().and_then(|run| run.invocation.as_ref()) {
        row(out, WARN, "Says", format_args!("run {}", Escaped(invocation)))?;
    }
    Ok(())
}
