#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! The command, as a process, against the catalogue of hostile inputs. The
//! numbers are those of the catalogue; items that a library alone can meet
//! are tested in that library's crate.

mod bundles;
mod files;
mod interrupts;
mod outputs;
mod review;
mod scale;
mod terminal;
#[path = "../workbench/mod.rs"]
mod workbench;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use modelseal::{
    ContentDigest, HashType, IgnorePath, KeySigner, Manifest, ManifestPath, Method, PrivateKey, Resource,
    ResourceName, Serialization, Sha256Digest, Signer, Statement,
};
use tempfile::TempDir;

/// A directory with one model in it, and what can be done there.
struct Scene(TempDir);

impl Scene {
    /// With an empty directory `model`.
    fn empty() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        fs::create_dir(scene.model()).unwrap();
        scene
    }

    /// With the files `a` and `b` in `model`.
    fn new() -> Self {
        let scene = Self::empty();
        scene.write("model/a", "1");
        scene.write("model/b", "2");
        scene
    }

    /// With the files `a` and `b`, signed.
    fn signed() -> Self {
        let scene = Self::new();
        scene.sign(&[]).expect(0);
        scene
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path().join(path)
    }

    fn model(&self) -> PathBuf {
        self.at("model")
    }

    fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A file of so many bytes that takes no room.
    fn write_sparse(&self, path: &str, bytes: u64) {
        fs::File::create(self.at(path)).unwrap().set_len(bytes).unwrap();
    }

    fn fifo(&self, path: &str) {
        let path = self.at(path);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    }

    /// Writes `payload`, signed with the P-256 key, as the model's signature.
    fn sign_payload(&self, payload: &[u8]) {
        self.write("model/model.sig", signer().sign(payload).unwrap());
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        workbench::modelseal(self.path(), arguments)
    }

    fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Answer {
        Answer::from(self.command(arguments).output().unwrap())
    }

    fn sign(&self, more: &[&str]) -> Answer {
        self.run(with(["sign", "model", "--key"], key("p256.pem"), more))
    }

    fn verify(&self, more: &[&str]) -> Answer {
        self.run(verify_arguments(more))
    }

    /// The names of what stands in a directory, sorted.
    fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(directory)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn verify_arguments(more: &[&str]) -> Vec<OsString> {
    with(["verify", "model", "--key"], key("p256.pub"), more)
}

fn with<const N: usize>(words: [&str; N], path: PathBuf, more: &[&str]) -> Vec<OsString> {
    let words = words.into_iter().map(OsString::from).chain([path.into_os_string()]);
    words.chain(more.iter().map(OsString::from)).collect()
}

fn key(name: &str) -> PathBuf {
    workbench::testdata().join("keys").join(name)
}

fn signer() -> KeySigner {
    KeySigner::new(PrivateKey::from_pem(&fs::read(key("p256.pem")).unwrap()).unwrap())
}

/// The statement over `files`, in the order in which they are listed.
fn statement(subject: &str, files: &[(&str, &[u8])], ignore_paths: &[&str]) -> Vec<u8> {
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: ignore_paths.iter().map(|path| IgnorePath::new(path).unwrap()).collect(),
    };
    let resource = |(name, content): &(&str, &[u8])| Resource {
        name: ResourceName { path: ManifestPath::new(*name).unwrap(), range: None },
        digest: ContentDigest::Sha256(Sha256Digest::of(content)),
    };
    let resources = files.iter().map(resource).collect();
    Statement::new(subject, Manifest::from_listed(serialization, resources).unwrap()).to_payload()
}

/// What a process left behind.
#[derive(Debug)]
struct Answer {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Answer {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// Says so on standard error, and nothing on standard output.
    #[track_caller]
    fn refused(self, code: i32, words: &[&str]) -> Self {
        let answer = self.expect(code);
        assert_eq!(answer.stdout, "", "a refusal belongs on standard error");
        for word in words {
            assert!(answer.stderr.contains(word), "{word:?} is missing from {}", answer.stderr);
        }
        assert!(!answer.stderr.contains("Verified"), "{answer:#?}");
        answer
    }

    #[track_caller]
    fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stdout.contains(word), "{word:?} is missing from {}", self.stdout);
        }
        self
    }
}

#[test]
fn each_exit_code_has_its_case() {
    let scene = Scene::signed();
    scene.verify(&[]).expect(0);
    scene.verify(&["--strict", "--ignore", "../x"]).refused(2, &["--ignore ../x"]);
    scene.write("model/a", "changed");
    scene.verify(&[]).refused(1, &["NOT VERIFIED"]);
    // The kernel's own file that cannot be read, by root either.
    scene.run(["digest", "/proc/self/mem"]).refused(3, &["mem", "cannot read"]);
}
