//! What a model is called, and whether that is signed, or contradicted by the
//! place where it lies.

use super::*;

#[test]
fn a_reference_has_one_spelling() {
    let stage = signed();
    for name in [
        "acme/toy",
        "hf://toy",
        "hf://acme/toy/",
        "hf://acme/../toy",
        "https://hub.example/acme/toy",
        "oci://R/x",
    ] {
        stage.write("policy.toml", policy(""));
        let arguments = ["verify", "model", "--policy", "policy.toml", "--as", name];
        stage.refuses(&mut stage.command(arguments), 2, &["expected"]);
    }
    allows(verify_as(&stage, &policy(""), "hf://ACME/Toy@v1", &[]));
}

#[test]
fn another_model_of_the_same_publisher_does_not_pass_where_names_are_bound() {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &["--name", "hf://acme/other", "--release", "1.0.0"]);
    denies(verify(&stage, &policy("bind-name = true"), &[]), "model-name-not-signed");
    warns(verify(&stage, &policy(""), &[]), "model-name-not-signed");
    allows(verify_as(&stage, &policy("bind-name = true"), "hf://acme/other", &[]));
}

#[test]
fn a_release_of_other_bytes_or_by_somebody_else_binds_nothing() {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &["--name", "hf://acme/toy", "--release", "1.0.0"]);
    allows(verify(&stage, &policy("bind-name = true"), &[]));
    let claims = read(&stage, "model/claims.jsonl");

    let other = Stage::new();
    other.write("model/a", "other bytes");
    sign(&other, "model", "p256", &[]);
    other.write("model/claims.jsonl", &claims);
    denies(verify(&other, &policy("bind-name = true"), &[]), "model-name-not-signed");

    let stranger = signed();
    sign(&stranger, "model", "p521", &["--append", "--name", "hf://acme/toy", "--release", "1.0.0"]);
    denies(verify(&stranger, &policy("bind-name = true"), &[]), "model-name-not-signed");
}

/// A snapshot in a cache of the hub client, with the files of a signed model.
fn snapshot(repository: &str, commit: &str) -> Stage {
    let stage = signed();
    let directory = stage.at("cache").join(repository);
    fs::create_dir_all(directory.join("snapshots").join(commit)).unwrap();
    fs::create_dir(directory.join("blobs")).unwrap();
    for name in ["a", "b", "model.sig"] {
        fs::copy(stage.at("model").join(name), directory.join("blobs").join(name)).unwrap();
        let link = directory.join("snapshots").join(commit).join(name);
        std::os::unix::fs::symlink(format!("../../blobs/{name}"), link).unwrap();
    }
    fs::remove_dir_all(stage.at("model")).unwrap();
    std::os::unix::fs::symlink(directory.join("snapshots").join(commit), stage.at("model")).unwrap();
    stage
}

const COMMIT: &str = "733ef5262369b2b6e2e1abffd35a83ba0987ea6c";

#[test]
fn a_place_in_the_cache_of_the_hub_client_that_says_otherwise_denies() {
    let toy = snapshot("models--Acme--toy", COMMIT);
    for name in ["hf://acme/toy", &format!("hf://acme/toy@{COMMIT}"), "hf://acme/toy@main"] {
        allows(verify_as(&toy, &policy(""), name, &[]));
    }
    denies(verify_as(&toy, &policy(""), "hf://acme/other", &[]), "name-contradicted");
    let other_commit = format!("hf://acme/toy@{}", COMMIT.replace('7', "8"));
    denies(verify_as(&toy, &policy(""), &other_commit, &[]), "name-contradicted");
    for repository in ["models--evil--toy", "models--toy", "datasets--acme--toy"] {
        denies(verify(&snapshot(repository, COMMIT), &policy(""), &[]), "name-contradicted");
    }
    denies(
        verify(&snapshot("models--evil--toy", COMMIT), &policy("mode = \"audit\""), &[]),
        "name-contradicted",
    );
}

#[test]
fn the_name_of_a_file_is_the_place_where_it_lies() {
    let stage = signed();
    let rule = "[[rules]]\nscope = \"file:/*\"\nsigned-by = { any = [\"acme\"] }\n";
    let here = format!("file:{}", fs::canonicalize(stage.at("model")).unwrap().display());
    allows(verify_as(&stage, &policy_of(rule), &here, &[]));
    denies(verify_as(&stage, &policy_of(rule), "file:/srv/models/toy", &[]), "name-contradicted");
}

#[test]
fn a_mirror_is_judged_as_what_it_mirrors() {
    let stage = Stage::new();
    sign(&stage, "model", "p256", &["--name", "hf://acme/toy", "--release", "1.0.0"]);
    let mirror = "[[remap]]\nfrom = \"oci://mirror.example/hf/*\"\nto = \"hf://*\"\n";
    let policy = policy("bind-name = true\n") + mirror;
    let verdict = allows(verify_as(&stage, &policy, "oci://mirror.example/hf/acme/toy@1.0.0", &[]));
    assert_eq!(verdict["judged_as"], "hf://acme/toy@1.0.0");
    denies(verify_as(&stage, &policy, "oci://mirror.example/other/acme/toy", &[]), "no-rule");
}

#[test]
fn one_file_of_a_snapshot_lies_where_the_snapshot_does() {
    let stage = snapshot("models--evil--toy", COMMIT);
    stage.write("policy.toml", policy("unsigned-files = \"allow\""));
    let path = format!("cache/models--evil--toy/snapshots/{COMMIT}/a");
    sign(&stage, &path, "p256", &["-o", "a.sig"]);
    let arguments =
        ["verify", &path, "--signature", "a.sig", "--policy", "policy.toml", "--format", "json", "--as"];
    let verify = |name| Answer::of(&mut stage.command([&arguments[..], &[name]].concat()));
    denies(verify("hf://acme/toy"), "name-contradicted");
}

#[test]
fn the_name_is_signed_by_as_many_as_the_bytes() {
    let both = "[[rules]]\nscope = \"hf://acme/*\"\nsigned-by = { all = [\"acme\", \"registry\"] }\nbind-name = true\n";
    let stage = Stage::new();
    sign(&stage, "model", "p256", &["--name", "hf://acme/other", "--release", "1.0.0"]);
    sign(&stage, "model", "p384", &["--append", "--name", "hf://acme/toy", "--release", "9.0.0"]);
    let verdict = denies(verify(&stage, &policy_of(both), &[]), "model-name-not-signed");
    assert!(codes(&verdict, "note").contains(&"release-by-too-few".to_owned()), "{verdict:#}");
    sign(&stage, "model", "p256", &["--force", "--name", "hf://acme/toy", "--release", "9.0.0"]);
    assert_eq!(allows(verify(&stage, &policy_of(both), &[]))["release"], "9.0.0");
}

#[test]
fn the_narrowest_mirror_counts_even_where_it_names_nothing() {
    let map = |from: &str, to: &str| format!("[[remap]]\nfrom = {from:?}\nto = {to:?}\n");
    let policy = policy("")
        + &map("oci://mirror.example/hf/*", "hf://*")
        + &map("oci://mirror.example/*", "oci://upstream.example/*");
    let stage = signed();
    let verdict = denies(verify_as(&stage, &policy, "oci://mirror.example/hf/a/b/c", &[]), "no-rule");
    assert_eq!(verdict["judged_as"], "oci://mirror.example/hf/a/b/c");
    let verdict = denies(verify_as(&stage, &policy, "oci://mirror.example/other", &[]), "no-rule");
    assert_eq!(verdict["judged_as"], "oci://upstream.example/other");
}
