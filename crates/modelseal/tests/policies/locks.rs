//! What a lock remembers, and who writes it.

use super::*;

const TOFU: &str = "continuity = \"tofu\"";
const PINNED: &str = "continuity = \"pinned\"";
/// Either key is the publisher's, by the policy.
fn two_keys(rule: &str) -> String {
    policy(rule)
        .replace("[publishers.acme]\nkeys = [", &format!("[publishers.acme]\nkeys = [{:?}, ", public("p521")))
}

#[test]
fn continuity_without_a_lock_is_undecided() {
    let stage = signed();
    for rule in [TOFU, PINNED] {
        fails(verify(&stage, &policy(rule), &[]), 3, "no-lock");
    }
    let unsigned = policy_of("[[rules]]\nscope = \"hf://acme/*\"\nunsigned = \"pinned\"\n");
    fails(verify(&stage, &unsigned, &[]), 3, "no-lock");
    fails(verify(&stage, &policy(TOFU), &["--lock", "nowhere.lock"]), 2, "not-found");
}

#[test]
fn verifying_only_reads_the_lock() {
    let stage = signed();
    stage.write("modelseal.lock", "version = 1\npolicy-serial = 0\ndeny-list-serial = 0\n");
    let before = read(&stage, "modelseal.lock");
    warns(verify(&stage, &policy(TOFU), &WITH_LOCK), "first-sight");
    denies(verify(&stage, &policy(PINNED), &WITH_LOCK), "not-pinned");
    assert_eq!(read(&stage, "modelseal.lock"), before);
}

#[test]
fn a_name_that_is_in_the_lock_keeps_its_signer() {
    let stage = signed();
    let report = locked(&stage, &two_keys(TOFU));
    assert_eq!((&report["outcome"], &report["old"]), (&json!("added"), &Value::Null));
    allows(verify(&stage, &two_keys(TOFU), &WITH_LOCK));
    sign(&stage, "model", "p521", &["--force"]);
    let verdict = denies(verify(&stage, &two_keys(TOFU), &WITH_LOCK), "signer-changed");
    let reason = &verdict["reasons"][0];
    assert_eq!(reason["locked"][0]["publisher"], "acme");
    assert_ne!(reason["locked"][0]["key"], reason["found"][0]["key"]);
    allows(verify(&stage, &two_keys("continuity = \"none\""), &WITH_LOCK));
}

#[test]
fn a_successor_whom_the_known_signer_named_is_known() {
    let stage = signed();
    locked(&stage, &two_keys(TOFU));
    sign(&stage, "model", "p521", &["--force"]);
    let (old, new) = (private("p256"), public("p521"));
    let name = |scope: &str| {
        let arguments = ["succession", "model", "--scope", scope, "--to-key", &new, "--key", &old, "--quiet"];
        Answer::of(&mut stage.command(arguments)).expect(0);
    };
    name("hf://other/*");
    denies(verify(&stage, &two_keys(TOFU), &WITH_LOCK), "signer-changed");
    name("hf://acme/*");
    let verdict = allows(verify(&stage, &two_keys(TOFU), &WITH_LOCK));
    assert!(codes(&verdict, "note").contains(&"succeeded".to_owned()), "{verdict:#}");
    // Whom the policy does not name is nobody, whoever named them.
    denies(verify(&stage, &policy(TOFU), &WITH_LOCK), "not-signed-by-publisher");
}

#[test]
fn pinned_bytes_are_the_only_ones() {
    let stage = signed();
    locked(&stage, &policy(PINNED));
    allows(verify(&stage, &policy(PINNED), &WITH_LOCK));
    stage.write("model/a", "a silent update");
    sign(&stage, "model", "p256", &["--force"]);
    denies(verify(&stage, &policy(PINNED), &WITH_LOCK), "model-changed");
    allows(verify(&stage, &policy(TOFU), &WITH_LOCK));
}

#[test]
fn what_nobody_signs_is_admitted_as_it_was_pinned() {
    let stage = Stage::new();
    let unsigned = policy_of("[[rules]]\nscope = \"hf://acme/*\"\nunsigned = \"pinned\"\n");
    let report = locked(&stage, &unsigned);
    assert_eq!(report["new"]["signers"], json!([]));
    warns(verify(&stage, &unsigned, &WITH_LOCK), "pinned-not-signed");
    stage.write("model/a", "x");
    denies(verify(&stage, &unsigned, &WITH_LOCK), "model-changed");
}

#[test]
fn what_only_a_mode_admits_does_not_go_into_a_lock() {
    let stage = Stage::new();
    stage.write("policy.toml", policy("mode = \"audit\""));
    fails(lock(&stage, "add", &[]), 1, "not-signed-by-publisher");
    assert!(!stage.at("modelseal.lock").exists());
}

#[test]
fn adding_is_refused_for_what_is_known_and_updating_for_what_is_not() {
    let stage = signed();
    stage.write("policy.toml", policy(TOFU));
    fails(lock(&stage, "update", &[]), 2, "not-found");
    locked(&stage, &policy(TOFU));
    fails(lock(&stage, "add", &[]), 2, "exists");
}

#[test]
fn an_update_shows_what_changed_and_asks() {
    let stage = signed();
    locked(&stage, &two_keys(TOFU));
    let before = read(&stage, "modelseal.lock");
    stage.write("model/a", "new");
    sign(&stage, "model", "p521", &["--force"]);
    fails(lock(&stage, "update", &[]), 2, "not-confirmed");
    assert_eq!(read(&stage, "modelseal.lock"), before);
    let report = report(&lock(&stage, "update", &["--yes"]).expect(0));
    assert_eq!(report["outcome"], "updated");
    assert_eq!(report["old"]["first_seen"], report["new"]["first_seen"]);
    assert_ne!(report["old"]["signers"], report["new"]["signers"]);
    allows(verify(&stage, &two_keys(TOFU), &WITH_LOCK));
    let again = self::report(&lock(&stage, "update", &[]).expect(0));
    assert_eq!(again["outcome"], "unchanged");
}

#[test]
fn an_update_is_asked_for_on_a_terminal() {
    for (answer, outcome) in [("y\n", "Updated"), ("n\n", "left as it is"), ("\n", "left as it is")] {
        let stage = signed();
        locked(&stage, &policy(TOFU));
        stage.write("model/a", "new");
        sign(&stage, "model", "p256", &["--force"]);
        let arguments = [
            "lock",
            "update",
            "model",
            "--policy",
            "policy.toml",
            "--lock",
            "modelseal.lock",
            "--as",
            "hf://acme/toy",
        ];
        let Some(mut script) = stage.on_a_terminal(&arguments) else { return };
        let said = stage::talk(&mut script, &[("[y/N]", answer)]);
        assert!(said.contains("- model") && said.contains("+ model") && said.contains(outcome), "{said}");
    }
}

#[test]
fn what_the_policy_denies_does_not_come_into_the_lock() {
    let stage = signed();
    locked(&stage, &policy(TOFU));
    let before = read(&stage, "modelseal.lock");
    stage.write("model/a", "tampered");
    fails(lock(&stage, "update", &["--yes"]), 1, "other-files");
    assert_eq!(read(&stage, "modelseal.lock"), before);
}

#[test]
fn a_revision_that_is_in_the_lock_has_the_same_bytes_for_ever() {
    let stage = signed();
    stage.write("policy.toml", policy(TOFU));
    let arguments = [
        "lock",
        "add",
        "model",
        "--policy",
        "policy.toml",
        "--lock",
        "modelseal.lock",
        "--as",
        "hf://acme/toy@v1",
    ];
    Answer::of(&mut stage.command(arguments)).expect(0);
    stage.write("model/a", "new");
    sign(&stage, "model", "p256", &["--force"]);
    denies(verify_as(&stage, &policy(TOFU), "hf://acme/toy@v1", &WITH_LOCK), "revision-changed");
    allows(verify_as(&stage, &policy(TOFU), "hf://acme/toy@v2", &WITH_LOCK));
}

#[test]
fn an_older_policy_is_noticed() {
    let stage = signed();
    locked(&stage, &policy(TOFU));
    let older = policy(TOFU).replace("serial = 2", "serial = 1");
    denies(verify(&stage, &older, &WITH_LOCK), "policy-rolled-back");
    let without = older.replace(TOFU, "");
    denies(verify(&stage, &without, &WITH_LOCK), "policy-rolled-back");
}

#[test]
fn a_release_is_not_fallen_behind_left_away_or_used_again() {
    let stage = Stage::new();
    let release = |version: &str| {
        fs::remove_file(stage.at("model/claims.jsonl")).ok();
        sign(&stage, "model", "p256", &["--force", "--name", "hf://acme/toy", "--release", version]);
    };
    release("1.1.0");
    let old = (read(&stage, "model/a"), read(&stage, "model/model.sig"), read(&stage, "model/claims.jsonl"));
    stage.write("model/a", "release 1.2.0");
    release("1.2.0");
    locked(&stage, &policy(TOFU));
    allows(verify(&stage, &policy(TOFU), &WITH_LOCK));
    let claims = read(&stage, "model/claims.jsonl");
    fs::remove_file(stage.at("model/claims.jsonl")).unwrap();
    denies(verify(&stage, &policy(TOFU), &WITH_LOCK), "release-missing");
    stage.write("model/claims.jsonl", claims);
    stage.write("model/a", "release 1.2.0, retouched");
    release("1.2.0");
    denies(verify(&stage, &policy(TOFU), &WITH_LOCK), "release-reused");
    release("1.3.0");
    allows(verify(&stage, &policy(TOFU), &WITH_LOCK));
    for (path, content) in [("model/a", old.0), ("model/model.sig", old.1), ("model/claims.jsonl", old.2)] {
        stage.write(path, content);
    }
    denies(verify(&stage, &policy(TOFU), &WITH_LOCK), "release-older");
}

#[test]
fn the_lock_alone_says_whether_bytes_are_the_same() {
    let stage = signed();
    locked(&stage, &policy(TOFU));
    let verify = |name: &str| {
        let arguments =
            ["lock", "verify", "model", "--lock", "modelseal.lock", "--as", name, "--format", "json"];
        Answer::of(&mut stage.command(arguments))
    };
    assert_eq!(report(&verify("hf://acme/toy").expect(0))["outcome"], "verified");
    fails(verify("hf://acme/other"), 1, "not-pinned");
    sign(&stage, "model", "p384", &["--append"]);
    verify("hf://acme/toy").expect(0);
    stage.write("model/c", "added");
    fails(verify("hf://acme/toy"), 1, "model-changed");
}

#[test]
fn two_locks_are_compared() {
    let stage = signed();
    locked(&stage, &policy(TOFU));
    fs::copy(stage.at("modelseal.lock"), stage.at("old.lock")).unwrap();
    let diff = |old: &str, new: &str| {
        report(&Answer::of(&mut stage.command(["lock", "diff", old, new, "--format", "json"])).expect(0))
    };
    assert_eq!(diff("old.lock", "modelseal.lock")["outcome"], "same");
    stage.write("model/a", "new");
    sign(&stage, "model", "p256", &["--force"]);
    lock(&stage, "update", &["--yes"]).expect(0);
    let report = diff("old.lock", "modelseal.lock");
    assert_eq!(report["outcome"], "different");
    assert_eq!(report["changes"][0]["reference"], "hf://acme/toy");
    assert_ne!(report["changes"][0]["old"]["digest"], report["changes"][0]["new"]["digest"]);
    stage.write("empty.lock", "version = 1\npolicy-serial = 0\ndeny-list-serial = 0\n");
    assert_eq!(diff("old.lock", "empty.lock")["changes"][0]["new"], Value::Null);
    assert_eq!(diff("empty.lock", "old.lock")["changes"][0]["old"], Value::Null);
}

#[test]
fn a_lock_that_was_given_and_not_asked_is_told() {
    let stage = signed();
    locked(&stage, &policy(TOFU));
    let verdict = allows(verify(&stage, &policy(""), &WITH_LOCK));
    assert!(codes(&verdict, "note").contains(&"lock-not-asked".to_owned()), "{verdict:#}");
}

#[test]
fn the_first_signer_of_what_was_pinned_unsigned_is_seen_for_the_first_time() {
    let stage = Stage::new();
    locked(&stage, &policy_of("[[rules]]\nscope = \"hf://acme/*\"\nunsigned = \"pinned\"\n"));
    sign(&stage, "model", "p256", &[]);
    warns(verify(&stage, &policy(TOFU), &WITH_LOCK), "first-sight");
}

#[test]
fn unsigned_files_beside_what_was_pinned_are_listed_and_may_be_refused() {
    let unsigned =
        |more: &str| policy_of(&format!("[[rules]]\nscope = \"hf://acme/*\"\nunsigned = \"pinned\"\n{more}"));
    let stage = Stage::new();
    locked(&stage, &unsigned(""));
    stage.write("model/.gitignore", "x");
    let verdict = warns(verify(&stage, &unsigned(""), &WITH_LOCK), "pinned-not-signed");
    assert_eq!(verdict["not_signed"][0]["path"], ".gitignore", "{verdict:#}");
    denies(verify(&stage, &unsigned("unsigned-files = \"refuse\""), &WITH_LOCK), "unsigned-files");
    stage.write("model/e.intoto.jsonl", "\n");
    denies(verify(&stage, &unsigned(""), &WITH_LOCK), "model-changed");
}

#[test]
fn writers_of_one_lock_lose_nothing() {
    let stage = signed();
    stage.write("policy.toml", policy(TOFU));
    let names: Vec<String> = (0..8).map(|number| format!("hf://acme/toy{number}")).collect();
    let add = |name: &String| {
        let arguments =
            ["lock", "add", "model", "--policy", "policy.toml", "--lock", "modelseal.lock", "--as", name];
        stage.command(arguments).stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    for mut running in names.iter().map(add).collect::<Vec<_>>() {
        assert!(running.wait().unwrap().success());
    }
    let lock = read(&stage, "modelseal.lock");
    assert!(names.iter().all(|name| lock.contains(&format!("{name:?}"))), "{lock}");
}
