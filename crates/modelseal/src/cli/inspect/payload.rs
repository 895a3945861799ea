//! What the payload of a bundle claims: a model, or something that is said of
//! one.

use std::io::{self, Write};

use modelseal::{
    Attestation, Escaped, Manifest, PredicateError, Provenance, Release, SUCCESSION_TYPE, SUMMARY_TYPE,
    Statement, StatementError, Succession, VerificationSummary, model_digest_of,
};
use modelseal_bundle::legacy;
use serde_json::{Value, json};

use crate::cli::text::{BAD, WARN, how, row};

/// The most of what a model was made from that is listed.
const MAX_SHOWN: usize = 32;

pub(super) enum Payload {
    Statement(Statement),
    Attestation(Attestation),
    /// Neither; why it is no statement about a model.
    Unreadable(StatementError),
}

impl Payload {
    pub(super) fn read(payload: &[u8]) -> Self {
        match legacy::parse_unverified_statement(payload) {
            Ok(statement) => Self::Statement(statement),
            Err(error @ (StatementError::PredicateType { .. } | StatementError::StatementType { .. })) => {
                Attestation::parse(payload).map_or(Self::Unreadable(error), Self::Attestation)
            }
            Err(error) => Self::Unreadable(error),
        }
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::Statement(statement) => statement_json(statement),
            Self::Attestation(attestation) => attestation_json(attestation),
            Self::Unreadable(error) => json!({ "error": error.to_string() }),
        }
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Statement(statement) => print_statement(out, statement),
            Self::Attestation(attestation) => print_attestation(out, attestation),
            Self::Unreadable(error) => row(out, BAD, "Statement", error),
        }
    }
}

/// A predicate of a type that is known here.
enum Predicate {
    Release(Release),
    Succession(Succession),
    Provenance(Box<Provenance>),
    Summary(Box<VerificationSummary>),
    Other,
}

impl Predicate {
    fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        match attestation.predicate_type() {
            kind if Release::is_type(kind) => Release::of(attestation).map(Self::Release),
            kind if Provenance::is_type(kind) => {
                Provenance::of(attestation).map(|provenance| Self::Provenance(Box::new(provenance)))
            }
            SUMMARY_TYPE => {
                VerificationSummary::of(attestation).map(|summary| Self::Summary(Box::new(summary)))
            }
            SUCCESSION_TYPE => Succession::of(attestation).map(Self::Succession),
            _ => Ok(Self::Other),
        }
    }
}

fn print_attestation(out: &mut dyn Write, attestation: &Attestation) -> io::Result<()> {
    row(out, WARN, "Predicate", Escaped(attestation.predicate_type()))?;
    for digest in model_digest_of(attestation) {
        row(out, WARN, "Model", digest)?;
    }
    match Predicate::of(attestation) {
        Ok(Predicate::Release(Release { name, version })) => {
            row(out, WARN, "Release", format_args!("{name} {version}"))
        }
        Ok(Predicate::Succession(Succession { scope, successor })) => {
            row(out, WARN, "Scope", scope)?;
            row(out, WARN, "Successor", successor)
        }
        Ok(Predicate::Provenance(provenance)) => print_provenance(out, &provenance),
        Ok(Predicate::Summary(summary)) => print_summary(out, &summary),
        Ok(Predicate::Other) => Ok(()),
        Err(error) => row(out, BAD, "Problem", error),
    }
}

fn print_provenance(out: &mut dyn Write, provenance: &Provenance) -> io::Result<()> {
    row(out, WARN, "Builder", Escaped(&provenance.builder))?;
    row(out, WARN, "Build type", Escaped(&provenance.build_type))?;
    if let Some(source) = &provenance.source {
        let reference = source.reference.as_ref().map(|reference| format!("@{}", Escaped(reference)));
        row(
            out,
            WARN,
            "Source",
            format_args!("{}{}", Escaped(&source.repository), reference.unwrap_or_default()),
        )?;
    }
    for dependency in provenance.dependencies.iter().take(MAX_SHOWN) {
        let name = dependency.uri().or(dependency.name()).unwrap_or("something without a name");
        let digest = dependency.model_digest().map(|digest| format!(", {digest}")).unwrap_or_default();
        row(out, WARN, "Made from", format_args!("{}{digest}", Escaped(name)))?;
    }
    match provenance.dependencies.len().checked_sub(MAX_SHOWN) {
        Some(more @ 1..) => row(out, WARN, "Made from", format_args!("{more} more")),
        _ => Ok(()),
    }
}

fn print_summary(out: &mut dyn Write, summary: &VerificationSummary) -> io::Result<()> {
    let result = if summary.has_passed { "PASSED" } else { "FAILED" };
    row(out, WARN, "Result", format_args!("{result}, for {}", Escaped(&summary.resource)))?;
    row(out, WARN, "Verifier", Escaped(&summary.verifier))?;
    let digest = summary.policy.sha256.map(|digest| format!(", sha256:{digest}")).unwrap_or_default();
    row(out, WARN, "Policy", format_args!("{}{digest}", Escaped(&summary.policy.uri)))?;
    row(out, WARN, "Levels", Escaped(&summary.levels.join(", ")))
}

fn provenance_json(provenance: &Provenance) -> Value {
    json!({
        "builder": provenance.builder,
        "build_type": provenance.build_type,
        "source": provenance.source.as_ref().map(|source| json!({
            "repository": source.repository, "ref": source.reference, "commit": source.commit,
        })),
        "dependencies": provenance.dependencies.iter().map(|resource| json!({
            "name": resource.name(), "uri": resource.uri(), "role": resource.role(),
            "digest": resource.model_digest().map(|digest| digest.to_string()),
        })).collect::<Vec<_>>(),
    })
}

fn summary_json(summary: &VerificationSummary) -> Value {
    json!({
        "result": if summary.has_passed { "PASSED" } else { "FAILED" },
        "resource": summary.resource,
        "verifier": summary.verifier,
        "time": summary.verified.map(|time| time.to_string()),
        "policy": summary.policy.sha256.map(|digest| format!("sha256:{digest}")),
        "levels": summary.levels,
    })
}

fn attestation_json(attestation: &Attestation) -> Value {
    let models: Vec<String> = model_digest_of(attestation).map(|digest| digest.to_string()).collect();
    let mut shape = json!({
        "predicate_type": attestation.predicate_type(),
        "models": models,
        "release": null,
        "succession": null,
        "provenance": null,
        "summary": null,
        "problem": null,
    });
    match Predicate::of(attestation) {
        Ok(Predicate::Release(Release { name, version })) => {
            shape["release"] = json!({ "name": name.as_str(), "version": version.to_string() });
        }
        Ok(Predicate::Succession(Succession { scope, successor })) => {
            shape["succession"] = json!({ "scope": scope.to_string(), "successor": successor });
        }
        Ok(Predicate::Provenance(provenance)) => shape["provenance"] = provenance_json(&provenance),
        Ok(Predicate::Summary(summary)) => shape["summary"] = summary_json(&summary),
        Ok(Predicate::Other) => {}
        Err(error) => shape["problem"] = json!(error.to_string()),
    }
    shape
}

fn print_statement(out: &mut dyn Write, statement: &Statement) -> io::Result<()> {
    let manifest = statement.manifest();
    if !statement.subject_name().is_empty() {
        row(out, WARN, "Subject", Escaped(statement.subject_name()))?;
    }
    row(out, WARN, "Root", manifest.root_digest())?;
    if let Some(digest) = manifest.model_digest() {
        row(out, WARN, "Model", digest)?;
    }
    row(out, WARN, "Hashed by", how(manifest))?;
    row(out, WARN, "Symlinks", if manifest.serialization().allow_symlinks { "followed" } else { "refused" })?;
    row(out, WARN, "Order", order(manifest))?;
    for path in &manifest.serialization().ignore_paths {
        row(out, WARN, "Ignores", path)?;
    }
    for resource in manifest.resources() {
        writeln!(out, "  {}  {}", resource.digest.to_hex(), resource.name)?;
    }
    Ok(())
}

fn order(manifest: &Manifest) -> &'static str {
    if manifest.is_sorted() { "code points" } else { "not the specification's" }
}

fn statement_json(statement: &Statement) -> Value {
    let manifest = statement.manifest();
    let serialization = manifest.serialization();
    let resources = manifest
        .resources()
        .iter()
        .map(|r| json!({ "name": r.name.to_wire(), "digest": r.digest.to_string() }));
    json!({
        "subject_name": statement.subject_name(),
        "root": manifest.root_digest().to_string(),
        "digest": manifest.model_digest().map(|digest| digest.to_string()),
        "hash": serialization.hash_type.as_str(),
        "method": serialization.method.as_str(),
        "allow_symlinks": serialization.allow_symlinks,
        "ignore_paths": serialization.ignore_paths.iter().map(|p| p.as_path().as_str().to_owned()).collect::<Vec<_>>(),
        "is_sorted": manifest.is_sorted(),
        "resources": resources.collect::<Vec<_>>(),
    })
}
