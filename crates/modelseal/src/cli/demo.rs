use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use modelseal::{Model, Unobserved};
use modelseal_disk::{Links, WalkRules, read_first_byte};
use serde_json::{Value, json};

use super::args::DemoArgs;
use super::failure::{Exit, Failure, Task};
use super::output::Report;
use super::text::{GOOD, row, shown};

pub(crate) struct DemoReport {
    directory: PathBuf,
}

/// Runs this very program as a user would, and shows every command before it
/// runs, so that it can be copied.
pub(crate) fn run(args: &DemoArgs, program: &OsString) -> Result<DemoReport, Failure> {
    Model::open(&args.model).map_err(|error| {
        Task::Signing
            .disk(&error)
            .help("name a model: demo MODEL (the small one is in testdata/ of the source)")
    })?;
    let directory = tempfile::Builder::new().prefix("modelseal-demo-").tempdir();
    let directory = directory.map_err(|error| Failure::new(Exit::Undecided, "io", error.to_string()))?.keep();
    let demo = Demo { program, directory: &directory };
    let (key, public) = (directory.join("demo.key"), directory.join("demo.key.pub"));
    let (signature, copy) = (directory.join("model.sig"), directory.join("copy"));

    Demo::say("1. A publisher makes a key, and signs the model.");
    demo.expect(0, &["keygen".as_ref(), "--out".as_ref(), key.as_ref()])?;
    demo.expect(
        0,
        &[
            "sign".as_ref(),
            args.model.as_ref(),
            "--key".as_ref(),
            key.as_ref(),
            "--output".as_ref(),
            signature.as_ref(),
        ],
    )?;

    Demo::say("2. A consumer verifies it, and takes a copy of the verified bytes.");
    let verify = |model: &Path, more: &[&OsStr]| {
        let model: [&OsStr; 6] = [
            "verify".as_ref(),
            model.as_ref(),
            "--key".as_ref(),
            public.as_ref(),
            "--signature".as_ref(),
            signature.as_ref(),
        ];
        [&model, more].concat().into_iter().map(OsStr::to_owned).collect::<Vec<_>>()
    };
    let arguments = verify(&args.model, &["--into".as_ref(), copy.as_ref()]);
    demo.expect(0, &arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;

    Demo::say("3. Somebody flips one byte of the copy.");
    let (copied_model, victim) = tampered_paths(&copy, &args.model)?;
    demo.flip_first_byte(&victim)?;

    Demo::say("4. The consumer finds out before loading it.");
    let arguments = verify(&copied_model, &[]);
    demo.expect(1, &arguments.iter().map(AsRef::as_ref).collect::<Vec<_>>())?;
    Ok(DemoReport { directory })
}

/// The copy as it is to be verified, and a file in it that is not empty.
fn tampered_paths(copy: &Path, original: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let disk = |error| Task::Signing.disk(&error);
    let rules = WalkRules { ignore: vec![], links: Links::Refuse };
    let inventory = Model::open(copy).and_then(|model| model.inventory(&rules, &Unobserved)).map_err(disk)?;
    let file = inventory.files.iter().filter(|file| file.size() > 0).min_by_key(|file| file.size());
    let file = file.ok_or_else(|| {
        Failure::new(Exit::Usage, "empty-model", "every file of the model is empty: there is no byte to flip")
    })?;
    let victim = copy.join(file.path.as_str());
    let is_file = Model::open(original).map_err(disk)?.is_file();
    Ok((if is_file { victim.clone() } else { copy.to_owned() }, victim))
}

struct Demo<'a> {
    program: &'a OsString,
    directory: &'a Path,
}

impl Demo<'_> {
    fn say(text: &str) {
        anstream::println!("\n{GOOD}{text}{GOOD:#}");
    }

    fn expect(&self, expected: i32, arguments: &[&OsStr]) -> Result<(), Failure> {
        let words: Vec<_> =
            std::iter::once(self.program.as_os_str()).chain(arguments.iter().copied()).map(quoted).collect();
        anstream::println!("$ {}", words.join(" "));
        let program = std::env::current_exe()
            .map_err(|error| Failure::new(Exit::Undecided, "io", error.to_string()))?;
        self.run(Command::new(program).args(arguments), expected)
    }

    fn flip_first_byte(&self, file: &Path) -> Result<(), Failure> {
        let byte = read_first_byte(file).map_err(|error| Failure::input(&error))?;
        let script = format!(
            "printf '\\{:03o}' | dd of={} bs=1 count=1 conv=notrunc status=none",
            byte ^ 1,
            quoted(file.as_os_str())
        );
        anstream::println!("$ {script}");
        self.run(Command::new("sh").arg("-c").arg(script), 0)
    }

    fn run(&self, command: &mut Command, expected: i32) -> Result<(), Failure> {
        let status =
            command.status().map_err(|error| Failure::new(Exit::Undecided, "io", error.to_string()))?;
        if status.code() == Some(expected) {
            return Ok(());
        }
        let message = format!("the command above ended with {status}, expected exit code {expected}");
        Err(Failure::new(Exit::Undecided, "demo", message)
            .help(format!("everything is left in {}", shown(self.directory))))
    }
}

/// As a shell takes it.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=:@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

impl Report for DemoReport {
    fn json(&self) -> Value {
        json!({ "outcome": "success", "directory": self.directory.to_string_lossy() })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        row(out, GOOD, "Refused", "as it should be: the changed copy is not what was signed")?;
        row(
            out,
            GOOD,
            "Left",
            format_args!("{} (key, signature and copy; remove it when you are done)", shown(&self.directory)),
        )
    }
}
