//! One model under one rule: from bundles to evidence.

use std::collections::HashSet;
use std::num::NonZeroUsize;

use modelseal_disk::{
    DiskError, IgnoredKind, Links, MeasuredFile, Model, Observer, PrivateDir, Unfit, WalkRules,
};
use modelseal_manifest::{Differences, Manifest, ManifestPath, ModelDigest};
use modelseal_policy::{Contents, Evidence, Heard, Policy, Recogniser, Rule, Source, Unsigned as NotSigned};
use modelseal_verify::{Unlisted, VerifiedStatement};

use super::Found;
use super::as_it_is::{AsFound, AsItIs, model_digest, whole_files};
use super::bundles::Bundles;
use crate::verify::{Measured, Scope, followed_links};
use crate::{Error, Unsigned, UnsignedReason};

/// The most names that a message lists.
const MAX_NAMES: usize = 3;

/// Signatures of the same files, made in the same way: one measurement is
/// compared with all of their statements.
pub(super) type Group = Vec<(Source, usize, VerifiedStatement)>;

/// Files that a signature covers, and that are what was signed.
pub(super) struct Set {
    pub(super) model: ModelDigest,
    pub(super) group: usize,
    pub(super) found: Found,
    files: Vec<MeasuredFile>,
}

/// What there is without regard to signatures.
#[derive(Default)]
pub(super) struct Unjudged {
    pub(super) digests: Contents,
    pub(super) found: Found,
}

pub(super) struct Case<'a> {
    pub(super) model: &'a Model,
    pub(super) policy: &'a Policy,
    pub(super) rule: &'a Rule,
    pub(super) jobs: NonZeroUsize,
    /// The files of the model that are bundles.
    pub(super) evidence_files: &'a [ManifestPath],
    pub(super) observer: &'a dyn Observer,
}

impl Case<'_> {
    /// Verifies every bundle as one of those whose word counts.
    pub(super) fn recognise(
        &self,
        recogniser: &Recogniser<'_>,
        beside: &Bundles,
        evidence: &mut Evidence,
    ) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (source, problem) in &beside.unreadable {
            evidence.reject(source.clone(), problem);
        }
        for (index, (source, _)) in beside.bundles.iter().enumerate() {
            match recogniser.recognise(self.rule, index) {
                Ok(heard) => {
                    for (publisher, heard) in heard {
                        self.read(&mut groups, evidence, source, publisher, &heard);
                    }
                }
                Err(unrecognised) => evidence.add_stranger(source.clone(), &unrecognised),
            }
        }
        groups
    }

    /// The signature of a model goes to those that it can be measured with;
    /// whatever else a publisher said is evidence as it stands.
    fn read(
        &self,
        groups: &mut Vec<Group>,
        evidence: &mut Evidence,
        source: &Source,
        publisher: usize,
        heard: &Heard,
    ) {
        let statement = match heard {
            Heard::Signature(statement) => statement,
            Heard::Attestation(said) => return evidence.add_attestation(said),
            Heard::Nothing(problem) => return evidence.reject(source.clone(), problem),
        };
        // Whoever attests, and does not sign, says nothing of the files.
        if !self.rule.is_signed_by(publisher) {
            return;
        }
        let is_alike = |group: &&mut Group| {
            group.first().is_some_and(|(.., first)| are_alike(first.manifest(), statement.manifest()))
        };
        let signature = (source.clone(), publisher, statement.clone());
        match groups.iter_mut().find(is_alike) {
            Some(group) => group.push(signature),
            None => groups.push(vec![signature]),
        }
    }

    /// Whether signed files of a group are not there. Of many groups, those are
    /// passed over: old signatures of other files are not worth an hour of hashing.
    pub(super) fn is_of_others(&self, group: &Group, evidence: &mut Evidence) -> Result<bool, Error> {
        let Ok(scope) = self.scope(group) else { return Ok(false) };
        let missing = scope.missing(self.model, self.observer)?;
        let is_of_others = !missing.is_empty();
        let differences = Differences { missing, ..Differences::default() };
        for (source, publisher, statement) in group.iter().filter(|_| is_of_others) {
            evidence.add_mismatch(source.clone(), *publisher, statement, describe(&differences, &[]));
        }
        Ok(is_of_others)
    }

    /// Hashes the files of one group, and compares each of its statements.
    pub(super) fn measure(
        &self,
        index: usize,
        group: &Group,
        copy: Option<&PrivateDir>,
        evidence: &mut Evidence,
    ) -> Result<Option<Set>, Error> {
        let scope = match self.scope(group) {
            Ok(scope) => scope,
            Err(error) => {
                for (source, publisher, statement) in group {
                    evidence.add_mismatch(source.clone(), *publisher, statement, &error);
                }
                return Ok(None);
            }
        };
        let measured = scope.measure(self.model, copy, true, self.jobs, self.observer)?;
        let mut set = None;
        for (source, publisher, statement) in group {
            match measured.compare(statement.clone(), Unlisted::Report) {
                Ok(matched) => {
                    let Some(model) = measured.measurement.model_digest() else { continue };
                    let unsigned = measured.unsigned(self.model, &matched);
                    evidence.add_match(source.clone(), *publisher, &matched, model, not_signed(&unsigned));
                    set.get_or_insert_with(|| Set {
                        model,
                        group: index,
                        found: found(&measured, unsigned),
                        files: measured.measurement.files.clone(),
                    });
                }
                Err(unmatched) => {
                    let differences = unmatched.mismatch.map(|mismatch| mismatch.differences);
                    let problem = describe(&differences.unwrap_or_default(), &measured.inventory.unfit);
                    evidence.add_mismatch(source.clone(), *publisher, statement, problem);
                }
            }
        }
        Ok(set)
    }

    fn as_it_is(&self) -> AsItIs<'_> {
        AsItIs { model: self.model, evidence: self.evidence_files, jobs: self.jobs, observer: self.observer }
    }

    fn scope(&self, group: &Group) -> Result<Scope, Error> {
        let manifests: Vec<&Manifest> = group.iter().map(|(.., statement)| statement.manifest()).collect();
        Scope::of(&manifests, self.model, self.evidence_files.to_vec(), &[], true)
    }

    /// What is there without regard to signatures: the model as it is, where
    /// that could matter, and each file, where one could be denied.
    pub(super) fn contents(&self, sets: &[Set], evidence: &mut Evidence) -> Result<Unjudged, Error> {
        let mut unjudged = Unjudged::default();
        let mut files: Vec<MeasuredFile> = sets.iter().flat_map(|set| set.files.clone()).collect();
        if sets.is_empty() || self.policy.judges_as_it_is(self.rule) {
            match self.as_it_is().measure(None, sets.iter().map(|set| set.files.as_slice()))? {
                Ok(AsFound { found, files: all }) => {
                    unjudged.digests.model = model_digest(&all);
                    unjudged.digests.unsigned = not_signed(&found.unsigned);
                    unjudged.found = found;
                    files.extend(all);
                }
                Err(unfit) => evidence.reject(Source { path: self.model.name(), line: None }, unfit),
            }
        }
        if self.policy.denies_files() {
            let (rest, unhashed) = self.rest(&files)?;
            files.extend(rest);
            unjudged.digests.unhashed = unhashed;
            let digest = |file: MeasuredFile| Some((file.path.to_string(), file.sha256?));
            unjudged.digests.files = files.into_iter().filter_map(digest).collect();
        }
        Ok(unjudged)
    }

    /// What was not hashed yet, ignored paths and signatures included; and what
    /// cannot be.
    fn rest(&self, known: &[MeasuredFile]) -> Result<(Vec<MeasuredFile>, Vec<String>), Error> {
        let rules = WalkRules { ignore: vec![], links: Links::Refuse, unfit: Unfit::List };
        let inventory = self.model.inventory(&rules, self.observer)?;
        let known: HashSet<&str> = known.iter().map(|file| file.path.as_str()).collect();
        let select = |path: &ManifestPath| !known.contains(path.as_str());
        let measure = whole_files(self.jobs, None);
        let measurement = self.model.measure(&inventory, &rules, select, &measure, self.observer)?;
        let is_known = |unfit: &&DiskError| unfit.path().is_some_and(|path| known.contains(path));
        let unfit = inventory.unfit.iter().filter(|unfit| !is_known(unfit));
        Ok((measurement.files, unfit.map(ToString::to_string).collect()))
    }

    /// Reads the model again into a copy, and says what was copied.
    pub(super) fn copy(
        &self,
        group: Option<&Group>,
        copy: &PrivateDir,
    ) -> Result<Option<ModelDigest>, Error> {
        match group {
            Some(group) => {
                let measured =
                    self.scope(group)?.measure(self.model, Some(copy), true, self.jobs, self.observer)?;
                Ok(measured.measurement.model_digest())
            }
            None => match self.as_it_is().measure(Some(copy), std::iter::empty())? {
                Ok(AsFound { files, .. }) => Ok(model_digest(&files)),
                Err(_) => Ok(None),
            },
        }
    }
}

fn are_alike(a: &Manifest, b: &Manifest) -> bool {
    a.serialization() == b.serialization() && a.files() == b.files()
}

fn found(measured: &Measured, unsigned: Vec<Unsigned>) -> Found {
    let files = &measured.measurement.files;
    Found {
        files: files.len(),
        size: files.iter().map(|file| file.size).fold(0, u64::saturating_add),
        unsigned,
        links: followed_links(&measured.inventory, files),
    }
}

fn not_signed(unsigned: &[Unsigned]) -> NotSigned {
    let named = |is_meant: fn(UnsignedReason) -> bool| {
        let paths = unsigned.iter().filter(|unsigned| is_meant(unsigned.reason));
        let slash = |kind| if kind == IgnoredKind::Directory { "/" } else { "" };
        paths.map(|unsigned| format!("{}{}", unsigned.path.as_str(), slash(unsigned.kind))).collect()
    };
    NotSigned {
        ignored: named(|reason| !matches!(reason, UnsignedReason::Evidence | UnsignedReason::Tolerated)),
        unlisted: named(|reason| reason == UnsignedReason::Tolerated),
    }
}

/// In what the files differ from what was signed, in one line.
pub(crate) fn describe(differences: &Differences, unfit: &[DiskError]) -> String {
    let Differences { changed, missing, extra } = differences;
    let mut changed: Vec<String> = changed.iter().map(|change| change.name.path.to_string()).collect();
    changed.dedup();
    let named = |paths: &[ManifestPath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
    let unfit = unfit.iter().map(ToString::to_string).collect();
    let kinds =
        [("changed", changed), ("missing", named(missing)), ("not signed", named(extra)), ("unfit", unfit)];
    let said = kinds.into_iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| {
        let more = if names.len() > MAX_NAMES {
            format!(" and {} more", names.len() - MAX_NAMES)
        } else {
            String::new()
        };
        format!("{what}: {}{more}", names.iter().take(MAX_NAMES).cloned().collect::<Vec<_>>().join(", "))
    });
    format!("the model is not what was signed ({})", said.collect::<Vec<_>>().join("; "))
}
