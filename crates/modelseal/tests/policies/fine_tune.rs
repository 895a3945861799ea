//! `examples/fine-tune`, with keys, and where a private Sigstore runs with
//! certificates of Fulcio.

use std::process::{Command, Output};

fn run(stack: Option<&std::ffi::OsStr>) -> String {
    let script = super::workbench::testdata().join("../examples/fine-tune/run.sh");
    let mut command = Command::new(script);
    command.env("MODELSEAL", env!("CARGO_BIN_EXE_modelseal")).env_remove("MODELSEAL_STACK");
    if let Some(stack) = stack {
        command.env("MODELSEAL_STACK", stack);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert!(status.success(), "{text}{}", String::from_utf8_lossy(&stderr));
    text
}

/// The whole chain is admitted; of each link that breaks, the denial says which.
fn assert_story(text: &str) {
    assert_eq!(text.matches("Allowed     hf://acme/tuned").count(), 2, "{text}");
    assert!(text.contains("└─ base model hf://meta/base: allowed by the rule for hf://meta/*"), "{text}");
    let denials: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("error: DENIED: hf://acme/tuned: ")).collect();
    let [unbuilt, unsigned, unnamed, elsewhere, stranger, fake, changed] = denials[..] else {
        panic!("{text}")
    };
    assert!(unbuilt.contains("attestation (provenance) by acme, and there is none"), "{text}");
    for (denial, why) in [
        (unsigned, "no signature that counts is by a publisher of the rule"),
        (unnamed, "the model's name is not signed"),
    ] {
        assert!(denial.starts_with("it was made from hf://meta/base (model-v1:"), "{text}");
        assert!(denial.contains(why), "{text}");
    }
    assert!(elsewhere.ends_with("what is there is about other bytes"), "{text}");
    assert!(stranger.contains("attestation (provenance) by acme, and there is none"), "{text}");
    assert!(fake.starts_with("it was made from hf://mallory/base (model-v1:"), "{text}");
    assert!(fake.ends_with("none of those that may be built on: hf://meta/*"), "{text}");
    assert!(changed.starts_with("the files are not what acme signed"), "{text}");
}

#[test]
fn the_example_admits_the_chain_and_denies_each_broken_link_with_keys() {
    let text = run(None);
    assert_story(&text);
}

#[cfg(feature = "stack")]
#[test]
fn the_example_admits_the_chain_and_denies_each_broken_link_with_certificates_of_fulcio() {
    let stack = std::env::var_os("MODELSEAL_STACK");
    let text = run(Some(&stack.expect("MODELSEAL_STACK must name what `cargo xtask stack up` made")));
    assert_story(&text);
    assert!(
        text.contains("https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main"),
        "{text}"
    );
}
