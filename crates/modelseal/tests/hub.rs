//! Models that come from the hub: published by us, downloaded by its real
//! client, verified where they then are.

#![expect(clippy::disallowed_methods, reason = "the tests build the models")]

mod peers;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use peers::{Run, key, modelseal, program, script, sign, tamper, write_files};

const LARGE: &[u8] = &[7; 100_000];

/// The stand-in serves what is over 1024 bytes as the hub serves large files.
const FILES: [(&str, &[u8]); 6] = [
    ("README.md", b"# Toy"),
    ("config.json", b"{\"a\": 1}"),
    ("model.safetensors", LARGE),
    ("onnx/deep/model.onnx", b"small, and two levels down"),
    ("twin-1.bin", &[9; 5000]),
    ("twin-2.bin", &[9; 5000]),
];

/// How the client keeps a snapshot, by what its environment asks for.
const CACHES: [(&str, &[(&str, &str)]); 3] = [
    ("by default, large files in the store that repositories share", &[]),
    ("large files in the repository", &[("HF_HUB_DISABLE_SHARED_BLOBS", "1")]),
    ("plain downloads", &[("HF_HUB_DISABLE_XET", "1")]),
];

#[test]
fn a_snapshot_in_any_cache_verifies_without_options_and_lists_its_links() {
    let hub = Hub::of(&signed_model());
    for (cache, environment) in CACHES {
        let download = hub.download(environment);
        let report = download.verify(&[]).exits_with(0).json();
        let links: Vec<_> = strings(&report["links"], "path");
        assert_eq!(links, FILES.map(|(name, _)| name), "{cache}");
        let targets = strings(&report["links"], "target");
        assert!(targets.iter().all(|target| target.contains("../blobs/")), "{cache}: {targets:?}");
    }
}

#[test]
fn the_default_cache_keeps_large_files_outside_of_the_repository() {
    let hub = Hub::of(&signed_model());
    let download = hub.download(&[]);
    let blob = download.blob("model.safetensors");
    assert!(std::fs::symlink_metadata(blob).unwrap().is_symlink(), "the test needs a chain of two links");
    let one = std::fs::canonicalize(download.snapshot.join("model.safetensors")).unwrap();
    assert_eq!(one.parent().unwrap().parent(), Some(&*download.cache().join("blobs")));
}

/// People link `~/.cache/huggingface` to a larger disk.
#[test]
fn a_snapshot_verifies_by_a_path_that_goes_through_a_link() {
    let mut download = Hub::of(&signed_model()).download(&[]);
    let alias = download.scratch.path().join("alias");
    symlink("cache", &alias).unwrap();
    download.snapshot = alias.join(download.snapshot.strip_prefix(download.cache()).unwrap());
    download.verify(&[]).exits_with(0);
}

#[test]
fn a_snapshot_verifies_strictly() {
    let download = Hub::of(&signed_model()).download(&[]);
    download.verify(&["--strict".as_ref()]).exits_with(0);
}

#[test]
fn a_snapshot_of_regular_files_verifies() {
    let hub = Hub::of(&signed_model());
    let download = hub.download(&[("HF_HUB_DISABLE_SYMLINKS", "1")]);
    let report = download.verify(&[]).exits_with(0).json();
    assert_eq!(report["links"], Value::Array(vec![]));
}

#[test]
fn a_local_directory_verifies_and_the_bookkeeping_of_the_client_is_listed_as_ignored() {
    let hub = Hub::of(&signed_model());
    let download = hub.download_to_directory();
    let report = download.verify(&[]).exits_with(0).json();
    assert_eq!(report["links"], Value::Array(vec![]));
    assert_eq!(strings(&report["not_signed"], "path"), [".cache/huggingface", "model.sig"]);
    assert_eq!(strings(&report["not_signed"], "kind"), ["directory", "file"]);
    assert_eq!(strings(&report["not_signed"], "reason"), ["ignored-by-signer", "evidence"]);
}

#[test]
fn a_tampered_blob_is_refused_in_any_cache() {
    let hub = Hub::of(&signed_model());
    for (cache, environment) in CACHES {
        for name in ["model.safetensors", "onnx/deep/model.onnx"] {
            let download = hub.download(environment);
            tamper(&std::fs::canonicalize(download.snapshot.join(name)).unwrap());
            let report = download.verify(&[]).exits_with(1).json();
            let changed = strings(&report["error"]["differences"]["changed"], "name");
            assert_eq!(changed, [name], "{cache}");
        }
    }
}

#[test]
fn one_tampered_blob_is_refused_under_each_of_its_names() {
    let download = Hub::of(&signed_model()).download(&[]);
    tamper(&std::fs::canonicalize(download.snapshot.join("twin-1.bin")).unwrap());
    let report = download.verify(&[]).exits_with(1).json();
    let changed = strings(&report["error"]["differences"]["changed"], "name");
    assert_eq!(changed, ["twin-1.bin", "twin-2.bin"]);
}

#[test]
fn a_tampered_file_in_a_local_directory_is_refused() {
    let download = Hub::of(&signed_model()).download_to_directory();
    tamper(&download.snapshot.join("onnx/deep/model.onnx"));
    download.verify(&[]).exits_with(1);
}

#[test]
fn a_file_missing_from_a_snapshot_is_refused() {
    let download = Hub::of(&signed_model()).download(&[]);
    std::fs::remove_file(download.snapshot.join("config.json")).unwrap();
    let report = download.verify(&[]).exits_with(1).json();
    assert_eq!(report["error"]["differences"]["missing"][0], "config.json");
}

#[test]
fn a_link_added_to_a_snapshot_is_refused() {
    let download = Hub::of(&signed_model()).download(&[]);
    let target = std::fs::read_link(download.snapshot.join("config.json")).unwrap();
    symlink(target, download.snapshot.join("extra.json")).unwrap();
    let report = download.verify(&[]).exits_with(1).json();
    assert_eq!(report["error"]["differences"]["not_signed"][0], "extra.json");
}

#[test]
fn a_copy_of_a_snapshot_has_the_signed_files_and_no_links() {
    let hub = Hub::of(&signed_model());
    for (cache, environment) in CACHES {
        let download = hub.download(environment);
        let copy = download.scratch.path().join("copy");
        download.verify(&["--into".as_ref(), copy.as_os_str()]).exits_with(0);
        assert_eq!(regular_files(&copy), FILES.map(|(name, _)| name), "{cache}");
        for (name, content) in FILES {
            assert_eq!(std::fs::read(copy.join(name)).unwrap(), content, "{cache}: {name}");
        }
    }
}

#[test]
fn the_copy_of_a_tampered_snapshot_does_not_appear() {
    let download = Hub::of(&signed_model()).download(&[]);
    tamper(&std::fs::canonicalize(download.snapshot.join("model.safetensors")).unwrap());
    let copy = download.scratch.path().join("copy");
    download.verify(&["--into".as_ref(), copy.as_os_str()]).exits_with(1);
    assert!(!copy.exists());
}

/// The content behind each of these links is the signed one.
#[test]
fn a_link_that_leaves_the_repository_is_refused_whatever_it_shows() {
    let model = signed_model();
    let (hub, other) = (Hub::of(&model), Hub::named(&model, "acme/other"));
    for (what, target) in REDIRECTIONS {
        let download = hub.download(&[]);
        other.download_into(&download.scratch, &[]);
        let link = download.snapshot.join("config.json");
        println!("{what}");
        download.assert_refuses_a_link_at(&link, &target(&download));
    }
}

type Redirection = fn(&Download) -> PathBuf;

const REDIRECTIONS: [(&str, Redirection); 6] = [
    ("the blob of another repository", |download| {
        Path::new("../../../models--acme--other/blobs")
            .join(download.blob("config.json").file_name().unwrap())
    }),
    ("the snapshot of another repository", |download| {
        let commit = std::fs::read_to_string(download.cache().join("models--acme--other/refs/main")).unwrap();
        Path::new("../../../models--acme--other/snapshots").join(commit).join("config.json")
    }),
    ("its own blob, by an absolute path", |download| download.blob("config.json")),
    ("a file outside of the cache, by a relative path", |download| {
        std::fs::write(download.scratch.path().join("outside"), FILES[1].1).unwrap();
        "../../../../outside".into()
    }),
    ("a file outside of the cache, by an absolute path", |download| {
        let outside = download.scratch.path().join("outside");
        std::fs::write(&outside, FILES[1].1).unwrap();
        outside
    }),
    ("its own blob, by a way around", |download| {
        Path::new("../../../models--acme--toy/blobs").join(download.blob("config.json").file_name().unwrap())
    }),
];

#[test]
fn a_blob_that_was_made_a_link_to_anything_but_the_store_is_refused() {
    let model = signed_model();
    let (hub, other) = (Hub::of(&model), Hub::named(&model, "acme/other"));
    for name in ["config.json", "model.safetensors"] {
        let targets: [fn(&Download, &str) -> PathBuf; 3] = [
            |_, _| "../../../outside".into(),
            |download, _| download.scratch.path().join("outside"),
            |download, name| {
                Path::new("../../models--acme--other/blobs").join(download.blob(name).file_name().unwrap())
            },
        ];
        for target in targets {
            let download = hub.download(&[]);
            other.download_into(&download.scratch, &[]);
            std::fs::copy(download.snapshot.join(name), download.scratch.path().join("outside")).unwrap();
            download.assert_refuses_a_link_at(&download.blob(name), &target(&download, name));
        }
    }
}

#[test]
fn a_payload_of_the_shared_store_that_was_made_a_link_is_refused() {
    let download = Hub::of(&signed_model()).download(&[]);
    let payload = std::fs::canonicalize(download.snapshot.join("model.safetensors")).unwrap();
    std::fs::copy(&payload, payload.with_extension("moved")).unwrap();
    let target = payload.with_extension("moved");
    download.assert_refuses_a_link_at(&payload, Path::new(target.file_name().unwrap()));
}

#[test]
fn a_directory_of_the_shared_store_that_was_made_a_link_is_refused() {
    let download = Hub::of(&signed_model()).download(&[]);
    let stored = |name| std::fs::canonicalize(download.snapshot.join(name)).unwrap();
    let (payload, signature) = (stored("model.safetensors"), stored("model.sig"));
    assert!(payload.starts_with(download.cache().join("blobs")), "{}", payload.display());
    // Directories are named by the beginning of digests.
    assert_ne!(payload.parent(), signature.parent(), "the test needs them apart");
    let moved = download.scratch.path().join("moved");
    std::fs::rename(payload.parent().unwrap(), &moved).unwrap();
    symlink(&moved, payload.parent().unwrap()).unwrap();
    download.assert_refuses_a_link();
}

#[test]
fn a_directory_of_a_snapshot_that_was_made_a_link_is_refused() {
    let download = Hub::of(&signed_model()).download(&[]);
    let directory = download.snapshot.join("onnx");
    // Two levels up from here its links lead to the blobs as before.
    let moved = download.snapshot.with_file_name("moved");
    std::fs::rename(&directory, &moved).unwrap();
    symlink("../moved", &directory).unwrap();
    download.assert_refuses_a_link();
}

/// It signs without a thought for what the hub's client puts beside the files.
#[test]
fn what_the_reference_signed_needs_the_option_that_the_help_names() {
    let scratch = TempDir::new().unwrap();
    let model = scratch.path().join("model");
    write_files(&model, &FILES);
    let mut command = program("reference-1.1.1", "model_signing");
    command.args(["sign", "key", "--private_key"]).arg(key("p256.pem"));
    Run::of(command.arg("--signature").arg(model.join("model.sig")).arg(&model)).exits_with(0);

    let download = Hub::of(&(scratch, model)).download_to_directory();
    let public_key = key("p256.pub");
    let plain = ["verify".as_ref(), download.snapshot.as_os_str(), "--key".as_ref(), public_key.as_os_str()];
    let refused = modelseal(plain).exits_with(1);
    let help = refused.stderr.lines().find(|line| line.starts_with("help: ")).expect("a help line");
    assert!(help.contains("--ignore .cache/huggingface"), "{help}");
    download.verify(&["--ignore".as_ref(), ".cache/huggingface".as_ref()]).exits_with(0);
}

/// A model with its signature in it, as it is published.
fn signed_model() -> (TempDir, PathBuf) {
    let scratch = TempDir::new().unwrap();
    let model = scratch.path().join("model");
    write_files(&model, &FILES);
    sign(&model, &model.join("model.sig"), "p256", &[]);
    (scratch, model)
}

/// A hub that serves one repository until it is dropped.
struct Hub {
    server: Child,
    url: String,
    repository: &'static str,
}

impl Hub {
    fn of(model: &(TempDir, PathBuf)) -> Self {
        Self::named(model, "acme/toy")
    }

    fn named((_, model): &(TempDir, PathBuf), repository: &'static str) -> Self {
        let mut command = script("hub", "hub_stand_in.py");
        command.arg(model).arg(repository).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("the stand-in for the hub starts");
        let stdout = server.stdout.take().expect("a pipe");
        let mut hub = Self { server, url: String::new(), repository };
        BufReader::new(stdout).read_line(&mut hub.url).expect("the address of the stand-in");
        hub.url.truncate(hub.url.trim_end().len());
        assert!(hub.url.starts_with("http://127.0.0.1:"), "the stand-in for the hub says {:?}", hub.url);
        hub
    }

    /// Into a cache of its own.
    fn download(&self, environment: &[(&str, &str)]) -> Download {
        let scratch = TempDir::new().unwrap();
        let snapshot = self.download_into(&scratch, environment);
        Download { scratch, snapshot }
    }

    fn download_into(&self, scratch: &TempDir, environment: &[(&str, &str)]) -> PathBuf {
        self.run_client(scratch, &[], environment)
    }

    /// Into a directory that the user named, and no cache.
    fn download_to_directory(&self) -> Download {
        let scratch = TempDir::new().unwrap();
        let directory = scratch.path().join("directory");
        let snapshot = self.run_client(&scratch, &[directory.as_ref()], &[]);
        Download { scratch, snapshot }
    }

    fn run_client(&self, scratch: &TempDir, local: &[&OsStr], environment: &[(&str, &str)]) -> PathBuf {
        let mut command = script("hub", "hub_download.py");
        for name in
            ["HF_HUB_DISABLE_SHARED_BLOBS", "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_SYMLINKS", "HF_HUB_OFFLINE"]
        {
            command.env_remove(name);
        }
        command.arg(&self.url).arg(self.repository).arg(scratch.path().join("cache")).args(local);
        let printed = Run::of(command.envs(environment.iter().copied())).exits_with(0).stdout;
        PathBuf::from(printed.trim_end())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.server.kill().expect("the stand-in for the hub is still there");
        self.server.wait().expect("the stand-in for the hub ends");
    }
}

/// What the client made of a repository.
struct Download {
    scratch: TempDir,
    snapshot: PathBuf,
}

impl Download {
    fn cache(&self) -> PathBuf {
        std::fs::canonicalize(self.scratch.path().join("cache")).unwrap()
    }

    /// What the link `name` of the snapshot points at.
    fn blob(&self, name: &str) -> PathBuf {
        let target = std::fs::read_link(self.snapshot.join(name)).unwrap();
        self.cache().join("models--acme--toy/blobs").join(target.file_name().unwrap())
    }

    /// Puts a link in place of `path`, which shows the same content.
    #[track_caller]
    fn assert_refuses_a_link_at(&self, path: &Path, target: &Path) {
        let content = std::fs::read(path).unwrap();
        std::fs::remove_file(path).unwrap();
        symlink(target, path).unwrap();
        assert_eq!(std::fs::read(path).unwrap(), content, "the test needs the same content");
        self.assert_refuses_a_link();
    }

    #[track_caller]
    fn assert_refuses_a_link(&self) {
        let report = self.verify(&[]).exits_with(1).json();
        assert!(report["error"]["code"].as_str().unwrap().starts_with("symlink"), "{report:#}");
    }

    fn verify(&self, options: &[&OsStr]) -> Run {
        let public_key = key("p256.pub");
        let mut arguments =
            vec![OsStr::new("verify"), self.snapshot.as_ref(), "--format".as_ref(), "json".as_ref()];
        arguments.extend(["--key".as_ref(), public_key.as_os_str()]);
        arguments.extend(options);
        modelseal(arguments)
    }
}

/// Those of an array of objects that stand under `field`.
fn strings<'a>(array: &'a Value, field: &str) -> Vec<&'a str> {
    let entries = array.as_array().unwrap_or_else(|| panic!("no array: {array}"));
    entries.iter().filter_map(|entry| entry[field].as_str()).collect()
}

/// The names of everything below `root`, sorted; nothing but regular files and
/// directories may be there.
fn regular_files(root: &Path) -> Vec<String> {
    let mut names = vec![];
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            assert!(kind.is_file() || kind.is_dir(), "{}: {kind:?}", entry.path().display());
            if kind.is_dir() {
                directories.push(entry.path());
            } else {
                names.push(entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    names.sort();
    names
}
