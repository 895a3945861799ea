//! What a model was made from: other models, and those before them.

use super::attestations::{REFUSED, THIRD, built, by_third, said, verdict_on, with_root};
use super::*;
use crate::evidence::Said;
use crate::stage::{ancestor, base, carried, file, made_from, provenance, says, subjects};

const BASE: &str = "hf://base/b";
const ORIGIN: &str = "hf://origin/o";
/// Who signs the models that others are made from.
const OF_BASES: &str = "[[rules]]\nscope = \"hf://base/*\"\nsigned-by = { any = [\"other\"] }\n";
const NOT_ADMITTED: [&str; 1] = ["deny dependency-not-admitted"];
/// The same as a problem of the attestation that says so.
const FOR_IT: [&str; 1] = ["dependency-not-admitted"];

fn from_bases() -> String {
    built("dependencies = { of = [\"hf://base/*\"] }")
}

pub(super) fn by_other(of: u8) -> Signature {
    signature(OTHER, key(1), model(of))
}

/// Made from the base models of these numbers, of which this is carried along.
fn from<'a>(bases: impl IntoIterator<Item = (&'a str, u8, Evidence)>) -> Evidence {
    let bases: Vec<_> = bases.into_iter().collect();
    let evidence = said(made_from(bases.iter().map(|(name, of, _)| (*name, model(*of)))));
    bases
        .into_iter()
        .fold(evidence, |evidence, (name, of, carried)| evidence.and_of(name, model(of), carried))
}

fn from_signed_base() -> Evidence {
    from([(BASE, 5, carried(model(5), [by_other(5)]))])
}

/// What a model was made from.
pub(super) fn dependencies() -> Vec<Scenario> {
    let of = |title, evidence| scenario(title, &from_bases(), evidence).with(OF_BASES);
    let refused = |title, evidence| of(title, evidence).is(DENY, &NOT_ADMITTED).because(&FOR_IT);
    let at_least =
        |number: usize| built(&format!("dependencies = {{ of = [\"hf://base/*\"], at-least = {number} }}"));
    let from_mirror = |title, of: &str| {
        let mirror = "oci://mirror.example/hf/base/b";
        let evidence = said(made_from([(mirror, model(5))]));
        let evidence = evidence.and_of(mirror, model(5), carried(model(5), [by_other(5)]));
        scenario(title, &built(&format!("dependencies = {{ of = [\"{of}\"] }}")), evidence)
            .with(&format!("{OF_BASES}[[remap]]\nfrom = \"oci://mirror.example/hf/*\"\nto = \"hf://*\""))
    };
    let unnamed =
        || modelseal_predicate::Provenance { dependencies: vec![base(None, model(5))], ..provenance() };
    vec![
        of("Made from a base model that is admitted", from_signed_base()).is(ALLOW, &[]),
        refused("Made from one that nobody signed", from([(BASE, 5, carried(model(5), []))])),
        refused("Made from one that somebody else signed", {
            from([(BASE, 5, carried(model(5), [signature(ACME, key(0), model(5))]))])
        }),
        refused("Made from one that was not followed", said(made_from([(BASE, model(5))]))),
        refused("Made from one under a name that has no rule", {
            from([("hf://nobody/b", 5, carried(model(5), [by_other(5)]))])
        }),
        scenario(
            "Made from one that is admitted, and may not be built on",
            &built("dependencies = { of = [\"hf://other/*\"] }"),
            from_signed_base(),
        )
        .with(OF_BASES)
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        refused("Made from one that has no name", said(unnamed())),
        refused("Made from two, of which one is not admitted", {
            from([(BASE, 5, carried(model(5), [by_other(5)])), (BASE, 6, carried(model(6), []))])
        }),
        of("Made from nothing that is named", said(provenance()))
            .is(DENY, &REFUSED)
            .because(&["dependency-missing"]),
        scenario("Made from one, and two are asked for", &at_least(2), from_signed_base())
            .with(OF_BASES)
            .is(DENY, &REFUSED)
            .because(&["dependency-missing"]),
        scenario("Made from one that is named twice, and two are asked for", &at_least(2), {
            let twice = said(made_from([(BASE, model(5)), (BASE, model(5))]));
            twice.and_of(BASE, model(5), carried(model(5), [by_other(5)]))
        })
        .with(OF_BASES)
        .is(DENY, &REFUSED)
        .because(&["dependency-missing"]),
        scenario("Made from two, and two are asked for", &at_least(2), {
            from([(BASE, 5, carried(model(5), [by_other(5)])), (BASE, 6, carried(model(6), [by_other(6)]))])
        })
        .with(OF_BASES)
        .is(ALLOW, &[]),
        scenario("Made from nothing, and nothing is asked for", &at_least(0), said(provenance()))
            .with(OF_BASES)
            .is(ALLOW, &[]),
        scenario(
            "Nothing is asked for, and what is there is not admitted",
            &at_least(0),
            from([(BASE, 5, carried(model(5), []))]),
        )
        .with(OF_BASES)
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        refused("The base model is denied", from_signed_base())
            .with(&format!("{OF_BASES}[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\"")),
        refused("The signer of the base model is denied", from_signed_base())
            .with(&format!("{OF_BASES}[[deny]]\nkey = \"$KEY1\"\nreason = \"stolen\"")),
        refused("Files are denied, and nothing tells those of the base model", from_signed_base())
            .with(&format!("{OF_BASES}[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\"")),
        refused("A file of the base model is denied", {
            let mut of_base = carried(model(5), [by_other(5)]);
            of_base.contents =
                Contents { files: vec![("a.py".to_owned(), file(3))], unhashed: vec![], ..of_base.contents };
            from([(BASE, 5, of_base)])
        })
        .with(&format!("{OF_BASES}[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\"")),
        scenario("Nobody asks what it was made from", &built(""), from([(BASE, 5, carried(model(5), []))]))
            .with(OF_BASES)
            .is(ALLOW, &[]),
        of("Another attestor says that it was made from something good", {
            from([(BASE, 5, carried(model(5), []))]).and(says((OTHER, key(1)), model(1), made_from([])))
        })
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        from_mirror("A mirror of the base model, by its own name", "oci://mirror.example/*"),
        from_mirror("A mirror of the base model, by the name under which it is judged", "hf://base/*"),
        from_mirror("A mirror of the base model, which may not be built on", "oci://other.example/*")
            .is(DENY, &NOT_ADMITTED)
            .because(&FOR_IT),
    ]
}

/// What is admitted, and somebody should look at.
pub(super) fn warned_dependencies() -> Vec<Scenario> {
    let of_bases = |more: &str| format!("{OF_BASES}{more}\n");
    let warned = ["warn dependency-warned"];
    let unsigned = || from([(BASE, 5, carried(model(5), []))]);
    let by_lock = |base: Option<(u8, SignerFacts)>| {
        let base = base.map(|(of, signer)| (BASE, entry(model(of), None, &[signer])));
        lock([(NAME, entry(model(1), None, &[key(0)]))].into_iter().chain(base))
    };
    let tofu = from_bases().replacen(ANY, TOFU, 1);
    vec![
        scenario("The base model is seen for the first time", &tofu, from_signed_base())
            .with(&of_bases("continuity = \"tofu\""))
            .locked(by_lock(None))
            .is(WARN, &warned),
        scenario("The signer of the base model is the one of the lock", &tofu, from_signed_base())
            .with(&of_bases("continuity = \"tofu\""))
            .locked(by_lock(Some((6, key(1)))))
            .is(ALLOW, &[]),
        scenario("The signer of the base model is another than in the lock", &tofu, from_signed_base())
            .with(&of_bases("continuity = \"tofu\""))
            .locked(by_lock(Some((6, key(3)))))
            .is(DENY, &NOT_ADMITTED)
            .because(&FOR_IT),
        scenario("The base model has other bytes than are pinned", &tofu, from_signed_base())
            .with(&of_bases("continuity = \"pinned\""))
            .locked(by_lock(Some((6, key(1)))))
            .is(DENY, &NOT_ADMITTED)
            .because(&FOR_IT),
        scenario(
            "The rule of the base model asks a lock that is not there",
            &from_bases(),
            from_signed_base(),
        )
        .with(&of_bases("continuity = \"tofu\""))
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        scenario("A base model that nobody signs, and that is pinned", &tofu, unsigned())
            .with("[[rules]]\nscope = \"hf://base/*\"\nunsigned = \"pinned\"\n")
            .locked(lock([(NAME, entry(model(1), None, &[key(0)])), (BASE, entry(model(5), None, &[]))]))
            .is(WARN, &warned),
        scenario("The rule of the base model warns", &from_bases(), unsigned())
            .with(&of_bases("mode = \"warn\""))
            .is(WARN, &warned),
        scenario("The rule of the base model is tried out", &from_bases(), unsigned())
            .with(&of_bases("mode = \"audit\""))
            .is(ALLOW, &[]),
        scenario("Another provenance is by a base model that needs no warning", &from_bases(), {
            let carried_along = carried(model(6), [by_other(6)]);
            unsigned().and(by_third(made_from([(BASE, model(6))]))).and_of(BASE, model(6), carried_along)
        })
        .with(&of_bases("mode = \"warn\""))
        .is(ALLOW, &[]),
        scenario("Nobody asks what it was made from, which is worth a warning", &built(""), unsigned())
            .with(&of_bases("mode = \"warn\""))
            .is(ALLOW, &[]),
    ]
}

/// Models that were made from models that were made from models.
pub(super) fn chains() -> Vec<Scenario> {
    let deep = |of_grandparent: &[Signature]| {
        let parent = carried(model(5), [by_other(5)]).and(says(
            (THIRD, key(2)),
            model(5),
            made_from([(ORIGIN, model(6))]),
        ));
        from([(BASE, 5, parent.and_of(ORIGIN, model(6), carried(model(6), of_grandparent.iter().cloned())))])
    };
    let ask_on = |of: &str| {
        format!(
            "{OF_BASES}[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"third\"] }}\ndependencies = {{ of = [\"{of}\"], at-least = 0 }}\n{}",
            OF_BASES.replacen("base", "origin", 1)
        )
    };
    let circle = |of_base: Said| {
        let toy = carried(model(1), [by_acme()]).and(by_third(made_from([(BASE, model(5))])));
        from([(BASE, 5, carried(model(5), [by_other(5)]).and(of_base))]).and_of(NAME, model(1), toy)
    };
    let of_base = |provenance| says((THIRD, key(2)), model(5), provenance);
    let from_toy = || of_base(made_from([(NAME, model(1))]));
    let on_bases = built("dependencies = { of = [\"hf://*\"] }");
    vec![
        scenario("What the base model was made from is admitted", &from_bases(), deep(&[by_other(6)]))
            .with(&ask_on("hf://origin/*"))
            .is(ALLOW, &[]),
        scenario("What the base model was made from is not admitted", &from_bases(), deep(&[]))
            .with(&ask_on("hf://origin/*"))
            .is(DENY, &NOT_ADMITTED)
            .because(&FOR_IT),
        scenario("What the base model was made from is nobody's question", &from_bases(), deep(&[]))
            .with(OF_BASES)
            .is(ALLOW, &[]),
        scenario("It was made from itself", &on_bases, {
            let made = || by_third(made_from([(NAME, model(1))]));
            signed([by_acme()]).and(made()).and_of(NAME, model(1), carried(model(1), [by_acme()]).and(made()))
        })
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        scenario("It was made from what was made from it", &on_bases, circle(from_toy()))
            .with(&ask_on("hf://acme/*"))
            .is(DENY, &NOT_ADMITTED)
            .because(&FOR_IT),
        scenario(
            "It was made from what was made from it, of which nobody asks",
            &on_bases,
            circle(from_toy()),
        )
        .with(OF_BASES)
        .is(ALLOW, &[]),
        scenario("It was made from what was made from it, by one of two words", &on_bases, {
            let mut evidence = circle(from_toy());
            let base = evidence.ancestors.remove(&ancestor(BASE, model(5))).unwrap();
            evidence.and_of(BASE, model(5), base.and(of_base(provenance())))
        })
        .with(&ask_on("hf://acme/*"))
        .is(ALLOW, &[]),
    ]
}

/// Two base models, each made from the other by one word: whichever comes first, one
/// good word for either is enough for both, and none for neither.
#[test]
fn where_a_circle_begins_changes_nothing() {
    let [a, b] = [("hf://base/a", 5), ("hf://base/b", 6)];
    let rules = format!(
        "{OF_BASES}[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"third\"] }}\n\
         dependencies = {{ of = [\"hf://base/*\"], at-least = 0 }}\n"
    );
    let judge = |made_of: (&str, u8), good: &[(&str, u8)]| {
        let evidence = [(a, b), (b, a)].into_iter().fold(
            said(made_from([(made_of.0, model(made_of.1))])),
            |all, (base, other)| {
                let by_builder =
                    |what: modelseal_predicate::Provenance| says((THIRD, key(2)), model(base.1), what);
                let mut of_it = carried(model(base.1), [by_other(base.1)])
                    .and(by_builder(made_from([(other.0, model(other.1))])));
                if good.contains(&base) {
                    of_it = of_it.and(by_builder(provenance()));
                }
                all.and_of(base.0, model(base.1), of_it)
            },
        );
        let verdict = verdict_on(&from_bases(), &rules, &evidence);
        let of_all: Vec<Outcome> = verdict.ancestors.values().map(|verdict| verdict.outcome).collect();
        (verdict.outcome, of_all)
    };
    for first in [a, b] {
        assert_eq!(judge(first, &[]), (DENY, vec![DENY, DENY]), "{first:?}");
        assert_eq!(judge(first, &[a]), (ALLOW, vec![ALLOW, ALLOW]), "{first:?}");
        assert_eq!(judge(first, &[b]), (ALLOW, vec![ALLOW, ALLOW]), "{first:?}");
    }
}

pub(super) fn softened() -> Vec<Scenario> {
    let waiver = "[[waivers]]\nmodel = \"$MODEL1\"\nrule = \"hf://acme/*\"\nowner = \"ops\"\nreason = \"old\"\nexpires = 2026-12-31";
    let by_two_words = || {
        let other = by_third(made_from([(BASE, model(6))]));
        from_signed_base().and(other).and_of(BASE, model(6), carried(model(6), [by_other(6)]))
    };
    let mode = |mode: &str| built("").replacen(ANY, &format!("{ANY}\nmode = \"{mode}\""), 1);
    let tried_out = |mode: &str| from_bases().replacen(ANY, &format!("{ANY}\nmode = \"{mode}\""), 1);
    vec![
        scenario(
            "A waiver for a model of which nobody says how it was made",
            &built(""),
            signed([by_acme()]),
        )
        .with(waiver)
        .is(WARN, &["warn attestation-missing", "warn waived"]),
        scenario("A waiver does not take back that the signer changed", &built("").replacen(ANY, TOFU, 1), {
            signed([signature(OTHER, key(1), model(1))])
        })
        .with(waiver)
        .locked(lock_of_acme())
        .is(DENY, &["deny signer-changed", "warn attestation-missing", "warn waived"]),
        scenario("A rule that warns of what nobody attests", &mode("warn"), signed([by_acme()]))
            .is(WARN, &["warn attestation-missing", "warn not-enforced"]),
        scenario(
            "A rule that is tried out, and demands what nobody attests",
            &mode("audit"),
            signed([by_acme()]),
        )
        .is(ALLOW, &["note attestation-missing", "note not-enforced"]),
        scenario("A model that is denied, whatever is attested of it", &mode("audit"), said(provenance()))
            .with("[[deny]]\nmodel = \"$MODEL1\"\nreason = \"backdoor\"")
            .is(DENY, &["deny denied-model"]),
        scenario("A waiver for a model that was made from one that is not admitted", &from_bases(), {
            from([(BASE, 5, carried(model(5), []))])
        })
        .with(&format!("{OF_BASES}{waiver}"))
        .is(WARN, &["warn dependency-not-admitted", "warn waived"])
        .because(&FOR_IT),
        scenario(
            "A waiver for a model that was made from one that is denied",
            &from_bases(),
            from_signed_base(),
        )
        .with(&format!("{OF_BASES}{waiver}\n[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\""))
        .is(DENY, &["deny dependency-not-admitted"])
        .because(&FOR_IT),
        scenario(
            "A rule that is tried out on what was made from something denied",
            &tried_out("audit"),
            from_signed_base(),
        )
        .with(&format!("{OF_BASES}[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\""))
        .is(DENY, &["deny dependency-not-admitted"])
        .because(&FOR_IT),
        scenario(
            "By one word it was made from something denied, and by another it was not",
            &from_bases(),
            by_two_words(),
        )
        .with(&format!("{OF_BASES}[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\""))
        .is(ALLOW, &[])
        .because(&FOR_IT),
        scenario("The same, and a waiver that nothing needs", &from_bases(), by_two_words())
            .with(&format!("{OF_BASES}{waiver}\n[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\""))
            .is(ALLOW, &[])
            .because(&FOR_IT),
        scenario(
            "A rule that is tried out, and provenance about the root digest names something denied",
            &tried_out("warn"),
            {
                let about_root = subjects(&[&[("sha256", file(9))]]);
                let said = Said { subjects: about_root, ..by_third(made_from([(BASE, model(5))])) };
                let base = carried(model(5), [by_other(5)]);
                signed([with_root(9, by_acme())]).and(said).and_of(BASE, model(5), base)
            },
        )
        .with(&format!("{OF_BASES}[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\""))
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        scenario(
            "A rule that is tried out, and nobody can tell what a base model was made from that was not followed",
            &tried_out("audit"),
            said(made_from([(BASE, model(5))])),
        )
        .with(&format!("{OF_BASES}[[deny]]\nmodel = \"$MODEL8\"\nreason = \"backdoor\""))
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
        scenario(
            "A rule that is tried out, and nobody can tell whether the base model has a denied file",
            &tried_out("audit"),
            from_signed_base(),
        )
        .with(&format!("{OF_BASES}[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\""))
        .is(DENY, &NOT_ADMITTED)
        .because(&FOR_IT),
    ]
}

/// The model of the signature lies in a directory with a file more, which is another model
/// by its digest: nobody says of that one what it was made from, and it is denied as well.
pub(super) fn with_a_file_more() -> Vec<Scenario> {
    let more = || {
        let mut evidence = from_signed_base();
        evidence.contents.model = Some(model(9));
        evidence
    };
    let summed_up = || more().and(says((THIRD, key(2)), model(9), crate::stage::summary(NAME)));
    let taking = format!(
        "{}\n[[rules.summaries]]\nsigned-by = \"third\"\nverifier = \"{}\"\npolicies = [\"sha256:{}\"]\nmax-age = \"1d\"",
        from_bases(),
        crate::stage::VERIFIER,
        file(9)
    );
    let denied = format!("{OF_BASES}[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\"\n");
    let waiver = "[[waivers]]\nmodel = \"$MODEL9\"\nrule = \"hf://acme/*\"\nowner = \"ops\"\nreason = \"old\"\nexpires = 2026-12-31";
    let mode = |mode: &str| from_bases().replacen(ANY, &format!("{ANY}\nmode = \"{mode}\""), 1);
    let is_denied = |title, rule: &str, rest: String, evidence| {
        let scenario = scenario(title, rule, evidence).with(&rest);
        let found = ask(&load(&scenario.policy()).unwrap(), NAME, &scenario.evidence, None).unwrap();
        assert_eq!(found.outcome, DENY, "{title}: {found:#?}");
        assert!(found.denials().any(|kind| kind.code() == "dependency-not-admitted"), "{title}: {found:#?}");
    };
    is_denied("in a mode that warns", &mode("warn"), denied.clone(), more());
    is_denied("in a mode that tries out", &mode("audit"), denied.clone(), more());
    is_denied("with a waiver", &from_bases(), format!("{denied}{waiver}"), more());
    is_denied("found good", &taking, denied.clone(), summed_up());
    vec![
        scenario("A file more, and made from nothing that is denied", &taking, summed_up())
            .with(OF_BASES)
            .is(ALLOW, &["note other-bytes"]),
    ]
}

/// No verdict is reached on the base without a lock, and its denial needs none.
#[test]
fn a_denial_of_a_base_needs_no_lock() {
    let of_bases = OF_BASES.replace("[\"other\"] }", "[\"other\"] }\ncontinuity = \"tofu\"");
    let rule = from_bases().replacen(ANY, &format!("{ANY}\nmode = \"audit\""), 1);
    let contents = |denied: u8| {
        let mut base = carried(model(5), [by_other(5)]);
        base.contents.unhashed.clear();
        base.contents.files = vec![("weights".to_owned(), file(denied))];
        from([(BASE, 5, base)])
    };
    let deny = "[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\"";
    for (denied, expected) in [(3, DENY), (4, ALLOW)] {
        let found = verdict_on(&rule, &format!("{of_bases}{deny}"), &contents(denied));
        assert_eq!(found.outcome, expected, "{found:#?}");
    }
}

/// Two bases in a circle, one of which was made from something denied too: by every name
/// that they could have, nothing takes that back.
#[test]
fn a_denial_in_a_circle_does_not_depend_on_names() {
    let asking = "[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = { any = [\"third\"] }\n\
                  dependencies = { of = [\"hf://base/*\"], at-least = 0 }\n";
    let rule = from_bases().replacen(ANY, &format!("{ANY}\nmode = \"warn\""), 1);
    for [x, y, z] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let names = ["hf://base/a", "hf://base/b", "hf://base/c"];
        let (x, y, z) = ((names[x], 5), (names[y], 6), (names[z], 7));
        for softened in ["", "\nmode = \"warn\""] {
            let of_bases = OF_BASES.replace("[\"other\"] }", &format!("[\"other\"] }}{softened}"));
            let by_builder = |of: u8, bases: &[(&str, u8)]| {
                says(
                    (THIRD, key(2)),
                    model(of),
                    made_from(bases.iter().map(|(name, of)| (*name, model(*of)))),
                )
            };
            let base = |of: u8| carried(model(of), [by_other(of)]);
            let evidence = said(made_from([(x.0, model(x.1))]))
                .and_of(x.0, model(5), base(5).and(by_builder(5, &[y])))
                .and_of(y.0, model(6), base(6).and(by_builder(6, &[x])).and(by_builder(6, &[x, z])))
                .and_of(z.0, model(7), base(7).and(by_builder(7, &[])));
            let denied = "[[deny]]\nmodel = \"$MODEL7\"\nreason = \"backdoor\"";
            let found = verdict_on(&rule, &format!("{of_bases}{asking}{denied}"), &evidence);
            assert_eq!(found.outcome, DENY, "{x:?} {y:?} {z:?} {found:#?}");
        }
    }
}

/// The chain can be looked at: every model in it has its verdict.
#[test]
fn a_verdict_holds_the_verdicts_on_what_the_model_was_made_from() {
    let found = verdict_on(&from_bases(), OF_BASES, &from_signed_base());
    let dependency = &found.attestations[0].dependencies[0];
    let of_base = &found.ancestors[dependency.ancestor.as_ref().unwrap()];
    assert_eq!((of_base.outcome, of_base.model), (ALLOW, Some(model(5))));
    let signers: Vec<_> =
        of_base.signatures.iter().map(|counted| counted.signer.publisher.as_str()).collect();
    assert_eq!(signers, ["other"]);
}
