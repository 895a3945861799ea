use std::fmt;

use rustix::fs::{FileType, Stat};

/// What tells one state of a file from another without reading it. A rewrite
/// in place moves `ctime` even when `mtime` is set back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stamp {
    pub(crate) id: FileId,
    pub(crate) size: u64,
    mtime: Time,
    ctime: Time,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FileId {
    dev: u64,
    ino: u64,
}

/// Seconds and nanoseconds.
type Time = (i128, i128);

impl Stamp {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self {
            id: FileId::of(stat),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            mtime: (i128::from(stat.st_mtime), i128::from(stat.st_mtime_nsec)),
            ctime: (i128::from(stat.st_ctime), i128::from(stat.st_ctime_nsec)),
        }
    }

    pub(crate) fn ctime(&self) -> Time {
        self.ctime
    }

    pub(crate) fn is_on_device_of(&self, other: &Self) -> bool {
        self.id.dev == other.id.dev
    }

    /// Everything, as numbers.
    pub(crate) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id: FileId { dev, ino }, size, mtime, ctime } = self;
        write!(f, "{dev}:{ino}:{size}:{}.{:09}:{}.{:09}", mtime.0, mtime.1, ctime.0, ctime.1)
    }

    #[cfg(test)]
    pub(crate) fn with_ctime(seconds: i64, nanoseconds: i64) -> Self {
        let ctime = (i128::from(seconds), i128::from(nanoseconds));
        Self { id: FileId { dev: 1, ino: 1 }, size: 1, mtime: (0, 0), ctime }
    }

    /// In words, how `later` differs.
    pub(crate) fn difference(&self, later: &Self) -> Option<String> {
        if self.id != later.id {
            Some("another file stands under its name".to_owned())
        } else if self.size != later.size {
            Some(format!("it had {} bytes, now it has {}", self.size, later.size))
        } else if self != later {
            Some("it was written to or its attributes were changed".to_owned())
        } else {
            None
        }
    }
}

impl FileId {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { dev: stat.st_dev, ino: stat.st_ino }
    }
}

pub(crate) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

pub(crate) fn type_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::RegularFile => "regular file",
        FileType::Directory => "directory",
        FileType::Symlink => "symbolic link",
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        FileType::CharacterDevice | FileType::BlockDevice => "device",
        FileType::Unknown => "file of unknown type",
    }
}
