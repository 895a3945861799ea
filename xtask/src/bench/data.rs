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

    /// A command that reads all of a model's files, one after the other.
    pub(crate) fn sequential_read(&self, model: &Path) -> String {
        let script = self.read.with_file_name("sequential.sh");
        let text = format!("cat {}/* | dd of=/dev/null bs=256k status=none\n", quoted(model));
        // A command that cannot be written fails when it runs.
        let _ = fs::write(&script, text);
        format!("sh {}", quoted(&script))
    }

    /// Models of more and more files, and of more and more bytes, of which the disk holds none,
    /// and what they are. Each is made when it is its turn.
    pub(crate) fn growing(&self) -> impl Iterator<Item = (Result<PathBuf, String>, String)> {
        let directory = self.last_grown();
        let files = [1_000_u32, 10_000, 100_000].map(|files| (files, 4096_u64, format!("{files} × 4 KiB")));
        let bytes =
            [1_u64, 4, 16].map(|gib| (8, gib * 128 * MIB, format!("8 sparse files, {gib} GiB together")));
        files.into_iter().chain(bytes).map(move |(files, size, what)| {
            let made = sparse(&directory, files, size);
            (made.map_err(|error| format!("{}: {error}", directory.display())), what)
        })
    }

    /// Where the last of them stands.
    pub(crate) fn last_grown(&self) -> PathBuf {
        self.read.with_file_name("growing")
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

/// A model of files that are all holes, a hundred in each directory.
fn sparse(directory: &Path, files: u32, size: u64) -> std::io::Result<PathBuf> {
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    for number in 0..files {
        let below = directory.join(format!("{:03}", number / 100));
        fs::create_dir_all(&below)?;
        File::create(below.join(format!("{number:05}")))?.set_len(size)?;
    }
    Ok(directory.to_owned())
}
