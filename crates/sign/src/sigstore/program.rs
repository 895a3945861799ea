//! A program that prints one secret, with an end: in time and in size.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use modelseal_manifest::Escaped;
use zeroize::Zeroizing;

use super::http::shortened;

const MAX_OUTPUT_BYTES: u64 = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(10);

/// What the command prints. It is killed when its time is up.
pub(super) fn output(mut command: Command, limit: Duration) -> Result<Zeroizing<String>, ProgramFailure> {
    let started = Instant::now();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| ProgramFailure::Start { reason: error.to_string() })?;
    let (printed, complaint) = (read(child.stdout.take()), read(child.stderr.take()));
    let left = || limit.saturating_sub(started.elapsed());
    let timeout = ProgramFailure::Timeout { after: limit };
    let status = wait(&mut child, left).ok_or(timeout.clone())?;
    // What it left behind may still hold the other end.
    let printed = printed.recv_timeout(left()).map_err(|_| timeout)?;
    if !status.success() {
        let complaint = complaint.recv_timeout(PAUSE * 10).unwrap_or_default();
        let message = shortened(&String::from_utf8_lossy(&complaint));
        return Err(ProgramFailure::Status { status: status.to_string(), message });
    }
    if printed.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(ProgramFailure::TooLarge { limit: MAX_OUTPUT_BYTES });
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&printed).into_owned()))
}

/// Reads to the end or just beyond the limit, on a thread of its own.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Zeroizing::default();
        if let Some(pipe) = pipe {
            // What came before an error is all there is.
            let _ = pipe.take(MAX_OUTPUT_BYTES + 1).read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn wait(child: &mut Child, left: impl Fn() -> Duration) -> Option<ExitStatus> {
    while left() > Duration::ZERO {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        thread::sleep(PAUSE);
    }
    // It may have ended just now.
    let _ = child.kill();
    let _ = child.wait();
    None
}

/// What went wrong with a program.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramFailure {
    /// It is not there, or not a program.
    #[error("it could not be started: {reason}")]
    Start {
        /// What the system says.
        reason: String,
    },
    /// It failed.
    #[error("it ended with {status}{}{}", if message.is_empty() { "" } else { ": " }, Escaped(message))]
    Status {
        /// How it ended.
        status: String,
        /// What it says, shortened; it may be empty.
        message: String,
    },
    /// It took too long.
    #[error("it did not end within {} s", after.as_secs_f64())]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// No token is so long.
    #[error("it printed more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}
