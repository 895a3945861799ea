//! What an attestation is about: the files that the signature of the model covers.

use std::os::unix::fs::symlink;

use modelseal::{ContentDigest, Fingerprint};
use modelseal::{
    HashType, IgnorePath, Manifest, ManifestPath, Method, Resource, ResourceName, Serialization,
    Sha256Digest, Statement,
};

use super::*;

const CONFIG: (&str, &[u8]) = ("config", b"{}");
const WEIGHTS: (&str, &[u8]) = ("weights", b"weights of tune");

/// `model-digest.md`, of files in the order of their names.
fn model_digest(files: &[(&str, &[u8])]) -> String {
    let mut bytes = b"modelseal model digest v1\n".to_vec();
    bytes.extend((files.len() as u64).to_be_bytes());
    for (name, content) in files {
        bytes.extend((name.len() as u64).to_be_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend(Sha256Digest::of(content).as_bytes());
    }
    Sha256Digest::of(&bytes).to_string()
}

/// `tune`, not signed.
fn unsigned() -> Stage {
    let stage = Stage::new();
    stage.write("provenance.json", provenance().to_string());
    model(&stage, "tune");
    stage
}

const PROVENANCE: [&str; 2] = ["--provenance", "provenance.json"];

/// The digests of the one subject of the last line.
#[track_caller]
fn subject(stage: &Stage, claims: &str) -> Value {
    let payload = payload(lines(stage, claims).last().unwrap());
    let [subject] = &payload["subject"].as_array().unwrap()[..] else { panic!("{payload:#}") };
    subject["digest"].clone()
}

/// The root digest that a signature claims.
#[track_caller]
fn root(stage: &Stage, signature: &str) -> String {
    let answer = Answer::of(&mut stage.command(["inspect", signature, "--format", "json"]));
    let report = report(&answer.expect(0));
    report["claims"]["statement"]["root"].as_str().unwrap().replace("sha256:", "")
}

#[track_caller]
fn is_about(stage: &Stage, files: &[(&str, &[u8])]) {
    let expected = json!({ "model-v1": model_digest(files), "sha256": root(stage, "tune/model.sig") });
    assert_eq!(subject(stage, "tune/claims.jsonl"), expected);
}

/// What is attested counts beside the signature.
#[track_caller]
fn counts(stage: &Stage, more: &str) {
    let demand = edited(DEMAND, "dependencies = { of = [\"hf://meta/*\"] }", "");
    allows(verify(stage, &policy_of(&of_acme(&[more, "\n", &demand].concat())), &[]));
}

#[test]
fn the_subject_is_the_model_digest_and_the_root_of_the_signature_whatever_the_hash() {
    let mut roots = vec![];
    for options in [
        &[][..],
        &["--hash", "blake2b"],
        &["--hash", "blake3"],
        &["--shard-size", "2"],
        &["--hash", "blake3", "--shard-size", "2"],
    ] {
        let stage = unsigned();
        sign(&stage, "tune", "p256", options);
        attest(&stage, "tune", "p384", &PROVENANCE);
        is_about(&stage, &[CONFIG, WEIGHTS]);
        counts(&stage, "");
        roots.push(root(&stage, "tune/model.sig"));
    }
    roots.sort();
    roots.dedup();
    assert_eq!(roots.len(), 5, "each of these signatures has a root of its own");
}

#[test]
fn what_the_signature_leaves_out_is_not_attested_of() {
    let stage = unsigned();
    fs::create_dir(stage.at("tune/scratch")).unwrap();
    stage.write("tune/scratch/notes", "x");
    sign(&stage, "tune", "p256", &["--ignore", "scratch"]);
    attest(&stage, "tune", "p384", &PROVENANCE);
    is_about(&stage, &[CONFIG, WEIGHTS]);
    counts(&stage, "");
    stage.write("tune/scratch/notes", "something else");
    attest(&stage, "tune", "p521", &PROVENANCE);
    is_about(&stage, &[CONFIG, WEIGHTS]);
}

#[test]
fn links_that_were_signed_as_what_they_point_at_are_attested_of_so() {
    let stage = unsigned();
    symlink("config", stage.at("tune/alias")).unwrap();
    sign(&stage, "tune", "p256", &["--allow-symlinks"]);
    attest(&stage, "tune", "p384", &PROVENANCE);
    is_about(&stage, &[("alias", CONFIG.1), CONFIG, WEIGHTS]);
    counts(&stage, "symlinks = true");
}

#[test]
fn a_model_with_a_link_and_no_signature_is_refused() {
    let stage = unsigned();
    symlink("config", stage.at("tune/alias")).unwrap();
    refuses(&stage, "tune", &PROVENANCE, 2, "symlink");
}

#[test]
fn the_name_of_a_single_file_is_its_only_name() {
    for options in [&[][..], &["--hash", "blake2b"], &["--shard-size", "2"]] {
        let stage = unsigned();
        stage.write("tune.gguf", "weights");
        sign(&stage, "tune.gguf", "p256", options);
        attest(&stage, "tune.gguf", "p384", &PROVENANCE);
        let digest = model_digest(&[("tune.gguf", b"weights")]);
        let expected = json!({ "model-v1": digest, "sha256": root(&stage, "tune.gguf.sig") });
        assert_eq!(subject(&stage, "tune.gguf.claims.jsonl"), expected, "{options:?}");
        let demand = edited(DEMAND, "dependencies = { of = [\"hf://meta/*\"] }", "");
        allows(verify_as(&stage, "tune.gguf", &policy_of(&of_acme(&demand)), "hf://acme/tune", &[]));
    }
}

#[test]
fn the_bookkeeping_of_the_hub_client_is_not_attested_of() {
    let stage = unsigned();
    attest(&stage, "tune", "p384", &PROVENANCE);
    let before = subject(&stage, "tune/claims.jsonl");
    fs::create_dir_all(stage.at("tune/.cache/huggingface/download")).unwrap();
    stage.write("tune/.cache/huggingface/download/config.metadata", "x");
    attest(&stage, "tune", "p521", &PROVENANCE);
    assert_eq!(subject(&stage, "tune/claims.jsonl"), before);
    sign(&stage, "tune", "p256", &[]);
    attest(&stage, "tune", "ed25519", &PROVENANCE);
    is_about(&stage, &[CONFIG, WEIGHTS]);
    counts(&stage, "");
}

#[test]
fn what_is_attested_before_the_model_is_signed_counts_afterwards() {
    let stage = unsigned();
    let report = attest(&stage, "tune", "p384", &PROVENANCE);
    assert_eq!(report["model"]["signed"], false, "{report:#}");
    denies(verify(&stage, &policy_of(&of_acme("")), &[]), "not-signed-by-publisher");
    sign(&stage, "tune", "p256", &[]);
    is_about(&stage, &[CONFIG, WEIGHTS]);
    counts(&stage, "");
}

#[test]
fn git_files_are_left_out_as_when_signing() {
    let stage = unsigned();
    stage.write("tune/.gitattributes", "x");
    attest(&stage, "tune", "p384", &PROVENANCE);
    sign(&stage, "tune", "p256", &[]);
    is_about(&stage, &[CONFIG, WEIGHTS]);
}

#[test]
fn a_model_that_is_not_what_was_signed_is_refused_and_nothing_is_written() {
    type Change = fn(&Stage);
    let changes: [(&str, Change); 4] = [
        ("changed: config", |stage| stage.write("tune/config", "{ }")),
        ("missing: weights", |stage| fs::remove_file(stage.at("tune/weights")).unwrap()),
        ("not signed: payload.py", |stage| stage.write("tune/payload.py", "import os")),
        ("alias", |stage| symlink("config", stage.at("tune/alias")).unwrap()),
    ];
    for options in [&[][..], &["--hash", "blake3"], &["--shard-size", "2"]] {
        for (words, change) in changes {
            let stage = unsigned();
            sign(&stage, "tune", "p256", options);
            change(&stage);
            let error = refuses(&stage, "tune", &PROVENANCE, 2, "other-content");
            assert!(error["message"].as_str().unwrap().contains(words), "{error:#}");
        }
    }
}

#[test]
fn another_signature_may_be_named_and_decides_what_is_meant() {
    let stage = unsigned();
    stage.write("tune/notes", "x");
    sign(&stage, "tune", "p256", &[]);
    sign(&stage, "tune", "p256", &["--ignore", "notes", "-o", "part.sig"]);
    attest(&stage, "tune", "p384", &[&PROVENANCE[..], &["--signature", "part.sig"]].concat());
    let expected =
        json!({ "model-v1": model_digest(&[CONFIG, WEIGHTS]), "sha256": root(&stage, "part.sig") });
    assert_eq!(subject(&stage, "tune/claims.jsonl"), expected);
}

#[test]
fn a_signature_that_is_named_and_not_there_or_that_is_none_is_refused() {
    let stage = unsigned();
    stage.write("garbage.sig", "garbage");
    stage.write("release.sig", line("p256", &statement(&digest(&stage, "tune"), BOM_TYPE, &json!({}))));
    for (path, code) in [
        ("nowhere.sig", "not-found"),
        ("garbage.sig", "malformed-bundle"),
        ("release.sig", "malformed-statement"),
    ] {
        refuses(&stage, "tune", &[&PROVENANCE[..], &["--signature", path]].concat(), 2, code);
    }
}

/// Files in the order in which a statement of the reference may list them.
fn serialization() -> Serialization {
    let ignore_paths = ["claims.jsonl", "model.sig"].map(|path| IgnorePath::new(path).unwrap()).to_vec();
    Serialization { method: Method::Files, hash_type: HashType::Sha256, allow_symlinks: false, ignore_paths }
}

#[test]
fn a_signature_whose_files_are_not_in_order_keeps_its_root() {
    let stage = unsigned();
    let resource = |(name, content): (&str, &[u8])| Resource {
        name: ResourceName { path: ManifestPath::new(name).unwrap(), range: None },
        digest: ContentDigest::Sha256(Sha256Digest::of(content)),
    };
    let manifest = Manifest::from_listed(serialization(), vec![resource(WEIGHTS), resource(CONFIG)]).unwrap();
    let payload = Statement::new("tune", manifest).to_payload();
    stage.write("tune/model.sig", signer("p256").sign(&payload).unwrap());
    attest(&stage, "tune", "p384", &PROVENANCE);
    is_about(&stage, &[CONFIG, WEIGHTS]);
    counts(&stage, "legacy-formats = true");
}

/// Release 0.2 of the reference listed the files as subjects, and left nothing out.
#[test]
fn a_signature_of_release_0_2_says_which_files_are_meant() {
    let stage = unsigned();
    let file = |(name, content): (&str, &[u8])| json!({ "name": name, "digest": { "sha256": Sha256Digest::of(content).to_string() } });
    let old = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://model_signing/Digests/v0.1",
        "predicate": { "unused": "Unused, just passed due to API requirements" },
        "subject": [file(CONFIG), file(WEIGHTS)],
    });
    stage.write("tune/model.sig", line("p256", &old));
    refuses(&stage, "tune", &PROVENANCE, 2, "claims-not-ignored");
    attest(&stage, "tune", "p384", &[&PROVENANCE[..], &["--claims", "elsewhere.jsonl"]].concat());
    assert_eq!(subject(&stage, "elsewhere.jsonl")["model-v1"], model_digest(&[CONFIG, WEIGHTS]));
    stage.write("tune/notes", "x");
    let elsewhere = [&PROVENANCE[..], &["--claims", "elsewhere.jsonl"]].concat();
    refuses(&stage, "tune", &elsewhere, 2, "other-content");
}

#[test]
fn a_signature_that_carries_the_key_itself_is_one() {
    let stage = unsigned();
    sign(&stage, "tune", "p256", &[]);
    let mut bundle: Value = serde_json::from_str(&read(&stage, "tune/model.sig")).unwrap();
    let pem = fs::read(public("p256")).unwrap();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    bundle["verificationMaterial"]["publicKey"] = json!({ "rawBytes": encoded });
    stage.write("tune/model.sig", bundle.to_string());
    attest(&stage, "tune", "p384", &PROVENANCE);
    is_about(&stage, &[CONFIG, WEIGHTS]);
    counts(&stage, "legacy-formats = true");
}

/// The fingerprint of a policy is that of its bytes, as any tool has it.
#[test]
fn the_policy_that_admitted_a_base_is_named_by_the_sha256_of_its_bytes() {
    let stage = made();
    let last = payload(lines(&stage, "tune/claims.jsonl").last().unwrap());
    let resource = &last["predicate"]["buildDefinition"]["resolvedDependencies"][0];
    let expected = Fingerprint(Sha256Digest::of(policy().as_bytes())).to_string().replace("sha256:", "");
    assert_eq!(resource["annotations"]["policy"]["sha256"], expected, "{resource:#}");
}
