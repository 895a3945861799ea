//! The models and data sets that a model was made from: verified before anything is
//! said of them.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use modelseal::policy::{Reason, ReasonKind, Severity};
use modelseal::{
    Admission, AdmitOptions, Cancel, DependencyRole, Model, Reference, ResourceDescriptor, UntrustedBundle,
};
use serde_json::{Value, json};

use super::args::{NamedModel, ProvenanceArgs};
use super::failure::{Exit, Failure, Task};
use super::output::Terminal;
use super::policy::{read_lock, read_policy};
use super::text::{GOOD, WARN, row, shown};
use super::verdict::{Judged, admit, locked_text};

/// A model that was admitted, and what is recorded of it.
pub(crate) struct Base {
    pub(crate) resource: ResourceDescriptor,
    /// What speaks for it, to be carried along.
    pub(crate) bundles: Vec<UntrustedBundle>,
    role: DependencyRole,
    signers: Vec<String>,
    warnings: Vec<String>,
}

pub(crate) fn bases(
    args: &ProvenanceArgs,
    jobs: NonZeroUsize,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<Vec<Base>, Failure> {
    let base_models = args.base_model.iter().map(|model| (DependencyRole::BaseModel, model));
    let data_sets = args.data_set.iter().map(|model| (DependencyRole::DataSet, model));
    if args.base_policy.is_some() && args.base_model.is_empty() && args.data_set.is_empty() {
        let message = "--base-policy is for --base-model and --data-set, and there are none";
        return Err(Failure::new(Exit::Usage, "usage", message)
            .help("name what the model was made from, --base-model NAME=PATH, or leave --base-policy out"));
    }
    let lock = args.base_lock.as_ref().map(|path| read_lock(path, cancel)).transpose()?;
    let options = AdmitOptions { lock: lock.as_ref(), jobs, ..AdmitOptions::default() };
    base_models
        .chain(data_sets)
        .map(|(role, model)| base(role, model, args, &options, terminal, cancel))
        .collect()
}

fn base(
    role: DependencyRole,
    named: &NamedModel,
    args: &ProvenanceArgs,
    options: &AdmitOptions<'_>,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<Base, Failure> {
    let model = Model::open(&named.path).map_err(|error| Task::Verifying.disk(&error))?;
    let Some(policy_path) = &args.base_policy else {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "--base-model is verified under a policy: name it with --base-policy FILE",
        ));
    };
    let policy = read_policy(policy_path, &args.base_policy_key, &model, cancel)?;
    let reference = reference(named, &model)?;
    let admission = admit(&model, &reference, &policy, options, terminal, cancel)?;
    let Some(resource) = modelseal::dependency(role, &model.name(), &admission, &policy) else {
        return Err(Judged::new(&named.path, policy_path, &policy, admission).denied());
    };
    Ok(Base::of(role, resource, &admission))
}

/// What it is called: by the caller, by the cache of the hub client, or by its
/// place.
fn reference(named: &NamedModel, model: &Model) -> Result<Reference, Failure> {
    if let Some(reference) = &named.name {
        return Ok(reference.clone());
    }
    let place = modelseal::hub_reference(model);
    let name = place.unwrap_or_else(|| format!("file:{}", model.true_path().to_string_lossy()));
    name.parse().map_err(|error: modelseal::ReferenceError| {
        let message = format!("{}: has no name that a policy could have: {error}", shown(&named.path));
        Failure::new(Exit::Usage, "usage", message).help("name it: NAME=PATH, such as hf://acme/base=./base")
    })
}

impl Base {
    fn of(role: DependencyRole, resource: ResourceDescriptor, admission: &Admission) -> Self {
        let verdict = admission.verdict();
        let summary = verdict.summary.iter().map(|summary| &summary.signer);
        let signers = verdict.signatures.iter().map(|counted| &counted.signer).chain(summary);
        // What a mode does not enforce is told as well: it is what others will enforce.
        let is_told = |reason: &&Reason| {
            let is_of_bundle =
                matches!(reason.kind, ReasonKind::NotRecognised { .. } | ReasonKind::NotCounted { .. });
            reason.severity == Severity::Warn || verdict.is_softened() && !is_of_bundle
        };
        let warned = verdict.reasons.iter().filter(is_told);
        Self {
            resource,
            bundles: admission.bundles().iter().map(|(_, bundle)| bundle.clone()).collect(),
            role,
            signers: signers.map(locked_text).collect(),
            warnings: warned.map(|reason| reason.kind.to_string()).collect(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "role": self.role.as_str(),
            "name": self.resource.name(),
            "uri": self.resource.uri(),
            "digest": self.resource.model_digest().map(|digest| digest.to_string()),
            "roots": self.resource.root_digests().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "signed_by": self.signers,
            "warnings": self.warnings,
        })
    }

    pub(crate) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let word = match self.role {
            DependencyRole::BaseModel => "Base model",
            DependencyRole::DataSet => "Data set",
        };
        let name = self.resource.uri().or(self.resource.name()).unwrap_or_default();
        row(out, GOOD, word, modelseal::Escaped(name))?;
        if let Some(digest) = self.resource.model_digest() {
            writeln!(out, "            {digest}")?;
        }
        for signer in &self.signers {
            writeln!(out, "            signed by {signer}")?;
        }
        if self.resource.uri().is_none() {
            row(out, WARN, "Note", "it has no name that others could verify it by: name it with NAME=PATH")?;
        }
        for warning in &self.warnings {
            row(out, WARN, "Warning", warning)?;
        }
        Ok(())
    }
}
