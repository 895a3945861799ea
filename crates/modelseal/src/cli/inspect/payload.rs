//! What the payload of a bundle claims: a model, or something that is said of
//! one.

use std::io::{self, Write};

use modelseal::{
    Attestation, Escaped, Manifest, PredicateError, Release, SUCCESSION_TYPE, Statement, StatementError,
    Succession, model_digest_of,
};
use modelseal_bundle::legacy;
use serde_json::{Value, json};

use crate::cli::text::{BAD, WARN, how, row};

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
            Err(error @ StatementError::PredicateType { .. }) => {
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
    Other,
}

impl Predicate {
    fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        match attestation.predicate_type() {
            kind if Release::is_type(kind) => Release::of(attestation).map(Self::Release),
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
        Ok(Predicate::Other) => Ok(()),
        Err(error) => row(out, BAD, "Problem", error),
    }
}

fn attestation_json(attestation: &Attestation) -> Value {
    let models: Vec<String> = model_digest_of(attestation).map(|digest| digest.to_string()).collect();
    let (release, succession, problem) = match Predicate::of(attestation) {
        Ok(Predicate::Release(Release { name, version })) => {
            (json!({ "name": name.as_str(), "version": version.to_string() }), Value::Null, None)
        }
        Ok(Predicate::Succession(Succession { scope, successor })) => {
            (Value::Null, json!({ "scope": scope.to_string(), "successor": successor }), None)
        }
        Ok(Predicate::Other) => (Value::Null, Value::Null, None),
        Err(error) => (Value::Null, Value::Null, Some(error.to_string())),
    };
    json!({
        "predicate_type": attestation.predicate_type(),
        "models": models,
        "release": release,
        "succession": succession,
        "problem": problem,
    })
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
