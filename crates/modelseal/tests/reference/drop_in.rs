//! The same arguments for the reference's command and for ours in its place:
//! the same exit code, the same standard output, the same first words of a
//! complaint.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::peers::{Run, key, modelseal, tamper, write_files};
use super::pki::Pki;
use super::{CURRENT, NESTED, Scratch, payload};

/// A call, in a [`Directory`].
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) arguments: &'a str,
    /// What happens to the directory before.
    pub(super) prepare: fn(&Path),
    pub(super) code: i32,
    pub(super) stdout: &'static str,
    /// How standard error begins.
    pub(super) stderr: &'static str,
}

const SIGN: &str = "sign key --private_key p256.pem";
const VERIFY: &str = "verify key --public_key p256.pub --signature good.sig model";

pub(super) const SIGNED: Call<'static> =
    Call { arguments: "", prepare: |_| {}, code: 0, stdout: "Signing succeeded\n", stderr: "" };
pub(super) const VERIFIED: Call<'static> = Call { stdout: "Verification succeeded\n", ..SIGNED };
pub(super) const NOT_SIGNED: Call<'static> =
    Call { code: 1, stdout: "", stderr: "Signing failed with error: ", ..SIGNED };
pub(super) const NOT_VERIFIED: Call<'static> =
    Call { stderr: "Verification failed with error: ", ..NOT_SIGNED };
pub(super) const MISUSED: Call<'static> = Call { code: 2, stderr: "Usage: ", ..NOT_SIGNED };

#[test]
fn signing_succeeds_and_fails_as_with_the_reference() {
    compare(&[
        Call { arguments: "sign key --private_key p256.pem --signature m.sig model", ..SIGNED },
        Call { arguments: "sign key --signature m.sig model --private_key p256.pem", ..SIGNED },
        Call { arguments: "sign key --signature=m.sig --private_key=p256.pem model/", ..SIGNED },
        Call { arguments: "sign key --private_key p256.pem --signature model/model.sig model", ..SIGNED },
        Call { arguments: "sign key --private_key p256.pem --ignore-paths model/a-b model", ..SIGNED },
        Call { arguments: "sign key --private_key p256.pem --ignore-paths /elsewhere model", ..SIGNED },
        Call { arguments: "sign key --private_key p256.pem --no-ignore-git-paths model", ..SIGNED },
        Call { arguments: "sign key --private_key p256.pem nothing", ..NOT_SIGNED },
        Call { arguments: "sign key --private_key nothing.pem model", ..NOT_SIGNED },
        Call { arguments: "sign key --private_key p256.pub model", ..NOT_SIGNED },
        Call { arguments: "sign key --private_key p256.pem --signature nothing/m.sig model", ..NOT_SIGNED },
        Call {
            arguments: "sign key --private_key p256.pem model",
            prepare: |directory| symlink("config.json", directory.join("model/link")).unwrap(),
            ..NOT_SIGNED
        },
        Call {
            arguments: "sign key --private_key p256.pem --allow_symlinks model",
            prepare: |directory| symlink("config.json", directory.join("model/link")).unwrap(),
            ..SIGNED
        },
    ]);
}

#[test]
fn verifying_succeeds_and_fails_as_with_the_reference() {
    let in_place = Call { arguments: VERIFY, ..NOT_VERIFIED };
    compare(&[
        Call { arguments: VERIFY, ..VERIFIED },
        Call { prepare: |directory| tamper(&directory.join("model/config.json")), ..in_place },
        Call { prepare: add_a_file, ..in_place },
        Call { prepare: remove_a_file, ..in_place },
        Call { prepare: |directory| write_garbage(directory, b"no JSON"), ..in_place },
        Call { prepare: |directory| write_garbage(directory, b""), ..in_place },
        Call { prepare: |directory| write_garbage(directory, b"{}"), ..in_place },
        Call { prepare: |directory| write_garbage(directory, b"[]"), ..in_place },
        Call { prepare: |directory| write_garbage(directory, b"\xff\x00"), ..in_place },
        Call { arguments: "verify key --public_key other.pub --signature good.sig model", ..NOT_VERIFIED },
        Call { arguments: "verify key --public_key nothing.pub --signature good.sig model", ..NOT_VERIFIED },
        Call { arguments: "verify key --public_key p256.pem --signature good.sig model", ..NOT_VERIFIED },
        Call { arguments: "verify key --public_key p256.pub --signature nothing.sig model", ..NOT_VERIFIED },
        Call { arguments: "verify key --public_key p256.pub --signature good.sig nothing", ..NOT_VERIFIED },
    ]);
}

#[test]
fn unsigned_files_are_ignored_on_request_and_signed_ones_never() {
    const IGNORING: &str =
        "verify key --public_key p256.pub --signature good.sig --ignore_unsigned_files model";
    const TWICE: &str = "verify key --public_key p256.pub --signature good.sig \
        --ignore_unsigned_files --no-ignore_unsigned_files model";
    compare(&[
        Call { arguments: IGNORING, prepare: add_a_file, ..VERIFIED },
        Call { arguments: IGNORING, prepare: remove_a_file, ..NOT_VERIFIED },
        Call {
            arguments: IGNORING,
            prepare: |directory| tamper(&directory.join("model/config.json")),
            ..NOT_VERIFIED
        },
        Call { arguments: TWICE, prepare: add_a_file, ..NOT_VERIFIED },
    ]);
}

#[test]
fn ignored_paths_are_those_of_the_working_directory() {
    compare(&[
        Call {
            arguments: "verify key --public_key p256.pub --signature good.sig --ignore-paths model/extra model",
            prepare: add_a_file,
            ..VERIFIED
        },
        Call {
            arguments: "verify key --public_key p256.pub --signature good.sig --ignore-paths extra model",
            prepare: add_a_file,
            ..NOT_VERIFIED
        },
        Call {
            arguments: "verify key --public_key p256.pub --signature good.sig --ignore-paths model/a-b model",
            ..NOT_VERIFIED
        },
    ]);
}

#[test]
fn a_command_without_arguments_shows_its_usage_and_exits_with_2_as_with_the_reference() {
    let misuse = |arguments| Call { arguments, ..MISUSED };
    compare(&[misuse(""), misuse("sign"), misuse("verify"), misuse("sign key"), misuse("verify key")]);
}

#[test]
fn misuse_exits_with_2_as_with_the_reference() {
    let misuse = |arguments| Call { arguments, ..MISUSED };
    compare(&[
        misuse("bogus"),
        misuse("sign key model"),
        misuse("sign key --private_key p256.pem"),
        misuse("sign key --private_key p256.pem model another"),
        misuse("sign key --private_key p256.pem --bogus model"),
        misuse("sign key --private_key p256.pem --signatur m.sig model"),
        misuse("verify key --public_key p256.pub model"),
        misuse("verify key --signature good.sig model"),
        misuse("verify key --public_key p256.pub --signature good.sig"),
    ]);
}

#[test]
fn usage_errors_are_worded_as_by_the_reference() {
    assert_worded_alike(&[
        "sign key model",
        "sign key --private_key p256.pem",
        "sign key --private_key p256.pem --bogus model",
        "sign key --private_key p256.pem --signatur m.sig model",
        "sign key --private_key p256.pem model another",
        "verify key --public_key p256.pub model",
        "bogus",
    ]);
}

#[test]
fn the_signature_goes_into_the_working_directory_and_replaces_the_last_one() {
    for program in PROGRAMS {
        let directory = Directory::new();
        std::fs::write(directory.path().join("model.sig"), "an old one").unwrap();
        let arguments = format!("{SIGN} model");
        Run::of(directory.command(program).args(arguments.split(' '))).exits_with(0);
        let subject = &payload(&directory.path().join("model.sig"))["subject"][0];
        assert_eq!(subject["name"], "model", "{program:?}");
        assert!(!directory.path().join("model/model.sig").exists(), "{program:?}");
    }
}

#[test]
fn what_either_signs_the_other_verifies() {
    for signer in PROGRAMS {
        let directory = Directory::new();
        let ignoring = format!("{SIGN} --ignore-paths model/sub --signature good.sig model");
        Run::of(directory.command(signer).args(ignoring.split(' '))).exits_with(0);
        for verifier in PROGRAMS {
            let run = Run::of(directory.command(verifier).args(VERIFY.split(' '))).exits_with(0);
            assert_eq!(run.stdout, "Verification succeeded\n", "{signer:?}, {verifier:?}");
        }
    }
}

#[test]
fn what_either_signs_with_git_files_the_other_verifies_with_them() {
    for signer in PROGRAMS {
        let directory = Directory::new();
        write_files(&directory.path().join("model"), &[(".git/HEAD", b"ref: main"), (".gitignore", b"x")]);
        let signing = format!("{SIGN} --no-ignore-git-paths --signature good.sig model");
        Run::of(directory.command(signer).args(signing.split(' '))).exits_with(0);
        for verifier in PROGRAMS {
            let mut command = directory.command(verifier);
            Run::of(command.args(VERIFY.split(' ')).arg("--no-ignore-git-paths")).exits_with(0);
        }
    }
}

#[test]
fn of_an_option_that_is_repeated_the_last_one_counts() {
    compare(&[
        Call { arguments: "sign key --private_key nothing.pem --private_key p256.pem model", ..SIGNED },
        Call {
            arguments: "sign key --private_key p256.pem --allow_symlinks --allow_symlinks model",
            ..SIGNED
        },
        Call {
            arguments: "verify key --public_key p256.pub --signature nothing.sig --signature good.sig model",
            ..VERIFIED
        },
    ]);
}

#[test]
fn the_dashes_of_the_unreleased_reference_are_taken_too() {
    let signing = "sign key --private-key p256.pem --allow-symlinks --signature m.sig model";
    let verifying = "verify key --public-key p256.pub --signature m.sig --ignore-unsigned-files model";
    let directory = Directory::new();
    for arguments in [signing, verifying] {
        let theirs = Run::of(directory.command(Program::Reference).args(arguments.split(' '))).exits_with(2);
        assert!(theirs.stderr.contains("No such option"), "{theirs}");
        for program in [Program::Subcommand, Program::Renamed] {
            Run::of(directory.command(program).args(arguments.split(' '))).exits_with(0);
        }
    }
}

/// Only its unreleased main prints it; every release signs it.
#[test]
fn the_digest_is_the_one_that_the_reference_signs() {
    let (scratch, file) = Scratch::with_one_file();
    std::fs::rename(&file, scratch.0.path().join("one.bin")).unwrap();
    write_files(&scratch.model(), &NESTED);
    for model in [scratch.model(), scratch.0.path().join("one.bin")] {
        CURRENT.sign(&model, &scratch.bundle(), "p256", &[]);
        let signed = &payload(&scratch.bundle())["subject"][0]["digest"]["sha256"];
        let arguments = ["model-signing".as_ref(), "digest".as_ref(), model.as_os_str()];
        let printed = modelseal(arguments).exits_with(0).stdout;
        assert_eq!(printed, format!("sha256:{}\n", signed.as_str().unwrap()));
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Program {
    Reference,
    /// `modelseal model-signing`
    Subcommand,
    /// `model_signing`, which is ours
    Renamed,
}

pub(super) const PROGRAMS: [Program; 3] = [Program::Reference, Program::Subcommand, Program::Renamed];

/// The same misuse of both has to have the same words.
#[track_caller]
pub(super) fn assert_worded_alike(misuses: &[&str]) {
    let directory = Directory::new();
    for arguments in misuses {
        let run = |program| Run::of(directory.command(program).args(arguments.split(' '))).exits_with(2);
        assert_eq!(run(Program::Renamed).stderr, run(Program::Reference).stderr);
    }
}

#[track_caller]
pub(super) fn compare(calls: &[Call<'_>]) {
    for call in calls {
        for program in PROGRAMS {
            let directory = Directory::new();
            (call.prepare)(directory.path());
            let run = Run::of(directory.command(program).args(call.arguments.split_whitespace()));
            let as_expected = run.code == Some(call.code)
                && run.stdout == call.stdout
                && run.stderr.starts_with(call.stderr)
                && run.stderr.is_empty() == call.stderr.is_empty();
            assert!(as_expected, "{program:?} of {:?}: {run}", call.arguments);
        }
    }
}

pub(super) fn add_a_file(directory: &Path) {
    std::fs::write(directory.join("model/extra"), "not signed").unwrap();
}

pub(super) fn remove_a_file(directory: &Path) {
    std::fs::remove_file(directory.join("model/a-b")).unwrap();
}

fn write_garbage(directory: &Path, garbage: &[u8]) {
    std::fs::write(directory.join("good.sig"), garbage).unwrap();
}

/// Where a [`Call`] takes place: `model`, the keys `p256.pem`, `p256.pub`,
/// `other.pem` and `other.pub`, certificates, and the reference's signatures of
/// the model, `good.sig` with the key and `certified.sig` with its certificate.
pub(super) struct Directory(Scratch);

impl Directory {
    pub(super) fn new() -> Self {
        static FILES: OnceLock<Vec<(&str, Vec<u8>)>> = OnceLock::new();
        let directory = Self(Scratch::with(&NESTED));
        for (name, content) in FILES.get_or_init(files) {
            std::fs::write(directory.path().join(name), content).unwrap();
        }
        directory
    }

    pub(super) fn path(&self) -> &Path {
        self.0.0.path()
    }

    pub(super) fn command(&self, program: Program) -> Command {
        let mut command = match program {
            Program::Reference => CURRENT.command(),
            Program::Subcommand => Command::new(env!("CARGO_BIN_EXE_modelseal")),
            Program::Renamed => Command::new(self.renamed()),
        };
        if matches!(program, Program::Subcommand) {
            command.arg("model-signing");
        }
        command.current_dir(self.path());
        command
    }

    /// Our program under the name of theirs.
    fn renamed(&self) -> PathBuf {
        let path = self.path().join("bin/model_signing");
        if !path.exists() {
            std::fs::create_dir(self.path().join("bin")).unwrap();
            symlink(env!("CARGO_BIN_EXE_modelseal"), &path).unwrap();
        }
        path
    }
}

/// Made once: every [`Directory`] has the same model.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let pki = Pki::new();
    let certified = pki.certify(&key("p256.pem"), |_| ());
    let signed = Scratch::with(&NESTED);
    CURRENT.sign(&signed.model(), &signed.bundle(), "p256", &[]);
    [
        ("p256.pem", key("p256.pem")),
        ("p256.pub", key("p256.pub")),
        ("other.pem", key("other-p256.pem")),
        ("other.pub", key("other-p256.pub")),
        ("leaf.pem", certified.leaf.clone()),
        ("intermediate.pem", certified.chain[0].clone()),
        ("root.pem", pki.root()),
        ("chain.pem", pki.concatenated()),
        ("other-root.pem", Pki::named("other-ca").root()),
        ("good.sig", signed.bundle()),
        ("certified.sig", CURRENT.certified(&certified).bundle()),
    ]
    .map(|(name, from)| (name, std::fs::read(from).unwrap()))
    .to_vec()
}
