//! What nothing softens.

use modelseal_manifest::Reference;

use super::{Question, deny};
use crate::evidence::Evidence;
use crate::lock::Lock;
use crate::policy::{DenyListState, Policy};
use crate::reason::{Basis, Reason, ReasonKind};

/// What speaks against every model, and against this one whoever signed it.
pub(super) fn absolute(policy: &Policy, question: &Question<'_>, judged_as: &Reference) -> Vec<Reason> {
    let mut kinds = Vec::new();
    if policy.expires <= question.now {
        kinds.push(ReasonKind::PolicyExpired { expired: policy.expires });
    }
    let seen = question.lock.map_or(0, Lock::policy_serial);
    if policy.serial < seen {
        kinds.push(ReasonKind::PolicyRolledBack { serial: policy.serial, seen });
    }
    let seen = question.lock.map_or(0, Lock::deny_list_serial);
    match &policy.deny_list {
        DenyListState::Signed(list) => {
            if list.expires() <= question.now {
                kinds.push(ReasonKind::DenyListExpired { expired: list.expires() });
            }
            if list.serial() < seen {
                kinds.push(ReasonKind::DenyListRolledBack { serial: list.serial(), seen });
            }
        }
        DenyListState::Unusable(problem) => {
            kinds.push(ReasonKind::DenyListUnusable { problem: problem.clone() });
        }
        DenyListState::None => {}
    }
    kinds.extend(contradiction(question, judged_as));
    kinds.extend(denied_files(policy, question.evidence));
    kinds.into_iter().map(|kind| deny(Basis::Absolute, kind)).collect()
}

/// A place that is called after another model.
fn contradiction(question: &Question<'_>, judged_as: &Reference) -> Option<ReasonKind> {
    let found = question.evidence.place.as_ref()?;
    let is_contradicted = found.contradicts(question.reference) && found.contradicts(judged_as);
    let asked = question.reference.clone();
    is_contradicted.then(|| ReasonKind::NameContradicted { asked, found: found.clone() })
}

pub(super) fn denied_files(policy: &Policy, evidence: &Evidence) -> Vec<ReasonKind> {
    if !policy.denies_files() {
        return vec![];
    }
    let contents = &evidence.contents;
    let unhashed = contents.unhashed.iter().map(|path| ReasonKind::DenyNotEvaluated { path: path.clone() });
    let mut kinds: Vec<ReasonKind> = unhashed.collect();
    kinds.extend(contents.files.iter().filter_map(|(path, digest)| {
        let reason = policy.denials.of_file(digest)?.to_owned();
        Some(ReasonKind::DeniedFile { path: path.clone(), digest: *digest, reason })
    }));
    kinds
}
