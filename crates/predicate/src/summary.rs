use jiff::Timestamp;
use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{Reference, Sha256Digest};
use serde_json::{Map, Value, json};

use crate::PredicateError;
use crate::field::Fields;
use crate::provenance::uri_problem;

/// The predicate type of verification summaries.
pub const SUMMARY_TYPE: &str = "https://slsa.dev/verification_summary/v1";
/// The version of SLSA whose levels are written.
const SLSA_VERSION: &str = "1.1";
/// How levels of SLSA's build track begin.
const BUILD_LEVEL: &str = "SLSA_BUILD_LEVEL_";
const MAX_BUILD_LEVEL: u8 = 3;
const PASSED: &str = "PASSED";
const FAILED: &str = "FAILED";

/// Somebody verified something, under a policy, and this was the result: a
/// SLSA verification summary (VSA).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerificationSummary {
    /// Who verified, as they say: a URI. It means as much as the signer.
    pub verifier: String,
    /// When.
    pub verified: Option<Timestamp>,
    /// What it was verified as: for models, a reference.
    pub resource: String,
    /// The policy.
    pub policy: SummaryPolicy,
    /// Whether it passed.
    pub has_passed: bool,
    /// What was found of the levels of SLSA, and of others.
    pub levels: Vec<String>,
    /// The attestations that it was reached by: their names, and the SHA-256 of
    /// each.
    pub inputs: Vec<(String, Sha256Digest)>,
}

/// The policy of a summary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SummaryPolicy {
    /// What it is called.
    pub uri: String,
    /// The SHA-256 of its bytes.
    pub sha256: Option<Sha256Digest>,
}

/// What SLSA calls a build that was made under so much of its track.
pub fn build_level(level: Option<u8>) -> String {
    match level {
        Some(level @ 0..=MAX_BUILD_LEVEL) => format!("{BUILD_LEVEL}{level}"),
        _ => format!("{BUILD_LEVEL}UNEVALUATED"),
    }
}

impl VerificationSummary {
    /// Reads the predicate of `attestation`.
    ///
    /// # Errors
    /// [`PredicateError`]: another type; a required field that is missing, or is
    /// of another kind; a result that is neither of the two.
    pub fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        if attestation.predicate_type() != SUMMARY_TYPE {
            let found = attestation.predicate_type().to_owned();
            return Err(PredicateError::Type { expected: SUMMARY_TYPE, found });
        }
        let fields = Fields::of(attestation);
        let verifier = fields.required("verifier", Fields::object)?;
        let has_passed = match fields.required("verificationResult", Fields::text)? {
            PASSED => true,
            FAILED => false,
            _ => return Err(fields.refuse("verificationResult", "is neither PASSED nor FAILED")),
        };
        Ok(Self {
            verifier: verifier.required("id", Fields::text)?.to_owned(),
            verified: fields.time("timeVerified")?,
            resource: fields.required("resourceUri", Fields::text)?.to_owned(),
            policy: read_policy(&fields.required("policy", Fields::object)?)?,
            has_passed,
            levels: fields
                .required("verifiedLevels", Fields::texts)?
                .into_iter()
                .map(str::to_owned)
                .collect(),
            inputs: read_inputs(&fields)?,
        })
    }

    /// What it was verified as, where that is the name of a model.
    pub fn reference(&self) -> Option<Reference> {
        self.resource.parse().ok()
    }

    /// Says it of something.
    ///
    /// # Errors
    /// [`PredicateError::Field`] for what breaks a rule of SLSA: a verifier, resource or
    /// policy that is no URI, no time, levels that SLSA has not, or that are not those
    /// of the result.
    pub fn attest(&self, subject: Subject, version: &str) -> Result<Attestation, PredicateError> {
        self.check()?;
        let mut predicate = json!({
            "verifier": { "id": self.verifier, "version": { "modelseal": version } },
            "resourceUri": self.resource,
            "policy": self.policy.json(),
            "inputAttestations": self.inputs.iter().map(|(name, digest)| json!({
                "name": name, "digest": { "sha256": digest.to_string() }
            })).collect::<Vec<_>>(),
            "verificationResult": if self.has_passed { PASSED } else { FAILED },
            "verifiedLevels": self.levels,
            "slsaVersion": SLSA_VERSION,
        });
        if let Some(time) = self.verified {
            predicate["timeVerified"] = Value::from(time.to_string());
        }
        let predicate = match predicate {
            Value::Object(predicate) => predicate,
            _ => Map::new(),
        };
        Ok(Attestation::new(subject, SUMMARY_TYPE, predicate))
    }
}

impl VerificationSummary {
    /// Whether it keeps the field rules of the specification, which those that are read
    /// need not.
    ///
    /// # Errors
    /// [`PredicateError::Field`].
    pub fn check(&self) -> Result<(), PredicateError> {
        let refuse = |field: &str, problem: &str| {
            Err(PredicateError::Field { field: field.to_owned(), problem: problem.to_owned() })
        };
        for (field, text) in [
            ("verifier.id", &self.verifier),
            ("resourceUri", &self.resource),
            ("policy.uri", &self.policy.uri),
        ] {
            if let Some(problem) = uri_problem(text) {
                return refuse(field, problem);
            }
        }
        if self.verified.is_none() {
            return refuse("timeVerified", "is missing");
        }
        let has_failed = self.levels == [FAILED];
        if self.levels.is_empty() || has_failed == self.has_passed {
            return refuse(
                "verifiedLevels",
                "are not those of the result: FAILED alone, or what was reached",
            );
        }
        let is_of_slsa = |level: &&String| level.starts_with("SLSA_");
        let of_slsa: Vec<&String> = self.levels.iter().filter(is_of_slsa).collect();
        let is_known = |level: &String| {
            let rest = level.strip_prefix(BUILD_LEVEL).unwrap_or_default();
            rest == "UNEVALUATED" || rest.parse().is_ok_and(|level: u8| level <= MAX_BUILD_LEVEL)
        };
        let is_alone = self.levels.len() == 1 || !self.levels.iter().any(|level| level == FAILED);
        if !of_slsa.iter().all(|level| is_known(level)) || of_slsa.len() > 1 || !is_alone {
            return refuse(
                "verifiedLevels",
                "hold what is no level of SLSA's build track, or several of them",
            );
        }
        if self.levels.iter().any(String::is_empty) {
            return refuse("verifiedLevels", "hold an empty one");
        }
        Ok(())
    }
}

impl SummaryPolicy {
    fn json(&self) -> Value {
        let mut json = json!({ "uri": self.uri });
        if let Some(digest) = self.sha256 {
            json["digest"] = json!({ "sha256": digest.to_string() });
        }
        json
    }
}

fn read_policy(policy: &Fields<'_>) -> Result<SummaryPolicy, PredicateError> {
    let digest = policy.object("digest")?;
    let sha256 = digest.map_or(Ok(None), |digest| digest.text("sha256"))?;
    let sha256 = sha256.map(str::parse).transpose();
    Ok(SummaryPolicy {
        uri: policy.text("uri")?.unwrap_or_default().to_owned(),
        sha256: sha256.map_err(|_| policy.refuse("digest.sha256", "is no SHA-256"))?,
    })
}

/// Those that have a SHA-256; they are told, and nothing is decided by them.
fn read_inputs(fields: &Fields<'_>) -> Result<Vec<(String, Sha256Digest)>, PredicateError> {
    let mut inputs = Vec::new();
    for input in fields.objects("inputAttestations")? {
        let digest = input.object("digest")?.map_or(Ok(None), |digest| digest.text("sha256"))?;
        if let Some(digest) = digest.and_then(|hex| hex.parse().ok()) {
            let name = input.text("name")?.or(input.text("uri")?).unwrap_or_default();
            inputs.push((name.to_owned(), digest));
        }
    }
    Ok(inputs)
}
