use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use modelseal_verify::FulcioCertificate;

use super::{AmbientError, IdentityToken, LoginError, ServiceError, TokenError};

/// Where identity tokens come from: an [`IdentityToken`] that somebody gave, an
/// [`AmbientIdentity`](super::AmbientIdentity) or an
/// [`InteractiveIdentity`](super::InteractiveIdentity).
pub trait IdentityProvider: Send + Sync {
    /// Gives a token that can be used now: `now` is asked what time it is, more
    /// than once, since a login takes its time.
    ///
    /// # Errors
    /// [`IdentityError`].
    fn token(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError>;

    /// Told which identity the certificate authority has certified, which may
    /// make something else of a token than [`IdentityToken::identity`] foresees.
    /// The certificate stands in a public log by then, the signature does not.
    ///
    /// # Errors
    /// [`IdentityError::DeclinedCertified`] for an identity that is not to sign.
    fn certified(&self, _certificate: &FulcioCertificate) -> Result<(), IdentityError> {
        Ok(())
    }
}

/// A token that was given cannot be renewed.
impl IdentityProvider for IdentityToken {
    fn token(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        self.check_current(now())?;
        Ok(self.clone())
    }
}

/// The last token of a provider that can get more.
#[derive(Debug)]
pub(super) struct LastToken {
    token: Mutex<Option<IdentityToken>>,
    /// A token that ends sooner is used no more: it may end on the way.
    margin: SignedDuration,
}

impl LastToken {
    pub(super) fn until(margin: SignedDuration) -> Self {
        Self { token: Mutex::default(), margin }
    }

    pub(super) fn or_fetch(
        &self,
        now: fn() -> Timestamp,
        fetch: impl FnOnce() -> Result<IdentityToken, IdentityError>,
    ) -> Result<IdentityToken, IdentityError> {
        let mut last = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let lasts = |token: &&IdentityToken| token.expires_at().duration_since(now()) > self.margin;
        if let Some(token) = last.as_ref().filter(lasts) {
            return Ok(token.clone());
        }
        let token = fetch()?;
        *last = Some(token.clone());
        Ok(token)
    }
}

/// Why there is no identity to sign with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// There is a token, and it cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// This job offers none.
    #[error(transparent)]
    Ambient(#[from] AmbientError),
    /// Nobody logged in.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// Whoever was asked does not want it published.
    #[error("the identity is not to be published")]
    Declined,
    /// The same, of an identity that was certified already.
    #[error("the identity that was certified is not to sign")]
    DeclinedCertified,
    /// The service that would give one failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}
