//! Policies, deny-lists and locks that were made to take long, or to take much.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use modelseal_policy::{
    Contents, DenyList, DocumentError, Evidence, Lock, MAX_DOCUMENT_BYTES, Materials, Outcome, Policy,
    Question, judge,
};
use modelseal_verify::{Clock, Timestamp, TrustedRoot};

const KEY: &[u8] = include_bytes!("../../../testdata/keys/p256.pub");
/// A load that was seen to take a second may take this long where the machine
/// has other work.
const PATIENCE: Duration = Duration::from_mins(1);

fn load(text: &str) -> Result<Policy, DocumentError> {
    let read = |_: &str| Ok(KEY.to_vec());
    let root = || Ok(TrustedRoot::production());
    let clock = Clock::at(Timestamp::UNIX_EPOCH);
    Policy::load(text.as_bytes(), &Materials { read: &read, root: &root, keys: &[], clock })
}

const HEAD: &str =
    "version = 1\nserial = 1\nexpires = 2027-01-01\n[publishers.acme]\nkeys = [\"acme.pub\"]\n";

fn rules(number: usize) -> String {
    let mut text = HEAD.to_owned();
    for rule in 0..number {
        let _ =
            write!(text, "[[rules]]\nscope = \"hf://org-{rule}/*\"\nsigned-by = {{ any = [\"acme\"] }}\n");
    }
    text
}

/// The same as JSON, by another way than that of the crate.
fn as_json(text: &str) -> String {
    let table: toml::Table = toml::from_str(text).unwrap();
    serde_json::to_string(&table)
        .unwrap()
        .replace(r#"{"$__toml_private_datetime":"2027-01-01"}"#, "\"2027-01-01\"")
}

fn took<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

/// Ten times as much takes about ten times as long: a hundred times would be
/// quadratic.
fn expect_linear(what: &str, of: impl Fn(usize) -> String, read: impl Fn(&str)) {
    let (small, large) = (of(10_000), of(100_000));
    let fastest = |text: &str| (0..3).map(|_| took(|| read(text)).0).min().unwrap();
    let (few, (many, ())) = (fastest(&small), took(|| read(&large)));
    assert!(many < PATIENCE, "{what}: {many:?}");
    assert!(many < 35 * few, "{what}: {few:?} for 10,000, and {many:?} for 100,000");
}

#[test]
fn as_many_rules_as_there_may_be_load_in_linear_time() {
    expect_linear("TOML", rules, |text| _ = load(text).unwrap());
    expect_linear("JSON", |number| as_json(&rules(number)), |text| _ = load(text).unwrap());
}

#[test]
fn many_publishers_denials_waivers_and_remaps_load_in_linear_time() {
    let repeated = |number: usize, one: &dyn Fn(usize) -> String| {
        (0..number).fold(rules(1), |text, index| text + &one(index))
    };
    let publisher = |index| format!("[publishers.p{index}]\nkeys = [\"p.pub\"]\n");
    let denial = |index| format!("[[deny]]\nkey = \"sha256:{index:064x}\"\nreason = \"x\"\n");
    let waiver = |index| {
        format!(
            "[[waivers]]\nmodel = \"model-v1:{index:064x}\"\nrule = \"hf://org-0/*\"\nowner = \"x\"\nreason = \"x\"\nexpires = 2027-01-01\n"
        )
    };
    let remap = |index| format!("[[remap]]\nfrom = \"oci://r{index}.example/*\"\nto = \"hf://*\"\n");
    for (what, one) in [
        ("denials", &denial as &dyn Fn(usize) -> String),
        ("waivers", &waiver),
        ("remaps", &remap),
        ("publishers", &publisher),
    ] {
        expect_linear(what, |number| repeated(number, one), |text| _ = load(text).unwrap());
    }
}

#[test]
fn locks_and_deny_lists_are_read_in_linear_time() {
    let lock = |number: usize| {
        let entry = |index| {
            format!(
                "[[model]]\nreference = \"hf://acme/toy@r{index}\"\ndigest = \"model-v1:{index:064x}\"\nfirst-seen = 2026-01-01\nlast-seen = 2026-01-01\n[[model.signers]]\npublisher = \"acme\"\nmethod = \"key\"\nkey = \"sha256:{index:064x}\"\n"
            )
        };
        let head = "version = 1\npolicy-serial = 1\ndeny-list-serial = 1\n".to_owned();
        (0..number).fold(head, |text, index| text + &entry(index))
    };
    expect_linear("lock", lock, |text| _ = Lock::parse(text.as_bytes()).unwrap().to_toml());
    let list = |number: usize| {
        let head = "version = 1\nserial = 1\nexpires = 2027-01-01\n".to_owned();
        (0..number).fold(head, |text, index| {
            text + &format!("[[deny]]\nfile = \"sha256:{index:064x}\"\nreason = \"x\"\n")
        })
    };
    expect_linear("deny-list", list, |text| _ = DenyList::parse(text.as_bytes()).unwrap());
}

/// Every error counts lines, so only one may be made.
#[test]
fn an_error_at_the_end_of_many_rules_costs_no_more_than_they_do() {
    let with_error =
        |number| rules(number) + "[[rules]]\nscope = \"hf://org-0/*\"\nsigned-by = { any = [\"acme\"] }\n";
    expect_linear("a tie", with_error, |text| {
        assert_eq!(load(text).unwrap_err().line, text.lines().count() - 2);
    });
}

/// 64 publishers of 256 keys each, in every rule.
#[test]
fn rules_of_many_publishers_of_many_keys_load_soon() {
    let mut text = HEAD.to_owned();
    let keys = vec!["\"k\""; 256].join(", ");
    let names: Vec<String> = (0..64).map(|index| format!("\"p{index}\"")).collect();
    for index in 0..63 {
        let _ = write!(text, "[publishers.p{index}]\nkeys = [{keys}]\n");
    }
    text += "[publishers.p63]\nsigstore = [{ issuer = \"i\", identity = \"a@acme.example\" }]\n";
    for rule in 0..2000 {
        let names = names.join(", ");
        let _ = write!(
            text,
            "[[rules]]\nscope = \"hf://org-{rule}/*\"\nsigned-by = {{ at-least = 2, of = [{names}] }}\n"
        );
    }
    let (took, policy) = took(|| load(&text).unwrap());
    assert_eq!(policy.rules(), 2000);
    assert!(took < PATIENCE, "{took:?}");
}

#[test]
fn values_without_end_are_refused_before_they_take_memory() {
    let text = format!("version = 1\nx = [{}]\n", "1,".repeat(8_000_000));
    let start = Instant::now();
    let error = load(&text).unwrap_err();
    assert!(error.problem.contains("values"), "{error}");
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

#[test]
fn deep_nesting_is_refused_without_using_the_stack() {
    let head = "version = 1\nx = ";
    for (open, close) in [("[", "]"), ("{ a = ", "}")] {
        for depth in [13, 100, 100_000] {
            let text = format!("{head}{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(load(&text).unwrap_err().line, 2, "{open} {depth}");
        }
    }
    load(&format!("{head}{}", "[".repeat(1_000_000))).unwrap_err();
    load(&format!("[{}]", vec!["a"; 100_000].join("."))).unwrap_err();
    load(&format!("{} = 1", vec!["a"; 100_000].join("."))).unwrap_err();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [13, 100, 100_000] {
            let text = format!("{{\"version\":1,\n\"x\":{}1{}}}", open.repeat(depth), close.repeat(depth));
            assert_eq!(load(&text).unwrap_err().line, 2, "{open} {depth}");
        }
    }
}

#[test]
fn documents_have_a_limit() {
    let limit = usize::try_from(MAX_DOCUMENT_BYTES).unwrap();
    let mut text = format!("{}#", rules(1));
    text += &" ".repeat(limit - text.len());
    load(&text).unwrap();
    text.push(' ');
    assert!(load(&text).unwrap_err().problem.contains("at most 67108864 are read"));
    assert!(Lock::parse(text.as_bytes()).unwrap_err().problem.contains("at most 67108864 are read"));
    assert!(DenyList::parse(text.as_bytes()).unwrap_err().problem.contains("at most 67108864 are read"));
}

#[test]
fn long_patterns_are_refused() {
    let with = |length: usize| {
        let identity = format!("{}@acme.example", "a*".repeat(length));
        load(&rules(1).replace(
            "keys = [\"acme.pub\"]",
            &format!("sigstore = [{{ issuer = \"i\", identity = \"{identity}\" }}]"),
        ))
    };
    with(1000).unwrap();
    assert!(with(1100).unwrap_err().problem.contains("2048"));
}

fn verdict(policy: &Policy, reference: &str) -> Outcome {
    let reference = reference.parse().unwrap();
    let model = format!("model-v1:{}", "a".repeat(64)).parse().ok();
    let evidence = Evidence::default().with_contents(Contents { model, ..Contents::default() });
    let question =
        Question { reference: &reference, evidence: &evidence, lock: None, now: Timestamp::UNIX_EPOCH };
    judge(policy, &question).unwrap().outcome
}

/// Not faster than logarithmically, says the promise; a table is looked up.
#[test]
fn a_verdict_under_many_rules_takes_no_longer_than_under_few() {
    let median = |number: usize| {
        let policy = load(&rules(number)).unwrap();
        let reference = format!("hf://org-{}/toy", number / 2);
        let mut times: Vec<Duration> =
            (0..301).map(|_| took(|| assert_eq!(verdict(&policy, &reference), Outcome::Deny)).0).collect();
        times.sort();
        times[times.len() / 2]
    };
    let (few, many) = (median(10), median(10_000));
    assert!(many < 5 * few + Duration::from_micros(20), "{few:?} under 10 rules, and {many:?} under 10,000");
}
