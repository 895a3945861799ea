//! Models that a model was made from: admitted first, recorded, and carried along.

use std::os::unix::fs::symlink;

use modelseal::{Coverage, Model, SignOptions, Unobserved};

use super::*;

const CLAIMS: &str = "tune/claims.jsonl";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// `attest tune`, made from these.
fn made_from_these(stage: &Stage, bases: &[&str]) -> Answer {
    let head = ["--provenance", "provenance.json", "--base-policy", "policy.toml"];
    run(stage, "attest", "tune", "p384", &[&head[..], bases].concat())
}

/// What the last line of the claims says that it was made from.
fn dependencies(stage: &Stage) -> Value {
    let payload = payload(lines(stage, CLAIMS).last().unwrap());
    payload["predicate"]["buildDefinition"]["resolvedDependencies"].clone()
}

/// Signs `base` as other tools do: nothing but the signature itself is left out.
fn sign_without_evidence(stage: &Stage, kind: &str) {
    let path = stage.at("base/model.sig");
    let coverage = Coverage { ignore_evidence: false, ..Coverage::default() };
    let options = SignOptions { coverage, bundle_path: Some(&path), ..SignOptions::default() };
    let model = Model::open(&stage.at("base")).unwrap();
    let signed = modelseal::sign(&model, &options, signer(kind), &Unobserved).unwrap();
    fs::write(path, signed.bundle).unwrap();
}

fn without_names() -> String {
    edited(&policy(), "bind-name = true\n", "")
}

#[test]
fn a_base_is_recorded_with_its_digest_its_root_and_its_signer() {
    let stage = made();
    let found = &dependencies(&stage)[0];
    assert_eq!(found["uri"], "hf://meta/base");
    assert_eq!(found["digest"]["model-v1"], hex(&digest(&stage, "base")));
    assert_eq!(found["annotations"]["role"], "base-model");
    assert_eq!(found["annotations"]["release"], "1.0.0");
    let signers = found["annotations"]["signedBy"].as_array().unwrap();
    assert_eq!((signers.len(), &signers[0]["publisher"]), (1, &json!("meta")), "{found:#}");
    let verdict = allows(verify(&stage, &policy(), &[]));
    assert_eq!(verdict["signatures"].as_array().unwrap().len(), 1, "{verdict:#}");
}

#[test]
fn a_base_is_admitted_whatever_its_signature_hashes() {
    for options in [
        &[][..],
        &["--hash", "blake2b"],
        &["--hash", "blake3"],
        &["--shard-size", "2"],
        &["--hash", "blake3", "--shard-size", "2"],
    ] {
        let stage = signed();
        let more = ["--force", "--name", "hf://meta/base", "--release", "1.0.0"];
        sign(&stage, "base", "ed25519", &[&more, options].concat());
        attest(&stage, "tune", "p384", &MADE_FROM_BASE);
        allows(verify(&stage, &policy(), &[]));
    }
}

/// A digest set has one root digest, and each hash function another.
#[test]
fn a_base_that_two_have_to_sign_may_be_signed_with_two_hash_functions() {
    for (first, second) in [("sha256", "blake3"), ("blake3", "sha256"), ("blake2b", "blake3")] {
        let stage = signed();
        let named = ["--name", "hf://meta/base", "--release", "1.0.0", "--hash"];
        sign(&stage, "base", "ed25519", &[&["--force"], &named[..], &[first]].concat());
        sign(&stage, "base", "other-p256", &[&["--append"], &named[..], &[second]].concat());
        let by_two = edited(&policy(), "{ any = [\"meta\"] }", "{ all = [\"meta\", \"vera\"] }");
        stage.write("policy.toml", &by_two);
        attest(&stage, "tune", "p384", &MADE_FROM_BASE);
        let roots = dependencies(&stage)[0]["annotations"]["roots"].clone();
        assert_eq!(roots.as_array().map(Vec::len), Some(1), "{roots:#}");
        let verdict = allows(verify(&stage, &by_two, &[]));
        assert_eq!(verdict["ancestors"][0]["signatures"].as_array().unwrap().len(), 2, "{verdict:#}");
    }
}

/// `hf://vera/old` → `hf://meta/base` → `hf://acme/tune`; the one in the middle was
/// built by `twin`, whose key is that of `ci`.
fn three_levels() -> (Stage, String) {
    let stage = signed();
    let of_vera = "[[rules]]\nscope = \"hf://vera/*\"\nsigned-by = { any = [\"vera\"] }\n";
    let demand = edited(&edited(DEMAND, "hf://meta/*", "hf://vera/*"), "\"ci\"", "\"twin\"");
    let policy = policy_of(&[of_vera, OF_META, &demand, &of_acme(DEMAND)].concat());
    stage.write("policy.toml", &policy);
    model(&stage, "old");
    sign(&stage, "old", "other-p256", &[]);
    let from_old = ["--provenance", "provenance.json", "--base-policy", "policy.toml"];
    let from_old = [&from_old[..], &["--base-model", "hf://vera/old=old"]].concat();
    attest(&stage, "base", "p384", &from_old);
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    (stage, policy)
}

#[test]
fn the_bases_of_a_base_are_carried_along_and_judged() {
    let (stage, policy) = three_levels();
    let verdict = allows(verify(&stage, &policy, &[]));
    let base = &verdict["attestations"].as_array().unwrap().last().unwrap()["dependencies"][0];
    assert_eq!(base["reference"], "hf://meta/base", "{verdict:#}");
    let ancestors: Vec<_> = verdict["ancestors"].as_array().unwrap().iter().collect();
    let found: Vec<_> = ancestors.iter().map(|found| (&found["reference"], &found["outcome"])).collect();
    let expected = ["hf://meta/base", "hf://vera/old"].map(|name| (json!(name), json!("allow")));
    assert_eq!(found, expected.iter().map(|(name, outcome)| (name, outcome)).collect::<Vec<_>>());
}

#[test]
fn a_base_of_a_base_whose_signature_is_stripped_denies_and_is_named() {
    let (stage, policy) = three_levels();
    let old = json!(hex(&digest(&stage, "old")));
    let kept: Vec<String> = lines(&stage, CLAIMS)
        .into_iter()
        .filter(|line| payload(line)["subject"][0]["name"] != "old")
        .collect();
    assert_eq!(kept.len() + 1, lines(&stage, CLAIMS).len());
    write_lines(&stage, CLAIMS, &kept);
    let verdict = denies(verify(&stage, &policy, &[]), "dependency-not-admitted");
    let said = gravest(&verdict);
    assert!(said.contains("hf://meta/base") && said.contains("hf://vera/old"), "{said}");
    assert!(said.contains(old.as_str().unwrap()), "{said}");
}

#[test]
fn a_base_is_not_admitted_without_the_base_that_its_own_rule_asks_for() {
    let (stage, policy) = three_levels();
    fs::remove_file(stage.at("base/claims.jsonl")).unwrap();
    sign(&stage, "base", "ed25519", &["--force", "--name", "hf://meta/base", "--release", "1.0.0"]);
    stage.write("policy.toml", policy);
    let error = refuses(&stage, "tune", &MADE_FROM_BASE, 1, "attestation-missing");
    assert!(error["message"].as_str().unwrap().contains("hf://meta/base"), "{error:#}");
}

#[test]
fn a_base_that_is_admitted_with_a_warning_is_one_with_a_warning() {
    let stage = signed();
    let warned = edited(&policy(), "bind-name = true\n", "mode = \"warn\"\n");
    stage.write("policy.toml", &warned);
    fs::remove_file(stage.at("base/model.sig")).unwrap();
    let report = attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    assert_eq!(report["provenance"]["dependencies"].as_array().unwrap().len(), 1, "{report:#}");
    let verdict = warns(verify(&stage, &warned, &[]), "dependency-warned");
    assert!(gravest(&verdict).contains("hf://meta/base"), "{verdict:#}");
}

#[test]
fn a_data_set_is_recorded_as_one_and_judged_like_a_base() {
    let stage = signed();
    let report = report(&made_from_these(&stage, &["--data-set", "hf://meta/base=base"]).expect(0));
    assert_eq!(report["provenance"]["dependencies"][0]["role"], "data-set", "{report:#}");
    allows(verify(&stage, &policy(), &[]));
    let kept: Vec<String> = lines(&stage, CLAIMS)
        .into_iter()
        .filter(|line| payload(line)["predicateType"] != "https://model_signing/signature/v1.0")
        .collect();
    write_lines(&stage, CLAIMS, &kept);
    denies(verify(&stage, &policy(), &[]), "dependency-not-admitted");
}

/// A base that was forgotten passes for none.
#[test]
fn a_policy_for_bases_without_a_base_is_refused() {
    let options = ["--provenance", "provenance.json", "--base-policy", "policy.toml"];
    let error = refuses(&signed(), "tune", &options, 2, "usage");
    assert!(error["message"].as_str().unwrap().contains("--base-policy"), "{error:#}");
}

/// Whoever enforces the rule denies what is built on it.
#[test]
fn what_a_mode_does_not_enforce_of_a_base_is_told() {
    for mode in ["warn", "audit"] {
        let stage = signed();
        fs::remove_file(stage.at("base/model.sig")).unwrap();
        let scope = "scope = \"hf://meta/*\"\n";
        stage.write("policy.toml", edited(&policy(), scope, &format!("{scope}mode = {mode:?}\n")));
        let report = attest(&stage, "tune", "p384", &MADE_FROM_BASE);
        let warnings = report["provenance"]["dependencies"][0]["warnings"].to_string();
        assert!(warnings.contains("no signature that counts"), "{mode}: {report:#}");
    }
}

#[test]
fn a_base_that_is_named_twice_is_one_model() {
    let stage = signed();
    let twice = ["--base-model", "hf://meta/base=base", "--base-model", "hf://meta/base=base"];
    made_from_these(&stage, &twice).expect(0);
    allows(verify(&stage, &policy(), &[]));
    let two = edited(&policy(), "of = [\"hf://meta/*\"] }", "of = [\"hf://meta/*\"], at-least = 2 }");
    denies(verify(&stage, &two, &[]), "attestation-not-accepted");
}

#[test]
fn a_base_and_a_data_set_are_two_models() {
    let stage = signed();
    model(&stage, "data");
    sign(&stage, "data", "ed25519", &["--name", "hf://meta/data", "--release", "1.0.0"]);
    made_from_these(&stage, &["--base-model", "hf://meta/base=base", "--data-set", "hf://meta/data=data"])
        .expect(0);
    let two = edited(&policy(), "of = [\"hf://meta/*\"] }", "of = [\"hf://meta/*\"], at-least = 2 }");
    allows(verify(&stage, &two, &[]));
}

/// A snapshot in the cache of the hub client: links to blobs.
fn in_cache(stage: &Stage, repository: &str) -> String {
    let snapshot = format!("cache/{repository}/snapshots/{COMMIT}");
    fs::create_dir_all(stage.at(&snapshot)).unwrap();
    fs::create_dir_all(stage.at(format!("cache/{repository}/blobs"))).unwrap();
    for entry in fs::read_dir(stage.at("base")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let blob = format!("blob-of-{name}");
        fs::copy(stage.at("base").join(&name), stage.at(format!("cache/{repository}/blobs/{blob}"))).unwrap();
        symlink(format!("../../blobs/{blob}"), stage.at(&snapshot).join(&name)).unwrap();
    }
    snapshot
}

#[test]
fn a_base_in_the_cache_of_the_hub_client_has_the_name_of_its_place() {
    let stage = signed();
    let snapshot = in_cache(&stage, "models--meta--base");
    made_from_these(&stage, &["--base-model", &snapshot]).expect(0);
    assert_eq!(dependencies(&stage)[0]["uri"], format!("hf://meta/base@{COMMIT}"));
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn a_base_in_the_cache_of_another_repository_is_denied_under_its_name() {
    let stage = signed();
    let snapshot = in_cache(&stage, "models--mallory--base");
    let named = format!("hf://meta/base={snapshot}");
    let before = contents(&stage);
    let report = report(&made_from_these(&stage, &["--base-model", &named]).expect(1));
    assert_eq!(report["error"]["code"], "name-contradicted", "{report:#}");
    assert_eq!(contents(&stage), before);
}

#[test]
fn a_base_keeps_the_revision_by_which_it_was_named() {
    let stage = signed();
    made_from_these(&stage, &["--base-model", "hf://Meta/Base@v1.0=base"]).expect(0);
    assert_eq!(dependencies(&stage)[0]["uri"], "hf://meta/Base@v1.0");
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn a_single_file_is_a_base_like_any_other() {
    for options in [&[][..], &["--hash", "blake3"]] {
        let stage = signed();
        stage.write("base.gguf", "weights of a file");
        let named = ["--name", "hf://meta/base", "--release", "1.0.0"];
        sign(&stage, "base.gguf", "ed25519", &[&named, options].concat());
        made_from_these(&stage, &["--base-model", "hf://meta/base=base.gguf"]).expect(0);
        assert_eq!(dependencies(&stage)[0]["name"], "base.gguf");
        allows(verify(&stage, &policy(), &[]));
    }
}

/// It is a place on one machine.
#[test]
fn a_base_that_is_a_file_to_the_policy_has_no_name_for_others() {
    let stage = signed();
    let place = format!("file:{}", fs::canonicalize(stage.at("base")).unwrap().display());
    let of_files = "[[rules]]\nscope = \"file:/*\"\nsigned-by = { any = [\"meta\"] }\n";
    stage.write("policy.toml", policy_of(of_files));
    made_from_these(&stage, &["--base-model", "base"]).expect(0);
    let found = dependencies(&stage);
    assert_eq!(found[0]["uri"], Value::Null, "{found:#}");
    assert!(!found.to_string().contains(&place), "{found:#}");
    let verdict = denies(verify(&stage, &policy(), &[]), "dependency-not-admitted");
    assert!(gravest(&verdict).contains("no name"), "{verdict:#}");
}

#[test]
fn a_base_that_changed_after_it_was_signed_is_refused_and_nothing_is_written() {
    for name in ["weights", "payload.py"] {
        let stage = signed();
        stage.write(format!("base/{name}"), "import os");
        let before = contents(&stage);
        let report = report(&made_from_these(&stage, &["--base-model", "hf://meta/base=base"]).expect(1));
        assert_eq!(report["verdict"]["outcome"], "deny", "{report:#}");
        assert_eq!(contents(&stage), before);
    }
}

#[test]
fn what_lies_beside_a_base_and_is_of_nobody_is_not_carried_along() {
    let stage = signed();
    for (kind, predicate) in [("p521", json!({})), ("other-p256", provenance())] {
        let foreign = statement(&digest(&stage, "base"), BOM_TYPE, &predicate);
        push(&stage, "base/claims.jsonl", &line(kind, &foreign));
    }
    let report = attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    assert_eq!(report["claims"]["added"], 3, "its signature, its release and the provenance: {report:#}");
}

#[test]
fn a_lock_has_its_say_on_a_base() {
    let stage = signed();
    sign(&stage, "base", "ed25519", &["--force"]);
    fs::remove_file(stage.at("base/claims.jsonl")).unwrap();
    let pinned = edited(&policy(), "bind-name = true", "continuity = \"pinned\"");
    stage.write("policy.toml", &pinned);
    refuses(&stage, "tune", &MADE_FROM_BASE, 3, "no-lock");
    let with_lock = [&MADE_FROM_BASE[..], &["--base-lock", "modelseal.lock"]].concat();
    let add = ["lock", "add", "base", "--policy", "policy.toml", "--lock", "modelseal.lock"];
    Answer::of(&mut stage.command([&add[..], &["--as", "hf://meta/base"]].concat())).expect(0);
    let lock = read(&stage, "modelseal.lock");
    attest(&stage, "tune", "p384", &with_lock);
    assert_eq!(read(&stage, "modelseal.lock"), lock, "it is only read");
    allows(verify(&stage, &pinned, &["--lock", "modelseal.lock"]));
    let other = edited(&lock, hex(&digest(&stage, "base")), &"0".repeat(64));
    stage.write("modelseal.lock", other);
    refuses(&stage, "tune", &with_lock, 1, "model-changed");
    denies(verify(&stage, &pinned, &["--lock", "modelseal.lock"]), "dependency-not-admitted");
}

/// Signatures of modelseal leave the claims out; those of others need not, and that
/// of a base is of other files.
#[test]
fn more_can_be_said_of_a_model_whose_claims_carry_a_signature_that_ignores_nothing() {
    for kind in ["ed25519", "p521"] {
        let stage = signed();
        fs::remove_file(stage.at("base/model.sig")).unwrap();
        fs::remove_file(stage.at("base/claims.jsonl")).unwrap();
        sign_without_evidence(&stage, kind);
        let key = edited(&without_names(), &public("ed25519"), &public(kind));
        stage.write("policy.toml", &key);
        attest(&stage, "tune", "p384", &MADE_FROM_BASE);
        sign(&stage, "tune", "p521", &["--append"]);
        attest(&stage, "tune", "p384", &["--provenance", "provenance.json"]);
        let to = public("p521");
        run(&stage, "succession", "tune", "p256", &["--scope", "hf://acme/*", "--to-key", &to]).expect(0);
        sign(&stage, "tune", "p256", &["--force"]);
        allows(verify(&stage, &key, &[]));
    }
}

#[test]
fn the_base_itself_takes_no_line_where_its_signature_does_not_leave_the_claims_out() {
    let stage = signed();
    fs::remove_file(stage.at("base/claims.jsonl")).unwrap();
    sign_without_evidence(&stage, "ed25519");
    refuses(&stage, "base", &["--provenance", "provenance.json"], 2, "claims-not-ignored");
}
