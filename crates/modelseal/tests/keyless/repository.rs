//! TUF repositories that publish the trusted root, made by python-tuf and
//! served from memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use crate::peers::{self, Run};
use crate::service::{Service, answer, send};
use crate::sigstore;

type Files = BTreeMap<String, String>;

static REPOSITORIES: LazyLock<BTreeMap<String, Files>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keyless/tuf_repository.py");
    let mut python = peers::program("reference-1.1.1", "python");
    let run = Run::of(python.arg(script).arg(sigstore::file("trusted_root.json"))).exits_with(0);
    serde_json::from_value(run.json()).unwrap()
});

/// The files of a repository.
#[derive(Clone)]
pub(crate) struct Repository(Files);

impl Repository {
    fn named(name: &str) -> Self {
        Self(REPOSITORIES[name].clone())
    }

    /// One that is as it should be.
    pub(crate) fn genuine() -> Self {
        Self::named("genuine")
    }

    /// What came after it, by the same keys; its timestamp expired a day ago.
    pub(crate) fn stale() -> Self {
        Self::named("stale")
    }

    /// What came after it, by other keys, for which the same keys vouch.
    pub(crate) fn rotated() -> Self {
        Self::named("rotated")
    }

    /// Signed by the keys of somebody else.
    pub(crate) fn foreign() -> Self {
        Self::named("foreign")
    }

    /// The metadata by which it has to prove itself.
    pub(crate) fn root(&self) -> &str {
        &self.0["1.root.json"]
    }

    /// The metadata of another role, by its name.
    pub(crate) fn metadata(&self, name: &str) -> &str {
        &self.0[name]
    }

    /// With a byte of a file changed. It is found by the end of its name.
    pub(crate) fn tampered(mut self, name: &str, from: &str, to: &str) -> Self {
        let (_, text) = self.0.iter_mut().find(|(path, _)| path.ends_with(name)).expect(name);
        assert!(text.contains(from) && from.len() == to.len(), "{from} in {text}");
        *text = text.replacen(from, to, 1);
        self
    }

    /// Without a file.
    pub(crate) fn without(mut self, name: &str) -> Self {
        let before = self.0.len();
        self.0.retain(|path, _| !path.ends_with(name));
        assert_eq!(self.0.len(), before - 1, "{name}");
        self
    }

    /// Serves it until the tests end.
    pub(crate) fn serve(self) -> Service {
        Service::new(move |path, stream| {
            let file = self.0.get(path.trim_start_matches('/'));
            let file = file.map_or(answer(404, "text/plain", b""), |text| {
                answer(200, "application/octet-stream", text.as_bytes())
            });
            send(stream, &file);
        })
    }
}
