//! Whatever a predicate holds, reading it ends with a value or an error, within limits.

use std::collections::BTreeMap;

use modelseal_bundle::{Attestation, Subject};
use modelseal_predicate::{
    NewProvenance, PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2, PredicateError, Provenance, SUMMARY_TYPE, Subjects,
    VerificationSummary, parse_predicate,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// Every field of SLSA provenance v1, of a build type that nobody knows.
fn v1() -> Value {
    let resource = json!({
        "name": "n", "uri": "hf://acme/toy@v1", "digest": { "sha256": "00", "model-v1": "0a".repeat(32) },
        "content": "aGk=", "downloadLocation": "https://example.com/x", "mediaType": "a/b", "annotations": { "role": "base-model" }
    });
    json!({
        "buildDefinition": {
            "buildType": "https://example.com/build/v1",
            "externalParameters": { "source": { "uri": "git+https://example.com/o/r@refs/heads/main" } },
            "internalParameters": { "a": [1] },
            "resolvedDependencies": [resource]
        },
        "runDetails": {
            "builder": { "id": "https://example.com/b", "version": { "modelseal": "1" }, "builderDependencies": [resource] },
            "metadata": { "invocationId": "i", "startedOn": "2024-05-01T10:00:00Z", "finishedOn": "2024-05-01T10:00:01Z" },
            "byproducts": [resource]
        }
    })
}

/// Build types whose runs are read.
fn runs() -> Vec<Value> {
    let mut github = v1();
    github["buildDefinition"]["buildType"] = json!("https://actions.github.io/buildtypes/workflow/v1");
    github["buildDefinition"]["externalParameters"] = json!({ "workflow": { "ref": "refs/heads/main", "repository": "https://example.com/o/r", "path": "x.yml" } });
    github["buildDefinition"]["internalParameters"] =
        json!({ "github": { "event_name": "push", "repository_id": "1", "repository_owner_id": "2" } });
    let mut gitlab = v1();
    gitlab["buildDefinition"]["buildType"] = json!("urn:modelseal:build:gitlab-ci:v1");
    gitlab["buildDefinition"]["externalParameters"] =
        json!({ "source": "https://example.com/o/r", "ref": "refs/heads/main" });
    gitlab["buildDefinition"]["internalParameters"] =
        json!({ "projectId": "1", "namespaceId": "2", "pipelineSource": "push" });
    vec![github, gitlab]
}

fn v0_2() -> Value {
    let source = json!({ "uri": "git+https://example.com/o/r@refs/heads/main", "digest": { "sha1": "00" }, "entryPoint": "x.yml" });
    json!({
        "builder": { "id": "https://example.com/b" },
        "buildType": "https://github.com/slsa-framework/slsa-github-generator/generic@v1",
        "invocation": { "configSource": source, "parameters": {}, "environment": {} },
        "metadata": { "buildInvocationId": "1", "buildStartedOn": "2024-05-01T10:00:00Z", "buildFinishedOn": "2024-05-01T10:00:01Z" },
        "materials": [source]
    })
}

fn summary() -> Value {
    json!({
        "verifier": { "id": "https://example.com/v", "version": { "a": "1" } }, "timeVerified": "2024-05-01T10:00:00Z",
        "resourceUri": "hf://acme/toy", "policy": { "uri": "a:b", "digest": { "sha256": "00".repeat(32) } },
        "inputAttestations": [{ "name": "n", "uri": "a:b", "digest": { "sha256": "00".repeat(32) } }],
        "verificationResult": "PASSED", "verifiedLevels": ["SLSA_BUILD_LEVEL_1"], "slsaVersion": "1.1"
    })
}

fn valid() -> Vec<(&'static str, Value)> {
    let mut valid = vec![(PROVENANCE_TYPE, v1()), (PROVENANCE_TYPE_V0_2, v0_2()), (SUMMARY_TYPE, summary())];
    valid.extend(runs().into_iter().map(|run| (PROVENANCE_TYPE, run)));
    valid
}

/// The pointer of every value within `value`, but itself.
fn pointers(value: &Value) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(list) => {
            list.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => vec![],
    };
    let with_own = |(name, value): (String, &Value)| {
        let below =
            pointers(value).into_iter().map(|pointer| format!("/{name}{pointer}")).collect::<Vec<_>>();
        std::iter::once(format!("/{name}")).chain(below)
    };
    inner.into_iter().flat_map(with_own).collect()
}

fn pointer_at(predicate: &Value, at: Index) -> String {
    at.get(&pointers(predicate)).clone()
}

fn with(predicate: &Value, pointer: &str, value: Value) -> Value {
    let mut predicate = predicate.clone();
    *predicate.pointer_mut(pointer).unwrap() = value;
    predicate
}

fn attestation(predicate_type: &str, predicate: Value) -> Attestation {
    let digest = BTreeMap::from([("sha256".to_owned(), "00".to_owned())]);
    let Value::Object(predicate) = predicate else { panic!("{predicate}") };
    Attestation::new(Subject { name: String::new(), digest }, predicate_type, predicate)
}

/// What is told of provenance, and not what it was told by.
fn told(predicate_type: &str, predicate: Value) -> Result<impl PartialEq + std::fmt::Debug, PredicateError> {
    let read = Provenance::of(&attestation(predicate_type, predicate))?;
    let resource = |at: usize| {
        read.dependencies.get(at).map(|found| {
            (
                found.name().map(str::to_owned),
                found.uri().map(str::to_owned),
                found.model_digest(),
                found.role().map(str::to_owned),
            )
        })
    };
    let dependency = resource(0);
    Ok((
        read.builder,
        read.build_type,
        read.source,
        read.run,
        read.started,
        read.finished,
        read.is_by_the_job_itself,
        dependency,
    ))
}

/// Everything that reads a predicate; what it finds does not matter.
fn read_everything(attestation: &Attestation) {
    if let Ok(found) = Provenance::of(attestation) {
        for resource in &found.dependencies {
            let _ = (resource.is_model(), resource.model_digest(), resource.root_digests(), resource.role());
        }
        let _ = found.models().count();
    }
    if let Ok(found) = VerificationSummary::of(attestation) {
        let _ = (found.reference(), found.attest(attestation.subjects()[0].clone(), "0"));
    }
    let _ = Subjects::of(attestation);
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[a-z]{1,5}:[ -~]{0,20}",
        "(git\\+)?https?://([a-z]@)?[a-z/@#]{0,20}",
        Just("2024-05-01T10:00:00Z".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let name = prop_oneof![
        "[a-z]{0,4}",
        Just("uri".to_owned()),
        Just("digest".to_owned()),
        Just("sha256".to_owned())
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_value_anywhere_is_read_or_refused(kind: Index, at: Index, value in any_json()) {
        let (predicate_type, predicate) = kind.get(&valid()).clone();
        let predicate = with(&predicate, &pointer_at(&predicate, at), value);
        let _ = NewProvenance::parse(predicate.to_string().as_bytes());
        read_everything(&attestation(predicate_type, predicate));
    }

    #[test]
    fn what_may_be_signed_is_read(at: Index, value in any_json()) {
        let predicate = with(&v1(), &pointer_at(&v1(), at), value);
        if let Ok(provenance) = NewProvenance::parse(predicate.to_string().as_bytes()) {
            let subject = attestation(PROVENANCE_TYPE, json!({})).subjects()[0].clone();
            let attestation = Attestation::parse(&provenance.attest(subject).to_payload()).unwrap();
            prop_assert!(Provenance::of(&attestation).is_ok(), "{:?}", Provenance::of(&attestation));
        }
    }

    #[test]
    fn any_object_is_read_or_refused(value in any_json()) {
        let predicate = if value.is_object() { value } else { json!({ "predicate": value }) };
        for predicate_type in [PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2, SUMMARY_TYPE] {
            read_everything(&attestation(predicate_type, predicate.clone()));
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(at: Index, byte: u8, bytes: Vec<u8>) {
        let _ = (NewProvenance::parse(&bytes), parse_predicate(&bytes));
        let mut damaged = v1().to_string().into_bytes();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        let _ = NewProvenance::parse(&damaged);
    }
}

#[test]
fn null_is_as_absent_wherever_it_stands() {
    for (predicate_type, predicate) in valid() {
        for pointer in pointers(&predicate) {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            let mut absent = predicate.clone();
            let Value::Object(map) = absent.pointer_mut(parent).unwrap() else { continue };
            map.remove(name);
            let null = with(&predicate, &pointer, Value::Null);
            let told = |predicate: &Value| told(predicate_type, predicate.clone());
            assert_eq!(told(&null), told(&absent), "{pointer}");
            let summary =
                |value: &Value| VerificationSummary::of(&attestation(predicate_type, value.clone()));
            assert_eq!(summary(&null), summary(&absent), "{pointer}");
            // What maps of texts hold, and parameters, are no fields.
            let free = ["digest", "version", "externalParameters"];
            if !free.iter().any(|map| parent.ends_with(map)) {
                let new = |value: &Value| NewProvenance::parse(value.to_string().as_bytes()).map(drop);
                assert_eq!(new(&null), new(&absent), "{pointer}");
            }
        }
    }
}

#[test]
fn a_wrong_kind_at_any_level_is_refused_by_the_name_of_the_field() {
    let kinds = [json!(true), json!(7), json!("text"), json!([[]]), json!({ "x": 7 })];
    let free = ["/externalParameters/", "/internalParameters/", "/annotations/"];
    for pointer in pointers(&v1()) {
        if free.iter().any(|parent| pointer.contains(parent)) {
            continue;
        }
        let valid = v1();
        let kind = std::mem::discriminant(valid.pointer(&pointer).unwrap());
        for value in kinds.iter().filter(|value| std::mem::discriminant(*value) != kind) {
            match NewProvenance::parse(with(&valid, &pointer, value.clone()).to_string().as_bytes()) {
                Err(PredicateError::Field { field, .. }) => {
                    let name = pointer[1..].replace("/0", "[0]").replace('/', ".");
                    assert!(field.starts_with(&name), "{name}: {field}");
                }
                found => panic!("{pointer} {value}: {found:?}"),
            }
        }
    }
}

fn refused(json: &[u8]) {
    assert!(matches!(parse_predicate(json), Err(PredicateError::Json(_))), "{:?}", parse_predicate(json));
    assert!(matches!(NewProvenance::parse(json), Err(PredicateError::Json(_))));
}

#[test]
fn duplicate_keys_are_refused_at_any_level() {
    let whole = v1().to_string();
    for (once, twice) in [
        ("{\"buildDefinition\":", "{\"runDetails\":1,\"buildDefinition\":"),
        ("\"id\":", "\"id\":\"a:b\",\"id\":"),
        ("\"id\":", "\"\\u0069d\":\"a:b\",\"id\":"),
        ("\"role\":", "\"role\":1,\"role\":"),
    ] {
        assert!(whole.contains(once));
        refused(whole.replacen(once, twice, 1).as_bytes());
    }
}

#[test]
fn trailing_truncated_and_misencoded_bytes_are_refused() {
    let whole = v1().to_string();
    for trailing in ["x", "{}", "\0", ",", "]"] {
        refused(format!("{whole}{trailing}").as_bytes());
    }
    for length in 0..whole.len() {
        refused(&whole.as_bytes()[..length]);
    }
    refused(format!("\u{feff}{whole}").as_bytes());
    refused(b"{\"a\":\"\xff\"}");
    refused(br#"{"a":"\ud800"}"#);
}

#[test]
fn what_is_deep_or_of_many_values_is_refused() {
    refused(format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)).as_bytes());
    refused(format!("{{\"a\":{}", "{\"a\":".repeat(100_000)).as_bytes());
    refused(format!("{{\"a\":[{}0]}}", "0,".repeat(300_000)).as_bytes());
    let keys: Vec<String> = (0..100_000).map(|key| format!("\"{key}\":0")).collect();
    refused(format!("{{{}}}", keys.join(",")).as_bytes());
}

/// Else it would be signed, and nobody could read it.
#[test]
fn what_is_just_within_the_limits_is_within_those_of_statements() {
    let with_parameter =
        |json: String| v1().to_string().replacen("{\"a\":[1]}", &format!("{{\"a\":{json}}}"), 1);
    let deep = (50..70).map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    let many = (199_900..200_000).step_by(3).map(|count| format!("[{}0]", "0,".repeat(count)));
    for json in deep.chain(many).map(with_parameter) {
        if let Ok(provenance) = NewProvenance::parse(json.as_bytes()) {
            let subject = attestation(PROVENANCE_TYPE, json!({})).subjects()[0].clone();
            let payload = provenance.attest(subject).to_payload();
            let read = Attestation::parse(&payload).map(drop);
            assert_eq!(read, Ok(()), "{} bytes", json.len());
        }
    }
}

#[test]
fn long_texts_and_lists_are_read() {
    let text = "a:".to_owned() + &"x".repeat(4_000_000);
    let long = with(&v1(), "/runDetails/builder/id", json!(text));
    assert_eq!(Provenance::of(&attestation(PROVENANCE_TYPE, long)).unwrap().builder, text);
    let many =
        with(&v1(), "/buildDefinition/resolvedDependencies", json!(vec![json!({ "uri": "a:b" }); 10_000]));
    assert_eq!(Provenance::of(&attestation(PROVENANCE_TYPE, many)).unwrap().dependencies.len(), 10_000);
}

#[test]
fn no_message_holds_what_acts_on_a_terminal() {
    let hostile = "\u{1b}[2J\u{202e}\n";
    for pointer in pointers(&v1()) {
        for value in [json!(hostile), json!({ hostile: 1 }), json!([hostile])] {
            let json = with(&v1(), &pointer, value).to_string();
            if let Err(error) = NewProvenance::parse(json.as_bytes()) {
                let message = error.to_string();
                assert!(!message.contains(['\u{1b}', '\u{202e}', '\n']), "{message:?}");
            }
        }
    }
}
