//! Who only verifies compiles neither an HTTP client nor an async runtime.

use std::process::Command;

const NOT_FOR_VERIFYING: [&str; 8] =
    ["reqwest", "hyper", "h2", "tokio", "mio", "async-std", "ureq", "sigstore-tuf"];

#[test]
fn the_library_that_verifies_has_no_http_client_and_no_async_runtime() {
    let crates = crates(&["--no-default-features"]);
    assert!(crates.iter().any(|name| name == "sigstore-verify"), "{crates:?}");
    for name in NOT_FOR_VERIFYING {
        assert!(!crates.iter().any(|found| found == name), "{name} is compiled for verifying");
    }
}

#[test]
fn the_command_has_one_http_client() {
    let crates = crates(&[]);
    assert_eq!(crates.iter().filter(|name| *name == "reqwest").count(), 1);
}

fn crates(features: &[&str]) -> Vec<String> {
    let tree = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(["--no-dedupe", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(features)
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.dedup();
    lines.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}
