use std::path::{Path, PathBuf};
use std::rc::Rc;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::slot::{Slot, TokenInfo};

use super::{ModuleReference, Pin, Pkcs11Error, Session, Uri};

/// Where the modules of a system are, for `module-name`.
const MODULE_DIRECTORIES: [&str; 8] = [
    "/usr/lib64/pkcs11",
    "/usr/lib/x86_64-linux-gnu/pkcs11",
    "/usr/lib/aarch64-linux-gnu/pkcs11",
    "/usr/lib/pkcs11",
    "/usr/local/lib/pkcs11",
    "/usr/lib/softhsm",
    "/usr/lib64/softhsm",
    "/usr/local/lib/softhsm",
];

/// A PKCS#11 module: the shared library through which tokens are spoken to.
#[derive(Debug)]
pub struct Module {
    path: PathBuf,
    context: Pkcs11,
    is_ours: bool,
}

impl Module {
    /// Loads the module that a URI names.
    ///
    /// # Errors
    /// [`Pkcs11Error::NoModule`], [`Pkcs11Error::ModuleNotFound`], and those of
    /// [`load`](Self::load).
    #[expect(clippy::disallowed_methods, reason = "asks only whether a module is there; the loader opens it")]
    pub fn of(uri: &Uri) -> Result<Rc<Self>, Pkcs11Error> {
        match uri.module.as_ref().ok_or(Pkcs11Error::NoModule)? {
            ModuleReference::Path(path) => Self::load(path),
            ModuleReference::Name(name) => {
                let candidates =
                    MODULE_DIRECTORIES.map(|directory| Path::new(directory).join(format!("{name}.so")));
                let found = candidates.iter().find(|path| path.exists());
                Self::load(found.ok_or_else(|| Pkcs11Error::ModuleNotFound {
                    name: name.clone(),
                    directories: MODULE_DIRECTORIES.join(", "),
                })?)
            }
        }
    }

    /// Loads and starts the module at an absolute path. Its code runs at once,
    /// with all rights of this process.
    ///
    /// # Errors
    /// [`Pkcs11Error::NotAbsolute`], [`Pkcs11Error::Load`], and whatever the
    /// module reports.
    pub fn load(path: &Path) -> Result<Rc<Self>, Pkcs11Error> {
        if !path.is_absolute() {
            return Err(Pkcs11Error::NotAbsolute { path: path.to_owned() });
        }
        let context = Pkcs11::new(path).map_err(|error| Pkcs11Error::Load {
            path: path.to_owned(),
            reason: match error {
                Error::LibraryLoading(error) => error.to_string(),
                other => other.to_string(),
            },
        })?;
        let is_ours = match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) => true,
            // Somebody else in this process speaks to it, and will end that.
            Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => false,
            Err(error) => return Err(error.into()),
        };
        Ok(Rc::new(Self { path: path.to_owned(), context, is_ours }))
    }

    /// Every initialized token that matches `uri`.
    ///
    /// # Errors
    /// What the module reports.
    pub fn tokens(self: &Rc<Self>, uri: &Uri) -> Result<Vec<Token>, Pkcs11Error> {
        let mut tokens = Vec::new();
        for slot in self.context.get_slots_with_token()? {
            let info = match self.context.get_token_info(slot) {
                Ok(info) => info,
                // Somebody pulled it out, or the slot was never filled.
                Err(Error::Pkcs11(
                    RvError::TokenNotPresent | RvError::DeviceRemoved | RvError::TokenNotRecognized,
                    _,
                )) => continue,
                Err(error) => return Err(error.into()),
            };
            let token = Token { module: Rc::clone(self), slot, info };
            if token.info.token_initialized() && token.matches(uri) {
                tokens.push(token);
            }
        }
        Ok(tokens)
    }

    /// The one token that matches `uri`.
    ///
    /// # Errors
    /// [`Pkcs11Error::NoToken`], [`Pkcs11Error::SeveralTokens`], and what the
    /// module reports.
    pub fn token(self: &Rc<Self>, uri: &Uri) -> Result<Token, Pkcs11Error> {
        let mut tokens = self.tokens(uri)?;
        let uris = |tokens: &[Token]| tokens.iter().map(|token| token.uri().to_string()).collect();
        match tokens.len() {
            1 => Ok(tokens.remove(0)),
            0 => Err(Pkcs11Error::NoToken {
                wanted: uri.to_string(),
                found: uris(&self.tokens(&Uri::default())?),
            }),
            _ => Err(Pkcs11Error::SeveralTokens { wanted: uri.to_string(), found: uris(&tokens) }),
        }
    }

    pub(super) fn context(&self) -> &Pkcs11 {
        &self.context
    }

    pub(super) fn reference(&self) -> ModuleReference {
        ModuleReference::Path(self.path.clone())
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if self.is_ours {
            // The process goes on without the module, whatever it says.
            let _ = self.context.clone().finalize();
        }
    }
}

/// A token in a slot of a module.
#[derive(Clone, Debug)]
pub struct Token {
    module: Rc<Module>,
    slot: Slot,
    info: TokenInfo,
}

impl Token {
    fn matches(&self, uri: &Uri) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&uri.token, self.label())
            && is(&uri.manufacturer, self.info.manufacturer_id())
            && is(&uri.model, self.info.model())
            && is(&uri.serial, self.info.serial_number())
            && uri.slot_id.is_none_or(|id| id == self.slot.id())
    }

    /// Its label. Never print it without escaping it.
    pub fn label(&self) -> &str {
        self.info.label()
    }

    /// Its manufacturer. Never print it without escaping it.
    pub fn manufacturer(&self) -> &str {
        self.info.manufacturer_id()
    }

    /// Its model. Never print it without escaping it.
    pub fn model(&self) -> &str {
        self.info.model()
    }

    /// Its serial number. Never print it without escaping it.
    pub fn serial(&self) -> &str {
        self.info.serial_number()
    }

    /// The slot that it is in.
    pub fn slot_id(&self) -> u64 {
        self.slot.id()
    }

    /// Whether private keys can be used only after a PIN was given.
    pub fn wants_pin(&self) -> bool {
        self.info.login_required()
    }

    /// Whether the PIN is entered at the token itself.
    pub fn has_pin_pad(&self) -> bool {
        self.info.protected_authentication_path()
    }

    /// A URI that names it.
    pub fn uri(&self) -> Uri {
        let serial = Some(self.serial().to_owned()).filter(|serial| !serial.is_empty());
        Uri {
            token: Some(self.label().to_owned()),
            serial,
            module: Some(self.module.reference()),
            ..Uri::default()
        }
    }

    /// Opens a session that is not logged in: private objects are not seen.
    ///
    /// # Errors
    /// What the module reports.
    pub fn open(&self) -> Result<Session, Pkcs11Error> {
        Session::open(Rc::clone(&self.module), self)
    }

    /// Opens a session, and logs in if the token wants that. Without a PIN the
    /// token's PIN pad asks for one. It is tried once.
    ///
    /// # Errors
    /// [`Pkcs11Error::NoPin`], [`Pkcs11Error::WrongPin`],
    /// [`Pkcs11Error::PinLocked`], [`Pkcs11Error::PinFinalTry`] before the PIN
    /// is tried, and what the module reports.
    pub fn log_in(&self, pin: Option<&Pin>) -> Result<Session, Pkcs11Error> {
        let session = self.open()?;
        if self.wants_pin() {
            session.log_in(self, pin)?;
        }
        Ok(session)
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot
    }

    pub(super) fn is_pin_locked(&self) -> bool {
        self.info.user_pin_locked()
    }

    pub(super) fn is_final_try(&self) -> bool {
        self.info.user_pin_final_try()
    }
}
