//! On whose word identities are believed: the trusted root that is named, that
//! was fetched, or that came with the program. And `modelseal trust`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use modelseal::{
    Cancel, Clock, FetchTimeouts, RootSource, Timestamp, TrustMaterial, TrustMaterialError, TrustRepository,
    TrustedRoot, TrustedRootError,
};
use modelseal_disk::{Overwrite, read_named, write_output};
use serde_json::{Value, json};

use super::args::{InstanceArgs, TrustUpdateArgs};
use super::failure::{Exit, Failure};
use super::output::Report;
use super::text::{GOOD, WARN, row, shown};
use super::waiting::Waiting;

pub(crate) const MAX_TRUST_FILE_BYTES: u64 = 8 * 1024 * 1024;
/// After this the public instance may well have new keys.
const OLD_DAYS: i64 = 90;

/// The trusted root of the instance that is named, else of the public one.
pub(crate) fn trusted_root(args: &InstanceArgs, cancel: &Cancel) -> Result<TrustedRoot, Failure> {
    if let Some(path) = &args.trusted_root {
        return TrustedRoot::parse(&read_trust_file(path, cancel)?).map_err(|error| unusable(path, &error));
    }
    if let Some(path) = &args.trust_config {
        return TrustedRoot::parse_trust_config(&read_trust_file(path, cancel)?)
            .map_err(|error| unusable(path, &error));
    }
    let embedded = if args.staging { TrustedRoot::staging } else { TrustedRoot::production };
    Ok(kept(args.staging)?.map_or_else(embedded, |material| material.trusted_root))
}

pub(crate) fn read_trust_file(path: &Path, cancel: &Cancel) -> Result<Vec<u8>, Failure> {
    read_named(path, MAX_TRUST_FILE_BYTES, cancel).map_err(|error| Failure::input(&error))
}

fn unusable(path: &Path, error: &TrustedRootError) -> Failure {
    let help = match error {
        TrustedRootError::MediaType { found } if found.contains("clienttrustconfig") => {
            "this is a client trust configuration: name it with --trust-config"
        }
        TrustedRootError::TrustConfig { found } if found.contains("trustedroot") => {
            "this is a trusted root: name it with --trusted-root"
        }
        _ => "ask the operator of the Sigstore instance for the file",
    };
    Failure::new(Exit::Usage, "trusted-root", format!("{}: {error}", shown(path))).help(help)
}

/// What `modelseal trust update` kept of a public instance. What does not
/// verify any more is not passed over: somebody meant it to be newer than what
/// came with the program.
pub(crate) fn kept(staging: bool) -> Result<Option<TrustMaterial>, Failure> {
    repository(staging).kept(Clock::system().now()).map_err(|error| kept_failure(&error))
}

fn kept_failure(error: &TrustMaterialError) -> Failure {
    let help = match error {
        TrustMaterialError::Kept { directory, .. } => format!(
            "refresh it with modelseal trust update, or remove {} to go back to what came with the program; trust update --output FILE keeps one for --trusted-root that does not expire",
            shown(directory)
        ),
        _ => "refresh it with modelseal trust update".to_owned(),
    };
    let message = format!("the trusted root that was kept cannot be used: {error}");
    Failure::new(Exit::Undecided, "trusted-root", message).help(help)
}

fn repository(staging: bool) -> TrustRepository {
    let (repository, name) = if staging {
        (TrustRepository::staging(), "staging")
    } else {
        (TrustRepository::production(), "production")
    };
    match ProjectDirs::from("", "", "modelseal") {
        Some(directories) => repository.kept_in(directories.cache_dir().join("trust").join(name)),
        None => repository,
    }
}

pub(crate) fn update(args: &TrustUpdateArgs, cancel: &Cancel) -> Result<TrustUpdateReport, Failure> {
    let (repository, kept) = match (&args.tuf_url, &args.tuf_root) {
        (Some(url), Some(root)) => (TrustRepository::new(url, read_trust_file(root, cancel)?), false),
        _ => (repository(args.staging), true),
    };
    let waiting = Waiting::now();
    let timeouts = FetchTimeouts::each(args.timeout);
    let material = repository.fetch(Clock::system().now(), timeouts);
    let material = material.map_err(|error| update_failure(args, &error))?;
    drop(waiting);
    if let Some(path) = &args.output {
        let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
        write_output(path, &material.trusted_root_json, 0o644, overwrite)
            .map_err(|error| Failure::input(&error).help_if_exists("--force replaces it"))?;
    }
    let url = repository.url().to_owned();
    Ok(TrustUpdateReport { url, kept, root: material.trusted_root, output: args.output.clone() })
}

fn update_failure(args: &TrustUpdateArgs, error: &TrustMaterialError) -> Failure {
    match (error, &args.tuf_root) {
        (TrustMaterialError::Url { .. }, _) => Failure::new(Exit::Usage, "usage", error.to_string()),
        (TrustMaterialError::Root { reason }, Some(path)) => {
            let message = format!("{}: is no root metadata of TUF: {reason}", shown(path));
            Failure::new(Exit::Usage, "trusted-root", message)
                .help("ask the operator of the TUF repository for its root.json")
        }
        _ => {
            let message = format!("the trusted root was not fetched: {error}");
            Failure::new(Exit::Undecided, "trust-update", message)
                .help("what was there before is still used; is the network there, and the clock right?")
        }
    }
}

pub(crate) struct TrustUpdateReport {
    url: String,
    kept: bool,
    root: TrustedRoot,
    output: Option<PathBuf>,
}

impl Report for TrustUpdateReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "updated",
            "repository": self.url,
            "kept": self.kept,
            "output": self.output.as_ref().map(|path| path.to_string_lossy()),
            "trusted_root": root_json(&self.root),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        row(out, GOOD, "Updated", format_args!("from {}", self.url))?;
        print_root(out, &self.root)?;
        match &self.output {
            Some(path) => row(out, GOOD, "Written to", format_args!("{} (for --trusted-root)", shown(path))),
            None => Ok(()),
        }
    }
}

pub(crate) fn show(args: &InstanceArgs, cancel: &Cancel) -> Result<TrustShowReport, Failure> {
    Ok(TrustShowReport(trusted_root(args, cancel)?))
}

pub(crate) struct TrustShowReport(TrustedRoot);

impl Report for TrustShowReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "shown",
            "trusted_root": root_json(&self.0),
            "certificate_authorities": self.0.certificate_authorities().collect::<Vec<_>>(),
            "transparency_logs": self.0.transparency_logs().collect::<Vec<_>>(),
            "certificate_logs": self.0.certificate_logs().collect::<Vec<_>>(),
            "timestamp_authorities": self.0.timestamp_authorities().collect::<Vec<_>>(),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        print_root(out, &self.0)?;
        print_all(out, "Authority", self.0.certificate_authorities())?;
        print_all(out, "Log", self.0.transparency_logs())?;
        print_all(out, "CT log", self.0.certificate_logs())?;
        print_all(out, "Timestamps", self.0.timestamp_authorities())
    }
}

fn print_all<'a>(out: &mut dyn Write, name: &str, all: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let mut seen: Vec<&str> = vec![];
    for url in all {
        if !seen.contains(&url) {
            row(out, GOOD, name, modelseal::Escaped(url))?;
            seen.push(url);
        }
    }
    Ok(())
}

/// Where the trusted root comes from, and how old it is.
pub(crate) fn print_root(out: &mut dyn Write, root: &TrustedRoot) -> io::Result<()> {
    let (text, style) = match (root.source(), age_days(root)) {
        (RootSource::Embedded { as_of }, Some(days)) if days > OLD_DAYS => {
            let day = day(as_of);
            (format!("came with the program, of {day}, {days} days old: modelseal trust update"), WARN)
        }
        (RootSource::Embedded { as_of }, Some(days)) => {
            (format!("came with the program, of {}, {days} days old", day(as_of)), GOOD)
        }
        (RootSource::Updated { at }, Some(days)) => {
            (format!("fetched on {}, {days} days old", day(at)), GOOD)
        }
        _ => (format!("given, sha256:{}", root.fingerprint()), GOOD),
    };
    row(out, style, "Trusted root", text)
}

fn day(time: Timestamp) -> String {
    time.to_string().chars().take(10).collect()
}

fn age_days(root: &TrustedRoot) -> Option<i64> {
    let of = match root.source() {
        RootSource::Embedded { as_of } => as_of,
        RootSource::Updated { at } => at,
        _ => return None,
    };
    Some((Clock::system().now().as_second() - of.as_second()).max(0) / (24 * 60 * 60))
}

pub(crate) fn root_json(root: &TrustedRoot) -> Value {
    let (source, of) = match root.source() {
        RootSource::Embedded { as_of } => ("embedded", Some(as_of)),
        RootSource::Updated { at } => ("updated", Some(at)),
        _ => ("given", None),
    };
    json!({
        "source": source,
        "of": of.map(|time| time.to_string()),
        "age_days": age_days(root),
        "fingerprint": format!("sha256:{}", root.fingerprint()),
    })
}
