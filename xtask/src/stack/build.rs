//! The programs of the stack, built from the Go modules in `peers/stack`, whose
//! `go.sum` pins every module by its hash.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::environment::{cache, output, root, run};
use crate::peers::{Python, install};

const OLDEST_GO: (u32, u32) = (1, 26);
const FLAGS: &str = "-mod=readonly -trimpath -buildvcs=false";

/// Where the programs are.
pub(super) struct Programs {
    pub(super) fulcio: PathBuf,
    pub(super) rekor: PathBuf,
    pub(super) tesseract: PathBuf,
    pub(super) timestamp_authority: PathBuf,
    pub(super) cosign: PathBuf,
}

impl Programs {
    /// Builds what is not in the cache yet, which takes minutes.
    pub(super) fn build() -> Result<Self, String> {
        let go = Go::find()?;
        Ok(Self {
            fulcio: go.build("fulcio", Source::Tool)?,
            rekor: go.build("rekor", Source::Tool)?,
            tesseract: go.build("tesseract", Source::Ours)?,
            timestamp_authority: go.build("timestamp-authority", Source::Ours)?,
            cosign: go.build("cosign", Source::Tool)?,
        })
    }

    pub(super) fn all(&self) -> [&Path; 5] {
        [&self.fulcio, &self.rekor, &self.tesseract, &self.timestamp_authority, &self.cosign]
    }
}

/// What a module makes a program of.
#[derive(Clone, Copy)]
enum Source {
    /// The one command that its `go.mod` names as a tool.
    Tool,
    /// Its own `main.go`.
    Ours,
}

impl Source {
    fn pattern(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Ours => ".",
        }
    }
}

/// A Go that the modules build with.
struct Go {
    program: PathBuf,
    version: String,
}

impl Go {
    /// The one on the PATH, else one that is installed for this alone.
    fn find() -> Result<Self, String> {
        let on_path = PathBuf::from("go");
        if let Some(version) = version(&on_path) {
            return Ok(Self { program: on_path, version });
        }
        let (major, minor) = OLDEST_GO;
        let missing = |problem: String| {
            format!(
                "Go {major}.{minor} or later is not on the PATH (https://go.dev/dl), and was not installed: {problem}"
            )
        };
        let installed = Python::find().and_then(|python| install(&python, "go")).map_err(missing)?;
        let program = installed.join("bin/go");
        let version = version(&program).ok_or_else(|| missing("it does not run".to_owned()))?;
        Ok(Self { program, version })
    }

    /// Builds one program, unless that was done before with the same sources and
    /// the same Go.
    fn build(&self, name: &str, source: Source) -> Result<PathBuf, String> {
        let module = module(name);
        let directory = cache()?.join("stack");
        let program = directory.join(format!("{name}-{}", &self.key(&module)?[..16]));
        if program.exists() {
            return Ok(program);
        }
        eprintln!("xtask: building {name} into {}", program.display());
        fs::create_dir_all(&directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        // Another process may be building the same.
        let unfinished = directory.join(format!("{name}-{}.unfinished", std::process::id()));
        run(go(&self.program, &module).args(["build", "-o"]).arg(&unfinished).arg(source.pattern()))?;
        fs::rename(&unfinished, &program).map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(program)
    }

    fn key(&self, module: &Path) -> Result<String, String> {
        let mut hash = Sha256::new().chain_update(&self.version).chain_update(FLAGS);
        for file in sources(module).map_err(|error| format!("{}: {error}", module.display()))? {
            let content = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            hash.update(Sha256::digest(&content));
        }
        Ok(hex::encode(hash.finalize()))
    }
}

fn module(name: &str) -> PathBuf {
    root().join("peers/stack").join(name)
}

/// Which Go that is, if it is one that builds the modules. It is asked in one of
/// them, because Go may fetch the release that a module wants.
fn version(program: &Path) -> Option<String> {
    let version = output(go(program, &module("fulcio")).args(["env", "GOVERSION"]))?;
    Some(version).filter(|version| release(version) >= Some(OLDEST_GO))
}

fn go(program: &Path, module: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(module).env("CGO_ENABLED", "0").env("GOFLAGS", FLAGS).env("GOWORK", "off");
    command
}

/// The major and minor number in a text like `go1.26.8`.
fn release(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix("go")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn sources(module: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files =
        fs::read_dir(module)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
    files.retain(|file| {
        file.extension().is_some_and(|extension| ["go", "mod", "sum"].iter().any(|known| extension == *known))
    });
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn releases_are_compared_as_numbers() {
        assert_eq!(release("go1.26.8"), Some((1, 26)));
        assert_eq!(release("go1.26"), Some((1, 26)));
        assert!(release("go1.9") < release("go1.26"));
        assert_eq!(release("devel go1.27-0123456789"), None);
    }
}
