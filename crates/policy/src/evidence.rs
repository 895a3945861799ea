use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::{self, Display};
use std::sync::Arc;

use jiff::Timestamp;
use modelseal_bundle::Attestation;
use modelseal_manifest::{Escaped, HashType, ModelDigest, NameScheme, Reference, RootDigest, Sha256Digest};
use modelseal_predicate::{
    Provenance, Release, SUCCESSION_TYPE, SUMMARY_TYPE, SignerId, Subjects, Succession, VerificationSummary,
};
use modelseal_verify::{
    Caveat, Claim, MatchedManifest, ProvedTime, SigstoreError, VerifiedAttestation, VerifiedStatement,
    VerifyError,
};

use crate::chain::Ancestor;
use crate::{Rule, SignerFacts, Unrecognised};

/// What was found out about a model before its policy is asked: all of it is
/// proved, or says that it is not.
///
/// More evidence never makes a verdict worse: what does not count is listed
/// with its reason, and otherwise passed over. Only of what is denied it does,
/// where a summary stands for everything else.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub(crate) signatures: Vec<Signature>,
    /// Every attestation, releases and successions among them.
    pub(crate) said: Vec<Arc<Said>>,
    /// What there is of each model that this one was made from, and of those before
    /// them.
    pub(crate) ancestors: BTreeMap<Ancestor, Evidence>,
    /// What is said of those, and not of this model.
    pub(crate) of_dependencies: BTreeSet<Source>,
    /// What was said already, by whom and when.
    seen: HashSet<(usize, SignerId, String, Option<Timestamp>, Sha256Digest)>,
    pub(crate) rejected: Vec<(Source, String)>,
    pub(crate) strangers: Vec<Stranger>,
    pub(crate) contents: Contents,
    pub(crate) place: Option<Place>,
}

/// A verified attestation, by one publisher of the policy.
#[derive(Clone, Debug)]
pub struct Said {
    pub(crate) source: Source,
    pub(crate) publisher: usize,
    pub(crate) by: SignedBy,
    pub(crate) subjects: Subjects,
    pub(crate) predicate_type: String,
    pub(crate) predicate: Predicate,
    /// What was signed, whoever signed it.
    pub(crate) payload: Sha256Digest,
}

/// What it says, as far as a policy asks.
#[derive(Clone, Debug)]
pub(crate) enum Predicate {
    Provenance(Box<Provenance>),
    Summary(Box<VerificationSummary>),
    Release(Box<Release>),
    Succession(Box<Succession>),
    /// It is not what its type promises.
    Unreadable(String),
    Other,
}

impl Said {
    pub(crate) fn provenance(&self) -> Option<&Provenance> {
        match &self.predicate {
            Predicate::Provenance(provenance) => Some(provenance),
            _ => None,
        }
    }

    pub(crate) fn of(source: Source, publisher: usize, verified: &VerifiedAttestation) -> Self {
        let attestation = verified.attestation();
        Self {
            source,
            publisher,
            by: SignedBy::of(verified.signer(), verified.times()),
            subjects: Subjects::of(attestation),
            predicate_type: attestation.predicate_type().to_owned(),
            predicate: Predicate::of(attestation),
            payload: Sha256Digest::of(&attestation.to_payload()),
        }
    }
}

impl Predicate {
    fn of(attestation: &Attestation) -> Self {
        let predicate_type = attestation.predicate_type();
        let predicate = if Provenance::is_type(predicate_type) {
            Provenance::of(attestation).map(|provenance| Self::Provenance(Box::new(provenance)))
        } else if Release::is_type(predicate_type) {
            Release::of(attestation).map(|release| Self::Release(Box::new(release)))
        } else if predicate_type == SUMMARY_TYPE {
            VerificationSummary::of(attestation).map(|summary| Self::Summary(Box::new(summary)))
        } else if predicate_type == SUCCESSION_TYPE {
            Succession::of(attestation).map(|succession| Self::Succession(Box::new(succession)))
        } else {
            Ok(Self::Other)
        };
        predicate.unwrap_or_else(|error| Self::Unreadable(error.to_string()))
    }
}

/// Somebody with a publisher's name and another's numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Stranger {
    pub(crate) publisher: String,
    pub(crate) claim: Claim,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// Where a bundle was read.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Source {
    /// The file.
    pub path: String,
    /// The line in it, counted from 1, where each is a bundle.
    pub line: Option<usize>,
}

impl Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.path).fmt(f)?;
        self.line.map_or(Ok(()), |line| write!(f, " line {line}"))
    }
}

/// A verified signature, by one publisher of the rule.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) source: Source,
    pub(crate) publisher: usize,
    pub(crate) by: SignedBy,
    pub(crate) hash: HashType,
    pub(crate) root: RootDigest,
    pub(crate) caveats: Vec<Caveat>,
    pub(crate) files: Files,
}

/// Who signed, and the earliest time at which that is proved.
#[derive(Clone, Debug)]
pub(crate) struct SignedBy {
    pub(crate) signer: SignerFacts,
    pub(crate) time: Option<Timestamp>,
}

impl SignedBy {
    fn of(signer: &modelseal_verify::Signer, times: &[ProvedTime]) -> Self {
        Self { signer: signer.into(), time: times.iter().map(|proved| proved.time()).min() }
    }
}

/// How the files compare with what was signed.
#[derive(Clone, Debug)]
pub(crate) enum Files {
    Match { model: ModelDigest, unsigned: Unsigned },
    Differ(String),
}

/// What is there beside the signed files, except signatures.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unsigned {
    /// What the signed statement leaves out, and git's own files.
    pub ignored: Vec<String>,
    /// The rest.
    pub unlisted: Vec<String>,
}

/// What a place says of the model that lies there: a directory in the cache of
/// the hub client is called after a repository.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The name, as a reference has it. It may be one that no reference has.
    pub name: String,
    /// The revision, where the place tells it.
    pub revision: Option<String>,
}

impl Place {
    /// Whether it says that another model lies there than `reference`. Of
    /// revisions only commits are compared: tags and branches stand for some.
    pub(crate) fn contradicts(&self, reference: &Reference) -> bool {
        let is_commit =
            |revision: &&str| revision.len() == 40 && revision.bytes().all(|b| b.is_ascii_hexdigit());
        let name = match reference.name().scheme() {
            NameScheme::Hub => self.name.to_ascii_lowercase(),
            NameScheme::Oci | NameScheme::File => self.name.clone(),
        };
        let (asked, found) = (reference.revision().filter(is_commit), self.revision.as_deref());
        name != reference.name().key()
            || matches!((asked, found), (Some(asked), Some(found)) if asked != found)
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.name).fmt(f)?;
        self.revision.as_ref().map_or(Ok(()), |revision| write!(f, "@{}", Escaped(revision)))
    }
}

/// The model as it is, whoever signed it.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The identity of all its files.
    pub model: Option<ModelDigest>,
    /// Files by their names and digests, whether signed or not.
    pub files: Vec<(String, Sha256Digest)>,
    /// What is there and was not hashed.
    pub unhashed: Vec<String>,
    /// What is there and is no part of the model.
    pub unsigned: Unsigned,
}

impl Evidence {
    /// The model as it is.
    #[must_use]
    pub fn with_contents(self, contents: Contents) -> Self {
        Self { contents, ..self }
    }

    /// The place where the model lies says what it is called.
    #[must_use]
    pub fn found_at(self, place: Option<Place>) -> Self {
        Self { place, ..self }
    }

    /// A signature whose statement is what was measured.
    pub fn add_match(
        &mut self,
        source: Source,
        publisher: usize,
        matched: &MatchedManifest,
        model: ModelDigest,
        unsigned: Unsigned,
    ) {
        self.add_signature_of(source, publisher, matched.statement(), model, unsigned);
    }

    /// A signature whose statement is of this model.
    pub(crate) fn add_signature_of(
        &mut self,
        source: Source,
        publisher: usize,
        statement: &VerifiedStatement,
        model: ModelDigest,
        unsigned: Unsigned,
    ) {
        self.add(source, publisher, statement, Files::Match { model, unsigned });
    }

    /// A signature of other bytes than those that are there.
    pub fn add_mismatch(
        &mut self,
        source: Source,
        publisher: usize,
        statement: &VerifiedStatement,
        problem: impl Display,
    ) {
        self.add(source, publisher, statement, Files::Differ(problem.to_string()));
    }

    fn add(&mut self, source: Source, publisher: usize, statement: &VerifiedStatement, files: Files) {
        let (manifest, caveats) = (statement.manifest(), statement.caveats());
        let by = SignedBy::of(statement.signer(), statement.times());
        if !self.is_new(publisher, &by, Sha256Digest::of(statement.payload())) {
            return;
        }
        self.signatures.push(Signature {
            source,
            publisher,
            by,
            hash: manifest.serialization().hash_type,
            root: manifest.root_digest(),
            caveats: caveats.to_vec(),
            files,
        });
    }

    /// Something that a publisher says.
    pub fn add_attestation(&mut self, said: &Arc<Said>) {
        if !self.is_new(said.publisher, &said.by, said.payload) {
            return;
        }
        self.said.push(Arc::clone(said));
        if matches!(said.predicate, Predicate::Unreadable(_)) && Release::is_type(&said.predicate_type) {
            self.reject(said.source.clone(), "is a release that cannot be read");
        }
    }

    /// What publishers call which models.
    pub(crate) fn releases(&self) -> impl Iterator<Item = (&Said, &Release)> {
        self.said.iter().filter_map(|said| match &said.predicate {
            Predicate::Release(release) => Some((&**said, &**release)),
            _ => None,
        })
    }

    /// Who follows whom.
    pub(crate) fn successions(&self) -> impl Iterator<Item = (&Said, &Succession)> {
        self.said.iter().filter_map(|said| match &said.predicate {
            Predicate::Succession(succession) => Some((&**said, &**succession)),
            _ => None,
        })
    }

    /// Whether it was not said before: anybody can have the same signature stand there
    /// a thousand times, in bundles that differ in what nobody looks at.
    fn is_new(&mut self, publisher: usize, by: &SignedBy, payload: Sha256Digest) -> bool {
        let SignedBy { signer, time } = by;
        let key = (publisher, signer.id.clone(), signer.shown.clone(), *time, payload);
        self.seen.insert(key)
    }

    /// The models that this could be, and the root digests of signatures over them.
    pub(crate) fn models_and_roots(&self, rule: &Rule) -> (Vec<ModelDigest>, Vec<RootDigest>) {
        let (mut models, mut roots) = (Vec::from_iter(self.contents.model), Vec::new());
        for signature in self.signatures.iter().filter(|signature| rule.is_signed_by(signature.publisher)) {
            if let Files::Match { model, .. } = &signature.files {
                models.push(*model);
                roots.push(signature.root);
            }
        }
        (models, roots)
    }

    /// What is said of how this model was made, by anybody whose word counts, whichever of
    /// the models that this could be it is said of.
    pub(crate) fn built(&self, rule: &Rule) -> impl Iterator<Item = (&Said, &Provenance)> {
        let (speakers, (models, roots)) = (rule.speakers(), self.models_and_roots(rule));
        self.said.iter().filter_map(move |said| {
            let is_about = models.iter().any(|model| said.subjects.include(*model, &roots));
            let provenance = said.provenance().filter(|_| is_about && speakers.contains(&said.publisher));
            Some((&**said, provenance?))
        })
    }

    /// A bundle of nobody whose signature would count.
    pub fn add_stranger(&mut self, source: Source, unrecognised: &Unrecognised) {
        if let VerifyError::Sigstore(SigstoreError::Claim { claim, expected, found }) = &unrecognised.error
            && matches!(claim, Claim::SourceOwnerId | Claim::SourceRepositoryId)
        {
            self.strangers.push(Stranger {
                publisher: unrecognised.publisher.clone(),
                claim: *claim,
                expected: expected.as_str().to_owned(),
                found: found.clone(),
            });
        }
        self.reject(source, unrecognised);
    }

    /// Whether what was read there is said of a model that this one was made from.
    pub fn is_of_dependencies(&self, source: &Source) -> bool {
        self.of_dependencies.contains(source)
    }

    /// A bundle that counts for nothing.
    pub fn reject(&mut self, source: Source, why: impl Display) {
        self.rejected.push((source, why.to_string()));
    }
}
