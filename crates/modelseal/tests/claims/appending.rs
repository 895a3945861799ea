//! The claims file: what is there stays as it is, and what is written is what
//! readers accept.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use modelseal::{ClaimsFile, DiskError, Error, MAX_BUNDLE_BYTES, Signer};

use super::signer;
use super::stage::Stage;

fn bundle(payload: &str) -> Vec<u8> {
    signer().sign(payload.as_bytes()).unwrap()
}

#[track_caller]
fn append(stage: &Stage, bundle: &[u8]) -> bool {
    let mut claims = ClaimsFile::read(&stage.at("claims.jsonl")).unwrap();
    let is_new = claims.add(bundle).unwrap();
    claims.stage().unwrap().commit().unwrap();
    is_new
}

#[test]
fn a_new_file_holds_the_line_and_is_readable() {
    let stage = Stage::new();
    assert!(append(&stage, &bundle("1")));
    assert_eq!(fs::read(stage.at("claims.jsonl")).unwrap(), bundle("1"));
    assert_eq!(fs::metadata(stage.at("claims.jsonl")).unwrap().mode() & 0o400, 0o400);
}

#[test]
fn what_is_there_is_kept_byte_for_byte() {
    let (one, two) = (String::from_utf8(bundle("1")).unwrap(), String::from_utf8(bundle("2")).unwrap());
    let spaced = one.replacen(':', " : ", 1);
    for before in [
        String::new(),
        "\n".to_owned(),
        one.clone(),
        one.trim_end().to_owned(),
        format!("\n\n{}\r\n", one.trim_end()),
        format!("  {spaced}"),
    ] {
        let stage = Stage::new();
        stage.write("claims.jsonl", &before);
        assert!(append(&stage, two.as_bytes()));
        let after = fs::read_to_string(stage.at("claims.jsonl")).unwrap();
        let (kept, added) = after.split_at(after.len() - two.len());
        assert_eq!(added, two);
        let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
        assert_eq!(kept, format!("{before}{end}"));
    }
}

#[test]
fn a_line_that_is_there_is_not_added_again() {
    let one = bundle("1");
    for before in [one.clone(), one.trim_ascii().to_vec(), [one.trim_ascii(), b"\r\n"].concat()] {
        let stage = Stage::new();
        stage.write("claims.jsonl", &before);
        assert!(!append(&stage, &one));
        assert_eq!(fs::read(stage.at("claims.jsonl")).unwrap(), before);
    }
    let mut claims = ClaimsFile::read(&Stage::new().at("claims.jsonl")).unwrap();
    assert!(claims.add(&one).unwrap() && !claims.add(&one).unwrap());
    assert_eq!(claims.added(), 1);
}

#[test]
fn a_bundle_of_several_lines_becomes_one() {
    let stage = Stage::new();
    let value: serde_json::Value = serde_json::from_slice(&bundle("1")).unwrap();
    append(&stage, &serde_json::to_vec_pretty(&value).unwrap());
    assert_eq!(fs::read(stage.at("claims.jsonl")).unwrap(), bundle("1"));
}

#[test]
fn what_is_no_bundle_is_not_added() {
    let stage = Stage::new();
    let mut claims = ClaimsFile::read(&stage.at("claims.jsonl")).unwrap();
    assert!(matches!(claims.add(b"notes"), Err(Error::Bundle(_))));
    assert!(matches!(claims.add(&bundle("1").repeat(2)), Err(Error::Bundle(_))));
    assert_eq!(claims.added(), 0);
}

#[test]
fn a_file_of_something_else_is_refused() {
    let stage = Stage::new();
    let half = [&bundle("1")[..], b"my notes\n"].concat();
    for notes in [b"my notes\n".to_vec(), b"{}\n".to_vec(), b"\0".to_vec(), half] {
        stage.write("claims.jsonl", notes);
        let read = ClaimsFile::read(&stage.at("claims.jsonl"));
        assert!(matches!(read, Err(Error::NotClaims { .. })), "{read:?}");
    }
    assert!(matches!(ClaimsFile::read(&stage.at("model")), Err(Error::Disk(_))));
}

#[test]
fn somebody_elses_line_that_came_meanwhile_is_not_lost() {
    let (one, two, three) = (bundle("1"), bundle("2"), bundle("3"));
    for (before, meanwhile) in [
        (Some(&one), Some([&one[..], &two].concat())),
        (Some(&one), Some(two.clone())),
        (Some(&one), None),
        (None, Some(two.clone())),
        (None, Some(vec![])),
    ] {
        let stage = Stage::new();
        let path = stage.at("claims.jsonl");
        if let Some(before) = before {
            fs::write(&path, before).unwrap();
        }
        let mut claims = ClaimsFile::read(&path).unwrap();
        claims.add(&three).unwrap();
        let staged = claims.stage().unwrap();
        match &meanwhile {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = staged.commit().unwrap_err();
        assert!(matches!(error, Error::Disk(DiskError::Changed { .. })), "{error}");
        assert_eq!(fs::read(&path).ok(), meanwhile);
        let partial = |path: &std::path::PathBuf| path.to_string_lossy().ends_with(".partial");
        assert!(!stage.tree().iter().any(partial), "an unfinished file was left behind");
    }
}

#[test]
fn a_link_is_replaced_and_what_it_leads_to_is_left_alone() {
    let stage = Stage::new();
    stage.write("shared.jsonl", bundle("1"));
    symlink("shared.jsonl", stage.at("claims.jsonl")).unwrap();
    append(&stage, &bundle("2"));
    assert_eq!(fs::read(stage.at("shared.jsonl")).unwrap(), bundle("1"));
    assert_eq!(fs::read(stage.at("claims.jsonl")).unwrap(), [bundle("1"), bundle("2")].concat());
}

#[test]
fn no_more_than_1024_lines_are_written() {
    let stage = Stage::new();
    stage.write("claims.jsonl", bundle("1").repeat(1023));
    append(&stage, &bundle("2"));
    let mut claims = ClaimsFile::read(&stage.at("claims.jsonl")).unwrap();
    assert!(matches!(claims.check_room(1), Err(Error::ClaimsFull { .. })));
    assert!(matches!(claims.add(&bundle("3")), Err(Error::ClaimsFull { .. })));
    assert!(!claims.add(&bundle("2")).unwrap(), "what is there fits");
    stage.write("claims.jsonl", bundle("1").repeat(1022));
    let claims = ClaimsFile::read(&stage.at("claims.jsonl")).unwrap();
    assert!(claims.check_room(2).is_ok() && claims.check_room(3).is_err());
}

#[test]
fn no_more_than_64_mib_are_written() {
    let (stage, limit) = (Stage::new(), usize::try_from(MAX_BUNDLE_BYTES).unwrap());
    let line = bundle("1");
    stage.write("claims.jsonl", [vec![b' '; limit - line.len() - 1], b"\n".to_vec()].concat());
    append(&stage, &line);
    assert_eq!(fs::metadata(stage.at("claims.jsonl")).unwrap().len(), MAX_BUNDLE_BYTES);
    let mut claims = ClaimsFile::read(&stage.at("claims.jsonl")).unwrap();
    assert!(matches!(claims.add(&bundle("2")), Err(Error::ClaimsFull { .. })));
    assert_eq!(claims.added(), 0);
    stage.write("claims.jsonl", vec![b'\n'; limit + 1]);
    let read = ClaimsFile::read(&stage.at("claims.jsonl"));
    assert!(matches!(read, Err(Error::Disk(DiskError::TooLarge { .. }))), "{read:?}");
}
