//! Every test, against the real peers where they can be had.

use std::process::Command;

use crate::environment::{self, is_ci, root};
use crate::peers;

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let peers = match peers::install_all() {
        Ok(directory) => Some(directory),
        Err(problem) if is_ci() => return Err(format!("CI=true needs every peer: {problem}")),
        Err(problem) => {
            say_skipped(&problem);
            None
        }
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["test", "--workspace"]);
    if let Some(directory) = &peers {
        cargo.args(["--features", "modelseal/peers"]).env("MODELSEAL_PEERS", directory);
    }
    environment::run(cargo.args(arguments))?;
    if peers.is_none() {
        say_skipped("see above");
    }
    Ok(())
}

fn say_skipped(problem: &str) {
    eprintln!();
    eprintln!("xtask: ** SKIPPED: every test against the Python reference and the hub client **");
    eprintln!("xtask: ** {problem} **");
    eprintln!();
}
