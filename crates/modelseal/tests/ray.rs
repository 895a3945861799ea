//! `examples/fan-out` on a real Ray with two workers on this machine.

#![expect(clippy::disallowed_methods, reason = "the tests build the models")]

#[expect(dead_code, reason = "other tests use the rest")]
mod peers;

use std::fs;
use std::path::Path;

use peers::{Run, key, modelseal, script, write_files};

const LARGE: &[u8] = &[7; 300_000];

#[test]
fn what_ray_workers_hash_is_signed_as_one_process_signs_it() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    write_files(&at("toy"), &[("config.json", b"{}"), ("a/weights.bin", LARGE), ("b/weights.bin", LARGE)]);
    // More than one shard, without as many bytes on the disk.
    let sparse = fs::File::create(at("toy/sparse.bin")).unwrap();
    sparse.set_len(200 * 1024 * 1024 + 1).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fan-out/fan_out.py");
    let mut ray = script("ray", "ray_on_loopback.py");
    ray.arg(example).arg(at("toy")).arg(key("p256.pem")).arg(at("fan-out.sig"));
    ray.env("MODELSEAL", env!("CARGO_BIN_EXE_modelseal")).env("XDG_CACHE_HOME", "/dev/null");
    let said = Run::of(&mut ray).exits_with(0);
    assert!(
        said.stdout.starts_with("Merged      2 parts: 4 files, sha256 in shards of 67108864 bytes\n"),
        "{said}"
    );
    let sign = ["sign", "--shard-size", "67108864", "--quiet", "--key"].map(Into::into);
    let paths = [key("p256.pem"), at("toy"), "-o".into(), at("one.sig")];
    modelseal(sign.into_iter().chain(paths)).exits_with(0);
    assert_eq!(fs::read(at("fan-out.sig")).unwrap(), fs::read(at("one.sig")).unwrap());
}
