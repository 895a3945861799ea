use modelseal_manifest::{
    DigestError, Escaped, HashType, ManifestError, NameError, ResourceName, RootDigest,
};

/// Text that is not the JSON that was expected.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {}", Escaped(message))]
pub struct JsonError {
    /// Where, counted from 1.
    pub line: usize,
    /// Where in the line, counted from 1; 0 when the end came too soon.
    pub column: usize,
    /// What was expected or found.
    pub message: String,
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        // serde_json appends the position, which has fields of its own here.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        Self { line: error.line(), column: error.column(), message: message.to_owned() }
    }
}

/// Why bytes are not a bundle.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// Longer than any bundle may be.
    #[error("the bundle has {found} bytes, and at most {limit} are read")]
    TooLarge {
        /// Bytes that were given.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// Not JSON, or not the JSON of a bundle.
    #[error("not a Sigstore bundle: {0}")]
    Json(#[from] JsonError),
    /// `mediaType` is not that of a bundle version that we read.
    #[error("the media type \"{}\" is not that of a Sigstore bundle (v0.1, v0.2 or v0.3)", Escaped(found))]
    MediaType {
        /// What was found.
        found: String,
    },
    /// A field holds what is not canonical base64.
    #[error("{field} is not canonical base64")]
    Base64 {
        /// The field.
        field: &'static str,
    },
    /// A `messageSignature`, alone or beside an envelope.
    #[error("the bundle carries a message signature; a model signature is a DSSE envelope alone")]
    MessageSignature,
    /// Neither an envelope nor anything else is signed.
    #[error("the bundle has no dsseEnvelope")]
    NoEnvelope,
    /// Not exactly one signature.
    #[error("the envelope has {found} signatures, expected exactly one")]
    SignatureCount {
        /// How many there are.
        found: usize,
    },
    /// `payloadType` is another than in-toto's.
    #[error("the payload type is \"{}\", expected \"application/vnd.in-toto+json\"", Escaped(found))]
    PayloadType {
        /// What was found.
        found: String,
    },
    /// None or several of `publicKey`, `x509CertificateChain`, `certificate`.
    #[error(
        "the verification material has {found} of publicKey, x509CertificateChain and certificate, expected exactly one"
    )]
    MaterialCount {
        /// How many there are.
        found: usize,
    },
    /// A certificate chain without a certificate.
    #[error("the certificate chain is empty")]
    EmptyChain,
    /// More log entries, timestamps or certificates than are looked at.
    #[error("the bundle carries {found} {what}, and at most {limit} are read")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A log entry without what its bundle version requires.
    #[error("log entry {index} has no {what}, which bundles of this version must carry")]
    LogEntryIncomplete {
        /// The entry, counted from 0.
        index: usize,
        /// What is missing.
        what: &'static str,
    },
}

/// Why a payload is not the statement of a model signature.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StatementError {
    /// Not JSON, or not the JSON of such a statement.
    #[error("the signed payload is not a model signature statement: {0}")]
    Json(#[from] JsonError),
    /// `_type` is another.
    #[error("the statement type is \"{}\", expected \"https://in-toto.io/Statement/v1\"", Escaped(found))]
    StatementType {
        /// What was found.
        found: String,
    },
    /// `predicateType` is another.
    #[error(
        "the predicate type is \"{}\", expected \"https://model_signing/signature/v1.0\"",
        Escaped(found)
    )]
    PredicateType {
        /// What was found.
        found: String,
    },
    /// A predicate of release 0.2 of the reference that is not read.
    #[error(
        "the predicate type is \"{}\", and of those that release 0.2 signed only \"https://model_signing/Digests/v0.1\" is read",
        Escaped(found)
    )]
    LegacyPredicateType {
        /// What was found.
        found: String,
    },
    /// A hash of release 0.2 of the reference that is not read.
    #[error(
        "\"{name}\" is hashed by \"{}\", and of those that release 0.2 signed only SHA-256 of whole files is read",
        Escaped(found)
    )]
    LegacyAlgorithm {
        /// The resource.
        name: ResourceName,
        /// What was found.
        found: String,
    },
    /// Not exactly one subject.
    #[error("the statement has {found} subjects, expected exactly one")]
    SubjectCount {
        /// How many there are.
        found: usize,
    },
    /// The subject has no name.
    #[error("the subject's name is empty")]
    SubjectName,
    /// The subject has no usable root digest.
    #[error("the subject's sha256 digest: {0}")]
    SubjectDigest(DigestError),
    /// The root digest is not that of the listed resources.
    #[error("the statement's root digest is {claimed}, but its resources give {computed}")]
    RootDigest {
        /// What the subject says.
        claimed: RootDigest,
        /// What the resources give, in listed order.
        computed: RootDigest,
    },
    /// More resources than are read.
    #[error("the statement lists {found} resources, and at most {limit} are read")]
    TooManyResources {
        /// How many there are.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A name that cannot stand in a manifest.
    #[error("{0}")]
    Name(#[from] NameError),
    /// A digest that cannot be read.
    #[error("\"{name}\": {source}")]
    Digest {
        /// The resource.
        name: ResourceName,
        /// What is wrong with it.
        source: DigestError,
    },
    /// `hash_type` is unknown.
    #[error("serialization.hash_type: {0}")]
    HashType(DigestError),
    /// The resource names another hash than the serialization.
    #[error(
        "\"{name}\" says its algorithm is \"{}\", but serialization.hash_type is {expected}",
        Escaped(found)
    )]
    Algorithm {
        /// The resource.
        name: ResourceName,
        /// `serialization.hash_type`.
        expected: HashType,
        /// What the resource says.
        found: String,
    },
    /// `method` is neither `files` nor `shards`.
    #[error("serialization.method is \"{}\", expected \"files\" or \"shards\"", Escaped(found))]
    Method {
        /// What was found.
        found: String,
    },
    /// `shard_size` is missing, misplaced or not a positive integer.
    #[error("serialization.shard_size is {found}, expected {expected}")]
    ShardSize {
        /// What was found.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The resources do not make a manifest.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
}

/// Why a payload is not a statement about something.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestationError {
    /// Not JSON, or not the JSON of a statement.
    #[error("the signed payload is not an in-toto statement: {0}")]
    Json(#[from] JsonError),
    /// `_type` is another.
    #[error("the statement type is \"{}\", expected \"https://in-toto.io/Statement/v1\"", Escaped(found))]
    StatementType {
        /// What was found.
        found: String,
    },
    /// It is the signature of a model, which has a reader of its own.
    #[error("the statement is the signature of a model, and nothing is attested")]
    ModelSignature,
    /// Nothing that it could be about.
    #[error("the statement has no subject with a digest")]
    NoSubject,
}

/// Why a file is not a list of bundles, one a line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// Longer than such a file may be.
    #[error("the file has {found} bytes, and at most {limit} are read")]
    TooLarge {
        /// Bytes that were given.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// More lines than such a file may have.
    #[error("the file has more than {limit} lines")]
    TooManyLines {
        /// The limit.
        limit: usize,
    },
    /// A line is not a bundle.
    #[error("line {line}: {source}")]
    Line {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: BundleError,
    },
}
