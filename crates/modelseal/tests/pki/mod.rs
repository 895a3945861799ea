//! A small public-key infrastructure, made anew for a test: a root, an
//! intermediate, and the signing certificates that it issues.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose, RsaKeySize, date_time_ymd,
};
use tempfile::TempDir;

const ROOT: &str = "root-ca";
pub(crate) const INTERMEDIATE: &str = "intermediate-ca";

/// The authorities, and a directory for the files.
pub(crate) struct Pki {
    directory: TempDir,
    root: Authority,
    intermediate: Authority,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

/// A key with its certificate and what issued it, in files.
#[derive(Clone)]
pub(crate) struct Certified {
    pub(crate) key: PathBuf,
    pub(crate) leaf: PathBuf,
    /// What is published beside the leaf.
    pub(crate) chain: Vec<PathBuf>,
    pub(crate) root: PathBuf,
}

impl Certified {
    pub(crate) fn with_root_in_chain(mut self) -> Self {
        self.chain.push(self.root.clone());
        self
    }

    /// As the reference's command line takes them.
    pub(crate) fn reference_options(&self) -> Vec<&OsStr> {
        let mut options = vec!["--private_key".as_ref(), self.key.as_os_str()];
        options.extend(self.reference_certificates());
        options
    }

    /// As the reference's command line takes them, without the private key.
    pub(crate) fn reference_certificates(&self) -> Vec<&OsStr> {
        let mut options = vec!["--signing_certificate".as_ref(), self.leaf.as_os_str()];
        options.extend(self.chain.iter().flat_map(|file| ["--certificate_chain".as_ref(), file.as_os_str()]));
        options
    }
}

impl Pki {
    /// Authorities with keys on P-256 and P-384.
    pub(crate) fn new() -> Self {
        Self::named(ROOT)
    }

    /// The same under a root of another name.
    pub(crate) fn named(root: &str) -> Self {
        Self::under(
            root,
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
        )
    }

    /// Authorities with RSA keys of 3072 bits.
    pub(crate) fn with_rsa() -> Self {
        let generate = || KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_3072).unwrap();
        Self::under(ROOT, generate(), generate())
    }

    fn under(root: &str, root_key: KeyPair, intermediate_key: KeyPair) -> Self {
        let root = CertifiedIssuer::self_signed(authority(root), root_key).unwrap();
        let intermediate =
            CertifiedIssuer::signed_by(authority(INTERMEDIATE), intermediate_key, &root).unwrap();
        let pki = Self { directory: TempDir::new().unwrap(), root, intermediate };
        pki.write("root.pem", &pki.root.pem());
        pki.write("intermediate.pem", &pki.intermediate.pem());
        pki
    }

    /// Certifies a private key. The certificate is that of [`signer`], but for
    /// what `change` does.
    pub(crate) fn certify(&self, key: &Path, change: impl FnOnce(&mut CertificateParams)) -> Certified {
        let mut params = signer();
        change(&mut params);
        let certificate = params.signed_by(&read(key), &self.intermediate).unwrap();
        let name = key.file_stem().unwrap().to_str().unwrap();
        Certified {
            key: key.to_owned(),
            leaf: self.write(&format!("{name}.leaf.pem"), &certificate.pem()),
            chain: vec![self.path("intermediate.pem")],
            root: self.root(),
        }
    }

    /// Lets a private key certify itself.
    pub(crate) fn self_certify(&self, key: &Path) -> Certified {
        let certificate = signer().self_signed(&read(key)).unwrap();
        let name = key.file_stem().unwrap().to_str().unwrap();
        let leaf = self.write(&format!("{name}.self-signed.pem"), &certificate.pem());
        Certified { key: key.to_owned(), chain: vec![leaf.clone()], root: leaf.clone(), leaf }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root.pem")
    }

    /// The certificates of both authorities in one file.
    pub(crate) fn concatenated(&self) -> PathBuf {
        self.write("concatenated.pem", &format!("{}{}", self.intermediate.pem(), self.root.pem()))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, pem: &str) -> PathBuf {
        std::fs::write(self.path(name), pem).unwrap();
        self.path(name)
    }
}

/// A certificate for signing code.
fn signer() -> CertificateParams {
    let mut params = named("signer");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
    params.not_before = date_time_ymd(2025, 1, 1);
    params
}

/// Older than what it issues: the reference judges all of a chain at the
/// beginning of its leaf.
fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.not_before = date_time_ymd(2024, 1, 1);
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(name);
    params.use_authority_key_identifier_extension = true;
    params.not_after = date_time_ymd(2049, 1, 1);
    params
}

pub(crate) fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn read(key: &Path) -> KeyPair {
    KeyPair::from_pem(&std::fs::read_to_string(key).unwrap()).unwrap()
}
