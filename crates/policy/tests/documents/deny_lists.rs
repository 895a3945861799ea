//! Deny-lists apart from the policy.

use super::*;

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
        ("/_type", json!("https://in-toto.io/Statement/v0.2"), "statement type"),
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
