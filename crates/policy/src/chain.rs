//! Who says what, in the bundles beside a model: of the model itself, and of
//! those that it was made from.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use modelseal_bundle::{UntrustedBundle, legacy};
use modelseal_manifest::{
    ContentDigest, HashType, Method, ModelDigest, Reference, Resource, RootDigest, Sha256Digest,
};
use modelseal_predicate::{Provenance, ResourceDescriptor};
use modelseal_verify::{VerifiedEnvelope, VerifiedStatement, VerifyError};

use crate::evidence::{Evidence, Said, Source, Unsigned};
use crate::policy::{Policy, Unrecognised};
use crate::publisher::closeness;
use crate::rule::Rule;

/// How many models are judged for one that was made from them.
const MAX_ANCESTORS: usize = 64;

/// Bundles, each verified and read once as one of each publisher's, however many
/// rules ask.
pub struct Recogniser<'a> {
    policy: &'a Policy,
    bundles: &'a [(Source, UntrustedBundle)],
    known: RefCell<HashMap<(usize, usize), Known>>,
    signed: RefCell<HashMap<usize, Option<Signed>>>,
}

type Known = Rc<Result<Rc<Heard>, VerifyError>>;

/// What a verified bundle says.
#[derive(Debug)]
pub enum Heard {
    /// It is the signature of a model.
    Signature(VerifiedStatement),
    /// It says something else.
    Attestation(Arc<Said>),
    /// Nothing that can be read, and why.
    Nothing(String),
}

impl Heard {
    fn of(source: &Source, publisher: usize, envelope: VerifiedEnvelope) -> Self {
        match envelope.clone().into_statement() {
            Ok(statement) => Self::Signature(statement),
            Err(error) => match envelope.into_attestation() {
                Ok(attestation) => {
                    Self::Attestation(Arc::new(Said::of(source.clone(), publisher, &attestation)))
                }
                Err(_) => Self::Nothing(error.to_string()),
            },
        }
    }
}

/// Of which model a signature is.
#[derive(Clone, Copy)]
struct Signed {
    /// Where its manifest tells.
    model: Option<ModelDigest>,
    root: Sha256Digest,
}

impl Signed {
    fn of(payload: &[u8]) -> Option<Self> {
        let statement = legacy::parse_unverified_statement(payload).ok()?;
        let manifest = statement.manifest();
        Some(Self { model: manifest.model_digest(), root: *manifest.root_digest().as_sha256() })
    }
}

/// A model that another was made from: its name, its identity, and the root digests
/// of the statements that were verified when it was used, by the word of whoever
/// used it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ancestor {
    /// What it is called.
    pub reference: Reference,
    /// Which bytes it is.
    pub model: ModelDigest,
    /// The root digests.
    pub roots: BTreeSet<RootDigest>,
}

impl Ancestor {
    /// None for a resource without a name or without a model digest.
    pub(crate) fn of(resource: &ResourceDescriptor) -> Option<Self> {
        Some(Self {
            reference: resource.reference()?,
            model: resource.model_digest()?,
            roots: resource.root_digests(),
        })
    }

    /// A manifest of SHA-256 digests tells which model it is of; of another one
    /// whoever used it does, by its root digest.
    fn is_signed_by(&self, signed: Signed) -> bool {
        match signed.model {
            Some(model) => model == self.model,
            None => self.roots.contains(&RootDigest::from_sha256(signed.root)),
        }
    }
}

impl<'a> Recogniser<'a> {
    /// For bundles of which none stands there twice.
    pub fn new(policy: &'a Policy, bundles: &'a [(Source, UntrustedBundle)]) -> Self {
        Self { policy, bundles, known: RefCell::default(), signed: RefCell::default() }
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
        let (source, bundle) = self.bundles.get(index)?;
        let verified = self.policy.publishers.get(publisher)?.verify(bundle);
        let known = Rc::new(verified.map(|envelope| Rc::new(Heard::of(source, publisher, envelope))));
        self.known.borrow_mut().insert((index, publisher), Rc::clone(&known));
        Some(known)
    }

    /// Of which model the bundle at `index` is a signature, whoever signed it.
    fn signed(&self, index: usize) -> Option<Signed> {
        let payload = || Signed::of(self.bundles.get(index)?.1.envelope().payload());
        *self.signed.borrow_mut().entry(index).or_insert_with(payload)
    }

    /// Adds what the bundles say of the models that this one was made from, by the
    /// word of those who count under `rule`, in statements about this very model.
    pub fn follow(&self, rule: &Rule, evidence: &mut Evidence) {
        let mut chain = Chain::new(self);
        chain.queue(rule, evidence, true);
        while let Some((ancestor, is_asked)) = chain.next() {
            chain.gather(ancestor, is_asked);
        }
        let Chain { found, heard, .. } = chain;
        // What is known to be of one of those is nothing that this model lacks.
        evidence.rejected.retain(|(source, _)| !heard.contains(source));
        evidence.of_dependencies = heard;
        evidence.ancestors = found;
    }
}

/// The models that one was made from, and those before them, each looked at once: those
/// on which a verdict may rest before those that are only told of, and of each the
/// nearest first. So nobody has those crowded out that somebody nearer named.
struct Chain<'a> {
    recogniser: &'a Recogniser<'a>,
    asked: VecDeque<Ancestor>,
    told: VecDeque<Ancestor>,
    found: BTreeMap<Ancestor, Evidence>,
    heard: BTreeSet<Source>,
}

impl<'a> Chain<'a> {
    fn new(recogniser: &'a Recogniser<'a>) -> Self {
        let (asked, told) = (VecDeque::new(), VecDeque::new());
        Self { recogniser, asked, told, found: BTreeMap::new(), heard: BTreeSet::new() }
    }

    /// The next to be looked at, and whether a verdict may rest on it.
    fn next(&mut self) -> Option<(Ancestor, bool)> {
        if self.found.len() == MAX_ANCESTORS {
            return None;
        }
        let asked = self.asked.pop_front().map(|ancestor| (ancestor, true));
        asked.or_else(|| self.told.pop_front().map(|ancestor| (ancestor, false)))
    }

    fn gather(&mut self, ancestor: Ancestor, is_asked: bool) {
        if self.found.contains_key(&ancestor) {
            return;
        }
        let Some(rule) = self.rule(&ancestor) else { return };
        let evidence = self.evidence_of(rule, &ancestor);
        self.queue(rule, &evidence, is_asked);
        self.found.insert(ancestor, evidence);
    }

    fn rule(&self, ancestor: &Ancestor) -> Option<&'a Rule> {
        let policy = self.recogniser.policy;
        policy.rule(policy.judged_as(&ancestor.reference).name())
    }

    /// Remembers which models provenance of this model names. Statements that name
    /// fewer come first, so that one that names many takes no room from them; one that
    /// names more than are looked at is never met.
    fn queue(&mut self, rule: &Rule, evidence: &Evidence, is_asked: bool) {
        let named = evidence.built(rule).filter_map(|(said, provenance)| {
            Some((is_asked && rule.asks_bases_by(said), named(provenance)?))
        });
        let mut named: Vec<(bool, BTreeSet<Ancestor>)> = named.collect();
        named.sort_by(|(_, a), (_, b)| (a.len(), a).cmp(&(b.len(), b)));
        for (is_asked, named) in named {
            for ancestor in named {
                let has_rule = self.rule(&ancestor).is_some();
                let queue = if is_asked { &mut self.asked } else { &mut self.told };
                if has_rule && queue.len() < MAX_ANCESTORS && !queue.contains(&ancestor) {
                    queue.push_back(ancestor);
                }
            }
        }
    }

    /// What is said of one model of which no file is here.
    fn evidence_of(&mut self, rule: &Rule, ancestor: &Ancestor) -> Evidence {
        let recogniser = self.recogniser;
        let mut evidence = Evidence::default();
        evidence.contents.model = Some(ancestor.model);
        evidence.contents.unhashed = vec![ancestor.model.to_string()];
        for (index, (source, _)) in recogniser.bundles.iter().enumerate() {
            let is_of_it = recogniser.signed(index).is_some_and(|signed| ancestor.is_signed_by(signed));
            match recogniser.recognise(rule, index) {
                Ok(heard) => {
                    for (publisher, heard) in heard {
                        if add(&mut evidence, rule, source, publisher, &heard, ancestor, is_of_it) {
                            self.heard.insert(source.clone());
                        }
                    }
                }
                Err(unrecognised) if is_of_it => evidence.add_stranger(source.clone(), &unrecognised),
                Err(_) => {}
            }
        }
        evidence
    }
}

/// The models that it was made from. None for more than are looked at.
fn named(provenance: &Provenance) -> Option<BTreeSet<Ancestor>> {
    let mut named = BTreeSet::new();
    for ancestor in provenance.models().filter_map(Ancestor::of) {
        named.insert(ancestor);
        if named.len() > MAX_ANCESTORS {
            return None;
        }
    }
    Some(named)
}

/// Whether it is said of this model.
fn add(
    evidence: &mut Evidence,
    rule: &Rule,
    source: &Source,
    publisher: usize,
    heard: &Heard,
    ancestor: &Ancestor,
    is_signature_of_it: bool,
) -> bool {
    match heard {
        Heard::Signature(statement) => {
            if !is_signature_of_it || !rule.is_signed_by(publisher) {
                return false;
            }
            let files = files(statement);
            if !files.is_empty() {
                evidence.contents.files = files;
                evidence.contents.unhashed.clear();
            }
            let (source, nothing) = (source.clone(), Unsigned::default());
            evidence.add_signature_of(source, publisher, statement, ancestor.model, nothing);
            true
        }
        Heard::Attestation(said) => {
            evidence.add_attestation(said);
            let roots: Vec<RootDigest> = ancestor.roots.iter().copied().collect();
            said.subjects.include(ancestor.model, &roots)
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
