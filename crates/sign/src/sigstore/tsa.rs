//! Timestamps over a signature, from an authority (RFC 3161).

use cms::signed_data::SignedData;
use der::asn1::{Int, ObjectIdentifier, OctetString, Uint};
use der::{Decode, Encode};
use jiff::Timestamp;
use rand_core::{OsRng, RngCore};
use sha2::{Digest, Sha256};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TimeStampToken, TspVersion, TstInfo};

use super::http::{Request, Timeouts, shortened};
use super::{Service, ServiceError, ServiceFailure, ServiceUrl};

/// Section 3.4.
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// RFC 5652, section 5.1.
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const ID_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

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

fn query(signature: &[u8]) -> TimeStampReq {
    let mut nonce = [0; 8];
    OsRng.fill_bytes(&mut nonce);
    let digest = Sha256::digest(signature).to_vec();
    TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: AlgorithmIdentifierOwned { oid: ID_SHA256, parameters: None },
            hashed_message: OctetString::new(digest).expect("a digest is short"),
        },
        req_policy: None,
        nonce: Some(Int::from(Uint::new(&nonce).expect("a nonce is short"))),
        cert_req: true,
        extensions: None,
    }
}

/// The time in a reply, if it is one to this query (section 2.4.2).
fn time_in(reply: &[u8], query: &TimeStampReq) -> Result<Timestamp, String> {
    let malformed = |error: der::Error| format!("it is not a reply of RFC 3161: {error}");
    let reply = TimeStampResp::from_der(reply).map_err(malformed)?;
    // Granted, as asked or with modifications.
    let status = reply.status.status as u8;
    if status > 1 {
        let text = reply.status.status_string.unwrap_or_default();
        let text = text.iter().map(|line| line.as_str()).collect::<Vec<_>>().join(" ");
        let text = if text.is_empty() { text } else { format!(": {}", shortened(&text)) };
        return Err(format!("no timestamp was granted (status {status}){text}"));
    }
    let info = reply.time_stamp_token.map(|token| info_in(&token)).transpose().map_err(malformed)?;
    let info = info.flatten().ok_or("it holds no timestamp")?;
    let (asked, told) = (&query.message_imprint, &info.message_imprint);
    if asked.hash_algorithm.oid != told.hash_algorithm.oid || asked.hashed_message != told.hashed_message {
        return Err("the timestamp is over something else".to_owned());
    }
    if info.nonce != query.nonce {
        return Err("the timestamp has another nonce: it answers another request".to_owned());
    }
    let time = Timestamp::try_from(info.gen_time.to_system_time());
    time.map_err(|_| "the time of the timestamp is out of range".to_owned())
}

/// What a token says (RFC 5652, section 5.2), if it is a timestamp. Nothing is
/// verified.
fn info_in(token: &TimeStampToken) -> Result<Option<TstInfo>, der::Error> {
    if token.content_type != ID_SIGNED_DATA {
        return Ok(None);
    }
    let signed: SignedData = token.content.decode_as()?;
    match signed.encap_content_info.econtent {
        Some(info) if signed.encap_content_info.econtent_type == ID_TST_INFO => {
            TstInfo::from_der(info.decode_as::<OctetString>()?.as_bytes()).map(Some)
        }
        _ => Ok(None),
    }
}
