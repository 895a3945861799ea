//! Which release of the name the publisher signed.

use std::collections::{BTreeMap, BTreeSet};

use modelseal_manifest::{ModelDigest, ModelName};
use modelseal_predicate::{Release, Version};

use super::counting::are_enough;
use super::{Judge, deny, note, warn};
use crate::continuity::Remembered;
use crate::evidence::{Said, SignedBy};
use crate::reason::{Basis, NotCounted, Reason, ReasonKind};
use crate::rule::{SignedBy as Wanted, Threshold};

impl Judge<'_, '_> {
    /// The release of this name that the publisher signed, and what the rule
    /// and the lock say of it.
    pub(super) fn release(&self, model: Option<ModelDigest>) -> (Option<&Version>, Vec<Reason>) {
        let remembered = self.remembered.as_ref();
        let (mut reasons, mut statements) = (Vec::new(), Vec::new());
        for (said, release) in self.question.evidence.releases() {
            if self.rule.is_signed_by(said.publisher) && model.is_some_and(|model| said.subjects.name(model))
            {
                match self.suits_release(&said.by) {
                    Ok(()) => statements.push((said, release)),
                    Err(problem) => reasons.push(note(self.said_not_counted(said, problem))),
                }
            }
        }
        let mut of_name: BTreeMap<&Version, Vec<&Said>> = BTreeMap::new();
        let mut others: BTreeSet<&ModelName> = BTreeSet::new();
        for (said, Release { name, version }) in statements {
            if name == self.judged_as.name() {
                of_name.entry(version).or_default().push(said);
            } else {
                others.insert(name);
            }
        }
        let (enough, too_few): (Vec<_>, Vec<_>) =
            of_name.into_iter().rev().partition(|(_, statements)| self.is_released(statements));
        for statement in too_few.into_iter().flat_map(|(_, statements)| statements) {
            reasons.push(note(self.said_not_counted(statement, NotCounted::TooFew)));
        }
        let judged: Vec<_> = enough
            .into_iter()
            .map(|(version, _)| {
                (version, remembered.and_then(|remembered| remembered.release(version, model)))
            })
            .collect();
        let best = judged.iter().find(|(_, problem)| problem.is_none()).or(judged.first());
        if let Some((_, problem)) = best {
            reasons.extend(problem.clone().map(|kind| deny(Basis::Lock, kind)));
        } else {
            reasons.push(self.unbound(others.first().map(|name| (*name).clone())));
            let seen = remembered.and_then(Remembered::release_missing);
            reasons.extend(seen.map(|kind| deny(Basis::Lock, kind)));
        }
        (best.map(|(version, _)| *version), reasons)
    }

    /// What is asked of each statement for itself.
    fn suits_release(&self, by: &SignedBy) -> Result<(), NotCounted> {
        if let Some(reason) = self.denial(by) {
            return Err(NotCounted::Denied { reason: reason.to_owned() });
        }
        self.rule.suits_time(by.time)?;
        match &self.remembered {
            Some(remembered) if !remembered.knows(&by.signer.id) => Err(NotCounted::NotInLock),
            _ => Ok(()),
        }
    }

    /// As many publishers have to sign the name as have to sign the bytes: else
    /// one of them alone could call old bytes new.
    fn is_released(&self, statements: &[&Said]) -> bool {
        let Wanted::Publishers(Threshold { at_least, of }) = &self.rule.signed_by else { return false };
        let signers: Vec<_> = statements.iter().map(|said| (said.publisher, &said.by.signer)).collect();
        are_enough(*at_least, of, &signers)
    }

    /// No statement that counts binds the name to these bytes.
    fn unbound(&self, signed_as: Option<ModelName>) -> Reason {
        let is_other = signed_as.is_some();
        let kind = ReasonKind::NameNotSigned { signed_as };
        match (self.rule.bind_name, is_other) {
            (true, _) => deny(Basis::Rule, kind),
            (false, true) => warn(Basis::Rule, kind),
            (false, false) => note(kind),
        }
    }
}
