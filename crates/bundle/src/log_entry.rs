use serde::Deserialize;
use serde::de::{self, Deserializer};

use crate::json::Object;
use crate::{BundleError, base64};

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
    pub(crate) has_inclusion_proof: bool,
    pub(crate) has_checkpoint: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WireLogEntry {
    #[serde(deserialize_with = "int64")]
    log_index: u64,
    log_id: Option<Object<WireLogId>>,
    kind_version: Object<WireKind>,
    #[serde(default, deserialize_with = "optional_int64")]
    integrated_time: Option<u64>,
    inclusion_promise: Option<Object<WirePromise>>,
    inclusion_proof: Option<Object<WireProof>>,
    canonicalized_body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireLogId {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKind {
    kind: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WirePromise {
    signed_entry_timestamp: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "read for its shape; the Sigstore backend reads the same bytes for its content")]
struct WireProof {
    #[serde(deserialize_with = "int64")]
    log_index: u64,
    root_hash: String,
    #[serde(deserialize_with = "int64")]
    tree_size: u64,
    #[serde(default)]
    hashes: Vec<String>,
    checkpoint: Option<Object<WireCheckpoint>>,
}

#[derive(Deserialize)]
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
        Ok(Self {
            log_index: wire.log_index,
            kind: (wire.kind_version.0.kind, wire.kind_version.0.version),
            integrated_time: wire.integrated_time,
            canonicalized_body: check("tlogEntries[].canonicalizedBody", &wire.canonicalized_body)?,
            has_checkpoint: checkpoint.is_some_and(|checkpoint| !checkpoint.0.envelope.is_empty()),
            has_inclusion_proof: wire.inclusion_proof.is_some(),
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
