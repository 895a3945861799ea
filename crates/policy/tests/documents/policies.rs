//! Policies as texts.

use super::*;

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

pub(super) fn expect(
    found: Result<Policy, DocumentError>,
    line: usize,
    key: &str,
    problem: &str,
    text: &str,
) {
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

/// The line on which the value of a key such as `rules[0].scope` begins.
pub(super) fn line_of(text: &str, key: &str, document: &Value) -> usize {
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
        as_json(&attestations::good()),
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
