//! Words and codes for identities, services and clocks that keep a signature
//! from being made.

use modelseal::SignError;
use modelseal::sigstore::{
    AmbientError, IdentityError, LoginError, Service, ServiceError, ServiceFailure, SigstoreError, TokenError,
};

use super::failure::{Exit, Failure};
use super::keyless::instance_failure;

/// What came between a signer and its signature. Nothing was written.
pub(crate) fn signing_failure(error: &SignError) -> Failure {
    let SignError::Sigstore(source) = error else {
        return Failure::new(Exit::Undecided, "signer", error.to_string());
    };
    match &**source {
        SigstoreError::Instance(error) => instance_failure(error),
        SigstoreError::Identity(error) => identity_failure(error),
        SigstoreError::Service(error) => service_failure(error),
        SigstoreError::CertificateNotCurrent { .. } | SigstoreError::TimestampOutsideCertificate { .. } => {
            Failure::new(Exit::Undecided, "clock", source.to_string())
                .help("set the clock of this machine, and sign again; no signature was written")
        }
        other => Failure::new(Exit::Undecided, "service-answer", other.to_string()),
    }
}

fn identity_failure(error: &IdentityError) -> Failure {
    let (exit, code, help) = match error {
        IdentityError::Token(error) => (Exit::Usage, "identity-token", token_help(error)),
        IdentityError::Ambient(error) => (Exit::Usage, "ci-identity", ambient_help(error)),
        IdentityError::Login(error) => (Exit::Undecided, "login", login_help(error)),
        IdentityError::Service(error) => return service_failure(error),
        IdentityError::Declined => {
            (Exit::Usage, "declined", "nothing was published, and nothing was written")
        }
        _ => (Exit::Undecided, "identity", "nothing was published"),
    };
    Failure::new(exit, code, error.to_string()).help(help)
}

fn token_help(error: &TokenError) -> &'static str {
    match error {
        TokenError::WrongAudience { .. } => {
            "ask the identity provider for a token with the audience \"sigstore\"; nothing was published"
        }
        TokenError::Expired { .. } => "get a new token: they live for minutes; nothing was published",
        TokenError::NotYetValid { .. } => "is the clock of this machine right? nothing was published",
        _ => "an identity token is a JWT, as the identity provider gives it; nothing was published",
    }
}

fn ambient_help(error: &AmbientError) -> &'static str {
    match error {
        AmbientError::NoPermission { .. } => {
            "add to the job, in the workflow file: permissions: { id-token: write, contents: read }"
        }
        AmbientError::NoVariable { .. } => {
            "add to the job, in .gitlab-ci.yml: id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }"
        }
        _ => "or name a key with --key, or a token with --identity-token-file",
    }
}

fn login_help(error: &LoginError) -> &'static str {
    match error {
        LoginError::Timeout { .. } | LoginError::NoCode | LoginError::Read { .. } => {
            "sign again and log in; nothing was published, and nothing was written"
        }
        LoginError::Listen { .. } => "--oob logs in with a browser on another machine",
        _ => {
            "sign again; if it happens again, somebody stands between you and the issuer; nothing was published"
        }
    }
}

fn service_failure(error: &ServiceError) -> Failure {
    let (code, help) = match (&error.failure, error.service) {
        (ServiceFailure::Connect { .. } | ServiceFailure::Broken { .. }, _) => {
            ("network", "is the network there, and the service running? no signature was written")
        }
        (ServiceFailure::Timeout { .. }, _) => {
            ("timeout", "try again, or wait longer with --timeout SECONDS; no signature was written")
        }
        (ServiceFailure::Status { status: 400..=403, .. }, Service::Fulcio) => (
            "service-refused",
            "does the certificate authority know the issuer of the token, and is the token still valid? no signature was written",
        ),
        (ServiceFailure::Status { status: 500..=599 | 429, .. }, _) => {
            ("service-refused", "the service is in trouble: try again later; no signature was written")
        }
        (ServiceFailure::Status { .. } | ServiceFailure::Redirect { .. }, _) => {
            ("service-refused", "is it the right service? no signature was written")
        }
        (ServiceFailure::Client { .. }, _) => {
            ("network", "does this machine have root certificates for TLS?")
        }
        _ => (
            "service-answer",
            "is it the right service, and nothing in between? nothing of its answer was used",
        ),
    };
    // Fulcio has published by then.
    let published = match error.service {
        Service::Rekor => "; the certificate for it stands in a public log already",
        Service::TimestampAuthority => "; the certificate of an identity stands in a public log already",
        _ => "",
    };
    Failure::new(Exit::Undecided, code, error.to_string()).help(format!("{help}{published}"))
}
