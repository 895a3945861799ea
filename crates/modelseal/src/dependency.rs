use modelseal_manifest::NameScheme;
use modelseal_policy::{LockedSigner, Outcome, Policy};
use modelseal_predicate::ResourceDescriptor;
use serde_json::{Map, Value, json};

use crate::Admission;

/// What a model was in the making of another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DependencyRole {
    /// It was trained further, merged, or turned into another format.
    BaseModel,
    /// It was trained on.
    DataSet,
}

impl DependencyRole {
    /// The word of the attestation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BaseModel => "base-model",
            Self::DataSet => "data-set",
        }
    }
}

/// A model that `policy` admitted, as what another one was made from: its name and
/// digests, and who signed it, as they were found. None: it was denied.
pub fn dependency(
    role: DependencyRole,
    name: &str,
    admission: &Admission,
    policy: &Policy,
) -> Option<ResourceDescriptor> {
    let verdict = admission.verdict();
    let model = verdict.model.filter(|_| verdict.outcome != Outcome::Deny)?;
    let summary = verdict.summary.iter().map(|summary| &summary.signer);
    let signers = verdict.signatures.iter().map(|counted| &counted.signer).chain(summary);
    let mut annotations = Map::new();
    annotations.insert("signedBy".to_owned(), signers.map(signer).collect());
    if let Some(release) = &verdict.release {
        annotations.insert("release".to_owned(), json!(release.to_string()));
    }
    annotations.insert("policy".to_owned(), json!({ "sha256": policy.fingerprint().to_string() }));
    // A place on this machine means nothing to others.
    let reference =
        Some(&verdict.reference).filter(|reference| reference.name().scheme() != NameScheme::File);
    let roots = verdict.signatures.iter().map(|counted| counted.root).collect();
    Some(ResourceDescriptor::model(role.as_str(), name, reference, (model, &roots), annotations))
}

fn signer(signer: &LockedSigner) -> Value {
    let mut shape = serde_json::to_value(&signer.id).unwrap_or_default();
    shape["publisher"] = json!(signer.publisher);
    shape
}
