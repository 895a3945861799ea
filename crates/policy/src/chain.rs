//! Who says what, in the bundles beside a model: of the model itself, and of
//! those that it was made from.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use modelseal_bundle::{Statement, StatementError, UntrustedBundle};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, ModelDigest, Reference, Resource, RootDigest, Sha256Digest,
};
use modelseal_predicate::{Provenance, ResourceDescriptor};
use modelseal_verify::{VerifiedAttestation, VerifiedEnvelope, VerifiedStatement, VerifyError};

use crate::evidence::{Evidence, Said, Source, Unsigned};
use crate::policy::{Policy, Unrecognised};
use crate::publisher::closeness;
use crate::rule::Rule;

/// How many models are judged for one that was made from them.
const MAX_DEPENDENCIES: usize = 64;

/// Bundles, each verified and read once as one of each publisher's, however many
/// rules ask.
pub struct Recogniser<'a> {
    policy: &'a Policy,
    bundles: &'a [(Source, UntrustedBundle)],
    known: RefCell<HashMap<(usize, usize), Known>>,
}

type Known = Rc<Result<Rc<Heard>, VerifyError>>;

/// What a verified bundle says.
#[derive(Debug)]
pub enum Heard {
    /// It is the signature of a model.
    Signature(VerifiedStatement),
    /// It says something else.
    Attestation(VerifiedAttestation),
    /// Nothing that can be read, and why.
    Nothing(String),
}

impl Heard {
    fn of(envelope: VerifiedEnvelope) -> Self {
        let error = match envelope.clone().into_statement() {
            Ok(statement) => return Self::Signature(statement),
            Err(error) => error,
        };
        match (envelope.into_attestation(), error) {
            (Ok(attestation), _) => Self::Attestation(attestation),
            (Err(error), StatementError::PredicateType { .. } | StatementError::StatementType { .. }) => {
                Self::Nothing(error.to_string())
            }
            (Err(_), error) => Self::Nothing(error.to_string()),
        }
    }
}

/// A model that another was made from: under the name by which it is judged, and
/// with the root digest of the statement that was verified when it was used.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Dependency {
    pub(crate) judged_as: Reference,
    pub(crate) model: ModelDigest,
    pub(crate) root: Option<Sha256Digest>,
}

impl Dependency {
    /// None for a resource without a name or without a model digest.
    pub(crate) fn of(resource: &ResourceDescriptor, policy: &Policy) -> Option<Self> {
        Some(Self {
            judged_as: policy.judged_as(&resource.reference()?),
            model: resource.model_digest()?,
            root: resource.root_digest().map(|root| *root.as_sha256()),
        })
    }

    /// A manifest of SHA-256 digests tells which model it is of; of another one
    /// whoever used it does, by its root digest.
    fn is(&self, manifest: &Manifest) -> bool {
        match manifest.model_digest() {
            Some(digest) => digest == self.model,
            None => Some(*manifest.root_digest().as_sha256()) == self.root,
        }
    }
}

impl<'a> Recogniser<'a> {
    /// For bundles of which none stands there twice.
    pub fn new(policy: &'a Policy, bundles: &'a [(Source, UntrustedBundle)]) -> Self {
        Self { policy, bundles, known: RefCell::default() }
    }

    /// Which of those whose word counts under `rule` signed the bundle at
    /// `index`, and what it says. The error is that of the publisher that came
    /// closest.
    ///
    /// # Errors
    /// [`VerifyError`], when it is nobody's.
    pub fn recognise(&self, rule: &Rule, index: usize) -> Result<Vec<(usize, Rc<Heard>)>, Unrecognised> {
        let mut found = Vec::new();
        let mut closest: Option<(u8, usize, Known)> = None;
        for publisher in rule.speakers() {
            let Some(known) = self.verified(index, publisher) else { continue };
            match &*known {
                Ok(heard) => found.push((publisher, Rc::clone(heard))),
                Err(error) => {
                    let near = closeness(error);
                    if closest.as_ref().is_none_or(|(nearest, ..)| *nearest < near) {
                        closest = Some((near, publisher, Rc::clone(&known)));
                    }
                }
            }
        }
        match closest.as_ref().map(|(_, publisher, known)| (publisher, &**known)) {
            Some((publisher, Err(error))) if found.is_empty() => Err(Unrecognised {
                publisher: self.policy.publisher(*publisher).to_owned(),
                error: error.clone(),
            }),
            _ => Ok(found),
        }
    }

    fn verified(&self, index: usize, publisher: usize) -> Option<Known> {
        if let Some(known) = self.known.borrow().get(&(index, publisher)) {
            return Some(Rc::clone(known));
        }
        let (_, bundle) = self.bundles.get(index)?;
        let verified = self.policy.publishers.get(publisher)?.verify(bundle);
        let known = Rc::new(verified.map(|envelope| Rc::new(Heard::of(envelope))));
        self.known.borrow_mut().insert((index, publisher), Rc::clone(&known));
        Some(known)
    }

    /// Adds what the bundles say of the models that this one was made from, by the
    /// word of those who count under `rule`, in statements about this very model.
    pub fn follow(&self, rule: &Rule, evidence: &mut Evidence) {
        let mut chain = Chain { recogniser: self, gathered: HashMap::new(), heard: BTreeSet::new() };
        chain.follow(rule, evidence);
        // What is known to be of one of those is nothing that this model lacks.
        evidence.rejected.retain(|(source, _)| !chain.heard.contains(source));
        evidence.of_dependencies = chain.heard;
    }
}

/// The ancestors of one model, each looked at once.
struct Chain<'a> {
    recogniser: &'a Recogniser<'a>,
    /// Nothing, while it is being gathered: a model that was made from itself is not
    /// followed in circles.
    gathered: HashMap<Dependency, Option<Arc<Evidence>>>,
    heard: BTreeSet<Source>,
}

impl Chain<'_> {
    fn follow(&mut self, rule: &Rule, evidence: &mut Evidence) {
        for dependency in self.named_in(rule, evidence) {
            if let Some(of_it) = self.gather(&dependency) {
                evidence.dependencies.insert(dependency, of_it);
            }
        }
    }

    fn gather(&mut self, dependency: &Dependency) -> Option<Arc<Evidence>> {
        if let Some(known) = self.gathered.get(dependency) {
            return known.clone();
        }
        let rule = self.recogniser.policy.rule(dependency.judged_as.name())?;
        if self.gathered.len() == MAX_DEPENDENCIES {
            return None;
        }
        self.gathered.insert(dependency.clone(), None);
        let mut of_it = self.evidence_of(rule, dependency);
        self.follow(rule, &mut of_it);
        let of_it = Arc::new(of_it);
        self.gathered.insert(dependency.clone(), Some(Arc::clone(&of_it)));
        Some(of_it)
    }

    /// The models that provenance of this model names. Statements that name fewer
    /// come first, so that one that names many takes no room from them.
    fn named_in(&self, rule: &Rule, evidence: &Evidence) -> Vec<Dependency> {
        let speakers = rule.speakers();
        let (models, roots) = evidence.models_and_roots(rule);
        let counts = |said: &&Said| {
            speakers.contains(&said.publisher)
                && models.iter().any(|model| said.subjects.include(*model, &roots))
        };
        let statements = evidence.said.iter().filter(counts).filter_map(Said::provenance);
        let mut named: Vec<BTreeSet<Dependency>> =
            statements.map(|provenance| dependencies(provenance, self.recogniser.policy)).collect();
        named.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        let mut seen = BTreeSet::new();
        named.into_iter().flatten().filter(|dependency| seen.insert(dependency.clone())).collect()
    }

    /// What is said of one model of which no file is here.
    fn evidence_of(&mut self, rule: &Rule, dependency: &Dependency) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.contents.model = Some(dependency.model);
        evidence.contents.unhashed = vec![dependency.model.to_string()];
        for (index, (source, bundle)) in self.recogniser.bundles.iter().enumerate() {
            match self.recogniser.recognise(rule, index) {
                Ok(heard) => {
                    for (publisher, heard) in heard {
                        if add(&mut evidence, rule, source, publisher, &heard, dependency) {
                            self.heard.insert(source.clone());
                        }
                    }
                }
                Err(unrecognised) => {
                    let claimed = Statement::parse(bundle.envelope().payload());
                    if claimed.is_ok_and(|statement| dependency.is(statement.manifest())) {
                        evidence.add_stranger(source.clone(), &unrecognised);
                    }
                }
            }
        }
        evidence
    }
}

fn dependencies(provenance: &Provenance, policy: &Policy) -> BTreeSet<Dependency> {
    provenance.models().filter_map(|resource| Dependency::of(resource, policy)).collect()
}

/// Whether it is said of this model.
fn add(
    evidence: &mut Evidence,
    rule: &Rule,
    source: &Source,
    publisher: usize,
    heard: &Heard,
    dependency: &Dependency,
) -> bool {
    match heard {
        Heard::Signature(statement) => {
            let is_of_it = rule.is_signed_by(publisher) && dependency.is(statement.manifest());
            if is_of_it {
                let files = files(statement);
                if !files.is_empty() {
                    evidence.contents.files = files;
                    evidence.contents.unhashed.clear();
                }
                let (source, nothing) = (source.clone(), Unsigned::default());
                evidence.add_signature_of(source, publisher, statement, dependency.model, nothing);
            }
            is_of_it
        }
        Heard::Attestation(attestation) => {
            evidence.add_attestation(source.clone(), publisher, attestation);
            let root = dependency.root.map(RootDigest::from_sha256);
            let about = evidence.said.last().map(|said| &said.subjects);
            about.is_some_and(|subjects| subjects.include(dependency.model, root.as_slice()))
        }
        Heard::Nothing(_) => false,
    }
}

/// The digests of its files, where the statement tells them.
fn files(statement: &VerifiedStatement) -> Vec<(String, Sha256Digest)> {
    let manifest = statement.manifest();
    let serialization = manifest.serialization();
    if serialization.hash_type != HashType::Sha256 || serialization.method != Method::Files {
        return vec![];
    }
    let digest = |resource: &Resource| match resource.digest {
        ContentDigest::Sha256(digest) => Some((resource.name.path.to_string(), digest)),
        _ => None,
    };
    manifest.resources().iter().filter_map(digest).collect()
}
