//! Whatever is added to the lines never makes a verdict worse, and their order plays
//! no part.

use super::*;

const CLAIMS: &str = "tune/claims.jsonl";
const KINDS: [&str; 5] = ["p256", "p384", "ed25519", "p521", "other-p256"];

/// `made`, which is allowed still when these lines stand there too, before the
/// others or after them.
#[track_caller]
fn is_allowed_with(added: impl Fn(&Stage) -> Vec<String>) {
    let stage = made();
    let (added, own) = (added(&stage), lines(&stage, CLAIMS));
    for all in [[&added[..], &own].concat(), [&own[..], &added].concat()] {
        write_lines(&stage, CLAIMS, &all);
        allows(verify(&stage, &policy(), &[]));
    }
}

/// Provenance of the model of this digest, made from these, by `ci`.
fn said(digest: &str, resources: &[Value]) -> String {
    line("p384", &statement(digest, PROVENANCE_TYPE, &made_from(resources)))
}

fn of_base(stage: &Stage) -> Value {
    resource("hf://meta/base", &digest(stage, "base"))
}

fn of_tune(stage: &Stage) -> Value {
    resource("hf://acme/tune", &digest(stage, "tune"))
}

#[test]
fn what_anybody_says_changes_nothing() {
    is_allowed_with(|stage| {
        let tune = digest(stage, "tune");
        let said = [
            statement(&tune, PROVENANCE_TYPE, &made_from(&[resource("hf://meta/other", &tune)])),
            statement(
                &tune,
                "https://slsa.dev/verification_summary/v1",
                &json!({ "verificationResult": "FAILED" }),
            ),
            json!({}),
            json!([1]),
        ];
        said.iter().flat_map(|said| ["p521", "other-p256"].map(|kind| line(kind, said))).collect()
    });
}

#[test]
fn provenance_that_cannot_be_read_changes_nothing() {
    is_allowed_with(|stage| {
        let tune = digest(stage, "tune");
        let mut said: Vec<Value> = [json!({}), json!({ "runDetails": 1 }), made_from(&[json!({ "uri": 1 })])]
            .iter()
            .map(|predicate| statement(&tune, PROVENANCE_TYPE, predicate))
            .collect();
        said.extend([json!({ "_type": "x" }), json!(null)]);
        said.iter().flat_map(|said| KINDS.map(|kind| line(kind, said))).collect()
    });
}

#[test]
fn provenance_that_does_not_count_changes_nothing() {
    is_allowed_with(|stage| {
        let tune = digest(stage, "tune");
        let mut elsewhere = made_from(&[of_base(stage)]);
        elsewhere["runDetails"]["builder"]["id"] = "https://ci.example/another".into();
        let resources =
            [of_base(stage), json!({ "uri": "hf://meta/base" }), resource("hf://mallory/base", &tune)];
        let of = resources.map(|resource| said(&tune, &[of_base(stage), resource]));
        [&of[..], &[line("p384", &statement(&tune, PROVENANCE_TYPE, &elsewhere)), said(&tune, &[])]].concat()
    });
}

/// More models than are judged, whose names come before that of the base.
#[test]
fn provenance_of_many_models_beside_that_of_one_changes_nothing() {
    is_allowed_with(|stage| {
        let tune = digest(stage, "tune");
        let many: Vec<Value> =
            (0..100).map(|number| resource(&format!("hf://meta/a-{number}"), &tune)).collect();
        vec![said(&tune, &many)]
    });
}

#[test]
fn a_model_that_was_made_from_itself_changes_nothing() {
    is_allowed_with(|stage| {
        let (tune, base) = (digest(stage, "tune"), digest(stage, "base"));
        vec![
            said(&tune, &[of_tune(stage)]),
            said(&tune, &[of_tune(stage), of_base(stage)]),
            said(&base, &[of_base(stage)]),
            line("ed25519", &statement(&base, PROVENANCE_TYPE, &made_from(&[of_base(stage)]))),
        ]
    });
}

/// Its rule does not ask what the base was made from: more models than are judged, in
/// lines that name one each, and this one among them.
#[test]
fn what_the_publisher_of_a_base_says_it_was_made_from_changes_nothing() {
    is_allowed_with(|stage| {
        let base = digest(stage, "base");
        let others = (0..100).map(|number| {
            let name = format!("a-{number}");
            resource(&format!("hf://meta/{name}"), &absent(&name, HashType::Sha256).1)
        });
        let all = others.chain([of_tune(stage), of_base(stage)]);
        all.map(|other| line("ed25519", &statement(&base, PROVENANCE_TYPE, &made_from(&[other])))).collect()
    });
}

#[test]
fn models_that_were_made_from_each_other_change_nothing() {
    is_allowed_with(|stage| {
        let base = digest(stage, "base");
        let from_tune = statement(&base, PROVENANCE_TYPE, &made_from(&[of_tune(stage)]));
        KINDS.map(|kind| line(kind, &from_tune)).to_vec()
    });
}

#[test]
fn a_thousand_lines_of_strangers_change_nothing() {
    is_allowed_with(|stage| {
        let tune = digest(stage, "tune");
        let of = |number| made_from(&[resource(&format!("hf://meta/model-{number}"), &tune)]);
        let said = |number| statement(&tune, PROVENANCE_TYPE, &of(number));
        (0..1000).map(|number| line("other-p256", &said(number))).collect()
    });
}

/// All of it is true, and of other models: whoever fetches the claims of those has it.
#[test]
fn what_the_same_builder_says_of_other_models_changes_nothing() {
    is_allowed_with(|stage| {
        let tune = digest(stage, "tune");
        let of = |number: u32| {
            let (_, other) = absent(&format!("other-{number}"), HashType::Sha256);
            assert_ne!(other, tune);
            said(&other, &[resource(&format!("hf://meta/a-{number}"), &other)])
        };
        (0..70).map(of).collect()
    });
}

#[test]
fn what_a_publisher_signed_of_other_models_changes_nothing() {
    is_allowed_with(|_| {
        let all = KINDS.iter().flat_map(|kind| {
            [HashType::Sha256, HashType::Blake3].map(|hash| line_of(kind, &absent("another", hash).0))
        });
        all.collect()
    });
}

#[test]
fn further_releases_of_a_base_change_nothing() {
    is_allowed_with(|stage| {
        let base = digest(stage, "base");
        let released = |purl: &str| {
            let kind = "https://in-toto.io/attestation/release/v0.1";
            line("ed25519", &statement(&base, kind, &json!({ "purl": purl })))
        };
        ["meta/base@0.0.1", "meta/base@9.0.0", "meta/other@1.0.0", "acme/tune@1.0.0", "garbage"]
            .map(|purl| released(&format!("pkg:huggingface/{purl}")))
            .to_vec()
    });
}

#[test]
fn further_signatures_of_a_base_change_nothing() {
    let stage = made();
    for more in [&["--hash", "blake3"][..], &["--shard-size", "2"], &["--hash", "blake2b"]] {
        sign(&stage, "base", "ed25519", &[&["--append"], more].concat());
    }
    let added: Vec<String> = lines(&stage, "base/claims.jsonl");
    let file = format!("{}[[deny]]\nfile = \"sha256:{}\"\nreason = \"bad\"\n", policy(), "0".repeat(64));
    is_allowed_with(|_| added.clone());
    let own = lines(&stage, CLAIMS);
    write_lines(&stage, CLAIMS, &[added, own].concat());
    allows(verify(&stage, &file, &[]));
}

#[test]
fn provenance_with_a_warning_does_not_warn_beside_one_without() {
    let stage = made();
    let warned = format!(
        "{}[[rules]]\nscope = \"hf://meta/tried\"\nsigned-by = {{ any = [\"meta\"] }}\nmode = \"warn\"\n",
        policy()
    );
    let before = lines(&stage, CLAIMS);
    let (_, tried) = absent("tried", HashType::Sha256);
    let line = said(&digest(&stage, "tune"), &[resource("hf://meta/tried", &tried)]);
    write_lines(&stage, CLAIMS, &[&before[..3], std::slice::from_ref(&line)].concat());
    warns(verify(&stage, &warned, &[]), "dependency-warned");
    write_lines(&stage, CLAIMS, &[&[line], &before[..]].concat());
    allows(verify(&stage, &warned, &[]));
}

/// What a job says of itself by a key is of level 1. What somebody else says beside it
/// is of the level that the policy takes it for.
#[test]
fn what_a_job_says_of_itself_does_not_lower_the_level_of_what_is_said_beside_it() {
    let stage = made();
    let three = edited(&policy(), DEMAND, &format!("{DEMAND}build-level = 3\n"));
    assert_eq!(allows(verify(&stage, &three, &[]))["build_level"], 3);
    let mut own_word = made_from(&[of_base(&stage)]);
    own_word["runDetails"]["builder"]["version"] = json!({ "modelseal": "0.1.0" });
    let own_word = line("p384", &statement(&digest(&stage, "tune"), PROVENANCE_TYPE, &own_word));
    let before = lines(&stage, CLAIMS);
    write_lines(&stage, CLAIMS, &[&before[..3], std::slice::from_ref(&own_word)].concat());
    assert_eq!(allows(verify(&stage, &three, &[]))["build_level"], 1);
    push(&stage, CLAIMS, &before[3]);
    assert_eq!(allows(verify(&stage, &three, &[]))["build_level"], 3);
}

/// What is told of lines names them, so that it is compared without the reasons.
#[test]
fn the_order_of_lines_and_lines_that_stand_there_twice_play_no_part() {
    let stage = made();
    sign(&stage, "tune", "ed25519", &["--append"]);
    attest(&stage, "tune", "p384", &["--provenance", "provenance.json"]);
    let own = lines(&stage, CLAIMS);
    let verdict = |all: &[String], policy: &str| {
        write_lines(&stage, CLAIMS, all);
        let report = report(&verify(&stage, policy, &[]));
        let verdict = &report["verdict"];
        let codes = ["deny", "warn", "note"].map(|severity| codes(verdict, severity));
        (verdict["outcome"].clone(), verdict["model"].clone(), verdict["release"].clone(), codes)
    };
    for policy in [
        policy(),
        edited(&policy(), "builder\"", "another\""),
        edited(&policy(), "{ any = [\"meta\"] }", "{ any = [\"vera\"] }"),
    ] {
        let before = verdict(&own, &policy);
        let mut turned = own.clone();
        turned.rotate_left(own.len() / 2);
        assert_eq!(verdict(&turned, &policy), before);
        turned.reverse();
        assert_eq!(verdict(&turned, &policy), before);
        turned.extend(own.clone());
        assert_eq!(verdict(&turned, &policy), before);
    }
}

#[test]
fn what_lies_in_other_files_of_bundles_counts_the_same() {
    let stage = made();
    let own = lines(&stage, CLAIMS);
    fs::remove_file(stage.at(CLAIMS)).unwrap();
    for (number, line) in own.iter().enumerate() {
        stage.write(format!("tune/{number}.sigstore.json"), line);
    }
    allows(verify(&stage, &policy(), &[]));
    write_lines(&stage, "tune/all.intoto.jsonl", &own);
    allows(verify(&stage, &policy(), &[]));
}
