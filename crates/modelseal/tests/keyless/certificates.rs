//! Certificates that expire: a timestamp proves that they had not, then.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::genuine::changed;
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::sigstore::{self, url};

const CHAIN: &str = "/verificationMaterial/x509CertificateChain/certificates";

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A publisher who has a key, and a certificate under an intermediate.
struct Publisher {
    scene: Scene,
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: KeyPair,
}

impl Publisher {
    fn new() -> Self {
        let root = CertifiedIssuer::self_signed(authority("root"), generate()).unwrap();
        let publisher = Self { scene: Scene::new(), root, intermediate: generate() };
        publisher.scene.write("root.pem", publisher.root.pem());
        publisher.scene.write("intermediate.pem", publisher.intermediate_until(in_a_day()));
        publisher
    }

    /// The intermediate's certificate, in PEM.
    fn intermediate_until(&self, seconds: u64) -> String {
        let mut params = authority("intermediate");
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
        params.signed_by(&self.intermediate, &self.root).unwrap().pem()
    }

    /// Gives the publisher a certificate that is valid for so long.
    fn certify_until(&self, seconds: u64) {
        let mut params = named("signer");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
        let authority = authority("intermediate");
        let issuer = Issuer::from_params(&authority, &self.intermediate);
        let key = generate();
        self.scene.write("leaf.key", key.serialize_pem());
        self.scene.write("leaf.pem", params.signed_by(&key, &issuer).unwrap().pem());
    }

    /// Signs, with a timestamp.
    #[track_caller]
    fn sign(&self) {
        let certificate = ["--certificate", "leaf.pem", "--chain", "intermediate.pem", "--key", "leaf.key"];
        let sign = ["sign", "model", "--format", "json", "--timestamp-url", url("tsa")];
        succeeds(&mut self.scene.command(sign.iter().chain(&certificate)));
    }

    fn verify(&self, more: &[&str]) -> Command {
        let verify = ["verify", "model", "--format", "json", "--root", "root.pem"];
        self.scene.command(verify.iter().chain(more))
    }
}

fn in_a_day() -> u64 {
    now() + 24 * 60 * 60
}

fn generate() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params
}

#[test]
fn item_37_a_certificate_that_expired_after_it_signed_is_believed_with_a_timestamp_alone() {
    let publisher = Publisher::new();
    let end = now() + 4;
    publisher.certify_until(end);
    publisher.sign();
    let (scene, root) = (&publisher.scene, sigstore::file("tsa_root.pem"));
    while now() <= end {
        sleep(Duration::from_millis(100));
    }
    for option in [["--timestamp-root", &root], ["--trusted-root", &sigstore::file("trusted_root.json")]] {
        let report = succeeds(&mut publisher.verify(&option));
        assert_eq!(report["signature"]["signer"]["judged_at"]["evidence"], "timestamp", "{report:#}");
    }
    let words = ["CN=signer", "nothing proves that the signature was made before", "sign anew"];
    scene.refuses(&mut publisher.verify(&[]), 1, "certificate-expired", &words);
    let foreign = sigstore::file("foreign/tsa_root.pem");
    let mut verify = publisher.verify(&["--timestamp-root", &foreign]);
    scene.refuses(&mut verify, 1, "unknown-timestamp-authority", &[]);
}

#[test]
fn a_certificate_that_expired_before_it_would_sign_is_refused() {
    let publisher = Publisher::new();
    publisher.certify_until(now() - 1);
    let certificate = ["--certificate", "leaf.pem", "--chain", "intermediate.pem", "--key", "leaf.key"];
    let sign = ["sign", "model", "--format", "json", "--timestamp-url", url("tsa")];
    let mut sign = publisher.scene.command(sign.iter().chain(&certificate));
    let words = ["leaf.pem", "sign with a certificate that is valid today"];
    publisher.scene.refuses(&mut sign, 2, "certificate", &words);
}

/// The certificate of the intermediate is replaced by one of the same name and
/// key that had expired a minute before.
#[test]
fn item_38_a_timestamp_after_the_end_of_an_intermediate_is_refused() {
    let publisher = Publisher::new();
    publisher.certify_until(in_a_day());
    publisher.sign();
    let (scene, root) = (&publisher.scene, sigstore::file("tsa_root.pem"));
    succeeds(&mut publisher.verify(&["--timestamp-root", &root]));
    let pem = publisher.intermediate_until(now() - 60);
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let expired = changed(&scene.bundle(), CHAIN, |chain| chain[1]["rawBytes"] = der.into());
    scene.write(BUNDLE, expired.to_string());
    scene.refuses(&mut publisher.verify(&[]), 1, "certificate-expired", &["CN=intermediate"]);
    let mut verify = publisher.verify(&["--timestamp-root", &root]);
    let refusal = scene.refuses(&mut verify, 1, "certificate-expired", &["proved by a timestamp authority"]);
    let help = refusal.report["error"]["help"].to_string();
    assert!(!help.contains("nothing proves"), "the timestamp proves that it was after: {help}");
}
