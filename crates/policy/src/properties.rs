//! What holds for every policy, every lock and whatever lies beside a model.

mod attested;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use modelseal_manifest::{HashType, Reference, RootDigest};
use modelseal_predicate::Release;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use modelseal_verify::Caveat;

use self::attested::{Attested, BASES, Carried, Demand, Verifier, attested, carried, demand, verifier};
use crate::evidence::{Evidence, Files, Place, Said, Signature, SignedBy, Source, Unsigned};
use crate::stage::{
    ISSUER, certificate, entry, file, fingerprint, key, load, lock, model, now, says, signature, source,
    time, workflow,
};
use crate::{Basis, Lock, Outcome, Policy, Question, Severity, SignerFacts, Undecided, Verdict, judge};

const PUBLISHERS: [&str; 4] = ["acme", "beta", "coda", "dawn"];
const SCOPES: [&str; 5] = ["hf://acme/toy", "hf://acme/*", "hf://*", "oci://r.example/*", "hf://ACME/other"];
const REFERENCES: [&str; 4] = ["hf://acme/toy", "hf://Acme/toy@v1", "hf://acme/toy@v2", "oci://r.example/x"];
/// What the lock may know: models, and what they were made from.
const LOCKED: [&str; 6] =
    [REFERENCES[0], REFERENCES[1], REFERENCES[2], REFERENCES[3], BASES[0].0, BASES[1].0];
const VERSIONS: [&str; 3] = ["1.0.0", "1.1.0", "2.0.0-rc.1"];
/// Each asks for another thing, so that any two can stand together.
const ASKED: [&str; 9] = [
    "bind-name = true",
    "proved-time = true",
    "not-before = 2026-05-03",
    "not-after = 2026-05-05",
    "hashes = [\"sha256\"]",
    "unsigned-files = \"refuse\"",
    "symlinks = true",
    "legacy-formats = true",
    "",
];

/// Who may turn up. The first four are the keys of the publishers; others
/// share keys, or names, with them and with each other.
fn signer(number: usize) -> SignerFacts {
    match number {
        0..=4 => key(number),
        5 => certificate("CN=One", 0),
        6 => certificate("CN=One", 6),
        7 => certificate("CN=Two", 6),
        8 => workflow("42", "1001", "v1"),
        9 => workflow("42", "1001", "v2"),
        _ => workflow("666", "1002", "v1"),
    }
}

const SIGNERS: usize = 11;

/// Everything that a verdict comes from, each part of it in a list whose order
/// must not matter.
#[derive(Clone, Debug)]
struct World {
    rules: Vec<Rule>,
    waivers: Vec<Waiver>,
    denies: Vec<String>,
    is_expired: bool,
    signatures: Vec<Signed>,
    releases: Vec<Released>,
    /// Who names whom, and whether it is for the name in question.
    successions: Vec<(usize, usize, bool)>,
    attestations: Vec<Attested>,
    /// What is carried along of each of [`BASES`].
    bases: Vec<Carried>,
    rejected: usize,
    contents: Found,
    lock: Option<(u64, Vec<Locked>)>,
    reference: &'static str,
    is_elsewhere: bool,
}

#[derive(Clone, Debug)]
struct Rule {
    scope: usize,
    at_least: usize,
    of: Vec<usize>,
    asked: BTreeSet<&'static str>,
    continuity: &'static str,
    mode: &'static str,
    is_unsigned: bool,
    /// Whether it takes nothing but the verdicts of verifiers.
    is_summed: bool,
    demands: Vec<Demand>,
    verifiers: Vec<Verifier>,
}

#[derive(Clone, Debug)]
struct Waiver {
    model: u8,
    scope: usize,
    is_valid: bool,
    owner: u8,
}

#[derive(Clone, Debug)]
struct Signed {
    publisher: usize,
    signer: usize,
    /// The day of May on which it was signed, where that is proved.
    day: Option<u8>,
    /// Over which files, if it is over any that are there.
    model: Option<u8>,
    root: u8,
    is_ignoring: bool,
    is_unlisting: bool,
    oddity: u8,
}

#[derive(Clone, Debug)]
struct Released {
    publisher: usize,
    signer: usize,
    day: Option<u8>,
    model: u8,
    version: usize,
    is_of_name: bool,
}

#[derive(Clone, Debug)]
struct Found {
    model: Option<u8>,
    files: Vec<u8>,
    is_unhashed: bool,
    is_ignoring: bool,
    is_unlisting: bool,
}

#[derive(Clone, Debug)]
struct Locked {
    reference: &'static str,
    model: u8,
    release: Option<usize>,
    signers: Vec<usize>,
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = (
        1..3_usize,
        prop::collection::btree_set(0..4_usize, 1..4),
        prop_oneof![
            2 => Just(BTreeSet::new()),
            1 => prop::collection::btree_set(select(ASKED.to_vec()), 1..3),
        ],
        select(vec!["none", "tofu", "tofu", "pinned"]),
        select(vec!["enforce", "enforce", "enforce", "warn", "audit"]),
        prop::bool::weighted(0.1),
        prop_oneof![1 => Just(vec![]), 1 => prop::collection::vec(demand(), 1..3)],
        prop_oneof![1 => Just(vec![]), 1 => prop::collection::vec(verifier(), 1..3)],
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(rule, SCOPES.len()).prop_flat_map(|rules| {
        let rules = rules.into_iter().enumerate().map(
            |(scope, (at_least, of, asked, continuity, mode, is_unsigned, demands, verifiers, is_summed))| {
                Rule {
                    scope,
                    at_least: at_least.min(of.len()),
                    of: of.into_iter().collect(),
                    asked,
                    continuity,
                    mode,
                    is_unsigned,
                    is_summed: is_summed && !verifiers.is_empty(),
                    demands,
                    verifiers,
                }
            },
        );
        prop::sample::subsequence(rules.collect::<Vec<_>>(), 3..=SCOPES.len())
    })
}

fn waiver() -> impl Strategy<Value = Waiver> {
    let model = prop_oneof![4 => Just(1_u8), 1 => Just(2)];
    let scope = prop_oneof![4 => 0..3_usize, 1 => 3..SCOPES.len()];
    (model, scope, prop::bool::weighted(0.8), 0..3_u8).prop_map(|(model, scope, is_valid, owner)| Waiver {
        model,
        scope,
        is_valid,
        owner,
    })
}

fn deny() -> impl Strategy<Value = String> {
    let since = prop::option::of(1..9_u8);
    let since = since.prop_map(|day| day.map_or(String::new(), |day| format!("since = 2026-05-0{day}\n")));
    let of_signer = prop_oneof![
        (0..7_usize).prop_map(|number| format!("key = \"{}\"", fingerprint(number))),
        (5..8_usize).prop_map(|number| format!("certificate = \"{}\"", signer(number).certificates[0])),
        select(vec!["42", "666"]).prop_map(|owner| format!("claims = {{ source-owner-id = \"{owner}\" }}")),
        Just(
            "identity = \"https://github.example/acme/toy/.github/workflows/*.yml@refs/tags/v1\"".to_owned()
        ),
        Just(format!("issuer = \"{ISSUER}\"")),
    ];
    let of_bytes = prop_oneof![
        (1..4_u8).prop_map(|number| format!("model = \"{}\"\n", model(number))),
        (1..4_u8).prop_map(|number| format!("file = \"sha256:{}\"\n", file(number))),
    ];
    let of_signer = (of_signer, since).prop_map(|(what, since)| format!("{what}\n{since}"));
    let what = prop_oneof![4 => of_signer, 1 => of_bytes];
    (what, select(vec!["stolen", "lost"])).prop_map(|(what, reason)| format!("{what}reason = \"{reason}\""))
}

/// A publisher, and a signer that mostly is that publisher's.
fn publisher_and_signer() -> impl Strategy<Value = (usize, usize)> {
    let other = prop_oneof![3 => Just(None), 1 => (0..SIGNERS).prop_map(Some)];
    (0..PUBLISHERS.len(), other).prop_map(|(publisher, other)| (publisher, other.unwrap_or(publisher)))
}

fn signed() -> impl Strategy<Value = Signed> {
    let day = prop_oneof![2 => Just(None), 3 => (1..9_u8).prop_map(Some)];
    let model = prop_oneof![8 => Just(Some(1_u8)), 1 => Just(Some(2)), 1 => Just(None)];
    let rarely = || prop::bool::weighted(0.1);
    let oddity = prop_oneof![9 => Just(0_u8), 1 => 1..4_u8];
    let root = prop_oneof![4 => Just(7_u8), 1 => Just(8)];
    (publisher_and_signer(), day, model, root, rarely(), rarely(), oddity).prop_map(
        |((publisher, signer), day, model, root, is_ignoring, is_unlisting, oddity)| Signed {
            publisher,
            signer,
            day,
            model,
            root,
            is_ignoring,
            is_unlisting,
            oddity,
        },
    )
}

fn released() -> impl Strategy<Value = Released> {
    let rest = (prop::option::of(1..9_u8), 1..3_u8, 0..VERSIONS.len(), prop::bool::weighted(0.8));
    (publisher_and_signer(), rest).prop_map(|((publisher, signer), (day, model, version, is_of_name))| {
        Released { publisher, signer, day, model, version, is_of_name }
    })
}

fn locked() -> impl Strategy<Value = Locked> {
    let signers = prop_oneof![
        4 => prop::collection::vec(0..4_usize, 1..4),
        1 => prop::collection::vec(0..SIGNERS, 0..3),
    ];
    let model = prop_oneof![3 => Just(1_u8), 1 => Just(2)];
    let release = prop::option::of(0..VERSIONS.len());
    let reference = prop_oneof![4 => select(REFERENCES.to_vec()), 1 => select(LOCKED.to_vec())];
    (reference, model, release, signers).prop_map(|(reference, model, release, signers)| Locked {
        reference,
        model,
        release,
        signers,
    })
}

fn found() -> impl Strategy<Value = Found> {
    let model = prop::option::weighted(0.9, prop_oneof![4 => Just(1_u8), 1 => Just(3)]);
    let rarely = || prop::bool::weighted(0.1);
    (model, prop::collection::vec(1..6_u8, 0..2), prop::bool::weighted(0.2), rarely(), rarely()).prop_map(
        |(model, files, is_unhashed, is_ignoring, is_unlisting)| Found {
            model,
            files,
            is_unhashed,
            is_ignoring,
            is_unlisting,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let denies = prop_oneof![Just(vec![]), prop::collection::vec(deny(), 0..3)];
    let policy = (rules(), prop::collection::vec(waiver(), 0..5), denies, prop::bool::weighted(0.05));
    let evidence = (
        prop::collection::vec(signed(), 0..6),
        prop::collection::vec(released(), 0..3),
        prop::collection::vec((0..5_usize, 0..5_usize, prop::bool::weighted(0.8)), 0..3),
        prop::collection::vec(attested(1), 0..5),
        BASES.map(carried),
        0..2_usize,
        found(),
    );
    let serial = prop_oneof![9 => Just(7_u64), 1 => Just(8)];
    let lock = prop::option::weighted(0.85, (serial, prop::collection::vec(locked(), 0..4)));
    (policy, evidence, lock, select(REFERENCES.to_vec()), prop::bool::weighted(0.04)).prop_map(
        |(policy, evidence, lock, reference, is_elsewhere)| {
            let (rules, waivers, denies, is_expired) = policy;
            let (signatures, releases, successions, attestations, bases, rejected, contents) = evidence;
            World {
                rules,
                waivers,
                denies,
                is_expired,
                signatures,
                releases,
                successions,
                attestations,
                bases: bases.to_vec(),
                rejected,
                contents,
                lock,
                reference,
                is_elsewhere,
            }
        },
    )
}

impl World {
    /// The policy as its author might have written it.
    fn text(&self) -> String {
        let expires = if self.is_expired { "2026-06-01" } else { "2027-01-01" };
        let mut text = format!("version = 1\nserial = 7\nexpires = {expires}\n");
        let publishers = PUBLISHERS.iter().enumerate();
        text.extend(
            publishers.map(|(number, name)| format!("[publishers.{name}]\nkeys = [\"$KEY{number}\"]\n")),
        );
        text.extend(self.rules.iter().map(Rule::text));
        // A waiver is for a rule that there is.
        let has_rule = |waiver: &&Waiver| self.rules.iter().any(|rule| rule.scope == waiver.scope);
        text.extend(self.waivers.iter().filter(has_rule).map(Waiver::text));
        text.extend(self.denies.iter().map(|deny| format!("[[deny]]\n{deny}\n")));
        text
    }

    fn policy(&self) -> Policy {
        let text = self.text();
        load(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::default();
        evidence.signatures = self.signatures.iter().map(Signed::signature).collect();
        for release in &self.releases {
            let Released { model: about, version, is_of_name, .. } = release;
            let line = line_of(&(about, version, is_of_name));
            let name = if release.is_of_name { self.name() } else { "hf://acme/else" };
            let what =
                Release { name: name.parse().unwrap(), version: VERSIONS[release.version].parse().unwrap() };
            let said = says((release.publisher, key(0)), model(release.model), what);
            let by = of_day(release.signer, release.day);
            evidence.said.push(Arc::new(Said { source: line, by, ..said }));
        }
        for (from, to, is_here) in &self.successions {
            let name = self.name();
            let scope = if *is_here { name } else { "hf://elsewhere/*" };
            let from = (of_succession(*from), signer(*from));
            evidence = evidence.and_succession_by(from, scope, &signer(*to));
        }
        evidence.said.extend(self.attestations.iter().map(|said| Arc::new(said.said(self.reference))));
        evidence.ancestors = Carried::ancestors(&self.bases);
        for _ in 0..self.rejected {
            evidence.reject(source(3), "not by acme");
        }
        let Found { model: of, files, is_unhashed, is_ignoring, is_unlisting } = &self.contents;
        evidence.contents.model = of.map(model);
        evidence.contents.files =
            files.iter().map(|number| (format!("{number}.py"), file(*number))).collect();
        evidence.contents.unhashed = if *is_unhashed { vec!["large.bin".to_owned()] } else { vec![] };
        evidence.contents.unsigned = unsigned(*is_ignoring, *is_unlisting);
        evidence.place =
            self.is_elsewhere.then(|| Place { name: "hf://acme/elsewhere".to_owned(), revision: None });
        evidence
    }

    fn lock(&self) -> Option<Lock> {
        let (serial, entries) = self.lock.as_ref()?;
        let entry_of = |locked: &Locked| {
            let signers: Vec<SignerFacts> = locked.signers.iter().map(|number| signer(*number)).collect();
            let release = locked.release.map(|number| VERSIONS[number]);
            (locked.reference, entry(model(locked.model), release, &signers))
        };
        let mut found = lock(entries.iter().map(entry_of));
        found.see_serials(*serial, None);
        Some(found)
    }

    fn name(&self) -> &'static str {
        self.reference.split('@').next().unwrap()
    }

    fn judge_at(&self, now: Timestamp) -> Result<Verdict, Undecided> {
        judge_by(&self.policy(), self, now)
    }

    fn judge(&self) -> Result<Verdict, Undecided> {
        self.judge_at(now())
    }

    fn is_admitted(&self) -> bool {
        self.judge().is_ok_and(|verdict| verdict.outcome != Outcome::Deny)
    }

    /// Without a lock there may be no verdict, which is not a denial.
    fn is_denied(&self) -> bool {
        self.judge().is_ok_and(|verdict| verdict.outcome == Outcome::Deny)
    }

    /// The rule that governs, found without the judge.
    fn rule(&self) -> Option<&Rule> {
        let name = self.name().to_ascii_lowercase();
        let covers = |rule: &&Rule| {
            let scope = SCOPES[rule.scope].to_ascii_lowercase();
            scope.strip_suffix('*').map_or(scope == name, |prefix| name.starts_with(prefix))
        };
        self.rules.iter().filter(covers).max_by_key(|rule| SCOPES[rule.scope].len())
    }

    /// The same with everything in another order.
    fn shuffled(&self, order: &[Index]) -> Self {
        let mut order = order.iter().cycle();
        let mut world = self.clone();
        shuffle(&mut world.rules, &mut order);
        for rule in &mut world.rules {
            shuffle(&mut rule.of, &mut order);
            shuffle(&mut rule.demands, &mut order);
            shuffle(&mut rule.verifiers, &mut order);
            for demand in &mut rule.demands {
                shuffle(&mut demand.of, &mut order);
            }
        }
        shuffle(&mut world.waivers, &mut order);
        shuffle(&mut world.denies, &mut order);
        shuffle(&mut world.signatures, &mut order);
        shuffle(&mut world.releases, &mut order);
        shuffle(&mut world.successions, &mut order);
        shuffle(&mut world.attestations, &mut order);
        for carried in &mut world.bases {
            shuffle(&mut carried.signatures, &mut order);
            shuffle(&mut carried.attestations, &mut order);
        }
        shuffle(&mut world.contents.files, &mut order);
        world
    }

    /// All worlds that have one thing less beside the model.
    fn with_less(&self) -> Vec<Self> {
        let less = |take: &dyn Fn(&mut Self)| self.less(take);
        let signatures = (0..self.signatures.len()).map(|at| less(&|world| _ = world.signatures.remove(at)));
        let releases = (0..self.releases.len()).map(|at| less(&|world| _ = world.releases.remove(at)));
        let successions =
            (0..self.successions.len()).map(|at| less(&|world| _ = world.successions.remove(at)));
        let rejected = std::iter::once(less(&|world| world.rejected = 0));
        let beside = signatures.chain(releases).chain(successions).chain(rejected);
        beside.chain(self.with_less_attested()).collect()
    }

    /// All worlds in which one thing less is attested, or said of a base.
    fn with_less_attested(&self) -> Vec<Self> {
        let mut worlds: Vec<Self> = (0..self.attestations.len())
            .map(|at| self.less(&|world| _ = world.attestations.remove(at)))
            .collect();
        for (index, carried) in self.bases.iter().enumerate() {
            let signatures = 0..carried.signatures.len();
            worlds.extend(
                signatures.map(|at| self.less(&|world| _ = world.bases[index].signatures.remove(at))),
            );
            let attestations = 0..carried.attestations.len();
            worlds.extend(
                attestations.map(|at| self.less(&|world| _ = world.bases[index].attestations.remove(at))),
            );
        }
        worlds
    }

    /// Whoever is denied may sign what a verifier found good: then it counts that they
    /// did, and leaving it away helps.
    fn without_denials_or_verifiers(mut self, is_denying: bool) -> Self {
        if is_denying {
            for rule in &mut self.rules {
                rule.verifiers.clear();
                rule.is_summed = false;
            }
        } else {
            self.denies.clear();
        }
        self
    }

    /// What is tried out is milder where it is denied than where it is warned of.
    fn without_trials(mut self) -> Self {
        for rule in self.rules.iter_mut().filter(|rule| rule.mode == "audit") {
            rule.mode = "enforce";
        }
        self
    }

    fn less(&self, take: &dyn Fn(&mut Self)) -> Self {
        let mut world = self.clone();
        take(&mut world);
        world
    }
}

fn judge_by(policy: &Policy, world: &World, now: Timestamp) -> Result<Verdict, Undecided> {
    let (evidence, lock) = (world.evidence(), world.lock());
    let reference = world.reference.parse().unwrap();
    judge(policy, &Question { reference: &reference, evidence: &evidence, lock: lock.as_ref(), now })
}

fn shuffle<'a, T>(list: &mut [T], order: &mut impl Iterator<Item = &'a Index>) {
    for place in (1..list.len()).rev() {
        let other = order.next().unwrap().index(place + 1);
        list.swap(place, other);
    }
}

/// The publisher whose word a succession is.
fn of_succession(from: usize) -> usize {
    from.min(PUBLISHERS.len() - 1)
}

/// A day of May, or one of June, which is to come.
fn day(day: u8) -> Timestamp {
    time(&if day < 9 { format!("2026-05-0{day}T00:00:00Z") } else { "2026-06-02T00:00:00Z".to_owned() })
}

fn of_day(number: usize, of: Option<u8>) -> SignedBy {
    SignedBy { signer: signer(number), time: of.map(day) }
}

fn names(of: &[usize]) -> String {
    of.iter().map(|number| format!("\"{}\"", PUBLISHERS[*number])).collect::<Vec<_>>().join(", ")
}

fn unsigned(is_ignoring: bool, is_unlisting: bool) -> Unsigned {
    let paths = |is_there: bool, path: &str| if is_there { vec![path.to_owned()] } else { vec![] };
    Unsigned { ignored: paths(is_ignoring, ".git"), unlisted: paths(is_unlisting, "evil.py") }
}

impl Rule {
    fn text(&self) -> String {
        let Self { at_least, of, continuity, mode, .. } = self;
        let head = format!("[[rules]]\nscope = \"{}\"\nmode = \"{mode}\"\n", SCOPES[self.scope]);
        if self.is_unsigned {
            return format!("{head}unsigned = \"pinned\"\n");
        }
        let verifiers: String = self.verifiers.iter().map(Verifier::text).collect();
        if self.is_summed {
            return format!("{head}continuity = \"{continuity}\"\n{verifiers}");
        }
        let asked = self.asked.iter().copied().collect::<Vec<_>>().join("\n");
        let demands: String = self.demands.iter().map(Demand::text).collect();
        format!(
            "{head}signed-by = {{ at-least = {at_least}, of = [{}] }}\n\
             continuity = \"{continuity}\"\n{asked}\n{demands}{verifiers}",
            names(of)
        )
    }

    fn is_for_signatures(&self) -> bool {
        !self.is_unsigned && !self.is_summed
    }
}

impl Waiver {
    fn text(&self) -> String {
        let Self { model, scope, is_valid, owner } = self;
        let (scope, expires) = (SCOPES[*scope], if *is_valid { "2026-12-31" } else { "2026-05-31" });
        format!(
            "[[waivers]]\nmodel = \"$MODEL{model}\"\nrule = \"{scope}\"\nowner = \"owner {owner}\"\n\
             reason = \"old\"\nexpires = {expires}\n"
        )
    }
}

impl Signed {
    fn signature(&self) -> Signature {
        Signature {
            source: line_of(&Self { publisher: 0, signer: 0, day: None, ..self.clone() }),
            by: of_day(self.signer, self.day),
            hash: if self.oddity == 1 { HashType::Blake3 } else { HashType::Sha256 },
            caveats: match self.oddity {
                2 => vec![Caveat::SymlinksFollowed],
                3 => vec![Caveat::LegacyFormat],
                _ => vec![],
            },
            root: RootDigest::from_sha256(file(self.root)),
            files: self.files(),
            ..signature(self.publisher, key(0), model(1))
        }
    }

    fn files(&self) -> Files {
        let unsigned = unsigned(self.is_ignoring, self.is_unlisting);
        self.model.map_or_else(
            || Files::Differ("weights.bin is other".to_owned()),
            |number| Files::Match { model: model(number), unsigned },
        )
    }
}

/// A line says one thing: whatever else is said is said in another.
fn line_of(said: &impl Debug) -> Source {
    let mut hasher = DefaultHasher::new();
    format!("{said:?}").hash(&mut hasher);
    source(usize::try_from(hasher.finish() >> 40).unwrap())
}

/// The same policy with its publishers at the end, the last one first.
fn with_publishers_last(text: &str) -> String {
    let (head, rest) = text.split_once("[publishers.").unwrap();
    let (publishers, rest) = rest.split_at(rest.find("[[rules]]").unwrap());
    let mut tables: Vec<&str> = publishers.split("[publishers.").collect();
    tables.reverse();
    format!("{head}{rest}[publishers.{}", tables.join("[publishers."))
}

proptest! {
    #![proptest_config(Config::with_cases(Config::default().cases))]

    #[test]
    fn no_order_of_anything_changes_a_verdict(
        world in world(),
        order in prop::collection::vec(any::<Index>(), 40),
    ) {
        prop_assert_eq!(world.judge(), world.shuffled(&order).judge());
    }

    #[test]
    fn the_order_of_publishers_changes_no_verdict(world in world()) {
        let policy = load(&with_publishers_last(&world.text())).unwrap();
        prop_assert_eq!(judge_by(&policy, &world, now()), world.judge());
    }

    #[test]
    fn one_more_denial_never_admits_a_model(world in world(), deny in deny()) {
        let mut more = world.clone();
        more.denies.push(deny);
        if more.is_admitted() {
            prop_assert!(world.is_admitted(), "{:#?}\n{:#?}", world.judge(), more.judge());
        }
    }

    #[test]
    fn leaving_something_away_never_admits_a_model(world in world(), is_denying in any::<bool>()) {
        let world = world.without_denials_or_verifiers(is_denying);
        let policy = world.policy();
        let is_denied = |verdict: &Verdict| verdict.outcome == Outcome::Deny;
        if let Some(all) = judge_by(&policy, &world, now()).ok().filter(is_denied) {
            for less in world.with_less() {
                let less = judge_by(&policy, &less, now()).unwrap();
                prop_assert!(is_denied(&less), "{:#?}\n{:#?}", all, less);
            }
        }
    }

    #[test]
    fn a_lock_never_admits_what_would_be_denied_without_one(world in world()) {
        let mut without = world.clone();
        without.lock = None;
        for rule in &mut without.rules {
            rule.continuity = "none";
        }
        if without.is_denied() {
            prop_assert!(!world.is_admitted(), "{:#?}\n{:#?}", without.judge(), world.judge());
        }
    }

    #[test]
    fn what_nobody_signs_is_admitted_only_as_the_lock_has_it(world in world()) {
        let mut world = world;
        for rule in &mut world.rules {
            (rule.is_unsigned, rule.mode) = (true, "enforce");
        }
        if let Ok(verdict) = world.judge() && verdict.outcome != Outcome::Deny {
            let (lock, reference) = (world.lock().unwrap(), world.reference.parse::<Reference>().unwrap());
            let bare = Reference::of(reference.name().clone());
            let locked = lock.entry(&reference).or_else(|| lock.entry(&bare)).unwrap();
            prop_assert_eq!(Some(locked.model), verdict.model);
            prop_assert_eq!(verdict.outcome, Outcome::Warn);
        }
    }

    #[test]
    fn an_expired_policy_admits_nothing(world in world()) {
        let late = world.judge_at(time("2027-01-01T00:00:00Z"));
        prop_assert!(!late.is_ok_and(|verdict| verdict.outcome != Outcome::Deny));
        let expired = World { is_expired: true, ..world };
        prop_assert!(!expired.is_admitted());
    }

    #[test]
    fn a_waiver_takes_back_nothing_but_what_the_rule_says(world in world(), of in 1..4_u8) {
        let Some(scope) = world.rule().map(|rule| rule.scope) else { return Ok(()) };
        let Ok(before) = world.judge() else { return Ok(()) };
        let is_firm = |reason: &crate::Reason| reason.severity == Severity::Deny && reason.basis != Basis::Rule;
        let mut waived = world.clone();
        waived.waivers.push(Waiver { model: of, scope, is_valid: true, owner: 9 });
        let after = waived.judge().unwrap();
        // Other files than those that were denied may be the ones that are admitted.
        // So may be the verdict of somebody else, with which the lock has no quarrel.
        let is_of_the_same = after.model == before.model && after.summary == before.summary;
        if before.reasons.iter().any(is_firm) && is_of_the_same {
            prop_assert_eq!(after.outcome, Outcome::Deny, "{:#?}", after);
        }
    }

    #[test]
    fn a_waiver_makes_no_verdict_worse(world in world(), of in 1..4_u8) {
        let world = world.without_trials();
        let Some(scope) = world.rule().map(|rule| rule.scope) else { return Ok(()) };
        let Ok(before) = world.judge() else { return Ok(()) };
        let mut waived = world.clone();
        waived.waivers.push(Waiver { model: of, scope, is_valid: true, owner: 9 });
        let after = waived.judge().unwrap();
        prop_assert!(after.outcome <= before.outcome, "{:#?}\n{:#?}", before, after);
    }

    #[test]
    fn no_mode_softens_what_is_absolute(world in world(), mode in select(vec!["warn", "audit"])) {
        let Ok(before) = world.judge() else { return Ok(()) };
        let is_absolute =
            |reason: &crate::Reason| reason.severity == Severity::Deny && reason.basis == Basis::Absolute;
        let mut softer = world.clone();
        for rule in &mut softer.rules {
            rule.mode = mode;
        }
        let after = softer.judge().unwrap();
        if before.reasons.iter().any(is_absolute) && after.model == before.model {
            prop_assert_eq!(after.outcome, Outcome::Deny);
        }
    }

    /// Counted in the plainest way: some choice of publishers whose signers
    /// share neither key nor name.
    #[test]
    fn one_signer_never_counts_twice(world in world()) {
        let mut world = world;
        world.waivers.clear();
        for rule in &mut world.rules {
            (rule.mode, rule.continuity) = ("enforce", "none");
        }
        let Some(rule) = world.rule().filter(|rule| rule.is_for_signatures()) else { return Ok(()) };
        if let Ok(verdict) = world.judge() && verdict.outcome != Outcome::Deny && verdict.summary.is_none() {
            let over_these = world.signatures.iter().filter(|signed| signed.model.map(model) == verdict.model);
            let signers: Vec<_> = over_these.map(|signed| (signed.publisher, signer(signed.signer))).collect();
            prop_assert!(most(&rule.of, &signers, &mut vec![]) >= rule.at_least, "{:#?}", verdict);
        }
    }
}

fn most<'a>(of: &[usize], signers: &'a [(usize, SignerFacts)], chosen: &mut Vec<&'a SignerFacts>) -> usize {
    let Some((publisher, rest)) = of.split_first() else { return chosen.len() };
    let mut found = most(rest, signers, chosen);
    for (_, signer) in signers.iter().filter(|(by, _)| by == publisher) {
        let is_same =
            |other: &&SignerFacts| other.id == signer.id || (other.key.is_some() && other.key == signer.key);
        if !chosen.iter().any(is_same) {
            chosen.push(signer);
            found = found.max(most(rest, signers, chosen));
            chosen.pop();
        }
    }
    found
}

/// Properties of verdicts say nothing where nearly all verdicts are the same.
#[test]
fn the_worlds_are_admitted_warned_of_and_denied() {
    const WORLDS: usize = 3000;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..WORLDS {
        let found = world().new_tree(&mut runner).unwrap().current().judge();
        let outcome = found.as_ref().map_or("undecided", |verdict| verdict.outcome.as_str());
        let reasons = found.as_ref().map_or(&[][..], |verdict| &verdict.reasons);
        let attested = found.as_ref().map_or(&[][..], |verdict| &verdict.attestations);
        let problems = attested.iter().filter_map(|attested| Some(attested.problem.as_ref()?.code()));
        let is_attested = outcome != "deny" && attested.iter().any(|attested| attested.counts);
        let is_attested = is_attested.then_some("admitted by what is attested");
        let codes = reasons.iter().map(|reason| reason.kind.code()).chain(problems).chain(is_attested);
        let codes: BTreeSet<&str> = codes.chain([outcome]).collect();
        for code in codes {
            *seen.entry(code).or_default() += 1;
        }
    }
    for (outcome, least) in [
        ("allow", 300),
        ("warn", 300),
        ("deny", 750),
        ("undecided", 60),
        ("admitted by what is attested", 30),
        ("by-summary", 8),
    ] {
        assert!(seen[outcome] >= least, "{outcome}: {seen:?}");
    }
    for code in [
        "signer-changed",
        "too-few-publishers",
        "waived",
        "waiver-expired",
        "denied-signer",
        "succeeded",
        "release-reused",
        "release-older",
        "release-missing",
        "unsigned-files",
        "model-changed",
        "revision-changed",
        "not-enforced",
        "denied-file",
        "denied-model",
        "deny-not-evaluated",
        "attestation-missing",
        "attestation-not-accepted",
        "dependency-not-admitted",
        "dependency-missing",
        "dependency-warned",
        "too-few-attestors",
        "predicate-unreadable",
        "other-builder",
        "too-old",
        "age-unknown",
        "from-the-future",
        "no-summary",
        "other-verifier",
        "other-reference",
        "other-policy",
        "not-passed",
    ] {
        assert!(seen.get(code).is_some_and(|count| *count >= 1), "{code}: {seen:?}");
    }
}
