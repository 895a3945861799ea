//! Passphrases and PINs: from a file, an environment variable, or a prompt.
//! They are never printed, and a wrong one is never tried again.

use std::io::{self, BufRead, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use modelseal::pkcs11::{Pin, PinReference, Token, Uri};
use modelseal::{Cancel, Passphrase};
use modelseal_disk::read_named;
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::failure::{Exit, Failure};
use super::text::shown;

pub(crate) const PASSPHRASE_VARIABLE: &str = "MODELSEAL_PASSPHRASE";
pub(crate) const PIN_VARIABLE: &str = "MODELSEAL_PIN";

const MAX_SECRET_BYTES: u64 = 4096;

/// The passphrase of a key that exists.
pub(crate) fn passphrase(key: &Path, file: Option<&Path>, cancel: &Cancel) -> Result<Passphrase, Failure> {
    let given = given(file, PASSPHRASE_VARIABLE, "passphrase", cancel)?;
    let text = match given {
        Some(text) => text,
        None => ask(&format!("Passphrase of {}: ", shown(key)), "passphrase", &|| no_passphrase(key))?,
    };
    Ok(to_passphrase(text))
}

/// A passphrase for a key that is made now: a typing error would lose it, so
/// it is asked for twice.
pub(crate) fn new_passphrase(
    key: &Path,
    file: Option<&Path>,
    cancel: &Cancel,
) -> Result<Passphrase, Failure> {
    if let Some(text) = given(file, PASSPHRASE_VARIABLE, "passphrase", cancel)? {
        return Ok(to_passphrase(text));
    }
    let none = || no_passphrase(key);
    let first = ask(&format!("New passphrase for {}: ", shown(key)), "passphrase", &none)?;
    let second = ask("The same again: ", "passphrase", &none)?;
    if first == second {
        Ok(to_passphrase(first))
    } else {
        Err(Failure::new(Exit::Usage, "passphrase", "the two passphrases differ; nothing was written"))
    }
}

fn to_passphrase(mut text: Zeroizing<String>) -> Passphrase {
    Passphrase::new(Zeroizing::new(std::mem::take(&mut *text).into_bytes()))
}

fn no_passphrase(key: &Path) -> Failure {
    let message = format!("{}: is under a passphrase, and there is no terminal to ask for it", shown(key));
    Failure::new(Exit::Usage, "passphrase", message)
        .help(format!("name a file with --passphrase-file FILE, or set {PASSPHRASE_VARIABLE}"))
}

/// The PIN of a token, if it wants one: that of the URI, else that of the
/// environment, else what is typed.
pub(crate) fn pin(uri: &Uri, token: &Token, cancel: &Cancel) -> Result<Option<Pin>, Failure> {
    if !token.wants_pin() {
        return Ok(None);
    }
    let text = match &uri.pin {
        Some(PinReference::Value(pin)) => return Ok(Some(pin.clone())),
        Some(PinReference::File(file)) => given(Some(file), PIN_VARIABLE, "PIN", cancel)?,
        None => given(None, PIN_VARIABLE, "PIN", cancel)?,
    };
    if text.is_none() && token.has_pin_pad() {
        return Ok(None);
    }
    let label = token.label().escape_default();
    let none = || {
        let message = format!("the token \"{label}\" wants a PIN, and there is no terminal to ask for it");
        Failure::new(Exit::Usage, "pin", message)
            .help(format!("add pin-source=/path/of/file after the ? of the URI, or set {PIN_VARIABLE}"))
    };
    let text = text.map_or_else(|| ask(&format!("PIN of the token \"{label}\": "), "PIN", &none), Ok)?;
    Ok(Some(Pin::new(text)))
}

/// What was given without asking: the first line of a file, or a variable.
fn given(
    file: Option<&Path>,
    variable: &str,
    what: &str,
    cancel: &Cancel,
) -> Result<Option<Zeroizing<String>>, Failure> {
    let code = code(what);
    if let Some(file) = file {
        let bytes = read_named(file, MAX_SECRET_BYTES, cancel).map_err(|error| Failure::input(&error))?;
        let bytes = Zeroizing::new(bytes);
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Failure::new(Exit::Usage, code, format!("{}: the {what} in it is not UTF-8", shown(file)))
        })?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            let message = format!("{}: has no {what} in its first line", shown(file));
            return Err(Failure::new(Exit::Usage, code, message));
        }
        return Ok(Some(Zeroizing::new(line.to_owned())));
    }
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => Ok(Some(Zeroizing::new(text))),
        Ok(_) | Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Failure::new(Exit::Usage, code, format!("{variable}: is not UTF-8")))
        }
    }
}

fn ask(prompt: &str, what: &str, no_terminal: &dyn Fn() -> Failure) -> Result<Zeroizing<String>, Failure> {
    let asked = Asked::now();
    let answer = rpassword::prompt_password(prompt);
    drop(asked);
    match answer {
        Ok(text) if !text.is_empty() => Ok(Zeroizing::new(text)),
        Err(error)
            if error.kind() != io::ErrorKind::UnexpectedEof && error.kind() != io::ErrorKind::Interrupted =>
        {
            Err(no_terminal())
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            Err(Failure::new(Exit::Interrupted, "interrupted", "interrupted"))
        }
        _ => Err(Failure::new(Exit::Usage, code(what), format!("no {what} was typed; nothing was tried"))),
    }
}

/// Something that is no secret, typed at a prompt on standard error.
pub(crate) fn line(prompt: &str) -> io::Result<String> {
    let mut err = anstream::stderr();
    write!(err, "{prompt}")?;
    err.flush()?;
    let asked = Asked::now();
    let mut line = String::new();
    let read = io::stdin().lock().take(MAX_SECRET_BYTES).read_line(&mut line);
    drop(asked);
    read.map(|_| line)
}

/// While it lives, somebody is asked, and the terminal does not show what is
/// typed.
struct Asked;

/// How the terminal was before.
static BEFORE: Mutex<Option<(OwnedFd, Termios)>> = Mutex::new(None);

impl Asked {
    fn now() -> Self {
        let terminal = rustix::fs::open("/dev/tty", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty());
        let before = terminal.and_then(|terminal| tcgetattr(&terminal).map(|before| (terminal, before)));
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = before.ok();
        Self
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// After a signal: nobody answers any more. Gives the terminal back and says
/// whether somebody was asked.
pub(crate) fn stop_asking() -> bool {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some((terminal, before)) = &before {
        // The process ends, whether or not it can be given back.
        let _ = tcsetattr(terminal, OptionalActions::Now, before);
    }
    before.is_some()
}

fn code(what: &str) -> &'static str {
    if what == "PIN" { "pin" } else { "passphrase" }
}
