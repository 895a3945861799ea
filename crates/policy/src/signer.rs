use std::collections::BTreeMap;

use modelseal_predicate::{Fingerprint, SignerId};
use modelseal_verify::{Certificate, Claim, Identity, Signer};

/// What a policy asks about a signer that was verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignerFacts {
    pub(crate) id: SignerId,
    /// The key that signs for years; short-lived ones say nothing.
    pub(crate) key: Option<Fingerprint>,
    /// Every certificate of the path.
    pub(crate) certificates: Vec<Fingerprint>,
    pub(crate) identity: Option<IdentityFacts>,
    pub(crate) shown: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct IdentityFacts {
    pub(crate) identity: Identity,
    pub(crate) issuer: String,
    pub(crate) claims: BTreeMap<Claim, String>,
}

impl SignerFacts {
    /// Who it is from one release to the next.
    pub fn id(&self) -> &SignerId {
        &self.id
    }

    /// What a certificate says of the build.
    pub fn claim(&self, claim: Claim) -> Option<&str> {
        self.identity.as_ref()?.claims.get(&claim).map(String::as_str)
    }

    /// For people.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

impl From<&Signer> for SignerFacts {
    fn from(signer: &Signer) -> Self {
        let shown = signer.to_string();
        let of = |certificate: &Certificate| Fingerprint(certificate.fingerprint());
        match signer {
            Signer::Certificate(signer) => {
                let leaf = signer.leaf();
                let root = of(signer.issuers().last().unwrap_or(leaf));
                Self {
                    id: SignerId::Certificate { root, subject: leaf.subject() },
                    key: leaf.public_key().ok().map(|key| Fingerprint(key.fingerprint())),
                    certificates: std::iter::once(leaf).chain(signer.issuers()).map(of).collect(),
                    identity: None,
                    shown,
                }
            }
            Signer::Sigstore(signer) => {
                let claims = signer.claims().iter().map(|(claim, value)| (claim, value.to_owned())).collect();
                let identity = IdentityFacts {
                    identity: signer.identity().clone(),
                    issuer: signer.issuer().to_owned(),
                    claims,
                };
                Self {
                    id: identity.id(),
                    key: None,
                    certificates: vec![of(signer.certificate())],
                    identity: Some(identity),
                    shown,
                }
            }
            Signer::Key { fingerprint, .. } => Self::of_key(Fingerprint(*fingerprint), shown),
            // A kind of signer that is not known here is nobody that a policy could name.
            other => Self {
                id: SignerId::Identity { issuer: String::new(), identity: other.to_string() },
                key: None,
                certificates: vec![],
                identity: None,
                shown,
            },
        }
    }
}

impl SignerFacts {
    pub(crate) fn of_key(key: Fingerprint, shown: String) -> Self {
        Self { id: SignerId::Key { key }, key: Some(key), certificates: vec![], identity: None, shown }
    }
}

impl IdentityFacts {
    /// The numbers of repository and owner where there are any: the workflow's
    /// name holds a ref, and names are registered anew.
    fn id(&self) -> SignerId {
        let claim = |claim| self.claims.get(&claim).cloned();
        let (owner_id, repository_id) = (claim(Claim::SourceOwnerId), claim(Claim::SourceRepositoryId));
        let issuer = self.issuer.clone();
        if owner_id.is_none() && repository_id.is_none() {
            return SignerId::Identity { issuer, identity: self.identity.as_str().to_owned() };
        }
        SignerId::Workflow { issuer, owner_id, repository_id }
    }
}
