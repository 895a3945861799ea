//! Revocation lists.

use modelseal_verify::{Caveat, CertificateError, CertificateRevocationList, CrlError};
use rcgen::{
    CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope, DistinguishedName, DnType, DnValue,
    KeyUsagePurpose, SerialNumber,
};

use crate::attempt::{Attempt, presented, revoked};
use crate::der::extended_list;
use crate::holder::{Holder, List, NOW, authority, leaf, marked_leaf, time};

struct Chain {
    leaf: Holder,
    intermediate: Holder,
    root: Holder,
}

impl Chain {
    fn new() -> Self {
        let root = authority("Root").self_signed();
        let intermediate = authority("CA").issued_by(&root);
        let leaf = leaf("Leaf").issued_by(&intermediate);
        Self { leaf, intermediate, root }
    }

    fn with_lists(&self, lists: &[CertificateRevocationList]) -> Attempt {
        presented(&self.leaf, &[&self.intermediate]).under(&[&self.root]).with_lists(lists)
    }

    /// Both lists, with nothing in them.
    fn good_lists(&self) -> [CertificateRevocationList; 2] {
        [self.intermediate.revoking(&[]).signed(), self.root.revoking(&[]).signed()]
    }
}

const SUBJECTS: [&str; 2] = ["CN=CA", "CN=Root"];

#[test]
fn with_a_list_of_every_issuer_revocation_was_checked() {
    let chain = Chain::new();
    let caveats = chain.with_lists(&chain.good_lists()).verifies_through(&SUBJECTS);
    assert_eq!(caveats, [Caveat::NoTimeEvidence]);
}

#[test]
fn without_a_list_of_one_issuer_revocation_was_not_checked() {
    let chain = Chain::new();
    for list in chain.good_lists() {
        let caveats = chain.with_lists(&[list]).verifies_through(&SUBJECTS);
        assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked]);
    }
}

/// Whoever gives the list does not mean the anchor.
#[test]
fn an_intermediate_that_is_revoked_is_no_anchor_either() {
    let chain = Chain::new();
    let lists =
        [chain.root.revoking(&[&chain.intermediate]).signed(), chain.intermediate.revoking(&[]).signed()];
    for anchors in [&[&chain.intermediate][..], &[&chain.intermediate, &chain.root], &[&chain.root]] {
        let attempt = presented(&chain.leaf, &[&chain.intermediate]).under(anchors).with_lists(&lists);
        assert_eq!(attempt.refused(), revoked(&chain.intermediate));
    }
}

/// RFC 5280, section 7.1: texts are compared, not their encodings.
#[test]
fn a_list_whose_issuer_writes_its_name_in_another_way_revokes_all_the_same() {
    let chain = Chain::new();
    for name in [
        DnValue::PrintableString("CA".try_into().unwrap()),
        DnValue::Utf8String("ca".to_owned()),
        DnValue::Utf8String(" CA ".to_owned()),
    ] {
        let issuer = authority("CA").with(|params| {
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, name.clone());
        });
        let issuer = issuer.key_of(&chain.intermediate).issued_by(&chain.root);
        let found = chain.with_lists(&[issuer.revoking(&[&chain.leaf]).signed()]).refused();
        assert_eq!(found, revoked(&chain.leaf), "{name:?}");
    }
}

#[test]
fn a_list_of_a_stranger_says_nothing() {
    let chain = Chain::new();
    let list = authority("Stranger").self_signed().revoking(&[&chain.leaf, &chain.intermediate]).signed();
    let caveats = chain.with_lists(&[list]).verifies_through(&SUBJECTS);
    assert!(caveats.contains(&Caveat::RevocationNotChecked));
}

#[test]
fn a_leaf_that_was_revoked_is_refused() {
    let chain = Chain::new();
    let list = chain.intermediate.revoking(&[&chain.leaf]).signed();
    assert_eq!(chain.with_lists(std::slice::from_ref(&list)).refused(), revoked(&chain.leaf));
    let with_root = [chain.root.revoking(&[]).signed(), list];
    assert_eq!(chain.with_lists(&with_root).refused(), revoked(&chain.leaf));
}

#[test]
fn an_intermediate_that_was_revoked_is_refused() {
    let chain = Chain::new();
    let list = chain.root.revoking(&[&chain.intermediate]).signed();
    assert_eq!(chain.with_lists(&[list]).refused(), revoked(&chain.intermediate));
}

#[test]
fn a_serial_number_that_another_issuer_revoked_is_not_revoked() {
    let chain = Chain::new();
    let lists = [chain.intermediate.revoking(&[]).signed(), chain.root.revoking(&[&chain.leaf]).signed()];
    assert_eq!(chain.with_lists(&lists).verifies_through(&SUBJECTS), [Caveat::NoTimeEvidence]);
}

#[test]
fn a_leaf_marked_as_an_authority_can_be_revoked() {
    let root = authority("Root").self_signed();
    let leaf = marked_leaf("Root").issued_by(&root);
    let list = root.revoking(&[&leaf]).signed();
    assert_eq!(presented(&leaf, &[]).under(&[&root]).with_lists(&[list]).refused(), revoked(&leaf));
    let good = root.revoking(&[]).signed();
    let caveats = presented(&leaf, &[]).under(&[&root]).with_lists(&[good]).verifies_through(&["CN=Root"]);
    assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::SignerIsAuthority]);
}

#[test]
fn a_leaf_that_is_an_anchor_and_was_revoked_is_refused() {
    let chain = Chain::new();
    let list = chain.intermediate.revoking(&[&chain.leaf]).signed();
    let attempt =
        presented(&chain.leaf, &[&chain.intermediate]).under(&[&chain.leaf, &chain.root]).with_lists(&[list]);
    assert_eq!(attempt.refused(), revoked(&chain.leaf));
}

#[test]
fn where_a_pin_stands_alone_lists_say_nothing_and_that_is_noted() {
    let chain = Chain::new();
    let attempt =
        presented(&chain.leaf, &[&chain.intermediate]).pinning(&chain.leaf).with_lists(&chain.good_lists());
    assert!(attempt.verifies_through(&[]).contains(&Caveat::RevocationNotChecked));
}

#[test]
fn a_list_holds_at_both_of_its_ends_and_not_beyond() {
    let chain = Chain::new();
    let list = chain.intermediate.revoking(&[]).holding("2030-05-01T00:00:00Z", "2030-07-01T00:00:00Z");
    let lists = [list.signed()];
    let at = |now| chain.with_lists(&lists).at(now);
    at("2030-05-01T00:00:00Z").verifies_through(&SUBJECTS);
    at("2030-07-01T00:00:00Z").verifies_through(&SUBJECTS);
    for now in ["2030-07-01T00:00:00.000000001Z", "2030-07-01T00:00:01Z"] {
        let next_update = time("2030-07-01T00:00:00Z");
        let issuer = "CN=CA".to_owned();
        assert_eq!(at(now).refused(), CertificateError::CrlExpired { issuer, next_update, now: time(now) });
    }
    for now in ["2030-04-30T23:59:59.999999999Z", "2030-04-30T23:59:59Z"] {
        let this_update = time("2030-05-01T00:00:00Z");
        let issuer = "CN=CA".to_owned();
        assert_eq!(
            at(now).refused(),
            CertificateError::CrlFromFuture { issuer, this_update, now: time(now) }
        );
    }
}

#[test]
fn a_list_is_judged_now_and_not_at_the_time_that_was_asserted() {
    let chain = Chain::new();
    let lists = chain.good_lists();
    let caveats = chain.with_lists(&lists).asserting("2030-02-01T00:00:00Z").verifies_through(&SUBJECTS);
    assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::TimeAsserted]);
    let found = chain.with_lists(&lists).at("2030-08-01T00:00:00Z").asserting(NOW).refused();
    assert!(matches!(found, CertificateError::CrlExpired { .. }), "{found:?}");
}

#[test]
fn a_list_that_another_key_signed_is_refused() {
    let chain = Chain::new();
    let list = chain.intermediate.revoking(&[]).forged_by(&chain.root).signed();
    chain.with_lists(&[list]).breaks("CN=Leaf", "signature of a revocation list");
}

#[test]
fn a_list_of_an_issuer_that_may_not_sign_lists_is_refused() {
    let root = authority("Root").self_signed();
    let intermediate = authority("CA").usages(&[KeyUsagePurpose::KeyCertSign]).issued_by(&root);
    let leaf = leaf("Leaf").issued_by(&intermediate);
    let list = intermediate.revoking(&[]).signed();
    presented(&leaf, &[&intermediate]).under(&[&root]).with_lists(&[list]).breaks("CN=Leaf", "cRLSign");
}

/// RFC 5280, section 6.3.3 (f), of an anchor too.
#[test]
fn a_list_of_an_anchor_that_may_not_sign_lists_is_refused() {
    let root = authority("Root").usages(&[KeyUsagePurpose::KeyCertSign]).self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let list = root.revoking(&[]).signed();
    presented(&leaf, &[]).under(&[&root]).with_lists(&[list]).breaks("CN=Leaf", "cRLSign");
}

#[test]
fn the_newest_list_of_an_issuer_counts() {
    let chain = Chain::new();
    let old = chain.intermediate.revoking(&[]).holding("2030-04-01T00:00:00Z", "2030-07-01T00:00:00Z");
    let new = chain.intermediate.revoking(&[&chain.leaf]).numbered(2);
    let (old, new) = (old.signed(), new.signed());
    for lists in [[old.clone(), new.clone()], [new, old]] {
        assert_eq!(chain.with_lists(&lists).refused(), revoked(&chain.leaf));
    }
}

/// Made in the same second, and told apart by their numbers.
#[test]
fn the_list_with_the_highest_number_counts_among_those_of_one_second() {
    let chain = Chain::new();
    let old = chain.intermediate.revoking(&[]).numbered(1).signed();
    let new = chain.intermediate.revoking(&[&chain.leaf]).numbered(2).signed();
    for lists in [[new.clone(), old.clone()], [old, new]] {
        assert_eq!(chain.with_lists(&lists).refused(), revoked(&chain.leaf));
    }
}

/// After a change of keys an authority may publish one list for each key.
#[test]
fn a_newer_list_of_a_namesake_does_not_hide_the_one_that_verifies() {
    let chain = Chain::new();
    let namesake = authority("CA").issued_by(&chain.root);
    let other = namesake.revoking(&[]).holding("2030-05-15T00:00:00Z", "2030-07-01T00:00:00Z").signed();
    let lists = [other, chain.intermediate.revoking(&[]).signed()];
    chain.with_lists(&lists).verifies_through(&SUBJECTS);
}

fn at_point(uri: &str) -> CrlDistributionPoint {
    CrlDistributionPoint { uris: vec![uri.to_owned()] }
}

#[test]
fn a_list_speaks_of_its_distribution_point_only() {
    let root = authority("Root").self_signed();
    let (here, there) = ("http://acme.example/here", "http://acme.example/there");
    let leaf = leaf("Leaf").with(|params| params.crl_distribution_points.push(at_point(here)));
    let leaf = leaf.issued_by(&root);
    let caveats = |uri| {
        let point = CrlIssuingDistributionPoint { distribution_point: at_point(uri), scope: None };
        let list = root.revoking(&[]).distributed(point).signed();
        presented(&leaf, &[]).under(&[&root]).with_lists(&[list]).verifies_through(&["CN=Root"])
    };
    assert_eq!(caveats(here), [Caveat::NoTimeEvidence]);
    assert_eq!(caveats(there), [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked]);
}

/// The list, for certificates of one kind.
fn partial(list: List<'_>, scope: CrlScope) -> CertificateRevocationList {
    let distribution_point = at_point("http://acme.example/crl");
    let point = CrlIssuingDistributionPoint { distribution_point, scope: Some(scope) };
    list.distributed(point).signed()
}

#[test]
fn a_list_for_authorities_only_says_nothing_of_a_leaf() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let list = partial(root.revoking(&[]), CrlScope::CaCertsOnly);
    let caveats = presented(&leaf, &[]).under(&[&root]).with_lists(&[list]).verifies_through(&["CN=Root"]);
    assert_eq!(caveats, [Caveat::NoTimeEvidence, Caveat::RevocationNotChecked]);
}

/// RFC 5280, section 6.3.3 (b) (2): what counts is how the certificate is
/// marked, and not where it stands.
#[test]
fn a_leaf_marked_as_an_authority_is_looked_up_in_the_list_of_authorities() {
    let root = authority("Root").self_signed();
    let leaf = marked_leaf("Leaf").issued_by(&root);
    let of_users = partial(root.revoking(&[]), CrlScope::UserCertsOnly);
    let of_authorities = partial(root.revoking(&[&leaf]), CrlScope::CaCertsOnly);
    let attempt = presented(&leaf, &[]).under(&[&root]).with_lists(&[of_users, of_authorities]);
    assert_eq!(attempt.refused(), revoked(&leaf));
}

/// Whoever stole its key chooses what else is in the bundle.
#[test]
fn a_revoked_anchor_is_not_saved_by_a_certificate_that_expired() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let list = root.revoking(&[&leaf]).signed();
    let junk = authority("Root").valid("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z").self_signed();
    for beside in [&[][..], &[&junk]] {
        let attempt = presented(&leaf, beside).under(&[&leaf, &root]);
        assert_eq!(attempt.with_lists(std::slice::from_ref(&list)).refused(), revoked(&leaf));
    }
}

#[test]
fn a_revoked_anchor_is_not_saved_by_a_long_search() {
    let root = authority("Root").self_signed();
    let leaf = leaf("Leaf").issued_by(&root);
    let list = root.revoking(&[&leaf]).signed();
    let junk: Vec<Holder> = (0..7).map(|_| authority("Root").self_signed()).collect();
    let attempt = presented(&leaf, &junk.iter().collect::<Vec<_>>()).under(&[&leaf, &root]);
    assert_eq!(attempt.with_lists(&[list]).refused(), revoked(&leaf));
}

const DELTA_INDICATOR: &str = "2.5.29.27";
const ISSUING_DISTRIBUTION_POINT: &str = "2.5.29.28";

#[test]
fn delta_lists_and_indirect_lists_are_not_read() {
    let list = Chain::new().root.revoking(&[]).der();
    assert!(CertificateRevocationList::all_from_bytes(&list).is_ok());
    // A base of number 1; and `indirectCRL [4] TRUE`.
    let delta = extended_list(&list, DELTA_INDICATOR, &[2, 1, 1]);
    let indirect = extended_list(&list, ISSUING_DISTRIBUTION_POINT, &[0x30, 3, 0x84, 1, 0xff]);
    for bytes in [delta, indirect] {
        let found = CertificateRevocationList::all_from_bytes(&bytes).unwrap_err();
        assert!(matches!(found, CrlError::Unsupported { .. }), "{found:?}");
    }
}

#[test]
fn a_list_with_an_unknown_critical_extension_is_not_read() {
    let list = extended_list(&Chain::new().root.revoking(&[]).der(), "1.3.6.1.99999", &[5, 0]);
    let found = CertificateRevocationList::all_from_bytes(&list).unwrap_err();
    assert!(matches!(found, CrlError::Unsupported { .. }), "{found:?}");
}

#[test]
fn a_serial_number_of_twenty_bytes_is_found_in_a_list() {
    let root = authority("Root").self_signed();
    let serial = SerialNumber::from_slice(&[0x7f; 20]);
    let leaf = leaf("Leaf").with(|params| params.serial_number = Some(serial)).issued_by(&root);
    let list = root.revoking(&[&leaf]).signed();
    assert_eq!(presented(&leaf, &[]).under(&[&root]).with_lists(&[list]).refused(), revoked(&leaf));
}
