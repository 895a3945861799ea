//! Many files, many threads.

use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::interrupts::peak_memory;
use crate::{Scene, key, verify_arguments, with};

const MEMORY: u64 = 200 * 1024 * 1024;

/// Runs the command to its end, which has to be this exit code, and gives the
/// most memory that it was seen to use.
pub(crate) fn peak(mut command: Command, code: i32) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    loop {
        peak = peak.max(peak_memory(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(code));
            return peak;
        }
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_hundred_thousand_files_are_signed_and_verified_in_bounded_memory() {
    let scene = Scene::empty();
    for directory in 0..100 {
        let directory = scene.at(format!("model/directory-{directory:03}"));
        fs::create_dir(&directory).unwrap();
        for file in 0..1000 {
            fs::write(directory.join(format!("file-{file:04}")), "x").unwrap();
        }
    }
    let signing = peak(scene.command(with(["sign", "model", "--key"], key("p256.pem"), &[])), 0);
    let verifying = peak(scene.command(verify_arguments(&[])), 0);
    assert!(signing < MEMORY, "signing took {signing} bytes");
    assert!(verifying < MEMORY, "verifying took {verifying} bytes");
}

fn uneven_model() -> Scene {
    let scene = Scene::empty();
    for size in [0, 1, 1000, 65_536, 1_000_000, 5_000_000] {
        let bytes: Vec<u8> = (0..size).map(|index: u32| index.to_le_bytes()[1]).collect();
        scene.write(format!("model/sub-{size}/file"), bytes);
    }
    scene
}

#[test]
fn the_number_of_threads_does_not_show_in_a_signature() {
    let scene = uneven_model();
    let signature = |jobs: &str| {
        scene.sign(&["--jobs", jobs, "--force", "-o", "out.sig"]).expect(0);
        fs::read(scene.at("out.sig")).unwrap()
    };
    let one = signature("1");
    assert_eq!(signature("2"), one);
    assert_eq!(signature("16"), one);
}

#[test]
fn the_number_of_threads_does_not_show_in_a_digest() {
    let scene = uneven_model();
    for options in [&[][..], &["--hash", "blake3"], &["--shard-size", "70000", "--ignore", "sub-0"]] {
        let digest = |jobs: &str| {
            scene.run(["digest", "model", "--jobs", jobs].iter().chain(options)).expect(0).stdout
        };
        let one = digest("1");
        assert_eq!(digest("2"), one);
        assert_eq!(digest("16"), one);
    }
}

#[test]
fn the_number_of_threads_does_not_show_in_a_refusal() {
    let scene = uneven_model();
    scene.sign(&[]).expect(0);
    for name in ["sub-0", "sub-1000", "sub-5000000"] {
        scene.write(format!("model/{name}/file"), "changed");
    }
    scene.write("model/extra", "x");
    let refusal = |jobs: &str| scene.verify(&["--jobs", jobs]).refused(1, &["3 changed"]).stderr;
    let one = refusal("1");
    assert_eq!(refusal("2"), one);
    assert_eq!(refusal("16"), one);
}
