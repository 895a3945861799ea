//! Which of the services of a signing config sign now.

use std::cmp::Reverse;

use jiff::Timestamp;
use modelseal_bundle::MAX_LOG_ENTRIES;
use sigstore_rekor::RekorApiVersion;
use sigstore_trust_root::{ServiceConfiguration, ServiceEndpoint, ServiceSelector, SigningConfig};

use super::rekor::Log;
use super::{InstanceError, Service, ServiceUrl};

/// The services that one signature takes.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) certificate_authority: ServiceUrl,
    /// At least one.
    pub(super) logs: Vec<Log>,
    /// At least one, unless every log tells the time.
    pub(super) timestamp_authorities: Vec<ServiceUrl>,
}

impl Services {
    pub(super) fn select(config: &SigningConfig, now: Timestamp) -> Result<Self, InstanceError> {
        let logs = Candidates::new(Service::Rekor, &config.rekor_tlog_urls, &[1, 2], now)
            .chosen(&config.rekor_tlog_config)?;
        let logs = logs.into_iter().map(log).collect::<Result<Vec<_>, _>>()?;
        let authorities = Candidates::new(Service::TimestampAuthority, &config.tsa_urls, &[1], now);
        let timestamp_authorities = if authorities.can_be_none(&config.tsa_config) {
            if logs.iter().any(|log| log.version != RekorApiVersion::V1) {
                return Err(InstanceError::NoTimestampAuthority { now });
            }
            vec![]
        } else {
            authorities.chosen_urls(&config.tsa_config)?
        };
        let certificate_authority = one(Service::Fulcio, &config.ca_urls, now)?;
        Ok(Self { certificate_authority, logs, timestamp_authorities })
    }
}

pub(super) fn oidc_issuer(config: &SigningConfig, now: Timestamp) -> Result<ServiceUrl, InstanceError> {
    one(Service::OidcIssuer, &config.oidc_urls, now)
}

fn one(service: Service, endpoints: &[ServiceEndpoint], now: Timestamp) -> Result<ServiceUrl, InstanceError> {
    let chosen = Candidates::new(service, endpoints, &[1], now).chosen(&ServiceConfiguration::default())?;
    let first = chosen.first().ok_or(InstanceError::NoService { service, now })?;
    url(service, first)
}

fn log(endpoint: &ServiceEndpoint) -> Result<Log, InstanceError> {
    let version = RekorApiVersion::from_major(endpoint.major_api_version).unwrap_or_default();
    Ok(Log { url: url(Service::Rekor, endpoint)?, version })
}

fn url(service: Service, endpoint: &ServiceEndpoint) -> Result<ServiceUrl, InstanceError> {
    endpoint.url.parse().map_err(|source| InstanceError::Url { service, source })
}

/// The services of one kind that are valid now and speak a version that we
/// speak: the newest of each operator, the newest first.
struct Candidates<'a> {
    service: Service,
    endpoints: Vec<&'a ServiceEndpoint>,
    now: Timestamp,
}

impl<'a> Candidates<'a> {
    fn new(service: Service, all: &'a [ServiceEndpoint], majors: &[u32], now: Timestamp) -> Self {
        let is_usable = |endpoint: &&ServiceEndpoint| {
            endpoint.valid_for.contains(now) && majors.contains(&endpoint.major_api_version)
        };
        let mut usable: Vec<_> = all.iter().filter(is_usable).collect();
        usable.sort_by_key(|endpoint| Reverse(endpoint.major_api_version));
        let mut endpoints: Vec<&ServiceEndpoint> = Vec::new();
        for endpoint in usable {
            // Two without an operator may have different ones.
            let is_same = |other: &&ServiceEndpoint| {
                other.operator == endpoint.operator
                    && other.operator.as_ref().is_some_and(|name| !name.is_empty())
            };
            if !endpoints.iter().any(is_same) {
                endpoints.push(endpoint);
            }
        }
        Self { service, endpoints, now }
    }

    fn can_be_none(&self, wanted: &ServiceConfiguration) -> bool {
        self.endpoints.is_empty() && wanted.selector != ServiceSelector::Exact
    }

    /// As many as the config asks for; at least one.
    fn chosen(self, wanted: &ServiceConfiguration) -> Result<Vec<&'a ServiceEndpoint>, InstanceError> {
        let Self { service, mut endpoints, now } = self;
        let found = endpoints.len();
        let count = match wanted.selector {
            ServiceSelector::Any => 1,
            ServiceSelector::All => found,
            ServiceSelector::Exact => match wanted.count {
                Some(count) if count > 0 => {
                    let few = InstanceError::TooFew { service, wanted: count, found };
                    usize::try_from(count).ok().filter(|count| *count <= found).ok_or(few)?
                }
                _ => return Err(InstanceError::Selector { service }),
            },
            _ => return Err(InstanceError::Selector { service }),
        };
        endpoints.truncate(count);
        match endpoints.len() {
            0 => Err(InstanceError::NoService { service, now }),
            found if found > MAX_LOG_ENTRIES => {
                Err(InstanceError::TooMany { service, found, limit: MAX_LOG_ENTRIES })
            }
            _ => Ok(endpoints),
        }
    }

    fn chosen_urls(self, wanted: &ServiceConfiguration) -> Result<Vec<ServiceUrl>, InstanceError> {
        let service = self.service;
        self.chosen(wanted)?.into_iter().map(|endpoint| url(service, endpoint)).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-06-01T00:00:00Z";

    fn endpoint(url: &str, major: u32, operator: &str) -> Value {
        let valid_for = json!({"start": "2025-01-01T00:00:00Z"});
        json!({"url": url, "majorApiVersion": major, "validFor": valid_for, "operator": operator})
    }

    fn config() -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [endpoint("https://ca", 1, "a")],
            "oidcUrls": [endpoint("https://oidc", 1, "a")],
            "rekorTlogUrls": [endpoint("https://log1", 1, "a"), endpoint("https://log2", 2, "a")],
            "tsaUrls": [endpoint("https://tsa", 1, "a")],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaConfig": {"selector": "ANY"},
        })
    }

    fn select(config: &Value) -> Result<Services, InstanceError> {
        let config = SigningConfig::from_json(&config.to_string()).unwrap();
        Services::select(&config, NOW.parse().unwrap())
    }

    fn authorities(config: &Value) -> Vec<String> {
        let services = select(config).unwrap();
        services.timestamp_authorities.iter().map(|url| url.as_str().to_owned()).collect()
    }

    #[test]
    fn the_newest_version_of_a_log_is_preferred_and_unknown_ones_are_passed_over() {
        let mut config = config();
        let logs = config["rekorTlogUrls"].as_array_mut().unwrap();
        logs.push(endpoint("https://log3", 3, "a"));
        let services = select(&config).unwrap();
        let [log] = &services.logs[..] else { panic!("{services:?}") };
        assert_eq!((log.url.as_str(), log.version), ("https://log2", RekorApiVersion::V2));
    }

    #[test]
    fn what_is_not_valid_now_is_passed_over_and_edges_are_valid() {
        let mut config = config();
        config["rekorTlogUrls"][1]["validFor"]["start"] = json!("2026-06-01T00:00:01Z");
        assert_eq!(select(&config).unwrap().logs[0].url.as_str(), "https://log1");
        config["rekorTlogUrls"][0]["validFor"]["end"] = json!(NOW);
        assert_eq!(select(&config).unwrap().logs[0].url.as_str(), "https://log1");
        config["rekorTlogUrls"][0]["validFor"]["end"] = json!("2026-05-31T23:59:59Z");
        let none = InstanceError::NoService { service: Service::Rekor, now: NOW.parse().unwrap() };
        assert_eq!(select(&config).unwrap_err(), none);
    }

    #[test]
    fn as_many_are_used_as_the_config_asks_for_one_of_each_operator() {
        let mut config = config();
        let urls = [("https://t1", "a"), ("https://t2", "a"), ("https://t3", "b"), ("https://t4", "")];
        config["tsaUrls"] = urls.iter().map(|(url, operator)| endpoint(url, 1, operator)).collect();
        assert_eq!(authorities(&config), ["https://t1"]);
        config["tsaConfig"] = json!({"selector": "EXACT", "count": 2});
        assert_eq!(authorities(&config), ["https://t1", "https://t3"]);
        config["tsaConfig"] = json!({"selector": "ALL"});
        assert_eq!(authorities(&config), ["https://t1", "https://t3", "https://t4"]);
        config["tsaConfig"] = json!({"selector": "EXACT", "count": 4});
        let few = InstanceError::TooFew { service: Service::TimestampAuthority, wanted: 4, found: 3 };
        assert_eq!(select(&config).unwrap_err(), few);
        for unclear in [
            json!({"selector": "EXACT"}),
            json!({"selector": "EXACT", "count": 0}),
            json!({"selector": "SERVICE_SELECTOR_UNDEFINED"}),
        ] {
            config["tsaConfig"] = unclear;
            let error = select(&config).unwrap_err();
            assert_eq!(error, InstanceError::Selector { service: Service::TimestampAuthority });
        }
    }

    #[test]
    fn a_log_of_version_2_needs_a_timestamp_authority_and_one_of_version_1_does_not() {
        let mut config = config();
        config["tsaUrls"] = json!([]);
        let error = select(&config).unwrap_err();
        assert_eq!(error, InstanceError::NoTimestampAuthority { now: NOW.parse().unwrap() });
        config["rekorTlogUrls"] = json!([endpoint("https://log1", 1, "a")]);
        assert_eq!(authorities(&config), Vec::<String>::new());
        config["tsaConfig"] = json!({"selector": "EXACT", "count": 1});
        assert!(matches!(select(&config), Err(InstanceError::TooFew { wanted: 1, found: 0, .. })));
    }

    #[test]
    fn more_than_a_bundle_carries_are_refused() {
        let mut config = config();
        config["tsaConfig"] = json!({"selector": "ALL"});
        config["tsaUrls"] = (0..33).map(|index| endpoint("https://t", 1, &index.to_string())).collect();
        assert!(matches!(select(&config), Err(InstanceError::TooMany { found: 33, limit: 32, .. })));
    }

    #[test]
    fn a_service_over_plain_http_on_another_machine_is_refused() {
        for field in ["caUrls", "rekorTlogUrls", "tsaUrls"] {
            let mut config = config();
            config[field] = json!([endpoint("http://service.example", 1, "a")]);
            assert!(matches!(select(&config), Err(InstanceError::Url { .. })), "{field}");
        }
    }
}
