//! What is computed is SHA-256: NIST's vectors, and `sha2` on everything else.

use modelseal_lanes::Sha256;
use proptest::prelude::*;
use sha2::Digest;

fn hex(digest: [u8; 32]) -> String {
    digest.map(|byte| format!("{byte:02x}")).concat()
}

fn expected(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// Both at once, in pieces of these lengths.
fn both(a: &[u8], b: &[u8], pieces: &[(usize, usize)]) -> [[u8; 32]; 2] {
    let (mut left, mut right) = (Sha256::new(), Sha256::new());
    let (mut a, mut b) = (a, b);
    for (of_a, of_b) in pieces {
        let (head_a, tail_a) = a.split_at((*of_a).min(a.len()));
        let (head_b, tail_b) = b.split_at((*of_b).min(b.len()));
        left.update_both(head_a, &mut right, head_b);
        (a, b) = (tail_a, tail_b);
    }
    left.update_both(a, &mut right, b);
    [left.finish(), right.finish()]
}

/// FIPS 180-4's examples, and the long one of NIST's: a million times `a`.
#[test]
fn published_vectors_are_met_in_either_lane() {
    let million = vec![b'a'; 1_000_000];
    let vectors: [(&[u8], &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for (message, digest) in vectors {
        let mut alone = Sha256::new();
        alone.update(message);
        assert_eq!(hex(alone.finish()), digest);
        for (other, of_other) in vectors {
            assert_eq!(both(message, other, &[]).map(hex), [digest, of_other]);
        }
    }
}

/// Padding begins another block, or does not.
#[test]
fn every_length_around_a_block_is_right() {
    let bytes: Vec<u8> = (0..200_u8).collect();
    for length in 0..=bytes.len() {
        for other in [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 200] {
            let (a, b) = (&bytes[..length], &bytes[bytes.len() - other..]);
            assert_eq!(both(a, b, &[]), [expected(a), expected(b)], "{length} {other}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever the lengths, where they are cut, and how they lie in memory.
    #[test]
    fn it_is_what_sha2_computes(
        a in prop::collection::vec(any::<u8>(), 0..2000),
        b in prop::collection::vec(any::<u8>(), 0..2000),
        pieces in prop::collection::vec((0..300_usize, 0..300_usize), 0..12),
        skipped in 0..16_usize,
    ) {
        let (a, b) = (&a[skipped.min(a.len())..], &b[(skipped / 2).min(b.len())..]);
        prop_assert_eq!(both(a, b, &pieces), [expected(a), expected(b)]);
        let mut alone = Sha256::new();
        for piece in a.chunks(skipped + 1) {
            alone.update(piece);
        }
        prop_assert_eq!(alone.finish(), expected(a));
    }
}

#[test]
fn what_was_begun_in_pieces_goes_on_from_a_copy() {
    let mut begun = Sha256::new();
    begun.update(b"ab");
    let mut copy = begun.clone();
    begun.update(b"c");
    copy.update(b"d");
    assert_eq!([begun.finish(), copy.finish()], [expected(b"abc"), expected(b"abd")]);
}
