//! What is said of wrong arguments, in the reference's own layout.

use std::ffi::{OsStr, OsString};
use std::io::Write;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::METHODS;
use crate::cli::failure::Exit;
use crate::cli::text::without_pins;

/// Usage errors in the reference's own layout.
pub(super) fn usage(program: &str, arguments: &[OsString], error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let text = match error.kind() {
                ErrorKind::DisplayVersion => format!("{program}, version {}\n", env!("CARGO_PKG_VERSION")),
                _ => error.render().to_string(),
            };
            let printed = write!(anstream::stdout(), "{text}");
            return if printed.is_ok() { Exit::Success } else { Exit::NotVerified };
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            tell(format_args!("{}", error.render()));
            return Exit::Usage;
        }
        _ => {}
    }
    let path: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .take_while(|word| ["sign", "verify", "digest"].contains(&&**word) || METHODS.contains(&&**word))
        .collect();
    let command =
        std::iter::once(program).chain(path.iter().map(AsRef::as_ref)).collect::<Vec<_>>().join(" ");
    let takes = if path.is_empty() { "COMMAND [ARGS]..." } else { "MODEL_PATH" };
    refuse(&command, takes, &complaint(error))
}

pub(super) fn no_such_command(command: &str, word: &OsStr) -> Exit {
    let hint = if word == "pkcs11-certificate" { " Did you mean 'certificate'?" } else { "" };
    let word = modelseal::Escaped(&word.to_string_lossy()).to_string();
    refuse(command, "PKI_METHOD", &format!("No such command '{word}'.{hint}"))
}

fn refuse(command: &str, takes: &str, complaint: &str) -> Exit {
    tell(format_args!(
        "Usage: {command} [OPTIONS] {takes}\nTry '{command} --help' for help.\n\nError: {complaint}"
    ));
    Exit::Usage
}

fn complaint(error: &clap::Error) -> String {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => modelseal::Escaped(text).to_string(),
        Some(ContextValue::Strings(texts)) => {
            texts.first().map(|text| modelseal::Escaped(text).to_string()).unwrap_or_default()
        }
        _ => String::new(),
    };
    let argument = text(ContextKind::InvalidArg);
    match error.kind() {
        ErrorKind::MissingRequiredArgument => match argument.split_once(' ') {
            Some((option, _)) => format!("Missing option '{option}'."),
            None => format!("Missing argument '{}'.", argument.trim_matches(['<', '>'])),
        },
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            let suggestion = text(ContextKind::SuggestedArg);
            let hint =
                if suggestion.is_empty() { String::new() } else { format!(" Did you mean '{suggestion}'?") };
            format!("No such option '{argument}'.{hint}")
        }
        ErrorKind::UnknownArgument => format!("Got unexpected extra argument ({argument})"),
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_empty() => {
            format!("Option '{}' requires an argument.", option_of(&argument))
        }
        ErrorKind::InvalidValue => {
            format!("Invalid value for '{}': '{}'.", option_of(&argument), text(ContextKind::InvalidValue))
        }
        ErrorKind::InvalidSubcommand => {
            format!("No such command '{}'.", text(ContextKind::InvalidSubcommand))
        }
        _ => error.kind().to_string(),
    }
}

/// `--option <VALUE>` without its value.
fn option_of(argument: &str) -> &str {
    argument.split_once(' ').map_or(argument, |(option, _)| option)
}

/// There is nobody left to tell when this fails.
pub(super) fn tell(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{}", without_pins(&text.to_string()));
}
