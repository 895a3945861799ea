use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use modelseal::{Model, Unobserved};
use modelseal_disk::{Links, Unfit, WalkRules, read_first_byte};
use serde_json::{Value, json};

use super::args::DemoArgs;
use super::failure::{Exit, Failure, Task};
use super::output::{Report, Terminal};
use super::text::{GOOD, quoted, row, shown};

pub(crate) struct DemoReport {
    directory: PathBuf,
}

/// Runs this very program as a user would, and shows every command before it
/// runs, so that it can be copied.
pub(crate) fn run(args: &DemoArgs, program: &OsStr, terminal: Terminal) -> Result<DemoReport, Failure> {
    let original = Model::open(&args.model).map_err(|error| {
        Task::Signing
            .disk(&error)
            .help("name a model: demo MODEL (the small one is in testdata/ of the source)")
    })?;
    let directory =
        tempfile::Builder::new().prefix("modelseal-demo-").tempdir().map_err(|e| undecided(&e))?;
    let at = |name: &str| directory.path().join(name);
    let (key, public, signature, copy) = (at("demo.key"), at("demo.key.pub"), at("model.sig"), at("copy"));
    let demo = Demo { program, is_shown: terminal.is_talkative() };

    demo.say("1. A publisher makes a key, and signs the model.")?;
    demo.step(Exit::Success, words(&["keygen", "--out"], &[&key]))?;
    demo.step(
        Exit::Success,
        words(&["sign", "", "--key", "", "--output"], &[&args.model, &key, &signature]),
    )?;

    demo.say("2. A consumer verifies it, and takes a copy of the verified bytes.")?;
    let verify = ["verify", "", "--key", "", "--signature", "", "--into"];
    demo.step(Exit::Success, words(&verify, &[&args.model, &public, &signature, &copy]))?;

    demo.say("3. Somebody flips one byte of the copy.")?;
    let (copied_model, victim) = tampered_paths(&copy, original.is_file())?;
    demo.flip_first_byte(&victim)?;

    demo.say("4. The consumer finds out before loading it.")?;
    demo.step(Exit::NotVerified, words(&verify[..5], &[&copied_model, &public, &signature]))?;
    Ok(DemoReport { directory: directory.keep() })
}

/// The words of a command: each empty one, and the end, takes the next path.
fn words(words: &[&str], paths: &[&Path]) -> Vec<OsString> {
    let mut paths = paths.iter();
    let mut command: Vec<OsString> = Vec::new();
    for word in words {
        if word.is_empty() {
            command.extend(paths.next().map(OsString::from));
        } else {
            command.push(word.into());
        }
    }
    command.extend(paths.map(OsString::from));
    command
}

/// The copy as it is to be verified, and a file in it that is not empty.
fn tampered_paths(copy: &Path, is_file: bool) -> Result<(PathBuf, PathBuf), Failure> {
    let rules = WalkRules { ignore: vec![], links: Links::Refuse, unfit: Unfit::Refuse };
    let inventory = Model::open(copy).and_then(|model| model.inventory(&rules, &Unobserved));
    let inventory = inventory.map_err(|error| Task::Signing.disk(&error))?;
    let file = inventory.files.iter().filter(|file| file.size() > 0).min_by_key(|file| file.size());
    let file = file.ok_or_else(|| {
        Failure::new(Exit::Usage, "empty-model", "every file of the model is empty: there is no byte to flip")
    })?;
    let victim = copy.join(file.path.as_str());
    Ok((if is_file { victim.clone() } else { copy.to_owned() }, victim))
}

struct Demo<'a> {
    program: &'a OsStr,
    is_shown: bool,
}

impl Demo<'_> {
    fn say(&self, text: &str) -> Result<(), Failure> {
        self.print(&format!("\n{GOOD}{text}{GOOD:#}\n"))
    }

    fn step(&self, expected: Exit, arguments: Vec<OsString>) -> Result<(), Failure> {
        let words =
            std::iter::once(self.program).chain(arguments.iter().map(OsString::as_os_str)).map(quoted);
        self.print(&format!("$ {}\n", words.collect::<Vec<_>>().join(" ")))?;
        let program = std::env::current_exe().map_err(|error| undecided(&error))?;
        self.run(Command::new(program).args(arguments), expected)
    }

    fn flip_first_byte(&self, file: &Path) -> Result<(), Failure> {
        let byte = read_first_byte(file).map_err(|error| Failure::input(&error))?;
        let target = quoted(file.as_os_str());
        let script =
            format!("printf '\\{:03o}' | dd of={target} bs=1 count=1 conv=notrunc status=none", byte ^ 1);
        self.print(&format!("$ {script}\n"))?;
        // The path stands in the script for people; the shell takes it as an argument.
        let script = script.replace(&target, "\"$0\"");
        self.run(Command::new("sh").arg("-c").arg(script).arg(file), Exit::Success)
    }

    fn print(&self, text: &str) -> Result<(), Failure> {
        if !self.is_shown {
            return Ok(());
        }
        let mut out = anstream::stdout();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| {
            Failure::new(Exit::Undecided, "io", format!("cannot write what the demo does: {error}"))
        })
    }

    fn run(&self, command: &mut Command, expected: Exit) -> Result<(), Failure> {
        if !self.is_shown {
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let status = command.status().map_err(|error| undecided(&error))?;
        if status.code() == Some(expected.code()) {
            return Ok(());
        }
        let exit = status.code().and_then(Exit::from_code).filter(|exit| *exit != Exit::Success);
        let message = format!("a step ended with {status}, expected exit code {}", expected.code());
        Err(Failure::new(exit.unwrap_or(Exit::Undecided), "demo", message))
    }
}

fn undecided(error: &io::Error) -> Failure {
    Failure::new(Exit::Undecided, "io", format!("the demo cannot go on: {error}"))
}

impl Report for DemoReport {
    fn json(&self) -> Value {
        json!({ "outcome": "success", "directory": self.directory.to_string_lossy() })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        row(out, GOOD, "Refused", "as it should be: the changed copy is not what was signed")?;
        let directory = shown(&self.directory);
        row(
            out,
            GOOD,
            "Left",
            format_args!("{directory} (key, signature and copy; remove it when you are done)"),
        )
    }
}
