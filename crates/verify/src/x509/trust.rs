use super::path::{MAX_INTERMEDIATES, Path, Search, check_validity};
use super::profile::{self, Purpose};
use super::{Certificate, CertificateError, CertificateRevocationList, SubjectPattern};
use crate::{Caveat, Clock, JudgedAt, ProvedTime, PublicKey};

/// Which certificates are believed.
///
/// Anchors are what the caller gives, never what the system or the bundle has.
/// An anchor may be a root, an intermediate, or the signing certificate itself.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use modelseal_verify::{Certificate, CertificateTrust, Clock, Trust};
///
/// # let pem = include_bytes!("../../../../testdata/certificates/root.pem");
/// let roots = Certificate::all_from_pem(pem)?;
/// let publisher = "CN=Model Release,O=Acme".parse()?;
/// let trust = CertificateTrust::anchors(roots, Clock::system()).and_subject(publisher);
/// let trust = Trust::certificate(trust);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CertificateTrust {
    anchors: Vec<Certificate>,
    leaf: Option<Certificate>,
    subject: Option<SubjectPattern>,
    crls: Vec<CertificateRevocationList>,
    clock: Clock,
}

impl CertificateTrust {
    /// Believes certificates under one of these anchors.
    pub fn anchors(anchors: Vec<Certificate>, clock: Clock) -> Self {
        Self { anchors, leaf: None, subject: None, crls: vec![], clock }
    }

    /// Believes this one signing certificate, whoever issued it.
    pub fn leaf(leaf: Certificate, clock: Clock) -> Self {
        Self { anchors: vec![], leaf: Some(leaf), subject: None, crls: vec![], clock }
    }

    /// Asks, beside the anchors, for this very signing certificate.
    #[must_use]
    pub fn and_leaf(self, leaf: Certificate) -> Self {
        Self { leaf: Some(leaf), ..self }
    }

    /// Asks for a subject of the signing certificate.
    #[must_use]
    pub fn and_subject(self, subject: SubjectPattern) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// Honours revocation lists: what any of them names is revoked. Where none
    /// speaks of a certificate, it is not known whether it was revoked, and the
    /// verdict says so.
    #[must_use]
    pub fn and_crls(mut self, mut crls: Vec<CertificateRevocationList>) -> Self {
        // Of several lists of one issuer the library takes the first.
        crls.sort_by_key(|crl| std::cmp::Reverse(crl.this_update()));
        self.crls = crls;
        self
    }

    /// Whose certificate the leaf of `chain` is, if it is believed now. `chain`
    /// is DER, the leaf first, the rest in any order. Nothing was signed here.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn certify(&self, chain: &[Vec<u8>]) -> Result<CertifiedSigner, CertificateError> {
        self.judge(chain, &[]).map(|(signer, _, _)| signer)
    }

    /// Believes the leaf of `chain` or does not; says with which key it signs.
    /// All has to hold at every time that is proved: one that was dated back
    /// would otherwise speak for a certificate that had expired.
    pub(crate) fn judge(
        &self,
        chain: &[Vec<u8>],
        proved: &[ProvedTime],
    ) -> Result<(CertifiedSigner, PublicKey, Vec<Caveat>), CertificateError> {
        let (leaf, key) = Self::leaf_of(chain)?;
        let intermediates = chain.iter().enumerate().skip(1).map(|(index, der)| read(index, der));
        let chain = intermediates.collect::<Result<Vec<_>, _>>()?;
        let subject = leaf.subject();
        profile::check_leaf(&leaf).map_err(|problem| CertificateError::Usage { subject, problem })?;
        self.check_identity(&leaf)?;
        let judge_at = |judged_at| {
            check_validity(&leaf, judged_at)?;
            self.path(&leaf, &chain, judged_at).map(|path| (path, judged_at))
        };
        let mut judged =
            self.clock.judged_at(proved).into_iter().map(judge_at).collect::<Result<Vec<_>, _>>()?;
        let (Path { issuers, unlisted }, judged_at) = judged.swap_remove(0);

        let found = [
            (matches!(judged_at, JudgedAt::Asserted(_)), Caveat::TimeAsserted),
            (!unlisted.is_empty(), Caveat::RevocationNotChecked),
            (leaf.is_ca(), Caveat::SignerIsAuthority),
        ];
        let caveats = found.into_iter().filter_map(|(holds, caveat)| holds.then_some(caveat)).collect();
        Ok((CertifiedSigner { leaf, issuers, unlisted, judged_at }, key, caveats))
    }

    /// The signing certificate of a chain, and its key. Nothing was verified.
    pub(crate) fn leaf_of(chain: &[Vec<u8>]) -> Result<(Certificate, PublicKey), CertificateError> {
        let leaf = read(0, chain.first().ok_or(CertificateError::EmptyChain)?)?;
        let key = leaf.public_key();
        let key = key.map_err(|source| CertificateError::Key { subject: leaf.subject(), source })?;
        Ok((leaf, key))
    }

    fn check_identity(&self, leaf: &Certificate) -> Result<(), CertificateError> {
        if let Some(pinned) = self.leaf.as_ref().filter(|pinned| *pinned != leaf) {
            return Err(CertificateError::Leaf {
                subject: leaf.subject(),
                expected: pinned.fingerprint(),
                found: leaf.fingerprint(),
            });
        }
        match &self.subject {
            Some(expected) if !expected.matches(leaf.subject_name()) => {
                Err(CertificateError::Subject { expected: expected.clone(), found: leaf.subject() })
            }
            _ => Ok(()),
        }
    }

    /// What issued the leaf, up to an anchor. Nobody has to vouch for a leaf that
    /// is itself believed; a list that names it refuses it, though nobody vouches
    /// for that either.
    fn path(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        at: JudgedAt,
    ) -> Result<Path, CertificateError> {
        self.crls.iter().try_for_each(|crl| crl.check_current(self.clock.now()))?;
        let is_anchor = self.anchors.contains(leaf) || (self.anchors.is_empty() && self.leaf.is_some());
        let purpose = Purpose::CodeSigning;
        let search = Search { intermediates, anchors: &self.anchors, crls: &self.crls, at, purpose };
        if is_anchor {
            search.check_readable(leaf)?;
            search.check_not_listed(leaf)?;
            return Ok(Path { issuers: vec![], unlisted: vec![leaf.clone()] });
        }
        search.path(leaf)
    }
}

fn read(index: usize, der: &[u8]) -> Result<Certificate, CertificateError> {
    Certificate::from_der(der).map_err(|source| CertificateError::Malformed { index, source })
}

/// Checks, for a publisher, that a verifier who trusts a top of `chain`, or what
/// issued that, can believe `leaf`: a path leads from one to the other, and all
/// of `chain` stands above the leaf, by the names of issuers. Without a chain
/// only the leaf itself is looked at.
///
/// # Errors
/// [`CertificateError`], as a verifier would meet it;
/// [`CertificateError::NotOnPath`].
pub fn check_publishable(
    leaf: &Certificate,
    chain: &[Certificate],
    clock: Clock,
) -> Result<(), CertificateError> {
    let (at, purpose) = (clock.judged_unproved(), Purpose::CodeSigning);
    profile::check_leaf(leaf)
        .map_err(|problem| CertificateError::Usage { subject: leaf.subject(), problem })?;
    check_validity(leaf, at)?;
    if chain.is_empty() {
        return Search { intermediates: &[], anchors: &[], crls: &[], at, purpose }.check_readable(leaf);
    }
    let tops = tops(chain);
    let path = Search { intermediates: chain, anchors: &tops, crls: &[], at, purpose }.path(leaf)?;
    let is_rooted = path.issuers.last().is_some_and(Certificate::is_self_issued);
    if !is_rooted && path.issuers.len() > MAX_INTERMEDIATES {
        return Err(CertificateError::TooComplicated { subject: leaf.subject() });
    }
    match chain.iter().find(|certificate| !stands_above(certificate, leaf, chain)) {
        Some(stray) => Err(CertificateError::NotOnPath { subject: stray.subject() }),
        None => Ok(()),
    }
}

/// What nothing else in the chain issued; all of it, if its authorities
/// certify each other.
fn tops(chain: &[Certificate]) -> Vec<Certificate> {
    let is_top = |issuer: &&Certificate| {
        let mut others = chain.iter().filter(|other| other != issuer);
        issuer.is_self_issued() || !others.any(|other| other.subject_name() == issuer.issuer_name())
    };
    let tops: Vec<Certificate> = chain.iter().filter(is_top).cloned().collect();
    if tops.is_empty() { chain.to_vec() } else { tops }
}

/// Whether one climbs from the leaf to a certificate by the names of issuers.
fn stands_above(certificate: &Certificate, leaf: &Certificate, chain: &[Certificate]) -> bool {
    let mut reached = vec![leaf.issuer_name()];
    for _ in chain {
        for issuer in chain {
            let is_new = !reached.contains(&issuer.issuer_name());
            if is_new && reached.contains(&issuer.subject_name()) {
                reached.push(issuer.issuer_name());
            }
        }
    }
    reached.contains(&certificate.subject_name())
}

/// The holder of a certificate that was believed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertifiedSigner {
    leaf: Certificate,
    issuers: Vec<Certificate>,
    unlisted: Vec<Certificate>,
    judged_at: JudgedAt,
}

impl CertifiedSigner {
    /// The signing certificate.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// What issued it, in order, the anchor last. Empty if the signing
    /// certificate itself was the anchor.
    pub fn issuers(&self) -> &[Certificate] {
        &self.issuers
    }

    /// The certificates below the anchor of which no revocation list speaks: it
    /// is not known whether they were revoked.
    pub fn unlisted(&self) -> &[Certificate] {
        &self.unlisted
    }

    /// The time at which the validity of all of them was judged; the earliest
    /// of several.
    pub fn judged_at(&self) -> JudgedAt {
        self.judged_at
    }
}
