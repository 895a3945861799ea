//! The command under test, and the fixtures of the repository.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The test keys and the small model.
pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// The command, in an environment that does not colour or wrap what it says.
pub(crate) fn modelseal<S: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modelseal"));
    command.args(arguments).current_dir(directory).env_remove("CLICOLOR_FORCE").env("COLUMNS", "100");
    command
}

/// Runs the command, which has to succeed.
pub(crate) fn must<S: AsRef<OsStr>>(directory: &Path, arguments: impl IntoIterator<Item = S>) -> Output {
    let output = modelseal(directory, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Copies the small model of the repository to a new directory.
pub(crate) fn copy_model(to: &Path) {
    copy_directory(&testdata().join("tiny-model"), to);
}

/// Copies the test keys to a new directory.
pub(crate) fn copy_keys(to: &Path) {
    copy_directory(&testdata().join("keys"), to);
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
