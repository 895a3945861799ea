mod absolute;
mod ancestry;
mod attesting;
mod counting;
mod denial;
mod release;
mod summary;

use std::cell::{LazyCell, OnceCell};
use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use modelseal_manifest::{ModelDigest, Reference, RootDigest, Scope};

use self::absolute::absolute;
use self::ancestry::Ancestry;
pub use self::attesting::{Contradiction, contradiction, level_of_own_word};
pub(crate) use self::denial::shown;
use crate::continuity::Remembered;
use crate::evidence::{Evidence, Files, Signature, SignedBy, Unsigned};
use crate::lock::{Entry, Lock};
use crate::policy::Policy;
use crate::reason::{Basis, NotCounted, Reason, ReasonKind, Severity};
use crate::rule::{Continuity, Mode, Rule, SignedBy as Wanted, Threshold};
use crate::verdict::{Outcome, RuleFacts, Verdict};

/// What a policy is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Which model.
    pub reference: &'a Reference,
    /// What was found out about it.
    pub evidence: &'a Evidence,
    /// What names were when they were last seen.
    pub lock: Option<&'a Lock>,
    /// What time it is.
    pub now: Timestamp,
}

/// Why there is no verdict.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Undecided {
    /// The rule asks what a name has been, and nothing tells.
    #[error(
        "the rule for {scope} asks for continuity = \"{}\", and no lock was given that could tell what the name has been",
        continuity.as_str()
    )]
    NoLock {
        /// The rule.
        scope: Scope,
        /// What it asks for.
        continuity: Continuity,
    },
}

/// Judges one model: a pure function of what it is given.
///
/// # Errors
/// [`Undecided`].
pub fn judge(policy: &Policy, question: &Question<'_>) -> Result<Verdict, Undecided> {
    let ancestry = Ancestry::judged(policy, question);
    let verdict = judge_among(policy, question, &ancestry)?;
    Ok(Verdict { ancestors: ancestry.into_verdicts(), ..verdict })
}

/// Judges one of several that were made from each other.
fn judge_among(
    policy: &Policy,
    question: &Question<'_>,
    ancestry: &Ancestry<'_>,
) -> Result<Verdict, Undecided> {
    let judged_as = policy.judged_as(question.reference);
    let absolute = absolute(policy, question, &judged_as);
    let Some(rule) = policy.rule(judged_as.name()) else {
        let reason = deny(Basis::Absolute, ReasonKind::NoRule { name: judged_as.name().clone() });
        let mut verdict = Verdict::bare(question.reference, judged_as, None);
        verdict.conclude([absolute, vec![reason]].concat());
        return Ok(verdict);
    };
    if rule.continuity != Continuity::None && question.lock.is_none() {
        return Err(Undecided::NoLock { scope: rule.scope.clone(), continuity: rule.continuity });
    }
    let memory = question.lock.filter(|_| rule.continuity != Continuity::None);
    let remembered = memory.map(|lock| {
        let is_denied = |by: &SignedBy| policy.denials.of_signer(&by.signer, by.time).is_some();
        let may_speak = |publisher, by: &SignedBy| {
            rule.is_signed_by(publisher) && !is_denied(by) && rule.suits_time(by.time).is_ok()
        };
        Remembered::of(lock, &judged_as, rule.continuity, may_speak, question.evidence)
    });
    let denied_bases = rule.demands.iter().map(|_| OnceCell::new()).collect();
    let judge = Judge { policy, rule, question, judged_as: &judged_as, remembered, ancestry, denied_bases };
    // Signatures may be over different files. Each set is judged for itself.
    let verdicts =
        judge.candidates().into_iter().map(|(model, signatures)| judge.verdict(model, &signatures));
    let best = verdicts.min_by_key(|verdict| (verdict.outcome, !verdict.is_signed(), verdict.model));
    let mut verdict = best.unwrap_or_else(|| judge.verdict(None, &[]));
    let mut others = judge.passed_over(verdict.model);
    let is_passed_over = question.lock.is_some() && judge.remembered.is_none();
    others.extend(is_passed_over.then(|| note(ReasonKind::LockNotAsked)));
    let reasons = std::mem::take(&mut verdict.reasons);
    verdict.conclude([absolute, reasons, others].concat());
    Ok(verdict)
}

fn deny(basis: Basis, kind: ReasonKind) -> Reason {
    Reason { severity: Severity::Deny, basis, kind }
}

fn note(kind: ReasonKind) -> Reason {
    Reason { severity: Severity::Note, basis: Basis::Rule, kind }
}

fn warn(basis: Basis, kind: ReasonKind) -> Reason {
    Reason { severity: Severity::Warn, basis, kind }
}

struct Judge<'a, 'b> {
    policy: &'a Policy,
    rule: &'a Rule,
    question: &'a Question<'a>,
    judged_as: &'a Reference,
    /// What the lock knows, where the rule asks it.
    remembered: Option<Remembered<'a>>,
    /// What it was made from.
    ancestry: &'a Ancestry<'b>,
    /// What each demand of the rule finds denied, once it was looked for.
    denied_bases: Vec<OnceCell<Option<Reason>>>,
}

impl Judge<'_, '_> {
    /// The sets of files that could be admitted, and the signatures over each.
    fn candidates(&self) -> BTreeMap<Option<ModelDigest>, Vec<(&Signature, &Unsigned)>> {
        let mut candidates: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for signature in self.signatures() {
            if let Files::Match { model, unsigned } = &signature.files {
                candidates.entry(Some(*model)).or_default().push((signature, unsigned));
            }
        }
        if let Some(model) = self.question.evidence.contents.model {
            candidates.entry(Some(model)).or_default();
        }
        candidates
    }

    /// The signatures of those who may sign the model.
    fn signatures(&self) -> impl Iterator<Item = &Signature> {
        let signatures = self.question.evidence.signatures.iter();
        signatures.filter(|signature| self.rule.is_signed_by(signature.publisher))
    }

    /// Judges one set of files: by the signatures over it, or by the verdict of
    /// somebody else, where that is better. Such a verdict is of the model as it is:
    /// whoever signs less of it has no say in what else may be there.
    fn verdict(&self, model: Option<ModelDigest>, signatures: &[(&Signature, &Unsigned)]) -> Verdict {
        let (summaries, not_taken) = self.summaries(model);
        let roots: Vec<RootDigest> = signatures.iter().map(|(signature, _)| signature.root).collect();
        let attested = LazyCell::new(|| self.attestations(model, &roots));
        let denied_bases =
            || attested.reasons.iter().filter(|reason| reason.basis == Basis::Absolute).cloned();
        let (gravity, mut by_signatures) =
            self.verdict_by(model, &not_taken, |verdict| match &self.rule.signed_by {
                Wanted::Nobody => self.by_nobody(model),
                Wanted::Verifiers => {
                    denied_bases().chain([deny(Basis::Rule, ReasonKind::NoSummary)]).collect()
                }
                Wanted::Publishers(threshold) => self.by_signatures(verdict, threshold, signatures),
            });
        if self.rule.signed_by == Wanted::Verifiers {
            by_signatures.attestations.clone_from(&attested.attested);
        }
        if gravity == Gravity::NONE || model != self.question.evidence.contents.model {
            return by_signatures;
        }
        let by_summaries = summaries.into_iter().map(|summary| {
            self.verdict_by(model, &not_taken, |verdict| {
                let reasons = self.by_summary(verdict, summary);
                reasons.into_iter().chain(denied_bases()).collect()
            })
        });
        // Of those that are alike, the first.
        let best = by_summaries.min_by_key(|(gravity, _)| *gravity).filter(|(best, _)| *best < gravity);
        best.map_or(by_signatures, |(_, verdict)| Verdict {
            attestations: attested.attested.clone(),
            ..verdict
        })
    }

    /// The verdict by what `of_rule` finds.
    fn verdict_by(
        &self,
        model: Option<ModelDigest>,
        notes: &[Reason],
        of_rule: impl FnOnce(&mut Verdict) -> Vec<Reason>,
    ) -> (Gravity, Verdict) {
        let facts = RuleFacts {
            scope: self.rule.scope.clone(),
            mode: self.rule.mode,
            continuity: self.rule.continuity,
            is_for_unsigned: self.rule.signed_by == Wanted::Nobody,
        };
        let mut verdict = Verdict::bare(self.question.reference, self.judged_as.clone(), Some(facts));
        verdict.model = model;
        verdict.locked = self.remembered.as_ref().and_then(|remembered| remembered.entry.cloned());
        let mut reasons: Vec<Reason> = self.denied_model(model).into_iter().collect();
        reasons.extend(of_rule(&mut verdict));
        if let Some(remembered) = &self.remembered {
            reasons.extend(remembered.pinned(model));
        }
        reasons.extend(notes.iter().cloned());
        let is_denied = |basis| {
            let is_denial = |reason: &Reason| reason.severity == Severity::Deny && reason.basis == basis;
            reasons.iter().any(is_denial)
        };
        let denied = [Basis::Absolute, Basis::Rule, Basis::Lock].map(is_denied);
        let mut reasons = self.waived(model, reasons);
        self.soften(&mut reasons);
        verdict.conclude(reasons);
        (Gravity { outcome: verdict.outcome, denied }, verdict)
    }

    /// Of a model that nobody signs.
    fn by_nobody(&self, model: Option<ModelDigest>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let is_pinned = self.remembered.as_ref().is_some_and(|found| found.pinned(model).is_none());
        reasons.extend(is_pinned.then(|| warn(Basis::Rule, ReasonKind::PinnedNotSigned)));
        let paths = self.rule.too_much(&self.question.evidence.contents.unsigned);
        let is_too_much = !paths.is_empty();
        reasons.extend(is_too_much.then(|| deny(Basis::Rule, ReasonKind::UnsignedFiles { paths })));
        reasons
    }

    fn by_signatures(
        &self,
        verdict: &mut Verdict,
        Threshold { at_least, of }: &Threshold,
        signatures: &[(&Signature, &Unsigned)],
    ) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let voices = self.voices(signatures, &mut reasons);
        reasons.extend(self.counted(*at_least, of, &voices));
        let known = voices.iter().filter(|voice| voice.is_known).map(|voice| voice.signature);
        let mut counted: Vec<_> =
            known.map(|signature| (self.counted_signature(signature), signature.root)).collect();
        counted.sort_by_cached_key(|(counted, root)| {
            (
                counted.source.clone(),
                counted.signer.clone(),
                counted.shown.clone(),
                counted.signed,
                root.to_string(),
            )
        });
        let roots: Vec<RootDigest> = counted.iter().map(|(_, root)| *root).collect();
        verdict.root = roots.first().copied();
        verdict.signatures = counted.into_iter().map(|(counted, _)| counted).collect();
        reasons.extend(self.unsigned_files(*at_least, of, &voices));
        if voices.iter().any(|voice| voice.is_known) {
            let (release, found) = self.release(verdict.model);
            verdict.release = release.cloned();
            reasons.extend(found);
        }
        let attestations = self.attestations(verdict.model, &roots);
        verdict.attestations = attestations.attested;
        verdict.build_level = attestations.level;
        reasons.extend(attestations.reasons);
        reasons
    }

    fn denied_model(&self, model: Option<ModelDigest>) -> Option<Reason> {
        let denials = &self.policy.denials;
        let as_it_is = self.question.evidence.contents.model;
        let mut models = [model, as_it_is].into_iter().flatten();
        if as_it_is.is_none() && denials.has_models() {
            return Some(deny(Basis::Absolute, ReasonKind::DenyNotEvaluated { path: ".".to_owned() }));
        }
        let found = models.find_map(|model| {
            let reason = denials.of_model(&model)?.to_owned();
            Some(ReasonKind::DeniedModel { model, reason })
        });
        found.map(|kind| deny(Basis::Absolute, kind))
    }

    fn denial(&self, by: &SignedBy) -> Option<&str> {
        self.policy.denials.of_signer(&by.signer, by.time)
    }

    /// What has no part in the verdict on `model`, and why.
    fn passed_over(&self, model: Option<ModelDigest>) -> Vec<Reason> {
        if matches!(self.rule.signed_by, Wanted::Nobody) {
            return vec![];
        }
        let evidence = self.question.evidence;
        let rejected = evidence.rejected.iter().map(|(source, problem)| {
            let (source, problem) = (source.clone(), problem.clone());
            note(ReasonKind::NotRecognised { source, problem })
        });
        let over_others = self.signatures().filter_map(|signature| {
            let problem = match &signature.files {
                Files::Match { model: of, .. } if Some(*of) == model => return None,
                _ if evidence.of_dependencies.contains(&signature.source) => return None,
                Files::Match { model: of, .. } => format!("it is over other files of the model ({of})"),
                Files::Differ(problem) => problem.clone(),
            };
            Some(note(self.not_counted(signature, NotCounted::OtherBytes { problem })))
        });
        rejected.chain(over_others).collect()
    }

    /// A waiver takes the rule's own denials back, for these very bytes.
    fn waived(&self, model: Option<ModelDigest>, mut reasons: Vec<Reason>) -> Vec<Reason> {
        let Some(model) = model else { return reasons };
        let waivers = self.policy.waivers.get(&(model, self.rule.scope.key())).into_iter().flatten();
        let (valid, expired): (Vec<_>, Vec<_>) =
            waivers.partition(|waiver| waiver.expires > self.question.now);
        let is_denied = |reason: &Reason| reason.severity == Severity::Deny && reason.basis == Basis::Rule;
        if let Some(waiver) = valid.first()
            && reasons.iter().any(is_denied)
        {
            for reason in reasons.iter_mut().filter(|reason| is_denied(reason)) {
                reason.severity = Severity::Warn;
            }
            reasons.extend(self.unsigned_by_the_known(Some(model), &reasons));
            let (owner, reason) = (waiver.owner.clone(), waiver.reason.clone());
            reasons.push(warn(Basis::Rule, ReasonKind::Waived { owner, reason, expires: waiver.expires }));
        }
        reasons.extend(expired.into_iter().map(|waiver| {
            let (owner, reason) = (waiver.owner.clone(), waiver.reason.clone());
            deny(Basis::Rule, ReasonKind::WaiverExpired { owner, reason, expired: waiver.expires })
        }));
        reasons
    }

    /// What the rule no longer asks, the lock still does: were it silent where
    /// too few signed, leaving a signature away would help.
    fn unsigned_by_the_known(&self, model: Option<ModelDigest>, reasons: &[Reason]) -> Vec<Reason> {
        let is_too_few = |kind: &ReasonKind| {
            matches!(
                kind,
                ReasonKind::NotSigned | ReasonKind::NoSummary | ReasonKind::TooFewPublishers { .. }
            )
        };
        let Some(remembered) = &self.remembered else { return vec![] };
        if !reasons.iter().any(|reason| is_too_few(&reason.kind)) {
            return vec![];
        }
        let locked = remembered.signers();
        let is_known = !locked.is_empty();
        let changed =
            is_known.then(|| deny(Basis::Lock, ReasonKind::SignerChanged { locked, found: vec![] }));
        let (_, of_release) = self.release(model);
        of_release.into_iter().filter(|reason| reason.basis == Basis::Lock).chain(changed).collect()
    }

    /// What the rule and the lock deny is not enforced in other modes.
    fn soften(&self, reasons: &mut Vec<Reason>) {
        let softer = match self.rule.mode {
            Mode::Enforce => return,
            Mode::Warn => Severity::Warn,
            Mode::Audit => Severity::Note,
        };
        let softened = |reason: &Reason| reason.severity == Severity::Deny && reason.basis != Basis::Absolute;
        if !reasons.iter().any(softened) {
            return;
        }
        for reason in reasons.iter_mut().filter(|reason| softened(reason)) {
            reason.severity = softer;
        }
        let mode = self.rule.mode.as_str();
        reasons.push(Reason { severity: softer, basis: Basis::Rule, kind: ReasonKind::Softened { mode } });
    }
}

/// How bad a verdict is. Of two with the same outcome, that which is denied by less
/// is better, enforced or not: it says what is missing.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Gravity {
    outcome: Outcome,
    /// By what it is denied, the gravest first.
    denied: [bool; 3],
}

impl Gravity {
    const NONE: Self = Self { outcome: Outcome::Allow, denied: [false; 3] };
}

impl Verdict {
    fn bare(reference: &Reference, judged_as: Reference, rule: Option<RuleFacts>) -> Self {
        Self {
            reference: reference.clone(),
            judged_as,
            outcome: Outcome::Deny,
            rule,
            model: None,
            root: None,
            signatures: vec![],
            summary: None,
            attestations: vec![],
            build_level: None,
            release: None,
            locked: None::<Entry>,
            reasons: vec![],
            ancestors: BTreeMap::new(),
        }
    }

    /// The gravest reason decides.
    fn conclude(&mut self, mut reasons: Vec<Reason>) {
        // An order of its own, so that that of the evidence shows nowhere.
        reasons.sort_by_cached_key(|reason| {
            let kind = &reason.kind;
            (
                Reverse(reason.severity),
                kind.rank(),
                reason.basis != Basis::Absolute,
                kind.code(),
                kind.to_string(),
            )
        });
        reasons.dedup();
        self.outcome = match reasons.first().map(|reason| reason.severity) {
            Some(Severity::Deny) => Outcome::Deny,
            Some(Severity::Warn) => Outcome::Warn,
            Some(Severity::Note) | None => Outcome::Allow,
        };
        self.reasons = reasons;
    }
}
