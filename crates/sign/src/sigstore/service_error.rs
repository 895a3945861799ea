use std::fmt::{self, Display};
use std::time::Duration;

use modelseal_bundle::JsonError;
use modelseal_manifest::Escaped;

/// A service did not do what it was asked to do.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{service} at {url}: {failure}{}", shown_tries(*tries))]
pub struct ServiceError {
    /// Which service.
    pub service: Service,
    /// Where it is, without the query.
    pub url: String,
    /// What went wrong with it in the end.
    pub failure: ServiceFailure,
    /// How often it was asked.
    pub tries: u32,
}

fn shown_tries(tries: u32) -> String {
    if tries > 1 { format!(" (after {tries} tries)") } else { String::new() }
}

/// The services that keyless signing asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Service {
    /// Fulcio: certifies a key for an identity.
    Fulcio,
    /// Rekor: keeps what was signed in a public log.
    Rekor,
    /// Proves the time (RFC 3161).
    TimestampAuthority,
    /// Logs people in, and speaks for their identity.
    OidcIssuer,
    /// Speaks for the identity of a job.
    GitHubActions,
}

impl Service {
    /// A stable code, for machines: `fulcio`, `rekor`, `timestamp-authority`,
    /// `oidc-issuer`, `github-actions`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fulcio => "fulcio",
            Self::Rekor => "rekor",
            Self::TimestampAuthority => "timestamp-authority",
            Self::OidcIssuer => "oidc-issuer",
            Self::GitHubActions => "github-actions",
        }
    }
}

impl Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fulcio => "the certificate authority (Fulcio)",
            Self::Rekor => "the transparency log (Rekor)",
            Self::TimestampAuthority => "the timestamp authority",
            Self::OidcIssuer => "the identity provider (OIDC issuer)",
            Self::GitHubActions => "the identity provider of GitHub Actions",
        })
    }
}

/// What went wrong with a service.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceFailure {
    /// There is no HTTP client on this machine, as without root certificates.
    #[error("no HTTP client could be made: {}", Escaped(reason))]
    Client {
        /// What the client says.
        reason: String,
    },
    /// Nobody listens there, the name is unknown, or TLS failed.
    #[error("could not connect: {}", Escaped(reason))]
    Connect {
        /// What the system says.
        reason: String,
    },
    /// It took too long.
    #[error("{step} within {} s", after.as_secs_f64())]
    Timeout {
        /// What did.
        step: TimeoutStep,
        /// How long it was waited for.
        after: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the connection broke: {}", Escaped(reason))]
    Broken {
        /// What the system says.
        reason: String,
    },
    /// It sent us elsewhere, where a token has no business.
    #[error("answered with a redirect (status {status}), which is not followed")]
    Redirect {
        /// The HTTP status.
        status: u16,
    },
    /// It refused.
    #[error("answered with status {status}{}{}", if message.is_empty() { "" } else { ": " }, Escaped(message))]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it says, shortened; it may be empty.
        message: String,
    },
    /// No such answer is so long.
    #[error("sent more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Not the media type of such an answer.
    #[error("answered with the content type \"{}\", expected \"{expected}\"", Escaped(found))]
    ContentType {
        /// What it should be.
        expected: &'static str,
        /// What it is; it may be empty.
        found: String,
    },
    /// Not JSON, or not the JSON of such an answer.
    #[error("its answer is not the JSON that was expected: {0}")]
    Json(#[from] JsonError),
    /// The answer is to another question, or none.
    #[error("its answer is not what was expected: {}", Escaped(reason))]
    Unexpected {
        /// What is wrong with it.
        reason: String,
    },
}

impl ServiceFailure {
    pub(super) fn unexpected(reason: impl Into<String>) -> Self {
        Self::Unexpected { reason: reason.into() }
    }

    /// Whether the same request may do better in a moment.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Timeout { step: TimeoutStep::Connect, .. } => true,
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }
}

/// What took too long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TimeoutStep {
    /// Connecting, with TLS.
    Connect,
    /// The next bytes of the answer.
    Read,
    /// The whole of the request, with all its tries.
    Total,
}

impl Display for TimeoutStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection came about",
            Self::Read => "nothing came",
            Self::Total => "the whole answer did not come",
        })
    }
}
