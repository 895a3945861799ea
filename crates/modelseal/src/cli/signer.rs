//! Who signs: a key in a file or on a token, alone or under a certificate.

use std::path::{Path, PathBuf};

use modelseal::pkcs11::{Module, Pkcs11Error, TokenKey, Uri};
use modelseal::sigstore::{ServiceUrl, ServiceUrlError, TimestampingSigner};
use modelseal::{
    Cancel, Certificate, CertificateError, CertificateSigner, CertificateSignerError, Clock, Escaped,
    KeySigner, PublicKey, Signer, SigningKey,
};

use super::args::{Pkcs11Uri, SignerArgs};
use super::failure::{Exit, Failure};
use super::inputs::{read_certificates, read_private_key};
use super::keyless::Publishes;
use super::output::Terminal;
use super::text::shown;
use super::waiting::Interruptible;
use super::{keyless, secrets};

/// A signer, and what a report says of it.
pub(crate) struct Chosen {
    pub(crate) signer: Box<dyn Signer>,
    pub(crate) facts: SignerFacts,
}

/// What a report says of a signer.
pub(crate) enum SignerFacts {
    /// A bare key.
    Key(PublicKey),
    /// A key, its certificate, and what goes with that.
    Certificate(PublicKey, Box<Certificate>, Vec<Certificate>),
    /// An identity: the signature tells which.
    Identity,
}

/// What `--certificate` and `--chain` name.
pub(crate) struct CertificateFiles<'a> {
    pub(crate) leaf: LeafSource<'a>,
    pub(crate) chain: &'a [PathBuf],
}

/// Where the signing certificate is.
pub(crate) enum LeafSource<'a> {
    File(&'a Path),
    /// On the token, under the id of the key.
    Token,
}

pub(crate) fn choose(
    args: &SignerArgs,
    publishes: Publishes,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<Chosen, Failure> {
    check_combination(args)?;
    let authorities = args.with.timestamp_url.iter().map(|url| timestamp_authority(url));
    let authorities = authorities.collect::<Result<Vec<_>, _>>()?;
    if args.key.is_none() && args.with.pkcs11.is_none() {
        return keyless::choose(args, publishes, terminal, cancel);
    }
    let chosen = choose_key(args, cancel)?;
    if authorities.is_empty() {
        return Ok(chosen);
    }
    let timeouts = keyless::timeouts(args.with.keyless.timeout);
    let signer = TimestampingSigner::new(chosen.signer, authorities, timeouts);
    Ok(Chosen { signer: Box::new(Interruptible(signer)), ..chosen })
}

fn timestamp_authority(url: &str) -> Result<ServiceUrl, Failure> {
    url.parse().map_err(|error: ServiceUrlError| {
        Failure::new(Exit::Usage, "usage", format!("--timestamp-url {}: {error}", Escaped(url)))
    })
}

fn choose_key(args: &SignerArgs, cancel: &Cancel) -> Result<Chosen, Failure> {
    let leaf = match (&args.with.certificate, args.with.token_certificate) {
        (Some(file), _) => Some(LeafSource::File(file)),
        (None, true) => Some(LeafSource::Token),
        (None, false) => None,
    };
    let certificate = leaf.map(|leaf| CertificateFiles { leaf, chain: &args.with.chain });
    match (&args.key, &args.with.pkcs11) {
        (Some(key), _) => with_key(
            read_private_key(key, args.with.passphrase_file.as_deref(), cancel)?,
            None,
            certificate,
            cancel,
        ),
        (None, uri) => {
            let uri = uri.as_ref().map(Pkcs11Uri::parse).transpose()?.unwrap_or_default();
            with_token(&uri, certificate, cancel)
        }
    }
}

/// What the argument parser cannot say.
fn check_combination(args: &SignerArgs) -> Result<(), Failure> {
    let usage = |message: &str| Err(Failure::new(Exit::Usage, "usage", message));
    if args.with.token_certificate && args.with.pkcs11.is_none() {
        return usage("--token-certificate is for a key on a token: name it with --pkcs11 URI");
    }
    let has_key = args.key.is_some() || args.with.pkcs11.is_some();
    if args.with.certificate.is_some() && !has_key {
        return usage("--certificate belongs to a key: name it with --key KEY, or --pkcs11 URI");
    }
    if !args.with.timestamp_url.is_empty() && !has_key {
        return usage(
            "--timestamp-url is for keys: an identity has the timestamp authorities of its instance",
        );
    }
    if has_key && (args.instance.is_named() || args.with.keyless.signing_config.is_some()) {
        return usage("a key needs no Sigstore instance: leave either out");
    }
    if !args.with.chain.is_empty() && args.with.certificate.is_none() && !args.with.token_certificate {
        return usage(
            "--chain belongs to a certificate: name it with --certificate PEM, or use --token-certificate",
        );
    }
    Ok(())
}

/// A key on the token that `uri` names.
pub(crate) fn with_token(
    uri: &Uri,
    certificate: Option<CertificateFiles<'_>>,
    cancel: &Cancel,
) -> Result<Chosen, Failure> {
    let known = match &certificate {
        Some(CertificateFiles { leaf: LeafSource::File(path), .. }) => {
            read_certificates(path, cancel)?.first().and_then(|leaf| leaf.public_key().ok())
        }
        _ => None,
    };
    let key = open_token_key(uri, known, cancel)?;
    let now = Clock::system().now();
    let is_valid =
        |certificate: &&Certificate| (certificate.not_before()..=certificate.not_after()).contains(&now);
    let on_token = key.certificates().iter().find(is_valid).or(key.certificates().first()).cloned();
    with_key(key, on_token, certificate, cancel)
}

pub(crate) fn open_token_key(
    uri: &Uri,
    known: Option<PublicKey>,
    cancel: &Cancel,
) -> Result<TokenKey, Failure> {
    let token =
        Module::of(uri).and_then(|module| module.token(uri)).map_err(|error| pkcs11_failure(&error))?;
    let pin = secrets::pin(uri, &token, cancel)?;
    token
        .log_in(pin.as_ref())
        .and_then(|session| session.key(uri, known))
        .map_err(|error| pkcs11_failure(&error))
}

pub(crate) fn with_key<K: SigningKey + 'static>(
    key: K,
    on_token: Option<Certificate>,
    certificate: Option<CertificateFiles<'_>>,
    cancel: &Cancel,
) -> Result<Chosen, Failure> {
    let public = key.public_key().clone();
    let Some(files) = certificate else {
        return Ok(Chosen { signer: Box::new(KeySigner::new(key)), facts: SignerFacts::Key(public) });
    };
    let (name, leaf, mut chain) = match files.leaf {
        LeafSource::File(path) => {
            let mut certificates = read_certificates(path, cancel)?;
            (shown(path), certificates.remove(0), certificates)
        }
        LeafSource::Token => {
            let leaf = on_token.ok_or_else(no_certificate_on_token)?;
            ("the certificate on the token".to_owned(), leaf, vec![])
        }
    };
    for path in files.chain {
        chain.extend(read_certificates(path, cancel)?);
    }
    let signer = CertificateSigner::new(key, leaf, chain, Clock::system())
        .map_err(|error| certificate_failure(&name, &error))?;
    let facts = SignerFacts::Certificate(public, Box::new(signer.leaf().clone()), signer.chain().to_vec());
    Ok(Chosen { facts, signer: Box::new(signer) })
}

fn no_certificate_on_token() -> Failure {
    Failure::new(Exit::Usage, "certificate", "the token holds no certificate of the key under its id")
        .help("name a file with --certificate, or put the certificate on the token with the id of its key")
}

fn certificate_failure(name: &str, error: &CertificateSignerError) -> Failure {
    let help = match error {
        CertificateSignerError::OtherKey { .. } => "name the private key that belongs to this certificate",
        CertificateSignerError::Key { .. } => {
            "ask your certificate authority for one with a key on P-256, P-384 or P-521"
        }
        CertificateSignerError::TooMany { .. } => {
            "leave out what does not lie between the certificate and the root"
        }
        CertificateSignerError::Chain { .. } => "name the certificate of that issuer with --chain",
        CertificateSignerError::Certificate(CertificateError::NotOnPath { .. }) => {
            "leave it out, or name with --chain what is missing before it"
        }
        CertificateSignerError::Certificate(
            CertificateError::Expired { .. } | CertificateError::NotYetValid { .. },
        ) => "sign with a certificate that is valid today",
        _ => "ask your certificate authority for a certificate that may sign code",
    };
    Failure::new(Exit::Usage, "certificate", format!("{name}: {error}")).help(help)
}

pub(crate) fn pkcs11_failure(error: &Pkcs11Error) -> Failure {
    let (exit, code, help) = match error {
        Pkcs11Error::NoModule | Pkcs11Error::ModuleNotFound { .. } | Pkcs11Error::NotAbsolute { .. } => (
            Exit::Usage,
            "pkcs11-module",
            "name the vendor's module by its full path: …?module-path=/usr/lib/….so",
        ),
        Pkcs11Error::Load { .. } => {
            (Exit::Usage, "pkcs11-module", "is it the vendor's PKCS#11 module, for this system?")
        }
        Pkcs11Error::NoToken { .. } | Pkcs11Error::SeveralTokens { .. } => (
            Exit::Usage,
            "pkcs11-token",
            "modelseal pkcs11 list MODULE shows the tokens; serial=… tells twins apart",
        ),
        Pkcs11Error::NoKey { .. } | Pkcs11Error::SeveralKeys { .. } => (
            Exit::Usage,
            "pkcs11-key",
            "modelseal pkcs11 list URI --login shows the keys; id=… tells them apart",
        ),
        Pkcs11Error::NoPublicKey { .. } => (
            Exit::Usage,
            "pkcs11-key",
            "put the public key or the certificate on the token, with the id of the private key, or name --certificate",
        ),
        Pkcs11Error::WrongPin { .. } => {
            (Exit::Usage, "pin", "nothing was tried again: too many wrong attempts lock the token")
        }
        Pkcs11Error::PinLocked { .. } => (Exit::Usage, "pin", "unlock it with the token's own tool"),
        Pkcs11Error::PinFinalTry { .. } => {
            (Exit::Usage, "pin", "log in once with the token's own tool, which gives the attempts back")
        }
        Pkcs11Error::NoPin { .. } => (Exit::Usage, "pin", "give the PIN with pin-source=… in the URI"),
        Pkcs11Error::Removed => (Exit::Undecided, "pkcs11-token", "put the token back, and start again"),
        Pkcs11Error::PublicKey { .. } | Pkcs11Error::Algorithm { .. } | Pkcs11Error::Unusable { .. } => {
            (Exit::Usage, "pkcs11-key", "models are signed by keys on P-256, P-384 or P-521, or by Ed25519")
        }
        _ => (Exit::Undecided, "pkcs11", "ask the token's own tool whether it is well"),
    };
    Failure::new(exit, code, error.to_string()).help(help)
}
