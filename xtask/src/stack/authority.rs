//! Every key of a Sigstore, and the certificates over them, made anew for each
//! stack.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm, date_time_ymd,
};

pub(super) const ORGANIZATION: &str = "modelseal.test";
const EXTENDED_KEY_USAGE: [u64; 4] = [2, 5, 29, 37];
/// A sequence of the one purpose id-kp-timeStamping.
const TIME_STAMPING: [u8; 12] = [0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x08];
const VALID_DAYS: i64 = 30;

/// The algorithms are those of the public Sigstore.
pub(super) struct Authority {
    /// An intermediate, whose key signs certificates, under a root.
    pub(super) fulcio: Chain,
    /// A leaf, whose key signs timestamps, under a root.
    pub(super) tsa: Chain,
    /// On Ed25519.
    pub(super) rekor: KeyPair,
    /// On P-256.
    pub(super) ctlog: KeyPair,
    /// Since when all of it is valid.
    pub(super) since: Date,
}

/// A key and the certificates over it.
pub(super) struct Chain {
    pub(super) key: KeyPair,
    /// That of the key first, the root last.
    pub(super) certificates: [Certificate; 2],
    /// The common name of the root.
    pub(super) name: &'static str,
}

impl Chain {
    pub(super) fn pem(&self) -> String {
        self.certificates.iter().map(Certificate::pem).collect()
    }

    pub(super) fn root_pem(&self) -> String {
        let [_, root] = &self.certificates;
        root.pem()
    }
}

impl Authority {
    pub(super) fn generate() -> Result<Self, String> {
        Self::since(yesterday()).map_err(|error| format!("cannot make keys: {error}"))
    }

    fn since(since: Date) -> Result<Self, rcgen::Error> {
        Ok(Self {
            fulcio: fulcio(since)?,
            tsa: tsa(since)?,
            rekor: KeyPair::generate_for(&PKCS_ED25519)?,
            ctlog: KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?,
            since,
        })
    }
}

fn fulcio(since: Date) -> Result<Chain, rcgen::Error> {
    let root = root("fulcio-root", &PKCS_ECDSA_P384_SHA384, since)?;
    let mut params = named("fulcio-intermediate", since);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // Fulcio does not start without it.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    chain("fulcio-root", &params, &PKCS_ECDSA_P384_SHA384, &root)
}

fn tsa(since: Date) -> Result<Chain, rcgen::Error> {
    let root = root("tsa-root", &PKCS_ECDSA_P384_SHA384, since)?;
    let mut params = named("tsa", since);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    // RFC 3161, section 2.3, wants it critical, and rcgen's own is not.
    let mut purpose = CustomExtension::from_oid_content(&EXTENDED_KEY_USAGE, TIME_STAMPING.to_vec());
    purpose.set_criticality(true);
    params.custom_extensions = vec![purpose];
    chain("tsa-root", &params, &PKCS_ECDSA_P256_SHA256, &root)
}

type Root = CertifiedIssuer<'static, KeyPair>;

fn root(name: &str, algorithm: &'static SignatureAlgorithm, since: Date) -> Result<Root, rcgen::Error> {
    let mut params = named(name, since);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate_for(algorithm)?)
}

fn chain(
    name: &'static str,
    params: &CertificateParams,
    algorithm: &'static SignatureAlgorithm,
    root: &Root,
) -> Result<Chain, rcgen::Error> {
    let key = KeyPair::generate_for(algorithm)?;
    let certificate = params.signed_by(&key, root)?;
    Ok(Chain { key, certificates: [certificate, root.as_ref().clone()], name })
}

fn named(name: &str, since: Date) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    let midnight = |date: Date| {
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight(since);
    params.not_after = midnight(since.saturating_add(VALID_DAYS.days()));
    params
}

/// A day back, so that clocks need not agree to the second.
fn yesterday() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_sub(1.day())
}
