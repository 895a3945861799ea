//! `examples/namespace-takeover`, with keys, and where a private Sigstore runs
//! with certificates of Fulcio.

use std::process::{Command, Output};

fn run(stack: Option<&std::ffi::OsStr>) -> String {
    let script = super::workbench::testdata().join("../examples/namespace-takeover/run.sh");
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

/// Each attack is denied, in words that say what it is.
fn assert_denials(text: &str) {
    let denials: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("error: DENIED: hf://acme/toy: ")).collect();
    let [_, silent, older, other, infected] = denials[..] else { panic!("{text}") };
    assert!(silent.starts_with("release 1.2.0 is in the lock with other bytes"), "{text}");
    assert!(older.starts_with("release 1.1.0 is older than 1.2.0"), "{text}");
    assert!(other.starts_with("its publisher signed it as hf://acme/other"), "{text}");
    assert!(infected.contains("is denied: a pickle with a shell inside"), "{text}");
    assert_eq!(text.matches("Allowed     hf://acme/toy").count(), 2, "{text}");
}

#[test]
fn the_example_denies_each_attack_with_keys() {
    let text = run(None);
    assert_denials(&text);
    assert!(text.contains("DENIED: hf://acme/toy: no signature that counts is by a publisher"), "{text}");
}

#[cfg(feature = "stack")]
#[test]
fn the_example_denies_each_attack_with_certificates_of_fulcio() {
    let stack = std::env::var_os("MODELSEAL_STACK");
    let text = run(Some(&stack.expect("MODELSEAL_STACK must name what `cargo xtask stack up` made")));
    assert_denials(&text);
    let owners = "acme has owner id 4242, this signer has owner id 9999";
    assert!(text.contains(owners), "{text}");
}
