//! Keyless bundles: what the certificate says of its holder, and who vouches for
//! that. Numbers are those of the catalogue of hostile inputs.

mod artifacts;
mod claims;
mod display;
mod evidence;
#[expect(dead_code, reason = "the tests of timestamps need the rest")]
#[path = "../timestamps/holder.rs"]
mod holder;
mod identity;
mod instance;
mod issuer;
#[expect(dead_code, reason = "the tests of log entries need the rest")]
#[path = "../log_entries/log.rs"]
mod log;
mod mutations;
#[expect(dead_code, reason = "the tests of log entries need the rest")]
#[path = "../log_entries/signed.rs"]
mod signed;
#[path = "../tampering/mod.rs"]
mod tampering;
#[expect(dead_code, reason = "the tests of timestamps need the rest")]
#[path = "../timestamps/token.rs"]
mod token;
mod trust;
mod world;

use modelseal_bundle::UntrustedBundle;
use modelseal_verify::{KeylessSigner, Signer, SigstoreError, Trust, VerifyError, verify};

#[track_caller]
fn refused(bundle: UntrustedBundle, trust: &Trust) -> SigstoreError {
    match verify(bundle, trust) {
        Err(VerifyError::Sigstore(error)) => error,
        other => panic!("expected a refusal of the keyless signature, found {other:?}"),
    }
}

#[track_caller]
fn verified(bundle: UntrustedBundle, trust: &Trust) -> KeylessSigner {
    match verify(bundle, trust).unwrap().signer() {
        Signer::Sigstore(signer) => (**signer).clone(),
        other => panic!("{other:?}"),
    }
}
