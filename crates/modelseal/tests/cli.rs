#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! The contract of the command: `tests/cmd` holds the help, output and exit
//! code of every success and of each failure. `TRYCMD=overwrite` records them
//! anew; every case runs in its own copy of the same directory of models.

mod workbench;
mod world;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

#[test]
fn every_command_answers_as_recorded() {
    let template = tempfile::tempdir().unwrap();
    world::build(template.path());
    let cases = cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd"));
    assert!(!cases.is_empty());
    let failed: Vec<_> = cases.iter().filter(|case| !answers_as_recorded(case, template.path())).collect();
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), cases.len());
}

fn cases(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> =
        entries.flat_map(|path| if path.is_dir() { cases(&path) } else { vec![path] }).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    cases
}

fn answers_as_recorded(case: &Path, template: &Path) -> bool {
    let world = copy_of(template);
    // What a case does not say otherwise happens in the working directory.
    std::env::set_current_dir(world.path()).unwrap();
    let run = AssertUnwindSafe(|| {
        trycmd::TestCases::new()
            .case(case)
            .default_bin_path(env!("CARGO_BIN_EXE_modelseal"))
            .register_bin("model_signing", world.path().join("model_signing"))
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env("TMPDIR", world.path().to_str().unwrap())
            .env("XDG_CACHE_HOME", world.path().join("cache").to_str().unwrap())
            // Whatever job the tests themselves run in.
            .env("GITHUB_ACTIONS", "")
            .env("GITLAB_CI", "")
            .env("BUILDKITE", "")
            .env("CIRCLECI", "")
            .insert_var("[PROGRAM]", env!("CARGO_BIN_EXE_modelseal"))
            .unwrap()
            .run();
    });
    catch_unwind(run).is_ok()
}

/// Hard links: the command never writes into a file that is there.
fn copy_of(template: &Path) -> TempDir {
    let world = tempfile::tempdir().unwrap();
    link_all(template, world.path());
    world
}

fn link_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            link_all(&entry.path(), &target);
        } else {
            fs::hard_link(entry.path(), target).unwrap();
        }
    }
}
