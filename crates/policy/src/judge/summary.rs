//! The verdict of somebody else, where a rule takes it for signatures and
//! attestations.

use std::cmp::Reverse;

use modelseal_manifest::ModelDigest;
use modelseal_predicate::{VerificationSummary, reference_uri};

use super::attesting::check_age;
use super::{Judge, deny, note};
use crate::demand::Verifier;
use crate::evidence::{Files, Predicate, Said, Signature};
use crate::lock::LockedSigner;
use crate::reason::{Basis, NotCounted, Reason, ReasonKind};
use crate::verdict::{CountedSummary, Verdict};

impl Judge<'_, '_> {
    /// The summaries that the rule takes for this model, and why it does not take
    /// the others.
    pub(super) fn summaries(&self, model: Option<ModelDigest>) -> (Vec<CountedSummary>, Vec<Reason>) {
        let (mut taken, mut reasons) = (Vec::new(), Vec::new());
        let Some(model) = model else { return (taken, reasons) };
        for said in &self.question.evidence.said {
            let Predicate::Summary(summary) = &said.predicate else { continue };
            let verifiers = self.rule.verifiers.iter().filter(|verifier| verifier.signer == said.publisher);
            // Of several, the nearest tells what is wrong; of those that are as near, the first by its text.
            let found = verifiers.map(|verifier| self.check_summary(verifier, said, summary));
            let found = found.min_by_key(|found| {
                found.as_ref().err().map(|problem| (Reverse(problem.rank()), problem.to_string()))
            });
            match found {
                None => {}
                _ if !said.subjects.include(model, &[]) => {
                    let problem = "it is about other bytes".to_owned();
                    reasons.push(note(self.said_not_counted(said, NotCounted::OtherBytes { problem })));
                }
                Some(Ok(())) => taken.push(self.counted_summary(said, summary)),
                Some(Err(problem)) => reasons.push(note(self.said_not_counted(said, problem))),
            }
        }
        taken.sort_by_cached_key(|summary| (summary.source.clone(), summary.signer.clone()));
        (taken, reasons)
    }

    fn check_summary(
        &self,
        verifier: &Verifier,
        said: &Said,
        summary: &VerificationSummary,
    ) -> Result<(), NotCounted> {
        if let Some(reason) = self.denial(&said.by) {
            return Err(NotCounted::Denied { reason: reason.to_owned() });
        }
        if verifier.id != summary.verifier {
            let (expected, found) = (verifier.id.clone(), summary.verifier.clone());
            return Err(NotCounted::Verifier { expected, found });
        }
        let is_this = [self.question.reference, self.judged_as].iter().any(|reference| {
            summary.resource == reference_uri(reference) || summary.reference().as_ref() == Some(*reference)
        });
        if !is_this {
            return Err(NotCounted::Resource { found: summary.resource.clone() });
        }
        if !summary.policy.sha256.is_some_and(|digest| verifier.policies.contains(&digest)) {
            return Err(NotCounted::PolicyDigest { found: summary.policy.sha256 });
        }
        if !summary.has_passed {
            return Err(NotCounted::NotPassed);
        }
        let verified = summary.verified.ok_or(NotCounted::AgeUnknown)?;
        check_age(&said.by, Some(verified), verifier.max_age, self.question.now)
    }

    fn counted_summary(&self, said: &Said, summary: &VerificationSummary) -> CountedSummary {
        let publisher = self.policy.publisher(said.publisher).to_owned();
        CountedSummary {
            source: said.source.clone(),
            signer: LockedSigner { publisher, id: said.by.signer.id.clone() },
            shown: said.by.signer.shown.clone(),
            verifier: summary.verifier.clone(),
            verified: summary.verified,
            policy: summary.policy.clone(),
            levels: summary.levels.clone(),
        }
    }

    /// What speaks against a model that is admitted by the verdict of somebody
    /// else: files are hashed nonetheless, and the lock still has its say.
    pub(super) fn by_summary(&self, verdict: &mut Verdict, summary: CountedSummary) -> Vec<Reason> {
        let (publisher, verifier) = (summary.signer.publisher.clone(), summary.verifier.clone());
        let source = summary.source.clone();
        let mut reasons =
            vec![note(ReasonKind::BySummary { source, publisher, verifier, verified: summary.verified })];
        let paths = self.rule.too_much(&self.question.evidence.contents.unsigned);
        if !paths.is_empty() {
            reasons.push(deny(Basis::Rule, ReasonKind::UnsignedFiles { paths }));
        }
        if let Some(remembered) = &self.remembered {
            if !remembered.knows(&summary.signer.id) {
                let (locked, found) = (remembered.signers(), vec![summary.signer.clone()]);
                reasons.push(deny(Basis::Lock, ReasonKind::SignerChanged { locked, found }));
            }
            let (release, of_release) = self.release(verdict.model);
            verdict.release = release.cloned();
            reasons.extend(of_release.into_iter().filter(|reason| reason.basis == Basis::Lock));
        }
        reasons.extend(self.denied_signers());
        verdict.summary = Some(summary);
        reasons
    }

    /// Whoever is denied and signed files of this model: a summary stands for the
    /// question who signed, and not for the answer that it was somebody who is denied.
    fn denied_signers(&self) -> Vec<Reason> {
        let is_over_these = |signature: &&Signature| matches!(signature.files, Files::Match { .. });
        let denied = self.signatures().filter(is_over_these).filter_map(|signature| {
            let reason = self.denial(&signature.by)?.to_owned();
            Some(self.not_counted(signature, NotCounted::Denied { reason }))
        });
        denied.map(|kind| deny(Basis::Absolute, kind)).collect()
    }
}
