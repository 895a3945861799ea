//! What a walk costs, and hashing small files: `cargo bench -p modelseal-disk`.

#![expect(clippy::disallowed_methods, reason = "the benchmark makes the files")]

use std::fs;
use std::num::NonZeroUsize;

use divan::Bencher;
use divan::counter::ItemsCount;
use modelseal_disk::{Links, MeasureOptions, Model, Unfit, Unobserved, WalkRules};
use modelseal_manifest::{HashType, IgnorePath, Method};
use tempfile::TempDir;

const FILES: [usize; 3] = [100, 1_000, 10_000];
const RULES: [&str; 3] = [".git", "claims.jsonl", "model.sig"];

fn main() {
    divan::main();
}

/// A hundred files of 4 KiB in each directory.
fn model(files: usize) -> (TempDir, Model) {
    let directory = tempfile::tempdir().expect("a directory");
    for number in 0..files {
        let below = directory.path().join(format!("{:03}", number / 100));
        fs::create_dir_all(&below).expect("a directory");
        fs::write(below.join(format!("{number:05}.bin")), [7; 4096]).expect("a file");
    }
    let model = Model::open(directory.path()).expect("a model");
    (directory, model)
}

fn rules() -> WalkRules {
    let ignore = RULES.map(|path| IgnorePath::new(path).expect("a path")).to_vec();
    WalkRules { ignore, links: Links::Refuse, unfit: Unfit::Refuse }
}

#[divan::bench(args = FILES)]
fn walk(bencher: Bencher<'_, '_>, files: usize) {
    let (_directory, model) = model(files);
    bencher.counter(ItemsCount::new(files)).bench_local(|| model.inventory(&rules(), &Unobserved));
}

/// With the walk that follows it.
#[divan::bench(args = FILES, consts = [1, 2])]
fn measure<const JOBS: usize>(bencher: Bencher<'_, '_>, files: usize) {
    let (_directory, model) = model(files);
    let inventory = model.inventory(&rules(), &Unobserved).expect("files");
    let options = MeasureOptions {
        method: Method::Files,
        hash_type: HashType::Sha256,
        whole_sha256: false,
        jobs: NonZeroUsize::new(JOBS).expect("a positive constant"),
        copy_into: None,
    };
    let measure = || model.measure(&inventory, &rules(), |_| true, &options, &Unobserved);
    bencher.counter(ItemsCount::new(files)).bench_local(measure);
}
