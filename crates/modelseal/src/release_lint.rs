//! Files that rarely belong in a release. Signing warns of them and signs
//! them: what a model holds is its publisher's business.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Display};

use modelseal_manifest::ManifestPath;
use unicode_normalization::UnicodeNormalization;

/// A file that rarely belongs in a release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The file.
    pub path: ManifestPath,
    /// Why it is suspect.
    pub kind: FindingKind,
}

/// Why a file is suspect.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FindingKind {
    /// It may hold passwords or tokens.
    Secrets,
    /// It looks like a private key.
    PrivateKey,
    /// A program made it and makes it again.
    Cache,
    /// An editor or a file manager left it.
    EditorFile,
    /// Another name is the same on file systems that fold case.
    CaseTwin(ManifestPath),
    /// Another name is the same on file systems that normalise Unicode.
    UnicodeTwin(ManifestPath),
}

impl FindingKind {
    /// A stable code, for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Secrets => "secrets",
            Self::PrivateKey => "private-key",
            Self::Cache => "cache",
            Self::EditorFile => "editor-file",
            Self::CaseTwin(_) => "case-twin",
            Self::UnicodeTwin(_) => "unicode-twin",
        }
    }
}

impl Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secrets => f.write_str("may hold passwords or tokens"),
            Self::PrivateKey => f.write_str("looks like a private key"),
            Self::Cache => f.write_str("is a cache file"),
            Self::EditorFile => f.write_str("was left by an editor or a file manager"),
            Self::CaseTwin(twin) => {
                write!(f, "differs from \"{twin}\" by case only, and some systems keep just one of them")
            }
            Self::UnicodeTwin(twin) => {
                write!(
                    f,
                    "differs from \"{twin}\" by Unicode normalization only, and some systems keep just one of them"
                )
            }
        }
    }
}

pub(crate) fn findings<'a>(paths: impl Iterator<Item = &'a ManifestPath> + Clone) -> Vec<Finding> {
    let of_name = |path: &'a ManifestPath| Some(Finding { path: path.clone(), kind: suspicion(path)? });
    paths.clone().filter_map(of_name).chain(twins(paths)).collect()
}

fn suspicion(path: &ManifestPath) -> Option<FindingKind> {
    const CACHES: [&str; 8] = [
        "__pycache__",
        ".cache",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".ipynb_checkpoints",
        "node_modules",
        ".venv",
    ];
    const EDITORS: [&str; 6] = [".idea", ".vscode", ".DS_Store", "Thumbs.db", "desktop.ini", ".project"];
    let name = path.file_name().to_ascii_lowercase();
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if name == ".env"
        || name.starts_with(".env.")
        || [".netrc", ".pypirc", ".npmrc", "credentials.json"].contains(&name.as_str())
    {
        Some(FindingKind::Secrets)
    } else if ends_with(&[".pem", ".key", ".p12", ".pfx", ".jks", ".ppk"])
        || (name.starts_with("id_") && !ends_with(&[".pub"]) && is_ssh_key(&name))
    {
        Some(FindingKind::PrivateKey)
    } else if path.components().any(|component| CACHES.contains(&component))
        || ends_with(&[".pyc", ".incomplete", ".partial"])
    {
        Some(FindingKind::Cache)
    } else if path.components().any(|component| EDITORS.contains(&component))
        || ends_with(&["~", ".swp", ".swo", ".bak", ".orig", ".tmp"])
    {
        Some(FindingKind::EditorFile)
    } else {
        None
    }
}

fn is_ssh_key(name: &str) -> bool {
    ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"].contains(&name)
}

fn twins<'a>(paths: impl Iterator<Item = &'a ManifestPath>) -> impl Iterator<Item = Finding> {
    let mut folded: HashMap<String, &ManifestPath> = HashMap::new();
    let mut found = Vec::new();
    for path in paths {
        let composed = nfc(path.as_str());
        let key = nfc(&composed.to_lowercase()).into_owned();
        match folded.get(&key) {
            None => {
                folded.insert(key, path);
            }
            Some(twin) => {
                let is_unicode = nfc(twin.as_str()) == composed;
                let twin = (*twin).clone();
                let kind =
                    if is_unicode { FindingKind::UnicodeTwin(twin) } else { FindingKind::CaseTwin(twin) };
                found.push(Finding { path: path.clone(), kind });
            }
        }
    }
    found.into_iter()
}

fn nfc(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { text.into() } else { text.nfc().collect::<String>().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(name: &str) -> Option<&'static str> {
        suspicion(&ManifestPath::new(name).unwrap()).map(|kind| kind.code())
    }

    #[test]
    fn files_that_rarely_belong_in_a_release_are_found_by_name() {
        for (name, expected) in [
            (".env", "secrets"),
            ("sub/.env.local", "secrets"),
            (".netrc", "secrets"),
            ("signing.key", "private-key"),
            ("certs/server.pem", "private-key"),
            (".ssh/id_ed25519", "private-key"),
            ("__pycache__/a.cpython-311.pyc", "cache"),
            ("a.pyc", "cache"),
            (".ipynb_checkpoints/x.ipynb", "cache"),
            ("model.bin.incomplete", "cache"),
            (".DS_Store", "editor-file"),
            (".vscode/settings.json", "editor-file"),
            ("config.json~", "editor-file"),
            (".config.json.swp", "editor-file"),
        ] {
            assert_eq!(kind(name), Some(expected), "{name}");
        }
        for name in [
            "model.safetensors",
            "environment.yml",
            "id_map.json",
            "keys.json",
            "README.md",
            "tokenizer.model",
        ] {
            assert_eq!(kind(name), None, "{name}");
        }
    }

    fn twin_codes(names: &[&str]) -> Vec<&'static str> {
        let paths: Vec<_> = names.iter().map(|name| ManifestPath::new(*name).unwrap()).collect();
        twins(paths.iter()).map(|finding| finding.kind.code()).collect()
    }

    #[test]
    fn item_74_names_that_differ_by_normalization_only_are_found() {
        assert_eq!(twin_codes(&["caf\u{e9}", "cafe\u{301}"]), ["unicode-twin"]);
    }

    #[test]
    fn item_75_names_that_differ_by_case_only_are_found() {
        assert_eq!(twin_codes(&["Model.bin", "model.bin"]), ["case-twin"]);
        assert_eq!(twin_codes(&["a/Model.bin", "b/model.bin"]), [""; 0]);
    }
}
