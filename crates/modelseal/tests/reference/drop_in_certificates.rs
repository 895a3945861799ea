//! The same arguments for the reference's command and for ours in its place,
//! with the method `certificate`: `leaf.pem`, which `intermediate.pem` issued,
//! speaks for `p256.pem`, and under it the reference made `certified.sig`.

use super::drop_in::{
    Call, Directory, MISUSED, NOT_SIGNED, NOT_VERIFIED, PROGRAMS, Program, SIGNED, VERIFIED, add_a_file,
    assert_worded_alike, compare, remove_a_file,
};
use super::peers::{Run, tamper};

const SIGN: &str = "sign certificate --private_key p256.pem --signing_certificate leaf.pem \
    --certificate_chain intermediate.pem --signature certified.sig model";
const VERIFY: &str = "verify certificate --certificate_chain root.pem --signature certified.sig model";

#[test]
fn signing_succeeds_as_with_the_reference() {
    let signed = |arguments| Call { arguments, ..SIGNED };
    compare(&[
        signed(SIGN),
        signed(
            "sign certificate --private_key p256.pem --signing_certificate leaf.pem \
             --certificate_chain intermediate.pem --certificate_chain root.pem model",
        ),
        signed(
            "sign certificate --certificate_chain=chain.pem --signing_certificate=leaf.pem \
             --private_key=p256.pem --ignore-paths model/sub --no-ignore-git-paths model/",
        ),
        signed(
            "sign certificate model --private_key p256.pem --signing_certificate leaf.pem \
             --certificate_chain leaf.pem --certificate_chain intermediate.pem --allow_symlinks",
        ),
    ]);
}

#[test]
fn signing_fails_as_with_the_reference() {
    for (key, certificate, chain) in [
        ("nothing.pem", "leaf.pem", "intermediate.pem"),
        ("p256.pem", "nothing.pem", "intermediate.pem"),
        ("p256.pem", "leaf.pem", "nothing.pem"),
        ("p256.pub", "leaf.pem", "intermediate.pem"),
        ("p256.pem", "p256.pub", "intermediate.pem"),
        ("p256.pem", "leaf.pem", "p256.pub"),
        ("other.pem", "leaf.pem", "intermediate.pem"),
        ("p256.pem", "intermediate.pem", "root.pem"),
    ] {
        let arguments = format!(
            "sign certificate --private_key {key} --signing_certificate {certificate} \
             --certificate_chain {chain} model"
        );
        compare(&[Call { arguments: &arguments, ..NOT_SIGNED }]);
    }
}

/// Should this fail, the reference has learned that the chain is optional, as
/// its help says.
#[test]
fn without_a_chain_we_sign_and_the_reference_does_not() {
    const ALONE: &str = "sign certificate --private_key p256.pem --signing_certificate leaf.pem model";
    for program in PROGRAMS {
        let directory = Directory::new();
        let run = Run::of(directory.command(program).args(ALONE.split(' ')));
        if matches!(program, Program::Reference) {
            assert!(run.exits_with(1).stderr.contains("Unable to load PEM file"));
        } else {
            assert_eq!(run.exits_with(0).stdout, "Signing succeeded\n");
        }
    }
}

#[test]
fn verifying_succeeds_as_with_the_reference() {
    let verified = |arguments| Call { arguments, ..VERIFIED };
    compare(&[
        verified(VERIFY),
        verified("verify certificate model --certificate_chain=root.pem --signature=certified.sig"),
        verified(
            "verify certificate --certificate_chain other-root.pem --certificate_chain root.pem \
             --signature certified.sig model",
        ),
        verified("verify certificate --certificate_chain chain.pem --signature certified.sig model"),
        Call {
            arguments: "verify certificate --certificate_chain root.pem --signature certified.sig \
                --ignore_unsigned_files model",
            prepare: add_a_file,
            ..VERIFIED
        },
    ]);
}

#[test]
fn verifying_fails_as_with_the_reference() {
    let refused = |arguments| Call { arguments, ..NOT_VERIFIED };
    compare(&[
        Call { prepare: |directory| tamper(&directory.join("model/config.json")), ..refused(VERIFY) },
        Call { prepare: add_a_file, ..refused(VERIFY) },
        Call { prepare: remove_a_file, ..refused(VERIFY) },
        Call {
            prepare: |directory| std::fs::write(directory.join("certified.sig"), "{}").unwrap(),
            ..refused(VERIFY)
        },
        refused("verify certificate --certificate_chain other-root.pem --signature certified.sig model"),
        refused("verify certificate --certificate_chain nothing.pem --signature certified.sig model"),
        refused("verify certificate --certificate_chain p256.pub --signature certified.sig model"),
        refused("verify certificate --certificate_chain root.pem --signature nothing.sig model"),
        refused("verify certificate --certificate_chain root.pem --signature certified.sig nothing"),
        refused("verify certificate --certificate_chain root.pem --signature good.sig model"),
        refused("verify key --public_key p256.pub --signature certified.sig model"),
    ]);
}

/// The reference believes the authorities of the web then, and first warns of some.
#[test]
fn verifying_without_anything_to_trust_fails_as_with_the_reference() {
    for program in PROGRAMS {
        let directory = Directory::new();
        let alone = ["verify", "certificate", "--signature", "certified.sig", "model"];
        let run = Run::of(directory.command(program).args(alone)).exits_with(1);
        assert_eq!(run.stdout, "");
        assert!(run.stderr.contains("Verification failed with error: "), "{program:?}: {run}");
    }
}

#[test]
fn fingerprints_are_logged_as_by_the_reference() {
    for arguments in [
        "verify certificate --log_fingerprints --certificate_chain root.pem --signature certified.sig model",
        "verify certificate --certificate_chain chain.pem --certificate_chain other-root.pem \
         --signature certified.sig --log_fingerprints model",
        "--log-level WARNING verify certificate --log_fingerprints --certificate_chain root.pem \
         --signature certified.sig model",
    ] {
        let directory = Directory::new();
        let run = |program| Run::of(directory.command(program).args(arguments.split_whitespace()));
        let theirs = run(Program::Reference).exits_with(0);
        for program in [Program::Subcommand, Program::Renamed] {
            let ours = run(program).exits_with(0);
            assert_eq!((ours.stdout, ours.stderr), (theirs.stdout.clone(), theirs.stderr.clone()));
        }
    }
}

#[test]
fn fingerprints_are_logged_before_a_refusal_as_by_the_reference() {
    let logged = |program| {
        let directory = Directory::new();
        tamper(&directory.path().join("model/config.json"));
        let mut command = directory.command(program);
        let run = Run::of(command.args(VERIFY.split(' ')).arg("--log_fingerprints")).exits_with(1);
        let (lines, complaint) = run.stderr.split_once("Verification failed").expect("a complaint");
        assert_eq!(complaint.lines().count(), 1, "{program:?}: {run}");
        lines.to_owned()
    };
    let theirs = logged(Program::Reference);
    assert_eq!(theirs.lines().count(), 3);
    assert_eq!(logged(Program::Subcommand), theirs);
}

#[test]
fn misuse_exits_with_2_and_is_worded_as_by_the_reference() {
    assert_worded_alike(&[
        "sign certificate model",
        "sign certificate --private_key p256.pem model",
        "sign certificate --private_key p256.pem --certificate_chain intermediate.pem model",
        "sign certificate --signing_certificate leaf.pem model",
        "sign certificate --private_key p256.pem --signing_certificate leaf.pem",
        "sign certificate --private_key p256.pem --signing_certificate leaf.pem --password x model",
        "sign certificate --private_key p256.pem --signing_certificate leaf.pem model another",
        "sign pkcs11-key model",
        "sign pkcs11-certificate model",
        "sign pkcs11-certificate --pkcs11_uri pkcs11:object=a model",
        "verify certificate --certificate_chain root.pem model",
        "verify certificate --certificate_chain root.pem --signature certified.sig",
        "verify certificate --public_key p256.pub --signature certified.sig model",
    ]);
}

#[test]
fn a_method_without_arguments_shows_its_usage_and_exits_with_2_as_with_the_reference() {
    let misuse = |arguments| Call { arguments, ..MISUSED };
    compare(&[
        misuse("sign certificate"),
        misuse("sign pkcs11-key"),
        misuse("sign pkcs11-certificate"),
        misuse("verify certificate"),
    ]);
}

#[test]
fn fingerprints_are_no_option_of_signing_as_with_the_reference() {
    let arguments = format!("{SIGN} --log_fingerprints");
    compare(&[Call { arguments: &arguments, ..MISUSED }]);
}

/// What a token signed is verified by its key or its certificate.
#[test]
fn tokens_are_no_method_of_verifying_as_with_the_reference() {
    assert_worded_alike(&["verify pkcs11-key", "verify pkcs11-certificate --signature certified.sig model"]);
}

#[test]
fn the_dashes_of_the_unreleased_reference_are_taken_too() {
    let signing = "sign certificate --private-key p256.pem --signing-certificate leaf.pem \
        --certificate-chain intermediate.pem --signature m.sig model";
    let verifying =
        "verify certificate --certificate-chain root.pem --log-fingerprints --signature m.sig model";
    let directory = Directory::new();
    for arguments in [signing, verifying] {
        let run = |program| Run::of(directory.command(program).args(arguments.split_whitespace()));
        assert!(run(Program::Reference).exits_with(2).stderr.contains("No such option"));
        run(Program::Subcommand).exits_with(0);
        run(Program::Renamed).exits_with(0);
    }
}

#[test]
fn what_either_signs_the_other_verifies() {
    for signer in PROGRAMS {
        let directory = Directory::new();
        Run::of(directory.command(signer).args(SIGN.split_whitespace())).exits_with(0);
        for verifier in PROGRAMS {
            let run = Run::of(directory.command(verifier).args(VERIFY.split(' '))).exits_with(0);
            assert_eq!(run.stdout, "Verification succeeded\n", "{signer:?}, {verifier:?}");
        }
    }
}
