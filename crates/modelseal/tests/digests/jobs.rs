//! However many threads hash, what is signed is the same.

use super::stage::Stage;
use super::{bytes, read, report, shell, sign, signature, succeeds};

const JOBS: [&str; 4] = ["1", "2", "3", "16"];
const HASHES: [&str; 3] = ["sha256", "blake2b", "blake3"];
const METHODS: [&[&str]; 3] = [&[], &["--shard-size", "65536"], &["--shard-size", "100000"]];

/// Files of sizes at which blocks and buffers begin and end, and many small ones.
fn stage() -> Stage {
    let stage = Stage::new();
    for size in [1, 63, 64, 65, 4096, 262_143, 262_144, 262_145, 600_001] {
        stage.write(format!("model/{size}"), bytes(size, size));
    }
    for number in 0..40 {
        stage.write(format!("model/small-{number}"), bytes(number + 1, number));
    }
    stage
}

#[test]
fn any_number_of_threads_makes_the_same_signature() {
    let stage = stage();
    for hash in HASHES {
        for method in METHODS {
            // Shards do not cover an empty file.
            stage.write("model/may-be-empty", if method.is_empty() { "" } else { "1" });
            let options = [&["--hash", hash], method].concat();
            let made =
                JOBS.map(|jobs| signature(&stage, "model", &[&options[..], &["--jobs", jobs]].concat()));
            assert!(made.iter().all(|signature| *signature == made[0]), "{options:?}");
        }
    }
}

#[test]
fn any_number_of_threads_finds_the_digests_of_coreutils() {
    let stage = stage();
    stage.write("model/empty", "");
    for (tool, hash) in [("sha256sum", "sha256"), ("b2sum", "blake2b")] {
        stage.write("list", shell(&stage, "model", &format!("{tool} *")));
        let listed = ["--digests", "list", "--subject-name", "model", "-o", "list.sig", "--force"];
        sign(&stage, &[&listed[..], &["--hash", hash]].concat());
        for jobs in JOBS {
            let made = signature(&stage, "model", &["--hash", hash, "--jobs", jobs]);
            assert_eq!(made, read(&stage, "list.sig"), "{hash}, {jobs} threads");
        }
    }
}

#[test]
fn any_number_of_threads_finds_the_same_model_digest_beside_any_other() {
    let stage = stage();
    let expected = report(&succeeds(&stage, &["digest", "model", "--jobs", "1"]))["model"]["digest"].clone();
    assert!(expected.is_string());
    for hash in HASHES {
        for method in METHODS {
            let options = [&["--hash", hash], method].concat();
            let root = sign(&stage, &[&["model", "-o", "x.sig", "--force"], &options[..]].concat());
            let root = &root["model"]["root"];
            for jobs in JOBS {
                let digest = [&["digest", "model", "--jobs", jobs], &options[..]].concat();
                let found = report(&succeeds(&stage, &digest));
                assert_eq!(found["model"]["digest"], expected, "{options:?}, {jobs} threads");
                assert_eq!(found["model"]["root"], *root, "{options:?}, {jobs} threads");
            }
        }
    }
}
