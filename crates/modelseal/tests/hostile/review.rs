//! What an adversarial review of the first release found; each stays fixed.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{Scene, key, signer, statement};
use modelseal::Signer;

#[test]
fn a_file_with_the_name_of_evidence_has_to_hold_evidence() {
    let scene = Scene::signed();
    scene.write("model/claims.jsonl", "import os; os.system('id')");
    scene.verify(&["--strict"]).refused(1, &["not signed  claims.jsonl"]);
    scene.verify(&[]).expect(0).says(&["claims.jsonl (left out by the signer)"]);
}

#[test]
fn a_second_signature_has_to_be_one() {
    let scene = Scene::signed();
    fs::rename(scene.at("model/model.sig"), scene.at("real.sig")).unwrap();
    scene.write("model/model.sig", "payload");
    scene.verify(&["--strict", "--signature", "real.sig"]).refused(1, &["not signed  model.sig"]);
}

#[test]
fn an_unfinished_output_of_another_run_is_not_signed() {
    let scene = Scene::new();
    scene.write("model/.modelseal-abc.partial", "half");
    scene.sign(&[]).refused(2, &[".modelseal-abc.partial", "unfinished"]);
}

#[test]
fn nested_fields_that_nobody_reads_are_counted() {
    let scene = Scene::signed();
    let bundle = fs::read_to_string(scene.at("model/model.sig")).unwrap();
    let many = vec![json!({"a": 1}); 100_000];
    let hostile = bundle.replacen("\"hint\"", &format!("\"keyDetails\":{},\"hint\"", json!(many)), 1);
    scene.write("hostile.sig", hostile);
    scene.verify(&["--signature", "hostile.sig"]).refused(1, &["hostile.sig", "more values"]);
}

#[test]
fn what_is_signed_can_be_verified_whatever_the_names() {
    let scene = Scene::new();
    scene.sign(&["-o", "model/m[1].sig"]).refused(2, &["m[1].sig", "wildcard"]);
    let absolute = scene.at("model/x[1].log");
    scene.write("model/x[1].log", "log");
    scene.sign(&["--ignore", absolute.to_str().unwrap()]).refused(2, &["x[1].log", "wildcard"]);
    scene.sign(&[]).expect(0);
    scene.verify(&[]).expect(0);
}

#[test]
fn a_single_file_has_nothing_to_ignore() {
    let scene = Scene::new();
    scene.write("one.bin", "1");
    let key = key("p256.pem");
    let key = key.to_str().unwrap();
    scene
        .run(["sign", "one.bin", "--key", key, "--ignore", "one.bin"])
        .refused(2, &["one.bin", "single file"]);
}

#[test]
fn more_jobs_than_anyone_needs_do_no_harm() {
    let scene = Scene::new();
    scene.sign(&["--jobs", "100000"]).expect(0);
    scene.verify(&["--jobs", "100000"]).expect(0);
}

#[test]
fn a_private_key_in_the_model_is_found_through_a_link() {
    let scene = Scene::new();
    fs::copy(key("p256.pem"), scene.at("model/secret")).unwrap();
    symlink("model/secret", scene.at("link")).unwrap();
    scene.run(["sign", "model", "--key", "link"]).refused(2, &["secret", "private key"]);
    fs::hard_link(scene.at("model/secret"), scene.at("hard")).unwrap();
    scene.run(["sign", "model", "--key", "hard"]).refused(2, &["secret", "private key"]);
}

#[test]
fn force_never_leaves_half_of_a_new_key_pair() {
    let scene = Scene::new();
    scene.run(["keygen", "--out", "k"]).expect(0);
    let before = fs::read(scene.at("k")).unwrap();
    fs::remove_file(scene.at("k.pub")).unwrap();
    fs::create_dir(scene.at("k.pub")).unwrap();
    scene.run(["keygen", "--out", "k", "--force"]).refused(2, &["k.pub", "directory"]);
    assert_eq!(fs::read(scene.at("k")).unwrap(), before);
}

#[test]
fn one_odd_entry_does_not_hide_the_other_differences() {
    let scene = Scene::signed();
    scene.write("model/a", "changed");
    scene.write("model/new", "x");
    scene.fifo("model/pipe");
    symlink("a", scene.at("model/link")).unwrap();
    scene
        .verify(&[])
        .refused(1, &["pipe: is a FIFO", "link: is a symbolic link", "changed     a", "not signed  new"]);
    scene.verify(&["--ignore-unsigned-files"]).refused(1, &["pipe: is a FIFO"]);
}

#[test]
fn a_copy_never_goes_into_the_model_whatever_its_name() {
    let scene = Scene::signed();
    scene.verify(&["--into", r"model/a\b"]).refused(2, &["in the model itself"]);
}

#[test]
fn a_link_of_a_followed_directory_may_lead_into_the_own_blobs() {
    let scene = Scene::new();
    scene.write("hub/models--a--b/blobs/w1", "weights");
    scene.write("hub/models--a--b/snapshots/c/real/plain", "1");
    let snapshot = scene.at("hub/models--a--b/snapshots/c");
    symlink("../../../blobs/w1", snapshot.join("real/w")).unwrap();
    symlink("real", snapshot.join("l")).unwrap();
    let snapshot = snapshot.to_str().unwrap();
    let (private, public) = (key("p256.pem"), key("p256.pub"));
    let sign = ["sign", snapshot, "--key", private.to_str().unwrap(), "-o", "out.sig", "--allow-symlinks"];
    scene.run(sign).expect(0);
    scene.run(["verify", snapshot, "--key", public.to_str().unwrap(), "--signature", "out.sig"]).expect(0);
}

#[test]
fn a_signature_is_refused_before_the_work_when_its_directory_is_missing() {
    let scene = Scene::new();
    scene.sign(&["-o", "nowhere/x.sig"]).refused(2, &["nowhere"]);
}

#[test]
fn a_signer_that_gives_something_else_is_not_believed() {
    struct Liar(modelseal::KeySigner);
    impl Signer for Liar {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, modelseal::SignError> {
            self.0.sign(&statement("m", &[("other", b"x")], &[]))
        }
        fn trust(&self) -> modelseal::Trust {
            self.0.trust()
        }
    }
    let scene = Scene::new();
    let model = modelseal::Model::open(&scene.model()).unwrap();
    let outcome =
        modelseal::sign(&model, &modelseal::SignOptions::default(), &Liar(signer()), &modelseal::Unobserved);
    assert!(matches!(outcome, Err(modelseal::Error::SelfCheck(_))));
}

#[test]
fn a_failure_of_the_drop_in_that_cannot_be_told_does_not_panic() {
    let scene = Scene::new();
    let script = format!("'{}' model-signing verify 2>/dev/full", env!("CARGO_BIN_EXE_modelseal"));
    let status =
        std::process::Command::new("sh").args(["-c", &script]).current_dir(scene.at(".")).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

/// On a memory file system, because others refuse a size like this.
#[test]
fn sizes_that_add_up_to_more_than_anything_do_not_overflow() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    for name in ["x", "y", "z"] {
        let file = fs::File::create(directory.path().join(name)).unwrap();
        file.set_len(u64::try_from(i64::MAX).unwrap()).unwrap();
    }
    Scene::new().run(["sign".as_ref(), directory.path().as_os_str(), "--dry-run".as_ref()]).expect(0);
}

#[test]
fn the_drop_in_replaces_no_part_of_the_model_and_no_key() {
    let scene = Scene::new();
    fs::copy(key("p256.pem"), scene.at("k")).unwrap();
    let before = fs::read(scene.at("k")).unwrap();
    let sign = |signature| {
        scene.run(["model-signing", "sign", "key", "model", "--private_key", "k", "--signature", signature])
    };
    sign("model/a").refused(1, &["model/a", "no signature"]);
    sign("k").refused(1, &["k: exists already"]);
    assert_eq!(
        (fs::read(scene.at("model/a")).unwrap(), fs::read(scene.at("k")).unwrap()),
        (b"1".to_vec(), before)
    );
    scene.write("old.sig", "anything");
    sign("old.sig").expect(0);
}

#[test]
fn whatever_comes_while_a_model_is_verified_is_noticed() {
    use modelseal::{Cancel, Error, Model, Observer, UntrustedBundle, VerifyOptions};
    struct Meddler<F: Fn() + Sync>(F);
    impl<F: Fn() + Sync> Observer for Meddler<F> {
        fn is_cancelled(&self) -> bool {
            Cancel::default().is_cancelled()
        }
        fn begin(&self, _: u64) {
            (self.0)();
        }
        fn advance(&self, _: u64) {}
    }
    let verify = |scene: &Scene, meddle: &(dyn Fn() + Sync)| {
        let model = Model::open(&scene.model()).unwrap();
        let bundle = UntrustedBundle::parse(&fs::read(scene.at("model/model.sig")).unwrap()).unwrap();
        let path = scene.at("model/model.sig");
        let options = VerifyOptions { bundle_path: Some(&path), strict: true, ..VerifyOptions::default() };
        modelseal::verify(&model, bundle, &signer().trust(), &options, &Meddler(meddle))
    };
    let scene = Scene::signed();
    verify(&scene, &|| {}).unwrap();
    let link = scene.at("model/backdoor.py");
    let added = verify(&scene, &|| symlink("/etc/passwd", &link).unwrap());
    assert!(
        matches!(&added, Err(Error::Disk(error)) if error.to_string().contains("backdoor.py")),
        "{added:?}"
    );
    fs::remove_file(&link).unwrap();
    let ignored = scene.at("model/.gitattributes");
    let added = verify(&scene, &|| fs::write(&ignored, "x").unwrap());
    assert!(
        matches!(&added, Err(Error::Disk(error)) if error.to_string().contains(".gitattributes")),
        "{added:?}"
    );
}

#[test]
fn many_missing_files_beside_many_links_take_no_time() {
    let scene = Scene::new();
    let files: Vec<String> = (0..5000).map(|i| format!("f{i}")).collect();
    let listed: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    scene.sign_payload(&statement("m", &listed, &["model.sig"]));
    for i in 0..5000 {
        symlink("a", scene.at(format!("model/l{i}"))).unwrap();
    }
    let start = Instant::now();
    scene.verify(&["-q"]).expect(1);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn evidence_in_a_hub_snapshot_leads_to_its_own_blobs() {
    let scene = Scene::new();
    scene.write("hub/models--a--b/blobs/w1", "weights");
    scene.write("hub/models--a--b/snapshots/c/plain", "1");
    let snapshot = scene.at("hub/models--a--b/snapshots/c");
    symlink("../../blobs/w1", snapshot.join("w")).unwrap();
    let path = snapshot.to_str().unwrap();
    let (private, public) = (key("p256.pem"), key("p256.pub"));
    scene.run(["sign", path, "--key", private.to_str().unwrap(), "-o", "out.sig"]).expect(0);
    let verify = || {
        scene.run(["verify", path, "--key", public.to_str().unwrap(), "--signature", "out.sig", "--strict"])
    };
    verify().expect(0);
    for target in ["/nonexistent", "../../blobs/nope", scene.at("out.sig").to_str().unwrap()] {
        symlink(target, snapshot.join("claims.jsonl")).unwrap();
        verify().refused(1, &["not signed  claims.jsonl"]);
        fs::remove_file(snapshot.join("claims.jsonl")).unwrap();
    }
    fs::copy(scene.at("out.sig"), scene.at("hub/models--a--b/blobs/e1")).unwrap();
    symlink("../../blobs/e1", snapshot.join("claims.jsonl")).unwrap();
    verify().expect(0);
}

#[test]
fn force_replaces_no_part_of_the_model_behind_a_link_and_no_device() {
    let scene = Scene::new();
    scene.write("outside", "weights");
    symlink("../outside", scene.at("model/link")).unwrap();
    scene
        .sign(&["--force", "--allow-symlinks", "-o", "model/link"])
        .refused(2, &["model/link", "no signature"]);
    symlink("model", scene.at("alias")).unwrap();
    let key = key("p256.pem");
    let key = key.to_str().unwrap();
    scene.run(["sign", "alias", "--key", key, "-o", "alias", "--force"]).refused(2, &["is the model itself"]);
    scene.write("empty", "");
    scene.run(["sign", "empty", "--key", key, "-o", "empty", "--force"]).refused(2, &["is the model itself"]);
    scene.fifo("pipe");
    let drop_in = ["model-signing", "sign", "key", "alias", "--private_key", key, "--signature", "pipe"];
    scene.run(drop_in).refused(1, &[""]);
    scene.run(["keygen", "--out", "pipe", "--force"]).refused(2, &["pipe", "FIFO"]);
}

#[test]
fn an_unfinished_signature_beside_a_good_model_is_no_verdict() {
    let scene = Scene::signed();
    scene.write("model/.modelseal-x.partial", "half");
    scene.verify(&[]).refused(3, &[".modelseal-x.partial", "wait"]);
    scene.write("model/a", "changed");
    scene.verify(&[]).refused(1, &["changed     a"]);
}

#[test]
fn arrays_are_no_objects() {
    let scene = Scene::signed();
    let text = fs::read_to_string(scene.at("model/model.sig")).unwrap();
    let bundle: serde_json::Value = serde_json::from_str(&text).unwrap();
    let material = json!([bundle["verificationMaterial"]["publicKey"]]);
    let envelope = &bundle["dsseEnvelope"];
    let positional = json!([envelope["payload"], envelope["payloadType"], envelope["signatures"]]);
    for hostile in [
        json!([bundle["mediaType"], bundle["verificationMaterial"], bundle["dsseEnvelope"], null]),
        json!({"mediaType": bundle["mediaType"], "verificationMaterial": bundle["verificationMaterial"], "dsseEnvelope": positional}),
        json!({"mediaType": bundle["mediaType"], "verificationMaterial": material, "dsseEnvelope": envelope}),
    ] {
        scene.write("hostile.sig", hostile.to_string());
        scene.verify(&["--signature", "hostile.sig"]).refused(1, &["a JSON object"]);
    }
}
