use std::num::NonZeroUsize;

use modelseal_disk::{Links, MeasureOptions, Model, Observer};
use modelseal_manifest::{HashType, Manifest, Method, ModelDigest, RootDigest, Serialization};

use crate::{Coverage, Error};

/// What to compute.
#[derive(Clone, Debug)]
pub struct DigestOptions {
    /// Which files.
    pub coverage: Coverage,
    /// Whole files, or shards of them.
    pub method: Method,
    /// The hash of each.
    pub hash_type: HashType,
    /// The order of the root digest.
    pub order: Order,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
}

/// The order in which a root digest takes its resources.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Code points of the whole name, as the specification has it.
    CodePoints,
    /// One path component after the other, as the Python reference does.
    Components,
}

impl Default for DigestOptions {
    fn default() -> Self {
        Self {
            coverage: Coverage::default(),
            method: Method::Files,
            hash_type: HashType::Sha256,
            order: Order::CodePoints,
            jobs: crate::default_jobs(),
        }
    }
}

/// The two digests of a model.
#[derive(Clone, Debug)]
pub struct Digests {
    /// What a statement would have as its subject.
    pub root: RootDigest,
    /// The identity of the model.
    pub model: ModelDigest,
    /// Files that are covered.
    pub files: usize,
    /// Bytes in them.
    pub size: u64,
}

/// Hashes a model without signing it.
///
/// # Errors
/// [`Error::Disk`]; [`Error::EmptyFile`]; [`Error::Manifest`] when nothing is
/// covered.
#[expect(clippy::missing_panics_doc, reason = "the SHA-256 of every file was asked for")]
pub fn digest(model: &Model, options: &DigestOptions, observer: &dyn Observer) -> Result<Digests, Error> {
    let rules = options.coverage.rules(model, &[]);
    let inventory = model.inventory(&rules, observer)?;
    if let (Method::Shards(_), Some(empty)) =
        (options.method, inventory.files.iter().find(|file| file.size() == 0))
    {
        return Err(Error::EmptyFile { path: empty.path.clone() });
    }
    let measure = MeasureOptions {
        method: options.method,
        hash_type: options.hash_type,
        whole_sha256: true,
        jobs: options.jobs,
        copy_into: None,
    };
    let measured = model.measure(&inventory, &rules, |_| true, &measure, observer)?;
    let serialization = Serialization {
        method: options.method,
        hash_type: options.hash_type,
        allow_symlinks: options.coverage.links == Links::Follow,
        ignore_paths: rules.ignore.clone(),
    };
    let mut resources = measured.resources(options.method);
    let manifest = match options.order {
        Order::CodePoints => Manifest::new(serialization, resources)?,
        Order::Components => {
            resources.sort_by(|a, b| a.name.path.components().cmp(b.name.path.components()));
            Manifest::from_listed(serialization, resources)?
        }
    };
    let model_digest = measured.model_digest().expect("the SHA-256 of every file was asked for");
    Ok(Digests {
        root: manifest.root_digest(),
        model: model_digest,
        files: inventory.files.len(),
        size: inventory.total_size(),
    })
}
