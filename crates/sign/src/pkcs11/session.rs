use std::fmt::{self, Debug};
use std::rc::Rc;

use cryptoki::error::{Error, RvError};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use modelseal_verify::{Certificate, KeyAlgorithm, PublicKey, UnsupportedAlgorithm};
use pkcs8::der::Decode;
use pkcs8::der::asn1::{ObjectIdentifier, OctetStringRef, PrintableStringRef};
use zeroize::Zeroizing;

use super::key::common_key;
use super::{Module, Pkcs11Error, Token, TokenKey, Uri};

/// Identifies Ed25519 in `CKA_EC_PARAMS` (RFC 8410).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// The same by the name that PKCS#11 3.0 has for it.
const ED25519_NAME: &str = "edwards25519";

/// A PIN. It is wiped from memory when it is dropped, and never shown.
#[derive(Clone, Eq, PartialEq)]
pub struct Pin(Zeroizing<String>);

impl Pin {
    /// Takes the PIN.
    pub fn new(pin: impl Into<Zeroizing<String>>) -> Self {
        Self(pin.into())
    }

    pub(super) fn from_utf8(mut bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        let text = String::from_utf8(std::mem::take(&mut *bytes)).ok().filter(|text| !text.is_empty());
        text.map(|text| Self(Zeroizing::new(text)))
    }

    fn to_auth_pin(&self) -> AuthPin {
        AuthPin::from(self.0.as_str())
    }
}

impl Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// A session with a token. It ends, and logs out, when it is dropped.
#[derive(Debug)]
pub struct Session {
    // Before the module, which must not end earlier.
    pub(super) handle: cryptoki::session::Session,
    token: Uri,
    module: Rc<Module>,
}

impl Session {
    pub(super) fn open(module: Rc<Module>, token: &Token) -> Result<Self, Pkcs11Error> {
        let handle = module.context().open_ro_session(token.slot())?;
        Ok(Self { handle, token: token.uri(), module })
    }

    pub(super) fn log_in(&self, token: &Token, pin: Option<&Pin>) -> Result<(), Pkcs11Error> {
        let label = || token.label().escape_default().to_string();
        if pin.is_none() && !token.has_pin_pad() {
            return Err(Pkcs11Error::NoPin { token: label() });
        }
        if token.is_pin_locked() {
            return Err(Pkcs11Error::PinLocked { token: label() });
        }
        if token.is_final_try() {
            return Err(Pkcs11Error::PinFinalTry { token: label() });
        }
        let pin = pin.map(Pin::to_auth_pin);
        match self.handle.login(UserType::User, pin.as_ref()) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid, _)) => {
                let after = self.module.context().get_token_info(token.slot());
                let is_low = after.is_ok_and(|info| info.user_pin_count_low() || info.user_pin_final_try());
                Err(Pkcs11Error::WrongPin { token: label(), is_low })
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => Err(Pkcs11Error::PinLocked { token: label() }),
            Err(error) => Err(error.into()),
        }
    }

    /// The private key that matches `uri`, ready to sign. `public` is its public
    /// half as somebody else knows it, for tokens that do not.
    ///
    /// # Errors
    /// [`Pkcs11Error::NoKey`], [`Pkcs11Error::SeveralKeys`],
    /// [`Pkcs11Error::NoPublicKey`], [`Pkcs11Error::Unusable`], a key of
    /// another kind, and what the module reports.
    pub fn key(self, uri: &Uri, public: Option<PublicKey>) -> Result<TokenKey, Pkcs11Error> {
        let keys: Vec<Object> = self.objects(uri)?.into_iter().filter(Object::is_private).collect();
        let uris = |keys: &[Object]| keys.iter().map(|key| key.uri.to_string()).collect();
        match &keys[..] {
            [key] => TokenKey::new(self, key, public),
            [] => {
                let all: Vec<Object> =
                    self.objects(&Uri::default())?.into_iter().filter(Object::is_private).collect();
                Err(Pkcs11Error::NoKey { wanted: uri.to_string(), found: uris(&all) })
            }
            several => Err(Pkcs11Error::SeveralKeys { wanted: uri.to_string(), found: uris(several) }),
        }
    }

    /// The public key that matches `uri`, or that of the certificate that does,
    /// as far as this session sees them; `None` if there is neither.
    ///
    /// # Errors
    /// [`Pkcs11Error::SeveralKeys`], a key of another kind, and what the module
    /// reports.
    pub fn public_key(&self, uri: &Uri) -> Result<Option<PublicKey>, Pkcs11Error> {
        let objects = self.objects(uri)?;
        let keys: Vec<&Object> =
            objects.iter().filter(|object| object.kind == ObjectKind::PublicKey).collect();
        match &keys[..] {
            [key] => key.public_key().map(Some),
            [] => {
                let certificates = objects.iter().filter_map(Object::certificate);
                let certificates: Vec<Certificate> =
                    certificates.filter_map(|der| Certificate::from_der(der).ok()).collect();
                Ok(common_key(&certificates))
            }
            several => Err(Pkcs11Error::SeveralKeys {
                wanted: uri.to_string(),
                found: several.iter().map(|key| key.uri.to_string()).collect(),
            }),
        }
    }

    /// The keys and certificates that this session sees and that match `uri`.
    ///
    /// # Errors
    /// What the module reports.
    pub fn objects(&self, uri: &Uri) -> Result<Vec<Object>, Pkcs11Error> {
        let mut template = Vec::new();
        template.extend(uri.id.as_ref().map(|id| Attribute::Id(id.clone())));
        template.extend(uri.object.as_ref().map(|label| Attribute::Label(label.clone().into_bytes())));
        let mut objects = Vec::new();
        for (class, kind) in [
            (ObjectClass::PRIVATE_KEY, ObjectKind::PrivateKey),
            (ObjectClass::PUBLIC_KEY, ObjectKind::PublicKey),
            (ObjectClass::CERTIFICATE, ObjectKind::Certificate),
        ] {
            let template: Vec<_> = template.iter().cloned().chain([Attribute::Class(class)]).collect();
            for handle in self.handle.find_objects(&template)? {
                objects.push(self.object(handle, kind)?);
            }
        }
        Ok(objects)
    }

    fn object(&self, handle: ObjectHandle, kind: ObjectKind) -> Result<Object, Pkcs11Error> {
        let wanted = match kind {
            ObjectKind::PrivateKey => &[
                AttributeType::Id,
                AttributeType::Label,
                AttributeType::KeyType,
                AttributeType::EcParams,
                AttributeType::Sign,
                AttributeType::AlwaysAuthenticate,
            ][..],
            ObjectKind::PublicKey => &[
                AttributeType::Id,
                AttributeType::Label,
                AttributeType::KeyType,
                AttributeType::EcParams,
                AttributeType::EcPoint,
            ],
            ObjectKind::Certificate => &[AttributeType::Id, AttributeType::Label, AttributeType::Value],
        };
        let mut object = Object {
            kind,
            uri: self.token.clone(),
            handle,
            key_type: None,
            parameters: None,
            point: None,
            value: None,
            may_sign: None,
            always_authenticate: false,
        };
        for attribute in self.handle.get_attributes(handle, wanted)? {
            object.take(attribute);
        }
        Ok(object)
    }
}

/// What an object on a token is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ObjectKind {
    /// A private key, which stays on the token.
    PrivateKey,
    /// A public key.
    PublicKey,
    /// A certificate.
    Certificate,
}

/// A key or a certificate on a token.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// A URI that names it, on its token.
    pub uri: Uri,
    pub(super) handle: ObjectHandle,
    key_type: Option<KeyType>,
    parameters: Option<Vec<u8>>,
    point: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    may_sign: Option<bool>,
    always_authenticate: bool,
}

impl Object {
    fn take(&mut self, attribute: Attribute) {
        match attribute {
            Attribute::Id(id) => self.uri.id = Some(id).filter(|id| !id.is_empty()),
            Attribute::Label(label) => {
                let label = String::from_utf8(label).ok().filter(|label| !label.is_empty());
                self.uri.object = label.map(|label| label.trim_end_matches('\0').to_owned());
            }
            Attribute::KeyType(key_type) => self.key_type = Some(key_type),
            Attribute::EcParams(parameters) => self.parameters = Some(parameters),
            Attribute::EcPoint(point) => self.point = Some(point),
            Attribute::Value(value) => self.value = Some(value),
            Attribute::Sign(may_sign) => self.may_sign = Some(may_sign),
            Attribute::AlwaysAuthenticate(always) => self.always_authenticate = always,
            _ => {}
        }
    }

    pub(super) fn is_private(&self) -> bool {
        self.kind == ObjectKind::PrivateKey
    }

    /// The kind of key, of a key.
    ///
    /// # Errors
    /// [`UnsupportedAlgorithm`] for keys that sign no models.
    pub fn algorithm(&self) -> Result<KeyAlgorithm, UnsupportedAlgorithm> {
        let unsupported = |found: &str| UnsupportedAlgorithm { found: found.to_owned() };
        let parameters = self.parameters.as_deref().unwrap_or_default();
        let curve = ObjectIdentifier::from_der(parameters).ok();
        match self.key_type {
            Some(KeyType::EC) => KeyAlgorithm::from_curve(
                curve.ok_or_else(|| unsupported("a curve given by explicit parameters"))?,
            ),
            Some(KeyType::EC_EDWARDS) => {
                let name = PrintableStringRef::from_der(parameters).ok();
                let is_ed25519 =
                    curve == Some(ED25519) || name.is_some_and(|name| name.as_str() == ED25519_NAME);
                if is_ed25519 {
                    Ok(KeyAlgorithm::Ed25519)
                } else {
                    Err(unsupported("an Edwards curve other than Ed25519"))
                }
            }
            Some(KeyType::RSA) => Err(unsupported("RSA")),
            _ => Err(unsupported("a key of this type")),
        }
    }

    /// Whether it can sign models: `Err` says why it cannot.
    ///
    /// # Errors
    /// The reason.
    pub fn check_can_sign(&self) -> Result<(), Pkcs11Error> {
        let unusable = |reason| Pkcs11Error::Unusable { key: self.uri.to_string(), reason };
        self.algorithm().map_err(|source| Pkcs11Error::Algorithm { key: self.uri.to_string(), source })?;
        if self.may_sign == Some(false) {
            return Err(unusable("it is not meant for signatures (CKA_SIGN is false)"));
        }
        if self.always_authenticate {
            return Err(unusable(
                "it wants its PIN at every signature (CKA_ALWAYS_AUTHENTICATE), which is not supported; use another slot or PIN policy",
            ));
        }
        Ok(())
    }

    pub(super) fn public_key(&self) -> Result<PublicKey, Pkcs11Error> {
        let key = || self.uri.to_string();
        let algorithm = self.algorithm().map_err(|source| Pkcs11Error::Algorithm { key: key(), source })?;
        let point = self.point.as_deref().unwrap_or_default();
        // An OCTET STRING that holds the point, by the standard; some modules leave the wrapping out.
        let inner = OctetStringRef::from_der(point).map_or(point, |inner| inner.as_bytes());
        PublicKey::from_point(algorithm, inner)
            .or_else(|_| PublicKey::from_point(algorithm, point))
            .map_err(|source| Pkcs11Error::PublicKey { key: key(), source })
    }

    /// The DER of a certificate.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.value.as_deref().filter(|_| self.kind == ObjectKind::Certificate)
    }
}
