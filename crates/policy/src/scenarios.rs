//! What can happen to a model and to its name, one scenario each, and what the
//! judge says of it.

mod attestations;
mod dependencies;
mod summaries;

use std::collections::BTreeSet;

use modelseal_manifest::HashType;
use modelseal_predicate::SignerId;
use modelseal_verify::{Caveat, Claim};

use crate::evidence::{Evidence, Files, Place, Signature, Stranger, Unsigned};
use crate::stage::{
    ISSUER, ask, by, certificate, entry, file, key, load, lock, model, signature, signed, source, workflow,
};
use crate::{Contents, Lock, Outcome, SignerFacts, Undecided};

const ALLOW: Outcome = Outcome::Allow;
const WARN: Outcome = Outcome::Warn;
const DENY: Outcome = Outcome::Deny;

const NAME: &str = "hf://acme/toy";
/// The publishers of every policy, by their places.
const ACME: usize = 0;
const OTHER: usize = 1;

/// A place that is called so.
fn place(name: &str) -> Place {
    Place { name: name.to_owned(), revision: None }
}

/// Somebody is `acme` by the name.
fn with_stranger(mut evidence: Evidence) -> Evidence {
    evidence.strangers.push(Stranger {
        publisher: "acme".to_owned(),
        claim: Claim::SourceOwnerId,
        expected: "4242".to_owned(),
        found: "9999".to_owned(),
    });
    evidence
}

struct Scenario {
    title: &'static str,
    head: String,
    rule: String,
    rest: String,
    reference: &'static str,
    evidence: Evidence,
    lock: Option<Lock>,
    expected: Outcome,
    /// Severity and code of each reason, in order, except the note that the
    /// name is not signed, which stands nearly everywhere.
    reasons: Vec<&'static str>,
    /// Why attestations about the model do not count, in order.
    problems: Vec<&'static str>,
}

/// A model of this rule, with this evidence.
fn scenario(title: &'static str, rule: &str, evidence: Evidence) -> Scenario {
    Scenario {
        title,
        head: "serial = 7\nexpires = 2027-01-01".to_owned(),
        rule: rule.to_owned(),
        rest: String::new(),
        reference: NAME,
        evidence,
        lock: None,
        expected: ALLOW,
        reasons: vec![],
        problems: vec![],
    }
}

impl Scenario {
    fn with(self, rest: &str) -> Self {
        Self { rest: rest.to_owned(), ..self }
    }

    fn ruled(self, rule: &str) -> Self {
        Self { rule: rule.to_owned(), ..self }
    }

    fn head(self, head: &str) -> Self {
        Self { head: head.to_owned(), ..self }
    }

    fn asked_as(self, reference: &'static str) -> Self {
        Self { reference, ..self }
    }

    fn locked(self, lock: Lock) -> Self {
        Self { lock: Some(lock), ..self }
    }

    fn is(self, expected: Outcome, reasons: &[&'static str]) -> Self {
        Self { expected, reasons: reasons.to_vec(), ..self }
    }

    fn because(self, problems: &[&'static str]) -> Self {
        Self { problems: problems.to_vec(), ..self }
    }

    fn policy(&self) -> String {
        format!(
            "version = 1\n{}\n[publishers]\nacme = {{ keys = [\"$KEY0\"] }}\nother = {{ keys = [\"$KEY1\"] }}\n\
             third = {{ keys = [\"$KEY2\"] }}\n[[rules]]\nscope = \"hf://acme/*\"\n{}\n{}",
            self.head, self.rule, self.rest
        )
    }
}

const ANY: &str = r#"signed-by = { any = ["acme", "other"] }"#;
const TOFU: &str = "signed-by = { any = [\"acme\", \"other\"] }\ncontinuity = \"tofu\"";
const PINNED: &str = "signed-by = { any = [\"acme\", \"other\"] }\ncontinuity = \"pinned\"";
const TWO: &str = r#"signed-by = { at-least = 2, of = ["acme", "other", "third"] }"#;

fn by_acme() -> Signature {
    signature(ACME, key(0), model(1))
}

fn at(signed: &str) -> Signature {
    Signature { by: by(key(0), Some(signed)), ..by_acme() }
}

fn with_files(signature: Signature, ignored: &[&str], unlisted: &[&str]) -> Signature {
    let texts = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
    let unsigned = Unsigned { ignored: texts(ignored), unlisted: texts(unlisted) };
    let Files::Match { model, .. } = signature.files else { panic!("it matches nothing") };
    Signature { files: Files::Match { model, unsigned }, ..signature }
}

fn released(of: u8, version: &str) -> Evidence {
    signed([signature(ACME, key(0), model(of))]).and_release((ACME, key(0)), model(of), NAME, version)
}

fn lock_of_acme() -> Lock {
    lock([(NAME, entry(model(1), None, &[key(0)]))])
}

fn lock_of_release(version: &str) -> Lock {
    lock([(NAME, entry(model(9), Some(version), &[key(0)]))])
}

fn publishers() -> Vec<Scenario> {
    vec![
        scenario("A publisher of the rule signed", ANY, signed([by_acme()])).is(ALLOW, &[]),
        scenario("No rule is for the name", ANY, signed([by_acme()]))
            .asked_as("hf://acme-2/toy")
            .is(DENY, &["deny no-rule"]),
        scenario("Nobody signed", ANY, signed([])).is(DENY, &["deny not-signed-by-publisher"]),
        scenario("A stranger signed", ANY, {
            let mut evidence = signed([]);
            evidence.reject(source(1), "not by acme");
            evidence
        })
        .is(DENY, &["deny not-signed-by-publisher", "note not-recognised"]),
        scenario("A stranger signed beside the publisher", ANY, {
            let mut evidence = signed([by_acme()]);
            evidence.reject(source(9), "not by acme");
            evidence
        })
        .is(ALLOW, &["note not-recognised"]),
        scenario("The publisher signed other bytes", ANY, {
            let differ = Files::Differ("weights.bin is other".to_owned());
            signed([Signature { files: differ, ..by_acme() }])
        })
        .is(DENY, &["deny other-files", "deny not-signed-by-publisher", "note other-bytes"]),
        scenario("Two of three signed", TWO, signed([by_acme(), signature(OTHER, key(1), model(1))]))
            .is(ALLOW, &[]),
        scenario("One of the two that have to", TWO, signed([by_acme()]))
            .is(DENY, &["deny too-few-publishers"]),
        scenario(
            "Two publishers, of different bytes",
            TWO,
            signed([by_acme(), signature(OTHER, key(1), model(2))]),
        )
        .is(DENY, &["deny too-few-publishers", "note other-bytes"]),
        scenario(
            "One key speaks for two publishers",
            TWO,
            signed([by_acme(), signature(OTHER, key(0), model(1))]),
        )
        .is(DENY, &["deny too-few-publishers"]),
        scenario("One key, with and without a certificate, speaks for two publishers", TWO, {
            signed([by_acme(), signature(OTHER, certificate("CN=Release", 0), model(1))])
        })
        .is(DENY, &["deny too-few-publishers"]),
        scenario("One name with two keys speaks for two publishers", TWO, {
            let of = |publisher, key| signature(publisher, certificate("CN=Release", key), model(1));
            signed([of(ACME, 5), of(OTHER, 6)])
        })
        .is(DENY, &["deny too-few-publishers"]),
        scenario("One repository speaks for two publishers, by two tags", TWO, {
            let of = |publisher, tag| signature(publisher, workflow("1", "2", tag), model(1));
            signed([of(ACME, "v1"), of(OTHER, "v2")])
        })
        .is(DENY, &["deny too-few-publishers"]),
    ]
}

fn requirements() -> Vec<Scenario> {
    let rule = |more: &str| format!("{ANY}\n{more}");
    vec![
        scenario(
            "The time has to be proved, and is",
            &rule("proved-time = true"),
            signed([at("2026-05-01T00:00:00Z")]),
        )
        .is(ALLOW, &[]),
        scenario("The time has to be proved, and is not", &rule("proved-time = true"), signed([by_acme()]))
            .is(DENY, &["deny not-signed-by-publisher", "note time-not-proved"]),
        scenario("Bounds for the time ask for a proof", &rule("not-after = 2026-05-01"), signed([by_acme()]))
            .is(DENY, &["deny not-signed-by-publisher", "note time-not-proved"]),
        scenario("Signed too early", &rule("not-before = 2026-04-01"), signed([at("2026-03-31T23:59:59Z")]))
            .is(DENY, &["deny not-signed-by-publisher", "note signed-too-early"]),
        scenario("Signed too late", &rule("not-after = 2026-04-01"), signed([at("2026-04-01T00:00:01Z")]))
            .is(DENY, &["deny not-signed-by-publisher", "note signed-too-late"]),
        scenario(
            "Signed at the very bounds",
            &rule("not-before = 2026-04-01\nnot-after = 2026-04-01"),
            signed([at("2026-04-01T00:00:00Z")]),
        )
        .is(ALLOW, &[]),
        scenario("A hash that the rule does not allow", &rule(r#"hashes = ["sha256"]"#), {
            signed([Signature { hash: HashType::Blake3, ..by_acme() }])
        })
        .is(DENY, &["deny not-signed-by-publisher", "note hash-not-allowed"]),
        scenario(
            "Links were followed",
            ANY,
            signed([Signature { caveats: vec![Caveat::SymlinksFollowed], ..by_acme() }]),
        )
        .is(DENY, &["deny not-signed-by-publisher", "note symlinks-not-allowed"]),
        scenario("Links were followed, and may be", &rule("symlinks = true"), {
            signed([Signature { caveats: vec![Caveat::SymlinksFollowed], ..by_acme() }])
        })
        .is(ALLOW, &[]),
        scenario(
            "A legacy format",
            ANY,
            signed([Signature { caveats: vec![Caveat::LegacyFormat], ..by_acme() }]),
        )
        .is(DENY, &["deny not-signed-by-publisher", "note legacy-format-not-allowed"]),
        scenario("A legacy format, and it may be", &rule("legacy-formats = true"), {
            signed([Signature { caveats: vec![Caveat::LegacyFormat], ..by_acme() }])
        })
        .is(ALLOW, &[]),
        scenario("A file that is not signed", ANY, signed([with_files(by_acme(), &[], &["evil.py"])]))
            .is(DENY, &["deny unsigned-files"]),
        scenario("A file that the signer leaves out", ANY, signed([with_files(by_acme(), &[".git"], &[])]))
            .is(ALLOW, &[]),
        scenario("A file that is left out, where none may be", &rule(r#"unsigned-files = "refuse""#), {
            signed([with_files(by_acme(), &[".git"], &[])])
        })
        .is(DENY, &["deny unsigned-files"]),
        scenario("Files that are not signed, where any may be", &rule(r#"unsigned-files = "allow""#), {
            signed([with_files(by_acme(), &[".git"], &["notes.txt"])])
        })
        .is(ALLOW, &[]),
        scenario("One of two publishers has to sign, and leaves the file out", ANY, {
            let other = with_files(signature(OTHER, key(1), model(1)), &["notes.txt"], &[]);
            signed([with_files(by_acme(), &[], &["notes.txt"]), other])
        })
        .is(ALLOW, &[]),
        scenario("Two publishers have to sign, and only one of them leaves the file out", TWO, {
            let other = with_files(signature(OTHER, key(1), model(1)), &["evil.py"], &[]);
            signed([with_files(by_acme(), &[], &["evil.py"]), other])
        })
        .is(DENY, &["deny unsigned-files"]),
        scenario("The publisher whom the lock does not know leaves the file out", TOFU, {
            let other = with_files(signature(OTHER, key(1), model(1)), &["evil.py"], &[]);
            signed([with_files(by_acme(), &[], &["evil.py"]), other])
        })
        .locked(lock_of_acme())
        .is(DENY, &["deny unsigned-files", "note signer-not-in-lock"]),
    ]
}

fn names() -> Vec<Scenario> {
    let bound = format!("{ANY}\nbind-name = true");
    let other_model = || signed([by_acme()]).and_release((ACME, key(0)), model(1), "hf://acme/old", "3.0.0");
    vec![
        scenario("The publisher signs the name", &bound, released(1, "1.0.0")).is(ALLOW, &[]),
        scenario("The name has to be signed, and is not", &bound, signed([by_acme()]))
            .is(DENY, &["deny model-name-not-signed"]),
        scenario("Another model of the same publisher under this name", &bound, other_model())
            .is(DENY, &["deny model-name-not-signed"]),
        scenario("The same, where names need not be signed", ANY, other_model())
            .is(WARN, &["warn model-name-not-signed"]),
        scenario("A release statement about other bytes", &bound, {
            signed([by_acme()]).and_release((ACME, key(0)), model(2), NAME, "1.0.0")
        })
        .is(DENY, &["deny model-name-not-signed"]),
        scenario("The hub passes over case", &bound, released(1, "1.0.0"))
            .asked_as("hf://Acme/TOY")
            .is(ALLOW, &[]),
        scenario("One of two publishers calls it so", &format!("{TWO}\nbind-name = true"), {
            let two = [by_acme(), signature(OTHER, key(1), model(1))];
            signed(two).and_release((ACME, key(0)), model(1), NAME, "1.0.0")
        })
        .is(DENY, &["deny model-name-not-signed", "note release-by-too-few"]),
        scenario("Both of them do", &format!("{TWO}\nbind-name = true"), {
            let two = [by_acme(), signature(OTHER, key(1), model(1))];
            let acme = signed(two).and_release((ACME, key(0)), model(1), NAME, "1.0.0");
            acme.and_release((OTHER, key(1)), model(1), NAME, "1.0.0")
        })
        .is(ALLOW, &[]),
        scenario("The model lies in the cache of another", ANY, {
            signed([by_acme()]).found_at(Some(place("hf://acme/other")))
        })
        .is(DENY, &["deny name-contradicted"]),
        scenario("The model lies in the cache of its own, in another case", ANY, {
            signed([by_acme()]).found_at(Some(place("hf://ACME/toy")))
        })
        .is(ALLOW, &[]),
        scenario("A mirror is judged as what it mirrors", ANY, signed([by_acme()]))
            .with("[[remap]]\nfrom = \"oci://mirror.example/hf/*\"\nto = \"hf://*\"")
            .asked_as("oci://mirror.example/hf/acme/toy")
            .is(ALLOW, &[]),
        scenario("Names are mapped once", ANY, signed([by_acme()]))
            .with(
                "[[remap]]\nfrom = \"oci://a.example/*\"\nto = \"oci://b.example/*\"\n\
                 [[remap]]\nfrom = \"oci://b.example/*\"\nto = \"hf://*\"",
            )
            .asked_as("oci://a.example/acme/toy")
            .is(DENY, &["deny no-rule"]),
    ]
}

fn locks() -> Vec<Scenario> {
    vec![
        scenario("The name is seen for the first time", TOFU, signed([by_acme()]))
            .locked(Lock::default())
            .is(WARN, &["warn first-sight"]),
        scenario("The signer is the one of the lock", TOFU, signed([by_acme()]))
            .locked(lock_of_acme())
            .is(ALLOW, &[]),
        scenario(
            "The signer of the lock signs a new model",
            TOFU,
            signed([signature(ACME, key(0), model(2))]),
        )
        .locked(lock_of_acme())
        .is(ALLOW, &[]),
        scenario(
            "Another publisher of the rule takes over",
            TOFU,
            signed([signature(OTHER, key(1), model(1))]),
        )
        .locked(lock_of_acme())
        .is(DENY, &["deny signer-changed"]),
        scenario("The namespace was registered anew: same workflow, another owner", TOFU, {
            signed([signature(ACME, workflow("666", "1002", "v2"), model(1))])
        })
        .locked(lock([(NAME, entry(model(1), None, &[workflow("42", "1001", "v1")]))]))
        .is(DENY, &["deny signer-changed"]),
        scenario("The same repository, run for another tag", TOFU, {
            signed([signature(ACME, workflow("42", "1001", "v2"), model(1))])
        })
        .locked(lock([(NAME, entry(model(1), None, &[workflow("42", "1001", "v1")]))]))
        .is(ALLOW, &[]),
        scenario(
            "The lock knows the name in another case",
            TOFU,
            signed([signature(OTHER, key(1), model(1))]),
        )
        .locked(lock([("hf://ACME/Toy", entry(model(1), None, &[key(0)]))]))
        .is(DENY, &["deny signer-changed"]),
        scenario("Pinned, and in the lock", PINNED, signed([by_acme()]))
            .locked(lock_of_acme())
            .is(ALLOW, &[]),
        scenario("Pinned, and the lock does not know it", PINNED, signed([by_acme()]))
            .locked(Lock::default())
            .is(DENY, &["deny not-pinned"]),
        scenario("A silent update of a pinned model", PINNED, signed([signature(ACME, key(0), model(2))]))
            .locked(lock_of_acme())
            .is(DENY, &["deny model-changed"]),
        scenario("A revision has other bytes than before", TOFU, signed([signature(ACME, key(0), model(2))]))
            .asked_as("hf://acme/toy@v1")
            .locked(lock([("hf://acme/toy@v1", entry(model(1), None, &[key(0)]))]))
            .is(DENY, &["deny revision-changed"]),
        scenario("A silent update: the same release, other bytes", TOFU, released(1, "1.2.0"))
            .locked(lock_of_release("1.2.0"))
            .is(DENY, &["deny release-reused"]),
        scenario("A roll-back to an older release", TOFU, released(1, "1.1.9"))
            .locked(lock_of_release("1.2.0"))
            .is(DENY, &["deny release-older"]),
        scenario("A newer release", TOFU, released(1, "1.10.0"))
            .locked(lock_of_release("1.9.0"))
            .is(ALLOW, &[]),
        scenario("Statements are left away to roll back", TOFU, signed([by_acme()]))
            .locked(lock_of_release("1.2.0"))
            .is(DENY, &["deny release-missing"]),
        scenario("A release statement by somebody whom the lock does not know", TOFU, {
            signed([by_acme()]).and_release((OTHER, key(1)), model(1), NAME, "9.0.0")
        })
        .locked(lock_of_release("1.2.0"))
        .is(DENY, &["deny release-missing", "note signer-not-in-lock"]),
        scenario("Pinned models that nobody signs", "unsigned = \"pinned\"", signed([]))
            .locked(lock([(NAME, entry(model(1), None, &[]))]))
            .is(WARN, &["warn pinned-not-signed"]),
        scenario("The same, with other bytes", "unsigned = \"pinned\"", signed([]))
            .locked(lock([(NAME, entry(model(2), None, &[]))]))
            .is(DENY, &["deny model-changed"]),
        scenario("The same, and not in the lock", "unsigned = \"pinned\"", signed([]))
            .locked(Lock::default())
            .is(DENY, &["deny not-pinned"]),
    ]
}

fn successions() -> Vec<Scenario> {
    let follows = |from: SignerFacts, scope: &str, to: &SignerFacts| {
        signed([signature(OTHER, key(1), model(1))]).and_succession(from, scope, to)
    };
    let changed = ["deny signer-changed"];
    vec![
        scenario("Whom the lock knows names who follows", TOFU, follows(key(0), "hf://acme/*", &key(1)))
            .locked(lock_of_acme())
            .is(ALLOW, &["note succeeded"]),
        scenario("Who follows is named by the owner alone", TOFU, {
            let owner = SignerId::Workflow {
                issuer: ISSUER.to_owned(),
                owner_id: Some("42".to_owned()),
                repository_id: None,
            };
            let owner = SignerFacts { id: owner, ..key(0) };
            signed([signature(OTHER, workflow("42", "1001", "v2"), model(1))]).and_succession(
                key(0),
                "hf://acme/*",
                &owner,
            )
        })
        .locked(lock_of_acme())
        .is(ALLOW, &["note succeeded"]),
        scenario("Another owner is not named by it", TOFU, {
            let owner = SignerId::Workflow {
                issuer: ISSUER.to_owned(),
                owner_id: Some("42".to_owned()),
                repository_id: None,
            };
            let owner = SignerFacts { id: owner, ..key(0) };
            signed([signature(OTHER, workflow("666", "1001", "v2"), model(1))]).and_succession(
                key(0),
                "hf://acme/*",
                &owner,
            )
        })
        .locked(lock_of_acme())
        .is(DENY, &changed),
        scenario("Nothing proves when the successor was named", &format!("{TOFU}\nproved-time = true"), {
            let timed = by(key(1), Some("2026-01-01T00:00:00Z"));
            signed([Signature { by: timed, ..signature(OTHER, key(1), model(1)) }]).and_succession(
                key(0),
                "hf://acme/*",
                &key(1),
            )
        })
        .locked(lock_of_acme())
        .is(DENY, &changed),
        scenario("A stranger names who follows", TOFU, follows(key(2), "hf://acme/*", &key(1)))
            .locked(lock_of_acme())
            .is(DENY, &changed),
        scenario("Whoever follows names themselves", TOFU, follows(key(1), "hf://acme/*", &key(1)))
            .locked(lock_of_acme())
            .is(DENY, &changed),
        scenario("Somebody follows for other names", TOFU, follows(key(0), "hf://acme/other", &key(1)))
            .locked(lock_of_acme())
            .is(DENY, &changed),
        scenario("Somebody follows whoever followed", TOFU, {
            follows(key(2), "hf://*", &key(1)).and_succession(key(0), NAME, &key(2))
        })
        .locked(lock_of_acme())
        .is(ALLOW, &["note succeeded"]),
        scenario("A denied signer names who follows", TOFU, follows(key(0), "hf://acme/*", &key(1)))
            .with("[[deny]]\nkey = \"$KEY0\"\nreason = \"stolen\"")
            .locked(lock_of_acme())
            .is(DENY, &changed),
        scenario("Who follows is nobody whom the rule names", TOFU, {
            let mut evidence = signed([]).and_succession(key(0), "hf://acme/*", &key(4));
            evidence.reject(source(1), "not by acme");
            evidence
        })
        .locked(lock_of_acme())
        .is(DENY, &["deny not-signed-by-publisher", "note not-recognised"]),
    ]
}

fn denials() -> Vec<Scenario> {
    let stolen = "[[deny]]\nkey = \"$KEY0\"\nreason = \"stolen\"";
    let since = format!("{stolen}\nsince = 2026-03-01");
    let denied = ["deny not-signed-by-publisher", "note denied-signer"];
    let contents = |files: &[(&str, u8)], unhashed: &[&str]| {
        let files = files.iter().map(|(path, number)| ((*path).to_owned(), file(*number))).collect();
        let unhashed = unhashed.iter().map(|path| (*path).to_owned()).collect();
        let contents = Contents { model: Some(model(1)), files, unhashed, ..Contents::default() };
        signed([by_acme()]).with_contents(contents)
    };
    let of_file = "[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\"";
    let of_owner =
        format!("[[deny]]\nissuer = \"{ISSUER}\"\nclaims = {{ source-owner-id = \"666\" }}\nreason = \"x\"");
    let by_owner = |owner| signed([signature(ACME, workflow(owner, "7", "v1"), model(1))]);
    vec![
        scenario("The key is denied", ANY, signed([by_acme()])).with(stolen).is(DENY, &denied),
        scenario("The key of a certificate is denied", ANY, {
            signed([signature(ACME, certificate("CN=Release", 0), model(1))])
        })
        .with(stolen)
        .is(DENY, &denied),
        scenario("The key is denied since later", ANY, signed([at("2026-02-28T23:59:59Z")]))
            .with(&since)
            .is(ALLOW, &[]),
        scenario("The key is denied since that very time", ANY, signed([at("2026-03-01T00:00:00Z")]))
            .with(&since)
            .is(DENY, &denied),
        scenario("The key is denied since later, and no time is proved", ANY, signed([by_acme()]))
            .with(&since)
            .is(DENY, &denied),
        scenario("A denied owner", ANY, by_owner("666")).with(&of_owner).is(DENY, &denied),
        scenario("Another owner than the denied one", ANY, by_owner("42")).with(&of_owner).is(ALLOW, &[]),
        scenario("The model is denied", ANY, signed([by_acme()]))
            .with("[[deny]]\nmodel = \"$MODEL1\"\nreason = \"backdoor\"")
            .is(DENY, &["deny denied-model"]),
        scenario("A denied model that is pinned", "unsigned = \"pinned\"", signed([]))
            .with("[[deny]]\nmodel = \"$MODEL1\"\nreason = \"backdoor\"")
            .locked(lock([(NAME, entry(model(1), None, &[]))]))
            .is(DENY, &["deny denied-model", "warn pinned-not-signed"]),
        scenario("A model is denied, and nothing tells which this is", &format!("{ANY}\nmode = \"warn\""), {
            signed([]).with_contents(Contents::default())
        })
        .with("[[deny]]\nmodel = \"$MODEL1\"\nreason = \"backdoor\"")
        .is(DENY, &["deny deny-not-evaluated", "warn not-signed-by-publisher", "warn not-enforced"]),
        scenario("A denied file inside a signed model", ANY, contents(&[("a.py", 3), ("b.py", 4)], &[]))
            .with(of_file)
            .is(DENY, &["deny denied-file"]),
        scenario("Files are denied, and one was not hashed", ANY, contents(&[], &["large.bin"]))
            .with(of_file)
            .is(DENY, &["deny deny-not-evaluated"]),
        scenario("No file is denied, and one was not hashed", ANY, contents(&[], &["large.bin"]))
            .is(ALLOW, &[]),
        scenario("The deny-list cannot be read", ANY, signed([by_acme()]))
            .with("[deny-list]\nfile = \"deny.toml\"\nsigned-by = \"other\"")
            .is(DENY, &["deny deny-list-unusable"]),
    ]
}

fn modes_and_waivers() -> Vec<Scenario> {
    let waiver = |model: &str, rule: &str, expires: &str| {
        format!(
            "[[waivers]]\nmodel = \"{model}\"\nrule = \"{rule}\"\nowner = \"ops\"\nreason = \"old\"\nexpires = {expires}"
        )
    };
    let of_this = waiver("$MODEL1", "hf://acme/*", "2026-12-31");
    let another_rule = format!(
        "[[rules]]\nscope = \"hf://acme/big\"\n{ANY}\n{}",
        waiver("$MODEL1", "hf://acme/big", "2026-12-31")
    );
    let mode = |mode: &str| format!("{ANY}\nmode = \"{mode}\"");
    vec![
        scenario("A waiver for these bytes", ANY, signed([]))
            .with(&of_this)
            .is(WARN, &["warn not-signed-by-publisher", "warn waived"]),
        scenario("A waiver that nothing needs", ANY, signed([by_acme()])).with(&of_this).is(ALLOW, &[]),
        scenario("A waiver for other bytes", ANY, signed([]))
            .with(&waiver("$MODEL2", "hf://acme/*", "2026-12-31"))
            .is(DENY, &["deny not-signed-by-publisher"]),
        scenario("A waiver of another rule", ANY, signed([]))
            .with(&another_rule)
            .is(DENY, &["deny not-signed-by-publisher"]),
        scenario("An expired waiver", ANY, signed([by_acme()]))
            .with(&waiver("$MODEL1", "hf://acme/*", "2026-06-01"))
            .is(DENY, &["deny waiver-expired"]),
        scenario("A waiver does not take back a denied file", ANY, {
            let files = vec![("a.py".to_owned(), file(3))];
            signed([]).with_contents(Contents { model: Some(model(1)), files, ..Contents::default() })
        })
        .with(&format!("{of_this}\n[[deny]]\nfile = \"$FILE3\"\nreason = \"steals tokens\""))
        .is(DENY, &["deny denied-file", "warn not-signed-by-publisher", "warn waived"]),
        scenario(
            "A waiver does not take back what the lock says",
            PINNED,
            signed([signature(ACME, key(0), model(1))]),
        )
        .with(&of_this)
        .locked(lock([(NAME, entry(model(2), None, &[key(0)]))]))
        .is(DENY, &["deny model-changed"]),
        scenario("A waived model that none of those in the lock signed", TOFU, signed([]))
            .with(&of_this)
            .locked(lock_of_acme())
            .is(DENY, &["deny signer-changed", "warn not-signed-by-publisher", "warn waived"]),
        scenario("Somebody with the name of a publisher and other numbers", ANY, {
            with_stranger(signed([]))
        })
        .is(DENY, &["deny other-owner", "deny not-signed-by-publisher"]),
        scenario("The same beside the publisher", ANY, with_stranger(signed([by_acme()]))).is(ALLOW, &[]),
        scenario("A denial of a rule that warns", &mode("warn"), signed([]))
            .is(WARN, &["warn not-signed-by-publisher", "warn not-enforced"]),
        scenario("A denial of a rule that is tried out", &mode("audit"), signed([]))
            .is(ALLOW, &["note not-signed-by-publisher", "note not-enforced"]),
        scenario("What is denied absolutely is denied in every mode", &mode("audit"), signed([by_acme()]))
            .with("[[deny]]\nmodel = \"$MODEL1\"\nreason = \"backdoor\"")
            .is(DENY, &["deny denied-model"]),
    ]
}

fn documents() -> Vec<Scenario> {
    let mut seen = Lock::default();
    seen.see_serials(8, None);
    vec![
        scenario("The policy expires at this very moment", ANY, signed([by_acme()]))
            .head("serial = 7\nexpires = 2026-06-01")
            .is(DENY, &["deny policy-expired"]),
        scenario("The policy is older than the lock has seen", ANY, signed([by_acme()]))
            .locked(seen)
            .is(DENY, &["deny policy-rolled-back", "note lock-not-asked"]),
    ]
}

fn all() -> Vec<Scenario> {
    let groups = [
        publishers(),
        requirements(),
        names(),
        locks(),
        successions(),
        denials(),
        modes_and_waivers(),
        documents(),
        attestations::demands(),
        attestations::about(),
        attestations::builds(),
        attestations::ages(),
        attestations::only_attesting(),
        dependencies::dependencies(),
        dependencies::warned_dependencies(),
        dependencies::chains(),
        dependencies::softened(),
        dependencies::with_a_file_more(),
        summaries::taken(),
        summaries::not_taken(),
        summaries::not_asked(),
        summaries::left_out(),
        summaries::waived(),
        summaries::locked(),
        summaries::alone(),
    ];
    groups.into_iter().flatten().collect()
}

/// Severity and code of each reason, as scenarios write them.
fn told(reasons: &[crate::Reason]) -> Vec<String> {
    let all = reasons.iter().map(|reason| format!("{} {}", reason.severity.as_str(), reason.kind.code()));
    all.filter(|told| told != "note model-name-not-signed").collect()
}

#[test]
fn every_scenario_ends_as_it_should() {
    let mut wrong = vec![];
    for scenario in all() {
        let policy = load(&scenario.policy()).unwrap_or_else(|error| panic!("{}: {error}", scenario.title));
        let found = ask(&policy, scenario.reference, &scenario.evidence, scenario.lock.as_ref()).unwrap();
        let told = told(&found.reasons);
        let problems: Vec<&str> = found
            .attestations
            .iter()
            .filter_map(|attested| Some(attested.problem.as_ref()?.code()))
            .collect();
        let expected: Vec<String> = scenario.reasons.iter().map(ToString::to_string).collect();
        if (found.outcome, &told, &problems) != (scenario.expected, &expected, &scenario.problems) {
            wrong.push(format!("{}: {:?}, {told:?}, {problems:?}", scenario.title, found.outcome));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The codes are taken from the source, so that a new one is not forgotten.
#[test]
fn every_code_occurs_in_a_scenario() {
    let of_scenarios = all();
    let told =
        of_scenarios.iter().flat_map(|scenario| &scenario.reasons).filter_map(|told| told.split(' ').nth(1));
    let problems = of_scenarios.iter().flat_map(|scenario| &scenario.problems).copied();
    // These two take a signed deny-list, which tests/documents has.
    let others = ["deny-list-expired", "deny-list-rolled-back", "model-name-not-signed"];
    let told: BTreeSet<&str> = told.chain(problems).chain(others).collect();
    let codes = include_str!("reason.rs").split("const fn code(&self)").skip(1).flat_map(|function| {
        let (function, _) = function.split_once("\n    }\n").unwrap();
        function.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).collect::<Vec<_>>()
    });
    let codes: BTreeSet<&str> = codes.collect();
    assert!(codes.len() > 30, "{codes:?}");
    assert_eq!(codes.difference(&told).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn without_a_lock_nobody_can_tell_what_a_name_has_been() {
    for rule in [TOFU, PINNED, "unsigned = \"pinned\""] {
        let policy = load(&scenario("", rule, signed([])).policy()).unwrap();
        let found = ask(&policy, NAME, &signed([by_acme()]), None);
        assert!(matches!(found, Err(Undecided::NoLock { .. })), "{rule}: {found:?}");
    }
}

#[test]
fn the_owner_ids_of_both_stand_in_the_verdict_on_a_takeover() {
    let scenarios = locks();
    let takeover = scenarios.iter().find(|scenario| scenario.title.contains("registered anew")).unwrap();
    let policy = load(&takeover.policy()).unwrap();
    let found = ask(&policy, NAME, &takeover.evidence, takeover.lock.as_ref()).unwrap();
    let shown: Vec<String> = found
        .denials()
        .filter_map(|kind| match kind {
            crate::ReasonKind::SignerChanged { locked, found } => Some((locked, found)),
            _ => None,
        })
        .flat_map(|(locked, found)| locked.iter().chain(found).map(|signer| signer.id.to_string()))
        .collect();
    assert!(shown[0].contains("owner id 42") && shown[1].contains("owner id 666"), "{shown:?}");
}

/// The narrowest scope governs, whatever the wider ones would allow.
#[test]
fn a_narrower_rule_governs_alone() {
    let narrow = "[[rules]]\nscope = \"hf://acme/toy\"\nsigned-by = { any = [\"third\"] }";
    let policy = load(&scenario("", ANY, signed([])).with(narrow).policy()).unwrap();
    assert_eq!(ask(&policy, NAME, &signed([by_acme()]), None).unwrap().outcome, DENY);
    assert_eq!(ask(&policy, "hf://acme/other", &signed([by_acme()]), None).unwrap().outcome, ALLOW);
}

/// A statement about a revision that was locked without a release cannot make
/// it worse than leaving the statement away.
#[test]
fn a_release_statement_never_speaks_against_bytes_that_pass_without_it() {
    let policy = load(&scenario("", TOFU, signed([])).policy()).unwrap();
    let lock = lock([
        ("hf://acme/toy@main", entry(model(1), None, &[key(0)])),
        ("hf://acme/toy@v1", entry(model(2), Some("1.0.0"), &[key(0)])),
    ]);
    for evidence in [signed([by_acme()]), released(1, "1.0.0")] {
        assert_eq!(ask(&policy, "hf://acme/toy@main", &evidence, Some(&lock)).unwrap().outcome, ALLOW);
    }
}

#[test]
fn a_signature_of_several_counts_by_the_bytes_that_are_admitted() {
    let of_other = signature(OTHER, key(1), model(2));
    let policy = load(&scenario("", ANY, signed([])).policy()).unwrap();
    let denied = "[[deny]]\nmodel = \"$MODEL2\"\nreason = \"backdoor\"";
    let with_deny = load(&scenario("", ANY, signed([])).with(denied).policy()).unwrap();
    for policy in [policy, with_deny] {
        let found = ask(&policy, NAME, &signed([by_acme(), of_other.clone()]), None).unwrap();
        assert_eq!((found.outcome, found.model), (ALLOW, Some(model(1))));
        let signers: Vec<_> = found.signatures.iter().map(|counted| &counted.signer.id).collect();
        assert_eq!(signers, [&key(0).id]);
    }
}
