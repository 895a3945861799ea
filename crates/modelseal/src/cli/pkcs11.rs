use std::io::{self, Write};
use std::path::PathBuf;

use modelseal::pkcs11::{Module, Object, ObjectKind, Token, Uri};
use modelseal::{Cancel, Certificate, Escaped, PublicKey, SigningKey};
use modelseal_disk::{Overwrite, write_output};
use serde_json::{Value, json};

use super::args::{ListArgs, PublicKeyArgs};
use super::failure::{Exit, Failure};
use super::output::Report;
use super::secrets;
use super::signer::{open_token_key, pkcs11_failure};
use super::text::{BAD, GOOD, WARN, row, shown};

pub(crate) struct ListReport {
    tokens: Vec<(Token, Vec<Object>)>,
    is_logged_in: bool,
}

pub(crate) fn list(args: &ListArgs, cancel: &Cancel) -> Result<ListReport, Failure> {
    let uri = &args.uri()?;
    let explain = |error| pkcs11_failure(&error);
    let module = Module::of(uri).map_err(explain)?;
    let mut tokens = Vec::new();
    if args.login {
        // One PIN goes to one token: a wrong one counts against it.
        let token = module.token(uri).map_err(explain)?;
        let pin = secrets::pin(uri, &token, cancel)?;
        let session = token.log_in(pin.as_ref()).map_err(explain)?;
        let objects = session.objects(uri).map_err(explain)?;
        tokens.push((token, objects));
    } else {
        for token in module.tokens(uri).map_err(explain)? {
            let objects = token.open().and_then(|session| session.objects(uri)).map_err(explain)?;
            tokens.push((token, objects));
        }
    }
    Ok(ListReport { tokens, is_logged_in: args.login })
}

impl Report for ListReport {
    fn json(&self) -> Value {
        let token = |(token, objects): &(Token, Vec<Object>)| {
            json!({
                "uri": token.uri().to_string(),
                "label": token.label(),
                "manufacturer": token.manufacturer(),
                "model": token.model(),
                "serial": token.serial(),
                "slot_id": token.slot_id(),
                "wants_pin": token.wants_pin(),
                "objects": objects.iter().map(object_json).collect::<Vec<_>>(),
            })
        };
        json!({
            "outcome": "success",
            "logged_in": self.is_logged_in,
            "tokens": self.tokens.iter().map(token).collect::<Vec<_>>(),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.tokens.is_empty() {
            row(out, WARN, "Tokens", "there are none")?;
        }
        for (token, objects) in &self.tokens {
            let about = [token.manufacturer(), token.model()].map(|text| Escaped(text).to_string());
            row(out, GOOD, "Token", format_args!("{} ({})", Escaped(token.label()), about.join(", ")))?;
            writeln!(out, "  {}", token.uri())?;
            for object in objects {
                print_object(out, object)?;
            }
            if !self.is_logged_in && token.wants_pin() {
                row(out, WARN, "Note", "private keys are seen only after a login: pkcs11 list URI --login")?;
            }
        }
        Ok(())
    }
}

fn print_object(out: &mut dyn Write, object: &Object) -> io::Result<()> {
    let (style, text) = match (object.kind, object.check_can_sign()) {
        (ObjectKind::Certificate, _) => (GOOD, certificate_text(object)),
        (ObjectKind::PublicKey, _) => (GOOD, algorithm_text(object)),
        (ObjectKind::PrivateKey, Ok(())) => (GOOD, format!("{}, can sign models", algorithm_text(object))),
        (ObjectKind::PrivateKey, Err(problem)) => (BAD, format!("cannot sign models: {problem}")),
    };
    row(out, style, kind_text(object.kind), text)?;
    writeln!(out, "  {}", object.uri)
}

fn kind_text(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::PrivateKey => "Private key",
        ObjectKind::PublicKey => "Public key",
        ObjectKind::Certificate => "Certificate",
    }
}

fn algorithm_text(object: &Object) -> String {
    object.algorithm().map_or_else(|error| error.to_string(), |algorithm| algorithm.to_string())
}

fn certificate_text(object: &Object) -> String {
    let certificate = object.certificate().and_then(|der| Certificate::from_der(der).ok());
    certificate.map_or_else(|| "that cannot be read".to_owned(), |certificate| certificate.subject())
}

fn object_json(object: &Object) -> Value {
    let is_private = object.kind == ObjectKind::PrivateKey;
    let certificate = object.certificate().and_then(|der| Certificate::from_der(der).ok());
    json!({
        "kind": match object.kind {
            ObjectKind::PrivateKey => "private-key",
            ObjectKind::PublicKey => "public-key",
            ObjectKind::Certificate => "certificate",
        },
        "uri": object.uri.to_string(),
        "algorithm": object.algorithm().ok().map(|algorithm| algorithm.to_string()),
        "subject": certificate.map(|certificate| certificate.subject()),
        "can_sign": is_private.then(|| object.check_can_sign().is_ok()),
        "problem": if is_private { object.check_can_sign().err().map(|error| error.to_string()) } else { None },
    })
}

pub(crate) struct PublicKeyReport {
    key: PublicKey,
    path: Option<PathBuf>,
}

pub(crate) fn public_key(args: &PublicKeyArgs, cancel: &Cancel) -> Result<PublicKeyReport, Failure> {
    let uri = &args.uri.parse()?;
    let key = public_half(uri, cancel)?;
    if let (Some(output), Some(pin)) = (&args.output, uri.pin_file())
        && modelseal_disk::is_same_file(output, pin)
    {
        let message = format!("{}: holds the PIN, which a public key cannot replace", shown(output));
        return Err(Failure::new(Exit::Usage, "exists", message));
    }
    if let Some(path) = &args.output {
        let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
        write_output(path, key.to_pem().as_bytes(), 0o644, overwrite)
            .map_err(|error| Failure::input(&error).help_if_exists("--force replaces it"))?;
    }
    Ok(PublicKeyReport { key, path: args.output.clone() })
}

/// An id ties what is public to the private key, so that nobody has to log in.
/// A label alone does not: another key may have it.
fn public_half(uri: &Uri, cancel: &Cancel) -> Result<PublicKey, Failure> {
    if uri.id.is_some() {
        let token = Module::of(uri).and_then(|module| module.token(uri));
        let key =
            token.and_then(|token| token.open()?.public_key(uri)).map_err(|error| pkcs11_failure(&error))?;
        if let Some(key) = key {
            return Ok(key);
        }
    }
    Ok(open_token_key(uri, None, cancel)?.public_key().clone())
}

impl Report for PublicKeyReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "success",
            "path": self.path.as_ref().map(|path| path.to_string_lossy()),
            "algorithm": self.key.algorithm().to_string(),
            "fingerprint": format!("sha256:{}", self.key.fingerprint()),
            "public_key": self.key.to_pem(),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(path) = &self.path else { return write!(out, "{}", self.key.to_pem()) };
        let key = format_args!("{} key sha256:{}", self.key.algorithm(), self.key.fingerprint());
        row(out, GOOD, "Public", format_args!("{key}, in {}", shown(path)))
    }
}
