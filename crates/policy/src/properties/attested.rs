//! What is attested in the worlds, and what their rules demand of it.

use modelseal_predicate::{Provenance, SummaryPolicy, VerificationSummary};

use super::*;
use crate::chain::Ancestor;
use crate::evidence::{Predicate, Said};
use crate::stage::{BUILDER, SCAN, VERIFIER, ancestor, by, made_from, says, subjects, summary};

const BUILDERS: [&str; 2] = [BUILDER, "https://evil.example/x/runner"];
const VERIFIERS: [&str; 2] = [VERIFIER, "https://evil.example/verifier"];
/// How old something may be, in days: what was made on the eighth of May is 24
/// days old.
const AGES: [u8; 3] = [25, 28, 90];
/// Who is asked for most that is attested.
const ATTESTOR: usize = PUBLISHERS.len() - 1;
/// What models are made from: another of the same publisher, one of somebody
/// else, and the model itself.
pub(super) const BASES: [(&str, u8); 3] = [("hf://acme/base", 4), ("hf://base/b", 5), ("hf://acme/toy", 1)];
const SCOPES_OF_BASES: [&str; 3] = ["hf://*", "hf://acme/*", "hf://base/*"];

/// Somebody says something.
#[derive(Clone, Debug)]
pub(super) struct Attested {
    pub(super) publisher: usize,
    pub(super) signer: usize,
    /// The day on which that was proved to be signed.
    pub(super) day: Option<u8>,
    pub(super) subject: Subject,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Subject {
    Model(u8),
    /// The model digest as a SHA-256.
    Sha256(u8),
    /// The root digest of a signature, which has this number.
    Root(u8),
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Provenance { builder: usize, finished: Option<u8>, is_by_the_job: bool, bases: Vec<usize> },
    Scan,
    Unreadable,
    Summary { verifier: usize, verified: Option<u8>, policy: u8, has_passed: bool, is_of_name: bool },
}

/// What a rule demands.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) is_scan: bool,
    pub(super) at_least: usize,
    pub(super) of: Vec<usize>,
    max_age: Option<u8>,
    builder: Option<usize>,
    /// So many bases, with names in this scope.
    bases: Option<(usize, usize)>,
    level: Option<u8>,
}

/// Whose verdict a rule takes.
#[derive(Clone, Debug)]
pub(super) struct Verifier {
    signer: usize,
    id: usize,
    policies: Vec<u8>,
    max_age: u8,
}

/// What is carried along of a model that another was made from.
#[derive(Clone, Debug)]
pub(super) struct Carried {
    pub(super) signatures: Vec<Signed>,
    pub(super) attestations: Vec<Attested>,
}

pub(super) fn attested(of: u8) -> impl Strategy<Value = Attested> {
    let subject = prop_oneof![
        6 => Just(Subject::Model(of)),
        1 => Just(Subject::Sha256(of)),
        1 => (2..4_u8).prop_map(Subject::Model),
        2 => (7..9_u8).prop_map(Subject::Root),
    ];
    let day = || prop::option::weighted(0.7, 1..10_u8);
    let bases = prop::collection::btree_set(0..BASES.len(), 0..3);
    let mostly = |weight| prop::bool::weighted(weight);
    let first = |weight: u32| prop_oneof![weight => Just(0_usize), 1 => Just(1)];
    let provenance =
        (first(4), day(), mostly(0.2), bases).prop_map(|(builder, finished, is_by_the_job, bases)| {
            What::Provenance { builder, finished, is_by_the_job, bases: bases.into_iter().collect() }
        });
    let summary = (first(8), day(), prop_oneof![8 => Just(9_u8), 1 => Just(8)], mostly(0.9), mostly(0.9));
    let summary = summary.prop_map(|(verifier, verified, policy, has_passed, is_of_name)| What::Summary {
        verifier,
        verified,
        policy,
        has_passed,
        is_of_name,
    });
    let what = prop_oneof![6 => provenance, 2 => Just(What::Scan), 1 => Just(What::Unreadable), 4 => summary];
    (attestor(), day(), subject, what).prop_map(|((publisher, signer), day, subject, what)| Attested {
        publisher,
        signer,
        day,
        subject,
        what,
    })
}

/// Mostly the last publisher, who may sign the model or not.
fn attestor() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![1 => Just((ATTESTOR, ATTESTOR)), 1 => publisher_and_signer()]
}

pub(super) fn demand() -> impl Strategy<Value = Demand> {
    let anybody = prop::collection::btree_set(0..PUBLISHERS.len(), 1..=PUBLISHERS.len());
    let of = prop_oneof![1 => Just(BTreeSet::from([ATTESTOR])), 1 => anybody];
    let build = (
        prop::option::weighted(0.4, prop_oneof![4 => Just(0_usize), 1 => Just(1)]),
        prop::option::weighted(0.6, (0..2_usize, 0..SCOPES_OF_BASES.len())),
        prop::option::of(1..4_u8),
    );
    let at_least = prop_oneof![3 => Just(1_usize), 1 => Just(2)];
    (prop::bool::weighted(0.2), at_least, of, prop::option::of(select(AGES.to_vec())), build).prop_map(
        |(is_scan, at_least, of, max_age, (builder, bases, level))| Demand {
            is_scan,
            at_least: at_least.min(of.len()),
            of: of.into_iter().collect(),
            max_age,
            builder: builder.filter(|_| !is_scan),
            bases: bases.filter(|_| !is_scan),
            level: level.filter(|_| !is_scan),
        },
    )
}

pub(super) fn verifier() -> impl Strategy<Value = Verifier> {
    let policies = prop_oneof![4 => Just(vec![9_u8]), 1 => Just(vec![8, 9]), 1 => Just(vec![8])];
    let verifier = prop_oneof![8 => Just(0_usize), 1 => Just(1)];
    let signer = prop_oneof![2 => Just(ATTESTOR), 1 => 0..PUBLISHERS.len()];
    (signer, verifier, policies, select(AGES.to_vec())).prop_map(|(signer, id, policies, max_age)| Verifier {
        signer,
        id,
        policies,
        max_age,
    })
}

pub(super) fn carried((_, of): (&'static str, u8)) -> impl Strategy<Value = Carried> {
    let signatures = prop::collection::vec(signed(), 0..3);
    (signatures, prop::collection::vec(attested(of), 0..2))
        .prop_map(|(signatures, attestations)| Carried { signatures, attestations })
}

impl Attested {
    pub(super) fn said(&self, name: &str) -> Said {
        let predicate = match &self.what {
            What::Provenance { builder, finished, is_by_the_job, bases } => {
                let bases = bases.iter().map(|index| BASES[*index]).map(|(name, of)| (name, model(of)));
                let provenance = Provenance {
                    builder: BUILDERS[*builder].to_owned(),
                    finished: finished.map(day),
                    is_by_the_job_itself: *is_by_the_job,
                    ..made_from(bases)
                };
                provenance.into()
            }
            What::Scan => Predicate::Other,
            What::Unreadable => Predicate::Unreadable("no builder".to_owned()),
            What::Summary { verifier, verified, policy, has_passed, is_of_name } => {
                let verdict = VerificationSummary {
                    verifier: VERIFIERS[*verifier].to_owned(),
                    verified: verified.map(day),
                    policy: SummaryPolicy { uri: "urn:policy".to_owned(), sha256: Some(file(*policy)) },
                    has_passed: *has_passed,
                    ..summary(if *is_of_name { name } else { "hf://acme/else" })
                };
                verdict.into()
            }
        };
        let subjects = subjects(&[&[match self.subject {
            Subject::Model(of) => ("model-v1", file(of)),
            Subject::Sha256(of) | Subject::Root(of) => ("sha256", file(of)),
        }]]);
        let signed = SignedBy { time: self.day.map(day), ..by(signer(self.signer), None) };
        let said = says((self.publisher, signer(self.signer)), model(1), predicate);
        Said { source: line_of(&(&self.subject, &self.what)), by: signed, subjects, ..said }
    }

    /// Whether it is about files of this number; `roots` are those of their
    /// signatures.
    fn is_about(&self, of: u8, roots: &BTreeSet<u8>) -> bool {
        match self.subject {
            Subject::Model(number) | Subject::Sha256(number) => number == of,
            Subject::Root(number) => roots.contains(&number),
        }
    }

    /// Whether it is as young as it has to be, by what its signer says and what is
    /// proved of a keyless one.
    fn is_fresh(&self, own: Option<u8>, max_age: u8) -> bool {
        let proved = self.day.filter(|_| self.signer >= 8);
        let days: Vec<u8> = own.into_iter().chain(proved).collect();
        // The ninth is to come; what was made on the first is 31 days old.
        !days.is_empty() && days.iter().all(|day| *day < 9 && 32 - day <= max_age)
    }
}

impl Demand {
    pub(super) fn text(&self) -> String {
        let of_type = if self.is_scan { SCAN } else { "provenance" };
        let Self { at_least, of, max_age, builder, bases, level, .. } = self;
        let mut text = format!(
            "[[rules.attestations]]\ntype = \"{of_type}\"\nsigned-by = {{ at-least = {at_least}, of = [{}] }}\n",
            names(of)
        );
        text.extend(max_age.map(|days| format!("max-age = \"{days}d\"\n")));
        text.extend(builder.map(|builder| format!("builder = \"{}\"\n", BUILDERS[builder])));
        text.extend(bases.map(|(at_least, scope)| {
            format!("dependencies = {{ of = [\"{}\"], at-least = {at_least} }}\n", SCOPES_OF_BASES[scope])
        }));
        text.extend(level.map(|level| format!("build-level = {level}\n")));
        text
    }

    /// Whether this is what it demands, in the plainest words: of files of this
    /// number, whose signatures have these roots, and given which bases are
    /// admitted.
    pub(super) fn is_met_by(&self, said: &Attested, of: u8, roots: &BTreeSet<u8>, admitted: &[bool]) -> bool {
        let (own, is_as_asked) = match &said.what {
            What::Provenance { builder, finished, bases, .. } if !self.is_scan => {
                let is_built_so = self.builder.is_none_or(|expected| expected == *builder);
                let is_made_so = self.bases.is_none_or(|(at_least, scope)| {
                    let prefix = SCOPES_OF_BASES[scope].trim_end_matches('*');
                    let is_good = |index: &usize| admitted[*index] && BASES[*index].0.starts_with(prefix);
                    bases.len() >= at_least && bases.iter().all(is_good)
                });
                (*finished, is_built_so && is_made_so)
            }
            What::Scan => (None, self.is_scan),
            _ => (None, false),
        };
        let is_fresh = self.max_age.is_none_or(|max_age| said.is_fresh(own, max_age));
        self.of.contains(&said.publisher) && said.is_about(of, roots) && is_as_asked && is_fresh
    }
}

impl Verifier {
    pub(super) fn text(&self) -> String {
        let Self { signer, id, policies, max_age } = self;
        let policies: Vec<String> = policies.iter().map(|policy| format!("\"$FILE{policy}\"")).collect();
        format!(
            "[[rules.summaries]]\nsigned-by = \"{}\"\nverifier = \"{}\"\npolicies = [{}]\nmax-age = \"{max_age}d\"\n",
            PUBLISHERS[*signer],
            VERIFIERS[*id],
            policies.join(", ")
        )
    }

    /// Whether this is a verdict that it takes, on files of this number.
    pub(super) fn takes(&self, said: &Attested, of: u8) -> bool {
        let What::Summary { verifier, verified, policy, has_passed, is_of_name } = &said.what else {
            return false;
        };
        let is_this = *verifier == self.id && self.policies.contains(policy) && *is_of_name;
        let is_fresh = verified.is_some() && said.is_fresh(*verified, self.max_age);
        said.publisher == self.signer
            && is_this
            && *has_passed
            && is_fresh
            && said.is_about(of, &BTreeSet::new())
    }
}

impl Carried {
    /// What there is of the base of this number.
    pub(super) fn evidence(all: &[Self], index: usize) -> Evidence {
        let (name, of) = BASES[index];
        let mut evidence = Evidence::default();
        for signed in &all[index].signatures {
            // Of signatures of other files nothing is carried along.
            evidence.signatures.push(Signed { model: Some(of), ..signed.clone() }.signature());
        }
        evidence.said = all[index].attestations.iter().map(|said| Arc::new(said.said(name))).collect();
        evidence.contents.model = Some(model(of));
        evidence.contents.unhashed = vec![model(of).to_string()];
        evidence
    }

    /// What there is of each.
    pub(super) fn ancestors(all: &[Self]) -> BTreeMap<Ancestor, Evidence> {
        let of = |index: usize| {
            let (name, of) = BASES[index];
            (ancestor(name, model(of)), Self::evidence(all, index))
        };
        (0..all.len()).map(of).collect()
    }
}

proptest! {
    #![proptest_config(Config::with_cases(Config::default().cases))]

    /// Counted in the plainest way: so many attestations of different signers, each
    /// about these files, as old as it may be, and of bases that are admitted.
    #[test]
    fn whatever_is_demanded_is_attested(world in world()) {
        let mut world = world;
        (world.waivers, world.denies) = (vec![], vec![]);
        for rule in &mut world.rules {
            rule.mode = "enforce";
        }
        let Some(rule) = world.rule().filter(|rule| rule.is_for_signatures()) else { return Ok(()) };
        let (policy, lock) = (world.policy(), world.lock());
        let Ok(verdict) = judge_by(&policy, &world, now()) else { return Ok(()) };
        if verdict.outcome == Outcome::Deny || verdict.summary.is_some() {
            return Ok(());
        }
        let admitted: Vec<bool> = (0..BASES.len())
            .map(|index| {
                let mut evidence = Carried::evidence(&world.bases, index);
                evidence.ancestors = Carried::ancestors(&world.bases);
                let reference = BASES[index].0.parse().unwrap();
                let question = Question { reference: &reference, evidence: &evidence, lock: lock.as_ref(), now: now() };
                judge(&policy, &question).is_ok_and(|verdict| verdict.outcome != Outcome::Deny)
            })
            .collect();
        let of = (1..4_u8).find(|number| Some(model(*number)) == verdict.model).unwrap();
        let over_these = world.signatures.iter().filter(|signed| signed.model == Some(of));
        let over_these = over_these.filter(|signed| rule.of.contains(&signed.publisher));
        let roots: BTreeSet<u8> = over_these.map(|signed| signed.root).collect();
        for demand in &rule.demands {
            let met = world.attestations.iter().filter(|said| demand.is_met_by(said, of, &roots, &admitted));
            let signers: Vec<_> = met.map(|said| (said.publisher, signer(said.signer))).collect();
            prop_assert!(most(&demand.of, &signers, &mut vec![]) >= demand.at_least, "{:#?}", verdict);
        }
    }

    #[test]
    fn a_verdict_by_summary_is_that_of_somebody_whom_the_rule_takes(world in world()) {
        let (Some(rule), Ok(verdict)) = (world.rule(), world.judge()) else { return Ok(()) };
        if verdict.summary.is_some() {
            let of = (1..4_u8).find(|number| Some(model(*number)) == verdict.model).unwrap();
            let is_taken = |said: &Attested| {
                rule.verifiers.iter().any(|verifier| verifier.takes(said, of))
            };
            prop_assert!(world.attestations.iter().any(is_taken), "{:#?}", verdict);
        }
    }

    /// Neither for the model, nor for its releases, nor for who follows whom.
    #[test]
    fn who_only_attests_signs_nothing_else(world in world()) {
        let Some(rule) = world.rule() else { return Ok(()) };
        let mut without = world.clone();
        let signs = |publisher: usize| rule.is_for_signatures() && rule.of.contains(&publisher);
        without.signatures.retain(|signed| signs(signed.publisher));
        without.releases.retain(|released| signs(released.publisher));
        without.successions.retain(|(from, ..)| signs(of_succession(*from)));
        // What they say of releases is told, and counts for nothing.
        let told = |world: &World| {
            world.judge().map(|mut verdict| {
                verdict.attestations.retain(|attested| attested.release.is_none());
                verdict
            })
        };
        prop_assert_eq!(told(&without), told(&world));
    }

    #[test]
    fn leaving_what_is_attested_away_makes_no_verdict_better(world in world(), is_denying in any::<bool>()) {
        let world = world.without_denials_or_verifiers(is_denying).without_trials();
        let policy = world.policy();
        let Ok(all) = judge_by(&policy, &world, now()) else { return Ok(()) };
        for less in world.with_less_attested() {
            let less = judge_by(&policy, &less, now()).unwrap();
            prop_assert!(less.outcome >= all.outcome, "{:#?}\n{:#?}", all, less);
            let is_alike = less.outcome == all.outcome && less.model == all.model;
            if is_alike && less.summary.is_none() && all.summary.is_none() {
                prop_assert!(less.build_level <= all.build_level, "{:#?}\n{:#?}", all, less);
            }
        }
    }
}
