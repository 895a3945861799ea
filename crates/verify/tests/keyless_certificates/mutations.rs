//! Certificates that somebody altered: nothing panics, and none is believed,
//! though the log took it as it is.

use std::sync::LazyLock;

use modelseal_verify::{Trust, VerifyError, verify};
use proptest::prelude::*;

use crate::tampering::{edits, mutated};
use crate::verified;
use crate::world::{Instance, PERSON, Signed, person};

struct Scene {
    instance: Instance,
    trust: Trust,
    signed: Signed,
}

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
    let instance = Instance::new();
    let trust = instance.trust(PERSON);
    let signed = instance.signed(&person().claims(17, "4242"));
    Scene { instance, trust, signed }
});

/// The verdict about the signature with another certificate, that the log was
/// shown too.
fn is_believed(leaf: Vec<u8>) -> bool {
    let signed = SCENE.signed.showing(leaf);
    let verdict = verify(signed.bundle(&[SCENE.instance.logged(&signed)]), &SCENE.trust);
    assert!(matches!(verdict, Ok(_) | Err(VerifyError::Sigstore(_))), "{verdict:?}");
    verdict.is_ok()
}

#[test]
fn the_certificate_itself_is_believed() {
    let signed = &SCENE.signed;
    verified(signed.bundle(&[SCENE.instance.logged(signed)]), &SCENE.trust);
    assert!(is_believed(signed.leaf.clone()));
}

#[test]
fn no_flipped_bit_of_the_certificate_is_believed() {
    for index in 0..SCENE.signed.leaf.len() {
        let mut leaf = SCENE.signed.leaf.clone();
        leaf[index] ^= 1 << (index % 8);
        assert!(!is_believed(leaf), "byte {index}");
    }
}

#[test]
fn no_cut_certificate_is_believed() {
    for length in 0..SCENE.signed.leaf.len() {
        assert!(!is_believed(SCENE.signed.leaf[..length].to_vec()), "{length} bytes");
    }
}

proptest! {
    #[test]
    fn a_certificate_that_was_tampered_with_is_never_believed(
        edits in edits()
    ) {
        let leaf = mutated(&SCENE.signed.leaf, &edits);
        prop_assume!(leaf != SCENE.signed.leaf);
        prop_assert!(!is_believed(leaf));
    }

    #[test]
    fn any_bytes_as_a_certificate_are_refused(leaf in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!is_believed(leaf));
    }

    /// What Fulcio did issue, whatever it says: nothing panics.
    #[test]
    fn any_bytes_in_the_extensions_of_a_certificate_are_read_or_refused(
        names in prop::collection::vec(any::<u8>(), 0..40),
        (number, content) in (0_u64..30, prop::collection::vec(any::<u8>(), 0..40)),
        is_named in any::<bool>(),
    ) {
        let profile = if is_named { person() } else { person().raw_names(&names) };
        let bundle = SCENE.instance.bundle(&profile.says(number, &content));
        let _ = verify(bundle, &SCENE.trust);
    }
}
