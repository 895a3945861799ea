use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::vec;

use modelseal_manifest::{IgnorePath, ManifestPath};
use rustix::fs::{AtFlags, Dir, FileType, Stat, fstat, stat, statat};
use rustix::io::Errno;

use crate::error::shown_bytes;
use crate::hub::{HubRepository, open_hub_link};
use crate::resolve::{LinkShown, Place, follow, open_directory, read_link};
use crate::stamp::{FileId, Stamp, file_type, type_name};
use crate::{DiskError, Observer};

/// Bounds the handles that are open at once, and nonsense.
const MAX_DEPTH: usize = 200;
const MAX_ENTRIES: u64 = 2_000_000;
/// Bounds what links that multiply each other can make of a small tree.
const MAX_FOLLOWED: u64 = 50_000;

/// What counts as part of a model.
#[derive(Clone, Debug)]
pub struct WalkRules {
    /// Paths that are not looked into.
    pub ignore: Vec<IgnorePath>,
    /// What to do with symbolic links.
    pub links: Links,
    /// What to do with what can be no part of a model.
    pub unfit: Unfit,
}

/// What to do with an entry that can be no part of a model: a link that is not
/// followed, a special file, a name that no manifest can carry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unfit {
    /// The first one ends the walk.
    Refuse,
    /// Each is listed in [`Inventory::unfit`], so that all can be told at once.
    List,
}

/// What to do with a symbolic link.
///
/// In a snapshot of the Hugging Face cache, links into the repository's own
/// `blobs` are files under either rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Links {
    /// It is an error.
    Refuse,
    /// It is what it points at, which must lie in the model.
    Follow,
}

/// What a model holds, in code-point order, taken at one moment.
#[derive(Debug, Default)]
pub struct Inventory {
    /// The regular files.
    pub files: Vec<FoundFile>,
    /// What is there and was left out.
    pub ignored: Vec<Ignored>,
    /// Why other entries can be no part of a model; empty under
    /// [`Unfit::Refuse`].
    pub unfit: Vec<DiskError>,
}

/// A regular file of a model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundFile {
    /// Its name.
    pub path: ManifestPath,
    /// For a symbolic link, what it points at, escaped for display. A file
    /// inside a directory that was reached through a link has none.
    pub link_target: Option<String>,
    /// Whether the link leads into the blobs of the hub client's cache.
    pub is_hub_link: bool,
    pub(crate) stamp: Stamp,
}

impl FoundFile {
    /// Bytes in the file.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    pub(crate) fn check_unchanged(&self, now: &Stamp) -> Result<(), DiskError> {
        match self.stamp.difference(now) {
            None => Ok(()),
            Some(what) => Err(DiskError::Changed { path: self.path.to_string(), what }),
        }
    }
}

/// Something that is there and was left out.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Ignored {
    /// Its name.
    pub path: ManifestPath,
    /// What it is.
    pub kind: IgnoredKind,
}

/// What was left out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum IgnoredKind {
    /// A regular file.
    File,
    /// A directory, with everything in it.
    Directory,
    /// A symbolic link, which was not followed.
    Symlink,
    /// A special file, which was not opened.
    Other,
}

impl IgnoredKind {
    /// A stable name, for machines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Other => "other",
        }
    }
}

impl Inventory {
    /// The sum of the sizes of all files, in bytes.
    pub fn total_size(&self) -> u64 {
        self.files.iter().map(FoundFile::size).fold(0, u64::saturating_add)
    }

    /// Finds a file by its name.
    pub fn file(&self, path: &ManifestPath) -> Option<&FoundFile> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok().map(|index| &self.files[index])
    }

    /// The file that `path` leads to, by whatever name or link, if it is here.
    pub fn same_file(&self, path: &Path) -> Option<&FoundFile> {
        let id = FileId::of(&stat(path).ok()?);
        self.files.iter().find(|file| file.stamp.id == id)
    }

    /// The first way in which `later` differs, as an error that names it.
    pub(crate) fn check_unchanged(&self, later: &Self) -> Result<(), DiskError> {
        let changed = |path: &ManifestPath, what: &str| {
            Err(DiskError::Changed { path: path.to_string(), what: what.to_owned() })
        };
        if !self.files.iter().map(|file| &file.path).eq(later.files.iter().map(|file| &file.path)) {
            if let Some(gone) = self.files.iter().find(|file| later.file(&file.path).is_none()) {
                return changed(&gone.path, "it was removed");
            }
            if let Some(new) = later.files.iter().find(|file| self.file(&file.path).is_none()) {
                return changed(&new.path, "it was added");
            }
        }
        for (file, now) in self.files.iter().zip(&later.files) {
            file.check_unchanged(&now.stamp)?;
        }
        let differs = |a: &[Ignored], b: &[Ignored]| a.iter().find(|entry| !b.contains(entry)).cloned();
        if let Some(entry) =
            differs(&later.ignored, &self.ignored).or_else(|| differs(&self.ignored, &later.ignored))
        {
            return changed(&entry.path, "it was added, removed or replaced");
        }
        // With something unfit from the start, nothing is verified anyway.
        match later.unfit.first() {
            Some(new) if self.unfit.is_empty() => {
                let path = new.path().unwrap_or("a file").to_owned();
                Err(DiskError::Changed { path, what: format!("something was added: {new}") })
            }
            _ => Ok(()),
        }
    }
}

/// Lists the directory `root` and everything below it.
pub(crate) fn walk(
    root: BorrowedFd<'_>,
    hub: Option<&HubRepository>,
    rules: &WalkRules,
    observer: &dyn Observer,
) -> Result<Inventory, DiskError> {
    let mut walk = Walk { root, hub, rules, inventory: Inventory::default(), entries: 0, followed: 0 };
    let own = root.try_clone_to_owned().map_err(|source| DiskError::Io {
        path: ".".to_owned(),
        action: "open",
        source,
    })?;
    let mut stack = vec![walk.enter(own, None, Vec::new())?];
    while let Some(frame) = stack.last_mut() {
        if observer.is_cancelled() {
            return Err(DiskError::Cancelled);
        }
        let Some(name) = frame.entries.next() else {
            stack.pop();
            continue;
        };
        let found = match walk.visit(&stack, &name) {
            Err(error) if rules.unfit == Unfit::List && error.is_about_one_entry() => {
                walk.inventory.unfit.push(error);
                continue;
            }
            found => found?,
        };
        if let Some(found) = found {
            if stack.len() >= MAX_DEPTH {
                return Err(DiskError::TooDeep { path: found.path.to_string(), limit: MAX_DEPTH });
            }
            stack.push(walk.enter(found.fd, Some(found.path), found.physical)?);
        }
    }
    walk.inventory.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    walk.inventory.ignored.sort_unstable();
    Ok(walk.inventory)
}

struct Walk<'a> {
    root: BorrowedFd<'a>,
    hub: Option<&'a HubRepository>,
    rules: &'a WalkRules,
    inventory: Inventory,
    entries: u64,
    followed: u64,
}

/// A directory that is being listed.
struct Frame {
    fd: OwnedFd,
    id: FileId,
    path: Option<ManifestPath>,
    /// Where it really lies below the root, links resolved.
    physical: Vec<CString>,
    entries: vec::IntoIter<CString>,
}

/// A directory that is to be listed next.
struct Subdirectory {
    fd: OwnedFd,
    path: ManifestPath,
    physical: Vec<CString>,
}

impl Walk<'_> {
    fn enter(
        &mut self,
        fd: OwnedFd,
        path: Option<ManifestPath>,
        physical: Vec<CString>,
    ) -> Result<Frame, DiskError> {
        let shown = || path.as_ref().map_or_else(|| ".".to_owned(), ToString::to_string);
        let id = FileId::of(&fstat(&fd).map_err(DiskError::io(shown(), "examine"))?);
        let names = read_names(&fd).map_err(DiskError::io(shown(), "list"))?;
        self.entries += names.len() as u64;
        if self.entries > MAX_ENTRIES {
            return Err(DiskError::TooMany { path: shown(), what: "directory entries", limit: MAX_ENTRIES });
        }
        Ok(Frame { fd, id, path, physical, entries: names.into_iter() })
    }

    fn visit(&mut self, stack: &[Frame], name: &CStr) -> Result<Option<Subdirectory>, DiskError> {
        let Some(frame) = stack.last() else { return Ok(None) };
        let path = path_of(frame, name)?;
        let stat = statat(&frame.fd, name, AtFlags::SYMLINK_NOFOLLOW).map_err(vanished(&path))?;
        if self.rules.ignore.iter().any(|ignore| ignore.covers(&path)) {
            let kind = ignored_kind(file_type(&stat));
            self.inventory.ignored.push(Ignored { path, kind });
            return Ok(None);
        }
        match file_type(&stat) {
            FileType::RegularFile => self.add(path, &stat, None, false),
            FileType::Symlink => return self.visit_link(stack, frame, name, path),
            FileType::Directory => {
                let fd = open_directory(&frame.fd, name).map_err(vanished(&path))?;
                let physical = frame.physical.iter().cloned().chain([name.to_owned()]).collect();
                return Ok(Some(Subdirectory { fd, path, physical }));
            }
            other => return Err(DiskError::NotRegular { path: path.to_string(), found: type_name(other) }),
        }
        Ok(None)
    }

    fn visit_link(
        &mut self,
        stack: &[Frame],
        frame: &Frame,
        name: &CStr,
        path: ManifestPath,
    ) -> Result<Option<Subdirectory>, DiskError> {
        let shown = path.to_string();
        let target = read_link(&frame.fd, name).map_err(vanished(&path))?;
        let link = LinkShown { path: &shown, target: &target };
        if self.hub.is_some_and(|hub| hub.open(frame.physical.len(), &target).is_some()) {
            let fd =
                open_hub_link(frame.fd.as_fd(), &name.to_owned(), self.hub, &path, frame.physical.len())?;
            let stat = fstat(&fd).map_err(vanished(&path))?;
            require_regular(&path, &stat)?;
            self.add(path, &stat, Some(shown_bytes(&target)), true);
            return Ok(None);
        }
        if self.rules.links == Links::Refuse {
            return Err(link.refused());
        }
        if target.starts_with(b"/") {
            return Err(link.escapes());
        }
        self.followed += 1;
        if self.followed > MAX_FOLLOWED {
            return Err(DiskError::TooMany {
                path: shown,
                what: "symbolic links to follow",
                limit: MAX_FOLLOWED,
            });
        }
        match follow(self.root, &frame.physical, &target, &link)? {
            Place::File { parent, name } => {
                let stat = statat(parent, &name, AtFlags::SYMLINK_NOFOLLOW).map_err(vanished(&path))?;
                require_regular(&path, &stat)?;
                self.add(path, &stat, Some(shown_bytes(&target)), false);
                Ok(None)
            }
            Place::Directory { fd, physical } => {
                let id = FileId::of(&fstat(&fd).map_err(vanished(&path))?);
                if stack.iter().any(|frame| frame.id == id) {
                    return Err(link.cycle());
                }
                Ok(Some(Subdirectory { fd, path, physical }))
            }
        }
    }

    fn add(&mut self, path: ManifestPath, stat: &Stat, link_target: Option<String>, is_hub_link: bool) {
        self.inventory.files.push(FoundFile { path, link_target, is_hub_link, stamp: Stamp::of(stat) });
    }
}

fn path_of(frame: &Frame, name: &CStr) -> Result<ManifestPath, DiskError> {
    let utf8 = name.to_str().map_err(|_| {
        let prefix = frame.path.as_ref().map_or_else(String::new, |path| format!("{path}/"));
        DiskError::NotUtf8 { path: prefix + &shown_bytes(name.to_bytes()) }
    })?;
    Ok(match &frame.path {
        None => ManifestPath::new(utf8)?,
        Some(directory) => directory.join(utf8)?,
    })
}

fn read_names(fd: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    Ok(names)
}

fn require_regular(path: &ManifestPath, stat: &Stat) -> Result<(), DiskError> {
    match file_type(stat) {
        FileType::RegularFile => Ok(()),
        other => Err(DiskError::NotRegular { path: path.to_string(), found: type_name(other) }),
    }
}

fn ignored_kind(file_type: FileType) -> IgnoredKind {
    match file_type {
        FileType::RegularFile => IgnoredKind::File,
        FileType::Directory => IgnoredKind::Directory,
        FileType::Symlink => IgnoredKind::Symlink,
        _ => IgnoredKind::Other,
    }
}

/// What was listed a moment ago and is gone changed under our eyes.
fn vanished(path: &ManifestPath) -> impl FnOnce(Errno) -> DiskError {
    move |errno| match errno {
        Errno::NOENT | Errno::LOOP | Errno::NOTDIR => {
            let (path, what) = (path.to_string(), "it was replaced or removed".to_owned());
            DiskError::Changed { path, what }
        }
        errno => DiskError::io(path, "examine")(errno),
    }
}
