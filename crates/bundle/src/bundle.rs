use std::fmt::{self, Display};

use modelseal_manifest::Escaped;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use crate::envelope::WireEnvelope;
use crate::json::Object;
use crate::legacy::WirePublicKey;
use crate::log_entry::WireLogEntry;
use crate::{BundleError, Envelope, LogEntry, MAX_BUNDLE_BYTES, MAX_LOG_ENTRIES, base64, json};

/// Values in the JSON of a bundle. 32 log entries with proofs have some 3,000.
const MAX_VALUES: usize = 50_000;
/// Certificates that a bundle may carry. Real chains have two or three, and
/// authorities that all certify each other make a search for a path long.
pub const MAX_CERTIFICATES: usize = 8;
/// The most bytes of a certificate, and of a timestamp. Real ones have a few
/// thousand.
const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;
const MAX_TIMESTAMP_BYTES: usize = 32 * 1024;

/// A bundle as somebody gave it to us. Nothing in it is proved.
///
/// The only way to something proved is `modelseal-verify`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UntrustedBundle {
    media_type: MediaType,
    material: VerificationMaterial,
    log_entries: Vec<LogEntry>,
    timestamps: Vec<Vec<u8>>,
    envelope: Envelope,
}

impl UntrustedBundle {
    /// Makes a bundle of the current version, without log entries or
    /// timestamps.
    pub fn new(material: VerificationMaterial, envelope: Envelope) -> Self {
        Self { media_type: MediaType::V03, material, log_entries: vec![], timestamps: vec![], envelope }
    }

    /// The same, with log entries, and with RFC 3161 timestamps over the
    /// signature, in DER.
    ///
    /// # Errors
    /// [`BundleError::TooMany`] beyond 32 of either;
    /// [`BundleError::LogEntryIncomplete`].
    pub fn with_evidence(
        material: VerificationMaterial,
        envelope: Envelope,
        log_entries: Vec<LogEntry>,
        timestamps: Vec<Vec<u8>>,
    ) -> Result<Self, BundleError> {
        at_most("timestamps", timestamps.len(), MAX_LOG_ENTRIES)?;
        check_log_entries(&log_entries, MediaType::V03)?;
        Ok(Self { media_type: MediaType::V03, material, log_entries, timestamps, envelope })
    }

    /// Reads the JSON of a Sigstore bundle that holds a DSSE envelope.
    ///
    /// # Errors
    /// [`BundleError`]: whatever is unknown, doubled, too much or not canonical
    /// is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() as u64 > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge { found: bytes.len() as u64, limit: MAX_BUNDLE_BYTES });
        }
        json::parse::<Object<WireBundle>>(bytes, MAX_VALUES)?.0.try_into()
    }

    /// Writes the bundle as the specification has it, in one line. What was
    /// read is written as it was understood; a key that a legacy bundle carries
    /// is left out.
    #[expect(clippy::missing_panics_doc, reason = "strings and arrays always serialize")]
    pub fn to_json(&self) -> Vec<u8> {
        let written = WrittenBundle {
            media_type: self.media_type.as_str(),
            verification_material: WrittenMaterial::from(self),
            dsse_envelope: WireEnvelope::from(&self.envelope),
        };
        let mut json = serde_json::to_vec(&written).expect("strings and arrays always serialize");
        json.push(b'\n');
        json
    }

    /// The version that it claims.
    pub fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// What it offers for verification.
    pub fn material(&self) -> &VerificationMaterial {
        &self.material
    }

    /// The signing method that its material belongs to.
    pub fn method(&self) -> BundleMethod {
        self.material.method()
    }

    /// The log entries that it carries, at most 32.
    pub fn log_entries(&self) -> &[LogEntry] {
        &self.log_entries
    }

    /// The RFC 3161 timestamps that it carries, in DER, at most 32.
    pub fn timestamps(&self) -> &[Vec<u8>] {
        &self.timestamps
    }

    /// Payload and signature.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Gives the envelope away.
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }
}

/// A version of the bundle format, named by its `mediaType`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MediaType {
    /// `application/vnd.dev.sigstore.bundle+json;version=0.1`
    V01,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.2`
    V02,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.3`
    V03Parameter,
    /// `application/vnd.dev.sigstore.bundle.v0.3+json`, the one that is written.
    V03,
}

impl MediaType {
    const ALL: [Self; 4] = [Self::V01, Self::V02, Self::V03Parameter, Self::V03];

    /// The media type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V01 => "application/vnd.dev.sigstore.bundle+json;version=0.1",
            Self::V02 => "application/vnd.dev.sigstore.bundle+json;version=0.2",
            Self::V03Parameter => "application/vnd.dev.sigstore.bundle+json;version=0.3",
            Self::V03 => "application/vnd.dev.sigstore.bundle.v0.3+json",
        }
    }
}

/// What a bundle offers for the verification of its signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum VerificationMaterial {
    /// Method `key`: which key made the signature.
    Key(KeyMaterial),
    /// Method `certificate`: DER certificates, the leaf first, at least one.
    CertificateChain(Vec<Vec<u8>>),
    /// Method `sigstore`: the DER of the leaf.
    Certificate(Vec<u8>),
}

impl VerificationMaterial {
    /// The signing method that it belongs to.
    pub const fn method(&self) -> BundleMethod {
        match self {
            Self::Key(_) => BundleMethod::Key,
            Self::CertificateChain(_) => BundleMethod::Certificate,
            Self::Certificate(_) => BundleMethod::Sigstore,
        }
    }
}

/// What a `key` bundle says of its key. It never selects trust.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyMaterial {
    /// Names the key.
    pub hint: Option<KeyHint>,
    /// The PEM of the key, which releases 0.3 to 1.0 of the reference wrote.
    pub embedded_key: Option<Vec<u8>>,
}

impl KeyMaterial {
    /// Names a key by its hint, as the specification has it.
    pub fn hinted(hint: KeyHint) -> Self {
        Self { hint: Some(hint), embedded_key: None }
    }
}

/// A name for a public key: OMS writes the lowercase hexadecimal SHA-256 of
/// its SPKI PEM text; other writers use other texts.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct KeyHint(String);

impl KeyHint {
    /// Takes any text.
    pub fn new(hint: impl Into<String>) -> Self {
        Self(hint.into())
    }

    /// The true text. Never print it: use `Display`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for KeyHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.0).fmt(f)
    }
}

/// The signing methods of the specification.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BundleMethod {
    /// A bare key.
    Key,
    /// A certificate under a root that the verifier names.
    Certificate,
    /// A short-lived certificate for an identity, and a public log.
    Sigstore,
}

impl BundleMethod {
    /// The specification's name for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Certificate => "certificate",
            Self::Sigstore => "sigstore",
        }
    }
}

impl Display for BundleMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireBundle {
    media_type: String,
    verification_material: Object<WireMaterial>,
    #[serde(default)]
    dsse_envelope: Option<Object<WireEnvelope>>,
    #[serde(default)]
    message_signature: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireMaterial {
    #[serde(default)]
    public_key: Option<Object<WirePublicKey>>,
    #[serde(default)]
    x509_certificate_chain: Option<Object<WireChain>>,
    #[serde(default)]
    certificate: Option<Object<WireCertificate>>,
    #[serde(default)]
    tlog_entries: Option<Vec<Object<WireLogEntry>>>,
    #[serde(default)]
    timestamp_verification_data: Option<Object<WireTimestamps>>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct WireChain {
    certificates: Vec<Object<WireCertificate>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireCertificate {
    raw_bytes: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireTimestamps {
    #[serde(default)]
    rfc3161_timestamps: Vec<Object<WireTimestamp>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireTimestamp {
    signed_timestamp: String,
}

impl TryFrom<WireBundle> for UntrustedBundle {
    type Error = BundleError;

    fn try_from(wire: WireBundle) -> Result<Self, Self::Error> {
        let media_type = MediaType::ALL.into_iter().find(|known| known.as_str() == wire.media_type);
        let media_type = media_type.ok_or(BundleError::MediaType { found: wire.media_type })?;
        if wire.message_signature.is_some() {
            return Err(BundleError::MessageSignature);
        }
        let envelope = wire.dsse_envelope.ok_or(BundleError::NoEnvelope)?.0.try_into()?;
        let mut material = wire.verification_material.0;
        let log_entries = log_entries(material.tlog_entries.take().unwrap_or_default(), media_type)?;
        let timestamps = timestamps(material.timestamp_verification_data.take())?;
        Ok(Self { media_type, material: material.try_into()?, log_entries, timestamps, envelope })
    }
}

impl TryFrom<WireMaterial> for VerificationMaterial {
    type Error = BundleError;

    fn try_from(wire: WireMaterial) -> Result<Self, Self::Error> {
        match (wire.public_key, wire.x509_certificate_chain, wire.certificate) {
            (Some(key), None, None) => Ok(Self::Key(key.0.try_into()?)),
            (None, Some(chain), None) => {
                at_most("certificates", chain.0.certificates.len(), MAX_CERTIFICATES)?;
                let chain: Vec<_> =
                    chain.0.certificates.into_iter().map(certificate).collect::<Result<_, _>>()?;
                if chain.is_empty() {
                    Err(BundleError::EmptyChain)
                } else {
                    Ok(Self::CertificateChain(chain))
                }
            }
            (None, None, Some(leaf)) => Ok(Self::Certificate(certificate(leaf)?)),
            (key, chain, leaf) => {
                let found =
                    usize::from(key.is_some()) + usize::from(chain.is_some()) + usize::from(leaf.is_some());
                Err(BundleError::MaterialCount { found })
            }
        }
    }
}

fn certificate(Object(wire): Object<WireCertificate>) -> Result<Vec<u8>, BundleError> {
    let der = base64::decode(&wire.raw_bytes).ok_or(BundleError::Base64 { field: "certificate.rawBytes" })?;
    at_most("bytes in a certificate", der.len(), MAX_CERTIFICATE_BYTES)?;
    Ok(der)
}

fn log_entries(wire: Vec<Object<WireLogEntry>>, media_type: MediaType) -> Result<Vec<LogEntry>, BundleError> {
    at_most("log entries", wire.len(), MAX_LOG_ENTRIES)?;
    let entries: Vec<LogEntry> =
        wire.into_iter().map(|entry| LogEntry::try_from(entry.0)).collect::<Result<_, _>>()?;
    check_log_entries(&entries, media_type)?;
    Ok(entries)
}

fn check_log_entries(entries: &[LogEntry], media_type: MediaType) -> Result<(), BundleError> {
    at_most("log entries", entries.len(), MAX_LOG_ENTRIES)?;
    if media_type == MediaType::V01 {
        return Ok(());
    }
    for (index, entry) in entries.iter().enumerate() {
        if !entry.has_inclusion_proof() {
            return Err(BundleError::LogEntryIncomplete { index, what: "inclusion proof" });
        }
        if !entry.has_checkpoint() {
            return Err(BundleError::LogEntryIncomplete { index, what: "checkpoint" });
        }
    }
    Ok(())
}

fn timestamps(wire: Option<Object<WireTimestamps>>) -> Result<Vec<Vec<u8>>, BundleError> {
    let timestamps = wire.map(|wire| wire.0.rfc3161_timestamps).unwrap_or_default();
    at_most("timestamps", timestamps.len(), MAX_LOG_ENTRIES)?;
    let decode = |Object(timestamp): Object<WireTimestamp>| {
        let token = base64::decode(&timestamp.signed_timestamp);
        let token = token.ok_or(BundleError::Base64 { field: "signedTimestamp" })?;
        at_most("bytes in a timestamp", token.len(), MAX_TIMESTAMP_BYTES)?;
        Ok(token)
    };
    timestamps.into_iter().map(decode).collect()
}

pub(crate) fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), BundleError> {
    if found > limit { Err(BundleError::TooMany { what, found, limit }) } else { Ok(()) }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenBundle {
    media_type: &'static str,
    verification_material: WrittenMaterial,
    dsse_envelope: WireEnvelope,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenMaterial {
    #[serde(flatten)]
    content: WrittenContent,
    tlog_entries: Vec<Object<WireLogEntry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<WireTimestamps>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum WrittenContent {
    PublicKey { hint: String },
    X509CertificateChain(WireChain),
    Certificate(WireCertificate),
}

impl From<&UntrustedBundle> for WrittenMaterial {
    fn from(bundle: &UntrustedBundle) -> Self {
        let encode = |der: &Vec<u8>| WireCertificate { raw_bytes: base64::encode(der) };
        let content = match &bundle.material {
            VerificationMaterial::Key(key) => WrittenContent::PublicKey {
                hint: key.hint.as_ref().map_or_else(String::new, |hint| hint.as_str().to_owned()),
            },
            VerificationMaterial::CertificateChain(chain) => {
                WrittenContent::X509CertificateChain(WireChain {
                    certificates: chain.iter().map(encode).map(Object).collect(),
                })
            }
            VerificationMaterial::Certificate(leaf) => WrittenContent::Certificate(encode(leaf)),
        };
        let stamp = |der: &Vec<u8>| Object(WireTimestamp { signed_timestamp: base64::encode(der) });
        let stamps = (!bundle.timestamps.is_empty()).then(|| bundle.timestamps.iter().map(stamp).collect());
        let timestamp_verification_data =
            stamps.map(|rfc3161_timestamps| WireTimestamps { rfc3161_timestamps });
        let tlog_entries = bundle.log_entries.iter().map(LogEntry::to_wire).collect();
        Self { content, tlog_entries, timestamp_verification_data }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn key_bundle() -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "abc"}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": "e30=", "payloadType": "application/vnd.in-toto+json",
                "signatures": [{"sig": "AAAA", "keyid": ""}],
            },
        })
    }

    fn parse(bundle: &Value) -> Result<UntrustedBundle, BundleError> {
        UntrustedBundle::parse(bundle.to_string().as_bytes())
    }

    /// Parses the bundle above with the value at `pointer` replaced.
    fn with(pointer: &str, value: Value) -> Result<UntrustedBundle, BundleError> {
        let mut bundle = key_bundle();
        match pointer.rsplit_once('/') {
            Some((parent, new)) if bundle.pointer(pointer).is_none() => {
                bundle.pointer_mut(parent).unwrap()[new] = value;
            }
            _ => *bundle.pointer_mut(pointer).unwrap() = value,
        }
        parse(&bundle)
    }

    fn log_entry() -> Value {
        json!({
            "logIndex": "5", "logId": {"keyId": "AAAA"}, "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": "1700000000", "inclusionPromise": {"signedEntryTimestamp": "AAAA"},
            "inclusionProof": {"logIndex": "5", "rootHash": "AAAA", "treeSize": "6", "hashes": ["AAAA"],
                               "checkpoint": {"envelope": "x"}},
            "canonicalizedBody": "e30=",
        })
    }

    #[test]
    fn the_written_form_is_that_of_the_specification_and_reads_back() {
        let bundle = parse(&key_bundle()).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&bundle.to_json()).unwrap(), key_bundle());
        assert_eq!(UntrustedBundle::parse(&bundle.to_json()), Ok(bundle));
    }

    #[test]
    fn timestamps_are_written_and_read_back() {
        let bundle = parse(&key_bundle()).unwrap();
        let stamped = |stamps: Vec<Vec<u8>>| {
            let (material, envelope) = (bundle.material().clone(), bundle.envelope().clone());
            UntrustedBundle::with_evidence(material, envelope, vec![], stamps)
        };
        let written = stamped(vec![vec![1], vec![2, 3]]).unwrap();
        assert_eq!(UntrustedBundle::parse(&written.to_json()).as_ref(), Ok(&written));
        assert_eq!(written.timestamps(), [vec![1], vec![2, 3]]);
        assert!(matches!(stamped(vec![vec![0]; 33]), Err(BundleError::TooMany { found: 33, .. })));
    }

    #[test]
    fn keyid_may_be_absent_empty_or_null() {
        for signature in [
            json!({"sig": "AAAA"}),
            json!({"sig": "AAAA", "keyid": null}),
            json!({"sig": "AAAA", "keyid": ""}),
        ] {
            with("/dsseEnvelope/signatures/0", signature).unwrap();
        }
    }

    #[test]
    fn item_2_a_bundle_over_the_cap_is_refused_before_it_is_parsed() {
        let cap = usize::try_from(MAX_BUNDLE_BYTES).unwrap();
        let found = UntrustedBundle::parse(&vec![b' '; cap + 1]);
        assert!(matches!(found, Err(BundleError::TooLarge { .. })));
    }

    #[test]
    fn item_6_unknown_or_mixed_case_media_types_are_refused() {
        for media_type in [
            "",
            "application/json",
            "application/vnd.dev.sigstore.bundle.v0.4+json",
            "Application/vnd.dev.sigstore.bundle.v0.3+json",
            "application/vnd.dev.sigstore.bundle.v0.3+JSON",
            "application/vnd.dev.sigstore.bundle+json;version=0.4",
            "application/vnd.dev.sigstore.bundle+json; version=0.3",
            " application/vnd.dev.sigstore.bundle.v0.3+json",
        ] {
            assert!(
                matches!(with("/mediaType", json!(media_type)), Err(BundleError::MediaType { .. })),
                "{media_type}"
            );
        }
    }

    #[test]
    fn item_7_a_log_entry_without_inclusion_proof_is_refused_from_v0_2_on() {
        for missing in ["/inclusionProof", "/inclusionProof/checkpoint"] {
            let mut entry = log_entry();
            *entry.pointer_mut(missing).unwrap() = Value::Null;
            let found = with("/verificationMaterial/tlogEntries", json!([entry]));
            assert!(matches!(found, Err(BundleError::LogEntryIncomplete { .. })), "{missing}");
        }
        with("/verificationMaterial/tlogEntries", json!([log_entry()])).unwrap();
    }

    #[test]
    fn item_8_two_contents_are_refused() {
        let message =
            json!({"messageDigest": {"algorithm": "SHA2_256", "digest": "AAAA"}, "signature": "AAAA"});
        assert_eq!(with("/messageSignature", message), Err(BundleError::MessageSignature));
        assert_eq!(with("/dsseEnvelope", Value::Null), Err(BundleError::NoEnvelope));
    }

    #[test]
    fn item_9_non_canonical_base64_is_refused_wherever_it_stands() {
        for pointer in ["/dsseEnvelope/payload", "/dsseEnvelope/signatures/0/sig"] {
            for text in ["e30", "e31=", "e3 0=", "e30=\n", "_-_-"] {
                assert!(
                    matches!(with(pointer, json!(text)), Err(BundleError::Base64 { .. })),
                    "{pointer} {text:?}"
                );
            }
        }
    }

    #[test]
    fn item_10_log_indexes_beyond_an_int64_are_refused() {
        for index in [
            json!("-1"),
            json!(-1),
            json!("9223372036854775808"),
            json!(1.5),
            json!("1e3"),
            json!("05"),
            json!(""),
            Value::Null,
        ] {
            for pointer in ["/logIndex", "/inclusionProof/treeSize", "/integratedTime"] {
                let mut entry = log_entry();
                *entry.pointer_mut(pointer).unwrap() = index.clone();
                let found = with("/verificationMaterial/tlogEntries", json!([entry]));
                assert!(matches!(found, Err(BundleError::Json(_))), "{pointer} {index}");
            }
        }
        let mut entry = log_entry();
        entry["logIndex"] = json!(i64::MAX);
        with("/verificationMaterial/tlogEntries", json!([entry])).unwrap();
    }

    #[test]
    fn item_11_more_than_32_log_entries_or_timestamps_are_refused() {
        with("/verificationMaterial/tlogEntries", json!(vec![log_entry(); 32])).unwrap();
        let entries = with("/verificationMaterial/tlogEntries", json!(vec![log_entry(); 33]));
        assert!(matches!(entries, Err(BundleError::TooMany { found: 33, limit: 32, .. })));
        let stamps = |count| json!({"rfc3161Timestamps": vec![json!({"signedTimestamp": "AAAA"}); count]});
        assert_eq!(
            with("/verificationMaterial/timestampVerificationData", stamps(32)).unwrap().timestamps().len(),
            32
        );
        let stamps = with("/verificationMaterial/timestampVerificationData", stamps(33));
        assert!(matches!(stamps, Err(BundleError::TooMany { found: 33, limit: 32, .. })));
    }

    #[test]
    fn item_13_anything_but_one_signature_is_refused() {
        for count in [0, 2, 3] {
            let found = with("/dsseEnvelope/signatures", json!(vec![json!({"sig": "AAAA"}); count]));
            assert_eq!(found, Err(BundleError::SignatureCount { found: count }));
        }
    }

    #[test]
    fn item_14_another_payload_type_is_refused() {
        for payload_type in
            ["application/json", "application/vnd.in-toto+JSON", "", "application/vnd.in-toto+json "]
        {
            let found = with("/dsseEnvelope/payloadType", json!(payload_type));
            assert!(matches!(found, Err(BundleError::PayloadType { .. })), "{payload_type:?}");
        }
    }

    #[test]
    fn material_is_exactly_one_of_three() {
        let mut bundle = key_bundle();
        bundle["verificationMaterial"]["certificate"] = json!({"rawBytes": "AAAA"});
        assert_eq!(parse(&bundle), Err(BundleError::MaterialCount { found: 2 }));
        bundle["verificationMaterial"] = json!({"tlogEntries": []});
        assert_eq!(parse(&bundle), Err(BundleError::MaterialCount { found: 0 }));
        bundle["verificationMaterial"] = json!({"x509CertificateChain": {"certificates": []}});
        assert_eq!(parse(&bundle), Err(BundleError::EmptyChain));
    }

    #[test]
    fn unknown_fields_of_the_envelope_are_refused() {
        for pointer in [
            "/extra",
            "/dsseEnvelope/extra",
            "/dsseEnvelope/signatures/0/extra",
            "/verificationMaterial/extra",
        ] {
            assert!(matches!(with(pointer, json!(1)), Err(BundleError::Json(_))), "{pointer}");
        }
    }
}
