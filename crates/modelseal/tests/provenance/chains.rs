//! How far a chain is followed, whoever built its models.

use super::*;

const CLAIMS: &str = "tune/claims.jsonl";

/// A rule for each of these scopes: `acme` signs, and the builder of the same place
/// says that the model was made from one of the next scope; of the last, nobody.
fn policy_of_levels(scopes: &[String], builders: &[String]) -> String {
    let rule = |(level, scope): (usize, &String)| {
        let rule = format!("[[rules]]\nscope = \"hf://{scope}/*\"\nsigned-by = {{ any = [\"acme\"] }}\n");
        let Some(next) = scopes.get(level + 1) else { return rule };
        let builder = &builders[level % builders.len()];
        format!(
            "{rule}[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [{builder:?}] }}\n\
             dependencies = {{ of = [\"hf://{next}/*\"] }}\n"
        )
    };
    policy_of(&scopes.iter().enumerate().map(rule).collect::<String>())
}

/// `tune`, and below it so many models, each made from the next: by builders that
/// take turns.
fn chain(below: usize, builders: &[(&str, &str)]) -> (Stage, String) {
    let stage = signed();
    let scopes: Vec<String> = (0..=below)
        .map(|level| if level == 0 { "acme".to_owned() } else { format!("level-{level}") })
        .collect();
    let names: Vec<String> = builders.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut digests = vec![digest(&stage, "tune")];
    for scope in &scopes[1..] {
        let (payload, digest) = absent(scope, HashType::Sha256);
        push(&stage, CLAIMS, &line_of("p256", &payload));
        digests.push(digest);
    }
    for level in 0..below {
        let base = resource(&format!("hf://{}/model", scopes[level + 1]), &digests[level + 1]);
        let statement = statement(&digests[level], PROVENANCE_TYPE, &made_from(&[base]));
        push(&stage, CLAIMS, &line(builders[level % builders.len()].1, &statement));
    }
    (stage, policy_of_levels(&scopes, &names))
}

#[test]
fn a_chain_of_models_that_builders_made_by_turns_is_followed() {
    for below in 1..=3 {
        let (stage, policy) = chain(below, &[("ci", "p384"), ("registry", "p521"), ("meta", "ed25519")]);
        allows(verify(&stage, &policy, &[]));
    }
}

/// An organisation has one builder, and fine-tunes what it fine-tuned before.
#[test]
fn a_chain_of_models_that_one_builder_made_is_followed() {
    for below in [1, 3, 4, 7] {
        let (stage, policy) = chain(below, &[("ci", "p384")]);
        println!("{below} below");
        allows(verify(&stage, &policy, &[]));
    }
}

#[test]
fn a_chain_is_followed_sixty_four_models_deep_and_no_further() {
    for (below, exit) in [(64, 0), (65, 1)] {
        let (stage, policy) = chain(below, &[("vera", "other-p256")]);
        verify(&stage, &policy, &[]).expect(exit);
    }
}

/// All under one rule: each but the last was built by `ci`.
fn in_one_scope(models: &[(&str, &[&str])]) -> (Stage, String) {
    let stage = signed();
    let digest_of = |name: &str| match name {
        "tune" => digest(&stage, "tune"),
        "base" => digest(&stage, "base"),
        name => absent(name, HashType::Sha256).1,
    };
    let uri =
        |name: &str| if name == "base" { "hf://meta/base".to_owned() } else { format!("hf://acme/{name}") };
    let mut added = lines(&stage, "base/claims.jsonl");
    added.extend(lines(&stage, "base/model.sig"));
    for (name, bases) in models {
        if *name != "tune" {
            added.push(line_of("p256", &absent(name, HashType::Sha256).0));
        }
        let bases: Vec<Value> = bases.iter().map(|base| resource(&uri(base), &digest_of(base))).collect();
        added.push(line("p384", &statement(&digest_of(name), PROVENANCE_TYPE, &made_from(&bases))));
    }
    let own = lines(&stage, CLAIMS);
    write_lines(&stage, CLAIMS, &[own, added].concat());
    (stage, edited(&policy(), "of = [\"hf://meta/*\"]", "of = [\"hf://meta/*\", \"hf://acme/*\"]"))
}

#[test]
fn a_model_may_be_made_from_another_one_of_its_own_scope() {
    let (stage, policy) = in_one_scope(&[("tune", &["older"]), ("older", &["base"])]);
    allows(verify(&stage, &policy, &[]));
}

#[test]
fn a_model_may_be_made_from_two_others_of_its_own_scope() {
    let (stage, policy) = in_one_scope(&[("tune", &["one", "two"]), ("one", &["base"]), ("two", &["base"])]);
    allows(verify(&stage, &policy, &[]));
}

#[test]
fn a_cycle_is_not_admitted_where_it_is_demanded() {
    let (stage, policy) = in_one_scope(&[("tune", &["older"]), ("older", &["tune"])]);
    denies(verify(&stage, &policy, &[]), "dependency-not-admitted");
    let (stage, policy) = in_one_scope(&[("tune", &["tune"])]);
    denies(verify(&stage, &policy, &[]), "dependency-not-admitted");
}

/// By one line each of two was made from the other, and by another line one of them
/// was not: whichever that is, the circle is nobody's loss.
#[test]
fn a_line_that_closes_a_circle_denies_nothing_that_another_line_admits() {
    for good in ["one", "two"] {
        for first in ["one", "two"] {
            let (stage, policy) =
                in_one_scope(&[("tune", &[first]), ("one", &["two"]), ("two", &["one"]), (good, &["base"])]);
            let verdict = allows(verify(&stage, &policy, &[]));
            assert_eq!(verdict["ancestors"].as_array().unwrap().len(), 3, "{verdict:#}");
        }
    }
}

/// Parsed as deep as readers of JSON go by default.
#[test]
fn the_report_of_a_chain_is_no_deeper_than_readers_go() {
    let (stage, policy) = chain(64, &[("ci", "p384")]);
    let verdict = allows(verify(&stage, &policy, &["--tree"]));
    assert_eq!(verdict["ancestors"].as_array().unwrap().len(), 64);
    let depths = verdict["tree"].as_array().unwrap().iter().map(|link| link["depth"].as_u64().unwrap());
    assert_eq!(depths.max().unwrap(), 2 * 64 + 1);
    let denied = denies(
        verify(&stage, &edited(&policy, "hf://level-64/*", "hf://elsewhere/*"), &["--tree"]),
        "dependency-not-admitted",
    );
    assert!(denied["tree"].is_array());
}

/// Thirty layers of two, each made from both of the next: a thousand million ways lead
/// down, and sixty models are judged and told of.
#[test]
fn models_with_many_ways_between_them_are_judged_once_each() {
    let names: Vec<[String; 2]> =
        (0..30).map(|layer| ["a", "b"].map(|side| format!("{side}{layer:02}"))).collect();
    let names: Vec<[&str; 2]> = names.iter().map(|[a, b]| [a.as_str(), b.as_str()]).collect();
    let mut models: Vec<(&str, &[&str])> = vec![("tune", &names[0])];
    for (layer, next) in names.iter().zip(&names[1..]) {
        models.extend(layer.iter().map(|name| (*name, &next[..])));
    }
    models.extend(names[29].iter().map(|name| (*name, &["base"][..])));
    let (stage, policy) = in_one_scope(&models);
    let verdict = allows(verify(&stage, &policy, &["--tree"]));
    assert_eq!(verdict["ancestors"].as_array().unwrap().len(), 61);
    assert!(
        verdict["tree"].as_array().unwrap().len() < 1000,
        "{}",
        verdict["tree"].as_array().unwrap().len()
    );
}

/// `tune`, made from so many models of `meta`; with junk, if it is wanted, up to as
/// many lines as are read.
pub(crate) fn wide(models: usize, junk: bool) -> (Stage, String) {
    let stage = signed();
    let mut all = lines(&stage, CLAIMS);
    let mut resources = vec![];
    for number in 0..models {
        let (payload, digest) = absent(&format!("base-{number}"), HashType::Sha256);
        all.push(line_of("ed25519", &payload));
        resources.push(resource(&format!("hf://meta/base-{number}"), &digest));
    }
    let tune = digest(&stage, "tune");
    all.push(line("p384", &statement(&tune, PROVENANCE_TYPE, &made_from(&resources))));
    for number in 0..if junk { 1024 - all.len() } else { 0 } {
        all.push(line("other-p256", &statement(&tune, BOM_TYPE, &json!({ "number": number }))));
    }
    write_lines(&stage, CLAIMS, &all);
    (stage, edited(&policy(), "bind-name = true\n", ""))
}

#[test]
fn a_model_may_be_made_from_sixty_four_others_and_from_no_more() {
    let (stage, policy) = wide(64, false);
    allows(verify(&stage, &policy, &[]));
    let (stage, policy) = wide(65, false);
    denies(verify(&stage, &policy, &[]), "dependency-not-admitted");
}
