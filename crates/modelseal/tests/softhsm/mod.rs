//! Tokens of SoftHSM2, each test's in a directory of its own.
//! `MODELSEAL_SOFTHSM` names the module.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use tempfile::TempDir;

/// The user's PIN on every token.
pub(crate) const PIN: &str = "1234";

/// A token. It is gone when this and all of its neighbours are dropped.
pub(crate) struct Token {
    /// That of its configuration.
    pub(crate) directory: Rc<TempDir>,
    pub(crate) label: String,
    /// Tells twins apart. SoftHSM2 derives it from the serial number, so it stays.
    pub(crate) slot: u64,
}

impl Token {
    /// An empty token, alone in its configuration.
    pub(crate) fn new(label: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tokens = directory.path().join("tokens");
        std::fs::create_dir(&tokens).unwrap();
        let configuration = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(directory.path().join("softhsm2.conf"), configuration).unwrap();
        Self::within(&Rc::new(directory), label)
    }

    /// One more token in the same configuration.
    pub(crate) fn within(directory: &Rc<TempDir>, label: &str) -> Self {
        let mut token = Self { directory: Rc::clone(directory), label: label.to_owned(), slot: 0 };
        let said =
            token.util(&["--init-token", "--free", "--label", label, "--so-pin", "4321", "--pin", PIN]);
        let slot = said.rsplit_once("reassigned to slot ").expect("a slot").1;
        token.slot = slot.trim().parse().expect("a number");
        token
    }

    /// Puts a key pair from a PKCS#8 file on the token, with `id` in
    /// hexadecimal digits.
    pub(crate) fn import(&self, key_file: &Path, label: &str, id: &str) {
        self.import_with(key_file, label, id, &[]);
    }

    /// The same with more options of `softhsm2-util`.
    pub(crate) fn import_with(&self, key_file: &Path, label: &str, id: &str, options: &[&str]) {
        let (key_file, slot) = (key_file.to_str().expect("UTF-8"), self.slot.to_string());
        let import = ["--import", key_file, "--slot", &slot, "--pin", PIN, "--label", label, "--id", id];
        self.util(&[&import, options].concat());
    }

    /// The URI of an object, with the PIN.
    pub(crate) fn uri(&self, object: &str) -> String {
        format!("{}&pin-value={PIN}", self.uri_without_pin(object))
    }

    /// The URI of an object.
    pub(crate) fn uri_without_pin(&self, object: &str) -> String {
        format!("pkcs11:token={};object={object}?module-path={}", self.label, module().display())
    }

    /// Lets a program see the token.
    pub(crate) fn command<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("SOFTHSM2_CONF", self.directory.path().join("softhsm2.conf"))
    }

    /// Runs `softhsm2-util`, and gives what it prints.
    pub(crate) fn util(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("softhsm2-util");
        let output = self.command(command.args(arguments)).output().expect("softhsm2-util runs");
        assert!(output.status.success(), "softhsm2-util {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }
}

/// The module of SoftHSM2.
pub(crate) fn module() -> PathBuf {
    let named = std::env::var_os("MODELSEAL_SOFTHSM");
    PathBuf::from(named.expect("MODELSEAL_SOFTHSM must name the module, as `cargo xtask test` does"))
}
