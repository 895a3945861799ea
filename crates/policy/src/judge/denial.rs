//! Which of the models before a model are denied, so that nothing takes it back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use modelseal_manifest::{Escaped, ModelDigest};
use modelseal_predicate::{Provenance, ResourceDescriptor};

use super::absolute::denied_files;
use crate::chain::Ancestor;
use crate::evidence::Evidence;
use crate::policy::Policy;
use crate::reason::ReasonKind;

/// A model that is denied, or of which nobody can tell whether it is.
#[derive(Clone, Debug)]
pub(super) struct Denial {
    of: String,
    why: String,
}

impl Denial {
    /// Why a model that was made from `dependency` is denied.
    pub(super) fn by_way_of(self, dependency: &str) -> String {
        let Self { of, why } = self;
        if of == dependency { why } else { format!("it was made from {of}, and {why}") }
    }
}

/// The denials among the models before one. They rest on no verdict: neither an order, nor a
/// lock that is not there, nor what a rule softens plays a part. Whatever is said, by those
/// whom a rule asks for it, to have been made from something denied, is denied too; whether
/// another word of theirs suffices is for the verdict.
pub(super) struct Denials<'a> {
    policy: &'a Policy,
    ancestors: &'a BTreeMap<Ancestor, Evidence>,
    denied: BTreeMap<&'a Ancestor, Denial>,
}

/// What one was made from.
#[derive(Default)]
struct Named<'a> {
    ancestors: BTreeSet<&'a Ancestor>,
    /// The denial of what was not looked at.
    other: Option<Denial>,
}

impl<'a> Denials<'a> {
    pub(super) fn among(policy: &'a Policy, ancestors: &'a BTreeMap<Ancestor, Evidence>) -> Self {
        let own = |(ancestor, evidence)| Some((ancestor, own_denial(policy, ancestor, evidence)?));
        let mut denials = Self { policy, ancestors, denied: ancestors.iter().filter_map(own).collect() };
        let named: Vec<(&Ancestor, Named<'_>)> = ancestors
            .iter()
            .map(|(ancestor, evidence)| (ancestor, denials.named(ancestor, evidence)))
            .collect();
        loop {
            let unknown = named.iter().filter(|(ancestor, _)| !denials.denied.contains_key(ancestor));
            let more = unknown.filter_map(|(ancestor, named)| {
                let of_known = named.ancestors.iter().find_map(|base| denials.denied.get(base));
                Some((*ancestor, of_known.or(named.other.as_ref())?.clone()))
            });
            let more: Vec<_> = more.collect();
            if more.is_empty() {
                return denials;
            }
            denials.denied.extend(more);
        }
    }

    /// Why nothing takes back that what provenance names is denied.
    pub(super) fn of(&self, resource: &ResourceDescriptor) -> Option<Denial> {
        match self.known(resource) {
            Some(ancestor) => self.denied.get(ancestor).cloned(),
            None => unseen(self.policy, resource),
        }
    }

    fn known(&self, resource: &ResourceDescriptor) -> Option<&'a Ancestor> {
        let ancestor = Ancestor::of(resource)?;
        self.ancestors.get_key_value(&ancestor).map(|(ancestor, _)| ancestor)
    }

    fn named(&self, ancestor: &Ancestor, evidence: &Evidence) -> Named<'a> {
        let mut named = Named::default();
        let judged_as = self.policy.judged_as(&ancestor.reference);
        let Some(rule) = self.policy.rule(judged_as.name()) else { return named };
        let asked = evidence.built(rule).filter(|(said, _)| {
            rule.asks_bases_by(said) && self.policy.denials.of_signer(&said.by.signer, said.by.time).is_none()
        });
        for resource in asked.flat_map(|(_, provenance)| Provenance::models(provenance)) {
            match self.known(resource) {
                Some(base) => _ = named.ancestors.insert(base),
                None => named.other = named.other.or_else(|| unseen(self.policy, resource)),
            }
        }
        named
    }
}

/// What a deny-list says of a model, or of a file in it.
fn own_denial(policy: &Policy, ancestor: &Ancestor, evidence: &Evidence) -> Option<Denial> {
    let of_model = denied_model(policy, ancestor.model);
    let kind = of_model.or_else(|| denied_files(policy, evidence).into_iter().next())?;
    let of = Shown { name: &ancestor.reference, model: Some(ancestor.model) }.to_string();
    Some(Denial { of, why: kind.to_string() })
}

/// The same of a model that was not looked at. A denial that cannot be evaluated denies: of
/// one that a rule is for, those before it are not known either.
fn unseen(policy: &Policy, resource: &ResourceDescriptor) -> Option<Denial> {
    let model = resource.model_digest();
    let has_rule =
        resource.reference().is_some_and(|name| policy.rule(policy.judged_as(&name).name()).is_some());
    let is_alone = model.is_some() && !has_rule;
    let is_known = !policy.denies_files() && (is_alone || !policy.denials.has_models());
    let why = match model.and_then(|model| denied_model(policy, model)) {
        Some(kind) => kind.to_string(),
        None if is_known => return None,
        None => "models or files are denied by their digests, and nothing tells whether this is one, or was made from one".to_owned(),
    };
    Some(Denial { of: shown(resource), why })
}

fn denied_model(policy: &Policy, model: ModelDigest) -> Option<ReasonKind> {
    let reason = policy.denials.of_model(&model)?.to_owned();
    Some(ReasonKind::DeniedModel { model, reason })
}

/// What a model is called that another was made from, with its digest.
pub(crate) fn shown(resource: &ResourceDescriptor) -> String {
    let model = resource.model_digest();
    match (resource.reference(), resource.name()) {
        (Some(reference), _) => Shown { name: &reference, model }.to_string(),
        (None, name) => Shown { name: &Escaped(name.unwrap_or("a model without a name")), model }.to_string(),
    }
}

struct Shown<'a, T> {
    name: &'a T,
    model: Option<ModelDigest>,
}

impl<T: Display> Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        self.model.map_or(Ok(()), |model| write!(f, " ({model})"))
    }
}
