//! What a model directory can do to its reader: the file-system part of the
//! catalogue of hostile inputs. Numbers are those of the catalogue.

#![expect(clippy::disallowed_methods, reason = "the tests build the hostile directories")]

use std::ffi::OsStr;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use modelseal_disk::{
    Cancel, DiskError, ErrorKind, IgnoredKind, Inventory, Links, MeasureOptions, Measurement, Model,
    Observer, PrivateDir, Unfit, Unobserved, WalkRules,
};
use modelseal_manifest::{HashType, IgnorePath, Method, ShardSize};
use tempfile::TempDir;

const REFUSE: WalkRules = WalkRules { ignore: vec![], links: Links::Refuse, unfit: Unfit::Refuse };
const FOLLOW: WalkRules = WalkRules { ignore: vec![], links: Links::Follow, unfit: Unfit::Refuse };

const OPTIONS: MeasureOptions<'static> = MeasureOptions {
    method: Method::Files,
    hash_type: HashType::Sha256,
    whole_sha256: true,
    jobs: NonZeroUsize::new(2).unwrap(),
    copy_into: None,
};

fn model(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

fn list(dir: &Path, rules: &WalkRules) -> Result<Inventory, DiskError> {
    Model::open(dir)?.inventory(rules, &Unobserved)
}

fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.files.iter().map(|file| file.path.as_str()).collect()
}

fn measure(dir: &Path, rules: &WalkRules, observer: &dyn Observer) -> Result<Measurement, DiskError> {
    let model = Model::open(dir)?;
    let inventory = model.inventory(rules, &Unobserved)?;
    model.measure(&inventory, rules, |_| true, &OPTIONS, observer)
}

/// Lists, lets `meddle` act, then hashes.
fn measure_after(dir: &Path, meddle: impl FnOnce()) -> Result<Measurement, DiskError> {
    let model = Model::open(dir)?;
    let inventory = model.inventory(&REFUSE, &Unobserved)?;
    meddle();
    model.measure(&inventory, &REFUSE, |_| true, &OPTIONS, &Unobserved)
}

/// Acts once, in the middle of the first file.
struct During<F: Fn() + Sync>(AtomicBool, F);

impl<F: Fn() + Sync> Observer for During<F> {
    fn is_cancelled(&self) -> bool {
        false
    }

    fn advance(&self, _bytes: u64) {
        if !self.0.swap(true, Ordering::SeqCst) {
            (self.1)();
        }
    }
}

fn measure_during(dir: &Path, meddle: impl Fn() + Sync) -> Result<Measurement, DiskError> {
    measure(dir, &REFUSE, &During(AtomicBool::new(false), meddle))
}

fn assert_changed(outcome: Result<Measurement, DiskError>) {
    let error = outcome.expect_err("a change must be an error");
    assert_eq!(error.kind(), ErrorKind::Undecided, "{error}");
    assert!(error.to_string().contains("while it was read"), "{error}");
}

#[test]
fn item_62_a_link_to_a_file_or_directory_is_refused_by_name() {
    for target in ["a", "sub"] {
        let dir = model(&[("a", "1"), ("sub/b", "2")]);
        symlink(target, dir.path().join("link")).unwrap();
        let error = list(dir.path(), &REFUSE).unwrap_err();
        assert!(
            matches!(&error, DiskError::Symlink { path, target: to } if path == "link" && to == target),
            "{error}"
        );
        assert_eq!(error.kind(), ErrorKind::Model);
    }
}

#[test]
fn links_inside_the_model_are_followed_when_asked() {
    let dir = model(&[("a", "1"), ("sub/b", "2")]);
    symlink("sub/b", dir.path().join("file")).unwrap();
    symlink("sub", dir.path().join("directory")).unwrap();
    symlink("../a", dir.path().join("sub/up")).unwrap();
    let inventory = list(dir.path(), &FOLLOW).unwrap();
    assert_eq!(names(&inventory), ["a", "directory/b", "directory/up", "file", "sub/b", "sub/up"]);
    let measured = measure(dir.path(), &FOLLOW, &Unobserved).unwrap();
    assert_eq!(measured.files[3].digests, measured.files[4].digests);
    assert_eq!(measured.files[0].digests, measured.files[2].digests);
}

#[test]
fn item_63_a_link_out_of_the_model_is_refused() {
    let outside = model(&[("secret", "s")]);
    for target in
        ["../outside", "sub/../../x", "/etc/passwd", outside.path().join("secret").to_str().unwrap()]
    {
        let dir = model(&[("sub/b", "2")]);
        symlink(target, dir.path().join("link")).unwrap();
        let error = list(dir.path(), &FOLLOW).unwrap_err();
        assert!(matches!(error, DiskError::LinkEscapes { .. }), "{target}: {error}");
    }
}

#[test]
fn item_63_a_chain_of_links_that_ends_outside_is_refused() {
    let dir = model(&[("sub/b", "2")]);
    symlink("sub/hop", dir.path().join("link")).unwrap();
    symlink("../..", dir.path().join("sub/hop")).unwrap();
    assert!(matches!(list(dir.path(), &FOLLOW), Err(DiskError::LinkEscapes { .. })));
}

#[test]
fn item_63_circles_are_refused() {
    for (link, target) in [("loop", "loop"), ("sub/up", ".."), ("sub/here", "."), ("root", ".")] {
        let dir = model(&[("sub/b", "2")]);
        symlink(target, dir.path().join(link)).unwrap();
        let error = list(dir.path(), &FOLLOW).unwrap_err();
        assert!(matches!(error, DiskError::LinkCycle { .. }), "{link} -> {target}: {error}");
    }
}

#[test]
fn a_link_to_nothing_is_refused() {
    let dir = model(&[("a", "1")]);
    symlink("gone", dir.path().join("link")).unwrap();
    assert!(matches!(list(dir.path(), &FOLLOW), Err(DiskError::LinkDangles { .. })));
}

#[test]
fn links_that_multiply_each_other_are_bounded() {
    let dir = model(&[("d0/f", "1")]);
    for level in 1..40 {
        let here = dir.path().join(format!("d{level}"));
        fs::create_dir(&here).unwrap();
        for twin in 0..8 {
            symlink(format!("../d{}", level - 1), here.join(format!("l{twin}"))).unwrap();
        }
    }
    let error = list(dir.path(), &FOLLOW).unwrap_err();
    assert!(matches!(error, DiskError::TooMany { .. }), "{error}");
}

#[test]
fn item_64_a_link_into_somebody_elses_blobs_is_refused() {
    let cache = model(&[
        ("models--a--b/blobs/one", "1"),
        ("models--a--b/snapshots/c/plain", "2"),
        ("models--x--y/blobs/other", "3"),
    ]);
    let snapshot = cache.path().join("models--a--b/snapshots/c");
    symlink("../../blobs/one", snapshot.join("good")).unwrap();
    let inventory = list(&snapshot, &REFUSE).unwrap();
    assert_eq!(names(&inventory), ["good", "plain"]);
    assert!(inventory.files[0].is_hub_link && !inventory.files[1].is_hub_link);

    for target in ["../../../models--x--y/blobs/other", "../../blobs/../../models--x--y/blobs/other", "plain"]
    {
        let link = snapshot.join("bad");
        symlink(target, &link).unwrap();
        assert!(matches!(list(&snapshot, &REFUSE), Err(DiskError::Symlink { .. })), "{target}");
        fs::remove_file(link).unwrap();
    }
}

#[test]
fn item_64_a_blob_may_hop_once_into_the_shared_store_and_no_further() {
    let hash = "ab".repeat(32);
    let cache = model(&[
        (&format!("blobs/ab/{hash}"), "shared"),
        ("models--a--b/snapshots/c/sub/plain", "2"),
        ("models--a--b/blobs/x", "2"),
    ]);
    let repository = cache.path().join("models--a--b");
    symlink("../../../blobs/e", repository.join("snapshots/c/sub/file")).unwrap();
    symlink(format!("../../blobs/ab/{hash}"), repository.join("blobs/e")).unwrap();
    let snapshot = repository.join("snapshots/c");
    assert_eq!(names(&list(&snapshot, &REFUSE).unwrap()), ["sub/file", "sub/plain"]);
    assert_eq!(measure(&snapshot, &REFUSE, &Unobserved).unwrap().files[0].size, 6);

    fs::remove_file(cache.path().join(format!("blobs/ab/{hash}"))).unwrap();
    symlink("/etc/passwd", cache.path().join(format!("blobs/ab/{hash}"))).unwrap();
    list(&snapshot, &REFUSE).unwrap_err();

    fs::remove_file(repository.join("blobs/e")).unwrap();
    symlink("/etc/passwd", repository.join("blobs/e")).unwrap();
    assert!(matches!(list(&snapshot, &REFUSE), Err(DiskError::Symlink { .. })));
}

#[test]
fn item_65_a_directory_swapped_for_a_link_is_never_followed() {
    let outside = model(&[("b", "2")]);
    let dir = model(&[("sub/b", "2")]);
    let sub = dir.path().join("sub");
    let error = measure_after(dir.path(), || {
        fs::remove_dir_all(&sub).unwrap();
        symlink(outside.path(), &sub).unwrap();
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Undecided, "{error}");
}

#[test]
fn item_66_special_files_are_refused_at_once() {
    let dir = model(&[("a", "1")]);
    let fifo = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let start = Instant::now();
    assert!(matches!(list(dir.path(), &REFUSE), Err(DiskError::NotRegular { found: "FIFO", .. })));
    assert!(matches!(Model::open(&fifo), Err(DiskError::NotRegular { found: "FIFO", .. })));
    fs::remove_file(&fifo).unwrap();

    let _socket = UnixListener::bind(dir.path().join("socket")).unwrap();
    assert!(matches!(list(dir.path(), &REFUSE), Err(DiskError::NotRegular { found: "socket", .. })));
    assert!(matches!(
        Model::open(Path::new("/dev/zero")),
        Err(DiskError::NotRegular { found: "device", .. })
    ));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn item_67_a_file_that_becomes_a_fifo_does_not_hang() {
    let dir = model(&[("a", "1")]);
    let path = dir.path().join("a");
    let start = Instant::now();
    let error = measure_after(dir.path(), || {
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    })
    .unwrap_err();
    assert!(matches!(error, DiskError::NotRegular { .. }), "{error}");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn item_68_a_file_that_grows_shrinks_or_is_rewritten_while_it_is_read_is_an_error() {
    let content = "x".repeat(1_000_000);
    let fresh = || model(&[("a", &content)]);
    let append = |path: &Path| {
        let file = fs::OpenOptions::new().append(true).open(path).unwrap();
        std::io::Write::write_all(&mut &file, b"more").unwrap();
    };
    let dir = fresh();
    assert_changed(measure_during(dir.path(), || append(&dir.path().join("a"))));
    let dir = fresh();
    assert_changed(measure_during(dir.path(), || {
        fs::File::options().write(true).open(dir.path().join("a")).unwrap().set_len(5).unwrap();
    }));
    let dir = fresh();
    assert_changed(measure_during(dir.path(), || {
        fs::File::options()
            .write(true)
            .open(dir.path().join("a"))
            .unwrap()
            .write_all_at(b"y", 999_999)
            .unwrap();
    }));
    let dir = fresh();
    assert_changed(measure_after(dir.path(), || append(&dir.path().join("a"))));
}

#[test]
fn item_69_a_rewrite_with_its_mtime_set_back_is_found_by_ctime() {
    let dir = model(&[("a", "one")]);
    let path = dir.path().join("a");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    assert_changed(measure_after(dir.path(), || {
        std::thread::sleep(Duration::from_millis(20));
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.write_all_at(b"two", 0).unwrap();
        file.set_modified(before).unwrap();
    }));
}

#[test]
fn item_70_a_file_added_or_removed_after_the_walk_is_an_error() {
    let dir = model(&[("a", "1"), ("b", "2")]);
    assert_changed(measure_during(dir.path(), || fs::write(dir.path().join("c"), "3").unwrap()));
    let dir = model(&[("a", "1"), ("sub/b", "2")]);
    let model = Model::open(dir.path()).unwrap();
    let inventory = model.inventory(&REFUSE, &Unobserved).unwrap();
    let remove = During(AtomicBool::new(false), || fs::remove_file(dir.path().join("sub/b")).unwrap());
    let only_a = model.measure(&inventory, &REFUSE, |path| path.as_str() == "a", &OPTIONS, &remove);
    assert_changed(only_a);
}

#[test]
fn item_71_hard_links_are_content() {
    let dir = model(&[("a", "1")]);
    fs::hard_link(dir.path().join("a"), dir.path().join("b")).unwrap();
    let measured = measure(dir.path(), &REFUSE, &Unobserved).unwrap();
    assert_eq!(measured.files[0].digests, measured.files[1].digests);
}

#[test]
fn item_72_a_sparse_tebibyte_can_be_interrupted() {
    struct After(AtomicU64, Cancel);
    impl Observer for After {
        fn is_cancelled(&self) -> bool {
            self.1.is_cancelled()
        }
        fn advance(&self, bytes: u64) {
            if self.0.fetch_add(bytes, Ordering::Relaxed) > 1 << 20 {
                self.1.cancel();
            }
        }
    }
    let dir = model(&[("a", "")]);
    fs::File::options().write(true).open(dir.path().join("a")).unwrap().set_len(1 << 40).unwrap();
    let start = Instant::now();
    let outcome = measure(dir.path(), &REFUSE, &After(AtomicU64::new(0), Cancel::default()));
    assert!(matches!(outcome, Err(DiskError::Cancelled)));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn item_73_a_name_that_is_not_utf8_is_refused_and_shown_escaped() {
    let dir = model(&[("sub/a", "1")]);
    fs::write(dir.path().join("sub").join(OsStr::from_bytes(b"w\xff\x1b[2J.bin")), "x").unwrap();
    let error = list(dir.path(), &REFUSE).unwrap_err();
    assert!(matches!(&error, DiskError::NotUtf8 { path } if path == r"sub/w\xff\u{1b}[2J.bin"), "{error}");
}

#[test]
fn item_74_and_75_unicode_and_case_twins_are_distinct_files() {
    let dir = model(&[("caf\u{e9}", "1"), ("cafe\u{301}", "2"), ("Model.bin", "3"), ("model.bin", "4")]);
    assert_eq!(
        names(&list(dir.path(), &REFUSE).unwrap()),
        ["Model.bin", "cafe\u{301}", "caf\u{e9}", "model.bin"]
    );
}

#[test]
fn item_79_default_ignores_hold_at_the_top_level_only() {
    let dir = model(&[(".git/x", "1"), ("sub/.git/x", "2"), (".gitignore", "3"), (".gitignored", "4")]);
    let ignore = [".git", ".gitignore"].map(|name| IgnorePath::new(name).unwrap()).to_vec();
    let inventory = list(dir.path(), &WalkRules { ignore, ..REFUSE }).unwrap();
    assert_eq!(names(&inventory), [".gitignored", "sub/.git/x"]);
    let ignored: Vec<_> = inventory.ignored.iter().map(|i| (i.path.as_str(), i.kind)).collect();
    assert_eq!(ignored, [(".git", IgnoredKind::Directory), (".gitignore", IgnoredKind::File)]);
}

/// A file that cannot be read for a reason other than its rights: as root,
/// rights do not hold, so this is the kernel's own unreadable file.
#[test]
fn item_82_an_input_output_error_is_never_skipped() {
    let error = measure(Path::new("/proc/self/mem"), &REFUSE, &Unobserved).unwrap_err();
    assert!(matches!(error, DiskError::Io { action: "read", .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Undecided);
}

#[test]
fn deep_directories_are_bounded() {
    let dir = model(&[]);
    let deep = "d/".repeat(250);
    fs::create_dir_all(dir.path().join(deep)).unwrap();
    assert!(matches!(list(dir.path(), &REFUSE), Err(DiskError::TooDeep { .. })));
}

#[test]
fn a_shard_size_that_makes_too_many_shards_is_refused() {
    let dir = model(&[("a", "")]);
    fs::File::options().write(true).open(dir.path().join("a")).unwrap().set_len(1 << 40).unwrap();
    let model = Model::open(dir.path()).unwrap();
    let inventory = model.inventory(&REFUSE, &Unobserved).unwrap();
    let options = MeasureOptions { method: Method::Shards(ShardSize::new(1).unwrap()), ..OPTIONS };
    let outcome = model.measure(&inventory, &REFUSE, |_| true, &options, &Unobserved);
    assert!(matches!(outcome, Err(DiskError::TooMany { .. })));
}

#[test]
fn any_number_of_jobs_measures_the_same() {
    let big = "abcdefgh".repeat(100_000);
    let dir = model(&[("big", &big), ("empty", ""), ("sub/a", "1"), ("sub/b", "22"), ("sub/deep/c", "333")]);
    let model = Model::open(dir.path()).unwrap();
    let inventory = model.inventory(&REFUSE, &Unobserved).unwrap();
    for method in [Method::Files, Method::Shards(ShardSize::new(100_001).unwrap())] {
        for hash_type in [HashType::Sha256, HashType::Blake2b, HashType::Blake3] {
            let with = |jobs, whole_sha256| {
                let jobs = NonZeroUsize::new(jobs).unwrap();
                let options = MeasureOptions { method, hash_type, whole_sha256, jobs, copy_into: None };
                model.measure(&inventory, &REFUSE, |_| true, &options, &Unobserved).unwrap()
            };
            let one = with(1, true);
            assert_eq!(one.files, with(2, true).files);
            assert_eq!(one.files, with(16, true).files);
            assert_eq!(one.resources(method), with(16, false).resources(method));
        }
    }
}

#[test]
fn a_copy_holds_the_same_bytes_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let big = "abcdefgh".repeat(100_000);
    let dir = model(&[("big", &big), ("empty", ""), ("sub/deep/c", "333")]);
    let out = tempfile::tempdir().unwrap();
    let target = out.path().join("copy");
    let copy = PrivateDir::create_for(&target).unwrap();
    let model = Model::open(dir.path()).unwrap();
    let inventory = model.inventory(&REFUSE, &Unobserved).unwrap();
    let method = Method::Shards(ShardSize::new(1000).unwrap());
    let options = MeasureOptions { method, copy_into: Some(&copy), ..OPTIONS };
    model.measure(&inventory, &REFUSE, |path| path.as_str() != "empty", &options, &Unobserved).unwrap();
    assert!(!target.exists());
    copy.commit().unwrap();
    assert_eq!(fs::read_to_string(target.join("big")).unwrap(), big);
    assert_eq!(fs::read_to_string(target.join("sub/deep/c")).unwrap(), "333");
    assert!(!target.join("empty").exists());
    for (path, mode) in [("", 0o700), ("sub/deep", 0o700), ("big", 0o600)] {
        assert_eq!(fs::metadata(target.join(path)).unwrap().permissions().mode() & 0o777, mode, "{path}");
    }
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

#[test]
fn item_61_a_copy_refuses_names_with_another_meaning_on_windows() {
    for name in ["CON", "a:ads", "dot."] {
        let dir = model(&[(name, "1")]);
        let out = tempfile::tempdir().unwrap();
        let copy = PrivateDir::create_for(&out.path().join("copy")).unwrap();
        let model = Model::open(dir.path()).unwrap();
        let inventory = model.inventory(&REFUSE, &Unobserved).unwrap();
        let options = MeasureOptions { copy_into: Some(&copy), ..OPTIONS };
        let outcome = model.measure(&inventory, &REFUSE, |_| true, &options, &Unobserved);
        assert!(matches!(outcome, Err(DiskError::NotPortable { .. })), "{name}");
        drop(copy);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}
