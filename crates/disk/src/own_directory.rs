use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::StagedOutput;
use crate::error::shown;
use crate::file::read_at_most;
use crate::stamp::{file_type, type_name};

/// A directory of the user's own, in which nobody else can put anything.
#[derive(Debug)]
pub struct OwnDirectory {
    path: PathBuf,
    fd: OwnedFd,
}

impl OwnDirectory {
    /// Opens it; `None` where there is none.
    ///
    /// # Errors
    /// In words, why it is not to be believed.
    pub fn open(path: &Path) -> Result<Option<Self>, String> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match open(path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(format!("{}: cannot open: {errno}", shown(path))),
        };
        check_own(&fd, path, FileType::Directory, 0o022)?;
        Ok(Some(Self { path: path.to_owned(), fd }))
    }

    /// Makes it, and those above it, where there is none.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn create(path: &Path) -> Result<Self, String> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| format!("{}: cannot create: {error}", shown(path)))?;
        Self::open(path)?.ok_or_else(|| format!("{}: was removed", shown(path)))
    }

    /// Reads a file in it that nobody else could have written or read, and no link; `None`
    /// where there is none.
    ///
    /// # Errors
    /// In words, why it is not to be believed.
    pub fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match openat(&self.fd, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(format!("{}: cannot open: {errno}", shown(&path))),
        };
        check_own(&fd, &path, FileType::RegularFile, 0o077)?;
        read_at_most(&fd.into(), &path, limit).map(Some).map_err(|error| error.to_string())
    }

    /// Writes a file in it, whole or not at all, for the user alone.
    ///
    /// # Errors
    /// In words.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let problem = |errno: Errno| format!("{}: cannot write: {errno}", shown(&self.path.join(name)));
        let partial = format!("{}{}{}", StagedOutput::PARTIAL.0, std::process::id(), StagedOutput::PARTIAL.1);
        // What a process of the same number left behind.
        let _ = unlinkat(&self.fd, &partial, AtFlags::empty());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(&self.fd, &partial, flags, Mode::from_raw_mode(0o600)).map_err(problem)?;
        let written = File::from(fd).write_all(bytes);
        let written = written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO));
        written.and_then(|()| renameat(&self.fd, &partial, &self.fd, name)).map_err(|errno| {
            let _ = unlinkat(&self.fd, &partial, AtFlags::empty());
            problem(errno)
        })
    }

    /// Removes files that are called so and that nobody wrote for so long; what cannot be
    /// removed stays.
    pub fn forget_older(&self, age: Duration, is_called_so: impl Fn(&str) -> bool) {
        let Ok(entries) = Dir::read_from(&self.fd) else { return };
        let oldest = SystemTime::now().checked_sub(age).and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let Some(oldest) = oldest.map(|oldest| i128::from(oldest.as_secs())) else { return };
        for entry in entries.flatten().filter(|entry| entry.file_name().to_str().is_ok_and(&is_called_so)) {
            let stat = statat(&self.fd, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
            let is_old =
                |stat: Stat| file_type(&stat) == FileType::RegularFile && i128::from(stat.st_mtime) < oldest;
            if stat.is_ok_and(is_old) {
                let _ = unlinkat(&self.fd, entry.file_name(), AtFlags::empty());
            }
        }
    }
}

fn check_own(fd: &OwnedFd, path: &Path, expected: FileType, of_others: u32) -> Result<(), String> {
    let stat = fstat(fd).map_err(|errno| format!("{}: cannot examine: {errno}", shown(path)))?;
    let problem = if file_type(&stat) != expected {
        format!("is a {}", type_name(file_type(&stat)))
    } else if stat.st_uid != geteuid().as_raw() {
        "belongs to somebody else".to_owned()
    } else if stat.st_mode & of_others != 0 {
        let (mode, expected) = (stat.st_mode & 0o777, stat.st_mode & 0o777 & !of_others);
        format!("is open to others: its mode is {mode:03o}, expected {expected:03o}")
    } else {
        return Ok(());
    };
    Err(format!("{}: {problem}", shown(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_read_or_replace_is_not_believed() {
        use std::os::unix::fs::{PermissionsExt, chown, symlink};
        let parent = tempfile::tempdir().unwrap();
        let at = parent.path().join("a/own");
        assert!(OwnDirectory::open(&at).unwrap().is_none());
        let own = OwnDirectory::create(&at).unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        assert_eq!(own.read("file", 10), Ok(None));
        own.write("file", b"x").unwrap();
        assert_eq!(own.read("file", 10), Ok(Some(b"x".to_vec())));
        for mode in [0o640, 0o604, 0o620] {
            set(&at.join("file"), mode);
            assert!(own.read("file", 10).unwrap_err().contains("is open to others: its mode is 6"));
        }
        set(&at.join("file"), 0o600);
        symlink(at.join("file"), at.join("link")).unwrap();
        assert!(own.read("link", 10).is_err());
        assert!(own.read(".", 10).unwrap_err().ends_with("is a directory"));
        assert!(own.read("file", 0).is_err(), "too large");
        for mode in [0o770, 0o702, 0o777] {
            set(&at, mode);
            assert!(OwnDirectory::open(&at).unwrap_err().contains("is open to others"));
            assert!(OwnDirectory::create(&at).is_err());
        }
        set(&at, 0o755);
        assert!(OwnDirectory::open(&at).unwrap().is_some(), "others may look at names");
        symlink(&at, parent.path().join("link")).unwrap();
        assert!(OwnDirectory::open(&parent.path().join("link")).is_err());
        if geteuid().is_root() {
            chown(at.join("file"), Some(12_345), None).unwrap();
            assert!(own.read("file", 10).unwrap_err().ends_with("belongs to somebody else"));
            chown(&at, Some(12_345), None).unwrap();
            assert!(OwnDirectory::open(&at).unwrap_err().ends_with("belongs to somebody else"));
        }
    }

    #[test]
    fn what_nobody_wrote_for_long_is_forgotten() {
        let parent = tempfile::tempdir().unwrap();
        let own = OwnDirectory::create(&parent.path().join("own")).unwrap();
        for name in ["old", "new", "notes"] {
            own.write(name, b"x").unwrap();
        }
        for name in ["own/old", "own/notes"] {
            let old = File::options().write(true).open(parent.path().join(name)).unwrap();
            old.set_modified(SystemTime::now() - Duration::from_secs(100)).unwrap();
        }
        own.forget_older(Duration::from_secs(50), |name| name != "notes");
        let there = Ok(Some(b"x".to_vec()));
        assert_eq!(
            [own.read("old", 10), own.read("new", 10), own.read("notes", 10)],
            [Ok(None), there.clone(), there]
        );
    }
}
