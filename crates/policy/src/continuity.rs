//! What the lock remembers of a name, and who may follow whom.

use std::collections::{BTreeMap, BTreeSet};

use modelseal_manifest::{ModelDigest, Reference};
use modelseal_predicate::{SignerId, Version};

use crate::evidence::{Evidence, SignedBy};
use crate::lock::{Entry, Lock, LockedSigner};
use crate::reason::{Basis, Reason, ReasonKind, Severity};
use crate::rule::Continuity;

/// What is known of one name, for one reference of it.
pub(crate) struct Remembered<'a> {
    reference: &'a Reference,
    continuity: Continuity,
    /// What this very reference was.
    exact: Option<&'a Entry>,
    /// What is compared: the same, or what the name was without a revision.
    pub(crate) entry: Option<&'a Entry>,
    entries: Vec<(&'a Reference, &'a Entry)>,
    signers: BTreeSet<LockedSigner>,
    /// Who became known by being named by somebody who was.
    successors: BTreeMap<SignerId, SignerId>,
}

impl<'a> Remembered<'a> {
    /// `may_speak` says of a publisher and its signature whether they count.
    pub(crate) fn of(
        lock: &'a Lock,
        reference: &'a Reference,
        continuity: Continuity,
        may_speak: impl Fn(usize, &SignedBy) -> bool,
        evidence: &Evidence,
    ) -> Self {
        let entries: Vec<_> = lock.entries_of(reference.name()).collect();
        let signers: BTreeSet<LockedSigner> =
            entries.iter().flat_map(|(_, entry)| entry.signers.iter().cloned()).collect();
        let exact = lock.entry(reference);
        let entry = exact.or_else(|| lock.entry(&Reference::of(reference.name().clone())));
        let mut remembered =
            Self { reference, continuity, exact, entry, entries, signers, successors: BTreeMap::new() };
        remembered.follow(evidence, may_speak);
        remembered
    }

    /// Whoever is known may name who follows, and those again.
    fn follow(&mut self, evidence: &Evidence, may_speak: impl Fn(usize, &SignedBy) -> bool) {
        if self.signers.is_empty() {
            return;
        }
        let spoken = evidence.successions().filter(|(said, succession)| {
            succession.scope.covers(self.reference.name()) && may_speak(said.publisher, &said.by)
        });
        let spoken: BTreeSet<(&SignerId, &SignerId)> =
            spoken.map(|(said, succession)| (&said.by.signer.id, &succession.successor)).collect();
        loop {
            let found = spoken.iter().find(|(from, to)| self.knows(from) && !self.knows(to));
            let Some((from, to)) = found else { return };
            self.successors.insert((*to).clone(), (*from).clone());
        }
    }

    /// Whether a signer has signed this name before, or was named by one who
    /// had. Of a name that is not in the lock, or that nobody signed, nothing is
    /// known that could be asked for.
    pub(crate) fn knows(&self, id: &SignerId) -> bool {
        self.signers.is_empty()
            || self.signers.iter().any(|signer| signer.id == *id)
            || self.successors.keys().any(|named| named.means(id))
    }

    /// Everybody who signed the name until now.
    pub(crate) fn signers(&self) -> Vec<LockedSigner> {
        self.signers.iter().cloned().collect()
    }

    /// The successions by which these signers became known.
    pub(crate) fn successions_to(&self, ids: &BTreeSet<SignerId>) -> Vec<ReasonKind> {
        let used = self.successors.iter().filter(|(to, _)| ids.iter().any(|id| to.means(id)));
        used.map(|(to, from)| ReasonKind::Succeeded { from: from.clone(), to: to.clone() }).collect()
    }

    /// Whether these are the bytes that the lock has.
    pub(crate) fn pinned(&self, model: Option<ModelDigest>) -> Option<Reason> {
        let deny = |kind| Some(Reason { severity: Severity::Deny, basis: Basis::Lock, kind });
        let other = |entry: &&Entry| Some(entry.model) != model;
        if let Some(entry) = self.exact.filter(other)
            && self.reference.revision().is_some()
        {
            return deny(ReasonKind::RevisionChanged { locked: entry.model, found: model });
        }
        match (self.continuity, self.entry) {
            (Continuity::Pinned, None) => deny(ReasonKind::NotPinned),
            (Continuity::Pinned, Some(entry)) if other(&entry) => {
                deny(ReasonKind::ModelChanged { locked: entry.model, found: model })
            }
            (Continuity::Tofu, _) if self.signers.is_empty() => {
                Some(Reason { severity: Severity::Warn, basis: Basis::Lock, kind: ReasonKind::FirstSight })
            }
            _ => None,
        }
    }

    /// What speaks against a release of this number with these bytes.
    pub(crate) fn release(&self, found: &Version, model: Option<ModelDigest>) -> Option<ReasonKind> {
        // Of a revision that was locked without a release none is asked: else
        // leaving the statement away would help.
        let seen = self.seen()?;
        let same = |entry: &Entry| entry.release.as_ref() == Some(found) && Some(entry.model) != model;
        if let Some((_, entry)) = self.entries.iter().find(|(_, entry)| same(entry)) {
            return Some(ReasonKind::ReleaseReused { release: found.clone(), locked: entry.model });
        }
        (*found < seen).then(|| ReasonKind::ReleaseOlder { seen, found: found.clone() })
    }

    /// A statement that says which release it is may not be left away once
    /// there was one.
    pub(crate) fn release_missing(&self) -> Option<ReasonKind> {
        self.seen().map(|seen| ReasonKind::ReleaseMissing { seen })
    }

    /// The release that may not be fallen behind: that of this very revision,
    /// else the highest of the name.
    fn seen(&self) -> Option<Version> {
        match self.exact.filter(|_| self.reference.revision().is_some()) {
            Some(entry) => entry.release.clone(),
            None => self.entries.iter().filter_map(|(_, entry)| entry.release.clone()).max(),
        }
    }
}
