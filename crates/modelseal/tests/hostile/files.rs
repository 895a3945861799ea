//! Links, special files and unreadable files, through the command.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use modelseal::{Model, PublicKey, Trust, Unobserved, UntrustedBundle, VerifyOptions, verify};

use crate::{Scene, key};

const ONE_SECOND: Duration = Duration::from_secs(1);

#[test]
fn item_62_a_link_is_refused_by_name_while_links_are_not_followed() {
    for target in ["a", "sub"] {
        let scene = Scene::new();
        scene.write("model/sub/c", "3");
        symlink(target, scene.at("model/link")).unwrap();
        scene.sign(&[]).refused(2, &["model: link:", &format!("\"{target}\"")]);
        fs::remove_file(scene.at("model/link")).unwrap();
        scene.sign(&[]).expect(0);
        symlink(target, scene.at("model/link")).unwrap();
        scene.verify(&[]).refused(1, &["NOT VERIFIED", "link:", &format!("\"{target}\"")]);
    }
}

#[test]
fn item_63_links_that_leave_the_model_or_go_in_circles_are_refused() {
    for (target, word) in [
        ("../secret", "out of the model"),
        ("/etc/passwd", "out of the model"),
        ("link", "circle"),
        (".", "circle"),
    ] {
        let scene = Scene::new();
        scene.write("secret", "x");
        symlink(target, scene.at("model/link")).unwrap();
        scene.sign(&["--allow-symlinks"]).refused(2, &["link", target, word]);
        scene.run(["digest", "model", "--allow-symlinks"]).refused(2, &["link", target, word]);
    }
}

#[test]
fn item_63_a_signed_link_that_now_leads_out_is_refused() {
    let scene = Scene::new();
    scene.write("secret", "1");
    symlink("a", scene.at("model/link")).unwrap();
    scene.sign(&["--allow-symlinks"]).expect(0);
    scene.verify(&[]).expect(0).says(&["Link", "link -> a"]);
    fs::remove_file(scene.at("model/link")).unwrap();
    symlink("../secret", scene.at("model/link")).unwrap();
    scene.verify(&[]).refused(1, &["link", "../secret", "out of the model"]);
}

#[test]
fn item_64_the_signed_policy_decides_and_the_caller_cannot_loosen_it() {
    let scene = Scene::signed();
    fs::rename(scene.at("model/a"), scene.at("model/.a")).unwrap();
    symlink(".a", scene.at("model/a")).unwrap();
    scene.verify(&["--ignore", ".a"]).refused(1, &["a:", "\".a\""]);
    scene.verify(&["--allow-symlinks"]).refused(2, &["--allow-symlinks"]);
}

#[test]
fn item_66_a_special_file_in_the_model_is_refused_at_once() {
    let scene = Scene::signed();
    scene.fifo("model/pipe");
    let start = Instant::now();
    scene.verify(&[]).refused(1, &["pipe", "FIFO"]);
    scene.sign(&["--force"]).refused(2, &["pipe", "FIFO"]);
    scene.run(["digest", "model"]).refused(2, &["pipe"]);
    assert!(start.elapsed() < 3 * ONE_SECOND, "{:?}", start.elapsed());
}

#[test]
fn item_66_a_socket_in_the_model_is_refused() {
    let scene = Scene::signed();
    let _socket = UnixListener::bind(scene.at("model/socket")).unwrap();
    scene.verify(&[]).refused(1, &["socket"]);
}

#[test]
fn item_66_a_fifo_as_model_or_signature_is_refused_at_once() {
    let scene = Scene::signed();
    scene.fifo("pipe");
    let start = Instant::now();
    scene.verify(&["--signature", "pipe"]).refused(1, &["pipe", "FIFO"]);
    scene.run(["inspect", "pipe"]).refused(2, &["pipe", "FIFO"]);
    scene.run(["digest", "pipe"]).refused(2, &["pipe", "FIFO"]);
    fs::remove_dir_all(scene.model()).unwrap();
    scene.fifo("model");
    scene.verify(&[]).refused(1, &["model", "FIFO"]);
    scene.sign(&[]).refused(2, &["model", "FIFO"]);
    assert!(start.elapsed() < 5 * ONE_SECOND, "{:?}", start.elapsed());
}

#[test]
fn item_66_a_device_as_model_or_signature_is_refused_at_once() {
    let scene = Scene::signed();
    scene.verify(&["--signature", "/dev/zero"]).refused(1, &["/dev/zero", "device"]);
    scene.run(["digest", "/dev/zero"]).refused(2, &["/dev/zero", "device"]);
}

#[test]
fn item_82_an_unreadable_file_is_never_skipped() {
    let scene = Scene::signed();
    fs::set_permissions(scene.at("model/a"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(scene.at("model/a")).is_ok() {
        return; // Permissions do not bind the superuser.
    }
    scene.verify(&[]).refused(3, &["a:", "denied"]);
    scene.sign(&["--force"]).refused(3, &["a:", "denied"]);
}

#[test]
fn item_82_an_unreadable_directory_is_never_skipped() {
    let scene = Scene::signed();
    fs::create_dir(scene.at("model/sub")).unwrap();
    fs::set_permissions(scene.at("model/sub"), fs::Permissions::from_mode(0o000)).unwrap();
    let is_superuser = fs::read_dir(scene.at("model/sub")).is_ok();
    let answer = scene.verify(&[]);
    fs::set_permissions(scene.at("model/sub"), fs::Permissions::from_mode(0o700)).unwrap();
    if is_superuser {
        return; // Permissions do not bind the superuser.
    }
    answer.refused(3, &["sub", "denied"]);
}

/// Reading this file is an input/output error, for the superuser too.
#[cfg(target_os = "linux")]
#[test]
fn item_82_an_input_output_error_is_undecided() {
    let scene = Scene::signed();
    scene.run(["inspect", "/proc/self/mem"]).refused(3, &["/proc/self/mem", "cannot read"]);
    scene.verify(&["--signature", "/proc/self/mem"]).refused(3, &["/proc/self/mem", "cannot read"]);
}

#[test]
fn item_83_options_used_for_one_model_leave_nothing_behind_for_the_next() {
    let (ignoring, plain) = (Scene::new(), Scene::signed());
    ignoring.write("model/scratch/x", "x");
    ignoring.sign(&["--ignore", "scratch"]).expect(0);
    plain.write("model/scratch/x", "x");
    let trust = Trust::key(PublicKey::from_pem(&fs::read(key("p256.pub")).unwrap()).unwrap());
    let options = VerifyOptions::default();
    let verified = |scene: &Scene| {
        let bundle = UntrustedBundle::parse(&fs::read(scene.at("model/model.sig")).unwrap()).unwrap();
        verify(&Model::open(&scene.model()).unwrap(), bundle, &trust, &options, &Unobserved)
    };
    assert_eq!(verified(&ignoring).unwrap().unsigned().len(), 2);
    let mismatch = verified(&plain).unwrap_err().to_string();
    assert!(mismatch.contains("1 not signed"), "what A ignores is ignored in B: {mismatch}");
    verified(&ignoring).unwrap();
}
