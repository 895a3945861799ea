//! The chain of a model that a policy judged.

use modelseal::policy::{
    Attested, Counted, CountedSummary, DependencyVerdict, Outcome, ReasonKind, Severity, Source, Verdict,
};
use modelseal::{Escaped, Timestamp};

use super::trust::verdict_of;
use super::{Node, Standing, build, kind_of, role};

/// What was judged, as deep as it was.
pub(crate) fn of_verdict(verdict: &Verdict, measured: Option<String>) -> Node {
    let mut children = Vec::new();
    if let Some(model) = verdict.model {
        let note = measured.unwrap_or_else(|| "not here; known by what is signed".to_owned());
        children.push(Node::new("files", "", Standing::Good(note)).detail(&model));
    }
    children.extend(verdict.signatures.iter().map(signature));
    children.extend(verdict.summary.iter().map(summary));
    children.extend(verdict.attestations.iter().map(attestation));
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
    Node::new("", &verdict.reference, standing(verdict)).with(children)
}

fn standing(verdict: &Verdict) -> Standing {
    let rule =
        verdict.rule.as_ref().map_or_else(String::new, |rule| format!(" by the rule for {}", rule.scope));
    let worst = verdict.reasons.first().filter(|reason| reason.severity != Severity::Note);
    let why = worst.map(|reason| format!(": {}", reason.kind)).unwrap_or_default();
    let is_softened =
        verdict.reasons.iter().find(|reason| matches!(reason.kind, ReasonKind::Softened { .. }));
    match verdict.outcome {
        Outcome::Allow if is_softened.is_some() => {
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
        .with(attested.dependencies.iter().map(dependency))
}

fn dependency(dependency: &DependencyVerdict) -> Node {
    let kind = role(&dependency.resource);
    match &dependency.judged {
        Ok(verdict) => {
            let node = of_verdict(verdict, None);
            Node { kind, ..node }
        }
        Err(problem) => Node::new(kind, dependency, Standing::Bad(format!("not verified: {problem}"))),
    }
}
