//! Other programs that our tests run against, each in a virtual environment of
//! its own, pinned by hashes in `peers/NAME.txt`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::environment::{cache, output, root, run};

/// The environments that the tests expect.
const PEERS: [&str; 7] =
    ["reference-1.1.1", "reference-1.0.1", "reference-0.3.1", "reference-0.2.0", "hub", "minilm", "ray"];
const OLDEST_PYTHON: (u32, u32) = (3, 11);

/// Installs every peer that is not there yet, and gives the directory that
/// holds them under their names.
pub(crate) fn install_all() -> Result<PathBuf, String> {
    let python = Python::find()?;
    let directory = root().join("target/peers");
    fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    for name in PEERS {
        let environment = install(&python, name)?;
        link(&environment, &directory.join(name))?;
    }
    Ok(directory)
}

/// Installs one peer, unless that was done before with the same pins and the
/// same Python.
pub(crate) fn install(python: &Python, name: &str) -> Result<PathBuf, String> {
    let pins = root().join("peers").join(format!("{name}.txt"));
    let text = fs::read(&pins).map_err(|error| format!("{}: {error}", pins.display()))?;
    let key = hex::encode(Sha256::new().chain_update(&text).chain_update(&python.version).finalize());
    let environment = cache()?.join("peers").join(format!("{name}-{}", &key[..16]));
    let complete = environment.join(".complete");
    if complete.exists() {
        return Ok(environment);
    }
    eprintln!("xtask: installing {name} into {}", environment.display());
    if environment.exists() {
        fs::remove_dir_all(&environment).map_err(|error| format!("{}: {error}", environment.display()))?;
    }
    run(Command::new(&python.program).args(["-m", "venv"]).arg(&environment))?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
        "-r",
    ];
    run(Command::new(environment.join("bin/python")).args(pip).arg(&pins))?;
    fs::write(&complete, "").map_err(|error| format!("{}: {error}", complete.display()))?;
    Ok(environment)
}

fn link(environment: &Path, link: &Path) -> Result<(), String> {
    if link.symlink_metadata().is_ok() {
        fs::remove_file(link).map_err(|error| format!("{}: {error}", link.display()))?;
    }
    std::os::unix::fs::symlink(environment, link).map_err(|error| format!("{}: {error}", link.display()))
}

/// A Python that the pins were made for.
pub(crate) struct Python {
    program: String,
    version: String,
}

impl Python {
    pub(crate) fn find() -> Result<Self, String> {
        let report = "import sys, venv, ensurepip; print(*sys.version_info[:3], sys.platform)";
        for program in ["python3", "python3.13", "python3.12", "python3.11", "python"] {
            let Some(version) = output(Command::new(program).args(["-c", report])) else { continue };
            let mut numbers = version.split(' ').filter_map(|word| word.parse().ok());
            if (numbers.next(), numbers.next()) >= (Some(OLDEST_PYTHON.0), Some(OLDEST_PYTHON.1)) {
                return Ok(Self { program: program.to_owned(), version });
            }
        }
        let (major, minor) = OLDEST_PYTHON;
        Err(format!(
            "no Python of {major}.{minor} or later with its venv module was found (Debian: apt-get install python3-venv)"
        ))
    }
}
