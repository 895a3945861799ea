//! A second signature stands beside the first, and breaks neither it nor the
//! tools that know only it.

use std::fs;

use modelseal::{Coverage, Model, SignOptions, Signer, Unobserved};

use super::stage::Stage;
use super::{CLAIMS, RELEASE, bundles, contents, read, refuses, report, run, sign, signer, verifies};

/// As other tools sign: nothing but the signature itself is left out.
fn sign_as_others_do(stage: &Stage, place: &str) {
    let path = stage.at(place);
    let coverage = Coverage { ignore_evidence: false, ..Coverage::default() };
    let options = SignOptions { coverage, bundle_path: Some(&path), ..SignOptions::default() };
    let model = Model::open(&stage.at("model")).unwrap();
    let signed = modelseal::sign(&model, &options, &signer(), &Unobserved).unwrap();
    fs::write(path, signed.bundle).unwrap();
}

#[track_caller]
fn countersigns(stage: &Stage, more: &[&str]) -> serde_json::Value {
    report(&run(stage, &["sign", "model", "--append"], "p384", more).expect(0))
}

#[test]
fn both_signatures_verify() {
    let stage = Stage::new();
    sign(&stage, &[]);
    let before = read(&stage, "model/model.sig");
    countersigns(&stage, &[]);
    assert_eq!(read(&stage, "model/model.sig"), before);
    verifies(&stage, "p256", &["--strict"]);
    stage.write("second.sig", read(&stage, CLAIMS));
    verifies(&stage, "p384", &["--strict", "--signature", "second.sig"]);
}

#[test]
fn appending_twice_adds_one_line() {
    let stage = Stage::new();
    sign(&stage, &[]);
    assert_eq!(countersigns(&stage, &[])["claims"]["added"], 1);
    let before = contents(&stage);
    assert_eq!(countersigns(&stage, &[])["claims"]["added"], 0);
    assert_eq!(contents(&stage), before);
}

#[test]
fn a_countersigner_may_release_as_well() {
    let stage = Stage::new();
    sign(&stage, &RELEASE);
    assert_eq!(countersigns(&stage, &RELEASE)["claims"]["added"], 2);
    assert_eq!(bundles(&stage, CLAIMS).len(), 3);
    verifies(&stage, "p256", &["--strict"]);
}

#[test]
fn a_signature_that_does_not_leave_the_claims_out_is_not_broken() {
    let stage = Stage::new();
    sign_as_others_do(&stage, "model/model.sig");
    let report = refuses(&stage, &["--append"], 2, "claims-not-ignored");
    assert!(report["error"]["help"].as_str().unwrap().contains("--claims"), "{report:#}");
    refuses(&stage, &["--append", "--claims", "model/evidence.jsonl"], 2, "claims-not-ignored");
    sign(&stage, &["--append", "--claims", "outside.jsonl"]);
    verifies(&stage, "p256", &["--strict"]);
}

/// A release alone breaks it just as well, unless the signature is replaced.
#[test]
fn a_release_does_not_break_a_signature_that_stays() {
    let stage = Stage::new();
    sign_as_others_do(&stage, "model/model.sig");
    for output in ["-", "outside.sig"] {
        let more = [&RELEASE[..], &["-o", output, "--quiet"]].concat();
        let answer = run(&stage, &["sign", "model"], "p256", &more).expect(2);
        assert!(answer.stderr.contains("claims-not-ignored") || answer.stdout.contains("claims-not-ignored"));
        assert!(!stage.at(CLAIMS).exists());
    }
    for output in ["model/model.sig", "./model/model.sig"] {
        sign(&stage, &[&RELEASE[..], &["-o", output, "--force"]].concat());
        verifies(&stage, "p256", &["--strict"]);
    }
}

#[test]
fn neither_is_one_among_the_claims() {
    let stage = Stage::new();
    sign_as_others_do(&stage, "line.sig");
    stage.write(CLAIMS, fs::read(stage.at("line.sig")).unwrap());
    let report = refuses(&stage, &["--append"], 2, "claims-not-ignored");
    assert!(report["error"]["message"].as_str().unwrap().contains("in the claims file"), "{report:#}");
}

#[test]
fn a_signature_without_a_record_of_what_it_left_out_leaves_nothing_out() {
    let payload = serde_json::json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "a", "digest": { "sha256": "00".repeat(32) } }],
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": { "unused": "Unused, just passed due to API requirements" },
    });
    let stage = Stage::new();
    stage.write("model/model.sig", signer().sign(payload.to_string().as_bytes()).unwrap());
    refuses(&stage, &["--append"], 2, "claims-not-ignored");
}

#[test]
fn other_bytes_are_not_countersigned() {
    let stage = Stage::new();
    sign(&stage, &[]);
    stage.write("model/a", "other");
    refuses(&stage, &["--append"], 2, "other-content");
    refuses(&stage, &["--append", "--hash", "blake3"], 2, "other-content");
    refuses(&stage, &["--append", "--ignore", "b", "--claims", "outside.jsonl"], 2, "other-content");
}

/// A signature over shards does not tell the model digest: nothing to compare.
#[test]
fn where_the_first_signature_does_not_tell_nothing_is_refused() {
    let stage = Stage::new();
    sign(&stage, &["--shard-size", "1"]);
    countersigns(&stage, &["--hash", "blake3"]);
    verifies(&stage, "p256", &["--strict"]);
}

#[test]
fn a_signature_that_nobody_can_read_is_not_countersigned() {
    let stage = Stage::new();
    stage.write("model/model.sig", "garbage");
    refuses(&stage, &["--append"], 2, "malformed-bundle");
    assert!(!stage.at(CLAIMS).exists());
}

#[test]
fn a_single_file_is_countersigned_beside_it() {
    let stage = Stage::new();
    report(&run(&stage, &["sign", "model/a"], "p256", &[]).expect(0));
    report(&run(&stage, &["sign", "model/a", "--append"], "p384", &[]).expect(0));
    assert_eq!(bundles(&stage, "model/a.claims.jsonl").len(), 1);
}
