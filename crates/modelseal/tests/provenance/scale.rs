//! What is claimed may be as large as is read, and go in circles: it takes seconds,
//! and memory that a machine has.

use std::process::Command;
use std::time::{Duration, Instant};

use super::*;
use crate::chains::wide;

const CLAIMS: &str = "tune/claims.jsonl";
/// No test of a clock: what is exponential takes longer than this by far.
const ENOUGH: Duration = Duration::from_mins(1);

/// The command with an end to its time and to its memory.
fn bounded(stage: &Stage, arguments: &[&str]) -> Answer {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 4000000; exec timeout 60 \"$0\" \"$@\"", env!("CARGO_BIN_EXE_modelseal")]);
    Answer::of(command.args(arguments).current_dir(stage.at("")))
}

const VERIFY: [&str; 8] =
    ["verify", "tune", "--policy", "policy.toml", "--as", "hf://acme/tune", "--format", "json"];

/// Provenance of `tune` as it is said so many times, of `tune`.
fn of_itself(stage: &Stage, kind: &str, times: usize) -> Vec<String> {
    let tune = digest(stage, "tune");
    let said = |number: usize| {
        let mut predicate = made_from(&[resource("hf://acme/tune", &tune)]);
        predicate["number"] = number.into();
        line(kind, &statement(&tune, PROVENANCE_TYPE, &predicate))
    };
    (0..times).map(said).collect()
}

#[test]
fn as_many_lines_as_are_read_about_as_many_models_as_are_judged() {
    let start = Instant::now();
    let (stage, policy) = wide(64, true);
    assert_eq!(lines(&stage, CLAIMS).len(), 1024);
    allows(verify(&stage, &policy, &["--tree"]));
    Answer::of(&mut stage.command(["inspect", "tune"])).expect(0);
    assert!(start.elapsed() < ENOUGH, "{:?}", start.elapsed());
}

/// A publisher can say whatever it wants of its own model, also where no rule asks.
#[test]
fn a_model_that_its_publisher_says_was_made_from_itself() {
    let stage = signed();
    stage.write("policy.toml", policy_of(&of_acme("")));
    let said = of_itself(&stage, "p256", 10);
    write_lines(&stage, CLAIMS, &[lines(&stage, CLAIMS), said].concat());
    allows(bounded(&stage, &VERIFY));
    allows(bounded(&stage, &[&VERIFY[..], &["--tree"]].concat()));
}

/// The publisher of a base can say it of the base, in every model made from it.
#[test]
fn a_base_that_its_publisher_says_was_made_from_itself() {
    let stage = made();
    let base = digest(&stage, "base");
    for number in 0..10 {
        let mut predicate = made_from(&[resource("hf://meta/base", &base)]);
        predicate["number"] = number.into();
        push(&stage, CLAIMS, &line("ed25519", &statement(&base, PROVENANCE_TYPE, &predicate)));
    }
    allows(bounded(&stage, &VERIFY));
}

#[test]
fn a_model_that_strangers_say_was_made_from_itself() {
    let stage = made();
    let said = of_itself(&stage, "other-p256", 200);
    write_lines(&stage, CLAIMS, &[lines(&stage, CLAIMS), said].concat());
    allows(bounded(&stage, &VERIFY));
    bounded(&stage, &["inspect", "tune"]).expect(0);
    bounded(&stage, &["verify", "tune", "--key", &public("p256"), "--tree"]).expect(0);
}

#[test]
fn models_that_strangers_say_were_all_made_from_each_other() {
    let stage = made();
    let names: Vec<String> = (0..60).map(|number| format!("m{number}")).collect();
    let of = |name: &String| resource(&format!("hf://acme/{name}"), &absent(name, HashType::Sha256).1);
    let resources: Vec<Value> = names.iter().map(of).collect();
    let mut all = lines(&stage, CLAIMS);
    for name in &names {
        let (payload, digest) = absent(name, HashType::Sha256);
        all.push(line_of("other-p256", &payload));
        all.push(line("other-p256", &statement(&digest, PROVENANCE_TYPE, &made_from(&resources))));
    }
    write_lines(&stage, CLAIMS, &all);
    allows(bounded(&stage, &VERIFY));
    bounded(&stage, &["inspect", "tune"]).expect(0);
    attest(&stage, "tune", "p384", &["--provenance", "provenance.json"]);
}

/// A stranger's lines, which nobody asks for, of as many models as fit in.
#[test]
fn lines_that_each_name_hundreds_of_models() {
    let stage = made();
    let tune = digest(&stage, "tune");
    let resources: Vec<Value> = (0..500).map(|number| resource(&format!("hf://m/{number}"), &tune)).collect();
    let mut predicate = made_from(&resources);
    let said = (0..50).map(|number| {
        predicate["number"] = number.into();
        line("other-p256", &statement(&format!("model-v1:{number:064}"), PROVENANCE_TYPE, &predicate))
    });
    let said: Vec<String> = said.collect();
    write_lines(&stage, CLAIMS, &[lines(&stage, CLAIMS), said].concat());
    allows(bounded(&stage, &VERIFY));
    bounded(&stage, &["inspect", "tune"]).expect(0);
}
