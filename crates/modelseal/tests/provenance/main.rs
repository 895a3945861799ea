#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! How models were made and from what: attested, carried along and judged; and
//! the verdicts of others, taken instead.

mod attesting;
mod attestors;
mod base_models;
mod chains;
mod emitting;
mod links;
mod more_lines;
mod reading;
mod scale;
mod softening;
#[path = "../stage/mod.rs"]
mod stage;
mod subjects;
mod summaries;
mod trees;
#[path = "../workbench/mod.rs"]
mod workbench;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use modelseal::{
    ContentDigest, HashType, KeySigner, Manifest, ManifestPath, Method, ModelDigest, PrivateKey, Resource,
    ResourceName, Serialization, Sha256Digest, Signer, Statement, UntrustedBundle,
};
use serde_json::{Value, json};

use stage::{Answer, Stage};

const PROVENANCE_TYPE: &str = "https://slsa.dev/provenance/v1";
const BOM_TYPE: &str = "https://cyclonedx.org/bom";

/// `acme` publishes `tune`, which `ci` makes from `base`, which `meta` publishes.
const KEYS: [(&str, &str); 6] = [
    ("acme", "p256"),
    ("ci", "p384"),
    ("meta", "ed25519"),
    ("registry", "p521"),
    ("vera", "other-p256"),
    ("twin", "p384"),
];

/// What `ci` has to say of `tune`.
const DEMAND: &str = r#"[[rules.attestations]]
type = "provenance"
signed-by = { any = ["ci"] }
builder = "https://ci.example/builder"
build-type = "https://ci.example/tune/v1"
source = "https://git.example/acme/models"
source-ref = "refs/tags/*"
dependencies = { of = ["hf://meta/*"] }
"#;

const OF_META: &str =
    "[[rules]]\nscope = \"hf://meta/*\"\nsigned-by = { any = [\"meta\"] }\nbind-name = true\n";

/// A policy with the publishers of [`KEYS`].
fn policy_of(rules: &str) -> String {
    let publisher =
        |(name, kind): (&str, &str)| format!("[publishers.{name}]\nkeys = [{:?}]\n", public(kind));
    format!("version = 1\nserial = 2\nexpires = 2099-01-01\n{}\n{rules}\n", KEYS.map(publisher).concat())
}

/// The rule for `hf://acme/*`, with more keys and tables.
fn of_acme(more: &str) -> String {
    format!("[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = {{ any = [\"acme\"] }}\n{more}\n")
}

fn policy() -> String {
    policy_of(&[OF_META, &of_acme(DEMAND)].concat())
}

/// The text with something else in the place of `from`, which has to be there.
#[track_caller]
fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from:?} is not in {text}");
    text.replace(from, to)
}

fn private(kind: &str) -> String {
    key_file(&format!("{kind}.pem"))
}

fn public(kind: &str) -> String {
    key_file(&format!("{kind}.pub"))
}

fn key_file(name: &str) -> String {
    workbench::testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

/// How `tune` was made.
fn provenance() -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://ci.example/tune/v1",
            "externalParameters": { "source": "git+https://git.example/acme/models@refs/tags/v2" },
        },
        "runDetails": { "builder": { "id": "https://ci.example/builder" } },
    })
}

/// The model `name`, of two files that no other one has.
fn model(stage: &Stage, name: &str) {
    fs::create_dir(stage.at(name)).unwrap();
    stage.write(format!("{name}/config"), "{}");
    stage.write(format!("{name}/weights"), format!("weights of {name}"));
}

/// What a stage holds, to be set again and again.
type Scenery = Vec<(PathBuf, Vec<u8>)>;

static SIGNED: LazyLock<Scenery> = LazyLock::new(|| {
    let stage = Stage::new();
    stage.write("policy.toml", policy());
    stage.write("provenance.json", provenance().to_string());
    model(&stage, "base");
    sign(&stage, "base", "ed25519", &["--name", "hf://meta/base", "--release", "1.0.0"]);
    model(&stage, "tune");
    sign(&stage, "tune", "p256", &["--name", "hf://acme/tune", "--release", "2.0.0"]);
    scenery(&stage)
});

const MADE_FROM_BASE: [&str; 6] = [
    "--provenance",
    "provenance.json",
    "--base-model",
    "hf://meta/base=base",
    "--base-policy",
    "policy.toml",
];

static MADE: LazyLock<Scenery> = LazyLock::new(|| {
    let stage = signed();
    attest(&stage, "tune", "p384", &MADE_FROM_BASE);
    scenery(&stage)
});

/// `base`, a release of `hf://meta/base`; `tune`, one of `hf://acme/tune`; and the
/// files that the commands name.
fn signed() -> Stage {
    set(&SIGNED)
}

/// The same, with what `ci` says of `tune`.
fn made() -> Stage {
    set(&MADE)
}

fn scenery(stage: &Stage) -> Scenery {
    let root = stage.at("");
    let relative = |(path, bytes): (PathBuf, _)| (path.strip_prefix(&root).unwrap().to_owned(), bytes);
    contents(stage).into_iter().map(relative).collect()
}

fn set(scenery: &Scenery) -> Stage {
    let stage = Stage::new();
    for (path, bytes) in scenery {
        fs::create_dir_all(stage.at(path).parent().unwrap()).unwrap();
        stage.write(path, bytes);
    }
    stage
}

#[track_caller]
fn sign(stage: &Stage, model: &str, kind: &str, more: &[&str]) {
    run(stage, "sign", model, kind, more).expect(0);
}

#[track_caller]
fn attest(stage: &Stage, model: &str, kind: &str, more: &[&str]) -> Value {
    report(&run(stage, "attest", model, kind, more).expect(0))
}

/// `modelseal COMMAND MODEL --key …`, with a report in JSON.
fn run(stage: &Stage, command: &str, model: &str, kind: &str, more: &[&str]) -> Answer {
    let key = private(kind);
    let arguments = [command, model, "--format", "json", "--key", &key];
    Answer::of(&mut stage.command([&arguments, more].concat()))
}

/// `attest`, which has to be refused with this code, and nothing written.
#[track_caller]
fn refuses(stage: &Stage, model: &str, more: &[&str], exit: i32, code: &str) -> Value {
    let before = contents(stage);
    let report = report(&run(stage, "attest", model, "p384", more).expect(exit));
    assert_eq!(report["error"]["code"], code, "{report:#}");
    assert_eq!(contents(stage), before, "something was written");
    report["error"].clone()
}

/// Every file, and what is in it.
fn contents(stage: &Stage) -> Vec<(PathBuf, Vec<u8>)> {
    stage.tree().into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// `modelseal verify tune --policy …` as `hf://acme/tune`.
fn verify(stage: &Stage, policy: &str, more: &[&str]) -> Answer {
    verify_as(stage, "tune", policy, "hf://acme/tune", more)
}

fn verify_as(stage: &Stage, model: &str, policy: &str, name: &str, more: &[&str]) -> Answer {
    stage.write("policy.toml", policy);
    let arguments = ["verify", model, "--policy", "policy.toml", "--as", name, "--format", "json"];
    Answer::of(&mut stage.command([&arguments, more].concat()))
}

/// The verdict, which has to allow.
#[track_caller]
fn allows(answer: Answer) -> Value {
    let report = report(&answer.expect(0));
    assert_eq!(report["outcome"], "allowed", "{report:#}");
    report["verdict"].clone()
}

/// The verdict, which has to allow with a warning of this code.
#[track_caller]
fn warns(answer: Answer, code: &str) -> Value {
    let report = report(&answer.expect(0));
    assert_eq!(report["outcome"], "warned", "{report:#}");
    assert!(codes(&report["verdict"], "warn").contains(&code.to_owned()), "{report:#}");
    report["verdict"].clone()
}

/// The verdict, which has to deny for this reason before all others.
#[track_caller]
fn denies(answer: Answer, code: &str) -> Value {
    let report = report(&answer.expect(1));
    assert_eq!(report["verdict"]["outcome"], "deny", "{report:#}");
    assert_eq!(report["error"]["code"], code, "{report:#}");
    report["verdict"].clone()
}

/// The codes of the reasons of one severity.
fn codes(verdict: &Value, severity: &str) -> Vec<String> {
    let reasons = verdict["reasons"].as_array().unwrap().iter();
    let of_severity = reasons.filter(|reason| reason["severity"] == severity);
    of_severity.map(|reason| reason["code"].as_str().unwrap().to_owned()).collect()
}

/// What the gravest reason says.
#[track_caller]
fn gravest(verdict: &Value) -> &str {
    verdict["reasons"][0]["message"].as_str().unwrap_or_else(|| panic!("no reason: {verdict:#}"))
}

#[track_caller]
fn report(answer: &Answer) -> Value {
    serde_json::from_str(&answer.stdout).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

fn read(stage: &Stage, path: &str) -> String {
    fs::read_to_string(stage.at(path)).unwrap()
}

fn lines(stage: &Stage, path: &str) -> Vec<String> {
    read(stage, path).lines().map(str::to_owned).collect()
}

fn write_lines(stage: &Stage, path: &str, lines: &[String]) {
    stage.write(path, lines.join("\n") + "\n");
}

/// Adds a line, as anybody can.
fn push(stage: &Stage, path: &str, line: &str) {
    let claims = fs::read_to_string(stage.at(path)).unwrap_or_default();
    stage.write(path, format!("{claims}{line}\n"));
}

/// What is signed in a bundle.
fn payload(bundle: &str) -> Value {
    let bundle = UntrustedBundle::parse(bundle.as_bytes()).unwrap();
    serde_json::from_slice(bundle.envelope().payload()).unwrap()
}

/// Each key is read once.
fn signer(kind: &str) -> &'static KeySigner {
    static SIGNERS: LazyLock<BTreeMap<&str, KeySigner>> = LazyLock::new(|| {
        let signer = |kind| KeySigner::new(PrivateKey::from_pem(&fs::read(private(kind)).unwrap()).unwrap());
        KEYS.iter().map(|(_, kind)| (*kind, signer(kind))).collect()
    });
    &SIGNERS[kind]
}

/// A payload, signed, as a line.
fn line(kind: &str, payload: &Value) -> String {
    line_of(kind, payload.to_string().as_bytes())
}

fn line_of(kind: &str, payload: &[u8]) -> String {
    String::from_utf8(signer(kind).sign(payload).unwrap()).unwrap().trim().to_owned()
}

/// A statement about the model of this digest.
fn statement(digest: &str, predicate_type: &str, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "tune", "digest": { "model-v1": hex(digest) } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
}

/// Provenance, made from these.
fn made_from(resources: &[Value]) -> Value {
    let mut predicate = provenance();
    predicate["buildDefinition"]["resolvedDependencies"] = json!(resources);
    predicate
}

/// A base model, as provenance names it.
fn resource(uri: &str, digest: &str) -> Value {
    json!({ "name": "base", "uri": uri, "digest": { "model-v1": hex(digest) } })
}

/// A model of one file that lies nowhere: what signs it, and its digest.
fn absent(name: &str, hash_type: HashType) -> (Vec<u8>, String) {
    let serialization =
        Serialization { method: Method::Files, hash_type, allow_symlinks: false, ignore_paths: vec![] };
    let content = hex(&format!("model-v1:{}", Sha256Digest::of(name.as_bytes()))).to_owned();
    let resource = Resource {
        name: ResourceName { path: ManifestPath::new("weights").unwrap(), range: None },
        digest: ContentDigest::from_hex(hash_type, &content).unwrap(),
    };
    let path = ManifestPath::new("weights").unwrap();
    let digest = ModelDigest::over([(&path, Sha256Digest::of(name.as_bytes()))]).to_string();
    (Statement::new(name, Manifest::new(serialization, vec![resource]).unwrap()).to_payload(), digest)
}

fn hex(digest: &str) -> &str {
    digest.strip_prefix("model-v1:").unwrap()
}

/// Of everything that lies in the model.
fn digest(stage: &Stage, model: &str) -> String {
    let answer = Answer::of(&mut stage.command(["digest", model, "--format", "json"]));
    let report = report(&answer.expect(0));
    report["model"]["digest"].as_str().unwrap_or_else(|| panic!("{report:#}")).to_owned()
}
