//! The verdict of somebody else, where a rule takes it.

use modelseal_predicate::{SummaryPolicy, VerificationSummary};

use super::*;
use crate::evidence::Said;
use crate::stage::{VERIFIER, carried, made_from, provenance, says, subjects, summary, time};

/// Whose verdicts are taken, and who may not sign.
const THIRD: usize = 2;
const UNSIGNED: [&str; 1] = ["deny not-signed-by-publisher"];
const BY_SUMMARY: [&str; 1] = ["note by-summary"];

/// A pair of whoever signs and whoever verifies, whose verdicts of the last day
/// are taken.
fn pair(signed_by: &str, verifier: &str) -> String {
    format!(
        "\n[[rules.summaries]]\nsigned-by = \"{signed_by}\"\nverifier = \"{verifier}\"\npolicies = [\"$FILE9\"]\nmax-age = \"1d\"\n"
    )
}

fn taking(rule: &str) -> String {
    format!("{rule}{}", pair("third", VERIFIER))
}

fn by_third(summary: VerificationSummary) -> Said {
    says((THIRD, key(2)), model(1), summary)
}

/// A model that nobody signed, and the verdict of `third`.
fn found(summary: VerificationSummary) -> Evidence {
    signed([]).and(by_third(summary))
}

fn good() -> Evidence {
    found(summary(NAME))
}

fn verified(at: Option<&str>) -> VerificationSummary {
    VerificationSummary { verified: at.map(time), ..summary(NAME) }
}

pub(super) fn taken() -> Vec<Scenario> {
    let rule = taking(ANY);
    let built = format!(
        "{}\n[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"third\"] }}",
        taking(ANY)
    );
    let mirror = "[[remap]]\nfrom = \"oci://mirror.example/hf/*\"\nto = \"hf://*\"";
    vec![
        scenario("Somebody else found it good", &rule, good()).is(ALLOW, &BY_SUMMARY),
        scenario("Somebody else found it good, and it is signed", &rule, {
            signed([by_acme()]).and(by_third(summary(NAME)))
        })
        .is(ALLOW, &[]),
        scenario("Somebody else found it good, and nobody says how it was made", &built, {
            signed([by_acme()]).and(by_third(summary(NAME)))
        })
        .is(ALLOW, &BY_SUMMARY),
        scenario("The name in another case", &rule, found(summary("hf://ACME/Toy"))).is(ALLOW, &BY_SUMMARY),
        scenario("The verdict on this very revision", &rule, found(summary("hf://acme/toy@v1")))
            .asked_as("hf://acme/toy@v1")
            .is(ALLOW, &BY_SUMMARY),
        scenario("A mirror, found good as what it mirrors", &rule, good())
            .with(mirror)
            .asked_as("oci://mirror.example/hf/acme/toy")
            .is(ALLOW, &BY_SUMMARY),
        scenario("A mirror, found good as the mirror", &rule, found(summary("oci://mirror.example/hf/acme/toy")))
            .with(mirror)
            .asked_as("oci://mirror.example/hf/acme/toy")
            .is(ALLOW, &BY_SUMMARY),
        scenario("A SHA-256 that is the model digest, found good", &rule, {
            let of = subjects(&[&[("sha256", file(1))]]);
            signed([]).and(Said { subjects: of, ..by_third(summary(NAME)) })
        })
        .is(ALLOW, &BY_SUMMARY),
        scenario("Found good by one, and not by another", &rule, {
            let failed = VerificationSummary { has_passed: false, ..summary(NAME) };
            good().and(by_third(failed))
        })
        .is(ALLOW, &["note by-summary", "note not-passed"]),
        scenario("Found good, where the rule warns of what nobody signed", &taking(&format!("{ANY}\nmode = \"warn\"")), good())
            .is(ALLOW, &BY_SUMMARY),
        scenario("Found good, where the rule is tried out on what nobody signed", &taking(&format!("{ANY}\nmode = \"audit\"")), good())
            .is(ALLOW, &BY_SUMMARY),
        scenario("Found good, with files that nobody looked at", &taking(&format!("{ANY}\nunsigned-files = \"allow\"")), {
            let mut evidence = good();
            evidence.contents.unsigned.unlisted = vec!["notes.txt".to_owned()];
            evidence
        })
        .is(ALLOW, &BY_SUMMARY),
        scenario("Made from a base model that somebody else found good", &{
            format!("{ANY}\n[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"third\"] }}\ndependencies = {{ of = [\"hf://base/*\"] }}")
        }, {
            let base = carried(model(5), []).and(says((THIRD, key(2)), model(5), summary("hf://base/b")));
            let made = says((THIRD, key(2)), model(1), made_from([("hf://base/b", model(5))]));
            signed([by_acme()]).and(made).and_of("hf://base/b", model(5), base)
        })
        .with(&format!("[[rules]]\nscope = \"hf://base/*\"\n{rule}"))
        .is(ALLOW, &[]),
    ]
}

pub(super) fn not_taken() -> Vec<Scenario> {
    let rule = taking(ANY);
    let refused = |title, summary: VerificationSummary, note: &'static str| {
        scenario(title, &rule, found(summary)).is(DENY, &["deny not-signed-by-publisher", note])
    };
    let under = |sha256| VerificationSummary {
        policy: SummaryPolicy { uri: "urn:policy".to_owned(), sha256 },
        ..summary(NAME)
    };
    let elsewhere = || VerificationSummary { verifier: "https://evil.example/v".to_owned(), ..summary(NAME) };
    let at = |signer: SignerFacts, signed_at: &str, summary: VerificationSummary| {
        signed([]).and(Said { by: by(signer, Some(signed_at)), ..by_third(summary) })
    };
    let keyless = || workflow("42", "7", "v1");
    let too_old = ["deny not-signed-by-publisher", "note too-old"];
    let of_root = |signatures: Vec<Signature>| {
        let of = subjects(&[&[("sha256", file(7))]]);
        signed(signatures).and(Said { subjects: of, ..by_third(summary(NAME)) })
    };
    vec![
        refused("Another verifier", elsewhere(), "note other-verifier"),
        refused("A verdict on another name", summary("hf://acme/other"), "note other-reference"),
        refused(
            "A verdict on a revision, where none is asked about",
            summary("hf://acme/toy@v1"),
            "note other-reference",
        ),
        refused("A verdict on no name of a model", summary("pkg:generic/toy"), "note other-reference"),
        scenario("A verdict on another revision", &rule, found(summary("hf://acme/toy@v1")))
            .asked_as("hf://acme/toy@v2")
            .is(DENY, &["deny not-signed-by-publisher", "note other-reference"]),
        scenario("A verdict on no revision, where one is asked about", &rule, good())
            .asked_as("hf://acme/toy@v2")
            .is(DENY, &["deny not-signed-by-publisher", "note other-reference"]),
        refused("A verdict under another policy", under(Some(file(8))), "note other-policy"),
        refused("A verdict under no bytes of a policy", under(None), "note other-policy"),
        refused(
            "It was found bad",
            VerificationSummary { has_passed: false, ..summary(NAME) },
            "note not-passed",
        ),
        scenario("As old as it may be, to the second", &rule, found(verified(Some("2026-05-31T00:00:00Z"))))
            .is(ALLOW, &BY_SUMMARY),
        refused("An old verdict", verified(Some("2026-05-30T23:59:59Z")), "note too-old"),
        refused("A verdict that is to come", verified(Some("2026-06-01T00:01:01Z")), "note from-the-future"),
        refused("A verdict of no time", verified(None), "note age-unknown"),
        scenario("A verdict of no time, signed with a certificate for it alone", &rule, {
            at(keyless(), "2026-05-31T23:00:00Z", verified(None))
        })
        .is(DENY, &["deny not-signed-by-publisher", "note age-unknown"]),
        scenario("An old verdict that a key signed, timestamped of late", &rule, {
            at(key(2), "2026-05-31T23:00:00Z", verified(Some("2026-05-01T00:00:00Z")))
        })
        .is(DENY, &too_old),
        scenario("A verdict that says a later time than its certificate", &rule, {
            at(keyless(), "2026-05-01T00:00:00Z", summary(NAME))
        })
        .is(DENY, &too_old),
        scenario("Whoever signs the verdict is denied", &rule, good())
            .with("[[deny]]\nkey = \"$KEY2\"\nreason = \"stolen\"")
            .is(DENY, &["deny not-signed-by-publisher", "note denied-signer"]),
        scenario(
            "The verifier of one pair, signed by that of another",
            &format!("{rule}{}", pair("other", "https://other.example/v")),
            signed([]).and(says((OTHER, key(1)), model(1), summary(NAME))),
        )
        .is(DENY, &["deny not-signed-by-publisher", "note other-verifier"]),
        scenario("A publisher of the model finds it good, and is no pair's", &rule, {
            signed([]).and(says((OTHER, key(1)), model(1), summary(NAME)))
        })
        .is(DENY, &UNSIGNED),
        scenario("Nobody's verdict is taken", ANY, good()).is(DENY, &UNSIGNED),
        scenario(
            "Of two pairs of one signer, the nearer tells what is wrong",
            &format!("{rule}{}", pair("third", "https://evil.example/v")),
            found(VerificationSummary { has_passed: false, ..elsewhere() }),
        )
        .is(DENY, &["deny not-signed-by-publisher", "note not-passed"]),
        scenario("Another model was found good", &rule, {
            signed([]).and(says((THIRD, key(2)), model(2), summary(NAME)))
        })
        .is(DENY, &["deny not-signed-by-publisher", "note other-bytes"]),
        scenario("A root digest was found good", &rule, of_root(vec![]))
            .is(DENY, &["deny not-signed-by-publisher", "note other-bytes"]),
        scenario(
            "A root digest was found good that a signature of too few has",
            &taking(TWO),
            of_root(vec![by_acme()]),
        )
        .is(DENY, &["deny too-few-publishers", "note other-bytes"]),
        scenario(
            "Provenance is nobody's verdict",
            &rule,
            signed([]).and(says((THIRD, key(2)), model(1), provenance())),
        )
        .is(DENY, &UNSIGNED),
    ]
}

/// What no verdict of somebody else replaces.
pub(super) fn not_asked() -> Vec<Scenario> {
    let rule = taking(ANY);
    let audit = taking(&format!("{ANY}\nmode = \"audit\""));
    let unlisted = |evidence: Evidence| {
        let unsigned = Unsigned { ignored: vec![], unlisted: vec!["evil.py".to_owned()] };
        let contents = Contents { unsigned, ..evidence.contents.clone() };
        evidence.with_contents(contents)
    };
    let contents = |files: &[(&str, u8)], unhashed: &[&str]| {
        let mut evidence = good();
        evidence.contents.files =
            files.iter().map(|(path, number)| ((*path).to_owned(), file(*number))).collect();
        evidence.contents.unhashed = unhashed.iter().map(|path| (*path).to_owned()).collect();
        evidence
    };
    let of_bases = "[[rules]]\nscope = \"hf://base/*\"\nsigned-by = { any = [\"other\"] }\n";
    let from_bases = format!(
        "{rule}[[rules.attestations]]\ntype = \"provenance\"\nsigned-by = {{ any = [\"third\"] }}\n\
         dependencies = {{ of = [\"hf://base/*\"] }}\n"
    );
    let made_from_base = || {
        let made = says((THIRD, key(2)), model(1), made_from([("hf://base/b", model(5))]));
        good().and(made).and_of("hf://base/b", model(5), carried(model(5), []))
    };
    let of_file = "[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\"";
    vec![
        scenario("Found good, and denied", &audit, good())
            .with("[[deny]]\nmodel = \"$MODEL1\"\nreason = \"backdoor\"")
            .is(DENY, &["deny denied-model", "note by-summary"]),
        scenario("Found good, and signed by somebody denied", &rule, {
            signed([by_acme()]).and(by_third(summary(NAME)))
        })
        .with("[[deny]]\nkey = \"$KEY0\"\nreason = \"stolen\"")
        .is(DENY, &["deny not-signed-by-publisher", "note denied-signer"]),
        scenario("Found good, and signed by somebody denied who is nobody here", &rule, {
            signed([signature(THIRD, key(3), model(1))]).and(by_third(summary(NAME)))
        })
        .with("[[deny]]\nkey = \"$KEY3\"\nreason = \"stolen\"")
        .is(ALLOW, &BY_SUMMARY),
        scenario("Found good, and made from something that is denied", &from_bases, made_from_base())
            .with(&format!("{of_bases}[[deny]]\nmodel = \"$MODEL5\"\nreason = \"backdoor\""))
            .is(DENY, &["deny dependency-not-admitted", "note by-summary"])
            .because(&["dependency-not-admitted"]),
        scenario("Found good, and made from something that nobody signed", &from_bases, made_from_base())
            .with(of_bases)
            .is(ALLOW, &BY_SUMMARY)
            .because(&["dependency-not-admitted"]),
        scenario("Found good, with a denied file", &rule, contents(&[("a.py", 3)], &[]))
            .with(of_file)
            .is(DENY, &["deny denied-file", "note by-summary"]),
        scenario(
            "Found good, where files are denied and one was not hashed",
            &rule,
            contents(&[], &["large.bin"]),
        )
        .with(of_file)
        .is(DENY, &["deny deny-not-evaluated", "note by-summary"]),
        scenario("Found good, and the deny-list cannot be read", &rule, good())
            .with("[deny-list]\nfile = \"deny.toml\"\nsigned-by = \"other\"")
            .is(DENY, &["deny deny-list-unusable", "note by-summary"]),
        scenario("Found good, under a policy that has expired", &rule, good())
            .head("serial = 7\nexpires = 2026-06-01")
            .is(DENY, &["deny policy-expired", "note by-summary"]),
        scenario(
            "Found good, where another model belongs",
            &rule,
            good().found_at(Some(place("hf://acme/other"))),
        )
        .is(DENY, &["deny name-contradicted", "note by-summary"]),
        scenario("Found good, with a file that nobody looked at", &rule, unlisted(good()))
            .is(DENY, &["deny not-signed-by-publisher"]),
        scenario(
            "Found good, with git's own files, where none may be",
            &taking(&format!("{ANY}\nunsigned-files = \"refuse\"")),
            {
                let mut evidence = good();
                evidence.contents.unsigned.ignored = vec![".git".to_owned()];
                evidence
            },
        )
        .is(DENY, &["deny not-signed-by-publisher"]),
    ]
}

/// A signature beside the verdict of somebody else, over less than the model has.
pub(super) fn left_out() -> Vec<Scenario> {
    let rule = taking(ANY);
    // The model as it is has a file more than what was signed and found good.
    let with_evil = |signatures: Vec<Signature>| {
        let mut evidence = signed(signatures).and(by_third(summary(NAME)));
        evidence.contents.model = Some(model(3));
        evidence
    };
    let leaving_out = |signature: Signature| with_files(signature, &["evil.py"], &[]);
    vec![
        scenario("Found good, and its signature lists a file more", &rule, {
            with_evil(vec![with_files(by_acme(), &[], &["evil.py"])])
        })
        .is(DENY, &["deny unsigned-files"]),
        scenario(
            "Found good, and somebody denied leaves a file out",
            &rule,
            with_evil(vec![leaving_out(by_acme())]),
        )
        .with("[[deny]]\nkey = \"$KEY0\"\nreason = \"stolen\"")
        .is(DENY, &["deny not-signed-by-publisher", "note denied-signer"]),
        scenario("Found good, and one of the two that have to sign leaves a file out", &taking(TWO), {
            with_evil(vec![leaving_out(by_acme())])
        })
        .is(DENY, &["deny too-few-publishers"]),
        scenario("Found good, and somebody unknown to the lock leaves a file out", &taking(TOFU), {
            with_evil(vec![leaving_out(by_acme())])
        })
        .locked(lock([(NAME, entry(model(1), None, &[key(2)]))]))
        .is(DENY, &["deny signer-changed"]),
        scenario("Found good, and a signature that may not be leaves a file out", &rule, {
            let legacy = Signature { caveats: vec![Caveat::LegacyFormat], ..by_acme() };
            with_evil(vec![leaving_out(legacy)])
        })
        .is(DENY, &["deny not-signed-by-publisher", "note legacy-format-not-allowed"]),
    ]
}

/// Waivers beside the verdict of somebody else.
pub(super) fn waived() -> Vec<Scenario> {
    let rule = taking(ANY);
    vec![
        scenario("Found good, and an expired waiver", &rule, good())
            .with("[[waivers]]\nmodel = \"$MODEL1\"\nrule = \"hf://acme/*\"\nowner = \"ops\"\nreason = \"old\"\nexpires = 2026-06-01")
            .is(DENY, &["deny waiver-expired", "note by-summary"]),
        scenario("Found good, and a waiver that nothing needs", &rule, good())
            .with("[[waivers]]\nmodel = \"$MODEL1\"\nrule = \"hf://acme/*\"\nowner = \"ops\"\nreason = \"old\"\nexpires = 2026-12-31")
            .is(ALLOW, &BY_SUMMARY),
    ]
}

/// What the lock says nonetheless.
pub(super) fn locked() -> Vec<Scenario> {
    let (tofu, pinned) = (taking(TOFU), taking(PINNED));
    let of = |model_of: u8, release: Option<&str>, signers: &[SignerFacts]| {
        lock([(NAME, entry(model(model_of), release, signers))])
    };
    let released =
        |by: &dyn Fn() -> (usize, SignerFacts), version| good().and_release(by(), model(1), NAME, version);
    let acme = || (ACME, key(0));
    vec![
        scenario("Found good, and never seen before", &tofu, good())
            .locked(Lock::default())
            .is(WARN, &["warn first-sight", "note by-summary"]),
        scenario("Found good by whom the lock knows", &tofu, good()).locked(of(2, None, &[key(2)])).is(ALLOW, &BY_SUMMARY),
        scenario("Found good, and the lock knows others", &tofu, good())
            .locked(lock_of_acme())
            .is(DENY, &["deny signer-changed", "note by-summary"]),
        scenario("Found good and signed, each by somebody unknown to the lock", &tofu, {
            signed([signature(OTHER, key(1), model(1))]).and(by_third(summary(NAME)))
        })
        .locked(lock_of_acme())
        .is(DENY, &["deny signer-changed"]),
        scenario("Found good, and pinned", &pinned, good()).locked(of(1, None, &[key(2)])).is(ALLOW, &BY_SUMMARY),
        scenario("Found good, and another model is pinned", &pinned, good())
            .locked(of(2, None, &[key(2)]))
            .is(DENY, &["deny model-changed", "note by-summary"]),
        scenario("Found good, and not pinned", &pinned, good())
            .locked(Lock::default())
            .is(DENY, &["deny not-pinned", "note by-summary"]),
        scenario("Found good, and the revision has other bytes than before", &tofu, found(summary("hf://acme/toy@v1")))
            .asked_as("hf://acme/toy@v1")
            .locked(lock([("hf://acme/toy@v1", entry(model(2), None, &[key(2)]))]))
            .is(DENY, &["deny revision-changed", "note by-summary"]),
        scenario("Found good, and nothing says which release it is", &tofu, good())
            .locked(of(9, Some("1.2.0"), &[key(2)]))
            .is(DENY, &["deny release-missing", "note by-summary"]),
        scenario("Found good, and the attestor says which release it is", &tofu, released(&|| (THIRD, key(2)), "1.3.0"))
            .locked(of(9, Some("1.2.0"), &[key(2)]))
            .is(DENY, &["deny release-missing", "note by-summary"]),
        scenario("Found good, and its publisher says which release it is", &tofu, released(&acme, "1.3.0"))
            .locked(of(9, Some("1.2.0"), &[key(0), key(2)]))
            .is(ALLOW, &BY_SUMMARY),
        scenario("Found good, and an older release", &tofu, released(&acme, "1.1.0"))
            .locked(of(9, Some("1.2.0"), &[key(0), key(2)]))
            .is(DENY, &["deny release-older", "note by-summary"]),
        scenario("Found good, and a waiver for what nobody signed does not make it known", &tofu, good())
            .with("[[waivers]]\nmodel = \"$MODEL1\"\nrule = \"hf://acme/*\"\nowner = \"ops\"\nreason = \"old\"\nexpires = 2026-12-31")
            .locked(lock_of_acme())
            .is(DENY, &["deny signer-changed", "note by-summary"]),
    ]
}

/// A rule that takes nothing but verdicts of somebody else.
pub(super) fn alone() -> Vec<Scenario> {
    let rule = pair("third", VERIFIER);
    let tofu = format!("continuity = \"tofu\"{rule}");
    let waiver = "[[waivers]]\nmodel = \"$MODEL1\"\nrule = \"hf://acme/*\"\nowner = \"ops\"\nreason = \"old\"\nexpires = 2026-12-31";
    let of = |signer: usize, release| lock([(NAME, entry(model(1), release, &[key(signer)]))]);
    vec![
        scenario("Only found good, where nothing else counts", &rule, good()).is(ALLOW, &BY_SUMMARY),
        scenario("Not found good, where nothing else counts", &rule, signed([]))
            .is(DENY, &["deny no-summary"]),
        scenario("Signed by somebody, where nothing but a verdict counts", &rule, signed([by_acme()]))
            .is(DENY, &["deny no-summary"]),
        scenario("Signed by whoever verifies, where nothing but a verdict counts", &rule, {
            signed([signature(THIRD, key(2), model(1))])
        })
        .is(DENY, &["deny no-summary"]),
        scenario("Another verdict, where nothing else counts", &rule, found(summary("hf://acme/other")))
            .is(DENY, &["deny no-summary", "note other-reference"]),
        scenario("Not found good, and waived", &rule, signed([]))
            .with(waiver)
            .is(WARN, &["warn no-summary", "warn waived"]),
        scenario("Not found good, and waived, and the lock knows who found it good", &tofu, signed([]))
            .with(waiver)
            .locked(of(2, None))
            .is(DENY, &["deny signer-changed", "warn no-summary", "warn waived"]),
        scenario("Found good by whom the lock knows, where nothing else counts", &tofu, good())
            .locked(of(2, None))
            .is(ALLOW, &BY_SUMMARY),
        scenario("Found good by somebody else than before, where nothing else counts", &tofu, good())
            .locked(of(1, None))
            .is(DENY, &["deny signer-changed", "note by-summary"]),
        scenario("Nobody may say which release it is, and the lock has one", &tofu, {
            good().and_release((THIRD, key(2)), model(1), NAME, "1.3.0")
        })
        .locked(of(2, Some("1.2.0")))
        .is(DENY, &["deny release-missing", "note by-summary"]),
        scenario("Not found good, and in a mode that warns", &format!("mode = \"warn\"{rule}"), signed([]))
            .is(WARN, &["warn no-summary", "warn not-enforced"]),
    ]
}

#[test]
fn a_verdict_by_summary_tells_whose_it_is() {
    let policy = load(&scenario("", &taking(ANY), signed([])).policy()).unwrap();
    let levels = vec!["SLSA_BUILD_LEVEL_3".to_owned()];
    let evidence = found(VerificationSummary { levels: levels.clone(), ..summary(NAME) });
    let found = ask(&policy, NAME, &evidence, None).unwrap();
    assert!(found.is_signed() && found.signatures.is_empty() && found.build_level.is_none());
    let counted = found.summary.unwrap();
    assert_eq!((counted.verifier.as_str(), counted.levels), (VERIFIER, levels));
    assert_eq!((counted.signer.publisher.as_str(), counted.policy.sha256), ("third", Some(file(9))));
}

/// Both ask for more than there is, and which of them is told first must not
/// depend on which is written first.
#[test]
fn the_order_of_pairs_shows_nowhere() {
    let (day, week) = (pair("third", VERIFIER), pair("third", VERIFIER).replace("1d", "7d"));
    let evidence = found(verified(Some("2026-05-01T00:00:00Z")));
    let [first, second] = [format!("{ANY}{day}{week}"), format!("{ANY}{week}{day}")].map(|rule| {
        let policy = load(&scenario("", &rule, signed([])).policy()).unwrap();
        ask(&policy, NAME, &evidence, None).unwrap()
    });
    assert_eq!(first, second);
}
