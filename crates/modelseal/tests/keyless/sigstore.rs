//! The private Sigstore: its files, its services, and those whom its issuer
//! speaks for.

use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::http;

static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::var_os("MODELSEAL_STACK");
    let directory = directory.expect("MODELSEAL_STACK must name what `cargo xtask stack up` made");
    std::path::absolute(directory).expect("a path")
});

static SERVICES: LazyLock<Value> = LazyLock::new(|| json("stack.json"));

/// The path of one of its files. Those below `foreign` are of another instance.
pub(crate) fn file(name: &str) -> String {
    let path = DIRECTORY.join(name);
    assert!(path.exists(), "{} is missing", path.display());
    path.into_os_string().into_string().unwrap()
}

/// What is in a file of JSON.
pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file(name)).unwrap()).unwrap()
}

/// Where a service is.
pub(crate) fn url(service: &str) -> &'static str {
    SERVICES[service].as_str().unwrap_or_else(|| panic!("no {service} in {}", *SERVICES))
}

/// Somebody whom the issuer speaks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signer {
    Person,
    Workflow,
}

impl Signer {
    /// As it stands in certificates.
    pub(crate) fn identity(self) -> &'static str {
        match self {
            Self::Person => "release@acme.example",
            Self::Workflow => "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main",
        }
    }

    pub(crate) fn issuer(self) -> &'static str {
        match self {
            Self::Person => url("email_issuer"),
            Self::Workflow => url("github_issuer"),
        }
    }

    /// A token that Fulcio takes.
    pub(crate) fn token(self) -> String {
        self.token_with(&json!({}))
    }

    /// The same, with claims replaced; those that are null are left out.
    pub(crate) fn token_with(self, claims: &Value) -> String {
        self.mint(json!({ "claims": claims }))
    }

    /// A token under a key that the issuer does not publish.
    pub(crate) fn forged_token(self) -> String {
        self.mint(json!({ "key": "foreign" }))
    }

    fn mint(self, mut wish: Value) -> String {
        wish["issuer"] = match self {
            Self::Person => "email".into(),
            Self::Workflow => "gh".into(),
        };
        http::post(&format!("{}/mint", url("issuer")), &wish)
    }
}

/// The signing configuration, changed.
pub(crate) fn services(change: impl FnOnce(&mut Value)) -> Value {
    let mut config = json("signing_config.json");
    change(&mut config);
    config
}

/// The same with services elsewhere, by the names of their fields.
pub(crate) fn services_at(places: &[(&str, &str)]) -> Value {
    services(|config| {
        for (field, url) in places {
            assert!(config[*field][0]["url"].is_string(), "no {field} in {config}");
            config[*field][0]["url"] = (*url).into();
        }
    })
}

/// The trusted root, changed.
pub(crate) fn root(change: impl FnOnce(&mut Value)) -> Value {
    let mut root = json("trusted_root.json");
    change(&mut root);
    root
}
