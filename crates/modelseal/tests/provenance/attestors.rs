//! Whoever attests is not thereby a publisher, and a publisher is no attestor.

use super::*;

const CLAIMS: &str = "tune/claims.jsonl";
const WITH_LOCK: [&str; 2] = ["--lock", "modelseal.lock"];

/// `modelseal lock COMMAND tune` as `hf://acme/tune`, under this policy.
fn lock(stage: &Stage, command: &str, policy: &str) -> Answer {
    stage.write("policy.toml", policy);
    let arguments = ["lock", command, "tune", "--policy", "policy.toml", "--lock", "modelseal.lock"];
    Answer::of(&mut stage.command([&arguments[..], &["--as", "hf://acme/tune", "--format", "json"]].concat()))
}

/// The policy of `made`, with more in the rule for `tune`.
fn with_rule(more: &str) -> String {
    let before = "scope = \"hf://acme/*\"\n";
    edited(&policy(), before, &format!("{before}{more}\n"))
}

#[test]
fn the_signature_of_an_attestor_is_not_that_of_the_publisher() {
    let stage = made();
    fs::remove_file(stage.at("tune/model.sig")).unwrap();
    denies(verify(&stage, &policy(), &[]), "not-signed-by-publisher");
    sign(&stage, "tune", "p384", &[]);
    let verdict = denies(verify(&stage, &policy(), &[]), "not-signed-by-publisher");
    assert_eq!(verdict["signatures"], json!([]), "{verdict:#}");
}

#[test]
fn the_signature_of_an_attestor_is_not_the_second_of_two() {
    let stage = made();
    sign(&stage, "tune", "p384", &["--append"]);
    let two = edited(&policy(), "{ any = [\"acme\"] }", "{ all = [\"acme\", \"vera\"] }");
    denies(verify(&stage, &two, &[]), "too-few-publishers");
    sign(&stage, "tune", "other-p256", &["--append"]);
    allows(verify(&stage, &two, &[]));
}

#[test]
fn the_signature_of_an_attestor_over_fewer_files_lets_none_in() {
    let stage = made();
    stage.write("tune/payload.py", "import os");
    for unsigned in ["ignored", "refuse"] {
        let rule = with_rule(&format!("unsigned-files = {unsigned:?}"));
        denies(verify(&stage, &rule, &[]), "unsigned-files");
        sign(&stage, "tune", "p384", &["--force", "-o", "tune/ci.oms.sig", "--ignore", "payload.py"]);
        denies(verify(&stage, &rule, &[]), "unsigned-files");
    }
}

#[test]
fn the_root_of_an_attestors_own_signature_binds_nothing() {
    let stage = signed();
    stage.write("tune/notes", "x");
    sign(&stage, "tune", "p256", &["--force", "--hash", "blake3"]);
    sign(&stage, "tune", "p384", &["-o", "tune/ci.oms.sig"]);
    let root = payload(&read(&stage, "tune/ci.oms.sig"))["subject"][0]["digest"]["sha256"].clone();
    let base = resource("hf://meta/base", &digest(&stage, "base"));
    for line in lines(&stage, "base/claims.jsonl").into_iter().chain(lines(&stage, "base/model.sig")) {
        push(&stage, CLAIMS, &line);
    }
    let mut statement = statement(&digest(&stage, "tune"), PROVENANCE_TYPE, &made_from(&[base]));
    statement["subject"] = json!([{ "digest": { "sha256": root } }]);
    push(&stage, CLAIMS, &line("p384", &statement));
    denies(verify(&stage, &policy(), &[]), "attestation-missing");
}

#[test]
fn an_attestor_cannot_sign_a_release() {
    let stage = made();
    fs::remove_file(stage.at(CLAIMS)).unwrap();
    sign(&stage, "tune", "p384", &["--append", "--name", "hf://acme/tune", "--release", "9.0.0"]);
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    let verdict = allows(verify(&stage, &policy(), &[]));
    assert_eq!(verdict["release"], Value::Null, "{verdict:#}");
    denies(verify(&stage, &with_rule("bind-name = true"), &[]), "model-name-not-signed");
}

#[test]
fn an_attestor_cannot_name_a_successor_of_the_publisher() {
    let stage = made();
    let tofu = with_rule("continuity = \"tofu\"");
    let two_keys = edited(
        &tofu,
        "[publishers.acme]\nkeys = [",
        &format!("[publishers.acme]\nkeys = [{:?}, ", public("p521")),
    );
    lock(&stage, "add", &two_keys).expect(0);
    let to = public("p521");
    run(&stage, "succession", "tune", "p384", &["--scope", "hf://acme/*", "--to-key", &to]).expect(0);
    sign(&stage, "tune", "p521", &["--force"]);
    denies(verify(&stage, &two_keys, &WITH_LOCK), "signer-changed");
    run(&stage, "succession", "tune", "p256", &["--scope", "hf://acme/*", "--to-key", &to]).expect(0);
    let verdict = allows(verify(&stage, &two_keys, &WITH_LOCK));
    assert!(codes(&verdict, "note").contains(&"succeeded".to_owned()), "{verdict:#}");
}

#[test]
fn a_lock_does_not_remember_attestors_nor_the_signers_of_a_base() {
    let stage = made();
    let report = report(&lock(&stage, "add", &with_rule("continuity = \"tofu\"")).expect(0));
    let signers = report["new"]["signers"].as_array().unwrap();
    assert_eq!((signers.len(), &signers[0]["publisher"]), (1, &json!("acme")), "{report:#}");
    let lock = read(&stage, "modelseal.lock");
    assert!(!lock.contains("hf://meta/base") && lock.matches("[[model]]").count() == 1, "{lock}");
}

#[test]
fn another_attestor_may_follow_without_the_lock() {
    let stage = made();
    let tofu = with_rule("continuity = \"tofu\"");
    lock(&stage, "add", &tofu).expect(0);
    let of_vera = edited(&tofu, "signed-by = { any = [\"ci\"] }", "signed-by = { any = [\"vera\"] }");
    denies(verify(&stage, &of_vera, &WITH_LOCK), "attestation-missing");
    stage.write("policy.toml", policy());
    attest(&stage, "tune", "other-p256", &MADE_FROM_BASE);
    allows(verify(&stage, &of_vera, &WITH_LOCK));
}

#[test]
fn a_denied_attestor_does_not_count() {
    let stage = made();
    let other = made();
    sign(&other, "model", "p384", &[]);
    let verify_key = ["verify", "model", "--format", "json", "--key", &public("p384")];
    let answer = report(&Answer::of(&mut other.command(verify_key)).expect(0));
    let key = answer["signature"]["signer"]["fingerprint"].as_str().unwrap();
    let denied = format!("{}[[deny]]\nkey = {key:?}\nreason = \"lost\"\n", policy());
    let verdict = denies(verify(&stage, &denied, &[]), "attestation-not-accepted");
    assert!(gravest(&verdict).contains("lost"), "{verdict:#}");
}

/// `ci` and `twin` have one key.
#[test]
fn one_key_under_two_names_is_one_attestor() {
    let two = |of: &str| edited(&policy(), "{ any = [\"ci\"] }", of);
    let stage = made();
    stage.write("policy.toml", two("{ all = [\"ci\", \"twin\"] }"));
    let arguments =
        ["verify", "tune", "--policy", "policy.toml", "--as", "hf://acme/tune", "--format", "json"];
    let never_met = report(&Answer::of(&mut stage.command(arguments)).expect(2));
    assert_eq!(never_met["error"]["code"], "policy", "{never_met:#}");
    let of_three = two("{ at-least = 2, of = [\"ci\", \"twin\", \"vera\"] }");
    denies(verify(&stage, &of_three, &[]), "too-few-attestors");
    stage.write("policy.toml", policy());
    attest(&stage, "tune", "other-p256", &MADE_FROM_BASE);
    allows(verify(&stage, &of_three, &[]));
}

#[test]
fn a_publisher_may_attest_where_the_demand_names_it() {
    let stage = signed();
    attest(&stage, "tune", "p256", &MADE_FROM_BASE);
    denies(verify(&stage, &policy(), &[]), "attestation-missing");
    allows(verify(&stage, &edited(&policy(), "{ any = [\"ci\"] }", "{ any = [\"acme\"] }"), &[]));
}

#[test]
fn each_of_two_demands_has_to_be_met() {
    let stage = made();
    let bom =
        format!("[[rules.attestations]]\ntype = {BOM_TYPE:?}\nsigned-by = {{ any = [\"registry\"] }}\n");
    let both = format!("{}{bom}", policy());
    denies(verify(&stage, &both, &[]), "attestation-missing");
    stage.write("bom.json", "{}");
    let attest_bom = ["--type", BOM_TYPE, "--predicate", "bom.json"];
    attest(&stage, "tune", "p384", &attest_bom);
    denies(verify(&stage, &both, &[]), "attestation-missing");
    attest(&stage, "tune", "p521", &attest_bom);
    allows(verify(&stage, &both, &[]));
    fs::remove_file(stage.at(CLAIMS)).unwrap();
    attest(&stage, "tune", "p521", &attest_bom);
    denies(verify(&stage, &both, &[]), "attestation-missing");
}

#[test]
fn a_type_of_predicate_is_compared_to_the_letter() {
    let stage = made();
    stage.write("bom.json", "{}");
    attest(&stage, "tune", "p384", &["--type", "https://cyclonedx.org/BOM", "--predicate", "bom.json"]);
    attest(&stage, "tune", "p384", &["--type", "https://cyclonedx.org/bom/v1.6", "--predicate", "bom.json"]);
    let demand = |kind: &str| {
        format!("{}[[rules.attestations]]\ntype = {kind:?}\nsigned-by = {{ any = [\"ci\"] }}\n", policy())
    };
    denies(verify(&stage, &demand(BOM_TYPE), &[]), "attestation-missing");
    denies(verify(&stage, &demand("https://slsa.dev/provenance/v0.2"), &[]), "attestation-missing");
    allows(verify(&stage, &demand(PROVENANCE_TYPE), &[]));
}
