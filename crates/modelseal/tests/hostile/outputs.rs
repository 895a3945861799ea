//! What is written, and what is never overwritten.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::{Scene, key, with};

#[test]
fn item_84_nothing_is_replaced_without_force() {
    let scene = Scene::signed();
    scene.write("model/model.sig", "mine");
    scene.sign(&[]).refused(2, &["model/model.sig: exists already", "--force"]);
    assert_eq!(fs::read(scene.at("model/model.sig")).unwrap(), b"mine");
    scene.write("out.sig", "mine");
    fs::remove_file(scene.at("model/model.sig")).unwrap();
    scene.sign(&["-o", "out.sig"]).refused(2, &["out.sig: exists already", "--force"]);
    assert_eq!(fs::read(scene.at("out.sig")).unwrap(), b"mine");
}

#[test]
fn item_84_force_puts_a_new_file_in_the_place_of_the_old() {
    let scene = Scene::signed();
    let inode = || fs::metadata(scene.at("model/model.sig")).unwrap().ino();
    let held = fs::File::open(scene.at("model/model.sig")).unwrap();
    let before = inode();
    scene.sign(&["--force"]).expect(0);
    assert_ne!(inode(), before, "the old file was written over in place");
    assert_eq!(scene.names("model"), ["a", "b", "model.sig"]);
    drop(held);
}

#[test]
fn item_84_force_replaces_a_link_and_not_what_it_points_at() {
    let scene = Scene::new();
    scene.sign(&["-o", "precious"]).expect(0);
    let precious = fs::read(scene.at("precious")).unwrap();
    symlink("../precious", scene.at("model/model.sig")).unwrap();
    scene.sign(&[]).refused(2, &["exists already"]);
    scene.write("model/b", "another");
    scene.sign(&["--force"]).expect(0);
    assert_eq!(fs::read(scene.at("precious")).unwrap(), precious);
    assert!(fs::symlink_metadata(scene.at("model/model.sig")).unwrap().is_file());
}

#[test]
fn item_84_a_link_to_nothing_is_in_the_way_too() {
    let scene = Scene::new();
    symlink("nowhere", scene.at("out.sig")).unwrap();
    scene.sign(&["-o", "out.sig"]).refused(2, &["out.sig: exists already"]);
    assert!(!scene.at("nowhere").exists());
}

#[test]
fn item_84_neither_half_of_a_key_pair_is_replaced_without_force() {
    let scene = Scene::new();
    scene.write("private", "mine");
    scene.run(["keygen", "--out", "private"]).refused(2, &["private: exists already", "--force"]);
    scene.write("half.pub", "mine");
    scene.run(["keygen", "--out", "half"]).refused(2, &["half.pub: exists already", "--force"]);
    assert_eq!(fs::read(scene.at("private")).unwrap(), b"mine");
    assert_eq!(scene.names("."), ["half.pub", "model", "private"]);
}

#[test]
fn a_private_key_is_readable_by_its_owner_only() {
    let scene = Scene::new();
    scene.run(["keygen", "--out", "release.key"]).expect(0);
    let mode = |path: &str| fs::metadata(scene.at(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("release.key"), 0o600);
    assert_eq!(mode("release.key.pub") & 0o600, 0o600);
    scene.write("wide.key", "x");
    fs::set_permissions(scene.at("wide.key"), fs::Permissions::from_mode(0o666)).unwrap();
    scene.run(["keygen", "--out", "wide.key", "--force"]).expect(0);
    assert_eq!(mode("wide.key"), 0o600);
}

#[test]
fn a_signature_is_never_written_over_a_file_of_the_model() {
    let scene = Scene::new();
    scene.sign(&["-o", "model/a", "--force"]).refused(2, &["model/a"]);
    assert_eq!(fs::read(scene.at("model/a")).unwrap(), b"1");
}

#[test]
fn a_signature_is_never_written_over_the_model() {
    let scene = Scene::new();
    let arguments = with(["sign", "model/a", "-o", "model/a", "--force", "--key"], key("p256.pem"), &[]);
    scene.run(arguments).refused(2, &["model/a"]);
    assert_eq!(fs::read(scene.at("model/a")).unwrap(), b"1");
}

#[test]
fn a_signature_is_never_written_over_the_key() {
    let scene = Scene::new();
    scene.write("my.key", fs::read(key("p256.pem")).unwrap());
    scene.run(["sign", "model", "--key", "my.key", "-o", "my.key", "--force"]).refused(2, &["my.key"]);
    assert_eq!(fs::read(scene.at("my.key")).unwrap(), fs::read(key("p256.pem")).unwrap());
}

#[test]
fn a_copy_holds_exactly_the_signed_files() {
    let scene = Scene::new();
    scene.write("model/sub/c", "3");
    scene.sign(&[]).expect(0);
    scene.write("model/extra", "x");
    scene.verify(&["--into", "copy", "--ignore-unsigned-files"]).expect(0).says(&["Copied to", "copy"]);
    assert_eq!(scene.names("copy"), ["a", "b", "sub"]);
    assert_eq!(fs::read(scene.at("copy/sub/c")).unwrap(), b"3");
    assert_eq!(fs::metadata(scene.at("copy")).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_copy_appears_only_when_everything_matched() {
    let scene = Scene::signed();
    scene.write("model/b", "changed");
    scene.verify(&["--into", "copy"]).refused(1, &["changed     b"]);
    assert_eq!(scene.names("."), ["model"]);
    scene.write("model/b", "2");
    scene.write("model/extra", "x");
    scene.verify(&["--into", "copy"]).refused(1, &["not signed  extra"]);
    scene.verify(&["--into", "copy", "--strict"]).refused(1, &["extra"]);
    assert_eq!(scene.names("."), ["model"]);
}

#[test]
fn a_copy_never_takes_the_place_of_anything() {
    let scene = Scene::signed();
    fs::create_dir(scene.at("empty")).unwrap();
    scene.write("file", "mine");
    symlink("nowhere", scene.at("link")).unwrap();
    for target in ["empty", "file", "link"] {
        scene.verify(&["--into", target]).refused(2, &[target, "exists already"]);
    }
    assert_eq!(scene.names("empty"), [""; 0]);
    assert_eq!(fs::read(scene.at("file")).unwrap(), b"mine");
    assert_eq!(scene.names("."), ["empty", "file", "link", "model"]);
}

#[test]
fn a_copy_into_the_model_itself_is_refused() {
    let scene = Scene::signed();
    scene.verify(&["--into", "model/copy"]).refused(2, &["copy"]);
    assert_eq!(scene.names("model"), ["a", "b", "model.sig"]);
}

#[test]
fn a_copy_never_escapes_through_a_name_with_another_meaning_elsewhere() {
    let scene = Scene::empty();
    scene.write("model/CON", "x");
    scene.sign(&[]).expect(0);
    scene.verify(&["--into", "copy"]).refused(1, &["CON", "Windows"]);
    assert_eq!(scene.names("."), ["model"]);
}

#[test]
fn item_86_configuration_that_lies_around_changes_nothing() {
    let scene = Scene::signed();
    scene.write("model/a", "changed");
    let names = [
        ".modelseal",
        "modelseal.toml",
        ".modelseal.toml",
        "policy.toml",
        "model.pub",
        "trust_root.json",
        "root.json",
        ".env",
        "modelseal.json",
    ];
    for place in [".", "model"] {
        for name in names {
            scene.write(
                format!("{place}/{name}"),
                "ignore = [\"a\"]\nignore_unsigned_files = true\nstrict = false\n",
            );
        }
    }
    let answer = scene
        .command(crate::verify_arguments(&[]))
        .env("HOME", scene.path())
        .env("XDG_CONFIG_HOME", scene.path())
        .output();
    crate::Answer::from(answer.unwrap()).refused(1, &["changed     a", "not signed  policy.toml"]);
}

#[test]
fn item_86_a_key_that_lies_in_the_model_is_not_used() {
    let scene = Scene::signed();
    for name in ["model.pub", "model.sig.pub", "publisher.pub"] {
        scene.write(format!("model/{name}"), fs::read(key("p256.pub")).unwrap());
    }
    scene.run(["verify", "model"]).refused(2, &["--key"]);
}

#[test]
fn item_86_variables_of_the_environment_change_nothing() {
    let scene = Scene::signed();
    scene.write("model/extra", "x");
    let mut command = scene.command(crate::verify_arguments(&[]));
    for name in ["MODELSEAL_IGNORE", "MODELSEAL_IGNORE_UNSIGNED_FILES", "MODELSEAL_KEY", "MODELSEAL_STRICT"] {
        command.env(name, "true");
    }
    crate::Answer::from(command.output().unwrap()).refused(1, &["not signed  extra"]);
}
