//! A private Sigstore on loopback: Fulcio, Rekor, a CT log, a timestamp
//! authority and an issuer of identity tokens, with cosign as a peer.
//!
//! A supervisor, a process of its own, owns the servers and the directory of
//! their keys and files.

mod addresses;
mod authority;
mod build;
mod issuer;
mod registration;
mod servers;
mod supervisor;
mod trust_files;

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use self::build::Programs;
use self::supervisor::{Leash, READY, STOP_FILE};

/// By which tests find the directory.
pub(crate) const VARIABLE: &str = "MODELSEAL_STACK";
/// The task, hidden from users, that the supervisor runs as.
pub(crate) const SUPERVISE: &str = "supervise";
const STOP_DEADLINE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

/// A stack that runs as long as this lives, or less if its process ends first.
pub(crate) struct Stack {
    supervisor: Child,
    directory: PathBuf,
}

impl Stack {
    pub(crate) fn start() -> Result<Self, String> {
        let (supervisor, directory) = spawn(Leash::Input)?;
        Ok(Self { supervisor, directory })
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        let _ = self.supervisor.wait();
    }
}

/// Builds the programs, and prints where they are.
pub(crate) fn build() -> Result<(), String> {
    Programs::build()?.all().iter().for_each(|program| println!("{}", program.display()));
    Ok(())
}

/// Starts a stack that goes on after this process, and prints how a shell finds
/// it.
pub(crate) fn up() -> Result<(), String> {
    let directory = if let Some(running) = registration::find()? {
        eprintln!("xtask: a stack is running already (cargo xtask stack down stops it)");
        running
    } else {
        spawn(Leash::StopFile)?.1
    };
    println!("export {VARIABLE}='{}'", directory.display());
    Ok(())
}

/// Stops the stack that [`up`] started.
pub(crate) fn down() -> Result<(), String> {
    let Some(directory) = registration::find()? else {
        eprintln!("xtask: no stack is running");
        return Ok(());
    };
    let stop_file = directory.join(STOP_FILE);
    fs::write(&stop_file, "").map_err(|error| format!("{}: {error}", stop_file.display()))?;
    let deadline = Instant::now() + STOP_DEADLINE;
    while registration::find()?.is_some() {
        if Instant::now() > deadline {
            return Err(format!("the stack in {} does not stop", directory.display()));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Runs a command with a stack of its own, and ends as the command does.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<ExitCode, String> {
    let stack = Stack::start()?;
    let status = Command::new(program)
        .args(arguments)
        .env(VARIABLE, stack.directory())
        .status()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    Ok(exit_code(status))
}

/// Runs as the supervisor.
pub(crate) fn supervise(leash: &str) -> Result<(), String> {
    let leash = Leash::from_name(leash).ok_or_else(|| format!("no supervisor ends with {leash}"))?;
    supervisor::supervise(leash)
}

/// Starts a supervisor, and waits until its stack runs.
fn spawn(leash: Leash) -> Result<(Child, PathBuf), String> {
    // Here, where it is seen, and not by the supervisor.
    Programs::build()?;
    let program = std::env::current_exe().map_err(|error| format!("this program is nowhere: {error}"))?;
    let (input, errors) = match leash {
        Leash::Input => (Stdio::piped(), Stdio::inherit()),
        Leash::StopFile => (Stdio::null(), Stdio::null()),
    };
    let mut supervisor = Command::new(program)
        .args(["stack", SUPERVISE, leash.name()])
        // An interruption from the keyboard is for this process alone.
        .process_group(0)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|error| format!("cannot start the supervisor: {error}"))?;
    let word = first_word(&mut supervisor).map_err(|error| format!("the supervisor is silent: {error}"))?;
    if let Some(directory) = word.strip_prefix(READY) {
        return Ok((supervisor, directory.trim_end().into()));
    }
    let _ = supervisor.wait();
    Err(format!("the private Sigstore did not start: {word}"))
}

/// One line if the stack runs, and otherwise all that the supervisor has to say.
fn first_word(supervisor: &mut Child) -> io::Result<String> {
    let mut word = String::new();
    if let Some(output) = supervisor.stdout.take() {
        let mut output = BufReader::new(output);
        output.read_line(&mut word)?;
        if !word.starts_with(READY) {
            output.read_to_string(&mut word)?;
        }
    }
    Ok(word)
}

/// As shells have it: a signal counts from 128.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
