//! `cargo xtask TASK`: sets up and runs the long checks of this repository.

#![expect(
    clippy::disallowed_methods,
    reason = "set-up reads and writes files of this repository and of its cache"
)]

mod deny;
mod environment;
mod peers;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

Tasks:
  test [ARGUMENTS]  Install the peers and run every test; ARGUMENTS go to `cargo test`
  peers             Install the peers, and print where they are
  deny              Check licences, bans and sources of all dependencies with cargo-deny

With CI=true a peer that is missing is a failure; otherwise its tests are skipped, and that is said.
MODELSEAL_CACHE names the directory that peers are kept in [default: modelseal in the user's cache directory].
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => test::run(&arguments[1..]),
        Some("peers") => peers::install_all().map(|peers| println!("{}", peers.display())),
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
