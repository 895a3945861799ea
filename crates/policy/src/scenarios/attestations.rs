//! How a model was made, who says so, and what it was made from.

use modelseal_predicate::{PROVENANCE_TYPE, PROVENANCE_TYPE_V0_2, Run, Source};

use super::dependencies::by_other;
use super::*;
use crate::evidence::{Predicate, Said, SignedBy};
use crate::reason::ReasonKind;
use crate::stage::{BUILD_TYPE, BUILDER, SCAN, provenance, says, subjects, time};

/// Whoever attests, and may not sign.
pub(super) const THIRD: usize = 2;
const MISSING: [&str; 1] = ["deny attestation-missing"];
pub(super) const REFUSED: [&str; 1] = ["deny attestation-not-accepted"];
/// A rule that demands provenance by `third`, and this of it.
pub(super) fn built(more: &str) -> String {
    format!(
        "{ANY}\n[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"third\"] }}\n{more}"
    )
}

/// A rule that demands this type of two publishers.
fn by_two(of_type: &str) -> String {
    format!(
        "{ANY}\n[[rules.attestations]]\ntype = \"{of_type}\"\nsigned-by = {{ all = [\"other\", \"third\"] }}\n"
    )
}

pub(super) fn by_third(predicate: impl Into<Predicate>) -> Said {
    says((THIRD, key(2)), model(1), predicate)
}

/// The model, signed by its publisher, and what `third` says of it.
pub(super) fn said(predicate: impl Into<Predicate>) -> Evidence {
    signed([by_acme()]).and(by_third(predicate))
}

fn finished(at: &str) -> Predicate {
    modelseal_predicate::Provenance { finished: Some(time(at)), ..provenance() }.into()
}

fn without_times() -> Predicate {
    modelseal_predicate::Provenance { finished: None, ..provenance() }.into()
}

/// It was built by a run of this workflow's repository.
fn run(owner_id: &str) -> Predicate {
    let source = Source {
        repository: "https://github.example/acme/toy".to_owned(),
        reference: Some("refs/tags/v1".to_owned()),
        commit: None,
    };
    let run =
        Run { repository: source.repository.clone(), owner_id: Some(owner_id.to_owned()), ..Run::default() };
    modelseal_predicate::Provenance { source: Some(source), run: Some(run), ..provenance() }.into()
}

/// The run of a workflow, whose certificate says what it was run for.
fn certified(owner_id: &str, claims: &[(Claim, &str)]) -> SignerFacts {
    let mut signer = workflow(owner_id, "7", "v1");
    let identity = signer.identity.as_mut().unwrap();
    identity.claims.extend(claims.iter().map(|(claim, text)| (*claim, (*text).to_owned())));
    signer
}

fn of_subject(digests: &[(&str, modelseal_manifest::Sha256Digest)]) -> Said {
    Said { subjects: subjects(&[digests]), ..by_third(provenance()) }
}

pub(super) fn with_root(number: u8, signature: Signature) -> Signature {
    Signature { root: modelseal_manifest::RootDigest::from_sha256(file(number)), ..signature }
}

pub(super) fn demands() -> Vec<Scenario> {
    let scanned = |by| {
        format!("{ANY}\n[[rules.attestations]]\ntype = \"{SCAN}\"\nsigned-by = {{ any = [\"{by}\"] }}\n")
    };
    let of_type =
        |predicate_type: &str| Said { predicate_type: predicate_type.to_owned(), ..by_third(provenance()) };
    let only_v1 = built("").replace("\"provenance\"", &format!("\"{PROVENANCE_TYPE}\""));
    vec![
        scenario("The builder says how it was made", &built(""), said(provenance())).is(ALLOW, &[]),
        scenario("Nobody says how it was made", &built(""), signed([by_acme()])).is(DENY, &MISSING),
        scenario("The builder says it of another model", &built(""), {
            signed([by_acme()]).and(says((THIRD, key(2)), model(2), provenance()))
        })
        .is(DENY, &MISSING),
        scenario("The publisher of the model says it in the builder's stead", &built(""), {
            signed([by_acme()]).and(says((ACME, key(0)), model(1), provenance()))
        })
        .is(DENY, &MISSING),
        scenario("The builder says something else", &built(""), said(Predicate::Other)).is(DENY, &MISSING),
        scenario("The older version of provenance", &built(""), {
            signed([by_acme()]).and(of_type(PROVENANCE_TYPE_V0_2))
        })
        .is(ALLOW, &[]),
        scenario("The older version, where the newer one is asked for by its name", &only_v1, {
            signed([by_acme()]).and(of_type(PROVENANCE_TYPE_V0_2))
        })
        .is(DENY, &MISSING),
        scenario("A predicate of another type that is demanded", &scanned("third"), said(Predicate::Other))
            .is(ALLOW, &[]),
        scenario("The same by somebody else", &scanned("other"), said(Predicate::Other)).is(DENY, &MISSING),
        scenario(
            "One of two that are demanded",
            &format!("{}\n{}", built(""), &scanned("third")[ANY.len()..]),
            said(Predicate::Other),
        )
        .is(DENY, &MISSING),
        scenario("Both of them", &format!("{}\n{}", built(""), &scanned("third")[ANY.len()..]), {
            said(Predicate::Other).and(by_third(provenance()))
        })
        .is(ALLOW, &[]),
        scenario(
            "Provenance that cannot be read",
            &built(""),
            said(Predicate::Unreadable("no builder".to_owned())),
        )
        .is(DENY, &REFUSED)
        .because(&["predicate-unreadable"]),
        scenario("Provenance that cannot be read beside one that can", &built(""), {
            said(Predicate::Unreadable("no builder".to_owned())).and(by_third(provenance()))
        })
        .is(ALLOW, &[])
        .because(&["predicate-unreadable"]),
        scenario("The builder is denied", &built(""), said(provenance()))
            .with("[[deny]]\nkey = \"$KEY2\"\nreason = \"stolen\"")
            .is(DENY, &REFUSED)
            .because(&["denied-signer"]),
        scenario(
            "The builder is denied since later, and nothing proves when it spoke",
            &built(""),
            said(provenance()),
        )
        .with("[[deny]]\nkey = \"$KEY2\"\nsince = 2026-06-01\nreason = \"stolen\"")
        .is(DENY, &REFUSED)
        .because(&["denied-signer"]),
        scenario("Two have to say it, and one does", &by_two("provenance"), said(provenance()))
            .is(DENY, &["deny too-few-attestors"]),
        scenario("Two have to say it, and nobody does", &by_two("provenance"), signed([by_acme()]))
            .is(DENY, &["deny too-few-attestors"]),
        scenario("Two have to say it, and do", &by_two("provenance"), {
            said(provenance()).and(says((OTHER, key(1)), model(1), provenance()))
        })
        .is(ALLOW, &[]),
        scenario("Two have to say it, and one key says it for both", &by_two(SCAN), {
            said(Predicate::Other).and(says((OTHER, key(2)), model(1), Predicate::Other))
        })
        .is(DENY, &["deny too-few-attestors"]),
        scenario("Two have to say it, and one repository does by two tags", &by_two(SCAN), {
            let of = |publisher, tag| says((publisher, workflow("1", "2", tag)), model(1), Predicate::Other);
            signed([by_acme()]).and(of(OTHER, "v1")).and(of(THIRD, "v2"))
        })
        .is(DENY, &["deny too-few-attestors"]),
        scenario("Two have to say it, of one model", &by_two("provenance"), {
            said(provenance()).and(says((OTHER, key(1)), model(2), provenance()))
        })
        .is(DENY, &["deny too-few-attestors"]),
        scenario(
            "Who signs the model may say how it was made",
            &by_two("provenance").replace("third", "acme"),
            {
                let by = |by| says(by, model(1), provenance());
                signed([by_acme()]).and(by((ACME, key(0)))).and(by((OTHER, key(1))))
            },
        )
        .is(ALLOW, &[]),
    ]
}

/// What an attestation is about.
pub(super) fn about() -> Vec<Scenario> {
    let missing = |title, evidence| scenario(title, &built(""), evidence).is(DENY, &MISSING);
    let of_root = || of_subject(&[("sha256", file(8))]);
    let other = |signature: Signature| Signature { publisher: OTHER, by: by(key(1), None), ..signature };
    vec![
        scenario("A SHA-256 that is the model digest", &built(""), {
            signed([by_acme()]).and(of_subject(&[("sha256", file(1))]))
        })
        .is(ALLOW, &[]),
        scenario("A root digest, beside a signature with this root", &built(""), {
            signed([with_root(8, by_acme())]).and(of_root())
        })
        .is(ALLOW, &[]),
        missing("A root digest that no signature has", signed([by_acme()]).and(of_root())),
        missing("A root digest that a signature of fewer files has, which is by too few", {
            signed([with_root(8, signature(OTHER, key(1), model(2))), by_acme(), by_other(1)]).and(of_root())
        })
        .ruled(&built("").replacen(ANY, r#"signed-by = { all = ["acme", "other"] }"#, 1))
        .is(DENY, &["deny attestation-missing", "note other-bytes"]),
        missing("A root digest that a signature of changed files has", {
            let changed = Files::Differ("weights.bin is other".to_owned());
            signed([by_acme(), with_root(8, Signature { files: changed, ..other(by_acme()) })]).and(of_root())
        })
        .is(DENY, &["deny attestation-missing", "note other-bytes"]),
        missing("A root digest that the signature of somebody denied has", {
            signed([by_acme(), with_root(8, other(by_acme()))]).and(of_root())
        })
        .with("[[deny]]\nkey = \"$KEY1\"\nreason = \"stolen\"")
        .is(DENY, &["deny attestation-missing", "note denied-signer"]),
        missing("A root digest that a signature has which nothing but the attestor's key made", {
            signed([by_acme(), with_root(8, signature(THIRD, key(2), model(1)))]).and(of_root())
        }),
        scenario(
            "A root digest that the signature of somebody unknown to the lock has",
            &{ built("").replacen(ANY, TOFU, 1) },
            signed([by_acme(), with_root(8, other(by_acme()))]).and(of_root()),
        )
        .locked(lock_of_acme())
        .is(DENY, &["deny attestation-missing", "note signer-not-in-lock"]),
        missing("The root digest of this model, and the model digest of another", {
            let other = [("model-v1", file(2)), ("sha256", file(7))];
            signed([by_acme()]).and(of_subject(&other))
        }),
        scenario("Of several subjects one is this model", &built(""), {
            let of: [&[_]; 2] = [&[("model-v1", file(2))], &[("model-v1", file(1))]];
            signed([by_acme()]).and(Said { subjects: subjects(&of), ..by_third(provenance()) })
        })
        .is(ALLOW, &[]),
    ]
}

/// What the builder says.
pub(super) fn builds() -> Vec<Scenario> {
    let refused = |title, more: &str, evidence, problem: &'static str| {
        scenario(title, &built(more), evidence).is(DENY, &REFUSED).because(&[problem])
    };
    let by_run = |signer: SignerFacts, predicate: Predicate| {
        signed([by_acme()]).and(says((THIRD, signer), model(1), predicate))
    };
    let repository = "source = \"https://github.example/acme/toy\"";
    let of_source = |repository: &str| {
        let source = Source { repository: repository.to_owned(), ..Source::default() };
        modelseal_predicate::Provenance { source: Some(source), ..provenance() }.into()
    };
    let of_evil = (Claim::SourceRepository, "https://github.example/acme/evil");
    let of_acme = (Claim::SourceRepository, "https://github.example/acme/toy");
    vec![
        scenario(
            "The builder and the build type that are asked for",
            &{ built(&format!("builder = \"{BUILDER}\"\nbuild-type = \"{BUILD_TYPE}\"")) },
            said(provenance()),
        )
        .is(ALLOW, &[]),
        scenario(
            "A builder of a pattern",
            &built("builder = \"https://ci.example/acme/*\""),
            said(provenance()),
        )
        .is(ALLOW, &[]),
        refused(
            "Another builder",
            "builder = \"https://ci.example/acme/hosted\"",
            said(provenance()),
            "other-builder",
        ),
        refused(
            "Another build type",
            "build-type = \"https://ci.example/build/v2\"",
            said(provenance()),
            "other-build-type",
        ),
        scenario("The source that is asked for", &built(repository), by_run(key(2), run("42")))
            .is(ALLOW, &[]),
        refused(
            "Another source",
            "source = \"https://github.example/evil/toy\"",
            by_run(key(2), run("42")),
            "other-source",
        ),
        refused("No source", repository, said(provenance()), "other-source"),
        refused("Another branch", "source-ref = \"refs/heads/*\"", by_run(key(2), run("42")), "other-source"),
        scenario("The source, by the word of the certificate alone", &built(repository), {
            by_run(certified("42", &[of_acme]), provenance().into())
        })
        .is(ALLOW, &[]),
        refused(
            "The source by its own word, and another by that of the certificate",
            repository,
            by_run(certified("42", &[of_evil]), of_source(of_acme.1)),
            "other-source",
        ),
        refused(
            "Another source by its own word, and this by that of the certificate",
            repository,
            by_run(certified("42", &[of_acme]), of_source(of_evil.1)),
            "other-source",
        ),
        scenario("A run says what its certificate says", &built(repository), {
            by_run(certified("42", &[of_acme]), run("42"))
        })
        .is(ALLOW, &[]),
        refused(
            "A run speaks for another",
            repository,
            {
                by_run(
                    certified("42", &[(Claim::SourceRepository, "https://github.example/acme/evil")]),
                    run("42"),
                )
            },
            "provenance-contradicted",
        ),
        refused(
            "A run speaks for another owner, and nobody asks for a source",
            "",
            by_run(certified("666", &[]), run("42")),
            "provenance-contradicted",
        ),
        scenario(
            "Of several, that which came nearest is told",
            &built("builder = \"https://ci.example/acme/*\"\nmax-age = \"1d\""),
            {
                let elsewhere = modelseal_predicate::Provenance {
                    builder: "https://evil.example".to_owned(),
                    ..provenance()
                };
                said(elsewhere).and(by_third(finished("2026-05-01T00:00:00Z")))
            },
        )
        .is(DENY, &REFUSED)
        .because(&["other-builder", "too-old"]),
    ]
}

/// How old an attestation may be, where everything is judged at the beginning of
/// June.
pub(super) fn ages() -> Vec<Scenario> {
    let day = built("max-age = \"1d\"");
    let scan = format!(
        "{ANY}\n[[rules.attestations]]\ntype = \"{SCAN}\"\nsigned-by = {{ any = [\"third\"] }}\nmax-age = \"24h\"\n"
    );
    let refused = |title, evidence, problem: &'static str| {
        scenario(title, &day, evidence).is(DENY, &REFUSED).because(&[problem])
    };
    let at = |signer: SignerFacts, signed_at: &str, predicate: Predicate| {
        let said = Said { by: by(signer, Some(signed_at)), ..by_third(predicate) };
        signed([by_acme()]).and(said)
    };
    let keyless = || workflow("42", "7", "v1");
    let (new, old) = ("2026-05-31T23:00:00Z", "2026-05-30T23:00:00Z");
    vec![
        scenario("As old as it may be", &day, said(finished("2026-05-31T00:00:00Z"))).is(ALLOW, &[]),
        refused("A second older", said(finished("2026-05-30T23:59:59Z")), "too-old"),
        scenario("A clock that is a minute ahead", &day, said(finished("2026-06-01T00:01:00Z")))
            .is(ALLOW, &[]),
        refused("A second more", said(finished("2026-06-01T00:01:01Z")), "from-the-future"),
        refused("Nothing says when", said(without_times()), "age-unknown"),
        scenario("Only the beginning of the build is said", &day, {
            said(modelseal_predicate::Provenance { started: Some(time(new)), finished: None, ..provenance() })
        })
        .is(ALLOW, &[]),
        refused(
            "A timestamp of a key, and no time of its own",
            at(key(2), new, without_times()),
            "age-unknown",
        ),
        refused("Old, and timestamped of late", at(key(2), new, finished(old)), "too-old"),
        scenario("New, with an old timestamp of a key", &day, at(key(2), old, finished(new))).is(ALLOW, &[]),
        scenario(
            "A certificate for this one signature tells the time",
            &day,
            at(keyless(), new, without_times()),
        )
        .is(ALLOW, &[]),
        refused("Such a certificate is old", at(keyless(), old, finished(new)), "too-old"),
        refused("Such a certificate is new, and the build old", at(keyless(), new, finished(old)), "too-old"),
        refused(
            "Such a certificate is to come",
            at(keyless(), "2026-06-01T00:02:00Z", finished(new)),
            "from-the-future",
        ),
        scenario("A predicate that tells no time, by a certificate for this one signature", &scan, {
            at(keyless(), new, Predicate::Other)
        })
        .is(ALLOW, &[]),
        scenario("The same by a key", &scan, at(key(2), new, Predicate::Other))
            .is(DENY, &REFUSED)
            .because(&["age-unknown"]),
        scenario("Nobody asks how old it is", &built(""), said(without_times())).is(ALLOW, &[]),
    ]
}

/// Whoever attests is nobody else for it.
pub(super) fn only_attesting() -> Vec<Scenario> {
    let signs = |of| signature(THIRD, key(2), model(of));
    let tofu = built("").replacen(ANY, TOFU, 1);
    let lock_of_third = || lock([(NAME, entry(model(1), None, &[key(2)]))]);
    vec![
        scenario("The attestor signs the model", &built(""), signed([signs(1)]).and(by_third(provenance())))
            .is(DENY, &["deny not-signed-by-publisher"]),
        scenario(
            "Two have to sign, and the attestor is the second",
            &built("").replacen(ANY, r#"signed-by = { all = ["acme", "other"] }"#, 1),
            signed([by_acme(), signs(1)]).and(by_third(provenance())),
        )
        .is(DENY, &["deny too-few-publishers"]),
        scenario("The attestor signs other files", &built(""), {
            let changed = Files::Differ("weights.bin is other".to_owned());
            signed([Signature { files: changed, ..signs(1) }]).and(by_third(provenance()))
        })
        .is(DENY, &["deny not-signed-by-publisher"]),
        scenario("The attestor leaves a file out", &built(""), {
            let all = with_files(by_acme(), &[], &["evil.py"]);
            signed([all, with_files(signs(1), &["evil.py"], &[])]).and(by_third(provenance()))
        })
        .is(DENY, &["deny unsigned-files"]),
        scenario(
            "The attestor signs the name",
            &built("").replacen(ANY, &format!("{ANY}\nbind-name = true"), 1),
            said(provenance()).and_release((THIRD, key(2)), model(1), NAME, "1.0.0"),
        )
        .is(DENY, &["deny model-name-not-signed"]),
        scenario("The attestor signs another name", &built(""), {
            said(provenance()).and_release((THIRD, key(2)), model(1), "hf://acme/old", "1.0.0")
        })
        .is(ALLOW, &[]),
        scenario("The attestor says which release it is", &tofu, {
            said(provenance()).and_release((THIRD, key(2)), model(1), NAME, "9.0.0")
        })
        .locked(lock_of_release("1.2.0"))
        .is(DENY, &["deny release-missing"]),
        scenario("The lock knows the attestor, and not who signs", &tofu, said(provenance()))
            .locked(lock_of_third())
            .is(DENY, &["deny signer-changed"]),
        scenario("The lock knows the attestor, who signs too", &tofu, {
            signed([by_acme(), signs(1)]).and(by_third(provenance()))
        })
        .locked(lock_of_third())
        .is(DENY, &["deny signer-changed"]),
        scenario("The lock knows the attestor, who names a successor", &tofu, {
            said(provenance()).and_succession_by((THIRD, key(2)), "hf://acme/*", &key(0))
        })
        .locked(lock_of_third())
        .is(DENY, &["deny signer-changed"]),
        scenario("The attestor is not in the lock, and need not be", &tofu, said(provenance()))
            .locked(lock_of_acme())
            .is(ALLOW, &[]),
    ]
}

pub(super) fn verdict_on(rule: &str, rest: &str, evidence: &Evidence) -> crate::Verdict {
    let policy = load(&scenario("", rule, signed([])).with(rest).policy()).unwrap();
    ask(&policy, NAME, evidence, None).unwrap()
}

fn with_level(level: u8) -> String {
    built(&format!("build-level = {level}"))
}

#[test]
fn the_level_is_what_the_policy_takes_such_a_build_for() {
    for (rule, evidence, expected) in [
        (with_level(3), said(provenance()), Some(3)),
        (with_level(1), said(provenance()), Some(1)),
        (with_level(3), signed([by_acme()]), None),
        (built(""), said(provenance()), None),
        (format!("{}\n{}", with_level(1), &with_level(2)[ANY.len()..]), said(provenance()), Some(2)),
    ] {
        assert_eq!(verdict_on(&rule, "", &evidence).build_level, expected, "{rule}");
    }
}

fn by_itself() -> modelseal_predicate::Provenance {
    modelseal_predicate::Provenance { is_by_the_job_itself: true, ..provenance() }
}

/// Level 2 by a certificate of a job on a machine of the platform, and else 1.
#[test]
fn what_a_job_says_of_itself_is_level_2_at_most() {
    let on = |runner| certified("1", &[(Claim::RunnerEnvironment, runner)]);
    for (signer, most) in [
        (key(2), 1),
        (certificate("builder", 2), 1),
        (workflow("1", "7", "v1"), 1),
        (on("self-hosted"), 1),
        (on("github-hosted"), 2),
        (on("gitlab-hosted"), 2),
    ] {
        let evidence = signed([by_acme()]).and(says((THIRD, signer.clone()), model(1), by_itself()));
        for level in 1..=3 {
            let found = verdict_on(&with_level(level), "", &evidence);
            assert_eq!(found.build_level, Some(level.min(most)), "{level} {signer:?}");
        }
    }
}

/// Were it otherwise, leaving an attestation away would help.
#[test]
fn what_a_job_says_of_itself_takes_nothing_from_what_others_say() {
    let evidence = said(provenance()).and(by_third(by_itself()));
    assert_eq!(verdict_on(&with_level(3), "", &evidence).build_level, Some(3));
}

#[test]
fn a_verdict_lists_what_is_attested_of_these_bytes_and_what_counts() {
    let old = finished("2026-05-01T00:00:00Z");
    let evidence = said(old).and(by_third(provenance())).and(by_third(Predicate::Other));
    let evidence = evidence.and(says((THIRD, key(2)), model(2), provenance()));
    let found = verdict_on(&built("max-age = \"1d\""), "", &evidence);
    let told: Vec<_> = found
        .attestations
        .iter()
        .map(|attested| {
            let problem = attested.problem.as_ref().map(crate::NotCounted::code);
            (attested.source.line.unwrap(), attested.publisher.as_str(), attested.counts, problem)
        })
        .collect();
    assert_eq!(
        told,
        [(200, "third", false, Some("too-old")), (201, "third", true, None), (202, "third", false, None)]
    );
}

#[test]
fn a_missing_attestation_is_told_with_what_is_there() {
    let of_another = signed([by_acme()]).and(says((THIRD, key(2)), model(2), provenance()));
    for (evidence, is_of_others) in [(signed([by_acme()]), false), (of_another, true)] {
        let found = verdict_on(&built(""), "", &evidence);
        let told = found.denials().next().unwrap();
        assert!(
            matches!(told, ReasonKind::AttestationMissing { is_of_others: found, .. } if *found == is_of_others),
            "{told:?}"
        );
    }
}

/// One signer of the builder, whatever its time: nobody may count as two.
#[test]
fn two_times_make_no_two_attestors() {
    let at = |publisher, time| {
        let by = SignedBy { signer: key(2), time: Some(crate::stage::time(time)) };
        Said { by, ..says((publisher, key(2)), model(1), Predicate::Other) }
    };
    let evidence =
        signed([by_acme()]).and(at(THIRD, "2026-05-01T00:00:00Z")).and(at(OTHER, "2026-05-02T00:00:00Z"));
    assert_eq!(verdict_on(&by_two(SCAN), "", &evidence).outcome, DENY);
}
