//! Digests that were made before are taken again where the old signature, the cache and the
//! file agree; whatever does not agree is hashed, and what is signed is right in any case.

use std::fs::{self, FileTimes, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stage::{Answer, Stage};
use super::{
    bytes, contents, key, read, refusal, refuses, refuses_to_sign, report, run, run_sign, sign, signature,
    succeeds, verifies,
};

/// The smallest file of which anything is remembered.
const LARGE: usize = 1024 * 1024;
const CACHE: &str = "no-cache/modelseal/digests";
const REUSE: [&str; 4] = ["model", "--force", "--reuse", "model/model.sig"];
const RELEASE: [&str; 4] = ["--name", "hf://acme/toy", "--release", "1.0.0"];

/// A model with these large files, besides small ones.
fn stage(files: &[&str]) -> Stage {
    let stage = Stage::new();
    fs::create_dir(stage.at("model/sub")).unwrap();
    stage.write("model/almost", bytes(LARGE - 1, 0));
    for (number, file) in (1..).zip(files) {
        stage.write(format!("model/{file}"), bytes(LARGE + number - 1, number));
    }
    stage
}

/// The same, and these files were not touched for so long that they can be remembered.
fn rested(files: &[&str]) -> Stage {
    let stage = stage(files);
    sleep(Duration::from_millis(2100));
    stage
}

/// Signs again with what is remembered: these files are not hashed, and the signature is the
/// one that hashing everything makes.
#[track_caller]
fn reuses(stage: &Stage, options: &[&str], expected: &[&str]) {
    let report = sign(stage, &[&REUSE, options].concat());
    assert_eq!(report["digests"]["reused"], json!(expected), "{report:#}");
    is_right(stage, options);
}

#[track_caller]
fn is_right(stage: &Stage, options: &[&str]) {
    let made = read(stage, "model/model.sig");
    // Hashed by somebody who remembers nothing.
    let whole = [&["sign", "model", "-o", "whole.sig", "--force"], options].concat();
    let key = key("p256.pem");
    let mut whole = stage.command([&whole[..], &["--key", &key]].concat());
    Answer::of(whole.env("XDG_CACHE_HOME", stage.at("other-cache"))).expect(0);
    assert!(made == read(stage, "whole.sig"), "another signature than that of the whole model");
    verifies(stage, "model", "model/model.sig");
}

/// The one file of the cache.
#[track_caller]
fn cache_file(stage: &Stage) -> PathBuf {
    let files: Vec<_> = fs::read_dir(stage.at(CACHE)).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[track_caller]
fn cache(stage: &Stage) -> Value {
    serde_json::from_slice(&fs::read(cache_file(stage)).unwrap()).unwrap()
}

/// The files that are remembered.
#[track_caller]
fn remembered(stage: &Stage) -> Vec<String> {
    let cache = cache(stage);
    cache["entries"].as_array().unwrap().iter().map(|entry| entry[0].as_str().unwrap().to_owned()).collect()
}

/// Rewrites what is remembered of one file, as somebody would who can.
#[track_caller]
fn poison(stage: &Stage, file: &str, rewrite: impl FnOnce(&mut Value)) {
    let mut cache = cache(stage);
    let entries = cache["entries"].as_array_mut().unwrap();
    rewrite(&mut entries.iter_mut().find(|entry| entry[0] == file).unwrap()[1]);
    fs::write(cache_file(stage), cache.to_string()).unwrap();
    assert_eq!(mode(&cache_file(stage)), 0o600);
}

/// The identity that a file has now, as the cache has it.
fn identity(stage: &Stage, file: &str) -> String {
    let found = fs::metadata(stage.at(format!("model/{file}"))).unwrap();
    format!(
        "{}:{}:{}:{}.{:09}:{}.{:09}",
        found.dev(),
        found.ino(),
        found.size(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec()
    )
}

/// Has the cache say that this is the identity of the file, and that it had rested.
fn rests(entry: &mut Value, identity: &str) {
    let shape = |identity: &str| identity.split(':').count();
    assert_eq!(shape(entry["identity"].as_str().unwrap()), shape(identity), "written otherwise now");
    (entry["identity"], entry["began"]) = (json!(identity), json!(u64::MAX));
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

/// Gives a file the time of its last change that it had before.
fn set_back(stage: &Stage, file: &str, times: &fs::Metadata) {
    let times = FileTimes::new().set_modified(times.modified().unwrap());
    OpenOptions::new().write(true).open(stage.at(file)).unwrap().set_times(times).unwrap();
}

#[test]
fn large_files_that_rested_are_not_hashed_again() {
    let stage = rested(&["exact", "sub/large"]);
    let first = sign(&stage, &["model"]);
    assert_eq!(first["digests"]["reused"], json!([]));
    stage.write("model/a", "changed");
    stage.write("model/new", bytes(LARGE, 9));
    reuses(&stage, &[], &["exact", "sub/large"]);
    // What is reused stays remembered.
    fs::remove_file(stage.at("model/new")).unwrap();
    reuses(&stage, &[], &["exact", "sub/large"]);
    reuses(&stage, &["--jobs", "1", "--ignore", "exact"], &["sub/large"]);
    // Another name of the same directory.
    symlink("model", stage.at("link")).unwrap();
    let by_link = sign(&stage, &["link", "--force", "--reuse", "model/model.sig"]);
    assert_eq!(by_link["digests"]["reused"], json!(["sub/large"]));
    is_right(&stage, &[]);
}

#[test]
fn only_the_user_can_read_what_is_remembered_and_gone_files_are_forgotten() {
    let stage = rested(&["gone", "stays"]);
    sign(&stage, &["model"]);
    assert_eq!(mode(&cache_file(&stage)), 0o600);
    assert_eq!(mode(&stage.at(CACHE)), 0o700);
    assert_eq!(remembered(&stage), ["gone", "stays"]);
    fs::remove_file(stage.at("model/gone")).unwrap();
    reuses(&stage, &[], &["stays"]);
    assert_eq!(remembered(&stage), ["stays"]);
}

#[test]
fn files_that_changed_are_hashed_again() {
    let files = [
        "appended",
        "moded",
        "replaced",
        "rewritten",
        "shrunk",
        "swapped-1",
        "swapped-2",
        "touched",
        "untouched",
    ];
    let stage = rested(&files);
    sign(&stage, &["model"]);
    let at = |file: &str| stage.at(format!("model/{file}"));
    let times = |file: &str| fs::metadata(at(file)).unwrap();
    let changed = |file: &str| {
        let mut bytes = fs::read(at(file)).unwrap();
        bytes[LARGE / 2] ^= 1;
        bytes
    };
    let before = times("rewritten");
    stage.write("model/rewritten", changed("rewritten"));
    set_back(&stage, "model/rewritten", &before);
    assert_eq!(times("rewritten").modified().unwrap(), before.modified().unwrap());
    stage.write("replacement", changed("replaced"));
    set_back(&stage, "replacement", &times("replaced"));
    fs::rename(stage.at("replacement"), at("replaced")).unwrap();
    OpenOptions::new().append(true).open(at("appended")).unwrap().write_all(b"1").unwrap();
    OpenOptions::new().write(true).open(at("shrunk")).unwrap().set_len(1).unwrap();
    fs::set_permissions(at("moded"), Permissions::from_mode(0o600)).unwrap();
    set_back(&stage, "model/touched", &times("touched"));
    fs::rename(at("swapped-1"), stage.at("swapped")).unwrap();
    fs::rename(at("swapped-2"), at("swapped-1")).unwrap();
    fs::rename(stage.at("swapped"), at("swapped-2")).unwrap();
    reuses(&stage, &[], &["untouched"]);
}

#[test]
fn a_file_that_was_written_just_before_is_not_remembered() {
    // On a busy machine it may have rested before it is signed.
    let stage = loop {
        let (stage, began) = (stage(&["large"]), Instant::now());
        fs::set_permissions(stage.at("model/large"), Permissions::from_mode(0o600)).unwrap();
        sign(&stage, &["model"]);
        if began.elapsed() < Duration::from_millis(1900) {
            break stage;
        }
    };
    assert!(!stage.at(CACHE).exists() || remembered(&stage).is_empty());
    sleep(Duration::from_millis(2100));
    reuses(&stage, &[], &[]);
    // Now it is.
    reuses(&stage, &[], &["large"]);
}

/// Within the grain of the clock a file can change again and look the same.
#[test]
fn what_had_not_rested_when_it_was_hashed_is_hashed_again() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    let changed = fs::metadata(stage.at("model/large")).unwrap();
    let changed = changed.ctime() * 1_000_000_000 + changed.ctime_nsec();
    for (rested, reused) in [(0, &[][..]), (2_000_000_000, &[]), (2_000_000_001, &["large"]), (-1, &[])] {
        poison(&stage, "large", |entry| entry["began"] = json!(changed + rested));
        reuses(&stage, &[], reused);
    }
}

#[test]
fn what_the_cache_alone_says_is_not_signed() {
    let stage = rested(&["changed", "forged", "other", "untouched"]);
    sign(&stage, &["model"]);
    let nothing = json!(["0".repeat(64)]);
    for digests in [nothing.clone(), json!([]), json!(["x"]), json!(["0".repeat(64), "0".repeat(64)])] {
        poison(&stage, "other", |entry| entry["digests"] = digests);
        reuses(&stage, &[], &["changed", "forged", "untouched"]);
    }
    // These changed, and the cache says that its digests are of what is there now.
    stage.write("model/changed", bytes(LARGE, 9));
    stage.write("model/forged", bytes(LARGE, 9));
    let now = json!([super::shell(&stage, "model", "sha256sum changed")[..64]]);
    for (file, digests) in [("changed", now), ("forged", nothing)] {
        poison(&stage, file, |entry| {
            rests(entry, &identity(&stage, file));
            entry["digests"] = digests;
        });
    }
    reuses(&stage, &[], &["other", "untouched"]);
}

#[test]
fn a_release_under_shards_is_attested_by_the_same_model_digest() {
    let stage = rested(&["large"]);
    let shards = ["--shard-size", "300000"];
    // Of this, the SHA-256 of whole files is not known.
    sign(&stage, &[&["model"], &shards[..]].concat());
    for _ in 0..2 {
        let released = sign(&stage, &[&REUSE, &shards[..], &RELEASE].concat());
        let digest = report(&succeeds(&stage, &["digest", "model"]))["model"]["digest"].clone();
        assert!(digest.is_string());
        assert_eq!(released["model"]["digest"], digest);
        let claims = ["model", "-o", "whole.sig", "--claims", "whole.jsonl", "--force"];
        let whole = sign(&stage, &[&claims, &shards[..], &RELEASE].concat());
        assert_eq!((&whole["digests"]["reused"], &whole["model"]["digest"]), (&json!([]), &digest));
        assert_eq!(read(&stage, "model/claims.jsonl"), read(&stage, "whole.jsonl"));
        is_right(&stage, &shards);
    }
}

#[test]
fn digests_of_another_kind_are_not_taken() {
    let stage = rested(&["large", "larger"]);
    sign(&stage, &["model"]);
    fs::copy(stage.at("model/model.sig"), stage.at("files.sig")).unwrap();
    reuses(&stage, &["--hash", "blake2b"], &[]);
    reuses(&stage, &["--hash", "blake2b"], &["large", "larger"]);
    reuses(&stage, &["--shard-size", "300000"], &[]);
    reuses(&stage, &["--shard-size", "300000"], &["large", "larger"]);
    reuses(&stage, &["--shard-size", "300000", "--hash", "blake2b"], &[]);
    reuses(&stage, &["--shard-size", "300001", "--hash", "blake2b"], &[]);
    // Remembered as shards, signed as files.
    let report = sign(&stage, &["model", "--force", "--reuse", "files.sig", "--shard-size", "300000"]);
    assert_eq!(report["digests"]["reused"], json!([]));
    is_right(&stage, &["--shard-size", "300000"]);
}

#[test]
fn an_old_signature_that_is_not_ones_own_is_refused() {
    let stage = Stage::new();
    sign(&stage, &["model"]);
    let reuse = |old: &str, exit, code| {
        refuses_to_sign(&stage, &["model", "--force", "--reuse", old], exit, code);
    };
    let other = ["sign", "--key", &key("other-p256.pem"), "-o", "x.sig"];
    refuses(&stage, &[&other[..], &["model", "--reuse", "model/model.sig"]].concat(), 1, "wrong-key");
    let mut bundle: Value = serde_json::from_slice(&read(&stage, "model/model.sig")).unwrap();
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap().to_owned();
    bundle["dsseEnvelope"]["payload"] = json!(format!("{}AAAA{}", &payload[..400], &payload[404..]));
    stage.write("tampered.sig", bundle.to_string());
    reuse("tampered.sig", 1, "bad-signature");
    reuse("nothing.sig", 2, "not-found");
    reuse("model/a", 1, "malformed-bundle");
    refuses_to_sign(&stage, &["model", "--reuse", "model/model.sig"], 2, "exists");
}

#[test]
fn a_signature_of_another_model_is_of_no_use_and_no_harm() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    fs::create_dir(stage.at("other")).unwrap();
    stage.write("other/large", bytes(LARGE, 9));
    sign(&stage, &["other"]);
    let report = sign(&stage, &["model", "--force", "--reuse", "other/model.sig"]);
    assert_eq!(report["digests"]["reused"], json!([]));
    is_right(&stage, &[]);
}

/// Signs with a cache file that was spoilt, for people and then for programs: it is not
/// believed, and people hear of it.
#[track_caller]
fn distrusts(stage: &Stage, spoil: &dyn Fn(&Path)) {
    let path = cache_file(stage);
    spoil(&path);
    let key = key("p256.pem");
    let answer = Answer::of(&mut stage.command([&["sign", "--key", &key], &REUSE[..]].concat())).expect(0);
    assert!(answer.stderr.contains("warning: "), "{answer:#?}");
    assert!(answer.stdout.contains("Reused      nothing"), "{answer:#?}");
    is_right(stage, &[]);
    assert!(mode(&path) == 0o600 || path.is_dir(), "mode {:o}", mode(&path));
    spoil(&path);
    reuses(stage, &[], &[]);
}

#[test]
fn a_cache_that_others_may_have_written_is_not_believed() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    reuses(&stage, &[], &["large"]);
    for mode in [0o644, 0o620, 0o602] {
        distrusts(&stage, &|path| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap());
        reuses(&stage, &[], &["large"]);
    }
    if fs::metadata(stage.at("model")).unwrap().uid() == 0 {
        distrusts(&stage, &|path| chown(path, Some(12_345), None).unwrap());
        assert_eq!(fs::metadata(cache_file(&stage)).unwrap().uid(), 0);
        reuses(&stage, &[], &["large"]);
    }
    // Whoever may write to the directory can put another file of ours in its place.
    fs::set_permissions(stage.at(CACHE), Permissions::from_mode(0o777)).unwrap();
    reuses(&stage, &[], &[]);
    fs::set_permissions(stage.at(CACHE), Permissions::from_mode(0o700)).unwrap();
    reuses(&stage, &[], &["large"]);
}

#[test]
fn a_link_in_the_place_of_the_cache_is_neither_read_nor_written_through() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    let good = fs::read(cache_file(&stage)).unwrap();
    stage.write("target", &good);
    fs::set_permissions(stage.at("target"), Permissions::from_mode(0o600)).unwrap();
    distrusts(&stage, &|path| {
        fs::remove_file(path).unwrap();
        symlink(stage.at("target"), path).unwrap();
    });
    assert_eq!(read(&stage, "target"), good);
    assert!(!cache_file(&stage).is_symlink());
    reuses(&stage, &[], &["large"]);
}

#[test]
fn a_cache_that_is_garbage_is_made_anew() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    let twice = "{\"digest_cache\":1,\"digest_cache\":1,\"entries\":[]}";
    for garbage in [&b""[..], b"{", b"\xff\xfe", b"[1,2]x", twice.as_bytes()] {
        distrusts(&stage, &|path| fs::write(path, garbage).unwrap());
        reuses(&stage, &[], &["large"]);
    }
    // Another version may have written these.
    for other in ["{}", "[]", "{\"digest_cache\":2,\"entries\":[]}"] {
        fs::write(cache_file(&stage), other).unwrap();
        reuses(&stage, &[], &[]);
        reuses(&stage, &[], &["large"]);
    }
}

#[test]
fn a_cache_that_cannot_be_written_hinders_no_signature() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    distrusts(&stage, &|path| {
        if !path.is_dir() {
            fs::remove_file(path).unwrap();
            fs::create_dir_all(path.join("full")).unwrap();
        }
    });
    fs::remove_dir_all(stage.at("no-cache")).unwrap();
    stage.write("no-cache", "");
    let key = key("p256.pem");
    let answer = Answer::of(&mut stage.command([&["sign", "--key", &key], &REUSE[..]].concat())).expect(0);
    assert!(answer.stderr.contains("warning: "), "{answer:#?}");
    is_right(&stage, &[]);
    let answer = Answer::of(&mut stage.command(["sign", "--key", &key, "model", "--force"])).expect(0);
    assert_eq!(answer.stderr, "", "who reuses nothing has no use for this");
}

#[test]
fn nothing_but_signing_reads_or_writes_what_is_remembered() {
    let stage = rested(&["large"]);
    sign(&stage, &["model"]);
    let public = key("p256.pub");
    let verify = ["verify", "model", "--key", &public];
    let root = || report(&succeeds(&stage, &["digest", "model"]))["model"]["root"].clone();
    let all = || (contents(&stage), fs::metadata(cache_file(&stage)).unwrap().modified().unwrap());
    let good = root();
    // The cache is wrong of a model that is good, and then it is garbage.
    poison(&stage, "large", |entry| entry["digests"] = json!(["0".repeat(64)]));
    for _ in 0..2 {
        let before = all();
        succeeds(&stage, &verify);
        succeeds(&stage, &["inspect", "model"]);
        assert_eq!((root(), all() == before), (good.clone(), true));
        fs::write(cache_file(&stage), "{").unwrap();
    }
    // The cache says of a file that changed that it is the one that was signed.
    sign(&stage, &["model", "--force"]);
    stage.write("model/large", bytes(LARGE, 9));
    poison(&stage, "large", |entry| rests(entry, &identity(&stage, "large")));
    let before = all();
    refusal(run(&stage, &verify), 1, "mismatch");
    succeeds(&stage, &["inspect", "model"]);
    assert_ne!(root(), good);
    assert!(all() == before, "something was written");
}

#[test]
fn of_a_small_model_nothing_is_remembered() {
    let stage = Stage::new();
    sign(&stage, &["model"]);
    run_sign(&stage, &REUSE).expect(0);
    assert!(!stage.at("no-cache").exists());
    assert_eq!(read(&stage, "model/model.sig"), signature(&stage, "model", &[]));
}
