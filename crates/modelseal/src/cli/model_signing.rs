//! The command line of the Python reference, for scripts that call it: its
//! spellings, defaults, success messages and exit codes
//! (`spec/reference-command-line.md` lists where we are stricter).

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};
use modelseal::{
    Cancel, Coverage, DigestOptions, Error, IgnorePath, KeySigner, Links, Model, Order, SignOptions, Trust,
    Unlisted, UntrustedBundle, VerifyOptions,
};
use modelseal_bundle::MAX_BUNDLE_BYTES;
use modelseal_disk::{Overwrite, read_regular, write_output};

use super::failure::{Details, Exit, Failure, Named, Task};
use super::inputs::{read_private_key, read_public_key, refuse_unless_signature};
use super::text::shown;

const METHODS: [&str; 5] = ["sigstore", "key", "certificate", "pkcs11-key", "pkcs11-certificate"];

/// The order of the reference's own help.
const HELP: &str = "Usage: {usage}\n\n  {about}\n\n{all-args}\n";

/// Sign and verify models as the Python reference does.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true, disable_help_subcommand = true, help_template = HELP)]
struct Reference {
    /// Accepted and not used
    #[arg(long = "log-level", alias = "log_level", global = true, value_name = "LEVEL", hide = true, ignore_case = true,
          value_parser = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])]
    log_level: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Sign models
    #[command(subcommand, arg_required_else_help = true, disable_help_subcommand = true, help_template = HELP)]
    Sign(SignMethod),
    /// Verify models
    #[command(subcommand, arg_required_else_help = true, disable_help_subcommand = true, help_template = HELP)]
    Verify(VerifyMethod),
    /// Print the root digest of a model
    #[command(args_override_self = true, help_template = HELP)]
    Digest(DigestArgs),
}

#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true, help_template = HELP)]
enum SignMethod {
    /// Sign using a private key
    #[command(args_override_self = true, help_template = HELP)]
    Key(SignKeyArgs),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true, help_template = HELP)]
enum VerifyMethod {
    /// Verify using a public key
    #[command(args_override_self = true, help_template = HELP)]
    Key(VerifyKeyArgs),
    #[command(external_subcommand)]
    Other(Vec<OsString>),
}

#[derive(Args, Debug)]
struct CommonArgs {
    /// File paths to ignore, from the working directory
    #[arg(long = "ignore-paths", alias = "ignore_paths", value_name = "IGNORE_PATHS")]
    ignore_paths: Vec<PathBuf>,
    /// Ignore git-related files (the default)
    #[arg(long = "ignore-git-paths", alias = "ignore_git_paths", overrides_with = "no_ignore_git_paths")]
    ignore_git_paths: bool,
    /// Do not ignore git-related files
    #[arg(long = "no-ignore-git-paths", alias = "no_ignore_git_paths", overrides_with = "ignore_git_paths")]
    no_ignore_git_paths: bool,
    /// Follow symbolic links; when verifying, the signature decides
    #[arg(long = "allow_symlinks", alias = "allow-symlinks")]
    allow_symlinks: bool,
    /// The model
    #[arg(value_name = "MODEL_PATH")]
    model: PathBuf,
}

#[derive(Args, Debug)]
struct SignKeyArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Location of the signature file to generate
    #[arg(long, value_name = "SIGNATURE_PATH", default_value = "model.sig")]
    signature: PathBuf,
    /// Path to the private key, as a PEM-encoded file
    #[arg(long = "private_key", alias = "private-key", value_name = "PRIVATE_KEY")]
    private_key: PathBuf,
    /// Password for the key encryption, if any
    #[arg(long, value_name = "PASSWORD")]
    password: Option<String>,
}

#[derive(Args, Debug)]
struct VerifyKeyArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// Location of the signature file to verify
    #[arg(long, value_name = "SIGNATURE_PATH")]
    signature: PathBuf,
    /// Path to the public key used for verification
    #[arg(long = "public_key", alias = "public-key", value_name = "PUBLIC_KEY")]
    public_key: PathBuf,
    /// Ignore all files that were not originally signed
    #[arg(
        long = "ignore_unsigned_files",
        alias = "ignore-unsigned-files",
        overrides_with = "no_ignore_unsigned_files"
    )]
    ignore_unsigned_files: bool,
    /// Refuse files that were not originally signed (the default)
    #[arg(
        long = "no-ignore_unsigned_files",
        alias = "no-ignore-unsigned-files",
        hide = true,
        overrides_with = "ignore_unsigned_files"
    )]
    no_ignore_unsigned_files: bool,
}

#[derive(Args, Debug)]
struct DigestArgs {
    #[command(flatten)]
    common: CommonArgs,
}

/// Called under the reference's own name.
pub(super) fn main(program: &str, arguments: impl Iterator<Item = OsString>, cancel: &Cancel) -> ExitCode {
    run(program, &arguments.collect::<Vec<_>>(), cancel).into()
}

/// Called as `modelseal model-signing`.
pub(super) fn run(program: &str, arguments: &[OsString], cancel: &Cancel) -> Exit {
    let argv = std::iter::once(OsString::from(program)).chain(arguments.iter().cloned());
    let command = <Reference as clap::CommandFactory>::command().bin_name(program).name("model_signing");
    let parsed = command
        .try_get_matches_from(argv)
        .and_then(|matches| <Reference as clap::FromArgMatches>::from_arg_matches(&matches));
    let outcome = match parsed {
        Err(error) => return usage(program, arguments, &error),
        Ok(Reference { command: Command::Sign(SignMethod::Key(args)), .. }) => {
            ("Signing", sign(&args, cancel).map(|()| "Signing succeeded".to_owned()))
        }
        Ok(Reference { command: Command::Verify(VerifyMethod::Key(args)), .. }) => {
            ("Verification", verify(&args, cancel).map(|()| "Verification succeeded".to_owned()))
        }
        Ok(Reference { command: Command::Digest(args), .. }) => ("Digest", digest(&args, cancel)),
        Ok(Reference { command: Command::Sign(SignMethod::Other(other)), .. }) => {
            ("Signing", Err(unsupported(&other)))
        }
        Ok(Reference { command: Command::Verify(VerifyMethod::Other(other)), .. }) => {
            ("Verification", Err(unsupported(&other)))
        }
    };
    report(outcome)
}

fn report((task, outcome): (&str, Result<String, Failure>)) -> Exit {
    match outcome {
        Ok(message) => match writeln!(anstream::stdout(), "{message}") {
            Ok(()) => Exit::Success,
            Err(_) => Exit::NotVerified,
        },
        Err(failure) => {
            tell(format_args!("{task} failed with error: {}{}", failure.message, details(&failure.details)));
            if failure.exit == Exit::Interrupted { Exit::Interrupted } else { Exit::NotVerified }
        }
    }
}

fn details(details: &Details) -> String {
    let Details::Differences(found) = details else { return String::new() };
    let differences = &found.0;
    let list = |word: &str, names: Vec<String>| {
        if names.is_empty() { String::new() } else { format!("; {word}: {}", names.join(", ")) }
    };
    let names = |paths: &[modelseal::ManifestPath]| paths.iter().map(ToString::to_string).collect();
    list("hash mismatch", differences.changed.iter().map(|change| change.name.to_string()).collect())
        + &list("missing files", names(&differences.missing))
        + &list("extra files", names(&differences.extra))
}

fn unsupported(arguments: &[OsString]) -> Failure {
    let first = arguments.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(method) = METHODS.into_iter().find(|method| *method == first) else {
        let message =
            "no method is named, and the default, \"sigstore\", is not supported by this version; \"key\" is";
        return Failure::new(Exit::Usage, "method", message);
    };
    Failure::new(
        Exit::Usage,
        "method",
        format!("the method \"{method}\" is not supported by this version; \"key\" is"),
    )
}

fn sign(args: &SignKeyArgs, cancel: &Cancel) -> Result<(), Failure> {
    if args.password.is_some() {
        return Err(Failure::new(
            Exit::Usage,
            "private-key",
            "--password: encrypted keys are not supported by this version",
        ));
    }
    let model = open(&args.common)?;
    // The reference replaces anything. A part of the model, or the key, is too much.
    let is_precious =
        model.contains(&args.signature) || modelseal_disk::is_same_file(&args.signature, &args.private_key);
    if is_precious && modelseal_disk::exists(&args.signature) {
        refuse_unless_signature(&args.signature, &model)?;
    }
    let signer = KeySigner::new(read_private_key(&args.private_key, cancel)?);
    let options = SignOptions {
        coverage: coverage(&args.common, &model, true)?,
        bundle_path: Some(&args.signature),
        key_path: Some(&args.private_key),
        ..SignOptions::default()
    };
    let named = Named { model: &args.common.model, bundle: &args.signature, is_strict: false };
    let signed = modelseal::sign(&model, &options, &signer, cancel)
        .map_err(|error| Task::Signing.failure(error, &named))?;
    write_output(&args.signature, &signed.bundle, 0o644, Overwrite::Replace)
        .map_err(|error| Failure::input(&error))
}

fn verify(args: &VerifyKeyArgs, cancel: &Cancel) -> Result<(), Failure> {
    let trust = Trust::Key(read_public_key(&args.public_key, cancel)?);
    let model = open(&args.common)?;
    let bundle = read_regular(&args.signature, MAX_BUNDLE_BYTES).map_err(|error| Failure::input(&error))?;
    let named = Named { model: &args.common.model, bundle: &args.signature, is_strict: false };
    let explain = |error: Error| Task::Verifying.failure(error, &named);
    let bundle = UntrustedBundle::parse(&bundle).map_err(|error| explain(error.into()))?;
    let options = VerifyOptions {
        bundle_path: Some(&args.signature),
        ignore: ignored(&args.common, &model)?,
        ignore_git: !args.common.no_ignore_git_paths,
        unlisted: if args.ignore_unsigned_files { Unlisted::Report } else { Unlisted::Refuse },
        ..VerifyOptions::default()
    };
    modelseal::verify(&model, bundle, &trust, &options, cancel).map(drop).map_err(explain)
}

/// The reference orders by path component, and leaves out git's files only.
fn digest(args: &DigestArgs, cancel: &Cancel) -> Result<String, Failure> {
    let model = open(&args.common)?;
    let options = DigestOptions {
        coverage: coverage(&args.common, &model, false)?,
        order: Order::Components,
        ..DigestOptions::default()
    };
    let digests = modelseal::digest(&model, &options, cancel).map_err(|error| {
        Task::Signing.failure(
            error,
            &Named { model: &args.common.model, bundle: &args.common.model, is_strict: false },
        )
    })?;
    Ok(digests.root.to_string())
}

fn open(args: &CommonArgs) -> Result<Model, Failure> {
    Model::open(&args.model).map_err(|error| Task::Verifying.disk(&error))
}

fn coverage(args: &CommonArgs, model: &Model, ignore_evidence: bool) -> Result<Coverage, Failure> {
    Ok(Coverage {
        ignore: ignored(args, model)?,
        ignore_git: !args.no_ignore_git_paths,
        ignore_evidence,
        links: if args.allow_symlinks { Links::Follow } else { Links::Refuse },
    })
}

/// From the working directory; what lies outside the model is dropped, as the
/// reference does.
fn ignored(args: &CommonArgs, model: &Model) -> Result<Vec<IgnorePath>, Failure> {
    if let Some(path) = args.ignore_paths.iter().find(|path| model.is_at(path)) {
        let message =
            format!("--ignore-paths {}: is the model itself, and nothing would be left", shown(path));
        return Err(Failure::new(Exit::Usage, "ignore-path", message));
    }
    Ok(args.ignore_paths.iter().filter_map(|path| model.locate(path)).map(IgnorePath::from).collect())
}

/// There is nobody left to tell when this fails.
fn tell(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Usage errors in the reference's own layout.
fn usage(program: &str, arguments: &[OsString], error: &clap::Error) -> Exit {
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
    tell(format_args!(
        "Usage: {command} [OPTIONS] {takes}\nTry '{command} --help' for help.\n\nError: {}",
        complaint(error)
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
