//! Signatures that are too large, or signed over what makes no sense.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use modelseal::{UntrustedBundle, VerificationMaterial};
use serde_json::{Value, json};

use crate::scale::peak;
use crate::{Answer, Scene, key, statement, verify_arguments, with};

const AT_ONCE: Duration = Duration::from_secs(5);

#[test]
fn item_2_a_signature_over_the_cap_is_refused_at_once() {
    let scene = Scene::new();
    for bytes in [64 * 1024 * 1024 + 1, 1 << 40] {
        scene.write_sparse("model/model.sig", bytes);
        let start = Instant::now();
        scene.verify(&[]).refused(1, &["model.sig", "67108864 bytes"]);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    }
}

#[test]
fn item_2_a_key_over_its_cap_is_refused_at_once() {
    let scene = Scene::signed();
    scene.write_sparse("large.pub", 1 << 40);
    scene.run(["verify", "model", "--key", "large.pub"]).refused(2, &["large.pub", "65536 bytes"]);
    scene.run(["sign", "model", "--force", "--key", "large.pub"]).refused(2, &["large.pub"]);
}

#[test]
fn item_12_a_signed_list_without_end_is_refused() {
    let scene = Scene::new();
    let resource = r#"{"name":"a","algorithm":"sha256","digest":"00"},"#;
    let payload = String::from_utf8(statement("m", &[("a", b"1")], &[])).unwrap();
    let (head, tail) = payload.split_once(r#""resources":["#).unwrap();
    let many = format!(r#"{head}"resources":[{}{tail}"#, resource.repeat(900_000));
    scene.sign_payload(many.as_bytes());
    scene.verify(&[]).refused(1, &["model.sig"]);
    scene.run(["inspect", "model"]).expect(0).says(&["NOT VERIFIED"]);
    let memory = peak(scene.command(verify_arguments(&[])), 1);
    assert!(memory < 512 * 1024 * 1024, "{memory} bytes");
}

fn verify_edited(edit: impl FnOnce(&mut Value)) -> Answer {
    let scene = Scene::new();
    let mut payload: Value =
        serde_json::from_slice(&statement("m", &[("a", b"1"), ("b", b"2")], &[])).unwrap();
    edit(&mut payload);
    scene.sign_payload(payload.to_string().as_bytes());
    scene.verify(&[])
}

fn resource(payload: &mut Value) -> &mut Value {
    &mut payload["predicate"]["resources"][0]
}

#[test]
fn item_25_an_unknown_algorithm_is_refused() {
    verify_edited(|payload| resource(payload)["algorithm"] = json!("md5")).refused(1, &["model.sig", "md5"]);
    verify_edited(|payload| payload["predicate"]["serialization"]["hash_type"] = json!("md5"))
        .refused(1, &["model.sig", "md5"]);
}

#[test]
fn item_25_an_algorithm_other_than_that_of_the_serialization_is_refused() {
    verify_edited(|payload| resource(payload)["algorithm"] = json!("blake3"))
        .refused(1, &["model.sig", "blake3", "sha256"]);
}

#[test]
fn item_25_a_digest_of_another_length_is_refused() {
    verify_edited(|payload| resource(payload)["digest"] = json!("abcd")).refused(1, &["model.sig"]);
}

#[test]
fn item_28_a_wrong_key_is_told_apart_from_a_bad_signature() {
    let scene = Scene::signed();
    let bundle: Value = serde_json::from_slice(&fs::read(scene.at("model/model.sig")).unwrap()).unwrap();
    let hint = bundle["verificationMaterial"]["publicKey"]["hint"].as_str().unwrap();
    let answer = scene.run(with(["verify", "model", "--key"], key("other-p256.pub"), &[]));
    answer.refused(1, &["model.sig", hint, "key"]);
}

#[test]
fn item_36_a_bundle_of_another_method_is_named_as_what_it_is() {
    let scene = Scene::signed();
    let bundle = UntrustedBundle::parse(&fs::read(scene.at("model/model.sig")).unwrap()).unwrap();
    for (material, name) in [
        (VerificationMaterial::CertificateChain(vec![vec![0]]), "certificate"),
        (VerificationMaterial::Certificate(vec![0]), "sigstore"),
    ] {
        let other = UntrustedBundle::new(material, bundle.envelope().clone());
        scene.write("model/model.sig", other.to_json());
        scene.verify(&[]).refused(1, &["model.sig", name, "key"]);
    }
}

#[test]
fn item_76_extra_files_are_refused_and_listed_when_tolerated() {
    let scene = Scene::signed();
    scene.write("model/payload.py", "x");
    scene.verify(&[]).refused(1, &["not signed  payload.py"]);
    scene.verify(&["--ignore-unsigned-files"]).expect(0).says(&["Not signed", "payload.py"]);
}

#[test]
fn item_76_an_extra_empty_file_under_shards_is_refused() {
    let scene = Scene::new();
    scene.sign(&["--shard-size", "1"]).expect(0);
    scene.write("model/empty", "");
    scene.verify(&[]).refused(1, &["not signed  empty"]);
}

#[test]
fn item_77_what_is_ignored_is_listed_and_refused_by_strict_verification() {
    let scene = Scene::new();
    scene.write("model/scratch/x", "x");
    scene.write("model/.git/config", "x");
    scene.sign(&["--ignore", "scratch"]).expect(0);
    scene.verify(&[]).expect(0).says(&["scratch/ (left out by the signer)", ".git/ (left out"]);
    scene.verify(&["--strict"]).refused(1, &["scratch/", ".git/"]);
}

#[test]
fn item_77_evidence_files_pass_strict_verification() {
    let scene = Scene::signed();
    let bundle = fs::read(scene.at("model/model.sig")).unwrap();
    scene.write("model/claims.jsonl", bundle);
    scene.verify(&["--strict"]).expect(0).says(&["claims.jsonl (carries signatures)"]);
}

#[test]
fn item_77_only_files_pass_as_evidence() {
    let scene = Scene::signed();
    scene.write("model/claims.jsonl/payload.py", "x");
    scene.verify(&["--strict"]).refused(1, &["not signed  claims.jsonl/"]);
    fs::remove_dir_all(scene.at("model/claims.jsonl")).unwrap();
    symlink("/etc/passwd", scene.at("model/claims.jsonl")).unwrap();
    scene.verify(&["--strict"]).refused(1, &["not signed  claims.jsonl"]);
}

#[test]
fn item_78_ignore_paths_that_would_cover_everything_are_refused() {
    let scene = Scene::signed();
    for path in [".", "", "/", "../x", "a/../..", "*.bin", "a?", "[ab]"] {
        scene.sign(&["--force", "--ignore", path]).refused(2, &["--ignore"]);
        scene.verify(&["--ignore", path]).refused(2, &["--ignore"]);
    }
}

#[test]
fn item_78_signed_ignore_paths_that_would_cover_everything_are_refused() {
    for path in [".", "", "/", "../x"] {
        let answer = verify_edited(|payload| {
            payload["predicate"]["serialization"]["ignore_paths"] = json!([path]);
        });
        answer.refused(1, &["model.sig"]);
    }
}

#[test]
fn item_79_git_files_beneath_the_top_are_not_ignored() {
    let scene = Scene::signed();
    scene.write("model/sub/.git/x", "x");
    scene.verify(&[]).refused(1, &["not signed  sub/.git/x"]);
}

#[test]
fn item_80_shards_that_make_no_sense_are_refused() {
    let first = "0000000000000000000000000000000000000000000000000000000000000000";
    for names in [
        &["a:0:1", "a:0:2"][..],
        &["a:0:1", "a:2:3"],
        &["a:1:0"],
        &["a:0:0"],
        &["a:0:18446744073709551616"],
        &["a:-1:1"],
        &["a:0:9223372036854775807"],
    ] {
        let answer = verify_edited(|payload| {
            let serialization = json!({
                "method": "shards", "hash_type": "sha256", "shard_size": 1, "allow_symlinks": false,
                "ignore_paths": [],
            });
            payload["predicate"]["serialization"] = serialization;
            let entry = |name| json!({ "name": name, "algorithm": "sha256", "digest": first });
            payload["predicate"]["resources"] = names.iter().map(entry).collect();
        });
        answer.refused(1, &["model.sig"]);
    }
}

#[test]
fn item_80_a_shard_size_of_zero_or_beyond_all_bounds_is_wrong_usage() {
    let scene = Scene::new();
    for size in ["0", "-1", "18446744073709551616", "1e9", ""] {
        scene.sign(&["--shard-size", size]).expect(2);
    }
}

#[test]
fn item_81_names_with_colons_verify_as_files_and_as_shards() {
    let scene = Scene::new();
    for name in ["a:0:1", "a:b", "sub/x:5:9", ":"] {
        scene.write(format!("model/{name}"), "12345");
    }
    for options in [&["--force"][..], &["--force", "--shard-size", "2"]] {
        scene.sign(options).expect(0);
        scene.verify(&[]).expect(0);
    }
    scene.write("model/a:0:1", "12346");
    scene.verify(&[]).refused(1, &["a:0:1"]);
}

#[test]
fn item_92_the_verdict_speaks_of_the_signature_only() {
    let scene = Scene::empty();
    // A pickle that would run a command when it is loaded.
    scene.write("model/model.safetensors", b"cos\nsystem\n(S'id'\ntR.");
    scene.sign(&[]).expect(0);
    let answer = scene.verify(&[]).expect(0);
    let words = answer.stdout.replace("model.safetensors", "").to_lowercase();
    for word in ["safe", "secure", "trusted", "clean", "harmless"] {
        assert!(!words.contains(word), "{}", answer.stdout);
    }
}

#[test]
fn a_signature_that_was_cut_anywhere_is_refused() {
    let scene = Scene::signed();
    let bundle = fs::read(scene.at("model/model.sig")).unwrap();
    for length in (0..bundle.len() - 1).step_by(97) {
        scene.write("model/model.sig", &bundle[..length]);
        scene.verify(&[]).refused(1, &["model.sig"]);
    }
}
