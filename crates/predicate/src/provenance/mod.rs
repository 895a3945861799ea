mod ci;
mod rules;
mod source;

pub use ci::{CiBuild, CiError, CiPlatform, as_uri_part};
pub use rules::{is_uri, uri_problem};
pub use source::{Run, Source};

use jiff::Timestamp;
use modelseal_bundle::{Attestation, Subject, check_json};
use serde_json::{Map, Value};

use crate::field::Fields;
use crate::{PredicateError, ResourceDescriptor};

/// The predicate type of provenance, as it is written: SLSA v1.
pub const PROVENANCE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// The predicate type of provenance before, which is read.
pub const PROVENANCE_TYPE_V0_2: &str = "https://slsa.dev/provenance/v0.2";
/// What modelseal calls itself among the versions of a builder.
const TOOL: &str = "modelseal";
/// The most values in a predicate that is to be written: with the rest of its
/// statement, as many as are read.
const MAX_VALUES: usize = 199_900;
/// Digits that a number keeps.
const MAX_DIGITS: usize = 15;

/// How something was made, by the word of whoever signed it: SLSA provenance,
/// of version 1 or 0.2.
///
/// What is not read here stands in the attestation still.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// How to understand the rest: a URI.
    pub build_type: String,
    /// Who built it, as they say: a URI. It means as much as the signer.
    pub builder: String,
    /// What was built, where the build type says how to tell.
    pub source: Option<Source>,
    /// The run of a CI system that built it, where the build type is of one: what
    /// the certificate of such a run says as well.
    pub run: Option<Run>,
    /// Whether the job wrote it about itself, as modelseal does: nothing that it is
    /// isolated from did.
    pub is_by_the_job_itself: bool,
    /// When the build began.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// What went into it.
    pub dependencies: Vec<ResourceDescriptor>,
}

impl Provenance {
    /// Whether an attestation says that it is of this kind.
    pub fn is_type(predicate_type: &str) -> bool {
        [PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2].contains(&predicate_type)
    }

    /// Reads the predicate of `attestation`, passing over what is unknown.
    ///
    /// # Errors
    /// [`PredicateError`]: another type; no builder or build type; a field that
    /// is read and is of another kind.
    pub fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        let fields = Fields::of(attestation);
        match attestation.predicate_type() {
            PROVENANCE_TYPE => v1(&fields),
            PROVENANCE_TYPE_V0_2 => v0_2(&fields),
            found => Err(PredicateError::Type { expected: PROVENANCE_TYPE, found: found.to_owned() }),
        }
    }

    /// The models, and data sets that are signed as models are, that went into
    /// it.
    pub fn models(&self) -> impl Iterator<Item = &ResourceDescriptor> {
        self.dependencies.iter().filter(|resource| resource.is_model())
    }
}

fn v1(fields: &Fields<'_>) -> Result<Provenance, PredicateError> {
    let definition = fields.required("buildDefinition", Fields::object)?;
    let details = fields.required("runDetails", Fields::object)?;
    let builder = details.required("builder", Fields::object)?;
    let metadata = details.object("metadata")?;
    let time = |name| metadata.as_ref().map_or(Ok(None), |metadata| metadata.time(name));
    let build_type = definition.required("buildType", Fields::text)?.to_owned();
    let dependencies = resources(&definition, "resolvedDependencies")?;
    let id = builder.required("id", Fields::text)?.to_owned();
    let run = Run::of_v1((&build_type, &id), &definition, metadata.as_ref(), &dependencies)?;
    Ok(Provenance {
        source: run.as_ref().map(Run::source).or(Source::of_v1(&definition)),
        run,
        builder: id,
        is_by_the_job_itself: builder.object("version")?.is_some_and(|version| version.has(TOOL)),
        started: time("startedOn")?,
        finished: time("finishedOn")?,
        dependencies,
        build_type,
    })
}

fn v0_2(fields: &Fields<'_>) -> Result<Provenance, PredicateError> {
    let builder = fields.required("builder", Fields::object)?;
    let metadata = fields.object("metadata")?;
    let time = |name| metadata.as_ref().map_or(Ok(None), |metadata| metadata.time(name));
    let build_type = fields.required("buildType", Fields::text)?.to_owned();
    let source = Source::of_v0_2(fields)?;
    let builder = builder.required("id", Fields::text)?.to_owned();
    Ok(Provenance {
        run: source.as_ref().and_then(|source| Run::of_v0_2(&build_type, &builder, source)),
        source,
        builder,
        is_by_the_job_itself: false,
        started: time("buildStartedOn")?,
        finished: time("buildFinishedOn")?,
        dependencies: resources(fields, "materials")?,
        build_type,
    })
}

fn resources(fields: &Fields<'_>, name: &str) -> Result<Vec<ResourceDescriptor>, PredicateError> {
    fields.objects(name)?.iter().map(ResourceDescriptor::read).collect()
}

/// Provenance that is to be signed: it meets every rule of SLSA v1 for the
/// fields that it has. Fields that are not of SLSA are kept as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct NewProvenance {
    predicate: Map<String, Value>,
}

impl NewProvenance {
    /// Reads a predicate of SLSA provenance v1 in JSON.
    ///
    /// # Errors
    /// [`PredicateError`], with the field that breaks a rule.
    pub fn parse(json: &[u8]) -> Result<Self, PredicateError> {
        Self::new(parse_predicate(json)?)
    }

    fn new(predicate: Map<String, Value>) -> Result<Self, PredicateError> {
        let fields = Fields::of_predicate(&predicate);
        rules::check(&fields)?;
        // Of build types that are known here, what could not be read is not written.
        v1(&fields)?;
        Ok(Self { predicate })
    }

    /// Adds what went into it.
    ///
    /// # Errors
    /// [`PredicateError`], for a resource that breaks a rule.
    pub fn and_dependencies(mut self, resources: &[ResourceDescriptor]) -> Result<Self, PredicateError> {
        if let Some(Value::Object(definition)) = self.predicate.get_mut("buildDefinition") {
            let list = definition.entry("resolvedDependencies").or_insert(Value::Null);
            let mut all = list.as_array().cloned().unwrap_or_default();
            all.extend(resources.iter().map(|resource| Value::Object(resource.json().clone())));
            *list = Value::Array(all);
        }
        Self::new(self.predicate)
    }

    /// Says it of something.
    pub fn attest(&self, subject: Subject) -> Attestation {
        Attestation::new(subject, PROVENANCE_TYPE, self.predicate.clone())
    }
}

/// Reads any predicate: one JSON object, within the limits of those that are
/// read again, with numbers that stay what they are.
///
/// # Errors
/// [`PredicateError`].
pub fn parse_predicate(json: &[u8]) -> Result<Map<String, Value>, PredicateError> {
    check_json(json, MAX_VALUES)?;
    // In a statement it stands one deeper.
    check_json(&[b"[", json, b"]"].concat(), MAX_VALUES + 1)?;
    let value: Value = serde_json::from_slice(json).map_err(|error| PredicateError::Json(error.into()))?;
    if let Some(number) = unfaithful_number(json) {
        return Err(PredicateError::Number { found: number });
    }
    match value {
        Value::Object(map) if map.contains_key("_type") && map.contains_key("predicate") => {
            Err(PredicateError::WholeStatement)
        }
        Value::Object(map) => Ok(map),
        _ => Err(PredicateError::NoObject),
    }
}

/// A number with more digits than are kept: it would be signed as another one.
/// `json` is known to be JSON.
fn unfaithful_number(json: &[u8]) -> Option<String> {
    let (mut in_text, mut is_escaped) = (false, false);
    let mut numbers = String::new();
    for byte in json.iter().copied() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => in_text = !in_text,
            byte if !in_text && (byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
                numbers.push(char::from(byte));
                continue;
            }
            _ => {}
        }
        numbers.push(' ');
    }
    numbers.split_ascii_whitespace().find(|number| !is_faithful(number)).map(str::to_owned)
}

fn is_faithful(number: &str) -> bool {
    // The letters of `true` and `false` are no numbers.
    if !number.contains(|c: char| c.is_ascii_digit()) {
        return true;
    }
    if number.contains(['.', 'e', 'E']) {
        let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        let digits = digits.trim_start_matches('0');
        let is_zero = number.parse::<f64>().is_ok_and(|value| value == 0.0);
        return digits.len() <= MAX_DIGITS && is_zero == digits.is_empty() && !number.starts_with("-0e");
    }
    number != "-0" && (number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok())
}
