//! Signing for an identity: which Sigstore, whose identity, and whether they
//! want it published.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use modelseal::sigstore::{
    AmbientIdentity, IdentityError, IdentityProvider, IdentityToken, InstanceError, InteractiveIdentity,
    SIGSTORE_AUDIENCE, ServiceUrl, SigstoreError, SigstoreInstance, SigstoreSigner, Timeouts,
};
use modelseal::{Cancel, Clock, Escaped, FulcioCertificate, SignError, Timestamp};
use modelseal_disk::read_named;
use zeroize::Zeroizing;

use super::args::{InstanceArgs, SignerArgs};
use super::failure::{Exit, Failure};
use super::output::Terminal;
use super::secrets;
use super::signer::{Chosen, SignerFacts};
use super::signing_failure::signing_failure;
use super::text::{WARN, shown};
use super::trusted_root::{kept, read_trust_file, trusted_root};
use super::waiting::{Interruptible, Waiting};

const MAX_TOKEN_BYTES: u64 = 64 * 1024;

/// Where the identity comes from, and how much is said of it.
pub(crate) struct Login<'a> {
    pub(crate) token: Option<Zeroizing<String>>,
    pub(crate) ambient: Ambient,
    pub(crate) oob: bool,
    /// Another client of the issuer than `sigstore`, and its secret.
    pub(crate) client: Option<(&'a str, Option<Zeroizing<String>>)>,
    pub(crate) announce: Announce,
    pub(crate) publishes: Publishes,
}

/// What goes into public logs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Publishes {
    /// One signature.
    Signature,
    /// The signature of a model, and that of its release.
    SignatureAndRelease,
}

impl Publishes {
    /// What is said of an identity before it happens.
    const fn warning(self) -> &'static str {
        match self {
            Self::Signature => "goes into public logs with this signature, and stays there for ever",
            Self::SignatureAndRelease => {
                "goes into public logs with two signatures, of the model and of its release: two log entries,\n            which stay there for ever"
            }
        }
    }
}

/// Whether the identity of a CI job is looked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ambient {
    /// It is taken if there is one.
    Preferred,
    /// It is passed over.
    Ignored,
}

/// What is said before an identity is published.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Announce {
    /// It is said, and somebody at a terminal is asked.
    Ask,
    /// It is said.
    Tell,
    /// Nothing is said.
    Quiet,
}

/// What `modelseal sign` was told.
pub(crate) fn choose(
    args: &SignerArgs,
    publishes: Publishes,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<Chosen, Failure> {
    let keyless = &args.with.keyless;
    let instance = instance(&args.instance, keyless.signing_config.as_deref(), cancel)?;
    let token = match (&keyless.identity_token, &keyless.identity_token_file) {
        (Some(token), _) => Some(token.0.clone()),
        (None, Some(file)) => Some(read_token(file, cancel)?),
        (None, None) => None,
    };
    // Who wants quiet has not yet said yes.
    let announce = match (keyless.yes, terminal.is_quiet()) {
        (true, true) => Announce::Quiet,
        (true, false) => Announce::Tell,
        (false, _) => Announce::Ask,
    };
    let ambient = if keyless.oob { Ambient::Ignored } else { Ambient::Preferred };
    let login = Login { token, ambient, oob: keyless.oob, client: None, announce, publishes };
    signer(instance.with_timeouts(timeouts(keyless.timeout)), login)
}

/// A service may be silent for as long as it may take in all.
pub(crate) fn timeouts(total: Duration) -> Timeouts {
    let usual = Timeouts::default();
    Timeouts { connect: usual.connect.min(total), read: total, total }
}

/// A signer for whoever logs in. Where nobody has to be asked, the identity is
/// looked at before an hour of hashing.
pub(crate) fn signer(instance: SigstoreInstance, login: Login<'_>) -> Result<Chosen, Failure> {
    let Login { token, ambient, oob, client, announce, publishes } = login;
    let timeouts = *instance.timeouts();
    let audience = client.as_ref().map_or(SIGSTORE_AUDIENCE, |(id, _)| id).to_owned();
    let failure = |error: IdentityError| signing_failure(&SignError::from(SigstoreError::from(error)));
    let ambient = match ambient {
        Ambient::Ignored => None,
        _ if token.is_some() => None,
        Ambient::Preferred => AmbientIdentity::detect(|name| std::env::var_os(name), timeouts)
            .map_err(|error| failure(error.into()))?,
    };
    let is_interactive = token.is_none() && ambient.is_none();
    let provider: Box<dyn IdentityProvider> = match (token, ambient) {
        (Some(token), _) => {
            Box::new(IdentityToken::parse(&token, &audience, now()).map_err(|error| failure(error.into()))?)
        }
        (None, Some(ambient)) => Box::new(ambient),
        (None, None) => {
            let issuer = instance.oidc_issuer(now()).map_err(|error| instance_failure(&error))?;
            interactive(issuer, oob, client, timeouts)?
        }
    };
    let announced = Announced { provider, announce, publishes, said: Mutex::new(None) };
    let signer = SigstoreSigner::new(instance, Box::new(announced), now);
    if !is_interactive {
        let _waiting = Waiting::now();
        signer.token().map_err(|error| signing_failure(&error))?;
    }
    Ok(Chosen { signer: Box::new(Interruptible(signer)), facts: SignerFacts::Identity })
}

/// The services and the trusted root that are named, else those of the public
/// instance.
pub(crate) fn instance(
    args: &InstanceArgs,
    signing_config: Option<&Path>,
    cancel: &Cancel,
) -> Result<SigstoreInstance, Failure> {
    let named = |path: &Path, instance: Result<_, InstanceError>| {
        instance.map_err(|error| {
            let failure = instance_failure(&error);
            Failure { message: format!("{}: {}", shown(path), failure.message), ..failure }
        })
    };
    if let Some(path) = &args.trust_config {
        return named(path, SigstoreInstance::from_client_trust_config(&read_trust_file(path, cancel)?));
    }
    match (&args.trusted_root, signing_config) {
        (Some(_), Some(config)) => {
            let root = trusted_root(args, cancel)?;
            return named(config, SigstoreInstance::from_configs(root, &read_trust_file(config, cancel)?));
        }
        (Some(_), None) => {
            let message = "--trusted-root says whom verifiers believe, and signing needs services too";
            return Err(Failure::new(Exit::Usage, "usage", message)
                .help("name them with --signing-config FILE, or both in one with --trust-config FILE"));
        }
        _ => {}
    }
    let embedded = if args.staging { SigstoreInstance::staging() } else { SigstoreInstance::production() };
    let Some(kept) = kept(args.staging)? else { return Ok(embedded) };
    match &kept.signing_config_json {
        Some(config) => SigstoreInstance::from_configs(kept.trusted_root, config)
            .map_err(|error| instance_failure(&error)),
        None => Ok(embedded.with_trusted_root(kept.trusted_root)),
    }
}

pub(crate) fn instance_failure(error: &InstanceError) -> Failure {
    let help = match error {
        InstanceError::MediaType { found, .. } if found.contains("clienttrustconfig") => {
            "this is a client trust configuration: name it with --trust-config"
        }
        InstanceError::MediaType { found, .. } if found.contains("trustedroot") => {
            "this is a trusted root: name it with --trusted-root, and the services with --signing-config"
        }
        InstanceError::MediaType { found, .. } if found.contains("signingconfig") => {
            "this is a signing configuration: name it with --signing-config, and the root with --trusted-root"
        }
        InstanceError::NoTimestampAuthority { .. } | InstanceError::NoService { .. } => {
            "ask the operator of the Sigstore instance for a current signing configuration; nothing was published"
        }
        _ => "ask the operator of the Sigstore instance for the file",
    };
    Failure::new(Exit::Usage, "signing-config", error.to_string()).help(help)
}

/// To the second, as tokens and certificates have it.
fn now() -> Timestamp {
    Clock::system().now()
}

fn read_token(file: &Path, cancel: &Cancel) -> Result<Zeroizing<String>, Failure> {
    let bytes = read_named(file, MAX_TOKEN_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    let bytes = Zeroizing::new(bytes);
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        Failure::new(Exit::Usage, "identity-token", format!("{}: is not an identity token", shown(file)))
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

fn interactive(
    issuer: ServiceUrl,
    oob: bool,
    client: Option<(&str, Option<Zeroizing<String>>)>,
    timeouts: Timeouts,
) -> Result<Box<dyn IdentityProvider>, Failure> {
    let identity = if oob {
        InteractiveIdentity::out_of_band(issuer, show_url, || secrets::line("Code: "))
    } else {
        if !io::stderr().is_terminal() {
            let message =
                "no key was named, no CI job speaks for an identity, and there is no terminal to log in at";
            return Err(Failure::new(Exit::Usage, "no-identity", message).help(
                "--key KEY or --pkcs11 URI names a key; --identity-token-file FILE an identity; --oob logs in elsewhere",
            ));
        }
        InteractiveIdentity::browser(issuer, |url| {
            let _ = writeln!(
                anstream::stderr(),
                "Log in with your browser. If none opens, go to\n  {}",
                Escaped(url)
            );
            // The URL stands there for whoever has no browser here.
            let _ = open::that_detached(url);
        })
    };
    let identity = match client {
        Some((id, secret)) => identity.with_client(id, secret),
        None => identity,
    };
    Ok(Box::new(identity.with_timeouts(timeouts)))
}

fn show_url(url: &str) {
    let _ =
        writeln!(anstream::stderr(), "Log in at\n  {}\nand type the code that is shown there.", Escaped(url));
}

/// Says which identity is about to be published, before any service sees it,
/// and again if the certificate authority makes another of it.
struct Announced {
    provider: Box<dyn IdentityProvider>,
    announce: Announce,
    publishes: Publishes,
    /// The identity and the issuer that were said.
    said: Mutex<Option<(String, String)>>,
}

impl IdentityProvider for Announced {
    fn token(&self, now: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        let token = self.provider.token(now)?;
        // A token that was fetched anew speaks for whom the first spoke for.
        if self.said().is_none() {
            self.say(token.identity(), token.issuer())?;
        }
        Ok(token)
    }

    fn certified(&self, certificate: &FulcioCertificate) -> Result<(), IdentityError> {
        let certified = (certificate.identity().as_str(), certificate.issuer());
        match self.said() {
            Some((identity, issuer)) if certified == (&identity, &issuer) => Ok(()),
            _ => self.say(certified.0, certified.1).map_err(|_| IdentityError::DeclinedCertified),
        }
    }
}

impl Announced {
    fn said(&self) -> Option<(String, String)> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn say(&self, identity: &str, issuer: &str) -> Result<(), IdentityError> {
        let said = Some((identity.to_owned(), issuer.to_owned()));
        if self.announce != Announce::Quiet {
            self.ask(&Escaped(identity), &Escaped(issuer))?;
        }
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
        Ok(())
    }

    fn ask(&self, identity: &Escaped<'_>, issuer: &Escaped<'_>) -> Result<(), IdentityError> {
        let _ = writeln!(
            anstream::stderr(),
            "{WARN}Identity{WARN:#}    {identity}, by the word of {issuer}\n            {}",
            self.publishes.warning()
        );
        if self.announce == Announce::Tell || !io::stdin().is_terminal() {
            return Ok(());
        }
        let answer = secrets::line("Publish it? [y/N] ").unwrap_or_default();
        let is_yes = ["y", "yes"].iter().any(|yes| answer.trim().eq_ignore_ascii_case(yes));
        if is_yes { Ok(()) } else { Err(IdentityError::Declined) }
    }
}
