use std::fmt::{self, Debug};
use std::sync::Arc;

use jiff::Timestamp;
use modelseal_bundle::{JsonError, check_json};
use modelseal_manifest::{Escaped, Sha256Digest};
use serde::Deserialize;
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::{self, SigstoreInstance, TimeRange};

use crate::Certificate;

/// The most bytes of a trusted root.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most values in its JSON.
const MAX_VALUES: usize = 20_000;
/// The most authorities, or logs, of one kind.
const MAX_EACH: usize = 64;
const MEDIA_TYPES: [&str; 2] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
];
/// The media type of a client trust configuration.
pub const TRUST_CONFIG: &str = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";
/// When the embedded roots were published with the library.
const EMBEDDED_AS_OF: &str = "2026-10-23T00:00:00Z";

/// The certificate authorities, logs and timestamp authorities of a Sigstore
/// instance: on their word rests every keyless signature.
#[derive(Clone)]
pub struct TrustedRoot(Arc<Inner>);

struct Inner {
    root: trust_root::TrustedRoot,
    verifier: Verifier,
    source: RootSource,
    fingerprint: Sha256Digest,
}

/// Where a trusted root comes from, and so of what day it speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RootSource {
    /// It came with this library.
    Embedded {
        /// The day it was taken.
        as_of: Timestamp,
    },
    /// It was fetched and verified through TUF.
    Updated {
        /// When.
        at: Timestamp,
    },
    /// The caller gave it.
    Given,
}

impl TrustedRoot {
    /// Reads the JSON of a trusted root, which the caller vouches for.
    ///
    /// # Errors
    /// [`TrustedRootError`] for whatever is no such root, has a key, a
    /// certificate or a window that cannot be used, or a log twice.
    pub fn parse(json: &[u8]) -> Result<Self, TrustedRootError> {
        Self::from(json, RootSource::Given)
    }

    /// Reads the root in the JSON of a client trust configuration, which the
    /// caller vouches for.
    ///
    /// # Errors
    /// [`TrustedRootError`].
    pub fn parse_trust_config(json: &[u8]) -> Result<Self, TrustedRootError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct ClientTrustConfig {
            #[serde(default)]
            media_type: String,
            #[serde(default)]
            trusted_root: serde_json::Value,
        }
        check(json)?;
        let unusable = |error: serde_json::Error| TrustedRootError::Unusable { reason: error.to_string() };
        let config: ClientTrustConfig = serde_json::from_slice(json).map_err(unusable)?;
        if config.media_type != TRUST_CONFIG {
            return Err(TrustedRootError::TrustConfig { found: config.media_type });
        }
        Self::parse(config.trusted_root.to_string().as_bytes())
    }

    /// Reads a root that was fetched and verified through TUF.
    ///
    /// # Errors
    /// [`TrustedRootError`].
    pub fn updated(json: &[u8], at: Timestamp) -> Result<Self, TrustedRootError> {
        Self::from(json, RootSource::Updated { at })
    }

    /// The root of the public instance that comes with this library.
    pub fn production() -> Self {
        Self::embedded(SigstoreInstance::PublicGood)
    }

    /// The root of the public instance for tests that comes with this library.
    pub fn staging() -> Self {
        Self::embedded(SigstoreInstance::Staging)
    }

    fn embedded(instance: SigstoreInstance) -> Self {
        let as_of = EMBEDDED_AS_OF.parse().expect("a constant");
        let json = instance.embedded_trusted_root_json().as_bytes();
        Self::from(json, RootSource::Embedded { as_of }).expect("a constant that a test reads")
    }

    fn from(json: &[u8], source: RootSource) -> Result<Self, TrustedRootError> {
        check(json)?;
        let unusable = |reason: String| TrustedRootError::Unusable { reason: Escaped(&reason).to_string() };
        let text = std::str::from_utf8(json).map_err(|error| unusable(error.to_string()))?;
        let root = trust_root::TrustedRoot::from_json(text);
        let mut root = root.map_err(|error| unusable(error.to_string()))?;
        if !MEDIA_TYPES.contains(&root.media_type.as_str()) {
            return Err(TrustedRootError::MediaType { found: root.media_type });
        }
        for (what, found) in [
            ("transparency logs", root.tlogs.len()),
            ("certificate authorities", root.certificate_authorities.len()),
            ("certificate transparency logs", root.ctlogs.len()),
            ("timestamp authorities", root.timestamp_authorities.len()),
        ] {
            if found > MAX_EACH {
                return Err(TrustedRootError::TooMany { what, found, limit: MAX_EACH });
            }
        }
        let content = serde_json::to_vec(&root).map_err(|error| unusable(error.to_string()))?;
        let fingerprint = Sha256Digest::of(&content);
        clamp_windows(&mut root)?;
        let verifier = Verifier::new(&root).map_err(|error| unusable(error.to_string()))?;
        Ok(Self(Arc::new(Inner { root, verifier, source, fingerprint })))
    }

    /// Where it comes from.
    pub fn source(&self) -> RootSource {
        self.0.source
    }

    /// The SHA-256 of its content, written anew: the same wherever it was read
    /// from, and not that of a file.
    pub fn fingerprint(&self) -> Sha256Digest {
        self.0.fingerprint
    }

    /// The URIs of its certificate authorities, as it gives them.
    pub fn certificate_authorities(&self) -> impl Iterator<Item = &str> {
        self.0.root.certificate_authorities.iter().map(|authority| authority.uri.as_str())
    }

    /// The base URLs of its transparency logs.
    pub fn transparency_logs(&self) -> impl Iterator<Item = &str> {
        self.0.root.tlogs.iter().map(|log| log.base_url.as_str())
    }

    /// The base URLs of its certificate transparency logs.
    pub fn certificate_logs(&self) -> impl Iterator<Item = &str> {
        self.0.root.ctlogs.iter().map(|log| log.base_url.as_str())
    }

    /// The URIs of its timestamp authorities, where it gives them.
    pub fn timestamp_authorities(&self) -> impl Iterator<Item = &str> {
        self.0.root.timestamp_authorities.iter().map(|authority| authority.uri.as_deref().unwrap_or(""))
    }

    pub(crate) fn as_library(&self) -> &trust_root::TrustedRoot {
        &self.0.root
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }
}

/// No authority is believed at a time at which one of its own certificates was
/// not valid, which nobody asks of an anchor otherwise.
fn clamp_windows(root: &mut trust_root::TrustedRoot) -> Result<(), TrustedRootError> {
    let authorities = root.certificate_authorities.iter_mut();
    let authorities = authorities.map(|authority| (&authority.cert_chain, &mut authority.valid_for));
    let stamping = root.timestamp_authorities.iter_mut();
    let stamping = stamping.map(|authority| (&authority.cert_chain, &mut authority.valid_for));
    for (chain, window) in authorities.chain(stamping) {
        for entry in &chain.certificates {
            let certificate = Certificate::from_der(entry.raw_bytes.as_bytes());
            let certificate =
                certificate.map_err(|error| TrustedRootError::Unusable { reason: error.to_string() })?;
            let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
            let start = window.map_or(not_before, |window| window.start.max(not_before));
            let end = window.and_then(|window| window.end).map_or(not_after, |end| end.min(not_after));
            *window = Some(TimeRange::new(start, Some(end)));
        }
    }
    Ok(())
}

fn check(json: &[u8]) -> Result<(), TrustedRootError> {
    if json.len() > MAX_BYTES {
        return Err(TrustedRootError::TooLarge { found: json.len(), limit: MAX_BYTES });
    }
    Ok(check_json(json, MAX_VALUES)?)
}

impl Debug for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedRoot({:?}, sha256:{})", self.0.source, self.0.fingerprint)
    }
}

impl Eq for TrustedRoot {}

impl PartialEq for TrustedRoot {
    fn eq(&self, other: &Self) -> bool {
        self.0.fingerprint == other.0.fingerprint && self.0.source == other.0.source
    }
}

/// Why bytes are no trusted root.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustedRootError {
    /// Longer than any root.
    #[error("{found} bytes, and a trusted root has at most {limit}")]
    TooLarge {
        /// How long it is.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not JSON as strict as it is asked for.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// JSON of something else.
    #[error(
        "its mediaType is \"{}\", and a trusted root has \"application/vnd.dev.sigstore.trustedroot+json;version=0.1\"",
        Escaped(found)
    )]
    MediaType {
        /// What it says.
        found: String,
    },
    /// JSON of something else than a client trust configuration.
    #[error(
        "its mediaType is \"{}\", and a client trust configuration has \"{TRUST_CONFIG}\"",
        Escaped(found)
    )]
    TrustConfig {
        /// What it says.
        found: String,
    },
    /// More of something than any root has.
    #[error("{found} {what}, and a trusted root has at most {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A root that nothing can be verified with.
    #[error("not a trusted root that can be used: {reason}")]
    Unusable {
        /// What is wrong with it.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn changed(change: impl FnOnce(&mut Value)) -> Result<TrustedRoot, TrustedRootError> {
        let json = SigstoreInstance::PublicGood.embedded_trusted_root_json();
        let mut root = serde_json::from_str(json).unwrap();
        change(&mut root);
        TrustedRoot::parse(root.to_string().as_bytes())
    }

    #[test]
    fn the_embedded_roots_are_read() {
        assert!(TrustedRoot::production().transparency_logs().any(|log| log == "https://rekor.sigstore.dev"));
        assert!(TrustedRoot::staging().certificate_authorities().any(|uri| uri.contains("sigstage")));
        changed(|_| ()).unwrap();
    }

    #[test]
    fn item_57_a_log_that_stands_there_twice_is_refused_when_it_is_read() {
        let twice = changed(|root| {
            let first = root["tlogs"][0].clone();
            root["tlogs"].as_array_mut().unwrap().push(first);
        });
        assert!(twice.unwrap_err().to_string().contains("duplicate"));
    }

    #[test]
    fn what_is_no_trusted_root_is_refused() {
        let duplicate = br#"{"mediaType":"a","mediaType":"a"}"#;
        assert!(matches!(TrustedRoot::parse(duplicate), Err(TrustedRootError::Json(_))));
        assert!(matches!(
            TrustedRoot::parse(&vec![b' '; MAX_BYTES + 1]),
            Err(TrustedRootError::TooLarge { .. })
        ));
        let other = changed(|root| root["mediaType"] = json!("application/json"));
        assert!(matches!(other, Err(TrustedRootError::MediaType { .. })));
        let key = changed(|root| root["tlogs"][0]["publicKey"]["rawBytes"] = json!("AAAA"));
        assert!(matches!(key, Err(TrustedRootError::Unusable { .. })));
        let backwards = changed(|root| {
            root["certificateAuthorities"][0]["validFor"] =
                json!({"start": "2024-01-01T00:00:00Z", "end": "2023-01-01T00:00:00Z"});
        });
        assert!(matches!(backwards, Err(TrustedRootError::Unusable { .. })));
        let many = changed(|root| {
            root["timestampAuthorities"] = json!(vec![root["timestampAuthorities"][0].clone(); 65]);
        });
        assert!(matches!(many, Err(TrustedRootError::TooMany { found: 65, .. })));
    }
}
