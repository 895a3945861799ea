use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};
use std::num::NonZeroU64;

use crate::{
    ByteRange, ContentDigest, Differences, HashType, IgnorePath, ManifestPath, ModelDigest, ResourceName,
    RootDigest,
};

/// The most files or shards that one model may have: the bundle of more would
/// exceed what readers accept.
pub const MAX_RESOURCES: usize = 500_000;

/// The digests of a model in the order in which a statement lists them.
///
/// It holds at least one resource; names are distinct, every digest is of the
/// stated hash function, and the shards of each file follow one another from
/// byte 0 without gap or overlap, all but the last of the stated size.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Manifest {
    serialization: Serialization,
    resources: Vec<Resource>,
}

impl Manifest {
    /// Makes a manifest to be signed: resources are put into code-point order
    /// of their names, as the specification asks of writers.
    ///
    /// # Errors
    /// [`ManifestError`] with the rule above that is broken.
    pub fn new(serialization: Serialization, mut resources: Vec<Resource>) -> Result<Self, ManifestError> {
        match serialization.method {
            Method::Files => resources.sort_by(|a, b| a.name.path.cmp(&b.name.path)),
            Method::Shards(_) => resources.sort_by_cached_key(|resource| resource.name.to_wire()),
        }
        Self::from_listed(serialization, resources)
    }

    /// Takes resources as somebody else listed them. The order is kept,
    /// because the root digest depends on it.
    ///
    /// # Errors
    /// [`ManifestError`] with the rule above that is broken.
    pub fn from_listed(
        serialization: Serialization,
        resources: Vec<Resource>,
    ) -> Result<Self, ManifestError> {
        if resources.is_empty() {
            return Err(ManifestError::Empty);
        }
        for resource in &resources {
            resource.agrees_with(&serialization)?;
        }
        match serialization.method {
            Method::Files => distinct_files(&resources)?,
            Method::Shards(size) => contiguous_shards(&resources, size)?,
        }
        lone_unnamed_file(&resources)?;
        Ok(Self { serialization, resources })
    }

    /// Whether any directory could match it: what was listed elsewhere may contradict itself.
    ///
    /// # Errors
    /// [`ManifestError::FileAndDirectory`]; [`ManifestError::Ignored`].
    pub fn check_possible(&self) -> Result<(), ManifestError> {
        let files: BTreeMap<&str, &ManifestPath> = self
            .resources
            .iter()
            .map(|resource| (resource.name.path.as_str(), &resource.name.path))
            .collect();
        for path in files.values() {
            if let Some(ignore) = self.serialization.ignore_paths.iter().find(|ignore| ignore.covers(path)) {
                let (path, ignore) = ((*path).clone(), ignore.clone());
                return Err(ManifestError::Ignored { path, ignore });
            }
            let mut parent = path.parent();
            while let Some(directory) = parent {
                if let Some(file) = files.get(directory) {
                    let (file, below) = ((*file).clone(), (*path).clone());
                    return Err(ManifestError::FileAndDirectory { file, below });
                }
                parent = directory.rsplit_once('/').map(|(parent, _)| parent);
            }
        }
        Ok(())
    }

    /// How the digests were made.
    pub fn serialization(&self) -> &Serialization {
        &self.serialization
    }

    /// The resources in listed order, at least one.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The distinct files, in code-point order.
    pub fn files(&self) -> BTreeSet<&ManifestPath> {
        self.resources.iter().map(|resource| &resource.name.path).collect()
    }

    /// Whether the one resource is a file that the signer did not name: the
    /// Python reference writes `"."` for a single-file model.
    pub fn is_unnamed_file(&self) -> bool {
        self.resources.iter().all(|resource| resource.name.path.is_unnamed_file())
    }

    /// Whether the resources stand in code-point order of their names.
    pub fn is_sorted(&self) -> bool {
        self.resources.is_sorted_by_key(|resource| resource.name.to_wire())
    }

    /// The root digest, computed over the resources in listed order.
    pub fn root_digest(&self) -> RootDigest {
        RootDigest::over(self.resources.iter().map(|resource| &resource.digest))
    }

    /// The model digest, where the manifest alone tells it: SHA-256 over whole,
    /// named files. Otherwise the files have to be hashed for it.
    pub fn model_digest(&self) -> Option<ModelDigest> {
        let files = self.resources.iter().map(|resource| match (resource.name.range, resource.digest) {
            (None, ContentDigest::Sha256(digest)) if !resource.name.path.is_unnamed_file() => {
                Some((&resource.name.path, digest))
            }
            _ => None,
        });
        files.collect::<Option<Vec<_>>>().map(ModelDigest::over)
    }

    /// How what was measured differs from this manifest. `unhashed` are files
    /// that are there and were not measured.
    pub fn differences(&self, measured: &[Resource], unhashed: &[ManifestPath]) -> Differences {
        Differences::between(self, measured, unhashed)
    }
}

/// The digest of one file or shard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resource {
    /// What was hashed.
    pub name: ResourceName,
    /// Its digest.
    pub digest: ContentDigest,
}

impl Resource {
    fn agrees_with(&self, serialization: &Serialization) -> Result<(), ManifestError> {
        let (expected, found) = (serialization.hash_type, self.digest.algorithm());
        if expected != found {
            return Err(ManifestError::Algorithm { name: self.name.clone(), expected, found });
        }
        match (serialization.method, self.name.range) {
            (Method::Files, None) | (Method::Shards(_), Some(_)) => Ok(()),
            _ => Err(ManifestError::Shape { name: self.name.clone(), method: serialization.method }),
        }
    }
}

/// How a model was turned into digests (specification, `serialization`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Serialization {
    /// Whole files, or shards of them.
    pub method: Method,
    /// The hash function of every resource.
    pub hash_type: HashType,
    /// Whether symbolic links were hashed as what they point at.
    pub allow_symlinks: bool,
    /// What the signer left out, besides the defaults of the specification.
    pub ignore_paths: Vec<IgnorePath>,
}

impl Serialization {
    /// The top-level paths that the specification leaves out by default.
    pub const DEFAULT_IGNORES: [&'static str; 4] = [".git", ".gitattributes", ".github", ".gitignore"];
}

/// Whether digests are of whole files or of shards.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// One digest a file.
    Files,
    /// One digest for each run of at most this many bytes.
    Shards(ShardSize),
}

impl Method {
    /// The name in `serialization.method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Shards(_) => "shards",
        }
    }

    /// What is hashed of a file of `size` bytes: the whole, or its shards, of
    /// which an empty file has none.
    pub fn ranges(self, size: u64) -> impl Iterator<Item = Option<ByteRange>> {
        let shard = match self {
            Self::Files => None,
            Self::Shards(shard) => Some(shard.get()),
        };
        let count = shard.map_or(1, |shard| size.div_ceil(shard));
        (0..count).map(move |index| {
            let shard = shard?;
            let start = index * shard;
            ByteRange::new(start, start.saturating_add(shard).min(size))
        })
    }
}

impl Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files => f.write_str("files"),
            Self::Shards(size) => write!(f, "shards of {} bytes", size.get()),
        }
    }
}

/// Bytes in a shard: at least 1, at most `i64::MAX`, which every peer can hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ShardSize(NonZeroU64);

impl ShardSize {
    /// The specification's default: 1,000,000,000 bytes.
    pub const DEFAULT: Self = Self(NonZeroU64::new(1_000_000_000).expect("a positive constant"));

    /// `None` for 0 and for what `i64` cannot hold.
    pub fn new(bytes: u64) -> Option<Self> {
        i64::try_from(bytes).ok().and(NonZeroU64::new(bytes)).map(Self)
    }

    /// Bytes.
    pub const fn get(self) -> u64 {
        self.0.get()
    }
}

fn distinct_files(resources: &[Resource]) -> Result<(), ManifestError> {
    let mut names: Vec<_> = resources.iter().map(|resource| &resource.name).collect();
    names.sort_unstable_by_key(|name| &name.path);
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(ManifestError::Duplicate { name: pair[0].clone() }),
        None => Ok(()),
    }
}

fn contiguous_shards(resources: &[Resource], size: ShardSize) -> Result<(), ManifestError> {
    let mut files: BTreeMap<&ManifestPath, Vec<ByteRange>> = BTreeMap::new();
    for resource in resources {
        files.entry(&resource.name.path).or_default().extend(resource.name.range);
    }
    for (path, mut ranges) in files {
        ranges.sort_unstable();
        let mut expected_start = 0;
        for (index, range) in ranges.iter().enumerate() {
            let name = || ResourceName { path: path.clone(), range: Some(*range) };
            if index > 0 && ranges[index - 1] == *range {
                return Err(ManifestError::Duplicate { name: name() });
            }
            if range.start() != expected_start {
                return Err(ManifestError::ShardStart { name: name(), expected: expected_start });
            }
            let is_last = index + 1 == ranges.len();
            if range.len() > size.get() || (!is_last && range.len() != size.get()) {
                return Err(ManifestError::ShardLength {
                    name: name(),
                    expected: size.get(),
                    found: range.len(),
                });
            }
            expected_start = range.end();
        }
    }
    Ok(())
}

fn lone_unnamed_file(resources: &[Resource]) -> Result<(), ManifestError> {
    let unnamed = resources.iter().filter(|resource| resource.name.path.is_unnamed_file()).count();
    if unnamed == 0 || unnamed == resources.len() { Ok(()) } else { Err(ManifestError::UnnamedAmongOthers) }
}

/// A list of resources that is not a manifest.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Nothing is covered.
    #[error("the manifest lists no file, and an empty model proves nothing")]
    Empty,
    /// One name, listed twice.
    #[error("\"{name}\" is listed more than once")]
    Duplicate {
        /// The name.
        name: ResourceName,
    },
    /// A digest of another hash function than `hash_type`.
    #[error("\"{name}\" has a {found} digest, but the manifest's hash_type is {expected}")]
    Algorithm {
        /// The resource.
        name: ResourceName,
        /// `serialization.hash_type`.
        expected: HashType,
        /// The resource's own.
        found: HashType,
    },
    /// A whole file among shards, or a shard among whole files.
    #[error("\"{name}\" does not fit the serialization method \"{}\"", method.as_str())]
    Shape {
        /// The resource.
        name: ResourceName,
        /// `serialization.method`.
        method: Method,
    },
    /// A gap or an overlap.
    #[error("the shard \"{name}\" should start at byte {expected}: shards may leave no gap and not overlap")]
    ShardStart {
        /// The shard.
        name: ResourceName,
        /// Where the previous one ends.
        expected: u64,
    },
    /// A shard of another size than `shard_size` that is not a shorter last one.
    #[error("the shard \"{name}\" has {found} bytes, but shard_size is {expected}")]
    ShardLength {
        /// The shard.
        name: ResourceName,
        /// `serialization.shard_size`.
        expected: u64,
        /// The length of its range.
        found: u64,
    },
    /// What it leaves out and lists all the same.
    #[error("\"{path}\" is listed, and left out by \"{ignore}\"")]
    Ignored {
        /// The file.
        path: ManifestPath,
        /// What leaves it out.
        ignore: IgnorePath,
    },
    /// One name that is a file, and a directory with another file in it.
    #[error("\"{file}\" is listed as a file, and \"{below}\" lies in a directory of that name")]
    FileAndDirectory {
        /// The file.
        file: ManifestPath,
        /// The other file.
        below: ManifestPath,
    },
    /// `"."`, which stands for a single-file model, beside other files.
    #[error("\".\" names a model that is a single file, but other files are listed beside it")]
    UnnamedAmongOthers,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Sha256Digest;

    fn sha256(method: Method) -> Serialization {
        Serialization { method, hash_type: HashType::Sha256, allow_symlinks: false, ignore_paths: vec![] }
    }

    fn resource(name: ResourceName) -> Resource {
        let digest = ContentDigest::Sha256(Sha256Digest::of(name.to_wire().as_bytes()));
        Resource { name, digest }
    }

    fn files(names: &[&str]) -> Result<Manifest, ManifestError> {
        let resources = names.iter().map(|name| resource(ResourceName::file(name).unwrap())).collect();
        Manifest::from_listed(sha256(Method::Files), resources)
    }

    fn shards(size: u64, names: &[&str]) -> Result<Manifest, ManifestError> {
        let resources = names.iter().map(|name| resource(ResourceName::shard(name).unwrap())).collect();
        Manifest::from_listed(sha256(Method::Shards(ShardSize::new(size).unwrap())), resources)
    }

    #[test]
    fn item_22_empty_resources_are_refused() {
        assert_eq!(files(&[]), Err(ManifestError::Empty));
    }

    #[test]
    fn item_23_duplicate_names_are_refused() {
        assert!(matches!(files(&["a", "b", "a"]), Err(ManifestError::Duplicate { .. })));
        assert!(matches!(shards(4, &["a:0:4", "a:0:4"]), Err(ManifestError::Duplicate { .. })));
    }

    #[test]
    fn item_24_any_order_is_kept_and_the_root_follows_it() {
        let (sorted, unsorted) = (files(&["a-b", "a/b"]).unwrap(), files(&["a/b", "a-b"]).unwrap());
        assert!(sorted.is_sorted() && !unsorted.is_sorted());
        assert_ne!(sorted.root_digest(), unsorted.root_digest());
        assert_eq!(sorted.model_digest(), unsorted.model_digest());
    }

    #[test]
    fn item_25_an_algorithm_other_than_hash_type_is_refused() {
        let mut wrong = resource(ResourceName::file("a").unwrap());
        wrong.digest = ContentDigest::Blake3([0; 32]);
        let found = Manifest::new(sha256(Method::Files), vec![wrong]);
        assert!(matches!(found, Err(ManifestError::Algorithm { .. })));
    }

    #[test]
    fn item_80_gaps_overlaps_and_odd_lengths_are_refused() {
        assert!(shards(4, &["a:0:4", "a:4:8", "a:8:9"]).is_ok());
        assert!(matches!(shards(4, &["a:0:4", "a:8:9"]), Err(ManifestError::ShardStart { expected: 4, .. })));
        assert!(matches!(shards(4, &["a:0:4", "a:3:7"]), Err(ManifestError::ShardStart { expected: 4, .. })));
        assert!(matches!(shards(4, &["a:1:4"]), Err(ManifestError::ShardStart { expected: 0, .. })));
        assert!(matches!(shards(4, &["a:0:3", "a:3:6"]), Err(ManifestError::ShardLength { found: 3, .. })));
        assert!(matches!(shards(4, &["a:0:5"]), Err(ManifestError::ShardLength { found: 5, .. })));
        assert_eq!(ShardSize::new(0), None);
        assert_eq!(ShardSize::new(u64::MAX), None);
    }

    #[test]
    fn item_81_names_that_look_like_shards_stay_files() {
        assert!(files(&["a:0:4", "a:4:8", "a"]).is_ok());
        let manifest = shards(4, &["a:0:4:0:4", "a:0:4"]).unwrap();
        assert_eq!(manifest.files().len(), 2);
    }

    #[test]
    fn an_unnamed_file_stands_alone() {
        assert!(files(&["."]).unwrap().is_unnamed_file());
        assert_eq!(files(&["."]).unwrap().model_digest(), None);
        assert_eq!(files(&[".", "a"]), Err(ManifestError::UnnamedAmongOthers));
    }

    #[test]
    fn shards_are_sorted_as_text_when_written() {
        let names = ["a:0:4", "a:4:8", "a:8:12", "a:12:16"];
        let resources = names.iter().map(|name| resource(ResourceName::shard(name).unwrap())).collect();
        let manifest = Manifest::new(sha256(Method::Shards(ShardSize::new(4).unwrap())), resources).unwrap();
        let listed: Vec<_> = manifest.resources().iter().map(|r| r.name.to_wire()).collect();
        assert_eq!(listed, ["a:0:4", "a:12:16", "a:4:8", "a:8:12"]);
    }

    proptest! {
        #[test]
        fn ranges_of_any_file_make_a_manifest(size in 1_u64..5000, shard in 1_u64..5000) {
            let method = Method::Shards(ShardSize::new(shard).unwrap());
            let path = ManifestPath::new("m").unwrap();
            let resources: Vec<_> =
                method.ranges(size).map(|range| resource(ResourceName { path: path.clone(), range })).collect();
            prop_assert_eq!(resources.iter().map(|r| r.name.range.unwrap().len()).sum::<u64>(), size);
            prop_assert!(Manifest::new(sha256(method), resources).is_ok());
        }
    }
}
