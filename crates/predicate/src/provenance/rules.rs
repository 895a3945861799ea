//! The rules of SLSA provenance v1 and of in-toto's resource descriptors for
//! what is written. What is read is asked less.

use serde_json::Value;

use crate::PredicateError;
use crate::field::Fields;

/// The algorithms that in-toto names, and ours.
const HEXADECIMAL: [&str; 18] = [
    "sha256",
    "sha224",
    "sha384",
    "sha512",
    "sha512_224",
    "sha512_256",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "blake2b",
    "blake2s",
    "sha1",
    "md5",
    "gitCommit",
    "gitTree",
    "gitBlob",
    "model-v1",
];

/// Whether a predicate keeps every rule for the fields that it has. Fields that
/// SLSA does not know are not looked at.
pub(super) fn check(predicate: &Fields<'_>) -> Result<(), PredicateError> {
    definition(&predicate.required("buildDefinition", Fields::object)?)?;
    details(&predicate.required("runDetails", Fields::object)?)
}

fn definition(definition: &Fields<'_>) -> Result<(), PredicateError> {
    uri(definition, "buildType")?;
    let external = definition.required("externalParameters", Fields::object)?;
    if external.map().is_empty() {
        // To SLSA, what is empty is absent.
        return Err(
            definition.refuse("externalParameters", "is empty: it says what the build was told to do")
        );
    }
    definition.object("internalParameters")?;
    resources(definition, "resolvedDependencies")
}

fn details(details: &Fields<'_>) -> Result<(), PredicateError> {
    let builder = details.required("builder", Fields::object)?;
    uri(&builder, "id")?;
    if let Some(version) = builder.object("version")? {
        texts(&version)?;
    }
    resources(&builder, "builderDependencies")?;
    if let Some(metadata) = details.object("metadata")? {
        metadata.text("invocationId")?;
        let (started, finished) = (utc(&metadata, "startedOn")?, utc(&metadata, "finishedOn")?);
        if let (Some(started), Some(finished)) = (started, finished)
            && finished < started
        {
            return Err(metadata.refuse("finishedOn", "is before startedOn"));
        }
    }
    resources(details, "byproducts")
}

fn resources(fields: &Fields<'_>, name: &str) -> Result<(), PredicateError> {
    fields.objects(name)?.iter().try_for_each(resource)
}

/// in-toto's resource descriptor.
fn resource(resource: &Fields<'_>) -> Result<(), PredicateError> {
    let identified = ["uri", "digest", "content"].iter().any(|name| resource.has(name));
    if !identified {
        return Err(resource.refuse("", "has none of \"uri\", \"digest\" and \"content\""));
    }
    for name in ["name", "mediaType", "content"] {
        resource.text(name)?;
    }
    for name in ["uri", "downloadLocation"] {
        optional_uri(resource, name)?;
    }
    if let Some(digest) = resource.object("digest")? {
        digests(&digest)?;
    }
    if resource.text("content")?.is_some_and(|text| !is_base64(text)) {
        return Err(resource.refuse("content", "is no base64"));
    }
    resource.object("annotations").map(drop)
}

/// in-toto's digest set: of algorithms that it names, in lowercase hexadecimal
/// digits; of others, in texts.
fn digests(digest: &Fields<'_>) -> Result<(), PredicateError> {
    texts(digest)?;
    for algorithm in digest.map().keys() {
        let is_hex = |text: &str| text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        if HEXADECIMAL.contains(&algorithm.as_str()) && !digest.text(algorithm)?.is_some_and(is_hex) {
            return Err(digest.refuse(algorithm, "is not of lowercase hexadecimal digits"));
        }
    }
    Ok(())
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/')
}

/// A map whose values are texts.
fn texts(fields: &Fields<'_>) -> Result<(), PredicateError> {
    fields.map().iter().try_for_each(|(name, value)| match value {
        Value::String(text) if !text.is_empty() => Ok(()),
        _ => Err(fields.refuse(name, "is no text, or an empty one")),
    })
}

fn uri(fields: &Fields<'_>, name: &str) -> Result<(), PredicateError> {
    fields.required(name, Fields::text)?;
    optional_uri(fields, name)
}

/// A URI whose scheme and host have no capital letters, which make no difference
/// there and would elsewhere.
fn optional_uri(fields: &Fields<'_>, name: &str) -> Result<(), PredicateError> {
    let Some(text) = fields.text(name)? else { return Ok(()) };
    match uri_problem(text) {
        Some(problem) => Err(fields.refuse(name, problem)),
        None => Ok(()),
    }
}

/// Why a text is no URI of the form that in-toto writes.
pub fn uri_problem(text: &str) -> Option<&'static str> {
    if !is_uri(text) {
        return Some("is no URI, such as https://example.com/x/v1");
    }
    let (scheme, rest) = text.split_once(':').unwrap_or_default();
    let host = rest.strip_prefix("//").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let has_capitals = |part: &str| part.contains(|c: char| c.is_ascii_uppercase());
    (has_capitals(scheme) || host.is_some_and(has_capitals))
        .then_some("has capital letters in its scheme or host: write them small")
}

/// Whether a text is a URI: a scheme, and after it no character that no URI has
/// (RFC 3986, section 2).
pub fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let is_escape = |after: &str| after.len() >= 2 && after.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(is_scheme)
        && !rest.is_empty()
        && rest.chars().all(|c| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c))
        && rest.matches('#').count() <= 1
        && rest.split('%').skip(1).all(is_escape)
}

/// Times of SLSA are of RFC 3339, in UTC.
fn utc(fields: &Fields<'_>, name: &str) -> Result<Option<jiff::Timestamp>, PredicateError> {
    match fields.text(name)? {
        Some(text) if !is_utc(text) => Err(fields.refuse(name, "is not in UTC, as 2026-01-31T12:00:00Z is")),
        _ => fields.time(name),
    }
}

/// `2026-01-31T12:00:00Z`, with a fraction or without.
fn is_utc(text: &str) -> bool {
    let Some(text) = text.strip_suffix('Z') else { return false };
    let (time, fraction) = text.split_once('.').map_or((text, None), |(time, f)| (time, Some(f)));
    let is_alike = |(c, expected): (char, char)| match expected {
        '0' => c.is_ascii_digit(),
        expected => c == expected,
    };
    time.len() == TIME.len()
        && time.chars().zip(TIME.chars()).all(is_alike)
        && fraction.is_none_or(|f| !f.is_empty() && f.chars().all(|c| c.is_ascii_digit()))
}

/// Digits, and what stands between them.
const TIME: &str = "0000-00-00T00:00:00";
