//! Small files that a caller names: keys, bundles, outputs.

use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, open};
use rustix::io::Errno;
use tempfile::NamedTempFile;

use crate::error::shown;
use crate::stamp::{FileId, file_type, type_name};
use crate::{DiskError, Observer};

/// Reads what the caller named, at most `limit` bytes. A pipe will do, so
/// that a secret need not touch the disk; `observer` can stop the wait for it.
///
/// # Errors
/// [`DiskError::NotFound`], [`DiskError::NotRegular`] for a directory,
/// [`DiskError::TooLarge`], [`DiskError::Cancelled`], [`DiskError::Io`].
pub fn read_named(path: &Path, limit: u64, observer: &dyn Observer) -> Result<Vec<u8>, DiskError> {
    let file = File::from(open_for_reading(path)?);
    let stat = fstat(&file).map_err(DiskError::io(shown(path), "examine"))?;
    match file_type(&stat) {
        FileType::Fifo | FileType::Socket | FileType::CharacterDevice => {
            read_pipe(&file, path, limit, observer)
        }
        FileType::Directory => Err(DiskError::NotRegular { path: shown(path), found: "directory" }),
        _ => read_at_most(&file, path, limit),
    }
}

/// Nobody may have opened the other end yet, and then a read gives nothing:
/// the end has come only when the writer hung up.
fn read_pipe(
    mut file: &File,
    path: &Path,
    limit: u64,
    observer: &dyn Observer,
) -> Result<Vec<u8>, DiskError> {
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let (mut bytes, mut buffer) = (roomy(limit), [0; 4096]);
    loop {
        if observer.is_cancelled() {
            return Err(DiskError::Cancelled);
        }
        let mut events = [PollFd::new(&file, PollFlags::IN)];
        match poll(&mut events, Some(&PATIENCE)) {
            Ok(0) | Err(Errno::INTR) => continue,
            Ok(_) => {}
            Err(errno) => return Err(DiskError::io(shown(path), "wait for")(errno)),
        }
        match file.read(&mut buffer).map_err(DiskError::std_io(path, "read"))? {
            0 => return Ok(bytes),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
        if bytes.len() as u64 > limit {
            return Err(DiskError::TooLarge { path: shown(path), limit });
        }
    }
}

/// Room for a small file at once: a secret that moves to a larger place leaves
/// a copy behind.
fn roomy(limit: u64) -> Vec<u8> {
    Vec::with_capacity(usize::try_from(limit).unwrap_or(usize::MAX).min(128 * 1024) + 1)
}

/// Reads a regular file of at most `limit` bytes, and never waits for a pipe.
///
/// # Errors
/// [`DiskError::NotFound`], [`DiskError::NotRegular`],
/// [`DiskError::TooLarge`], [`DiskError::Io`].
pub fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let fd = open_for_reading(path)?;
    let stat = fstat(&fd).map_err(DiskError::io(shown(path), "examine"))?;
    match file_type(&stat) {
        FileType::RegularFile => read_at_most(&File::from(fd), path, limit),
        other => Err(DiskError::NotRegular { path: shown(path), found: type_name(other) }),
    }
}

/// Never waits for the other end of a pipe.
pub(crate) fn open_for_reading(path: &Path) -> Result<OwnedFd, DiskError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty()).map_err(|errno| DiskError::std_io(path, "open")(errno.into()))
}

pub(crate) fn read_at_most(file: &File, path: &Path, limit: u64) -> Result<Vec<u8>, DiskError> {
    let mut bytes = roomy(limit);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(DiskError::std_io(path, "read"))?;
    if bytes.len() as u64 > limit {
        return Err(DiskError::TooLarge { path: shown(path), limit });
    }
    Ok(bytes)
}

/// Reads the first bytes of a regular file, at most so many.
///
/// # Errors
/// [`DiskError::NotFound`], [`DiskError::NotRegular`], [`DiskError::Io`].
pub fn read_beginning(path: &Path, most: u64) -> Result<Vec<u8>, DiskError> {
    let fd = open_for_reading(path)?;
    let stat = fstat(&fd).map_err(DiskError::io(shown(path), "examine"))?;
    match file_type(&stat) {
        FileType::RegularFile => {
            let mut bytes = Vec::new();
            let read = File::from(fd).take(most).read_to_end(&mut bytes);
            read.map(|_| bytes).map_err(DiskError::std_io(path, "read"))
        }
        other => Err(DiskError::NotRegular { path: shown(path), found: type_name(other) }),
    }
}

/// Reads the first byte of a file that has one.
///
/// # Errors
/// [`DiskError::NotFound`]; [`DiskError::Io`], also when the file is empty.
pub fn read_first_byte(path: &Path) -> Result<u8, DiskError> {
    let mut byte = [0];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut byte))
        .map_err(DiskError::std_io(path, "read"))?;
    Ok(byte[0])
}

/// Whether something stands under this name, be it a link to nothing.
pub fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether an empty regular file stands under this name.
pub fn is_empty(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

/// Whether two paths lead to one file.
pub fn is_same_file(a: &Path, b: &Path) -> bool {
    let id = |path| rustix::fs::stat(path).ok().map(|stat| FileId::of(&stat));
    id(a).is_some_and(|a| Some(a) == id(b))
}

/// Whether an output may take the place of what is there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Overwrite {
    /// No: [`DiskError::Exists`].
    Refuse,
    /// Yes, when the new one is complete.
    Replace,
}

/// Writes `bytes` to `path`, whole or not at all: into a new file in the same
/// directory, to the disk, then under its name. `mode` is the most that the
/// file permits; the process's umask takes from it.
///
/// # Errors
/// Those of [`StagedOutput::new`] and [`StagedOutput::commit`].
pub fn write_output(path: &Path, bytes: &[u8], mode: u32, overwrite: Overwrite) -> Result<(), DiskError> {
    StagedOutput::new(path, bytes, mode, overwrite)?.commit()
}

/// An output that is complete on the disk and has not got its name yet. Of
/// several that belong together, all are staged before the first is committed.
#[derive(Debug)]
pub struct StagedOutput<'a> {
    path: &'a Path,
    partial: NamedTempFile,
    overwrite: Overwrite,
}

impl<'a> StagedOutput<'a> {
    /// How the temporary files of outputs begin and end.
    pub(crate) const PARTIAL: (&'static str, &'static str) = (".modelseal-", ".partial");

    /// Writes `bytes` beside `path`.
    ///
    /// # Errors
    /// [`DiskError::Exists`], [`DiskError::NotFound`] when the directory does
    /// not exist, [`DiskError::NotRegular`] for a directory,
    /// [`DiskError::Io`].
    pub fn new(path: &'a Path, bytes: &[u8], mode: u32, overwrite: Overwrite) -> Result<Self, DiskError> {
        if let Ok(stat) = rustix::fs::stat(path) {
            let found = file_type(&stat);
            if found != FileType::RegularFile {
                return Err(DiskError::NotRegular { path: shown(path), found: type_name(found) });
            }
        }
        if overwrite == Overwrite::Refuse && exists(path) {
            return Err(DiskError::Exists { path: shown(path) });
        }
        let parent = parent_of(path);
        let mut partial = tempfile::Builder::new()
            .prefix(Self::PARTIAL.0)
            .suffix(Self::PARTIAL.1)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(parent)
            .map_err(DiskError::std_io(parent, "create a file there"))?;
        partial
            .write_all(bytes)
            .and_then(|()| partial.as_file().sync_all())
            .map_err(DiskError::std_io(path, "write"))?;
        Ok(Self { path, partial, overwrite })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`DiskError::Exists`] when something took the name meanwhile,
    /// [`DiskError::Io`].
    pub fn commit(self) -> Result<(), DiskError> {
        let persisted = match self.overwrite {
            Overwrite::Refuse => self.partial.persist_noclobber(self.path),
            Overwrite::Replace => self.partial.persist(self.path),
        };
        persisted.map(drop).map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => DiskError::Exists { path: shown(self.path) },
            _ => DiskError::std_io(self.path, "write")(failed.error),
        })
    }

    /// Whether `name` is that of an output on its way, or of one that was left
    /// behind.
    pub fn is_partial(name: &str) -> bool {
        name.starts_with(Self::PARTIAL.0) && name.ends_with(Self::PARTIAL.1)
    }
}

/// Held while a file is read, changed and written again: nobody else who does
/// so through this type writes files of the same directory meanwhile.
#[derive(Debug)]
pub struct Alone {
    _directory: OwnedFd,
}

impl Alone {
    /// Waits until nobody else is at it. Where the file system knows no such
    /// locks, it is not waited for anybody.
    ///
    /// # Errors
    /// [`DiskError::NotFound`] when the directory of `path` does not exist;
    /// [`DiskError::Io`].
    pub fn beside(path: &Path) -> Result<Self, DiskError> {
        let parent = parent_of(path);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = open(parent, flags, Mode::empty())
            .map_err(|errno| DiskError::std_io(parent, "open")(errno.into()))?;
        match flock(&directory, FlockOperation::LockExclusive) {
            Ok(()) | Err(Errno::NOTSUP | Errno::NOLCK | Errno::INVAL | Errno::NOSYS) => {
                Ok(Self { _directory: directory })
            }
            Err(errno) => Err(DiskError::std_io(parent, "wait for")(errno.into())),
        }
    }
}

/// The directory that `path` stands in.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}
