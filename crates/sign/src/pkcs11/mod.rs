//! Keys that never leave a token: smart cards, USB tokens and hardware
//! security modules behind a PKCS#11 module.
//!
//! ```text
//! Module --token(Uri)--> Token --log_in(Pin)--> Session --key(Uri)--> TokenKey: SigningKey
//! ```
//!
//! A module is a shared library that runs inside of this process with all its
//! rights: load only what the user named by an absolute path. The PIN is given
//! to the token once; when it is wrong, nothing tries again.

mod error;
mod key;
mod module;
mod session;
mod uri;

pub use error::Pkcs11Error;
pub use key::TokenKey;
pub use module::{Module, Token};
pub use session::{Object, ObjectKind, Pin, Session};
pub use uri::{ModuleReference, PinReference, Uri, UriError};
