//! The trust material of a Sigstore instance, fetched and kept by The Update
//! Framework (TUF), which is the only way by which a newer one replaces what
//! came with this library.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use modelseal_disk::{DiskError, Overwrite, read_regular, write_output};
use modelseal_manifest::Escaped;
use modelseal_verify::{Timestamp, TrustedRoot, TrustedRootError};
use sigstore_trust_root::{SIGNING_CONFIG_TARGET, SigstoreInstance, TRUSTED_ROOT_TARGET};
use sigstore_tuf::reqwest::{Client, Url, redirect};
use sigstore_tuf::{FileStore, HttpRepository, MetadataStore, StoreRepository, Updater};

/// Beside what is kept: when it was fetched. It is shown, and proves nothing.
const FETCHED: &str = "fetched";
const MAX_TIME_BYTES: u64 = 64;
/// The most that the library reads of metadata.
const MAX_KEPT_BYTES: u64 = 5_000_000;

/// A TUF repository that publishes trust material, and the root metadata that
/// it has to prove itself by.
#[derive(Clone, Debug)]
pub struct TrustRepository {
    url: String,
    root: Vec<u8>,
    cache: Option<PathBuf>,
}

/// What a repository publishes.
#[derive(Clone, Debug)]
pub struct TrustMaterial {
    /// The trusted root.
    pub trusted_root: TrustedRoot,
    /// Its JSON.
    pub trusted_root_json: Vec<u8>,
    /// The JSON of the signing configuration, where there is one.
    pub signing_config_json: Option<Vec<u8>>,
}

/// How long a repository may take.
#[derive(Clone, Copy, Debug)]
pub struct FetchTimeouts {
    /// To be reached.
    pub connect: Duration,
    /// For one request.
    pub request: Duration,
    /// For everything.
    pub total: Duration,
}

impl Default for FetchTimeouts {
    fn default() -> Self {
        let [connect, request, total] = [10, 30, 120].map(Duration::from_secs);
        Self { connect, request, total }
    }
}

impl FetchTimeouts {
    /// So long for each request, and four times as long for everything.
    pub fn each(request: Duration) -> Self {
        let usual = Self::default();
        Self { connect: usual.connect.min(request), request, total: request.saturating_mul(4) }
    }
}

impl TrustRepository {
    /// That of the public instance.
    pub fn production() -> Self {
        Self::of(SigstoreInstance::PublicGood)
    }

    /// That of the public instance for tests.
    pub fn staging() -> Self {
        Self::of(SigstoreInstance::Staging)
    }

    fn of(instance: SigstoreInstance) -> Self {
        Self::new(instance.tuf_url(), instance.tuf_root().to_vec())
    }

    /// Another one, by its root metadata, which the caller vouches for.
    pub fn new(url: impl Into<String>, root: Vec<u8>) -> Self {
        Self { url: url.into(), root, cache: None }
    }

    /// Keeps what was verified in this directory, which nobody has to trust:
    /// it is verified anew whenever it is read.
    #[must_use]
    pub fn kept_in(self, directory: PathBuf) -> Self {
        Self { cache: Some(directory), ..self }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Fetches what is current.
    ///
    /// # Errors
    /// [`TrustMaterialError`].
    pub fn fetch(
        &self,
        now: Timestamp,
        timeouts: FetchTimeouts,
    ) -> Result<TrustMaterial, TrustMaterialError> {
        self.check_url()?;
        let failed = |reason: String| TrustMaterialError::Fetch { url: self.url.clone(), reason };
        let client = Client::builder()
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.request)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("modelseal/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| failed(chain(&error)))?;
        let repository = HttpRepository::new(&self.url).map_err(|error| failed(chain(&error)))?;
        let updater = Updater::new(repository.with_http_client(client), &self.root);
        let updater = updater.map_err(|error| TrustMaterialError::Root { reason: chain(&error) })?;
        let updater = match &self.cache {
            Some(directory) => updater.with_store(Kept::new(directory)),
            None => updater,
        };
        let read = async {
            let read = tokio::time::timeout(timeouts.total, read(updater, now)).await;
            read.map_err(|_| format!("it took longer than {} s", timeouts.total.as_secs()))?
        };
        let material = self.material(block_on(read).and_then(|read| read).map_err(failed)?, now)?;
        if let Some(directory) = &self.cache {
            write_output(&directory.join(FETCHED), now.to_string().as_bytes(), 0o644, Overwrite::Replace)
                .map_err(|error| self.broken(error.to_string()))?;
        }
        Ok(material)
    }

    /// Gives what was kept, if all of it still verifies, and has not expired.
    /// Nothing, if nothing was kept.
    ///
    /// # Errors
    /// [`TrustMaterialError::Kept`].
    pub fn kept(&self, now: Timestamp) -> Result<Option<TrustMaterial>, TrustMaterialError> {
        let Some(directory) = &self.cache else { return Ok(None) };
        let failed = |reason: String| self.broken(reason);
        let fetched = match read_regular(&directory.join(FETCHED), MAX_TIME_BYTES) {
            Err(DiskError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
            Ok(text) => String::from_utf8_lossy(&text)
                .parse()
                .map_err(|_| failed(format!("the file {FETCHED} does not say when it was fetched")))?,
        };
        let store = Kept::new(directory);
        let updater = Updater::new(StoreRepository::new(store.clone()), &self.root);
        let updater = updater.map_err(|error| failed(chain(&error)))?.with_store(store);
        let read = block_on(read(updater, now)).and_then(|read| read).map_err(failed)?;
        self.material(read, fetched).map(Some)
    }

    fn broken(&self, reason: String) -> TrustMaterialError {
        TrustMaterialError::Kept { directory: self.cache.clone().unwrap_or_default(), reason }
    }

    fn material(
        &self,
        (trusted_root_json, signing_config_json): (Vec<u8>, Option<Vec<u8>>),
        at: Timestamp,
    ) -> Result<TrustMaterial, TrustMaterialError> {
        let trusted_root = TrustedRoot::updated(&trusted_root_json, at)
            .map_err(|source| TrustMaterialError::TrustedRoot { url: self.url.clone(), source })?;
        Ok(TrustMaterial { trusted_root, trusted_root_json, signing_config_json })
    }

    /// What is fetched is signed, but a mirror without TLS could hold it back.
    fn check_url(&self) -> Result<(), TrustMaterialError> {
        let url = Url::parse(&self.url).ok();
        let is_loopback = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let is_fine = |url: &Url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        if url.as_ref().is_some_and(is_fine) {
            Ok(())
        } else {
            Err(TrustMaterialError::Url { url: self.url.clone() })
        }
    }
}

/// What was kept in a directory, read by the one door to the disk: regular
/// files alone, and no more of them than such a file has.
#[derive(Clone, Debug)]
struct Kept {
    directory: PathBuf,
    files: FileStore,
}

impl Kept {
    fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), files: FileStore::new(directory) }
    }
}

impl MetadataStore for Kept {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        if !Path::new(name).components().all(is_plain) {
            return Err(sigstore_tuf::Error::Malformed(format!("unsafe name {name:?}")));
        }
        match read_regular(&self.directory.join(name), MAX_KEPT_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(DiskError::NotFound { .. }) => Ok(None),
            Err(error) => Err(sigstore_tuf::Error::Malformed(error.to_string())),
        }
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        self.files.store(name, bytes)
    }
}

async fn read(mut updater: Updater, now: Timestamp) -> Result<(Vec<u8>, Option<Vec<u8>>), String> {
    updater.refresh(now).await.map_err(|error| chain(&error))?;
    let root = updater.get_target(TRUSTED_ROOT_TARGET, now).await.map_err(|error| chain(&error))?;
    let config = match updater.get_target(SIGNING_CONFIG_TARGET, now).await {
        Ok(config) => Some(config),
        Err(sigstore_tuf::Error::TargetNotFound(_)) => None,
        Err(error) => return Err(chain(&error)),
    };
    Ok((root, config))
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let outcome = runtime.block_on(future);
    // The system's resolver cannot be interrupted: it is not waited for.
    runtime.shutdown_background();
    Ok(outcome)
}

/// An error and what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Escaped(&text).to_string()
}

/// Why there is no trust material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustMaterialError {
    /// A URL that nothing is fetched from.
    #[error("{url}: not an https URL (http is for this very machine)")]
    Url {
        /// Which.
        url: String,
    },
    /// The root metadata that was given is none.
    #[error("the root metadata of the TUF repository: {reason}")]
    Root {
        /// What is wrong with it.
        reason: String,
    },
    /// The repository did not give what it has to, or could not prove it.
    #[error("{url}: {reason}")]
    Fetch {
        /// Which repository.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// What was kept does not verify any more.
    #[error("{}: {reason}", directory.display())]
    Kept {
        /// Where it is kept.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What was published is no trusted root.
    #[error("{url}: the trusted root: {source}")]
    TrustedRoot {
        /// By which repository.
        url: String,
        /// What is wrong with it.
        source: TrustedRootError,
    },
}
