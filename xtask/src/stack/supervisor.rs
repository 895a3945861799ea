//! The process that owns a stack. Whatever ends it ends the stack.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::addresses::Addresses;
use super::authority::Authority;
use super::build::Programs;
use super::issuer;
use super::registration::Registration;
use super::servers::{Server, Site};
use super::trust_files;

/// What a supervisor says first if the stack runs; the directory follows.
pub(super) const READY: &str = "ready ";
/// The file in its directory that stops a stack.
pub(super) const STOP_FILE: &str = "stop";
/// The directory, within that of the stack, of a trust root that is another's.
const FOREIGN: &str = "foreign";
const LONGEST_RUN: Duration = Duration::from_hours(2);
const POLL: Duration = Duration::from_millis(50);
/// Ports that were free may be taken when a server wants them.
const ATTEMPTS: usize = 3;
const PORT_TAKEN: &str = "address already in use";

/// What a stack ends with.
#[derive(Clone, Copy)]
pub(super) enum Leash {
    /// The process that holds the other end of the supervisor's input.
    Input,
    /// The stop file, or two hours.
    StopFile,
}

impl Leash {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Input, Self::StopFile].into_iter().find(|leash| leash.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::StopFile => "stop-file",
        }
    }
}

/// Runs a stack to its end. On the output goes one line if it runs, or what
/// keeps it from running.
pub(super) fn supervise(leash: Leash) -> Result<(), String> {
    let stop = Stop::default();
    stop.when_signalled()?;
    let mut output = io::stdout();
    match Leashed::start(leash, &stop) {
        // Without a reader, nobody would ever stop it.
        Ok(leashed) => match leashed.announce(&mut output) {
            Ok(()) => leashed.run(&stop),
            Err(_) => Ok(()),
        },
        Err(problem) => write!(output, "{problem}").map_err(|error| error.to_string()),
    }
}

/// A wish to end, which may come from a signal or another thread.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn when_signalled(&self) -> Result<(), String> {
        let stop = self.clone();
        ctrlc::set_handler(move || stop.request()).map_err(|error| format!("cannot handle signals: {error}"))
    }

    fn when_input_ends(&self) {
        let stop = self.clone();
        thread::spawn(move || {
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            stop.request();
        });
    }
}

/// A running stack, and what it ends with.
struct Leashed {
    sigstore: Sigstore,
    ends: Option<Instant>,
    /// Dropped last: another may start once this has gone.
    _registration: Option<Registration>,
}

impl Leashed {
    fn start(leash: Leash, stop: &Stop) -> Result<Self, String> {
        match leash {
            Leash::Input => {
                stop.when_input_ends();
                Ok(Self { sigstore: Sigstore::start(stop)?, ends: None, _registration: None })
            }
            Leash::StopFile => {
                let mut registration = Registration::take()?;
                let sigstore = Sigstore::start(stop)?;
                registration.record(sigstore.directory.path())?;
                let ends = Some(Instant::now() + LONGEST_RUN);
                Ok(Self { sigstore, ends, _registration: Some(registration) })
            }
        }
    }

    fn announce(&self, output: &mut impl Write) -> io::Result<()> {
        writeln!(output, "{READY}{}", self.sigstore.directory.path().display())?;
        output.flush()
    }

    fn run(mut self, stop: &Stop) -> Result<(), String> {
        while !stop.is_requested() && !self.is_over() {
            self.sigstore.servers.iter_mut().try_for_each(Server::check)?;
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let is_late = self.ends.is_some_and(|ends| Instant::now() > ends);
        is_late || self.sigstore.directory.path().join(STOP_FILE).exists()
    }
}

/// Fields are dropped in this order: the servers end before their directory
/// goes, and the watchdog has nothing left to do.
struct Sigstore {
    servers: Vec<Server>,
    directory: TempDir,
    _watchdog: Watchdog,
}

impl Sigstore {
    fn start(stop: &Stop) -> Result<Self, String> {
        let programs = Programs::build()?;
        let issuer = issuer::serve().map_err(|error| format!("cannot start the issuer: {error}"))?;
        let mut attempt = 1;
        loop {
            match Self::start_once(&programs, issuer, stop) {
                Err(problem) if problem.contains(PORT_TAKEN) && attempt < ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    fn start_once(programs: &Programs, issuer: u16, stop: &Stop) -> Result<Self, String> {
        let directory = private_directory().map_err(|error| format!("no temporary directory: {error}"))?;
        let watchdog = Watchdog::start(directory.path())?;
        let addresses = Addresses::pick(issuer).map_err(|error| format!("no free ports: {error}"))?;
        let authority = Authority::generate()?;
        let foreign = Authority::generate()?;
        let path = directory.path();
        let unwritten = |error| format!("{}: {error}", path.display());
        trust_files::write(path, &authority, &addresses).map_err(unwritten)?;
        trust_files::write(&path.join(FOREIGN), &foreign, &addresses).map_err(unwritten)?;
        let site = Site { programs, authority: &authority, addresses: &addresses, directory: path };
        let servers = site.start(stop)?;
        trust_files::write_index(path, &addresses, &programs.cosign).map_err(unwritten)?;
        Ok(Self { servers, directory, _watchdog: watchdog })
    }
}

fn private_directory() -> io::Result<TempDir> {
    let only_ours = Permissions::from_mode(0o700);
    tempfile::Builder::new().prefix("modelseal-stack-").permissions(only_ours).tempdir()
}

/// What clears up after a supervisor that was killed outright: a shell that
/// waits for its input to end.
struct Watchdog(Child);

impl Watchdog {
    fn start(directory: &Path) -> Result<Self, String> {
        // The servers are in the process group that the supervisor leads.
        let script = r#"read -r line; kill -s KILL -- "-$1"; sleep 1; rm -rf -- "$2""#;
        Command::new("sh")
            .args(["-c", script, "sh", &std::process::id().to_string()])
            .arg(directory)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .map_err(|error| format!("cannot start a shell: {error}"))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Killed while it waits, it clears up nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
