//! Releases 1.0.1 and 0.3.1, whose bundles are in use: the whole key in place
//! of a hint, no record of what was ignored.

use serde_json::Value;

use super::certificates::{self, certify, private};
use super::peers::{Run, modelseal, sign, tamper};
use super::pki::Pki;
use super::serializations::NOT_EMPTY;
use super::{
    CURRENT, CURVES, NESTED, OLDER, Release, Scratch, assert_refused, key, payload, pluck, verdict, verified,
    verify,
};

const V0_3_1: Release = Release("reference-0.3.1");

#[track_caller]
fn assert_legacy(report: &Value) {
    assert!(pluck(&report["not_proved"], "code").contains(&"legacy-format"), "{report:#}");
}

#[test]
fn their_bundles_verify_and_are_reported_as_an_old_format() {
    for release in OLDER {
        for curve in CURVES {
            let scratch = Scratch::with(&NESTED);
            release.sign(&scratch.model(), &scratch.bundle(), curve, &[]);
            let bundle = std::fs::read_to_string(scratch.bundle()).unwrap();
            assert!(bundle.contains("rawBytes") && !bundle.contains("hint"), "{bundle}");
            assert_legacy(&verified(&scratch.model(), &scratch.bundle(), curve));
        }
    }
}

#[test]
fn a_flipped_byte_is_refused_under_their_bundles() {
    for release in OLDER {
        let scratch = Scratch::with(&NESTED);
        release.sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
        tamper(&scratch.model().join("config.json"));
        let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
        assert_eq!(report["error"]["differences"]["changed"][0]["name"], "config.json", "{report:#}");
    }
}

#[test]
fn the_key_in_their_bundles_is_not_trusted_by_itself() {
    for release in OLDER {
        let scratch = Scratch::with(&NESTED);
        release.sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
        let report = verify(&scratch.model(), &scratch.bundle(), "other-p256").exits_with(1).json();
        assert_eq!(report["error"]["code"], "wrong-key", "{report:#}");
    }
}

#[test]
fn their_single_files_verify() {
    for release in OLDER {
        let (scratch, file) = Scratch::with_one_file();
        release.sign(&file, &scratch.bundle(), "p256", &[]);
        assert_legacy(&verified(&file, &scratch.bundle(), "p256"));
    }
}

/// The hash that `release` records beside shards of four bytes.
fn shards_hash_type(release: Release) -> &'static str {
    if release.0 == "reference-0.3.1" { "sha256-sharded-4" } else { "sha256" }
}

#[test]
fn their_shards_verify() {
    for release in OLDER {
        let scratch = Scratch::with(&NOT_EMPTY);
        release.sign_by_api(&scratch.model(), &scratch.bundle(), "shards sha256 4");
        let predicate = &payload(&scratch.bundle())["predicate"];
        assert_eq!(predicate["serialization"]["hash_type"], shards_hash_type(release), "{predicate:#}");
        let report = verified(&scratch.model(), &scratch.bundle(), "p256");
        assert_legacy(&report);
        assert_eq!(report["model"]["shard_size"], 4);
    }
}

#[test]
fn a_flipped_byte_is_refused_under_their_shards() {
    for release in OLDER {
        let scratch = Scratch::with(&NOT_EMPTY);
        release.sign_by_api(&scratch.model(), &scratch.bundle(), "shards sha256 4");
        tamper(&scratch.model().join("sub/deep/weights.bin"));
        let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
        let changed = &report["error"]["differences"]["changed"];
        assert_eq!(pluck(changed, "name"), ["sub/deep/weights.bin:8:10"], "{report:#}");
    }
}

#[test]
fn their_blake2b_verifies() {
    for release in OLDER {
        let scratch = Scratch::with(&NESTED);
        release.sign_by_api(&scratch.model(), &scratch.bundle(), "files blake2");
        let report = verified(&scratch.model(), &scratch.bundle(), "p256");
        assert_eq!(report["model"]["hash"], "blake2b");
    }
}

const WITH_GIT: [(&str, &[u8]); 4] =
    [(".git/HEAD", b"ref: main"), (".gitattributes", b"*"), (".gitignore", b"x"), ("config.json", b"{}")];

/// They look for git's files in the working directory.
#[test]
fn git_files_that_they_signed_are_verified_and_not_ignored() {
    for release in OLDER {
        let scratch = Scratch::with(&WITH_GIT);
        release.sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
        let resources = &payload(&scratch.bundle())["predicate"]["resources"];
        assert!(pluck(resources, "name").contains(&".git/HEAD"), "{resources:#}");
        let report = verified(&scratch.model(), &scratch.bundle(), "p256");
        assert_eq!(report["model"]["files"], WITH_GIT.len());
        tamper(&scratch.model().join(".git/HEAD"));
        verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1);
    }
}

/// Of the two, only 1.0.1 leaves its own signature out.
#[test]
fn a_signature_that_1_0_1_put_into_the_model_is_found_in_its_default_place() {
    let scratch = Scratch::with(&NESTED);
    let model = scratch.model();
    Release("reference-1.0.1").sign(&model, &model.join("model.sig"), "p256", &[]);
    modelseal(["verify".as_ref(), model.as_os_str(), "--key".as_ref(), key("p256.pub").as_os_str()])
        .exits_with(0);
}

#[test]
fn our_bundles_verify_with_them() {
    for release in OLDER {
        for curve in CURVES {
            let scratch = Scratch::with(&NESTED);
            sign(&scratch.model(), &scratch.bundle(), curve, &[]);
            assert_eq!(release.verify(&scratch.model(), &scratch.bundle(), curve, &[]), Ok(()));
        }
    }
}

#[test]
fn they_refuse_what_was_changed_after_we_signed() {
    for release in OLDER {
        let scratch = Scratch::with(&NESTED);
        sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
        tamper(&scratch.model().join("config.json"));
        let verdict = release.verify(&scratch.model(), &scratch.bundle(), "p256", &[]);
        assert_refused(verdict, "Signature mismatch");
    }
}

/// They do not read the record, be it of ours or of their own successor.
#[test]
fn they_refuse_ignored_paths_whoever_recorded_them() {
    for release in OLDER {
        let scratch = Scratch::with(&NESTED);
        sign(&scratch.model(), &scratch.bundle(), "p256", &["--ignore", "a-b"]);
        let ours = release.verify(&scratch.model(), &scratch.bundle(), "p256", &[]);
        assert_refused(ours, "Signature mismatch");
        let file = scratch.model().join("a-b");
        let ignored = ["--ignore-paths", file.to_str().unwrap()];
        CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &ignored);
        let theirs = release.verify(&scratch.model(), &scratch.bundle(), "p256", &[]);
        assert_refused(theirs, "Signature mismatch");
    }
}

#[test]
fn they_cannot_verify_a_single_file_named_as_the_specification_says() {
    for release in OLDER {
        let (scratch, file) = Scratch::with_one_file();
        sign(&file, &scratch.bundle(), "p256", &[]);
        assert_refused(release.verify(&file, &scratch.bundle(), "p256", &[]), "Signature mismatch");
    }
}

/// What makes it work is in `peers/reference_certificate_0_3_1.py`.
#[test]
fn with_certificates_0_3_1_can_neither_sign_nor_verify_as_released() {
    let pki = Pki::new();
    let certified = pki.certify(&private("p256"), |_| ());
    let scratch = Scratch::with(&NESTED);
    let mut signing = V0_3_1.command();
    signing.args(["sign", "certificate", "--signature"]).arg(scratch.bundle());
    let run = Run::of(signing.args(certified.reference_options()).arg(scratch.model()));
    assert!(run.stderr.contains("unexpected keyword argument 'raw_byutes'"), "{run}");
    assert!(!scratch.bundle().exists(), "{run}");

    let scratch = V0_3_1.certified(&certified);
    let mut verifying = V0_3_1.command();
    verifying.args(["verify", "certificate", "--certificate_chain"]).arg(&certified.root);
    let verdict = verdict(verifying.arg("--signature").arg(scratch.bundle()).arg(scratch.model()));
    assert_refused(verdict, "has no attribute 'key'");
}

#[test]
fn what_a_repaired_0_3_1_signs_under_a_chain_verifies() {
    let pki = Pki::new();
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = V0_3_1.certified(&certified);
        let report = certificates::verified(&scratch, &certified.root);
        assert_eq!(report["signature"]["signer"]["certificate"]["subject"], "CN=signer");
        tamper(&scratch.model().join("config.json"));
        assert_eq!(certificates::error_code(certificates::verify(&scratch, &certified.root)), "mismatch");
    }
}

#[test]
fn what_we_sign_under_a_chain_verifies_with_a_repaired_0_3_1() {
    let pki = Pki::new();
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = certify(&certified);
        assert_eq!(V0_3_1.verify_certified(&scratch, &certified.root), Ok(()));
        tamper(&scratch.model().join("config.json"));
        assert_refused(V0_3_1.verify_certified(&scratch, &certified.root), "Signature mismatch");
    }
}
