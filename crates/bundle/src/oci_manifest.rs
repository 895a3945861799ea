//! OCI image manifests, whose layers may be the files of a model.

use std::collections::BTreeMap;

use modelseal_manifest::{
    ContentDigest, DigestError, Escaped, ManifestPath, NameError, Resource, ResourceName, Sha256Digest,
};
use serde::Deserialize;

use crate::json::{self, Object};
use crate::{JsonError, MAX_RESOURCES};

/// The path of a file below the model, after the `ModelPack` specification.
const MODEL_PACK_PATH: &str = "org.cncf.model.filepath";
/// The name of a file, after the OCI image specification and ORAS.
const TITLE: &str = "org.opencontainers.image.title";
/// Under which ORAS has a directory, which it packs.
const ORAS_UNPACK: &str = "io.deis.oras.content.unpack";
/// What ORAS calls a layer of which it was told nothing else, packed or not.
const ORAS_DEFAULT: &str = "application/vnd.oci.image.layer.v1.tar";
/// The beginning of annotations by which tools say what they packed into a layer.
const PACKED_CONTENT: &str = "olot.layer.content.";
/// Manifests that have layers.
const MANIFESTS: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
/// The configurations of container images and of plugins, whose layers are archives whatever
/// they are called.
const IMAGES: [&str; 3] = [
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.plugin.v1+json",
];
/// The configurations of what ORAS pushes where it is told of none.
const NO_CONFIGS: [&str; 2] = ["application/vnd.oci.empty.v1+json", "application/vnd.unknown.config.v1+json"];
/// What media types of archives and of compressed files have among their words.
const PACKED: [&str; 50] = [
    "7z",
    "archive",
    "br",
    "brotli",
    "bz2",
    "bzip",
    "bzip2",
    "compress",
    "compressed",
    "cpio",
    "deflate",
    "encrypted",
    "erofs",
    "gtar",
    "gz",
    "gzip",
    "jar",
    "lha",
    "lz",
    "lz4",
    "lzh",
    "lzip",
    "lzma",
    "lzo",
    "rar",
    "snappy",
    "sqfs",
    "squashfs",
    "tar",
    "targz",
    "tbz",
    "tbz2",
    "tgz",
    "tlz",
    "txz",
    "tzst",
    "ustar",
    "xar",
    "xz",
    "z",
    "zip",
    "zipped",
    "zlib",
    "zst",
    "zstd",
    "zstandard",
    "zpaq",
    "zoo",
    "arj",
    "ace",
];

/// Eight for each layer, and as many annotations.
const MAX_VALUES: usize = 16 * MAX_RESOURCES;

/// The layers of an OCI image manifest that are raw files: their names, their SHA-256
/// and their sizes.
///
/// Nothing of the manifest is verified: its own digest is what a registry knows it by.
/// The configuration, which no layer holds, is passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OciManifest {
    /// The digest of the manifest itself.
    pub digest: Sha256Digest,
    /// One for each layer, in their order.
    pub resources: Vec<Resource>,
    /// Bytes in all layers, as the manifest says.
    pub size: u64,
}

impl OciManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`OciManifestError`]: above all for a layer that is an archive or compressed, since
    /// its digest is not that of a file of the model.
    pub fn parse(bytes: &[u8]) -> Result<Self, OciManifestError> {
        let Object(manifest) = json::parse::<Object<Wire>>(bytes, MAX_VALUES)?;
        if manifest.manifests.is_some() {
            return Err(OciManifestError::Index);
        }
        if let Some(found) = manifest.media_type.filter(|found| !MANIFESTS.contains(&found.as_str())) {
            return Err(OciManifestError::MediaType { found });
        }
        let layers = manifest.layers.filter(|layers| !layers.is_empty()).ok_or(OciManifestError::NoLayers)?;
        let config = manifest.config.map(|Object(config)| config.media_type);
        let is_any = |known: &[&str], found: &String| {
            let found = found.split(';').next().unwrap_or_default().trim();
            known.iter().any(|known| known.eq_ignore_ascii_case(found))
        };
        if let Some(media_type) = config.clone().filter(|found| is_any(&IMAGES, found)) {
            return Err(OciManifestError::Image { media_type });
        }
        let is_of_oras = config.is_none_or(|found| is_any(&NO_CONFIGS, &found));
        if manifest.schema_version != 2 {
            return Err(OciManifestError::SchemaVersion { found: manifest.schema_version });
        }
        let size = layers.iter().map(|Object(layer)| layer.size).fold(0, u64::saturating_add);
        let resources = layers.iter().enumerate().map(|(index, Object(layer))| {
            layer.resource(is_of_oras).map_err(|problem| OciManifestError::Layer { index, problem })
        });
        Ok(Self { digest: Sha256Digest::of(bytes), resources: resources.collect::<Result<_, _>>()?, size })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    schema_version: u64,
    media_type: Option<String>,
    config: Option<Object<Config>>,
    layers: Option<Vec<Object<Layer>>>,
    manifests: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Layer {
    fn resource(&self, is_of_oras: bool) -> Result<Resource, LayerProblem> {
        let name = match (self.annotations.get(MODEL_PACK_PATH), self.annotations.get(TITLE)) {
            (Some(path), Some(title)) if path != title && !path.ends_with(&format!("/{title}")) => {
                return Err(LayerProblem::TwoNames { path: path.clone(), title: title.clone() });
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(LayerProblem::NoName),
        };
        if self.is_packed(is_of_oras) {
            return Err(LayerProblem::Packed { name: name.clone(), media_type: self.media_type.clone() });
        }
        let digest = self.digest.strip_prefix("sha256:");
        let digest = digest.ok_or_else(|| LayerProblem::Algorithm { found: self.digest.clone() })?;
        let digest = ContentDigest::Sha256(digest.parse().map_err(LayerProblem::Digest)?);
        let path = ManifestPath::new(name.as_str())?;
        Ok(Resource { name: ResourceName { path, range: None }, digest })
    }

    /// Whether the layer holds something else than the bytes of one file.
    fn is_packed(&self, is_of_oras: bool) -> bool {
        let is_default =
            is_of_oras && self.media_type == ORAS_DEFAULT && !self.annotations.contains_key(MODEL_PACK_PATH);
        let words = self.media_type.split(|c: char| !c.is_ascii_alphanumeric());
        let is_archive = |word: &str| PACKED.iter().any(|packed| word.eq_ignore_ascii_case(packed));
        self.annotations.contains_key(ORAS_UNPACK)
            || self.annotations.keys().any(|key| key.starts_with(PACKED_CONTENT))
            || words.into_iter().any(is_archive) && !is_default
    }
}

/// Why an OCI manifest does not tell the digests of the files of a model.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OciManifestError {
    /// Not JSON, or not the JSON of a manifest.
    #[error("not an OCI image manifest: {0}")]
    Json(#[from] JsonError),
    /// It lists manifests, not layers.
    #[error("is an OCI index, which lists manifests: name one of those")]
    Index,
    /// Another document.
    #[error("is no OCI image manifest: its media type is \"{}\"", Escaped(found))]
    MediaType {
        /// What it says that it is.
        found: String,
    },
    /// Its layers are archives of a file system.
    #[error(
        "is a container image ({}): its layers are archives, and not the files of a model",
        Escaped(media_type)
    )]
    Image {
        /// What its configuration says that it is.
        media_type: String,
    },
    /// It lists nothing.
    #[error("is no OCI image manifest: it has no layers")]
    NoLayers,
    /// Of another time.
    #[error("has schemaVersion {found}, expected 2")]
    SchemaVersion {
        /// What was found.
        found: u64,
    },
    /// A layer that is not a file, or does not say which.
    #[error("layer {index}: {problem}")]
    Layer {
        /// Which, counted from 0.
        index: usize,
        /// What is wrong with it.
        problem: LayerProblem,
    },
}

/// Why a layer does not tell the digest of a file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LayerProblem {
    /// No annotation names it.
    #[error("has no name: neither {MODEL_PACK_PATH} nor {TITLE} is among its annotations")]
    NoName,
    /// Two annotations, two names.
    #[error("has two names: \"{}\" and \"{}\"", Escaped(path), Escaped(title))]
    TwoNames {
        /// After the `ModelPack` specification.
        path: String,
        /// After the OCI image specification.
        title: String,
    },
    /// Its digest is that of an archive, or of compressed bytes.
    #[error(
        "\"{}\" is packed ({}), so its digest may not be that of a file of the model",
        Escaped(name),
        Escaped(media_type)
    )]
    Packed {
        /// What the layer is called.
        name: String,
        /// What it says that it is.
        media_type: String,
    },
    /// Another hash function.
    #[error("its digest is \"{}\", expected sha256:…", Escaped(found))]
    Algorithm {
        /// What was found.
        found: String,
    },
    /// No digest.
    #[error(transparent)]
    Digest(DigestError),
    /// A name that no manifest can carry.
    #[error(transparent)]
    Name(#[from] NameError),
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const RAW: &str = "application/vnd.cncf.model.weight.v1.raw";

    fn layer(media_type: &str, annotations: &Value) -> Value {
        let digest = format!("sha256:{}", Sha256Digest::of(b""));
        json!({ "mediaType": media_type, "digest": digest, "size": 7, "annotations": annotations })
    }

    fn manifest(layers: &[Value]) -> Value {
        json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": "x", "size": 2 },
            "layers": layers, "annotations": { "org.opencontainers.image.created": "2026-01-01T00:00:00Z" },
        })
    }

    fn parse(manifest: &Value) -> Result<OciManifest, OciManifestError> {
        OciManifest::parse(manifest.to_string().as_bytes())
    }

    fn problem(layer: Value) -> LayerProblem {
        match parse(&manifest(&[self::layer(RAW, &json!({ TITLE: "a" })), layer])) {
            Err(OciManifestError::Layer { index: 1, problem }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn raw_layers_of_modelpack_and_of_oras_are_files() {
        let layers = [
            layer(RAW, &json!({ MODEL_PACK_PATH: "weights/a.safetensors", TITLE: "a.safetensors" })),
            layer("application/octet-stream", &json!({ TITLE: "config.json" })),
            layer(ORAS_DEFAULT, &json!({ TITLE: "b.gguf" })),
        ];
        let found = parse(&manifest(&layers)).unwrap();
        let names: Vec<_> = found.resources.iter().map(|resource| resource.name.to_wire()).collect();
        assert_eq!(names, ["weights/a.safetensors", "config.json", "b.gguf"]);
        assert_eq!(found.size, 21);
        assert_eq!(found.digest, Sha256Digest::of(manifest(&layers).to_string().as_bytes()));
    }

    #[test]
    fn what_is_packed_is_no_file() {
        for (media_type, annotations) in [
            ("application/vnd.cncf.model.weight.v1.tar", json!({ MODEL_PACK_PATH: "a" })),
            ("application/vnd.cncf.model.weight.v1.tar+gzip", json!({ MODEL_PACK_PATH: "a" })),
            (ORAS_DEFAULT, json!({ MODEL_PACK_PATH: "a", TITLE: "a" })),
            (ORAS_DEFAULT, json!({ TITLE: "a", ORAS_UNPACK: "true" })),
            ("application/vnd.oci.image.layer.v1.tar+zstd", json!({ TITLE: "a" })),
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", json!({ TITLE: "a" })),
            ("application/x-TAR", json!({ TITLE: "a" })),
            ("application/gzip", json!({ TITLE: "a" })),
            ("application/zip", json!({ TITLE: "a" })),
            ("application/x-xz", json!({ TITLE: "a" })),
            ("application/vnd.rar", json!({ TITLE: "a" })),
            ("application/java-archive", json!({ TITLE: "a" })),
            ("application/vnd.acme.layer.v1.squashfs", json!({ TITLE: "a" })),
            ("application/vnd.oci.image.layer.v1.tar; charset=binary", json!({ TITLE: "a" })),
            (ORAS_DEFAULT, json!({ TITLE: "a", "olot.layer.content.name": "a" })),
        ] {
            let found = problem(layer(media_type, &annotations));
            assert!(matches!(found, LayerProblem::Packed { .. }), "{media_type} {annotations}: {found}");
        }
    }

    #[test]
    fn a_layer_without_one_name_or_with_another_hash_is_refused() {
        assert_eq!(problem(layer(RAW, &json!({}))), LayerProblem::NoName);
        let two = layer(RAW, &json!({ MODEL_PACK_PATH: "a/b", TITLE: "c" }));
        assert!(matches!(problem(two), LayerProblem::TwoNames { .. }));
        for name in ["../a", "/a", "a//b", "", "."] {
            assert!(matches!(problem(layer(RAW, &json!({ TITLE: name }))), LayerProblem::Name(_)), "{name}");
        }
        for digest in ["sha512:00", "sha256:00", ""] {
            let mut other = layer(RAW, &json!({ TITLE: "b" }));
            other["digest"] = json!(digest);
            let found = problem(other);
            assert!(
                matches!(found, LayerProblem::Algorithm { .. } | LayerProblem::Digest(_)),
                "{digest}: {found}"
            );
        }
    }

    #[test]
    fn other_documents_are_named_for_what_they_are() {
        assert_eq!(parse(&json!({ "schemaVersion": 2, "manifests": [] })), Err(OciManifestError::Index));
        assert_eq!(parse(&json!({ "schemaVersion": 2 })), Err(OciManifestError::NoLayers));
        assert_eq!(parse(&manifest(&[])), Err(OciManifestError::NoLayers));
        let one = manifest(&[layer(RAW, &json!({ TITLE: "a" }))]);
        let with = |pointer: &str, value: Value| {
            let mut other = one.clone();
            *other.pointer_mut(pointer).unwrap() = value;
            parse(&other)
        };
        assert_eq!(with("/schemaVersion", json!(1)), Err(OciManifestError::SchemaVersion { found: 1 }));
        let index = "application/vnd.oci.image.index.v1+json";
        assert_eq!(
            with("/mediaType", json!(index)),
            Err(OciManifestError::MediaType { found: index.into() })
        );
        // What ORAS calls its layers, other tools call archives.
        let default = layer(ORAS_DEFAULT, &json!({ TITLE: "a" }));
        assert!(with("/layers/0", default.clone()).is_ok());
        let mut other = one.clone();
        (other["layers"][0], other["config"]["mediaType"]) = (default, json!("application/vnd.acme.config"));
        assert!(matches!(parse(&other), Err(OciManifestError::Layer { index: 0, .. })));
        for media_type in
            ["application/vnd.OCI.image.config.v1+json", "application/vnd.docker.plugin.v1+json; a=b"]
                .into_iter()
                .chain(IMAGES)
        {
            // Tools give the layers of images titles too.
            let image = with("/config/mediaType", json!(media_type));
            assert_eq!(image, Err(OciManifestError::Image { media_type: media_type.into() }));
        }
        let twice = manifest(&[]).to_string().replacen("\"layers\"", "\"layers\":[],\"layers\"", 1);
        assert!(matches!(OciManifest::parse(twice.as_bytes()), Err(OciManifestError::Json(_))));
    }
}
