use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use modelseal_manifest::{Escaped, NameError};

/// What went wrong between us and the disk.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiskError {
    /// The system refused an operation.
    #[error("{path}: cannot {action}: {source}")]
    Io {
        /// Where, escaped for display.
        path: String,
        /// What was tried.
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A path that was asked for does not exist.
    #[error("{path}: no such file or directory")]
    NotFound {
        /// The path, escaped for display.
        path: String,
    },
    /// A file name that is not UTF-8, which a manifest cannot carry.
    #[error("{path}: the name is not UTF-8, so no manifest can list it")]
    NotUtf8 {
        /// The path; bytes that are not UTF-8 are written `\xNN`.
        path: String,
    },
    /// A file name that a manifest cannot carry.
    #[error("{0}")]
    Name(#[from] NameError),
    /// A symbolic link, while links are not followed.
    #[error("{path}: is a symbolic link to \"{target}\", and links are not followed here")]
    Symlink {
        /// The link.
        path: String,
        /// What it points at.
        target: String,
    },
    /// A symbolic link that leads out of the model.
    #[error("{path}: the symbolic link to \"{target}\" leads out of the model")]
    LinkEscapes {
        /// The link.
        path: String,
        /// What it points at.
        target: String,
    },
    /// A symbolic link that leads back to itself or to a directory above it.
    #[error("{path}: the symbolic link to \"{target}\" leads in a circle")]
    LinkCycle {
        /// The link.
        path: String,
        /// What it points at.
        target: String,
    },
    /// A symbolic link to nothing.
    #[error("{path}: the symbolic link to \"{target}\" leads to nothing")]
    LinkDangles {
        /// The link.
        path: String,
        /// What it points at.
        target: String,
    },
    /// A FIFO, socket or device where a regular file should be.
    #[error("{path}: is a {found}, expected a regular file")]
    NotRegular {
        /// Where.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// A file that was not the same from the walk to the end.
    #[error("{path}: changed while it was read: {what}")]
    Changed {
        /// Where.
        path: String,
        /// What was seen, and what was expected.
        what: String,
    },
    /// A file that is not the one that was planned.
    #[error("{path}: is not what was planned: {what}")]
    OtherThanPlanned {
        /// Where.
        path: String,
        /// What was expected, and what is there.
        what: String,
    },
    /// Directories nested beyond what any model needs.
    #[error("{path}: directories are nested more than {limit} deep")]
    TooDeep {
        /// Where.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// More directory entries, files or shards than are accepted.
    #[error("{path}: more than {limit} {what}")]
    TooMany {
        /// Where.
        path: String,
        /// What there are too many of.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A file that is longer than its kind may be.
    #[error("{path}: has more than {limit} bytes, which is the most that is read here")]
    TooLarge {
        /// Where.
        path: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// Output that would replace what is there.
    #[error("{path}: exists already")]
    Exists {
        /// Where.
        path: String,
    },
    /// A name that some system would take for something else than a file.
    #[error("{path}: cannot be copied under this name: {problem}")]
    NotPortable {
        /// The name.
        path: String,
        /// Why.
        problem: &'static str,
    },
    /// The observer asked to stop.
    #[error("interrupted")]
    Cancelled,
}

/// Whose doing an error is, which decides what a program exits with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ErrorKind {
    /// The model holds something that can be neither signed nor verified.
    Model,
    /// The caller named something that is not there, or may not be replaced.
    Usage,
    /// Nothing can be said: the disk failed, or things moved meanwhile.
    Undecided,
    /// The work was stopped on request.
    Cancelled,
}

impl DiskError {
    /// Whether one entry of a directory is at fault, and the others can be
    /// looked at all the same.
    pub(crate) fn is_about_one_entry(&self) -> bool {
        self.kind() == ErrorKind::Model && !matches!(self, Self::TooDeep { .. } | Self::TooMany { .. })
    }

    /// The entry that is at fault, escaped for display.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Io { path, .. }
            | Self::NotFound { path }
            | Self::NotUtf8 { path }
            | Self::Symlink { path, .. }
            | Self::LinkEscapes { path, .. }
            | Self::LinkCycle { path, .. }
            | Self::LinkDangles { path, .. }
            | Self::NotRegular { path, .. }
            | Self::Changed { path, .. }
            | Self::OtherThanPlanned { path, .. }
            | Self::TooDeep { path, .. }
            | Self::TooMany { path, .. }
            | Self::TooLarge { path, .. }
            | Self::Exists { path }
            | Self::NotPortable { path, .. } => Some(path),
            Self::Name(_) | Self::Cancelled => None,
        }
    }

    /// Whose doing it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Changed { .. } | Self::OtherThanPlanned { .. } => ErrorKind::Undecided,
            Self::NotFound { .. } | Self::Exists { .. } => ErrorKind::Usage,
            Self::Cancelled => ErrorKind::Cancelled,
            _ => ErrorKind::Model,
        }
    }

    /// The path is written out only where something goes wrong.
    pub(crate) fn io(path: impl ToString, action: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |errno| Self::Io { path: path.to_string(), action, source: errno.into() }
    }

    pub(crate) fn std_io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = shown(path);
        move |source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { path },
            io::ErrorKind::IsADirectory => Self::NotRegular { path, found: "directory" },
            // `tempfile` adds the path of its own temporary file, which says nothing to anybody.
            kind => {
                let bare = source.raw_os_error().or_else(|| raw_cause(&source));
                let source = bare.map_or_else(|| io::Error::from(kind), io::Error::from_raw_os_error);
                Self::Io { path, action, source }
            }
        }
    }
}

fn raw_cause(error: &io::Error) -> Option<i32> {
    let mut cause = std::error::Error::source(error.get_ref()?);
    while let Some(error) = cause {
        if let Some(code) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(code);
        }
        cause = error.source();
    }
    None
}

/// A path as messages show it: escaped, bytes that are not UTF-8 as `\xNN`.
pub(crate) fn shown(path: &Path) -> String {
    shown_bytes(path.as_os_str().as_bytes())
}

pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        let _ = write!(text, "{}", Escaped(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}
