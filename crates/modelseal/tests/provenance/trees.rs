//! What `inspect` and `verify --tree` show of a chain, and how far it can be
//! believed.

use super::*;
use crate::summaries::{SUMMARY_TYPE, summary};

const CLAIMS: &str = "tune/claims.jsonl";
/// Clears the screen, reverses what follows, ends the line.
const HOSTILE: &str = "x\x1b[2J\x1b]0;t\x07\u{202e}\u{9b}31m\r\ny\u{2066}\u{200b}";
const FORMATS: [&str; 2] = ["human", "json"];

#[track_caller]
fn tree(answer: &Answer) -> Value {
    let report = report(answer);
    nested(&report["verdict"]["tree"])
}

/// The links as they hang on each other.
#[track_caller]
fn nested(links: &Value) -> Value {
    let mut open: Vec<Value> = Vec::new();
    let close = |open: &mut Vec<Value>, depth: usize| {
        while open.len() > depth.max(1) {
            let child = open.pop().unwrap();
            open.last_mut().unwrap()["children"].as_array_mut().unwrap().push(child);
        }
    };
    for link in links.as_array().unwrap_or_else(|| panic!("no tree: {links:#}")) {
        let depth = usize::try_from(link["depth"].as_u64().unwrap()).unwrap();
        assert!(depth <= open.len() && (depth > 0) != open.is_empty(), "{links:#}");
        close(&mut open, depth);
        let mut link = link.clone();
        link["children"] = json!([]);
        open.push(link);
    }
    close(&mut open, 0);
    open.pop().unwrap()
}

/// The children of this kind.
fn of_kind<'a>(node: &'a Value, kind: &str) -> Vec<&'a Value> {
    node["children"].as_array().unwrap().iter().filter(|child| child["kind"] == kind).collect()
}

#[track_caller]
fn only<'a>(node: &'a Value, kind: &str) -> &'a Value {
    let [child] = of_kind(node, kind)[..] else { panic!("not one {kind}: {node:#}") };
    child
}

/// Neither escape sequences nor anything that moves or hides what follows.
#[track_caller]
fn harmless(answer: &Answer) {
    for text in [&answer.stdout, &answer.stderr] {
        let acts = |c: &char| {
            (c.is_control() && *c != '\n') || "\u{200b}\u{202e}\u{2066}\u{9b}\u{feff}".contains(*c)
        };
        assert!(!text.chars().any(|c| acts(&c)), "{text:?}");
    }
}

#[test]
fn a_tree_shows_each_link_and_that_it_is_good() {
    let tree = tree(&verify(&made(), &policy(), &["--tree"]).expect(0));
    assert_eq!((&tree["status"], &tree["text"]), (&json!("good"), &json!("hf://acme/tune")));
    for kind in ["files", "signature", "release", "provenance"] {
        assert_eq!(only(&tree, kind)["status"], "good", "{tree:#}");
    }
    let provenance = only(&tree, "provenance");
    for kind in ["builder", "source"] {
        assert_eq!(only(provenance, kind)["status"], "said", "{tree:#}");
    }
    let base = only(provenance, "base model");
    assert_eq!((&base["status"], &base["text"]), (&json!("good"), &json!("hf://meta/base")));
    for kind in ["signature", "release"] {
        assert_eq!(only(base, kind)["status"], "good", "{tree:#}");
    }
}

#[test]
fn a_tree_is_only_shown_where_it_is_asked_for() {
    let report = report(&verify(&made(), &policy(), &[]).expect(0));
    assert_eq!(report["verdict"]["tree"], Value::Null);
}

#[test]
fn a_tree_shows_which_link_is_broken() {
    let other = edited(&policy(), "{ any = [\"meta\"] }", "{ any = [\"vera\"] }");
    let tree = tree(&verify(&made(), &other, &["--tree"]).expect(1));
    assert_eq!(tree["status"], "bad", "{tree:#}");
    assert_eq!(only(&tree, "signature")["status"], "good", "{tree:#}");
    let provenance = only(&tree, "provenance");
    assert_eq!(
        (&provenance["status"], &only(provenance, "base model")["status"]),
        (&json!("bad"), &json!("bad"))
    );
}

#[test]
fn a_tree_shows_which_link_has_a_warning() {
    let other = edited(&policy(), "{ any = [\"meta\"] }", "{ any = [\"vera\"] }");
    let warned = edited(&other, "bind-name = true\n", "mode = \"warn\"\n");
    let tree = tree(&verify(&made(), &warned, &["--tree"]).expect(0));
    assert_eq!(tree["status"], "doubtful", "{tree:#}");
    assert_eq!(only(only(&tree, "provenance"), "base model")["status"], "doubtful", "{tree:#}");
}

#[test]
fn a_tree_shows_bundles_of_nobody_as_doubtful() {
    let stage = made();
    push(&stage, CLAIMS, &line("other-p256", &statement(&digest(&stage, "tune"), BOM_TYPE, &json!({}))));
    let tree = tree(&verify(&stage, &policy(), &["--tree"]).expect(0));
    assert_eq!(only(&tree, "bundle")["status"], "doubtful", "{tree:#}");
}

#[test]
fn what_is_inspected_is_claimed_and_nothing_more() {
    let stage = made();
    let report = report(&Answer::of(&mut stage.command(["inspect", "tune", "--format", "json"])).expect(0));
    let statuses = report["tree"].to_string();
    assert!(!statuses.contains("\"good\""), "{report:#}");
    let tree = nested(&report["tree"]);
    let provenance = only(&tree, "provenance");
    assert_eq!(provenance["status"], "claimed", "{report:#}");
    let base = only(provenance, "base model");
    assert_eq!(of_kind(base, "signature").len(), 1, "{report:#}");
    assert!(only(base, "release")["text"].as_str().unwrap().contains("hf://meta/base 1.0.0"), "{report:#}");
}

/// Nobody verified who says so.
#[test]
fn a_stranger_who_says_that_a_model_was_made_from_itself_hides_nothing_from_inspection() {
    let stage = made();
    let shown = |stage: &Stage| {
        let answer = Answer::of(&mut stage.command(["inspect", "tune", "--format", "json"])).expect(0);
        let report = report(&answer);
        ["signature", "release", "provenance"].map(|kind| of_kind(&nested(&report["tree"]), kind).len())
    };
    let before = shown(&stage);
    let tune = digest(&stage, "tune");
    let of_itself = made_from(&[resource("hf://acme/tune", &tune)]);
    push(&stage, CLAIMS, &line("p521", &statement(&tune, PROVENANCE_TYPE, &of_itself)));
    let after = shown(&stage);
    assert!(before.iter().zip(after).all(|(before, after)| *before <= after), "{before:?} {after:?}");
}

#[test]
fn inspection_shows_four_thousand_links_of_what_others_are_made_from_and_says_that_there_are_more() {
    for (named, is_whole) in [(3000, true), (4500, false)] {
        let stage = made();
        let tune = digest(&stage, "tune");
        let many: Vec<Value> =
            (0..named).map(|number| json!({ "uri": format!("hf://meta/m-{number}") })).collect();
        push(&stage, CLAIMS, &line("p521", &statement(&tune, PROVENANCE_TYPE, &made_from(&many))));
        let report =
            report(&Answer::of(&mut stage.command(["inspect", "tune", "--format", "json"])).expect(0));
        let links = report["tree"].as_array().unwrap();
        let dependencies = links.iter().filter(|link| link["kind"] == "dependency").count();
        assert_eq!(dependencies, named.min(4000 - 3), "{named}");
        assert_eq!(links.iter().any(|link| link["text"].as_str().unwrap().contains("not shown")), !is_whole);
    }
}

#[test]
fn the_tree_of_one_signer_judges_no_base() {
    let stage = made();
    let arguments = ["verify", "tune", "--key", &public("p384"), "--tree", "--format", "json"];
    sign(&stage, "tune", "p384", &["--force"]);
    let report = report(&Answer::of(&mut stage.command(arguments)).expect(0));
    let tree = nested(&report["tree"]);
    let provenance = only(&tree, "provenance");
    assert_eq!(provenance["status"], "good", "{report:#}");
    assert_eq!(only(provenance, "base model")["status"], "doubtful", "{report:#}");
    assert!(of_kind(&tree, "bundle").iter().all(|bundle| bundle["status"] == "doubtful"), "{report:#}");
}

/// Statements in which every text is hostile, as somebody signs them whose word counts.
fn hostile(stage: &Stage) -> Vec<Value> {
    let (tune, base) = (digest(stage, "tune"), digest(stage, "base"));
    let mut predicate = made_from(&[
        json!({ "name": HOSTILE, "uri": format!("hf://{HOSTILE}"), "digest": { "model-v1": hex(&base) } }),
        json!({ "name": HOSTILE, "digest": { "model-v1": HOSTILE }, "annotations": { "role": HOSTILE } }),
        json!({ "uri": "hf://meta/base", "digest": { "model-v1": hex(&base), (HOSTILE): HOSTILE } }),
    ]);
    predicate["runDetails"]["builder"]["id"] = HOSTILE.into();
    predicate["runDetails"]["metadata"] = json!({ "invocationId": HOSTILE });
    predicate["buildDefinition"]["buildType"] = HOSTILE.into();
    predicate["buildDefinition"]["externalParameters"]["source"] =
        format!("git+https://x.example/{HOSTILE}@{HOSTILE}").into();
    let mut of_run = predicate.clone();
    of_run["buildDefinition"]["buildType"] = "https://actions.github.io/buildtypes/workflow/v1".into();
    of_run["buildDefinition"]["externalParameters"] =
        json!({ "workflow": { "repository": HOSTILE, "ref": HOSTILE, "path": HOSTILE } });
    let mut unreadable = predicate.clone();
    unreadable["runDetails"]["metadata"]["finishedOn"] = HOSTILE.into();
    let mut vsa = summary();
    vsa["verifier"]["id"] = HOSTILE.into();
    vsa["resourceUri"] = HOSTILE.into();
    vsa["policy"]["uri"] = HOSTILE.into();
    vsa["verifiedLevels"] = json!([HOSTILE]);
    let released = json!({ "purl": format!("pkg:huggingface/acme/{HOSTILE}@1.0.0") });
    [
        (PROVENANCE_TYPE, predicate),
        (PROVENANCE_TYPE, of_run),
        (PROVENANCE_TYPE, unreadable),
        (SUMMARY_TYPE, vsa),
        (HOSTILE, json!({ HOSTILE: HOSTILE })),
        ("https://in-toto.io/attestation/release/v0.1", released),
    ]
    .into_iter()
    .map(|(predicate_type, predicate)| {
        let mut statement = statement(&tune, predicate_type, &predicate);
        statement["subject"][0]["name"] = HOSTILE.into();
        statement
    })
    .collect()
}

/// A policy that listens to `ci` in every matter.
fn listening() -> String {
    let summaries = format!(
        "[[rules.summaries]]\nsigned-by = \"ci\"\nverifier = \"x:y\"\npolicies = [\"sha256:{}\"]\nmax-age = \"1d\"\n",
        "0".repeat(64)
    );
    let other = format!("[[rules.attestations]]\ntype = {BOM_TYPE:?}\nsigned-by = {{ any = [\"ci\"] }}\n");
    policy_of(&[OF_META, &of_acme(&[DEMAND, &other, &summaries].concat())].concat())
}

#[test]
fn no_text_of_a_claim_acts_on_a_terminal() {
    for kind in ["p384", "p521"] {
        let stage = signed();
        for statement in hostile(&stage) {
            push(&stage, CLAIMS, &line(kind, &statement));
        }
        stage.write("policy.toml", listening());
        for format in FORMATS {
            for command in [
                &["inspect", "tune"][..],
                &["inspect", CLAIMS],
                &["verify", "tune", "--policy", "policy.toml", "--as", "hf://acme/tune"],
                &["verify", "tune", "--policy", "policy.toml", "--as", "hf://acme/tune", "--tree"],
            ] {
                let exit = i32::from(command[0] == "verify");
                harmless(
                    &Answer::of(&mut stage.command([command, &["--format", format]].concat())).expect(exit),
                );
            }
        }
    }
}

#[test]
fn no_text_of_a_claim_acts_on_a_terminal_by_the_key_that_signed_it() {
    let stage = signed();
    for statement in hostile(&stage) {
        push(&stage, CLAIMS, &line("p256", &statement));
    }
    let key = public("p256");
    for format in FORMATS {
        let arguments = ["verify", "tune", "--key", &key, "--tree", "--format", format];
        harmless(&Answer::of(&mut stage.command(arguments)).expect(0));
    }
}

/// Of one hostile text at a time, so that each is the reason of the denial.
#[test]
fn no_reason_of_a_denial_acts_on_a_terminal() {
    let stage = made();
    let base = resource("hf://meta/base", &digest(&stage, "base"));
    let before: Vec<String> = lines(&stage, CLAIMS)[..3].to_vec();
    let tune = digest(&stage, "tune");
    for (pointer, value) in [
        ("/runDetails/builder/id", json!(HOSTILE)),
        ("/buildDefinition/buildType", json!(HOSTILE)),
        ("/buildDefinition/externalParameters/source", json!(format!("git+https://x.example/{HOSTILE}@r"))),
        (
            "/buildDefinition/externalParameters/source",
            json!(format!("git+https://git.example/acme/models@{HOSTILE}")),
        ),
        ("/buildDefinition/resolvedDependencies/0/uri", json!(format!("hf://{HOSTILE}"))),
        ("/buildDefinition/resolvedDependencies/0/name", json!([HOSTILE])),
        (
            "/buildDefinition/resolvedDependencies/0",
            json!({ "name": HOSTILE, "digest": { "model-v1": hex(&tune) } }),
        ),
    ] {
        let mut predicate = made_from(std::slice::from_ref(&base));
        *predicate.pointer_mut(pointer).unwrap_or(&mut Value::Null) = value.clone();
        if pointer.ends_with("name") {
            predicate["buildDefinition"]["resolvedDependencies"][0]["name"] = value;
        }
        let said = line("p384", &statement(&tune, PROVENANCE_TYPE, &predicate));
        write_lines(&stage, CLAIMS, &[&before[..], &[said]].concat());
        for format in FORMATS {
            harmless(&verify(&stage, &policy(), &["--tree"]).expect(1));
            let arguments =
                ["verify", "tune", "--policy", "policy.toml", "--as", "hf://acme/tune", "--format", format];
            harmless(&Answer::of(&mut stage.command(arguments)).expect(1));
        }
    }
}

#[test]
fn what_attest_reports_does_not_act_on_a_terminal() {
    let stage = signed();
    let mut predicate = provenance();
    predicate["runDetails"]["metadata"] = json!({ "invocationId": HOSTILE });
    predicate["buildDefinition"]["externalParameters"]["source"] =
        format!("git+https://x.example/{HOSTILE}@{HOSTILE}").into();
    stage.write("provenance.json", predicate.to_string());
    let refused = made_from(&[json!({ "name": HOSTILE, HOSTILE: 1 })]).to_string();
    stage.write("refused.json", refused);
    stage.write(
        "twice.json",
        json!({ HOSTILE: 1 }).to_string().replace('}', &format!(",{}:2}}", json!(HOSTILE))),
    );
    let key = private("p384");
    for format in FORMATS {
        for file in ["provenance.json", "refused.json", "twice.json"] {
            let arguments = ["attest", "tune", "--key", &key, "--format", format, "--provenance", file];
            harmless(&Answer::of(&mut stage.command(arguments)));
        }
    }
}

#[test]
fn no_text_of_a_claim_acts_on_a_real_terminal() {
    let stage = signed();
    for statement in hostile(&stage) {
        push(&stage, CLAIMS, &line("p384", &statement));
    }
    stage.write("policy.toml", listening());
    let verify = ["verify", "tune", "--policy", "policy.toml", "--as", "hf://acme/tune", "--tree"];
    for command in [&["inspect", "tune"][..], &verify] {
        let Some(mut terminal) = stage.on_a_terminal(command) else { return };
        let shown = Answer::of(&mut terminal).stdout;
        assert!(shown.contains("─ provenance") && shown.contains("─ dependency"), "{shown}");
        for raw in ["\x1b[2J", "\x1b]0;", "\u{202e}", "\u{9b}", "\u{2066}", "\u{200b}"] {
            assert!(!shown.contains(raw), "{shown:?}");
        }
    }
}
