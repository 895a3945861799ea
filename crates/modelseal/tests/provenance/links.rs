//! Each link of a chain that is broken denies the model, and is named.

use super::*;

const CLAIMS: &str = "tune/claims.jsonl";
const SIGNATURE: &str = "https://model_signing/signature/v1.0";
const RELEASE: &str = "https://in-toto.io/attestation/release/v0.1";

/// Denied for this reason before all others, in these words.
#[track_caller]
fn denies_in_words(answer: Answer, code: &str, words: &[&str]) {
    let verdict = denies(answer, code);
    let said = gravest(&verdict);
    for word in words {
        assert!(said.contains(word), "{word:?} is missing from {said}");
    }
}

/// Keeps the lines whose payload is meant.
fn keep(stage: &Stage, is_meant: impl Fn(&Value) -> bool) {
    let before = lines(stage, CLAIMS);
    let after: Vec<String> = before.iter().filter(|line| is_meant(&payload(line))).cloned().collect();
    assert_ne!(before, after, "nothing was stripped");
    write_lines(stage, CLAIMS, &after);
}

/// `tune`, of which `ci` says this in the place of what it said.
fn said(predicate: &Value) -> Stage {
    let stage = made();
    keep(&stage, |payload| payload["predicateType"] != PROVENANCE_TYPE);
    let statement = statement(&digest(&stage, "tune"), PROVENANCE_TYPE, predicate);
    push(&stage, CLAIMS, &line("p384", &statement));
    stage
}

/// The base as `made` records it.
fn base(stage: &Stage) -> Value {
    resource("hf://meta/base", &digest(stage, "base"))
}

/// What is said of `tune`, made from what `made` made it from.
fn said_of_base(change: impl FnOnce(&mut Value)) -> Stage {
    let base = base(&made());
    let mut predicate = made_from(&[base]);
    change(&mut predicate);
    said(&predicate)
}

#[test]
fn a_chain_that_is_whole_is_admitted() {
    let verdict = allows(verify(&made(), &policy(), &[]));
    assert_eq!(codes(&verdict, "note"), [""; 0], "{verdict:#}");
    allows(verify(&said_of_base(|_| ()), &policy(), &[]));
}

#[test]
fn no_provenance() {
    let stage = made();
    keep(&stage, |payload| payload["predicateType"] != PROVENANCE_TYPE);
    denies_in_words(
        verify(&stage, &policy(), &[]),
        "attestation-missing",
        &["provenance", "ci", "there is none"],
    );
}

#[test]
fn provenance_of_another_model() {
    let stage = made();
    keep(&stage, |payload| payload["predicateType"] != PROVENANCE_TYPE);
    for (version, subject) in [
        ("v1", json!({ "model-v1": "0".repeat(64) })),
        ("v1", json!({ "sha256": "0".repeat(64) })),
        ("v1", json!({ "model-v1": "0".repeat(64), "sha256": hex(&digest(&stage, "tune")) })),
        ("v1", json!({ "sha512": hex(&digest(&stage, "tune")) })),
        ("v0.1", json!({ "model-v1": "0".repeat(64) })),
    ] {
        let mut other = statement(&digest(&stage, "tune"), PROVENANCE_TYPE, &made_from(&[base(&stage)]));
        other["_type"] = format!("https://in-toto.io/Statement/{version}").into();
        other["subject"][0]["digest"] = subject;
        push(&stage, CLAIMS, &line("p384", &other));
    }
    let words = ["provenance", "ci", "about other bytes"];
    denies_in_words(verify(&stage, &policy(), &[]), "attestation-missing", &words);
}

/// By the root digest, which any tool that reads OMS can name, and by the model
/// digest as the SHA-256 that it is.
#[test]
fn provenance_whose_subject_is_a_sha256_alone_counts() {
    let stage = made();
    keep(&stage, |payload| payload["predicateType"] != PROVENANCE_TYPE);
    let root = payload(&read(&stage, "tune/model.sig"))["subject"][0]["digest"]["sha256"].clone();
    let before = read(&stage, CLAIMS);
    for subject in [root, json!(hex(&digest(&stage, "tune")))] {
        let mut statement = statement(&digest(&stage, "tune"), PROVENANCE_TYPE, &made_from(&[base(&stage)]));
        statement["subject"] = json!([{ "digest": { "sha512": "00" } }, { "digest": { "sha256": subject } }]);
        stage.write(CLAIMS, &before);
        push(&stage, CLAIMS, &line("p384", &statement));
        allows(verify(&stage, &policy(), &[]));
    }
}

#[test]
fn provenance_by_another_signer() {
    for kind in ["p256", "ed25519", "p521"] {
        let stage = signed();
        attest(&stage, "tune", kind, &MADE_FROM_BASE);
        denies(verify(&stage, &policy(), &[]), "attestation-missing");
    }
}

#[test]
fn provenance_whose_signature_was_altered() {
    let stage = made();
    let mut all = lines(&stage, CLAIMS);
    let mut last: Value = serde_json::from_str(&all.pop().unwrap()).unwrap();
    let first: Value = serde_json::from_str(&all[0]).unwrap();
    last["dsseEnvelope"]["signatures"] = first["dsseEnvelope"]["signatures"].clone();
    all.push(last.to_string());
    write_lines(&stage, CLAIMS, &all);
    denies(verify(&stage, &policy(), &[]), "attestation-missing");
}

#[test]
fn another_builder_another_type_of_build_another_source_another_ref() {
    for (from, to, words) in [
        ("ci.example/builder", "ci.example/Builder", "builder"),
        ("ci.example/builder", "ci.example/builder/", "builder"),
        ("ci.example/tune/v1", "ci.example/tune/v2", "build type"),
        ("git.example/acme/models", "git.example/acme/models2", "repository"),
        ("refs/tags/*", "refs/heads/*", "ref"),
        ("refs/tags/*", "refs/tags/v", "ref"),
    ] {
        let other = edited(&policy(), from, to);
        let answer = verify(&made(), &other, &[]);
        denies_in_words(answer, "attestation-not-accepted", &["claims.jsonl line 4", "ci", words]);
    }
}

#[test]
fn a_source_without_a_ref_and_no_source() {
    for source in [json!({ "x": 1 }), json!({ "source": "git+https://git.example/acme/models" })] {
        let stage = said_of_base(|predicate| predicate["buildDefinition"]["externalParameters"] = source);
        denies(verify(&stage, &policy(), &[]), "attestation-not-accepted");
    }
}

#[test]
fn provenance_that_cannot_be_read() {
    for (pointer, value) in [
        ("/runDetails/builder/id", json!(1)),
        ("/runDetails/builder", json!(null)),
        ("/buildDefinition/buildType", json!([])),
        ("/buildDefinition/resolvedDependencies", json!({})),
        ("/buildDefinition/resolvedDependencies", json!([[]])),
    ] {
        let stage = said_of_base(|predicate| *predicate.pointer_mut(pointer).unwrap() = value);
        denies(verify(&stage, &policy(), &[]), "attestation-not-accepted");
    }
}

#[test]
fn the_lines_of_the_base_stripped() {
    let stage = made();
    let tune = digest(&stage, "tune");
    keep(&stage, |payload| payload["subject"][0]["digest"]["model-v1"] == hex(&tune));
    let words = ["hf://meta/base", "claims.jsonl line 2", "no signature that counts"];
    denies_in_words(verify(&stage, &policy(), &[]), "dependency-not-admitted", &words);
}

#[test]
fn the_release_of_the_base_stripped_where_its_rule_binds_the_name() {
    let stage = made();
    keep(&stage, |payload| {
        payload["predicateType"] != RELEASE
            || payload["predicate"]["purl"] != "pkg:huggingface/meta/base@1.0.0"
    });
    let words = ["hf://meta/base", "name is not signed"];
    denies_in_words(verify(&stage, &policy(), &[]), "dependency-not-admitted", &words);
    allows(verify(&stage, &edited(&policy(), "bind-name = true\n", ""), &[]));
}

#[test]
fn the_signature_of_the_base_by_another_key() {
    let stage = made();
    let resign = |line: &String| {
        let payload = payload(line);
        let is_of_base = payload["subject"][0]["name"] == "base" && payload["predicateType"] == SIGNATURE;
        if is_of_base { self::line("p521", &payload) } else { line.clone() }
    };
    let resigned: Vec<String> = lines(&stage, CLAIMS).iter().map(resign).collect();
    write_lines(&stage, CLAIMS, &resigned);
    denies_in_words(verify(&stage, &policy(), &[]), "dependency-not-admitted", &["hf://meta/base"]);
}

#[test]
fn the_signature_of_the_base_over_other_bytes() {
    let stage = made();
    keep(&stage, |payload| payload["predicateType"] != SIGNATURE);
    stage.write("base/weights", "newer");
    sign(&stage, "base", "ed25519", &["--force"]);
    push(&stage, CLAIMS, read(&stage, "base/model.sig").trim());
    denies_in_words(verify(&stage, &policy(), &[]), "dependency-not-admitted", &["hf://meta/base"]);
}

/// Shards do not tell the model digest: the root has to be that of the resource.
#[test]
fn the_signature_of_the_base_in_shards_over_other_bytes() {
    let stage = signed();
    sign(&stage, "base", "ed25519", &["--force", "--shard-size", "2"]);
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    allows(verify(&stage, &policy(), &[]));
    keep(&stage, |payload| payload["predicateType"] != SIGNATURE);
    stage.write("base/weights", "newer");
    sign(&stage, "base", "ed25519", &["--force", "--shard-size", "2"]);
    push(&stage, CLAIMS, read(&stage, "base/model.sig").trim());
    denies_in_words(verify(&stage, &policy(), &[]), "dependency-not-admitted", &["hf://meta/base"]);
}

#[test]
fn a_base_that_is_denied_by_its_model_a_file_or_its_key() {
    let stage = made();
    let key = edited(&public_fingerprint("ed25519"), "\n", "");
    let file = modelseal::Sha256Digest::of(b"weights of base").to_string();
    for (denial, word) in [
        (format!("model = {:?}", digest(&stage, "base")), "bad weights"),
        (format!("file = \"sha256:{file}\""), "bad weights"),
        (format!("key = {key:?}"), "no signature that counts"),
    ] {
        let denied = format!("{}[[deny]]\n{denial}\nreason = \"bad weights\"\n", policy());
        denies_in_words(verify(&stage, &denied, &[]), "dependency-not-admitted", &["hf://meta/base", word]);
        let softened = edited(&denied, "bind-name = true\n", "mode = \"audit\"\nbind-name = true\n");
        if word == "bad weights" {
            denies(verify(&stage, &softened, &[]), "dependency-not-admitted");
        }
    }
}

/// The fingerprint of a key, as `verify` shows it.
fn public_fingerprint(kind: &str) -> String {
    let stage = Stage::new();
    sign(&stage, "model", kind, &[]);
    let answer =
        Answer::of(&mut stage.command(["verify", "model", "--format", "json", "--key", &public(kind)]));
    let report = report(&answer.expect(0));
    format!("{}\n", report["signature"]["signer"]["fingerprint"].as_str().unwrap())
}

/// A deny-list of files judges each file of a base, of which only digests are here.
#[test]
fn a_base_whose_files_nobody_can_tell_where_files_are_denied() {
    let other = format!("[[deny]]\nfile = \"sha256:{}\"\nreason = \"bad\"\n", "0".repeat(64));
    let denied = format!("{}{other}", policy());
    allows(verify(&made(), &denied, &[]));
    for options in [["--hash", "blake3"], ["--shard-size", "2"]] {
        let stage = signed();
        sign(&stage, "base", "ed25519", &[&["--force"], &options[..]].concat());
        attest(&stage, "tune", "p384", &MADE_FROM_BASE);
        allows(verify(&stage, &policy(), &[]));
        denies_in_words(verify(&stage, &denied, &[]), "dependency-not-admitted", &["hf://meta/base"]);
    }
}

#[test]
fn a_base_under_the_name_of_another_scope() {
    let of_mallory = "[[rules]]\nscope = \"hf://mallory/*\"\nsigned-by = { any = [\"vera\"] }\n";
    let base = digest(&made(), "base");
    for (uri, words) in [
        ("hf://mallory/base", "none of those that may be built on"),
        ("hf://meta2/base", "none of those that may be built on"),
        ("pkg:huggingface/mallory/base", "none of those that may be built on"),
        ("oci://meta/base", "none of those that may be built on"),
        ("hf://meta/other", "signed it as hf://meta/base"),
    ] {
        let stage = said(&made_from(&[resource(uri, &base)]));
        let policy = format!("{}{of_mallory}", policy());
        denies_in_words(verify(&stage, &policy, &[]), "dependency-not-admitted", &[words]);
    }
}

#[test]
fn a_base_for_which_there_is_no_rule() {
    let anything = edited(&edited(&policy(), OF_META, ""), "hf://meta/*", "hf://*");
    denies_in_words(
        verify(&made(), &anything, &[]),
        "dependency-not-admitted",
        &["no rule", "hf://meta/base"],
    );
}

#[test]
fn provenance_that_names_no_base() {
    let others =
        json!([{ "uri": "https://data.example/x", "digest": { "sha256": "00" } }, { "content": "" }]);
    for dependencies in [json!([]), json!(null), others] {
        let stage = said_of_base(|predicate| {
            predicate["buildDefinition"]["resolvedDependencies"] = dependencies;
        });
        let words = ["names 0", "1 are asked for"];
        denies_in_words(verify(&stage, &policy(), &[]), "attestation-not-accepted", &words);
        allows(verify(&stage, &edited(&policy(), "hf://meta/*\"] }", "hf://meta/*\"], at-least = 0 }"), &[]));
    }
}

#[test]
fn a_base_without_a_digest_and_one_without_a_name() {
    let base = digest(&made(), "base");
    for (resource, words) in [
        (json!({ "uri": "hf://meta/base" }), "no model digest"),
        (json!({ "uri": "hf://meta/base", "digest": { "sha256": hex(&base) } }), "no model digest"),
        (json!({ "uri": "hf://meta/base", "digest": { "model-v1": "00" } }), "no model digest"),
        (json!({ "name": "hf://meta/base", "digest": { "model-v1": hex(&base) } }), "no name"),
        (json!({ "uri": "https://meta.example", "digest": { "model-v1": hex(&base) } }), "no name"),
        (json!({ "uri": "file:/srv/base", "digest": { "model-v1": hex(&base) } }), "no name"),
    ] {
        for resources in [vec![resource.clone()], vec![self::resource("hf://meta/base", &base), resource]] {
            let stage = said(&made_from(&resources));
            denies_in_words(verify(&stage, &policy(), &[]), "dependency-not-admitted", &[words]);
        }
    }
}
