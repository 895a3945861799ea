//! Every bundle beside a model: what a policy considers.

use std::collections::HashSet;
use std::path::Path;

use modelseal_bundle::{Claims, MAX_BUNDLE_BYTES, UntrustedBundle};
use modelseal_disk::{DiskError, ErrorKind, Links, Model, Observer, Unfit, WalkRules, read_regular};
use modelseal_manifest::{Escaped, ManifestPath, Sha256Digest};
use modelseal_policy::Source;

use crate::coverage::git_paths;
use crate::{EVIDENCE_FILES, Error};

/// The most files of bundles beside one model, and the most bytes in them.
const MAX_FILES: usize = 64;
const MAX_BYTES: u64 = 2 * MAX_BUNDLE_BYTES;
const ONE_BUNDLE: [&str; 2] = [".oms.sig", ".sigstore.json"];
const LINES: [&str; 1] = [".intoto.jsonl"];

/// What lies beside a model: each bundle once, files that should be some and are
/// not, and those files of the model that are made of bundles. Nothing of it is
/// verified.
#[derive(Debug, Default)]
pub struct Bundles {
    /// Where each was read first, and what it is.
    pub bundles: Vec<(Source, UntrustedBundle)>,
    /// What has the name of a file of bundles, and why it is none.
    pub unreadable: Vec<(Source, String)>,
    pub(crate) evidence: Vec<ManifestPath>,
    seen: HashSet<Sha256Digest>,
}

/// Reads `model.sig`, `claims.jsonl`, `*.oms.sig`, `*.sigstore.json` and
/// `*.intoto.jsonl` at the top of a directory; of a single file, what is called
/// after it; and what the caller names.
///
/// # Errors
/// [`Error::Disk`]. A file that is not what its name promises is no error.
pub fn bundles_beside(model: &Model, named: &[&Path], observer: &dyn Observer) -> Result<Bundles, Error> {
    let mut beside = Bundles::default();
    for path in named {
        let bytes = read_regular(path, MAX_BUNDLE_BYTES)?;
        let is_lines = is_lines(&path.to_string_lossy());
        let is_read = beside.add(&Escaped(&path.to_string_lossy()).to_string(), is_lines, &bytes);
        beside.evidence.extend(model.locate(path).filter(|_| is_read));
    }
    if model.is_file() {
        beside_file(&mut beside, model)?;
    } else {
        beside_directory(&mut beside, model, observer)?;
    }
    Ok(beside)
}

fn beside_directory(beside: &mut Bundles, model: &Model, observer: &dyn Observer) -> Result<(), Error> {
    let rules = WalkRules { ignore: git_paths().collect(), links: Links::Refuse, unfit: Unfit::List };
    let inventory = model.inventory(&rules, observer)?;
    let is_named_so = |path: &&ManifestPath| {
        let name = path.as_str();
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        !name.contains('/') && (EVIDENCE_FILES.contains(&name) || ends(&ONE_BUNDLE) || ends(&LINES))
    };
    let mut paths: Vec<ManifestPath> =
        inventory.files.iter().map(|file| &file.path).filter(is_named_so).cloned().collect();
    // Whatever else lies there must not hide what everybody reads.
    paths.sort_by_key(|path| !EVIDENCE_FILES.contains(&path.as_str()));
    let mut left = MAX_BYTES;
    let known = beside.evidence.clone();
    for (index, path) in paths.into_iter().filter(|path| !known.contains(path)).enumerate() {
        if index >= MAX_FILES {
            let problem = format!("is not read: there are more than {MAX_FILES} files of bundles");
            beside.reject(path.as_str(), problem);
            continue;
        }
        match model.read(&path, MAX_BUNDLE_BYTES.min(left)) {
            Ok(bytes) => {
                left -= bytes.len() as u64;
                if beside.add(path.as_str(), is_lines(path.as_str()), &bytes) {
                    beside.evidence.push(path);
                }
            }
            Err(error) if is_of_model(&error) => beside.reject(path.as_str(), error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// What is wrong with the file, and not with the disk.
fn is_of_model(error: &DiskError) -> bool {
    error.kind() == ErrorKind::Model || matches!(error, DiskError::TooLarge { .. })
}

fn beside_file(beside: &mut Bundles, model: &Model) -> Result<(), Error> {
    let names = [".sig", ".claims.jsonl"].into_iter().chain(ONE_BUNDLE).chain(LINES);
    for end in names {
        let mut path = model.path().as_os_str().to_owned();
        path.push(end);
        let path = Path::new(&path);
        let shown = Escaped(&path.to_string_lossy()).to_string();
        match read_regular(path, MAX_BUNDLE_BYTES) {
            Ok(bytes) => {
                beside.add(&shown, is_lines(end), &bytes);
            }
            Err(DiskError::NotFound { .. }) => {}
            Err(error) if is_of_model(&error) => beside.reject(&shown, error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn is_lines(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "jsonl")
}

impl Bundles {
    /// Whether it is what its name promises.
    fn add(&mut self, path: &str, is_lines: bool, bytes: &[u8]) -> bool {
        if is_lines {
            return self.add_lines(path, bytes);
        }
        match UntrustedBundle::parse(bytes) {
            Ok(bundle) => {
                self.push(path, None, &bundle);
                true
            }
            Err(error) => {
                self.reject(path, error.to_string());
                false
            }
        }
    }

    fn add_lines(&mut self, path: &str, bytes: &[u8]) -> bool {
        match Claims::parse(bytes) {
            Ok(claims) if claims.bundles().is_empty() => {
                self.reject(path, "holds no bundle".to_owned());
                false
            }
            Ok(claims) => {
                for (index, bundle) in claims.bundles().iter().enumerate() {
                    self.push(path, Some(index + 1), bundle);
                }
                true
            }
            Err(error) => {
                self.reject(path, error.to_string());
                false
            }
        }
    }

    /// The same again proves nothing more, and would cost as much again.
    fn push(&mut self, path: &str, line: Option<usize>, bundle: &UntrustedBundle) {
        if self.seen.insert(Sha256Digest::of(&bundle.to_json())) {
            self.bundles.push((Source { path: path.to_owned(), line }, bundle.clone()));
        }
    }

    fn reject(&mut self, path: &str, problem: String) {
        self.unreadable.push((Source { path: path.to_owned(), line: None }, problem));
    }
}
