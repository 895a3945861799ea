//! What rules demand beside signatures, and whose verdicts they take.

use super::policies::{expect, line_of};
use super::*;

/// The keys of a demand for provenance and of a verifier, each on its own line,
/// from line 11 on.
const ASKED: &str = r#"[[rules.attestations]]
type = "provenance"
signed-by = { any = ["other"] }
max-age = "90d"
builder = "https://ci.example/acme/*"
build-type = "https://ci.example/build/v1"
source = "https://g.example/acme/toy"
source-ref = "refs/tags/*"
dependencies = { of = ["hf://base/*"], at-least = 2 }
build-level = 3
[[rules.summaries]]
signed-by = "other"
verifier = "https://registry.example/verifier"
policies = ["sha256:1111111111111111111111111111111111111111111111111111111111111111"]
max-age = "12h"
"#;
const SIGNED_BY: &str = r#"signed-by = { any = ["acme", "other"] }"#;
const POLICIES: &str =
    r#"policies = ["sha256:1111111111111111111111111111111111111111111111111111111111111111"]"#;
const PROVENANCE: &str = "rules[0].attestations[0]";
const SUMMARY: &str = "rules[0].summaries[0]";

/// [`GOOD`], whose rule asks for this as well.
fn asking(what: &str) -> String {
    GOOD.replacen(&format!("{SIGNED_BY}\n"), &format!("{SIGNED_BY}\n{what}"), 1)
}

/// The policy that the hostile texts are put into.
pub(super) fn good() -> String {
    asking(ASKED)
}

/// Each line of [`ASKED`] that is put in place of another, and the line, what
/// comes behind the key of its table, and a part of the problem.
const WRONG_DEMANDS: [(&str, &str, usize, &str, &str); 36] = [
    (r#"type = "provenance""#, "", 11, "", "\"type\" is missing"),
    (r#"type = "provenance""#, r#"type = "sbom""#, 12, ".type", "the URI of a predicate type"),
    (
        r#"type = "provenance""#,
        r#"type = "https://x.example/a b""#,
        12,
        ".type",
        "the URI of a predicate type",
    ),
    (r#"type = "provenance""#, r#"type = """#, 12, ".type", "the URI of a predicate type"),
    (r#"type = "provenance""#, r#"type = ["provenance"]"#, 12, ".type", "expected a text"),
    (r#"signed-by = { any = ["other"] }"#, "", 11, "", "\"signed-by\" is missing"),
    (r#"signed-by = { any = ["other"] }"#, r#"signed-by = "other""#, 13, ".signed-by", "expected a table"),
    (
        r#"signed-by = { any = ["other"] }"#,
        "signed-by = { any = [] }",
        13,
        ".signed-by.any",
        "nobody could sign",
    ),
    (
        r#"signed-by = { any = ["other"] }"#,
        r#"signed-by = { any = ["x"] }"#,
        13,
        ".signed-by.any[0]",
        "no publisher",
    ),
    (
        r#"signed-by = { any = ["other"] }"#,
        r#"signed-by = { at-least = 2, of = ["other"] }"#,
        13,
        ".signed-by.of",
        "can never be",
    ),
    (
        r#"signed-by = { any = ["other"] }"#,
        r#"signed-by = { all = ["other", "other"] }"#,
        13,
        ".signed-by.all[1]",
        "stands here twice",
    ),
    (r#"max-age = "90d""#, "max-age = 90", 14, ".max-age", "expected a text"),
    (r#"max-age = "90d""#, r#"max-age = "90""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "0d""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "d""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "1.5d""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "-1d""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "90 d""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "90m""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "1d12h""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "90d""#, r#"max-age = "4294967296d""#, 14, ".max-age", "such as 90d or 12h"),
    (r#"builder = "https://ci.example/acme/*""#, r#"builder = """#, 15, ".builder", "empty"),
    (
        r#"builder = "https://ci.example/acme/*""#,
        r#"builder = "https://*/acme""#,
        15,
        ".builder",
        "who is meant",
    ),
    (r#"builder = "https://ci.example/acme/*""#, "builder = []", 15, ".builder", "expected a text"),
    (
        r#"build-type = "https://ci.example/build/v1""#,
        r#"build-type = "x/**""#,
        16,
        ".build-type",
        "no meaning",
    ),
    (
        r#"source = "https://g.example/acme/toy""#,
        r#"source = "https://g.example/*""#,
        17,
        ".source",
        "who is meant",
    ),
    (r#"source-ref = "refs/tags/*""#, r#"source-ref = "*""#, 18, ".source-ref", "who is meant"),
    (r#"source-ref = "refs/tags/*""#, "source-refs = \"main\"", 18, ".source-refs", "unknown"),
    (DEPENDENCIES, "dependencies = { at-least = 2 }", 19, ".dependencies", "\"of\" is missing"),
    (DEPENDENCIES, "dependencies = { of = [] }", 19, ".dependencies.of", "is empty"),
    (DEPENDENCIES, r#"dependencies = { of = "hf://base/*" }"#, 19, ".dependencies.of", "expected a list"),
    (DEPENDENCIES, r#"dependencies = { of = ["hf://base*"] }"#, 19, ".dependencies.of[0]", "hf://base*"),
    (
        DEPENDENCIES,
        r#"dependencies = { of = ["hf://base/*"], at-least = -1 }"#,
        19,
        ".dependencies.at-least",
        "not below 0",
    ),
    (
        DEPENDENCIES,
        r#"dependencies = { any = ["hf://base/*"], of = ["hf://*"] }"#,
        19,
        ".dependencies.any",
        "unknown",
    ),
    ("build-level = 3", "build-level = 0", 20, ".build-level", "1 to 3"),
    ("build-level = 3", "build-level = 4", 20, ".build-level", "1 to 3"),
];
const DEPENDENCIES: &str = r#"dependencies = { of = ["hf://base/*"], at-least = 2 }"#;

const WRONG_SUMMARIES: [(&str, &str, usize, &str, &str); 14] = [
    (r#"signed-by = "other""#, "", 21, "", "\"signed-by\" is missing"),
    (r#"signed-by = "other""#, r#"signed-by = "nobody""#, 22, ".signed-by", "no publisher"),
    (r#"signed-by = "other""#, r#"signed-by = { all = ["other"] }"#, 22, ".signed-by", "expected a text"),
    (r#"verifier = "https://registry.example/verifier""#, "", 21, "", "\"verifier\" is missing"),
    (
        r#"verifier = "https://registry.example/verifier""#,
        r#"verifier = "registry""#,
        23,
        ".verifier",
        "expected a URI",
    ),
    (
        r#"verifier = "https://registry.example/verifier""#,
        r#"verifier = "a:{b}""#,
        23,
        ".verifier",
        "expected a URI",
    ),
    (POLICIES, "", 21, "", "\"policies\" is missing"),
    (POLICIES, "policies = []", 24, ".policies", "no verdict could count"),
    (POLICIES, r#"policies = "sha256:11""#, 24, ".policies", "expected a list"),
    (POLICIES, r#"policies = ["sha256:11"]"#, 24, ".policies[0]", "no fingerprint"),
    (
        POLICIES,
        r#"policies = ["1111111111111111111111111111111111111111111111111111111111111111"]"#,
        24,
        ".policies[0]",
        "no fingerprint",
    ),
    (r#"max-age = "12h""#, "", 21, "", "\"max-age\" is missing"),
    (r#"max-age = "12h""#, r#"max-age = "0h""#, 25, ".max-age", "such as 90d or 12h"),
    (r#"max-age = "12h""#, "max-age = \"12h\"\nlevel = 3", 26, ".level", "unknown"),
];

/// Both tables of wrong lines, with whole keys.
fn wrong() -> Vec<(&'static str, &'static str, usize, String, &'static str)> {
    let of = |table: &'static str| {
        move |(right, wrong, line, key, problem): (&'static str, &'static str, usize, &str, &'static str)| {
            (right, wrong, line, format!("{table}{key}"), problem)
        }
    };
    WRONG_DEMANDS
        .into_iter()
        .map(of(PROVENANCE))
        .chain(WRONG_SUMMARIES.into_iter().map(of(SUMMARY)))
        .collect()
}

fn replaced(right: &str, wrong: &str) -> String {
    assert_eq!(ASKED.matches(&format!("{right}\n")).count(), 1, "{right}");
    asking(&ASKED.replacen(&format!("{right}\n"), &format!("{wrong}\n"), 1))
}

#[test]
fn every_error_of_a_demand_names_its_line_and_its_key() {
    load(&good()).unwrap();
    for (right, wrong, line, key, problem) in wrong() {
        let text = replaced(right, wrong);
        expect(load(&text), line, &key, problem, &text);
    }
}

#[test]
fn demands_are_read_from_json_as_from_toml() {
    load(&serde_json::to_string_pretty(&as_json(&good())).unwrap()).unwrap();
    for (right, wrong, _, key, problem) in wrong() {
        let document = as_json(&replaced(right, wrong));
        let text = serde_json::to_string_pretty(&document).unwrap();
        expect(load(&text), line_of(&text, &key, &document), &key, problem, &text);
    }
}

/// Of a predicate that is not read nothing can be asked.
#[test]
fn only_provenance_can_be_asked_how_something_was_built() {
    let with = |of_type: &str, more: &str| {
        asking(&format!(
            "[[rules.attestations]]\ntype = \"{of_type}\"\nsigned-by = {{ any = [\"other\"] }}\nmax-age = \"90d\"\n{more}\n"
        ))
    };
    let keys = [
        ("builder", "builder = \"https://ci.example/x\""),
        ("build-type", "build-type = \"https://ci.example/x\""),
        ("source", "source = \"https://g.example/acme/toy\""),
        ("source-ref", "source-ref = \"refs/heads/main\""),
        ("dependencies", DEPENDENCIES),
        ("build-level", "build-level = 1"),
    ];
    for (key, line) in keys {
        for of_type in ["provenance", "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"] {
            load(&with(of_type, line)).unwrap_or_else(|error| panic!("{of_type}: {error}"));
        }
        for of_type in ["https://cyclonedx.org/bom", "https://slsa.dev/provenance/v2"] {
            let text = with(of_type, line);
            expect(load(&text), 15, &format!("{PROVENANCE}.{key}"), "unknown", &text);
        }
    }
    load(&with("https://cyclonedx.org/bom", "")).unwrap();
}

/// It may say FAILED.
#[test]
fn the_verdict_of_somebody_else_is_no_attestation_that_can_be_demanded() {
    let summary = "type = \"https://slsa.dev/verification_summary/v1\"";
    let text = replaced("type = \"provenance\"", summary);
    expect(load(&text), 12, "rules[0].attestations[0].type", "which \"summaries\" takes", &text);
}

#[test]
fn a_demand_has_bounds() {
    let demand =
        "[[rules.attestations]]\ntype = \"https://x.example/p\"\nsigned-by = { any = [\"other\"] }\n";
    let summary = ASKED.split_once("[[rules.summaries]]").unwrap().1;
    let summary = format!("[[rules.summaries]]{summary}");
    let repeated = |one: &str, times: usize| vec![one; times].join(", ");
    let scopes = |times| {
        replaced(DEPENDENCIES, &format!("dependencies = {{ of = [{}] }}", repeated("\"hf://base/*\"", times)))
    };
    let digest = "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\"";
    let policies = |times| replaced(POLICIES, &format!("policies = [{}]", repeated(digest, times)));
    load(&asking(&(demand.repeat(16) + &summary.repeat(16)))).unwrap();
    load(&scopes(64)).unwrap();
    load(&policies(64)).unwrap();
    for (text, line, key, problem) in [
        (asking(&demand.repeat(17)), 11, "rules[0].attestations", "17 attestations, and at most 16"),
        (asking(&summary.repeat(17)), 11, "rules[0].summaries", "17 summaries, and at most 16"),
        (scopes(65), 19, "rules[0].attestations[0].dependencies.of", "65 scopes, and at most 64"),
        (policies(65), 24, "rules[0].summaries[0].policies", "65 policies, and at most 64"),
    ] {
        expect(load(&text), line, key, problem, &text);
    }
    let long =
        replaced("source-ref = \"refs/tags/*\"", &format!("source-ref = \"refs/{}\"", "x".repeat(2044)));
    expect(load(&long), 18, "rules[0].attestations[0].source-ref", "2049 bytes", &long);
}

#[test]
fn ages_are_whole_days_or_hours() {
    for age in ["1h", "1d", "24h", "090d", "4294967295d", "4294967295h"] {
        let text = replaced("max-age = \"90d\"", &format!("max-age = \"{age}\""));
        load(&text).unwrap_or_else(|error| panic!("{age}: {error}"));
    }
    for age in ["+90d", "1_0d", "0x9d", "90d ", " 90d", "٩d", "1e2d", "90dd", "90", "h", ""] {
        let text = replaced("max-age = \"90d\"", &format!("max-age = \"{age}\""));
        expect(load(&text), 14, "rules[0].attestations[0].max-age", "such as 90d or 12h", &text);
    }
}

/// Two names for one key are one signer, who attests once.
#[test]
fn a_demand_that_can_never_be_met_is_an_error() {
    let of_two = replaced("signed-by = { any = [\"other\"] }", "signed-by = { all = [\"acme\", \"other\"] }");
    load(&of_two).unwrap();
    let same = of_two.replacen("other.pub", "acme.pub", 1);
    expect(load(&same), 8, "rules[0]", "at most 1 can count", &same);
    load(&good().replacen("other.pub", "acme.pub", 1)).unwrap();
}

#[test]
fn models_that_nobody_signs_are_asked_nothing() {
    let (demand, summary) = ASKED.split_at(ASKED.find("[[rules.summaries]]").unwrap());
    let of_nobody = |what: &str| asking(what).replacen(SIGNED_BY, "unsigned = \"pinned\"", 1);
    load(&of_nobody("")).unwrap();
    load(&of_nobody("attestations = []\nsummaries = []\n")).unwrap();
    for what in [demand, summary, ASKED] {
        let text = of_nobody(what);
        expect(load(&text), 8, "rules[0]", "for models that nobody signs", &text);
    }
}

#[test]
fn a_rule_may_take_nothing_but_verdicts_of_somebody_else() {
    let (demand, summary) = ASKED.split_at(ASKED.find("[[rules.summaries]]").unwrap());
    let of_verifiers = |what: &str| asking(what).replacen(SIGNED_BY, "mode = \"enforce\"", 1);
    load(&of_verifiers(summary)).unwrap();
    load(&of_verifiers(&format!("continuity = \"tofu\"\nunsigned-files = \"refuse\"\n{summary}"))).unwrap();
    for what in ["", "summaries = []\n", demand] {
        let text = of_verifiers(what);
        expect(load(&text), 8, "rules[0]", "says not who signs", &text);
    }
    for what in [
        ASKED.to_owned(),
        format!("bind-name = true\n{summary}"),
        format!("proved-time = true\n{summary}"),
        format!("not-before = 2026-01-01\n{summary}"),
        format!("not-after = 2026-01-01\n{summary}"),
        format!("hashes = [\"sha256\"]\n{summary}"),
    ] {
        let text = of_verifiers(&what);
        expect(load(&text), 8, "rules[0]", "names nobody who signs", &text);
    }
}

/// Somebody else found the whole of it good.
#[test]
fn where_summaries_are_taken_the_model_as_it_is_has_to_be_known() {
    let name: ModelName = "hf://acme/toy".parse().unwrap();
    for (text, expected) in [(good(), true), (asking(""), false)] {
        // Waivers and denials of models would ask for it as well.
        let text = text.split_once("[[waivers]]").unwrap().0.to_owned();
        let policy = load(&text).unwrap();
        assert_eq!(policy.judges_as_it_is(policy.rule(&name).unwrap()), expected);
    }
}

#[test]
fn what_a_demand_is_called_acts_on_no_terminal() {
    let hostile = "x\\u202e\\u001b[2J";
    let text = replaced("signed-by = { any = [\"other\"] }", "signed-by = { all = [\"acme\", \"other\"] }");
    let text =
        text.replace("other\"", &format!("{hostile}\"")).replace(".other]", &format!(".\"{hostile}\"]"));
    let (policy, reference) = (load(&text).unwrap(), "hf://acme/toy".parse().unwrap());
    let model = format!("model-v1:{}", "1".repeat(64)).parse().ok();
    let evidence = Evidence::default().with_contents(Contents { model, ..Contents::default() });
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let found =
        judge(&policy, &Question { reference: &reference, evidence: &evidence, lock: None, now }).unwrap();
    let of_demand = |kind: &&ReasonKind| kind.code() == "too-few-attestors";
    let shown = found.denials().find(of_demand).unwrap().to_string();
    assert!(shown.contains(r"x\u{202e}\u{1b}[2J"), "{shown}");
    assert!(!shown.chars().any(modelseal_manifest::Escaped::is_escaped), "{shown:?}");
}
