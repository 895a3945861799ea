use modelseal_bundle::UntrustedBundle;
use modelseal_verify::Trust;

use super::{ServiceUrl, SigstoreError, Timeouts, tsa};
use crate::{SignError, Signer};

/// Adds RFC 3161 timestamps to what another signer signs, so that a verifier
/// who trusts their authorities knows when it was signed.
#[derive(Debug)]
pub struct TimestampingSigner<S> {
    signer: S,
    authorities: Vec<ServiceUrl>,
    timeouts: Timeouts,
}

impl<S: Signer> TimestampingSigner<S> {
    /// Takes a signer, and the URLs of timestamp authorities: one timestamp
    /// from each.
    pub fn new(signer: S, authorities: Vec<ServiceUrl>, timeouts: Timeouts) -> Self {
        Self { signer, authorities, timeouts }
    }

    fn timestamped(&self, bundle: &[u8]) -> Result<Vec<u8>, SigstoreError> {
        let bundle = UntrustedBundle::parse(bundle)?;
        let mut stamps = bundle.timestamps().to_vec();
        for authority in &self.authorities {
            stamps.push(tsa::stamp(authority, bundle.envelope().signature(), &self.timeouts)?.der);
        }
        let (material, entries) = (bundle.material().clone(), bundle.log_entries().to_vec());
        let bundle = UntrustedBundle::with_evidence(material, bundle.into_envelope(), entries, stamps)?;
        Ok(bundle.to_json())
    }
}

/// Who signed the timestamps is not checked here: a verifier trusts an
/// authority or does not.
impl<S: Signer> Signer for TimestampingSigner<S> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.timestamped(&self.signer.sign(payload)?)?)
    }

    fn trust(&self) -> Trust {
        self.signer.trust()
    }
}
