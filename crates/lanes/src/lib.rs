//! SHA-256 of two independent streams at once on one core.
//!
//! The SHA extensions of x86-64 take several cycles for each instruction, and could
//! begin another one in every second of them: one stream leaves the unit idle half of
//! the time, since each round waits for the one before. Two interleaved streams use it.
//! More do not help: their states no longer fit into the registers.
//!
//! Elsewhere, and for one stream alone, the rounds are those of `sha2`, which knows the
//! extensions of each processor itself.

#[cfg(target_arch = "x86_64")]
mod x86;

use sha2::digest::generic_array::GenericArray;
use sha2::digest::generic_array::typenum::U64;

/// Bytes in a block of SHA-256.
const BLOCK: usize = 64;
/// The fractional parts of the square roots of the first eight primes (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A running SHA-256 (FIPS 180-4).
#[derive(Clone, Debug)]
pub struct Sha256 {
    state: [u32; 8],
    /// The beginning of a block.
    rest: [u8; BLOCK],
    /// Bytes until now.
    length: u64,
}

impl Default for Sha256 {
    fn default() -> Self {
        Self { state: INITIAL, rest: [0; BLOCK], length: 0 }
    }
}

impl Sha256 {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `bytes`. A message has at most 2^61 bytes, which is not checked.
    pub fn update(&mut self, bytes: &[u8]) {
        let (blocks, rest) = self.fill(bytes).as_chunks();
        compress(&mut self.state, blocks);
        self.keep(rest);
    }

    /// Adds `bytes` to this one and `other_bytes` to `other`, which is faster than one
    /// after the other.
    pub fn update_both(&mut self, bytes: &[u8], other: &mut Self, other_bytes: &[u8]) {
        let (blocks, rest) = self.fill(bytes).as_chunks();
        let (other_blocks, other_rest) = other.fill(other_bytes).as_chunks();
        let both = blocks.len().min(other_blocks.len());
        let (here, there) = (blocks.split_at(both), other_blocks.split_at(both));
        compress_both(&mut self.state, here.0, &mut other.state, there.0);
        compress(&mut self.state, here.1);
        compress(&mut other.state, there.1);
        self.keep(rest);
        other.keep(other_rest);
    }

    /// The digest of all that was added.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.length.wrapping_mul(8).to_be_bytes();
        let begun = self.begun();
        let mut padding = [0; 2 * BLOCK];
        padding[0] = 0x80;
        let length = if begun < BLOCK - 8 { BLOCK - begun } else { 2 * BLOCK - begun };
        padding[length - 8..length].copy_from_slice(&bits);
        self.update(&padding[..length]);
        let mut digest = [0; 32];
        for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *bytes = word.to_be_bytes();
        }
        digest
    }

    /// Bytes of the block that is begun.
    #[expect(clippy::cast_possible_truncation, reason = "less than a block")]
    fn begun(&self) -> usize {
        (self.length % BLOCK as u64) as usize
    }

    /// Completes the block that is begun, and counts all of `bytes`. What is left of
    /// them begins with a whole block, or is kept.
    fn fill<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let begun = self.begun();
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if begun == 0 {
            return bytes;
        }
        let (head, tail) = bytes.split_at(bytes.len().min(BLOCK - begun));
        self.rest[begun..begun + head.len()].copy_from_slice(head);
        if begun + head.len() == BLOCK {
            compress(&mut self.state, &[self.rest]);
        }
        tail
    }

    /// Keeps the beginning of a block, where there is one.
    fn keep(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.rest[..rest.len()].copy_from_slice(rest);
        }
    }
}

fn compress(state: &mut [u32; 8], blocks: &[[u8; BLOCK]]) {
    let (first, count) = (blocks.as_ptr().cast::<GenericArray<u8, U64>>(), blocks.len());
    // SAFETY: a `GenericArray` of 64 bytes is laid out as `[u8; 64]`, which its crate promises and
    // `from_slice` rests on as well; pointer, length and lifetime are those of `blocks`.
    let blocks = unsafe { std::slice::from_raw_parts(first, count) };
    sha2::compress256(state, blocks);
}

/// As many blocks of one as of the other.
fn compress_both(
    state: &mut [u32; 8],
    blocks: &[[u8; BLOCK]],
    other: &mut [u32; 8],
    other_blocks: &[[u8; BLOCK]],
) {
    #[cfg(target_arch = "x86_64")]
    if x86::is_available() {
        return x86::compress_both(state, blocks, other, other_blocks);
    }
    compress(state, blocks);
    compress(other, other_blocks);
}

/// Whether two streams are faster than one here.
pub fn has_two_lanes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return x86::is_available();
    #[cfg(not(target_arch = "x86_64"))]
    false
}
