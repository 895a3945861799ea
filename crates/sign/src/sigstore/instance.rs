use jiff::Timestamp;
use modelseal_bundle::{JsonError, check_json};
use modelseal_manifest::Escaped;
use modelseal_verify::{TRUST_CONFIG, TrustedRoot, TrustedRootError};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sigstore_trust_root::signing_config::SIGNING_CONFIG_MEDIA_TYPE;
use sigstore_trust_root::{
    SIGSTORE_PRODUCTION_SIGNING_CONFIG, SIGSTORE_STAGING_SIGNING_CONFIG, SigningConfig,
};

use super::services::{self, Services};
use super::{Service, ServiceUrl, ServiceUrlError, Timeouts};

const MAX_CONFIG_BYTES: usize = 4 * 1024 * 1024;
const MAX_CONFIG_VALUES: usize = 50_000;

/// A Sigstore: the services that sign, and what verifiers of their work trust.
#[derive(Clone, Debug)]
pub struct SigstoreInstance {
    trusted_root: TrustedRoot,
    signing_config: SigningConfig,
    timeouts: Timeouts,
}

impl SigstoreInstance {
    /// The public instance, as it was when this was built.
    #[expect(clippy::missing_panics_doc, reason = "what is built in is tested")]
    pub fn production() -> Self {
        let config = signing_config(SIGSTORE_PRODUCTION_SIGNING_CONFIG.as_bytes());
        Self::new(TrustedRoot::production(), config.expect("what is built in is tested"))
    }

    /// Its staging instance, as it was when this was built.
    #[expect(clippy::missing_panics_doc, reason = "what is built in is tested")]
    pub fn staging() -> Self {
        let config = signing_config(SIGSTORE_STAGING_SIGNING_CONFIG.as_bytes());
        Self::new(TrustedRoot::staging(), config.expect("what is built in is tested"))
    }

    /// An instance by its trusted root, and the JSON of its signing config
    /// (`application/vnd.dev.sigstore.signingconfig.v0.2+json`).
    ///
    /// # Errors
    /// [`InstanceError`].
    pub fn from_configs(
        trusted_root: TrustedRoot,
        signing_config_json: &[u8],
    ) -> Result<Self, InstanceError> {
        Ok(Self::new(trusted_root, signing_config(signing_config_json)?))
    }

    /// An instance by the JSON of its client trust config, which holds both
    /// (`application/vnd.dev.sigstore.clienttrustconfig.v0.1+json`).
    ///
    /// # Errors
    /// [`InstanceError`].
    pub fn from_client_trust_config(json: &[u8]) -> Result<Self, InstanceError> {
        const DOCUMENT: &str = "client trust config";
        let root = TrustedRoot::parse_trust_config(json).map_err(|error| match error {
            TrustedRootError::TooLarge { found, limit } => {
                InstanceError::TooLarge { document: DOCUMENT, found, limit }
            }
            TrustedRootError::Json(source) => InstanceError::Json { document: DOCUMENT, source },
            TrustedRootError::TrustConfig { found } => {
                InstanceError::MediaType { document: DOCUMENT, expected: TRUST_CONFIG, found }
            }
            error => InstanceError::TrustedRoot { reason: error.to_string() },
        })?;
        let config: ClientTrustConfig = read(DOCUMENT, json)?;
        Self::from_configs(root, config.signing_config.to_string().as_bytes())
    }

    fn new(trusted_root: TrustedRoot, signing_config: SigningConfig) -> Self {
        Self { trusted_root, signing_config, timeouts: Timeouts::default() }
    }

    /// How long its services are waited for.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The same services, for verifiers with a newer trusted root.
    #[must_use]
    pub fn with_trusted_root(self, trusted_root: TrustedRoot) -> Self {
        Self { trusted_root, ..self }
    }

    /// What verifiers of its work trust.
    pub fn trusted_root(&self) -> &TrustedRoot {
        &self.trusted_root
    }

    /// How long its services are waited for.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// Where people log in now.
    ///
    /// # Errors
    /// [`InstanceError::NoService`], [`InstanceError::Url`].
    pub fn oidc_issuer(&self, now: Timestamp) -> Result<ServiceUrl, InstanceError> {
        services::oidc_issuer(&self.signing_config, now)
    }

    /// The services that sign now.
    ///
    /// # Errors
    /// [`InstanceError`], before any of them was asked.
    pub(super) fn services(&self, now: Timestamp) -> Result<Services, InstanceError> {
        Services::select(&self.signing_config, now)
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClientTrustConfig {
    signing_config: Value,
}

fn signing_config(json: &[u8]) -> Result<SigningConfig, InstanceError> {
    const DOCUMENT: &str = "signing config";
    let config: SigningConfig = read(DOCUMENT, json)?;
    if config.media_type == SIGNING_CONFIG_MEDIA_TYPE {
        return Ok(config);
    }
    let (expected, found) = (SIGNING_CONFIG_MEDIA_TYPE, config.media_type);
    Err(InstanceError::MediaType { document: DOCUMENT, expected, found })
}

fn read<T: DeserializeOwned>(document: &'static str, json: &[u8]) -> Result<T, InstanceError> {
    if json.len() > MAX_CONFIG_BYTES {
        return Err(InstanceError::TooLarge { document, found: json.len(), limit: MAX_CONFIG_BYTES });
    }
    let value = check_json(json, MAX_CONFIG_VALUES)
        .and_then(|()| serde_json::from_slice(json).map_err(JsonError::from));
    value.map_err(|source| InstanceError::Json { document, source })
}

/// Why an instance cannot sign. No service was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// No such document is so long.
    #[error("the {document} has {found} bytes, and at most {limit} are read")]
    TooLarge {
        /// The document.
        document: &'static str,
        /// Bytes that were given.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Not JSON, or not the JSON of such a document.
    #[error("not a {document}: {source}")]
    Json {
        /// The document.
        document: &'static str,
        /// What is wrong with it.
        source: JsonError,
    },
    /// Another document, or another version of it.
    #[error("the media type of the {document} is \"{}\", expected \"{expected}\"", Escaped(found))]
    MediaType {
        /// The document.
        document: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// The trusted root cannot be used.
    #[error("the trusted root of the client trust config: {reason}")]
    TrustedRoot {
        /// What is wrong with it.
        reason: String,
    },
    /// None is valid now and speaks a version that we speak.
    #[error("the signing config has no URL of {service} that can be used on {now}")]
    NoService {
        /// What there is none of.
        service: Service,
        /// What time it is here.
        now: Timestamp,
    },
    /// Fewer, of different operators, than are asked for.
    #[error("the signing config asks for {wanted} of {service}, and has {found} that can be used")]
    TooFew {
        /// What there are too few of.
        service: Service,
        /// How many it asks for.
        wanted: u32,
        /// How many there are.
        found: usize,
    },
    /// More than a bundle may carry.
    #[error("the signing config asks for {found} of {service}, and a bundle carries at most {limit}")]
    TooMany {
        /// What there are too many of.
        service: Service,
        /// How many it asks for.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// It does not say how many are asked for.
    #[error("the signing config does not say how many of {service} are to be used")]
    Selector {
        /// Of what.
        service: Service,
    },
    /// Rekor v2 proves no time, and nothing else would.
    #[error(
        "the log speaks Rekor v2, which proves no time, and the signing config has no timestamp authority that can be used on {now}"
    )]
    NoTimestampAuthority {
        /// What time it is here.
        now: Timestamp,
    },
    /// A service is nowhere that it could be asked.
    #[error("the signing config: the URL of {service}: {source}")]
    Url {
        /// The service.
        service: Service,
        /// What is wrong with its URL.
        source: ServiceUrlError,
    },
}
