//! The chain of a model that was verified under one signer.

use modelseal::policy::Source;
use modelseal::{
    Attestation, Bundles, Escaped, ProvedTime, Provenance, ResourceDescriptor, Subjects, Trust,
    UntrustedBundle, VerificationSummary, VerifiedModel, VerifyError, verify_envelope,
};

use super::{Node, Standing, build, kind_of, role};
use crate::cli::text::count;

/// The model and its signature, which were verified, and what else lies beside it,
/// verified as of the same signer or not at all.
pub(crate) fn of_trust(name: &str, verified: &VerifiedModel, beside: &Bundles, trust: &Trust) -> Node {
    let statement = verified.statement();
    let digest = verified.model_digest().map_or_else(
        || format!("with the root {}", statement.manifest().root_digest()),
        |digest| digest.to_string(),
    );
    let files = statement.manifest().files().len();
    let hashed =
        Standing::Good(format!("verified, {}", count(files, "file hashed here", "files hashed here")));
    let model = Node::new("files", "", hashed).detail(&digest);
    let signature = Node::new("signature", "", verified_at(statement.times())).detail(statement.signer());
    let own = statement.payload();
    let others = beside.bundles.iter().filter(|(_, bundle)| bundle.envelope().payload() != own);
    let others = others.map(|(source, bundle)| other(source, bundle, trust, verified));
    let unreadable = beside.unreadable.iter().map(|(source, problem)| {
        Node::new("bundle", "", Standing::Doubtful(format!("not verified: {problem}"))).detail(source)
    });
    let children = [model, signature].into_iter().chain(others).chain(unreadable);
    Node::new("", name, Standing::Good("verified".to_owned())).with(children)
}

/// Another bundle beside the model, as one of the same signer.
fn other(source: &Source, bundle: &UntrustedBundle, trust: &Trust, model: &VerifiedModel) -> Node {
    let envelope = match verify_envelope(bundle, trust) {
        Ok(envelope) => envelope,
        Err(error) => {
            let note = format!("not verified: {}", shortly(&error));
            return Node::new("bundle", "", Standing::Doubtful(note)).detail(source);
        }
    };
    if let Ok(attested) = envelope.clone().into_attestation() {
        let root = model.statement().manifest().root_digest();
        let is_about = model
            .model_digest()
            .is_some_and(|digest| Subjects::of(attested.attestation()).include(digest, &[root]));
        let standing = if is_about {
            verified_at(attested.times())
        } else {
            Standing::Doubtful("verified, and about something else than this model".to_owned())
        };
        return attestation(attested.attestation(), standing)
            .with_details([attested.signer().to_string(), source.to_string()]);
    }
    match envelope.into_statement() {
        Ok(statement) => {
            let note = "verified, and not the signature that the files were compared with".to_owned();
            Node::new("signature", "", Standing::Doubtful(note)).detail(statement.signer()).detail(source)
        }
        Err(error) => Node::new("bundle", "", Standing::Bad(format!("not verified: {error}"))).detail(source),
    }
}

/// Many lines are of others, which is no news.
fn shortly(error: &VerifyError) -> String {
    match error {
        VerifyError::WrongKey { .. } => "another key signed it".to_owned(),
        VerifyError::Method { found, .. } => format!("it is signed by the method \"{found}\""),
        error => error.to_string(),
    }
}

fn verified_at(times: &[ProvedTime]) -> Standing {
    Standing::Good(match times.first() {
        Some(time) => format!("verified, signed at {time}"),
        None => "verified; nothing proves when it was signed".to_owned(),
    })
}

fn attestation(attestation: &Attestation, standing: Standing) -> Node {
    let kind = kind_of(attestation.predicate_type());
    let text = match kind {
        "attestation" => Escaped(attestation.predicate_type()).to_string(),
        _ => VerificationSummary::of(attestation).map_or(String::new(), |summary| verdict_of(&summary)),
    };
    let node = Node::new(kind, &text, standing);
    let Ok(provenance) = Provenance::of(attestation) else { return node };
    let dependencies = provenance.models().map(|resource| {
        let note = "not judged: a policy says who may publish it (--policy)".to_owned();
        Node::new(role(resource), &named(resource), Standing::Doubtful(note))
    });
    node.with(build(&provenance)).with(dependencies)
}

/// What a summary says.
pub(super) fn verdict_of(summary: &VerificationSummary) -> String {
    let result = if summary.has_passed { "PASSED" } else { "FAILED" };
    format!("{result} for {} of {}", Escaped(&summary.resource), Escaped(&summary.verifier))
}

/// What provenance calls a model.
pub(super) fn named(resource: &ResourceDescriptor) -> String {
    let name = resource.uri().or(resource.name()).unwrap_or("a model without a name");
    let digest = resource.model_digest().map(|digest| format!(" ({digest})")).unwrap_or_default();
    format!("{}{digest}", Escaped(name))
}
