use modelseal_bundle::{Attestation, MAX_BUNDLE_BYTES, UntrustedBundle};
use modelseal_sign::{SignError, Signer};
use modelseal_verify::{VerifiedAttestation, verify_envelope};

use crate::Error;

/// An attestation that was signed and not yet written.
#[derive(Debug)]
pub struct SignedAttestation {
    /// The bundle's JSON.
    pub bundle: Vec<u8>,
    /// What a consumer finds in it who knows this very signer.
    pub verified: VerifiedAttestation,
}

/// Signs `attestation`. The bundle is read and verified as a consumer would
/// before it is given.
///
/// # Errors
/// [`Error::Sign`]; [`Error::SelfCheck`]; [`Error::BundleTooLarge`].
pub fn attest(attestation: &Attestation, signer: &dyn Signer) -> Result<SignedAttestation, Error> {
    let bundle = sign_payload(&attestation.to_payload(), signer)?;
    let verified = check(&bundle, attestation, signer).map_err(|error| Error::SelfCheck(Box::new(error)))?;
    Ok(SignedAttestation { bundle, verified })
}

/// Readers would refuse what is larger.
pub(crate) fn sign_payload(payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, Error> {
    let bundle = signer.sign(payload)?;
    if bundle.len() as u64 > MAX_BUNDLE_BYTES {
        return Err(Error::BundleTooLarge { found: bundle.len() as u64, limit: MAX_BUNDLE_BYTES });
    }
    Ok(bundle)
}

fn check(bundle: &[u8], meant: &Attestation, signer: &dyn Signer) -> Result<VerifiedAttestation, Error> {
    let verified = verify_envelope(&UntrustedBundle::parse(bundle)?, &signer.trust())?;
    match verified.into_attestation() {
        Ok(verified) if verified.attestation() == meant => Ok(verified),
        _ => Err(SignError::SelfCheck.into()),
    }
}
