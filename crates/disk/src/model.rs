use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use modelseal_manifest::ManifestPath;
use rustix::fs::{FileType, fstat};

use crate::error::{shown, shown_bytes};
use crate::file::{open_for_reading, parent_of, read_at_most};
use crate::hub::HubRepository;
use crate::inventory::{Links, walk};
use crate::open::Opener;
use crate::stamp::{Stamp, file_type, type_name};
use crate::{DiskError, FoundFile, Inventory, Observer, WalkRules};

/// A model on the disk: a directory, or one file.
#[derive(Debug)]
pub struct Model {
    path: PathBuf,
    canonical: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Directory { root: OwnedFd, hub: Option<HubRepository> },
    File { name: ManifestPath },
}

impl Model {
    /// Opens `path`, which may itself be a symbolic link: the caller named it.
    ///
    /// # Errors
    /// [`DiskError::NotFound`]; [`DiskError::NotRegular`] for what is neither a
    /// directory nor a regular file; [`DiskError::NotUtf8`] or
    /// [`DiskError::Name`] for a single file that no manifest can name;
    /// [`DiskError::Io`].
    pub fn open(path: &Path) -> Result<Self, DiskError> {
        let fd = open_for_reading(path)?;
        let stat = fstat(&fd).map_err(DiskError::io(shown(path), "examine"))?;
        let canonical = path.canonicalize().map_err(DiskError::std_io(path, "resolve"))?;
        let kind = match file_type(&stat) {
            FileType::Directory => Kind::Directory { hub: HubRepository::of(fd.as_fd()), root: fd },
            FileType::RegularFile => Kind::File { name: file_name(path)? },
            other => return Err(DiskError::NotRegular { path: shown(path), found: type_name(other) }),
        };
        Ok(Self { path: path.to_owned(), canonical, kind })
    }

    /// The path that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name to put into a statement: the last component of a directory's
    /// true path, or of the path that a file was opened by.
    pub fn name(&self) -> String {
        match &self.kind {
            Kind::File { name } => name.as_str().to_owned(),
            Kind::Directory { .. } => match self.canonical.file_name() {
                Some(name) => name.to_string_lossy().into_owned(),
                None => "model".to_owned(),
            },
        }
    }

    /// Whether it is one file.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File { .. })
    }

    /// Whether it is a snapshot in the cache of the Hugging Face hub client.
    pub fn is_hub_snapshot(&self) -> bool {
        matches!(self.kind, Kind::Directory { hub: Some(_), .. })
    }

    /// The repository and the commit after which the hub client called the
    /// place: `models--ORG--NAME`, and what stands below its `snapshots`. Also of
    /// one file in a snapshot, which is a link to elsewhere.
    pub fn hub_place(&self) -> Option<(String, String)> {
        let place = match &self.kind {
            Kind::Directory { .. } => self.canonical.clone(),
            Kind::File { .. } => parent_of(&self.path).canonicalize().ok()?,
        };
        let names: Vec<&str> = place.components().filter_map(|name| name.as_os_str().to_str()).collect();
        let is_snapshot = |names: &&[&str]| names[0].contains("--") && names[1] == "snapshots";
        let found = names.windows(3).rfind(is_snapshot)?;
        Some((found[0].to_owned(), found[2].to_owned()))
    }

    /// The path without links, from the root of the file system.
    pub fn true_path(&self) -> &Path {
        &self.canonical
    }

    /// The name that `path` has inside this model, if it lies inside. The file
    /// need not exist, its directory must.
    pub fn locate(&self, path: &Path) -> Option<ManifestPath> {
        let parent = parent_of(path);
        let absolute = match path.file_name() {
            Some(name) => parent.canonicalize().ok()?.join(name),
            None => path.canonicalize().ok()?,
        };
        ManifestPath::new(absolute.strip_prefix(&self.canonical).ok()?.to_str()?).ok()
    }

    /// Lists what is there.
    ///
    /// # Errors
    /// Any [`DiskError`]: a link, a special file, a name that no manifest can
    /// carry, a directory that cannot be read. Nothing is skipped.
    pub fn inventory(&self, rules: &WalkRules, observer: &dyn Observer) -> Result<Inventory, DiskError> {
        match &self.kind {
            Kind::Directory { root, hub } => walk(root.as_fd(), hub.as_ref(), rules, observer),
            Kind::File { name } => {
                let stat = fstat(open_for_reading(&self.path)?)
                    .map_err(DiskError::io(shown(&self.path), "examine"))?;
                let stamp = Stamp::of(&stat);
                let file = FoundFile { path: name.clone(), link_target: None, is_hub_link: false, stamp };
                Ok(Inventory { files: vec![file], ..Inventory::default() })
            }
        }
    }

    /// The regular files of these names, without a walk.
    pub(crate) fn find<'a>(
        &self,
        paths: impl Iterator<Item = &'a ManifestPath>,
        links: Links,
    ) -> Result<Vec<FoundFile>, DiskError> {
        let mut opener = match &self.kind {
            Kind::Directory { root, hub } => Some(Opener::new(root.as_fd(), hub.as_ref(), links)),
            Kind::File { .. } => None,
        };
        let mut find = |path: &ManifestPath| {
            let fd = match (&mut opener, &self.kind) {
                (Some(opener), _) => opener.open_any(path).map_err(|error| gone(error, path))?,
                (None, Kind::File { name }) if name == path => open_for_reading(&self.path)?,
                (None, _) => return Err(DiskError::NotFound { path: path.to_string() }),
            };
            let stat = fstat(&fd).map_err(DiskError::io(path, "examine"))?;
            match file_type(&stat) {
                FileType::RegularFile => {
                    let (path, stamp) = (path.clone(), Stamp::of(&stat));
                    Ok(FoundFile { path, link_target: None, is_hub_link: false, stamp })
                }
                other => Err(DiskError::NotRegular { path: path.to_string(), found: type_name(other) }),
            }
        };
        paths.map(&mut find).collect()
    }

    /// Whether `path` lies in this model, whatever its name. It need not exist,
    /// its directory must.
    pub fn contains(&self, path: &Path) -> bool {
        let parent = parent_of(path).canonicalize();
        parent.is_ok_and(|parent| parent.starts_with(&self.canonical)) || self.is_at(path)
    }

    /// Whether `path` is this very model.
    pub fn is_at(&self, path: &Path) -> bool {
        path.canonicalize().is_ok_and(|path| path == self.canonical)
    }

    /// Reads a small file of the model, of at most `limit` bytes, through the
    /// model's own handle: no link is followed, but one of a hub snapshot into
    /// its own blobs.
    ///
    /// # Errors
    /// [`DiskError::Symlink`], [`DiskError::NotRegular`],
    /// [`DiskError::TooLarge`], [`DiskError::Io`].
    pub fn read(&self, path: &ManifestPath, limit: u64) -> Result<Vec<u8>, DiskError> {
        let fd = match &self.kind {
            Kind::File { .. } => open_for_reading(&self.path)?,
            Kind::Directory { root, hub } => {
                Opener::new(root.as_fd(), hub.as_ref(), Links::Refuse).open_below_directories(path)?
            }
        };
        let stat = fstat(&fd).map_err(DiskError::io(path, "examine"))?;
        match file_type(&stat) {
            FileType::RegularFile => read_at_most(&File::from(fd), Path::new(path.as_str()), limit),
            other => Err(DiskError::NotRegular { path: path.to_string(), found: type_name(other) }),
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }
}

/// What was listed before and is not there.
fn gone(error: DiskError, path: &ManifestPath) -> DiskError {
    match error {
        DiskError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            DiskError::OtherThanPlanned { path: path.to_string(), what: "there is no such file".to_owned() }
        }
        error => error,
    }
}

fn file_name(path: &Path) -> Result<ManifestPath, DiskError> {
    let name = path.file_name().unwrap_or(path.as_os_str());
    match name.to_str() {
        Some(name) => Ok(ManifestPath::new(name)?),
        None => Err(DiskError::NotUtf8 { path: shown_bytes(name.as_bytes()) }),
    }
}
