use std::ffi::OsString;
use std::fs::Permissions;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use modelseal_manifest::ManifestPath;
use rustix::fs::{CWD, Mode, OFlags, RenameFlags, mkdirat, open, openat, renameat_with};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::DiskError;
use crate::error::shown;
use crate::file::parent_of;
use crate::open::component;
use crate::resolve::open_directory;

/// A fresh directory, readable by its owner only, that takes its final name
/// when it is complete and vanishes if it is dropped before.
#[derive(Debug)]
pub struct PrivateDir {
    partial: TempDir,
    fd: OwnedFd,
    target: PathBuf,
}

impl PrivateDir {
    /// Makes a directory beside `target`, mode 0700, whose name starts with
    /// `.` and tells what it is for.
    ///
    /// # Errors
    /// [`DiskError::Exists`] when `target` exists; [`DiskError::NotFound`]
    /// when its parent does not; [`DiskError::Io`].
    pub fn create_for(target: &Path) -> Result<Self, DiskError> {
        if target.symlink_metadata().is_ok() {
            return Err(DiskError::Exists { path: shown(target) });
        }
        let name = target.file_name().ok_or_else(|| DiskError::Exists { path: shown(target) })?;
        let parent = parent_of(target);
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".partial-");
        let partial = tempfile::Builder::new()
            .prefix(&prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(DiskError::std_io(parent, "create a directory there"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = open(partial.path(), flags, Mode::empty())
            .map_err(DiskError::io(shown(partial.path()), "open"))?;
        Ok(Self { partial, fd, target: target.to_owned() })
    }

    /// Creates an empty file, mode 0600, and the directories above it.
    ///
    /// # Errors
    /// [`DiskError::NotPortable`] for a name that some system would take for
    /// something else than this file; [`DiskError::Io`].
    pub(crate) fn create_file(&self, path: &ManifestPath) -> Result<OwnedFd, DiskError> {
        if let Some(problem) = path.portability_problem() {
            return Err(DiskError::NotPortable { path: path.to_string(), problem });
        }
        let io = |action| DiskError::io(path, action);
        let mut directory: Option<OwnedFd> = None;
        for name in path.parent().into_iter().flat_map(|parent| parent.split('/')) {
            let (dir, name) = (directory.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd), component(name)?);
            match mkdirat(dir, &name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(io("create its directory in the copy")(errno)),
            }
            directory = Some(open_directory(dir, &name).map_err(io("open its directory in the copy"))?);
        }
        let dir = directory.as_ref().map_or(self.fd.as_fd(), AsFd::as_fd);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(dir, component(path.file_name())?, flags, Mode::RUSR | Mode::WUSR)
            .map_err(io("create it in the copy"))
    }

    /// Gives the directory its final name. It never replaces anything.
    ///
    /// # Errors
    /// [`DiskError::Exists`] when something took the name meanwhile;
    /// [`DiskError::Io`].
    pub fn commit(self) -> Result<PathBuf, DiskError> {
        let path = shown(&self.target);
        match renameat_with(CWD, self.partial.path(), CWD, &self.target, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST | Errno::NOTEMPTY) => return Err(DiskError::Exists { path }),
            Err(errno) => return Err(DiskError::io(path, "rename the finished copy to")(errno)),
        }
        // The directory has left its temporary name: there is nothing to remove.
        let _ = self.partial.keep();
        Ok(self.target)
    }
}
