//! What `--emit-vsa` writes of a verdict.

use super::*;
use crate::summaries::{SUMMARY_TYPE, VERIFIER, consumer, summary};

const CLAIMS: &str = "tune/claims.jsonl";

/// `verify tune`, with a summary by `registry` to this file.
fn emit(stage: &Stage, policy: &str, path: &str, more: &[&str]) -> Answer {
    let key = private("p521");
    let summary = ["--emit-vsa", path, "--verifier-id", VERIFIER, "--key", &key];
    verify(stage, policy, &[&summary[..], more].concat())
}

/// The predicate of the summary that was written.
#[track_caller]
fn emitted(stage: &Stage, path: &str) -> Value {
    let payload = payload(read(stage, path).lines().last().unwrap());
    assert_eq!(payload["predicateType"], SUMMARY_TYPE, "{payload:#}");
    let subject = &payload["subject"][0]["digest"];
    assert_eq!(subject["model-v1"], hex(&digest(stage, "tune")), "{payload:#}");
    payload["predicate"].clone()
}

#[test]
fn an_allowed_model_passes_and_its_summary_is_taken_by_others() {
    let stage = made();
    let report = report(&emit(&stage, &policy(), CLAIMS, &[]).expect(0));
    assert_eq!(report["verdict"]["vsa"]["result"], "PASSED", "{report:#}");
    let said = emitted(&stage, CLAIMS);
    assert_eq!(said["verifier"]["id"], VERIFIER);
    assert_eq!(said["resourceUri"], "hf://acme/tune");
    assert_eq!(said["policy"]["digest"]["sha256"], Sha256Digest::of(policy().as_bytes()).to_string());
    assert_eq!(said["verificationResult"], "PASSED");
    assert_eq!(said["verifiedLevels"], json!(["SLSA_BUILD_LEVEL_UNEVALUATED"]));
    allows(verify(&stage, &consumer(), &[]));
    // The policy that was asked says what it said.
    allows(verify(&stage, &policy(), &[]));
}

#[test]
fn every_bundle_of_somebody_whose_word_counts_is_named_with_the_digest_of_its_payload() {
    let stage = made();
    push(&stage, CLAIMS, &line("other-p256", &statement(&digest(&stage, "tune"), BOM_TYPE, &json!({}))));
    emit(&stage, &policy(), "vsa.json", &[]).expect(0);
    let counted = &lines(&stage, CLAIMS)[..4];
    let signature = read(&stage, "tune/model.sig");
    let of_payload = |bundle: &String| {
        let bundle = UntrustedBundle::parse(bundle.as_bytes()).unwrap();
        Sha256Digest::of(bundle.envelope().payload()).to_string()
    };
    let mut expected: Vec<String> = counted.iter().chain([&signature]).map(of_payload).collect();
    let said = emitted(&stage, "vsa.json");
    let inputs = said["inputAttestations"].as_array().unwrap().iter();
    let mut found: Vec<String> =
        inputs.map(|input| input["digest"]["sha256"].as_str().unwrap().to_owned()).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected, "{said:#}");
}

#[test]
fn the_highest_level_of_a_demand_that_was_met_stands_in_it() {
    for (level, expected) in [(1, "SLSA_BUILD_LEVEL_1"), (3, "SLSA_BUILD_LEVEL_3")] {
        let stage = made();
        emit(
            &stage,
            &edited(&policy(), DEMAND, &format!("{DEMAND}build-level = {level}\n")),
            "vsa.json",
            &[],
        )
        .expect(0);
        assert_eq!(emitted(&stage, "vsa.json")["verifiedLevels"], json!([expected]));
    }
}

#[test]
fn a_denied_model_fails_and_the_command_too() {
    let stage = signed();
    let report = report(&emit(&stage, &policy(), "vsa.json", &[]).expect(1));
    assert_eq!(report["verdict"]["vsa"]["result"], "FAILED", "{report:#}");
    let said = emitted(&stage, "vsa.json");
    assert_eq!(said["verificationResult"], "FAILED");
    assert_eq!(said["verifiedLevels"], json!(["FAILED"]));
    denies(verify(&stage, &consumer(), &["--bundle", "vsa.json"]), "not-signed-by-publisher");
}

#[test]
fn a_denied_model_fails_into_the_claims_too() {
    let stage = signed();
    let before = lines(&stage, CLAIMS).len();
    emit(&stage, &policy(), CLAIMS, &[]).expect(1);
    assert_eq!(lines(&stage, CLAIMS).len(), before + 1);
    assert_eq!(emitted(&stage, CLAIMS)["verificationResult"], "FAILED");
}

#[test]
fn a_model_that_nobody_signed_fails_as_it_is() {
    let stage = signed();
    fs::remove_file(stage.at("tune/model.sig")).unwrap();
    emit(&stage, &policy(), "vsa.json", &[]).expect(1);
    assert_eq!(emitted(&stage, "vsa.json")["verificationResult"], "FAILED");
}

#[test]
fn a_denial_that_a_mode_softens_fails_all_the_same() {
    for mode in ["warn", "audit"] {
        let stage = signed();
        let scope = "scope = \"hf://acme/*\"\n";
        let softened = edited(&policy(), scope, &format!("{scope}mode = {mode:?}\n"));
        emit(&stage, &softened, "vsa.json", &[]).expect(0);
        assert_eq!(emitted(&stage, "vsa.json")["verificationResult"], "FAILED", "{mode}");
    }
}

/// The mode of the rule of the base is no less one that whoever relies on it lacks.
#[test]
fn a_denial_of_a_base_that_a_mode_softens_fails_too() {
    for mode in ["warn", "audit"] {
        let stage = made();
        let scope = "scope = \"hf://meta/*\"\n";
        let softened = edited(&policy(), scope, &format!("{scope}mode = {mode:?}\n"));
        let softened = edited(&softened, "{ any = [\"meta\"] }", "{ any = [\"vera\"] }");
        emit(&stage, &softened, "vsa.json", &[]).expect(0);
        assert_eq!(emitted(&stage, "vsa.json")["verificationResult"], "FAILED", "{mode}");
    }
}

/// Nobody asks what it was made from, so that what becomes of that is nobody's loss.
#[test]
fn a_base_that_nobody_asks_for_plays_no_part() {
    let stage = made();
    let unasked = edited(&policy(), "dependencies = { of = [\"hf://meta/*\"] }\n", "");
    let unasked = edited(&unasked, "{ any = [\"meta\"] }", "{ any = [\"vera\"] }");
    let verdict = allows(emit(&stage, &unasked, "vsa.json", &[]));
    assert_eq!(verdict["attestations"][1]["dependencies"][0]["outcome"], "deny", "{verdict:#}");
    assert_eq!(emitted(&stage, "vsa.json")["verificationResult"], "PASSED");
}

/// Were it, each verifier in a row would make the first one's verdict young again.
#[test]
fn a_summary_of_a_summary_is_no_younger_than_that() {
    let stage = signed();
    let predicate = summary();
    let said = statement(&digest(&stage, "tune"), SUMMARY_TYPE, &predicate);
    push(&stage, CLAIMS, &line("p521", &said));
    emit(&stage, &consumer(), "again.json", &[]).expect(0);
    assert_eq!(emitted(&stage, "again.json")["timeVerified"], predicate["timeVerified"]);
}

#[test]
fn what_a_waiver_takes_back_passes_with_a_warning() {
    let stage = signed();
    let waiver = format!(
        "[[waivers]]\nmodel = {:?}\nrule = \"hf://acme/*\"\nowner = \"Dana\"\nreason = \"old\"\nexpires = 2098-01-01\n",
        digest(&stage, "tune")
    );
    warns(emit(&stage, &format!("{}{waiver}", policy()), "vsa.json", &[]), "waived");
    let said = emitted(&stage, "vsa.json");
    assert_eq!(said["verificationResult"], "PASSED");
    assert_eq!(said["verifiedLevels"], json!(["SLSA_BUILD_LEVEL_UNEVALUATED"]));
}

#[test]
fn a_model_for_which_there_is_no_rule_has_no_summary() {
    let stage = signed();
    emit(&stage, &policy_of(OF_META), "vsa.json", &[]).expect(1);
    assert!(!stage.at("vsa.json").exists());
}

#[test]
fn the_revision_that_was_asked_stands_in_it_and_a_mirror_under_its_own_name() {
    let stage = made();
    let mirror = format!("{}[[remap]]\nfrom = \"oci://mirror.example/*\"\nto = \"hf://*\"\n", policy());
    let key = private("p521");
    for (name, path, expected) in [
        ("hf://Acme/tune@v2", "revision.json", "hf://acme/tune@v2"),
        ("oci://mirror.example/acme/tune", "mirror.json", "hf://acme/tune"),
    ] {
        let summary = ["--emit-vsa", path, "--verifier-id", VERIFIER, "--key", &key];
        verify_as(&stage, "tune", &mirror, name, &summary).expect(0);
        assert_eq!(emitted(&stage, path)["resourceUri"], expected);
    }
}

#[test]
fn a_summary_overwrites_nothing_and_lies_in_no_model() {
    let stage = made();
    stage.write("vsa.json", "mine");
    for path in ["vsa.json", "tune/vsa.json", "tune/vsa.sigstore.json", "nowhere/vsa.json", "tune/model.sig"]
    {
        stage.write("policy.toml", policy());
        let before = contents(&stage);
        emit(&stage, &policy(), path, &[]).expect(2);
        assert_eq!(contents(&stage), before, "{path}");
    }
}

#[test]
fn a_summary_does_not_go_where_it_would_break_the_signature() {
    let stage = made();
    let foreign = edited(&policy(), "bind-name = true\n", "");
    fs::remove_file(stage.at(CLAIMS)).unwrap();
    let bundle: Value = serde_json::from_str(&read(&stage, "tune/model.sig")).unwrap();
    let mut payload = payload(&bundle.to_string());
    payload["predicate"]["serialization"]["ignore_paths"] = json!(["model.sig"]);
    stage.write("tune/model.sig", line("p256", &payload));
    stage.write("policy.toml", &foreign);
    let before = contents(&stage);
    let report = report(&emit(&stage, &foreign, CLAIMS, &[]).expect(2));
    assert_eq!(report["error"]["code"], "claims-not-ignored", "{report:#}");
    assert_eq!(contents(&stage), before);
}

#[test]
fn a_summary_of_a_summary_is_one_of_the_rule_that_took_it() {
    let stage = made();
    emit(&stage, &policy(), CLAIMS, &[]).expect(0);
    let report = report(&emit(&stage, &consumer(), "again.json", &[]).expect(0));
    assert!(codes(&report["verdict"], "note").contains(&"by-summary".to_owned()), "{report:#}");
    let said = emitted(&stage, "again.json");
    assert_eq!(said["policy"]["digest"]["sha256"], Sha256Digest::of(consumer().as_bytes()).to_string());
    // It was reached under a policy that this consumer does not name.
    write_lines(&stage, CLAIMS, &lines(&stage, CLAIMS)[..4]);
    denies(verify(&stage, &consumer(), &["--bundle", "again.json"]), "not-signed-by-publisher");
}
