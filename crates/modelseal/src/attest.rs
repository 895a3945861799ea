use modelseal_bundle::{Attestation, MAX_BUNDLE_BYTES, UntrustedBundle};
use modelseal_policy::{Contradiction, contradiction};
use modelseal_predicate::Provenance;
use modelseal_sign::{SignError, Signer};
use modelseal_verify::{Signer as VerifiedSigner, VerifiedAttestation, verify_envelope};

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
/// [`Error::Attestation`] for what readers would refuse, before it is signed;
/// [`Error::Contradicted`] for provenance of another run than the one that signs;
/// [`Error::Sign`]; [`Error::SelfCheck`]; [`Error::BundleTooLarge`].
pub fn attest(attestation: &Attestation, signer: &dyn Signer) -> Result<SignedAttestation, Error> {
    let payload = attestation.to_payload();
    Attestation::parse(&payload)?;
    let bundle = sign_payload(&payload, signer)?;
    let verified = check(&bundle, attestation, signer).map_err(|error| Error::SelfCheck(Box::new(error)))?;
    check_run(attestation, verified.signer())?;
    Ok(SignedAttestation { bundle, verified })
}

/// Who verifies would find it out too, and believe neither.
fn check_run(attestation: &Attestation, signer: &VerifiedSigner) -> Result<(), Error> {
    let Some(run) = Provenance::of(attestation).ok().and_then(|provenance| provenance.run) else {
        return Ok(());
    };
    match contradiction(&run, &signer.into()) {
        Some(Contradiction { claim, said, proved }) => Err(Error::Contradicted { claim, said, proved }),
        None => Ok(()),
    }
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
