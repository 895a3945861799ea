//! Models of identities that were made from models of others.

use std::fs;
use std::process::Command;

use modelseal::Sha256Digest;
use serde_json::{Value, json};

use crate::genuine::BY_WORKFLOW;
use crate::provenance::*;
use crate::scene::{Scene, succeeds};
use crate::sigstore::{self, Signer};
use crate::stage::Answer;

/// What admits the models of `meta`, a person.
fn base_policy() -> String {
    let rule = "[[rules]]\nscope = \"hf://meta/*\"\nsigned-by = { any = [\"meta\"] }";
    policy_of(&[publisher("meta", Signer::Person)], rule)
}

/// What admits the models of `acme`, a workflow, that were made from such models.
fn chain_policy() -> String {
    let of_acme = demand("provenance", "acme", "dependencies = { of = [\"hf://meta/*\"] }");
    let rules = format!(
        "[[rules]]\nscope = \"hf://meta/*\"\nsigned-by = {{ any = [\"meta\"] }}\n\
         [[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ any = [\"acme\"] }}\n{of_acme}"
    );
    policy_of(&[publisher("meta", Signer::Person), publisher("acme", Signer::Workflow)], &rules)
}

/// With a base model that somebody signed.
fn with_base(signer: Signer) -> Scene {
    let scene = Scene::with(&BY_WORKFLOW);
    fs::create_dir(scene.at("base")).unwrap();
    scene.write("base/weights", "3");
    let (config, token) = (sigstore::file("client_trust_config.json"), signer.token());
    let sign = ["sign", "base", "--format", "json", "--trust-config", &config, "--identity-token", &token];
    succeeds(&mut scene.command(sign));
    scene.write("provenance.json", build(&[]).to_string());
    scene
}

/// The workflow attests what the model was made from, under this policy for that.
fn attest_base(scene: &Scene, policy: &str) -> Command {
    scene.write("base.toml", policy);
    let base = ["--base-model", "hf://meta/base=base", "--base-policy", "base.toml"];
    let token = Signer::Workflow.token();
    let by = ["--provenance", "provenance.json", "--identity-token", &token];
    scene.attest(&[base, by].concat())
}

/// A model of the workflow, made from one of the person.
fn fine_tuned() -> Scene {
    let scene = with_base(Signer::Person);
    succeeds(&mut attest_base(&scene, &base_policy()));
    scene
}

/// Leaves lines of the claims away.
fn without(scene: &Scene, is_left_away: impl Fn(&str) -> bool) {
    let claims = fs::read_to_string(scene.at(CLAIMS)).unwrap();
    let (left_away, kept): (Vec<&str>, Vec<&str>) = claims.lines().partition(|line| {
        let statement: Value = serde_json::from_slice(&payload_of(line)).unwrap();
        is_left_away(statement["predicateType"].as_str().unwrap())
    });
    assert!(!left_away.is_empty() && !kept.is_empty(), "{claims}");
    scene.write(CLAIMS, kept.join("\n"));
}

fn is_signature(predicate_type: &str) -> bool {
    predicate_type == "https://model_signing/signature/v1.0"
}

#[test]
fn provenance_records_the_base_model_and_the_person_who_signed_it() {
    let scene = with_base(Signer::Person);
    let report = succeeds(&mut attest_base(&scene, &base_policy()));
    let base = &report["provenance"]["dependencies"][0];
    assert_eq!((&base["role"], &base["uri"]), (&json!("base-model"), &json!("hf://meta/base")));
    let mut predicate = statement(&scene, CLAIMS)["predicate"].take();
    let mut recorded = predicate["buildDefinition"]["resolvedDependencies"][0].take();
    let annotations = recorded["annotations"].take();
    let (identity, issuer) = (Signer::Person.identity(), Signer::Person.issuer());
    let signed_by =
        json!([{ "publisher": "meta", "method": "identity", "issuer": issuer, "identity": identity }]);
    assert_eq!(annotations["signedBy"], signed_by);
    let policy = json!({ "sha256": Sha256Digest::of(base_policy().as_bytes()).to_string() });
    assert_eq!(annotations["policy"], policy);
}

#[test]
fn a_base_model_that_its_policy_denies_is_not_attested() {
    let scene = with_base(Signer::Workflow);
    let mut attest = attest_base(&scene, &base_policy());
    scene.refuses(&mut attest, 1, "not-signed-by-publisher", &["hf://meta/base"]);
}

#[test]
fn the_chain_is_admitted_without_the_files_of_the_base_model() {
    let scene = fine_tuned();
    fs::remove_dir_all(scene.at("base")).unwrap();
    let verdict = allows(&mut scene.judge(&chain_policy(), &[]));
    let dependency = &verdict["attestations"][0]["dependencies"][0];
    assert_eq!(
        (&dependency["reference"], &dependency["outcome"]),
        (&json!("hf://meta/base"), &json!("allow"))
    );
}

/// What hangs on the link at this place.
fn children(tree: &[Value], at: usize) -> impl Iterator<Item = &Value> {
    let depth = |link: &Value| link["depth"].as_u64().unwrap();
    let own = depth(&tree[at]);
    let below = tree[at + 1..].iter().take_while(move |link| depth(link) > own);
    below.filter(move |link| depth(link) == own + 1)
}

#[test]
fn the_tree_names_who_signed_which_model_and_when() {
    let scene = fine_tuned();
    let verdict = allows(&mut scene.judge(&chain_policy(), &["--tree"]));
    let tree = verdict["tree"].as_array().unwrap();
    let base = tree.iter().position(|link| link["kind"] == "base model").expect("a base model");
    let signers = |at: usize| -> Vec<(String, String)> {
        let of_kind = children(tree, at)
            .filter(|link| ["signature", "provenance"].contains(&link["kind"].as_str().unwrap()));
        let detail = |link: &Value, index: usize| link["details"][index].as_str().unwrap().to_owned();
        of_kind.map(|link| (detail(link, 0), detail(link, 1))).collect()
    };
    for (at, signer, links) in [(0, Signer::Workflow, 2), (base, Signer::Person, 1)] {
        let found = signers(at);
        assert_eq!(found.len(), links, "{tree:#?}");
        for (by, place) in found {
            assert!(by.contains(signer.identity()) && by.contains(signer.issuer()), "{tree:#?}");
            assert!(place.contains(", signed at 20"), "{tree:#?}");
        }
    }
    assert_eq!(tree[base]["status"], "good", "{tree:#?}");
}

#[test]
fn the_tree_for_people_names_who_signed_which_model_and_when() {
    let scene = fine_tuned();
    scene.write("policy.toml", chain_policy());
    let verify = ["verify", "model", "--policy", "policy.toml", "--as", "hf://acme/toy", "--tree"];
    let text = Answer::of(&mut scene.command(verify)).expect(0).stdout;
    let (_, tree) = text.split_once("\n\n").expect("a tree");
    let (own, of_base) = tree.split_once("base model hf://meta/base: allowed").expect("a base model");
    for (part, signer, times) in [(own, Signer::Workflow, 2), (of_base, Signer::Person, 1)] {
        assert_eq!(part.matches(signer.identity()).count(), times + usize::from(times == 2), "{text}");
        assert_eq!(part.matches(", signed at 20").count(), times, "{text}");
    }
}

#[test]
fn a_chain_that_lacks_the_signature_of_the_base_model_is_denied() {
    let scene = fine_tuned();
    without(&scene, is_signature);
    let words = ["hf://meta/base", "no signature that counts"];
    scene.refuses(&mut scene.judge(&chain_policy(), &[]), 1, "dependency-not-admitted", &words);
}

#[test]
fn a_chain_that_lacks_its_provenance_is_denied() {
    let scene = fine_tuned();
    without(&scene, |kind| !is_signature(kind));
    scene.refuses(&mut scene.judge(&chain_policy(), &[]), 1, "attestation-missing", &["provenance", "acme"]);
}

/// Attested under a policy of their own, by which anybody may sign base models.
#[test]
fn a_chain_whose_base_model_somebody_else_signed_is_denied() {
    let scene = with_base(Signer::Workflow);
    let rule = "[[rules]]\nscope = \"hf://meta/*\"\nsigned-by = { any = [\"acme\"] }";
    succeeds(&mut attest_base(&scene, &policy_of(&[publisher("acme", Signer::Workflow)], rule)));
    scene.refuses(&mut scene.judge(&chain_policy(), &[]), 1, "dependency-not-admitted", &["hf://meta/base"]);
}

#[test]
fn a_chain_of_base_models_that_may_not_be_built_on_is_denied() {
    let scene = fine_tuned();
    let other = chain_policy().replace("of = [\"hf://meta/*\"]", "of = [\"hf://mistral/*\"]");
    let words = ["hf://meta/base", "hf://mistral/*"];
    scene.refuses(&mut scene.judge(&other, &[]), 1, "dependency-not-admitted", &words);
}
