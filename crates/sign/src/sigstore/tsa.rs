//! Timestamps over a signature, from an authority (RFC 3161).

use der::asn1::{Int, OctetString, Uint};
use der::{Decode, Encode};
use jiff::Timestamp;
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::http::{Request, Timeouts, shortened};
use super::rfc3161::{ID_SHA256, MessageImprint, Query, Reply};
use super::{Service, ServiceError, ServiceFailure, ServiceUrl};

/// Section 3.4.
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// A timestamp over a signature: what an authority claims.
#[derive(Debug)]
pub(super) struct Stamp {
    /// The DER of the whole reply, as bundles carry it.
    pub(super) der: Vec<u8>,
    /// The time that it tells.
    pub(super) time: Timestamp,
}

/// Asks an authority for the time at which a signature exists. That the answer
/// is to this question is checked; who signed it is for the verifier.
pub(super) fn stamp(
    authority: &ServiceUrl,
    signature: &[u8],
    timeouts: &Timeouts,
) -> Result<Stamp, ServiceError> {
    let query = query(signature);
    let body = query.to_der().expect("a short structure always encodes");
    let request = Request::post(Service::TimestampAuthority, authority, QUERY, body, REPLY);
    let der = request.send(timeouts)?;
    match time_in(&der, &query) {
        Ok(time) => Ok(Stamp { der, time }),
        Err(reason) => Err(request.failed(ServiceFailure::Unexpected { reason })),
    }
}

fn query(signature: &[u8]) -> Query {
    let mut nonce = [0; 8];
    OsRng.fill_bytes(&mut nonce);
    let digest = Sha256::digest(signature).to_vec();
    Query {
        version: 1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierOwned { oid: ID_SHA256, parameters: None },
            hashed_message: OctetString::new(digest).expect("a digest is short"),
        },
        nonce: Int::from(Uint::new(&nonce).expect("a nonce is short")),
        cert_req: true,
    }
}

/// The time in a reply, if it is one to this query (section 2.4.2).
fn time_in(reply: &[u8], query: &Query) -> Result<Timestamp, String> {
    let malformed = |error: der::Error| format!("it is not a reply of RFC 3161: {error}");
    let reply = Reply::from_der(reply).map_err(malformed)?;
    if !reply.status.is_granted() {
        let text = reply.status.text.as_deref().unwrap_or_default().join(" ");
        let text = if text.is_empty() { text } else { format!(": {}", shortened(&text)) };
        return Err(format!("no timestamp was granted (status {}){text}", reply.status.status));
    }
    let info = reply.info().map_err(malformed)?.ok_or("it holds no timestamp")?;
    let (asked, told) = (&query.message_imprint, &info.message_imprint);
    if asked.hash_algorithm.oid != told.hash_algorithm.oid || asked.hashed_message != told.hashed_message {
        return Err("the timestamp is over something else".to_owned());
    }
    if info.nonce.as_ref() != Some(&query.nonce) {
        return Err("the timestamp has another nonce: it answers another request".to_owned());
    }
    let time = Timestamp::try_from(info.time.to_system_time());
    time.map_err(|_| "the time of the timestamp is out of range".to_owned())
}
