//! Every bundle beside a model: what a policy considers.

use std::path::Path;

use modelseal_bundle::{Claims, MAX_BUNDLE_BYTES, UntrustedBundle};
use modelseal_disk::{DiskError, ErrorKind, Links, Model, Observer, Unfit, WalkRules, read_regular};
use modelseal_manifest::{Escaped, ManifestPath};
use modelseal_policy::Source;

use crate::coverage::git_paths;
use crate::{EVIDENCE_FILES, Error};

/// The most files of bundles beside one model, and the most bytes in them.
const MAX_FILES: usize = 64;
const MAX_BYTES: u64 = 2 * MAX_BUNDLE_BYTES;
const ONE_BUNDLE: [&str; 2] = [".oms.sig", ".sigstore.json"];
const LINES: [&str; 1] = [".intoto.jsonl"];

/// Something that was found, and is a bundle or says why not.
pub(super) struct Found {
    pub(super) source: Source,
    pub(super) bundle: Result<UntrustedBundle, String>,
}

/// What lies beside a model: the bundles, and those files of the model that
/// are made of them.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) found: Vec<Found>,
    pub(super) evidence: Vec<ManifestPath>,
}

/// Reads `model.sig`, `claims.jsonl`, `*.oms.sig`, `*.sigstore.json` and
/// `*.intoto.jsonl` at the top of a directory; of a single file, what is called
/// after it; and what the caller names.
pub(super) fn find(model: &Model, named: &[&Path], observer: &dyn Observer) -> Result<Beside, Error> {
    let mut beside = Beside::default();
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

fn beside_directory(beside: &mut Beside, model: &Model, observer: &dyn Observer) -> Result<(), Error> {
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

fn beside_file(beside: &mut Beside, model: &Model) -> Result<(), Error> {
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

impl Beside {
    /// Whether it is what its name promises.
    fn add(&mut self, path: &str, is_lines: bool, bytes: &[u8]) -> bool {
        let source = |line| Source { path: path.to_owned(), line };
        if !is_lines {
            let bundle = UntrustedBundle::parse(bytes).map_err(|error| error.to_string());
            let is_bundle = bundle.is_ok();
            self.found.push(Found { source: source(None), bundle });
            return is_bundle;
        }
        match Claims::parse(bytes) {
            Ok(claims) if claims.bundles().is_empty() => {
                self.reject(path, "holds no bundle".to_owned());
                false
            }
            Ok(claims) => {
                let lines = claims.bundles().iter().enumerate();
                self.found.extend(lines.map(|(index, bundle)| Found {
                    source: source(Some(index + 1)),
                    bundle: Ok(bundle.clone()),
                }));
                true
            }
            Err(error) => {
                self.reject(path, error.to_string());
                false
            }
        }
    }

    fn reject(&mut self, path: &str, problem: String) {
        let source = Source { path: path.to_owned(), line: None };
        self.found.push(Found { source, bundle: Err(problem) });
    }
}
