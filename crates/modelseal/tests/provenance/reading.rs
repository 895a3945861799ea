//! Provenance as others write it, and how old it may be.

use super::*;
use crate::summaries::ago;

const CLAIMS: &str = "tune/claims.jsonl";

/// `made`, where `ci` says this of `tune` in the place of what it said.
fn with(statement: impl FnOnce(&str, Value) -> Value) -> Stage {
    let stage = made();
    let base = resource("hf://meta/base", &digest(&stage, "base"));
    let statement = statement(&digest(&stage, "tune"), base);
    write_lines(&stage, CLAIMS, &lines(&stage, CLAIMS)[..3]);
    push(&stage, CLAIMS, &line("p384", &statement));
    stage
}

/// Of version 0.2.
fn old_provenance(source: &str, base: &Value) -> Value {
    json!({
        "builder": { "id": "https://ci.example/builder" },
        "buildType": "https://ci.example/tune/v1",
        "invocation": { "configSource": { "uri": source, "digest": { "sha1": "00" }, "entryPoint": "tune" } },
        "metadata": { "buildFinishedOn": ago(1), "completeness": { "parameters": true } },
        "materials": [{ "uri": source, "digest": { "sha1": "00" } }, base],
    })
}

#[test]
fn provenance_of_version_0_2_counts_the_same() {
    let kind = "https://slsa.dev/provenance/v0.2";
    let said = |source: &str| with(|digest, base| statement(digest, kind, &old_provenance(source, &base)));
    let stage = said("git+https://git.example/acme/models@refs/tags/v2");
    let verdict = allows(verify(&stage, &policy(), &[]));
    assert!(verdict.to_string().contains("refs/tags/v2"), "{verdict:#}");
    allows(verify(&stage, &edited(&policy(), "type = \"provenance\"", &format!("type = {kind:?}")), &[]));
    let only_new = edited(&policy(), "type = \"provenance\"", &format!("type = {PROVENANCE_TYPE:?}"));
    denies(verify(&stage, &only_new, &[]), "attestation-missing");
    let elsewhere = said("git+https://git.example/acme/elsewhere@refs/tags/v2");
    denies(verify(&elsewhere, &policy(), &[]), "attestation-not-accepted");
}

#[test]
fn a_statement_of_version_0_1_is_read_alike() {
    let stage = with(|digest, base| {
        let mut statement = statement(digest, PROVENANCE_TYPE, &made_from(&[base]));
        statement["_type"] = "https://in-toto.io/Statement/v0.1".into();
        statement
    });
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn what_is_said_of_several_models_is_said_of_each() {
    let stage = with(|digest, base| {
        let mut statement = statement(digest, PROVENANCE_TYPE, &made_from(&[base]));
        let another = json!({ "name": "another", "digest": { "model-v1": "0".repeat(64) } });
        statement["subject"].as_array_mut().unwrap().insert(0, another);
        statement
    });
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn a_source_that_is_a_resource_is_one() {
    let source =
        json!({ "uri": "git+https://git.example/acme/models@refs/tags/v2", "digest": { "gitCommit": "00" } });
    let stage = with(|digest, base| {
        let mut predicate = made_from(&[base]);
        predicate["buildDefinition"]["externalParameters"]["source"] = source;
        statement(digest, PROVENANCE_TYPE, &predicate)
    });
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn null_is_absent_and_what_is_unknown_is_passed_over() {
    let stage = with(|digest, base| {
        let mut predicate =
            made_from(&[base, json!({ "uri": null, "name": null, "digest": null, "more": 1 })]);
        predicate["runDetails"]["metadata"] = Value::Null;
        predicate["runDetails"]["byproducts"] = json!("unread");
        predicate["more"] = json!([1]);
        statement(digest, PROVENANCE_TYPE, &predicate)
    });
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn a_base_may_be_named_by_its_package_url() {
    for uri in
        ["pkg:huggingface/meta/base", "pkg:huggingface/meta/base@0123456789abcdef0123456789abcdef01234567"]
    {
        let stage = with(|digest, mut base| {
            base["uri"] = uri.into();
            statement(digest, PROVENANCE_TYPE, &made_from(&[base]))
        });
        allows(verify(&stage, &policy(), &[]));
    }
}

/// Whatever names a model to people is not overlooked.
#[test]
fn a_base_whose_name_is_none_is_a_base_that_is_not_admitted() {
    for uri in [
        "HF://meta/base",
        "hf:meta/base",
        "hf://meta",
        "oci://R.example/x",
        "pkg:HuggingFace/meta/base",
        "pkg:huggingface/meta",
    ] {
        let stage = with(|digest, base| {
            let other = json!({ "uri": uri });
            statement(digest, PROVENANCE_TYPE, &made_from(&[base, other]))
        });
        denies(verify(&stage, &policy(), &[]), "dependency-not-admitted");
    }
}

#[test]
fn a_base_under_the_name_of_a_mirror_is_judged_as_the_original() {
    let mirror = format!("{}[[remap]]\nfrom = \"oci://mirror.example/*\"\nto = \"hf://*\"\n", policy());
    let of = |uri: &str| {
        with(|digest, mut base| {
            base["uri"] = uri.into();
            statement(digest, PROVENANCE_TYPE, &made_from(&[base]))
        })
    };
    allows(verify(&of("oci://mirror.example/meta/base"), &mirror, &[]));
    denies(verify(&of("oci://mirror.example/meta/other"), &mirror, &[]), "dependency-not-admitted");
    denies(verify(&of("oci://mirror.example/mallory/base"), &mirror, &[]), "dependency-not-admitted");
}

/// Finished when it says, and demanded to be no older than a day.
fn of_age(metadata: Value, expected: Option<&str>) {
    let stage = with(|digest, base| {
        let mut predicate = made_from(&[base]);
        predicate["runDetails"]["metadata"] = metadata;
        statement(digest, PROVENANCE_TYPE, &predicate)
    });
    let demand = edited(&policy(), DEMAND, &format!("{DEMAND}max-age = \"1d\"\n"));
    match expected {
        None => drop(allows(verify(&stage, &demand, &[]))),
        Some(words) => {
            let verdict = denies(verify(&stage, &demand, &[]), "attestation-not-accepted");
            assert!(gravest(&verdict).contains(words), "{verdict:#}");
            allows(verify(&stage, &policy(), &[]));
        }
    }
}

#[test]
fn provenance_is_as_old_as_it_says_and_without_a_time_of_no_age() {
    of_age(json!({ "finishedOn": ago(23) }), None);
    of_age(json!({ "startedOn": ago(23) }), None);
    of_age(json!({ "startedOn": ago(30), "finishedOn": ago(23) }), None);
    of_age(json!({ "finishedOn": ago(25) }), Some("no older than"));
    of_age(json!({ "startedOn": ago(1), "finishedOn": ago(25) }), Some("no older than"));
    of_age(json!({ "finishedOn": ago(-1) }), Some("to come"));
    of_age(json!({}), Some("how old"));
}

#[test]
fn what_is_no_provenance_and_signed_by_a_key_has_no_age() {
    let stage = made();
    stage.write("bom.json", json!({ "timestamp": ago(1) }).to_string());
    attest(&stage, "tune", "p384", &["--type", BOM_TYPE, "--predicate", "bom.json"]);
    let demand = |age: &str| {
        format!(
            "{}[[rules.attestations]]\ntype = {BOM_TYPE:?}\nsigned-by = {{ any = [\"ci\"] }}\n{age}\n",
            policy()
        )
    };
    allows(verify(&stage, &demand(""), &[]));
    denies(verify(&stage, &demand("max-age = \"10000d\""), &[]), "attestation-not-accepted");
}
