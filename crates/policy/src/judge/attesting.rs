//! Whether what a rule demands beside signatures is said, and by whom.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use modelseal_manifest::{ModelDigest, Reference, RootDigest};
use modelseal_predicate::{Provenance, ResourceDescriptor, Run, as_uri_part};
use modelseal_verify::Claim;

use super::counting::are_enough;
use super::{Judge, Judged, Question, deny, judge, warn};
use crate::chain::Dependency;
use crate::demand::{Built, Demand, Dependencies};
use crate::evidence::{Predicate, Said, SignedBy};
use crate::reason::{Basis, NotCounted, Reason, ReasonKind};
use crate::rule::Threshold;
use crate::signer::SignerFacts;
use crate::verdict::{Attested, DependencyVerdict, Outcome, Verdict};

/// How far a clock may be ahead of this one.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// What a job writes about itself, it writes inside of the build: no more than
/// this level is ever made of it.
const LEVEL_OF_OWN_WORD: u8 = 2;

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

impl Judge<'_> {
    /// `roots` are those of the signatures that count over these files.
    pub(super) fn attestations(&self, model: Option<ModelDigest>, roots: &[RootDigest]) -> Attestations {
        let speakers = self.rule.speakers();
        let said = self.question.evidence.said.iter();
        let (about, others): (Vec<&Said>, Vec<&Said>) = said
            .filter(|said| speakers.contains(&said.publisher))
            .partition(|said| model.is_some_and(|model| said.subjects.include(model, roots)));
        let mut about: Vec<About<'_>> = about.into_iter().map(|said| self.about(said)).collect();
        let mut found = Attestations::default();
        for demand in &self.rule.demands {
            match self.demand(demand, &mut about, &others) {
                Ok((warnings, level)) => {
                    found.reasons.extend(warnings);
                    found.level = found.level.max(level);
                }
                Err(reason) => found.reasons.push(deny(Basis::Rule, *reason)),
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
        let models = said.provenance().into_iter().flat_map(Provenance::models);
        let dependencies = models.map(|resource| self.dependency(resource)).collect();
        About { said, denial: self.denial(&said.by), dependencies, counts: false, problem: None }
    }

    /// A model that this one was made from, under the rule that governs its own
    /// name.
    fn dependency(&self, resource: &ResourceDescriptor) -> DependencyVerdict {
        let reference = resource.reference();
        let dependency = Dependency::of(resource, self.policy);
        let judged = match (&reference, dependency) {
            (Some(reference), Some(dependency)) => self.judged(reference, dependency),
            (None, _) => Err("it has no name, so that no rule is for it".to_owned()),
            (_, None) => Err("nothing says which bytes it was: it has no model digest".to_owned()),
        };
        DependencyVerdict { resource: resource.clone(), reference, judged }
    }

    fn judged(&self, reference: &Reference, dependency: Dependency) -> Judged {
        let key = (reference.clone(), dependency);
        if let Some(known) = self.dependencies.borrow().get(&key) {
            return known.clone();
        }
        let judged = self.judge_dependency(reference, &key.1).map(Arc::new);
        self.dependencies.borrow_mut().insert(key, judged.clone());
        judged
    }

    fn judge_dependency(&self, reference: &Reference, dependency: &Dependency) -> Result<Verdict, String> {
        if self.policy.rule(dependency.judged_as.name()).is_none() {
            return Err(format!("no rule of the policy is for {}", dependency.judged_as.name()));
        }
        let evidence = self.question.evidence.dependencies.get(dependency);
        let evidence = evidence.ok_or(
            "it was not looked at: it is said to be made from itself, or from more models than are followed",
        )?;
        let question = Question { reference, evidence, ..*self.question };
        judge(self.policy, &question).map_err(|undecided| undecided.to_string())
    }

    /// The first of its dependencies that a deny-list denies, or that was itself made
    /// from such a one.
    fn denied_dependency(&self, dependencies: &[DependencyVerdict]) -> Option<NotCounted> {
        dependencies.iter().find_map(|dependency| {
            let by_digest = dependency.resource.model_digest().and_then(|model| {
                let reason = self.policy.denials.of_model(&model)?.to_owned();
                Some(ReasonKind::DeniedModel { model, reason })
            });
            let problem = by_digest.or_else(|| denied(dependency.judged.as_deref().ok()?))?;
            let problem = problem.to_string();
            Some(NotCounted::Dependency { dependency: dependency.to_string(), problem })
        })
    }

    /// What a deny-list says of the model by what is attested of it, where the rule
    /// asks what it was made from: that, no summary, waiver or mode takes back.
    pub(super) fn denied_dependencies(&self, model: Option<ModelDigest>) -> Vec<Reason> {
        let said = self.question.evidence.said.iter();
        let about: Vec<&Said> =
            said.filter(|said| model.is_some_and(|model| said.subjects.include(model, &[]))).collect();
        let demands = self.rule.demands.iter().filter(|demand| demand.build.dependencies.is_some());
        let asked = demands.flat_map(|demand| {
            let is_asked = |said: &&&Said| {
                demand.signed_by.of.contains(&said.publisher) && self.denial(&said.by).is_none()
            };
            about.iter().filter(is_asked).map(|said| (demand, *said)).collect::<Vec<_>>()
        });
        let denied = asked.filter_map(|(demand, said)| {
            let problem = self.denied_dependency(&self.about(said).dependencies)?;
            Some(ReasonKind::AttestationRefused {
                kind: demand.kind.to_string(),
                source: said.source.clone(),
                publisher: self.policy.publisher(said.publisher).to_owned(),
                problem,
            })
        });
        denied.map(|kind| deny(Basis::Absolute, kind)).collect()
    }

    /// Whether it is met; and if so, with which warnings, and what level the policy
    /// takes it for.
    fn demand(
        &self,
        demand: &Demand,
        about: &mut [About<'_>],
        others: &[&Said],
    ) -> Result<(Vec<Reason>, Option<u8>), Box<ReasonKind>> {
        let Threshold { at_least, of } = &demand.signed_by;
        let is_asked =
            |said: &Said| demand.kind.is_met_by(&said.predicate_type) && of.contains(&said.publisher);
        let mut met: Vec<&About<'_>> = Vec::new();
        let mut unmet_by: Vec<(&About<'_>, NotCounted)> = Vec::new();
        for one in about.iter_mut().filter(|one| is_asked(one.said)) {
            let unmet = self.check(demand, one).err();
            one.counts |= unmet.is_none();
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
        let name = |index: &usize| self.policy.publisher(*index).to_owned();
        let (kind, wanted): (String, Vec<String>) = (demand.kind.to_string(), of.iter().map(name).collect());
        let found: BTreeSet<String> = met.iter().map(|one| name(&one.said.publisher)).collect();
        // Of those that came as near, the first by where it stands, in whatever order they were read.
        let nearest = unmet_by.into_iter().min_by_key(|(one, problem)| {
            let (source, publisher) = (one.said.source.clone(), one.said.publisher);
            (
                Reverse(problem.rank()),
                source,
                publisher,
                one.said.by.signer.shown.clone(),
                problem.to_string(),
            )
        });
        Err(Box::new(match nearest {
            Some((one, problem)) if found.is_empty() => ReasonKind::AttestationRefused {
                kind,
                source: one.said.source.clone(),
                publisher: name(&one.said.publisher),
                problem,
            },
            _ if found.is_empty() && *at_least == 1 => ReasonKind::AttestationMissing {
                kind,
                of: wanted,
                is_of_others: others.iter().any(|said| is_asked(said)),
            },
            _ => ReasonKind::TooFewAttestors {
                kind,
                needed: *at_least,
                of: wanted,
                found: found.into_iter().collect(),
            },
        }))
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
            let problem = match &dependency.judged {
                _ if !self.is_permitted(asked, dependency) => {
                    let scopes: Vec<String> = asked.of.iter().map(ToString::to_string).collect();
                    format!("it is none of those that may be built on: {}", scopes.join(", "))
                }
                Err(problem) => problem.clone(),
                Ok(verdict) if verdict.outcome == Outcome::Deny => {
                    verdict.denials().next().map(ToString::to_string).unwrap_or_default()
                }
                Ok(_) => continue,
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
        let Some(reference) = &dependency.reference else { return true };
        let judged_as = self.policy.judged_as(reference);
        let names = [reference.name(), judged_as.name()];
        asked.of.iter().any(|scope| names.iter().any(|name| scope.covers(name)))
    }

    fn attested(&self, about: About<'_>) -> Attested {
        let About { said, dependencies, counts, problem, .. } = about;
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
            problem: problem.filter(|_| !counts),
            dependencies,
        }
    }
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
    let is_by_others =
        |one: &&&About<'_>| !one.said.provenance().is_some_and(|provenance| provenance.is_by_the_job_itself);
    let by_others: Vec<&About<'_>> = met.iter().filter(is_by_others).copied().collect();
    let most = if enough(&by_others) { u8::MAX } else { LEVEL_OF_OWN_WORD };
    let level = demand.build.level.map(|level| level.min(most));
    (warned.into_iter().flat_map(|one| warnings(&one.dependencies)).collect(), level)
}

/// What a deny-list says of a model, or of one that it was made from.
fn denied(verdict: &Verdict) -> Option<ReasonKind> {
    let is_denied =
        |kind: &&ReasonKind| matches!(kind, ReasonKind::DeniedModel { .. } | ReasonKind::DeniedFile { .. });
    verdict.denials().find(is_denied).cloned().or_else(|| {
        let dependencies = verdict.attestations.iter().flat_map(|attested| &attested.dependencies);
        dependencies.filter_map(|dependency| dependency.judged.as_deref().ok()).find_map(denied)
    })
}

/// What should be looked at in models that are admitted.
fn warnings(dependencies: &[DependencyVerdict]) -> impl Iterator<Item = Reason> {
    let verdicts =
        dependencies.iter().filter_map(|dependency| Some((dependency, dependency.judged.as_ref().ok()?)));
    let warned = verdicts.filter(|(_, verdict)| verdict.outcome == Outcome::Warn);
    warned.map(|(dependency, verdict)| {
        let problem = verdict.reasons.first().map(|reason| reason.kind.to_string()).unwrap_or_default();
        warn(Basis::Rule, ReasonKind::DependencyWarned { dependency: dependency.to_string(), problem })
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
    run.claims().find_map(|(claim, said)| {
        let claim = Claim::of_code(claim)?;
        // The one or the other may have it as a part of a URI.
        let is_other =
            |proved: &&str| *proved != said && as_uri_part(proved) != said && *proved != as_uri_part(said);
        let proved = signer.claim(claim).filter(is_other)?;
        Some(Contradiction { claim, said: said.to_owned(), proved: proved.to_owned() })
    })
}

/// When the signer says that it was.
fn own_times(said: &Said) -> Option<Timestamp> {
    match &said.predicate {
        Predicate::Provenance(provenance) => provenance.finished.or(provenance.started),
        Predicate::Summary(summary) => summary.verified,
        Predicate::Release(_) | Predicate::Unreadable(_) | Predicate::Other => None,
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
