//! Which bundles are considered, and that further ones never do harm.

use super::*;

const BOTH: &str = "[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = { all = [\"acme\", \"registry\"] }\n";

#[test]
fn bundles_under_every_name_that_is_read_count() {
    for name in ["model.sig", "release.oms.sig", "release.sigstore.json", "claims.jsonl", "more.intoto.jsonl"]
    {
        let stage = signed();
        fs::rename(stage.at("model/model.sig"), stage.at("model.sig")).unwrap();
        fs::rename(stage.at("model.sig"), stage.at("model").join(name)).unwrap();
        let verdict = allows(verify(&stage, &policy(""), &[]));
        assert_eq!(verdict["signatures"][0]["path"], name, "{verdict:#}");
        assert_eq!(verdict["signatures"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_bundle_that_lies_deeper_or_is_called_otherwise_is_not_considered() {
    for name in ["model.json", "deeper/model.sig"] {
        let stage = signed();
        fs::create_dir(stage.at("model/deeper")).unwrap();
        fs::rename(stage.at("model/model.sig"), stage.at("model").join(name)).unwrap();
        denies(verify(&stage, &policy(""), &[]), "not-signed-by-publisher");
    }
}

#[test]
fn a_bundle_that_lies_elsewhere_counts_when_it_is_named() {
    let stage = signed();
    fs::rename(stage.at("model/model.sig"), stage.at("elsewhere.sig")).unwrap();
    denies(verify(&stage, &policy(""), &[]), "not-signed-by-publisher");
    for option in ["--signature", "--bundle"] {
        allows(verify(&stage, &policy(""), &[option, "elsewhere.sig"]));
    }
    fails(verify(&stage, &policy(""), &["--bundle", "nowhere.sig"]), 2, "not-found");
}

#[test]
fn a_countersignature_in_the_claims_counts_beside_the_signature() {
    let stage = signed();
    denies(verify(&stage, &policy_of(BOTH), &[]), "too-few-publishers");
    sign(&stage, "model", "p384", &["--append"]);
    let verdict = allows(verify(&stage, &policy_of(BOTH), &[]));
    let publishers: Vec<&Value> =
        verdict["signatures"].as_array().unwrap().iter().map(|signature| &signature["publisher"]).collect();
    assert_eq!(publishers, ["registry", "acme"], "{verdict:#}");
    assert_eq!(verdict["signatures"][0]["line"], 1);
}

#[test]
fn a_publisher_who_signs_twice_counts_once() {
    let stage = signed();
    sign(&stage, "model", "p256", &["--append"]);
    denies(verify(&stage, &policy_of(BOTH), &[]), "too-few-publishers");
}

#[test]
fn signatures_with_other_hashes_and_shards_are_of_the_same_model() {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &["--hash", "blake3"]);
    sign(&stage, "model", "p384", &["--append", "--shard-size", "1"]);
    let verdict = allows(verify(&stage, &policy_of(BOTH), &[]));
    let plain = Stage::new();
    sign(&plain, "model", "p256", &[]);
    assert_eq!(verdict["model"]["digest"], allows(verify(&plain, &policy(""), &[]))["model"]["digest"]);
}

#[test]
fn signatures_over_different_files_do_not_add_up() {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &[]);
    sign(&stage, "model", "p384", &["-o", "model/second.oms.sig", "--ignore", "b"]);
    denies(verify(&stage, &policy_of(BOTH), &[]), "too-few-publishers");
    allows(verify(&stage, &policy(""), &[]));
}

#[test]
fn what_anybody_adds_to_the_evidence_changes_nothing_but_notes() {
    let stage = signed();
    let before = allows(verify(&stage, &policy(""), &[]));
    sign(&stage, "model", "p521", &["--append", "--name", "hf://acme/toy", "--release", "9.9.9"]);
    stage.write("model/junk.sigstore.json", fs::read(stage.at("model/model.sig")).unwrap());
    let after = allows(verify(&stage, &policy(""), &[]));
    assert_eq!(after["model"], before["model"]);
    assert_eq!(after["release"], Value::Null);
    assert!(codes(&after, "note").contains(&"not-recognised".to_owned()), "{after:#}");
}

#[test]
fn a_file_that_only_has_the_name_of_a_bundle_is_an_unsigned_file() {
    for name in ["x.oms.sig", "x.sigstore.json", "x.intoto.jsonl"] {
        let stage = signed();
        stage.write(format!("model/{name}"), "import os");
        let verdict = denies(verify(&stage, &policy(""), &[]), "unsigned-files");
        assert!(verdict["reasons"][0]["message"].as_str().unwrap().contains(name), "{verdict:#}");
    }
}

#[test]
fn a_line_that_is_no_bundle_takes_the_whole_file_of_claims_out() {
    let stage = signed();
    sign(&stage, "model", "p384", &["--append"]);
    let claims = read(&stage, "model/claims.jsonl");
    stage.write("model/claims.jsonl", format!("{claims}{{}}\n"));
    let verdict = denies(verify(&stage, &policy_of(BOTH), &[]), "too-few-publishers");
    assert!(codes(&verdict, "note").contains(&"not-recognised".to_owned()), "{verdict:#}");
    allows(verify(&stage, &policy(""), &[]));
}

#[test]
fn a_single_file_is_judged_by_what_is_called_after_it() {
    let stage = Stage::new();
    stage.write("model.gguf", "weights");
    sign(&stage, "model.gguf", "p256", &["--name", "hf://acme/toy", "--release", "1.0.0"]);
    stage.write("policy.toml", policy("bind-name = true"));
    let arguments =
        ["verify", "model.gguf", "--policy", "policy.toml", "--as", "hf://acme/toy", "--format", "json"];
    let verdict = allows(Answer::of(&mut stage.command(arguments)));
    assert_eq!(verdict["release"], "1.0.0");
    stage.write("model.gguf", "weightz");
    denies(Answer::of(&mut stage.command(arguments)), "other-files");
}

#[test]
fn a_signature_over_less_does_not_hide_that_the_whole_is_denied_or_waived() {
    let stage = Stage::new();
    let whole = digest(&stage);
    let denied = policy("") + &format!("[[deny]]\nmodel = {whole:?}\nreason = \"bad\"\n");
    sign(&stage, "model", "p256", &["--ignore", "b"]);
    denies(verify(&stage, &denied, &[]), "denied-model");
    sign(&stage, "model", "p256", &["-o", "model/whole.oms.sig"]);
    denies(verify(&stage, &denied, &[]), "denied-model");

    let waiver = format!(
        "[[waivers]]\nmodel = {whole:?}\nrule = \"hf://acme/*\"\nowner = \"Dana\"\nreason = \"old\"\n"
    );
    let waived = policy_of(BOTH) + &waiver + "expires = 2098-01-01\n";
    warns(verify(&stage, &waived, &[]), "waived");
    fs::remove_file(stage.at("model/whole.oms.sig")).unwrap();
    warns(verify(&stage, &waived, &[]), "waived");
    fs::remove_file(stage.at("model/model.sig")).unwrap();
    warns(verify(&stage, &waived, &[]), "waived");
}

/// Of everything that lies in the model.
fn digest(stage: &Stage) -> String {
    let answer = Answer::of(&mut stage.command(["digest", "model", "--format", "json"]));
    let report = report(&answer.expect(0));
    report["model"]["digest"].as_str().unwrap_or_else(|| panic!("{report:#}")).to_owned()
}

#[test]
fn stray_files_do_not_hide_the_signature() {
    let stage = signed();
    sign(&stage, "model", "p521", &["-o", "stranger.sig"]);
    let stranger = fs::read(stage.at("stranger.sig")).unwrap();
    for number in 0..70 {
        stage.write(format!("model/a{number:02}.oms.sig"), &stranger);
    }
    let verdict = verify(&stage, &policy("unsigned-files = \"allow\""), &[]);
    assert_eq!(allows(verdict)["signatures"][0]["path"], "model.sig");
}

#[test]
fn the_same_bundle_again_is_one() {
    let stage = signed();
    let line = read(&stage, "model/model.sig");
    stage.write("model/claims.jsonl", format!("{}\n", line.trim()).repeat(1000));
    let verdict = allows(verify(&stage, &policy(""), &[]));
    assert_eq!(verdict["signatures"].as_array().unwrap().len(), 1, "{verdict:#}");
}

#[test]
fn old_signatures_of_other_files_are_passed_over() {
    let stage = Stage::new();
    for number in 0..3 {
        stage.write(format!("model/old{number}"), "old");
        sign(&stage, "model", "p256", &["-o", &format!("old{number}.sig")]);
        fs::remove_file(stage.at(format!("model/old{number}"))).unwrap();
    }
    sign(&stage, "model", "p256", &[]);
    let old = ["--bundle", "old0.sig", "--bundle", "old1.sig", "--bundle", "old2.sig"];
    let verdict = allows(verify(&stage, &policy(""), &old));
    let others = codes(&verdict, "note").iter().filter(|code| *code == "other-bytes").count();
    assert_eq!(others, 3, "{verdict:#}");
    assert!(verdict.to_string().contains("missing: old0"), "{verdict:#}");
}
