//! What a model is made of, as data: names, digests, manifests and how two of
//! them differ.
//!
//! Nothing here touches a disk, a key or a clock. A [`Manifest`] lists the
//! digests of a model in the form that OpenSSF Model Signing v1.0 signs; the
//! [`RootDigest`] is the one number that the signed statement carries as its
//! subject; the [`ModelDigest`] (see `spec/model-digest.md`) is the identity
//! of a model, names included.

mod compare;
mod digest;
mod digest_list;
mod escape;
mod manifest;
mod model_digest;
mod name;
mod reference;
mod scope;

pub use compare::{Change, Differences};
pub use digest::{ContentDigest, DigestError, HashType, RootDigest, Sha256Digest};
pub use digest_list::{DigestListError, DigestListProblem, parse_digest_list};
pub use escape::Escaped;
pub use manifest::{MAX_RESOURCES, Manifest, ManifestError, Method, Resource, Serialization, ShardSize};
pub use model_digest::{ModelDigest, ModelDigestParseError};
pub use name::{ByteRange, IgnorePath, ManifestPath, NameError, NameProblem, ResourceName};
pub use reference::{ModelName, NameScheme, Reference, ReferenceError, ReferenceProblem};
pub use scope::Scope;
