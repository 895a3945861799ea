//! Verification summaries, by the SLSA specification of VSAs, version 1.

use std::collections::BTreeMap;

use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::RootDigest;
use modelseal_predicate::{
    PredicateError, SUMMARY_TYPE, Subjects, SummaryPolicy, VerificationSummary, build_level, model_subject,
};
use serde_json::{Map, Value, json};

const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// The example of the specification.
fn example() -> Value {
    json!({
        "verifier": { "id": "https://example.com/publication_verifier", "version": { "slsa-verifier": "2.3.0" } },
        "timeVerified": "1985-04-12T23:20:50.52Z",
        "resourceUri": "https://example.com/example-1.2.3.tar.gz",
        "policy": { "uri": "https://example.com/example_tarball.policy", "digest": { "sha256": HEX } },
        "inputAttestations": [{ "uri": "https://example.com/provenances/example.intoto.jsonl", "digest": { "sha256": HEX } }],
        "verificationResult": "PASSED",
        "verifiedLevels": ["SLSA_BUILD_LEVEL_3"],
        "dependencyLevels": { "SLSA_BUILD_LEVEL_3": 5, "SLSA_BUILD_LEVEL_2": 7 },
        "slsaVersion": "1.0"
    })
}

fn subject() -> Subject {
    let root = RootDigest::from_sha256(HEX.parse().unwrap());
    model_subject("m", format!("model-v1:{HEX}").parse().unwrap(), root)
}

fn read(predicate: Value) -> Result<VerificationSummary, PredicateError> {
    let Value::Object(predicate) = predicate else { panic!("{predicate}") };
    VerificationSummary::of(&Attestation::new(subject(), SUMMARY_TYPE, predicate))
}

fn with(pointer: &str, value: Value) -> Result<VerificationSummary, PredicateError> {
    let mut predicate = example();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    predicate.pointer_mut(parent).unwrap()[name] = value;
    read(predicate)
}

fn without(pointer: &str) -> Result<VerificationSummary, PredicateError> {
    let mut predicate = example();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    predicate.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    read(predicate)
}

fn summary() -> VerificationSummary {
    VerificationSummary {
        verifier: "https://registry.example/verifier".to_owned(),
        verified: Some("2024-05-01T10:00:00Z".parse().unwrap()),
        resource: "hf://acme/toy@v1".to_owned(),
        policy: SummaryPolicy {
            uri: "https://registry.example/policy".to_owned(),
            sha256: Some(HEX.parse().unwrap()),
        },
        has_passed: true,
        levels: vec!["SLSA_BUILD_LEVEL_2".to_owned()],
        inputs: vec![("provenance".to_owned(), HEX.parse().unwrap())],
    }
}

fn written(summary: &VerificationSummary) -> Attestation {
    let attestation = summary.attest(subject(), "0.1.0").unwrap();
    Attestation::parse(&attestation.to_payload()).unwrap()
}

#[test]
fn the_example_of_the_specification_is_read() {
    let read = read(example()).unwrap();
    assert_eq!(read.verifier, "https://example.com/publication_verifier");
    assert_eq!(read.verified, Some("1985-04-12T23:20:50.52Z".parse().unwrap()));
    assert_eq!(read.resource, "https://example.com/example-1.2.3.tar.gz");
    assert_eq!(read.policy.uri, "https://example.com/example_tarball.policy");
    assert_eq!(read.policy.sha256, Some(HEX.parse().unwrap()));
    assert!(read.has_passed);
    assert_eq!(read.levels, ["SLSA_BUILD_LEVEL_3"]);
    assert_eq!(read.inputs.len(), 1);
    assert_eq!(read.inputs[0].1, HEX.parse().unwrap());
}

#[test]
fn a_required_field_that_is_missing_or_null_is_named() {
    for pointer in
        ["/verifier", "/verifier/id", "/resourceUri", "/policy", "/verificationResult", "/verifiedLevels"]
    {
        for found in [without(pointer), with(pointer, json!(null))] {
            let Err(PredicateError::Field { field, .. }) = found else { panic!("{pointer}: {found:?}") };
            assert_eq!(field, pointer[1..].replace('/', "."));
        }
    }
}

#[test]
fn an_empty_verifier_or_resource_is_a_missing_one() {
    for pointer in ["/verifier/id", "/resourceUri"] {
        assert!(with(pointer, json!("")).is_err(), "{pointer}");
    }
}

#[test]
fn a_summary_may_lack_the_time_the_digests_and_all_that_is_optional() {
    for pointer in [
        "/timeVerified",
        "/policy/digest",
        "/inputAttestations",
        "/inputAttestations/0/digest",
        "/verifier/version",
        "/dependencyLevels",
        "/slsaVersion",
    ] {
        let read = match pointer {
            "/inputAttestations/0/digest" => {
                with("/inputAttestations", json!([{ "uri": "https://example.com/a" }]))
            }
            pointer => without(pointer),
        };
        let read = read.unwrap_or_else(|error| panic!("{pointer}: {error}"));
        assert!(read.has_passed && read.levels == ["SLSA_BUILD_LEVEL_3"], "{pointer}");
        assert_eq!(read.verified.is_none(), pointer == "/timeVerified");
        assert_eq!(read.policy.sha256.is_none(), pointer == "/policy/digest");
    }
}

#[test]
fn the_result_is_exactly_passed_or_failed() {
    assert!(with("/verificationResult", json!("PASSED")).unwrap().has_passed);
    assert!(!with("/verificationResult", json!("FAILED")).unwrap().has_passed);
    for other in [
        json!("passed"),
        json!("Passed"),
        json!("PASSED "),
        json!("PASS"),
        json!(""),
        json!("ALLOW"),
        json!(true),
        json!(1),
        json!(["PASSED"]),
        json!({}),
    ] {
        assert!(with("/verificationResult", other.clone()).is_err(), "{other}");
    }
}

#[test]
fn levels_of_others_are_read_as_they_are() {
    let levels = json!(["SLSA_BUILD_LEVEL_UNEVALUATED", "SLSA_SOURCE_LEVEL_2", "K8S_REVIEWED"]);
    assert_eq!(with("/verifiedLevels", levels).unwrap().levels.len(), 3);
    assert_eq!(with("/verifiedLevels", json!(["FAILED"])).unwrap().levels, ["FAILED"]);
    for other in [json!("SLSA_BUILD_LEVEL_3"), json!([3]), json!({ "SLSA_BUILD_LEVEL_3": 1 }), json!([["a"]])]
    {
        assert!(with("/verifiedLevels", other.clone()).is_err(), "{other}");
    }
}

#[test]
fn fields_of_other_kinds_are_refused() {
    for (pointer, others) in [
        ("/verifier", [json!("a"), json!([]), json!(1)]),
        ("/verifier/id", [json!(1), json!({}), json!(["a:b"])]),
        ("/timeVerified", [json!(1), json!("yesterday"), json!({})]),
        ("/resourceUri", [json!(1), json!({}), json!(["a:b"])]),
        ("/policy", [json!("a"), json!([]), json!(1)]),
        ("/policy/uri", [json!(1), json!({}), json!([])]),
        ("/policy/digest", [json!("a"), json!([]), json!({ "sha256": 1 })]),
        ("/inputAttestations", [json!("a"), json!({}), json!(["a"])]),
    ] {
        for other in others {
            let found = with(pointer, other.clone());
            let Err(PredicateError::Field { field, .. }) = found else {
                panic!("{pointer} {other}: {found:?}")
            };
            assert!(field.starts_with(&pointer[1..].replace('/', ".")), "{field}");
        }
    }
}

#[test]
fn unknown_fields_are_passed_over() {
    for pointer in ["/vendor_x", "/verifier/vendor_x", "/policy/vendor_x"] {
        assert_eq!(with(pointer, json!({ "a": [] })), read(example()), "{pointer}");
    }
}

#[test]
fn another_predicate_type_is_refused() {
    for other in [
        "https://slsa.dev/verification_summary/v0.2",
        "https://slsa.dev/verification_summary/v1.0",
        "https://slsa.dev/provenance/v1",
    ] {
        let Value::Object(predicate) = example() else { panic!() };
        let found = VerificationSummary::of(&Attestation::new(subject(), other, predicate));
        assert!(matches!(found, Err(PredicateError::Type { expected: SUMMARY_TYPE, .. })), "{other}");
    }
}

#[test]
fn a_summary_is_written_with_every_field() {
    let attestation = written(&summary());
    assert_eq!(attestation.predicate_type(), "https://slsa.dev/verification_summary/v1");
    assert_eq!(
        Value::Object(attestation.predicate().clone()),
        json!({
            "verifier": { "id": "https://registry.example/verifier", "version": { "modelseal": "0.1.0" } },
            "timeVerified": "2024-05-01T10:00:00Z",
            "resourceUri": "hf://acme/toy@v1",
            "policy": { "uri": "https://registry.example/policy", "digest": { "sha256": HEX } },
            "inputAttestations": [{ "name": "provenance", "digest": { "sha256": HEX } }],
            "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_2"],
            "slsaVersion": "1.1",
        })
    );
}

#[test]
fn a_summary_reads_back_as_it_was_attested() {
    let failed = VerificationSummary { has_passed: false, levels: vec!["FAILED".to_owned()], ..summary() };
    let bare = VerificationSummary {
        inputs: vec![],
        policy: SummaryPolicy { sha256: None, ..summary().policy },
        ..summary()
    };
    for summary in [summary(), failed, bare] {
        assert_eq!(VerificationSummary::of(&written(&summary)), Ok(summary));
    }
}

#[test]
fn a_summary_names_the_model_that_was_verified() {
    assert_eq!(summary().reference().unwrap().to_string(), "hf://acme/toy@v1");
    assert_eq!(read(example()).unwrap().reference(), None);
}

#[test]
fn verifier_resource_and_policy_are_written_as_uris() {
    type Set = fn(&mut VerificationSummary, String);
    let fields: [(&str, Set); 3] = [
        ("verifier.id", |summary, text| summary.verifier = text),
        ("resourceUri", |summary, text| summary.resource = text),
        ("policy.uri", |summary, text| summary.policy.uri = text),
    ];
    for (name, set) in fields {
        for text in ["", "registry", "https://registry.example/a b", "https://registry.example/é"] {
            let mut summary = summary();
            set(&mut summary, text.to_owned());
            match summary.attest(subject(), "0.1.0") {
                Err(PredicateError::Field { field, .. }) => assert_eq!(field, name),
                found => panic!("{name} {text}: {found:?}"),
            }
        }
    }
}

#[test]
fn the_scheme_and_the_authority_are_written_in_lower_case() {
    for text in ["HTTPS://registry.example/x", "https://Registry.example/x"] {
        for summary in [
            VerificationSummary { verifier: text.to_owned(), ..summary() },
            VerificationSummary { resource: text.to_owned(), ..summary() },
            VerificationSummary { policy: SummaryPolicy { uri: text.to_owned(), sha256: None }, ..summary() },
        ] {
            assert!(summary.attest(subject(), "0.1.0").is_err(), "{summary:?}");
        }
    }
}

#[test]
fn a_summary_without_a_time_is_not_written() {
    let summary = VerificationSummary { verified: None, ..summary() };
    assert!(summary.attest(subject(), "0.1.0").is_err());
}

#[test]
fn a_summary_without_a_level_is_not_written() {
    let summary = VerificationSummary { levels: vec![], ..summary() };
    assert!(summary.attest(subject(), "0.1.0").is_err());
}

#[test]
fn what_failed_has_the_level_failed_alone() {
    let failed = VerificationSummary { has_passed: false, ..summary() };
    if let Ok(attestation) = failed.attest(subject(), "0.1.0") {
        assert_eq!(attestation.predicate()["verifiedLevels"], json!(["FAILED"]));
    }
    let passed = VerificationSummary { levels: vec!["FAILED".to_owned()], ..summary() };
    assert!(passed.attest(subject(), "0.1.0").is_err());
}

#[test]
fn a_track_has_one_level() {
    let levels = ["SLSA_BUILD_LEVEL_1", "SLSA_BUILD_LEVEL_2"].map(str::to_owned).to_vec();
    assert!(VerificationSummary { levels, ..summary() }.attest(subject(), "0.1.0").is_err());
    let levels = ["SLSA_BUILD_LEVEL_1", "ACME_REVIEWED"].map(str::to_owned).to_vec();
    assert!(VerificationSummary { levels, ..summary() }.attest(subject(), "0.1.0").is_ok());
}

#[test]
fn levels_of_ones_own_do_not_begin_with_slsa() {
    for level in ["SLSA_MODEL_LEVEL_1", "SLSA_BUILD_LEVEL_9", "SLSA_BUILD_LEVEL_", ""] {
        let summary = VerificationSummary { levels: vec![level.to_owned()], ..summary() };
        assert!(summary.attest(subject(), "0.1.0").is_err(), "{level}");
    }
}

#[test]
fn build_levels_are_called_as_slsa_calls_them() {
    assert_eq!(build_level(None), "SLSA_BUILD_LEVEL_UNEVALUATED");
    for level in 0..=3 {
        assert_eq!(build_level(Some(level)), format!("SLSA_BUILD_LEVEL_{level}"));
    }
}

#[test]
fn a_subject_is_a_model_by_its_digest_or_by_a_root_that_was_verified() {
    let [own, other] = [HEX, &"0a".repeat(32)].map(|hex| format!("model-v1:{hex}").parse().unwrap());
    let roots = [RootDigest::from_sha256(HEX.parse().unwrap())];
    let of = |subject| Subjects::of(&Attestation::new(subject, "https://example.com/p", Map::new()));
    let digest = BTreeMap::from([("sha256".to_owned(), HEX.to_owned())]);
    let bare = of(Subject { name: "m".to_owned(), digest });
    assert!(bare.include(own, &[]) && !bare.include(other, &[]) && bare.include(other, &roots));
    // One that names a model is about no other.
    let named = of(subject());
    assert!(named.include(own, &[]) && !named.include(other, &roots));
}
