//! `cargo xtask TASK`: sets up and runs the long checks of this repository.

#![expect(
    clippy::disallowed_methods,
    reason = "set-up reads and writes files of this repository and of its cache"
)]

mod bench;
mod deny;
mod environment;
mod packages;
mod peers;
mod softhsm;
mod stack;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask TASK

Tasks:
  test [ARGUMENTS]      Install the peers and SoftHSM2, start the stack, and run every test; ARGUMENTS go to `cargo test`
  peers                 Install the peers, and print where they are
  softhsm               Find or install SoftHSM2, and print where its module is
  stack up              Start the stack, and print the variable by which tests find it; it ends after two hours
  stack down            Stop that stack
  stack run -- COMMAND  Run a command with a stack of its own, which ends with it
  stack build           Build the programs of the stack, and print where they are
  deny                  Check licences, bans and sources of all dependencies with cargo-deny
  bench                 Measure modelseal and the Python reference side by side, and print a table

Peers are Python programs in environments of their own. SoftHSM2, a token in software, is a package of the system:
it is installed where apt-get runs without a password, and found where MODELSEAL_SOFTHSM names its module.
The stack is a private Sigstore on loopback: Fulcio, Rekor, a log of certificates, a timestamp authority and an issuer
of identity tokens, made anew at every start, with cosign as a peer. Its programs are built once, in some minutes, with
Go 1.26 or later, which is installed from a Python package where there is none, from the modules in peers/stack.
The bench needs 10 GB of disk and memory, and hyperfine, a package of the system. Measure on a machine with nothing else to do.
With CI=true what is missing is a failure; otherwise its tests are skipped, and that is said.
MODELSEAL_CACHE names the directory that all this is kept in [default: modelseal in the user's cache directory].
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test", arguments @ ..] => succeed(test::run(arguments)),
        ["peers"] => succeed(peers::install_all().map(|peers| println!("{}", peers.display()))),
        ["softhsm"] => succeed(softhsm::find_or_install().map(|module| println!("{}", module.display()))),
        ["stack", "build"] => succeed(stack::build()),
        ["stack", "up"] => succeed(stack::up()),
        ["stack", "down"] => succeed(stack::down()),
        ["stack", "run", "--", program, arguments @ ..] => stack::run(program, arguments),
        ["stack", stack::SUPERVISE, leash] => succeed(stack::supervise(leash)),
        ["deny"] => succeed(deny::run()),
        ["bench"] => succeed(bench::run()),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|message| {
        eprintln!("xtask: {message}");
        ExitCode::FAILURE
    })
}

fn succeed(outcome: Result<(), String>) -> Result<ExitCode, String> {
    outcome.map(|()| ExitCode::SUCCESS)
}
