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
    let tokens = directory.path().join(".tokens");
    fs::create_dir(&tokens).unwrap();
    let configuration = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    fs::write(directory.path().join(".softhsm2.conf"), configuration).unwrap();
    #[cfg(feature = "stack")]
    stack::prepare(directory.path());
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
    let mut variables = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            in_console = is_run(line);
        } else if in_console {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let command = &with_document(command, &mut lines);
            seen += "$ ";
            seen += command;
            seen += "\n";
            if is_assignment(command) {
                variables.extend([&of_this_machine(command), "; "]);
            } else {
                let output = output(&format!("{variables}{}", of_this_machine(command)), directory);
                seen += &of_the_readme(&output);
            }
            continue;
        }
        seen.push_str(line);
        seen.push('\n');
    }
    seen
}

/// A command with the lines of its here-document.
fn with_document<'a>(command: &str, lines: &mut impl Iterator<Item = &'a str>) -> String {
    let mut command = command.to_owned();
    if command.ends_with("<<'END'") {
        for line in lines {
            command.extend(["\n", line]);
            if line == "END" {
                break;
            }
        }
    }
    command
}

/// Blocks that need a token, or a Sigstore, are run where there is one.
fn is_run(fence: &str) -> bool {
    let with = |tag, is_there: bool| is_there && fence.strip_prefix("```console ") == Some(tag);
    fence == "```console"
        || with("softhsm", cfg!(feature = "softhsm"))
        || with("stack", cfg!(feature = "stack"))
}

fn is_assignment(command: &str) -> bool {
    command.split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase()))
}

const DEBIAN_MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

fn module() -> String {
    std::env::var("MODELSEAL_SOFTHSM").unwrap_or_else(|_| DEBIAN_MODULE.to_owned())
}

/// What the README names, and where that is here.
fn places() -> Vec<(&'static str, String)> {
    let places = vec![(DEBIAN_MODULE, module())];
    #[cfg(feature = "stack")]
    let places = [places, stack::places()].concat();
    places
}

fn of_this_machine(command: &str) -> String {
    places().iter().fold(command.to_owned(), |command, (shown, here)| command.replace(shown, here))
}

fn of_the_readme(output: &str) -> String {
    places().iter().fold(output.to_owned(), |output, (shown, here)| output.replace(here, shown))
}

/// The private Sigstore that `cargo xtask test` starts plays that of a company,
/// and the token service of GitHub Actions.
#[cfg(feature = "stack")]
mod stack {
    use std::fs;
    use std::path::{Path, PathBuf};

    use serde_json::Value;

    fn directory() -> PathBuf {
        std::env::var_os("MODELSEAL_STACK").expect("cargo xtask test sets it").into()
    }

    fn service(name: &str) -> String {
        let services = fs::read(directory().join("stack.json")).unwrap();
        let services: Value = serde_json::from_slice(&services).unwrap();
        services[name].as_str().unwrap().to_owned()
    }

    pub(crate) fn prepare(reader: &Path) {
        let config = directory().join("client_trust_config.json");
        fs::copy(config, reader.join("acme-sigstore.json")).unwrap();
    }

    pub(crate) fn places() -> Vec<(&'static str, String)> {
        vec![
            ("https://token.actions.githubusercontent.com", service("github_issuer")),
            ("https://rekor.acme.example", service("rekor")),
        ]
    }

    /// The environment of a job.
    pub(crate) fn job() -> [(&'static str, String); 3] {
        [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/ambient/github", service("issuer"))),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ambient-secret".to_owned()),
        ]
    }
}

fn output(command: &str, directory: &Path) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_modelseal")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let script = format!("exec 2>&1; {command}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script]).current_dir(directory).env("PATH", path);
    #[cfg(feature = "stack")]
    shell.envs(stack::job());
    shell.env("XDG_CACHE_HOME", directory.join(".cache"));
    let output = shell.env("SOFTHSM2_CONF", directory.join(".softhsm2.conf")).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Digests of 64 hexadecimal digits depend on the new key, a serial number on
/// the token, times on the clock, and a place in a log on what came before.
fn without_digests(text: &str) -> String {
    let is_digest =
        |word: &str| [16, 64].contains(&word.len()) && word.bytes().all(|b| b.is_ascii_hexdigit());
    let text: String = text.split_inclusive('\n').map(without_time).collect();
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let shown = |word: &str| {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if is_digest(digits) { word.replace(digits, "DIGEST") } else { word.to_owned() }
    };
    words.map(shown).collect()
}

fn without_time(line: &str) -> &str {
    if line.starts_with("Judged at") && line.ends_with("(now)\n") {
        "Judged at   now\n"
    } else if line.starts_with("Signed at") && line.ends_with("(proved by a timestamp authority)\n") {
        "Signed at   then\n"
    } else if line.starts_with("Log entry") && line.ends_with("in https://rekor.acme.example\n") {
        "Log entry   there\n"
    } else if line.starts_with("Locked      since ") {
        "Locked      since then\n"
    } else if line.starts_with("Note") && line.contains(": admitted by the verdict of ") {
        "Note        admitted then\n"
    } else if line.starts_with("Expires     2") {
        "Expires     soon\n"
    } else {
        line
    }
}
