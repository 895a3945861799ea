//! How long a verdict takes under more and more rules, and how long they take
//! to be read.

use std::fmt::Write as _;

use divan::Bencher;
use modelseal_manifest::Reference;
use modelseal_policy::{Contents, Evidence, Materials, Policy, Question, judge};
use modelseal_verify::{Clock, Timestamp, TrustedRoot};

fn main() {
    divan::main();
}

fn text(rules: usize) -> String {
    let mut text =
        "version = 1\nserial = 1\nexpires = 2027-01-01\n[publishers.acme]\nkeys = [\"acme.pub\"]\n"
            .to_owned();
    for rule in 0..rules {
        let _ =
            write!(text, "[[rules]]\nscope = \"hf://org-{rule}/*\"\nsigned-by = {{ any = [\"acme\"] }}\n");
    }
    text
}

fn load(text: &str) -> Policy {
    let read = |_: &str| Ok(include_bytes!("../../../testdata/keys/p256.pub").to_vec());
    let root = || Ok(TrustedRoot::production());
    let clock = Clock::at(Timestamp::UNIX_EPOCH);
    Policy::load(text.as_bytes(), &Materials { read: &read, root: &root, keys: &[], clock }).unwrap()
}

#[divan::bench(args = [10, 100, 1_000, 10_000, 100_000])]
fn verdict(bencher: Bencher<'_, '_>, rules: usize) {
    let policy = load(&text(rules));
    let reference: Reference = format!("hf://org-{}/toy", rules / 2).parse().unwrap();
    let model = format!("model-v1:{}", "a".repeat(64)).parse().ok();
    let evidence = Evidence::default().with_contents(Contents { model, ..Contents::default() });
    bencher.bench(|| {
        let now = Timestamp::UNIX_EPOCH;
        judge(&policy, &Question { reference: &reference, evidence: &evidence, lock: None, now })
    });
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 20)]
fn loading(bencher: Bencher<'_, '_>, rules: usize) {
    let text = text(rules);
    bencher.bench(|| load(&text));
}
