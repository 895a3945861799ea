//! Arguments → settings → one call of the library → a report → an exit code.

mod args;
mod demo;
mod digest;
mod failure;
mod failure_report;
mod inputs;
mod inspect;
mod keygen;
mod model_signing;
mod output;
mod progress;
mod shapes;
mod sign;
mod text;
mod verify;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use modelseal::Cancel;

use args::{Arguments, Command};
use failure::Exit;
use output::Terminal;

/// The name under which the program behaves as the Python reference does.
const REFERENCE_NAME: &str = "model_signing";

pub(crate) fn main() -> ExitCode {
    let cancel = cancel_on_signal();
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    if Path::new(&program).file_name().is_some_and(|name| name == REFERENCE_NAME) {
        return model_signing::main(REFERENCE_NAME, arguments, &cancel);
    }
    run(Arguments::parse(), &program, &cancel).into()
}

fn run(arguments: Arguments, program: &OsString, cancel: &Cancel) -> Exit {
    let terminal = Terminal::new(arguments.global.format, arguments.global.quiet);
    match arguments.command {
        Command::Keygen(args) => terminal.finish("keygen/v1", &keygen::run(&args)),
        Command::Sign(args) => terminal
            .redirected(args.writes_to_stdout())
            .finish("sign/v1", &sign::run(&args, terminal, cancel)),
        Command::Verify(args) => terminal.finish("verify/v1", &verify::run(&args, terminal, cancel)),
        Command::Digest(args) => terminal.finish("digest/v1", &digest::run(&args, terminal, cancel)),
        Command::Inspect(args) => terminal.finish("inspect/v1", &inspect::run(&args)),
        Command::Demo(args) => terminal.finish("demo/v1", &demo::run(&args, program)),
        Command::ModelSigning { arguments } => {
            let name = format!(
                "{} model-signing",
                Path::new(program).file_name().unwrap_or_default().to_string_lossy()
            );
            model_signing::run(&name, &arguments, cancel)
        }
    }
}

/// The first signal asks the work to stop, so that nothing half-done is left;
/// the second ends the process at once.
fn cancel_on_signal() -> Cancel {
    let cancel = Cancel::default();
    let handle = cancel.clone();
    let installed = ctrlc::set_handler(move || {
        if handle.is_cancelled() {
            std::process::exit(Exit::Interrupted.code());
        }
        handle.cancel();
    });
    if let Err(error) = installed {
        anstream::eprintln!("warning: an interrupt may leave temporary files behind: {error}");
    }
    cancel
}
