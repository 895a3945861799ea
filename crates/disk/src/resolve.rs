use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;

use crate::DiskError;
use crate::error::shown_bytes;
use crate::stamp::file_type;

/// As many links in a row as Linux itself follows.
const MAX_HOPS: usize = 40;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// Opens the directory `name` of `dir`; a symbolic link is not one.
pub(crate) fn open_directory(dir: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(dir, name, DIRECTORY, Mode::empty())
}

/// Opens the file `name` of `dir` for reading, without following a link and
/// without waiting for the other end of a FIFO.
pub(crate) fn open_file(dir: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
    openat(dir, name, FILE, Mode::empty())
}

pub(crate) fn read_link(dir: impl AsFd, name: &CStr) -> Result<Vec<u8>, Errno> {
    Ok(readlinkat(dir, name, Vec::new())?.into_bytes())
}

/// Where a path leads without leaving `root`.
pub(crate) enum Place {
    Directory { fd: OwnedFd, physical: Vec<CString> },
    File { parent: OwnedFd, name: CString },
}

/// Follows `path`, which stands in the directory `physical` below `root`, one
/// component at a time, through symbolic links that stay below `root`.
pub(crate) fn follow(
    root: BorrowedFd<'_>,
    physical: &[CString],
    path: &[u8],
    link: &LinkShown<'_>,
) -> Result<Place, DiskError> {
    let mut stack: Vec<(CString, OwnedFd)> = Vec::new();
    for name in physical {
        let fd = open_directory(top(root, &stack), name).map_err(link.io())?;
        stack.push((name.clone(), fd));
    }
    let mut queue: VecDeque<Vec<u8>> = components(path);
    let mut hops = 0;
    while let Some(component) = queue.pop_front() {
        if component == b".." {
            stack.pop().ok_or_else(|| link.escapes())?;
            continue;
        }
        let name = CString::new(component).map_err(|_| link.dangles())?;
        let dir = top(root, &stack);
        let stat = statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR => link.dangles(),
            errno => link.io()(errno),
        })?;
        match file_type(&stat) {
            FileType::Symlink => {
                hops += 1;
                let target = read_link(dir, &name).map_err(link.io())?;
                if hops > MAX_HOPS {
                    return Err(link.cycle());
                }
                if target.starts_with(b"/") {
                    return Err(link.escapes());
                }
                for component in components(&target).into_iter().rev() {
                    queue.push_front(component);
                }
            }
            FileType::Directory => {
                let fd = open_directory(dir, &name).map_err(link.io())?;
                stack.push((name, fd));
            }
            _ if !queue.is_empty() => return Err(link.dangles()),
            _ => {
                let parent = top(root, &stack).try_clone_to_owned().map_err(|source| link.std_io(source))?;
                return Ok(Place::File { parent, name });
            }
        }
    }
    let fd = top(root, &stack).try_clone_to_owned().map_err(|source| link.std_io(source))?;
    Ok(Place::Directory { fd, physical: stack.into_iter().map(|(name, _)| name).collect() })
}

fn top<'a>(root: BorrowedFd<'a>, stack: &'a [(CString, OwnedFd)]) -> BorrowedFd<'a> {
    stack.last().map_or(root, |(_, fd)| fd.as_fd())
}

fn components(path: &[u8]) -> VecDeque<Vec<u8>> {
    path.split(|&byte| byte == b'/').filter(|c| !c.is_empty() && *c != b".").map(<[u8]>::to_vec).collect()
}

/// A link as messages name it.
pub(crate) struct LinkShown<'a> {
    pub(crate) path: &'a str,
    pub(crate) target: &'a [u8],
}

impl LinkShown<'_> {
    fn parts(&self) -> (String, String) {
        (self.path.to_owned(), shown_bytes(self.target))
    }

    pub(crate) fn refused(&self) -> DiskError {
        let (path, target) = self.parts();
        DiskError::Symlink { path, target }
    }

    pub(crate) fn escapes(&self) -> DiskError {
        let (path, target) = self.parts();
        DiskError::LinkEscapes { path, target }
    }

    pub(crate) fn cycle(&self) -> DiskError {
        let (path, target) = self.parts();
        DiskError::LinkCycle { path, target }
    }

    pub(crate) fn dangles(&self) -> DiskError {
        let (path, target) = self.parts();
        DiskError::LinkDangles { path, target }
    }

    fn io(&self) -> impl FnOnce(Errno) -> DiskError {
        DiskError::io(self.path, "follow the link")
    }

    fn std_io(&self, source: std::io::Error) -> DiskError {
        DiskError::Io { path: self.path.to_owned(), action: "follow the link", source }
    }
}
