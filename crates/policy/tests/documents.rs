//! Policies, deny-lists and locks as texts: what is read, and which line and
//! key an error names.

use std::collections::{BTreeMap, BTreeSet};

use modelseal_bundle::Statement;
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, ModelName, Reference, Resource, ResourceName, Serialization,
    Sha256Digest,
};
use modelseal_policy::{
    Contents, DenyList, DocumentError, Entry, Evidence, Lock, LockedSigner, Materials, Outcome, Policy,
    Question, ReasonKind, judge,
};
use modelseal_predicate::{DenyListRelease, SignerId, file_subject};
use modelseal_sign::{KeySigner, PrivateKey, Signer};
use modelseal_verify::{Clock, PublicKey, TrustedRoot};
use serde_json::{Value, json};

const ACME: &[u8] = include_bytes!("../../../testdata/keys/p256.pub");
const OTHER: &[u8] = include_bytes!("../../../testdata/keys/other-p256.pub");
const PRIVATE: &[u8] = include_bytes!("../../../testdata/keys/p256.pem");
const PRIVATE_OTHER: &[u8] = include_bytes!("../../../testdata/keys/other-p256.pem");
const ROOT: &[u8] = include_bytes!("../../../testdata/certificates/root.pem");

/// The files that policies name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let files = [("acme.pub", ACME), ("other.pub", OTHER), ("root.pem", ROOT), ("garbage", b"garbage")];
    files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect()
}

fn load_with(text: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Policy, DocumentError> {
    let read = |path: &str| files.get(path).cloned().ok_or_else(|| "there is no such file".to_owned());
    let root = || Ok(TrustedRoot::production());
    let clock = Clock::at("2026-06-01T00:00:00Z".parse().unwrap());
    Policy::load(text.as_bytes(), &Materials { read: &read, root: &root, keys: &[], clock })
}

fn load(text: &str) -> Result<Policy, DocumentError> {
    load_with(text, &files())
}

const GOOD: &str = r#"version = 1
serial = 7
expires = 2027-01-01
[publishers.acme]
keys = ["acme.pub"]
[publishers.other]
keys = ["other.pub"]
[[rules]]
scope = "hf://acme/*"
signed-by = { any = ["acme", "other"] }
[[waivers]]
model = "model-v1:0000000000000000000000000000000000000000000000000000000000000000"
rule = "hf://acme/*"
owner = "ops"
reason = "made before signing"
expires = 2026-12-31
[[remap]]
from = "oci://mirror.example/*"
to = "hf://*"
[[deny]]
key = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
since = 2026-01-01
reason = "stolen"
"#;

/// Each line of [`GOOD`] that is put in place of another, and the line, the
/// key and a part of the problem that are told.
const WRONG: [(&str, &str, usize, &str, &str); 45] = [
    ("version = 1", "version = 2", 1, "version", "only 1 is read"),
    ("version = 1", "", 1, "", "\"version\" is missing"),
    ("version = 1", "version = \"1\"", 1, "version", "expected a whole number"),
    ("version = 1", "version = 1.0", 1, "version", "expected a whole number"),
    ("serial = 7", "serial = -7", 2, "serial", "not below 0"),
    ("serial = 7", "", 1, "", "\"serial\" is missing"),
    ("serial = 7", "serials = 7", 1, "", "\"serial\" is missing"),
    ("serial = 7", "serial = 7\nnote = \"x\"", 3, "note", "unknown"),
    ("serial = 7", "serial = 7\nserial = 8", 3, "", "not TOML"),
    ("expires = 2027-01-01", "", 1, "", "\"expires\" is missing"),
    ("expires = 2027-01-01", "expires = 2027-01-01T00:00:00", 3, "expires", "with its zone"),
    ("expires = 2027-01-01", "expires = \"soon\"", 3, "expires", "with its zone"),
    ("expires = 2027-01-01", "expires = 2027-02-30", 3, "", "not TOML"),
    ("expires = 2027-01-01", "expires = 2027", 3, "expires", "expected a time"),
    (r#"keys = ["acme.pub"]"#, "keys = []", 4, "publishers.acme", "names nobody"),
    (r#"keys = ["acme.pub"]"#, r#"key = ["acme.pub"]"#, 4, "publishers.acme", "names nobody"),
    (r#"keys = ["acme.pub"]"#, r#"keys = ["nowhere"]"#, 5, "publishers.acme.keys[0]", "no such file"),
    (r#"keys = ["acme.pub"]"#, r#"keys = ["acme.pub", "garbage"]"#, 5, "publishers.acme.keys[1]", "PEM"),
    (r#"keys = ["acme.pub"]"#, r#"keys = ["sha256:00"]"#, 5, "publishers.acme.keys[0]", "no fingerprint"),
    (r#"keys = ["acme.pub"]"#, r#"keys = "acme.pub""#, 5, "publishers.acme.keys", "expected a list"),
    (r#"keys = ["acme.pub"]"#, "keys = [\"acme.pub\"]\nx = 1", 6, "publishers.acme.x", "unknown"),
    (
        r#"keys = ["acme.pub"]"#,
        r#"certificates = [{ roots = ["root.pem"] }]"#,
        5,
        "publishers.acme.certificates[0]",
        "\"subject\" is missing",
    ),
    (
        r#"keys = ["acme.pub"]"#,
        r#"certificates = [{ roots = [], subject = "CN=x" }]"#,
        5,
        "publishers.acme.certificates[0]",
        "\"roots\" is empty",
    ),
    (
        r#"keys = ["acme.pub"]"#,
        r#"sigstore = [{ issuer = "https://ci.example", identity = "https://g.example/acme/toy/x.yml@refs/tags/*" }]"#,
        5,
        "publishers.acme.sigstore[0].identity",
        "by its name alone",
    ),
    (
        r#"keys = ["acme.pub"]"#,
        r#"sigstore = [{ issuer = "https://ci.example", identity = "https://g.example/acme/toy/x.yml@refs/tags/*", claims = { source-repository = "https://g.example/acme/toy" } }]"#,
        5,
        "publishers.acme.sigstore[0].identity",
        "by its name alone",
    ),
    (
        r#"keys = ["acme.pub"]"#,
        r#"sigstore = [{ issuer = "https://ci.example", identity = "a@acme.example", claims = { owner = "1" } }]"#,
        5,
        "publishers.acme.sigstore[0].claims.owner",
        "is no claim",
    ),
    (
        r#"keys = ["acme.pub"]"#,
        r#"sigstore = [{ issuer = "https://ci.example", identity = "*@*" }]"#,
        5,
        "publishers.acme.sigstore[0].identity",
        "who is meant",
    ),
    (r#"scope = "hf://acme/*""#, r#"scope = "hf://acme*""#, 9, "rules[0].scope", "hf://acme*"),
    (r#"scope = "hf://acme/*""#, r#"scope = "hf://acme/toy@v1""#, 9, "rules[0].scope", "hf://acme/toy@v1"),
    (r#"scope = "hf://acme/*""#, "", 8, "rules[0]", "\"scope\" is missing"),
    (
        r#"scope = "hf://acme/*""#,
        "scope = \"hf://acme/*\"\nmode = \"dry\"",
        10,
        "rules[0].mode",
        "is none of",
    ),
    (
        r#"scope = "hf://acme/*""#,
        "scope = \"hf://acme/*\"\nbind_name = true",
        10,
        "rules[0].bind_name",
        "unknown",
    ),
    (r#"scope = "hf://acme/*""#, "scope = \"hf://acme/*\"\nhashes = []", 10, "rules[0].hashes", "empty"),
    (
        r#"scope = "hf://acme/*""#,
        "scope = \"hf://acme/*\"\nhashes = [\"md5\"]",
        10,
        "rules[0].hashes[0]",
        "md5",
    ),
    (
        r#"scope = "hf://acme/*""#,
        "scope = \"hf://acme/*\"\nnot-before = 2026-02-01\nnot-after = 2026-01-31",
        8,
        "rules[0]",
        "later than",
    ),
    (r#"scope = "hf://acme/*""#, "scope = \"hf://acme/*\"\nunsigned = \"pinned\"", 8, "rules[0]", "both"),
    (
        r#"signed-by = { any = ["acme", "other"] }"#,
        "unsigned = \"pinned\"\ncontinuity = \"tofu\"",
        8,
        "rules[0]",
        "continuity = \"pinned\"",
    ),
    (
        r#"signed-by = { any = ["acme", "other"] }"#,
        "unsigned = \"pinned\"\nbind-name = true",
        8,
        "rules[0]",
        "nobody signs",
    ),
    (r#"signed-by = { any = ["acme", "other"] }"#, "", 8, "rules[0]", "who signs"),
    (r#"rule = "hf://acme/*""#, r#"rule = "hf://acme/toy""#, 13, "waivers[0].rule", "no rule has the scope"),
    (r#"owner = "ops""#, r#"owner = "  ""#, 14, "waivers[0].owner", "1 to 1000"),
    (r#"to = "hf://*""#, r#"to = "hf://acme/toy""#, 17, "remap[0]", "both"),
    (
        r#"to = "hf://*""#,
        "to = \"hf://*\"\n[[remap]]\nfrom = \"oci://mirror.example/*\"\nto = \"hf://*\"",
        21,
        "remap[1].from",
        "mapped already",
    ),
    (r#"reason = "stolen""#, "", 20, "deny[0]", "\"reason\" is missing"),
    (
        r#"reason = "stolen""#,
        "reason = \"stolen\"\nmodel = \"model-v1:0\"",
        24,
        "deny[0].model",
        "model digest",
    ),
];

fn expect(found: Result<Policy, DocumentError>, line: usize, key: &str, problem: &str, text: &str) {
    let error = found.expect_err(text);
    let told = format!("{error:?}\n{text}");
    assert_eq!((error.line, error.key.as_str()), (line, key), "{told}");
    assert!(error.problem.contains(problem), "expected {problem:?} in {told}");
    let shown = error.to_string();
    assert!(shown.starts_with(&format!("line {line}")) && shown.contains(key), "{shown}");
}

#[test]
fn the_good_policy_is_read() {
    let policy = load(GOOD).unwrap();
    assert_eq!((policy.serial(), policy.rules()), (7, 1));
}

#[test]
fn every_error_names_its_line_and_its_key() {
    for (right, wrong, line, key, problem) in WRONG {
        assert_eq!(GOOD.matches(&format!("{right}\n")).count(), 1, "{right}");
        let text = GOOD.replacen(&format!("{right}\n"), &format!("{wrong}\n"), 1);
        expect(load(&text), line, key, problem, &text);
    }
}

#[test]
fn thresholds_that_can_never_be_met_are_errors() {
    for (signed_by, line, key, problem) in [
        (r#"{ at-least = 3, of = ["acme", "other"] }"#, 10, "rules[0].signed-by.of", "can never be"),
        (r#"{ at-least = 0, of = ["acme"] }"#, 10, "rules[0].signed-by.at-least", "is 0"),
        ("{ at-least = 1 }", 10, "rules[0].signed-by", "expected"),
        (r#"{ of = ["acme"] }"#, 10, "rules[0].signed-by", "expected"),
        (r#"{ any = ["acme"], all = ["other"] }"#, 10, "rules[0].signed-by", "expected"),
        ("{ any = [] }", 10, "rules[0].signed-by.any", "nobody could sign"),
        (r#"{ all = ["acme", "acme"] }"#, 10, "rules[0].signed-by.all[1]", "stands here twice"),
        (r#"{ all = ["acme", "nobody"] }"#, 10, "rules[0].signed-by.all[1]", "no publisher"),
        (r#"{ any = ["acme"], none = [] }"#, 10, "rules[0].signed-by.none", "unknown"),
    ] {
        let text = GOOD.replacen(r#"{ any = ["acme", "other"] }"#, signed_by, 1);
        expect(load(&text), line, key, problem, &text);
    }
    // Two names for one key are one signer.
    let same = GOOD.replacen("other.pub", "acme.pub", 1).replacen("any =", "all =", 1);
    expect(load(&same), 8, "rules[0]", "at most 1 can count", &same);
    load(&GOOD.replacen("any =", "all =", 1)).unwrap();
}

#[test]
fn of_two_rules_for_one_scope_none_governs() {
    let another =
        |scope: &str| format!("{GOOD}[[rules]]\nscope = \"{scope}\"\nsigned-by = {{ any = [\"acme\"] }}\n");
    for scope in ["hf://acme/*", "hf://ACME/*"] {
        expect(load(&another(scope)), 24, "rules[1]", "on line 8", &another(scope));
    }
    load(&another("oci://r.example/*")).unwrap();
    load(&another("hf://acme/toy")).unwrap();
}

/// TOML as JSON.
fn as_json(text: &str) -> Value {
    fn converted(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => json!(text),
            toml::Value::Integer(number) => json!(number),
            toml::Value::Float(number) => json!(number),
            toml::Value::Boolean(is_true) => json!(is_true),
            toml::Value::Datetime(time) => json!(time.to_string()),
            toml::Value::Array(values) => values.into_iter().map(converted).collect(),
            toml::Value::Table(table) => {
                table.into_iter().map(|(key, value)| (key, converted(value))).collect()
            }
        }
    }
    converted(toml::Value::Table(toml::from_str(text).unwrap()))
}

/// The line on which the value of a key such as `rules[0].scope` begins.
fn line_of(text: &str, key: &str, document: &Value) -> usize {
    // The value is replaced by one that occurs nowhere else, and looked for.
    let mut marked = document.clone();
    let pointer = key.replace(['.', '['], "/").replace(']', "");
    let pointer = if key.is_empty() { pointer } else { format!("/{pointer}") };
    let found = marked.pointer_mut(&pointer).unwrap_or_else(|| panic!("{key} in {text}"));
    *found = json!("MARKED");
    let marked = serde_json::to_string_pretty(&marked).unwrap();
    marked.lines().position(|line| line.contains("MARKED")).unwrap() + 1
}

#[test]
fn json_is_read_as_toml_is_and_its_errors_name_line_and_key_too() {
    load(&serde_json::to_string_pretty(&as_json(GOOD)).unwrap()).unwrap();
    let mut seen = 0;
    for (right, wrong, _, key, problem) in WRONG {
        if problem == "not TOML" {
            continue;
        }
        let document = as_json(&GOOD.replacen(&format!("{right}\n"), &format!("{wrong}\n"), 1));
        let text = serde_json::to_string_pretty(&document).unwrap();
        expect(load(&text), line_of(&text, key, &document), key, problem, &text);
        seen += 1;
    }
    assert!(seen > 40);
}

#[test]
fn json_and_toml_of_one_policy_judge_alike() {
    let waived: Reference = "oci://mirror.example/acme/toy".parse().unwrap();
    for text in [GOOD.to_owned(), as_json(GOOD).to_string()] {
        let policy = load(&text).unwrap();
        let model = format!("model-v1:{}", "0".repeat(64)).parse().ok();
        let evidence = Evidence::default().with_contents(Contents { model, ..Contents::default() });
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let found =
            judge(&policy, &Question { reference: &waived, evidence: &evidence, lock: None, now }).unwrap();
        assert_eq!(found.outcome, Outcome::Warn);
        assert_eq!(found.judged_as.name(), &"hf://acme/toy".parse::<ModelName>().unwrap());
    }
}

#[test]
fn a_key_that_json_has_twice_is_an_error_with_its_line() {
    let text = "{\n\"version\": 1,\n\"serial\": 1,\n\"serial\": 2\n}";
    expect(load(text), 4, "", "\"serial\" occurs twice", text);
    let text = "{\n\"version\": 1,\n\"ser\\u0069al\": 1,\n\"serial\": 2\n}";
    expect(load(text), 4, "", "occurs twice", text);
}

#[test]
fn what_is_nested_too_deep_is_an_error_with_its_line() {
    let toml = format!("version = 1\nx = {}1{}", "[".repeat(20), "]".repeat(20));
    expect(load(&toml), 2, "", "nested more than 12", &toml);
    let json = format!("{{\"version\": 1,\n\"x\": {}1{}}}", "[".repeat(20), "]".repeat(20));
    expect(load(&json), 2, "", "nested more than 12", &json);
}

#[test]
fn what_is_neither_toml_nor_json_is_an_error_with_its_line() {
    expect(load("version = 1\n\nserial: 1"), 3, "", "not TOML", "");
    expect(load("{\"version\": 1,\n\n}"), 3, "", "not JSON", "");
    expect(load("[]"), 1, "", "not TOML", "");
    expect(load(""), 1, "", "\"version\" is missing", "");
    let not_utf8 = Policy::load(
        b"version = 1\nserial = \"\xff\"",
        &Materials {
            read: &|_| Err(String::new()),
            root: &|| Err(String::new()),
            keys: &[],
            clock: Clock::system(),
        },
    );
    expect(not_utf8, 2, "", "not UTF-8", "");
}

#[test]
fn a_fingerprint_names_a_key_that_the_caller_has() {
    let key = PublicKey::from_pem(ACME).unwrap();
    let text = GOOD.replacen("acme.pub", &format!("sha256:{}", key.fingerprint()), 1);
    expect(load(&text), 5, "publishers.acme.keys[0]", "no key with this fingerprint was given", &text);
    let files = files();
    let read = |path: &str| files.get(path).cloned().ok_or_else(String::new);
    let root = || Ok(TrustedRoot::production());
    let materials = Materials { read: &read, root: &root, keys: &[key], clock: Clock::system() };
    Policy::load(text.as_bytes(), &materials).unwrap();
}

#[test]
fn a_workflow_is_known_by_a_number_or_by_its_name_knowingly() {
    let with = |more: &str| {
        let identity = "https://g.example/acme/toy/x.yml@refs/tags/*";
        let sigstore =
            format!("sigstore = [{{ issuer = \"https://ci.example\", identity = \"{identity}\"{more} }}]");
        load(&GOOD.replacen(r#"keys = ["acme.pub"]"#, &sigstore, 1))
    };
    with(r#", claims = { source-owner-id = "42" }"#).unwrap();
    with(r#", claims = { source-repository-id = "42" }"#).unwrap();
    with(", name-only = true").unwrap();
    with(", name-only = false").unwrap_err();
}

/// Whatever text stands wherever, nothing of it acts on a terminal.
#[test]
fn no_text_of_a_document_is_shown_as_it_is() {
    let hostile = "x\u{202e}\u{1b}[2J\u{7}\n\u{200b}";
    let documents = [
        as_json(GOOD),
        as_json(&GOOD.replacen(
            r#"keys = ["acme.pub"]"#,
            r#"sigstore = [{ issuer = "i", identity = "a@acme.example", claims = { source-owner-id = "1" } }]
certificates = [{ roots = ["root.pem"], subject = "CN=x", crls = ["c"] }]"#,
            1,
        )),
        as_json(&format!("{}[deny-list]\nfile = \"f\"\nsigned-by = \"acme\"\n", GOOD.replacen(
            "[[waivers]]",
            "mode = \"warn\"\ncontinuity = \"tofu\"\nhashes = [\"sha256\"]\nunsigned-files = \"allow\"\n[[waivers]]",
            1,
        ))),
    ];
    let mut errors = 0;
    for document in documents {
        for pointer in strings_of(&document, "") {
            let mut changed = document.clone();
            *changed.pointer_mut(&pointer).unwrap() = json!(hostile);
            errors += usize::from(is_shown_safely(load(&changed.to_string()), &pointer));
        }
        for (parent, name) in members_of(&document, "") {
            let mut changed = document.clone();
            let object = changed.pointer_mut(&parent).unwrap().as_object_mut().unwrap();
            let value = object.remove(&name).unwrap();
            object.insert(hostile.to_owned(), value);
            errors += usize::from(is_shown_safely(load(&changed.to_string()), &format!("{parent} {name}")));
        }
    }
    assert!(errors > 100, "{errors}");
    is_shown_safely(load(&format!("{{\"{0}\": 1, \"{0}\": 2}}", "a\u{202e}b")), "a key twice");
    is_shown_safely(load("a\u{202e}b\u{7} = \u{7}"), "a bare key of TOML");
    is_shown_safely(load("\"a\\u001bb\" = 1\n\"a\\u001bb\" = 1"), "a key of TOML twice");
}

fn is_shown_safely(found: Result<Policy, DocumentError>, at: &str) -> bool {
    let is_plain = |c: char| !modelseal_manifest::Escaped::is_escaped(c);
    let Err(error) = found else { return false };
    assert!(error.to_string().chars().all(is_plain), "{at}: {:?}", error.to_string());
    true
}

fn strings_of(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::String(_) => vec![at.to_owned()],
        Value::Array(values) => {
            values.iter().enumerate().flat_map(|(i, value)| strings_of(value, &format!("{at}/{i}"))).collect()
        }
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| strings_of(value, &format!("{at}/{name}"))).collect()
        }
        _ => vec![],
    }
}

fn members_of(value: &Value, at: &str) -> Vec<(String, String)> {
    match value {
        Value::Array(values) => {
            values.iter().enumerate().flat_map(|(i, value)| members_of(value, &format!("{at}/{i}"))).collect()
        }
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| {
                let mut found = members_of(value, &format!("{at}/{name}"));
                found.push((at.to_owned(), name.clone()));
                found
            })
            .collect(),
        _ => vec![],
    }
}

/// What a policy says in its verdict is shown safely too.
#[test]
fn no_text_of_a_policy_is_shown_as_it_is_in_a_verdict() {
    let hostile = "x\\u202e\\u001b[2J";
    let name = |text: &str| {
        text.replace("acme\"", &format!("{hostile}\"")).replace(".acme]", &format!(".\"{hostile}\"]"))
    };
    let text = name(&GOOD.replacen("any =", "all =", 1));
    let text = text.replace("\"ops\"", &format!("\"{hostile}\"")).replace("made before signing", hostile);
    let policy = load(&text).unwrap();
    let reference: Reference = "hf://acme/toy".parse().unwrap();
    for (digit, expected) in [("0", Outcome::Warn), ("1", Outcome::Deny)] {
        let model = format!("model-v1:{}", digit.repeat(64)).parse().ok();
        let evidence = Evidence::default().with_contents(Contents { model, ..Contents::default() });
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let found = judge(&policy, &Question { reference: &reference, evidence: &evidence, lock: None, now })
            .unwrap();
        assert_eq!(found.outcome, expected);
        let shown: String = found.reasons.iter().map(|reason| reason.kind.to_string()).collect();
        assert!(shown.contains(r"x\u{202e}\u{1b}[2J"), "{shown}");
        assert!(!shown.chars().any(modelseal_manifest::Escaped::is_escaped), "{shown:?}");
    }
}

#[test]
fn a_reason_is_kept_as_it_was_written() {
    let list = b"version = 1\nserial = 1\nexpires = 2027-01-01\n[[deny]]\nreason = 'C:\\models'\nmodel = \"model-v1:0000000000000000000000000000000000000000000000000000000000000000\"";
    assert_eq!(DenyList::parse(list).unwrap().entries()[0].reason(), r"C:\models");
}

// Deny-lists apart from the policy.

const LIST: &str = r#"version = 1
serial = 3
expires = 2026-12-31
[[deny]]
model = "model-v1:1111111111111111111111111111111111111111111111111111111111111111"
reason = "backdoor"
"#;

/// The bundle of a signature over these files, as `modelseal sign` makes it.
fn sign(private: &[u8], hash: HashType, files: &[(&str, &[u8])]) -> Vec<u8> {
    let resources = files.iter().map(|(name, bytes)| {
        let digest = match hash {
            HashType::Sha256 => ContentDigest::Sha256(Sha256Digest::of(bytes)),
            _ => ContentDigest::from_hex(hash, &"00".repeat(hash.digest_len())).unwrap(),
        };
        Resource { name: ResourceName::file(name).unwrap(), digest }
    });
    let serialization =
        Serialization { method: Method::Files, hash_type: hash, allow_symlinks: false, ignore_paths: vec![] };
    let manifest = Manifest::new(serialization, resources.collect()).unwrap();
    let payload = Statement::new("deny.toml", manifest).to_payload();
    sign_payload(private, &payload)
}

/// A policy whose deny-list `acme` signs, with these files beside it.
fn load_list(more: &[(&str, Vec<u8>)], entries: &str) -> Policy {
    let text = GOOD.replacen(
        "signed-by = { any = [\"acme\", \"other\"] }",
        "signed-by = { any = [\"other\"] }\nmode = \"warn\"",
        1,
    );
    let text = format!("{text}{entries}[deny-list]\nfile = \"deny.toml\"\nsigned-by = \"acme\"\n");
    let mut files = files();
    files.extend(more.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())));
    load_with(&text, &files).unwrap()
}

/// What a policy says of a model that nobody denies and of one that is denied,
/// with these files beside it.
fn judged_under(more: &[(&str, Vec<u8>)], lock: Option<&Lock>) -> [(Outcome, BTreeSet<&'static str>); 2] {
    let policy = load_list(more, "");
    let reference: Reference = "hf://acme/toy".parse().unwrap();
    ["2", "1"].map(|digit| {
        let model = format!("model-v1:{}", digit.repeat(64)).parse().ok();
        let evidence = Evidence::default().with_contents(Contents { model, ..Contents::default() });
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let found =
            judge(&policy, &Question { reference: &reference, evidence: &evidence, lock, now }).unwrap();
        (found.outcome, found.denials().map(modelseal_policy::ReasonKind::code).collect())
    })
}

/// Why the deny-list of a policy with these entries cannot be believed.
fn problem_of(list: &str, signature: Vec<u8>, entries: &str) -> Option<String> {
    let policy = load_list(&with_signature(list, signature), entries);
    let reference: Reference = "hf://acme/toy".parse().unwrap();
    let (evidence, now) = (Evidence::default(), "2026-06-01T00:00:00Z".parse().unwrap());
    let question = Question { reference: &reference, evidence: &evidence, lock: None, now };
    let verdict = judge(&policy, &question).unwrap();
    verdict.denials().find_map(|kind| match kind {
        ReasonKind::DenyListUnusable { problem } => Some(problem.clone()),
        _ => None,
    })
}

/// The bundle of a signature of a deny-list, as `modelseal deny` makes it.
fn sign_list(private: &[u8], list: &str, serial: u64) -> Vec<u8> {
    sign_payload(private, &attested(list, serial))
}

fn attested(list: &str, serial: u64) -> Vec<u8> {
    DenyListRelease { serial }.attest(file_subject("deny.toml", list.as_bytes())).to_payload()
}

fn sign_payload(private: &[u8], payload: &[u8]) -> Vec<u8> {
    KeySigner::new(PrivateKey::from_pem(private).unwrap()).sign(payload).unwrap()
}

fn with_signature(list: &str, signature: Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    vec![("deny.toml", list.as_bytes().to_vec()), ("deny.toml.sig", signature)]
}

#[test]
fn a_signed_deny_list_denies_what_it_names() {
    let files = with_signature(LIST, sign_list(PRIVATE, LIST, 3));
    let [other, denied] = judged_under(&files, None);
    assert_eq!(other, (Outcome::Warn, BTreeSet::new()));
    assert_eq!(denied, (Outcome::Deny, BTreeSet::from(["denied-model"])));
}

#[test]
fn under_a_deny_list_that_cannot_be_believed_everything_is_denied() {
    let good = || sign_list(PRIVATE, LIST, 3);
    let garbage = "version = 1";
    for (what, files) in [
        ("another signer", with_signature(LIST, sign_list(PRIVATE_OTHER, LIST, 3))),
        ("an altered byte", with_signature(&LIST.replace("serial = 3", "serial = 4"), good())),
        ("one byte more", with_signature(&format!("{LIST}\n"), good())),
        ("no signature", with_signature(LIST, good())[..1].to_vec()),
        ("no list", with_signature(LIST, good())[1..].to_vec()),
        ("neither", vec![]),
        ("no bundle", with_signature(LIST, b"{}".to_vec())),
        ("another serial", with_signature(LIST, sign_list(PRIVATE, LIST, 4))),
        ("no deny-list", with_signature(garbage, sign_list(PRIVATE, garbage, 3))),
    ] {
        for (outcome, codes) in judged_under(&files, None) {
            assert_eq!((outcome, codes), (Outcome::Deny, BTreeSet::from(["deny-list-unusable"])), "{what}");
        }
    }
}

#[test]
fn the_signature_of_a_model_is_none_of_a_deny_list() {
    // Whoever countersigns models of one file has signed no list by that.
    for (hash, files) in [
        (HashType::Sha256, &[("deny.toml", LIST.as_bytes())][..]),
        (HashType::Sha256, &[(".", LIST.as_bytes())]),
        (HashType::Sha256, &[("deny.toml", LIST.as_bytes()), ("another", b"x")]),
        (HashType::Blake3, &[("deny.toml", LIST.as_bytes())]),
    ] {
        let problem = problem_of(LIST, sign(PRIVATE, hash, files), "").unwrap();
        assert!(
            problem.contains("deny.toml.sig: is the signature of a model, and not of a deny-list"),
            "{problem}"
        );
    }
}

#[test]
fn another_attestation_about_a_deny_list_is_no_signature_of_it() {
    let list: Value = serde_json::from_slice(&attested(LIST, 3)).unwrap();
    let signed = |change: &dyn Fn(&mut Value)| {
        let mut payload = list.clone();
        change(&mut payload);
        problem_of(LIST, sign_payload(PRIVATE, payload.to_string().as_bytes()), "")
    };
    assert_eq!(signed(&|_| {}), None);
    let other_subject = json!({ "name": "another", "digest": { "sha256": "00".repeat(32) } });
    assert_eq!(
        signed(&|payload| payload["subject"].as_array_mut().unwrap().push(other_subject.clone())),
        None
    );
    for (pointer, value, problem) in [
        (
            "/predicateType",
            json!("urn:modelseal:predicate:succession:v1"),
            "is not the signature of a deny-list",
        ),
        (
            "/predicateType",
            json!("urn:modelseal:predicate:deny-list:v2"),
            "is not the signature of a deny-list",
        ),
        ("/_type", json!("https://in-toto.io/Statement/v0.1"), "statement type"),
        ("/predicate", json!({}), "predicate.serial"),
        ("/predicate/serial", json!(2), "is for the serial 2, and the list has 3"),
        ("/subject/0/digest", json!({ "sha256": "00".repeat(32) }), "is not what was signed"),
        (
            "/subject/0/digest",
            json!({ "model-v1": list["subject"][0]["digest"]["sha256"] }),
            "is not what was signed",
        ),
    ] {
        let found = signed(&|payload| *payload.pointer_mut(pointer).unwrap() = value.clone());
        assert!(found.as_ref().is_some_and(|found| found.contains(problem)), "{pointer} {value}: {found:?}");
    }
}

#[test]
fn whoever_is_denied_signs_no_deny_list() {
    let key = PublicKey::from_pem(ACME).unwrap().fingerprint();
    let deny = |key: &str| format!("[[deny]]\nkey = \"sha256:{key}\"\nreason = \"stolen in May\"\n");
    let (own, other) = (deny(&key.to_string()), deny(&"1".repeat(64)));
    let of = |list: &str, entries: &str| problem_of(list, sign_list(PRIVATE, list, 3), entries);
    assert_eq!(of(LIST, &other), None);
    assert_eq!(of(&format!("{LIST}{other}"), ""), None);
    let problem = of(LIST, &own).unwrap();
    assert!(problem.contains("whom the policy denies: stolen in May"), "{problem}");
    let problem = of(&format!("{LIST}{own}"), "").unwrap();
    assert!(problem.contains("whom the list itself denies: stolen in May"), "{problem}");
    // Nothing proves that the signature is older.
    assert!(of(LIST, &format!("{own}since = 2098-01-01\n")).is_some());
}

#[test]
fn a_serial_that_toml_cannot_have_is_refused_in_json_too() {
    type Read = fn(&str) -> Result<(), DocumentError>;
    let lock = "version = 1\npolicy-serial = 7\ndeny-list-serial = 0\n";
    let of_list: Read = |text| DenyList::parse(text.as_bytes()).map(drop);
    let of_lock: Read = |text| Lock::parse(text.as_bytes()).map(drop);
    for (text, name, read) in [
        (GOOD, "serial", (|text| load(text).map(drop)) as Read),
        (LIST, "serial", of_list),
        (lock, "policy-serial", of_lock),
        (lock, "deny-list-serial", of_lock),
    ] {
        for (number, is_read) in [(u64::MAX / 2, true), (u64::MAX / 2 + 1, false), (u64::MAX, false)] {
            let mut json = as_json(text);
            let old = json[name].to_string();
            json[name] = json!(number);
            let toml = text.replacen(&format!("{name} = {old}\n"), &format!("{name} = {number}\n"), 1);
            for document in [toml, json.to_string()] {
                let found = read(&document);
                assert_eq!(found.is_ok(), is_read, "{document}: {found:?}");
            }
        }
    }
}

#[test]
fn after_the_last_serial_there_is_none() {
    let of = |serial: i64| {
        DenyList::parse(LIST.replacen('3', &serial.to_string(), 1).as_bytes()).unwrap().next(None)
    };
    assert_eq!(of(i64::MAX - 1).unwrap().serial(), i64::MAX.unsigned_abs());
    assert!(of(i64::MAX).is_none());
}

#[test]
fn a_deny_list_that_is_old_denies_everything() {
    let of = |list: &str| with_signature(list, sign_list(PRIVATE, list, 3));
    let expired = LIST.replace("2026-12-31", "2026-06-01");
    assert_eq!(judged_under(&of(&expired), None)[0], (Outcome::Deny, BTreeSet::from(["deny-list-expired"])));
    let mut lock = Lock::default();
    lock.see_serials(7, Some(3));
    assert_eq!(judged_under(&of(LIST), Some(&lock))[0].0, Outcome::Warn);
    lock.see_serials(7, Some(4));
    let found = &judged_under(&of(LIST), Some(&lock))[0];
    assert_eq!(*found, (Outcome::Deny, BTreeSet::from(["deny-list-rolled-back"])));
}

#[test]
fn errors_of_deny_lists_name_their_line_and_their_key() {
    let digest = "1".repeat(64);
    for (right, wrong, line, key, problem) in [
        ("version = 1", "version = 0", 1, "version", "only 1 is read"),
        ("serial = 3", "", 1, "", "\"serial\" is missing"),
        ("serial = 3", "serial = 3\nrules = []", 3, "rules", "unknown"),
        ("reason = \"backdoor\"", "", 4, "deny[0]", "\"reason\" is missing"),
        ("reason = \"backdoor\"", "reason = \"\"", 6, "deny[0].reason", "1 to 1000"),
        (
            "reason = \"backdoor\"",
            "reason = \"x\"\nsince = 2026-01-01",
            7,
            "deny[0].since",
            "the bytes that are denied",
        ),
        (
            "reason = \"backdoor\"",
            "reason = \"x\"\nidentity = \"a@acme.example\"",
            4,
            "deny[0]",
            "expected one of",
        ),
        ("reason = \"backdoor\"", "reason = \"x\"\nclaims = {}", 0, "", ""),
        ("[[deny]]", "[[denies]]", 4, "denies", "unknown"),
    ] {
        let found = DenyList::parse(LIST.replacen(right, wrong, 1).as_bytes());
        if line == 0 {
            found.unwrap();
            continue;
        }
        let error = found.unwrap_err();
        assert_eq!((error.line, error.key.as_str()), (line, key), "{error}");
        assert!(error.problem.contains(problem), "{error}");
    }
    for what in ["", &format!("file = \"{digest}\""), "claims = {}", "key = \"sha256:A\"", "identity = \"*\""]
    {
        let list = LIST.replace(&format!("model = \"model-v1:{digest}\""), what);
        DenyList::parse(list.as_bytes()).unwrap_err();
    }
}

// Locks.

fn lock_with(signers: &[SignerId]) -> Lock {
    let mut lock = Lock::default();
    lock.see_serials(7, Some(i64::MAX.unsigned_abs()));
    let publisher = |id| LockedSigner { publisher: "the \"publisher\"\n\u{202e}\\".to_owned(), id };
    for reference in ["oci://r.example/x", "hf://Acme/toy@v1", "hf://acme/toy", "file:/srv/a \"b\"\\c"] {
        lock.insert(
            reference.parse().unwrap(),
            Entry {
                model: format!("model-v1:{}", "1".repeat(64)).parse().unwrap(),
                root: Some(modelseal_manifest::RootDigest::from_sha256("2".repeat(64).parse().unwrap())),
                release: Some("1.2.0-rc.1".parse().unwrap()),
                signers: signers.iter().cloned().map(publisher).collect(),
                first_seen: "2026-01-01T00:00:00Z".parse().unwrap(),
                last_seen: "2026-01-01T00:00:00.123456789Z".parse().unwrap(),
            },
        );
    }
    lock
}

fn every_signer() -> Vec<SignerId> {
    let fingerprint = |digit: &str| format!("sha256:{}", digit.repeat(64)).parse().unwrap();
    let text = |text: &str| text.to_owned();
    let workflow = |owner_id: Option<&str>, repository_id: Option<&str>| SignerId::Workflow {
        issuer: text("https://ci.example"),
        owner_id: owner_id.map(text),
        repository_id: repository_id.map(text),
    };
    vec![
        SignerId::Key { key: fingerprint("a") },
        SignerId::Certificate { root: fingerprint("b"), subject: text("CN=\"x\"\r\n'''\"\"\"\u{7}") },
        workflow(Some("42"), Some("1001")),
        workflow(Some("42"), None),
        workflow(None, Some("1001")),
        SignerId::Identity { issuer: text(""), identity: text("release@acme.example") },
    ]
}

#[test]
fn a_lock_reads_back_as_it_was_written_and_is_written_the_same() {
    let lock = lock_with(&every_signer());
    let text = lock.to_toml();
    let read = Lock::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(read, lock);
    assert_eq!(read.to_toml(), text);
    let json = serde_json::to_string(&as_json(&text.replace(&u64::MAX.to_string(), "9"))).unwrap();
    let read_as_json = Lock::parse(json.as_bytes()).unwrap();
    assert_eq!(read_as_json.entries().collect::<Vec<_>>(), lock.entries().collect::<Vec<_>>());
    assert_eq!(Lock::parse(Lock::default().to_toml().as_bytes()).unwrap(), Lock::default());
}

#[test]
fn a_lock_is_sorted_whatever_order_it_was_read_in() {
    let text = lock_with(&[]).to_toml();
    let lines = text.lines().filter_map(|line| line.strip_prefix("reference = "));
    let references: Vec<&str> = lines.map(|line| &line[1..]).collect();
    let mut sorted = references.clone();
    sorted.sort_by_key(|line| line.to_lowercase());
    assert_eq!((references.len(), &references), (4, &sorted));
    let (head, entries) = text.split_once("\n[[model]]").unwrap();
    let backwards: Vec<&str> = entries.split("\n[[model]]").collect::<Vec<_>>().into_iter().rev().collect();
    let backwards = format!("{head}\n[[model]]{}", backwards.join("\n[[model]]"));
    assert_ne!(backwards, text);
    assert_eq!(Lock::parse(backwards.as_bytes()).unwrap().to_toml(), text);
}

#[test]
fn errors_of_locks_name_their_line_and_their_key() {
    let digest = "1".repeat(64);
    let entry = |reference: &str| {
        format!(
            "[[model]]\nreference = \"{reference}\"\ndigest = \"model-v1:{digest}\"\nfirst-seen = 2026-01-01\nlast-seen = 2026-01-01\n"
        )
    };
    let head = "version = 1\npolicy-serial = 1\ndeny-list-serial = 0\n";
    let signer = |rest: &str| {
        format!("{head}{}[[model.signers]]\npublisher = \"acme\"\n{rest}", entry("hf://acme/toy"))
    };
    for (text, line, key, problem) in [
        (
            format!("{head}{}{}", entry("hf://acme/toy"), entry("hf://acme/toy")),
            9,
            "model[1]",
            "an entry already",
        ),
        (
            format!("{head}{}{}", entry("hf://acme/toy"), entry("hf://ACME/Toy")),
            9,
            "model[1]",
            "an entry already",
        ),
        (format!("<<<<<<< HEAD\n{head}"), 1, "", "not TOML"),
        (format!("{head}{}=======\n", entry("hf://acme/toy")), 9, "", "not TOML"),
        (format!("{head}>>>>>>> theirs\n"), 4, "", "not TOML"),
        (format!("{head}x = 1\n"), 4, "x", "unknown"),
        (format!("{head}{}x = 1\n", entry("hf://acme/toy")), 9, "model[0].x", "unknown"),
        (format!("{head}{}", entry("hf://acme")), 5, "model[0].reference", "hf://acme"),
        (format!("{head}{}", entry("hf://acme/*")), 5, "model[0].reference", "hf://acme/*"),
        (head.replace("version = 1", "version = 9"), 1, "version", "only 1 is read"),
        (head.replace("policy-serial = 1", "policy-serial = -1"), 2, "policy-serial", "not below 0"),
        (signer("method = \"magic\""), 11, "model[0].signers[0].method", "is none of"),
        (signer("method = \"key\"\nkey = \"sha256:00\""), 12, "model[0].signers[0].key", "no fingerprint"),
        (signer("method = \"workflow\"\nissuer = \"i\""), 9, "model[0].signers[0]", "owner-id"),
        (
            signer("method = \"identity\"\nissuer = \"i\""),
            9,
            "model[0].signers[0]",
            "\"identity\" is missing",
        ),
        (
            signer("method = \"identity\"\nissuer = \"i\"\nidentity = \"j\"\nkey = \"k\""),
            14,
            "model[0].signers[0].key",
            "unknown",
        ),
    ] {
        let error = Lock::parse(text.as_bytes()).expect_err(&text);
        assert_eq!((error.line, error.key.as_str()), (line, key), "{error}\n{text}");
        assert!(error.problem.contains(problem), "{error}\n{text}");
    }
}

#[test]
fn what_a_lock_has_seen_only_grows() {
    let mut lock = Lock::default();
    lock.see_serials(7, Some(3));
    lock.see_serials(5, Some(2));
    lock.see_serials(6, None);
    assert_eq!((lock.policy_serial(), lock.deny_list_serial()), (7, 3));
}
