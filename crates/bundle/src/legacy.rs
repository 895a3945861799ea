//! Forms that earlier releases of the reference wrote and nobody writes any
//! more. They are read here and nowhere else, and a verdict says so.

use std::collections::BTreeMap;

use modelseal_manifest::{ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::json::Object;
use crate::statement::MAX_VALUES;
use crate::{
    BundleError, KeyHint, KeyMaterial, MAX_RESOURCES, PAYLOAD_TYPE, STATEMENT_TYPE, Statement,
    StatementError, base64, json,
};

/// `predicateType` of a model signature by release 0.2.
pub const PREDICATE_TYPE_V0_2: &str = "https://model_signing/Digests/v0.1";

/// What release 0.2 signed instead of the pre-authentication encoding of DSSE:
/// another magic word, and the payload as Python shows bytes. It belongs to
/// statements of [`parse_statement_v0_2`] and to nothing else.
pub fn pae_v0_2(payload: &[u8]) -> Vec<u8> {
    let mut text = format!("DSSEV1 {} {PAYLOAD_TYPE} {} b'", PAYLOAD_TYPE.len(), payload.len());
    for byte in payload {
        match byte {
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b'\\' | b'\'' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            byte => {
                let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
                text.extend(['\\', 'x', digit(byte >> 4), digit(byte & 0xf)]);
            }
        }
    }
    text.push('\'');
    text.into_bytes()
}

/// Reads the statement of a model signature, whichever release wrote it. This
/// is for payloads that nobody verified: where a signature was, it tells which
/// form was signed.
///
/// # Errors
/// [`StatementError`].
pub fn parse_unverified_statement(payload: &[u8]) -> Result<Statement, StatementError> {
    match Statement::parse(payload) {
        Err(StatementError::PredicateType { found }) if found == PREDICATE_TYPE_V0_2 => {
            parse_statement_v0_2(payload)
        }
        statement => statement,
    }
}

/// Reads the payload of a model signature by release 0.2: the files are the
/// subjects, each with its SHA-256. It has neither a root digest, nor a name of
/// the model, nor a record of what was left out.
///
/// # Errors
/// [`StatementError`].
pub fn parse_statement_v0_2(payload: &[u8]) -> Result<Statement, StatementError> {
    let Object(wire) = json::parse::<Object<WireStatement>>(payload, MAX_VALUES)?;
    if wire.statement_type != STATEMENT_TYPE {
        return Err(StatementError::StatementType { found: wire.statement_type });
    }
    if wire.predicate_type != PREDICATE_TYPE_V0_2 {
        return Err(StatementError::LegacyPredicateType { found: wire.predicate_type });
    }
    if wire.subject.len() > MAX_RESOURCES {
        return Err(StatementError::TooManyResources { found: wire.subject.len(), limit: MAX_RESOURCES });
    }
    let resources = wire.subject.iter().map(|subject| subject.0.read()).collect::<Result<_, _>>()?;
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: vec![],
    };
    Ok(Statement::unnamed(Manifest::from_listed(serialization, resources)?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireStatement {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate_type: String,
    subject: Vec<Object<WireSubject>>,
}

#[derive(Deserialize)]
struct WireSubject {
    name: String,
    digest: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Option<Object<WireAnnotations>>,
}

#[derive(Deserialize)]
struct WireAnnotations {
    #[serde(default)]
    actual_hash_algorithm: Option<String>,
}

impl WireSubject {
    fn read(&self) -> Result<Resource, StatementError> {
        let name = ResourceName::file(&self.name)?;
        let actual = self.annotations.as_ref().and_then(|a| a.0.actual_hash_algorithm.as_deref());
        if let Some(found) = actual.filter(|found| *found != "file-sha256") {
            let found = found.to_owned();
            return Err(StatementError::LegacyAlgorithm { name, found });
        }
        match ContentDigest::from_hex(HashType::Sha256, self.digest.get("sha256").map_or("", String::as_str))
        {
            Ok(digest) => Ok(Resource { name, digest }),
            Err(source) => Err(StatementError::Digest { name, source }),
        }
    }
}

/// `verificationMaterial.publicKey`. Since release 1.1 of the reference it
/// holds a `hint`; releases 0.3 to 1.0 wrote the PEM of the key itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WirePublicKey {
    #[serde(default)]
    hint: Option<String>,
    #[serde(default)]
    raw_bytes: Option<String>,
    #[serde(default)]
    #[expect(dead_code, reason = "the key tells its own algorithm")]
    key_details: Option<IgnoredAny>,
}

impl TryFrom<WirePublicKey> for KeyMaterial {
    type Error = BundleError;

    fn try_from(wire: WirePublicKey) -> Result<Self, Self::Error> {
        let field = "verificationMaterial.publicKey.rawBytes";
        let embedded_key = match wire.raw_bytes {
            Some(text) => Some(base64::decode(&text).ok_or(BundleError::Base64 { field })?),
            None => None,
        };
        Ok(Self { hint: wire.hint.filter(|hint| !hint.is_empty()).map(KeyHint::new), embedded_key })
    }
}

/// The hash that `name` stands for. The reference writes `sha256-sharded-4`
/// for the algorithm of a shard of 4 bytes, release 0.3 also for `hash_type`.
/// A size other than that of the serialization is left to be refused.
pub(crate) fn hash_type(name: &str, method: Method) -> &str {
    match (method, name.split_once("-sharded-")) {
        (Method::Shards(size), Some((hash, shard))) if shard == size.get().to_string() => hash,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use modelseal_manifest::Sha256Digest;
    use serde_json::{Value, json};

    use super::*;

    fn statement(subjects: &Value) -> Value {
        json!({
            "_type": STATEMENT_TYPE, "predicateType": PREDICATE_TYPE_V0_2, "subject": subjects,
            "predicate": {"unused": "Unused, just passed due to API requirements"},
        })
    }

    fn subject(name: &str, algorithm: &str) -> Value {
        let digest = Sha256Digest::of(name.as_bytes()).to_string();
        json!({"name": name, "digest": {"sha256": digest}, "annotations": {"actual_hash_algorithm": algorithm}})
    }

    fn parse(statement: &Value) -> Result<Statement, StatementError> {
        parse_statement_v0_2(statement.to_string().as_bytes())
    }

    #[test]
    fn bytes_are_written_as_python_shows_them() {
        let shown = pae_v0_2(b"{\"a\": '\\'}\n\r\t\x00\x7f\xff");
        let expected =
            "DSSEV1 28 application/vnd.in-toto+json 16 b'{\"a\": \\'\\\\\\'}\\n\\r\\t\\x00\\x7f\\xff'";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }

    #[test]
    fn subjects_are_files() {
        let read =
            parse(&statement(&json!([subject("b", "file-sha256"), subject("a/c", "file-sha256")]))).unwrap();
        let names: Vec<String> = read.manifest().resources().iter().map(|r| r.name.to_wire()).collect();
        assert_eq!(names, ["b", "a/c"]);
        assert_eq!(read.subject_name(), "");
    }

    #[test]
    fn what_is_not_the_sha256_of_a_file_is_refused() {
        for algorithm in ["file-blake2b", "file-sha256-4", "sha256", ""] {
            let found = parse(&statement(&json!([subject("a", algorithm)])));
            assert!(matches!(found, Err(StatementError::LegacyAlgorithm { .. })), "{algorithm}");
        }
        assert!(matches!(parse(&statement(&json!([]))), Err(StatementError::Manifest(_))));
        let twice = statement(&json!([subject("a", "file-sha256"), subject("a", "file-sha256")]));
        assert!(matches!(parse(&twice), Err(StatementError::Manifest(_))));
        assert!(matches!(
            parse(&statement(&json!([subject("../a", "file-sha256")]))),
            Err(StatementError::Name(_))
        ));
    }

    #[test]
    fn item_19_other_types_are_refused() {
        for (pointer, value) in [("/_type", "x"), ("/predicateType", crate::PREDICATE_TYPE)] {
            let mut statement = statement(&json!([subject("a", "file-sha256")]));
            *statement.pointer_mut(pointer).unwrap() = json!(value);
            assert!(parse(&statement).is_err(), "{pointer}");
        }
    }
}
