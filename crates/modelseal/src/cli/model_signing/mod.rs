//! The command line of the Python reference, for scripts that call it: its
//! spellings, defaults, success messages and exit codes
//! (`spec/reference-command-line.md` lists where we are stricter).

mod args;
mod usage;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use modelseal::sigstore::SIGSTORE_AUDIENCE;
use modelseal::{
    Cancel, Certificate, CertificateTrust, Clock, Coverage, DigestOptions, Error, Escaped, IdentityPattern,
    IgnorePath, Links, Model, Order, Sha256Digest, SignOptions, SigstoreTrust, Trust, Unlisted,
    UntrustedBundle, VerificationMaterial, VerifyOptions,
};
use modelseal_bundle::MAX_BUNDLE_BYTES;
use modelseal_disk::{Overwrite, StagedOutput, read_regular, write_output};

use super::args::Token;
use super::failure::{Details, Exit, Failure, Named, Task};
use super::inputs::{read_private_key, read_public_key, refuse_unless_signature};
use super::keyless::{self, Ambient, Announce, Login, Publishes};
use super::signer::{self, Chosen};
use super::text::shown;
use super::trust::read_anchors;
use super::trusted_root::trusted_root;

use args::{Command, CommonArgs, DigestArgs, Reference, SignArgs, SignMethod, VerifyArgs, VerifyMethod};
use usage::{no_such_command, tell, usage};

const METHODS: [&str; 5] = ["sigstore", "key", "certificate", "pkcs11-key", "pkcs11-certificate"];
/// Those that sign and have no counterpart in verifying.
const TOKEN_METHODS: [&str; 2] = ["pkcs11-key", "pkcs11-certificate"];

/// Called under the reference's own name.
pub(super) fn main(program: &str, arguments: impl Iterator<Item = OsString>, cancel: &Cancel) -> ExitCode {
    run(program, &arguments.collect::<Vec<_>>(), cancel).into()
}

/// Called as `modelseal model-signing`.
pub(super) fn run(program: &str, arguments: &[OsString], cancel: &Cancel) -> Exit {
    let arguments = &with_default_method(arguments);
    let argv = std::iter::once(OsString::from(program)).chain(arguments.iter().cloned());
    let command = <Reference as clap::CommandFactory>::command().bin_name(program).name("model_signing");
    let parsed = command
        .try_get_matches_from(argv)
        .and_then(|matches| <Reference as clap::FromArgMatches>::from_arg_matches(&matches));
    let outcome = match parsed {
        Err(error) => return usage(program, arguments, &error),
        Ok(Reference { command: Command::Sign(method), .. }) => {
            ("Signing", sign(&method, cancel).map(|()| "Signing succeeded".to_owned()))
        }
        Ok(Reference { command: Command::Verify(VerifyMethod::Other(words)), .. })
            if words.first().is_some_and(|word| TOKEN_METHODS.iter().any(|method| word == method)) =>
        {
            return no_such_command(&format!("{program} verify"), &words[0]);
        }
        Ok(Reference { command: Command::Verify(method), log_level }) => {
            let logs =
                log_level.is_none_or(|level| ["DEBUG", "INFO"].contains(&level.to_uppercase().as_str()));
            ("Verification", verify(&method, logs, cancel).map(|()| "Verification succeeded".to_owned()))
        }
        Ok(Reference { command: Command::Digest(args), .. }) => ("Digest", digest(&args, cancel)),
    };
    report(outcome)
}

/// Where no method is named, it is `sigstore`. As in the reference, options
/// then come after the model.
fn with_default_method(arguments: &[OsString]) -> Vec<OsString> {
    let mut arguments = arguments.to_vec();
    let task = arguments.iter().position(|word| word == "sign" || word == "verify");
    let is_option = |word: &OsString| word.to_string_lossy().starts_with('-');
    let is_method = |word: &OsString| METHODS.iter().any(|method| word == method);
    if let Some(place) = task.map(|task| task + 1)
        && arguments.get(place).is_some_and(|word| !is_option(word) && !is_method(word))
    {
        arguments.insert(place, "sigstore".into());
    }
    arguments
}

fn sign(method: &SignMethod, cancel: &Cancel) -> Result<(), Failure> {
    match method {
        SignMethod::Key(args) => {
            if args.password.is_some() {
                let message = "--password: shows the passphrase to every user of this machine, and is not taken; set MODELSEAL_PASSPHRASE";
                return Err(Failure::new(Exit::Usage, "private-key", message));
            }
            let choose =
                || signer::with_key(read_private_key(&args.private_key, None, cancel)?, None, None, cancel);
            sign_with(&args.sign, vec![&args.private_key], choose, cancel)
        }
        SignMethod::Certificate(args) => {
            let choose = || {
                let key = read_private_key(&args.private_key, None, cancel)?;
                signer::with_key(key, None, Some(args.certificate.files()), cancel)
            };
            sign_with(&args.sign, vec![&args.private_key], choose, cancel)
        }
        SignMethod::Pkcs11Key(args) => {
            let uri = args.pkcs11_uri.parse()?;
            let secrets = uri.pin_file().into_iter().collect();
            sign_with(&args.sign, secrets, || signer::with_token(&uri, None, cancel), cancel)
        }
        SignMethod::Pkcs11Certificate(args) => {
            let uri = args.pkcs11_uri.parse()?;
            let secrets = uri.pin_file().into_iter().collect();
            let choose = || signer::with_token(&uri, Some(args.certificate.files()), cancel);
            sign_with(&args.sign, secrets, choose, cancel)
        }
        SignMethod::Sigstore(args) => {
            let choose = || {
                let given = |token: &Token| Some(token.0.clone()).filter(|token| !token.is_empty());
                let secret = args.client_secret.as_ref().and_then(given);
                let id = args.client_id.as_deref().filter(|id| !id.is_empty());
                let id = id.or(secret.is_some().then_some(SIGSTORE_AUDIENCE));
                let login = Login {
                    token: args.identity_token.as_ref().and_then(given),
                    ambient: if args.use_ambient_credentials { Ambient::Preferred } else { Ambient::Ignored },
                    oob: args.oauth_force_oob,
                    client: id.map(|id| (id, secret)),
                    announce: Announce::Tell,
                    publishes: Publishes::Signature,
                };
                keyless::signer(keyless::instance(&args.sigstore.instance(), None, cancel)?, login)
            };
            sign_with(&args.sign, vec![], choose, cancel)
        }
        SignMethod::Other(other) => Err(no_method(other)),
    }
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

fn no_method(arguments: &[OsString]) -> Failure {
    let word = arguments.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    Failure::new(Exit::Usage, "method", format!("there is no method \"{}\"", Escaped(&word)))
}

fn sign_with(
    args: &SignArgs,
    secrets: Vec<&Path>,
    choose: impl FnOnce() -> Result<Chosen, Failure>,
    cancel: &Cancel,
) -> Result<(), Failure> {
    let model = open(&args.common)?;
    // The reference replaces anything. A part of the model, or the key, is too much.
    let is_secret = |secret: &&Path| modelseal_disk::is_same_file(&args.signature, secret);
    let is_precious = model.contains(&args.signature) || secrets.iter().any(is_secret);
    if is_precious && modelseal_disk::exists(&args.signature) {
        refuse_unless_signature(&args.signature, &model)?;
    }
    StagedOutput::new(&args.signature, b"", 0o644, Overwrite::Replace)
        .map(drop)
        .map_err(|error| Failure::input(&error))?;
    let Chosen { signer, .. } = choose()?;
    let options = SignOptions {
        coverage: coverage(&args.common, &model, true)?,
        bundle_path: Some(&args.signature),
        secret_paths: secrets,
        ..SignOptions::default()
    };
    let named = Named { model: &args.common.model, bundle: &args.signature, is_strict: false };
    let signed = modelseal::sign(&model, &options, &*signer, cancel)
        .map_err(|error| Task::Signing.failure(error, &named))?;
    write_output(&args.signature, &signed.bundle, 0o644, Overwrite::Replace)
        .map_err(|error| Failure::input(&error))
}

fn verify(method: &VerifyMethod, logs: bool, cancel: &Cancel) -> Result<(), Failure> {
    match method {
        VerifyMethod::Key(args) => {
            let trust = Trust::key(read_public_key(&args.public_key, cancel)?);
            verify_under(&args.verify, &trust, |_| (), cancel)
        }
        VerifyMethod::Certificate(args) => {
            if args.certificate_chain.is_empty() {
                let message =
                    "no --certificate_chain was given, and certificates of the system are never trusted";
                return Err(Failure::new(Exit::Usage, "certificate", message));
            }
            let anchors = read_anchors(&args.certificate_chain, cancel)?;
            let log = |bundle: &UntrustedBundle| {
                if args.log_fingerprints && logs {
                    log_fingerprints(&anchors, bundle);
                }
            };
            let trust = CertificateTrust::anchors(anchors.clone(), Clock::system());
            verify_under(&args.verify, &Trust::certificate(trust), log, cancel)
        }
        VerifyMethod::Sigstore(args) => {
            let root = trusted_root(&args.sigstore.instance(), cancel)?;
            let identity = IdentityPattern::exact(&args.identity);
            let trust = SigstoreTrust::identity(root, identity, &args.identity_provider, Clock::system());
            verify_under(&args.verify, &Trust::sigstore(trust), |_| (), cancel)
        }
        VerifyMethod::Other(other) => Err(no_method(other)),
    }
}

/// In the order of the reference: what is trusted, then what the bundle has,
/// its leaf last.
fn log_fingerprints(anchors: &[Certificate], bundle: &UntrustedBundle) {
    let log = |place: &str, der: &[u8]| {
        let digest = Sha256Digest::of(der).to_string().to_uppercase();
        let pairs: Vec<&str> = (0..digest.len()).step_by(2).map(|i| &digest[i..i + 2]).collect();
        tell(format_args!("[{place:^8}] sha256 Fingerprint: {}", pairs.join(":")));
    };
    for anchor in anchors {
        log("init", anchor.as_der());
    }
    if let VerificationMaterial::CertificateChain(chain) = bundle.material() {
        for certificate in chain.iter().skip(1).chain(chain.first()) {
            log("verify", certificate);
        }
    }
}

fn verify_under(
    args: &VerifyArgs,
    trust: &Trust,
    look: impl Fn(&UntrustedBundle),
    cancel: &Cancel,
) -> Result<(), Failure> {
    let model = open(&args.common)?;
    let bundle = read_regular(&args.signature, MAX_BUNDLE_BYTES).map_err(|error| Failure::input(&error))?;
    let named = Named { model: &args.common.model, bundle: &args.signature, is_strict: false };
    let explain = |error: Error| Task::Verifying.failure(error, &named);
    let bundle = UntrustedBundle::parse(&bundle).map_err(|error| explain(error.into()))?;
    look(&bundle);
    let options = VerifyOptions {
        bundle_path: Some(&args.signature),
        ignore: ignored(&args.common, &model)?,
        ignore_git: !args.common.no_ignore_git_paths,
        unlisted: if args.ignore_unsigned_files { Unlisted::Report } else { Unlisted::Refuse },
        ..VerifyOptions::default()
    };
    modelseal::verify(&model, bundle, trust, &options, cancel).map(drop).map_err(explain)
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
