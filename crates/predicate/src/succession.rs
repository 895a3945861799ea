use std::collections::BTreeMap;

use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{Scope, Sha256Digest};
use serde_json::{Map, Value};

use crate::{PredicateError, SignerId};

/// The predicate type of successions.
pub const SUCCESSION_TYPE: &str = "urn:modelseal:predicate:succession:v1";

/// Whoever signs this is followed by somebody else, who from now on signs what
/// has these names (`spec/attestations.md`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Succession {
    /// For which names.
    pub scope: Scope,
    /// Who follows.
    pub successor: SignerId,
}

impl Succession {
    /// Reads the predicate of `attestation`.
    ///
    /// # Errors
    /// [`PredicateError`].
    pub fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        if attestation.predicate_type() != SUCCESSION_TYPE {
            let found = attestation.predicate_type().to_owned();
            return Err(PredicateError::Type { expected: SUCCESSION_TYPE, found });
        }
        let scope = attestation.predicate().get("scope").and_then(Value::as_str);
        let scope: Scope = scope.ok_or_else(|| field("scope", "is missing, or is no text"))?.parse()?;
        let successor = attestation.predicate().get("successor").cloned().unwrap_or_default();
        let successor = serde_json::from_value(successor);
        let successor = successor.map_err(|error| field("successor", &error.to_string()))?;
        let succession = Self { scope, successor };
        if attestation.subjects() != [succession.subject()] {
            return Err(field("scope", "is not what the subject of the statement is"));
        }
        Ok(succession)
    }

    /// Says it.
    #[expect(clippy::missing_panics_doc, reason = "texts always serialize")]
    pub fn attest(&self) -> Attestation {
        let successor = serde_json::to_value(&self.successor).expect("texts always serialize");
        let scope = Value::String(self.scope.to_string());
        let predicate = Map::from_iter([("scope".to_owned(), scope), ("successor".to_owned(), successor)]);
        Attestation::new(self.subject(), SUCCESSION_TYPE, predicate)
    }

    /// It is about names and no bytes: the subject is the text of the scope.
    fn subject(&self) -> Subject {
        let text = self.scope.to_string();
        let digest = Sha256Digest::of(text.as_bytes()).to_string();
        Subject { name: text, digest: BTreeMap::from([("sha256".to_owned(), digest)]) }
    }
}

fn field(field: &'static str, problem: &str) -> PredicateError {
    PredicateError::Field { field: field.to_owned(), problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn succession() -> Succession {
        let key = format!("sha256:{}", "0a".repeat(32)).parse().unwrap();
        Succession { scope: "hf://acme/*".parse().unwrap(), successor: SignerId::Key { key } }
    }

    fn with(field: &str, value: Value) -> Result<Succession, PredicateError> {
        let attestation = succession().attest();
        let mut predicate = attestation.predicate().clone();
        predicate.insert(field.to_owned(), value);
        Succession::of(&Attestation::new(attestation.subjects()[0].clone(), SUCCESSION_TYPE, predicate))
    }

    #[test]
    fn a_succession_reads_back_as_it_was_attested() {
        assert_eq!(Succession::of(&succession().attest()), Ok(succession()));
        let workflow = json!({ "method": "workflow", "issuer": "https://i.example", "owner-id": "42" });
        let read = with("successor", workflow).unwrap().successor;
        assert_eq!(read.to_string(), "owner id 42, by the word of https://i.example");
    }

    #[test]
    fn a_successor_that_is_nobody_is_refused() {
        for successor in [
            json!(null),
            json!("somebody"),
            json!({}),
            json!({ "method": "key" }),
            json!({ "method": "key", "key": "00" }),
            json!({ "method": "identity", "identity": "a@b" }),
            json!({ "method": "identity", "identity": "a@b", "issuer": "i", "owner-id": "4" }),
            json!({ "method": "other" }),
        ] {
            assert!(with("successor", successor.clone()).is_err(), "{successor}");
        }
    }

    #[test]
    fn a_scope_that_is_not_the_subject_is_refused() {
        for scope in [json!("hf://*"), json!("*"), json!(1), json!("hf://Acme/*")] {
            assert!(with("scope", scope.clone()).is_err(), "{scope}");
        }
    }
}
