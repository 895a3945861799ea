//! Digests of large files that were made here before, by the identity of the file.
//!
//! Only signing reads them, and only beside a verified signature that says the same.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use modelseal_bundle::check_json;
use modelseal_disk::{FoundFile, MeasuredFile, Model, OwnDirectory};
use modelseal_manifest::{ContentDigest, Escaped, HashType, Method, Sha256Digest};
use serde::{Deserialize, Serialize};

/// Smaller ones are hashed as soon as they are looked up.
const SMALLEST: u64 = 1024 * 1024;
/// A file has a few values, and a digest for each shard.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
const MAX_VALUES: usize = 8_000_000;
const VERSION: u32 = 1;
/// A model that was not signed for so long is hashed again.
const FORGOTTEN_AFTER: Duration = Duration::from_hours(180 * 24);

/// What is known of one model's files.
pub(crate) struct DigestCache {
    directory: PathBuf,
    name: String,
    entries: BTreeMap<String, Entry>,
    /// Why what was there is not believed.
    pub(crate) problem: Option<String>,
}

/// How digests are made.
#[derive(Clone, Copy)]
pub(crate) struct How {
    pub(crate) method: Method,
    pub(crate) hash_type: HashType,
    pub(crate) needs_sha256: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    digest_cache: u32,
    /// By the names of the files. A list, since there may be more than an object may have keys.
    entries: Vec<(String, Entry)>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    identity: String,
    /// When hashing began, in nanoseconds since 1970.
    began: u64,
    method: String,
    hash: String,
    digests: Vec<String>,
}

impl DigestCache {
    /// Reads what is known of `model`: nothing, where it cannot be believed.
    pub(crate) fn open(directory: &Path, model: &Model) -> Self {
        let name = Sha256Digest::of(model.true_path().as_os_str().as_bytes());
        let name = format!("{name}.json");
        let read = OwnDirectory::open(directory).and_then(|own| match own {
            Some(own) => own.read(&name, MAX_BYTES),
            None => Ok(None),
        });
        let unreadable = |error| format!("{}: {error}", Escaped(&directory.join(&name).to_string_lossy()));
        let entries = read
            .and_then(|bytes| bytes.map_or(Ok(BTreeMap::new()), |bytes| parse(&bytes).map_err(unreadable)));
        let (entries, problem) = match entries {
            Ok(entries) => (entries, None),
            Err(problem) => (BTreeMap::new(), Some(problem)),
        };
        Self { directory: directory.to_owned(), name, entries, problem }
    }

    /// The digests of a file that is what it was when they were made, and had rested by then.
    pub(crate) fn known(&self, model: &Model, file: &FoundFile, how: How) -> Option<MeasuredFile> {
        let entry = self.entries.get(file.path.as_str())?;
        let identity = model.identity(file)?;
        let is_same = entry.identity == identity.to_string()
            && identity.had_rested_at(UNIX_EPOCH + Duration::from_nanos(entry.began))
            && entry.method == how.method.to_string()
            && entry.hash == how.hash_type.as_str();
        let digests = entry.digests.iter().map(|digest| ContentDigest::from_hex(how.hash_type, digest).ok());
        let digests: Vec<_> = digests.collect::<Option<_>>()?;
        let sha256 = match digests[..] {
            [ContentDigest::Sha256(digest)] if how.method == Method::Files => Some(digest),
            // No signature would say it too.
            _ => None,
        };
        let is_complete = digests.len() == how.method.ranges(file.size()).count()
            && (sha256.is_some() || !how.needs_sha256);
        (is_same && is_complete).then(|| MeasuredFile {
            path: file.path.clone(),
            size: file.size(),
            digests,
            sha256,
        })
    }

    /// Keeps what was measured of files that had rested when hashing began; what was known
    /// stays where it was reused.
    pub(crate) fn remember<'a>(
        &mut self,
        model: &Model,
        began: SystemTime,
        how: How,
        measured: impl Iterator<Item = (&'a FoundFile, &'a MeasuredFile)>,
    ) {
        let nanoseconds = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let Ok(nanoseconds) = u64::try_from(nanoseconds) else { return };
        for (file, measured) in measured.filter(|(file, _)| file.size() >= SMALLEST) {
            let identity = model.identity(file).filter(|identity| identity.had_rested_at(began));
            let Some(identity) = identity else {
                self.entries.remove(file.path.as_str());
                continue;
            };
            let entry = Entry {
                identity: identity.to_string(),
                began: nanoseconds,
                method: how.method.to_string(),
                hash: how.hash_type.as_str().to_owned(),
                digests: measured.digests.iter().map(ContentDigest::to_hex).collect(),
            };
            self.entries.insert(file.path.as_str().to_owned(), entry);
        }
    }

    /// Forgets what is not among the files, and writes the rest.
    pub(crate) fn store(mut self, is_there: impl Fn(&str) -> bool) -> Result<(), String> {
        self.entries.retain(|path, _| is_there(path));
        if self.entries.is_empty() && !modelseal_disk::exists(&self.directory.join(&self.name)) {
            return Ok(());
        }
        let wire = Wire { digest_cache: VERSION, entries: self.entries.into_iter().collect() };
        let bytes = serde_json::to_vec(&wire).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("they would take more than the {MAX_BYTES} bytes that are read again"));
        }
        let own = OwnDirectory::create(&self.directory)?;
        own.write(&self.name, &bytes)?;
        own.forget_older(FORGOTTEN_AFTER, is_entry);
        Ok(())
    }
}

/// Nothing else in the directory is ours to remove.
fn is_entry(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|digest| digest.parse::<Sha256Digest>().is_ok())
}

fn parse(bytes: &[u8]) -> Result<BTreeMap<String, Entry>, String> {
    check_json(bytes, MAX_VALUES).map_err(|error| format!("cannot be read: {error}"))?;
    match serde_json::from_slice::<Wire>(bytes).map_err(|error| format!("cannot be read: {error}"))? {
        Wire { digest_cache: VERSION, entries } => Ok(entries.into_iter().collect()),
        Wire { .. } => Err("another version of modelseal remembered it".to_owned()),
    }
}
