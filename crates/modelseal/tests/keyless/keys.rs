//! Signatures by keys with evidence beside them: timestamps, and log entries.

use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use modelseal::{Sha256Digest, UntrustedBundle};
use serde_json::{Value, json};

use crate::genuine::{AGAIN, BY_PERSON, ENTRIES, TIMESTAMPS, changed, part, spliced};
use crate::http;
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::service::{NOWHERE, Service};
use crate::sigstore::{self, root, url};
use crate::workbench::testdata;

fn key(name: &str) -> String {
    testdata().join("keys").join(name).into_os_string().into_string().unwrap()
}

fn sign(scene: &Scene, more: &[&str]) -> Command {
    scene.command(["sign", "model", "--format", "json", "--key", &key("p256.pem")].iter().chain(more))
}

fn verify(scene: &Scene, more: &[&str]) -> Command {
    scene.command(["verify", "model", "--format", "json", "--key", &key("p256.pub")].iter().chain(more))
}

/// With a signature by a key, which the authority timestamped.
fn stamped() -> Scene {
    let scene = Scene::new();
    let signed = succeeds(&mut sign(&scene, &["--timestamp-url", url("tsa")]));
    assert_eq!(signed["signature"]["method"], "key");
    assert_eq!(part(&scene.bundle(), TIMESTAMPS).as_array().map(Vec::len), Some(1));
    scene
}

fn caveats(report: &Value) -> Vec<&str> {
    let all = report["not_proved"].as_array().expect("a list");
    all.iter().filter_map(|caveat| caveat["code"].as_str()).collect()
}

#[track_caller]
fn is_dated(report: &Value, times: usize) {
    let found = report["signature"]["times"].as_array().expect("a list");
    assert_eq!(found.len(), times, "{report:#}");
    assert!(found.iter().all(|time| time["evidence"] == "timestamp"), "{report:#}");
    assert!(!caveats(report).contains(&"no-time-evidence"), "{report:#}");
    assert!(!caveats(report).contains(&"timestamps-not-checked"), "{report:#}");
}

#[test]
fn the_time_of_a_signature_by_a_key_is_proved_under_the_root_of_the_authority() {
    let scene = stamped();
    let root = sigstore::file("tsa_root.pem");
    is_dated(&succeeds(&mut verify(&scene, &["--timestamp-root", &root])), 1);
}

#[test]
fn the_root_of_an_instance_names_its_timestamp_authority_too() {
    let scene = stamped();
    for (option, name) in
        [("--trusted-root", "trusted_root.json"), ("--trust-config", "client_trust_config.json")]
    {
        is_dated(&succeeds(&mut verify(&scene, &[option, &sigstore::file(name)])), 1);
    }
}

#[test]
fn without_a_root_a_timestamp_proves_nothing_and_does_no_harm() {
    let scene = stamped();
    let report = succeeds(&mut verify(&scene, &[]));
    assert_eq!(report["signature"]["times"], json!([]), "{report:#}");
    assert!(caveats(&report).contains(&"timestamps-not-checked"), "{report:#}");
}

#[test]
fn several_authorities_each_give_a_timestamp() {
    let scene = Scene::new();
    let tsa = url("tsa");
    succeeds(&mut sign(&scene, &["--timestamp-url", tsa, "--timestamp-url", tsa]));
    let root = sigstore::file("tsa_root.pem");
    is_dated(&succeeds(&mut verify(&scene, &["--timestamp-root", &root])), 2);
}

#[test]
fn a_timestamp_by_an_authority_under_another_root_is_refused() {
    let scene = stamped();
    for (option, name) in
        [("--timestamp-root", "foreign/tsa_root.pem"), ("--trusted-root", "foreign/trusted_root.json")]
    {
        let mut verify = verify(&scene, &[option, &sigstore::file(name)]);
        let words = ["was not made by a timestamp authority that is trusted", "name its root"];
        scene.refuses(&mut verify, 1, "unknown-timestamp-authority", &words);
    }
}

#[test]
fn one_of_several_roots_is_enough() {
    let scene = stamped();
    let (ours, foreign) = (sigstore::file("tsa_root.pem"), sigstore::file("foreign/tsa_root.pem"));
    let roots = ["--timestamp-root", &foreign, "--timestamp-root", &ours];
    is_dated(&succeeds(&mut verify(&scene, &roots)), 1);
    let both = ["--timestamp-root", &ours, "--trusted-root", &sigstore::file("foreign/trusted_root.json")];
    is_dated(&succeeds(&mut verify(&scene, &both)), 1);
}

#[test]
fn item_52_a_timestamp_after_the_window_of_its_authority_is_refused() {
    let scene = stamped();
    let over = root(|root| {
        let window = &mut root["timestampAuthorities"][0]["validFor"];
        let day = window["start"].as_str().unwrap().split('T').next().unwrap().to_owned();
        window["end"] = format!("{day}T00:00:01Z").into();
    });
    scene.write("root.json", over.to_string());
    let mut verify = verify(&scene, &["--trusted-root", "root.json"]);
    scene.refuses(&mut verify, 1, "timestamp-window", &["when its authority was not, or no longer, trusted"]);
}

#[test]
fn a_genuine_timestamp_of_another_signature_is_refused() {
    let scene = stamped();
    scene.write(BUNDLE, spliced(&scene.bundle(), TIMESTAMPS, &BY_PERSON).to_string());
    for option in [
        ["--timestamp-root", &sigstore::file("tsa_root.pem")],
        ["--trusted-root", &sigstore::file("trusted_root.json")],
    ] {
        let words = ["belongs to another signature"];
        scene.refuses(&mut verify(&scene, &option), 1, "timestamp-of-another", &words);
    }
}

#[test]
fn item_50_a_bad_timestamp_beside_a_good_one_is_refused() {
    let scene = stamped();
    let other = part(&BY_PERSON, TIMESTAMPS)[0].clone();
    let bundle = changed(&scene.bundle(), TIMESTAMPS, |stamps| stamps.as_array_mut().unwrap().push(other));
    scene.write(BUNDLE, bundle.to_string());
    let root = sigstore::file("tsa_root.pem");
    scene.refuses(&mut verify(&scene, &["--timestamp-root", &root]), 1, "timestamp-of-another", &[]);
}

#[test]
fn a_root_of_timestamps_that_is_none_is_wrong_input() {
    let scene = stamped();
    let chain = std::fs::read_to_string(sigstore::file("tsa_chain.pem")).unwrap();
    let end = "-----END CERTIFICATE-----\n";
    scene.write("leaf.pem", format!("{}{end}", chain.split(end).next().unwrap()));
    let mut verify = verify(&scene, &["--timestamp-root", "leaf.pem"]);
    scene.refuses(&mut verify, 2, "certificate", &["--timestamp-root leaf.pem", "name the root that issued"]);
}

#[test]
fn an_authority_that_is_down_slow_or_elsewhere_leaves_no_signature() {
    let scene = Scene::new();
    let sign_at = |url: &str, exit, code: &str, words: &[&str]| {
        scene.refuses(&mut sign(&scene, &["--timestamp-url", url, "--timeout", "1"]), exit, code, words);
    };
    let (silent, dripping) = (Service::silent(), Service::dripping("application/timestamp-reply"));
    let garbage = Service::answering(200, "application/timestamp-reply", "garbage");
    let name = "the timestamp authority at http://127.0.0.1:";
    sign_at(NOWHERE, 3, "network", &[name, "could not connect"]);
    sign_at(&silent.url(), 3, "timeout", &[name, "within 1 s"]);
    sign_at(&dripping.url(), 3, "timeout", &[name, "within 1 s"]);
    sign_at(&garbage.url(), 3, "service-answer", &[name, "RFC 3161"]);
    sign_at("http://tsa.example", 2, "usage", &["--timestamp-url http://tsa.example", "this machine alone"]);
    sign_at("tsa.example", 2, "usage", &["--timestamp-url tsa.example"]);
}

#[test]
fn an_identity_has_the_timestamp_authorities_of_its_instance() {
    let scene = Scene::new();
    let mut sign = scene.sign(&["--timestamp-url", url("tsa")]);
    scene.refuses(&mut sign, 2, "usage", &["--timestamp-url is for keys"]);
}

/// As a client that logs signatures by keys does it. A log takes each signature
/// once, and those of our keys over the same model are the same.
fn logged() -> Scene {
    let scene = Scene::new();
    scene.write("model/a", scene.at("model").to_str().unwrap());
    succeeds(&mut sign(&scene, &[]));
    let bundle = UntrustedBundle::parse(scene.bundle().to_string().as_bytes()).unwrap();
    let digest = Sha256Digest::of(&bundle.envelope().signed_bytes());
    let pem = std::fs::read_to_string(key("p256.pub")).unwrap();
    let spki: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let request = json!({ "hashedRekordRequestV002": {
        "digest": BASE64_STANDARD.encode(digest.as_bytes()),
        "signature": {
            "content": BASE64_STANDARD.encode(bundle.envelope().signature()),
            "verifier": { "publicKey": { "rawBytes": spki }, "keyDetails": "PKIX_ECDSA_P256_SHA_256" },
        },
    }});
    let entry = http::post(&format!("{}/api/v2/log/entries", url("rekor")), &request);
    let entry: Value = serde_json::from_str(&entry).unwrap();
    scene.write(BUNDLE, changed(&scene.bundle(), ENTRIES, |entries| *entries = json!([entry])).to_string());
    scene
}

#[test]
fn a_log_entry_of_a_signature_by_a_key_is_proved_where_the_log_is_trusted() {
    let scene = logged();
    let root = sigstore::file("trusted_root.json");
    let report = succeeds(&mut verify(&scene, &["--trusted-root", &root]));
    assert_eq!(report["signature"]["log_entries"][0]["log"], url("rekor"), "{report:#}");
    assert!(!caveats(&report).contains(&"logs-not-checked"), "{report:#}");
}

#[test]
fn where_no_log_is_trusted_a_log_entry_proves_nothing_and_does_no_harm() {
    let scene = logged();
    let report = succeeds(&mut verify(&scene, &[]));
    assert_eq!(report["signature"]["log_entries"][0]["log"], Value::Null, "{report:#}");
    assert!(caveats(&report).contains(&"logs-not-checked"), "{report:#}");
}

#[test]
fn a_log_entry_in_a_log_that_is_not_known_is_refused() {
    let scene = logged();
    let foreign = sigstore::file("foreign/trusted_root.json");
    let mut verify = verify(&scene, &["--trusted-root", &foreign]);
    scene.refuses(&mut verify, 1, "unknown-log", &["which the trusted root does not name"]);
}

/// Whether a log is trusted or not.
#[test]
fn item_48_a_genuine_log_entry_of_another_signature_is_refused() {
    let scene = logged();
    let root = sigstore::file("trusted_root.json");
    for other in [&BY_PERSON, &AGAIN] {
        scene.write(BUNDLE, spliced(&scene.bundle(), ENTRIES, other).to_string());
        for options in [&[][..], &["--trusted-root", &root]] {
            let words = ["belongs to another signature"];
            scene.refuses(&mut verify(&scene, options), 1, "log-entry-of-another", &words);
        }
    }
}
