use std::path::{Path, PathBuf};

use modelseal_bundle::{Claims, ClaimsError, MAX_BUNDLE_BYTES, MAX_CLAIMS_LINES, UntrustedBundle};
use modelseal_disk::{Alone, DiskError, Overwrite, StagedOutput, read_regular};
use modelseal_manifest::Escaped;

use crate::Error;

/// A claims file that lines are added to, be it there already or not
/// (`spec/attestations.md`).
///
/// What stands in it is kept byte for byte. Nothing of it is verified.
#[derive(Clone, Debug)]
pub struct ClaimsFile {
    path: PathBuf,
    /// What was read; `None` where there was nothing.
    found: Option<Vec<u8>>,
    claims: Claims,
    added: Vec<Vec<u8>>,
}

impl ClaimsFile {
    /// Reads the file at `path`, if there is one.
    ///
    /// # Errors
    /// [`Error::NotClaims`] for a file that is something else; [`Error::Disk`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let found = read(path)?;
        let claims = Claims::parse(found.as_deref().unwrap_or_default())
            .map_err(|source| Error::NotClaims { path: shown(path), source })?;
        Ok(Self { path: path.to_owned(), found, claims, added: vec![] })
    }

    /// Where it is, or will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bundles that it held when it was read.
    pub fn bundles(&self) -> &[UntrustedBundle] {
        self.claims.bundles()
    }

    /// How many lines are new.
    pub fn added(&self) -> usize {
        self.added.len()
    }

    /// Whether `lines` more may be added, as far as that can be told before
    /// they are made: what was published is not taken back.
    ///
    /// # Errors
    /// [`Error::ClaimsFull`].
    pub fn check_room(&self, lines: usize) -> Result<(), Error> {
        let found = self.found.as_deref().unwrap_or_default();
        let there = found.split_inclusive(|&byte| byte == b'\n').count();
        if there + self.added.len() + lines <= MAX_CLAIMS_LINES {
            return Ok(());
        }
        let source = ClaimsError::TooManyLines { limit: MAX_CLAIMS_LINES };
        Err(Error::ClaimsFull { path: shown(&self.path), source })
    }

    /// Adds a bundle as a line, unless it stands there already, and says
    /// whether it did.
    ///
    /// # Errors
    /// [`Error::Bundle`] for what is none; [`Error::ClaimsFull`].
    pub fn add(&mut self, bundle: &[u8]) -> Result<bool, Error> {
        // Whoever wrote it: JSON of several lines is none here.
        let line = UntrustedBundle::parse(bundle)?.to_json();
        let found = self.found.as_deref().unwrap_or_default().split(|&byte| byte == b'\n');
        let mut lines = found.chain(self.added.iter().map(Vec::as_slice));
        if lines.any(|other| other.trim_ascii() == line.trim_ascii()) {
            return Ok(false);
        }
        self.check_room(1)?;
        self.added.push(line);
        if let Err(source) = self.check_size() {
            self.added.pop();
            return Err(Error::ClaimsFull { path: shown(&self.path), source });
        }
        Ok(true)
    }

    fn check_size(&self) -> Result<(), ClaimsError> {
        let found = self.found.as_deref().unwrap_or_default();
        let unfinished = found.last().is_some_and(|&last| last != b'\n' && !self.added.is_empty());
        let added: usize = self.added.iter().map(|line| line.trim_ascii().len() + 1).sum();
        let bytes = (found.len() + usize::from(unfinished) + added) as u64;
        if bytes <= MAX_BUNDLE_BYTES {
            return Ok(());
        }
        Err(ClaimsError::TooLarge { found: bytes, limit: MAX_BUNDLE_BYTES })
    }

    /// The whole file: what was there, and the new lines.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.found.clone().unwrap_or_default();
        for line in &self.added {
            if bytes.last().is_some_and(|&last| last != b'\n') {
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(line.trim_ascii());
            bytes.push(b'\n');
        }
        bytes
    }

    /// Writes the file beside its place, so that little can fail when it gets
    /// its name.
    ///
    /// # Errors
    /// [`Error::Disk`].
    pub fn stage(&self) -> Result<StagedClaims<'_>, Error> {
        if self.added.is_empty() {
            return Ok(StagedClaims { file: self, output: None });
        }
        let overwrite = if self.found.is_some() { Overwrite::Replace } else { Overwrite::Refuse };
        let output = StagedOutput::new(&self.path, &self.bytes(), 0o644, overwrite)?;
        Ok(StagedClaims { file: self, output: Some(output) })
    }
}

/// A claims file that is complete on the disk and has not got its name yet.
#[derive(Debug)]
pub struct StagedClaims<'a> {
    file: &'a ClaimsFile,
    /// Nothing, where nothing is new.
    output: Option<StagedOutput<'a>>,
}

impl StagedClaims<'_> {
    /// Gives the file its name, unless somebody else wrote to it since it was
    /// read. That is looked at just before, while no other writer of such
    /// files is at it.
    ///
    /// # Errors
    /// [`DiskError::Changed`], and others of [`Error::Disk`].
    pub fn commit(self) -> Result<(), Error> {
        let Some(output) = self.output else { return Ok(()) };
        let path = &self.file.path;
        let changed = || DiskError::Changed {
            path: shown(path),
            what: "somebody else added to it, or replaced it".to_owned(),
        };
        let _alone = Alone::beside(path)?;
        if read(path)? != self.file.found {
            return Err(changed().into());
        }
        output.commit().map_err(|error| match error {
            DiskError::Exists { .. } => changed().into(),
            error => error.into(),
        })
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, DiskError> {
    match read_regular(path, MAX_BUNDLE_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(DiskError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn shown(path: &Path) -> String {
    Escaped(&path.to_string_lossy()).to_string()
}
