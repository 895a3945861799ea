use modelseal_bundle::{Attestation, Subject};
use modelseal_manifest::{ModelName, NameScheme};
pub use semver::Version;
use serde_json::{Map, Value};

use crate::PredicateError;

/// The predicate type of releases, as it is written.
pub const RELEASE_TYPE: &str = "https://in-toto.io/attestation/release/v0.1";
/// Its second version renamed a field that is not read.
const RELEASE_TYPE_V0_2: &str = "https://in-toto.io/attestation/release/v0.2";

/// These bytes are this release of the model of this name: the in-toto release
/// predicate (`spec/attestations.md`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    /// What the model is called.
    pub name: ModelName,
    /// Which release of it.
    pub version: Version,
}

impl Release {
    /// Whether an attestation says that it is of this type.
    pub fn is_type(predicate_type: &str) -> bool {
        [RELEASE_TYPE, RELEASE_TYPE_V0_2].contains(&predicate_type)
    }

    /// Reads the predicate of `attestation`.
    ///
    /// # Errors
    /// [`PredicateError`]. Versions are those of Semantic Versioning without
    /// build metadata, since others have no order.
    pub fn of(attestation: &Attestation) -> Result<Self, PredicateError> {
        if !Self::is_type(attestation.predicate_type()) {
            let found = attestation.predicate_type().to_owned();
            return Err(PredicateError::Type { expected: RELEASE_TYPE, found });
        }
        let field =
            |problem: &str| PredicateError::Field { field: "purl".to_owned(), problem: problem.to_owned() };
        let purl = attestation.predicate().get("purl").and_then(Value::as_str);
        let purl = purl.ok_or_else(|| field("is missing, or is no text"))?;
        let (package, qualifier) = purl.split_once('?').map_or((purl, None), |(p, q)| (p, Some(q)));
        let (package, version) = package.rsplit_once('@').ok_or_else(|| field("has no version"))?;
        let name: ModelName = match (package.strip_prefix("pkg:huggingface/"), qualifier) {
            (Some(path), None) => format!("hf://{path}").parse()?,
            _ => match qualifier.and_then(|q| q.strip_prefix("repository_url=")) {
                Some(path) => format!("oci://{path}").parse()?,
                None => return Err(field("is neither of the hub nor of an OCI registry")),
            },
        };
        let version = version.parse().map_err(|_| field("has a version that is not X.Y.Z"))?;
        let release = Self { name, version };
        // One spelling: whatever else stood in the URL would be passed over.
        match release.purl() {
            Some(expected) if expected == purl => Ok(release),
            _ => Err(field("is not spelled as such names are")),
        }
    }

    /// Says it of a model. `None` for names of files, which are local.
    pub fn attest(&self, subject: Subject) -> Option<Attestation> {
        let predicate = Map::from_iter([("purl".to_owned(), Value::String(self.purl()?))]);
        Some(Attestation::new(subject, RELEASE_TYPE, predicate))
    }

    /// The package URL. `None` where it would have none, or no order.
    fn purl(&self) -> Option<String> {
        let (path, version) = (self.name.path(), &self.version);
        if !version.build.is_empty() {
            return None;
        }
        match self.name.scheme() {
            NameScheme::Hub => Some(format!("pkg:huggingface/{path}@{version}")),
            NameScheme::Oci => {
                let last = path.rsplit('/').next()?;
                Some(format!("pkg:oci/{last}@{version}?repository_url={path}"))
            }
            NameScheme::File => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn subject() -> Subject {
        Subject { name: String::new(), digest: BTreeMap::from([("sha256".to_owned(), "00".to_owned())]) }
    }

    fn of(purl: &str) -> Result<Release, PredicateError> {
        let predicate = Map::from_iter([("purl".to_owned(), json!(purl))]);
        Release::of(&Attestation::new(subject(), RELEASE_TYPE, predicate))
    }

    #[test]
    fn a_release_reads_back_as_it_was_attested() {
        for (name, version, purl) in [
            ("hf://Acme/Toy", "1.2.0", "pkg:huggingface/Acme/Toy@1.2.0"),
            (
                "oci://r.example:5000/models/toy",
                "2.0.0-rc.1",
                "pkg:oci/toy@2.0.0-rc.1?repository_url=r.example:5000/models/toy",
            ),
        ] {
            let release = Release { name: name.parse().unwrap(), version: version.parse().unwrap() };
            let attestation = release.attest(subject()).unwrap();
            assert_eq!(attestation.predicate()["purl"], purl);
            assert_eq!(Release::of(&attestation).unwrap(), release);
        }
    }

    #[test]
    fn other_spellings_and_other_packages_are_refused() {
        for purl in [
            "",
            "pkg:huggingface/acme/toy",
            "pkg:huggingface/acme/toy@main",
            "pkg:huggingface/acme/toy@1.2",
            "pkg:huggingface/acme/toy@1.2.0+linux",
            "pkg:huggingface/toy@1.2.0",
            "pkg:huggingface/acme/toy@1.2.0?x=y",
            "pkg:huggingface/acme%2Ftoy@1.2.0",
            "pkg:HuggingFace/acme/toy@1.2.0",
            "pkg:oci/other@1.2.0?repository_url=r.example/models/toy",
            "pkg:oci/toy@1.2.0?repository_url=r.example/models/toy&tag=1",
            "pkg:oci/toy@1.2.0",
            "pkg:pypi/acme/toy@1.2.0",
            "hf://acme/toy@1.2.0",
        ] {
            assert!(of(purl).is_err(), "{purl}");
        }
    }

    #[test]
    fn names_of_files_and_versions_without_order_are_not_released() {
        let release = |name: &str, version: &str| Release {
            name: name.parse().unwrap(),
            version: version.parse().unwrap(),
        };
        assert_eq!(release("file:/srv/toy", "1.0.0").attest(subject()), None);
        assert_eq!(release("hf://acme/toy", "1.0.0+b").attest(subject()), None);
    }
}
