//! Every test, against the real peers where they can be had.

use std::path::PathBuf;
use std::process::Command;

use crate::environment::{self, is_ci, root};
use crate::{peers, softhsm};

/// What tests need besides Cargo. One that is missing does not keep the tests
/// of another from running.
struct Need {
    /// The tests that need it.
    tests: &'static str,
    /// The feature that turns them on.
    feature: &'static str,
    /// The variable by which they find it.
    variable: &'static str,
    /// Where it is, or why it is not there.
    found: Result<PathBuf, String>,
}

pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let needs = [
        Need {
            tests: "every test against the Python reference and the hub client",
            feature: "modelseal/peers",
            variable: "MODELSEAL_PEERS",
            found: peers::install_all(),
        },
        Need {
            tests: "every test with keys on a token (PKCS#11)",
            feature: "modelseal/softhsm",
            variable: "MODELSEAL_SOFTHSM",
            found: softhsm::find_or_install(),
        },
    ];
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["test", "--workspace"]);
    for need in &needs {
        match &need.found {
            Ok(path) => {
                cargo.args(["--features", need.feature]).env(need.variable, path);
            }
            Err(problem) if is_ci() => return Err(format!("CI=true needs {}: {problem}", need.tests)),
            Err(problem) => say_skipped(need.tests, problem),
        }
    }
    environment::run(cargo.args(arguments))?;
    for need in needs.iter().filter(|need| need.found.is_err()) {
        say_skipped(need.tests, "see above");
    }
    Ok(())
}

fn say_skipped(tests: &str, problem: &str) {
    eprintln!();
    eprintln!("xtask: ** SKIPPED: {tests} **");
    eprintln!("xtask: ** {problem} **");
    eprintln!();
}
