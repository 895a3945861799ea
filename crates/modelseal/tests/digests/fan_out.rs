//! A model that several machines hash: what they find together is what one finds alone, and
//! nothing is signed of parts that do not fit.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::stage::Stage;
use super::{
    bytes, read, read_text, refusal, refuses, refuses_to_sign, run, shell, sign, signature, succeeds,
    verifies,
};

const SERIALIZATIONS: [&[&str]; 4] = [
    &["--hash", "sha256"],
    &["--hash", "blake3"],
    &["--hash", "sha256", "--shard-size", "1000"],
    &["--hash", "blake2b", "--shard-size", "1000"],
];

/// A model of five files, and of twelve shards of 1000 bytes.
fn stage() -> Stage {
    let stage = Stage::new();
    fs::create_dir(stage.at("model/sub")).unwrap();
    stage.write("model/sub/long", bytes(5300, 1));
    stage.write("model/sub/exact", bytes(3000, 2));
    stage.write("model/short", bytes(999, 3));
    stage
}

#[track_caller]
fn plan(stage: &Stage, model: &str, options: &[&str]) {
    succeeds(stage, &[&["manifest", "plan", model, "-o", "plan", "--force"], options].concat());
}

/// Has `share` of the plan hashed to the file `part`.
#[track_caller]
fn hash(stage: &Stage, model: &str, share: [&str; 2], part: &str) {
    let [option, share] = share;
    succeeds(stage, &["manifest", "hash", "plan", model, option, share, "-o", part, "--force"]);
}

/// Merges parts, and gives the signature of what they come to.
#[track_caller]
fn sign_parts(stage: &Stage, parts: &[String]) -> Vec<u8> {
    let mut merge = vec!["manifest", "merge", "plan", "-o", "merged", "--force"];
    merge.extend(parts.iter().map(String::as_str));
    succeeds(stage, &merge);
    sign(stage, &["--manifest", "merged", "-o", "parts.sig", "--force"]);
    read(stage, "parts.sig")
}

/// Plans a model of files, and has the two halves of it hashed to `one` and `two`.
fn halves() -> Stage {
    let stage = stage();
    plan(&stage, "model", &[]);
    hash(&stage, "model", ["--units", "0-2"], "one");
    hash(&stage, "model", ["--units", "3-4"], "two");
    stage
}

/// Merging these is refused, in these words.
#[track_caller]
fn refuses_to_merge(stage: &Stage, parts: &[&str], words: &[&str]) {
    let merge = [&["manifest", "merge", "plan", "-o", "merged"], parts].concat();
    let message = refuses(stage, &merge, 2, "hash-part");
    for word in words {
        assert!(message.contains(word), "{word:?} is missing from {message}");
    }
}

/// Hashing these units is refused.
#[track_caller]
fn refuses_to_hash(stage: &Stage, model: &str, unit: &str, exit: i32, code: &str) -> String {
    let hash = ["manifest", "hash", "plan", model, "--units", unit, "-o", "part"];
    let message = refusal(run(stage, &hash), exit, code);
    assert!(!stage.at("part").exists(), "something was written");
    message
}

#[test]
fn any_number_of_workers_comes_to_the_same_signature() {
    let stage = stage();
    for options in SERIALIZATIONS {
        plan(&stage, "model", options);
        let expected = signature(&stage, "model", options);
        // The last are more than there are units.
        for workers in [1, 2, 5, 30] {
            let parts: Vec<String> = (0..workers).map(|index| format!("part-{index}")).collect();
            for (index, part) in parts.iter().enumerate() {
                hash(&stage, "model", ["--part", &format!("{index}/{workers}")], part);
            }
            let mut backwards = parts.clone();
            backwards.reverse();
            let mut turned = parts.clone();
            turned.rotate_left(workers / 2);
            for parts in [parts, backwards, turned] {
                assert_eq!(sign_parts(&stage, &parts), expected, "{options:?}, {workers} workers");
            }
        }
        verifies(&stage, "model", "parts.sig");
    }
}

#[test]
fn units_can_be_shared_out_by_their_numbers() {
    let stage = stage();
    for (options, shares) in [
        (SERIALIZATIONS[0], ["0-2,4", "3", "3"]),
        (SERIALIZATIONS[1], ["4,0", "1-1,3", "2"]),
        (SERIALIZATIONS[3], ["0-2,4", "11,3,5-9", "10"]),
    ] {
        plan(&stage, "model", options);
        let mut shares = shares.to_vec();
        shares.dedup();
        let parts: Vec<String> = shares.iter().map(|units| format!("part-{units}")).collect();
        for (units, part) in shares.iter().zip(&parts) {
            hash(&stage, "model", ["--units", units], part);
        }
        assert_eq!(sign_parts(&stage, &parts), signature(&stage, "model", options), "{options:?}");
    }
}

#[test]
fn links_are_followed_where_the_plan_says_so() {
    let stage = stage();
    symlink("sub/long", stage.at("model/link")).unwrap();
    symlink("sub", stage.at("model/linked")).unwrap();
    refuses(&stage, &["manifest", "plan", "model", "-o", "plan"], 2, "symlink");
    for options in SERIALIZATIONS.map(|options| [options, &["--allow-symlinks"]].concat()) {
        plan(&stage, "model", &options);
        hash(&stage, "model", ["--part", "0/2"], "one");
        hash(&stage, "model", ["--part", "1/2"], "two");
        let made = sign_parts(&stage, &["two".to_owned(), "one".to_owned()]);
        assert_eq!(made, signature(&stage, "model", &options), "{options:?}");
        verifies(&stage, "model", "parts.sig");
    }
}

#[test]
fn a_model_may_be_one_file() {
    let stage = stage();
    for options in SERIALIZATIONS {
        plan(&stage, "model/sub/long", options);
        hash(&stage, "model/sub/long", ["--part", "0/2"], "one");
        hash(&stage, "model/sub/long", ["--part", "1/2"], "two");
        let made = sign_parts(&stage, &["two".to_owned(), "one".to_owned()]);
        assert_eq!(made, signature(&stage, "model/sub/long", options), "{options:?}");
        verifies(&stage, "model/sub/long", "parts.sig");
    }
}

#[test]
fn workers_may_have_copies_of_what_they_hash_and_nothing_else() {
    let stage = stage();
    plan(&stage, "model", &[]);
    hash(&stage, "model", ["--units", "0-2"], "one");
    fs::create_dir_all(stage.at("elsewhere/sub")).unwrap();
    for file in ["sub/exact", "sub/long"] {
        fs::copy(stage.at(format!("model/{file}")), stage.at(format!("elsewhere/{file}"))).unwrap();
    }
    hash(&stage, "elsewhere", ["--units", "3-4"], "two");
    let made = sign_parts(&stage, &["one".to_owned(), "two".to_owned()]);
    assert_eq!(made, signature(&stage, "model", &[]));
}

#[test]
fn standard_output_of_a_worker_is_lines_of_the_plan_and_nothing_else() {
    let stage = stage();
    plan(&stage, "model", SERIALIZATIONS[2]);
    let sha256 = shell(&stage, ".", "sha256sum plan");
    let plan = format!("sha256:{}", &sha256[..64]);
    let hash = ["manifest", "hash", "plan", "model", "--part", "0/1"];
    for answer in [run(&stage, &hash), super::Answer::of(&mut stage.command(hash))] {
        let answer = answer.expect(0);
        assert!(answer.stdout.ends_with('\n'), "{answer:#?}");
        let lines = answer.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let lines: Vec<Value> = lines.collect();
        assert!(lines.iter().all(|line| line["plan"] == plan.as_str()), "{lines:#?}");
        let units: Vec<_> = lines.iter().map(|line| line["unit"].as_u64().unwrap()).collect();
        assert_eq!(units, (0..12).collect::<Vec<u64>>());
        assert!(!answer.stderr.is_empty(), "the report is on standard error");
    }
}

#[test]
fn parts_that_leave_units_out_are_not_merged() {
    let stage = halves();
    stage.write("none", "");
    refuses_to_merge(&stage, &["two"], &["plan", "3 of 5", "unit 0", "\"a\""]);
    refuses_to_merge(&stage, &["one", "none"], &["plan", "2 of 5", "unit 3", "sub/exact"]);
}

#[test]
fn a_unit_that_is_hashed_twice_is_not_merged() {
    let stage = halves();
    refuses_to_merge(&stage, &["one", "two", "one"], &["\"a\"", "one, line 1"]);
    hash(&stage, "model", ["--units", "2-3"], "again");
    refuses_to_merge(&stage, &["one", "two", "again"], &["short", "one, line 3", "again, line 1"]);
}

#[test]
fn lines_that_contradict_each_other_are_not_merged() {
    let stage = halves();
    stage.write("model/short", bytes(999, 4));
    hash(&stage, "model", ["--units", "2"], "other");
    refuses_to_merge(&stage, &["one", "two", "other"], &["short", "one, line 3", "other, line 1"]);
}

#[test]
fn lines_of_another_plan_are_not_merged() {
    let stage = halves();
    stage.write("model/added", "1");
    plan(&stage, "model", &[]);
    refuses_to_merge(&stage, &["one", "two"], &["one, line 1", "plan"]);
}

#[test]
fn lines_that_are_none_of_this_plan_are_not_merged() {
    let stage = halves();
    let good = read_text(&stage, "two");
    let (first, second) = good.split_once('\n').unwrap();
    let swapped = second.trim_end().replace("\"unit\":4", "\"unit\":3");
    for (bad, line) in [
        (good[..good.len() - 20].to_owned(), 2),
        (format!("{}\n{second}", &first[..first.len() / 2]), 1),
        (good.replace("\"unit\":4", "\"unit\":5"), 2),
        (good.replace("\"unit\":4", "\"unit\":-1"), 2),
        (good.replace("\"unit\":4", "\"unit\":18446744073709551615"), 2),
        (format!("{swapped}\n"), 1),
        (good.replace("\"sub/long\"", "\"sub/other\""), 2),
        (good.replace("\"digest\":\"sha256:", "\"digest\":\"blake3:"), 1),
        (good.replace("\"digest\":\"sha256:", "\"digest\":\"sha256:0"), 1),
        (format!("{first}\n\n{second}"), 2),
        (format!("{first}\n[{}]\n", second.trim_end()), 2),
        (format!("{first}\n{}\n", second.trim_end().replace("{\"plan\"", "{\"unit\":3,\"plan\"")), 2),
        (format!("{first}{second}"), 1),
    ] {
        stage.write("bad", bad);
        refuses_to_merge(&stage, &["one", "bad"], &[&format!("bad, line {line}: ")]);
    }
}

#[test]
fn a_file_that_is_not_as_it_was_planned_is_not_hashed() {
    let stage = stage();
    for options in [&[][..], &["--shard-size", "1000"]] {
        plan(&stage, "model", options);
        for changed in ["", "12"] {
            stage.write("model/a", changed);
            let message = refuses_to_hash(&stage, "model", "0", 3, "changed-while-read");
            assert!(message.contains("model: a: "), "{message}");
        }
        fs::remove_file(stage.at("model/a")).unwrap();
        refuses_to_hash(&stage, "model", "0", 3, "changed-while-read");
        symlink("b", stage.at("model/a")).unwrap();
        refuses_to_hash(&stage, "model", "0", 2, "symlink");
        fs::remove_file(stage.at("model/a")).unwrap();
        fs::create_dir(stage.at("model/a")).unwrap();
        refuses_to_hash(&stage, "model", "0", 2, "not-regular");
        fs::remove_dir(stage.at("model/a")).unwrap();
        stage.write("model/a", "1");
    }
}

#[test]
fn a_directory_that_became_a_link_is_not_looked_into() {
    let stage = stage();
    for options in [&[][..], &["--allow-symlinks"]] {
        plan(&stage, "model", options);
        fs::rename(stage.at("model/sub"), stage.at("outside")).unwrap();
        symlink("../outside", stage.at("model/sub")).unwrap();
        let answer = run(&stage, &["manifest", "hash", "plan", "model", "--units", "4"]);
        assert_eq!(answer.stdout, "", "{answer:#?}");
        assert!(super::report(&answer)["error"].is_object(), "{answer:#?}");
        fs::remove_file(stage.at("model/sub")).unwrap();
        fs::rename(stage.at("outside"), stage.at("model/sub")).unwrap();
    }
}

#[test]
fn a_unit_beyond_the_plan_is_not_hashed() {
    let stage = stage();
    plan(&stage, "model", &[]);
    for units in ["5", "0-5", "4,99", "0-18446744073709551615"] {
        let message = refuses_to_hash(&stage, "model", units, 2, "hash-plan");
        assert!(message.contains("plan: ") && message.contains('5'), "{message}");
    }
}

#[test]
fn a_plan_that_was_tampered_with_leads_nowhere() {
    let stage = stage();
    stage.write("secret", "2");
    plan(&stage, "model", &[]);
    let good = read_text(&stage, "plan");
    for bad in [
        good.replace("\"name\":\"a\"", "\"name\":\"../secret\""),
        good.replace("\"name\":\"a\"", "\"name\":\"/etc/passwd\""),
        good.replace("\"name\":\"a\"", "\"name\":\"b\""),
        good.replace("\"hash_plan\":1", "\"hash_plan\":2"),
        good[..good.len() / 2].to_owned(),
    ] {
        stage.write("plan", bad);
        refuses_to_hash(&stage, "model", "0", 2, "hash-plan");
    }
}

#[test]
fn what_cannot_be_signed_is_not_planned() {
    let stage = stage();
    let refuses = |options: &[&str], code| {
        refuses(&stage, &[&["manifest", "plan", "model"], options].concat(), 2, code);
    };
    refuses(&["-o", "model/plan"], "usage");
    refuses(&["-o", "model/a", "--force"], "usage");
    stage.write("model/empty", "");
    refuses(&["-o", "plan", "--shard-size", "1000"], "empty-file");
    stage.write("there", "1");
    refuses(&["-o", "there"], "exists");
}

/// The worker would change what it hashes.
#[test]
fn a_worker_does_not_write_into_the_model() {
    let stage = stage();
    plan(&stage, "model", &[]);
    for output in [&["-o", "model/part"][..], &["-o", "model/a", "--force"]] {
        let hash = ["manifest", "hash", "plan", "model", "--part", "0/1"];
        refuses(&stage, &[&hash, output].concat(), 2, "usage");
    }
}

#[test]
fn a_manifest_that_was_edited_is_not_signed() {
    let stage = halves();
    succeeds(&stage, &["manifest", "merge", "plan", "one", "two", "-o", "merged"]);
    let good = read_text(&stage, "merged");
    let manifest: Value = serde_json::from_str(&good).unwrap();
    let digest = manifest["predicate"]["resources"][0]["digest"].as_str().unwrap();
    for bad in [
        good.replace(digest, &"0".repeat(64)),
        serde_json::to_string_pretty(&manifest).unwrap(),
        format!("{good}\n"),
        format!(" {good}"),
        good[..good.len() - 10].to_owned(),
        String::new(),
    ] {
        assert_ne!(bad, good);
        stage.write("edited", bad);
        let message = refuses_to_sign(&stage, &["--manifest", "edited", "-o", "x.sig"], 2, "manifest");
        assert!(message.contains("edited"), "{message}");
    }
}
