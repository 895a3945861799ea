//! One task under way: a file that is read from one byte to another.

use std::os::fd::OwnedFd;

use modelseal_manifest::{ByteRange, ContentDigest, HashType, Method};
use rustix::fs::fstat;
use rustix::io::{pread, pwrite};

use crate::hash::Hasher;
use crate::measure::{Piece, Task};
use crate::stamp::Stamp;
use crate::{DiskError, FoundFile, MeasureOptions};

/// How much is read at once: two of these stay in a core's second cache.
const BUFFER: usize = 256 * 1024;

pub(crate) struct Stream<'a> {
    number: usize,
    task: &'a Task,
    file: &'a FoundFile,
    fd: OwnedFd,
    copy: Option<OwnedFd>,
    options: &'a MeasureOptions<'a>,
    /// Where the next byte is read, and where those of this digest end.
    at: u64,
    end: u64,
    hasher: Hasher,
    whole: Option<Hasher>,
    digests: Vec<ContentDigest>,
    /// Whether the file ended where it should.
    is_end_seen: bool,
}

impl<'a> Stream<'a> {
    pub(crate) fn buffer() -> Vec<u8> {
        vec![0; BUFFER]
    }

    pub(crate) fn new(
        number: usize,
        task: &'a Task,
        file: &'a FoundFile,
        fd: OwnedFd,
        options: &'a MeasureOptions<'a>,
    ) -> Result<Self, DiskError> {
        let copy = options.copy_into.map(|dir| dir.create_file(&file.path)).transpose()?;
        let has_whole = options.whole_sha256 && !is_whole_sha256(options);
        let (at, end) = task.ranges.first().map_or((0, 0), |range| bounds(*range, file));
        Ok(Self {
            number,
            task,
            file,
            fd,
            copy,
            options,
            at,
            end,
            hasher: Hasher::new(options.hash_type),
            whole: has_whole.then(|| Hasher::new(HashType::Sha256)),
            digests: Vec::with_capacity(task.ranges.len()),
            is_end_seen: false,
        })
    }

    /// The number of its task.
    pub(crate) fn task(&self) -> usize {
        self.number
    }

    /// Reads what comes next of this digest, and copies it; says how much that is.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DiskError> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        // One byte more than there should be tells whether there is one.
        let is_last = self.end == self.file.size();
        let wanted = left.saturating_add(usize::from(is_last)).min(buffer.len());
        let count = if left == 0 { 0 } else { self.read_at(&mut buffer[..wanted], self.at)? };
        if count == 0 && left > 0 {
            let what = format!("it had {} bytes, now it ends at {}", self.file.size(), self.at);
            return Err(self.changed(what));
        }
        if count > left {
            return Err(self.is_longer());
        }
        self.is_end_seen = count < wanted && count == left && left > 0;
        if let Some(copy) = &self.copy {
            write_at(copy, self.at, &buffer[..count], self.file)?;
        }
        self.at += count as u64;
        Ok(count)
    }

    /// The hashes that these bytes go to.
    pub(crate) fn hashes<'b>(
        &'b mut self,
        bytes: &'b [u8],
    ) -> impl Iterator<Item = (&'b mut Hasher, &'b [u8])> {
        [&mut self.hasher].into_iter().chain(&mut self.whole).map(move |hasher| (hasher, bytes))
    }

    /// Whether all is read. What is done of it has its digest, and the next begins.
    pub(crate) fn is_at_end(&mut self) -> bool {
        while self.at == self.end && self.digests.len() < self.task.ranges.len() {
            let done = std::mem::replace(&mut self.hasher, Hasher::new(self.options.hash_type));
            self.digests.push(done.finish());
            if let Some(range) = self.task.ranges.get(self.digests.len()) {
                (self.at, self.end) = bounds(*range, self.file);
            }
        }
        self.digests.len() == self.task.ranges.len()
    }

    /// What it came to, if the file still is what the walk saw, and ends where it should.
    pub(crate) fn finish(self, buffer: &mut [u8]) -> Result<Piece, DiskError> {
        let stat = fstat(&self.fd).map_err(DiskError::io(&self.file.path, "examine"))?;
        self.file.check_unchanged(&Stamp::of(&stat))?;
        if !self.is_end_seen && self.read_at(&mut buffer[..1], self.file.size())? != 0 {
            return Err(self.is_longer());
        }
        let sha256 = match (self.whole.map(Hasher::finish), &self.digests[..]) {
            (Some(ContentDigest::Sha256(digest)), _) => Some(digest),
            (_, [ContentDigest::Sha256(digest)]) if is_whole_sha256(self.options) => Some(*digest),
            _ => None,
        };
        Ok(Piece { file: self.task.file, digests: self.digests, sha256 })
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        pread(&self.fd, buffer, offset).map_err(DiskError::io(&self.file.path, "read"))
    }

    fn is_longer(&self) -> DiskError {
        self.changed(format!("it has more than the {} bytes that its size says", self.file.size()))
    }

    fn changed(&self, what: String) -> DiskError {
        DiskError::Changed { path: self.file.path.to_string(), what }
    }
}

fn bounds(range: Option<ByteRange>, file: &FoundFile) -> (u64, u64) {
    range.map_or((0, file.size()), |range| (range.start(), range.end()))
}

/// Whether the manifest's own digest of each file already is its SHA-256.
fn is_whole_sha256(options: &MeasureOptions<'_>) -> bool {
    options.method == Method::Files && options.hash_type == HashType::Sha256
}

fn write_at(copy: &OwnedFd, offset: u64, bytes: &[u8], file: &FoundFile) -> Result<(), DiskError> {
    let mut written = 0;
    while written < bytes.len() {
        written += pwrite(copy, &bytes[written..], offset + written as u64)
            .map_err(DiskError::io(&file.path, "write the copy of"))?;
    }
    Ok(())
}
