use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

use crate::bundle::at_most;
use crate::json::{self, Object};
use crate::{BundleError, MAX_LOG_ENTRY_BYTES, base64};

/// Values in the JSON of one entry: a proof has a hash for each level of its tree.
const MAX_VALUES: usize = 1_000;
const MAX_CHECKPOINT_BYTES: usize = 16 * 1024;
/// The tree, and the signatures of the log and of its witnesses.
const MAX_CHECKPOINT_LINES: usize = 64;

/// A transparency log entry as a bundle carries it: claims, all of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogEntry {
    /// Position in the log.
    pub log_index: u64,
    /// Kind and version of the entry, such as `dsse` `0.0.1`.
    pub kind: (String, String),
    /// When the log says it took the entry, in seconds since 1970.
    pub integrated_time: Option<u64>,
    /// What was logged.
    pub canonicalized_body: Vec<u8>,
    wire: WireLogEntry,
}

impl LogEntry {
    /// Reads one entry, as protobuf has it in JSON.
    ///
    /// # Errors
    /// [`BundleError`] for whatever is no such entry, within
    /// [`MAX_LOG_ENTRY_BYTES`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        let (found, limit) = (bytes.len() as u64, MAX_LOG_ENTRY_BYTES);
        if found > limit {
            return Err(BundleError::TooLarge { found, limit });
        }
        json::parse::<Object<WireLogEntry>>(bytes, MAX_VALUES)?.0.try_into()
    }

    /// Writes the entry in the same form.
    #[expect(clippy::missing_panics_doc, reason = "strings and integers always serialize")]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.wire).expect("strings and integers always serialize")
    }

    pub(crate) fn to_wire(&self) -> Object<WireLogEntry> {
        Object(self.wire.clone())
    }

    pub(crate) fn has_inclusion_proof(&self) -> bool {
        self.wire.inclusion_proof.is_some()
    }

    pub(crate) fn has_checkpoint(&self) -> bool {
        let proof = self.wire.inclusion_proof.as_ref();
        let checkpoint = proof.and_then(|proof| proof.0.checkpoint.as_ref());
        checkpoint.is_some_and(|checkpoint| !checkpoint.0.envelope.is_empty())
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WireLogEntry {
    #[serde(deserialize_with = "int64", serialize_with = "decimal")]
    log_index: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_id: Option<Object<WireLogId>>,
    kind_version: Object<WireKind>,
    #[serde(
        default,
        deserialize_with = "optional_int64",
        serialize_with = "optional_decimal",
        skip_serializing_if = "Option::is_none"
    )]
    integrated_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inclusion_promise: Option<Object<WirePromise>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inclusion_proof: Option<Object<WireProof>>,
    canonicalized_body: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireLogId {
    key_id: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct WireKind {
    kind: String,
    version: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WirePromise {
    signed_entry_timestamp: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireProof {
    #[serde(deserialize_with = "int64", serialize_with = "decimal")]
    log_index: u64,
    root_hash: String,
    #[serde(deserialize_with = "int64", serialize_with = "decimal")]
    tree_size: u64,
    #[serde(default)]
    hashes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<Object<WireCheckpoint>>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct WireCheckpoint {
    envelope: String,
}

impl TryFrom<WireLogEntry> for LogEntry {
    type Error = BundleError;

    fn try_from(wire: WireLogEntry) -> Result<Self, Self::Error> {
        let check = |field, text: &str| base64::decode(text).ok_or(BundleError::Base64 { field });
        if let Some(Object(id)) = &wire.log_id {
            check("tlogEntries[].logId.keyId", &id.key_id)?;
        }
        if let Some(Object(promise)) = &wire.inclusion_promise {
            check("tlogEntries[].inclusionPromise.signedEntryTimestamp", &promise.signed_entry_timestamp)?;
        }
        if let Some(Object(proof)) = &wire.inclusion_proof {
            check("tlogEntries[].inclusionProof.rootHash", &proof.root_hash)?;
            for hash in &proof.hashes {
                check("tlogEntries[].inclusionProof.hashes[]", hash)?;
            }
        }
        let checkpoint = wire.inclusion_proof.as_ref().and_then(|proof| proof.0.checkpoint.as_ref());
        if let Some(Object(checkpoint)) = checkpoint {
            // A reader tries every line for a signature over all the text.
            at_most("bytes in a checkpoint", checkpoint.envelope.len(), MAX_CHECKPOINT_BYTES)?;
            at_most("lines in a checkpoint", checkpoint.envelope.lines().count(), MAX_CHECKPOINT_LINES)?;
        }
        let Object(WireKind { kind, version }) = &wire.kind_version;
        Ok(Self {
            log_index: wire.log_index,
            kind: (kind.clone(), version.clone()),
            integrated_time: wire.integrated_time,
            canonicalized_body: check("tlogEntries[].canonicalizedBody", &wire.canonicalized_body)?,
            wire,
        })
    }
}

/// A non-negative `int64` of protobuf JSON: a number, or its decimal text.
fn int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Int64 {
        Number(i64),
        Text(String),
    }
    let number = match Int64::deserialize(deserializer)? {
        Int64::Number(number) => Some(number),
        Int64::Text(text) => text.parse().ok().filter(|number: &i64| number.to_string() == text),
    };
    number
        .and_then(|number| u64::try_from(number).ok())
        .ok_or_else(|| de::Error::custom("expected a 64-bit integer that is not negative"))
}

fn optional_int64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    int64(deserializer).map(Some)
}

/// An `int64` as protobuf writes it in JSON: its decimal text.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn decimal<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn optional_decimal<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => decimal(number, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry() -> Value {
        json!({
            "logIndex": "7",
            "logId": {"keyId": "AAAA"},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "integratedTime": "1700000000",
            "inclusionPromise": {"signedEntryTimestamp": "AAAA"},
            "inclusionProof": {
                "logIndex": "7", "rootHash": "AAAA", "treeSize": "8", "hashes": ["AAAA"],
                "checkpoint": {"envelope": "x"},
            },
            "canonicalizedBody": "e30=",
        })
    }

    #[test]
    fn an_entry_is_written_as_it_was_read() {
        let read = LogEntry::parse(entry().to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&read.to_json()).unwrap(), entry());
        assert_eq!(LogEntry::parse(&read.to_json()), Ok(read));
    }

    #[test]
    fn numbers_are_taken_as_numbers_or_as_text_and_nothing_else() {
        for (index, is_taken) in [
            (json!(7), true),
            (json!("7"), true),
            (json!("07"), false),
            (json!(-7), false),
            (json!(7.5), false),
        ] {
            let mut other = entry();
            other["logIndex"] = index.clone();
            assert_eq!(LogEntry::parse(other.to_string().as_bytes()).is_ok(), is_taken, "{index}");
        }
    }

    #[test]
    fn a_checkpoint_of_many_bytes_or_lines_is_refused() {
        for envelope in ["x".repeat(16 * 1024 + 1), "x\n".repeat(65)] {
            let mut long = entry();
            long["inclusionProof"]["checkpoint"]["envelope"] = json!(envelope);
            let found = LogEntry::parse(long.to_string().as_bytes());
            assert!(matches!(found, Err(BundleError::TooMany { .. })), "{found:?}");
        }
    }

    #[test]
    fn an_entry_beyond_its_limit_is_refused_unread() {
        let long = vec![b'x'; usize::try_from(MAX_LOG_ENTRY_BYTES).unwrap() + 1];
        assert!(matches!(LogEntry::parse(&long), Err(BundleError::TooLarge { .. })));
    }
}
