//! Symbolic links, which the reference follows where it is told to.

use std::os::unix::fs::symlink;

use super::peers::{sign, tamper};
use super::{CURRENT, NESTED, Scratch, assert_refused, pluck, verified, verify};

fn linked() -> Scratch {
    let scratch = Scratch::with(&NESTED);
    symlink("config.json", scratch.model().join("link.json")).unwrap();
    scratch
}

#[test]
fn a_link_that_the_reference_followed_is_followed_without_being_asked_for() {
    let scratch = linked();
    CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &["--allow_symlinks"]);
    let report = verified(&scratch.model(), &scratch.bundle(), "p256");
    assert_eq!(pluck(&report["links"], "path"), ["link.json"]);
    assert_eq!(pluck(&report["links"], "target"), ["config.json"]);
    assert!(pluck(&report["not_proved"], "code").contains(&"symlinks-followed"), "{report:#}");
}

#[test]
fn the_target_of_a_link_that_the_reference_followed_is_verified() {
    let scratch = linked();
    CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &["--allow_symlinks"]);
    tamper(&scratch.model().join("config.json"));
    let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
    let changed = &report["error"]["differences"]["changed"];
    assert_eq!(pluck(changed, "name"), ["config.json", "link.json"]);
}

/// The reference leaves linked directories out in silence.
#[test]
fn what_stands_in_a_linked_directory_is_named_as_not_signed_by_the_reference() {
    let scratch = Scratch::with(&NESTED);
    symlink("sub", scratch.model().join("linked")).unwrap();
    CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &["--allow_symlinks"]);
    let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
    let differences = &report["error"]["differences"];
    assert_eq!(differences["not_signed"], serde_json::json!(["linked/deep/weights.bin"]), "{report:#}");
}

#[test]
fn a_link_to_the_outside_is_refused_though_the_reference_signed_it() {
    let scratch = Scratch::with(&NESTED);
    std::fs::write(scratch.0.path().join("outside"), "{}").unwrap();
    symlink("../outside", scratch.model().join("link.json")).unwrap();
    CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &["--allow_symlinks"]);
    let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
    assert_eq!(report["error"]["code"], "symlink-escapes", "{report:#}");
}

#[test]
fn a_file_that_became_a_link_is_refused_under_a_signature_without_links() {
    let scratch = Scratch::with(&NESTED);
    CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
    std::fs::rename(scratch.model().join("a-b"), scratch.0.path().join("elsewhere")).unwrap();
    symlink("../elsewhere", scratch.model().join("a-b")).unwrap();
    let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
    assert_eq!(report["error"]["code"], "symlink", "{report:#}");
}

#[test]
fn a_link_that_we_followed_verifies_with_the_reference_that_may_follow_it() {
    let scratch = linked();
    sign(&scratch.model(), &scratch.bundle(), "p256", &["--allow-symlinks"]);
    let (model, bundle) = (scratch.model(), scratch.bundle());
    assert_eq!(CURRENT.verify(&model, &bundle, "p256", &["--allow_symlinks"]), Ok(()));
    assert_refused(CURRENT.verify(&model, &bundle, "p256", &[]), "because it is a symlink");
}

#[test]
fn the_reference_verifies_the_target_of_a_link_that_we_followed() {
    let scratch = linked();
    sign(&scratch.model(), &scratch.bundle(), "p256", &["--allow-symlinks"]);
    tamper(&scratch.model().join("config.json"));
    let verdict = CURRENT.verify(&scratch.model(), &scratch.bundle(), "p256", &["--allow_symlinks"]);
    assert_refused(verdict, "Hash mismatch for 'link.json'");
}
