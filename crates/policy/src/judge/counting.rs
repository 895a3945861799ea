//! Which signatures count, and whether they are enough.

use std::collections::{BTreeSet, HashMap};

use modelseal_predicate::SignerId;
use modelseal_verify::Caveat;

use super::{Judge, deny, note};
use crate::evidence::{Files, Said, Signature, SignedBy, Stranger, Unsigned};
use crate::lock::LockedSigner;
use crate::reason::{Basis, NotCounted, Reason, ReasonKind};
use crate::signer::SignerFacts;
use crate::threshold::are_distinct;
use crate::verdict::Counted;

/// A signature that counts, or would if the lock knew its signer.
pub(super) struct Voice<'a> {
    pub(super) signature: &'a Signature,
    unsigned: &'a Unsigned,
    pub(super) is_known: bool,
}

impl Judge<'_, '_> {
    /// The signatures that count; of each other, why it does not.
    pub(super) fn voices<'e>(
        &self,
        signatures: &[(&'e Signature, &'e Unsigned)],
        reasons: &mut Vec<Reason>,
    ) -> Vec<Voice<'e>> {
        let mut voices = Vec::new();
        let mut previous: Option<(&SignedBy, Option<&str>)> = None;
        for (signature, unsigned) in signatures {
            // One bundle that is many publishers' is looked up once.
            let by = &signature.by;
            let denial = match previous {
                Some((same, denial)) if same.signer == by.signer && same.time == by.time => denial,
                _ => self.denial(by),
            };
            previous = Some((by, denial));
            if let Err(problem) = self.suits(signature, denial) {
                reasons.push(note(self.not_counted(signature, problem)));
                continue;
            }
            let id = &signature.by.signer.id;
            let is_known = self.remembered.as_ref().is_none_or(|remembered| remembered.knows(id));
            voices.push(Voice { signature, unsigned, is_known });
        }
        voices
    }

    pub(super) fn not_counted(&self, signature: &Signature, problem: NotCounted) -> ReasonKind {
        ReasonKind::NotCounted {
            source: signature.source.clone(),
            publisher: self.policy.publisher(signature.publisher).to_owned(),
            signer: signature.by.signer.shown.clone(),
            problem,
        }
    }

    pub(super) fn said_not_counted(&self, said: &Said, problem: NotCounted) -> ReasonKind {
        ReasonKind::NotCounted {
            source: said.source.clone(),
            publisher: self.policy.publisher(said.publisher).to_owned(),
            signer: said.by.signer.shown.clone(),
            problem,
        }
    }

    /// What the rule asks of each signature for itself.
    pub(super) fn suits(&self, signature: &Signature, denial: Option<&str>) -> Result<(), NotCounted> {
        if let Some(reason) = denial {
            return Err(NotCounted::Denied { reason: reason.to_owned() });
        }
        self.rule.suits_time(signature.by.time)?;
        if self.rule.hashes.as_ref().is_some_and(|hashes| !hashes.contains(&signature.hash)) {
            return Err(NotCounted::Hash { found: signature.hash });
        }
        let has = |caveat| signature.caveats.contains(&caveat);
        if has(Caveat::SymlinksFollowed) && !self.rule.symlinks {
            return Err(NotCounted::FollowsLinks);
        }
        if has(Caveat::LegacyFormat) && !self.rule.legacy_formats {
            return Err(NotCounted::LegacyFormat);
        }
        Ok(())
    }

    /// Whether there are enough publishers, and if not, whether it is for the
    /// lock that there are not.
    pub(super) fn counted(&self, at_least: usize, of: &[usize], voices: &[Voice<'_>]) -> Vec<Reason> {
        let remembered = self.remembered.as_ref();
        let known: Vec<&Voice<'_>> = voices.iter().filter(|voice| voice.is_known).collect();
        let all: Vec<&Voice<'_>> = voices.iter().collect();
        let unknown = all.iter().filter(|voice| !voice.is_known).map(|voice| voice.signature);
        let unknown = unknown.map(|signature| note(self.not_counted(signature, NotCounted::NotInLock)));
        if are_enough(at_least, of, &signers(&known)) {
            let used =
                remembered.into_iter().flat_map(|remembered| remembered.successions_to(&known_ids(&known)));
            return used.map(note).chain(unknown).collect();
        }
        if let Some(remembered) = remembered
            && are_enough(at_least, of, &signers(&all))
        {
            let found =
                all.iter().filter(|voice| !voice.is_known).map(|voice| self.locked_signer(voice.signature));
            let found: BTreeSet<LockedSigner> = found.collect();
            let (locked, found) = (remembered.signers(), found.into_iter().collect());
            return vec![deny(Basis::Lock, ReasonKind::SignerChanged { locked, found })];
        }
        let found: BTreeSet<&str> =
            all.iter().map(|voice| self.policy.publisher(voice.signature.publisher)).collect();
        let why = self.strangers().chain(self.other_files(of)).map(|kind| deny(Basis::Rule, kind));
        let mut reasons: Vec<Reason> = why.chain(unknown).collect();
        if found.is_empty() && at_least == 1 {
            reasons.push(deny(Basis::Rule, ReasonKind::NotSigned));
            return reasons;
        }
        let of = of.iter().map(|index| self.policy.publisher(*index).to_owned()).collect();
        let found = found.into_iter().map(str::to_owned).collect();
        reasons.push(deny(Basis::Rule, ReasonKind::TooFewPublishers { needed: at_least, of, found }));
        reasons
    }

    /// Publishers whose signatures are good, and of other files.
    fn other_files(&self, of: &[usize]) -> Option<ReasonKind> {
        let evidence = self.question.evidence;
        let differ = evidence.signatures.iter().filter(|signature| {
            matches!(signature.files, Files::Differ(_))
                && !evidence.of_dependencies.contains(&signature.source)
        });
        let publishers =
            differ.map(|signature| signature.publisher).filter(|publisher| of.contains(publisher));
        let publishers: BTreeSet<&str> =
            publishers.map(|publisher| self.policy.publisher(publisher)).collect();
        let publishers: Vec<String> = publishers.into_iter().map(str::to_owned).collect();
        (!publishers.is_empty()).then_some(ReasonKind::OtherFiles { publishers })
    }

    /// Those who have the name of a publisher, and are somebody else.
    fn strangers(&self) -> impl Iterator<Item = ReasonKind> {
        self.question.evidence.strangers.iter().cloned().map(|stranger| {
            let Stranger { publisher, claim, expected, found } = stranger;
            ReasonKind::OtherOwner { publisher, claim, expected, found }
        })
    }

    fn locked_signer(&self, signature: &Signature) -> LockedSigner {
        let publisher = self.policy.publisher(signature.publisher).to_owned();
        LockedSigner { publisher, id: signature.by.signer.id.clone() }
    }

    pub(super) fn counted_signature(&self, signature: &Signature) -> Counted {
        Counted {
            source: signature.source.clone(),
            signer: self.locked_signer(signature),
            shown: signature.by.signer.shown.clone(),
            signed: signature.by.time,
            root: signature.root,
            caveats: signature.caveats.clone(),
        }
    }

    /// As many publishers as have to sign have to leave out, or to list, whatever
    /// is there: else one of them alone could add files.
    pub(super) fn unsigned_files(
        &self,
        at_least: usize,
        of: &[usize],
        voices: &[Voice<'_>],
    ) -> Option<Reason> {
        let (known, unknown): (Vec<_>, Vec<_>) = voices.iter().partition(|voice| voice.is_known);
        // Whom the lock does not know has no say, unless that is all there is to be said.
        let unknown = if are_enough(at_least, of, &signers(&known)) { vec![] } else { unknown };
        let speaking = known.into_iter().chain(unknown);
        let (clean, rest): (Vec<_>, Vec<_>) = speaking
            .map(|voice| (voice, self.rule.too_much(voice.unsigned)))
            .partition(|(_, paths)| paths.is_empty());
        let clean: Vec<&Voice<'_>> = clean.into_iter().map(|(voice, _)| voice).collect();
        let fewest =
            rest.into_iter().map(|(_, paths)| paths).min_by(|a, b| (a.len(), a).cmp(&(b.len(), b)))?;
        if are_enough(at_least, of, &signers(&clean)) {
            return None;
        }
        Some(deny(Basis::Rule, ReasonKind::UnsignedFiles { paths: fewest }))
    }
}

/// Whether so many of the publishers signed, where one key and one name each
/// count once.
pub(super) fn are_enough(at_least: usize, of: &[usize], signers: &[(usize, &SignerFacts)]) -> bool {
    let names = |signer: &SignerFacts| {
        let SignerFacts { id, key, .. } = signer;
        (key.map_or_else(|| id.clone(), |key| SignerId::Key { key }), id.clone())
    };
    let mut found: HashMap<usize, BTreeSet<_>> = HashMap::new();
    for (publisher, signer) in signers {
        found.entry(*publisher).or_default().insert(names(signer));
    }
    let of_publisher = |publisher: &usize| found.remove(publisher).into_iter().flatten().collect();
    are_distinct(&of.iter().map(of_publisher).collect::<Vec<_>>(), at_least)
}

fn signers<'v>(voices: &[&'v Voice<'_>]) -> Vec<(usize, &'v SignerFacts)> {
    voices.iter().map(|voice| (voice.signature.publisher, &voice.signature.by.signer)).collect()
}

fn known_ids(voices: &[&Voice<'_>]) -> BTreeSet<SignerId> {
    voices.iter().map(|voice| voice.signature.by.signer.id.clone()).collect()
}
