//! RFC 3161 timestamps over the signatures of keys and certificates. Numbers are
//! those of the catalogue of hostile inputs.

#![expect(clippy::disallowed_methods, reason = "the program openssl reads and writes files")]

mod authorities;
mod holder;
mod hostile;
#[path = "../log_entries/log.rs"]
mod log;
mod openssl;
mod profiles;
mod program;
#[expect(dead_code, reason = "the tests of log entries need the rest")]
#[path = "../log_entries/signed.rs"]
mod signed;
#[path = "../tampering/mod.rs"]
mod tampering;
mod times;
mod token;
mod windows;

use holder::Holder;
use modelseal_bundle::UntrustedBundle;
use modelseal_verify::{TimestampAuthorities, TimestampError, Trust, VerifyError, verify};
use signed::clock;

/// Authorities under the roots, and of those that are pinned among them.
fn under(certificates: &[&Holder]) -> TimestampAuthorities {
    let certificates = certificates.iter().map(|holder| holder.certificate.clone()).collect();
    TimestampAuthorities::certificates(certificates, clock()).unwrap()
}

/// Asserts that a bundle is refused for its timestamp.
#[track_caller]
fn refused(bundle: UntrustedBundle, trust: &Trust) -> TimestampError {
    match verify(bundle, trust) {
        Err(VerifyError::Timestamp(error)) => error,
        other => panic!("expected a refusal of the timestamp, found {other:?}"),
    }
}

/// Whether nobody who is trusted made the timestamp.
fn is_untrusted(error: &TimestampError) -> bool {
    matches!(error, TimestampError::Untrusted { .. } | TimestampError::Certificate(_))
}
