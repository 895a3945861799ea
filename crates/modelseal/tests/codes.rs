#![expect(clippy::disallowed_methods, reason = "the test reads the specification")]
//! The codes of failures and of verdicts: what the sources say is what `spec/`
//! and the schemas say, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

type Codes = BTreeSet<String>;

#[test]
fn every_reason_of_a_verdict_is_documented() {
    let (documented, denials) = reasons();
    let sources = codes_of_matches(&root().join("crates/policy/src/reason.rs"));
    assert_eq!(sources, documented);
    for name in ["verdict", "error"] {
        assert_eq!(codes_at(&schema(name), "/$defs/reason/properties/code/enum"), documented, "{name}");
    }
    assert_eq!(codes_at(&schema("error"), "/$defs/denial/enum"), denials);
}

#[test]
fn every_failure_has_a_code_that_is_documented() {
    let documented = failures();
    let denials = reasons().1;
    let of_schema = codes_at(&schema("error"), "/$defs/error/properties/code/enum");
    assert_eq!(of_schema, documented.union(&denials).cloned().collect());
    let mut made = Codes::new();
    // The reference's own command line reports in words alone.
    let has_reports = |path: &PathBuf| !path.components().any(|part| part.as_os_str() == "model_signing");
    for source in sources(&root().join("crates/modelseal/src/cli")).into_iter().filter(has_reports) {
        made.extend(codes_of_failures(&fs::read_to_string(source).unwrap()));
    }
    assert!(made.len() > 20, "{made:?}");
    let unknown: Vec<_> = made.difference(&of_schema).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// The reasons and problems that `policy.md` lists, and those of them that can deny.
fn reasons() -> (Codes, Codes) {
    let (mut all, mut denials) = (Codes::new(), Codes::new());
    for [codes, severity] in table("spec/policy.md", "| code | severity | meaning |") {
        all.extend(quoted(&codes));
        if severity.contains("deny") {
            denials.extend(quoted(&codes));
        }
    }
    // What an attestation lacks is no reason by itself.
    all.extend(table("spec/policy.md", "| problem | meaning |").iter().flat_map(|[codes, _]| quoted(codes)));
    (all, denials)
}

fn failures() -> Codes {
    table("spec/exit-codes.md", "| code | meaning |").iter().flat_map(|[codes, _]| quoted(codes)).collect()
}

/// The first two cells of each row of a table.
#[track_caller]
fn table(path: &str, head: &str) -> Vec<[String; 2]> {
    let text = fs::read_to_string(root().join(path)).unwrap();
    let (_, rows) = text.split_once(head).unwrap();
    let rows = rows.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.split('|').skip(1).map(str::to_owned);
        [cells.next().unwrap(), cells.next().unwrap()]
    })
    .collect()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The values of the arms of each `fn code`.
fn codes_of_matches(source: &Path) -> Codes {
    let text = fs::read_to_string(source).unwrap();
    let bodies = text.split("fn code(&self)").skip(1).map(|rest| rest.split("\n    }\n").next().unwrap());
    let arms = bodies.flat_map(|body| body.split("=> \"").skip(1));
    arms.map(|arm| arm.split('"').next().unwrap().to_owned()).collect()
}

/// The literals that stand behind an exit code where a failure is made.
fn codes_of_failures(text: &str) -> Codes {
    let exits = text.split("Exit::").skip(1);
    let literals = exits.filter_map(|rest| {
        let rest = rest.trim_start_matches(char::is_alphanumeric);
        rest.strip_prefix(',')?.trim_start().strip_prefix('"')?.split('"').next()
    });
    literals.map(str::to_owned).collect()
}

fn codes_at(schema: &Value, pointer: &str) -> Codes {
    let codes = schema.pointer(pointer).unwrap().as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

fn schema(name: &str) -> Value {
    let path = root().join(format!("spec/schemas/{name}.schema.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
