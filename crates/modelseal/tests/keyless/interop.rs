//! The same Sigstore with other clients: cosign, and the Python reference.
//! What we sign they verify, and what they sign we verify.

use std::path::PathBuf;
use std::process::Command;

use modelseal::{Statement, UntrustedBundle};
use serde_json::json;

use crate::genuine::{BY_PERSON, BY_WORKFLOW};
use crate::peers::{self, Run};
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::sigstore::{self, Signer, url};

const PREDICATE: &str = "https://model_signing/signature/v1.0";
const SIGNERS: [Signer; 2] = [Signer::Person, Signer::Workflow];

/// A peer, at home in the scene, and with no other Sigstore to turn to.
fn at_home(scene: &Scene, mut command: Command) -> Command {
    command.current_dir(scene.at(".")).env("HOME", scene.at("home")).env("TUF_ROOT", scene.at("home/tuf"));
    for variable in ["XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "GITHUB_ACTIONS"] {
        command.env_remove(variable);
    }
    // What would leave this machine fails at once.
    for variable in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        command.env(variable, "http://127.0.0.1:1");
    }
    command.env("NO_PROXY", "localhost,127.0.0.1").env("no_proxy", "localhost,127.0.0.1");
    command
}

fn signed_by_us(signer: Signer) -> Scene {
    Scene::with(match signer {
        Signer::Person => &BY_PERSON,
        Signer::Workflow => &BY_WORKFLOW,
    })
}

pub(crate) fn cosign(scene: &Scene, arguments: &[&str]) -> Run {
    let root = sigstore::file("trusted_root.json");
    let mut command = at_home(scene, Command::new(url("cosign")));
    Run::of(command.args(arguments).args(["--trusted-root", &root]))
}

/// What cosign takes for the thing that was signed. The subject of a model is
/// the digest of its digests, so here they stand, one after the other.
fn write_digests(scene: &Scene) -> PathBuf {
    let bundle = UntrustedBundle::parse(&std::fs::read(scene.at(BUNDLE)).unwrap()).unwrap();
    let statement = Statement::parse(bundle.envelope().payload()).unwrap();
    let resources = statement.manifest().resources().iter();
    scene.write(
        "digests",
        resources.flat_map(|resource| resource.digest.as_bytes().to_vec()).collect::<Vec<_>>(),
    );
    scene.at("digests")
}

fn cosign_verifies(scene: &Scene, identity: &str, issuer: &str, bundle: &str) -> Run {
    let digests = write_digests(scene);
    let verify =
        ["verify-blob-attestation", "--bundle", bundle, "--use-signed-timestamps", "--type", PREDICATE];
    let who = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer];
    cosign(scene, &[&verify[..], &who, &[digests.to_str().unwrap()]].concat())
}

#[test]
fn cosign_verifies_what_we_sign() {
    for signer in SIGNERS {
        let scene = signed_by_us(signer);
        cosign_verifies(&scene, signer.identity(), signer.issuer(), BUNDLE).exits_with(0);
    }
}

#[test]
fn cosign_verifies_what_we_sign_in_shards() {
    let (scene, token) = (Scene::new(), Signer::Person.token());
    succeeds(&mut scene.sign(&["--identity-token", &token, "--shard-size", "1"]));
    cosign_verifies(&scene, Signer::Person.identity(), Signer::Person.issuer(), BUNDLE).exits_with(0);
}

#[test]
fn cosign_refuses_another_identity_than_ours_as_we_do() {
    let scene = signed_by_us(Signer::Person);
    let refused = cosign_verifies(&scene, "nobody@acme.example", Signer::Person.issuer(), BUNDLE);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.stderr.contains("expected SAN value"), "{refused}");
}

/// The statement is what our own signer writes, the signature is cosign's.
#[test]
fn we_verify_the_statement_that_cosign_attests() {
    for signer in SIGNERS {
        let scene = Scene::new();
        write_statement(&scene);
        scene.write("token", signer.token());
        let services = sigstore::file("signing_config.json");
        let attest = ["attest-blob", "--yes", "--statement", "statement.json", "--signing-config", &services];
        let output = ["--identity-token", "token", "--bundle", BUNDLE];
        cosign(&scene, &[&attest[..], &output].concat()).exits_with(0);
        let report = succeeds(&mut scene.verify(signer, &[]));
        assert_eq!(report["signature"]["signer"]["identity"], signer.identity(), "{report:#}");
        scene.write("model/a", "changed");
        scene.refuses(&mut scene.verify(signer, &[]), 1, "mismatch", &[]);
    }
}

fn write_statement(scene: &Scene) {
    let key = peers::key("p256.pem");
    let arguments = ["sign", "model", "--format", "json", "-o", "by-key.sig", "--key"];
    succeeds(scene.command(arguments).arg(key));
    let bundle = UntrustedBundle::parse(&std::fs::read(scene.at("by-key.sig")).unwrap()).unwrap();
    scene.write("statement.json", bundle.envelope().payload());
}

#[test]
fn the_signature_of_a_blob_by_cosign_is_no_signature_of_a_model() {
    let scene = Scene::new();
    scene.write("token", Signer::Person.token());
    let services = sigstore::file("signing_config.json");
    let sign = ["sign-blob", "--yes", "--signing-config", &services, "--identity-token", "token"];
    cosign(&scene, &[&sign[..], &["--bundle", BUNDLE, "model/a"]].concat()).exits_with(0);
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, "malformed-bundle", &["message signature"]);
}

#[test]
fn an_attestation_of_something_else_is_no_signature_of_a_model() {
    let scene = Scene::new();
    scene.write("token", Signer::Person.token());
    let subject =
        json!([{ "name": "a", "digest": { "sha256": modelseal::Sha256Digest::of(b"1").to_string() } }]);
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v1", "subject": subject,
        "predicateType": "https://slsa.dev/provenance/v1", "predicate": { "resources": [] },
    });
    scene.write("statement.json", statement.to_string());
    let services = sigstore::file("signing_config.json");
    let attest = ["attest-blob", "--yes", "--statement", "statement.json", "--signing-config", &services];
    cosign(&scene, &[&attest[..], &["--identity-token", "token", "--bundle", BUNDLE]].concat()).exits_with(0);
    let words = ["https://slsa.dev/provenance/v1"];
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, "malformed-statement", &words);
}

/// The command of the reference.
fn reference(scene: &Scene, arguments: &[&str]) -> Run {
    let config = sigstore::file("client_trust_config.json");
    let mut command = at_home(scene, peers::program("reference-1.1.1", "model_signing"));
    let (task, options) = arguments.split_first().unwrap();
    command.args([task, "sigstore", "--trust_config", &config, "--signature", BUNDLE]);
    Run::of(command.args(options).arg("model"))
}

fn reference_verifies(scene: &Scene, identity: &str, issuer: &str) -> Run {
    reference(scene, &["verify", "--identity", identity, "--identity_provider", issuer])
}

#[test]
fn the_reference_verifies_what_we_sign() {
    for signer in SIGNERS {
        let scene = signed_by_us(signer);
        reference_verifies(&scene, signer.identity(), signer.issuer()).exits_with(0);
    }
}

#[test]
fn the_reference_refuses_another_identity_and_another_model_than_ours() {
    let scene = signed_by_us(Signer::Person);
    let refused = reference_verifies(&scene, "nobody@acme.example", Signer::Person.issuer());
    assert_ne!(refused.code, Some(0), "{refused}");
    peers::tamper(&scene.at("model/a"));
    let refused = reference_verifies(&scene, Signer::Person.identity(), Signer::Person.issuer());
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.stderr.replace('\\', "").contains("Hash mismatch for 'a'"), "{refused}");
}

/// Another identity, and no issuer.
#[test]
fn our_program_refuses_the_command_lines_that_the_reference_refuses_with_its_exit_codes() {
    let scene = signed_by_us(Signer::Person);
    let who = ["--identity", Signer::Person.identity(), "--identity_provider", Signer::Person.issuer()];
    for options in [&["--identity", "nobody@acme.example", who[2], who[3]], &who[..2]] {
        let theirs = reference(&scene, &[&["verify"], options].concat());
        let config = sigstore::file("client_trust_config.json");
        let ours = ["model-signing", "verify", "model", "--trust_config", &config, "--signature", BUNDLE];
        let ours = Run::of(&mut scene.command(ours.iter().chain(options)));
        assert_eq!((ours.code, &ours.stdout), (theirs.code, &theirs.stdout), "{ours}{theirs}");
    }
}

#[test]
fn we_verify_what_the_reference_signs() {
    for signer in SIGNERS {
        let scene = Scene::new();
        let token = signer.token();
        reference(&scene, &["sign", "--identity_token", &token]).exits_with(0);
        let report = succeeds(&mut scene.verify(signer, &[]));
        assert_eq!(report["signature"]["signer"]["identity"], signer.identity(), "{report:#}");
        assert_eq!(report["signature"]["times"][0]["evidence"], "timestamp", "{report:#}");
        assert_eq!(report["signature"]["log_entries"][0]["log"], url("rekor"), "{report:#}");
    }
}

#[test]
fn we_refuse_another_identity_and_another_model_than_that_of_the_reference() {
    let scene = Scene::new();
    reference(&scene, &["sign", "--identity_token", &Signer::Person.token()]).exits_with(0);
    scene.refuses(&mut scene.verify(Signer::Workflow, &[]), 1, "wrong-identity", &["release@acme.example"]);
    peers::tamper(&scene.at("model/a"));
    scene.refuses(&mut scene.verify(Signer::Person, &[]), 1, "mismatch", &[]);
}
