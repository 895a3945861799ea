//! What `attest` takes, where it puts what it signed, and what it refuses before
//! anything is signed.

use super::*;
use stage::talk;

const CLAIMS: &str = "tune/claims.jsonl";
const PASSPHRASE: &str = "correct-horse";
const BOM: [&str; 4] = ["--type", BOM_TYPE, "--predicate", "bom.json"];

/// `tune`, signed, and a predicate for it.
fn with_bom(bom: &str) -> Stage {
    let stage = signed();
    stage.write("bom.json", bom);
    stage
}

/// Refused with this code before the key, which does not exist, is looked for.
#[track_caller]
fn refuses_before_signing(stage: &Stage, more: &[&str], code: &str) -> Value {
    let before = contents(stage);
    let arguments = ["attest", "tune", "--format", "json", "--key", "no-such.pem"];
    let report = report(&Answer::of(&mut stage.command([&arguments, more].concat())).expect(2));
    assert_eq!(report["error"]["code"], code, "{report:#}");
    assert_eq!(contents(stage), before, "something was written");
    report["error"].clone()
}

#[test]
fn a_predicate_is_signed_with_every_field_that_it_has() {
    let bom = json!({
        "bomFormat": "CycloneDX",
        "components": [{ "name": "\u{1f980} \"q\" \\ \u{7f}", "null": null, "no": false, "list": [[], {}] }],
        "numbers": [0, -1, 999_999_999_999_999_u64, -999_999_999_999_999_i64, 0.5, 1e20],
        "": { "\n": "" },
    });
    let stage = with_bom(&bom.to_string());
    attest(&stage, "tune", "p384", &BOM);
    assert_eq!(payload(lines(&stage, CLAIMS).last().unwrap())["predicate"], bom);
}

#[test]
fn unknown_fields_of_provenance_are_signed_too() {
    let stage = signed();
    let mut predicate = provenance();
    predicate["acme"] = json!({ "note": "kept" });
    predicate["buildDefinition"]["acme"] = json!([1, null]);
    predicate["runDetails"]["builder"]["acme"] = json!("kept");
    predicate["runDetails"]["metadata"] = json!({ "acme": true, "finishedOn": "2026-11-01T10:00:00Z" });
    predicate["buildDefinition"]["resolvedDependencies"] =
        json!([{ "uri": "https://data.example/x", "digest": { "sha256": "00" }, "acme": 1 }]);
    stage.write("provenance.json", predicate.to_string());
    attest(&stage, "tune", "p384", &["--provenance", "provenance.json"]);
    assert_eq!(payload(lines(&stage, CLAIMS).last().unwrap())["predicate"], predicate);
}

#[test]
fn what_is_added_to_the_dependencies_leaves_those_of_the_file_in_place() {
    let stage = signed();
    let own = json!({ "uri": "https://data.example/x", "digest": { "sha256": "00" }, "acme": 1 });
    stage.write("provenance.json", made_from(std::slice::from_ref(&own)).to_string());
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    let payload = payload(lines(&stage, CLAIMS).last().unwrap());
    let found = &payload["predicate"]["buildDefinition"]["resolvedDependencies"];
    assert_eq!((&found[0], &found[1]["uri"]), (&own, &json!("hf://meta/base")), "{found:#}");
}

#[test]
fn two_attestations_are_two_lines_and_the_same_again_is_none() {
    let stage = with_bom("{}");
    let before = lines(&stage, CLAIMS).len();
    attest(&stage, "tune", "p384", &BOM);
    attest(&stage, "tune", "p384", &["--provenance", "provenance.json"]);
    assert_eq!(lines(&stage, CLAIMS).len(), before + 2);
    // Ed25519 signs the same in the same way.
    attest(&stage, "tune", "ed25519", &BOM);
    let report = attest(&stage, "tune", "ed25519", &BOM);
    assert_eq!(report["claims"]["added"], 0, "{report:#}");
    assert_eq!(lines(&stage, CLAIMS).len(), before + 3);
}

#[test]
fn the_lines_that_are_there_stay_as_they_are() {
    let stage = with_bom("{}");
    let before = format!("\n  {}  \n\n", read(&stage, CLAIMS).trim());
    stage.write(CLAIMS, &before);
    attest(&stage, "tune", "p384", &BOM);
    assert!(read(&stage, CLAIMS).starts_with(&before));
}

#[test]
fn the_claims_may_lie_elsewhere_and_count_when_they_are_named() {
    let stage = signed();
    attest(&stage, "tune", "p384", &[&MADE_FROM_BASE[..], &["--claims", "elsewhere.jsonl"]].concat());
    assert_eq!(lines(&stage, CLAIMS).len(), 1, "the release alone");
    denies(verify(&stage, &policy(), &[]), "attestation-missing");
    allows(verify(&stage, &policy(), &["--bundle", "elsewhere.jsonl"]));
}

#[test]
fn a_claims_file_that_is_none_or_is_the_signature_takes_nothing() {
    let stage = with_bom("{}");
    stage.write("notes.jsonl", "my notes\n");
    refuses(&stage, "tune", &[&BOM[..], &["--claims", "notes.jsonl"]].concat(), 2, "malformed-claims");
    for place in ["tune/model.sig", "tune/../tune/model.sig", "tune/config"] {
        let before = contents(&stage);
        run(&stage, "attest", "tune", "p384", &[&BOM[..], &["--claims", place]].concat()).expect(2);
        assert_eq!(contents(&stage), before, "{place}");
    }
}

#[test]
fn a_file_of_its_own_is_not_overwritten_without_force() {
    let stage = with_bom("{}");
    let output = [&BOM[..], &["-o", "out.sigstore.json"]].concat();
    let report = attest(&stage, "tune", "p384", &output);
    assert_eq!(report["claims"], Value::Null, "{report:#}");
    assert_eq!(lines(&stage, CLAIMS).len(), 1, "the release alone");
    let first = read(&stage, "out.sigstore.json");
    refuses(&stage, "tune", &output, 2, "exists");
    attest(&stage, "tune", "ed25519", &[&output[..], &["--force"]].concat());
    assert_ne!(read(&stage, "out.sigstore.json"), first);
    assert_eq!(payload(&read(&stage, "out.sigstore.json"))["predicateType"], BOM_TYPE);
}

#[test]
fn standard_output_takes_the_bundle_and_nothing_else() {
    let stage = with_bom("{}");
    let (before, key) = (contents(&stage), private("p384"));
    for quiet in [&[][..], &["--quiet"]] {
        let arguments = [&["attest", "tune", "--key", &key, "-o", "-"], &BOM[..], quiet].concat();
        let answer = Answer::of(&mut stage.command(arguments)).expect(0);
        assert_eq!(payload(answer.stdout.trim())["predicateType"], BOM_TYPE);
    }
    assert_eq!(contents(&stage), before);
}

#[test]
fn a_passphrase_is_asked_for_and_shown_nowhere() {
    let stage = with_bom("{}");
    let mut keygen = stage.command(["keygen", "--out", "ci.key", "--encrypt"]);
    Answer::of(keygen.env("MODELSEAL_PASSPHRASE", PASSPHRASE)).expect(0).hides(PASSPHRASE);
    let attest = [&["attest", "tune", "--key", "ci.key"], &BOM[..]].concat();
    let mut command = stage.command(&attest);
    Answer::of(command.env("MODELSEAL_PASSPHRASE", PASSPHRASE)).expect(0).hides(PASSPHRASE);
    stage
        .refuses(stage.command(&attest).env("MODELSEAL_PASSPHRASE", "battery"), 2, &["ci.key"])
        .hides("battery");
    assert!(!read(&stage, CLAIMS).contains(PASSPHRASE));
    if let Some(mut terminal) = stage.on_a_terminal(&attest) {
        let shown = talk(&mut terminal, &[("Passphrase of ci.key: ", &format!("{PASSPHRASE}\n"))]);
        assert!(shown.contains("exit code 0") && !shown.contains(PASSPHRASE), "{shown}");
    }
}

#[test]
fn a_predicate_that_is_larger_than_readers_take_is_refused_before_it_is_signed() {
    let stage = with_bom(&json!({ "components": vec![0; 200_000] }).to_string());
    refuses_before_signing(&stage, &BOM, "predicate");
    stage.write("provenance.json", made_from(&vec![json!({ "uri": "x:y" }); 100_000]).to_string());
    refuses_before_signing(&stage, &["--provenance", "provenance.json"], "predicate");
}

#[test]
fn a_predicate_that_is_as_large_as_readers_take_is_read_again() {
    let stage = with_bom(&json!({ "components": vec![0; 199_000] }).to_string());
    attest(&stage, "tune", "p384", &BOM);
    let demand = format!("[[rules.attestations]]\ntype = \"{BOM_TYPE}\"\nsigned-by = {{ any = [\"ci\"] }}\n");
    allows(verify(&stage, &policy_of(&of_acme(&demand)), &[]));
}

#[test]
fn a_predicate_that_is_as_deep_as_readers_take_is_read_again_and_a_deeper_one_refused() {
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    let stage = with_bom(&nested(63));
    attest(&stage, "tune", "p384", &BOM);
    let demand = format!("[[rules.attestations]]\ntype = \"{BOM_TYPE}\"\nsigned-by = {{ any = [\"ci\"] }}\n");
    allows(verify(&stage, &policy_of(&of_acme(&demand)), &[]));
    for depth in [64, 100_000] {
        stage.write("bom.json", nested(depth));
        refuses_before_signing(&stage, &BOM, "predicate");
    }
}

#[test]
fn what_is_not_one_json_object_without_doubt_is_refused() {
    for text in [
        "",
        "[]",
        "null",
        "1",
        "\"x\"",
        "{",
        "{}{}",
        "{} x",
        "\u{feff}{}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":{\"b\":1,\"\\u0062\":2}}",
        "{\"a\":NaN}",
        "{\"a\":1e400}",
        "{\"a\":12345678901234567890123}",
        "{\"a\":-9223372036854775809}",
        "{\"a\":0.1234567890123456}",
        "{'a':1}",
        "{\"a\":\"\\ud800\"}",
        "{\"_type\":\"x\",\"predicate\":{}}",
    ] {
        let stage = with_bom(text);
        refuses_before_signing(&stage, &BOM, "predicate");
    }
    let stage = with_bom("");
    stage.write("bom.json", b"{\"a\":\"\xff\"}");
    refuses_before_signing(&stage, &BOM, "predicate");
}

#[test]
fn types_that_have_a_command_of_their_own_are_refused() {
    let stage = with_bom("{}");
    for predicate_type in [
        "https://model_signing/signature/v1.0",
        "https://model_signing/Digests/v0.1",
        "urn:modelseal:predicate:succession:v1",
        "urn:modelseal:predicate:deny-list:v1",
    ] {
        refuses_before_signing(&stage, &["--type", predicate_type, "--predicate", "bom.json"], "usage");
    }
}

#[test]
fn of_types_that_are_read_here_what_could_not_be_read_is_not_signed() {
    let stage = with_bom("{}");
    for predicate_type in [
        PROVENANCE_TYPE,
        "https://slsa.dev/provenance/v0.2",
        "https://slsa.dev/verification_summary/v1",
        "https://in-toto.io/attestation/release/v0.1",
        "https://in-toto.io/attestation/release/v0.2",
    ] {
        refuses(&stage, "tune", &["--type", predicate_type, "--predicate", "bom.json"], 2, "predicate");
    }
}

#[test]
fn provenance_that_breaks_a_rule_is_refused_with_its_field() {
    for (pointer, value, field) in [
        ("/buildDefinition/buildType", json!("tune"), "buildDefinition.buildType"),
        ("/buildDefinition/buildType", json!("HTTPS://ci.example/x"), "buildDefinition.buildType"),
        ("/buildDefinition/externalParameters", json!({}), "buildDefinition.externalParameters"),
        ("/buildDefinition/externalParameters", json!([]), "buildDefinition.externalParameters"),
        ("/buildDefinition", Value::Null, "buildDefinition"),
        ("/runDetails/builder", json!({ "id": "me" }), "runDetails.builder.id"),
        ("/runDetails/builder", json!({ "id": "x:y", "version": { "a": 1 } }), "runDetails.builder.version"),
        (
            "/runDetails",
            json!({ "builder": { "id": "x:y" }, "metadata": { "finishedOn": "2026-01-01T00:00:00+01:00" } }),
            "runDetails.metadata.finishedOn",
        ),
        (
            "/runDetails",
            json!({ "builder": { "id": "x:y" }, "byproducts": [{ "name": "log" }] }),
            "runDetails.byproducts[0]",
        ),
    ] {
        let stage = signed();
        let mut predicate = provenance();
        *predicate.pointer_mut(pointer).unwrap() = value;
        stage.write("provenance.json", predicate.to_string());
        let error = refuses_before_signing(&stage, &["--provenance", "provenance.json"], "predicate");
        assert!(error["message"].as_str().unwrap().contains(field), "{error:#}");
    }
}

#[test]
fn a_full_claims_file_takes_no_more_and_nothing_is_written() {
    let stage = signed();
    let full = format!("{}{}", read(&stage, CLAIMS), "\n".repeat(1023));
    stage.write(CLAIMS, full);
    let error = refuses(&stage, "tune", &["--provenance", "provenance.json"], 2, "too-large");
    assert!(error["message"].as_str().unwrap().contains("claims.jsonl"), "{error:#}");
}

/// What is carried along takes lines too.
#[test]
fn a_base_that_does_not_fit_in_is_refused_and_nothing_is_written() {
    let stage = signed();
    let nearly_full = format!("{}{}", read(&stage, CLAIMS), "\n".repeat(1021));
    stage.write(CLAIMS, nearly_full);
    refuses(&stage, "tune", &MADE_FROM_BASE, 2, "too-large");
    attest(&stage, "tune", "p384", &["--provenance", "provenance.json"]);
}
