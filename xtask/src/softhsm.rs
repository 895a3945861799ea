//! SoftHSM2, whose tokens are files: the token that our tests sign with.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::output;
use crate::packages;

const TOOL: &str = "softhsm2-util";
const PACKAGE: &str = "softhsm2";

/// Where systems put the module.
const MODULES: [&str; 10] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/usr/local/lib64/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    "/opt/local/lib/softhsm/libsofthsm2.so",
];

/// The module. It is installed if it is missing and apt-get can do that
/// without asking anybody.
pub(crate) fn find_or_install() -> Result<PathBuf, String> {
    if let Some(module) = find() {
        return Ok(module);
    }
    packages::install(PACKAGE).map_err(|problem| format!("{}; {problem}", missing()))?;
    find().ok_or_else(|| format!("{PACKAGE} was installed, but {}", missing()))
}

fn find() -> Option<PathBuf> {
    output(Command::new(TOOL).arg("--version"))?;
    let named = std::env::var_os("MODELSEAL_SOFTHSM").map(PathBuf::from);
    named.into_iter().chain(MODULES.map(PathBuf::from)).find(|module| module.is_file())
}

fn missing() -> String {
    let is_tool_there = output(Command::new(TOOL).arg("--version")).is_some();
    let what = if is_tool_there { "the module libsofthsm2.so" } else { TOOL };
    let directories: Vec<_> =
        MODULES.iter().filter_map(|module| Path::new(module).parent()?.to_str()).collect();
    format!(
        "{what} was not found (Debian: apt-get install softhsm2; Fedora: dnf install softhsm; macOS: \
         brew install softhsm; elsewhere set MODELSEAL_SOFTHSM to the module). Looked on the PATH for {TOOL}, and in {}",
        directories.join(", ")
    )
}
