use std::fmt::{self, Debug, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::Pin;

/// The longest URI that is read.
const MAX_LENGTH: usize = 4096;

/// A PKCS#11 URI (RFC 7512): which module, which token, which object, and
/// where the PIN is.
///
/// Attributes that are not given match anything; those that are not known are
/// an error, because ignoring one would match too much. `Display` leaves the
/// PIN out.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Uri {
    /// Label of the token.
    pub token: Option<String>,
    /// Manufacturer of the token.
    pub manufacturer: Option<String>,
    /// Model of the token.
    pub model: Option<String>,
    /// Serial number of the token.
    pub serial: Option<String>,
    /// Slot that the token is in.
    pub slot_id: Option<u64>,
    /// `CKA_ID` of the object.
    pub id: Option<Vec<u8>>,
    /// `CKA_LABEL` of the object.
    pub object: Option<String>,
    /// The module.
    pub module: Option<ModuleReference>,
    /// The PIN, or where it is.
    pub pin: Option<PinReference>,
}

/// How a URI names a module. `module-path` and `module-name` together are a
/// directory and a name in it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ModuleReference {
    /// `module-path`: an absolute path.
    Path(PathBuf),
    /// `module-name`: the name of a file in a directory of modules, without
    /// `.so`.
    Name(String),
}

/// How a URI gives a PIN.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PinReference {
    /// `pin-value`: the PIN itself.
    Value(Pin),
    /// `pin-source`: the absolute path of a file that holds it.
    File(PathBuf),
}

impl FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MAX_LENGTH {
            return Err(UriError::TooLong);
        }
        Self::read(text).map_err(|error| error.without_pin(text))
    }
}

impl Uri {
    fn read(text: &str) -> Result<Self, UriError> {
        let rest = text.strip_prefix("pkcs11:").ok_or(UriError::Scheme)?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        let mut seen = Vec::new();
        let (mut path_of_module, mut name_of_module) = (None, None);
        let parts = path.split(';').map(|part| (part, true));
        for (part, is_path) in parts.chain(query.split('&').map(|part| (part, false))) {
            if part.is_empty() {
                continue;
            }
            let (name, value) = part.split_once('=').ok_or(UriError::NotAnAttribute)?;
            if is_path && name.starts_with("pin-") || value.contains("pin-value=") {
                return Err(UriError::Misplaced);
            }
            if seen.contains(&name) {
                return Err(UriError::Twice { name: name.to_owned() });
            }
            seen.push(name);
            let value = percent_decode(value).ok_or_else(|| UriError::Value { name: name.to_owned() })?;
            if name != "pin-value" && String::from_utf8_lossy(&value).contains("pin-value=") {
                return Err(UriError::Misplaced);
            }
            match (is_path, name) {
                (false, "module-path") => path_of_module = Some(absolute(name, utf8(name, &value)?)?),
                (false, "module-name") => name_of_module = Some(file_name(name, utf8(name, &value)?)?),
                (true, _) => uri.set_path(name, &value)?,
                (false, _) => uri.set_pin(name, value)?,
            }
        }
        uri.module = match (path_of_module, name_of_module) {
            (Some(path), None) => Some(ModuleReference::Path(path)),
            (Some(directory), Some(name)) => {
                Some(ModuleReference::Path(directory.join(format!("{name}.so"))))
            }
            (None, name) => name.map(ModuleReference::Name),
        };
        Ok(uri)
    }
}

impl Uri {
    /// The file that holds the PIN, if the URI names one.
    pub fn pin_file(&self) -> Option<&Path> {
        match &self.pin {
            Some(PinReference::File(path)) => Some(path),
            _ => None,
        }
    }

    fn set_path(&mut self, name: &str, value: &[u8]) -> Result<(), UriError> {
        match name {
            "token" => self.token = Some(utf8(name, value)?),
            "manufacturer" => self.manufacturer = Some(utf8(name, value)?),
            "model" => self.model = Some(utf8(name, value)?),
            "serial" => self.serial = Some(utf8(name, value)?),
            "slot-id" => self.slot_id = Some(number(name, value)?),
            "id" => self.id = Some(value.to_vec()),
            "object" => self.object = Some(utf8(name, value)?),
            // Which of the objects with this id or label is needed, we know ourselves.
            "type" => match value {
                b"private" | b"public" | b"cert" => {}
                _ => return Err(UriError::Value { name: name.to_owned() }),
            },
            _ => return Err(UriError::Unknown { name: name.to_owned() }),
        }
        Ok(())
    }

    fn set_pin(&mut self, name: &str, value: Zeroizing<Vec<u8>>) -> Result<(), UriError> {
        match name {
            "pin-value" | "pin-source" if self.pin.is_some() => Err(UriError::TwoPins),
            "pin-value" => {
                self.pin = Some(PinReference::Value(Pin::from_utf8(value).ok_or(UriError::Pin)?));
                Ok(())
            }
            "pin-source" => {
                self.pin = Some(PinReference::File(pin_file(&utf8(name, &value)?)?));
                Ok(())
            }
            _ => Err(UriError::Unknown { name: name.to_owned() }),
        }
    }
}

fn absolute(name: &str, path: String) -> Result<PathBuf, UriError> {
    let path = PathBuf::from(path);
    if path.is_absolute() { Ok(path) } else { Err(UriError::NotAbsolute { name: name.to_owned() }) }
}

fn file_name(name: &str, module: String) -> Result<String, UriError> {
    let is_plain = !module.is_empty() && !module.contains('/');
    if is_plain { Ok(module) } else { Err(UriError::Value { name: name.to_owned() }) }
}

/// `file:/path`, `file:///path` or `/path`. RFC 7512 also has `|command`, and
/// nothing here runs commands out of a URI.
fn pin_file(source: &str) -> Result<PathBuf, UriError> {
    if source.starts_with('|') {
        return Err(UriError::PinCommand);
    }
    let path = source.strip_prefix("file:").unwrap_or(source);
    let path = path.strip_prefix("//localhost").or_else(|| path.strip_prefix("//")).unwrap_or(path);
    absolute("pin-source", path.to_owned())
}

fn utf8(name: &str, value: &[u8]) -> Result<String, UriError> {
    let text = std::str::from_utf8(value).ok().filter(|text| !text.contains('\0'));
    text.map(str::to_owned).ok_or_else(|| UriError::Value { name: name.to_owned() })
}

fn number(name: &str, value: &[u8]) -> Result<u64, UriError> {
    let text = utf8(name, value)?;
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain).ok_or_else(|| UriError::Value { name: name.to_owned() })
}

/// Strict: a `%` is followed by two hexadecimal digits, and what RFC 3986 does
/// not let stand by itself, such as a space, has to be written so.
fn percent_decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]@!$'()*+,=/?&|".contains(&byte);
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16).and_then(|d| u8::try_from(d).ok());
            decoded.push(digit(bytes.next())? * 16 + digit(bytes.next())?);
        } else if is_plain(byte) {
            decoded.push(byte);
        } else {
            return None;
        }
    }
    Some(decoded)
}

/// The URI in its shortest form, without the PIN.
impl Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text: &str| percent_encode(text.as_bytes());
        let slot = self.slot_id.map(|id| id.to_string());
        let hex = |byte: &u8| format!("%{byte:02X}");
        let id = self.id.as_ref().map(|id| id.iter().map(hex).collect());
        let path = [
            ("token", self.token.as_deref().map(encode)),
            ("manufacturer", self.manufacturer.as_deref().map(encode)),
            ("model", self.model.as_deref().map(encode)),
            ("serial", self.serial.as_deref().map(encode)),
            ("slot-id", slot),
            ("object", self.object.as_deref().map(encode)),
            ("id", id),
        ];
        let path = path.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?)));
        write!(f, "pkcs11:{}", path.collect::<Vec<_>>().join(";"))?;
        match &self.module {
            Some(ModuleReference::Path(path)) => {
                write!(f, "?module-path={}", encode(&path.to_string_lossy()))
            }
            Some(ModuleReference::Name(name)) => write!(f, "?module-name={}", encode(name)),
            None => Ok(()),
        }
    }
}

impl Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({self})")
    }
}

fn percent_encode(bytes: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        byte if byte.is_ascii_alphanumeric() || b"-._~/:@".contains(byte) => char::from(*byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(encode).collect()
}

/// Why a text is not a PKCS#11 URI. It never holds a value: that may be a PIN.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// It does not begin with `pkcs11:`.
    #[error("expected a PKCS#11 URI: pkcs11:token=…;object=…?module-path=/…")]
    Scheme,
    /// Longer than any URI should be.
    #[error("the PKCS#11 URI has more than {MAX_LENGTH} bytes")]
    TooLong,
    /// A part that has no `=`.
    #[error("a part of the PKCS#11 URI is not NAME=VALUE")]
    NotAnAttribute,
    /// An attribute that is not known, or stands on the wrong side of the `?`.
    #[error(
        "the PKCS#11 URI has an attribute \"{}\", which is not known in this place (token, manufacturer, model, serial, slot-id, object, id and type come before the ?, module-path, module-name, pin-source and pin-value after it)",
        name.escape_default()
    )]
    Unknown {
        /// Its name.
        name: String,
    },
    /// An attribute that occurs twice.
    #[error("the PKCS#11 URI has the attribute \"{}\" twice", name.escape_default())]
    Twice {
        /// Its name.
        name: String,
    },
    /// A PIN in the value of another attribute, or before the `?`.
    #[error(
        "the PKCS#11 URI has a PIN in the wrong place: the attributes before the ? are separated by ;, those after it by &"
    )]
    Misplaced,
    /// Something after the PIN, which may belong to it.
    #[error(
        "the PKCS#11 URI has something after pin-value that is no attribute; an & in a PIN is written as %26"
    )]
    AfterPin,
    /// A value that the attribute cannot have.
    #[error(
        "the PKCS#11 URI's value of \"{}\" is malformed (spaces and other special characters are written as %20 and so on)",
        name.escape_default()
    )]
    Value {
        /// The attribute.
        name: String,
    },
    /// A path that depends on the working directory.
    #[error("the PKCS#11 URI's \"{name}\" is not an absolute path")]
    NotAbsolute {
        /// The attribute.
        name: String,
    },
    /// `pin-value` and `pin-source`.
    #[error("the PKCS#11 URI gives two PINs (pin-value and pin-source)")]
    TwoPins,
    /// The PIN is not UTF-8, or empty.
    #[error("the PKCS#11 URI's pin-value is no PIN")]
    Pin,
    /// A command that would print the PIN.
    #[error("the PKCS#11 URI's pin-source is a command, which is not run; name a file")]
    PinCommand,
}

impl UriError {
    /// What stands after the PIN may be a part of it.
    fn without_pin(self, text: &str) -> Self {
        let Some((_, after_pin)) = text.split_once("pin-value=") else { return self };
        match &self {
            Self::Unknown { name } | Self::Twice { name } | Self::Value { name }
                if after_pin.contains(name) =>
            {
                Self::AfterPin
            }
            Self::NotAnAttribute => Self::AfterPin,
            _ => self,
        }
    }
}
