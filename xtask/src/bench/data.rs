//! The files that are hashed: made once, of bytes that nobody can compress.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::quoted;

const MIB: u64 = 1 << 20;
/// MiB in the large model, and in the one file.
pub(crate) const LARGE_MIB: u32 = 8 * 512;

pub(crate) struct Data {
    /// Eight files of 512 MiB.
    pub(crate) large: PathBuf,
    /// Ten thousand of 4 KiB, in a hundred directories.
    pub(crate) many: PathBuf,
    /// Three of a few bytes.
    pub(crate) tiny: PathBuf,
    /// One of 4 GiB.
    pub(crate) one: PathBuf,
    read: PathBuf,
}

impl Data {
    pub(crate) fn make(directory: &Path) -> Result<Self, String> {
        let at = |name: &str| directory.join(name);
        let data = Self {
            large: at("large"),
            many: at("many"),
            tiny: at("tiny"),
            one: at("one"),
            read: at("read.sh"),
        };
        let complete = at(".complete");
        if !complete.exists() {
            eprintln!("xtask: making 8 GB of data in {}", directory.display());
            data.write().map_err(|error| format!("{}: {error}", directory.display()))?;
            fs::write(&complete, "").map_err(|error| format!("{}: {error}", complete.display()))?;
        }
        Ok(data)
    }

    fn write(&self) -> std::io::Result<()> {
        let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
        for file in 0..8 {
            noise.write(&self.large.join(format!("model-{file:05}-of-00008.safetensors")), 512 * MIB)?;
        }
        for file in 0..10_000 {
            noise.write(&self.many.join(format!("{:02}/{file:05}", file % 100)), 4096)?;
        }
        for name in ["config.json", "model.safetensors", "README.md"] {
            noise.write(&self.tiny.join(name), 64)?;
        }
        noise.write(&self.one.join("model.gguf"), u64::from(LARGE_MIB) * MIB)?;
        fs::write(&self.read, self.script())
    }

    /// A command that reads the large model, half of it in each of two processes.
    pub(crate) fn plain_read(&self) -> String {
        format!("sh {}", quoted(&self.read))
    }

    fn script(&self) -> String {
        let half = |files: &str| {
            let files = format!("{}/model-0000{files}-*", quoted(&self.large));
            format!("for file in {files}; do dd if=\"$file\" of=/dev/null bs=256k status=none; done &\n")
        };
        format!("{}{}wait\n", half("[0-3]"), half("[4-7]"))
    }
}

/// Numbers that look random (xorshift).
struct Noise(u64);

impl Noise {
    fn write(&mut self, path: &Path, length: u64) -> std::io::Result<()> {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
        for _ in 0..length / 8 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            file.write_all(&self.0.to_le_bytes())?;
        }
        file.flush()
    }
}
