//! What a rule demands beside the signatures of publishers: attestations about
//! how the model was made; and whose verdict it takes in place of both.

use std::fmt::{self, Display};

use jiff::SignedDuration;
use modelseal_manifest::{Escaped, Scope, Sha256Digest};
use modelseal_predicate::{Fingerprint, Provenance, SUMMARY_TYPE, is_uri};
use modelseal_verify::IdentityPattern;

use crate::document::{DocumentError, Field, Table};
use crate::evidence::Said;
use crate::publisher::read_pattern;
use crate::rule::{Threshold, read_signed_by};

/// The most attestations, and the most verifiers, that a rule names.
const MAX_DEMANDS: usize = 16;
/// The most policies of one verifier, and scopes of one demand.
const MAX_NAMED: usize = 64;
/// The highest level of SLSA's build track.
const MAX_LEVEL: u64 = 3;

/// An attestation without which a model is denied.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    pub(crate) kind: Kind,
    /// Whose word it has to be.
    pub(crate) signed_by: Threshold,
    pub(crate) max_age: Option<SignedDuration>,
    pub(crate) build: Built,
}

/// What kind of thing has to be said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// How it was made, in any version of SLSA's provenance that is read.
    Provenance,
    /// A predicate of this type.
    Type(String),
}

/// What provenance has to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Built {
    pub(crate) builder: Option<IdentityPattern>,
    pub(crate) build_type: Option<IdentityPattern>,
    pub(crate) source: Option<IdentityPattern>,
    pub(crate) source_ref: Option<IdentityPattern>,
    pub(crate) dependencies: Option<Dependencies>,
    /// The level of SLSA's build track that the policy takes such a build for.
    pub(crate) level: Option<u8>,
}

/// The models that it was made from.
#[derive(Clone, Debug)]
pub(crate) struct Dependencies {
    pub(crate) at_least: usize,
    /// Each has a name in one of these, and is admitted under it.
    pub(crate) of: Vec<Scope>,
}

/// Somebody whose verdict stands for signatures and attestations.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    /// Who signs, as a place in the policy's list of publishers.
    pub(crate) signer: usize,
    /// Who verified, as they call themselves.
    pub(crate) id: String,
    /// Under which policies, by the SHA-256 of their bytes.
    pub(crate) policies: Vec<Sha256Digest>,
    pub(crate) max_age: SignedDuration,
}

impl Demand {
    /// Whether it is of the kind, and by one of those, that it asks for.
    pub(crate) fn is_asked(&self, said: &Said) -> bool {
        self.kind.is_met_by(&said.predicate_type) && self.signed_by.of.contains(&said.publisher)
    }
}

impl Kind {
    pub(crate) fn is_met_by(&self, predicate_type: &str) -> bool {
        match self {
            Self::Provenance => Provenance::is_type(predicate_type),
            Self::Type(expected) => expected == predicate_type,
        }
    }

    fn is_provenance(&self) -> bool {
        match self {
            Self::Provenance => true,
            Self::Type(expected) => Provenance::is_type(expected),
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provenance => f.write_str("provenance"),
            Self::Type(expected) => Escaped(expected).fmt(f),
        }
    }
}

/// `publishers` are the names in the order of the policy's list.
pub(crate) fn read_demands(
    field: Field<'_>,
    publishers: &dyn Fn(&str) -> Option<usize>,
) -> Result<Vec<Demand>, DocumentError> {
    bounded(field, MAX_DEMANDS, "attestations", |field| read_demand(field, publishers))
}

fn read_demand(
    field: Field<'_>,
    publishers: &dyn Fn(&str) -> Option<usize>,
) -> Result<Demand, DocumentError> {
    let mut table = field.table()?;
    let kind = read_kind(&table.required("type")?)?;
    let signed_by = read_signed_by(table.required("signed-by")?, publishers)?;
    let max_age = table.optional("max-age").map(|field| read_age(&field)).transpose()?;
    let build = if kind.is_provenance() { read_build(&mut table)? } else { Built::default() };
    table.finish()?;
    Ok(Demand { kind, signed_by, max_age, build })
}

fn read_kind(field: &Field<'_>) -> Result<Kind, DocumentError> {
    match field.text()? {
        "provenance" => Ok(Kind::Provenance),
        SUMMARY_TYPE => Err(field.refuse("is of verdicts, which \"summaries\" takes: an attestation of this type may say FAILED")),
        text if is_uri(text) => Ok(Kind::Type(text.to_owned())),
        _ => Err(field.refuse(
            "expected \"provenance\", for SLSA provenance of any version that is read, or the URI of a predicate type",
        )),
    }
}

fn read_build(table: &mut Table<'_>) -> Result<Built, DocumentError> {
    let mut pattern = |name| table.optional(name).map(|field| read_pattern(&field)).transpose();
    let (builder, build_type) = (pattern("builder")?, pattern("build-type")?);
    let (source, source_ref) = (pattern("source")?, pattern("source-ref")?);
    let dependencies = table.optional("dependencies").map(read_dependencies).transpose()?;
    let level = table.optional("build-level");
    let level = level.map(|field| match field.integer()? {
        level @ 1..=MAX_LEVEL => Ok(u8::try_from(level).unwrap_or(u8::MAX)),
        _ => Err(field.refuse(format!("expected a level of SLSA's build track, 1 to {MAX_LEVEL}"))),
    });
    Ok(Built { builder, build_type, source, source_ref, dependencies, level: level.transpose()? })
}

fn read_dependencies(field: Field<'_>) -> Result<Dependencies, DocumentError> {
    let mut table = field.table()?;
    let at_least = table.optional("at-least").map_or(Ok(1), |field| field.integer())?;
    let of = table.required("of")?;
    let mark = of.mark();
    let of = bounded(of, MAX_NAMED, "scopes", |field| field.parse())?;
    if of.is_empty() {
        return Err(mark.refuse("is empty: nothing could be what it was made from"));
    }
    table.finish()?;
    Ok(Dependencies { at_least: usize::try_from(at_least).unwrap_or(usize::MAX), of })
}

/// `publishers` are the names in the order of the policy's list.
pub(crate) fn read_verifiers(
    field: Field<'_>,
    publishers: &dyn Fn(&str) -> Option<usize>,
) -> Result<Vec<Verifier>, DocumentError> {
    bounded(field, MAX_DEMANDS, "summaries", |field| read_verifier(field, publishers))
}

fn read_verifier(
    field: Field<'_>,
    publishers: &dyn Fn(&str) -> Option<usize>,
) -> Result<Verifier, DocumentError> {
    let mut table = field.table()?;
    let signed_by = table.required("signed-by")?;
    let name = signed_by.text()?;
    let signer = publishers(name)
        .ok_or_else(|| signed_by.refuse(format!("\"{}\" is no publisher of this policy", Escaped(name))))?;
    let id = table.required("verifier")?;
    if !is_uri(id.text()?) {
        return Err(id.refuse("expected a URI, as the verifier's summaries have it in verifier.id"));
    }
    let id = id.text()?.to_owned();
    let policies = table.required("policies")?;
    let mark = policies.mark();
    let policies = bounded(policies, MAX_NAMED, "policies", |field| field.parse::<Fingerprint>())?;
    if policies.is_empty() {
        return Err(mark.refuse("is empty: no verdict could count"));
    }
    let max_age = read_age(&table.required("max-age")?)?;
    table.finish()?;
    Ok(Verifier { signer, id, policies: policies.into_iter().map(|policy| policy.0).collect(), max_age })
}

/// `90d`, `12h`.
fn read_age(field: &Field<'_>) -> Result<SignedDuration, DocumentError> {
    let text = field.text()?;
    let number = |digits: &str| {
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u32>().ok().filter(|number| is_plain && *number > 0)
    };
    let age = match (text.strip_suffix('d').map(number), text.strip_suffix('h').map(number)) {
        (Some(Some(days)), _) => Some(SignedDuration::from_hours(i64::from(days) * 24)),
        (_, Some(Some(hours))) => Some(SignedDuration::from_hours(i64::from(hours))),
        _ => None,
    };
    age.ok_or_else(|| field.refuse("expected a number of days or hours, such as 90d or 12h"))
}

fn bounded<T>(
    field: Field<'_>,
    most: usize,
    what: &str,
    read: impl Fn(Field<'_>) -> Result<T, DocumentError>,
) -> Result<Vec<T>, DocumentError> {
    let mark = field.mark();
    let fields = field.list()?;
    if fields.len() > most {
        return Err(mark.refuse(format!("has {} {what}, and at most {most} are read", fields.len())));
    }
    fields.into_iter().map(read).collect()
}
