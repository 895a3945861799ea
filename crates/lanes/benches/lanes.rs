//! How fast one core hashes: `cargo bench -p modelseal-lanes`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use modelseal_lanes::Sha256;
use sha2::Digest;

const LENGTHS: [usize; 3] = [4 * 1024, 256 * 1024, 1024 * 1024];

fn main() {
    divan::main();
}

#[divan::bench(args = LENGTHS)]
fn two_streams(bencher: Bencher<'_, '_>, length: usize) {
    let (a, b) = (vec![1_u8; length], vec![2_u8; length]);
    bencher.counter(BytesCount::new(2 * length)).bench(|| {
        let (mut left, mut right) = (Sha256::new(), Sha256::new());
        left.update_both(black_box(&a), &mut right, black_box(&b));
        (left.finish(), right.finish())
    });
}

#[divan::bench(args = LENGTHS)]
fn one_stream(bencher: Bencher<'_, '_>, length: usize) {
    let bytes = vec![1_u8; length];
    bencher.counter(BytesCount::new(length)).bench(|| {
        let mut hash = Sha256::new();
        hash.update(black_box(&bytes));
        hash.finish()
    });
}

#[divan::bench(args = LENGTHS)]
fn sha2_alone(bencher: Bencher<'_, '_>, length: usize) {
    let bytes = vec![1_u8; length];
    bencher.counter(BytesCount::new(length)).bench(|| sha2::Sha256::digest(black_box(&bytes)));
}
