use std::collections::HashMap;
use std::fmt::{Display, Write as _};

use jiff::Timestamp;
use modelseal_bundle::{Attestation, AttestationError, UntrustedBundle};
use modelseal_manifest::{Escaped, ModelDigest, Sha256Digest};
use modelseal_predicate::{DenyListRelease, Fingerprint, PredicateError, file_subject, is_about_file};
use modelseal_verify::{Claim, IdentityPattern, VerifiedAttestation, VerifiedEnvelope};

use crate::Materials;

use crate::document::{self, DocumentError, Field, quoted};
use crate::publisher::{Publisher, read_claims, read_pattern};
use crate::signer::SignerFacts;

/// The version of deny-lists that is read and written.
const VERSION: u64 = 1;
const HEADER: &str =
    "# What is never admitted, and why. Written by `modelseal deny`; its signature is beside it.\n";
/// The highest number of a document: TOML has none above it.
const MAX_SERIAL: u64 = i64::MAX.unsigned_abs();
/// The most bytes of a reason.
const MAX_REASON: usize = 1000;

/// What is never admitted, and why (`spec/policy.md`).
#[derive(Clone, Debug)]
pub struct Deny {
    what: Denied,
    since: Option<Timestamp>,
    reason: String,
}

/// What a denial is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Denied {
    /// The bytes of a model.
    Model(ModelDigest),
    /// The bytes of one file, by their SHA-256.
    File(Fingerprint),
    /// The holder of a key, by the SHA-256 of its SPKI.
    Key(Fingerprint),
    /// A certificate, of a signer or of an authority.
    Certificate(Fingerprint),
    /// Identities of which all of this holds; at least one thing is asked.
    Identity {
        /// Who vouches for them.
        issuer: Option<String>,
        /// Who they are.
        identity: Option<IdentityPattern>,
        /// What their certificates say of the build.
        claims: Vec<(Claim, IdentityPattern)>,
    },
}

/// All denials of a policy, by what they are about, so that their number costs
/// a verdict nothing. Of several that apply, the first by its reason is told,
/// whatever order they were written in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Denials {
    models: HashMap<ModelDigest, String>,
    files: HashMap<Sha256Digest, String>,
    keys: HashMap<Fingerprint, Vec<Deny>>,
    certificates: HashMap<Fingerprint, Vec<Deny>>,
    identities: Vec<Deny>,
}

impl Denials {
    pub(crate) fn of<'a>(denials: impl IntoIterator<Item = &'a Deny>) -> Self {
        let mut sorted: Vec<&Deny> = denials.into_iter().collect();
        sorted.sort_by(|a, b| a.reason.cmp(&b.reason));
        let mut found = Self::default();
        for deny in sorted {
            match &deny.what {
                Denied::Model(model) => {
                    found.models.entry(*model).or_insert_with(|| deny.reason.clone());
                }
                Denied::File(file) => {
                    found.files.entry(file.0).or_insert_with(|| deny.reason.clone());
                }
                Denied::Key(key) => found.keys.entry(*key).or_default().push(deny.clone()),
                Denied::Certificate(certificate) => {
                    found.certificates.entry(*certificate).or_default().push(deny.clone());
                }
                Denied::Identity { .. } => found.identities.push(deny.clone()),
            }
        }
        found
    }

    /// Whether single files are denied.
    pub(crate) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Whether whole models are denied.
    pub(crate) fn has_models(&self) -> bool {
        !self.models.is_empty()
    }

    pub(crate) fn of_file(&self, digest: &Sha256Digest) -> Option<&str> {
        self.files.get(digest).map(String::as_str)
    }

    pub(crate) fn of_model(&self, model: &ModelDigest) -> Option<&str> {
        self.models.get(model).map(String::as_str)
    }

    /// Why a signature by `signer` does not count, where `signed` is the
    /// earliest time that is proved of it.
    pub(crate) fn of_signer(&self, signer: &SignerFacts, signed: Option<Timestamp>) -> Option<&str> {
        let by_key = signer.key.iter().filter_map(|key| self.keys.get(key));
        let by_certificate = signer.certificates.iter().filter_map(|found| self.certificates.get(found));
        let by_identity = signer.identity.iter().map(|_| &self.identities);
        let of_each = by_key.chain(by_certificate).chain(by_identity);
        let reasons =
            of_each.filter_map(|found| found.iter().find(|deny| deny.denies_signer(signer, signed)));
        reasons.map(Deny::reason).min()
    }

    /// The same, of an attestation that was verified.
    fn of_verified(&self, signed: &VerifiedAttestation) -> Option<&str> {
        let earliest = signed.times().iter().map(|proved| proved.time()).min();
        self.of_signer(&signed.signer().into(), earliest)
    }
}

impl Deny {
    /// Denies something for a reason. `since` spares signatures that are proved
    /// to be older; bytes it does not spare. `None` where it would.
    pub fn new(what: Denied, since: Option<Timestamp>, reason: &str) -> Option<Self> {
        let spares_bytes = since.is_some() && matches!(what, Denied::Model(_) | Denied::File(_));
        let what = match what {
            Denied::Identity { issuer, identity, mut claims } => {
                claims.sort_by_key(|(claim, _)| claim.to_string());
                Denied::Identity { issuer, identity, claims }
            }
            other => other,
        };
        let is_reason = !reason.trim().is_empty() && reason.len() <= MAX_REASON;
        (is_reason && !spares_bytes).then(|| Self { what, since, reason: reason.to_owned() })
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "\n[[deny]]")?;
        match &self.what {
            Denied::Model(model) => writeln!(text, "model = \"{model}\"")?,
            Denied::File(digest) => writeln!(text, "file = \"{digest}\"")?,
            Denied::Key(key) => writeln!(text, "key = \"{key}\"")?,
            Denied::Certificate(certificate) => writeln!(text, "certificate = \"{certificate}\"")?,
            Denied::Identity { issuer, identity, claims } => {
                let identity = identity.as_ref().map(IdentityPattern::as_str);
                for (key, value) in [("issuer", issuer.as_deref()), ("identity", identity)] {
                    if let Some(value) = value {
                        writeln!(text, "{key} = {}", quoted(value))?;
                    }
                }
                let claims =
                    claims.iter().map(|(claim, value)| format!("{claim} = {}", quoted(value.as_str())));
                let claims: Vec<String> = claims.collect();
                if !claims.is_empty() {
                    writeln!(text, "claims = {{ {} }}", claims.join(", "))?;
                }
            }
        }
        if let Some(since) = self.since {
            writeln!(text, "since = {since}")?;
        }
        writeln!(text, "reason = {}", quoted(&self.reason))
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether a signature by `signer` does not count, where `signed` is the
    /// earliest time that is proved of it.
    fn denies_signer(&self, signer: &SignerFacts, signed: Option<Timestamp>) -> bool {
        let is_meant = match &self.what {
            Denied::Model(_) | Denied::File(_) => false,
            Denied::Key(key) => signer.key == Some(*key),
            Denied::Certificate(certificate) => signer.certificates.contains(certificate),
            Denied::Identity { issuer, identity, claims } => signer.identity.as_ref().is_some_and(|found| {
                issuer.as_ref().is_none_or(|issuer| *issuer == found.issuer)
                    && identity.as_ref().is_none_or(|identity| identity.matches(&found.identity))
                    && claims.iter().all(|(claim, denied)| {
                        found.claims.get(claim).is_some_and(|value| denied.matches_text(value))
                    })
            }),
        };
        let is_spared = matches!((self.since, signed), (Some(since), Some(signed)) if signed < since);
        is_meant && !is_spared
    }
}

/// Denials that were published apart from a policy, with their own number and
/// their own end.
#[derive(Clone, Debug)]
pub struct DenyList {
    serial: u64,
    expires: Timestamp,
    entries: Vec<Deny>,
}

impl DenyList {
    /// Reads TOML or JSON. Whether it is signed is another question.
    ///
    /// # Errors
    /// [`DocumentError`], with line and key.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let mut table = document::parse(bytes)?;
        read_version(&table.required("version")?, VERSION)?;
        let list = Self {
            serial: read_serial(&table.required("serial")?)?,
            expires: table.required("expires")?.time()?,
            entries: table.optional("deny").map(read_entries).transpose()?.unwrap_or_default(),
        };
        table.finish()?;
        Ok(list)
    }

    /// Reads the file that a policy names, if what lies beside it, `FILE.sig`,
    /// is the signature of this very list by `signer`, whom neither `denials`
    /// nor the list itself denies.
    pub(crate) fn verified(
        file: &str,
        signer: &Publisher,
        denials: &Denials,
        materials: &Materials<'_>,
    ) -> Result<Self, String> {
        let about = |error: &dyn Display| format!("{}: {error}", Escaped(file));
        let about_signature = |error: &dyn Display| format!("{}.sig: {error}", Escaped(file));
        let bytes = (materials.read)(file)?;
        let bundle = (materials.read)(&format!("{file}.sig"))?;
        let bundle = UntrustedBundle::parse(&bundle).map_err(|error| about_signature(&error))?;
        let verified = signer.verify(&bundle).map_err(|error| about(&error))?;
        let (list, signed) = Self::signed(&bytes, verified).map_err(|error| match error {
            DenyListError::Document(_) | DenyListError::OtherBytes => about(&error),
            _ => about_signature(&error),
        })?;
        let denied = |by: &str, reason: &str| {
            let signer = signed.signer();
            about(&format!("is signed by {signer}, whom {by} denies: {}", Escaped(reason)))
        };
        if let Some(reason) = denials.of_verified(&signed) {
            return Err(denied("the policy", reason));
        }
        match list.denial_of(&signed) {
            Some(reason) => Err(denied("the list itself", &reason)),
            None => Ok(list),
        }
    }

    /// Reads a list with its signature: an attestation of a type of its own,
    /// over these very bytes.
    ///
    /// # Errors
    /// [`DenyListError`].
    pub fn signed(
        bytes: &[u8],
        envelope: VerifiedEnvelope,
    ) -> Result<(Self, VerifiedAttestation), DenyListError> {
        let signed = envelope.into_attestation().map_err(|error| match error {
            AttestationError::ModelSignature => DenyListError::ModelSignature,
            error => DenyListError::Attestation(error),
        })?;
        let said = DenyListRelease::of(signed.attestation())?;
        if !is_about_file(signed.attestation(), bytes) {
            return Err(DenyListError::OtherBytes);
        }
        let list = Self::parse(bytes)?;
        if said.serial != list.serial {
            return Err(DenyListError::OtherSerial { signed: said.serial, found: list.serial });
        }
        Ok((list, signed))
    }

    /// What is signed of the list: that these bytes, which are called `name`,
    /// have its number.
    pub fn attest(&self, name: &str, bytes: &[u8]) -> Attestation {
        DenyListRelease { serial: self.serial }.attest(file_subject(name, bytes))
    }

    /// Why a signature of this list, by whoever made it, does not count by the
    /// word of the list itself.
    pub fn denial_of(&self, signed: &VerifiedAttestation) -> Option<String> {
        Denials::of(&self.entries).of_verified(signed).map(str::to_owned)
    }

    /// An empty list, which has no number yet.
    pub fn new(expires: Timestamp) -> Self {
        Self { serial: 0, expires, entries: vec![] }
    }

    /// The next list, under the next number. `None` after the last one.
    #[must_use]
    pub fn next(mut self, expires: Option<Timestamp>) -> Option<Self> {
        self.serial = self.serial.checked_add(1).filter(|serial| *serial <= MAX_SERIAL)?;
        self.expires = expires.unwrap_or(self.expires);
        Some(self)
    }

    /// The same list with one more entry.
    #[must_use]
    pub fn and(mut self, entry: Deny) -> Self {
        self.entries.push(entry);
        self
    }

    /// Whether an entry denies the very same, for whatever reason.
    pub fn has(&self, entry: &Deny) -> bool {
        self.entries.iter().any(|known| known.what == entry.what && known.since == entry.since)
    }

    /// Writes it as TOML, in the order of its entries.
    pub fn to_toml(&self) -> String {
        let mut text = HEADER.to_owned();
        // Writing to a text does not fail.
        let _ = writeln!(text, "version = {VERSION}\nserial = {}\nexpires = {}", self.serial, self.expires);
        for entry in &self.entries {
            let _ = entry.write(&mut text);
        }
        text
    }

    /// Its number, which only grows.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// When it has to be replaced by a newer one.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What it denies.
    pub fn entries(&self) -> &[Deny] {
        &self.entries
    }
}

/// Why a file and what lies beside it are no signed deny-list.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DenyListError {
    /// The list cannot be read.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Whoever signs models did not say that any of them is a deny-list.
    #[error(
        "is the signature of a model, and not of a deny-list: sign it with modelseal deny add, or deny renew"
    )]
    ModelSignature,
    /// No attestation.
    #[error(transparent)]
    Attestation(AttestationError),
    /// An attestation of something else.
    #[error("is not the signature of a deny-list: {0}")]
    Predicate(#[from] PredicateError),
    /// The list is another.
    #[error("is not what was signed")]
    OtherBytes,
    /// The number that was signed is not that of the list.
    #[error("is for the serial {signed}, and the list has {found}")]
    OtherSerial {
        /// The number that was signed.
        signed: u64,
        /// That of the list.
        found: u64,
    },
}

pub(crate) fn read_version(field: &Field<'_>, known: u64) -> Result<(), DocumentError> {
    let found = field.integer()?;
    if found == known { Ok(()) } else { Err(field.refuse(format!("is {found}, and only {known} is read"))) }
}

/// A number that only grows. JSON could write one that TOML cannot.
pub(crate) fn read_serial(field: &Field<'_>) -> Result<u64, DocumentError> {
    match field.integer()? {
        serial if serial <= MAX_SERIAL => Ok(serial),
        _ => Err(field.refuse(format!("expected a whole number, not above {MAX_SERIAL}"))),
    }
}

pub(crate) fn read_entries(field: Field<'_>) -> Result<Vec<Deny>, DocumentError> {
    field.list()?.into_iter().map(read_deny).collect()
}

fn read_deny(field: Field<'_>) -> Result<Deny, DocumentError> {
    let mut table = field.table()?;
    let model = table.optional("model").map(|field| field.parse()).transpose()?;
    let file = table.optional("file").map(|field| field.parse()).transpose()?;
    let key = table.optional("key").map(|field| field.parse()).transpose()?;
    let certificate = table.optional("certificate").map(|field| field.parse()).transpose()?;
    let issuer = table.optional("issuer").map(|field| field.text().map(str::to_owned)).transpose()?;
    let identity = table.optional("identity").map(|field| read_pattern(&field)).transpose()?;
    let claims = table.optional("claims").map(read_claims).transpose()?.unwrap_or_default();
    let by_identity = (issuer.is_some() || identity.is_some() || !claims.is_empty())
        .then_some(Denied::Identity { issuer, identity, claims });
    let found = [
        model.map(Denied::Model),
        file.map(Denied::File),
        key.map(Denied::Key),
        certificate.map(Denied::Certificate),
        by_identity,
    ];
    let mut found = found.into_iter().flatten();
    let (Some(what), None) = (found.next(), found.next()) else {
        return Err(table.refuse(
            "expected one of \"model\", \"file\", \"key\", \"certificate\", or an identity by \"identity\", \"issuer\" and \"claims\"",
        ));
    };
    let since = table.optional("since");
    if let (Some(since), Denied::Model(_) | Denied::File(_)) = (&since, &what) {
        return Err(since.refuse("spares older signatures, but it is the bytes that are denied"));
    }
    let since = since.map(|field| field.time()).transpose()?;
    let reason = read_reason(&table.required("reason")?)?;
    table.finish()?;
    Ok(Deny { what, since, reason })
}

pub(crate) fn read_reason(field: &Field<'_>) -> Result<String, DocumentError> {
    let reason = field.text()?;
    if reason.trim().is_empty() || reason.len() > MAX_REASON {
        return Err(field.refuse(format!("expected 1 to {MAX_REASON} bytes of text")));
    }
    Ok(reason.to_owned())
}
