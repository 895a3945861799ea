//! The models that one was made from, and those before them: each judged under its own
//! name, once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::denial::Denials;
use super::{Question, judge_among};
use crate::chain::Ancestor;
use crate::policy::Policy;
use crate::verdict::{Outcome, Verdict};

/// The verdict on a model, or why there is none.
pub(super) type Judged = Result<Arc<Verdict>, String>;

pub(super) struct Ancestry<'a> {
    policy: &'a Policy,
    question: &'a Question<'a>,
    pub(super) denials: Denials<'a>,
    judged: RefCell<BTreeMap<&'a Ancestor, Judged>>,
    /// Those that were asked for, and are not judged yet.
    missing: RefCell<BTreeSet<&'a Ancestor>>,
}

impl<'a> Ancestry<'a> {
    pub(super) fn judged(policy: &'a Policy, question: &'a Question<'a>) -> Self {
        let denials = Denials::among(policy, &question.evidence.ancestors);
        let (judged, missing) = (RefCell::default(), RefCell::default());
        let ancestry = Self { policy, question, denials, judged, missing };
        if ancestry.judge_all() {
            ancestry.settle();
        }
        ancestry
    }

    pub(super) fn verdict(&self, ancestor: &Ancestor) -> Judged {
        let name = self.policy.judged_as(&ancestor.reference);
        if self.policy.rule(name.name()).is_none() {
            return Err(format!("no rule of the policy is for {}", name.name()));
        }
        let Some((ancestor, _)) = self.question.evidence.ancestors.get_key_value(ancestor) else {
            return Err(
                "it was not looked at: there are more models before this one than are followed".to_owned()
            );
        };
        let judged = self.judged.borrow();
        judged.get(ancestor).cloned().unwrap_or_else(|| {
            self.missing.borrow_mut().insert(ancestor);
            Err("it is said to be made from itself".to_owned())
        })
    }

    /// Judges each after those that it was made from: not by recursion, since a chain may
    /// be longer than a stack is deep. Whether one is before itself, so that there is no
    /// such order.
    fn judge_all(&self) -> bool {
        let mut has_circle = false;
        let mut waiting: Vec<&Ancestor> = self.question.evidence.ancestors.keys().collect();
        let mut begun: BTreeSet<&Ancestor> = BTreeSet::new();
        while let Some(&ancestor) = waiting.last() {
            if self.judged.borrow().contains_key(ancestor) {
                waiting.pop();
                continue;
            }
            begun.insert(ancestor);
            let judged = self.judge(ancestor);
            let missing = self.missing.take();
            let length = waiting.len();
            waiting.extend(missing.iter().filter(|missing| !begun.contains(*missing)));
            if waiting.len() == length {
                has_circle |= !missing.is_empty();
                self.judged.borrow_mut().insert(ancestor, judged);
            }
        }
        has_circle
    }

    fn judge(&self, ancestor: &Ancestor) -> Judged {
        let evidence = &self.question.evidence.ancestors[ancestor];
        let question = Question { reference: &ancestor.reference, evidence, ..*self.question };
        let judged = judge_among(self.policy, &question, self);
        judged.map(Arc::new).map_err(|undecided| undecided.to_string())
    }

    /// Of two that were made from each other, the verdict on whichever was judged first
    /// could rest on nothing from the other: each that could be better is judged again, until
    /// that makes none better. So only what rests on itself alone stays denied, wherever one
    /// begins.
    fn settle(&self) {
        let ancestors = &self.question.evidence.ancestors;
        let mut is_better = true;
        let mut rounds = 0;
        // Each can get better three times: there is an end, whatever modes make of it.
        while is_better && rounds <= 3 * ancestors.len() {
            is_better = false;
            rounds += 1;
            for ancestor in ancestors.keys() {
                let before = self.judged.borrow().get(ancestor).map_or(u8::MAX, badness);
                if before == 0 {
                    continue;
                }
                // One that is no better may have other reasons by now.
                let again = self.judge(ancestor);
                is_better |= badness(&again) < before;
                self.judged.borrow_mut().insert(ancestor, again);
            }
        }
    }

    /// All that there is a verdict on.
    pub(super) fn into_verdicts(self) -> BTreeMap<Ancestor, Arc<Verdict>> {
        let judged = self.judged.into_inner().into_iter();
        judged.filter_map(|(ancestor, judged)| Some((ancestor.clone(), judged.ok()?))).collect()
    }
}

/// How bad it is; a denial that a mode does not enforce is one all the same.
fn badness(judged: &Judged) -> u8 {
    match judged {
        Err(_) => 3,
        Ok(verdict) if verdict.outcome == Outcome::Deny => 3,
        Ok(verdict) if verdict.is_softened() => 2,
        Ok(verdict) => u8::from(verdict.outcome == Outcome::Warn),
    }
}
