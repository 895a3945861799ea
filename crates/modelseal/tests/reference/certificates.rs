//! The method `certificate`, in both directions, and where we are stricter:
//! the reference judges certificates at the beginning of the leaf's validity,
//! and a leaf for `digitalSignature` may have any extended key usage.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};
use serde_json::Value;

use super::peers::{self, Run, key, modelseal, tamper};
use super::pki::{Certified, INTERMEDIATE, Pki, common_name};
use super::{CURRENT, CURVES, NESTED, Release, Scratch, assert_refused, pluck, verdict};

/// Those whose method works as released.
const RELEASES: [Release; 2] = [CURRENT, Release("reference-1.0.1")];

const ISSUERS: [&str; 2] = ["CN=intermediate-ca", "CN=root-ca"];

#[test]
fn what_the_reference_signs_under_a_chain_verifies() {
    let pki = Pki::new();
    for release in RELEASES {
        for curve in CURVES {
            let certified = pki.certify(&private(curve), |_| ());
            let report = verified(&release.certified(&certified), &certified.root);
            let signer = &report["signature"]["signer"];
            assert_eq!(signer["certificate"]["subject"], "CN=signer");
            assert_eq!(pluck(&signer["chain"], "subject"), ISSUERS);
        }
    }
}

#[test]
fn what_we_sign_under_a_chain_verifies_with_the_reference() {
    let pki = Pki::new();
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = certify(&certified);
        for release in RELEASES {
            assert_eq!(release.verify_certified(&scratch, &certified.root), Ok(()), "{release:?}");
        }
    }
}

/// The reference's own tests have such certificates.
#[test]
fn a_leaf_that_is_named_and_marked_like_its_issuer_verifies_both_ways() {
    let pki = Pki::with_rsa();
    let certified = pki.certify(&private("p384"), |leaf| {
        leaf.distinguished_name = common_name(INTERMEDIATE);
        leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let ours = certify(&certified);
    for release in RELEASES {
        let report = verified(&release.certified(&certified), &certified.root);
        assert_eq!(pluck(&report["signature"]["signer"]["chain"], "subject"), ISSUERS);
        assert!(pluck(&report["not_proved"], "code").contains(&"signer-is-authority"), "{report:#}");
        assert_eq!(release.verify_certified(&ours, &certified.root), Ok(()), "{release:?}");
    }
}

#[test]
fn a_self_signed_certificate_that_is_itself_trusted_verifies_both_ways() {
    let pki = Pki::new();
    let certified = pki.self_certify(&private("p256"));
    let ours = certify(&certified);
    for release in RELEASES {
        verified(&release.certified(&certified), &certified.root);
        assert_eq!(release.verify_certified(&ours, &certified.root), Ok(()), "{release:?}");
    }
}

#[test]
fn a_chain_in_one_file_or_in_several_is_published_as_the_reference_does() {
    let pki = Pki::new();
    let separate = pki.certify(&private("p256"), |_| ()).with_root_in_chain();
    let together = Certified { chain: vec![pki.concatenated()], ..separate.clone() };
    let published = published(&CURRENT.certified(&separate));
    assert_eq!(published.len(), 3);
    for certified in [separate, together] {
        assert_eq!(self::published(&CURRENT.certified(&certified)), published);
        assert_eq!(self::published(&certify(&certified)), published);
    }
}

#[test]
fn a_root_in_the_bundle_verifies_both_ways() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ()).with_root_in_chain();
    let ours = certify(&certified);
    for release in RELEASES {
        verified(&release.certified(&certified), &certified.root);
        assert_eq!(release.verify_certified(&ours, &certified.root), Ok(()), "{release:?}");
    }
}

#[test]
fn a_leaf_that_stands_in_its_own_chain_verifies_both_ways_and_we_publish_it_once() {
    let pki = Pki::new();
    let mut certified = pki.certify(&private("p256"), |_| ());
    certified.chain.insert(0, certified.leaf.clone());
    let (theirs, ours) = (CURRENT.certified(&certified), certify(&certified));
    assert_eq!((published(&theirs).len(), published(&ours).len()), (3, 2));
    verified(&theirs, &certified.root);
    assert_eq!(CURRENT.verify_certified(&ours, &certified.root), Ok(()));
}

#[test]
fn a_byte_flipped_after_the_reference_signed_is_refused() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    for release in RELEASES {
        let scratch = release.certified(&certified);
        tamper(&scratch.model().join("config.json"));
        let report = verify(&scratch, &certified.root).exits_with(1).json();
        assert_eq!(report["error"]["differences"]["changed"][0]["name"], "config.json", "{report:#}");
    }
}

#[test]
fn a_byte_flipped_after_we_signed_is_refused_by_the_reference() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = certify(&certified);
    tamper(&scratch.model().join("config.json"));
    for release in RELEASES {
        assert_refused(release.verify_certified(&scratch, &certified.root), "Signature mismatch");
    }
}

#[test]
fn another_root_is_refused_both_ways() {
    let (pki, other) = (Pki::new(), Pki::named("other-ca"));
    let certified = pki.certify(&private("p256"), |_| ());
    let ours = certify(&certified);
    for release in RELEASES {
        assert_refused(release.verify_certified(&ours, &other.root()), "unable to get local issuer");
        assert_eq!(error_code(verify(&release.certified(&certified), &other.root())), "unknown-issuer");
    }
}

#[test]
fn another_root_of_the_same_name_is_refused_both_ways() {
    let (pki, other) = (Pki::new(), Pki::new());
    let certified = pki.certify(&private("p256"), |_| ());
    let ours = certify(&certified);
    for release in RELEASES {
        assert_refused(release.verify_certified(&ours, &other.root()), "unable to get local issuer");
        assert_eq!(error_code(verify(&release.certified(&certified), &other.root())), "certificate-chain");
    }
}

#[test]
fn a_root_in_the_bundle_is_not_trusted_for_being_there() {
    let (pki, other) = (Pki::new(), Pki::named("other-ca"));
    let certified = pki.certify(&private("p256"), |_| ()).with_root_in_chain();
    let ours = certify(&certified);
    for release in RELEASES {
        assert_refused(release.verify_certified(&ours, &other.root()), "self-signed certificate in");
        assert_eq!(error_code(verify(&release.certified(&certified), &other.root())), "unknown-issuer");
    }
}

#[test]
fn an_intermediate_is_an_anchor_for_us_and_not_for_the_reference() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = CURRENT.certified(&certified);
    let report = verified(&scratch, &certified.chain[0]);
    assert_eq!(pluck(&report["signature"]["signer"]["chain"], "subject"), ISSUERS[..1]);
    for release in RELEASES {
        let verdict = release.verify_certified(&scratch, &certified.chain[0]);
        assert_refused(verdict, "unable to get issuer certificate");
    }
}

fn ended(leaf: &mut CertificateParams) {
    leaf.not_after = date_time_ymd(2025, 7, 1);
}

/// Should this fail, the reference has learned to ask what time it is.
#[test]
fn a_leaf_that_has_expired_is_accepted_by_the_reference_and_not_by_us() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), ended);
    for release in RELEASES {
        let scratch = release.certified(&certified);
        assert_eq!(release.verify_certified(&scratch, &certified.root), Ok(()), "{release:?}");
        assert_eq!(error_code(verify(&scratch, &certified.root)), "certificate-expired");
    }
}

#[test]
fn a_leaf_that_has_expired_is_accepted_for_a_time_before() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), ended);
    let scratch = CURRENT.certified(&certified);
    let at = |time| verify_with(&scratch.model(), &scratch.bundle(), &certified.root, &["--at", time]);
    let report = at("2025-03-01").exits_with(0).json();
    assert!(pluck(&report["not_proved"], "code").contains(&"time-asserted"), "{report:#}");
    assert_eq!(error_code(at("2025-07-02")), "certificate-expired");
}

#[test]
fn a_leaf_that_is_not_valid_yet_is_accepted_by_the_reference_and_not_by_us() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |leaf| leaf.not_before = date_time_ymd(2048, 1, 1));
    let scratch = CURRENT.certified(&certified);
    assert_eq!(CURRENT.verify_certified(&scratch, &certified.root), Ok(()));
    assert_eq!(error_code(verify(&scratch, &certified.root)), "certificate-not-yet-valid");
}

fn for_servers(leaf: &mut CertificateParams) {
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
}

#[test]
fn a_leaf_for_servers_is_accepted_by_the_reference_and_not_by_us() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), for_servers);
    for release in RELEASES {
        let scratch = release.certified(&certified);
        assert_eq!(release.verify_certified(&scratch, &certified.root), Ok(()), "{release:?}");
        assert_eq!(error_code(verify(&scratch, &certified.root)), "certificate-usage");
    }
}

#[test]
fn we_do_not_sign_what_we_would_not_verify() {
    let pki = Pki::new();
    for change in [ended, for_servers] {
        let certified = pki.certify(&private("p256"), change);
        let scratch = Scratch::with(&NESTED);
        sign(&scratch, &certified).exits_with(2);
        assert!(!scratch.bundle().exists());
    }
}

#[test]
fn only_1_0_1_refuses_a_leaf_for_signing_code_without_a_key_usage() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |leaf| leaf.key_usages.clear());
    let scratch = certify(&certified);
    verified(&scratch, &certified.root);
    assert_eq!(CURRENT.verify_certified(&scratch, &certified.root), Ok(()));
    let older = Release("reference-1.0.1").verify_certified(&scratch, &certified.root);
    assert_refused(older, "KeyUsage'> extension was found");
}

/// Should this fail, the reference has learned to read what we write.
#[test]
fn the_reference_cannot_verify_under_an_ed25519_certificate() {
    let pki = Pki::new();
    let certified = pki.certify(&private("ed25519"), |_| ());
    let scratch = certify(&certified);
    verified(&scratch, &certified.root);
    for release in RELEASES {
        assert_refused(release.verify_certified(&scratch, &certified.root), "has no attribute 'curve'");
    }
}

#[test]
fn only_1_0_1_verifies_with_a_bare_key_what_names_a_certificate() {
    let pki = Pki::new();
    let scratch = CURRENT.certified(&pki.certify(&private("p256"), |_| ()));
    let (model, bundle) = (scratch.model(), scratch.bundle());
    assert_eq!(error_code(super::verify(&model, &bundle, "p256")), "wrong-method");
    assert_refused(CURRENT.verify(&model, &bundle, "p256", &[]), "has no attribute 'hint'");
    assert_eq!(Release("reference-1.0.1").verify(&model, &bundle, "p256", &[]), Ok(()));
}

impl Release {
    /// Its command line, with a method `certificate` that works.
    fn certificate_command(self) -> Command {
        match self.0 {
            "reference-0.3.1" => peers::script(self.0, "reference_certificate_0_3_1.py"),
            _ => self.command(),
        }
    }

    /// A model that it signed.
    #[track_caller]
    pub(super) fn certified(self, certified: &Certified) -> Scratch {
        let scratch = Scratch::with(&NESTED);
        let mut command = self.certificate_command();
        command.args(["sign", "certificate", "--signature"]).arg(scratch.bundle());
        command.args(certified.reference_options()).arg(scratch.model());
        let run = Run::of(&mut command);
        assert_eq!(run.stdout, "Signing succeeded\n", "{run}");
        scratch
    }

    /// What it complains about, if it does not verify.
    pub(super) fn verify_certified(self, scratch: &Scratch, root: &Path) -> Result<(), String> {
        let mut command = self.certificate_command();
        command.args(["verify", "certificate", "--certificate_chain"]).arg(root);
        verdict(command.arg("--signature").arg(scratch.bundle()).arg(scratch.model()))
    }
}

/// A model that we signed.
#[track_caller]
pub(super) fn certify(certified: &Certified) -> Scratch {
    let scratch = Scratch::with(&NESTED);
    sign(&scratch, certified).exits_with(0);
    scratch
}

fn sign(scratch: &Scratch, certified: &Certified) -> Run {
    let (model, bundle) = (scratch.model(), scratch.bundle());
    let mut arguments: Vec<&OsStr> = vec!["sign".as_ref(), model.as_ref(), "-o".as_ref(), bundle.as_ref()];
    arguments.extend([OsStr::new("--key"), certified.key.as_ref()]);
    arguments.extend([OsStr::new("--certificate"), certified.leaf.as_ref()]);
    arguments.extend(certified.chain.iter().flat_map(|file| [OsStr::new("--chain"), file.as_ref()]));
    modelseal(arguments)
}

/// Our report on a model that has to verify.
#[track_caller]
pub(super) fn verified(scratch: &Scratch, root: &Path) -> Value {
    verify(scratch, root).exits_with(0).json()
}

pub(super) fn verify(scratch: &Scratch, root: &Path) -> Run {
    verify_with(&scratch.model(), &scratch.bundle(), root, &[])
}

pub(super) fn verify_with(model: &Path, bundle: &Path, root: &Path, options: &[&str]) -> Run {
    let mut arguments: Vec<&OsStr> = ["verify", "--format", "json", "--root"].map(OsStr::new).to_vec();
    arguments.extend([root.as_ref(), "--signature".as_ref(), bundle.as_ref(), model.as_os_str()]);
    modelseal(arguments.into_iter().chain(options.iter().map(OsStr::new)))
}

#[track_caller]
pub(super) fn error_code(refusal: Run) -> String {
    let report = refusal.exits_with(1).json();
    report["error"]["code"].as_str().unwrap_or_else(|| panic!("no code: {report:#}")).to_owned()
}

/// The certificates of a bundle, the leaf first.
fn published(scratch: &Scratch) -> Vec<String> {
    let bundle: Value = serde_json::from_slice(&std::fs::read(scratch.bundle()).unwrap()).unwrap();
    let certificates = &bundle["verificationMaterial"]["x509CertificateChain"]["certificates"];
    pluck(certificates, "rawBytes").into_iter().map(str::to_owned).collect()
}

pub(super) fn private(name: &str) -> PathBuf {
    key(&format!("{name}.pem"))
}
