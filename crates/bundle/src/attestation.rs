use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::Object;
use crate::{AttestationError, PREDICATE_TYPE, STATEMENT_TYPE, json};

/// What in-toto called statements before; nothing that is read was different.
const STATEMENT_TYPE_V0_1: &str = "https://in-toto.io/Statement/v0.1";
/// Values in the JSON of an attestation.
const MAX_VALUES: usize = 200_000;

/// An in-toto statement that is not the signature of a model: somebody says
/// something, in a predicate, of what the subjects are.
///
/// Subjects are alternatives: what is said is said of each of them alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Attestation {
    subjects: Vec<Subject>,
    predicate_type: String,
    predicate: Map<String, Value>,
}

/// What an attestation is about: bytes, by their digests. The name is for
/// people, unless the predicate says otherwise.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Subject {
    /// A description; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Digests of the same bytes, by their algorithms.
    pub digest: BTreeMap<String, String>,
}

impl Attestation {
    /// Says `predicate` of `subject`.
    pub fn new(subject: Subject, predicate_type: impl Into<String>, predicate: Map<String, Value>) -> Self {
        Self { subjects: vec![subject], predicate_type: predicate_type.into(), predicate }
    }

    /// Reads a payload: a statement of in-toto's version 1 or 0.1, which have
    /// the same fields. Unknown fields are passed over, as in-toto asks.
    ///
    /// # Errors
    /// [`AttestationError`].
    pub fn parse(payload: &[u8]) -> Result<Self, AttestationError> {
        let Object(wire) = json::parse::<Object<Wire>>(payload, MAX_VALUES)?;
        if ![STATEMENT_TYPE, STATEMENT_TYPE_V0_1].contains(&wire.statement_type.as_str()) {
            return Err(AttestationError::StatementType { found: wire.statement_type });
        }
        if wire.predicate_type == PREDICATE_TYPE {
            return Err(AttestationError::ModelSignature);
        }
        let subjects: Vec<Subject> = wire.subject.into_iter().map(|Object(subject)| subject).collect();
        if subjects.is_empty() || subjects.iter().any(|subject| subject.digest.is_empty()) {
            return Err(AttestationError::NoSubject);
        }
        Ok(Self { subjects, predicate_type: wire.predicate_type, predicate: wire.predicate })
    }

    /// Writes the payload, as compact JSON.
    #[expect(clippy::missing_panics_doc, reason = "what was JSON always serializes")]
    pub fn to_payload(&self) -> Vec<u8> {
        let wire = Wire {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: self.subjects.iter().cloned().map(Object).collect(),
            predicate_type: self.predicate_type.clone(),
            predicate: self.predicate.clone(),
        };
        serde_json::to_vec(&wire).expect("what was JSON always serializes")
    }

    /// What it is about, at least one.
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What kind of thing it says: a URI.
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What it says.
    pub fn predicate(&self) -> &Map<String, Value> {
        &self.predicate
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Object<Subject>>,
    predicate_type: String,
    #[serde(default)]
    predicate: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wire() -> Value {
        json!({
            "_type": STATEMENT_TYPE, "subject": [{"name": "m", "digest": {"sha256": "00"}}],
            "predicateType": "https://example.com/p/v1", "predicate": {"a": [1, {"b": null}]},
        })
    }

    fn with(pointer: &str, value: Value) -> Result<Attestation, AttestationError> {
        let mut wire = wire();
        *wire.pointer_mut(pointer).unwrap() = value;
        Attestation::parse(wire.to_string().as_bytes())
    }

    #[test]
    fn what_is_written_reads_back() {
        let attestation = Attestation::parse(wire().to_string().as_bytes()).unwrap();
        assert_eq!(Attestation::parse(&attestation.to_payload()).unwrap(), attestation);
        assert_eq!(serde_json::from_slice::<Value>(&attestation.to_payload()).unwrap(), wire());
    }

    #[test]
    fn a_predicate_may_be_left_out_and_nothing_else() {
        let mut wire = wire();
        wire.as_object_mut().unwrap().remove("predicate");
        assert!(Attestation::parse(wire.to_string().as_bytes()).unwrap().predicate().is_empty());
        for field in ["_type", "subject", "predicateType"] {
            let mut wire = wire.clone();
            wire.as_object_mut().unwrap().remove(field);
            assert!(Attestation::parse(wire.to_string().as_bytes()).is_err(), "{field}");
        }
    }

    #[test]
    fn a_model_signature_is_no_attestation() {
        assert_eq!(with("/predicateType", json!(PREDICATE_TYPE)), Err(AttestationError::ModelSignature));
    }

    #[test]
    fn the_older_version_of_statements_reads_alike() {
        let found = with("/_type", json!("https://in-toto.io/Statement/v0.1"));
        assert_eq!(found, Attestation::parse(wire().to_string().as_bytes()));
    }

    #[test]
    fn another_statement_type_is_refused() {
        for other in ["https://in-toto.io/Statement/v2", "https://in-toto.io/Statement/v0.2", ""] {
            let found = with("/_type", json!(other));
            assert!(matches!(found, Err(AttestationError::StatementType { .. })), "{other}");
        }
    }

    #[test]
    fn a_statement_about_nothing_is_refused() {
        assert_eq!(with("/subject", json!([])), Err(AttestationError::NoSubject));
        assert_eq!(with("/subject/0/digest", json!({})), Err(AttestationError::NoSubject));
        assert!(matches!(with("/subject", json!({})), Err(AttestationError::Json(_))));
        assert!(matches!(with("/predicate", json!([])), Err(AttestationError::Json(_))));
    }
}
