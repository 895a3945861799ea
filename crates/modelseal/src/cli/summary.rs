//! A verdict as a SLSA verification summary, signed.

use std::collections::BTreeSet;
use std::path::Path;

use modelseal::policy::{Outcome, Policy, Verdict};
use modelseal::{
    Admission, Cancel, Clock, Escaped, Model, Sha256Digest, SummaryPolicy, Timestamp, VerificationSummary,
    build_level, model_subject, reference_uri,
};
use modelseal_disk::Overwrite;
use serde_json::{Value, json};

use super::args::VerifyArgs;
use super::destination::Destination;
use super::failure::{Exit, Failure, Named, Task};
use super::keyless::Publishes;
use super::output::Terminal;
use super::shapes::method;
use super::signer::{self, Chosen, SignerFacts};
use super::text::shown;

/// What FAILED is called among the levels.
const FAILED: &str = "FAILED";

/// A summary that is to be written once there is a verdict.
pub(crate) struct Planned {
    place: Destination,
    chosen: Chosen,
    verifier: String,
    policy: SummaryPolicy,
}

/// What became of a summary.
#[derive(Debug)]
pub(crate) struct Emitted {
    text: String,
    shape: Value,
}

/// Finds out who signs, and where it goes, before an hour of hashing.
pub(crate) fn plan(
    args: &VerifyArgs,
    model: &Model,
    policy: &Policy,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<Option<Planned>, Failure> {
    args.check_signer_options()?;
    let signer = args.summary.signer(&args.trust)?;
    let (Some(signer), Some(path), Some(verifier)) =
        (signer, &args.summary.emit_vsa, &args.summary.verifier_id)
    else {
        return Ok(None);
    };
    let place = destination(path, &args.model, model)?;
    let digest = policy.fingerprint();
    let uri = args.summary.policy_uri.clone();
    Ok(Some(Planned {
        place,
        chosen: signer::choose(&signer, Publishes::Signature, terminal, cancel)?,
        verifier: verifier.clone(),
        policy: SummaryPolicy {
            uri: uri.unwrap_or_else(|| format!("urn:modelseal:policy:sha256:{digest}")),
            sha256: Some(digest),
        },
    }))
}

fn destination(path: &Path, name: &Path, model: &Model) -> Result<Destination, Failure> {
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        return Destination::claims(path, name, model);
    }
    let help = "remove it, or name another file: a summary is of one verdict";
    Destination::file("--emit-vsa", path, model, Overwrite::Refuse, help)
}

impl Planned {
    /// Signs what the verdict is. A model of which nobody knows which bytes make it
    /// has none.
    pub(crate) fn emit(self, model: &Model, admission: &Admission) -> Result<Emitted, Failure> {
        let verdict = admission.verdict();
        let Some(digest) = verdict.model else {
            return Ok(Emitted::not_written("nothing says which bytes make the model"));
        };
        let has_passed = has_passed(verdict);
        let levels =
            if has_passed { vec![build_level(verdict.build_level)] } else { vec![FAILED.to_owned()] };
        let inputs = admission.bundles().iter();
        let summary = VerificationSummary {
            verifier: self.verifier,
            verified: Some(verified(verdict)),
            resource: reference_uri(&verdict.judged_as),
            policy: self.policy,
            has_passed,
            levels,
            inputs: inputs
                .map(|(source, bundle)| (source.to_string(), Sha256Digest::of(bundle.envelope().payload())))
                .collect(),
        };
        let subject = match verdict.root {
            Some(root) => model_subject(model.name(), digest, root),
            None => modelseal::bare_model_subject(model.name(), digest),
        };
        let attestation = summary
            .attest(subject, env!("CARGO_PKG_VERSION"))
            .map_err(|error| Failure::new(Exit::Usage, "predicate", error.to_string()))?;
        let Chosen { signer, facts } = self.chosen;
        let named = Named { model: model.path(), bundle: model.path(), is_strict: false };
        let signed = modelseal::attest(&attestation, &*signer)
            .map_err(|error| Task::Signing.failure(error, &named))?;
        let written = self.place.write(&signed.bundle).map_err(|failure| match facts {
            SignerFacts::Identity => failure.help("what was published stays published; verify again"),
            _ => failure,
        })?;
        let path = written.path().unwrap_or(Path::new("-"));
        let shape = json!({
            "path": path.to_string_lossy(),
            "result": result(has_passed),
            "verifier": summary.verifier,
            "levels": summary.levels,
            "method": method(signed.verified.signer()),
            "signer": signed.verified.signer().to_string(),
        });
        let text = text(path, has_passed, &summary.levels);
        Ok(Emitted { text, shape })
    }
}

/// The verdicts that this one rests on, itself first: on the models that it is demanded to be
/// made from, and those that these are.
fn rests_on(verdict: &Verdict) -> Vec<&Verdict> {
    let (mut found, mut seen, mut next) = (vec![verdict], BTreeSet::new(), 0);
    while let Some(one) = found.get(next) {
        let demanded = one.attestations.iter().filter(|attested| attested.counts_with_dependencies);
        let ancestors = demanded.flat_map(|attested| &attested.dependencies);
        let ancestors = ancestors.filter_map(|dependency| dependency.ancestor.as_ref());
        let new: Vec<_> = ancestors.filter(|ancestor| seen.insert(*ancestor)).collect();
        found.extend(
            new.into_iter().filter_map(|ancestor| verdict.ancestors.get(ancestor)).map(AsRef::as_ref),
        );
        next += 1;
    }
    found
}

/// A denial that a mode does not enforce is one all the same: whoever relies on the
/// summary has no such mode.
fn has_passed(verdict: &Verdict) -> bool {
    rests_on(verdict).iter().all(|one| one.outcome != Outcome::Deny && !one.is_softened())
}

/// A verdict that rests on summaries of others is no younger than those.
fn verified(verdict: &Verdict) -> Timestamp {
    let others = rests_on(verdict).into_iter().filter_map(|one| one.summary.as_ref()?.verified);
    others.chain([Clock::system().now()]).min().unwrap_or_default()
}

const fn result(has_passed: bool) -> &'static str {
    if has_passed { "PASSED" } else { FAILED }
}

fn text(path: &Path, has_passed: bool, levels: &[String]) -> String {
    let levels: Vec<String> = levels.iter().map(|level| Escaped(level).to_string()).collect();
    let levels = if has_passed { format!(", {}", levels.join(", ")) } else { String::new() };
    format!("{}{levels}, in {}", result(has_passed), shown(path))
}

impl Emitted {
    pub(crate) fn not_written(why: &str) -> Self {
        Self { text: format!("not written: {why}"), shape: Value::Null }
    }

    pub(crate) fn json(&self) -> Value {
        self.shape.clone()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}
