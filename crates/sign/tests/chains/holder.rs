//! Certificates, and those who hold the keys in them.

use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use modelseal_sign::PrivateKey;
use modelseal_verify::{Certificate, CertificateRevocationList, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlIssuingDistributionPoint,
    CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, RevokedCertParams, SerialNumber,
    SignatureAlgorithm, date_time_ymd,
};

/// When the tests take place.
pub(crate) const NOW: &str = "2030-06-01T00:00:00Z";
/// When certificates begin and end, unless a test says otherwise.
pub(crate) const BEGIN: &str = "2030-01-01T00:00:00Z";
pub(crate) const END: &str = "2031-01-01T00:00:00Z";

/// What a certificate will say.
#[derive(Clone)]
pub(crate) struct Profile {
    params: CertificateParams,
    algorithm: &'static SignatureAlgorithm,
    key: Option<Rc<KeyPair>>,
}

/// An authority that may do everything.
pub(crate) fn authority(name: &str) -> Profile {
    let usages = [KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    profile(name).marked(IsCa::Ca(BasicConstraints::Unconstrained)).usages(&usages)
}

/// A leaf that may sign models.
pub(crate) fn leaf(name: &str) -> Profile {
    let usages = [KeyUsagePurpose::DigitalSignature];
    profile(name).marked(IsCa::ExplicitNoCa).usages(&usages).purposes(&[ExtendedKeyUsagePurpose::CodeSigning])
}

/// A leaf that is marked as an authority and may not issue certificates.
pub(crate) fn marked_leaf(name: &str) -> Profile {
    leaf(name).marked(IsCa::Ca(BasicConstraints::Unconstrained))
}

fn profile(name: &str) -> Profile {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.serial_number = Some(SERIAL.fetch_add(1, Ordering::Relaxed).into());
    Profile { params, algorithm: &PKCS_ECDSA_P256_SHA256, key: None }.valid(BEGIN, END)
}

/// A name with nothing but a common name.
pub(crate) fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

impl Profile {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        change(&mut self.params);
        self
    }

    pub(crate) fn marked(self, mark: IsCa) -> Self {
        self.with(|params| params.is_ca = mark)
    }

    pub(crate) fn path_length(self, length: u8) -> Self {
        self.marked(IsCa::Ca(BasicConstraints::Constrained(length)))
    }

    pub(crate) fn usages(self, usages: &[KeyUsagePurpose]) -> Self {
        self.with(|params| params.key_usages = usages.to_vec())
    }

    pub(crate) fn purposes(self, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        self.with(|params| params.extended_key_usages = purposes.to_vec())
    }

    pub(crate) fn constraining(self, constraints: NameConstraints) -> Self {
        self.with(|params| params.name_constraints = Some(constraints))
    }

    pub(crate) fn extended(self, oid: &[u64], is_critical: bool, content: &[u8]) -> Self {
        let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(is_critical);
        self.with(|params| params.custom_extensions.push(extension))
    }

    pub(crate) fn valid(self, begin: &str, end: &str) -> Self {
        self.with(|params| {
            params.not_before = date_time_ymd(1970, 1, 1) + since_1970(begin);
            params.not_after = date_time_ymd(1970, 1, 1) + since_1970(end);
        })
    }

    pub(crate) fn algorithm(self, algorithm: &'static SignatureAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Takes this key instead of a new one.
    pub(crate) fn key(self, key: KeyPair) -> Self {
        Self { key: Some(Rc::new(key)), ..self }
    }

    /// Takes the key of somebody else instead of a new one.
    pub(crate) fn key_of(self, other: &Holder) -> Self {
        Self { key: Some(other.key.clone()), ..self }
    }

    pub(crate) fn self_signed(self) -> Holder {
        let key = self.key_or_new();
        let certificate = self.params.self_signed(&*key).unwrap();
        Holder::new(self.params, key, &certificate)
    }

    pub(crate) fn issued_by(self, issuer: &Holder) -> Holder {
        let key = self.key_or_new();
        let certificate = self.params.signed_by(&*key, &issuer.issuer_with(&issuer.key)).unwrap();
        Holder::new(self.params, key, &certificate)
    }

    /// Bytes that may be no certificate to us.
    pub(crate) fn der_issued_by(&self, issuer: &Holder) -> Vec<u8> {
        let issuer = issuer.issuer_with(&issuer.key);
        self.params.signed_by(&*self.key_or_new(), &issuer).unwrap().der().to_vec()
    }

    fn key_or_new(&self) -> Rc<KeyPair> {
        self.key.clone().unwrap_or_else(|| Rc::new(KeyPair::generate_for(self.algorithm).unwrap()))
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

    /// The same holder with other bytes for a certificate.
    pub(crate) fn showing(&self, der: &[u8]) -> Self {
        let certificate = Certificate::from_der(der).unwrap();
        Self { params: self.params.clone(), key: self.key.clone(), certificate }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.certificate.as_der().to_vec()
    }

    pub(crate) fn private_key(&self) -> PrivateKey {
        PrivateKey::from_pem(self.key.serialize_pem().as_bytes()).unwrap()
    }

    /// The issuer without its key usages, so that it can also do what it may not.
    fn issuer_with<'a>(&self, key: &'a KeyPair) -> Issuer<'a, &'a KeyPair> {
        let mut params = self.params.clone();
        params.key_usages.clear();
        Issuer::new(params, key)
    }

    /// A revocation list that holds at [`NOW`].
    pub(crate) fn revoking(&self, revoked: &[&Holder]) -> List<'_> {
        let revoked_certs = revoked.iter().map(|holder| holder.revoked()).collect();
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(1970, 1, 1) + since_1970("2030-05-01T00:00:00Z"),
            next_update: date_time_ymd(1970, 1, 1) + since_1970("2030-07-01T00:00:00Z"),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        List { params, issuer: self, key: self }
    }

    fn revoked(&self) -> RevokedCertParams {
        RevokedCertParams {
            serial_number: self.params.serial_number.clone().unwrap(),
            revocation_time: date_time_ymd(1970, 1, 1) + since_1970("2030-04-01T00:00:00Z"),
            reason_code: None,
            invalidity_date: None,
        }
    }
}

/// A revocation list that will be signed.
pub(crate) struct List<'a> {
    params: CertificateRevocationListParams,
    issuer: &'a Holder,
    key: &'a Holder,
}

impl<'a> List<'a> {
    pub(crate) fn holding(mut self, from: &str, to: &str) -> Self {
        self.params.this_update = date_time_ymd(1970, 1, 1) + since_1970(from);
        self.params.next_update = date_time_ymd(1970, 1, 1) + since_1970(to);
        self
    }

    pub(crate) fn numbered(mut self, number: u64) -> Self {
        self.params.crl_number = SerialNumber::from(number);
        self
    }

    pub(crate) fn distributed(mut self, point: CrlIssuingDistributionPoint) -> Self {
        self.params.issuing_distribution_point = Some(point);
        self
    }

    /// Under the issuer's name, with the key of somebody else.
    pub(crate) fn forged_by(self, key: &'a Holder) -> Self {
        Self { key, ..self }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.params.signed_by(&self.issuer.issuer_with(&self.key.key)).unwrap().der().to_vec()
    }

    pub(crate) fn signed(&self) -> CertificateRevocationList {
        CertificateRevocationList::all_from_bytes(&self.der()).unwrap().remove(0)
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What rcgen adds to the beginning of 1970; its dates have a type of another
/// crate.
fn since_1970(text: &str) -> Duration {
    Duration::from_secs(u64::try_from(time(text).as_second()).unwrap())
}
