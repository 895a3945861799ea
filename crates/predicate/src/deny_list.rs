use modelseal_bundle::{Attestation, Subject};
use serde_json::{Map, Value};

use crate::PredicateError;

/// The predicate type of the signatures of deny-lists.
pub const DENY_LIST_TYPE: &str = "urn:modelseal:predicate:deny-list:v1";

/// These bytes are the deny-list of this number (`spec/attestations.md`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DenyListRelease {
    /// The number, which only grows.
    pub serial: u64,
}

impl DenyListRelease {
    /// Reads the predicate of `attestation`. Which bytes it is about, its
    /// subjects say.
    ///
    /// # Errors
    /// [`PredicateError`].
    pub fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        if attestation.predicate_type() != DENY_LIST_TYPE {
            let found = attestation.predicate_type().to_owned();
            return Err(PredicateError::Type { expected: DENY_LIST_TYPE, found });
        }
        let serial = attestation.predicate().get("serial").and_then(Value::as_u64);
        let problem = || "is missing, or is no whole number, not below 0".to_owned();
        let serial =
            serial.ok_or_else(|| PredicateError::Field { field: "serial".to_owned(), problem: problem() })?;
        Ok(Self { serial })
    }

    /// Says it of the bytes of a list.
    pub fn attest(self, subject: Subject) -> Attestation {
        let predicate = Map::from_iter([("serial".to_owned(), Value::from(self.serial))]);
        Attestation::new(subject, DENY_LIST_TYPE, predicate)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{SUCCESSION_TYPE, file_subject, is_about_file};

    fn with(predicate_type: &str, predicate: Value) -> Result<DenyListRelease, PredicateError> {
        let Value::Object(predicate) = predicate else { panic!("{predicate}") };
        DenyListRelease::of(&Attestation::new(file_subject("deny.toml", b"list"), predicate_type, predicate))
    }

    #[test]
    fn a_deny_list_reads_back_as_it_was_attested() {
        let attestation = DenyListRelease { serial: 7 }.attest(file_subject("deny.toml", b"list"));
        assert_eq!(DenyListRelease::of(&attestation), Ok(DenyListRelease { serial: 7 }));
        assert!(is_about_file(&attestation, b"list"));
        assert!(!is_about_file(&attestation, b"List"));
        let [subject] = attestation.subjects() else { panic!("{attestation:?}") };
        assert_eq!(subject.name, "deny.toml");
    }

    #[test]
    fn of_several_subjects_each_counts() {
        let other = DenyListRelease { serial: 7 }.attest(file_subject("another", b"another")).to_payload();
        let mut wire: Value = serde_json::from_slice(&other).unwrap();
        let subject = serde_json::to_value(file_subject("deny.toml", b"list")).unwrap();
        wire["subject"].as_array_mut().unwrap().push(subject);
        let both = Attestation::parse(wire.to_string().as_bytes()).unwrap();
        assert!(is_about_file(&both, b"list") && is_about_file(&both, b"another"));
        assert!(!is_about_file(&both, b"third"));
    }

    #[test]
    fn a_serial_that_is_no_number_is_refused() {
        assert_eq!(with(DENY_LIST_TYPE, json!({ "serial": 0, "more": 1 })).unwrap().serial, 0);
        for serial in [json!(-1), json!(1.0), json!("1"), json!(null), json!([1])] {
            assert!(with(DENY_LIST_TYPE, json!({ "serial": serial })).is_err(), "{serial}");
        }
        assert!(with(DENY_LIST_TYPE, json!({})).is_err());
    }

    #[test]
    fn another_predicate_type_is_refused() {
        let found = with(SUCCESSION_TYPE, json!({ "serial": 1 }));
        assert!(matches!(found, Err(PredicateError::Type { expected: DENY_LIST_TYPE, .. })), "{found:?}");
    }
}
