//! Who follows is said in one form, which a policy can compare.

use std::fs;

use modelseal::{Certificate, Fingerprint, SignerId, Succession};

use super::stage::{Answer, Stage};
use super::{
    CLAIMS, RELEASE, attested, bundles, contents, key, public_key, report, run, sign, verifies, workbench,
};

const WORKFLOW: &str = "https://git.example/acme/models/.ci/release.yml@refs/heads/main";
const ISSUER: &str = "https://issuer.example";

fn certificate(name: &str) -> String {
    workbench::testdata().join("certificates").join(name).into_os_string().into_string().unwrap()
}

fn succeed(stage: &Stage, to: &[&str]) -> Answer {
    run(stage, &["succession", "model", "--scope", "hf://acme/*"], "p256", to)
}

/// Who follows, as somebody reads it who believes the predecessor.
#[track_caller]
fn successor(stage: &Stage, to: &[&str]) -> SignerId {
    let report = report(&succeed(stage, to).expect(0));
    assert_eq!(report["claims"]["added"], 1, "{report:#}");
    let line = bundles(stage, CLAIMS).pop().unwrap();
    let succession = Succession::of(attested(&line, "p256").attestation()).unwrap();
    assert_eq!(succession.scope.to_string(), "hf://acme/*");
    assert_eq!(serde_json::to_value(&succession.successor).unwrap(), report["successor"]);
    succession.successor
}

#[test]
fn each_kind_of_successor_is_who_a_verifier_would_name() {
    let stage = Stage::new();
    sign(&stage, &RELEASE);
    let expected = SignerId::Key { key: Fingerprint(public_key("p384").fingerprint()) };
    assert_eq!(successor(&stage, &["--to-key", &key("p384.pub")]), expected);

    let (leaf, root) = (certificate("release.pem"), certificate("root.pem"));
    let parsed = |path: &str| Certificate::all_from_pem(&fs::read(path).unwrap()).unwrap().remove(0);
    let expected = SignerId::Certificate {
        root: Fingerprint(parsed(&root).fingerprint()),
        subject: parsed(&leaf).subject(),
    };
    assert_eq!(successor(&stage, &["--to-certificate", &leaf, "--to-root", &root]), expected);

    let (issuer, id) = (ISSUER.to_owned(), |text: &str| Some(text.to_owned()));
    let to = ["--to-identity", WORKFLOW, "--to-issuer", ISSUER];
    let numbers = ["--to-owner-id", "42", "--to-repository-id", "7"];
    let expected = SignerId::Workflow { issuer: issuer.clone(), owner_id: id("42"), repository_id: id("7") };
    assert_eq!(successor(&stage, &[to, numbers].concat()), expected);
    let expected = SignerId::Workflow { issuer: issuer.clone(), owner_id: None, repository_id: id("7") };
    assert_eq!(successor(&stage, &[&to[..], &numbers[2..]].concat()), expected);
    let expected = SignerId::Identity { issuer: issuer.clone(), identity: WORKFLOW.to_owned() };
    assert_eq!(successor(&stage, &[&to[..], &["--to-name-only"]].concat()), expected);
    let to = ["--to-identity", "release@acme.example", "--to-issuer", ISSUER];
    let expected = SignerId::Identity { issuer, identity: "release@acme.example".to_owned() };
    assert_eq!(successor(&stage, &to), expected);
    assert_eq!(bundles(&stage, CLAIMS).len(), 7);
    verifies(&stage, "p256", &["--strict"]);
}

#[test]
fn a_succession_that_cannot_be_told_is_not_signed() {
    let stage = Stage::new();
    sign(&stage, &[]);
    let before = contents(&stage);
    let to = |identity| ["--to-identity", identity, "--to-issuer", ISSUER];
    let itself = key("p256.pub");
    for arguments in [&to(WORKFLOW)[..], &to("*@acme.example"), &to(""), &to("a b"), &["--to-key", &itself]] {
        let report = report(&succeed(&stage, arguments).expect(2));
        assert_eq!(report["error"]["code"], "usage", "{report:#}");
    }
    assert_eq!(contents(&stage), before);
}

#[test]
fn a_succession_needs_no_model() {
    let stage = Stage::new();
    let to = ["--to-key", &key("p384.pub"), "--claims", "passed-on.jsonl"];
    run(&stage, &["succession", "--scope", "oci://registry.example/acme/*"], "p256", &to).expect(0);
    assert_eq!(bundles(&stage, "passed-on.jsonl").len(), 1);
}
