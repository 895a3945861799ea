//! The chain of a model that a policy judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use modelseal::policy::{
    Ancestor, Attested, Counted, CountedSummary, DependencyVerdict, Outcome, ReasonKind, Severity, Source,
    Verdict,
};
use modelseal::{Escaped, Timestamp};

use super::trust::verdict_of;
use super::{Node, Standing, build, kind_of, role};

/// What was judged, as deep as it was; `measured` says how.
pub(crate) fn of_verdict(verdict: &Verdict, measured: String) -> Node {
    Chain { ancestors: &verdict.ancestors, shown: BTreeSet::new() }.node(verdict, measured)
}

/// The models before a model, each shown where it is met first.
struct Chain<'a> {
    ancestors: &'a BTreeMap<Ancestor, Arc<Verdict>>,
    shown: BTreeSet<&'a Ancestor>,
}

impl<'a> Chain<'a> {
    fn node(&mut self, verdict: &'a Verdict, measured: String) -> Node {
        let mut children = Vec::new();
        if let Some(model) = verdict.model {
            children.push(Node::new("files", "", Standing::Good(measured)).detail(&model));
        }
        children.extend(verdict.signatures.iter().map(signature));
        children.extend(verdict.summary.iter().map(summary));
        for attested in &verdict.attestations {
            let dependencies: Vec<Node> =
                attested.dependencies.iter().map(|dependency| self.dependency(dependency)).collect();
            children.push(attestation(attested).with(dependencies));
        }
        children.extend(not_counted(verdict));
        Node::new("", &verdict.reference, standing(verdict)).with(children)
    }

    fn dependency(&mut self, dependency: &'a DependencyVerdict) -> Node {
        let kind = role(&dependency.resource);
        let judged = dependency.ancestor.as_ref().and_then(|ancestor| self.ancestors.get_key_value(ancestor));
        let Some((ancestor, verdict)) = judged else {
            let problem = dependency.problem.as_deref().unwrap_or_default();
            return Node::new(kind, dependency, Standing::Bad(format!("not verified: {problem}")));
        };
        if self.shown.insert(ancestor) {
            let node = self.node(verdict, "not here; known by what is signed".to_owned());
            return Node { kind, ..node };
        }
        let node = Node::new(kind, &verdict.reference, standing(verdict));
        node.detail("what is known of it stands where it is named first")
    }
}

/// What lies there and has no part in the verdict.
fn not_counted(verdict: &Verdict) -> Vec<Node> {
    let mut children = Vec::new();
    children.extend(verdict.reasons.iter().filter_map(|reason| match &reason.kind {
        ReasonKind::NotRecognised { source, problem } => Some(
            Node::new("bundle", "", Standing::Doubtful(format!("not verified: {problem}"))).detail(source),
        ),
        ReasonKind::NotCounted { source, publisher, signer, problem } => {
            let standing = Standing::Doubtful(format!("verified, and does not count: {problem}"));
            Some(Node::new("bundle", &by(publisher), standing).detail(signer).detail(source))
        }
        _ => None,
    }));
    children
}

fn standing(verdict: &Verdict) -> Standing {
    let rule =
        verdict.rule.as_ref().map_or_else(String::new, |rule| format!(" by the rule for {}", rule.scope));
    let worst = verdict.reasons.first().filter(|reason| reason.severity != Severity::Note);
    let why = worst.map(|reason| format!(": {}", reason.kind)).unwrap_or_default();
    match verdict.outcome {
        Outcome::Allow if verdict.is_softened() => {
            Standing::Doubtful(format!("allowed{rule}, whose denial is not enforced"))
        }
        Outcome::Allow => Standing::Good(format!("allowed{rule}")),
        Outcome::Warn => Standing::Doubtful(format!("allowed{rule}, with a warning{why}")),
        Outcome::Deny => Standing::Bad(format!("denied{rule}{why}")),
    }
}

fn signature(counted: &Counted) -> Node {
    let Counted { source, signer, shown, signed, .. } = counted;
    Node::new("signature", &by(&signer.publisher), Standing::Good("verified".to_owned()))
        .detail(shown)
        .detail(&place(source, *signed))
}

fn summary(counted: &CountedSummary) -> Node {
    let CountedSummary { source, signer, shown, verifier, verified, .. } = counted;
    let when = verified.map(|time| format!(" of {time}")).unwrap_or_default();
    let note = format!("verified; PASSED, by the word of {}", Escaped(verifier));
    Node::new("summary", &format!("{}{when}", by(&signer.publisher)), Standing::Good(note))
        .detail(shown)
        .detail(source)
}

fn by(publisher: &str) -> String {
    format!("by {}", Escaped(publisher))
}

fn place(source: &Source, signed: Option<Timestamp>) -> String {
    match signed {
        Some(time) => format!("{source}, signed at {time}"),
        None => format!("{source}, and nothing proves when it was signed"),
    }
}

fn attestation(attested: &Attested) -> Node {
    let Attested { source, publisher, shown, signed, predicate_type, .. } = attested;
    let kind = kind_of(predicate_type);
    let about = match (&attested.release, &attested.summary) {
        (Some(release), _) => format!("{} {} ", release.name, release.version),
        (None, Some(summary)) => format!("{} ", verdict_of(summary)),
        (None, None) if kind == "attestation" => format!("{} ", Escaped(predicate_type)),
        (None, None) => String::new(),
    };
    let standing = match &attested.problem {
        Some(problem) => Standing::Bad(format!("verified, and does not count: {problem}")),
        None if attested.counts => Standing::Good("verified, and demanded by the rule".to_owned()),
        None => Standing::Good("verified".to_owned()),
    };
    let build = attested.provenance.as_ref().map(build).unwrap_or_default();
    Node::new(kind, &format!("{about}{}", by(publisher)), standing)
        .detail(shown)
        .detail(&place(source, *signed))
        .with(build)
}
