//! RFC 3161 timestamps over the signatures of keys and certificates.

use cms::cert::CertificateChoices;
use cms::content_info::ContentInfo;
use cms::signed_data::{SignedData, SignerIdentifier};
use jiff::Timestamp;
use modelseal_bundle::UntrustedBundle;
use modelseal_manifest::Escaped;
use sigstore_verify::tsa::{Error, TsaAuthority, verify_timestamp_for_authority};
use sigstore_verify::types::{DerCertificate, SignatureBytes, TimestampToken};
use spki::der::asn1::OctetString;
use spki::der::{Decode, Encode};
use x509_tsp::{TimeStampResp, TstInfo};

use crate::der_limits::is_cheap;
use crate::x509::authority_path;
use crate::{Certificate, CertificateError, Clock, ProvedTime, TrustedRoot};

/// The most certificates that are given for timestamps.
const MAX_GIVEN: usize = 16;
/// The most certificates in a timestamp.
const MAX_CARRIED: usize = 8;

/// The timestamp authorities that are believed.
///
/// An authority's key has to be ECDSA on P-256 or P-384. Whether its
/// certificates were revoked is not looked into.
#[derive(Clone, Debug)]
pub struct TimestampAuthorities {
    known: Vec<TsaAuthority>,
    under: Vec<Under>,
    clock: Clock,
}

/// Authorities under these roots; where some are pinned, only those.
#[derive(Clone, Debug)]
struct Under {
    roots: Vec<Certificate>,
    pinned: Vec<Certificate>,
}

impl TimestampAuthorities {
    /// Believes authorities under these certificates. Where one of them is that
    /// of an authority itself, and not of who issued it, only those count.
    ///
    /// # Errors
    /// [`TimestampError::NoRoot`] without a certificate authority among them;
    /// [`TimestampError::TooMany`].
    pub fn certificates(certificates: Vec<Certificate>, clock: Clock) -> Result<Self, TimestampError> {
        let (found, limit) = (certificates.len(), MAX_GIVEN);
        if found > limit {
            return Err(TimestampError::TooMany { found, limit });
        }
        let (roots, pinned): (Vec<_>, Vec<_>) = certificates.into_iter().partition(Certificate::is_ca);
        if roots.is_empty() {
            return Err(TimestampError::NoRoot);
        }
        Ok(Self { known: vec![], under: vec![Under { roots, pinned }], clock })
    }

    /// Believes the timestamp authorities of a Sigstore instance, each in its
    /// own window.
    pub fn of(root: &TrustedRoot, clock: Clock) -> Self {
        Self { known: root.as_library().tsa_authorities(), under: vec![], clock }
    }

    /// Believes both, by the clock of the first.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.known.extend(other.known);
        self.under.extend(other.under);
        self
    }

    /// The times of all `tokens`, each of which has to be one over `signature`.
    pub(crate) fn verify(
        &self,
        tokens: &[Vec<u8>],
        signature: &[u8],
    ) -> Result<Vec<ProvedTime>, TimestampError> {
        let verified = tokens.iter().enumerate().map(|(index, token)| {
            let time = self.time(token, signature)?;
            if self.clock.is_ahead(time) {
                return Err(TimestampError::Future { index, time, now: self.clock.now() });
            }
            Ok(ProvedTime::Timestamp(time))
        });
        verified.collect()
    }

    fn time(&self, token: &[u8], signature: &[u8]) -> Result<Timestamp, TimestampError> {
        let signature = SignatureBytes::new(signature.to_vec());
        let stamp = TimestampToken::new(token.to_vec());
        let claims = Claims::of(token)?;
        let (candidates, mut problem) = self.candidates(&claims);
        for authority in self.known.iter().chain(&candidates) {
            match verify_timestamp_for_authority(&stamp, &signature, authority) {
                Ok(time) if time == claims.time => return Ok(time),
                Ok(_) => return Err(TimestampError::Malformed),
                Err(Error::HashMismatch { .. }) => return Err(TimestampError::OtherSignature),
                Err(Error::TimestampOutsideValidity { time }) => {
                    problem = TimestampError::OutsideWindow { time };
                }
                Err(_) if !matches!(problem, TimestampError::Untrusted { .. }) => {}
                Err(error) => {
                    problem = TimestampError::Untrusted { reason: Escaped(&error.to_string()).to_string() };
                }
            }
        }
        Err(problem)
    }

    /// The authority that the token names, under each of the roots that were
    /// given and issued it; and why there is none.
    fn candidates(&self, claims: &Claims) -> (Vec<TsaAuthority>, TimestampError) {
        let mut problem = TimestampError::Untrusted { reason: "no authority is trusted for it".to_owned() };
        let mut candidates = vec![];
        for Under { roots, pinned } in &self.under {
            let leaves = if pinned.is_empty() { &claims.carried } else { pinned };
            let intermediates: Vec<Certificate> =
                claims.carried.iter().chain(roots).filter(|other| other.is_ca()).cloned().collect();
            for leaf in leaves.iter().filter(|leaf| claims.is_by(leaf)) {
                match authority_path(leaf, &intermediates, roots, claims.time) {
                    Ok(issuers) => candidates.extend(issuers.first().map(|issuer| authority(leaf, issuer))),
                    Err(error) => problem = TimestampError::Certificate(Box::new(error)),
                }
            }
        }
        (candidates, problem)
    }
}

/// The library is shown the last step alone, since it asks of issuers what RFC
/// 5280 does not. The whole path was found before.
fn authority(leaf: &Certificate, issuer: &Certificate) -> TsaAuthority {
    let der = |certificate: &Certificate| DerCertificate::new(certificate.as_der().to_vec());
    TsaAuthority::new(der(leaf), vec![], der(issuer), None)
}

/// The earliest time that the timestamps and log entries of a bundle tell, for people:
/// nothing of it is verified.
pub fn claimed_time(bundle: &UntrustedBundle) -> Option<Timestamp> {
    let stamped = bundle.timestamps().iter().filter_map(|token| Some(Claims::of(token).ok()?.time));
    // Logs of the second version have no clock, and say that it is 1970.
    let logged =
        bundle.log_entries().iter().filter_map(|entry| entry.integrated_time.filter(|time| *time > 0));
    let logged = logged.filter_map(|time| Timestamp::from_second(i64::try_from(time).ok()?).ok());
    stamped.chain(logged).min()
}

/// What a timestamp says of itself, which nobody vouches for yet.
struct Claims {
    carried: Vec<Certificate>,
    signer: SignerIdentifier,
    time: Timestamp,
}

impl Claims {
    fn of(token: &[u8]) -> Result<Self, TimestampError> {
        if !is_cheap(token) {
            return Err(TimestampError::Malformed);
        }
        let malformed = |_| TimestampError::Malformed;
        let token = match TimeStampResp::from_der(token) {
            Ok(response) => {
                let token = response.time_stamp_token.ok_or(TimestampError::Malformed)?;
                token.to_der().map_err(malformed)?
            }
            Err(_) => token.to_vec(),
        };
        let content = ContentInfo::from_der(&token).map_err(malformed)?;
        let signed: SignedData = content.content.decode_as().map_err(malformed)?;
        let info = signed.encap_content_info.econtent.as_ref().ok_or(TimestampError::Malformed)?;
        let info: OctetString = info.decode_as().map_err(malformed)?;
        let info = TstInfo::from_der(info.as_bytes()).map_err(malformed)?;
        let time = Timestamp::try_from(info.gen_time.to_system_time());
        let time = time.map_err(|_| TimestampError::Malformed)?;
        let signer = signed.signer_infos.0.get(0).ok_or(TimestampError::Malformed)?.sid.clone();
        Ok(Self { carried: carried(&signed)?, signer, time })
    }

    /// Whether the timestamp names this certificate as its signer's.
    fn is_by(&self, leaf: &Certificate) -> bool {
        match &self.signer {
            SignerIdentifier::IssuerAndSerialNumber(named) => {
                named.issuer == *leaf.issuer_name() && named.serial_number.as_bytes() == leaf.serial_bytes()
            }
            // Which that is, the library finds out.
            SignerIdentifier::SubjectKeyIdentifier(_) => !leaf.is_ca(),
        }
    }
}

fn carried(signed: &SignedData) -> Result<Vec<Certificate>, TimestampError> {
    let certificates = signed.certificates.as_ref().map(|set| set.0.as_slice()).unwrap_or_default();
    let (found, limit) = (certificates.len(), MAX_CARRIED);
    if found > limit {
        return Err(TimestampError::TooMany { found, limit });
    }
    // What cannot be read as a certificate cannot have signed either.
    let read = |choice: &CertificateChoices| match choice {
        CertificateChoices::Certificate(certificate) => {
            Certificate::from_der(&certificate.to_der().ok()?).ok()
        }
        CertificateChoices::Other(_) => None,
    };
    Ok(certificates.iter().filter_map(read).collect())
}

/// Why a timestamp is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampError {
    /// Not a timestamp.
    #[error("a timestamp of the bundle is no RFC 3161 timestamp")]
    Malformed,
    /// A timestamp of something else.
    #[error("a timestamp of the bundle belongs to another signature")]
    OtherSignature,
    /// Nobody who is trusted made it.
    #[error("a timestamp of the bundle was not made by a timestamp authority that is trusted: {reason}")]
    Untrusted {
        /// What the check says.
        reason: String,
    },
    /// The certificate of its authority is not believed.
    #[error("a timestamp of the bundle was not made by a timestamp authority that is trusted: {0}")]
    Certificate(Box<CertificateError>),
    /// Made by an authority that was not trusted then.
    #[error("a timestamp of the bundle is of {time}, when its authority was not, or no longer, trusted")]
    OutsideWindow {
        /// Its time.
        time: Timestamp,
    },
    /// Made in the future.
    #[error("timestamp {index} of the bundle (counted from 0) is of {time}, and it is only {now}")]
    Future {
        /// Its place.
        index: usize,
        /// Its time.
        time: Timestamp,
        /// What time it is.
        now: Timestamp,
    },
    /// More certificates than are looked at.
    #[error("{found} certificates for a timestamp, and at most {limit} are looked at")]
    TooMany {
        /// How many.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// Nothing that could have issued the certificate of an authority.
    #[error("no certificate authority (CA:TRUE) is among the certificates of timestamp authorities")]
    NoRoot,
}
