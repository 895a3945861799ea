//! Release 0.2.0, which has no command line: the files are the subjects of a
//! statement, and what is signed is the payload as Python shows it. It could
//! not verify its own certificates, and its successors do.

use std::path::Path;

use serde_json::Value;

use super::certificates::{error_code, private, verified, verify, verify_with};
use super::peers::{self, Run, tamper};
use super::pki::{Certified, Pki};
use super::{CURRENT, CURVES, NESTED, Release, Scratch, payload, pluck};

const V0_2_0: Release = Release("reference-0.2.0");

/// Quotes, and what Python writes in another way.
const ODD_NAMES: [(&str, &[u8]); 4] = [
    ("it's \u{e9} \"q\"", b"1"),
    ("u\u{308}/\u{1f980}", b"2"),
    ("two words.txt", b"3"),
    ("\u{7f} \u{a0}.bin", b"4"),
];

const WITH_GIT: [(&str, &[u8]); 3] =
    [(".git/HEAD", b"ref: main"), (".gitignore", b"x"), ("config.json", b"{}")];

#[test]
fn its_bundles_verify_and_are_reported_as_an_old_format() {
    let pki = Pki::new();
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let report = verified(&signed(&NESTED, &certified, &[]), &certified.root);
        assert_legacy(&report);
        assert_eq!(report["model"]["files"], NESTED.len());
        assert_eq!(report["signature"]["signer"]["certificate"]["subject"], "CN=signer");
    }
}

#[test]
fn its_bundles_verify_under_rsa_authorities() {
    let pki = Pki::with_rsa();
    let certified = pki.certify(&private("p384"), |_| ());
    assert_legacy(&verified(&signed(&NESTED, &certified, &[]), &certified.root));
}

/// So this is no reading of ours alone.
#[test]
fn its_bundles_verify_with_the_releases_after_it() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p384"), |_| ());
    let scratch = signed(&NESTED, &certified, &[]);
    for release in [CURRENT, Release("reference-1.0.1")] {
        assert_eq!(release.verify_certified(&scratch, &certified.root), Ok(()), "{release:?}");
    }
}

#[test]
fn names_with_quotes_and_unicode_verify() {
    let pki = Pki::new();
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = signed(&ODD_NAMES, &certified, &[]);
        let statement = payload(&scratch.bundle());
        assert!(pluck(&statement["subject"], "name").contains(&ODD_NAMES[0].0), "{statement:#}");
        assert_eq!(verified(&scratch, &certified.root)["model"]["files"], ODD_NAMES.len());
    }
}

#[test]
fn git_files_which_it_always_signed_are_verified_and_not_ignored() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = signed(&WITH_GIT, &certified, &[]);
    let report = verified(&scratch, &certified.root);
    assert_eq!(report["model"]["files"], WITH_GIT.len());
    tamper(&scratch.model().join(".git/HEAD"));
    assert_eq!(changed(verify(&scratch, &certified.root)), ".git/HEAD");
}

#[test]
fn a_single_file_verifies_though_the_signature_does_not_name_it() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let (scratch, file) = Scratch::with_one_file();
    sign(&file, &scratch.bundle(), &certified, &[]);
    let verify = || verify_with(&file, &scratch.bundle(), &certified.root, &[]);
    let report = verify().exits_with(0).json();
    assert_legacy(&report);
    assert!(pluck(&report["not_proved"], "code").contains(&"name-not-signed"), "{report:#}");
    tamper(&file);
    verify().exits_with(1);
}

/// Its own program left a bundle out whose path was written like the model's.
#[test]
fn a_signature_that_it_put_into_the_model_is_not_a_part_of_it() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = Scratch::with(&NESTED);
    let bundle = scratch.model().join("model.sig");
    std::fs::write(&bundle, "an old one").unwrap();
    sign(&scratch.model(), &bundle, &certified, &[]);
    let report = verify_with(&scratch.model(), &bundle, &certified.root, &[]).exits_with(0).json();
    assert_eq!(report["model"]["files"], NESTED.len());
}

#[test]
fn what_was_changed_is_named() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let differences = |change: fn(&Path)| {
        let scratch = signed(&NESTED, &certified, &[]);
        change(&scratch.model());
        verify(&scratch, &certified.root).exits_with(1).json()["error"]["differences"].take()
    };
    let flipped = differences(|model| tamper(&model.join("sub/deep/weights.bin")));
    assert_eq!(pluck(&flipped["changed"], "name"), ["sub/deep/weights.bin"]);
    let removed = differences(|model| std::fs::remove_file(model.join("empty")).unwrap());
    assert_eq!(removed["missing"][0], "empty");
    let added = differences(|model| std::fs::write(model.join("extra"), "").unwrap());
    assert_eq!(added["not_signed"][0], "extra");
}

#[test]
fn another_root_is_refused() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = signed(&NESTED, &certified, &[]);
    assert_eq!(error_code(verify(&scratch, &Pki::named("other-ca").root())), "unknown-issuer");
}

#[test]
fn its_other_payloads_are_refused_by_name() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    for (options, complaint) in [
        (&["--shards=4"][..], "https://model_signing/ShardDigests/v0.1"),
        (&["--payload=single"], "https://model_signing/Digest/v0.1"),
        (&["--payload=aggregate"], "https://model_signing/DigestOfDigests/v0.1"),
        (&["--payload=aggregate", "--shards=4"], "https://model_signing/DigestOfShardDigests/v0.1"),
        (&["--hash=blake2"], "file-blake2b"),
    ] {
        let refusal = verify(&signed(&NESTED, &certified, options), &certified.root).exits_with(1).json();
        assert_eq!(refusal["error"]["code"], "malformed-statement", "{refusal:#}");
        assert!(refusal["error"]["message"].to_string().contains(complaint), "{refusal:#}");
    }
}

#[test]
fn an_empty_model_is_refused() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = signed(&[], &certified, &[]);
    assert_eq!(error_code(verify(&scratch, &certified.root)), "malformed-statement");
}

#[test]
fn a_name_with_a_backslash_is_refused_by_us_and_not_by_its_successors() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = signed(&[("a\\b", b"1")], &certified, &[]);
    assert_eq!(error_code(verify(&scratch, &certified.root)), "malformed-statement");
    assert_eq!(CURRENT.verify_certified(&scratch, &certified.root), Ok(()));
}

/// Its successors take the hash that belongs to the curve, which is not the
/// one of 0.2.0 but on P-256.
#[test]
fn what_it_signed_with_a_bare_key_verifies_here_and_with_its_successors_for_p256_alone() {
    for curve in CURVES {
        let scratch = Scratch::with(&NESTED);
        let mut command = peers::script(V0_2_0.0, "reference_sign_0_2_0.py");
        Run::of(command.args([scratch.model(), scratch.bundle(), private(curve)])).exits_with(0);
        let report = super::verify(&scratch.model(), &scratch.bundle(), curve).exits_with(0).json();
        assert!(pluck(&report["not_proved"], "code").contains(&"legacy-format"), "{report:#}");
        let stranger = super::verify(&scratch.model(), &scratch.bundle(), "other-p256");
        assert_eq!(error_code(stranger), "wrong-key");
        let theirs = CURRENT.verify(&scratch.model(), &scratch.bundle(), curve, &[]);
        assert_eq!(theirs.is_ok(), curve == "p256", "{theirs:?}");
    }
}

/// A model that it signed.
fn signed(files: &[(&str, &[u8])], certified: &Certified, options: &[&str]) -> Scratch {
    let scratch = Scratch::with(files);
    sign(&scratch.model(), &scratch.bundle(), certified, options);
    scratch
}

#[track_caller]
fn sign(model: &Path, bundle: &Path, certified: &Certified, options: &[&str]) {
    let mut command = peers::script(V0_2_0.0, "reference_sign_0_2_0.py");
    command.args([model, bundle, &certified.key, &certified.leaf]);
    Run::of(command.args(&certified.chain).args(options)).exits_with(0);
}

#[track_caller]
fn assert_legacy(report: &Value) {
    assert!(pluck(&report["not_proved"], "code").contains(&"legacy-format"), "{report:#}");
}

#[track_caller]
fn changed(refusal: Run) -> String {
    let report = refusal.exits_with(1).json();
    let changed = &report["error"]["differences"]["changed"];
    pluck(changed, "name").join(", ")
}
