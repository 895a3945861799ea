use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use crate::engine::Engine;
use crate::{DiskError, FoundFile, Inventory, Links, Model, Observer, PrivateDir, WalkRules};
use modelseal_manifest::{
    ByteRange, ContentDigest, HashType, MAX_RESOURCES, ManifestPath, Method, ModelDigest, Resource,
    ResourceName, Sha256Digest,
};

/// What to compute of each file.
#[derive(Clone, Copy, Debug)]
pub struct MeasureOptions<'a> {
    /// Whole files, or shards.
    pub method: Method,
    /// The hash of each.
    pub hash_type: HashType,
    /// Whether the SHA-256 of each whole file is needed, for the model digest.
    /// It is computed in the same read.
    pub whole_sha256: bool,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
    /// Where to copy each file while it is hashed.
    pub copy_into: Option<&'a PrivateDir>,
}

/// What was measured of a model that did not change meanwhile.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Each file that was asked for, in code-point order.
    pub files: Vec<MeasuredFile>,
}

/// A file and its digests.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MeasuredFile {
    /// Its name.
    pub path: ManifestPath,
    /// Bytes in it.
    pub size: u64,
    /// One digest for the whole file, or one for each shard in their order.
    pub digests: Vec<ContentDigest>,
    /// SHA-256 of the whole file, when it was asked for or came for free.
    pub sha256: Option<Sha256Digest>,
}

impl Measurement {
    /// The digests under their names.
    pub fn resources(&self, method: Method) -> Vec<Resource> {
        let of_file = |file: &MeasuredFile| {
            let path = file.path.clone();
            let named = method.ranges(file.size).map(move |range| ResourceName { path: path.clone(), range });
            named
                .zip(file.digests.clone())
                .map(|(name, digest)| Resource { name, digest })
                .collect::<Vec<_>>()
        };
        self.files.iter().flat_map(of_file).collect()
    }

    /// The model digest, when the SHA-256 of every file is known.
    pub fn model_digest(&self) -> Option<ModelDigest> {
        let files: Option<Vec<_>> = self.files.iter().map(|file| Some((&file.path, file.sha256?))).collect();
        files.map(ModelDigest::over)
    }
}

impl Model {
    /// Hashes the files of `inventory` for which `select` is true, and then
    /// looks at the whole model again: whatever was added, removed, replaced
    /// or written to since the inventory is an error.
    ///
    /// # Errors
    /// [`DiskError::Changed`], [`DiskError::TooMany`],
    /// [`DiskError::Cancelled`], [`DiskError::Io`].
    pub fn measure(
        &self,
        inventory: &Inventory,
        rules: &WalkRules,
        select: impl Fn(&ManifestPath) -> bool,
        options: &MeasureOptions<'_>,
        observer: &dyn Observer,
    ) -> Result<Measurement, DiskError> {
        let files: Vec<&FoundFile> = inventory.files.iter().filter(|file| select(&file.path)).collect();
        let tasks = plan(&files, options)?;
        observer.begin(files.iter().map(|file| file.size()).fold(0, u64::saturating_add));
        let pieces =
            Engine { model: self, files: &files, links: rules.links, options, observer }.run(&tasks)?;
        inventory.check_unchanged(&self.inventory(rules, observer)?)?;
        observer.end();
        Ok(Measurement { files: assemble(&files, pieces) })
    }
}

/// Bytes of a file that are to be hashed, wherever the whole is.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The file.
    pub path: &'a ManifestPath,
    /// Bytes in it: with another size, it is another file.
    pub file_size: u64,
    /// Which of them; `None` is all.
    pub range: Option<ByteRange>,
}

impl Model {
    /// Hashes parts of files, each for itself, and looks at nothing else of the model.
    ///
    /// # Errors
    /// [`DiskError::OtherThanPlanned`] for a file of another size, or none;
    /// [`DiskError::Changed`] for one that changes meanwhile;
    /// [`DiskError::Symlink`], [`DiskError::NotRegular`], [`DiskError::Cancelled`],
    /// [`DiskError::Io`].
    pub fn measure_parts(
        &self,
        parts: &[Part<'_>],
        links: Links,
        hash_type: HashType,
        jobs: NonZeroUsize,
        observer: &dyn Observer,
    ) -> Result<Vec<ContentDigest>, DiskError> {
        let sizes: BTreeMap<&ManifestPath, u64> =
            parts.iter().map(|part| (part.path, part.file_size)).collect();
        let found = self.find(sizes.keys().copied(), links)?;
        for (file, planned) in found.iter().zip(sizes.values()) {
            if file.size() != *planned {
                let what = format!("expected {planned} bytes, found {}", file.size());
                return Err(DiskError::OtherThanPlanned { path: file.path.to_string(), what });
            }
        }
        let number_of: BTreeMap<&ManifestPath, usize> = sizes.keys().copied().zip(0..).collect();
        let task = |part: &Part<'_>| Task { file: number_of[part.path], ranges: vec![part.range] };
        let size = |part: &Part<'_>| part.range.map_or(part.file_size, ByteRange::len);
        let mut order: Vec<usize> = (0..parts.len()).collect();
        order.sort_by_key(|number| std::cmp::Reverse(size(&parts[*number])));
        let tasks: Vec<Task> = order.iter().map(|number| task(&parts[*number])).collect();
        observer.begin(parts.iter().map(size).fold(0, u64::saturating_add));
        let files: Vec<&FoundFile> = found.iter().collect();
        let options =
            MeasureOptions { method: Method::Files, hash_type, whole_sha256: false, jobs, copy_into: None };
        let engine = Engine { model: self, files: &files, links, options: &options, observer };
        let mut pieces = engine.run(&tasks)?;
        for (file, now) in found.iter().zip(self.find(sizes.keys().copied(), links)?) {
            file.check_unchanged(&now.stamp)?;
        }
        observer.end();
        pieces.sort_by_key(|(task, _)| order[*task]);
        Ok(pieces.into_iter().flat_map(|(_, piece)| piece.digests).collect())
    }
}

/// One read of consecutive bytes of one file.
pub(crate) struct Task {
    pub(crate) file: usize,
    /// Where each digest starts and ends; `None` is the whole file.
    pub(crate) ranges: Vec<Option<ByteRange>>,
}

impl Task {
    /// Bytes to be read.
    pub(crate) fn length(&self, files: &[&FoundFile]) -> u64 {
        match self.ranges[..] {
            [Some(range)] => range.len(),
            _ => files[self.file].size(),
        }
    }
}

/// What a task came to.
pub(crate) struct Piece {
    pub(crate) file: usize,
    pub(crate) digests: Vec<ContentDigest>,
    pub(crate) sha256: Option<Sha256Digest>,
}

/// Splits the work so that the largest comes first. A file is read as one
/// where its bytes are needed in order: for its own digest, or to be copied.
fn plan(files: &[&FoundFile], options: &MeasureOptions<'_>) -> Result<Vec<Task>, DiskError> {
    let mut total: u64 = 0;
    let mut tasks = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        total = total.saturating_add(match options.method {
            Method::Files => 1,
            Method::Shards(size) => file.size().div_ceil(size.get()),
        });
        if total > MAX_RESOURCES as u64 {
            let (path, what) = (file.path.to_string(), "files or shards");
            return Err(DiskError::TooMany { path, what, limit: MAX_RESOURCES as u64 });
        }
        let ranges = options.method.ranges(file.size());
        if options.whole_sha256 || options.copy_into.is_some() || options.method == Method::Files {
            tasks.push(Task { file: index, ranges: ranges.collect() });
        } else {
            tasks.extend(ranges.map(|range| Task { file: index, ranges: vec![range] }));
        }
    }
    tasks.sort_by_key(|task| std::cmp::Reverse(task.length(files)));
    Ok(tasks)
}

fn assemble(files: &[&FoundFile], mut pieces: Vec<(usize, Piece)>) -> Vec<MeasuredFile> {
    let mut measured: Vec<_> = files
        .iter()
        .map(|file| MeasuredFile {
            path: file.path.clone(),
            size: file.size(),
            digests: vec![],
            sha256: None,
        })
        .collect();
    // Shards of one file were planned in their order, and sorting by length is
    // stable only among equals: the last, shorter one comes after the others.
    pieces.sort_by_key(|(task, _)| *task);
    for (_, piece) in pieces {
        measured[piece.file].digests.extend(piece.digests);
        measured[piece.file].sha256 = piece.sha256;
    }
    measured
}
