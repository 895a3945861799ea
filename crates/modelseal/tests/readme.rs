//! The README, run as written: every `console` block, in its order, in one
//! fresh directory. Digests of new keys differ from run to run; everything
//! else has to be as it stands there.
//!
//! `UPDATE_README=1 cargo test --test readme` writes what it saw.

#![expect(clippy::disallowed_methods, reason = "the test sets up the directory that a reader would be in")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn the_readme_shows_what_happens() {
    let readme = root().join("README.md");
    let written = fs::read_to_string(&readme).unwrap();
    let directory = tempfile::tempdir().unwrap();
    symlink(root().join("testdata"), directory.path().join("testdata")).unwrap();
    let seen = replay(&written, directory.path());
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(&readme, &seen).unwrap();
    }
    let (written, seen) = (without_digests(&written), without_digests(&seen));
    for (number, (written, seen)) in written.lines().zip(seen.lines()).enumerate() {
        assert_eq!(seen, written, "README.md, line {}", number + 1);
    }
    assert_eq!(seen.lines().count(), written.lines().count());
    assert!(seen.matches("\n$ ").count() > 12, "the blocks were found");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The text with the output of each command replaced by what it prints.
fn replay(text: &str, directory: &Path) -> String {
    let mut seen = String::new();
    let mut in_console = false;
    for line in text.lines() {
        if line.starts_with("```") {
            in_console = line == "```console";
        } else if in_console {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            seen += line;
            seen += "\n";
            seen += &output(command, directory);
            continue;
        }
        seen.push_str(line);
        seen.push('\n');
    }
    seen
}

fn output(command: &str, directory: &Path) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_modelseal")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let script = format!("exec 2>&1; {command}");
    let output =
        Command::new("sh").args(["-c", &script]).current_dir(directory).env("PATH", path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Digests of 64 hexadecimal digits depend on the new key.
fn without_digests(text: &str) -> String {
    let is_digest = |word: &str| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let shown = |word: &str| {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_digest(digits) { word.replace(digits, "DIGEST") } else { word.to_owned() }
    };
    words.map(shown).collect()
}
