//! Forms that earlier releases wrote and nobody writes any more. They are
//! read here and nowhere else, and a verdict says so.

use modelseal_manifest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{BundleError, KeyHint, KeyMaterial, base64};

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
