//! Fetching trusted roots through TUF, and keeping them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use modelseal::{FetchTimeouts, RootSource, Timestamp, TrustMaterialError, TrustRepository};
use tempfile::TempDir;

use crate::genuine::BY_PERSON;
use crate::repository::Repository;
use crate::scene::{Scene, succeeds};
use crate::service::{NOWHERE, Service};
use crate::sigstore::{self, Signer};

const QUICKLY: FetchTimeouts = FetchTimeouts {
    connect: Duration::from_secs(1),
    request: Duration::from_secs(1),
    total: Duration::from_secs(2),
};

/// `modelseal trust update` from another repository than the public one.
fn update(scene: &Scene, url: &str, root: &str) -> Command {
    scene.write("tuf-root.json", root);
    let update = ["trust", "update", "--format", "json", "--output", "fetched.json"];
    scene.command(update.iter().chain(&["--tuf-url", url, "--tuf-root", "tuf-root.json"]))
}

#[track_caller]
fn is_refused(repository: Repository, root: &Repository, words: &[&str]) {
    let (scene, server) = (Scene::new(), repository.serve());
    let url = server.url();
    let mut update = update(&scene, &url, root.root());
    let words = [&["the trusted root was not fetched", &url], words].concat();
    scene.refuses(&mut update, 3, "trust-update", &words);
    assert!(!server.asked().is_empty());
}

#[test]
fn the_root_of_a_repository_is_fetched_and_verifies() {
    let (scene, server) = (Scene::with(&BY_PERSON), Repository::genuine().serve());
    let report = succeeds(&mut update(&scene, &server.url(), Repository::genuine().root()));
    assert_eq!(report["outcome"], "updated");
    assert_eq!(report["repository"], server.url());
    assert_eq!(report["kept"], false);
    assert_eq!(report["trusted_root"]["age_days"], 0);
    let fetched = fs::read(scene.at("fetched.json")).unwrap();
    assert_eq!(fetched, fs::read(sigstore::file("trusted_root.json")).unwrap());
    let who = ["--identity", Signer::Person.identity(), "--issuer", Signer::Person.issuer()];
    let verify = ["verify", "model", "--format", "json", "--trusted-root", "fetched.json"];
    succeeds(&mut scene.command(verify.iter().chain(&who)));
}

#[test]
fn another_repository_than_the_public_one_is_not_kept() {
    let (scene, server) = (Scene::new(), Repository::genuine().serve());
    succeeds(&mut update(&scene, &server.url(), Repository::genuine().root()));
    assert_eq!(fs::read_dir(scene.at("home")).unwrap().count(), 0);
    let shown = succeeds(&mut scene.command(["trust", "show", "--format", "json"]));
    assert_eq!(shown["trusted_root"]["source"], "embedded");
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let (scene, server) = (Scene::new(), Repository::genuine().serve());
    scene.write("fetched.json", "not to be lost");
    let root = Repository::genuine();
    scene.refuses(&mut update(&scene, &server.url(), root.root()), 2, "exists", &["fetched.json", "--force"]);
    assert_eq!(fs::read_to_string(scene.at("fetched.json")).unwrap(), "not to be lost");
    succeeds(update(&scene, &server.url(), root.root()).arg("--force"));
    assert_ne!(fs::read_to_string(scene.at("fetched.json")).unwrap(), "not to be lost");
}

#[test]
fn a_root_that_was_tampered_with_is_refused() {
    let genuine = Repository::genuine();
    let tampered = genuine.clone().tampered(".trusted_root.json", "modelseal.test", "modelseal.evil");
    is_refused(tampered, &genuine, &["trusted_root.json"]);
}

#[test]
fn metadata_that_was_tampered_with_is_refused() {
    let genuine = Repository::genuine();
    for name in ["timestamp.json", "1.snapshot.json", "1.targets.json"] {
        is_refused(genuine.clone().tampered(name, "\"version\":1", "\"version\":7"), &genuine, &[]);
    }
}

#[test]
fn a_timestamp_that_expired_is_refused() {
    is_refused(Repository::stale(), &Repository::genuine(), &["expired"]);
}

#[test]
fn a_repository_that_other_keys_signed_is_refused() {
    is_refused(Repository::foreign(), &Repository::genuine(), &[]);
    is_refused(Repository::genuine(), &Repository::foreign(), &[]);
}

#[test]
fn a_repository_without_a_trusted_root_is_refused() {
    let genuine = Repository::genuine();
    is_refused(genuine.clone().without(".trusted_root.json"), &genuine, &["trusted_root.json"]);
    is_refused(genuine.clone().without("timestamp.json"), &genuine, &["timestamp.json"]);
}

#[test]
fn a_repository_that_is_down_or_something_else_is_named() {
    let scene = Scene::new();
    let genuine = Repository::genuine();
    let mut gone = update(&scene, NOWHERE, genuine.root());
    scene.refuses(&mut gone, 3, "trust-update", &[NOWHERE, "what was there before is still used"]);
    let other = Service::answering(200, "text/html", "<html>Please log in</html>");
    scene.refuses(&mut update(&scene, &other.url(), genuine.root()), 3, "trust-update", &[&other.url()]);
    let elsewhere = Service::answering(307, "text/html", "");
    scene.refuses(&mut update(&scene, &elsewhere.url(), genuine.root()), 3, "trust-update", &[]);
    assert!(!elsewhere.asked().contains(&"/elsewhere".to_owned()));
}

#[test]
fn a_repository_without_tls_is_for_this_machine_alone() {
    let scene = Scene::new();
    for url in ["http://tuf.example", "http://localhost.example:80", "ftp://localhost", "tuf.example"] {
        let mut update = update(&scene, url, Repository::genuine().root());
        scene.refuses(&mut update, 2, "usage", &[url, "not an https URL"]);
    }
}

#[test]
fn what_is_no_root_metadata_is_refused_before_anything_is_fetched() {
    let (scene, server) = (Scene::new(), Repository::genuine().serve());
    for root in ["", "{}", Repository::genuine().metadata("timestamp.json")] {
        let words = ["tuf-root.json", "is no root metadata of TUF"];
        scene.refuses(&mut update(&scene, &server.url(), root), 2, "trusted-root", &words);
    }
    assert_eq!(server.asked(), [""; 0]);
}

/// A directory for what is kept.
struct Kept(TempDir);

impl Kept {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The repository at a URL, and the root metadata of the genuine one.
    fn repository(&self, url: &str) -> TrustRepository {
        let root = Repository::genuine().root().as_bytes().to_vec();
        TrustRepository::new(url, root).kept_in(self.path().join("cache"))
    }

    /// Fetched from the genuine repository, which then is gone.
    fn fetched() -> Self {
        Self::fetched_in(Self::new())
    }

    fn fetched_in(kept: Self) -> Self {
        let server = Repository::genuine().serve();
        let fetched = kept.repository(&server.url()).fetch(Timestamp::now(), QUICKLY).unwrap();
        assert_eq!(fetched.trusted_root_json, trusted_root());
        kept
    }

    fn offline(&self) -> TrustRepository {
        self.repository(NOWHERE)
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.path().join("cache").join(name)
    }
}

fn trusted_root() -> Vec<u8> {
    fs::read(sigstore::file("trusted_root.json")).unwrap()
}

#[test]
fn what_was_fetched_is_kept_and_read_offline() {
    let kept = Kept::fetched();
    let material = kept.offline().kept(Timestamp::now()).unwrap().unwrap();
    assert_eq!(material.trusted_root_json, trusted_root());
    assert_eq!(material.signing_config_json, None);
    assert!(matches!(material.trusted_root.source(), RootSource::Updated { .. }));
}

#[test]
fn where_nothing_was_fetched_nothing_is_kept() {
    let kept = Kept::new();
    assert!(kept.offline().kept(Timestamp::now()).unwrap().is_none());
    let without_a_cache = TrustRepository::new(NOWHERE, Repository::genuine().root().into());
    assert!(without_a_cache.kept(Timestamp::now()).unwrap().is_none());
    assert!(kept.offline().fetch(Timestamp::now(), QUICKLY).is_err());
    assert!(kept.offline().kept(Timestamp::now()).unwrap().is_none());
}

#[test]
fn keys_that_were_rotated_are_followed_and_kept() {
    let kept = Kept::fetched();
    let server = Repository::rotated().serve();
    kept.repository(&server.url()).fetch(Timestamp::now(), QUICKLY).unwrap();
    let material = kept.offline().kept(Timestamp::now()).unwrap().unwrap();
    assert_eq!(material.trusted_root_json, trusted_root());
    // From now on the old keys say nothing.
    let server = Repository::genuine().serve();
    assert!(kept.repository(&server.url()).fetch(Timestamp::now(), QUICKLY).is_err());
}

#[test]
fn item_55_a_root_that_was_planted_in_the_cache_is_ignored() {
    for name in ["root.json", "1.root.json", "root_history/1.root.json", "root_history/2.root.json"] {
        let kept = Kept::fetched();
        fs::write(kept.file(name), Repository::foreign().root()).unwrap();
        let material = kept.offline().kept(Timestamp::now()).unwrap().unwrap();
        assert_eq!(material.trusted_root_json, trusted_root(), "{name}");
    }
}

#[test]
fn item_55_a_successor_that_was_planted_in_the_cache_is_refused() {
    let kept = Kept::fetched();
    for root in [Repository::foreign().root(), Repository::genuine().root(), "{}"] {
        fs::write(kept.file("2.root.json"), root).unwrap();
        let refused = kept.offline().kept(Timestamp::now()).unwrap_err();
        assert!(matches!(refused, TrustMaterialError::Kept { .. }), "{refused}");
    }
}

#[test]
fn item_55_a_whole_repository_that_was_planted_in_the_cache_is_refused() {
    let planted = Kept::new();
    let server = Repository::foreign().serve();
    let root = Repository::foreign().root().into();
    let theirs = TrustRepository::new(server.url(), root).kept_in(planted.path().join("cache"));
    theirs.fetch(Timestamp::now(), QUICKLY).unwrap();
    let refused = planted.offline().kept(Timestamp::now()).unwrap_err();
    assert!(matches!(refused, TrustMaterialError::Kept { .. }), "{refused}");
    // The genuine repository still can be fetched from.
    let kept = Kept::fetched_in(planted);
    assert!(kept.offline().kept(Timestamp::now()).unwrap().is_some());
}

#[test]
fn item_56_a_kept_root_that_was_tampered_with_is_refused() {
    let kept = Kept::fetched();
    let target = kept.file("targets/trusted_root.json");
    let text = fs::read_to_string(&target).unwrap();
    fs::write(target, text.replacen("modelseal.test", "modelseal.evil", 1)).unwrap();
    let refused = kept.offline().kept(Timestamp::now()).unwrap_err();
    assert!(matches!(&refused, TrustMaterialError::Kept { directory, .. } if *directory == kept.file("")));
}

#[test]
fn item_56_kept_metadata_that_is_spoilt_or_gone_is_refused() {
    for names in
        [&["timestamp.json"][..], &["targets.json"], &["fetched"], &["snapshot.json", "1.snapshot.json"]]
    {
        let kept = Kept::fetched();
        for name in names {
            fs::write(kept.file(name), "{}").unwrap();
        }
        assert!(kept.offline().kept(Timestamp::now()).is_err(), "{names:?}");
    }
    for name in ["timestamp.json", "targets.json", "targets/trusted_root.json"] {
        let kept = Kept::fetched();
        fs::remove_file(kept.file(name)).unwrap();
        assert!(kept.offline().kept(Timestamp::now()).is_err(), "{name}");
    }
}

#[test]
fn item_56_a_kept_root_whose_timestamp_expired_is_refused() {
    let kept = Kept::fetched();
    let in_eight_days = Timestamp::from_second(Timestamp::now().as_second() + 8 * 24 * 60 * 60).unwrap();
    let refused = kept.offline().kept(in_eight_days).unwrap_err();
    assert!(refused.to_string().contains("expired"), "{refused}");
}

#[test]
fn an_update_that_fails_leaves_what_was_kept() {
    let kept = Kept::fetched();
    for repository in [Repository::stale(), Repository::foreign()] {
        let server = repository.serve();
        assert!(kept.repository(&server.url()).fetch(Timestamp::now(), QUICKLY).is_err());
        let material = kept.offline().kept(Timestamp::now()).unwrap().unwrap();
        assert_eq!(material.trusted_root_json, trusted_root());
    }
}

#[test]
fn item_58_a_repository_that_drips_bytes_is_not_waited_for() {
    for server in [Service::dripping("application/json"), Service::silent()] {
        let kept = Kept::new();
        let started = Instant::now();
        let refused = kept.repository(&server.url()).fetch(Timestamp::now(), QUICKLY).unwrap_err();
        assert!(
            matches!(&refused, TrustMaterialError::Fetch { url, .. } if *url == server.url()),
            "{refused}"
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert!(kept.offline().kept(Timestamp::now()).unwrap().is_none());
    }
}

/// Where the system has a file system in memory, it is another one than that
/// of temporary files.
#[test]
fn item_59_a_cache_on_another_file_system_works() {
    let shared_memory = Path::new("/dev/shm");
    let kept = if shared_memory.is_dir() { TempDir::new_in(shared_memory) } else { tempfile::tempdir() };
    let kept = Kept::fetched_in(Kept(kept.unwrap()));
    assert!(kept.offline().kept(Timestamp::now()).unwrap().is_some());
}
