use std::fmt::{self, Display};
use std::str::FromStr;

use modelseal_manifest::{Escaped, Sha256Digest};
use serde::{Deserialize, Serialize};

/// Who a signer is from one release to the next: what stays the same when a
/// tag, a workflow's ref or a short-lived certificate changes.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(tag = "method", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum SignerId {
    /// The holder of a key.
    Key {
        /// SHA-256 of its SPKI.
        key: Fingerprint,
    },
    /// The holder of certificates.
    Certificate {
        /// SHA-256 of the certificate of the anchor.
        root: Fingerprint,
        /// The subject of the signing certificate.
        subject: String,
    },
    /// A repository, by the numbers that its issuer gave it and its owner.
    Workflow {
        /// The OIDC issuer.
        issuer: String,
        /// The number of the repository's owner.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner_id: Option<String>,
        /// The number of the repository.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository_id: Option<String>,
    },
    /// An identity that its issuer gives no numbers.
    Identity {
        /// The OIDC issuer.
        issuer: String,
        /// The e-mail address or URI.
        identity: String,
    },
}

impl SignerId {
    /// Whether `other` is meant where somebody says `self`: of a workflow the
    /// numbers that are given have to be equal, of anybody else all.
    pub fn means(&self, other: &Self) -> bool {
        let is_alike = |said: &Option<String>, found: &Option<String>| said.is_none() || said == found;
        match (self, other) {
            (
                Self::Workflow { issuer, owner_id, repository_id },
                Self::Workflow { issuer: of, owner_id: owner, repository_id: repository },
            ) if owner_id.is_some() || repository_id.is_some() => {
                issuer == of && is_alike(owner_id, owner) && is_alike(repository_id, repository)
            }
            _ => self == other,
        }
    }
}

impl Display for SignerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { key } => write!(f, "key {key}"),
            Self::Certificate { root, subject } => {
                write!(f, "certificates of {} under {root}", Escaped(subject))
            }
            Self::Workflow { issuer, owner_id, repository_id } => {
                let number =
                    |what, id: &Option<String>| id.as_ref().map(|id| format!("{what} id {}", Escaped(id)));
                let ids = [number("owner", owner_id), number("repository", repository_id)];
                let ids: Vec<String> = ids.into_iter().flatten().collect();
                write!(f, "{}, by the word of {}", ids.join(", "), Escaped(issuer))
            }
            Self::Identity { issuer, identity } => {
                write!(f, "{}, by the word of {}", Escaped(identity), Escaped(issuer))
            }
        }
    }
}

/// `sha256:` and 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(pub Sha256Digest);

impl Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digest = text.strip_prefix("sha256:").and_then(|hex| hex.parse().ok());
        digest.map(Self).ok_or_else(|| FingerprintError { found: text.to_owned() })
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = FingerprintError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("\"{}\" is no fingerprint: expected \"sha256:\" and 64 lowercase hexadecimal digits", Escaped(found))]
pub struct FingerprintError {
    /// The text.
    pub found: String,
}
