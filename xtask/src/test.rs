//! Every test, against the real peers where they can be had.

use std::path::PathBuf;
use std::process::Command;

use crate::environment::{self, is_ci, root};
use crate::stack::{self, Stack};
use crate::{peers, softhsm};

/// What tests need besides Cargo. One that is missing does not keep the tests
/// of another from running.
struct Need {
    /// The tests that need it.
    tests: &'static str,
    /// The features that turn them on.
    features: &'static [&'static str],
    /// The variable by which they find it.
    variable: &'static str,
    /// Where it is, or why it is not there.
    found: Result<PathBuf, String>,
}

pub(crate) fn run(arguments: &[&str]) -> Result<(), String> {
    // It runs for as long as this value lives, and so until the tests have ended.
    let stack = Stack::start();
    let needs = [
        Need {
            tests: "every test against the Python reference and the hub client",
            features: &["modelseal/peers"],
            variable: "MODELSEAL_PEERS",
            found: peers::install_all(),
        },
        Need {
            tests: "every test with keys on a token (PKCS#11)",
            features: &["modelseal/softhsm"],
            variable: "MODELSEAL_SOFTHSM",
            found: softhsm::find_or_install(),
        },
        Need {
            tests: "every test against a private Sigstore and cosign",
            features: &["modelseal/stack", "modelseal-conformance/stack"],
            variable: stack::VARIABLE,
            found: stack.as_ref().map(|stack| stack.directory().to_owned()).map_err(String::clone),
        },
    ];
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["test", "--workspace"]);
    for need in &needs {
        match &need.found {
            Ok(path) => {
                cargo.args(["--features", &need.features.join(",")]).env(need.variable, path);
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
