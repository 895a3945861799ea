//! On whose word: other instances, windows that are over, and roots that are
//! none.

use std::fs;

use modelseal::Timestamp;
use serde_json::{Value, json};

use crate::genuine::BY_PERSON;
use crate::scene::{Scene, succeeds};
use crate::sigstore::{self, Signer, root};
use crate::stage::Answer;

const AUTHORITIES: &str = "certificateAuthorities";
const LOGS: &str = "tlogs";
const CERTIFICATE_LOGS: &str = "ctlogs";
const TIMESTAMP_AUTHORITIES: &str = "timestampAuthorities";
const ALL: [&str; 4] = [AUTHORITIES, LOGS, CERTIFICATE_LOGS, TIMESTAMP_AUTHORITIES];

/// The person's signature is refused under this root.
#[track_caller]
fn refused_under(root: &Value, code: &str, words: &[&str]) {
    let scene = Scene::with(&BY_PERSON);
    scene.refuses(&mut scene.verify_under(root, Signer::Person), 1, code, words);
}

/// Our root, in which these stand as another instance has them.
fn with_foreign(field: &str) -> Value {
    root(|root| root[field] = sigstore::json("foreign/trusted_root.json")[field].take())
}

/// The window of an authority or of a log, wherever it stands.
fn window<'a>(root: &'a mut Value, field: &str) -> &'a mut Value {
    let first = &mut root[field][0];
    if first["validFor"].is_object() { &mut first["validFor"] } else { &mut first["publicKey"]["validFor"] }
}

/// Our root, in which this was trusted only until a second after it began.
fn with_window_that_is_over(field: &str) -> Value {
    root(|root| {
        let window = window(root, field);
        let start: Timestamp = window["start"].as_str().unwrap().parse().unwrap();
        let end = Timestamp::from_second(start.as_second() + 1).unwrap();
        window["end"] = end.to_string().into();
    })
}

#[test]
fn the_root_of_another_instance_is_refused() {
    let foreign = sigstore::json("foreign/trusted_root.json");
    let words = ["which the trusted root does not name", "another Sigstore instance", "--trusted-root FILE"];
    refused_under(&foreign, "unknown-log", &words);
}

#[test]
fn a_certificate_by_another_authority_is_refused() {
    let words = ["no certificate authority of the trusted root", Signer::Person.identity(), "--trusted-root"];
    refused_under(&with_foreign(AUTHORITIES), "unknown-issuer", &words);
}

#[test]
fn a_certificate_in_another_log_is_refused() {
    let words = ["no certificate transparency log of the trusted root", Signer::Person.identity()];
    refused_under(&with_foreign(CERTIFICATE_LOGS), "certificate-not-logged", &words);
}

#[test]
fn a_timestamp_by_another_authority_is_refused() {
    let words = ["was not made by a timestamp authority that is trusted", "another Sigstore instance"];
    refused_under(&with_foreign(TIMESTAMP_AUTHORITIES), "unknown-timestamp-authority", &words);
}

#[test]
fn an_entry_in_another_log_is_refused() {
    refused_under(&with_foreign(LOGS), "unknown-log", &["does not name"]);
}

/// Another key under the identity of our log.
#[test]
fn item_54_a_log_whose_identity_collides_is_refused() {
    let root = root(|root| {
        let foreign = sigstore::json("foreign/trusted_root.json");
        root[LOGS][0]["publicKey"]["rawBytes"] = foreign[LOGS][0]["publicKey"]["rawBytes"].clone();
    });
    refused_under(&root, "not-in-log", &["not signed by the log that it names"]);
}

#[test]
fn item_52_a_timestamp_after_the_window_of_its_authority_is_refused() {
    let words = ["when its authority was not, or no longer, trusted"];
    refused_under(&with_window_that_is_over(TIMESTAMP_AUTHORITIES), "timestamp-window", &words);
}

#[test]
fn item_52_a_timestamp_is_refused_in_the_window_of_another_authority() {
    let root = root(|root| {
        let foreign = sigstore::json("foreign/trusted_root.json")[TIMESTAMP_AUTHORITIES][0].take();
        let over = with_window_that_is_over(TIMESTAMP_AUTHORITIES)[TIMESTAMP_AUTHORITIES][0].take();
        root[TIMESTAMP_AUTHORITIES] = json!([over, foreign]);
    });
    refused_under(&root, "timestamp-window", &[]);
}

#[test]
fn item_53_a_certificate_after_the_window_of_its_authority_is_refused() {
    refused_under(&with_window_that_is_over(AUTHORITIES), "unknown-issuer", &[Signer::Person.identity()]);
}

#[test]
fn item_53_an_entry_after_the_window_of_its_log_is_refused() {
    let words = [sigstore::url("rekor"), "which was not, or no longer, trusted on"];
    refused_under(&with_window_that_is_over(LOGS), "log-window", &words);
}

#[test]
fn item_53_a_certificate_after_the_window_of_the_certificate_log_is_refused() {
    refused_under(&with_window_that_is_over(CERTIFICATE_LOGS), "certificate-not-logged", &[]);
}

#[test]
fn item_53_windows_that_end_now_or_later_are_open() {
    let now = Timestamp::now().as_second();
    let scene = Scene::with(&BY_PERSON);
    for field in ALL {
        let later = Timestamp::from_second(now + 3600).unwrap();
        let root = root(|root| window(root, field)["end"] = later.to_string().into());
        succeeds(&mut scene.verify_under(&root, Signer::Person));
    }
}

/// All but the log of certificates, which has a time of its own, are judged at
/// the second that the timestamp tells.
#[test]
fn item_53_the_edges_of_a_window_belong_to_it() {
    let scene = Scene::with(&BY_PERSON);
    let report = succeeds(&mut scene.verify(Signer::Person, &[]));
    let signed: Timestamp = report["signature"]["times"][0]["time"].as_str().unwrap().parse().unwrap();
    let at = |nanoseconds| Timestamp::from_nanosecond(signed.as_nanosecond() + nanoseconds).unwrap();
    for (field, code) in
        [(AUTHORITIES, "unknown-issuer"), (LOGS, "log-window"), (TIMESTAMP_AUTHORITIES, "timestamp-window")]
    {
        for (edge, outside) in [("start", 1), ("end", -1)] {
            let with = |time: Timestamp| root(|root| window(root, field)[edge] = time.to_string().into());
            succeeds(&mut scene.verify_under(&with(at(0)), Signer::Person));
            refused_under(&with(at(outside)), code, &[]);
        }
    }
}

#[test]
fn keys_that_were_retired_beside_current_ones_do_no_harm() {
    let scene = Scene::with(&BY_PERSON);
    let both = root(|root| {
        let mut foreign = sigstore::json("foreign/trusted_root.json");
        for field in ALL {
            let theirs = foreign[field].as_array_mut().unwrap().drain(..);
            root[field].as_array_mut().unwrap().extend(theirs);
        }
    });
    succeeds(&mut scene.verify_under(&both, Signer::Person));
}

/// What came with the program is of other instances, and needs no network.
#[test]
fn a_private_signature_is_refused_under_the_roots_of_the_public_instances() {
    let scene = Scene::with(&BY_PERSON);
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    let verify = ["verify", "model", "--format", "json"];
    for instance in [&[][..], &["--staging"]] {
        let mut verify = scene.command(verify.iter().chain(&who).chain(instance));
        scene.refuses(&mut verify, 1, "unknown-log", &["another Sigstore instance"]);
    }
}

#[test]
fn item_57_a_root_that_names_a_log_twice_is_refused_when_it_is_read() {
    let scene = Scene::with(&BY_PERSON);
    for field in [LOGS, CERTIFICATE_LOGS] {
        let twice = root(|root| {
            let first = root[field][0].clone();
            root[field].as_array_mut().unwrap().push(first);
        });
        let mut verify = scene.verify_under(&twice, Signer::Person);
        scene.refuses(&mut verify, 2, "trusted-root", &["root.json", "duplicate"]);
    }
}

#[test]
fn item_57_a_log_of_another_key_under_a_known_identity_is_refused_when_it_is_read() {
    let scene = Scene::with(&BY_PERSON);
    let root = root(|root| {
        let mut other = sigstore::json("foreign/trusted_root.json")[LOGS][0].take();
        other["logId"] = root[LOGS][0]["logId"].clone();
        root[LOGS].as_array_mut().unwrap().push(other);
    });
    let mut verify = scene.verify_under(&root, Signer::Person);
    scene.refuses(&mut verify, 2, "trusted-root", &["root.json"]);
}

#[test]
fn what_is_no_trusted_root_is_refused_and_named() {
    let scene = Scene::with(&BY_PERSON);
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    for text in ["", "[]", "{\"mediaType\":\"a\",\"mediaType\":\"a\"}", "{\"mediaType\":\"text/plain\"}"] {
        scene.write("root.json", text);
        let verify = ["verify", "model", "--format", "json", "--trusted-root", "root.json"];
        let mut verify = scene.command(verify.iter().chain(&who));
        scene.refuses(&mut verify, 2, "trusted-root", &["root.json"]);
    }
    let verify = ["verify", "model", "--format", "json", "--trusted-root", "absent.json"];
    scene.refuses(&mut scene.command(verify.iter().chain(&who)), 2, "not-found", &["absent.json"]);
}

#[test]
fn the_root_that_is_used_is_shown() {
    let scene = Scene::new();
    let root = sigstore::file("trusted_root.json");
    let mut show = scene.command(["trust", "show", "--format", "json", "--trusted-root", &root]);
    let shown = succeeds(&mut show);
    assert_eq!(shown["trusted_root"]["source"], "given");
    assert_eq!(shown["transparency_logs"], json!([sigstore::url("rekor")]));
    assert_eq!(shown["certificate_authorities"], json!([sigstore::url("fulcio")]));
    assert_eq!(shown["certificate_logs"], json!([sigstore::url("ctlog")]));
    assert_eq!(shown["timestamp_authorities"], json!([sigstore::url("tsa")]));
}

#[test]
fn the_root_that_came_with_the_program_tells_its_age() {
    let scene = Scene::new();
    for instance in [&[][..], &["--staging"]] {
        let show = ["trust", "show", "--format", "json"];
        let shown = succeeds(&mut scene.command(show.iter().chain(instance)));
        assert_eq!(shown["trusted_root"]["source"], "embedded", "{shown:#}");
        assert!(shown["trusted_root"]["age_days"].is_u64(), "{shown:#}");
    }
}

/// Somebody meant it to be newer than what came with the program.
#[test]
fn item_56_a_root_that_was_kept_and_spoilt_is_not_passed_over() {
    let scene = Scene::with(&BY_PERSON);
    let kept = scene.at("home/.cache/modelseal/trust/production");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("fetched"), "2026-01-01T00:00:00Z").unwrap();
    fs::write(kept.join("timestamp.json"), "{}").unwrap();
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    let verify = ["verify", "model", "--format", "json"];
    let answer = Answer::of(&mut scene.command(verify.iter().chain(&who))).expect(3);
    for words in ["\"code\": \"trusted-root\"", "trust/production", "modelseal trust update"] {
        assert!(answer.stdout.contains(words), "{words:?} is missing from {answer:#?}");
    }
    let mut named = scene.verify(Signer::Person, &[]);
    succeeds(&mut named);
}
