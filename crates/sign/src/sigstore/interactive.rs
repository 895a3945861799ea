use std::fmt::{self, Debug};
use std::io;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use modelseal_manifest::Escaped;
use zeroize::Zeroizing;

use super::identity::LastToken;
use super::oidc::{Client, Login, Secrets, discover};
use super::redirect::Redirect;
use super::{IdentityError, IdentityProvider, IdentityToken, SIGSTORE_AUDIENCE, ServiceUrl, Timeouts};

/// How long somebody may take to log in: five minutes.
const LOGIN_TIME: Duration = Duration::from_mins(5);
/// Tokens of people may last no more than a minute (those of the public issuer
/// do), and the next one takes another login.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);
/// The issuer shows the code, and somebody types it.
const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";
const MAX_CODE_BYTES: usize = 4096;

/// Somebody who logs in at an OIDC issuer, in a browser on this machine or on
/// another.
///
/// The code flow with PKCE: the issuer must be the one that was asked, and
/// state and nonce those of this login. A token is kept until its last
/// seconds.
pub struct InteractiveIdentity {
    issuer: ServiceUrl,
    way: Way,
    client: Client,
    timeouts: Timeouts,
    last: LastToken,
}

type Show = Box<dyn Fn(&str) + Send + Sync>;
type ReadCode = Box<dyn Fn() -> io::Result<String> + Send + Sync>;

enum Way {
    Browser { open: Show, limit: Duration },
    OutOfBand { show: Show, read: ReadCode },
}

impl InteractiveIdentity {
    /// A browser on this machine, which `open` is asked to bring to a URL.
    pub fn browser(issuer: ServiceUrl, open: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self::new(issuer, Way::Browser { open: Box::new(open), limit: LOGIN_TIME })
    }

    /// A browser anywhere: `show` tells its user the URL, and `read` reads the
    /// code that the issuer shows there. Nothing limits how long that takes.
    pub fn out_of_band(
        issuer: ServiceUrl,
        show: impl Fn(&str) + Send + Sync + 'static,
        read: impl Fn() -> io::Result<String> + Send + Sync + 'static,
    ) -> Self {
        Self::new(issuer, Way::OutOfBand { show: Box::new(show), read: Box::new(read) })
    }

    fn new(issuer: ServiceUrl, way: Way) -> Self {
        let client = Client { id: SIGSTORE_AUDIENCE.to_owned(), secret: None };
        Self { issuer, way, client, timeouts: Timeouts::default(), last: LastToken::until(MARGIN) }
    }

    /// Another client of the issuer than `sigstore`, by its id, which is the
    /// audience of its tokens too; with a secret, where it has one.
    #[must_use]
    pub fn with_client(self, id: impl Into<String>, secret: Option<Zeroizing<String>>) -> Self {
        Self { client: Client { id: id.into(), secret }, ..self }
    }

    /// How long the issuer is waited for.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// How long a browser on this machine is waited for, five minutes unless
    /// this says otherwise.
    #[must_use]
    pub fn with_login_time(mut self, time: Duration) -> Self {
        if let Way::Browser { limit, .. } = &mut self.way {
            *limit = time;
        }
        self
    }

    fn log_in(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        let endpoints = discover(&self.issuer, &self.timeouts)?;
        let (client, secrets) = (&self.client, &Secrets::random());
        let (redirect_uri, code) = match &self.way {
            Way::Browser { open, limit } => {
                let redirect = Redirect::listen()?;
                open(&endpoints.login_url(client, secrets, &redirect.uri()));
                (redirect.uri(), redirect.wait(&secrets.state, *limit)?)
            }
            Way::OutOfBand { show, read } => {
                show(&endpoints.login_url(client, secrets, OUT_OF_BAND));
                (OUT_OF_BAND.to_owned(), typed_code(read)?)
            }
        };
        let code = &Zeroizing::new(code);
        let login = Login { issuer: &self.issuer, client, secrets, redirect_uri: &redirect_uri, code };
        endpoints.exchange(&login, &self.timeouts, now)
    }
}

impl IdentityProvider for InteractiveIdentity {
    fn token(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        self.last.or_fetch(now, || self.log_in(now))
    }
}

impl Debug for InteractiveIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InteractiveIdentity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

fn typed_code(read: &ReadCode) -> Result<String, LoginError> {
    let line = read().map_err(|error| LoginError::Read { reason: error.to_string() })?;
    let code = line.trim();
    if code.is_empty() || code.len() > MAX_CODE_BYTES {
        return Err(LoginError::NoCode);
    }
    Ok(code.to_owned())
}

/// Why nobody is logged in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// Another issuer answered, or another one speaks in the token.
    #[error("the OIDC issuer says that it is \"{}\", expected \"{}\"", Escaped(found), Escaped(expected))]
    Issuer {
        /// The issuer that was asked.
        expected: String,
        /// What it says.
        found: String,
    },
    /// The browser came back from another login than ours.
    #[error("the browser came back with another state: it was not sent by this login")]
    State,
    /// The token was made for another login than ours.
    #[error("the identity token has another nonce: it was not made for this login")]
    Nonce,
    /// The issuer let nobody in.
    #[error(
        "the OIDC issuer refused the login: {}{}{}",
        Escaped(error),
        if description.is_empty() { "" } else { ": " },
        Escaped(description)
    )]
    Refused {
        /// The code of RFC 6749, section 4.1.2.1.
        error: String,
        /// What it adds; it may be empty.
        description: String,
    },
    /// There is no code to change for a token.
    #[error("the login gave no code")]
    NoCode,
    /// Nobody came back.
    #[error("nobody logged in within {} s", after.as_secs_f64())]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// No browser could come back.
    #[error("cannot wait for the browser on 127.0.0.1: {reason}")]
    Listen {
        /// What the system says.
        reason: String,
    },
    /// The code could not be read.
    #[error("cannot read the code of the login: {reason}")]
    Read {
        /// What the system says.
        reason: String,
    },
}
