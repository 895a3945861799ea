//! The command under test, and the fixtures of the repository.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    // Nothing that this user keeps, and no job that the tests themselves run in.
    command.env("XDG_CACHE_HOME", directory.join("no-cache"));
    for job in ["GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"] {
        command.env_remove(job);
    }
    command
}
