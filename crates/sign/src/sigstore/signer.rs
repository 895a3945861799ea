use std::fmt::{self, Debug};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use modelseal_bundle::{Envelope, LogEntry, PAYLOAD_TYPE, UntrustedBundle, VerificationMaterial, pae};
use modelseal_verify::{Certificate, Clock, FulcioCertificate, KeyAlgorithm, SigstoreTrust, Trust};
use sha2::{Digest, Sha256};
use sigstore_bundle::BundleV03;
use sigstore_types::{DerCertificate, Sha256Hash, SignatureBytes, TimestampToken, TransparencyLogEntry};

use super::rekor::{Signed, Submission};
use super::services::Services;
use super::tsa::{self, Stamp};
use super::{IdentityProvider, IdentityToken, SigstoreError, SigstoreInstance, fulcio};
use crate::signing_key::sign_verified;
use crate::{PrivateKey, SignError, Signer};

/// How far ahead of ours the clocks of the services may be. A verifier allows
/// no more, and finds out after the signature was published.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(10);

/// Signs for an identity, with a key that lives for one signature: the method
/// `sigstore`.
///
/// Each signature asks, in this order, for a token; Fulcio for a certificate;
/// the timestamp authorities for the time; the logs for an entry. From the
/// certificate on, the identity stands in public logs for ever.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use modelseal_sign::Signer;
/// use modelseal_sign::sigstore::{AmbientIdentity, SigstoreInstance, SigstoreSigner, Timeouts};
///
/// # let payload = b"";
/// let job = AmbientIdentity::detect(|name| std::env::var_os(name), Timeouts::default())?;
/// let job = job.ok_or("this is no job that has an identity")?;
/// let signer = SigstoreSigner::new(SigstoreInstance::production(), Box::new(job), jiff::Timestamp::now);
/// println!("will be public for ever: {:?}", signer.token()?.identity());
/// let bundle = signer.sign(payload)?;
/// # Ok(())
/// # }
/// ```
pub struct SigstoreSigner {
    instance: SigstoreInstance,
    provider: Box<dyn IdentityProvider>,
    now: fn() -> Timestamp,
    /// The certificate of the last bundle.
    leaf: Mutex<Option<Certificate>>,
}

impl SigstoreSigner {
    /// Takes the services, who signs, and what time it is, such as
    /// [`Timestamp::now`].
    pub fn new(
        instance: SigstoreInstance,
        provider: Box<dyn IdentityProvider>,
        now: fn() -> Timestamp,
    ) -> Self {
        Self { instance, provider, now, leaf: Mutex::new(None) }
    }

    /// The token that the next signature would take: it tells which identity
    /// would be published.
    ///
    /// # Errors
    /// [`SignError::Sigstore`].
    pub fn token(&self) -> Result<IdentityToken, SignError> {
        let token = self.provider.token(self.now).map_err(SigstoreError::from)?;
        Ok(token)
    }

    /// Signs bytes as they are, not a statement about a model, and gives the
    /// JSON of a Sigstore bundle with a message signature.
    ///
    /// # Errors
    /// [`SignError`].
    #[expect(clippy::missing_panics_doc, reason = "strings and arrays always serialize")]
    pub fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let sealed = self.seal(message)?;
        let entries = self.log(&sealed, Signed::Message(message))?;
        let certificate = DerCertificate::from_bytes(sealed.leaf.as_der());
        let signature = SignatureBytes::from_bytes(&sealed.signature);
        let digest = Sha256Hash::new(Sha256::digest(message).into());
        let bundle = BundleV03::with_certificate_and_signature(certificate, signature, digest);
        let bundle = entries.into_iter().fold(bundle, BundleV03::with_tlog_entry);
        let stamps = sealed.stamps.into_iter().map(|stamp| TimestampToken::new(stamp.der));
        let bundle = stamps.fold(bundle, BundleV03::with_rfc3161_timestamp).into_bundle();
        self.remember(sealed.leaf);
        Ok(bundle.to_json().expect("strings and arrays always serialize").into_bytes())
    }

    /// Under which the last bundle verifies: that of a message too.
    pub fn last_certificate(&self) -> SigstoreTrust {
        let leaf = self.leaf.lock().unwrap_or_else(PoisonError::into_inner);
        let leaf = leaf.as_ref().map_or(&[][..], Certificate::as_der);
        let root = self.instance.trusted_root().clone();
        SigstoreTrust::certificate(root, leaf, Clock::at((self.now)()))
    }

    fn remember(&self, leaf: Certificate) {
        *self.leaf.lock().unwrap_or_else(PoisonError::into_inner) = Some(leaf);
    }

    /// Everything but the log: a signature by a certified key, and its time.
    fn seal(&self, message: &[u8]) -> Result<Sealed, SignError> {
        let services = self.instance.services((self.now)()).map_err(SigstoreError::from)?;
        let timeouts = self.instance.timeouts();
        let token = self.token()?;
        let key = PrivateKey::generate(KeyAlgorithm::P256);
        let leaf = fulcio::certify(&services.certificate_authority, &token, &key, timeouts)?;
        check_current(&leaf, (self.now)())?;
        let certified = FulcioCertificate::from_der(leaf.as_der());
        let certified =
            certified.map_err(|error| SigstoreError::Certificate { reason: error.to_string() })?;
        self.provider.certified(&certified).map_err(SigstoreError::from)?;
        let signature = sign_verified(&key, message)?;
        let stamp = |authority| tsa::stamp(authority, &signature, timeouts);
        let stamps = services.timestamp_authorities.iter().map(stamp).collect::<Result<Vec<_>, _>>();
        let stamps = stamps.map_err(SigstoreError::from)?;
        stamps.iter().try_for_each(|stamp| check_within(&leaf, stamp.time))?;
        Ok(Sealed { services, leaf, signature, stamps })
    }

    fn log(&self, sealed: &Sealed, signed: Signed<'_>) -> Result<Vec<TransparencyLogEntry>, SignError> {
        let submission = Submission { signed, signature: &sealed.signature, leaf: sealed.leaf.as_der() };
        let submit = |log: &super::rekor::Log| log.submit(&submission, self.instance.timeouts());
        let entries = sealed.services.logs.iter().map(submit).collect::<Result<_, _>>();
        Ok(entries.map_err(SigstoreError::from)?)
    }
}

impl Signer for SigstoreSigner {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        let sealed = self.seal(&pae(PAYLOAD_TYPE, payload))?;
        let envelope = Envelope::new(payload.to_vec(), sealed.signature.clone());
        let entries = self.log(&sealed, Signed::Envelope(&envelope))?;
        let entries = entries.iter().map(log_entry).collect::<Result<_, _>>()?;
        let stamps = sealed.stamps.into_iter().map(|stamp| stamp.der).collect();
        let material = VerificationMaterial::Certificate(sealed.leaf.as_der().to_vec());
        let bundle = UntrustedBundle::with_evidence(material, envelope, entries, stamps);
        let json = bundle.map_err(SigstoreError::from)?.to_json();
        self.remember(sealed.leaf);
        Ok(json)
    }

    /// The certificate of the last bundle, under the trusted root of the
    /// instance; nobody before there is one.
    fn trust(&self) -> Trust {
        Trust::sigstore(self.last_certificate())
    }
}

impl Debug for SigstoreSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigstoreSigner").field("instance", &self.instance).finish_non_exhaustive()
    }
}

struct Sealed {
    services: Services,
    leaf: Certificate,
    signature: Vec<u8>,
    stamps: Vec<Stamp>,
}

fn log_entry(entry: &TransparencyLogEntry) -> Result<LogEntry, SigstoreError> {
    let json = serde_json::to_vec(entry).expect("strings and integers always serialize");
    Ok(LogEntry::parse(&json)?)
}

fn check_current(leaf: &Certificate, now: Timestamp) -> Result<(), SigstoreError> {
    let (not_before, not_after) = (leaf.not_before(), leaf.not_after());
    if not_before.duration_since(now) <= MAX_SKEW && now <= not_after {
        return Ok(());
    }
    Err(SigstoreError::CertificateNotCurrent { not_before, not_after, now })
}

/// What a verifier would find after the signature was published.
fn check_within(leaf: &Certificate, time: Timestamp) -> Result<(), SigstoreError> {
    let (not_before, not_after) = (leaf.not_before(), leaf.not_after());
    if not_before <= time && time <= not_after {
        return Ok(());
    }
    Err(SigstoreError::TimestampOutsideCertificate { time, not_before, not_after })
}
