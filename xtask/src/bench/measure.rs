//! Commands, timed by hyperfine.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::median;
use crate::environment::run;

/// What one run took, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Ran {
    pub(crate) wall: f64,
    /// Of all threads.
    pub(crate) processor: f64,
}

/// What lies in the page cache before a command.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Cache {
    /// What the command before it left there.
    Warm,
    Emptied,
}

const EMPTY_CACHE: &str = "/proc/sys/vm/drop_caches";

pub(crate) fn can_empty_cache() -> bool {
    fs::OpenOptions::new().write(true).open(EMPTY_CACHE).is_ok()
}

fn empty_cache() -> Result<(), String> {
    run(&mut Command::new("sync"))?;
    fs::write(EMPTY_CACHE, "3").map_err(|error| format!("{EMPTY_CACHE}: {error}"))
}

/// Runs the commands in turn, after a first time that does not count, so that what else the
/// machine does is everybody's; gives the medians.
pub(crate) fn in_turn(commands: &[String; 2], rounds: usize, cache: Cache) -> Result<[Ran; 2], String> {
    let mut runs = [vec![], vec![]];
    for round in 0..=rounds {
        for (command, runs) in commands.iter().zip(&mut runs) {
            if cache == Cache::Emptied {
                empty_cache()?;
            }
            let ran = once(command)?;
            if round > 0 {
                runs.push(ran);
            }
        }
    }
    Ok(runs.map(|runs: Vec<Ran>| Ran {
        wall: median(runs.clone(), |ran| ran.wall),
        processor: median(runs, |ran| ran.processor),
    }))
}

fn once(command: &str) -> Result<Ran, String> {
    let report = tempfile::NamedTempFile::new().map_err(|error| format!("no temporary file: {error}"))?;
    let path = report.path();
    run(Command::new("hyperfine")
        .args(["--runs", "1", "--shell", "none", "--style", "none", "--export-json"])
        .arg(path)
        .arg(command)
        .stderr(std::process::Stdio::null()))?;
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let report: Value =
        serde_json::from_slice(&text).map_err(|error| format!("hyperfine's report: {error}"))?;
    let number = |name: &str| report["results"][0][name].as_f64();
    let (wall, user, system) = (number("mean"), number("user"), number("system"));
    let missing = || format!("hyperfine's report lacks times: {report}");
    let (wall, user, system) =
        (wall.ok_or_else(missing)?, user.ok_or_else(missing)?, system.ok_or_else(missing)?);
    Ok(Ran { wall, processor: user + system })
}

/// The most memory that a command has, in millions of bytes.
pub(crate) fn peak_memory(command: &str) -> Result<f64, String> {
    let report = tempfile::NamedTempFile::new().map_err(|error| format!("no temporary file: {error}"))?;
    let time = ["-f", "%M", "-o"];
    run(Command::new("time").args(time).arg(report.path()).args(["sh", "-c", command]))?;
    let text = fs::read_to_string(report.path()).map_err(|error| format!("time's report: {error}"))?;
    let kibibytes: f64 = text.trim().parse().map_err(|_| format!("time's report is no number: {text}"))?;
    Ok(kibibytes * 1024.0 / 1e6)
}
