//! The structures of RFC 3161 that are asked with and answered by.

use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{Any, BitString, GeneralizedTime, Int, ObjectIdentifier, OctetString};
use der::{Decode, Encode, Sequence};
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// RFC 5652, section 5.1.
const ID_SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const ID_TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
pub(super) const ID_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// `TimeStampReq`, section 2.4.1, without the parts that are not used.
#[derive(Sequence)]
pub(super) struct Query {
    pub(super) version: u8,
    pub(super) message_imprint: MessageImprint,
    pub(super) nonce: Int,
    pub(super) cert_req: bool,
}

#[derive(Sequence)]
pub(super) struct MessageImprint {
    pub(super) hash_algorithm: AlgorithmIdentifierOwned,
    pub(super) hashed_message: OctetString,
}

/// `TimeStampResp`, section 2.4.2.
#[derive(Sequence)]
pub(super) struct Reply {
    pub(super) status: StatusInfo,
    #[asn1(optional = "true")]
    token: Option<Any>,
}

/// `PKIStatusInfo`.
#[derive(Sequence)]
pub(super) struct StatusInfo {
    pub(super) status: u8,
    #[asn1(optional = "true")]
    pub(super) text: Option<Vec<String>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

impl StatusInfo {
    /// Granted, as asked or with modifications.
    pub(super) fn is_granted(&self) -> bool {
        matches!(self.status, 0 | 1)
    }
}

/// `TSTInfo`, section 2.4.2.
#[derive(Sequence)]
pub(super) struct TimestampInfo {
    version: u8,
    policy: ObjectIdentifier,
    pub(super) message_imprint: MessageImprint,
    serial_number: Int,
    pub(super) time: GeneralizedTime,
    #[asn1(optional = "true")]
    accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    pub(super) nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    authority: Option<GeneralName>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Extensions>,
}

#[derive(Sequence)]
struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u64>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

impl Reply {
    /// What the token says (RFC 5652, section 5.2), if there is one and it is a
    /// timestamp. Nothing is verified.
    pub(super) fn info(&self) -> Result<Option<TimestampInfo>, der::Error> {
        let Some(token) = &self.token else { return Ok(None) };
        let content = ContentInfo::from_der(&token.to_der()?)?;
        if content.content_type != ID_SIGNED_DATA {
            return Ok(None);
        }
        let signed: SignedData = content.content.decode_as()?;
        match signed.encap_content_info.econtent {
            Some(info) if signed.encap_content_info.econtent_type == ID_TST_INFO => {
                TimestampInfo::from_der(info.decode_as::<OctetString>()?.as_bytes()).map(Some)
            }
            _ => Ok(None),
        }
    }
}
