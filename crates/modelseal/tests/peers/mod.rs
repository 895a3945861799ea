//! Running our own program and those of others: Python programs in virtual
//! environments below the directory that `MODELSEAL_PEERS` names.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A program that ran to its end.
pub(crate) struct Run {
    command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn of(command: &mut Command) -> Self {
        let described = format!("{command:?}");
        let output = command.output().unwrap_or_else(|error| panic!("{described}: {error}"));
        Self {
            command: described,
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }

    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(f, "{command}\nexit code: {code:?}\nstandard output:\n{stdout}\nstandard error:\n{stderr}")
    }
}

/// Our own program.
pub(crate) fn modelseal<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Run {
    // Nothing that this user keeps.
    Run::of(Command::new(env!("CARGO_BIN_EXE_modelseal")).args(arguments).env("XDG_CACHE_HOME", "/dev/null"))
}

/// `modelseal sign`, which must succeed.
#[track_caller]
pub(crate) fn sign(model: &Path, bundle: &Path, key: &str, options: &[&str]) {
    let mut arguments = vec![OsStr::new("sign"), model.as_ref(), "-o".as_ref(), bundle.as_ref()];
    let key = self::key(&format!("{key}.pem"));
    arguments.extend(["--key".as_ref(), key.as_os_str()]);
    arguments.extend(options.iter().map(OsStr::new));
    modelseal(arguments).exits_with(0);
}

/// A program in the virtual environment `name`.
pub(crate) fn program(name: &str, program: &str) -> Command {
    let peers = std::env::var_os("MODELSEAL_PEERS").expect(
        "MODELSEAL_PEERS must name the directory of the virtual environments that peers/*.txt describe",
    );
    let path = std::path::absolute(peers).expect("a path").join(name).join("bin").join(program);
    assert!(
        path.exists(),
        "{} is missing: MODELSEAL_PEERS needs what peers/{name}.txt describes",
        path.display()
    );
    Command::new(path)
}

/// A script of ours under the Python of the virtual environment `name`.
pub(crate) fn script(name: &str, script: &str) -> Command {
    let mut command = program(name, "python");
    command.arg(repository().join("peers").join(script));
    command
}

/// A key made for tests.
pub(crate) fn key(file_name: &str) -> PathBuf {
    repository().join("testdata/keys").join(file_name)
}

/// Writes `files` below `root`, which is made.
pub(crate) fn write_files(root: &Path, files: &[(&str, &[u8])]) {
    std::fs::create_dir_all(root).unwrap();
    for (name, content) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// Puts other content of the same length in place of a file, be it read-only
/// or not.
pub(crate) fn tamper(path: &Path) {
    let mut content = std::fs::read(path).unwrap();
    *content.last_mut().expect("a file that is not empty") ^= 1;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, content).unwrap();
}

fn repository() -> PathBuf {
    std::path::absolute(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}
