//! The rounds of two streams in turn, with the SHA extensions.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_ror_epi32, _mm_set_epi8, _mm_set_epi32,
    _mm_set_epi64x, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32, _mm_srli_epi32, _mm_ternarylogic_epi32,
};

use crate::BLOCK;

/// The fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
const K: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Whether this processor has the extensions. It is asked once.
pub(crate) fn is_available() -> bool {
    std::is_x86_feature_detected!("sha")
        && std::is_x86_feature_detected!("ssse3")
        && std::is_x86_feature_detected!("sse4.1")
}

fn has_avx512vl() -> bool {
    std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vl")
}

/// As many blocks of one as of the other. The extensions have to be there.
pub(crate) fn compress_both(
    state: &mut [u32; 8],
    blocks: &[[u8; BLOCK]],
    other: &mut [u32; 8],
    other_blocks: &[[u8; BLOCK]],
) {
    assert!(is_available(), "the caller looks");
    if has_avx512vl() {
        // SAFETY: the one thing that could be wrong is that the processor, or the system, lacks an
        // instruction or its registers: all that this way takes were just asked for.
        return unsafe { rotating::interleaved(state, blocks, other, other_blocks) };
    }
    // SAFETY: as above; this way takes what `is_available` asks for and no more.
    unsafe { plain::interleaved(state, blocks, other, other_blocks) }
}

/// One stream: `ABEF` and `CDGH` as the instructions have them, and the last sixteen words
/// of the message schedule.
#[derive(Clone, Copy)]
struct Lane {
    abef: __m128i,
    cdgh: __m128i,
    words: [__m128i; 4],
}

/// Four rounds of both lanes in turn, so that one computes while the other waits; the
/// message schedule, three words behind and one ahead, in between. `$schedule` begins it.
macro_rules! four_rounds {
    ($lanes:expr, $schedule:ident, $quad:literal) => {{
        const NOW: usize = $quad % 4;
        const BEFORE: usize = (NOW + 3) % 4;
        const NEXT: usize = (NOW + 1) % 4;
        let [here, there] = &mut $lanes;
        let [k0, k1, k2, k3] = K[$quad].map(u32::cast_signed);
        let k = _mm_set_epi32(k3, k2, k1, k0);
        let (words, other_words) = (_mm_add_epi32(here.words[NOW], k), _mm_add_epi32(there.words[NOW], k));
        here.cdgh = _mm_sha256rnds2_epu32(here.cdgh, here.abef, words);
        there.cdgh = _mm_sha256rnds2_epu32(there.cdgh, there.abef, other_words);
        if 3 <= $quad && $quad < 15 {
            for lane in [&mut *here, &mut *there] {
                let sum = _mm_alignr_epi8(lane.words[NOW], lane.words[BEFORE], 4);
                let sum = _mm_add_epi32(lane.words[NEXT], sum);
                lane.words[NEXT] = _mm_sha256msg2_epu32(sum, lane.words[NOW]);
            }
        }
        let (words, other_words) = (_mm_shuffle_epi32(words, 0x0e), _mm_shuffle_epi32(other_words, 0x0e));
        here.abef = _mm_sha256rnds2_epu32(here.abef, here.cdgh, words);
        there.abef = _mm_sha256rnds2_epu32(there.abef, there.cdgh, other_words);
        if 1 <= $quad && $quad < 13 {
            for lane in [here, there] {
                lane.words[BEFORE] = $schedule(lane.words[BEFORE], lane.words[NOW]);
            }
        }
    }};
}

/// A way through the rounds, for processors with some features.
macro_rules! interleaved {
    ($module:ident, $features:literal, $schedule:ident) => {
        mod $module {
            use super::*;

            #[target_feature(enable = $features)]
            pub(super) fn interleaved(
                state: &mut [u32; 8],
                blocks: &[[u8; BLOCK]],
                other: &mut [u32; 8],
                other_blocks: &[[u8; BLOCK]],
            ) {
                let mut states = [packed(state), packed(other)];
                for (block, other_block) in blocks.iter().zip(other_blocks) {
                    let [[a, b], [c, d]] = states;
                    let mut lanes = [
                        Lane { abef: a, cdgh: b, words: words(block) },
                        Lane { abef: c, cdgh: d, words: words(other_block) },
                    ];
                    four_rounds!(lanes, $schedule, 0);
                    four_rounds!(lanes, $schedule, 1);
                    four_rounds!(lanes, $schedule, 2);
                    four_rounds!(lanes, $schedule, 3);
                    four_rounds!(lanes, $schedule, 4);
                    four_rounds!(lanes, $schedule, 5);
                    four_rounds!(lanes, $schedule, 6);
                    four_rounds!(lanes, $schedule, 7);
                    four_rounds!(lanes, $schedule, 8);
                    four_rounds!(lanes, $schedule, 9);
                    four_rounds!(lanes, $schedule, 10);
                    four_rounds!(lanes, $schedule, 11);
                    four_rounds!(lanes, $schedule, 12);
                    four_rounds!(lanes, $schedule, 13);
                    four_rounds!(lanes, $schedule, 14);
                    four_rounds!(lanes, $schedule, 15);
                    let [here, there] = lanes;
                    states = [
                        [_mm_add_epi32(a, here.abef), _mm_add_epi32(b, here.cdgh)],
                        [_mm_add_epi32(c, there.abef), _mm_add_epi32(d, there.cdgh)],
                    ];
                }
                let [here, there] = states;
                unpack(here, state);
                unpack(there, other);
            }
        }
    };
}

interleaved!(plain, "sha,ssse3,sse4.1", msg1);
interleaved!(rotating, "sha,ssse3,sse4.1,avx512f,avx512vl", msg1_by_rotations);

/// `before` plus σ0 of the word after each (FIPS 180-4, 6.2.2).
#[inline]
#[target_feature(enable = "sha")]
fn msg1(before: __m128i, now: __m128i) -> __m128i {
    _mm_sha256msg1_epu32(before, now)
}

/// The same, and leaves the unit that does the rounds to them: on Sapphire Rapids it is busy
/// for 3 cycles with two rounds, and for 4 with `sha256msg1`.
#[inline]
#[target_feature(enable = "ssse3,avx512f,avx512vl")]
fn msg1_by_rotations(before: __m128i, now: __m128i) -> __m128i {
    const XOR_OF_THREE: i32 = 0x96;
    let next = _mm_alignr_epi8(now, before, 4);
    let (seven, eighteen) = (_mm_ror_epi32::<7>(next), _mm_ror_epi32::<18>(next));
    let sigma = _mm_ternarylogic_epi32::<XOR_OF_THREE>(seven, eighteen, _mm_srli_epi32::<3>(next));
    _mm_add_epi32(before, sigma)
}

/// A block as four times four words of big-endian bytes.
#[target_feature(enable = "ssse3")]
fn words(block: &[u8; BLOCK]) -> [__m128i; 4] {
    let big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    let halves = block.as_chunks::<8>().0;
    let half = |at: usize| i64::from_le_bytes(halves[at]);
    [0, 2, 4, 6].map(|at| _mm_shuffle_epi8(_mm_set_epi64x(half(at + 1), half(at)), big_endian))
}

#[target_feature(enable = "sse2")]
fn packed(state: &[u32; 8]) -> [__m128i; 2] {
    let words = state.map(u32::cast_signed);
    let pack = |[a, b, c, d]: [usize; 4]| _mm_set_epi32(words[a], words[b], words[c], words[d]);
    [pack([0, 1, 4, 5]), pack([2, 3, 6, 7])]
}

#[target_feature(enable = "sse4.1")]
fn unpack([abef, cdgh]: [__m128i; 2], state: &mut [u32; 8]) {
    *state = [
        _mm_extract_epi32(abef, 3),
        _mm_extract_epi32(abef, 2),
        _mm_extract_epi32(cdgh, 3),
        _mm_extract_epi32(cdgh, 2),
        _mm_extract_epi32(abef, 1),
        _mm_extract_epi32(abef, 0),
        _mm_extract_epi32(cdgh, 1),
        _mm_extract_epi32(cdgh, 0),
    ]
    .map(i32::cast_unsigned);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Interleaved = unsafe fn(&mut [u32; 8], &[[u8; BLOCK]], &mut [u32; 8], &[[u8; BLOCK]]);

    fn ways() -> Vec<Interleaved> {
        let mut ways: Vec<Interleaved> = vec![];
        if is_available() {
            ways.push(plain::interleaved);
        }
        if is_available() && has_avx512vl() {
            ways.push(rotating::interleaved);
        }
        ways
    }

    fn blocks() -> impl Strategy<Value = Vec<[u8; BLOCK]>> {
        prop::collection::vec(prop::array::uniform(any::<u8>()), 3)
    }

    proptest! {
        /// A processor takes one of them, so that tests of hashes see no other.
        #[test]
        fn every_way_that_this_processor_has_is_sha256(
            state: [u32; 8], here in blocks(), other: [u32; 8], there in blocks(),
        ) {
            let (mut expected, mut other_expected) = (state, other);
            crate::compress(&mut expected, &here);
            crate::compress(&mut other_expected, &there);
            for way in ways() {
                let (mut found, mut other_found) = (state, other);
                // SAFETY: `ways` asked for the instructions.
                unsafe { way(&mut found, &here, &mut other_found, &there) };
                prop_assert_eq!((found, other_found), (expected, other_expected));
            }
        }
    }
}
