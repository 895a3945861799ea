//! Signatures without keys to keep: the services of Sigstore, and timestamps.
//!
//! ```text
//! IdentityProvider --token--> SigstoreSigner --key, token--> Fulcio: a certificate
//!                                            --signature---> timestamp authorities, Rekor
//!                                            --all of it---> bundle
//! ```
//!
//! An identity comes from an [`IdentityToken`] that somebody gave, from the job
//! that this runs in ([`AmbientIdentity`]) or from somebody who logs in
//! ([`InteractiveIdentity`]). [`TimestampingSigner`] adds timestamps to what any
//! other signer signs.
//!
//! Every service is asked within [`Timeouts`], over `https` or on this machine
//! alone, at most three times, for an answer of at most 1 MiB, and no redirect
//! is followed. Calls block. What the services claim is checked to belong to
//! what was asked; whether it is true is for the verifier.

mod ambient;
mod error;
mod fulcio;
mod http;
mod identity;
mod instance;
mod interactive;
mod oidc;
mod program;
mod redirect;
mod rekor;
mod service_error;
mod service_url;
mod services;
mod signer;
mod timestamping;
mod token;
mod tsa;

pub use ambient::{AmbientError, AmbientIdentity, CiEnvironment};
pub use error::SigstoreError;
pub use http::Timeouts;
pub use identity::{IdentityError, IdentityProvider};
pub use instance::{InstanceError, SigstoreInstance};
pub use interactive::{InteractiveIdentity, LoginError};
pub use program::ProgramFailure;
pub use service_error::{Service, ServiceError, ServiceFailure, TimeoutStep};
pub use service_url::{ServiceUrl, ServiceUrlError};
pub use signer::SigstoreSigner;
pub use timestamping::TimestampingSigner;
pub use token::{IdentityToken, SIGSTORE_AUDIENCE, TokenError};
