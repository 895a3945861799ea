//! Arguments → settings → one call of the library → a report → an exit code.

mod args;
mod attest;
mod base_models;
mod claims;
mod demo;
mod deny;
mod destination;
mod digest;
mod failure;
mod failure_report;
mod inputs;
mod inspect;
mod keygen;
mod keyless;
mod lock;
mod manifest;
mod model_signing;
mod output;
mod output_file;
mod pkcs11;
mod places;
mod policy;
mod progress;
mod reuse;
mod secrets;
mod shapes;
mod sign;
mod sign_listed;
mod signer;
mod signing_failure;
mod sigstore_failure;
mod succession;
mod summary;
mod text;
mod tree;
mod trust;
mod trusted_root;
mod verdict;
mod verify;
mod waiting;

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use modelseal::{Cancel, Escaped};

use args::{
    Arguments, Command, DenyCommand, LockCommand, ManifestCommand, Pkcs11Command, SignArgs, Source,
    TrustCommand,
};
use failure::Exit;
use output::Terminal;
use waiting::Waiting;

/// The name under which the program behaves as the Python reference does.
const REFERENCE_NAME: &str = "model_signing";

pub(crate) fn main() -> ExitCode {
    let cancel = cancel_on_signal();
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    if Path::new(&program).file_name().is_some_and(|name| name == REFERENCE_NAME) {
        return model_signing::main(REFERENCE_NAME, arguments, &cancel);
    }
    match Arguments::try_parse_from(std::env::args_os()) {
        Ok(arguments) => run(arguments, &program, &cancel).into(),
        Err(error) => complain(&error).into(),
    }
}

/// Prints help, or what is wrong with the arguments. An argument that could
/// act on the terminal is shown escaped, one with a PIN without it, and then
/// without colours.
fn complain(error: &clap::Error) -> Exit {
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Success };
    let hostile: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .filter(|argument| argument.chars().any(Escaped::is_escaped) || text::holds_pin(argument))
        .collect();
    if hostile.is_empty() || exit == Exit::Success {
        return if error.print().is_ok() { exit } else { Exit::Undecided };
    }
    let escape = |text: String, argument: &String| text.replace(argument, &Escaped(argument).to_string());
    let text = text::without_pins(&hostile.iter().fold(error.render().to_string(), escape));
    for line in text.trim_end_matches('\n').split('\n') {
        // There is nobody left to tell when this fails.
        let _ = writeln!(anstream::stderr(), "{}", Escaped(line).to_string().replace(r"\\", r"\"));
    }
    exit
}

fn run(arguments: Arguments, program: &OsStr, cancel: &Cancel) -> Exit {
    let terminal = Terminal::new(arguments.global.format, arguments.global.quiet);
    match arguments.command {
        Command::Keygen(args) => terminal.finish("keygen/v1", &keygen::run(&args, cancel)),
        Command::Sign(args) => sign(&args, terminal.redirected(args.writes_to_stdout()), cancel),
        Command::Verify(args) => match (&args.policy.policy, &args.policy.reference) {
            (Some(policy), Some(reference)) => {
                let outcome = verdict::run(&args, &args.policy, policy, reference, terminal, cancel);
                terminal.finish("verdict/v1", &outcome)
            }
            _ => terminal.finish("verify/v1", &verify::run(&args, terminal, cancel)),
        },
        Command::Attest(args) => terminal
            .redirected(args.output.as_deref() == Some(Path::new("-")))
            .finish("attest/v1", &attest::run(&args, terminal, cancel)),
        Command::Succession(args) => {
            terminal.finish("succession/v1", &succession::run(&args, terminal, cancel))
        }
        Command::Digest(args) => terminal.finish("digest/v1", &digest::run(&args, terminal, cancel)),
        Command::Manifest(ManifestCommand::Plan(args)) => terminal
            .redirected(args.output == Path::new("-"))
            .finish("manifest-plan/v1", &manifest::plan(&args, terminal, cancel)),
        Command::Manifest(ManifestCommand::Hash(args)) => terminal
            .redirected(args.output.as_deref().is_none_or(|path| path == Path::new("-")))
            .finish("manifest-hash/v1", &manifest::hash(&args, terminal, cancel)),
        Command::Manifest(ManifestCommand::Merge(args)) => terminal
            .redirected(args.output == Path::new("-"))
            .finish("manifest-merge/v1", &manifest::merge(&args, cancel)),
        Command::Inspect(args) => terminal.finish("inspect/v1", &inspect::run(&args, cancel)),
        Command::Pkcs11(Pkcs11Command::List(args)) => {
            terminal.finish("pkcs11-list/v1", &pkcs11::list(&args, cancel))
        }
        Command::Pkcs11(Pkcs11Command::PublicKey(args)) => {
            terminal.finish("pkcs11-public-key/v1", &pkcs11::public_key(&args, cancel))
        }
        Command::Lock(LockCommand::Add(args)) => {
            terminal.finish("lock-add/v1", &lock::add(&args, terminal, cancel))
        }
        Command::Lock(LockCommand::Update(args)) => {
            terminal.finish("lock-update/v1", &lock::update(&args, terminal, cancel))
        }
        Command::Lock(LockCommand::Verify(args)) => {
            terminal.finish("lock-verify/v1", &lock::verify(&args, terminal, cancel))
        }
        Command::Lock(LockCommand::Diff(args)) => terminal.finish("lock-diff/v1", &lock::diff(&args, cancel)),
        Command::Deny(DenyCommand::Add(args)) => {
            terminal.finish("deny-add/v1", &deny::add(&args, terminal, cancel))
        }
        Command::Deny(DenyCommand::Renew(args)) => {
            terminal.finish("deny-renew/v1", &deny::renew(&args, terminal, cancel))
        }
        Command::Trust(TrustCommand::Update(args)) => {
            terminal.finish("trust-update/v1", &trusted_root::update(&args, cancel))
        }
        Command::Trust(TrustCommand::Show(args)) => {
            terminal.finish("trust-show/v1", &trusted_root::show(&args, cancel))
        }
        Command::Demo(args) => terminal.finish("demo/v1", &demo::run(&args, program, terminal)),
        Command::ModelSigning { arguments } => {
            let program = Path::new(program).file_name().unwrap_or_default();
            let name = format!("{} model-signing", text::shown(Path::new(program)));
            model_signing::run(&name, &arguments, cancel)
        }
    }
}

fn sign(args: &SignArgs, terminal: Terminal, cancel: &Cancel) -> Exit {
    match args.source() {
        Some(Source::Model(model)) => terminal.finish("sign/v1", &sign::run(args, model, terminal, cancel)),
        Some(source) => terminal.finish("sign/v1", &sign_listed::run(args, source, terminal, cancel)),
        None => Exit::Usage,
    }
}

/// The first signal asks the work to stop, so that nothing half-done is left;
/// the second ends the process at once, and so does one at a prompt or while a
/// service is waited for.
fn cancel_on_signal() -> Cancel {
    let cancel = Cancel::default();
    let handle = cancel.clone();
    let installed = ctrlc::set_handler(move || {
        if handle.is_cancelled() || secrets::stop_asking() || Waiting::is_going_on() {
            std::process::exit(Exit::Interrupted.code());
        }
        handle.cancel();
    });
    if let Err(error) = installed {
        let _ =
            writeln!(anstream::stderr(), "warning: an interrupt may leave temporary files behind: {error}");
    }
    cancel
}
