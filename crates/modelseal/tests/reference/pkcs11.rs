//! Keys on a token of SoftHSM2, which the reference's module and ours drive by
//! the same URIs. There is no method to verify with them: what they sign is
//! verified by public keys and certificates.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::certificates::{self, private};
use super::drop_in::{Directory, PROGRAMS};
use super::peers::{self, Run, tamper};
use super::pki::{Certified, Pki};
use super::softhsm::Token;
use super::{CURRENT, CURVES, NESTED, Scratch, assert_refused, payload, verified};

#[test]
fn what_the_reference_signs_with_a_key_on_a_token_verifies() {
    let token = token();
    for curve in CURVES {
        let scratch = Scratch::with(&NESTED);
        theirs(&token, CURRENT.command().args(["sign", "pkcs11-key"]), curve, &scratch, []).exits_with(0);
        let report = verified(&scratch.model(), &scratch.bundle(), curve);
        assert_eq!(report["signature"]["method"], "key");
    }
}

#[test]
fn what_we_sign_with_a_key_on_a_token_verifies_with_the_reference() {
    let token = token();
    for curve in CURVES {
        let scratch = ours(&token, curve, []);
        assert_eq!(CURRENT.verify(&scratch.model(), &scratch.bundle(), curve, &[]), Ok(()));
    }
}

/// On P-256, P-384 and P-521 nothing but the signature differs.
#[test]
fn a_bundle_does_not_show_that_the_key_was_on_a_token() {
    let token = token();
    for curve in CURVES {
        let (with_token, with_file) = (ours(&token, curve, []), Scratch::with(&NESTED));
        peers::sign(&with_file.model(), &with_file.bundle(), curve, &[]);
        assert_eq!(material(&with_token), material(&with_file));
        assert_eq!(payload(&with_token.bundle()), payload(&with_file.bundle()));
    }
}

#[test]
fn a_byte_flipped_after_a_token_signed_is_refused_both_ways() {
    let token = token();
    let scratch = ours(&token, "p384", []);
    tamper(&scratch.model().join("config.json"));
    let theirs_of_ours = CURRENT.verify(&scratch.model(), &scratch.bundle(), "p384", &[]);
    assert_refused(theirs_of_ours, "Hash mismatch for 'config.json'");
    let scratch = Scratch::with(&NESTED);
    theirs(&token, CURRENT.command().args(["sign", "pkcs11-key"]), "p384", &scratch, []).exits_with(0);
    tamper(&scratch.model().join("config.json"));
    super::verify(&scratch.model(), &scratch.bundle(), "p384").exits_with(1);
}

#[test]
fn what_we_sign_with_a_certified_key_on_a_token_verifies_with_the_reference() {
    let (token, pki) = (token(), Pki::new());
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = ours(&token, curve, our_options(&certified));
        certificates::verified(&scratch, &certified.root);
        assert_eq!(CURRENT.verify_certified(&scratch, &certified.root), Ok(()));
    }
}

/// Should this fail, the reference is repaired, and `peers/reference_pkcs11.py`
/// is not needed any more.
#[test]
fn with_certificates_the_reference_cannot_use_a_token_as_released() {
    let (token, pki) = (token(), Pki::new());
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = Scratch::with(&NESTED);
        let mut command = CURRENT.command();
        command.args(["sign", "pkcs11-certificate"]);
        let run = theirs(&token, &mut command, curve, &scratch, certified.reference_certificates());
        assert!(run.stderr.contains("1 validation error for "), "{run}");
        assert!(!run.exits_with(1).stdout.contains("succeeded") && !scratch.bundle().exists());
    }
}

#[test]
fn what_a_repaired_reference_signs_with_a_certified_key_on_a_token_verifies() {
    let (token, pki) = (token(), Pki::new());
    for curve in CURVES {
        let certified = pki.certify(&private(curve), |_| ());
        let scratch = Scratch::with(&NESTED);
        let mut command = peers::script(CURRENT.0, "reference_pkcs11.py");
        command.args(["sign", "pkcs11-certificate"]);
        theirs(&token, &mut command, curve, &scratch, certified.reference_certificates()).exits_with(0);
        certificates::verified(&scratch, &certified.root);
    }
}

#[test]
fn the_reference_and_our_command_in_its_place_sign_with_the_same_uris() {
    for (from, to) in [
        ("", ""),
        ("object=p256", "object=p256;id=%22"),
        ("object=p256", "id=%22"),
        ("object=p256", "type=private;object=%70%32%35%36"),
        ("object=p256", "slot-id=SLOT;object=p256"),
        ("token=reference;", "slot-id=SLOT;"),
    ] {
        for run in side_by_side("sign pkcs11-key --pkcs11_uri URI --signature m.sig model", from, to) {
            assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "Signing succeeded\n", ""), "{run}");
        }
    }
}

#[test]
fn the_reference_and_our_command_in_its_place_fail_with_the_same_uris() {
    for (from, to) in [
        ("object=p256", "object=nothing"),
        ("object=p256", "object=p256;id=%23"),
        ("object=p256", "type=private"),
        ("token=reference", "token=nothing"),
        ("token=reference", "token=nothing;slot-id=SLOT"),
        ("token=reference", "token=reference;token=reference"),
        ("pin-value=1234", "pin-value=4321"),
        ("pin-value=1234", "pin-value=1234&pin-source=/nothing"),
        ("pin-value=1234", "pin-source=/nothing"),
        ("module-path=/", "module-path=/nothing/"),
        ("module-path=/", "module-path="),
        ("pkcs11:", "pkcs12:"),
    ] {
        for run in side_by_side("sign pkcs11-key --pkcs11_uri URI model", from, to) {
            assert_eq!((run.code, &*run.stdout), (Some(1), ""), "{run}");
            assert!(run.stderr.starts_with("Signing failed with error: "), "{run}");
        }
    }
}

#[test]
fn attributes_that_the_reference_passes_over_are_asked_of_the_token_by_us_or_refused() {
    for (from, to) in [
        ("token=reference", "token=reference;serial=nothing"),
        ("token=reference", "token=reference;manufacturer=nothing"),
        ("token=reference", "token=reference;x-vendor=1"),
        ("pin-value", "x-vendor=1&pin-value"),
    ] {
        let runs = side_by_side("sign pkcs11-key --pkcs11_uri URI model", from, to);
        let codes: Vec<_> = runs.iter().map(|run| run.code).collect();
        assert_eq!(codes, [Some(0), Some(1), Some(1)], "{to}: {}", runs[0]);
    }
}

#[test]
fn the_dashes_of_the_unreleased_reference_are_taken_too() {
    let runs = side_by_side("sign pkcs11-key --pkcs11-uri URI model", "", "");
    let codes: Vec<_> = runs.iter().map(|run| run.code).collect();
    assert_eq!(codes, [Some(2), Some(0), Some(0)], "{}", runs[0]);
}

#[test]
fn our_command_in_its_place_signs_with_a_certificate_as_the_reference_was_meant_to() {
    const SIGN: &str = "sign pkcs11-certificate --pkcs11_uri URI --signing_certificate leaf.pem \
        --certificate_chain intermediate.pem --certificate_chain root.pem model";
    let [theirs, ours @ ..] = &side_by_side(SIGN, "", "")[..] else { panic!("no runs") };
    assert_eq!((theirs.code, &*theirs.stdout), (Some(1), ""), "{theirs}");
    for run in ours {
        assert_eq!((run.code, &*run.stdout, &*run.stderr), (Some(0), "Signing succeeded\n", ""), "{run}");
    }
}

#[test]
fn another_certificate_than_that_of_the_key_is_refused_as_by_the_reference() {
    const SIGN: &str = "sign pkcs11-certificate --pkcs11_uri URI --signing_certificate intermediate.pem \
        --certificate_chain root.pem model";
    for run in side_by_side(SIGN, "", "") {
        assert!(run.stderr.starts_with("Signing failed with error: "), "{run}");
        run.exits_with(1);
    }
}

/// The three programs, where the URI of a key stands for `URI`, with `to` in
/// place of `from`.
fn side_by_side(arguments: &str, from: &str, to: &str) -> Vec<Run> {
    let token = token();
    let uri = token.uri("p256").replacen(from, &to.replace("SLOT", &token.slot.to_string()), 1);
    let run = |program| {
        let directory = Directory::new();
        let arguments = arguments.split_whitespace().map(|word| if word == "URI" { &uri } else { word });
        Run::of(token.command(directory.command(program).args(arguments)))
    };
    PROGRAMS.map(run).into()
}

/// A token with the keys that [`peers::key`] names, under their names.
fn token() -> Token {
    let token = Token::new("reference");
    for (curve, id) in CURVES.into_iter().zip(["22", "33", "44"]) {
        token.import(&private(curve), curve, id);
    }
    token
}

/// What a command of the reference makes of a model.
fn theirs<'a>(
    token: &Token,
    command: &mut Command,
    curve: &str,
    scratch: &Scratch,
    options: impl IntoIterator<Item = &'a OsStr>,
) -> Run {
    command.arg("--pkcs11_uri").arg(token.uri(curve)).args(options);
    Run::of(token.command(command.arg("--signature").arg(scratch.bundle()).arg(scratch.model())))
}

/// A model that we signed.
#[track_caller]
fn ours<'a>(token: &Token, curve: &str, options: impl IntoIterator<Item = &'a OsStr>) -> Scratch {
    let scratch = Scratch::with(&NESTED);
    let mut command = Command::new(env!("CARGO_BIN_EXE_modelseal"));
    command.arg("sign").arg(scratch.model()).arg("-o").arg(scratch.bundle());
    command.arg("--pkcs11").arg(token.uri(curve)).args(options);
    Run::of(token.command(&mut command)).exits_with(0);
    scratch
}

fn our_options(certified: &Certified) -> Vec<&OsStr> {
    let chain = certified.chain.iter().flat_map(|file| ["--chain".as_ref(), file.as_os_str()]);
    [OsStr::new("--certificate"), certified.leaf.as_os_str()].into_iter().chain(chain).collect()
}

fn material(scratch: &Scratch) -> Value {
    let read = |path: &Path| std::fs::read(path).unwrap();
    let mut bundle: Value = serde_json::from_slice(&read(&scratch.bundle())).unwrap();
    bundle["verificationMaterial"].take()
}
