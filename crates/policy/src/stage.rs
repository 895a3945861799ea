//! What the tests of this crate put on: keys, signers, evidence and locks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{HashType, ModelDigest, Reference, RootDigest, Sha256Digest};
use modelseal_predicate::{
    Fingerprint, PROVENANCE_TYPE, Provenance, RELEASE_TYPE, Release, ResourceDescriptor, SUCCESSION_TYPE,
    SUMMARY_TYPE, SignerId, Subjects, Succession, SummaryPolicy, VerificationSummary,
};
use modelseal_verify::{Claim, Clock, Identity, PublicKey, TrustedRoot};
use serde_json::Map;

use crate::chain::Ancestor;
use crate::evidence::{Evidence, Files, Predicate, Said, Signature, SignedBy, Source, Unsigned};
use crate::signer::{IdentityFacts, SignerFacts};
use crate::{
    DocumentError, Entry, Lock, LockedSigner, Materials, Policy, Question, Undecided, Verdict, judge,
};

pub(crate) const ISSUER: &str = "https://token.ci.example";
pub(crate) const BUILDER: &str = "https://ci.example/acme/runner";
pub(crate) const BUILD_TYPE: &str = "https://ci.example/build/v1";
pub(crate) const VERIFIER: &str = "https://registry.example/verifier";
/// A predicate of which nothing is read.
pub(crate) const SCAN: &str = "https://scan.example/report/v1";

/// The keys of publishers, by number: those of `testdata/keys`.
pub(crate) fn keys() -> &'static [PublicKey] {
    static KEYS: LazyLock<Vec<PublicKey>> = LazyLock::new(|| {
        let files = [
            &include_bytes!("../../../testdata/keys/p256.pub")[..],
            include_bytes!("../../../testdata/keys/other-p256.pub"),
            include_bytes!("../../../testdata/keys/p384.pub"),
            include_bytes!("../../../testdata/keys/p521.pub"),
            include_bytes!("../../../testdata/keys/ed25519.pub"),
        ];
        files.map(|pem| PublicKey::from_pem(pem).unwrap()).to_vec()
    });
    &KEYS
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When everything is judged.
pub(crate) fn now() -> Timestamp {
    time("2026-06-01T00:00:00Z")
}

pub(crate) fn fingerprint(key: usize) -> Fingerprint {
    keys().get(key).map_or_else(
        || Fingerprint(Sha256Digest::of(format!("key {key}").as_bytes())),
        |key| Fingerprint(key.fingerprint()),
    )
}

pub(crate) fn model(number: u8) -> ModelDigest {
    format!("model-v1:{}", hex(number)).parse().unwrap()
}

pub(crate) fn file(number: u8) -> Sha256Digest {
    hex(number).parse().unwrap()
}

fn hex(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

/// Loads a policy in which `$KEY0` is the fingerprint of a key, and `$MODEL1` a
/// model.
pub(crate) fn load(text: &str) -> Result<Policy, DocumentError> {
    load_with(text, &|path| Err(format!("{path} is not there")))
}

pub(crate) fn load_with(
    text: &str,
    read: &dyn Fn(&str) -> Result<Vec<u8>, String>,
) -> Result<Policy, DocumentError> {
    let root = || Ok::<_, String>(TrustedRoot::production());
    let materials = Materials { read, root: &root, keys: keys(), clock: Clock::at(now()) };
    Policy::load(written_out(text).as_bytes(), &materials)
}

fn written_out(text: &str) -> String {
    let keys = (0..10).map(|key| (format!("$KEY{key}"), fingerprint(key).to_string()));
    let models = (0..10).map(|number| (format!("$MODEL{number}"), model(number).to_string()));
    let files = (0..10).map(|number| (format!("$FILE{number}"), format!("sha256:{}", file(number))));
    keys.chain(models).chain(files).fold(text.to_owned(), |text, (from, to)| text.replace(&from, &to))
}

pub(crate) fn key(number: usize) -> SignerFacts {
    SignerFacts::of_key(fingerprint(number), format!("key {number}"))
}

/// The holder of a certificate with this subject and this key.
pub(crate) fn certificate(subject: &str, key: usize) -> SignerFacts {
    let of = |text: &str| Fingerprint(Sha256Digest::of(text.as_bytes()));
    let (root, key) = (of("root"), fingerprint(key));
    SignerFacts {
        id: SignerId::Certificate { root, subject: subject.to_owned() },
        key: Some(key),
        certificates: vec![of(&format!("{subject} {key}")), root],
        identity: None,
        shown: format!("{subject} {key}"),
    }
}

/// A workflow, run for a tag, of a repository of this owner.
pub(crate) fn workflow(owner_id: &str, repository_id: &str, tag: &str) -> SignerFacts {
    let identity = format!("https://github.example/acme/toy/.github/workflows/release.yml@refs/tags/{tag}");
    SignerFacts {
        id: SignerId::Workflow {
            issuer: ISSUER.to_owned(),
            owner_id: Some(owner_id.to_owned()),
            repository_id: Some(repository_id.to_owned()),
        },
        key: None,
        certificates: vec![],
        identity: Some(IdentityFacts {
            identity: Identity::Uri(identity.clone()),
            issuer: ISSUER.to_owned(),
            claims: BTreeMap::from([
                (Claim::SourceOwnerId, owner_id.to_owned()),
                (Claim::SourceRepositoryId, repository_id.to_owned()),
            ]),
        }),
        shown: identity,
    }
}

pub(crate) fn by(signer: SignerFacts, signed: Option<&str>) -> SignedBy {
    SignedBy { signer, time: signed.map(time) }
}

pub(crate) fn source(line: usize) -> Source {
    Source { path: "claims.jsonl".to_owned(), line: Some(line) }
}

/// A signature over these very bytes, of which nothing proves the time.
pub(crate) fn signature(publisher: usize, signer: SignerFacts, of: ModelDigest) -> Signature {
    Signature {
        source: Source { path: "model.sig".to_owned(), line: None },
        publisher,
        by: by(signer, None),
        hash: HashType::Sha256,
        root: RootDigest::from_sha256(file(7)),
        caveats: vec![],
        files: Files::Match { model: of, unsigned: Unsigned::default() },
    }
}

/// A build of nothing in particular, an hour before everything is judged.
pub(crate) fn provenance() -> Provenance {
    Provenance {
        build_type: BUILD_TYPE.to_owned(),
        builder: BUILDER.to_owned(),
        source: None,
        run: None,
        is_by_the_job_itself: false,
        started: None,
        finished: Some(time("2026-05-31T23:00:00Z")),
        dependencies: vec![],
    }
}

/// The same of something that was made from these.
pub(crate) fn made_from<'a>(bases: impl IntoIterator<Item = (&'a str, ModelDigest)>) -> Provenance {
    let dependencies = bases.into_iter().map(|(reference, of)| base(Some(reference), of)).collect();
    Provenance { dependencies, ..provenance() }
}

/// A model that another was made from.
pub(crate) fn base(reference: Option<&str>, of: ModelDigest) -> ResourceDescriptor {
    let reference = reference.map(|text| text.parse::<Reference>().unwrap());
    ResourceDescriptor::model("base-model", "base", reference.as_ref(), (of, &BTreeSet::new()), Map::new())
}

/// The same, as it is looked up.
pub(crate) fn ancestor(reference: &str, model: ModelDigest) -> Ancestor {
    Ancestor { reference: reference.parse().unwrap(), model, roots: BTreeSet::new() }
}

/// It was found good an hour before everything is judged, under the policy
/// `$FILE9`.
pub(crate) fn summary(reference: &str) -> VerificationSummary {
    VerificationSummary {
        verifier: VERIFIER.to_owned(),
        verified: Some(time("2026-05-31T23:00:00Z")),
        resource: reference.to_owned(),
        policy: SummaryPolicy { uri: "urn:policy".to_owned(), sha256: Some(file(9)) },
        has_passed: true,
        levels: vec![],
        inputs: vec![],
    }
}

impl From<Provenance> for Predicate {
    fn from(provenance: Provenance) -> Self {
        Self::Provenance(Box::new(provenance))
    }
}

impl From<Release> for Predicate {
    fn from(release: Release) -> Self {
        Self::Release(Box::new(release))
    }
}

impl From<VerificationSummary> for Predicate {
    fn from(summary: VerificationSummary) -> Self {
        Self::Summary(Box::new(summary))
    }
}

/// What a publisher says of a model, by a signer whose time nothing proves.
pub(crate) fn says(
    (publisher, signer): (usize, SignerFacts),
    of: ModelDigest,
    predicate: impl Into<Predicate>,
) -> Said {
    let predicate = predicate.into();
    let predicate_type = match &predicate {
        Predicate::Provenance(_) | Predicate::Unreadable(_) => PROVENANCE_TYPE,
        Predicate::Summary(_) => SUMMARY_TYPE,
        Predicate::Release(_) => RELEASE_TYPE,
        Predicate::Succession(_) => SUCCESSION_TYPE,
        Predicate::Other => SCAN,
    };
    Said {
        source: source(200),
        publisher,
        by: by(signer, None),
        subjects: subjects(&[&[("model-v1", *of.as_sha256())]]),
        predicate_type: predicate_type.to_owned(),
        predicate,
        payload: file(0),
    }
}

/// What is said is said of each of these, which have these digests.
pub(crate) fn subjects(of: &[&[(&str, Sha256Digest)]]) -> Subjects {
    let subject = |digests: &&[(&str, Sha256Digest)]| {
        let digest = digests.iter().map(|(name, digest)| ((*name).to_owned(), digest.to_string())).collect();
        Subject { name: String::new(), digest }
    };
    if let [one] = of {
        return Subjects::of(&Attestation::new(subject(one), SCAN, Map::new()));
    }
    let statement = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": of.iter().map(subject).collect::<Vec<_>>(),
        "predicateType": SCAN,
    });
    Subjects::of(&Attestation::parse(statement.to_string().as_bytes()).unwrap())
}

/// What is carried along of a model whose files are not here.
pub(crate) fn carried(of: ModelDigest, signatures: impl IntoIterator<Item = Signature>) -> Evidence {
    let mut evidence = signed(signatures);
    evidence.contents.model = Some(of);
    evidence.contents.unhashed = vec![of.to_string()];
    evidence
}

pub(crate) fn signed(signatures: impl IntoIterator<Item = Signature>) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.contents.model = Some(model(1));
    for (index, signature) in signatures.into_iter().enumerate() {
        evidence.signatures.push(Signature { source: source(index + 1), ..signature });
    }
    evidence
}

impl Evidence {
    pub(crate) fn and_release(
        self,
        (publisher, signer): (usize, SignerFacts),
        of: ModelDigest,
        name: &str,
        version: &str,
    ) -> Self {
        let release = Release { name: name.parse().unwrap(), version: version.parse().unwrap() };
        self.and_at(100, says((publisher, signer), of, release))
    }

    pub(crate) fn and(self, said: Said) -> Self {
        self.and_at(200, said)
    }

    fn and_at(mut self, line: usize, said: Said) -> Self {
        let source = source(line + self.said.len());
        self.said.push(Arc::new(Said { source, ..said }));
        self
    }

    /// What there is of a model that this one was made from, and of those before it.
    pub(crate) fn and_of(mut self, reference: &str, of: ModelDigest, mut evidence: Self) -> Self {
        self.ancestors.append(&mut evidence.ancestors);
        self.ancestors.insert(ancestor(reference, of), evidence);
        self
    }

    pub(crate) fn and_succession(self, from: SignerFacts, scope: &str, to: &SignerFacts) -> Self {
        self.and_succession_by((0, from), scope, to)
    }

    pub(crate) fn and_succession_by(self, from: (usize, SignerFacts), scope: &str, to: &SignerFacts) -> Self {
        let succession = Succession { scope: scope.parse().unwrap(), successor: to.id.clone() };
        self.and_at(300, says(from, model(0), Predicate::Succession(Box::new(succession))))
    }
}

pub(crate) fn entry(of: ModelDigest, release: Option<&str>, signers: &[SignerFacts]) -> Entry {
    let signer = |facts: &SignerFacts| LockedSigner { publisher: "acme".to_owned(), id: facts.id.clone() };
    Entry {
        model: of,
        root: Some(RootDigest::from_sha256(file(7))),
        release: release.map(|release| release.parse().unwrap()),
        signers: signers.iter().map(signer).collect::<BTreeSet<_>>(),
        first_seen: time("2026-01-01T00:00:00Z"),
        last_seen: time("2026-02-01T00:00:00Z"),
    }
}

pub(crate) fn lock(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Lock {
    let mut lock = Lock::default();
    for (reference, entry) in entries {
        lock.insert(reference.parse().unwrap(), entry);
    }
    lock
}

pub(crate) fn ask(
    policy: &Policy,
    reference: &str,
    evidence: &Evidence,
    lock: Option<&Lock>,
) -> Result<Verdict, Undecided> {
    let reference: Reference = reference.parse().unwrap();
    judge(policy, &Question { reference: &reference, evidence, lock, now: now() })
}
