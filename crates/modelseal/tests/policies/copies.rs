//! `--into`: what is admitted may be taken away, and nothing else.

use super::*;

#[test]
fn a_copy_holds_the_admitted_files_and_is_made_only_then() {
    let stage = signed();
    let verdict = allows(verify(&stage, &policy(""), &["--into", "out"]));
    assert_eq!(verdict["copy"], "out");
    assert_eq!((read(&stage, "out/a"), read(&stage, "out/b")), ("1".into(), "2".into()));
    assert_eq!(fs::read_dir(stage.at("out")).unwrap().count(), 2);
    denies(
        verify_as(&stage, &policy("bind-name = true"), "hf://acme/toy", &["--into", "none"]),
        "model-name-not-signed",
    );
    stage.write("model/a", "x");
    denies(verify(&stage, &policy(""), &["--into", "none"]), "other-files");
    assert!(!stage.at("none").exists());
    assert_eq!(
        fs::read_dir(stage.at(""))
            .unwrap()
            .filter(|entry| { entry.as_ref().unwrap().file_name().to_string_lossy().contains("partial") })
            .count(),
        0
    );
}

#[test]
fn a_copy_is_of_the_files_of_the_signature_that_counts() {
    let stage = Stage::new();
    sign(&stage, "model", "p521", &[]);
    sign(&stage, "model", "p256", &["-o", "model/second.oms.sig", "--ignore", "b"]);
    let rule = policy_of("[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = { any = [\"acme\", \"other\"] }\n");
    denies(
        verify(&stage, &rule.replace("\"acme\", \"other\"", "\"registry\""), &["--into", "out"]),
        "not-signed-by-publisher",
    );
    let verdict = allows(verify(&stage, &rule, &["--into", "out"]));
    let files = verdict["model"]["files"].as_u64().unwrap();
    assert_eq!(fs::read_dir(stage.at("out")).unwrap().count() as u64, files);
}

#[test]
fn what_is_pinned_and_not_signed_is_copied_too() {
    let stage = Stage::new();
    let unsigned = policy_of("[[rules]]\nscope = \"hf://acme/*\"\nunsigned = \"pinned\"\n");
    locked(&stage, &unsigned);
    warns(verify(&stage, &unsigned, &["--lock", "modelseal.lock", "--into", "out"]), "pinned-not-signed");
    assert_eq!(read(&stage, "out/a"), "1");
}

#[test]
fn a_copy_does_not_go_into_the_model_or_over_something() {
    let stage = signed();
    fails(verify(&stage, &policy(""), &["--into", "model/out"]), 2, "copy-in-model");
    fs::create_dir(stage.at("out")).unwrap();
    fails(verify(&stage, &policy(""), &["--into", "out"]), 2, "exists");
}

#[test]
fn what_only_a_mode_admits_is_copied_as_it_is() {
    let stage = signed();
    stage.write("model/a", "x");
    warns(verify(&stage, &policy("mode = \"warn\""), &["--into", "out"]), "not-enforced");
    assert_eq!((read(&stage, "out/a"), read(&stage, "out/b")), ("x".into(), "2".into()));
}
