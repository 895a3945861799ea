//! Signing for an identity, and verifying that it was this one.

use std::fs;

use serde_json::{Value, json};

use crate::scene::{BUNDLE, Scene, succeeds};
use crate::service::Service;
use crate::sigstore::{self, Signer, services_at, url};
use crate::stage::Answer;

const WORKFLOW: &str = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main";
const COMMIT: &str = "9f2c1f3e0b7a4d5c8e6f1a2b3c4d5e6f7a8b9c0d";

/// What the certificate says of the build, and nothing else.
fn claims_of_the_build() -> Value {
    json!({
        "build-config": WORKFLOW,
        "build-config-digest": COMMIT,
        "build-signer": WORKFLOW,
        "build-signer-digest": COMMIT,
        "build-trigger": "push",
        "run-invocation": "https://github.com/acme/models/actions/runs/5150/attempts/1",
        "runner-environment": "github-hosted",
        "source-digest": COMMIT,
        "source-owner": "https://github.com/acme",
        "source-owner-id": "4242",
        "source-ref": "refs/heads/main",
        "source-repository": "https://github.com/acme/models",
        "source-repository-id": "777",
        "source-visibility": "public",
        "token-subject": "repo:acme/models:ref:refs/heads/main",
    })
}

/// A report on a signature by `signer`, which has a log entry and a time.
#[track_caller]
fn tells(report: &Value, signer: Signer) {
    let signature = &report["signature"];
    assert_eq!(signature["method"], "sigstore", "{report:#}");
    let found = &signature["signer"];
    assert_eq!(found["identity"], signer.identity(), "{report:#}");
    assert_eq!(found["issuer"], signer.issuer(), "{report:#}");
    assert_eq!(found["trusted_root"]["source"], "given", "{report:#}");
    assert_eq!(signature["times"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert_eq!(signature["times"][0]["evidence"], "timestamp", "{report:#}");
    assert_eq!(signature["log_entries"].as_array().map(Vec::len), Some(1), "{report:#}");
    assert_eq!(signature["log_entries"][0]["log"], url("rekor"), "{report:#}");
}

#[test]
fn a_person_signs_and_is_verified_by_address_and_issuer() {
    let scene = Scene::new();
    let signed = succeeds(&mut scene.sign(&["--identity-token", &Signer::Person.token()]));
    let verified = succeeds(&mut scene.verify(Signer::Person, &[]));
    for report in [&signed, &verified] {
        tells(report, Signer::Person);
        assert_eq!(report["signature"]["signer"]["identity_kind"], "email");
    }
    assert_eq!(signed["signature"]["times"], verified["signature"]["times"]);
    assert_eq!(signed["signature"]["log_entries"], verified["signature"]["log_entries"]);
    assert_eq!(verified["not_proved"], json!([]));
}

#[test]
fn a_workflow_signs_and_every_claim_of_its_certificate_is_reported() {
    let scene = Scene::new();
    let signed = succeeds(&mut scene.sign(&["--identity-token", &Signer::Workflow.token()]));
    let verified = succeeds(&mut scene.verify(Signer::Workflow, &[]));
    for report in [&signed, &verified] {
        tells(report, Signer::Workflow);
        assert_eq!(report["signature"]["signer"]["identity_kind"], "uri");
        assert_eq!(report["signature"]["signer"]["claims"], claims_of_the_build());
    }
}

#[test]
fn the_report_for_people_names_signer_issuer_claims_time_log_and_root() {
    let scene = Scene::new();
    let (token, config) = (Signer::Workflow.token(), sigstore::file("client_trust_config.json"));
    let sign = ["sign", "model", "--trust-config", &config, "--identity-token", &token];
    let signed = Answer::of(&mut scene.command(sign)).expect(0).hides(&token).stdout;
    let who = ["--identity", WORKFLOW, "--issuer", Signer::Workflow.issuer()];
    let verify = ["verify", "model", "--trust-config", &config];
    let verified = Answer::of(&mut scene.command(verify.iter().chain(&who))).expect(0).stdout;
    let issuer = format!("Issuer      {}\n", Signer::Workflow.issuer());
    let log = format!("in {}\n", url("rekor"));
    for text in [&signed, &verified] {
        for line in [
            "Signer      https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main\n",
            &issuer,
            "Claim       source-owner-id 4242\n",
            "Trusted root given, sha256:",
            "(proved by a timestamp authority)\n",
            &log,
        ] {
            assert!(text.contains(line), "{line:?} is missing from {text}");
        }
    }
}

/// The name of a trust configuration says which instance signed, and so does
/// the digest of what is verified with.
#[test]
fn the_root_of_a_trust_configuration_has_one_fingerprint_for_signing_and_verifying() {
    let scene = Scene::new();
    let signed = succeeds(&mut scene.sign(&["--identity-token", &Signer::Person.token()]));
    let config = sigstore::file("client_trust_config.json");
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    let verify = ["verify", "model", "--format", "json", "--trust-config", &config];
    let verified = succeeds(&mut scene.command(verify.iter().chain(&who)));
    let fingerprint = |report: &Value| report["signature"]["signer"]["trusted_root"].clone();
    assert_eq!(fingerprint(&signed), fingerprint(&verified));
}

#[test]
fn a_signing_configuration_and_a_trusted_root_do_what_a_trust_configuration_does() {
    let scene = Scene::new();
    let services = sigstore::json("signing_config.json");
    succeeds(&mut scene.sign_at(&services, &["--identity-token", &Signer::Person.token()]));
    tells(&succeeds(&mut scene.verify(Signer::Person, &[])), Signer::Person);
}

#[test]
fn the_token_may_be_in_a_file_with_a_line_end() {
    let scene = Scene::new();
    for end in ["\n", "\r\n"] {
        scene.write("token", format!("{}{end}", Signer::Person.token()));
        succeeds(&mut scene.sign(&["--identity-token-file", "token", "--force"]));
        succeeds(&mut scene.verify(Signer::Person, &[]));
    }
}

#[test]
fn one_file_shards_and_other_hashes_are_signed_for_identities_too() {
    let options = ["--shard-size", "1", "--hash", "blake3", "-o", "elsewhere.sig"];
    let scene = Scene::new();
    let token = Signer::Person.token();
    succeeds(&mut scene.sign(&[&["--identity-token", &token], &options[..]].concat()));
    succeeds(&mut scene.verify(Signer::Person, &["--signature", "elsewhere.sig"]));
    assert!(!scene.at(BUNDLE).exists());
    let config = sigstore::file("client_trust_config.json");
    let sign = ["sign", "model/a", "--trust-config", &config, "--identity-token", &token];
    Answer::of(&mut scene.command(sign)).expect(0);
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    let verify = ["verify", "model/a", "--trust-config", &config];
    Answer::of(&mut scene.command(verify.iter().chain(&who))).expect(0);
}

#[test]
fn a_bundle_on_standard_output_is_all_that_is_there() {
    let scene = Scene::new();
    let (token, config) = (Signer::Person.token(), sigstore::file("client_trust_config.json"));
    let sign = ["sign", "model", "--trust-config", &config, "--identity-token", &token, "-o", "-"];
    let bundle = Answer::of(&mut scene.command(sign)).expect(0).stdout;
    assert!(!scene.at(BUNDLE).exists());
    scene.write(BUNDLE, bundle);
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn a_bundle_that_is_there_is_told_of_before_anything_is_published() {
    let scene = Scene::new();
    scene.write(BUNDLE, "not to be lost");
    let fulcio = Service::idle();
    let mut sign = scene
        .sign_at(&services_at(&[("caUrls", &fulcio.url())]), &["--identity-token", &Signer::Person.token()]);
    scene.refuses(&mut sign, 2, "exists", &["model.sig", "--force"]);
    assert_eq!(fulcio.asked(), [""; 0]);
    assert_eq!(fs::read_to_string(scene.at(BUNDLE)).unwrap(), "not to be lost");
}

#[test]
fn a_dry_run_needs_no_identity_and_publishes_nothing() {
    let scene = Scene::new();
    let before = scene.tree();
    let fulcio = Service::idle();
    let services = services_at(&[("caUrls", &fulcio.url()), ("oidcUrls", &fulcio.url())]);
    let planned = succeeds(&mut scene.sign_at(&services, &["--dry-run"]));
    assert_eq!(planned["outcome"], "planned");
    assert_eq!(fulcio.asked(), [""; 0]);
    assert_eq!(scene.tree().len(), before.len() + 2, "the two files of the instance");
}

#[test]
fn a_trusted_root_alone_names_no_services_to_sign_with() {
    let scene = Scene::new();
    let root = sigstore::file("trusted_root.json");
    let sign = ["sign", "model", "--format", "json", "--trusted-root", &root];
    scene.refuses(&mut scene.command(sign), 2, "usage", &["--signing-config", "--trust-config"]);
}

#[test]
fn files_of_an_instance_that_are_confused_with_each_other_are_named() {
    let scene = Scene::new();
    let file = sigstore::file;
    let (root, config) = (file("trusted_root.json"), file("client_trust_config.json"));
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    for (option, path, help) in [
        ("--trusted-root", &config, "name it with --trust-config"),
        ("--trust-config", &root, "name it with --trusted-root"),
    ] {
        let verify = ["verify", "model", "--format", "json", option, path];
        let words = [path.rsplit('/').next().unwrap(), help];
        scene.refuses(&mut scene.command(verify.iter().chain(&who)), 2, "trusted-root", &words);
    }
    let sign = ["sign", "model", "--format", "json", "--trusted-root", &root, "--signing-config", &config];
    scene.refuses(&mut scene.command(sign), 2, "signing-config", &["client_trust_config.json", "media type"]);
}

#[test]
fn a_deny_list_of_an_identity_is_followed_by_one_of_the_same_identity_alone() {
    let scene = Scene::new();
    let config = sigstore::file("client_trust_config.json");
    let add = |signer: Signer, issuer: &str, more: &[&str]| {
        let token = signer.token();
        let add = ["deny", "add", "deny.toml", "--deny-issuer", issuer, "--reason", "x", "--expires", "30d"];
        let by = ["--format", "json", "--trust-config", &config, "--identity-token", &token];
        scene.command(add.iter().chain(&by).chain(more))
    };
    for signer in [Signer::Person, Signer::Workflow] {
        // Whoever signs first, and then once more.
        assert_eq!(succeeds(&mut add(signer, "https://a.example", &["--resign"]))["entries"], 1);
        assert_eq!(succeeds(&mut add(signer, "https://b.example", &[]))["entries"], 2);
        let other = if matches!(signer, Signer::Person) { Signer::Workflow } else { Signer::Person };
        let words = ["is not by the signer that is to sign the list now"];
        scene.refuses(&mut add(other, "https://c.example", &[]), 2, "deny-list", &words);
        fs::remove_file(scene.at("deny.toml")).unwrap();
    }
}

/// Files of a megabyte that rested, and a small one that changes.
fn large_scene() -> Scene {
    let scene = Scene::new();
    scene.write("model/large", vec![7; 1_500_000]);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    succeeds(&mut scene.sign(&["--identity-token", &Signer::Person.token()]));
    scene.write("model/config.json", "{ }");
    scene
}

#[test]
fn digests_that_the_same_identity_signed_are_reused() {
    let scene = large_scene();
    let token = Signer::Person.token();
    let reuse = ["--identity-token", &token, "--force", "--reuse", BUNDLE];
    let signed = succeeds(&mut scene.sign(&reuse));
    assert_eq!(signed["digests"]["reused"], json!(["large"]), "{signed:#}");
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn digests_that_another_identity_signed_are_not_reused() {
    let scene = large_scene();
    let token = Signer::Workflow.token();
    let reuse = ["--identity-token", &token, "--force", "--reuse", BUNDLE];
    let old = scene.bundle();
    scene.refuses(&mut scene.sign(&reuse), 1, "wrong-identity", &["sign without --reuse"]);
    assert_eq!(scene.bundle(), old);
}
