//! A model, and the command at work on it where nobody can be asked, or on a
//! terminal of its own where somebody types.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use modelseal_disk::{Links, Model, Unfit, Unobserved, WalkRules};
use tempfile::TempDir;

use crate::workbench;

/// What our secrets may come from, besides arguments.
const SECRET_VARIABLES: [&str; 2] = ["MODELSEAL_PIN", "MODELSEAL_PASSPHRASE"];

/// A directory with the model `model`, which holds the files `a` and `b`.
pub(crate) struct Stage(TempDir);

impl Stage {
    pub(crate) fn new() -> Self {
        let stage = Self(tempfile::tempdir_in(&*PLACE).unwrap());
        fs::create_dir(stage.at("model")).unwrap();
        stage.write("model/a", "1");
        stage.write("model/b", "2");
        stage
    }

    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        fs::write(self.at(path), bytes).unwrap();
    }

    /// The command, in a session that has no terminal. A test that is run by
    /// hand must not ask whoever runs it.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let command = workbench::modelseal(self.0.path(), arguments);
        let mut command = if *HAS_SETSID { behind("setsid", &command) } else { command };
        forget_secrets(&mut command);
        command.stdin(Stdio::null());
        command
    }

    /// Runs the command, which has to fail in these words, and to leave
    /// everything as it was.
    #[track_caller]
    pub(crate) fn refuses(&self, command: &mut Command, code: i32, words: &[&str]) -> Answer {
        let before = self.tree();
        let answer = Answer::of(command).expect(code);
        assert_eq!(answer.stdout, "", "a refusal belongs on standard error");
        for word in words {
            assert!(answer.stderr.contains(word), "{word:?} is missing from {}", answer.stderr);
        }
        assert_eq!(self.tree(), before, "something was written");
        answer
    }

    /// Every file in the directory.
    pub(crate) fn tree(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut directories = vec![self.0.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// The command on a terminal of its own; `None` where `script` is missing, which CI
    /// may not be.
    /// Afterwards the terminal shows the exit code and its settings.
    pub(crate) fn on_a_terminal(&self, arguments: &[&str]) -> Option<Command> {
        self.on_a_terminal_for(60, arguments)
    }

    /// The same, and after so many seconds it is sent SIGTERM.
    pub(crate) fn on_a_terminal_for(&self, seconds: u32, arguments: &[&str]) -> Option<Command> {
        let script = Command::new("script").arg("--version").output();
        assert!(script.is_ok() || std::env::var_os("CI").is_none(), "script is not installed");
        script.ok()?;
        let quoted: Vec<_> = arguments.iter().map(|word| format!("'{word}'")).collect();
        let command = format!("'{}' {}", env!("CARGO_BIN_EXE_modelseal"), quoted.join(" "));
        let timeout = format!("timeout --foreground --preserve-status -k 3 {seconds}");
        // Interrupts are for the command, and not for the shell around it.
        let line = format!("trap : INT; {timeout} {command}; echo \"exit code $?\"; stty -a");
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(self.0.path());
        script.env("SHELL", "/bin/sh").env("TERM", "xterm").env("NO_COLOR", "1");
        forget_secrets(&mut script);
        Some(script)
    }
}

/// Runs what [`Stage::on_a_terminal`] gave, and types an answer whenever its
/// prompt stands there. Gives all that the terminal shows.
pub(crate) fn talk(script: &mut Command, turns: &[(&str, &str)]) -> String {
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut shown, mut seen) = (Vec::new(), 0);
    for (prompt, answer) in turns {
        seen += read_until(&mut screen, &mut shown, seen, prompt);
        // The prompt stands there a moment before the terminal stops to echo.
        sleep(Duration::from_millis(500));
        keyboard.write_all(answer.as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    child.wait().unwrap();
    String::from_utf8_lossy(&shown).replace('\r', "")
}

/// Reads until `wanted` stands somewhere behind `start`; gives how far.
fn read_until(screen: &mut impl Read, shown: &mut Vec<u8>, start: usize, wanted: &str) -> usize {
    let mut byte = [0];
    while !shown[start..].ends_with(wanted.as_bytes()) {
        let read = screen.read(&mut byte).unwrap();
        assert_ne!(read, 0, "{wanted:?} did not appear in {:?}", String::from_utf8_lossy(shown));
        shown.push(byte[0]);
    }
    shown.len() - start
}

/// Where files have an identity by which digests are remembered: with other temporary
/// directories than the usual, in memory.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let usual = std::env::temp_dir();
    let file = tempfile::NamedTempFile::new_in(&usual).unwrap();
    let model = Model::open(file.path()).unwrap();
    let rules = WalkRules { ignore: vec![], links: Links::Refuse, unfit: Unfit::Refuse };
    let inventory = model.inventory(&rules, &Unobserved).unwrap();
    let has_identity = inventory.files.iter().all(|file| model.identity(file).is_some());
    if has_identity || cfg!(not(target_os = "linux")) { usual } else { "/dev/shm".into() }
});

static HAS_SETSID: LazyLock<bool> =
    LazyLock::new(|| Command::new("setsid").arg("--version").output().is_ok());

/// The same command as the argument of another program.
fn behind(program: &str, command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer.arg(command.get_program()).args(command.get_args());
    outer.current_dir(command.get_current_dir().expect("a directory"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

fn forget_secrets(command: &mut Command) {
    for variable in SECRET_VARIABLES {
        command.env_remove(variable);
    }
}

/// What the command left behind.
#[derive(Debug)]
pub(crate) struct Answer {
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Answer {
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from(command.output().unwrap())
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn hides(self, secret: &str) -> Self {
        assert!(!self.stdout.contains(secret) && !self.stderr.contains(secret), "{self:#?}");
        self
    }
}
