//! Whether what a rule demands beside signatures is said, and by whom.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use modelseal_manifest::{ModelDigest, RootDigest};
use modelseal_predicate::{Provenance, ResourceDescriptor, Run, as_uri_part};
use modelseal_verify::Claim;

use super::counting::are_enough;
use super::denial::shown;
use super::{Judge, deny, warn};
use crate::chain::Ancestor;
use crate::demand::{Built, Demand, Dependencies};
use crate::evidence::{Predicate, Said, SignedBy, Source};
use crate::reason::{Basis, NotCounted, Reason, ReasonKind};
use crate::rule::Threshold;
use crate::signer::SignerFacts;
use crate::verdict::{Attested, DependencyVerdict, Outcome};

/// How far a clock may be ahead of this one.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// The runner environments of certificates that are machines of the platform.
const HOSTED: [&str; 2] = ["github-hosted", "gitlab-hosted"];

/// What the attestations about one model come to.
#[derive(Default)]
pub(super) struct Attestations {
    pub(super) attested: Vec<Attested>,
    pub(super) reasons: Vec<Reason>,
    /// The highest level of SLSA's build track that a demand names which is met.
    pub(super) level: Option<u8>,
}

/// An attestation about the model, with what it was made from.
struct About<'e> {
    said: &'e Said,
    /// Why its signer is denied.
    denial: Option<&'e str>,
    dependencies: Vec<DependencyVerdict>,
    counts: bool,
    /// Whether it counts for a demand that asks for them.
    counts_with_dependencies: bool,
    problem: Option<NotCounted>,
}

impl About<'_> {
    /// Of what the demands find missing, what came nearest to being met, in whatever
    /// order the rule has them.
    fn keep_nearest(&mut self, problem: &NotCounted) {
        let place = |problem: &NotCounted| (Reverse(problem.rank()), problem.to_string());
        if self.problem.as_ref().is_none_or(|known| place(problem) < place(known)) {
            self.problem = Some(problem.clone());
        }
    }
}

impl Judge<'_, '_> {
    /// `roots` are those of the signatures that count over these files.
    pub(super) fn attestations(&self, model: Option<ModelDigest>, roots: &[RootDigest]) -> Attestations {
        let speakers = self.rule.speakers();
        let said = self.question.evidence.said.iter().map(AsRef::as_ref);
        let (about, others): (Vec<&Said>, Vec<&Said>) = said
            .filter(|said| speakers.contains(&said.publisher))
            .partition(|said| model.is_some_and(|model| said.subjects.include(model, roots)));
        let mut about: Vec<About<'_>> = about.into_iter().map(|said| self.about(said)).collect();
        let mut found = Attestations::default();
        for (number, demand) in self.rule.demands.iter().enumerate() {
            match self.demand(number, demand, &mut about, &others) {
                Ok((warnings, level)) => {
                    found.reasons.extend(warnings);
                    found.level = found.level.max(level);
                }
                Err(reason) => found.reasons.push(*reason),
            }
        }
        found.attested = about.into_iter().map(|about| self.attested(about)).collect();
        found.attested.sort_by_cached_key(|attested| {
            (
                attested.source.clone(),
                attested.publisher.clone(),
                attested.shown.clone(),
                attested.signed,
                attested.predicate_type.clone(),
            )
        });
        found
    }

    fn about<'e>(&'e self, said: &'e Said) -> About<'e> {
        let mut seen = BTreeSet::new();
        let models = said.provenance().into_iter().flat_map(Provenance::models);
        // One that is named a thousand times is one.
        let is_new = |resource: &&ResourceDescriptor| {
            Ancestor::of(resource).is_none_or(|ancestor| seen.insert(ancestor))
        };
        About {
            said,
            denial: self.denial(&said.by),
            dependencies: models.filter(is_new).map(|resource| self.dependency(resource)).collect(),
            counts: false,
            counts_with_dependencies: false,
            problem: None,
        }
    }

    /// A model that this one was made from, under the rule that governs its own
    /// name.
    fn dependency(&self, resource: &ResourceDescriptor) -> DependencyVerdict {
        let judged = match Ancestor::of(resource) {
            Some(ancestor) => self.ancestry.verdict(&ancestor).map(|verdict| (ancestor, verdict)),
            None if resource.reference().is_none() => {
                Err("it has no name, so that no rule is for it".to_owned())
            }
            None => Err("nothing says which bytes it was: it has no model digest".to_owned()),
        };
        let denial = || Some(self.ancestry.denials.of(resource)?.by_way_of(&shown(resource)));
        match judged {
            Ok((ancestor, verdict)) => DependencyVerdict::judged(resource, ancestor, &verdict),
            Err(problem) => DependencyVerdict::not_judged(resource, denial().unwrap_or(problem)),
        }
    }

    /// Where a demand is not met: what those whom it asks say that the model was made from,
    /// and that is denied. Nothing takes that back, whichever files it is said of.
    fn denied_base(&self, demand: &Demand) -> Option<Reason> {
        demand.build.dependencies.as_ref()?;
        let asked = self.question.evidence.built(self.rule);
        let asked = asked.filter(|(said, _)| demand.is_asked(said) && self.denial(&said.by).is_none());
        let denied = asked.filter_map(|(said, provenance)| {
            let denials = &self.ancestry.denials;
            let (dependency, denial) =
                provenance.models().find_map(|base| Some((shown(base), denials.of(base)?)))?;
            let problem = denial.by_way_of(&dependency);
            Some((said, NotCounted::Dependency { dependency, problem }))
        });
        let (said, problem) = denied.min_by_key(|(said, problem)| place(said, problem))?;
        Some(deny(Basis::Absolute, self.refused(demand, said, problem)))
    }

    fn refused(&self, demand: &Demand, said: &Said, problem: NotCounted) -> ReasonKind {
        let publisher = self.policy.publisher(said.publisher).to_owned();
        let (kind, source) = (demand.kind.to_string(), said.source.clone());
        ReasonKind::AttestationRefused { kind, source, publisher, problem }
    }

    /// Whether it is met; and if so, with which warnings, and what level the policy
    /// takes it for.
    fn demand(
        &self,
        number: usize,
        demand: &Demand,
        about: &mut [About<'_>],
        others: &[&Said],
    ) -> Result<(Vec<Reason>, Option<u8>), Box<Reason>> {
        let Threshold { at_least, of } = &demand.signed_by;
        let is_asked = |said: &Said| demand.is_asked(said);
        let mut met: Vec<&About<'_>> = Vec::new();
        let mut unmet_by: Vec<(&About<'_>, NotCounted)> = Vec::new();
        for one in about.iter_mut().filter(|one| is_asked(one.said)) {
            let unmet = self.check(demand, one).err();
            one.counts |= unmet.is_none();
            one.counts_with_dependencies |= unmet.is_none() && demand.build.dependencies.is_some();
            if let Some(problem) = &unmet {
                one.keep_nearest(problem);
            }
            let one: &About<'_> = one;
            match unmet {
                None => met.push(one),
                Some(problem) => unmet_by.push((one, problem)),
            }
        }
        let enough = |of_those: &[&About<'_>]| {
            let signers: Vec<(usize, &SignerFacts)> =
                of_those.iter().map(|one| (one.said.publisher, &one.said.by.signer)).collect();
            are_enough(*at_least, of, &signers)
        };
        if enough(&met) {
            return Ok(of_met(demand, &met, &enough));
        }
        let met: Vec<usize> = met.iter().map(|one| one.said.publisher).collect();
        Err(Box::new(self.unmet(number, &met, unmet_by, others.iter().any(|said| is_asked(said)))))
    }

    /// Why a demand is not met, by those who do meet it, and those who do not.
    fn unmet(
        &self,
        number: usize,
        met: &[usize],
        unmet_by: Vec<(&About<'_>, NotCounted)>,
        is_of_others: bool,
    ) -> Reason {
        let demand = &self.rule.demands[number];
        let Threshold { at_least, of } = &demand.signed_by;
        // It is of the model, whichever files are judged: found once.
        let denied = self.denied_bases[number].get_or_init(|| self.denied_base(demand));
        if let Some(denied) = denied {
            return denied.clone();
        }
        let name = |index: &usize| self.policy.publisher(*index).to_owned();
        let kind = demand.kind.to_string();
        let found: BTreeSet<String> = met.iter().map(name).collect();
        // Of those that came as near, the first by where it stands, in whatever order they were read.
        let nearest = unmet_by
            .into_iter()
            .min_by_key(|(one, problem)| (Reverse(problem.rank()), place(one.said, problem)));
        let wanted: Vec<String> = of.iter().map(name).collect();
        let kind = match nearest {
            Some((one, problem)) if found.is_empty() => self.refused(demand, one.said, problem),
            _ if found.is_empty() && *at_least == 1 => {
                ReasonKind::AttestationMissing { kind, of: wanted, is_of_others }
            }
            _ => {
                let (needed, found) = (*at_least, found.into_iter().collect());
                ReasonKind::TooFewAttestors { kind, needed, of: wanted, found }
            }
        };
        deny(Basis::Rule, kind)
    }

    /// Whether an attestation counts for a demand.
    fn check(&self, demand: &Demand, about: &About<'_>) -> Result<(), NotCounted> {
        let said = about.said;
        if let Some(reason) = about.denial {
            return Err(NotCounted::Denied { reason: reason.to_owned() });
        }
        if let Predicate::Unreadable(problem) = &said.predicate {
            return Err(NotCounted::Unreadable { problem: problem.clone() });
        }
        if let Some(provenance) = said.provenance() {
            check_build(&demand.build, provenance, &said.by.signer)?;
        }
        if let Some(max_age) = demand.max_age {
            check_age(&said.by, own_times(said), max_age, self.question.now)?;
        }
        let asked = demand.build.dependencies.as_ref();
        asked.map_or(Ok(()), |asked| self.check_dependencies(asked, &about.dependencies))
    }

    /// Each of them is admitted under a name that the rule permits, and there are
    /// enough, each counted once.
    fn check_dependencies(
        &self,
        asked: &Dependencies,
        found: &[DependencyVerdict],
    ) -> Result<(), NotCounted> {
        for dependency in found {
            let problem = if !self.is_permitted(asked, dependency) {
                let scopes: Vec<String> = asked.of.iter().map(ToString::to_string).collect();
                format!("it is none of those that may be built on: {}", scopes.join(", "))
            } else if dependency.outcome == Outcome::Deny {
                dependency.problem.clone().unwrap_or_default()
            } else {
                continue;
            };
            return Err(NotCounted::Dependency { dependency: dependency.to_string(), problem });
        }
        let models: BTreeSet<ModelDigest> =
            found.iter().filter_map(|dependency| dependency.resource.model_digest()).collect();
        if models.len() < asked.at_least {
            return Err(NotCounted::NoDependency { needed: asked.at_least, found: models.len() });
        }
        Ok(())
    }

    /// Whether it has a name in one of the scopes: its own, or that under which it is
    /// judged. One without a name has another problem.
    fn is_permitted(&self, asked: &Dependencies, dependency: &DependencyVerdict) -> bool {
        let Some(reference) = dependency.resource.reference() else { return true };
        let judged_as = self.policy.judged_as(&reference);
        let names = [reference.name(), judged_as.name()];
        asked.of.iter().any(|scope| names.iter().any(|name| scope.covers(name)))
    }

    fn attested(&self, about: About<'_>) -> Attested {
        let About { said, dependencies, counts, counts_with_dependencies, problem, .. } = about;
        Attested {
            source: said.source.clone(),
            publisher: self.policy.publisher(said.publisher).to_owned(),
            shown: said.by.signer.shown.clone(),
            signed: said.by.time,
            predicate_type: said.predicate_type.clone(),
            provenance: said.provenance().cloned(),
            release: match &said.predicate {
                Predicate::Release(release) => Some((**release).clone()),
                _ => None,
            },
            summary: match &said.predicate {
                Predicate::Summary(summary) => Some((**summary).clone()),
                _ => None,
            },
            counts,
            counts_with_dependencies,
            problem: problem.filter(|_| !counts),
            dependencies,
        }
    }
}

/// Where something is said, for an order that is that of nothing read.
fn place(said: &Said, problem: &NotCounted) -> (Source, usize, String, String) {
    (said.source.clone(), said.publisher, said.by.signer.shown.clone(), problem.to_string())
}

/// What is to be said of a demand that is met, and what level the policy takes the
/// build for.
fn of_met(
    demand: &Demand,
    met: &[&About<'_>],
    enough: &dyn Fn(&[&About<'_>]) -> bool,
) -> (Vec<Reason>, Option<u8>) {
    let is_asked = demand.build.dependencies.is_some();
    let (clean, warned): (Vec<_>, Vec<_>) =
        met.iter().copied().partition(|one| warnings(&one.dependencies).next().is_none());
    let warned = if !is_asked || enough(&clean) { vec![] } else { warned };
    let are_enough = |level: &u8| {
        let of_level: Vec<&About<'_>> =
            met.iter().filter(|one| highest_level(one.said) >= *level).copied().collect();
        enough(&of_level)
    };
    let level = demand.build.level.and_then(|level| (1..=level).rev().find(are_enough));
    (warned.into_iter().flat_map(|one| warnings(&one.dependencies)).collect(), level)
}

/// The highest level of SLSA's build track that provenance is ever taken for.
fn highest_level(said: &Said) -> u8 {
    let is_by_itself = said.provenance().is_some_and(|provenance| provenance.is_by_the_job_itself);
    if is_by_itself { level_of_own_word(&said.by.signer) } else { u8::MAX }
}

/// What a job writes about itself, it writes inside of the build: that is level 2 of SLSA's
/// build track where a certificate says that it ran on a machine of the platform, and
/// else 1.
pub fn level_of_own_word(signer: &SignerFacts) -> u8 {
    let is_hosted = signer.claim(Claim::RunnerEnvironment).is_some_and(|runner| HOSTED.contains(&runner));
    if is_hosted { 2 } else { 1 }
}

/// What should be looked at in models that are admitted.
fn warnings(dependencies: &[DependencyVerdict]) -> impl Iterator<Item = Reason> {
    let warned = dependencies.iter().filter(|dependency| dependency.outcome == Outcome::Warn);
    warned.map(|dependency| {
        let (name, problem) = (dependency.to_string(), dependency.problem.clone().unwrap_or_default());
        warn(Basis::Rule, ReasonKind::DependencyWarned { dependency: name, problem })
    })
}

fn check_build(build: &Built, provenance: &Provenance, signer: &SignerFacts) -> Result<(), NotCounted> {
    if let Some(builder) = &build.builder
        && !builder.matches_text(&provenance.builder)
    {
        let (expected, found) = (builder.as_str().to_owned(), provenance.builder.clone());
        return Err(NotCounted::Builder { expected, found });
    }
    if let Some(build_type) = &build.build_type
        && !build_type.matches_text(&provenance.build_type)
    {
        let (expected, found) = (build_type.as_str().to_owned(), provenance.build_type.clone());
        return Err(NotCounted::BuildType { expected, found });
    }
    if let Some(found) = provenance.run.as_ref().and_then(|run| contradiction(run, signer)) {
        return Err(NotCounted::Contradicted(found));
    }
    let source = provenance.source.as_ref();
    let said = [
        (
            "repository",
            &build.source,
            source.map(|source| source.repository.as_str()),
            Claim::SourceRepository,
        ),
        ("ref", &build.source_ref, source.and_then(|source| source.reference.as_deref()), Claim::SourceRef),
    ];
    for (what, expected, said, claim) in said {
        let Some(expected) = expected else { continue };
        // What the signer says, and what its certificate does: neither takes back the other.
        let found: Vec<&str> = [said, signer.claim(claim)].into_iter().flatten().collect();
        let other = found.iter().find(|found| !expected.matches_text(found));
        if found.is_empty() || other.is_some() {
            let (expected, found) = (expected.as_str().to_owned(), other.map(|&found| found.to_owned()));
            return Err(NotCounted::Source { what, expected, found });
        }
    }
    Ok(())
}

/// A run says one thing of itself, and the certificate of the run that signed
/// another.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contradiction {
    /// What it is about.
    pub claim: Claim,
    /// What provenance says.
    pub said: String,
    /// What the certificate says.
    pub proved: String,
}

/// What a run says of itself has to be what the certificate of its signer says, as
/// far as it says anything: else one run speaks for another.
pub fn contradiction(run: &Run, signer: &SignerFacts) -> Option<Contradiction> {
    let told = [
        (Claim::BuildSigner, run.workflow.as_ref()),
        (Claim::SourceRepository, Some(&run.repository)),
        (Claim::SourceRef, run.reference.as_ref()),
        (Claim::SourceDigest, run.commit.as_ref()),
        (Claim::SourceRepositoryId, run.repository_id.as_ref()),
        (Claim::SourceOwnerId, run.owner_id.as_ref()),
        (Claim::BuildTrigger, run.trigger.as_ref()),
        (Claim::RunInvocation, run.invocation.as_ref()),
        (Claim::RunnerEnvironment, run.runner.as_ref()),
        (Claim::BuildConfig, run.config.as_ref()),
    ];
    told.into_iter().find_map(|(claim, said)| {
        let said = said?;
        // The one or the other may have it as a part of a URI.
        let is_other =
            |proved: &&str| *proved != said && as_uri_part(proved) != *said && *proved != as_uri_part(said);
        let proved = signer.claim(claim).filter(is_other)?;
        Some(Contradiction { claim, said: said.clone(), proved: proved.to_owned() })
    })
}

/// When the signer says that it was.
fn own_times(said: &Said) -> Option<Timestamp> {
    match &said.predicate {
        Predicate::Provenance(provenance) => provenance.finished.or(provenance.started),
        Predicate::Summary(summary) => summary.verified,
        Predicate::Release(_) | Predicate::Succession(_) | Predicate::Unreadable(_) | Predicate::Other => {
            None
        }
    }
}

/// How old an attestation is, its signer says in it; or its certificate does, where
/// that was made for this one signature. A timestamp proves that it is not
/// younger, which is no help here.
pub(super) fn check_age(
    by: &SignedBy,
    own: Option<Timestamp>,
    max_age: SignedDuration,
    now: Timestamp,
) -> Result<(), NotCounted> {
    let proved = by.time.filter(|_| by.signer.identity.is_some());
    let times = [own, proved].into_iter().flatten();
    let oldest = times.clone().min().ok_or(NotCounted::AgeUnknown)?;
    let newest = times.max().unwrap_or(oldest);
    if newest.duration_since(now) > TOLERANCE {
        return Err(NotCounted::FromFuture { at: newest });
    }
    if now.duration_since(oldest) > max_age {
        return Err(NotCounted::TooOld { at: oldest, max_age });
    }
    Ok(())
}
