use std::collections::HashMap;

use modelseal_bundle::UntrustedBundle;
use modelseal_predicate::Fingerprint;
use modelseal_verify::{
    Certificate, CertificateRevocationList, CertificateTrust, Claim, IdentityPattern, PublicKey,
    SigstoreError, SigstoreTrust, SubjectPattern, TimestampAuthorities, Trust, TrustedRoot, VerifiedEnvelope,
    VerifyError, verify_envelope,
};

use crate::Materials;
use crate::document::{DocumentError, Field, Table};

/// The most identities of one publisher.
const MAX_IDENTITIES: usize = 256;
/// The most bytes of an identity that is asked for.
const MAX_PATTERN: usize = 2048;

/// Somebody whom a policy names: one or more identities, each of which speaks
/// for them.
#[derive(Clone, Debug)]
pub struct Publisher {
    name: String,
    identities: Vec<Trust>,
    /// Who these are, where each of them can be one signer only.
    only: Option<Vec<String>>,
}

impl Publisher {
    /// The signers that it could ever be. One that could be many is like nobody
    /// else.
    pub(crate) fn signers(&self) -> Vec<String> {
        self.only.clone().unwrap_or_else(|| vec![format!("publisher {}", self.name)])
    }

    /// The name that the policy gives them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Verifies a bundle as one of theirs. The error is that of the identity
    /// that came closest.
    pub(crate) fn verify(&self, bundle: &UntrustedBundle) -> Result<VerifiedEnvelope, VerifyError> {
        let mut closest = None;
        for trust in &self.identities {
            match verify_envelope(bundle, trust) {
                Ok(verified) => return Ok(verified),
                Err(error) => {
                    if closest.as_ref().is_none_or(|(closeness, _)| *closeness < self::closeness(&error)) {
                        closest = Some((self::closeness(&error), error));
                    }
                }
            }
        }
        let method = || VerifyError::Method { expected: bundle.method(), found: bundle.method() };
        Err(closest.map_or_else(method, |(_, error)| error))
    }
}

/// How near a bundle came to being one of an identity, so that of several
/// errors the one is told that means something.
pub(crate) fn closeness(error: &VerifyError) -> u8 {
    match error {
        VerifyError::Method { .. } => 0,
        VerifyError::WrongKey { .. } | VerifyError::Sigstore(SigstoreError::Identity { .. }) => 1,
        VerifyError::Sigstore(SigstoreError::Issuer { .. }) => 2,
        VerifyError::Sigstore(SigstoreError::Claim { .. } | SigstoreError::NoClaim { .. }) => 3,
        _ => 4,
    }
}

/// What the identities of all publishers have in common.
pub(crate) struct Common {
    /// The instance that is believed in keyless signatures.
    pub(crate) root: Option<TrustedRoot>,
    /// Whether the policy names that instance, so that its logs and authorities
    /// count for keys and certificates too.
    pub(crate) is_root_named: bool,
    pub(crate) timestamps: Option<TimestampAuthorities>,
    /// The keys that were read, by what the policy calls them: many publishers
    /// may name one.
    pub(crate) keys: HashMap<String, PublicKey>,
}

impl Common {
    fn with_evidence(&self, trust: Trust, materials: &Materials<'_>) -> Trust {
        let named = self.root.as_ref().filter(|_| self.is_root_named);
        let of_root = named.map(|root| TimestampAuthorities::of(root, materials.clock));
        let authorities = match (self.timestamps.clone(), of_root) {
            (Some(given), Some(of_root)) => Some(given.and(of_root)),
            (given, of_root) => given.or(of_root),
        };
        let trust = match authorities {
            Some(authorities) => trust.and_timestamps(authorities),
            None => trust,
        };
        match named {
            Some(root) => trust.and_logs(root.clone(), materials.clock),
            None => trust,
        }
    }
}

pub(crate) fn read_publisher(
    name: String,
    field: Field<'_>,
    common: &mut Common,
    materials: &Materials<'_>,
) -> Result<Publisher, DocumentError> {
    let mut table = field.table()?;
    let (mut identities, mut only) = (Vec::new(), Vec::new());
    for field in list(&mut table, "keys")? {
        let name = field.text()?;
        let key = match common.keys.get(name) {
            Some(key) => key.clone(),
            None => read_key(&field, materials)?,
        };
        common.keys.insert(name.to_owned(), key.clone());
        only.push(format!("key {}", key.fingerprint()));
        identities.push(common.with_evidence(Trust::key(key), materials));
    }
    for field in list(&mut table, "certificates")? {
        let trust = Trust::certificate(read_certificates(field, materials)?);
        identities.push(common.with_evidence(trust, materials));
    }
    for field in list(&mut table, "sigstore")? {
        identities.push(Trust::sigstore(read_sigstore(field, common, materials)?));
    }
    if identities.is_empty() {
        return Err(table.refuse("names nobody: expected \"keys\", \"certificates\" or \"sigstore\""));
    }
    if identities.len() > MAX_IDENTITIES {
        return Err(
            table.refuse(format!("has {} identities, at most {MAX_IDENTITIES} are read", identities.len()))
        );
    }
    table.finish()?;
    only.sort_unstable();
    let is_key_alone = only.len() == identities.len();
    only.dedup();
    let only = is_key_alone.then_some(only);
    Ok(Publisher { name, identities, only })
}

fn list<'a>(table: &mut Table<'a>, name: &'static str) -> Result<Vec<Field<'a>>, DocumentError> {
    table.optional(name).map_or(Ok(vec![]), Field::list)
}

/// A file with a public key, or the fingerprint of one that the caller has.
fn read_key(field: &Field<'_>, materials: &Materials<'_>) -> Result<PublicKey, DocumentError> {
    let text = field.text()?;
    if !text.starts_with("sha256:") {
        return PublicKey::from_pem(&read_file(field, materials)?).map_err(|error| field.refuse(error));
    }
    let wanted: Fingerprint = field.parse()?;
    let found = materials.keys.iter().find(|key| key.fingerprint() == wanted.0);
    found.cloned().ok_or_else(|| {
        field.refuse("no key with this fingerprint was given: a fingerprint names a key, and verifying takes the key itself")
    })
}

fn read_certificates(field: Field<'_>, materials: &Materials<'_>) -> Result<CertificateTrust, DocumentError> {
    let mut table = field.table()?;
    let mut roots: Vec<Certificate> = Vec::new();
    for field in table.required("roots")?.list()? {
        let pem = read_file(&field, materials)?;
        roots.extend(Certificate::all_from_pem(&pem).map_err(|error| field.refuse(error))?);
    }
    if roots.is_empty() {
        return Err(table.refuse("\"roots\" is empty"));
    }
    let subject: SubjectPattern = table.required("subject")?.parse()?;
    let mut crls: Vec<CertificateRevocationList> = Vec::new();
    for field in list(&mut table, "crls")? {
        let bytes = read_file(&field, materials)?;
        crls.extend(CertificateRevocationList::all_from_bytes(&bytes).map_err(|error| field.refuse(error))?);
    }
    table.finish()?;
    Ok(CertificateTrust::anchors(roots, materials.clock).and_subject(subject).and_crls(crls))
}

fn read_sigstore(
    field: Field<'_>,
    common: &mut Common,
    materials: &Materials<'_>,
) -> Result<SigstoreTrust, DocumentError> {
    let mut table = field.table()?;
    let issuer = table.required("issuer")?;
    let issuer = issuer.text()?;
    let field = table.required("identity")?;
    let identity = read_pattern(&field)?;
    let claims = table.optional("claims").map(read_claims).transpose()?.unwrap_or_default();
    let is_name_enough =
        table.optional("name-only").map(|field| field.boolean()).transpose()?.unwrap_or_default();
    let has_number =
        claims.iter().any(|(claim, _)| matches!(claim, Claim::SourceOwnerId | Claim::SourceRepositoryId));
    if identity.as_str().starts_with("https://") && !has_number && !is_name_enough {
        return Err(field.refuse(
            "a workflow is known by its name alone, which somebody else can register one day: add claims = { source-owner-id = \"…\" } or source-repository-id, or name-only = true where the issuer gives no numbers",
        ));
    }
    table.finish()?;
    if common.root.is_none() {
        common.root = Some((materials.root)().map_err(|problem| field.refuse(problem))?);
    }
    let Some(root) = common.root.clone() else { return Err(field.refuse("no Sigstore instance is known")) };
    let trust = SigstoreTrust::identity(root, identity, issuer, materials.clock);
    Ok(claims.into_iter().fold(trust, |trust, (claim, expected)| trust.and_claim(claim, expected)))
}

pub(crate) fn read_pattern(field: &Field<'_>) -> Result<IdentityPattern, DocumentError> {
    let length = field.text()?.len();
    if length > MAX_PATTERN {
        return Err(field.refuse(format!("has {length} bytes, and at most {MAX_PATTERN} are read")));
    }
    field.parse()
}

pub(crate) fn read_claims(field: Field<'_>) -> Result<Vec<(Claim, IdentityPattern)>, DocumentError> {
    let claim = |(name, field): (String, Field<'_>)| {
        let claim = Claim::of_code(&name).ok_or_else(|| {
            let known: Vec<&str> = Claim::codes().collect();
            field.refuse(format!("is no claim of a certificate; known are {}", known.join(", ")))
        })?;
        Ok((claim, read_pattern(&field)?))
    };
    field.table()?.rest().into_iter().map(claim).collect()
}

pub(crate) fn read_file(field: &Field<'_>, materials: &Materials<'_>) -> Result<Vec<u8>, DocumentError> {
    (materials.read)(field.text()?).map_err(|problem| field.refuse(problem))
}
