//! Services that are down, slow, or not what they should be: what failed is
//! said, and where, and nothing is left behind.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::genuine::{AGAIN, ENTRIES, part};
use crate::scene::Scene;
use crate::service::{NOWHERE, Service};
use crate::sigstore::{self, Signer, services, services_at};
use crate::stage::Answer;

const A_FEW_SECONDS: Duration = Duration::from_secs(8);
const JSON: &str = "application/json";

/// A kind of service.
struct Kind {
    /// Its field in signing configurations.
    field: &'static str,
    /// Its name in messages.
    name: &'static str,
    path: &'static str,
    /// The content type of its answers.
    answers: &'static str,
}

const FULCIO: Kind = Kind {
    field: "caUrls",
    name: "the certificate authority (Fulcio)",
    path: "/api/v2/signingCert",
    answers: JSON,
};
const REKOR: Kind = Kind {
    field: "rekorTlogUrls",
    name: "the transparency log (Rekor)",
    path: "/api/v2/log/entries",
    answers: JSON,
};
const TSA: Kind = Kind {
    field: "tsaUrls",
    name: "the timestamp authority",
    path: "/api/v1/timestamp",
    answers: "application/timestamp-reply",
};
const ALL: [Kind; 3] = [FULCIO, REKOR, TSA];

impl Kind {
    /// The real services, but this one at `base`.
    fn at(&self, base: &str) -> Value {
        // The URL of a timestamp authority is the whole of it.
        let url = if self.field == TSA.field { format!("{base}{}", self.path) } else { base.to_owned() };
        services_at(&[(self.field, &url)])
    }

    /// Signing fails, and says so of this service at `base`.
    #[track_caller]
    fn fails_at(&self, base: &str, code: &str, words: &[&str]) {
        let scene = Scene::new();
        let mut sign = sign(&scene, &self.at(base));
        let place = format!("{} at {base}{}: ", self.name, self.path);
        let words = [&[&place[..], "no signature was written"], words].concat();
        scene.refuses(&mut sign, 3, code, &words);
    }
}

/// Does the same with each of them, all at once.
fn each(check: impl Fn(&Kind) + Sync) {
    let check = &check;
    thread::scope(|scope| ALL.iter().for_each(|kind| drop(scope.spawn(move || check(kind)))));
}

fn sign(scene: &Scene, services: &Value) -> Command {
    scene.sign_at(services, &["--identity-token", &Signer::Person.token(), "--timeout", "1"])
}

#[test]
fn a_service_that_is_down_is_named_with_its_address() {
    each(|kind| {
        kind.fails_at(NOWHERE, "network", &["could not connect", "is the network there"]);
    });
}

#[test]
fn a_service_that_does_not_answer_is_not_waited_for() {
    each(|kind| {
        let silent = Service::silent();
        let started = Instant::now();
        kind.fails_at(&silent.url(), "timeout", &["within 1 s", "--timeout SECONDS"]);
        assert!(started.elapsed() < A_FEW_SECONDS, "{:?}", started.elapsed());
    });
}

#[test]
fn item_58_a_service_that_drips_bytes_is_not_waited_for() {
    each(|kind| {
        let dripping = Service::dripping(kind.answers);
        let started = Instant::now();
        kind.fails_at(&dripping.url(), "timeout", &["within 1 s"]);
        assert!(started.elapsed() < A_FEW_SECONDS, "{:?}", started.elapsed());
    });
}

#[test]
fn a_service_in_trouble_is_asked_three_times_and_no_more() {
    each(|kind| {
        let busy = Service::answering(503, "text/plain", "come back tomorrow");
        let scene = Scene::new();
        let services = kind.at(&busy.url());
        let mut sign = scene.sign_at(&services, &["--identity-token", &Signer::Person.token()]);
        let words = [kind.name, &busy.url(), "status 503", "come back tomorrow", "(after 3 tries)", "later"];
        scene.refuses(&mut sign, 3, "service-refused", &words);
        assert_eq!(busy.asked(), [kind.path; 3]);
    });
}

#[test]
fn a_service_that_refuses_is_asked_once_and_quoted() {
    each(|kind| {
        let strict = Service::answering(400, JSON, r#"{"code":3,"message":"not like \u001b[31mthis"}"#);
        let scene = Scene::new();
        let mut sign = sign(&scene, &kind.at(&strict.url()));
        scene.refuses(&mut sign, 3, "service-refused", &[kind.name, "status 400", "not like "]);
        assert_eq!(strict.asked(), [kind.path]);
    });
}

#[test]
fn item_87_what_a_service_says_does_not_act_on_the_terminal() {
    let hostile = Service::answering(400, JSON, r#"{"message":"x\u001b[2J\u202e\u009b31m\r\ny"}"#);
    let scene = Scene::new();
    scene.write("services.json", FULCIO.at(&hostile.url()).to_string());
    let (root, token) = (sigstore::file("trusted_root.json"), Signer::Person.token());
    let instance = ["--trusted-root", &root, "--signing-config", "services.json"];
    let sign = ["sign", "model", "--identity-token", &token];
    let answer = Answer::of(&mut scene.command(sign.iter().chain(&instance))).expect(3);
    assert!(answer.stderr.contains("status 400: x\\u{1b}[2J"), "{answer:#?}");
    assert!(!answer.stderr.contains(['\x1b', '\u{202e}', '\u{9b}', '\r']), "{answer:#?}");
}

#[test]
fn a_service_that_redirects_is_not_followed() {
    each(|kind| {
        let elsewhere = Service::answering(307, JSON, "{}");
        let scene = Scene::new();
        let mut sign = sign(&scene, &kind.at(&elsewhere.url()));
        scene.refuses(&mut sign, 3, "service-refused", &[kind.name, "redirect", "not followed"]);
        assert_eq!(elsewhere.asked(), [kind.path]);
    });
}

#[test]
fn a_service_that_answers_something_else_is_not_believed() {
    each(|kind| {
        for body in ["garbage", "{}", "{\"a\":1,\"a\":1}", ""] {
            let other = Service::answering(200, kind.answers, body);
            let scene = Scene::new();
            let mut sign = sign(&scene, &kind.at(&other.url()));
            let words = [kind.name, &other.url(), "is it the right service"];
            scene.refuses(&mut sign, 3, "service-answer", &words);
        }
    });
}

#[test]
fn an_answer_without_an_end_is_not_read() {
    each(|kind| {
        let long = Service::answering(200, kind.answers, vec![b' '; 2 * 1024 * 1024]);
        let scene = Scene::new();
        let mut sign = sign(&scene, &kind.at(&long.url()));
        scene.refuses(&mut sign, 3, "service-answer", &[kind.name, "sent more than 1048576 bytes"]);
    });
}

#[test]
fn a_page_in_place_of_a_timestamp_is_not_believed() {
    let page = Service::answering(200, "text/html", "<html>Please log in</html>");
    let scene = Scene::new();
    let words = ["text/html", "expected \"application/timestamp-reply\""];
    scene.refuses(&mut sign(&scene, &TSA.at(&page.url())), 3, "service-answer", &words);
}

#[test]
fn an_entry_of_another_signature_is_not_believed() {
    let entry = part(&AGAIN, ENTRIES)[0].to_string();
    let other = Service::answering(201, JSON, entry);
    let scene = Scene::new();
    let mut sign = sign(&scene, &REKOR.at(&other.url()));
    scene.refuses(&mut sign, 3, "service-answer", &[REKOR.name, "about another signature"]);
}

#[test]
fn a_certificate_for_another_key_is_not_believed() {
    let path = crate::workbench::testdata().join("certificates/release.pem");
    let pem = std::fs::read_to_string(path).unwrap();
    let answer = json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": [pem] } } });
    let other = Service::answering(201, JSON, answer.to_string());
    let scene = Scene::new();
    let mut sign = sign(&scene, &FULCIO.at(&other.url()));
    scene.refuses(&mut sign, 3, "service-answer", &[FULCIO.name, "the certificate is for another key"]);
}

#[test]
fn what_the_trusted_root_does_not_believe_is_not_written() {
    let foreign = sigstore::json("foreign/trusted_root.json");
    let token = Signer::Person.token();
    let services = sigstore::json("signing_config.json");
    let scene = Scene::new();
    let mut sign = scene.sign_under(&foreign, &services, &["--identity-token", &token]);
    let words = ["does the trusted root belong to the services", "what they published stays published"];
    scene.refuses(&mut sign, 3, "signer", &words).hides(&token);
}

/// Refused before anything is published.
#[track_caller]
fn refused_at_once(change: impl FnOnce(&mut Value), words: &[&str]) {
    let fulcio = Service::idle();
    let config = services(|config| {
        config["caUrls"][0]["url"] = fulcio.url().into();
        change(config);
    });
    let scene = Scene::new();
    scene.refuses(&mut sign(&scene, &config), 2, "signing-config", words);
    assert_eq!(fulcio.asked(), [""; 0]);
}

#[test]
fn services_without_a_timestamp_authority_are_refused_before_anything_is_published() {
    let words = ["proves no time", "has no timestamp authority", "nothing was published"];
    refused_at_once(|config| config["tsaUrls"] = json!([]), &words);
    let over = |config: &mut Value| config["tsaUrls"][0]["validFor"]["end"] = "2026-01-01T00:00:00Z".into();
    refused_at_once(over, &words);
}

#[test]
fn services_without_a_log_or_an_authority_are_refused_before_anything_is_published() {
    for kind in [FULCIO, REKOR] {
        let words = ["has no URL of", kind.name, "nothing was published"];
        refused_at_once(|config| config[kind.field] = json!([]), &words);
    }
}

#[test]
fn http_is_for_this_machine_alone() {
    each(|kind| {
        let url = "http://sigstore.example/api";
        let elsewhere = |config: &mut Value| config[kind.field][0]["url"] = url.into();
        refused_at_once(elsewhere, &[kind.name, url, "http is taken for this machine alone"]);
    });
}

#[test]
fn what_is_no_signing_configuration_is_refused_and_named() {
    let scene = Scene::new();
    let root = sigstore::file("trusted_root.json");
    for text in ["", "[]", "{}", "{\"mediaType\":\"text/plain\"}"] {
        scene.write("services.json", text);
        let sign = ["sign", "model", "--format", "json", "--trusted-root", &root];
        let mut sign = scene.command(sign.iter().chain(&["--signing-config", "services.json"]));
        scene.refuses(&mut sign, 2, "signing-config", &["services.json"]);
    }
}

#[test]
fn item_85_an_interrupt_while_a_service_is_waited_for_leaves_nothing() {
    each(|kind| {
        let (scene, silent) = (Scene::new(), Service::silent());
        let services = kind.at(&silent.url());
        let mut sign = scene.sign_at(&services, &["--identity-token", &Signer::Person.token()]);
        let before = scene.tree();
        let mut child = sign.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        wait_until(|| !silent.asked().is_empty());
        interrupt(&child);
        assert_eq!(wait_for(&mut child).code(), Some(130));
        assert_eq!(scene.tree(), before);
    });
}

fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
}

fn wait_for(child: &mut Child) -> ExitStatus {
    let mut status = None;
    wait_until(|| {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

#[track_caller]
fn wait_until(mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < A_FEW_SECONDS, "it did not happen");
        sleep(Duration::from_millis(5));
    }
}
