use std::path::PathBuf;

use cryptoki::error::{Error, RvError};
use modelseal_verify::{PublicKeyError, UnsupportedAlgorithm};

/// Why a token did not do what it was asked to do. It never holds a PIN.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Pkcs11Error {
    /// The URI does not say which module.
    #[error("the PKCS#11 URI names no module: add ?module-path=/path/of/module.so")]
    NoModule,
    /// A module of this name is in none of the usual directories.
    #[error("no PKCS#11 module \"{}.so\" was found in {directories}", name.escape_default())]
    ModuleNotFound {
        /// What was looked for.
        name: String,
        /// Where.
        directories: String,
    },
    /// A path that depends on the working directory.
    #[error("{}: is not an absolute path, and a module runs with all your rights", path.display().to_string().escape_default())]
    NotAbsolute {
        /// The path.
        path: PathBuf,
    },
    /// The file cannot be loaded, or is no PKCS#11 module.
    #[error("{}: cannot be loaded as a PKCS#11 module: {}", path.display().to_string().escape_default(), reason.escape_default())]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader says.
        reason: String,
    },
    /// No token fits.
    #[error("no token matches {wanted}{}", list("; there are", found))]
    NoToken {
        /// The URI that was asked for.
        wanted: String,
        /// URIs of the tokens that are there.
        found: Vec<String>,
    },
    /// Several tokens fit.
    #[error("{} tokens match {wanted}{}", found.len(), list(":", found))]
    SeveralTokens {
        /// The URI that was asked for.
        wanted: String,
        /// URIs of those that match.
        found: Vec<String>,
    },
    /// The token takes no further attempt at its PIN.
    #[error("the token \"{token}\" has locked its PIN after too many wrong attempts")]
    PinLocked {
        /// Label of the token.
        token: String,
    },
    /// The token would lock the PIN after one more wrong attempt.
    #[error("the token \"{token}\" has a single attempt at its PIN left, which is not risked here")]
    PinFinalTry {
        /// Label of the token.
        token: String,
    },
    /// The PIN is wrong.
    #[error("the PIN is wrong for the token \"{token}\"; it was tried once{}", if *is_low { ", and few attempts are left" } else { "" })]
    WrongPin {
        /// Label of the token.
        token: String,
        /// Whether the token warns of wrong attempts.
        is_low: bool,
    },
    /// The token wants a PIN, and none was given.
    #[error("the token \"{token}\" wants a PIN, and none was given")]
    NoPin {
        /// Label of the token.
        token: String,
    },
    /// The token is not there any more.
    #[error("the token was removed")]
    Removed,
    /// No private key fits.
    #[error("no private key on the token matches {wanted}{}", list("; there are", found))]
    NoKey {
        /// The URI that was asked for.
        wanted: String,
        /// URIs of the keys that are there.
        found: Vec<String>,
    },
    /// Several keys fit.
    #[error("{} keys on the token match {wanted}{}", found.len(), list(":", found))]
    SeveralKeys {
        /// The URI that was asked for.
        wanted: String,
        /// URIs of those that match.
        found: Vec<String>,
    },
    /// Neither a public key nor a certificate of the same id is there.
    #[error("the token holds no public key and no certificate that belongs to the private key {key}")]
    NoPublicKey {
        /// URI of the private key.
        key: String,
    },
    /// The public key on the token cannot be used.
    #[error("the public key {key} on the token: {source}")]
    PublicKey {
        /// URI of the key.
        key: String,
        /// What is wrong with it.
        source: PublicKeyError,
    },
    /// A key that signs no models.
    #[error("the key {key} on the token: {source}")]
    Algorithm {
        /// URI of the key.
        key: String,
        /// What it is.
        source: UnsupportedAlgorithm,
    },
    /// A key that may not sign, or wants its PIN at every signature.
    #[error("the private key {key} cannot be used: {reason}")]
    Unusable {
        /// URI of the key.
        key: String,
        /// Why.
        reason: &'static str,
    },
    /// Anything else that the module says.
    #[error("the PKCS#11 module reports: {reason}")]
    Module {
        /// What it says.
        reason: String,
    },
}

fn list(before: &str, found: &[String]) -> String {
    if found.is_empty() { "; there are none".to_owned() } else { format!("{before} {}", found.join(", ")) }
}

impl From<Error> for Pkcs11Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(
                RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::SessionHandleInvalid,
                _,
            ) => Self::Removed,
            // The explanations of the standard are paragraphs; the name says it.
            Error::Pkcs11(error, function) => Self::Module { reason: format!("{function:?}: {error:?}") },
            other => Self::Module { reason: other.to_string().escape_default().to_string() },
        }
    }
}
