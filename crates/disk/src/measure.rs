use std::num::NonZeroUsize;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use modelseal_manifest::{
    ByteRange, ContentDigest, HashType, MAX_RESOURCES, ManifestPath, Method, ModelDigest, Resource,
    ResourceName, Sha256Digest,
};
use rustix::fs::fstat;
use rustix::io::{pread, pwrite};

use crate::error::shown;
use crate::hash::Hasher;
use crate::model::{Kind, open_named};
use crate::open::Opener;
use crate::stamp::Stamp;
use crate::{DiskError, FoundFile, Inventory, Links, Model, Observer, PrivateDir, WalkRules};

/// More threads than this only wait for each other.
const MAX_JOBS: usize = 256;
const BUFFER: usize = 256 * 1024;

/// What to compute of each file.
#[derive(Clone, Copy, Debug)]
pub struct MeasureOptions<'a> {
    /// Whole files, or shards.
    pub method: Method,
    /// The hash of each.
    pub hash_type: HashType,
    /// Whether the SHA-256 of each whole file is needed, for the model digest.
    /// It is computed in the same read.
    pub whole_sha256: bool,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
    /// Where to copy each file while it is hashed.
    pub copy_into: Option<&'a PrivateDir>,
}

/// What was measured of a model that did not change meanwhile.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Each file that was asked for, in code-point order.
    pub files: Vec<MeasuredFile>,
}

/// A file and its digests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MeasuredFile {
    /// Its name.
    pub path: ManifestPath,
    /// Bytes in it.
    pub size: u64,
    /// One digest for the whole file, or one for each shard in their order.
    pub digests: Vec<ContentDigest>,
    /// SHA-256 of the whole file, when it was asked for or came for free.
    pub sha256: Option<Sha256Digest>,
}

impl Measurement {
    /// The digests under their names.
    pub fn resources(&self, method: Method) -> Vec<Resource> {
        let of_file = |file: &MeasuredFile| {
            let path = file.path.clone();
            let named = method.ranges(file.size).map(move |range| ResourceName { path: path.clone(), range });
            named
                .zip(file.digests.clone())
                .map(|(name, digest)| Resource { name, digest })
                .collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of_file).collect()
    }

    /// The model digest, when the SHA-256 of every file is known.
    pub fn model_digest(&self) -> Option<ModelDigest> {
        let files: Option<Vec<_>> = self.files.iter().map(|file| Some((&file.path, file.sha256?))).collect();
        files.map(ModelDigest::over)
    }
}

impl Model {
    /// Hashes the files of `inventory` for which `select` is true, and then
    /// looks at the whole model again: whatever was added, removed, replaced
    /// or written to since the inventory is an error.
    ///
    /// # Errors
    /// [`DiskError::Changed`], [`DiskError::TooMany`],
    /// [`DiskError::Cancelled`], [`DiskError::Io`].
    pub fn measure(
        &self,
        inventory: &Inventory,
        rules: &WalkRules,
        select: impl Fn(&ManifestPath) -> bool,
        options: &MeasureOptions<'_>,
        observer: &dyn Observer,
    ) -> Result<Measurement, DiskError> {
        let files: Vec<&FoundFile> = inventory.files.iter().filter(|file| select(&file.path)).collect();
        let tasks = plan(&files, options)?;
        observer.begin(files.iter().map(|file| file.size()).fold(0, u64::saturating_add));
        let pieces =
            Engine { model: self, files: &files, links: rules.links, options, observer }.run(&tasks)?;
        inventory.check_unchanged(&self.inventory(rules, observer)?)?;
        observer.end();
        Ok(Measurement { files: assemble(&files, pieces) })
    }
}

/// One read of consecutive bytes of one file.
struct Task {
    file: usize,
    /// Where each digest starts and ends; `None` is the whole file.
    ranges: Vec<Option<ByteRange>>,
}

struct Piece {
    file: usize,
    digests: Vec<ContentDigest>,
    sha256: Option<Sha256Digest>,
}

/// Splits the work so that the largest comes first. A file is read as one
/// where its bytes are needed in order: for its own digest, or to be copied.
fn plan(files: &[&FoundFile], options: &MeasureOptions<'_>) -> Result<Vec<Task>, DiskError> {
    let mut total: u64 = 0;
    let mut tasks = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        total = total.saturating_add(match options.method {
            Method::Files => 1,
            Method::Shards(size) => file.size().div_ceil(size.get()),
        });
        if total > MAX_RESOURCES as u64 {
            let (path, what) = (file.path.to_string(), "files or shards");
            return Err(DiskError::TooMany { path, what, limit: MAX_RESOURCES as u64 });
        }
        let ranges = options.method.ranges(file.size());
        if options.whole_sha256 || options.copy_into.is_some() || options.method == Method::Files {
            tasks.push(Task { file: index, ranges: ranges.collect() });
        } else {
            tasks.extend(ranges.map(|range| Task { file: index, ranges: vec![range] }));
        }
    }
    let length = |task: &Task| match task.ranges[..] {
        [Some(range)] => range.len(),
        _ => files[task.file].size(),
    };
    tasks.sort_by_key(|task| std::cmp::Reverse(length(task)));
    Ok(tasks)
}

fn assemble(files: &[&FoundFile], mut pieces: Vec<(usize, Piece)>) -> Vec<MeasuredFile> {
    let mut measured: Vec<_> = files
        .iter()
        .map(|file| MeasuredFile {
            path: file.path.clone(),
            size: file.size(),
            digests: vec![],
            sha256: None,
        })
        .collect();
    // Shards of one file were planned in their order, and sorting by length is
    // stable only among equals: the last, shorter one comes after the others.
    pieces.sort_by_key(|(task, _)| *task);
    for (_, piece) in pieces {
        measured[piece.file].digests.extend(piece.digests);
        measured[piece.file].sha256 = piece.sha256;
    }
    measured
}

struct Engine<'a> {
    model: &'a Model,
    files: &'a [&'a FoundFile],
    links: Links,
    options: &'a MeasureOptions<'a>,
    observer: &'a dyn Observer,
}

impl Engine<'_> {
    fn run(&self, tasks: &[Task]) -> Result<Vec<(usize, Piece)>, DiskError> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let done = Mutex::new(Ok(Vec::with_capacity(tasks.len())));
        let work = || {
            let mut worker = Worker::new(self, &stop);
            let mut pieces = Vec::new();
            let outcome = loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(task) = tasks.get(index) else { break Ok(()) };
                match worker.perform(task) {
                    Ok(piece) => pieces.push((index, piece)),
                    Err(error) => break Err(error),
                }
            };
            stop.fetch_or(outcome.is_err(), Ordering::Relaxed);
            gather(&done, pieces, outcome);
        };
        thread::scope(|scope| {
            for _ in 1..self.options.jobs.get().min(tasks.len()).min(MAX_JOBS) {
                // With fewer threads than were asked for, the work gets done all the same.
                if thread::Builder::new().spawn_scoped(scope, work).is_err() {
                    break;
                }
            }
            work();
        });
        done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Keeps what all workers found; an error of one outweighs the cancellation
/// that it caused in the others.
fn gather(
    done: &Mutex<Result<Vec<(usize, Piece)>, DiskError>>,
    pieces: Vec<(usize, Piece)>,
    outcome: Result<(), DiskError>,
) {
    let mut done = done.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match (done.as_mut(), outcome) {
        (Ok(all), Ok(())) => all.extend(pieces),
        (Ok(_) | Err(DiskError::Cancelled), Err(error)) => *done = Err(error),
        (Err(_), _) => {}
    }
}

struct Worker<'a> {
    engine: &'a Engine<'a>,
    opener: Option<Opener<'a>>,
    stop: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl<'a> Worker<'a> {
    fn new(engine: &'a Engine<'a>, stop: &'a AtomicBool) -> Self {
        let opener = match engine.model.kind() {
            Kind::Directory { root, hub } => Some(Opener::new(root.as_fd(), hub.as_ref(), engine.links)),
            Kind::File { .. } => None,
        };
        Self { engine, opener, stop, buffer: vec![0; BUFFER] }
    }

    fn perform(&mut self, task: &Task) -> Result<Piece, DiskError> {
        let file = self.engine.files[task.file];
        let options = self.engine.options;
        let fd = self.open(file)?;
        let copy = options.copy_into.map(|dir| dir.create_file(&file.path)).transpose()?;
        let mut whole =
            (options.whole_sha256 && !is_whole_sha256(options)).then(|| Hasher::new(HashType::Sha256));
        let mut digests = Vec::with_capacity(task.ranges.len());
        for range in &task.ranges {
            let (start, end) = range.map_or((0, file.size()), |range| (range.start(), range.end()));
            let mut hasher = Hasher::new(options.hash_type);
            self.read(file, &fd, start..end, |offset, bytes| {
                hasher.update(bytes);
                if let Some(whole) = &mut whole {
                    whole.update(bytes);
                }
                copy.as_ref().map_or(Ok(()), |copy| write_at(copy, offset, bytes, file))
            })?;
            digests.push(hasher.finish());
        }
        self.check_end(file, &fd)?;
        let sha256 = match (whole.map(Hasher::finish), &digests[..]) {
            (Some(ContentDigest::Sha256(digest)), _) => Some(digest),
            (_, [ContentDigest::Sha256(digest)]) if is_whole_sha256(options) => Some(*digest),
            _ => None,
        };
        Ok(Piece { file: task.file, digests, sha256 })
    }

    fn open(&mut self, file: &FoundFile) -> Result<OwnedFd, DiskError> {
        if let Some(opener) = &mut self.opener {
            return opener.open(file);
        }
        let path = self.engine.model.path();
        let fd = open_named(path)?;
        let stat = fstat(&fd).map_err(DiskError::io(shown(path), "examine"))?;
        file.check_unchanged(&Stamp::of(&stat))?;
        Ok(fd)
    }

    fn read(
        &mut self,
        file: &FoundFile,
        fd: &OwnedFd,
        bytes: std::ops::Range<u64>,
        mut consume: impl FnMut(u64, &[u8]) -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        let mut offset = bytes.start;
        while offset < bytes.end {
            if self.stop.load(Ordering::Relaxed) || self.engine.observer.is_cancelled() {
                return Err(DiskError::Cancelled);
            }
            let wanted = usize::try_from(bytes.end - offset).unwrap_or(BUFFER).min(BUFFER);
            let count = pread(fd, &mut self.buffer[..wanted], offset)
                .map_err(DiskError::io(file.path.to_string(), "read"))?;
            if count == 0 {
                let what = format!("it had {} bytes, now it ends at {offset}", file.size());
                return Err(DiskError::Changed { path: file.path.to_string(), what });
            }
            consume(offset, &self.buffer[..count])?;
            offset += count as u64;
            self.engine.observer.advance(count as u64);
        }
        Ok(())
    }

    /// The file still is what the walk saw, and ends where it should.
    fn check_end(&mut self, file: &FoundFile, fd: &OwnedFd) -> Result<(), DiskError> {
        let stat = fstat(fd).map_err(DiskError::io(file.path.to_string(), "examine"))?;
        file.check_unchanged(&Stamp::of(&stat))?;
        let beyond = pread(fd, &mut self.buffer[..1], file.size())
            .map_err(DiskError::io(file.path.to_string(), "read"))?;
        if beyond != 0 {
            let what = format!("it has more than the {} bytes that its size says", file.size());
            return Err(DiskError::Changed { path: file.path.to_string(), what });
        }
        Ok(())
    }
}

/// Whether the manifest's own digest of each file already is its SHA-256.
fn is_whole_sha256(options: &MeasureOptions<'_>) -> bool {
    options.method == Method::Files && options.hash_type == HashType::Sha256
}

fn write_at(copy: &OwnedFd, offset: u64, bytes: &[u8], file: &FoundFile) -> Result<(), DiskError> {
    let mut written = 0;
    while written < bytes.len() {
        written += pwrite(copy, &bytes[written..], offset + written as u64)
            .map_err(DiskError::io(file.path.to_string(), "write the copy of"))?;
    }
    Ok(())
}
