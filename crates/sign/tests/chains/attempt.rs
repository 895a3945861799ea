//! Somebody presents a bundle, and somebody verifies it.

use modelseal_bundle::{Envelope, PAYLOAD_TYPE, Statement, UntrustedBundle, VerificationMaterial, pae};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization, Sha256Digest,
};
use modelseal_sign::SigningKey;
use modelseal_verify::{
    Caveat, Certificate, CertificateError, CertificateRevocationList, CertificateTrust, Clock, JudgedAt,
    Signer, Trust, UsageProblem, VerifiedStatement, VerifyError, verify,
};

use crate::holder::{Holder, NOW, time};

/// A bundle and what its verifier believes.
pub(crate) struct Attempt {
    bundle: UntrustedBundle,
    anchors: Vec<Certificate>,
    pinned: Option<Certificate>,
    subject: Option<&'static str>,
    crls: Vec<CertificateRevocationList>,
    clock: Clock,
}

/// The leaf signs, and puts these certificates beside its own.
pub(crate) fn presented(leaf: &Holder, beside: &[&Holder]) -> Attempt {
    let message = pae(PAYLOAD_TYPE, &payload());
    let signature = SigningKey::sign(&leaf.private_key(), &message).unwrap();
    presented_with(leaf, beside, signature)
}

/// The same with a signature of any bytes.
pub(crate) fn presented_with(leaf: &Holder, beside: &[&Holder], signature: Vec<u8>) -> Attempt {
    bundled(bundle(leaf, beside, signature))
}

/// The leaf signs, and puts any bytes beside its certificate.
pub(crate) fn presented_beside(leaf: &Holder, beside: Vec<Vec<u8>>) -> Attempt {
    let envelope = presented(leaf, &[]).bundle.into_envelope();
    let chain = [vec![leaf.der()], beside].concat();
    bundled(UntrustedBundle::new(VerificationMaterial::CertificateChain(chain), envelope))
}

/// The bundle itself, as JSON.
pub(crate) fn presented_json(leaf: &Holder, beside: &[&Holder]) -> Vec<u8> {
    presented(leaf, beside).bundle.to_json()
}

fn bundle(leaf: &Holder, beside: &[&Holder], signature: Vec<u8>) -> UntrustedBundle {
    let chain = std::iter::once(&leaf).chain(beside).map(|holder| holder.der()).collect();
    let envelope = Envelope::new(payload(), signature);
    UntrustedBundle::new(VerificationMaterial::CertificateChain(chain), envelope)
}

pub(crate) fn bundled(bundle: UntrustedBundle) -> Attempt {
    let clock = Clock::at(time(NOW));
    Attempt { bundle, anchors: vec![], pinned: None, subject: None, crls: vec![], clock }
}

pub(crate) fn payload() -> Vec<u8> {
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: vec![],
    };
    let digest = ContentDigest::Sha256(Sha256Digest::of(b"a"));
    let resource = Resource { name: ResourceName::file("a").unwrap(), digest };
    Statement::new("m", Manifest::new(serialization, vec![resource]).unwrap()).to_payload()
}

impl Attempt {
    pub(crate) fn under(self, anchors: &[&Holder]) -> Self {
        Self { anchors: anchors.iter().map(|anchor| anchor.certificate.clone()).collect(), ..self }
    }

    pub(crate) fn pinning(self, leaf: &Holder) -> Self {
        Self { pinned: Some(leaf.certificate.clone()), ..self }
    }

    pub(crate) fn asking_for(self, subject: &'static str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    pub(crate) fn with_lists(self, crls: &[CertificateRevocationList]) -> Self {
        Self { crls: crls.to_vec(), ..self }
    }

    pub(crate) fn at(self, now: &str) -> Self {
        Self { clock: Clock::at(time(now)), ..self }
    }

    pub(crate) fn asserting(self, then: &str) -> Self {
        Self { clock: self.clock.asserting(time(then)), ..self }
    }

    fn trust(&self) -> CertificateTrust {
        let trust = match &self.pinned {
            Some(leaf) if self.anchors.is_empty() => CertificateTrust::leaf(leaf.clone(), self.clock),
            Some(leaf) => CertificateTrust::anchors(self.anchors.clone(), self.clock).and_leaf(leaf.clone()),
            None => CertificateTrust::anchors(self.anchors.clone(), self.clock),
        };
        let trust = trust.and_crls(self.crls.clone());
        match self.subject {
            Some(subject) => trust.and_subject(subject.parse().unwrap()),
            None => trust,
        }
    }

    pub(crate) fn verdict(self) -> Result<VerifiedStatement, VerifyError> {
        let trust = Trust::certificate(self.trust());
        verify(self.bundle, &trust)
    }

    /// Asserts that it verifies, through these subjects; gives what was not
    /// proved.
    #[track_caller]
    pub(crate) fn verifies_through(self, subjects: &[&str]) -> Vec<Caveat> {
        let verified = self.verdict().unwrap();
        let Signer::Certificate(signer) = verified.signer() else { panic!("not signed with a certificate") };
        let found: Vec<String> = signer.issuers().iter().map(Certificate::subject).collect();
        assert_eq!(found, subjects);
        verified.caveats().to_vec()
    }

    /// Asserts that its certificates are not believed.
    #[track_caller]
    pub(crate) fn refused(self) -> CertificateError {
        match self.verdict() {
            Err(VerifyError::Certificate(error)) => error,
            Err(other) => panic!("expected a refusal of the certificate, found {other:?}"),
            Ok(verified) => panic!("expected a refusal, but it verifies with {:?}", verified.caveats()),
        }
    }

    /// Asserts that a rule for paths refuses it, and that the reason speaks of
    /// `rule`.
    #[track_caller]
    pub(crate) fn breaks(self, subject: &str, rule: &str) {
        match self.refused() {
            CertificateError::Path { subject: found, reason } => {
                assert_eq!(found, subject);
                assert!(reason.contains(rule), "{reason}");
            }
            other => panic!("expected a broken rule about {rule}, found {other:?}"),
        }
    }
}

pub(crate) fn unknown_issuer(leaf: &Holder) -> CertificateError {
    let (subject, issuer) = (leaf.certificate.subject(), leaf.certificate.issuer());
    CertificateError::UnknownIssuer { subject, issuer }
}

pub(crate) fn misused(subject: &str, problem: UsageProblem) -> CertificateError {
    CertificateError::Usage { subject: subject.to_owned(), problem }
}

pub(crate) fn expired(holder: &Holder, at: JudgedAt) -> CertificateError {
    let (subject, not_after) = (holder.certificate.subject(), holder.certificate.not_after());
    CertificateError::Expired { subject, not_after, at }
}

pub(crate) fn early(holder: &Holder, at: JudgedAt) -> CertificateError {
    let (subject, not_before) = (holder.certificate.subject(), holder.certificate.not_before());
    CertificateError::NotYetValid { subject, not_before, at }
}

pub(crate) fn revoked(holder: &Holder) -> CertificateError {
    let (subject, serial) = (holder.certificate.subject(), holder.certificate.serial());
    CertificateError::Revoked { subject, serial }
}
