//! `cargo xtask TASK`: sets up and runs the long checks of this repository.

#![expect(
    clippy::disallowed_methods,
    reason = "set-up reads and writes files of this repository and of its cache"
)]

mod deny;
mod environment;
mod peers;
mod softhsm;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

Tasks:
  test [ARGUMENTS]  Install the peers and SoftHSM2, and run every test; ARGUMENTS go to `cargo test`
  peers             Install the peers, and print where they are
  softhsm           Find or install SoftHSM2, and print where its module is
  deny              Check licences, bans and sources of all dependencies with cargo-deny

Peers are Python programs in environments of their own. SoftHSM2, a token in software, is a package of the system:
it is installed where apt-get runs without a password, and found where MODELSEAL_SOFTHSM names its module.
With CI=true what is missing is a failure; otherwise its tests are skipped, and that is said.
MODELSEAL_CACHE names the directory that peers are kept in [default: modelseal in the user's cache directory].
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => test::run(&arguments[1..]),
        Some("peers") => peers::install_all().map(|peers| println!("{}", peers.display())),
        Some("softhsm") => softhsm::find_or_install().map(|module| println!("{}", module.display())),
        Some("deny") => deny::run(),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
