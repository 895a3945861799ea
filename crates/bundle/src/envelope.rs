use serde::{Deserialize, Serialize};

use crate::json::Object;
use crate::{BundleError, base64};

/// `payloadType` of every statement that we sign or read.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A DSSE envelope with its one signature: bytes of a payload, and bytes that
/// claim to be a signature over [`pae`] of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Envelope {
    /// Joins a payload of type [`PAYLOAD_TYPE`] and a signature over its
    /// [`pae`].
    pub fn new(payload: Vec<u8>, signature: Vec<u8>) -> Self {
        Self { payload, signature }
    }

    /// The payload: the very bytes that are signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature, in the encoding of its algorithm.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What the signature is over.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pae(PAYLOAD_TYPE, &self.payload)
    }

    /// Gives the payload away.
    pub fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

/// The pre-authentication encoding of DSSE v1: lengths in bytes, so that no
/// byte can move between the type and the payload.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WireEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Object<WireSignature>>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    sig: String,
    /// Absent, empty or null, depending on the writer. It selects nothing.
    #[serde(default)]
    keyid: Option<String>,
}

impl TryFrom<WireEnvelope> for Envelope {
    type Error = BundleError;

    fn try_from(wire: WireEnvelope) -> Result<Self, Self::Error> {
        let [Object(signature)] = &wire.signatures[..] else {
            return Err(BundleError::SignatureCount { found: wire.signatures.len() });
        };
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(BundleError::PayloadType { found: wire.payload_type });
        }
        let decode = |field, text: &str| base64::decode(text).ok_or(BundleError::Base64 { field });
        Ok(Self {
            payload: decode("dsseEnvelope.payload", &wire.payload)?,
            signature: decode("dsseEnvelope.signatures[0].sig", &signature.sig)?,
        })
    }
}

impl From<&Envelope> for WireEnvelope {
    fn from(envelope: &Envelope) -> Self {
        Self {
            payload: base64::encode(&envelope.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![Object(WireSignature {
                sig: base64::encode(&envelope.signature),
                keyid: Some(String::new()),
            })],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_15_pae_meets_the_vector_of_the_dsse_specification() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn item_15_lengths_are_bytes_and_no_boundary_can_shift() {
        assert_eq!(pae("é", "ü".as_bytes()), "DSSEv1 2 é 2 ü".as_bytes());
        assert_ne!(pae("a b", b"c"), pae("a", b"b c"));
        assert_ne!(pae("a", b" 1 b"), pae("a 1", b"b"));
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    }
}
