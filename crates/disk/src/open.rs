use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use modelseal_manifest::ManifestPath;
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use crate::hub::{HubRepository, open_hub_link};
use crate::inventory::Links;
use crate::resolve::{LinkShown, Place, follow, open_directory, open_file};
use crate::stamp::{Stamp, file_type, type_name};
use crate::{DiskError, FoundFile};

/// Opens the files of one model directory, a component at a time below its
/// handle. One for each thread: it remembers the last directory it was in.
pub(crate) struct Opener<'a> {
    root: BorrowedFd<'a>,
    hub: Option<&'a HubRepository>,
    links: Links,
    parent: Option<(String, OwnedFd)>,
}

impl<'a> Opener<'a> {
    pub(crate) fn new(root: BorrowedFd<'a>, hub: Option<&'a HubRepository>, links: Links) -> Self {
        Self { root, hub, links, parent: None }
    }

    /// Opens the file and checks that it is the one that the walk saw.
    pub(crate) fn open(&mut self, file: &FoundFile) -> Result<OwnedFd, DiskError> {
        let fd = self.open_any(&file.path)?;
        check_same(&fd, file)?;
        Ok(fd)
    }

    /// Opens whatever has this name, under the rule for links.
    pub(crate) fn open_any(&mut self, path: &ManifestPath) -> Result<OwnedFd, DiskError> {
        match self.links {
            Links::Refuse => self.open_below_directories(path),
            Links::Follow => self.open_through_links(path),
        }
    }

    /// Opens a file by its name, without links but those of the hub's cache.
    pub(crate) fn open_below_directories(&mut self, path: &ManifestPath) -> Result<OwnedFd, DiskError> {
        let name = component(path.file_name())?;
        let (root, hub) = (self.root, self.hub);
        let parent = match path.parent() {
            None => root,
            Some(parent) => self.directory(parent)?,
        };
        match open_file(parent, &name) {
            Err(Errno::LOOP) => open_hub_link(parent, &name, hub, path, path.components().count() - 1),
            opened => opened.map_err(DiskError::io(path, "open")),
        }
    }

    fn directory(&mut self, path: &str) -> Result<BorrowedFd<'_>, DiskError> {
        let is_current = self.parent.as_ref().is_some_and(|(current, _)| current == path);
        if !is_current {
            let mut fd: Option<OwnedFd> = None;
            for name in path.split('/') {
                let dir = fd.as_ref().map_or(self.root, AsFd::as_fd);
                let shown = || modelseal_manifest::Escaped(path).to_string();
                fd = Some(
                    open_directory(dir, &component(name)?)
                        .map_err(DiskError::io(shown(), "open directory"))?,
                );
            }
            self.parent = fd.map(|fd| (path.to_owned(), fd));
        }
        Ok(self.parent.as_ref().map_or(self.root, |(_, fd)| fd.as_fd()))
    }

    fn open_through_links(&self, path: &ManifestPath) -> Result<OwnedFd, DiskError> {
        let (shown, raw) = (path.to_string(), path.as_str().as_bytes());
        match follow(self.root, &[], raw, &LinkShown { path: &shown, target: raw }) {
            Ok(Place::File { parent, name }) => {
                open_file(parent, &name).map_err(DiskError::io(shown, "open"))
            }
            Ok(Place::Directory { .. }) => Err(DiskError::Changed {
                path: shown,
                what: "it was a file, now it is a directory".to_owned(),
            }),
            Err(escape @ DiskError::LinkEscapes { .. }) if self.hub.is_some() => self.open_blob(path, escape),
            Err(error) => Err(error),
        }
    }

    /// A link that leaves the snapshot may still lead into its blobs, seen from
    /// where it really stands.
    fn open_blob(&self, path: &ManifestPath, escape: DiskError) -> Result<OwnedFd, DiskError> {
        let (shown, parent) = (path.to_string(), path.parent().unwrap_or(".").as_bytes());
        match follow(self.root, &[], parent, &LinkShown { path: &shown, target: parent })? {
            Place::Directory { fd, physical } => {
                open_hub_link(fd.as_fd(), &component(path.file_name())?, self.hub, path, physical.len())
            }
            Place::File { .. } => Err(escape),
        }
    }
}

fn check_same(fd: &OwnedFd, file: &FoundFile) -> Result<(), DiskError> {
    let stat = fstat(fd).map_err(DiskError::io(&file.path, "examine"))?;
    match file_type(&stat) {
        FileType::RegularFile => file.check_unchanged(&Stamp::of(&stat)),
        other => Err(DiskError::NotRegular { path: file.path.to_string(), found: type_name(other) }),
    }
}

pub(crate) fn component(name: &str) -> Result<CString, DiskError> {
    CString::new(name).map_err(|_| DiskError::NotUtf8 { path: name.escape_default().to_string() })
}
