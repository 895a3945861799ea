//! The cache of the Hugging Face hub client: a snapshot is a directory of
//! links into its own repository's `blobs/`, and a blob may itself be a link
//! into the store that all repositories of the cache share.
//!
//! ```text
//! CACHE/models--ORG--NAME/snapshots/COMMIT/dir/file -> ../../../blobs/ETAG
//! CACHE/models--ORG--NAME/blobs/ETAG                -> ../../blobs/XX/HASH   (or a regular file)
//! CACHE/blobs/XX/HASH                                                         (a regular file)
//! ```

use std::ffi::{CStr, CString};
use std::os::fd::{BorrowedFd, OwnedFd};

use modelseal_manifest::ManifestPath;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use crate::DiskError;
use crate::resolve::{LinkShown, open_directory, open_file, read_link};
use crate::stamp::{FileId, file_type};

/// The repository of the cache that a snapshot belongs to.
#[derive(Debug)]
pub(crate) struct HubRepository {
    repository: OwnedFd,
    blobs: OwnedFd,
}

impl HubRepository {
    /// Recognises `snapshot` as a directory in the `snapshots` of a repository
    /// that has `blobs` beside it.
    pub(crate) fn of(snapshot: BorrowedFd<'_>) -> Option<Self> {
        let snapshots = open_parent(snapshot).ok()?;
        let repository = open_parent(&snapshots).ok()?;
        let named = open_directory(&repository, c"snapshots").ok()?;
        let id = |fd: &OwnedFd| fstat(fd).ok().map(|stat| FileId::of(&stat));
        if id(&snapshots)? != id(&named)? {
            return None;
        }
        let blobs = open_directory(&repository, c"blobs").ok()?;
        Some(Self { repository, blobs })
    }

    /// Opens the blob that a link with this `target` stands for, where the
    /// link lies `depth` directories below the snapshot. `None` when it is not
    /// a link into the repository's own `blobs`.
    pub(crate) fn open(&self, depth: usize, target: &[u8]) -> Option<Result<OwnedFd, Errno>> {
        let name = blob_name(target, depth + 2)?;
        let blob = match statat(&self.blobs, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if file_type(&stat) == FileType::Symlink => {
                let target = match read_link(&self.blobs, &name) {
                    Ok(target) => target,
                    Err(errno) => return Some(Err(errno)),
                };
                let (prefix, name) = stored_name(&target)?;
                self.open_stored(&prefix, &name)
            }
            Ok(_) => open_file(&self.blobs, &name),
            Err(errno) => Err(errno),
        };
        Some(blob)
    }

    fn open_stored(&self, prefix: &CStr, name: &CStr) -> Result<OwnedFd, Errno> {
        let cache = open_parent(&self.repository)?;
        let store = open_directory(cache, c"blobs")?;
        open_file(open_directory(store, prefix)?, name)
    }
}

/// Opens what a link of a hub snapshot stands for; any other link is refused.
pub(crate) fn open_hub_link(
    dir: BorrowedFd<'_>,
    name: &CString,
    hub: Option<&HubRepository>,
    path: &ManifestPath,
    depth: usize,
) -> Result<OwnedFd, DiskError> {
    let shown = path.to_string();
    let target = read_link(dir, name).map_err(DiskError::io(&shown, "read the link"))?;
    let link = LinkShown { path: &shown, target: &target };
    match hub.and_then(|hub| hub.open(depth, &target)) {
        None => Err(link.refused()),
        Some(Err(Errno::NOENT)) => Err(link.dangles()),
        // A link or a file stands where the cache has a directory or a blob.
        Some(Err(Errno::LOOP | Errno::NOTDIR)) => Err(link.escapes()),
        Some(opened) => opened.map_err(DiskError::io(&shown, "open the blob behind the link")),
    }
}

/// `NAME` of exactly `../` × `climb` + `blobs/NAME`.
fn blob_name(target: &[u8], climb: usize) -> Option<CString> {
    let mut components = target.split(|&byte| byte == b'/');
    for _ in 0..climb {
        components.next().filter(|c| *c == b"..")?;
    }
    components.next().filter(|c| *c == b"blobs")?;
    let name = plain(components.next()?)?;
    components.next().is_none().then_some(name)
}

/// `XX` and `HASH` of exactly `../../blobs/XX/HASH`.
fn stored_name(target: &[u8]) -> Option<(CString, CString)> {
    let mut components = target.strip_prefix(b"../../blobs/")?.split(|&byte| byte == b'/');
    let found = (plain(components.next()?)?, plain(components.next()?)?);
    components.next().is_none().then_some(found)
}

fn plain(component: &[u8]) -> Option<CString> {
    match component {
        b"" | b"." | b".." => None,
        name => CString::new(name).ok(),
    }
}

fn open_parent(dir: impl std::os::fd::AsFd) -> Result<OwnedFd, Errno> {
    openat(dir, c"..", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_64_only_the_exact_climb_into_the_own_blobs_is_a_hub_link() {
        assert!(blob_name(b"../../blobs/abc", 2).is_some());
        assert!(blob_name(b"../../../blobs/abc", 3).is_some());
        for target in [
            &b"../../../blobs/abc"[..],
            b"../blobs/abc",
            b"../../blobs/..",
            b"../../blobs/",
            b"../../blobs/a/b",
            b"../../other/abc",
            b"/blobs/abc",
            b"./../../blobs/abc",
            b"../../blobs/../../../etc/passwd",
        ] {
            assert!(blob_name(target, 2).is_none(), "{}", String::from_utf8_lossy(target));
        }
    }

    #[test]
    fn item_64_only_one_hop_into_the_shared_store_is_taken() {
        assert!(stored_name(b"../../blobs/ab/abcd").is_some());
        for target in [
            &b"../../blobs/abcd"[..],
            b"../../blobs/ab/../abcd",
            b"../../blobs/ab/cd/ef",
            b"../blobs/ab/abcd",
            b"../../../blobs/ab/abcd",
            b"/blobs/ab/abcd",
            b"../../models--x--y/blobs/abcd",
        ] {
            assert!(stored_name(target).is_none(), "{}", String::from_utf8_lossy(target));
        }
    }
}
