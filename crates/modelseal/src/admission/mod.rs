//! A model, the policy that governs its name, and the verdict.

mod as_it_is;
mod bundles;
mod case;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use modelseal_bundle::UntrustedBundle;
use modelseal_disk::{DiskError, Model, Observer, PrivateDir};
use modelseal_manifest::{ManifestPath, NameScheme, Reference};
use modelseal_policy::{
    Evidence, Lock, Outcome, Place, Policy, Question, Recogniser, Source, Verdict, judge,
};
use modelseal_verify::Clock;

pub use self::as_it_is::identify;
pub use self::bundles::{Bundles, bundles_beside};
pub(crate) use self::case::describe;
use self::case::{Case, Set};
use crate::{Error, Unsigned};

/// How to judge.
#[derive(Clone, Debug)]
pub struct AdmitOptions<'a> {
    /// What names were when they were last seen.
    pub lock: Option<&'a Lock>,
    /// What time it is.
    pub clock: Clock,
    /// Files of bundles that lie elsewhere than beside the model.
    pub bundles: Vec<&'a Path>,
    /// Copy the model to this new directory while it is hashed, if it is
    /// admitted.
    pub copy_to: Option<&'a Path>,
    /// Threads that hash.
    pub jobs: NonZeroUsize,
}

impl Default for AdmitOptions<'_> {
    fn default() -> Self {
        Self {
            lock: None,
            clock: Clock::system(),
            bundles: vec![],
            copy_to: None,
            jobs: crate::default_jobs(),
        }
    }
}

/// What a policy says of a model on the disk, at the moment when it was read.
#[derive(Debug)]
pub struct Admission {
    verdict: Verdict,
    found: Found,
    bundles: Vec<(Source, UntrustedBundle)>,
    copy: Option<PathBuf>,
}

/// What lies there.
#[derive(Debug, Default)]
struct Found {
    files: usize,
    size: u64,
    unsigned: Vec<Unsigned>,
    links: Vec<(ManifestPath, String)>,
}

impl Admission {
    /// Whether it is admitted, and why.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// How many files the verdict is about.
    pub fn files(&self) -> usize {
        self.found.files
    }

    /// Bytes in them.
    pub fn size(&self) -> u64 {
        self.found.size
    }

    /// What is there, and not signed.
    pub fn unsigned(&self) -> &[Unsigned] {
        &self.found.unsigned
    }

    /// Files that are symbolic links, and what they point at, escaped for
    /// display.
    pub fn links(&self) -> &[(ManifestPath, String)] {
        &self.found.links
    }

    /// The bundles beside it that are of somebody whose word counts, for the model
    /// or for one that it was made from, and where each was read.
    pub fn bundles(&self) -> &[(Source, UntrustedBundle)] {
        &self.bundles
    }

    /// The directory that holds exactly the admitted bytes, if it was asked
    /// for.
    pub fn copy(&self) -> Option<&Path> {
        self.copy.as_deref()
    }
}

/// Judges `model` as what `reference` names, by every bundle beside it.
///
/// # Errors
/// [`Error::Undecided`] without a lock that the rule asks for;
/// [`Error::CopyInModel`]; [`Error::Disk`]. A model that is not what was
/// signed is no error, but denied.
pub fn admit(
    model: &Model,
    reference: &Reference,
    policy: &Policy,
    options: &AdmitOptions<'_>,
    observer: &dyn Observer,
) -> Result<Admission, Error> {
    let ask = |evidence: &Evidence| {
        judge(policy, &Question { reference, evidence, lock: options.lock, now: options.clock.now() })
    };
    let judged_as = policy.judged_as(reference);
    let place = place(model, reference);
    // Without a rule, or without the lock that it asks for, nothing has to be read.
    let first = ask(&Evidence::default().found_at(place.clone()))?;
    let Some(rule) = policy.rule(judged_as.name()) else {
        return Ok(Admission { verdict: first, found: Found::default(), bundles: vec![], copy: None });
    };
    if options.copy_to.is_some_and(|path| model.contains(path)) {
        return Err(Error::CopyInModel);
    }
    let copy = options.copy_to.map(PrivateDir::create_for).transpose()?;
    let beside = bundles_beside(model, &options.bundles, observer)?;
    let recogniser = Recogniser::new(policy, &beside.bundles);
    let case = Case { model, policy, rule, jobs: options.jobs, evidence_files: &beside.evidence, observer };
    let mut evidence = Evidence::default();
    let groups = case.recognise(&recogniser, &beside, &mut evidence);
    // Most models have one kind of signature: then they are read once, copied or not.
    let early = copy.as_ref().filter(|_| groups.len() == 1);
    let mut sets = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        if groups.len() > 1 && case.is_of_others(group, &mut evidence)? {
            continue;
        }
        sets.extend(case.measure(index, group, early, &mut evidence)?);
    }
    let contents = case.contents(&sets, &mut evidence)?;
    let mut evidence = evidence.with_contents(contents.digests).found_at(place);
    // Which statements are about this model is known by now.
    recogniser.follow(rule, &mut evidence);
    let verdict = ask(&evidence)?;
    let set = sets.into_iter().find(|set| verdict.is_signed() && Some(set.model) == verdict.model);
    let copy = match copy {
        Some(_) if verdict.outcome == Outcome::Deny => None,
        Some(copy) if early_is_enough(groups.len(), set.as_ref()) => Some(copy),
        Some(copy) => {
            // What was copied for a signature that does not count goes first.
            drop(copy);
            let copy = options.copy_to.map(PrivateDir::create_for).transpose()?;
            let Some(copy) = copy else { return Err(Error::CopyInModel) };
            let again = case.copy(set.as_ref().map(|set| &groups[set.group]), &copy)?;
            if again != verdict.model {
                let what = "it is not what was judged".to_owned();
                return Err(DiskError::Changed { path: model.name(), what }.into());
            }
            Some(copy)
        }
        None => None,
    };
    let found = set.map_or(contents.found, |set| set.found);
    let counts = |index: usize, source: &Source| {
        let is_somebodys = || recogniser.recognise(rule, index).is_ok_and(|heard| !heard.is_empty());
        evidence.is_of_dependencies(source) || is_somebodys()
    };
    let bundles = beside.bundles.iter().enumerate().filter(|(index, (source, _))| counts(*index, source));
    let bundles = bundles.map(|(_, bundle)| bundle.clone()).collect();
    Ok(Admission { verdict, found, bundles, copy: copy.map(PrivateDir::commit).transpose()? })
}

fn early_is_enough(groups: usize, set: Option<&Set>) -> bool {
    groups == 1 && set.is_some()
}

/// What a model is called in the cache of the hub client where it lies, with its
/// commit: `hf://ORGANISATION/NAME@COMMIT`.
pub fn hub_reference(model: &Model) -> Option<String> {
    let Place { name, revision } = hub_place(model)?;
    Some(format!("{name}@{}", revision?))
}

fn hub_place(model: &Model) -> Option<Place> {
    let (repository, commit) = model.hub_place()?;
    let name = repository.strip_prefix("models--").map(|name| format!("hf://{}", name.replace("--", "/")));
    Some(Place { name: name.unwrap_or(repository), revision: Some(commit) })
}

/// What the place says of the model that lies there.
fn place(model: &Model, reference: &Reference) -> Option<Place> {
    if let Some(place) = hub_place(model) {
        return Some(place);
    }
    let is_file = reference.name().scheme() == NameScheme::File;
    let name = format!("file:{}", model.true_path().to_string_lossy());
    is_file.then_some(Place { name, revision: None })
}
