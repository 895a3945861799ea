//! Signals, full disks and closed pipes.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Answer, Scene, key, statement, verify_arguments, with};

const TEBIBYTE: u64 = 1 << 40;
const A_WHILE: Duration = Duration::from_millis(500);
const ONE_SECOND: Duration = Duration::from_secs(1);

/// Lets the process work for a while, then sends it SIGINT. Gives what it
/// ended with, and its peak memory before in bytes.
fn interrupt(command: Command) -> (ExitStatus, String, u64) {
    interrupt_after(command, A_WHILE)
}

fn interrupt_after(mut command: Command, time: Duration) -> (ExitStatus, String, u64) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(time);
    assert_eq!(child.try_wait().unwrap(), None, "it ended before it could be interrupted");
    let memory = peak_memory(child.id());
    let start = Instant::now();
    signal(&child, "INT");
    let status = wait_for(&mut child, 10 * ONE_SECOND);
    assert!(start.elapsed() < ONE_SECOND, "it took {:?} to stop", start.elapsed());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    (status, stderr, memory)
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
}

fn wait_for(child: &mut Child, patience: Duration) -> ExitStatus {
    let start = Instant::now();
    while start.elapsed() < patience {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("it went on for {patience:?} after the signal");
}

/// The most memory that a running process has used so far, in bytes; 0 where
/// the system does not tell.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0) * 1024
}

fn tebibyte() -> Scene {
    let scene = Scene::empty();
    scene.write_sparse("model/weights", TEBIBYTE);
    scene
}

#[test]
fn item_72_and_85_a_tebibyte_is_signed_in_little_memory_and_stops_at_once() {
    let scene = tebibyte();
    let arguments = with(["sign", "model", "--key"], key("p256.pem"), &[]);
    let (status, stderr, memory) = interrupt(scene.command(arguments));
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("interrupted"), "{stderr}");
    assert!(memory < 64 * 1024 * 1024, "{memory} bytes");
    assert_eq!(scene.names("model"), ["weights"]);
    assert_eq!(scene.names("."), ["model"]);
}

#[test]
fn item_72_shards_of_a_tebibyte_take_little_memory_too() {
    let scene = tebibyte();
    let (status, stderr, memory) =
        interrupt(scene.command(["digest", "model", "--shard-size", "1000000000"]));
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(memory < 64 * 1024 * 1024, "{memory} bytes");
}

#[test]
fn item_72_an_interrupted_copy_leaves_nothing() {
    let scene = tebibyte();
    scene.sign_payload(&statement("m", &[("weights", b"x")], &[]));
    let command = scene.command(verify_arguments(&["--into", "copy"]));
    // Not for long: what is copied does take room.
    let (status, stderr, memory) = interrupt_after(command, A_WHILE / 4);
    assert_eq!(status.code(), Some(130), "{stderr}");
    assert!(memory < 64 * 1024 * 1024, "{memory} bytes");
    assert_eq!(scene.names("."), ["model"]);
}

#[test]
fn item_72_a_request_to_terminate_stops_the_work_too() {
    let scene = tebibyte();
    let mut child = scene.command(["digest", "model"]).stderr(Stdio::null()).spawn().unwrap();
    sleep(A_WHILE);
    signal(&child, "TERM");
    assert_eq!(wait_for(&mut child, ONE_SECOND).code(), Some(130));
}

#[test]
fn item_85_an_interrupted_report_is_json_when_json_was_asked_for() {
    let scene = tebibyte();
    let mut child =
        scene.command(["digest", "model", "--format", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    sleep(A_WHILE);
    signal(&child, "INT");
    assert_eq!(wait_for(&mut child, ONE_SECOND).code(), Some(130));
    let report: serde_json::Value = serde_json::from_reader(child.stdout.take().unwrap()).unwrap();
    assert_eq!(report["outcome"], "interrupted");
}

#[test]
fn waiting_for_a_key_that_never_comes_can_be_interrupted() {
    let scene = Scene::new();
    scene.fifo("key");
    let (status, _, _) = interrupt(scene.command(["sign", "model", "--key", "key"]));
    assert!(!status.success());
    assert_eq!(scene.names("model"), ["a", "b"]);
}

/// Runs the command where no file may grow beyond 512 bytes.
fn on_a_full_disk(scene: &Scene, command: &str) -> Answer {
    let line = format!("ulimit -f 1; trap '' XFSZ; exec \"$0\" {command}");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(line).arg(env!("CARGO_BIN_EXE_modelseal")).current_dir(scene.path());
    Answer::from(shell.output().unwrap())
}

#[test]
fn item_85_a_full_disk_while_signing_leaves_no_part_of_a_bundle() {
    let scene = Scene::new();
    let key = key("p256.pem");
    let answer = on_a_full_disk(&scene, &format!("sign model --key '{}'", key.display()));
    answer.refused(3, &["model.sig", "cannot write"]);
    assert_eq!(scene.names("model"), ["a", "b"]);
}

#[test]
fn item_85_a_full_disk_while_replacing_keeps_the_old_bundle() {
    let scene = Scene::signed();
    let before = fs::read(scene.at("model/model.sig")).unwrap();
    let key = key("p256.pem");
    let answer = on_a_full_disk(&scene, &format!("sign model --force --key '{}'", key.display()));
    answer.refused(3, &["model.sig"]);
    assert_eq!(fs::read(scene.at("model/model.sig")).unwrap(), before);
    assert_eq!(scene.names("model"), ["a", "b", "model.sig"]);
}

#[test]
fn item_85_a_full_disk_while_copying_leaves_no_part_of_the_copy() {
    let scene = Scene::new();
    scene.write("model/large", vec![0; 100_000]);
    scene.sign(&[]).expect(0);
    let key = key("p256.pub");
    let answer = on_a_full_disk(&scene, &format!("verify model --into copy --key '{}'", key.display()));
    answer.refused(3, &["large"]);
    assert_eq!(scene.names("."), ["model"]);
}

fn closed_stdout(scene: &Scene, arguments: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> Answer {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Answer::from(scene.command(arguments).stdout(writer).output().unwrap())
}

#[test]
fn item_91_a_verdict_that_nobody_reads_is_no_success() {
    let scene = Scene::signed();
    for format in ["human", "json"] {
        let answer = closed_stdout(&scene, verify_arguments(&["--format", format]));
        answer.refused(3, &["cannot write the report"]);
        closed_stdout(&scene, ["digest", "model", "--format", format]).refused(3, &[]);
        closed_stdout(&scene, ["inspect", "model", "--format", format]).refused(3, &[]);
    }
}

#[test]
fn item_91_a_signature_that_nobody_reads_is_no_success() {
    let scene = Scene::new();
    let arguments = with(["sign", "model", "-o", "-", "--key"], key("p256.pem"), &[]);
    closed_stdout(&scene, arguments).refused(3, &["standard output"]);
}

#[test]
fn item_91_a_refusal_stays_a_refusal_when_nobody_reads_it() {
    let scene = Scene::signed();
    scene.write("model/a", "changed");
    closed_stdout(&scene, verify_arguments(&["--format", "json"])).refused(1, &[]);
}

#[test]
fn item_91_help_that_nobody_reads_does_not_panic() {
    let scene = Scene::new();
    for arguments in [&["--help"][..], &["verify", "--help"], &["model-signing", "--help"]] {
        let answer = closed_stdout(&scene, arguments);
        assert!(!answer.stderr.contains("panicked"), "{answer:?}");
    }
}

#[test]
fn item_91_a_demo_that_nobody_watches_does_not_panic() {
    let scene = Scene::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = scene.command(["demo", "model"]);
    let answer = Answer::from(command.env("TMPDIR", scene.path()).stdout(writer).output().unwrap());
    answer.refused(3, &["cannot write"]);
}

#[test]
fn item_91_a_demo_on_a_full_device_does_not_panic() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    let scene = Scene::new();
    let mut command = scene.command(["demo", "model"]);
    let answer = Answer::from(command.env("TMPDIR", scene.path()).stdout(full).output().unwrap());
    answer.refused(3, &["cannot write"]);
}

#[test]
fn item_91_the_reference_command_line_reports_a_closed_output_too() {
    let scene = Scene::signed();
    let answer = closed_stdout(&scene, ["model-signing", "digest", "model"]);
    assert_ne!(answer.code, Some(0), "{answer:?}");
    assert!(!answer.stderr.contains("panicked"), "{answer:?}");
}

#[test]
fn item_91_a_full_device_as_output_is_no_success() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return; // Not every system has one.
    }
    let scene = Scene::signed();
    for arguments in [verify_arguments(&[]), verify_arguments(&["--format", "json"])] {
        let out = fs::File::options().write(true).open(full).unwrap();
        let answer = Answer::from(scene.command(arguments).stdout(out).output().unwrap());
        answer.refused(3, &["cannot write the report"]);
    }
}
