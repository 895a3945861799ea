//! Locks, waivers and modes beside attestations: what each of them takes back, and
//! what none does.

use super::*;
use crate::summaries::{SUMMARY_TYPE, consumer, summary};

const CLAIMS: &str = "tune/claims.jsonl";
const WITH_LOCK: [&str; 2] = ["--lock", "modelseal.lock"];

/// For the model of this digest, under the rule of this scope.
fn waiver(digest: &str, rule: &str, expires: &str) -> String {
    format!(
        "[[waivers]]\nmodel = {digest:?}\nrule = {rule:?}\nowner = \"Dana\"\nreason = \"old\"\nexpires = {expires}\n"
    )
}

/// The policy, with more in the rule of this scope.
fn with_rule(policy: &str, scope: &str, more: &str) -> String {
    let scope = format!("scope = {scope:?}\n");
    edited(policy, &scope, &format!("{scope}{more}\n"))
}

fn lock(stage: &Stage, command: &str, policy: &str, more: &[&str]) -> Answer {
    stage.write("policy.toml", policy);
    let arguments = ["lock", command, "tune", "--policy", "policy.toml", "--lock", "modelseal.lock"];
    let name = ["--as", "hf://acme/tune", "--format", "json"];
    Answer::of(&mut stage.command([&arguments[..], &name, more].concat()))
}

fn has(verdict: &Value, severity: &str, code: &str) -> bool {
    codes(verdict, severity).contains(&code.to_owned())
}

/// `tune`, for which a summary by `registry` stands in the claims.
fn summarised() -> Stage {
    let stage = signed();
    push(&stage, CLAIMS, &line("p521", &statement(&digest(&stage, "tune"), SUMMARY_TYPE, &summary())));
    stage
}

#[test]
fn a_waiver_takes_back_that_an_attestation_is_missing_for_its_model_alone() {
    let stage = signed();
    let waived = policy() + &waiver(&digest(&stage, "tune"), "hf://acme/*", "2098-01-01");
    let verdict = warns(verify(&stage, &waived, &[]), "waived");
    assert!(has(&verdict, "warn", "attestation-missing"), "{verdict:#}");
    stage.write("tune/weights", "newer");
    sign(&stage, "tune", "p256", &["--force"]);
    denies(verify(&stage, &waived, &[]), "attestation-missing");
}

#[test]
fn a_waiver_takes_back_a_base_that_is_not_admitted() {
    let stage = made();
    let other = edited(&policy(), "{ any = [\"meta\"] }", "{ any = [\"vera\"] }");
    denies(verify(&stage, &other, &[]), "dependency-not-admitted");
    let waived = other + &waiver(&digest(&stage, "tune"), "hf://acme/*", "2098-01-01");
    warns(verify(&stage, &waived, &[]), "waived");
}

#[test]
fn a_waiver_is_of_one_rule_and_ends() {
    let stage = signed();
    let tune = digest(&stage, "tune");
    for (rule, expires) in [("hf://meta/*", "2098-01-01"), ("hf://acme/*", "2020-01-01")] {
        let waived = policy() + &waiver(&tune, rule, expires);
        let verdict = report(&verify(&stage, &waived, &[]).expect(1));
        assert!(has(&verdict["verdict"], "deny", "attestation-missing"), "{verdict:#}");
    }
}

#[test]
fn a_waiver_for_a_base_admits_it_with_a_warning() {
    let stage = made();
    let other = edited(&policy(), "{ any = [\"meta\"] }", "{ any = [\"vera\"] }");
    let waived = other + &waiver(&digest(&stage, "base"), "hf://meta/*", "2098-01-01");
    warns(verify(&stage, &waived, &[]), "dependency-warned");
}

#[test]
fn a_waiver_takes_back_no_denial_of_a_model_nor_of_a_lock() {
    let stage = signed();
    let tune = digest(&stage, "tune");
    let waived = policy() + &waiver(&tune, "hf://acme/*", "2098-01-01");
    let denied = format!("{waived}[[deny]]\nmodel = {tune:?}\nreason = \"bad\"\n");
    denies(verify(&stage, &denied, &[]), "denied-model");
    let pinned = with_rule(&waived, "hf://acme/*", "continuity = \"pinned\"");
    let empty = "version = 1\npolicy-serial = 0\ndeny-list-serial = 0\n";
    stage.write("modelseal.lock", empty);
    denies(verify(&stage, &pinned, &WITH_LOCK), "not-pinned");
}

#[test]
fn neither_a_waiver_for_a_base_nor_a_mode_takes_back_that_it_is_denied() {
    let stage = made();
    let denied = format!("{}[[deny]]\nmodel = {:?}\nreason = \"bad\"\n", policy(), digest(&stage, "base"));
    let waived = denied.clone() + &waiver(&digest(&stage, "base"), "hf://meta/*", "2098-01-01");
    for policy in [waived, with_rule(&denied, "hf://meta/*", "mode = \"audit\"")] {
        denies(verify(&stage, &policy, &[]), "dependency-not-admitted");
    }
}

/// Nothing softens a denial, also of what the model was made from.
#[test]
fn a_waiver_for_a_model_does_not_take_back_that_its_base_is_denied() {
    let stage = made();
    let denied = format!("{}[[deny]]\nmodel = {:?}\nreason = \"bad\"\n", policy(), digest(&stage, "base"));
    let waived = denied + &waiver(&digest(&stage, "tune"), "hf://acme/*", "2098-01-01");
    denies(verify(&stage, &waived, &[]), "dependency-not-admitted");
}

/// With it the directory is another model, of which nobody says what it was made from.
#[test]
fn a_file_more_does_not_take_back_that_a_base_is_denied() {
    for mode in ["warn", "audit"] {
        let stage = made();
        let denied =
            format!("{}[[deny]]\nmodel = {:?}\nreason = \"backdoor\"\n", policy(), digest(&stage, "base"));
        stage.write("tune/notes.md", "nothing of interest");
        let softened = with_rule(&denied, "hf://acme/*", &format!("mode = {mode:?}"));
        denies(verify(&stage, &softened, &[]), "dependency-not-admitted");
    }
}

/// What is said of the whole directory is said of the model, whatever its signature covers.
#[test]
fn what_is_said_of_the_model_as_it_is_tells_of_a_denied_base_too() {
    for mode in ["warn", "audit"] {
        let stage = signed();
        let weights = Sha256Digest::of(&fs::read(stage.at("base/weights")).unwrap());
        stage.write("tune/notes.md", "nothing of interest");
        sign(&stage, "tune", "p256", &["--force", "--ignore", "notes.md"]);
        let base = resource("hf://meta/base", &digest(&stage, "base"));
        let said = statement(&whole(&stage), PROVENANCE_TYPE, &made_from(&[base]));
        push(&stage, CLAIMS, &line("p384", &said));
        for of_base in ["base/claims.jsonl", "base/model.sig"] {
            for line in lines(&stage, of_base) {
                push(&stage, CLAIMS, &line);
            }
        }
        let denied = format!("{}[[deny]]\nfile = \"sha256:{weights}\"\nreason = \"backdoor\"\n", policy());
        let softened = with_rule(&denied, "hf://acme/*", &format!("mode = {mode:?}"));
        denies(verify(&stage, &softened, &[]), "dependency-not-admitted");
    }
}

/// The digest of all files of `tune`, those that its signature leaves out as well.
fn whole(stage: &Stage) -> String {
    let path = |name: &str| ManifestPath::new(name).unwrap();
    let names = ["config", "notes.md", "weights"];
    let files: Vec<_> = names
        .iter()
        .map(|name| (path(name), Sha256Digest::of(&fs::read(stage.at(format!("tune/{name}"))).unwrap())))
        .collect();
    ModelDigest::over(files.iter().map(|(path, digest)| (path, *digest))).to_string()
}

/// The rule of the base asks a lock that is not there: its denial does not.
#[test]
fn leaving_the_lock_away_does_not_take_back_that_a_base_is_denied() {
    let stage = made();
    let weights = Sha256Digest::of(&fs::read(stage.at("base/weights")).unwrap());
    let denied = format!("{}[[deny]]\nfile = \"sha256:{weights}\"\nreason = \"backdoor\"\n", policy());
    let denied = with_rule(&denied, "hf://meta/*", "continuity = \"tofu\"");
    let softened = with_rule(&denied, "hf://acme/*", "mode = \"warn\"");
    denies(verify(&stage, &softened, &[]), "dependency-not-admitted");
}

#[test]
fn a_mode_softens_what_attestations_lack_and_says_so() {
    let stage = signed();
    let verdict =
        warns(verify(&stage, &with_rule(&policy(), "hf://acme/*", "mode = \"warn\""), &[]), "not-enforced");
    assert!(has(&verdict, "warn", "attestation-missing"), "{verdict:#}");
    let verdict = allows(verify(&stage, &with_rule(&policy(), "hf://acme/*", "mode = \"audit\""), &[]));
    assert!(
        has(&verdict, "note", "attestation-missing") && has(&verdict, "note", "not-enforced"),
        "{verdict:#}"
    );
}

#[test]
fn what_only_a_mode_admits_without_an_attestation_is_the_publishers_still() {
    let stage = signed();
    let audit = with_rule(&policy(), "hf://acme/*", "mode = \"audit\"\ncontinuity = \"tofu\"");
    let report = report(&lock(&stage, "add", &audit, &[]).expect(0));
    assert_eq!(report["new"]["signers"][0]["publisher"], "acme", "{report:#}");
}

#[test]
fn a_lock_takes_what_is_attested_and_nothing_else() {
    let stage = signed();
    let tofu = with_rule(&policy(), "hf://acme/*", "continuity = \"tofu\"");
    let refused = report(&lock(&stage, "add", &tofu, &[]).expect(1));
    assert_eq!(refused["error"]["code"], "attestation-missing", "{refused:#}");
    assert!(!stage.at("modelseal.lock").exists());
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    lock(&stage, "add", &tofu, &[]).expect(0);
    allows(verify(&stage, &tofu, &WITH_LOCK));
}

#[test]
fn a_base_that_the_lock_does_not_know_is_one_with_a_warning() {
    let stage = made();
    let tofu = with_rule(&policy(), "hf://meta/*", "continuity = \"tofu\"");
    stage.write("policy.toml", &tofu);
    stage.write("modelseal.lock", "version = 1\npolicy-serial = 0\ndeny-list-serial = 0\n");
    warns(verify(&stage, &tofu, &WITH_LOCK), "dependency-warned");
    let add = ["lock", "add", "base", "--policy", "policy.toml", "--lock", "modelseal.lock"];
    Answer::of(&mut stage.command([&add[..], &["--as", "hf://meta/base"]].concat())).expect(0);
    allows(verify(&stage, &tofu, &WITH_LOCK));
}

#[test]
fn a_base_by_another_signer_than_the_lock_has_is_not_admitted() {
    let stage = made();
    let tofu = with_rule(&policy(), "hf://meta/*", "continuity = \"tofu\"");
    let two_keys = edited(
        &tofu,
        "[publishers.meta]\nkeys = [",
        &format!("[publishers.meta]\nkeys = [{:?}, ", public("p521")),
    );
    stage.write("policy.toml", &two_keys);
    sign(&stage, "base", "p521", &["--force", "--name", "hf://meta/base", "--release", "1.0.0"]);
    let add = ["lock", "add", "base", "--policy", "policy.toml", "--lock", "modelseal.lock"];
    Answer::of(&mut stage.command([&add[..], &["--as", "hf://meta/base"]].concat())).expect(0);
    let verdict = denies(verify(&stage, &two_keys, &WITH_LOCK), "dependency-not-admitted");
    assert!(gravest(&verdict).contains("hf://meta/base"), "{verdict:#}");
}

/// Without a lock nobody can say what the name of the base was.
#[test]
fn a_base_whose_rule_needs_a_lock_is_not_admitted_without_one() {
    let stage = made();
    let tofu = with_rule(&policy(), "hf://meta/*", "continuity = \"tofu\"");
    let answer = report(&verify(&stage, &tofu, &[]));
    assert_ne!(answer["exit_code"], 0, "{answer:#}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("lock"), "{answer:#}");
}

#[test]
fn a_lock_remembers_the_signer_of_the_summary_that_admits() {
    let stage = summarised();
    let tofu = with_rule(&consumer(), "hf://acme/*", "continuity = \"tofu\"");
    let added = report(&lock(&stage, "add", &tofu, &[]).expect(0));
    let signers = added["new"]["signers"].as_array().unwrap();
    assert_eq!((signers.len(), &signers[0]["publisher"]), (1, &json!("registry")), "{added:#}");
    allows(verify(&stage, &tofu, &WITH_LOCK));
    let of_twin = edited(&tofu, "signed-by = \"registry\"", "signed-by = \"twin\"");
    push(&stage, CLAIMS, &line("p384", &statement(&digest(&stage, "tune"), SUMMARY_TYPE, &summary())));
    denies(verify(&stage, &of_twin, &WITH_LOCK), "signer-changed");
    allows(verify(&stage, &edited(&of_twin, "continuity = \"tofu\"", ""), &[]));
}

#[test]
fn a_model_that_a_summary_admits_can_be_pinned() {
    for mode in ["enforce", "warn", "audit"] {
        let stage = summarised();
        let pinned =
            with_rule(&consumer(), "hf://acme/*", &format!("continuity = \"pinned\"\nmode = {mode:?}"));
        let added = report(&lock(&stage, "add", &pinned, &[]).expect(0));
        assert_eq!(added["new"]["signers"][0]["publisher"], "registry", "{added:#}");
        allows(verify(&stage, &pinned, &WITH_LOCK));
    }
}

#[test]
fn a_summary_does_not_admit_other_bytes_than_the_lock_has() {
    let stage = summarised();
    let tofu = with_rule(&consumer(), "hf://acme/*", "continuity = \"tofu\"");
    lock(&stage, "add", &tofu, &[]).expect(0);
    let pinned = edited(&tofu, "tofu", "pinned");
    allows(verify(&stage, &pinned, &WITH_LOCK));
    let other = edited(&read(&stage, "modelseal.lock"), hex(&digest(&stage, "tune")), &"0".repeat(64));
    stage.write("modelseal.lock", other);
    let verdict = report(&verify(&stage, &pinned, &WITH_LOCK).expect(1));
    assert!(has(&verdict["verdict"], "deny", "model-changed"), "{verdict:#}");
}

#[test]
fn a_summary_stands_for_no_publisher_whom_the_lock_knows() {
    let stage = summarised();
    let tofu = with_rule(&consumer(), "hf://acme/*", "continuity = \"tofu\"");
    sign(&stage, "tune", "other-p256", &["--append"]);
    lock(&stage, "add", &tofu, &[]).expect(0);
    let verdict = allows(verify(&stage, &tofu, &WITH_LOCK));
    assert_eq!(verdict["signatures"][0]["publisher"], "vera", "{verdict:#}");
    let without: Vec<String> = lines(&stage, CLAIMS)
        .into_iter()
        .filter(|line| payload(line)["predicateType"] != "https://model_signing/signature/v1.0")
        .collect();
    write_lines(&stage, CLAIMS, &without);
    report(&verify(&stage, &tofu, &WITH_LOCK).expect(1));
}
