use std::path::Path;

use modelseal_bundle::{CLAIMS_FILE_NAME, Claims, MAX_BUNDLE_BYTES, UntrustedBundle};
use modelseal_disk::{Links, Model, Unfit, WalkRules};
use modelseal_manifest::{IgnorePath, ManifestPath, Serialization};

/// Where the signature of a model directory stands.
pub const SIGNATURE_FILE_NAME: &str = "model.sig";

/// Files at the top of a model that carry its signatures and attestations.
/// They are not signed, and say so of nothing but themselves.
pub const EVIDENCE_FILES: [&str; 2] = [SIGNATURE_FILE_NAME, CLAIMS_FILE_NAME];

/// What the hub client leaves in a directory that it downloads into.
pub(crate) const HUB_BOOKKEEPING: &str = ".cache/huggingface";

/// Which files of a model are signed.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// What the caller leaves out.
    pub ignore: Vec<IgnorePath>,
    /// Whether git's own files at the top are left out, as the specification
    /// has it by default.
    pub ignore_git: bool,
    /// Whether evidence files and the hub client's bookkeeping are left out,
    /// so that they can be added to a signed model.
    pub ignore_evidence: bool,
    /// What to do with symbolic links.
    pub links: Links,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { ignore: vec![], ignore_git: true, ignore_evidence: true, links: Links::Refuse }
    }
}

impl Coverage {
    /// The rules for `model`, whose evidence is, or will be, at these places.
    pub(crate) fn rules(&self, model: &Model, evidence: &[&Path]) -> WalkRules {
        let mut ignore = self.ignore.clone();
        if !model.is_file() {
            if self.ignore_git {
                ignore.extend(git_paths());
            }
            if self.ignore_evidence {
                ignore.extend(evidence_paths());
            }
            ignore.extend(evidence.iter().filter_map(|path| model.locate(path)).map(IgnorePath::from));
        }
        ignore.sort();
        ignore.dedup();
        WalkRules { ignore, links: self.links, unfit: Unfit::Refuse }
    }
}

/// What is left out where nothing else is said.
pub(crate) fn usual_ignores() -> Vec<IgnorePath> {
    let mut ignore: Vec<_> = git_paths().chain(evidence_paths()).collect();
    ignore.sort();
    ignore
}

fn evidence_paths() -> impl Iterator<Item = IgnorePath> {
    EVIDENCE_FILES.into_iter().chain([HUB_BOOKKEEPING]).filter_map(|path| IgnorePath::new(path).ok())
}

pub(crate) fn git_paths() -> impl Iterator<Item = IgnorePath> {
    Serialization::DEFAULT_IGNORES.into_iter().filter_map(|path| IgnorePath::new(path).ok())
}

/// Why a file of the model does not hold the signatures that its name promises.
pub(crate) fn evidence_problem(model: &Model, path: &ManifestPath) -> Option<String> {
    if path.as_str() == CLAIMS_FILE_NAME {
        return claims_problem(model, path);
    }
    let bundle = |bytes: Vec<u8>| UntrustedBundle::parse(&bytes).map_err(|error| error.to_string());
    read(model, path).and_then(bundle).err()
}

/// Why a file of the model is no claims file.
pub(crate) fn claims_problem(model: &Model, path: &ManifestPath) -> Option<String> {
    let claims = |bytes: Vec<u8>| Claims::parse(&bytes).map_err(|error| error.to_string());
    match read(model, path).and_then(claims) {
        Ok(claims) if claims.bundles().is_empty() => Some("it is empty".to_owned()),
        Ok(_) => None,
        Err(problem) => Some(problem),
    }
}

fn read(model: &Model, path: &ManifestPath) -> Result<Vec<u8>, String> {
    model.read(path, MAX_BUNDLE_BYTES).map_err(|error| error.to_string())
}
