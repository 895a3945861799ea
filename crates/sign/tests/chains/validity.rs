//! When certificates are valid, and at what time that is judged.

use std::time::Duration;

use modelseal_verify::{Caveat, Certificate, JudgedAt};
use rcgen::date_time_ymd;

use crate::attempt::{Attempt, early, expired, presented, revoked};
use crate::holder::{BEGIN, END, Holder, authority, leaf, time};

const BEFORE: [&str; 2] = ["2029-12-31T23:59:59Z", "2029-12-31T23:59:59.999999999Z"];
const AFTER: [&str; 2] = ["2031-01-01T00:00:01Z", "2031-01-01T00:00:00.000000001Z"];
/// For the others of a chain.
const LONG: (&str, &str) = ("2020-01-01T00:00:00Z", "2040-01-01T00:00:00Z");

/// Three certificates, of which one has the usual short validity.
struct Chain {
    leaf: Holder,
    intermediate: Holder,
    root: Holder,
}

impl Chain {
    fn with_short(short: usize) -> Self {
        let (begin, end) = LONG;
        let validity = |place| if place == short { (BEGIN, END) } else { (begin, end) };
        let root = authority("Root").valid(validity(2).0, validity(2).1).self_signed();
        let intermediate = authority("CA").valid(validity(1).0, validity(1).1).issued_by(&root);
        let leaf = leaf("Leaf").valid(validity(0).0, validity(0).1).issued_by(&intermediate);
        Self { leaf, intermediate, root }
    }

    fn short(&self, short: usize) -> &Holder {
        [&self.leaf, &self.intermediate, &self.root][short]
    }

    fn presented(&self) -> Attempt {
        presented(&self.leaf, &[&self.intermediate]).under(&[&self.root])
    }
}

#[track_caller]
fn is_judged(short: usize) {
    let chain = Chain::with_short(short);
    for now in [BEGIN, "2030-06-01T00:00:00Z", END] {
        chain.presented().at(now).verifies_through(&["CN=CA", "CN=Root"]);
    }
    for now in BEFORE {
        let found = chain.presented().at(now).refused();
        assert_eq!(found, early(chain.short(short), JudgedAt::Now(time(now))));
    }
    for now in AFTER {
        let found = chain.presented().at(now).refused();
        assert_eq!(found, expired(chain.short(short), JudgedAt::Now(time(now))));
    }
}

#[test]
fn item_37_a_leaf_is_believed_within_its_validity_and_at_both_of_its_ends() {
    is_judged(0);
}

#[test]
fn item_38_an_intermediate_is_believed_within_its_validity_and_at_both_of_its_ends() {
    is_judged(1);
}

#[test]
fn an_anchor_is_believed_within_its_validity_and_at_both_of_its_ends() {
    is_judged(2);
}

#[test]
fn item_37_a_leaf_that_expired_verifies_at_a_time_that_the_caller_asserts() {
    let chain = Chain::with_short(0);
    let caveats = chain
        .presented()
        .at("2035-01-01T00:00:00Z")
        .asserting("2030-06-01T00:00:00Z")
        .verifies_through(&["CN=CA", "CN=Root"]);
    assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::TimeAsserted, Caveat::RevocationNotChecked]);
}

#[test]
fn item_38_every_certificate_is_judged_at_the_time_that_was_asserted() {
    for short in 0..3 {
        let chain = Chain::with_short(short);
        for then in AFTER {
            let found = chain.presented().asserting(then).refused();
            assert_eq!(found, expired(chain.short(short), JudgedAt::Asserted(time(then))));
        }
        for then in BEFORE {
            let found = chain.presented().asserting(then).refused();
            assert_eq!(found, early(chain.short(short), JudgedAt::Asserted(time(then))));
        }
    }
}

#[test]
fn a_time_that_was_asserted_is_noted_also_when_it_changes_nothing() {
    let chain = Chain::with_short(0);
    let caveats = chain.presented().asserting("2030-05-01T00:00:00Z").verifies_through(&["CN=CA", "CN=Root"]);
    assert!(caveats.contains(&Caveat::TimeAsserted));
}

#[test]
fn a_time_before_1970_is_before_every_certificate() {
    let chain = Chain::with_short(0);
    let then = "1969-12-31T23:59:59Z";
    let found = chain.presented().asserting(then).refused();
    assert_eq!(found, early(&chain.leaf, JudgedAt::Asserted(time(then))));
}

#[test]
fn revocation_lists_are_judged_now_when_a_time_is_asserted() {
    let chain = Chain::with_short(0);
    let list = chain.intermediate.revoking(&[&chain.leaf]).signed();
    let found = chain.presented().with_lists(&[list]).asserting("2030-03-01T00:00:00Z").refused();
    assert_eq!(found, revoked(&chain.leaf));
}

/// RFC 5280, section 4.1.2.5: `99991231235959Z` says that there is no end.
#[test]
fn a_certificate_without_a_well_defined_end_is_read() {
    let last_second = Duration::from_secs(86_399);
    let endless = leaf("Leaf").with(|params| params.not_after = date_time_ymd(9999, 12, 31) + last_second);
    let der = endless.der_issued_by(&authority("Root").self_signed());
    assert!(Certificate::from_der(&der).is_ok());
}
