//! `modelseal deny`: what is never admitted, signed.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::policy::{Denied, Deny, DenyList, MAX_DOCUMENT_BYTES};

use modelseal::{
    Cancel, Claim, Clock, Escaped, Fingerprint, IdentityPattern, KeylessSigner, MAX_BUNDLE_BYTES,
    SignedAttestation, SigstoreTrust, Timestamp, Trust, UntrustedBundle, VerifiedSigner, verify_envelope,
};
use modelseal_disk::{Alone, Overwrite, StagedOutput, exists, read_named};
use serde_json::{Value, json};

use super::args::time;
use super::args::{DeniedArgs, DenyAddArgs, DenyRenewArgs, SignerArgs};
use super::failure::{Exit, Failure, Named, Task};
use super::keyless::Publishes;
use super::output::{Report, Terminal};
use super::shapes::{facts_json, log_entries_json, method, times_json};
use super::sign::print_signer;
use super::signer::{self, Chosen, SignerFacts};
use super::text::{GOOD, row, shown};
use super::verify::print_evidence;

/// Looking at the list is what the option asks for.
const RESIGN_HELP: &str =
    "look at the list: --resign takes it as it is, though this signer did not sign it before";
const RESIGN_AFTER_HELP: &str = "look at the list: --resign takes it as it is; what was published stays published, and nothing was written";
const EXPIRES_HELP: &str = "say when it expires: --expires 30d gives it thirty days from now";

/// A deny-list that was written and signed.
pub(crate) struct DenyReport {
    list: PathBuf,
    signature: PathBuf,
    serial: u64,
    entries: usize,
    expires: Timestamp,
    facts: SignerFacts,
    signed: SignedAttestation,
}

pub(crate) fn add(args: &DenyAddArgs, terminal: Terminal, cancel: &Cancel) -> Result<DenyReport, Failure> {
    let expires = args.expires.as_deref().map(expiry).transpose()?;
    let entry = entry(args)?;
    let place = Place::open(&args.list, args.resign, cancel)?;
    let old = match (place.list()?, expires) {
        (Some(list), _) => list,
        (None, Some(expires)) => DenyList::new(expires),
        (None, None) => {
            let problem = "is not there yet, and a new deny-list has to say when it expires";
            return Err(refused(&args.list, &problem).help(EXPIRES_HELP));
        }
    };
    if old.has(&entry) {
        let message = format!("{}: has this entry already", shown(&args.list));
        return Err(Failure::new(Exit::Usage, "exists", message)
            .help("modelseal deny renew gives the list a new serial and another expiry"));
    }
    place.publish(old.and(entry), expires, &args.signer, terminal, cancel)
}

pub(crate) fn renew(
    args: &DenyRenewArgs,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<DenyReport, Failure> {
    let expires = expiry(&args.expires)?;
    let place = Place::open(&args.list, args.resign, cancel)?;
    let Some(old) = place.list()? else {
        let message = format!("{}: no such file or directory", shown(&args.list));
        return Err(Failure::new(Exit::Usage, "not-found", message).help("modelseal deny add begins a list"));
    };
    place.publish(old, Some(expires), &args.signer, terminal, cancel)
}

/// A list and its signature, as they lie there.
struct Place<'a> {
    list: &'a Path,
    signature: PathBuf,
    found: Found,
    /// Whether the list is taken as it is, whoever made it.
    resign: bool,
}

#[derive(Eq, PartialEq)]
struct Found {
    list: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
}

impl Found {
    fn read(list: &Path, signature: &Path, cancel: &Cancel) -> Result<Self, Failure> {
        let read = |path, limit| {
            let bytes = exists(path).then(|| read_named(path, limit, cancel)).transpose();
            bytes.map_err(|error| Failure::input(&error))
        };
        Ok(Self { list: read(list, MAX_DOCUMENT_BYTES)?, signature: read(signature, MAX_BUNDLE_BYTES)? })
    }
}

impl<'a> Place<'a> {
    fn open(list: &'a Path, resign: bool, cancel: &Cancel) -> Result<Self, Failure> {
        let mut signature = list.as_os_str().to_owned();
        signature.push(".sig");
        let signature = PathBuf::from(signature);
        let found = Found::read(list, &signature, cancel)?;
        let place = Self { list, signature, found, resign };
        match (&place.found.list, &place.found.signature) {
            _ if resign => {}
            (Some(_), None) => {
                let problem = "has no signature beside it, so that nobody knows who made it";
                return Err(refused(list, &problem).help(RESIGN_HELP));
            }
            (None, Some(_)) => {
                let problem = "is there, and the list that it should be the signature of is not";
                return Err(refused(&place.signature, &problem)
                    .help("put the list back; --resign begins a new one, and replaces the signature"));
            }
            _ => {}
        }
        Ok(place)
    }

    /// The list, whoever signed it.
    fn list(&self) -> Result<Option<DenyList>, Failure> {
        let list = self.found.list.as_deref().map(DenyList::parse).transpose();
        list.map_err(|error| refused(self.list, &error))
    }

    /// Whether the signature that lies there verifies under `trust`.
    fn check(&self, trust: &Trust) -> Result<(), Failure> {
        let (Some(list), Some(signature), false) = (&self.found.list, &self.found.signature, self.resign)
        else {
            return Ok(());
        };
        let refused = |problem: &dyn Display| refused(&self.signature, problem).help(RESIGN_HELP);
        let bundle = UntrustedBundle::parse(signature).map_err(|error| refused(&error))?;
        let verified = verify_envelope(&bundle, trust).map_err(|error| {
            refused(&format!("is not by the signer that is to sign the list now: {error}"))
        })?;
        DenyList::signed(list, verified).map(drop).map_err(|error| refused(&error))
    }

    /// Signs the list under its next number, and puts both in place.
    fn publish(
        self,
        list: DenyList,
        expires: Option<Timestamp>,
        signer: &SignerArgs,
        terminal: Terminal,
        cancel: &Cancel,
    ) -> Result<DenyReport, Failure> {
        let Some(list) = list.next(expires) else {
            let problem = "has the last serial that there is, so that nothing can follow it";
            return Err(refused(self.list, &problem)
                .help("begin another list, and forget the serial of this one in every lock"));
        };
        if list.expires() <= Clock::system().now() {
            let problem = format!("expires on {}, which is past: it would deny every model", list.expires());
            return Err(refused(self.list, &problem).help(EXPIRES_HELP));
        }
        let text = list.to_toml();
        // What verifiers could not read would deny everything.
        DenyList::parse(text.as_bytes())
            .map_err(|error| refused(self.list, &format!("could not be read any more: {error}")))?;
        let Chosen { signer, facts } = signer::choose(signer, Publishes::Signature, terminal, cancel)?;
        // Who an identity is, only its signature tells.
        let is_identity = matches!(facts, SignerFacts::Identity);
        if !is_identity {
            self.check(&signer.trust())?;
        }
        let name = self.list.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let named = Named { model: self.list, bundle: &self.signature, is_strict: false };
        let signed = modelseal::attest(&list.attest(&name, text.as_bytes()), &*signer)
            .map_err(|error| Task::Signing.failure(error, &named))?;
        let checked = match signed.verified.signer() {
            VerifiedSigner::Sigstore(signer) => {
                self.check(&same_identity(signer)).map_err(|failure| failure.help(RESIGN_AFTER_HELP))
            }
            _ => Ok(()),
        };
        let written = checked.and_then(|()| {
            if let Some(reason) = list.denial_of(&signed.verified) {
                let problem = format!("denies whoever is to sign it: {}", Escaped(&reason));
                return Err(refused(self.list, &problem)
                    .help("a list whose signer is denied denies every model: sign it with another key"));
            }
            self.write(text.as_bytes(), &signed.bundle, cancel)
        });
        written.map_err(|failure| match failure.help {
            None if is_identity => failure.help("what was published stays published; nothing was written"),
            _ => failure,
        })?;
        Ok(DenyReport {
            list: self.list.to_owned(),
            signature: self.signature,
            serial: list.serial(),
            entries: list.entries().len(),
            expires: list.expires(),
            facts,
            signed,
        })
    }

    /// The signature comes first: until the list follows, it is the signature
    /// of another one, under which every model is denied.
    fn write(&self, list: &[u8], bundle: &[u8], cancel: &Cancel) -> Result<(), Failure> {
        let stage = |path, bytes| {
            StagedOutput::new(path, bytes, 0o644, Overwrite::Replace).map_err(|error| Failure::input(&error))
        };
        let (signature, staged) = (stage(&self.signature, bundle)?, stage(self.list, list)?);
        let _alone = Alone::beside(self.list).map_err(|error| Failure::input(&error))?;
        if Found::read(self.list, &self.signature, cancel)? != self.found {
            let message = format!(
                "{}: is not what it was when the command began, and was left as it is",
                shown(self.list)
            );
            return Err(Failure::new(Exit::Undecided, "changed-while-read", message)
                .help("somebody else writes to the list: run the command again"));
        }
        signature.commit().map_err(|error| Failure::input(&error))?;
        staged.commit().map_err(|error| {
            Failure::input(&error).help(
                "its signature is that of the new list already, so that every model is denied: run the command again with --resign",
            )
        })
    }
}

/// Whoever has this identity by the word of the same issuer; of a build, the
/// numbers count too, which names are no substitute for.
fn same_identity(signer: &KeylessSigner) -> Trust {
    let identity = IdentityPattern::exact(signer.identity().as_str());
    let root = signer.trusted_root().clone();
    let trust = SigstoreTrust::identity(root, identity, signer.issuer(), Clock::system());
    let numbers = [Claim::SourceOwnerId, Claim::SourceRepositoryId];
    let numbers = numbers.into_iter().filter_map(|claim| Some((claim, signer.claims().get(claim)?)));
    let trust =
        numbers.fold(trust, |trust, (claim, number)| trust.and_claim(claim, IdentityPattern::exact(number)));
    Trust::sigstore(trust)
}

fn refused(path: &Path, problem: &dyn Display) -> Failure {
    Failure::new(Exit::Usage, "deny-list", format!("{}: {problem}", shown(path)))
}

fn entry(args: &DenyAddArgs) -> Result<Deny, Failure> {
    let since =
        args.since.as_deref().map(|text| time(text).map_err(|error| usage("--since", &error))).transpose()?;
    let what = denied(&args.what)?;
    let spares_bytes = since.is_some() && matches!(what, Denied::Model(_) | Denied::File(_));
    if spares_bytes {
        return Err(usage("--since", &"spares older signatures, but it is the bytes that are denied"));
    }
    Deny::new(what, since, &args.reason).ok_or_else(|| usage("--reason", &"expected 1 to 1000 bytes of text"))
}

fn denied(args: &DeniedArgs) -> Result<Denied, Failure> {
    let fingerprint = |name: &str, text: &Option<String>, help: &'static str| {
        let parse = |text: &String| text.parse::<Fingerprint>();
        text.as_ref().map(parse).transpose().map_err(|error| usage(name, &error).help(help))
    };
    let pattern =
        |name: &str, text: &str| text.parse::<IdentityPattern>().map_err(|error| usage(name, &error));
    let model = args.model.as_ref().map(|text| {
        let help = "modelseal digest MODEL says what the digest of a model is";
        text.parse().map_err(|error| usage("--deny-model", &error).help(help))
    });
    let identity = args.identity.as_ref().map(|text| pattern("--deny-identity", text)).transpose()?;
    let mut claims = Vec::new();
    for text in &args.claim {
        let (claim, value) = claim(text)?;
        if claims.iter().any(|(known, _)| *known == claim) {
            return Err(usage(
                "--deny-claim",
                &format!("asks twice for {claim}: one entry denies one value"),
            ));
        }
        claims.push((claim, pattern("--deny-claim", value)?));
    }
    let issuer = args.issuer.clone();
    let by_identity_name = match (&identity, &issuer) {
        (Some(_), _) => "--deny-identity",
        (None, Some(_)) => "--deny-issuer",
        (None, None) => "--deny-claim",
    };
    let by_identity = (issuer.is_some() || identity.is_some() || !claims.is_empty())
        .then_some(Denied::Identity { issuer, identity, claims });
    let of_file = "sha256sum FILE says what it is: put sha256: before it";
    let of_key = "modelseal inspect and modelseal verify show the fingerprints of keys and certificates";
    let found = [
        ("--deny-model", model.transpose()?.map(Denied::Model)),
        ("--deny-file", fingerprint("--deny-file", &args.file, of_file)?.map(Denied::File)),
        ("--deny-key", fingerprint("--deny-key", &args.key, of_key)?.map(Denied::Key)),
        (
            "--deny-certificate",
            fingerprint("--deny-certificate", &args.certificate, of_key)?.map(Denied::Certificate),
        ),
        (by_identity_name, by_identity),
    ];
    let mut found = found.into_iter().filter_map(|(name, what)| Some((name, what?)));
    match (found.next(), found.next()) {
        (Some((_, what)), None) => Ok(what),
        (Some((first, _)), Some((second, _))) => {
            let message = format!("{first} and {second}: one entry denies one thing");
            Err(Failure::new(Exit::Usage, "usage", message).help("run the command once for each"))
        }
        // The argument parser asks for one.
        (None, _) => Err(usage("deny add", &"nothing to deny was named")),
    }
}

fn claim(text: &str) -> Result<(Claim, &str), Failure> {
    let (code, value) = text.split_once('=').ok_or_else(|| usage("--deny-claim", &"expected CLAIM=VALUE"))?;
    let claim = Claim::of_code(code).ok_or_else(|| {
        let known: Vec<&str> = Claim::codes().collect();
        let problem = format!("\"{}\" is no claim; known are {}", Escaped(code), known.join(", "));
        usage("--deny-claim", &problem)
    })?;
    Ok((claim, value))
}

/// A time, a day, or `30d`.
fn expiry(text: &str) -> Result<Timestamp, Failure> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<i64>().ok())
        .filter(|days| (1..=3660).contains(days));
    if let Some(days) = days {
        let seconds = Clock::system().now().as_second() + days * 24 * 60 * 60;
        return Timestamp::from_second(seconds).map_err(|error| usage("--expires", &error));
    }
    time(text).map_err(|error| usage("--expires", &error))
}

fn usage(name: &str, problem: &dyn Display) -> Failure {
    Failure::new(Exit::Usage, "usage", format!("{name}: {problem}"))
}

impl Report for DenyReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "signed",
            "deny_list": self.list.to_string_lossy(),
            "serial": self.serial,
            "entries": self.entries,
            "expires": self.expires.to_string(),
            "signature": {
                "path": self.signature.to_string_lossy(),
                "method": method(self.signed.verified.signer()),
                "signer": facts_json(&self.facts, self.signed.verified.signer()),
                "times": times_json(self.signed.verified.times()),
                "log_entries": log_entries_json(self.signed.verified.log_entries()),
            },
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let entries = super::text::count(self.entries, "entry", "entries");
        row(out, GOOD, "Signed", format_args!("{}: {entries}, serial {}", shown(&self.list), self.serial))?;
        row(out, GOOD, "Expires", self.expires)?;
        print_signer(out, &self.facts, self.signed.verified.signer())?;
        print_evidence(out, self.signed.verified.times(), self.signed.verified.log_entries())?;
        row(out, GOOD, "Signature", shown(&self.signature))
    }
}
