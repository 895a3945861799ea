//! Digests that somebody else made: a signature of them is the one that signing the files
//! makes, and what cannot be signed in that way is refused.

use serde_json::{Value, json};

use super::stage::{Answer, Stage};
use super::{
    key, read, read_text, refuses_to_sign, report, run_sign, shell, sign, signature, succeeds, verifies,
};

const TITLE: &str = "org.opencontainers.image.title";

/// A model with names that lists may trip over.
fn stage() -> Stage {
    let stage = Stage::new();
    std::fs::create_dir_all(stage.at("model/sub/deep")).unwrap();
    stage.write("model/empty", "");
    stage.write("model/with two  spaces", "3");
    stage.write("model/*starred", "4");
    stage.write("model/sub/grün.bin", super::bytes(5000, 1));
    stage.write("model/sub/deep/-dash", "5");
    stage
}

fn listing<'a>(list: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--digests", list, "--subject-name", "model"], more].concat()
}

/// A stage with `list`, which is one of sha256sum.
fn listed() -> Stage {
    let stage = stage();
    let list = shell(&stage, "model", "find . -type f -exec sha256sum {} +");
    stage.write("list", list);
    stage
}

fn layer(media_type: &str, name: &str, digest: &str, size: usize) -> Value {
    json!({
        "mediaType": media_type, "digest": format!("sha256:{digest}"), "size": size,
        "annotations": { TITLE: name },
    })
}

fn oci_manifest(layers: &[Value]) -> String {
    let empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.example.model",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2 },
        "layers": layers,
    })
    .to_string()
}

/// A layer for each line of `list`, the last line first.
fn layers(stage: &Stage, media_type: &str) -> Vec<Value> {
    let list = read_text(stage, "list");
    let layers = list.lines().rev().map(|line| {
        let (digest, name) = line.split_once("  ./").unwrap();
        layer(media_type, name, digest, read(stage, &format!("model/{name}")).len())
    });
    layers.collect()
}

#[test]
fn what_coreutils_lists_is_signed_like_the_files() {
    let stage = stage();
    for (script, hash) in [
        ("find . -type f -exec sha256sum {} +", "sha256"),
        ("find . -type f -exec sha256sum -b {} + | sort -r", "sha256"),
        ("find * -type f -exec sha256sum -- {} +", "sha256"),
        ("find . -type f -exec b2sum {} +", "blake2b"),
        ("find * -type f -exec b2sum -- {} +", "blake2b"),
    ] {
        stage.write("list", shell(&stage, "model", script));
        sign(&stage, &listing("list", &["--hash", hash, "-o", "x.sig", "--force"]));
        assert_eq!(read(&stage, "x.sig"), signature(&stage, "model", &["--hash", hash]), "{script}");
        verifies(&stage, "model", "x.sig");
    }
}

#[test]
fn what_an_oci_manifest_lists_is_signed_like_the_files() {
    let stage = listed();
    stage.write("oci.json", oci_manifest(&layers(&stage, "application/octet-stream")));
    sign(&stage, &["--oci-manifest", "oci.json", "--subject-name", "model", "-o", "x.sig"]);
    assert_eq!(read(&stage, "x.sig"), signature(&stage, "model", &[]));
    verifies(&stage, "model", "x.sig");
}

#[test]
fn reports_say_whose_word_the_digests_are() {
    let stage = listed();
    stage.write("oci.json", oci_manifest(&layers(&stage, "application/octet-stream")));
    succeeds(&stage, &["manifest", "plan", "model", "-o", "plan"]);
    succeeds(&stage, &["manifest", "hash", "plan", "model", "--part", "0/1", "-o", "part"]);
    succeeds(&stage, &["manifest", "merge", "plan", "part", "-o", "merged"]);
    let size = 5000 + 5;
    let name = ["--subject-name", "model"];
    for (from, source, path, model, bytes) in [
        ("files", vec!["model"], Value::Null, json!("model"), json!(size)),
        ("list", listing("list", &[]), json!("list"), Value::Null, Value::Null),
        (
            "oci-manifest",
            [&["--oci-manifest", "oci.json"], &name[..]].concat(),
            json!("oci.json"),
            Value::Null,
            json!(size),
        ),
        ("manifest", vec!["--manifest", "merged"], json!("merged"), Value::Null, Value::Null),
    ] {
        let report = sign(&stage, &[&source[..], &["-o", "x.sig", "--force"]].concat());
        assert_eq!(report["outcome"], "signed");
        assert_eq!(report["digests"], json!({ "from": from, "path": path, "reused": [], "problem": null }));
        assert_eq!((&report["model"]["path"], &report["model"]["bytes"]), (&model, &bytes), "{from}");
        assert_eq!(report["model"]["files"], 7, "{from}");
        assert_eq!(report["signature"]["subject_name"], "model", "{from}");
    }
}

#[test]
fn a_packed_layer_is_refused() {
    let stage = listed();
    let mut layers = layers(&stage, "application/octet-stream");
    layers[1]["mediaType"] = json!("application/vnd.oci.image.layer.v1.tar+gzip");
    stage.write("oci.json", oci_manifest(&layers));
    let named = ["--oci-manifest", "oci.json", "--subject-name", "model", "-o", "x.sig"];
    let message = refuses_to_sign(&stage, &named, 2, "oci-manifest");
    assert!(message.contains("oci.json") && message.contains("layer 1"), "{message}");
}

/// As of a directory; a store knows the digests of everything that lies in one.
#[test]
fn what_signatures_leave_out_is_left_out_of_lists() {
    let stage = listed();
    sign(&stage, &["model", "-o", "files.sig"]);
    let good = read_text(&stage, "list");
    let digest = &good[..64];
    stage.write(
        "more",
        format!("{digest}  .gitattributes\n{good}{digest}  ./model.sig\n{digest}  .git/config\n"),
    );
    let report = sign(&stage, &listing("more", &["-o", "x.sig"]));
    let ignored: Vec<_> = report["ignored"].as_array().unwrap().iter().map(|entry| &entry["path"]).collect();
    assert_eq!(ignored, [".gitattributes", "model.sig", ".git/config"]);
    assert_eq!(read_text(&stage, "x.sig"), read_text(&stage, "files.sig"));
}

#[test]
fn a_list_that_cannot_be_signed_is_refused() {
    let stage = listed();
    let good = read_text(&stage, "list");
    let digest = &good[..64];
    for (bad, code, word) in [
        (format!("{digest}  model.sig\n"), "empty-model", "no file"),
        (format!("{good}{digest}  a/b\n{digest}  a/b/c\n"), "digest-list", "a/b"),
        (String::new(), "empty-model", "no file"),
        ("\n".to_owned(), "digest-list", "line 1"),
        (format!("{good}SHA256 (c) = {digest}\n"), "digest-list", "line 8"),
        (format!("{digest}  new\n{}  b\n{good}", &digest[..63]), "digest-list", "line 2"),
        (format!("{}  new\n{good}", digest.to_uppercase()), "digest-list", "line 1"),
        (format!("{good}{digest}  ../up\n"), "digest-list", "line 8"),
        (format!("{good}{digest}  /absolute\n"), "digest-list", "line 8"),
        (good.replacen('\n', "\r\n", 1), "digest-list", "line 1"),
    ] {
        stage.write("bad", &bad);
        let message = refuses_to_sign(&stage, &listing("bad", &["-o", "x.sig"]), 2, code);
        assert!(message.contains("bad") && message.contains(word), "{word:?} is missing from {message}");
    }
    // Of another hash.
    let message =
        refuses_to_sign(&stage, &listing("list", &["-o", "x.sig", "--hash", "blake2b"]), 2, "digest-list");
    assert!(message.contains("line 1"), "{message}");
    refuses_to_sign(&stage, &listing("nothing", &["-o", "x.sig"]), 2, "not-found");
}

#[test]
fn a_name_that_is_listed_twice_is_refused() {
    let stage = listed();
    let list = read_text(&stage, "list");
    let other = "0".repeat(64);
    for twice in [format!("{list}{list}"), format!("{list}{other}  a\n"), format!("{list}{other}  ./b\n")] {
        stage.write("twice", twice);
        let message = refuses_to_sign(&stage, &listing("twice", &["-o", "x.sig"]), 2, "digest-list");
        assert!(message.contains("more than once"), "{message}");
    }
    let layers = layers(&stage, "application/octet-stream");
    stage.write("oci.json", oci_manifest(&[&layers[..], &layers[..1]].concat()));
    let named = ["--oci-manifest", "oci.json", "--subject-name", "model", "-o", "x.sig"];
    let message = refuses_to_sign(&stage, &named, 2, "oci-manifest");
    assert!(message.contains("more than once"), "{message}");
}

#[test]
fn an_output_that_is_there_is_replaced_only_by_force_and_only_if_it_is_a_signature() {
    let stage = listed();
    sign(&stage, &listing("list", &["-o", "x.sig"]));
    refuses_to_sign(&stage, &listing("list", &["-o", "x.sig"]), 2, "exists");
    sign(&stage, &listing("list", &["-o", "x.sig", "--force"]));
    for other in ["model/a", "list"] {
        refuses_to_sign(&stage, &listing("list", &["-o", other]), 2, "exists");
        refuses_to_sign(&stage, &listing("list", &["-o", other, "--force"]), 2, "exists");
    }
}

#[test]
fn options_about_files_do_not_go_with_digests() {
    let stage = listed();
    let key = key("p256.pem");
    let usage = |arguments: &[&str]| {
        let sign = [&["sign", "--key", &key], arguments].concat();
        stage.refuses(&mut stage.command(sign), 2, &["Usage: "]);
    };
    usage(&["--digests", "list", "-o", "x.sig"]);
    usage(&["--digests", "list", "--subject-name", "model"]);
    usage(&["--subject-name", "model", "-o", "x.sig"]);
    let all = listing("list", &["-o", "x.sig"]);
    for option in [
        &["model"][..],
        &["--shard-size", "1000"],
        &["--ignore", "a"],
        &["--allow-symlinks"],
        &["--jobs", "2"],
        &["--append"],
        &["--claims", "claims.jsonl"],
        &["--dry-run"],
        &["--reuse", "old.sig"],
        &["--name", "hf://acme/toy", "--release", "1.0.0"],
        &["--oci-manifest", "list"],
        &["--manifest", "list"],
    ] {
        usage(&[&all[..], option].concat());
    }
}

/// Nothing would attest it.
#[test]
fn a_release_of_digests_is_not_forgotten_in_silence() {
    let stage = listed();
    let arguments = listing("list", &["-o", "x.sig", "--release", "1.0.0"]);
    stage.refuses(
        &mut stage.command([&["sign", "--key", &key("p256.pem")], &arguments[..]].concat()),
        2,
        &[],
    );
}

#[test]
fn a_signature_on_standard_output_stands_there_alone() {
    let stage = listed();
    let to_stdout = listing("list", &["-o", "-"]);
    let before = stage.tree();
    let answer = run_sign(&stage, &to_stdout).expect(0);
    let key = key("p256.pem");
    let human = [&["sign", "--key", &key], &to_stdout[..]].concat();
    let human = Answer::of(&mut stage.command(human)).expect(0);
    assert_eq!(stage.tree(), before);
    assert!(human.stderr.contains("Signed"), "{human:#?}");
    let reported: Value = serde_json::from_str(&answer.stderr).unwrap();
    assert_eq!((&reported["outcome"], &reported["signature"]["path"]), (&json!("signed"), &Value::Null));
    let expected = String::from_utf8(signature(&stage, "model", &[])).unwrap();
    assert_eq!((answer.stdout, human.stdout), (expected.clone(), expected));
    // A report that is alone is on standard output.
    let quiet = run_sign(&stage, &listing("list", &["-o", "x.sig"])).expect(0);
    assert_eq!((quiet.stderr.as_str(), &report(&quiet)["outcome"]), ("", &json!("signed")));
}
