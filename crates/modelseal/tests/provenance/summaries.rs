//! The verdict of somebody else: when it is taken, and for what.

use super::*;

const CLAIMS: &str = "tune/claims.jsonl";
pub(crate) const SUMMARY_TYPE: &str = "https://slsa.dev/verification_summary/v1";
pub(crate) const VERIFIER: &str = "https://registry.example/verifier";

/// Whoever takes the word of `registry` for what [`policy`] says, and else would
/// have `vera` sign.
pub(crate) fn consumer() -> String {
    consumer_of("hf://acme/*", "")
}

fn consumer_of(scope: &str, more: &str) -> String {
    let digest = Sha256Digest::of(policy().as_bytes());
    policy_of(&format!(
        "[[rules]]\nscope = {scope:?}\nsigned-by = {{ any = [\"vera\"] }}\n{more}\n[[rules.summaries]]\n\
         signed-by = \"registry\"\nverifier = {VERIFIER:?}\npolicies = [\"sha256:{digest}\"]\nmax-age = \"30d\"\n"
    ))
}

/// So many hours before now, or after it.
pub(crate) fn ago(hours: i64) -> String {
    let now = modelseal::Clock::system().now().as_second();
    modelseal::Timestamp::from_second(now - hours * 3600).unwrap().to_string()
}

/// The verdict that `registry` reached an hour ago.
pub(crate) fn summary() -> Value {
    json!({
        "verifier": { "id": VERIFIER },
        "timeVerified": ago(1),
        "resourceUri": "hf://acme/tune",
        "policy": {
            "uri": "https://registry.example/policy",
            "digest": { "sha256": Sha256Digest::of(policy().as_bytes()).to_string() },
        },
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
    })
}

/// `tune`, for which a summary stands in the claims.
fn summarised(predicate: &Value) -> Stage {
    let stage = signed();
    push(&stage, CLAIMS, &line("p521", &statement(&digest(&stage, "tune"), SUMMARY_TYPE, predicate)));
    stage
}

/// A summary in which this is something else does not count, for this reason.
#[track_caller]
fn does_not_count(pointer: &str, value: Value, code: &str) {
    let mut predicate = summary();
    *predicate.pointer_mut(pointer).unwrap() = value;
    not_taken(verify(&summarised(&predicate), &consumer(), &[]), code);
}

#[track_caller]
fn not_taken(answer: Answer, code: &str) {
    let verdict = denies(answer, "not-signed-by-publisher");
    assert_eq!(verdict["summary"], Value::Null, "{verdict:#}");
    assert!(codes(&verdict, "note").contains(&code.to_owned()), "{code}: {verdict:#}");
}

#[test]
fn a_summary_stands_for_signatures_and_attestations() {
    let stage = summarised(&summary());
    let verdict = allows(verify(&stage, &consumer(), &[]));
    assert!(codes(&verdict, "note").contains(&"by-summary".to_owned()), "{verdict:#}");
    assert_eq!(verdict["signatures"], json!([]), "{verdict:#}");
    let demanding = consumer_of("hf://acme/*", &format!("bind-name = true\n{DEMAND}"));
    allows(verify(&stage, &demanding, &[]));
    fs::remove_file(stage.at("tune/model.sig")).unwrap();
    allows(verify(&stage, &demanding, &[]));
}

#[test]
fn a_summary_is_not_asked_where_signatures_suffice() {
    let stage = summarised(&summary());
    sign(&stage, "tune", "other-p256", &["--append"]);
    let verdict = allows(verify(&stage, &consumer(), &[]));
    assert_eq!(verdict["summary"], Value::Null, "{verdict:#}");
}

#[test]
fn a_summary_of_another_verifier() {
    for id in ["https://registry.example/verifier/", "https://registry.example/Verifier", "x:y"] {
        does_not_count("/verifier/id", json!(id), "other-verifier");
    }
}

#[test]
fn a_summary_of_another_name() {
    for uri in [
        "hf://acme/tune2",
        "hf://acme/tune@v1",
        "hf://acme/*",
        "file:/tune",
        "https://acme.example",
        "hf://acme/tune ",
    ] {
        does_not_count("/resourceUri", json!(uri), "other-reference");
    }
}

#[test]
fn a_summary_under_another_policy_or_under_none() {
    does_not_count("/policy/digest/sha256", json!("0".repeat(64)), "other-policy");
    does_not_count("/policy/digest", json!({ "sha512": "00" }), "other-policy");
    let upper = Sha256Digest::of(policy().as_bytes()).to_string().to_uppercase();
    let mut predicate = summary();
    predicate["policy"]["digest"]["sha256"] = upper.into();
    denies(verify(&summarised(&predicate), &consumer(), &[]), "not-signed-by-publisher");
}

#[test]
fn a_summary_of_a_model_that_did_not_pass() {
    does_not_count("/verificationResult", json!("FAILED"), "not-passed");
}

#[test]
fn a_summary_that_is_too_old_of_the_future_or_of_no_time() {
    does_not_count("/timeVerified", json!(ago(31 * 24)), "too-old");
    does_not_count("/timeVerified", json!(ago(-1)), "from-the-future");
    does_not_count("/timeVerified", Value::Null, "age-unknown");
}

#[test]
fn a_summary_that_cannot_be_read_counts_for_nothing() {
    for (pointer, value) in [
        ("/verificationResult", json!("passed")),
        ("/verificationResult", Value::Null),
        ("/timeVerified", json!("yesterday")),
        ("/resourceUri", json!(["hf://acme/tune"])),
        ("/policy", Value::Null),
        ("/verifier", json!(VERIFIER)),
    ] {
        let mut predicate = summary();
        *predicate.pointer_mut(pointer).unwrap() = value;
        denies(verify(&summarised(&predicate), &consumer(), &[]), "not-signed-by-publisher");
    }
}

#[test]
fn a_summary_by_another_signer() {
    let stage = signed();
    let statement = statement(&digest(&stage, "tune"), SUMMARY_TYPE, &summary());
    for kind in ["p256", "p384", "ed25519", "other-p256"] {
        push(&stage, CLAIMS, &line(kind, &statement));
    }
    denies(verify(&stage, &consumer(), &[]), "not-signed-by-publisher");
}

/// A root digest leaves open how files are called.
#[test]
fn a_summary_of_another_model_or_of_a_root_digest() {
    let stage = signed();
    let root = payload(&read(&stage, "tune/model.sig"))["subject"][0]["digest"]["sha256"].clone();
    sign(&stage, "tune", "other-p256", &["--append", "--hash", "blake3"]);
    for subject in [json!({ "model-v1": "0".repeat(64) }), json!({ "sha256": root })] {
        let mut statement = statement(&digest(&stage, "tune"), SUMMARY_TYPE, &summary());
        statement["subject"][0]["digest"] = subject;
        push(&stage, CLAIMS, &line("p521", &statement));
    }
    let only_sha256 =
        edited(&consumer(), "{ any = [\"vera\"] }", "{ any = [\"vera\"] }\nhashes = [\"sha256\"]");
    denies(verify(&stage, &only_sha256, &[]), "not-signed-by-publisher");
}

#[test]
fn a_summary_is_of_one_revision() {
    let stage = summarised(&summary());
    let as_name = |name: &str| verify_as(&stage, "tune", &consumer(), name, &[]);
    allows(as_name("hf://Acme/Tune"));
    for name in ["hf://acme/tune@v2", "hf://acme/tune@main", "hf://acme/other"] {
        not_taken(as_name(name), "other-reference");
    }
    let mut of_v2 = summary();
    of_v2["resourceUri"] = "hf://acme/tune@v2".into();
    let stage = summarised(&of_v2);
    allows(verify_as(&stage, "tune", &consumer(), "hf://acme/tune@v2", &[]));
    not_taken(verify_as(&stage, "tune", &consumer(), "hf://acme/tune@v3", &[]), "other-reference");
}

#[test]
fn a_mirror_may_be_meant_by_either_of_its_names() {
    let mirror = format!("{}[[remap]]\nfrom = \"oci://mirror.example/*\"\nto = \"hf://*\"\n", consumer());
    for uri in ["hf://acme/tune", "oci://mirror.example/acme/tune"] {
        let mut predicate = summary();
        predicate["resourceUri"] = uri.into();
        let stage = summarised(&predicate);
        allows(verify_as(&stage, "tune", &mirror, "oci://mirror.example/acme/tune", &[]));
    }
}

#[test]
fn a_file_that_changed_is_gone_or_is_new_is_no_file_of_the_summary() {
    type Change = fn(&Stage);
    let changes: [Change; 4] = [
        |stage| stage.write("tune/weights", "x"),
        |stage| fs::remove_file(stage.at("tune/weights")).unwrap(),
        |stage| stage.write("tune/payload.py", "import os"),
        |stage| std::os::unix::fs::symlink("config", stage.at("tune/alias")).unwrap(),
    ];
    for change in changes {
        let stage = summarised(&summary());
        change(&stage);
        denies(verify(&stage, &consumer(), &[]), "not-signed-by-publisher");
    }
}

#[test]
fn a_summary_takes_back_no_denial() {
    let stage = summarised(&summary());
    let file = Sha256Digest::of(b"weights of tune");
    for (denial, code) in [
        (format!("model = {:?}", digest(&stage, "tune")), "denied-model"),
        (format!("file = \"sha256:{file}\""), "denied-file"),
    ] {
        let denied = format!("{}[[deny]]\n{denial}\nreason = \"bad\"\n", consumer());
        denies(verify(&stage, &denied, &[]), code);
    }
    let expired = edited(&consumer(), "2099-01-01", "2020-01-01");
    denies(verify(&stage, &expired, &[]), "policy-expired");
    let list = format!("{}[deny-list]\nfile = \"none.toml\"\nsigned-by = \"registry\"\n", consumer());
    stage.write("none.toml", "version = 1\nserial = 1\nexpires = 2099-01-01\n");
    denies(verify(&stage, &list, &[]), "deny-list-unusable");
}

#[test]
fn a_denied_verifier_does_not_count() {
    let stage = summarised(&summary());
    sign(&stage, "model", "p521", &[]);
    let verify_key = ["verify", "model", "--format", "json", "--key", &public("p521")];
    let answer = report(&Answer::of(&mut stage.command(verify_key)).expect(0));
    let key = answer["signature"]["signer"]["fingerprint"].as_str().unwrap();
    let denied = format!("{}[[deny]]\nkey = {key:?}\nreason = \"lost\"\n", consumer());
    not_taken(verify(&stage, &denied, &[]), "denied-signer");
}

/// `payload.py` is in no summary: a signature that does not count must not leave it
/// out for the others.
#[test]
fn whose_signature_does_not_count_lets_no_file_in_beside_a_summary() {
    let stage = summarised(&summary());
    stage.write("tune/payload.py", "import os");
    sign(&stage, "tune", "other-p256", &["--force", "--ignore", "payload.py"]);
    sign(&stage, "model", "other-p256", &[]);
    let verify_key = ["verify", "model", "--format", "json", "--key", &public("other-p256")];
    let answer = report(&Answer::of(&mut stage.command(verify_key)).expect(0));
    let key = answer["signature"]["signer"]["fingerprint"].as_str().unwrap();
    let denied = format!("{}[[deny]]\nkey = {key:?}\nreason = \"lost\"\n", consumer());
    report(&verify(&stage, &denied, &[]).expect(1));
}

/// As many have to leave a file out as have to sign.
#[test]
fn one_of_two_publishers_alone_lets_no_file_in_beside_a_summary() {
    let stage = summarised(&summary());
    stage.write("tune/payload.py", "import os");
    sign(&stage, "tune", "other-p256", &["--force", "--ignore", "payload.py"]);
    let two = edited(&consumer(), "{ any = [\"vera\"] }", "{ all = [\"vera\", \"meta\"] }");
    report(&verify(&stage, &two, &[]).expect(1));
}

#[test]
fn a_rule_of_summaries_alone_takes_no_signature() {
    let alone = edited(&consumer(), "signed-by = { any = [\"vera\"] }\n", "");
    let stage = signed();
    for kind in ["other-p256", "p521", "p256"] {
        sign(&stage, "tune", kind, &["--append"]);
    }
    denies(verify(&stage, &alone, &[]), "no-summary");
    allows(verify(&summarised(&summary()), &alone, &[]));
}

/// It is asked for by the rule of the base, whose files nobody has here.
#[test]
fn a_summary_that_is_carried_along_stands_for_the_signature_of_a_base() {
    let stage = signed();
    let of_meta = edited(&consumer_of("hf://meta/*", ""), "version = 1\n", "");
    let rules = of_meta.split_once("[[rules]]").unwrap().1;
    let policy = policy_of(&format!("[[rules]]{rules}\n{}", of_acme(DEMAND)));
    stage.write("policy.toml", &policy);
    refuses(&stage, "tune", &MADE_FROM_BASE, 1, "not-signed-by-publisher");
    let mut of_base = summary();
    of_base["resourceUri"] = "hf://meta/base".into();
    push(
        &stage,
        "base/claims.jsonl",
        &line("p521", &statement(&digest(&stage, "base"), SUMMARY_TYPE, &of_base)),
    );
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    // A verdict that rests on it is no younger.
    let key = private("p521");
    let emit = ["--emit-vsa", "vsa.json", "--verifier-id", VERIFIER, "--key", &key];
    allows(verify(&stage, &policy, &emit));
    assert_eq!(payload(&read(&stage, "vsa.json"))["predicate"]["timeVerified"], of_base["timeVerified"]);
    let rest: Vec<String> = lines(&stage, CLAIMS)
        .into_iter()
        .filter(|line| payload(line)["predicateType"] != SUMMARY_TYPE)
        .collect();
    write_lines(&stage, CLAIMS, &rest);
    denies(verify(&stage, &policy, &[]), "dependency-not-admitted");
}
