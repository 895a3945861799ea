use std::collections::{BTreeMap, BTreeSet};

use modelseal_manifest::{ModelDigest, NameScheme, Reference, RootDigest};
use serde_json::{Map, Value};

use crate::PredicateError;
use crate::field::Fields;
use crate::provenance::as_uri_part;
use crate::subject::{MODEL_DIGEST, SHA256};

/// How names of models begin, in whatever case: what looks like one and is none must
/// not pass for something else.
const NAMES: [&str; 3] = ["hf:", "oci:", "pkg:huggingface/"];
/// The parts that modelseal writes.
const ROLES: [&str; 2] = ["base-model", "data-set"];
/// The annotation that says what part a resource played.
const ROLE: &str = "role";
/// The annotation with the root digests that have no room in the digest set.
const ROOTS: &str = "roots";

/// Something that a build took, or made: in-toto's resource descriptor.
///
/// What is not read of it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDescriptor {
    json: Map<String, Value>,
    digest: BTreeMap<String, String>,
}

impl ResourceDescriptor {
    /// A model, or a data set, that somebody verified: what it is called, its identity,
    /// the root digests of its signatures, and what was found out about it.
    pub fn model(
        role: &str,
        name: &str,
        reference: Option<&Reference>,
        (model, roots): (ModelDigest, &BTreeSet<RootDigest>),
        mut annotations: Map<String, Value>,
    ) -> Self {
        let mut roots = roots.iter().map(|root| root.as_sha256().to_string());
        let mut digest = BTreeMap::from([(MODEL_DIGEST.to_owned(), model.as_sha256().to_string())]);
        digest.extend(roots.next().map(|root| (SHA256.to_owned(), root)));
        let others: Vec<Value> = roots.map(Value::from).collect();
        if !others.is_empty() {
            annotations.insert(ROOTS.to_owned(), Value::from(others));
        }
        annotations.insert(ROLE.to_owned(), Value::from(role));
        let mut json = Map::from_iter([("name".to_owned(), Value::from(name))]);
        json.extend(reference.map(|reference| ("uri".to_owned(), Value::from(reference_uri(reference)))));
        json.insert("digest".to_owned(), digest.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
        json.insert("annotations".to_owned(), Value::Object(annotations));
        Self { json, digest }
    }

    pub(crate) fn read(fields: &Fields<'_>) -> Result<Self, PredicateError> {
        let mut digest = BTreeMap::new();
        if let Some(digests) = fields.object("digest")? {
            for algorithm in digests.map().keys() {
                digest.extend(digests.text(algorithm)?.map(|hex| (algorithm.clone(), hex.to_owned())));
            }
        }
        fields.text("name")?;
        fields.text("uri")?;
        Ok(Self { json: fields.map().clone(), digest })
    }

    /// The whole descriptor.
    pub fn json(&self) -> &Map<String, Value> {
        &self.json
    }

    /// What it is called, for people.
    pub fn name(&self) -> Option<&str> {
        self.json.get("name").and_then(Value::as_str)
    }

    /// Where it is from.
    pub fn uri(&self) -> Option<&str> {
        self.json.get("uri").and_then(Value::as_str)
    }

    /// What part it played, as modelseal writes it: `base-model`, `data-set`.
    pub fn role(&self) -> Option<&str> {
        self.json.get("annotations")?.get(ROLE)?.as_str()
    }

    /// The digest of this algorithm.
    pub fn digest(&self, algorithm: &str) -> Option<&str> {
        self.digest.get(algorithm).map(String::as_str)
    }

    /// Which model it is, where it has the identity of one.
    pub fn model_digest(&self) -> Option<ModelDigest> {
        format!("{MODEL_DIGEST}:{}", self.digest(MODEL_DIGEST)?).parse().ok()
    }

    /// The root digests of the statements by which it was verified: its SHA-256, and
    /// those of the annotation `roots`, since there may be several and a digest set has
    /// one of a kind.
    pub fn root_digests(&self) -> BTreeSet<RootDigest> {
        let roots = self.json.get("annotations").and_then(|annotations| annotations.get(ROOTS)?.as_array());
        let others = roots.into_iter().flatten().filter_map(Value::as_str);
        let digests = self.digest(SHA256).into_iter().chain(others);
        digests.filter_map(|hex| Some(RootDigest::from_sha256(hex.parse().ok()?))).collect()
    }

    /// The name of a model of the hub or of a registry: a reference, or a
    /// package URL of the hub.
    pub fn reference(&self) -> Option<Reference> {
        let uri = self.uri()?;
        let of_hub = uri.strip_prefix("pkg:huggingface/").map(|path| format!("hf://{path}"));
        let reference: Reference = of_hub.as_deref().unwrap_or(uri).parse().ok()?;
        // Names of files mean something on one machine.
        (reference.name().scheme() != NameScheme::File).then_some(reference)
    }

    /// Whether it is a model by any sign: a digest of one, a part that only models
    /// play, or a name, be it one that is none here.
    pub fn is_model(&self) -> bool {
        let is_like_a_name = |uri: &str| {
            let begins =
                |prefix: &&str| uri.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix));
            NAMES.iter().any(begins)
        };
        self.digest.contains_key(MODEL_DIGEST)
            || self.role().is_some_and(|role| ROLES.contains(&role))
            || self.uri().is_some_and(is_like_a_name)
            || self.reference().is_some()
    }
}

/// A reference as a URI: what stands where others have a host is written small, as
/// case makes no difference there.
pub fn reference_uri(reference: &Reference) -> String {
    let text = reference.to_string();
    match (reference.name().scheme(), text.strip_prefix(NameScheme::Hub.prefix())) {
        (NameScheme::Hub, Some(path)) => {
            let (organisation, rest) = path.split_once('/').unwrap_or((path, ""));
            format!("{}{}/{rest}", NameScheme::Hub.prefix(), organisation.to_ascii_lowercase())
        }
        _ => as_uri_part(&text),
    }
}
