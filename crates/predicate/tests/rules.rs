//! The rules of SLSA provenance v1, and of in-toto's field types, for provenance that is to be
//! signed: a table for each.

use std::collections::BTreeMap;

use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{ModelDigest, RootDigest};
use modelseal_predicate::{NewProvenance, PredicateError, ResourceDescriptor, is_uri, parse_predicate};
use serde_json::{Map, Value, json};

fn minimum() -> Value {
    json!({
        "buildDefinition": { "buildType": "https://example.com/build/v1", "externalParameters": { "a": "b" } },
        "runDetails": { "builder": { "id": "https://example.com/builder" } },
    })
}

fn new(predicate: &Value) -> Result<NewProvenance, PredicateError> {
    NewProvenance::parse(predicate.to_string().as_bytes())
}

/// The minimum with one more field, or another.
fn with(pointer: &str, value: Value) -> Result<NewProvenance, PredicateError> {
    let mut predicate = minimum();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    predicate.pointer_mut(parent).unwrap()[name] = value;
    new(&predicate)
}

fn accepted(pointer: &str, values: Value) {
    for value in list(values) {
        let found = with(pointer, value.clone());
        assert!(found.is_ok(), "{pointer} {value}: {found:?}");
    }
}

/// Refused, with an error that names the field.
fn refused(pointer: &str, values: Value) {
    let expected = pointer[1..].replace('/', ".");
    for value in list(values) {
        match with(pointer, value.clone()) {
            Err(PredicateError::Field { field, .. }) if field.starts_with(&expected) => (),
            found => panic!("{pointer} {value}: {found:?}"),
        }
    }
}

fn list(values: Value) -> Vec<Value> {
    let Value::Array(values) = values else { panic!("{values}") };
    values
}

/// The words of a text.
fn words(text: &str) -> Value {
    text.split_whitespace().collect()
}

/// Lists of one resource that has one of the values in this field.
fn resources(field: &str, values: Value) -> Value {
    let resource = |value| {
        let mut resource = json!({ "uri": "pkg:pypi/torch@2.0.0", "digest": { "sha256": "00ff" } });
        resource[field] = value;
        json!([resource])
    };
    list(values).into_iter().map(resource).collect()
}

fn metadata(field: &str, values: Value) -> Value {
    list(values).into_iter().map(|value| json!({ field: value })).collect()
}

/// A rule of resource descriptors holds wherever they stand.
const LISTS: [&str; 3] = [
    "/buildDefinition/resolvedDependencies",
    "/runDetails/byproducts",
    "/runDetails/builder/builderDependencies",
];

fn subject() -> Subject {
    Subject { name: "m".to_owned(), digest: BTreeMap::from([("sha256".to_owned(), "00".to_owned())]) }
}

fn written(provenance: &NewProvenance) -> Attestation {
    Attestation::parse(&provenance.attest(subject()).to_payload()).unwrap()
}

#[test]
fn the_required_fields_are_enough() {
    let provenance = new(&minimum()).unwrap();
    assert_eq!(Value::Object(written(&provenance).predicate().clone()), minimum());
}

#[test]
fn required_fields_are_neither_absent_null_nor_empty() {
    for (pointer, empty) in [
        ("/buildDefinition", json!({})),
        ("/buildDefinition/buildType", json!("")),
        ("/buildDefinition/externalParameters", json!({})),
        ("/runDetails", json!({})),
        ("/runDetails/builder", json!({})),
        ("/runDetails/builder/id", json!("")),
    ] {
        refused(pointer, json!([null, empty]));
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let mut predicate = minimum();
        predicate.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
        assert!(new(&predicate).is_err(), "{pointer}");
    }
}

#[test]
fn optional_fields_may_be_null_or_empty() {
    for pointer in LISTS {
        accepted(pointer, json!([null, []]));
    }
    accepted("/buildDefinition/internalParameters", json!([null, {}, { "a": [1] }]));
    accepted("/runDetails/metadata", json!([null, {}, { "invocationId": null }, { "startedOn": "" }]));
    accepted("/runDetails/builder/version", json!([null, {}]));
}

#[test]
fn parameters_are_objects() {
    for pointer in ["/buildDefinition/externalParameters", "/buildDefinition/internalParameters"] {
        refused(pointer, json!(["a", 1, true, [{ "a": "b" }]]));
    }
}

const TYPE_URIS: [&str; 2] = ["/buildDefinition/buildType", "/runDetails/builder/id"];

#[test]
fn build_types_and_builders_are_type_uris() {
    let valid = "https://example.com/Path?Query#Fragment https://example.com:8443/a%20b https://[2001:db8::1]/x \
        urn:example:Thing:v1 pkg:deb/debian/stunnel@5.50-3?arch=amd64 git+https://example.com/r@refs/heads/main";
    let invalid = "example example.com/x //example.com/x :x 1a:x a_b:x https://example.com/é https://example.com/<a> \
        https://example.com/a\\b";
    for pointer in TYPE_URIS {
        accepted(pointer, words(valid));
        refused(pointer, words(invalid));
        refused(
            pointer,
            json!(["https://example.com/a b", "https://example.com/\n", " a:b", 1, {}, ["a:b"]]),
        );
    }
}

#[test]
fn the_scheme_and_the_authority_of_a_type_uri_are_lower_case() {
    for pointer in TYPE_URIS {
        refused(pointer, words("HTTPS://example.com/x https://Example.com/x URN:example:x"));
    }
}

#[test]
fn a_uri_follows_rfc_3986() {
    for text in "a:b a+b-c.1:x mailto:a@b.example https://e.example/%E2%82%AC tag:e.example,2024:x".split(' ')
    {
        assert!(is_uri(text), "{text}");
    }
    for text in ["", "a", ":", "+a:x", "a b:x", "a:\"", "a:{x}", "a:|", "a:^", "a:`", "a:\u{7f}", "é:x"] {
        assert!(!is_uri(text), "{text}");
    }
}

/// RFC 3986, sections 2.1 and 3.5.
#[test]
fn a_percent_sign_in_a_uri_encodes_an_octet_and_a_fragment_is_the_last() {
    for text in
        "https://e.example/100% https://e.example/%zz https://e.example/%2 https://e.example/a#b#c".split(' ')
    {
        assert!(!is_uri(text), "{text}");
    }
}

#[test]
fn the_versions_of_a_builder_are_a_map_of_texts() {
    let pointer = "/runDetails/builder/version";
    accepted(pointer, json!([{ "a": "1" }, { "a": "1", "b": "2.0" }]));
    refused(pointer, json!(["1", 1, ["1"], { "a": 1 }, { "a": {} }, { "a": ["1"] }, { "a": true }]));
}

#[test]
fn metadata_is_an_object_and_an_invocation_a_text() {
    accepted("/runDetails/metadata", metadata("invocationId", json!(["https://example.com/1", "1 2"])));
    refused("/runDetails/metadata", json!(["a", [], 1]));
    refused("/runDetails/metadata", metadata("invocationId", json!([1, {}, ["1"]])));
}

#[test]
fn times_are_of_rfc_3339_in_utc() {
    let valid =
        "1985-04-12T23:20:50Z 1985-04-12T23:20:50.52Z 2024-02-29T00:00:00.123456789Z 2016-12-31T23:59:60Z";
    let invalid = "2024-05-01T12:00:00+02:00 2024-05-01T12:00:00+00:00 2024-05-01T12:00:00 2024-05-01 \
        2024-05-01T12:00:00Z[UTC] 2023-02-29T00:00:00Z 2024-13-01T00:00:00Z 2024-05-01T24:00:01Z 1714557600 now Z";
    for name in ["startedOn", "finishedOn"] {
        accepted("/runDetails/metadata", metadata(name, words(valid)));
        refused("/runDetails/metadata", metadata(name, words(invalid)));
        refused("/runDetails/metadata", metadata(name, json!([1_714_557_600, {}, ["2024-05-01T12:00:00Z"]])));
    }
}

/// What other formats of ISO 8601 allow.
#[test]
fn times_of_iso_8601_that_are_not_of_rfc_3339_are_refused() {
    let others =
        "2024-05-01T12:00Z 2024-05-01T12Z 20240501T120000Z 2024-05-01T12:00:00,5Z +002024-05-01T12:00:00Z";
    for other in list(words(others)).into_iter().chain([json!("2024-05-01 12:00:00Z")]) {
        refused("/runDetails/metadata", metadata("startedOn", json!([other])));
    }
}

#[test]
fn a_build_does_not_end_before_it_began() {
    let (first, second) = ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.1Z");
    let times = |started, finished| json!([{ "startedOn": started, "finishedOn": finished }]);
    accepted("/runDetails/metadata", times(first, second));
    accepted("/runDetails/metadata", times(first, first));
    refused("/runDetails/metadata", times(second, first));
}

#[test]
fn dependencies_and_byproducts_are_lists_of_resources() {
    for pointer in LISTS {
        accepted(pointer, json!([[{ "uri": "pkg:pypi/torch@2.0.0" }, { "digest": { "sha256": "00" } }]]));
        refused(pointer, json!([{ "uri": "pkg:a/b" }, "pkg:a/b", ["pkg:a/b"], [[]], [null]]));
    }
}

#[test]
fn a_resource_has_a_uri_a_digest_or_content() {
    let nothing = json!({ "name": "n", "mediaType": "a/b", "downloadLocation": "https://example.com/x" });
    for pointer in LISTS {
        accepted(
            pointer,
            json!([[{ "uri": "a:b" }], [{ "digest": { "sha256": "00" } }], [{ "content": "aGk=" }]]),
        );
        refused(pointer, json!([[{}], [nothing], [{ "uri": null }], [{ "uri": "" }], [{ "digest": {} }]]));
        refused(pointer, json!([[{ "content": "" }]]));
    }
}

#[test]
fn an_empty_field_of_a_resource_is_an_absent_one() {
    for field in ["name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"] {
        accepted(LISTS[0], resources(field, json!([null])));
        let empty = if ["digest", "annotations"].contains(&field) { json!({}) } else { json!("") };
        accepted(LISTS[0], resources(field, json!([empty])));
    }
}

#[test]
fn the_fields_of_a_resource_are_of_their_kinds() {
    for pointer in LISTS {
        for field in ["name", "uri", "content", "downloadLocation", "mediaType"] {
            refused(pointer, resources(field, json!([1, {}, ["a:b"], false])));
        }
        accepted(pointer, resources("annotations", json!([{ "a": null, "b": [1, {}], "": true }])));
        refused(pointer, resources("annotations", json!(["a", [], 1])));
        refused(pointer, resources("digest", json!(["a", [], { "sha256": 1 }, { "sha256": ["00"] }])));
    }
}

#[test]
fn the_uri_and_the_location_of_a_resource_are_resource_uris() {
    let valid = "pkg:deb/debian/stunnel@5.50-3?arch=amd64 git+https://github.com/O/R@refs/heads/main hf://acme/toy@v1";
    for field in ["uri", "downloadLocation"] {
        accepted(LISTS[0], resources(field, words(valid)));
        refused(LISTS[0], resources(field, json!(["no uri", "relative/path", "https://example.com/é"])));
    }
}

#[test]
fn the_scheme_and_the_authority_of_a_resource_uri_are_lower_case() {
    for field in ["uri", "downloadLocation"] {
        let others = words("HTTPS://example.com/x https://Example.com/x PKG:pypi/torch");
        refused(LISTS[0], resources(field, others));
    }
}

#[test]
fn digests_of_known_algorithms_are_lower_case_hex() {
    let valid = json!([{ "sha256": "00ff" }, { "gitCommit": "7fd1" }, { "cool": "QUJD+/=" }]);
    accepted(LISTS[0], resources("digest", valid));
    let others =
        json!([{ "sha256": "00FF" }, { "sha256": "zz" }, { "sha1": "0x00" }, { "gitCommit": "main" }]);
    refused(LISTS[0], resources("digest", others));
}

#[test]
fn content_is_base64() {
    accepted(LISTS[0], resources("content", words("aGk= aGkh aA== +/+/")));
    refused(LISTS[0], resources("content", words("a aGk aA= a=== -_-_ aG=k ====")));
    refused(LISTS[0], resources("content", json!(["aG k", "aGk=\n", " aGk="])));
}

#[test]
fn unknown_fields_are_written_as_they_were() {
    let predicate = r#"{"buildDefinition":{"buildType":"https://example.com/build/v1","externalParameters":{"":null,"a":[[{}],[],-1,0.5,18446744073709551615],"b":"\u0000\n é 😀 / \\ \""},"vendor_a":{"x":{"y":[true,false,null]}}},"runDetails":{"builder":{"id":"https://example.com/builder","vendor_b":[]},"metadata":{"vendor_c":""},"vendor_d":0},"vendor_e":null}"#;
    let payload = NewProvenance::parse(predicate.as_bytes()).unwrap().attest(subject()).to_payload();
    let payload = String::from_utf8(payload).unwrap();
    assert!(payload.contains(&format!("\"predicate\":{predicate}")), "{payload}");
}

#[test]
fn numbers_are_never_written_as_other_numbers() {
    for number in ["123456789012345678901234567890", "0.1234567890123456789", "-18446744073709551617"] {
        let json = minimum().to_string().replace("\"b\"", number);
        if let Ok(provenance) = NewProvenance::parse(json.as_bytes()) {
            let payload = String::from_utf8(provenance.attest(subject()).to_payload()).unwrap();
            assert!(payload.contains(&format!("{{\"a\":{number}}}")), "{number}: {payload}");
        }
    }
}

fn model(name: &str) -> ResourceDescriptor {
    let hex = "0a".repeat(32);
    let digest: ModelDigest = format!("model-v1:{hex}").parse().unwrap();
    let root = RootDigest::from_sha256(hex.parse().unwrap());
    let reference = name.parse().unwrap();
    ResourceDescriptor::model("base-model", name, Some(&reference), (digest, &[root].into()), Map::new())
}

#[test]
fn what_went_in_is_added_after_what_is_there() {
    let own = json!({ "uri": "git+https://example.com/r", "vendor_x": 1 });
    for (before, expected) in [(json!(null), json!([])), (json!([]), json!([])), (json!([own]), json!([own]))]
    {
        let provenance =
            with(LISTS[0], before).unwrap().and_dependencies(&[model("hf://acme/toy@v1")]).unwrap();
        let mut expected = expected;
        expected.as_array_mut().unwrap().push(json!({
            "name": "hf://acme/toy@v1", "uri": "hf://acme/toy@v1", "annotations": { "role": "base-model" },
            "digest": { "model-v1": "0a".repeat(32), "sha256": "0a".repeat(32) },
        }));
        let found = written(&provenance);
        assert_eq!(found.predicate()["buildDefinition"]["resolvedDependencies"], expected);
        assert_eq!(found.predicate()["runDetails"], minimum()["runDetails"]);
    }
}

#[test]
fn a_predicate_is_one_object_and_no_statement() {
    for other in ["null", "1", "\"a\"", "[]", "[{}]", "true"] {
        assert_eq!(parse_predicate(other.as_bytes()), Err(PredicateError::NoObject), "{other}");
    }
    let statement = written(&new(&minimum()).unwrap()).to_payload();
    assert_eq!(parse_predicate(&statement), Err(PredicateError::WholeStatement));
    assert_eq!(NewProvenance::parse(&statement), Err(PredicateError::WholeStatement));
    assert!(parse_predicate(br#"{"_type":"a"}"#).is_ok());
}
