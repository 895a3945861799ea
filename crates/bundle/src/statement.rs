use std::borrow::Cow;
use std::collections::BTreeMap;

use modelseal_manifest::{
    ContentDigest, IgnorePath, Manifest, Method, NameError, Resource, ResourceName, RootDigest,
    Serialization, Sha256Digest, ShardSize,
};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

use crate::json::Object;
use crate::{MAX_RESOURCES, StatementError, json, legacy};

/// `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// `predicateType` of a model signature.
pub const PREDICATE_TYPE: &str = "https://model_signing/signature/v1.0";

/// Values in the JSON of a statement: a resource has four, and unknown fields
/// may stand beside them.
pub(crate) const MAX_VALUES: usize = 6 * MAX_RESOURCES;

/// What a model signature says: these are the digests of a model.
///
/// The root digest of its subject is that of its resources; a statement where
/// the two differ cannot be made or read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement {
    subject_name: String,
    manifest: Manifest,
}

impl Statement {
    /// Makes a statement about a manifest. The subject's name is for people;
    /// nothing compares it. An empty one becomes `model`.
    pub fn new(subject_name: impl Into<String>, manifest: Manifest) -> Self {
        let subject_name = Some(subject_name.into()).filter(|name| !name.is_empty());
        Self { subject_name: subject_name.unwrap_or_else(|| "model".to_owned()), manifest }
    }

    /// A statement that has no name for what it is about.
    pub(crate) fn unnamed(manifest: Manifest) -> Self {
        Self { subject_name: String::new(), manifest }
    }

    /// Reads a payload.
    ///
    /// Any order of resources is accepted, unknown fields are passed over, as
    /// the specification asks.
    ///
    /// # Errors
    /// [`StatementError`].
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let Object(header) = json::parse::<Object<Header>>(payload, MAX_VALUES)?;
        if header.statement_type != STATEMENT_TYPE {
            return Err(StatementError::StatementType { found: header.statement_type });
        }
        if header.predicate_type != PREDICATE_TYPE {
            return Err(StatementError::PredicateType { found: header.predicate_type });
        }
        let [Object(subject)] = <[Object<WireSubject>; 1]>::try_from(header.subject)
            .map_err(|subjects| StatementError::SubjectCount { found: subjects.len() })?;
        if subject.name.is_empty() {
            return Err(StatementError::SubjectName);
        }
        let Object(body) =
            serde_json::from_slice::<Object<Body<'_>>>(payload).map_err(crate::JsonError::from)?;
        let manifest = manifest(&body.predicate.0)?;
        let claimed = subject.digest.get("sha256").map_or("", String::as_str);
        let claimed: Sha256Digest = claimed.parse().map_err(StatementError::SubjectDigest)?;
        let (claimed, computed) = (RootDigest::from_sha256(claimed), manifest.root_digest());
        if claimed != computed {
            return Err(StatementError::RootDigest { claimed, computed });
        }
        Ok(Self { subject_name: subject.name, manifest })
    }

    /// Writes the payload in the specification's form, as compact JSON. The
    /// same statement always gives the same bytes.
    #[expect(clippy::missing_panics_doc, reason = "strings and numbers always serialize")]
    pub fn to_payload(&self) -> Vec<u8> {
        let digest =
            BTreeMap::from([("sha256".to_owned(), self.manifest.root_digest().as_sha256().to_string())]);
        let written = Written {
            statement_type: STATEMENT_TYPE,
            subject: [WireSubject { name: self.subject_name.clone(), digest }],
            predicate_type: PREDICATE_TYPE,
            predicate: WrittenPredicate {
                serialization: written_serialization(self.manifest.serialization()),
                resources: WrittenResources(&self.manifest),
            },
        };
        serde_json::to_vec(&written).expect("strings and numbers always serialize")
    }

    /// The name of the subject: a description, not an identity. Empty where a
    /// legacy statement has none. Never print it without [`Escaped`](modelseal_manifest::Escaped).
    pub fn subject_name(&self) -> &str {
        &self.subject_name
    }

    /// The digests.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }
}

/// Read first, so that a statement of another type is named as such.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(rename = "_type")]
    statement_type: String,
    predicate_type: String,
    subject: Vec<Object<WireSubject>>,
}

#[derive(Deserialize, Serialize)]
struct WireSubject {
    #[serde(default)]
    name: String,
    digest: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    predicate: Object<WirePredicate<'a>>,
}

#[derive(Deserialize)]
struct WirePredicate<'a> {
    serialization: Object<WireSerialization>,
    #[serde(borrow)]
    resources: Vec<Object<WireResource<'a>>>,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct WireSerialization {
    method: String,
    hash_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard_size: Option<Number>,
    #[serde(default)]
    allow_symlinks: bool,
    #[serde(default)]
    ignore_paths: Vec<String>,
}

/// Of half a million, none has texts of its own where that can be avoided.
#[derive(Deserialize)]
struct WireResource<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    #[serde(rename = "_type")]
    statement_type: &'static str,
    subject: [WireSubject; 1],
    predicate_type: &'static str,
    predicate: WrittenPredicate<'a>,
}

#[derive(Serialize)]
struct WrittenPredicate<'a> {
    serialization: WireSerialization,
    resources: WrittenResources<'a>,
}

struct WrittenResources<'a>(&'a Manifest);

impl Serialize for WrittenResources<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written {
            name: String,
            algorithm: &'static str,
            digest: String,
        }

        let algorithm = self.0.serialization().hash_type.as_str();
        serializer.collect_seq(self.0.resources().iter().map(|resource| Written {
            name: resource.name.to_wire(),
            algorithm,
            digest: resource.digest.to_hex(),
        }))
    }
}

fn manifest(wire: &WirePredicate<'_>) -> Result<Manifest, StatementError> {
    if wire.resources.len() > MAX_RESOURCES {
        return Err(StatementError::TooManyResources { found: wire.resources.len(), limit: MAX_RESOURCES });
    }
    let serialization = serialization(&wire.serialization.0)?;
    let resources = wire.resources.iter().map(|resource| read_resource(&resource.0, &serialization));
    Ok(Manifest::from_listed(serialization.clone(), resources.collect::<Result<_, _>>()?)?)
}

pub(crate) fn serialization(wire: &WireSerialization) -> Result<Serialization, StatementError> {
    let method = match (wire.method.as_str(), &wire.shard_size) {
        ("files", None) => Method::Files,
        ("files", Some(size)) => {
            return Err(StatementError::ShardSize {
                found: size.to_string(),
                expected: "none with whole files",
            });
        }
        ("shards", size) => Method::Shards(shard_size(size.as_ref())?),
        _ => return Err(StatementError::Method { found: wire.method.clone() }),
    };
    Ok(Serialization {
        method,
        hash_type: legacy::hash_type(&wire.hash_type, method).parse().map_err(StatementError::HashType)?,
        allow_symlinks: wire.allow_symlinks,
        ignore_paths: wire
            .ignore_paths
            .iter()
            .map(|path| IgnorePath::new(path))
            .collect::<Result<_, NameError>>()?,
    })
}

/// An integer, or, as the Python reference writes it, a float that is one.
fn shard_size(number: Option<&Number>) -> Result<ShardSize, StatementError> {
    /// Beyond this, a float no longer tells neighbouring integers apart.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small integer"
    )]
    let from_float =
        |float: f64| (float.fract() == 0.0 && (1.0..=MAX_EXACT).contains(&float)).then_some(float as u64);
    let size = number.and_then(|number| number.as_u64().or_else(|| number.as_f64().and_then(from_float)));
    size.and_then(ShardSize::new).ok_or_else(|| StatementError::ShardSize {
        found: number.map_or_else(|| "missing".to_owned(), Number::to_string),
        expected: "a positive integer with shards",
    })
}

fn read_resource(wire: &WireResource<'_>, serialization: &Serialization) -> Result<Resource, StatementError> {
    let name = match serialization.method {
        Method::Files => ResourceName::file(&wire.name)?,
        Method::Shards(_) => ResourceName::shard(&wire.name)?,
    };
    let expected = serialization.hash_type;
    if legacy::hash_type(&wire.algorithm, serialization.method) != expected.as_str() {
        return Err(StatementError::Algorithm { name, expected, found: wire.algorithm.clone().into_owned() });
    }
    match ContentDigest::from_hex(expected, &wire.digest) {
        Ok(digest) => Ok(Resource { name, digest }),
        Err(source) => Err(StatementError::Digest { name, source }),
    }
}

pub(crate) fn written_serialization(serialization: &Serialization) -> WireSerialization {
    WireSerialization {
        method: serialization.method.as_str().to_owned(),
        hash_type: serialization.hash_type.as_str().to_owned(),
        shard_size: match serialization.method {
            Method::Files => None,
            Method::Shards(size) => Some(Number::from(size.get())),
        },
        allow_symlinks: serialization.allow_symlinks,
        ignore_paths: serialization
            .ignore_paths
            .iter()
            .map(|path| path.as_path().as_str().to_owned())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use modelseal_manifest::{ManifestError, NameProblem};
    use serde_json::{Value, json};

    use super::*;

    fn digest(content: &str) -> String {
        Sha256Digest::of(content.as_bytes()).to_string()
    }

    fn root(resources: &Value) -> String {
        let raw: Vec<u8> = resources
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|resource| {
                let hex = resource["digest"].as_str().unwrap_or_default().as_bytes();
                let nibble = |b: u8| u8::try_from(char::from(b).to_digit(16).unwrap_or(0)).unwrap();
                hex.chunks(2)
                    .map(|pair| nibble(pair[0]) * 16 + pair.get(1).map_or(0, |b| nibble(*b)))
                    .collect::<Vec<_>>()
            })
            .collect();
        Sha256Digest::of(&raw).to_string()
    }

    fn statement_of(serialization: &Value, resources: &Value) -> Value {
        json!({
            "_type": STATEMENT_TYPE, "subject": [{"name": "m", "digest": {"sha256": root(resources)}}],
            "predicateType": PREDICATE_TYPE,
            "predicate": {"serialization": serialization, "resources": resources},
        })
    }

    fn files(resources: &Value) -> Value {
        statement_of(&json!({"method": "files", "hash_type": "sha256", "allow_symlinks": false}), resources)
    }

    fn file(name: &str) -> Value {
        json!({"name": name, "algorithm": "sha256", "digest": digest(name)})
    }

    fn parse(statement: &Value) -> Result<Statement, StatementError> {
        Statement::parse(statement.to_string().as_bytes())
    }

    fn with(pointer: &str, value: Value) -> Result<Statement, StatementError> {
        let mut statement = files(&json!([file("a"), file("b")]));
        *statement.pointer_mut(pointer).unwrap() = value;
        parse(&statement)
    }

    #[test]
    fn written_statements_read_back_and_are_always_the_same_bytes() {
        let statement = parse(&files(&json!([file("a"), file("dir/ü b")]))).unwrap();
        assert_eq!(Statement::parse(&statement.to_payload()), Ok(statement.clone()));
        assert_eq!(statement.to_payload(), statement.clone().to_payload());
    }

    #[test]
    fn the_written_form_is_that_of_the_specification() {
        let shards = json!({
            "method": "shards", "hash_type": "sha256", "shard_size": 4, "allow_symlinks": true, "ignore_paths": [".git"],
        });
        let resource = json!({"name": "a:0:4", "algorithm": "sha256", "digest": digest("x")});
        let wire = statement_of(&shards, &json!([resource]));
        let written: Value = serde_json::from_slice(&parse(&wire).unwrap().to_payload()).unwrap();
        assert_eq!(written, wire);
    }

    #[test]
    fn the_references_shard_spelling_is_read() {
        let shards =
            json!({"method": "shards", "hash_type": "sha256", "shard_size": 4.0, "allow_symlinks": false});
        let resource = json!({"name": "a:0:4", "algorithm": "sha256-sharded-4", "digest": digest("x")});
        parse(&statement_of(&shards, &json!([resource]))).unwrap();
        let resource = json!({"name": "a:0:4", "algorithm": "sha256-sharded-5", "digest": digest("x")});
        let found = parse(&statement_of(&shards, &json!([resource])));
        assert!(matches!(found, Err(StatementError::Algorithm { .. })));
    }

    #[test]
    fn the_hash_type_of_release_0_3_shards_is_read() {
        let shards = json!({"method": "shards", "hash_type": "sha256-sharded-4", "shard_size": 4, "allow_symlinks": false});
        let resource = json!({"name": "a:0:4", "algorithm": "sha256-sharded-4", "digest": digest("x")});
        parse(&statement_of(&shards, &json!([resource]))).unwrap();
        let files = json!({"method": "files", "hash_type": "sha256-sharded-4", "allow_symlinks": false});
        assert!(matches!(
            parse(&statement_of(&files, &json!([file("a")]))),
            Err(StatementError::HashType(_))
        ));
    }

    #[test]
    fn item_4_a_duplicate_key_in_the_payload_is_refused() {
        let text = files(&json!([file("a")])).to_string().replacen("\"name\"", "\"name\":\"x\",\"name\"", 1);
        assert!(matches!(Statement::parse(text.as_bytes()), Err(StatementError::Json(_))));
    }

    #[test]
    fn item_12_resources_beyond_the_cap_are_refused() {
        let resources: Vec<Value> = (0..=MAX_RESOURCES)
            .map(|i| json!({"name": i.to_string(), "algorithm": "sha256", "digest": ""}))
            .collect();
        let found = parse(&files(&json!(resources)));
        assert_eq!(
            found,
            Err(StatementError::TooManyResources { found: MAX_RESOURCES + 1, limit: MAX_RESOURCES })
        );
    }

    #[test]
    fn item_19_another_statement_or_predicate_type_is_refused() {
        assert!(matches!(
            with("/_type", json!("https://in-toto.io/Statement/v0.1")),
            Err(StatementError::StatementType { .. })
        ));
        for found in ["https://model_signing/signature/v1.1", "https://model_signing/Digests/v0.1", ""] {
            assert!(matches!(
                with("/predicateType", json!(found)),
                Err(StatementError::PredicateType { .. })
            ));
        }
    }

    #[test]
    fn item_20_anything_but_one_subject_is_refused() {
        assert_eq!(with("/subject", json!([])), Err(StatementError::SubjectCount { found: 0 }));
        let subject = json!({"name": "m", "digest": {"sha256": digest("x")}});
        assert_eq!(
            with("/subject", json!([subject, subject])),
            Err(StatementError::SubjectCount { found: 2 })
        );
        assert_eq!(with("/subject/0/name", json!("")), Err(StatementError::SubjectName));
    }

    #[test]
    fn item_21_a_root_digest_that_is_not_that_of_the_resources_is_refused() {
        assert!(matches!(
            with("/subject/0/digest/sha256", json!(digest("x"))),
            Err(StatementError::RootDigest { .. })
        ));
        assert!(matches!(with("/subject/0/digest", json!({})), Err(StatementError::SubjectDigest(_))));
    }

    #[test]
    fn item_22_and_23_empty_and_duplicate_resources_are_refused() {
        assert_eq!(parse(&files(&json!([]))), Err(StatementError::Manifest(ManifestError::Empty)));
        let found = parse(&files(&json!([file("a"), file("a")])));
        assert!(matches!(found, Err(StatementError::Manifest(ManifestError::Duplicate { .. }))));
    }

    #[test]
    fn item_24_unsorted_resources_are_read_and_keep_their_order() {
        let statement = parse(&files(&json!([file("b"), file("a")]))).unwrap();
        assert!(!statement.manifest().is_sorted());
    }

    #[test]
    fn item_25_algorithms_and_lengths_that_do_not_fit_are_refused() {
        for algorithm in ["md5", "blake2b", "SHA256", "sha256-sharded-4", ""] {
            let found = with("/predicate/resources/0/algorithm", json!(algorithm));
            assert!(matches!(found, Err(StatementError::Algorithm { .. })), "{algorithm}");
        }
        for digest in ["", "ab", &"a".repeat(63), &"a".repeat(128), &"A".repeat(64)] {
            let found = with("/predicate/resources/0/digest", json!(digest));
            assert!(matches!(found, Err(StatementError::Digest { .. })), "{digest}");
        }
        assert!(matches!(
            with("/predicate/serialization/hash_type", json!("md5")),
            Err(StatementError::HashType(_))
        ));
        assert!(matches!(
            with("/predicate/serialization/method", json!("dirs")),
            Err(StatementError::Method { .. })
        ));
    }

    #[test]
    fn item_27_unknown_fields_in_a_resource_are_passed_over() {
        let mut statement = files(&json!([file("a")]));
        statement["predicate"]["resources"][0]["size"] = json!(5);
        statement["predicate"]["later"] = json!({});
        parse(&statement).unwrap();
    }

    #[test]
    fn item_60_names_that_leave_the_model_are_refused_when_read() {
        for name in ["../x", "/x", "C:\\x", "a\\..\\b", "a\0b", "", "a//b", "a/./b"] {
            assert!(matches!(parse(&files(&json!([file(name)]))), Err(StatementError::Name(_))), "{name:?}");
        }
    }

    #[test]
    fn item_78_ignore_paths_that_would_hide_everything_are_refused_when_read() {
        for path in [".", "", "/", "../x", "*", "a/*"] {
            let mut statement = files(&json!([file("a")]));
            statement["predicate"]["serialization"]["ignore_paths"] = json!([path]);
            assert!(matches!(parse(&statement), Err(StatementError::Name(_))), "{path:?}");
        }
    }

    #[test]
    fn item_80_shard_sizes_that_make_no_sense_are_refused() {
        for size in [json!(0), json!(-4), json!(4.5), json!("4"), json!(1e300), json!(u64::MAX), Value::Null]
        {
            let shards = json!({"method": "shards", "hash_type": "sha256", "shard_size": size});
            let resource = json!({"name": "a:0:4", "algorithm": "sha256", "digest": digest("x")});
            let found = parse(&statement_of(&shards, &json!([resource])));
            assert!(
                matches!(found, Err(StatementError::ShardSize { .. } | StatementError::Json(_))),
                "{size}"
            );
        }
        assert!(matches!(
            with(
                "/predicate/serialization",
                json!({"method": "files", "hash_type": "sha256", "shard_size": 4})
            ),
            Err(StatementError::ShardSize { .. })
        ));
    }

    #[test]
    fn item_81_a_name_with_colons_is_read_by_its_last_two_integers() {
        let shards = json!({"method": "shards", "hash_type": "sha256", "shard_size": 4});
        let resource = json!({"name": "a:0:5:0:4", "algorithm": "sha256", "digest": digest("x")});
        let statement = parse(&statement_of(&shards, &json!([resource]))).unwrap();
        assert_eq!(statement.manifest().resources()[0].name.path.as_str(), "a:0:5");
        let problem = |name: &str| match ResourceName::shard(name) {
            Err(error) => error.problem,
            Ok(_) => panic!("{name}"),
        };
        assert_eq!(problem("a:0"), NameProblem::ShardSuffix);
    }
}
