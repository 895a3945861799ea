//! The Python reference, `model-signing`, in three of its releases: what it
//! signs we verify, what we sign it verifies, and where it cannot, it still
//! cannot.

#![expect(clippy::disallowed_methods, reason = "the tests build the models")]

mod both_ways;
mod certificates;
mod drop_in;
mod drop_in_certificates;
mod links;
mod older_releases;
#[path = "../peers/mod.rs"]
mod peers;
#[cfg(feature = "softhsm")]
mod pkcs11;
#[path = "../pki/mod.rs"]
mod pki;
mod release_0_2_0;
mod serializations;
#[cfg(feature = "softhsm")]
#[path = "../softhsm/mod.rs"]
mod softhsm;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use peers::{Run, key, modelseal, write_files};

const CURVES: [&str; 3] = ["p256", "p384", "p521"];

/// Their order by code points is not their order by components.
const NESTED: [(&str, &[u8]); 5] = [
    ("a/b", b"one"),
    ("a-b", b"another"),
    ("config.json", b"{}"),
    ("empty", b""),
    ("sub/deep/weights.bin", b"0123456789"),
];

const CURRENT: Release = Release("reference-1.1.1");
const OLDER: [Release; 2] = [Release("reference-1.0.1"), Release("reference-0.3.1")];

/// A release of the reference, by its virtual environment.
#[derive(Clone, Copy, Debug)]
struct Release(&'static str);

impl Release {
    /// Its command line.
    fn command(self) -> Command {
        if self.0 == CURRENT.0 {
            peers::program(self.0, "model_signing")
        } else {
            peers::script(self.0, "reference_offline.py")
        }
    }

    #[track_caller]
    fn sign(self, model: &Path, bundle: &Path, key: &str, options: &[&str]) {
        let mut command = self.command();
        command.args(["sign", "key", "--private_key"]).arg(peers::key(&format!("{key}.pem")));
        let run = Run::of(command.arg("--signature").arg(bundle).args(options).arg(model));
        assert_eq!(run.stdout, "Signing succeeded\n", "{run}");
    }

    /// What it complains about, if it does not verify.
    fn verify(self, model: &Path, bundle: &Path, key: &str, options: &[&str]) -> Result<(), String> {
        let mut command = self.command();
        command.args(["verify", "key", "--public_key"]).arg(peers::key(&format!("{key}.pub")));
        verdict(command.arg("--signature").arg(bundle).args(options).arg(model))
    }

    /// By its Python API: `method` is what `peers/reference_sign.py` takes.
    #[track_caller]
    fn sign_by_api(self, model: &Path, bundle: &Path, method: &str) {
        let mut command = peers::script(self.0, "reference_sign.py");
        command.args([model, bundle, &key("p256.pem")]);
        Run::of(command.args(method.split(' '))).exits_with(0);
    }

    /// By its Python API: `method` is what `peers/reference_verify.py` takes.
    fn verify_by_api(self, model: &Path, bundle: &Path, method: &str) -> Result<(), String> {
        let mut command = peers::script(self.0, "reference_verify.py");
        command.args([model, bundle, &key("p256.pub")]);
        verdict(command.args(method.split_whitespace()))
    }
}

/// Release 0.3.1 exits with 0 whatever it finds.
fn verdict(command: &mut Command) -> Result<(), String> {
    let run = Run::of(command);
    if run.stdout.ends_with("Verification succeeded\n") && run.code == Some(0) {
        Ok(())
    } else {
        Err(run.stderr)
    }
}

/// Python escapes the quotes of some messages, by what else is in them.
#[track_caller]
fn assert_refused(verdict: Result<(), String>, with: &str) {
    let complaint = verdict.expect_err("the reference verified it").replace('\\', "");
    assert!(complaint.contains(with), "{complaint:?} is not about {with:?}");
}

/// Our report on a model that has to verify.
#[track_caller]
fn verified(model: &Path, bundle: &Path, key: &str) -> Value {
    verify(model, bundle, key).exits_with(0).json()
}

fn verify(model: &Path, bundle: &Path, key: &str) -> Run {
    let public_key = peers::key(&format!("{key}.pub"));
    let arguments: [&OsStr; 8] = [
        "verify".as_ref(),
        "--format".as_ref(),
        "json".as_ref(),
        "--signature".as_ref(),
        bundle.as_ref(),
        "--key".as_ref(),
        public_key.as_ref(),
        model.as_ref(),
    ];
    modelseal(arguments)
}

/// The signed payload of a bundle, as read by somebody else than us.
fn payload(bundle: &Path) -> Value {
    const DECODE: &str = "import base64, json, sys; \
        print(base64.b64decode(json.load(open(sys.argv[1]))['dsseEnvelope']['payload']).decode())";
    let mut command = peers::program(CURRENT.0, "python");
    Run::of(command.args(["-c", DECODE]).arg(bundle)).exits_with(0).json()
}

/// Those strings of an array of objects that stand under `field`.
fn pluck<'a>(array: &'a Value, field: &str) -> Vec<&'a str> {
    let entries = array.as_array().unwrap_or_else(|| panic!("no array: {array}"));
    entries.iter().filter_map(|entry| entry[field].as_str()).collect()
}

/// A model in a directory of its own, with room for its bundle beside it.
struct Scratch(TempDir);

impl Scratch {
    fn with(files: &[(&str, &[u8])]) -> Self {
        let scratch = Self(TempDir::new().unwrap());
        write_files(&scratch.model(), files);
        scratch
    }

    /// A model that is one file.
    fn with_one_file() -> (Self, PathBuf) {
        let scratch = Self::with(&[("one.bin", b"hello")]);
        let file = scratch.model().join("one.bin");
        (scratch, file)
    }

    fn model(&self) -> PathBuf {
        self.0.path().join("model")
    }

    fn bundle(&self) -> PathBuf {
        self.0.path().join("bundle.sig")
    }
}
