//! Locks.

use super::*;

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
