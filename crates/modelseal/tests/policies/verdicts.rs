//! What a rule asks, on models that lie on a disk.

use super::*;

#[test]
fn a_changed_missing_or_added_file_denies_and_is_named() {
    type Change = fn(&Stage);
    let changes: [(&str, Change); 3] = [
        ("changed: a", |stage| stage.write("model/a", "x")),
        ("missing: b", |stage| fs::remove_file(stage.at("model/b")).unwrap()),
        ("files that nobody signed: c", |stage| stage.write("model/c", "x")),
    ];
    for (words, change) in changes {
        let stage = signed();
        change(&stage);
        let report = report(&verify(&stage, &policy(""), &[]).expect(1));
        assert!(report["verdict"].to_string().contains(words), "{words}: {report:#}");
    }
}

#[test]
fn a_link_in_a_model_denies() {
    let stage = signed();
    std::os::unix::fs::symlink("a", stage.at("model/c")).unwrap();
    let verdict = denies(verify(&stage, &policy(""), &[]), "other-files");
    assert!(verdict.to_string().contains("unfit: c"), "{verdict:#}");
}

#[test]
fn unsigned_files_are_tolerated_as_far_as_the_rule_says() {
    let stage = Stage::new();
    stage.write("model/notes.txt", "by the publisher");
    stage.write("model/.gitignore", "*.bin");
    sign(&stage, "model", "p256", &["--ignore", "notes.txt"]);
    let rule = |mode: &str| policy(&format!("unsigned-files = \"{mode}\""));
    let verdict = allows(verify(&stage, &policy(""), &[]));
    assert_eq!(verdict["not_signed"].as_array().unwrap().len(), 3, "{verdict:#}");
    denies(verify(&stage, &rule("refuse"), &[]), "unsigned-files");
    stage.write("model/extra", "by somebody else");
    denies(verify(&stage, &policy(""), &[]), "unsigned-files");
    denies(verify(&stage, &rule("ignored"), &[]), "unsigned-files");
    let verdict = allows(verify(&stage, &rule("allow"), &[]));
    assert!(verdict["not_signed"].to_string().contains("extra"), "{verdict:#}");
}

#[test]
fn links_that_were_signed_as_what_they_point_at_need_a_rule_that_allows_them() {
    let stage = Stage::new();
    std::os::unix::fs::symlink("a", stage.at("model/c")).unwrap();
    sign(&stage, "model", "p256", &["--allow-symlinks"]);
    let verdict = denies(verify(&stage, &policy(""), &[]), "not-signed-by-publisher");
    assert!(codes(&verdict, "note").contains(&"symlinks-not-allowed".to_owned()), "{verdict:#}");
    allows(verify(&stage, &policy("symlinks = true"), &[]));
}

#[test]
fn hashes_that_the_rule_does_not_name_do_not_count() {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &["--hash", "blake2b"]);
    allows(verify(&stage, &policy("hashes = [\"sha256\", \"blake2b\"]"), &[]));
    let verdict = denies(verify(&stage, &policy("hashes = [\"sha256\"]"), &[]), "not-signed-by-publisher");
    assert!(codes(&verdict, "note").contains(&"hash-not-allowed".to_owned()), "{verdict:#}");
}

#[test]
fn a_time_that_nothing_proves_does_not_count() {
    let stage = signed();
    for rule in ["proved-time = true", "not-before = 2020-01-01", "not-after = 2090-01-01"] {
        let verdict = denies(verify(&stage, &policy(rule), &[]), "not-signed-by-publisher");
        assert!(codes(&verdict, "note").contains(&"time-not-proved".to_owned()), "{verdict:#}");
    }
}

#[test]
fn a_mode_softens_what_the_rule_denies_and_says_so() {
    let stage = Stage::new();
    warns(verify(&stage, &policy("mode = \"warn\""), &[]), "not-enforced");
    let verdict = allows(verify(&stage, &policy("mode = \"audit\""), &[]));
    assert!(codes(&verdict, "note").contains(&"not-enforced".to_owned()), "{verdict:#}");
    let expired = policy("mode = \"audit\"").replace("2099-01-01", "2020-01-01");
    denies(verify(&stage, &expired, &[]), "policy-expired");
}

#[test]
fn a_waiver_admits_these_very_bytes_until_it_expires() {
    let stage = Stage::new();
    let digest = allows(verify(&stage, &policy("mode = \"audit\""), &[]))["model"]["digest"].clone();
    let waived = |until: &str| {
        let waiver = format!(
            "[[waivers]]\nmodel = {digest}\nrule = \"hf://acme/*\"\nowner = \"Dana\"\nreason = \"old\"\n"
        );
        policy("") + &format!("{waiver}expires = {until}\n")
    };
    let verdict = warns(verify(&stage, &waived("2098-01-01"), &[]), "waived");
    assert_eq!(verdict["signatures"], json!([]));
    denies(verify(&stage, &waived("2020-01-01"), &[]), "not-signed-by-publisher");
    sign(&stage, "model", "p256", &[]);
    denies(verify(&stage, &waived("2020-01-01"), &[]), "waiver-expired");
    stage.write("model/a", "x");
    fs::remove_file(stage.at("model/model.sig")).unwrap();
    denies(verify(&stage, &waived("2098-01-01"), &[]), "not-signed-by-publisher");
}

#[test]
fn a_model_without_a_rule_is_denied_before_anything_is_read() {
    let stage = Stage::new();
    fs::remove_dir_all(stage.at("model")).unwrap();
    fs::create_dir(stage.at("model")).unwrap();
    let verdict = denies(verify_as(&stage, &policy(""), "hf://other/toy", &[]), "no-rule");
    assert_eq!(verdict["rule"], Value::Null);
}

#[test]
fn a_policy_that_cannot_be_read_is_named_with_line_and_key() {
    let stage = signed();
    let answer = verify(&stage, &policy("bind-names = true"), &[]);
    let error = fails(answer, 2, "policy");
    assert!(
        error["message"].as_str().unwrap().starts_with("policy.toml: line 14, rules[0].bind-names: "),
        "{error:#}"
    );
    let error = fails(verify(&stage, &policy("").replace("p256.pub", "p256.nowhere"), &[]), 2, "policy");
    assert!(error["message"].as_str().unwrap().contains("p256.nowhere"), "{error:#}");
}

#[test]
fn a_policy_or_a_lock_in_the_model_is_not_asked() {
    let stage = signed();
    stage.write("model/policy.toml", policy(""));
    let inside =
        ["verify", "model", "--policy", "model/policy.toml", "--as", "hf://acme/toy", "--format", "json"];
    fails(Answer::of(&mut stage.command(inside)), 2, "policy");
    fs::remove_file(stage.at("model/policy.toml")).unwrap();
    locked(&stage, &policy(""));
    fs::rename(stage.at("modelseal.lock"), stage.at("model/modelseal.lock")).unwrap();
    fails(verify(&stage, &policy(""), &["--lock", "model/modelseal.lock"]), 2, "lock");
}

#[test]
fn keys_named_by_fingerprint_are_given_beside_the_policy() {
    let stage = signed();
    let report = allows(verify(&stage, &policy(""), &[]));
    let fingerprint = report["signatures"][0]["signer"]["key"].clone();
    let named = policy("").replace(&format!("{:?}", public("p256")), &fingerprint.to_string());
    fails(verify(&stage, &named, &[]), 2, "policy");
    fails(verify(&stage, &named, &["--policy-key", &public("p384")]), 2, "policy");
    allows(verify(&stage, &named, &["--policy-key", &public("p384"), "--policy-key", &public("p256")]));
}
