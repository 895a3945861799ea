//! Bundles that the public Sigstore instances once issued, verified offline under
//! the roots that come with the library. They are those that the verifying
//! library publishes with its own source; none of them is kept here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const GITHUB_ACTIONS: &str = "https://token.actions.githubusercontent.com";
const GITHUB_LOGIN: &str = "https://github.com/login/oauth";

/// Where Cargo keeps the source of the library, with its bundles.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(find_library)
}

fn find_library() -> PathBuf {
    let metadata = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--offline", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let library = packages.find(|package| package["name"] == "sigstore-verify").unwrap();
    Path::new(library["manifest_path"].as_str().unwrap()).with_file_name("test_data")
}

struct Case {
    bundle: &'static str,
    artifact: &'static str,
    identity: &'static str,
    issuer: &'static str,
    staging: bool,
}

impl Case {
    fn run(&self) -> (bool, String) {
        let data = library();
        let mut command = Command::new(env!("CARGO_BIN_EXE_modelseal-conformance"));
        command.arg("verify-bundle");
        if self.staging {
            command.arg("--staging");
        }
        command.arg("--bundle").arg(data.join(self.bundle));
        command.args(["--certificate-identity", self.identity, "--certificate-oidc-issuer", self.issuer]);
        if self.artifact.starts_with("sha256:") {
            command.arg(self.artifact);
        } else {
            command.arg(data.join(self.artifact));
        }
        // Whoever tried to reach a network would find a proxy that is not there.
        let output = command.env("HTTPS_PROXY", "http://127.0.0.1:9").output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    }

    fn verifies(&self) {
        let (verified, problem) = self.run();
        assert!(verified, "{}: {problem}", self.bundle);
    }

    fn is_refused(&self, why: &str) {
        let (verified, problem) = self.run();
        assert!(!verified, "{}", self.bundle);
        assert!(problem.contains(why), "{}: {problem}", self.bundle);
    }
}

const COSIGN: Case = Case {
    bundle: "bundles/cosign-v3-blob.sigstore.json",
    artifact: "bundles/cosign-v3-blob.txt",
    identity: "w.vollprecht@gmail.com",
    issuer: GITHUB_LOGIN,
    staging: false,
};

const CONDA: Case = Case {
    bundle: "bundles/conda-attestation.sigstore.json",
    artifact: "bundles/signed-package-2.1.0-hb0f4dca_0.conda",
    identity: "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main",
    issuer: GITHUB_ACTIONS,
    staging: false,
};

const STAGING: Case = Case {
    bundle: "bundles/conda-attestation-rekor2.sigstore.json",
    artifact: "bundles/signed-package-2.1.0-hb0f4dca_0.conda",
    identity: "jku@goto.fi",
    issuer: GITHUB_LOGIN,
    staging: true,
};

#[test]
fn a_message_signature_of_the_public_instance_verifies() {
    COSIGN.verifies();
}

#[test]
fn an_attestation_of_the_public_instance_verifies() {
    CONDA.verifies();
}

#[test]
fn a_signature_verifies_by_the_digest_of_its_artifact() {
    Case {
        bundle: "bundles/bundle_v3_github.whl.sigstore",
        artifact: "sha256:c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201",
        identity: "https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2",
        issuer: GITHUB_ACTIONS,
        staging: false,
    }
    .verifies();
}

#[test]
fn an_attestation_in_the_second_version_of_rekor_verifies() {
    STAGING.verifies();
}

#[test]
fn a_message_signature_in_the_second_version_of_rekor_verifies() {
    Case {
        bundle: "upstream/sigstore-python/staging-rekor-v2.txt.sigstore.json",
        artifact: "upstream/sigstore-python/staging-rekor-v2.txt",
        ..STAGING
    }
    .verifies();
}

#[test]
fn the_instances_do_not_stand_in_for_each_other() {
    Case { staging: false, ..STAGING }.is_refused("the trusted root does not name");
    Case { staging: true, ..COSIGN }.is_refused("the trusted root does not name");
}

#[test]
fn another_identity_issuer_or_artifact_is_refused() {
    Case { identity: "W.vollprecht@gmail.com", ..COSIGN }
        .is_refused("it was signed by \"w.vollprecht@gmail.com\"");
    Case { issuer: GITHUB_ACTIONS, ..COSIGN }.is_refused("the issuer has to be");
    Case { artifact: CONDA.artifact, ..COSIGN }.is_refused("not about this artifact");
    Case { artifact: COSIGN.artifact, ..CONDA }.is_refused("not about this artifact");
}

#[test]
fn item_48_an_entry_of_another_signature_is_refused() {
    Case {
        bundle: "bundles/bundle_cve_2022_36056.txt.sigstore",
        artifact: "sha256:c87b5b213ab08b32970c106d0c7e4423e67f5449c2fd2d1e9b4ea6cc43b6ee7c",
        identity: "william@yossarian.net",
        staging: true,
        ..COSIGN
    }
    .is_refused("belongs to another signature");
}

#[test]
fn item_13_two_signatures_are_refused() {
    Case { bundle: "bundles/dsse-2sigs.sigstore.json", ..COSIGN }.is_refused("exactly one signature");
}

#[test]
fn a_signature_without_a_time_or_without_a_log_entry_is_refused() {
    Case {
        bundle: "bundles/bundle_v3_no_signed_time.txt.sigstore.json",
        identity: "william@yossarian.net",
        ..COSIGN
    }
    .is_refused("nothing proves when it was signed");
    Case {
        bundle: "bundles/bundle_no_log_entry.txt.sigstore",
        identity: "alex.cameron@trailofbits.com",
        issuer: "https://accounts.google.com",
        ..COSIGN
    }
    .is_refused("no transparency log entry");
}

#[test]
fn a_signature_of_a_key_verifies_under_it_alone() {
    let data = library().join("managed-key");
    let verify = |key: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_modelseal-conformance"));
        command.arg("verify-bundle").arg("--bundle").arg(data.join("bundle.sigstore.json"));
        command.arg("--key").arg(key).arg(data.join("artifact.txt")).output().unwrap().status.success()
    };
    assert!(verify(&data.join("key.pub")));
    assert!(!verify(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/p256.pub"))));
}
