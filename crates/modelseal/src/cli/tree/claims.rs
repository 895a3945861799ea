//! The chain of a model as its bundles claim it to be. Nothing is verified.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};

use modelseal::policy::Source;
use modelseal::{
    Attestation, BundleMethod, Bundles, Escaped, FulcioCertificate, ModelDigest, Provenance, Release,
    ResourceDescriptor, RootDigest, Timestamp, UntrustedBundle, VerificationMaterial, VerificationSummary,
    claimed_time, model_digest_of,
};
use modelseal_bundle::legacy;

use super::trust::{named, verdict_of};
use super::{Node, Standing, build, kind_of, role};

/// A bundle, as far as it is shown: what it claims, and of which models.
struct Claimed<'a> {
    source: &'a Source,
    signer: String,
    /// When it was signed, by the log or a timestamp.
    signed: Option<Timestamp>,
    kind: &'static str,
    text: String,
    problem: Option<String>,
    /// The model digests that it is about, or, of a signature that tells none, its root.
    models: Vec<ModelDigest>,
    root: Option<RootDigest>,
    /// What a provenance says of the build, and the models that went into it.
    build: Option<Provenance>,
}

/// What lies beside a model, as a tree: what is said of the model itself, and below
/// each model that it is said to be made from, what is said of that.
pub(crate) fn of_claims(name: &str, beside: &Bundles) -> Node {
    let claims: Vec<Claimed<'_>> =
        beside.bundles.iter().map(|(source, bundle)| Claimed::of(source, bundle)).collect();
    let chain = Chain::of(&claims);
    let own = claims.iter().filter(|claim| !chain.is_of_dependency(claim));
    let children: Vec<Node> = own.map(|claim| chain.node(claim, 0)).collect();
    let unreadable = beside.unreadable.iter().map(|(source, problem)| {
        Node::new("bundle", "", Standing::Bad(format!("not read: {problem}"))).detail(source)
    });
    let rest =
        (chain.left.get() == 0).then(|| Node::new("", "more is claimed, and not shown", Standing::Said));
    Node::new("", name, Standing::Claimed).with(children).with(unreadable).with(rest)
}

/// How far models that were made from each other are followed.
const MAX_DEPTH: usize = 8;
/// How much is shown: nobody signed what is claimed, and it may go in circles.
const MAX_NODES: usize = 4000;

/// All that is claimed, by what it is about, and how many links may still be shown.
struct Chain<'a> {
    by_model: HashMap<ModelDigest, Vec<&'a Claimed<'a>>>,
    by_root: HashMap<RootDigest, Vec<&'a Claimed<'a>>>,
    dependencies: HashSet<ModelDigest>,
    roots: HashSet<RootDigest>,
    left: Cell<usize>,
}

impl<'a> Claimed<'a> {
    fn of(source: &'a Source, bundle: &UntrustedBundle) -> Self {
        let claimed = Self {
            source,
            signer: signer(bundle),
            signed: claimed_time(bundle),
            kind: "bundle",
            text: String::new(),
            problem: None,
            models: vec![],
            root: None,
            build: None,
        };
        let payload = bundle.envelope().payload();
        if let Ok(statement) = legacy::parse_unverified_statement(payload) {
            let manifest = statement.manifest();
            let models = manifest.model_digest().into_iter().collect();
            return Self { kind: "signature", models, root: Some(manifest.root_digest()), ..claimed };
        }
        match Attestation::parse(payload) {
            Ok(attestation) => Self {
                kind: kind_of(attestation.predicate_type()),
                text: about(&attestation),
                models: model_digest_of(&attestation).collect(),
                build: Provenance::of(&attestation).ok(),
                ..claimed
            },
            Err(error) => Self { problem: Some(error.to_string()), ..claimed },
        }
    }

    fn resources(&self) -> impl Iterator<Item = &ResourceDescriptor> {
        self.build.iter().flat_map(Provenance::models)
    }
}

impl<'a> Chain<'a> {
    fn of(claims: &'a [Claimed<'a>]) -> Self {
        let (mut by_model, mut by_root): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) = Default::default();
        for claim in claims {
            for model in &claim.models {
                by_model.entry(*model).or_default().push(claim);
            }
            if let (Some(root), true) = (claim.root, claim.models.is_empty()) {
                by_root.entry(root).or_default().push(claim);
            }
        }
        // What lies in a file of its own is about this model, whatever a line says.
        let of_files = || claims.iter().filter(|claim| claim.source.line.is_none());
        let own: HashSet<ModelDigest> = of_files().flat_map(|claim| claim.models.iter().copied()).collect();
        let resources = || claims.iter().flat_map(Claimed::resources);
        let of_others = claims.iter().flat_map(|claim| {
            let models = claim.resources().filter_map(ResourceDescriptor::model_digest);
            models.filter(|model| !claim.models.contains(model))
        });
        Self {
            by_model,
            by_root,
            dependencies: of_others.filter(|model| !own.contains(model)).collect(),
            roots: resources().flat_map(ResourceDescriptor::root_digests).collect(),
            left: Cell::new(MAX_NODES),
        }
    }

    fn is_of_dependency(&self, claim: &Claimed<'_>) -> bool {
        match (claim.models.is_empty(), claim.root) {
            (true, Some(root)) => self.roots.contains(&root),
            _ => claim.models.iter().any(|model| self.dependencies.contains(model)),
        }
    }

    fn node(&self, claim: &Claimed<'_>, depth: usize) -> Node {
        let standing = match &claim.problem {
            Some(problem) => Standing::Bad(format!("not read: {problem}")),
            None => Standing::Claimed,
        };
        let mut node = Node::new(claim.kind, &claim.text, standing);
        if claim.kind == "signature" {
            let model = claim.models.first().map(ToString::to_string);
            let root = claim.root.map(|root| format!("sha256:{}", root.as_sha256()));
            node = node.detail(&model.or(root).unwrap_or_default());
        }
        let signed = claim.signed.map(|time| format!(", signed at {time}")).unwrap_or_default();
        let node = node.detail(&format!("by {}", claim.signer)).detail(&format!("{}{signed}", claim.source));
        let Some(provenance) = &claim.build else { return node };
        let dependencies: Vec<Node> =
            claim.resources().map_while(|resource| self.dependency(resource, depth)).collect();
        node.with(build(provenance)).with(dependencies)
    }

    /// What is said of a model that another is said to be made from.
    fn dependency(&self, resource: &ResourceDescriptor, depth: usize) -> Option<Node> {
        self.take()?;
        let by_model = resource.model_digest().and_then(|model| self.by_model.get(&model));
        let roots = resource.root_digests();
        let by_root = roots.iter().filter_map(|root| self.by_root.get(root));
        let of_it = by_model.into_iter().chain(by_root).flatten().filter(|_| depth < MAX_DEPTH);
        let of_it: Vec<Node> = of_it
            .map_while(|claim| {
                self.take()?;
                Some(self.node(claim, depth + 1))
            })
            .collect();
        Some(Node::new(role(resource), &named(resource), Standing::Claimed).with(of_it))
    }

    fn take(&self) -> Option<()> {
        self.left.set(self.left.get().checked_sub(1)?);
        Some(())
    }
}

fn about(attestation: &Attestation) -> String {
    if let Ok(Release { name, version }) = Release::of(attestation) {
        return format!("{name} {version}");
    }
    if let Ok(summary) = VerificationSummary::of(attestation) {
        return verdict_of(&summary);
    }
    match kind_of(attestation.predicate_type()) {
        "attestation" => Escaped(attestation.predicate_type()).to_string(),
        _ => String::new(),
    }
}

/// Who a bundle says that it is by.
fn signer(bundle: &UntrustedBundle) -> String {
    match (bundle.method(), bundle.material()) {
        (BundleMethod::Sigstore, VerificationMaterial::Certificate(leaf)) => {
            FulcioCertificate::from_der(leaf).map_or_else(
                |error| format!("somebody: {error}"),
                |leaf| format!("{} of {}", leaf.identity(), Escaped(leaf.issuer())),
            )
        }
        (_, VerificationMaterial::CertificateChain(chain)) => {
            let leaf = chain.first().and_then(|der| modelseal::Certificate::from_der(der).ok());
            leaf.map_or_else(|| "a certificate".to_owned(), |leaf| leaf.subject())
        }
        (_, VerificationMaterial::Key(key)) => key
            .hint
            .as_ref()
            .map_or_else(|| "a key".to_owned(), |hint| format!("the key with the hint {hint}")),
        _ => "somebody".to_owned(),
    }
}
