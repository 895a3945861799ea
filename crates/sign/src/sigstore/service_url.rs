use std::fmt::{self, Debug, Display};
use std::net::IpAddr;
use std::str::FromStr;

use modelseal_manifest::Escaped;
use reqwest::Url;

/// Where a service is: `https`, or `http` that does not leave this machine.
#[derive(Clone, Eq, PartialEq)]
pub struct ServiceUrl {
    text: String,
    url: Url,
}

impl FromStr for ServiceUrl {
    type Err = ServiceUrlError;

    /// # Errors
    /// [`ServiceUrlError`]: user names, passwords and fragments have no place
    /// in it either.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || ServiceUrlError::Malformed { found: text.to_owned() };
        let url = Url::parse(text).map_err(|_| malformed())?;
        let has_extras = !url.username().is_empty() || url.password().is_some() || url.fragment().is_some();
        if url.host_str().is_none() || has_extras {
            return Err(malformed());
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return Err(ServiceUrlError::NotHttps { found: text.to_owned() }),
        }
        Ok(Self { text: text.to_owned(), url })
    }
}

impl ServiceUrl {
    /// The text that it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.url)
    }

    /// An endpoint below it.
    pub(super) fn endpoint(&self, path: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path().trim_end_matches('/')));
        Self { text: url.to_string(), url }
    }

    /// The same, with further parameters in its query.
    pub(super) fn with_query(&self, parameters: &[(&str, &str)]) -> Self {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(parameters);
        Self { text: url.to_string(), url }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Without its query, which is nobody's business in a message.
impl Display for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.url.clone();
        url.set_query(None);
        Display::fmt(&Escaped(url.as_str()), f)
    }
}

impl Debug for ServiceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceUrl({self})")
    }
}

/// Why a text is not the address of a service.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceUrlError {
    /// Not a URL, or one with a user name, a password or a fragment.
    #[error("\"{}\" is not the URL of a service", Escaped(found))]
    Malformed {
        /// What was given.
        found: String,
    },
    /// Whoever listens on the way could read tokens and change answers.
    #[error("\"{}\" is not an https URL; http is taken for this machine alone", Escaped(found))]
    NotHttps {
        /// What was given.
        found: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_is_taken_and_http_of_this_machine() {
        for url in [
            "https://fulcio.example",
            "https://h:8443/x?y=z",
            "http://localhost:1/x",
            "http://127.0.0.1:1",
            "http://127.8.8.8",
            "http://[::1]:1",
        ] {
            assert!(url.parse::<ServiceUrl>().is_ok(), "{url}");
        }
    }

    #[test]
    fn http_of_other_machines_and_other_schemes_are_refused() {
        for url in [
            "http://fulcio.example",
            "http://localhost.example",
            "http://10.0.0.1",
            "http://127.0.0.1.example",
            "http://[::ffff:10.0.0.1]",
            "ftp://localhost",
        ] {
            let refused = url.parse::<ServiceUrl>();
            assert!(matches!(refused, Err(ServiceUrlError::NotHttps { .. })), "{url}: {refused:?}");
        }
        for url in ["", "x", "https://", "/x", "https://u@h", "https://u:p@h", "https://h/#x", "file:///x"] {
            let refused = url.parse::<ServiceUrl>();
            assert!(matches!(refused, Err(ServiceUrlError::Malformed { .. })), "{url}: {refused:?}");
        }
    }

    #[test]
    fn endpoints_are_joined_with_one_slash_and_queries_are_kept_and_never_shown() {
        for base in ["https://h/x", "https://h/x/"] {
            let endpoint = base.parse::<ServiceUrl>().unwrap().endpoint("/api/v2/signingCert");
            assert_eq!(endpoint.as_str(), "https://h/x/api/v2/signingCert");
        }
        let url = "https://h/token?api-version=2.0".parse::<ServiceUrl>().unwrap();
        let url = url.with_query(&[("audience", "a&b")]);
        assert_eq!(url.as_str(), "https://h/token?api-version=2.0&audience=a%26b");
        assert_eq!(url.to_string(), "https://h/token");
    }
}
