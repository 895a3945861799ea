//! The judge among as many signatures, publishers and denials as there may be.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use modelseal_manifest::{ModelDigest, Sha256Digest};
use modelseal_predicate::Provenance;

use crate::evidence::{Evidence, Said, Signature};
use crate::stage::{
    VERIFIER, ask, carried, entry, file, key, load, lock, made_from, model, provenance, says, signature,
    signed, source, summary, workflow,
};
use crate::{Outcome, Policy, SignerFacts};

/// What was seen to take a second or two may take this long where the machine
/// has other work.
const PATIENCE: Duration = Duration::from_mins(1);
const PUBLISHERS: usize = 64;
/// As many lines as are read beside a model.
const LINES: usize = 1024;

/// Any two of 64 publishers, and 100,000 denials of others.
fn policy(denial: impl Fn(usize) -> String) -> Policy {
    policy_asking(|_| String::new(), denial)
}

/// The same, where the rule asks for more, of any of these publishers.
fn policy_asking(more: impl Fn(&str) -> String, denial: impl Fn(usize) -> String) -> Policy {
    let mut text = "version = 1\nserial = 1\nexpires = 2027-01-01\n".to_owned();
    let names: Vec<String> = (0..PUBLISHERS).map(|index| format!("\"p{index:02}\"")).collect();
    for name in &names {
        let _ = write!(
            text,
            "[publishers.{name}]\nsigstore = [{{ issuer = \"i\", identity = \"a@acme.example\" }}]\n"
        );
    }
    let of = names.join(", ");
    let _ = write!(
        text,
        "[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ at-least = 2, of = [{of}] }}\ncontinuity = \"tofu\"\n{}",
        more(&of)
    );
    for index in 0..100_000 {
        let _ = write!(text, "[[deny]]\n{}\nreason = \"x\"\n", denial(index));
    }
    load(&text).unwrap()
}

fn of_keys(index: usize) -> String {
    format!("key = \"sha256:{index:064x}\"")
}

/// Every line is every publisher's.
fn crowd(signer: impl Fn(usize) -> SignerFacts, of: impl Fn(usize) -> ModelDigest) -> Evidence {
    let mut evidence = signed([]);
    for line in 0..LINES {
        let one = Signature { source: source(line), ..signature(0, signer(line), of(line)) };
        evidence.signatures.extend((0..PUBLISHERS).map(|publisher| Signature { publisher, ..one.clone() }));
    }
    evidence
}

#[track_caller]
fn expect(policy: &Policy, evidence: &Evidence, outcome: Outcome) {
    // Nobody signed it until now, so that whoever does is new.
    let lock = lock([("hf://acme/toy", entry(model(1), None, &[]))]);
    let start = Instant::now();
    let found = ask(policy, "hf://acme/toy", evidence, Some(&lock)).unwrap();
    let took = start.elapsed();
    assert_eq!(found.outcome, outcome);
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn many_signers_of_one_model_are_counted_soon() {
    let policy = policy(of_keys);
    expect(&policy, &crowd(|line| key(line + 10), |_| model(1)), Outcome::Warn);
    expect(&policy, &crowd(|_| key(10), |_| model(1)), Outcome::Deny);
}

#[test]
fn signatures_of_as_many_models_are_judged_soon() {
    let of = |line: usize| {
        let digest = Sha256Digest::of(line.to_string().as_bytes());
        format!("model-v1:{digest}").parse().unwrap()
    };
    expect(&policy(of_keys), &crowd(|_| key(10), of), Outcome::Deny);
}

/// Provenance of two of 64 publishers, as often as a rule may ask for it.
fn built(of: &str) -> String {
    let demand = format!(
        "[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ at-least = 2, of = [{of}] }}\nmax-age = \"1d\"\n\
         dependencies = {{ of = [\"hf://acme/*\"], at-least = 0 }}\n"
    );
    demand.repeat(16)
}

#[test]
fn many_attestations_are_counted_soon() {
    let policy = policy_asking(built, of_keys);
    for (attestor, outcome) in [(1_usize, Outcome::Warn), (0, Outcome::Deny)] {
        let mut evidence = signed([signature(0, key(10), model(1)), signature(1, key(11), model(1))]);
        for line in 0..LINES / 4 {
            let one = says((0, key(10 + line * attestor)), model(1), provenance());
            let one = Said { source: source(line), ..one };
            evidence
                .said
                .extend((0..PUBLISHERS).map(|publisher| Arc::new(Said { publisher, ..one.clone() })));
        }
        expect(&policy, &evidence, outcome);
    }
}

/// Each line was made from as many models as are followed, each of which has as
/// many signatures.
#[test]
fn what_many_models_were_made_from_is_judged_soon() {
    let policy = policy_asking(built, of_keys);
    let bases: Vec<(String, ModelDigest)> =
        (0..64).map(|base| (format!("hf://acme/b{base}"), model(base))).collect();
    let mut evidence = signed([signature(0, key(10), model(1)), signature(1, key(11), model(1))]);
    for (name, of) in &bases {
        let signatures = (0..PUBLISHERS).map(|publisher| signature(publisher, key(10 + publisher), *of));
        evidence = evidence.and_of(name, *of, carried(*of, signatures));
    }
    for line in 0..LINES / 4 {
        let bases = bases.iter().map(|(name, of)| (name.as_str(), *of));
        let one = says((line % 2, key(10 + line)), model(1), made_from(bases));
        evidence.said.push(Arc::new(Said { source: source(line), ..one }));
    }
    // The bases are signed, and nobody says how they were made.
    expect(&policy, &evidence, Outcome::Deny);
}

/// The numbers of the models that the one of a number was made from.
type Bases = dyn Fn(u8) -> std::ops::Range<u8>;

/// As many models as are followed, each made from every later one, or from both of the
/// next two: as many ways lead to the last as there are numbers, and each model is judged
/// once. In a circle they are judged until nothing gets better.
#[test]
fn models_that_were_made_from_each_other_in_many_ways_are_judged_soon() {
    let policy = policy_asking(built, of_keys);
    let name = |at: u8| format!("hf://acme/b{at}");
    let later = |at: u8| at + 1..64;
    let layered = |at: u8| (at / 2 + 1) * 2..((at / 2 + 2) * 2).min(64);
    let in_a_circle = |at: u8| if at == 63 { 0..1 } else { at + 1..at + 2 };
    let made: [(&Bases, bool, Outcome); 4] = [
        (&later, false, Outcome::Warn),
        (&layered, false, Outcome::Warn),
        (&in_a_circle, false, Outcome::Deny),
        (&in_a_circle, true, Outcome::Warn),
    ];
    for (bases_of, has_good_word, outcome) in made {
        let signers = |of: ModelDigest| [0, 1].map(|publisher| signature(publisher, key(10 + publisher), of));
        let says_of = |of: ModelDigest, bases: std::ops::Range<u8>| {
            [0, 1].map(|publisher| {
                let names: Vec<_> = bases.clone().map(|base| (name(base), model(100 + base))).collect();
                let bases = names.iter().map(|(name, of)| (name.as_str(), *of));
                says((publisher, key(10 + publisher)), of, made_from(bases))
            })
        };
        let with = |evidence: Evidence, said: [Said; 2]| said.into_iter().fold(evidence, Evidence::and);
        let mut evidence = with(signed(signers(model(1))), says_of(model(1), 0..2));
        for at in 0..64 {
            let of = model(100 + at);
            let mut of_it = with(carried(of, signers(of)), says_of(of, bases_of(at)));
            if has_good_word && at == 63 {
                of_it = with(of_it, says_of(of, 0..0));
            }
            evidence = evidence.and_of(&name(at), of, of_it);
        }
        expect(&policy, &evidence, outcome);
    }
}

/// Many verdicts of somebody else, beside many lines of provenance: what those come to is
/// found out once.
#[test]
fn many_summaries_beside_much_provenance_are_looked_through_soon() {
    let more = |of: &str| {
        format!(
            "{}[[rules.summaries]]\nsigned-by = \"p00\"\nverifier = \"{VERIFIER}\"\npolicies = [\"sha256:{}\"]\nmax-age = \"1d\"\n",
            built(of),
            file(9)
        )
    };
    let policy = policy_asking(more, of_keys);
    let mut evidence = signed([]);
    for line in 0..LINES / 4 {
        let bases: Vec<(String, ModelDigest)> =
            (0..32).map(|base| (format!("hf://acme/b{base}"), model(base))).collect();
        let bases = bases.iter().map(|(name, of)| (name.as_str(), *of));
        evidence = evidence.and(says((line % 2, key(10 + line)), model(1), made_from(bases)));
        evidence = evidence.and(says((0, key(10 + line)), model(1), summary("hf://acme/toy")));
    }
    expect(&policy, &evidence, Outcome::Warn);
}

/// A message quotes a little of what a signer wrote, be that a megabyte, and is told once
/// for each model that it is of.
#[test]
fn what_speaks_against_a_base_is_told_shortly() {
    let policy =
        policy_asking(|of| format!("{}builder = \"https://ci.example/acme/*\"\n", built(of)), of_keys);
    let long = Provenance { builder: format!("https://x.example/{}", "b".repeat(1 << 20)), ..provenance() };
    let base = carried(model(2), [signature(0, key(10), model(2)), signature(1, key(11), model(2))]);
    let base = base.and(says((0, key(10)), model(2), long));
    let named = (0..1000).map(|_| ("hf://acme/base", model(2)));
    let evidence = signed([signature(0, key(10), model(1)), signature(1, key(11), model(1))])
        .and(says((0, key(10)), model(1), made_from(named)))
        .and_of("hf://acme/base", model(2), base);
    let lock = lock([("hf://acme/toy", entry(model(1), None, &[]))]);
    let found = ask(&policy, "hf://acme/toy", &evidence, Some(&lock)).unwrap();
    assert_eq!(found.attestations[0].dependencies.len(), 1);
    assert!(found.reasons.iter().all(|reason| reason.kind.to_string().len() < 10_000));
}

#[test]
fn denials_of_identities_are_looked_through_soon() {
    let of_tags = |index: usize| {
        format!(
            "identity = \"https://github.example/acme/toy/.github/workflows/{}{index}*.yml@refs/tags/v*\"",
            "r*".repeat(20)
        )
    };
    let policy = policy(of_tags);
    let tag = "v".repeat(200);
    let evidence =
        signed((0..16).map(|line| signature(line, workflow(&line.to_string(), "1", &tag), model(1))));
    expect(&policy, &evidence, Outcome::Warn);
}

/// `a*a*a*…` against a long text that nearly matches, as often as a verdict may
/// ask: the time does not grow with the number of ways to match.
#[test]
fn a_pattern_of_many_wildcards_is_matched_soon() {
    let pattern = format!("https://g.example/acme/{}b", "a*".repeat(1000));
    let pattern: modelseal_verify::IdentityPattern = pattern.parse().unwrap();
    let text = format!("https://g.example/acme/{}", "a".repeat(100_000));
    let start = Instant::now();
    for _ in 0..100 {
        assert!(!pattern.matches_text(&text));
    }
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}
