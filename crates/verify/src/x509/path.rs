//! From a leaf to an anchor. The path is found and verified by `webpki`
//! (signatures, names, validity, basic constraints, path length, name
//! constraints, critical extensions, revocation, within its budget of work).
//! What it leaves out of RFC 5280 is asked here of every path that it finds:
//! key usages, and the whole of the anchor.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, TrustAnchor,
    UnixTime,
};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, RevocationOptionsBuilder,
    UnknownStatusPolicy, VerifiedPath, anchor_from_trusted_cert,
};
use x509_cert::der::oid::{AssociatedOid, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, Header, Reader, SliceReader};
use x509_cert::ext::pkix::BasicConstraints;

use super::profile::{self, Purpose};
use super::{Certificate, CertificateError, CertificateRevocationList};
use crate::JudgedAt;

const WRONG_LIST: &str = "the signature of a revocation list does not verify";
/// How many certificates the library takes between leaf and anchor.
pub(super) const MAX_INTERMEDIATES: usize = 6;
/// How many selections of lists are tried.
const MAX_SELECTIONS: usize = 64;

/// `emailAddress` in a name (RFC 2985).
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// Where a path may lead, and what may not be on it.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    pub(super) intermediates: &'a [Certificate],
    pub(super) anchors: &'a [Certificate],
    pub(super) crls: &'a [CertificateRevocationList],
    pub(super) at: JudgedAt,
    pub(super) purpose: Purpose,
}

/// A path that was found: what issued the leaf, the anchor last.
pub(super) struct Path {
    pub(super) issuers: Vec<Certificate>,
    /// The certificates below the anchor of which no list speaks.
    pub(super) unlisted: Vec<Certificate>,
}

impl<'a> Search<'a> {
    /// Finds a path from `leaf`, which itself was checked already.
    pub(super) fn path(self, leaf: &Certificate) -> Result<Path, CertificateError> {
        let mut outcome = Err(unknown_issuer(leaf));
        for crls in self.selections(leaf) {
            outcome = self.find(leaf, &crls, UnknownStatusPolicy::Allow).map(|issuers| (issuers, crls));
            // An authority that changed its key has a list for each, and only one of them verifies.
            if !matches!(&outcome, Err(CertificateError::Path { reason, .. }) if reason == WRONG_LIST) {
                break;
            }
        }
        let (issuers, crls) = outcome?;
        let unlisted = self.unlisted(leaf, &issuers, &crls);
        Ok(Path { issuers, unlisted })
    }

    /// The library says of all or none whether lists speak of them.
    fn unlisted(
        self,
        leaf: &Certificate,
        issuers: &[Certificate],
        crls: &[&CertificateRevocationList],
    ) -> Vec<Certificate> {
        let Some((anchor, intermediates)) = issuers.split_last() else { return vec![] };
        let below_anchor = || std::iter::once(leaf).chain(intermediates);
        let same = Search { intermediates, anchors: std::slice::from_ref(anchor), ..self };
        // The library takes a leaf that is marked as an authority for none, and looks into
        // lists that speak only of either kind accordingly.
        let is_doubtful = leaf.is_ca() && crls.iter().any(|crl| crl.is_partial());
        if !crls.is_empty() && !is_doubtful && same.find(leaf, crls, UnknownStatusPolicy::Deny).is_ok() {
            return vec![];
        }
        let speaks = |certificate: &&Certificate| {
            crls.iter().any(|crl| crl.speaks_of(certificate) && !crl.is_partial())
        };
        let unlisted: Vec<Certificate> =
            below_anchor().filter(|certificate| !speaks(certificate)).cloned().collect();
        if unlisted.is_empty() { below_anchor().cloned().collect() } else { unlisted }
    }

    /// Ways of taking the lists: all of them, the newest first, and then each way
    /// of taking one list of each issuer that occurs.
    fn selections(self, leaf: &Certificate) -> Vec<Vec<&'a CertificateRevocationList>> {
        let presented = || std::iter::once(leaf).chain(self.intermediates);
        let is_relevant =
            |crl: &&CertificateRevocationList| presented().any(|certificate| crl.speaks_of(certificate));
        let relevant: Vec<&'a CertificateRevocationList> = self.crls.iter().filter(is_relevant).collect();
        let mut selections: Vec<Vec<&'a CertificateRevocationList>> = vec![vec![]];
        for (index, crl) in relevant.iter().enumerate() {
            if relevant[..index].iter().any(|earlier| earlier.is_of_issuer_of(crl)) {
                continue;
            }
            let of_issuer = || relevant.iter().filter(|other| other.is_of_issuer_of(crl));
            let with = |selection: Vec<_>| of_issuer().map(move |list| [&selection[..], &[*list]].concat());
            selections = selections.into_iter().flat_map(with).take(MAX_SELECTIONS).collect();
        }
        std::iter::once(relevant).chain(selections).collect()
    }

    /// What a path would ask of the leaf itself: no critical extension that is
    /// not known.
    pub(super) fn check_readable(self, leaf: &Certificate) -> Result<(), CertificateError> {
        let view = View::of(leaf).ok_or_else(|| self.explain(leaf, &Error::BadDer))?;
        EndEntityCert::try_from(&view.certificate).map(drop).map_err(|error| self.explain(leaf, &error))
    }

    /// The library looks into one list for each certificate. None of the others
    /// may name it either.
    pub(super) fn check_not_listed(self, certificate: &Certificate) -> Result<(), CertificateError> {
        if self.crls.iter().any(|crl| crl.lists(certificate)) {
            return Err(revoked(certificate));
        }
        Ok(())
    }

    fn find(
        self,
        leaf: &Certificate,
        crls: &[&CertificateRevocationList],
        unknown: UnknownStatusPolicy,
    ) -> Result<Vec<Certificate>, CertificateError> {
        let view = View::of(leaf).ok_or_else(|| self.explain(leaf, &Error::BadDer))?;
        let algorithms =
            webpki::ALL_VERIFICATION_ALGS.iter().map(|inner| Original { inner: *inner, view: &view });
        let algorithms: Vec<Original<'_>> = algorithms.collect();
        let algorithms: Vec<&dyn SignatureVerificationAlgorithm> =
            algorithms.iter().map(|algorithm| algorithm as &dyn SignatureVerificationAlgorithm).collect();
        let anchor = |anchor| Some((anchor, anchor_from_trusted_cert(Certificate::pki_der(anchor)).ok()?));
        let (anchors, trusted): (Vec<&Certificate>, Vec<TrustAnchor<'_>>) =
            self.anchors.iter().filter_map(anchor).unzip();
        let intermediates: Vec<CertificateDer<'_>> =
            self.intermediates.iter().map(|certificate| certificate.pki_der().clone()).collect();
        let crls: Vec<_> = crls.iter().map(|crl| crl.as_pki()).collect();
        let revocation = RevocationOptionsBuilder::new(&crls).ok();

        let judged: RefCell<Result<Vec<Certificate>, Option<CertificateError>>> = RefCell::new(Err(None));
        let judge = |path: &VerifiedPath<'_>| {
            let anchor = trusted.iter().position(|anchor| std::ptr::eq(anchor, path.anchor()));
            let outcome = self.judge(leaf, path, anchor.and_then(|index| anchors.get(index).copied()));
            let passes = outcome.is_ok();
            let mut judged = judged.borrow_mut();
            match outcome {
                Ok(issuers) => *judged = Ok(issuers),
                // The first of several tells most.
                Err(error) if matches!(*judged, Err(None)) => *judged = Err(Some(error)),
                Err(_) => {}
            }
            if passes { Ok(()) } else { Err(Error::UnknownIssuer) }
        };
        let end_entity = EndEntityCert::try_from(&view.certificate).map_err(|e| self.explain(leaf, &e))?;
        let verified = end_entity.verify_for_usage(
            &algorithms,
            &trusted,
            &intermediates,
            unix_time(self.at.time()),
            AnyUsage,
            revocation.map(|options| options.with_status_policy(unknown).build()),
            Some(&judge),
        );
        match (verified, judged.into_inner()) {
            (Ok(_), Ok(issuers)) => Ok(issuers),
            (_, Err(Some(error))) => Err(error),
            (Err(error), _) => Err(self.explain(leaf, &error)),
            (Ok(_), Err(None)) => Err(unknown_issuer(leaf)),
        }
    }

    /// Asks of a path that was found what the library does not ask. What it
    /// consists of is read by ourselves, from the same bytes.
    fn judge(
        self,
        leaf: &Certificate,
        path: &VerifiedPath<'_>,
        anchor: Option<&Certificate>,
    ) -> Result<Vec<Certificate>, CertificateError> {
        let ours = |der: CertificateDer<'_>| self.intermediates.iter().find(|c| c.as_der() == &*der);
        let intermediates = path.intermediate_certificates().map(|certificate| ours(certificate.der()));
        let issuers: Option<Vec<&Certificate>> = intermediates.chain([anchor]).collect();
        let issuers: Vec<Certificate> =
            issuers.ok_or_else(|| unknown_issuer(leaf))?.into_iter().cloned().collect();
        check_issuers(leaf, &issuers, self.at, self.purpose)?;
        check_addresses(leaf, &issuers)?;
        let all = std::iter::once(leaf).chain(&issuers);
        all.into_iter().try_for_each(|certificate| self.check_not_listed(certificate))?;
        if let Some(anchor) = issuers.last().filter(|anchor| !profile::may_sign_lists(anchor))
            && self.crls.iter().any(|crl| crl.is_of(anchor))
        {
            let reason = reason(&Error::IssuerNotCrlSigner);
            return Err(CertificateError::Path { subject: leaf.subject(), reason });
        }
        Ok(issuers)
    }

    /// Says which certificate an error of the library is about.
    fn explain(self, leaf: &Certificate, error: &Error) -> CertificateError {
        let all = || std::iter::once(leaf).chain(self.intermediates).chain(self.anchors);
        let is_meant = |certificate: &&Certificate| match error {
            Error::CertExpired { not_after, .. } => unix_time(certificate.not_after()) == *not_after,
            Error::CertNotValidYet { not_before, .. } => unix_time(certificate.not_before()) == *not_before,
            _ => false,
        };
        let issued = |issuer: &&Certificate| {
            let mut others = all().filter(|other| other != issuer);
            others.any(|other| other.issuer_name() == issuer.subject_name())
        };
        let outside = all().filter(is_meant).find(issued).or_else(|| all().find(is_meant));
        let outside = outside.and_then(|certificate| check_validity(certificate, self.at).err());
        let reason = match (error, outside) {
            (Error::CertExpired { .. } | Error::CertNotValidYet { .. }, Some(outside)) => return outside,
            (Error::UnknownIssuer, _) => return unknown_issuer(leaf),
            (Error::CertRevoked, _) => {
                let is_listed = |certificate: &&Certificate| self.check_not_listed(certificate).is_err();
                return revoked(all().find(is_listed).unwrap_or(leaf));
            }
            (
                Error::MaximumPathBuildCallsExceeded
                | Error::MaximumPathDepthExceeded
                | Error::MaximumSignatureChecksExceeded
                | Error::MaximumNameConstraintComparisonsExceeded,
                _,
            ) => return CertificateError::TooComplicated { subject: leaf.subject() },
            (error, _) => reason(error),
        };
        CertificateError::Path { subject: leaf.subject(), reason }
    }
}

fn revoked(certificate: &Certificate) -> CertificateError {
    CertificateError::Revoked { subject: certificate.subject(), serial: certificate.serial() }
}

fn unknown_issuer(leaf: &Certificate) -> CertificateError {
    CertificateError::UnknownIssuer { subject: leaf.subject(), issuer: leaf.issuer() }
}

fn reason(error: &Error) -> String {
    match error {
        Error::EndEntityUsedAsCa => "a certificate that is no certificate authority (CA:TRUE) issued another",
        Error::PathLenConstraintViolated => "a certificate authority's path length does not permit one below it",
        Error::NameConstraintViolation => {
            "a certificate authority's name constraints do not permit a name below it (constraints other than on DNS names and IP addresses permit nothing here)"
        }
        Error::InvalidSignatureForPublicKey => {
            "a signature in it does not verify (RSA keys of less than 2048 bits never do)"
        }
        Error::UnsupportedSignatureAlgorithmContext(_) | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "a signature in it has an algorithm that is not accepted, such as SHA-1"
        }
        Error::UnsupportedCriticalExtension => "a certificate has a critical extension that is not known",
        Error::InvalidCrlSignatureForPublicKey => WRONG_LIST,
        Error::IssuerNotCrlSigner => "the issuer of a revocation list may not sign one (cRLSign)",
        other => return format!("{other:?}"),
    }
    .to_owned()
}

/// What the library does not ask: the usages of every issuer, and of the
/// anchor all that is asked of other issuers.
fn check_issuers(
    leaf: &Certificate,
    issuers: &[Certificate],
    at: JudgedAt,
    purpose: Purpose,
) -> Result<(), CertificateError> {
    for issuer in issuers {
        check_validity(issuer, at)?;
        profile::check_issuer(issuer, purpose)
            .map_err(|problem| CertificateError::Usage { subject: issuer.subject(), problem })?;
    }
    let Some((anchor, below)) = issuers.split_last() else { return Ok(()) };
    let allowed = anchor.basic_constraints.as_ref().and_then(|constraints| constraints.path_len_constraint);
    let counted = below.iter().filter(|certificate| !certificate.is_self_issued()).count();
    match allowed {
        Some(allowed) if counted > usize::from(allowed) => Err(CertificateError::Path {
            subject: leaf.subject(),
            reason: reason(&Error::PathLenConstraintViolated),
        }),
        _ => Ok(()),
    }
}

/// Name constraints on e-mail addresses concern those in a subject too (RFC
/// 5280, section 4.2.1.10), which the library does not look for. Nothing that
/// constrains names may stand above one.
fn check_addresses(leaf: &Certificate, issuers: &[Certificate]) -> Result<(), CertificateError> {
    let has_address = |certificate: &Certificate| {
        let mut attributes = certificate.subject_name().0.iter().flat_map(|relative| relative.0.iter());
        attributes.any(|attribute| attribute.oid == EMAIL_ADDRESS)
    };
    let mut below = std::iter::once(leaf).chain(issuers).take(issuers.len());
    if below.any(has_address) && issuers.iter().any(|issuer| issuer.has_name_constraints) {
        let reason = reason(&Error::NameConstraintViolation);
        return Err(CertificateError::Path { subject: leaf.subject(), reason });
    }
    Ok(())
}

/// Both ends belong to the validity (RFC 5280, section 4.1.2.5).
pub(super) fn check_validity(certificate: &Certificate, at: JudgedAt) -> Result<(), CertificateError> {
    let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
    if at.time() < not_before {
        return Err(CertificateError::NotYetValid { subject: certificate.subject(), not_before, at });
    }
    if at.time() > not_after {
        return Err(CertificateError::Expired { subject: certificate.subject(), not_after, at });
    }
    Ok(())
}

fn unix_time(time: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(time.as_second()).unwrap_or(0)))
}

/// Extended key usages are asked for by [`profile`], which names the certificate.
struct AnyUsage;

impl ExtendedKeyUsageValidator for AnyUsage {
    fn validate(&self, _: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        Ok(())
    }
}

/// The leaf as the library sees it: without basic constraints.
///
/// The library refuses whatever is marked CA:TRUE at the end of a path, and
/// certificates that releases 0.2 to 1.1 of the reference were tested with are
/// marked so. RFC 5280 asks nothing of the basic constraints of a leaf, and
/// [`profile`] has refused leaves that may sign certificates. The signature is
/// verified over the certificate as it is ([`Original`]).
#[derive(Debug)]
struct View {
    certificate: CertificateDer<'static>,
    signed: Vec<u8>,
    original: Vec<u8>,
}

impl View {
    fn of(leaf: &Certificate) -> Option<Self> {
        let mut reader = SliceReader::new(leaf.as_der()).ok()?;
        Header::decode(&mut reader).ok()?;
        let original = reader.tlv_bytes().ok()?.to_vec();
        let mut certificate = x509_cert::Certificate::from_der(leaf.as_der()).ok()?;
        if let Some(extensions) = &mut certificate.tbs_certificate.extensions {
            extensions.retain(|extension| extension.extn_id != BasicConstraints::OID);
        }
        let signed = certificate.tbs_certificate.to_der().ok()?;
        Some(Self { certificate: CertificateDer::from(certificate.to_der().ok()?), signed, original })
    }
}

/// Verifies signatures, that of the leaf over what its issuer signed.
#[derive(Debug)]
struct Original<'a> {
    inner: &'static dyn SignatureVerificationAlgorithm,
    view: &'a View,
}

impl SignatureVerificationAlgorithm for Original<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let message = if message == self.view.signed { &self.view.original } else { message };
        self.inner.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }
}
