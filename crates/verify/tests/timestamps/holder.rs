//! Certificates, and those who hold the keys in them.

use std::rc::Rc;

use modelseal_verify::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SignatureAlgorithm,
};

use crate::signed::named;

const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];
/// A sequence of timeStamping (RFC 3161, section 2.3).
pub(crate) const TIME_STAMPING: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
/// Sequences of codeSigning, and of both.
pub(crate) const CODE_SIGNING: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 3];
pub(crate) const BOTH: &[u8] = &[0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 3];

/// What a certificate will say.
pub(crate) struct Profile {
    pub(crate) params: CertificateParams,
    algorithm: &'static SignatureAlgorithm,
}

/// One that may issue everything, from 2020 to 2040.
pub(crate) fn issuing(name: &str) -> Profile {
    profile(name).with(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    })
}

/// One that may sign timestamps.
pub(crate) fn stamping(name: &str) -> Profile {
    let profile = profile(name).purposes(TIME_STAMPING, true);
    profile.with(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature])
}

/// One that may sign models.
pub(crate) fn signing(name: &str) -> Profile {
    profile(name).with(|params| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    })
}

fn profile(name: &str) -> Profile {
    let params = named(name, "2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");
    Profile { params, algorithm: &PKCS_ECDSA_P256_SHA256 }
}

impl Profile {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    pub(crate) fn valid(self, begin: &str, end: &str) -> Self {
        let other = named("", begin, end);
        self.with(|params| (params.not_before, params.not_after) = (other.not_before, other.not_after))
    }

    /// With this extended key usage and no other.
    pub(crate) fn purposes(self, purposes: &[u8], is_critical: bool) -> Self {
        let mut extension = CustomExtension::from_oid_content(&EXTENDED_KEY_USAGE, purposes.to_vec());
        extension.set_criticality(is_critical);
        self.with(|params| {
            params.extended_key_usages.clear();
            params.custom_extensions = vec![extension];
        })
    }

    pub(crate) fn algorithm(self, algorithm: &'static SignatureAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    pub(crate) fn self_signed(self) -> Holder {
        let key = self.new_key();
        let certificate = self.params.self_signed(&*key).unwrap();
        Holder::new(self.params, key, &certificate)
    }

    pub(crate) fn issued_by(self, issuer: &Holder) -> Holder {
        let key = self.new_key();
        self.for_key(key, issuer)
    }

    /// For the key of somebody who has another certificate.
    pub(crate) fn issued_to(self, other: &Holder, issuer: &Holder) -> Holder {
        self.for_key(other.key.clone(), issuer)
    }

    fn for_key(self, key: Rc<KeyPair>, issuer: &Holder) -> Holder {
        // Without key usages, so that an issuer can also do what it may not.
        let mut params = issuer.params.clone();
        params.key_usages.clear();
        let certificate = self.params.signed_by(&*key, &Issuer::new(params, &*issuer.key)).unwrap();
        Holder::new(self.params, key, &certificate)
    }

    fn new_key(&self) -> Rc<KeyPair> {
        Rc::new(KeyPair::generate_for(self.algorithm).unwrap())
    }
}

/// A certificate and its key.
pub(crate) struct Holder {
    params: CertificateParams,
    pub(crate) key: Rc<KeyPair>,
    pub(crate) certificate: Certificate,
}

impl Holder {
    fn new(params: CertificateParams, key: Rc<KeyPair>, certificate: &rcgen::Certificate) -> Self {
        Self { params, key, certificate: Certificate::from_der(certificate.der()).unwrap() }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.certificate.as_der().to_vec()
    }
}
