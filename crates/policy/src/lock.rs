use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use modelseal_manifest::{ModelDigest, ModelName, Reference, RootDigest};
use modelseal_predicate::{Fingerprint, SignerId, Version};

use crate::Verdict;
use crate::deny::{read_serial, read_version};
use crate::document::{self, DocumentError, Field, Table, quoted};

/// The version of locks that is read and written.
const VERSION: u64 = 1;
const HEADER: &str = "# What each name was when it was last seen. Written by `modelseal lock`; keep it under version control.\n";

/// What names meant when they were last seen (`spec/lock.md`). A policy says
/// who may publish, a lock says who did; it only ever tightens.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lock {
    policy_serial: u64,
    deny_list_serial: u64,
    entries: BTreeMap<Reference, Entry>,
}

/// What one reference was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// The identity of its bytes.
    pub model: ModelDigest,
    /// The root digest of the statement that was verified.
    pub root: Option<RootDigest>,
    /// The release, where it was signed.
    pub release: Option<Version>,
    /// Who signed; empty where nobody did, and it was pinned nonetheless.
    pub signers: BTreeSet<LockedSigner>,
    /// When it came into the lock.
    pub first_seen: Timestamp,
    /// When it was last written.
    pub last_seen: Timestamp,
}

/// Somebody who signed, by the name of that time and by what stays.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LockedSigner {
    /// What the policy called them.
    pub publisher: String,
    /// Who they are.
    pub id: SignerId,
}

impl Lock {
    /// Reads TOML or JSON. Entries may stand in any order; none twice.
    ///
    /// # Errors
    /// [`DocumentError`], with line and key.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let mut table = document::parse(bytes)?;
        read_version(&table.required("version")?, VERSION)?;
        let mut lock = Self {
            policy_serial: read_serial(&table.required("policy-serial")?)?,
            deny_list_serial: read_serial(&table.required("deny-list-serial")?)?,
            entries: BTreeMap::new(),
        };
        let models = table.optional("model").map_or(Ok(vec![]), Field::list)?;
        for field in models {
            let mark = field.mark();
            let (reference, entry) = read_entry(field.table()?)?;
            if lock.entries.contains_key(&reference) {
                return Err(mark.refuse(format!("{reference} has an entry already")));
            }
            lock.entries.insert(reference, entry);
        }
        table.finish()?;
        Ok(lock)
    }

    /// Writes it as TOML, sorted by reference: the same lock always gives the
    /// same text.
    pub fn to_toml(&self) -> String {
        let mut text = HEADER.to_owned();
        let Self { policy_serial, deny_list_serial, entries } = self;
        // Writing to a text does not fail.
        let _ = writeln!(
            text,
            "version = {VERSION}\npolicy-serial = {policy_serial}\ndeny-list-serial = {deny_list_serial}"
        );
        for (reference, entry) in entries {
            let _ = entry.write(reference, &mut text);
        }
        text
    }

    /// The highest number of a policy that it was written under.
    pub fn policy_serial(&self) -> u64 {
        self.policy_serial
    }

    /// The highest number of a deny-list that it was written under.
    pub fn deny_list_serial(&self) -> u64 {
        self.deny_list_serial
    }

    /// Remembers numbers, unless it knows higher ones.
    pub fn see_serials(&mut self, policy: u64, deny_list: Option<u64>) {
        self.policy_serial = self.policy_serial.max(policy);
        self.deny_list_serial = self.deny_list_serial.max(deny_list.unwrap_or_default());
    }

    /// What this very reference was, its revision included.
    pub fn entry(&self, reference: &Reference) -> Option<&Entry> {
        self.entries.get(reference)
    }

    /// What a name was, in any revision.
    pub fn entries_of<'a>(&'a self, name: &'a ModelName) -> impl Iterator<Item = (&'a Reference, &'a Entry)> {
        let first = Reference::of(name.clone());
        self.entries.range(first..).take_while(move |(reference, _)| reference.name() == name)
    }

    /// All of it, sorted by reference.
    pub fn entries(&self) -> impl Iterator<Item = (&Reference, &Entry)> {
        self.entries.iter()
    }

    /// The same lock, as if it had never seen a name.
    #[must_use]
    pub fn without(&self, name: &ModelName) -> Self {
        let mut lock = self.clone();
        lock.entries.retain(|reference, _| reference.name() != name);
        lock
    }

    /// Puts an entry in place of what was known of the reference.
    pub fn insert(&mut self, reference: Reference, entry: Entry) {
        self.entries.insert(reference, entry);
    }
}

impl Entry {
    /// What a verdict says that a reference is now. `None` without bytes that
    /// it could be about.
    pub fn of(verdict: &Verdict, now: Timestamp) -> Option<Self> {
        Some(Self {
            model: verdict.model?,
            root: verdict.root,
            release: verdict.release.clone(),
            signers: match &verdict.summary {
                Some(summary) => BTreeSet::from([summary.signer.clone()]),
                None => verdict.signatures.iter().map(|counted| counted.signer.clone()).collect(),
            },
            first_seen: now,
            last_seen: now,
        })
    }

    /// Whether it says the same, whenever it was seen.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.model, &self.release, &self.signers) == (other.model, &other.release, &other.signers)
    }

    fn write(&self, reference: &Reference, text: &mut String) -> std::fmt::Result {
        let shown = match reference.revision() {
            Some(revision) => format!("{}@{revision}", reference.name().as_str()),
            None => reference.name().as_str().to_owned(),
        };
        writeln!(text, "\n[[model]]\nreference = {}\ndigest = \"{}\"", quoted(&shown), self.model)?;
        if let Some(root) = self.root {
            writeln!(text, "root = \"sha256:{}\"", root.as_sha256())?;
        }
        if let Some(release) = &self.release {
            writeln!(text, "release = \"{release}\"")?;
        }
        writeln!(text, "first-seen = {}\nlast-seen = {}", self.first_seen, self.last_seen)?;
        for signer in &self.signers {
            writeln!(text, "[[model.signers]]\npublisher = {}", quoted(&signer.publisher))?;
            for (key, value) in fields(&signer.id) {
                writeln!(text, "{key} = {}", quoted(&value))?;
            }
        }
        Ok(())
    }
}

/// A signer as keys and values.
fn fields(id: &SignerId) -> Vec<(&'static str, String)> {
    let mut fields = match id {
        SignerId::Key { key } => vec![("method", "key".to_owned()), ("key", key.to_string())],
        SignerId::Certificate { root, subject } => {
            vec![
                ("method", "certificate".to_owned()),
                ("root", root.to_string()),
                ("subject", subject.clone()),
            ]
        }
        SignerId::Workflow { issuer, .. } => {
            vec![("method", "workflow".to_owned()), ("issuer", issuer.clone())]
        }
        SignerId::Identity { issuer, identity } => {
            vec![
                ("method", "identity".to_owned()),
                ("issuer", issuer.clone()),
                ("identity", identity.clone()),
            ]
        }
    };
    if let SignerId::Workflow { owner_id, repository_id, .. } = id {
        let ids = [("owner-id", owner_id), ("repository-id", repository_id)];
        fields.extend(ids.into_iter().filter_map(|(key, id)| Some((key, id.clone()?))));
    }
    fields
}

fn read_entry(mut table: Table<'_>) -> Result<(Reference, Entry), DocumentError> {
    let reference = table.required("reference")?.parse()?;
    let root = table.optional("root").map(|field| field.parse::<Fingerprint>()).transpose()?;
    let signers = table.optional("signers").map_or(Ok(vec![]), Field::list)?;
    let entry = Entry {
        model: table.required("digest")?.parse()?,
        root: root.map(|root| RootDigest::from_sha256(root.0)),
        release: table.optional("release").map(|field| field.parse()).transpose()?,
        first_seen: table.required("first-seen")?.time()?,
        last_seen: table.required("last-seen")?.time()?,
        signers: signers.into_iter().map(read_signer).collect::<Result<_, _>>()?,
    };
    table.finish()?;
    Ok((reference, entry))
}

#[derive(Clone, Copy)]
enum Method {
    Key,
    Certificate,
    Workflow,
    Identity,
}

fn read_signer(field: Field<'_>) -> Result<LockedSigner, DocumentError> {
    let mut table = field.table()?;
    let publisher = table.required("publisher")?.text()?.to_owned();
    let method = table.required("method")?.word(&[
        ("key", Method::Key),
        ("certificate", Method::Certificate),
        ("workflow", Method::Workflow),
        ("identity", Method::Identity),
    ])?;
    let mut text = |name| table.required(name).and_then(|field| Ok(field.text()?.to_owned()));
    let id = match method {
        Method::Identity => SignerId::Identity { issuer: text("issuer")?, identity: text("identity")? },
        Method::Key => SignerId::Key { key: table.required("key")?.parse()? },
        Method::Certificate => {
            let subject = text("subject")?;
            SignerId::Certificate { root: table.required("root")?.parse()?, subject }
        }
        Method::Workflow => {
            let issuer = text("issuer")?;
            let mut id = |name| {
                table.optional(name).map(|field| Ok::<_, DocumentError>(field.text()?.to_owned())).transpose()
            };
            let (owner_id, repository_id) = (id("owner-id")?, id("repository-id")?);
            if owner_id.is_none() && repository_id.is_none() {
                return Err(table.refuse("a workflow has \"owner-id\", \"repository-id\" or both"));
            }
            SignerId::Workflow { issuer, owner_id, repository_id }
        }
    };
    table.finish()?;
    Ok(LockedSigner { publisher, id })
}
